/* heap_paths.h: shortest paths from roots. */
#ifndef GAIT_HEAP_PATHS_H
#define GAIT_HEAP_PATHS_H

#include "heap_reader.h"

/* One object of a path, and the word of it that refers to the next one; HEAP_NO_WORD where that is
 * not known, and in the last. */
struct heap_step {
  uint32_t object;
  uint64_t word;
};

/*   holder, place, slot  of the root that leads to the first object */
struct heap_path {
  struct heap_step *steps;
  size_t count;
  uint64_t holder;
  uint64_t place;
  uint64_t slot;
};

enum heap_path_result { HEAP_PATH_FOUND, HEAP_PATH_NONE, HEAP_PATH_NO_MEMORY };

/* A path from a root to the object by as few references as there can be.  It takes eight bytes of
 * memory for an object. */
enum heap_path_result heap_path_find(const struct heap_dump *dump, uint32_t object,
                                     struct heap_path *path);

void heap_path_destroy(struct heap_path *path);

#endif
