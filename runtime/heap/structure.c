#include "heap/structure.h"

#include "os/virtual.h"

void *gaiti_structure_alloc(struct gaiti_space *space, size_t bytes) {
  size_t counted = gaiti_os_structure_bytes(bytes);
  if (!gaiti_space_charge(space, counted)) return NULL;
  void *memory = gaiti_os_alloc(bytes);
  if (!memory) {
    gaiti_space_uncharge(space, counted);
    return NULL;
  }
  gaiti_counter_add(&space->structure_bytes, counted);
  gaiti_space_note_peak(space);
  return memory;
}

void gaiti_structure_free(struct gaiti_space *space, void *memory, size_t bytes) {
  if (!memory) return;
  size_t counted = gaiti_os_structure_bytes(bytes);
  gaiti_counter_sub(&space->structure_bytes, counted);
  gaiti_space_uncharge(space, counted);
  gaiti_os_free(memory);
}
