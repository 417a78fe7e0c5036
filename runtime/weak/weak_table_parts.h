/* weak_table_parts.h: weak tables and tables of interned objects.
 *
 * A table refers to its buckets, these to segments with the heads of chains, and a chain leads
 * through entries.  All of them are objects of the heap, of kinds of Gait's own.  An entry has weak
 * references (weak_heap.h) or an ephemeron of its own to the objects that the table does not keep.
 *
 * .inv.table  A chain ends, and has one live entry for each key at most.  An entry that is dead
 *             stays so.  A bucket that is frozen gets no entry any more, and those that follow it
 *             have all of its live ones, once they are ready. */
#ifndef GAITI_WEAK_WEAK_TABLE_PARTS_H
#define GAITI_WEAK_WEAK_TABLE_PARTS_H

#include "gait/weak_table.h"
#include "mark/ephemerons.h"
#include "mutator/thread.h"
#include "weak/weak_heap.h"

enum gaiti_table_form {
  GAITI_TABLE_KEYS,     /* keys weak, which keep their values */
  GAITI_TABLE_VALUES,   /* keys strong, values weak */
  GAITI_TABLE_BOTH,     /* both weak */
  GAITI_TABLE_INTERNED, /* values weak, found by their names */
};

/* One entry of a chain.
 *   next   the rest of the chain; it skips entries that were dead
 *   hash   mixed; its highest bit: the entry counts in its buckets (GAITI_ENTRY_COUNTED); atomic
 *   cell   a weak reference to the value, or for KEYS an ephemeron: its first word is nil once the
 *          entry is dead.  The copy of an entry has the same
 *   key    VALUES: the key itself; BOTH: a weak reference to it; else NULL
 * All but the first two are constant. */
struct gaiti_entry {
  struct gaiti_entry *next;
  AO_t hash;
  void *cell;
  void *key;
};

#define GAITI_ENTRY_COUNTED ((AO_t)1 << 63)

/* Heads of chains.  One is 0 (not ready, or empty where there are no older buckets), or the address
 * of an entry or GAITI_HEAD_EMPTY, with GAITI_HEAD_FROZEN where no entry is added any more. */
#define GAITI_HEAD_FROZEN ((AO_t)1)
#define GAITI_HEAD_EMPTY  ((AO_t)2)

struct gaiti_bucket_segment {
  void *heads[1];
};

/*   older     the buckets that these follow, until each of these is ready; then NULL
 *   count     how many; a power of two, constant
 *   entries   how many count here
 *   ready     of the buckets, once there were older ones
 *   cursor    that which is prepared or swept next, modulo count */
struct gaiti_buckets {
  struct gaiti_buckets *older;
  size_t count;
  AO_t entries;
  AO_t ready;
  AO_t cursor;
  struct gaiti_bucket_segment *segments[1];
};

/*   buckets   those in use
 *   clears    how often the table was cleared
 *   hash ...  of the program's; constant */
struct gait_weak_table {
  struct gaiti_buckets *buckets;
  AO_t clears;
  enum gaiti_table_form form;
  gait_hash_fn *hash;
  gait_equal_fn *equal;
  gait_intern_equal_fn *is_named;
  gait_intern_make_fn *make;
  void *arg;
};

/*   entry, second   the rest of the bucket's chain, and a chain that follows it
 *   index           of the next bucket
 *   clears          of the table, at the beginning */
struct gait_weak_table_iterator {
  gait_weak_table *table;
  struct gaiti_buckets *buckets;
  struct gaiti_entry *entry;
  struct gaiti_entry *second;
  size_t index;
  AO_t clears;
};

/* The kinds of these objects, behind those of heap/kind.h. */
enum gaiti_table_kind {
  GAITI_KIND_TABLE = GAITI_KIND_EPHEMERON + 1,
  GAITI_KIND_BUCKETS,
  GAITI_KIND_SEGMENT,
  GAITI_KIND_ENTRY,
  GAITI_KIND_TABLE_ITERATOR,
};

/* Registers them; no other kind is registered but those. */
bool gaiti_table_kinds_init(gait_heap *heap);

/* ---- Objects (weak_table_entries.c) ----
 *
 * Thread, of all below: the caller, in managed state. */

/* A zeroed object of that kind; NULL: out of memory.  A safepoint. */
void *gaiti_table_alloc(gait_thread *thread, uint16_t kind, size_t bytes);

/* An entry of that table form.  NULL: out of memory.  A safepoint: `key` and `value`
 * are in the caller's frame. */
