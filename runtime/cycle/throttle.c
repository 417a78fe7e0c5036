/* The throttle.
 *
 * In this order: act on a handshake; run the inline cycle that is due; pay the assists that are
 * owed; past the goal, mark or wait for marking (throttle_stall).
 *
 * When the memory limit stands in the way of an allocation, the thread waits for the cycle that the
 * limit started, unless the collector has had its share of CPU time already: then the heap grows
 * past the limit, as Go's does and for the same reason (a limit that starves the program is of no
 * use), to the goal that the CPU cap sets.  The hard limit (the option max_heap) is passed by
 * nothing: there the thread waits for a cycle whatever that costs, and when that has made no room
 * the allocation fails.  So is a memory limit that the heap has been over for too long (the option
 * fail_after), but for one cycle. */
#include "cycle/throttle.h"

#include "cycle/assist.h"
#include "cycle/collector.h"
#include "cycle/cycle.h"
#include "cycle/present.h"
#include "os/virtual.h"

/* Cycles that an allocation waits for at the hard limit: where the heap has no room, and where it
 * has, which other threads were the first to take. */
#define THROTTLE_HARD_CYCLES      1
#define THROTTLE_HARD_CYCLES_MOST 8
/* An allocation waits for marking so long at most. */
#define THROTTLE_STALL_NS ((uint64_t)10000000)

/* ---- Before an allocation ---- */

static void throttle_debug_cycle(gait_thread *thread) {
  uint64_t every = (uint64_t)thread->heap->options.debug.collect_every;
  if (++thread->allocations_until_debug_cycle < every) return;
  thread->allocations_until_debug_cycle = 0;
  gaiti_collector_collect(thread, GAIT_CAUSE_DEBUG);
}

/* While the CPU limiter limits, a thread that waits marks only if the cap has room for that beside
 * the workers' share. */
static bool throttle_may_mark(const gait_heap *heap) {
  const struct gaiti_pace *pace = &heap->cycle->pace;
  return !gaiti_pace_limiting(pace) ||
         AO_load(&pace->cpu_cap_percent) > (AO_t)heap->options.background_percent;
}

/* The heap is past its goal, and the collector may do something about it: while the CPU limiter
 * limits, past the goal that the CPU cap sets, and no other.  A large object that brought the heap
 * past its goal does not count before the cycle that it asked for begins, but for the memory limit:
 * no collector could have begun sooner. */
static bool throttle_is_past_goal(const gait_heap *heap) {
  const struct gaiti_pace *pace = &heap->cycle->pace;
  AO_t excused = AO_load(&pace->limit_bound) ? 0 : AO_load(&heap->cycle->requests.asking_bytes);
  if (gaiti_heap_live(heap) < AO_load(&pace->stall_bytes) + excused) return false;
  return !gaiti_pace_limiting(pace) || AO_load(&pace->limit_relaxed);
}

/* Past its goal, the thread marks once, whether it owes or not, and while marking has not begun or
 * has nothing that it could mark, it waits.  Nothing else would keep the heap from growing while
 * the collector's threads do not get a CPU.  It does not wait for ever: a collector that
 * comes to nothing stops no thread. */
static void throttle_stall(gait_thread *thread) {
  gait_heap *heap = thread->heap;
  if (!throttle_is_past_goal(heap)) return;
  uint64_t deadline_ns = gaiti_os_now_ns() + THROTTLE_STALL_NS;
  while (throttle_is_past_goal(heap) && gaiti_os_now_ns() < deadline_ns) {
    enum gaiti_phase phase = gaiti_phase(heap);
    if (gaiti_phase_marks(phase) && throttle_may_mark(heap) && gaiti_assist_step(thread)) return;
    if (phase == GAITI_PHASE_IDLE) gaiti_throttle_account(thread, 0);
    if (!gaiti_collector_inline_is_due(heap) || !gaiti_collector_run_inline(thread))
      gaiti_collector_stall(thread);
    gaiti_poll(thread);
  }
}

static void throttle_serve(gait_thread *thread) {
  gaiti_poll(thread);
  if (gaiti_collector_inline_is_due(thread->heap)) gaiti_collector_run_inline(thread);
}

void gaiti_throttle_pay(gait_thread *thread) {
  throttle_serve(thread);
  if (thread->heap->options.debug.collect_every) throttle_debug_cycle(thread);
  gaiti_assist_pay(thread);
  throttle_stall(thread);
}

void gaiti_throttle_account(gait_thread *thread, size_t bytes) {
  struct gaiti_pace *pace = &thread->heap->cycle->pace;
  gaiti_os_count_alloc(bytes);
  gaiti_assist_charge(thread, bytes);
  uint64_t live = gaiti_heap_live(thread->heap);
  gaiti_present_note_growth(thread->heap, live);
  if (live < AO_load(&pace->trigger_bytes)) return;
  if (gaiti_phase(thread->heap) != GAITI_PHASE_IDLE || gaiti_collector_inline_is_due(thread->heap))
    return;
  bool limit = AO_load(&pace->limit_bound) != 0;
  gaiti_collector_request(thread->heap, limit ? GAIT_CAUSE_MEMORY_LIMIT : GAIT_CAUSE_GOGC, bytes);
}

/* ---- For want of memory ---- */

