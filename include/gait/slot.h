/* slot.h: loads and stores of references take a pointer to a pointer, and nothing else.
 *
 * Include gait.h, not this file.  gait_load, gait_store, gait_store_init, gait_cas, gait_copy and
 * gait_clear are macros around the functions of the same names: a slot that is no pointer to a
 * pointer, such as `node` in place of `&node->next`, does not compile.  An array of pointers, and
 * the address of an atomic pointer in C, are slots as well.  Where the slot has another type for a
 * reason, cast it: (void **)slot.  A name in parentheses, (gait_store)(thread, slot, value), is the
 * function, whose slot is any pointer and which checks nothing. */
#ifndef GAIT_SLOT_H
#define GAIT_SLOT_H

#ifdef __cplusplus
extern "C++" {
template <typename T> static inline void *gait_slot_of(T **slot) {
  return static_cast<void *>(slot);
}
template <typename T> static inline void *const *gait_slot_to_load(T *const *slot) {
  return static_cast<void *const *>(static_cast<const void *>(slot));
}
}
#define GAIT_SLOT(slot)         gait_slot_of(slot)
#define GAIT_SLOT_TO_LOAD(slot) gait_slot_to_load(slot)
#else
/* Evaluates `slot` once, and has its type. */
#define GAIT_SLOT_IS_ONE(slot)                                                                     \
  (__builtin_classify_type(*(slot)) == __builtin_classify_type((void *)0) &&                       \
   sizeof *(slot) == sizeof(void *))
#define GAIT_SLOT(slot)                                                                            \
  ((void)sizeof(struct {                                                                           \
     _Static_assert(GAIT_SLOT_IS_ONE(slot), "the slot is no pointer to a pointer");                \
     char one;                                                                                     \
   }),                                                                                             \
   (slot))
#define GAIT_SLOT_TO_LOAD(slot) ((void *const *)(const void *)GAIT_SLOT(slot))
#endif

#if GAIT_CHECKED
#define gait_load(slot)                 gait_checked_load(GAIT_SLOT_TO_LOAD(slot))
#define gait_store(thread, slot, value) gait_checked_store((thread), GAIT_SLOT(slot), (value))
#define gait_store_init(thread, slot, value)                                                       \
  gait_checked_store_init((thread), GAIT_SLOT(slot), (value))
#define gait_cas(thread, slot, expected, desired)                                                  \
  gait_checked_cas((thread), GAIT_SLOT(slot), (expected), (desired))
#define gait_copy(thread, to, from, count)                                                         \
  gait_checked_copy((thread), GAIT_SLOT(to), GAIT_SLOT_TO_LOAD(from), (count))
#define gait_clear(thread, slots, count) gait_checked_clear((thread), GAIT_SLOT(slots), (count))
#else
#define gait_load(slot)                      gait_load(GAIT_SLOT_TO_LOAD(slot))
#define gait_store(thread, slot, value)      gait_store((thread), GAIT_SLOT(slot), (value))
#define gait_store_init(thread, slot, value) gait_store_init((thread), GAIT_SLOT(slot), (value))
#define gait_cas(thread, slot, expected, desired)                                                  \
  gait_cas((thread), GAIT_SLOT(slot), (expected), (desired))
#define gait_copy(thread, to, from, count)                                                         \
  gait_copy((thread), GAIT_SLOT(to), GAIT_SLOT_TO_LOAD(from), (count))
#define gait_clear(thread, slots, count) gait_clear((thread), GAIT_SLOT(slots), (count))
#endif

static inline uint64_t gait_load_word(const uint64_t *slot) {
  return __atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

static inline void gait_store_word(gait_thread *thread, uint64_t *slot, uint64_t word) {
#if GAIT_CHECKED
  gait_checked_store(thread, slot, (void *)(uintptr_t)word);
#else
  if (GAIT_UNLIKELY(gait_fast_of(thread)->marking))
    gait_store_slow(thread, slot, (void *)(uintptr_t)word);
  else
    __atomic_store_n(slot, word, __ATOMIC_RELEASE);
#endif
}

static inline void gait_store_init_word(gait_thread *thread, uint64_t *slot, uint64_t word) {
#if GAIT_CHECKED
  gait_checked_store_init(thread, slot, (void *)(uintptr_t)word);
#else
  uint32_t marking = gait_fast_of(thread)->marking;
  if (GAIT_UNLIKELY(marking & GAIT_SHADE_NEW)) gait_shade(thread, (void *)(uintptr_t)word);
  if (GAIT_UNLIKELY(marking & GAIT_REMEMBER)) gait_remember(thread, slot);
  __atomic_store_n(slot, word, __ATOMIC_RELEASE);
#endif
}

static inline void gait_copy_words(gait_thread *thread, uint64_t *to, const uint64_t *from,
                                   size_t count) {
#if GAIT_CHECKED
  gait_checked_copy(thread, to, from, count);
#else
  (gait_copy)(thread, to, from, count);
#endif
}

static inline void gait_clear_words(gait_thread *thread, uint64_t *slots, size_t count) {
#if GAIT_CHECKED
  gait_checked_clear(thread, slots, count);
#else
  (gait_clear)(thread, slots, count);
#endif
}

#endif
