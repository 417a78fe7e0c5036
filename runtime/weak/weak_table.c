/* Weak tables: searches, additions and removals.
 *
 * All state is in objects of the heap that change by single stores (weak_table_buckets.c), so there
 * is no lock to hold while memory is allocated, a safepoint is passed, or a function of the
 * program's runs; such a function may use the same table, and a fork finds every table whole.
 *
 * .table.once  A search ends with no match; then an entry is made, at safepoints; then it is added,
 * if the head of the chain is still the one from which the search began.  If it is not, the entries
 * before that one are searched, and so on.  Those behind it have been: none becomes live again, and
 * no other comes there.  So two entries with one key are never live at once, and of several threads
 * that intern one name all get the object of the first.
 *
 * The collector does nothing for a table: it clears weak references, of tables and others.
 *
 * Models: table. */
#include "weak/weak_table_parts.h"

#include "base/check.h"

/* The references that a call has in hand, in a frame, and the rest of its state.
 *   key     that is looked for; in a table of interned objects, that which `name` names is
 *   value   that is put
 *   entry   that is looked at; in the end the match
 *   found   its value: alive
 *   seen    the beginning of the chain that has been searched
 *   fresh   an entry that may be added */
struct table_search {
  gait_weak_table *table;
  struct gaiti_buckets *buckets;
  void *key;
  void *value;
  struct gaiti_entry *entry;
  void *found;
  struct gaiti_entry *seen;
  struct gaiti_entry *fresh;
  gait_frame frame;
  uint64_t hash;
  const void *name;
};

#define TABLE_SEARCH_REFERENCES (offsetof(struct table_search, frame) / sizeof(void *))

static void table_search_begin(gait_thread *thread, struct table_search *search) {
  gait_frame_push(thread, &search->frame, (void **)search, TABLE_SEARCH_REFERENCES);
}

static void table_search_end(gait_thread *thread, struct table_search *search) {
  gait_frame_pop(thread, &search->frame);
}

/* Mixes the bits, so that numbers of any sort are spread: the finalizer of MurmurHash3. */
static uint64_t table_mix(uint64_t hash) {
  hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
  hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
  return (hash ^ hash >> 33) & ~GAITI_ENTRY_COUNTED;
}

/* A function of the program's has returned. */
static void table_check_callback(gait_thread *thread, const struct table_search *search) {
  REQUIRE("weak_table.callback",
          gaiti_thread_is_own(thread) && gaiti_thread_state(thread) == GAITI_THREAD_MANAGED &&
              thread->fast.frames == &search->frame,
          "a function of a weak table has returned on another thread, outside managed code, or "
          "with a frame that it pushed");
}

static void table_hash_key(gait_thread *thread, struct table_search *search) {
  const gait_weak_table *table = search->table;
  if (!table->hash) {
    search->hash = table_mix((uintptr_t)search->key);
    return;
  }
  search->hash = table_mix(table->hash(thread, search->key, table->arg));
  table_check_callback(thread, search);
}

/* ---- Searches ---- */

static bool search_matches_by(gait_thread *thread, struct table_search *search) {
  const gait_weak_table *table = search->table;
  bool equal = search->name ? table->is_named(thread, search->found, search->name, table->arg)
                            : table->equal(thread, search->entry->key, search->key, table->arg);
  table_check_callback(thread, search);
  return equal;
}

/* Whether the entry has the key, or the name, and is alive; the value is in `found` then. */
static bool search_matches(gait_thread *thread, struct table_search *search) {
  const gait_weak_table *table = search->table;
  const struct gaiti_entry *entry = search->entry;
  if ((AO_load(&entry->hash) & ~GAITI_ENTRY_COUNTED) != search->hash) return false;
  bool by = table->equal || search->name;
  if (!by && !gaiti_entry_has_key(entry, table->form, search->key)) return false;
  search->found = gaiti_entry_value(thread, entry, table->form);
  return search->found && (!by || search_matches_by(thread, search));
}

/* Looks for a match in a chain, as far as it has not been searched. */
static bool search_chain(gait_thread *thread, struct table_search *search, AO_t head) {
  search->entry = gaiti_head_entry(head);
  for (; search->entry && search->entry != search->seen;
       search->entry = gait_load(&search->entry->next))
    if (search_matches(thread, search)) return true;
  search->entry = NULL;
  search->found = NULL;
  return false;
}

/* Looks for a match without a change of the table. */
static bool search_table(gait_thread *thread, struct table_search *search) {
  search->buckets = gait_load(&search->table->buckets);
  void **head = gaiti_buckets_find(search->buckets, search->hash);
  return head && search_chain(thread, search, gaiti_head_load(head));
}

/* ---- Additions ---- */

enum addition { ADDITION_DONE, ADDITION_AGAIN, ADDITION_FAILED };

/* Adds the fresh entry before `word`, if that is still the head. */
static bool search_push(gait_thread *thread, struct table_search *search, void **head, AO_t word) {
  struct gaiti_entry *rest = gaiti_head_entry(word);
  gait_store(thread, &search->fresh->next, rest);
  gaiti_counter_add(&search->buckets->entries, 1);
  gaiti_delay(thread->heap);
  if (gait_cas(thread, head, (void *)word, search->fresh)) return true;
  gaiti_counter_sub(&search->buckets->entries, 1);
  search->seen = rest;
  return false;
}

/* Makes the entry that may be added, and for a name its object. */
static bool search_make(gait_thread *thread, struct table_search *search) {
  const gait_weak_table *table = search->table;
  if (search->fresh) return true;
  if (search->name) {
    search->value = table->make(thread, search->name, table->arg);
    table_check_callback(thread, search);
    if (!search->value) return false;
  }
  search->fresh = gaiti_entry_create(thread, table->form, search->hash, search->key, search->value);
  return search->fresh != NULL;
}

