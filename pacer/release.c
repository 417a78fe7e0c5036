/* Giving memory back: keep the memory that the heap will need up to its next
 * goal and a tenth more, since freed memory that is needed again soon costs two
 * page faults; hand over the rest at leisure.  Under a memory limit the surplus
 * goes at once, because the next page mapped would be over the limit; where the
 * CPU cap has lifted the goal over that, up to there. */
#include "decision.h"
#include "bytes.h"

enum { RELEASE_KEEP_PERCENT = 110, RELEASE_LIMIT_PERCENT = 95 };

struct gaiti_pacer_release gaiti_pacer_plan_release(const struct gaiti_pacer *pacer,
                                                    const struct gaiti_pacer_snapshot *snapshot,
                                                    int64_t mapped_bytes) {
  struct gaiti_pacer_decision decision;
  gaiti_pacer_decide(pacer, snapshot, &decision);

  int64_t limit = pacer->config.memory_limit_bytes;
  int64_t needed = bytes_add(snapshot->heap_live_bytes, snapshot->overhead_bytes);
  int64_t keep =
      bytes_add(bytes_percent(decision.goal_bytes, RELEASE_KEEP_PERCENT), snapshot->overhead_bytes);
  if (decision.rule == GAITI_PACER_RULE_CPU_CAP)
    limit = bytes_max(limit, bytes_add(decision.goal_bytes, snapshot->overhead_bytes));
  else if (limit != GAITI_PACER_NO_BYTES_LIMIT)
    keep = bytes_min(keep, bytes_percent(limit, RELEASE_LIMIT_PERCENT));
  keep = bytes_max(keep, needed);

  struct gaiti_pacer_release plan = {.keep_bytes = keep};
  plan.now_bytes = bytes_over(mapped_bytes, bytes_max(limit, needed));
  plan.background_bytes = bytes_over(bytes_over(mapped_bytes, plan.now_bytes), keep);
  return plan;
}
