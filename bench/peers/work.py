"""What is compared: the pieces of work, with their sizes and what is measured of each."""
from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Metric:
    """A number of a run.  `key` is its name in the JSON; what is shown is that over `unit`."""
    key: str
    label: str
    unit: float
    digits: int


def per(what):
    return Metric("ns_per_op", f"ns per {what}", 1, 2)


WALL_US = Metric("ns_per_op", "us per round", 1e3, 1)
P9999 = Metric("op_p9999_ns", "99.99th percentile of an operation, us", 1e3, 1)
LONGEST = Metric("op_max_ns", "longest operation, us", 1e3, 0)
PAUSE = Metric("pause_max_ns", "longest pause by the collector, us", 1e3, 0)
MEMORY = Metric("peak_rss_bytes", "peak memory of the process, MiB", MIB, 1)
MAPPED = Metric("mapped_peak_bytes", "peak mapped by the heap, MiB", MIB, 1)
TABLES = Metric("side_table_percent", "side tables, % of the mapped heap", 1, 2)
MARK_SPEED = Metric("mark_us_per_mib", "marking, us per MiB live", 1, 1)
CYCLES = Metric("cycles", "cycles", 1, 0)


@dataclass(frozen=True)
class Work:
    """One piece of work.  `full` and `quick` are the arguments of the program; `threads` is None
    where the program takes no number of threads."""
    name: str
    title: str
    program: str
    full: list
    quick: list
    metrics: tuple
    threads: int = None
    peers: tuple = ("go", "bdwgc", "mimalloc", "glibc", "java", "ocaml")
    gait_options: tuple = ()
    limit_mib: tuple = None  # a memory limit: (full, quick)
    timeline: bool = False

    def arguments(self, quick):
        return [str(word) for word in (self.quick if quick else self.full)]

    def limit(self, quick):
        return None if self.limit_mib is None else self.limit_mib[quick]

    def for_gait(self, quick):
        options = list(self.gait_options)
        if self.threads is not None:
            options += ["--threads", str(self.threads)]
        if self.limit_mib is not None:
            options += ["--memory-limit", f"{self.limit(quick)}MiB"]
        if self.timeline:
            options += ["--cycles"]
        return self.arguments(quick) + options, {}

    def for_peer(self, quick):
        threads = [] if self.threads is None else [str(self.threads)]
        settings = {} if self.limit_mib is None else {"GOMEMLIMIT": f"{self.limit(quick)}MiB"}
        return self.arguments(quick) + threads, settings


def trees(threads, number):
    return Work(f"trees-{threads}", f"binary-trees, {number}", "binary_trees", [20], [10],
                (per("node"), PAUSE, MEMORY), threads)


def garbage(size, threads, number):
    return Work(f"garbage-{size}-{threads}", f"garbage of {size} bytes, {number}", "alloc",
                [size, 20_000_000, 0], [size, 100_000, 0],
                (per("allocation of each thread"), PAUSE, MEMORY), threads)


def mark(shape, title, nodes):
    """The peers that only free by hand have nothing to mark, and a forced collection of Java's G1
    moves all objects: that is other work."""
    return Work(f"mark-{shape}", f"mark: {title}", "mark_graph", [nodes, 2, shape],
                [20_000, 2, shape], (per("node"), MEMORY, TABLES),
                peers=("go", "bdwgc", "ocaml"))


def growth(name, title, live_mb, peers):
    """The heap grows to twice what is live."""
    return Work(f"growth-{name}", f"growth: a heap of {title}", "paced",
                ["steady", live_mb, 0, live_mb * 3], ["steady", max(1, live_mb // 512), 0, 30],
                (PAUSE, MARK_SPEED, MEMORY, per("node")), peers=peers, timeline=True)


def crowd(idle, title):
    return Work(f"crowd-{idle}", f"growth: {title}", "crowd", [idle, 16],
                [min(idle, 50), 8], (PAUSE, per("node"), MAPPED, MEMORY), peers=("go",))


# Of the cache, 605 MiB are live in the full size; 1.2 times that is the limit.
LRU_LIMIT_MIB = (726, 15)

WORK = (
    trees(1, "one thread"),
    trees(2, "two threads, the same work in all"),
    garbage(16, 1, "one thread"),
    garbage(16, 2, "two threads"),
    garbage(64, 1, "one thread"),
    garbage(64, 2, "two threads"),
    mark("random", "random nodes of 48 bytes", 10_000_000),
    mark("tree", "a tree in allocation order", 5_000_000),
    mark("list", "a list in allocation order", 5_000_000),
    mark("shuffled", "a list in random order", 5_000_000),
    mark("array", "one array of nodes", 10_000_000),
    mark("mixed", "chains of 1,000 with random links", 5_000_000),
    Work("lru", "lru, a million entries", "lru", [1_000_000, 5_000_000], [10_000, 50_000],
         (per("operation"), P9999, LONGEST, PAUSE, MEMORY)),
    Work("lru-limit", "lru under a memory limit of 1.2 times what is live", "lru",
         [1_000_000, 5_000_000], [10_000, 50_000],
         (per("operation"), P9999, PAUSE, MAPPED, MEMORY, CYCLES), peers=("go",),
         limit_mib=LRU_LIMIT_MIB),
    growth("64m", "64 MiB", 32, ("go",)),
    growth("512m", "512 MiB", 256, ("go",)),
    growth("8g", "8 GiB", 4096, ()),
    crowd(0, "one thread"),
    crowd(30, "30 idle threads beside one"),
    crowd(1000, "1,000 idle threads beside one"),
    Work("start", "start: create a heap, allocate, destroy", "start", [2000], [50],
         (WALL_US, MEMORY), peers=()),
)


def derive(row):
    """Adds what follows from other numbers of a run, and drops what is long."""
    tables, mapped = row.get("side_table_bytes"), row.get("mapped_bytes")
    if tables is not None and mapped:
        row["side_table_percent"] = 100 * tables / mapped
    # The smaller heaps that came before, while it grew, would tell of another size.
    cycles = [cycle for cycle in row.pop("timeline", []) if cycle["marked_bytes"] > 0]
    largest = max((cycle["marked_bytes"] for cycle in cycles), default=0)
    speeds = sorted(cycle["mark_ns"] / 1e3 / (cycle["marked_bytes"] / MIB) for cycle in cycles
                    if cycle["marked_bytes"] > largest / 2)
    if speeds:
        row["mark_us_per_mib"] = speeds[len(speeds) // 2]
    return row
