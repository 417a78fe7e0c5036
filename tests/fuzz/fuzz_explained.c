/* libFuzzer target: files that `gait explain` reads, and the sentences about what is in them.
 *
 * Whatever the bytes are: either a sentence says why nothing was read, or each cycle has two whole
 * sentences, and a setting that is advised is a number. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explained.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_require(bool holds, const char *what, const char *text) {
  if (holds) return;
  fprintf(stderr, "fuzz_explained: %s: %s\n", what, text);
  abort();
}

static void fuzz_sentence(const char *text) {
  size_t length = strlen(text);
  fuzz_require(length > 10 && text[length - 1] == '.', "a sentence that is none", text);
  fuzz_require(strchr(text, '%') == NULL || strstr(text, " %") != NULL, "a value left out", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const struct explained_settings settings = {.gogc_percent = size % 2 ? NAN : 100,
                                              .limit_bytes = size % 3 ? INFINITY : 1e8};
  struct explained explained;
  struct explained_error error = {""};
  if (!explained_parse(&explained, "file", (const char *)data, size, &settings, &error)) {
    fuzz_require(error.text[0] != '\0', "refused without a sentence", "");
    fuzz_require(explained.cycles == NULL && explained.count == 0, "refused with cycles", "");
    return 0;
  }
  fuzz_require(explained.count > 0, "accepted without a cycle", "");
  for (size_t i = 0; i < explained.count; i++) {
    struct explanation made;
    explain_cycle(&explained.cycles[i], &made);
    fuzz_sentence(made.why);
    fuzz_sentence(made.outcome);
    fuzz_require(made.setting >= 0 && made.setting_share <= 1, "a setting that is none",
                 made.outcome);
  }
  explained_destroy(&explained);
  return 0;
}
