/* missing: programs with a barrier, a root or a frame left out on purpose.  Each runs in a child,
 * with the option find_missing, whose report has to name the slot or the root, the function and
 * where the object was allocated; and the same program without the fault, of which nothing is said.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <gait/gait.h>

#include "../negative/apart.h"
#include "../support/coroutine.h"

#define NOINLINE __attribute__((noinline))

struct node {
  long value;
  struct node *next;
};

struct vector {
  size_t count;
  struct node *items[];
};

static gait_heap *heap;
static gait_thread *thread;
static gait_kind node_kind, vector_kind, number_kind, variant_kind;

/* What the case leaves out, or not. */
static bool faulty;

/* The roots that every case has. */
static void *slots[4];

static NOINLINE struct node *new_node(long value) {
  struct node *node = gait_alloc(thread, node_kind, sizeof *node);
  apart_must(node != NULL, "no node");
  node->value = value;
  return node;
}

static NOINLINE struct vector *new_vector(size_t count) {
  struct vector *vector =
      gait_alloc_array(thread, vector_kind, sizeof *vector, count, sizeof *vector->items);
  apart_must(vector != NULL, "no vector");
  vector->count = count;
  return vector;
}

static NOINLINE void collect_garbage(void) {
  apart_must(gait_heap_collect(thread) == GAIT_OK, "no collection");
  slots[3] = NULL;
}

/* ---- Barriers ---- */

/* Of the two calls of Gait's around the store each is the same: the function is one of theirs. */
static NOINLINE void append_in_loop(struct node *last) {
  for (int i = 0; i < 3; i++) {
    struct node *node = new_node(i);
    if (faulty)
      last->next = node;
    else
      gait_store(thread, &last->next, node);
    last = node;
  }
}

static void store_in_loop(void) {
  struct node *first = slots[0] = new_node(0);
  append_in_loop(first);
  collect_garbage();
}

static NOINLINE void append_plainly(struct node *last) {
  struct node *node = new_node(1);
  if (faulty)
    last->next = node;
  else
    gait_store(thread, &last->next, node);
  gait_store(thread, &node->next, NULL);
}

static void plain_store(void) {
  struct node *first = slots[0] = new_node(0);
  append_plainly(first);
  collect_garbage();
}

static NOINLINE void cut_plainly(struct node *first) {
  slots[1] = new_node(2);
  if (faulty)
    first->next = NULL;
  else
    gait_store(thread, &first->next, NULL);
  gait_thread_leave(thread);
  gait_thread_enter(thread);
}

/* The reference that is overwritten would have had to be shaded. */
static void plain_deletion(void) {
  struct node *first = slots[0] = new_node(0), *second = slots[1] = new_node(1);
  gait_store(thread, &first->next, second);
  cut_plainly(first);
  collect_garbage();
}

static NOINLINE void grow_by_memcpy(const struct vector *from) {
  struct vector *to = slots[1] = new_vector(from->count * 2);
  if (faulty)
    memcpy(to->items, from->items, from->count * sizeof *from->items);
  else
    gait_copy(thread, to->items, from->items, from->count);
  gait_store(thread, &to->items[from->count], NULL);
}

static void bulk_copy(void) {
  struct vector *vector = slots[0] = new_vector(3);
  for (size_t i = 0; i < vector->count; i++) {
    struct node *node = new_node((long)i);
    gait_store(thread, &vector->items[i], node);
  }
  grow_by_memcpy(vector);
  collect_garbage();
}

/* A word is a reference where its lowest bit is set. */
static NOINLINE void box_plainly(uint64_t *number) {
  struct node *node = new_node(7);
  uint64_t word = (uint64_t)(uintptr_t)node | 1;
  number[0] = 42 << 1; /* a number for a number needs no barrier */
  if (faulty)
    number[2] = word;
  else
    gait_store_word(thread, &number[2], word);
  gait_store_word(thread, &number[3], 0);
}

static void tagged_store(void) {
  uint64_t *number = slots[0] = gait_alloc(thread, number_kind, 32);
  apart_must(number != NULL, "no number");
  box_plainly(number);
  collect_garbage();
}

/* Which word of its object is a reference, its function alone can tell. */
static void variant_trace(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)bytes, (void)arg;
  gait_trace_slot(tracer, (void **)object + 2);
}

static NOINLINE void set_variant_plainly(struct node **variant) {
  struct node *node = slots[1] = new_node(9);
  variant[1] = node; /* it is not traced */
  if (faulty)
    variant[2] = node;
  else
    gait_store(thread, &variant[2], node);
  collect_garbage();
}

static void traced_store(void) {
  struct node **variant = slots[0] = gait_alloc(thread, variant_kind, 32);
  apart_must(variant != NULL, "no variant");
  collect_garbage();
  set_variant_plainly(variant);
}

/* ---- Roots ---- */

static struct {
  long count;
  struct node *first;
} symbols;

static NOINLINE void use_symbols(void) {
  struct node *node = slots[0] = new_node(2);
  gait_store(thread, &node->next, symbols.first);
  slots[1] = node;
}

