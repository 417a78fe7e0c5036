"""The results as text, Markdown, JSON and a page."""
import json
import re

from contestants import LABELS, ROOT, SOURCES
from work import WORK

TITLES = {work.name: work for work in WORK}


def title_of(row, quick):
    """The work's name for a person; the sizes that it speaks of are the full ones."""
    note = f" (quick: {' '.join(row['arguments'])})" if quick else ""
    return TITLES[row["name"]].title + note


def cell(metric, figure):
    return f"{figure['median'] / metric.unit:.{metric.digits}f}"


def spread(metric, figure):
    return " .. ".join(f"{figure[end] / metric.unit:.{metric.digits}f}" for end in ("min", "max"))


def ratio(figures, who, key):
    """Gait's median over the peer's; None where one of them has none."""
    ours, theirs = figures.get("gait", {}).get(key), figures[who].get(key)
    if who == "gait" or ours is None or not theirs["median"]:
        return None
    return ours["median"] / theirs["median"]


# ---- Text ----

def text_work(row, quick):
    lines = [title_of(row, quick)]
    for metric in TITLES[row["name"]].metrics:
        figures = {who: found for who, found in row["figures"].items() if metric.key in found}
        if not figures:
            continue
        lines.append(f"  {metric.label:44} {'median':>10}  {'spread':>22}  Gait / peer")
        for who, found in figures.items():
            figure, times = found[metric.key], ratio(figures, who, metric.key)
            lines.append(f"    {LABELS[who]:42} {cell(metric, figure):>10}  "
                         f"{spread(metric, figure):>22}  "
                         + (f"{times:11.2f}" if times is not None else ""))
    lines += [f"  FAILED {LABELS[who]}: {why}" for who, why in row["failed"].items()]
    return "\n".join(lines)


def verdict(goal):
    if goal["met"] is None:
        return "not measured" if goal["value"] is None else "not judged"
    return "met" if goal["met"] else "MISSED"


def number(value):
    return "" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def text_goals(goals):
    lines = [f"{'goal':66} {'value':>8} {'bound':>8}"]
    lines += [f"  {goal['goal']:64} {number(goal['value']):>8} {number(goal['bound']):>8}  "
              f"{verdict(goal)}" for goal in goals if goal["value"] is not None]
    others = sum(goal["value"] is None for goal in goals)
    if others > 0:
        lines.append(f"  and {others} for which a figure was not measured")
    return "\n".join(lines)


def text(report):
    parts = [text_work(row, report["quick"]) for row in report["work"]]
    parts.append(text_goals(report["goals"]))
    about = [f"{LABELS[name]} {found['version']}" for name, found in report["contestants"].items()
             if not found["absent"]]
    parts.append("Compared: " + ", ".join(about))
    absent = [f"{LABELS[name]} is absent: {found['absent']}"
              for name, found in report["contestants"].items() if found["absent"]]
    return "\n\n".join(parts + (["\n".join(absent)] if absent else []))


# ---- Markdown ----

def markdown_line(row, metric, columns):
    cells = []
    for who in columns:
        figure = row["figures"].get(who, {}).get(metric.key)
        if figure is None:
            cells.append("")
            continue
        times = ratio(row["figures"], who, metric.key)
        cells.append(f"{cell(metric, figure)} ({spread(metric, figure)})"
                     + (f" **{times:.2f}**" if times is not None else ""))
    return f"| {metric.label} | " + " | ".join(cells) + " |"


def markdown(report):
    lines = []
    for row in report["work"]:
        columns = list(row["figures"])
        lines += [f"**{title_of(row, report['quick'])}**", "",
                  "| | " + " | ".join(LABELS[who] for who in columns) + " |",
                  "|---|" + "---|" * len(columns)]
        lines += [markdown_line(row, metric, columns) for metric in TITLES[row["name"]].metrics
                  if any(metric.key in found for found in row["figures"].values())]
        lines.append("")
    lines += ["| goal | value | bound | |", "|---|---|---|---|"]
    lines += [f"| {goal['goal']} | {number(goal['value'])} | {number(goal['bound'])} | "
              f"{verdict(goal)} |" for goal in report["goals"]]
    return "\n".join(lines) + "\n"


# ---- The page ----

def page_groups(report):
    """What the page draws: for each work and metric the contestants with their runs."""
    groups = []
    for row in report["work"]:
        plots = []
        for metric in TITLES[row["name"]].metrics:
            bars = [{"who": LABELS[who], "median": found[metric.key]["median"] / metric.unit,
                     "values": [value / metric.unit for value in found[metric.key]["values"]],
                     "ratio": ratio(row["figures"], who, metric.key)}
                    for who, found in row["figures"].items() if metric.key in found]
            if bars:
                plots.append({"label": metric.label, "digits": metric.digits, "bars": bars})
        groups.append({"title": title_of(row, report["quick"]), "plots": plots})
    return groups


def page_data(report):
    contestants = report["contestants"]
    return {"title": "Gait beside its peers", "command": report["command"],
            "version": contestants["gait"]["version"],
            "groups": page_groups(report), "goals": report["goals"], "date": report["date"],
            "machine": report["machine"],
            "contestants": [f"{LABELS[name]} {found['version']}" if not found["absent"]
                            else f"{LABELS[name]}: absent"
                            for name, found in contestants.items()]}


def page(report):
    """One file that needs no other, in the frame of the pages that the command `gait` writes."""
    pages = ROOT / "tools" / "page"
    folders = (SOURCES, pages, pages / "vendor" / "uplot")
    roles = {"body": "compare.html", "script": "compare.js"}

    def part(mark):
        if mark[1] == "data":
            # With `/` escaped, no text in the data can end the element that holds it.
            return json.dumps(page_data(report)).replace("/", "\\/")
        name = roles.get(mark[1], mark[1])
        found = next(folder / name for folder in folders if (folder / name).exists())
        return found.read_text(encoding="utf-8")

    frame = (pages / "frame.html").read_text(encoding="utf-8")
    return re.sub("@@([A-Za-z._]+)@@", part, frame)
