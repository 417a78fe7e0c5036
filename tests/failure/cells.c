#include "cells.h"

#include <gait/ephemeron.h>
#include <gait/weak.h>

#include <gait/finalizer.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gait/array.h>
#include <gait/pool.h>
#include <gait/scope.h>

#include "inject.h"

#include "../support/random.h"

const char *cells_where = "";

struct cell {
  uint64_t id;
  uint64_t left_id;
  uint64_t right_id;
  uint64_t hash;
  struct cell *left;
  struct cell *right;
};

/* ---- Assertions ---- */

void cells_fail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  fprintf(stderr, "failure: %s: ", cells_where);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
  abort();
}

bool cells_worked(gait_result result, gait_result refused) {
  if (result == GAIT_OK) return true;
  if (inject_failed() == 0) cells_fail("%s, and nothing was failed", gait_result_name(result));
  if (result != refused)
    cells_fail("%s, not %s", gait_result_name(result), gait_result_name(refused));
  return false;
}

static bool cells_got(const void *memory) {
  if (!memory && inject_failed() == 0) cells_fail("NULL, and nothing was failed");
  return memory != NULL;
}

/* ---- Cells ---- */

static uint64_t cell_hash(const struct cell *cell) {
  return random_mix(cell->id ^ random_mix(cell->left_id ^ random_mix(cell->right_id ^ 1)));
}

static uint64_t cells_random(struct cells *cells, uint32_t bound) {
  return random_below(&cells->random, bound);
}

static void cell_look(const struct cell *cell, uint64_t id) {
  if (!id) {
    MUST(!cell);
    return;
  }
  MUST(cell && cell->id == id);
  MUST(cell->hash == cell_hash(cell));
}

/* Walks down from a cell, left and right by turns. */
static void cell_walk(const struct cell *cell, uint64_t id) {
  cell_look(cell, id);
  for (int steps = 0; cell && steps < 200; steps++) {
    cell_look(cell->left, cell->left_id);
    cell_look(cell->right, cell->right_id);
    cell = (cell->id + (uint64_t)steps) % 2 ? cell->left : cell->right;
  }
}

static void cell_trace(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)bytes, (void)arg;
  struct cell *cell = object;
  gait_trace_slot(tracer, (void *const *)&cell->left);
  gait_trace_slot(tracer, (void *const *)&cell->right);
}

static size_t cells_size(struct cells *cells) {
  switch (cells_random(cells, 100)) {
  case 0: return 200000 + cells_random(cells, 100000);
  case 1:
  case 2: return 33000;
  default: return sizeof(struct cell) + cells_random(cells, 400);
  }
}

/* The slot that an edge leads to; most lead nowhere, so that the dead do not keep all the older. */
static uint64_t cells_edge(struct cells *cells) {
  return cells_random(cells, CELLS_SLOTS * 5 / 2);
}

/* A cell that may refer to two that are kept; NULL when it cannot be had. */
static struct cell *cells_new(struct cells *cells, gait_thread *thread) {
  const gait_kind kind = cells->kinds[cells_random(cells, CELLS_FORMS)];
  struct cell *cell = gait_alloc(thread, kind, cells_size(cells));
  if (!cells_got(cell)) return NULL;
  const uint64_t left = cells_edge(cells), right = cells_edge(cells);
  cell->id = ++cells->next_id;
  cell->left_id = left < CELLS_SLOTS ? cells->slot_ids[left] : 0;
  cell->right_id = right < CELLS_SLOTS ? cells->slot_ids[right] : 0;
  cell->hash = cell_hash(cell);
  gait_store_init(thread, &cell->left, left < CELLS_SLOTS ? cells->slots[left] : NULL);
  gait_store_init(thread, &cell->right, right < CELLS_SLOTS ? cells->slots[right] : NULL);
  return cell;
}

/* ---- Steps ---- */

