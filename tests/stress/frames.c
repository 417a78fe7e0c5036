/* References through real control flow.
 *
 * The rest of the test keeps its references in arrays, which a collector can hardly miss.  Here
 * they are in locals, parameters and results, and the compiler decides where those are at each
 * call: in a register that the callee preserves, in a frame of any layout, in the argument area of
 * a variadic function, in a jmp_buf, in the array that qsort sorts.  The mirror is the id, a small
 * number, in a local of its own.  Each function does something in which the thread goes away, is
 * acted for or acts, and then looks whether its objects are what they were.
 *
 * No reference is in an array that an other part of the test knows, until one is given away at the
 * end of a step. */
#include "frames.h"

#include "coroutines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES_NOINLINE   __attribute__((noinline))
#define FRAMES_DEPTH      24
#define FRAMES_TURNS      12 /* so that a cycle begins and ends before one looks */
#define FRAMES_SORTED     16 /* few enough for a sort that needs no memory from elsewhere */
#define FRAMES_MAX_ALLOCA 40
#define FRAMES_AWAY_US    400

/* A reference, and the id of what it refers to. */
struct held {
  void *reference;
  uint32_t id;
};

/* Too large for registers: a function returns it in memory. */
struct held_many {
  struct held first, second, third, fourth;
};

FRAMES_NOINLINE static struct held frames_new(struct mutator *mutator) {
  struct held held = {NULL, 0};
  held.reference = graph_new(mutator->graph, mutator->thread, &mutator->random, &held.id);
  if (!held.id) held.reference = NULL;
  return held;
}

static void frames_check(const struct mutator *mutator, struct held held) {
  graph_check(mutator->graph, held.reference, held.id);
}

/* ---- What goes on while the references are held ---- */

/* For the most part overwrites the stack below the caller, where calls that have returned left
 * references behind. */
FRAMES_NOINLINE static void frames_scrub(void) {
  char frame[4096];
  memset(frame, 0, sizeof frame);
  __asm__ volatile("" : : "r"(frame) : "memory");
}

FRAMES_NOINLINE static void frames_sleep(struct mutator *mutator) {
  frames_scrub();
  usleep(mutator_below(mutator, FRAMES_AWAY_US));
}

static void *frames_outside(void *arg) {
  frames_sleep(arg);
  return arg;
}

/* A foreign library that calls back. */
FRAMES_NOINLINE static void frames_call_back(struct mutator *mutator) {
  gait_thread_enter(mutator->thread);
  const struct held held = frames_new(mutator);
  gait_thread_poll(mutator->thread);
  if (mutator->coroutine) coroutines_step(mutator);
  frames_check(mutator, held);
  gait_thread_leave(mutator->thread);
}

static void *frames_outside_nested(void *arg) {
  struct mutator *mutator = arg;
  frames_sleep(mutator);
  frames_call_back(mutator);
  frames_sleep(mutator);
  if (mutator_below(mutator, 2)) frames_call_back(mutator);
  return arg;
}

FRAMES_NOINLINE static void frames_leave(struct mutator *mutator) {
  gait_thread_leave(mutator->thread);
  mutator->frames_left++;
}

FRAMES_NOINLINE static void frames_enter(struct mutator *mutator) {
  gait_thread_enter(mutator->thread);
  mutator->frames_left--;
}

/* Leaves by a function that returns, and comes back by another. */
FRAMES_NOINLINE static void frames_go_by_wrapper(struct mutator *mutator) {
  frames_leave(mutator);
  frames_sleep(mutator);
  frames_enter(mutator);
}

FRAMES_NOINLINE static void frames_go(struct mutator *mutator) {
  gait_thread_leave(mutator->thread);
  frames_sleep(mutator);
  gait_thread_enter(mutator->thread);
}

FRAMES_NOINLINE static void frames_poll(struct mutator *mutator) {
  for (uint32_t left = mutator_below(mutator, 2000); left > 0; left--)
    gait_thread_poll(mutator->thread);
}

FRAMES_NOINLINE static void frames_allocate(struct mutator *mutator) {
  const gait_kind leaf = gait_kind_leaf(mutator->graph->heap);
  for (uint32_t left = mutator_below(mutator, 300); left > 0; left--)
    if (!gait_alloc(mutator->thread, leaf, 16 + mutator_below(mutator, 400))) return;
}

FRAMES_NOINLINE static void frames_collect(struct mutator *mutator) {
  if (gait_heap_collect(mutator->thread) != GAIT_OK)
    graph_fail(mutator->graph, "a collection was refused");
}

/* Not inlined, and without a reference among its arguments: those of its caller are where the
 * compiler has put them. */
