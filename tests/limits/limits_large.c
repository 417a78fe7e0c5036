/* Large objects, long lists, large heaps. */
#include "limits_world.h"

#include <pthread.h>
#include <string.h>

/* ---- An array of 4 GiB, of which little is ever touched ---- */

static void large_array(void) {
  struct limits_world world;
  gait_options options = limits_options();
  options.gogc_percent = GAIT_OFF;
  limits_open(&world, &options);
  const size_t count = 4 * GIB / sizeof(void *), step = count / 97;
  world.slots[1] = gait_alloc_array(world.thread, world.references, 0, count, sizeof(void *));
  if (!world.slots[1]) limits_skip("the system gives no addresses for 4 GiB");
  MUST(gait_object_bytes(world.heap, world.slots[1]) >= 4 * GIB);
  MUST(gait_object_start(world.heap, (char *)world.slots[1] + 4 * GIB - 1) == world.slots[1]);
  size_t filled = 0;
  for (size_t i = 0; i < count; i += step, filled++) {
    struct limits_node *node = gait_alloc(world.thread, world.node, sizeof *node);
    MUST(node);
    node->number = i;
    gait_store(world.thread, (void **)world.slots[1] + i, node);
    MUST(gait_alloc(world.thread, world.node, sizeof *node));
  }
  for (int round = 0; round < 2; round++) {
    MUST(gait_heap_collect(world.thread) == GAIT_OK);
    MUST(limits_last_cycle(&world).marked_objects == filled + 1);
  }
  void **array = world.slots[1];
  for (size_t i = 0; i < count; i += step)
    MUST(((struct limits_node *)array[i])->number == i);
  const gait_cycle_record record = limits_last_cycle(&world);
  printf("limits: an array of 4 GiB: marked in %.0f ms, slowest handshake %.2f ms, %.1f MiB "
         "resident\n",
         (double)record.mark_ns / 1e6, (double)record.handshake_max_ns / 1e6,
         (double)limits_resident_bytes() / (double)MIB);
  world.slots[1] = NULL;
  MUST(gait_heap_collect(world.thread) == GAIT_OK);
  MUST(limits_last_cycle(&world).marked_objects == 0);
  limits_close(&world);
}

/* ---- A list, marked by threads with small stacks ---- */

#define LARGE_LIST_BYTES 48

static void large_list(void) {
  const uint64_t count = limits_full() ? 50000000 : 4000000;
  if (limits_free_memory_bytes() < count * LARGE_LIST_BYTES * 5 / 4)
    limits_skip("too little memory");
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 * KIB);
  MUST(pthread_setattr_default_np(&small) == 0); /* for the collector's threads */
  struct limits_world world;
  gait_options options = limits_options();
  options.gogc_percent = GAIT_OFF;
  limits_open(&world, &options);
  for (uint64_t i = 0; i < count; i++)
    limits_keep(&world, LARGE_LIST_BYTES);
  MUST(gait_heap_collect(world.thread) == GAIT_OK);
  const gait_cycle_record record = limits_last_cycle(&world);
  const gait_stats stats = limits_stats(&world);
  printf("limits: a list of %llu: marked in %.0f ms on stacks of 64 KiB, %.1f MiB mapped\n",
         (unsigned long long)count, (double)record.mark_ns / 1e6,
         (double)stats.mapped_peak_bytes / (double)MIB);
  MUST(record.marked_objects == count);
  limits_check_list(&world, count);
  world.slots[0] = NULL;
  MUST(gait_heap_collect(world.thread) == GAIT_OK);
  MUST(limits_last_cycle(&world).marked_objects == 0);
  limits_close(&world);
}

/* ---- A heap of 16 GiB ---- */

static void large_heap(void) {
  const size_t bytes = limits_full() ? 16 * GIB : GIB / 2, node = 4 * KIB;
  if (limits_free_memory_bytes() < bytes + bytes / 16) limits_skip("too little memory");
  struct limits_world world;
  const gait_options options = limits_options();
  limits_open(&world, &options);
  const uint64_t count = bytes / node;
  for (uint64_t i = 0; i < count; i++) {
    limits_keep(&world, node);
    memset((char *)world.slots[0] + sizeof(struct limits_node), 1,
           node - sizeof(struct limits_node));
  }
  MUST(gait_heap_collect(world.thread) == GAIT_OK);
  const gait_cycle_record record = limits_last_cycle(&world);
  MUST(record.marked_objects >= count && record.marked_bytes >= bytes);
  MUST(limits_resident_bytes() >= bytes);
  limits_check_list(&world, count);
  world.slots[0] = NULL;
  MUST(gait_heap_collect(world.thread) == GAIT_OK);
  gait_heap_trim(world.heap);
  const size_t left = limits_resident_bytes();
  printf("limits: a heap of %.1f GiB: %llu cycles, the last marked in %.0f ms; %.1f MiB resident "
         "when all has gone\n",
         (double)bytes / (double)GIB, (unsigned long long)limits_stats(&world).cycles,
         (double)record.mark_ns / 1e6, (double)left / (double)MIB);
  /* Side tables are a sixty-fourth of the heap and stay. */
  MUST(left < bytes / 32 + 16 * MIB);
  limits_close(&world);
}

const struct run_case limits_cases_large[] = {
    {"array", large_array},
    {"list", large_list},
    {"heap", large_heap},
    {NULL, NULL},
};
