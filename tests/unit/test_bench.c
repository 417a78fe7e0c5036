/* Benchmarks: bench.h. */
#include "unit.h"

#include <gait/bench.h>
#include <regex.h>

const char *const unit_suite_name = "bench";

/* ---- Counts ---- */

static const size_t sizes[] = {16, 40, 1024, 100000};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void allocate_sizes(gait_bench *bench, void *arg) {
  const unit_world *world = arg;
  for (size_t i = 0; i < bench->n; i++)
    for (int size = 0; size < SIZES; size++)
      UNIT_CHECK(gait_alloc(bench->thread, world->leaf, sizes[size]) != NULL);
}

static uint64_t sizes_bytes(void) {
  uint64_t bytes = 0;
  for (int size = 0; size < SIZES - 1; size++)
    bytes += gait_slot_bytes(sizes[size]);
  return bytes + (sizes[SIZES - 1] + 15) / 16 * 16;
}

static gait_bench quiet_bench(gait_thread *thread, size_t times) {
  gait_bench bench;
  gait_bench_init(&bench, thread, "unit");
  bench.out = NULL;
  bench.times = times;
  return bench;
}

START_TEST(counts_are_exact) {
  gait_options options = unit_options(_i);
  options.gogc_percent = 100;
  options.min_heap_bytes = (int64_t)4 << 20;
  unit_world world;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  gait_bench bench = quiet_bench(world.thread, 0);
  for (size_t times = 1; times <= 300; times = times * 3 + 1) {
    bench.times = times;
    const gait_bench_result result = gait_bench_run(&bench, "Sizes", allocate_sizes, &world);
    ck_assert_uint_eq(result.n, times);
    ck_assert_uint_eq(result.alloc_objects, times * SIZES);
    ck_assert_uint_eq(result.alloc_bytes, times * sizes_bytes());
    ck_assert_uint_eq(gait_bench_objects(result), SIZES);
    ck_assert_uint_eq(gait_bench_bytes(result), sizes_bytes());
    if (times > 100) ck_assert_uint_gt(result.cycles, 0);
  }
  unit_close(&world);
}
END_TEST

static void *allocate_elsewhere(void *arg) {
  const unit_world *world = arg;
  gait_thread *thread;
  if (gait_thread_attach(world->heap, "other", GAIT_STACK_EXACT, &thread) != GAIT_OK) return NULL;
  for (int i = 0; i < 1000; i++)
    UNIT_CHECK(gait_alloc(thread, world->leaf, 48) != NULL);
  gait_thread_detach(thread);
  return NULL;
}

static void allocate_on_threads(gait_bench *bench, void *arg) {
  for (size_t i = 0; i < bench->n; i++)
    unit_on_thread(bench->thread, allocate_elsewhere, arg);
}

START_TEST(counts_of_threads_that_are_gone_are_exact) {
  gait_bench bench = quiet_bench(unit.thread, 5);
  const gait_bench_result result = gait_bench_run(&bench, "Threads", allocate_on_threads, &unit);
  ck_assert_uint_eq(result.alloc_objects, 5000);
  ck_assert_uint_eq(result.alloc_bytes, 5000 * 48);
}
END_TEST

/* ---- The clock ---- */

static void allocate_some(gait_bench *bench, const unit_world *world, int count) {
  for (int i = 0; i < count; i++)
    UNIT_CHECK(gait_alloc(bench->thread, world->leaf, 16) != NULL);
}

static void stop_and_start(gait_bench *bench, void *arg) {
  allocate_some(bench, arg, 7);
  gait_bench_reset(bench); /* the seven are forgotten */
  allocate_some(bench, arg, 10);
  gait_bench_stop(bench);
  gait_bench_stop(bench);
  allocate_some(bench, arg, 100);
  gait_bench_start(bench);
  gait_bench_start(bench);
  allocate_some(bench, arg, 1000);
}

START_TEST(the_clock_stands_still) {
  gait_bench bench = quiet_bench(unit.thread, 1);
  const gait_bench_result result = gait_bench_run(&bench, "Clock", stop_and_start, &unit);
  ck_assert_uint_eq(result.alloc_objects, 1010);
  ck_assert_uint_gt(result.ns, 0);
}
END_TEST

static void sleep_outside(gait_bench *bench, void *arg) {
  const struct timespec time = {.tv_nsec = 20000000};
  (void)arg;
  gait_bench_stop(bench);
  nanosleep(&time, NULL);
  gait_bench_start(bench);
}

START_TEST(time_without_the_clock_is_not_counted) {
  gait_bench bench = quiet_bench(unit.thread, 1);
  uint64_t least = UINT64_MAX; /* another program may take the CPU for as long */
  for (int i = 0; i < 20 && least >= 20000000; i++) {
    const uint64_t ns = gait_bench_run(&bench, "Sleep", sleep_outside, NULL).ns;
    if (ns < least) least = ns;
  }
  ck_assert_uint_lt(least, 20000000);
}
END_TEST

START_TEST(a_benchmark_takes_its_time) {
  gait_bench bench = quiet_bench(unit.thread, 0);
  bench.time_ns = 2000000;
  const gait_bench_result result = gait_bench_run(&bench, "Time", allocate_on_threads, &unit);
  ck_assert_uint_ge(result.ns, bench.time_ns);
  ck_assert_uint_ge(result.n, 1);
  ck_assert_uint_eq(gait_bench_objects(result), 1000);
}
END_TEST

