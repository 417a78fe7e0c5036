/* Arguments that no call takes, NULL above all: what a call says to them is the same in every
 * build.
 *
 * A call with a result gives GAIT_ERROR_ARGUMENT and has changed nothing; any other ends the
 * program with a check, in a child of the test's own. */
#include <check.h>
#include <gait/budget.h>
#include <gait/ephemeron.h>
#include <gait/finalizer.h>
#include <gait/gait.h>
#include <gait/tune.h>
#include <gait/weak.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apart.h"

#include "../support/run_suite.h"

/* The call ended the program; what a child that came back says instead. */
#define CAME_BACK 98

struct world {
  gait_heap *heap;
  gait_thread *thread;
  gait_handle *handle;
  void *object;
  void *slots[2];
};

static void must(bool holds) {
  if (!holds) _exit(99);
}

static void world_open(struct world *world) {
  memset(world, 0, sizeof *world);
  must(gait_heap_create(NULL, &world->heap) == GAIT_OK);
  must(gait_thread_attach(world->heap, "argues", GAIT_STACK_EXACT, &world->thread) == GAIT_OK);
  world->object = gait_alloc(world->thread, gait_kind_leaf(world->heap), 16);
  world->handle = gait_handle_create(world->thread, world->object);
  must(world->object && world->handle);
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
  gait_records_read_sized(world->heap, 1, &record, 1, 0);
}

static void cycle_format_short(struct world *world) {
  gait_cycle_record record = {0};
  char line[256];
  (void)world;
  gait_cycle_format_sized(&record, sizeof record / 2, line, sizeof line);
}

static gait_budget *budget_new(void) {
  gait_budget *budget;
  must(gait_budget_create(1 << 20, &budget) == GAIT_OK);
  return budget;
}

static void budget_stats_read_short(struct world *world) {
  (void)world;
  gait_budget_stats stats;
  gait_budget_stats_read_sized(budget_new(), &stats, sizeof stats - 1, NULL, 0,
                               sizeof(gait_budget_member));
}

static void budget_members_short(struct world *world) {
  (void)world;
  gait_budget_stats stats;
  gait_budget_stats_read_sized(budget_new(), &stats, sizeof stats, NULL, 0, 8);
}

/* ---- NULL, to a call without a result ---- */

static void *call_nothing(void *arg) {
  return arg;
}

static void null_options_init(struct world *world) {
  (void)world;
  gait_options_init(NULL);
}

static void null_kind_leaf(struct world *world) {
  (void)world;
  gait_kind_leaf(NULL);
}

static void null_kind_conservative(struct world *world) {
  (void)world;
  gait_kind_conservative(NULL);
}

static void null_heap_user(struct world *world) {
  (void)world;
  gait_heap_user(NULL);
}

static void null_heap_set_user(struct world *world) {
  gait_heap_set_user(NULL, world);
}

static void null_leave(struct world *world) {
  (void)world;
  gait_thread_leave(NULL);
}

static void null_enter(struct world *world) {
  (void)world;
  gait_thread_enter(NULL);
}

static void null_outside_no_thread(struct world *world) {
  (void)world;
  gait_thread_outside(NULL, call_nothing, NULL);
}

static void null_outside_no_function(struct world *world) {
  gait_thread_outside(world->thread, NULL, NULL);
}

static void null_thread_heap(struct world *world) {
  (void)world;
  gait_thread_heap(NULL);
}

static void null_thread_current(struct world *world) {
  (void)world;
  gait_thread_current(NULL);
}

static void null_thread_user(struct world *world) {
  (void)world;
  gait_thread_user(NULL);
}

static void null_thread_set_user(struct world *world) {
  gait_thread_set_user(NULL, world);
}

static void null_alloc_aligned(struct world *world) {
  gait_alloc_aligned(NULL, gait_kind_leaf(world->heap), 8, 8);
}

static void null_alloc_array(struct world *world) {
  gait_alloc_array(NULL, gait_kind_leaf(world->heap), 0, 8, 8);
}

static void null_object_start(struct world *world) {
  gait_object_start(NULL, world);
}

static void null_object_bytes(struct world *world) {
  gait_object_bytes(NULL, world);
}

static void null_object_kind_name(struct world *world) {
  gait_object_kind_name(NULL, world);
}

