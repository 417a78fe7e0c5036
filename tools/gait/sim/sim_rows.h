/* sim_rows.h: the results of a simulated grid, as rows that can be printed, split and joined. */
#ifndef GAIT_SIM_ROWS_H
#define GAIT_SIM_ROWS_H

#include <jansson.h>
#include <stdio.h>

#include "sim_description.h"
#include "sim_spec.h"

/* Each row knows its place in the whole grid, so that shards can be joined. */
json_t *sim_row(const struct sim_description *program, const struct setting *setting,
                const struct sim_result *result, double cycles_by_law, size_t index, size_t total);

void sim_rows_print(const json_t *rows, FILE *out);
void sim_rows_print_csv(const json_t *rows, FILE *out);

/* The rows of several files, as `gait sim --json` wrote them, in the order of the grid; NULL when
 * they are not the shards of one grid: `error` says which and why. */
json_t *sim_rows_merge(char *const *paths, size_t count, struct sim_error *error);

#endif
