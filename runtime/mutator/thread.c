/* Models: fork, handshake, termination.  Litmus: acted, answered, flushed, phase, remembered,
 * waiting. */
#include "mutator/thread.h"

#include "mutator/blocking.h"
#include "base/asan.h"
#include "base/check.h"

/* How often a thread that finds itself suspended looks again before it sleeps. */
#define THREAD_ENTER_SPINS 200
/* How long one for which there is no processor sleeps before it asks again. */
#define THREAD_PROC_WAIT_NS GAITI_NS_OF_MS
/* Two looks at a stack need not find the same words, since its lowest frames are ours. */
#define THREAD_SPARE_WORDS 64

bool gaiti_threads_init(gait_heap *heap) {
  heap->threads = gaiti_structure_alloc(&heap->space, sizeof *heap->threads);
  if (!heap->threads) return false;
  if (!gaiti_lock_init(&heap->threads->lock, GAITI_RANK_THREADS)) goto fail_memory;
  if (!gaiti_condition_init(&heap->threads->changed)) goto fail_lock;
  heap->threads->handshake.marking = gaiti_heap_marks_always(heap);
  return true;
fail_lock:
  gaiti_lock_destroy(&heap->threads->lock);
fail_memory:
  gaiti_structure_free(&heap->space, heap->threads, sizeof *heap->threads);
  return false;
}

void gaiti_threads_destroy(gait_heap *heap) {
  struct gaiti_threads *threads = heap->threads;
  while (threads->spare) {
    gait_thread *thread = threads->spare;
    threads->spare = thread->next;
    gaiti_structure_free_at(&heap->space, thread, sizeof *thread);
  }
  gaiti_condition_destroy(&threads->changed);
  gaiti_lock_destroy(&threads->lock);
  gaiti_structure_free(&heap->space, threads, sizeof *threads);
}

/* The system may have let the first thread's stack grow beyond where it ended once.  It is asked
 * only when the stack has grown to twice its size: some C libraries look for the end page by page.
 */
static bool thread_is_on_known_stack(gait_thread *thread, uintptr_t place) {
  if (place >= thread->stack_high) return false;
  if (place >= thread->stack_limit) return true;
  if (thread->fiber) return false;
  uintptr_t limit, high;
  if (!gaiti_os_stack_now(&limit, &high) || limit >= thread->stack_limit) return false;
  uintptr_t size = thread->stack_high - limit;
  thread->stack_limit = limit > size ? limit - size : 0;
  return place >= thread->stack_limit;
}

/* The room is given back before there is more, so that a thread which a fork has frozen anywhere in
 * here leaves nothing half changed. */
static void thread_make_room(gait_thread *thread, size_t words) {
  gaiti_thread_free_room(thread);
  size_t capacity = words + THREAD_SPARE_WORDS;
  struct gaiti_saved_room *more =
      gaiti_structure_alloc(&thread->heap->space, sizeof *more + capacity * sizeof more->words[0]);
  if (!more) return;
  more->capacity = capacity;
  thread->saved.more = more;
}

void gaiti_thread_free_room(gait_thread *thread) {
  struct gaiti_saved_room *more = thread->saved.more;
  thread->saved.more = NULL;
  if (more)
    gaiti_structure_free(&thread->heap->space, more,
                         sizeof *more + more->capacity * sizeof more->words[0]);
}

void gaiti_thread_check_stack(gait_thread *thread) {
  if (thread->roots == GAIT_STACK_EXACT) return;
  REQUIRE("thread.stack", thread_is_on_known_stack(thread, gaiti_stack_pointer()),
          "a thread whose stack is scanned runs on another one, as a coroutine or a signal handler "
          "does: register that as a fiber and switch to it, or attach with exact frames");
}

/* Without memory for all words, those of the frame that leaves stay in place beyond what there is
 * room for: gait_thread_enter finds it when that frame has gone. */
void gaiti_thread_save(gait_thread *thread, const void *frame) {
  if (thread->roots == GAIT_STACK_EXACT) return;
  gaiti_thread_check_stack(thread);
  const struct gaiti_map *map = &thread->heap->map;
  thread->fake_stack = gaiti_asan_fake_stack();
  bool any = thread->fake_stack || gaiti_tags_exist(&thread->heap->tags);
  const struct gaiti_stack_part part = {frame, thread->stack_high, map->base,
                                        any ? SIZE_MAX : map->bytes};
  size_t words = gaiti_registers_save(&thread->saved, &part);
  if (words == 0) return;
  thread_make_room(thread, words);
  gaiti_registers_save(&thread->saved, &part);
}

void gaiti_thread_leave(gait_thread *thread, const void *frame) {
  gaiti_thread_save(thread, frame);
  gaiti_thread_leave_saved(thread);
}

/* Without memory for a processor the thread stays outside until another one leaves its own. */
bool gaiti_thread_try_enter_with_proc(gait_thread *thread) {
  if (!gaiti_thread_try_enter(thread)) return false;
  gaiti_delay(thread->heap);
  if (thread->proc || gaiti_proc_acquire(thread)) return true;
  gaiti_thread_leave_saved(thread);
  return false;
}

/* A thread is suspended for a short while, as a rule; a stop of all threads takes longer, and its
 * end wakes those that sleep here.  The wait has a bound because a thread is resumed without the
 * lock. */
static void thread_wait_while_suspended(gait_thread *thread) {
  struct gaiti_threads *threads = thread->heap->threads;
  for (int spin = 0; spin < THREAD_ENTER_SPINS; spin++) {
    if (gaiti_thread_state(thread) != GAITI_THREAD_SUSPENDED) return;
    gaiti_os_yield();
  }
  gaiti_lock(&threads->lock);
  while (gaiti_thread_state(thread) == GAITI_THREAD_SUSPENDED)
    gaiti_wait_for(&threads->changed, &threads->lock, GAITI_NS_OF_MS);
  gaiti_unlock(&threads->lock);
}

void gaiti_thread_wait_until_free(gait_thread *thread) {
  if (gaiti_thread_state(thread) == GAITI_THREAD_SUSPENDED)
    thread_wait_while_suspended(thread);
  else if (!thread->proc)
    gaiti_os_sleep_ns(THREAD_PROC_WAIT_NS);
}

void gaiti_thread_enter(gait_thread *thread) {
  if (gaiti_thread_try_enter_with_proc(thread)) return;
  uint64_t since = gaiti_pause_begin();
  gaiti_blocking_begin();
  gaiti_blocking_end_with(thread);
  uint64_t took = gaiti_pause_end(thread, since);
  thread->heap->hooks->kept(thread, since, took);
}

bool gaiti_thread_is_asked(const gait_thread *thread) {
  return AO_load(&thread->seen) != AO_load_acquire(&thread->heap->threads->handshake.number);
}

bool gaiti_thread_note_acted(gait_thread *thread, AO_t number) {
  CHECK("handshake.twice", AO_load(&thread->seen) != number, "a thread acts on a handshake twice");
  AO_store_release(&thread->seen, number);
  return AO_fetch_and_sub1_full(&thread->heap->threads->handshake.pending) == 1;
}

uint64_t gaiti_pause_end(gait_thread *thread, uint64_t since_ns) {
  uint64_t took = gaiti_os_now_ns() - since_ns;
  gaiti_latency_add(&thread->pauses, took);
  return took;
}

uint64_t gaiti_pause_work_end(gait_thread *thread, uint64_t cpu_since_ns) {
  uint64_t took = gaiti_os_thread_cpu_ns() - cpu_since_ns;
  gaiti_counter_raise(&thread->pause_cpu_max_ns, took);
  return took;
}
