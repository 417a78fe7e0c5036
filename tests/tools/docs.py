#!/usr/bin/env python3
"""docs.py [--tags] [ROOT]: checks the documents against the tree that they describe.

  names   A name of ours (gait_x, gaiti_x, GAIT_X, GAITI_X) that a document has in backticks, or a
          comment has, is a word of the code; with a star or _ at its end, the beginning of one.  A
          file or folder that is named is there.
  values  Where a document says `NAME` (number unit), NAME is a constant of the code and has that
          value: `GAIT_LEAVE_FRAMES_BYTES` (1 KiB).  The unit of a time is that of NAME's ending.
  tags    A tag, `.noun.word`, is defined where it opens a paragraph: in a comment of runtime/ or
          pacer/, with two spaces behind it, or in docs/design/, in backticks.  Every tag that a
          comment or a document cites is defined once.  A tag of one word is of its own page.
  width   A line of prose has at most 100 columns.  Tables, code and what a command makes may have
          more, and so may a line that has no place to break.
  links   A link to a file of the tree, and to a heading of a page, leads there.
  all     A page that says <!-- all of: enum NAME --> has every constant of it in backticks.
  made    A block behind <!-- made by: COMMAND --> is the output of the command, a script of the tree.

With --tags: prints each tag and the place of its definition.
"""
import fnmatch
import pathlib
import re
import shlex
import subprocess
import sys

ARGUMENTS = [argument for argument in sys.argv[1:] if argument != "--tags"]
ROOT = pathlib.Path(ARGUMENTS[0] if ARGUMENTS else pathlib.Path(__file__).resolve().parents[2])
COLUMNS = 100
MADE = {"docs/options.md"}  # by gait options --markdown
OTHERS = re.compile(r"(^|/)(build|\.git|vendor|node_modules|__pycache__)/")
CODE = {".c", ".h", ".in", ".inc", ".map", ".pml", ".litmus", ".txt", ".cmake", ".sh", ".js", ".py",
        ".json", ""}

NAME = re.compile(r"\b(?:gaiti?_[a-z0-9_]+|GAITI?_[A-Z0-9_]+)\b(\*?)")
ENDING = r"\.(?:c|h|md|pml|litmus|sh|js|cmake)\b(?!\.?\w)"
PATH = re.compile(rf"(?<![\w/.@-])(?:[\w*-]+/)*[\w*-]+{ENDING}"
                  r"|(?<![\w/.@-])(?:include|pacer|runtime|bench|tools|tests|docs)/[\w*][\w./*-]*")
VALUE = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`\s+\(([0-9][0-9,]*(?:\.[0-9]+)?)"
                   r"(?:\s+([A-Za-z]+))?\)")
WORD = r"[a-z][a-z-]*[a-z]"
TAG = re.compile(rf"(?<![\w.*>)\]/-])(\.{WORD}\.{WORD})(?![\w(\[/-]|\.\w)")
TAG_OF_COMMENT = re.compile(rf"^\s*/?\*+ (\.{WORD}\.{WORD}) {{2,}}(?=\S)")
MADE_BY = re.compile(r"<!-- made by: (tools/[^>]+?) -->\n```\w*\n(.*?)^```$", re.M | re.S)
TAG_OF_PAGE = re.compile(rf"^(?:[-*] )?`(\.{WORD}(?:\.{WORD})?)`")

UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9,
         "bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "": 1}
NS = {"NS": 1, "US": 10**3, "MS": 10**6, "SECONDS": 10**9}

faults = []


def complain(path, number, text):
    faults.append(f"{path}:{number}: {text}")


# ---- The tree ----

def read(path):
    return (ROOT / path).read_text(errors="replace")


def files_of_tree():
    names = (path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file())
    return sorted(name for name in names if not OTHERS.search(name))


FILES = files_of_tree()
PAGES = [name for name in FILES if name.endswith(".md")]
SOURCES = [name for name in FILES if not name.endswith(".md") and
           pathlib.PurePath(name).suffix in CODE and name != "tests/tools/docs_catches.sh"]
SYSTEM = {header for name in FILES if name.endswith((".c", ".h"))
          for header in re.findall(r"#include <([\w/]+\.h)>", read(name))}
FOLDERS = {parent.as_posix() for name in FILES for parent in pathlib.PurePath(name).parents}


def lines_of_prose(path):
    """Number and text of each line; what is fenced off is empty."""
    fenced = False
    for number, line in enumerate(read(path).split("\n"), 1):
        fence = line.lstrip().startswith("```")
        fenced ^= fence
        yield number, "" if fence or fenced else line


def text_of_prose(path):
    return "\n".join(line for _, line in lines_of_prose(path))


def number_at(text, offset):
    return text.count("\n", 0, offset) + 1