static void global_left_out(void) {
  if (!faulty)
    apart_must(gait_roots_add(heap, &symbols.first, sizeof symbols.first, GAIT_ROOTS_BARRIERED) ==
                   GAIT_OK,
               "no root");
  struct node *node = new_node(1);
  gait_store(thread, &symbols.first, node);
  collect_garbage();
  use_symbols();
}

/* The lost object is behind another, to which the global refers. */
static NOINLINE void use_second_symbol(void) {
  struct node *node = slots[0] = new_node(2);
  gait_store(thread, &node->next, symbols.first->next);
  slots[1] = node;
}

static void global_leads_there(void) {
  if (!faulty)
    apart_must(gait_roots_add(heap, &symbols.first, sizeof symbols.first, GAIT_ROOTS_BARRIERED) ==
                   GAIT_OK,
               "no root");
  struct node *node = slots[0] = new_node(1), *second = new_node(2);
  gait_store(thread, &node->next, second);
  gait_store(thread, &symbols.first, node);
  slots[0] = NULL;
  collect_garbage();
  use_second_symbol();
}

static NOINLINE void build_without_frame(void) {
  void *own[1] = {NULL};
  gait_frame frame;
  gait_frame_push(thread, &frame, own, 1);
  struct node *first = new_node(1);
  if (!faulty) own[0] = first;
  collect_garbage();
  struct node *second = new_node(2);
  gait_store(thread, &first->next, second);
  gait_frame_pop(thread, &frame);
}

static void frame_left_out(void) {
  build_without_frame();
  collect_garbage();
}

/* ---- A stack that is no fiber's ---- */

static struct coroutine coroutine, home;

static void swap_to(struct coroutine *from, struct coroutine *to) {
  struct coroutine_swap swap = {from, to};
  coroutine_swap(&swap);
}

static NOINLINE void generate_nodes(void) {
  struct node *node = new_node(1);
  if (!faulty) slots[2] = node;
  swap_to(&coroutine, &home);
  struct node *next = new_node(2);
  gait_store(thread, &node->next, next);
  slots[1] = node;
}

static void coroutine_entry(void *arg) {
  (void)arg;
  generate_nodes();
  coroutine.ended = true;
  swap_to(&coroutine, &home);
}

static void fiber_left_out(void) {
  apart_must(coroutine_make(&coroutine, 256 * 1024, false, coroutine_entry, NULL), "no stack");
  swap_to(&home, &coroutine);
  collect_garbage();
  swap_to(&home, &coroutine);
  coroutine_free(&coroutine);
}

/* ---- The cases ---- */

#define CASE_SAYS 6
static const struct missing_case {
  const char *name;
  void (*run)(void);
  const char *stores; /* without the barrier */
  const char *says[CASE_SAYS];
} cases[] = {
    {"a plain store in a loop",
     store_in_loop,
     "append_in_loop",
     {"REQUIRE(find.barrier) failed in new_node:", "byte 8 of a \"node\" was stored to",
      "the object was allocated in new_node", "called by append_in_loop, store_in_loop",
      "or in one of its callers", ""}},
    {"a plain store",
     plain_store,
     "append_plainly",
     {"REQUIRE(find.barrier) failed in append_plainly:", "byte 8 of a \"node\" was stored to",
      "the object was allocated in new_node (finder+0x", "called by plain_store",
      "the slot held NULL", "a \"node\" allocated in new_node"}},
    {"a plain deletion",
     plain_deletion,
     "cut_plainly",
     {"REQUIRE(find.barrier) failed in cut_plainly:", "byte 8 of a \"node\" was stored to",
      "the object was allocated in new_node", "it holds NULL", "the slot held 0x",
      "a \"node\" allocated in new_node"}},
    {"a bulk copy",
     bulk_copy,
     "grow_by_memcpy",
     {"REQUIRE(find.barrier) failed in grow_by_memcpy:", "byte 8 of a \"vector\" was stored to",
      "the object was allocated in new_vector", "called by grow_by_memcpy", "the slot held NULL",
      "a \"node\" allocated in new_node"}},
    {"a tagged store",
     tagged_store,
     "box_plainly",
     {"REQUIRE(find.barrier) failed in box_plainly:", "byte 16 of a \"number\" was stored to",
      "the object was allocated in tagged_store", "the slot held NULL",
      "a \"node\" allocated in new_node", "called by box_plainly"}},
    {"a store in an object that a function traces",
     traced_store,
     "set_variant_plainly",
     {"REQUIRE(find.barrier) failed in traced_store:", "byte 16 of a \"variant\" was stored to",
      "the object was allocated in traced_store", "the slot held NULL",
      "a \"node\" allocated in new_node", "called by set_variant_plainly"}},
    {"a global that is no root",
     global_left_out,
     NULL,
     {"REQUIRE(find.root) failed in use_symbols:", "a \"node\" of 16 bytes is used",
      "it was allocated in new_node", "called by global_left_out",
      "found dead while the thread was in collect_garbage", "the global symbols (finder+0x"}},
    {"a global that leads to what is used",
     global_leads_there,
     NULL,
     {"REQUIRE(find.root) failed in use_second_symbol:", "it was allocated in new_node",
      "called by global_leads_there", "it is kept by a \"node\" that is lost as well",
      "the global symbols (finder+0x", "at byte 8, refers to that and is no root"}},
    {"a frame that lacks an object",
     frame_left_out,
     NULL,
     {"REQUIRE(find.root) failed in build_without_frame:", "it was allocated in new_node",
      "called by build_without_frame", "found dead while the thread was in collect_garbage",
      "thread \"finder\" has exact frames, and none of them has it", "it is stored to"}},
    {"a stack that is no fiber's",
     fiber_left_out,
     NULL,
     {"REQUIRE(find.root) failed in generate_nodes:", "it was allocated in new_node",
      "called by generate_nodes", "found dead while the thread was in collect_garbage",
      "generate_nodes runs on a stack that is no fiber's", ""}},
};

