/* attributes.h: requests to the compiler. */
#ifndef GAITI_BASE_ATTRIBUTES_H
#define GAITI_BASE_ATTRIBUTES_H

/* Code that reads memory which its owner may be writing, or which no object claims: stacks, and
 * objects while mutators run.  The reads are single words and any value is handled. */
#define GAITI_RACY __attribute__((no_sanitize("address"))) __attribute__((no_sanitize("thread")))

/* The sanitizers do not look into an inlined callee of a GAITI_RACY function. */
#define GAITI_RACY_INLINE static inline __attribute__((always_inline))

/* Asks for the cache line at `address`, to be written.  The builtin asks for it to be read unless
 * the compiler is told of a processor that can do otherwise; every x86-64 takes the instruction. */
static inline __attribute__((always_inline)) void gaiti_prefetch_for_write(const void *address) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
#else
  __builtin_prefetch(address, 1);
#endif
}

/* Asks for the cache line at `address`, to be read.  Without the empty statement the compiler takes
 * a loop that does nothing else for an empty one. */
static inline __attribute__((always_inline)) void gaiti_prefetch_for_read(const void *address) {
  __builtin_prefetch(address, 0);
  __asm__ volatile("");
}

#define GAITI_NOINLINE              __attribute__((noinline))
#define GAITI_PRINTF(string, first) __attribute__((format(printf, string, first)))
#define GAITI_CACHE_LINE            64

#endif
