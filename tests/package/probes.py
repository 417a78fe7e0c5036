#!/usr/bin/env python3
"""probes.py LIBRARY ROOT [PROGRAM]: the probes in the library's notes, those in the manual and those
in the sources are the same, with the same number of arguments; the scripts for bpftrace use no
others.  Where bpftrace can trace PROGRAM, the command gait, each script counts what the program
says of itself.

Exit status 77: the library was built without sys/sdt.h.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

LIBRARY, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
PROGRAM = sys.argv[3] if len(sys.argv) > 3 else None
SCRIPTS = sorted((ROOT / "tools/bpftrace").glob("*.bt"))
faults = []


def in_library():
    """Of each probe the number of its arguments, of readelf's notes."""
    notes = subprocess.run(["readelf", "-n", LIBRARY], capture_output=True, text=True, check=True)
    found = re.findall(r"Provider: gait\n\s+Name: (\w+)\n.*\n\s+Arguments: (.*)", notes.stdout)
    return {name: len(re.findall(r"-?\d@", arguments)) for name, arguments in found}


def in_manual():
    text = (ROOT / "docs/manual.md").read_text()
    table = re.search(r"<!-- probes -->\n(.*?)<!-- end of probes -->", text, re.S).group(1)
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (.*) \|$", table, re.M)
    return {name: len(re.findall(r"`\w+`", re.sub(r"\(.*?\)(?!\))", "", arguments)))
            for name, arguments in rows}


def in_sources():
    texts = (path.read_text() for path in (ROOT / "runtime").rglob("*.c"))
    return {name: int(count) for text in texts
            for count, name in re.findall(r"\bPROBE([0-9])\((\w+),", text)}


def compare(what, found, wanted):
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            faults.append(f"{name}: {found.get(name)} arguments in {what}, {wanted.get(name)} in "
                          "the library")


def check_script(path, wanted):
    used = set(re.findall(r"^usdt:\$1:gait:(\w+)$", path.read_text(), re.M))
    if not used or used - wanted.keys():
        faults.append(f"{path.name}: no such probe: {', '.join(used - wanted.keys()) or 'none'}")
    for name, body in re.findall(r"^usdt:\$1:gait:(\w+)\n(.*?^\})", path.read_text(), re.M | re.S):
        most = max(map(int, re.findall(r"\barg(\d)\b", body)), default=-1)
        if most >= wanted.get(name, 0):
            faults.append(f"{path.name}: {name} has no arg{most}")


# ---- Tracing ----

def bpftrace(*arguments):
    return subprocess.run(["bpftrace", *map(str, arguments)], capture_output=True, text=True)


def value(output, name):
    """The sum of what a map has under all of its keys."""
    found = re.findall(rf"^@{name}(?:\[[^]]*\])?: (\d+)$", output, re.M)
    return sum(map(int, found))


def trace(name):
    command = f"{PROGRAM} run --json --threads=2 binary-trees 14"
    ran = bpftrace("-q", ROOT / f"tools/bpftrace/{name}.bt", PROGRAM, "-c", command)
    text = ran.stdout + ran.stderr
    lines = [line for line in text.split("\n") if line.startswith("{")]
    if not lines:
        faults.append(f"{name}: {text}")
        return "", {}
    return text, json.loads(lines[0])


def check_counts():
    output, told = trace("assists")
    # One more may end when that is told.
    if not 0 <= value(output, "cycles") - told["cycles"] <= 1:
        faults.append(f"assists: {value(output, 'cycles')} cycles of {told['cycles']}")
    output, told = trace("memory")
    if not told["alloc_bytes"] <= value(output, "run_bytes") <= told["alloc_bytes"] * 2:
        faults.append(f"memory: {value(output, 'run_bytes')} bytes of {told['alloc_bytes']}\n{output}")
    output, told = trace("late")
    if not 0 < value(output, "last") <= 10 * told["cycles"]:
        faults.append(f"late: {value(output, 'last')} handshakes, {told['cycles']} cycles\n{output}")


def main():
    wanted = in_library()
    if not wanted:
        print("the library has no probes: there was no sys/sdt.h")
        return 77
    compare("the manual", in_manual(), wanted)
    compare("the sources", in_sources(), wanted)
    for path in SCRIPTS:
        check_script(path, wanted)
    traced = "no"
    if PROGRAM and shutil.which("bpftrace"):
        probe = bpftrace("-e", f"usdt:{PROGRAM}:gait:cycle_end {{ @n = count(); }} END {{ }}", "-c",
                         f"{PROGRAM} run binary-trees 10")
        if re.search(r"^@n: \d", probe.stdout, re.M):
            traced = "and"
            check_counts()
    print("\n".join(faults) or f"{len(wanted)} probes, {traced} traced")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
