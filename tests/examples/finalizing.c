/* Cleanups and finalizers. */
#include <gait/finalizer.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* [register] */
struct file {
  FILE *stream;
  void *path;
};

static void file_close(gait_thread *thread, void *object, void *arg) {
  struct file *file = object;
  (void)thread, (void)arg;
  if (file->stream) fclose(file->stream);
}

/* `file` is in a root of the caller's. */
static gait_result file_register(gait_thread *thread, struct file *file,
                                 gait_finalizer *finalizer) {
  return gait_finalizer_add(thread, file, file_close, NULL, GAIT_FINALIZER_UNORDERED, finalizer);
}

static void file_close_by_hand(gait_thread *thread, struct file *file, gait_finalizer finalizer) {
  if (gait_finalizer_stop(thread, finalizer) == GAIT_OK) file_close(thread, file, NULL);
}
/* [end] */

struct program {
  gait_heap *heap;
  atomic_bool ends;
};

/* [thread] */
static void *run_finalizers(void *arg) {
  struct program *program = arg;
  gait_thread *thread;
  if (gait_thread_attach(program->heap, "finalizers", GAIT_STACK_EXACT, &thread)) return NULL;
  while (!atomic_load(&program->ends)) {
    gait_finalizers_run(thread, SIZE_MAX);
    gait_thread_leave(thread);
    usleep(10000); /* or waits until the callback at the end of a cycle wakes it */
    gait_thread_enter(thread);
  }
  gait_thread_detach(thread);
  return NULL;
}
/* [end] */

static void require(int holds) {
  if (!holds) abort();
}

static struct file *file_open(gait_thread *thread) {
  struct file *file =
      gait_alloc(thread, gait_kind_conservative(gait_thread_heap(thread)), sizeof *file);
  require(file != NULL);
  file->stream = fopen("/dev/null", "r");
  require(file->stream != NULL);
  return file;
}

int main(void) {
  struct program program = {NULL, false};
  gait_thread *thread;
  pthread_t runner;
  require(gait_heap_create(NULL, &program.heap) == GAIT_OK);
  gait_heap *heap = program.heap;
  require(gait_thread_attach(heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  require(pthread_create(&runner, NULL, run_finalizers, &program) == 0);
  gait_finalizer finalizer;
  struct file *file = file_open(thread);
  require(file_register(thread, file, &finalizer) == GAIT_OK);
  file_close_by_hand(thread, file, finalizer);
  for (int i = 0; i < 100; i++)
    require(file_register(thread, file_open(thread), NULL) == GAIT_OK);
  gait_heap_collect(thread);
  atomic_store(&program.ends, true);
  gait_thread_leave(thread);
  require(pthread_join(runner, NULL) == 0);
  gait_thread_enter(thread);
  /* [close] */
  while (gait_finalizers_run_all(thread) > 0) {
  }
  gait_thread_detach(thread);
  gait_heap_destroy(heap);
  /* [end] */
  return 0;
}
