"""Who is compared: how each contestant is found, built and run.

A peer that cannot be built is absent, and says why.  Sources are copied to the build folder and
compiled there by relative names, so that a compiler may be a wrapper that sees that folder alone.
"""
import hashlib
import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
ROOT = SOURCES.parent.parent
C_PROGRAMS = ("alloc", "binary_trees", "mark_graph", "lru")
OCAML_PROGRAMS = C_PROGRAMS
C_FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-pthread"]

# What would change a contestant behind the back of whoever compares.
MEDDLING = ("GAIT_", "GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "GC_", "MIMALLOC_", "MALLOC_",
            "GLIBC_TUNABLES", "LD_PRELOAD", "OCAMLRUNPARAM", "JAVA_TOOL_OPTIONS",
            "JDK_JAVA_OPTIONS")

BUILD_VARIABLES = ("PATH", "CC", "BDWGC_CC", "MIMALLOC_CC", "GLIBC_CC", "BDWGC_PREFIX",
                   "MIMALLOC_PREFIX", "PKG_CONFIG_PATH", "GO", "JAVA", "JAVAC", "OCAMLOPT")


class Absent(Exception):
    """This contestant cannot take part; the text says why."""


class Failed(Exception):
    """A run went wrong; the text says how."""


def words(variable, default):
    """The words of an environment variable that names a command."""
    return shlex.split(os.environ.get(variable) or default)


def environment():
    return {name: value for name, value in os.environ.items()
            if not name.startswith(MEDDLING)}


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def first_error(text):
    """The line that tells most about why a compiler failed."""
    for line in text.splitlines():
        signs = ("error:", "undefined reference", "not found")
        if any(sign in line for sign in signs) and "ld returned" not in line:
            return line.strip()
    return last_line(text)


