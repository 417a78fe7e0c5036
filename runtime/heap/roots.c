/* Models: roots. */
#include "heap/roots.h"

#include <string.h>

/* Places of a table that there is at all. */
#define ROOTS_LEAST_PLACES 16u
/* To go through so many places, or chunks, takes some ten microseconds. */
#define ROOTS_LONG_PLACES 4096u
#define ROOTS_LONG_CHUNKS 64u

bool gaiti_roots_init(struct gaiti_roots *roots, struct gaiti_space *space) {
  *roots = (struct gaiti_roots){.space = space};
  return gaiti_lock_init(&roots->lock, GAITI_RANK_ROOTS);
}

static void roots_free_tables(struct gaiti_roots *roots) {
  gaiti_structure_free(roots->space, roots->table, roots->capacity * sizeof *roots->table);
  gaiti_structure_free(roots->space, roots->index, 2 * roots->capacity * sizeof *roots->index);
}

static void chunks_free(struct gaiti_roots *roots, struct gaiti_handle_chunk *chunk) {
  while (chunk) {
    struct gaiti_handle_chunk *next = chunk->next;
    gaiti_structure_free(roots->space, chunk, sizeof *chunk);
    chunk = next;
  }
}

void gaiti_roots_destroy(struct gaiti_roots *roots) {
  chunks_free(roots, roots->chunks);
  roots_free_tables(roots);
  gaiti_lock_destroy(&roots->lock);
}

/* ---- Ranges and callbacks ---- */

static bool root_is(const struct gaiti_root *root, const void *start, gait_roots_fn *function,
                    const void *arg) {
  return root->start == start && root->function == function && root->arg == arg;
}

static size_t root_hash(const void *start, gait_roots_fn *function, const void *arg) {
  uint64_t hash = (uint64_t)(uintptr_t)start ^ (uint64_t)(uintptr_t)function;
  hash = (hash * UINT64_C(0x9e3779b97f4a7c15)) ^ (uint64_t)(uintptr_t)arg;
  hash *= UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(hash ^ hash >> 32);
}

static size_t root_home(const struct gaiti_roots *roots, size_t place) {
  const struct gaiti_root *root = &roots->table[place];
  return root_hash(root->start, root->function, root->arg) & (roots->capacity * 2 - 1);
}

/* Where the index has the root, or where it would stand. */
static size_t roots_slot(const struct gaiti_roots *roots, const void *start,
                         gait_roots_fn *function, const void *arg) {
  size_t mask = roots->capacity * 2 - 1;
  size_t slot = root_hash(start, function, arg) & mask;
  while (roots->index[slot] &&
         !root_is(&roots->table[roots->index[slot] - 1], start, function, arg))
    slot = (slot + 1) & mask;
  return slot;
}

static struct gaiti_root *roots_find(struct gaiti_roots *roots, const void *start,
                                     gait_roots_fn *function, const void *arg) {
  if (roots->capacity == 0) return NULL;
  size_t place = roots->index[roots_slot(roots, start, function, arg)];
  return place ? &roots->table[place - 1] : NULL;
}

/* Takes a root out of the index, and moves up those behind it that may stand nearer home. */
static void roots_unindex(struct gaiti_roots *roots, size_t slot) {
  size_t mask = roots->capacity * 2 - 1;
  for (size_t next = (slot + 1) & mask; roots->index[next]; next = (next + 1) & mask) {
    size_t home = root_home(roots, roots->index[next] - 1);
    if (((next - home) & mask) < ((next - slot) & mask)) continue;
    roots->index[slot] = roots->index[next];
    slot = next;
  }
  roots->index[slot] = 0;
}

static bool root_is_there(const struct gaiti_root *root) {
  return root->start || root->function;
}

/* Makes the table one of `capacity` places.  Each root keeps its place, or, if `packs`, those
 * without one are left out, and no visit is under way. */
