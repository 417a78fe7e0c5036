/* faulty: a list whose links are stored without the barrier.  docs/manual.md shows what the option
 * find_missing says of it; tests/finder/quote.sh compares. */
#include <gait/gait.h>

/* [list] */
struct link {
  struct link *next;
  long value;
};

static struct link *link_new(gait_thread *thread, gait_kind kind, long value) {
  struct link *link = gait_alloc(thread, kind, sizeof *link);
  if (link) link->value = value;
  return link;
}

static void list_append(gait_thread *thread, gait_kind kind, struct link *last) {
  struct link *link = link_new(thread, kind, last->value + 1);
  last->next = link; /* the fault: gait_store(thread, &last->next, link) */
}
/* [end] */

int main(void) {
  static const uint64_t map[] = {1};
  const gait_kind_info info = {.name = "link",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(struct link),
                               .pointer_map = map};
  gait_heap *heap;
  gait_thread *thread;
  gait_kind kind;
  if (gait_heap_create(NULL, &heap) || gait_kind_register(heap, &info, &kind) ||
      gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread))
    return 1;
  struct link *first = link_new(thread, kind, 0);
  if (!first) return 1;
  for (struct link *last = first; last && last->value < 1000; last = last->next)
    list_append(thread, kind, last);
  return gait_thread_detach(thread) || gait_heap_destroy(heap);
}
