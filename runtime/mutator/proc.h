/* proc.h: processors: the allocation context that a thread holds while it runs managed code.
 *
 * A processor has the caches (a cursor for each kind and size class), the barrier's buffer, assist
 * credit and counters.  A thread that goes outside keeps its processor as long as no other thread
 * wants it; one that enters and has none takes a free one, or steals one whose holder is outside,
 * or makes a new one.  So there are as many as threads have ever run managed code at the same time,
 * not as many as are attached.  When fewer run, each cycle frees some of those without a holder.
 *
 * .inv.cache  Cursor and run of one (kind, class): start <= next <= limit <= end; the slots of
 *             [next, end) are allocated by their bits, zero, and of this cache alone; while marking
 *             they are marked too.  Bytes and objects are counted when the run is retired.
 * .inv.taken  The bytes that caches have taken reach the heap's counters in lumps
 *             (gaiti_proc_flush_counts): a word that every processor adds to is in the cache of
 *             the one that did so last, and an atomic addition waits for the zeros of the run to
 *             leave the store buffer.  The rest is flushed in every action of a handshake, and
 *             where a cycle ends with all threads stopped, so white and black bytes are known
 *             apart; and before anything is taken back.
 * .inv.proc   A processor is used by its holder in managed state, or by the thread that has
 *             suspended the holder, or, when it has no holder, under the list's lock. */
#ifndef GAITI_MUTATOR_PROC_H
#define GAITI_MUTATOR_PROC_H

#include "heap/heap.h"
#include "heap/sampler.h"

/* The cold part of a cursor.
 *   start      where the run began, for counting
 *   end        where it ends; the cursor's limit is the end of the part that is handed out now
 *   block      the block that this cache owns and takes its next run from, or GAITI_NO_BLOCK
 *   next_slot  where to look for that run
 *   sample     the next slot of the run that the profile takes a sample of, at or behind the
 *              cursor's next one, which has its limit there; NULL: none (heap/sampler.h) */
struct gaiti_run {
  char *start;
  char *end;
  char *sample;
  uint32_t block;
  uint32_t next_slot;
};

/* All caches of one kind.  The cursors come first: gait_fast.rows points at them. */
struct gaiti_row {
  struct gait_cursor cursors[GAIT_SIZE_CLASSES];
  struct gaiti_run runs[GAIT_SIZE_CLASSES];
};

/* Slots that the program has freed, of any kind and class, in the epoch that stands here: zero, and
 * of this processor alone until that epoch is over (alloc/freed_slots.c). */
#define GAITI_FREED_SLOTS 16u
struct gaiti_freed_slot {
  char *slot;
  uint16_t kind;
  uint8_t size_class;
};
struct gaiti_freed {
  AO_t epoch;
  uint32_t count;
  struct gaiti_freed_slot slots[GAITI_FREED_SLOTS];
};

struct gaiti_barrier_buffer; /* barrier/buffers.h */

/* Bytes that all processors together may keep unflushed: as much as a heap may be past its goal
 * before a thread waits (cycle/pace.c). */
#define GAITI_PROCS_UNFLUSHED_BYTES ((AO_t)512 << 10)

/* Bytes, as the heap counts them (heap/heap.h). */
struct gaiti_taken {
  AO_t live;
  AO_t scannable;
  AO_t black;
};

/*   rows          as gait_fast.rows: a kind that was never allocated here has the empty row
 *   kinds         kinds below this one may have a row of their own
 *   buffer        the barrier's buffer, NULL until the first shade; barrier/buffers.h
 *   assist_credit bytes of marking done ahead of allocation; negative: owed
 *   taken         bytes that the caches have taken since the last flush; written by the user
 *                 alone
 *   sampler       points at which the profile takes samples; used by the user alone
 *   alloc_*       retired: bytes and objects that live runs have handed out come on top */
struct gaiti_proc {
  struct gait_cursor *rows[GAIT_MAX_KINDS];
  uint32_t kinds;
  uint32_t number; /* how many there were when it was made */
  struct gaiti_barrier_buffer *buffer;
  int64_t assist_credit;
  struct gaiti_taken taken;
  struct gaiti_freed freed;
  struct gaiti_sampler sampler;
  AO_t alloc_bytes;
  AO_t alloc_objects;
  gait_thread *holder; /* guarded by the list's lock */
  bool to_free;        /* is about to be freed; likewise */
  struct gaiti_proc *next;
  struct gaiti_proc *next_free;
};

struct gaiti_procs {
  struct gaiti_lock lock;
  struct gaiti_proc *all;
  struct gaiti_proc *free; /* without a holder; their caches and buffers are empty */
  AO_t count;
  AO_t gone_alloc_bytes; /* of processors that are no more */
  AO_t gone_alloc_objects;
  AO_t alloc_bytes_seen; /* the most that a snapshot has had */
  AO_t alloc_objects_seen;
};

bool gaiti_procs_init(gait_heap *heap);
void gaiti_procs_destroy(gait_heap *heap);

/* Gives `thread`, which is in managed state and has none, a processor.  False: out of memory. */
bool gaiti_proc_acquire(gait_thread *thread);

/* Takes the processor from a thread that detaches.  Its caches and the barrier's buffer are empty:
 * the hook `retire` (heap/hooks.h) has been called. */
void gaiti_proc_surrender(gait_thread *thread);

/* In the child of a fork: every processor but that of `caller`, which may be NULL, is free.  The
 * slots of its caches are left allocated until the next sweep: the thread that used it may have
 * been in the middle of anything.  Barriers' buffers have been taken away before. */
void gaiti_procs_recover(gait_heap *heap, const gait_thread *caller);

/* Notes that so many bytes were taken for objects of a kind, `black` if marked, which count in the
 * heap a little later. */
void gaiti_proc_take(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind, uint64_t bytes,
                     bool black);

/* Adds all of that to the heap's counters. */
void gaiti_proc_flush_counts(gait_heap *heap, struct gaiti_proc *proc);

/* Frees half of the processors without a holder that are more than a few.  Thread: the one that
 * runs the cycle. */
void gaiti_procs_trim(gait_heap *heap);

/* The row of a kind, made when it is the empty one; NULL: out of memory. */
struct gaiti_row *gaiti_proc_row(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind);

/* The rows of a thread that has no processor: every cursor is empty. */
struct gait_cursor *const *gaiti_proc_no_rows(void);

/* Calls `visit` for each cache that has a run or owns a block. */
typedef void gaiti_cache_visit_fn(gait_heap *heap, struct gaiti_proc *proc, uint16_t kind,
                                  unsigned size_class);
void gaiti_proc_each_cache(gait_heap *heap, struct gaiti_proc *proc, gaiti_cache_visit_fn *visit);

static inline struct gaiti_row *gaiti_row_of(const struct gaiti_proc *proc, uint16_t kind) {
  return (struct gaiti_row *)(void *)proc->rows[kind];
}

#endif
