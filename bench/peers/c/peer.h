/* peer.h: one face over the peers in C, so that each piece of work is written once for all of them.
 *
 * PEER_BDWGC or PEER_MIMALLOC says which one is built; without either it is the C library.  All but
 * bdwgc free by hand.  A program prints one JSON object, with the names that `gait run --json` has.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#if defined(PEER_BDWGC)
#define GC_THREADS /* after pthread.h: it wraps pthread_create */
#include <gc.h>
#elif defined(PEER_MIMALLOC)
#include <mimalloc.h>
#else
#include <gnu/libc-version.h>
#endif

#define PEER_THREADS_MAX 64u

static inline uint64_t peer_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The next of a sequence of xorshift numbers; *state is not 0. */
static inline uint64_t peer_random(uint64_t *state) {
  uint64_t x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *state = x;
}

/* ---- Allocation ---- */

static uint64_t peer_pause_start_ns, peer_pause_max_ns; /* written by the thread that collects */

#if defined(PEER_BDWGC)
static const bool peer_collects = true;

static void peer_event(GC_EventType event) {
  if (event == GC_EVENT_PRE_STOP_WORLD) peer_pause_start_ns = peer_now_ns();
  if (event != GC_EVENT_POST_START_WORLD) return;
  uint64_t ns = peer_now_ns() - peer_pause_start_ns;
  if (ns > peer_pause_max_ns) peer_pause_max_ns = ns;
}

static inline void peer_init(void) {
  GC_INIT();
  GC_allow_register_threads();
  GC_set_on_collection_event(peer_event);
}

static inline void *peer_new(size_t bytes) {
  return GC_MALLOC(bytes);
}
static inline void *peer_new_leaf(size_t bytes) {
  return GC_MALLOC_ATOMIC(bytes);
}
static inline void peer_free(void *object) {
  (void)object;
}
static inline void peer_collect(void) {
  GC_gcollect();
}
static inline uint64_t peer_cycles(void) {
  return GC_get_gc_no();
}
static inline void peer_version(char *text, size_t bytes) {
  unsigned version = GC_get_version();
  snprintf(text, bytes, "%u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff);
}
#else
static const bool peer_collects = false;

static inline void peer_init(void) {
  peer_pause_start_ns = peer_pause_max_ns = 0;
}
#if defined(PEER_MIMALLOC)
static inline void *peer_new(size_t bytes) {
  return mi_zalloc(bytes);
}
static inline void *peer_new_leaf(size_t bytes) {
  return mi_malloc(bytes);
}
static inline void peer_free(void *object) {
  mi_free(object);
}
/* Two digits for the minor and the patch each; once it was one. */
static inline void peer_version(char *text, size_t bytes) {
  int version = mi_version(), base = version < 10000 ? 10 : 100;
  snprintf(text, bytes, "%d.%d.%d", version / base / base, version / base % base, version % base);
}
#else
static inline void *peer_new(size_t bytes) {
  return calloc(1, bytes);
}
static inline void *peer_new_leaf(size_t bytes) {
  return malloc(bytes);
}
static inline void peer_free(void *object) {
  free(object);
}
static inline void peer_version(char *text, size_t bytes) {
  snprintf(text, bytes, "%s", gnu_get_libc_version());
}
#endif
static inline void peer_collect(void) {}
static inline uint64_t peer_cycles(void) {
  return 0;
}
#endif

/* ---- The result ---- */

struct peer_result {
  uint64_t ops;
  uint64_t ns;
  double ns_per_op;
  uint64_t checksum;
};

/* Prints the result; `more` is the inside of a JSON object, or empty. */
static inline void peer_report(const struct peer_result *result, const char *more) {
  struct rusage usage;
  char version[64];
  getrusage(RUSAGE_SELF, &usage);
  peer_version(version, sizeof version);
  printf("{\"version\": \"%s\", \"ops\": %" PRIu64 ", \"seconds\": %.9f, \"ns_per_op\": %.4f, "
         "\"checksum\": \"%016" PRIx64 "\", \"peak_rss_bytes\": %" PRIu64 ", \"cycles\": %" PRIu64,
         version, result->ops, (double)result->ns * 1e-9, result->ns_per_op, result->checksum,
         (uint64_t)usage.ru_maxrss * 1024, peer_cycles());
  if (peer_collects) printf(", \"pause_max_ns\": %" PRIu64, peer_pause_max_ns);
  printf("%s%s}\n", more[0] != '\0' ? ", " : "", more);
}

/* Argument `index` as a number; the program ends without it. */
static inline uint64_t peer_number(int argc, char **argv, int index) {
  if (index < argc) return strtoull(argv[index], NULL, 10);
  fprintf(stderr, "%s: argument %d is missing\n", argv[0], index);
  exit(2);
}

/* Runs `function` with &numbers[i] for each of `threads` (at most PEER_THREADS_MAX) numbers, number
 * 0 on this thread. */
static inline void peer_in_parallel(void *(*function)(void *), unsigned *numbers,
                                    unsigned threads) {
  pthread_t ids[PEER_THREADS_MAX];
  for (unsigned i = 1; i < threads; i++) {
    if (pthread_create(&ids[i], NULL, function, &numbers[i]) == 0) continue;
    fprintf(stderr, "a thread could not be started\n");
    exit(1);
  }
  function(&numbers[0]);
  for (unsigned i = 1; i < threads; i++)
    pthread_join(ids[i], NULL);
}

#endif
