/* Texts: put together by copies and in a builder, cut into copies and into views, converted. */
#include "tuning.h"

#include <stdio.h>
#include <string.h>

static const char word[] = "collector ";
enum { WORD_BYTES = sizeof word - 1 };

/* ---- Put together ---- */

/* [concatenation] */
static const char *join_by_copies(gait_thread *thread, size_t words) {
  const char *text = tuning_string(thread, "", 0);
  for (size_t i = 0; i < words; i++) {
    const size_t length = strlen(text);
    char *longer = tuning_string(thread, text, length + WORD_BYTES);
    memcpy(longer + length, word, WORD_BYTES);
    text = longer;
  }
  return text;
}
/* [end] */

/* [builder] */
static gait_view join_in_builder(gait_thread *thread, size_t words, size_t bytes) {
  gait_array text;
  gait_array_init(thread, &text, gait_kind_leaf(gait_thread_heap(thread)), 1);
  gait_array_reserve(thread, &text, bytes);
  for (size_t i = 0; i < words; i++)
    gait_array_append_copy(thread, &text, word, WORD_BYTES);
  return gait_array_take(thread, &text); /* the bytes themselves, not a copy */
}
/* [end] */

static void copies(gait_bench *bench, void *arg) {
  const struct tuning_input *input = arg;
  for (size_t i = 0; i < bench->n; i++)
    tuning_use(join_by_copies(bench->thread, input->size));
}

static void builder(gait_bench *bench, void *arg) {
  const struct tuning_input *input = arg;
  for (size_t i = 0; i < bench->n; i++)
    tuning_use(join_in_builder(bench->thread, input->size, 0).owner);
}

static void reserved(gait_bench *bench, void *arg) {
  const struct tuning_input *input = arg;
  for (size_t i = 0; i < bench->n; i++)
    tuning_use(join_in_builder(bench->thread, input->size, input->size * WORD_BYTES).owner);
}

/* ---- Cut ---- */

/* The first word of what is left: up to a space, which is taken off as well. */
static gait_view cut_word(gait_view *rest) {
  const char *bytes = gait_view_bytes(*rest), *space = memchr(bytes, ' ', rest->bytes);
  const size_t length = space ? (size_t)(space - bytes) : rest->bytes;
  const gait_view found = gait_view_part(*rest, 0, length);
  const size_t taken = space ? length + 1 : length;
  *rest = gait_view_part(*rest, taken, rest->bytes - taken);
  return found;
}

/* [cut] */
static size_t cut_into_copies(gait_thread *thread, gait_view text) {
  size_t bytes = 0;
  while (text.bytes > 0) {
    const gait_view found = cut_word(&text);
    bytes += strlen(tuning_string(thread, gait_view_bytes(found), found.bytes));
  }
  return bytes;
}

static size_t cut_into_views(gait_view text) {
  size_t bytes = 0;
  while (text.bytes > 0)
    bytes += cut_word(&text).bytes; /* three words by value: its owner, a place, a length */
  return bytes;
}
/* [end] */

static void cut_copies(gait_bench *bench, void *arg) {
  const struct tuning_input *input = arg;
  const gait_view text = join_in_builder(bench->thread, input->size, 0);
  gait_bench_reset(bench);
  for (size_t i = 0; i < bench->n; i++) {
    const size_t bytes = cut_into_copies(bench->thread, text);
    tuning_use(&bytes);
  }
}

static void cut_views(gait_bench *bench, void *arg) {
  const struct tuning_input *input = arg;
  const gait_view text = join_in_builder(bench->thread, input->size, 0);
  gait_bench_reset(bench);
  for (size_t i = 0; i < bench->n; i++) {
    const size_t bytes = cut_into_views(text);
    tuning_use(&bytes);
  }
}

/* ---- Converted ---- */

/* [conversion] */
static char *number_string(gait_thread *thread, long number) {
  char digits[24];
  const int count = snprintf(digits, sizeof digits, "%ld", number);
  return tuning_string(thread, digits, (size_t)count);
}

static void append_by_string(gait_thread *thread, gait_array *text, long number) {
  const char *digits = number_string(thread, number); /* an object that dies in the next line */
  gait_array_append_copy(thread, text, digits, strlen(digits));
}

static void append_by_value(gait_thread *thread, gait_array *text, long number) {
  char digits[24];
  const int count = snprintf(digits, sizeof digits, "%ld", number);
  gait_array_append_copy(thread, text, digits, (size_t)count);
}
/* [end] */

typedef void append_number(gait_thread *thread, gait_array *text, long number);

static void convert(gait_bench *bench, const struct tuning_input *input, append_number *append) {
  gait_array text;
  gait_array_init(bench->thread, &text, input->leaf, 1);
  gait_array_reserve(bench->thread, &text, input->size * 24);
  gait_bench_reset(bench);
  for (size_t i = 0; i < bench->n; i++) {
    for (size_t number = 0; number < input->size; number++)
      append(bench->thread, &text, (long)number);
    gait_array_truncate(bench->thread, &text, 0);
  }
}

static void convert_by_string(gait_bench *bench, void *arg) {
  convert(bench, arg, append_by_string);
}

static void convert_by_value(gait_bench *bench, void *arg) {
  convert(bench, arg, append_by_value);
}

const struct tuning_case tuning_texts[] = {
    {"Join/copies/100", copies, 100, 101},
    {"Join/builder/100", builder, 100, TUNING_ANY},
    {"Join/reserved/100", reserved, 100, 1},
    {"Join/copies/1000", copies, 1000, 1001},
    {"Join/builder/1000", builder, 1000, TUNING_ANY},
    {"Join/reserved/1000", reserved, 1000, 1},
    {"Cut/copies/1000", cut_copies, 1000, 1000},
    {"Cut/views/1000", cut_views, 1000, 0},
    {"Convert/string/100", convert_by_string, 100, 100},
    {"Convert/value/100", convert_by_value, 100, 0},
    {NULL, NULL, 0, 0},
};
