/* asan.h: AddressSanitizer.
 *
 * Gait tells it that memory that belongs to no object may not be touched, so a program that uses an
 * object after it became unreachable is reported at the access.  The rest of a run that goes back
 * stays visible until the next sweep: the walk over marked objects may be about to look at it.
 * Nothing in other builds.
 *
 * As to stacks, it may keep local variables in frames of its own, apart from the stack, which has
 * their addresses only.  The program may be built with it where this library is not, so its
 * functions are asked for when the program runs. */
#ifndef GAITI_BASE_ASAN_H
#define GAITI_BASE_ASAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

extern void *__asan_get_current_fake_stack(void) __attribute__((weak));
extern void *__asan_addr_is_in_fake_stack(void *fake_stack, void *address, void **start, void **end)
    __attribute__((weak));

/* Where the calling thread's variables are instead of on the stack; NULL: they are there. */
static inline void *gaiti_asan_fake_stack(void) {
  return __asan_get_current_fake_stack ? __asan_get_current_fake_stack() : NULL;
}

/* The frame of a fake stack that `word` points into; false when it does not. */
static inline bool gaiti_asan_fake_frame(void *fake_stack, uintptr_t word, void **start,
                                         void **end) {
  return __asan_addr_is_in_fake_stack &&
         __asan_addr_is_in_fake_stack(fake_stack, (void *)word, start, end) != NULL;
}

#endif