bool cells_create(struct cells *cells, const gait_options *options) {
  memset(cells, 0, sizeof *cells);
  cells->random = 7;
  const gait_result result = gait_heap_create(options, &cells->heap);
  if (result == GAIT_ERROR_SYSTEM) return cells_worked(result, GAIT_ERROR_SYSTEM);
  if (cells_worked(result, GAIT_ERROR_MEMORY)) return true;
  MUST(!cells->heap);
  return false;
}

static bool cells_kind(struct cells *cells, unsigned index, const gait_kind_info *info) {
  if (gait_kind_find(cells->heap, info->name, &cells->kinds[index]) == GAIT_OK) return true;
  return cells_worked(gait_kind_register(cells->heap, info, &cells->kinds[index]),
                      GAIT_ERROR_MEMORY);
}

bool cells_kinds(struct cells *cells) {
  static const uint64_t map[2] = {3u << 4, 1};
  const uint64_t again[2] = {map[0], 0};
  cells->kinds[0] = gait_kind_conservative(cells->heap);
  cells->has_kinds =
      cells_kind(cells, 1,
                 &(gait_kind_info){.name = "short",
                                   .form = GAIT_KIND_POINTERS,
                                   .map_bytes = sizeof(struct cell),
                                   .pointer_map = map}) &&
      cells_kind(cells, 2,
                 &(gait_kind_info){.name = "long",
                                   .form = GAIT_KIND_POINTERS,
                                   .map_bytes = 65 * 8,
                                   .pointer_map = again}) &&
      cells_kind(
          cells, 3,
          &(gait_kind_info){.name = "traced", .form = GAIT_KIND_CALLBACK, .trace = cell_trace}) &&
      cells_kind(cells, 4, &(gait_kind_info){.name = "words", .form = GAIT_KIND_CONSERVATIVE});
  return cells->has_kinds;
}

static bool cells_attach_thread(struct cells *cells, const char *name, gait_thread_roots roots,
                                gait_thread **thread) {
  const gait_result result = gait_thread_attach(cells->heap, name, roots, thread);
  const gait_result refused = result == GAIT_ERROR_SYSTEM ? GAIT_ERROR_SYSTEM : GAIT_ERROR_MEMORY;
  if (cells_worked(result, refused)) return true;
  MUST(!*thread);
  return false;
}

bool cells_attach(struct cells *cells) {
  if (!cells_attach_thread(cells, "cells", GAIT_STACK_EXACT, &cells->thread)) return false;
  gait_frame_push(cells->thread, &cells->frame, cells->slots, CELLS_SLOTS);
  return true;
}

static void cells_trace_last(gait_tracer *tracer, void *arg) {
  struct cells *cells = arg;
  gait_trace_range(tracer, cells->ranges[CELLS_RANGES - 1], sizeof cells->ranges[0]);
}

void cells_roots(struct cells *cells) {
  for (unsigned i = 0; i + 1 < CELLS_RANGES; i++) {
    if (cells->range_added[i]) continue;
    cells->range_added[i] =
        cells_worked(gait_roots_add(cells->heap, cells->ranges[i], sizeof cells->ranges[i],
                                    GAIT_ROOTS_BARRIERED),
                     GAIT_ERROR_MEMORY);
  }
  if (cells->callback_added) return;
  cells->callback_added = cells_worked(
      gait_roots_add_callback(cells->heap, cells_trace_last, cells, GAIT_ROOTS_BARRIERED),
      GAIT_ERROR_MEMORY);
  cells->range_added[CELLS_RANGES - 1] = cells->callback_added;
}

static void cells_keep(struct cells *cells, struct cell *cell) {
  const uint64_t slot = cells_random(cells, CELLS_SLOTS);
  cells->slots[slot] = cell;
  cells->slot_ids[slot] = cell->id;
  const uint64_t range = cells_random(cells, CELLS_RANGES), word = cells_random(cells, CELLS_RANGE);
  if (!cells->range_added[range]) return;
  gait_store(cells->thread, &cells->ranges[range][word], cell);
  cells->range_ids[range][word] = cell->id;
}

