/* heap_links.h: the references of objects for a search that goes over all of them several times: in
 * arrays, or, where there is no memory for these, as they stand in the file. */
#ifndef GAIT_HEAP_LINKS_H
#define GAIT_HEAP_LINKS_H

#include "heap_reader.h"

/*   begin    where the targets of an object begin; NULL: they are read from the file
 *   targets  objects, or HEAP_NONE where there is none */
struct heap_links {
  const struct heap_dump *dump;
  uint32_t *begin;
  uint32_t *targets;
};

/* Makes arrays, if it can, of 4 bytes an object and a reference. */
void heap_links_make(struct heap_links *links, const struct heap_dump *dump);
void heap_links_drop(struct heap_links *links);

/* A walk over the targets of one object.
 *   target    the last one
 *   at, end   places in the array */
struct heap_link {
  struct heap_edges edges;
  uint32_t target;
  uint32_t at;
  uint32_t end;
};

void heap_link_begin(struct heap_link *link, const struct heap_links *links, uint32_t object);

/* Asks for the memory of an array at the places of the first targets. */
void heap_link_prefetch(const struct heap_link *link, const struct heap_links *links,
                        const uint32_t *of);
bool heap_link_next(struct heap_link *link, const struct heap_links *links);

/* The place of a walk, and one that goes on from there, when `target` was the last. */
uint32_t heap_link_place(const struct heap_link *link, const struct heap_links *links,
                         uint32_t object);
void heap_link_resume(struct heap_link *link, const struct heap_links *links, uint32_t object,
                      uint32_t place, uint32_t target);

/* Calls `visit` for each reference of each object, in the order of objects.  It looks into the
 * array `of`, at the places of targets: that memory is asked for ahead. */
typedef void heap_link_fn(uint32_t from, uint32_t to, void *arg);
void heap_links_each(const struct heap_links *links, const uint32_t *of, heap_link_fn *visit,
                     void *arg);

#endif
