/* generation.h: the part of old objects in the cycle under way, and in the next (mark/young.h).
 *
 * Written by the thread that runs the cycle, and by no other: when it begins, and when marking has
 * closed, before any thread is asked to turn its barrier off, and so before the sweep. */
#ifndef GAITI_HEAP_GENERATION_H
#define GAITI_HEAP_GENERATION_H

#include <stdbool.h>

/*   young       this cycle, or the last between two, is a young one
 *   remembered  stores have been remembered since the end of the cycle before: the sweep takes for
 *               old those objects alone that the sweep before has found live as well
 *   remembers   stores are remembered from now on, since a young cycle may follow: the sweep notes
 *               the objects that it finds live
 *   young_next  the next cycle may be young: the sweep leaves the marks of old objects in place */
struct gaiti_generation {
  bool young;
  bool remembered;
  bool remembers;
  bool young_next;
};

#endif