static void null_copy_no_thread(struct world *world) {
  gait_copy(NULL, world->slots, world->slots, 0);
}

static void null_copy_to_nowhere(struct world *world) {
  gait_copy(world->thread, (void **)NULL, world->slots, 1);
}

static void null_copy_from_nowhere(struct world *world) {
  gait_copy(world->thread, world->slots, (void **)NULL, 1);
}

static void null_clear_no_thread(struct world *world) {
  gait_clear(NULL, world->slots, 0);
}

static void null_clear_nowhere(struct world *world) {
  gait_clear(world->thread, (void **)NULL, 1);
}

static void null_handle_new(struct world *world) {
  (void)world;
  gait_handle_create(NULL, NULL);
}

static void null_handle_get(struct world *world) {
  (void)world;
  gait_handle_get(NULL);
}

static void null_handle_set_no_thread(struct world *world) {
  gait_handle_set(NULL, world->handle, NULL);
}

static void null_handle_set_no_handle(struct world *world) {
  gait_handle_set(world->thread, NULL, NULL);
}

static void null_handle_free_no_thread(struct world *world) {
  gait_handle_destroy(NULL, world->handle);
}

static void null_handle_free_no_handle(struct world *world) {
  gait_handle_destroy(world->thread, NULL);
}

static void null_weak_create(struct world *world) {
  (void)world;
  gait_weak_create(NULL, NULL);
}

static void null_weak_get_no_thread(struct world *world) {
  gait_weak_get(NULL, gait_weak_create(world->thread, NULL));
}

static void null_weak_get_nothing(struct world *world) {
  gait_weak_get(world->thread, NULL);
}

static void null_weak_set_no_thread(struct world *world) {
  gait_weak_set(NULL, gait_weak_create(world->thread, NULL), NULL);
}

static void null_weak_set_nothing(struct world *world) {
  gait_weak_set(world->thread, NULL, NULL);
}

static gait_ephemeron *some_ephemeron(struct world *world) {
  return gait_ephemeron_new(world->thread, NULL, NULL);
}

static void null_ephemeron_new(struct world *world) {
  (void)world;
  gait_ephemeron_new(NULL, NULL, NULL);
}

static void null_ephemeron_key_no_thread(struct world *world) {
  gait_ephemeron_key(NULL, some_ephemeron(world));
}

static void null_ephemeron_key_of_nothing(struct world *world) {
  gait_ephemeron_key(world->thread, NULL);
}

static void null_ephemeron_value_no_thread(struct world *world) {
  gait_ephemeron_value(NULL, some_ephemeron(world));
}

static void null_ephemeron_value_of_nothing(struct world *world) {
  gait_ephemeron_value(world->thread, NULL);
}

static void null_ephemeron_set_no_thread(struct world *world) {
  gait_ephemeron_set_value(NULL, some_ephemeron(world), NULL);
}

static void null_ephemeron_set_nothing(struct world *world) {
  gait_ephemeron_set_value(world->thread, NULL, NULL);
}

static void null_ephemeron_clear_no_thread(struct world *world) {
  gait_ephemeron_clear(NULL, some_ephemeron(world));
}

static void null_ephemeron_clear_nothing(struct world *world) {
  gait_ephemeron_clear(world->thread, NULL);
}

static void null_trim(struct world *world) {
  (void)world;
  gait_heap_trim(NULL);
}

static void null_get_gogc(struct world *world) {
  (void)world;
  gait_heap_gogc(NULL);
}

static void null_get_memory_limit(struct world *world) {
  (void)world;
  gait_heap_memory_limit(NULL);
}

static void null_get_cpu_cap(struct world *world) {
  (void)world;
  gait_heap_cpu_cap(NULL);
}

static void null_stats_read_no_heap(struct world *world) {
  (void)world;
  gait_stats stats;
  gait_stats_read(NULL, &stats);
}

static void null_stats_read_nowhere(struct world *world) {
  gait_stats_read(world->heap, NULL);
}

static void null_cycle_records_no_heap(struct world *world) {
  (void)world;
  gait_cycle_record record;
  gait_records_read(NULL, 1, &record, 1);
}

static void null_cycle_records_nowhere(struct world *world) {
  gait_records_read(world->heap, 1, NULL, 1);
}

static void null_cycle_format_nothing(struct world *world) {
  (void)world;
  char line[256];
  gait_cycle_format(NULL, line, sizeof line);
}

