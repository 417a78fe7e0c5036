/* Tagged references: each rule, in each place where a word may be. */
#include "unit.h"

#include "../support/random.h"
#include "unit_young.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

const char *const unit_suite_name = "tags";

#define HIGH(tag) (UINT64_C(tag) << 48)
#define ALL       (~UINT64_C(0))

/* A rule; the tag of a word that it takes for a reference; and that of one that it does not. */
struct tags_case {
  gait_tags rule;
  uint64_t tag;
  uint64_t wrong;
};

static const struct tags_case tags_cases[] = {
    /* the lowest bit says "reference"; with it clear it is a number, as in V8 */
    {{.mask = 1, .first = 1, .address_mask = ALL - 1}, 1, 0},
    /* the other way round, as in OCaml */
    {{.mask = 1, .first = 0, .address_mask = ALL - 1}, 0, 1},
    /* two bits say "reference", and two more of which type, as in SBCL */
    {{.mask = 3, .first = 3, .address_mask = ALL - 15}, 0xB, 0xE},
    /* one of several tags in three bits */
    {{.mask = 7, .first = 2, .last = 5, .address_mask = ALL - 7}, 4, 6},
    /* a NaN whose high 16 bits say "object" */
    {{.mask = HIGH(0xFFFF), .first = HIGH(0xFFFA), .address_mask = ALL >> 16},
     HIGH(0xFFFA),
     HIGH(0xFFFB)},
    /* a range of 17 bits, as in LuaJIT */
    {{.mask = ALL << 47,
      .first = UINT64_C(0x1FFF3) << 47,
      .last = UINT64_C(0x1FFFB) << 47,
      .address_mask = ALL >> 17},
     UINT64_C(0x1FFF7) << 47,
     UINT64_C(0x1FFFC) << 47},
    /* no bit of these: an address as it is, as in JavaScriptCore */
    {{.mask = HIGH(0xFFFE) | 2, .first = 0, .address_mask = ALL >> 16 & ~UINT64_C(2)}, 0, 2},
    /* bits at both ends, and one above the address that says nothing */
    {{.mask = HIGH(0xFF00) | 7, .first = HIGH(0x4200) | 5, .address_mask = ALL >> 16 & (ALL - 7)},
     HIGH(0x4201) | 5,
     HIGH(0x4200) | 4},
};
enum { TAGS_CASES = sizeof tags_cases / sizeof *tags_cases };

static const struct tags_case *tags_case(int loop) {
  return &tags_cases[loop % TAGS_CASES];
}

/* Once for each rule in each mode. */
#define TAGS_TEST(tcase, function) tcase_add_loop_test(tcase, function, 0, UNIT_MODES *TAGS_CASES)

static void tags_open(unit_world *world, int loop, gait_thread_roots roots) {
  gait_options options = unit_options(loop / TAGS_CASES);
  gait_tags rule = tags_case(loop)->rule;
  options.tags = &rule;
  unit_open_with(world, &options, roots);
  memset(&rule, 0xee, sizeof rule); /* the heap has its own */
}

static void *tags_word(const void *object, uint64_t tag) {
  return (void *)((uintptr_t)object | tag);
}

/* A leaf with that number, as the word by which it is referred to. */
static void *tags_leaf(unit_world *world, int loop, unsigned number) {
  return tags_word(unit_tagged_leaf(world, number), tags_case(loop)->tag);
}

/* The same as a word that is no reference. */
static void *tags_wrong(unit_world *world, int loop, unsigned number) {
  return tags_word(unit_tagged_leaf(world, number), tags_case(loop)->wrong);
}

static gait_kind tags_kind(unit_world *world, const gait_kind_info *info) {
  gait_kind kind;
  ck_assert_int_eq(gait_kind_register(world->heap, info, &kind), GAIT_OK);
  return kind;
}

/* ---- Objects ---- */

/* An object of `bytes` bytes of the kind, with its words at `right` and `wrong`: by the second it
 * keeps nothing. */
