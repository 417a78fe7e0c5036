/* A heap of a fixed size: the option max_heap is passed by nothing, and no thread waits for ever.
 */
#include "unit.h"

#include "../support/sanitizer.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/sizes.h"

const char *const unit_suite_name = "max_heap";

#define MOST    (8 * MIB)
#define THREADS 4

/* Counts how often the heap has asked, and gives up the slots of the world while it may. */
struct max_heap_handler {
  unit_world *world;
  unsigned asked;
  unsigned gives;
  size_t bytes;
};
static struct max_heap_handler handler;

static int max_heap_out_of_memory(gait_heap *heap, size_t bytes, void *arg) {
  struct max_heap_handler *asked = arg;
  (void)heap;
  asked->asked++;
  asked->bytes = bytes;
  if (asked->gives == 0) return 0;
  asked->gives--;
  memset(asked->world->slots, 0, sizeof asked->world->slots);
  return 1;
}

/* The queue of mark work is not the smallest: with it, a full heap is walked for each object. */
static gait_options max_heap_options(int mode) {
  gait_options options = unit_options(mode);
  options.max_heap_bytes = MOST;
  options.debug.mark_segments = 1000;
  return options;
}

static void max_heap_open(unit_world *world, int mode) {
  gait_options options = max_heap_options(mode);
  handler = (struct max_heap_handler){.world = world};
  options.out_of_memory = max_heap_out_of_memory;
  options.out_of_memory_arg = &handler;
  unit_open_with(world, &options, GAIT_STACK_EXACT);
}

UNIT_FIXTURE(max_heap_world, UNIT_MODES, max_heap_open);

static void max_heap_check_mapped(const unit_world *world) {
  const gait_stats stats = unit_stats(world->heap);
  ck_assert_uint_le(stats.mapped_peak_bytes, MOST);
  ck_assert_uint_le(stats.mapped_bytes, stats.mapped_peak_bytes);
}

/* Puts objects of so many bytes in front of the list in slot 0, until there is no room.  Returns
 * how many. */
static size_t max_heap_fill(unit_world *world, size_t bytes) {
  size_t count = 0;
  void **node;
  while ((node = gait_alloc(world->thread, world->references, bytes)) != NULL) {
    gait_store_init(world->thread, node, world->slots[0]);
    world->slots[0] = node;
    count++;
  }
  return count;
}

static void max_heap_churn(gait_thread *thread, gait_kind leaf, size_t bytes, size_t object) {
  for (size_t done = 0; done < bytes; done += object)
    UNIT_CHECK(gait_alloc(thread, leaf, object) != NULL);
}

START_TEST(live_objects_fill_the_max_heap_and_no_more) {
  static const size_t sizes[] = {16, 1000, 40000, MIB};
  for (size_t i = _i == UNIT_SHRUNKEN; i < sizeof sizes / sizeof *sizes; i++) {
    handler.asked = 0;
    const size_t count = max_heap_fill(&unit, sizes[i]);
    ck_assert_uint_ge(count * sizes[i], MOST / 2);
    ck_assert_uint_le(count * sizes[i], MOST);
    ck_assert_uint_eq(handler.asked, 1);
    ck_assert_uint_eq(handler.bytes, sizes[i]);
    ck_assert_uint_le(unit_stats(unit.heap).mapped_peak_bytes, MOST);
    unit.slots[0] = NULL;
  }
  max_heap_churn(unit.thread, unit.leaf, 2 * MOST, 512);
  max_heap_check_mapped(&unit);
}
END_TEST

START_TEST(garbage_makes_room_in_the_max_heap_in_time) {
  max_heap_churn(unit.thread, unit.leaf, 4 * MOST, 512);
  max_heap_churn(unit.thread, unit.leaf, 16 * MOST, MOST / 3);
  max_heap_churn(unit.thread, unit.leaf, 4 * MOST, 512);
  ck_assert_uint_eq(handler.asked, 0);
  ck_assert_uint_ge(unit_stats(unit.heap).cycles, 4);
  ck_assert_uint_le(unit_stats(unit.heap).goal_bytes, MOST); /* cycles begin before it is full */
  ck_assert_int_eq(unit_last_record(unit.heap).cause, GAIT_CAUSE_MEMORY_LIMIT);
  max_heap_check_mapped(&unit);
}
END_TEST

