#include "heap_chunks.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"

#define CHUNKS_MAGIC        "GAITHEAP"
#define CHUNKS_VERSION      1
#define CHUNKS_FILE_BYTES   16
#define CHUNKS_HEADER_BYTES 24

bool heap_fault(const struct heap_dump *dump, const unsigned char *at, struct heap_error *error,
                const char *format, ...) {
  va_list values;
  char why[256];
  va_start(values, format);
  vsnprintf(why, sizeof why, format, values);
  va_end(values);
  snprintf(error->text, sizeof error->text, "%.200s: at byte %zu: %s", dump->path,
           (size_t)(at - dump->data), why);
  return false;
}

bool heap_reserve(void *array, size_t count, size_t element_bytes) {
  if (count > 0 && (count & (count - 1)) != 0) return true;
  void **place = array;
  void *larger = realloc(*place, (count ? 2 * count : 1) * element_bytes);
  if (larger) *place = larger;
  return larger != NULL;
}

static uint64_t chunks_word(const unsigned char *at, int bytes) {
  uint64_t word = 0;
  for (int i = 0; i < bytes; i++)
    word |= (uint64_t)at[i] << 8 * i;
  return word;
}

static bool chunks_header(const struct heap_dump *dump, struct heap_error *error) {
  const unsigned char *data = dump->data;
  if (dump->bytes < CHUNKS_FILE_BYTES || memcmp(data, CHUNKS_MAGIC, 8) != 0)
    return heap_fault(dump, data, error, "it is no heap dump of Gait's");
  uint64_t version = chunks_word(data + 8, 4);
  if (version == CHUNKS_VERSION && chunks_word(data + 12, 4) == 0) return true;
  if (version == CHUNKS_VERSION)
    return heap_fault(dump, data + 12, error, "four bytes of zeros are wanted here");
  return heap_fault(dump, data + 8, error,
                    "it is of version %llu, and this reader knows version %d",
                    (unsigned long long)version, CHUNKS_VERSION);
}

static uint32_t chunks_sum(const struct gaiti_crc32 *crc, const unsigned char *at, size_t bytes) {
  uint32_t sum = gaiti_crc32_add(crc, 0, at, 16);
  return gaiti_crc32_add(crc, sum, at + CHUNKS_HEADER_BYTES, bytes);
}

/* The chunk at the place, which is `left` bytes before the end of the file. */
static bool chunks_one(struct heap_dump *dump, const struct gaiti_crc32 *crc,
                       const unsigned char *at, size_t left, struct heap_error *error) {
  if (left < CHUNKS_HEADER_BYTES)
    return heap_fault(dump, at, error, "the file ends in the header of a chunk");
  uint64_t bytes = chunks_word(at + 8, 8);
  if (bytes > left - CHUNKS_HEADER_BYTES)
    return heap_fault(dump, at, error, "the file ends in a chunk of %llu bytes",
                      (unsigned long long)bytes);
  if (chunks_sum(crc, at, (size_t)bytes) != chunks_word(at + 16, 8))
    return heap_fault(dump, at, error, "the sum of a chunk is wrong: the file was changed");
  if (chunks_word(at + 4, 4) != dump->chunks_count)
    return heap_fault(dump, at, error, "chunk %zu is missing", dump->chunks_count);
  if (!heap_reserve(&dump->chunks, dump->chunks_count, sizeof *dump->chunks))
    return heap_fault(dump, at, error, "out of memory");
  dump->chunks[dump->chunks_count++] =
      (struct heap_chunk){(uint32_t)chunks_word(at, 4), at + CHUNKS_HEADER_BYTES, (size_t)bytes};
  return true;
}

bool heap_chunks_read(struct heap_dump *dump, struct heap_error *error) {
  if (!chunks_header(dump, error)) return false;
  struct gaiti_crc32 crc;
  gaiti_crc32_init(&crc);
  const unsigned char *at = dump->data + CHUNKS_FILE_BYTES, *end = dump->data + dump->bytes;
  uint32_t type = 0;
  while (at < end && type != HEAP_TYPE_END) {
    if (!chunks_one(dump, &crc, at, (size_t)(end - at), error)) return false;
    const struct heap_chunk *chunk = &dump->chunks[dump->chunks_count - 1];
    type = chunk->type;
    at = chunk->data + chunk->bytes;
  }
  if (type != HEAP_TYPE_END)
    return heap_fault(dump, end, error, "the file ends before the dump does");
  if (at < end) return heap_fault(dump, at, error, "something follows the end of the dump");
  return true;
}

bool heap_chunks_next(const struct heap_dump *dump, uint32_t type, size_t *chunk,
                      struct heap_cursor *cursor) {
  while (*chunk < dump->chunks_count) {
    const struct heap_chunk *next = &dump->chunks[(*chunk)++];
    if (next->type != type || next->bytes == 0) continue;
    *cursor = (struct heap_cursor){next->data, next->data + next->bytes, false};
    return true;
  }
  return false;
}
