/* what_if_programs.h: recordings of several runs of a program, and what they foretell together. */
#ifndef GAIT_WHAT_IF_PROGRAMS_H
#define GAIT_WHAT_IF_PROGRAMS_H

#include "what_if_model.h"

struct what_if_programs {
  struct what_if_program *list;
  size_t count, capacity;
};

/* Reads the runs that are in `paths`, of which there are `count`, "-" being standard input.  Says
 * on standard error, after the name of `command`, what was left out or is in doubt; and where it
 * returns false, why: nothing is held then. */
bool what_if_programs_load(struct what_if_programs *programs, const char *command,
                           char *const *paths, size_t count);
void what_if_programs_destroy(struct what_if_programs *programs);

/* One prediction from all: runs that agree make it surer, and runs that do not, less sure.  Those
 * at settings near the one that is asked for, and with many cycles, count for more. */
void what_if_programs_predict(const struct what_if_programs *programs,
                              const struct setting *setting, struct what_if_prediction *prediction);

#endif
