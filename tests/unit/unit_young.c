#include "unit_young.h"

/* A cycle comes at every so many allocations of a thread: a test has fewer of them from one of its
 * cycles to the next. */
#define YOUNG_EVERY 32

const unit_mode young_modes[2] = {UNIT_CONCURRENT, UNIT_SHRUNKEN};

gait_options young_options(unit_mode mode) {
  gait_options options = unit_options((int)mode);
  options.young_percent = 100;
  options.gogc_percent = 100;
  options.min_heap_bytes = (int64_t)(1024 * MIB);
  options.debug.collect_every = YOUNG_EVERY;
  return options;
}

void young_any_cycle(unit_world *world) {
  const uint64_t cycles = unit_stats(world->heap).cycles;
  while (unit_stats(world->heap).cycles == cycles)
    UNIT_CHECK(gait_alloc(world->thread, world->leaf, 16) != NULL);
  ck_assert_uint_eq(unit_stats(world->heap).cycles, cycles + 1);
}

void young_cycle(unit_world *world) {
  const uint64_t young = unit_stats(world->heap).young_cycles;
  young_any_cycle(world);
  ck_assert_uint_eq(unit_stats(world->heap).young_cycles, young + 1);
}

void young_full_cycle(unit_world *world) {
  const uint64_t young = unit_stats(world->heap).young_cycles;
  young_any_cycle(world);
  ck_assert_uint_eq(unit_stats(world->heap).young_cycles, young);
}

uint64_t young_external(const unit_world *world) {
  return unit_stats(world->heap).external_bytes;
}

uint64_t young_alive(unit_world *world) {
  young_cycle(world);
  return young_external(world);
}

uint64_t young_marked_objects(unit_world *world) {
  young_cycle(world);
  return unit_last_record(world->heap).marked_objects;
}

void young_open(unit_world *world, int mode) {
  const gait_options options = young_options(young_modes[mode]);
  unit_open_with(world, &options, GAIT_STACK_EXACT);
  young_full_cycle(world);
}

UNIT_FIXTURE(young_world, 2, young_open);

void young_grow_old(unit_world *world) {
  young_cycle(world);
  young_cycle(world);
}

void *young_old(unit_world *world, size_t slot, gait_kind kind, size_t bytes) {
  world->slots[slot] = gait_alloc(world->thread, kind, bytes);
  ck_assert_ptr_nonnull(world->slots[slot]);
  young_grow_old(world);
  return world->slots[slot];
}

void young_expect_alive(unit_world *world, uint64_t tags) {
  for (int i = 0; i < 4; i++)
    ck_assert_uint_eq(young_alive(world), tags);
}

void young_expect_remembered(unit_world *world, void **slot) {
  gait_store(world->thread, slot, unit_tagged_leaf(world, 0));
  young_expect_alive(world, UNIT_TAG(0));
}
