/* A program outside the project: makes a list, collects, and counts what is left. */
#include <gait/gait.h>

#include <stdio.h>

struct link {
  struct link *next;
  long number;
};

/* The list's links are found by this, so that a callback's calls into the library are linked too.
 */
static void trace_link(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  struct link *link = object;
  (void)bytes, (void)arg;
  gait_trace_slot(tracer, (void *const *)(void *)&link->next);
}

static long count(const struct link *link) {
  long links = 0;
  for (; link != NULL; link = link->next)
    links += link->number;
  return links;
}

int main(void) {
  gait_heap *heap;
  gait_thread *thread;
  gait_kind kind;
  gait_kind_info info = {.name = "link", .form = GAIT_KIND_CALLBACK, .trace = trace_link};
  if (gait_heap_create(NULL, &heap) != GAIT_OK) return 1;
  if (gait_kind_register(heap, &info, &kind) != GAIT_OK) return 1;
  if (gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread) != GAIT_OK) return 1;

  struct link *list = NULL;
  for (int i = 0; i < 1000; i++) {
    struct link *link = gait_alloc(thread, kind, sizeof *link);
    if (link == NULL) return 1;
    link->number = 1;
    gait_store_init(thread, &link->next, list);
    list = link;
  }
  if (gait_heap_collect(thread) != GAIT_OK) return 1;
  long links = count(list);
  printf("%ld links\n", links);
  if (gait_thread_detach(thread) != GAIT_OK || gait_heap_destroy(heap) != GAIT_OK) return 1;
  return links == 1000 ? 0 : 1;
}
