/* unit_young.h: what tests of young cycles share: cycles that are young or full by the test's will,
 * and objects that are old. */
#ifndef UNIT_YOUNG_H
#define UNIT_YOUNG_H

#include "unit.h"

#include "../support/sizes.h"

/* Without barriers there are no young cycles: the loop goes over the other modes. */
extern const unit_mode young_modes[2];
#define YOUNG_TEST(tcase, function) tcase_add_loop_test(tcase, function, 0, 2)

/* Every cycle is young that may be, and none comes for growth. */
gait_options young_options(unit_mode mode);

/* Opens a world whose next cycle is young. */
void young_open(unit_world *world, int mode);
extern const unit_fixture young_world;

/* Allocates until a cycle has run; what it allocates is of no other object's size. */
void young_any_cycle(unit_world *world);

/* Runs a cycle that has to be young. */
void young_cycle(unit_world *world);

/* Runs a cycle that has to be full. */
void young_full_cycle(unit_world *world);

uint64_t young_external(const unit_world *world);

/* Runs a young cycle and returns the tags of the objects that it left. */
uint64_t young_alive(unit_world *world);

/* Runs a young cycle and returns how many objects are marked after it. */
uint64_t young_marked_objects(unit_world *world);

/* An object is old when two cycles have found it. */
void young_grow_old(unit_world *world);

/* An old object, kept in slot `slot`, whose cards are clean. */
void *young_old(unit_world *world, size_t slot, gait_kind kind, size_t bytes);

/* Young cycles leave the objects with these tags, while they are new, aged and old. */
void young_expect_alive(unit_world *world, uint64_t tags);

/* Stores a new object there, which stays alive. */
void young_expect_remembered(unit_world *world, void **slot);

#endif
