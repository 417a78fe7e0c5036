/* The objects of weak tables: their kinds, and the entries.
 *
 * .table.end  An entry has a cell of its own: a weak reference to its value, or an ephemeron with
 * its key and value.  The word of a weak reference goes from one value to another by
 * compare-and-swap alone, from one that the thread holds, and so keeps alive; that of an ephemeron,
 * its key, goes from the key to nil.  From nil both go nowhere.  So an entry is dead for good once
 * its word is nil, whether the collector or a thread has made it so, and any thread that finds it
 * nil may take the entry off its chain.  To look for that is a plain load, which does not shade: a
 * search keeps none of the objects that it passes.
 *
 * .table.white  Before the collector clears the word, a thread that loads a dead value gets NULL
 * already (.weak.under-the-lock).  It takes the entry for no match, and leaves it: a value that one
 * thread got so is never got by another, so no thread makes the word another one.
 *
 * Models: table. */
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
                                     WORD_OF(struct gaiti_entry, cell) |
                                     WORD_OF(struct gaiti_entry, key)};
static const uint64_t iterator_map[] = {
    WORD_OF(gait_weak_table_iterator, table) | WORD_OF(gait_weak_table_iterator, buckets) |
    WORD_OF(gait_weak_table_iterator, entry) | WORD_OF(gait_weak_table_iterator, second)};

/* An entry of a heap with a rule for tagged references: the key may be a plain one as well. */
static void entry_trace(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  struct gaiti_entry *entry = object;
  (void)bytes, (void)arg;
  gait_trace_slot(tracer, (void *const *)(void *)&entry->next);
  gait_trace_slot(tracer, (void *const *)(void *)&entry->cell);
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
  if (bytes > GAIT_SMALL_BYTES)
    return gaiti_allocate(thread, kind, bytes, __builtin_return_address(0));
  struct gait_cursor *cursor = &thread->fast.rows[kind][gait_size_class(bytes)];
  char *object = cursor->next;
  if (object == cursor->limit)
    return gaiti_allocate(thread, kind, bytes, __builtin_return_address(0));
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

static struct gait_ephemeron *entry_create_ephemeron(gait_thread *thread, void *key, void *value) {
  struct gait_ephemeron *ephemeron =
      gaiti_table_alloc(thread, GAITI_KIND_EPHEMERON, sizeof *ephemeron);
  if (!ephemeron) return NULL;
  gait_store_init_word(thread, &ephemeron->value, (uint64_t)value);
  gait_store_init_word(thread, &ephemeron->key, (uint64_t)key);
  AO_store_release(&thread->heap->ephemerons->used, 1);
  return ephemeron;
}

/* The references of an entry that is being made. */
struct entry_parts {
  struct gaiti_entry *entry;
  void *cell;
  void *key;
};

static bool entry_create_parts(gait_thread *thread, enum gaiti_table_form form, void *key,
                               void *value, struct entry_parts *parts) {
  if (form == GAITI_TABLE_VALUES) parts->key = key;
  if (form == GAITI_TABLE_BOTH && !(parts->key = entry_create_weak(thread, key))) return false;
  parts->cell = form == GAITI_TABLE_KEYS ? (void *)entry_create_ephemeron(thread, key, value)
                                         : (void *)entry_create_weak(thread, value);
  if (!parts->cell) return false;
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
  gait_store_init(thread, &parts.entry->cell, parts.cell);
  gait_store_init(thread, &parts.entry->key, parts.key);
  return parts.entry;
}

/* The word of the entry's cell, or of a weak key. */
static const AO_t *entry_weak_word(const void *weak) {
  return &((const gait_weak *)weak)->word;
}
_Static_assert(offsetof(struct gait_ephemeron, key) == offsetof(gait_weak, word),
               "the word that decides is the first of both");

bool gaiti_entry_is_dead(const struct gaiti_entry *entry, enum gaiti_table_form form) {
  if (AO_load_acquire(entry_weak_word(entry->cell)) == 0) return true;
  return form == GAITI_TABLE_BOTH && AO_load_acquire(entry_weak_word(entry->key)) == 0;
}

/* Of an ephemeron whose key is alive the value is (.ephemeron.closure). */
void *gaiti_entry_value(gait_thread *thread, const struct gaiti_entry *entry,
                        enum gaiti_table_form form) {
  uintptr_t word = gaiti_weak_load(thread, entry_weak_word(entry->cell));
  if (!word || form != GAITI_TABLE_KEYS) return (void *)word;
  return (void *)AO_load_acquire(&((const struct gait_ephemeron *)entry->cell)->value);
}

void *gaiti_entry_key(gait_thread *thread, const struct gaiti_entry *entry,
                      enum gaiti_table_form form) {
  if (form == GAITI_TABLE_VALUES || form == GAITI_TABLE_INTERNED) return entry->key;
  const void *weak = form == GAITI_TABLE_BOTH ? entry->key : entry->cell;
  return (void *)gaiti_weak_load(thread, entry_weak_word(weak));
}

/* A thread that puts has found the key, and one that removes takes it away: where they meet, the
 * put came first. */
static bool entry_set_ephemeron(gait_thread *thread, struct gait_ephemeron *ephemeron,
                                void *value) {
  AO_t key = AO_load_acquire(&ephemeron->key);
  if (!key) return false;
  gaiti_delay(thread->heap);
  if (!value && !AO_compare_and_swap_full(&ephemeron->key, key, 0)) return false;
  gait_store_word(thread, &ephemeron->value, (uint64_t)value);
  return true;
}

/* A value that was loaded is held until the swap, so that its memory is no other's meanwhile. */
bool gaiti_entry_set(gait_thread *thread, const struct gaiti_entry *entry,
                     enum gaiti_table_form form, void *value) {
  if (form == GAITI_TABLE_KEYS) return entry_set_ephemeron(thread, entry->cell, value);
  AO_t *word = &((gait_weak *)entry->cell)->word;
  for (;;) {
    uintptr_t old = gaiti_weak_load(thread, word);
    if (!old) return false;
    gaiti_delay(thread->heap);
    if (AO_compare_and_swap_full(word, old, (AO_t)value)) return true;
  }
}

bool gaiti_entry_has_key(const struct gaiti_entry *entry, enum gaiti_table_form form,
                         const void *key) {
  if (form == GAITI_TABLE_VALUES) return entry->key == key;
  const void *weak = form == GAITI_TABLE_BOTH ? entry->key : entry->cell;
  return AO_load_acquire(entry_weak_word(weak)) == (AO_t)key;
}
