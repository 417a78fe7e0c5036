/* Weak tables: those of the graph, which all threads use at once.  One finds objects by their ids,
 * one finds objects by themselves, one has a property of objects, and one interns numbers.  Without
 * a lock: any object that one finds under an id is the object of that id. */
#include "lookups.h"

#include <gait/weak_table.h>

enum { LOOKUPS_BY_ID, LOOKUPS_BY_SELF, LOOKUPS_PROPERTIES, LOOKUPS_NUMBERS };

/* Interned: so many numbers are used often. */
#define LOOKUPS_OFTEN 40
#define LOOKUPS_MOST  4000

static bool lookups_equal(gait_thread *thread, void *object, const void *name, void *arg) {
  (void)thread, (void)arg;
  return *(const uint64_t *)object == *(const uint64_t *)name;
}

static void *lookups_make(gait_thread *thread, const void *name, void *arg) {
  (void)arg;
  uint64_t *object = gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)), 32);
  if (object) object[0] = *(const uint64_t *)name, object[3] = ~object[0];
  return object;
}

static gait_weak_table *lookups_create(struct mutator *mutator, uint32_t which) {
  switch (which) {
  case LOOKUPS_BY_ID: return gait_weak_table_create(mutator->thread, GAIT_WEAK_VALUES);
  case LOOKUPS_BY_SELF: return gait_weak_table_create(mutator->thread, GAIT_WEAK_BOTH);
  case LOOKUPS_PROPERTIES: return gait_weak_table_create(mutator->thread, GAIT_WEAK_KEYS);
  default: return gait_intern_create(mutator->thread, lookups_equal, lookups_make, NULL);
  }
}

/* The table of the graph, made by the thread that comes first; NULL: out of memory. */
static gait_weak_table *lookups_table(struct mutator *mutator, uint32_t which) {
  void **slot = &mutator->graph->tables[which];
  gait_weak_table *table = gait_load(slot);
  if (table) return table;
  table = lookups_create(mutator, which);
  if (table) (void)gait_cas(mutator->thread, slot, NULL, table);
  return gait_load(slot);
}

static void *lookups_id_key(uint32_t id) {
  return (void *)((uintptr_t)id << 5 | 16);
}

/* Enters a local under its id. */
static void lookups_enter(struct mutator *mutator) {
  uint32_t id;
  const uint32_t local = mutator_any_local(mutator);
  gait_weak_table *table = lookups_table(mutator, LOOKUPS_BY_ID);
  void *reference = mutator_get_local(mutator, local, &id);
  if (!table || !reference) return;
  if (mutator_below(mutator, 4) == 0)
    gait_weak_table_remove(mutator->thread, table, lookups_id_key(id));
  else
    gait_weak_table_put(mutator->thread, table, lookups_id_key(id), reference);
}

/* Finds one by an id: that of a local, which has to be it, or any. */
static void lookups_find(struct mutator *mutator) {
  uint32_t id;
  gait_weak_table *table = lookups_table(mutator, LOOKUPS_BY_ID);
  if (!table) return;
  mutator_get_local(mutator, mutator_any_local(mutator), &id);
  const uint32_t ids = atomic_load(&mutator->graph->next_id);
  if (mutator_below(mutator, 2) && ids > 1) id = 1 + mutator_below(mutator, ids - 1);
  if (!id) return;
  void *found = gait_weak_table_get(mutator->thread, table, lookups_id_key(id));
  if (!found) return;
  graph_check(mutator->graph, found, id);
  mutator_set_local(mutator, mutator_any_local(mutator), found, id);
}

/* A local is the value of itself: it is there until it is removed, as long as it is held. */
static void lookups_by_self(struct mutator *mutator) {
  uint32_t id, now;
  const uint32_t local = mutator_any_local(mutator);
  gait_weak_table *table = lookups_table(mutator, LOOKUPS_BY_SELF);
  void *reference = mutator_get_local(mutator, local, &id);
  if (!table || !reference) return;
  gait_weak_table_put(mutator->thread, table, reference, reference);
  for (uint32_t i = mutator_below(mutator, 20); i > 0; i--)
    gait_thread_poll(mutator->thread);
  reference = mutator_get_local(mutator, local, &now);
  void *found = gait_weak_table_get(mutator->thread, table, reference);
  if (now != id || (found && found != reference))
    graph_fail(mutator->graph, "a table has %p for object %u, which is %p", found, id, reference);
  if (mutator_below(mutator, 3) == 0) gait_weak_table_remove(mutator->thread, table, reference);
}

