#include "weak/finalizer_table.h"

#include <string.h>

#define TABLE_LEAST_CHUNKS 4u
/* Places are 32 bits, and so is a place and 1. */
#define TABLE_MOST_CHUNKS (UINT32_MAX / GAITI_FINALIZER_CHUNK - 1)

#define TABLE_RECORDS_BYTES (GAITI_FINALIZER_CHUNK * sizeof(struct gaiti_finalizer))

static size_t table_bytes(uint32_t capacity) {
  return capacity * sizeof(struct gaiti_finalizer_chunk);
}

void gaiti_finalizer_table_destroy(struct gaiti_finalizer_table *table) {
  for (uint32_t i = 0; i < table->count; i++)
    gaiti_structure_free(table->space, table->chunks[i].records, TABLE_RECORDS_BYTES);
  gaiti_structure_free(table->space, table->chunks, table_bytes(table->capacity));
}

/* Without memory for the other table it stays as it is. */
static bool table_resize(struct gaiti_finalizer_table *table, uint32_t capacity) {
  struct gaiti_finalizer_chunk *chunks = gaiti_structure_alloc(table->space, table_bytes(capacity));
  if (!chunks) return false;
  if (table->count > 0) memcpy(chunks, table->chunks, table_bytes(table->count));
  gaiti_structure_free(table->space, table->chunks, table_bytes(table->capacity));
  table->chunks = chunks;
  table->capacity = capacity;
  return true;
}

/* Every chunk is full. */
static bool table_grow(struct gaiti_finalizer_table *table) {
  uint32_t wanted = table->capacity ? table->capacity * 2 : TABLE_LEAST_CHUNKS;
  if (table->count >= TABLE_MOST_CHUNKS) return false;
  if (table->count == table->capacity && !table_resize(table, wanted)) return false;
  struct gaiti_finalizer *records = gaiti_structure_alloc(table->space, TABLE_RECORDS_BYTES);
  if (!records) return false;
  table->chunks[table->count++] = (struct gaiti_finalizer_chunk){.records = records};
  return true;
}

static AO_t *table_named(const struct gaiti_finalizer_table *table, uintptr_t object) {
  uint64_t hash = (object >> GAITI_GRANULE_SHIFT) * 0x9E3779B97F4A7C15u;
  return (AO_t *)&table->named[hash >> 32 & (GAITI_FINALIZER_NAMED - 1)];
}

bool gaiti_finalizer_may_name(const struct gaiti_finalizer_table *table, uintptr_t object) {
  return AO_load(table_named(table, object)) > 0;
}

struct gaiti_finalizer *gaiti_finalizer_take(struct gaiti_finalizer_table *table,
                                             uintptr_t object) {
  while (table->open < table->count && table->chunks[table->open].used == UINT64_MAX)
    table->open++;
  if (table->open == table->count && !table_grow(table)) return NULL;
  struct gaiti_finalizer_chunk *chunk = &table->chunks[table->open];
  uint32_t index = (uint32_t)__builtin_ctzll(~chunk->used);
  chunk->used |= gaiti_finalizer_bit(index);
  chunk->young |= gaiti_finalizer_bit(index);
  table->used++;
  gaiti_counter_add(table_named(table, object), 1);
  struct gaiti_finalizer *record = &chunk->records[index];
  *record = (struct gaiti_finalizer){.object = object,
                                     .serial = ++table->serial,
                                     .place = table->open * GAITI_FINALIZER_CHUNK + index};
  return record;
}

void gaiti_finalizer_give(struct gaiti_finalizer_table *table, struct gaiti_finalizer *record) {
  struct gaiti_finalizer_chunk *chunk = gaiti_finalizer_chunk(table, record);
  uint64_t bit = gaiti_finalizer_bit(record->place);
  chunk->used &= ~bit;
  chunk->young &= ~bit;
  chunk->due &= ~bit;
  table->used--;
  gaiti_counter_sub(table_named(table, record->object), 1);
  record->serial = 0;
  uint32_t number = record->place / GAITI_FINALIZER_CHUNK;
  if (number < table->open) table->open = number;
}

struct gaiti_finalizer *gaiti_finalizer_find(const struct gaiti_finalizer_table *table,
                                             uint32_t place, uint64_t serial) {
  if (place / GAITI_FINALIZER_CHUNK >= table->count || serial == 0) return NULL;
  struct gaiti_finalizer *record =
      &table->chunks[place / GAITI_FINALIZER_CHUNK].records[place % GAITI_FINALIZER_CHUNK];
  return record->serial == serial ? record : NULL;
}

/* Free records are taken from the front, so it is the end that gets empty.  One empty chunk stays.
 */
void gaiti_finalizer_table_trim(struct gaiti_finalizer_table *table) {
  while (table->count > 1 && table->chunks[table->count - 1].used == 0 &&
         table->chunks[table->count - 2].used == 0)
    gaiti_structure_free(table->space, table->chunks[--table->count].records, TABLE_RECORDS_BYTES);
  if (table->open > table->count) table->open = table->count;
  uint32_t capacity = table->capacity;
  while (capacity > TABLE_LEAST_CHUNKS && table->count * 4 <= capacity)
    capacity /= 2;
  if (capacity < table->capacity) table_resize(table, capacity);
}
