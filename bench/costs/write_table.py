#!/usr/bin/env python3
"""write_table.py [--check] COSTS: puts what the program COSTS prints into docs/embedding.md, with
the date and the machine.

With --check: runs COSTS --quick, and compares the rows and columns alone, not their figures.
"""
import datetime
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/embedding.md"
BLOCK = re.compile(r"(?<=<!-- costs -->\n).*?(?=<!-- end of costs -->)", re.S)
FIGURE = re.compile(r"(?<=\| )-?[0-9.]+(?= \|)")


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    names = re.findall(r"^model name\s*: (.*)$", text, re.M)
    cpus = text.count("processor\t")
    return f"{cpus} CPUs ({names[0] if names else 'aarch64'})"


def run(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def rows(table):
    return [FIGURE.sub("0", line) for line in table.split("\n") if line.startswith("|")]


def check(program):
    made, shown = rows(run(program, "--quick")), rows(BLOCK.search(PAGE.read_text()).group())
    for line in sorted(set(made) ^ set(shown)):
        print(f"{'not in the page' if line in made else 'in the page alone'}: {line}")
    return made != shown or not made


def write(program):
    text = PAGE.read_text()
    head = f"On {datetime.date.today()}, {machine()}:\n\n"
    PAGE.write_text(BLOCK.sub(lambda _: "\n" + head + run(program) + "\n", text))
    return False


if __name__ == "__main__":
    sys.exit((check if sys.argv[1] == "--check" else write)(sys.argv[-1]))
