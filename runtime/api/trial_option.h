/* trial_option.h: the text of the option `trial`. */
#ifndef GAITI_API_TRIAL_OPTION_H
#define GAITI_API_TRIAL_OPTION_H

#include "cycle/trial.h"

/* Reads "gogc:100,200,block=8,discard=2,seed=1"; NULL and "off" are no trial.  False: `error` (may
 * be NULL) has a sentence that names the part which is wrong. */
bool gaiti_trial_parse(const char *text, struct gaiti_trial_plan *plan, char *error,
                       size_t error_bytes);

#endif