static void null_cycle_format_nowhere(struct world *world) {
  (void)world;
  const gait_cycle_record record = {0};
  gait_cycle_format(&record, NULL, 1);
}

static void null_budget_stats_no_budget(struct world *world) {
  (void)world;
  gait_budget_stats stats;
  gait_budget_stats_read(NULL, &stats, NULL, 0);
}

static void null_budget_stats_nowhere(struct world *world) {
  (void)world;
  gait_budget_stats_read(budget_new(), NULL, NULL, 0);
}

static void null_budget_members_nowhere(struct world *world) {
  (void)world;
  gait_budget_stats stats;
  gait_budget_stats_read(budget_new(), &stats, NULL, 1);
}

static void budget_stats_of_none(struct world *world) {
  (void)world;
  gait_budget_stats stats;
  gait_budget *budget = budget_new();
  must(gait_budget_destroy(budget) == GAIT_OK);
  gait_budget_stats_read(budget, &stats, NULL, 0);
}

static void null_grow_no_thread(struct world *world) {
  gait_object_grow(NULL, world->object, 16);
}

static void null_grow_no_object(struct world *world) {
  gait_object_grow(world->thread, NULL, 16);
}

static void null_free_no_thread(struct world *world) {
  gait_object_free(NULL, world->object);
}

static void null_free_no_object(struct world *world) {
  gait_object_free(world->thread, NULL);
}

static void null_finalizers_run(struct world *world) {
  (void)world;
  gait_finalizers_run(NULL, 1);
}

static void null_finalizers_run_all(struct world *world) {
  (void)world;
  gait_finalizers_run_all(NULL);
}

static void null_finalizer_next(struct world *world) {
  gait_finalizer_next(world->thread, NULL);
}

static void null_set_finalizers(struct world *world) {
  (void)world;
  gait_thread_set_finalizers(NULL, 1);
}

/* ---- The table ---- */

/*   name      of the misuse; `function` is what the line names
 *   check     that has to fail
 *   sentence  with which the line goes on */
