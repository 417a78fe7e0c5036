/* Checkmark.
 *
 * The second marking uses a marker like any other, but with a table of marks in which nothing is
 * marked.  Marking is closed and every thread is held, so its roots are exactly what a mutator can
 * reach.  Whatever it marks and marking did not is reachable and about to be freed. */
#include "base/check.h"
#include "cycle/check.h"
#include "cycle/cycle.h"
#include "mark/marker.h"
#include "mark/roots.h"

static void checkmark_roots(gait_heap *heap, struct gaiti_marker *marker) {
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    gaiti_roots_mark_thread(thread, marker);
  gaiti_roots_scan_registered(heap, marker, GAITI_ROOTS_ALL);
}

/* Who refers to an object: for the report, after something has gone wrong. */
struct checkmark_search {
  gait_heap *heap;
  uintptr_t start;
  bool found;
};

GAITI_RACY static bool checkmark_refers(const struct checkmark_search *search, const void *start,
                                        const void *end) {
  struct gaiti_object object;
  for (const volatile uintptr_t *word = start; (const void *)(word + 1) <= end; word++)
    if (gaiti_map_slot(&search->heap->map, *word, &object) && object.start == search->start)
      return true;
  return false;
}

static void checkmark_search_range(gait_thread *thread, const void *start, const void *end,
                                   void *arg) {
  struct checkmark_search *search = arg;
  if (!checkmark_refers(search, start, end)) return;
  search->found = true;
  gaiti_log(search->heap, "gait: checkmark: it is referred to by [%p, %p) of thread \"%s\" (id %d)",
            start, end, thread->name, thread->tid);
}

static void checkmark_search_block(struct checkmark_search *search, uint32_t block) {
  const struct gaiti_map *map = &search->heap->map;
  uintptr_t place = (uintptr_t)gaiti_block_start(map, block), end = place + GAITI_BLOCK_BYTES;
  struct gaiti_object object;
  for (; place < end; place += GAIT_GRANULE_BYTES) {
    if (!gaiti_map_resolve(map, place, &object) || object.start != place) continue;
    if (gaiti_kind_is_leaf(&search->heap->kinds, object.kind)) continue;
    if (!checkmark_refers(search, (void *)place, (void *)(place + object.bytes))) continue;
    search->found = true;
    gaiti_log(search->heap, "gait: checkmark: it is referred to by object %p of kind \"%s\", %s",
              (void *)place, search->heap->kinds.table[object.kind].name,
              gaiti_is_marked(map, place) ? "marked" : "not marked");
  }
}

static void checkmark_search(gait_heap *heap, uintptr_t start) {
  struct checkmark_search search = {heap, start, false};
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    gaiti_roots_each_range(thread, checkmark_search_range, &search);
  for (uint32_t block = 0; block < gaiti_space_top(&heap->space); block++)
    if (gaiti_block_form(&heap->map, block) != GAITI_BLOCK_FREE)
      checkmark_search_block(&search, block);
  if (!search.found) gaiti_log(heap, "gait: checkmark: it is referred to by a registered root");
}

static void checkmark_report(gait_heap *heap, uintptr_t start) {
  struct gaiti_object object;
  if (!gaiti_map_slot(&heap->map, start, &object)) return;
  gaiti_log(heap,
            "gait: checkmark: cycle %llu, seed %lld: object %p of kind \"%s\" (%zu bytes) is "
            "reachable and was not marked",
            (unsigned long long)heap->cycle->records.last + 1, (long long)heap->options.seed,
            (void *)object.start, heap->kinds.table[object.kind].name, object.bytes);
  checkmark_search(heap, object.start);
}

/* Objects found now and not by marking. */
static size_t checkmark_compare(gait_heap *heap, const AO_t *found, uint32_t top) {
  size_t missing = 0;
  for (size_t word = 0; word < (size_t)top * GAITI_BLOCK_WORDS; word++) {
    AO_t lost = found[word] & ~AO_load(&heap->map.marks[word]);
    missing += (size_t)__builtin_popcountll(lost);
    if (lost)
      checkmark_report(heap, heap->map.base +
                                 (word * 64 + (size_t)__builtin_ctzll(lost)) * GAIT_GRANULE_BYTES);
  }
  return missing;
}

void gaiti_checkmark(gait_heap *heap) {
  uint32_t top = gaiti_space_top(&heap->space);
  size_t words = (size_t)top * GAITI_BLOCK_WORDS;
  AO_t *marks = gaiti_os_alloc((words + 1) * sizeof *marks);
  struct gaiti_marker *marker = gaiti_marker_take(heap);
  struct gaiti_mark_counts counts = gaiti_marking_counts(heap);
  if (marks && marker) {
    marker->map.marks = marks;
    marker->alone = true;
    checkmark_roots(heap, marker);
    while (gaiti_marker_run(marker, UINT64_MAX / 2)) {
    }
    size_t missing = checkmark_compare(heap, marks, top);
    CHECK("checkmark", missing == 0, "a reachable object was not marked");
    marker->map.marks = heap->map.marks;
    marker->alone = false;
  }
  if (marker) gaiti_marker_give(marker);
  gaiti_os_free(marks);
  gaiti_lock(&heap->marking->lock);
  heap->marking->counts = counts;
  gaiti_unlock(&heap->marking->lock);
}
