/* run_case.h: a program that runs the one of its cases that its argument names. */
#ifndef SUPPORT_RUN_CASE_H
#define SUPPORT_RUN_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run_case {
  const char *name; /* NULL: the end of a table */
  void (*run)(void);
};

/* Of one table or of several; ends the program where there is no such case. */
static inline const struct run_case *run_case_find(const struct run_case *const *tables,
                                                   size_t count, const char *name) {
  for (size_t i = 0; name && i < count; i++)
    for (const struct run_case *one = tables[i]; one->name; one++)
      if (strcmp(one->name, name) == 0) return one;
  fprintf(stderr, "no such case: %s\n", name ? name : "");
  exit(EXIT_FAILURE);
}

#endif
