/* Weak tables and interning: which entries are there, and which are gone. */
#include "unit_weak_table.h"

#include <gait/finalizer.h>
#include <string.h>

#include "unit_young.h"

const char *const unit_suite_name = "weak_tables";

/* ---- One thread ---- */

START_TEST(a_table_finds_what_was_put) {
  enum { COUNT = 3000 };
  for (size_t form = 0; form < WEAK_TABLE_FORMS; form++) {
    gait_weak_table *table = weak_table_filled(&unit, weak_table_forms[form], COUNT);
    void **keys = unit.slots[WEAK_KEYS], **values = unit.slots[WEAK_VALUES];
    ck_assert_uint_ge(gait_weak_table_count(unit.thread, table), COUNT);
    for (int round = 0; round < 2; round++) {
      for (size_t i = 0; i < COUNT; i++)
        UNIT_CHECK(gait_weak_table_get(unit.thread, table, keys[i]) == values[i]);
      ck_assert_ptr_null(gait_weak_table_get(unit.thread, table, keys));
      ck_assert_uint_eq(weak_table_walk(&unit), COUNT);
      weak_table_collect(&unit);
    }
  }
}
END_TEST

START_TEST(a_put_replaces_and_a_remove_removes) {
  for (size_t form = 0; form < WEAK_TABLE_FORMS; form++) {
    gait_weak_table *table = weak_table_filled(&unit, weak_table_forms[form], 2);
    void **keys = unit.slots[WEAK_KEYS], **values = unit.slots[WEAK_VALUES];
    ck_assert(gait_weak_table_put(unit.thread, table, keys[0], values[1]));
    ck_assert_ptr_eq(gait_weak_table_get(unit.thread, table, keys[0]), values[1]);
    ck_assert_uint_eq(gait_weak_table_count(unit.thread, table), 2);
    ck_assert(gait_weak_table_remove(unit.thread, table, keys[0]));
    ck_assert(!gait_weak_table_remove(unit.thread, table, keys[0]));
    ck_assert_ptr_null(gait_weak_table_get(unit.thread, table, keys[0]));
    ck_assert_uint_eq(gait_weak_table_count(unit.thread, table), 1);
    ck_assert(gait_weak_table_put(unit.thread, table, keys[1], NULL));
    ck_assert(gait_weak_table_put(unit.thread, table, keys[1], NULL));
    ck_assert_ptr_null(gait_weak_table_get(unit.thread, table, keys[1]));
    ck_assert_uint_eq(gait_weak_table_count(unit.thread, table), 0);
    ck_assert(gait_weak_table_put(unit.thread, table, keys[0], values[0]));
    ck_assert_ptr_eq(gait_weak_table_get(unit.thread, table, keys[0]), values[0]);
  }
}
END_TEST

START_TEST(a_clear_removes_all_and_ends_iterators) {
  gait_weak_table *table = weak_table_filled(&unit, GAIT_WEAK_VALUES, 1000);
  void **keys = unit.slots[WEAK_KEYS], **values = unit.slots[WEAK_VALUES], *key, *value;
  gait_weak_table_iterator *iterator = unit.slots[WEAK_ITERATOR] =
      gait_weak_table_iterate(unit.thread, table);
  ck_assert(gait_weak_table_next(unit.thread, iterator, &key, &value));
  ck_assert(gait_weak_table_clear(unit.thread, table));
  ck_assert(!gait_weak_table_next(unit.thread, iterator, &key, &value));
  ck_assert_uint_eq(gait_weak_table_count(unit.thread, table), 0);
  for (size_t i = 0; i < 1000; i++)
    UNIT_CHECK(!gait_weak_table_get(unit.thread, table, keys[i]));
  ck_assert(gait_weak_table_put(unit.thread, table, keys[7], values[7]));
  ck_assert_ptr_eq(gait_weak_table_get(unit.thread, table, keys[7]), values[7]);
  ck_assert_uint_eq(weak_table_walk(&unit), 1);
}
END_TEST

