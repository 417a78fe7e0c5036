/* os.h: all that Gait asks of the operating system beside POSIX threads, whose identities, keys and
 * fork handlers the layers above use directly.  A port writes the files of this folder.
 *
 * Addresses.  gaiti_os_reserve takes addresses that hold nothing; gaiti_os_commit makes them
 * readable, writable and zero; gaiti_os_release gives the memory back, after which the addresses
 * read as zero again; gaiti_os_unreserve ends it.  All sizes are multiples of gaiti_os_page_bytes.
 *
 * Every function that can fail says so by its result.  None changes errno: an allocation that
 * succeeds leaves the embedder's as it was.  None is a cancellation point: a thread that is
 * cancelled while it waits would keep its locks for good. */
#ifndef GAITI_OS_OS_H
#define GAITI_OS_OS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- The system (system.c) ---- */

/* A sentence on a need of Gait's that this system does not meet; NULL when it meets all. */
const char *gaiti_os_missing(void);

/* Writes text to the standard error stream, in one piece. */
void gaiti_os_print(const char *text);

/* ---- Memory (memory.c) ---- */

/* The bytes of a page; at most the second, or gaiti_os_missing says so. */
size_t gaiti_os_page_bytes(void);
#define GAITI_OS_PAGE_BYTES_MAX ((size_t)64 << 10)

/* How many bytes of addresses the process may still take; SIZE_MAX: there is no limit. */
size_t gaiti_os_addresses_left(void);

/* `bytes` of addresses aligned to `alignment` (a power of two), or NULL. */
void *gaiti_os_reserve(size_t bytes, size_t alignment);
bool gaiti_os_commit(void *start, size_t bytes);
bool gaiti_os_release(void *start, size_t bytes);
/* Has pages ready that would be got at their first use, or does nothing. */
void gaiti_os_populate(void *start, size_t bytes);
/* How many of these pages have memory behind them; at most GAITI_OS_PAGES_MAX are looked at. */
#define GAITI_OS_PAGES_MAX ((size_t)64)
size_t gaiti_os_resident_pages(const void *start, size_t pages);
/* Hints, which the system may ignore. */
void gaiti_os_prefer_huge_pages(void *start, size_t bytes);
void gaiti_os_refuse_huge_pages(void *start, size_t bytes);
void gaiti_os_unreserve(void *start, size_t bytes);

/* `bytes` zeroed bytes for the library's own structures, or NULL; any size. */
void *gaiti_os_alloc(size_t bytes);
/* The same, at a multiple of `alignment`, which is a power of two. */
void *gaiti_os_alloc_aligned(size_t alignment, size_t bytes);
void gaiti_os_free(void *memory);

/* ---- Time and CPUs (clock.c, cpu_count.c) ---- */

/* A time by that clock which never comes. */
#define GAITI_NO_DEADLINE UINT64_MAX
#define GAITI_NS_OF_MS    ((uint64_t)1000000)

/* Each is 0 where the clock cannot be read. */
uint64_t gaiti_os_now_ns(void);
uint64_t gaiti_os_wall_ns(void); /* since 1970; others may set it */
uint64_t gaiti_os_thread_cpu_ns(void);
uint64_t gaiti_os_process_cpu_ns(void);
void gaiti_os_sleep_ns(uint64_t ns);
void gaiti_os_yield(void);

/* For a loop that waits for another CPU: some ten nanoseconds, without the system. */
void gaiti_os_pause(void);

/* The CPUs that this process may use: those with which it was started, cut by the quota of its
 * control group; more than 0, and a fraction where the quota is one.  As it was learned last. */
double gaiti_os_cpus(void);

/* Whether that was more than a second ago. */
bool gaiti_os_cpus_are_old(void);

/* Learns it anew: reads files.  Thread: one of the collector's, or the one that makes a heap; it
 * holds no lock. */
void gaiti_os_cpus_learn(void);

/* ---- Memory of the control group (group_memory.c) ---- */

#define GAITI_OS_NO_LIMIT INT64_MAX

/* The least limit of the control group of this process and of those above it, and the share of time
 * in percent for which some thread of that group waited for memory lately.  As they were learned
 * last; no limit and 0 before. */
int64_t gaiti_os_memory_limit(void);
double gaiti_os_memory_pressure(void);

/* Whether that was more than a second ago. */
bool gaiti_os_memory_is_old(void);

/* Learns it anew: reads files.  Thread: any that holds no lock. */
void gaiti_os_memory_learn(void);

/* ---- Threads (os_thread.c) ---- */

typedef void *gaiti_os_thread_fn(void *arg);

/* Starts a joinable thread with every signal blocked but those of a fault and of a step. */
bool gaiti_os_thread_start(pthread_t *thread, gaiti_os_thread_fn *run, void *arg);

/* The first call of such a thread: it takes a name of at most 15 bytes, which debuggers and top(1)
 * show, and undoes its inheritance from the thread that made it: it runs on the CPUs with
 * which the process was started, and as urgently, as far as it is allowed.  It is never
 * cancelled. */
