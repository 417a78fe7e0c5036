/* unit_dump.h: a dump of the test's heap, read back. */
#ifndef UNIT_DUMP_H
#define UNIT_DUMP_H

#include "unit.h"

#include <heap_reader.h>

/* Dumps the heap by the thread and reads the file, which is gone then. */
struct heap_dump *unit_dump(gait_thread *thread);

/* The bytes of the file instead, to be freed. */
unsigned char *unit_dump_bytes(gait_thread *thread, size_t *bytes);

/* The number of the object with that address; asserts that it begins there. */
uint32_t unit_dump_object(const struct heap_dump *dump, const void *object);

/* Its kind's name. */
const char *unit_dump_kind(const struct heap_dump *dump, uint32_t object);

/* How often one object refers to another, by any word or by that one (HEAP_NO_WORD: of none). */
size_t unit_dump_edges(const struct heap_dump *dump, const void *from, const void *to);
size_t unit_dump_edges_by(const struct heap_dump *dump, const void *from, const void *to,
                          uint64_t word);
size_t unit_dump_count_edges(const struct heap_dump *dump, const void *from);

/* How many roots of such holders, at such places, lead to the object; a slot of NULL: any. */
size_t unit_dump_roots(const struct heap_dump *dump, enum heap_holder_type type,
                       enum heap_place place, const void *slot, const void *object);

#endif
