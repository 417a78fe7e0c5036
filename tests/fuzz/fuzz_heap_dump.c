/* libFuzzer target: the reader of heap dumps, and what is made of them.
 *
 * The sums of chunks are set right first, or the fuzzer would come to know nothing else.  Whatever
 * the bytes are: either a sentence says why nothing was read, with the place, or every reference
 * leads to an object, every path to its end, and the dominators have all that roots lead to. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "heap_dominators.h"
#include "heap_paths.h"

#define FUZZ_FILE_BYTES   16
#define FUZZ_HEADER_BYTES 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_require(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "fuzz_heap_dump: %s\n", what);
  abort();
}

static uint64_t fuzz_word(const uint8_t *at, int bytes) {
  uint64_t word = 0;
  for (int i = 0; i < bytes; i++)
    word |= (uint64_t)at[i] << 8 * i;
  return word;
}

/* Sets numbers and sums right, as far as there are chunks. */
static void fuzz_sum(uint8_t *data, size_t size) {
  struct gaiti_crc32 crc;
  gaiti_crc32_init(&crc);
  size_t at = FUZZ_FILE_BYTES;
  for (uint32_t number = 0; at + FUZZ_HEADER_BYTES <= size; number++) {
    uint8_t *header = data + at;
    uint64_t bytes = fuzz_word(header + 8, 8);
    if (bytes > size - at - FUZZ_HEADER_BYTES) return;
    for (int i = 0; i < 4; i++)
      header[4 + i] = (uint8_t)(number >> 8 * i);
    uint32_t sum = gaiti_crc32_add(&crc, 0, header, 16);
    sum = gaiti_crc32_add(&crc, sum, header + FUZZ_HEADER_BYTES, (size_t)bytes);
    for (int i = 0; i < 8; i++)
      header[16 + i] = (uint8_t)((uint64_t)sum >> 8 * i);
    at += FUZZ_HEADER_BYTES + (size_t)bytes;
  }
}

static uint64_t fuzz_edges(const struct heap_dump *dump, uint32_t object) {
  struct heap_edges edges;
  uint64_t count = 0;
  heap_edges_begin(&edges, dump, object);
  for (; heap_edges_next(&edges); count++)
    fuzz_require(edges.target < dump->objects, "a reference to no object");
  return count;
}

static void fuzz_objects(const struct heap_dump *dump) {
  uint64_t all = 0;
  for (uint32_t object = 0; object < dump->objects; object++) {
    uint64_t address = heap_address_of(dump, object);
    const struct heap_block *block = heap_block_of(dump, object);
    fuzz_require(object - block->first < block->count && block->kind < dump->kinds_count,
                 "an object in no block");
    fuzz_require(heap_object_at(dump, heap_granule_of(dump, object)) == object,
                 "an object that is not found");
    fuzz_require(address < dump->base || heap_object_with(dump, address) == object,
                 "an address that is not found");
    all += fuzz_edges(dump, object);
  }
  fuzz_require(all <= dump->edges, "more references than there are");
}

static void fuzz_path(const struct heap_dump *dump, uint32_t object) {
  struct heap_path path;
  if (heap_path_find(dump, object, &path) == HEAP_PATH_FOUND)
    fuzz_require(path.count > 0 && path.steps[path.count - 1].object == object &&
                     path.holder < dump->holders_count,
                 "a path that leads elsewhere");
  heap_path_destroy(&path);
}

static void fuzz_dominators(const struct heap_dump *dump, bool arrays) {
  struct heap_dominators *all = heap_dominators_find(dump, arrays);
  if (!all) return;
  fuzz_require(all->count <= dump->objects && all->retained[0] == all->count,
               "dominators of other objects");
  for (uint32_t number = 1; number <= all->count; number++)
    fuzz_require(all->dominator[number] < number && all->objects[number] < dump->objects,
                 "a dominator behind its object");
  heap_dominators_destroy(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct heap_error error = {""};
  uint8_t *copy = malloc(size + 1);
  if (!copy) return 0;
  memcpy(copy, data, size);
  fuzz_sum(copy, size);
  struct heap_dump *dump = heap_dump_read(copy, size, "a file", &error);
  if (dump) {
    fuzz_objects(dump);
    if (dump->objects > 0) fuzz_path(dump, dump->objects - 1);
    fuzz_dominators(dump, true);
    fuzz_dominators(dump, false);
  } else {
    fuzz_require(strncmp(error.text, "a file: at byte ", 16) == 0, "refused without a sentence");
  }
  heap_dump_close(dump);
  free(copy);
  return 0;
}
