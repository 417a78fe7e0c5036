#include "heap_links.h"

#include <stdlib.h>

/* Objects are looked up so many at a time, for each of which memory has been asked for. */
#define LINKS_AHEAD 64
/* Of one object, the first so many targets are asked for ahead. */
#define LINKS_FIRST 8

/* ---- Arrays ---- */

/*   granules  of targets that are to be looked up
 *   count     of all targets so far, these among them */
struct links_filling {
  struct heap_links *links;
  uint64_t granules[LINKS_AHEAD];
  uint32_t waiting;
  uint32_t count;
};

static void filling_flush(struct links_filling *filling) {
  const struct heap_dump *dump = filling->links->dump;
  uint32_t *target = filling->links->targets + filling->count - filling->waiting;
  for (uint32_t i = 0; i < filling->waiting; i++)
    *target++ = heap_object_at(dump, filling->granules[i]);
  filling->waiting = 0;
}

static void filling_add(struct links_filling *filling, uint64_t granule) {
  if (filling->waiting == LINKS_AHEAD) filling_flush(filling);
  heap_object_prefetch(filling->links->dump, granule);
  filling->granules[filling->waiting++] = granule;
  filling->count++;
}

/* An object that has none begins where the next one does. */
static void links_fill(struct heap_links *links) {
  struct links_filling filling = {.links = links};
  struct heap_scan scan;
  uint32_t object = 0;
  heap_scan_begin(&scan, links->dump);
  while (heap_scan_next(&scan)) {
    while (object <= scan.object)
      links->begin[object++] = filling.count;
    while (heap_edges_next_granule(&scan.edges))
      filling_add(&filling, scan.edges.granule);
  }
  while (object <= links->dump->objects)
    links->begin[object++] = filling.count;
  filling_flush(&filling);
}

void heap_links_make(struct heap_links *links, const struct heap_dump *dump) {
  *links = (struct heap_links){.dump = dump};
  if (dump->edges >= UINT32_MAX) return;
  links->begin = malloc(((size_t)dump->objects + 1) * sizeof *links->begin);
  links->targets = malloc(((size_t)dump->edges + 1) * sizeof *links->targets);
  if (links->begin && links->targets)
    links_fill(links);
  else
    heap_links_drop(links);
}

void heap_links_drop(struct heap_links *links) {
  free(links->begin);
  free(links->targets);
  links->begin = links->targets = NULL;
}

/* ---- Walks ---- */

void heap_link_begin(struct heap_link *link, const struct heap_links *links, uint32_t object) {
  if (!links->begin) {
    heap_edges_begin(&link->edges, links->dump, object);
    return;
  }
  link->at = links->begin[object];
  link->end = links->begin[object + 1];
}

void heap_link_prefetch(const struct heap_link *link, const struct heap_links *links,
                        const uint32_t *of) {
  if (!links->begin) return;
  for (uint32_t at = link->at; at < link->end && at < link->at + LINKS_FIRST; at++)
    if (links->targets[at] != HEAP_NONE) __builtin_prefetch(&of[links->targets[at]]);
}

bool heap_link_next(struct heap_link *link, const struct heap_links *links) {
  if (!links->begin) {
    bool found = heap_edges_next(&link->edges);
    link->target = link->edges.target;
    return found;
  }
  while (link->at < link->end)
    if ((link->target = links->targets[link->at++]) != HEAP_NONE) return true;
  return false;
}

uint32_t heap_link_place(const struct heap_link *link, const struct heap_links *links,
                         uint32_t object) {
  return links->begin ? link->at : heap_edges_place(&link->edges, object);
}

void heap_link_resume(struct heap_link *link, const struct heap_links *links, uint32_t object,
                      uint32_t place, uint32_t target) {
  if (!links->begin) {
    heap_edges_resume(&link->edges, links->dump, object, place, target);
    return;
  }
  link->at = place;
  link->end = links->begin[object + 1];
}

static void links_each_in_file(const struct heap_links *links, heap_link_fn *visit, void *arg) {
  struct heap_scan scan;
  heap_scan_begin(&scan, links->dump);
  while (heap_scan_next(&scan))
    while (heap_edges_next(&scan.edges))
      visit(scan.object, scan.edges.target, arg);
}

void heap_links_each(const struct heap_links *links, const uint32_t *of, heap_link_fn *visit,
                     void *arg) {
  if (!links->begin) {
    links_each_in_file(links, visit, arg);
    return;
  }
  uint32_t count = links->begin[links->dump->objects];
  for (uint32_t object = 0; object < links->dump->objects; object++)
    for (uint32_t at = links->begin[object]; at < links->begin[object + 1]; at++) {
      uint32_t ahead = count - at > LINKS_AHEAD ? links->targets[at + LINKS_AHEAD] : HEAP_NONE;
      if (ahead != HEAP_NONE) __builtin_prefetch(&of[ahead]);
      if (links->targets[at] != HEAP_NONE) visit(object, links->targets[at], arg);
    }
}
