/* heap_number.h: reading numbers and text of a dump, within bounds. */
#ifndef GAIT_HEAP_NUMBER_H
#define GAIT_HEAP_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left of some bytes.  After a number that is none, or has no end, it is `bad`, and all
 * that is read is 0. */
struct heap_cursor {
  const unsigned char *at;
  const unsigned char *end;
  bool bad;
};

static inline uint64_t heap_number_bad(struct heap_cursor *cursor) {
  cursor->bad = true;
  cursor->at = cursor->end;
  return 0;
}

static inline uint64_t heap_number(struct heap_cursor *cursor) {
  uint64_t number = 0;
  for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
    uint64_t byte = *cursor->at++;
    if (shift == 63 && byte > 1) break;
    number |= (byte & 127) << shift;
    if (byte < 128) return number;
  }
  return heap_number_bad(cursor);
}

/* Undoes the form in which differences are written: 0, 1, 2, 3 ... are 0, -1, 1, -2 ... */
static inline uint64_t heap_signed(uint64_t number) {
  return number >> 1 ^ (0 - (number & 1));
}

/* So many bytes; NULL: there are fewer. */
static inline const unsigned char *heap_bytes(struct heap_cursor *cursor, uint64_t bytes) {
  if (bytes > (uint64_t)(cursor->end - cursor->at)) {
    heap_number_bad(cursor);
    return NULL;
  }
  const unsigned char *at = cursor->at;
  cursor->at += bytes;
  return at;
}

#endif
