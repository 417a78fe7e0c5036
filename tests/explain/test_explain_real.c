/* Cycles of real heaps, one heap for each situation: every number in the sentences is the record's,
 * and the situation is in the words. */
#include <stdatomic.h>
#include <string.h>

#include "../support/random.h"
#include "../support/run_suite.h"
#include "../support/sizes.h"
#include "explain_record.h"
#include "gait/gait.h"
#include "sentence_numbers.h"

enum { SLOTS = 2048, CYCLES_MOST = 4096 };

static gait_cycle_record records[CYCLES_MOST];
static atomic_size_t count; /* the collector's thread counts */

static void keep(gait_heap *heap, const gait_cycle_record *record, void *arg) {
  (void)heap, (void)arg;
  size_t at = count;
  if (at == CYCLES_MOST) return;
  records[at] = *record;
  count = at + 1;
}

struct world {
  gait_heap *heap;
  gait_thread *thread;
  gait_kind kind;
  uint64_t random;
};

static gait_options usual(void) {
  gait_options options;
  gait_options_init(&options);
  options.cpus = 2;
  options.cycle = keep;
  return options;
}

static void open(struct world *world, const gait_options *options) {
  count = 0;
  world->random = 1;
  ck_assert_int_eq(gait_heap_create(options, &world->heap), GAIT_OK);
  world->kind = gait_kind_leaf(world->heap);
  ck_assert_int_eq(gait_thread_attach(world->heap, "test", GAIT_STACK_CONSERVATIVE, &world->thread),
                   GAIT_OK);
}

static void end(struct world *world) {
  ck_assert_int_eq(gait_thread_detach(world->thread), GAIT_OK);
  ck_assert_int_eq(gait_heap_destroy(world->heap), GAIT_OK);
}

/* Replaces one of `slots` objects, so many times; false where the heap has no room. */
static bool churn(struct world *world, void *volatile *slots, size_t bytes, size_t times) {
  for (size_t i = 0; i < times; i++) {
    void *object = gait_alloc(world->thread, world->kind, bytes);
    if (object == NULL) return false;
    slots[random_below(&world->random, SLOTS)] = object;
  }
  return true;
}

/* All of `part` in one of the two sentences of one cycle. */
static bool said(const char *part) {
  for (size_t i = 0; i < count; i++) {
    struct explain_cycle cycle;
    struct explanation made;
    explain_take_record(&cycle, &records[i]);
    explain_cycle(&cycle, &made);
    if (strstr(made.why, part) || strstr(made.outcome, part)) return true;
  }
  return false;
}

static void check(const char *part) {
  ck_assert_uint_gt(count, 0);
  for (size_t i = 0; i < count; i++) {
    struct explain_cycle cycle;
    struct explanation made;
    explain_take_record(&cycle, &records[i]);
    explain_cycle(&cycle, &made);
    numbers_check(&cycle, &made);
    if (i + 1 < count) continue;
    if (said(part)) continue;
    ck_abort_msg("\"%s\" is nowhere, of %zu cycles; the last: %s %s", part, count, made.why,
                 made.outcome);
  }
}

START_TEST(gogc_is_told_of_a_heap) {
  void *volatile slots[SLOTS] = {0};
  struct world world;
  gait_options options = usual();
  options.gogc_percent = 150;
  open(&world, &options);
  ck_assert(churn(&world, slots, 8192, 30000));
  end(&world);
  check("is that of GOGC=150, which adds");
  for (size_t i = 0; i < count; i++) {
    if (records[i].goal_rule != GAIT_GOAL_GOGC || records[i].young) continue;
    ck_assert_uint_eq(records[i].goal_bytes, records[i].growth_goal_bytes);
    ck_assert_uint_ge(records[i].planned_goal_bytes, records[i].trigger_bytes);
    ck_assert_uint_gt(records[i].counted_bytes, 0);
    ck_assert_uint_le(records[i].goal_bytes - records[i].counted_bytes,
                      (records[i].counted_bytes + records[i].root_bytes + MIB) * 3 / 2);
  }
}
END_TEST

