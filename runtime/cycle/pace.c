#include "cycle/pace.h"

#include <string.h>

#include "cycle/cycle.h"
#include "mark/marking.h"
#include "sweep/sweep.h"

_Static_assert(GAIT_OFF == GAITI_PACER_GC_OFF, "GOGC off is the same word for both");
_Static_assert((int)GAIT_POLICY_GOGC == (int)GAITI_PACER_POLICY_GOGC &&
                   (int)GAIT_POLICY_CPU_BUDGET == (int)GAITI_PACER_POLICY_CPU_BUDGET &&
                   (int)GAIT_POLICY_SQUARE_ROOT == (int)GAITI_PACER_POLICY_SQUARE_ROOT,
               "policies have the same values for both");

/* A heap may be so much over its goal at least before a thread waits for marking: a sum that
 * CPUs tell all at once makes no thread wait by itself. */
#define PACE_STALL_LEAST_BYTES GAITI_PROCS_UNFLUSHED_BYTES

/* Limits that change outside of the heap are looked at so often at most. */
#define PACE_LOOK_NS ((AO_t)1000000000)

double gaiti_pace_assist_ratio(const struct gaiti_pace *pace) {
  AO_t bits = AO_load(&pace->assist_ratio);
  double ratio;
  memcpy(&ratio, &bits, sizeof ratio);
  return ratio;
}

static double pace_share(int64_t percent) {
  return (double)percent / 100.0;
}

static void pace_set_cpus(struct gaiti_pace *pace, double cpus) {
  pace->cpus = cpus;
  AO_store(&pace->whole_cpus, cpus > 1 ? (AO_t)cpus : 1);
}

static int64_t pace_limit(int64_t memory_limit_bytes) {
  return memory_limit_bytes < 0 ? GAITI_PACER_NO_BYTES_LIMIT : memory_limit_bytes;
}

_Static_assert(GAITI_OS_NO_LIMIT == GAITI_PACER_NO_BYTES_LIMIT, "no limit is the same for both");

/* The heap's own limit, which may be that of the control group, as far as that is known. */
static AO_t pace_own_limit(const struct gaiti_pace *pace) {
  if (!AO_load(&pace->limit_is_auto)) return AO_load(&pace->own_limit);
  int64_t limit = gaiti_pacer_group_limit(gaiti_os_memory_limit());
  return limit == GAITI_PACER_NO_BYTES_LIMIT ? GAITI_NO_LIMIT : (AO_t)limit;
}

/* The limit that holds: the heap's own, or its share of a budget. */
static void pace_take_soft_limit(gait_heap *heap) {
  AO_t own = pace_own_limit(&heap->cycle->pace), share = gaiti_member_share(&heap->cycle->member);
  AO_store(&heap->memory_limit, own < share ? own : share);
}

/* The hard limit as a memory limit, in which external bytes count as well: what objects hold
 * outside at this moment comes on top, and so does the headroom that the pacer takes off, but for a
 * thirty-second: nothing passes this limit, however small it is. */
static int64_t pace_hard_limit(const gait_heap *heap) {
  uint64_t hard = gaiti_space_hard_limit(&heap->space), external = AO_load(&heap->externals.bytes);
  if (hard >= GAIT_MAX_EXTERNAL_BYTES) return GAITI_PACER_NO_BYTES_LIMIT;
  int64_t limit = (int64_t)(hard + external);
  return limit + gaiti_pacer_limit_headroom(limit) - (int64_t)hard / 32;
}

/* The pacer knows one limit: the lower of the two. */
static void pace_take_limit(gait_heap *heap) {
  pace_take_soft_limit(heap);
  int64_t soft = pace_limit((int64_t)AO_load(&heap->memory_limit)), hard = pace_hard_limit(heap);
  heap->cycle->pace.limit_is_soft = soft < hard;
  gaiti_pacer_set_memory_limit(&heap->cycle->pace.pacer, soft < hard ? soft : hard);
}

static struct gaiti_pacer_config pace_config(const gait_options *options) {
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  config.policy = (enum gaiti_pacer_policy)options->policy;
  config.gc_percent = options->gogc_percent;
  config.memory_limit_bytes = pace_limit(options->memory_limit_bytes);
  config.minimum_heap_bytes = options->min_heap_bytes;
  config.background_share = pace_share(options->background_percent);
  config.cpu_cap = pace_share(options->cpu_cap_percent);
  config.cpu_budget = pace_share(options->cpu_budget_percent);
  config.square_root_bytes = options->square_root_bytes;
  bool young = !options->barrierless && options->young_percent != GAIT_OFF;
  config.young_survival = young ? pace_share(options->young_percent) : 0;
  gaiti_pacer_config_rely(&config);
  return config;
}

