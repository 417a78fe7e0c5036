/* The profile against exact counts. */
#include "unit_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/random.h"
#include "../support/sanitizer.h"

const char *const unit_suite_name = "profile";

#define PROFILE_MEAN 16384

static gait_options profile_options(int mode) {
  gait_options options = unit_options(mode);
  options.profile_bytes = PROFILE_MEAN;
  return options;
}

static void profile_open(unit_world *world, int mode) {
  const gait_options options = profile_options(mode);
  unit_open_with(world, &options, GAIT_STACK_EXACT);
}
UNIT_FIXTURE(profile_world, UNIT_MODES, profile_open);

static void *profile_join(void *arg) {
  pthread_join(*(pthread_t *)arg, NULL);
  return NULL;
}

/* ---- Sites ----
 *
 * Each allocates by itself, and does something after: its frame is there. */

#define PROFILE_SITE __attribute__((noinline, noclone))

PROFILE_SITE static void *profile_small(gait_thread *thread, gait_kind kind) {
  void *volatile object = gait_alloc(thread, kind, 40);
  return object;
}

PROFILE_SITE static void *profile_medium(gait_thread *thread, gait_kind kind) {
  void *volatile object = gait_alloc(thread, kind, 1000);
  return object;
}

PROFILE_SITE static void *profile_large(gait_thread *thread, gait_kind kind) {
  void *volatile object = gait_alloc(thread, kind, 40000);
  return object;
}

typedef void *profile_site(gait_thread *thread, gait_kind kind);

/* A list of objects, by their first words: kept by one slot. */
static void profile_push(unit_world *world, size_t slot, void *object) {
  gait_store_init(world->thread, (void **)object, world->slots[slot]);
  world->slots[slot] = object;
}

/* ---- The four lenses ---- */

struct profile_row {
  const char *name;
  profile_site *site;
  unsigned count; /* of which one in `keep` is kept */
  unsigned keep;
  double bytes;
};

static void profile_check_row(const struct pprof *profile, const struct profile_row *row) {
  double sums[UNIT_LENSES];
  const struct unit_profile_of of = {.function = row->name, .kind = "references"};
  const double kept = row->count / row->keep;
  unit_profile_sum(profile, of, sums);
  const double z[UNIT_LENSES] = {
      unit_profile_z(sums[UNIT_ALLOC_OBJECTS], row->count, row->bytes, PROFILE_MEAN),
      unit_profile_z(sums[UNIT_ALLOC_SPACE] / row->bytes, row->count, row->bytes, PROFILE_MEAN),
      unit_profile_z(sums[UNIT_INUSE_OBJECTS], kept, row->bytes, PROFILE_MEAN),
      unit_profile_z(sums[UNIT_INUSE_SPACE] / row->bytes, kept, row->bytes, PROFILE_MEAN)};
  for (size_t lens = 0; lens < UNIT_LENSES; lens++)
    ck_assert_msg(z[lens] < UNIT_PROFILE_Z, "%s: value %zu is %.0f, %.1f deviations off", row->name,
                  lens, sums[lens], z[lens]);
}

START_TEST(lenses_agree_with_exact_counts) {
  const unsigned part = _i == UNIT_SHRUNKEN ? 8 : 1;
  const struct profile_row rows[] = {{"profile_small", profile_small, 400000 / part, 4, 48},
                                     {"profile_medium", profile_medium, 40000 / part, 5, 1024},
                                     {"profile_large", profile_large, 1600 / part, 8, 40000}};
  struct pprof profile;
  uint64_t random = 1;
  for (size_t i = 0; i < 3; i++)
    for (unsigned n = 0; n < rows[i].count; n++) {
      void *object = rows[i].site(unit.thread, unit.references);
      UNIT_CHECK(object != NULL);
      if (n % rows[i].keep == 0) profile_push(&unit, i, object);
      if (random_next(&random) % (100000 / part) == 0)
        ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    }
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  unit_profile_take(unit.heap, &profile);
  for (size_t i = 0; i < 3; i++)
    profile_check_row(&profile, &rows[i]);
  const gait_stats stats = unit_stats(unit.heap);
  ck_assert_int_eq(pprof_find_comment(&profile, "alloc_bytes"), (int64_t)stats.alloc_bytes);
  ck_assert_int_eq(pprof_find_comment(&profile, "cycles"), (int64_t)stats.cycles);
  ck_assert_int_eq(pprof_find_comment(&profile, "lost_samples"), 0);
  ck_assert_int_eq(profile.period, PROFILE_MEAN);
  pprof_destroy(&profile);
}
END_TEST

