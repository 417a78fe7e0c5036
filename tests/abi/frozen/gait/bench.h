/* bench.h: benchmarks of a program on Gait, in the form of Go's: time, bytes and objects of one
 * operation.  All of it is in this header, and nothing of it in the library.
 *
 * A benchmark is a function that does its operation `n` times:
 *
 *     static void cons(gait_bench *bench, void *arg) {
 *       for (size_t i = 0; i < bench->n; i++)
 *         gait_alloc(bench->thread, *(gait_kind *)arg, 16);
 *     }
 *
 *     gait_bench bench;
 *     gait_bench_init(&bench, thread, "example");
 *     gait_bench_run(&bench, "Cons", cons, &kind);
 *
 * gait_bench_run calls it with larger and larger `n`, until it takes a second, and prints
 *
 *     goos: linux
 *     goarch: amd64
 *     pkg: example
 *     cpu: Intel(R) Xeon(R) Platinum 8175M CPU @ 2.50GHz
 *     BenchmarkCons-2   100000000    9.87 ns/op   16 B/op   1 allocs/op
 *
 * as Go does with -benchmem, so that benchstat reads it.  Before each call a collection has freed
 * dead objects; the clock stands still for it.
 *
 * Bytes and objects are those that threads allocate on the heap while the clock runs, the bytes by
 * the sizes of slots, in all and rounded down for each operation.  The count is exact for the
 * calling thread, and for others that are outside managed code or gone when the clock is stopped;
 * of one that runs, the latest run of slots may be counted in part.  An object that
 * gait_object_free gives back before the next is allocated does not count. */
#ifndef GAIT_BENCH_H
#define GAIT_BENCH_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gait/gait.h"
#include "gait/tune.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GAIT_BENCH_METRICS 4

/* Where the clock and the counters stand: not an interface. */
struct gait_bench_state {
  bool runs;
  bool headed; /* the lines above the first result are printed */
  uint64_t since_ns;
  gait_stats since;
  const char *package;
  unsigned metrics;
  struct {
    double value;
    const char *unit;
  } metric[GAIT_BENCH_METRICS];
};

/* The cost of one call of the function, for all of its operations together. */
typedef struct gait_bench_result {
  size_t n;               /* operations; 0: no benchmark has run */
  uint64_t ns;            /* time */
  uint64_t alloc_bytes;   /* allocated: bytes of slots */
  uint64_t alloc_objects; /* and objects */
  uint64_t cycles;        /* collections that ended */
  uint64_t gc_cpu_ns;     /* CPU time of the collector, as in gait_stats */
} gait_bench_result;

typedef struct gait_bench {
  /* How often the function is to do its operation. */
  size_t n;
  /* The thread that runs the benchmarks. */
  gait_thread *thread;
  /* ---- Settings, from gait_bench_init on ---- */
  /* Lines go here, to stdout at first; NULL: nowhere. */
  FILE *out;
  /* A benchmark runs if this is part of its name; NULL: each does. */
  const char *match;
  /* For how long a benchmark is to run, a second at first. */
  uint64_t time_ns;
  /* Not 0: do so many operations, however long it takes. */
  size_t times;
  /* How often a benchmark is measured, each time with a line. */
  unsigned count;
  /* Print the cycles and the collector's CPU time of an operation as well. */
  bool collector;
  /* ---- Of the benchmark ---- */
  /* Bytes of input of one operation, for MB/s, which the function sets; 0: no such figure. */
  uint64_t input_bytes;
  /* The measurement so far. */
  gait_bench_result result;
  /* Not for programs. */
  struct gait_bench_state state;
} gait_bench;

/* Does its operation bench->n times. */
typedef void gait_bench_fn(gait_bench *bench, void *arg);

/* Makes it ready for benchmarks on the calling thread, which is attached.  `package` stands in the
 * line "pkg:"; both live as long as `bench`. */
static inline void gait_bench_init(gait_bench *bench, gait_thread *thread, const char *package);

/* Takes settings from a command line, as Go names them:
 *   -bench=TEXT       run those benchmarks that have TEXT in their names
 *   -benchtime=TIME   for how long: 200ms, 1s ...; 100x: so many operations
 *   -count=N          measure each so often
 *   -collector        print the collector's part as well
 * Returns how many of the arguments are understood, argv[0] among them: argc if all are. */
static inline int gait_bench_arguments(gait_bench *bench, int argc, char **argv);

/* Runs a benchmark and prints its lines.  Its name begins with a capital and has no space; "/"
 * stands before the name of a variant.  Returns the last measurement; with n = 0 where `match` is
 * another.
 * Thread: the one that bench->thread is.  GC: runs cycles. */
static inline gait_bench_result gait_bench_run(gait_bench *bench, const char *name,
                                               gait_bench_fn *body, void *arg);

/* The clock and the counters, within a benchmark.  They run when it begins.  stop and start: leave
 * out the time between; reset: leave out all that was before.
 * Thread: the one that bench->thread is. */
