/* Walks: the objects of a heap, how many there are of each kind, and what refers to one. */
#include "unit.h"

#include <gait/walk.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const unit_suite_name = "walk";

#define WALK_MOST 4096

/* What a walk has seen, in its order. */
struct walk_seen {
  size_t count;
  size_t most; /* the walk is to end here; 0: at its own end */
  struct {
    const void *object;
    size_t bytes;
    gait_kind kind;
  } rows[WALK_MOST];
};

static bool walk_see(void *object, size_t bytes, gait_kind kind, void *arg) {
  struct walk_seen *seen = arg;
  UNIT_CHECK(seen->count < WALK_MOST);
  seen->rows[seen->count].object = object;
  seen->rows[seen->count].bytes = bytes;
  seen->rows[seen->count++].kind = kind;
  return seen->count != seen->most;
}

static struct walk_seen *walk_all(void) {
  static struct walk_seen seen;
  memset(&seen, 0, sizeof seen);
  ck_assert_int_eq(gait_heap_walk(unit.thread, walk_see, &seen), GAIT_OK);
  return &seen;
}

static size_t walk_times(const struct walk_seen *seen, const void *object) {
  size_t times = 0;
  for (size_t i = 0; i < seen->count; i++)
    times += seen->rows[i].object == object;
  return times;
}

/* Sizes of each sort: of a granule, of several classes, of a block alone, of several blocks. */
static const size_t walk_sizes[] = {8, 16, 40, 200, 1000, 5000, 30000, 70000, 300000};
#define WALK_SIZES (sizeof walk_sizes / sizeof walk_sizes[0])

START_TEST(walk_sees_each_live_object_once_and_no_dead_one) {
  uintptr_t dead[WALK_SIZES];
  for (size_t i = 0; i < WALK_SIZES; i++) {
    dead[i] = unit_hide(gait_alloc(unit.thread, unit.references, walk_sizes[i]));
    unit.slots[2 * i] = gait_alloc(unit.thread, unit.references, walk_sizes[i]);
    unit.slots[2 * i + 1] = gait_alloc(unit.thread, unit.leaf, walk_sizes[i]);
  }
  const struct walk_seen *seen = walk_all();
  ck_assert_uint_eq(seen->count, 2 * WALK_SIZES);
  for (size_t i = 0; i < WALK_SIZES; i++) {
    ck_assert_uint_eq(walk_times(seen, unit.slots[2 * i]), 1);
    ck_assert_uint_eq(walk_times(seen, unit.slots[2 * i + 1]), 1);
    ck_assert_uint_eq(walk_times(seen, unit_find(dead[i])), 0);
  }
}
END_TEST

START_TEST(walk_tells_size_and_kind_in_the_order_of_addresses) {
  for (size_t i = 0; i < WALK_SIZES; i++)
    unit.slots[i] = gait_alloc(unit.thread, i % 2 ? unit.leaf : unit.references, walk_sizes[i]);
  const struct walk_seen *seen = walk_all();
  for (size_t row = 0; row < seen->count; row++) {
    UNIT_CHECK(row == 0 || seen->rows[row - 1].object < seen->rows[row].object);
    size_t i = 0;
    while (unit.slots[i] != seen->rows[row].object)
      ck_assert_uint_lt(++i, WALK_SIZES);
    ck_assert_uint_eq(seen->rows[row].bytes, gait_object_bytes(unit.heap, unit.slots[i]));
    ck_assert_uint_ge(seen->rows[row].bytes, walk_sizes[i]);
    const gait_kind kind = i % 2 ? unit.leaf : unit.references;
    ck_assert_mem_eq(&seen->rows[row].kind, &kind, sizeof kind);
  }
}
END_TEST

START_TEST(walk_ends_when_no_more_are_wanted) {
  for (size_t i = 0; i < 10; i++)
    unit.slots[i] = gait_alloc(unit.thread, unit.leaf, 32);
  static struct walk_seen seen;
  memset(&seen, 0, sizeof seen);
  seen.most = 3;
  ck_assert_int_eq(gait_heap_walk(unit.thread, walk_see, &seen), GAIT_OK);
  ck_assert_uint_eq(seen.count, 3);
}
END_TEST