bool gaiti_pace_init(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  const gait_options *options = &heap->options;
  struct gaiti_pacer_config config = pace_config(options);
  if (!gaiti_pacer_init(&pace->pacer, &config)) return false;
  if (!gaiti_lock_init(&pace->lock, GAITI_RANK_PACER)) return false;
  if (!options->cpus) gaiti_os_cpus_learn();
  pace_set_cpus(pace, options->cpus ? (double)options->cpus : gaiti_os_cpus());
  AO_store(&pace->cpu_cap_percent, (AO_t)options->cpu_cap_percent);
  AO_store(&pace->own_limit, (AO_t)options->memory_limit_bytes);
  AO_store(&pace->limit_is_auto, options->memory_limit_bytes == GAIT_AUTO);
  if (AO_load(&pace->limit_is_auto)) gaiti_os_memory_learn();
  pace_take_soft_limit(heap);
  gaiti_pacer_limiter_init(&pace->limiter, (int64_t)gaiti_os_now_ns(), pace->cpus,
                           config.background_share, config.cpu_cap);
  return true;
}

void gaiti_pace_destroy(gait_heap *heap) {
  gaiti_lock_destroy(&heap->cycle->pace.lock);
}

/* ---- Snapshots and decisions; the lock is held ---- */

/* Mapped memory that objects cannot fill: tables, the heap's structures, and the part of the blocks
 * in use that was still unfilled when marking last ended.  The part that is unfilled now is not
 * overhead: allocation will come to it. */
uint64_t gaiti_pace_overhead(const gait_heap *heap) {
  return AO_load(&heap->space.table_bytes) + AO_load(&heap->space.structure_bytes) +
         heap->cycle->pace.slack_bytes;
}

/* Objects at which a young cycle does not look are no work of its. */
static uint64_t pace_scannable(const gait_heap *heap) {
  const struct gaiti_pace *pace = &heap->cycle->pace;
  uint64_t bytes = gaiti_counter_read(&heap->scannable_bytes),
           old = AO_load(&heap->sweep->old_scan_bytes);
  if (!gaiti_pacer_next(&pace->pacer).young) return bytes;
  return bytes > old ? bytes - old : 0;
}

static struct gaiti_pacer_snapshot pace_snapshot(const gait_heap *heap) {
  const struct gaiti_pace *pace = &heap->cycle->pace;
  struct gaiti_pacer_snapshot snapshot = {
      .heap_live_bytes = (int64_t)gaiti_heap_live(heap),
      .heap_scan_bytes = (int64_t)pace_scannable(heap),
      .stack_bytes = (int64_t)pace->stack_bytes,
      .overhead_bytes = (int64_t)gaiti_pace_overhead(heap),
      .heap_work_bytes = (int64_t)AO_load(&heap->marking->scan_bytes),
      .stack_work_bytes = (int64_t)AO_load(&heap->marking->root_bytes),
  };
  gaiti_pacer_limiter_report(&pace->limiter, &snapshot);
  return snapshot;
}

/* Whether the goal follows from the memory limit, or from the CPU cap, which lifted that one. */
static bool pace_limit_is_bound(const struct gaiti_pace *pace) {
  return pace->decision.rule >= GAITI_PACER_RULE_MEMORY_LIMIT;
}

/* Where assists alone have not kept the heap at its goal, be it because the cycle began past it.
 * Past a goal that follows from the memory limit nothing may grow; past another one, a little more
 * heap costs less than a thread that waits. */
static AO_t pace_stall_bytes(const struct gaiti_pace *pace) {
  AO_t goal = (AO_t)pace->decision.goal_bytes;
  if (pace_limit_is_bound(pace)) return goal;
  AO_t from = goal > pace->started_bytes ? goal : pace->started_bytes;
  return from + (goal / 32 > PACE_STALL_LEAST_BYTES ? goal / 32 : PACE_STALL_LEAST_BYTES);
}

