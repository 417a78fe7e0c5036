/* The thread attaches when functions are due, runs them, and detaches before it waits: so it holds
 * nothing of the heap in between, and is not counted among its threads. */
#include "cycle/finalizer_thread.h"

#include "cycle/handshake.h"
#include "mutator/attach.h"
#include "weak/finalizers.h"

/* Without memory to attach it tries again so much later. */
#define FINALIZER_THREAD_RETRY_NS (10 * GAITI_NS_OF_MS)

/* Runs the functions that are due; false where the thread could not attach. */
static bool finalizer_thread_run(gait_heap *heap) {
  gait_thread *thread;
  if (gaiti_thread_attach(heap, "finalizers", GAIT_STACK_EXACT, &thread) != GAIT_OK) return false;
  while (!AO_load(&heap->finalizers->thread_ends) && gaiti_due_run(thread, 1) > 0)
    gaiti_poll(thread);
  gaiti_thread_detach(thread);
  return true;
}

static void *finalizer_thread_main(void *arg) {
  gait_heap *heap = arg;
  struct gaiti_finalizers *finalizers = heap->finalizers;
  gaiti_os_thread_begin("gait-finalizer");
  gaiti_lock(&finalizers->lock);
  while (!AO_load(&finalizers->thread_ends)) {
    if (AO_load(&finalizers->due) == 0) {
      gaiti_wait(&finalizers->wanted, &finalizers->lock);
      continue;
    }
    gaiti_unlock(&finalizers->lock);
    bool ran = finalizer_thread_run(heap);
    gaiti_lock(&finalizers->lock);
    if (!ran) gaiti_wait_for(&finalizers->wanted, &finalizers->lock, FINALIZER_THREAD_RETRY_NS);
  }
  gaiti_unlock(&finalizers->lock);
  return NULL;
}

gait_result gaiti_finalizer_thread_start(gait_heap *heap) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  gait_result result = GAIT_ERROR_ALREADY;
  gaiti_lock(&finalizers->lock);
  if (!finalizers->thread_runs) {
    AO_store(&finalizers->thread_ends, 0);
    finalizers->thread_runs =
        gaiti_os_thread_start(&finalizers->thread, finalizer_thread_main, heap);
    result = finalizers->thread_runs ? GAIT_OK : GAIT_ERROR_SYSTEM;
  }
  gaiti_unlock(&finalizers->lock);
  return result;
}

bool gaiti_finalizer_thread_stop(gait_heap *heap) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  gaiti_lock(&finalizers->lock);
  bool ends = finalizers->thread_runs && !AO_load(&finalizers->thread_ends);
  if (ends) AO_store(&finalizers->thread_ends, 1);
  gaiti_wake(&finalizers->wanted);
  gaiti_unlock(&finalizers->lock);
  if (!ends) return false;
  gaiti_os_thread_join(finalizers->thread);
  gaiti_lock(&finalizers->lock);
  finalizers->thread_runs = false;
  gaiti_unlock(&finalizers->lock);
  return true;
}

void gaiti_finalizer_thread_forget(gait_heap *heap) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  gaiti_condition_renew(&finalizers->wanted);
  finalizers->thread_runs = false;
}
