/* Tracing: each form of kind keeps exactly what it should. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "../support/random.h"

const char *const unit_suite_name = "trace";

static gait_kind trace_register(unit_world *world, const char *name, size_t map_bytes,
                                const uint64_t *map, size_t repeat_bytes) {
  gait_kind kind;
  const gait_kind_info info = {.name = name,
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = map_bytes,
                               .pointer_map = map,
                               .repeat_bytes = repeat_bytes};
  ck_assert_int_eq(gait_kind_register(world->heap, &info, &kind), GAIT_OK);
  return kind;
}

/* Puts a tagged leaf into every word of an object of `words` words in slot 0, tag = word. */
static void trace_fill(unit_world *world, gait_kind kind, size_t words) {
  void **object = gait_alloc(world->thread, kind, words * sizeof(void *));
  world->slots[0] = object;
  for (unsigned i = 0; i < words; i++)
    gait_store_init(world->thread, &object[i], unit_tagged_leaf(world, i));
}

START_TEST(a_pointer_map_keeps_the_objects_that_it_names) {
  static const uint64_t map[1] = {0xb5}; /* words 0, 2, 4, 5, 7 */
  trace_fill(&unit, trace_register(&unit, "map", 64, map, 0), 8);
  ck_assert_uint_eq(unit_alive(&unit), 0xb5);
  ck_assert_uint_eq(unit_alive(&unit), 0xb5);
  unit.slots[0] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

START_TEST(a_pointer_map_without_repeat_ends_where_it_ends) {
  static const uint64_t map[1] = {7};
  trace_fill(&unit, trace_register(&unit, "map", 24, map, 0), 20);
  ck_assert_uint_eq(unit_alive(&unit), 7);
}
END_TEST

START_TEST(an_object_may_be_shorter_than_its_pointer_map) {
  static const uint64_t map[1] = {~UINT64_C(0)};
  const gait_kind kind = trace_register(&unit, "map", 512, map, 0);
  /* Its neighbours hold addresses that nothing else keeps. */
  void **garbage = gait_alloc(unit.thread, unit.leaf, 16);
  garbage[0] = garbage[1] = unit_tagged_leaf(&unit, 10);
  trace_fill(&unit, kind, 2);
  garbage = gait_alloc(unit.thread, kind, 16);
  garbage[0] = garbage[1] = unit_tagged_leaf(&unit, 11);
  ck_assert_uint_eq(unit_alive(&unit), 3);
}
END_TEST

START_TEST(a_long_pointer_map_uses_all_its_words) {
  uint64_t map[8] = {0};
  static const unsigned words[] = {0, 63, 64, 127, 128, 300, 449, 511};
  for (unsigned i = 0; i < 8; i++)
    map[words[i] / 64] |= UINT64_C(1) << words[i] % 64;
  const gait_kind kind = trace_register(&unit, "long", 4096, map, 0);
  void **object = gait_alloc(unit.thread, kind, 4096);
  unit.slots[0] = object;
  for (unsigned i = 0; i < 8; i++) {
    gait_store_init(unit.thread, &object[words[i]], unit_tagged_leaf(&unit, i));
    const unsigned other = words[i] == 511 ? 510 : words[i] + 2;
    object[other] = unit_tagged_leaf(&unit, 8 + i);
  }
  ck_assert_uint_eq(unit_alive(&unit), 0xff);
}
END_TEST

/* Head of `head` words, elements of `element` words; `map` says which of both are references. */
static void trace_repeat(int mode, size_t head, size_t element, uint64_t map, size_t words) {
  unit_world world;
  unit_open(&world, mode, GAIT_STACK_EXACT);
  const gait_kind kind = trace_register(&world, "array", 8 * (head + element), &map, 8 * element);
  uint64_t expected = 0;
  for (size_t i = 0; i < words; i++) {
    const size_t bit = i < head ? i : head + (i - head) % element;
    expected |= (map >> bit & 1) << i;
  }
  trace_fill(&world, kind, words);
  const uint64_t alive = unit_alive(&world);
  ck_assert_msg(alive == expected, "head %zu element %zu map %lx words %zu: %lx, not %lx", head,
                element, (unsigned long)map, words, (unsigned long)alive, (unsigned long)expected);
  unit_close(&world);
}

START_TEST(a_repeated_map_goes_on_to_the_end) {
  trace_repeat(_i, 0, 1, 1, 20);
  trace_repeat(_i, 2, 3, 0x0a, 20); /* head word 1, element word 1 */
  trace_repeat(_i, 1, 2, 0x03, 23); /* head word 0, element word 0 */
  trace_repeat(_i, 0, 4, 0x09, 24); /* element words 0 and 3 */
  trace_repeat(_i, 3, 5, 0xf8, 24); /* no head word, all of the element */
}
END_TEST

START_TEST(a_partial_element_of_a_repeated_map_is_traced) {
  for (size_t words = 3; words <= 24; words++) {
    trace_repeat(_i, 1, 3, 0x02, words); /* element word 0 */
    trace_repeat(_i, 1, 3, 0x08, words); /* element word 2 */
  }
}
END_TEST

START_TEST(a_repeated_map_may_span_a_huge_array) {
  static const uint64_t map[1] = {0x12}; /* head word 1, element word 2 of 3 */
  const gait_kind kind = trace_register(&unit, "array", 40, map, 24);
  const size_t elements = 200000;
  void **array = gait_alloc_array(unit.thread, kind, 16, elements, 24);
  unit.slots[0] = array;
  for (size_t i = 0; i < elements; i++) {
    void *target = gait_alloc(unit.thread, unit.leaf, 16);
    gait_store_init(unit.thread, &array[2 + 3 * i + 2], target);
    array[2 + 3 * i] = gait_alloc(unit.thread, unit.leaf, 16); /* not in the map: garbage */
  }
  ck_assert_uint_eq(unit_marked_objects(&unit), elements + 1);
}
END_TEST

struct trace_called {
  unit_world *world;
  size_t asked_bytes;
  unsigned calls;
  unsigned wrong;
};

static void trace_two_of_four(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  struct trace_called *called = arg;
  void **words = object;
  __atomic_fetch_add(&called->calls, 1, __ATOMIC_RELAXED);
  if (bytes < called->asked_bytes || object != called->world->slots[0])
    __atomic_fetch_add(&called->wrong, 1, __ATOMIC_RELAXED);
  gait_trace_slot(tracer, &words[1]);
  gait_trace_slot(tracer, &words[3]);
}

static void trace_a_range(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  struct trace_called *called = arg;
  __atomic_fetch_add(&called->calls, 1, __ATOMIC_RELAXED);
  if (bytes < called->asked_bytes) __atomic_fetch_add(&called->wrong, 1, __ATOMIC_RELAXED);
  gait_trace_range(tracer, (void **)object + 2, 3 * sizeof(void *));
}

static void trace_check_callback(const char *name, gait_trace_fn *function, uint64_t expected) {
  struct trace_called called = {.world = &unit, .asked_bytes = 8 * 6};
  const gait_kind_info info = {
      .name = name, .form = GAIT_KIND_CALLBACK, .trace = function, .trace_arg = &called};
  gait_kind kind;
  ck_assert_int_eq(gait_kind_register(unit.heap, &info, &kind), GAIT_OK);
  trace_fill(&unit, kind, 6);
  ck_assert_uint_eq(unit_alive(&unit), expected);
  ck_assert_uint_ge(called.calls, 1);
  ck_assert_uint_eq(called.wrong, 0);
  unit.slots[0] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
}

START_TEST(a_trace_callback_keeps_the_objects_that_it_traces) {
  trace_check_callback("two of four", trace_two_of_four, 0x0a);
  trace_check_callback("a range", trace_a_range, 0x1c);
}
END_TEST

static void trace_odd_slots(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)bytes, (void)arg;
  void *null = NULL;
  int local = 0;
  void *stack = &local;
  void *huge = (void *)~(uintptr_t)0;
  gait_trace_slot(tracer, &null);
  gait_trace_slot(tracer, &stack);
  gait_trace_slot(tracer, &huge);
  gait_trace_range(tracer, &stack, 0);
  gait_trace_slot(tracer, (void **)object);
}

