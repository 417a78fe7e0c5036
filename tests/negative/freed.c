/* freed: with AddressSanitizer, a program that reads or writes an object which the collector has
 * freed is reported at that access.  Each case runs in a child, whose report is read. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gait/gait.h>

#include "../support/sanitizer.h"
#include "apart.h"

#define FREED_OBJECTS 200

static gait_heap *freed_heap;
static gait_thread *freed_thread;
static gait_frame freed_frame;
static void *freed_slots[FREED_OBJECTS];

static void freed_open(bool poison) {
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = GAIT_OFF;
  options.debug.poison = poison;
  apart_must(gait_heap_create(&options, &freed_heap) == GAIT_OK, "no heap");
  apart_must(gait_thread_attach(freed_heap, NULL, GAIT_STACK_EXACT, &freed_thread) == GAIT_OK,
             "no thread");
  gait_frame_push(freed_thread, &freed_frame, freed_slots, FREED_OBJECTS);
}

/* Keeps every other object, and returns one that was freed. */
static volatile char *freed_object(size_t bytes, bool all) {
  const gait_kind leaf = gait_kind_leaf(freed_heap);
  for (size_t i = 0; i < FREED_OBJECTS; i++) {
    freed_slots[i] = gait_alloc(freed_thread, leaf, bytes);
    apart_must(freed_slots[i] != NULL, "no object");
    memset(freed_slots[i], 'x', bytes);
  }
  volatile char *victim = freed_slots[FREED_OBJECTS / 2];
  for (size_t i = 0; i < FREED_OBJECTS; i++)
    if (all || i % 2 == 0) freed_slots[i] = NULL;
  apart_must(gait_heap_collect(freed_thread) == GAIT_OK, "no collection");
  for (size_t i = 0; i < FREED_OBJECTS; i++) {
    const char *kept = freed_slots[i];
    apart_must(!kept || (kept[0] == 'x' && kept[bytes - 1] == 'x'), "a kept object has changed");
  }
  return victim;
}

struct freed_case {
  const char *name;
  size_t bytes;
  bool all; /* every object dies, and with it its whole block */
  bool poison;
  bool writes;
};

static const struct freed_case freed_cases[] = {
    {"a slot is read", 32, false, false, false},
    {"a slot is written", 32, false, false, true},
    {"a slot under poison is read", 48, false, true, false},
    {"a slot of an empty block is read", 400, true, false, false},
    {"a large object is read", 100000, false, false, false},
};

static int freed_misuse(const void *arg) {
  const struct freed_case *misuse = arg;
  freed_open(misuse->poison);
  volatile char *victim = freed_object(misuse->bytes, misuse->all);
  if (misuse->writes) victim[misuse->bytes - 1] = 'y';
  const char seen = victim[misuse->bytes / 2];
  fprintf(stderr, "freed: %c was read\n", seen);
  return EXIT_SUCCESS;
}

static void freed_expect(const struct freed_case *misuse) {
  static char text[65536];
  const int status = apart_run(freed_misuse, misuse, text, sizeof text);
  const bool reported = status != 0 && strstr(text, "use-after-poison");
  if (!reported) fprintf(stderr, "%s\n", text);
  apart_must(reported, misuse->name);
}

/* Memory that the heap gave back to the system is another's, and may be used. */
static void freed_addresses_are_free_again(void) {
  freed_open(false);
  freed_object(32, true);
  gait_frame_pop(freed_thread, &freed_frame);
  apart_must(gait_thread_detach(freed_thread) == GAIT_OK, "not detached");
  apart_must(gait_heap_destroy(freed_heap) == GAIT_OK, "not destroyed");
  freed_open(false);
  freed_object(32, false);
}

int main(void) {
  if (!SANITIZER_ADDRESS) return 77;
  for (size_t i = 0; i < sizeof freed_cases / sizeof *freed_cases; i++)
    freed_expect(&freed_cases[i]);
  freed_addresses_are_free_again();
  return EXIT_SUCCESS;
}
