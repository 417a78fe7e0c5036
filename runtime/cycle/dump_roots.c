/* The roots of a dump: words that refer to objects, each with its place and its holder. */
#include <string.h>

#include "cycle/cycle.h"
#include "cycle/heap_dump.h"
#include "mark/root_scan.h"
#include "weak/finalizers.h"

/* The roots that are looked at.
 *   number   of their holder
 *   scopes   of the thread or the fiber, and `home` of the thread's own stack
 *   stack    where the stack begins in memory: the words that are scanned conservatively */
struct dump_roots {
  struct gaiti_dump *dump;
  size_t number;
  const gait_thread *thread;
  const struct gaiti_parked *parked;
};

/* ---- Holders ---- */

static bool holders_reserve(struct gaiti_dump *dump) {
  if (dump->holders_count < dump->holders_capacity) return true;
  size_t capacity = dump->holders_capacity ? 2 * dump->holders_capacity : 64;
  struct gaiti_dump_holder *larger = gaiti_os_alloc(capacity * sizeof *larger);
  if (!larger) {
    dump->file.failed = true;
    return false;
  }
  if (dump->holders_count) memcpy(larger, dump->holders, dump->holders_count * sizeof *larger);
  gaiti_os_free(dump->holders);
  dump->holders = larger;
  dump->holders_capacity = capacity;
  return true;
}

/* Without memory the dump has failed, and so no root comes after it. */
static struct dump_roots holders_add(struct gaiti_dump *dump,
                                     const struct gaiti_dump_holder *holder) {
  struct dump_roots roots = {.dump = dump, .number = dump->holders_count};
  if (holders_reserve(dump)) dump->holders[dump->holders_count++] = *holder;
  return roots;
}

/* ---- Roots ---- */

static void roots_put(const struct dump_roots *roots, enum gaiti_dump_place place, uintptr_t slot,
                      gaiti_ref target) {
  struct gaiti_dump *dump = roots->dump;
  unsigned char *at = gaiti_dump_room(&dump->file, GAITI_DUMP_ROOTS, 4 * GAITI_DUMP_NUMBER_BYTES);
  if (!at) return;
  at = gaiti_dump_number(at, roots->number);
  at = gaiti_dump_number(at, place);
  at = gaiti_dump_number(at, gaiti_dump_signed(slot - dump->slot));
  at = gaiti_dump_number(at, gaiti_dump_granule(target));
  gaiti_dump_used(&dump->file, at);
  dump->slot = slot;
  dump->roots++;
}

GAITI_RACY static void roots_words(const struct dump_roots *roots, enum gaiti_dump_place place,
                                   const void *start, const void *end) {
  const gait_heap *heap = roots->dump->heap;
  for (const volatile uintptr_t *word = start; (const void *)(word + 1) <= end; word++) {
    uintptr_t address = gaiti_tags_plain_or_tagged(&heap->tags, &heap->map, *word);
    gaiti_ref ref = gaiti_map_resolve(&heap->map, address);
    if (ref) roots_put(roots, place, (uintptr_t)word, ref);
  }
}

/* ---- Stacks ---- */

static bool roots_in_scopes(const struct gaiti_scopes *scopes, const void *start) {
  for (const struct gaiti_scope_chunk *chunk = scopes->top; chunk; chunk = chunk->below)
    if (start == (const void *)chunk->slots) return true;
  return false;
}

static bool roots_in_parked(const struct gaiti_parked *parked, const void *start,
                            enum gaiti_dump_place *place) {
  bool scope = roots_in_scopes(&parked->scopes, start);
  if (!scope && (uintptr_t)start != parked->place) return false;
  *place = scope ? GAITI_DUMP_SCOPE : GAITI_DUMP_STACK;
  return true;
}

/* The sort of the stretch that begins there: all but those of these sorts are frames. */
static enum gaiti_dump_place roots_place(const struct dump_roots *roots, const void *start) {
  enum gaiti_dump_place place = GAITI_DUMP_FRAME;
  if (roots->parked && roots_in_parked(roots->parked, start, &place)) return place;
  const gait_thread *thread = roots->thread;
  if (!thread) return place;
  const struct gaiti_saved *saved = &thread->saved;
  if (start == (const void *)saved->registers) return GAITI_DUMP_REGISTER;
  if (start == (const void *)gaiti_saved_words(saved)) return GAITI_DUMP_STACK;
  if (roots_in_scopes(&thread->scopes, start)) return GAITI_DUMP_SCOPE;
  bool scanned = thread->roots != GAIT_STACK_EXACT;
  return scanned && (uintptr_t)start == saved->rest ? GAITI_DUMP_STACK : GAITI_DUMP_FRAME;
}

