/* Why a cycle began then, and where its goal comes from: the first sentence. */
#include "explain_why.h"

/* ---- Why then ---- */

static void why_asked(const struct explain_cycle *cycle, struct explain_text *text) {
  static const char *const reasons[] = {
      [EXPLAIN_CAUSE_FORCED] = ", since the program asked for it",
      [EXPLAIN_CAUSE_OUT_OF_MEMORY] = ", since an allocation found no room",
      [EXPLAIN_CAUSE_DEBUG] = ", since a debug option asks for cycles",
  };
  double to_go = cycle->trigger_bytes - cycle->at_trigger_bytes;
  double values[] = {to_go < 0 ? -to_go : to_go, cycle->trigger_bytes};
  explain_put(text, reasons[cycle->cause]);
  if (cycle->bound == EXPLAIN_BOUND_UNKNOWN) return;
  if (!explain_is_finite(cycle->trigger_bytes))
    explain_put(text, ": there was no trigger");
  else
    explain_say(text, to_go > 0 ? ", %s short of its trigger of %s" : ", %s past its trigger of %s",
                values);
}

/* By a trace's sizes alone. */
static void why_untold(const struct explain_cycle *cycle, struct explain_text *text) {
  double to_go = cycle->goal_bytes - cycle->at_trigger_bytes, past = -to_go;
  if (to_go >= 0)
    explain_say(text, ", %s before its goal", &to_go);
  else
    explain_say(text, ", %s past its goal", &past);
}

static void why_bound(const struct explain_cycle *cycle, struct explain_text *text) {
  double room = cycle->planned_goal_bytes - cycle->trigger_bytes;
  double runway[] = {room, cycle->background_share, cycle->expected_work_bytes};
  double cut[] = {room, cycle->runway_bytes, cycle->expected_work_bytes};
  switch (cycle->bound) {
  case GAITI_PACER_TRIGGER_RUNWAY:
    explain_say(text,
                ", %s before its goal: so much the program allocates while background marking "
                "alone, at %p of the CPU, gets through the expected %s",
                runway);
    return;
  case GAITI_PACER_TRIGGER_EARLIEST:
    explain_say(text,
                ", %s before its goal, the earliest that the pacer allows: background marking "
                "alone would want %s to get through the expected %s",
                cut);
    return;
  case GAITI_PACER_TRIGGER_LATEST:
    explain_say(text,
                ", %s before its goal: %s would do for the expected %s, but a start is always "
                "given this much room",
                cut);
    return;
  case GAITI_PACER_TRIGGER_NO_ROOM:
    explain_put(text, ", at once, since what the cycle before left is at the goal already");
    return;
  default: explain_put(text, ", though no trigger was set"); return;
  }
}

static void why_then(const struct explain_cycle *cycle, struct explain_text *text) {
  double late = cycle->at_trigger_bytes - cycle->trigger_bytes;
  double values[] = {cycle->number, cycle->at_trigger_bytes, cycle->trigger_bytes};
  bool by_itself = cycle->cause == EXPLAIN_CAUSE_GOGC || cycle->cause == EXPLAIN_CAUSE_LIMIT;
  explain_say(text, cycle->young ? "Young cycle %w began at %s" : "Cycle %w began at %s", values);
  if (!by_itself) {
    why_asked(cycle, text);
    return;
  }
  if (cycle->bound == EXPLAIN_BOUND_UNKNOWN) {
    why_untold(cycle, text);
    return;
  }
  if (late > explain_tolerance(cycle)) explain_say(text, " and was due at %s", values + 2);
  why_bound(cycle, text);
}

/* ---- Why this goal ---- */

/* What GOGC adds is less than its share of all that was left where some of that floats. */
static void why_gogc(const struct explain_cycle *cycle, struct explain_text *text) {
  double room = cycle->goal_bytes - cycle->counted_bytes;
  double values[] = {cycle->goal_bytes, cycle->gogc_percent, room, cycle->counted_bytes};
  bool floats = room * 100 < cycle->gogc_percent * cycle->counted_bytes * 0.99;
  explain_say(text,
              "the goal of %s is that of GOGC=%w, which adds %s to the %s that the cycle before "
              "left",
              values);
  if (floats && cycle->bound != EXPLAIN_BOUND_UNKNOWN)
    explain_put(text, ", half of what was allocated while that was marked being taken for dead");
}

/* How far the heap would have been let to grow by the rule of growth. */
static void why_otherwise(const struct explain_cycle *cycle, struct explain_text *text) {
  double values[] = {cycle->gogc_percent, cycle->growth_goal_bytes};
  if (cycle->growth_goal_bytes <= 0 || !explain_is_finite(cycle->growth_goal_bytes)) return;
  if (cycle->gogc_percent >= 0)
    explain_say(text, ", where GOGC=%w alone would have set %s", values);
  else
    explain_say(text, ", where the policy alone would have set %s", values + 1);
}