void gaiti_os_thread_begin(const char *name);

/* Makes the calling thread run only on CPUs that would be idle.  For good: an ordinary user
 * may not take it back.  So such a thread holds nothing that another may wait for, not even a lock:
 * it may be taken off its CPU at any moment, for as long as others have a use for that. */
void gaiti_os_thread_idle_priority(void);

/* Takes it back for the thread with that id, if this process may: an ordinary user's may not. */
void gaiti_os_thread_end_idle_priority(int tid);

int gaiti_os_thread_id(void);

/* The calling thread's name, as the system has it; empty: it has none. */
void gaiti_os_thread_name(char *name, size_t bytes);

/* Waits for the end of a thread that gaiti_os_thread_start has started. */
void gaiti_os_thread_join(pthread_t thread);

/* Keeps the calling thread from being cancelled, until the returned state is given back. */
int gaiti_os_cancel_off(void);
void gaiti_os_cancel_back(int before);

/* The CPU on which the calling thread runs just now, or -1. */
int gaiti_os_thread_cpu(void);

/* Has the calling thread, if it is one of the collector's, go on there, if it may; the system may
 * move it again at once. */
void gaiti_os_thread_move_to(int cpu);

/* The calling thread's stack: [*low, *high), without the C library's data at its high end.  False:
 * the system does not tell.  The first is cheap after its first call; the second asks again, since
 * the stack of the process's first thread grows. */
bool gaiti_os_stack(uintptr_t *low, uintptr_t *high);
bool gaiti_os_stack_now(uintptr_t *low, uintptr_t *high);

/* ---- Locks (lock.c) ----
 *
 * A thread takes locks in the order of their ranks, lowest first; debug builds check it. */

enum gaiti_rank {
  GAITI_RANK_FORK,       /* the list of heaps, held across fork */
  GAITI_RANK_BUDGETS,    /* budgets and their members, of all heaps */
  GAITI_RANK_COLLECT,    /* requests for cycles and their ends */
  GAITI_RANK_WORKERS,    /* rounds of background marking */
  GAITI_RANK_THREADS,    /* the list of threads and the state of handshakes */
  GAITI_RANK_PROCS,      /* the list of processors */
  GAITI_RANK_ROOTS,      /* registered roots, handles, external bytes */
  GAITI_RANK_FIBERS,     /* the list of fibers */
  GAITI_RANK_FINALIZERS, /* cleanups and finalizers, and the queue of those due */
  GAITI_RANK_KINDS,      /* the table of kinds */
  GAITI_RANK_PACER,      /* the pacer's state */
  GAITI_RANK_FINDER,     /* the option find_missing */
  GAITI_RANK_PROFILE,    /* samples of allocations */
  GAITI_RANK_PARTIAL,    /* lists of blocks with free slots */
  GAITI_RANK_SPACE,      /* free blocks */
  GAITI_RANK_MARK,       /* shared mark work */
  GAITI_RANK_BUFFERS,    /* shaded references handed over by threads */
  GAITI_RANK_RECORDS,    /* the ring of cycle records */
  GAITI_RANK_DUMP,       /* chunks of a heap dump that are to be written */
  GAITI_RANK_COUNT,
};

struct gaiti_lock {
  pthread_mutex_t mutex;
  enum gaiti_rank rank;
};

struct gaiti_condition {
  pthread_cond_t condition;
};

bool gaiti_lock_init(struct gaiti_lock *lock, enum gaiti_rank rank);
void gaiti_lock_destroy(struct gaiti_lock *lock);
void gaiti_lock(struct gaiti_lock *lock);
bool gaiti_trylock(struct gaiti_lock *lock);
void gaiti_unlock(struct gaiti_lock *lock);

bool gaiti_condition_init(struct gaiti_condition *condition);
void gaiti_condition_destroy(struct gaiti_condition *condition);
void gaiti_wait(struct gaiti_condition *condition, struct gaiti_lock *lock);
/* Waits at most `ns`. */
void gaiti_wait_for(struct gaiti_condition *condition, struct gaiti_lock *lock, uint64_t ns);
void gaiti_wake(struct gaiti_condition *condition);

/* In the child of a fork: as new, whatever another thread was doing with it in the parent. */
void gaiti_condition_renew(struct gaiti_condition *condition);
void gaiti_lock_renew(struct gaiti_lock *lock);

/* ---- Semaphores (semaphore.c) ----
 *
 * A count, 0 at first.  To post raises it by one, and never waits, nor keeps a thread waiting: so a
 * thread at idle priority may.  To wait lowers it by one, when it is more than 0. */

struct gaiti_semaphore {
  sem_t semaphore;
};

bool gaiti_semaphore_init(struct gaiti_semaphore *semaphore);
void gaiti_semaphore_destroy(struct gaiti_semaphore *semaphore);
void gaiti_semaphore_post(struct gaiti_semaphore *semaphore);
void gaiti_semaphore_wait(struct gaiti_semaphore *semaphore);
/* Lowers it to 0. */
void gaiti_semaphore_drain(struct gaiti_semaphore *semaphore);

#endif
