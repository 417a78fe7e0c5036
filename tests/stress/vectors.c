#include "vectors.h"

#include "mutator.h"

#include <gait/scope.h>

#include <stdlib.h>
#include <string.h>

#define VECTORS_MOST 20000 /* references */

/* A vector begins like every object of the graph, so that the kinds are the same; then come its
 * references. */
static void **vectors_slot(const struct vector *vector, size_t at) {
  return (void **)(void *)((graph_object *)vector->object + 1) + at;
}

static size_t vectors_bytes(size_t capacity) {
  return sizeof(graph_object) + capacity * sizeof(void *);
}

void vectors_begin(struct mutator *mutator) {
  struct vector *vector = &mutator->vector;
  memset(vector, 0, sizeof *vector);
  vector->ids = calloc(VECTORS_MOST, sizeof *vector->ids);
  if (!vector->ids) graph_fail(mutator->graph, "out of memory for a vector's mirror");
  gait_frame_push(mutator->thread, &vector->frame, &vector->object, 1);
}

void vectors_end(struct mutator *mutator) {
  gait_frame_pop(mutator->thread, &mutator->vector.frame);
  free(mutator->vector.ids);
}

/* What has come by growth is nothing yet. */
static void vectors_take_room(struct mutator *mutator, size_t capacity) {
  struct vector *vector = &mutator->vector;
  for (size_t at = vector->capacity; at < capacity; at++)
    if (*vectors_slot(vector, at))
      graph_fail(mutator->graph, "a vector of %zu has grown to %zu and has %p at %zu",
                 vector->capacity, capacity, *vectors_slot(vector, at), at);
  vector->capacity = capacity;
}

static bool vectors_grow_in_place(struct mutator *mutator, size_t capacity) {
  struct vector *vector = &mutator->vector;
  if (!vector->object ||
      !gait_object_grow(mutator->thread, vector->object, vectors_bytes(capacity)))
    return false;
  if (gait_object_bytes(mutator->graph->heap, vector->object) < vectors_bytes(capacity))
    graph_fail(mutator->graph, "a vector has not grown to %zu", capacity);
  vectors_take_room(mutator, capacity);
  return true;
}

/* Copies it to a larger object; the old one has been seen by no other thread. */
static bool vectors_move(struct mutator *mutator, size_t capacity) {
  struct vector *vector = &mutator->vector;
  void *object =
      gait_alloc(mutator->thread, mutator->graph->kinds[GRAPH_WORDS], vectors_bytes(capacity));
  if (!object) return false;
  const struct vector old = *vector;
  vector->object = object;
  vector->capacity = 0;
  vectors_take_room(mutator, capacity);
  if (old.used)
    gait_copy(mutator->thread, vectors_slot(vector, 0), vectors_slot(&old, 0), old.used);
  return true;
}

static bool vectors_reserve(struct mutator *mutator, size_t capacity) {
  return capacity <= mutator->vector.capacity || vectors_grow_in_place(mutator, capacity) ||
         vectors_move(mutator, capacity + mutator_below(mutator, (uint32_t)capacity));
}

static void vectors_append(struct mutator *mutator, uint32_t count) {
  struct vector *vector = &mutator->vector;
  for (; count > 0 && vector->used < VECTORS_MOST; count--) {
    uint32_t id = 0;
    void *reference = NULL;
    if (!vectors_reserve(mutator, vector->used + 1)) return;
    if (mutator_below(mutator, 16) == 0)
      reference = mutator_get_local(mutator, mutator_any_local(mutator), &id);
    gait_store(mutator->thread, vectors_slot(vector, vector->used), reference);
    vector->ids[vector->used++] = id;
  }
}

static void vectors_check(const struct mutator *mutator) {
  const struct vector *vector = &mutator->vector;
  for (size_t at = 0; at < vector->used; at++)
    graph_check(mutator->graph, gait_load(vectors_slot(vector, at)), vector->ids[at]);
}

static void vectors_drop(struct mutator *mutator) {
  struct vector *vector = &mutator->vector;
  void *object = vector->object;
  vector->object = NULL;
  vector->used = vector->capacity = 0;
  if (object && mutator_below(mutator, 2)) gait_object_free(mutator->thread, object);
}

