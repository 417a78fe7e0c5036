"""The page gait_options(7), out of the table that `gait options` prints."""
import re

import man_command
import man_header
import man_roff
from man_roff import bold, filled, item, literal

MANUAL = "Gait"
ROW = re.compile(r"^(\w+) \((\w+)\): (.*)\n +default (.*?), range (.*), unit (.*)$", re.M)
DEBUG = "Debug: "


def rows(gait):
    table = man_command.printed(gait, "options")
    found = ROW.findall(table)
    if len(found) * 2 != table.count("\n"):
        raise SystemExit("the table of options is not as man_options.py reads it")
    return found


def listed(found):
    lines = []
    for name, environment, purpose, initial, values, unit in found:
        purpose = purpose.removeprefix(DEBUG)
        unit = f"  \\fIUnit:\\fR {literal(unit)}." if unit else ""
        lines += item(f"{bold(name)}, {bold(environment)}",
                      filled(man_roff.escaped(purpose[0].upper() + purpose[1:])))
        lines += [".IP"] + filled(f"\\fIDefault:\\fR {literal(initial)}.  "
                                  f"\\fIValues:\\fR {literal(values)}.{unit}")
    return lines


def docstring(folder, function):
    """The paragraphs of a function's docstring."""
    _, sections = man_header.read(folder / "gait.h")
    text = next(part.doc for _, items in sections for part in items if function in part.names())
    for kind, *rest in man_header.blocks(text):
        if kind == "text":
            yield man_header.contract(rest[0])


def described(folder, words):
    lines = filled("A heap has these options. A program sets them by name with "
                   f"{words.name('gait_options_set', '')}, or in a "
                   f"{words.name('gait_options', '')} of its own, and hands them to "
                   f"{words.name('gait_heap_create', '')}; a heap that is created without any "
                   "takes them from the environment. The command \\fBgait\\fR(1) takes them by "
                   "name, too.")
    for function in ("gait_options_set", "gait_options_from_environment"):
        for prose, _ in docstring(folder, function):
            lines += item(bold(function) + "(3)", filled(words.mark(prose)))
    return lines


def errors(folder, words):
    lines = []
    for function in ("gait_options_set", "gait_options_from_environment", "gait_heap_create"):
        for _, clauses in docstring(folder, function):
            for label, text in clauses:
                if label == "Fails":
                    lines += item(bold(function) + "(3)", filled(words.mark(text)))
    return lines


def examples():
    return man_roff.code(["GAIT_GOGC=200 GAIT_MEMORY_LIMIT=512MiB ./program", "GAIT_TRACE=on ./program",
                          "gait run lru 100000 1000000 --option min_heap=64MiB"])


def page(gait, root, of, release):
    folder = root / "include/gait"
    words = man_roff.Words(of, None)
    found = rows(gait)
    plain = [row for row in found if not row[2].startswith(DEBUG)]
    debug = [row for row in found if row[2].startswith(DEBUG)]
    body, failures = described(folder, words), errors(folder, words)
    near = [(1, "gait"), (1, "gait-options"), (1, "gait-run")]
    near += sorted({(3, page) for page in words.mentioned + ["gait"]})
    return man_roff.page("gait_options", 7, release, MANUAL, [
        ("NAME", ["gait_options \\- options of a heap of the garbage collector Gait"]),
        ("DESCRIPTION", body), ("OPTIONS", listed(plain)),
        ("OPTIONS THAT HELP TO FIND BUGS", listed(debug)), ("ERRORS", failures),
        ("EXAMPLES", examples()), ("SEE ALSO", man_roff.references(near))])
