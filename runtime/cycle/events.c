/* Events.
 *
 * Any thread writes into the ring.  It takes the next number n, and claims the entry at n % count
 * by a compare-and-swap of its sequence word from an even number, which is less, to 2 n - 1.  An
 * entry whose sequence is odd is in the hands of a thread that was interrupted in the middle, a
 * whole round ago, and one with a higher number has been written by a thread that came later and
 * was faster: the event is dropped then, and counted.  So an entry has one writer at a time, and
 * no thread waits.
 *
 *   sequence := 2 n - 1, full fence, the words, sequence := 2 n with release
 *
 * A reader that finds 2 n before and after it has read the words has read those of event n: had
 * another been begun in between, its odd sequence would be there before any of its words.
 *
 * The file's pages may have to be fetched from a disk, or wait for one, so nothing is written while
 * a lock is held.  Events under the lock of the threads (phases, asking, acting for others) go to a
 * stage in memory, which that lock guards.  The thread that gives the lock back flushes it: takes
 * the stage as it is, leaves the other half to be filled, and writes. */
#include "cycle/events.h"

#include <stdio.h>
#include <string.h>

#include "cycle/present.h"

#define STAGE_EVENTS 512

/* `introduces` is the entry, from 1 on, of a thread that is new to the file: its name is then to be
 * written; the thread may be gone by then. */
struct staged_event {
  struct gaiti_event event;
  uint32_t introduces;
  char name[GAITI_THREAD_NAME_BYTES];
};

/* Guarded by the threads' lock; the half that is being flushed belongs to the flusher. */
struct gaiti_stage {
  AO_t count;
  bool flushing;
  unsigned filling; /* which half */
  struct staged_event halves[2][STAGE_EVENTS];
};

bool gaiti_events_init(gait_heap *heap) {
  struct gaiti_recorder *file = &heap->cycle->file;
  if (!file->stage) file->stage = gaiti_structure_alloc(&heap->space, sizeof *file->stage);
  return file->stage != NULL;
}

void gaiti_events_destroy(gait_heap *heap) {
  struct gaiti_recorder *file = &heap->cycle->file;
  gaiti_structure_free(&heap->space, file->stage, sizeof *file->stage);
  file->stage = NULL;
}

/* ---- Writing ---- */

static AO_t *event_word(uint64_t *word) {
  return (AO_t *)word;
}

/* Returns the entry of event `number`, which is the caller's until it has been written; NULL: it is
 * to be dropped. */
static gait_record_event *event_claim(struct gaiti_layout *layout, uint64_t number) {
  gait_record_event *entry = &layout->events[number % GAITI_LAYOUT_EVENTS];
  AO_t *sequence = event_word(&entry->sequence), before = AO_load(sequence);
  if (before % 2 == 1 || before > 2 * number) return NULL;
  if (!AO_compare_and_swap_full(sequence, before, 2 * number - 1)) return NULL;
  AO_nop_full();
  return entry;
}

void gaiti_event_write(gait_heap *heap, const struct gaiti_event *event) {
  struct gaiti_layout *layout = gaiti_events_open(heap);
  if (!layout) return;
  uint64_t number = gaiti_counter_add(event_word(&layout->now.events_written), 1);
  gait_record_event *entry = event_claim(layout, number);
  if (!entry) {
    gaiti_counter_add(event_word(&layout->now.events_dropped), 1);
    return;
  }
  entry->time_ns = event->at_ns - heap->cycle->records.created_ns;
  entry->type = event->type;
  entry->thread = event->thread;
  gaiti_delay(heap);
  memcpy(entry->value, event->value, sizeof entry->value);
  AO_store_release(event_word(&entry->sequence), 2 * number);
}

/* ---- Threads ---- */

/* An entry of the list of threads, from 1 on; more than there are: there is no room for it. */
static uint32_t thread_take_entry(gait_heap *heap) {
  AO_t *used = &heap->cycle->file.threads_used;
  if (AO_load(used) >= GAITI_LAYOUT_THREADS) return GAITI_LAYOUT_THREADS + 1;
  AO_t entry = gaiti_counter_add(used, 1);
  return entry > GAITI_LAYOUT_THREADS ? GAITI_LAYOUT_THREADS + 1 : (uint32_t)entry;
}

