#!/usr/bin/env python3
"""comments.py [ROOT]: comments of C sources keep their layout.

A comment often has a table, a row a name:

 *   name, other  the text, which goes on
 *                below itself

A tool that fills paragraphs runs such rows together, and the labels at the end of a contract into
the text before them.  Found here: a line of text straight after a row; columns in a line of text;
a label after one space; a head that names another file; a comment line of over 100 columns.
"""
import pathlib
import re
import sys

FOLDERS = ("runtime", "pacer", "include", "tools", "bench", "tests")
ENDINGS = {".c", ".h", ".hpp", ".cc"}
COLUMNS = 100

HEAD = re.compile(r"/\* ([\w-]+\.(?:h|hpp|c)): ")
ROW = re.compile(r" *(/\*| \*)   +\S")
BROKEN_ROW = re.compile(r" *\* [a-z]")
COLUMNS_IN_TEXT = re.compile(r" *\* \S.*\S {4,}\S")
LABEL = re.compile(r"[\w)]\. (Thread|GC|Fails|Locks|Race): ")
COMMENT = re.compile(r" *(/\*| \*|//)")

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])


def faults(path):
    before = ""
    for number, line in enumerate(path.read_text().split("\n"), 1):
        head = HEAD.match(line) if number == 1 else None
        if head and head.group(1) != path.name:
            yield number, f"the head names {head.group(1)}"
        if ROW.match(before) and BROKEN_ROW.match(line):
            yield number, "text straight after a row of a table"
        elif COLUMNS_IN_TEXT.match(line):
            yield number, "columns in a line of text"
        if COMMENT.match(line) and LABEL.search(line):
            yield number, "a label within a paragraph: give it a line, or two spaces"
        if COMMENT.match(line) and len(line) > COLUMNS:
            yield number, f"{len(line)} columns, more than {COLUMNS}"
        before = line


def main():
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))
             if path.suffix in ENDINGS and "frozen" not in path.parts and "model" not in path.parts]
    found = [f"{path.relative_to(ROOT)}:{number}: {fault}"
             for path in files for number, fault in faults(path)]
    print("\n".join(found + [f"{len(files)} files, {len(found)} faults"]))
    return bool(found) or not files


if __name__ == "__main__":
    sys.exit(main())
