/* The CPU cap over a memory limit: when the limit gives way, and how far.
 *
 * A heap that does not fit its limit would be collected without end, and without getting smaller.
 * So once the limiter's bucket is a quarter full, the limit is relaxed: the goal may be over it by
 * some room, in which one cycle after the other takes just the cap.  If C is the cost of a cycle
 * and r the rate of allocation, that is a room of r x C / cap.
 *
 * The room is measured, not foretold.  From the end of one mark to the end of the next A bytes were
 * allocated and GC took the share s of the CPU, all that it does included; A x s / cap would have
 * cost the cap.  (The cons/mark ratio would foretell it, but badly: it knows of marking only, and
 * of allocation only beside marking.)  The room goes half of the way to the measured one, and no
 * more than by half as much again or down by a quarter: a single cycle says little.  While the
 * limit holds, the room is the one that the limit leaves, or less.
 *
 * That ends when the bucket has drained to an eighth; between the two it stays as it is, so that
 * one cycle's draining does not bring the strict goal back for the next.  A limit out of reach
 * keeps it on: the strict goal would give all CPU to marking and win nothing. */
#include "decision.h"
#include "bytes.h"

static int64_t cap_room(const struct gaiti_pacer *pacer,
                        const struct gaiti_pacer_snapshot *snapshot) {
  int64_t room = pacer->cap_room_bytes;
  int64_t offered = bytes_over(snapshot->limiter_offered_ns, pacer->limiter_offered_ns);
  int64_t gc = bytes_over(snapshot->limiter_gc_ns, pacer->limiter_gc_ns);
  if (offered == 0) return room;
  int64_t allocated = bytes_over(snapshot->heap_live_bytes, pacer->marked_bytes);
  double share = (double)gc / (double)offered;
  int64_t wanted = bytes_from_real((double)allocated * share / pacer->config.cpu_cap);
  int64_t most = bytes_max(room, allocated);
  wanted = bytes_max(room / 2, bytes_min(wanted, bytes_add(most, most)));
  return bytes_add(room / 2, wanted / 2);
}

void gaiti_pacer_cap_learn(struct gaiti_pacer *pacer, const struct gaiti_pacer_snapshot *snapshot) {
  pacer->cap_room_bytes = bytes_max(cap_room(pacer, snapshot), GAITI_PACER_MIB);
  pacer->limiter_gc_ns = snapshot->limiter_gc_ns;
  pacer->limiter_offered_ns = snapshot->limiter_offered_ns;
}

void gaiti_pacer_cap_relax(struct gaiti_pacer *pacer, const struct gaiti_pacer_snapshot *snapshot) {
  bool was = pacer->limit_relaxed;
  pacer->limit_relaxed = snapshot->limiter_fill >= (was ? 0.125 : 0.25) ||
                         (was && gaiti_pacer_limit_unreachable(pacer, snapshot));
}
