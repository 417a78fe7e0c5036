/* misused_tables: misuse of weak tables ends the program with the check that names it.  Each case
 * runs in a child, whose report is read. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <gait/weak_table.h>

#include "apart.h"

enum { TABLE, NAMES, ITERATOR, OBJECT, SLOTS };

static gait_heap *heap;
static gait_thread *thread;
static gait_frame frame;
static void *slots[SLOTS];
static int word = 1;

static uint64_t hash(gait_thread *caller, void *key, void *arg) {
  (void)caller, (void)key, (void)arg;
  return 1;
}

static bool equal(gait_thread *caller, void *entry_key, void *key, void *arg) {
  (void)caller, (void)arg;
  return entry_key == key;
}

static bool is_named(gait_thread *caller, void *object, const void *name, void *arg) {
  (void)caller, (void)object, (void)name, (void)arg;
  return true;
}

static void *make(gait_thread *caller, const void *name, void *arg) {
  (void)name, (void)arg;
  return gait_alloc(caller, gait_kind_leaf(heap), 16);
}

static void open_all(void) {
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = GAIT_OFF;
  apart_must(gait_heap_create(&options, &heap) == GAIT_OK, "no heap");
  apart_must(gait_thread_attach(heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK, "no thread");
  gait_frame_push(thread, &frame, slots, SLOTS);
  slots[TABLE] = gait_weak_table_create(thread, GAIT_WEAK_VALUES);
  slots[NAMES] = gait_intern_create(thread, is_named, make, NULL);
  slots[OBJECT] = gait_alloc(thread, gait_kind_leaf(heap), 16);
  slots[ITERATOR] = gait_weak_table_iterate(thread, slots[TABLE]);
  apart_must(slots[TABLE] && slots[NAMES] && slots[OBJECT] && slots[ITERATOR], "no memory");
  apart_must(gait_weak_table_put(thread, slots[TABLE], slots[OBJECT], slots[OBJECT]), "no entry");
}

/* ---- Arguments ---- */

static void no_thread(void) {
  gait_weak_table_create(NULL, GAIT_WEAK_BOTH);
}
static void no_weakness(void) {
  gait_weak_table_create(thread, (gait_weakness)99);
}
static void no_hash(void) {
  gait_weak_table_create_by(thread, NULL, equal, NULL);
}
static void no_equality(void) {
  gait_weak_table_create_by(thread, hash, NULL, NULL);
}
static void no_table(void) {
  gait_weak_table_get(thread, NULL, &word);
}
static void no_key_to_get(void) {
  gait_weak_table_get(thread, slots[TABLE], NULL);
}
static void no_key_to_put(void) {
  gait_weak_table_put(thread, slots[TABLE], NULL, &word);
}
static void no_key_to_remove(void) {
  gait_weak_table_remove(thread, slots[TABLE], NULL);
}
static void no_table_to_clear(void) {
  gait_weak_table_clear(thread, NULL);
}
static void no_table_to_count(void) {
  gait_weak_table_count(thread, NULL);
}
static void no_table_to_iterate(void) {
  gait_weak_table_iterate(thread, NULL);
}
static void no_iterator(void) {
  void *key, *value;
  gait_weak_table_next(thread, NULL, &key, &value);
}
static void no_place_for_a_key(void) {
  void *value;
  gait_weak_table_next(thread, slots[ITERATOR], NULL, &value);
}
static void no_place_for_a_value(void) {
  void *key;
  gait_weak_table_next(thread, slots[ITERATOR], &key, NULL);
}
static void no_name_equality(void) {
  gait_intern_create(thread, NULL, make, NULL);
}
static void no_maker(void) {
  gait_intern_create(thread, is_named, NULL, NULL);
}
static void no_name(void) {
  gait_intern(thread, slots[NAMES], 1, NULL);
}
static void no_name_to_find(void) {
  gait_intern_find(thread, slots[NAMES], 1, NULL);
}
static void nothing_to_forget(void) {
  gait_intern_forget(thread, slots[NAMES], 1, NULL);
}

/* ---- Objects of other sorts ---- */