void cells_handles(struct cells *cells) {
  for (unsigned i = 0; i < CELLS_HANDLES; i++) {
    const uint64_t slot = cells_random(cells, CELLS_SLOTS);
    if (!cells->handles[i]) {
      cells->handles[i] = gait_handle_create(cells->thread, cells->slots[slot]);
      if (!cells_got(cells->handles[i])) continue;
    } else {
      gait_handle_set(cells->thread, cells->handles[i], cells->slots[slot]);
    }
    cells->handle_ids[i] = cells->slot_ids[slot];
  }
}

/* Fibers that never run keep their values. */
void cells_fibers(struct cells *cells) {
  for (unsigned i = 0; i < CELLS_FIBERS; i++) {
    const uint64_t slot = cells_random(cells, CELLS_SLOTS);
    if (!cells->fibers[i] && !cells_worked(gait_fiber_register(cells->thread, NULL, 0,
                                                               GAIT_STACK_EXACT, &cells->fibers[i]),
                                           GAIT_ERROR_MEMORY))
      continue;
    gait_fiber_set_value(cells->thread, cells->fibers[i], cells->slots[slot]);
    cells->fiber_ids[i] = cells->slot_ids[slot];
  }
}

void cells_allocate(struct cells *cells, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    struct cell *cell = cells_new(cells, cells->thread);
    if (cell) cells_keep(cells, cell);
  }
}

void cells_externals(struct cells *cells) {
  for (unsigned i = 0; i < CELLS_SLOTS; i++)
    if (cells->slots[i])
      cells_worked(gait_object_set_external(cells->thread, cells->slots[i], 1000),
                   GAIT_ERROR_MEMORY);
}

/* What a slot keeps, a weak reference has, where there was memory for one. */
void cells_weak(struct cells *cells) {
  for (unsigned i = 0; i < CELLS_SLOTS; i++) {
    const gait_weak *weak = gait_weak_create(cells->thread, cells->slots[i]);
    MUST(!weak || gait_weak_get(cells->thread, weak) == cells->slots[i]);
  }
}

/* What a slot keeps is the key of an ephemeron, and its value, where there was memory for one. */
void cells_ephemerons(struct cells *cells) {
  for (unsigned i = 0; i < CELLS_SLOTS; i++) {
    void *kept = cells->slots[i];
    const gait_ephemeron *pair = gait_ephemeron_new(cells->thread, kept, kept);
    MUST(!pair || gait_ephemeron_value(cells->thread, pair) == kept);
  }
}

/* Grows some to the ends of their slots, where there is memory for that. */
void cells_grow(struct cells *cells) {
  for (unsigned i = 0; i < CELLS_SLOTS; i++) {
    struct cell *cell = cells->slots[i];
    if (!cell || cells_random(cells, 2)) continue;
    const size_t bytes = gait_object_bytes(cells->heap, cell);
    const size_t more = bytes + cells_random(cells, 40000);
    if (!gait_object_grow(cells->thread, cell, more)) continue;
    MUST(gait_object_bytes(cells->heap, cell) >= more);
    const unsigned char *grown = (const unsigned char *)cell + bytes;
    for (size_t at = 0; at < more - bytes; at++)
      MUST(grown[at] == 0);
  }
}

/* Builds text, as far as there is memory. */
void cells_build(struct cells *cells) {
  gait_array text = {0};
  gait_frame frame;
  MUST(gait_array_init(cells->thread, &text, gait_kind_leaf(cells->heap), 1) == GAIT_OK);
  gait_frame_push(cells->thread, &frame, &text.items, 1);
  for (unsigned i = 0; i < 2000; i++) {
    const size_t count = text.count;
    if (!gait_array_append_copy(cells->thread, &text, "0123456789abcdefghijklmnopqrstuvwxyz", 36)) {
      MUST(inject_failed() > 0 && text.count == count);
      break;
    }
  }
  for (size_t at = 0; at < text.count; at += 36)
    MUST(memcmp(gait_array_at(&text, at), "0123456789", 10) == 0);
  gait_frame_pop(cells->thread, &frame);
}

