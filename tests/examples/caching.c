/* A cache that does not keep its entries. */
#include <gait/gait.h>
#include <gait/weak.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_ENTRIES 64

/* [cache] */
struct cache {
  void *entries[CACHE_ENTRIES]; /* weak references, or NULL */
};

/* The text of a number; made anew where nothing has kept the last.  NULL: out of memory. */
static char *cache_text(gait_thread *thread, struct cache *cache, unsigned number) {
  void **entry = &cache->entries[number % CACHE_ENTRIES];
  gait_weak *weak = gait_load(entry);
  char *text = weak ? gait_weak_get(thread, weak) : NULL;
  if (text && strtoul(text, NULL, 10) == number) return text;
  text = gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)), 16);
  if (!text) return NULL;
  snprintf(text, 16, "%u", number);
  weak = gait_weak_create(thread, text); /* `text` is kept during the call, and not after it */
  if (weak) gait_store(thread, entry, weak);
  return text;
}
/* [end] */

static struct cache cache;

static void require(int holds) {
  if (!holds) abort();
}

int main(void) {
  gait_heap *heap;
  gait_thread *thread;
  gait_frame frame;
  void *kept[2] = {NULL};
  require(gait_heap_create(NULL, &heap) == GAIT_OK);
  require(gait_thread_attach(heap, "main", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  require(gait_roots_add(heap, &cache, sizeof cache, GAIT_ROOTS_BARRIERED) == GAIT_OK);
  gait_frame_push(thread, &frame, kept, 2);
  kept[0] = cache_text(thread, &cache, 7);
  require(kept[0] && cache_text(thread, &cache, 8));
  require(gait_heap_collect(thread) == GAIT_OK);
  require(cache_text(thread, &cache, 7) == kept[0]);
  require(!gait_weak_get(thread, cache.entries[8]));
  kept[1] = cache_text(thread, &cache, 8);
  require(kept[1] && strcmp(kept[1], "8") == 0);
  gait_frame_pop(thread, &frame);
  require(gait_thread_detach(thread) == GAIT_OK);
  require(gait_heap_destroy(heap) == GAIT_OK);
  return EXIT_SUCCESS;
}
