/* Tagged references in the calls that check: by each call a word that is right, or a number, goes
 * through, and one whose address is of no object, or of another heap's, ends the program with the
 * name of the check.
 *
 * Each word is tried by two rules: with a tag in the lowest bit it lies among the heap's addresses
 * as it is; with one in the high bits it does not, and the rule alone finds the address. */
#include <check.h>
#include <gait/gait.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "apart.h"

#include "../support/run_suite.h"
#include "../support/sizes.h"

#if !GAIT_CHECKED
#error "this is a client with checks"
#endif

static const gait_tags tagged_rules[] = {
    {.mask = 1, .first = 1, .address_mask = ~(uint64_t)1},
    {.mask = (uint64_t)0xFFFF << 48,
     .first = (uint64_t)0xFFFA << 48,
     .address_mask = ~((uint64_t)0xFFFF << 48)},
};
enum { RULES = sizeof tagged_rules / sizeof *tagged_rules };

/* ---- The heap ---- */

/* An object of which word 0 is a plain reference, and the others are tagged. */
enum { PLAIN, FIRST, SECOND, OBJECT_WORDS };

static gait_heap *tagged_heap;
static gait_thread *tagged_thread;
static gait_frame tagged_frame;
static void *tagged_slots[2];
static void **object;
static uint64_t *object_words; /* the same */
static void *live, *dead, *foreign;
static uint64_t tag;

