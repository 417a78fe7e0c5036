/* law_rows.h: the measured grid as JSON and as a table. */
#ifndef GAIT_LAW_ROWS_H
#define GAIT_LAW_ROWS_H

#include <jansson.h>
#include <stdio.h>

#include "law_point.h"

/* How far the measured rate may be off the one that was asked for. */
#define LAW_RATE_TOLERANCE 0.02

bool law_rate_reached(const struct law_point *point, const struct law_collector *collector);

/* The rate that formula and simulator take: what was asked for, or what was measured where the
 * machine did not keep to that. */
double law_rate_used(const struct law_point *point, const struct law_collector *collector);

json_t *law_row(const struct law_point *point, const struct law_collector *collector,
                const struct law_steady *simulated);

void law_rows_print(const json_t *rows, FILE *out);

#endif
