/* Stores of references. */
#include <gait/gait.h>
#include <stdlib.h>

struct node {
  struct node *next;
  struct node *items[8];
};

/* [stores] */
static void example(gait_thread *thread, struct node *node, struct node *other) {
  gait_store(thread, &node->next, other);             /* node->next = other */
  gait_copy(thread, node->items, other->items, 8);    /* memmove of references */
  gait_copy(thread, node->items, node->items + 1, 7); /* the two may overlap */
  gait_clear(thread, node->items, 8);                 /* memset to NULL */
}

static struct node *node_new(gait_thread *thread, gait_kind kind, struct node *next) {
  struct node *node = gait_alloc(thread, kind, sizeof *node);
  if (node) gait_store_init(thread, &node->next, next); /* the slot's first store */
  return node;
}
/* [end] */

/* [cas] */
static void push(gait_thread *thread, struct node **stack, struct node *node) {
  struct node *top;
  do {
    top = gait_load(stack);
    gait_store(thread, &node->next, top);
  } while (!gait_cas(thread, stack, top, node));
}
/* [end] */

/* [parts] */
static void copy_in_parts(gait_thread *thread, void **to, void *const *from, size_t count) {
  enum { PART = 100000 };
  for (size_t done = 0; done < count; done += PART) {
    const size_t rest = count - done;
    gait_copy(thread, to + done, from + done, rest < PART ? rest : PART);
    gait_thread_poll(thread); /* both arrays are in a root */
  }
}
/* [end] */

static void require(int holds) {
  if (!holds) abort();
}

int main(void) {
  gait_heap *heap;
  gait_thread *thread;
  static struct node *stack;
  if (gait_heap_create(NULL, &heap) ||
      gait_roots_add(heap, &stack, sizeof stack, GAIT_ROOTS_BARRIERED) ||
      gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread))
    return 1;
  gait_kind any = gait_kind_conservative(heap);
  for (int i = 0; i < 10; i++)
    push(thread, &stack, node_new(thread, any, NULL));
  example(thread, stack->next, stack);
  require(stack->next->next == stack && stack->next->items[0] == NULL);
  const size_t count = 250001;
  void **from = gait_alloc_array(thread, any, 0, count, sizeof *from);
  void **to = gait_alloc_array(thread, any, 0, count, sizeof *to);
  require(from && to);
  gait_store_init(thread, &from[0], stack);
  gait_store_init(thread, &from[count - 1], stack->next);
  copy_in_parts(thread, to, from, count);
  require(to[0] == stack && to[count - 1] == stack->next && to[1] == NULL);
  return gait_thread_detach(thread) || gait_heap_destroy(heap);
}
