#!/usr/bin/env python3
"""basenames.py [ROOT]: C sources of the tree have names that no other one has.

A debugger, a trace of the stack and an editor's list show the last part of a path alone.  EXCEPTIONS
has the names that several files still have, and how many: the list is there to get shorter, until it
is empty.  A name that is on it and is unique by now fails as well, and so does one file more.

The frozen headers of an earlier version (tests/abi/frozen) are copies by intention.
"""
import collections
import pathlib
import re
import sys

EXCEPTIONS = {
    # A layer, and an example or a test program of the same subject.
    "abi.h": 2, "roots.c": 2, "registers.c": 2, "start.c": 2, "system.c": 2, "latency.c": 2,
    "latency.h": 2, "check.h": 2,
    # Programs in tests/ and bench/.
    "cap.c": 2, "check.c": 2, "corpus.c": 2, "limits.c": 2,
    # The same work, by Gait and by a peer.
    "alloc.c": 2, "binary_trees.c": 2, "lru.c": 2, "mark_graph.c": 2,
    # Programs of their own.
    "main.c": 3,
}
ENDINGS = {".c", ".h", ".cc", ".cpp", ".S"}
LEFT_OUT = re.compile(r"(^|/)(build|\.git|vendor|node_modules)/|^tests/abi/frozen/")

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])


def main():
    places = collections.defaultdict(list)
    for path in sorted(ROOT.rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if path.suffix in ENDINGS and not LEFT_OUT.search(name):
            places[path.name].append(name)
    faults = []
    for name, files in sorted(places.items()):
        if len(files) > EXCEPTIONS.get(name, 1):
            faults.append(f"{name} is the name of {len(files)}: {', '.join(files)}")
    for name, most in EXCEPTIONS.items():
        if len(places[name]) < 2 <= most:
            faults.append(f"{name} is unique now: take it off EXCEPTIONS")
    print("\n".join(faults) or f"{len(places)} names, {len(EXCEPTIONS)} of several files")
    return bool(faults) or not places


if __name__ == "__main__":
    sys.exit(main())
