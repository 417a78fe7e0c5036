/* Misuse: each breaks one contract in a child of its own, and the test expects the check that is
 * there for it, by name.  Where a call has a result, a release build returns it instead.
 *
 * The program is built twice: as one that is compiled without GAIT_CHECKED, and as one with it,
 * which names the check whatever the build of the library. */
#include <check.h>
#include <gait/array.h>
#include <gait/ephemeron.h>
#include <gait/fiber.h>
#include <gait/finalizer.h>
#include <gait/gait.h>
#include <gait/weak.h>
#include <gait/pool.h>
#include <gait/scope.h>
#include <gait/tune.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apart.h"

#include "../support/run_suite.h"
#include "../support/sizes.h"

#if GAITI_CHECK_SLOW
#define BUILD_NAMES_CHECKS true
#else
#define BUILD_NAMES_CHECKS false
#endif

#if GAIT_CHECKED
#define CLIENT_IS_CHECKED true
#else
#define CLIENT_IS_CHECKED false
#endif

/* An allocation that should have failed did not. */
#define NOT_NULL ((int)GAIT_ERROR_ABI + 1)
/* A check that every build has, since no result can tell. */
#define ABORTS (-1)
/* Nothing that can be relied on: only a client with checks runs it. */
#define UNNOTICED (-2)

/* ---- The world of a misuse ---- */

struct world {
  gait_heap *heap;
  gait_heap *other_heap;
  gait_thread *thread;
  gait_kind other_kind; /* of the other heap, by an index that this heap does not have */
  gait_kind twin_kind;  /* of the other heap, by an index that this heap has too */
  gait_frame frame;
  void *slots[4];
};

static void must(bool holds) {
  if (!holds) _exit(99);
}

static void world_open(struct world *world) {
  memset(world, 0, sizeof *world);
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = GAIT_OFF;
  must(gait_heap_create(&options, &world->heap) == GAIT_OK);
  must(gait_heap_create(&options, &world->other_heap) == GAIT_OK);
  gait_kind_info info = {.name = "twin", .form = GAIT_KIND_LEAF};
  must(gait_kind_register(world->heap, &info, &world->twin_kind) == GAIT_OK);
  must(gait_kind_register(world->other_heap, &info, &world->twin_kind) == GAIT_OK);
  info.name = "other";
  must(gait_kind_register(world->other_heap, &info, &world->other_kind) == GAIT_OK);
  must(gait_thread_attach(world->heap, "misuses", GAIT_STACK_EXACT, &world->thread) == GAIT_OK);
  gait_frame_push(world->thread, &world->frame, world->slots, 4);
  world->slots[0] = gait_alloc(world->thread, gait_kind_conservative(world->heap), 64);
  must(world->slots[0] != NULL);
}

