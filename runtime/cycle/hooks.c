/* The cycle's answers to the layers below (heap/hooks.h).
 *
 * Models: termination. */
#include "alloc/cache.h"
#include "barrier/buffers.h"
#include "cycle/collector.h"
#include "cycle/cycle.h"
#include "cycle/events.h"
#include "cycle/dumps.h"
#include "cycle/throttle.h"
#include "mark/root_scan.h"

static void hook_attached(gait_thread *thread) {
  gaiti_thread_save(thread, NULL);
  gaiti_roots_scan_thread(thread, &thread->proc->buffer);
  gaiti_buffers_flush(thread->heap, &thread->proc->buffer);
}

static void hook_kept(gait_thread *thread, uint64_t since_ns, uint64_t took_ns) {
  gaiti_event_write_pause(thread, GAIT_PAUSE_ENTER, since_ns, took_ns);
}

static void hook_retire(gait_thread *thread) {
  gaiti_buffers_flush(thread->heap, &thread->proc->buffer);
  thread->proc->assist_credit = 0;
  gaiti_caches_empty(thread->heap, thread->proc);
}

static void hook_collect(gait_thread *thread) {
  gaiti_collector_collect(thread, GAIT_CAUSE_OUT_OF_MEMORY);
}

const struct gaiti_hooks gaiti_cycle_hooks = {
    .attached = hook_attached,
    .kept = hook_kept,
    .retire = hook_retire,
    .pay = gaiti_throttle_pay,
    .account = gaiti_throttle_account,
    .limit = gaiti_throttle_limit,
    .wait = gaiti_throttle_wait,
    .collect = hook_collect,
    .full = gaiti_dumps_note_full,
    .prepare = gaiti_collector_prepare,
    .sweep = gaiti_sweep_some,
};