static inline void gait_bench_stop(gait_bench *bench);
static inline void gait_bench_start(gait_bench *bench);
static inline void gait_bench_reset(gait_bench *bench);

/* Prints one more figure, within a benchmark, such as 12.5 "cycles/op"; one for each unit, and
 * GAIT_BENCH_METRICS at most.  The unit has no space, and lives on.  Returns whether there was
 * room. */
static inline bool gait_bench_report(gait_bench *bench, double value, const char *unit_name);

/* ns, bytes and objects of one operation: those of the first are a fraction, the others rounded
 * down, as Go's are. */
static inline double gait_bench_ns(gait_bench_result result);
static inline uint64_t gait_bench_bytes(gait_bench_result result);
static inline uint64_t gait_bench_objects(gait_bench_result result);

/* ---- Inline ---- */

static inline double gait_bench_ns(gait_bench_result result) {
  return result.n ? (double)result.ns / (double)result.n : 0;
}

static inline uint64_t gait_bench_bytes(gait_bench_result result) {
  return result.n ? result.alloc_bytes / result.n : 0;
}

static inline uint64_t gait_bench_objects(gait_bench_result result) {
  return result.n ? result.alloc_objects / result.n : 0;
}

static inline void gait_bench_init(gait_bench *bench, gait_thread *thread, const char *package) {
  memset(bench, 0, sizeof *bench);
  bench->thread = thread;
  bench->out = stdout;
  bench->time_ns = 1000000000u;
  bench->count = 1;
  bench->state.package = package;
}

/* ---- The clock ---- */

/* Where strict C has no other clock, the one that may be set. */
static inline uint64_t gait_bench_now_ns(void) {
  struct timespec now;
#ifdef CLOCK_MONOTONIC
  clock_gettime(CLOCK_MONOTONIC, &now);
#else
  timespec_get(&now, TIME_UTC);
#endif
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void gait_bench_start(gait_bench *bench) {
  if (bench->state.runs) return;
  bench->state.runs = true;
  gait_stats_read(gait_thread_heap(bench->thread), &bench->state.since);
  bench->state.since_ns = gait_bench_now_ns();
}

static inline void gait_bench_stop(gait_bench *bench) {
  const uint64_t now_ns = gait_bench_now_ns();
  const gait_stats *since = &bench->state.since;
  gait_bench_result *result = &bench->result;
  gait_stats now;
  if (!bench->state.runs) return;
  bench->state.runs = false;
  gait_stats_read(gait_thread_heap(bench->thread), &now);
  result->ns += now_ns - bench->state.since_ns;
  result->alloc_bytes += now.alloc_bytes - since->alloc_bytes;
  result->alloc_objects += now.alloc_objects - since->alloc_objects;
  result->cycles += now.cycles - since->cycles;
  result->gc_cpu_ns += now.gc_cpu_ns - since->gc_cpu_ns;
}

static inline void gait_bench_reset(gait_bench *bench) {
  const bool runs = bench->state.runs;
  bench->state.runs = false;
  memset(&bench->result, 0, sizeof bench->result);
  bench->result.n = bench->n;
  if (runs) gait_bench_start(bench);
}

static inline bool gait_bench_report(gait_bench *bench, double value, const char *unit_name) {
  struct gait_bench_state *state = &bench->state;
  unsigned i = 0;
  while (i < state->metrics && strcmp(state->metric[i].unit, unit_name) != 0)
    i++;
  if (i == GAIT_BENCH_METRICS) return false;
  if (i == state->metrics) state->metrics++;
  state->metric[i].value = value;
  state->metric[i].unit = unit_name;
  return true;
}

/* ---- Lines ---- */

static inline void gait_bench_print_cpu(FILE *out) {
  char line[256];
  FILE *file = fopen("/proc/cpuinfo", "r");
  if (!file) return;
  while (fgets(line, sizeof line, file)) {
    const char *value = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || !value) continue;
    fprintf(out, "cpu: %s", value + 1 + strspn(value + 1, " "));
    break;
  }
  fclose(file);
}

static inline void gait_bench_print_head(gait_bench *bench) {
  if (bench->state.headed) return;
  bench->state.headed = true;
#ifdef __linux__
  fprintf(bench->out, "goos: linux\n");
#endif
#if defined(__x86_64__)
  fprintf(bench->out, "goarch: amd64\n");
#elif defined(__aarch64__)
  fprintf(bench->out, "goarch: arm64\n");
#endif
  fprintf(bench->out, "pkg: %s\n", bench->state.package);
  gait_bench_print_cpu(bench->out);
}

/* Four figures at least, with the points below each other, as Go prints them. */
static inline void gait_bench_print(FILE *out, double value, const char *unit_name) {
  const double size = value < 0 ? -value : value;
  const int digits = size == 0 || size >= 999.95 ? 0
                     : size >= 99.995            ? 1
                     : size >= 9.9995            ? 2
                     : size >= 0.99995           ? 3
                                                 : 4;
  fprintf(out, "\t%*.*f %s", digits ? 11 + digits : 10, digits, value, unit_name);
}

