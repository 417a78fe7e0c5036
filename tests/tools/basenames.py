#!/usr/bin/env python3
"""basenames.py [ROOT]: C sources of the tree have names that no other one has.

A debugger, a trace of the stack and an editor's list show the last part of a path alone.  The
frozen headers of an earlier version (tests/abi/frozen) are copies by intention.
"""
import collections
import pathlib
import re
import sys

ENDINGS = {".c", ".h", ".cc", ".cpp", ".S"}
LEFT_OUT = re.compile(r"(^|/)(build|\.git|vendor|node_modules)/|^tests/abi/frozen/")

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])


def main():
    places = collections.defaultdict(list)
    for path in sorted(ROOT.rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if path.suffix in ENDINGS and not LEFT_OUT.search(name):
            places[path.name].append(name)
    faults = [f"{name} is the name of {len(files)}: {', '.join(files)}"
              for name, files in sorted(places.items()) if len(files) > 1]
    print("\n".join(faults) or f"{len(places)} names, each of one file")
    return bool(faults) or not places


if __name__ == "__main__":
    sys.exit(main())
