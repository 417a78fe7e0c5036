#!/usr/bin/env python3
"""check_trace.py TRACE: a timeline in the trace event format of Chrome, as its readers want it.

Each event has the members of its phase; slices of a track lie one in another or one after another,
which Perfetto's importer wants too; each cycle has its phases inside it, and each handshake its
answers; names of tracks are given before they are used.
"""
import json
import math
import sys

MEMBERS = {"M": {"name", "args"}, "X": {"name", "tid", "ts", "dur", "args"},
           "i": {"name", "tid", "ts", "s"}, "C": {"name", "ts", "args"}}
CYCLES, HANDSHAKES, ANSWERS = 1 << 30, (1 << 30) + 1, (1 << 30) + 16


def require(holds, words):
    if not holds:
        raise SystemExit(f"check_trace: {words}")


def check_members(event):
    require(event.get("ph") in MEMBERS, f"a phase that is none: {event}")
    wanted = MEMBERS[event["ph"]] | {"ph", "pid"}
    require(wanted <= set(event), f"a member is missing: {event}")
    for member in ("ts", "dur"):
        if member in event:
            require(isinstance(event[member], (int, float)) and event[member] >= 0 and
                    math.isfinite(event[member]), f"{member}: {event}")
    for member in ("tid", "pid"):
        if member in event:
            require(isinstance(event[member], int) and 0 < event[member] < 1 << 31,
                    f"{member}: {event}")
    if event["ph"] == "C":
        require(all(isinstance(value, (int, float)) for value in event["args"].values()),
                f"a counter that is no number: {event}")


def check_nesting(slices):
    open_until = []
    for event in sorted(slices, key=lambda slice: (slice["ts"], -slice["dur"])):
        begin, end = event["ts"], event["ts"] + event["dur"]
        while open_until and open_until[-1] <= begin + 0.001:
            open_until.pop()
        require(not open_until or end <= open_until[-1] + 0.001, f"it outlasts its slice: {event}")
        open_until.append(end)


def main(path):
    with open(path, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    tracks, named = {}, set()
    for event in events:
        check_members(event)
        if event["name"] == "thread_name":
            named.add(event["tid"])
        if event["ph"] == "X":
            tracks.setdefault(event["tid"], []).append(event)
    for track, slices in tracks.items():
        require(track in named, f"track {track} has no name")
        check_nesting(slices)
    names = [event["name"] for event in tracks.get(CYCLES, [])]
    cycles = sum(name.startswith("cycle ") for name in names)
    require(cycles > 0 and names.count("mark") >= cycles and names.count("sweep") >= cycles,
            f"{cycles} cycles, {names.count('mark')} times mark")
    require(tracks.get(HANDSHAKES), "no handshake")
    answers = [track for track in tracks if track >= ANSWERS]
    require(answers, "no answer")
    require(all("late_us" in event["args"] for track in answers for event in tracks[track]),
            "an answer without its lateness")
    counters = {event["name"] for event in events if event["ph"] == "C"}
    require({"heap live bytes", "heap goal bytes", "heap trigger bytes"} <= counters,
            f"counters: {counters}")
    print(f"{len(events)} events, {len(tracks)} tracks, {cycles} cycles")


main(sys.argv[1])
