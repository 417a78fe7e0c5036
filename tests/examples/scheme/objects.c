/* objects.c: kinds, allocation, symbols. */
#include "scheme.h"

#include <string.h>

const gait_tags scheme_tags = {
    .mask = TAG_MASK, .first = TAG_PAIR, .last = TAG_FLONUM, .address_mask = ~(uint64_t)TAG_MASK};

static gait_result kinds_register(struct scheme *scheme) {
  static const uint64_t both[] = {3}, second[] = {2}, middle[] = {6};
  const gait_kind_info pairs = {.name = "pair",
                                .form = GAIT_KIND_POINTERS,
                                .map_bytes = sizeof(struct pair),
                                .tagged_map = both};
  const gait_kind_info objects = {.name = "object",
                                  .form = GAIT_KIND_POINTERS,
                                  .map_bytes = 2 * sizeof(word),
                                  .repeat_bytes = sizeof(word),
                                  .tagged_map = second};
  const gait_kind_info codes = {.name = "code",
                                .form = GAIT_KIND_POINTERS,
                                .map_bytes = 3 * sizeof(word),
                                .tagged_map = middle};
  gait_result result = gait_kind_register(scheme->heap, &pairs, &scheme->pairs);
  if (!result) result = gait_kind_register(scheme->heap, &objects, &scheme->objects);
  if (!result) result = gait_kind_register(scheme->heap, &codes, &scheme->codes);
  scheme->leaves = gait_kind_leaf(scheme->heap);
  return result;
}

gait_result scheme_create(struct scheme *scheme, gait_heap *heap) {
  memset(scheme, 0, sizeof *scheme);
  scheme->heap = heap;
  pthread_mutex_init(&scheme->threads, NULL);
  pthread_cond_init(&scheme->changed, NULL);
  const gait_result result = kinds_register(scheme);
  if (result) return result;
  scheme_profile(scheme);
  return gait_roots_add(heap, scheme->roots, sizeof scheme->roots, GAIT_ROOTS_BARRIERED);
}

/* ---- Objects ---- */

word make_leaf(struct machine *vm, enum type type, size_t length, size_t bytes) {
  struct object *object = scheme_allocate(vm, vm->leaves, sizeof *object + (bytes ? bytes : 1));
  object->header = HEADER(type, length);
  return object_word(object);
}

word make_values(struct machine *vm, enum type type, size_t count, const word *slots) {
  const word object = make_object(vm, type, count);
  for (size_t i = 0; i < count; i++)
    gait_store_init_word(vm->thread, &slots_of(object)[i], slots[i]);
  return object;
}

word make_vector(struct machine *vm, size_t length, word fill) {
  const word vector = make_object(vm, T_VECTOR, length);
  if (fill != 0)
    for (size_t i = 0; i < length; i++)
      gait_store_init_word(vm->thread, &slots_of(vector)[i], fill);
  return vector;
}

word make_string(struct machine *vm, size_t length) {
  return make_leaf(vm, T_STRING, length, length * sizeof(uint32_t));
}

void set_car(struct machine *vm, word pair, word value) {
  gait_store_word(vm->thread, &pair_of(pair)->car, value);
}

void set_cdr(struct machine *vm, word pair, word value) {
  gait_store_word(vm->thread, &pair_of(pair)->cdr, value);
}

word list_reverse(struct machine *vm, word list) {
  word result = W_NIL;
  for (; is_pair(list); list = cdr(list))
    result = cons(vm, car(list), result);
  return result;
}

int64_t list_length(word list) {
  int64_t length = 0;
  for (word slow = list; is_pair(list); list = cdr(list), length++) {
    if (length > 0 && list == slow) return -1;
    if (length % 2 == 1) slow = cdr(slow);
  }
  return list == W_NIL ? length : -1;
}

/* ---- Symbols: interned, and kept while something refers to them, or they have a meaning ---- */

/* The name of a symbol, as the table's functions get it. */
struct symbol_name {
  gait_kind objects;
  word string;
};

static uint64_t string_hash(word string) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < length_of(string); i++)
    hash = (hash ^ string_chars(string)[i]) * 1099511628211u;
  return hash;
}

static bool symbol_is_named(gait_thread *thread, void *symbol, const void *name, void *arg) {
  const word a = symbol_slot((word)(uintptr_t)symbol, SYMBOL_NAME);
  const word b = ((const struct symbol_name *)name)->string;
  (void)thread, (void)arg;
  return length_of(a) == length_of(b) &&
         memcmp(string_chars(a), string_chars(b), length_of(a) * sizeof(uint32_t)) == 0;
}

/* Returns, also where there is no memory: no error leaves it. */
static void *symbol_make(gait_thread *thread, const void *name, void *arg) {
  static const word rest[SYMBOL_SLOTS] = {0, W_UNBOUND, W_FALSE, W_FALSE, W_FALSE};
  const struct symbol_name *from = name;
  (void)arg;
  struct object *symbol =
      gait_alloc(thread, from->objects, sizeof *symbol + SYMBOL_SLOTS * sizeof(word));
  if (!symbol) return NULL;
  symbol->header = HEADER(T_SYMBOL, SYMBOL_SLOTS);
  gait_store_init_word(thread, &symbol->slots[SYMBOL_NAME], from->string);
  for (size_t i = SYMBOL_NAME + 1; i < SYMBOL_SLOTS; i++)
    gait_store_init_word(thread, &symbol->slots[i], rest[i]);
  return (void *)(uintptr_t)object_word(symbol);
}

bool symbols_create(struct scheme *scheme, gait_thread *thread) {
  void **root = (void **)(void *)&scheme->roots[ROOT_SYMBOLS];
  if (gait_load(root)) return true;
  gait_weak_table *table = gait_intern_create(thread, symbol_is_named, symbol_make, NULL);
  if (table) (void)gait_cas(thread, root, NULL, table);
  return table != NULL;
}

word intern_string(struct machine *vm, word string) {
  const struct symbol_name name = {vm->objects, string};
  gait_weak_table *symbols = (void *)(uintptr_t)gait_load_word(&vm->scheme->roots[ROOT_SYMBOLS]);
  void *symbol = gait_intern(vm->thread, symbols, string_hash(string), &name);
  if (!symbol) scheme_full(vm);
  return (word)(uintptr_t)symbol;
}

/* A symbol that has a value or is syntax goes on a list, once. */
void symbol_keep(struct machine *vm, word symbol) {
  word *list = &vm->scheme->roots[ROOT_KEPT];
  if (symbol_slot(symbol, SYMBOL_KEPT) != W_FALSE) return;
  const word pair = cons(vm, symbol, W_NIL);
  set_slot(vm, symbol, SYMBOL_KEPT, W_TRUE);
  for (;;) {
    const word rest = gait_load_word(list);
    set_cdr(vm, pair, rest);
    if (gait_cas(vm->thread, (void **)(void *)list, (void *)(uintptr_t)rest,
                 (void *)(uintptr_t)pair))
      return;
  }
}

word intern(struct machine *vm, const char *text) {
  return intern_string(vm, string_from(vm, text, strlen(text)));
}