START_TEST(out_of_memory_handler_makes_room_in_the_max_heap) {
  handler.gives = 3;
  ck_assert_uint_ge(max_heap_fill(&unit, 1000) * 1000, 2 * MOST); /* more than ever fits */
  ck_assert_uint_eq(handler.asked, 4);
  handler.gives = 1;
  ck_assert_ptr_nonnull(gait_alloc(unit.thread, unit.leaf, MOST / 2));
  ck_assert_uint_eq(handler.asked, 5);
  max_heap_check_mapped(&unit);
}
END_TEST

START_TEST(an_object_larger_than_the_max_heap_fails) {
  ck_assert_ptr_null(gait_alloc(unit.thread, unit.leaf, MOST));
  ck_assert_ptr_null(gait_alloc(unit.thread, unit.leaf, GAIT_MAX_OBJECT_BYTES));
  ck_assert_uint_eq(handler.asked, 2);
  ck_assert_ptr_nonnull(gait_alloc(unit.thread, unit.leaf, MOST / 4 * 3));
  max_heap_check_mapped(&unit);
}
END_TEST

/* External bytes are no memory of the heap. */
START_TEST(external_bytes_do_not_count_in_the_max_heap) {
  unit.slots[0] = gait_alloc(unit.thread, unit.leaf, 16);
  ck_assert_int_eq(gait_object_set_external(unit.thread, unit.slots[0], 64 * MOST), GAIT_OK);
  max_heap_churn(unit.thread, unit.leaf, 4 * MOST, 512);
  ck_assert_uint_eq(unit_stats(unit.heap).external_bytes, 64 * MOST);
  ck_assert_uint_eq(handler.asked, 0);
  max_heap_check_mapped(&unit);
}
END_TEST

/* The memory limit is passed where it has to be, and the hard one is not. */
START_TEST(memory_limit_lies_below_the_max_heap) {
  ck_assert_int_eq(gait_heap_set_memory_limit(unit.heap, MOST / 4, NULL), GAIT_OK);
  ck_assert_int_eq(gait_heap_memory_limit(unit.heap), MOST / 4);
  ck_assert_uint_ge(max_heap_fill(&unit, 1000) * 1000, MOST / 2);
  ck_assert_uint_eq(handler.asked, 1);
  unit.slots[0] = NULL;
  ck_assert_int_eq(gait_heap_set_memory_limit(unit.heap, 4 * MOST, NULL), GAIT_OK);
  max_heap_churn(unit.thread, unit.leaf, 4 * MOST, 512);
  ck_assert_uint_eq(handler.asked, 1);
  max_heap_check_mapped(&unit);
}
END_TEST

/* ---- Several threads ---- */

struct max_heap_thread {
  pthread_t id;
  unit_world *world;
  size_t kept;
  bool fills;
};

