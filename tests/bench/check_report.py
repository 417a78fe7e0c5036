"""check_report.py FILE RUNS PEER...: the report is whole, and the named peers took part."""
import json
import sys

path, runs, needed = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
with open(path, encoding="utf-8") as file:
    report = json.load(file)

assert report["quick"] and report["runs"] == runs, "not what was asked for"
contestants = report["contestants"]
present = {name for name, found in contestants.items() if not found["absent"]}
assert all(found["version"] or found["absent"] for found in contestants.values()), contestants
assert "gait" in present and present.issuperset(needed), contestants
assert len(report["goals"]) > 20 and all(goal["met"] is None for goal in report["goals"])

took_part = set()
for work in report["work"]:
    assert work["failed"] == {}, (work["name"], work["failed"])
    assert "gait" in work["figures"], work["name"]
    took_part |= set(work["figures"])
    ops = {figures["ops"]["median"] for figures in work["figures"].values()}
    assert len(ops) == 1, (work["name"], "not the same work", ops)
    for who, figures in work["figures"].items():
        for key in ("ops", "seconds", "ns_per_op", "peak_rss_bytes", "stolen_seconds"):
            figure = figures[key]
            assert len(figure["values"]) == runs, (work["name"], who, key)
            assert figure["min"] <= figure["median"] <= figure["max"], (work["name"], who, key)
            assert figure["min"] > 0 or key == "stolen_seconds", (work["name"], who, key)
assert took_part.issuperset(needed), took_part
if needed:
    # The whole work, and every goal had Gait's side of its figures.
    assert len(report["work"]) >= 20, len(report["work"])
    assert took_part == present, (took_part, present)
    alone = [goal for goal in report["goals"] if goal["value"] is None]
    measured = [goal for goal in report["goals"] if goal["value"] is not None]
    assert len(measured) >= 10, alone
