/* cost_calls.c: allocation, and calls that do no store. */
#include "costs.h"

#include <pthread.h>
#include <stdlib.h>
#include <ucontext.h>

#include "gait/array.h"
#include "gait/fiber.h"
#include "gait/finalizer.h"
#include "gait/pool.h"
#include "gait/scope.h"
#include "gait/weak.h"

#define CALLS 1000000u

/* ---- Allocation ---- */

struct allocation {
  gait_kind kind;
  size_t bytes;
};

static void allocate(struct bench *bench, void *arg, size_t count) {
  const struct allocation *allocation = arg;
  for (size_t i = 0; i < count; i++)
    cost_require(gait_alloc(bench->thread, allocation->kind, allocation->bytes) != NULL,
                 "gait_alloc");
}

static void allocate_and_free(struct bench *bench, void *arg, size_t count) {
  const struct allocation *allocation = arg;
  for (size_t i = 0; i < count; i++)
    gait_object_free(bench->thread, gait_alloc(bench->thread, allocation->kind, allocation->bytes));
}

void costs_of_allocation(void) {
  static const struct {
    const char *name;
    size_t bytes, count;
    bool leaf;
  } rows[] = {
      {"leaf, 16 bytes", 16, 2000000, true},        {"leaf, 64 bytes", 64, 2000000, true},
      {"references, 64 bytes", 64, 2000000, false}, {"leaf, 1 KiB", 1024, 200000, true},
      {"references, 1 KiB", 1024, 200000, false},   {"leaf, 64 KiB", 65536, 2000, true},
  };
  struct bench bench;
  bench_begin(&bench, GAIT_OFF);
  cost_title("Allocation, with its share of collections that find nothing alive", "ns");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct allocation allocation = {rows[i].leaf ? gait_kind_leaf(bench.heap) : bench.references,
                                    rows[i].bytes};
    cost_of_call(&bench, rows[i].name, allocate, &allocation, rows[i].count);
  }
  struct allocation freed = {gait_kind_leaf(bench.heap), 64};
  cost_of_call(&bench, "leaf, 64 bytes, and `gait_object_free`", allocate_and_free, &freed, CALLS);
  bench_end(&bench);
}

/* ---- Roots ---- */

static void push_and_pop(struct bench *bench, void *arg, size_t count) {
  void *slots[2] = {NULL, NULL};
  (void)arg;
  for (size_t i = 0; i < count; i++) {
    gait_frame frame;
    gait_frame_push(bench->thread, &frame, slots, 2);
    __asm__ volatile("" : : "r"(&frame) : "memory");
    gait_frame_pop(bench->thread, &frame);
  }
}

static void open_and_close(struct bench *bench, void *arg, size_t count) {
  (void)arg;
  for (size_t i = 0; i < count; i++) {
    gait_scope scope;
    gait_scope_open(bench->thread, &scope);
    gait_scope_close(bench->thread, &scope);
  }
}

static void add_to_scope(struct bench *bench, void *arg, size_t count) {
  gait_scope scope;
  gait_scope_open(bench->thread, &scope);
  for (size_t i = 0; i < count; i++)
    gait_scope_add(bench->thread, arg);
  gait_scope_close(bench->thread, &scope);
}

static void make_handles(struct bench *bench, void *arg, size_t count) {
  for (size_t i = 0; i < count; i++)
    gait_handle_destroy(bench->thread, gait_handle_create(bench->thread, arg));
}

static void add_ranges(struct bench *bench, void *arg, size_t count) {
  static void *range[4];
  (void)arg;
  for (size_t i = 0; i < count; i++) {
    gait_roots_add(bench->heap, range, sizeof range, GAIT_ROOTS_BARRIERED);
    gait_roots_remove(bench->heap, range);
  }
}

/* ---- Threads ---- */

static void poll(struct bench *bench, void *arg, size_t count) {
  (void)arg;
  for (size_t i = 0; i < count; i++)
    gait_thread_poll(bench->thread);
}

static void leave_and_enter(struct bench *bench, void *arg, size_t count) {
  (void)arg;
  for (size_t i = 0; i < count; i++) {
    gait_thread_leave(bench->thread);
    gait_thread_enter(bench->thread);
  }
}

static void *nothing(void *arg) {
  return arg;
}

static void go_outside(struct bench *bench, void *arg, size_t count) {
  for (size_t i = 0; i < count; i++)
    gait_thread_outside(bench->thread, nothing, arg);
}

static void find_thread(struct bench *bench, void *arg, size_t count) {
  (void)arg;
  for (size_t i = 0; i < count; i++)
    cost_require(gait_thread_current(bench->heap) != NULL, "gait_thread_current");
}

