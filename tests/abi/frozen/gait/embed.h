/* embed.h: Gait calls you.  Every function type that an embedder may hand to the collector.
 *
 * A callback runs on a thread of Gait's or inside a call of yours.  Unless its contract says
 * otherwise it must not allocate from the heap, store through the barrier, enter or leave managed
 * code, fork, or block on a lock that a thread may hold at a safepoint. */
#ifndef GAIT_EMBED_H
#define GAIT_EMBED_H

#include <stddef.h>
#include <stdint.h>

#if defined(GAIT_BUILDING_SHARED)
#define GAIT_API __attribute__((visibility("default")))
#else
#define GAIT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gait_heap gait_heap;
typedef struct gait_tracer gait_tracer;
struct gait_cycle_record;
struct gait_limit_report;

/* Traces one object: calls gait_trace_slot or gait_trace_range for everything in
 * [object, object + bytes) that may refer to the heap, and with GAIT_KIND_CALLBACK_ANYWHERE for
 * what belongs to it elsewhere, where stores go through the barrier as well.  `bytes` is the slot's
 * size, at least the size that was asked for.
 *
 * Thread: any of the collector's, or a mutator in an allocation, in gait_heap_collect or in
 * gait_object_set_external.  Several run at once, on different objects.
 * Race: mutators run; a slot may change while it is read.  It is
 * read atomically by Gait. */
typedef void gait_trace_fn(gait_tracer *tracer, void *object, size_t bytes, void *arg);

/* Traces roots, by the same two calls.  Runs once a cycle after every barrier is on, and for
 * unbarriered roots once more at its end with every mutator stopped; in each cycle of a heap with
 * the option `checkmark` once more after marking; and on the thread that adds or removes the root,
 * in that call.
 *
 * It may add and remove roots, itself included.  One that removes itself is not called again; what
 * is to survive the cycle under way it traces in this call, as in any other.  The removal of
 * another root waits while that one's callback runs on another thread, so two that may run at once
 * must not remove one another. */
typedef void gait_roots_fn(gait_tracer *tracer, void *arg);

/* Reports that an allocation of `bytes` bytes cannot be met, after a collection did not help.
 * Returns nonzero to have the heap collected and the allocation tried once more, zero to let the
 * allocation return NULL.  May free memory, clear roots, raise the limit and fork; must not
 * allocate from this heap.
 *
 * Thread: the one that allocates, in managed state. */
typedef int gait_out_of_memory_fn(gait_heap *heap, size_t bytes, void *arg);

/* Takes one line of the log, without a newline.  Thread: the collector's, or one of yours inside a
 * call of Gait's.  No lock of Gait's is held. */
typedef void gait_log_fn(const char *line, void *arg);

/* Sees the record of a cycle that has just ended.  The record is the library's, which may know more
 * fields than the program; it is there until the call returns.  Thread: the one that ran its last
 * step, be it the collector's or one of yours in an allocation, outside managed code.  No lock is
 * held. */
typedef void gait_cycle_fn(gait_heap *heap, const struct gait_cycle_record *record, void *arg);

/* Sees that a heap has come to another step under its memory limit, up or down: tune.h has the
 * steps.  It may change the limit and the cap on CPU time, and tell the program to drop what it can
 * do without.  The report is the library's, as a record is.  Thread: as for gait_cycle_fn, after
 * that.  No lock is held. */
typedef void gait_limit_fn(gait_heap *heap, const struct gait_limit_report *report, void *arg);

/* Traces the reference in `*slot`; NULL and words that point outside the heap are ignored. */
GAIT_API void gait_trace_slot(gait_tracer *tracer, void *const *slot);

/* Traces the word in `*slot` by the heap's rule for tagged references (gait_tags); one that is none
 * by that rule is ignored.  On a heap without a rule all are. */
GAIT_API void gait_trace_tagged(gait_tracer *tracer, void *const *slot);

/* Traces every aligned word of [start, start + bytes) that could point into the heap, plainly or by
 * its rule for tagged references. */
GAIT_API void gait_trace_range(gait_tracer *tracer, const void *start, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
