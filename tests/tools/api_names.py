#!/usr/bin/env python3
"""api_names.py [ROOT] [GC.H]: what the guides of the API name is in the public headers.

In the pages below, each word that begins with gait_ is one of include/gait/, without its comments,
or a name of the code that is shown; each that begins with GAIT_ is there too, or is an option's
variable in docs/options.md.

Each function of bdwgc's gc.h has its row in docs/from-bdwgc.md, where that header is: GC.H, or
/usr/include/gc/gc.h.
"""
import pathlib
import re
import sys

PAGES = ("docs/embedding.md", "docs/from-bdwgc.md")
ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
BDWGC = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "/usr/include/gc/gc.h")

NAME = re.compile(r"(?<![\w./-])(?:gait_[a-z0-9_]+|GAIT_[A-Z0-9_]+)\b")


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def names_of_headers():
    text = "".join(without_comments(path.read_text())
                   for path in sorted((ROOT / "include/gait").glob("*.h*")))
    return set(re.findall(r"\w+", text))


def check_names():
    known = names_of_headers()
    known |= set(re.findall(r"GAIT_[A-Z0-9_]+", (ROOT / "docs/options.md").read_text()))
    for page in PAGES:
        for number, line in enumerate((ROOT / page).read_text().split("\n"), 1):
            for match in NAME.finditer(line):
                if match.group() not in known:
                    yield f"{page}:{number}: {match.group()} is in no public header"


def check_table():
    """The functions that gc.h declares, but for those of other systems and of its own macros."""
    declared = set(re.findall(r"\bGC_CALL\s+(GC_\w+)\(", without_comments(BDWGC.read_text())))
    table = set(re.findall(r"`(GC_\w+)`", (ROOT / "docs/from-bdwgc.md").read_text()))
    for name in sorted(declared - table - {"GC_find_limit", "GC_noop1"}):
        yield f"docs/from-bdwgc.md: {name} of {BDWGC} is missing"


def main():
    faults = list(check_names())
    if BDWGC.exists():
        faults += check_table()
    for fault in faults:
        print(fault)
    if not faults:
        print(f"{' and '.join(PAGES)}: all names hold")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
