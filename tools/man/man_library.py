"""Pages of section 3: one a section of gait.h, and one for each other header that people use."""
import re
import textwrap

import man_header
import man_roff
from man_roff import bold, code, filled, italic, item

MANUAL = "Gait Library"
DOCLESS = "Its values and members:"  # of a type whose name says all


class Section:
    """The material of a page: its name, the words of its NAME, the header that a program includes,
    the text at its head, its items."""

    def __init__(self, name, summary, header):
        self.name = name
        self.summary = summary
        self.header = header
        self.head = ""
        self.items = []

    def functions(self):
        return [name for part in self.items for name in part.names()]

    def types(self):
        return [part.type() for part in self.items if part.type()]

    def names(self):
        """All that the page is found by; its own name first."""
        found = [self.name] + self.types() + self.functions()
        return list(dict.fromkeys(found))


def halves(folder):
    """The functions that inline ones call, and macros: a program does not."""
    text = (folder / "inline.h").read_text()
    called = re.findall(r"\b(gait_\w+)\(", text)
    defined = re.findall(r"^(?:static inline [\w ]*\*?|#define )(gait_\w+)\(", text, re.M)
    return set(called) - set(defined)


def without(items, names):
    """The items without the functions of these names."""
    for part in items:
        kept = [words for words in "\n".join(part.code).split(";")
                if not any(f"{name}(" in words for name in names)]
        if part.functions():
            part.code = [";".join(kept)]
        if "".join(kept).strip():
            yield part


NO_PAGE = {"inline.h", "renamed.h"}  # no interface; old names


def read_headers(folder):
    """The headers, by name: the text at the head, and the sections that no page has yet."""
    found = {}
    for path in sorted(folder.glob("*.h")):
        if path.name not in NO_PAGE:
            head, parts = man_header.read(path)
            found[path.name] = (head, dict(parts))
    return found


def sections(root):
    """The pages that sections.txt names."""
    folder, table = root / "include/gait", root / "tools/man/sections.txt"
    headers = read_headers(folder)
    inner = halves(folder)
    included = re.findall(r'#include "gait/(\w+\.h)"', (folder / "gait.h").read_text())
    for line in table.read_text().split("\n"):
        if line and not line.startswith("#"):
            name, sources, summary = (field.strip() for field in line.split("|"))
            first = re.match(r"\w+\.h", sources).group()
            section = Section(name, summary, "gait.h" if first in included else first)
            for source in sources.split("; "):
                take(section, source, headers, inner)
            yield section
    left = [f"{header}: {title}" for header, (_, parts) in headers.items() for title in parts
            if title]
    if left:
        raise SystemExit(f"{table}: a line is missing for {', '.join(left)}")


def take(section, source, headers, inner):
    """Moves a section of a header, or all of it, into the material of a page."""
    header, _, title = source.partition(": ")
    head, parts = headers[header]
    if title and title not in parts:
        raise SystemExit(f"sections.txt: {header} has no section {title}")
    taken = [title] if title else list(parts)
    if section.name == "gait" or not title:
        section.head += head + "\n\n"
    if section.name == "gait":
        taken = ["", *taken]
    items = [part for title in taken for part in parts.pop(title)]
    if header == "gait.h":
        items = without(items, inner)
    section.items += [part for part in items if documented(part)]


def documented(part):
    """Declarations that a page shows: no conditionals of the preprocessor, no inline code."""
    text = "\n".join(part.code)
    return bool(part.functions() or part.type() or
                (re.search(r"^#define GAIT_\w+ +\S", text, re.M) and "#if" not in text))


# ---- Declarations ----

def synopsis(section):
    lines = [".nf", f".B #include <gait/{section.header}>"]
    for part in section.items:
        if part.functions():
            lines.append(".PP")
        for words in part.functions():
            lines += [declaration(line) for line in wrapped(words + ";")]
    return lines + [".fi"]