static void *max_heap_thread_run(void *arg) {
  struct max_heap_thread *self = arg;
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(self->world->heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  if (!self->fills) {
    max_heap_churn(thread, self->world->leaf, 4 * MOST, 512);
    max_heap_churn(thread, self->world->leaf, 4 * MOST, MOST / 16);
  } else {
    void *slot = NULL, **node;
    gait_frame frame;
    gait_frame_push(thread, &frame, &slot, 1);
    while ((node = gait_alloc(thread, self->world->references, 1000)) != NULL) {
      gait_store_init(thread, node, slot);
      slot = node;
      self->kept += 1000;
    }
    gait_frame_pop(thread, &frame);
  }
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

static size_t max_heap_threads(unit_world *world, bool fill) {
  struct max_heap_thread threads[THREADS];
  size_t kept = 0;
  for (size_t i = 0; i < THREADS; i++) {
    threads[i] = (struct max_heap_thread){.world = world, .fills = fill};
    UNIT_CHECK(pthread_create(&threads[i].id, NULL, max_heap_thread_run, &threads[i]) == 0);
  }
  gait_thread_leave(world->thread);
  for (size_t i = 0; i < THREADS; i++) {
    UNIT_CHECK(pthread_join(threads[i].id, NULL) == 0);
    kept += threads[i].kept;
  }
  gait_thread_enter(world->thread);
  return kept;
}

START_TEST(threads_that_make_garbage_get_the_max_heap_again_and_again) {
  max_heap_threads(&unit, false);
  ck_assert_uint_eq(handler.asked, 0);
  max_heap_check_mapped(&unit);
}
END_TEST

/* All of them come to an end, and what they kept together is most of the heap: one that is told
 * that there is no room gives its own back. */
START_TEST(threads_that_keep_all_of_the_max_heap_come_to_an_end) {
  unit_world world;
  const gait_options options = max_heap_options(_i);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  ck_assert_uint_ge(max_heap_threads(&world, true), MOST / 2);
  max_heap_churn(world.thread, world.leaf, 2 * MOST, 512);
  max_heap_check_mapped(&world);
  unit_close(&world);
}
END_TEST

/* ---- A child process ---- */

START_TEST(a_forked_child_has_the_same_max_heap) {
  max_heap_churn(unit.thread, unit.leaf, MOST, 512);
  const pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    const bool fills = max_heap_fill(&unit, 1000) * 1000 >= MOST / 2 && handler.asked == 1;
    unit.slots[0] = NULL;
    max_heap_churn(unit.thread, unit.leaf, 2 * MOST, 512);
    _exit(fills && unit_stats(unit.heap).mapped_peak_bytes <= MOST ? 0 : 1);
  }
  int status = 0;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  max_heap_check_mapped(&unit);
}
END_TEST

/* ---- Young cycles ---- */

START_TEST(young_cycles_go_on_under_the_max_heap) {
  unit_world world;
  gait_options options = max_heap_options(_i);
  options.gogc_percent = 100;
  options.young_percent = 100;
  options.min_heap_bytes = (int64_t)(MIB / 2);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (size_t kept = 0; kept < MIB; kept += 1000) {
    void **node = gait_alloc(world.thread, world.references, 1000);
    UNIT_CHECK(node != NULL);
    gait_store_init(world.thread, node, world.slots[0]);
    world.slots[0] = node;
  }
  max_heap_churn(world.thread, world.leaf, 16 * MOST, 512);
  if (_i != UNIT_BARRIERLESS) ck_assert_uint_ge(unit_stats(world.heap).young_cycles, 2);
  size_t nodes = 0;
  for (void **node = world.slots[0]; node; node = *node)
    nodes++;
  ck_assert_uint_eq(nodes, (MIB + 999) / 1000);
  max_heap_check_mapped(&world);
  unit_close(&world);
}
END_TEST

/* ---- The smallest ---- */

START_TEST(max_heap_below_the_smallest_is_an_error) {
  gait_options options;
  char error[256] = "";
  gait_options_init(&options);
  ck_assert_int_eq(options.max_heap_bytes, GAIT_OFF);
  ck_assert_int_eq(gait_options_set(&options, "max_heap", "1023KiB", error, sizeof error),
                   GAIT_ERROR_OPTION_VALUE);
  ck_assert_ptr_nonnull(strstr(error, "max_heap=1023KiB"));
  ck_assert_ptr_nonnull(strstr(error, "at least 1048576"));
  options.max_heap_bytes = (int64_t)MIB - 1;
  gait_heap *heap;
  ck_assert_int_eq(gait_heap_create(&options, &heap), GAIT_ERROR_OPTION_VALUE);
}
END_TEST

START_TEST(max_heap_may_be_the_smallest) {
  unit_world world;
  gait_options options = max_heap_options(_i);
  options.max_heap_bytes = UNIT_OPTION(max_heap_bytes)->minimum;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  max_heap_churn(world.thread, world.leaf, 8 * MIB, 512);
  ck_assert_uint_le(unit_stats(world.heap).mapped_peak_bytes, MIB);
  ck_assert_uint_ge(unit_stats(world.heap).goal_bytes, MIB / 4); /* not a cycle for each object */
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *tcase = unit_case(suite, "max_heap");
  const unit_worlds worlds = unit_world_cases(suite, "max_heap", &max_heap_world);
  UNIT_WORLD_TEST(worlds, live_objects_fill_the_max_heap_and_no_more);
  UNIT_WORLD_TEST(worlds, garbage_makes_room_in_the_max_heap_in_time);
  UNIT_WORLD_TEST(worlds, out_of_memory_handler_makes_room_in_the_max_heap);
  UNIT_WORLD_TEST(worlds, an_object_larger_than_the_max_heap_fails);
  UNIT_WORLD_TEST(worlds, external_bytes_do_not_count_in_the_max_heap);
  UNIT_WORLD_TEST(worlds, memory_limit_lies_below_the_max_heap);
  UNIT_WORLD_TEST(worlds, threads_that_make_garbage_get_the_max_heap_again_and_again);
  UNIT_TEST(tcase, threads_that_keep_all_of_the_max_heap_come_to_an_end);
  if (SANITIZER_FORKS) UNIT_WORLD_TEST(worlds, a_forked_child_has_the_same_max_heap);
  UNIT_TEST(tcase, young_cycles_go_on_under_the_max_heap);
  tcase_add_test(tcase, max_heap_below_the_smallest_is_an_error);
  UNIT_TEST(tcase, max_heap_may_be_the_smallest);
}
