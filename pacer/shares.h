/* shares.h: a budget of memory, split among heaps.
 *
 * Pure, as pacer.h: numbers in, numbers out. */
#ifndef GAITI_PACER_SHARES_H
#define GAITI_PACER_SHARES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { GAITI_SHARES_FLOOR_BYTES = 4 << 20 };

/* One heap.
 *   used_bytes   live after its last cycle, with its overhead and headroom
 *   alloc_rate   bytes that it allocates a second
 *   cycle_cpu    seconds of CPU that a cycle costs: live bytes over the speed of marking; below 0:
 *                it has had no cycle yet
 *   extra_bytes  the room over used_bytes that it has: 0: none was set yet; and the new one
 *   limit_bytes  its part of the budget, used and extra bytes; set by the split */
struct gaiti_share {
  int64_t used_bytes;
  double alloc_rate;
  double cycle_cpu;
  int64_t extra_bytes;
  int64_t limit_bytes;
};

/* Splits the rest of `budget_bytes` over the used bytes of all, into their extra bytes: see
 * shares.c.  Their sum is never more than is left, and that of the limits no more than the
 * budget. */
void gaiti_shares_split(int64_t budget_bytes, struct gaiti_share *shares, int count);

/* The rate of a heap whose cycles have shown `rate`, with `period` seconds from one to the next,
 * and which has allocated `bytes` in the `seconds` since the last: one that stops is noticed. */
double gaiti_shares_rate(double rate, double period, double bytes, double seconds);

/* `bytes` of a heap with the headroom that the pacer takes off a limit. */
int64_t gaiti_shares_with_headroom(int64_t bytes);

#ifdef __cplusplus
}
#endif
#endif
