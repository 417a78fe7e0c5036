/* structure.h: memory of the heap's own structures: threads, processors, queues, tables of roots.
 *
 * .inv.structure  structure_bytes = bytes allocated here and not freed, and the heap's own struct.
 *                 Mapped memory is the sum of mapped_bytes and these (gaiti_space_mapped), so they
 *                 count against the memory limit, for which no structure is refused, and against
 *                 the hard one, for which it is.  When a heap is destroyed none is left. */
#ifndef GAITI_HEAP_STRUCTURE_H
#define GAITI_HEAP_STRUCTURE_H

#include "heap/space.h"

/* `bytes` zeroed bytes, or NULL, where the system or the hard limit gives none.  No lock is taken.
 */
void *gaiti_structure_alloc(struct gaiti_space *space, size_t bytes);

/* Gives them back; NULL is nothing. */
void gaiti_structure_free(struct gaiti_space *space, void *memory, size_t bytes);

/* Where in 4 KiB of addresses a structure begins that the inline paths use.  A processor takes a
 * load for one of the word that it has just stored where the last twelve bits of both addresses are
 * the same, and waits for the store; so all that an allocation loads and stores lies apart. */
enum gaiti_structure_place {
  GAITI_PLACE_OF_THREAD = 0,
  GAITI_PLACE_OF_PROC = 512,
  GAITI_PLACE_OF_ROW = 2048,
};

/* As the two above, at such a place. */
void *gaiti_structure_alloc_at(struct gaiti_space *space, enum gaiti_structure_place place,
                               size_t bytes);
void gaiti_structure_free_at(struct gaiti_space *space, void *memory, size_t bytes);

#endif
