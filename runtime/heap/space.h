/* space.h: the heap's address range: which blocks are free, which hold memory, how much is mapped.
 *
 * .inv.space  top <= blocks; every block at or above top is free, without memory or tables: they
 *             read as zero.
 *             free_blocks = bits set in `free`; dirty_blocks = bits set in `free` and in `dirty`:
 *             a free block that holds memory.  If its state says that it is clean, that reads as
 *             zero.
 *             mapped_bytes = resident pages of all blocks + side tables of those below top.
 *             A free block that is not dirty holds no memory and reads as zero.
 *
 *             Where there is a hard limit (the option max_heap), mapped_bytes + structure_bytes <=
 *             charged_bytes <= most_bytes: bytes are charged before they are counted in one of the
 *             two sums, and are taken off it first, so no thread sees more than the limit.
 *
 * One lock; a block is taken every 64 KiB of allocation at most.
 *
 * Litmus: top. */
#ifndef GAITI_HEAP_SPACE_H
#define GAITI_HEAP_SPACE_H

#include "heap/block.h"
#include "os/os.h"

/* A limit that limits nothing. */
#define GAITI_NO_LIMIT UINT64_MAX

struct gaiti_space {
  struct gaiti_lock lock;
  uint32_t blocks;    /* of the reserved range */
  uint32_t committed; /* blocks below this one have memory and tables behind them */
  uint32_t top;       /* blocks at or above this one were never taken, or given back in full */
  uint32_t hint;      /* no free block lies below */
  uint32_t dirty_hint;
  bool downwards;     /* the direction in which a small heap is filled */
  AO_t free_blocks;   /* below top */
  AO_t dirty_blocks;  /* below top, free, with memory */
  AO_t zeroed_blocks; /* taken, and not formatted before a thread outside has zeroed them */
  uint32_t probe;     /* a block taken bare, to see whether it is filled; or GAITI_NO_BLOCK */
  uint32_t probe_age; /* blocks taken since the probe was */
  AO_t written;       /* score of the probes that had been written to all over */
  uint32_t preparing; /* so many blocks, from `prepared` on, are taken to be given memory */
  uint32_t prepared;
  uint64_t *free; /* a bit a block */
  uint64_t *dirty;
  AO_t mapped_bytes;
  AO_t structure_bytes;   /* of the heap's own structures: heap/structure.h */
  AO_t mapped_peak_bytes; /* of the two together */
  uint64_t most_bytes;    /* of the two together, or GAITI_NO_LIMIT; never changes */
  AO_t charged_bytes;     /* where there is such a limit */
  AO_t released_bytes;    /* given back to the system, in all */
  AO_t table_bytes;       /* side tables of the blocks below top */
  AO_t top_shared;        /* a copy of top that is read without the lock */
};

enum gaiti_take {
  GAITI_TAKE_OK,
  GAITI_TAKE_LIMIT, /* the memory limit or the hard limit forbids it; nothing has changed */
  GAITI_TAKE_FAILED /* no addresses, or the system gives no memory */
};

/* Reserves `bytes` of addresses, or as many as the system gives, and the tables for them. */
bool gaiti_space_init(struct gaiti_space *space, struct gaiti_map *map, size_t bytes);
void gaiti_space_destroy(struct gaiti_space *space, struct gaiti_map *map);

/* Asks the system for no pages larger than it counts in (the option `huge_pages` is off): one byte
 * in a huge page is 2 MiB of memory, of which `mapped` would have a few KiB. */
void gaiti_space_refuse_huge_pages(struct gaiti_space *space, const struct gaiti_map *map);

/* A stretch of blocks to be taken.
 *   count  blocks, neighbours of one another
 *   used   so many of their bytes, from the first on, will be touched
 *   limit  mapped memory stays within it, and within the hard limit, if need be by giving back free
 *          memory elsewhere
 *   own    a single block with memory is one of these, if there is such a one nearby: a bit for its
 *          number modulo 64 */
struct gaiti_space_request {
  uint32_t count;
  size_t used;
  uint64_t limit;
  uint64_t own;
};

