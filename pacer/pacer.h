/* The pacer: when to collect, how far the heap may grow meanwhile, and how
 * much marking each allocated byte must pay for.
 *
 * Pure: no threads, clock, atomics, allocation, I/O or globals.  The collector,
 * the simulator, the tests and a web page run the same object code.  The driver of a pacer
 * serialises the calls on it; calls that take it const only read.  The driver owns all counters: it
 * passes them as one coherent snapshot and gets one decision, with the numbers that led to it.
 *
 *     gaiti_pacer_init(&pacer, &config);
 *     loop:
 *       gaiti_pacer_decide(&pacer, &snapshot, &decision);   // idle: decision.trigger_bytes
 *       heap_live reaches the trigger, or a collection is asked for:
 *       gaiti_pacer_start_cycle(&pacer, &snapshot);
 *       while marking, now and then:
 *         gaiti_pacer_decide(&pacer, &snapshot, &decision); // marking: decision.assist_ratio
 *       gaiti_pacer_end_cycle(&pacer, &snapshot, &cycle);
 *
 * Bytes are int64_t, times are nanoseconds, shares are fractions of 1. */
#ifndef GAITI_PACER_H
#define GAITI_PACER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GAITI_PACER_NO_BYTES_LIMIT INT64_MAX /* a goal, trigger or limit that is never reached */
#define GAITI_PACER_GC_OFF         (-1)      /* gc_percent: only the memory limit collects */

/* ---- Settings ---------------------------------------------------------- */

/* How the heap may grow over the live heap of the last cycle.  The memory limit is not among these:
 * it caps whichever is chosen. */
enum gaiti_pacer_policy {
  GAITI_PACER_POLICY_GOGC,        /* by gc_percent of live heap and roots */
  GAITI_PACER_POLICY_CPU_BUDGET,  /* as little as keeps GC CPU at cpu_budget */
  GAITI_PACER_POLICY_SQUARE_ROOT, /* by the root of live heap x cons/mark ratio (MemBalancer) */
};
const char *gaiti_pacer_policy_name(enum gaiti_pacer_policy policy);

struct gaiti_pacer_config {
  enum gaiti_pacer_policy policy;
  int64_t gc_percent;         /* growth in percent, 0 or more; GAITI_PACER_GC_OFF */
  int64_t memory_limit_bytes; /* over all that is mapped, and external bytes */
  int64_t minimum_heap_bytes; /* smallest goal at 100 percent; scaled by gc_percent */
  int64_t square_root_bytes;  /* growth = sqrt(live x cons/mark x this) */
  double background_share;    /* GC CPU while marking, without assists: 0.01 .. 0.9 */
  double cpu_cap;             /* most GC CPU, assists included, that goals may cost: 0.01 .. 0.95 */
  double cpu_budget;          /* GC CPU over whole periods, for POLICY_CPU_BUDGET: 0.001 .. 0.9 */
  double idle_reliance;       /* part of idle marking's last savings, expected again: 0 .. 1 */
  double assist_reliance;     /* part of a single bad cycle, left to assists: 0 .. 1 */
  double young_survival; /* cycles are young if no larger share survives: 0 .. 1; 0: none is, 1:
                            every one that may be */
};

/* 100 percent, no limit, 4 MiB, 0.25 background share, 0.5 cap, and nothing expected of idle
 * CPUs or of assists, as in Go. */
struct gaiti_pacer_config gaiti_pacer_config_default(void);

/* Has idle CPUs and assists relied on as far as the collector does: see runway.c. */
void gaiti_pacer_config_rely(struct gaiti_pacer_config *config);

/* Returns NULL when every field is in its range, else a sentence that names
 * the first that is not. */
const char *gaiti_pacer_config_check(const struct gaiti_pacer_config *config);

/* ---- The driver's reports ---------------------------------------------- */

/* One coherent view of the heap, taken by the driver at one moment.  The work
 * counters start from 0 at start_cycle and are read only while marking. */