static void attach(struct bench *bench, void *arg, size_t count) {
  gait_heap *other = arg;
  (void)bench;
  for (size_t i = 0; i < count; i++) {
    gait_thread *thread;
    cost_require(gait_thread_attach(other, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK,
                 "gait_thread_attach");
    gait_thread_detach(thread);
  }
}

/* ---- Fibers ---- */

struct contexts {
  ucontext_t own, other;
  struct bench *bench;
  gait_fiber *fiber; /* NULL: a context that Gait does not know */
};

static void swap_in(void *arg) {
  struct contexts *contexts = arg;
  swapcontext(&contexts->own, &contexts->other);
}

static void swap_out(void *arg) {
  struct contexts *contexts = arg;
  swapcontext(&contexts->other, &contexts->own);
}

static struct contexts contexts;

static void context_main(void) {
  for (;;) {
    if (contexts.fiber)
      gait_fiber_switch(contexts.bench->thread, NULL, swap_out, &contexts);
    else
      swap_out(&contexts);
  }
}

static void swap(struct bench *bench, void *arg, size_t count) {
  for (size_t i = 0; i < count / 2; i++) {
    if (contexts.fiber)
      gait_fiber_switch(bench->thread, contexts.fiber, swap_in, arg);
    else
      swap_in(arg);
  }
}

static void costs_of_fibers(struct bench *bench) {
  const size_t bytes = (size_t)256 << 10;
  void *stack = malloc(bytes);
  cost_require(stack != NULL, "malloc");
  contexts.bench = bench;
  for (int known = 0; known < 2; known++) {
    getcontext(&contexts.other);
    contexts.other.uc_stack.ss_sp = stack;
    contexts.other.uc_stack.ss_size = bytes;
    makecontext(&contexts.other, context_main, 0);
    if (known)
      cost_require(gait_fiber_register(bench->thread, stack, bytes, GAIT_STACK_CONSERVATIVE,
                                       &contexts.fiber) == GAIT_OK,
                   "gait_fiber_register");
    cost_of_call(bench, known ? "`gait_fiber_switch`, with it" : "`swapcontext` alone", swap,
                 &contexts, CALLS);
  }
  gait_fiber_unregister(bench->thread, contexts.fiber);
  free(stack);
}

/* ---- Objects ---- */

static void make_weak(struct bench *bench, void *arg, size_t count) {
  for (size_t i = 0; i < count; i++)
    cost_require(gait_weak_create(bench->thread, arg) != NULL, "gait_weak_create");
}

static void add_cleanup(struct bench *bench, void *arg, size_t count) {
  for (size_t i = 0; i < count; i++) {
    gait_cleanup cleanup;
    gait_cleanup_add(bench->thread, arg, free, NULL, &cleanup);
    gait_cleanup_stop(bench->thread, cleanup);
  }
}

static void set_external(struct bench *bench, void *arg, size_t count) {
  for (size_t i = 0; i < count; i++)
    gait_object_set_external(bench->thread, arg, 100 + i % 2);
}

static void *new_buffer(gait_thread *thread, void *arg) {
  (void)arg;
  return gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)), 64);
}

static void use_pool(struct bench *bench, void *arg, size_t count) {
  for (size_t i = 0; i < count; i++)
    gait_pool_put(bench->thread, arg, gait_pool_get(bench->thread, arg));
}

static void append(struct bench *bench, void *arg, size_t count) {
  gait_array array;
  gait_frame frame;
  gait_array_init(bench->thread, &array, bench->references, sizeof(void *));
  gait_frame_push(bench->thread, &frame, &array.items, 1);
  for (size_t i = 0; i < count; i++)
    gait_array_append_reference(bench->thread, &array, arg);
  gait_frame_pop(bench->thread, &frame);
}

static void costs_of_objects(struct bench *bench, void *object) {
  const gait_pool_info info = {.new_object = new_buffer};
  gait_pool *pool;
  cost_require(gait_pool_create(bench->heap, &info, &pool) == GAIT_OK, "gait_pool_create");
  cost_of_call(bench, "`gait_weak_create`, with its share of collections", make_weak, object,
               CALLS);
  cost_of_call(bench, "`gait_cleanup_add` and `gait_cleanup_stop`", add_cleanup, object, CALLS);
  cost_of_call(bench, "`gait_object_set_external`", set_external, object, CALLS);
  cost_of_call(bench, "`gait_pool_get` and `gait_pool_put`", use_pool, pool, CALLS);
  cost_of_call(bench, "`gait_array_append_reference`", append, object, CALLS);
  gait_pool_destroy(pool);
}

void costs_of_calls(void) {
  struct bench bench, other;
  bench_begin(&bench, GAIT_OFF);
  bench_begin(&other, GAIT_OFF);
  cost_require(gait_thread_detach(other.thread) == GAIT_OK, "gait_thread_detach");
  void *object = gait_alloc(bench.thread, bench.references, 64);
  gait_handle *handle = gait_handle_create(bench.thread, object);
  cost_title("Calls, while no cycle runs", "ns");
  cost_of_call(&bench, "`gait_frame_push` and `gait_frame_pop`", push_and_pop, NULL, CALLS);
  cost_of_call(&bench, "`gait_scope_open` and `gait_scope_close`", open_and_close, NULL, CALLS);
  cost_of_call(&bench, "`gait_scope_add`", add_to_scope, object, CALLS);
  cost_of_call(&bench, "`gait_handle_create` and `gait_handle_destroy`", make_handles, object,
               CALLS);
  cost_of_call(&bench, "`gait_roots_add` and `gait_roots_remove`", add_ranges, NULL, CALLS / 10);
  cost_of_call(&bench, "`gait_thread_poll`", poll, NULL, CALLS * 10);
  cost_of_call(&bench, "`gait_thread_leave` and `gait_thread_enter`", leave_and_enter, NULL, CALLS);
  cost_of_call(&bench, "`gait_thread_outside`", go_outside, NULL, CALLS);
  cost_of_call(&bench, "`gait_thread_current`", find_thread, NULL, CALLS);
  cost_of_call(&bench, "`gait_thread_attach` and `gait_thread_detach`", attach, other.heap, 10000);
  costs_of_fibers(&bench);
  costs_of_objects(&bench, object);
  gait_handle_destroy(bench.thread, handle);
  cost_require(gait_heap_destroy(other.heap) == GAIT_OK, "gait_heap_destroy");
  bench_end(&bench);
}
