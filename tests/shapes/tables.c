/* Hash tables that grow: chains of entries, an array of chains that doubles when it is full, keys
 * that are strings of their own.  Keys are removed and come back.  A byte for each key, in plain
 * memory, says which must be there. */
#include "shapes.h"

#include <stdio.h>
#include <string.h>

#define TABLES_KEYS  3000
#define TABLES_LEAST 8

struct entry {
  struct entry *next;
  char *key;
  uint64_t hash, value;
};

struct table {
  struct entry **chains;
  uint64_t size, count;
};

struct tables {
  gait_kind table, chains, entry;
};

static uint64_t table_hash(const char *key) {
  uint64_t hash = UINT64_C(14695981039346656037);
  for (; *key; key++)
    hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
  return hash ^ hash >> 32;
}

static struct entry **table_chain(struct table *table, uint64_t hash) {
  return &table->chains[hash % table->size];
}

static void table_resize(struct shape_worker *worker, struct table *table, uint64_t size) {
  const struct tables *tables = worker->arg;
  struct entry **old = table->chains;
  const uint64_t old_size = table->size;
  gait_store(worker->thread, &table->chains,
             shape_alloc(worker, tables->chains, size * sizeof *table->chains));
  table->size = size;
  for (uint64_t i = 0; i < old_size; i++) {
    for (struct entry *entry = old[i], *next; entry; entry = next) {
      struct entry **chain = table_chain(table, entry->hash);
      next = entry->next;
      gait_store(worker->thread, &entry->next, *chain);
      gait_store(worker->thread, chain, entry);
    }
  }
}

static struct entry *table_find(struct table *table, const char *key) {
  const uint64_t hash = table_hash(key);
  for (struct entry *entry = *table_chain(table, hash); entry; entry = entry->next)
    if (entry->hash == hash && strcmp(entry->key, key) == 0) return entry;
  return NULL;
}

static void table_add(struct shape_worker *worker, struct table *table, const char *key,
                      uint64_t value) {
  const struct tables *tables = worker->arg;
  if (table->count >= table->size) table_resize(worker, table, 2 * table->size);
  struct entry *entry = shape_alloc(worker, tables->entry, sizeof *entry);
  char *copy = shape_alloc(worker, gait_kind_leaf(worker->run->heap), strlen(key) + 1);
  entry->hash = table_hash(key);
  entry->value = value;
  strcpy(copy, key);
  struct entry **chain = table_chain(table, entry->hash);
  gait_store_init(worker->thread, &entry->key, copy);
  gait_store_init(worker->thread, &entry->next, *chain);
  gait_store(worker->thread, chain, entry);
  table->count++;
}

static void table_remove(struct shape_worker *worker, struct table *table, const char *key) {
  struct entry **link = table_chain(table, table_hash(key));
  while (*link && strcmp((*link)->key, key) != 0)
    link = &(*link)->next;
  if (!*link) shape_fail(worker->run, "the key %s is missing", key);
  gait_store(worker->thread, link, (*link)->next);
  table->count--;
}

static void tables_work(struct shape_worker *worker) {
  const struct tables *tables = worker->arg;
  static _Thread_local unsigned char present[TABLES_KEYS];
  char key[32];
  memset(present, 0, sizeof present);
  struct table *table = shape_alloc(worker, tables->table, sizeof *table);
  table_resize(worker, table, TABLES_LEAST);
  for (uint32_t turn = 0; turn < 20000 * worker->run->scale; turn++) {
    const uint32_t which = random_below(&worker->random, TABLES_KEYS);
    snprintf(key, sizeof key, "key %u of thread %u", which, worker->index);
    const struct entry *entry = table_find(table, key);
    if (!entry != !present[which] || (entry && entry->value != which * UINT64_C(77)))
      shape_fail(worker->run, "%s is not what it was", key);
    if (entry)
      table_remove(worker, table, key);
    else
      table_add(worker, table, key, which * UINT64_C(77));
    present[which] = !present[which];
    if (turn % 8000 == 7999) table_resize(worker, table, TABLES_LEAST);
  }
}

void shape_tables(struct shape_run *run) {
  struct tables tables = {.table = shape_kind(run, "table", 1, false),
                          .chains = shape_kind(run, "chains", 1, true),
                          .entry = shape_kind(run, "entry", 1 << 0 | 1 << 1, false)};
  shape_threads(run, 2, tables_work, &tables);
}
