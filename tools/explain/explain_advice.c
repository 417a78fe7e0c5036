/* Which setting would change what a cycle missed, and its number.
 *
 * The numbers follow from the cycle's own, by these laws:
 *
 *   - a rule of growth adds to the live heap in proportion to gogc, so a cycle that keeps its
 *     distance to the goal ends in proportion too;
 *   - a cycle costs the same however far apart cycles are, so k times the room makes of the share s
 *     of the CPU the share s / (s + k (1 - s));
 *   - a memory limit leaves itself less overhead and headroom (.goal.rules);
 *   - background marking that took all that assists took as well would have needed none, and has
 *     room for that where its runway is no longer than the longest.
 *
 * A number is rounded to a value of the option first, and all others follow from the rounded. */
#include "explain_why.h"

static const double advice_dear = 0.02; /* a share of the CPU that is worth memory */
static const double advice_background_most = 90;
static const double advice_way = 19.0 / 64; /* of the room: the longest runway, see trigger.c */
static const double advice_mib = 1048576;

/* The next whole number up, from which a value that stands for one is not lifted by noise. */
static double advice_up(double value) {
  double whole = (double)(int64_t)(value < 9e15 ? value : 9e15);
  return value > whole + 1e-9 * whole ? whole + 1 : whole;
}

static double advice_near(double value) {
  return (double)(int64_t)((value < 9e15 ? value : 9e15) + 0.5);
}

/* The memory limit, or max_heap, in whole MiB, that leaves a goal of so many bytes. */
static double advice_limit(const struct explain_cycle *cycle, double goal_bytes) {
  double needed = goal_bytes + cycle->overhead_bytes;
  if (cycle->limit_is_hard)
    return advice_up((needed - cycle->external_bytes) / EXPLAIN_HARD_SHARE / advice_mib) *
           advice_mib;
  double by_share = needed / 0.97, by_mib = needed + advice_mib;
  return advice_up((by_share > by_mib ? by_share : by_mib) / advice_mib) * advice_mib;
}

/* The goal that it leaves. */
static double advice_left(const struct explain_cycle *cycle, double limit_bytes) {
  if (cycle->limit_is_hard)
    return limit_bytes * EXPLAIN_HARD_SHARE + cycle->external_bytes - cycle->overhead_bytes;
  return limit_bytes - cycle->overhead_bytes - explain_headroom(limit_bytes);
}

static double advice_share(const struct explain_cycle *cycle, double rooms) {
  double share = cycle->gc_cpu_share;
  return share < 0 ? -1 : share / (share + rooms * (1 - share));
}

/* The room over the live heap that the rule of growth gives. */
static double advice_growth(const struct explain_cycle *cycle) {
  return cycle->growth_goal_bytes > cycle->counted_bytes
             ? cycle->growth_goal_bytes - cycle->counted_bytes
             : 0;
}

static void advice_gogc(const struct explain_cycle *cycle, struct explanation *explanation,
                        enum explain_advice advice, double percent) {
  double growth = advice_growth(cycle);
  explanation->advice = advice;
  explanation->setting = percent > 1 ? advice_near(percent) : 1;
  double rooms = explanation->setting / cycle->gogc_percent;
  explanation->setting_goal_bytes = cycle->counted_bytes + rooms * growth;
  explanation->setting_share = advice_share(cycle, rooms);
}

/* Twice the room where CPU time is dear, else half of it. */
static double advice_rooms(const struct explain_cycle *cycle) {
  return cycle->gc_cpu_share >= 0 && cycle->gc_cpu_share < advice_dear ? 0.5 : 2;
}

/* Memory for CPU time where that is dear, else the reverse. */
static void advice_trade(const struct explain_cycle *cycle, struct explanation *explanation) {
  double rooms = advice_rooms(cycle);
  if (!(cycle->gogc_percent > 0) || advice_growth(cycle) <= 0) {
    explanation->advice = EXPLAIN_ADVICE_GOGC_ON;
    explanation->setting = 100;
    explanation->setting_goal_bytes = 2 * cycle->counted_bytes;
    return;
  }
  advice_gogc(cycle, explanation, EXPLAIN_ADVICE_GOGC_TRADE, cycle->gogc_percent * rooms);
}

