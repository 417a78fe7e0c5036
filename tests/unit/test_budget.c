/* Heaps that share a budget. */
#include "unit.h"

#include <gait/budget.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/sanitizer.h"
#include "../support/sizes.h"

const char *const unit_suite_name = "budget";

static gait_budget *budget_new(size_t bytes) {
  gait_budget *budget;
  ck_assert_int_eq(gait_budget_create((int64_t)bytes, &budget), GAIT_OK);
  return budget;
}

/* A budget as it is, by whichever thread. */
struct budget_view {
  gait_budget_stats stats;
  gait_budget_member members[8];
  size_t count;
};

static struct budget_view budget_look(gait_budget *budget) {
  struct budget_view view;
  int64_t sum = 0;
  view.count = gait_budget_stats_read(budget, &view.stats, view.members, 8);
  for (size_t i = 0; i < view.count; i++)
    sum += view.members[i].share_bytes;
  UNIT_CHECK(view.stats.share_bytes <= view.stats.bytes);
  if (view.stats.members <= 8) UNIT_CHECK(sum == view.stats.share_bytes);
  return view;
}

static gait_budget_member budget_member(gait_budget *budget, const gait_heap *heap) {
  const struct budget_view view = budget_look(budget);
  for (size_t i = 0; i < view.count; i++)
    if (view.members[i].heap == heap) return view.members[i];
  ck_abort_msg("the heap is no member");
}

static int64_t budget_share(gait_budget *budget, const gait_heap *heap) {
  return budget_member(budget, heap).share_bytes;
}

/* What the heap may take over what it uses. */
static int64_t budget_room(gait_budget *budget, const gait_heap *heap) {
  const gait_budget_member member = budget_member(budget, heap);
  return member.share_bytes - member.used_bytes;
}

static void budget_open(unit_world *world, int mode, gait_budget *budget) {
  gait_options options = unit_options(mode);
  options.budget = budget;
  unit_open_with(world, &options, GAIT_STACK_EXACT);
}

/* Keeps `bytes` alive, in objects of a quarter of a MiB. */
static void budget_keep(unit_world *world, size_t bytes) {
  for (size_t i = 0; i < bytes / (256 * KIB); i++) {
    void **object = gait_alloc(world->thread, world->references, 256 * KIB);
    UNIT_CHECK(object != NULL);
    gait_store_init(world->thread, &object[0], world->slots[0]);
    world->slots[0] = object;
  }
}

static void budget_churn(unit_world *world, size_t bytes) {
  for (size_t i = 0; i < bytes / (16 * KIB); i++)
    UNIT_CHECK(gait_alloc(world->thread, world->leaf, 16 * KIB) != NULL);
}

/* Turns after which a test has failed, where it waits for something that takes a dozen. */
#define BUDGET_TURNS 400

/* Allocates until so many cycles more have ended. */
static void budget_run(unit_world *world, uint64_t cycles) {
  const uint64_t until = unit_stats(world->heap).cycles + cycles;
  while (unit_stats(world->heap).cycles < until)
    budget_churn(world, 256 * KIB);
}

/* ---- One heap, two heaps ---- */

START_TEST(a_heap_alone_has_all_of_it) {
  gait_budget *budget = budget_new(32 * MIB);
  unit_world world;
  budget_open(&world, _i, budget);
  const gait_budget_member member = budget_member(budget, world.heap);
  ck_assert_int_ge(member.share_bytes, (int64_t)(32 * MIB) - 2);
  ck_assert_int_eq(unit_stats(world.heap).memory_limit_bytes, member.share_bytes);
  ck_assert_int_eq(member.live_bytes, 0);
  ck_assert(member.mark_bytes_per_second == 0);
  budget_keep(&world, 4 * MIB);
  budget_run(&world, 3);
  const gait_budget_member later = budget_member(budget, world.heap);
  ck_assert_int_ge(later.live_bytes, (int64_t)(4 * MIB));
  ck_assert_int_gt(later.used_bytes, later.live_bytes);
  ck_assert_int_gt(later.share_bytes, later.used_bytes);
  ck_assert(later.alloc_bytes_per_second > 0);
  ck_assert(later.mark_bytes_per_second > 0);
  ck_assert_int_eq(unit_last_record(world.heap).cause, GAIT_CAUSE_MEMORY_LIMIT);
  ck_assert_uint_ge(budget_look(budget).stats.splits, 4);
  unit_close(&world);
  gait_budget_destroy(budget);
}
END_TEST