/* Takes free blocks, the first of which is *block.  *clean: they read as zero. */
enum gaiti_take gaiti_space_take(struct gaiti_space *space, const struct gaiti_map *map,
                                 const struct gaiti_space_request *request, uint32_t *block,
                                 bool *clean);

/* Whether a heap that is large takes blocks without memory faster than they are prepared. */
bool gaiti_space_is_short(const struct gaiti_space *space);

/* Gives memory to the next free blocks that have none, so that allocation need not wait for the
 * system to clear it, unless enough is ready, or more than `limit` would be mapped.  Returns
 * whether it has.  Thread: the collector's; no lock is held meanwhile. */
bool gaiti_space_prepare(struct gaiti_space *space, const struct gaiti_map *map, uint64_t limit);

/* In the child of a fork: gives back blocks that the lost threads had taken, and not allocated yet:
 * they were zeroing, formatting or preparing them. */
void gaiti_space_recover(struct gaiti_space *space, const struct gaiti_map *map);

/* A sweep begins: a small heap is filled in the other direction from now on. */
void gaiti_space_turn(struct gaiti_space *space);

/* Gives unformatted blocks back; they keep their memory. */
void gaiti_space_give(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                      uint32_t count);

/* Releases the pages past the first `used` bytes of a stretch that was taken with that size: an
 * earlier use may have left some there.  Thread: the one that took it. */
void gaiti_space_release_tail(struct gaiti_space *space, const struct gaiti_map *map,
                              uint32_t block, uint32_t count, size_t used);

/* Makes the large object at `block` one of `bytes` bytes, whole granules, within its last block.
 * *more: the bytes that it has grown by, which are zero; 0: another thread was first.  False: its
 * blocks have no room for that, or the limits for the pages. */
bool gaiti_space_grow_large(struct gaiti_space *space, const struct gaiti_map *map, uint32_t block,
                            size_t bytes, uint64_t limit, size_t *more);

/* Gives memory of free blocks back to the system, the highest blocks first, at most `bytes`; and,
 * where the highest blocks hold none, lowers top and gives back their tables.  Returns the bytes
 * that went.  Holds the lock for one stretch of blocks at a time. */
size_t gaiti_space_release(struct gaiti_space *space, const struct gaiti_map *map, size_t bytes);

/* May fall at any time; a walk below a top that has fallen finds free blocks and zeros. */
static inline uint32_t gaiti_space_top(const struct gaiti_space *space) {
  return (uint32_t)AO_load_acquire(&space->top_shared);
}

/* All that the heap keeps of the machine's memory.  The two change apart from one another, so that
 * no thread takes the space's lock for the other. */
static inline uint64_t gaiti_space_mapped(const struct gaiti_space *space) {
  return AO_load(&space->mapped_bytes) + AO_load(&space->structure_bytes);
}

/* Whether so many bytes more may be mapped under the hard limit; they are charged then.  No lock is
 * taken. */
static inline bool gaiti_space_charge(struct gaiti_space *space, uint64_t bytes) {
  if (space->most_bytes == GAITI_NO_LIMIT) return true;
  AO_t charged;
  do {
    charged = AO_load(&space->charged_bytes);
    if (bytes > space->most_bytes || charged > space->most_bytes - bytes) return false;
  } while (!AO_compare_and_swap_full(&space->charged_bytes, charged, charged + bytes));
  return true;
}

/* They are mapped no longer. */
static inline void gaiti_space_uncharge(struct gaiti_space *space, uint64_t bytes) {
  if (space->most_bytes != GAITI_NO_LIMIT) gaiti_counter_sub(&space->charged_bytes, bytes);
}

/* The part of the hard limit that blocks may take, all else with them: a sixty-fourth is left for
 * the structures that marking needs, so that a full heap can be collected. */
static inline uint64_t gaiti_space_hard_limit(const struct gaiti_space *space) {
  uint64_t most = space->most_bytes;
  return most == GAITI_NO_LIMIT ? most : most - most / 64;
}

static inline void gaiti_space_note_peak(struct gaiti_space *space) {
  gaiti_counter_raise(&space->mapped_peak_bytes, gaiti_space_mapped(space));
}

/* Memory in free blocks: mapped, and ready for any use. */
uint64_t gaiti_space_free_bytes(const struct gaiti_space *space);

#endif
