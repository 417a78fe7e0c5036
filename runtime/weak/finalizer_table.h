/* finalizer_table.h: the registered cleanups and finalizers of a heap: a record for each, in a
 * table of chunks, so that a record stays where it is until
 * it is free and its chunk is given back, which the runner of a cycle does.
 *
 * .inv.finalizer  A record is in use while its bit of `used` is set.  It is
 *
 *                   REGISTERED  its object is allocated; `object` keeps nothing alive
 *                   DYING       its object was found dead by the cycle under way, whose runner has
 *                               the record in a list until marking is over
 *                   DUE         in the queue of functions to run; `due` is the object of a
 *                               finalizer, and a root
 *
 *                 and `due` is NULL in every other record.  A bit of `young` is set where the
 *                 object may be a young one (.finalizer.young). */
#ifndef GAITI_WEAK_FINALIZER_TABLE_H
#define GAITI_WEAK_FINALIZER_TABLE_H

#include "gait/finalizer.h"
#include "heap/heap.h"

#define GAITI_FINALIZER_CHUNK 64u

/* A power of two. */
#define GAITI_FINALIZER_NAMED 1024u

enum gaiti_finalizer_state {
  GAITI_FINALIZER_REGISTERED,
  GAITI_FINALIZER_DYING,
  GAITI_FINALIZER_DUE,
};

/* The function of a record that is due. */
struct gaiti_due {
  gait_cleanup_fn *cleanup;
  gait_finalizer_fn *finalizer;
  void *object; /* of a finalizer */
  void *arg;
};

/*   object     its address; of a cleanup that is due, it is gone
 *   due        the same, as a root
 *   cleanup, finalizer  one of the two is NULL
 *   serial     counts registrations, from 1: tells a stale name of a record
 *   due_ns     when it became due
 *   next       in the queue, or the list of the dying
 *   place      in the table
 *   found      at so many ends of marking was the object found live; no more than two are counted
 *   stopped    while dying or due: it does not run
 *   waits      the last cycle that found the object dead left it to wait for another
 *   reported   the log has named it */
struct gaiti_finalizer {
  uintptr_t object;
  void *due;
  gait_cleanup_fn *cleanup;
  gait_finalizer_fn *finalizer;
  void *arg;
  uint64_t serial;
  uint64_t due_ns;
  struct gaiti_finalizer *next;
  uint32_t place;
  uint8_t state; /* enum gaiti_finalizer_state */
  uint8_t order; /* gait_finalizer_order */
  uint8_t found;
  bool stopped;
  bool waits;
  bool reported;
};

/* A chunk of records, and a bit for each. */
struct gaiti_finalizer_chunk {
  uint64_t used;
  uint64_t young;
  uint64_t due; /* finalizers, whose objects are roots */
  struct gaiti_finalizer *records;
};

/* Guarded by the lock of the finalizers.
 *   chunks    `count` of them, of `capacity`
 *   open      no chunk before this one has a free record
 *   used      records in use
 *   serial    of the last registration
 *   named     of the records in use, by a hash of their objects; read without the lock */
struct gaiti_finalizer_table {
  struct gaiti_space *space;
  struct gaiti_finalizer_chunk *chunks;
  uint32_t count;
  uint32_t capacity;
  uint32_t open;
  uint64_t used;
  uint64_t serial;
  AO_t named[GAITI_FINALIZER_NAMED];
};

void gaiti_finalizer_table_destroy(struct gaiti_finalizer_table *table);

/* Takes a free record, with the next serial, for the object.  NULL: out of memory. */
struct gaiti_finalizer *gaiti_finalizer_take(struct gaiti_finalizer_table *table, uintptr_t object);

/* False: no record in use is of the object; true: one may be.  Thread: any that has the object. */
bool gaiti_finalizer_may_name(const struct gaiti_finalizer_table *table, uintptr_t object);

/* Makes it free again.  It is in no list. */
void gaiti_finalizer_give(struct gaiti_finalizer_table *table, struct gaiti_finalizer *record);

/* The record in use at `place` with that serial, or NULL. */
struct gaiti_finalizer *gaiti_finalizer_find(const struct gaiti_finalizer_table *table,
                                             uint32_t place, uint64_t serial);

/* Gives back memory of which there is too much. */
void gaiti_finalizer_table_trim(struct gaiti_finalizer_table *table);

/* The chunk of a record in use. */
static inline struct gaiti_finalizer_chunk *
gaiti_finalizer_chunk(const struct gaiti_finalizer_table *table,
                      const struct gaiti_finalizer *record) {
  return &table->chunks[record->place / GAITI_FINALIZER_CHUNK];
}

static inline uint64_t gaiti_finalizer_bit(uint32_t place) {
  return (uint64_t)1 << place % GAITI_FINALIZER_CHUNK;
}

#endif
