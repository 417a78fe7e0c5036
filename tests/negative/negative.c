/* Misuse: each breaks one contract in a child of its own, and the test expects the check that is
 * there for it, by name.  Where a call has a result, a release build returns it instead. */
#include <check.h>
#include <gait/gait.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

#if GAITI_CHECK_SLOW
#define BUILD_NAMES_CHECKS true
#else
#define BUILD_NAMES_CHECKS false
#endif

/* An allocation that should have failed did not. */
#define NOT_NULL ((int)GAIT_ERROR_NOT_FOUND + 1)
/* A check that every build has, since no result can tell. */
#define ABORTS (-1)

#define NEGATIVE_MIB ((size_t)1 << 20)

/* ---- The world of a misuse ---- */

struct world {
  gait_heap *heap;
  gait_heap *other_heap;
  gait_thread *thread;
  gait_kind other_kind; /* of the other heap, by an index that this heap does not have */
  gait_kind twin_kind;  /* of the other heap, by an index that this heap has too */
  gait_frame frame;
  void *slots[4];
};

static void must(bool holds) {
  if (!holds) _exit(99);
}

static void world_open(struct world *world) {
  memset(world, 0, sizeof *world);
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = GAIT_GOGC_OFF;
  must(gait_heap_create(&options, &world->heap) == GAIT_OK);
  must(gait_heap_create(&options, &world->other_heap) == GAIT_OK);
  gait_kind_info info = {.name = "twin", .form = GAIT_KIND_LEAF};
  must(gait_kind_register(world->heap, &info, &world->twin_kind) == GAIT_OK);
  must(gait_kind_register(world->other_heap, &info, &world->twin_kind) == GAIT_OK);
  info.name = "other";
  must(gait_kind_register(world->other_heap, &info, &world->other_kind) == GAIT_OK);
  must(gait_thread_attach(world->heap, "misuses", GAIT_STACK_EXACT, &world->thread) == GAIT_OK);
  gait_frame_push(world->thread, &world->frame, world->slots, 4);
  world->slots[0] = gait_alloc(world->thread, gait_kind_conservative(world->heap), 64);
  must(world->slots[0] != NULL);
}

static int null_or(const void *object) {
  return object ? NOT_NULL : GAIT_OK;
}

/* Runs `function(world)` on another thread, which is not attached. */
struct errand {
  int (*function)(struct world *);
  struct world *world;
  int result;
};

static void *errand_run(void *arg) {
  struct errand *errand = arg;
  errand->result = errand->function(errand->world);
  return NULL;
}

static int elsewhere(struct world *world, int (*function)(struct world *)) {
  struct errand errand = {function, world, 99};
  pthread_t thread;
  must(pthread_create(&thread, NULL, errand_run, &errand) == 0);
  must(pthread_join(thread, NULL) == 0);
  return errand.result;
}

/* ---- Allocation ---- */

static int alloc_nothing(struct world *world) {
  return null_or(gait_alloc(world->thread, gait_kind_leaf(world->heap), 0));
}

static int alloc_other_kind(struct world *world) {
  return null_or(gait_alloc(world->thread, world->other_kind, 16));
}

static int alloc_twin_kind(struct world *world) {
  return null_or(gait_alloc(world->thread, world->twin_kind, 16));
}

static int alloc_large_other_kind(struct world *world) {
  return null_or(gait_alloc(world->thread, world->other_kind, NEGATIVE_MIB));
}

static int alloc_no_kind(struct world *world) {
  const gait_kind kind = {GAIT_MAX_KINDS - 1, gait_kind_leaf(world->heap).heap_tag};
  return null_or(gait_alloc(world->thread, kind, 16));
}

static int align_by(struct world *world, size_t alignment) {
  return null_or(gait_alloc_aligned(world->thread, gait_kind_leaf(world->heap), 100, alignment));
}

static int align_by_zero(struct world *world) {
  return align_by(world, 0);
}
static int align_by_24(struct world *world) {
  return align_by(world, 24);
}
static int align_by_two_pages(struct world *world) {
  return align_by(world, 2 * GAIT_MAX_ALIGNMENT);
}

static int alloc_aligned_nothing(struct world *world) {
  return null_or(gait_alloc_aligned(world->thread, gait_kind_leaf(world->heap), 0, 64));
}

static int alloc_empty_array(struct world *world) {
  return null_or(gait_alloc_array(world->thread, gait_kind_leaf(world->heap), 0, 0, 8));
}

static int alloc_outside(struct world *world) {
  gait_leave(world->thread);
  return null_or(gait_alloc(world->thread, gait_kind_leaf(world->heap), 4000));
}