/* Finds the match in the table's buckets, or adds the fresh entry to them. */
static enum addition search_or_add(gait_thread *thread, struct table_search *search) {
  search->seen = NULL;
  search->buckets = gait_load(&search->table->buckets);
  void **head = gaiti_buckets_prepare(thread, search->table, search->buckets, search->hash);
  if (!head) return ADDITION_FAILED;
  for (;;) {
    AO_t word = gaiti_head_load(head);
    if (word & GAITI_HEAD_FROZEN) return ADDITION_AGAIN;
    if (search_chain(thread, search, word)) return ADDITION_DONE;
    if (!search_make(thread, search)) return ADDITION_FAILED;
    if (search_push(thread, search, head, word)) break;
  }
  gaiti_buckets_prune(thread, search->table, search->buckets, search->hash);
  gaiti_buckets_work(thread, search->table);
  search->found = search->value;
  return ADDITION_DONE;
}

/* ---- Tables ---- */

gait_weak_table *gaiti_table_create(gait_thread *thread, const gait_weak_table *like) {
  struct gaiti_buckets *buckets = gaiti_buckets_create(thread, GAITI_BUCKETS_FIRST);
  if (!buckets) return NULL;
  gait_frame frame;
  gait_frame_push(thread, &frame, (void **)&buckets, 1);
  gait_weak_table *table = gaiti_table_alloc(thread, GAITI_KIND_TABLE, sizeof *table);
  gait_frame_pop(thread, &frame);
  if (!table) return NULL;
  table->form = like->form;
  table->hash = like->hash;
  table->equal = like->equal;
  table->is_named = like->is_named;
  table->make = like->make;
  table->arg = like->arg;
  gait_store_init(thread, &table->buckets, buckets);
  return table;
}

void *gaiti_table_get(gait_thread *thread, gait_weak_table *table, void *key) {
  struct table_search search = {.table = table, .key = key};
  table_search_begin(thread, &search);
  table_hash_key(thread, &search);
  search_table(thread, &search);
  table_search_end(thread, &search);
  return search.found;
}

bool gaiti_table_put(gait_thread *thread, gait_weak_table *table, void *key, void *value) {
  struct table_search search = {.table = table, .key = key, .value = value};
  enum addition addition;
  table_search_begin(thread, &search);
  table_hash_key(thread, &search);
  do {
    search.entry = NULL;
    addition = search_or_add(thread, &search);
  } while (addition == ADDITION_AGAIN ||
           (search.entry && !gaiti_entry_set(thread, search.entry, table->form, value)));
  table_search_end(thread, &search);
  return addition == ADDITION_DONE;
}

/* Removes the entry that the search has found: it dies, and is taken off its chain. */
static bool search_remove(gait_thread *thread, struct table_search *search) {
  if (!gaiti_entry_set(thread, search->entry, search->table->form, NULL)) return false;
  gaiti_buckets_prune(thread, search->table, search->buckets, search->hash);
  gaiti_buckets_work(thread, search->table);
  return true;
}

bool gaiti_table_remove(gait_thread *thread, gait_weak_table *table, void *key) {
  struct table_search search = {.table = table, .key = key};
  table_search_begin(thread, &search);
  table_hash_key(thread, &search);
  bool removed = search_table(thread, &search) && search_remove(thread, &search);
  table_search_end(thread, &search);
  return removed;
}

/* An iterator that begins between the two has the new buckets, and ends. */
bool gaiti_table_clear(gait_thread *thread, gait_weak_table *table) {
  gait_frame frame;
  gait_frame_push(thread, &frame, (void **)&table, 1);
  struct gaiti_buckets *buckets = gaiti_buckets_create(thread, GAITI_BUCKETS_FIRST), *old;
  gait_frame_pop(thread, &frame);
  if (!buckets) return false;
  do
    old = gait_load(&table->buckets);
  while (!gait_cas(thread, &table->buckets, old, buckets));
  gaiti_delay(thread->heap);
  gaiti_counter_add(&table->clears, 1);
  return true;
}

size_t gaiti_table_count(const gait_weak_table *table) {
  return gaiti_buckets_entries(gait_load(&table->buckets));
}

/* ---- Interned objects ---- */

void *gaiti_table_find_interned(gait_thread *thread, gait_weak_table *table, uint64_t hash,
                                const void *name) {
  struct table_search search = {.table = table, .hash = table_mix(hash), .name = name};
  table_search_begin(thread, &search);
  search_table(thread, &search);
  table_search_end(thread, &search);
  return search.found;
}

/* Most names are found, without a change. */
void *gaiti_table_intern(gait_thread *thread, gait_weak_table *table, uint64_t hash,
                         const void *name) {
  struct table_search search = {.table = table, .hash = table_mix(hash), .name = name};
  table_search_begin(thread, &search);
  if (!search_table(thread, &search))
    while (search_or_add(thread, &search) == ADDITION_AGAIN) {
    }
  table_search_end(thread, &search);
  return search.found;
}

/* The object stands for the key. */
bool gaiti_table_forget(gait_thread *thread, gait_weak_table *table, uint64_t hash, void *object) {
  struct table_search search = {.table = table, .key = object, .hash = table_mix(hash)};
  table_search_begin(thread, &search);
  bool removed = search_table(thread, &search) && search_remove(thread, &search);
  table_search_end(thread, &search);
  return removed;
}
