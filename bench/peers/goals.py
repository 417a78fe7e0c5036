"""What Gait should reach, each goal as one number that must not pass a bound."""
from dataclasses import dataclass

from work import LRU_LIMIT_MIB, MIB, WORK


@dataclass(frozen=True)
class Figure:
    """A number of a contestant; `how` is median, min or max of its runs."""
    work: str
    who: str
    metric: str
    how: str = "median"

    def find(self, results):
        row = results.get(self.work, {}).get(self.who, {}).get(self.metric)
        return row[self.how] if row else None


@dataclass(frozen=True)
class Goal:
    text: str
    top: Figure
    bound: float
    unit: float = 1  # of a figure that is not compared with another
    bottom: Figure = None

    def judge(self, results):
        """The row of the report; `value` is None where a contestant is absent."""
        value = self.top.find(results)
        if self.bottom is not None:
            below = self.bottom.find(results)
            value = value / below if value is not None and below else None
        elif value is not None:
            value /= self.unit
        return {"goal": self.text, "value": value, "bound": self.bound,
                "met": None if value is None else value <= self.bound}


def ratio(text, work, peer, bound, metric="ns_per_op"):
    return Goal(text, Figure(work, "gait", metric), bound, bottom=Figure(work, peer, metric))


def against_itself(text, works, metric, bound, how="median"):
    top, bottom = (Figure(work, "gait", metric, how) for work in works)
    return Goal(text, top, bound, bottom=bottom)


def garbage_goals():
    goals = [Goal(f"garbage of 16 bytes, {number}: ns",
                  Figure(f"garbage-16-{threads}", "gait", "ns_per_op"), 3)
             for threads, number in ((1, "one thread"), (2, "two threads"))]
    for size in (16, 64):
        for threads, number in ((1, "one thread"), (2, "two threads")):
            goals.append(ratio(f"garbage of {size} bytes, {number}: of Go",
                               f"garbage-{size}-{threads}", "go", 0.15))
        # Each thread allocates as much as the one did: 2 / 1.05 is 1.9 times the throughput.
        goals.append(against_itself(
            f"garbage of {size} bytes: time of two threads, of one's that does half",
            (f"garbage-{size}-2", f"garbage-{size}-1"), "ns_per_op", 2 / 1.9))
    return goals


def mark_goals():
    return [
        ratio("mark, random: of Go", "mark-random", "go", 0.25),
        ratio("mark, random: of bdwgc", "mark-random", "bdwgc", 0.06),
        Goal("mark, tree in allocation order: ns per node",
             Figure("mark-tree", "gait", "ns_per_op"), 5),
    ] + [ratio(f"mark, {shape}: of Go", f"mark-{shape}", "go", 0.7)
         for shape in ("list", "shuffled", "array", "mixed")]


def memory_goals():
    goals = [ratio(f"peak memory of {work.name}: of Go", work.name, "go", 1, "peak_rss_bytes")
             for work in WORK if "go" in work.peers and work.limit_mib is None]
    return goals + [Goal("side tables, % of the mapped heap",
                         Figure("mark-random", "gait", "side_table_percent"), 4)]


def lru_goals(quick):
    return [
        ratio("lru: of Go", "lru", "go", 0.85),
        ratio("lru, 99.99th percentile of an operation: of malloc", "lru", "glibc", 1.2,
              "op_p9999_ns"),
        Goal("lru, longest pause by the collector in the best run: us",
             Figure("lru", "gait", "pause_max_ns", "min"), 200, 1e3),
        Goal("lru under a limit, peak mapped: of the limit",
             Figure("lru-limit", "gait", "mapped_peak_bytes", "max"), 1,
             LRU_LIMIT_MIB[quick] * MIB),
        ratio("lru under a limit: of Go with the same limit", "lru-limit", "go", 0.7),
    ]


def growth_goals():
    return [
        against_itself("growth, longest pause in the best run: at 8 GiB, of 64 MiB",
                       ("growth-8g", "growth-64m"), "pause_max_ns", 1.5, "min"),
        against_itself("growth, marking per byte: at 8 GiB, of 512 MiB",
                       ("growth-8g", "growth-512m"), "mark_us_per_mib", 1.5),
        against_itself("longest pause in the best run: with 1,000 idle threads, of none",
                       ("crowd-1000", "crowd-0"), "pause_max_ns", 1.5, "min"),
        against_itself("peak mapped: with 1,000 idle threads, of none",
                       ("crowd-1000", "crowd-0"), "mapped_peak_bytes", 1.5),
        Goal("start: us", Figure("start", "gait", "ns_per_op"), 100, 1e3),
    ]


def judge(results, quick):
    """Every goal with its value, in the order of the work; small sizes meet or miss none."""
    goals = [ratio("binary-trees, one thread: of Go", "trees-1", "go", 0.33),
             ratio("binary-trees, one thread: of mimalloc", "trees-1", "mimalloc", 1),
             ratio("binary-trees, one thread: of OCaml", "trees-1", "ocaml", 1.05),
             ratio("binary-trees, one thread: of Java", "trees-1", "java", 1.05),
             against_itself("binary-trees: time with two threads, of one",
                            ("trees-2", "trees-1"), "ns_per_op", 0.55)]
    goals += garbage_goals() + mark_goals() + lru_goals(quick) + memory_goals() + growth_goals()
    rows = [goal.judge(results) for goal in goals]
    return [row | {"met": None} for row in rows] if quick else rows
