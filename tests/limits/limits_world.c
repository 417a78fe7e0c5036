/* limits: how far the collector goes, one case a process.
 *
 *   limits CASE */
#include "limits_world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void limits_fail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  fputs("limits: ", stderr);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
  abort();
}

void limits_skip(const char *why) {
  printf("limits: skipped: %s\n", why);
  exit(LIMITS_SKIPPED);
}

bool limits_full(void) {
  const char *text = getenv("GAIT_LIMITS");
  return text && strcmp(text, "full") == 0;
}

/* ---- A world ---- */

gait_options limits_options(void) {
  gait_options options;
  gait_options_init(&options);
  options.idle_help = 0; /* what helpers take is nobody's loss, and would be counted */
  return options;
}

void limits_open(struct limits_world *world, const gait_options *options) {
  static const uint64_t map[1] = {3};
  memset(world, 0, sizeof *world);
  MUST(gait_heap_create(options, &world->heap) == GAIT_OK);
  MUST(gait_thread_attach(world->heap, "limits", GAIT_STACK_EXACT, &world->thread) == GAIT_OK);
  gait_kind_info info = {
      .name = "node", .form = GAIT_KIND_POINTERS, .map_bytes = 16, .pointer_map = map};
  MUST(gait_kind_register(world->heap, &info, &world->node) == GAIT_OK);
  info.name = "references";
  info.map_bytes = info.repeat_bytes = 8;
  MUST(gait_kind_register(world->heap, &info, &world->references) == GAIT_OK);
  gait_frame_push(world->thread, &world->frame, world->slots, 4);
}

void limits_close(struct limits_world *world) {
  gait_frame_pop(world->thread, &world->frame);
  MUST(gait_thread_detach(world->thread) == GAIT_OK);
  MUST(gait_heap_destroy(world->heap) == GAIT_OK);
}

gait_stats limits_stats(const struct limits_world *world) {
  gait_stats stats;
  gait_stats_read(world->heap, &stats);
  return stats;
}

gait_cycle_record limits_last_cycle(const struct limits_world *world) {
  gait_cycle_record record;
  MUST(gait_records_read(world->heap, limits_stats(world).cycles, &record, 1) == 1);
  return record;
}

void limits_keep(struct limits_world *world, size_t bytes) {
  struct limits_node *node = gait_alloc(world->thread, world->node, bytes);
  MUST(node);
  struct limits_node *first = world->slots[0];
  node->number = first ? first->number + 1 : 0;
  gait_store_init(world->thread, &node->next, first);
  world->slots[0] = node;
}

void limits_check_list(const struct limits_world *world, uint64_t count) {
  for (const struct limits_node *node = world->slots[0]; node; node = node->next)
    MUST(node->number == --count);
  MUST(count == 0);
}

struct limits_call {
  void (*function)(void *);
  void *arg;
};

static void *limits_call(void *arg) {
  const struct limits_call *call = arg;
  call->function(call->arg);
  return NULL;
}

void limits_outside(struct limits_world *world, void (*function)(void *), void *arg) {
  struct limits_call call = {function, arg};
  gait_thread_outside(world->thread, limits_call, &call);
}

/* ---- A thread that collects ---- */

static void *limits_collect(void *arg) {
  struct limits_collector *collector = arg;
  gait_thread *thread;
  MUST(gait_thread_attach(collector->heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  while (!atomic_load(&collector->over)) {
    MUST(gait_heap_collect(thread) == GAIT_OK);
    atomic_fetch_add(&collector->cycles, 1);
  }
  MUST(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

void limits_collector_begin(struct limits_collector *collector, gait_heap *heap) {
  memset(collector, 0, sizeof *collector);
  collector->heap = heap;
  MUST(pthread_create(&collector->id, NULL, limits_collect, collector) == 0);
}

static void limits_collector_join(void *arg) {
  MUST(pthread_join(((struct limits_collector *)arg)->id, NULL) == 0);
}

void limits_collector_end(struct limits_world *world, struct limits_collector *collector) {
  atomic_store(&collector->over, true);
  limits_outside(world, limits_collector_join, collector);
}

/* ---- The kernel's numbers ---- */

static uint64_t limits_clock_ns(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t limits_now_ns(void) {
  return limits_clock_ns(CLOCK_MONOTONIC);
}

/* The kibibytes after `name` in a file of the kernel's, in bytes; 0 when it is not there. */
static size_t limits_kernel_bytes(const char *path, const char *name) {
  FILE *file = fopen(path, "r");
  char line[256];
  size_t kib = 0;
  while (file && fgets(line, sizeof line, file))
    if (strncmp(line, name, strlen(name)) == 0) kib = strtoull(line + strlen(name), NULL, 10);
  if (file) fclose(file);
  return kib * KIB;
}

size_t limits_resident_bytes(void) {
  return limits_kernel_bytes("/proc/self/status", "VmRSS:");
}

size_t limits_resident_peak_bytes(void) {
  return limits_kernel_bytes("/proc/self/status", "VmHWM:");
}

static size_t limits_group_bytes(const char *path) {
  unsigned long long bytes = 0;
  FILE *file = fopen(path, "r");
  if (file && fscanf(file, "%llu", &bytes) != 1) bytes = 0;
  if (file) fclose(file);
  return (size_t)bytes;
}

size_t limits_free_memory_bytes(void) {
  size_t bytes = limits_kernel_bytes("/proc/meminfo", "MemAvailable:");
  const size_t limit = limits_group_bytes("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  const size_t used = limits_group_bytes("/sys/fs/cgroup/memory/memory.usage_in_bytes");
  if (limit > used && limit - used < bytes) bytes = limit - used;
  return bytes;
}

struct limits_meter limits_meter_read(const struct limits_world *world) {
  return (struct limits_meter){
      .wall_ns = limits_now_ns(),
      .process_ns = limits_clock_ns(CLOCK_PROCESS_CPUTIME_ID),
      .own_ns = limits_clock_ns(CLOCK_THREAD_CPUTIME_ID),
      .assist_ns = limits_stats(world).gc_assist_ns,
  };
}

double limits_gc_share(const struct limits_meter *from, const struct limits_meter *to,
                       double cpus) {
  const double others =
      (double)(to->process_ns - from->process_ns) - (double)(to->own_ns - from->own_ns);
  const double gc = others + (double)(to->assist_ns - from->assist_ns);
  return gc / ((double)(to->wall_ns - from->wall_ns) * cpus);
}

/* ---- Cases ---- */

int main(int argc, char **argv) {
  const struct run_case *const tables[] = {
      limits_cases_cap,   limits_cases_many,   limits_cases_parked, limits_cases_weakly,
      limits_cases_large, limits_cases_system, limits_cases_held,   limits_cases_ladder};
  setbuf(stdout, NULL);
  run_case_find(tables, sizeof tables / sizeof *tables, argc == 2 ? argv[1] : NULL)->run();
  return EXIT_SUCCESS;
}
