/* Record files that are read while they are written.
 *
 * In the stress build the rings have some entries each, so that writers lap readers and each other
 * all the time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cycle/events.h"
#include "record_world.h"

const char *const unit_suite_name = "record race";

#define SEEDS 4

/* ---- Cycles ---- */

struct race {
  unit_world world;
  const char *path;
  atomic_bool over;
  atomic_ulong reads;
};

/* Each record that is read is the one in the heap's own ring, as long as that still has it. */
static void race_compare(struct race *race, struct record_reader *reader, uint64_t cycle) {
  gait_cycle_record read, own;
  if (!record_reader_cycle(reader, cycle, &read)) return;
  UNIT_CHECK(read.cycle == cycle);
  atomic_fetch_add(&race->reads, 1);
  if (gait_records_read(race->world.heap, cycle, &own, 1) != 1 || own.cycle != cycle) return;
  UNIT_CHECK(memcmp(&read, &own, sizeof read) == 0);
}

static void *race_read_cycles(void *arg) {
  struct race *race = arg;
  struct record_reader *reader = record_open(race->path);
  while (!atomic_load(&race->over)) {
    uint64_t first, last;
    if (!record_reader_range(reader, &first, &last)) continue;
    for (uint64_t cycle = last > 20 ? last - 20 : 1; cycle <= last + 1; cycle++)
      race_compare(race, reader, cycle);
  }
  record_reader_close(reader);
  return NULL;
}

static void *race_read_all(void *arg) {
  struct race *race = arg;
  struct record_reader *reader = record_open(race->path);
  while (!atomic_load(&race->over)) {
    gait_record_now now;
    record_check(reader);
    UNIT_CHECK(record_reader_now(reader, &now) && now.phase <= 11);
    usleep(2000); /* it takes the CPU from the others */
  }
  record_reader_close(reader);
  return NULL;
}

static void *race_mutate(void *arg) {
  struct race *race = arg;
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(race->world.heap, "mutator", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  while (!atomic_load(&race->over))
    gait_alloc(thread, race->world.leaf, 256);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

START_TEST(cycles_are_whole_while_they_are_written) {
  static struct race race;
  char name[32];
  pthread_t threads[4];
  snprintf(name, sizeof name, "race.%d", _i);
  race.path = record_path(name);
  gait_options options;
  gait_options_init(&options);
  options.min_heap_bytes = 1 << 16;
  options.records = race.path;
  options.debug.seed = _i + 1;
  options.debug.delay_us = _i % 2 ? 100 : 0;
  unit_open_with(&race.world, &options, GAIT_STACK_EXACT);
  UNIT_CHECK(pthread_create(&threads[0], NULL, race_read_cycles, &race) == 0);
  UNIT_CHECK(pthread_create(&threads[1], NULL, race_read_all, &race) == 0);
  UNIT_CHECK(pthread_create(&threads[2], NULL, race_mutate, &race) == 0);
  UNIT_CHECK(pthread_create(&threads[3], NULL, race_mutate, &race) == 0);
  while (unit_stats(race.world.heap).cycles < 50 || atomic_load(&race.reads) < 50)
    for (unsigned i = 0; i < 1000; i++)
      race.world.slots[i % UNIT_SLOTS] = gait_alloc(race.world.thread, race.world.references, 256);
  atomic_store(&race.over, true);
  gait_thread_leave(race.world.thread);
  for (unsigned i = 0; i < 4; i++)
    UNIT_CHECK(pthread_join(threads[i], NULL) == 0);
  gait_thread_enter(race.world.thread);
  unit_close(&race.world);
}
END_TEST

/* ---- Events ---- */

#define WRITERS 4

struct writers {
  gait_heap *heap;
  atomic_bool over;
  atomic_ulong next;
  atomic_ulong written;
};

/* The three values of an event follow from one another. */
static void *writers_write(void *arg) {
  struct writers *writers = arg;
  int number = (int)atomic_fetch_add(&writers->next, 1);
  unsigned long count = 0;
  for (uint64_t i = (uint64_t)number << 40; !atomic_load(&writers->over); i++, count++)
    gaiti_event_write(writers->heap, &(struct gaiti_event){.type = GAIT_EVENT_ASSIST,
                                                           .at_ns = gaiti_os_now_ns(),
                                                           .thread = 1000 + number,
                                                           .value = {i, ~i, i * 3}});
  atomic_fetch_add(&writers->written, count);
  return NULL;
}

static size_t writers_check(struct record_reader *reader) {
  size_t count, own = 0;
  gait_record_event *events = record_reader_events(reader, &count, NULL);
  for (size_t i = 0; i < count; i++) {
    if (events[i].type != GAIT_EVENT_ASSIST) continue;
    const uint64_t value = events[i].value[0];
    UNIT_CHECK(events[i].value[1] == ~value && events[i].value[2] == value * 3);
    UNIT_CHECK(events[i].thread == 1000 + (int)(value >> 40));
    own++;
  }
  free(events);
  return own;
}

/* Writers lap each other and the reader.  No event is torn, none is there twice, and those that are
 * neither in the ring nor lapped were dropped and counted. */
START_TEST(events_are_whole_while_all_threads_write) {
  struct writers writers = {0};
  pthread_t threads[WRITERS];
  unit_world world;
  const char *path = record_path("events");
  gait_options options = record_options(UNIT_CONCURRENT, path);
  options.debug.delay_us = 20;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  writers.heap = world.heap;
  struct record_reader *reader = record_open(path);
  for (int i = 0; i < WRITERS; i++)
    UNIT_CHECK(pthread_create(&threads[i], NULL, writers_write, &writers) == 0);
  const uint64_t room = record_reader_header(reader)->section[GAIT_RECORD_EVENTS].count;
  gait_record_now now = {0};
  for (unsigned i = 0; i < 5 || now.events_written < room * 3; i++) {
    UNIT_CHECK(record_reader_now(reader, &now));
    writers_check(reader);
  }
  atomic_store(&writers.over, true);
  for (int i = 0; i < WRITERS; i++)
    UNIT_CHECK(pthread_join(threads[i], NULL) == 0);
  const size_t there = writers_check(reader);
  UNIT_CHECK(record_reader_now(reader, &now));
  ck_assert_uint_ge(now.events_written, atomic_load(&writers.written));
  ck_assert_uint_le(now.events_written, atomic_load(&writers.written) + 100); /* the heap's own */
  ck_assert_uint_ge(there + now.events_dropped + 100, room);
  record_reader_close(reader);
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  tcase_add_loop_test(unit_case(suite, "cycles"), cycles_are_whole_while_they_are_written, 0,
                      SEEDS);
  tcase_add_test(unit_case(suite, "events"), events_are_whole_while_all_threads_write);
}
