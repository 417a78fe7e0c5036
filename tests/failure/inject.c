#include "inject.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

static atomic_uint inject_mask;
static atomic_bool inject_rest;
static _Atomic uint64_t inject_turn;
static _Atomic uint64_t inject_seen;
static _Atomic uint64_t inject_count;

static _Atomic int64_t inject_blocks;
static _Atomic int64_t inject_mapped;
static _Atomic int64_t inject_kept;

const char *inject_name(enum inject_call call) {
  static const char *const names[] = {"mmap",           "munmap", "mprotect", "madvise", "malloc",
                                      "pthread_create", "lock",   "key",      "stack",   "atfork"};
  return names[call];
}

void inject_arm(unsigned mask, uint64_t n, bool rest) {
  atomic_store(&inject_seen, 0);
  atomic_store(&inject_count, 0);
  atomic_store(&inject_turn, n);
  atomic_store(&inject_rest, rest);
  atomic_store(&inject_mask, mask);
}

uint64_t inject_disarm(void) {
  atomic_store(&inject_mask, 0);
  return atomic_load(&inject_seen);
}

uint64_t inject_failed(void) {
  return atomic_load(&inject_count);
}

struct inject_balance inject_balance(void) {
  return (struct inject_balance){atomic_load(&inject_blocks), atomic_load(&inject_mapped),
                                 atomic_load(&inject_kept)};
}

/* Whether this call has to fail. */
static bool inject_now(enum inject_call call) {
  if (!(atomic_load(&inject_mask) & INJECT_ONE(call))) return false;
  const uint64_t number = atomic_fetch_add(&inject_seen, 1) + 1;
  const uint64_t turn = atomic_load(&inject_turn);
  const bool fail = number == turn || (number > turn && atomic_load(&inject_rest));
  if (fail) atomic_fetch_add(&inject_count, 1);
  return fail;
}

/* ---- The wrappers ---- */

void *__real_mmap(void *start, size_t bytes, int protection, int flags, int file, off_t offset);
int __real_munmap(void *start, size_t bytes);
int __real_mprotect(void *start, size_t bytes, int protection);
int __real_madvise(void *start, size_t bytes, int advice);
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
int __real_posix_memalign(void **memory, size_t alignment, size_t bytes);
void __real_free(void *memory);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *arg);
int __real_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __real_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int __real_pthread_condattr_init(pthread_condattr_t *attributes);
int __real_pthread_key_create(pthread_key_t *key, void (*destroy)(void *));
int __real_pthread_setspecific(pthread_key_t key, const void *value);
int __real_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes);
int __real_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));

void *__wrap_mmap(void *start, size_t bytes, int protection, int flags, int file, off_t offset);
int __wrap_munmap(void *start, size_t bytes);
int __wrap_mprotect(void *start, size_t bytes, int protection);
int __wrap_madvise(void *start, size_t bytes, int advice);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes);
void __wrap_free(void *memory);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *arg);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int __wrap_pthread_condattr_init(pthread_condattr_t *attributes);
int __wrap_pthread_key_create(pthread_key_t *key, void (*destroy)(void *));
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes);
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));

static int inject_system_error(int error) {
  errno = error;
  return -1;
}

void *__wrap_mmap(void *start, size_t bytes, int protection, int flags, int file, off_t offset) {
  if (inject_now(INJECT_MMAP)) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  void *mapped = __real_mmap(start, bytes, protection, flags, file, offset);
  if (mapped != MAP_FAILED) atomic_fetch_add(&inject_mapped, (int64_t)bytes);
  return mapped;
}

int __wrap_munmap(void *start, size_t bytes) {
  if (inject_now(INJECT_MUNMAP)) {
    atomic_fetch_add(&inject_kept, (int64_t)bytes);
    return inject_system_error(ENOMEM);
  }
  const int failed = __real_munmap(start, bytes);
  if (!failed) atomic_fetch_sub(&inject_mapped, (int64_t)bytes);
  return failed;
}

int __wrap_mprotect(void *start, size_t bytes, int protection) {
  if (inject_now(INJECT_MPROTECT)) return inject_system_error(ENOMEM);
  return __real_mprotect(start, bytes, protection);
}

int __wrap_madvise(void *start, size_t bytes, int advice) {
  if (inject_now(INJECT_MADVISE)) return inject_system_error(EAGAIN);
  return __real_madvise(start, bytes, advice);
}

static void *inject_count_block(void *memory) {
  if (memory) atomic_fetch_add(&inject_blocks, 1);
  return memory;
}

void *__wrap_malloc(size_t bytes) {
  return inject_now(INJECT_ALLOC) ? NULL : inject_count_block(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes) {
  return inject_now(INJECT_ALLOC) ? NULL : inject_count_block(__real_calloc(count, bytes));
}

void *__wrap_realloc(void *memory, size_t bytes) {
  if (inject_now(INJECT_ALLOC)) return NULL;
  void *moved = __real_realloc(memory, bytes);
  return memory ? moved : inject_count_block(moved);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
  return inject_now(INJECT_ALLOC) ? NULL
                                  : inject_count_block(__real_aligned_alloc(alignment, bytes));
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes) {
  if (inject_now(INJECT_ALLOC)) return ENOMEM;
  const int failed = __real_posix_memalign(memory, alignment, bytes);
  if (!failed) inject_count_block(*memory);
  return failed;
}

void __wrap_free(void *memory) {
  if (memory) atomic_fetch_sub(&inject_blocks, 1);
  __real_free(memory);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *arg) {
  return inject_now(INJECT_THREAD) ? EAGAIN : __real_pthread_create(thread, attributes, run, arg);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes) {
  return inject_now(INJECT_LOCK) ? ENOMEM : __real_pthread_mutex_init(mutex, attributes);
}

int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes) {
  return inject_now(INJECT_LOCK) ? ENOMEM : __real_pthread_cond_init(condition, attributes);
}

int __wrap_pthread_condattr_init(pthread_condattr_t *attributes) {
  return inject_now(INJECT_LOCK) ? ENOMEM : __real_pthread_condattr_init(attributes);
}

int __wrap_pthread_key_create(pthread_key_t *key, void (*destroy)(void *)) {
  return inject_now(INJECT_KEY) ? EAGAIN : __real_pthread_key_create(key, destroy);
}

/* Taking a value back does not fail: the C library needs memory for the first one only. */
int __wrap_pthread_setspecific(pthread_key_t key, const void *value) {
  if (value && !pthread_getspecific(key) && inject_now(INJECT_KEY)) return ENOMEM;
  return __real_pthread_setspecific(key, value);
}

int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes) {
  return inject_now(INJECT_STACK) ? ENOMEM : __real_pthread_getattr_np(thread, attributes);
}

int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
  return inject_now(INJECT_ATFORK) ? ENOMEM : __real_pthread_atfork(prepare, parent, child);
}

void inject_thread_start(pthread_t *thread, void *(*run)(void *), void *arg) {
  if (__real_pthread_create(thread, NULL, run, arg)) abort();
}
