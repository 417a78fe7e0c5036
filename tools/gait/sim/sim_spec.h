/* sim_spec.h: what `gait sim` simulates: programs, and the settings to try on them.
 * docs/simulator.md has the form of the file. */
#ifndef GAIT_SIM_SPEC_H
#define GAIT_SIM_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"
#include "sim_description.h"

struct sim_spec {
  struct sim_description *programs;
  size_t count;
  struct settings_list gogc, memory_limit; /* empty when the file has none */
};

struct sim_error {
  char text[400];
};

/* Reads the file; "-" is standard input.  False when it cannot be used: `error` says what is wrong
 * and where. */
bool sim_spec_load(struct sim_spec *spec, const char *path, struct sim_error *error);
void sim_spec_destroy(struct sim_spec *spec);

#endif
