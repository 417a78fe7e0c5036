/* tune.h: numbers of a heap and settings of a running one.  You call us.
 *
 * Statistics, a record of each cycle, setters and getters, and the options as a table.  The
 * contracts read as those of gait.h. */
#ifndef GAIT_TUNE_H
#define GAIT_TUNE_H

#include "gait/gait.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Statistics ----------------------------------------------------------------------------- */

/* A snapshot; every counter counts from the heap's creation.
 *   heap_live_bytes    found live by the last cycle, plus all that was handed to threads since: in
 *                      runs of slots, so with what a thread has not made objects of yet
 *   marked_bytes       found live by the last cycle, with what was allocated while it marked;
 *                      objects and external bytes only
 *   mapped_bytes       all that the heap keeps of the machine's memory: blocks, their side tables,
 *                      and its own structures (threads, processors, queues, tables of roots); but
 *                      for the stacks of its threads, and the memory in which malloc keeps account
 *   structure_bytes    of these, the structures
 *   external_bytes     held outside by objects not yet found dead
 *   alloc_*            allocated in all; exact for threads that are not running
 *   processors         contexts that threads hold to run managed code, as Go has them
 *   cpus               of the machine, that this process may use, as far as its quota goes
 *   memory_limit_bytes the soft limit as it is now, also where the setting is GAIT_AUTO or the heap
 *                      has a share of a budget (budget.h); GAIT_OFF
 *   memory_pressure_percent  with GAIT_AUTO: the share of time, of ten seconds, for which a thread
 *                      of the control group waited for memory; else 0
 *   gc_cpu_ns          CPU time of the collector: the sum of gc_assist_ns, gc_background_ns and
 *                      gc_stopped_ns, the CPU time that threads would have had while all of them
 *                      were stopped, but for checks.  Help on CPUs that were idle, gc_idle_ns,
 *                      takes nothing from the program and is apart
 *   finalizers         cleanups and finalizers that are registered, those that are due too
 *   finalizers_due     of these, waiting to be run; finalizers_oldest_ns: the longest wait
 *   finalizers_run     that have run, finalizers_slow: for longer than a millisecond; the time that
 *                      the slowest took.  One that the program took out of the queue has run
 *   pause_*            every time for which the collector stopped a thread: handshake work, root
 *                      scan, assist, waiting.  p9999: upper bound within 1/16
 *   answers            threads that have acted on a handshake, or come to a stop, themselves: each
 *                      at its next safepoint; late_*: how late, from when they were asked */
typedef struct gait_stats {
  uint64_t cycles;
  uint64_t forced_cycles;
  uint64_t young_cycles; /* that marked new objects only */
  uint64_t heap_live_bytes;
  uint64_t marked_bytes;
  uint64_t goal_bytes;
  uint64_t trigger_bytes;
  uint64_t mapped_bytes;
  uint64_t mapped_peak_bytes;
  uint64_t reserved_bytes;
  uint64_t side_table_bytes;
  uint64_t structure_bytes;
  uint64_t external_bytes;
  uint64_t released_bytes;
  uint64_t alloc_bytes;
  uint64_t alloc_objects;
  uint64_t threads;
  uint64_t processors;
  uint64_t gc_cpu_ns;
  uint64_t gc_assist_ns;
  uint64_t gc_background_ns;
  uint64_t gc_idle_ns;
  uint64_t pauses;
  uint64_t pause_total_ns;
  uint64_t pause_max_ns;
  uint64_t pause_p50_ns;
  uint64_t pause_p99_ns;
  uint64_t pause_p9999_ns;
  uint64_t pause_cpu_max_ns; /* the most that a thread itself ran in one assist or root scan */
  uint64_t gc_stopped_ns;
  double cpus;
  int64_t memory_limit_bytes;
  double memory_pressure_percent;
  uint64_t finalizers;
  uint64_t finalizers_due;
  uint64_t finalizers_oldest_ns;
  uint64_t finalizers_run;
  uint64_t finalizers_slow;
  uint64_t finalizers_slowest_ns;
  uint64_t answers;
  uint64_t late_max_ns;
  uint64_t late_p50_ns;
  uint64_t late_p99_ns;
} gait_stats;

/* Fills `stats`.  Starts nothing and waits for no thread.  Thread: any. */
static inline void gait_stats_read(gait_heap *heap, gait_stats *stats);

/* ---- Records of cycles ---------------------------------------------------------------------- */

typedef enum gait_cycle_cause {
  GAIT_CAUSE_GOGC,
  GAIT_CAUSE_MEMORY_LIMIT,
  GAIT_CAUSE_FORCED,
  GAIT_CAUSE_OUT_OF_MEMORY,
  GAIT_CAUSE_DEBUG,
} gait_cycle_cause;

