#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/process.h"
#include "../support/run_suite.h"

const gait_option *unit_option(size_t field) {
  for (size_t i = 0; gait_option_at(i); i++)
    if (gait_option_at(i)->field == field) return gait_option_at(i);
  ck_abort_msg("no row describes the field at offset %zu of gait_options", field);
  return NULL;
}

gait_options unit_options(int mode) {
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = GAIT_OFF;
  options.barrierless = mode == UNIT_BARRIERLESS;
  if (mode == UNIT_SHRUNKEN) {
    options.debug.checkmark = 1;
    options.debug.heap_walk = 1;
    options.debug.poison = 1;
    options.debug.run_bytes = UNIT_OPTION(debug.run_bytes)->minimum;
    options.debug.barrier_entries = UNIT_OPTION(debug.barrier_entries)->minimum;
    options.debug.mark_segments = UNIT_OPTION(debug.mark_segments)->minimum;
  }
  return options;
}

void unit_open_with(unit_world *world, const gait_options *options, gait_thread_roots roots) {
  memset(world, 0, sizeof *world);
  ck_assert_int_eq(gait_heap_create(options, &world->heap), GAIT_OK);
  ck_assert_ptr_nonnull(world->heap);
  ck_assert_int_eq(gait_thread_attach(world->heap, "test", roots, &world->thread), GAIT_OK);
  world->leaf = gait_kind_leaf(world->heap);
  world->conservative = gait_kind_conservative(world->heap);
  static const uint64_t map[1] = {1};
  const gait_kind_info info = {.name = "references",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(void *),
                               .pointer_map = map,
                               .repeat_bytes = sizeof(void *)};
  ck_assert_int_eq(gait_kind_register(world->heap, &info, &world->references), GAIT_OK);
  gait_frame_push(world->thread, &world->frame, world->slots, UNIT_SLOTS);
}

void unit_open(unit_world *world, int mode, gait_thread_roots roots) {
  const gait_options options = unit_options(mode);
  unit_open_with(world, &options, roots);
}

void unit_close(unit_world *world) {
  gait_frame_pop(world->thread, &world->frame);
  ck_assert_int_eq(gait_thread_detach(world->thread), GAIT_OK);
  ck_assert_int_eq(gait_heap_destroy(world->heap), GAIT_OK);
}

void unit_tag(unit_world *world, void *object, unsigned tag) {
  ck_assert_ptr_nonnull(object);
  ck_assert_uint_lt(tag, UNIT_TAGS);
  ck_assert_int_eq(gait_object_set_external(world->thread, object, (size_t)1 << tag), GAIT_OK);
}

void *unit_tagged_leaf(unit_world *world, unsigned tag) {
  void *object = gait_alloc(world->thread, world->leaf, 32);
  unit_tag(world, object, tag);
  return object;
}

gait_stats unit_stats(gait_heap *heap) {
  gait_stats stats;
  memset(&stats, 0xee, sizeof stats);
  gait_stats_read(heap, &stats);
  return stats;
}

uint64_t unit_alive(unit_world *world) {
  ck_assert_int_eq(gait_heap_collect(world->thread), GAIT_OK);
  return unit_stats(world->heap).external_bytes;
}

gait_cycle_record unit_last_record(gait_heap *heap) {
  gait_cycle_record record;
  const uint64_t cycles = unit_stats(heap).cycles;
  ck_assert_uint_gt(cycles, 0);
  ck_assert_uint_eq(gait_records_read(heap, cycles, &record, 1), 1);
  ck_assert_uint_eq(record.cycle, cycles);
  return record;
}

uint64_t unit_marked_objects(unit_world *world) {
  ck_assert_int_eq(gait_heap_collect(world->thread), GAIT_OK);
  return unit_last_record(world->heap).marked_objects;
}

__attribute__((noinline)) void unit_scrub_stack(void) {
  volatile char frame[32 * 1024];
  for (size_t i = 0; i < sizeof frame; i++)
    frame[i] = 0;
}

struct unit_call {
  void *(*function)(void *);
  void *arg;
};

static void *unit_join(void *arg) {
  struct unit_call *call = arg;
  pthread_t thread;
  ck_assert_int_eq(pthread_create(&thread, NULL, call->function, call->arg), 0);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  return NULL;
}

void unit_on_thread(gait_thread *waiter, void *(*function)(void *), void *arg) {
  struct unit_call call = {function, arg};
  if (waiter)
    gait_thread_outside(waiter, unit_join, &call);
  else
    unit_join(&call);
}

static void *unit_collect_forever(void *arg) {
  unit_collector *collector = arg;
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(collector->heap, "collects", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  while (!atomic_load(&collector->stop)) {
    UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
    atomic_fetch_add(&collector->cycles, 1);
  }
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

void unit_collector_start(unit_collector *collector, gait_heap *heap) {
  collector->heap = heap;
  atomic_init(&collector->stop, false);
  atomic_init(&collector->cycles, 0);
  UNIT_CHECK(pthread_create(&collector->thread, NULL, unit_collect_forever, collector) == 0);
}

void unit_collector_stop(unit_collector *collector, gait_thread *waiter) {
  atomic_store(&collector->stop, true);
  if (waiter) gait_thread_leave(waiter);
  UNIT_CHECK(pthread_join(collector->thread, NULL) == 0);
  if (waiter) gait_thread_enter(waiter);
}

size_t unit_count_threads(void) {
  return process_threads();
}

unit_resources unit_count_resources(void) {
  const struct process_memory memory = process_memory();
  return (unit_resources){
      .mappings = memory.mappings,
      .mapped_bytes = memory.bytes,
      .threads = process_threads(),
      .descriptors = process_descriptors(),
  };
}

size_t unit_resident_bytes(void) {
  size_t total = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_eq(fscanf(file, "%zu %zu", &total, &resident), 2);
  fclose(file);
  return resident * (size_t)sysconf(_SC_PAGESIZE);
}

void unit_log_line(const char *line, void *arg) {
  unit_log *log = arg;
  const size_t used = strlen(log->text);
  snprintf(log->text + used, sizeof log->text - used, "%s\n", line);
  log->lines++;
}

TCase *unit_case(Suite *suite, const char *name) {
  return suite_case(suite, name);
}

/* ---- Fixtures ---- */

unit_world unit;

static void unit_open_exact(unit_world *world, int mode) {
  unit_open(world, mode, GAIT_STACK_EXACT);
}

static void unit_open_conservative(unit_world *world, int mode) {
  unit_open(world, mode, GAIT_STACK_CONSERVATIVE);
}

UNIT_FIXTURE(unit_exact, UNIT_MODES, unit_open_exact);
UNIT_FIXTURE(unit_conservative, UNIT_MODES, unit_open_conservative);

static void unit_close_world(void) {
  unit_close(&unit);
}

unit_worlds unit_world_cases(Suite *suite, const char *name, const unit_fixture *fixture) {
  unit_worlds worlds = {.modes = fixture->modes};
  for (int mode = 0; mode < fixture->modes; mode++) {
    worlds.cases[mode] = unit_case(suite, name);
    tcase_add_checked_fixture(worlds.cases[mode], fixture->open[mode], unit_close_world);
  }
  return worlds;
}

int main(void) {
  Suite *suite = suite_create(unit_suite_name);
  unit_suite_fill(suite);
  return suite_end(suite);
}
