/* sanitizer.h: which sanitizer watches this build, and whether it runs on another kind of machine.
 */
#ifndef SUPPORT_SANITIZER_H
#define SUPPORT_SANITIZER_H

#ifndef TESTS_EMULATED
#define TESTS_EMULATED 0
#endif

#if defined(__has_feature)
#define SANITIZER_HAS_FEATURE(feature) __has_feature(feature)
#else
#define SANITIZER_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || SANITIZER_HAS_FEATURE(address_sanitizer)
#define SANITIZER_ADDRESS 1
#else
#define SANITIZER_ADDRESS 0
#endif

#if defined(__SANITIZE_THREAD__) || SANITIZER_HAS_FEATURE(thread_sanitizer)
#define SANITIZER_THREAD 1
#else
#define SANITIZER_THREAD 0
#endif

/* Neither lets the forked child of a program with threads allocate and start threads. */
#define SANITIZER_FORKS (!SANITIZER_ADDRESS && !SANITIZER_THREAD && !TESTS_EMULATED)

#endif