START_TEST(a_trace_callback_may_trace_words_that_are_no_reference) {
  const gait_kind_info info = {.name = "odd", .form = GAIT_KIND_CALLBACK, .trace = trace_odd_slots};
  gait_kind kind;
  ck_assert_int_eq(gait_kind_register(unit.heap, &info, &kind), GAIT_OK);
  trace_fill(&unit, kind, 2);
  ck_assert_uint_eq(unit_alive(&unit), 1);
}
END_TEST

START_TEST(a_conservative_object_keeps_every_aligned_word) {
  trace_fill(&unit, unit.conservative, 20);
  void **object = unit.slots[0];
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(20) - 1);
  gait_store(unit.thread, &object[3], (void *)(uintptr_t)12345);
  gait_store(unit.thread, &object[4], (char *)object[4] + 31); /* interior */
  gait_store(unit.thread, &object[5], &unit);
  gait_clear(unit.thread, &object[6], 2);
  ck_assert_uint_eq(unit_alive(&unit), (UNIT_TAG(20) - 1) & ~UINT64_C(0xe8));
}
END_TEST

START_TEST(unaligned_words_of_a_conservative_object_are_ignored) {
  char *object = gait_alloc(unit.thread, unit.conservative, 256);
  unit.slots[0] = object;
  for (unsigned i = 1; i < 8; i++) {
    void *leaf = unit_tagged_leaf(&unit, i);
    memcpy(object + 24 * i + i, &leaf, sizeof leaf);
  }
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

START_TEST(a_leaf_object_keeps_nothing) {
  void **object = gait_alloc(unit.thread, unit.leaf, 160);
  unit.slots[0] = object;
  for (unsigned i = 0; i < 20; i++)
    object[i] = unit_tagged_leaf(&unit, i);
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_ptr_eq(gait_object_start(unit.heap, object), object);
}
END_TEST

START_TEST(interior_pointers_keep_the_object) {
  static const size_t sizes[] = {16, 48, 112, 1000, 4000, 32768, 40000, 300000};
  static void *root;
  ck_assert_int_eq(gait_roots_add(unit.heap, &root, sizeof root, GAIT_ROOTS_BARRIERED), GAIT_OK);
  void **object = gait_alloc(unit.thread, unit.references, 16);
  unit.slots[1] = object;
  for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    for (unsigned where = 0; where < 3; where++) {
      char *target = gait_alloc(unit.thread, unit.leaf, sizes[i]);
      unit_tag(&unit, target, i);
      char *inside = target + (where == 0 ? 1 : where == 1 ? sizes[i] / 2 : sizes[i] - 1);
      unit.slots[0] = inside;
      ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(i));
      gait_store(unit.thread, &object[1], inside);
      unit.slots[0] = NULL;
      ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(i));
      gait_store(unit.thread, &root, inside);
      gait_store(unit.thread, &object[1], NULL);
      ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(i));
      ck_assert_ptr_eq(gait_object_start(unit.heap, inside), target);
      gait_store(unit.thread, &root, NULL);
      ck_assert_uint_eq(unit_alive(&unit), 0);
    }
  }
}
END_TEST

