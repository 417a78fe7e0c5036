#include "heap/external.h"

/* Of a table that there is at all. */
#define EXTERNAL_LEAST_PLACES 16u

bool gaiti_externals_init(struct gaiti_externals *externals, struct gaiti_space *space) {
  externals->space = space;
  if (!gaiti_lock_init(&externals->gate, GAITI_RANK_ROOTS)) return false;
  for (int i = 0; i < GAITI_EXTERNAL_SHARDS; i++) {
    externals->shards[i] = (struct gaiti_external_shard){0};
    if (!gaiti_lock_init(&externals->shards[i].lock, GAITI_RANK_ROOTS)) {
      while (i-- > 0)
        gaiti_lock_destroy(&externals->shards[i].lock);
      gaiti_lock_destroy(&externals->gate);
      return false;
    }
  }
  AO_store(&externals->closed, 0);
  AO_store(&externals->bytes, 0);
  return true;
}

static void shard_free_table(struct gaiti_space *space, struct gaiti_external_shard *shard) {
  gaiti_structure_free(space, shard->table, shard->capacity * sizeof *shard->table);
}

void gaiti_externals_destroy(struct gaiti_externals *externals) {
  for (int i = 0; i < GAITI_EXTERNAL_SHARDS; i++) {
    shard_free_table(externals->space, &externals->shards[i]);
    gaiti_lock_destroy(&externals->shards[i].lock);
  }
  gaiti_lock_destroy(&externals->gate);
}

static uint64_t external_hash(uintptr_t object) {
  uint64_t hash = (object >> GAITI_GRANULE_SHIFT) * 0x9E3779B97F4A7C15u;
  return hash ^ hash >> 32;
}

/* The place of `object`, or the free place where it belongs. */
static struct gaiti_external *external_place(struct gaiti_external *table, size_t capacity,
                                             uintptr_t object) {
  size_t at = external_hash(object) / GAITI_EXTERNAL_SHARDS;
  for (;; at++) {
    struct gaiti_external *place = &table[at & (capacity - 1)];
    if (place->object == object || place->object == 0) return place;
  }
}

/* Moves every entry to a table of `capacity` places. */
static bool shard_rebuild(struct gaiti_space *space, struct gaiti_external_shard *shard,
                          size_t capacity) {
  struct gaiti_external *table = gaiti_structure_alloc(space, capacity * sizeof *table);
  if (!table) return false;
  for (size_t i = 0; i < shard->capacity; i++)
    if (shard->table[i].object)
      *external_place(table, capacity, shard->table[i].object) = shard->table[i];
  shard_free_table(space, shard);
  shard->table = table;
  shard->capacity = capacity;
  return true;
}

/* Empties a place and moves back the entries that the probe for it may have pushed on. */
static void shard_remove(struct gaiti_external_shard *shard, struct gaiti_external *place) {
  size_t mask = shard->capacity - 1, hole = (size_t)(place - shard->table);
  shard->used--;
  for (size_t at = (hole + 1) & mask; shard->table[at].object; at = (at + 1) & mask) {
    size_t home = external_hash(shard->table[at].object) / GAITI_EXTERNAL_SHARDS & mask;
    if (((at - home) & mask) >= ((at - hole) & mask)) {
      shard->table[hole] = shard->table[at];
      hole = at;
    }
  }
  shard->table[hole] = (struct gaiti_external){0};
}

static size_t shard_bytes(const struct gaiti_external_shard *shard, uintptr_t object) {
  if (shard->capacity == 0) return 0;
  const struct gaiti_external *place = external_place(shard->table, shard->capacity, object);
  return place->object == object ? place->bytes : 0;
}

/* Only a new entry may need a larger table. */
static bool shard_set(struct gaiti_space *space, struct gaiti_external_shard *shard,
                      uintptr_t object, size_t bytes) {
  struct gaiti_external *place =
      shard->capacity ? external_place(shard->table, shard->capacity, object) : NULL;
  bool known = place && place->object == object;
  if (known && bytes > 0) place->bytes = bytes;
  if (known && bytes == 0) shard_remove(shard, place);
  if (known || bytes == 0) return true;
  if (shard->used * 2 >= shard->capacity) {
    size_t capacity = shard->capacity ? shard->capacity * 2 : EXTERNAL_LEAST_PLACES;
    if (!shard_rebuild(space, shard, capacity)) return false;
    place = external_place(shard->table, shard->capacity, object);
  }
  *place = (struct gaiti_external){object, bytes};
  shard->used++;
  return true;
}

/* Takes the lock of a shard, when no fork has closed the table (.external.gate). */
static void shard_enter(struct gaiti_externals *externals, struct gaiti_external_shard *shard) {
  gaiti_lock(&shard->lock);
  while (AO_load_acquire(&externals->closed)) {
    gaiti_unlock(&shard->lock);
    gaiti_lock(&externals->gate);
    gaiti_unlock(&externals->gate);
    gaiti_lock(&shard->lock);
  }
}

