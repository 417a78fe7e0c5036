/* wrappers.h: functions that leave managed code for their callers, and return.
 *
 * Each stands there once without optimisation and once with -O2, whatever the rest is built with.
 * None of them is inlined. */
#ifndef REGISTERS_WRAPPERS_H
#define REGISTERS_WRAPPERS_H

#include <gait/gait.h>

/* A class that leaves managed code for a scope, as a C++ compiler makes it: constructor and
 * destructor are functions. */
struct wrappers_scope {
  gait_thread *thread;
  uint64_t entered;
};

struct wrappers {
  const char *name;
  void (*leave)(gait_thread *thread);      /* leaves, counts, returns */
  void (*leave_deep)(gait_thread *thread); /* the same by a wrapper of the wrapper */
  void (*leave_vast)(gait_thread *thread); /* the same from a frame of several KiB */
  void (*leave_full)(gait_thread *thread); /* the same, and the frame is full of references */
  void (*enter)(gait_thread *thread);
  void (*construct)(struct wrappers_scope *scope, gait_thread *thread);
  void (*destroy)(struct wrappers_scope *scope);
  void (*poll)(gait_thread *thread); /* the inline path of the header */
  void *(*alloc)(gait_thread *thread, gait_kind kind, size_t bytes);
  void (*callback)(gait_thread *thread); /* enters, allocates, leaves, returns */
};

extern const struct wrappers wrappers_o0, wrappers_o2;

#endif
