/* cost_cycles.c: the CPU time of a cycle for each word of a root, object, and reference that is to
 * be cleared or run. */
#include "costs.h"

#include <alloca.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gait/finalizer.h"
#include "gait/scope.h"
#include "gait/weak.h"

#define WORDS   ((size_t)256 << 10) /* of roots */
#define OBJECTS ((size_t)256 << 10)

/* ---- Roots ---- */

static uint64_t with_frame(struct bench *bench, void *object) {
  static void *slots[WORDS];
  gait_frame frame;
  for (size_t i = 0; i < WORDS; i++)
    slots[i] = object;
  gait_frame_push(bench->thread, &frame, slots, WORDS);
  const uint64_t took = cost_of_collection(bench);
  gait_frame_pop(bench->thread, &frame);
  return took;
}

static uint64_t with_scope(struct bench *bench, void *object) {
  gait_scope scope;
  gait_scope_open(bench->thread, &scope);
  for (size_t i = 0; i < WORDS; i++)
    cost_require(gait_scope_add(bench->thread, object) != NULL, "gait_scope_add");
  const uint64_t took = cost_of_collection(bench);
  gait_scope_close(bench->thread, &scope);
  return took;
}

static uint64_t with_handles(struct bench *bench, void *object) {
  gait_handle **handles = malloc(WORDS * sizeof *handles);
  cost_require(handles != NULL, "malloc");
  for (size_t i = 0; i < WORDS; i++)
    handles[i] = gait_handle_create(bench->thread, object);
  const uint64_t took = cost_of_collection(bench);
  for (size_t i = 0; i < WORDS; i++)
    gait_handle_destroy(bench->thread, handles[i]);
  free(handles);
  return took;
}

static void *range[WORDS];

static uint64_t with_range(struct bench *bench, gait_roots_discipline discipline) {
  gait_roots_add(bench->heap, range, sizeof range, discipline);
  const uint64_t took = cost_of_collection(bench);
  gait_roots_remove(bench->heap, range);
  return took;
}

static void trace_slots(gait_tracer *tracer, void *arg) {
  void **slots = arg;
  for (size_t i = 0; i < WORDS; i++)
    gait_trace_slot(tracer, &slots[i]);
}

static uint64_t with_callback(struct bench *bench) {
  gait_roots_add_callback(bench->heap, trace_slots, range, GAIT_ROOTS_BARRIERED);
  const uint64_t took = cost_of_collection(bench);
  gait_roots_remove_callback(bench->heap, trace_slots, range);
  return took;
}

/* A thread whose conservative stack has so many words more, each of which is `word`. */
struct deep {
  struct bench bench;
  size_t words;
  void *word;
  uint64_t took;
};

static void *deep_main(void *arg) {
  struct deep *deep = arg;
  cost_require(gait_thread_attach(deep->bench.heap, "deep", GAIT_STACK_CONSERVATIVE,
                                  &deep->bench.thread) == GAIT_OK,
               "gait_thread_attach");
  void **stack = alloca((deep->words + 1) * sizeof(void *));
  for (size_t i = 0; i < deep->words; i++)
    ((void *volatile *)stack)[i] = deep->word;
  deep->took = cost_of_collection(&deep->bench);
  __asm__ volatile("" : : "r"(stack) : "memory");
  gait_thread_detach(deep->bench.thread);
  return NULL;
}

static uint64_t with_stack(struct bench *bench, size_t words, void *word) {
  struct deep deep = {.bench = *bench, .words = words, .word = word};
  pthread_t id;
  gait_thread_leave(bench->thread);
  cost_require(pthread_create(&id, NULL, deep_main, &deep) == 0, "pthread_create");
  pthread_join(id, NULL);
  gait_thread_enter(bench->thread);
  return deep.took;
}

