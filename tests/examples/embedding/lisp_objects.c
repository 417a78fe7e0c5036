/* lisp_objects.c: the heap, its kinds and roots, and objects. */
#include "lisp.h"

#include <string.h>

/* [rule] */
static const gait_tags rule = {.mask = 1, .first = 0, .address_mask = ~(uint64_t)1};
/* [end] */

/* [kinds] */
static gait_result kinds_register(struct lisp *lisp) {
  static const uint64_t one_two[] = {6}, one_two_three[] = {14}, two[] = {4}, one[] = {2};
  const gait_kind_info pairs = {.name = "pair",
                                .form = GAIT_KIND_POINTERS,
                                .map_bytes = sizeof(struct pair),
                                .tagged_map = one_two};
  const gait_kind_info symbols = {.name = "symbol",
                                  .form = GAIT_KIND_POINTERS,
                                  .map_bytes = sizeof(struct symbol),
                                  .tagged_map = one_two};
  const gait_kind_info functions = {.name = "function",
                                    .form = GAIT_KIND_POINTERS,
                                    .map_bytes = sizeof(struct function),
                                    .tagged_map = one_two_three};
  const gait_kind_info vectors = {.name = "vector",
                                  .form = GAIT_KIND_POINTERS,
                                  .map_bytes = sizeof(struct vector) + sizeof(word),
                                  .repeat_bytes = sizeof(word),
                                  .tagged_map = two};
  const gait_kind_info weaks = {.name = "weak",
                                .form = GAIT_KIND_POINTERS,
                                .map_bytes = sizeof(struct weak),
                                .pointer_map = one};
  gait_result result = gait_kind_register(lisp->heap, &pairs, &lisp->pairs);
  if (!result) result = gait_kind_register(lisp->heap, &symbols, &lisp->symbols);
  if (!result) result = gait_kind_register(lisp->heap, &functions, &lisp->functions);
  if (!result) result = gait_kind_register(lisp->heap, &vectors, &lisp->vectors);
  if (!result) result = gait_kind_register(lisp->heap, &weaks, &lisp->weaks);
  return result;
}
/* [end] */

/* [full] */
static int on_full(gait_heap *heap, size_t bytes, void *arg) {
  struct lisp *lisp = arg;
  (void)bytes;
  if (lisp->ballast == 0) return 0; /* gait_alloc returns NULL, and the program has its error */
  gait_store_word(gait_thread_current(heap), &lisp->ballast, 0);
  return 1; /* once more: now there is room for a handler of errors */
}
/* [end] */

/* [create] */
gait_result lisp_create(struct lisp *lisp) {
  gait_options options;
  char error[256];
  memset(lisp, 0, sizeof *lisp);
  gait_options_init(&options);
  gait_result result = gait_options_from_environment(&options, error, sizeof error);
  if (result) {
    fprintf(stderr, "lisp: %s\n", error);
    return result;
  }
  options.tags = &rule;
  options.out_of_memory = on_full;
  options.out_of_memory_arg = lisp;
  result = gait_heap_create(&options, &lisp->heap);
  if (!result) result = kinds_register(lisp);
  if (!result)
    result = gait_roots_add(lisp->heap, lisp->buckets, sizeof lisp->buckets, GAIT_ROOTS_BARRIERED);
  if (!result)
    result = gait_roots_add(lisp->heap, &lisp->ballast, sizeof lisp->ballast, GAIT_ROOTS_BARRIERED);
  return result;
}
/* [end] */

gait_result lisp_destroy(struct lisp *lisp) {
  return gait_heap_destroy(lisp->heap);
}

/* ---- The stack ---- */

/* [evaluator] */
static size_t evaluator_count(void *arg) {
  return ((const struct evaluator *)arg)->top;
}

gait_result evaluator_begin(struct evaluator *ev, struct lisp *lisp, gait_thread_roots roots) {
  memset(ev, 0, sizeof *ev);
  ev->lisp = lisp;
  const gait_result result = gait_thread_attach(lisp->heap, "lisp", roots, &ev->thread);
  if (!result)
    gait_frame_push_sized(ev->thread, &ev->frame, (void **)(void *)ev->stack, LISP_STACK,
                          evaluator_count, ev);
  return result;
}