FRAMES_NOINLINE static void frames_act(struct mutator *mutator) {
  if (mutator_below(mutator, 2)) frames_scrub();
  switch (mutator_below(mutator, mutator->coroutine ? 13 : 10)) {
  case 0:
  case 1: frames_go(mutator); break;
  case 2:
  case 3: frames_go_by_wrapper(mutator); break;
  case 4: gait_thread_outside(mutator->thread, frames_outside, mutator); break;
  case 5: gait_thread_outside(mutator->thread, frames_outside_nested, mutator); break;
  case 6: frames_poll(mutator); break;
  case 7:
  case 8: frames_allocate(mutator); break;
  case 9:
    if (mutator_below(mutator, 4) == 0) frames_collect(mutator);
    break;
  default: coroutines_step(mutator);
  }
}

/* ---- Where the references are ---- */

FRAMES_NOINLINE static void frames_recurse(struct mutator *mutator, uint32_t depth,
                                           struct held held) {
  if (depth == 0) {
    frames_act(mutator);
    return;
  }
  const struct held mine = frames_new(mutator);
  frames_recurse(mutator, depth - 1, mutator_below(mutator, 2) ? held : mine);
  frames_check(mutator, mine);
  if (mutator_below(mutator, 8) == 0) frames_act(mutator);
  frames_check(mutator, held);
}

static void frames_in_recursion(struct mutator *mutator) {
  frames_recurse(mutator, 1 + mutator_below(mutator, FRAMES_DEPTH), frames_new(mutator));
}

/* More references than there are registers, all needed after each call. */
static void frames_in_loop(struct mutator *mutator) {
  struct held a = frames_new(mutator), b = frames_new(mutator), c = frames_new(mutator);
  struct held d = frames_new(mutator), e = frames_new(mutator), f = frames_new(mutator);
  for (uint32_t left = 1 + mutator_below(mutator, FRAMES_TURNS); left > 0; left--) {
    const struct held turned = a;
    frames_act(mutator);
    frames_check(mutator, a);
    a = b, b = c, c = d, d = e, e = f, f = turned;
    if (mutator_below(mutator, 2)) c = frames_new(mutator);
  }
  frames_check(mutator, b);
  frames_check(mutator, c);
  frames_check(mutator, d);
  frames_check(mutator, e);
  frames_check(mutator, f);
}

/* As many references as a compiler has registers for, and nothing between them and the call that
 * goes away: the mirror is in memory. */
FRAMES_NOINLINE static void *frames_note(struct mutator *mutator, uint32_t *id) {
  const struct held held = frames_new(mutator);
  *id = held.id;
  return held.reference;
}

#define FRAMES_SIX(GO_AWAY)                                                                        \
  do {                                                                                             \
    uint32_t ids[6];                                                                               \
    void *const a = frames_note(mutator, &ids[0]);                                                 \
    void *const b = frames_note(mutator, &ids[1]);                                                 \
    void *const c = frames_note(mutator, &ids[2]);                                                 \
    void *const d = frames_note(mutator, &ids[3]);                                                 \
    void *const e = frames_note(mutator, &ids[4]);                                                 \
    void *const f = frames_note(mutator, &ids[5]);                                                 \
    volatile uint32_t left = 1 + mutator_below(mutator, FRAMES_TURNS);                             \
    for (; left > 0; left = left - 1)                                                              \
      GO_AWAY;                                                                                     \
    graph_check(mutator->graph, a, ids[0]);                                                        \
    graph_check(mutator->graph, b, ids[1]);                                                        \
    graph_check(mutator->graph, c, ids[2]);                                                        \
    graph_check(mutator->graph, d, ids[3]);                                                        \
    graph_check(mutator->graph, e, ids[4]);                                                        \
    graph_check(mutator->graph, f, ids[5]);                                                        \
  } while (0)

/* The arguments beyond the sixth are where the frame of the last call was. */
static void frames_sleep_below(struct mutator *mutator, long b, long c, long d, long e, long f,
                               long g, long h, long i, long j) {
  mutator->frames_left += (uint32_t)(b + c + d + e + f + g + h + i + j);
  frames_sleep(mutator);
}

/* A compiler that knew what is called would leave out the arguments. */
static void (*volatile frames_sleeper)(struct mutator *, long, long, long, long, long, long, long,
                                       long, long) = frames_sleep_below;
#define FRAMES_SLEEP_BELOW(mutator) frames_sleeper(mutator, 0, 0, 0, 0, 0, 0, 0, 0, 0)

FRAMES_NOINLINE static void frames_over_leave(struct mutator *mutator) {
  FRAMES_SIX({
    gait_thread_leave(mutator->thread);
    FRAMES_SLEEP_BELOW(mutator);
    gait_thread_enter(mutator->thread);
  });
}

FRAMES_NOINLINE static void frames_over_wrapper(struct mutator *mutator) {
  FRAMES_SIX({
    frames_leave(mutator);
    FRAMES_SLEEP_BELOW(mutator);
    frames_enter(mutator);
  });
}

FRAMES_NOINLINE static void frames_over_outside(struct mutator *mutator) {
  FRAMES_SIX(gait_thread_outside(mutator->thread, frames_outside_nested, mutator));
}