START_TEST(addresses_resolve_to_their_object) {
  static const size_t sizes[] = {1, 16, 17, 100, 129, 1000, 5000, 32768, 32769, 1 << 20};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    char *object = gait_alloc(unit.thread, unit.references, sizes[i]);
    unit.slots[0] = object;
    const size_t bytes = gait_object_bytes(unit.heap, object);
    const size_t step = bytes > 65536 ? 4099 : 1;
    for (size_t at = 0; at < bytes; at += step) {
      UNIT_CHECK(gait_object_start(unit.heap, object + at) == object);
      UNIT_CHECK(gait_object_bytes(unit.heap, object + at) == bytes);
      UNIT_CHECK(strcmp(gait_object_kind_name(unit.heap, object + at), "references") == 0);
    }
    ck_assert_ptr_ne(gait_object_start(unit.heap, object + bytes), object);
  }
}
END_TEST

START_TEST(other_addresses_resolve_to_nothing) {
  char *object = gait_alloc(unit.thread, unit.leaf, 100);
  char *malloced = malloc(100);
  const uintptr_t base = (uintptr_t)object & ~(uintptr_t)0xffff;
  const void *strange[] = {NULL,
                           (void *)(uintptr_t)1,
                           &unit,
                           malloced,
                           unit.heap,
                           unit.thread,
                           (void *)unit_scrub_stack,
                           (void *)~(uintptr_t)0,
                           (void *)(UINTPTR_MAX / 2),
                           (void *)(base + ((uintptr_t)1 << 28)),
                           (void *)(base + ((uintptr_t)1 << 46)),
                           (void *)(base - ((uintptr_t)1 << 40))};
  for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
    ck_assert_ptr_null(gait_object_start(unit.heap, strange[i]));
    ck_assert_uint_eq(gait_object_bytes(unit.heap, strange[i]), 0);
    ck_assert_ptr_null(gait_object_kind_name(unit.heap, strange[i]));
  }
  free(malloced);
}
END_TEST

