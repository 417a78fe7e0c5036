/* A leak, found: which kind grows, and what keeps one of its objects. */
#include <gait/gait.h>
#include <gait/walk.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* [counts] */
static void print_counts(gait_thread *thread) {
  static gait_kind_count counts[GAIT_MAX_KINDS];
  gait_heap_count(thread, counts, GAIT_MAX_KINDS);
  for (size_t i = 0; i < GAIT_MAX_KINDS; i++)
    if (counts[i].objects > 0)
      printf("kind %zu: %" PRIu64 " objects, %" PRIu64 " bytes\n", i, counts[i].objects,
             counts[i].bytes);
}
/* [end] */

/* [referrers] */
struct keepers {
  gait_heap *heap;
  unsigned count;
};

static bool print_keeper(gait_referrer referrer, const void *holder, const void *slot, void *arg) {
  struct keepers *keepers = arg;
  if (referrer == GAIT_REFERRER_OBJECT)
    printf("in a %s, at byte %td\n", gait_object_kind_name(keepers->heap, holder),
           (const char *)slot - (const char *)holder);
  else if (referrer != GAIT_REFERRER_THREAD) /* that is ourselves */
    printf("in a root\n");
  keepers->count += referrer != GAIT_REFERRER_THREAD;
  return true;
}

/* Prints what keeps `object` alive; returns how many things do. */
static unsigned print_keepers(gait_thread *thread, gait_heap *heap, const void *object) {
  struct keepers keepers = {heap, 0};
  gait_object_walk_referrers(thread, object, print_keeper, &keepers);
  return keepers.count;
}
/* [end] */

struct entry {
  struct entry *next;
  void *value;
};

static struct entry *cache; /* that nobody empties */

int main(void) {
  static const uint64_t map[] = {3};
  gait_heap *heap;
  gait_thread *thread;
  gait_kind entries;
  const gait_kind_info info = {.name = "cache entry",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(struct entry),
                               .pointer_map = map};
  if (gait_heap_create(NULL, &heap) != GAIT_OK) return EXIT_FAILURE;
  if (gait_kind_register(heap, &info, &entries) != GAIT_OK) return EXIT_FAILURE;
  if (gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread) != GAIT_OK)
    return EXIT_FAILURE;
  if (gait_roots_add(heap, &cache, sizeof cache, GAIT_ROOTS_BARRIERED) != GAIT_OK)
    return EXIT_FAILURE;
  for (int i = 0; i < 1000; i++) {
    struct entry *entry = gait_alloc(thread, entries, sizeof *entry);
    gait_store_init(thread, &entry->value, gait_alloc(thread, gait_kind_leaf(heap), 100));
    gait_store_init(thread, &entry->next, cache);
    gait_store(thread, &cache, entry);
  }
  print_counts(thread);
  const unsigned count = print_keepers(thread, heap, cache->next->value);
  gait_store(thread, &cache, NULL);
  gait_roots_remove(heap, &cache);
  gait_thread_detach(thread);
  gait_heap_destroy(heap);
  return count == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