/* The same thread's attachment to the other heap. */
static gait_thread *world_other_thread(struct world *world) {
  gait_thread *thread;
  must(gait_thread_attach(world->other_heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  return thread;
}

static void *world_other_object(struct world *world) {
  void *object =
      gait_alloc(world_other_thread(world), gait_kind_conservative(world->other_heap), 64);
  must(object != NULL);
  return object;
}

static int null_or(const void *object) {
  return object ? NOT_NULL : GAIT_OK;
}

/* Runs `function(world)` on another thread, which is not attached. */
struct errand {
  int (*function)(struct world *);
  struct world *world;
  int result;
};

static void *errand_run(void *arg) {
  struct errand *errand = arg;
  errand->result = errand->function(errand->world);
  return NULL;
}

static int elsewhere(struct world *world, int (*function)(struct world *)) {
  struct errand errand = {function, world, 99};
  pthread_t thread;
  must(pthread_create(&thread, NULL, errand_run, &errand) == 0);
  must(pthread_join(thread, NULL) == 0);
  return errand.result;
}

/* ---- Allocation ---- */

static int alloc_nothing(struct world *world) {
  return null_or(gait_alloc(world->thread, gait_kind_leaf(world->heap), 0));
}

static int alloc_too_much(struct world *world) {
  return null_or(gait_alloc(world->thread, gait_kind_leaf(world->heap), GAIT_MAX_OBJECT_BYTES + 1));
}

static int alloc_other_kind(struct world *world) {
  return null_or(gait_alloc(world->thread, world->other_kind, 16));
}

static int alloc_twin_kind(struct world *world) {
  return null_or(gait_alloc(world->thread, world->twin_kind, 16));
}

/* Where the cache has slots of the kind whose index it shares. */
static int alloc_twin_kind_from_a_run(struct world *world) {
  gait_kind kind;
  must(gait_kind_find(world->heap, "twin", &kind) == GAIT_OK);
  must(gait_alloc(world->thread, kind, 16) != NULL);
  return alloc_twin_kind(world);
}

static int alloc_large_other_kind(struct world *world) {
  return null_or(gait_alloc(world->thread, world->other_kind, MIB));
}

static int alloc_no_kind(struct world *world) {
  const gait_kind kind = {GAIT_MAX_KINDS - 1, gait_kind_leaf(world->heap).heap_tag};
  return null_or(gait_alloc(world->thread, kind, 16));
}

static int align_by(struct world *world, size_t alignment) {
  return null_or(gait_alloc_aligned(world->thread, gait_kind_leaf(world->heap), 100, alignment));
}

static int align_by_zero(struct world *world) {
  return align_by(world, 0);
}
static int align_by_24(struct world *world) {
  return align_by(world, 24);
}
static int align_by_two_pages(struct world *world) {
  return align_by(world, 2 * GAIT_MAX_ALIGNMENT);
}

static int align_too_much(struct world *world) {
  return null_or(gait_alloc_aligned(world->thread, gait_kind_leaf(world->heap),
                                    GAIT_MAX_OBJECT_BYTES + 1, 4096));
}

static int alloc_aligned_nothing(struct world *world) {
  return null_or(gait_alloc_aligned(world->thread, gait_kind_leaf(world->heap), 0, 64));
}

static int alloc_empty_array(struct world *world) {
  return null_or(gait_alloc_array(world->thread, gait_kind_leaf(world->heap), 0, 0, 8));
}

static int alloc_array_that_overflows(struct world *world) {
  return null_or(
      gait_alloc_array(world->thread, gait_kind_leaf(world->heap), 16, SIZE_MAX / 8 + 1, 8));
}

static int alloc_outside(struct world *world) {
  gait_thread_leave(world->thread);
  return null_or(gait_alloc(world->thread, gait_kind_leaf(world->heap), 4000));
}

static int alloc_detached(struct world *world) {
  gait_frame_pop(world->thread, &world->frame);
  must(gait_thread_detach(world->thread) == GAIT_OK);
  return null_or(gait_alloc(world->thread, gait_kind_leaf(world->heap), 4000));
}

/* Where the cache has a slot left, so that the fast path would hand it out. */
static int alloc_like_the_last(struct world *world) {
  return null_or(gait_alloc(world->thread, gait_kind_conservative(world->heap), 64));
}
static int alloc_outside_from_a_run(struct world *world) {
  gait_thread_leave(world->thread);
  return alloc_like_the_last(world);
}
static int alloc_from_elsewhere(struct world *world) {
  return elsewhere(world, alloc_like_the_last);
}

static int alloc_unset_kind(struct world *world) {
  const gait_kind kind = {0, 0};
  return null_or(gait_alloc(world->thread, kind, 64));
}

/* The new heap gets the place of the old one. */
static int alloc_kind_of_a_heap_that_is_gone(struct world *world) {
  gait_heap *heap;
  gait_thread *thread;
  must(gait_heap_destroy(world->other_heap) == GAIT_OK);
  must(gait_heap_create(NULL, &heap) == GAIT_OK);
  must(gait_thread_attach(heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  const gait_kind_info info = {.name = "twin", .form = GAIT_KIND_LEAF};
  gait_kind kind;
  must(gait_kind_register(heap, &info, &kind) == GAIT_OK && kind.index == world->twin_kind.index);
  return null_or(gait_alloc(thread, world->twin_kind, 16));
}

static int align_other_kind(struct world *world) {
  return null_or(gait_alloc_aligned(world->thread, world->twin_kind, 64, 64));
}
static int array_of_other_kind(struct world *world) {
  return null_or(gait_alloc_array(world->thread, world->twin_kind, 0, 8, 8));
}

static void trace_and_allocate(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  struct world *world = arg;
  (void)tracer, (void)object, (void)bytes;
  gait_alloc(world->thread, gait_kind_leaf(world->heap), MIB);
}

static int alloc_in_a_trace(struct world *world) {
  gait_kind kind;
  const gait_kind_info info = {.name = "allocates",
                               .form = GAIT_KIND_CALLBACK,
                               .trace = trace_and_allocate,
                               .trace_arg = world};
  must(gait_kind_register(world->heap, &info, &kind) == GAIT_OK);
  world->slots[1] = gait_alloc(world->thread, kind, 64);
  return (int)gait_heap_collect(world->thread);
}

/* ---- Threads ---- */

static int detach_twice(struct world *world) {
  gait_frame_pop(world->thread, &world->frame);
  must(gait_thread_detach(world->thread) == GAIT_OK);
  return (int)gait_thread_detach(world->thread);
}

static int detach(struct world *world) {
  return (int)gait_thread_detach(world->thread);
}
static int detach_from_elsewhere(struct world *world) {
  return elsewhere(world, detach);
}

static int leave_twice(struct world *world) {
  gait_thread_leave(world->thread);
  gait_thread_leave(world->thread);
  return GAIT_OK;
}

static int enter_inside(struct world *world) {
  gait_thread_enter(world->thread);
  return GAIT_OK;
}

static void *do_nothing(void *arg) {
  return arg;
}
static int outside_while_outside(struct world *world) {
  gait_thread_leave(world->thread);
  gait_thread_outside(world->thread, do_nothing, NULL);
  return GAIT_OK;
}

static int collect_outside(struct world *world) {
  gait_thread_leave(world->thread);
  return (int)gait_heap_collect(world->thread);
}

static int attach_nothing(struct world *world) {
  (void)world;
  gait_thread *thread;
  return (int)gait_thread_attach(NULL, NULL, GAIT_STACK_EXACT, &thread);
}

static int attach_to_no_place(struct world *world) {
  return (int)gait_thread_attach(world->other_heap, NULL, GAIT_STACK_EXACT, NULL);
}

static int leave(struct world *world) {
  gait_thread_leave(world->thread);
  return GAIT_OK;
}
static int leave_from_elsewhere(struct world *world) {
  return elsewhere(world, leave);
}

static int enter(struct world *world) {
  gait_thread_enter(world->thread);
  return GAIT_OK;
}
static int enter_from_elsewhere(struct world *world) {
  gait_thread_leave(world->thread);
  return elsewhere(world, enter);
}

static int enter_twice(struct world *world) {
  gait_thread_leave(world->thread);
  gait_thread_enter(world->thread);
  gait_thread_enter(world->thread);
  return GAIT_OK;
}

static int enter_detached(struct world *world) {
  gait_frame_pop(world->thread, &world->frame);
  gait_thread_leave(world->thread);
  must(gait_thread_detach(world->thread) == GAIT_OK);
  gait_thread_enter(world->thread);
  return GAIT_OK;
}

static int outside_from_elsewhere_now(struct world *world) {
  gait_thread_outside(world->thread, do_nothing, NULL);
  return GAIT_OK;
}
static int outside_from_elsewhere(struct world *world) {
  return elsewhere(world, outside_from_elsewhere_now);
}

static void *enter_and_return(void *arg) {
  struct world *world = arg;
  gait_thread_enter(world->thread);
  return NULL;
}
static int outside_returns_inside(struct world *world) {
  gait_thread_outside(world->thread, enter_and_return, world);
  return GAIT_OK;
}

static void *go_in_twice(void *arg) {
  struct world *world = arg;
  gait_thread_enter(world->thread);
  gait_thread_outside(world->thread, enter_and_return, world);
  gait_thread_leave(world->thread);
  return NULL;
}
static int outside_returns_inside_further_in(struct world *world) {
  gait_thread_outside(world->thread, go_in_twice, world);
  return GAIT_OK;
}

static void *leave_and_return(void *arg) {
  struct world *world = arg;
  gait_thread_leave(world->thread);
  return NULL;
}
static int outside_leaves_once_more(struct world *world) {
  gait_thread_outside(world->thread, leave_and_return, world);
  return GAIT_OK;
}

static void *detach_and_return(void *arg) {
  struct world *world = arg;
  must(gait_thread_detach(world->thread) == GAIT_OK);
  return NULL;
}
static int outside_returns_detached(struct world *world) {
  gait_frame_pop(world->thread, &world->frame);
  gait_thread_outside(world->thread, detach_and_return, world);
  return GAIT_OK;
}

static int collect(struct world *world) {
  return (int)gait_heap_collect(world->thread);
}
static int collect_from_elsewhere(struct world *world) {
  return elsewhere(world, collect);
}

static int poll_outside(struct world *world) {
  gait_thread_leave(world->thread);
  gait_thread_poll(world->thread);
  return GAIT_OK;
}

static int poll(struct world *world) {
  gait_thread_poll(world->thread);
  return GAIT_OK;
}
static int poll_from_elsewhere(struct world *world) {
  return elsewhere(world, poll);
}

/* ---- Loads and stores ---- */

static int load_off_its_alignment(struct world *world) {
  return null_or(gait_load((void *const *)(void *)((char *)world->slots[0] + 4)));
}

static int store(struct world *world) {
  gait_store(world->thread, (void **)world->slots[0], NULL);
  return GAIT_OK;
}
static int store_from_elsewhere(struct world *world) {
  return elsewhere(world, store);
}

static int store_outside(struct world *world) {
  gait_thread_leave(world->thread);
  return store(world);
}

static int store_detached(struct world *world) {
  gait_frame_pop(world->thread, &world->frame);
  must(gait_thread_detach(world->thread) == GAIT_OK);
  return store(world);
}

static int store_off_its_alignment(struct world *world) {
  gait_store(world->thread, (void **)(void *)((char *)world->slots[0] + 4), NULL);
  return GAIT_OK;
}

static int store_with_other_thread(struct world *world) {
  gait_store(world_other_thread(world), (void **)world->slots[0], NULL);
  return GAIT_OK;
}

static int store_other_value(struct world *world) {
  gait_store(world->thread, (void **)world->slots[0], world_other_object(world));
  return GAIT_OK;
}

static int store_other_value_in_a_root(struct world *world) {
  static void *root;
  must(gait_roots_add(world->heap, &root, sizeof root, GAIT_ROOTS_BARRIERED) == GAIT_OK);
  gait_store(world->thread, &root, world_other_object(world));
  return GAIT_OK;
}

/* A hundred heaps come, and every other one goes and comes again; of each a thread may store to its
 * own objects, and not to those of the last. */
static int store_to_one_of_many_heaps(struct world *world) {
  enum { HEAPS = 100 };
  gait_options options;
  gait_options_init(&options);
  options.reserve_bytes = (int64_t)MIB;
  void **object = NULL;
  for (int i = 0; i < 2 * HEAPS; i++) {
    gait_heap *heap;
    gait_thread *thread;
    must(gait_heap_create(&options, &heap) == GAIT_OK);
    must(gait_thread_attach(heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
    object = gait_alloc(thread, gait_kind_conservative(heap), 64);
    must(object != NULL);
    gait_store(thread, object, object);
    gait_store(world->thread, (void **)world->slots[0], world->slots[0]);
    if (i % 2 == 0) must(!gait_thread_detach(thread) && !gait_heap_destroy(heap));
  }
  gait_store(world->thread, (void **)object, NULL);
  return GAIT_OK;
}

static int store_to_the_dead(struct world *world) {
  void *object = gait_alloc(world->thread, gait_kind_conservative(world->heap), MIB);
  must(object != NULL && gait_heap_collect(world->thread) == GAIT_OK);
  gait_store(world->thread, (void **)object, NULL);
  return GAIT_OK;
}

static int store_the_dead(struct world *world) {
  static const uint64_t map[] = {1};
  const gait_kind_info info = {
      .name = "cell", .form = GAIT_KIND_POINTERS, .map_bytes = 8, .pointer_map = map};
  gait_kind kind;
  must(gait_kind_register(world->heap, &info, &kind) == GAIT_OK);
  void *dead = gait_alloc(world->thread, gait_kind_leaf(world->heap), MIB);
  must(dead != NULL && gait_heap_collect(world->thread) == GAIT_OK);
  world->slots[1] = gait_alloc(world->thread, kind, 16);
  must(world->slots[1] != NULL);
  gait_store(world->thread, (void **)world->slots[1], dead);
  return GAIT_OK;
}

static int init_with_other_thread(struct world *world) {
  gait_store_init(world_other_thread(world), (void **)world->slots[0], NULL);
  return GAIT_OK;
}

static int init_other_value(struct world *world) {
  gait_store_init(world->thread, (void **)world->slots[0], world_other_object(world));
  return GAIT_OK;
}

static int init_twice(struct world *world) {
  gait_store_init(world->thread, (void **)world->slots[0], world->slots[0]);
  gait_store_init(world->thread, (void **)world->slots[0], NULL);
  return GAIT_OK;
}

static int cas_with_other_thread(struct world *world) {
  return gait_cas(world_other_thread(world), (void **)world->slots[0], NULL, NULL);
}

static int cas_other_value(struct world *world) {
  return gait_cas(world->thread, (void **)world->slots[0], NULL, world_other_object(world));
}

static int copy_with_other_thread(struct world *world) {
  gait_copy(world_other_thread(world), (void **)world->slots[0], world->slots, 1);
  return GAIT_OK;
}

static int copy_other_values(struct world *world) {
  void *values[2] = {NULL, world_other_object(world)};
  gait_copy(world->thread, (void **)world->slots[0], values, 2);
  return GAIT_OK;
}

static int copy_over_the_end(struct world *world) {
  static void *values[64 / sizeof(void *) + 1];
  must(gait_alloc(world->thread, gait_kind_conservative(world->heap), 64) ==
       (char *)world->slots[0] + 64);
  gait_copy(world->thread, (void **)world->slots[0], values, 64 / sizeof(void *) + 1);
  return GAIT_OK;
}

static int clear_with_other_thread(struct world *world) {
  gait_clear(world_other_thread(world), (void **)world->slots[0], 1);
  return GAIT_OK;
}

static int clear_off_its_alignment(struct world *world) {
  gait_clear(world->thread, (void **)(void *)((char *)world->slots[0] + 4), 1);
  return GAIT_OK;
}

/* ---- Frames ---- */

static int pop_the_outer_frame(struct world *world) {
  static gait_frame frame;
  static void *slots[1];
  gait_frame_push(world->thread, &frame, slots, 1);
  gait_frame_pop(world->thread, &world->frame);
  return GAIT_OK;
}

static int pop_a_frame_twice(struct world *world) {
  gait_frame_pop(world->thread, &world->frame);
  gait_frame_pop(world->thread, &world->frame);
  return GAIT_OK;
}

static int push_a_frame_twice(struct world *world) {
  static gait_frame frame;
  static void *slots[1];
  gait_frame_push(world->thread, &frame, slots, 1);
  gait_frame_push(world->thread, &world->frame, slots, 1);
  return GAIT_OK;
}

static int push_a_frame_without_slots(struct world *world) {
  static gait_frame frame;
  gait_frame_push(world->thread, &frame, NULL, 1);
  return GAIT_OK;
}

static size_t two_slots(void *arg) {
  (void)arg;
  return 2;
}

static int push_a_sized_frame_without_a_count(struct world *world) {
  static gait_sized_frame frame;
  static void *slots[1];
  gait_frame_push_sized(world->thread, &frame, slots, 1, NULL, NULL);
  return GAIT_OK;
}

static int use_more_slots_than_a_frame_has(struct world *world) {
  gait_sized_frame frame;
  void *slots[2] = {NULL, NULL};
  gait_frame_push_sized(world->thread, &frame, slots, 1, two_slots, NULL);
  gait_heap_collect(world->thread);
  return GAIT_OK;
}

static int push_a_frame_outside(struct world *world) {
  static gait_frame frame;
  static void *slots[1];
  gait_thread_leave(world->thread);
  gait_frame_push(world->thread, &frame, slots, 1);
  return GAIT_OK;
}

static int pop_a_frame_from_elsewhere_now(struct world *world) {
  gait_frame_pop(world->thread, &world->frame);
  return GAIT_OK;
}
static int pop_a_frame_from_elsewhere(struct world *world) {
  return elsewhere(world, pop_a_frame_from_elsewhere_now);
}

/* ---- Heaps, kinds, roots, handles ---- */

static int destroy_nothing(struct world *world) {
  (void)world;
  return (int)gait_heap_destroy(NULL);
}

static int create_to_no_place(struct world *world) {
  (void)world;
  return (int)gait_heap_create(NULL, NULL);
}

static int register_nothing(struct world *world) {
  gait_kind kind;
  return (int)gait_kind_register(world->heap, NULL, &kind);
}

static int root_off_its_alignment(struct world *world) {
  static char words[32];
  return (int)gait_roots_add(world->heap, words + 4, 16, GAIT_ROOTS_BARRIERED);
}

static int external_of_nothing(struct world *world) {
  return (int)gait_object_set_external(world->thread, &world->frame, 100);
}

static int external_of_an_inside(struct world *world) {
  return (int)gait_object_set_external(world->thread, (char *)world->slots[0] + 8, 100);
}

static int external_outside(struct world *world) {
  void *object = world->slots[0];
  gait_thread_leave(world->thread);
  return (int)gait_object_set_external(world->thread, object, 100);
}

static int external_of_an_object(struct world *world) {
  return (int)gait_object_set_external(world->thread, world->slots[0], 100);
}

static int external_from_elsewhere(struct world *world) {
  return elsewhere(world, external_of_an_object);
}

static int external_of_another_heap(struct world *world) {
  return (int)gait_object_set_external(world_other_thread(world), world->slots[0], 100);
}

static int grow_of_nothing(struct world *world) {
  return gait_object_grow(world->thread, &world->frame, 100);
}

static int grow_of_an_inside(struct world *world) {
  return gait_object_grow(world->thread, (char *)world->slots[0] + 8, 16);
}

static int grow_outside(struct world *world) {
  gait_thread_leave(world->thread);
  return gait_object_grow(world->thread, world->slots[0], 16);
}

static int grow_of_an_object(struct world *world) {
  return gait_object_grow(world->thread, world->slots[0], 16);
}

static int grow_from_elsewhere(struct world *world) {
  return elsewhere(world, grow_of_an_object);
}

static int grow_of_another_heap(struct world *world) {
  return gait_object_grow(world_other_thread(world), world->slots[0], 16);
}

static int free_object(gait_thread *thread, void *object) {
  gait_object_free(thread, object);
  return 0;
}

static int free_of_nothing(struct world *world) {
  return free_object(world->thread, &world->frame);
}

static int free_of_an_inside(struct world *world) {
  return free_object(world->thread, (char *)world->slots[0] + 8);
}

static int free_outside(struct world *world) {
  gait_thread_leave(world->thread);
  return free_object(world->thread, world->slots[0]);
}

static int free_of_an_object(struct world *world) {
  return free_object(world->thread, world->slots[0]);
}

static int free_from_elsewhere(struct world *world) {
  return elsewhere(world, free_of_an_object);
}

static int free_of_another_heap(struct world *world) {
  return free_object(world_other_thread(world), world->slots[0]);
}

static int free_twice(struct world *world) {
  void *object = world->slots[0];
  world->slots[1] = gait_alloc(world->thread, gait_kind_conservative(world->heap), 64);
  free_object(world->thread, object);
  return free_object(world->thread, object);
}

static int free_the_last_twice(struct world *world) {
  free_of_an_object(world);
  return free_of_an_object(world);
}

/* Another heap, which checks promises: a holder in slot 2, an object in slot 3. */
static void world_check_frees(struct world *world) {
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = GAIT_OFF;
  options.debug.check_free = 1;
  static const uint64_t map[] = {1};
  const gait_kind_info info = {
      .name = "holder", .form = GAIT_KIND_POINTERS, .map_bytes = 8, .pointer_map = map};
  gait_kind kind;
  must(gait_heap_create(&options, &world->heap) == GAIT_OK);
  must(gait_kind_register(world->heap, &info, &kind) == GAIT_OK);
  must(gait_thread_attach(world->heap, "promises", GAIT_STACK_EXACT, &world->thread) == GAIT_OK);
  static gait_frame frame;
  static void *slots[2];
  gait_frame_push(world->thread, &frame, slots, 2);
  slots[0] = gait_alloc(world->thread, kind, 16);
  slots[1] = gait_alloc(world->thread, kind, 16);
  must(slots[0] && slots[1]);
  gait_store(world->thread, (void **)slots[0], slots[1]);
  world->slots[2] = slots[0];
  world->slots[3] = slots[1];
  slots[1] = NULL;
}

static int free_referenced_by_an_object(struct world *world) {
  world_check_frees(world);
  free_object(world->thread, world->slots[3]);
  return (int)gait_heap_collect(world->thread);
}

static int free_referenced_by_a_frame(struct world *world) {
  world_check_frees(world);
  free_object(world->thread, world->slots[2]);
  return (int)gait_heap_collect(world->thread);
}

static int free_referenced_by_a_handle(struct world *world) {
  world_check_frees(world);
  must(gait_handle_create(world->thread, world->slots[3]) != NULL);
  gait_store(world->thread, (void **)world->slots[2], NULL);
  free_object(world->thread, world->slots[3]);
  return (int)gait_heap_collect(world->thread);
}

static int free_referenced_by_a_fiber(struct world *world) {
  world_check_frees(world);
  gait_fiber *fiber;
  must(gait_fiber_register(world->thread, NULL, 0, GAIT_STACK_EXACT, &fiber) == GAIT_OK);
  gait_fiber_set_value(world->thread, fiber, world->slots[3]);
  gait_store(world->thread, (void **)world->slots[2], NULL);
  free_object(world->thread, world->slots[3]);
  return (int)gait_heap_collect(world->thread);
}

static int free_checked_twice(struct world *world) {
  world_check_frees(world);
  free_object(world->thread, world->slots[3]);
  return free_object(world->thread, world->slots[3]);
}

static gait_array array_of_bytes(struct world *world, size_t count) {
  gait_array array = {0};
  must(gait_array_init(world->thread, &array, gait_kind_leaf(world->heap), 1) == GAIT_OK);
  must(gait_array_append(world->thread, &array, count) != NULL);
  return array;
}

static int array_of_another_kind(struct world *world) {
  gait_array array = {0};
  return (int)gait_array_init(world->thread, &array, world->other_kind, 1);
}

static int array_without_init(struct world *world) {
  gait_array array = {0};
  return gait_array_reserve(world->thread, &array, 1);
}

static int array_truncated_beyond(struct world *world) {
  gait_array array = array_of_bytes(world, 4);
  gait_array_truncate(world->thread, &array, 5);
  return 0;
}

static int array_viewed_beyond(struct world *world) {
  gait_array array = array_of_bytes(world, 4);
  return (int)gait_array_view(&array, 2, 3).bytes;
}

static int array_view_parted_beyond(struct world *world) {
  gait_array array = array_of_bytes(world, 4);
  return (int)gait_view_part(gait_array_view(&array, 0, 4), 5, SIZE_MAX).bytes;
}

static int array_of_bytes_has_references(struct world *world) {
  gait_array array = array_of_bytes(world, 4);
  return gait_array_append_reference(world->thread, &array, NULL);
}

static int array_of_references_is_copied_to(struct world *world) {
  gait_array array = {0};
  gait_kind any = gait_kind_conservative(world->heap);
  must(gait_array_init(world->thread, &array, any, 8) == GAIT_OK);
  return gait_array_append_copy(world->thread, &array, &array, 1);
}

/* ---- Cleanups and finalizers ---- */

static void finalize_nothing(gait_thread *thread, void *object, void *arg) {
  (void)thread, (void)object, (void)arg;
}

static int cleanup_of_nothing(struct world *world) {
  return (int)gait_cleanup_add(world->thread, &world->frame, free, NULL, NULL);
}

static int finalizer_of_an_inside(struct world *world) {
  return (int)gait_finalizer_add(world->thread, (char *)world->slots[0] + 8, finalize_nothing, NULL,
                                 GAIT_FINALIZER_UNORDERED, NULL);
}

static int finalizer_of_another_heap(struct world *world) {
  return (int)gait_finalizer_add(world_other_thread(world), world->slots[0], finalize_nothing, NULL,
                                 GAIT_FINALIZER_UNORDERED, NULL);
}

static int cleanup_outside(struct world *world) {
  void *object = world->slots[0];
  gait_thread_leave(world->thread);
  return (int)gait_cleanup_add(world->thread, object, free, NULL, NULL);
}

static int cleanup_of_an_object(struct world *world) {
  return (int)gait_cleanup_add(world->thread, world->slots[0], free, NULL, NULL);
}

static int cleanup_from_elsewhere(struct world *world) {
  return elsewhere(world, cleanup_of_an_object);
}

static int stop_in_another_heap(struct world *world) {
  gait_cleanup cleanup;
  if (gait_cleanup_add(world->thread, world->slots[0], free, NULL, &cleanup) != GAIT_OK) return -1;
  return (int)gait_cleanup_stop(world_other_thread(world), cleanup);
}

static int run_finalizers_outside(struct world *world) {
  gait_thread_leave(world->thread);
  return (int)gait_finalizers_run(world->thread, 1);
}

static int run_all_finalizers(struct world *world) {
  return (int)gait_finalizers_run_all(world->thread);
}

static int run_finalizers_from_elsewhere(struct world *world) {
  return elsewhere(world, run_all_finalizers);
}

static int scope_add_without_one(struct world *world) {
  return null_or(gait_scope_add(world->thread, world->slots[0]));
}

static int scope_closed_twice(struct world *world) {
  gait_scope scope;
  gait_scope_open(world->thread, &scope);
  gait_scope_close(world->thread, &scope);
  gait_scope_close(world->thread, &scope);
  return 0;
}

static int scope_closed_after_the_outer_one(struct world *world) {
  gait_scope outer, inner;
  gait_scope_open(world->thread, &outer);
  gait_scope_open(world->thread, &inner);
  gait_scope_close(world->thread, &outer);
  gait_scope_close(world->thread, &inner);
  return 0;
}

static int scope_of_another_thread(struct world *world) {
  gait_scope scope;
  gait_scope_open(world->thread, &scope);
  gait_scope_close(world_other_thread(world), &scope);
  return 0;
}

static int scope_escape_to_nowhere(struct world *world) {
  gait_scope scope;
  gait_scope_open(world->thread, &scope);
  return null_or(gait_scope_escape(world->thread, &scope, world->slots[0]));
}

static int scope_opened_outside(struct world *world) {
  gait_scope scope;
  gait_thread_leave(world->thread);
  gait_scope_open(world->thread, &scope);
  return 0;
}

static gait_pool *pool_of(gait_heap *heap) {
  gait_pool *pool;
  must(gait_pool_create(heap, NULL, &pool) == GAIT_OK);
  return pool;
}

static int pool_of_another_heap(struct world *world) {
  return null_or(gait_pool_get(world->thread, pool_of(world->other_heap)));
}

static int pool_after_its_heap(struct world *world) {
  gait_pool *pool = pool_of(world->other_heap);
  must(gait_heap_destroy(world->other_heap) == GAIT_OK);
  gait_pool_put(world->thread, pool, world->slots[0]);
  return 0;
}

static int pool_outside(struct world *world) {
  gait_pool *pool = pool_of(world->heap);
  gait_thread_leave(world->thread);
  return null_or(gait_pool_get(world->thread, pool));
}

static int pool_put_an_inside(struct world *world) {
  gait_pool_put(world->thread, pool_of(world->heap), (char *)world->slots[0] + 8);
  return 0;
}

static int pool_put_twice(struct world *world) {
  gait_pool *pool = pool_of(world->heap);
  gait_pool_put(world->thread, pool, world->slots[0]);
  gait_pool_put(world->thread, pool, world->slots[0]);
  return 0;
}

static int get_a_freed_handle(struct world *world) {
  gait_handle *handle = gait_handle_create(world->thread, world->slots[0]);
  must(handle != NULL);
  gait_handle_destroy(world->thread, handle);
  return null_or(gait_handle_get(handle));
}

static int free_a_handle_twice(struct world *world) {
  gait_handle *handle = gait_handle_create(world->thread, world->slots[0]);
  must(handle != NULL);
  gait_handle_destroy(world->thread, handle);
  gait_handle_destroy(world->thread, handle);
  return GAIT_OK;
}

static int set_a_freed_handle(struct world *world) {
  gait_handle *handle = gait_handle_create(world->thread, world->slots[0]);
  must(handle != NULL);
  gait_handle_destroy(world->thread, handle);
  gait_handle_set(world->thread, handle, world->slots[0]);
  return GAIT_OK;
}

static int handle_of_another_heap(struct world *world) {
  return null_or(gait_handle_create(world->thread, world_other_object(world)));
}

static int set_a_handle_to_another_heap(struct world *world) {
  gait_handle *handle = gait_handle_create(world->thread, NULL);
  must(handle != NULL);
  gait_handle_set(world->thread, handle, world_other_object(world));
  return GAIT_OK;
}

static gait_handle *a_handle;

static int free_the_handle(struct world *world) {
  gait_handle_destroy(world->thread, a_handle);
  return GAIT_OK;
}
static int free_a_handle_from_elsewhere(struct world *world) {
  a_handle = gait_handle_create(world->thread, NULL);
  must(a_handle != NULL);
  return elsewhere(world, free_the_handle);
}

/* ---- Weak references ---- */

static gait_weak *weak_of(struct world *world) {
  gait_weak *weak = gait_weak_create(world->thread, world->slots[0]);
  must(weak != NULL);
  return world->slots[1] = weak;
}

static int weak_create_outside(struct world *world) {
  gait_thread_leave(world->thread);
  return null_or(gait_weak_create(world->thread, NULL));
}

static int weak_get_outside(struct world *world) {
  gait_weak *weak = weak_of(world);
  gait_thread_leave(world->thread);
  return null_or(gait_weak_get(world->thread, weak));
}

static int weak_get_the_first(struct world *world) {
  return null_or(gait_weak_get(world->thread, world->slots[1]));
}
static int weak_get_from_elsewhere(struct world *world) {
  weak_of(world);
  return elsewhere(world, weak_get_the_first);
}

static int weak_get_of_another_object(struct world *world) {
  return null_or(gait_weak_get(world->thread, world->slots[0]));
}

static int weak_set_inside_another(struct world *world) {
  gait_weak_set(world->thread, (gait_weak *)((char *)weak_of(world) + 8), NULL);
  return GAIT_OK;
}

static int weak_set_of_the_dead(struct world *world) {
  gait_weak *weak = weak_of(world);
  world->slots[1] = NULL;
  must(gait_heap_collect(world->thread) == GAIT_OK);
  gait_weak_set(world->thread, weak, NULL);
  return GAIT_OK;
}

/* ---- Ephemerons ---- */

static gait_ephemeron *pair_of(struct world *world) {
  gait_ephemeron *pair = gait_ephemeron_new(world->thread, world->slots[0], NULL);
  must(pair != NULL);
  return world->slots[1] = pair;
}

static int ephemeron_new_outside(struct world *world) {
  gait_thread_leave(world->thread);
  return null_or(gait_ephemeron_new(world->thread, NULL, NULL));
}

static int ephemeron_key_outside(struct world *world) {
  gait_ephemeron *pair = pair_of(world);
  gait_thread_leave(world->thread);
  return null_or(gait_ephemeron_key(world->thread, pair));
}

static int ephemeron_value_of_the_first(struct world *world) {
  return null_or(gait_ephemeron_value(world->thread, world->slots[1]));
}
static int ephemeron_value_from_elsewhere(struct world *world) {
  pair_of(world);
  return elsewhere(world, ephemeron_value_of_the_first);
}

static int ephemeron_key_of_another_object(struct world *world) {
  return null_or(gait_ephemeron_key(world->thread, world->slots[0]));
}

static int ephemeron_set_a_weak_reference(struct world *world) {
  gait_ephemeron_set_value(world->thread, (gait_ephemeron *)weak_of(world), NULL);
  return GAIT_OK;
}

static int ephemeron_set_inside_another(struct world *world) {
  gait_ephemeron_set_value(world->thread, (gait_ephemeron *)((char *)pair_of(world) + 8), NULL);
  return GAIT_OK;
}

static int ephemeron_clear_of_the_dead(struct world *world) {
  gait_ephemeron *pair = pair_of(world);
  world->slots[1] = NULL;
  must(gait_heap_collect(world->thread) == GAIT_OK);
  gait_ephemeron_clear(world->thread, pair);
  return GAIT_OK;
}

/* ---- Forks in callbacks, on a thread that does the collector's work ---- */

static void fork_here(void) {
  if (fork() == 0) _exit(0);
}

static void trace_and_fork(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)tracer, (void)object, (void)bytes, (void)arg;
  fork_here();
}

static int fork_in_a_trace(struct world *world) {
  gait_kind kind;
  const gait_kind_info info = {
      .name = "forks", .form = GAIT_KIND_CALLBACK, .trace = trace_and_fork};
  must(gait_kind_register(world->heap, &info, &kind) == GAIT_OK);
  world->slots[1] = gait_alloc(world->thread, kind, 64);
  return (int)gait_heap_collect(world->thread);
}

static void roots_and_fork(gait_tracer *tracer, void *arg) {
  (void)tracer, (void)arg;
  fork_here();
}

static int fork_in_roots(struct world *world) {
  must(gait_roots_add_callback(world->heap, roots_and_fork, NULL, GAIT_ROOTS_BARRIERED) == GAIT_OK);
  return (int)gait_heap_collect(world->thread);
}

static void cycle_and_fork(gait_heap *heap, const struct gait_cycle_record *record, void *arg) {
  (void)heap, (void)record, (void)arg;
  fork_here();
}

static void log_and_fork(const char *line, void *arg) {
  (void)line, (void)arg;
  fork_here();
}

static int collect_another(const gait_options *options) {
  gait_heap *heap;
  gait_thread *thread;
  must(gait_heap_create(options, &heap) == GAIT_OK);
  must(gait_thread_attach(heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  return (int)gait_heap_collect(thread);
}

static int fork_at_the_end_of_a_cycle(struct world *world) {
  (void)world;
  gait_options options;
  gait_options_init(&options);
  options.cycle = cycle_and_fork;
  return collect_another(&options);
}

static int fork_in_the_log(struct world *world) {
  (void)world;
  gait_options options;
  gait_options_init(&options);
  options.trace = 1;
  options.log = log_and_fork;
  return collect_another(&options);
}

/* ---- The table ---- */

/*   checked  the name in the line of a client with checks; NULL: as one without
 *   check    the name in the debug library's line; NULL: every build returns the result
 *   release  what a release library gives, or ABORTS, or UNNOTICED, in the debug library too */
static const struct misuse {
  const char *name;
  int (*run)(struct world *);
  const char *checked;
  const char *check;
  int release;
} misuses[] = {
    {"alloc_nothing", alloc_nothing, NULL, NULL, GAIT_OK},
    {"alloc_too_much", alloc_too_much, NULL, NULL, GAIT_OK},
    {"alloc_other_kind", alloc_other_kind, "alloc.kind", "alloc.kind", GAIT_OK},
    {"alloc_twin_kind", alloc_twin_kind, "alloc.kind", "alloc.kind", GAIT_OK},
    {"alloc_twin_kind_from_a_run", alloc_twin_kind_from_a_run, "alloc.kind", NULL, UNNOTICED},
    {"alloc_large_other_kind", alloc_large_other_kind, "alloc.kind", "alloc.kind", GAIT_OK},
    {"alloc_no_kind", alloc_no_kind, "alloc.kind", "alloc.kind", GAIT_OK},
    {"alloc_unset_kind", alloc_unset_kind, "alloc.kind", "alloc.kind", GAIT_OK},
    {"alloc_kind_of_a_heap_that_is_gone", alloc_kind_of_a_heap_that_is_gone, "alloc.kind",
     "alloc.kind", GAIT_OK},
    {"align_other_kind", align_other_kind, "alloc.kind", "alloc.kind", GAIT_OK},
    {"array_of_other_kind", array_of_other_kind, "alloc.kind", "alloc.kind", GAIT_OK},
    {"align_by_zero", align_by_zero, NULL, NULL, GAIT_OK},
    {"align_by_24", align_by_24, NULL, NULL, GAIT_OK},
    {"align_by_two_pages", align_by_two_pages, NULL, NULL, GAIT_OK},
    {"align_too_much", align_too_much, NULL, NULL, GAIT_OK},
    {"alloc_aligned_nothing", alloc_aligned_nothing, NULL, NULL, GAIT_OK},
    {"alloc_empty_array", alloc_empty_array, NULL, NULL, GAIT_OK},
    {"alloc_array_that_overflows", alloc_array_that_overflows, NULL, NULL, GAIT_OK},
    {"alloc_outside", alloc_outside, "thread.managed", "alloc.managed", ABORTS},
    {"alloc_outside_from_a_run", alloc_outside_from_a_run, "thread.managed", NULL, UNNOTICED},
    {"alloc_from_elsewhere", alloc_from_elsewhere, "thread.owner", NULL, UNNOTICED},
    {"alloc_detached", alloc_detached, "thread.attached", "alloc.managed", ABORTS},
    {"alloc_in_a_trace", alloc_in_a_trace, "thread", "alloc.managed", ABORTS},
    {"detach_twice", detach_twice, NULL, "thread.attached", GAIT_ERROR_NOT_ATTACHED},
    {"detach_from_elsewhere", detach_from_elsewhere, NULL, "thread.owner", GAIT_ERROR_STATE},
    {"leave_twice", leave_twice, NULL, "thread.state", ABORTS},
    {"leave_from_elsewhere", leave_from_elsewhere, NULL, "thread.owner", ABORTS},
    {"enter_inside", enter_inside, NULL, "thread.state", ABORTS},
    {"enter_twice", enter_twice, NULL, "thread.state", ABORTS},
    {"enter_detached", enter_detached, NULL, "thread.state", ABORTS},
    {"enter_from_elsewhere", enter_from_elsewhere, NULL, "thread.owner", ABORTS},
    {"outside_while_outside", outside_while_outside, NULL, "thread.state", ABORTS},
    {"outside_from_elsewhere", outside_from_elsewhere, NULL, "thread.owner", ABORTS},
    {"outside_returns_inside", outside_returns_inside, NULL, "thread.state", ABORTS},
    {"outside_returns_inside_further_in", outside_returns_inside_further_in, NULL, "thread.state",
     ABORTS},
    {"outside_leaves_once_more", outside_leaves_once_more, NULL, "thread.state", ABORTS},
    {"outside_returns_detached", outside_returns_detached, NULL, "thread.state", ABORTS},
    {"collect_outside", collect_outside, NULL, "collect.managed", GAIT_ERROR_STATE},
    {"collect_from_elsewhere", collect_from_elsewhere, NULL, "thread.owner", GAIT_ERROR_STATE},
    {"poll_outside", poll_outside, "thread.managed", NULL, UNNOTICED},
    {"poll_from_elsewhere", poll_from_elsewhere, "thread.owner", NULL, UNNOTICED},
    {"load_off_its_alignment", load_off_its_alignment, "slot.aligned", NULL, UNNOTICED},
    {"store_from_elsewhere", store_from_elsewhere, "thread.owner", NULL, UNNOTICED},
    {"store_outside", store_outside, "thread.managed", NULL, UNNOTICED},
    {"store_detached", store_detached, "thread.attached", NULL, UNNOTICED},
    {"store_off_its_alignment", store_off_its_alignment, "slot.aligned", NULL, UNNOTICED},
    {"store_with_other_thread", store_with_other_thread, "store.heap", NULL, UNNOTICED},
    {"store_other_value", store_other_value, "store.value", NULL, UNNOTICED},
    {"store_other_value_in_a_root", store_other_value_in_a_root, "store.value", NULL, UNNOTICED},
    {"store_to_one_of_many_heaps", store_to_one_of_many_heaps, "store.heap", NULL, UNNOTICED},
    {"store_to_the_dead", store_to_the_dead, "store.slot", NULL, UNNOTICED},
    {"store_the_dead", store_the_dead, "store.value", NULL, UNNOTICED},
    {"init_with_other_thread", init_with_other_thread, "store.heap", NULL, UNNOTICED},
    {"init_other_value", init_other_value, "store.value", NULL, UNNOTICED},
    {"init_twice", init_twice, "store.init", NULL, UNNOTICED},
    {"cas_with_other_thread", cas_with_other_thread, "store.heap", NULL, UNNOTICED},
    {"cas_other_value", cas_other_value, "store.value", NULL, UNNOTICED},
    {"copy_with_other_thread", copy_with_other_thread, "store.heap", NULL, UNNOTICED},
    {"copy_other_values", copy_other_values, "store.value", NULL, UNNOTICED},
    {"copy_over_the_end", copy_over_the_end, "store.slot", NULL, UNNOTICED},
    {"clear_with_other_thread", clear_with_other_thread, "store.heap", NULL, UNNOTICED},
    {"clear_off_its_alignment", clear_off_its_alignment, "slot.aligned", NULL, UNNOTICED},
    {"pop_the_outer_frame", pop_the_outer_frame, "frame.order", NULL, UNNOTICED},
    {"pop_a_frame_twice", pop_a_frame_twice, "frame.order", NULL, UNNOTICED},
    {"push_a_frame_twice", push_a_frame_twice, "frame.order", NULL, UNNOTICED},
    {"push_a_frame_without_slots", push_a_frame_without_slots, "frame.slots", NULL, UNNOTICED},
    {"push_a_sized_frame_without_a_count", push_a_sized_frame_without_a_count, "frame.slots", NULL,
     UNNOTICED},
    {"use_more_slots_than_a_frame_has", use_more_slots_than_a_frame_has, NULL, "frame.count",
     ABORTS},
    {"push_a_frame_outside", push_a_frame_outside, "thread.managed", NULL, UNNOTICED},
    {"pop_a_frame_from_elsewhere", pop_a_frame_from_elsewhere, "thread.owner", NULL, UNNOTICED},
    {"weak_create_outside", weak_create_outside, NULL, "thread.managed", ABORTS},
    {"weak_get_outside", weak_get_outside, NULL, "thread.managed", ABORTS},
    {"weak_get_from_elsewhere", weak_get_from_elsewhere, NULL, "thread.owner", ABORTS},
    {"weak_get_of_another_object", weak_get_of_another_object, NULL, "weak.live", ABORTS},
    {"weak_set_inside_another", weak_set_inside_another, NULL, "weak.live", ABORTS},
    {"weak_set_of_the_dead", weak_set_of_the_dead, NULL, "weak.live", ABORTS},
    {"ephemeron_new_outside", ephemeron_new_outside, NULL, "thread.managed", ABORTS},
    {"ephemeron_key_outside", ephemeron_key_outside, NULL, "thread.managed", ABORTS},
    {"ephemeron_value_from_elsewhere", ephemeron_value_from_elsewhere, NULL, "thread.owner",
     ABORTS},
    {"ephemeron_key_of_another_object", ephemeron_key_of_another_object, NULL, "ephemeron.live",
     ABORTS},
    {"ephemeron_set_a_weak_reference", ephemeron_set_a_weak_reference, NULL, "ephemeron.live",
     ABORTS},
    {"ephemeron_set_inside_another", ephemeron_set_inside_another, NULL, "ephemeron.live", ABORTS},
    {"ephemeron_clear_of_the_dead", ephemeron_clear_of_the_dead, NULL, "ephemeron.live", ABORTS},
    {"attach_nothing", attach_nothing, NULL, NULL, GAIT_ERROR_ARGUMENT},
    {"attach_to_no_place", attach_to_no_place, NULL, NULL, GAIT_ERROR_ARGUMENT},
    {"destroy_nothing", destroy_nothing, NULL, NULL, GAIT_ERROR_ARGUMENT},
    {"create_to_no_place", create_to_no_place, NULL, NULL, GAIT_ERROR_ARGUMENT},
    {"register_nothing", register_nothing, NULL, NULL, GAIT_ERROR_ARGUMENT},
    {"root_off_its_alignment", root_off_its_alignment, NULL, NULL, GAIT_ERROR_ARGUMENT},
    {"external_of_nothing", external_of_nothing, NULL, "external.object", GAIT_ERROR_ARGUMENT},
    {"external_of_an_inside", external_of_an_inside, NULL, "external.object", GAIT_ERROR_ARGUMENT},
    {"external_outside", external_outside, NULL, "external.managed", GAIT_ERROR_STATE},
    {"external_from_elsewhere", external_from_elsewhere, NULL, "thread.owner", GAIT_ERROR_STATE},
    {"external_of_another_heap", external_of_another_heap, NULL, "external.object",
     GAIT_ERROR_ARGUMENT},
    {"grow_of_nothing", grow_of_nothing, NULL, "object.start", ABORTS},
    {"grow_of_an_inside", grow_of_an_inside, NULL, "object.start", ABORTS},
    {"grow_outside", grow_outside, NULL, "object.managed", ABORTS},
    {"grow_from_elsewhere", grow_from_elsewhere, NULL, "thread.owner", ABORTS},
    {"grow_of_another_heap", grow_of_another_heap, NULL, "object.start", ABORTS},
    {"free_of_nothing", free_of_nothing, NULL, "object.start", ABORTS},
    {"free_of_an_inside", free_of_an_inside, NULL, "object.start", ABORTS},
    {"free_outside", free_outside, NULL, "object.managed", ABORTS},
    {"free_from_elsewhere", free_from_elsewhere, NULL, "thread.owner", ABORTS},
    {"free_of_another_heap", free_of_another_heap, NULL, "object.start", ABORTS},
    {"free_twice", free_twice, NULL, "free.twice", ABORTS},
    {"free_the_last_twice", free_the_last_twice, NULL, "free.twice", ABORTS},
    {"free_referenced_by_an_object", free_referenced_by_an_object, NULL, "free.referenced", ABORTS},
    {"free_referenced_by_a_frame", free_referenced_by_a_frame, NULL, "free.referenced", ABORTS},
    {"free_referenced_by_a_handle", free_referenced_by_a_handle, NULL, "free.referenced", ABORTS},
    {"free_referenced_by_a_fiber", free_referenced_by_a_fiber, NULL, "free.referenced", ABORTS},
    {"free_checked_twice", free_checked_twice, NULL, "free.twice", ABORTS},
    {"array_of_another_kind", array_of_another_kind, NULL, "array.kind", GAIT_ERROR_ARGUMENT},
    {"array_without_init", array_without_init, NULL, "array.kind", ABORTS},
    {"array_truncated_beyond", array_truncated_beyond, NULL, "array.range", ABORTS},
    {"array_viewed_beyond", array_viewed_beyond, NULL, "array.range", ABORTS},
    {"array_view_parted_beyond", array_view_parted_beyond, NULL, "view.range", ABORTS},
    {"array_of_bytes_has_references", array_of_bytes_has_references, NULL, "array.reference",
     ABORTS},
    {"array_of_references_is_copied_to", array_of_references_is_copied_to, NULL, "array.leaf",
     ABORTS},
    {"cleanup_of_nothing", cleanup_of_nothing, NULL, "finalizer.object", GAIT_ERROR_ARGUMENT},
    {"finalizer_of_an_inside", finalizer_of_an_inside, NULL, "finalizer.object",
     GAIT_ERROR_ARGUMENT},
    {"finalizer_of_another_heap", finalizer_of_another_heap, NULL, "finalizer.object",
     GAIT_ERROR_ARGUMENT},
    {"cleanup_outside", cleanup_outside, NULL, "finalizer.managed", GAIT_ERROR_STATE},
    {"cleanup_from_elsewhere", cleanup_from_elsewhere, NULL, "thread.owner", GAIT_ERROR_STATE},
    {"stop_in_another_heap", stop_in_another_heap, NULL, "finalizer.heap", GAIT_ERROR_WRONG_HEAP},
    {"run_finalizers_outside", run_finalizers_outside, NULL, "finalizer.managed", ABORTS},
    {"run_finalizers_from_elsewhere", run_finalizers_from_elsewhere, NULL, "thread.owner", ABORTS},
    {"scope_add_without_one", scope_add_without_one, NULL, "scope.open", ABORTS},
    {"scope_closed_twice", scope_closed_twice, NULL, "scope.order", ABORTS},
    {"scope_closed_after_the_outer_one", scope_closed_after_the_outer_one, NULL, "scope.order",
     ABORTS},
    {"scope_of_another_thread", scope_of_another_thread, NULL, "scope.thread", ABORTS},
    {"scope_escape_to_nowhere", scope_escape_to_nowhere, NULL, "scope.outer", ABORTS},
    {"scope_opened_outside", scope_opened_outside, NULL, "scope.managed", ABORTS},
    {"pool_of_another_heap", pool_of_another_heap, NULL, "pool.heap", ABORTS},
    {"pool_after_its_heap", pool_after_its_heap, NULL, "pool.heap", ABORTS},
    {"pool_outside", pool_outside, NULL, "pool.managed", ABORTS},
    {"pool_put_an_inside", pool_put_an_inside, NULL, "pool.object", ABORTS},
    {"pool_put_twice", pool_put_twice, NULL, "pool.twice", GAIT_OK},
    {"get_a_freed_handle", get_a_freed_handle, NULL, "handle.live", ABORTS},
    {"set_a_freed_handle", set_a_freed_handle, NULL, "handle.live", ABORTS},
    {"free_a_handle_twice", free_a_handle_twice, NULL, "handle.live", ABORTS},
    {"handle_of_another_heap", handle_of_another_heap, "store.value", NULL, UNNOTICED},
    {"set_a_handle_to_another_heap", set_a_handle_to_another_heap, "store.value", NULL, UNNOTICED},
    {"free_a_handle_from_elsewhere", free_a_handle_from_elsewhere, "thread.owner", NULL, UNNOTICED},
    {"fork_in_a_trace", fork_in_a_trace, NULL, "fork.callback", ABORTS},
    {"fork_in_roots", fork_in_roots, NULL, "fork.callback", ABORTS},
    {"fork_at_the_end_of_a_cycle", fork_at_the_end_of_a_cycle, NULL, "fork.callback", ABORTS},
    {"fork_in_the_log", fork_in_the_log, NULL, "fork.callback", ABORTS},
};
#define MISUSES (sizeof misuses / sizeof *misuses)

/* ---- The test ---- */

static int misuse_run(const void *arg) {
  const struct misuse *misuse = arg;
  static struct world world;
  world_open(&world);
  return misuse->run(&world);
}

/* Whether the line names the check, or for a noun alone any check of that noun: which it is depends
 * on the thread that runs a callback. */
static bool names_check(const char *said, const char *check) {
  char expected[128];
  snprintf(expected, sizeof expected, "gait: REQUIRE(%s", check);
  const size_t length = strlen(expected);
  const char *rest = strchr(said, ')');
  return strncmp(said, expected, length) == 0 && (said[length] == ')' || said[length] == '.') &&
         rest && strncmp(rest, ") failed in ", 12) == 0;
}

static void expect_check(const struct misuse *misuse, const char *check, int status,
                         const char *said) {
  ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
                "%s: no abort but status %#x; it said: %s", misuse->name, (unsigned)status, said);
  ck_assert_msg(names_check(said, check), "%s: expected %s but it said: %s", misuse->name, check,
                said);
  const char *end = strchr(said, '\n');
  ck_assert_msg(end && end[1] == '\0', "%s: more than one line: %s", misuse->name, said);
}

/* The check that this build names; NULL: it returns a result. */
static const char *check_expected(const struct misuse *misuse) {
  if (CLIENT_IS_CHECKED && misuse->checked) return misuse->checked;
  return BUILD_NAMES_CHECKS || misuse->release == ABORTS ? misuse->check : NULL;
}

START_TEST(misuse_is_noticed) {
  const struct misuse *misuse = &misuses[_i];
  static char said[4096];
  const char *check = check_expected(misuse);
  if (!check && misuse->release == UNNOTICED) return;
  const int status = apart_run(misuse_run, misuse, said, sizeof said);
  if (check) {
    expect_check(misuse, check, status, said);
    return;
  }
  ck_assert_msg(WIFEXITED(status), "%s: status %#x; it said: %s", misuse->name, (unsigned)status,
                said);
  ck_assert_msg(WEXITSTATUS(status) == misuse->release, "%s: result %d, not %d", misuse->name,
                WEXITSTATUS(status), misuse->release);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("negative");
  TCase *tcase = suite_case(suite, "misuse");
  tcase_add_loop_test(tcase, misuse_is_noticed, 0, (int)MISUSES);
  return suite_end(suite);
}
