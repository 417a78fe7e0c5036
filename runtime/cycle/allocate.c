/* The slow path of allocation, for a run that is at its end.
 *
 * In this order, and nothing between the last two steps, so that the slot handed out is still this
 * thread's: act on a handshake; run the cycle that is offered; pay the assists that are owed; past
 * the goal, mark or wait for marking (allocate_stall); find memory, waiting for a cycle if there is
 * none; take a run; hand out its first slot.
 *
 * Where memory comes from: the block that the cache owns; a swept block with free slots; while
 * sweeping goes on, a few stretches swept here, since they may give one; a free block.  When the
 * memory limit forbids that, the thread waits for the cycle that the limit started, unless the
 * collector has had its share of CPU time already: then the heap grows past the limit, as Go's does
 * and for the same reason (a limit that starves the program is of no use), to the goal that the CPU
 * cap sets.  The hard limit (the option max_heap) is passed by nothing: there the thread waits for
 * a cycle whatever that costs, and when that has made no room, or when the system gives nothing, a
 * collection and then the embedder's handler have their turn, and then NULL. */
#include "alloc/cache.h"
#include "alloc/supply.h"
#include "base/check.h"
#include "cycle/assist.h"
#include "cycle/collector.h"
#include "cycle/cycle.h"

/* Stretches that an allocation sweeps before it takes a free block. */
#define ALLOCATE_SWEEP_STRETCHES 4
/* Cycles that an allocation waits for at the hard limit: where the heap has no room, and where it
 * has, which other threads were the first to take. */
#define ALLOCATE_HARD_CYCLES      1
#define ALLOCATE_HARD_CYCLES_MOST 8
/* An allocation waits for marking so long at most. */
#define ALLOCATE_STALL_NS ((uint64_t)10000000)

/* The attempts of an allocation: cycles that it waited for because of the memory limit, and because
 * of the hard one; whether it may pass the memory limit now; whether it has collected because the
 * system gave nothing. */
struct attempt {
  uint64_t cycles_waited, hard_waited;
  bool over_limit;
  bool recovered;
};

/* ---- Before ---- */

static void allocate_debug_cycle(gait_thread *thread) {
  uint64_t every = (uint64_t)thread->heap->options.debug.collect_every;
  if (++thread->allocations_until_debug_cycle < every) return;
  thread->allocations_until_debug_cycle = 0;
  gaiti_collector_collect(thread, GAIT_CAUSE_DEBUG);
}

/* While the CPU limiter limits, a thread that waits marks only if the cap has room for that beside
 * the workers' share. */
static bool allocate_may_mark(const gait_heap *heap) {
  const gait_options *options = &heap->options;
  return !gaiti_pace_limiting(&heap->cycle->pace) ||
         options->cpu_cap_percent > options->background_percent;
}

/* The heap is past its goal, and the collector may do something about it: while the CPU limiter
 * limits, past the goal that the CPU cap sets, and no other.  A large object that brought the heap
 * past its goal does not count before the cycle that it asked for begins, but for the memory limit:
 * no collector could have begun sooner. */
static bool allocate_is_past_goal(const gait_heap *heap) {
  const struct gaiti_pace *pace = &heap->cycle->pace;
  AO_t excused = AO_load(&pace->limit_rules) ? 0 : AO_load(&heap->cycle->asking_bytes);
  if (gaiti_heap_live(heap) < AO_load(&pace->stall_bytes) + excused) return false;
  return !gaiti_pace_limiting(pace) || AO_load(&pace->relieved);
}

/* Past its goal, the thread marks once, whether it owes or not, and while marking has not begun or
 * has nothing that it could mark, it waits.  Nothing else would keep the heap from growing while
 * the collector's threads do not get a processor.  It does not wait for ever: a collector that
 * comes to nothing stops no thread. */
