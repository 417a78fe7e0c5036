/* gait profile: sites that allocate, and the lives of their objects, from a profile. */
#include "command.h"
#include "profile/pprof_file.h"
#include "profile/profile_advice.h"
#include "profile/profile_lines.h"
#include "profile/profile_sites.h"

#include <argp.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROFILE_USUAL_ROWS 20
#define PROFILE_MIB        1048576.0

struct profile {
  const char *path;
  const char *lines;
  size_t rows;
  bool lifetimes;
  bool json;
};

enum { PROFILE_LIFETIMES = 1, PROFILE_TOP, PROFILE_JSON, PROFILE_LINES };

static const struct argp_option profile_options[] = {
    {"lifetimes", PROFILE_LIFETIMES, NULL, 0,
     "How long objects live by site and kind, and which allocations can be done without", 0},
    {"top", PROFILE_TOP, "N", 0, "Print the first N sites; 0: all; by default 20", 0},
    {"lines", PROFILE_LINES, "OUT", 0,
     "Instead: write the profile to OUT with source lines, from the debug information of the "
     "program's files",
     0},
    {"json", PROFILE_JSON, NULL, 0, "Print one JSON object, with every site and all curves", 0},
    {0}};

static size_t profile_read_rows(const char *text, struct argp_state *state) {
  char *end;
  unsigned long rows = strtoul(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || rows > 1000000)
    argp_error(state, "--top=%s: a number in 0 .. 1000000 is wanted", text);
  return rows == 0 ? SIZE_MAX : rows;
}