struct gaiti_pacer_snapshot {
  int64_t heap_live_bytes;    /* marked last time + allocated since + external bytes */
  int64_t heap_scan_bytes;    /* of those, at most this many must be scanned */
  int64_t stack_bytes;        /* stack to scan, if a cycle started now */
  int64_t globals_bytes;      /* other roots to scan */
  int64_t overhead_bytes;     /* mapped, but neither live heap nor free to allocate or release:
                                 side tables, metadata, worker stacks, fragmentation */
  int64_t heap_work_bytes;    /* scanned in this cycle: heap, */
  int64_t stack_work_bytes;   /* stacks, */
  int64_t globals_work_bytes; /* and other roots */
  /* By gaiti_pacer_limiter_report(); 0 without a limiter. */
  double limiter_fill;        /* of its bucket: 0 .. 1 */
  bool limiting;              /* the bucket is full: no assists */
  int64_t limiter_gc_ns;      /* CPU time of GC since the limiter was made */
  int64_t limiter_offered_ns; /* CPU time that CPUs have offered since then */
};

/* The cost of a finished cycle.  Idle-priority marking counts as work done, but not as GC CPU: it
 * cost the mutators nothing. */
struct gaiti_pacer_cycle {
  int64_t marked_bytes;  /* live now: marked, allocated during the mark, external */
  int64_t black_bytes;   /* of those, allocated during the mark; 0: not counted */
  int64_t duration_ns;   /* wall time from start_cycle to the end of the mark */
  int64_t assist_ns;     /* CPU time of mark assists */
  int64_t background_ns; /* CPU time of background workers; below 0: background_share of all */
  int64_t idle_ns;       /* CPU time of idle-priority marking */
  double cpus;           /* that the process had: affinity and quota, so 0.5 is possible */
  bool stalled;          /* mutators waited, so they would have allocated more than they did */
  bool young;            /* it marked new objects only; its work counts only those */
  bool remembered;       /* stores are known since its start: the next may be young */
};

/* The plan for the cycle after one that ends: see young_rule.c. */
struct gaiti_pacer_next {
  bool young;    /* the next marks only new objects */
  bool remember; /* it does, or the one after it may: stores are remembered all the time */
};

/* ---- The pacer's decisions --------------------------------------------- */

/* Which rule set the heap goal.  Rows of one table in goal.c. */
enum gaiti_pacer_rule {
  GAITI_PACER_RULE_OFF,          /* nothing bounds the heap */
  GAITI_PACER_RULE_GOGC,         /* gc_percent of live heap and roots */
  GAITI_PACER_RULE_CPU_BUDGET,   /* growth that makes GC CPU equal cpu_budget */
  GAITI_PACER_RULE_SQUARE_ROOT,  /* growth by the square-root rule */
  GAITI_PACER_RULE_MINIMUM_HEAP, /* the heap is small: not worth a cycle yet */
  GAITI_PACER_RULE_START_ROOM,   /* a cycle started late: room to mark at all */
  GAITI_PACER_RULE_MEMORY_LIMIT, /* the memory limit is lower than all of these */
  GAITI_PACER_RULE_CPU_CAP,      /* over the limit's goal, because the CPU cap was reached */
  GAITI_PACER_RULES
};
const char *gaiti_pacer_rule_name(enum gaiti_pacer_rule rule);
const char *gaiti_pacer_rule_sentence(enum gaiti_pacer_rule rule);

/* Which bound, if any, moved the trigger away from goal - runway. */
enum gaiti_pacer_trigger_bound {
  GAITI_PACER_TRIGGER_RUNWAY,   /* none: it is goal - runway */
  GAITI_PACER_TRIGGER_EARLIEST, /* the runway is longer than the most that it may be given */
  GAITI_PACER_TRIGGER_LATEST,   /* the runway is shorter than a start needs */
  GAITI_PACER_TRIGGER_NO_ROOM,  /* live heap is at the goal: at once */
  GAITI_PACER_TRIGGER_NEVER,    /* no goal */
};
const char *gaiti_pacer_trigger_bound_name(enum gaiti_pacer_trigger_bound bound);

struct gaiti_pacer_decision {
  /* The decision. */
  int64_t trigger_bytes;  /* start a cycle when heap_live reaches this; never over the goal */
  int64_t goal_bytes;     /* the mark should end before heap_live reaches this */
  double assist_ratio;    /* bytes of mark work owed per allocated byte; 0 while not marking and
                             while the CPU limiter limits */
  bool limit_unreachable; /* live heap and overhead leave no room under the memory limit */
  bool young;    /* the next cycle, or the one under way, is to be young: see young_rule.c */
  bool remember; /* and the one after it may be, if stores are remembered */

