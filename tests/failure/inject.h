/* inject.h: what the library asks of the system, failed on purpose.
 *
 * The linker sends every call that a static library and this program make to one of the functions
 * below to a wrapper (`--wrap`), which counts it, and fails the one whose turn it is.  What the C
 * library asks for itself is not seen.  So nothing in the collector knows of this. */
#ifndef FAILURE_INJECT_H
#define FAILURE_INJECT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum inject_call {
  INJECT_MMAP,
  INJECT_MUNMAP,
  INJECT_MPROTECT,
  INJECT_MADVISE,
  INJECT_ALLOC, /* malloc, calloc, realloc, aligned_alloc, posix_memalign */
  INJECT_THREAD,
  INJECT_LOCK, /* pthread_mutex_init, pthread_cond_init, pthread_condattr_init */
  INJECT_KEY,  /* pthread_key_create, pthread_setspecific */
  INJECT_STACK,
  INJECT_ATFORK,
  INJECT_CALLS,
};

#define INJECT_ONE(call) (1u << (call))
#define INJECT_ALL       (INJECT_ONE(INJECT_CALLS) - 1)

const char *inject_name(enum inject_call call);

/* From now on the `n`-th call (from 1) of those in `mask` fails, and with `rest` every later one
 * as well. */
void inject_arm(unsigned mask, uint64_t n, bool rest);

/* No call fails any more.  Returns how many calls of the mask there were since inject_arm. */
uint64_t inject_disarm(void);

/* How many calls have been failed since inject_arm. */
uint64_t inject_failed(void);

/* What is out now, counted by the wrappers: blocks of malloc, bytes of mmap less those of munmap,
 * and of these the bytes that stayed because munmap was failed. */
struct inject_balance {
  int64_t blocks;
  int64_t mapped_bytes;
  int64_t kept_bytes;
};
struct inject_balance inject_balance(void);

/* pthread_create itself, for the test's own threads. */
void inject_thread_start(pthread_t *thread, void *(*run)(void *), void *arg);

#endif
