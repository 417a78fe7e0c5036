/* scripts.h: what is called while a reference is held. */
#ifndef REGISTERS_SCRIPTS_H
#define REGISTERS_SCRIPTS_H

#include <gait/fiber.h>

#include "../support/coroutine.h"
#include "hold.h"
#include "others.h"
#include "wrappers.h"

#define SCRIPT_STEPS         12
#define SCRIPT_KEPT_EXTERNAL 1024

struct place {
  const char *name;
  hold_fn *hold;
  hold_spill_fn *spill;
  hold_spill_fn *spill_far;
};

/* One thread with a conservative stack on one heap, and all that the scripts need. */
struct torture {
  const char *mode;
  gait_options options;
  gait_heap *heap;
  gait_thread *thread;
  gait_handle *kept; /* an object that is never given up */
  struct others others;
  gait_heap *second_heap;
  gait_thread *second_thread;
  struct others_second second;
  struct wrappers_scope scope;
  struct hold_foreign foreign;
  struct coroutine own_stack, other_stack;
  struct coroutine_swap there, back;
  gait_fiber *fiber;
  void *roots[4];
  bool no_fork;
  bool is_child;
  size_t count;
  struct hold_step steps[SCRIPT_STEPS];
  bool is_result[SCRIPT_STEPS]; /* what the step returns must be GAIT_OK */
};

struct script {
  const char *name;
  void (*write)(struct torture *torture, const struct place *place); /* the steps */
  void (*prepare)(struct torture *torture); /* managed, before the object exists; may be NULL */
  void (*finish)(struct torture *torture);  /* managed, when it has been looked at; may be NULL */
};

extern const struct script scripts[];
extern const size_t script_count;

#endif