static bool roots_rebuild(struct gaiti_roots *roots, size_t capacity, bool packs) {
  struct gaiti_root *table = gaiti_structure_alloc(roots->space, capacity * sizeof *table);
  size_t *index = gaiti_structure_alloc(roots->space, 2 * capacity * sizeof *index);
  if (!table || !index) {
    gaiti_structure_free(roots->space, table, capacity * sizeof *table);
    gaiti_structure_free(roots->space, index, 2 * capacity * sizeof *index);
    return false;
  }
  size_t count = 0;
  for (size_t place = 0; place < roots->count; place++)
    if (!packs || root_is_there(&roots->table[place])) table[count++] = roots->table[place];
  roots_free_tables(roots);
  roots->table = table;
  roots->index = index;
  roots->capacity = capacity;
  roots->count = count;
  if (packs) roots->free = 0;
  for (size_t place = 0; place < count; place++) {
    const struct gaiti_root *root = &table[place];
    if (root_is_there(root))
      index[roots_slot(roots, root->start, root->function, root->arg)] = place + 1;
  }
  return true;
}

/* Doubles the table, when no place in it is free. */
static bool roots_grow(struct gaiti_roots *roots) {
  return roots_rebuild(roots, roots->capacity ? roots->capacity * 2 : ROOTS_LEAST_PLACES, false);
}

static struct gaiti_root *roots_place(struct gaiti_roots *roots) {
  if (roots->free) {
    struct gaiti_root *place = &roots->table[roots->free - 1];
    roots->free = place->words;
    return place;
  }
  if (roots->count == roots->capacity && !roots_grow(roots)) return NULL;
  return &roots->table[roots->count++];
}

/* ---- Visits ---- */

static _Thread_local struct gaiti_visit *visit_innermost;

static void visit_begin_locked(struct gaiti_visit *visit, size_t place) {
  struct gaiti_root *root = &visit->roots->table[place];
  visit->place = place;
  visit->root = *root;
  if (!root_is_there(root)) return;
  root->visits++;
  visit->outer = visit_innermost;
  visit_innermost = visit;
}

/* One visit less; the last one of a root that was removed frees the place. */
static void place_leave_locked(struct gaiti_roots *roots, size_t place) {
  struct gaiti_root *root = &roots->table[place];
  if (--root->visits > 0 || root_is_there(root)) return;
  root->words = roots->free;
  roots->free = place + 1;
}

static void visit_end_locked(struct gaiti_visit *visit) {
  if (!root_is_there(&visit->root)) return;
  visit_innermost = visit->outer;
  place_leave_locked(visit->roots, visit->place);
  visit->root = (struct gaiti_root){0};
}

void gaiti_visit_begin(struct gaiti_visit *visit, struct gaiti_roots *roots,
                       struct gaiti_marker *marker) {
  *visit = (struct gaiti_visit){.roots = roots, .marker = marker, .place = SIZE_MAX};
}

bool gaiti_visit_next(struct gaiti_visit *visit) {
  struct gaiti_roots *roots = visit->roots;
  gaiti_lock(&roots->lock);
  visit_end_locked(visit);
  bool there = visit->place + 1 < roots->count;
  if (there) visit_begin_locked(visit, visit->place + 1);
  gaiti_unlock(&roots->lock);
  return there;
}

void gaiti_visit_end(struct gaiti_visit *visit) {
  gaiti_lock(&visit->roots->lock);
  visit_end_locked(visit);
  gaiti_unlock(&visit->roots->lock);
}

struct gaiti_marker *gaiti_visit_marker(const struct gaiti_roots *roots) {
  const struct gaiti_visit *visit = visit_innermost;
  while (visit && visit->roots != roots)
    visit = visit->outer;
  return visit ? visit->marker : NULL;
}

/* The visits of a place that the calling thread is in. */
static uint32_t visits_own(const struct gaiti_roots *roots, size_t place) {
  uint32_t own = 0;
  for (const struct gaiti_visit *visit = visit_innermost; visit; visit = visit->outer)
    own += visit->roots == roots && visit->place == place;
  return own;
}