static const struct misuse {
  const char *name;
  void (*run)(struct world *world);
  const char *function;
  const char *check;
  const char *sentence;
} misuses[] = {
    {"options_init_short", options_init_short, "gait_options_init_sized", "struct.bytes", ""},
    {"stats_read_short", stats_read_short, "gait_stats_read_sized", "struct.bytes", ""},
    {"cycle_records_short", cycle_records_short, "gait_records_read_sized", "struct.bytes", ""},
    {"cycle_format_short", cycle_format_short, "gait_cycle_format_sized", "struct.bytes", ""},
    {"null_options_init", null_options_init, "gait_options_init_sized", "argument.null",
     "the argument options is NULL"},
    {"null_kind_leaf", null_kind_leaf, "gait_kind_leaf", "argument.null",
     "the argument heap is NULL"},
    {"null_kind_conservative", null_kind_conservative, "gait_kind_conservative", "argument.null",
     "the argument heap is NULL"},
    {"null_heap_user", null_heap_user, "gait_heap_user", "argument.null",
     "the argument heap is NULL"},
    {"null_heap_set_user", null_heap_set_user, "gait_heap_set_user", "argument.null",
     "the argument heap is NULL"},
    {"null_leave", null_leave, "gait_thread_leave_from", "argument.null",
     "the argument thread is NULL"},
    {"null_enter", null_enter, "gait_thread_enter", "argument.null", "the argument thread is NULL"},
    {"null_outside_no_thread", null_outside_no_thread, "gait_thread_outside", "argument.null",
     "the argument thread is NULL"},
    {"null_outside_no_function", null_outside_no_function, "gait_thread_outside", "argument.null",
     "the argument function is NULL"},
    {"null_thread_heap", null_thread_heap, "gait_thread_heap", "argument.null",
     "the argument thread is NULL"},
    {"null_thread_current", null_thread_current, "gait_thread_current", "argument.null",
     "the argument heap is NULL"},
    {"null_thread_user", null_thread_user, "gait_thread_user", "argument.null",
     "the argument thread is NULL"},
    {"null_thread_set_user", null_thread_set_user, "gait_thread_set_user", "argument.null",
     "the argument thread is NULL"},
    {"null_alloc_aligned", null_alloc_aligned, "gait_alloc_aligned", "argument.null",
     "the argument thread is NULL"},
    {"null_alloc_array", null_alloc_array, "gait_alloc_array", "argument.null",
     "the argument thread is NULL"},
    {"null_object_start", null_object_start, "gait_object_start", "argument.null",
     "the argument heap is NULL"},
    {"null_object_bytes", null_object_bytes, "gait_object_bytes", "argument.null",
     "the argument heap is NULL"},
    {"null_object_kind_name", null_object_kind_name, "gait_object_kind_name", "argument.null",
     "the argument heap is NULL"},
    {"null_copy_no_thread", null_copy_no_thread, "gait_copy", "argument.null",
     "the argument thread is NULL"},
    {"null_copy_to_nowhere", null_copy_to_nowhere, "gait_copy", "argument.null",
     "the argument to is NULL"},
    {"null_copy_from_nowhere", null_copy_from_nowhere, "gait_copy", "argument.null",
     "the argument from is NULL"},
    {"null_clear_no_thread", null_clear_no_thread, "gait_clear", "argument.null",
     "the argument thread is NULL"},
    {"null_clear_nowhere", null_clear_nowhere, "gait_clear", "argument.null",
     "the argument slots is NULL"},
    {"null_handle_new", null_handle_new, "gait_handle_create", "argument.null",
     "the argument thread is NULL"},
    {"null_handle_get", null_handle_get, "gait_handle_get", "argument.null",
     "the argument handle is NULL"},
    {"null_handle_set_no_thread", null_handle_set_no_thread, "gait_handle_set", "argument.null",
     "the argument thread is NULL"},
    {"null_handle_set_no_handle", null_handle_set_no_handle, "gait_handle_set", "argument.null",
     "the argument handle is NULL"},
    {"null_handle_free_no_thread", null_handle_free_no_thread, "gait_handle_destroy",
     "argument.null", "the argument thread is NULL"},
    {"null_handle_free_no_handle", null_handle_free_no_handle, "gait_handle_destroy",
     "argument.null", "the argument handle is NULL"},
    {"budget_stats_read_short", budget_stats_read_short, "gait_budget_stats_read_sized",
     "struct.bytes", ""},
    {"budget_members_short", budget_members_short, "gait_budget_stats_read_sized", "struct.bytes",
     ""},
    {"null_budget_stats_no_budget", null_budget_stats_no_budget, "gait_budget_stats_read_sized",
     "argument.null", "the argument budget is NULL"},
    {"null_budget_stats_nowhere", null_budget_stats_nowhere, "gait_budget_stats_read_sized",
     "argument.null", "the argument stats is NULL"},
    {"null_budget_members_nowhere", null_budget_members_nowhere, "gait_budget_stats_read_sized",
     "argument.null", "the argument members is NULL"},
    {"budget_stats_of_none", budget_stats_of_none, "gait_budget_stats_read_sized", "budget.exists",
     "there is no such budget"},
    {"null_grow_no_thread", null_grow_no_thread, "gait_object_grow", "argument.null",
     "the argument thread is NULL"},
    {"null_grow_no_object", null_grow_no_object, "gait_object_grow", "argument.null",
     "the argument object is NULL"},
    {"null_free_no_thread", null_free_no_thread, "gait_object_free", "argument.null",
     "the argument thread is NULL"},
    {"null_free_no_object", null_free_no_object, "gait_object_free", "argument.null",
     "the argument object is NULL"},
    {"null_finalizers_run", null_finalizers_run, "gait_finalizers_run", "argument.null",
     "the argument thread is NULL"},
    {"null_finalizers_run_all", null_finalizers_run_all, "gait_finalizers_run_all", "argument.null",
     "the argument thread is NULL"},
    {"null_finalizer_next", null_finalizer_next, "gait_finalizer_next", "argument.null",
     "the argument due is NULL"},
    {"null_set_finalizers", null_set_finalizers, "gait_thread_set_finalizers", "argument.null",
     "the argument thread is NULL"},
    {"null_weak_create", null_weak_create, "gait_weak_create", "argument.null",
     "the argument thread is NULL"},
    {"null_weak_get_no_thread", null_weak_get_no_thread, "gait_weak_get", "argument.null",
     "the argument thread is NULL"},
    {"null_weak_get_nothing", null_weak_get_nothing, "gait_weak_get", "argument.null",
     "the argument weak is NULL"},
    {"null_weak_set_no_thread", null_weak_set_no_thread, "gait_weak_set", "argument.null",
     "the argument thread is NULL"},
    {"null_weak_set_nothing", null_weak_set_nothing, "gait_weak_set", "argument.null",
     "the argument weak is NULL"},
    {"null_ephemeron_new", null_ephemeron_new, "gait_ephemeron_new", "argument.null",
     "the argument thread is NULL"},
    {"null_ephemeron_key_no_thread", null_ephemeron_key_no_thread, "gait_ephemeron_key",
     "argument.null", "the argument thread is NULL"},
    {"null_ephemeron_key_of_nothing", null_ephemeron_key_of_nothing, "gait_ephemeron_key",
     "argument.null", "the argument ephemeron is NULL"},
    {"null_ephemeron_value_no_thread", null_ephemeron_value_no_thread, "gait_ephemeron_value",
     "argument.null", "the argument thread is NULL"},
    {"null_ephemeron_value_of_nothing", null_ephemeron_value_of_nothing, "gait_ephemeron_value",
     "argument.null", "the argument ephemeron is NULL"},
    {"null_ephemeron_set_no_thread", null_ephemeron_set_no_thread, "gait_ephemeron_set_value",
     "argument.null", "the argument thread is NULL"},
    {"null_ephemeron_set_nothing", null_ephemeron_set_nothing, "gait_ephemeron_set_value",
     "argument.null", "the argument ephemeron is NULL"},
    {"null_ephemeron_clear_no_thread", null_ephemeron_clear_no_thread, "gait_ephemeron_clear",
     "argument.null", "the argument thread is NULL"},
    {"null_ephemeron_clear_nothing", null_ephemeron_clear_nothing, "gait_ephemeron_clear",
     "argument.null", "the argument ephemeron is NULL"},
    {"null_trim", null_trim, "gait_heap_trim", "argument.null", "the argument heap is NULL"},
    {"null_get_gogc", null_get_gogc, "gait_heap_gogc", "argument.null",
     "the argument heap is NULL"},
    {"null_get_memory_limit", null_get_memory_limit, "gait_heap_memory_limit", "argument.null",
     "the argument heap is NULL"},
    {"null_get_cpu_cap", null_get_cpu_cap, "gait_heap_cpu_cap", "argument.null",
     "the argument heap is NULL"},
    {"null_stats_read_no_heap", null_stats_read_no_heap, "gait_stats_read_sized", "argument.null",
     "the argument heap is NULL"},
    {"null_stats_read_nowhere", null_stats_read_nowhere, "gait_stats_read_sized", "argument.null",
     "the argument stats is NULL"},
    {"null_cycle_records_no_heap", null_cycle_records_no_heap, "gait_records_read_sized",
     "argument.null", "the argument heap is NULL"},
    {"null_cycle_records_nowhere", null_cycle_records_nowhere, "gait_records_read_sized",
     "argument.null", "the argument records is NULL"},
    {"null_cycle_format_nothing", null_cycle_format_nothing, "gait_cycle_format_sized",
     "argument.null", "the argument record is NULL"},
    {"null_cycle_format_nowhere", null_cycle_format_nowhere, "gait_cycle_format_sized",
     "argument.null", "the argument line is NULL"},
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
  const int status = apart_run(misuse_run, misuse, said, sizeof said);
  snprintf(expected, sizeof expected, "gait: REQUIRE(%s) failed in %s: %s", misuse->check,
           misuse->function, misuse->sentence);
  ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
                "%s: no abort but status %#x; it said: %s", misuse->name, (unsigned)status, said);
  ck_assert_msg(strncmp(said, expected, strlen(expected)) == 0, "%s: expected %s but it said: %s",
                misuse->name, expected, said);
}
END_TEST

