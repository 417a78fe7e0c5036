/* Operations aimed at the windows of a cycle.
 *
 * The windows in which a wrong collector loses an object lie between one thread's answer to a
 * handshake and another's, or between an answer and what the collector does next.  A random program
 * is there with the right objects once in thousands of cycles.  Here a thread prepares the objects,
 * waits until a handshake is asked, answers it first or last, and makes at once the move that would
 * hurt.  It looks at two fields of the inline fast paths, whether the collector wants it and
 * whether its barrier is on; only to aim: whatever moment it hits, all that it then checks has to
 * hold.
 *
 *   raid     Its own root holds the only reference to a list.  Scanned, but before the root is, it
 *            takes the list and clears the root.  From then on the head is grey in its own buffer
 *            alone: the flush must find it there, and each time it does, the thread has cut the
 *            list once more behind what it holds, so the flush must be repeated.
 *
 *   hide     The same, and what was taken goes into the first field of a new object, which is
 *            black.
 *
 *   duel     One thread, with its barrier on, sleeps in a store, having shaded what it found.  The
 *            other, whose barrier is off, stores its only reference in the same slot, is
 *            scanned, and takes it back before the first wakes and overwrites it.
 *
 *   smuggle  A scanned thread hands out a new object.  One that is not scanned yet stores its only
 *            reference there and is scanned without it.
 *
 *   inherit  A thread whose barrier has gone off hands out a new object, which is young.  One that
 *            has not answered yet stores it in an old object, and it is cut off elsewhere.
 *
 *   take     A finalizer is due, and its queue holds the only reference to a list.  Scanned, but
 *            before the queue is, the thread takes it out, and has it run until its barrier is off.
 *
 * Each is seen out: the thread answers what is asked until its barrier is off, allocates in the
 * moment after, and looks at what it holds. */
#include "aimed.h"

#include "dying.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#define AIMED_LINKS 8

/* How long a thread waits for what may not come. */
#define AIMED_PATIENCE_US 20000

/* ---- Looking at the collector ---- */

static bool aimed_is_wanted(const struct mutator *mutator) {
  return __atomic_load_n(gait_fast_of(mutator->thread)->poll, __ATOMIC_RELAXED) != 0;
}

static bool aimed_is_marking(const struct mutator *mutator) {
  return (gait_fast_of(mutator->thread)->marking & GAIT_SHADE_OLD) != 0;
}

static uint64_t aimed_now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Waits at no safepoint until the collector wants this thread, but not for long. */
static bool aimed_await(struct mutator *mutator, uint32_t most_us) {
  const uint64_t end = aimed_now_us() + most_us;
  while (!aimed_is_wanted(mutator)) {
    if (aimed_now_us() >= end || mutator_is_over(mutator)) return false;
    if (mutator_below(mutator, 2))
      sched_yield();
    else
      usleep(20);
  }
  return true;
}

/* Waits for a cycle to begin.  When none does, now and then has one run. */
static bool aimed_await_cycle(struct mutator *mutator) {
  if (aimed_await(mutator, 2 * AIMED_PATIENCE_US)) return true;
  if (mutator_below(mutator, 4) == 0 && gait_heap_collect(mutator->thread) != GAIT_OK)
    graph_fail(mutator->graph, "a collection was refused");
  return false;
}

/* Answers so many handshakes, each as soon as it is asked. */
static void aimed_answer(struct mutator *mutator, uint32_t count) {
  for (; count > 0 && aimed_await(mutator, AIMED_PATIENCE_US); count--)
    gait_thread_poll(mutator->thread);
}

/* New objects in the moment after the barrier went off: their runs are of the old epoch or the new.
 */
static void aimed_refill(struct mutator *mutator) {
  for (uint32_t left = mutator_below(mutator, 4); left > 0; left--) {
    uint32_t id = 0;
    void *reference = graph_new(mutator->graph, mutator->thread, &mutator->random, &id);
    if (id) mutator_set_local(mutator, mutator_any_local(mutator), reference, id);
  }
}

static void aimed_see_out(struct mutator *mutator) {
  uint32_t id;
  for (uint32_t left = 30; left > 0 && aimed_is_marking(mutator); left--)
    aimed_answer(mutator, 1);
  aimed_refill(mutator);
  aimed_answer(mutator, mutator_below(mutator, 2));
  for (uint32_t i = 0; i < MUTATOR_LOCALS; i++)
    mutator_get_local(mutator, i, &id);
}

/* ---- Raid and hide ---- */

/* Goes down the list that `local` holds and cuts it off behind itself, a link at each handshake. */
static void aimed_eat(struct mutator *mutator, uint32_t local) {
  uint32_t id, next_id;
  void *reference = mutator_get_local(mutator, local, &id);
  for (uint32_t left = AIMED_LINKS; id && left > 0 && aimed_is_marking(mutator); left--) {
    graph_object *object = graph_check(mutator->graph, reference, id);
    if (mutator->graph->twins[id].references == 0) return;
    if (mutator_below(mutator, 8)) aimed_answer(mutator, 1);
    reference = graph_get_edge(mutator->graph, id, object, 0, &next_id);
    mutator_set_local(mutator, local, reference, next_id);
    graph_put_edge(mutator->graph, mutator->thread, id, object, 0, NULL, 0);
    id = next_id;
  }
}

