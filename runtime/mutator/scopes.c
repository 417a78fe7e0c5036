#include "mutator/scopes.h"

static void scopes_free_above(gait_heap *heap, struct gaiti_scope_chunk *chunk) {
  struct gaiti_scope_chunk *above = chunk->above;
  chunk->above = NULL;
  while (above) {
    struct gaiti_scope_chunk *next = above->above;
    gaiti_structure_free(&heap->space, above, sizeof *above);
    above = next;
  }
}

/* Goes on in the chunk above the full one, which is made if need be. */
static bool scopes_next_chunk(gait_heap *heap, struct gaiti_scopes *scopes) {
  struct gaiti_scope_chunk *top = scopes->top, *above = top ? top->above : scopes->first;
  if (!above) {
    above = gaiti_structure_alloc(&heap->space, sizeof *above);
    if (!above) return false;
    above->below = top;
    if (top)
      top->above = above;
    else
      scopes->first = above;
  }
  scopes->top = above;
  scopes->next = above->slots;
  return true;
}

void **gaiti_scopes_push(gait_heap *heap, struct gaiti_scopes *scopes) {
  if (!scopes->top || scopes->next == scopes->top->slots + GAITI_SCOPE_SLOTS)
    if (!scopes_next_chunk(heap, scopes)) return NULL;
  return scopes->next++;
}

void gaiti_scopes_open(struct gaiti_scopes *scopes, gait_scope *scope) {
  scope->chunk = scopes->top;
  scope->next = scopes->next;
  scope->depth = scopes->depth++;
}

/* One chunk more stays: a scope at the end of one would get and give back its own in turns. */
void gaiti_scopes_close(gait_heap *heap, struct gaiti_scopes *scopes, const gait_scope *scope) {
  struct gaiti_scope_chunk *top = scope->chunk, *spare = top ? top->above : scopes->first;
  scopes->top = top;
  scopes->next = scope->next;
  scopes->depth = scope->depth;
  if (spare && spare->above) scopes_free_above(heap, spare);
}

void gaiti_scopes_free(gait_heap *heap, struct gaiti_scopes *scopes) {
  if (scopes->first) {
    scopes_free_above(heap, scopes->first);
    gaiti_structure_free(&heap->space, scopes->first, sizeof *scopes->first);
  }
  *scopes = (struct gaiti_scopes){0};
}