/* Behind the name stands how many CPUs there are, but for one. */
static inline void gait_bench_print_result(gait_bench *bench, const char *name) {
  const gait_bench_result result = bench->result;
  const struct gait_bench_state *state = &bench->state;
  const double n = (double)result.n;
  const unsigned cpus = (unsigned)(state->since.cpus + 0.5);
  char suffix[16] = "";
  if (!bench->out) return;
  gait_bench_print_head(bench);
  if (cpus > 1) snprintf(suffix, sizeof suffix, "-%u", cpus);
  fprintf(bench->out, "Benchmark%s%s\t%8zu", name, suffix, result.n);
  gait_bench_print(bench->out, gait_bench_ns(result), "ns/op");
  if (bench->input_bytes && result.ns)
    fprintf(bench->out, "\t%7.2f MB/s",
            (double)bench->input_bytes * n / 1e6 / ((double)result.ns / 1e9));
  for (unsigned i = 0; i < state->metrics; i++)
    gait_bench_print(bench->out, state->metric[i].value, state->metric[i].unit);
  if (bench->collector) {
    gait_bench_print(bench->out, (double)result.cycles / n, "cycles/op");
    gait_bench_print(bench->out, (double)result.gc_cpu_ns / n, "gc-cpu-ns/op");
  }
  fprintf(bench->out, "\t%8" PRIu64 " B/op\t%8" PRIu64 " allocs/op\n", gait_bench_bytes(result),
          gait_bench_objects(result));
  fflush(bench->out);
}

/* ---- Running ---- */

static inline void gait_bench_call(gait_bench *bench, gait_bench_fn *body, void *arg, size_t n) {
  bench->n = n;
  bench->input_bytes = 0;
  bench->state.metrics = 0;
  gait_heap_collect(bench->thread);
  gait_bench_reset(bench);
  gait_bench_start(bench);
  body(bench, arg);
  gait_bench_stop(bench);
}

/* The next `n`, as Go chooses it: a fifth more than would do, a hundred times the last at most. */
static inline size_t gait_bench_next(const gait_bench *bench) {
  const double last = (double)bench->n;
  const double ns = bench->result.ns ? (double)bench->result.ns : 1;
  double next = (double)bench->time_ns * last / ns * 1.2;
  if (next > last * 100) next = last * 100;
  if (next < last + 1) next = last + 1;
  return next > 1e9 ? (size_t)1000000000 : (size_t)next;
}

static inline gait_bench_result gait_bench_run(gait_bench *bench, const char *name,
                                               gait_bench_fn *body, void *arg) {
  memset(&bench->result, 0, sizeof bench->result);
  if (bench->match && !strstr(name, bench->match)) return bench->result;
  for (unsigned i = 0; i < bench->count; i++) {
    gait_bench_call(bench, body, arg, bench->times ? bench->times : 1);
    while (!bench->times && bench->result.ns < bench->time_ns && bench->n < 1000000000)
      gait_bench_call(bench, body, arg, gait_bench_next(bench));
    gait_bench_print_result(bench, name);
  }
  return bench->result;
}

/* ---- Settings from a command line ---- */

/* "100x" or a time; false: neither, or nothing. */
static inline bool gait_bench_parse_time(gait_bench *bench, const char *text) {
  static const struct {
    const char *name;
    double ns;
  } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}};
  char *end;
  const double value = strtod(text, &end);
  if (end == text || !(value > 0 && value <= 1e9)) return false;
  if (strcmp(end, "x") == 0) {
    bench->times = (size_t)value;
    return value >= 1;
  }
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (strcmp(end, units[i].name) != 0 || value * units[i].ns > 1e18) continue;
    bench->times = 0;
    bench->time_ns = (uint64_t)(value * units[i].ns);
    return true;
  }
  return false;
}

static inline bool gait_bench_parse(gait_bench *bench, const char *argument) {
  if (argument[0] == '-' && argument[1] == '-') argument++;
  if (strcmp(argument, "-collector") == 0) return bench->collector = true;
  const char *value = strchr(argument, '=');
  if (!value++) return false;
  if (strncmp(argument, "-benchtime=", 11) == 0) return gait_bench_parse_time(bench, value);
  if (strncmp(argument, "-bench=", 7) == 0) {
    bench->match = value;
    return true;
  }
  char *end;
  const unsigned long count = strtoul(value, &end, 10);
  if (strncmp(argument, "-count=", 7) != 0 || end == value || *end) return false;
  bench->count = (unsigned)count;
  return count > 0 && count <= 1000000;
}

static inline int gait_bench_arguments(gait_bench *bench, int argc, char **argv) {
  int at = 1;
  while (at < argc && gait_bench_parse(bench, argv[at]))
    at++;
  return at;
}

#ifdef __cplusplus
}
#endif
#endif