/* What `local` holds goes into a new object, which takes its place. */
static void aimed_bury(struct mutator *mutator, uint32_t local) {
  uint32_t id, new_id = 0;
  void *reference = mutator_get_local(mutator, local, &id);
  for (int tries = 0; tries < 4; tries++) {
    void *fresh = graph_new(mutator->graph, mutator->thread, &mutator->random, &new_id);
    if (!new_id || mutator->graph->twins[new_id].references == 0) continue;
    graph_init_edge(mutator->graph, mutator->thread, new_id,
                    graph_check(mutator->graph, fresh, new_id), 0, reference, id);
    mutator_set_local(mutator, local, fresh, new_id);
    return;
  }
}

/* Leaves a list in an own root of the sort `which`, and takes it away in the middle of a cycle. */
static void aimed_rob(struct mutator *mutator, int which,
                      void (*go_on)(struct mutator *mutator, uint32_t local)) {
  const graph_place *place = &mutator->own[which];
  const uint32_t slot = mutator_below(mutator, place->count), local = mutator_any_local(mutator);
  uint32_t id;
  mutator_make_list(mutator, local, 1 + mutator_below(mutator, AIMED_LINKS));
  void *reference = mutator_get_local(mutator, local, &id);
  graph_put(mutator->graph, mutator->thread, place, slot, reference, id);
  mutator_set_local(mutator, local, NULL, 0);
  if (!aimed_await_cycle(mutator)) return;
  aimed_answer(mutator, mutator_below(mutator, 4) ? 3 : mutator_below(mutator, 6));
  reference = graph_get(mutator->graph, place, slot, &id);
  mutator_set_local(mutator, local, reference, id);
  graph_put(mutator->graph, mutator->thread, place, slot, NULL, 0);
  go_on(mutator, local);
  aimed_see_out(mutator);
}

static void aimed_raid(struct mutator *mutator) {
  aimed_rob(mutator, (int)mutator_below(mutator, OWN_PLACES), aimed_eat);
}

static void aimed_hide(struct mutator *mutator) {
  aimed_rob(mutator, mutator_below(mutator, 2) ? OWN_PLAIN : OWN_PLAIN_CALLBACK, aimed_bury);
}

/* ---- In pairs ---- */

/* The part and the place of a thread in an operation for two. */
struct aimed_part {
  bool first;
  void **slot;               /* of the graph's loose ones; random programs use it as well */
  _Atomic uint64_t *storing; /* of the slot */
};

/* Whoever comes next plays the other part. */
static struct aimed_part aimed_take_part(struct mutator *mutator) {
  struct era_pairing *pairing = &mutator->era->pairing;
  const uint32_t turn = atomic_fetch_add(&pairing->turns, 1), pair = turn / 2 % ERA_PAIRS;
  return (struct aimed_part){turn % 2 == 0, &mutator->graph->loose[pair], &pairing->storing[pair]};
}

/* What a thread does once a cycle has begun; `local` holds a list. */
typedef void aimed_play(struct mutator *mutator, const struct aimed_part *part, uint32_t local);

static void aimed_in_pairs(struct mutator *mutator, aimed_play *first, aimed_play *second) {
  const uint32_t local = mutator_any_local(mutator);
  mutator_make_list(mutator, local, 1 + mutator_below(mutator, 3));
  if (!aimed_await_cycle(mutator)) return;
  const struct aimed_part part = aimed_take_part(mutator);
  (part.first ? first : second)(mutator, &part, local);
  aimed_see_out(mutator);
}

/* ---- Duel ---- */

/* Stores, one store after another, and lets the other see when one of them takes long. */
static void aimed_duel_first(struct mutator *mutator, const struct aimed_part *part,
                             uint32_t local) {
  uint32_t id;
  void *reference = mutator_get_local(mutator, local, &id);
  for (uint32_t left = 200; left > 0 && !mutator_is_over(mutator); left--) {
    gait_thread_poll(mutator->thread);
    if (!aimed_is_marking(mutator)) return;
    atomic_store(part->storing, random_next(&mutator->random) | 1);
    if (left % 4)
      gait_store(mutator->thread, part->slot, reference);
    else
      gait_cas(mutator->thread, part->slot, gait_load(part->slot), reference);
    atomic_store(part->storing, 0);
  }
}

/* Waits, without answering, until the other sleeps in a store. */
static void aimed_await_store(struct mutator *mutator, const struct aimed_part *part) {
  const uint64_t end = aimed_now_us() + AIMED_PATIENCE_US / 4;
  while (aimed_now_us() < end && !mutator_is_over(mutator)) {
    const uint64_t storing = atomic_load(part->storing);
    usleep(30);
    if (storing && atomic_load(part->storing) == storing) return;
  }
}