static void cells_clean_up(void *arg) {
  struct cells *cells = arg;
  cells->ran++;
}

static void cells_finalize(gait_thread *thread, void *object, void *arg) {
  struct cell *cell = object;
  (void)thread;
  cell_walk(cell, cell->id);
  cells_clean_up(arg);
}

/* Every cell that is kept, and many that are not. */
void cells_finalizers(struct cells *cells) {
  for (unsigned i = 0; i < 4 * CELLS_SLOTS; i++) {
    struct cell *cell = i < CELLS_SLOTS ? cells->slots[i] : cells_new(cells, cells->thread);
    if (!cell) continue;
    cells->registered += cells_worked(gait_finalizer_add(cells->thread, cell, cells_finalize, cells,
                                                         (gait_finalizer_order)(i % 3), NULL),
                                      GAIT_ERROR_MEMORY);
    cells->registered += cells_worked(
        gait_cleanup_add(cells->thread, cell, cells_clean_up, cells, NULL), GAIT_ERROR_MEMORY);
  }
  gait_heap_collect(cells->thread);
  gait_finalizers_run(cells->thread, SIZE_MAX);
}

/* A pool that there is no memory for is none. */
void cells_pool(struct cells *cells) {
  gait_pool *pool;
  const gait_result result = gait_pool_create(cells->heap, NULL, &pool);
  if (result != GAIT_OK) {
    MUST(inject_failed() > 0 && !pool);
    MUST(result == GAIT_ERROR_MEMORY || result == GAIT_ERROR_SYSTEM);
    return;
  }
  struct cell *cell = cells->slots[0];
  if (cell) gait_pool_put(cells->thread, pool, cell);
  MUST(!cell || gait_pool_get(cells->thread, pool) == cell);
  gait_pool_destroy(pool);
}

/* A scope's handles keep what there was memory for. */
void cells_scope(struct cells *cells) {
  gait_scope scope;
  gait_scope_open(cells->thread, &scope);
  for (unsigned i = 0; i < 2000; i++) {
    void **handle = gait_scope_add(cells->thread, cells->slots[i % CELLS_SLOTS]);
    if (cells_got(handle)) MUST(*handle == cells->slots[i % CELLS_SLOTS]);
  }
  gait_scope_close(cells->thread, &scope);
}

/* Drops most of what is kept, so that there is something to free. */
void cells_drop(struct cells *cells) {
  for (unsigned i = 0; i < CELLS_SLOTS; i++) {
    if (i % 4 == 0) continue;
    cells->slots[i] = NULL;
    cells->slot_ids[i] = 0;
  }
  for (unsigned i = 0; i < CELLS_RANGES; i++) {
    if (!cells->range_added[i]) continue;
    gait_clear(cells->thread, cells->ranges[i], CELLS_RANGE);
    memset(cells->range_ids[i], 0, sizeof cells->range_ids[i]);
  }
  for (unsigned i = 0; i < CELLS_HANDLES; i++) {
    if (!cells->handles[i] || i % 3 == 0) continue;
    gait_handle_destroy(cells->thread, cells->handles[i]);
    cells->handles[i] = NULL;
  }
  for (unsigned i = 0; i < CELLS_FIBERS; i++) {
    if (!cells->fibers[i] || i % 3 == 0) continue;
    MUST(gait_fiber_unregister(cells->thread, cells->fibers[i]) == GAIT_OK);
    cells->fibers[i] = NULL;
  }
}

static uint64_t cells_newest_cycle(struct cells *cells) {
  static gait_cycle_record records[1024];
  const size_t count = gait_records_read(cells->heap, 0, records, 1024);
  return count ? records[count - 1].cycle : 0;
}

/* A collection needs nothing of the system. */
void cells_collect(struct cells *cells) {
  const uint64_t before = cells_newest_cycle(cells);
  MUST(gait_heap_collect(cells->thread) == GAIT_OK);
  MUST(cells_newest_cycle(cells) > before);
}