START_TEST(an_entry_goes_with_its_value) {
  enum { COUNT = 2000 };
  for (size_t form = 0; form < 2; form++) /* keys of the third keep values */ {
    gait_weak_table *table = weak_table_filled(&unit, weak_table_forms[form], COUNT);
    void **keys = unit.slots[WEAK_KEYS], **values = unit.slots[WEAK_VALUES];
    for (size_t i = 0; i < COUNT; i += 2)
      gait_store(unit.thread, &values[i], NULL);
    weak_table_collect(&unit);
    for (size_t i = 0; i < COUNT; i++)
      UNIT_CHECK(gait_weak_table_get(unit.thread, table, keys[i]) == values[i]);
    ck_assert_uint_eq(weak_table_walk(&unit), COUNT / 2);
    for (size_t i = 0; i < COUNT; i += 4) {
      gait_store(unit.thread, &values[i], weak_table_numbered(&unit, ~i));
      UNIT_CHECK(gait_weak_table_put(unit.thread, table, keys[i], values[i]));
    }
    for (size_t i = 0; i < COUNT; i++)
      UNIT_CHECK(gait_weak_table_get(unit.thread, table, keys[i]) == values[i]);
    ck_assert_uint_eq(weak_table_walk(&unit), COUNT * 3 / 4);
    ck_assert_uint_ge(gait_weak_table_count(unit.thread, table), COUNT * 3 / 4);
    ck_assert_uint_le(gait_weak_table_count(unit.thread, table), COUNT);
  }
}
END_TEST

/* The value alone keeps nothing in a table that is weak in both. */
START_TEST(an_entry_that_is_weak_in_both_goes_with_its_key) {
  gait_weak_table *table = weak_table_new(&unit, GAIT_WEAK_BOTH);
  unit.slots[1] = unit_tagged_leaf(&unit, 1);
  ck_assert(gait_weak_table_put(unit.thread, table, unit_tagged_leaf(&unit, 0), unit.slots[1]));
  ck_assert_uint_eq(weak_table_walk(&unit), 1);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1));
  ck_assert_uint_eq(weak_table_walk(&unit), 0);
}
END_TEST

/* The key keeps the value, and the value alone does not keep the key that it refers to. */
START_TEST(an_entry_with_a_weak_key_keeps_its_value_while_the_key_lives) {
  gait_weak_table *table = weak_table_new(&unit, GAIT_WEAK_KEYS);
  void **key = unit.slots[1] = gait_alloc(unit.thread, unit.references, 64);
  void **value = unit.slots[2] = gait_alloc(unit.thread, unit.references, 64);
  unit_tag(&unit, key, 1);
  unit_tag(&unit, value, 2);
  gait_store(unit.thread, &value[0], key);
  ck_assert(gait_weak_table_put(unit.thread, table, key, value));
  ck_assert(gait_weak_table_put(unit.thread, table, unit_tagged_leaf(&unit, 5), value));
  unit.slots[2] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1) | UNIT_TAG(2));
  ck_assert_ptr_eq(gait_weak_table_get(unit.thread, table, key), value);
  ck_assert_uint_eq(weak_table_walk(&unit), 1);
  unit.slots[1] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_uint_eq(weak_table_walk(&unit), 0);
}
END_TEST

