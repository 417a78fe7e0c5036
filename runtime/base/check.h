/* check.h: the four checks.
 *
 *   REQUIRE         the embedder's misuse that no result can report; on in every build
 *   REQUIRE_RESULT  the embedder's misuse; names the check in debug builds, returns in release ones
 *   CHECK           ours, cheap; on in every build
 *   CHECK_SLOW      ours, dear; debug and stress builds
 *
 * Each has a name of its own, dotted by noun, which tests/negative expects. */
#ifndef GAITI_BASE_CHECK_H
#define GAITI_BASE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#ifndef GAITI_CHECK_SLOW
#define GAITI_CHECK_SLOW 0
#endif

#ifndef GAITI_STRESS
#define GAITI_STRESS 0
#endif

/* A build that is broken on purpose defines GAITI_MUTANT as one of these, and the proof must
 * notice. docs/design/proof.md has the effect of each. */
#ifndef GAITI_MUTANT
#define GAITI_MUTANT 0
#endif
enum gaiti_mutant {
  MUTANT_NONE,
  MUTANT_NO_DELETION_SHADE,
  MUTANT_NO_INSERTION_SHADE,
  MUTANT_NO_BLACK_ALLOCATION,
  MUTANT_ROOTS_BEFORE_BARRIERS,
  MUTANT_FLUSH_ONCE,
  MUTANT_BARRIER_AFTER_STORE,
  MUTANT_UNBARRIERED_ROOTS_ONCE,
  MUTANT_OUTSIDE_THREAD_SKIPPED,
  MUTANT_SWEEP_BEFORE_BARRIERS_OFF,
  MUTANT_INIT_STORE_WITHOUT_SHADE,
  MUTANT_STORE_NOT_REMEMBERED,
  MUTANT_CARDS_AGED_LATE,
  MUTANT_REMEMBERED_FROM_THE_END,
  MUTANT_CALLBACKS_NOT_RETRACED,
  MUTANT_GROWN_NOT_ZEROED,
  MUTANT_DUE_WITHOUT_SHADE,
  MUTANT_DUE_NOT_MARKED,
  MUTANT_FINALIZER_OLD_AT_ONCE,
  MUTANT_FREED_TAKEN_WHITE,
  MUTANT_FIBER_TAKEN_UP_UNSCANNED,
  MUTANT_WEAK_READ_UNSHADED,
  MUTANT_EPHEMERON_NOT_WOKEN,
};
#define MUTANT(which) (GAITI_MUTANT == (which))

_Noreturn void gaiti_check_failed(const char *macro, const char *name, const char *function,
                                  const char *sentence);

#define REQUIRE(name, condition, sentence)                                                         \
  ((condition) ? (void)0 : gaiti_check_failed("REQUIRE", name, __func__, sentence))

/* A pointer that the contract of a call without a result does not let be NULL. */
#define REQUIRE_ARGUMENT(pointer)                                                                  \
  REQUIRE("argument.null", (pointer) != NULL, "the argument " #pointer " is NULL")

#if GAITI_CHECK_SLOW
#define REQUIRE_RESULT(name, condition, sentence, result) REQUIRE(name, condition, sentence)
#else
#define REQUIRE_RESULT(name, condition, sentence, result)                                          \
  do {                                                                                             \
    if (!(condition)) return result;                                                               \
  } while (0)
#endif

#define CHECK(name, condition, sentence)                                                           \
  ((condition) ? (void)0 : gaiti_check_failed("CHECK", name, __func__, sentence))

#define CHECK_SLOW(name, condition, sentence)                                                      \
  ((!GAITI_CHECK_SLOW || (condition))                                                              \
       ? (void)0                                                                                   \
       : gaiti_check_failed("CHECK_SLOW", name, __func__, sentence))

#endif