def spans(text):
    """Offset and text of each span in backticks; one may go over the end of a line."""
    for match in re.finditer(r"`([^`]+)`", text):
        yield match.start(), " ".join(match.group(1).split())


# ---- Names ----

def words_of_code():
    found = set()
    for name in SOURCES:
        text = read(name)
        if name.endswith((".c", ".h")):
            text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
        found.update(re.findall(r"\w+", text))
    return found


def name_is_known(name, words):
    if not name.endswith(("*", "_")):
        return name in words
    return any(word.startswith(name.rstrip("*")) for word in words)


def path_is_there(name):
    """A path from the top, from runtime/, include/ or a page's folder; or a file's name alone."""
    name = name.rstrip("/.")
    if name in SYSTEM:
        return True
    if any(fnmatch.fnmatch(there, prefix + name) for there in (*FILES, *FOLDERS)
           for prefix in ("", "runtime/", "include/", "tools/", "docs/")):
        return True
    return "/" not in name and any(fnmatch.fnmatch(there.rsplit("/", 1)[-1], name)
                                   for there in FILES)


def check_names(path, number, text, words):
    for match in NAME.finditer(text):
        if not name_is_known(match.group(), words):
            complain(path, number, f"{match.group()} is no name of the code")
    for match in PATH.finditer(text):
        placeholder = re.search(r"(?:^|[/_])[A-Z]{2,}[_.]", match.group())
        if not placeholder and not path_is_there(match.group()):
            complain(path, number, f"{match.group()} is not there")


def check_names_in_comments(words):
    for name in FILES:
        if name.endswith((".c", ".h")) and not name.startswith("tests/"):
            for number, line in enumerate(comments(read(name)).split("\n"), 1):
                check_names(name, number, re.sub(r"<[\w/.]+>", "", line), words)


def check_all(page, text):
    for match in re.finditer(r"<!-- all of: enum (\w+) -->", text):
        where = number_at(text, match.start())
        enum = next((found for name in SOURCES if name.endswith((".c", ".h")) for found in
                     [re.search(rf"\benum {match.group(1)} {{(.*?)}}", read(name), re.S)] if found),
                    None)
        if not enum:
            complain(page, where, f"there is no enum {match.group(1)}")
        for constant in re.findall(r"^ +([A-Z][A-Z0-9_]+)", enum.group(1) if enum else "", re.M):
            if f"`{constant}`" not in text:
                complain(page, where, f"{constant} is missing")


# ---- Values ----

def constants():
    """The expressions of constants, by name; a name that has several, None."""
    found = {}
    for name in SOURCES:
        if name.startswith("tests/") or not name.endswith((".c", ".h")):
            continue
        text = re.sub(r"/\*.*?\*/", "", read(name), flags=re.S)
        for key, value in (re.findall(r"^#define +([A-Z][A-Z0-9_]+) +(.+)$", text, re.M) +
                           re.findall(r"^ +([A-Z][A-Z0-9_]+) = ([^,\n]+),?", text, re.M)):
            found[key] = value if found.get(key, value) == value else None
    return found


def evaluate(expression, known):
    """The value of a constant expression of C, or None."""
    expression = re.sub(r"\((?:u?int\d*_t|size_t|AO_t|double)\)", "", expression)
    expression = re.sub(r"\b(0x[0-9a-fA-F]+|[0-9.]+)[uUlL]*\b", r"\1", expression)
    for name in set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", expression)):
        value = evaluate(known[name], known) if known.get(name) else None
        if value is None:
            return None
        expression = re.sub(rf"\b{name}\b", str(value), expression)
    if not re.fullmatch(r"[0-9a-fA-Fx.+*/<>()\s-]+", expression):
        return None
    try:
        return eval(expression, {"__builtins__": {}})  # numbers and operators alone
    except (SyntaxError, ZeroDivisionError):
        return None


def check_values(page, text, known):
    for match in VALUE.finditer(text):
        name, number, unit = match.group(1), match.group(2).replace(",", ""), match.group(3) or ""
        where = number_at(text, match.start())
        if name not in known:
            complain(page, where, f"{name} is no constant of the code")
        elif unit not in UNITS:
            complain(page, where, f"the unit {unit} of {name} is not known")
        else:
            value = evaluate(known[name], known) if known[name] else None
            scale = NS.get(name.rsplit("_", 1)[-1], 1)
            if value is None:
                complain(page, where, f"the value of {name} cannot be told")
            elif abs(value * scale - float(number) * UNITS[unit]) > 1e-9 * abs(value * scale):
                complain(page, where, f"{name} is {known[name].strip()}, not {number} {unit}")


# ---- Tags ----

def comments(text):
    """The text with all but comments taken out, line by line."""
    kept, last = [], 0
    for match in re.finditer(r"/\*.*?\*/", text, re.S):
        kept.append("\n" * text.count("\n", last, match.start()) + match.group())
        last = match.end()
    return "".join(kept)


