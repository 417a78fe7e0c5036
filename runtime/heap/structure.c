#include "heap/structure.h"

#include "os/virtual.h"

/* The stretch of addresses in which structures have their places. */
#define STRUCTURE_PLACES ((size_t)4096)

static char *structure_take(enum gaiti_structure_place place, size_t bytes) {
  char *memory = gaiti_os_alloc_aligned(STRUCTURE_PLACES, (size_t)place + bytes);
  return memory ? memory + place : NULL;
}

/* `place`: -1 where it is of no account. */
static void *structure_alloc(struct gaiti_space *space, int place, size_t bytes) {
  size_t counted = gaiti_os_structure_bytes(bytes);
  if (!gaiti_space_charge(space, counted)) return NULL;
  void *memory =
      place < 0 ? gaiti_os_alloc(bytes) : structure_take((enum gaiti_structure_place)place, bytes);
  if (!memory) {
    gaiti_space_uncharge(space, counted);
    return NULL;
  }
  gaiti_counter_add(&space->structure_bytes, counted);
  gaiti_space_note_peak(space);
  return memory;
}

void *gaiti_structure_alloc(struct gaiti_space *space, size_t bytes) {
  return structure_alloc(space, -1, bytes);
}

void *gaiti_structure_alloc_at(struct gaiti_space *space, enum gaiti_structure_place place,
                               size_t bytes) {
  return structure_alloc(space, (int)place, bytes);
}

static void structure_uncount(struct gaiti_space *space, size_t bytes) {
  size_t counted = gaiti_os_structure_bytes(bytes);
  gaiti_counter_sub(&space->structure_bytes, counted);
  gaiti_space_uncharge(space, counted);
}

void gaiti_structure_free(struct gaiti_space *space, void *memory, size_t bytes) {
  if (!memory) return;
  structure_uncount(space, bytes);
  gaiti_os_free(memory);
}

void gaiti_structure_free_at(struct gaiti_space *space, void *memory, size_t bytes) {
  if (!memory) return;
  structure_uncount(space, bytes);
  gaiti_os_free((void *)((uintptr_t)memory & ~(STRUCTURE_PLACES - 1)));
}