/* Raises the sum, unless it would be too large. */
static bool externals_raise(struct gaiti_externals *externals, uint64_t more) {
  AO_t bytes;
  if (more == 0) return true;
  do {
    bytes = AO_load(&externals->bytes);
    if (more > GAIT_MAX_EXTERNAL_BYTES - bytes) return false;
  } while (!AO_compare_and_swap(&externals->bytes, bytes, bytes + more));
  return true;
}

/* The lock of the shard is held, so between the two sums no other thread changes the object's
 * entry. */
static bool externals_set_locked(struct gaiti_externals *externals,
                                 struct gaiti_external_shard *shard, uintptr_t object, size_t bytes,
                                 int64_t *change) {
  size_t before = shard_bytes(shard, object);
  uint64_t more = bytes > before ? bytes - before : 0, less = before > bytes ? before - bytes : 0;
  if (!externals_raise(externals, more)) return false;
  bool set = shard_set(externals->space, shard, object, bytes);
  if (!set) less = more;
  if (less > 0) gaiti_counter_sub(&externals->bytes, less);
  *change = (int64_t)bytes - (int64_t)before;
  return set;
}

bool gaiti_externals_set(struct gaiti_externals *externals, uintptr_t object, size_t bytes,
                         int64_t *change) {
  struct gaiti_external_shard *shard =
      &externals->shards[external_hash(object) % GAITI_EXTERNAL_SHARDS];
  shard_enter(externals, shard);
  bool set = externals_set_locked(externals, shard, object, bytes, change);
  gaiti_unlock(&shard->lock);
  return set;
}

/* A removal may move a later entry into the place just looked at, so that place is looked at again;
 * entries that wrap round the end are seen twice, which does no harm. */
static void shard_drop_dead(struct gaiti_externals *externals, struct gaiti_external_shard *shard,
                            const struct gaiti_map *map) {
  for (size_t i = 0; i < shard->capacity;) {
    struct gaiti_external *place = &shard->table[i];
    if (place->object && !gaiti_ref_is_marked(map, gaiti_map_find(map, place->object))) {
      gaiti_counter_sub(&externals->bytes, place->bytes);
      shard_remove(shard, place);
    } else {
      i++;
    }
  }
}

/* A quarter of the places may be used after it; without memory for that the table stays. */
static void shard_shrink(struct gaiti_space *space, struct gaiti_external_shard *shard) {
  size_t capacity = shard->capacity;
  while (capacity > EXTERNAL_LEAST_PLACES && shard->used * 8 <= capacity)
    capacity /= 2;
  if (capacity < shard->capacity) shard_rebuild(space, shard, capacity);
}

void gaiti_externals_drop_dead(struct gaiti_externals *externals, const struct gaiti_map *map) {
  for (int i = 0; i < GAITI_EXTERNAL_SHARDS; i++) {
    gaiti_lock(&externals->shards[i].lock);
    shard_drop_dead(externals, &externals->shards[i], map);
    shard_shrink(externals->space, &externals->shards[i]);
    gaiti_unlock(&externals->shards[i].lock);
  }
}

/* ---- Across a fork ---- */

/* Straight on the mutexes, for they share their rank. */
void gaiti_externals_close(struct gaiti_externals *externals) {
  pthread_mutex_lock(&externals->gate.mutex);
  AO_store_full(&externals->closed, 1);
  for (int i = 0; i < GAITI_EXTERNAL_SHARDS; i++) {
    pthread_mutex_lock(&externals->shards[i].lock.mutex);
    pthread_mutex_unlock(&externals->shards[i].lock.mutex);
  }
}

void gaiti_externals_open(struct gaiti_externals *externals) {
  AO_store_release(&externals->closed, 0);
  pthread_mutex_unlock(&externals->gate.mutex);
}

void gaiti_externals_renew(struct gaiti_externals *externals) {
  for (int i = 0; i < GAITI_EXTERNAL_SHARDS; i++)
    gaiti_lock_renew(&externals->shards[i].lock);
}

void gaiti_externals_each(struct gaiti_externals *externals, gaiti_external_fn *visit, void *arg) {
  for (int i = 0; i < GAITI_EXTERNAL_SHARDS; i++) {
    struct gaiti_external_shard *shard = &externals->shards[i];
    gaiti_lock(&shard->lock);
    for (size_t place = 0; place < shard->capacity; place++)
      if (shard->table[place].object)
        visit(shard->table[place].object, shard->table[place].bytes, arg);
    gaiti_unlock(&shard->lock);
  }
}
