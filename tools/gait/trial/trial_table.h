/* trial_table.h: comparisons as a table or as JSON, and the records that they are made of. */
#ifndef GAIT_TRIAL_TABLE_H
#define GAIT_TRIAL_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cycle_blocks.h"

struct trial_records {
  gait_cycle_record *records;
  size_t count;
  char setting[4096]; /* the option `trial` that they were made with; "" where there was none */
};

/* Reads a record file.  False after a message of the command. */
bool trial_records_load(struct trial_records *loaded, const char *command, const char *path);
void trial_records_destroy(struct trial_records *loaded);

/* Prints what `gait trial` does of a file; returns an exit status. */
int trial_show(const char *path, bool json);

/* What one metric was in A and in B, and the difference. */
struct trial_row {
  enum block_metric metric;
  double a, b;
  struct interval difference;
};

/* A line for each metric, under the names of the two. */
void trial_table_print(const char *a, const char *b, const struct trial_row rows[BLOCK_METRICS]);
/* An object with the members `a`, `b` and `metrics`. */
json_t *trial_table_json(const char *a, const char *b, const struct trial_row rows[BLOCK_METRICS]);

#endif