/* The cause in a word or three, "gogc" ...; never NULL. */
GAIT_API const char *gait_cycle_cause_name(gait_cycle_cause cause);

/* Which rule set a cycle's goal. */
typedef enum gait_goal_rule {
  GAIT_GOAL_OFF,          /* nothing bounds the heap */
  GAIT_GOAL_GOGC,         /* the option gogc */
  GAIT_GOAL_CPU_BUDGET,   /* the option cpu_budget, or */
  GAIT_GOAL_SQUARE_ROOT,  /* square_root, where policy chooses it */
  GAIT_GOAL_MIN_HEAP,     /* the heap is smaller than the option min_heap */
  GAIT_GOAL_START_ROOM,   /* the cycle began close to its goal, or past it */
  GAIT_GOAL_MEMORY_LIMIT, /* the memory limit, or max_heap, leaves no more */
  GAIT_GOAL_CPU_CAP,      /* over the limit's goal, since cycles came to the option cpu_cap */
} gait_goal_rule;

/* Why a cycle's trigger stands where it does. */
typedef enum gait_trigger_bound {
  GAIT_TRIGGER_RUNWAY,   /* a runway before the goal */
  GAIT_TRIGGER_EARLIEST, /* the runway is longer than it may be */
  GAIT_TRIGGER_LATEST,   /* the runway is shorter than a start needs */
  GAIT_TRIGGER_NO_ROOM,  /* live bytes are at the goal: at once */
  GAIT_TRIGGER_NEVER,    /* there is no goal */
} gait_trigger_bound;

/* One cycle.  Times are of the monotonic clock, in ns; bytes count the heap's.  Live bytes
 * that are counted while threads run have the slots in them that these have taken and not made
 * objects of yet.
 *   cycle                  its number, from 1
 *   started_ns             since the heap was created
 *   threads, cpus          threads that were attached when it began; CPUs that it was planned for
 *   gogc_percent           the setting when it began, and memory_limit_bytes, which is a number
 *                          where the setting is GAIT_AUTO, and no more than the heap's share of a
 *                          budget; GAIT_OFF
 *   live_before_bytes      objects that the last cycle found
 *   trigger_bytes          live bytes at which it was to begin, goal_bytes: at which to end
 *   at_trigger_bytes       live bytes when it began
 *   at_mark_end_bytes      live bytes when marking ended
 *   marked_bytes           objects that it found, and marked_objects: how many
 *   allocated_black_bytes  of at_mark_end_bytes, allocated since threads allocate black
 *   scan_bytes             traced, without roots; root_bytes: looked at in stacks and roots
 *   external_bytes         held outside by the objects that it found
 *   mapped_bytes           when marking ended; mapped_peak_bytes: at most since the heap was made
 *   freed_blocks           that its sweep has made free
 *   released_bytes         given back to the system since the heap was made
 *   start_ns               wall time to turn barriers on and to scan roots
 *   mark_ns                of marking; end_ns: from there until every barrier is off
 *   sweep_ns               of sweeping
 *   assist_ns              CPU time of threads that marked since they allocated
 *   background_ns          CPU time of workers; idle_ns: of help on CPUs that nothing else used
 *   handshakes             how many it took
 *   handshake_max_ns       the slowest one, from request to the last answer
 *   stopped_ns             for how long every thread was stopped, for checks as well
 *   stopped_cpu_ns         CPU time that threads would have had in that time, but for checks
 *   flush_rounds           how often the threads' buffers were asked for
 *   alloc_bytes_per_second since the end of the last cycle's marking
 *   cons_mark              bytes that the program allocates in a second of its CPU time, over bytes
 *                          that the collector marks in a second of its own
 *   assist_ratio           bytes of marking that a byte of allocation cost at last
 *   gc_cpu_share           of assist, background and stopped CPU time, of the time of all `cpus`
 *                          since the end of the last cycle's marking; 0 .. 1
 *   limiter_on             1: the cap on CPU time held assists back when it ended
 *   limit_unreachable      1: under the memory limit there was no room for the live heap
 *   limit_step             the step under the memory limit (below), when it ended
 *   memory_pressure_percent  as in gait_stats, when it ended
 *   late_ns                how late the last thread was to answer a handshake, or to stop, from
 *                          when it was asked; late_thread: its number in the system.  0: every
 *                          thread was outside
 *   goal_rule              a gait_goal_rule: which rule set goal_bytes
 *   trigger_bound          a gait_trigger_bound: why trigger_bytes stands where it does
 *   planned_goal_bytes     the goal that trigger_bytes was counted from, before it began
 *   counted_bytes          live_before_bytes and the unused part of runs: goals grow from there
 *   growth_goal_bytes      the goal by gogc alone, or by the rule that policy chooses; 0: off
 *   runway_bytes           that threads would allocate while background marking alone is at work
 *   expected_work_bytes    that it was expected to trace, roots included
 *   overhead_bytes         mapped, and of no use to objects: it counts against the memory limit
 *   held_limit_bytes       the limit that goals keep: memory_limit_bytes, or, if that is lower,
 *                          max_heap with external bytes; GAIT_OFF
 *   background_percent     the settings when it began, and cpu_cap_percent
 *   stalled_ns             CPU time lost to threads that waited, since the heap was past its goal
 *   limiter_fill           when it ended, how near the collector was to where the cap on its CPU
 *                          time holds assists back; 0 .. 1
 *   trial_block            of the option trial: the number of the block of cycles with one setting,
 *                          from 1; 0: there is no trial
 *   trial_cycle            its number in the block, from 1; 0: it is one of the first, which do not
 *                          count */
