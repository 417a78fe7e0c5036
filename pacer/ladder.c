/* The ladder.
 *
 * A heap under a soft limit that it outgrows is collected more and more often, up to the CPU cap;
 * then it grows past the limit, slowly, at the cap, for as long as its leak takes to fill the
 * machine.  That is hours at half of the CPU, and ends in the dark, at the system's hand.  So there
 * is one step more, for programs that would rather end, or be told, in a time that they say.
 *
 * Why time at the cap, and not bytes over the limit: past the limit a heap is only because the cap
 * has let it, and how far is the rate of allocation's affair.  Why without a break: a heap that
 * comes down again, as a cache that is dropped does, has shown that the limit can be kept. */
#include "ladder.h"
#include "bytes.h"

static enum gaiti_ladder_step ladder_step(bool limited,
                                          const struct gaiti_pacer_decision *decision) {
  if (!limited || decision->rule < GAITI_PACER_RULE_MEMORY_LIMIT) return GAITI_LADDER_FREE;
  return decision->rule == GAITI_PACER_RULE_CPU_CAP ? GAITI_LADDER_CAP : GAITI_LADDER_LIMIT;
}

bool gaiti_ladder_climb(struct gaiti_ladder *ladder, int64_t now_ns, int64_t fail_after_ns,
                        bool limited, const struct gaiti_pacer_decision *decision) {
  enum gaiti_ladder_step before = ladder->step, step = ladder_step(limited, decision);
  if (before < GAITI_LADDER_CAP || step < GAITI_LADDER_CAP) ladder->since_ns = now_ns;
  bool lasted = fail_after_ns != GAITI_LADDER_NEVER &&
                gaiti_ladder_at_cap_ns(ladder, now_ns) >= fail_after_ns;
  if (step == GAITI_LADDER_CAP && before >= GAITI_LADDER_CAP && lasted) step = GAITI_LADDER_FAIL;
  ladder->step = step;
  return step != before;
}

int64_t gaiti_ladder_at_cap_ns(const struct gaiti_ladder *ladder, int64_t now_ns) {
  return ladder->step < GAITI_LADDER_CAP ? 0 : bytes_over(now_ns, ladder->since_ns);
}

int64_t gaiti_ladder_suggest(const struct gaiti_pacer *pacer,
                             const struct gaiti_pacer_snapshot *snapshot) {
  int64_t used = bytes_add(pacer->marked_bytes, snapshot->overhead_bytes);
  int64_t needed = bytes_add(used, bytes_add(pacer->cap_room_bytes, pacer->cap_room_bytes));
  int64_t limit = bytes_add(needed, needed / 97 * 3 + 3); /* of which 3% is headroom */
  return bytes_max(limit, bytes_add(needed, 1 << 20));
}
