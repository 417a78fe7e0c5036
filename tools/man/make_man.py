#!/usr/bin/env python3
"""make_man.py --root ROOT --out DIR --version VERSION --date DATE [--gait COMMAND]

Makes the man pages of Gait in DIR/man1, man3 and man7: gait(3) with a page for each section of the
public headers, out of their docstrings; and where COMMAND is there, which is run, gait(1) with a
page for each of its commands, out of tools/gait/commands.txt and their --help, and gait_options(7),
out of the table of options.  DIR/compressed has the same, compressed.
"""
import argparse
import gzip
import pathlib
import shutil

import man_command
import man_library
import man_options


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("--root", "--out"):
        parser.add_argument(name, type=pathlib.Path, required=True)
    for name in ("--version", "--date"):
        parser.add_argument(name, required=True)
    parser.add_argument("--gait")
    return parser.parse_args()


def write(folder, section, name, text):
    """A page, and the page compressed; equal pages are equal files."""
    for path, data in ((folder, text.encode()), (folder / "compressed", compressed(text))):
        path = path / f"man{section}"
        path.mkdir(parents=True, exist_ok=True)
        suffix = ".gz" if path.parent.name == "compressed" else ""
        (path / f"{name}.{section}{suffix}").write_bytes(data)


def compressed(text):
    return gzip.compress(text.encode(), mtime=0)


def main():
    given = arguments()
    release = (given.version, given.date)
    sections = list(man_library.sections(given.root))
    of = man_library.pages_of(sections)
    shutil.rmtree(given.out, ignore_errors=True)
    for name, text in man_library.pages(sections, of, given.root, release):
        write(given.out, 3, name, text)
    if given.gait:
        for name, text in man_command.pages(given.gait, given.root, release):
            write(given.out, 1, name, text)
        write(given.out, 7, "gait_options", man_options.page(given.gait, given.root, of, release))


if __name__ == "__main__":
    main()