START_TEST(a_dead_object_resolves_to_nothing) {
  static const size_t sizes[] = {1, 40, 1000, 30000, 40000, 1 << 20};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    void *object = gait_alloc(unit.thread, unit.leaf, sizes[i]);
    unit.slots[0] = object;
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    ck_assert_ptr_eq(gait_object_start(unit.heap, object), object);
    unit.slots[0] = NULL;
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    ck_assert_ptr_null(gait_object_start(unit.heap, object));
    ck_assert_uint_eq(gait_object_bytes(unit.heap, object), 0);
    ck_assert_ptr_null(gait_object_kind_name(unit.heap, object));
  }
}
END_TEST

START_TEST(cycles_of_objects_are_found_dead) {
  for (unsigned tag = 0; tag < 8; tag++) {
    void **a = gait_alloc(unit.thread, unit.references, 48);
    unit.slots[tag] = a;
    void **b = gait_alloc(unit.thread, unit.references, 48);
    gait_store_init(unit.thread, &a[0], b);
    gait_store_init(unit.thread, &b[0], a);
    gait_store_init(unit.thread, &b[1], b);
    unit_tag(&unit, b, tag);
  }
  ck_assert_uint_eq(unit_alive(&unit), 0xff);
  for (unsigned tag = 0; tag < 8; tag += 2)
    unit.slots[tag] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0xaa);
}
END_TEST

START_TEST(a_long_list_needs_no_stack) {
  const size_t nodes = 1000000;
  for (size_t i = 0; i < nodes; i++) {
    void **node = gait_alloc(unit.thread, unit.references, 16);
    gait_store_init(unit.thread, node, unit.slots[0]);
    unit.slots[0] = node;
  }
  ck_assert_uint_eq(unit_marked_objects(&unit), nodes);
  unit.slots[0] = NULL;
  ck_assert_uint_eq(unit_marked_objects(&unit), 0);
}
END_TEST