static void allocate_stall(gait_thread *thread) {
  gait_heap *heap = thread->heap;
  if (!allocate_is_past_goal(heap)) return;
  uint64_t until_ns = gaiti_os_now_ns() + ALLOCATE_STALL_NS;
  while (allocate_is_past_goal(heap) && gaiti_os_now_ns() < until_ns) {
    enum gaiti_phase phase = gaiti_phase(heap);
    bool marking = phase == GAITI_PHASE_MARK || phase == GAITI_PHASE_END;
    if (marking && allocate_may_mark(heap) && gaiti_assist_step(thread)) return;
    if (phase == GAITI_PHASE_IDLE) gaiti_allocation_account(thread, 0);
    if (!gaiti_collector_offers(heap) || !gaiti_collector_accept(thread))
      gaiti_collector_stall(thread);
    gait_poll(thread);
  }
}

static void allocate_serve(gait_thread *thread) {
  gait_poll(thread);
  if (gaiti_collector_offers(thread->heap)) gaiti_collector_accept(thread);
}

static void allocate_prepare(gait_thread *thread) {
  allocate_serve(thread);
  if (thread->heap->options.debug.collect_every) allocate_debug_cycle(thread);
  gaiti_assist_pay(thread);
  allocate_stall(thread);
}

void gaiti_allocation_account(gait_thread *thread, size_t bytes) {
  struct gaiti_pace *pace = &thread->heap->cycle->pace;
  gaiti_assist_charge(thread, bytes);
  if (gaiti_heap_live(thread->heap) < AO_load(&pace->trigger_bytes)) return;
  if (gaiti_phase(thread->heap) != GAITI_PHASE_IDLE || gaiti_collector_offers(thread->heap)) return;
  bool limit = AO_load(&pace->limit_rules) != 0;
  gaiti_collector_request(thread->heap, limit ? GAIT_CAUSE_MEMORY_LIMIT : GAIT_CAUSE_GOGC, bytes);
}

/* ---- No memory ---- */

/* The CPU cap has lifted the goal over the limit, and the heap is not there yet. */
static bool allocate_is_relieved(const gait_heap *heap) {
  const struct gaiti_pace *pace = &heap->cycle->pace;
  return AO_load(&pace->relieved) && gaiti_heap_live(heap) < AO_load(&pace->goal_bytes);
}

/* Bytes that may be mapped under the memory limit, which external bytes of objects share. */
static uint64_t allocate_soft_limit(const gait_heap *heap, const struct attempt *attempt) {
  uint64_t limit = AO_load(&heap->memory_limit), external = AO_load(&heap->externals.bytes);
  bool none = limit == GAITI_NO_LIMIT || attempt->over_limit || allocate_is_relieved(heap);
  if (none) return GAITI_NO_LIMIT;
  return limit > external ? limit - external : 0;
}

/* The same under both limits. */
static uint64_t allocate_limit(const gait_heap *heap, const struct attempt *attempt) {
  uint64_t soft = allocate_soft_limit(heap, attempt), hard = gaiti_space_hard_limit(&heap->space);
  return soft < hard ? soft : hard;
}

/* The memory limit stands in the way: waits for a cycle to make room, or lets the heap grow past
 * it when two cycles have not, or one under a limit out of reach, or when the collector may not use
 * more CPU time. */
static void allocate_wait_for_limit(gait_thread *thread, struct attempt *attempt) {
  struct gaiti_pace *pace = &thread->heap->cycle->pace;
  uint64_t most = AO_load(&pace->limit_unreachable) ? 1 : 2;
  if (gaiti_pace_limiting(pace) || attempt->cycles_waited >= most) {
    attempt->over_limit = true;
    return;
  }
  if (gaiti_assist_step(thread)) {
    gait_poll(thread);
    return;
  }
  attempt->cycles_waited++;
  gaiti_collector_wait_for_cycle(thread, GAIT_CAUSE_MEMORY_LIMIT);
}

/* The same where it has kept a block from the thread. */
static void allocate_wait_for_block(gait_thread *thread, struct attempt *attempt) {
  AO_store(&thread->heap->cycle->pace.refused, true);
  allocate_wait_for_limit(thread, attempt);
}

/* The system gives no memory: false when the allocation has to fail. */
static bool allocate_recover(gait_thread *thread, size_t bytes, struct attempt *attempt) {
  const gait_options *options = &thread->heap->options;
  if (attempt->recovered &&
      (!options->out_of_memory ||
       options->out_of_memory(thread->heap, bytes, options->out_of_memory_arg) == 0))
    return false;
  attempt->recovered = true;
  gaiti_collector_collect(thread, GAIT_CAUSE_OUT_OF_MEMORY);
  return true;
}

