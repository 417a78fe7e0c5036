#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void gaiti_check_failed(const char *macro, const char *name, const char *function,
                        const char *sentence) {
  fprintf(stderr, "gait: %s(%s) failed in %s: %s\n", macro, name, function, sentence);
  fflush(stderr);
  abort();
}