/* Handles of scopes, one of which escapes. */
static void vectors_scopes(struct mutator *mutator, uint32_t levels) {
  gait_scope scope;
  uint32_t ids[40];
  void **handles[40];
  const uint32_t count = mutator_below(mutator, 40);
  gait_scope_open(mutator->thread, &scope);
  for (uint32_t i = 0; i < count; i++) {
    void *reference = mutator_get_local(mutator, mutator_any_local(mutator), &ids[i]);
    handles[i] = gait_scope_add(mutator->thread, reference);
    if (mutator_below(mutator, 4) == 0) mutator_step(mutator);
    if (levels > 0 && mutator_below(mutator, 8) == 0) vectors_scopes(mutator, levels - 1);
  }
  for (uint32_t i = 0; i < count; i++)
    if (handles[i]) graph_check(mutator->graph, *handles[i], ids[i]);
  gait_scope_close(mutator->thread, &scope);
}

/* An object of the pool refers to a number that nothing else keeps, and has a copy of it. */
struct pooled {
  graph_object head;
  uint64_t *number;
};

static void vectors_check_pooled(const struct mutator *mutator, const struct pooled *pooled) {
  const uint64_t *number =
      words_address(mutator->graph->words, gait_load((void *const *)&pooled->number));
  if (!number || *number != pooled->head.id)
    graph_fail(mutator->graph, "a pooled object has lost its number %u", (unsigned)pooled->head.id);
}

static void vectors_pool(struct mutator *mutator) {
  struct graph *graph = mutator->graph;
  void *slots[2] = {NULL, NULL};
  gait_frame frame;
  gait_frame_push(mutator->thread, &frame, slots, 2);
  struct pooled *pooled = slots[0] = gait_pool_get(mutator->thread, graph->pool);
  if (pooled) {
    vectors_check_pooled(mutator, pooled);
    gait_thread_poll(mutator->thread);
    vectors_check_pooled(mutator, pooled);
  } else {
    pooled = slots[0] = gait_alloc(mutator->thread, graph->kinds[GRAPH_WORDS], sizeof *pooled);
  }
  uint64_t *number = pooled ? gait_alloc(mutator->thread, graph->kinds[GRAPH_LEAF], 16) : NULL;
  if (number) {
    pooled->head.id = *number = mutator_below(mutator, 1000000);
    gait_store(mutator->thread, &pooled->number, words_refer(graph->words, number));
    slots[0] = NULL;
    gait_pool_put(mutator->thread, graph->pool, pooled);
  }
  gait_frame_pop(mutator->thread, &frame);
}

/* Objects that come and go; those of the graph have their slots soon. */
static void vectors_waste(struct mutator *mutator) {
  void *objects[16];
  gait_frame frame;
  const uint32_t count = 1 + mutator_below(mutator, 16);
  memset(objects, 0, sizeof objects);
  gait_frame_push(mutator->thread, &frame, objects, 16);
  for (uint32_t i = 0; i < count; i++)
    objects[i] =
        gait_alloc(mutator->thread, mutator->graph->kinds[mutator_below(mutator, GRAPH_FORMS)],
                   48 + mutator_below(mutator, 200));
  for (uint32_t i = 0; i < count; i++) {
    void *object = objects[i];
    objects[i] = NULL;
    if (object) gait_object_free(mutator->thread, object);
  }
  gait_frame_pop(mutator->thread, &frame);
}

/* One that is large from the start, with room in its last block, which it takes in part. */
static void vectors_begin_large(struct mutator *mutator) {
  vectors_drop(mutator);
  if (vectors_move(mutator, 4100 + mutator_below(mutator, 2000)))
    vectors_grow_in_place(mutator, mutator->vector.capacity + mutator_below(mutator, 4000));
}

/* A mutator on a fiber has no vector. */
void vectors_step(struct mutator *mutator) {
  switch (mutator->vector.ids ? mutator_below(mutator, 12) : 3 + mutator_below(mutator, 4)) {
  case 0: vectors_drop(mutator); return;
  case 1: vectors_check(mutator); return;
  case 2: vectors_begin_large(mutator); return;
  case 3:
  case 4: vectors_waste(mutator); return;
  case 5: vectors_scopes(mutator, 3); return;
  case 6: vectors_pool(mutator); return;
  default: vectors_append(mutator, mutator_below(mutator, 400)); return;
  }
}
