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
  pthread_mutex_init(&scheme->symbols, NULL);
  pthread_mutex_init(&scheme->threads, NULL);
  pthread_cond_init(&scheme->changed, NULL);
  const gait_result result = kinds_register(scheme);
  if (result) return result;
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

/* ---- Symbols: a vector of chains, which a lock guards and which doubles ---- */

static uint64_t symbol_hash(word string) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < length_of(string); i++)
    hash = (hash ^ string_chars(string)[i]) * 1099511628211u;
  return hash ^ hash >> 32;
}

static bool string_equal(word a, word b) {
  return length_of(a) == length_of(b) &&
         memcmp(string_chars(a), string_chars(b), length_of(a) * sizeof(uint32_t)) == 0;
}

/* A larger table where the symbols' is full, else 0; the caller has no lock. */
static word symbols_room(struct machine *vm) {
  const struct scheme *scheme = vm->scheme;
  const word table = scheme->roots[ROOT_SYMBOLS];
  const size_t length = table == 0 ? 0 : length_of(table);
  if (__atomic_load_n(&scheme->symbol_count, __ATOMIC_RELAXED) < length) return 0;
  return make_vector(vm, length ? length * 2 : 1024, W_NIL);
}

static void symbols_move(struct machine *vm, word new) {
  struct scheme *scheme = vm->scheme;
  const word old = scheme->roots[ROOT_SYMBOLS];
  const size_t length = old == 0 ? 0 : length_of(old);
  if (length >= length_of(new)) return; /* another thread has */
  for (size_t i = 0; i < length; i++)
    for (word symbol = slots_of(old)[i], next; symbol != W_NIL; symbol = next) {
      const size_t at = symbol_hash(symbol_slot(symbol, SYMBOL_NAME)) & (length_of(new) - 1);
      next = symbol_slot(symbol, SYMBOL_NEXT);
      set_slot(vm, symbol, SYMBOL_NEXT, slots_of(new)[at]);
      set_slot(vm, new, at, symbol);
    }
  gait_store_word(vm->thread, &scheme->roots[ROOT_SYMBOLS], new);
}

static word symbol_find(struct scheme *scheme, word string) {
  const word table = scheme->roots[ROOT_SYMBOLS];
  word symbol = slots_of(table)[symbol_hash(string) & (length_of(table) - 1)];
  while (symbol != W_NIL && !string_equal(symbol_slot(symbol, SYMBOL_NAME), string))
    symbol = symbol_slot(symbol, SYMBOL_NEXT);
  return symbol;
}

static void symbols_lock(struct machine *vm) {
  if (pthread_mutex_trylock(&vm->scheme->symbols) == 0) return;
  gait_thread_leave(vm->thread);
  pthread_mutex_lock(&vm->scheme->symbols);
  gait_thread_enter(vm->thread);
}

/* What may fail is allocated before the lock is taken. */
word intern_string(struct machine *vm, word string) {
  struct scheme *scheme = vm->scheme;
  const word slots[SYMBOL_SLOTS] = {string, W_UNBOUND, W_FALSE, W_FALSE, W_NIL};
  symbols_lock(vm);
  word symbol = scheme->symbol_count ? symbol_find(scheme, string) : W_NIL;
  pthread_mutex_unlock(&scheme->symbols);
  if (symbol != W_NIL) return symbol;
  const word new = make_values(vm, T_SYMBOL, SYMBOL_SLOTS, slots);
  const word room = symbols_room(vm);
  symbols_lock(vm);
  if (room != 0) symbols_move(vm, room);
  symbol = symbol_find(scheme, string);
  if (symbol == W_NIL) {
    const word table = scheme->roots[ROOT_SYMBOLS];
    const size_t at = symbol_hash(string) & (length_of(table) - 1);
    set_slot(vm, new, SYMBOL_NEXT, slots_of(table)[at]);
    set_slot(vm, table, at, new);
    __atomic_store_n(&scheme->symbol_count, scheme->symbol_count + 1, __ATOMIC_RELAXED);
    symbol = new;
  }
  pthread_mutex_unlock(&scheme->symbols);
  return symbol;
}

word intern(struct machine *vm, const char *text) {
  return intern_string(vm, string_from(vm, text, strlen(text)));
}