static void tags_check_object(unit_world *world, int loop, const gait_kind_info *info, size_t bytes,
                              size_t right, size_t wrong) {
  void **object = gait_alloc(world->thread, tags_kind(world, info), bytes);
  world->slots[0] = object;
  gait_store(world->thread, &object[right], tags_leaf(world, loop, 1));
  gait_store(world->thread, &object[wrong], tags_wrong(world, loop, 2));
  ck_assert_uint_eq(unit_alive(world), UNIT_TAG(1));
  ck_assert_uint_eq(unit_alive(world), UNIT_TAG(1));
  gait_store(world->thread, &object[right], NULL);
  ck_assert_uint_eq(unit_alive(world), 0);
}

START_TEST(tagged_map_keeps_tagged_references) {
  static const uint64_t map[1] = {0x15};
  const gait_kind_info info = {
      .name = "object", .form = GAIT_KIND_POINTERS, .map_bytes = 40, .tagged_map = map};
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  tags_check_object(&world, _i, &info, 40, 4, 2);
  unit_close(&world);
}
END_TEST

/* Bits of the map beyond a short object's end are of no word of its. */
START_TEST(tagged_map_may_reach_beyond_its_object) {
  static const uint64_t map[1] = {ALL};
  const gait_kind_info info = {
      .name = "object", .form = GAIT_KIND_POINTERS, .map_bytes = 512, .tagged_map = map};
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  gait_kind kind = tags_kind(&world, &info);
  void **object = gait_alloc(world.thread, kind, 16), **after = gait_alloc(world.thread, kind, 16);
  world.slots[0] = object;
  gait_store(world.thread, &object[1], tags_leaf(&world, _i, 1));
  gait_store(world.thread, &after[0], tags_leaf(&world, _i, 2));
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1));
  unit_close(&world);
}
END_TEST

START_TEST(tagged_map_may_be_long) {
  uint64_t map[4] = {0, 0, 3, 0};
  const gait_kind_info info = {
      .name = "object", .form = GAIT_KIND_POINTERS, .map_bytes = 1600, .tagged_map = map};
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  tags_check_object(&world, _i, &info, 1600, 128, 129);
  unit_close(&world);
}
END_TEST

/* An array, whose elements have a plain word and a tagged one, and which is traced in pieces. */
START_TEST(tagged_map_of_a_large_array_of_pairs) {
  static const uint64_t plain[1] = {3}, tagged[1] = {4};
  const gait_kind_info info = {.name = "object",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = 24,
                               .pointer_map = plain,
                               .repeat_bytes = 16,
                               .tagged_map = tagged};
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  tags_check_object(&world, _i, &info, 200008, 2 + 2 * 7001, 2 + 2 * 40);
  unit_close(&world);
}
END_TEST

START_TEST(tagged_map_of_an_array_of_words) {
  static const uint64_t map[1] = {1};
  const gait_kind_info info = {.name = "object",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = 8,
                               .repeat_bytes = 8,
                               .tagged_map = map};
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  tags_check_object(&world, _i, &info, 80000, 9999, 500);
  unit_close(&world);
}
END_TEST

/* A plain word of such an object is one, whatever the rule; a tagged word there is not. */
START_TEST(plain_map_stands_beside_a_tagged_one) {
  static const uint64_t plain[1] = {1}, tagged[1] = {6};
  const gait_kind_info info = {.name = "object",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = 24,
                               .pointer_map = plain,
                               .tagged_map = tagged};
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  void **object = gait_alloc(world.thread, tags_kind(&world, &info), 24);
  world.slots[0] = object;
  gait_store(world.thread, &object[0], unit_tagged_leaf(&world, 1));
  gait_store(world.thread, &object[1], tags_leaf(&world, _i, 2));
  gait_store(world.thread, &object[2], tags_wrong(&world, _i, 3));
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1) | UNIT_TAG(2));
  unit_close(&world);
}
END_TEST

