/* The objects of weak tables: their kinds, and the entries.
 *
 * .table.end  The value of an entry is a weak reference of the entry's own.  Its word goes from one
 * value to another by compare-and-swap alone, from one that the thread holds, and so keeps alive;
 * and from nil to none.  So an entry is dead for good once its word is nil, whether the collector
 * or a thread has made it so, and whoever finds it nil may take the entry off its chain.  To look
 * for that is a plain load, which does not shade: a search keeps none of the objects that it
 * passes.
 *
 * .table.white  Before the collector clears the word, a thread that loads a dead value gets NULL
 * already (.weak.under-the-lock).  It takes the entry for no match, and leaves it: a value that one
 * thread got so is never got by another, so no thread makes the word another one. */
#include "weak/weak_table_parts.h"

#include "alloc/allocate.h"
#include "base/check.h"
#include "mark/marker.h"

#define WORD_OF(type, field) ((uint64_t)1 << offsetof(type, field) / sizeof(void *))

static const uint64_t table_map[] = {WORD_OF(gait_weak_table, buckets)};
static const uint64_t buckets_map[] = {WORD_OF(struct gaiti_buckets, older) |
                                       WORD_OF(struct gaiti_buckets, segments)};
static const uint64_t segment_map[] = {WORD_OF(struct gaiti_bucket_segment, heads)};
static const uint64_t entry_map[] = {WORD_OF(struct gaiti_entry, next) |
                                     WORD_OF(struct gaiti_entry, value) |
                                     WORD_OF(struct gaiti_entry, key)};
static const uint64_t iterator_map[] = {
    WORD_OF(gait_weak_table_iterator, table) | WORD_OF(gait_weak_table_iterator, buckets) |
    WORD_OF(gait_weak_table_iterator, entry) | WORD_OF(gait_weak_table_iterator, second)};

/* An entry of a heap with a rule for tagged references: the key may be a plain one as well. */
static void entry_trace(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  struct gaiti_entry *entry = object;
  (void)bytes, (void)arg;
  gait_trace_slot(tracer, (void *const *)(void *)&entry->next);
  gait_trace_slot(tracer, (void *const *)(void *)&entry->value);
  gait_trace_range(tracer, &entry->key, sizeof entry->key);
}

static bool table_kind_add(gait_heap *heap, uint16_t wanted, const gait_kind_info *info) {
  uint16_t index;
  if (gaiti_kinds_add(&heap->kinds, info, &index) != GAIT_OK) return false;
  CHECK("weak_table.kinds", index == wanted, "a kind of weak tables has another's index");
  return true;
}

static bool table_kind_add_map(gait_heap *heap, uint16_t wanted, const char *name, size_t bytes,
                               const uint64_t *map, size_t repeat_bytes) {
  const gait_kind_info info = {.name = name,
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = bytes,
                               .pointer_map = map,
                               .repeat_bytes = repeat_bytes};
  return table_kind_add(heap, wanted, &info);
}

static bool table_kind_add_entry(gait_heap *heap) {
  static const gait_kind_info traced = {
      .name = "weak table entry", .form = GAIT_KIND_CALLBACK, .trace = entry_trace};
  if (gaiti_tags_exist(&heap->tags)) return table_kind_add(heap, GAITI_KIND_ENTRY, &traced);
  return table_kind_add_map(heap, GAITI_KIND_ENTRY, traced.name, sizeof(struct gaiti_entry),
                            entry_map, 0);
}

bool gaiti_table_kinds_init(gait_heap *heap) {
  return table_kind_add_map(heap, GAITI_KIND_TABLE, "weak table", sizeof(gait_weak_table),
                            table_map, 0) &&
         table_kind_add_map(heap, GAITI_KIND_BUCKETS, "weak table buckets",
                            sizeof(struct gaiti_buckets), buckets_map, sizeof(void *)) &&
         table_kind_add_map(heap, GAITI_KIND_SEGMENT, "weak table segment", sizeof(void *),
                            segment_map, sizeof(void *)) &&
         table_kind_add_entry(heap) &&
         table_kind_add_map(heap, GAITI_KIND_TABLE_ITERATOR, "weak table iterator",
                            sizeof(gait_weak_table_iterator), iterator_map, 0);
}

