/* sweep.h: making unmarked slots free again.
 *
 * Sweeping a block is: allocated := marked, and marked := 0 but for objects that the next cycle
 * takes for live (mark/young.c).  It takes some hundred nanoseconds, so the collector does all of
 * it at once after marking, and a mutator that finds no free slots meanwhile takes a share of it
 * rather than wait.
 *
 * .inv.sweep  Between begin and the end, blocks are claimed in stretches through `claim`, each by
 *             one thread; `left` counts those not yet finished.  No cache owns a block that is due,
 *             and no list has one.  Next and end change in one word, so a thread that is slow to
 *             claim from one sweep either fails or gets a stretch of the one that goes on. */
#ifndef GAITI_SWEEP_SWEEP_H
#define GAITI_SWEEP_SWEEP_H

#include "alloc/partial.h"
#include "mutator/thread.h"

/* Of this sweep; heap->generation says which objects are old. */
struct gaiti_sweep {
  AO_t claim; /* the next block due, and above it in 32 bits the block where the sweep ends */
  AO_t left;
  AO_t freed_blocks;
  AO_t old_objects; /* found by this sweep, if it ages or keeps marks */
  AO_t old_bytes;
  AO_t old_scan_bytes;
  AO_t fresh_objects_bytes; /* of objects in fresh blocks that this sweep came to */
  AO_t fresh_live_bytes;    /* the live part of fresh_objects_bytes */
};

bool gaiti_sweep_init(gait_heap *heap);
void gaiti_sweep_destroy(gait_heap *heap);

/* Starts sweeping all blocks; the epoch has been raised and every thread knows. */
void gaiti_sweep_begin(gait_heap *heap);

/* Sweeps one stretch of blocks; false when none is left to claim. */
bool gaiti_sweep_some(gait_heap *heap);

/* Whether every stretch is done. */
bool gaiti_sweep_is_over(const gait_heap *heap);

/* Fills the slots of a block that are not allocated with the poison, where free slots have it, and
 * lets AddressSanitizer watch them.  No other thread uses the block. */
void gaiti_sweep_poison(gait_heap *heap, uint32_t block);

/* Sweeps to the end, and waits for the stretches that mutators have claimed. */
void gaiti_sweep_finish(gait_heap *heap);

#endif