  /* Why. */
  enum gaiti_pacer_rule rule;
  enum gaiti_pacer_trigger_bound trigger_bound;
  int64_t marked_bytes;                  /* live after the last cycle */
  int64_t floating_bytes;                /* of those, dead by estimate: see floating.c */
  int64_t roots_bytes;                   /* stacks and globals that the goal counts */
  int64_t rule_bytes[GAITI_PACER_RULES]; /* the proposal of each rule; 0 = it did not speak */
  int64_t runway_bytes;                  /* kept free for allocation while marking */
  int64_t slack_bytes;         /* how far over the goal the heap may end before mutators assist */
  double cons_mark;            /* bytes allocated per mutator CPU / bytes marked per GC CPU */
  double cons_mark_largest;    /* the same, largest lately */
  double cons_mark_recurring;  /* the largest that came twice, or just now */
  double cons_mark_helped;     /* the same, had idle marking gone on beside each as it did */
  double work_trend;           /* the runway is planned for expected work x (1 + this) */
  int64_t expected_work_bytes; /* mark work that this or the next cycle should take */
  int64_t worst_work_bytes;    /* and if nothing scannable has died */
  int64_t pace_goal_bytes;     /* goal that assists aim at: over goal_bytes once work exceeds the
                                  expectation */
  int64_t work_left_bytes;     /* mark work the assists must still see done */
  int64_t room_left_bytes;     /* allocation in which to do it */
};

/* ---- The pacer --------------------------------------------------------- */

#define GAITI_PACER_CONS_MARK_HISTORY 5

/* The newest cons/mark ratios and their forecasts.  See cons_mark.c. */
struct gaiti_pacer_cons_mark {
  double history[GAITI_PACER_CONS_MARK_HISTORY]; /* newest first; history[0 .. count) */
  double helped[GAITI_PACER_CONS_MARK_HISTORY];  /* the rest of each beside idle marking */
  int count;
  double likely;           /* their mean; 0 until something was measured */
  double largest;          /* their maximum */
  double recurring;        /* their second largest, or the newest if that is larger */
  double recurring_helped; /* the same of `helped` */
};

/* Every field is private to pacer/; the type is complete so that it can be
 * embedded without allocation. */
struct gaiti_pacer {
  struct gaiti_pacer_config config;
  int64_t marked_bytes;         /* live after the last cycle */
  int64_t found_bytes;          /* of those, found by marking: marked less allocated meanwhile */
  int64_t floating_bytes;       /* of those, dead by estimate */
  int64_t last_heap_work_bytes; /* scanned by it, or the expectation for the next instead */
  int64_t last_roots_bytes;     /* stacks and globals at its start */
  double work_growth;           /* by how much the last cycle's work exceeded the expected, as
                                   a share of it; 0 when it did not */
  bool limit_relaxed;           /* GC has reached its CPU cap: the goal may be lifted */
  int64_t cap_room_bytes;       /* how far the goal may be lifted over the live heap */
  int64_t limiter_gc_ns;        /* the snapshot's at the end of the last mark */
  int64_t limiter_offered_ns;
  struct gaiti_pacer_next next;
  bool survival_known;
  double survival;     /* the share of allocated bytes that was found live */
  int64_t basis_bytes; /* a rule of growth takes these for live: the bytes marked by the last full
                          cycle, with half of the floating ones (see floating.c) */
  int64_t full_marked_bytes; /* marked by the last full cycle */
  int64_t full_work_bytes;   /* scanned by it */
  int64_t grown_bytes;       /* marked in young cycles since the last full one */
  bool marking;
  int64_t triggered_bytes;  /* heap_live at start_cycle, while marking */
  int64_t start_room_bytes; /* least distance from there to the goal */
  struct gaiti_pacer_cons_mark cons_mark;
};

/* Makes a pacer with nothing live and nothing measured.  Returns false, and
 * leaves *pacer alone, when gaiti_pacer_config_check rejects config. */
bool gaiti_pacer_init(struct gaiti_pacer *pacer, const struct gaiti_pacer_config *config);

/* Changes settings at any time, also while marking; the next decision follows
 * them.  Each returns false and changes nothing when the value is out of range. */
