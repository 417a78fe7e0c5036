/* heap_chunks.h: the chunks of a dump, and errors with their places. */
#ifndef GAIT_HEAP_CHUNKS_H
#define GAIT_HEAP_CHUNKS_H

#include "heap_reader.h"

#define HEAP_TYPE(a, b, c, d)                                                                      \
  ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define HEAP_TYPE_HEAP    HEAP_TYPE('H', 'E', 'A', 'P')
#define HEAP_TYPE_KINDS   HEAP_TYPE('K', 'I', 'N', 'D')
#define HEAP_TYPE_OBJECTS HEAP_TYPE('O', 'B', 'J', 'S')
#define HEAP_TYPE_OUTSIDE HEAP_TYPE('E', 'X', 'T', 'B')
#define HEAP_TYPE_WEAK    HEAP_TYPE('W', 'E', 'A', 'K')
#define HEAP_TYPE_ROOTS   HEAP_TYPE('R', 'O', 'O', 'T')
#define HEAP_TYPE_HOLDERS HEAP_TYPE('H', 'O', 'L', 'D')
#define HEAP_TYPE_SITED   HEAP_TYPE('S', 'I', 'T', 'D')
#define HEAP_TYPE_SITES   HEAP_TYPE('S', 'I', 'T', 'E')
#define HEAP_TYPE_END     HEAP_TYPE('D', 'O', 'N', 'E')

/* Finds all chunks and checks their sums. */
bool heap_chunks_read(struct heap_dump *dump, struct heap_error *error);

/* Says that at that place something is wrong; returns false. */
bool heap_fault(const struct heap_dump *dump, const unsigned char *at, struct heap_error *error,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Begins with the chunks of a type, and goes on to the next that has any bytes.  *chunk is the
 * place behind the last one. */
bool heap_chunks_next(const struct heap_dump *dump, uint32_t type, size_t *chunk,
                      struct heap_cursor *cursor);

/* Makes room for one more element of an array that grows; false: out of memory. */
bool heap_reserve(void *array, size_t count, size_t element_bytes);

#endif
