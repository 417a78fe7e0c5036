/* Tagged references: a low bit, and boxed NaNs. */
#include <gait/gait.h>
#include <stdlib.h>
#include <string.h>

/* [low bit] */
typedef uintptr_t word; /* a number, shifted by one; or the address of a cell, plus one */

static const gait_tags low_bit = {.mask = 1, .first = 1, .address_mask = ~(uint64_t)1};

static gait_result lisp_create(gait_heap **heap) {
  gait_options options;
  gait_options_init(&options);
  options.tags = &low_bit; /* copied */
  return gait_heap_create(&options, heap);
}

struct cell {
  struct type *type; /* a plain reference */
  word first;
  word rest;
};

static gait_result register_cell(gait_heap *heap, gait_kind *kind) {
  static const uint64_t plain[] = {1 << 0}, tagged[] = {1 << 1 | 1 << 2};
  const gait_kind_info info = {.name = "cell",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(struct cell),
                               .pointer_map = plain,
                               .tagged_map = tagged};
  return gait_kind_register(heap, &info, kind);
}

static word cell_new(gait_thread *thread, gait_kind kind, struct type *type, word first,
                     word rest) {
  struct cell *cell = gait_alloc(thread, kind, sizeof *cell);
  if (!cell) return 0;
  gait_store_init(thread, &cell->type, type);
  gait_store_init_word(thread, &cell->first, first); /* as it is, number or reference */
  gait_store_init_word(thread, &cell->rest, rest);
  return (word)cell + 1;
}
/* [end] */

/* [boxed] */
typedef uint64_t value; /* a double; or, where the high 16 bits are 0xFFFA, an address */

#define VALUE_OBJECT (UINT64_C(0xFFFA) << 48) /* no NaN that arithmetic makes */
#define VALUE_TAG    (UINT64_C(0xFFFF) << 48)

static const gait_tags boxed = {
    .mask = VALUE_TAG, .first = VALUE_OBJECT, .address_mask = ~VALUE_TAG};

static value value_of_number(double number) {
  value bits;
  memcpy(&bits, &number, sizeof bits);
  return bits;
}

static value value_of_object(const void *object) {
  return VALUE_OBJECT | (uintptr_t)object;
}

static void *value_object(value bits) {
  return (bits & VALUE_TAG) == VALUE_OBJECT ? (void *)(uintptr_t)(bits & ~VALUE_TAG) : NULL;
}

struct array {
  size_t count;
  value values[];
};

static gait_result register_array(gait_heap *heap, gait_kind *kind) {
  static const uint64_t tagged[] = {1 << 1};
  const gait_kind_info info = {.name = "array",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(struct array) + sizeof(value),
                               .repeat_bytes = sizeof(value),
                               .tagged_map = tagged};
  return gait_kind_register(heap, &info, kind);
}

static void array_set(gait_thread *thread, struct array *array, size_t index, value bits) {
  gait_store_word(thread, &array->values[index], bits);
}
/* [end] */

static void require(int holds) {
  if (!holds) abort();
}

/* A list of numbers and lists. */
static int lisp(void) {
  gait_heap *heap;
  gait_thread *thread;
  gait_kind cells;
  if (lisp_create(&heap) || register_cell(heap, &cells) ||
      gait_thread_attach(heap, "lisp", GAIT_STACK_CONSERVATIVE, &thread))
    return 1;
  struct type *type = gait_alloc(thread, gait_kind_leaf(heap), 16);
  memcpy(type, "cell", 5);
  word list = 0;
  for (word i = 0; i < 1000; i++) {
    word inner = cell_new(thread, cells, type, i << 1, 0);
    list = cell_new(thread, cells, type, inner, list);
    if (i % 100 == 0) require(gait_heap_collect(thread) == GAIT_OK);
  }
  for (word i = 1000; i-- > 0;) {
    const struct cell *cell = (const struct cell *)(list - 1);
    const struct cell *inner = (const struct cell *)(cell->first - 1);
    require(inner->first == i << 1 && strcmp((const char *)inner->type, "cell") == 0);
    list = cell->rest;
  }
  require(list == 0);
  return gait_thread_detach(thread) || gait_heap_destroy(heap);
}

/* An array of numbers and arrays. */
static int script(void) {
  gait_options options;
  gait_heap *heap;
  gait_thread *thread;
  gait_kind arrays;
  gait_options_init(&options);
  options.tags = &boxed;
  if (gait_heap_create(&options, &heap) || register_array(heap, &arrays) ||
      gait_thread_attach(heap, "script", GAIT_STACK_CONSERVATIVE, &thread))
    return 1;
  struct array *array = gait_alloc_array(thread, arrays, sizeof *array, 1000, sizeof(value));
  for (size_t i = 0; i < 1000; i++) {
    struct array *inner = gait_alloc_array(thread, arrays, sizeof *inner, 2, sizeof(value));
    array_set(thread, inner, 0, value_of_number((double)i / 4));
    array_set(thread, array, i, value_of_object(inner));
    if (i % 100 == 0) require(gait_heap_collect(thread) == GAIT_OK);
  }
  for (size_t i = 0; i < 1000; i++) {
    const struct array *inner = value_object(array->values[i]);
    require(inner && inner->values[0] == value_of_number((double)i / 4));
    require(value_object(inner->values[0]) == NULL && inner->values[1] == 0);
  }
  return gait_thread_detach(thread) || gait_heap_destroy(heap);
}

int main(void) {
  return lisp() || script();
}
