/* Ephemerons: those of the graph, which all threads get, set and clear, lose no value before its
 * key; and a chain of them loses nothing while its first key is kept. */
#include "pairings.h"

#include <gait/ephemeron.h>

/* What the twins of an ephemeron of the graph say, its lock being held. */
static void pairings_check(struct graph *graph, uint32_t which, void *key, void *value) {
  if (!key) return;
  graph_check(graph, key, graph->pair_keys[which]);
  if (graph->pair_values[which])
    graph_check(graph, value, graph->pair_values[which]);
  else if (value)
    graph_fail(graph, "an ephemeron has a value that was not put there");
}

/* An allocation is a safepoint, at which no lock may be held. */
static void pairings_share(struct mutator *mutator) {
  struct graph *graph = mutator->graph;
  gait_thread *thread = mutator->thread;
  const uint32_t which = mutator_below(mutator, GRAPH_HANDLES);
  void **slot = &graph->pairs[which], *key = NULL, *value = NULL;
  uint32_t key_id, value_id, found_key = 0, found_value = 0;
  void *new_key = mutator_get_local(mutator, mutator_any_local(mutator), &key_id);
  void *new_value = mutator_get_local(mutator, mutator_any_local(mutator), &value_id);
  gait_ephemeron *fresh =
      mutator_below(mutator, 4) || !key_id ? NULL : gait_ephemeron_new(thread, new_key, new_value);
  pthread_mutex_lock(&graph->handle_locks[which]);
  gait_ephemeron *pair = gait_load(slot);
  if (pair) key = gait_ephemeron_key(thread, pair);
  if (key) value = gait_ephemeron_value(thread, pair);
  pairings_check(graph, which, key, value);
  if (key) found_key = graph->pair_keys[which], found_value = graph->pair_values[which];
  if (fresh) {
    gait_store(thread, slot, fresh);
    graph->pair_keys[which] = key_id, graph->pair_values[which] = value_id;
  } else if (pair && mutator_below(mutator, 3) == 0) {
    gait_ephemeron_set_value(thread, pair, new_value);
    graph->pair_values[which] = value_id;
  } else if (pair && mutator_below(mutator, 20) == 0) {
    gait_ephemeron_clear(thread, pair);
  }
  pthread_mutex_unlock(&graph->handle_locks[which]);
  if (key && mutator_below(mutator, 4) == 0)
    mutator_set_local(mutator, mutator_any_local(mutator), key, found_key);
  if (value) mutator_set_local(mutator, mutator_any_local(mutator), value, found_value);
}

#define PAIRINGS_LINKS 12

/* Makes ephemerons, in a random order of their slots, of which each has the key that the one before
 * has for its value.  Returns how many. */
static uint32_t pairings_link(struct mutator *mutator, void *first, void **slots) {
  gait_thread *thread = mutator->thread;
  const gait_kind leaf = gait_kind_leaf(mutator->graph->heap);
  const uint32_t step = 1 + 2 * mutator_below(mutator, 2) * 2; /* 1 or 5: both prime to 12 */
  void **key = &slots[PAIRINGS_LINKS];
  uint32_t links = 0;
  for (*key = first; links < PAIRINGS_LINKS; links++) {
    uint64_t *value = gait_alloc(thread, leaf, 16);
    if (!value) break;
    value[0] = links;
    gait_ephemeron *pair = gait_ephemeron_new(thread, *key, value);
    if (!pair) break;
    slots[links * step % PAIRINGS_LINKS] = pair;
    *key = gait_ephemeron_value(thread, pair);
  }
  *key = NULL;
  return links;
}

/* Each link is known by its value's number alone, since a chain that has found no memory for the
 * rest is shorter. */
static void pairings_chain(struct mutator *mutator) {
  uint32_t id, now;
  const uint32_t local = mutator_any_local(mutator);
  void *first = mutator_get_local(mutator, local, &id), *slots[PAIRINGS_LINKS + 1] = {NULL};
  gait_frame frame;
  if (!id) return;
  gait_frame_push(mutator->thread, &frame, slots, PAIRINGS_LINKS + 1);
  const uint32_t links = pairings_link(mutator, first, slots);
  for (uint32_t i = mutator_below(mutator, 100); i > 0; i--)
    gait_thread_poll(mutator->thread);
  for (uint32_t i = 0, found; i < PAIRINGS_LINKS; i++) {
    if (!slots[i]) continue;
    const uint64_t *value = gait_ephemeron_value(mutator->thread, slots[i]);
    found = value ? (uint32_t)value[0] : links;
    if (found >= links)
      graph_fail(mutator->graph, "an ephemeron in a chain from object %u has lost its value", id);
  }
  gait_frame_pop(mutator->thread, &frame);
  if (mutator_get_local(mutator, local, &now) != first || now != id)
    graph_fail(mutator->graph, "a local has lost object %u", id);
}

void pairings_step(struct mutator *mutator) {
  if (mutator_below(mutator, 3))
    pairings_share(mutator);
  else
    pairings_chain(mutator);
}
