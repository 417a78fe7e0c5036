/* The algorithm is SEMI-NCA: L. Georgiadis, R. Tarjan, R. Werneck, Finding dominators in practice,
 * Journal of Graph Algorithms and Applications 10(1), 2006.
 *
 * A search in depth numbers the objects.  A reference from a lower number to a higher one comes
 * from an ancestor in the tree of the search, so for it the semidominator's candidate is that
 * number; all other references are listed by the object to which they lead.  So few of them need
 * memory.  Then, from the last object to the first, the candidates of each are compared; and from
 * the first to the last, its dominator is the nearest common ancestor of its parent and its
 * semidominator in the tree of dominators.
 *
 * The arrays serve twice, so that there are five at a time. */
#include "heap_dominators.h"

#include <stdlib.h>
#include <string.h>

#include "heap_links.h"

/*   number     of an object; 0: no root leads to it
 *   objects    of a number
 *   parent     in the tree of the search; then a forest whose paths are cut short
 *   dominator  a copy of it, and at last the dominators
 *   semi       where the search goes on with an object; then semidominators
 *   label      the place in `back` of an object's; then the least semidominator on the way up
 *   back       from which numbers references come that are not lower */
struct dominators_search {
  const struct heap_dump *dump;
  struct heap_links links;
  bool arrays;
  uint32_t count;
  uint32_t *number;
  uint32_t *objects;
  uint32_t *parent;
  uint32_t *dominator;
  uint32_t *semi;
  uint32_t *label;
  uint32_t *back;
  uint64_t back_count;
};

static uint32_t *dominators_array(const struct dominators_search *search) {
  return calloc((size_t)search->dump->objects + 1, sizeof(uint32_t));
}

/* ---- The search ---- */

static uint32_t search_number(struct dominators_search *search, uint32_t object, uint32_t parent) {
  uint32_t number = ++search->count;
  search->number[object] = number;
  search->objects[number] = object;
  search->parent[number] = parent;
  return number;
}

/* The next object that has no number yet, to which the one under way refers; HEAP_NONE: there is
 * none. */
static uint32_t search_next(const struct dominators_search *search, struct heap_link *link) {
  while (heap_link_next(link, &search->links))
    if (search->number[link->target] == 0) return link->target;
  return HEAP_NONE;
}

/* When it comes back to an object, the last reference has led to the one that it comes from. */
static void search_from(struct dominators_search *search, uint32_t root) {
  const struct heap_links *links = &search->links;
  struct heap_link link;
  uint32_t at = search_number(search, root, 0);
  heap_link_begin(&link, links, root);
  while (at != 0) {
    uint32_t next = search_next(search, &link);
    if (next != HEAP_NONE) {
      search->semi[at] = heap_link_place(&link, links, search->objects[at]);
      at = search_number(search, next, at);
      heap_link_begin(&link, links, next);
      heap_link_prefetch(&link, links, search->number);
      continue;
    }
    uint32_t from = search->objects[at];
    at = search->parent[at];
    if (at != 0) heap_link_resume(&link, links, search->objects[at], search->semi[at], from);
  }
}

static void search_all(struct dominators_search *search) {
  struct heap_roots roots;
  heap_roots_begin(&roots, search->dump);
  while (heap_roots_next(&roots))
    if (search->number[roots.target] == 0) search_from(search, roots.target);
}

/* ---- References ---- */

/* Notes a reference from a lower number, and counts another, by the number to which it leads. */
static void reference_count(uint32_t object, uint32_t target, void *arg) {
  struct dominators_search *search = arg;
  uint32_t from = search->number[object], to = search->number[target];
  if (from == 0) return;
  if (from < to && from < search->semi[to]) search->semi[to] = from;
  if (from > to) {
    search->label[to]++;
    search->back_count++;
  }
}

static void references_count(struct dominators_search *search) {
  struct heap_roots roots;
  memcpy(search->semi, search->parent, ((size_t)search->count + 1) * sizeof *search->semi);
  heap_roots_begin(&roots, search->dump);
  while (heap_roots_next(&roots))
    search->semi[search->number[roots.target]] = 0;
  heap_links_each(&search->links, search->number, reference_count, search);
}

static void reference_list(uint32_t object, uint32_t target, void *arg) {
  const struct dominators_search *search = arg;
  uint32_t from = search->number[object], to = search->number[target];
  if (from > to) search->back[--search->label[to]] = from;
}

/* Lists them: label[n] is where those of n begin. */
static bool references_list(struct dominators_search *search) {
  search->back = malloc(((size_t)search->back_count + 1) * sizeof *search->back);
  if (!search->back) return false;
  for (uint32_t number = 1; number <= search->count; number++)
    search->label[number] += search->label[number - 1];
  heap_links_each(&search->links, search->number, reference_list, search);
  return true;
}

