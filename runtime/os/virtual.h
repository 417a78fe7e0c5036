/* virtual.h: a machine that is only counted, for experiments that are to come out alike everywhere.
 *
 * Between gaiti_virtual_begin and gaiti_virtual_end the clocks of this folder stand still but for
 * work that is counted: bytes allocated, bytes marked, blocks swept, and a little for each turn.
 * Threads take turns, one at a time, in an order that follows from these clocks alone.  So a run
 * depends on no machine, load or compiler, where the program does not (docs/design/virtual.md).
 *
 * For the tool and tests: no option switches it on.  Off, each hook is a look at one variable. */
#ifndef GAITI_OS_VIRTUAL_H
#define GAITI_OS_VIRTUAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/os.h"

/* The machine: CPUs, and picoseconds of one of them for a byte allocated, a byte marked, and a
 * block swept. */
struct gaiti_virtual {
  unsigned cpus; /* 1 .. 64 */
  uint64_t alloc_ps, mark_ps, sweep_ps;
};

#define GAITI_VIRTUAL_DEFAULT                                                                      \
  ((struct gaiti_virtual){.cpus = 2, .alloc_ps = 1000, .mark_ps = 500, .sweep_ps = 1000000})

/* Written while there is one thread. */
extern bool gaiti_virtual_is_on;

/* The calling thread, which is the only one of the process, becomes the first of that machine; the
 * others are those that gaiti_os_thread_start starts.  To end it, all of these have been joined. */
void gaiti_virtual_begin(const struct gaiti_virtual *machine);
void gaiti_virtual_end(void);

/* ---- For the other files of this folder ---- */

uint64_t gaiti_virtual_now_ns(void);
uint64_t gaiti_virtual_thread_cpu_ns(void);
uint64_t gaiti_virtual_process_cpu_ns(void);
double gaiti_virtual_cpus(void);
void gaiti_virtual_sleep_ns(uint64_t ns);
void gaiti_virtual_pause(void);
void gaiti_virtual_turn(void); /* a place where another may have its turn */
void gaiti_virtual_set_idle(bool idle);
int gaiti_virtual_thread_id(void); /* from 1, in the order in which they were started */

bool gaiti_virtual_thread_start(pthread_t *thread, gaiti_os_thread_fn *run, void *arg);
void gaiti_virtual_thread_join(pthread_t thread);

/* The thread waits until `on` is woken, or for `ns` at most; GAITI_NO_DEADLINE: for as long as that
 * takes.  Nothing can happen between a look at a condition and this call. */
void gaiti_virtual_wait(const void *on, uint64_t ns);
void gaiti_virtual_wake(const void *on);

/* The bytes for which a structure of the heap counts: none there, since the locks in it are the C
 * library's, and of another size on another machine. */
static inline size_t gaiti_os_structure_bytes(size_t bytes) {
  return gaiti_virtual_is_on ? 0 : bytes;
}

/* ---- Counting work ---- */

void gaiti_virtual_alloc(size_t bytes);
void gaiti_virtual_mark(uint64_t bytes);
void gaiti_virtual_sweep(size_t blocks);

static inline void gaiti_os_count_alloc(size_t bytes) {
  if (gaiti_virtual_is_on) gaiti_virtual_alloc(bytes);
}

static inline void gaiti_os_count_mark(uint64_t bytes) {
  if (gaiti_virtual_is_on) gaiti_virtual_mark(bytes);
}

static inline void gaiti_os_count_sweep(size_t blocks) {
  if (gaiti_virtual_is_on) gaiti_virtual_sweep(blocks);
}

#endif