static error_t profile_option(int key, char *arg, struct argp_state *state) {
  struct profile *profile = state->input;
  switch (key) {
  case PROFILE_LIFETIMES: profile->lifetimes = true; return 0;
  case PROFILE_TOP: profile->rows = profile_read_rows(arg, state); return 0;
  case PROFILE_LINES: profile->lines = arg; return 0;
  case PROFILE_JSON: profile->json = true; return 0;
  case ARGP_KEY_ARG:
    if (profile->path != NULL) argp_error(state, "one profile is wanted, not '%s' too", arg);
    profile->path = arg;
    return 0;
  case ARGP_KEY_NO_ARGS: argp_error(state, "which profile?"); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp profile_argp = {
    .options = profile_options,
    .parser = profile_option,
    .args_doc = "FILE",
    .doc = "Tell which calls of a program allocate, from a profile of its heap.\v"
           "GAIT_PROFILE=FILE has any program write one, and `gait run --profile FILE`.  `go tool "
           "pprof` reads the same file.  - is standard input.\n\n"
           "A site is the innermost function that is the program's, with its caller.  An age is "
           "counted in cycles that have found the object, and in bytes allocated since it was "
           "made.  Candidates for the stack are objects of at most 1 KiB of which no cycle has "
           "found any.  Arrays that grow are made by gait_array, or come in four sizes or more, "
           "each 1.4 to 2.2 times the one before.  A pool is for objects of more than 32 KiB of "
           "which a second cycle finds a fifth at most.",
};

/* ---- Numbers of the whole ---- */

struct profile_totals {
  double seconds;
  double cycles;
  double alloc_space;
};

static struct profile_totals profile_totals(const struct pprof *pprof,
                                            const struct profile_sites *sites) {
  return (struct profile_totals){.seconds = (double)pprof->duration_ns * 1e-9,
                                 .cycles = (double)pprof_find_comment(pprof, "cycles"),
                                 .alloc_space = sites->whole.alloc_space};
}

static double profile_share(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

/* ---- JSON ---- */

static json_t *profile_curve_json(const struct survival *survival, const char *noun,
                                  double (*age)(unsigned class_number)) {
  double share[SURVIVAL_CLASSES];
  json_t *curve = json_array();
  int last = survival_last(survival);
  survival_curve(survival, share);
  for (int i = 0; i <= last; i++) {
    if (survival->dead[i] == 0 && survival->live[i] == 0) continue;
    json_array_append_new(curve, json_pack("{s:f, s:f, s:f, s:f}", noun, age((unsigned)i), "share",
                                           share[i], "dead", survival->dead[i], "live",
                                           survival->live[i]));
  }
  return curve;
}

static void profile_put_survival(json_t *row, const struct profile_site *site) {
  json_object_set_new(row, "survival_by_cycles",
                      profile_curve_json(&site->cycles, "cycles", survival_cycles_of));
  json_object_set_new(row, "survival_by_bytes",
                      profile_curve_json(&site->bytes, "age_bytes", survival_bytes_of));
}

static json_t *profile_advice_json(const struct profile_site *site,
                                   const struct profile_totals *totals) {
  double saved;
  enum profile_advice advice = profile_advise(site, &saved);
  if (advice == PROFILE_NO_ADVICE) return json_null();
  return json_pack("{s:s, s:f, s:f, s:f}", "is", profile_advice_name(advice), "saved_bytes", saved,
                   "saved_bytes_per_second", profile_share(saved, totals->seconds),
                   "saved_cycles_share", profile_share(saved, totals->alloc_space));
}

static json_t *profile_site_json(const struct profile_site *site) {
  return json_pack("{s:f, s:f, s:f, s:f, s:f}", "samples", site->samples, "alloc_objects",
                   site->alloc_objects, "alloc_space", site->alloc_space, "inuse_objects",
                   site->inuse_objects, "inuse_space", site->inuse_space);
}

/* Names are bytes of the program's: those that are no text in UTF-8 are left out. */
static void profile_put_name(json_t *row, const char *key, const char *name) {
  json_t *text = json_string(name);
  json_object_set_new(row, key, text != NULL ? text : json_string("?"));
}

static json_t *profile_row_json(const struct profile_site *site,
                                const struct profile_totals *totals) {
  json_t *row = profile_site_json(site);
  profile_put_name(row, "function", site->function);
  profile_put_name(row, "caller", site->caller);
  profile_put_name(row, "kind", site->kind);
  profile_put_name(row, "memory", site->memory);
  profile_put_survival(row, site);
  json_object_set_new(row, "advice", profile_advice_json(site, totals));
  return row;
}

static int profile_print_json(const struct pprof *pprof, const struct profile_sites *sites,
                              const struct profile_totals *totals) {
  json_t *object = profile_site_json(&sites->whole), *rows = json_array();
  json_object_set_new(object, "period_bytes", json_integer((json_int_t)pprof->period));
  json_object_set_new(object, "seconds", json_real(totals->seconds));
  json_object_set_new(object, "cycles",
                      totals->cycles < 0 ? json_null() : json_real(totals->cycles));
  profile_put_survival(object, &sites->whole);
  for (size_t i = 0; i < sites->count; i++)
    json_array_append_new(rows, profile_row_json(&sites->sites[i], totals));
  json_object_set_new(object, "sites", rows);
  int failed = json_dumpf(object, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
  json_decref(object);
  putchar('\n');
  return failed ? COMMAND_FAILED : COMMAND_OK;
}

/* ---- Text ---- */

static const char *profile_function(const char *name) {
  return name[0] == '\0' ? "(no name)" : name;
}

static void profile_print_site(const struct profile_site *site) {
  printf("%s", profile_function(site->function));
  if (site->caller[0] != '\0') printf(" < %s", site->caller);
  if (site->kind[0] != '\0') printf(", %s", site->kind);
  if (site->memory[0] != '\0') printf(", %s", site->memory);
}

static void profile_print_totals(const struct pprof *pprof, const struct profile_sites *sites,
                                 const struct profile_totals *totals) {
  printf("%.1f MiB allocated", totals->alloc_space / PROFILE_MIB);
  if (totals->seconds > 0)
    printf(" in %.2f s, %.1f MiB/s", totals->seconds,
           totals->alloc_space / PROFILE_MIB / totals->seconds);
  if (totals->cycles >= 0) printf(", %.0f cycles", totals->cycles);
  printf("; %.1f MiB in use; %.0f samples, one in %.0f KiB\n",
         sites->whole.inuse_space / PROFILE_MIB, sites->whole.samples,
         (double)pprof->period / 1024);
}

static void profile_print_rows(const struct profile *profile, const struct profile_sites *sites) {
  printf("\n%12s %6s %12s %6s %12s  site < caller, kind\n", "allocated", "", "in use", "",
         "objects");
  for (size_t i = 0; i < sites->count && i < profile->rows; i++) {
    const struct profile_site *site = &sites->sites[i];
    printf("%8.1f MiB %5.1f%% %8.1f MiB %5.1f%% %12.0f  ", site->alloc_space / PROFILE_MIB,
           100 * profile_share(site->alloc_space, sites->whole.alloc_space),
           site->inuse_space / PROFILE_MIB,
           100 * profile_share(site->inuse_space, sites->whole.inuse_space), site->alloc_objects);
    profile_print_site(site);
    putchar('\n');
  }
}

/* The share that cycle number `cycles` finds. */
static void profile_print_share(const double *share, int last, unsigned cycles) {
  int before = (int)survival_cycles_class(cycles) - 1;
  if (before > last)
    printf(" %6s", "-");
  else
    printf(" %5.1f%%", 100 * share[before]);
}

/* The least age that so large a share does not outlive, in MiB; below zero: it is not reached. */
static double profile_age(const struct survival *survival, double part) {
  double share[SURVIVAL_CLASSES];
  int last = survival_last(survival);
  survival_curve(survival, share);
  for (int i = 0; i <= last; i++)
    if (share[i] <= 1 - part) return survival_bytes_of((unsigned)i + 1) / PROFILE_MIB;
  return -1;
}

static void profile_print_age(const struct survival *survival, double part) {
  double mib = profile_age(survival, part);
  if (mib < 0)
    printf(" %12s", "longer");
  else
    printf(" %8.1f MiB", mib);
}

static void profile_print_life(const struct profile_site *site) {
  static const unsigned cycles[] = {1, 2, 4, 8};
  double share[SURVIVAL_CLASSES];
  int last = survival_last(&site->cycles);
  survival_curve(&site->cycles, share);
  printf("%8.1f MiB %8.0f", site->alloc_space / PROFILE_MIB, site->samples);
  for (size_t i = 0; i < sizeof cycles / sizeof *cycles; i++)
    profile_print_share(share, last, cycles[i]);
  profile_print_age(&site->bytes, 0.5);
  profile_print_age(&site->bytes, 0.9);
  printf("  ");
}

static void profile_print_lives(const struct profile *profile, const struct profile_sites *sites) {
  printf(
      "\nOf the bytes, found by that many cycles; and allocated until half, and nine tenths, are "
      "dead.\n\n%12s %8s %6s %6s %6s %6s %12s %12s  site < caller, kind\n",
      "allocated", "samples", "1", "2", "4", "8", "half", "9/10");
  profile_print_life(&sites->whole);
  puts("all");
  for (size_t i = 0; i < sites->count && i < profile->rows; i++) {
    profile_print_life(&sites->sites[i]);
    profile_print_site(&sites->sites[i]);
    putchar('\n');
  }
}

static const char *profile_advice_head(enum profile_advice advice) {
  switch (advice) {
  case PROFILE_STACK: return "Candidates for the stack: no cycle has found any of these objects";
  case PROFILE_PREALLOCATE: return "Preallocate: these arrays grow by copies of themselves";
  case PROFILE_POOL: return "Pool: these objects are large, and come and go";
  case PROFILE_NO_ADVICE: break;
  }
  return "";
}

static void profile_print_gain(const struct profile_site *site, double saved,
                               const struct profile_totals *totals) {
  printf("  ");
  profile_print_site(site);
  printf("\n    %.1f MiB less", saved / PROFILE_MIB);
  if (totals->seconds > 0) printf(", %.1f MiB/s", saved / PROFILE_MIB / totals->seconds);
  printf(", and %.1f%% of the cycles; from %.0f samples\n",
         100 * profile_share(saved, totals->alloc_space), site->samples);
}

static void profile_print_advice(const struct profile *profile, const struct profile_sites *sites,
                                 const struct profile_totals *totals, enum profile_advice which) {
  size_t rows = 0;
  for (size_t i = 0; i < sites->count && rows < profile->rows; i++) {
    double saved;
    if (profile_advise(&sites->sites[i], &saved) != which) continue;
    if (rows++ == 0) printf("\n%s.\n", profile_advice_head(which));
    profile_print_gain(&sites->sites[i], saved, totals);
  }
}

static void profile_print_lifetimes(const struct profile *profile,
                                    const struct profile_sites *sites,
                                    const struct profile_totals *totals) {
  profile_print_lives(profile, sites);
  profile_print_advice(profile, sites, totals, PROFILE_STACK);
  profile_print_advice(profile, sites, totals, PROFILE_PREALLOCATE);
  profile_print_advice(profile, sites, totals, PROFILE_POOL);
}

/* ---- The command ---- */

static int profile_show(const struct profile *profile, const struct pprof *pprof) {
  struct profile_sites sites;
  const char *error;
  int status = COMMAND_OK;
  if (!profile_sites_make(&sites, pprof, &error)) {
    fprintf(stderr, "gait profile: %s: %s\n", profile->path, error);
    return COMMAND_FAILED;
  }
  struct profile_totals totals = profile_totals(pprof, &sites);
  if (profile->lifetimes && !sites.has_lives && pprof->sample_count > 0) {
    fprintf(stderr, "gait profile: %s: it tells no lifetimes: no sample has the label cycles\n",
            profile->path);
    status = COMMAND_FAILED;
  } else if (profile->json) {
    status = profile_print_json(pprof, &sites, &totals);
  } else {
    profile_print_totals(pprof, &sites, &totals);
    if (profile->lifetimes)
      profile_print_lifetimes(profile, &sites, &totals);
    else
      profile_print_rows(profile, &sites);
  }
  profile_sites_destroy(&sites);
  return status;
}

static int profile_write_lines(const struct profile *profile, const struct pprof *pprof,
                               const struct pprof_message *message) {
  struct pprof_file_error error = {""};
  size_t found;
  if (!profile_lines_can()) {
    fprintf(stderr, "gait profile: this gait was built without libdw: it finds no lines\n");
    return COMMAND_FAILED;
  }
  if (!profile_lines_write(pprof, message, profile->lines, &found, &error)) {
    fprintf(stderr, "gait profile: %s\n", error.text);
    return COMMAND_FAILED;
  }
  printf("%s: %zu of %zu addresses have lines\n", profile->lines, found, pprof->location_count);
  return COMMAND_OK;
}

int gait_cmd_profile(int argc, char **argv) {
  struct profile profile = {.rows = PROFILE_USUAL_ROWS};
  struct pprof pprof;
  struct pprof_message message;
  struct pprof_file_error error;
  argp_parse(&profile_argp, argc, argv, 0, NULL, &profile);
  if (!pprof_load(&pprof, profile.path, &message, &error)) {
    fprintf(stderr, "gait profile: %s\n", error.text);
    return COMMAND_FAILED;
  }
  int status = profile.lines != NULL ? profile_write_lines(&profile, &pprof, &message)
                                     : profile_show(&profile, &pprof);
  free(message.bytes);
  pprof_destroy(&pprof);
  return status;
}