/* Each value is the key of the next entry, in a table that changes its size meanwhile. */
START_TEST(weak_keys_keep_a_chain_of_values) {
  enum { COUNT = 1000 };
  gait_weak_table *table = weak_table_new(&unit, GAIT_WEAK_KEYS);
  uintptr_t *first = unit.slots[1] = weak_table_numbered(&unit, 0);
  unit.slots[2] = first;
  for (uintptr_t i = 1; i <= COUNT; i++) {
    unit.slots[3] = weak_table_numbered(&unit, i);
    UNIT_CHECK(gait_weak_table_put(unit.thread, table, unit.slots[2], unit.slots[3]));
    unit.slots[2] = unit.slots[3];
  }
  unit.slots[2] = unit.slots[3] = NULL;
  for (int round = 0; round < 2; round++) {
    weak_table_collect(&unit);
    uintptr_t *key = first;
    for (uintptr_t i = 1; i <= COUNT; i++)
      weak_table_expect(key = gait_weak_table_get(unit.thread, table, key), i);
    ck_assert_ptr_null(gait_weak_table_get(unit.thread, table, key));
  }
  unit.slots[1] = NULL;
  weak_table_collect(&unit);
  ck_assert_uint_eq(weak_table_walk(&unit), 0);
}
END_TEST

START_TEST(a_value_that_is_weak_keeps_its_key_while_it_lives) {
  gait_weak_table *table = weak_table_new(&unit, GAIT_WEAK_VALUES);
  unit.slots[1] = unit_tagged_leaf(&unit, 1);
  ck_assert(gait_weak_table_put(unit.thread, table, unit_tagged_leaf(&unit, 0), unit.slots[1]));
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(0) | UNIT_TAG(1));
  ck_assert_uint_eq(weak_table_walk(&unit), 1);
  unit.slots[1] = NULL;
  unit_alive(&unit);
  ck_assert_uint_eq(weak_table_walk(&unit), 0);
  for (uintptr_t i = 1; i < 20; i++)
    ck_assert(gait_weak_table_put(unit.thread, table, (void *)(i * 16), (void *)(uintptr_t)16));
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

START_TEST(a_table_is_found_dead) {
  weak_table_filled(&unit, GAIT_WEAK_VALUES, 1000);
  unit.slots[WEAK_KEYS] = unit.slots[WEAK_VALUES] = NULL;
  ck_assert_uint_gt(unit_marked_objects(&unit), 1000);
  unit.slots[WEAK_TABLE] = NULL;
  ck_assert_uint_lt(unit_marked_objects(&unit), 10);
}
END_TEST

/* Small numbers are words that never die, in every place. */
START_TEST(words_that_are_no_references_stay) {
  for (size_t form = 0; form < WEAK_TABLE_FORMS; form++) {
    gait_weak_table *table = weak_table_new(&unit, weak_table_forms[form]);
    for (uintptr_t i = 1; i <= 500; i++)
      UNIT_CHECK(gait_weak_table_put(unit.thread, table, (void *)i, (void *)(i * 3)));
    weak_table_collect(&unit);
    for (uintptr_t i = 1; i <= 500; i++)
      UNIT_CHECK(gait_weak_table_get(unit.thread, table, (void *)i) == (void *)(i * 3));
    ck_assert_uint_eq(weak_table_walk(&unit), 500);
  }
}
END_TEST

/* Ever new keys and values, few of which live at once, leave no large table behind. */
START_TEST(a_table_of_short_lives_stays_small) {
  enum { ROUNDS = 40, COUNT = 500 };
  for (size_t form = 0; form < WEAK_TABLE_FORMS; form++) {
    gait_weak_table *table = weak_table_new(&unit, weak_table_forms[form]);
    for (size_t round = 0; round < ROUNDS; round++) {
      for (size_t i = 0; i < COUNT; i++) {
        unit.slots[1] = weak_table_numbered(&unit, i);
        unit.slots[2] = weak_table_numbered(&unit, i);
        UNIT_CHECK(gait_weak_table_put(unit.thread, table, unit.slots[1], unit.slots[2]));
      }
      weak_table_collect(&unit);
    }
    ck_assert_uint_lt(gait_weak_table_count(unit.thread, table), 4 * COUNT);
    ck_assert_uint_lt(unit_marked_objects(&unit), 8 * COUNT);
  }
}
END_TEST

