/* heap_dominators.h: which object holds which alone: the tree of dominators, and retained sizes.
 *
 * An object dominates another where every way from a root to that one leads through it: if it went,
 * the other would.  What it retains is its own size and that of all that it dominates. */
#ifndef GAIT_HEAP_DOMINATORS_H
#define GAIT_HEAP_DOMINATORS_H

#include "heap_reader.h"

/* Objects that roots lead to have numbers from 1 to `count`, in the order of a search; 0 stands for
 * all roots together.
 *   objects    of each number
 *   dominator  its immediate dominator, whose number is lower
 *   bytes      that it retains, with external ones; of 0: of all that roots lead to
 *   retained   how many objects, itself among them */
struct heap_dominators {
  uint32_t count;
  uint32_t *objects;
  uint32_t *dominator;
  uint64_t *bytes;
  uint32_t *retained;
};

/* NULL: out of memory, or more references than there are numbers of 32 bits.  It takes at most 24
 * bytes an object, 4 a reference that leads back or across, and 4 for each with `arrays`.  Without
 * them, and where there is no memory for these, it takes several times as long. */
struct heap_dominators *heap_dominators_find(const struct heap_dump *dump, bool arrays);

void heap_dominators_destroy(struct heap_dominators *dominators);

#endif
