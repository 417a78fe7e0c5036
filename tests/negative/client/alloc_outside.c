/* A program that allocates while it is outside managed code, where the cache has a slot left. */
#include <gait/gait.h>

int main(void) {
  gait_heap *heap;
  gait_thread *thread;
  if (gait_heap_create(NULL, &heap) ||
      gait_thread_attach(heap, NULL, GAIT_STACK_CONSERVATIVE, &thread) ||
      !gait_alloc(thread, gait_kind_leaf(heap), 16))
    return 1;
  gait_thread_leave(thread);
  return gait_alloc(thread, gait_kind_leaf(heap), 16) ? 0 : 1;
}