/* Such a cycle, as far over its goal or below it, is to end at the goal of this one. */
static void advice_peak(const struct explain_cycle *cycle, struct explanation *explanation) {
  double goal = explain_goal_kept(cycle), room = goal - cycle->counted_bytes;
  double used = cycle->peak_bytes - cycle->counted_bytes;
  double percent = used > 0 ? cycle->gogc_percent * room / used : 0;
  bool by_gogc = cycle->rule == GAITI_PACER_RULE_GOGC && room > 0 && used > 0;
  if (!by_gogc || !(percent >= 1) || advice_near(percent) == cycle->gogc_percent) {
    advice_trade(cycle, explanation);
    return;
  }
  advice_gogc(cycle, explanation, EXPLAIN_ADVICE_GOGC_PEAK, percent);
}

/* What the program would allocate while background marking alone did all that was done: at its rate
 * in each second of CPU that it had. */
static double advice_runway(const struct explain_cycle *cycle, double cpu, double took) {
  double allocated = cycle->peak_bytes - cycle->at_trigger_bytes, share = cycle->background_share;
  if (!(cpu > took) || !(share > 0)) return 0;
  return allocated / (cpu - took) * took * (1 - share) / share;
}

/* A share of the CPU, or else room, with which no thread would have to mark. */
static void advice_alone(const struct explain_cycle *cycle, struct explanation *explanation) {
  double cpu = cycle->mark_seconds * cycle->cpus;
  double took = cycle->assist_seconds + cycle->background_seconds;
  double percent = cpu > 0 ? advice_up(100 * took / cpu) : 100;
  bool told = cycle->bound != EXPLAIN_BOUND_UNKNOWN; /* else it may be a program of Go's */
  if (told && percent <= advice_background_most && percent > 100 * cycle->background_share) {
    explanation->advice = EXPLAIN_ADVICE_BACKGROUND;
    explanation->setting = percent;
    return;
  }
  double rooms = advice_runway(cycle, cpu, took) / (advice_way * advice_growth(cycle));
  if (!(cycle->gogc_percent > 0) || !(rooms > 1) || !explain_is_finite(rooms)) {
    advice_trade(cycle, explanation);
    return;
  }
  advice_gogc(cycle, explanation, EXPLAIN_ADVICE_GOGC_ROOM, advice_up(cycle->gogc_percent * rooms));
}

static void advice_of_limit(const struct explain_cycle *cycle, struct explanation *explanation,
                            enum explain_advice advice, double goal_bytes) {
  double free_goal = cycle->growth_goal_bytes;
  bool freed = cycle->gogc_percent >= 0 && free_goal > 0 && free_goal <= goal_bytes;
  explanation->advice = freed ? EXPLAIN_ADVICE_LIMIT_FREE : advice;
  explanation->setting = advice_limit(cycle, freed ? free_goal : goal_bytes);
  explanation->setting_goal_bytes = freed ? free_goal : advice_left(cycle, explanation->setting);
}

/* A limit under which cycles would cost about half of the cap, as gait_limit_report has it: twice
 * the room in which they cost the cap. */
static void advice_half(const struct explain_cycle *cycle, struct explanation *explanation) {
  double used = cycle->peak_bytes - cycle->counted_bytes;
  double share = cycle->gc_cpu_share > 0 ? cycle->gc_cpu_share : cycle->cpu_cap;
  double room = used > 0 && cycle->cpu_cap > 0 ? used * share / cycle->cpu_cap : 0;
  if (room < advice_mib) room = advice_mib;
  advice_of_limit(cycle, explanation, EXPLAIN_ADVICE_LIMIT_HALF, cycle->counted_bytes + 2 * room);
}

static void advice_limit_room(const struct explain_cycle *cycle, struct explanation *explanation) {
  double room = cycle->goal_bytes - cycle->counted_bytes;
  if (room < advice_mib) room = advice_mib;
  double wanted = cycle->counted_bytes + advice_rooms(cycle) * room;
  advice_of_limit(cycle, explanation, EXPLAIN_ADVICE_LIMIT_ROOM, wanted);
  double rooms = (explanation->setting_goal_bytes - cycle->counted_bytes) / room;
  explanation->setting_share = advice_share(cycle, rooms);
}