/* A list is followed without queues. */
START_TEST(tagged_list_is_marked_whole) {
  enum { LENGTH = 20000 };
  static const uint64_t map[1] = {1};
  const gait_kind_info info = {
      .name = "link", .form = GAIT_KIND_POINTERS, .map_bytes = 16, .tagged_map = map};
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  gait_kind kind = tags_kind(&world, &info);
  for (size_t i = 0; i < LENGTH; i++) {
    void **link = gait_alloc(world.thread, kind, 16);
    void *rest = world.slots[0];
    gait_store(world.thread, &link[0], rest ? tags_word(rest, tags_case(_i)->tag) : NULL);
    world.slots[0] = link;
  }
  ck_assert_uint_eq(unit_marked_objects(&world), LENGTH);
  unit_close(&world);
}
END_TEST

/* Objects of three kinds, each traced by a loop of its own, between one another. */
START_TEST(tagged_and_plain_objects_refer_to_each_other) {
  enum { OBJECTS = 3000 };
  static const uint64_t map[1] = {2};
  const gait_kind_info infos[] = {
      {.name = "tagged", .form = GAIT_KIND_POINTERS, .map_bytes = 32, .tagged_map = map},
      {.name = "plain", .form = GAIT_KIND_POINTERS, .map_bytes = 32, .pointer_map = map},
      {.name = "other", .form = GAIT_KIND_POINTERS, .map_bytes = 32, .tagged_map = map}};
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  gait_kind kinds[3];
  for (int i = 0; i < 3; i++)
    kinds[i] = tags_kind(&world, &infos[i]);
  void **array = gait_alloc_array(world.thread, world.references, 0, OBJECTS, sizeof(void *));
  world.slots[0] = array;
  uint64_t random = 1;
  for (size_t i = 0; i < OBJECTS; i++) {
    const size_t which = random_below(&random, 3);
    void **object = gait_alloc(world.thread, kinds[which], 32);
    gait_store(world.thread, &array[i], object);
    void *leaf = gait_alloc(world.thread, world.leaf, 16);
    gait_store(world.thread, &object[1], which == 1 ? leaf : tags_word(leaf, tags_case(_i)->tag));
  }
  ck_assert_uint_eq(unit_marked_objects(&world), 1 + 2 * OBJECTS);
  unit_close(&world);
}
END_TEST

/* Inside its object, at a place that the rule leaves bits to say. */
START_TEST(tagged_reference_may_point_into_an_object) {
  static const uint64_t map[1] = {1};
  const gait_kind_info info = {
      .name = "object", .form = GAIT_KIND_POINTERS, .map_bytes = 16, .tagged_map = map};
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  void **object = gait_alloc(world.thread, tags_kind(&world, &info), 16);
  world.slots[0] = object;
  char *leaf = gait_alloc(world.thread, world.leaf, 64);
  unit_tag(&world, leaf, 1);
  gait_store(world.thread, &object[0], tags_word(leaf + 48, tags_case(_i)->tag));
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1));
  unit_close(&world);
}
END_TEST

static void tags_trace_first(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)bytes, (void)arg;
  gait_trace_tagged(tracer, &((void **)object)[0]);
  gait_trace_tagged(tracer, &((void **)object)[1]);
  gait_trace_slot(tracer, &((void **)object)[2]);
}

START_TEST(trace_function_takes_tagged_words) {
  const gait_kind_info info = {
      .name = "object", .form = GAIT_KIND_CALLBACK, .trace = tags_trace_first};
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  void **object = gait_alloc(world.thread, tags_kind(&world, &info), 24);
  world.slots[0] = object;
  gait_store(world.thread, &object[0], tags_leaf(&world, _i, 1));
  gait_store(world.thread, &object[1], tags_wrong(&world, _i, 2));
  gait_store(world.thread, &object[2], unit_tagged_leaf(&world, 3));
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1) | UNIT_TAG(3));
  unit_close(&world);
}
END_TEST

static void tags_trace_range(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)arg;
  gait_trace_range(tracer, object, bytes);
}

