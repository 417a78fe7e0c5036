/* Kinds: registration, names, and what a registration refuses. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

const char *const unit_suite_name = "kinds";

static const uint64_t kinds_map[8] = {5, 0, 0, 0, 0, 0, 0, 0};

static void kinds_trace_nothing(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)tracer, (void)object, (void)bytes, (void)arg;
}

static gait_kind_info kinds_valid(const char *name) {
  return (gait_kind_info){
      .name = name, .form = GAIT_KIND_POINTERS, .map_bytes = 24, .pointer_map = kinds_map};
}

START_TEST(every_heap_has_two_kinds) {
  gait_kind kind;
  ck_assert_int_eq(gait_kind_find(unit.heap, "leaf", &kind), GAIT_OK);
  ck_assert_mem_eq(&kind, &unit.leaf, sizeof kind);
  ck_assert_int_eq(gait_kind_find(unit.heap, "conservative", &kind), GAIT_OK);
  ck_assert_mem_eq(&kind, &unit.conservative, sizeof kind);
  ck_assert_uint_ne(unit.leaf.index, unit.conservative.index);
}
END_TEST

START_TEST(kind_names_are_copied_and_unique) {
  char name[] = "cons cell";
  gait_kind_info info = kinds_valid(name);
  gait_kind kind, found, untouched = {12345, 12345};
  ck_assert_int_eq(gait_kind_register(unit.heap, &info, &kind), GAIT_OK);
  ck_assert_int_eq(gait_kind_register(unit.heap, &info, &untouched), GAIT_ERROR_ALREADY);
  ck_assert_uint_eq(untouched.index, 12345);
  name[0] = 'x';
  ck_assert_int_eq(gait_kind_find(unit.heap, "cons cell", &found), GAIT_OK);
  ck_assert_mem_eq(&found, &kind, sizeof kind);
  ck_assert_int_eq(gait_kind_find(unit.heap, name, &found), GAIT_ERROR_NOT_FOUND);
  ck_assert_int_eq(gait_kind_find(unit.heap, "", &found), GAIT_ERROR_NOT_FOUND);
  unit.slots[0] = gait_alloc(unit.thread, kind, 24);
  ck_assert_str_eq(gait_object_kind_name(unit.heap, unit.slots[0]), "cons cell");
  info = kinds_valid("leaf");
  ck_assert_int_eq(gait_kind_register(unit.heap, &info, &kind), GAIT_ERROR_ALREADY);
}
END_TEST

START_TEST(kinds_of_each_form_register) {
  const gait_kind_info infos[] = {
      {.name = "bytes", .form = GAIT_KIND_LEAF},
      {.name = "any", .form = GAIT_KIND_CONSERVATIVE},
      {.name = "called", .form = GAIT_KIND_CALLBACK, .trace = kinds_trace_nothing},
      {.name = "map", .form = GAIT_KIND_POINTERS, .map_bytes = 24, .pointer_map = kinds_map},
      {.name = "repeat all",
       .form = GAIT_KIND_POINTERS,
       .map_bytes = 24,
       .pointer_map = kinds_map,
       .repeat_bytes = 24},
      {.name = "repeat tail",
       .form = GAIT_KIND_POINTERS,
       .map_bytes = 24,
       .pointer_map = kinds_map,
       .repeat_bytes = 8},
      {.name = "longest",
       .form = GAIT_KIND_POINTERS,
       .map_bytes = 4096,
       .pointer_map = kinds_map,
       .repeat_bytes = 4096},
  };
  for (size_t i = 0; i < sizeof infos / sizeof *infos; i++) {
    gait_kind kind;
    ck_assert_msg(gait_kind_register(unit.heap, &infos[i], &kind) == GAIT_OK, "%s", infos[i].name);
    unit.slots[i] = gait_alloc(unit.thread, kind, 100);
    ck_assert_ptr_nonnull(unit.slots[i]);
  }
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  for (size_t i = 0; i < sizeof infos / sizeof *infos; i++)
    ck_assert_str_eq(gait_object_kind_name(unit.heap, unit.slots[i]), infos[i].name);
}
END_TEST

static void kinds_reject(gait_heap *heap, gait_kind_info info) {
  gait_kind kind = {12345, 12345};
  ck_assert_msg(gait_kind_register(heap, &info, &kind) == GAIT_ERROR_ARGUMENT,
                "form %d map %zu repeat %zu was not refused", (int)info.form, info.map_bytes,
                info.repeat_bytes);
  ck_assert_uint_eq(kind.index, 12345);
  if (info.name && *info.name)
    ck_assert_int_eq(gait_kind_find(heap, info.name, &kind), GAIT_ERROR_NOT_FOUND);
}

START_TEST(bad_descriptions_of_kinds_are_refused) {
  gait_kind_info info = kinds_valid(NULL);
  kinds_reject(unit.heap, info);
  kinds_reject(unit.heap, kinds_valid(""));
  info = kinds_valid("bad");
  info.form = (gait_kind_form)99;
  kinds_reject(unit.heap, info);
  info = kinds_valid("bad");
  info.pointer_map = NULL;
  kinds_reject(unit.heap, info);
  static const size_t map_bytes[] = {0, 4, 12, 25, 4097, 4104, SIZE_MAX, SIZE_MAX - 7};
  for (size_t i = 0; i < sizeof map_bytes / sizeof *map_bytes; i++) {
    info = kinds_valid("bad");
    info.map_bytes = map_bytes[i];
    kinds_reject(unit.heap, info);
  }
  static const size_t repeat_bytes[] = {1, 4, 12, 32, SIZE_MAX, SIZE_MAX - 7};
  for (size_t i = 0; i < sizeof repeat_bytes / sizeof *repeat_bytes; i++) {
    info = kinds_valid("bad");
    info.repeat_bytes = repeat_bytes[i];
    kinds_reject(unit.heap, info);
  }
  kinds_reject(unit.heap, (gait_kind_info){.name = "bad", .form = GAIT_KIND_CALLBACK});
}
END_TEST

START_TEST(kind_table_fills_and_stays_sound) {
  gait_result result = GAIT_OK;
  static gait_kind kinds[GAIT_MAX_KINDS + 1];
  size_t count = 0;
  for (; result == GAIT_OK && count <= GAIT_MAX_KINDS; count++) {
    char name[32];
    snprintf(name, sizeof name, "kind %zu", count);
    const gait_kind_info info = kinds_valid(name);
    result = gait_kind_register(unit.heap, &info, &kinds[count]);
  }
  ck_assert_int_eq(result, GAIT_ERROR_TOO_MANY);
  count--;
  ck_assert_uint_eq(
      count + 10,
      GAIT_MAX_KINDS); /* leaf, conservative, weak, ephemeron, five of tables, references */
  for (size_t i = 0; i < count; i++) {
    char name[32];
    snprintf(name, sizeof name, "kind %zu", i);
    gait_kind found;
    ck_assert_int_eq(gait_kind_find(unit.heap, name, &found), GAIT_OK);
    ck_assert_mem_eq(&found, &kinds[i], sizeof found);
    void **object = gait_alloc(unit.thread, kinds[i], 24);
    ck_assert_ptr_nonnull(object);
    gait_store_init(unit.thread, &object[0], unit.slots[0]);
    unit.slots[0] = object;
  }
  ck_assert_uint_eq(unit_marked_objects(&unit), count);
}
END_TEST