/* ---- NULL, to a call with a result ---- */

static void trace_nothing(gait_tracer *tracer, void *arg) {
  (void)tracer, (void)arg;
}

static void says_argument(gait_result result, const char *call) {
  ck_assert_msg(result == GAIT_ERROR_ARGUMENT, "%s: %s", call, gait_result_name(result));
}

static void null_to_options_and_heaps(gait_heap *heap) {
  gait_options options;
  gait_kind kind;
  gait_thread *attached;
  const gait_kind_info info = {.name = "unregistered", .form = GAIT_KIND_LEAF};
  const gait_kind_info nameless = {.name = NULL, .form = GAIT_KIND_LEAF};
  gait_options_init(&options);
  says_argument(gait_options_set(NULL, "gogc", "1", NULL, 0),
                "gait_options_set(NULL, \"gogc\", \"1\", NULL, 0)");
  says_argument(gait_options_set(&options, NULL, "1", NULL, 0),
                "gait_options_set(&options, NULL, \"1\", NULL, 0)");
  says_argument(gait_options_set(&options, "gogc", NULL, NULL, 0),
                "gait_options_set(&options, \"gogc\", NULL, NULL, 0)");
  says_argument(gait_options_from_environment(NULL, NULL, 0),
                "gait_options_from_environment(NULL, NULL, 0)");
  says_argument(gait_options_check(NULL, NULL, 0), "gait_options_check(NULL, NULL, 0)");
  says_argument(gait_heap_create(&options, NULL), "gait_heap_create(&options, NULL)");
  says_argument(gait_heap_destroy(NULL), "gait_heap_destroy(NULL)");
  says_argument(gait_kind_register(NULL, &info, &kind), "gait_kind_register(NULL, &info, &kind)");
  says_argument(gait_kind_register(heap, NULL, &kind), "gait_kind_register(heap, NULL, &kind)");
  says_argument(gait_kind_register(heap, &info, NULL), "gait_kind_register(heap, &info, NULL)");
  says_argument(gait_kind_register(heap, &nameless, &kind),
                "gait_kind_register(heap, &nameless, &kind)");
  says_argument(gait_kind_find(NULL, "leaf", &kind), "gait_kind_find(NULL, \"leaf\", &kind)");
  says_argument(gait_kind_find(heap, NULL, &kind), "gait_kind_find(heap, NULL, &kind)");
  says_argument(gait_kind_find(heap, "leaf", NULL), "gait_kind_find(heap, \"leaf\", NULL)");
  says_argument(gait_thread_attach(NULL, NULL, GAIT_STACK_EXACT, &attached),
                "gait_thread_attach(NULL, NULL, GAIT_STACK_EXACT, &attached)");
  says_argument(gait_thread_attach(heap, NULL, GAIT_STACK_EXACT, NULL),
                "gait_thread_attach(heap, NULL, GAIT_STACK_EXACT, NULL)");
}

