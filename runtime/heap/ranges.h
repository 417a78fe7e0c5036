/* ranges.h: the addresses of every heap of the process, so that a checked client's mistake of one
 * heap for another is noticed (api/checked.c).
 *
 * Reading takes no lock: a thread in managed code that waited for one could keep a fork waiting,
 * which holds the list of heaps while every thread comes to a safepoint (cycle/fork.c).  A range is
 * one atomic word, so a reader sees all of it or nothing, and the chunks that it reads are never
 * freed.
 *
 * .inv.ranges  A heap's range is in the table from before its first object until after its last
 *              thread has detached, and is gone before its addresses are given back.  So an address
 *              that a program has by right is never taken for one of a heap that is gone: the next
 *              owner of these addresses got them after the range had left the table. */
#ifndef GAITI_HEAP_RANGES_H
#define GAITI_HEAP_RANGES_H

#include "heap/block.h"

/* Puts a heap's addresses in the table, and takes them out.  False: no memory for a longer one. */
bool gaiti_ranges_add(const struct gaiti_map *map);
void gaiti_ranges_remove(const struct gaiti_map *map);

/* Whether the address is one of a heap other than `map`'s. */
bool gaiti_ranges_other_covers(const struct gaiti_map *map, uintptr_t address);

#endif