START_TEST(a_wide_array_is_marked_whole) {
  const size_t count = 500000;
  void **array = gait_alloc_array(unit.thread, unit.references, 0, count, sizeof(void *));
  unit.slots[0] = array;
  for (size_t i = 0; i < count; i++)
    gait_store(unit.thread, &array[i], gait_alloc(unit.thread, unit.leaf, 16 + i % 64));
  ck_assert_uint_eq(unit_marked_objects(&unit), count + 1);
  gait_clear(unit.thread, &array[count / 2], count - count / 2);
  ck_assert_uint_eq(unit_marked_objects(&unit), count / 2 + 1);
}
END_TEST

/* Large objects are traced in pieces of some kilobytes: about each boundary of a piece, and at the
 * ends, stands a reference that nothing else holds. */
START_TEST(a_large_object_is_traced_to_its_last_piece) {
  for (size_t words = 4608 - 1; words < 12000; words += words % 512 == 1 ? 510 : 1) {
    void **array = gait_alloc_array(unit.thread, unit.references, 0, words, sizeof(void *));
    unit.slots[0] = array;
    size_t targets = 0;
    for (size_t i = 0; i < words; i += i % 512 == 0 ? 511 : 1, targets++)
      gait_store_init(unit.thread, &array[i], gait_alloc(unit.thread, unit.leaf, 16));
    ck_assert_uint_eq(unit_marked_objects(&unit), targets + 1);
  }
}
END_TEST

/* More arrays are grey at one time than a marker keeps apart, and each has something at both ends.
 */
START_TEST(an_array_may_hold_many_large_arrays) {
  enum { ARRAYS = 300, WORDS = 6000 };
  void **all = gait_alloc_array(unit.thread, unit.references, 0, WORDS, sizeof(void *));
  unit.slots[0] = all;
  for (size_t i = 0; i < ARRAYS; i++) {
    void **array = gait_alloc_array(unit.thread, unit.references, 0, WORDS, sizeof(void *));
    gait_store(unit.thread, &all[i], array);
    gait_store(unit.thread, &array[0], gait_alloc(unit.thread, unit.leaf, 16));
    gait_store(unit.thread, &array[WORDS - 1], gait_alloc(unit.thread, unit.leaf, 16));
  }
  ck_assert_uint_eq(unit_marked_objects(&unit), 1 + 3 * ARRAYS);
  gait_clear(unit.thread, &all[1], ARRAYS - 1);
  ck_assert_uint_eq(unit_marked_objects(&unit), 1 + 3);
}
END_TEST

/* Neighbours whose marks share words are reached from several sides, twice, and in both orders; of
 * two that follow one another, one is reached. */
START_TEST(neighbouring_objects_are_marked_one_by_one) {
  enum { COUNT = 3000 };
  void **forth = gait_alloc_array(unit.thread, unit.references, 0, COUNT, sizeof(void *));
  unit.slots[0] = forth;
  void **back = gait_alloc_array(unit.thread, unit.references, 0, COUNT, sizeof(void *));
  gait_store_init(unit.thread, &forth[0], back);
  for (size_t i = 1; i < COUNT; i++) {
    void **node = gait_alloc(unit.thread, i % 3 ? unit.references : unit.leaf, 16);
    if (i % 2 == 0) continue;
    gait_store_init(unit.thread, &forth[i], node);
    gait_store_init(unit.thread, &back[COUNT - i], node);
    if (i % 3) gait_store_init(unit.thread, node, forth[i / 2]);
  }
  ck_assert_uint_eq(unit_marked_objects(&unit), COUNT / 2 + 2);
}
END_TEST