/* Where any word may be a reference, it may be one plainly or by its tag. */
START_TEST(conservative_objects_take_tagged_and_plain_words) {
  const gait_kind_info info = {
      .name = "range", .form = GAIT_KIND_CALLBACK_ANYWHERE, .trace = tags_trace_range};
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  const gait_kind kinds[2] = {world.conservative, tags_kind(&world, &info)};
  for (unsigned i = 0; i < 2; i++) {
    void **object = gait_alloc(world.thread, kinds[i], 48);
    world.slots[i] = object;
    gait_store(world.thread, &object[3], tags_leaf(&world, _i, 1 + 2 * i));
    gait_store(world.thread, &object[5], unit_tagged_leaf(&world, 2 + 2 * i));
  }
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1) | UNIT_TAG(2) | UNIT_TAG(3) | UNIT_TAG(4));
  unit_close(&world);
}
END_TEST

/* ---- Roots ---- */

START_TEST(frames_take_tagged_and_plain_words) {
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  world.slots[0] = tags_leaf(&world, _i, 1);
  world.slots[7] = unit_tagged_leaf(&world, 2);
  unit_tagged_leaf(&world, 3);
  world.slots[8] = (void *)HIGH(0x3FF0); /* a number */
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1) | UNIT_TAG(2));
  unit_close(&world);
}
END_TEST

START_TEST(ranges_of_roots_take_tagged_and_plain_words) {
  static void *words[2][4];
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  memset(words, 0, sizeof words);
  ck_assert_int_eq(gait_roots_add(world.heap, words[0], sizeof words[0], GAIT_ROOTS_BARRIERED),
                   GAIT_OK);
  ck_assert_int_eq(gait_roots_add(world.heap, words[1], sizeof words[1], GAIT_ROOTS_UNBARRIERED),
                   GAIT_OK);
  gait_store(world.thread, &words[0][1], tags_leaf(&world, _i, 1));
  gait_store(world.thread, &words[0][3], unit_tagged_leaf(&world, 2));
  words[1][0] = tags_leaf(&world, _i, 3);
  words[1][3] = unit_tagged_leaf(&world, 4);
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1) | UNIT_TAG(2) | UNIT_TAG(3) | UNIT_TAG(4));
  memset(words[1], 0, sizeof words[1]);
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1) | UNIT_TAG(2));
  unit_close(&world);
}
END_TEST

static void tags_trace_root(gait_tracer *tracer, void *arg) {
  gait_trace_tagged(tracer, arg);
}

START_TEST(root_functions_take_tagged_words) {
  static void *words[2];
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq(
        gait_roots_add_callback(world.heap, tags_trace_root, &words[i], GAIT_ROOTS_BARRIERED),
        GAIT_OK);
  gait_store(world.thread, &words[0], tags_leaf(&world, _i, 1));
  gait_store(world.thread, &words[1], tags_wrong(&world, _i, 2));
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1));
  unit_close(&world);
}
END_TEST

/* A handle gives back the word that it was given. */
START_TEST(handles_take_tagged_and_plain_words) {
  unit_world world;
  tags_open(&world, _i, GAIT_STACK_EXACT);
  void *word = tags_leaf(&world, _i, 1);
  gait_handle *tagged = gait_handle_create(world.thread, word);
  gait_handle *plain = gait_handle_create(world.thread, unit_tagged_leaf(&world, 2));
  gait_handle *number = gait_handle_create(world.thread, (void *)HIGH(0x3FF0));
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1) | UNIT_TAG(2));
  ck_assert_ptr_eq(gait_handle_get(tagged), word);
  ck_assert_ptr_eq(gait_handle_get(number), (void *)HIGH(0x3FF0));
  gait_handle_destroy(world.thread, plain);
  gait_handle_destroy(world.thread, number);
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1));
  gait_handle_set(world.thread, tagged, NULL);
  ck_assert_uint_eq(unit_alive(&world), 0);
  gait_handle_destroy(world.thread, tagged);
  unit_close(&world);
}
END_TEST

/* The word is on the stack, or in a register, and its plain address nowhere. */
static __attribute__((noinline)) void tags_plant(unit_world *world, int loop,
                                                 volatile uintptr_t *hidden) {
  *hidden = unit_hide(tags_leaf(world, loop, 1));
}

/* gcc 12 fails to compile the test below where it sees these two. */
static __attribute__((noinline)) void *tags_find(const volatile uintptr_t *hidden) {
  return unit_find(*hidden);
}

