#define _GNU_SOURCE /* PATH_MAX */
#include "cycle/dumps.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cycle/cycle.h"
#include "cycle/heap_dump.h"
#include "mutator/attach.h"
#include "mutator/blocking.h"
#include "os/bell.h"
#include "os/file.h"

#define DUMPS_ERROR_BYTES 512

char *gaiti_dumps_path(gait_heap *heap) {
  const struct gaiti_dumps *dumps = &heap->cycle->dumps;
  if (!dumps->path) return NULL;
  char *path = gaiti_os_alloc(PATH_MAX);
  if (!path) return NULL;
  if (!gaiti_path_expand(dumps->path, path, PATH_MAX - 12)) {
    gaiti_os_free(path);
    return NULL;
  }
  size_t used = strlen(path);
  if (dumps->number > 1) snprintf(path + used, PATH_MAX - used, ".%u", dumps->number);
  return path;
}

/* The log is the only one to tell.  The thread is in managed state. */
static void dumps_write(gait_thread *thread, const char *why) {
  gait_heap *heap = thread->heap;
  char *path = gaiti_dumps_path(heap), *error = gaiti_os_alloc(DUMPS_ERROR_BYTES);
  AO_store(&heap->cycle->dumps.written, 1);
  if (!path || !error)
    gaiti_log(heap, "gait: dump: out of memory, or the path is too long");
  else if (gaiti_dump(thread, path, error, DUMPS_ERROR_BYTES))
    gaiti_log(heap, "gait: dump: %.400s: written, %s", path, why);
  else
    gaiti_log(heap, "gait: dump: %.400s", error);
  gaiti_os_free(path);
  gaiti_os_free(error);
}

/* The same by an OS thread that is attached to no heap. */
static void dumps_write_alone(gait_heap *heap, const char *why) {
  gait_thread *thread;
  if (gaiti_thread_attach(heap, "dump", GAIT_STACK_EXACT, &thread) != GAIT_OK) {
    gaiti_log(heap, "gait: dump: the thread that dumps cannot attach");
    return;
  }
  dumps_write(thread, why);
  gaiti_thread_detach(thread);
}

void gaiti_dumps_note_full(gait_thread *thread) {
  struct gaiti_dumps *dumps = &thread->heap->cycle->dumps;
  if (!dumps->path || AO_fetch_compare_and_swap(&dumps->full, 0, 1) != 0) return;
  dumps_write(thread, "since it is full");
}

/* ---- The thread ---- */

static void *dumps_main(void *arg) {
  gait_heap *heap = arg;
  struct gaiti_dumps *dumps = &heap->cycle->dumps;
  gaiti_os_thread_begin("gait-dumps");
  for (;;) {
    gaiti_bell_wait(dumps->bell);
    if (AO_load_acquire(&dumps->ends)) return NULL;
    dumps_write_alone(heap, "at the signal");
  }
}

static void dumps_start(gait_heap *heap) {
  struct gaiti_dumps *dumps = &heap->cycle->dumps;
  int signal = (int)heap->options.dump_signal;
  if (signal == 0) return;
  dumps->bell = gaiti_bell_take(signal);
  if (dumps->bell != GAITI_NO_BELL) {
    dumps->runs = gaiti_os_thread_start(&dumps->thread, dumps_main, heap);
    if (!dumps->runs) gaiti_bell_give(dumps->bell);
  }
  if (!dumps->runs)
    gaiti_log(heap,
              "gait: dump: signal %d is left alone: the program has set its disposition, or "
              "there is no thread for it",
              signal);
}

void gaiti_dumps_begin(gait_heap *heap) {
  static AO_t heaps;
  struct gaiti_dumps *dumps = &heap->cycle->dumps;
  const char *path = heap->options.dump;
  if (!path) return;
  size_t bytes = strlen(path) + 1;
  heap->options.dump = NULL; /* the program's own, which may be gone */
  dumps->path = gaiti_structure_alloc(&heap->space, bytes);
  if (!dumps->path) {
    gaiti_log(heap, "gait: dump: out of memory");
    return;
  }
  memcpy(dumps->path, path, bytes);
  heap->options.dump = dumps->path;
  dumps->number = (unsigned)AO_fetch_and_add1(&heaps) + 1;
  dumps_start(heap);
}

void gaiti_dumps_stop(gait_heap *heap) {
  struct gaiti_dumps *dumps = &heap->cycle->dumps;
  if (!dumps->runs) return;
  AO_store_release(&dumps->ends, 1);
  gaiti_bell_ring(dumps->bell);
  gaiti_os_thread_join(dumps->thread);
  gaiti_bell_give(dumps->bell);
  dumps->runs = false;
}

void gaiti_dumps_end(gait_heap *heap) {
  struct gaiti_dumps *dumps = &heap->cycle->dumps;
  if (!dumps->path) return;
  if (!AO_load(&dumps->written)) dumps_write_alone(heap, "when it was destroyed");
  gaiti_structure_free(&heap->space, dumps->path, strlen(dumps->path) + 1);
  dumps->path = NULL;
}

void gaiti_dumps_forget(gait_heap *heap) {
  heap->cycle->dumps.runs = false;
}
