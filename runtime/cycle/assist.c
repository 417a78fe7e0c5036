/* Mark assists.
 *
 * While marking, a thread that allocates a byte owes assist_ratio bytes of marking; the ratio is
 * such that marking ends when the heap reaches its goal.  Credit stands with the processor: it is
 * charged when a run is taken and paid off before the next one, first from the credit of the
 * background workers, then by marking.  An assist is bounded in time; a thread that owes more goes
 * on owing it, and pays at its next runs.  Credit and debt end with the cycle.
 *
 * Models: termination.  Litmus: phase. */
#include "cycle/assist.h"

#include "base/probes.h"
#include "cycle/cycle.h"
#include "cycle/events.h"
#include "mark/marker.h"

/* An assist looks at the clock after so many bytes, and ends when it has taken so long. */
#define ASSIST_SLICE_BYTES ((int64_t)8 << 10)
#define ASSIST_MAX_NS      ((uint64_t)50000)
/* A thread that owes less than this waits until it owes more: an assist has a price of its own. */
#define ASSIST_LEAST_BYTES ((int64_t)8 << 10)

void gaiti_assist_charge(gait_thread *thread, size_t bytes) {
  if (!gaiti_thread_is_marking(thread)) {
    thread->proc->assist_credit = 0;
    return;
  }
  double ratio = gaiti_pace_assist_ratio(&thread->heap->cycle->pace);
  thread->proc->assist_credit -= (int64_t)((double)bytes * ratio);
}

/* Takes up to `wanted` bytes of the workers' credit. */
static int64_t assist_draw(struct gaiti_pace *pace, int64_t wanted) {
  AO_t credit = AO_load(&pace->background_credit);
  while (credit > 0) {
    AO_t take = credit < (AO_t)wanted ? credit : (AO_t)wanted;
    if (AO_compare_and_swap(&pace->background_credit, credit, credit - take)) return (int64_t)take;
    credit = AO_load(&pace->background_credit);
  }
  return 0;
}

/* Marks about `bytes`, or as much as fits into the time; returns the bytes marked. */
static int64_t assist_mark(gait_thread *thread, int64_t bytes) {
  gait_heap *heap = thread->heap;
  uint64_t since = gaiti_pause_begin(), now = since;
  uint64_t cpu = gaiti_pause_work_begin();
  struct gaiti_marker *marker = gaiti_marker_join(heap);
  if (!marker) return 0;
  PROBE4(assist_begin, heap, thread, thread->name, bytes);
  while ((int64_t)marker->work < bytes && now - since < ASSIST_MAX_NS &&
         gaiti_marker_run(marker, (uint64_t)ASSIST_SLICE_BYTES))
    now = gaiti_os_now_ns();
  int64_t work = (int64_t)marker->work;
  gaiti_marker_give(marker);
  PROBE4(assist_end, heap, thread, thread->name, work);
  gaiti_counter_add(&heap->cycle->pace.assist_ns, gaiti_pause_work_end(thread, cpu));
  uint64_t took = gaiti_pause_end(thread, since);
  gaiti_event_write(heap, &(struct gaiti_event){.type = GAIT_EVENT_ASSIST,
                                                .at_ns = since,
                                                .thread = thread->tid,
                                                .value = {took, (uint64_t)work}});
  return work;
}

/* Marking is under way: the roots of all threads are being scanned or have been. */
static bool assist_possible(const gait_heap *heap) {
  return gaiti_phase_marks(gaiti_phase(heap));
}

void gaiti_assist_pay(gait_thread *thread) {
  struct gaiti_proc *proc = thread->proc;
  if (proc->assist_credit >= 0) return;
  gaiti_pace_revise(thread->heap);
  if (!assist_possible(thread->heap)) return;
  proc->assist_credit += assist_draw(&thread->heap->cycle->pace, -proc->assist_credit);
  int64_t owed = -proc->assist_credit;
  if (owed >= ASSIST_LEAST_BYTES && gaiti_marking_has_work(thread->heap))
    proc->assist_credit += assist_mark(thread, owed);
}

bool gaiti_assist_step(gait_thread *thread) {
  if (!assist_possible(thread->heap) || !gaiti_marking_has_work(thread->heap)) return false;
  thread->proc->assist_credit += assist_mark(thread, INT64_MAX);
  return true;
}