static __attribute__((noinline)) void *tags_plain(unit_world *world, int loop,
                                                  const volatile uintptr_t *hidden) {
  return gait_object_start(world->heap,
                           (void *)((uintptr_t)tags_find(hidden) & ~tags_case(loop)->tag));
}

START_TEST(conservative_stacks_take_tagged_and_plain_words) {
  unit_world world;
  volatile uintptr_t hidden;
  tags_open(&world, _i, GAIT_STACK_CONSERVATIVE);
  tags_plant(&world, _i, &hidden);
  unit_scrub_stack();
  void *volatile word = tags_find(&hidden);
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1));
  ck_assert_ptr_eq(word, tags_find(&hidden));
  void *volatile plain = tags_plain(&world, _i, &hidden);
  ck_assert_ptr_nonnull(plain);
  word = NULL;
  unit_scrub_stack();
  ck_assert_uint_eq(unit_alive(&world), UNIT_TAG(1));
  plain = NULL;
  unit_close(&world);
}
END_TEST

/* ---- The barrier ---- */

/* A cycle that stands still with every barrier on and its roots not yet scanned, while the test's
 * thread stores.  What a store has to shade is in no root, so that the shade alone keeps it. */
struct tags_window {
  gait_heap *heap;
  atomic_bool armed;
  atomic_bool open;
  atomic_bool done;
};

static void tags_stand_still(gait_tracer *tracer, void *arg) {
  struct tags_window *window = arg;
  (void)tracer;
  if (!atomic_exchange(&window->armed, false)) return;
  atomic_store(&window->open, true);
  while (!atomic_load(&window->done))
    sched_yield();
}