def wrapped(words):
    """A declaration in lines that fit, broken behind commas."""
    if len(words) <= 70:
        return [words]
    lines = [""]
    for part in re.split(r"(?<=,) ", words):
        if lines[-1] and len(lines[-1]) + len(part) + 1 > 70:
            lines.append("    " + part)
        else:
            lines[-1] += (" " if lines[-1] else "") + part
    return lines


def declaration(line):
    """Bold, with the names of parameters in italics."""
    parts = re.split(r"((?<=[ *])\w+(?=[,)])(?!\)\())", line)
    marked = [man_roff.literal(text) if i % 2 == 0 else f"\\fI{text}\\fB"
              for i, text in enumerate(parts)]
    text = "".join(marked).replace("\\fIvoid\\fB", "void")
    return f"\\fB{text}\\fR"


def structure(part):
    """The members of a struct or an enum as code, each comment beside its member or above it."""
    lines = []
    first = next(line for line in part.code if line.endswith("{"))
    lines.append(first)
    mark = "," if "enum" in first else ";"
    for words, note in man_header.members(part.code):
        line = f"    {words}{mark}"
        if note and len(line) + len(note) + 8 <= 72:
            line += f"  /* {note} */"
        elif note:
            note = textwrap.wrap(f"/* {note} */", 66, subsequent_indent="   ")
            lines += ["    " + text for text in note]
        lines.append(line)
    return code(lines + [f"}} {part.type()};"])


# ---- Text ----

def described(text, words):
    """A docstring: its paragraphs and lists, with Thread and GC at the end; the words of Fails."""
    lines, fails, listed = [], "", False
    for kind, *rest in man_header.blocks(text):
        if kind == "item":
            lines += ([] if listed else [".RS"]) + item(words.mark(rest[0]).replace("\\-", "-"),
                                                        filled(words.mark(rest[1])))
            listed = True
            continue
        if kind == "code":
            lines += code(rest[0].split("\n"))
            continue
        prose, clauses = man_header.contract(rest[0])
        lines += [".RE"] if listed else []
        listed = False
        if prose:
            lines += [".IP"] + filled(words.mark(prose))
        shown = [f"\\fI{label}:\\fR {words.mark(text)}" for label, text in clauses
                 if label != "Fails"]
        if shown:
            lines += [".IP"] + filled("  ".join(shown))
        fails = next((text for label, text in clauses if label.endswith("Fails")), fails)
    return lines + ([".RE"] if listed else []), fails


def head_described(text, words):
    """The text at the head of a header, without its name."""
    lines = []
    text = re.sub(r"^\w+\.h: (.)", lambda match: match.group(1).upper(), text, flags=re.M)
    for kind, *rest in man_header.blocks(text):
        if kind == "item":
            lines += item(words.mark(rest[0]), filled(words.mark(rest[1])))
        elif kind == "code":
            lines += code(rest[0].split("\n"))
        else:
            lines += [".PP"] + filled(words.mark(rest[0]))
    return lines


def tag(part):
    if part.functions():
        return ", ".join(bold(name) + "()" for name in part.names())
    if part.type():
        return bold(part.type())
    defines = re.findall(r"^#define (GAIT_\w+) +(?:\\\s+)?(.*?)(?: */\*.*)?$", "\n".join(part.code),
                         re.M)
    return ", ".join(f"{bold(name)} {man_roff.literal(value)}" for name, value in defines)


def description(section, words):
    """The DESCRIPTION of a page, and the failures of its functions: tag, words."""
    lines, failures = head_described(section.head, words), []
    for part in section.items:
        if not part.doc and part.functions():  # SYNOPSIS has them
            continue
        body, fails = described(part.doc, words)
        if fails:
            failures.append((tag(part), fails))
        if not part.type() and not part.functions() and (not part.doc or len(part.code) > 1):
            lines += ([".PP"] + filled(words.mark(part.doc))) if part.doc else []
            lines += code(re.sub(r"\s*\\\n\s*", " ", "\n".join(part.code)).split("\n"))
            continue
        lines += [".TP", tag(part)] + (body[1:] if body[:1] == [".IP"] else body or [DOCLESS])
        if part.type():
            lines += members_described(part, words)
    return lines, failures


