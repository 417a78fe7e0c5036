/* The memory limit and the cap on the collector's CPU time.
 *
 * The limit is soft: while the collector would need more than its cap to keep it, the heap grows,
 * with goals over the limit as soon as a quarter of the bucket is full.  The cap is kept by that
 * bucket: it holds half a second of each CPU (pacer/limiter.c), so that much is allowed once
 * in any stretch of time.  The share is taken from the moment on at which the bucket was full, if
 * it ever was. */
#include "limits_world.h"

#include <stdlib.h>

#include "../support/random.h"

#define CAP_LIMIT_BYTES       (64 * MIB)
#define CAP_NODE_BYTES        128
#define CAP_HOLES_LIVE_BYTES  (50 * MIB)
#define CAP_HOLES_LIMIT_BYTES (90 * MIB)
#define CAP_HOLES_CYCLES      40
#define CAP_BATCH             256
#define CAP_POINTS            0.02
#define CAP_BUCKET_SHARE      0.5 /* seconds of each CPU */
/* Malloc's pages and stacks that were touched after what is beside the heap was measured. */
#define CAP_BESIDE_BYTES (128 * KIB)

struct cap {
  struct limits_world world;
  double cap;
  double cpus;
  uint64_t kept;
  uint64_t made_ns; /* before the heap was */
  uint64_t started_ns;
  uint64_t run_ns;
  struct limits_meter first;
  struct limits_meter last;
  bool limited; /* the limiter was on, and `first` is from then */
  bool unreachable;
  uint64_t seen; /* cycles */
};

static void cap_open(struct cap *cap, int64_t percent, size_t limit) {
  gait_options options = limits_options();
  options.cpu_cap_percent = percent;
  options.memory_limit_bytes = (int64_t)limit;
  options.gogc_percent = GAIT_OFF;
  *cap = (struct cap){.cap = (double)percent / 100, .made_ns = limits_now_ns()};
  limits_open(&cap->world, &options);
  MUST(gait_heap_collect(cap->world.thread) == GAIT_OK);
  cap->cpus = limits_last_cycle(&cap->world).cpus;
  cap->run_ns = (uint64_t)(limits_full() ? 30 : 2) * 1000000000u;
  cap->started_ns = limits_now_ns();
  cap->first = limits_meter_read(&cap->world);
}

static void cap_keep(struct cap *cap) {
  limits_keep(&cap->world, CAP_NODE_BYTES);
  cap->kept++;
}

/* Garbage, and a look at what the cycles since the last look say.  Returns how far the run is. */
static double cap_churn(struct cap *cap) {
  for (int i = 0; i < CAP_BATCH; i++)
    MUST(gait_alloc(cap->world.thread, cap->world.node, CAP_NODE_BYTES));
  gait_cycle_record records[16];
  const size_t count = gait_records_read(cap->world.heap, cap->seen + 1, records, 16);
  for (size_t i = 0; i < count; i++) {
    cap->seen = records[i].cycle;
    cap->unreachable |= records[i].limit_unreachable;
    if (!records[i].limiter_on || cap->limited) continue;
    cap->limited = true;
    cap->first = limits_meter_read(&cap->world);
    cap->started_ns = limits_now_ns();
  }
  return (double)(limits_now_ns() - cap->started_ns) / (double)cap->run_ns;
}

/* From a quarter of its bucket on, the cap may lift the goal over the limit.  Even if GC had taken
 * all of the CPUs' time since the heap was made, that takes so long. */
static bool cap_may_be_relaxed(const struct cap *cap) {
  return (double)(limits_now_ns() - cap->made_ns) / 1e9 >= 0.125 / (1 - cap->cap);
}

static void cap_close(struct cap *cap, const char *what) {
  cap->last = limits_meter_read(&cap->world);
  const double seconds = (double)(cap->last.wall_ns - cap->first.wall_ns) / 1e9;
  const double share = limits_gc_share(&cap->first, &cap->last, cap->cpus);
  const double allowed = cap->cap + CAP_POINTS + CAP_BUCKET_SHARE / seconds;
  const gait_stats stats = limits_stats(&cap->world);
  const double own = (double)(cap->last.own_ns - cap->first.own_ns) / 1e9 / seconds;
  printf("limits: %s, cap %.0f%%: GC took %.1f%% of %.2g CPUs in %.1f s%s, the program's thread "
         "%.0f%% of one; %llu cycles, "
         "mapped at most %.1f MiB\n",
         what, cap->cap * 100, share * 100, cap->cpus, seconds,
         cap->limited ? " with the limiter" : "", own * 100, (unsigned long long)stats.cycles,
         (double)stats.mapped_peak_bytes / (double)MIB);
  if (share > allowed) limits_fail("GC took %.3f, at most %.3f is allowed", share, allowed);
  limits_check_list(&cap->world, cap->kept);
  limits_close(&cap->world);
}

/* ---- A leak into the limit and on to an eighth more ---- */

