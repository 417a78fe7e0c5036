#include <gait/gait.h>
#include <gait/tune.h> /* gait_stats */
#include <stdio.h>

struct node {
  struct node *next;
  long value;
};

int main(void) {
  static const uint64_t map[] = {1}; /* word 0 of a node is a reference */
  const gait_kind_info info = {.name = "node",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(struct node),
                               .pointer_map = map};
  gait_heap *heap;
  gait_thread *thread;
  gait_kind kind;
  if (gait_heap_create(NULL, &heap) || gait_kind_register(heap, &info, &kind) ||
      gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread))
    return 1;
  struct node *list = NULL; /* on the stack: a root */
  for (long i = 0; i < 10000000; i++) {
    struct node *node = gait_alloc(thread, kind, sizeof *node);
    if (!node) return 1;
    node->value = i;
    gait_store_init(thread, &node->next, i % 1000 ? list : NULL); /* lists of 1,000, then garbage */
    list = node;
  }
  gait_stats stats;
  gait_stats_read(heap, &stats);
  printf("%lu MiB allocated, %lu collections, at most %lu MiB mapped\n", stats.alloc_bytes >> 20,
         stats.cycles, stats.mapped_peak_bytes >> 20);
  return gait_thread_detach(thread) || gait_heap_destroy(heap);
}
