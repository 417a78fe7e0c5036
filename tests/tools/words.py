#!/usr/bin/env python3
"""words.py [--list] [ROOT]: counts clauses that stand where English has a noun.

A comment of runtime/, pacer/ or include/ says "the value", and not "what was stored"; "the thread
that lowers it", and not "whoever lowers it".  The words below are counted, in any case of letters,
and the check fails when there are more than MOST.  MOST falls with the count, and does not rise.

With --list: prints the place of each.
"""
import pathlib
import re
import sys

WORDS = ("what", "who", "whoever", "nobody", "somebody", "anybody")
FOLDERS = ("runtime", "pacer", "include")
MOST = 40

ARGUMENTS = [argument for argument in sys.argv[1:] if argument != "--list"]
ROOT = pathlib.Path(ARGUMENTS[0] if ARGUMENTS else pathlib.Path(__file__).resolve().parents[2])

# A literal is matched first, so that a comment's beginning within one does not count.
TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.S)
WORD = re.compile(rf"(?<![\w-])(?:{'|'.join(WORDS)})(?![\w-])", re.I)


def sources():
    for folder in FOLDERS:
        yield from sorted(path for path in (ROOT / folder).rglob("*") if path.suffix in {".c", ".h"})


def found_in(path):
    text = path.read_text(errors="replace")
    for token in TOKEN.finditer(text):
        if token.group().startswith("/"):
            for match in WORD.finditer(token.group()):
                number = text.count("\n", 0, token.start() + match.start()) + 1
                yield f"{path.relative_to(ROOT)}:{number}: {match.group()}"


def main():
    files = list(sources())
    places = [place for path in files for place in found_in(path)]
    if "--list" in sys.argv or len(places) > MOST:
        print("\n".join(places))
    print(f"{len(files)} files: {len(places)} of {', '.join(WORDS)} in comments, at most {MOST}")
    return len(places) > MOST or not files


if __name__ == "__main__":
    sys.exit(main())