/* Grows, shrinks to a limit, so that memory has to go back at once, and grows on. */
void cells_limit(struct cells *cells) {
  gait_stats stats;
  gait_stats_read(cells->heap, &stats);
  MUST(gait_heap_set_memory_limit(cells->heap, (int64_t)stats.mapped_bytes, NULL) == GAIT_OK);
  cells_allocate(cells, 200);
  cells_drop(cells);
  cells_collect(cells);
  cells_allocate(cells, 200);
  MUST(gait_heap_set_memory_limit(cells->heap, GAIT_OFF, NULL) == GAIT_OK);
  gait_heap_trim(cells->heap);
}

/* ---- Other threads ---- */

/* Works a little, leaves managed code, so that its processor may be taken, and enters again. */
static void *cells_guest(void *arg) {
  struct cells *cells = arg;
  gait_thread *thread;
  if (!cells_attach_thread(cells, NULL, GAIT_STACK_CONSERVATIVE, &thread)) return NULL;
  for (int i = 0; i < 50; i++) {
    struct cell *cell = gait_alloc(thread, cells->kinds[1], sizeof *cell);
    if (cells_got(cell)) MUST(cell->id == 0 && !cell->left);
  }
  gait_thread_leave(thread);
  gait_thread_enter(thread);
  MUST(gait_heap_collect(thread) == GAIT_OK);
  return NULL; /* which detaches it */
}

static void *cells_wait_for_guests(void *arg) {
  pthread_t guests[2];
  for (int i = 0; i < 2; i++)
    inject_thread_start(&guests[i], cells_guest, arg);
  for (int i = 0; i < 2; i++)
    pthread_join(guests[i], NULL);
  return NULL;
}

void cells_threads(struct cells *cells) {
  gait_thread_outside(cells->thread, cells_wait_for_guests, cells);
}

/* ---- Looking ---- */

void cells_check(const struct cells *cells) {
  for (unsigned i = 0; i < CELLS_SLOTS; i++)
    cell_walk(cells->slots[i], cells->slot_ids[i]);
  for (unsigned i = 0; i < CELLS_RANGES; i++)
    for (unsigned k = 0; k < CELLS_RANGE; k++)
      cell_walk(cells->ranges[i][k], cells->range_ids[i][k]);
  for (unsigned i = 0; i < CELLS_HANDLES; i++)
    if (cells->handles[i]) cell_walk(gait_handle_get(cells->handles[i]), cells->handle_ids[i]);
  for (unsigned i = 0; i < CELLS_FIBERS; i++)
    if (cells->fibers[i]) cell_walk(gait_fiber_value(cells->fibers[i]), cells->fiber_ids[i]);
}

void cells_end(struct cells *cells) {
  if (!cells->heap) return;
  for (unsigned i = 0; i + 1 < CELLS_RANGES; i++)
    if (cells->range_added[i]) MUST(gait_roots_remove(cells->heap, cells->ranges[i]) == GAIT_OK);
  if (cells->callback_added)
    MUST(gait_roots_remove_callback(cells->heap, cells_trace_last, cells) == GAIT_OK);
  for (unsigned i = 0; i < CELLS_HANDLES; i++)
    if (cells->handles[i]) gait_handle_destroy(cells->thread, cells->handles[i]);
  for (unsigned i = 1; i < CELLS_FIBERS; i++) /* the first goes with the heap */
    if (cells->fibers[i]) MUST(gait_fiber_unregister(cells->thread, cells->fibers[i]) == GAIT_OK);
  if (cells->thread) {
    gait_finalizers_run_all(cells->thread);
    MUST(cells->ran == cells->registered);
    gait_frame_pop(cells->thread, &cells->frame);
    MUST(gait_thread_detach(cells->thread) == GAIT_OK);
  }
  MUST(gait_heap_destroy(cells->heap) == GAIT_OK);
}