FRAMES_NOINLINE static void frames_over_collection(struct mutator *mutator) {
  FRAMES_SIX(frames_collect(mutator));
}

FRAMES_NOINLINE static void frames_over_allocation(struct mutator *mutator) {
  FRAMES_SIX(frames_allocate(mutator));
}

FRAMES_NOINLINE static void frames_take_list(struct mutator *mutator, int count, ...) {
  va_list arguments;
  va_start(arguments, count);
  for (; count > 0; count--) {
    struct held held;
    held.reference = va_arg(arguments, void *);
    held.id = va_arg(arguments, uint32_t);
    frames_act(mutator);
    frames_check(mutator, held);
  }
  va_end(arguments);
}

static void frames_in_arguments(struct mutator *mutator) {
  const struct held a = frames_new(mutator), b = frames_new(mutator), c = frames_new(mutator);
  const struct held d = frames_new(mutator), e = frames_new(mutator);
  frames_take_list(mutator, 5, a.reference, a.id, b.reference, b.id, c.reference, c.id, d.reference,
                   d.id, e.reference, e.id);
}

FRAMES_NOINLINE static struct held_many frames_make_many(struct mutator *mutator) {
  struct held_many many;
  many.first = frames_new(mutator);
  many.second = frames_new(mutator);
  frames_act(mutator);
  many.third = frames_new(mutator);
  many.fourth = many.first;
  return many;
}

FRAMES_NOINLINE static struct held frames_choose(struct mutator *mutator, struct held_many many) {
  frames_act(mutator);
  frames_check(mutator, many.third);
  return mutator_below(mutator, 2) ? many.second : many.fourth;
}

static void frames_in_results(struct mutator *mutator) {
  const struct held held = frames_choose(mutator, frames_make_many(mutator));
  frames_act(mutator);
  frames_check(mutator, held);
}

FRAMES_NOINLINE static void frames_in_alloca(struct mutator *mutator) {
  const uint32_t count = 1 + mutator_below(mutator, FRAMES_MAX_ALLOCA);
  struct held *held = __builtin_alloca(count * sizeof *held);
  for (uint32_t i = 0; i < count; i++)
    held[i] = frames_new(mutator);
  frames_act(mutator);
  for (uint32_t i = 0; i < count; i++)
    frames_check(mutator, held[i]);
}

FRAMES_NOINLINE static void frames_jump(struct mutator *mutator, jmp_buf back, uint32_t depth) {
  const struct held held = frames_new(mutator);
  if (depth > 0) frames_jump(mutator, back, depth - 1);
  frames_act(mutator);
  frames_check(mutator, held);
  if (mutator_below(mutator, 3) == 0) longjmp(back, 1);
}

FRAMES_NOINLINE static void frames_over_jump(struct mutator *mutator) {
  const struct held held = frames_new(mutator);
  jmp_buf back;
  if (setjmp(back) == 0) frames_jump(mutator, back, mutator_below(mutator, 4));
  frames_check(mutator, held);
  frames_act(mutator);
  frames_check(mutator, held);
}

/* ---- The array that qsort sorts ---- */

static _Thread_local struct mutator *frames_sorter;

static int frames_compare(const void *left, const void *right) {
  const struct held a = *(const struct held *)left, b = *(const struct held *)right;
  if (mutator_below(frames_sorter, 6) == 0) frames_act(frames_sorter);
  frames_check(frames_sorter, a);
  frames_check(frames_sorter, b);
  return (a.id > b.id) - (a.id < b.id);
}

FRAMES_NOINLINE static void frames_sort(struct mutator *mutator) {
  struct held held[FRAMES_SORTED];
  struct mutator *const before = frames_sorter;
  for (uint32_t i = FRAMES_SORTED; i-- > 0;)
    held[i] = frames_new(mutator);
  const bool stays = mutator->stays;
  frames_sorter = mutator;
  mutator->stays = true; /* another thread would not know it as its sorter */
  qsort(held, FRAMES_SORTED, sizeof *held, frames_compare);
  mutator->stays = stays;
  frames_sorter = before;
  for (uint32_t i = 0; i < FRAMES_SORTED; i++)
    frames_check(mutator, held[i]);
}

/* A reference that outlives the step. */
static void frames_give_away(struct mutator *mutator) {
  struct held held = frames_new(mutator);
  frames_act(mutator);
  mutator_set_local(mutator, mutator_any_local(mutator), held.reference, held.id);
}

void frames_step(struct mutator *mutator) {
  static void (*const operations[])(struct mutator *) = {
      frames_in_recursion,   frames_in_loop,      frames_in_arguments, frames_in_results,
      frames_in_alloca,      frames_over_jump,    frames_sort,         frames_give_away,
      frames_over_leave,     frames_over_wrapper, frames_over_outside, frames_over_collection,
      frames_over_allocation};
  if (mutator->exact) return;
  operations[mutator_below(mutator, sizeof operations / sizeof *operations)](mutator);
}