START_TEST(the_next_count_is_gos) {
  gait_bench bench = quiet_bench(unit.thread, 0);
  bench.n = 10, bench.result.ns = 100000000; /* 10 ms each: 120 take 1.2 s */
  ck_assert_uint_eq(gait_bench_next(&bench), 120);
  bench.result.ns = 100; /* a hundred times, and no more */
  ck_assert_uint_eq(gait_bench_next(&bench), 1000);
  bench.result.ns = 999999999; /* one more at least */
  bench.n = 1;
  ck_assert_uint_eq(gait_bench_next(&bench), 2);
  bench.n = 100000000, bench.result.ns = 1000000;
  ck_assert_uint_eq(gait_bench_next(&bench), 1000000000);
}
END_TEST

/* ---- Lines ---- */

static void with_figures(gait_bench *bench, void *arg) {
  allocate_some(bench, arg, 3);
  bench->input_bytes = 1000;
  ck_assert(gait_bench_report(bench, 1, "rows/op"));
  ck_assert(gait_bench_report(bench, 12.5, "rows/op"));
  ck_assert(gait_bench_report(bench, 1, "a/op") && gait_bench_report(bench, 1, "b/op"));
  ck_assert(gait_bench_report(bench, 1, "c/op") && !gait_bench_report(bench, 1, "d/op"));
}

static bool line_matches(const char *text, const char *expression) {
  regex_t compiled;
  ck_assert_int_eq(regcomp(&compiled, expression, REG_EXTENDED | REG_NEWLINE | REG_NOSUB), 0);
  const bool matches = regexec(&compiled, text, 0, NULL, 0) == 0;
  regfree(&compiled);
  return matches;
}

START_TEST(lines_are_gos) {
  char *text = NULL;
  size_t bytes = 0, heads = 0;
  gait_bench bench = quiet_bench(unit.thread, 1);
  bench.out = open_memstream(&text, &bytes);
  bench.count = 2;
  bench.collector = true;
  gait_bench_run(&bench, "Lines/of=three", with_figures, &unit);
  gait_bench_run(&bench, "Other", allocate_sizes, &unit);
  fclose(bench.out);
  for (const char *at = text; (at = strstr(at, "pkg: unit\n")); at++)
    heads++;
  ck_assert_uint_eq(heads, 1);
#ifdef __linux__
  ck_assert(line_matches(text, "^goos: linux$"));
#endif
  const char *expression = "^BenchmarkLines/of=three(-[0-9]+)?[ \t]+1[ \t]+[0-9.]+ ns/op"
                           "[ \t]+[0-9.]+ MB/s[ \t]+12.50 rows/op[ \t]+1.000 a/op[ \t]+1.000 b/op"
                           "[ \t]+1.000 c/op[ \t]+[0-9.]+ cycles/op[ \t]+[0-9.]+ gc-cpu-ns/op"
                           "[ \t]+48 B/op[ \t]+3 allocs/op$";
  ck_assert_msg(line_matches(text, expression), "%s", text);
  ck_assert(line_matches(text, "^BenchmarkOther(-[0-9]+)?[ \t]+1[ \t]+[0-9.]+ ns/op"));
  ck_assert(!line_matches(text, "^BenchmarkOther.*rows/op"));
  free(text);
}
END_TEST

START_TEST(another_benchmark_does_not_run) {
  gait_bench bench = quiet_bench(unit.thread, 1);
  bench.match = "Sto";
  ck_assert_uint_eq(gait_bench_run(&bench, "Alloc", allocate_sizes, &unit).n, 0);
  ck_assert_uint_eq(gait_bench_run(&bench, "Store", stop_and_start, &unit).n, 1);
}
END_TEST

/* ---- Arguments ---- */

static int given(gait_bench *bench, const char *argument) {
  char text[64];
  snprintf(text, sizeof text, "%s", argument);
  char *argv[] = {text, text};
  gait_bench_init(bench, NULL, "unit");
  return gait_bench_arguments(bench, 2, argv) - 1;
}

START_TEST(arguments_are_gos) {
  gait_bench bench;
  ck_assert(given(&bench, "-benchtime=250ms") && bench.time_ns == 250000000 && !bench.times);
  ck_assert(given(&bench, "--benchtime=1.5s") && bench.time_ns == 1500000000);
  ck_assert(given(&bench, "-benchtime=100x") && bench.times == 100);
  ck_assert(given(&bench, "-count=7") && bench.count == 7);
  ck_assert(given(&bench, "-collector") && bench.collector);
  static const char *const wrong[] = {"-benchtime=",     "-benchtime=5",  "-benchtime=-1s",
                                      "-benchtime=0.5x", "-benchtime=1h", "-benchtime=x",
                                      "-benchtime=0s",   "-count=0",      "-count=-1",
                                      "-count=",         "-count=3x",     "-bench",
                                      "alloc",           "-benchmem"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    ck_assert_msg(!given(&bench, wrong[i]), "%s", wrong[i]);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *counts = unit_case(suite, "counts");
  UNIT_TEST(counts, counts_are_exact);
  unit_worlds worlds = unit_world_cases(suite, "bench", &unit_exact);
  UNIT_WORLD_TEST(worlds, counts_of_threads_that_are_gone_are_exact);
  UNIT_WORLD_TEST(worlds, the_clock_stands_still);
  UNIT_WORLD_TEST(worlds, time_without_the_clock_is_not_counted);
  UNIT_WORLD_TEST(worlds, a_benchmark_takes_its_time);
  UNIT_WORLD_TEST(worlds, the_next_count_is_gos);
  UNIT_WORLD_TEST(worlds, lines_are_gos);
  UNIT_WORLD_TEST(worlds, another_benchmark_does_not_run);
  TCase *arguments = unit_case(suite, "arguments");
  UNIT_TEST(arguments, arguments_are_gos);
}
