#!/usr/bin/env python3
"""top.py GAIT: `gait top` in lines, and on a terminal that this script plays: what is drawn fits
terminals of all sizes, follows a file that is replaced, and ends when it is told to."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

GAIT = sys.argv[1]
failed = []


def check(holds, *what):
    if not holds:
        print("FAILED:", *what)
        failed.append(what)


def gait(*words, **more):
    done = subprocess.run([GAIT, *words], capture_output=True, text=True, **more)
    return done.returncode, done.stdout, done.stderr


def start(record, *words):
    environment = dict(os.environ, GAIT_RECORDS=record)
    program = subprocess.Popen([GAIT, "run", *words], env=environment, stdout=subprocess.DEVNULL)
    while not (os.path.exists(record) and gait("explain", record)[0] == 0):
        time.sleep(0.02)
    return program


class Screen:
    """A terminal of some size: keeps what each cell has, of the sequences that TERM=vt100 has."""

    def __init__(self, lines, columns, *words):
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "vt100"
            os.environ.pop("LINES", None)
            os.environ.pop("COLUMNS", None)
            time.sleep(0.1)
            os.execv(GAIT, [GAIT, "top", *words])
        self.text = ""
        self.size(lines, columns)

    def size(self, lines, columns):
        self.text, self.lines, self.columns = "", lines, columns
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def read(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not select.select([self.descriptor], [], [], 0.05)[0]:
                continue
            try:
                part = os.read(self.descriptor, 65536)
            except OSError:
                return False
            if not part:
                return False
            self.text += part.decode(errors="replace")
        return True

    def wait_for(self, pattern):
        """Reads until it is drawn; there is no limit of time but that of hanging.  Only cells that
        change are drawn, so now and then another size has all of them drawn."""
        for i in range(2400):
            if re.search(pattern, self.plain()):
                return True
            if not self.read(0.05):
                break
            if i % 20 == 19:
                self.size(self.lines, self.columns - 1 if i % 40 == 19 else self.columns + 1)
        return bool(re.search(pattern, self.plain()))

    def cells(self):
        """The lines that were written to."""
        return [int(at) for at in re.findall(r"\x1b\[(\d+);\d+H", self.text)]

    def wait_within(self):
        """Reads until all that comes is within the screen: what was drawn for the size before may
        come first."""
        for _ in range(400):
            self.text = ""
            if not self.read(0.25):
                return False
            if all(at <= self.lines for at in self.cells()):
                return True
        return False

    def plain(self):
        return re.sub(r"\x1b[\[(][0-9;?]*[A-Za-z]|\x1b[=>]|[\x0e\x0f]", "", self.text)

    def end(self, key="q"):
        os.write(self.descriptor, key.encode())
        while self.read(1):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_lines(folder):
    record = os.path.join(folder, "lines")
    program = start(record, "lru", "20000", "100000000")
    status, out, err = gait("top", str(program.pid), "--times", "2", "--interval", "0.2")
    check(status == 0 and err == "", "top of a process", status, err)
    lines = out.splitlines()
    heads = [line for line in lines if re.match(
        r"[0-9.]+ s runs, \w+ after \d+ cycles: heap .* of .*, mapped .*, limit off, .*/s, "
        r"[0-9.]+ cycles/s, GC CPU [0-9.]+ %, pauses p99 ", line)]
    check(len(heads) == 2, "two lines", out)
    check(any(re.match(r"  (Young c|C)ycle \d+ began at ", line) for line in lines), "words", out)
    status, out, err = gait("top", record, "--times", "1")
    check(status == 0 and " runs, " in out, "top of a file", out, err)
    program.kill()
    program.wait()
    status, out, err = gait("top", record)
    check(status == 0 and "the process is gone" in out, "of a dead process", out, err)
    subprocess.run([GAIT, "run", "lru", "1000", "100000"], env=dict(os.environ, GAIT_RECORDS=record),
                   stdout=subprocess.DEVNULL, check=True)
    status, out, err = gait("top", record)
    check(status == 0 and " s ended, " in out, "of one that has ended", out, err)


def test_refusals(folder):
    for words, wanted, pattern in [
            ([], 2, "which FILE or PID"), (["a", "b"], 2, "not 'b' too"),
            (["a", "--interval", "0"], 2, "--interval=0"), (["a", "--times", "0"], 2, "--times=0"),
            (["/nowhere"], 1, "/nowhere"), (["999999999"], 1, "process 999999999: there is none"),
            ([str(os.getpid())], 1, "has no record file mapped"), ([GAIT], 1, "gait")]:
        status, _, err = gait("top", *words)
        check(status == wanted and pattern in err, words, status, err)


def test_screen(folder):
    record = os.path.join(folder, "screen")
    program = start(record, "lru", "20000", "100000000")
    screen = Screen(30, 90, record, "--interval", "0.1")
    check(screen.wait_for(r"gait \(%d\), heap 1" % program.pid), "title", screen.plain())
    for pattern in [r"heap +\[#", r"mapped +\[#", r"GC CPU +[0-9.]+ %: assists", r"pauses +\d",
                    r"ycle \d+ began at", r"It ended at", r"q: quit"]:
        check(screen.wait_for(pattern), pattern, screen.plain())
    for lines, columns in [(6, 30), (1, 1), (2, 3), (1, 80), (50, 200), (3, 10)]:
        screen.size(lines, columns)
        check(screen.wait_within(), "within the screen", lines, screen.cells())
    screen.size(30, 90)
    check(screen.wait_for(r"gait \(%d\)" % program.pid), "back again", screen.plain())
    program.kill()
    program.wait()
    check(screen.wait_for("the process is gone|process.*gone"), "the end", screen.plain())
    screen.size(31, 91)
    other = start(record, "lru", "1000", "100000000")
    check(screen.wait_for(r"gait \(%d\)" % other.pid), "another file", screen.plain())
    other.kill()
    other.wait()
    check(screen.end() == 0, "q ends it")


def test_unknown_terminal(folder):
    record = os.path.join(folder, "lines")
    environment = dict(os.environ, TERM="no-such-terminal")
    status, out, err = gait("top", record, "--times", "1", env=environment)
    check(status == 0 and " ended, " in out, "lines without a terminal", out, err)


with tempfile.TemporaryDirectory() as here:
    test_lines(here)
    test_refusals(here)
    test_unknown_terminal(here)
    if len(sys.argv) > 2 and sys.argv[2] == "screen":
        test_screen(here)
sys.exit(1 if failed else 0)
