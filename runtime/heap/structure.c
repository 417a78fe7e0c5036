#include "heap/structure.h"

void *gaiti_structure_alloc(struct gaiti_space *space, size_t bytes) {
  if (!gaiti_space_charge(space, bytes)) return NULL;
  void *memory = gaiti_os_alloc(bytes);
  if (!memory) {
    gaiti_space_uncharge(space, bytes);
    return NULL;
  }
  gaiti_counter_add(&space->structure_bytes, bytes);
  gaiti_space_note_peak(space);
  return memory;
}

void gaiti_structure_free(struct gaiti_space *space, void *memory, size_t bytes) {
  if (!memory) return;
  gaiti_counter_sub(&space->structure_bytes, bytes);
  gaiti_space_uncharge(space, bytes);
  gaiti_os_free(memory);
}