/* A random graph, mirrored in plain memory: what a plain search reaches is what is marked. */
START_TEST(a_random_graph_is_marked_exactly) {
  enum { NODES = 20000, EDGES = 3 };
  uint64_t random = 42;
  uint32_t(*edges)[EDGES] = calloc(NODES, sizeof *edges);
  uint32_t *queue = calloc(NODES, sizeof *queue);
  bool *reached = calloc(NODES, sizeof *reached);
  void **all = gait_alloc_array(unit.thread, unit.references, 0, NODES, sizeof(void *));
  unit.slots[1] = all;
  for (size_t i = 0; i < NODES; i++)
    gait_store(unit.thread, &all[i], gait_alloc(unit.thread, unit.references, 24 + 8 * (i % 40)));
  for (size_t i = 0; i < NODES; i++) {
    for (size_t k = 0; k < EDGES; k++) {
      const uint32_t to = (uint32_t)(random_next(&random) % NODES);
      edges[i][k] = random_next(&random) % 2 ? to : UINT32_MAX;
      if (edges[i][k] != UINT32_MAX) gait_store(unit.thread, (void **)all[i] + k, all[to]);
    }
  }
  size_t count = 1;
  reached[0] = true;
  for (size_t at = 0; at < count; at++) {
    for (size_t k = 0; k < EDGES; k++) {
      const uint32_t to = edges[queue[at]][k];
      if (to == UINT32_MAX || reached[to]) continue;
      reached[to] = true;
      queue[count++] = to;
    }
  }
  unit.slots[0] = all[0];
  ck_assert_uint_eq(unit_marked_objects(&unit), NODES + 1);
  unit.slots[1] = NULL;
  ck_assert_uint_eq(unit_marked_objects(&unit), count);
  free(edges), free(queue), free(reached);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *maps = unit_case(suite, "maps");
  const unit_worlds maps_worlds = unit_world_cases(suite, "maps", &unit_exact);
  UNIT_WORLD_TEST(maps_worlds, a_pointer_map_keeps_the_objects_that_it_names);
  UNIT_WORLD_TEST(maps_worlds, a_pointer_map_without_repeat_ends_where_it_ends);
  UNIT_WORLD_TEST(maps_worlds, an_object_may_be_shorter_than_its_pointer_map);
  UNIT_WORLD_TEST(maps_worlds, a_long_pointer_map_uses_all_its_words);
  UNIT_TEST(maps, a_repeated_map_goes_on_to_the_end);
  UNIT_TEST(maps, a_partial_element_of_a_repeated_map_is_traced);
  UNIT_WORLD_TEST(maps_worlds, a_repeated_map_may_span_a_huge_array);
  const unit_worlds forms = unit_world_cases(suite, "forms", &unit_exact);
  UNIT_WORLD_TEST(forms, a_trace_callback_keeps_the_objects_that_it_traces);
  UNIT_WORLD_TEST(forms, a_trace_callback_may_trace_words_that_are_no_reference);
  UNIT_WORLD_TEST(forms, a_conservative_object_keeps_every_aligned_word);
  UNIT_WORLD_TEST(forms, unaligned_words_of_a_conservative_object_are_ignored);
  UNIT_WORLD_TEST(forms, a_leaf_object_keeps_nothing);
  const unit_worlds addresses = unit_world_cases(suite, "addresses", &unit_exact);
  UNIT_WORLD_TEST(addresses, interior_pointers_keep_the_object);
  UNIT_WORLD_TEST(addresses, addresses_resolve_to_their_object);
  UNIT_WORLD_TEST(addresses, other_addresses_resolve_to_nothing);
  UNIT_WORLD_TEST(addresses, a_dead_object_resolves_to_nothing);
  const unit_worlds graphs = unit_world_cases(suite, "graphs", &unit_exact);
  UNIT_WORLD_TEST(graphs, cycles_of_objects_are_found_dead);
  UNIT_WORLD_TEST(graphs, a_long_list_needs_no_stack);
  UNIT_WORLD_TEST(graphs, a_wide_array_is_marked_whole);
  UNIT_WORLD_TEST(graphs, a_large_object_is_traced_to_its_last_piece);
  UNIT_WORLD_TEST(graphs, an_array_may_hold_many_large_arrays);
  UNIT_WORLD_TEST(graphs, neighbouring_objects_are_marked_one_by_one);
  UNIT_WORLD_TEST(graphs, a_random_graph_is_marked_exactly);
}