/* A heap that is new counts as one in the mean; a heap that goes leaves its part to the other. */
START_TEST(heaps_join_and_leave) {
  gait_budget *budget = budget_new(40 * MIB);
  unit_world worlds[2];
  budget_open(&worlds[0], _i, budget);
  budget_open(&worlds[1], _i, budget);
  const struct budget_view two = budget_look(budget);
  ck_assert_uint_eq(two.stats.members, 2);
  for (size_t i = 0; i < 2; i++) {
    ck_assert_int_gt(two.members[i].share_bytes, (int64_t)(19 * MIB));
    ck_assert_int_le(two.members[i].share_bytes, (int64_t)(21 * MIB));
    ck_assert_ptr_eq(two.members[i].heap, worlds[1 - i].heap);
  }
  ck_assert_int_eq(gait_budget_destroy(budget), GAIT_ERROR_BUSY);
  unit_close(&worlds[0]);
  ck_assert_uint_eq(budget_look(budget).stats.members, 1);
  ck_assert_int_ge(budget_share(budget, worlds[1].heap), (int64_t)(36 * MIB)); /* twice the room */
  budget_run(&worlds[1], 2);
  ck_assert_int_ge(budget_share(budget, worlds[1].heap), (int64_t)(39 * MIB));
  ck_assert_int_eq(unit_stats(worlds[1].heap).memory_limit_bytes,
                   budget_share(budget, worlds[1].heap));
  ck_assert_int_eq(gait_budget_destroy(budget), GAIT_ERROR_BUSY);
  unit_close(&worlds[1]);
  const struct budget_view none = budget_look(budget);
  ck_assert_uint_eq(none.stats.members, 0);
  ck_assert_int_eq(none.stats.share_bytes, 0);
  ck_assert_int_eq(gait_budget_destroy(budget), GAIT_OK);
}
END_TEST