/* A table that was large shrinks by what is put and removed. */
START_TEST(a_table_shrinks) {
  enum { COUNT = 20000 };
  gait_weak_table *table = weak_table_filled(&unit, GAIT_WEAK_VALUES, COUNT);
  unit.slots[WEAK_VALUES] = unit.slots[WEAK_KEYS] = NULL;
  weak_table_sweep(&unit, table, 2 * COUNT);
  ck_assert_uint_eq(gait_weak_table_count(unit.thread, table), 0);
  weak_table_collect(&unit);
  ck_assert_uint_lt(unit_marked_objects(&unit), 40);
}
END_TEST

/* What is removed while other buckets are made ready counts where it was. */
START_TEST(a_table_counts_what_is_removed_while_it_grows) {
  enum { COUNT = 70 };
  for (size_t count = 1; count <= COUNT; count++) {
    gait_weak_table *table = weak_table_filled(&unit, weak_table_forms[count % 3], count);
    void **keys = unit.slots[WEAK_KEYS];
    for (size_t left = count; left-- > 0;) {
      ck_assert(gait_weak_table_remove(unit.thread, table, keys[left]));
      const size_t counted = gait_weak_table_count(unit.thread, table);
      ck_assert_uint_ge(counted, left);
      ck_assert_uint_le(counted, 2 * count);
    }
  }
}
END_TEST

/* ---- Iteration ---- */

/* While an iterator goes on, the table grows and shrinks; the entries that stay come once each. */
START_TEST(an_iterator_sees_what_stays_once) {
  enum { STAY = 700, COME = 5000 };
  for (size_t form = 0; form < WEAK_TABLE_FORMS; form++) {
    gait_weak_table *table = weak_table_filled(&unit, weak_table_forms[form], STAY);
    void **keys = unit.slots[WEAK_KEYS], **values = unit.slots[WEAK_VALUES], *key, *value;
    unsigned char seen[STAY] = {0};
    gait_weak_table_iterator *iterator = unit.slots[WEAK_ITERATOR] =
        gait_weak_table_iterate(unit.thread, table);
    for (uintptr_t step = 0; gait_weak_table_next(unit.thread, iterator, &key, &value); step++) {
      const uintptr_t *leaf = key;
      if ((uintptr_t)key < 16 * 3 * COME) {
        UNIT_CHECK(key == value);
      } else {
        UNIT_CHECK(leaf[0] < STAY && keys[leaf[0]] == key && values[leaf[0]] == value);
        UNIT_CHECK(seen[leaf[0]]++ == 0);
      }
      for (uintptr_t i = 0; i < 20; i++) {
        void *number = (void *)((step * 20 + i + 1) % COME * 16 + 1);
        if (step / 300 % 2 == 0)
          UNIT_CHECK(gait_weak_table_put(unit.thread, table, number, number));
        else
          gait_weak_table_remove(unit.thread, table, number);
      }
    }
    for (size_t i = 0; i < STAY; i++)
      UNIT_CHECK(seen[i] == 1);
  }
}
END_TEST

START_TEST(an_iterator_sees_no_entry_that_has_gone) {
  enum { COUNT = 300 };
  gait_weak_table *table = weak_table_filled(&unit, GAIT_WEAK_VALUES, COUNT);
  void **keys = unit.slots[WEAK_KEYS], **values = unit.slots[WEAK_VALUES], *key, *value;
  gait_weak_table_iterator *iterator = unit.slots[WEAK_ITERATOR] =
      gait_weak_table_iterate(unit.thread, table);
  ck_assert(gait_weak_table_next(unit.thread, iterator, &key, &value));
  const uintptr_t first = ((uintptr_t *)key)[0];
  for (size_t i = 0; i < COUNT; i++)
    if (i % 3 == 0)
      gait_weak_table_remove(unit.thread, table, keys[i]);
    else if (i % 3 == 1)
      gait_store(unit.thread, &values[i], NULL);
  weak_table_collect(&unit);
  size_t count = 0;
  for (; gait_weak_table_next(unit.thread, iterator, &key, &value); count++)
    UNIT_CHECK(((uintptr_t *)key)[0] % 3 == 2 && ((uintptr_t *)key)[0] != first);
  ck_assert_uint_eq(count, COUNT / 3 - (first % 3 == 2));
}
END_TEST