/* By max_heap: the pacer's limit is the part of it that goals keep, external bytes, and the
 * headroom that it takes off again. */
static void why_hard(const struct explain_cycle *cycle, struct explain_text *text) {
  double held = cycle->limit_bytes - explain_headroom(cycle->limit_bytes) - cycle->external_bytes;
  double values[] = {cycle->goal_bytes, held / EXPLAIN_HARD_SHARE};
  explain_say(text,
              cycle->goal_bytes <= cycle->counted_bytes
                  ? "the goal is the live heap of %s, since a max_heap of %s leaves no more"
                  : "the goal of %s is all that a max_heap of %s leaves",
              values);
}

static void why_soft(const struct explain_cycle *cycle, struct explain_text *text) {
  double values[] = {cycle->goal_bytes, cycle->limit_bytes, cycle->overhead_bytes,
                     explain_headroom(cycle->limit_bytes)};
  if (cycle->limit_unreachable || cycle->goal_bytes <= cycle->counted_bytes) {
    explain_say(text,
                "the goal is the live heap of %s, since the memory limit of %s leaves no more",
                values);
    return;
  }
  explain_say(text, "the goal of %s is all that the memory limit of %s leaves", values);
  if (cycle->bound == EXPLAIN_BOUND_UNKNOWN) return; /* nor is the overhead known */
  if (cycle->overhead_bytes > 0)
    explain_say(text, ", less %s of overhead and %s of headroom", values + 2);
  else
    explain_say(text, ", less %s of headroom", values + 3);
}

static void why_limit(const struct explain_cycle *cycle, struct explain_text *text) {
  if (cycle->limit_is_hard)
    why_hard(cycle, text);
  else
    why_soft(cycle, text);
  why_otherwise(cycle, text);
}

static void why_cap(const struct explain_cycle *cycle, struct explain_text *text) {
  double left = cycle->limit_bytes - cycle->overhead_bytes - explain_headroom(cycle->limit_bytes);
  double values[] = {cycle->goal_bytes, left > 0 ? left : 0, cycle->cpu_cap};
  explain_say(text,
              "the goal of %s is above the %s that the limit leaves, since to keep that would cost "
              "the collector more than its cap of %p of the CPU",
              values);
}

static void why_room(const struct explain_cycle *cycle, struct explain_text *text) {
  double values[] = {cycle->planned_goal_bytes, cycle->goal_bytes};
  bool past = cycle->at_trigger_bytes >= cycle->planned_goal_bytes;
  explain_say(text,
              past ? "the planned goal of %s was passed by then and became %s, for room to mark"
                   : "the planned goal of %s was so near by then that it became %s",
              values);
}

static void why_minimum(const struct explain_cycle *cycle, struct explain_text *text) {
  explain_say(text, "the goal of %s is that of min_heap, below which no cycle is worth it",
              &cycle->goal_bytes);
  why_otherwise(cycle, text);
}

static void why_policy(const struct explain_cycle *cycle, struct explain_text *text) {
  double room = cycle->goal_bytes - cycle->counted_bytes;
  double values[] = {cycle->goal_bytes, room, cycle->counted_bytes};
  explain_say(text,
              cycle->rule == GAITI_PACER_RULE_CPU_BUDGET
                  ? "the goal of %s is that of cpu_budget, which adds %s to the %s that the cycle "
                    "before left"
                  : "the goal of %s is that of square_root, which adds %s to the %s that the cycle "
                    "before left",
              values);
}

static void why_goal(const struct explain_cycle *cycle, struct explain_text *text) {
  switch (cycle->rule) {
  case GAITI_PACER_RULE_OFF:
    explain_put(text, "nothing bounds the heap, since GOGC is off and there is no memory limit");
    return;
  case GAITI_PACER_RULE_GOGC: why_gogc(cycle, text); return;
  case GAITI_PACER_RULE_CPU_BUDGET:
  case GAITI_PACER_RULE_SQUARE_ROOT: why_policy(cycle, text); return;
  case GAITI_PACER_RULE_MINIMUM_HEAP: why_minimum(cycle, text); return;
  case GAITI_PACER_RULE_START_ROOM: why_room(cycle, text); return;
  case GAITI_PACER_RULE_MEMORY_LIMIT: why_limit(cycle, text); return;
  case GAITI_PACER_RULE_CPU_CAP: why_cap(cycle, text); return;
  default:
    explain_say(text, "the goal of %s agrees with no rule that the recording tells of",
                &cycle->goal_bytes);
  }
}

void explain_why(const struct explain_cycle *cycle, char *bytes, size_t count) {
  struct explain_text text = explain_text_begin(bytes, count);
  if (cycle->ran) {
    why_then(cycle, &text);
    explain_put(&text, "; ");
  } else {
    explain_put(&text, "No cycle will come: ");
  }
  why_goal(cycle, &text);
  explain_put(&text, ".");
}