static void another_object(void) {
  gait_weak_table_get(thread, slots[OBJECT], &word);
}
static void inside_a_table(void) {
  gait_weak_table_get(thread, (gait_weak_table *)((char *)slots[TABLE] + 8), &word);
}
static void a_dead_table(void) {
  gait_weak_table *table = slots[TABLE];
  slots[TABLE] = slots[ITERATOR] = NULL;
  apart_must(gait_heap_collect(thread) == GAIT_OK, "no collection");
  gait_weak_table_count(thread, table);
}
static void a_table_for_an_iterator(void) {
  void *key, *value;
  gait_weak_table_next(thread, slots[TABLE], &key, &value);
}
static void names_with_a_key(void) {
  gait_weak_table_put(thread, slots[NAMES], &word, &word);
}
static void keys_with_a_name(void) {
  gait_intern(thread, slots[TABLE], 1, &word);
}

/* ---- Threads ---- */

static void outside(void) {
  gait_thread_leave(thread);
  gait_weak_table_get(thread, slots[TABLE], &word);
}

/* ---- Functions of the program's ---- */

static gait_frame left_frame;
static void *left_slots[1];

static uint64_t hash_with_a_frame(gait_thread *caller, void *key, void *arg) {
  (void)key, (void)arg;
  gait_frame_push(caller, &left_frame, left_slots, 1);
  return 1;
}
static void a_frame_that_is_left(void) {
  slots[TABLE] = gait_weak_table_create_by(thread, hash_with_a_frame, equal, NULL);
  gait_weak_table_get(thread, slots[TABLE], slots[OBJECT]);
}

static void *make_outside(gait_thread *caller, const void *name, void *arg) {
  (void)name, (void)arg;
  gait_thread_leave(caller);
  return slots[OBJECT];
}
static void a_maker_that_leaves(void) {
  slots[NAMES] = gait_intern_create(thread, is_named, make_outside, NULL);
  gait_intern(thread, slots[NAMES], 1, &word);
}

/* ---- The cases ---- */

static const struct table_case {
  const char *name;
  void (*misuse)(void);
  const char *said; /* the check, and words of its sentence */
} table_cases[] = {
    {"no_thread", no_thread, "the argument thread is NULL"},
    {"no_weakness", no_weakness, "weak_table.weakness"},
    {"no_hash", no_hash, "the argument hash is NULL"},
    {"no_equality", no_equality, "the argument equal is NULL"},
    {"no_table", no_table, "the argument table is NULL"},
    {"no_key_to_get", no_key_to_get, "the argument key is NULL"},
    {"no_key_to_put", no_key_to_put, "the argument key is NULL"},
    {"no_key_to_remove", no_key_to_remove, "the argument key is NULL"},
    {"no_table_to_clear", no_table_to_clear, "the argument table is NULL"},
    {"no_table_to_count", no_table_to_count, "the argument table is NULL"},
    {"no_table_to_iterate", no_table_to_iterate, "the argument table is NULL"},
    {"no_iterator", no_iterator, "the argument iterator is NULL"},
    {"no_place_for_a_key", no_place_for_a_key, "the argument key is NULL"},
    {"no_place_for_a_value", no_place_for_a_value, "the argument value is NULL"},
    {"no_name_equality", no_name_equality, "the argument equal is NULL"},
    {"no_maker", no_maker, "the argument make is NULL"},
    {"no_name", no_name, "the argument name is NULL"},
    {"no_name_to_find", no_name_to_find, "the argument name is NULL"},
    {"nothing_to_forget", nothing_to_forget, "the argument object is NULL"},
    {"another_object", another_object, "weak_table.live"},
    {"inside_a_table", inside_a_table, "weak_table.live"},
    {"a_dead_table", a_dead_table, "weak_table.live"},
    {"a_table_for_an_iterator", a_table_for_an_iterator, "weak_table.iterator"},
    {"names_with_a_key", names_with_a_key, "weak_table.form"},
    {"keys_with_a_name", keys_with_a_name, "weak_table.form"},
    {"outside", outside, "thread.managed"},
    {"a_frame_that_is_left", a_frame_that_is_left, "weak_table.callback"},
    {"a_maker_that_leaves", a_maker_that_leaves, "weak_table.callback"},
};

static int table_misuse(const void *arg) {
  open_all();
  ((const struct table_case *)arg)->misuse();
  return EXIT_SUCCESS;
}

int main(void) {
  static char said[65536];
  for (size_t i = 0; i < sizeof table_cases / sizeof *table_cases; i++) {
    const int status = apart_run(table_misuse, &table_cases[i], said, sizeof said);
    const bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    if (!aborted || !strstr(said, table_cases[i].said)) fprintf(stderr, "%s\n", said);
    apart_must(aborted && strstr(said, table_cases[i].said), table_cases[i].name);
  }
  return EXIT_SUCCESS;
}
