/* The references of objects, of roots and of weak references. */
#include "heap_chunks.h"

/* Passes over the references of objects before this one, since the last that has a place. */
static struct heap_cursor edges_cursor(const struct heap_dump *dump, const struct heap_block *block,
                                       uint32_t rank) {
  uint32_t place = dump->places[block->places + rank / HEAP_PLACES_EVERY];
  struct heap_cursor cursor = {block->edges + place, block->edges_end, false};
  for (uint32_t left = rank % HEAP_PLACES_EVERY; left > 0 && !cursor.bad;) {
    uint64_t number = heap_number(&cursor);
    if (number == 0)
      left--;
    else if ((number - 1) & 1)
      heap_number(&cursor);
  }
  return cursor;
}

void heap_edges_begin(struct heap_edges *edges, const struct heap_dump *dump, uint32_t object) {
  const struct heap_block *block = heap_block_of(dump, object);
  *edges = (struct heap_edges){.dump = dump, .last_word = UINT64_MAX};
  edges->over = !block->edges;
  if (edges->over) return;
  edges->granule = block->granule + heap_slot_of(dump, block, object) * block->slot_granules;
  edges->cursor = edges_cursor(dump, block, object - block->first);
}

bool heap_edges_next_granule(struct heap_edges *edges) {
  struct heap_cursor *cursor = &edges->cursor;
  uint64_t number = edges->over ? 0 : heap_number(cursor), word = edges->last_word + 1;
  edges->over = number == 0;
  if (edges->over) return false;
  edges->granule += heap_signed((number - 1) >> 1);
  if ((number - 1) & 1) {
    uint64_t step = heap_number(cursor);
    word = step == 0 ? HEAP_NO_WORD : edges->last_word + heap_signed(step - 1);
  }
  edges->word = word;
  if (word != HEAP_NO_WORD) edges->last_word = word;
  return true;
}

bool heap_edges_next(struct heap_edges *edges) {
  while (heap_edges_next_granule(edges)) {
    edges->target = heap_object_at(edges->dump, edges->granule);
    if (edges->target != HEAP_NONE) return true;
  }
  return false;
}

uint32_t heap_edges_place(const struct heap_edges *edges, uint32_t object) {
  return (uint32_t)(edges->cursor.at - heap_block_of(edges->dump, object)->edges);
}

void heap_edges_resume(struct heap_edges *edges, const struct heap_dump *dump, uint32_t object,
                       uint32_t place, uint32_t target) {
  const struct heap_block *block = heap_block_of(dump, object);
  *edges = (struct heap_edges){.dump = dump, .last_word = UINT64_MAX};
  edges->granule = heap_granule_of(dump, target);
  edges->cursor = (struct heap_cursor){block->edges + place, block->edges_end, false};
}

void heap_scan_begin(struct heap_scan *scan, const struct heap_dump *dump) {
  *scan = (struct heap_scan){.edges = {.dump = dump, .over = true}};
}

/* Begins with a block; false: it has no references. */
static bool scan_begin_block(struct heap_scan *scan, const struct heap_block *block) {
  if (!block->edges) return false;
  scan->edges.cursor = (struct heap_cursor){block->edges, block->edges_end, false};
  scan->slot = 0;
  return true;
}

bool heap_scan_next(struct heap_scan *scan) {
  struct heap_edges *edges = &scan->edges;
  const struct heap_dump *dump = edges->dump;
  while (heap_edges_next_granule(edges)) {
  }
  for (; scan->block < dump->blocks_count; scan->block++, scan->rank = 0) {
    const struct heap_block *block = &dump->blocks[scan->block];
    if (scan->rank == block->count) continue;
    if (scan->rank == 0 && !scan_begin_block(scan, block)) continue;
    while (!(dump->ranks[block->ranks + scan->slot / 64].bits >> scan->slot % 64 & 1))
      scan->slot++;
    scan->object = block->first + scan->rank++;
    edges->granule = block->granule + scan->slot++ * block->slot_granules;
    edges->last_word = UINT64_MAX;
    edges->over = false;
    return true;
  }
  return false;
}

void heap_roots_begin(struct heap_roots *roots, const struct heap_dump *dump) {
  *roots = (struct heap_roots){.dump = dump};
}

bool heap_roots_next(struct heap_roots *roots) {
  struct heap_cursor *cursor = &roots->cursor;
  for (;;) {
    if (cursor->at == cursor->end &&
        !heap_chunks_next(roots->dump, HEAP_TYPE_ROOTS, &roots->chunk, cursor))
      return false;
    roots->holder = heap_number(cursor);
    roots->place = heap_number(cursor);
    roots->slot += heap_signed(heap_number(cursor));
    roots->target = heap_object_at(roots->dump, heap_number(cursor));
    if (!cursor->bad && roots->target != HEAP_NONE && roots->holder < roots->dump->holders_count)
      return true;
  }
}

void heap_weak_begin(struct heap_weak *weak, const struct heap_dump *dump) {
  *weak = (struct heap_weak){.dump = dump};
}

bool heap_weak_next(struct heap_weak *weak) {
  struct heap_cursor *cursor = &weak->cursor;
  for (;;) {
    if (cursor->at == cursor->end &&
        !heap_chunks_next(weak->dump, HEAP_TYPE_WEAK, &weak->chunk, cursor))
      return false;
    weak->from = heap_object_at(weak->dump, heap_number(cursor));
    weak->target = heap_object_at(weak->dump, heap_number(cursor));
    if (!cursor->bad && weak->from != HEAP_NONE && weak->target != HEAP_NONE) return true;
  }
}