static void pace_decide(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  pace_take_limit(heap);
  struct gaiti_pacer_snapshot snapshot = pace_snapshot(heap);
  gaiti_pacer_decide(&pace->pacer, &snapshot, &pace->decision);
  AO_t ratio;
  memcpy(&ratio, &pace->decision.assist_ratio, sizeof ratio);
  AO_store(&pace->assist_ratio, ratio);
  AO_store(&pace->goal_bytes, (AO_t)pace->decision.goal_bytes);
  AO_store(&pace->stall_bytes, pace_stall_bytes(pace));
  AO_store(&pace->limit_unreachable, pace->decision.limit_unreachable);
  AO_store(&pace->limiting, snapshot.limiting);
  AO_store(&pace->limit_bound, pace_limit_is_bound(pace));
  AO_store(&pace->limit_relaxed, pace->decision.rule == GAITI_PACER_RULE_CPU_CAP);
  AO_store_release(&pace->trigger_bytes, (AO_t)pace->decision.trigger_bytes);
}

/* A thread that waits for marking is as good as one that assists: its CPU does nothing for
 * the program. */
static void pace_limiter_feed(struct gaiti_pace *pace) {
  uint64_t assist = AO_load(&pace->assist_ns), idle = AO_load(&pace->idle_ns);
  uint64_t stalled = AO_load(&pace->stalled_ns);
  gaiti_pacer_limiter_add_assist(&pace->limiter, (int64_t)(assist - pace->limited_assist_ns));
  gaiti_pacer_limiter_add_wait(&pace->limiter, (int64_t)(stalled - pace->limited_stalled_ns));
  gaiti_pacer_limiter_add_idle(&pace->limiter, (int64_t)(idle - pace->limited_idle_ns));
  pace->limited_assist_ns = assist;
  pace->limited_idle_ns = idle;
  pace->limited_stalled_ns = stalled;
}

/* The limiter takes background marking for its planned share of the time.  Urgent marking takes
 * more, and that is the collector's as well; but while the program was stopped it was measured. */
static void pace_limiter_feed_excess(struct gaiti_pace *pace) {
  double planned = pace->pacer.config.background_share * pace->cpus *
                   (double)(gaiti_os_now_ns() - pace->started_ns - pace->stopped_ns);
  double took = (double)(AO_load(&pace->background_ns) - pace->stopped_background_ns);
  if (took > planned) gaiti_pacer_limiter_add_assist(&pace->limiter, (int64_t)(took - planned));
}

static void pace_limiter_transition(struct gaiti_pace *pace, bool marking) {
  int64_t now = (int64_t)gaiti_os_now_ns();
  pace_limiter_feed(pace);
  gaiti_pacer_limiter_start_transition(&pace->limiter, now, marking);
  gaiti_pacer_limiter_finish_transition(&pace->limiter, now);
}

/* A stop of all threads has a window of its own at the limiter. */
static void pace_begin_stop(struct gaiti_pace *pace) {
  pace->stopped = true;
  pace->stopped_since_ns = gaiti_os_now_ns();
  pace->stopped_since_background_ns = AO_load(&pace->background_ns);
  pace_limiter_feed(pace);
  gaiti_pacer_limiter_begin_stop(&pace->limiter, (int64_t)pace->stopped_since_ns);
}

/* CPU time that the stopped threads would have had: no more than the collector has left of it. */
static uint64_t pace_lost_cpu_ns(const struct gaiti_pace *pace, uint64_t took_ns,
                                 uint64_t background_ns) {
  double offered = pace->cpus * (double)took_ns, left = offered - (double)background_ns;
  double lost = (double)pace->stopped_threads * (double)took_ns;
  if (left <= 0) return 0;
  return (uint64_t)(lost < left ? lost : left);
}

static void pace_end_stop(struct gaiti_pace *pace) {
  uint64_t now = gaiti_os_now_ns(), took = now - pace->stopped_since_ns;
  uint64_t background = AO_load(&pace->background_ns) - pace->stopped_since_background_ns;
  pace->stopped = false;
  uint64_t lost = pace_lost_cpu_ns(pace, took, background);
  pace->stopped_ns += took;
  pace->stopped_cpu_ns += lost;
  gaiti_counter_add(&pace->total_stopped_cpu_ns, lost);
  pace->stopped_background_ns += background;
  gaiti_counter_add(&pace->total_stopped_ns, took);
  pace_limiter_feed(pace);
  gaiti_pacer_limiter_end_stop(&pace->limiter, (int64_t)now, (int64_t)pace->stopped_threads,
                               (int64_t)background);
}

/* ---- The cycle's moments ---- */