/* Slots that a thread has taken and made no object of are none; and allocation goes on after. */
START_TEST(walk_counts_objects_and_bytes_of_each_kind) {
  static gait_kind_count counts[GAIT_MAX_KINDS];
  memset(counts, 0xee, sizeof counts);
  for (size_t round = 1; round <= 5; round++) {
    unit.slots[2 * round] = gait_alloc(unit.thread, unit.leaf, 48);
    unit.slots[2 * round + 1] = gait_alloc(unit.thread, unit.references, 100000);
    ck_assert_int_eq(gait_heap_count(unit.thread, counts, GAIT_MAX_KINDS), GAIT_OK);
    ck_assert_uint_eq(counts[unit.leaf.index].objects, round);
    ck_assert_uint_eq(counts[unit.leaf.index].bytes, round * 48);
    ck_assert_uint_eq(counts[unit.references.index].objects, round);
    ck_assert_uint_ge(counts[unit.references.index].bytes, round * 100000);
    ck_assert_uint_eq(counts[unit.conservative.index].objects, 0);
    ck_assert_uint_eq(counts[GAIT_MAX_KINDS - 1].objects, 0);
  }
  gait_kind_count few[1] = {{7, 7}};
  ck_assert_uint_gt(unit.references.index, 0);
  ck_assert_int_eq(gait_heap_count(unit.thread, few, 1), GAIT_OK);
  ck_assert_uint_eq(few[0].objects, unit.leaf.index == 0 ? 5 : 0);
  ck_assert_int_eq(gait_heap_count(unit.thread, NULL, 0), GAIT_OK);
}
END_TEST

/* ---- References to an object ---- */

struct walk_referrer {
  gait_referrer referrer;
  const void *holder;
  const void *slot;
};

struct walk_found {
  size_t count;
  size_t most;
  struct walk_referrer rows[256];
};

static bool walk_find(gait_referrer referrer, const void *holder, const void *slot, void *arg) {
  struct walk_found *found = arg;
  UNIT_CHECK(found->count < 256);
  found->rows[found->count++] = (struct walk_referrer){referrer, holder, slot};
  return found->count != found->most;
}

static struct walk_found walk_referrers(const void *object, size_t most) {
  struct walk_found found = {.most = most};
  ck_assert_int_eq(gait_object_walk_referrers(unit.thread, object, walk_find, &found), GAIT_OK);
  return found;
}

static void walk_expect(const struct walk_found *found, const struct walk_referrer *wanted,
                        size_t count) {
  ck_assert_uint_eq(found->count, count);
  for (size_t i = 0; i < count; i++) {
    size_t times = 0;
    for (size_t row = 0; row < found->count; row++)
      times += found->rows[row].referrer == wanted[i].referrer &&
               found->rows[row].holder == wanted[i].holder &&
               found->rows[row].slot == wanted[i].slot;
    ck_assert_msg(times == 1, "referrer %zu was found %zu times", i, times);
  }
}

/* An object that refers to the one, another that does not, one that refers into it, itself. */
START_TEST(referrers_are_objects_with_the_slot) {
  void **target = gait_alloc(unit.thread, unit.references, 64);
  void **outer = gait_alloc(unit.thread, unit.references, 64);
  void **other = gait_alloc(unit.thread, unit.references, 64);
  void **large = gait_alloc(unit.thread, unit.conservative, 200000);
  unit.slots[0] = target, unit.slots[1] = outer, unit.slots[2] = other, unit.slots[3] = large;
  gait_store(unit.thread, &outer[3], target);
  gait_store(unit.thread, &outer[5], target);
  gait_store(unit.thread, &other[1], outer);
  gait_store(unit.thread, &large[20000], (char *)target + 17);
  gait_store(unit.thread, &target[2], target);
  const struct walk_found found = walk_referrers(target, 0);
  const struct walk_referrer wanted[] = {
      {GAIT_REFERRER_THREAD, unit.thread, &unit.slots[0]},
      {GAIT_REFERRER_OBJECT, outer, &outer[3]},
      {GAIT_REFERRER_OBJECT, large, &large[20000]},
      {GAIT_REFERRER_OBJECT, target, &target[2]},
  };
  walk_expect(&found, wanted, 4);
  const struct walk_found first = walk_referrers(target, 2);
  ck_assert_uint_eq(first.count, 2);
}
END_TEST

static void *walk_hidden;

/* Of a kind whose references are where the program alone knows. */
static void walk_trace(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)object, (void)bytes, (void)arg;
  gait_trace_slot(tracer, &walk_hidden);
}

static void walk_trace_root(gait_tracer *tracer, void *arg) {
  gait_trace_slot(tracer, arg);
}