static void roots_range(gait_heap *heap, const void *start, const void *end, void *arg) {
  (void)heap;
  const struct dump_roots *roots = arg;
  roots_words(roots, roots_place(roots, start), start, end);
}

static void dump_threads(struct gaiti_dump *dump) {
  for (gait_thread *thread = dump->heap->threads->all; thread; thread = thread->next) {
    struct gaiti_dump_holder holder = {
        .type = GAITI_DUMP_THREAD, .address = (uintptr_t)thread, .tid = thread->tid};
    memcpy(holder.name, thread->name, sizeof holder.name);
    struct dump_roots roots = holders_add(dump, &holder);
    roots.thread = thread;
    roots.parked = thread->fiber ? &thread->home : NULL;
    gaiti_roots_each_range(thread, roots_range, &roots);
  }
}

static void dump_fibers(struct gaiti_dump *dump) {
  gait_heap *heap = dump->heap;
  for (gait_fiber *fiber = heap->fibers->all; fiber; fiber = fiber->next) {
    struct gaiti_dump_holder holder = {.type = GAITI_DUMP_FIBER, .address = (uintptr_t)fiber};
    struct dump_roots roots = holders_add(dump, &holder);
    roots.parked = &fiber->stack;
    roots_words(&roots, GAITI_DUMP_WORD, &fiber->value, &fiber->value + 1);
    if (gaiti_fiber_has_stack(fiber))
      gaiti_roots_each_parked(heap, &fiber->stack, roots_range, &roots);
  }
}

/* ---- The registry ---- */

static void roots_take(struct gaiti_group group, void *arg) {
  const struct dump_roots *roots = arg;
  for (; group.bits; group.bits &= group.bits - 1)
    if (gaiti_ref_is_allocated(&roots->dump->heap->map, gaiti_group_first(group)))
      roots_put(roots, GAITI_DUMP_TRACED, 0, gaiti_group_first(group));
}

static void dump_callback(struct gaiti_dump *dump, const struct gaiti_root *root) {
  struct gaiti_marker *marker = dump->marker;
  struct gaiti_dump_holder holder = {.type = GAITI_DUMP_CALLBACK,
                                     .address = (uintptr_t)root->arg,
                                     .function = (uintptr_t)root->function};
  if (root->function == gaiti_pool_trace) holder.type = GAITI_DUMP_POOL;
  if (gaiti_finalizers_is_queue(dump->heap, root)) holder.type = GAITI_DUMP_QUEUE;
  struct dump_roots roots = holders_add(dump, &holder);
  gaiti_marker_set_taker(marker, roots_take, &roots);
  root->function((gait_tracer *)(void *)marker, root->arg);
  gaiti_marker_have_taken(marker);
  gaiti_marker_set_taker(marker, NULL, NULL);
}

static void dump_registered(struct gaiti_dump *dump) {
  struct gaiti_visit visit;
  gaiti_visit_begin(&visit, &dump->heap->roots, dump->marker);
  while (gaiti_visit_next(&visit)) {
    const struct gaiti_root *root = &visit.root;
    if (root->start) {
      struct gaiti_dump_holder holder = {.type = GAITI_DUMP_RANGE,
                                         .address = (uintptr_t)root->start,
                                         .bytes = root->words * sizeof(void *)};
      struct dump_roots roots = holders_add(dump, &holder);
      roots_words(&roots, GAITI_DUMP_WORD, root->start, root->start + root->words);
    }
    if (root->function) dump_callback(dump, root);
  }
}

static void dump_handles(struct gaiti_dump *dump) {
  struct gaiti_dump_holder holder = {.type = GAITI_DUMP_HANDLES,
                                     .address = (uintptr_t)&dump->heap->roots};
  struct dump_roots roots = holders_add(dump, &holder);
  for (struct gaiti_handle_chunk *chunk = dump->heap->roots.chunks; chunk; chunk = chunk->next)
    for (size_t i = 0; i < GAITI_HANDLE_CHUNK; i++) {
      const gait_handle *handle = &chunk->handles[i];
      if (gaiti_handle_is_live(handle))
        roots_words(&roots, GAITI_DUMP_WORD, &handle->object, &handle->object + 1);
    }
}

void gaiti_dump_roots(struct gaiti_dump *dump) {
  dump_threads(dump);
  dump_fibers(dump);
  dump_registered(dump);
  dump_handles(dump);
}
