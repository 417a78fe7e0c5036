/* registers: the torture of references that only one register, or one word of a frame, holds.
 *
 *   registers [--mode NAME] [--script NAME] [--place NAME] [--no-fork] [--list]
 *
 * --no-fork is for emulators in whose forked children no thread can be started; so it is with
 * thread sanitizer.
 *
 * For each mode of the collector, each script and each place: an object is made, and disguised in
 * plain memory.  A function in assembly puts the reference into the place, and nowhere else, and
 * makes the calls of the script, in which the heap is collected.  Then the object must be as it
 * was.  As a control, once for each script and once for each place, the same is done with nothing
 * in the place: then the object must be gone, or something else has kept it and the test would be
 * worth nothing.
 *
 * What is alive is seen by the external bytes of the heap, of which the object has one. */
#include "scripts.h"

#include "../support/sanitizer.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REGISTERS_WORDS   8
#define REGISTERS_SECONDS 300

static const struct place places[] = {
#define REGISTERS_PLACE(name) {#name, hold_##name, hold_spill_##name, hold_far_##name},
    HOLD_REGISTERS(REGISTERS_PLACE){"low", hold_low, hold_spill_none, hold_spill_none},
    {"high", hold_high, hold_spill_none, hold_spill_none},
};
static const size_t place_count = sizeof places / sizeof *places;

static const char *const modes[] = {"concurrent", "barrierless", "checked", "tagged"};
enum { MODE_CONCURRENT, MODE_BARRIERLESS, MODE_CHECKED, MODE_TAGGED, MODES };

/* In the last mode the reference has this tag, with which it is no address. */
static const gait_tags registers_rule = {.mask = UINT64_C(0xFFFF) << 48,
                                         .first = UINT64_C(0xFFFA) << 48,
                                         .address_mask = (UINT64_C(1) << 48) - 1};

static unsigned registers_holds, registers_controls, registers_failures;

/* ---- The object ---- */

/* A compiler that knew the disguise could keep what is behind it. */
static volatile uintptr_t registers_hidden;

static uint64_t registers_word(size_t i) {
  return 0x5eed00000000 + i * 0x9e3779b97f4a7c15;
}

static __attribute__((noinline)) void registers_plant(struct torture *torture) {
  uint64_t *object =
      gait_alloc(torture->thread, gait_kind_leaf(torture->heap), REGISTERS_WORDS * sizeof *object);
  if (!object || gait_object_set_external(torture->thread, object, 1) != GAIT_OK)
    others_fail("there is no object");
  for (size_t i = 0; i < REGISTERS_WORDS; i++)
    object[i] = registers_word(i);
  const gait_tags *rule = torture->options.tags;
  registers_hidden = ~((uintptr_t)object | (rule ? rule->first : 0));
}

static bool registers_is_counted(const struct torture *torture) {
  gait_stats stats;
  gait_stats_read(torture->heap, &stats);
  return stats.external_bytes == SCRIPT_KEPT_EXTERNAL + 1;
}

static __attribute__((noinline)) bool registers_is_intact(const struct torture *torture) {
  const gait_tags *rule = torture->options.tags;
  const uintptr_t word = ~registers_hidden;
  const uint64_t *object = (const uint64_t *)(rule ? word & rule->address_mask : word); // NOLINT
  if (gait_object_start(torture->heap, object) != (const void *)object) return false;
  for (size_t i = 0; i < REGISTERS_WORDS; i++)
    if (object[i] != registers_word(i)) return false;
  return true;
}

/* ---- One case ---- */

/* The first step that did not return GAIT_OK, or NULL. */
static const struct hold_step *registers_find_refused(const struct torture *torture) {
  for (size_t i = 0; i < torture->count; i++)
    if (torture->is_result[i] && (uint32_t)torture->steps[i].returned != GAIT_OK)
      return &torture->steps[i];
  return NULL;
}

/* Returns what went wrong, or NULL. */
static const char *registers_judge(const struct torture *torture, uintptr_t held, bool control) {
  const struct hold_step *refused = registers_find_refused(torture);
  if (refused) return gait_result_name((gait_result)refused->returned);
  if (control)
    return registers_is_counted(torture) ? "the object is alive without a reference" : NULL;
  if (held != registers_hidden) return "the place does not hold the reference any more";
  if (!registers_is_counted(torture)) return "the object was found dead";
  return registers_is_intact(torture) ? NULL : "the object is not what it was";
}

/* A child has no use for more than its own verdict, which is its exit status. */
static bool registers_child_failed(const struct torture *torture) {
  for (size_t i = 0; i < torture->count; i++) {
    int status = 0;
    if (torture->steps[i].call != (hold_call *)fork) continue;
    if (waitpid((pid_t)torture->steps[i].returned, &status, 0) < 0 || status != 0) return true;
  }
  return false;
}

