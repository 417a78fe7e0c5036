/* Weak tables and tables of interned objects. */
#include "base/check.h"
#include "weak/weak_table_parts.h"

#define TABLE_REQUIRE(thread, table)                                                               \
  do {                                                                                             \
    GAITI_REQUIRE_MANAGED(thread);                                                                 \
    REQUIRE_ARGUMENT(table);                                                                       \
    REQUIRE("weak_table.live", gaiti_map_has_kind(&(thread)->heap->map, table, GAITI_KIND_TABLE),  \
            "this is no weak table of the thread's heap, or it was found dead");                   \
  } while (0)

#define TABLE_REQUIRE_KEYS(thread, table, key)                                                     \
  do {                                                                                             \
    TABLE_REQUIRE(thread, table);                                                                  \
    REQUIRE("weak_table.form", (table)->form != GAITI_TABLE_INTERNED,                              \
            "a table of interned objects has no keys");                                            \
    REQUIRE_ARGUMENT(key);                                                                         \
  } while (0)

#define TABLE_REQUIRE_INTERNED(thread, table)                                                      \
  do {                                                                                             \
    TABLE_REQUIRE(thread, table);                                                                  \
    REQUIRE("weak_table.form", (table)->form == GAITI_TABLE_INTERNED,                              \
            "the table is none of interned objects");                                              \
  } while (0)

gait_weak_table *gait_weak_table_create(gait_thread *thread, gait_weakness weakness) {
  GAITI_REQUIRE_MANAGED(thread);
  gait_weak_table like = {0};
  switch (weakness) {
  case GAIT_WEAK_KEYS: like.form = GAITI_TABLE_KEYS; break;
  case GAIT_WEAK_VALUES: like.form = GAITI_TABLE_VALUES; break;
  case GAIT_WEAK_BOTH: like.form = GAITI_TABLE_BOTH; break;
  default: REQUIRE("weak_table.weakness", false, "there is no such weakness");
  }
  return gaiti_table_create(thread, &like);
}

gait_weak_table *gait_weak_table_create_by(gait_thread *thread, gait_hash_fn *hash,
                                           gait_equal_fn *equal, void *arg) {
  GAITI_REQUIRE_MANAGED(thread);
  REQUIRE_ARGUMENT(hash);
  REQUIRE_ARGUMENT(equal);
  gait_weak_table like = {.form = GAITI_TABLE_VALUES, .hash = hash, .equal = equal, .arg = arg};
  return gaiti_table_create(thread, &like);
}

void *gait_weak_table_get(gait_thread *thread, gait_weak_table *table, void *key) {
  TABLE_REQUIRE_KEYS(thread, table, key);
  return gaiti_table_get(thread, table, key);
}

bool gait_weak_table_put(gait_thread *thread, gait_weak_table *table, void *key, void *value) {
  TABLE_REQUIRE_KEYS(thread, table, key);
  if (value) return gaiti_table_put(thread, table, key, value);
  gaiti_table_remove(thread, table, key);
  return true;
}

bool gait_weak_table_remove(gait_thread *thread, gait_weak_table *table, void *key) {
  TABLE_REQUIRE_KEYS(thread, table, key);
  return gaiti_table_remove(thread, table, key);
}

bool gait_weak_table_clear(gait_thread *thread, gait_weak_table *table) {
  TABLE_REQUIRE(thread, table);
  return gaiti_table_clear(thread, table);
}

size_t gait_weak_table_count(gait_thread *thread, const gait_weak_table *table) {
  TABLE_REQUIRE(thread, table);
  return gaiti_table_count(table);
}

/* ---- Iteration ---- */

gait_weak_table_iterator *gait_weak_table_iterate(gait_thread *thread, gait_weak_table *table) {
  TABLE_REQUIRE(thread, table);
  return gaiti_iterator_create(thread, table);
}

bool gait_weak_table_next(gait_thread *thread, gait_weak_table_iterator *iterator, void **key,
                          void **value) {
  GAITI_REQUIRE_MANAGED(thread);
  REQUIRE_ARGUMENT(iterator);
  REQUIRE("weak_table.iterator",
          gaiti_map_has_kind(&thread->heap->map, iterator, GAITI_KIND_TABLE_ITERATOR),
          "this is no iterator of the thread's heap, or it was found dead");
  REQUIRE_ARGUMENT(key);
  REQUIRE_ARGUMENT(value);
  return gaiti_iterator_next(thread, iterator, key, value);
}

/* ---- Interning ---- */

gait_weak_table *gait_intern_create(gait_thread *thread, gait_intern_equal_fn *equal,
                                    gait_intern_make_fn *make, void *arg) {
  GAITI_REQUIRE_MANAGED(thread);
  REQUIRE_ARGUMENT(equal);
  REQUIRE_ARGUMENT(make);
  gait_weak_table like = {
      .form = GAITI_TABLE_INTERNED, .is_named = equal, .make = make, .arg = arg};
  return gaiti_table_create(thread, &like);
}

void *gait_intern(gait_thread *thread, gait_weak_table *table, uint64_t hash, const void *name) {
  TABLE_REQUIRE_INTERNED(thread, table);
  REQUIRE_ARGUMENT(name);
  return gaiti_table_intern(thread, table, hash, name);
}

void *gait_intern_find(gait_thread *thread, gait_weak_table *table, uint64_t hash,
                       const void *name) {
  TABLE_REQUIRE_INTERNED(thread, table);
  REQUIRE_ARGUMENT(name);
  return gaiti_table_find_interned(thread, table, hash, name);
}

bool gait_intern_forget(gait_thread *thread, gait_weak_table *table, uint64_t hash, void *object) {
  TABLE_REQUIRE_INTERNED(thread, table);
  REQUIRE_ARGUMENT(object);
  return gaiti_table_forget(thread, table, hash, object);
}