static void register_kinds(void) {
  static const uint64_t second[] = {2}, all[] = {15};
  const gait_kind_info infos[] = {
      {.name = "node", .form = GAIT_KIND_POINTERS, .map_bytes = 16, .pointer_map = second},
      {.name = "vector",
       .form = GAIT_KIND_POINTERS,
       .map_bytes = 16,
       .pointer_map = second,
       .repeat_bytes = 8},
      {.name = "number", .form = GAIT_KIND_POINTERS, .map_bytes = 32, .tagged_map = all},
      {.name = "variant", .form = GAIT_KIND_CALLBACK, .trace = variant_trace}};
  gait_kind *const kinds[] = {&node_kind, &vector_kind, &number_kind, &variant_kind};
  for (size_t i = 0; i < sizeof infos / sizeof *infos; i++)
    apart_must(gait_kind_register(heap, &infos[i], kinds[i]) == GAIT_OK, "no kind");
}

static int64_t finds;

static int run_case(const void *arg) {
  static const gait_tags tags = {
      .mask = 1, .first = 1, .address_mask = (((uint64_t)1 << 48) - 1) & ~(uint64_t)15};
  const struct missing_case *one = arg;
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = GAIT_OFF;
  options.tags = &tags;
  options.debug.checkmark = options.debug.heap_walk = 1;
  options.debug.find_missing = finds;
  apart_must(gait_heap_create(&options, &heap) == GAIT_OK, "no heap");
  apart_must(gait_thread_attach(heap, "finder", GAIT_STACK_EXACT, &thread) == GAIT_OK, "no thread");
  gait_frame frame;
  gait_frame_push(thread, &frame, slots, sizeof slots / sizeof *slots);
  register_kinds();
  one->run();
  collect_garbage();
  gait_frame_pop(thread, &frame);
  apart_must(gait_thread_detach(thread) == GAIT_OK && gait_heap_destroy(heap) == GAIT_OK, "no end");
  return EXIT_SUCCESS;
}

static bool ends_by_check(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static bool says(const struct missing_case *one, const char *text, const char *sentence) {
  if (strstr(text, sentence)) return true;
  fprintf(stderr, "%s: it does not say: %s\n", one->name, sentence);
  return false;
}

static bool is_silent_without_fault(const struct missing_case *one) {
  static char text[65536];
  faulty = false;
  const int status = apart_run(run_case, one, text, sizeof text);
  if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS && text[0] == '\0') return true;
  fprintf(stderr, "%s, without the fault: status %#x; it said:\n%s\n", one->name, (unsigned)status,
          text);
  return false;
}

static bool expect(const struct missing_case *one) {
  static char text[65536];
  finds = GAIT_FIND_ON;
  faulty = true;
  const int status = apart_run(run_case, one, text, sizeof text);
  bool said = ends_by_check(status);
  for (size_t i = 0; i < CASE_SAYS; i++)
    said &= says(one, text, one->says[i]);
  if (!said) fprintf(stderr, "status %#x; it said:\n%s\n", (unsigned)status, text);
  return is_silent_without_fault(one) && said;
}

/* Where stores are watched, the very function is named. */
static bool expect_of_stores(const struct missing_case *one) {
  static char text[65536];
  char sentence[128];
  finds = GAIT_FIND_STORES;
  faulty = true;
  const int status = apart_run(run_case, one, text, sizeof text);
  if (strstr(text, "cannot watch stores")) return true;
  bool said =
      ends_by_check(status) && says(one, text, one->says[1]) && says(one, text, one->says[2]);
  if (one->stores) {
    snprintf(sentence, sizeof sentence, "REQUIRE(find.barrier) failed in %s:", one->stores);
    said &= says(one, text, sentence) && says(one, text, "it was stored in");
  }
  if (!said) fprintf(stderr, "stores: status %#x; it said:\n%s\n", (unsigned)status, text);
  return is_silent_without_fault(one) && said;
}

int main(void) {
  bool all = true;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    all &= expect(&cases[i]) & expect_of_stores(&cases[i]);
  return all ? EXIT_SUCCESS : EXIT_FAILURE;
}
