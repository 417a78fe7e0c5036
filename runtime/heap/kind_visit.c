#include "heap/kind_visit.h"

static bool kind_has_block(const gait_heap *heap, uint16_t kind, uint32_t block) {
  gaiti_ref tag = gaiti_block_tag(&heap->map, block);
  return tag & GAITI_REF_SMALL && gaiti_ref_kind(tag) == kind;
}

static void kind_visit_block(const gait_heap *heap, uint32_t block, const AO_t *bits,
                             gaiti_kind_visit_fn *visit, void *arg) {
  char *start = gaiti_block_start(&heap->map, block);
  for (size_t word = 0; word < GAITI_BLOCK_WORDS; word++)
    for (AO_t set = AO_load_acquire(&bits[gaiti_block_word(block) + word]); set; set &= set - 1) {
      size_t granule = word * 64 + (size_t)__builtin_ctzll(set);
      visit(heap, start + granule * GAIT_GRANULE_BYTES, arg);
    }
}

void gaiti_kind_visit(const gait_heap *heap, uint16_t kind, const AO_t *bits,
                      gaiti_kind_visit_fn *visit, void *arg) {
  uint32_t top = gaiti_space_top(&heap->space);
  for (uint32_t block = 0; block < top; block++)
    if (kind_has_block(heap, kind, block)) kind_visit_block(heap, block, bits, visit, arg);
}

static size_t kind_count_block(uint32_t block, const AO_t *bits) {
  size_t count = 0;
  for (size_t word = 0; word < GAITI_BLOCK_WORDS; word++)
    count += (size_t)__builtin_popcountll(AO_load(&bits[gaiti_block_word(block) + word]));
  return count;
}

size_t gaiti_kind_count(const gait_heap *heap, uint16_t kind, const AO_t *bits) {
  size_t count = 0;
  uint32_t top = gaiti_space_top(&heap->space);
  for (uint32_t block = 0; block < top; block++)
    if (kind_has_block(heap, kind, block)) count += kind_count_block(block, bits);
  return count;
}

bool gaiti_kind_has_more_blocks(const gait_heap *heap, uint16_t kind, uint32_t most) {
  uint32_t count = 0, top = gaiti_space_top(&heap->space);
  for (uint32_t block = 0; block < top && count <= most; block++)
    count += kind_has_block(heap, kind, block);
  return count > most;
}