static void cap_leak(int64_t percent) {
  struct cap cap;
  cap_open(&cap, percent, CAP_LIMIT_BYTES);
  const size_t most = CAP_LIMIT_BYTES * 9 / 8 / CAP_NODE_BYTES;
  double done = 0;
  while (done < 1) {
    const size_t wanted = (size_t)((double)most * (cap.limited ? 1 : done));
    for (int i = 0; i < CAP_BATCH && cap.kept < wanted; i++)
      cap_keep(&cap);
    done = cap_churn(&cap);
  }
  while (cap.kept < most)
    cap_keep(&cap);
  MUST(gait_heap_collect(cap.world.thread) == GAIT_OK); /* all of them are seen by a cycle */
  cap_churn(&cap);
  const gait_stats stats = limits_stats(&cap.world);
  MUST(cap.unreachable);
  MUST(stats.cycles > 2 && stats.mapped_peak_bytes > CAP_LIMIT_BYTES);
  cap_close(&cap, "a leak past the limit");
}

static void cap_leak_10(void) {
  cap_leak(10);
}
static void cap_leak_25(void) {
  cap_leak(25);
}
static void cap_leak_50(void) {
  cap_leak(50);
}

/* ---- Live memory near the limit ---- */

static void cap_near(double factor, int64_t percent) {
  struct cap cap;
  char what[64];
  const size_t limit = (size_t)((double)CAP_LIMIT_BYTES * factor);
  snprintf(what, sizeof what, "a limit of %.2f x live", factor);
  cap_open(&cap, percent, limit);
  /* What the process has beside the heap, its collector's threads running. */
  const size_t beside = limits_resident_bytes() - limits_stats(&cap.world).mapped_bytes;
  while (cap.kept < CAP_LIMIT_BYTES / CAP_NODE_BYTES)
    cap_keep(&cap);
  size_t mapped = 0, peak = 0;
  bool unreachable = false;
  while (cap_churn(&cap) < 1) {
    const size_t mapped_now = limits_stats(&cap.world).mapped_peak_bytes;
    const size_t peak_now = limits_resident_peak_bytes();
    if (cap_may_be_relaxed(&cap)) continue;
    mapped = mapped_now;
    peak = peak_now - beside;
    unreachable = cap.unreachable;
  }
  printf("limits: %s: before the cap could lift it %.2f MiB were mapped and the kernel saw %.2f at "
         "most, at the end %.2f; the limit is %.2f MiB%s\n",
         what, (double)mapped / (double)MIB, (double)peak / (double)MIB,
         (double)(limits_resident_peak_bytes() - beside) / (double)MIB, (double)limit / (double)MIB,
         cap.unreachable ? " and out of reach" : "");
  /* What was allocated while marking counts as live, so a limit near to what is live may be called
   * out of reach for a cycle though it is not. */
  if (factor >= 1.5) MUST(!unreachable);
  if (!unreachable) {
    MUST(mapped <= limit);
    MUST(peak <= limit + CAP_BESIDE_BYTES);
  }
  cap_close(&cap, what);
}

static void cap_near_105(void) {
  cap_near(1.05, 50);
}
static void cap_near_120(void) {
  cap_near(1.2, 50);
}
static void cap_near_150(void) {
  cap_near(1.5, 50);
}
static void cap_near_120_tight(void) {
  cap_near(1.2, 25);
}

/* ---- Holes under a limit ---- */

/* Objects that are replaced at random leave holes between those that live, here in a heap that has
 * been at its goal.  What a cycle finds unfilled because it began below its goal, as each of these
 * does, is no overhead: the next goal would be lower for it, and so on down. */
static void cap_holes(void) {
  struct cap cap;
  cap_open(&cap, 50, CAP_HOLES_LIMIT_BYTES);
  gait_thread *thread = cap.world.thread;
  const size_t count = CAP_HOLES_LIVE_BYTES / CAP_NODE_BYTES, replaced = count / 8;
  void **table = cap.world.slots[0] =
      gait_alloc(thread, cap.world.references, count * sizeof *table);
  MUST(table);
  uint64_t random = 1, least = UINT64_MAX;
  for (size_t i = 0; i < 4 * count + CAP_HOLES_CYCLES * replaced; i++) {
    const size_t at = i < count ? i : random_below(&random, (uint32_t)count);
    void *node = gait_alloc(thread, cap.world.node, CAP_NODE_BYTES);
    MUST(node);
    gait_store(thread, &table[at], node);
    if (i < 4 * count || i % replaced != 0) continue;
    MUST(gait_heap_collect(thread) == GAIT_OK);
    const gait_stats stats = limits_stats(&cap.world);
    if (stats.goal_bytes < least) least = stats.goal_bytes;
  }
  printf("limits: goals under a limit of %.0f MiB with %.0f live: %.1f MiB at least\n",
         (double)CAP_HOLES_LIMIT_BYTES / (double)MIB, (double)CAP_HOLES_LIVE_BYTES / (double)MIB,
         (double)least / (double)MIB);
  MUST(least > CAP_HOLES_LIMIT_BYTES * 2 / 3);
  limits_close(&cap.world);
}

const struct run_case limits_cases_cap[] = {
    {"leak_10", cap_leak_10},
    {"leak_25", cap_leak_25},
    {"leak_50", cap_leak_50},
    {"near_105", cap_near_105},
    {"near_120", cap_near_120},
    {"near_150", cap_near_150},
    {"near_120_tight", cap_near_120_tight},
    {"holes", cap_holes},
    {NULL, NULL},
};