def build(command, folder):
    """Runs a compiler in `folder`; Absent when it is not there or does not succeed."""
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except OSError as error:
        raise Absent(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        raise Absent(f"{command[0]}: {first_error(done.stdout)}")


class Contestant:
    """One side of the comparison.  `programs` are those that it has."""
    label = ""
    language = ""
    programs = C_PROGRAMS

    def __init__(self, name, folder):
        self.name = name
        self.folder = folder / name
        self.version = ""
        self.absent = ""
        self.prefix = words(name.upper() + "_RUN", "")

    def digest(self):
        """Changes with the sources and with the variables that name compilers and libraries."""
        digest = hashlib.sha256()
        for path in sorted((SOURCES / self.language).rglob("*.*")):
            digest.update(path.read_bytes())
        for variable in BUILD_VARIABLES:
            digest.update(f"{variable}={os.environ.get(variable)}\n".encode())
        return digest.hexdigest()

    def prepare(self):
        """Builds the programs, unless an earlier run has, and runs one for a moment; Absent when
        that cannot be done."""
        stamp = self.folder / "built"
        if not stamp.exists() or stamp.read_text() != self.digest():
            shutil.rmtree(self.folder, ignore_errors=True)
            shutil.copytree(SOURCES / self.language, self.folder)
            self.compile()
            stamp.write_text(self.digest())
        try:
            self.version = self.run("alloc", ["16", "1000", "0", "1"], {}).get("version", "")
        except Failed as error:
            raise Absent(str(error)) from error

    def compile(self):
        raise NotImplementedError

    def command(self, program, arguments):
        raise NotImplementedError

    def run(self, program, arguments, settings, timeout=1800):
        """Runs one program alone and returns the JSON object that it prints."""
        command = self.prefix + self.command(program, arguments)
        # A shell starts it: the peak memory of a process that another has forked is at first that
        # of the other one, and a shell is small.
        try:
            done = subprocess.run(["sh", "-c", '"$@"; exit $?', "sh", *command], cwd=self.folder,
                                  env=environment() | settings, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"not done after {timeout} s") from error
        if done.returncode != 0:
            raise Failed(f"exit status {done.returncode}: {last_line(done.stderr)}")
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError as error:
            raise Failed(f"printed no JSON: {last_line(done.stdout)}") from error


class Gait(Contestant):
    label = "Gait"
    programs = C_PROGRAMS + ("paced", "crowd", "start")

    def __init__(self, name, folder, command):
        super().__init__(name, folder)
        self.program = command
        self.prefix = []

    def prepare(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.program:
            self.compile()
        try:
            self.run("alloc", ["16", "1000", "0"], {})
            version = subprocess.run([self.program, "--version"], capture_output=True, text=True,
                                     check=True)
        except (OSError, subprocess.CalledProcessError, Failed) as error:
            raise Absent(f"{self.program}: {error}") from error
        self.version = version.stdout.split()[-1]

    def compile(self):
        build(["cmake", "-S", str(ROOT), "-B", ".", "-G", "Ninja", "-D", "CMAKE_BUILD_TYPE=Release",
               "-D", "GAIT_TESTS=OFF"], self.folder)
        build(["cmake", "--build", ".", "--target", "gait_command"], self.folder)
        self.program = str(self.folder / "tools" / "gait")

    def command(self, program, arguments):
        return [self.program, "run", program.replace("_", "-"), *arguments, "--json"]


class InC(Contestant):
    language = "c"
    package = library = prefix_variable = ""
    definition = []

    def flags(self):
        """How to find the library: a prefix, pkg-config, or the compiler's own folders."""
        prefix = os.environ.get(self.prefix_variable) if self.prefix_variable else None
        if prefix:
            return [f"-I{prefix}/include", f"-L{prefix}/lib", f"-Wl,-rpath,{prefix}/lib"]
        if not self.package or f"{self.name.upper()}_CC" in os.environ:
            return []
        try:
            found = subprocess.run(["pkg-config", "--cflags", "--libs", self.package],
                                   capture_output=True, text=True, check=False)
        except OSError:
            return []
        return shlex.split(found.stdout)

    def compile(self):
        compiler = words(f"{self.name.upper()}_CC", os.environ.get("CC") or "cc")
        flags = self.flags()
        libraries = [f"-l{self.library}"] if self.library else []
        for program in C_PROGRAMS:
            build([*compiler, *C_FLAGS, *self.definition, f"peer_{program}.c", "-o", program, *flags,
                   *libraries], self.folder)

    def command(self, program, arguments):
        return [f"./{program}", *arguments]


class Glibc(InC):
    label = "C library"


class Mimalloc(InC):
    label = "mimalloc"
    package, library, prefix_variable = "mimalloc", "mimalloc", "MIMALLOC_PREFIX"
    definition = ["-DPEER_MIMALLOC"]


class Bdwgc(InC):
    label = "bdwgc"
    package, library, prefix_variable = "bdw-gc", "gc", "BDWGC_PREFIX"
    definition = ["-DPEER_BDWGC"]


class Go(Contestant):
    label = "Go"
    language = "go"
    programs = C_PROGRAMS + ("paced", "crowd")

    def compile(self):
        (self.folder / "bin").mkdir()
        build([*words("GO", "go"), "build", "-o", "bin/", "./..."], self.folder)

    def command(self, program, arguments):
        return [f"bin/{program}", *arguments]


class Java(Contestant):
    label = "Java (G1)"
    language = "java"
    programs = ("alloc", "binary_trees", "lru")

    def compile(self):
        runtime = words("JAVA", "java")
        beside = str(Path(runtime[-1]).with_name("javac"))
        compiler = words("JAVAC", shlex.join([*runtime[:-1], beside]))
        sources = sorted(path.name for path in self.folder.glob("*.java"))
        build([*compiler, "-d", ".", *sources], self.folder)

    def command(self, program, arguments):
        name = "".join(part.capitalize() for part in program.split("_"))
        return [*words("JAVA", "java"), "-XX:+UseG1GC", "-cp", ".", name, *arguments]


class OCaml(Contestant):
    label = "OCaml"
    language = "ocaml"

    def compile(self):
        compiler = words("OCAMLOPT", "ocamlopt")
        common = ["-O3", "-I", "+unix", "unix.cmxa", "peer.ml", "parallel.ml"]
        for parallel in ("parallel_domains.ml", "parallel_none.ml"):
            shutil.copy(self.folder / parallel, self.folder / "parallel.ml")
            try:
                for program in OCAML_PROGRAMS:
                    build([*compiler, *common, f"{program}.ml", "-o", program], self.folder)
                return
            except Absent as error:
                failure = error
        raise failure

    def command(self, program, arguments):
        return [f"./{program}", *arguments]


PEERS = {"go": Go, "bdwgc": Bdwgc, "mimalloc": Mimalloc, "glibc": Glibc, "java": Java,
         "ocaml": OCaml}
LABELS = {"gait": Gait.label} | {name: peer.label for name, peer in PEERS.items()}


def prepare(names, folder, gait, say):
    """Gait and the named peers, each built or marked absent."""
    contestants = [Gait("gait", folder, gait)] + [PEERS[name](name, folder) for name in names]
    for contestant in contestants:
        say(f"building {contestant.label}")
        try:
            contestant.prepare()
        except Absent as error:
            contestant.absent = str(error)
    return contestants
