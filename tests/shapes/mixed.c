/* Objects of every size and alignment, large ones among them, in a table that is a managed object
 * itself.  Each is filled with bytes that follow from its place and its age. */
#include "shapes.h"

#include <string.h>

#define MIXED_PLACES 120
#define MIXED_MOST   ((size_t)6 << 20) /* bytes of one object */
#define MIXED_BUDGET ((size_t)40 << 20)

struct mixed_twin {
  size_t bytes;
  unsigned char filling;
};

static size_t mixed_bytes(uint64_t *random) {
  const uint32_t luck = random_below(random, 100);
  if (luck < 70) return 1 + random_below(random, 2000);
  if (luck < 90) return 1 + random_below(random, 70000);
  if (luck < 98) return 1 + random_below(random, 1 << 20);
  return 1 + random_below(random, (uint32_t)MIXED_MOST);
}

static unsigned char *mixed_new(struct shape_worker *worker, size_t bytes) {
  const size_t alignment = (size_t)1 << random_below(&worker->random, 13);
  const gait_kind leaf = gait_kind_leaf(worker->run->heap);
  unsigned char *object = random_below(&worker->random, 2)
                              ? gait_alloc_aligned(worker->thread, leaf, bytes, alignment)
                              : gait_alloc_array(worker->thread, leaf, 0, bytes, 1);
  if (!object) shape_fail(worker->run, "there is no memory for %zu bytes", bytes);
  for (size_t i = 0; i < bytes; i += bytes / 64 + 1)
    if (object[i]) shape_fail(worker->run, "a new object of %zu bytes is not zero", bytes);
  return object;
}

static void mixed_check(const struct shape_worker *worker, const unsigned char *object,
                        const struct mixed_twin *twin) {
  if (!object != !twin->bytes) shape_fail(worker->run, "a place of the table is not what it was");
  for (size_t i = 0; i < twin->bytes; i += twin->bytes / 200 + 1)
    if (object[i] != twin->filling)
      shape_fail(worker->run, "an object of %zu bytes has %#x in place of %#x at %zu", twin->bytes,
                 object[i], twin->filling, i);
  if (object && object[twin->bytes - 1] != twin->filling)
    shape_fail(worker->run, "an object of %zu bytes has lost its end", twin->bytes);
}

static void mixed_work(struct shape_worker *worker) {
  struct mixed_twin twins[MIXED_PLACES] = {{0, 0}};
  size_t in_use = 0;
  void **table =
      shape_alloc(worker, gait_kind_conservative(worker->run->heap), MIXED_PLACES * sizeof *table);
  for (uint32_t turn = 0; turn < 1500 * worker->run->scale; turn++) {
    const uint32_t place = random_below(&worker->random, MIXED_PLACES);
    struct mixed_twin *twin = &twins[place];
    mixed_check(worker, gait_load(&table[place]), twin);
    in_use -= twin->bytes;
    *twin = (struct mixed_twin){0, 0};
    gait_store(worker->thread, &table[place], NULL);
    const size_t bytes = mixed_bytes(&worker->random);
    if (in_use + bytes > MIXED_BUDGET) continue;
    unsigned char *object = mixed_new(worker, bytes);
    *twin = (struct mixed_twin){bytes, (unsigned char)(1 + turn % 255)};
    memset(object, twin->filling, bytes);
    gait_store(worker->thread, &table[place], object);
    in_use += bytes;
  }
  for (uint32_t place = 0; place < MIXED_PLACES; place++)
    mixed_check(worker, table[place], &twins[place]);
}

void shape_mixed(struct shape_run *run) {
  shape_threads(run, 2, mixed_work, NULL);
}