void costs_of_roots(void) {
  struct bench bench;
  bench_begin(&bench, GAIT_OFF);
  void *object = gait_alloc(bench.thread, gait_kind_leaf(bench.heap), 64);
  gait_handle *handle = gait_handle_create(bench.thread, object);
  const uint64_t none = cost_of_collection(&bench);
  cost_title("Roots: CPU time of a cycle", "ns a word");
  cost_of_cycle("exact frame", with_frame(&bench, object), none, WORDS);
  cost_of_cycle("scope", with_scope(&bench, object), none, WORDS);
  cost_of_cycle("handle", with_handles(&bench, object), none, WORDS);
  for (size_t i = 0; i < WORDS; i++)
    range[i] = object;
  cost_of_cycle("range, barriered", with_range(&bench, GAIT_ROOTS_BARRIERED), none, WORDS);
  cost_of_cycle("range, unbarriered", with_range(&bench, GAIT_ROOTS_UNBARRIERED), none, WORDS);
  cost_of_cycle("callback, `gait_trace_slot`", with_callback(&bench), none, WORDS);
  const uint64_t shallow = with_stack(&bench, 0, NULL);
  cost_of_cycle("conservative stack, words that refer to nothing",
                with_stack(&bench, WORDS, (void *)1), shallow, WORDS);
  cost_of_cycle("conservative stack, references", with_stack(&bench, WORDS, object), shallow,
                WORDS);
  cost_row("a cycle of a heap with one object, in all", (double)none);
  gait_handle_destroy(bench.thread, handle);
  bench_end(&bench);
}

/* ---- Kinds ---- */

static void trace_all(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  void **slots = object;
  (void)arg;
  for (size_t i = 0; i < bytes / sizeof *slots; i++)
    gait_trace_slot(tracer, &slots[i]);
}

/* A collection with OBJECTS of `kind` of 64 bytes, whose words are all `word`. */
static uint64_t with_objects(struct bench *bench, gait_kind kind, void *word) {
  void *root = gait_alloc_array(bench->thread, bench->references, 0, OBJECTS, sizeof(void *));
  gait_frame frame;
  cost_require(root != NULL, "gait_alloc_array");
  gait_frame_push(bench->thread, &frame, &root, 1);
  for (size_t i = 0; i < OBJECTS; i++) {
    void **object = gait_alloc(bench->thread, kind, 64);
    cost_require(object != NULL, "gait_alloc");
    for (size_t slot = 0; slot < 8; slot++)
      gait_store_init(bench->thread, &object[slot], word);
    gait_store_init(bench->thread, (void **)root + i, object);
  }
  const uint64_t took = cost_of_collection(bench);
  gait_frame_pop(bench->thread, &frame);
  cost_of_collection(bench);
  return took;
}

static uint64_t with_array(struct bench *bench) {
  void *root = gait_alloc_array(bench->thread, bench->references, 0, OBJECTS, sizeof(void *));
  gait_frame frame;
  gait_frame_push(bench->thread, &frame, &root, 1);
  const uint64_t took = cost_of_collection(bench);
  gait_frame_pop(bench->thread, &frame);
  return took;
}

void costs_of_kinds(void) {
  static const uint64_t first[] = {1};
  const gait_kind_info one = {
      .name = "one", .form = GAIT_KIND_POINTERS, .map_bytes = 64, .pointer_map = first};
  const gait_kind_info callback = {
      .name = "callback", .form = GAIT_KIND_CALLBACK, .trace = trace_all};
  struct bench bench;
  gait_kind of_one, of_callback;
  bench_begin(&bench, GAIT_OFF);
  cost_require(gait_kind_register(bench.heap, &one, &of_one) == GAIT_OK, "gait_kind_register");
  cost_require(gait_kind_register(bench.heap, &callback, &of_callback) == GAIT_OK,
               "gait_kind_register");
  void *object = gait_alloc(bench.thread, gait_kind_leaf(bench.heap), 16);
  gait_handle *handle = gait_handle_create(bench.thread, object);
  const uint64_t none = with_array(&bench);
  const gait_kind leaf = gait_kind_leaf(bench.heap), any = gait_kind_conservative(bench.heap);
  cost_title("Kinds: CPU time to mark and keep an object of 64 bytes", "ns an object");
  cost_of_cycle("leaf", with_objects(&bench, leaf, NULL), none, OBJECTS);
  cost_of_cycle("map, one reference", with_objects(&bench, of_one, object), none, OBJECTS);
  cost_of_cycle("map, eight references", with_objects(&bench, bench.references, object), none,
                OBJECTS);
  cost_of_cycle("tagged map, eight references", with_objects(&bench, bench.tagged, object), none,
                OBJECTS);
  cost_of_cycle("tagged map, eight numbers", with_objects(&bench, bench.tagged, (void *)3), none,
                OBJECTS);
  cost_of_cycle("callback, eight references", with_objects(&bench, of_callback, object), none,
                OBJECTS);
  cost_of_cycle("conservative, eight references", with_objects(&bench, any, object), none, OBJECTS);
  cost_of_cycle("conservative, eight numbers", with_objects(&bench, any, (void *)3), none, OBJECTS);
  gait_handle_destroy(bench.thread, handle);
  bench_end(&bench);
}

