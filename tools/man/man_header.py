"""Reads a public header: its sections, and in each the declarations with their docstrings."""
import re

SECTION = re.compile(r"/\* -{4} (.+?) -+ \*/")
LABELS = re.compile(r"(?:^|(?<=[.:)]) +)((?:(?:Thread|GC|Fails|Race)(?:, (?=[TGFR]))?)+): ")


class Item:
    """A docstring, perhaps empty, and the lines of code below it."""

    def __init__(self, doc, code):
        self.doc = doc
        self.code = code

    def functions(self):
        """The functions that are declared here, as text without words for the compiler alone."""
        text = re.sub(r"/\*.*?\*/", "", "\n".join(self.code), flags=re.S)
        text = re.sub(r"^#(?:.*\\\n)*.*$", "", text, flags=re.M)
        if "{" in text:
            return []
        found = []
        for declaration in text.split(";"):
            words = " ".join(declaration.split())
            words = re.sub(r"^(GAIT_API|static inline) ", "", words)
            if "(" in words and re.search(r"\bgait_\w+\(", words):
                found.append(words)
        return found

    def names(self):
        return [re.search(r"\b(gait_\w+)\(", words).group(1) for words in self.functions()]

    def type(self):
        """The name of the type that is declared with its members here, or None."""
        match = re.search(r"^\} (gait_\w+);$", "\n".join(self.code), re.M)
        return match and match.group(1)


def comment(lines):
    """The text of a comment, without its frame."""
    text = "\n".join(lines)[2:-2]
    return "\n".join(re.sub(r"^ ?\*? ?", "", line, count=1).rstrip()
                     for line in text.split("\n")).strip()


def read_comment(lines, at):
    end = next(i for i in range(at, len(lines)) if lines[i].rstrip().endswith("*/"))
    return lines[at:end + 1], end + 1


def read_code(lines, at):
    """Code to the next empty line or comment at the margin, but for those within braces."""
    depth, end = 0, at
    while end < len(lines) and (depth or (lines[end] and not lines[end].startswith("/*"))):
        depth += lines[end].count("{") - lines[end].count("}")
        end += 1
    return lines[at:end], end


def read(path):
    """The text at the head of a header, and its sections: title and items.  Items before
    the first section have the title ""."""
    text = re.sub(r"^#ifdef __cplusplus\n.*?^#endif\n", "", path.read_text(), flags=re.M | re.S)
    lines = text.split("\n")
    head, at = read_comment(lines, 0)
    sections = [("", [])]
    doc = ""
    while at < len(lines):
        if lines[at].startswith("/*"):
            read_lines, at = read_comment(lines, at)
            title = SECTION.match(read_lines[0])
            if title:
                sections.append((title.group(1), []))
            doc = "" if title else comment(read_lines)
        elif lines[at]:
            code, at = read_code(lines, at)
            sections[-1][1].append(Item(doc, code))
            doc = ""
        else:
            doc = ""
            at += 1
    return comment(head), sections


def blocks(text):
    """A docstring in parts: ("text", words) for a paragraph, ("item", tag, words) for a line of a
    list, which is indented by two columns, with deeper lines behind it; ("code", lines) for lines
    that are indented by four behind an empty one."""
    found = []
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        if not line:
            found.append(None)
        elif indent >= 4 and found[-1] and found[-1][0] == "code":
            found[-1][1] += "\n" + line[4:]
        elif indent >= 4 and not found[-1]:
            found.append(["code", line[4:]])
        elif indent == 2:
            tag, _, words = line.strip().partition("  ")
            found.append(["item", tag, words])
        elif found and found[-1] and (indent > 2) == (found[-1][0] == "item"):
            found[-1][-1] += " " + line.strip()
        else:
            found.append(["text", line.strip()])
    return [part for part in found if part]


def contract(words):
    """The prose of a paragraph, and its clauses: label ("Thread", "GC", ...) and words."""
    parts = LABELS.split(words)
    return parts[0].strip(), list(zip(parts[1::2], (part.strip() for part in parts[2::2])))


MEMBER = re.compile(r"\s*(?P<words>[^/]*?)[,;]?\s*(?:/\*\s*(?P<note>.*?)\s*\*/)?$")


def one_line(match):
    return " ".join(re.sub(r"\n\s*(\* )?", " ", match.group()).split())


def members(code):
    """The lines between the braces of a struct or an enum: declaration, and its comment, which is
    beside it or above it.  A heading among them belongs to none."""
    text = re.sub(r"/\*.*?\*/", one_line, "\n".join(code), flags=re.S)
    found, above = [], ""
    for line in text[text.index("{") + 1:text.rindex("}")].split("\n"):
        words, note = MEMBER.match(line).group("words", "note")
        if words:
            found.append((words, note or above))
            above = ""
        elif note:
            above = "" if note.startswith("----") else note
    return found


def comments_stand_above(code):
    return any(line.strip().startswith("/*") for line in code)
