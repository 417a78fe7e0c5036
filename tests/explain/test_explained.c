/* Files that are explained: recordings, JSON, and all that is neither. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../support/run_suite.h"
#include "../support/sizes.h"
#include "explain/explained.h"
#include "sentence_numbers.h"

static const char *folder;
static const struct explained_settings untold = {.gogc_percent = NAN, .limit_bytes = INFINITY};

static struct explained explained;
static struct explained_error error;

/* ---- Recordings of programs in Go ---- */

/* "steady-fast.gogc100.limit150MiB.txt" */
static struct explained_settings of_name(const char *name) {
  struct explained_settings settings = untold;
  int gogc, limit;
  settings.gogc_percent = sscanf(strstr(name, ".gogc"), ".gogc%d", &gogc) == 1 ? gogc : -1;
  if (sscanf(strstr(name, "limit"), "limit%dMiB", &limit) == 1)
    settings.limit_bytes = (double)limit * MIB;
  return settings;
}

static void check_recording(const char *name) {
  char path[512];
  struct explained_settings settings = of_name(name);
  size_t known = 0, by_limit = 0;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  ck_assert_msg(explained_load(&explained, path, &settings, &error), "%s", error.text);
  for (size_t i = 0; i < explained.count; i++) {
    struct explanation made;
    explain_cycle(&explained.cycles[i], &made);
    numbers_check(&explained.cycles[i], &made);
    int rule = explained.cycles[i].rule;
    known += rule != EXPLAIN_RULE_UNKNOWN;
    by_limit += rule == GAITI_PACER_RULE_MEMORY_LIMIT;
    ck_assert(strstr(made.outcome, "background=") == NULL);
  }
  /* Sizes in whole megabytes: hardly a goal that no rule explains. */
  ck_assert_msg(known * 20 >= explained.count * 19, "%s: %zu of %zu rules known", name, known,
                explained.count);
  ck_assert_msg((by_limit > 0) == isfinite(settings.limit_bytes), "%s: %zu by the limit", name,
                by_limit);
  explained_destroy(&explained);
}

START_TEST(each_recording_is_explained) {
  DIR *recordings = opendir(folder);
  int count = 0;
  ck_assert_ptr_nonnull(recordings);
  for (struct dirent *entry; (entry = readdir(recordings)) != NULL;) {
    if (strstr(entry->d_name, ".gogc") == NULL) continue;
    check_recording(entry->d_name);
    count++;
  }
  closedir(recordings);
  ck_assert_int_eq(count, 24);
}
END_TEST

START_TEST(gogc_of_a_recording_is_found) {
  char path[512];
  snprintf(path, sizeof path, "%s/trees.gogc200.nolimit.txt", folder);
  ck_assert_msg(explained_load(&explained, path, &untold, &error), "%s", error.text);
  ck_assert_double_eq(explained.cycles[5].gogc_percent, 200);
  explained_destroy(&explained);
}
END_TEST

/* ---- Text ---- */

static bool parse(const char *text) {
  error.text[0] = '\0';
  return explained_parse(&explained, "a file", text, strlen(text), &untold, &error);
}

static void refused(const char *text, const char *part) {
  ck_assert_msg(!parse(text), "taken: %s", text);
  ck_assert_msg(strstr(error.text, part) != NULL, "\"%s\" is not in \"%s\"", part, error.text);
  ck_assert_msg(strstr(error.text, "a file: ") == error.text, "no file in \"%s\"", error.text);
  ck_assert(explained.cycles == NULL && explained.count == 0);
}

START_TEST(json_is_explained) {
  ck_assert_msg(
      parse(" [{\"timeline\": [{\"seconds\": 1.5, \"cause\": \"forced\", \"cycle\": 9, "
            "\"goal_bytes\": 4194304, \"at_trigger_bytes\": 1048576, \"gogc_percent\": 100, "
            "\"at_mark_end_bytes\": 2097152}]}]"),
      "%s", error.text);
  ck_assert_uint_eq(explained.count, 1);
  struct explanation made;
  explain_cycle(&explained.cycles[0], &made);
  ck_assert_str_eq(made.why,
                   "Cycle 9 began at 1 MiB, since the program asked for it; the goal of 4 "
                   "MiB is that of min_heap, below which no cycle is worth it.");
  ck_assert_int_eq(explained.cycles[0].bound, EXPLAIN_BOUND_UNKNOWN);
  explained_destroy(&explained);
}
END_TEST

START_TEST(what_cannot_be_explained_is_named) {
  refused("", "cycle");
  refused("hello", "cycle");
  refused("{", "byte ");
  refused("{} x", "byte ");
  refused("[]", "no list `timeline`");
  refused("{\"timeline\": 3}", "no list `timeline`");
  refused("{\"timeline\": []}", "no list `timeline`");
  refused("{\"timeline\": [3]}", "cycle 1 of `timeline`: the cycle is not");
  refused("{\"timeline\": [{\"seconds\": 1, \"cause\": \"fun\"}]}", "cycle 1 of `timeline`: cause");
  refused("{\"timeline\": [{\"seconds\": -1, \"cause\": \"gogc\"}]}", "seconds");
  refused("{\"timeline\": [{\"cause\": \"gogc\"}, {\"cause\": \"gogc\", \"goal_bytes\": -1}]}",
          "cycle 2 of `timeline`: goal_bytes is not what it should be");
  refused("{\"timeline\": [{\"cause\": \"gogc\", \"goal_bytes\": 0.5}]}", "goal_bytes");
  refused("{\"timeline\": [{\"cause\": \"gogc\", \"threads\": 4294967296}]}", "threads");
  refused("{\"timeline\": [{\"cause\": \"gogc\", \"cpus\": \"two\"}]}", "cpus");
  ck_assert(!explained_load(&explained, "/nowhere/at/all", &untold, &error));
  ck_assert_str_eq(error.text, "/nowhere/at/all: No such file or directory");
}
END_TEST

int main(int argc, char **argv) {
  const TTest *const tests[] = {
      each_recording_is_explained,
      gogc_of_a_recording_is_found,
      json_is_explained,
      what_cannot_be_explained_is_named,
  };
  folder = argc > 1 ? argv[1] : "tests/gctrace";
  return SUITE_RUN("explained", tests);
}
