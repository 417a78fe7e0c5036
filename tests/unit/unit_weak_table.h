/* unit_weak_table.h: what tests of weak tables share: tables whose keys and values are known. */
#ifndef UNIT_WEAK_TABLE_H
#define UNIT_WEAK_TABLE_H

#include <gait/weak_table.h>

#include "unit.h"

/* Slots of the world: the table, an iterator, and arrays that keep keys and values. */
enum { WEAK_TABLE = 63, WEAK_ITERATOR = 62, WEAK_KEYS = 61, WEAK_VALUES = 60 };

#define WEAK_TABLE_FORMS 3
extern const gait_weakness weak_table_forms[WEAK_TABLE_FORMS];

/* An empty table, in its slot. */
gait_weak_table *weak_table_new(unit_world *world, gait_weakness weakness);

/* An array of `count` references, in that slot. */
void **weak_table_array(unit_world *world, size_t slot, size_t count);

/* A leaf that knows its number, and asserts that it does. */
uintptr_t *weak_table_numbered(unit_world *world, uintptr_t number);
void weak_table_expect(const uintptr_t *leaf, uintptr_t number);

/* A table with `count` keys and values, all of which are kept in two arrays. */
gait_weak_table *weak_table_filled(unit_world *world, gait_weakness weakness, size_t count);

void weak_table_collect(unit_world *world);

/* How many entries an iterator sees. */
size_t weak_table_walk(unit_world *world);

/* Puts and removes so often that all of the table is swept. */
void weak_table_sweep(unit_world *world, gait_weak_table *table, uintptr_t times);

/* A table of interned leaves whose names are numbers; `arg`, which may be NULL, is an atomic_size_t
 * that counts those made. */
gait_weak_table *weak_intern_new(unit_world *world, void *arg);
uintptr_t *weak_name_intern(gait_thread *thread, gait_weak_table *table, uintptr_t name);
uint64_t weak_name_hash(uintptr_t name);
bool weak_name_equal(gait_thread *thread, void *object, const void *name, void *arg);

#endif
