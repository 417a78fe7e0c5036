#include "cycle/watchdog.h"

#include <stdio.h>

#include "cycle/cycle.h"
#include "os/stack.h"

#define WATCHDOG_PLACE_BYTES 200

static uint64_t watchdog_late_ns(const gait_heap *heap) {
  return (uint64_t)heap->options.late_ms * GAITI_NS_OF_MS;
}

void gaiti_watchdog_look_locked(gait_heap *heap, gait_thread *thread, uint64_t since_ns,
                                struct gaiti_late_thread *late) {
  uint64_t waited_ns = gaiti_os_now_ns() - since_ns;
  if (!thread || thread->late_reported || waited_ns < watchdog_late_ns(heap)) return;
  late->found = thread->late_reported = true;
  late->tid = thread->tid;
  snprintf(late->line, sizeof late->line,
           "gait: thread \"%s\" (id %d) has not reached a safepoint for %.1f ms", thread->name,
           thread->tid, (double)waited_ns / 1e6);
}

/* A fork waits while a signal is borrowed. */
static enum gaiti_stack_result watchdog_take_stack(gait_heap *heap, int tid,
                                                   struct gaiti_stack *stack) {
  gaiti_handshake_stand_still(heap, false);
  enum gaiti_stack_result result = gaiti_stack_take(tid, (int)heap->options.late_signal, stack);
  gaiti_handshake_stand_still(heap, true);
  return result;
}

static void watchdog_log_stack(gait_heap *heap, int tid) {
  struct gaiti_stack stack;
  char place[WATCHDOG_PLACE_BYTES];
  enum gaiti_stack_result result = watchdog_take_stack(heap, tid, &stack);
  if (result != GAITI_STACK_TAKEN) {
    gaiti_log(heap, "gait: its stack is left out (signal %d): %s", (int)heap->options.late_signal,
              gaiti_stack_reason(result));
    return;
  }
  for (int i = 0; i < stack.count; i++) {
    gaiti_stack_describe(&stack, i, place, sizeof place);
    gaiti_log(heap, "gait:   %s %s", i == 0 ? "at" : "by", place);
  }
}

void gaiti_watchdog_report(gait_heap *heap, const struct gaiti_late_thread *late) {
  if (!late->found) return;
  gaiti_log(heap, "%s", late->line);
  if (heap->options.late_signal != 0) watchdog_log_stack(heap, late->tid);
}

void gaiti_watchdog_forget(gait_heap *heap, uint64_t slowest_ns) {
  if (slowest_ns < watchdog_late_ns(heap)) return;
  gaiti_lock(&heap->threads->lock);
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    thread->late_reported = false;
  gaiti_unlock(&heap->threads->lock);
}
