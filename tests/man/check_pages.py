#!/usr/bin/env python3
"""check_pages.py DIR ROOT GAIT LIBRARY: the man pages are complete.

  functions  Every function that LIBRARY exports has a page in section 3, whose NAME has it: but for
             the halves of inline functions, which no program calls.
  errors     Every Fails of a public header is an entry of ERRORS.
  commands   Every command has a page in section 1 with each of its options.
  options    Every option of a heap is in gait_options(7), with its variable.
  parts      NAME, DESCRIPTION and SEE ALSO are in every page, SYNOPSIS in all but section 7; and
             each page that SEE ALSO names is there.
"""
import pathlib
import re
import subprocess
import sys

DIR, ROOT = (pathlib.Path(argument) for argument in sys.argv[1:3])
GAIT, LIBRARY = sys.argv[3:]
HALVES = re.compile(r"_slow$|_leave_from$|^gait_(shade|barrier)$")
faults = []


def printed(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def plain(text):
    """Roff without fonts, hyphens that are minuses, and words that must not be broken."""
    return re.sub(r"\\f.|\\%|\\&", "", text).replace("\\-", "-").replace("\\e", "\\")


def text_of(name, section):
    """The page, or the one that it leads to; nothing where it is missing."""
    path = DIR / f"man{section}" / f"{name}.{section}"
    if not path.exists():
        faults.append(f"there is no {name}({section})")
        return ""
    text = path.read_text()
    link = re.fullmatch(r"\.so man3/(\w+)\.3\n", text)
    return text_of(link.group(1), 3) if link else plain(text)


def part(text, title):
    match = re.search(rf"^\.SH {title}\n(.*?)(?=^\.SH|\Z)", text, re.M | re.S)
    return match.group(1) if match else ""


def check_functions():
    lines = printed("nm", "-D", "--defined-only", "--without-symbol-versions", LIBRARY).splitlines()
    names = [line.split()[2] for line in lines if line.split()[1] == "T"]
    inline = re.findall(r"^static inline [\w ]*\*?(gait_\w+)\(", (ROOT / "include/gait/gait.h")
                        .read_text(), re.M)
    if len(names) < 50 or len(inline) < 10:
        faults.append(f"only {len(names)} functions are exported, {len(inline)} inline")
    for name in names + inline:
        if HALVES.search(name):
            continue
        if not re.search(rf"\b{name}\b", part(text_of(name, 3), "NAME")):
            faults.append(f"{name} is not in NAME of its page")


def check_errors():
    headers = "".join(path.read_text() for path in (ROOT / "include/gait").glob("*.h"))
    wanted = headers.count("Fails:")
    there = sum(len(re.findall(r"^gait_\w+\(\)", part(plain(path.read_text()), "ERRORS"), re.M))
                for path in (DIR / "man3").glob("*.3"))
    if wanted < 10 or wanted != there:
        faults.append(f"the headers say Fails {wanted} times, ERRORS have {there} entries")


def check_commands():
    for line in (ROOT / "tools/gait/commands.txt").read_text().splitlines():
        name = line.split()[0]
        page = text_of(f"gait-{name}", 1)
        for option in re.findall(r"(?<!\S)--[a-z-]+", printed(GAIT, name, "--help")):
            if option not in page:
                faults.append(f"gait-{name}(1) has no {option}")
        if f"gait-{name} (1)" not in part(text_of("gait", 1), "SEE ALSO"):
            faults.append(f"gait(1) does not name gait-{name}(1)")


def check_options():
    page = text_of("gait_options", 7)
    rows = re.findall(r"^(\w+) \((\w+)\): ", printed(GAIT, "options"), re.M)
    for name, variable in rows:
        if not re.search(rf"^{name}, {variable}$", page, re.M):
            faults.append(f"gait_options(7) has no {name}")
    if len(rows) < 20:
        faults.append("`gait options` lists no options")


def check_parts():
    for path in sorted(DIR.glob("man*/*")):
        text = plain(path.read_text())
        if text.startswith(".so "):
            continue
        wanted = ["NAME", "DESCRIPTION", "SEE ALSO"] + ["SYNOPSIS"] * (path.suffix != ".7")
        faults.extend(f"{path.name} has no {title}" for title in wanted if not part(text, title))
        for name, section in re.findall(r"^\.BR (\S+) \((\d)\)", part(text, "SEE ALSO"), re.M):
            text_of(name, section)


check_functions()
check_errors()
check_commands()
check_options()
check_parts()
print("\n".join(faults) or "the pages are complete")
sys.exit(bool(faults))
