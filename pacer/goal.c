/* The heap goal: the rules, each of which proposes a size, and how they combine.
 *
 * One rule of growth speaks (percent of live heap and roots, CPU budget, square
 * root, or none).  Rules that raise may lift its goal: a heap too small to be
 * worth a cycle, room for a cycle that started late.  Then the memory limit
 * caps it, but never below the live heap.  Last, when the CPU limiter's bucket
 * has filled, the CPU cap lifts it to where one cycle after the other takes just
 * the cap: a heap that does not fit its limit would otherwise be collected
 * without end, and without getting smaller.
 *
 * The rules stand in one table, in this order. */
#include "decision.h"
#include "bytes.h"
#include "root.h"

#include <stddef.h>

enum goal_combine {
  GOAL_GROWTH, /* is the goal, if its policy was chosen */
  GOAL_RAISE,  /* lifts the goal, if that is lower */
  GOAL_LIMIT,  /* caps it */
};

struct goal_rule {
  const char *name;
  const char *sentence;
  enum goal_combine combine;
  /* The proposed goal; 0 when the rule has nothing to say. */
  int64_t (*propose)(const struct gaiti_pacer *, const struct gaiti_pacer_snapshot *,
                     const struct gaiti_pacer_decision *);
};

/* Over the marked bytes; those that young cycles have marked since may be dead (.young.goal). */
static int64_t goal_over_live(const struct gaiti_pacer *pacer,
                              const struct gaiti_pacer_decision *decision, int64_t growth) {
  int64_t goal = bytes_add(decision->marked_bytes, growth);
  return bytes_max(bytes_over(goal, pacer->grown_bytes), decision->marked_bytes);
}

static int64_t goal_off(const struct gaiti_pacer *pacer,
                        const struct gaiti_pacer_snapshot *snapshot,
                        const struct gaiti_pacer_decision *decision) {
  (void)snapshot, (void)decision;
  bool off = pacer->config.policy == GAITI_PACER_POLICY_GOGC && pacer->config.gc_percent < 0;
  return off ? GAITI_PACER_NO_BYTES_LIMIT : 0;
}

static int64_t goal_gogc(const struct gaiti_pacer *pacer,
                         const struct gaiti_pacer_snapshot *snapshot,
                         const struct gaiti_pacer_decision *decision) {
  (void)snapshot;
  if (pacer->config.policy != GAITI_PACER_POLICY_GOGC || pacer->config.gc_percent < 0) return 0;
  int64_t basis = bytes_add(pacer->basis_bytes, decision->roots_bytes);
  return goal_over_live(pacer, decision, bytes_percent(basis, pacer->config.gc_percent));
}

/* Allocating R bytes from one cycle's end to the next costs R/a of mutator CPU
 * against C of GC CPU, and the budget wants C/(C + R/a).  Since a*C is the
 * cons/mark ratio times the work, R is the runway at that share. */
static int64_t goal_cpu_budget(const struct gaiti_pacer *pacer,
                               const struct gaiti_pacer_snapshot *snapshot,
                               const struct gaiti_pacer_decision *decision) {
  (void)snapshot;
  if (pacer->config.policy != GAITI_PACER_POLICY_CPU_BUDGET) return 0;
  int64_t work = bytes_add(pacer->full_work_bytes, decision->roots_bytes);
  return goal_over_live(pacer, decision,
                        gaiti_pacer_runway(decision->cons_mark, work, pacer->config.cpu_budget));
}

static int64_t goal_square_root_rule(const struct gaiti_pacer *pacer,
                                     const struct gaiti_pacer_snapshot *snapshot,
                                     const struct gaiti_pacer_decision *decision) {
  (void)snapshot;
  if (pacer->config.policy != GAITI_PACER_POLICY_SQUARE_ROOT) return 0;
  double live = (double)bytes_add(pacer->basis_bytes, decision->roots_bytes);
  double growth =
      root_of(live * decision->cons_mark) * root_of((double)pacer->config.square_root_bytes);
  return goal_over_live(pacer, decision, bytes_from_real(growth));
}

/* The smallest heap worth a cycle.  Under GOGC floating bytes are on top of that, or a program with
 * next to nothing live that fills its heap while a cycle marks would get one cycle after the other;
 * but no more than GOGC would give if all of it lived. */
static int64_t goal_minimum_heap(const struct gaiti_pacer *pacer,
                                 const struct gaiti_pacer_snapshot *snapshot,
                                 const struct gaiti_pacer_decision *decision) {
  (void)snapshot;
  int64_t percent = pacer->config.gc_percent, least = pacer->config.minimum_heap_bytes;
  int64_t marked = decision->marked_bytes;
  if (pacer->config.policy != GAITI_PACER_POLICY_GOGC) return least;
  if (percent < 0) return 0;
  least = bytes_percent(least, percent);
  int64_t above = bytes_add(least, decision->floating_bytes);
  return bytes_max(least, bytes_min(above, bytes_add(marked, bytes_percent(marked, percent))));
}

static int64_t goal_start_room(const struct gaiti_pacer *pacer,
                               const struct gaiti_pacer_snapshot *snapshot,
                               const struct gaiti_pacer_decision *decision) {
  (void)snapshot, (void)decision;
  return pacer->marking ? bytes_add(pacer->triggered_bytes, pacer->start_room_bytes) : 0;
}