/* Whether what the last cycle found live leaves a quarter of the hard limit, and room for this
 * object. */
static bool allocate_has_room(gait_heap *heap, size_t bytes) {
  uint64_t live = gaiti_pace_live(heap), external = AO_load(&heap->externals.bytes);
  uint64_t objects = live > external ? live - external : 0;
  return objects + bytes < gaiti_space_hard_limit(&heap->space) / 4 * 3;
}

/* One of the limits stands in the way.  The hard one lets nothing pass: cycles make room, or the
 * allocation fails as where the system gives nothing.  False when it has to fail. */
static bool allocate_make_room(gait_thread *thread, size_t bytes, struct attempt *attempt) {
  gait_heap *heap = thread->heap;
  if (allocate_soft_limit(heap, attempt) < gaiti_space_hard_limit(&heap->space)) {
    allocate_wait_for_block(thread, attempt);
    return true;
  }
  AO_store(&heap->cycle->pace.refused, true);
  uint64_t most = allocate_has_room(heap, bytes) ? ALLOCATE_HARD_CYCLES_MOST : ALLOCATE_HARD_CYCLES;
  if (attempt->hard_waited++ >= most) return allocate_recover(thread, bytes, attempt);
  gaiti_collector_wait_for_cycle(thread, GAIT_CAUSE_MEMORY_LIMIT);
  return true;
}

/* ---- Small objects ---- */

/* A swept block with free slots, swept here if need be. */
static uint32_t allocate_find_swept(gait_heap *heap, uint16_t kind, unsigned size_class) {
  uint32_t block = gaiti_supply_available(heap, kind, size_class);
  for (int i = 0; block == GAITI_NO_BLOCK && i < ALLOCATE_SWEEP_STRETCHES; i++) {
    if (!gaiti_sweep_some(heap)) break;
    block = gaiti_supply_available(heap, kind, size_class);
  }
  return block;
}

/* Gives the cache a block.  False when the allocation has to fail. */
static bool allocate_find_block(gait_thread *thread, uint16_t kind, unsigned size_class,
                                size_t bytes, struct attempt *attempt) {
  gait_heap *heap = thread->heap;
  uint32_t block = allocate_find_swept(heap, kind, size_class);
  enum gaiti_take take = GAITI_TAKE_OK;
  if (block == GAITI_NO_BLOCK) {
    take = gaiti_supply_block(heap, thread->proc, kind, size_class, allocate_limit(heap, attempt),
                              &block);
    if (gaiti_space_is_short(&heap->space)) gaiti_collector_prepare(heap);
  }
  switch (take) {
  case GAITI_TAKE_OK: gaiti_cache_own(thread->proc, kind, size_class, block); return true;
  case GAITI_TAKE_LIMIT: return allocate_make_room(thread, bytes, attempt);
  case GAITI_TAKE_FAILED: return allocate_recover(thread, bytes, attempt);
  }
  return false;
}

/* Sees that the cache has a slot to hand out.  A thread that waits may come back with another
 * processor, whose cache has slots already.  False when the allocation has to fail. */
static bool allocate_fill(gait_thread *thread, uint16_t kind, unsigned size_class, size_t bytes,
                          size_t *run_bytes) {
  struct attempt attempt = {0};
  for (;;) {
    const struct gaiti_row *row = gaiti_proc_row(thread->heap, thread->proc, kind);
    if (!row) {
      if (!allocate_recover(thread, bytes, &attempt)) return false;
      continue;
    }
    const struct gait_cursor *cursor = &row->cursors[size_class];
    if (cursor->next != cursor->limit ||
        gaiti_cache_refill(thread, kind, size_class, run_bytes) == GAITI_REFILL_OK)
      return true;
    if (!allocate_find_block(thread, kind, size_class, bytes, &attempt)) return false;
  }
}

