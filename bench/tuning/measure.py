#!/usr/bin/env python3
"""measure.py [--build DIR] COMMAND: the figures of docs/tuning.md and docs/choose.md.

  table NAME    prints a table, in Markdown
  plot NAME     draws a plot, docs/tuning/NAME.svg, with gnuplot
  write [NAME]  measures all of them, or one, and puts them into the pages: all take two to three
                minutes
  check         whether the pages have the benchmarks that there are, with as many objects for each
                operation, and every plot; measures no time

NAME: Append, Join, Cut, Convert, Buffer, Points, Collect, Report (benchmarks of the program
tuning), rate, gogc, limit (runs of `gait run paced`), choose (recordings), profile.
"""
import argparse
import datetime
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs/tuning.md", ROOT / "docs/choose.md"]
PLOTS = ROOT / "docs/tuning"
BLOCK = re.compile(r"(?<=<!-- measured: )(?P<name>\w+) -->\n(?P<text>.*?)"
                   r"(?=<!-- end of measured -->)", re.S)
MIB = 1 << 20
CHOSEN = ["lru", "100000", "12000000"]  # the workload of docs/choose.md
build = ROOT / "build/release"


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=True, **more)


def gait(*arguments, **more):
    return run(build / "tools/gait", *arguments, **more)