static void advice_minimum(const struct explain_cycle *cycle, struct explanation *explanation) {
  double room = cycle->goal_bytes - cycle->counted_bytes;
  double percent = cycle->gogc_percent > 0 ? cycle->gogc_percent : 100;
  double bytes = (cycle->counted_bytes + advice_rooms(cycle) * room) * 100 / percent;
  explanation->advice = EXPLAIN_ADVICE_MIN_HEAP;
  explanation->setting = advice_up(bytes / advice_mib) * advice_mib;
  explanation->setting_goal_bytes = explanation->setting / 100 * percent;
  explanation->setting_share =
      room > 0
          ? advice_share(cycle, (explanation->setting_goal_bytes - cycle->counted_bytes) / room)
          : -1;
}

static void advice_policy(const struct explain_cycle *cycle, struct explanation *explanation) {
  explanation->advice = EXPLAIN_ADVICE_POLICY;
  explanation->setting = cycle->rule == GAITI_PACER_RULE_CPU_BUDGET ? 0.5 : 4;
  explanation->setting_goal_bytes = 2 * cycle->goal_bytes - cycle->counted_bytes;
  explanation->setting_share = advice_share(cycle, 2);
}

/* By the rule that set the goal. */
static void advice_by_rule(const struct explain_cycle *cycle, struct explanation *explanation) {
  switch (cycle->rule) {
  case GAITI_PACER_RULE_MINIMUM_HEAP: advice_minimum(cycle, explanation); return;
  case GAITI_PACER_RULE_MEMORY_LIMIT: advice_limit_room(cycle, explanation); return;
  case GAITI_PACER_RULE_CPU_CAP: advice_half(cycle, explanation); return;
  case GAITI_PACER_RULE_CPU_BUDGET:
  case GAITI_PACER_RULE_SQUARE_ROOT: advice_policy(cycle, explanation); return;
  case EXPLAIN_RULE_UNKNOWN: return;
  default: advice_trade(cycle, explanation); return;
  }
}

static bool advice_is_limited(const struct explain_cycle *cycle) {
  return cycle->rule >= GAITI_PACER_RULE_MEMORY_LIMIT && cycle->rule < GAITI_PACER_RULES;
}

/* Where the goal is not the limit's, and the heap came too near to it, or not near enough. */
static void advice_of_growth(const struct explain_cycle *cycle, struct explanation *explanation) {
  bool waited = explanation->miss == EXPLAIN_MISS_STALLED || explain_helped(cycle);
  if (!advice_is_limited(cycle) && waited)
    advice_alone(cycle, explanation);
  else if (cycle->rule == GAITI_PACER_RULE_GOGC)
    advice_peak(cycle, explanation);
  else
    advice_by_rule(cycle, explanation);
}

static void advice_find(const struct explain_cycle *cycle, struct explanation *explanation) {
  explanation->advice = EXPLAIN_ADVICE_NONE;
  switch (explanation->miss) {
  case EXPLAIN_MISS_UNREACHABLE: advice_half(cycle, explanation); return;
  case EXPLAIN_MISS_LIMITER:
    if (advice_is_limited(cycle)) advice_half(cycle, explanation);
    if (!advice_is_limited(cycle)) advice_trade(cycle, explanation);
    return;
  case EXPLAIN_MISS_LATE: return;
  case EXPLAIN_MISS_ASKED:
    if (cycle->bound == EXPLAIN_BOUND_UNKNOWN || !explain_is_finite(cycle->trigger_bytes)) return;
    explanation->advice = EXPLAIN_ADVICE_WAIT;
    explanation->setting = cycle->trigger_bytes;
    return;
  case EXPLAIN_MISS_STALLED:
  case EXPLAIN_MISS_ASSISTS:
  case EXPLAIN_MISS_WORK:
  case EXPLAIN_MISS_RATE:
  case EXPLAIN_MISS_OVER:
  case EXPLAIN_MISS_ROOM: advice_of_growth(cycle, explanation); return;
  default: advice_by_rule(cycle, explanation); return;
  }
}

/* Numbers that no cycle has, as those of a damaged file, lead to no advice. */
void explain_choose(const struct explain_cycle *cycle, struct explanation *explanation) {
  advice_find(cycle, explanation);
  double setting = explanation->setting, goal = explanation->setting_goal_bytes;
  bool sound = setting >= 0 && setting < 9e17 && goal >= 0 && goal < 9e17;
  if (!sound) {
    explanation->advice = EXPLAIN_ADVICE_NONE;
    explanation->setting = explanation->setting_goal_bytes = 0;
  }
  bool shared = explanation->setting_share >= 0 && explanation->setting_share <= 1;
  if (!sound || !shared) explanation->setting_share = -1;
}