def members_described(part, words):
    listed = man_header.members(part.code)
    if man_header.comments_stand_above(part.code[1:]):
        return members_listed(listed, words)
    if "typedef enum" not in part.code[0] or not all(note or "=" in name for name, note in listed):
        return [".RS"] + structure(part) + [".RE"]
    lines = [".RS"]
    for constant, note in listed:
        name, _, value = constant.partition(" = ")
        lines += item(bold(name), filled(words.mark(note or value)))
    return lines + [".RE"]


def members_listed(listed, words):
    """A structure whose comments stand above its members; one without a comment of its own shares
    that of the member before."""
    lines, tags = [], []
    for i, (declared, note) in enumerate(listed):
        tags.append(re.sub(r"(\w+)(\[\w+\])?$", r"\\fI\1\\fR\2", man_roff.literal(declared)))
        if i + 1 == len(listed) or listed[i + 1][1]:
            shared = next((text for _, text in reversed(listed[:i + 1]) if text), "")
            lines += item(", ".join(tags), filled(words.mark(shared)))
            tags = []
    return [".RS", *lines, ".RE"]


def errors(failures, results, words):
    """The ERRORS of a page: the failures of each function, and the meaning of these results."""
    lines, named = [], []
    for name, text in failures:
        lines += item(name, filled(words.mark(text[:1].upper() + text[1:])))
        named += [constant for constant in results if re.search(rf"\b{constant}\b", text)]
    if named:
        lines += [".PP", "These results mean:"]
    for constant in results:
        if constant in named:
            lines += item(bold(constant), filled(words.mark(results[constant])))
    return lines


def see_also(section, words, everything):
    """The pages that the text mentions; from the first page, all."""
    near = everything if section.name == "gait" else ["gait"] + words.mentioned
    for part in section.items:
        words.mark("\n".join(part.code))
    names = sorted({(3, name) for name in near if name != section.name})
    return man_roff.references([(1, "gait")] + names + [(7, "gait_options")])


def results_of(found):
    """The meaning of each gait_result."""
    part = next(part for section in found for part in section.items if part.type() == "gait_result")
    return {words.split(" ")[0]: note for words, note in man_header.members(part.code) if note}


def library_notes():
    return [f"Gait ({italic('libgait')}, {italic('-lgait')}; "
            f"{bold('pkg-config --cflags --libs gait')})"]


def pages_of(found):
    """The page of each function and type."""
    return {name: section.name for section in found for name in section.names()}


def tasks(section, found):
    """On the first page: the others, and their subjects."""
    lines = []
    for other in found if section.name == "gait" else ():
        if other != section:
            lines += item(f"{bold(other.name)}(3)", filled(other.summary))
    return lines


def example(section, root):
    """On the first page: the program that README.md shows."""
    if section.name != "gait":
        return []
    return code((root / "tests/examples/embed.c").read_text().rstrip("\n").split("\n"))


def pages(found, of, root, release):
    """Name and text of each page, and of one for each function and type that leads to its page."""
    results = results_of(found)
    for section in found:
        words = man_roff.Words(of, section.name)
        body, failures = description(section, words)
        name = filled(", ".join(man_roff.literal(name) for name in section.names()) + " \\- " +
                      section.summary)
        yield section.name, man_roff.page(section.name, 3, release, MANUAL, [
            ("NAME", name), ("LIBRARY", library_notes()), ("SYNOPSIS", synopsis(section)),
            ("DESCRIPTION", body), ("TASKS", tasks(section, found)),
            ("ERRORS", errors(failures, results, words)), ("EXAMPLES", example(section, root)),
            ("SEE ALSO", see_also(section, words, [other.name for other in found]))])
    pages_of_their_own = {section.name for section in found}
    for name, page in of.items():
        if name not in pages_of_their_own:
            yield name, f".so man3/{page}.3\n"
