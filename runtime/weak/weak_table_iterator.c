/* Iterators of weak tables.
 *
 * An iterator stays with the buckets that the table had when it began.  Other buckets may follow
 * them meanwhile; then theirs are frozen, one by one, with all the entries that they had, and the
 * iterator goes through these.  A bucket that is not ready has its entries in one or two older
 * chains; which of the chains it is that the iterator follows is decided once, when it comes to the
 * bucket, so that no entry comes twice. */
#include "weak/weak_table_parts.h"

gait_weak_table_iterator *gaiti_iterator_create(gait_thread *thread, gait_weak_table *table) {
  gait_frame frame;
  gait_frame_push(thread, &frame, (void **)&table, 1);
  gait_weak_table_iterator *iterator =
      gaiti_table_alloc(thread, GAITI_KIND_TABLE_ITERATOR, sizeof *iterator);
  gait_frame_pop(thread, &frame);
  if (!iterator) return NULL;
  iterator->clears = AO_load_acquire(&table->clears);
  gait_store_init(thread, &iterator->table, table);
  gait_store_init(thread, &iterator->buckets, gait_load(&table->buckets));
  return iterator;
}

/* Begins with the next bucket. */
static void iterator_enter(gait_thread *thread, gait_weak_table_iterator *iterator) {
  struct gaiti_entry *first, *second;
  gaiti_buckets_chains(iterator->buckets, iterator->index++, &first, &second);
  gait_store(thread, &iterator->entry, first);
  gait_store(thread, &iterator->second, second);
}

/* Takes the next entry of the bucket; NULL: there is none. */
static struct gaiti_entry *iterator_take(gait_thread *thread, gait_weak_table_iterator *iterator) {
  struct gaiti_entry *entry = iterator->entry;
  if (!entry) {
    entry = iterator->second;
    gait_store(thread, &iterator->second, NULL);
  }
  if (entry) gait_store(thread, &iterator->entry, gait_load(&entry->next));
  return entry;
}

static bool iterator_is_there(gait_thread *thread, const gait_weak_table_iterator *iterator,
                              const struct gaiti_entry *entry, void **key, void **value) {
  enum gaiti_table_form form = iterator->table->form;
  size_t index = AO_load(&entry->hash) & (iterator->buckets->count - 1);
  if (index != iterator->index - 1 || gaiti_entry_is_dead(entry, form)) return false;
  *key = gaiti_entry_key(thread, entry, form);
  *value = gaiti_entry_value(thread, entry, form);
  return *value && (*key || form == GAITI_TABLE_INTERNED);
}

bool gaiti_iterator_next(gait_thread *thread, gait_weak_table_iterator *iterator, void **key,
                         void **value) {
  while (iterator->clears == AO_load_acquire(&iterator->table->clears)) {
    struct gaiti_entry *entry = iterator_take(thread, iterator);
    if (entry && iterator_is_there(thread, iterator, entry, key, value)) return true;
    if (entry) continue;
    if (iterator->index == iterator->buckets->count) break;
    iterator_enter(thread, iterator);
  }
  *key = *value = NULL;
  return false;
}