static void *allocate_small(gait_thread *thread, uint16_t kind, unsigned size_class, size_t bytes) {
  size_t run_bytes = 0;
  if (!allocate_fill(thread, kind, size_class, bytes, &run_bytes)) return NULL;
  struct gait_cursor *cursor = &gaiti_row_of(thread->proc, kind)->cursors[size_class];
  void *object = cursor->next;
  cursor->next += gaiti_class_bytes(size_class);
  gaiti_allocation_account(thread, run_bytes);
  return object;
}

/* ---- Large objects ---- */

static void *allocate_large(gait_thread *thread, uint16_t kind, size_t bytes) {
  gait_heap *heap = thread->heap;
  struct attempt attempt = {0};
  void *object = NULL;
  for (;;) {
    switch (gaiti_supply_large(thread, kind, bytes, allocate_limit(heap, &attempt), &object)) {
    case GAITI_TAKE_OK: gaiti_allocation_account(thread, bytes); return object;
    case GAITI_TAKE_LIMIT:
      if (!allocate_make_room(thread, bytes, &attempt)) return NULL;
      break;
    case GAITI_TAKE_FAILED:
      if (!allocate_recover(thread, bytes, &attempt)) return NULL;
      break;
    }
  }
}

/* ---- External bytes ---- */

/* Mapped bytes past the part of the memory limit that external bytes leave for them. */
static uint64_t allocate_over_limit(const gait_heap *heap, const struct attempt *attempt) {
  uint64_t mapped = gaiti_space_mapped(&heap->space), limit = allocate_soft_limit(heap, attempt);
  return mapped > limit ? mapped - limit : 0;
}

/* Free memory of the heap makes room for external bytes, as it does for a block elsewhere. */
static void allocate_keep_limit(gait_thread *thread) {
  gait_heap *heap = thread->heap;
  struct attempt attempt = {0};
  for (uint64_t over; (over = allocate_over_limit(heap, &attempt)) > 0;)
    if (gaiti_space_release(&heap->space, &heap->map, over) == 0)
      allocate_wait_for_limit(thread, &attempt);
}

/* The bytes are there already, and count before the thread waits: other threads that look at the
 * heap in between see them.  A thread does not wait for an object that holds less than before. */
void gaiti_allocation_account_external(gait_thread *thread, size_t bytes) {
  gaiti_allocation_account(thread, bytes);
  allocate_serve(thread);
  gaiti_assist_pay(thread);
  if (bytes == 0) return;
  allocate_stall(thread);
  allocate_keep_limit(thread);
}

/* ---- The public functions ---- */

void *gait_alloc_slow(gait_thread *thread, gait_kind kind, size_t bytes) {
  REQUIRE_RESULT("alloc.kind", gaiti_heap_has_kind(thread->heap, kind),
                 "the kind belongs to another heap", NULL);
  REQUIRE("alloc.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
          "the thread is outside managed code");
  if (bytes == 0 || bytes > GAIT_MAX_OBJECT_BYTES) return NULL;
  allocate_prepare(thread);
  if (bytes > GAIT_SMALL_BYTES) return allocate_large(thread, kind.index, bytes);
  return allocate_small(thread, kind.index, gait_size_class(bytes), bytes);
}

static bool allocate_is_power_of_two(size_t number) {
  return number != 0 && (number & (number - 1)) == 0;
}

void *gait_alloc_aligned(gait_thread *thread, gait_kind kind, size_t bytes, size_t alignment) {
  REQUIRE_ARGUMENT(thread);
  if (alignment > GAIT_MAX_ALIGNMENT || !allocate_is_power_of_two(alignment)) return NULL;
  if (alignment <= GAIT_GRANULE_BYTES) return gait_alloc(thread, kind, bytes);
  size_t slot = bytes;
  while (slot - 1 < GAIT_SMALL_BYTES && gait_slot_bytes(slot) % alignment != 0)
    slot = gait_slot_bytes(slot) + 1;
  return gait_alloc(thread, kind, slot);
}

void *gait_alloc_array(gait_thread *thread, gait_kind kind, size_t head_bytes, size_t count,
                       size_t element_bytes) {
  REQUIRE_ARGUMENT(thread);
  size_t bytes;
  if (__builtin_mul_overflow(count, element_bytes, &bytes) ||
      __builtin_add_overflow(bytes, head_bytes, &bytes))
    return NULL;
  return gait_alloc(thread, kind, bytes);
}