typedef struct gait_cycle_record {
  uint64_t cycle;
  uint64_t started_ns;
  gait_cycle_cause cause;
  uint32_t threads;
  double cpus;
  int64_t gogc_percent;
  int64_t memory_limit_bytes;
  uint64_t live_before_bytes;
  uint64_t trigger_bytes;
  uint64_t goal_bytes;
  uint64_t at_trigger_bytes;
  uint64_t at_mark_end_bytes;
  uint64_t marked_bytes;
  uint64_t marked_objects;
  uint64_t allocated_black_bytes;
  uint64_t scan_bytes;
  uint64_t root_bytes;
  uint64_t external_bytes;
  uint64_t mapped_bytes;
  uint64_t mapped_peak_bytes;
  uint64_t freed_blocks;
  uint64_t released_bytes;
  uint64_t start_ns;
  uint64_t mark_ns;
  uint64_t end_ns;
  uint64_t sweep_ns;
  uint64_t assist_ns;
  uint64_t background_ns;
  uint64_t idle_ns;
  uint64_t handshakes;
  uint64_t handshake_max_ns;
  uint64_t stopped_ns;
  uint64_t flush_rounds;
  double alloc_bytes_per_second;
  double cons_mark;
  double assist_ratio;
  double gc_cpu_share;
  uint32_t young; /* it marked new objects only: marked_* still count all that is */
  uint32_t limiter_on;
  uint32_t limit_unreachable;
  uint32_t limit_step;
  uint64_t stopped_cpu_ns;
  double memory_pressure_percent;
  uint64_t late_ns;
  uint64_t late_thread;
  uint32_t goal_rule;
  uint32_t trigger_bound;
  uint64_t planned_goal_bytes;
  uint64_t counted_bytes;
  uint64_t growth_goal_bytes;
  uint64_t runway_bytes;
  uint64_t expected_work_bytes;
  uint64_t overhead_bytes;
  int64_t held_limit_bytes;
  int64_t background_percent;
  int64_t cpu_cap_percent;
  uint64_t stalled_ns;
  double limiter_fill;
  uint32_t trial_block;
  uint32_t trial_cycle;
} gait_cycle_record;

/* The steps of a heap under its memory limit, each dearer than the one before.  A cycle's end
 * decides on the step. */
typedef enum gait_limit_step {
  GAIT_LIMIT_FREE, /* another rule than the limit says when to collect, or there is none */
  GAIT_LIMIT_NEAR, /* the limit does */
  GAIT_LIMIT_CAP,  /* that costs cpu_cap_percent of the CPUs: the heap may grow past the limit */
  GAIT_LIMIT_FAIL, /* for as long as fail_after_ms lets it: see fail_by */
} gait_limit_step;

/* Why a heap is at its cap. */
typedef enum gait_limit_cause {
  GAIT_LIMIT_FITS, /* it is not */
  GAIT_LIMIT_LIVE, /* live objects leave no room under the limit */
  GAIT_LIMIT_CPU,  /* it leaves some, in which cycles cost more than the cap */
} gait_limit_cause;

/* A step, and numbers that would help.
 *   cycle                  the number of the cycle that ended, and at_ns: when, since the heap was
 *                          made
 *   step, before           the step now, and that of the last report
 *   live_bytes             found by that cycle, external_bytes among them; mapped_bytes: of the
 *   heap
 *   memory_limit_bytes     as it is now; GAIT_OFF if it is not set any more
 *   suggested_limit_bytes  a limit under which cycles would cost about half of the cap
 *   cpu_cap_percent        as it is now, and gc_cpu_share: as in the record
 *   at_cap_ns              for how long it has been at the cap, and fail_after_ms: may be */
typedef struct gait_limit_report {
  uint64_t cycle;
  uint64_t at_ns;
  gait_limit_step step;
  gait_limit_step before;
  gait_limit_cause cause;
  uint32_t reserved; /* 0 */
  uint64_t live_bytes;
  uint64_t external_bytes;
  uint64_t mapped_bytes;
  int64_t memory_limit_bytes;
  int64_t suggested_limit_bytes;
  int64_t cpu_cap_percent;
  double gc_cpu_share;
  uint64_t at_cap_ns;
  int64_t fail_after_ms;
} gait_limit_report;