static void finalize_nothing(gait_thread *thread, void *object, void *arg) {
  (void)thread, (void)object, (void)arg;
}

#define SAYS_ARGUMENT(call) says_argument(call, #call)
static void null_to_finalizers(struct world *world) {
  gait_thread *thread = world->thread;
  void *object = world->object;
  const gait_cleanup cleanup = {1, 0, 0, 0};
  const gait_finalizer finalizer = {1, 0, 0, 0};
  SAYS_ARGUMENT(gait_cleanup_add(NULL, object, free, NULL, NULL));
  SAYS_ARGUMENT(gait_cleanup_add(thread, NULL, free, NULL, NULL));
  SAYS_ARGUMENT(gait_cleanup_add(thread, object, NULL, NULL, NULL));
  SAYS_ARGUMENT(gait_finalizer_add(NULL, object, finalize_nothing, NULL, 0, NULL));
  SAYS_ARGUMENT(gait_finalizer_add(thread, NULL, finalize_nothing, NULL, 0, NULL));
  SAYS_ARGUMENT(gait_finalizer_add(thread, object, NULL, NULL, 0, NULL));
  SAYS_ARGUMENT(gait_finalizer_add(thread, object, finalize_nothing, NULL, 3, NULL));
  SAYS_ARGUMENT(gait_cleanup_stop(NULL, cleanup));
  SAYS_ARGUMENT(gait_finalizer_stop(NULL, finalizer));
  SAYS_ARGUMENT(gait_finalizers_start_thread(NULL));
  SAYS_ARGUMENT(gait_finalizers_stop_thread(NULL));
}