void gaiti_roots_forget_visits(struct gaiti_roots *roots) {
  gaiti_lock(&roots->lock);
  for (size_t place = 0; place < roots->count; place++) {
    struct gaiti_root *root = &roots->table[place];
    if (root->visits == 0) continue;
    root->visits = visits_own(roots, place) + 1;
    place_leave_locked(roots, place);
  }
  gaiti_unlock(&roots->lock);
}

/* ---- Adding and removing ---- */

gait_result gaiti_roots_insert(struct gaiti_roots *roots, const struct gaiti_root *root,
                               struct gaiti_marker *marker, struct gaiti_visit *visit) {
  gait_result result = GAIT_OK;
  gaiti_visit_begin(visit, roots, marker);
  gaiti_lock(&roots->lock);
  struct gaiti_root *place = NULL;
  if (roots_find(roots, root->start, root->function, root->arg))
    result = GAIT_ERROR_ALREADY;
  else if (!(place = roots_place(roots)))
    result = GAIT_ERROR_MEMORY;
  if (place) {
    size_t number = (size_t)(place - roots->table);
    *place = *root;
    roots->used++;
    roots->index[roots_slot(roots, root->start, root->function, root->arg)] = number + 1;
    if (root->discipline == GAIT_ROOTS_UNBARRIERED) roots->unbarriered++;
    visit_begin_locked(visit, number);
  }
  gaiti_unlock(&roots->lock);
  return result;
}

/* Waits until no thread visits the place but this one: the owner of the root that was there is
 * about to free its data. */
static void roots_await_locked(struct gaiti_roots *roots, size_t place) {
  while (roots->table[place].visits > visits_own(roots, place) + 1) {
    gaiti_unlock(&roots->lock);
    gaiti_os_yield();
    gaiti_lock(&roots->lock);
  }
}

/* The root leaves the table first, so that no walk finds it any more, and is then waited for: the
 * visit of this very call keeps its place. */
gait_result gaiti_roots_erase(struct gaiti_roots *roots, const struct gaiti_root *which,
                              struct gaiti_root *erased) {
  gaiti_lock(&roots->lock);
  struct gaiti_root *root = roots_find(roots, which->start, which->function, which->arg);
  if (root) {
    size_t place = (size_t)(root - roots->table);
    *erased = *root;
    if (root->discipline == GAIT_ROOTS_UNBARRIERED) {
      roots->unbarriered--;
      roots->unbarriered_removed = true;
    }
    roots_unindex(roots, roots_slot(roots, root->start, root->function, root->arg));
    *root = (struct gaiti_root){.visits = root->visits + 1};
    roots->used--;
    roots_await_locked(roots, place);
    erased->visits = visits_own(roots, place);
    place_leave_locked(roots, place);
  }
  gaiti_unlock(&roots->lock);
  return root ? GAIT_OK : GAIT_ERROR_NOT_FOUND;
}

void gaiti_roots_begin_cycle(struct gaiti_roots *roots) {
  gaiti_lock(&roots->lock);
  roots->unbarriered_removed = false;
  gaiti_unlock(&roots->lock);
}

bool gaiti_roots_need_stop(struct gaiti_roots *roots) {
  gaiti_lock(&roots->lock);
  bool need = roots->unbarriered > 0 || roots->unbarriered_removed;
  gaiti_unlock(&roots->lock);
  return need;
}

/* ---- Handles ---- */

static void chunk_open(struct gaiti_roots *roots, struct gaiti_handle_chunk *chunk) {
  chunk->before = NULL;
  chunk->after = roots->open_chunks;
  if (chunk->after) chunk->after->before = chunk;
  roots->open_chunks = chunk;
}

static void chunk_close(struct gaiti_roots *roots, struct gaiti_handle_chunk *chunk) {
  if (chunk->before)
    chunk->before->after = chunk->after;
  else
    roots->open_chunks = chunk->after;
  if (chunk->after) chunk->after->before = chunk->before;
}