int64_t gaiti_pacer_limit_headroom(int64_t memory_limit_bytes) {
  return bytes_max(memory_limit_bytes / 100 * 3, GAITI_PACER_MIB);
}

/* The part of the limit that is left for the heap: may be below the live heap, even 0. */
static int64_t goal_limit_room(const struct gaiti_pacer *pacer,
                               const struct gaiti_pacer_snapshot *snapshot) {
  int64_t limit = pacer->config.memory_limit_bytes;
  return bytes_over(bytes_over(limit, snapshot->overhead_bytes), gaiti_pacer_limit_headroom(limit));
}

bool gaiti_pacer_limit_unreachable(const struct gaiti_pacer *pacer,
                                   const struct gaiti_pacer_snapshot *snapshot) {
  return pacer->config.memory_limit_bytes != GAITI_PACER_NO_BYTES_LIMIT &&
         goal_limit_room(pacer, snapshot) <= pacer->marked_bytes - pacer->floating_bytes;
}

static int64_t goal_memory_limit(const struct gaiti_pacer *pacer,
                                 const struct gaiti_pacer_snapshot *snapshot,
                                 const struct gaiti_pacer_decision *decision) {
  if (pacer->config.memory_limit_bytes == GAITI_PACER_NO_BYTES_LIMIT) return 0;
  return bytes_max(goal_limit_room(pacer, snapshot), bytes_max(decision->marked_bytes, 1));
}

/* The room in which one cycle after the other takes cpu_cap of the CPU: see cap.c.  Only a memory
 * limit can ask for cycles without end; a goal that follows from GOGC stands, and the limiter's
 * part is done when assists stop. */
static int64_t goal_cpu_cap(const struct gaiti_pacer *pacer,
                            const struct gaiti_pacer_snapshot *snapshot,
                            const struct gaiti_pacer_decision *decision) {
  (void)snapshot;
  if (!pacer->limit_relaxed || pacer->config.memory_limit_bytes == GAITI_PACER_NO_BYTES_LIMIT)
    return 0;
  return bytes_add(decision->marked_bytes, pacer->cap_room_bytes);
}

static const struct goal_rule goal_rules[GAITI_PACER_RULES] = {
    [GAITI_PACER_RULE_OFF] = {"off", "GOGC is off and no memory limit is set", GOAL_GROWTH,
                              goal_off},
    [GAITI_PACER_RULE_GOGC] = {"gogc", "GOGC percent of live heap and roots", GOAL_GROWTH,
                               goal_gogc},
    [GAITI_PACER_RULE_CPU_BUDGET] = {"cpu-budget", "growth that keeps GC CPU at its budget",
                                     GOAL_GROWTH, goal_cpu_budget},
    [GAITI_PACER_RULE_SQUARE_ROOT] = {"square-root",
                                      "growth with the root of live heap and cons/mark ratio",
                                      GOAL_GROWTH, goal_square_root_rule},
    [GAITI_PACER_RULE_MINIMUM_HEAP] = {"minimum-heap", "the heap is too small to be worth a cycle",
                                       GOAL_RAISE, goal_minimum_heap},
    [GAITI_PACER_RULE_START_ROOM] = {"start-room", "the cycle started close to its goal",
                                     GOAL_RAISE, goal_start_room},
    [GAITI_PACER_RULE_MEMORY_LIMIT] = {"memory-limit", "the memory limit leaves no more",
                                       GOAL_LIMIT, goal_memory_limit},
    [GAITI_PACER_RULE_CPU_CAP] = {"cpu-cap",
                                  "higher than was asked for, since GC has reached its CPU cap",
                                  GOAL_RAISE, goal_cpu_cap},
};

const char *gaiti_pacer_rule_name(enum gaiti_pacer_rule rule) {
  return rule >= 0 && rule < GAITI_PACER_RULES ? goal_rules[rule].name : "unknown";
}

const char *gaiti_pacer_rule_sentence(enum gaiti_pacer_rule rule) {
  return rule >= 0 && rule < GAITI_PACER_RULES ? goal_rules[rule].sentence : "unknown";
}

/* Whether a proposal replaces the goal that the rules before it have made. */
static bool goal_replaces(enum goal_combine combine, int64_t proposed, int64_t goal) {
  if (proposed == 0) return false;
  switch (combine) {
  case GOAL_GROWTH: return true;
  case GOAL_RAISE: return proposed > goal;
  case GOAL_LIMIT: return proposed < goal;
  }
  return false;
}

void gaiti_pacer_goal_decide(const struct gaiti_pacer *pacer,
                             const struct gaiti_pacer_snapshot *snapshot,
                             struct gaiti_pacer_decision *decision) {
  int64_t goal = 0;
  enum gaiti_pacer_rule by = GAITI_PACER_RULE_OFF;
  for (int i = 0; i < GAITI_PACER_RULES; i++) {
    int64_t proposed = goal_rules[i].propose(pacer, snapshot, decision);
    decision->rule_bytes[i] = proposed;
    if (goal_replaces(goal_rules[i].combine, proposed, goal)) {
      goal = proposed;
      by = (enum gaiti_pacer_rule)i;
    }
  }
  decision->goal_bytes = goal;
  decision->rule = by;
  decision->limit_unreachable = gaiti_pacer_limit_unreachable(pacer, snapshot);
}
