/* Where a cycle starts: one runway before the goal.
 *
 * The runway is the allocation of mutators while the background workers alone
 * do the expected mark work.  Its error is bounded: a trigger never comes
 * before 45/64 of the way from the live heap to the goal, so that a wrong
 * estimate cannot turn collections into one unbroken cycle, and never after
 * 61/64 of it (or 4 MiB before a large goal), so that a cycle that starts a
 * little late still has room.  The way of a full cycle begins at the live heap
 * of the last one: bytes that young cycles have marked since are part of it. */
#include "decision.h"
#include "bytes.h"

enum { TRIGGER_PARTS = 64, TRIGGER_EARLIEST_PARTS = 45, TRIGGER_LATEST_PARTS = 61 };

const char *gaiti_pacer_trigger_bound_name(enum gaiti_pacer_trigger_bound bound) {
  switch (bound) {
  case GAITI_PACER_TRIGGER_RUNWAY: return "runway";
  case GAITI_PACER_TRIGGER_EARLIEST: return "earliest";
  case GAITI_PACER_TRIGGER_LATEST: return "latest";
  case GAITI_PACER_TRIGGER_NO_ROOM: return "no-room";
  case GAITI_PACER_TRIGGER_NEVER: return "never";
  }
  return "unknown";
}

static void trigger_set(struct gaiti_pacer_decision *decision, int64_t bytes,
                        enum gaiti_pacer_trigger_bound bound) {
  decision->trigger_bytes = bytes;
  decision->trigger_bound = bound;
}

void gaiti_pacer_trigger_decide(const struct gaiti_pacer *pacer,
                                struct gaiti_pacer_decision *decision) {
  int64_t goal = decision->goal_bytes, marked = decision->marked_bytes;
  if (goal == GAITI_PACER_NO_BYTES_LIMIT) {
    trigger_set(decision, GAITI_PACER_NO_BYTES_LIMIT, GAITI_PACER_TRIGGER_NEVER);
    return;
  }
  if (marked >= goal) {
    trigger_set(decision, goal, GAITI_PACER_TRIGGER_NO_ROOM);
    return;
  }

  int64_t from = pacer->next.young ? marked : bytes_over(marked, pacer->grown_bytes);
  int64_t earliest = from + bytes_fraction(goal - from, TRIGGER_EARLIEST_PARTS, TRIGGER_PARTS);
  int64_t latest = from + bytes_fraction(goal - from, TRIGGER_LATEST_PARTS, TRIGGER_PARTS);
  latest = bytes_max(latest, bytes_over(goal, GAITI_PACER_START_DISTANCE_BYTES));

  int64_t trigger = bytes_over(goal, decision->runway_bytes);
  if (trigger < earliest) {
    trigger_set(decision, earliest, GAITI_PACER_TRIGGER_EARLIEST);
    decision->slack_bytes = 0; /* see runway.c */
  } else if (trigger > latest)
    trigger_set(decision, latest, GAITI_PACER_TRIGGER_LATEST);
  else
    trigger_set(decision, trigger, GAITI_PACER_TRIGGER_RUNWAY);
}