bool gaiti_pace_start_cycle(gait_heap *heap, bool young) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  double cpus = heap->options.cpus ? (double)heap->options.cpus : gaiti_os_cpus();
  gaiti_lock(&pace->lock);
  pace->started_ns = gaiti_os_now_ns();
  pace->started_bytes = gaiti_heap_live(heap);
  pace->stalled_before_ns = AO_load(&pace->stalled_ns);
  pace->limited_assist_ns = pace->limited_idle_ns = 0;
  AO_store(&pace->assist_ns, 0);
  AO_store(&pace->background_ns, 0);
  AO_store(&pace->idle_ns, 0);
  AO_store(&pace->background_credit, 0);
  pace->stopped_ns = pace->stopped_cpu_ns = pace->stopped_background_ns = 0;
  if (cpus != pace->cpus)
    gaiti_pacer_limiter_set_cpus(&pace->limiter, (int64_t)pace->started_ns, cpus);
  pace_set_cpus(pace, cpus);
  pace->plan = gaiti_pacer_plan_workers(cpus, pace_share(heap->options.background_percent));
  pace_limiter_transition(pace, true);
  if (!young) gaiti_pacer_give_up_young(&pace->pacer);
  struct gaiti_pacer_snapshot snapshot = pace_snapshot(heap);
  gaiti_pacer_start_cycle(&pace->pacer, &snapshot);
  pace_decide(heap);
  bool remember = pace->decision.remember;
  gaiti_unlock(&pace->lock);
  return remember;
}

void gaiti_pace_revise(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  if (!gaiti_trylock(&pace->lock)) return;
  int64_t now = (int64_t)gaiti_os_now_ns();
  if (!pace->stopped && gaiti_pacer_limiter_needs_update(&pace->limiter, now)) {
    pace_limiter_feed(pace);
    gaiti_pacer_limiter_update(&pace->limiter, now);
  }
  pace_decide(heap);
  gaiti_unlock(&pace->lock);
}

void gaiti_pace_begin_stop(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  pace_begin_stop(pace);
  gaiti_unlock(&pace->lock);
}

void gaiti_pace_note_stop(gait_heap *heap, uint64_t threads) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  pace->stopped_threads = threads;
  gaiti_unlock(&pace->lock);
}

void gaiti_pace_end_stop(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  pace_end_stop(pace);
  gaiti_unlock(&pace->lock);
}

/* Bytes of blocks in use that hold no object, and would hold none if the heap had come to its goal:
 * space that a cycle leaves unfilled because it began early must not make the next begin
 * earlier. */
static uint64_t pace_unfilled(const gait_heap *heap, uint64_t peak) {
  uint64_t outside = AO_load(&heap->space.table_bytes) + AO_load(&heap->space.structure_bytes) +
                     gaiti_space_free_bytes(&heap->space) + gaiti_counter_read(&heap->live_bytes);
  uint64_t mapped = gaiti_space_mapped(&heap->space);
  uint64_t unfilled = mapped > outside ? mapped - outside : 0;
  uint64_t goal = AO_load(&heap->cycle->pace.goal_bytes);
  uint64_t to_come = goal > peak ? goal - peak : 0;
  return unfilled > to_come ? unfilled - to_come : 0;
}

/* Unfilled space counts as overhead only when allocation was refused a block: it had come to no
 * more of the room.  A sixteenth is tried again each cycle (.goal.holes in
 * docs/design/pacer.md). */
static uint64_t pace_slack(const gait_heap *heap, uint64_t peak) {
  const struct gaiti_pace *pace = &heap->cycle->pace;
  uint64_t unfilled = pace_unfilled(heap, peak);
  bool measured = AO_load(&pace->limit_refused) || unfilled < pace->slack_bytes;
  return (measured ? unfilled : pace->slack_bytes) / 16 * 15;
}

void gaiti_pace_learn_survival(gait_heap *heap, uint64_t allocated_bytes, uint64_t survived_bytes) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  gaiti_pacer_learn_survival(&pace->pacer, (int64_t)allocated_bytes, (int64_t)survived_bytes);
  gaiti_unlock(&pace->lock);
}

static struct gaiti_pacer_cycle pace_cycle(const gait_heap *heap,
                                           const struct gaiti_pace_end *end) {
  const struct gaiti_pace *pace = &heap->cycle->pace;
  return (struct gaiti_pacer_cycle){
      .marked_bytes = (int64_t)end->marked_bytes,
      .black_bytes = (int64_t)AO_load(&heap->black_bytes),
      .duration_ns = (int64_t)(gaiti_os_now_ns() - pace->started_ns),
      .assist_ns = (int64_t)AO_load(&pace->assist_ns),
      .background_ns = (int64_t)AO_load(&pace->background_ns),
      .idle_ns = (int64_t)AO_load(&pace->idle_ns),
      .cpus = pace->cpus,
      .stalled = AO_load(&pace->stalled_ns) != pace->stalled_before_ns,
      .young = heap->generation.young,
      .remembered = heap->generation.remembers,
  };
}