/* ---- Semidominators ---- */

/* The least semidominator on the way from an object up to those above `low`; and cuts the way
 * short.  The way back down is kept in the very links. */
static uint32_t semi_evaluate(const struct dominators_search *search, uint32_t from, uint32_t low) {
  uint32_t *parent = search->parent, *label = search->label, below = 0, at = from;
  while (parent[at] > low) {
    uint32_t above = parent[at];
    parent[at] = below;
    below = at;
    at = above;
  }
  uint32_t least = label[at], top = parent[at];
  while (below != 0) {
    uint32_t next = parent[below];
    if (label[below] < least)
      least = label[below];
    else
      label[below] = least;
    parent[below] = top;
    below = next;
  }
  return label[from];
}

static void semi_find(const struct dominators_search *search) {
  uint32_t end = (uint32_t)search->back_count;
  for (uint32_t number = search->count; number > 0; number--) {
    uint32_t begin = search->label[number], least = search->semi[number];
    for (uint32_t i = begin; i < end; i++) {
      uint32_t candidate = semi_evaluate(search, search->back[i], number);
      if (candidate < least) least = candidate;
    }
    search->semi[number] = search->label[number] = least;
    end = begin;
  }
}

static void dominators_from_semi(const struct dominators_search *search) {
  uint32_t *dominator = search->dominator;
  for (uint32_t number = 1; number <= search->count; number++) {
    uint32_t at = dominator[number];
    while (at > search->semi[number])
      at = dominator[at];
    dominator[number] = at;
  }
}

static void dominators_drop(uint32_t **array) {
  free(*array);
  *array = NULL;
}

/* The search, and the references by the numbers that it has given. */
static bool dominators_number(struct dominators_search *search) {
  search->number = dominators_array(search);
  search->objects = dominators_array(search);
  search->parent = dominators_array(search);
  search->semi = dominators_array(search);
  if (!search->number || !search->objects || !search->parent || !search->semi) return false;
  search->links = (struct heap_links){.dump = search->dump};
  if (search->arrays) heap_links_make(&search->links, search->dump);
  if (search->links.begin) heap_dump_forget_pages(search->dump);
  search_all(search);
  search->label = dominators_array(search);
  if (!search->label) return false;
  references_count(search);
  bool listed = search->back_count < UINT32_MAX && references_list(search);
  heap_links_drop(&search->links);
  dominators_drop(&search->number);
  heap_dump_forget_pages(search->dump);
  return listed;
}

static bool dominators_run(struct dominators_search *search) {
  if (!dominators_number(search)) return false;
  search->dominator = dominators_array(search);
  if (!search->dominator) return false;
  memcpy(search->dominator, search->parent, ((size_t)search->count + 1) * sizeof *search->parent);
  semi_find(search);
  dominators_drop(&search->back);
  dominators_drop(&search->parent);
  dominators_drop(&search->label);
  dominators_from_semi(search);
  return true;
}

/* ---- What is retained ---- */

static bool dominators_sum(const struct heap_dump *dump, struct heap_dominators *dominators) {
  size_t count = (size_t)dominators->count + 1;
  dominators->bytes = calloc(count, sizeof *dominators->bytes);
  dominators->retained = calloc(count, sizeof *dominators->retained);
  if (!dominators->bytes || !dominators->retained) return false;
  for (uint32_t number = dominators->count; number > 0; number--) {
    uint32_t object = dominators->objects[number], above = dominators->dominator[number];
    uint64_t own = heap_block_slot_bytes(heap_block_of(dump, object)) +
                   heap_note_of(&dump->external, object, 0);
    dominators->bytes[number] += own;
    dominators->retained[number]++;
    dominators->bytes[above] += dominators->bytes[number];
    dominators->retained[above] += dominators->retained[number];
  }
  return true;
}

struct heap_dominators *heap_dominators_find(const struct heap_dump *dump, bool arrays) {
  struct dominators_search search = {.dump = dump, .arrays = arrays};
  struct heap_dominators *dominators = calloc(1, sizeof *dominators);
  bool found = dominators && dominators_run(&search);
  heap_links_drop(&search.links);
  uint32_t **const all[] = {&search.number, &search.parent, &search.semi, &search.label,
                            &search.back};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    dominators_drop(all[i]);
  if (dominators) {
    dominators->count = search.count;
    dominators->objects = search.objects;
    dominators->dominator = search.dominator;
    if (found && dominators_sum(dump, dominators)) return dominators;
  }
  heap_dominators_destroy(dominators);
  return NULL;
}

void heap_dominators_destroy(struct heap_dominators *dominators) {
  if (!dominators) return;
  free(dominators->objects);
  free(dominators->dominator);
  free(dominators->bytes);
  free(dominators->retained);
  free(dominators);
}
