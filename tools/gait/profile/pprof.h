/* pprof.h: reads a profile in the format of pprof (profile.proto in github.com/google/pprof).
 *
 * All of a profile is checked when it is read: each number of another part is one that is there,
 * and each sample has a value of each type. */
#ifndef GAIT_PPROF_H
#define GAIT_PPROF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A sentence on what is wrong, and where in the uncompressed bytes. */
struct pprof_error {
  size_t offset;
  char text[160];
};

/* `offset` of a part is where it begins in the uncompressed bytes.  Texts are places in `strings`;
 * they end with a 0, which they may have inside, too. */
struct pprof_type {
  size_t type, unit;
};

/* A label is a text, or a number with a unit. */
struct pprof_label {
  size_t key, text, unit;
  int64_t number;
};

/* Its parts stand in the arrays of the profile from these places on; frames innermost first. */
struct pprof_sample {
  size_t offset;
  size_t frames, frame_count;
  size_t values;
  size_t labels, label_count;
};

struct pprof_line {
  size_t function; /* a place in `functions` */
  int64_t line;
};

/*   mapping  a place in `mappings` + 1, or 0 */
struct pprof_location {
  uint64_t id;
  size_t offset;
  uint64_t address;
  size_t mapping;
  size_t lines, line_count;
};

struct pprof_function {
  uint64_t id;
  size_t offset;
  size_t name, file;
};

struct pprof_mapping {
  uint64_t id;
  size_t offset;
  uint64_t start, end, file_offset;
  size_t file, build_id;
};

/*   frames  of all samples: places in `locations`
 *   values  of all samples, as many as there are types for each */
struct pprof {
  char **strings;
  size_t string_count;
  struct pprof_type *types;
  size_t type_count;
  struct pprof_sample *samples;
  size_t sample_count;
  size_t *frames;
  size_t frame_count;
  int64_t *values;
  size_t value_count;
  struct pprof_label *labels;
  size_t label_count;
  struct pprof_location *locations;
  size_t location_count;
  struct pprof_line *lines;
  size_t line_count;
  struct pprof_function *functions;
  size_t function_count;
  struct pprof_mapping *mappings;
  size_t mapping_count;
  size_t *comments;
  size_t comment_count;
  int64_t time_ns, duration_ns, period;
};

/* Reads the message.  False: `error` says why, and *profile is empty. */
bool pprof_parse(struct pprof *profile, const void *bytes, size_t count, struct pprof_error *error);
void pprof_destroy(struct pprof *profile);

/* The place of the type of that name among the values; -1: there is none. */
int pprof_find_type(const struct pprof *profile, const char *type);

/* The label of a sample with that key; NULL: it has none. */
const struct pprof_label *pprof_find_label(const struct pprof *profile,
                                           const struct pprof_sample *sample, const char *key);

/* The name of the function of a location; "" where there is none. */
const char *pprof_function_name(const struct pprof *profile, size_t location);

/* The number in the comment "gait NAME NUMBER"; -1: there is none. */
int64_t pprof_find_comment(const struct pprof *profile, const char *name);

#endif
