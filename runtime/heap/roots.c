#include "heap/roots.h"

#include <string.h>

bool gaiti_roots_init(struct gaiti_roots *roots) {
  *roots = (struct gaiti_roots){0};
  return gaiti_lock_init(&roots->lock, GAITI_RANK_ROOTS);
}

void gaiti_roots_destroy(struct gaiti_roots *roots) {
  while (roots->chunks) {
    struct gaiti_handle_chunk *chunk = roots->chunks;
    roots->chunks = chunk->next;
    gaiti_os_free(chunk);
  }
  gaiti_os_free(roots->table);
  gaiti_lock_destroy(&roots->lock);
}

/* ---- Ranges and callbacks ---- */

static bool root_is_free(const struct gaiti_root *root) {
  return !root->start && !root->function;
}

static struct gaiti_root *roots_find(struct gaiti_roots *roots, const void *start,
                                     gait_roots_fn *function, const void *arg) {
  for (size_t i = 0; i < roots->count; i++) {
    struct gaiti_root *root = &roots->table[i];
    if (!root_is_free(root) && root->start == start && root->function == function &&
        root->arg == arg)
      return root;
  }
  return NULL;
}

static struct gaiti_root *roots_place(struct gaiti_roots *roots) {
  for (size_t i = 0; i < roots->count; i++)
    if (root_is_free(&roots->table[i])) return &roots->table[i];
  if (roots->count == roots->capacity) {
    size_t capacity = roots->capacity ? roots->capacity * 2 : 16;
    struct gaiti_root *table = gaiti_os_alloc(capacity * sizeof *table);
    if (!table) return NULL;
    if (roots->count) memcpy(table, roots->table, roots->count * sizeof *table);
    gaiti_os_free(roots->table);
    roots->table = table;
    roots->capacity = capacity;
  }
  return &roots->table[roots->count++];
}

gait_result gaiti_roots_insert(struct gaiti_roots *roots, const struct gaiti_root *root) {
  gait_result result = GAIT_OK;
  gaiti_lock(&roots->lock);
  struct gaiti_root *place = NULL;
  if (roots_find(roots, root->start, root->function, root->arg))
    result = GAIT_ERROR_ALREADY;
  else if (!(place = roots_place(roots)))
    result = GAIT_ERROR_MEMORY;
  else
    *place = *root;
  if (place && root->discipline == GAIT_ROOTS_UNBARRIERED) roots->unbarriered++;
  gaiti_unlock(&roots->lock);
  return result;
}

bool gaiti_roots_look_up(struct gaiti_roots *roots, const struct gaiti_root *which,
                         struct gaiti_root *root) {
  gaiti_lock(&roots->lock);
  const struct gaiti_root *found = roots_find(roots, which->start, which->function, which->arg);
  if (found) *root = *found;
  gaiti_unlock(&roots->lock);
  return found != NULL;
}

/* Waits while the collector runs the root's callback, whose data its owner is about to free. */
static void roots_await_locked(struct gaiti_roots *roots, const struct gaiti_root *root) {
  size_t place = (size_t)(root - roots->table);
  while (roots->visited == place + 1) {
    gaiti_unlock(&roots->lock);
    gaiti_os_yield();
    gaiti_lock(&roots->lock);
  }
}

gait_result gaiti_roots_erase(struct gaiti_roots *roots, const void *start, gait_roots_fn *function,
                              const void *arg) {
  gait_result result = GAIT_ERROR_NOT_FOUND;
  gaiti_lock(&roots->lock);
  struct gaiti_root *root = roots_find(roots, start, function, arg);
  if (root) {
    roots_await_locked(roots, root);
    root = roots_find(roots, start, function, arg);
  }
  if (root) {
    if (root->discipline == GAIT_ROOTS_UNBARRIERED) {
      roots->unbarriered--;
      roots->unbarriered_removed = true;
    }
    *root = (struct gaiti_root){0};
    result = GAIT_OK;
  }
  gaiti_unlock(&roots->lock);
  return result;
}

void gaiti_roots_begin_cycle(struct gaiti_roots *roots) {
  gaiti_lock(&roots->lock);
  roots->unbarriered_removed = false;
  gaiti_unlock(&roots->lock);
}

bool gaiti_roots_need_hold(struct gaiti_roots *roots) {
  gaiti_lock(&roots->lock);
  bool need = roots->unbarriered > 0 || roots->unbarriered_removed;
  gaiti_unlock(&roots->lock);
  return need;
}

/* ---- Handles ---- */

static bool handles_grow(struct gaiti_roots *roots) {
  struct gaiti_handle_chunk *chunk = gaiti_os_alloc(sizeof *chunk);
  if (!chunk) return false;
  for (size_t i = 0; i < GAITI_HANDLE_CHUNK; i++) {
    chunk->handles[i].next_free = roots->free_handles;
    roots->free_handles = &chunk->handles[i];
  }
  chunk->next = roots->chunks;
  roots->chunks = chunk;
  return true;
}

gait_handle *gaiti_handle_take(struct gaiti_roots *roots) {
  gait_handle *handle = NULL;
  gaiti_lock(&roots->lock);
  if (roots->free_handles || handles_grow(roots)) {
    handle = roots->free_handles;
    roots->free_handles = handle->next_free;
    handle->next_free = handle;
  }
  gaiti_unlock(&roots->lock);
  return handle;
}

void gaiti_handle_give(struct gaiti_roots *roots, gait_handle *handle) {
  gaiti_lock(&roots->lock);
  handle->next_free = roots->free_handles;
  roots->free_handles = handle;
  gaiti_unlock(&roots->lock);
}