static int alloc_detached(struct world *world) {
  gait_frame_pop(world->thread, &world->frame);
  must(gait_thread_detach(world->thread) == GAIT_OK);
  return null_or(gait_alloc(world->thread, gait_kind_leaf(world->heap), 4000));
}

static void trace_and_allocate(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  struct world *world = arg;
  (void)tracer, (void)object, (void)bytes;
  gait_alloc(world->thread, gait_kind_leaf(world->heap), NEGATIVE_MIB);
}

static int alloc_in_a_trace(struct world *world) {
  gait_kind kind;
  const gait_kind_info info = {.name = "allocates",
                               .form = GAIT_KIND_CALLBACK,
                               .trace = trace_and_allocate,
                               .trace_arg = world};
  must(gait_kind_register(world->heap, &info, &kind) == GAIT_OK);
  world->slots[1] = gait_alloc(world->thread, kind, 64);
  return (int)gait_collect(world->thread);
}

/* ---- Threads ---- */

static int detach_twice(struct world *world) {
  gait_frame_pop(world->thread, &world->frame);
  must(gait_thread_detach(world->thread) == GAIT_OK);
  return (int)gait_thread_detach(world->thread);
}

static int detach(struct world *world) {
  return (int)gait_thread_detach(world->thread);
}
static int detach_from_elsewhere(struct world *world) {
  return elsewhere(world, detach);
}

static int leave_twice(struct world *world) {
  gait_leave(world->thread);
  gait_leave(world->thread);
  return GAIT_OK;
}

static int enter_inside(struct world *world) {
  gait_enter(world->thread);
  return GAIT_OK;
}

static void *do_nothing(void *arg) {
  return arg;
}
static int outside_while_outside(struct world *world) {
  gait_leave(world->thread);
  gait_outside(world->thread, do_nothing, NULL);
  return GAIT_OK;
}

static int collect_outside(struct world *world) {
  gait_leave(world->thread);
  return (int)gait_collect(world->thread);
}

static int attach_nothing(struct world *world) {
  (void)world;
  gait_thread *thread;
  return (int)gait_thread_attach(NULL, NULL, GAIT_STACK_EXACT, &thread);
}

static int attach_to_no_place(struct world *world) {
  return (int)gait_thread_attach(world->other_heap, NULL, GAIT_STACK_EXACT, NULL);
}

/* ---- Heaps, kinds, roots, handles ---- */

static int destroy_nothing(struct world *world) {
  (void)world;
  return (int)gait_heap_destroy(NULL);
}

static int create_to_no_place(struct world *world) {
  (void)world;
  return (int)gait_heap_create(NULL, NULL);
}

static int register_nothing(struct world *world) {
  gait_kind kind;
  return (int)gait_kind_register(world->heap, NULL, &kind);
}

static int root_off_its_alignment(struct world *world) {
  static char words[32];
  return (int)gait_roots_add(world->heap, words + 4, 16, GAIT_ROOTS_BARRIERED);
}

static int external_of_nothing(struct world *world) {
  return (int)gait_external(world->thread, &world->frame, 100);
}

static int external_of_an_inside(struct world *world) {
  return (int)gait_external(world->thread, (char *)world->slots[0] + 8, 100);
}

static int external_outside(struct world *world) {
  void *object = world->slots[0];
  gait_leave(world->thread);
  return (int)gait_external(world->thread, object, 100);
}

