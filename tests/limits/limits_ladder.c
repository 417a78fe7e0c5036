/* Leaks under a limit, and how they end: the steps that are reported, and the failure in the time
 * that the options say. */
#include "limits_world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LADDER_LIMIT_BYTES   ((int64_t)(24 * MIB))
#define LADDER_FAIL_AFTER_MS 300
#define LADDER_REPORTS       256

struct ladder {
  struct limits_world world;
  gait_limit_report reports[LADDER_REPORTS];
  size_t count;
  uint64_t kept;
};

static void ladder_report(gait_heap *heap, const gait_limit_report *report, void *arg) {
  struct ladder *ladder = arg;
  MUST(!ladder->world.heap || heap == ladder->world.heap);
  if (ladder->count < LADDER_REPORTS) ladder->reports[ladder->count++] = *report;
}

static void ladder_open(struct ladder *ladder, gait_fail_by fail_by) {
  gait_options options = limits_options();
  memset(ladder, 0, sizeof *ladder);
  options.memory_limit_bytes = LADDER_LIMIT_BYTES;
  options.fail_after_ms = LADDER_FAIL_AFTER_MS;
  options.fail_by = fail_by;
  options.limit_report = ladder_report;
  options.limit_report_arg = ladder;
  limits_open(&ladder->world, &options);
}

/* Keeps one node of eight, until an allocation fails. */
static void ladder_leak(struct ladder *ladder) {
  struct limits_world *world = &ladder->world;
  for (uint64_t i = 0;; i++) {
    struct limits_node *node = gait_alloc(world->thread, world->node, 128);
    if (!node) return;
    if (i % 8 != 0) continue;
    node->number = ladder->kept++;
    gait_store_init(world->thread, &node->next, world->slots[0]);
    world->slots[0] = node;
  }
}

/* The last reports: the cap, and the failure, in this order. */
static const gait_limit_report *ladder_check_reports(const struct ladder *ladder) {
  MUST(ladder->count >= 2);
  for (size_t i = 0; i < ladder->count; i++) {
    const gait_limit_report *report = &ladder->reports[i];
    MUST(report->before == (i ? ladder->reports[i - 1].step : GAIT_LIMIT_FREE));
    MUST(report->step != report->before);
    MUST(report->memory_limit_bytes == LADDER_LIMIT_BYTES && report->cpu_cap_percent == 50);
    MUST((report->cause == GAIT_LIMIT_FITS) == (report->step < GAIT_LIMIT_CAP));
    MUST(report->fail_after_ms == LADDER_FAIL_AFTER_MS);
    MUST(report->cycle > (i ? ladder->reports[i - 1].cycle : 0));
  }
  const gait_limit_report *fail = &ladder->reports[ladder->count - 1], *cap = fail - 1;
  MUST(fail->step == GAIT_LIMIT_FAIL && cap->step == GAIT_LIMIT_CAP);
  MUST(fail->at_cap_ns >= LADDER_FAIL_AFTER_MS * UINT64_C(1000000));
  MUST(fail->at_ns - cap->at_ns >= LADDER_FAIL_AFTER_MS * UINT64_C(1000000) / 2);
  MUST(fail->suggested_limit_bytes > LADDER_LIMIT_BYTES);
  return fail;
}

/* The allocation that fails has asked for a cycle that changes nothing; and a program that then
 * drops what it has can go on. */
