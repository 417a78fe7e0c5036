/* Breadth first, from all roots at once. */
#include "heap_paths.h"

#include <stdlib.h>
#include <string.h>

#define PATHS_ROOT (UINT32_MAX - 1)

/*   from   by which object each was found; PATHS_ROOT: by a root; HEAP_NONE: not yet
 *   queue  objects that were found, in that order; `first` is to be looked at next */
struct paths_search {
  const struct heap_dump *dump;
  uint32_t *from;
  uint32_t *queue;
  uint32_t first;
  uint32_t last;
};

static void search_find(struct paths_search *search, uint32_t object, uint32_t from) {
  if (search->from[object] != HEAP_NONE) return;
  search->from[object] = from;
  search->queue[search->last++] = object;
}

static void search_until(struct paths_search *search, uint32_t object) {
  struct heap_roots roots;
  heap_roots_begin(&roots, search->dump);
  while (heap_roots_next(&roots))
    search_find(search, roots.target, PATHS_ROOT);
  while (search->first < search->last && search->from[object] == HEAP_NONE) {
    struct heap_edges edges;
    uint32_t from = search->queue[search->first++];
    heap_edges_begin(&edges, search->dump, from);
    while (heap_edges_next(&edges))
      search_find(search, edges.target, from);
  }
}

/* The word of one object that refers to another. */
static uint64_t path_word(const struct heap_dump *dump, uint32_t from, uint32_t to) {
  struct heap_edges edges;
  heap_edges_begin(&edges, dump, from);
  while (heap_edges_next(&edges))
    if (edges.target == to) return edges.word;
  return HEAP_NO_WORD;
}

static void path_find_root(const struct heap_dump *dump, struct heap_path *path) {
  struct heap_roots roots;
  heap_roots_begin(&roots, dump);
  while (heap_roots_next(&roots))
    if (roots.target == path->steps[0].object) break;
  path->holder = roots.holder;
  path->place = roots.place;
  path->slot = roots.slot;
}

static bool path_make(const struct paths_search *search, uint32_t object, struct heap_path *path) {
  size_t count = 1;
  for (uint32_t at = object; search->from[at] != PATHS_ROOT; at = search->from[at])
    count++;
  path->steps = malloc(count * sizeof *path->steps);
  if (!path->steps) return false;
  path->count = count;
  path->steps[--count] = (struct heap_step){object, HEAP_NO_WORD};
  for (uint32_t at = object; count > 0; at = search->from[at])
    path->steps[--count] =
        (struct heap_step){search->from[at], path_word(search->dump, search->from[at], at)};
  path_find_root(search->dump, path);
  return true;
}

enum heap_path_result heap_path_find(const struct heap_dump *dump, uint32_t object,
                                     struct heap_path *path) {
  size_t bytes = ((size_t)dump->objects + 1) * sizeof(uint32_t);
  struct paths_search search = {.dump = dump, .from = malloc(bytes), .queue = malloc(bytes)};
  enum heap_path_result result = HEAP_PATH_NO_MEMORY;
  *path = (struct heap_path){0};
  if (search.from && search.queue) {
    memset(search.from, 0xff, bytes);
    search_until(&search, object);
    if (search.from[object] == HEAP_NONE)
      result = HEAP_PATH_NONE;
    else if (path_make(&search, object, path))
      result = HEAP_PATH_FOUND;
  }
  free(search.from);
  free(search.queue);
  return result;
}

void heap_path_destroy(struct heap_path *path) {
  free(path->steps);
  *path = (struct heap_path){0};
}
