/* ends: threads that are cancelled wherever they are, half of them with the least stack that there
 * may be.
 *
 *   ends [ROUNDS]
 *
 * Each thread makes lists, checks them, leaves managed code and comes back, and asks for
 * collections, until it is cancelled: at a call that may block, outside or inside managed code, or
 * where it asks itself.  No thread cleans up.  Afterwards nothing of theirs may be left: no lock is
 * held, no thread is attached, no object is alive. */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <gait/gait.h>
#include <gait/tune.h>

#define ENDS_THREADS 6
#define ENDS_ROUNDS  25
#define ENDS_LENGTH  60
#define ENDS_STEPS   3

struct ends_cell {
  struct ends_cell *next;
  size_t number;
};

struct ends_life {
  gait_heap *heap;
  pthread_t id;
  unsigned which;
  atomic_uint steps;
};

_Noreturn static void ends_fail(const char *sentence) {
  fprintf(stderr, "ends: %s\n", sentence);
  abort();
}

static void ends_make_list(gait_thread *thread, gait_heap *heap) {
  struct ends_cell *list = NULL;
  gait_frame frame; /* for a thread whose stack is not scanned */
  void *slots[1] = {NULL};
  gait_frame_push(thread, &frame, slots, 1);
  for (size_t i = 0; i < ENDS_LENGTH; i++) {
    struct ends_cell *cell = gait_alloc(thread, gait_kind_conservative(heap), sizeof *cell);
    if (!cell) ends_fail("there is no memory");
    cell->number = i;
    gait_store_init(thread, &cell->next, slots[0]);
    slots[0] = list = cell;
    if (i % 16 == 0) pthread_testcancel();
  }
  for (size_t i = ENDS_LENGTH; i-- > 0; list = list->next)
    if (!list || list->number != i) ends_fail("a list is not what it was");
  gait_thread_leave(thread);
  usleep(20);
  gait_thread_enter(thread);
  gait_frame_pop(thread, &frame);
}

static void *ends_live(void *arg) {
  struct ends_life *life = arg;
  gait_thread *thread;
  const gait_thread_roots roots = life->which & 2 ? GAIT_STACK_EXACT : GAIT_STACK_CONSERVATIVE;
  if (gait_thread_attach(life->heap, NULL, roots, &thread) != GAIT_OK)
    ends_fail("a thread was not attached");
  for (;; atomic_fetch_add(&life->steps, 1)) {
    ends_make_list(thread, life->heap);
    if (life->which == 0 && gait_heap_collect(thread) != GAIT_OK) ends_fail("no collection");
  }
  return NULL;
}

static void ends_start(struct ends_life *life) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (life->which & 1) pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN);
  if (pthread_create(&life->id, &attributes, ends_live, life) != 0) ends_fail("no thread");
  pthread_attr_destroy(&attributes);
}

static void ends_run_round(gait_heap *heap) {
  static struct ends_life lives[ENDS_THREADS];
  for (unsigned i = 0; i < ENDS_THREADS; i++) {
    lives[i].heap = heap;
    lives[i].which = i;
    atomic_store(&lives[i].steps, 0);
    ends_start(&lives[i]);
  }
  for (unsigned i = 0; i < ENDS_THREADS; i++) {
    void *result;
    while (atomic_load(&lives[i].steps) < ENDS_STEPS)
      usleep(10);
    pthread_cancel(lives[i].id);
    if (pthread_join(lives[i].id, &result) != 0 || result != PTHREAD_CANCELED)
      ends_fail("a thread did not end by cancellation");
  }
}

static void ends_look(gait_heap *heap) {
  gait_thread *thread;
  gait_stats stats;
  gait_cycle_record record;
  if (gait_thread_attach(heap, "looks", GAIT_STACK_EXACT, &thread) != GAIT_OK ||
      gait_heap_collect(thread) != GAIT_OK)
    ends_fail("the heap is of no use any more");
  gait_stats_read(heap, &stats);
  if (stats.threads != 1) ends_fail("threads that are gone are still attached");
  if (gait_records_read(heap, stats.cycles, &record, 1) != 1 || record.marked_objects != 0)
    ends_fail("objects of threads that are gone are alive");
  printf("ends: %llu cycles: nothing is left\n", (unsigned long long)stats.cycles);
  if (gait_thread_detach(thread) != GAIT_OK || gait_heap_destroy(heap) != GAIT_OK)
    ends_fail("the heap was not destroyed");
}

int main(int argc, char **argv) {
  const long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : ENDS_ROUNDS;
  gait_options options;
  gait_heap *heap;
  gait_options_init(&options);
  options.debug.poison = 1;
  options.min_heap_bytes = 1 << 16;
  if (gait_heap_create(&options, &heap) != GAIT_OK) ends_fail("there is no heap");
  for (long i = 0; i < rounds; i++)
    ends_run_round(heap);
  ends_look(heap);
  return EXIT_SUCCESS;
}
