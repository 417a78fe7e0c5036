#include "base/collecting.h"

static _Thread_local unsigned collecting_depth;

void gaiti_collecting_begin(void) {
  collecting_depth++;
}

void gaiti_collecting_end(void) {
  collecting_depth--;
}

bool gaiti_is_collecting(void) {
  return collecting_depth > 0;
}
