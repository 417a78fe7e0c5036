/* Checkmark.
 *
 * The second marking uses a marker like any other, but with a table of marks in which nothing is
 * marked.  Marking is closed and every thread is stopped, so its roots are exactly those of the
 * mutators.  An object that it marks and marking did not is reachable and about to be freed.
 *
 * Conservative stacks are left out.  A word there may be a leftover, of the program's or of our own
 * slow paths, that came after the scan and points to an object that is dead; it proves nothing.
 * Objects that such a stack alone keeps are covered by other means: by the poison in freed slots,
 * by the tests' checksums, and by threads with exact frames running the same code.
 *
 * The table does not count as mapped: a heap that is checked keeps the same limit as one that is
 * not. */
#include "barrier/finder.h"
#include "base/check.h"
#include "cycle/checkmark.h"
#include "cycle/cycle.h"
#include "mark/ephemerons.h"
#include "mark/fiber_scan.h"
#include "mark/marker.h"
#include "mark/root_scan.h"

static void checkmark_roots(gait_heap *heap, struct gaiti_marker *marker) {
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    gaiti_roots_mark_frames(thread, marker);
  gaiti_fibers_mark_frames(heap, marker);
  gaiti_roots_scan_registered(heap, marker, GAITI_ROOTS_ALL);
}

/* A search for references to an object: for the report, after something has gone wrong.
 *   thread, fiber  whose stack is searched now */
struct checkmark_search {
  gait_heap *heap;
  gaiti_ref lost;
  const gait_thread *thread;
  const gait_fiber *fiber;
  bool found;
};

static gaiti_ref checkmark_find(const gait_heap *heap, uintptr_t word) {
  return gaiti_map_find(&heap->map, gaiti_tags_plain_or_tagged(&heap->tags, &heap->map, word));
}

GAITI_RACY static bool checkmark_refers(const struct checkmark_search *search, const void *start,
                                        const void *end) {
  for (const volatile uintptr_t *word = start; (const void *)(word + 1) <= end; word++)
    if (checkmark_find(search->heap, *word) == search->lost) return true;
  return false;
}

static void checkmark_search_range(gait_heap *heap, const void *start, const void *end, void *arg) {
  struct checkmark_search *search = arg;
  if (!checkmark_refers(search, start, end)) return;
  search->found = true;
  if (search->fiber)
    gaiti_log(heap, "gait: checkmark: it is referred to by [%p, %p) of fiber %p", start, end,
              (const void *)search->fiber);
  else
    gaiti_log(heap, "gait: checkmark: it is referred to by [%p, %p) of thread \"%s\" (id %d)",
              start, end, search->thread->name, search->thread->tid);
}

static void checkmark_search_stacks(gait_heap *heap, struct checkmark_search *search) {
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next) {
    search->thread = thread;
    gaiti_roots_each_range(thread, checkmark_search_range, search);
  }
  for (gait_fiber *fiber = heap->fibers->all; fiber; fiber = fiber->next) {
    search->fiber = fiber;
    checkmark_search_range(heap, &fiber->value, &fiber->value + 1, search);
    if (gaiti_fiber_has_stack(fiber))
      gaiti_roots_each_parked(heap, &fiber->stack, checkmark_search_range, search);
  }
}

static void checkmark_search_block(struct checkmark_search *search, uint32_t block) {
  const struct gaiti_map *map = &search->heap->map;
  uintptr_t place = (uintptr_t)gaiti_block_start(map, block), end = place + GAITI_BLOCK_BYTES;
  for (; place < end; place += GAIT_GRANULE_BYTES) {
    gaiti_ref ref = gaiti_map_resolve(map, place);
    if (!ref || gaiti_ref_start(map, ref) != place || ref & GAITI_REF_LEAF) continue;
    if (!checkmark_refers(search, (void *)place, (void *)(place + gaiti_ref_bytes(map, ref))))
      continue;
    search->found = true;
    gaiti_log(search->heap, "gait: checkmark: it is referred to by object %p of kind \"%s\", %s",
              (void *)place, search->heap->kinds.table[gaiti_ref_kind(ref)].name,
              gaiti_ref_is_marked(map, ref) ? "marked" : "not marked");
  }
}

static void checkmark_search(gait_heap *heap, gaiti_ref lost) {
  struct checkmark_search search = {.heap = heap, .lost = lost};
  checkmark_search_stacks(heap, &search);
  for (uint32_t block = 0; block < gaiti_space_top(&heap->space); block++)
    if (!gaiti_block_is_free(&heap->map, block)) checkmark_search_block(&search, block);
  if (!search.found) gaiti_log(heap, "gait: checkmark: it is referred to by a registered root");
}

/* Known with the option find_missing. */
static void checkmark_report_site(gait_heap *heap, uintptr_t start) {
  char text[512] = "";
  if (heap->finder) gaiti_finder_describe(heap, start, text, sizeof text);
  if (text[0]) gaiti_log(heap, "gait: checkmark: it was allocated in %s", text);
}

static void checkmark_report(gait_heap *heap, uintptr_t start) {
  gaiti_ref lost = gaiti_map_find(&heap->map, start);
  if (!lost) return;
  gaiti_log(heap,
            "gait: checkmark: cycle %llu, seed %lld: object %p of kind \"%s\" (%zu bytes) is "
            "reachable and was not marked",
            (unsigned long long)heap->cycle->records.last + 1, (long long)heap->options.debug.seed,
            (void *)start, heap->kinds.table[gaiti_ref_kind(lost)].name,
            gaiti_ref_bytes(&heap->map, lost));
  checkmark_report_site(heap, start);
  checkmark_search(heap, lost);
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
    do
      while (gaiti_marker_run(marker, UINT64_MAX / 2)) {
      }
    while (gaiti_ephemerons_mark_values(marker));
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