def tags_defined():
    """The places where each tag is defined."""
    found = {}
    for name in FILES:
        if name.startswith(("runtime/", "pacer/")) and name.endswith((".c", ".h")):
            pattern, lines = TAG_OF_COMMENT, enumerate(read(name).split("\n"), 1)
        elif name in PAGES and name.startswith("docs/design/"):
            pattern, lines = TAG_OF_PAGE, lines_of_prose(name)
        else:
            continue
        for number, line in lines:
            match = pattern.match(line)
            if match and match.group(1).count(".") == 2:
                found.setdefault(match.group(1), []).append(f"{name}:{number}")
    return found


def tags_cited():
    """File, line and tag of each citation, definitions among them."""
    for name in FILES:
        if name in PAGES:
            text = text_of_prose(name)
            for offset, span in spans(text):
                if re.fullmatch(rf"\.{WORD}\.{WORD}", span):
                    yield name, number_at(text, offset), span
        elif name.endswith((".c", ".h", ".pml", ".litmus")):
            text = comments(read(name))
            for match in TAG.finditer(text):
                yield name, number_at(text, match.start()), match.group(1)


def check_tags(defined):
    for tag, places in sorted(defined.items()):
        for place in places if len(places) > 1 else ():
            faults.append(f"{place}: {tag} is defined more than once")
    for name, number, tag in tags_cited():
        if tag not in defined:
            complain(name, number, f"{tag} is defined nowhere")


def check_page_tags(page, text):
    opened = [match.group(1) for line in text.split("\n") if (match := TAG_OF_PAGE.match(line))]
    short = [tag for tag in opened if tag.count(".") == 1]
    for tag in sorted(set(short)):
        if short.count(tag) > 1:
            complain(page, 1, f"{tag} is defined twice in this page")
    for offset, span in spans(text) if short else ():
        if re.fullmatch(rf"\.{WORD}", span) and span not in short:
            complain(page, number_at(text, offset), f"{span} is not defined in this page")


# ---- Width ----

def check_width(page):
    for number, line in lines_of_prose(page):
        prose = not line.lstrip().startswith("|") and not line.startswith("    ")
        if page not in MADE and prose and len(line) > COLUMNS and " " in line.strip(" -*>"):
            complain(page, number, f"{len(line)} columns, more than {COLUMNS} (tests/tools/wrap.py)")


# ---- Links ----

def anchors(page):
    """The names of a page's headings, as forges make them."""
    for _, line in lines_of_prose(page):
        if line.startswith("#"):
            plain = re.sub(r"[^\w\s-]", "", line.lstrip("# ").lower())
            yield plain.strip().replace(" ", "-")


def check_links(page, text):
    bare = re.sub(r"`[^`]*`", lambda span: re.sub(".", " ", span.group()), text)
    for match in re.finditer(r"\]\(([^)\s]+)\)", bare):
        target, _, anchor = match.group(1).partition("#")
        where = number_at(bare, match.start())
        if re.match(r"\w+:", target):
            continue
        path = (ROOT / page).parent / target if target else ROOT / page
        if not path.exists():
            complain(page, where, f"the link to {target} leads nowhere")
        elif anchor and anchor not in anchors(path.resolve().relative_to(ROOT.resolve())):
            complain(page, where, f"{target} has no heading {anchor}")


# ---- Made by a command ----

def check_made(page):
    text = read(page)
    for match in MADE_BY.finditer(text):
        command = shlex.split(match.group(1))
        script = ROOT.resolve() / command[0]
        done = script.exists() and subprocess.run([script, *command[1:]], capture_output=True,
                                                  text=True, check=False)
        if not done or done.returncode or done.stdout != match.group(2):
            complain(page, number_at(text, match.start()),
                     f"this is not what {match.group(1)} prints")
    if text.count("<!-- made by:") != len(MADE_BY.findall(text)):
        complain(page, 1, "a line says that a command made a block, and there is none")


def main():
    defined = tags_defined()
    if "--tags" in sys.argv:
        for tag, places in sorted(defined.items()):
            print(f"{tag:28}{', '.join(places)}")
        return 0
    words = words_of_code()
    known = constants()
    check_names_in_comments(words)
    for page in PAGES:
        text = text_of_prose(page)
        for offset, span in spans(text):
            check_names(page, number_at(text, offset), span, words)
        check_all(page, text)
        check_values(page, text, known)
        check_page_tags(page, text)
        check_width(page)
        check_made(page)
        check_links(page, text)
    check_tags(defined)
    if not PAGES or not defined:
        faults.append(f"{ROOT}: there are no pages, or no tags")
    for fault in faults:
        print(fault)
    if not faults:
        print(f"{len(PAGES)} pages, {len(defined)} tags: all hold")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
