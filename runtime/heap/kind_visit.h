/* kind_visit.h: the small objects of one kind, found by a table of bits. */
#ifndef GAITI_HEAP_KIND_VISIT_H
#define GAITI_HEAP_KIND_VISIT_H

#include "heap/heap.h"

typedef void gaiti_kind_visit_fn(const gait_heap *heap, void *object, void *arg);

/* Calls for each object of the kind that has its bit in the table, in the order of addresses. */
void gaiti_kind_visit(const gait_heap *heap, uint16_t kind, const AO_t *bits,
                      gaiti_kind_visit_fn *visit, void *arg);

/* How many of them there are. */
size_t gaiti_kind_count(const gait_heap *heap, uint16_t kind, const AO_t *bits);

/* Whether more blocks than `most` are of the kind. */
bool gaiti_kind_has_more_blocks(const gait_heap *heap, uint16_t kind, uint32_t most);

#endif