START_TEST(size_of_a_budget_changes) {
  gait_budget *budget = budget_new(100 * MIB);
  int64_t before = 0;
  unit_world world;
  budget_open(&world, _i, budget);
  ck_assert_int_eq(gait_budget_set_bytes(budget, (int64_t)(40 * MIB), &before), GAIT_OK);
  ck_assert_int_eq(before, (int64_t)(100 * MIB));
  ck_assert_int_le(unit_stats(world.heap).memory_limit_bytes, (int64_t)(40 * MIB));
  ck_assert_int_eq(gait_budget_set_bytes(budget, 0, &before), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(before, (int64_t)(100 * MIB));
  ck_assert_int_eq(gait_budget_set_bytes(budget, INT64_MAX, NULL), GAIT_OK);
  ck_assert_int_eq(budget_look(budget).stats.bytes, INT64_MAX);
  ck_assert_int_gt(unit_stats(world.heap).memory_limit_bytes, (int64_t)(40 * MIB));
  unit_close(&world);
  gait_budget_destroy(budget);
}
END_TEST

/* The lower of the two holds, and the setting is the program's. */
START_TEST(own_limit_of_a_member_is_a_bound) {
  gait_budget *budget = budget_new(100 * MIB);
  unit_world world;
  budget_open(&world, _i, budget);
  ck_assert_int_eq(gait_heap_memory_limit(world.heap), GAIT_OFF);
  ck_assert_int_eq(gait_heap_set_memory_limit(world.heap, (int64_t)(30 * MIB), NULL), GAIT_OK);
  ck_assert_int_eq(unit_stats(world.heap).memory_limit_bytes, (int64_t)(30 * MIB));
  ck_assert_int_eq(gait_heap_set_memory_limit(world.heap, (int64_t)(900 * MIB), NULL), GAIT_OK);
  ck_assert_int_eq(gait_heap_memory_limit(world.heap), (int64_t)(900 * MIB));
  ck_assert_int_eq(unit_stats(world.heap).memory_limit_bytes, budget_share(budget, world.heap));
  ck_assert_int_eq(gait_heap_set_memory_limit(world.heap, GAIT_OFF, NULL), GAIT_OK);
  ck_assert_int_eq(unit_stats(world.heap).memory_limit_bytes, budget_share(budget, world.heap));
  unit_close(&world);
  gait_budget_destroy(budget);
}
END_TEST

/* ---- Shares that move ---- */

/* Both allocate by turns, as much as it comes. */
START_TEST(sum_of_the_shares_stays_within_the_budget) {
  gait_budget *budget = budget_new(48 * MIB);
  unit_world worlds[2];
  for (size_t i = 0; i < 2; i++) {
    budget_open(&worlds[i], _i, budget);
    budget_keep(&worlds[i], 4 * (i + 1) * MIB);
  }
  for (int turn = 0; turn < 40; turn++) {
    budget_churn(&worlds[turn % 2], (size_t)(1 + turn % 5) * 2 * MIB);
    const struct budget_view view = budget_look(budget);
    ck_assert_int_le(view.stats.used_bytes, view.stats.bytes);
    ck_assert_int_ge(view.stats.share_bytes, view.stats.used_bytes);
    for (size_t i = 0; i < 2; i++)
      ck_assert_int_ge(view.members[i].share_bytes, view.members[i].used_bytes);
  }
  for (size_t i = 0; i < 2; i++) {
    ck_assert_uint_gt(unit_stats(worlds[i].heap).cycles, 0);
    unit_close(&worlds[i]);
  }
  gait_budget_destroy(budget);
}
END_TEST

/* Waits until no more is mapped.  The number of looks only ends what would hang. */
static void budget_await(gait_heap *heap, int64_t mapped) {
  for (int looks = 0; looks < 60000; looks++) {
    if ((int64_t)unit_stats(heap).mapped_bytes <= mapped) return;
    usleep(1000);
  }
  ck_abort_msg("%llu bytes mapped", (unsigned long long)unit_stats(heap).mapped_bytes);
}

/* One that has allocated and stopped, its heap full of garbage, gives its room away; its program
 * does nothing for it, not even a safepoint. */
START_TEST(room_of_an_idle_heap_moves_to_a_busy_one) {
  gait_budget *budget = budget_new(40 * MIB);
  unit_world idle, busy;
  budget_open(&idle, _i, budget);
  budget_open(&busy, _i, budget);
  budget_run(&idle, 2);
  budget_churn(&idle, 8 * MIB);
  const int64_t before = budget_share(budget, busy.heap);
  const uint64_t cycles = unit_stats(idle.heap).cycles;
  gait_thread_leave(idle.thread);
  for (int turns = 0; budget_room(budget, idle.heap) > (int64_t)(4 * MIB) + 1; turns++) {
    ck_assert_int_lt(turns, BUDGET_TURNS);
    budget_run(&busy, 1);
  }
  ck_assert_int_gt(budget_share(budget, busy.heap), (int64_t)(26 * MIB));
  ck_assert_int_gt(budget_share(budget, busy.heap), before);
  budget_await(idle.heap, budget_share(budget, idle.heap));
  ck_assert_uint_ge(unit_stats(idle.heap).cycles, cycles);
  gait_thread_enter(idle.thread);
  /* And it gets room again. */
  const int64_t least = budget_share(budget, idle.heap);
  gait_thread_leave(busy.thread);
  for (int turns = 0; budget_share(budget, idle.heap) < 2 * least; turns++) {
    ck_assert_int_lt(turns, BUDGET_TURNS);
    budget_run(&idle, 1);
  }
  gait_thread_enter(busy.thread);
  unit_close(&busy);
  unit_close(&idle);
  gait_budget_destroy(budget);
}
END_TEST

/* One that has no garbage has no cycle either, by which its rate would fall. */
START_TEST(room_of_an_idle_heap_moves_without_a_cycle_of_its) {
  gait_budget *budget = budget_new(32 * MIB);
  unit_world idle, busy;
  budget_open(&idle, _i, budget);
  budget_open(&busy, _i, budget);
  budget_keep(&idle, 6 * MIB); /* which its cycles have to mark, and those of the other do not */
  ck_assert_int_eq(gait_heap_collect(idle.thread), GAIT_OK);
  const uint64_t cycles = unit_stats(idle.heap).cycles;
  gait_thread_leave(idle.thread);
  for (int turns = 0; budget_room(budget, idle.heap) > (int64_t)(4 * MIB) + 1; turns++) {
    ck_assert_int_lt(turns, BUDGET_TURNS);
    budget_run(&busy, 1);
  }
  ck_assert_uint_eq(unit_stats(idle.heap).cycles, cycles);
  gait_thread_enter(idle.thread);
  unit_close(&busy);
  unit_close(&idle);
  gait_budget_destroy(budget);
}
END_TEST

/* One that was made and never used holds no room for long either. */
START_TEST(room_of_an_unused_heap_moves_to_a_busy_one) {
  gait_budget *budget = budget_new(32 * MIB);
  unit_world unused, busy;
  budget_open(&unused, _i, budget);
  budget_open(&busy, _i, budget);
  for (int turns = 0; budget_share(budget, busy.heap) < (int64_t)(22 * MIB); turns++) {
    ck_assert_int_lt(turns, BUDGET_TURNS);
    budget_run(&busy, 1);
  }
  ck_assert_uint_eq(unit_stats(unused.heap).cycles, 0);
  ck_assert_int_ge(budget_share(budget, unused.heap),
                   budget_member(budget, unused.heap).used_bytes + (int64_t)(4 * MIB) - 1);
  unit_close(&busy);
  unit_close(&unused);
  gait_budget_destroy(budget);
}
END_TEST

/* More is alive than the budget has: each has its part, and both go on past it. */
START_TEST(budget_that_is_too_small_is_parted) {
  gait_budget *budget = budget_new(24 * MIB);
  unit_world worlds[2];
  for (size_t i = 0; i < 2; i++) {
    budget_open(&worlds[i], _i, budget);
    budget_keep(&worlds[i], (i + 1) * 16 * MIB);
    ck_assert_int_eq(gait_heap_collect(worlds[i].thread), GAIT_OK);
  }
  const struct budget_view view = budget_look(budget);
  ck_assert_int_gt(view.stats.used_bytes, view.stats.bytes);
  ck_assert_int_ge(view.stats.share_bytes, view.stats.bytes - 2);
  for (size_t i = 0; i < 2; i++) {
    const gait_budget_member *member = &view.members[i];
    const double part = (double)member->used_bytes / (double)view.stats.used_bytes;
    ck_assert_double_eq_tol((double)member->share_bytes, part * (double)view.stats.bytes, 2);
  }
  for (size_t i = 0; i < 2; i++)
    budget_run(&worlds[i], 1);
  for (size_t i = 0; i < 2; i++) {
    ck_assert_uint_eq(unit_last_record(worlds[i].heap).limit_unreachable, 1);
    unit_close(&worlds[i]);
  }
  gait_budget_destroy(budget);
}
END_TEST

/* Idle heaps that are past their shares do not set off one another's cycles without end. */
START_TEST(idle_heaps_past_their_shares_come_to_rest) {
  gait_budget *budget = budget_new(24 * MIB);
  unit_world worlds[2];
  for (size_t i = 0; i < 2; i++) {
    budget_open(&worlds[i], _i, budget);
    budget_keep(&worlds[i], 16 * MIB);
  }
  for (size_t i = 0; i < 2; i++)
    gait_thread_leave(worlds[i].thread);
  ck_assert_int_eq(gait_budget_set_bytes(budget, (int64_t)(12 * MIB), NULL), GAIT_OK);
  uint64_t splits = 0, seen;
  for (int quiet = 0; quiet < 20; quiet++) {
    usleep(5000);
    seen = budget_look(budget).stats.splits;
    ck_assert_uint_lt(seen, 1000);
    if (seen != splits) quiet = 0;
    splits = seen;
  }
  for (size_t i = 0; i < 2; i++) {
    gait_thread_enter(worlds[i].thread);
    unit_close(&worlds[i]);
  }
  gait_budget_destroy(budget);
}
END_TEST

START_TEST(change_of_a_share_is_in_log_and_records) {
  static unit_log log;
  gait_budget *budget = budget_new(32 * MIB);
  gait_options options = unit_options(_i);
  unit_world world;
  memset(&log, 0, sizeof log);
  options.budget = budget;
  options.trace = 1;
  options.log = unit_log_line;
  options.log_arg = &log;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  budget_run(&world, 2);
  ck_assert_ptr_nonnull(strstr(log.text, "gait: budget: share 3"));
  ck_assert_ptr_null(strstr(log.text, " -> 15 MB"));
  ck_assert_int_eq(gait_budget_set_bytes(budget, (int64_t)(16 * MIB), NULL), GAIT_OK);
  budget_run(&world, 2);
  ck_assert_ptr_nonnull(strstr(log.text, "gait: budget: share 3"));
  ck_assert_ptr_nonnull(strstr(log.text, " -> 1"));
  ck_assert_int_le(unit_last_record(world.heap).memory_limit_bytes, (int64_t)(16 * MIB));
  ck_assert_int_gt(unit_last_record(world.heap).memory_limit_bytes, (int64_t)(12 * MIB));
  unit_close(&world);
  gait_budget_destroy(budget);
}
END_TEST

/* The callback runs before its cycle has ended. */
static void budget_lower_within(gait_heap *heap, const gait_cycle_record *record, void *arg) {
  gait_budget *const *budget = arg;
  gait_budget_stats stats;
  (void)heap;
  if (record->cycle == 1)
    UNIT_CHECK(gait_budget_set_bytes(*budget, (int64_t)(20 * MIB), NULL) == GAIT_OK);
  UNIT_CHECK(gait_budget_stats_read(*budget, &stats, NULL, 0) == 0 && stats.members == 2);
}

START_TEST(size_of_a_budget_may_change_within_a_cycle) {
  gait_budget *budget = budget_new(100 * MIB);
  gait_options options = unit_options(_i);
  unit_world worlds[2];
  options.budget = budget;
  options.cycle = budget_lower_within;
  options.cycle_arg = &budget;
  budget_open(&worlds[0], _i, budget);
  unit_open_with(&worlds[1], &options, GAIT_STACK_EXACT);
  budget_run(&worlds[1], 2);
  const struct budget_view view = budget_look(budget);
  ck_assert_int_eq(view.stats.bytes, (int64_t)(20 * MIB));
  for (size_t i = 0; i < 2; i++) {
    ck_assert_int_lt(unit_stats(worlds[i].heap).memory_limit_bytes, (int64_t)(20 * MIB));
    unit_close(&worlds[i]);
  }
  gait_budget_destroy(budget);
}
END_TEST

/* ---- Threads ---- */

struct budget_guests {
  gait_budget *budget;
  int mode;
  atomic_bool stop;
  atomic_ulong heaps;
};

/* Heaps that come, allocate and go. */
static void *budget_guest(void *arg) {
  struct budget_guests *guests = arg;
  while (!atomic_load(&guests->stop)) {
    gait_options options = unit_options(guests->mode);
    unit_world world = {0};
    options.budget = guests->budget;
    UNIT_CHECK(gait_heap_create(&options, &world.heap) == GAIT_OK);
    UNIT_CHECK(gait_thread_attach(world.heap, NULL, GAIT_STACK_EXACT, &world.thread) == GAIT_OK);
    world.leaf = gait_kind_leaf(world.heap);
    budget_churn(&world, 3 * MIB);
    UNIT_CHECK(gait_heap_collect(world.thread) == GAIT_OK);
    UNIT_CHECK(gait_thread_detach(world.thread) == GAIT_OK);
    UNIT_CHECK(gait_heap_destroy(world.heap) == GAIT_OK);
    atomic_fetch_add(&guests->heaps, 1);
  }
  return NULL;
}

static void *budget_resize(void *arg) {
  struct budget_guests *guests = arg;
  for (int64_t i = 0; !atomic_load(&guests->stop); i++) {
    UNIT_CHECK(gait_budget_set_bytes(guests->budget, (int64_t)(40 + i % 8 * 8) * (int64_t)MIB,
                                     NULL) == GAIT_OK);
    budget_look(guests->budget);
    usleep(1000);
  }
  return NULL;
}

START_TEST(heaps_come_and_go_on_threads) {
  enum { GUESTS = 3 };
  struct budget_guests guests = {.budget = budget_new(64 * MIB), .mode = _i};
  unit_world host;
  pthread_t threads[GUESTS + 1];
  budget_open(&host, _i, guests.budget);
  for (int i = 0; i < GUESTS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, budget_guest, &guests), 0);
  ck_assert_int_eq(pthread_create(&threads[GUESTS], NULL, budget_resize, &guests), 0);
  while (atomic_load(&guests.heaps) < 12 || unit_stats(host.heap).cycles < 6) {
    budget_churn(&host, MIB);
    budget_look(guests.budget);
  }
  atomic_store(&guests.stop, true);
  gait_thread_leave(host.thread);
  for (int i = 0; i <= GUESTS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  gait_thread_enter(host.thread);
  ck_assert_uint_eq(budget_look(guests.budget).stats.members, 1);
  unit_close(&host);
  ck_assert_int_eq(gait_budget_destroy(guests.budget), GAIT_OK);
}
END_TEST

/* ---- fork ---- */

static bool budget_child_goes_on(gait_budget *budget, unit_world *worlds) {
  gait_budget_stats stats;
  if (gait_budget_stats_read(budget, &stats, NULL, 0) != 0 || stats.members != 2) return false;
  for (size_t i = 0; i < 2; i++)
    for (int k = 0; k < 3; k++) {
      budget_churn(&worlds[i], 4 * MIB);
      if (gait_heap_collect(worlds[i].thread) != GAIT_OK) return false;
    }
  const uint64_t splits = stats.splits;
  if (gait_budget_set_bytes(budget, (int64_t)(50 * MIB), NULL) != GAIT_OK) return false;
  for (size_t i = 0; i < 2; i++) {
    gait_frame_pop(worlds[i].thread, &worlds[i].frame);
    if (gait_thread_detach(worlds[i].thread) != GAIT_OK) return false;
    if (gait_budget_destroy(budget) != GAIT_ERROR_BUSY) return false;
    if (gait_heap_destroy(worlds[i].heap) != GAIT_OK) return false;
  }
  gait_budget_stats_read(budget, &stats, NULL, 0);
  return stats.splits >= splits + 9 && stats.members == 0 && gait_budget_destroy(budget) == GAIT_OK;
}

/* The child's heaps are members of the child's copy. */
START_TEST(forked_child_keeps_the_budget) {
  struct budget_guests guests = {.budget = budget_new(64 * MIB), .mode = _i};
  unit_world worlds[2];
  pthread_t resizer;
  for (size_t i = 0; i < 2; i++)
    budget_open(&worlds[i], _i, guests.budget);
  ck_assert_int_eq(pthread_create(&resizer, NULL, budget_resize, &guests), 0);
  for (int fork_number = 0; fork_number < 4; fork_number++) {
    budget_run(&worlds[fork_number % 2], 1);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) _exit(budget_child_goes_on(guests.budget, worlds) ? 0 : 1);
    int status = 0;
    budget_run(&worlds[0], 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(budget_look(guests.budget).stats.members, 2);
  }
  atomic_store(&guests.stop, true);
  ck_assert_int_eq(pthread_join(resizer, NULL), 0);
  unit_close(&worlds[0]);
  unit_close(&worlds[1]);
  ck_assert_int_eq(gait_budget_destroy(guests.budget), GAIT_OK);
}
END_TEST

/* ---- Misuse ---- */

START_TEST(a_budget_that_is_none_is_refused) {
  gait_budget *budget = NULL, *gone;
  ck_assert_int_eq(gait_budget_create(0, &budget), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_budget_create(-1, &budget), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_budget_create(GAIT_AUTO, &budget), GAIT_ERROR_ARGUMENT);
  ck_assert_ptr_null(budget);
  ck_assert_int_eq(gait_budget_create((int64_t)MIB, NULL), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_budget_destroy(NULL), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_budget_set_bytes(NULL, 1, NULL), GAIT_ERROR_ARGUMENT);
  gone = budget_new(MIB);
  ck_assert_int_eq(gait_budget_destroy(gone), GAIT_OK);
  ck_assert_int_eq(gait_budget_destroy(gone), GAIT_ERROR_NOT_FOUND);
  ck_assert_int_eq(gait_budget_set_bytes(gone, 1, NULL), GAIT_ERROR_NOT_FOUND);
  static unit_log log;
  gait_options options = unit_options(UNIT_CONCURRENT);
  gait_heap *heap = NULL;
  options.log = unit_log_line;
  options.log_arg = &log;
  options.budget = gone;
  ck_assert_int_eq(gait_heap_create(&options, &heap), GAIT_ERROR_ARGUMENT);
  ck_assert_ptr_null(heap);
  ck_assert_ptr_nonnull(strstr(log.text, "budget: there is no such budget"));
}
END_TEST

/* A program whose structures are larger, as those of a later version may be. */
START_TEST(larger_structures_are_filled_and_cleared) {
  struct {
    gait_budget_stats stats;
    uint64_t later;
  } stats = {.later = 7};
  struct {
    gait_budget_member member;
    uint64_t later;
  } members[3];
  gait_budget *budget = budget_new(64 * MIB);
  unit_world worlds[2];
  memset(members, 7, sizeof members);
  for (size_t i = 0; i < 2; i++)
    budget_open(&worlds[i], _i, budget);
  ck_assert_uint_eq(gait_budget_stats_read_sized(budget, &stats.stats, sizeof stats,
                                                 &members[0].member, 1, sizeof members[0]),
                    1);
  ck_assert(stats.stats.members == 2 && stats.later == 0);
  ck_assert_uint_eq(gait_budget_stats_read_sized(budget, &stats.stats, sizeof stats,
                                                 &members[0].member, 3, sizeof members[0]),
                    2);
  for (size_t i = 0; i < 2; i++) {
    ck_assert_ptr_eq(members[i].member.heap, worlds[1 - i].heap);
    ck_assert_uint_eq(members[i].later, 0);
  }
  ck_assert_uint_ne(members[2].later, 0);
  unit_close(&worlds[0]);
  unit_close(&worlds[1]);
  gait_budget_destroy(budget);
}
END_TEST

/* A heap with threads stays a member. */
START_TEST(a_heap_that_is_busy_stays_a_member) {
  gait_budget *budget = budget_new(64 * MIB);
  unit_world world;
  budget_open(&world, _i, budget);
  ck_assert_int_eq(gait_heap_destroy(world.heap), GAIT_ERROR_BUSY);
  ck_assert_uint_eq(budget_look(budget).stats.members, 1);
  unit_close(&world);
  gait_budget_destroy(budget);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *tcase = unit_case(suite, "budget");
  UNIT_TEST(tcase, a_heap_alone_has_all_of_it);
  UNIT_TEST(tcase, heaps_join_and_leave);
  UNIT_TEST(tcase, size_of_a_budget_changes);
  UNIT_TEST(tcase, own_limit_of_a_member_is_a_bound);
  UNIT_TEST(tcase, sum_of_the_shares_stays_within_the_budget);
  UNIT_TEST(tcase, room_of_an_idle_heap_moves_to_a_busy_one);
  UNIT_TEST(tcase, room_of_an_idle_heap_moves_without_a_cycle_of_its);
  UNIT_TEST(tcase, room_of_an_unused_heap_moves_to_a_busy_one);
  UNIT_TEST(tcase, budget_that_is_too_small_is_parted);
  UNIT_TEST(tcase, idle_heaps_past_their_shares_come_to_rest);
  UNIT_TEST(tcase, change_of_a_share_is_in_log_and_records);
  UNIT_TEST(tcase, size_of_a_budget_may_change_within_a_cycle);
  UNIT_TEST(tcase, heaps_come_and_go_on_threads);
  if (SANITIZER_FORKS) UNIT_TEST(tcase, forked_child_keeps_the_budget);
  UNIT_TEST(tcase, larger_structures_are_filled_and_cleared);
  UNIT_TEST(tcase, a_heap_that_is_busy_stays_a_member);
  TCase *misuse = unit_case(suite, "misuse");
  tcase_add_test(misuse, a_budget_that_is_none_is_refused);
}
