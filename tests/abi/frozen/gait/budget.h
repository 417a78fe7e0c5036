/* budget.h: one memory limit that several heaps share.
 *
 * A heap that is created with a budget in its options is a member until it is destroyed.  Its share
 * of the budget is its memory limit, and moves: at the end of each member's cycles the budget is
 * split anew, by live bytes, rate of allocation and speed of marking of all members, so that their
 * cycles together cost the least CPU time.  The sum of the shares is never more than the budget.
 * A heap's own memory limit holds as well: the lower of the two counts.
 *
 * The split.  Each member has what it uses, live bytes of its last cycle with overhead and
 * headroom, and room over that: 4 MiB at least where there is as much, and by one split at most
 * twice of what it had, at least half of it.  Where members use more than the budget, each has a
 * part in proportion, and is as any heap with a limit out of reach: the option cpu_cap decides how
 * far it passes it. */
#ifndef GAIT_BUDGET_H
#define GAIT_BUDGET_H

#include "gait/gait.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Creates a budget of `bytes` bytes (1 .. INT64_MAX), without members.
 * Thread: any.  Fails: GAIT_ERROR_ARGUMENT, GAIT_ERROR_MEMORY, GAIT_ERROR_SYSTEM; *budget is then
 * NULL. */
GAIT_API gait_result gait_budget_create(int64_t bytes, gait_budget **budget);

/* Destroys the budget.
 * Thread: any; no other call on it runs or comes later, and no heap is created with it.
 * Fails: GAIT_ERROR_BUSY while heaps are members, GAIT_ERROR_NOT_FOUND where it is no budget, or no
 * longer, GAIT_ERROR_ARGUMENT; nothing has changed then. */
GAIT_API gait_result gait_budget_destroy(gait_budget *budget);

/* Changes the size, and splits the budget anew.  A member that has more memory than its new share
 * is collected by its own thread of the collector's, and this call does not wait.  `before` (may be
 * NULL) takes the old size.
 * Thread: any; a gait_limit_fn or gait_cycle_fn.  GC: may start cycles.
 * Fails: GAIT_ERROR_ARGUMENT; nothing has changed then. */
GAIT_API gait_result gait_budget_set_bytes(gait_budget *budget, int64_t bytes, int64_t *before);

/* A member, at the last split.
 *   heap                    as it was created; it may be destroyed by now
 *   live_bytes              found by its last cycle, external bytes among them; 0 before the first
 *   used_bytes              these, with overhead and headroom
 *   share_bytes             its part of the budget, which its memory limit is no more than
 *   alloc_bytes_per_second  by its last cycle; less where it has allocated less since
 *   mark_bytes_per_second   of CPU time, by its last cycle; 0 before the first */
typedef struct gait_budget_member {
  const gait_heap *heap;
  int64_t live_bytes;
  int64_t used_bytes;
  int64_t share_bytes;
  double alloc_bytes_per_second;
  double mark_bytes_per_second;
} gait_budget_member;

/* A budget, at the last split.
 *   bytes        its size
 *   used_bytes   of all members; more than `bytes` where these are too few
 *   share_bytes  the sum of the shares: never more than `bytes`
 *   members      how many
 *   splits       since it was created */
typedef struct gait_budget_stats {
  int64_t bytes;
  int64_t used_bytes;
  int64_t share_bytes;
  uint64_t members;
  uint64_t splits;
} gait_budget_stats;

/* Fills `stats`, and `members`, the newest first, from the same moment.  Returns how many of these,
 * at most `count`.  `members` may be NULL where `count` is 0.
 * Thread: any; a gait_limit_fn or gait_cycle_fn. */
static inline size_t gait_budget_stats_read(gait_budget *budget, gait_budget_stats *stats,
                                            gait_budget_member *members, size_t count);

/* ---- With the sizes of the program's structures: abi.h -------------------------------------- */

GAIT_API size_t gait_budget_stats_read_sized(gait_budget *budget, gait_budget_stats *stats,
                                             size_t stats_bytes, gait_budget_member *members,
                                             size_t count, size_t member_bytes);

static inline size_t gait_budget_stats_read(gait_budget *budget, gait_budget_stats *stats,
                                            gait_budget_member *members, size_t count) {
  return gait_budget_stats_read_sized(budget, stats, sizeof *stats, members, count,
                                      sizeof *members);
}

#ifdef __cplusplus
}
#endif
#endif
