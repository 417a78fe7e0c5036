"""Pages of section 1: the command gait, and each of its commands, out of the output of --help."""
import os
import re
import subprocess

import man_roff
from man_roff import bold, filled, italic, item

MANUAL = "Gait Commands"
OPTION = re.compile(r"^ {2,6}(-\S.*?)(?: {2,}(\S.*))?$")
WORKLOAD = re.compile(r"[a-z][a-z-]*( \[?[A-Z][A-Z_]*(\.\.\.)?\]?)+$")


def printed(command, *words):
    """Output of the command, with the margins that argp has by itself."""
    environment = {name: value for name, value in os.environ.items() if name != "ARGP_HELP_FMT"}
    return subprocess.run([command, *words], env=environment, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def statuses(root):
    """The exit statuses: number, words."""
    text = (root / "tools/gait/command.h").read_text()
    found = re.findall(r"^ +COMMAND_\w+ = (\d+),(?: +/\* (.+) \*/)?$", text, re.M)
    return [(number, words or "all is well") for number, words in found]


def usage_marked(line):
    """A line of usage: words that are typed as they are in bold, placeholders in italics."""
    def word(match):
        return italic(match.group()) if match.group().isupper() else bold(match.group())
    return re.sub(r"[^\s\[\]=.]+(?:\.[a-z]+)?", word, line)


class Help:
    """The parts of the help that argp prints: lines of usage, the purpose, the options as pairs,
    and the text behind them, as paragraphs."""

    def __init__(self, text):
        head, _, rest = text.partition("\n\n")
        lines = head.split("\n")
        self.usage = [re.sub(r"^(Usage:| *or:) +", "", line) for line in lines
                      if re.match(r"Usage:| *or: ", line)]
        self.purpose = " ".join(lines[len(self.usage):])
        options, _, rest = rest.partition("\n\n")
        self.options = []
        for line in options.split("\n"):
            match = OPTION.match(line)
            if match:
                self.options.append([match.group(1), match.group(2) or ""])
            else:
                self.options[-1][1] += " " + line.strip()
        parts = (part.strip("\n") for part in rest.split("\n\n"))
        self.paragraphs = [part.split("\n") for part in parts if part]


def paragraph(lines, words):
    """A paragraph of help; one that begins with a workload and its arguments is a list's item."""
    if len(lines) > 1 and WORKLOAD.match(lines[0]):
        name, _, rest = lines[0].partition(" ")
        return item(f"{bold(name)} {usage_marked(rest)}", filled(words.mark(" ".join(lines[1:]))))
    return [".PP"] + filled(words.mark(" ".join(lines)))


def option_marked(names):
    return ", ".join(bold(name) + ("=" + italic(value) if value else "")
                     for name, _, value in (word.partition("=") for word in names.split(", ")))


def command_page(name, summary, help_, root, release):
    words = man_roff.Words({}, name)
    described = [".PP"] + filled(words.mark(help_.purpose))
    for lines in help_.paragraphs:
        described += paragraph(lines, words)
    options = []
    for names, text in help_.options:
        options += item(option_marked(names), filled(words.mark(text)))
    mentioned = re.findall(r"`gait ([a-z-]+)", " ".join([help_.purpose, *sum(help_.paragraphs, []),
                                                          *(text for _, text in help_.options)]))
    near = sorted({"gait"} | {f"gait-{other}" for other in mentioned} - {f"gait-{name}"})
    return man_roff.page(f"gait-{name}", 1, release, MANUAL, [
        ("NAME", filled(f"gait\\-{man_roff.literal(name)} \\- {summary[0].lower()}"
                        f"{man_roff.escaped(summary[1:])}")),
        ("SYNOPSIS", usage(help_.usage)), ("DESCRIPTION", described), ("OPTIONS", options),
        ("EXIT STATUS", exit_status(root)), ("ENVIRONMENT", environment(name, root)),
        ("SEE ALSO", man_roff.references([(1, other) for other in near] + [(7, "gait_options")]))])


def usage(lines):
    marked = []
    for line in lines:
        marked += [".br", usage_marked(line)]
    return marked[1:]


def exit_status(root):
    return [line for number, words in statuses(root) for line in item(bold(number), filled(words))]


def environment(name, root):
    """Of gait and of the commands that run a workload."""
    source = name.replace("-", "_") + "_command.c"
    if name != "gait" and not any((root / "tools/gait" / family / source).exists()
                                  for family in ("run", "law")):
        return []
    return filled("A heap that the command creates takes its options from the environment, where "
                  "its arguments set none: \\fBGAIT_GOGC\\fR, \\fBGAIT_MEMORY_LIMIT\\fR and all others "
                  "of \\fBgait_options\\fR(7).")


def front_page(commands, root, release):
    listed = [".PP"] + filled("Each command has a page of its own.")
    for name, summary in commands:
        listed += item(f"{bold('gait ' + name)}", filled(man_roff.escaped(summary) + "; see "
                                                         f"{bold('gait-' + name)}(1)."))
    options = item(bold("--help"), ["Lists the commands; behind a command, its arguments."])
    options += item(bold("--version"), ["Prints the version."])
    names = [(1, f"gait-{name}") for name, _ in sorted(commands)]
    return man_roff.page("gait", 1, release, MANUAL, [
        ("NAME", ["gait \\- runs work on a concurrent garbage collector, and measures it"]),
        ("SYNOPSIS", usage(["gait COMMAND [ARGUMENT...]", "gait COMMAND --help",
                            "gait --version"])),
        ("DESCRIPTION", described()), ("COMMANDS", listed), ("OPTIONS", options),
        ("EXIT STATUS", exit_status(root)), ("ENVIRONMENT", environment("gait", root)),
        ("SEE ALSO", man_roff.references(names + [(3, "gait"), (7, "gait_options")]))])


def described():
    return filled("Gait is a garbage collector for C and C++ programs: concurrent, non-moving "
                  "mark-sweep, paced like Go's. The command runs workloads on it, measures and "
                  "simulates how often it collects, and chooses settings from a recording of a "
                  "program, be it Gait's or a Go program's. \\fBgait\\fR(3) is the library.")


def pages(gait, root, release):
    """Name and text of each page."""
    lines = (root / "tools/gait/commands.txt").read_text().splitlines()
    commands = [tuple(line.split(maxsplit=1)) for line in lines if line]
    yield "gait", front_page(commands, root, release)
    for name, summary in commands:
        help_ = Help(printed(gait, name, "--help"))
        yield f"gait-{name}", command_page(name, summary, help_, root, release)