/* ---- The program's own equality ---- */

static uint64_t table_hash(gait_thread *thread, void *key, void *arg) {
  gait_thread_poll(thread);
  (void)arg;
  return ((uintptr_t *)key)[0] % 64; /* few chains, long ones */
}

static bool table_equal(gait_thread *thread, void *entry_key, void *key, void *arg) {
  ++*(size_t *)arg;
  UNIT_CHECK(gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)), 48) != NULL);
  return memcmp(entry_key, key, 2 * sizeof(uintptr_t)) == 0;
}

START_TEST(keys_are_equal_by_the_programs_word) {
  enum { COUNT = 500 };
  static size_t asked;
  gait_weak_table *table = unit.slots[WEAK_TABLE] =
      gait_weak_table_create_by(unit.thread, table_hash, table_equal, &asked);
  void **values = weak_table_array(&unit, WEAK_VALUES, COUNT);
  for (uintptr_t i = 0; i < 2 * COUNT; i++) {
    unit.slots[1] = weak_table_numbered(&unit, i % COUNT);
    gait_store(unit.thread, &values[i % COUNT], weak_table_numbered(&unit, i));
    UNIT_CHECK(gait_weak_table_put(unit.thread, table, unit.slots[1], values[i % COUNT]));
  }
  ck_assert_uint_eq(gait_weak_table_count(unit.thread, table), COUNT);
  weak_table_collect(&unit);
  ck_assert_uint_eq(weak_table_walk(&unit), COUNT);
  for (uintptr_t i = 0; i < COUNT; i++) {
    unit.slots[1] = weak_table_numbered(&unit, i);
    UNIT_CHECK(gait_weak_table_get(unit.thread, table, unit.slots[1]) == values[i]);
    UNIT_CHECK(gait_weak_table_remove(unit.thread, table, unit.slots[1]) == true);
  }
  ck_assert_uint_eq(weak_table_walk(&unit), 0);
  ck_assert_uint_gt(asked, COUNT);
}
END_TEST

/* The function looks its keys up, puts others, and clears, in the table that asks it. */
static bool table_meddle(gait_thread *thread, void *entry_key, void *key, void *arg) {
  static int depth;
  gait_weak_table *table = *(void **)arg;
  const bool equal = memcmp(entry_key, key, 2 * sizeof(uintptr_t)) == 0;
  if (depth++ == 0 && table) {
    UNIT_CHECK(gait_weak_table_put(thread, table, key, (void *)(uintptr_t)8));
    UNIT_CHECK(gait_weak_table_get(thread, table, key) == (void *)(uintptr_t)8);
    if (((uintptr_t *)key)[0] % 50 == 0) UNIT_CHECK(gait_weak_table_clear(thread, table));
    if (((uintptr_t *)key)[0] % 70 == 0) UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  }
  depth--;
  return equal;
}

START_TEST(a_table_may_be_used_in_its_own_equality) {
  gait_weak_table *table = unit.slots[WEAK_TABLE] =
      gait_weak_table_create_by(unit.thread, table_hash, table_meddle, &unit.slots[WEAK_TABLE]);
  for (uintptr_t i = 0; i < 600; i++) {
    unit.slots[1] = weak_table_numbered(&unit, i);
    UNIT_CHECK(gait_weak_table_put(unit.thread, table, unit.slots[1], (void *)(uintptr_t)24));
    UNIT_CHECK(gait_weak_table_get(unit.thread, table, unit.slots[1]) == (void *)(uintptr_t)8 ||
               i % 50 == 0 || gait_weak_table_count(unit.thread, table) > 0);
  }
  void *key, *value;
  uintptr_t numbers[600] = {0};
  unit.slots[WEAK_ITERATOR] = gait_weak_table_iterate(unit.thread, table);
  while (gait_weak_table_next(unit.thread, unit.slots[WEAK_ITERATOR], &key, &value))
    UNIT_CHECK(numbers[((uintptr_t *)key)[0]]++ == 0);
}
END_TEST