struct kinds_race {
  gait_heap *heap;
  atomic_uint registered;
  gait_kind kinds[GAIT_MAX_KINDS];
};

static void *kinds_register_many(void *arg) {
  struct kinds_race *race = arg;
  for (unsigned i = 0; i < 900; i++) {
    char name[32];
    snprintf(name, sizeof name, "kind %u", i);
    const gait_kind_info info = kinds_valid(name);
    ck_assert_int_eq(gait_kind_register(race->heap, &info, &race->kinds[i]), GAIT_OK);
    atomic_store(&race->registered, i + 1);
  }
  return NULL;
}

/* A kind may be used by any thread as soon as its registration has returned, cycle or not. */
START_TEST(kinds_appear_while_others_allocate) {
  static struct kinds_race race;
  memset(&race, 0, sizeof race);
  race.heap = unit.heap;
  pthread_t thread;
  ck_assert_int_eq(pthread_create(&thread, NULL, kinds_register_many, &race), 0);
  for (unsigned last = 0, rounds = 0; last < 900; rounds++) {
    last = atomic_load(&race.registered);
    for (unsigned i = last > 8 ? last - 8 : 0; i < last; i++) {
      void **object = gait_alloc(unit.thread, race.kinds[i], 24);
      UNIT_CHECK(object != NULL);
      gait_store_init(unit.thread, &object[0], unit.slots[0]);
      unit.slots[0] = object;
    }
    if (rounds % 64 == 0) ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    if (rounds % 128 == 0) unit.slots[0] = NULL;
  }
  pthread_join(thread, NULL);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  const unit_worlds tcase = unit_world_cases(suite, "kinds", &unit_exact);
  UNIT_WORLD_TEST(tcase, every_heap_has_two_kinds);
  UNIT_WORLD_TEST(tcase, kind_names_are_copied_and_unique);
  UNIT_WORLD_TEST(tcase, kinds_of_each_form_register);
  UNIT_WORLD_TEST(tcase, bad_descriptions_of_kinds_are_refused);
  UNIT_WORLD_TEST(tcase, kind_table_fills_and_stays_sound);
  UNIT_WORLD_TEST(tcase, kinds_appear_while_others_allocate);
}
