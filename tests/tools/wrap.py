#!/usr/bin/env python3
"""wrap.py PAGE...: fills the paragraphs of a page that have a line of more than 100 columns.

Tables, headings and fenced code stay as they are, and so does a span in backticks and a link.
"""
import pathlib
import re
import sys

COLUMNS = 100
ITEM = re.compile(r"^\s*(?:[-*]|\d+\.) +")
APART = ("```", "|", "#", "<", ">")
WORD = re.compile(r"((?:`[^`\n]{1,70}`|\[[^\]]{1,70}\]\([^)]*\)|[^\s`]|`)+)(\s*)")


def fill(first, text, sentence_gap):
    """The lines of a paragraph: `first` stands before the first, as many spaces before others."""
    lines, line, gap = [], first, ""
    for word, behind in WORD.findall(text):
        starts_a_list = re.fullmatch(r"[-+*#]+|\d+[.)]", word)
        if line.strip() and len(line + gap + word) > COLUMNS and gap and not starts_a_list:
            lines.append(line)
            line = " " * len(first) + word
        else:
            line += gap + word
        gap = " "
        if re.search(r"[.!?][\"`)*_]*$", word) and ("\n" in behind or len(behind) == 2):
            gap = sentence_gap if "\n" in behind else behind
    return [*lines, line]


def paragraph(lines, start):
    """The end of the paragraph that begins at `start`."""
    end = start + 1
    while (end < len(lines) and lines[end].strip() and not ITEM.match(lines[end]) and
           not lines[end].lstrip().startswith(APART)):
        end += 1
    return end


def wrap(text):
    lines, out, fenced, at = text.split("\n"), [], False, 0
    sentence_gap = "  " if len(re.findall(r"\w\.  [A-Z]", text)) > 5 else " "
    while at < len(lines):
        line = lines[at]
        fenced ^= line.lstrip().startswith("```")
        if fenced or not line.strip() or line.lstrip().startswith(APART) or line.startswith("    "):
            out.append(line)
            at += 1
            continue
        end = paragraph(lines, at)
        if max(map(len, lines[at:end])) > COLUMNS:
            first = ITEM.match(line) or re.match(r"\s*", line)
            body = "\n".join([line[first.end():], *(more.strip() for more in lines[at + 1:end])])
            out += fill(first.group(), body, sentence_gap)
        else:
            out += lines[at:end]
        at = end
    return "\n".join(out)


for name in sys.argv[1:]:
    page = pathlib.Path(name)
    page.write_text(wrap(page.read_text()))