static void table_grow_in_cleanup(void *arg) {
  gait_thread *thread = arg;
  static uintptr_t number;
  for (int i = 0; i < 50; i++) {
    number += 16;
    UNIT_CHECK(gait_weak_table_put(thread, unit.slots[WEAK_TABLE], (void *)number, (void *)number));
  }
}

/* Cleanups run at safepoints of the thread that puts. */
START_TEST(a_table_may_grow_in_a_cleanup) {
  gait_weak_table *table = weak_table_new(&unit, GAIT_WEAK_VALUES);
  for (uintptr_t i = 0; i < 2000; i++) {
    unit.slots[1] = weak_table_numbered(&unit, i);
    if (i % 100 == 0)
      ck_assert_int_eq(
          gait_cleanup_add(unit.thread, unit.slots[1], table_grow_in_cleanup, unit.thread, NULL),
          GAIT_OK);
    UNIT_CHECK(gait_weak_table_put(unit.thread, table, (void *)(i + 100000), unit.slots[1]));
    unit.slots[1] = NULL;
    if (i % 500 == 499) weak_table_collect(&unit);
    gait_finalizers_run(unit.thread, SIZE_MAX);
  }
  weak_table_collect(&unit);
  gait_finalizers_run(unit.thread, SIZE_MAX);
  for (uintptr_t i = 1; i <= 1000; i++)
    UNIT_CHECK(gait_weak_table_get(unit.thread, table, (void *)(i * 16)) == (void *)(i * 16));
}
END_TEST

/* ---- Interning ---- */

START_TEST(a_name_has_one_object) {
  enum { COUNT = 3000 };
  static atomic_size_t made;
  gait_weak_table *table = weak_intern_new(&unit, &made);
  void **objects = weak_table_array(&unit, WEAK_VALUES, COUNT);
  uintptr_t unknown = COUNT;
  for (uintptr_t i = 0; i < 3 * COUNT; i++) {
    uintptr_t *object = weak_name_intern(unit.thread, table, i % COUNT);
    UNIT_CHECK(i < COUNT || objects[i % COUNT] == object);
    gait_store(unit.thread, &objects[i % COUNT], object);
    if (i % 1000 == 0) weak_table_collect(&unit);
  }
  ck_assert_uint_eq(atomic_load(&made), COUNT);
  ck_assert_uint_eq(weak_table_walk(&unit), COUNT);
  ck_assert_ptr_null(gait_intern_find(unit.thread, table, weak_name_hash(unknown), &unknown));
  for (uintptr_t i = 0; i < COUNT; i++)
    UNIT_CHECK(gait_intern_find(unit.thread, table, weak_name_hash(i), &i) == objects[i]);
}
END_TEST

START_TEST(a_dead_object_is_made_again) {
  static atomic_size_t made;
  gait_weak_table *table = weak_intern_new(&unit, &made);
  uintptr_t name = 5;
  unit.slots[1] = weak_name_intern(unit.thread, table, 5);
  weak_table_collect(&unit);
  ck_assert_ptr_eq(weak_name_intern(unit.thread, table, 5), unit.slots[1]);
  unit.slots[1] = NULL;
  weak_table_collect(&unit);
  ck_assert_ptr_null(gait_intern_find(unit.thread, table, weak_name_hash(5), &name));
  unit.slots[1] = weak_name_intern(unit.thread, table, 5);
  ck_assert_uint_eq(atomic_load(&made), 2);
  ck_assert_uint_eq(weak_table_walk(&unit), 1);
}
END_TEST

