/* words_kept: a table from words to words beside an array that says the same. */
#include <stdio.h>
#include <stdlib.h>

#include "heap/word_map.h"

#include "../support/random.h"

enum { KEYS = 300, STEPS = 200000 };

static int differs(const struct gaiti_word_map *map, const uintptr_t *values, size_t count) {
  if (map->count != count) return 1;
  for (uintptr_t key = 1; key <= KEYS; key++) {
    const uintptr_t *value = gaiti_word_map_find(map, key * 16);
    if (values[key] ? !value || *value != values[key] : value != NULL) return 1;
  }
  return 0;
}

int main(void) {
  const uint64_t seed = random_seed();
  static uintptr_t values[KEYS + 1];
  struct gaiti_word_map map = {0};
  uint64_t random = random_mix(seed);
  size_t count = 0;
  for (int step = 0; step < STEPS; step++) {
    const uintptr_t key = 1 + random_below(&random, KEYS), value = 1 + random_below(&random, 1000);
    const uint32_t choice = random_below(&random, 5000);
    if (choice == 0) {
      gaiti_word_map_clear(&map);
      for (size_t i = 0; i <= KEYS; i++)
        values[i] = 0;
      count = 0;
    } else if (choice % 2) {
      count += values[key] == 0;
      values[key] = value;
      if (!gaiti_word_map_set(&map, key * 16, value)) return EXIT_FAILURE;
    } else {
      count -= values[key] != 0;
      values[key] = 0;
      gaiti_word_map_remove(&map, key * 16);
    }
    if (step % 50 && step > 1000) continue;
    if (!differs(&map, values, count)) continue;
    fprintf(stderr, "words_kept: the table is wrong at step %d\n", step);
    return EXIT_FAILURE;
  }
  gaiti_word_map_destroy(&map);
  return EXIT_SUCCESS;
}