static bool handles_grow(struct gaiti_roots *roots) {
  struct gaiti_handle_chunk *chunk = gaiti_structure_alloc(roots->space, sizeof *chunk);
  if (!chunk) return false;
  for (size_t i = 0; i < GAITI_HANDLE_CHUNK; i++) {
    chunk->handles[i].link = (uintptr_t)chunk->free;
    chunk->free = &chunk->handles[i];
  }
  chunk_open(roots, chunk);
  roots->empty_chunks++;
  chunk->next = roots->chunks;
  roots->chunks = chunk;
  return true;
}

gait_handle *gaiti_handle_take(struct gaiti_roots *roots) {
  gait_handle *handle = NULL;
  gaiti_lock(&roots->lock);
  if (roots->open_chunks || handles_grow(roots)) {
    struct gaiti_handle_chunk *chunk = roots->open_chunks;
    handle = chunk->free;
    chunk->free = (gait_handle *)handle->link;
    if (!chunk->free) chunk_close(roots, chunk);
    if (chunk->used++ == 0) roots->empty_chunks--;
    handle->link = (uintptr_t)chunk | 1;
  }
  gaiti_unlock(&roots->lock);
  return handle;
}

void gaiti_handle_give(struct gaiti_roots *roots, gait_handle *handle) {
  struct gaiti_handle_chunk *chunk = (struct gaiti_handle_chunk *)(handle->link & ~(uintptr_t)1);
  gaiti_lock(&roots->lock);
  if (!chunk->free) chunk_open(roots, chunk);
  handle->link = (uintptr_t)chunk->free;
  chunk->free = handle;
  if (--chunk->used == 0) roots->empty_chunks++;
  gaiti_unlock(&roots->lock);
}

/* ---- Giving back ---- */

/* The empty chunks but one, off the lists.  A scan goes through the chunks without the lock; it is
 * this thread's own, and over. */
static struct gaiti_handle_chunk *chunks_take_empty_locked(struct gaiti_roots *roots) {
  struct gaiti_handle_chunk *taken = NULL, **place = &roots->chunks;
  while (*place && roots->empty_chunks > 1) {
    struct gaiti_handle_chunk *chunk = *place;
    if (chunk->used > 0) {
      place = &chunk->next;
      continue;
    }
    *place = chunk->next;
    chunk_close(roots, chunk);
    roots->empty_chunks--;
    chunk->next = taken;
    taken = chunk;
  }
  return taken;
}

/* A quarter of the places or less has a root. */
static bool roots_are_few(const struct gaiti_roots *roots) {
  return roots->capacity > ROOTS_LEAST_PLACES && roots->used * 4 <= roots->capacity;
}

/* Half of the places may have a root after it.  Visits hold on to their places: then the table
 * stays as it is until the next cycle, as it does without memory for a smaller one. */
static void roots_shrink_locked(struct gaiti_roots *roots) {
  size_t capacity = roots->capacity;
  for (size_t place = 0; place < roots->count; place++)
    if (roots->table[place].visits > 0) return;
  while (capacity > ROOTS_LEAST_PLACES && roots->used * 4 <= capacity)
    capacity /= 2;
  roots_rebuild(roots, capacity, true);
}

bool gaiti_roots_trim_is_long(struct gaiti_roots *roots) {
  gaiti_lock(&roots->lock);
  bool is_long = roots->empty_chunks > ROOTS_LONG_CHUNKS ||
                 (roots->capacity > ROOTS_LONG_PLACES && roots_are_few(roots));
  gaiti_unlock(&roots->lock);
  return is_long;
}

void gaiti_roots_trim(struct gaiti_roots *roots) {
  gaiti_lock(&roots->lock);
  if (roots_are_few(roots)) roots_shrink_locked(roots);
  struct gaiti_handle_chunk *chunks = chunks_take_empty_locked(roots);
  gaiti_unlock(&roots->lock);
  chunks_free(roots, chunks);
}