static int external_of_another_heap(struct world *world) {
  gait_thread *thread;
  must(gait_thread_attach(world->other_heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  return (int)gait_external(thread, world->slots[0], 100);
}

static int get_a_freed_handle(struct world *world) {
  gait_handle *handle = gait_handle_new(world->thread, world->slots[0]);
  must(handle != NULL);
  gait_handle_free(world->thread, handle);
  return null_or(gait_handle_get(handle));
}

static int free_a_handle_twice(struct world *world) {
  gait_handle *handle = gait_handle_new(world->thread, world->slots[0]);
  must(handle != NULL);
  gait_handle_free(world->thread, handle);
  gait_handle_free(world->thread, handle);
  return GAIT_OK;
}

static int set_a_freed_handle(struct world *world) {
  gait_handle *handle = gait_handle_new(world->thread, world->slots[0]);
  must(handle != NULL);
  gait_handle_free(world->thread, handle);
  gait_handle_set(world->thread, handle, world->slots[0]);
  return GAIT_OK;
}

/* ---- The table ---- */

/*   check    the name in the debug build's line; NULL: every build returns the result
 *   release  what a release build gives, or ABORTS */
static const struct misuse {
  const char *name;
  int (*run)(struct world *);
  const char *check;
  int release;
} misuses[] = {
    {"alloc_nothing", alloc_nothing, "alloc.bytes", GAIT_OK},
    {"alloc_other_kind", alloc_other_kind, "alloc.kind", GAIT_OK},
    {"alloc_twin_kind", alloc_twin_kind, "alloc.kind", GAIT_OK},
    {"alloc_large_other_kind", alloc_large_other_kind, "alloc.kind", GAIT_OK},
    {"alloc_no_kind", alloc_no_kind, "alloc.kind", GAIT_OK},
    {"align_by_zero", align_by_zero, "alloc.alignment", GAIT_OK},
    {"align_by_24", align_by_24, "alloc.alignment", GAIT_OK},
    {"align_by_two_pages", align_by_two_pages, "alloc.alignment", GAIT_OK},
    {"alloc_aligned_nothing", alloc_aligned_nothing, "alloc.bytes", GAIT_OK},
    {"alloc_empty_array", alloc_empty_array, "alloc.bytes", GAIT_OK},
    {"alloc_outside", alloc_outside, "alloc.managed", ABORTS},
    {"alloc_detached", alloc_detached, "alloc.managed", ABORTS},
    {"alloc_in_a_trace", alloc_in_a_trace, "alloc.managed", ABORTS},
    {"detach_twice", detach_twice, "thread.attached", GAIT_ERROR_NOT_ATTACHED},
    {"detach_from_elsewhere", detach_from_elsewhere, "thread.owner", GAIT_ERROR_STATE},
    {"leave_twice", leave_twice, "thread.state", ABORTS},
    {"enter_inside", enter_inside, "thread.state", ABORTS},
    {"outside_while_outside", outside_while_outside, "thread.state", ABORTS},
    {"collect_outside", collect_outside, "collect.managed", GAIT_ERROR_STATE},
    {"attach_nothing", attach_nothing, NULL, GAIT_ERROR_ARGUMENT},
    {"attach_to_no_place", attach_to_no_place, NULL, GAIT_ERROR_ARGUMENT},
    {"destroy_nothing", destroy_nothing, NULL, GAIT_ERROR_ARGUMENT},
    {"create_to_no_place", create_to_no_place, NULL, GAIT_ERROR_ARGUMENT},
    {"register_nothing", register_nothing, NULL, GAIT_ERROR_ARGUMENT},
    {"root_off_its_alignment", root_off_its_alignment, NULL, GAIT_ERROR_ARGUMENT},
    {"external_of_nothing", external_of_nothing, "external.object", GAIT_ERROR_ARGUMENT},
    {"external_of_an_inside", external_of_an_inside, "external.object", GAIT_ERROR_ARGUMENT},
    {"external_outside", external_outside, "external.managed", GAIT_ERROR_STATE},
    {"external_of_another_heap", external_of_another_heap, "external.object", GAIT_ERROR_ARGUMENT},
    {"get_a_freed_handle", get_a_freed_handle, "handle.live", ABORTS},
    {"set_a_freed_handle", set_a_freed_handle, "handle.live", ABORTS},
    {"free_a_handle_twice", free_a_handle_twice, "handle.live", ABORTS},
};
#define MISUSES (sizeof misuses / sizeof *misuses)

/* ---- The test ---- */

static int misuse_run(const void *arg) {
  const struct misuse *misuse = arg;
  static struct world world;
  world_open(&world);
  return misuse->run(&world);
}

static void expect_check(const struct misuse *misuse, int status, const char *said) {
  char expected[128];
  snprintf(expected, sizeof expected, "gait: REQUIRE(%s) failed in gait", misuse->check);
  ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
                "%s: no abort but status %#x; it said: %s", misuse->name, (unsigned)status, said);
  ck_assert_msg(strncmp(said, expected, strlen(expected)) == 0, "%s: expected %s but it said: %s",
                misuse->name, expected, said);
  const char *end = strchr(said, '\n');
  ck_assert_msg(end && end[1] == '\0', "%s: more than one line: %s", misuse->name, said);
}

START_TEST(misuse_is_noticed) {
  const struct misuse *misuse = &misuses[_i];
  static char said[4096];
  const int status = child_run(misuse_run, misuse, said, sizeof said);
  if (misuse->check && (BUILD_NAMES_CHECKS || misuse->release == ABORTS)) {
    expect_check(misuse, status, said);
    return;
  }
  ck_assert_msg(WIFEXITED(status), "%s: status %#x; it said: %s", misuse->name, (unsigned)status,
                said);
  ck_assert_msg(WEXITSTATUS(status) == misuse->release, "%s: result %d, not %d", misuse->name,
                WEXITSTATUS(status), misuse->release);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("negative");
  TCase *tcase = tcase_create("misuse");
  tcase_set_timeout(tcase, 600);
  tcase_add_loop_test(tcase, misuse_is_noticed, 0, (int)MISUSES);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  const int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
