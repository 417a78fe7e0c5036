/* unit.h: what the API-level tests share.
 *
 * Every suite that allocates runs once per mode, as a loop test of Check: the loop's index is the
 * mode.  A world is a heap with the test's own thread attached and a frame of slots, so that a test
 * decides to the object what is reachable.  A fixture opens it where all tests of a case want the
 * same; a test that wants options of its own opens one itself.
 *
 * What is alive is asked for through external bytes: unit_tag gives an object 2^tag of them, and
 * after a collection the heap's sum is the set of tags that survived. */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gait/gait.h>
#include <gait/tune.h>

typedef enum unit_mode {
  UNIT_CONCURRENT,
  UNIT_BARRIERLESS,
  UNIT_SHRUNKEN, /* concurrent, smallest buffers, every check that the build has */
  UNIT_MODES,
} unit_mode;

#define UNIT_SLOTS 64
#define UNIT_TAGS  24 /* 2^24 bytes in all: far from every limit */

typedef struct unit_world {
  gait_heap *heap;
  gait_thread *thread;
  gait_kind leaf;
  gait_kind conservative;
  gait_kind references; /* pointer map: every word, over the whole object */
  gait_frame frame;
  void *slots[UNIT_SLOTS];
} unit_world;

/* An assertion for hot loops and for other threads: Check writes a message for each of its own that
 * holds. */
#define UNIT_CHECK(condition)                                                                      \
  do {                                                                                             \
    if (!(condition)) ck_abort_msg("%s", #condition);                                              \
  } while (0)

/* The defaults for a mode, with growth turned off: a cycle runs only when the test asks. */
gait_options unit_options(int mode);

/* Opens a world on a new heap; `roots` is how the test's thread is scanned. */
void unit_open(unit_world *world, int mode, gait_thread_roots roots);
void unit_open_with(unit_world *world, const gait_options *options, gait_thread_roots roots);

/* Detaches and destroys; asserts that both work. */
void unit_close(unit_world *world);

/* Gives `object` 2^tag external bytes. */
void unit_tag(unit_world *world, void *object, unsigned tag);

/* A fresh leaf object with that tag. */
void *unit_tagged_leaf(unit_world *world, unsigned tag);

/* The bit of a tag, to compare with unit_alive. */
#define UNIT_TAG(tag) ((uint64_t)1 << (tag))

/* Collects and returns the tags of the objects that survived. */
uint64_t unit_alive(unit_world *world);

/* Collects and returns how many objects it marked. */
uint64_t unit_marked_objects(unit_world *world);

/* The record of the newest cycle; asserts that there is one. */
gait_cycle_record unit_last_record(gait_heap *heap);

gait_stats unit_stats(gait_heap *heap);

/* The row of the option that lies at `field` of gait_options. */
const gait_option *unit_option(size_t field);
#define UNIT_OPTION(member) unit_option(offsetof(gait_options, member))

/* Hides an address from a conservative scan, and finds it again. */
static inline uintptr_t unit_hide(const void *address) {
  return ~(uintptr_t)address;
}
static inline void *unit_find(uintptr_t hidden) {
  return (void *)~hidden;
} // NOLINT

/* Overwrites the stack below the caller, where calls that have returned left addresses behind. */
void unit_scrub_stack(void);

/* Runs `function(arg)` on a new thread and waits for it, outside managed code. */
void unit_on_thread(gait_thread *waiter, void *(*function)(void *), void *arg);

/* A thread that collects again and again, from the one call to the other.  `waiter` waits for its
 * end outside managed code; NULL: the caller is outside already. */
typedef struct unit_collector {
  gait_heap *heap;
  pthread_t thread;
  atomic_bool stop;
  atomic_ulong cycles;
} unit_collector;
void unit_collector_start(unit_collector *collector, gait_heap *heap);
void unit_collector_stop(unit_collector *collector, gait_thread *waiter);

/* Lines and bytes of /proc/self/maps, threads and descriptors of this process. */
typedef struct unit_resources {
  size_t mappings;
  size_t mapped_bytes;
  size_t threads;
  size_t descriptors;
} unit_resources;
unit_resources unit_count_resources(void);

/* Threads of this process now, counted by the kernel. */
size_t unit_count_threads(void);

/* Resident bytes of this process, counted by the kernel. */
size_t unit_resident_bytes(void);

/* A log that keeps its lines. */
typedef struct unit_log {
  size_t lines;
  char text[64 * 1024];
} unit_log;
void unit_log_line(const char *line, void *log);

/* Each test file names its suite and fills it; unit.c has main. */
extern const char *const unit_suite_name;
void unit_suite_fill(Suite *suite);
TCase *unit_case(Suite *suite, const char *name);

/* Adds a test once per mode. */
#define UNIT_TEST(tcase, function) tcase_add_loop_test(tcase, function, 0, UNIT_MODES)

/* ---- Tests that find a world ---- */

/* The world of such a test: opened before it in the mode that its _i is, and closed behind it. */
extern unit_world unit;

/* How it is opened in each of the modes. */
typedef struct unit_fixture {
  int modes;
  void (*open[UNIT_MODES])(void);
} unit_fixture;
extern const unit_fixture unit_exact, unit_conservative; /* as unit_open does, with these roots */

/* Defines a fixture by a function of its own, which takes the world and the mode. */
#define UNIT_FIXTURE(name, modes, function)                                                        \
  static void name##_0(void) {                                                                     \
    function(&unit, 0);                                                                            \
  }                                                                                                \
  static void name##_1(void) {                                                                     \
    function(&unit, 1);                                                                            \
  }                                                                                                \
  static void name##_2(void) {                                                                     \
    function(&unit, 2);                                                                            \
  }                                                                                                \
  const unit_fixture name = {modes, {name##_0, name##_1, name##_2}}

/* Cases of the same name, one for each mode, since a fixture of Check's is that of a case. */
typedef struct unit_worlds {
  int modes;
  TCase *cases[UNIT_MODES];
} unit_worlds;
unit_worlds unit_world_cases(Suite *suite, const char *name, const unit_fixture *fixture);

/* Adds a test to each of them. */
#define UNIT_WORLD_TEST(worlds, function)                                                          \
  for (int mode_ = 0; mode_ < (worlds).modes; mode_++)                                             \
  tcase_add_loop_test((worlds).cases[mode_], function, mode_, mode_ + 1)

#endif
