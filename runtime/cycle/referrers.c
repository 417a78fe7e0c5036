/* The search asks the very code that marks, so it finds the references that marking finds, no more
 * and no fewer: it has a marker of its own, with a table of marks in which all objects are marked
 * but the one.  An object refers to that one if tracing it marks it. */
#include "cycle/referrers.h"

#include <string.h>

#include "cycle/cycle.h"
#include "cycle/inspect.h"
#include "mark/root_scan.h"
#include "mark/trace.h"

struct referrers_search {
  gait_heap *heap;
  struct gaiti_marker *marker;
  gaiti_ref target;
  gait_referrer_fn *visit;
  void *arg;
  gait_referrer holds; /* of which sort the holder of the present stack is */
  const void *holder;
  bool ended; /* no more are wanted */
};

static void search_visit(struct referrers_search *search, gait_referrer referrer,
                         const void *holder, const void *slot) {
  if (!search->ended) search->ended = !search->visit(referrer, holder, slot, search->arg);
}

/* Whether the marker has come to the target since it was asked last. */
static bool search_has_found(struct referrers_search *search) {
  while (gaiti_marker_run(search->marker, UINT64_MAX / 2)) {
  }
  AO_t *word = &search->marker->map.marks[gaiti_ref_word(search->target)];
  bool found = *word & gaiti_ref_bit(search->target);
  *word &= ~gaiti_ref_bit(search->target);
  return found;
}

/* The first word of [start, end) that refers to the target, or NULL. */
GAITI_RACY static const void *search_word(const struct referrers_search *search, const void *start,
                                          const void *end) {
  const gait_heap *heap = search->heap;
  for (const volatile uintptr_t *word = start; (const void *)(word + 1) <= end; word++) {
    uintptr_t address = gaiti_tags_plain_or_tagged(&heap->tags, &heap->map, *word);
    if (gaiti_map_find(&heap->map, address) == search->target) return (const void *)word;
  }
  return NULL;
}

static void search_range(gait_heap *heap, const void *start, const void *end, void *arg) {
  (void)heap;
  struct referrers_search *search = arg;
  const char *from = start, *slot;
  while (!search->ended && (slot = search_word(search, from, end))) {
    search_visit(search, search->holds, search->holder, slot);
    from = slot + sizeof(void *);
  }
}

static void search_root(struct referrers_search *search, const struct gaiti_root *root) {
  if (root->start) {
    const void *slot = search_word(search, root->start, root->start + root->words);
    if (slot) search_visit(search, GAIT_REFERRER_RANGE, root->start, slot);
  }
  if (root->function) {
    root->function((gait_tracer *)(void *)search->marker, root->arg);
    if (search_has_found(search)) search_visit(search, GAIT_REFERRER_CALLBACK, root->arg, NULL);
  }
}

static void search_roots(struct referrers_search *search) {
  struct gaiti_roots *roots = &search->heap->roots;
  struct gaiti_visit visit;
  gaiti_visit_begin(&visit, roots, search->marker);
  while (gaiti_visit_next(&visit))
    if (!search->ended) search_root(search, &visit.root);
  for (struct gaiti_handle_chunk *chunk = roots->chunks; chunk; chunk = chunk->next)
    for (size_t i = 0; i < GAITI_HANDLE_CHUNK; i++) {
      const gait_handle *handle = &chunk->handles[i];
      if (search_word(search, &handle->object, &handle->object + 1))
        search_visit(search, GAIT_REFERRER_HANDLE, handle, &handle->object);
    }
}

static void search_trace(struct referrers_search *search, gaiti_ref ref) {
  const struct gaiti_map *map = &search->heap->map;
  size_t bytes = gaiti_ref_bytes(map, ref);
  gaiti_trace(search->marker, &search->marker->kinds[gaiti_ref_kind(ref)],
              gaiti_ref_start(map, ref), bytes, 0, bytes);
}

static bool search_object(gait_heap *heap, gaiti_ref ref, void *arg) {
  struct referrers_search *search = arg;
  if (ref & GAITI_REF_LEAF) return true;
  uintptr_t start = gaiti_ref_start(&heap->map, ref);
  size_t bytes = gaiti_ref_bytes(&heap->map, ref);
  search_trace(search, ref);
  if (search_has_found(search))
    search_visit(search, GAIT_REFERRER_OBJECT, (const void *)start,
                 search_word(search, (const void *)start, (const void *)(start + bytes)));
  return !search->ended;
}

static void search_threads(struct referrers_search *search) {
  search->holds = GAIT_REFERRER_THREAD;
  for (gait_thread *thread = search->heap->threads->all; thread && !search->ended;
       thread = thread->next) {
    search->holder = thread;
    gaiti_roots_each_range(thread, search_range, search);
  }
}

static void search_fibers(struct referrers_search *search) {
  gait_heap *heap = search->heap;
  search->holds = GAIT_REFERRER_FIBER;
  for (gait_fiber *fiber = heap->fibers->all; fiber && !search->ended; fiber = fiber->next) {
    search->holder = fiber;
    search_range(heap, &fiber->value, &fiber->value + 1, search);
    if (gaiti_fiber_has_stack(fiber) && !search->ended)
      gaiti_roots_each_parked(heap, &fiber->stack, search_range, search);
  }
}

static void search_all(struct referrers_search *search) {
  search_threads(search);
  search_fibers(search);
  search_roots(search);
  if (!search->ended) gaiti_inspect_each(search->heap, search_object, search);
}

/* False: no memory for it. */
static bool search_begin(struct referrers_search *search) {
  gait_heap *heap = search->heap;
  size_t words = (size_t)gaiti_space_top(&heap->space) * GAITI_BLOCK_WORDS;
  AO_t *marks = gaiti_os_alloc(words * sizeof *marks);
  search->marker = marks ? gaiti_marker_take(heap) : NULL;
  if (!search->marker) {
    gaiti_os_free(marks);
    return false;
  }
  memset(marks, 0xff, words * sizeof *marks);
  marks[gaiti_ref_word(search->target)] &= ~gaiti_ref_bit(search->target);
  search->marker->map.marks = marks;
  search->marker->alone = true;
  return true;
}

static void search_end(struct referrers_search *search) {
  AO_t *marks = search->marker->map.marks;
  search->marker->map.marks = search->heap->map.marks;
  search->marker->alone = false;
  gaiti_marker_give(search->marker);
  gaiti_os_free(marks);
}

bool gaiti_referrers_find(gait_heap *heap, gaiti_ref target, gait_referrer_fn *visit, void *arg) {
  struct referrers_search search = {.heap = heap, .target = target, .visit = visit, .arg = arg};
  if (!search_begin(&search)) return false;
  search_all(&search);
  search_end(&search);
  return true;
}

bool gaiti_referrers_has(gait_heap *heap, uintptr_t object, uintptr_t referent) {
  struct referrers_search search = {.heap = heap, .target = gaiti_map_find(&heap->map, referent)};
  if (!search_begin(&search)) return false;
  search_trace(&search, gaiti_map_find(&heap->map, object));
  bool found = search_has_found(&search);
  search_end(&search);
  return found;
}
