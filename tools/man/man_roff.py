"""Writes man(7): prose with its names marked, lists, code."""
import re
import textwrap

COLUMNS = 78
MARKED = re.compile(r"`(?P<code>[^`]+)`"
                    r"|\b(?P<name>gait_[a-z0-9_]*[a-z0-9])\b(?P<star>_?\*)?(?:\(\))?"
                    r"|\bGAIT_[A-Z0-9_]*[A-Z0-9]\b(?!_?\*)|(?<!\S)--[a-z]\S*\b")


def escaped(text):
    """Text as roff shows it: backslashes, and a hyphen that is a minus or a dash."""
    text = text.replace("\\", "\\e").replace("`", "\\(ga")
    return re.sub(r"(?<![A-Za-z0-9])-|-(?=-)", r"\\-", text)


def literal(text):
    """Code: each hyphen and quote as it is typed."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")


def bold(text):
    """Bold; a name of the code is not broken at the end of a line."""
    return f"\\fB{chr(92) + '%' if '_' in text else ''}{literal(text)}\\fR"


def italic(text):
    return f"\\fI{literal(text)}\\fR"


class Words:
    """Marks the names in prose.  `pages` has the page of each function and type, by name; those of
    `here` are not referred to another page."""

    def __init__(self, pages, here):
        self.pages = pages
        self.here = here
        self.mentioned = []

    def mark(self, text):
        done, last = [], 0
        for match in MARKED.finditer(text):
            done += [escaped(text[last:match.start()]), self.marked(match)]
            last = match.end()
        return "".join(done) + escaped(text[last:])

    def marked(self, match):
        if match.group("name") and match.string[match.end():].startswith("("):
            return bold(match.group("name"))  # a call
        if match.group("name"):
            return self.name(match.group("name"), match.group("star") or "")
        code = match.group("code")
        if code is None:
            return bold(match.group())
        if code in self.pages:
            return self.name(code, "")
        if re.match(r"gait( |$)|--|GAIT_", code):
            return bold(code)
        return italic(code)

    def name(self, name, star):
        page = self.pages.get(name)
        if star or page is None:
            return bold(name + star)
        if page == self.here:
            return bold(name)
        self.mentioned.append(page)
        return bold(name) + "(3)"


def filled(marked):
    """Lines of filled text."""
    lines = textwrap.wrap(" ".join(marked.split()), COLUMNS, break_long_words=False,
                          break_on_hyphens=False)
    return [guarded(line) for line in lines]


def guarded(line):
    """A line that is not taken for a request."""
    return "\\&" + line if line[:1] in (".", "'") else line


def code(lines):
    """Lines as they are, indented."""
    shown = [guarded(literal(line)) for line in lines]
    return [".PP", ".RS 4", ".EX", *shown, ".EE", ".RE"]


def item(tag, body):
    """An item of a list: its tag, marked up, and the lines of its body."""
    return [".TP", tag] + (body or ["\\&"])


def references(names):
    """The lines of SEE ALSO, from pairs of section and name."""
    last = len(names) - 1
    return [f".BR \\%{literal(name)} ({section})" + ("," if i < last else "")
            for i, (section, name) in enumerate(names)]


def page(title, section, release, manual, parts):
    """A whole page.  `release`: version and date; `parts`: name and lines of each section."""
    version, date = release
    lines = [f'.TH {literal(title)} {section} {date} "Gait {version}" "{manual}"', ".nh", ".ad l"]
    for name, body in parts:
        if body:
            lines += [f".SH {name}"] + (body[1:] if body[0] == ".PP" else body)
    return "\n".join(lines) + "\n"