static gait_record_thread *thread_entry(struct gaiti_layout *layout, uint32_t entry) {
  return entry > 0 && entry <= GAITI_LAYOUT_THREADS ? &layout->threads[entry - 1] : NULL;
}

/* The number comes last: a reader that sees it sees the name. */
static void thread_write_entry(struct gaiti_layout *layout, uint32_t number, int tid,
                               const char *name) {
  gait_record_thread *entry = thread_entry(layout, number);
  if (!entry) return;
  snprintf(entry->name, sizeof entry->name, "%s", name);
  AO_store_release(event_word(&entry->thread), (AO_t)tid);
}

void gaiti_events_introduce(gait_thread *thread) {
  struct gaiti_layout *layout = gaiti_events_open(thread->heap);
  if (!layout || thread->record_entry) return;
  thread->record_entry = thread_take_entry(thread->heap);
  thread_write_entry(layout, thread->record_entry, thread->tid, thread->name);
}

/* A thread that runs a cycle and is attached has been introduced. */
static bool runner_is_known(gait_heap *heap, const struct gaiti_layout *layout, AO_t tid) {
  AO_t used = AO_load(&heap->cycle->file.threads_used);
  for (AO_t i = 0; i < used && i < GAITI_LAYOUT_THREADS; i++)
    if (AO_load_acquire((const AO_t *)&layout->threads[i].thread) == tid) return true;
  return false;
}

static void runner_name(gait_heap *heap, struct gaiti_layout *layout, AO_t tid) {
  char name[GAITI_THREAD_NAME_BYTES];
  if (runner_is_known(heap, layout, tid)) return;
  gaiti_os_thread_name(name, sizeof name);
  thread_write_entry(layout, thread_take_entry(heap), (int)tid, name);
}

void gaiti_events_name_helper(gait_heap *heap) {
  struct gaiti_layout *layout = gaiti_events_open(heap);
  if (layout) runner_name(heap, layout, (AO_t)gaiti_os_thread_id());
}

/* It is the same thread most of the time. */
void gaiti_events_name_runner(gait_heap *heap) {
  struct gaiti_layout *layout = gaiti_events_open(heap);
  if (!layout) return;
  AO_t tid = (AO_t)gaiti_os_thread_id();
  if (AO_load(&heap->cycle->file.runner) == tid) return;
  AO_store(&heap->cycle->file.runner, tid);
  runner_name(heap, layout, tid);
}

/* ---- The stage ---- */

static struct staged_event *stage_take_locked(gait_heap *heap) {
  struct gaiti_stage *stage = heap->cycle->file.stage;
  struct gaiti_layout *layout = gaiti_events_open(heap);
  if (!layout || !stage) return NULL;
  AO_t count = AO_load(&stage->count);
  if (count == STAGE_EVENTS) {
    gaiti_counter_add(event_word(&layout->now.events_dropped), 1);
    return NULL;
  }
  AO_store(&stage->count, count + 1);
  return &stage->halves[stage->filling][count];
}

void gaiti_event_stage_locked(gait_heap *heap, const struct gaiti_event *event) {
  struct staged_event *staged = stage_take_locked(heap);
  if (!staged) return;
  staged->event = *event;
  staged->introduces = 0;
  if (event->at_ns == 0) staged->event.at_ns = gaiti_os_now_ns();
  if (event->thread == 0) staged->event.thread = gaiti_os_thread_id();
}

void gaiti_event_stage_answer_locked(gait_thread *thread, uint64_t asked_ns) {
  struct staged_event *staged = stage_take_locked(thread->heap);
  if (!staged) return;
  staged->introduces = 0;
  if (!thread->record_entry) {
    staged->introduces = thread->record_entry = thread_take_entry(thread->heap);
    memcpy(staged->name, thread->name, sizeof staged->name);
  }
  uint64_t action = AO_int_load(&thread->heap->cycle->handshakes.action);
  uint64_t now_ns = gaiti_os_now_ns();
  staged->event = (struct gaiti_event){.type = GAIT_EVENT_ANSWER,
                                       .at_ns = now_ns,
                                       .thread = thread->tid,
                                       .value = {now_ns - asked_ns, action, 1}};
}

