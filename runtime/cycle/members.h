/* members.h: heaps that share a budget. */
#ifndef GAITI_CYCLE_MEMBERS_H
#define GAITI_CYCLE_MEMBERS_H

#include "gait/budget.h"
#include "heap/heap.h"
#include "shares.h"

/* A heap's place in its budget.  All is guarded by the lock of members.c, but for the atomic.
 *   budget          NULL: it is no member, be it not yet or no longer
 *   live_bytes      found by its last cycle, and mark_bytes_per_second: how fast
 *   period          seconds from one cycle's end to the next
 *   ended_ns        its last cycle's end; the time when it joined, before the first
 *   waited          cycles of other members since it joined, until it has had one
 *   heap_bytes      all of the heap at that moment
 *   measured        the numbers for the split: alloc_rate by that cycle
 *   rate            bytes that it allocates a second, as counted by the last split
 *   reviewed_bytes  of the share when its collector last looked, or more since
 *   share           limit_bytes of the last split; GAITI_NO_LIMIT before the first; atomic
 *   logged          the share in the log; only the thread that runs its cycle uses it */
struct gaiti_member {
  gait_heap *heap;
  gait_budget *budget;
  struct gaiti_member *next;
  int64_t live_bytes;
  double mark_bytes_per_second;
  double period;
  uint64_t ended_ns;
  uint64_t waited;
  uint64_t heap_bytes;
  struct gaiti_share measured;
  double rate;
  int64_t reviewed_bytes;
  AO_t share;
  AO_t logged;
};

/* ---- Budgets: as the public functions ---- */

gait_result gaiti_budget_create(int64_t bytes, gait_budget **budget);
gait_result gaiti_budget_destroy(gait_budget *budget);
gait_result gaiti_budget_set_bytes(gait_budget *budget, int64_t bytes, int64_t *before);

/* Copies as many members as there are, `count` at most, each in `member_bytes` bytes.  Returns how
 * many; GAITI_NO_BUDGET: there is no such budget. */
#define GAITI_NO_BUDGET SIZE_MAX
size_t gaiti_budget_read(gait_budget *budget, gait_budget_stats *stats, void *members, size_t count,
                         size_t member_bytes);

/* ---- Members ---- */

void gaiti_member_init(gait_heap *heap);

/* The heap joins the budget of its options, if there is one, and leaves it; it may have before.
 * Thread: the one that makes the heap, or destroys it; it holds no lock.  The heap is on the list
 * of those that a fork walks.
 * Fails: GAIT_ERROR_MEMORY, GAIT_ERROR_ARGUMENT where there is no such budget. */
gait_result gaiti_members_join(gait_heap *heap);
void gaiti_members_leave(gait_heap *heap);

/* A cycle has been swept, and its record is complete: splits the budget anew.  Thread: the one that
 * runs the cycle; it holds no lock. */
void gaiti_members_note_cycle(gait_heap *heap);

/* Logs the heap's own share where that has changed.  Thread: as above. */
void gaiti_members_report(gait_heap *heap);

/* The part of the budget that is this heap's memory limit now. */
static inline AO_t gaiti_member_share(const struct gaiti_member *member) {
  return AO_load(&member->share);
}

/* ---- Across a fork ---- */

void gaiti_members_lock(void);
void gaiti_members_unlock(void);

#endif