static void ladder_leak_ends(void) {
  static struct ladder ladder;
  ladder_open(&ladder, GAIT_FAIL_BY_NULL);
  ladder_leak(&ladder);
  const gait_limit_report *fail = ladder_check_reports(&ladder);
  const gait_cycle_record record = limits_last_cycle(&ladder.world);
  MUST(record.limit_step == GAIT_LIMIT_FAIL && record.cycle > fail->cycle);
  printf("limits: a leak under 24 MiB ends after %.2f s at the cap, %.2f s after it began, with "
         "%.1f MiB alive and %.1f mapped; suggested: %.1f\n",
         (double)fail->at_cap_ns / 1e9, (double)fail->at_ns / 1e9,
         (double)fail->live_bytes / (double)MIB, (double)fail->mapped_bytes / (double)MIB,
         (double)fail->suggested_limit_bytes / (double)MIB);
  limits_check_list(&ladder.world, ladder.kept);
  const size_t reports = ladder.count;
  ladder.world.slots[0] = NULL;
  for (int i = 0; i < 3; i++)
    MUST(gait_heap_collect(ladder.world.thread) == GAIT_OK);
  while (limits_last_cycle(&ladder.world).limit_step >= GAIT_LIMIT_CAP) {
    usleep(10000); /* the limiter drains while the program does nothing */
    MUST(gait_heap_collect(ladder.world.thread) == GAIT_OK);
  }
  MUST(ladder.count > reports && ladder.reports[reports].before == GAIT_LIMIT_FAIL);
  for (int i = 0; i < 1000; i++)
    MUST(gait_alloc(ladder.world.thread, ladder.world.node, 128));
  limits_close(&ladder.world);
}

static void ladder_leak_in_child(int said) {
  static struct ladder ladder;
  dup2(said, STDERR_FILENO);
  ladder_open(&ladder, GAIT_FAIL_BY_ABORT);
  ladder_leak(&ladder);
  _exit(EXIT_SUCCESS);
}

static void ladder_leak_aborts(void) {
  char text[4096] = "";
  size_t length = 0;
  ssize_t more;
  int ends[2], status = 0;
  MUST(pipe(ends) == 0);
  const pid_t child = fork();
  MUST(child >= 0);
  if (child == 0) ladder_leak_in_child(ends[1]);
  close(ends[1]);
  while ((more = read(ends[0], text + length, sizeof text - 1 - length)) > 0)
    length += (size_t)more;
  close(ends[0]);
  MUST(waitpid(child, &status, 0) == child);
  MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  MUST(strstr(text, "gait: memory limit: cap -> fail at"));
  MUST(strstr(text, "gait: REQUIRE(limit.lasting) failed in "));
}

/* A limit that is raised at the cap, as the report suggests, ends the matter; and without a time
 * the heap stays at its cap. */
static void ladder_raise(gait_heap *heap, const gait_limit_report *report, void *arg) {
  ladder_report(heap, report, arg);
  if (report->step != GAIT_LIMIT_CAP) return;
  MUST(gait_heap_set_memory_limit(heap, report->suggested_limit_bytes, NULL) == GAIT_OK);
}

static void ladder_limit_is_raised(void) {
  static struct ladder ladder;
  gait_options options = limits_options();
  options.memory_limit_bytes = LADDER_LIMIT_BYTES;
  options.limit_report = ladder_raise;
  options.limit_report_arg = &ladder;
  limits_open(&ladder.world, &options);
  while (ladder.kept < 64 * MIB / 128) {
    for (int i = 0; i < 8; i++)
      MUST(gait_alloc(ladder.world.thread, ladder.world.node, 128));
    limits_keep(&ladder.world, 128);
    ladder.kept++;
  }
  limits_check_list(&ladder.world, ladder.kept);
  int64_t limit = LADDER_LIMIT_BYTES;
  for (size_t i = 0; i < ladder.count; i++) {
    MUST(ladder.reports[i].step != GAIT_LIMIT_FAIL);
    if (ladder.reports[i].step != GAIT_LIMIT_CAP) continue;
    MUST(ladder.reports[i].memory_limit_bytes == limit);
    limit = ladder.reports[i].suggested_limit_bytes;
  }
  MUST(gait_heap_memory_limit(ladder.world.heap) == limit);
  limits_close(&ladder.world);
}

const struct run_case limits_cases_ladder[] = {
    {"leak_ends", ladder_leak_ends},
    {"leak_aborts", ladder_leak_aborts},
    {"limit_is_raised", ladder_limit_is_raised},
    {NULL, NULL},
};
