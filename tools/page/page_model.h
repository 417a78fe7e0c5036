/* page_model.h: a simulated program under the pacer, for a page.
 *
 * Compiled to WebAssembly for `gait page`, and natively for its test, which
 * compares the two bit by bit.  Whoever drives it writes settings and track,
 * then asks for cycles or for totals, and reads them where they lie: all are
 * records of doubles, whose fields model_names lists, so that the other side
 * needs no copy of their order.  Bytes, seconds, shares of 1; a size that is
 * never reached is infinite. */
#ifndef GAIT_PAGE_MODEL_H
#define GAIT_PAGE_MODEL_H

/* What a person chooses. */
#define MODEL_SETTINGS(F)                                                                          \
  F(gc_percent) /* below 0: off */                                                                 \
  F(memory_limit_bytes)                                                                            \
  F(minimum_heap_bytes)                                                                            \
  F(cpu_cap)                                                                                       \
  F(cpus)                                                                                          \
  F(external_bytes) /* held by objects, outside the heap */                                        \
  F(overhead_bytes) /* mapped beside the live heap */

/* What the program is like once it has allocated `allocated_bytes`.  The live
 * heap and the roots change evenly from one point to the next; the rest holds
 * from the point before up to this one. */
#define MODEL_POINT(F)                                                                             \
  F(allocated_bytes)                                                                               \
  F(live_bytes) /* without external bytes */                                                       \
  F(roots_bytes)                                                                                   \
  F(scan_share)          /* of the live heap, that marking must look at */                         \
  F(alloc_per_s)         /* by all CPUs together, while none of them collects; */                  \
  F(alloc_marking_per_s) /* and as if none did, while some do */                                   \
  F(mark_per_cpu_s)      /* by one CPU */                                                          \
  F(gc_share_least)      /* of all CPU while marking, that GC takes though it need not */          \
  F(idle_share)          /* of all CPU while marking: idle, so it marks */

/* One collection: the decision that led to it, and what came of that. */
#define MODEL_CYCLE(F)                                                                             \
  F(begin_s) /* when the cycle before ended, */                                                    \
  F(start_s) /* this one started, */                                                               \
  F(end_s)   /* and ended */                                                                       \
  F(marked_before_bytes)                                                                           \
  F(start_bytes) /* the heap when it started */                                                    \
  F(peak_bytes)  /* and when the mark ended */                                                     \
  F(marked_bytes)                                                                                  \
  F(live_bytes) /* truly live at the start */                                                      \
  F(work_bytes)                                                                                    \
  F(trigger_bytes)                                                                                 \
  F(goal_bytes)                                                                                    \
  F(end_goal_bytes) /* the goal once the cycle ran */                                              \
  F(rule)                                                                                          \
  F(end_rule)                                                                                      \
  F(trigger_bound)                                                                                 \
  F(limit_unreachable)                                                                             \
  F(roots_bytes)                                                                                   \
  F(runway_bytes)                                                                                  \
  F(slack_bytes)                                                                                   \
  F(cons_mark)                                                                                     \
  F(cons_mark_largest)                                                                             \
  F(work_trend)                                                                                    \
  F(expected_work_bytes)                                                                           \
  F(worst_work_bytes)                                                                              \
  F(pace_goal_bytes)   /* what assists aimed at in the end */                                      \
  F(assist_ratio_most) /* largest while marking */                                                 \
  F(assist_cpu_s)                                                                                  \
  F(owed_cpu_s) /* of these: that the assist ratio asked for */                                    \
  F(background_cpu_s)                                                                              \
  F(idle_cpu_s)                                                                                    \
  F(gc_share) /* of all CPU while marking, without idle time */                                    \
  F(overhead_bytes)                                                                                \
  F(growth_goal_bytes) /* by GOGC alone */                                                         \
  F(limiter_fill)                                                                                  \
  F(limiting)

/* A program's whole run over its track, or some cycles of one that has settled. */
#define MODEL_TOTALS(F)                                                                            \
  F(cycles)                                                                                        \
  F(seconds)                                                                                       \
  F(gc_cpu_s) /* assists and background */                                                         \
  F(assist_cpu_s)                                                                                  \
  F(gc_share) /* of all CPU, all the time */                                                       \
  F(peak_bytes)                                                                                    \
  F(mark_s)      /* time in which a cycle ran */                                                   \
  F(over_goal)   /* largest peak over its goal */                                                  \
  F(unreachable) /* cycles for which the limit was out of reach */                                 \
  F(unbounded)   /* 1: no cycle comes any more */

#define MODEL_FIELD(name) double name;
struct model_settings {
  MODEL_SETTINGS(MODEL_FIELD)
};
struct model_point {
  MODEL_POINT(MODEL_FIELD)
};
struct model_cycle {
  MODEL_CYCLE(MODEL_FIELD)
};
struct model_totals {
  MODEL_TOTALS(MODEL_FIELD)
};
#undef MODEL_FIELD

enum { MODEL_MOST_POINTS = 8192 };

enum model_status {
  MODEL_CYCLE_ENDED,
  MODEL_PROGRAM_ENDED, /* the track came to its end before another cycle */
  MODEL_NO_CYCLE,      /* nothing bounds the heap */
};

#pragma GCC visibility push(default) /* these are what a page may call */

/* Where the records lie, and their fields as "one,two,...". */
struct model_settings *model_settings(void);
struct model_point *model_track(void);
struct model_cycle *model_cycle(void);
const struct model_totals *model_totals(void);
const char *model_settings_names(void);
const char *model_point_names(void);
const char *model_cycle_names(void);
const char *model_totals_names(void);

/* What each rule proposed at the last decision; 0: it did not speak. */
const double *model_proposals(void);
int model_rules(void);
const char *model_rule_name(int rule);
const char *model_rule_sentence(int rule);
const char *model_bound_name(int bound);

/* The sentences (tools/explain) about the cycle `number` that lies in model_cycle, which the page
 * may have written there; `ran` 0: no such cycle will come.  model_outcome is valid after it. */
const char *model_why(double number, int ran);
const char *model_outcome(void);

/* Starts the program of the first `points` points of the track; one point is a
 * program that stays as it is and never ends.  Its live heap is built up by
 * allocation, or is there already when `ready`. */
void model_begin(int points, int ready);

/* Runs up to the end of the next cycle, with the settings and the track as they
 * are now.  `steps`: how often while marking the pacer decides anew. */
enum model_status model_next(int steps);

/* A ready program of one point: runs cycles until they repeat themselves. */
enum model_status model_settle(int steps);

/* Begins, runs, and fills in the totals: the whole track, or, of one point,
 * some cycles after it has settled. */
void model_measure(int points, int steps);

#pragma GCC visibility pop

#endif
