/* The page's model, run natively: commands on standard input, one a line, and each number that they
 * yield on standard output with all its digits.
 *
 *   set NUMBER...          the settings, in the order of MODEL_SETTINGS
 *   point I NUMBER...      the point I of the track, in the order of MODEL_POINT
 *   begin POINTS READY  |  next STEPS  |  settle STEPS  |  measure POINTS STEPS
 *
 * `next` and `settle` print their status, the cycle and what each rule proposed; `measure` prints
 * the totals; `explain NUMBER RAN` prints the two sentences about the cycle that was last. */
#include "page_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void native_take(char *text, void *record, size_t bytes) {
  double *numbers = record;
  for (size_t i = 0; i < bytes / sizeof *numbers; i++)
    numbers[i] = strtod(text, &text);
}

static void native_print(const void *record, size_t bytes) {
  const double *numbers = record;
  for (size_t i = 0; i < bytes / sizeof *numbers; i++)
    printf(" %.17g", numbers[i]);
}

static void native_print_cycle(enum model_status status) {
  printf("%d", (int)status);
  native_print(model_cycle(), sizeof *model_cycle());
  native_print(model_proposals(), (size_t)model_rules() * sizeof(double));
  putchar('\n');
}

static int native_run(char *line) {
  char *rest = line + strcspn(line, " \n");
  char *numbers = *rest == '\0' ? rest : rest + 1;
  *rest = '\0';
  if (strcmp(line, "set") == 0) {
    native_take(numbers, model_settings(), sizeof *model_settings());
  } else if (strcmp(line, "point") == 0) {
    long i = strtol(numbers, &numbers, 10);
    if (i < 0 || i >= MODEL_MOST_POINTS) return -1;
    native_take(numbers, &model_track()[i], sizeof *model_track());
  } else {
    int first = (int)strtol(numbers, &numbers, 10), second = (int)strtol(numbers, &numbers, 10);
    if (strcmp(line, "begin") == 0) {
      model_begin(first, second);
    } else if (strcmp(line, "next") == 0) {
      native_print_cycle(model_next(first));
    } else if (strcmp(line, "settle") == 0) {
      native_print_cycle(model_settle(first));
    } else if (strcmp(line, "explain") == 0) {
      printf("%s\n", model_why(first, second));
      printf("%s\n", model_outcome());
    } else if (strcmp(line, "measure") == 0) {
      model_measure(first, second);
      native_print(model_totals(), sizeof *model_totals());
      putchar('\n');
    } else {
      return -1;
    }
  }
  return 0;
}

int main(void) {
  char line[4096];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (native_run(line) != 0) {
      fprintf(stderr, "native: not understood: %s\n", line);
      return 1;
    }
  }
  return 0;
}