/* ---- In words ---- */

static void advice_put_share(const struct explain_cycle *cycle,
                             const struct explanation *explanation, struct explain_text *text) {
  double values[] = {explanation->setting_share, cycle->gc_cpu_share};
  double change = explanation->setting_share - cycle->gc_cpu_share;
  if (explanation->setting_share >= 0 && (change > 0.0005 || change < -0.0005))
    explain_say(text, ", with the collector at about %p of the CPU in place of %p", values);
}

static const char *advice_limit_words(const struct explain_cycle *cycle,
                                      enum explain_advice advice) {
  bool hard = cycle->limit_is_hard;
  switch (advice) {
  case EXPLAIN_ADVICE_LIMIT_HALF:
    return hard ? "max_heap=%wMiB would leave %s, where cycles cost about half of the cap"
                : "memory_limit=%wMiB would leave %s, where cycles cost about half of the cap";
  case EXPLAIN_ADVICE_LIMIT_FREE:
    return hard ? "from max_heap=%wMiB on GOGC alone would set the goal, to %s"
                : "from memory_limit=%wMiB on GOGC alone would set the goal, to %s";
  default:
    return hard ? "max_heap=%wMiB would have made the goal %s"
                : "memory_limit=%wMiB would have made the goal %s";
  }
}

static const char *advice_policy_words(const struct explain_cycle *cycle) {
  return cycle->rule == GAITI_PACER_RULE_CPU_BUDGET
             ? "half of this cpu_budget would have let the heap grow to about %s"
             : "four times this square_root would have let the heap grow to %s";
}

void explain_put_advice(const struct explain_cycle *cycle, const struct explanation *explanation,
                        struct explain_text *text) {
  double mib = explanation->setting / advice_mib;
  double of_number[] = {explanation->setting, explanation->setting_goal_bytes};
  double of_mib[] = {mib, explanation->setting_goal_bytes};
  const struct {
    const char *format;
    const double *values;
  } words[EXPLAIN_ADVICES] = {
      [EXPLAIN_ADVICE_NONE] = {explanation->miss == EXPLAIN_MISS_LATE
                                   ? "no setting changes that"
                                   : "no setting can be told from this",
                               of_number},
      [EXPLAIN_ADVICE_GOGC_TRADE] = {"GOGC=%w would have made the goal %s", of_number},
      [EXPLAIN_ADVICE_GOGC_PEAK] = {"GOGC=%w would have made the goal %s, and such a cycle would "
                                    "end where this one should have",
                                    of_number},
      [EXPLAIN_ADVICE_GOGC_ROOM] = {"GOGC=%w would have given background marking alone the room, "
                                    "with a goal of %s",
                                    of_number},
      [EXPLAIN_ADVICE_GOGC_ON] = {"GOGC=%w would have made the goal about %s", of_number},
      [EXPLAIN_ADVICE_BACKGROUND] =
          {"background=%w would have left no marking to threads that allocate", of_number},
      [EXPLAIN_ADVICE_LIMIT_HALF] = {advice_limit_words(cycle, EXPLAIN_ADVICE_LIMIT_HALF), of_mib},
      [EXPLAIN_ADVICE_LIMIT_ROOM] = {advice_limit_words(cycle, EXPLAIN_ADVICE_LIMIT_ROOM), of_mib},
      [EXPLAIN_ADVICE_LIMIT_FREE] = {advice_limit_words(cycle, EXPLAIN_ADVICE_LIMIT_FREE), of_mib},
      [EXPLAIN_ADVICE_MIN_HEAP] = {"min_heap=%wMiB would have made the goal %s", of_mib},
      [EXPLAIN_ADVICE_POLICY] = {advice_policy_words(cycle), of_number + 1},
      [EXPLAIN_ADVICE_WAIT] = {"unasked it would have begun at %s", of_number},
  };
  explain_say(text, words[explanation->advice].format, words[explanation->advice].values);
  advice_put_share(cycle, explanation, text);
  explain_put(text, ".");
}