static void *tagged_other_object(void) {
  gait_options options;
  gait_heap *heap;
  gait_thread *thread;
  gait_options_init(&options);
  options.gogc_percent = GAIT_OFF;
  apart_must(gait_heap_create(&options, &heap) == GAIT_OK, "no other heap");
  apart_must(gait_thread_attach(heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK, "no thread");
  return gait_alloc(thread, gait_kind_leaf(heap), 64);
}

static void *tagged_new_object(void) {
  static const uint64_t plain[] = {1 << PLAIN}, tagged[] = {1 << FIRST | 1 << SECOND};
  const gait_kind_info info = {.name = "object",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = OBJECT_WORDS * sizeof(void *),
                               .pointer_map = plain,
                               .tagged_map = tagged};
  gait_kind kind;
  apart_must(gait_kind_register(tagged_heap, &info, &kind) == GAIT_OK, "no kind");
  return gait_alloc(tagged_thread, kind, OBJECT_WORDS * sizeof(void *));
}

static void tagged_open(const gait_tags *rule) {
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = GAIT_OFF;
  options.tags = rule;
  apart_must(gait_heap_create(&options, &tagged_heap) == GAIT_OK, "no heap");
  apart_must(gait_thread_attach(tagged_heap, NULL, GAIT_STACK_EXACT, &tagged_thread) == GAIT_OK,
             "no thread");
  gait_frame_push(tagged_thread, &tagged_frame, tagged_slots, 2);
  tag = rule->first;
  dead = gait_alloc(tagged_thread, gait_kind_leaf(tagged_heap), MIB);
  apart_must(gait_heap_collect(tagged_thread) == GAIT_OK, "no collection");
  tagged_slots[0] = object = tagged_new_object();
  object_words = (uint64_t *)(void *)object;
  tagged_slots[1] = live = gait_alloc(tagged_thread, gait_kind_leaf(tagged_heap), 64);
  foreign = tagged_other_object();
  apart_must(object && live && dead && foreign, "no object");
}

static uint64_t tagged_word(const void *address) {
  return (uintptr_t)address | tag;
}

static void *tagged_reference(const void *address) {
  return (void *)tagged_word(address);
}

/* ---- Calls that store a word ---- */

static void call_store(uint64_t word) {
  gait_store(tagged_thread, &object[FIRST], (void *)word);
}

static void call_store_word(uint64_t word) {
  gait_store_word(tagged_thread, &object_words[SECOND], word);
}

static void call_store_init(uint64_t word) {
  gait_store_init(tagged_thread, &object[FIRST], (void *)word);
}

static void call_store_init_word(uint64_t word) {
  gait_store_init_word(tagged_thread, &object_words[SECOND], word);
}

static void call_cas(uint64_t word) {
  gait_cas(tagged_thread, &object[FIRST], NULL, (void *)word);
}

static void call_copy(uint64_t word) {
  void *from[] = {tagged_reference(live), (void *)word};
  gait_copy(tagged_thread, &object[FIRST], from, 2);
}

/* The first of the two goes where a plain reference is. */
static void call_copy_over_both(uint64_t word) {
  void *from[] = {live, (void *)word};
  gait_copy(tagged_thread, &object[PLAIN], from, 2);
}

static void call_copy_words(uint64_t word) {
  const uint64_t from[] = {tagged_word(live), word};
  gait_copy_words(tagged_thread, &object_words[FIRST], from, 2);
}

static const struct tagged_call {
  const char *name; /* of the function that the check names */
  void (*run)(uint64_t word);
} tagged_calls[] = {
    {"gait_store", call_store},
    {"gait_store", call_store_word},
    {"gait_store_init", call_store_init},
    {"gait_store_init", call_store_init_word},
    {"gait_cas", call_cas},
    {"gait_copy", call_copy},
    {"gait_copy", call_copy_over_both},
    {"gait_copy", call_copy_words},
};
enum { CALLS = sizeof tagged_calls / sizeof *tagged_calls };

enum tagged_sort { A_LIVE_OBJECT, A_NUMBER, A_DEAD_OBJECT, A_FOREIGN_OBJECT, SORTS };

/* The number has the bits of an address that is no object's, and not the tag. */
static uint64_t tagged_make_word(enum tagged_sort sort) {
  switch (sort) {
  case A_LIVE_OBJECT: return tagged_word(live);
  case A_NUMBER: return (uintptr_t)dead;
  case A_DEAD_OBJECT: return tagged_word(dead);
  default: return tagged_word(foreign);
  }
}

/* ---- Other places, and other checks ---- */

/* Outside objects with a pointer map a word that refers to no object is ignored. */
static void a_root_takes_words(void) {
  static void *root;
  apart_must(gait_roots_add(tagged_heap, &root, sizeof root, GAIT_ROOTS_BARRIERED) == GAIT_OK,
             "no root");
  gait_store(tagged_thread, &root, tagged_reference(live));
  gait_store(tagged_thread, &root, tagged_reference(dead));
  gait_store(tagged_thread, &root, dead);
}

static void a_root_of_another_heap(void) {
  static void *root;
  apart_must(gait_roots_add(tagged_heap, &root, sizeof root, GAIT_ROOTS_BARRIERED) == GAIT_OK,
             "no root");
  gait_store(tagged_thread, &root, tagged_reference(foreign));
}

static void a_handle_takes_a_tagged_word(void) {
  gait_handle *handle = gait_handle_create(tagged_thread, tagged_reference(live));
  gait_handle_set(tagged_thread, handle, tagged_reference(object));
  gait_handle_destroy(tagged_thread, handle);
}

static void a_handle_of_another_heap(void) {
  gait_handle_create(tagged_thread, tagged_reference(foreign));
}

static void a_handle_set_to_another_heap(void) {
  gait_handle_set(tagged_thread, gait_handle_create(tagged_thread, NULL),
                  tagged_reference(foreign));
}

static void a_plain_word_of_a_dead_object(void) {
  gait_store(tagged_thread, &object[PLAIN], dead);
}

static void init_after_a_number(void) {
  gait_store_init(tagged_thread, &object[FIRST], dead);
  gait_store_init(tagged_thread, &object[FIRST], tagged_reference(live));
}

static void init_twice(void) {
  gait_store_init(tagged_thread, &object[FIRST], tagged_reference(live));
  gait_store_init(tagged_thread, &object[FIRST], tagged_reference(live));
}

static void init_twice_where_any_word_may_be_a_reference(void) {
  void **words = gait_alloc(tagged_thread, gait_kind_conservative(tagged_heap), 32);
  apart_must(words != NULL, "no object");
  gait_store_init(tagged_thread, &words[1], tagged_reference(live));
  gait_store_init(tagged_thread, &words[1], tagged_reference(live));
}

static const struct tagged_case {
  const char *name;
  void (*run)(void);
  const char *line; /* what the program says; NULL: it may be done */
} tagged_cases[] = {
    {"a root takes words", a_root_takes_words, NULL},
    {"a root of another heap", a_root_of_another_heap, "store.value) failed in gait_store:"},
    {"a handle takes a tagged word", a_handle_takes_a_tagged_word, NULL},
    {"a handle of another heap", a_handle_of_another_heap,
     "store.value) failed in gait_handle_create:"},
    {"a handle set to another heap", a_handle_set_to_another_heap,
     "store.value) failed in gait_handle_set:"},
    {"a plain word of a dead object", a_plain_word_of_a_dead_object,
     "store.value) failed in gait_store:"},
    {"an init after a number", init_after_a_number, NULL},
    {"an init twice", init_twice, "store.init) failed in gait_store_init:"},
    {"an init twice where any word may be a reference",
     init_twice_where_any_word_may_be_a_reference, "store.init) failed in gait_store_init:"},
};
enum { CASES = sizeof tagged_cases / sizeof *tagged_cases };

/* ---- The tests ---- */

struct tagged_run {
  const gait_tags *rule;
  const struct tagged_call *call; /* with a word of that sort, or */
  enum tagged_sort sort;
  const struct tagged_case *one;
};

static int tagged_child(const void *arg) {
  const struct tagged_run *run = arg;
  tagged_open(run->rule);
  if (run->call)
    run->call->run(tagged_make_word(run->sort));
  else
    run->one->run();
  apart_must(gait_heap_collect(tagged_thread) == GAIT_OK, "no collection");
  apart_must(gait_object_start(tagged_heap, live) == live, "the object is gone");
  return EXIT_SUCCESS;
}

static void tagged_expect(const struct tagged_run *run, const char *name, const char *line) {
  static char said[4096];
  char expected[128];
  const int status = apart_run(tagged_child, run, said, sizeof said);
  snprintf(expected, sizeof expected, "gait: REQUIRE(%s", line ? line : "");
  const bool holds = line ? WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
                                strncmp(said, expected, strlen(expected)) == 0
                          : WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
  ck_assert_msg(holds, "%s, sort %d, rule %d: status %#x; it said: %s", name, (int)run->sort,
                (int)(run->rule - tagged_rules), (unsigned)status, said);
}

START_TEST(each_call_names_a_tagged_word_that_refers_to_no_object) {
  const struct tagged_call *call = &tagged_calls[_i / SORTS % CALLS];
  const struct tagged_run run = {.rule = &tagged_rules[_i / SORTS / CALLS],
                                 .call = call,
                                 .sort = (enum tagged_sort)(_i % SORTS)};
  char line[64];
  snprintf(line, sizeof line, "store.value) failed in %s:", call->name);
  tagged_expect(&run, call->name, run.sort >= A_DEAD_OBJECT ? line : NULL);
}
END_TEST

START_TEST(tagged_words_are_checked_by_the_place_where_they_are) {
  const struct tagged_case *one = &tagged_cases[_i % CASES];
  const struct tagged_run run = {.rule = &tagged_rules[_i / CASES], .one = one};
  tagged_expect(&run, one->name, one->line);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("tagged words");
  TCase *tcase = suite_case(suite, "misuse");
  tcase_add_loop_test(tcase, each_call_names_a_tagged_word_that_refers_to_no_object, 0,
                      RULES * CALLS * SORTS);
  tcase_add_loop_test(tcase, tagged_words_are_checked_by_the_place_where_they_are, 0,
                      RULES * CASES);
  return suite_end(suite);
}