struct gaiti_entry *gaiti_entry_create(gait_thread *thread, enum gaiti_table_form form,
                                       uint64_t hash, void *key, void *value);

/* Whether the collector has found it dead, or it was removed.  Does not shade. */
bool gaiti_entry_is_dead(const struct gaiti_entry *entry, enum gaiti_table_form form);

/* The value, which is alive from now on; NULL: the entry is dead, or will be found so. */
void *gaiti_entry_value(gait_thread *thread, const struct gaiti_entry *entry,
                        enum gaiti_table_form form);
void *gaiti_entry_key(gait_thread *thread, const struct gaiti_entry *entry,
                      enum gaiti_table_form form);

/* Gives it another value; NULL: none, which is the end of the entry.  False: it was dead.  Its key
 * is alive. */
bool gaiti_entry_set(gait_thread *thread, const struct gaiti_entry *entry,
                     enum gaiti_table_form form, void *value);

/* Whether its key, or the object that was interned, is that very word.  `key` is alive. */
bool gaiti_entry_has_key(const struct gaiti_entry *entry, enum gaiti_table_form form,
                         const void *key);

/* ---- Buckets (weak_table_buckets.c) ---- */

static inline AO_t gaiti_head_load(void *const *head) {
  return AO_load_acquire((const AO_t *)head);
}

static inline struct gaiti_entry *gaiti_head_entry(AO_t word) {
  return (struct gaiti_entry *)(word & ~(GAITI_HEAD_FROZEN | GAITI_HEAD_EMPTY));
}

/* Empty ones.  NULL: out of memory.  A safepoint. */
struct gaiti_buckets *gaiti_buckets_create(gait_thread *thread, size_t count);
#define GAITI_BUCKETS_FIRST ((size_t)(GAITI_STRESS ? 2 : 8))

/* The head of the chain that has the entries of `hash`, perhaps one of the older buckets; NULL:
 * there are none.  Good until the next safepoint, and while `buckets` are kept. */
void **gaiti_buckets_find(const struct gaiti_buckets *buckets, uint64_t hash);

/* The entries of a bucket, in a chain, or in two older ones among others. */
void gaiti_buckets_chains(const struct gaiti_buckets *buckets, size_t index,
                          struct gaiti_entry **first, struct gaiti_entry **second);

/* The head to which such an entry may be added, unless it is frozen, or becomes so.  NULL: out of
 * memory.  A safepoint: `table` and `buckets` are in the caller's frame.  Good while `buckets` are
 * kept. */
void **gaiti_buckets_prepare(gait_thread *thread, const gait_weak_table *table,
                             struct gaiti_buckets *buckets, uint64_t hash);

/* Takes dead entries off the chain that has those of `hash`, if these buckets have it. */
void gaiti_buckets_prune(gait_thread *thread, const gait_weak_table *table,
                         struct gaiti_buckets *buckets, uint64_t hash);

/* A share of the work that an addition or a removal does for the whole table: prepares buckets,
 * sweeps some, and begins with more or fewer of them where that is due.  Where memory lacks, that
 * is left to the next.  A safepoint: `table` is in the caller's frame. */
void gaiti_buckets_work(gait_thread *thread, gait_weak_table *table);

/* No fewer than the live entries. */
size_t gaiti_buckets_entries(const struct gaiti_buckets *buckets);

/* ---- Tables (weak_table.c) ----
 *
 * The pointers given are alive during the call.  All but the last are safepoints, if only since a
 * function of the program's may be one. */

gait_weak_table *gaiti_table_create(gait_thread *thread, const gait_weak_table *like);
void *gaiti_table_get(gait_thread *thread, gait_weak_table *table, void *key);
bool gaiti_table_put(gait_thread *thread, gait_weak_table *table, void *key, void *value);
bool gaiti_table_remove(gait_thread *thread, gait_weak_table *table, void *key);
bool gaiti_table_clear(gait_thread *thread, gait_weak_table *table);
void *gaiti_table_find_interned(gait_thread *thread, gait_weak_table *table, uint64_t hash,
                                const void *name);
void *gaiti_table_intern(gait_thread *thread, gait_weak_table *table, uint64_t hash,
                         const void *name);
bool gaiti_table_forget(gait_thread *thread, gait_weak_table *table, uint64_t hash, void *object);
size_t gaiti_table_count(const gait_weak_table *table);

/* ---- Iterators (weak_table_iterator.c) ---- */

gait_weak_table_iterator *gaiti_iterator_create(gait_thread *thread, gait_weak_table *table);
bool gaiti_iterator_next(gait_thread *thread, gait_weak_table_iterator *iterator, void **key,
                         void **value);

#endif