static void registers_run_case(struct torture *torture, const struct script *script,
                               const struct place *place, bool control) {
  if (script->prepare) script->prepare(torture);
  torture->count = 0;
  script->write(torture, place);
  registers_plant(torture);
  const uintptr_t held = place->hold(torture->steps, torture->steps + torture->count,
                                     control ? ~(uintptr_t)0 : registers_hidden);
  const char *failure = registers_judge(torture, held, control);
  if (torture->is_child) _exit(failure ? EXIT_FAILURE : EXIT_SUCCESS);
  if (!failure && registers_child_failed(torture)) failure = "that was so in the child";
  if (failure) {
    printf("registers: %s, %s in %s%s: %s\n", torture->mode, script->name, place->name,
           control ? ", control" : "", failure);
    fflush(stdout);
  }
  registers_failures += failure != NULL;
  *(control ? &registers_controls : &registers_holds) += 1;
  if (script->finish) script->finish(torture);
  if (gait_heap_collect(torture->thread) != GAIT_OK) others_fail("a collection was refused");
}

/* ---- One mode ---- */

/* A cycle runs when it is asked for only, as long as the limit is far; the checks are those of a
 * debug build. */
static bool registers_options(int mode, gait_options *options) {
  gait_options_init(options);
  options->gogc_percent = GAIT_OFF;
  options->memory_limit_bytes = (int64_t)256 << 20;
  options->reserve_bytes = (int64_t)1
                           << 30; /* a machine that is emulated has a table of all pages */
  options->barrierless = mode == MODE_BARRIERLESS;
  if (mode == MODE_TAGGED) options->tags = &registers_rule;
  if (mode == MODE_CHECKED) {
    options->debug.checkmark = options->debug.heap_walk = options->debug.poison = 1;
    options->debug.barrier_entries = 2;
  }
  return gait_options_check(options, NULL, 0) == GAIT_OK;
}

static void registers_open(struct torture *torture) {
  if (gait_heap_create(&torture->options, &torture->heap) != GAIT_OK ||
      gait_thread_attach(torture->heap, "holds", GAIT_STACK_CONSERVATIVE, &torture->thread) !=
          GAIT_OK)
    others_fail("there is no heap");
  torture->kept = gait_handle_create(
      torture->thread, gait_alloc(torture->thread, gait_kind_leaf(torture->heap), 64));
  if (!torture->kept || gait_object_set_external(torture->thread, gait_handle_get(torture->kept),
                                                 SCRIPT_KEPT_EXTERNAL) != GAIT_OK)
    others_fail("there is no object to keep");
  others_start(&torture->others, torture->heap);
}

static void registers_close(struct torture *torture) {
  others_stop(&torture->others);
  gait_handle_destroy(torture->thread, torture->kept);
  if (gait_thread_detach(torture->thread) != GAIT_OK || gait_heap_destroy(torture->heap) != GAIT_OK)
    others_fail("the heap was not destroyed");
}

static bool registers_is_chosen(const char *only, const char *name) {
  return !only || strcmp(only, name) == 0;
}

static void registers_run_mode(struct torture *torture, const char *mode, const char *only_script,
                               const char *only_place) {
  torture->mode = mode;
  registers_open(torture);
  for (size_t i = 0; i < script_count; i++) {
    bool controlled = false;
    if (!registers_is_chosen(only_script, scripts[i].name)) continue;
    if ((torture->no_fork || SANITIZER_THREAD) && strncmp(scripts[i].name, "fork", 4) == 0)
      continue;
    for (size_t k = 0; k < place_count; k++) {
      if (!registers_is_chosen(only_place, places[k].name)) continue;
      if (!controlled || i == 0) registers_run_case(torture, &scripts[i], &places[k], true);
      controlled = true;
      registers_run_case(torture, &scripts[i], &places[k], false);
    }
  }
  registers_close(torture);
}

static int registers_list(void) {
  for (int mode = 0; mode < MODES; mode++)
    puts(modes[mode]);
  for (size_t i = 0; i < script_count; i++)
    puts(scripts[i].name);
  for (size_t k = 0; k < place_count; k++)
    puts(places[k].name);
  return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
  static struct torture torture;
  static const struct option names[] = {
      {"mode", required_argument, NULL, 'm'},  {"script", required_argument, NULL, 's'},
      {"place", required_argument, NULL, 'p'}, {"no-fork", no_argument, NULL, 'f'},
      {"list", no_argument, NULL, 'l'},        {NULL, 0, NULL, 0}};
  const char *only_mode = NULL, *only_script = NULL, *only_place = NULL;
  for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (option) {
    case 'm': only_mode = optarg; break;
    case 's': only_script = optarg; break;
    case 'p': only_place = optarg; break;
    case 'f': torture.no_fork = true; break;
    case 'l': return registers_list();
    default: return EXIT_FAILURE;
    }
  }
  alarm(REGISTERS_SECONDS); /* it ends what hangs */
  for (int mode = 0; mode < MODES; mode++)
    if (registers_is_chosen(only_mode, modes[mode]) && registers_options(mode, &torture.options))
      registers_run_mode(&torture, modes[mode], only_script, only_place);
  printf("registers: %u references held, %u controls, %u failures\n", registers_holds,
         registers_controls, registers_failures);
  return registers_failures == 0 && registers_holds > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