START_TEST(an_object_is_forgotten) {
  gait_weak_table *table = weak_intern_new(&unit, NULL);
  uintptr_t name = 4;
  unit.slots[1] = weak_name_intern(unit.thread, table, 3);
  unit.slots[2] = weak_name_intern(unit.thread, table, 4);
  ck_assert(gait_intern_forget(unit.thread, table, weak_name_hash(4), unit.slots[2]));
  ck_assert(!gait_intern_forget(unit.thread, table, weak_name_hash(4), unit.slots[2]));
  ck_assert_ptr_null(gait_intern_find(unit.thread, table, weak_name_hash(4), &name));
  ck_assert_ptr_eq(weak_name_intern(unit.thread, table, 3), unit.slots[1]);
  ck_assert_ptr_ne(weak_name_intern(unit.thread, table, 4), unit.slots[2]);
}
END_TEST

static void *name_refuse(gait_thread *thread, const void *name, void *arg) {
  (void)thread, (void)name, (void)arg;
  return NULL;
}

START_TEST(where_none_is_made_there_is_none) {
  uintptr_t name = 4;
  gait_weak_table *table = unit.slots[WEAK_TABLE] =
      gait_intern_create(unit.thread, weak_name_equal, name_refuse, NULL);
  ck_assert_ptr_null(gait_intern(unit.thread, table, 1, &name));
  ck_assert_uint_eq(weak_table_walk(&unit), 0);
}
END_TEST

/* ---- Young cycles ---- */

START_TEST(an_old_table_loses_a_young_value_in_a_young_cycle) {
  gait_weak_table *table = weak_table_filled(&unit, GAIT_WEAK_VALUES, 100);
  young_grow_old(&unit);
  ck_assert(
      gait_weak_table_put(unit.thread, table, (void *)(uintptr_t)16, unit_tagged_leaf(&unit, 3)));
  unit.slots[1] = gait_weak_table_get(unit.thread, table, (void *)(uintptr_t)16);
  ck_assert_uint_eq(young_alive(&unit), UNIT_TAG(3));
  ck_assert_ptr_eq(gait_weak_table_get(unit.thread, table, (void *)(uintptr_t)16), unit.slots[1]);
  unit.slots[1] = NULL;
  ck_assert_uint_eq(young_alive(&unit), 0);
  ck_assert_ptr_null(gait_weak_table_get(unit.thread, table, (void *)(uintptr_t)16));
}
END_TEST

START_TEST(an_old_table_keeps_young_entries) {
  gait_weak_table *table = weak_table_filled(&unit, GAIT_WEAK_VALUES, 100);
  void **keys = unit.slots[WEAK_KEYS], **values = unit.slots[WEAK_VALUES];
  young_grow_old(&unit);
  void **fresh = weak_table_array(&unit, 1, 400);
  for (uintptr_t i = 0; i < 400; i++) {
    gait_store(unit.thread, &fresh[i], weak_table_numbered(&unit, i));
    UNIT_CHECK(gait_weak_table_put(unit.thread, table, fresh[i], fresh[i]));
  }
  for (int i = 0; i < 3; i++) {
    young_cycle(&unit);
    for (size_t k = 0; k < 400; k++)
      UNIT_CHECK(gait_weak_table_get(unit.thread, table, fresh[k]) == fresh[k]);
    for (size_t k = 0; k < 100; k++)
      UNIT_CHECK(gait_weak_table_get(unit.thread, table, keys[k]) == values[k]);
  }
}
END_TEST

/* ---- Tagged references ---- */

