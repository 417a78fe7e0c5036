/* events.h: all that threads do for a cycle, one by one, in the record file.  Nothing where none is
 * open. */
#ifndef GAITI_CYCLE_EVENTS_H
#define GAITI_CYCLE_EVENTS_H

#include "cycle/cycle.h"

/* As gait_record_event; the time is that of the clock. */
struct gaiti_event {
  gait_record_event_id type;
  uint64_t at_ns;
  int thread;
  uint64_t value[GAIT_RECORD_VALUES];
};

bool gaiti_events_init(gait_heap *heap);
void gaiti_events_destroy(gait_heap *heap);

/* The file, or NULL: then no event is worth its numbers. */
static inline struct gaiti_layout *gaiti_events_open(const gait_heap *heap) {
  return gaiti_pointer_load_acquire(&heap->cycle->file.layout);
}

/* Writes an event.  Thread: any.  Locks: none. */
void gaiti_event_write(gait_heap *heap, const struct gaiti_event *event);

/* Notes one that gaiti_events_flush writes when the lock has been given back; time 0 is that of the
 * call, `thread` 0 the calling one.  The second is the answer of a thread that the caller has
 * suspended.  Locks: the threads'. */
void gaiti_event_stage_locked(gait_heap *heap, const struct gaiti_event *event);
void gaiti_event_stage_answer_locked(gait_thread *thread, uint64_t asked_ns);
void gaiti_events_flush(gait_heap *heap);

/* The thread has acted, by itself, so late.  Thread: that one.  Locks: none. */
void gaiti_event_write_answer(gait_thread *thread, uint64_t action, uint64_t late_ns);

/* The collector has kept the thread since then.  Thread: that one.  Locks: none. */
void gaiti_event_write_pause(gait_thread *thread, gait_record_pause cause, uint64_t since_ns,
                             uint64_t took_ns);

/* A thread of the collector's has marked.  Thread: that one.  Locks: none. */
void gaiti_event_write_mark(gait_heap *heap, uint64_t since_ns, uint64_t bytes);

/* The calling thread gets its name in the file: one that is attached that of its attachment,
 * another the one that the system knows, when it begins to run a cycle or to help.  Locks: none. */
void gaiti_events_introduce(gait_thread *thread);
void gaiti_events_name_runner(gait_heap *heap);
void gaiti_events_name_helper(gait_heap *heap);

#endif