/* Returns how many events the caller has to write, and where they are: none while another thread
 * is at it, which will come to them. */
static size_t stage_begin_flush(gait_heap *heap, const struct staged_event **staged) {
  struct gaiti_stage *stage = heap->cycle->file.stage;
  gaiti_lock(&heap->threads->lock);
  size_t count = stage->flushing ? 0 : AO_load(&stage->count);
  if (count > 0) {
    *staged = stage->halves[stage->filling];
    stage->filling ^= 1;
    stage->flushing = true;
    AO_store(&stage->count, 0);
  }
  gaiti_unlock(&heap->threads->lock);
  return count;
}

static void stage_end_flush(gait_heap *heap) {
  gaiti_lock(&heap->threads->lock);
  heap->cycle->file.stage->flushing = false;
  gaiti_unlock(&heap->threads->lock);
}

/* Returns whether a phase was among them. */
static bool stage_write(gait_heap *heap, const struct staged_event *staged, size_t count) {
  struct gaiti_layout *layout = gaiti_events_open(heap);
  bool phase = false;
  for (size_t i = 0; i < count; i++) {
    if (staged[i].introduces)
      thread_write_entry(layout, staged[i].introduces, staged[i].event.thread, staged[i].name);
    gaiti_event_write(heap, &staged[i].event);
    phase |= staged[i].event.type == GAIT_EVENT_PHASE;
  }
  return phase;
}

void gaiti_events_flush(gait_heap *heap) {
  const struct staged_event *staged;
  size_t count;
  bool phase = false;
  if (!gaiti_events_open(heap)) return;
  while (AO_load(&heap->cycle->file.stage->count) > 0 &&
         (count = stage_begin_flush(heap, &staged)) > 0) {
    phase |= stage_write(heap, staged, count);
    stage_end_flush(heap);
  }
  if (phase) gaiti_present_note_phase(heap);
}

/* ---- Of a thread ---- */

static void thread_count_answer(struct gaiti_layout *layout, uint32_t number, uint64_t late_ns) {
  gait_record_thread *entry = thread_entry(layout, number);
  if (!entry) return;
  gaiti_counter_add(event_word(&entry->answers), 1);
  gaiti_counter_add(event_word(&entry->late_total_ns), late_ns);
  gaiti_counter_raise(event_word(&entry->late_max_ns), late_ns);
}

void gaiti_event_write_answer(gait_thread *thread, uint64_t action, uint64_t late_ns) {
  struct gaiti_layout *layout = gaiti_events_open(thread->heap);
  if (!layout) return;
  gaiti_events_introduce(thread);
  thread_count_answer(layout, thread->record_entry, late_ns);
  gaiti_event_write(thread->heap, &(struct gaiti_event){.type = GAIT_EVENT_ANSWER,
                                                        .at_ns = gaiti_os_now_ns(),
                                                        .thread = thread->tid,
                                                        .value = {late_ns, action, 0}});
}

void gaiti_event_write_pause(gait_thread *thread, gait_record_pause cause, uint64_t since_ns,
                             uint64_t took_ns) {
  if (!gaiti_events_open(thread->heap)) return;
  gaiti_event_write(thread->heap, &(struct gaiti_event){.type = GAIT_EVENT_PAUSE,
                                                        .at_ns = since_ns,
                                                        .thread = thread->tid,
                                                        .value = {took_ns, cause, 0}});
}

void gaiti_event_write_mark(gait_heap *heap, uint64_t since_ns, uint64_t bytes) {
  if (!gaiti_events_open(heap) || bytes == 0) return;
  gaiti_event_write(heap, &(struct gaiti_event){.type = GAIT_EVENT_MARK,
                                                .at_ns = since_ns,
                                                .thread = gaiti_os_thread_id(),
                                                .value = {gaiti_os_now_ns() - since_ns, bytes}});
}