START_TEST(referrers_are_roots_handles_and_functions_that_trace) {
  static void *range[4], *traced;
  const gait_kind_info info = {
      .name = "hidden", .form = GAIT_KIND_CALLBACK_ANYWHERE, .trace = walk_trace};
  gait_kind kind;
  ck_assert_int_eq(gait_kind_register(unit.heap, &info, &kind), GAIT_OK);
  void *target = gait_alloc(unit.thread, unit.leaf, 64);
  unit.slots[0] = target;
  ck_assert_int_eq(gait_roots_add(unit.heap, range, sizeof range, GAIT_ROOTS_BARRIERED), GAIT_OK);
  ck_assert_int_eq(
      gait_roots_add_callback(unit.heap, walk_trace_root, &traced, GAIT_ROOTS_BARRIERED), GAIT_OK);
  gait_store(unit.thread, &range[2], target);
  gait_store(unit.thread, &traced, target);
  gait_store(unit.thread, &walk_hidden, target);
  gait_handle *handle = gait_handle_create(unit.thread, target);
  gait_handle *empty = gait_handle_create(unit.thread, NULL);
  unit.slots[1] = gait_alloc(unit.thread, kind, 32);
  const struct walk_found found = walk_referrers(target, 0);
  size_t handles = 0;
  for (size_t i = 0; i < found.count; i++)
    handles += found.rows[i].referrer == GAIT_REFERRER_HANDLE && found.rows[i].holder == handle;
  ck_assert_uint_eq(handles, 1);
  const struct walk_referrer wanted[] = {
      {GAIT_REFERRER_THREAD, unit.thread, &unit.slots[0]},
      {GAIT_REFERRER_RANGE, range, &range[2]},
      {GAIT_REFERRER_CALLBACK, &traced, NULL},
      {GAIT_REFERRER_OBJECT, unit.slots[1], NULL},
  };
  ck_assert_uint_eq(found.count, 5);
  struct walk_found others = {0};
  for (size_t i = 0; i < found.count; i++)
    if (found.rows[i].referrer != GAIT_REFERRER_HANDLE) others.rows[others.count++] = found.rows[i];
  walk_expect(&others, wanted, 4);
  gait_handle_destroy(unit.thread, handle);
  gait_handle_destroy(unit.thread, empty);
  gait_store(unit.thread, &walk_hidden, NULL);
  ck_assert_int_eq(gait_roots_remove(unit.heap, range), GAIT_OK);
  ck_assert_int_eq(gait_roots_remove_callback(unit.heap, walk_trace_root, &traced), GAIT_OK);
}
END_TEST

/* Marking goes on as before: the search has a table of marks of its own. */
START_TEST(search_for_referrers_leaves_marking_as_it_was) {
  void **list = NULL;
  for (unsigned i = 0; i < 1000; i++) {
    void **cell = gait_alloc(unit.thread, unit.references, 32);
    gait_store_init(unit.thread, &cell[0], list);
    unit.slots[0] = list = cell;
  }
  ck_assert_uint_eq(unit_marked_objects(&unit), 1000);
  ck_assert_uint_eq(walk_referrers(((void **)unit.slots[0])[0], 0).count, 1);
  ck_assert_uint_eq(unit_last_record(unit.heap).marked_objects, 1000);
  ck_assert_uint_eq(unit_marked_objects(&unit), 1000);
  unit.slots[0] = NULL;
  list = NULL;
  ck_assert_uint_eq(unit_marked_objects(&unit), 0);
}
END_TEST

/* ---- Beside others ---- */

#define WALK_THREADS 3

/*   pairs  an object of each thread, whose two words are equal at every safepoint */
struct walk_race {
  atomic_bool stop;
  atomic_uint ready;
  atomic_uintptr_t *pairs[WALK_THREADS];
  unsigned looks;
};

static struct walk_race walk_race;

