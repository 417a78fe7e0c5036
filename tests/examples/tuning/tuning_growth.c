/* Arrays of numbers: grown by append, with room made beforehand, and used again. */
#include "tuning.h"

/* [append] */
static void append_numbers(gait_thread *thread, gait_array *numbers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t *place = tuning_need(gait_array_append(thread, numbers, 1));
    *place = i;
  }
}

static void grow(gait_bench *bench, void *arg) {
  const struct tuning_input *input = arg;
  for (size_t i = 0; i < bench->n; i++) {
    gait_array numbers;
    gait_array_init(bench->thread, &numbers, input->leaf, sizeof(size_t));
    append_numbers(bench->thread, &numbers, input->size);
  }
}

static void reserve(gait_bench *bench, void *arg) {
  const struct tuning_input *input = arg;
  for (size_t i = 0; i < bench->n; i++) {
    gait_array numbers;
    gait_array_init(bench->thread, &numbers, input->leaf, sizeof(size_t));
    gait_array_reserve(bench->thread, &numbers, input->size);
    append_numbers(bench->thread, &numbers, input->size);
  }
}

static void reuse(gait_bench *bench, void *arg) {
  const struct tuning_input *input = arg;
  gait_array numbers;
  gait_array_init(bench->thread, &numbers, input->leaf, sizeof(size_t));
  gait_array_reserve(bench->thread, &numbers, input->size);
  gait_bench_reset(bench);
  for (size_t i = 0; i < bench->n; i++) {
    append_numbers(bench->thread, &numbers, input->size);
    gait_array_truncate(bench->thread, &numbers, 0);
  }
}
/* [end] */

const struct tuning_case tuning_growth[] = {
    {"Append/grow/10", grow, 10, TUNING_ANY},
    {"Append/reserve/10", reserve, 10, 1},
    {"Append/grow/1000", grow, 1000, TUNING_ANY},
    {"Append/reserve/1000", reserve, 1000, 1},
    {"Append/grow/100000", grow, 100000, TUNING_ANY},
    {"Append/reserve/100000", reserve, 100000, 1},
    {"Append/reuse/1000", reuse, 1000, 0},
    {NULL, NULL, 0, 0},
};
