#!/usr/bin/env python3
"""cites.py [--write] [ROOT]: checks models, litmus tests and the collector against one another.

A step of a model, and the comment at the head of a litmus test, cite as

    runtime/folder/file.c: function, function (operation operation)

The function is there, and calls the operations or names the orders.  The comment at the head of the
file ends with the models and tests that cite it, "Models: fork, start.  Litmus: epoch.", and with no
others; public headers say nothing of tests.  docs/design/cites.md has all citations as a table.

With --write: makes these lines and the table.
"""
import collections
import pathlib
import re
import sys

ARGUMENTS = [word for word in sys.argv[1:] if word != "--write"]
WRITE = "--write" in sys.argv
ROOT = pathlib.Path(ARGUMENTS[0] if ARGUMENTS else pathlib.Path(__file__).resolve().parents[2])
TABLE = ROOT / "docs/design/cites.md"
DEFINITION = re.compile(r"^[A-Za-z][^;{}()]*?\b(\w+)\(", re.M)
# In a model prose may follow after a comma: a function has an underscore.
STEP = re.compile(r"((?:runtime|include)/[\w/]+\.[ch]): (\w+(?:, \w*_\w*)*)")
HEAD = re.compile(r"((?:runtime|include)/[\w/]+\.[ch]): (\w+(?: \([^)]*\))?"
                  r"(?:, \w+(?: \([^)]*\))?)*)")
LINE = re.compile(r"(?:\s*\n \*)*\s*\b(?:Models:[\w, \n*-]+\.\s*)?(?:Litmus:[\w, \n*-]+\.)?\s*\*/\Z")


def citations():
    """Yields family, test, file, function and operations of each citation."""
    for test in sorted((ROOT / "tests/model").glob("*.pml")):
        text = re.sub(r"\s*\n\s*\*\s+|\s+", " ", test.read_text())
        for file, functions in STEP.findall(text):
            for function in functions.split(", "):
                yield "Models", test.stem, file, function, []
    for test in sorted((ROOT / "tests/litmus").glob("*.litmus")):
        head = re.sub(r"\s*\n \*\s*", " ", test.read_text().split("*)")[0])
        for file, functions in HEAD.findall(head):
            for function, operations in re.findall(r"(\w+)(?: \(([^)]*)\))?", functions):
                yield "Litmus", test.stem, file, function, operations.split()


def functions_of(path):
    """Maps the functions that a file defines to their bodies."""
    text, found = path.read_text(), {}
    for match in DEFINITION.finditer(text):
        brace = re.compile(r"[^;{}]*\{").match(text, match.end())
        if brace and not match.group().startswith("#"):
            found[match.group(1)] = text[brace.end():text.find("\n}", brace.end())]
    return found


def wrap(words, first, width=100):
    """Lines of a comment."""
    lines, line = [], first
    for word in words:
        if len(line) + 1 + len(word) > width - 3:
            lines.append(line)
            line = " *"
        line += " " + word
    return "\n".join(lines + [line])


def head_line(families):
    parts = [f"{family}: {', '.join(sorted(families[family]))}."
             for family in ("Models", "Litmus") if families[family]]
    return "  ".join(parts)


def with_head_line(text, line):
    """The text of a file with that line, or none, at the end of its first comment."""
    first = re.match(r"/\*(?:(?!\*/).)*\*/", text, re.S)
    if not first:
        return f"{wrap(line.split(' '), '/*')} */\n{text}" if line else text
    comment, rest = first.group(), text[first.end():]
    bare = LINE.sub("", comment)
    bare = bare if bare != comment else re.sub(r"\s*\*/\Z", "", comment)
    if not line:
        return f"{bare} */{rest}" if bare.strip("/* \n") else rest.lstrip("\n")
    if not bare.strip("/* \n"):
        return f"{wrap(line.split(' '), '/*')} */{rest}"
    return f"{bare}\n *\n{wrap(line.split(' '), ' *')} */{rest}"


def table(cited):
    rows = ["| file | function | models | litmus tests |", "|---|---|---|---|"]
    for (file, function), families in sorted(cited.items()):
        rows.append(f"| `{file}` | `{function}` | {', '.join(sorted(families['Models']))} | "
                    f"{', '.join(sorted(families['Litmus']))} |")
    return "\n".join(rows) + "\n"


def with_table(text, made):
    begin = text.index("<!-- written by tests/tools/cites.py --write -->\n")
    begin = text.index("\n", begin) + 2
    return text[:begin] + made + text[text.index("\n\n", begin) + 1:] if "\n\n" in text[begin:] else \
        text[:begin] + made


def update(path, text, faults, fault):
    if path.read_text() == text:
        return
    if WRITE:
        path.write_text(text)
    else:
        faults.append(f"{path.relative_to(ROOT)}: {fault}: tests/tools/cites.py --write")


def main():
    known, faults = {}, []
    cited = collections.defaultdict(lambda: collections.defaultdict(set))
    by_file = collections.defaultdict(lambda: collections.defaultdict(set))
    for family, test, file, function, operations in citations():
        path = ROOT / file
        known.setdefault(file, functions_of(path) if path.exists() else {})
        if function not in known[file]:
            faults.append(f"{test} cites {function}, which is not in {file}")
            continue
        cited[file, function][family].add(test)
        by_file[file][family].add(test)
        for operation in operations:
            if not re.search(rf"\b{operation}\b", known[file][function]):
                faults.append(f"{test}: {function} in {file} has no {operation}")
    if not cited:
        faults.append("no model and no litmus test cites the collector")
    for path in sorted((ROOT / "runtime").rglob("*.[ch]")):
        line = head_line(by_file[str(path.relative_to(ROOT))])
        update(path, with_head_line(path.read_text(), line), faults, "the line of citations is old")
    if TABLE.exists():
        update(TABLE, with_table(TABLE.read_text(), table(cited)), faults, "the table is old")
    for fault in faults:
        print("FAIL", fault)
    if not faults:
        print(f"{sum(len(tests) for families in cited.values() for tests in families.values())} "
              "citations hold")
    return bool(faults)


sys.exit(main())