static void *tags_collect(void *arg) {
  struct tags_window *window = arg;
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(window->heap, "collects", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  atomic_store(&window->armed, true);
  UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

typedef void tags_stores_fn(unit_world *world, void **slots, void *const *words);

/* Runs `stores` in the window and returns which objects the cycle found.  `words` refer to objects
 * 1 and 2 of which nothing else knows, and `slots` are two of a barriered root; slot 0 has word 0
 * when `stored`. */
static uint64_t tags_in_window(int loop, bool stored, tags_stores_fn *stores) {
  static void *slots[2];
  static struct tags_window window;
  unit_world world;
  tags_open(&world, loop, GAIT_STACK_EXACT);
  memset(slots, 0, sizeof slots);
  window = (struct tags_window){.heap = world.heap};
  ck_assert_int_eq(
      gait_roots_add_callback(world.heap, tags_stand_still, &window, GAIT_ROOTS_BARRIERED),
      GAIT_OK);
  ck_assert_int_eq(gait_roots_add(world.heap, slots, sizeof slots, GAIT_ROOTS_BARRIERED), GAIT_OK);
  void *words[2] = {tags_leaf(&world, loop, 1), tags_leaf(&world, loop, 2)};
  if (stored) gait_store(world.thread, &slots[0], words[0]);
  pthread_t collector;
  UNIT_CHECK(pthread_create(&collector, NULL, tags_collect, &window) == 0);
  while (!atomic_load(&window.open))
    gait_thread_poll(world.thread);
  stores(&world, slots, words);
  slots[0] = slots[1] = NULL; /* behind the barrier's back */
  atomic_store(&window.done, true);
  gait_thread_leave(world.thread);
  pthread_join(collector, NULL);
  gait_thread_enter(world.thread);
  uint64_t alive = unit_stats(world.heap).external_bytes;
  ck_assert_uint_eq(unit_alive(&world), 0);
  unit_close(&world);
  return alive;
}

/* The last mode has barriers as well as the first. */
static bool tags_has_barrier(int loop) {
  return loop / TAGS_CASES != UNIT_BARRIERLESS;
}

#define TAGS_BARRIER_TEST(name, stored, expected, ...)                                             \
  static void name##_stores(unit_world *world, void **slots, void *const *words) {                 \
    gait_thread *thread = world->thread;                                                           \
    (void)words;                                                                                   \
    __VA_ARGS__;                                                                                   \
  }                                                                                                \
  START_TEST(name) {                                                                               \
    if (!tags_has_barrier(_i)) return;                                                             \
    ck_assert_uint_eq(tags_in_window(_i, stored, name##_stores), expected);                        \
  }                                                                                                \
  END_TEST

TAGS_BARRIER_TEST(tagged_word_without_a_store_keeps_nothing, true, 0, (void)thread, (void)slots)
TAGS_BARRIER_TEST(tagged_store_shades_the_old_value, true, UNIT_TAG(1),
                  gait_store(thread, &slots[0], NULL))
TAGS_BARRIER_TEST(tagged_store_shades_the_new_value, false, UNIT_TAG(2),
                  gait_store(thread, &slots[0], words[1]))
TAGS_BARRIER_TEST(tagged_first_store_shades_the_new_value, false, UNIT_TAG(1),
                  gait_store_init(thread, &slots[1], words[0]))
TAGS_BARRIER_TEST(tagged_word_store_shades_both_values, true, UNIT_TAG(1) | UNIT_TAG(2),
                  gait_store_word(thread, (uint64_t *)(void *)&slots[0], (uint64_t)words[1]))
TAGS_BARRIER_TEST(tagged_first_word_store_shades_the_new_value, false, UNIT_TAG(1),
                  gait_store_init_word(thread, (uint64_t *)(void *)&slots[1], (uint64_t)words[0]))
TAGS_BARRIER_TEST(tagged_swap_shades_both_values, true, UNIT_TAG(1) | UNIT_TAG(2),
                  UNIT_CHECK(gait_cas(thread, &slots[0], words[0], words[1])))
TAGS_BARRIER_TEST(tagged_copy_shades_both_values, true, UNIT_TAG(1) | UNIT_TAG(2),
                  gait_copy(thread, slots, &words[1], 1))
TAGS_BARRIER_TEST(tagged_clear_shades_the_old_value, true, UNIT_TAG(1),
                  gait_clear(thread, slots, 2))
TAGS_BARRIER_TEST(tagged_word_copy_shades_both_values, true, UNIT_TAG(1) | UNIT_TAG(2),
                  gait_copy_words(thread, (uint64_t *)(void *)slots, (const uint64_t *)words + 1,
                                  1))
TAGS_BARRIER_TEST(tagged_word_clear_shades_the_old_value, true, UNIT_TAG(1),
                  gait_clear_words(thread, (uint64_t *)(void *)slots, 2))
TAGS_BARRIER_TEST(tagged_value_is_shaded_by_itself, false, UNIT_TAG(2), (void)slots,
                  gait_shade(thread, words[1]))

/* ---- Young cycles ---- */

/* By a tagged word in an old object, a new one stays alive. */
START_TEST(old_object_keeps_a_new_one_by_a_tagged_reference) {
  static const uint64_t map[1] = {3};
  const gait_kind_info info = {
      .name = "object", .form = GAIT_KIND_POINTERS, .map_bytes = 16, .tagged_map = map};
  const unit_mode mode = young_modes[_i / TAGS_CASES];
  gait_options options = young_options(mode);
  options.tags = &tags_case(_i)->rule;
  unit_world world;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  young_full_cycle(&world);
  void **old = young_old(&world, 0, tags_kind(&world, &info), 16);
  gait_store(world.thread, &old[1], tags_leaf(&world, _i, 3));
  young_expect_alive(&world, UNIT_TAG(3));
  unit_close(&world);
}
END_TEST

/* ---- What is refused ---- */

static unit_log tags_log;

static void tags_refuse(gait_tags rule, const char *sentence) {
  gait_options options;
  gait_heap *heap = (void *)&options;
  char error[200] = "";
  gait_options_init(&options);
  memset(&tags_log, 0, sizeof tags_log);
  options.tags = &rule;
  options.log = unit_log_line;
  options.log_arg = &tags_log;
  ck_assert_int_eq(gait_options_check(&options, error, sizeof error), GAIT_ERROR_ARGUMENT);
  ck_assert_str_eq(error, sentence);
  ck_assert_int_eq(gait_options_check(&options, NULL, 0), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_heap_create(&options, &heap), GAIT_ERROR_ARGUMENT);
  ck_assert_ptr_null(heap);
  ck_assert_uint_eq(tags_log.lines, 1);
  ck_assert_ptr_nonnull(strstr(tags_log.text, sentence));
}

START_TEST(tag_rules_that_contradict_themselves_are_refused) {
  tags_refuse((gait_tags){.mask = 7, .first = 1, .address_mask = ALL - 3},
              "tags: mask and address_mask share bits");
  tags_refuse((gait_tags){.mask = 3, .first = 4, .address_mask = ALL - 7},
              "tags: first or last has bits that are not in mask");
  tags_refuse((gait_tags){.mask = 3, .first = 1, .last = 9, .address_mask = ALL - 15},
              "tags: first or last has bits that are not in mask");
  tags_refuse((gait_tags){.mask = 3, .first = 3, .last = 2, .address_mask = ALL - 3},
              "tags: last is below first");
  tags_refuse((gait_tags){0}, "tags: address_mask has no bit");
}
END_TEST

/* Each bit of the heap's addresses but the lowest four has to be there. */
START_TEST(tag_rules_that_do_not_reach_the_heap_are_refused) {
  unit_world world;
  unit_open(&world, UNIT_CONCURRENT, GAIT_STACK_EXACT);
  unsigned bits =
      64 - (unsigned)__builtin_clzll((uintptr_t)gait_alloc(world.thread, world.leaf, 16));
  unit_close(&world);
  for (unsigned bit = 4; bit < bits; bit++) {
    gait_options options = unit_options(UNIT_CONCURRENT);
    gait_tags rule = {.address_mask = (ALL >> 16) & ~(UINT64_C(1) << bit)};
    gait_heap *heap = NULL;
    memset(&tags_log, 0, sizeof tags_log);
    options.tags = &rule;
    options.log = unit_log_line;
    options.log_arg = &tags_log;
    const gait_result result = gait_heap_create(&options, &heap);
    /* what all addresses lack may be lacking */
    if (result == GAIT_OK) ck_assert_int_eq(gait_heap_destroy(heap), GAIT_OK);
    if (bit < 30 || bit == bits - 1) {
      ck_assert_int_eq(result, GAIT_ERROR_ARGUMENT);
      ck_assert_ptr_nonnull(strstr(tags_log.text, "address_mask lacks a bit"));
    }
  }
}
END_TEST

static void tags_refuse_kind(unit_world *world, const gait_kind_info *info) {
  gait_kind kind = {7, 7};
  ck_assert_int_eq(gait_kind_register(world->heap, info, &kind), GAIT_ERROR_ARGUMENT);
  ck_assert_uint_eq(kind.index, 7);
}

START_TEST(kinds_whose_tagged_maps_contradict_are_refused) {
  const uint64_t plain[2] = {1, 4}, tagged[2] = {2, 4};
  unit_world world;
  tags_open(&world, 0, GAIT_STACK_EXACT);
  gait_kind_info info = {.name = "object",
                         .form = GAIT_KIND_POINTERS,
                         .map_bytes = 67 * 8,
                         .pointer_map = plain,
                         .tagged_map = tagged};
  tags_refuse_kind(&world, &info);
  info.form = GAIT_KIND_CONSERVATIVE;
  info.pointer_map = NULL;
  tags_refuse_kind(&world, &info);
  info.form = GAIT_KIND_POINTERS;
  info.tagged_map = NULL;
  tags_refuse_kind(&world, &info);
  info.pointer_map = plain;
  info.tagged_map = tagged;
  info.map_bytes = 66 * 8; /* without the word that is in both */
  tags_kind(&world, &info);
  unit_close(&world);
}
END_TEST

START_TEST(tagged_kinds_on_a_heap_without_a_tag_rule) {
  static const uint64_t map[1] = {1};
  const gait_kind_info info = {
      .name = "object", .form = GAIT_KIND_POINTERS, .map_bytes = 8, .tagged_map = map};
  tags_refuse_kind(&unit, &info);
}
END_TEST

/* Where there is no rule, no word is tagged. */
START_TEST(tagged_words_on_a_heap_without_a_tag_rule) {
  for (unsigned i = 0; i < TAGS_CASES; i++)
    if (tags_cases[i].tag >> 48) unit.slots[i] = tags_leaf(&unit, (int)i, i);
  ck_assert_uint_eq(unit_alive(&unit), 0);
  const gait_kind_info info = {
      .name = "object", .form = GAIT_KIND_CALLBACK, .trace = tags_trace_first};
  void **object = gait_alloc(unit.thread, tags_kind(&unit, &info), 24);
  unit.slots[0] = object;
  gait_store(unit.thread, &object[0], unit_tagged_leaf(&unit, 1));
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

static void tags_fill_objects(Suite *suite) {
  TCase *objects = unit_case(suite, "objects");
  TAGS_TEST(objects, tagged_map_keeps_tagged_references);
  TAGS_TEST(objects, tagged_map_may_reach_beyond_its_object);
  TAGS_TEST(objects, tagged_map_may_be_long);
  TAGS_TEST(objects, tagged_map_of_a_large_array_of_pairs);
  TAGS_TEST(objects, tagged_map_of_an_array_of_words);
  TAGS_TEST(objects, plain_map_stands_beside_a_tagged_one);
  TAGS_TEST(objects, tagged_list_is_marked_whole);
  TAGS_TEST(objects, tagged_and_plain_objects_refer_to_each_other);
  TAGS_TEST(objects, tagged_reference_may_point_into_an_object);
  TAGS_TEST(objects, trace_function_takes_tagged_words);
  TAGS_TEST(objects, conservative_objects_take_tagged_and_plain_words);
}

void unit_suite_fill(Suite *suite) {
  tags_fill_objects(suite);
  TCase *roots = unit_case(suite, "roots");
  TAGS_TEST(roots, frames_take_tagged_and_plain_words);
  TAGS_TEST(roots, ranges_of_roots_take_tagged_and_plain_words);
  TAGS_TEST(roots, root_functions_take_tagged_words);
  TAGS_TEST(roots, handles_take_tagged_and_plain_words);
  TAGS_TEST(roots, conservative_stacks_take_tagged_and_plain_words);
  TCase *barrier = unit_case(suite, "barrier");
  TAGS_TEST(barrier, tagged_word_without_a_store_keeps_nothing);
  TAGS_TEST(barrier, tagged_store_shades_the_old_value);
  TAGS_TEST(barrier, tagged_store_shades_the_new_value);
  TAGS_TEST(barrier, tagged_first_store_shades_the_new_value);
  TAGS_TEST(barrier, tagged_word_store_shades_both_values);
  TAGS_TEST(barrier, tagged_first_word_store_shades_the_new_value);
  TAGS_TEST(barrier, tagged_swap_shades_both_values);
  TAGS_TEST(barrier, tagged_copy_shades_both_values);
  TAGS_TEST(barrier, tagged_clear_shades_the_old_value);
  TAGS_TEST(barrier, tagged_word_copy_shades_both_values);
  TAGS_TEST(barrier, tagged_word_clear_shades_the_old_value);
  TAGS_TEST(barrier, tagged_value_is_shaded_by_itself);
  TCase *young = unit_case(suite, "young");
  tcase_add_loop_test(young, old_object_keeps_a_new_one_by_a_tagged_reference, 0, 2 * TAGS_CASES);
  TCase *refused = unit_case(suite, "refused");
  const unit_worlds plain = unit_world_cases(suite, "refused", &unit_exact);
  tcase_add_test(refused, tag_rules_that_contradict_themselves_are_refused);
  tcase_add_test(refused, tag_rules_that_do_not_reach_the_heap_are_refused);
  tcase_add_test(refused, kinds_whose_tagged_maps_contradict_are_refused);
  UNIT_WORLD_TEST(plain, tagged_kinds_on_a_heap_without_a_tag_rule);
  UNIT_WORLD_TEST(plain, tagged_words_on_a_heap_without_a_tag_rule);
}