bool gaiti_pacer_configure(struct gaiti_pacer *pacer, const struct gaiti_pacer_config *config);
bool gaiti_pacer_set_gc_percent(struct gaiti_pacer *pacer, int64_t gc_percent);
bool gaiti_pacer_set_memory_limit(struct gaiti_pacer *pacer, int64_t memory_limit_bytes);

/* The part of a memory limit that goals leave for bytes mapped between two looks. */
int64_t gaiti_pacer_limit_headroom(int64_t memory_limit_bytes);

/* The memory limit of a heap in a control group that is granted so many bytes: less a tenth, at
 * least 16 MiB and at most half.  No limit gives none. */
int64_t gaiti_pacer_group_limit(int64_t group_bytes);

/* Computes trigger, goal and assist ratio for this moment.  The goal stays the
 * same while marking unless settings or overhead change.  The trigger of a
 * marking pacer is that of the cycle under way. */
void gaiti_pacer_decide(const struct gaiti_pacer *pacer,
                        const struct gaiti_pacer_snapshot *snapshot,
                        struct gaiti_pacer_decision *decision);

/* A cycle starts now, at snapshot->heap_live_bytes, whatever the trigger says:
 * a forced collection is one more start.  Remembers the roots, so that the goal
 * counts those that are really there.  The driver zeroes its work counters. */
void gaiti_pacer_start_cycle(struct gaiti_pacer *pacer,
                             const struct gaiti_pacer_snapshot *snapshot);

/* The sort of the next cycle, or of the one under way; known since the one before ended. */
static inline struct gaiti_pacer_next gaiti_pacer_next(const struct gaiti_pacer *pacer) {
  return pacer->next;
}

/* The cycle that is about to start is full, whatever was decided. */
void gaiti_pacer_give_up_young(struct gaiti_pacer *pacer);

/* The mark has ended.  `snapshot` is its last moment (heap_live = the peak, all
 * work counted).  Learns from the cycle, takes cycle->marked_bytes as the live
 * heap and sets the next goal.  From here on the driver's heap_live starts at
 * cycle->marked_bytes and heap_scan at this cycle's heap work. */
void gaiti_pacer_end_cycle(struct gaiti_pacer *pacer, const struct gaiti_pacer_snapshot *snapshot,
                           const struct gaiti_pacer_cycle *cycle);

/* Of `allocated_bytes` that were allocated between the end of one mark and the start of the next,
 * `survived_bytes` were found live.  None allocated: nothing is learnt. */
void gaiti_pacer_learn_survival(struct gaiti_pacer *pacer, int64_t allocated_bytes,
                                int64_t survived_bytes);

/* GC CPU share of a cycle, background and assists, without idle marking: 0 .. 1. */
double gaiti_pacer_cycle_utilization(const struct gaiti_pacer *pacer,
                                     const struct gaiti_pacer_cycle *cycle);

/* ---- Background workers ------------------------------------------------ */

struct gaiti_pacer_workers {
  int dedicated;     /* workers that run all through the mark */
  double fractional; /* share of one worker's time that one more runs; 0 = none */
};

/* Shares `cpus` (0.01 or more, fractional under a quota) so that marking
 * gets `share` of them: whole workers when that comes within 30%, else one
 * worker fewer and a fractional one. */
struct gaiti_pacer_workers gaiti_pacer_plan_workers(double cpus, double share);

/* ---- Giving memory back ------------------------------------------------ */

struct gaiti_pacer_release {
  int64_t keep_bytes;       /* the background may release down to this */
  int64_t background_bytes; /* so many, at leisure */
  int64_t now_bytes;        /* so many at once, before any more is mapped */
};

/* Of `mapped_bytes` (heap pages that are resident, free or not, with
 * snapshot->overhead_bytes and external bytes), how many should go back to the
 * OS.  Asks for no more than is free: mapped - overhead - heap_live. */
struct gaiti_pacer_release gaiti_pacer_plan_release(const struct gaiti_pacer *pacer,
                                                    const struct gaiti_pacer_snapshot *snapshot,
                                                    int64_t mapped_bytes);

/* ---- CPU limiter ------------------------------------------------------- */

