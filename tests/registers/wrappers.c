/* Compiled twice, with WRAPPERS_NAME the name of what it defines. */
#include "wrappers.h"

#define WRAPPERS_TEXT(name)       #name
#define WRAPPERS_EXPANDED(name)   WRAPPERS_TEXT(name)
#define WRAPPERS_NOINLINE         __attribute__((noinline))
#define WRAPPERS_CALLBACK_OBJECTS 40
#define WRAPPERS_CALLBACK_LOCALS  4
#define WRAPPERS_REFERENCES       ((size_t)600)

static volatile uint64_t wrappers_counts[4];

WRAPPERS_NOINLINE static void wrappers_count(gait_thread *thread, unsigned which) {
  wrappers_counts[which] += thread != NULL;
}

WRAPPERS_NOINLINE static void wrappers_leave(gait_thread *thread) {
  gait_thread_leave(thread);
  wrappers_count(thread, 0);
}

WRAPPERS_NOINLINE static void wrappers_leave_deep(gait_thread *thread) {
  volatile char buffer[200]; /* so that the frames are not next to each other */
  buffer[0] = buffer[199] = 1;
  wrappers_count(thread, 1);
  wrappers_leave(thread);
  wrappers_count(thread, (unsigned)buffer[0] + (unsigned)buffer[199]);
}

WRAPPERS_NOINLINE static void wrappers_leave_vast(gait_thread *thread) {
  volatile char buffer[6000];
  buffer[0] = buffer[sizeof buffer - 1] = 1;
  gait_thread_leave(thread);
  wrappers_count(thread, (unsigned)buffer[0] + (unsigned)buffer[sizeof buffer - 1]);
}

WRAPPERS_NOINLINE static void wrappers_leave_full(gait_thread *thread) {
  void *volatile references[WRAPPERS_REFERENCES];
  void *object = gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)), 16);
  for (size_t i = 0; i < WRAPPERS_REFERENCES; i++)
    references[i] = object;
  gait_thread_leave(thread);
  wrappers_count(thread, references[0] == references[WRAPPERS_REFERENCES - 1]);
}

WRAPPERS_NOINLINE static void wrappers_enter(gait_thread *thread) {
  wrappers_count(thread, 3);
  gait_thread_enter(thread);
  wrappers_count(thread, 3);
}

WRAPPERS_NOINLINE static void wrappers_construct(struct wrappers_scope *scope,
                                                 gait_thread *thread) {
  scope->thread = thread;
  gait_thread_leave(scope->thread);
  scope->entered = 0;
}

WRAPPERS_NOINLINE static void wrappers_destroy(struct wrappers_scope *scope) {
  gait_thread_enter(scope->thread);
  scope->entered++;
}

WRAPPERS_NOINLINE static void wrappers_poll(gait_thread *thread) {
  gait_thread_poll(thread);
}

WRAPPERS_NOINLINE static void *wrappers_alloc(gait_thread *thread, gait_kind kind, size_t bytes) {
  return gait_alloc(thread, kind, bytes);
}

/* Enough locals for a compiler to want many registers. */
WRAPPERS_NOINLINE static void wrappers_callback(gait_thread *thread) {
  const void *found[WRAPPERS_CALLBACK_LOCALS] = {NULL};
  gait_thread_enter(thread);
  const gait_kind leaf = gait_kind_leaf(gait_thread_heap(thread));
  for (unsigned i = 0; i < WRAPPERS_CALLBACK_OBJECTS; i++)
    found[i % WRAPPERS_CALLBACK_LOCALS] = gait_alloc(thread, leaf, 16 + i);
  for (unsigned i = 0; i < WRAPPERS_CALLBACK_LOCALS; i++)
    if (found[i]) wrappers_count(thread, i);
  gait_thread_leave(thread);
  wrappers_count(thread, 0);
}

const struct wrappers WRAPPERS_NAME = {
    .name = WRAPPERS_EXPANDED(WRAPPERS_NAME),
    .leave = wrappers_leave,
    .leave_deep = wrappers_leave_deep,
    .leave_vast = wrappers_leave_vast,
    .leave_full = wrappers_leave_full,
    .enter = wrappers_enter,
    .construct = wrappers_construct,
    .destroy = wrappers_destroy,
    .poll = wrappers_poll,
    .alloc = wrappers_alloc,
    .callback = wrappers_callback,
};
