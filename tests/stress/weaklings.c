/* Weak references: those of the graph, which all threads set and get, lose just what nothing keeps;
 * and one to an object that a local keeps, over safepoints, loses nothing. */
#include "weaklings.h"

#include <gait/weak.h>

/* An allocation is a safepoint, at which no lock may be held. */
static void weaklings_share(struct mutator *mutator) {
  struct graph *graph = mutator->graph;
  const uint32_t which = mutator_below(mutator, GRAPH_HANDLES);
  void **slot = &graph->weak[which], *found = NULL;
  uint32_t id, found_id = 0;
  void *reference = mutator_get_local(mutator, mutator_any_local(mutator), &id);
  gait_weak *fresh =
      mutator_below(mutator, 8) ? NULL : gait_weak_create(mutator->thread, reference);
  pthread_mutex_lock(&graph->handle_locks[which]);
  gait_weak *weak = gait_load(slot);
  if (weak) found = gait_weak_get(mutator->thread, weak);
  if (found) graph_check(graph, found, found_id = graph->weak_ids[which]);
  if (fresh)
    gait_store(mutator->thread, slot, fresh);
  else if (weak && mutator_below(mutator, 3) == 0)
    gait_weak_set(mutator->thread, weak, reference);
  else
    id = graph->weak_ids[which];
  graph->weak_ids[which] = id;
  pthread_mutex_unlock(&graph->handle_locks[which]);
  if (found) mutator_set_local(mutator, mutator_any_local(mutator), found, found_id);
}

static void weaklings_keep(struct mutator *mutator) {
  uint32_t id, now;
  const uint32_t local = mutator_any_local(mutator);
  void *reference = mutator_get_local(mutator, local, &id), *slots[1];
  gait_frame frame;
  gait_weak *weak = gait_weak_create(mutator->thread, reference);
  if (!weak) return;
  slots[0] = weak;
  gait_frame_push(mutator->thread, &frame, slots, 1);
  for (uint32_t i = mutator_below(mutator, 100); i > 0; i--)
    gait_thread_poll(mutator->thread);
  if (gait_weak_get(mutator->thread, weak) != mutator_get_local(mutator, local, &now) || now != id)
    graph_fail(mutator->graph, "a weak reference has lost object %u, which is alive", id);
  gait_frame_pop(mutator->thread, &frame);
}

void weaklings_step(struct mutator *mutator) {
  if (mutator_below(mutator, 4))
    weaklings_share(mutator);
  else
    weaklings_keep(mutator);
}
