/* Arguments that no call takes: what each call says to them is the same in every build.
 *
 * A call with a result gives GAIT_ERROR_ARGUMENT and has changed nothing; any other ends the
 * program with a check, in a child of the test's own. */
#include <check.h>
#include <gait/gait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

/* The call ended the program; what a child that came back says instead. */
#define CAME_BACK 98

struct world {
  gait_heap *heap;
  gait_thread *thread;
};

static void must(bool holds) {
  if (!holds) _exit(99);
}

static void world_open(struct world *world) {
  must(gait_heap_create(NULL, &world->heap) == GAIT_OK);
  must(gait_thread_attach(world->heap, "argues", GAIT_STACK_EXACT, &world->thread) == GAIT_OK);
}

/* ---- Structures whose size cannot be right ---- */

static void options_init_short(struct world *world) {
  gait_options options;
  (void)world;
  gait_options_init_sized(&options, sizeof options - 1);
}

static void stats_read_short(struct world *world) {
  gait_stats stats;
  gait_stats_read_sized(world->heap, &stats, sizeof stats - sizeof(uint64_t));
}

static void cycle_records_short(struct world *world) {
  gait_cycle_record record;
  gait_cycle_records_sized(world->heap, 1, &record, 1, 0);
}

static void cycle_format_short(struct world *world) {
  gait_cycle_record record = {0};
  char line[256];
  (void)world;
  gait_cycle_format_sized(&record, sizeof record / 2, line, sizeof line);
}

/* ---- The table ---- */

/*   name   of the misuse; `function` is what the line names
 *   check  that has to fail */
static const struct misuse {
  const char *name;
  void (*run)(struct world *world);
  const char *function;
  const char *check;
} misuses[] = {
    {"options_init_short", options_init_short, "gait_options_init_sized", "struct.bytes"},
    {"stats_read_short", stats_read_short, "gait_stats_read_sized", "struct.bytes"},
    {"cycle_records_short", cycle_records_short, "gait_cycle_records_sized", "struct.bytes"},
    {"cycle_format_short", cycle_format_short, "gait_cycle_format_sized", "struct.bytes"},
};

#define MISUSES (sizeof misuses / sizeof misuses[0])

static int misuse_run(const void *arg) {
  const struct misuse *misuse = arg;
  struct world world;
  world_open(&world);
  misuse->run(&world);
  return CAME_BACK;
}

START_TEST(misuse_ends_the_program) {
  const struct misuse *misuse = &misuses[_i];
  static char said[4096];
  char expected[128];
  const int status = child_run(misuse_run, misuse, said, sizeof said);
  snprintf(expected, sizeof expected, "gait: REQUIRE(%s) failed in %s: ", misuse->check,
           misuse->function);
  ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
                "%s: no abort but status %#x; it said: %s", misuse->name, (unsigned)status, said);
  ck_assert_msg(strncmp(said, expected, strlen(expected)) == 0, "%s: expected %s but it said: %s",
                misuse->name, expected, said);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("arguments");
  TCase *tcase = tcase_create("misuse");
  tcase_set_timeout(tcase, 600);
  tcase_add_loop_test(tcase, misuse_ends_the_program, 0, (int)MISUSES);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  const int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
