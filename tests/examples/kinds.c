/* The four forms of kinds, and arrays. */
#include <gait/gait.h>
#include <stdlib.h>
#include <string.h>

/* [pointer map] */
struct pair {
  void *first;
  long tag;
  void *second;
};

static gait_result register_pair(gait_heap *heap, gait_kind *kind) {
  static const uint64_t map[] = {1 << 0 | 1 << 2}; /* words 0 and 2 */
  const gait_kind_info info = {.name = "pair",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(struct pair),
                               .pointer_map = map};
  return gait_kind_register(heap, &info, kind);
}
/* [end] */

/* [repeat] */
struct entry {
  void *key;
  void *value;
  uint64_t hash;
};
struct table {
  size_t count;
  struct entry entries[];
};

static gait_result register_table(gait_heap *heap, gait_kind *kind) {
  static const uint64_t map[] = {1 << 1 | 1 << 2}; /* the key and the value of the first entry */
  const gait_kind_info info = {.name = "table",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(struct table) + sizeof(struct entry),
                               .pointer_map = map,
                               .repeat_bytes = sizeof(struct entry)}; /* and of all the others */
  return gait_kind_register(heap, &info, kind);
}

static struct table *table_new(gait_thread *thread, gait_kind kind, size_t count) {
  struct table *table =
      gait_alloc_array(thread, kind, sizeof(struct table), count, sizeof(struct entry));
  if (table) table->count = count;
  return table;
}
/* [end] */

/* [callback] */
struct variant {
  enum { VARIANT_NUMBER, VARIANT_OBJECT } tag;
  union {
    double number;
    void *object;
  } is;
};

static void variant_trace(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  struct variant *variant = object;
  (void)bytes, (void)arg;
  if (__atomic_load_n(&variant->tag, __ATOMIC_ACQUIRE) == VARIANT_OBJECT)
    gait_trace_slot(tracer, &variant->is.object);
}

static gait_result register_variant(gait_heap *heap, gait_kind *kind) {
  const gait_kind_info info = {
      .name = "variant", .form = GAIT_KIND_CALLBACK, .trace = variant_trace};
  return gait_kind_register(heap, &info, kind);
}
/* [end] */

/* [leaf] */
static char *string_new(gait_thread *thread, const char *text) {
  gait_kind leaf = gait_kind_leaf(gait_thread_heap(thread));
  const size_t bytes = strlen(text) + 1;
  char *string = gait_alloc(thread, leaf, bytes);
  if (string) memcpy(string, text, bytes);
  return string;
}
/* [end] */

/* [grow] */
struct list {
  size_t count;
  void *items[];
};

/* The list with room for `count` items: the same, if it has grown in its place. */
static struct list *list_grow(gait_thread *thread, gait_kind kind, struct list *list,
                              size_t count) {
  if (gait_object_grow(thread, list, sizeof *list + count * sizeof(void *))) return list;
  struct list *larger = gait_alloc_array(thread, kind, sizeof *list, count, sizeof(void *));
  if (!larger) return NULL;
  gait_copy(thread, larger->items, list->items, list->count);
  larger->count = list->count;
  return larger;
}
/* [end] */

static gait_result register_list(gait_heap *heap, gait_kind *kind) {
  static const uint64_t map[] = {1 << 1};
  const gait_kind_info info = {.name = "list",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(struct list) + sizeof(void *),
                               .pointer_map = map,
                               .repeat_bytes = sizeof(void *)};
  return gait_kind_register(heap, &info, kind);
}

static int compare_doubles(const void *one, const void *other) {
  const double a = *(const double *)one, b = *(const double *)other;
  return (a > b) - (a < b);
}

/* [free] */
static void sum_of_parts(gait_thread *thread, gait_kind leaf, const double *parts, size_t count,
                         double *sum) {
  double *sorted = gait_alloc_array(thread, leaf, 0, count, sizeof *sorted);
  if (!sorted) return;
  memcpy(sorted, parts, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, compare_doubles); /* small ones first: less is lost */
  for (size_t i = 0; i < count; i++)
    *sum += sorted[i];
  gait_object_free(thread, sorted); /* nothing else has ever known of it */
}
/* [end] */

static void require(int holds) {
  if (!holds) abort();
}

int main(void) {
  gait_heap *heap;
  gait_thread *thread;
  gait_kind pairs, tables, variants, lists;
  if (gait_heap_create(NULL, &heap) || register_pair(heap, &pairs) ||
      register_table(heap, &tables) || register_variant(heap, &variants) ||
      register_list(heap, &lists) ||
      gait_thread_attach(heap, NULL, GAIT_STACK_CONSERVATIVE, &thread))
    return 1;
  struct table *volatile table = table_new(thread, tables, 100);
  for (size_t i = 0; i < 100; i++) {
    struct pair *pair = gait_alloc(thread, pairs, sizeof *pair);
    gait_store(thread, &table->entries[i].key, string_new(thread, "key"));
    gait_store(thread, &table->entries[i].value, pair);
    struct variant *variant = gait_alloc(thread, variants, sizeof *variant);
    gait_store_init(thread, &pair->second, variant);
    gait_store_init(thread, &variant->is.object, string_new(thread, "value"));
    __atomic_store_n(&variant->tag, VARIANT_OBJECT, __ATOMIC_RELEASE);
  }
  struct list *volatile list = gait_alloc(thread, lists, sizeof *list);
  for (size_t i = 0; i < 10000; i++) {
    list = list_grow(thread, lists, list, i + 1);
    require(list != NULL);
    gait_store(thread, &list->items[list->count++], table);
  }
  require(gait_heap_collect(thread) == GAIT_OK);
  require(list->count == 10000 && list->items[0] == table && list->items[9999] == table);
  double sum = 0;
  sum_of_parts(thread, gait_kind_leaf(heap), (const double[]){4, 1, 2}, 3, &sum);
  require(sum > 6.9 && sum < 7.1);
  for (size_t i = 0; i < 100; i++) {
    const struct pair *pair = table->entries[i].value;
    const struct variant *variant = pair->second;
    require(strcmp(table->entries[i].key, "key") == 0);
    require(strcmp(variant->is.object, "value") == 0);
    require(strcmp(gait_object_kind_name(heap, variant), "variant") == 0);
  }
  return gait_thread_detach(thread) || gait_heap_destroy(heap);
}