void evaluator_end(struct evaluator *ev) {
  gait_frame_pop(ev->thread, &ev->frame.frame);
  gait_thread_detach(ev->thread);
}
/* [end] */

/* [stack] */
void push(struct evaluator *ev, word w) {
  if (ev->top == LISP_STACK) lisp_error(ev, "the recursion is too deep");
  ev->stack[ev->top++] = w; /* plainly: an exact frame has no barrier */
}

void drop(struct evaluator *ev, size_t top) {
  ev->top = top; /* what was above is no root any more */
}
/* [end] */

/* ---- Objects ---- */

/* [allocate] */
void *allocate(struct evaluator *ev, gait_kind kind, enum type type, size_t bytes) {
  uint64_t *object = gait_alloc(ev->thread, kind, bytes);
  if (!object) lisp_error(ev, "out of memory");
  *object = type;
  return object;
}

word make_string(struct evaluator *ev, const char *text, size_t bytes) {
  struct string *string =
      allocate(ev, gait_kind_leaf(ev->lisp->heap), TYPE_STRING, sizeof *string + bytes + 1);
  string->bytes = bytes;
  memcpy(string->text, text, bytes); /* the rest is zero, as all memory that is allocated */
  return word_of(string);
}
/* [end] */

/* [cons] */
word cons(struct evaluator *ev, word first, word rest) {
  word held[] = {first, rest};
  gait_frame frame;
  gait_frame_push(ev->thread, &frame, (void **)(void *)held, 2);
  struct pair *pair = gait_alloc(ev->thread, ev->lisp->pairs, sizeof *pair); /* a safepoint */
  gait_frame_pop(ev->thread, &frame);
  if (!pair) lisp_error(ev, "out of memory"); /* not before the frame is popped */
  pair->type = TYPE_PAIR;
  gait_store_init_word(ev->thread, &pair->first, first);
  gait_store_init_word(ev->thread, &pair->rest, rest);
  return word_of(pair);
}
/* [end] */

word make_function(struct evaluator *ev, word parameters, word body, word scope) {
  const size_t base = ev->top;
  push(ev, parameters);
  push(ev, body);
  push(ev, scope);
  struct function *function = allocate(ev, ev->lisp->functions, TYPE_FUNCTION, sizeof *function);
  drop(ev, base);
  gait_store_init_word(ev->thread, &function->parameters, parameters);
  gait_store_init_word(ev->thread, &function->body, body);
  gait_store_init_word(ev->thread, &function->scope, scope);
  return word_of(function);
}

/* [vector] */
word make_vector(struct evaluator *ev, size_t count, word fill) {
  const size_t base = ev->top;
  push(ev, fill);
  struct vector *vector = gait_alloc_array(ev->thread, ev->lisp->vectors, sizeof *vector, count,
                                           sizeof(word)); /* NULL where the size overflows, too */
  drop(ev, base);
  if (!vector) lisp_error(ev, "out of memory");
  vector->type = TYPE_VECTOR;
  vector->count = count;
  for (size_t i = 0; fill != 0 && i < count; i++)
    gait_store_init_word(ev->thread, &vector->items[i], fill);
  return word_of(vector);
}
/* [end] */

/* [intern] */
word intern(struct evaluator *ev, const char *name) {
  const size_t length = strlen(name);
  size_t bucket = 0;
  for (size_t i = 0; i < length; i++)
    bucket = (bucket * 31 + (unsigned char)name[i]) % LISP_BUCKETS;
  word *chain = &ev->lisp->buckets[bucket];
  for (word w = *chain; w != 0; w = ((struct symbol *)object_of(w))->next)
    if (strcmp(((struct symbol *)object_of(w))->name, name) == 0) return w;
  struct symbol *symbol = allocate(ev, ev->lisp->symbols, TYPE_SYMBOL, sizeof *symbol + length + 1);
  memcpy(symbol->name, name, length);
  gait_store_init_word(ev->thread, &symbol->next, *chain);
  gait_store_word(ev->thread, chain, word_of(symbol)); /* a root's stores have the barrier */
  return word_of(symbol);
}
/* [end] */