/* A leaky bucket of GC CPU time: it fills while GC takes more than `cap` of the
 * CPU and drains while it takes less.  When it is full, assists stop, so that a
 * heap that does not fit its limit grows instead of starving the mutators. */
struct gaiti_pacer_limiter {
  double cap;
  double background_share;
  double cpus;
  int64_t last_update_ns;
  int64_t assist_pool_ns; /* CPU time not yet accounted for */
  int64_t wait_pool_ns;
  int64_t idle_pool_ns;
  int64_t fill_ns; /* 0 .. capacity_ns */
  int64_t capacity_ns;
  int64_t overflow_ns; /* all GC time over the cap that found the bucket full */
  int64_t gc_ns;       /* all GC time, and */
  int64_t offered_ns;  /* all that the CPUs offered, both since init */
  bool gc_enabled;     /* background workers run */
  bool limiting;
};

void gaiti_pacer_limiter_init(struct gaiti_pacer_limiter *limiter, int64_t now_ns, double cpus,
                              double background_share, double cap);

/* CPU time since the last accounting, taken up by the next one.  Idle time is
 * that of idle CPUs and of idle-priority marking: neither GC nor mutator. */
void gaiti_pacer_limiter_add_assist(struct gaiti_pacer_limiter *limiter, int64_t assist_ns);
/* Time that CPUs lost to threads which waited for GC: as good as taken by it, in the bucket.
 */
void gaiti_pacer_limiter_add_wait(struct gaiti_pacer_limiter *limiter, int64_t wait_ns);
void gaiti_pacer_limiter_add_idle(struct gaiti_pacer_limiter *limiter, int64_t idle_ns);

/* Accounts the window since the last update.  Nothing if now_ns is before it. */
void gaiti_pacer_limiter_update(struct gaiti_pacer_limiter *limiter, int64_t now_ns);
/* More than 10 ms since the last update. */
bool gaiti_pacer_limiter_needs_update(const struct gaiti_pacer_limiter *limiter, int64_t now_ns);

/* Background workers start or stop.  start_transition accounts the time before; the window up to
 * finish_transition counts as GC on all CPUs (a stopped world).  A collector that stops no
 * thread passes the same time to both. */
void gaiti_pacer_limiter_start_transition(struct gaiti_pacer_limiter *limiter, int64_t now_ns,
                                          bool gc_enabled);
void gaiti_pacer_limiter_finish_transition(struct gaiti_pacer_limiter *limiter, int64_t now_ns);

/* Accounts the window with the old value, then takes the new one. */
void gaiti_pacer_limiter_set_cpus(struct gaiti_pacer_limiter *limiter, int64_t now_ns, double cpus);
/* The program's threads are asked to stop, and go on.  The time before is accounted first; the
 * window up to finish_stop is accounted by it alone: as GC counts, of every CPU that
 * `threads` would have had, the whole window, and beside that the CPU time that GC used in it,
 * `gc_ns` and added assists, while there are CPUs for both.  Helpers at idle priority are
 * idle only as far as they used the rest. */
void gaiti_pacer_limiter_begin_stop(struct gaiti_pacer_limiter *limiter, int64_t now_ns);
void gaiti_pacer_limiter_end_stop(struct gaiti_pacer_limiter *limiter, int64_t now_ns,
                                  int64_t threads, int64_t gc_ns);

void gaiti_pacer_limiter_set_cap(struct gaiti_pacer_limiter *limiter, int64_t now_ns, double cap);

bool gaiti_pacer_limiter_limiting(const struct gaiti_pacer_limiter *limiter);
double gaiti_pacer_limiter_fill(const struct gaiti_pacer_limiter *limiter); /* 0 .. 1 */

/* Fills in the limiter's part of a snapshot. */
void gaiti_pacer_limiter_report(const struct gaiti_pacer_limiter *limiter,
                                struct gaiti_pacer_snapshot *snapshot);

/* The collector's share of the CPU: `gc_cpu` of all that `cpus` have offered while `elapsed` went
 * by, both in the same unit; 0 where they have offered nothing.  CPU time of the collector is that
 * of assists and background workers, and the time that threads would have had while they were
 * stopped. Marking on CPUs that nothing else used is apart: it takes nothing from the program. */
double gaiti_pacer_cpu_share(double gc_cpu, double elapsed, double cpus);

#ifdef __cplusplus
}
#endif
#endif
