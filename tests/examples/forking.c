/* fork: both sides go on. */
#include <gait/gait.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void require(int holds) {
  if (!holds) abort();
}

int main(void) {
  gait_heap *heap;
  gait_thread *thread;
  if (gait_heap_create(NULL, &heap) ||
      gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread))
    return 1;
  long *volatile object = gait_alloc(thread, gait_kind_leaf(heap), sizeof(long));
  *object = 42;
  require(gait_heap_collect(thread) == GAIT_OK);
  /* [fork] */
  const pid_t child = fork();
  require(child >= 0);
  require(gait_heap_collect(thread) == GAIT_OK); /* in the parent and in the child */
  require(*object == 42);
  if (child == 0) _exit(0);
  /* [end] */
  int status = 1;
  require(waitpid(child, &status, 0) == child && status == 0);
  return gait_thread_detach(thread) || gait_heap_destroy(heap);
}