/* Keys and values are tagged references in the low bits, and numbers beside them. */
START_TEST(tagged_references_are_keys_and_values) {
  static const gait_tags tags = {.mask = 7, .first = 1, .address_mask = ~(uint64_t)7};
  gait_options options = unit_options(_i);
  options.tags = &tags;
  unit_world world;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  for (size_t form = 0; form < WEAK_TABLE_FORMS; form++) {
    gait_weak_table *table = weak_table_new(&world, weak_table_forms[form]);
    world.slots[1] = unit_tagged_leaf(&world, 1);
    world.slots[2] = unit_tagged_leaf(&world, 2);
    void *key = (char *)world.slots[1] + 1, *value = (char *)world.slots[2] + 1;
    ck_assert(gait_weak_table_put(world.thread, table, key, value));
    ck_assert(gait_weak_table_put(world.thread, table, (void *)(uintptr_t)40, value));
    ck_assert_ptr_eq(gait_weak_table_get(world.thread, table, key), value);
    ck_assert_ptr_null(gait_weak_table_get(world.thread, table, world.slots[1]));
    world.slots[1] = NULL;
    const uint64_t alive = unit_alive(&world);
    ck_assert_uint_eq(alive, form == 0 ? UNIT_TAG(1) | UNIT_TAG(2) : UNIT_TAG(2));
    ck_assert_uint_eq(weak_table_walk(&world), form == 0 ? 2 : 1);
    world.slots[2] = NULL;
    unit_alive(&world);
    ck_assert_uint_eq(weak_table_walk(&world), form == 2 ? 1 : 0); /* the number is a key */
    world.slots[WEAK_TABLE] = world.slots[WEAK_ITERATOR] = NULL;
  }
  unit_close(&world);
}
END_TEST

static void tables_fill_one_thread(Suite *suite) {
  const unit_worlds simple = unit_world_cases(suite, "tables", &unit_exact);
  UNIT_WORLD_TEST(simple, a_table_finds_what_was_put);
  UNIT_WORLD_TEST(simple, a_put_replaces_and_a_remove_removes);
  UNIT_WORLD_TEST(simple, a_clear_removes_all_and_ends_iterators);
  UNIT_WORLD_TEST(simple, an_entry_goes_with_its_value);
  UNIT_WORLD_TEST(simple, an_entry_that_is_weak_in_both_goes_with_its_key);
  UNIT_WORLD_TEST(simple, an_entry_with_a_weak_key_keeps_its_value_while_the_key_lives);
  UNIT_WORLD_TEST(simple, weak_keys_keep_a_chain_of_values);
  UNIT_WORLD_TEST(simple, a_value_that_is_weak_keeps_its_key_while_it_lives);
  UNIT_WORLD_TEST(simple, a_table_is_found_dead);
  UNIT_WORLD_TEST(simple, words_that_are_no_references_stay);
  UNIT_WORLD_TEST(simple, a_table_of_short_lives_stays_small);
  UNIT_WORLD_TEST(simple, a_table_shrinks);
  UNIT_WORLD_TEST(simple, a_table_counts_what_is_removed_while_it_grows);
  UNIT_WORLD_TEST(simple, an_iterator_sees_what_stays_once);
  UNIT_WORLD_TEST(simple, an_iterator_sees_no_entry_that_has_gone);
  UNIT_WORLD_TEST(simple, keys_are_equal_by_the_programs_word);
  UNIT_WORLD_TEST(simple, a_table_may_be_used_in_its_own_equality);
  UNIT_WORLD_TEST(simple, a_table_may_grow_in_a_cleanup);
  UNIT_WORLD_TEST(simple, a_name_has_one_object);
  UNIT_WORLD_TEST(simple, a_dead_object_is_made_again);
  UNIT_WORLD_TEST(simple, an_object_is_forgotten);
  UNIT_WORLD_TEST(simple, where_none_is_made_there_is_none);
}

void unit_suite_fill(Suite *suite) {
  tables_fill_one_thread(suite);
  TCase *tagged = unit_case(suite, "tagged");
  UNIT_TEST(tagged, tagged_references_are_keys_and_values);
  const unit_worlds young = unit_world_cases(suite, "young", &young_world);
  UNIT_WORLD_TEST(young, an_old_table_loses_a_young_value_in_a_young_cycle);
  UNIT_WORLD_TEST(young, an_old_table_keeps_young_entries);
}