static void *walk_mutate(void *arg) {
  const size_t number = (size_t)(uintptr_t)arg;
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(unit.heap, "mutator", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  void *slot[1] = {NULL};
  gait_frame frame;
  gait_frame_push(thread, &frame, slot, 1);
  slot[0] = gait_alloc(thread, unit.leaf, 16);
  atomic_uintptr_t *pair = walk_race.pairs[number] = slot[0];
  atomic_fetch_add(&walk_race.ready, 1);
  for (uintptr_t i = 1; !atomic_load(&walk_race.stop); i++) {
    atomic_store(&pair[0], i);
    for (int j = 0; j < 20; j++)
      atomic_signal_fence(memory_order_seq_cst);
    atomic_store(&pair[1], i);
    gait_alloc(thread, unit.leaf, 32);
  }
  gait_frame_pop(thread, &frame);
  gait_thread_detach(thread);
  return NULL;
}

static bool walk_look(void *object, size_t bytes, gait_kind kind, void *arg) {
  (void)bytes, (void)kind, (void)arg;
  for (size_t i = 0; i < WALK_THREADS; i++)
    if (object == walk_race.pairs[i]) {
      const uintptr_t first = atomic_load(&walk_race.pairs[i][0]);
      UNIT_CHECK(first == atomic_load(&walk_race.pairs[i][1]));
      walk_race.looks++;
    }
  return true;
}

START_TEST(every_thread_is_stopped_at_a_safepoint_while_a_walk_looks) {
  memset(&walk_race, 0, sizeof walk_race);
  pthread_t threads[WALK_THREADS];
  for (size_t i = 0; i < WALK_THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, walk_mutate, (void *)i), 0);
  gait_thread_leave(unit.thread);
  while (atomic_load(&walk_race.ready) < WALK_THREADS)
    usleep(100);
  gait_thread_enter(unit.thread);
  for (unsigned round = 0; round < 20; round++)
    ck_assert_int_eq(gait_heap_walk(unit.thread, walk_look, NULL), GAIT_OK);
  ck_assert_uint_eq(walk_race.looks, 20 * WALK_THREADS);
  atomic_store(&walk_race.stop, true);
  gait_thread_leave(unit.thread);
  for (size_t i = 0; i < WALK_THREADS; i++)
    pthread_join(threads[i], NULL);
  gait_thread_enter(unit.thread);
}
END_TEST

/* Several at once share a cycle or have one each; each sees its own object. */
static void *walk_own(void *arg) {
  (void)arg;
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(unit.heap, "walker", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  void *slot[1] = {NULL};
  gait_frame frame;
  gait_frame_push(thread, &frame, slot, 1);
  static const size_t rounds = 20;
  struct walk_seen *seen = calloc(1, sizeof *seen);
  for (size_t round = 0; round < rounds; round++) {
    slot[0] = gait_alloc(thread, unit.leaf, 64);
    seen->count = 0;
    UNIT_CHECK(gait_heap_walk(thread, walk_see, seen) == GAIT_OK);
    UNIT_CHECK(walk_times(seen, slot[0]) == 1);
  }
  free(seen);
  gait_frame_pop(thread, &frame);
  gait_thread_detach(thread);
  return NULL;
}

START_TEST(several_threads_walk_at_once) {
  pthread_t threads[WALK_THREADS];
  for (size_t i = 0; i < WALK_THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, walk_own, NULL), 0);
  gait_thread_leave(unit.thread);
  for (size_t i = 0; i < WALK_THREADS; i++)
    pthread_join(threads[i], NULL);
  gait_thread_enter(unit.thread);
}
END_TEST

START_TEST(a_walk_refuses_null_and_what_is_no_object) {
  struct walk_found found = {0};
  unit.slots[0] = gait_alloc(unit.thread, unit.leaf, 64);
  ck_assert_int_eq(gait_heap_walk(NULL, walk_see, NULL), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_heap_walk(unit.thread, NULL, NULL), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_heap_count(NULL, NULL, 0), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_heap_count(unit.thread, NULL, 1), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_object_walk_referrers(NULL, unit.slots[0], walk_find, &found),
                   GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_object_walk_referrers(unit.thread, unit.slots[0], NULL, &found),
                   GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_object_walk_referrers(unit.thread, &found, walk_find, &found),
                   GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_object_walk_referrers(unit.thread, NULL, walk_find, &found),
                   GAIT_ERROR_ARGUMENT);
  ck_assert_uint_eq(found.count, 0);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  const unit_worlds tcase = unit_world_cases(suite, "walk", &unit_exact);
  UNIT_WORLD_TEST(tcase, walk_sees_each_live_object_once_and_no_dead_one);
  UNIT_WORLD_TEST(tcase, walk_tells_size_and_kind_in_the_order_of_addresses);
  UNIT_WORLD_TEST(tcase, walk_ends_when_no_more_are_wanted);
  UNIT_WORLD_TEST(tcase, walk_counts_objects_and_bytes_of_each_kind);
  UNIT_WORLD_TEST(tcase, referrers_are_objects_with_the_slot);
  UNIT_WORLD_TEST(tcase, referrers_are_roots_handles_and_functions_that_trace);
  UNIT_WORLD_TEST(tcase, search_for_referrers_leaves_marking_as_it_was);
  UNIT_WORLD_TEST(tcase, every_thread_is_stopped_at_a_safepoint_while_a_walk_looks);
  UNIT_WORLD_TEST(tcase, several_threads_walk_at_once);
  UNIT_WORLD_TEST(tcase, a_walk_refuses_null_and_what_is_no_object);
}