/* As gait_alloc, whose slow half lies higher. */
void *gaiti_table_alloc(gait_thread *thread, uint16_t kind, size_t bytes) {
  if (bytes > GAIT_SMALL_BYTES) return gaiti_allocate(thread, kind, bytes);
  struct gait_cursor *cursor = &thread->fast.rows[kind][gait_size_class(bytes)];
  char *object = cursor->next;
  if (object == cursor->limit) return gaiti_allocate(thread, kind, bytes);
  cursor->next = object + gait_slot_bytes(bytes);
  return object;
}

/* ---- Entries ---- */

static gait_weak *entry_create_weak(gait_thread *thread, void *object) {
  gait_weak *weak = gaiti_table_alloc(thread, GAITI_KIND_WEAK, sizeof *weak);
  if (!weak) return NULL;
  AO_store_release(&weak->word, (AO_t)object);
  AO_store_release(&thread->heap->weak->used, 1);
  return weak;
}

/* The references of an entry that is being made. */
struct entry_parts {
  struct gaiti_entry *entry;
  gait_weak *value;
  void *key;
};

static bool entry_create_parts(gait_thread *thread, enum gaiti_table_form form, void *key,
                               void *value, struct entry_parts *parts) {
  if (form == GAITI_TABLE_VALUES) parts->key = key;
  if (form == GAITI_TABLE_BOTH && !(parts->key = entry_create_weak(thread, key))) return false;
  if (!(parts->value = entry_create_weak(thread, value))) return false;
  parts->entry = gaiti_table_alloc(thread, GAITI_KIND_ENTRY, sizeof *parts->entry);
  return parts->entry != NULL;
}

struct gaiti_entry *gaiti_entry_create(gait_thread *thread, enum gaiti_table_form form,
                                       uint64_t hash, void *key, void *value) {
  struct entry_parts parts = {NULL, NULL, NULL};
  gait_frame frame;
  gait_frame_push(thread, &frame, (void **)&parts, sizeof parts / sizeof(void *));
  bool made = entry_create_parts(thread, form, key, value, &parts);
  gait_frame_pop(thread, &frame);
  if (!made) return NULL;
  AO_store(&parts.entry->hash, hash | GAITI_ENTRY_COUNTED);
  gait_store_init(thread, &parts.entry->value, parts.value);
  gait_store_init(thread, &parts.entry->key, parts.key);
  return parts.entry;
}

bool gaiti_entry_is_dead(const struct gaiti_entry *entry, enum gaiti_table_form form) {
  if (AO_load_acquire(&entry->value->word) == 0) return true;
  return form == GAITI_TABLE_BOTH && AO_load_acquire(&((const gait_weak *)entry->key)->word) == 0;
}

void *gaiti_entry_value(gait_thread *thread, const struct gaiti_entry *entry) {
  return (void *)gaiti_weak_load(thread, &entry->value->word);
}

void *gaiti_entry_key(gait_thread *thread, const struct gaiti_entry *entry,
                      enum gaiti_table_form form) {
  if (form != GAITI_TABLE_BOTH) return entry->key;
  return (void *)gaiti_weak_load(thread, &((const gait_weak *)entry->key)->word);
}

/* A value that was loaded is held until the swap, so that its memory is no other's meanwhile. */
bool gaiti_entry_set(gait_thread *thread, const struct gaiti_entry *entry, void *value) {
  for (;;) {
    void *old = gaiti_entry_value(thread, entry);
    if (!old) return false;
    gaiti_delay(thread->heap);
    if (AO_compare_and_swap_full(&entry->value->word, (AO_t)old, (AO_t)value)) return true;
  }
}

bool gaiti_entry_has_key(const struct gaiti_entry *entry, enum gaiti_table_form form,
                         const void *key) {
  if (form == GAITI_TABLE_VALUES) return entry->key == key;
  const gait_weak *weak = form == GAITI_TABLE_BOTH ? entry->key : entry->value;
  return AO_load_acquire(&weak->word) == (AO_t)key;
}