/* Copies records of the ring to `records`, oldest first, beginning with cycle `first` (from 1) or
 * the oldest that the ring still has.  Returns how many, at most `count`.  `records` may be NULL
 * where `count` is 0.  Thread: any. */
static inline size_t gait_records_read(gait_heap *heap, uint64_t first, gait_cycle_record *records,
                                       size_t count);

/* Writes the record in the form of Go's gctrace line, without a newline.  Returns as snprintf:
 * `line` may be NULL where `line_bytes` is 0. */
static inline int gait_cycle_format(const gait_cycle_record *record, char *line, size_t line_bytes);

/* ---- Settings ------------------------------------------------------------------------------- */

/* Change settings of a running heap: percent or bytes, GAIT_OFF, or for the limit GAIT_AUTO; each
 * in the range of its option.  The next trigger is computed at once; where the heap is past it, or
 * has more memory than it may keep, the collector's thread sees to it, and this call does not wait.
 * `before` (may be NULL) takes the old setting.
 * Thread: any.  GC: may start a cycle.  Fails: GAIT_ERROR_OPTION_VALUE; nothing has changed then.
 */
GAIT_API gait_result gait_heap_set_gogc(gait_heap *heap, int64_t percent, int64_t *before);
GAIT_API gait_result gait_heap_set_memory_limit(gait_heap *heap, int64_t bytes, int64_t *before);
GAIT_API gait_result gait_heap_set_cpu_cap(gait_heap *heap, int64_t percent, int64_t *before);

/* The settings as they are now.  A limit that is GAIT_AUTO stands as a number in the
 * statistics.
 * Thread: any. */
GAIT_API int64_t gait_heap_gogc(const gait_heap *heap);
GAIT_API int64_t gait_heap_memory_limit(const gait_heap *heap);
GAIT_API int64_t gait_heap_cpu_cap(const gait_heap *heap);

/* ---- The table of options ------------------------------------------------------------------- */

typedef enum gait_option_type {
  GAIT_OPTION_COUNT,
  GAIT_OPTION_PERCENT,
  GAIT_OPTION_BYTES,
  GAIT_OPTION_SWITCH,
  GAIT_OPTION_MILLISECONDS,
  GAIT_OPTION_MICROSECONDS,
  GAIT_OPTION_WORD,
  GAIT_OPTION_TEXT, /* the field is a const char *, NULL at first; no number of the row counts */
} gait_option_type;

/* One row of the table of options. */
typedef struct gait_option {
  const char *name;        /* "gogc" */
  const char *environment; /* "GAIT_GOGC" */
  gait_option_type type;
  const char *unit; /* "%", "bytes", ... */
  int64_t initial;
  int64_t minimum;
  int64_t maximum;
  bool may_be_off;     /* the word "off" is a value */
  int64_t off;         /* and stands for this: 0 for a switch, else GAIT_OFF */
  const char *purpose; /* one sentence */
  size_t field;        /* its offset in gait_options */
  /* Of a GAIT_OPTION_WORD: "one, two, three", which are 0, 1, 2.  Of another: "auto", which is
   * GAIT_AUTO, or NULL. */
  const char *words;
} gait_option;

/* Row `index` of the table, or NULL past its end.  An option that gait_options has no field for, as
 * the program's headers have it, has no row. */
static inline const gait_option *gait_option_at(size_t index);

/* ---- With the sizes of the program's structures: abi.h -------------------------------------- */

GAIT_API void gait_stats_read_sized(gait_heap *heap, gait_stats *stats, size_t stats_bytes);
GAIT_API size_t gait_records_read_sized(gait_heap *heap, uint64_t first, gait_cycle_record *records,
                                        size_t count, size_t record_bytes);
GAIT_API int gait_cycle_format_sized(const gait_cycle_record *record, size_t record_bytes,
                                     char *line, size_t line_bytes);
GAIT_API const gait_option *gait_option_at_sized(size_t index, size_t options_bytes);

static inline void gait_stats_read(gait_heap *heap, gait_stats *stats) {
  gait_stats_read_sized(heap, stats, sizeof *stats);
}

static inline size_t gait_records_read(gait_heap *heap, uint64_t first, gait_cycle_record *records,
                                       size_t count) {
  return gait_records_read_sized(heap, first, records, count, sizeof *records);
}

static inline int gait_cycle_format(const gait_cycle_record *record, char *line,
                                    size_t line_bytes) {
  return gait_cycle_format_sized(record, sizeof *record, line, line_bytes);
}

static inline const gait_option *gait_option_at(size_t index) {
  return gait_option_at_sized(index, sizeof(gait_options));
}

#ifdef __cplusplus
}
#endif
#endif
