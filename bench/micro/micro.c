/* micro [-bench=TEXT] [-benchtime=TIME] [-count=N] [-collector]: single calls, in lines of Go's
 * form, for benchstat to compare two builds of the library.  costs has the same calls and more, in
 * a table, with the least of several runs. */
#include <stdio.h>
#include <stdlib.h>

#include "gait/array.h"
#include "gait/bench.h"
#include "gait/pool.h"
#include "gait/scope.h"
#include "gait/weak.h"

/* All that a benchmark may want. */
struct micro {
  gait_kind leaf;
  gait_kind references;
  size_t bytes;
  void *slots[3]; /* a frame: an object; what it refers to; an array's items */
};

/* ---- Allocation ---- */

static void alloc_leaf(gait_bench *bench, void *arg) {
  const struct micro *micro = arg;
  for (size_t i = 0; i < bench->n; i++)
    if (!gait_alloc(bench->thread, micro->leaf, micro->bytes)) abort();
}

static void alloc_references(gait_bench *bench, void *arg) {
  const struct micro *micro = arg;
  for (size_t i = 0; i < bench->n; i++)
    if (!gait_alloc(bench->thread, micro->references, micro->bytes)) abort();
}

static void alloc_and_free(gait_bench *bench, void *arg) {
  const struct micro *micro = arg;
  for (size_t i = 0; i < bench->n; i++)
    gait_object_free(bench->thread, gait_alloc(bench->thread, micro->leaf, micro->bytes));
}

/* ---- References ---- */

static void store(gait_bench *bench, void *arg) {
  struct micro *micro = arg;
  void **object = micro->slots[0];
  for (size_t i = 0; i < bench->n; i++)
    gait_store(bench->thread, object, micro->slots[1]);
}

static void load(gait_bench *bench, void *arg) {
  struct micro *micro = arg;
  void **object = micro->slots[0];
  for (size_t i = 0; i < bench->n; i++)
    __asm__ volatile("" : : "r"(gait_load(object)));
}

static void poll(gait_bench *bench, void *arg) {
  (void)arg;
  for (size_t i = 0; i < bench->n; i++)
    gait_thread_poll(bench->thread);
}

static void handle(gait_bench *bench, void *arg) {
  const struct micro *micro = arg;
  for (size_t i = 0; i < bench->n; i++)
    gait_handle_destroy(bench->thread, gait_handle_create(bench->thread, micro->slots[0]));
}

static void scope(gait_bench *bench, void *arg) {
  const struct micro *micro = arg;
  for (size_t i = 0; i < bench->n; i++) {
    gait_scope opened;
    gait_scope_open(bench->thread, &opened);
    gait_scope_add(bench->thread, micro->slots[0]);
    gait_scope_close(bench->thread, &opened);
  }
}

static void weak(gait_bench *bench, void *arg) {
  const struct micro *micro = arg;
  for (size_t i = 0; i < bench->n; i++)
    if (!gait_weak_create(bench->thread, micro->slots[0])) abort();
}

/* ---- Arrays and pools ---- */

static void append(gait_bench *bench, void *arg) {
  struct micro *micro = arg;
  gait_array array = {0};
  for (size_t i = 0; i < bench->n; i++) {
    if (i % 1000 == 0) gait_array_init(bench->thread, &array, micro->references, sizeof(void *));
    gait_array_append_reference(bench->thread, &array, micro->slots[0]);
    micro->slots[2] = array.items;
  }
}

static void *pool_new(gait_thread *thread, void *arg) {
  const struct micro *micro = arg;
  return gait_alloc(thread, micro->leaf, 1024);
}

static void pool(gait_bench *bench, void *arg) {
  const gait_pool_info info = {.new_object = pool_new, .arg = arg};
  gait_pool *made;
  if (gait_pool_create(gait_thread_heap(bench->thread), &info, &made)) abort();
  gait_bench_reset(bench);
  for (size_t i = 0; i < bench->n; i++)
    gait_pool_put(bench->thread, made, gait_pool_get(bench->thread, made));
  gait_bench_stop(bench);
  gait_pool_destroy(made);
}

static void collect(gait_bench *bench, void *arg) {
  (void)arg;
  for (size_t i = 0; i < bench->n; i++)
    gait_heap_collect(bench->thread);
}

/* ---- All ---- */

static const struct {
  const char *name;
  gait_bench_fn *body;
  size_t bytes;
} benchmarks[] = {
    {"Alloc/leaf/16", alloc_leaf, 16},
    {"Alloc/leaf/64", alloc_leaf, 64},
    {"Alloc/leaf/1024", alloc_leaf, 1024},
    {"Alloc/leaf/65536", alloc_leaf, 65536},
    {"Alloc/references/16", alloc_references, 16},
    {"Alloc/references/64", alloc_references, 64},
    {"Alloc/references/1024", alloc_references, 1024},
    {"AllocAndFree/64", alloc_and_free, 64},
    {"Load", load, 0},
    {"Store", store, 0},
    {"Poll", poll, 0},
    {"Handle", handle, 0},
    {"Scope", scope, 0},
    {"Weak", weak, 0},
    {"Append", append, 0},
    {"Pool", pool, 0},
    {"Collect", collect, 0},
};

static void run_all(gait_bench *bench, struct micro *micro) {
  static const uint64_t map[] = {1};
  const gait_kind_info info = {.name = "references",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(void *),
                               .repeat_bytes = sizeof(void *),
                               .pointer_map = map};
  gait_heap *heap = gait_thread_heap(bench->thread);
  if (gait_kind_register(heap, &info, &micro->references)) abort();
  micro->leaf = gait_kind_leaf(heap);
  micro->slots[0] = gait_alloc(bench->thread, micro->references, 64);
  micro->slots[1] = gait_alloc(bench->thread, micro->references, 64);
  for (size_t i = 0; i < sizeof benchmarks / sizeof *benchmarks; i++) {
    micro->bytes = benchmarks[i].bytes;
    gait_bench_run(bench, benchmarks[i].name, benchmarks[i].body, micro);
  }
}

int main(int argc, char **argv) {
  gait_heap *heap;
  gait_thread *thread;
  gait_bench bench;
  struct micro micro = {.bytes = 0};
  gait_frame frame;
  if (gait_heap_create(NULL, &heap) || gait_thread_attach(heap, "micro", GAIT_STACK_EXACT, &thread))
    return 1;
  gait_bench_init(&bench, thread, "gait/micro");
  int known = gait_bench_arguments(&bench, argc, argv);
  if (known < argc) fprintf(stderr, "micro: %s is no setting\n", argv[known]);
  gait_frame_push(thread, &frame, micro.slots, 3);
  if (known == argc) run_all(&bench, &micro);
  gait_frame_pop(thread, &frame);
  if (gait_thread_detach(thread) || gait_heap_destroy(heap)) return 1;
  return known == argc ? 0 : 2;
}
