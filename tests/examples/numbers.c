/* Stats, records, and options from text. */
#include <gait/gait.h>
#include <gait/tune.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* [stats] */
static void print_stats(gait_heap *heap) {
  gait_stats stats;
  gait_stats_read(heap, &stats); /* waits for nobody: call it as often as you like */
  printf("%" PRIu64 " cycles, live %" PRIu64 " MiB, goal %" PRIu64 " MiB, longest pause %" PRIu64
         " us\n",
         stats.cycles, stats.heap_live_bytes >> 20, stats.goal_bytes >> 20,
         stats.pause_max_ns / 1000);
}
/* [end] */

/* [records] */
static uint64_t print_new_records(gait_heap *heap, uint64_t next) {
  gait_cycle_record records[16];
  size_t count;
  while ((count = gait_records_read(heap, next, records, 16)) > 0) {
    for (size_t i = 0; i < count; i++)
      printf("cycle %" PRIu64 ", %s: marked %" PRIu64 " objects in %.1f ms\n", records[i].cycle,
             gait_cycle_cause_name(records[i].cause), records[i].marked_objects,
             (double)records[i].mark_ns / 1e6);
    next = records[count - 1].cycle + 1;
  }
  return next;
}
/* [end] */

/* [cycle callback] */
static void on_cycle(gait_heap *heap, const gait_cycle_record *record, void *arg) {
  char line[256];
  (void)heap;
  gait_cycle_format(record, line, sizeof line);
  fprintf(arg, "%s\n", line);
}
/* [end] */

static void require(int holds) {
  if (!holds) abort();
}

/* [record file] */
static gait_result create_recorded(gait_heap **heap) {
  gait_options options;
  gait_options_init(&options);
  options.records = "/tmp/server.%p.rec"; /* the number of the process stands for %p */
  return gait_heap_create(&options, heap);
}
/* [end] */

/* [lateness] */
static void print_latest(gait_heap *heap, uint64_t cycle) {
  gait_cycle_record record;
  if (gait_records_read(heap, cycle, &record, 1) == 1 && record.late_thread != 0)
    printf("cycle %" PRIu64 " waited %.1f us for thread %" PRIu64 "\n", cycle,
           (double)record.late_ns / 1e3, record.late_thread);
}
/* [end] */

/* [trial] */
struct arm {
  uint64_t cycles;
  double gc_cpu_share; /* a sum */
};

static void on_trial_cycle(gait_heap *heap, const gait_cycle_record *record, void *arg) {
  struct arm *arms = arg;
  (void)heap;
  if (record->trial_cycle == 0) return; /* the setting is new: the cycle does not count */
  struct arm *arm = &arms[record->gogc_percent == 200];
  arm->cycles++;
  arm->gc_cpu_share += record->gc_cpu_share;
}
/* [end] */

static void run_trial(void) {
  struct arm arms[2] = {{0, 0}, {0, 0}};
  gait_heap *heap;
  gait_thread *thread;
  gait_options options;
  gait_options_init(&options);
  /* [trial option] */
  options.trial = "gogc:100,200,block=8,discard=2,seed=1";
  options.cycle = on_trial_cycle;
  options.cycle_arg = arms;
  /* [end] */
  require(gait_heap_create(&options, &heap) == GAIT_OK);
  require(gait_thread_attach(heap, NULL, GAIT_STACK_CONSERVATIVE, &thread) == GAIT_OK);
  for (int i = 0; i < 32; i++)
    require(gait_heap_collect(thread) == GAIT_OK);
  require(gait_thread_detach(thread) == GAIT_OK);
  require(gait_heap_destroy(heap) == GAIT_OK);
  require(arms[0].cycles == 12 && arms[1].cycles == 12);
}

/* [command line] */
static int parse_option(gait_options *options, const char *argument) { /* "gogc=200" */
  char name[64], error[256];
  const size_t length = strcspn(argument, "=");
  if (argument[length] == '\0' || length >= sizeof name) return -1;
  memcpy(name, argument, length);
  name[length] = '\0';
  if (gait_options_set(options, name, argument + length + 1, error, sizeof error) == GAIT_OK)
    return 0;
  fprintf(stderr, "%s\n", error);
  return -1;
}
/* [end] */

int main(void) {
  gait_heap *heap;
  gait_thread *thread;
  gait_options options;
  gait_options_init(&options);
  require(parse_option(&options, "gogc=50") == 0 && options.gogc_percent == 50);
  require(parse_option(&options, "gogc=banana") == -1 && options.gogc_percent == 50);
  options.cycle = on_cycle;
  options.cycle_arg = stdout;
  if (gait_heap_create(&options, &heap) ||
      gait_thread_attach(heap, NULL, GAIT_STACK_CONSERVATIVE, &thread))
    return 1;
  for (int i = 0; i < 200000; i++)
    require(gait_alloc(thread, gait_kind_leaf(heap), 512) != NULL);
  require(gait_heap_collect(thread) == GAIT_OK);
  print_stats(heap);
  require(print_new_records(heap, 1) > 1);
  run_trial();
  print_latest(heap, 1);
  if (gait_thread_detach(thread) || gait_heap_destroy(heap)) return 1;
  char path[64];
  require(create_recorded(&heap) == GAIT_OK && gait_heap_destroy(heap) == GAIT_OK);
  snprintf(path, sizeof path, "/tmp/server.%d.rec", (int)getpid());
  return unlink(path);
}