/* A slot that is freed and handed out again is as likely to be sampled as any. */
START_TEST(freed_objects_are_counted_and_are_not_in_use) {
  enum { COUNT = 200000 };
  struct pprof profile;
  double sums[UNIT_LENSES];
  const unsigned count = _i == UNIT_SHRUNKEN ? COUNT / 8 : COUNT;
  for (unsigned n = 0; n < count; n++) {
    void *first = profile_small(unit.thread, unit.leaf);
    void *second = profile_small(unit.thread, unit.leaf);
    UNIT_CHECK(first && second);
    gait_object_free(unit.thread, n % 2 ? first : second);
    gait_object_free(unit.thread, n % 2 ? second : first);
  }
  unit_profile_take(unit.heap, &profile);
  unit_profile_sum(&profile, (struct unit_profile_of){.function = "profile_small"}, sums);
  const double z = unit_profile_z(sums[UNIT_ALLOC_OBJECTS], 2.0 * count, 48, PROFILE_MEAN);
  ck_assert_msg(z < UNIT_PROFILE_Z, "%.0f of %u: %.1f deviations", sums[0], 2 * count, z);
  ck_assert_double_eq(sums[UNIT_INUSE_SPACE], 0);
  pprof_destroy(&profile);
}
END_TEST

/* What no cycle has seen is not in use, once one has run. */
START_TEST(in_use_is_what_the_last_cycle_found) {
  struct pprof profile;
  double sums[UNIT_LENSES];
  const struct unit_profile_of of = {.function = "profile_large"};
  for (size_t i = 0; i < 32; i++)
    unit.slots[i] = profile_large(unit.thread, unit.leaf);
  unit_profile_take(unit.heap, &profile);
  unit_profile_sum(&profile, of, sums);
  ck_assert_double_gt(sums[UNIT_INUSE_OBJECTS], 0);
  ck_assert_double_eq(sums[UNIT_INUSE_OBJECTS], sums[UNIT_ALLOC_OBJECTS]);
  pprof_destroy(&profile);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  const double before = sums[UNIT_ALLOC_OBJECTS];
  for (size_t i = 32; i < 64; i++)
    unit.slots[i] = profile_large(unit.thread, unit.leaf);
  unit_profile_take(unit.heap, &profile);
  unit_profile_sum(&profile, of, sums);
  ck_assert_double_eq(sums[UNIT_INUSE_OBJECTS], before);
  ck_assert_double_gt(sums[UNIT_ALLOC_OBJECTS], before);
  pprof_destroy(&profile);
}
END_TEST

/* ---- Ages ---- */

/* Samples of that function by the number of cycles that have found them. */
static void profile_count_cycles(const struct pprof *profile, const char *state,
                                 double objects[8]) {
  memset(objects, 0, 8 * sizeof *objects);
  for (size_t i = 0; i < profile->sample_count; i++) {
    const struct pprof_sample *sample = &profile->samples[i];
    const struct pprof_label *cycles = pprof_find_label(profile, sample, "cycles");
    const struct pprof_label *label = pprof_find_label(profile, sample, "state");
    ck_assert(cycles && label);
    if (strcmp(profile->strings[label->text], state) != 0) continue;
    ck_assert(cycles->number >= 0 && cycles->number < 8);
    objects[cycles->number] += (double)profile->values[sample->values];
  }
}

/* Each batch lives for one cycle more than the one before. */
START_TEST(dead_objects_have_the_age_that_they_reached) {
  enum { BATCH = 400, BATCHES = 4 };
  struct pprof profile;
  double dead[8], live[8];
  for (size_t batch = 0; batch < BATCHES; batch++)
    for (size_t n = 0; n < BATCH; n++)
      profile_push(&unit, batch, profile_medium(unit.thread, unit.references));
  for (size_t batch = 0; batch < BATCHES - 1; batch++) {
    unit.slots[batch] = NULL;
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  }
  unit_profile_take(unit.heap, &profile);
  profile_count_cycles(&profile, "dead", dead);
  profile_count_cycles(&profile, "live", live);
  for (size_t cycles = 0; cycles < BATCHES - 1; cycles++)
    ck_assert_double_lt(unit_profile_z(dead[cycles], BATCH, 1024, PROFILE_MEAN), UNIT_PROFILE_Z);
  ck_assert_double_lt(unit_profile_z(live[BATCHES - 1], BATCH, 1024, PROFILE_MEAN), UNIT_PROFILE_Z);
  ck_assert_double_eq(live[0] + live[1] + live[2] + dead[3], 0);
  pprof_destroy(&profile);
}
END_TEST

