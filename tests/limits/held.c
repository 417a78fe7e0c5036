/* The cap on the collector's CPU time where marking stops the threads: without barriers all of it
 * does, and with roots that have none its end does.  While they are stopped the collector has what
 * they would have had, so they are stopped for no larger share of the time than the cap, though the
 * memory limit is below what is live and asks for one cycle after the other. */
#include "limits_world.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define HELD_LIVE_BYTES   (64 * MIB)
#define HELD_NODE_BYTES   128
#define HELD_THREADS_MOST 4
#define HELD_BATCH        256
/* As in cap.c: what the clock and the estimates may be wrong by, and what the bucket holds. */
#define HELD_POINTS       0.02
#define HELD_BUCKET_SHARE 0.5

struct held {
  struct limits_world world;
  double cap;
  uint64_t cycles;     /* seen */
  uint64_t stopped_ns; /* in those, at most `longest_ns` in one, */
  uint64_t longest_ns;
  uint64_t since_ns; /* which began after this: */
  bool limited;      /* the limiter was on */
  bool unreachable;
  int stop; /* atomic */
};

/* A thread that allocates, beside the main one. */
static void *held_allocate(void *arg) {
  struct held *held = arg;
  gait_thread *thread;
  MUST(gait_thread_attach(held->world.heap, "held", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  while (!__atomic_load_n(&held->stop, __ATOMIC_RELAXED))
    for (int i = 0; i < HELD_BATCH; i++)
      MUST(gait_alloc(thread, held->world.node, HELD_NODE_BYTES));
  MUST(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

/* Counts from the moment at which the bucket was full, if it ever was. */
static void held_look(struct held *held) {
  gait_cycle_record records[16];
  for (size_t count = 16; count == 16;) {
    count = gait_records_read(held->world.heap, held->cycles + 1, records, 16);
    for (size_t i = 0; i < count; i++) {
      held->cycles = records[i].cycle;
      held->stopped_ns += records[i].stopped_ns;
      if (records[i].stopped_ns > held->longest_ns) held->longest_ns = records[i].stopped_ns;
      held->unreachable |= records[i].limit_unreachable;
      if (!records[i].limiter_on || held->limited) continue;
      held->limited = true;
      held->stopped_ns = 0;
      held->since_ns = limits_now_ns();
    }
  }
}

static void held_churn(struct held *held) {
  const uint64_t run_ns = (uint64_t)(limits_full() ? 30 : 3) * 1000000000u;
  do {
    for (int i = 0; i < HELD_BATCH; i++)
      MUST(gait_alloc(held->world.thread, held->world.node, HELD_NODE_BYTES));
    held_look(held);
  } while (limits_now_ns() - held->since_ns < run_ns);
}

static void held_check(const struct held *held, const char *what, int threads) {
  const double seconds = (double)(limits_now_ns() - held->since_ns) / 1e9;
  const double share = (double)held->stopped_ns / 1e9 / seconds;
  /* A stop that has begun is not cut short. */
  const double over = HELD_BUCKET_SHARE + (double)held->longest_ns / 1e9;
  const double allowed = held->cap + HELD_POINTS + over / seconds;
  const gait_stats stats = limits_stats(&held->world);
  printf("limits: %s, cap %.0f%%: %d threads were held %.1f%% of %.1f s%s; %llu cycles, mapped at "
         "most %.1f MiB under a limit of %.0f\n",
         what, held->cap * 100, threads, share * 100, seconds,
         held->limited ? " with the limiter" : "", (unsigned long long)stats.cycles,
         (double)stats.mapped_peak_bytes / (double)MIB,
         (double)HELD_LIVE_BYTES * 3 / 4 / (double)MIB);
  MUST(held->unreachable && held->stopped_ns > 0);
  if (share > allowed) limits_fail("held for %.3f, at most %.3f is allowed", share, allowed);
}

static void held_join(void *arg) {
  pthread_join(*(pthread_t *)arg, NULL);
}

/* As many threads as there are CPUs, of which each has one to lose. */
static void held_run(int64_t percent, bool barrierless, int threads) {
  static void *root;
  static struct held held;
  gait_options options = limits_options();
  options.cpu_cap_percent = percent;
  options.gogc_percent = GAIT_OFF;
  options.memory_limit_bytes = (int64_t)(HELD_LIVE_BYTES * 3 / 4);
  options.barrierless = barrierless;
  options.cpus = threads;
  held = (struct held){.cap = (double)percent / 100};
  limits_open(&held.world, &options);
  if (!barrierless)
    MUST(gait_roots_add(held.world.heap, &root, sizeof root, GAIT_ROOTS_UNBARRIERED) == GAIT_OK);
  for (size_t i = 0; i < HELD_LIVE_BYTES / HELD_NODE_BYTES; i++)
    limits_keep(&held.world, HELD_NODE_BYTES);
  pthread_t others[HELD_THREADS_MOST];
  for (int i = 1; i < threads; i++)
    MUST(pthread_create(&others[i], NULL, held_allocate, &held) == 0);
  held_look(&held);
  held.stopped_ns = held.longest_ns = 0;
  held.since_ns = limits_now_ns();
  held_churn(&held);
  held_check(&held, barrierless ? "no barriers" : "a root without a barrier", threads);
  __atomic_store_n(&held.stop, 1, __ATOMIC_RELAXED);
  for (int i = 1; i < threads; i++)
    limits_outside(&held.world, held_join, &others[i]);
  limits_check_list(&held.world, HELD_LIVE_BYTES / HELD_NODE_BYTES);
  if (!barrierless) MUST(gait_roots_remove(held.world.heap, &root) == GAIT_OK);
  limits_close(&held.world);
}

static int held_cpus(void) {
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online < HELD_THREADS_MOST ? (int)online : HELD_THREADS_MOST;
}

static void held_10(void) {
  held_run(10, true, held_cpus());
}
static void held_50(void) {
  held_run(50, true, held_cpus());
}
static void held_10_alone(void) {
  held_run(10, true, 1);
}
static void held_25_roots(void) {
  held_run(25, false, held_cpus());
}

const struct run_case limits_cases_held[] = {
    {"held_10", held_10},
    {"held_50", held_50},
    {"held_10_alone", held_10_alone},
    {"held_25_roots", held_25_roots},
    {NULL, NULL},
};
