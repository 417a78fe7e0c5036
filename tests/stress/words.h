/* words.h: how an era writes references: as plain addresses, or with a tag by a rule of its heap.
 */
#ifndef STRESS_WORDS_H
#define STRESS_WORDS_H

#include <stdbool.h>

#include <gait/gait.h>

/*   tag    what is added to an address
 *   grain  a reference into an object lies at a multiple of it
 *   rule   the heap's, of tagged ones */
struct words {
  const char *name;
  bool tagged;
  uint64_t tag;
  size_t grain;
  gait_tags rule;
};

/* Plain references, or those of a rule that the seed draws. */
const struct words *words_choose(bool tagged, uint64_t seed);

static inline void *words_refer(const struct words *words, const void *address) {
  return address ? (void *)((uintptr_t)address + words->tag) : NULL;
}

static inline void *words_address(const struct words *words, const void *reference) {
  return reference ? (void *)((uintptr_t)reference - words->tag) : NULL;
}

#endif
