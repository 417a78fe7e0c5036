/* fast_path.h: functions of assembly that allocate, store and poll by the constants of gait/jit.h.
 * Each takes its slow path through the exported function, and is a safepoint where that is. */
#ifndef FAST_PATH_H
#define FAST_PATH_H

#include <gait/gait.h>

/* How often jit_alloc has taken its slow path.  One thread at a time allocates. */
extern uint64_t jit_slow;

/* `size_class` and `slot_bytes` are those of `bytes`. */
void *jit_alloc(gait_thread *thread, gait_kind kind, size_t bytes, size_t size_class,
                size_t slot_bytes);
void jit_store(gait_thread *thread, void *slot, void *value);
void jit_store_init(gait_thread *thread, void *slot, void *value);
void jit_poll(gait_thread *thread);

#endif