struct gaiti_pacer_next gaiti_pace_end_cycle(gait_heap *heap, const struct gaiti_pace_end *end) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  pace->live_bytes = end->marked_bytes - end->reserved_bytes;
  pace->slack_bytes = pace_slack(heap, end->peak_bytes);
  AO_store(&pace->limit_refused, false);
  pace->stack_bytes = AO_load(&heap->marking->root_bytes);
  pace->started_bytes = 0;
  bool stopped = pace->stopped;
  if (stopped) pace_end_stop(pace);
  pace_limiter_feed_excess(pace);
  pace_limiter_transition(pace, false);
  struct gaiti_pacer_snapshot snapshot = pace_snapshot(heap);
  snapshot.heap_live_bytes = (int64_t)end->peak_bytes;
  struct gaiti_pacer_cycle cycle = pace_cycle(heap, end);
  gaiti_pacer_end_cycle(&pace->pacer, &snapshot, &cycle);
  pace->uncounted = true;
  pace->uncounted_cpu_ns = 0 - gaiti_os_thread_cpu_ns();
  gaiti_counter_add(&pace->total_assist_ns, AO_load(&pace->assist_ns));
  gaiti_counter_add(&pace->total_background_ns, AO_load(&pace->background_ns));
  gaiti_counter_add(&pace->total_idle_ns, AO_load(&pace->idle_ns));
  struct gaiti_pacer_next next = gaiti_pacer_next(&pace->pacer);
  if (stopped) pace_begin_stop(pace);
  gaiti_unlock(&pace->lock);
  return next;
}

void gaiti_pace_hand_over(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  if (pace->uncounted) pace->uncounted_cpu_ns += gaiti_os_thread_cpu_ns();
}

void gaiti_pace_take_over(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  if (pace->uncounted) pace->uncounted_cpu_ns -= gaiti_os_thread_cpu_ns();
}

static int64_t pace_fail_after_ns(const gait_options *options) {
  if (options->fail_after_ms == GAIT_OFF) return GAITI_LADDER_NEVER;
  return options->fail_after_ms * (int64_t)GAITI_NS_OF_MS;
}

/* The step under the memory limit, of the heap that a cycle has left. */
static void pace_climb(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_ladder_climb(&pace->ladder, (int64_t)gaiti_os_now_ns(), pace_fail_after_ns(&heap->options),
                     pace->limit_is_soft, &pace->decision);
  AO_store(&pace->limit_fails,
           pace->ladder.step == GAITI_LADDER_FAIL && heap->options.fail_by == GAIT_FAIL_BY_NULL);
}

/* The CPU time of the cycle since marking ended, as for sweeping, counts against the cap as
 * well. */
void gaiti_pace_publish(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  if (pace->uncounted)
    gaiti_pacer_limiter_add_assist(&pace->limiter,
                                   (int64_t)(pace->uncounted_cpu_ns + gaiti_os_thread_cpu_ns()));
  pace->uncounted = false;
  pace_decide(heap);
  pace_climb(heap);
  gaiti_unlock(&pace->lock);
}

uint64_t gaiti_pace_used(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  uint64_t bytes = (uint64_t)pace->pacer.marked_bytes + gaiti_pace_overhead(heap);
  gaiti_unlock(&pace->lock);
  return bytes;
}

void gaiti_pace_review(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  pace_decide(heap);
  gaiti_unlock(&pace->lock);
}

uint64_t gaiti_pace_live(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  uint64_t bytes = pace->live_bytes;
  gaiti_unlock(&pace->lock);
  return bytes;
}

/* ---- Settings ---- */

int64_t gaiti_pace_gogc(const gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  int64_t percent = pace->pacer.config.gc_percent;
  gaiti_unlock(&pace->lock);
  return percent;
}

gait_result gaiti_pace_set_gogc(gait_heap *heap, int64_t percent, int64_t *before) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  int64_t old = pace->pacer.config.gc_percent;
  bool set = gaiti_pacer_set_gc_percent(&pace->pacer, percent);
  if (set) pace_decide(heap);
  gaiti_unlock(&pace->lock);
  if (!set) return GAIT_ERROR_OPTION_VALUE;
  if (before) *before = old;
  return GAIT_OK;
}