/* ---- Objects that are made while a cycle marks ---- */

static struct profile_mark { atomic_bool marks, goes_on; } profile_mark;

/* Tracing waits until the test has allocated. */
static void profile_trace(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  (void)tracer, (void)object, (void)bytes, (void)arg;
  atomic_store(&profile_mark.marks, true);
  while (!atomic_load(&profile_mark.goes_on))
    usleep(100);
}

static void *profile_collect(void *arg) {
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(arg, "collect", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

/* The cycle under way keeps them, though they are dead: it has not found them. */
START_TEST(cycle_does_not_find_objects_that_were_made_while_it_marked) {
  const gait_options options = profile_options(UNIT_CONCURRENT);
  unit_open_with(&unit, &options, GAIT_STACK_EXACT);
  const gait_kind_info info = {.name = "slow", .form = GAIT_KIND_CALLBACK, .trace = profile_trace};
  gait_kind slow;
  pthread_t thread;
  struct pprof profile;
  double sums[UNIT_LENSES];
  const struct unit_profile_of of = {.function = "profile_large", .state = "live"};
  ck_assert_int_eq(gait_kind_register(unit.heap, &info, &slow), GAIT_OK);
  unit.slots[0] = gait_alloc(unit.thread, slow, 64);
  ck_assert_int_eq(pthread_create(&thread, NULL, profile_collect, unit.heap), 0);
  while (!atomic_load(&profile_mark.marks))
    gait_thread_poll(unit.thread);
  for (size_t i = 0; i < 32; i++)
    UNIT_CHECK(profile_large(unit.thread, unit.leaf) != NULL);
  atomic_store(&profile_mark.goes_on, true);
  gait_thread_outside(unit.thread, profile_join, &thread);
  unit_profile_take(unit.heap, &profile);
  unit_profile_sum(&profile, of, sums);
  ck_assert_double_gt(sums[UNIT_ALLOC_OBJECTS], 0);
  ck_assert_double_eq(sums[UNIT_INUSE_OBJECTS], 0);
  pprof_destroy(&profile);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  unit_profile_take(unit.heap, &profile);
  unit_profile_sum(&profile, of, sums);
  ck_assert_double_eq(sums[UNIT_ALLOC_OBJECTS], 0);
  double dead[8];
  profile_count_cycles(&profile, "dead", dead);
  ck_assert(dead[0] > 0 && dead[1] == 0);
  pprof_destroy(&profile);
  unit_close(&unit);
}
END_TEST

/* ---- Bytes that are no objects ---- */

PROFILE_SITE static void profile_hold(gait_thread *thread, void *object, size_t bytes) {
  ck_assert_int_eq(gait_object_set_external(thread, object, bytes), GAIT_OK);
}

START_TEST(external_bytes_are_in_use_while_they_are_held) {
  enum { HELD = 60, BYTES = 100000, LESS = 25000 };
  struct pprof profile;
  double sums[UNIT_LENSES];
  const struct unit_profile_of of = {.function = "profile_hold", .memory = "external"};
  for (size_t i = 0; i < HELD; i++) {
    unit.slots[i] = gait_alloc(unit.thread, unit.leaf, 16);
    profile_hold(unit.thread, unit.slots[i], BYTES);
  }
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  for (size_t i = 0; i < HELD / 2; i++)
    profile_hold(unit.thread, unit.slots[i], LESS);
  unit_profile_take(unit.heap, &profile);
  unit_profile_sum(&profile, of, sums);
  ck_assert_double_eq(sums[UNIT_ALLOC_OBJECTS], 0);
  ck_assert_double_lt(unit_profile_z(sums[UNIT_ALLOC_SPACE] / BYTES, HELD, BYTES, PROFILE_MEAN),
                      UNIT_PROFILE_Z);
  /* Of the first half, each stays with the chance LESS / BYTES. */
  const double expected = HELD / 2 * (double)BYTES + HELD / 2 * (double)LESS;
  const double deviation = BYTES * sqrt(HELD / 2 * 0.25 * 0.75);
  ck_assert_double_lt(fabs(sums[UNIT_INUSE_SPACE] - expected), UNIT_PROFILE_Z * deviation);
  pprof_destroy(&profile);
  memset(unit.slots, 0, sizeof unit.slots);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  unit_profile_take(unit.heap, &profile);
  unit_profile_sum(&profile, of, sums);
  ck_assert_double_eq(sums[UNIT_INUSE_SPACE], 0);
  pprof_destroy(&profile);
}
END_TEST

PROFILE_SITE static bool profile_grow(gait_thread *thread, void *object, size_t bytes) {
  volatile bool grown = gait_object_grow(thread, object, bytes);
  return grown;
}

START_TEST(growth_in_place_is_counted_without_an_object) {
  enum { COUNT = 60, FIRST = 66000, MORE = 40000 };
  struct pprof profile;
  double sums[UNIT_LENSES];
  double more = 0;
  for (size_t i = 0; i < COUNT; i++) {
    unit.slots[i] = gait_alloc(unit.thread, unit.leaf, FIRST);
    const size_t before = gait_object_bytes(unit.heap, unit.slots[i]);
    ck_assert(profile_grow(unit.thread, unit.slots[i], FIRST + MORE));
    more += (double)(gait_object_bytes(unit.heap, unit.slots[i]) - before);
  }
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  unit_profile_take(unit.heap, &profile);
  unit_profile_sum(&profile,
                   (struct unit_profile_of){.function = "profile_grow", .memory = "growth"}, sums);
  ck_assert_double_eq(sums[UNIT_ALLOC_OBJECTS], 0);
  const double bytes = more / COUNT;
  ck_assert_double_lt(unit_profile_z(sums[UNIT_ALLOC_SPACE] / bytes, COUNT, bytes, PROFILE_MEAN),
                      UNIT_PROFILE_Z);
  ck_assert_double_eq(sums[UNIT_INUSE_SPACE], sums[UNIT_ALLOC_SPACE]);
  pprof_destroy(&profile);
}
END_TEST

/* ---- Frames of an interpreter ---- */

static size_t profile_frames(gait_thread *thread, gait_profile_frame *frames, size_t most,
                             void *arg) {
  static const gait_profile_frame calls[] = {{"inner", "text.scm", 7}, {"", "text.scm", 1}};
  ck_assert_ptr_eq(gait_thread_heap(thread), *(gait_heap **)arg);
  ck_assert_uint_ge(most, 16);
  memcpy(frames, calls, sizeof calls);
  return 2;
}

START_TEST(frames_of_an_interpreter_are_the_innermost) {
  struct pprof profile;
  ck_assert_int_eq(gait_profile_set_frames(unit.heap, profile_frames, &unit.heap), GAIT_OK);
  for (size_t i = 0; i < 32; i++)
    unit.slots[i] = profile_large(unit.thread, unit.leaf);
  unit_profile_take(unit.heap, &profile);
  ck_assert_uint_gt(profile.sample_count, 10);
  for (size_t i = 0; i < profile.sample_count; i++) {
    const size_t *frames = &profile.frames[profile.samples[i].frames];
    const struct pprof_location *inner = &profile.locations[frames[0]];
    ck_assert_uint_gt(profile.samples[i].frame_count, 2);
    ck_assert_str_eq(pprof_function_name(&profile, frames[0]), "inner");
    ck_assert_str_eq(pprof_function_name(&profile, frames[1]), "(no name)");
    ck_assert_uint_eq(inner->line_count, 1);
    ck_assert_int_eq(profile.lines[inner->lines].line, 7);
  }
  double sums[UNIT_LENSES];
  unit_profile_sum(&profile, (struct unit_profile_of){.function = "profile_large"}, sums);
  ck_assert_double_gt(sums[UNIT_ALLOC_OBJECTS], 0);
  pprof_destroy(&profile);
}
END_TEST

/* ---- Threads ---- */

enum { PROFILE_THREADS = 3, PROFILE_EACH = 60000 };

static void *profile_run(void *arg) {
  gait_heap *heap = arg;
  gait_thread *thread;
  gait_frame frame;
  void *slots[8] = {0};
  UNIT_CHECK(gait_thread_attach(heap, "run", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  gait_frame_push(thread, &frame, slots, 8);
  for (unsigned n = 0; n < PROFILE_EACH; n++) {
    slots[n % 8] = profile_small(thread, gait_kind_leaf(heap));
    if (n % 64 == 0) slots[7] = profile_medium(thread, gait_kind_leaf(heap));
    if (n % 16 == 1) {
      gait_object_free(thread, slots[1]);
      slots[1] = NULL;
    }
  }
  gait_frame_pop(thread, &frame);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

/* Threads allocate and free while cycles end and profiles are written. */
START_TEST(samples_are_right_while_cycles_run) {
  pthread_t threads[PROFILE_THREADS];
  struct pprof profile;
  double sums[UNIT_LENSES];
  for (size_t i = 0; i < PROFILE_THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, profile_run, unit.heap), 0);
  for (size_t i = 0; i < 30; i++) {
    ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
    unit_profile_take(unit.heap, &profile);
    pprof_destroy(&profile);
  }
  for (size_t i = 0; i < PROFILE_THREADS; i++)
    gait_thread_outside(unit.thread, profile_join, &threads[i]);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  unit_profile_take(unit.heap, &profile);
  unit_profile_sum(&profile, (struct unit_profile_of){.function = "profile_small"}, sums);
  const double all = PROFILE_THREADS * PROFILE_EACH;
  ck_assert_double_lt(unit_profile_z(sums[UNIT_ALLOC_OBJECTS], all, 48, PROFILE_MEAN),
                      UNIT_PROFILE_Z);
  ck_assert_double_eq(sums[UNIT_INUSE_SPACE], 0);
  pprof_destroy(&profile);
}
END_TEST

/* ---- Young cycles ---- */

START_TEST(young_cycles_keep_samples_of_old_objects) {
  gait_options options = profile_options(UNIT_CONCURRENT);
  options.gogc_percent = 100;
  options.young_percent = 100;
  unit_open_with(&unit, &options, GAIT_STACK_EXACT);
  const struct profile_row row = {"profile_medium", profile_medium, 40000, 10, 1024};
  for (unsigned n = 0; n < row.count; n++) {
    void *object = profile_medium(unit.thread, unit.references);
    if (n % row.keep == 0) profile_push(&unit, 0, object);
  }
  ck_assert_uint_gt(unit_stats(unit.heap).young_cycles, 0);
  ck_assert_int_eq(gait_heap_collect(unit.thread), GAIT_OK);
  struct pprof profile;
  unit_profile_take(unit.heap, &profile);
  profile_check_row(&profile, &row);
  pprof_destroy(&profile);
  unit_close(&unit);
}
END_TEST

/* ---- Files ---- */

START_TEST(calls_of_the_profile_say_why_they_fail) {
  unit_world off;
  unit_open(&off, UNIT_CONCURRENT, GAIT_STACK_EXACT);
  ck_assert_int_eq(gait_profile_write(off.heap, "/dev/null/none"), GAIT_ERROR_STATE);
  ck_assert_int_eq(gait_profile_set_frames(off.heap, profile_frames, NULL), GAIT_OK);
  unit_close(&off);
  errno = 42;
  ck_assert_int_eq(gait_profile_write(unit.heap, "/dev/null/none"), GAIT_ERROR_SYSTEM);
  ck_assert_int_eq(errno, 42);
  ck_assert_int_eq(gait_profile_write(unit.heap, NULL), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_profile_write(NULL, "x"), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_profile_write_to(unit.heap, -1), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_profile_set_frames(NULL, NULL, NULL), GAIT_ERROR_ARGUMENT);
}
END_TEST

/* A device is written to, and stays one: it is one of the test's own, a pipe. */
START_TEST(special_files_stay_what_they_are) {
  char folder[] = "/tmp/gait-profile-XXXXXX", path[64];
  struct stat status;
  ck_assert_ptr_nonnull(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/pipe", folder);
  ck_assert_int_eq(mkfifo(path, 0600), 0);
  const int pipe = open(path, O_RDWR);
  ck_assert_int_ge(pipe, 0);
  unsigned char head[2];
  ck_assert_int_eq(gait_profile_write(unit.heap, path), GAIT_OK);
  ck_assert_int_eq(read(pipe, head, 2), 2);
  ck_assert(head[0] == 0x1f && head[1] == 0x8b);
  ck_assert(stat(path, &status) == 0 && S_ISFIFO(status.st_mode));
  close(pipe);
  unlink(path);
  ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

static char profile_folder[] = "/tmp/gait-profile-XXXXXX";

static const char *profile_path(const char *ending) {
  static char path[128];
  snprintf(path, sizeof path, "%s/file%s", profile_folder, ending);
  return path;
}

/* Two heaps, one of which is not destroyed, and a child that forks from there. */
static void profile_program(void) {
  unit_world first, second;
  unit_open_with(&first, NULL, GAIT_STACK_EXACT);
  unit_open_with(&second, NULL, GAIT_STACK_EXACT);
  for (unsigned n = 0; n < 200; n++) {
    UNIT_CHECK(profile_large(first.thread, first.leaf) != NULL);
    UNIT_CHECK(profile_medium(second.thread, second.leaf) != NULL);
  }
  unit_close(&first);
  const pid_t child = fork();
  if (child == 0) {
    for (unsigned n = 0; n < 200; n++)
      UNIT_CHECK(profile_small(second.thread, second.leaf) != NULL);
    exit(0);
  }
  int status;
  UNIT_CHECK(waitpid(child, &status, 0) == child && status == 0);
  FILE *file = fopen(profile_path(".pid"), "w");
  fprintf(file, "%d\n", (int)child);
  fclose(file);
  exit(0);
}

static void profile_expect(const char *ending, const char *function, const char *absent) {
  struct pprof profile;
  double sums[UNIT_LENSES];
  unit_profile_read(profile_path(ending), &profile);
  unit_profile_sum(&profile, (struct unit_profile_of){.function = function}, sums);
  ck_assert_double_gt(sums[UNIT_ALLOC_SPACE], 0);
  unit_profile_sum(&profile, (struct unit_profile_of){.function = absent}, sums);
  ck_assert_double_eq(sums[UNIT_ALLOC_SPACE], 0);
  pprof_destroy(&profile);
  unlink(profile_path(ending));
}

START_TEST(environment_has_each_heap_write_its_file) {
  ck_assert_ptr_nonnull(mkdtemp(profile_folder));
  setenv("GAIT_PROFILE", profile_path(""), 1);
  setenv("GAIT_PROFILE_BYTES", "4KiB", 1);
  const pid_t program = fork();
  if (program == 0) profile_program();
  int status, child;
  ck_assert_int_eq(waitpid(program, &status, 0), program);
  ck_assert_int_eq(status, 0);
  FILE *file = fopen(profile_path(".pid"), "r");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_eq(fscanf(file, "%d", &child), 1);
  fclose(file);
  unlink(profile_path(".pid"));
  char ending[32];
  snprintf(ending, sizeof ending, ".%d.2", child);
  profile_expect("", "profile_large", "profile_medium");
  profile_expect(".2", "profile_medium", "profile_small");
  profile_expect(ending, "profile_small", "profile_large");
  ck_assert_int_eq(rmdir(profile_folder), 0);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *tcase = unit_case(suite, "profile");
  const unit_worlds worlds = unit_world_cases(suite, "profile", &profile_world);
  UNIT_WORLD_TEST(worlds, lenses_agree_with_exact_counts);
  UNIT_WORLD_TEST(worlds, freed_objects_are_counted_and_are_not_in_use);
  UNIT_WORLD_TEST(worlds, in_use_is_what_the_last_cycle_found);
  UNIT_WORLD_TEST(worlds, dead_objects_have_the_age_that_they_reached);
  UNIT_WORLD_TEST(worlds, external_bytes_are_in_use_while_they_are_held);
  UNIT_WORLD_TEST(worlds, growth_in_place_is_counted_without_an_object);
  UNIT_WORLD_TEST(worlds, frames_of_an_interpreter_are_the_innermost);
  UNIT_WORLD_TEST(worlds, samples_are_right_while_cycles_run);
  UNIT_WORLD_TEST(worlds, calls_of_the_profile_say_why_they_fail);
  UNIT_WORLD_TEST(worlds, special_files_stay_what_they_are);
  tcase_add_test(tcase, cycle_does_not_find_objects_that_were_made_while_it_marked);
  tcase_add_test(tcase, young_cycles_keep_samples_of_old_objects);
  /* Its child goes on. */
  if (SANITIZER_FORKS) tcase_add_test(tcase, environment_has_each_heap_write_its_file);
}
