/* hooks.h: calls of the layers below a cycle to it.
 *
 * A thread that attaches, detaches or allocates has to do with the cycle under way, and with when
 * the next one begins.  Its layers lie below, and know of that no more than these calls: cycle/
 * sets them when it is made, once for all heaps (cycle/hooks.c).
 *
 * Thread: the calling one, `thread`, in managed state, where nothing else is said. */
#ifndef GAITI_HEAP_HOOKS_H
#define GAITI_HEAP_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gait/gait.h"

/* One allocation, as far as it had to wait for memory.
 *   soft_cycles  because of the memory limit
 *   hard_cycles    because of the hard one
 *   over_limit     it may pass the memory limit now
 *   collected      a cycle has run since the system gave no memory */
struct gaiti_attempt {
  uint64_t soft_cycles;
  uint64_t hard_cycles;
  bool over_limit;
  bool collected;
};

/* Of threads:
 *   attached   it has just attached, and marking is under way: objects to which its stack refers
 *              are marked
 *   kept       it has waited to enter managed code, from then on and for so long
 *   retire     it gives its processor up: the caches and the barrier's buffer are emptied.  It is
 *              outside by now, or has never been seen by another thread
 *
 * Of allocation:
 *   pay        before memory is taken: a safepoint, at which the thread does its part of the cycle
 *              and waits where the heap is past its goal.  It may have another processor after
 *   account    so many bytes have been taken: the thread is charged, and a cycle is asked for when
 *              the heap has come to its trigger
 *   limit      bytes that may be mapped now, GAITI_NO_LIMIT for any number
 *   wait       a limit stands in the way of an object of so many bytes: waits for memory, or lets
 *              the attempt pass the memory limit; false where the hard limit lets nothing pass, and
 *              cycles have made no room
 *   collect    the system gives no memory: waits for a cycle
 *   full       nor does it after that: the allocation has to fail
 *   prepare    there are few blocks in hand: has some more prepared, by another thread
 *   sweep      sweeps a few blocks; false: there is nothing left to sweep here */
struct gaiti_hooks {
  void (*attached)(gait_thread *thread);
  void (*kept)(gait_thread *thread, uint64_t since_ns, uint64_t took_ns);
  void (*retire)(gait_thread *thread);
  void (*pay)(gait_thread *thread);
  void (*account)(gait_thread *thread, size_t bytes);
  uint64_t (*limit)(const gait_heap *heap, const struct gaiti_attempt *attempt);
  bool (*wait)(gait_thread *thread, size_t bytes, struct gaiti_attempt *attempt);
  void (*collect)(gait_thread *thread);
  void (*full)(gait_thread *thread);
  void (*prepare)(gait_heap *heap);
  bool (*sweep)(gait_heap *heap);
};

#endif