static int64_t pace_memory_limit(const gait_heap *heap) {
  bool is_auto = AO_load(&heap->cycle->pace.limit_is_auto) != 0;
  return is_auto ? GAIT_AUTO : (int64_t)AO_load(&heap->cycle->pace.own_limit);
}

gait_result gaiti_pace_set_memory_limit(gait_heap *heap, int64_t bytes, int64_t *before) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  if (bytes == GAIT_AUTO) gaiti_os_memory_learn();
  gaiti_lock(&pace->lock);
  int64_t old = pace_memory_limit(heap);
  AO_store(&pace->limit_is_auto, bytes == GAIT_AUTO);
  AO_store(&pace->own_limit, (AO_t)bytes);
  pace_decide(heap);
  gaiti_unlock(&pace->lock);
  if (before) *before = old;
  return GAIT_OK;
}

gait_result gaiti_pace_set_cpu_cap(gait_heap *heap, int64_t percent, int64_t *before) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  int64_t old = (int64_t)AO_load(&pace->cpu_cap_percent);
  struct gaiti_pacer_config config = pace->pacer.config;
  config.cpu_cap = pace_share(percent);
  AO_store(&pace->cpu_cap_percent, (AO_t)percent);
  gaiti_pacer_configure(&pace->pacer, &config);
  gaiti_pacer_limiter_set_cap(&pace->limiter, (int64_t)gaiti_os_now_ns(), config.cpu_cap);
  pace_decide(heap);
  gaiti_unlock(&pace->lock);
  if (before) *before = old;
  return GAIT_OK;
}

static gait_limit_cause pace_limit_cause(const struct gaiti_pace *pace) {
  if (pace->ladder.step < GAITI_LADDER_CAP) return GAIT_LIMIT_FITS;
  return pace->decision.limit_unreachable ? GAIT_LIMIT_LIVE : GAIT_LIMIT_CPU;
}

bool gaiti_pace_take_limit_report(gait_heap *heap, gait_limit_report *report) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  struct gaiti_pacer_snapshot snapshot = pace_snapshot(heap);
  bool changed = pace->reported != pace->ladder.step;
  *report = (gait_limit_report){
      .step = (gait_limit_step)pace->ladder.step,
      .before = (gait_limit_step)pace->reported,
      .cause = pace_limit_cause(pace),
      .live_bytes = pace->live_bytes,
      .memory_limit_bytes = (int64_t)AO_load(&heap->memory_limit),
      .suggested_limit_bytes = gaiti_ladder_suggest(&pace->pacer, &snapshot),
      .cpu_cap_percent = (int64_t)AO_load(&pace->cpu_cap_percent),
      .at_cap_ns = (uint64_t)gaiti_ladder_at_cap_ns(&pace->ladder, (int64_t)gaiti_os_now_ns()),
      .fail_after_ms = heap->options.fail_after_ms,
  };
  pace->reported = pace->ladder.step;
  gaiti_unlock(&pace->lock);
  return changed;
}

int64_t gaiti_pace_memory_limit(const gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  int64_t bytes = pace_memory_limit(heap);
  gaiti_unlock(&pace->lock);
  return bytes;
}

double gaiti_pace_pressure(const gait_heap *heap) {
  return AO_load(&heap->cycle->pace.limit_is_auto) ? gaiti_os_memory_pressure() : 0;
}

bool gaiti_pace_looks(const gait_heap *heap) {
  return AO_load(&heap->cycle->pace.limit_is_auto) != 0;
}

bool gaiti_pace_has_to_look(const gait_heap *heap) {
  return gaiti_pace_looks(heap) &&
         (AO_t)gaiti_os_now_ns() - AO_load(&heap->cycle->pace.looked_ns) >= PACE_LOOK_NS;
}

void gaiti_pace_look(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  if (gaiti_os_memory_is_old()) gaiti_os_memory_learn();
  gaiti_lock(&pace->lock);
  AO_store(&pace->looked_ns, (AO_t)gaiti_os_now_ns());
  pace_decide(heap);
  gaiti_unlock(&pace->lock);
}

struct gaiti_pacer_release gaiti_pace_plan_release(gait_heap *heap) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  pace_take_limit(heap);
  struct gaiti_pacer_snapshot snapshot = pace_snapshot(heap);
  struct gaiti_pacer_release release = gaiti_pacer_plan_release(
      &pace->pacer, &snapshot,
      (int64_t)(gaiti_space_mapped(&heap->space) + AO_load(&heap->externals.bytes)));
  gaiti_unlock(&pace->lock);
  return release;
}
