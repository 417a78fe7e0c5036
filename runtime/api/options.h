/* options.h: the options of a program, which may have been compiled with headers of an earlier
 * version. */
#ifndef GAITI_API_OPTIONS_H
#define GAITI_API_OPTIONS_H

#include "gait/tune.h"

/* Copies `options` to `own`, where the fields that the program's headers do not have get their
 * defaults.  Values are not looked at.
 * Fails: GAIT_ERROR_ARGUMENT, with a sentence in `error`; `own` has its defaults then. */
gait_result gaiti_options_take(gait_options *own, const gait_options *options, char *error,
                               size_t error_bytes);

/* Writes a line NAME=VALUE for each option that fits, as gait_options_set takes it. */
void gaiti_options_describe(const gait_options *options, char *text, size_t bytes);

/* Whether the option may have that value. */
bool gaiti_option_in_range(const gait_option *option, int64_t value);

#endif