START_TEST(the_smallest_heap_is_told) {
  void *volatile slots[SLOTS] = {0};
  struct world world;
  gait_options options = usual();
  options.min_heap_bytes = 8 * MIB;
  open(&world, &options);
  ck_assert(churn(&world, slots, 256, 300000));
  end(&world);
  check("that of min_heap, below which no cycle is worth it, where GOGC=100 alone would have set");
}
END_TEST

START_TEST(a_collection_that_was_asked_for_is_told) {
  void *volatile slots[SLOTS] = {0};
  struct world world;
  gait_options options = usual();
  open(&world, &options);
  ck_assert(churn(&world, slots, 256, 100));
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  end(&world);
  check("Cycle 1 began at ");
  ck_assert(said("since the program asked for it, "));
}
END_TEST

START_TEST(a_limit_is_told) {
  void *volatile slots[SLOTS] = {0};
  struct world world;
  gait_options options = usual();
  options.memory_limit_bytes = 28 * MIB;
  open(&world, &options);
  ck_assert(churn(&world, slots, 8192, 20000));
  end(&world);
  check("all that the memory limit of 28 MiB leaves, less ");
  ck_assert(said("memory_limit="));
}
END_TEST

START_TEST(a_limit_out_of_reach_is_told) {
  void *volatile slots[SLOTS] = {0};
  struct world world;
  gait_options options = usual();
  options.memory_limit_bytes = 12 * MIB;
  open(&world, &options);
  while (count < 20)
    ck_assert(churn(&world, slots, 8192, 10));
  end(&world);
  check("and the limit of 12 MiB cannot be kept: ");
}
END_TEST

START_TEST(a_hard_limit_is_told) {
  void *volatile slots[SLOTS] = {0};
  struct world world;
  gait_options options = usual();
  options.max_heap_bytes = 24 * MIB;
  open(&world, &options);
  churn(&world, slots, 8192, 20000);
  churn(&world, slots, 65536, 2000); /* now there is too much, and it fails */
  end(&world);
  check("that a max_heap of 24 MiB leaves");
  ck_assert(said("since an allocation found no room"));
}
END_TEST

START_TEST(a_debug_option_is_told) {
  void *volatile slots[SLOTS] = {0};
  struct world world;
  gait_options options = usual();
  options.debug.collect_every = 100;
  open(&world, &options);
  ck_assert(churn(&world, slots, 64, 1000));
  end(&world);
  check("since a debug option asks for cycles, ");
}
END_TEST

START_TEST(nothing_that_bounds_the_heap_is_told) {
  struct world world;
  gait_options options = usual();
  options.gogc_percent = GAIT_OFF;
  open(&world, &options);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  end(&world);
  check("there was no trigger; nothing bounds the heap");
}
END_TEST

START_TEST(a_policy_is_told) {
  for (int policy = GAIT_POLICY_CPU_BUDGET; policy <= GAIT_POLICY_SQUARE_ROOT; policy++) {
    void *volatile slots[SLOTS] = {0};
    struct world world;
    gait_options options = usual();
    options.policy = policy;
    options.cpu_budget_percent = 1;
    options.min_heap_bytes = MIB;
    open(&world, &options);
    ck_assert(churn(&world, slots, 8192, 30000));
    end(&world);
    check(policy == GAIT_POLICY_SQUARE_ROOT ? "that of square_root, which adds" : "Cycle 2 began");
  }
}
END_TEST

START_TEST(an_allocation_larger_than_the_room_is_told) {
  struct world world;
  void *volatile large = NULL;
  gait_options options = usual();
  open(&world, &options);
  for (int i = 0; i < 20; i++) {
    large = gait_alloc(world.thread, world.kind, 16 * MIB);
    ck_assert_ptr_nonnull(large);
  }
  end(&world);
  check(" past its trigger");
  ck_assert(said("no setting changes that."));
}
END_TEST

int main(void) {
  const TTest *const tests[] = {
      gogc_is_told_of_a_heap,
      the_smallest_heap_is_told,
      a_collection_that_was_asked_for_is_told,
      a_limit_is_told,
      a_limit_out_of_reach_is_told,
      a_hard_limit_is_told,
      a_debug_option_is_told,
      nothing_that_bounds_the_heap_is_told,
      a_policy_is_told,
      an_allocation_larger_than_the_room_is_told,
  };
  return SUITE_RUN("explain real", tests);
}