/* The property of an object is a number, its id, and stays while the object is held. */
static uint64_t *lookups_property(struct mutator *mutator, gait_weak_table *table, uint32_t local) {
  uint32_t id, now;
  void *reference = mutator_get_local(mutator, local, &id), *slots[1];
  uint64_t *number = gait_weak_table_get(mutator->thread, table, reference);
  if (number) return number;
  const uint64_t name = id;
  gait_frame frame;
  if (!(slots[0] = lookups_make(mutator->thread, &name, NULL))) return NULL;
  gait_frame_push(mutator->thread, &frame, slots, 1);
  reference = mutator_get_local(mutator, local, &now);
  bool put = gait_weak_table_put(mutator->thread, table, reference, slots[0]);
  gait_frame_pop(mutator->thread, &frame);
  return put ? gait_weak_table_get(mutator->thread, table, reference) : NULL;
}

static void lookups_have_property(struct mutator *mutator) {
  uint32_t id;
  const uint32_t local = mutator_any_local(mutator);
  gait_weak_table *table = lookups_table(mutator, LOOKUPS_PROPERTIES);
  if (!table || !mutator_get_local(mutator, local, &id)) return;
  const uint64_t *number = lookups_property(mutator, table, local);
  if (!number) return;
  for (uint32_t i = mutator_below(mutator, 30); i > 0; i--)
    gait_thread_poll(mutator->thread);
  number = gait_weak_table_get(mutator->thread, table, mutator_get_local(mutator, local, &id));
  if (!number || number[0] != id || number[3] != ~number[0])
    graph_fail(mutator->graph, "object %u has lost its property", id);
}

static void lookups_check_number(struct mutator *mutator, const uint64_t *object, uint64_t number) {
  if (object[0] != number || object[3] != ~number)
    graph_fail(mutator->graph, "the interned number %u has %u", (unsigned)number,
               (unsigned)object[0]);
}

/* While an interned object is held, its name has no other. */
static void lookups_intern(struct mutator *mutator) {
  const uint64_t number =
      mutator_below(mutator, mutator_below(mutator, 2) ? LOOKUPS_OFTEN : LOOKUPS_MOST);
  void *slots[1] = {NULL};
  gait_frame frame;
  gait_weak_table *table = lookups_table(mutator, LOOKUPS_NUMBERS);
  if (!table) return;
  gait_frame_push(mutator->thread, &frame, slots, 1);
  slots[0] = gait_intern(mutator->thread, table, number % 1000, &number);
  if (slots[0]) {
    for (uint32_t i = mutator_below(mutator, 50); i > 0; i--)
      gait_thread_poll(mutator->thread);
    lookups_check_number(mutator, slots[0], number);
    if (gait_intern_find(mutator->thread, table, number % 1000, &number) != slots[0])
      graph_fail(mutator->graph, "the interned number %u has two objects", (unsigned)number);
  }
  gait_frame_pop(mutator->thread, &frame);
}

/* Goes through a part of a table, in which each object is under its id. */
static void lookups_walk(struct mutator *mutator) {
  void *slots[1] = {NULL}, *key, *value;
  gait_frame frame;
  gait_weak_table *table = lookups_table(mutator, LOOKUPS_BY_ID);
  if (!table) return;
  gait_frame_push(mutator->thread, &frame, slots, 1);
  slots[0] = gait_weak_table_iterate(mutator->thread, table);
  for (uint32_t i = mutator_below(mutator, 200); slots[0] && i > 0; i--) {
    if (!gait_weak_table_next(mutator->thread, slots[0], &key, &value)) break;
    graph_check(mutator->graph, value, (uint32_t)((uintptr_t)key >> 5));
    if (i % 8 == 0) gait_thread_poll(mutator->thread);
  }
  gait_frame_pop(mutator->thread, &frame);
}

void lookups_step(struct mutator *mutator) {
  switch (mutator_below(mutator, 12)) {
  case 0: lookups_walk(mutator); break;
  case 1:
  case 2: lookups_by_self(mutator); break;
  case 3:
  case 4:
  case 5: lookups_intern(mutator); break;
  case 6:
  case 7: lookups_find(mutator); break;
  case 8: lookups_have_property(mutator); break;
  default: lookups_enter(mutator);
  }
}
