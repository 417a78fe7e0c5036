/* Properties of objects that do not know them. */
#include <gait/ephemeron.h>
#include <gait/gait.h>
#include <stdlib.h>

/* [properties] */
struct property { /* a list in a root: a table, in a program with many */
  void *next;
  void *pair; /* an ephemeron: its key is the owner, its value what is known of it */
};

/* What is known of `owner`, or NULL.  Entries of owners that have died are taken out. */
static void *property_of(gait_thread *thread, void **list, const void *owner) {
  struct property *property;
  while ((property = gait_load(list))) {
    gait_ephemeron *pair = gait_load(&property->pair);
    const void *key = gait_ephemeron_key(thread, pair);
    if (key == owner) return gait_ephemeron_value(thread, pair);
    if (key)
      list = &property->next;
    else
      gait_store(thread, list, gait_load(&property->next));
  }
  return NULL;
}
/* [end] */

static void require(int holds) {
  if (!holds) abort();
}

static void *properties;

static void property_set(gait_thread *thread, gait_kind kind, void *owner, void *value) {
  gait_frame frame;
  void *kept[3] = {owner, value, NULL};
  gait_frame_push(thread, &frame, kept, 3);
  require((kept[2] = gait_ephemeron_new(thread, owner, value)) != NULL);
  struct property *property = gait_alloc(thread, kind, sizeof *property);
  require(property != NULL);
  gait_store_init(thread, &property->next, gait_load(&properties));
  gait_store_init(thread, &property->pair, kept[2]);
  gait_store(thread, &properties, property);
  gait_frame_pop(thread, &frame);
}

int main(void) {
  static const uint64_t map = 3;
  gait_kind_info info = {
      .name = "property", .form = GAIT_KIND_POINTERS, .pointer_map = &map, .map_bytes = 16};
  gait_heap *heap;
  gait_thread *thread;
  gait_frame frame;
  gait_kind kind;
  void *kept[3] = {NULL};
  require(gait_heap_create(NULL, &heap) == GAIT_OK);
  require(gait_kind_register(heap, &info, &kind) == GAIT_OK);
  require(gait_thread_attach(heap, "main", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  require(gait_roots_add(heap, &properties, sizeof properties, GAIT_ROOTS_BARRIERED) == GAIT_OK);
  gait_frame_push(thread, &frame, kept, 3);
  for (int i = 0; i < 2; i++) {
    require((kept[i] = gait_alloc(thread, gait_kind_leaf(heap), 16)) != NULL);
    require((kept[2] = gait_alloc(thread, kind, sizeof(struct property))) != NULL);
    gait_store(thread, (void **)kept[2], kept[i]); /* the value refers to its owner */
    property_set(thread, kind, kept[i], kept[2]);
  }
  kept[1] = kept[2] = NULL;
  require(gait_heap_collect(thread) == GAIT_OK);
  void **value = property_of(thread, &properties, kept[0]);
  require(value && gait_load(value) == kept[0]);
  const struct property *last = properties;
  require(last && !last->next); /* the other entry is gone */
  gait_frame_pop(thread, &frame);
  require(gait_thread_detach(thread) == GAIT_OK);
  require(gait_heap_destroy(heap) == GAIT_OK);
  return EXIT_SUCCESS;
}