/* ---- Weak references, cleanups, finalizers ---- */

static void finalize(gait_thread *thread, void *object, void *arg) {
  (void)thread, (void)object, (void)arg;
}

enum death { DEATH_ALONE, DEATH_WEAK, DEATH_CLEANUP, DEATH_FINALIZER, DEATH_ORDERED };

static bool attend(struct bench *bench, void *object, enum death death) {
  switch (death) {
  case DEATH_CLEANUP: return gait_cleanup_add(bench->thread, object, free, NULL, NULL) == GAIT_OK;
  case DEATH_FINALIZER:
    return gait_finalizer_add(bench->thread, object, finalize, NULL, GAIT_FINALIZER_UNORDERED,
                              NULL) == GAIT_OK;
  case DEATH_ORDERED:
    return gait_finalizer_add(bench->thread, object, finalize, NULL, GAIT_FINALIZER_TOPOLOGICAL,
                              NULL) == GAIT_OK;
  default: return true;
  }
}

/* The wall time to make OBJECTS that nothing keeps, have them found dead, and run what is due;
 * *alive is the CPU time of a collection before, with all of them alive. */
static uint64_t lives(struct bench *bench, enum death death, uint64_t *alive) {
  void *roots[2] = {NULL, NULL};
  gait_frame frame;
  const uint64_t before = cost_now_ns();
  gait_frame_push(bench->thread, &frame, roots, 2);
  roots[0] = gait_alloc_array(bench->thread, bench->references, 0, OBJECTS, sizeof(void *));
  roots[1] = gait_alloc_array(bench->thread, bench->references, 0, OBJECTS, sizeof(void *));
  for (size_t i = 0; i < OBJECTS; i++) {
    void *object = gait_alloc(bench->thread, gait_kind_leaf(bench->heap), 32);
    gait_store_init(bench->thread, (void **)roots[0] + i, object);
    cost_require(attend(bench, object, death), "a registration");
    if (death == DEATH_WEAK)
      gait_store_init(bench->thread, (void **)roots[1] + i,
                      gait_weak_create(bench->thread, object));
  }
  const uint64_t made = cost_now_ns();
  *alive = cost_of_collection(bench);
  roots[0] = NULL;
  const uint64_t again = cost_now_ns();
  gait_heap_collect(bench->thread);
  gait_finalizers_run(bench->thread, SIZE_MAX);
  gait_heap_collect(bench->thread);
  gait_frame_pop(bench->thread, &frame);
  return made - before + cost_now_ns() - again;
}

void costs_of_deaths(void) {
  static const char *const names[] = {"nothing", "a weak reference", "a cleanup",
                                      "a finalizer, unordered", "a finalizer, topological"};
  struct bench bench;
  uint64_t alive[5], whole[5];
  bench_begin(&bench, GAIT_OFF);
  for (int death = DEATH_ALONE; death <= DEATH_ORDERED; death++) {
    whole[death] = UINT64_MAX;
    for (int run = 0; run < (cost_runs + 1) / 2; run++) {
      uint64_t now_alive;
      const uint64_t took = lives(&bench, (enum death)death, &now_alive);
      if (took < whole[death]) {
        whole[death] = took;
        alive[death] = now_alive;
      }
    }
  }
  printf("| An object of 32 bytes with | CPU time of each cycle that finds it alive, ns more | "
         "from its allocation to its end, ns |\n|---|---|---|\n");
  for (int death = DEATH_ALONE; death <= DEATH_ORDERED; death++)
    printf("| %s | %.1f | %.0f |\n", names[death],
           death == DEATH_ALONE
               ? 0.0
               : ((double)alive[death] - (double)alive[DEATH_ALONE]) / (double)OBJECTS,
           (double)whole[death] / (double)OBJECTS);
  bench_end(&bench);
}
