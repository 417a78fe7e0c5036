/* Young cycles: when it pays to mark only objects allocated since the last cycle.
 *
 * A full cycle marks the live heap: its cost does not depend on how much was allocated.  A young
 * one (runtime/mark/young.c) leaves objects alone that were found live twice, so it costs the
 * survivors of the others, but keeps old objects that have died.  Where few new objects survive, it
 * gives nearly the same room for a small part of the work.
 *
 * A cycle may be young if, of the bytes allocated before the last one that measured it, no larger
 * share survived than the setting allows, and if marking everything is work enough to spare
 * (.young.pays).  Programs whose objects live about as long as one another never get there.
 *
 * The goal is held (.young.goal).  It stays where the last full cycle set it, since growth above
 * that cycle's live heap may be dead: so a heap with young cycles is never larger than one without.
 * The room under it shrinks by the survivors.  When half of it is gone, or the last young cycle did
 * half of a full one's work, the next cycle is full.  So a cycle that is young has at least half
 * the room for at most half the work.
 *
 * Under the memory limit all cycles are full: dead old objects have to be freed there. */
#include "decision.h"
#include "bytes.h"

/* Less marking than this is not worth the stores that have to be remembered. */
enum { YOUNG_LEAST_WORK_BYTES = 8 << 20 };

/* As a test of the collector wants it: whenever a young cycle is possible. */
static bool young_at_any_price(const struct gaiti_pacer *pacer) {
  return pacer->config.young_survival >= 1;
}

static bool young_pays(const struct gaiti_pacer *pacer) {
  double most = pacer->config.young_survival;
  if (young_at_any_price(pacer)) return true;
  return most > 0 && pacer->survival_known && pacer->survival <= most &&
         pacer->full_work_bytes >= YOUNG_LEAST_WORK_BYTES;
}

static bool young_may_come(const struct gaiti_pacer *pacer,
                           const struct gaiti_pacer_decision *decision) {
  return decision->rule < GAITI_PACER_RULE_MEMORY_LIMIT &&
         decision->goal_bytes != GAITI_PACER_NO_BYTES_LIMIT && young_pays(pacer);
}

void gaiti_pacer_learn_survival(struct gaiti_pacer *pacer, int64_t allocated_bytes,
                                int64_t survived_bytes) {
  if (allocated_bytes <= 0) return;
  pacer->survival_known = true;
  pacer->survival = (double)survived_bytes / (double)allocated_bytes;
}

void gaiti_pacer_young_decide(const struct gaiti_pacer *pacer,
                              struct gaiti_pacer_decision *decision) {
  decision->young = pacer->next.young;
  decision->remember = pacer->next.young || young_may_come(pacer, decision);
}

/* The expected work of the next cycle: of a young one the survivors, that is the work of the last
 * young one or, after a full one, the surviving part of as much work as it had. */
static int64_t young_expected_work(const struct gaiti_pacer *pacer, int64_t work, bool was_young) {
  if (!pacer->next.young) return bytes_add(pacer->full_work_bytes, pacer->grown_bytes);
  if (was_young) return work;
  return bytes_from_real((double)work * pacer->survival);
}

void gaiti_pacer_give_up_young(struct gaiti_pacer *pacer) {
  pacer->next.young = false;
  pacer->last_heap_work_bytes = young_expected_work(pacer, 0, false);
}

void gaiti_pacer_young_end_cycle(struct gaiti_pacer *pacer,
                                 const struct gaiti_pacer_snapshot *snapshot,
                                 const struct gaiti_pacer_cycle *cycle) {
  int64_t work = snapshot->heap_work_bytes;
  if (!cycle->young) {
    pacer->basis_bytes = pacer->marked_bytes - pacer->floating_bytes / 2;
    pacer->full_marked_bytes = pacer->marked_bytes;
    pacer->full_work_bytes = work;
  }
  pacer->grown_bytes = bytes_over(pacer->marked_bytes, pacer->full_marked_bytes);
  pacer->next.young = false;
  struct gaiti_pacer_decision decision;
  gaiti_pacer_decide(pacer, snapshot, &decision);
  int64_t room = bytes_over(decision.goal_bytes, pacer->marked_bytes);
  bool worth = room >= pacer->grown_bytes && !(cycle->young && work > pacer->full_work_bytes / 2);
  pacer->next.remember = cycle->remembered && young_may_come(pacer, &decision);
  pacer->next.young = pacer->next.remember && room > 0 && (worth || young_at_any_price(pacer));
  pacer->last_heap_work_bytes = young_expected_work(pacer, work, cycle->young);
}
