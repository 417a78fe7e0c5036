/* Many threads, many attachments, many roots. */
#include "limits_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- A thousand threads, of which two run ---- */

#define MANY_THREADS 1000
#define MANY_ROUNDS  40

struct many_crowd {
  gait_heap *heap;
  gait_kind node;
  pthread_barrier_t attached; /* each in its turn, so that no two run managed code at once */
  pthread_barrier_t begin;
  pthread_barrier_t over;
  atomic_uint next;
};

static void many_wait(void *arg) {
  pthread_barrier_wait(arg);
}

static void *many_wait_outside(void *arg) {
  many_wait(arg);
  return NULL;
}

/* Two of them collect and allocate while the others sleep outside. */
static void many_run(const struct many_crowd *crowd, gait_thread *thread) {
  for (int round = 0; round < MANY_ROUNDS; round++) {
    for (int i = 0; i < 20000; i++)
      MUST(gait_alloc(thread, crowd->node, 64));
    MUST(gait_heap_collect(thread) == GAIT_OK);
  }
}

static void *many_live(void *arg) {
  struct many_crowd *crowd = arg;
  const unsigned number = atomic_fetch_add(&crowd->next, 1);
  gait_thread *thread;
  gait_frame frame;
  void *slots[1] = {NULL};
  const gait_thread_roots roots = number % 2 ? GAIT_STACK_EXACT : GAIT_STACK_CONSERVATIVE;
  MUST(gait_thread_attach(crowd->heap, "crowd", roots, &thread) == GAIT_OK);
  gait_frame_push(thread, &frame, slots, 1);
  struct limits_node *own = gait_alloc(thread, crowd->node, sizeof *own);
  MUST(own);
  own->number = number;
  gait_store_init(thread, &own->next, own);
  slots[0] = own;
  gait_thread_leave(thread);
  many_wait(&crowd->attached);
  many_wait(&crowd->begin);
  gait_thread_enter(thread);
  if (number < 2) many_run(crowd, thread);
  gait_thread_outside(thread, many_wait_outside, &crowd->over);
  MUST(own->number == number && own->next == own);
  gait_frame_pop(thread, &frame);
  MUST(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

static void many_threads(void) {
  static pthread_t threads[MANY_THREADS];
  struct limits_world world;
  const gait_options options = limits_options();
  limits_open(&world, &options);
  struct many_crowd crowd = {.heap = world.heap, .node = world.node};
  pthread_barrier_init(&crowd.attached, NULL, 2);
  pthread_barrier_init(&crowd.begin, NULL, MANY_THREADS + 1);
  pthread_barrier_init(&crowd.over, NULL, MANY_THREADS + 1);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 128 * KIB);
  for (int i = 0; i < MANY_THREADS; i++) {
    MUST(pthread_create(&threads[i], &small, many_live, &crowd) == 0);
    limits_outside(&world, many_wait, &crowd.attached);
  }
  const uint64_t processors = limits_stats(&world).processors;
  limits_outside(&world, many_wait, &crowd.begin);
  MUST(limits_stats(&world).threads == MANY_THREADS + 1);
  limits_outside(&world, many_wait, &crowd.over);
  gait_thread_leave(world.thread);
  for (int i = 0; i < MANY_THREADS; i++)
    pthread_join(threads[i], NULL);
  gait_thread_enter(world.thread);
  const gait_stats stats = limits_stats(&world);
  const gait_cycle_record last = limits_last_cycle(&world);
  printf("limits: %d threads: %llu processors for them, %llu cycles, the last found %llu objects "
         "and held "
         "its slowest handshake %.2f ms\n",
         MANY_THREADS, (unsigned long long)processors, (unsigned long long)stats.cycles,
         (unsigned long long)last.marked_objects, (double)last.handshake_max_ns / 1e6);
  MUST(stats.threads == 1 && stats.cycles >= MANY_ROUNDS);
  MUST(last.marked_objects >= MANY_THREADS);
  MUST(processors <= 2);
  pthread_attr_destroy(&small);
  pthread_barrier_destroy(&crowd.attached);
  pthread_barrier_destroy(&crowd.begin);
  pthread_barrier_destroy(&crowd.over);
  limits_close(&world);
}

/* ---- A hundred thousand attachments ---- */

#define MANY_ATTACHMENTS 100000

static void *many_collect_until(void *arg) {
  struct many_crowd *crowd = arg;
  gait_thread *thread;
  MUST(gait_thread_attach(crowd->heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  while (atomic_load(&crowd->next) < MANY_ATTACHMENTS) {
    MUST(gait_heap_collect(thread) == GAIT_OK);
    gait_thread_leave(thread);
    usleep(500);
    gait_thread_enter(thread);
  }
  MUST(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

static void many_attachments(void) {
  struct limits_world world;
  gait_thread *thread;
  pthread_t collects;
  const gait_options options = limits_options();
  limits_open(&world, &options);
  limits_keep(&world, 64);
  gait_thread_leave(world.thread);
  struct many_crowd crowd = {.heap = world.heap, .node = world.node};
  gait_heap *second;
  MUST(gait_heap_create(&options, &second) == GAIT_OK);
  MUST(pthread_create(&collects, NULL, many_collect_until, &crowd) == 0);
  size_t resident = 0;
  for (unsigned i = 0; i < MANY_ATTACHMENTS; i++) {
    if (i == MANY_ATTACHMENTS / 10) resident = limits_resident_bytes();
    MUST(gait_thread_attach(second, "again", GAIT_STACK_CONSERVATIVE, &thread) == GAIT_OK);
    if (i % 16 == 0) MUST(gait_alloc(thread, gait_kind_leaf(second), 64));
    MUST(gait_thread_detach(thread) == GAIT_OK);
    atomic_store(&crowd.next, i);
  }
  atomic_store(&crowd.next, MANY_ATTACHMENTS);
  pthread_join(collects, NULL);
  const size_t after = limits_resident_bytes();
  printf("limits: %d attachments: %.2f MiB resident, %.2f MiB after a tenth of them\n",
         MANY_ATTACHMENTS, (double)after / (double)MIB, (double)resident / (double)MIB);
  MUST(after < resident + 4 * MIB);
  MUST(gait_heap_destroy(second) == GAIT_OK);
  gait_thread_enter(world.thread);
  limits_check_list(&world, 1);
  limits_close(&world);
}

/* ---- Ten million roots ---- */

/* Every tenth word of a range is a reference. */
static void many_range(struct limits_world *world, size_t words) {
  void **range = calloc(words, sizeof *range);
  MUST(range);
  MUST(gait_roots_add(world->heap, range, words * sizeof *range, GAIT_ROOTS_BARRIERED) == GAIT_OK);
  for (size_t i = 0; i < words; i += 10) {
    struct limits_node *node = gait_alloc(world->thread, world->node, sizeof *node);
    MUST(node);
    node->number = i;
    gait_store(world->thread, &range[i], node);
  }
  MUST(gait_heap_collect(world->thread) == GAIT_OK);
  const gait_cycle_record record = limits_last_cycle(world);
  printf("limits: %zu words of roots: cycle of %.0f ms\n", words,
         (double)(record.start_ns + record.mark_ns + record.end_ns) / 1e6);
  MUST(record.marked_objects == (words + 9) / 10);
  for (size_t i = 0; i < words; i += 10)
    MUST(((struct limits_node *)range[i])->number == i);
  MUST(gait_roots_remove(world->heap, range) == GAIT_OK);
  free(range);
}

static void many_handles(struct limits_world *world, size_t count) {
  gait_handle **handles = calloc(count, sizeof(gait_handle *));
  MUST(handles);
  for (size_t i = 0; i < count; i++) {
    struct limits_node *node = gait_alloc(world->thread, world->node, sizeof *node);
    MUST(node);
    node->number = i;
    MUST(handles[i] = gait_handle_create(world->thread, node));
  }
  MUST(gait_heap_collect(world->thread) == GAIT_OK);
  const gait_cycle_record record = limits_last_cycle(world);
  printf("limits: %zu handles: cycle of %.0f ms\n", count,
         (double)(record.start_ns + record.mark_ns + record.end_ns) / 1e6);
  MUST(record.marked_objects == count);
  for (size_t i = 0; i < count; i++) {
    MUST(((struct limits_node *)gait_handle_get(handles[i]))->number == i);
    gait_handle_destroy(world->thread, handles[i]);
  }
  free(handles);
  MUST(gait_heap_collect(world->thread) == GAIT_OK);
  MUST(limits_last_cycle(world).marked_objects == 0);
}

/* Ranges of one word each. */
static void many_ranges(struct limits_world *world, size_t count) {
  void **words = calloc(count, sizeof *words);
  MUST(words);
  for (size_t i = 0; i < count; i++) {
    MUST(gait_roots_add(world->heap, &words[i], sizeof *words, GAIT_ROOTS_BARRIERED) == GAIT_OK);
    void *node = gait_alloc(world->thread, world->node, sizeof(struct limits_node));
    MUST(node);
    gait_store(world->thread, &words[i], node);
  }
  MUST(gait_heap_collect(world->thread) == GAIT_OK);
  MUST(limits_last_cycle(world).marked_objects == count);
  for (size_t i = count; i-- > 0;)
    MUST(gait_roots_remove(world->heap, &words[i]) == GAIT_OK);
  free(words);
  MUST(gait_heap_collect(world->thread) == GAIT_OK);
  MUST(limits_last_cycle(world).marked_objects == 0);
}

static void many_roots(void) {
  struct limits_world world;
  gait_options options = limits_options();
  options.gogc_percent = GAIT_OFF;
  limits_open(&world, &options);
  const size_t count = limits_full() ? 10000000 : 1000000;
  many_range(&world, count);
  many_handles(&world, count);
  many_ranges(&world, limits_full() ? 50000 : 5000);
  limits_close(&world);
}

const struct run_case limits_cases_many[] = {
    {"threads", many_threads},
    {"attachments", many_attachments},
    {"roots", many_roots},
    {NULL, NULL},
};