def markdown(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def short(number):
    """Three figures, with commas."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


# ---- Benchmarks ----

LINE = re.compile(r"^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$", re.M)


def results(text):
    """Of each benchmark the values by unit; of several lines those with the least time."""
    found = {}
    for name, pairs in LINE.findall(text):
        words = pairs.split()
        values = {unit: float(value) for value, unit in zip(words[::2], words[1::2])}
        if name not in found or values["ns/op"] < found[name]["ns/op"]:
            found[name] = values
    return found


@functools.lru_cache(maxsize=None)
def benchmarks(group, *arguments):
    arguments = arguments or ("-benchtime=100ms", "-count=5", "-collector")
    program = build / "tests/examples/tuning/tuning"
    return results(run(program, f"-bench={group}/", *arguments).stdout)


def rows_of_benchmarks(group, *arguments):
    for name, values in benchmarks(group, *arguments).items():
        time = "gc-cpu-ns/op" if group == "Collect" else "ns/op"
        yield [f"`{name}`", short(values[time]), short(values["B/op"]),
               short(values["allocs/op"]), short(values["cycles/op"] * 1000)]


def table_of_benchmarks(group):
    time = "GC CPU, ns/op" if group == "Collect" else "ns/op"
    text = markdown(["benchmark", time, "B/op", "allocs/op", "cycles in 1,000 op"],
                    rows_of_benchmarks(group))
    if group == "Report":
        text += f"\n{gain(list(benchmarks(group).values()))}\n"
    if group == "Buffer":
        text += f"\n{crossing(benchmarks(group))}\n"
    return text


def gain(values):
    before, after = values[0], values[-1]
    return (f"From {before['allocs/op']:.0f} objects to {after['allocs/op']:.0f}, "
            f"{before['ns/op'] / after['ns/op']:.1f} times the speed, and "
            f"{before['B/op'] / after['B/op']:.0f} times fewer cycles.")


def crossing(found):
    """The size from which on the pool is faster than a new object."""
    sizes = [name.split("/")[2] for name in found if "/new/" in name]
    faster = [size for size in sizes if
              found[f"Buffer/pool/{size}"]["ns/op"] < found[f"Buffer/new/{size}"]["ns/op"]]
    return (f"Of these sizes, the pool is faster from {int(faster[0]):,} bytes on." if faster
            else "The pool is faster at none of these sizes.")


# ---- Runs ----

LIVE = 40  # MB


def paced(rate, seconds, *options):
    """A steady live heap, for so long at a rate in MB a second, if there are the CPUs for it."""
    text = gait("run", "--json", "--option=idle_help=off", *options, "paced", "steady", LIVE, rate,
                seconds * rate).stdout
    told = json.loads(text)
    gigabytes = told["alloc_bytes"] / 1e9
    return {"cycles_per_gb": told["cycles"] / gigabytes,
            "law_per_gb": told["cycles_by_law"] / gigabytes,
            "ms_per_gb": 1000 * told["gc_cpu_seconds"] / gigabytes,
            "rate": told["alloc_bytes"] / told["seconds"] / 1e6, "seconds": told["seconds"],
            "cycles": told["cycles"] / told["seconds"],
            "law": told["cycles_by_law"] / told["seconds"],
            "cpu": 100 * told["gc_cpu_share"], "peak": told["mapped_peak_bytes"] / MIB}


@functools.lru_cache(maxsize=None)
def data(name):
    if name == "rate":
        return [(gogc, paced(rate, 2, f"--gogc={gogc}")) for gogc in (100, 400)
                for rate in (100, 200, 300, 400, 600)]
    if name == "gogc":
        return [(gogc, paced(400, 3, f"--gogc={gogc}")) for gogc in (25, 50, 100, 200, 400, 800)]
    if name == "limit":
        return [(limit, paced(400, 3, "--gogc=off", f"--memory-limit={limit}MiB"))
                for limit in (50, 52, 56, 64, 80, 112, 176, 304)]
    return choose()


def table_of_runs(name):
    heads = {"rate": ["GOGC", "MB/s", "cycles/s", "by the law", "GC CPU"],
             "gogc": ["GOGC", "cycles in a GB", "by the formula", "GC CPU in a GB, ms",
                      "peak, MiB"],
             "limit": ["limit, MiB", "cycles in a GB", "GC CPU in a GB, ms", "peak, MiB",
                       "the run, s"]}
    rows = []
    for key, told in data(name):
        cells = {"MB/s": f"{told['rate']:.0f}", "the run, s": f"{told['seconds']:.1f}",
                 "cycles/s": f"{told['cycles']:.1f}",
                 "by the law": f"{told['law']:.1f}",
                 "cycles in a GB": short(told["cycles_per_gb"]),
                 "by the formula": short(told["law_per_gb"]),
                 "GC CPU in a GB, ms": short(told["ms_per_gb"]), "GC CPU": f"{told['cpu']:.1f}%",
                 "peak, MiB": f"{told['peak']:.0f}"}
        rows.append([key] + [cells[head] for head in heads[name][1:]])
    return markdown(heads[name], rows)


# ---- A choice ----

def choose():
    """For each GOGC: foretold by what-if from one recording, and measured."""
    settings = (25, 50, 100, 200, 400, 800)
    with tempfile.NamedTemporaryFile("w+", suffix=".log") as log:
        log.write(gait("run", "--trace", *CHOSEN).stderr)
        log.flush()
        told = json.loads(gait("what-if", log.name, "--json", "--gogc",
                               ",".join(map(str, settings))).stdout)
        advice = [(budget, gait("advise", log.name, "--json", *budget).stdout)
                  for budget in (["--gc-cpu=2"], ["--peak=200MiB"])]
    rows = []
    for row in told:
        true = json.loads(gait("run", "--json", "--cycles", f"--gogc={row['gogc']}",
                               *CHOSEN).stdout)
        true["peak"] = max(cycle["at_mark_end_bytes"] for cycle in true["timeline"]) / MIB
        rows.append((row, true))
    return rows, [(" ".join(budget), json.loads(text)) for budget, text in advice]


def table_of_choice():
    rows, advice = data("choose")
    text = markdown(
        ["GOGC", "cycles foretold", "cycles", "peak heap foretold, MiB", "peak heap, MiB"],
        [[row["gogc"], f"{row['cycles']:.0f} ({row['cycles_low']:.0f}-{row['cycles_high']:.0f})",
          true["cycles"], f"{row['peak_heap_bytes'] / MIB:.0f} "
          f"({row['peak_heap_bytes_low'] / MIB:.0f}-{row['peak_heap_bytes_high'] / MIB:.0f})",
          f"{true['peak']:.0f}"] for row, true in rows])
    for budget, told in advice:
        setting = f"GOGC={told['gogc'] or 'off'}"
        if told.get("memory_limit"):
            setting += f", limit {told['memory_limit'] / MIB:.0f} MiB"
        text += f"\n`gait advise run.log {budget}`: {setting}.\n"
    return text


# ---- Plots ----

HEAD = """set terminal svg size 720,360 dynamic background rgb 'white' font 'sans-serif,13' \
name 'NAME'
set output 'FILE'
set border 3; set tics nomirror; set grid lc rgb '#dddddd'; set key top left reverse Left
set style data linespoints
"""


def gnuplot(name, commands, **blocks):
    """Draws a plot of blocks of data, each a list of rows."""
    text = HEAD.replace("NAME", name).replace("FILE", str(PLOTS / f"{name}.svg"))
    for block, rows in blocks.items():
        lines = "\n".join(" ".join(map(str, row)) for row in rows)
        text += f"${block} << END\n{lines}\nEND\n"
    PLOTS.mkdir(exist_ok=True)
    run("gnuplot", input=text + commands)


def plot_rate():
    rows = data("rate")
    blocks, slope = {}, {}
    for gogc in (100, 400):
        told = [row for key, row in rows if key == gogc]
        blocks[f"g{gogc}"] = [(row["rate"], row["cycles"]) for row in told]
        slope[gogc] = sum(row["law"] for row in told) / sum(row["rate"] for row in told)
    gnuplot("rate", f"""
set xlabel 'allocated, MB/s'; set ylabel 'cycles/s'; set xrange [0:]; set yrange [0:]
plot $g100 with points pt 7 ps 0.8 lc rgb '#1f5fa8' title 'GOGC=100, measured', \\
     {slope[100]} * x with lines lc rgb '#1f5fa8' title 'by the formula', \\
     $g400 with points pt 5 ps 0.8 lc rgb '#c4561b' title 'GOGC=400, measured', \\
     {slope[400]} * x with lines lc rgb '#c4561b' title 'by the formula'
""", **blocks)


def apart(rows):
    """Those of which the first numbers are far enough from each other for labels."""
    kept = []
    for row in rows:
        if not kept or row[0] > 1.1 * kept[-1][0]:
            kept.append(row)
    return kept


def plot_cost(name, label):
    rows = [(key, told["ms_per_gb"], told["peak"]) for key, told in data(name)]
    gnuplot(name, f"""
set logscale x 2; set xlabel '{label}'; set ylabel 'GC CPU for each GB allocated, ms'
set y2label 'mapped at most, MiB'; set y2tics; set yrange [0:]; set y2range [0:]; set border 11
set xtics ({", ".join(f"'{row[0]}' {row[0]}" for row in apart(rows))}); set key top center
plot $rows using 1:2 pt 7 ps 0.8 lc rgb '#1f5fa8' title 'CPU', \\
     '' using 1:3 axes x1y2 pt 5 ps 0.8 lc rgb '#c4561b' title 'memory'
""", rows=rows)


def plot_buffer():
    found = {"new": [], "pool": []}
    for name, values in benchmarks("Buffer").items():
        _, way, size = name.split("/")
        found[way].append((size, values["ns/op"]))
    gnuplot("buffer", """
set logscale xy; set xlabel 'bytes of an object'; set ylabel 'ns for one'
set xtics ('32' 32, '1 KiB' 1024, '4 KiB' 4096, '16 KiB' 16384, '64 KiB' 65536, '1 MiB' 1048576)
plot $new pt 7 ps 0.8 lc rgb '#1f5fa8' title 'a new one', \\
     $pool pt 5 ps 0.8 lc rgb '#c4561b' title 'from a pool, and back'
""", **found)


def plot_report():
    rows = [(name.split("/")[1], values["allocs/op"], values["ns/op"] / 1000)
            for name, values in benchmarks("Report").items()]
    gnuplot("report", """
set style data histograms; set style fill solid; set boxwidth 0.9; set key top right
set ylabel 'objects'; set y2label 'us'; set y2tics; set yrange [0:]; set y2range [0:]; set border 11
plot $rows using 2:xtic(1) lc rgb '#1f5fa8' title 'objects', \\
     '' using 3 axes x1y2 lc rgb '#c4561b' title 'time'
""", rows=rows)


def plot_choose():
    rows, _ = data("choose")
    told = [(row["gogc"], row["peak_heap_bytes"] / MIB, 100 * row["gc_cpu_share"],
             row["peak_heap_bytes_low"] / MIB, row["peak_heap_bytes_high"] / MIB,
             100 * row["gc_cpu_share_low"], 100 * row["gc_cpu_share_high"]) for row, _ in rows]
    true = [(true["peak"], 100 * true["gc_cpu_share"]) for _, true in rows]
    gnuplot("choose", """
set logscale x 2; set xlabel 'peak heap, MiB'; set ylabel "collector's share of the CPUs, %"
set yrange [0:]; set key top right; set xrange [48:1024]
plot $told using 2:3:4:5:6:7 with xyerrorbars pt 0 lc rgb '#bbbbbb' title 'its range', \\
     '' using 2:3 pt 7 ps 0.8 lc rgb '#1f5fa8' title 'foretold from one run at GOGC=100', \\
     $true with points pt 5 ps 0.8 lc rgb '#c4561b' title 'measured', \\
     $told using 2:3:(sprintf("%d", $1)) with labels left offset 0.6,0.7 notitle
""", told=told, true=true)


PLOT = {"rate": plot_rate, "gogc": lambda: plot_cost("gogc", "GOGC"),
        "limit": lambda: plot_cost("limit", "memory limit, MiB, with GOGC=off"),
        "buffer": plot_buffer, "report": plot_report, "choose": plot_choose}
GROUPS = ["Append", "Join", "Cut", "Convert", "Buffer", "Points", "Collect", "Report"]


# ---- The pages ----

def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    names = re.findall(r"^model name\s*: (.*)$", text, re.M)
    return (f"On {datetime.date.today()}, {text.count('processor')} CPUs "
            f"({names[0] if names else 'aarch64'}).\n")


def profile():
    """Of the report before any change: sites, and how long their objects live."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "before.pb.gz"
        run(build / "tests/examples/tuning/tuning", "-bench=Report/before", "-benchtime=10000x",
            env=dict(os.environ, GAIT_PROFILE=str(file)))
        text = gait("profile", file, "--lifetimes").stdout
    return f"```text\n{text.rstrip()}\n```\n"


def table(name):
    if name == "profile":
        return profile()
    if name == "machine":
        return machine()
    if name == "choose":
        return table_of_choice()
    if name in GROUPS:
        return table_of_benchmarks(name)
    return table_of_runs(name)


def write(only=None):
    """All of the tables and plots, or the one that is named so."""
    def filled(block):
        if only and block["name"] != only:
            return block.group()
        return f"{block['name']} -->\n{table(block['name'])}"

    for page in PAGES:
        page.write_text(BLOCK.sub(filled, page.read_text()))
    for name, draw in PLOT.items():
        if not only or name == only.lower():
            draw()


def counted(rows):
    """Names and objects: not those of pools, which cycles empty."""
    return [(row[0], row[3] if "pool/" not in row[0] else "") for row in rows]


def check():
    faults = []
    blocks = {}
    for page in PAGES:
        text = page.read_text()
        blocks.update((block["name"], block["text"]) for block in BLOCK.finditer(text))
        plots = re.findall(r"\(tuning/(\w+)\.svg\)", text)
        faults += [f"{page.name}: no plot {name}" for name in plots
                   if name not in PLOT or not (PLOTS / f"{name}.svg").is_file()]
    for group in GROUPS:
        made = counted(rows_of_benchmarks(group, "-benchtime=3x", "-collector"))
        shown = counted([[cell.strip() for cell in line.strip("| ").split("|")]
                         for line in blocks.get(group, "").split("\n") if line.startswith("| `")])
        faults += [f"{group}: {row} {'is not in' if row in made else 'is in'} the page"
                   for row in sorted(set(made) ^ set(shown))]
    faults += [f"no place for {name}"
               for name in ("machine", "profile", "rate", "gogc", "limit", "choose")
               if name not in blocks]
    print("\n".join(faults) or f"{len(blocks)} tables hold")
    return bool(faults)


def main():
    global build
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n", maxsplit=1)[0] + "\n\n" +
                                     __doc__.split("\n\n", maxsplit=1)[1])
    parser.add_argument("--build", type=pathlib.Path, default=build)
    parser.add_argument("command", choices=["table", "plot", "write", "check"])
    parser.add_argument("name", nargs="?", choices=GROUPS + [*PLOT, "machine", "profile"])
    given = parser.parse_args()
    build = given.build
    if given.command in ("table", "plot") and not given.name:
        parser.error("table and plot take a name")
    if given.command == "table":
        print(table(given.name), end="")
    elif given.command == "plot":
        PLOT[given.name]()
    elif given.command == "write":
        write(given.name)
    else:
        return check()
    return 0


if __name__ == "__main__":
    sys.exit(main())
