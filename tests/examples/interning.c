/* The symbols of an interpreter, interned; and a table of properties with weak keys. */
#include <gait/gait.h>
#include <gait/weak_table.h>
#include <stdlib.h>
#include <string.h>

/* [symbols] */
struct symbol {
  size_t bytes;
  char name[];
};

struct spelling { /* what a reader has in hand: a part of its buffer */
  const char *start;
  size_t bytes;
};

static bool symbol_is_spelt(gait_thread *thread, void *object, const void *name, void *arg) {
  const struct symbol *symbol = object;
  const struct spelling *spelling = name;
  (void)thread, (void)arg;
  return symbol->bytes == spelling->bytes &&
         memcmp(symbol->name, spelling->start, symbol->bytes) == 0;
}

static void *symbol_make(gait_thread *thread, const void *name, void *arg) {
  const struct spelling *spelling = name;
  (void)arg;
  struct symbol *symbol = gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)),
                                     sizeof *symbol + spelling->bytes);
  if (!symbol) return NULL;
  symbol->bytes = spelling->bytes;
  memcpy(symbol->name, spelling->start, spelling->bytes);
  return symbol;
}

/* The symbol of that name, the same for all threads; NULL: out of memory. */
static struct symbol *symbol_intern(gait_thread *thread, gait_weak_table *symbols,
                                    struct spelling spelling) {
  uint64_t hash = 14695981039346656037u; /* FNV-1a */
  for (size_t i = 0; i < spelling.bytes; i++)
    hash = (hash ^ (unsigned char)spelling.start[i]) * 1099511628211u;
  return gait_intern(thread, symbols, hash, &spelling);
}
/* [end] */

/* [places] */
/* Where the datum stands in its source, which the datum does not know: any object, which may
 * refer to the datum.  NULL: it was not said. */
static void *place_of(gait_thread *thread, gait_weak_table *places, void *datum) {
  return gait_weak_table_get(thread, places, datum);
}

static bool place_set(gait_thread *thread, gait_weak_table *places, void *datum, void *place) {
  return gait_weak_table_put(thread, places, datum, place); /* false: out of memory */
}
/* [end] */

static void require(int holds) {
  if (!holds) abort();
}

int main(void) {
  gait_heap *heap;
  gait_thread *thread;
  gait_frame frame;
  void *kept[3] = {NULL};
  require(gait_heap_create(NULL, &heap) == GAIT_OK);
  require(gait_thread_attach(heap, "main", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  gait_frame_push(thread, &frame, kept, 3);
  gait_weak_table *symbols = kept[0] =
      gait_intern_create(thread, symbol_is_spelt, symbol_make, NULL);
  require(symbols != NULL);
  const char text[] = "car cdr car";
  kept[1] = symbol_intern(thread, symbols, (struct spelling){text, 3});
  require(symbol_intern(thread, symbols, (struct spelling){text + 4, 3}) != kept[1]);
  require(gait_heap_collect(thread) == GAIT_OK);
  require(kept[1] && symbol_intern(thread, symbols, (struct spelling){text + 8, 3}) == kept[1]);
  gait_weak_table_iterator *iterator = kept[2] = gait_weak_table_iterate(thread, symbols);
  void *none, *symbol; /* `cdr` was kept by nothing */
  require(gait_weak_table_next(thread, iterator, &none, &symbol) && symbol == kept[1] && !none);
  require(!gait_weak_table_next(thread, iterator, &none, &symbol));
  gait_weak_table *places = kept[0] = gait_weak_table_create(thread, GAIT_WEAK_KEYS);
  require(places && place_set(thread, places, kept[1], places));
  require(gait_heap_collect(thread) == GAIT_OK);
  require(place_of(thread, places, kept[1]) == places && !place_of(thread, places, places));
  gait_frame_pop(thread, &frame);
  require(gait_thread_detach(thread) == GAIT_OK);
  require(gait_heap_destroy(heap) == GAIT_OK);
  return EXIT_SUCCESS;
}