static void null_to_threads_and_roots(struct world *world, gait_heap *heap) {
  says_argument(gait_thread_detach(NULL), "gait_thread_detach(NULL)");
  says_argument(gait_object_set_external(NULL, world->object, 1),
                "gait_object_set_external(NULL, world->object, 1)");
  says_argument(gait_object_set_external(world->thread, NULL, 1),
                "gait_object_set_external(world->thread, NULL, 1)");
  says_argument(gait_roots_add(NULL, world->slots, 8, GAIT_ROOTS_BARRIERED),
                "gait_roots_add(NULL, world->slots, 8, GAIT_ROOTS_BARRIERED)");
  says_argument(gait_roots_add(heap, NULL, 8, GAIT_ROOTS_BARRIERED),
                "gait_roots_add(heap, NULL, 8, GAIT_ROOTS_BARRIERED)");
  says_argument(gait_roots_add_callback(NULL, trace_nothing, NULL, GAIT_ROOTS_BARRIERED),
                "gait_roots_add_callback(NULL, trace_nothing, NULL, GAIT_ROOTS_BARRIERED)");
  says_argument(gait_roots_add_callback(heap, NULL, NULL, GAIT_ROOTS_BARRIERED),
                "gait_roots_add_callback(heap, NULL, NULL, GAIT_ROOTS_BARRIERED)");
  says_argument(gait_roots_remove(NULL, world->slots), "gait_roots_remove(NULL, world->slots)");
  says_argument(gait_roots_remove(heap, NULL), "gait_roots_remove(heap, NULL)");
  says_argument(gait_roots_remove_callback(NULL, trace_nothing, NULL),
                "gait_roots_remove_callback(NULL, trace_nothing, NULL)");
  says_argument(gait_roots_remove_callback(heap, NULL, NULL),
                "gait_roots_remove_callback(heap, NULL, NULL)");
  says_argument(gait_heap_collect(NULL), "gait_heap_collect(NULL)");
  says_argument(gait_heap_set_gogc(NULL, 100, NULL), "gait_heap_set_gogc(NULL, 100, NULL)");
  says_argument(gait_heap_set_memory_limit(NULL, GAIT_OFF, NULL),
                "gait_heap_set_memory_limit(NULL, GAIT_OFF, NULL)");
  says_argument(gait_heap_set_cpu_cap(NULL, 50, NULL), "gait_heap_set_cpu_cap(NULL, 50, NULL)");
}

START_TEST(null_is_an_error_where_there_is_a_result) {
  struct world world;
  world_open(&world);
  null_to_options_and_heaps(world.heap);
  null_to_threads_and_roots(&world, world.heap);
  null_to_finalizers(&world);
  ck_assert_int_eq(gait_thread_detach(world.thread), GAIT_OK);
  ck_assert_int_eq(gait_heap_destroy(world.heap), GAIT_OK);
}
END_TEST

/* ---- NULL, where it may be ---- */

START_TEST(null_is_taken_where_a_contract_says_so) {
  struct world world;
  world_open(&world);
  gait_copy(world.thread, (void **)NULL, (void **)NULL, 0);
  gait_clear(world.thread, (void **)NULL, 0);
  gait_handle_set(world.thread, world.handle, NULL);
  ck_assert_ptr_null(gait_handle_get(world.handle));
  ck_assert_ptr_null(gait_object_start(world.heap, NULL));
  ck_assert_uint_eq(gait_object_bytes(world.heap, NULL), 0);
  ck_assert_ptr_null(gait_object_kind_name(world.heap, NULL));
  ck_assert_uint_eq(gait_records_read(world.heap, 1, NULL, 0), 0);
  const gait_cycle_record record = {0};
  ck_assert_int_gt(gait_cycle_format(&record, NULL, 0), 0);
  ck_assert_int_eq(gait_heap_set_gogc(world.heap, 70, NULL), GAIT_OK);
  ck_assert_int_eq(gait_heap_set_memory_limit(world.heap, GAIT_OFF, NULL), GAIT_OK);
  ck_assert_int_eq(gait_thread_detach(world.thread), GAIT_OK);
  ck_assert_int_eq(gait_heap_destroy(world.heap), GAIT_OK);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("arguments");
  TCase *tcase = suite_case(suite, "misuse");
  tcase_add_loop_test(tcase, misuse_ends_the_program, 0, (int)MISUSES);
  tcase_add_test(tcase, null_is_an_error_where_there_is_a_result);
  tcase_add_test(tcase, null_is_taken_where_a_contract_says_so);
  return suite_end(suite);
}
