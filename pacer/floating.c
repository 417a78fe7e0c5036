/* Floating garbage: bytes that count as marked and are dead.
 *
 * An object that is allocated while a cycle marks is black: it survives that cycle, reachable or
 * not.  A heap goal that gives GOGC percent of room for it all gives room for garbage, the more of
 * it the faster the program allocates; and a memory limit that would hold the live heap seems out
 * of reach when as much garbage floats above it.
 *
 * The next cycle alone shows which black objects are alive, and then it matters no more: a program
 * that replaces its objects keeps the new and drops as many old ones, which this cycle has marked
 * too.  The balance counts: the growth of the live heap for a byte allocated.  Let F be the bytes
 * that marking found: reachable when the cycle started.  From one start to the next the program
 * allocated A = T' - F, the heap at the later start less the bytes that the earlier cycle found.
 * So
 *
 *     growth = (F' - F) / (T' - F), within 0 .. 1,
 *
 * and the live heap at the end of the later mark is F' + growth x black, by estimate.  The rest of
 * the black bytes floats.  A steady program has growth 0 and all of it floats; a program that is
 * building up, or leaks, has growth 1 and none of it does.  A heap that shrinks has growth 0: the
 * loss is gone from F' already.
 *
 * The memory limit is held against the live heap.  A rule of growth counts half of the floating
 * bytes: the next mark will allocate from its room as well, and with none for that a program that
 * allocates a third of its heap while a cycle marks pays a third more for marking.
 *
 * The estimate does not feed back on itself: F' and T' are measured, and F' does not depend on any
 * goal.  Where it is too low by x bytes the next goal is too low by GOGC% of half of x, for one
 * cycle. */
#include "decision.h"
#include "bytes.h"

int64_t gaiti_pacer_floating(const struct gaiti_pacer *pacer,
                             const struct gaiti_pacer_cycle *cycle) {
  int64_t black = bytes_min(cycle->black_bytes, cycle->marked_bytes);
  int64_t found = cycle->marked_bytes - black;
  int64_t allocated = bytes_over(pacer->triggered_bytes, pacer->found_bytes);
  int64_t grown = bytes_over(found, pacer->found_bytes);
  if (grown >= allocated) return 0;
  return bytes_min(bytes_from_real((double)black * (1 - (double)grown / (double)allocated)), black);
}
