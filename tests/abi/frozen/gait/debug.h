/* debug.h: options that help to find bugs, in your program or in Gait, and that make rare things
 * common.  gait.h includes this file; docs/manual.md says when to use which.
 *
 * They are a part of gait_options and are set as the others are: options.debug.checkmark = 1,
 * gait_options_set(&options, "checkmark", "on", ...), GAIT_CHECKMARK=on.
 *
 * Later options take words of `reserved`, and are in a program's options whatever headers that
 * was compiled with: such an option can be set by its name, and from the environment, there too. */
#ifndef GAIT_DEBUG_H
#define GAIT_DEBUG_H

#include <stdint.h>

#define GAIT_DEBUG_RESERVED 5

/* How the search for missing barriers, roots and frames goes: values of the option
 * `find_missing`. */
typedef enum gait_find {
  GAIT_FIND_OFF,
  GAIT_FIND_ON,     /* at each call of Gait's, and at the end of each marking */
  GAIT_FIND_STORES, /* at each store in an object that has references, too, by a fault */
} gait_find;

typedef struct gait_debug_options {
  /* Switch: mark a second time with every thread stopped, and compare: a store that missed the
   * barrier ends the program. */
  int64_t checkmark;
  /* Switch: prove every invariant of the heap's own structures after each cycle. */
  int64_t heap_walk;
  /* Switch: fill free slots with a pattern, and check it when they are taken again. */
  int64_t poison;
  /* Collect at every so many allocations, all of which take the slow path; 0: never. */
  int64_t collect_every;
  /* Most bytes of slots that a thread takes at a time; 1: every allocation takes the slow path. */
  int64_t run_bytes;
  /* References that a write-barrier buffer holds. */
  int64_t barrier_entries;
  /* Most segments of 8 KiB in the queue of mark work; marking walks the heap when they are full. */
  int64_t mark_segments;
  /* Sleep at random, at most so many microseconds, at each step of a protocol; 0: never. */
  int64_t delay_us;
  /* Seed of these sleeps, from 1; repeated in reports. */
  int64_t seed;
  /* Switch: look for references to objects that gait_object_free has freed. */
  int64_t check_free;
  /* A gait_find: name the slot and the function of a store that missed the barrier, and the
   * allocation of an object that is used and is in no root. */
  int64_t find_missing;
  /* Zero. */
  int64_t reserved[GAIT_DEBUG_RESERVED];
} gait_debug_options;

#endif
