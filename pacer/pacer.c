/* The pacer's state and the three moments at which it moves: a decision (which
 * moves nothing), the start of a cycle, its end.
 *
 * The pacer learns little from a cycle: how much was live, how much of that had
 * to be scanned, and the cons/mark ratio.  Everything else is computed afresh
 * at each decision from these, the settings and the driver's snapshot, so a
 * setting changed in the middle of a cycle needs no transition of its own. */
#include "decision.h"
#include "bytes.h"

enum { CYCLE_START_ROOM_BYTES = 64 << 10 };

bool gaiti_pacer_init(struct gaiti_pacer *pacer, const struct gaiti_pacer_config *config) {
  struct gaiti_pacer fresh = {0};
  if (!gaiti_pacer_configure(&fresh, config)) return false;
  gaiti_pacer_cons_mark_init(&fresh.cons_mark);
  *pacer = fresh;
  return true;
}

void gaiti_pacer_decide(const struct gaiti_pacer *pacer,
                        const struct gaiti_pacer_snapshot *snapshot,
                        struct gaiti_pacer_decision *decision) {
  *decision = (struct gaiti_pacer_decision){0};
  gaiti_pacer_work_decide(pacer, snapshot, decision);
  gaiti_pacer_goal_decide(pacer, snapshot, decision);
  gaiti_pacer_young_decide(pacer, decision);
  gaiti_pacer_runway_decide(pacer, decision);
  gaiti_pacer_trigger_decide(pacer, decision);
  gaiti_pacer_assist_decide(pacer, snapshot, decision);
}

/* Room that every cycle has for allocation while it marks.  One that starts past
 * its goal, since a single allocation was that large, gets a whole runway: to
 * press the mark into 64 KiB would stop the mutators for nothing.  But no more
 * than an eighth of the heap: where next to nothing is live the cons/mark ratio,
 * and the runway with it, has no bound. */
static int64_t cycle_start_room(const struct gaiti_pacer *pacer,
                                const struct gaiti_pacer_snapshot *snapshot) {
  struct gaiti_pacer_decision decision;
  gaiti_pacer_decide(pacer, snapshot, &decision);
  bool past = snapshot->heap_live_bytes > decision.goal_bytes;
  int64_t runway = bytes_min(decision.runway_bytes, snapshot->heap_live_bytes / 8);
  return bytes_max(CYCLE_START_ROOM_BYTES, past ? runway : 0);
}

void gaiti_pacer_start_cycle(struct gaiti_pacer *pacer,
                             const struct gaiti_pacer_snapshot *snapshot) {
  pacer->start_room_bytes = cycle_start_room(pacer, snapshot);
  pacer->marking = true;
  pacer->triggered_bytes = snapshot->heap_live_bytes;
  pacer->last_roots_bytes = bytes_add(snapshot->stack_bytes, snapshot->globals_bytes);
}

/* CPU time that the machine offered during the mark. */
static double cycle_cpu_ns(const struct gaiti_pacer_cycle *cycle) {
  return (double)cycle->duration_ns * cycle->cpus;
}

static double cycle_background_ns(const struct gaiti_pacer *pacer,
                                  const struct gaiti_pacer_cycle *cycle) {
  if (cycle->background_ns >= 0) return (double)cycle->background_ns;
  return pacer->config.background_share * cycle_cpu_ns(cycle);
}

double gaiti_pacer_cycle_utilization(const struct gaiti_pacer *pacer,
                                     const struct gaiti_pacer_cycle *cycle) {
  double cpu_ns = cycle_cpu_ns(cycle);
  if (!(cpu_ns > 0)) return pacer->config.background_share;
  double share = ((double)cycle->assist_ns + cycle_background_ns(pacer, cycle)) / cpu_ns;
  return share > 1 ? 1 : share > 0 ? share : 0;
}

static double cycle_work_bytes(const struct gaiti_pacer_snapshot *snapshot) {
  return (double)snapshot->heap_work_bytes + (double)snapshot->stack_work_bytes +
         (double)snapshot->globals_work_bytes;
}

static double cycle_idle_share(const struct gaiti_pacer_cycle *cycle) {
  double cpu_ns = cycle_cpu_ns(cycle);
  return cpu_ns > 0 ? (double)cycle->idle_ns / cpu_ns : 0;
}

/* Bytes allocated per mutator CPU over bytes marked per marking CPU; 0 when the
 * cycle shows neither, as when nothing was allocated while marking or a coarse
 * clock saw no time pass.  Idle marking did work, so it counts here. */
static double cycle_cons_mark(const struct gaiti_pacer *pacer,
                              const struct gaiti_pacer_snapshot *snapshot,
                              const struct gaiti_pacer_cycle *cycle) {
  int64_t allocated = bytes_over(snapshot->heap_live_bytes, pacer->triggered_bytes);
  double work = cycle_work_bytes(snapshot);
  double gc_share = gaiti_pacer_cycle_utilization(pacer, cycle);
  double idle_share = cycle_idle_share(cycle);
  double mutator_share = 1 - gc_share;
  if (allocated == 0 || !(work > 0) || !(mutator_share > 0)) return 0;
  return (double)allocated * (gc_share + idle_share) / (work * mutator_share);
}

/* By how much the work exceeded the expectation from the cycle before.  A first cycle had no
 * expectation: all of its work is new. */
static double cycle_work_growth(const struct gaiti_pacer *pacer,
                                const struct gaiti_pacer_snapshot *snapshot) {
  double expected = (double)pacer->last_heap_work_bytes + (double)pacer->last_roots_bytes;
  double work = cycle_work_bytes(snapshot);
  if (pacer->last_heap_work_bytes == 0) return work > 0 ? 1 : 0;
  return work > expected ? work / expected - 1 : 0;
}

void gaiti_pacer_end_cycle(struct gaiti_pacer *pacer, const struct gaiti_pacer_snapshot *snapshot,
                           const struct gaiti_pacer_cycle *cycle) {
  double cons_mark = cycle_cons_mark(pacer, snapshot, cycle);
  double background = pacer->config.background_share;
  if (!cycle->young && (!cycle->stalled || cons_mark > pacer->cons_mark.likely))
    gaiti_pacer_cons_mark_learn(&pacer->cons_mark, cons_mark,
                                cons_mark * background / (background + cycle_idle_share(cycle)));
  gaiti_pacer_cap_learn(pacer, snapshot);
  pacer->work_growth = cycle_work_growth(pacer, snapshot);
  pacer->floating_bytes = gaiti_pacer_floating(pacer, cycle);
  pacer->marking = false;
  pacer->triggered_bytes = 0;
  pacer->marked_bytes = cycle->marked_bytes;
  pacer->found_bytes = cycle->marked_bytes - bytes_min(cycle->black_bytes, cycle->marked_bytes);
  gaiti_pacer_young_end_cycle(pacer, snapshot, cycle);
  gaiti_pacer_cap_relax(pacer, snapshot);
}
