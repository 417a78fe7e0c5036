/* A hundred thousand fibers, of which two run. */
#include "limits_world.h"

#include <gait/fiber.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../support/coroutine.h"

#define PARKED_FIBERS ((size_t)100000)
#define PARKED_BYTES  (64 * KIB)
#define PARKED_TURNS  ((size_t)1000)
#define PARKED_MOST   512 /* bytes of Gait's for each */

struct parked {
  struct coroutine own;
  gait_fiber *fiber;
  struct limits_world *world;
  size_t number;
};

static struct coroutine parked_home;

static void parked_back(struct parked *parked) {
  struct coroutine_swap swap = {&parked->own, &parked_home};
  gait_fiber_switch(parked->world->thread, NULL, coroutine_swap, &swap);
}

static void parked_resume(struct parked *parked) {
  struct coroutine_swap swap = {&parked_home, &parked->own};
  gait_fiber_switch(parked->world->thread, parked->fiber, coroutine_swap, &swap);
}

/* Holds a node, in a local variable, and looks at it each time that it runs. */
static void parked_main(void *arg) {
  struct parked *parked = arg;
  gait_thread *thread = parked->world->thread;
  struct limits_node *volatile own = gait_alloc(thread, parked->world->node, sizeof *own);
  MUST(own);
  own->number = parked->number;
  for (;;) {
    parked_back(parked);
    gait_thread_poll(thread);
    MUST(own->number == parked->number);
  }
}

/* Pages of the stacks that are there. */
static size_t parked_resident(char *stacks, size_t bytes) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = bytes / page;
  unsigned char *there = malloc(pages);
  size_t resident = 0;
  MUST(there && mincore(stacks, bytes, there) == 0);
  for (size_t i = 0; i < pages; i++)
    resident += there[i] & 1;
  free(there);
  return resident;
}

/* One in two is run once, and parked with what it holds; the others never run. */
static void parked_begin(struct limits_world *world, struct parked *all, char *stacks) {
  for (size_t i = 0; i < PARKED_FIBERS; i++) {
    struct parked *parked = &all[i];
    parked->world = world;
    parked->number = i;
    coroutine_make_at(&parked->own, stacks + i * PARKED_BYTES, PARKED_BYTES, parked_main, parked);
    MUST(gait_fiber_register(world->thread, parked->own.low, PARKED_BYTES, GAIT_STACK_CONSERVATIVE,
                             &parked->fiber) == GAIT_OK);
    if (i % 2 == 0) parked_resume(parked);
  }
}

static double parked_now_us(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Two fibers run beside some cycles.  Says how long the longest of their turns was, by the clock
 * and in CPU time. */
static void parked_run_two(struct limits_world *world, struct parked *all) {
  struct limits_collector collector;
  double most = 0, most_cpu = 0;
  limits_collector_begin(&collector, world->heap);
  for (size_t turn = 0; turn < PARKED_TURNS || atomic_load(&collector.cycles) < 10; turn++) {
    const double start = parked_now_us(CLOCK_MONOTONIC);
    const double cpu = parked_now_us(CLOCK_THREAD_CPUTIME_ID);
    parked_resume(&all[turn % 2 * 2]);
    const double took_cpu = parked_now_us(CLOCK_THREAD_CPUTIME_ID) - cpu;
    const double took = parked_now_us(CLOCK_MONOTONIC) - start;
    if (took > most) most = took;
    if (took_cpu > most_cpu) most_cpu = took_cpu;
  }
  limits_collector_end(world, &collector);
  printf(
      "limits: two fibers beside %u cycles: the longest turn took %.0f us, of CPU time %.0f us\n",
      atomic_load(&collector.cycles), most, most_cpu);
}

static void parked_fibers(void) {
  struct limits_world world;
  const gait_options options = limits_options();
  const size_t bytes = PARKED_FIBERS * PARKED_BYTES;
  struct parked *all = calloc(PARKED_FIBERS, sizeof *all);
  char *stacks =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  MUST(all);
  if (stacks == MAP_FAILED) limits_skip("there are no addresses for the stacks");
  madvise(stacks, bytes, MADV_NOHUGEPAGE);
  limits_open(&world, &options);
  const uint64_t before = limits_stats(&world).mapped_bytes;
  parked_begin(&world, all, stacks);
  const size_t resident = parked_resident(stacks, bytes);
  MUST(gait_heap_collect(world.thread) == GAIT_OK);
  const uint64_t mapped = limits_stats(&world).mapped_bytes - before;
  const uint64_t kept = limits_last_cycle(&world).marked_objects;
  parked_run_two(&world, all);
  for (int i = 0; i < 3; i++)
    MUST(gait_heap_collect(world.thread) == GAIT_OK);
  const gait_cycle_record last = limits_last_cycle(&world);
  printf("limits: %zu fibers: %zu pages of stacks, %.0f bytes of Gait's for each, %llu bytes of "
         "roots scanned in %.1f ms\n",
         PARKED_FIBERS, resident, (double)mapped / (double)PARKED_FIBERS,
         (unsigned long long)last.root_bytes, (double)(last.start_ns + last.mark_ns) / 1e6);
  MUST(kept >= PARKED_FIBERS / 2 && last.marked_objects >= PARKED_FIBERS / 2);
  MUST(parked_resident(stacks, bytes) == resident);
  MUST(mapped < PARKED_FIBERS * PARKED_MOST);
  for (size_t i = 0; i < PARKED_FIBERS; i++) {
    if (i % 2 == 0) parked_resume(&all[i]);
    MUST(gait_fiber_unregister(world.thread, all[i].fiber) == GAIT_OK);
  }
  limits_close(&world);
  munmap(stacks, bytes);
  free(all);
}

const struct run_case limits_cases_parked[] = {
    {"fibers", parked_fibers},
    {NULL, NULL},
};
