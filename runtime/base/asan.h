/* asan.h: what AddressSanitizer is told: memory that belongs to no object may not be touched, so a
 * program that uses an object after it became unreachable is reported at the access.  The rest of a
 * run that goes back stays visible until the next sweep: the walk over marked objects may be about
 * to look at it.  Nothing in other builds. */
#ifndef GAITI_BASE_ASAN_H
#define GAITI_BASE_ASAN_H

#include <stddef.h>

#if defined(__has_feature)
#define GAITI_HAS_FEATURE(feature) __has_feature(feature)
#else
#define GAITI_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || GAITI_HAS_FEATURE(address_sanitizer)
#define GAITI_ASAN 1
#include <sanitizer/asan_interface.h>
static inline void gaiti_asan_hide(const void *start, size_t bytes) {
  __asan_poison_memory_region(start, bytes);
}
static inline void gaiti_asan_show(const void *start, size_t bytes) {
  __asan_unpoison_memory_region(start, bytes);
}
#else
#define GAITI_ASAN 0
static inline void gaiti_asan_hide(const void *start, size_t bytes) {
  (void)start, (void)bytes;
}
static inline void gaiti_asan_show(const void *start, size_t bytes) {
  (void)start, (void)bytes;
}
#endif

#endif
