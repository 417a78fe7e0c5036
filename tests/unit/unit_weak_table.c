/* What tests of weak tables share. */
#include "unit_weak_table.h"

#include <string.h>

const gait_weakness weak_table_forms[WEAK_TABLE_FORMS] = {GAIT_WEAK_VALUES, GAIT_WEAK_BOTH,
                                                          GAIT_WEAK_KEYS};

gait_weak_table *weak_table_new(unit_world *world, gait_weakness weakness) {
  gait_weak_table *table = world->slots[WEAK_TABLE] =
      gait_weak_table_create(world->thread, weakness);
  UNIT_CHECK(table != NULL);
  return table;
}

/* An array of `count` references, in that slot. */
void **weak_table_array(unit_world *world, size_t slot, size_t count) {
  void **array = world->slots[slot] =
      gait_alloc(world->thread, world->references, count * sizeof *array);
  UNIT_CHECK(array != NULL);
  return array;
}

/* A leaf that knows its number. */
uintptr_t *weak_table_numbered(unit_world *world, uintptr_t number) {
  uintptr_t *leaf = gait_alloc(world->thread, world->leaf, 2 * sizeof *leaf);
  UNIT_CHECK(leaf != NULL);
  leaf[0] = number, leaf[1] = ~number;
  return leaf;
}

void weak_table_expect(const uintptr_t *leaf, uintptr_t number) {
  UNIT_CHECK(leaf && leaf[0] == number && leaf[1] == ~number);
}

/* Puts `count` keys and values, all of which are kept in two arrays. */
gait_weak_table *weak_table_filled(unit_world *world, gait_weakness weakness, size_t count) {
  gait_weak_table *table = weak_table_new(world, weakness);
  void **keys = weak_table_array(world, WEAK_KEYS, count),
       **values = weak_table_array(world, WEAK_VALUES, count);
  for (size_t i = 0; i < count; i++) {
    gait_store(world->thread, &keys[i], weak_table_numbered(world, i));
    gait_store(world->thread, &values[i], weak_table_numbered(world, ~i));
    UNIT_CHECK(gait_weak_table_put(world->thread, table, keys[i], values[i]));
    UNIT_CHECK(gait_weak_table_count(world->thread, table) == i + 1); /* exact while none dies */
  }
  return table;
}

void weak_table_collect(unit_world *world) {
  ck_assert_int_eq(gait_heap_collect(world->thread), GAIT_OK);
}

/* How many entries an iterator sees. */
size_t weak_table_walk(unit_world *world) {
  void *key, *value;
  size_t count = 0;
  world->slots[WEAK_ITERATOR] = gait_weak_table_iterate(world->thread, world->slots[WEAK_TABLE]);
  while (gait_weak_table_next(world->thread, world->slots[WEAK_ITERATOR], &key, &value)) {
    UNIT_CHECK(value != NULL);
    count++;
  }
  UNIT_CHECK(!key && !value);
  UNIT_CHECK(!gait_weak_table_next(world->thread, world->slots[WEAK_ITERATOR], &key, &value));
  return count;
}

/* Puts and removes so often that all of the table is swept. */
void weak_table_sweep(unit_world *world, gait_weak_table *table, uintptr_t times) {
  for (uintptr_t i = 0; i < times; i++) {
    void *number = (void *)(16 + i % 8);
    if (i % 1000 == 0) weak_table_collect(world);
    UNIT_CHECK(gait_weak_table_put(world->thread, table, number, number));
    UNIT_CHECK(gait_weak_table_remove(world->thread, table, number));
  }
}

bool weak_name_equal(gait_thread *thread, void *object, const void *name, void *arg) {
  gait_thread_poll(thread);
  (void)arg;
  weak_table_expect(object, ((uintptr_t *)object)[0]);
  return ((uintptr_t *)object)[0] == *(const uintptr_t *)name;
}

static void *name_make(gait_thread *thread, const void *name, void *arg) {
  uintptr_t *leaf = gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)), 2 * sizeof *leaf);
  if (!leaf) return NULL;
  leaf[0] = *(const uintptr_t *)name, leaf[1] = ~leaf[0];
  if (arg) atomic_fetch_add((atomic_size_t *)arg, 1);
  return leaf;
}

uint64_t weak_name_hash(uintptr_t name) {
  return name / 3; /* some are the same */
}

uintptr_t *weak_name_intern(gait_thread *thread, gait_weak_table *table, uintptr_t name) {
  uintptr_t *object = gait_intern(thread, table, weak_name_hash(name), &name);
  weak_table_expect(object, name);
  return object;
}

gait_weak_table *weak_intern_new(unit_world *world, void *arg) {
  return world->slots[WEAK_TABLE] =
             gait_intern_create(world->thread, weak_name_equal, name_make, arg);
}