/* The CPU cap has lifted the goal over the limit, and the heap is not there yet. */
static bool throttle_is_relaxed(const gait_heap *heap) {
  const struct gaiti_pace *pace = &heap->cycle->pace;
  return AO_load(&pace->limit_relaxed) && gaiti_heap_live(heap) < AO_load(&pace->goal_bytes);
}

/* Bytes that may be mapped under the memory limit, which external bytes of objects share. */
static uint64_t throttle_soft_limit(const gait_heap *heap, const struct gaiti_attempt *attempt) {
  uint64_t limit = AO_load(&heap->memory_limit), external = AO_load(&heap->externals.bytes);
  bool none = limit == GAITI_NO_LIMIT || attempt->over_limit || throttle_is_relaxed(heap);
  if (none) return GAITI_NO_LIMIT;
  return limit > external ? limit - external : 0;
}

/* The heap has been over the limit for too long: nothing more is let past it. */
static bool throttle_fails(const gait_heap *heap) {
  return AO_load(&heap->cycle->pace.limit_fails) != 0;
}

/* The limit as a hard one. */
static uint64_t throttle_last_limit(const gait_heap *heap) {
  uint64_t limit = AO_load(&heap->memory_limit), external = AO_load(&heap->externals.bytes);
  return limit > external ? limit - external : 0;
}

uint64_t gaiti_throttle_limit(const gait_heap *heap, const struct gaiti_attempt *attempt) {
  uint64_t soft = throttle_fails(heap) ? throttle_last_limit(heap)
                                       : throttle_soft_limit(heap, attempt),
           hard = gaiti_space_hard_limit(&heap->space);
  return soft < hard ? soft : hard;
}

/* The memory limit stands in the way: waits for a cycle to make room, or lets the heap grow past
 * it when two cycles have not, or one under a limit out of reach, or when the collector may not use
 * more CPU time. */
static void throttle_wait_for_limit(gait_thread *thread, struct gaiti_attempt *attempt) {
  struct gaiti_pace *pace = &thread->heap->cycle->pace;
  uint64_t most = AO_load(&pace->limit_unreachable) ? 1 : 2;
  if (gaiti_pace_limiting(pace) || attempt->soft_cycles >= most) {
    attempt->over_limit = true;
    return;
  }
  if (gaiti_assist_step(thread)) {
    gaiti_poll(thread);
    return;
  }
  attempt->soft_cycles++;
  gaiti_collector_wait_for_cycle(thread, GAIT_CAUSE_MEMORY_LIMIT);
}

/* Whether the live heap of the last cycle leaves a quarter of the hard limit, and room for this
 * object. */
static bool throttle_has_room(gait_heap *heap, size_t bytes) {
  uint64_t live = gaiti_pace_live(heap), external = AO_load(&heap->externals.bytes);
  uint64_t objects = live > external ? live - external : 0;
  return objects + bytes < gaiti_space_hard_limit(&heap->space) / 4 * 3;
}

/* One cycle may end the time in which the heap fails; more are not tried, since it is time that
 * they have been tried for. */
static bool throttle_wait_once(gait_thread *thread, struct gaiti_attempt *attempt) {
  if (attempt->hard_cycles++ > 0) return false;
  gaiti_collector_wait_for_cycle(thread, GAIT_CAUSE_MEMORY_LIMIT);
  return true;
}

/* A limit has kept a block from the thread. */
bool gaiti_throttle_wait(gait_thread *thread, size_t bytes, struct gaiti_attempt *attempt) {
  gait_heap *heap = thread->heap;
  AO_store(&heap->cycle->pace.limit_refused, true);
  if (throttle_fails(heap)) return throttle_wait_once(thread, attempt);
  if (throttle_soft_limit(heap, attempt) < gaiti_space_hard_limit(&heap->space)) {
    throttle_wait_for_limit(thread, attempt);
    return true;
  }
  uint64_t most = throttle_has_room(heap, bytes) ? THROTTLE_HARD_CYCLES_MOST : THROTTLE_HARD_CYCLES;
  if (attempt->hard_cycles++ >= most) return false;
  gaiti_collector_wait_for_cycle(thread, GAIT_CAUSE_MEMORY_LIMIT);
  return true;
}

/* ---- External bytes ---- */

/* Mapped bytes past the part of the memory limit that external bytes leave for them. */
static uint64_t throttle_over_limit(const gait_heap *heap, const struct gaiti_attempt *attempt) {
  uint64_t mapped = gaiti_space_mapped(&heap->space), limit = throttle_soft_limit(heap, attempt);
  return mapped > limit ? mapped - limit : 0;
}

/* Free memory of the heap makes room for external bytes, as it does for a block elsewhere. */
static void throttle_keep_limit(gait_thread *thread) {
  gait_heap *heap = thread->heap;
  struct gaiti_attempt attempt = {0};
  for (uint64_t over; (over = throttle_over_limit(heap, &attempt)) > 0;)
    if (gaiti_space_release(&heap->space, &heap->map, over) == 0)
      throttle_wait_for_limit(thread, &attempt);
}

/* The bytes are there already, and count before the thread waits: other threads that look at the
 * heap in between see them.  A thread does not wait for an object that holds less than before. */
void gaiti_throttle_account_external(gait_thread *thread, size_t bytes) {
  gaiti_throttle_account(thread, bytes);
  throttle_serve(thread);
  gaiti_assist_pay(thread);
  if (bytes == 0) return;
  throttle_stall(thread);
  throttle_keep_limit(thread);
}