static void aimed_duel_second(struct mutator *mutator, const struct aimed_part *part,
                              uint32_t local) {
  uint32_t id;
  void *reference = mutator_get_local(mutator, local, &id);
  aimed_await_store(mutator, part);
  gait_store(mutator->thread, part->slot, reference);
  mutator_set_local(mutator, local, NULL, 0);
  gait_thread_poll(mutator->thread);
  aimed_answer(mutator, 1 + (mutator_below(mutator, 4) == 0));
  reference = gait_load(part->slot);
  id = graph_check_loose(mutator->graph, reference);
  mutator_set_local(mutator, local, reference, id);
}

static void aimed_duel(struct mutator *mutator) {
  aimed_in_pairs(mutator, aimed_duel_first, aimed_duel_second);
}

/* ---- Smuggle ---- */

static void aimed_give(struct mutator *mutator, const struct aimed_part *part) {
  uint32_t id = 0;
  void *fresh = graph_new(mutator->graph, mutator->thread, &mutator->random, &id);
  if (id) gait_store(mutator->thread, part->slot, fresh);
}

/* Waits, without answering, until there is something else in the slot.  Returns whether there is.
 */
static bool aimed_await_gift(const struct aimed_part *part, void *before) {
  const uint64_t end = aimed_now_us() + AIMED_PATIENCE_US / 4;
  while (gait_load(part->slot) == before && aimed_now_us() < end)
    usleep(20);
  return gait_load(part->slot) != before;
}

static void aimed_hand_out(struct mutator *mutator, const struct aimed_part *part, uint32_t local) {
  (void)local;
  aimed_answer(mutator, 3);
  aimed_give(mutator, part);
}

/* Waits, without answering, for the other's new object, and leaves there what `local` holds. */
static void aimed_store_away(struct mutator *mutator, const struct aimed_part *part,
                             uint32_t local) {
  uint32_t id;
  aimed_answer(mutator, 2);
  void *reference = mutator_get_local(mutator, local, &id), *before = gait_load(part->slot);
  aimed_await_gift(part, before);
  void *found = gait_load(part->slot);
  const uint32_t holder = graph_check_loose(mutator->graph, found);
  if (!holder || mutator->graph->twins[holder].references == 0) return;
  graph_put_edge(mutator->graph, mutator->thread, holder,
                 graph_check(mutator->graph, found, holder), 0, reference, id);
  mutator_set_local(mutator, local, NULL, 0);
}

static void aimed_smuggle(struct mutator *mutator) {
  aimed_in_pairs(mutator, aimed_hand_out, aimed_store_away);
}

/* ---- Inherit ---- */

static void aimed_leave_behind(struct mutator *mutator, const struct aimed_part *part,
                               uint32_t local) {
  (void)local;
  for (uint32_t left = 30; left > 0 && aimed_is_marking(mutator); left--)
    aimed_answer(mutator, 1);
  aimed_give(mutator, part);
}

/* Lets each handshake after the scan wait for a moment: one of them is the last.  The object that
 * `local` holds was there before this cycle, and is old. */
static void aimed_take_over(struct mutator *mutator, const struct aimed_part *part,
                            uint32_t local) {
  uint32_t id, found_id;
  void *before = gait_load(part->slot);
  aimed_answer(mutator, 3);
  while (aimed_is_marking(mutator) && aimed_await(mutator, AIMED_PATIENCE_US) &&
         !aimed_await_gift(part, before))
    gait_thread_poll(mutator->thread);
  void *reference = mutator_get_local(mutator, local, &id), *found = gait_load(part->slot);
  found_id = graph_check_loose(mutator->graph, found);
  if (!id || !found_id || mutator->graph->twins[id].references == 0) return;
  graph_put_edge(mutator->graph, mutator->thread, id, graph_check(mutator->graph, reference, id), 0,
                 found, found_id);
  gait_store(mutator->thread, part->slot, NULL);
}

static void aimed_inherit(struct mutator *mutator) {
  aimed_in_pairs(mutator, aimed_leave_behind, aimed_take_over);
}

/* ---- Take ---- */

static void aimed_take(struct mutator *mutator) {
  for (int i = 0; i < 4; i++)
    dying_add_dead(mutator);
  if (!aimed_await_cycle(mutator)) return;
  aimed_answer(mutator, 3);
  dying_take_one(mutator);
}

void aimed_step(struct mutator *mutator) {
  static void (*const operations[AIMS])(struct mutator *) = {
      [AIM_RAID] = aimed_raid,       [AIM_HIDE] = aimed_hide,       [AIM_DUEL] = aimed_duel,
      [AIM_SMUGGLE] = aimed_smuggle, [AIM_INHERIT] = aimed_inherit, [AIM_TAKE] = aimed_take};
  const enum era_aim aim = mutator->era->aim;
  operations[aim > AIM_ANY ? aim : AIM_RAID + mutator_below(mutator, AIMS - AIM_RAID)](mutator);
}
