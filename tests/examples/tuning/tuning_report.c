/* A report of 100 rows as text in the form of JSON, before and after each of five changes.
 *
 * The rows are the input, made beforehand: a name, which has a quote to escape in one of ten, and
 * an amount in cents. */
#include "tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 100 };

struct row {
  gait_view name; /* word 0 is a reference */
  long cents;
};

/* ---- Before: strings ---- */

/* [before] */
static char *string_escaped(gait_thread *thread, gait_view text) {
  const char *from = gait_view_bytes(text);
  char *string = tuning_need(gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)),
                                        2 * text.bytes + 1)); /* if each needs a backslash */
  char *to = string;
  for (size_t i = 0; i < text.bytes; i++) {
    if (from[i] == '"' || from[i] == '\\') *to++ = '\\';
    *to++ = from[i];
  }
  return string;
}

static char *string_amount(gait_thread *thread, long cents) {
  char amount[32];
  const int count = snprintf(amount, sizeof amount, "%ld.%02ld", cents / 100, cents % 100);
  return tuning_string(thread, amount, (size_t)count);
}

static char *string_joined(gait_thread *thread, const char *first, const char *second) {
  const size_t length = strlen(first);
  char *string = tuning_string(thread, first, length + strlen(second));
  strcpy(string + length, second);
  return string;
}

static char *string_row(gait_thread *thread, const struct row *row) {
  const char *name = string_escaped(thread, row->name);
  const char *amount = string_amount(thread, row->cents);
  const size_t bytes = strlen(name) + strlen(amount) + sizeof "{'name':'','amount':},\n";
  char *line = tuning_need(gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)), bytes));
  snprintf(line, bytes, "{\"name\":\"%s\",\"amount\":%s},\n", name, amount);
  return line;
}

static char *report_before(gait_thread *thread, const struct row *rows) {
  char *report = tuning_string(thread, "[\n", 2);
  for (int i = 0; i < ROWS; i++)
    report = string_joined(thread, report, string_row(thread, &rows[i]));
  return string_joined(thread, report, "]\n");
}
/* [end] */

/* ---- Change by change ---- */

static void append_text(gait_thread *thread, gait_array *report, const char *text) {
  gait_array_append_copy(thread, report, text, strlen(text));
}

static void append_view(gait_thread *thread, gait_array *report, gait_view text) {
  gait_array_append_copy(thread, report, gait_view_bytes(text), text.bytes);
}

/* Makes a report of all rows, each of which `append` appends. */
typedef void append_row(gait_thread *thread, gait_array *report, const struct row *row);

static gait_view report_of(gait_thread *thread, const struct row *rows, append_row *append,
                           size_t room) {
  gait_array report;
  gait_array_init(thread, &report, gait_kind_leaf(gait_thread_heap(thread)), 1);
  if (room) gait_array_reserve(thread, &report, room);
  append_text(thread, &report, "[\n");
  for (int i = 0; i < ROWS; i++)
    append(thread, &report, &rows[i]);
  append_text(thread, &report, "]\n");
  return gait_array_take(thread, &report);
}

/* 1. A builder: the report is one array, that lines are appended to. */
static void append_line(gait_thread *thread, gait_array *report, const struct row *row) {
  append_text(thread, report, string_row(thread, row));
}

/* 2. A view: a name in which nothing is to be escaped is not copied. */
static gait_view view_escaped(gait_thread *thread, gait_view text) {
  const char *bytes = gait_view_bytes(text);
  if (!memchr(bytes, '"', text.bytes) && !memchr(bytes, '\\', text.bytes)) return text;
  char *escaped = string_escaped(thread, text);
  return (gait_view){.owner = escaped, .bytes = strlen(escaped)};
}

/* A line of a name and an amount: an object, as before. */
static void append_line_of(gait_thread *thread, gait_array *report, gait_view name,
                           const char *digits, size_t count) {
  const size_t bytes = name.bytes + count + sizeof "{'name':'','amount':},\n";
  char *line = tuning_need(gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)), bytes));
  snprintf(line, bytes, "{\"name\":\"%.*s\",\"amount\":%.*s},\n", (int)name.bytes,
           (const char *)gait_view_bytes(name), (int)count, digits);
  append_text(thread, report, line);
}

static void append_with_view(gait_thread *thread, gait_array *report, const struct row *row) {
  const char *digits = string_amount(thread, row->cents);
  append_line_of(thread, report, view_escaped(thread, row->name), digits, strlen(digits));
}

/* 3. By value: the digits of an amount are a small structure, from its end to its start. */
/* [amount] */
struct amount {
  char digits[24];
  uint32_t first;
};

static struct amount amount_of(long cents) {
  struct amount amount = {.first = sizeof amount.digits};
  for (int digit = 0; cents > 0 || digit < 3; digit++) {
    if (digit == 2) amount.digits[--amount.first] = '.';
    amount.digits[--amount.first] = (char)('0' + cents % 10);
    cents /= 10;
  }
  return amount;
}
/* [end] */

static void append_with_value(gait_thread *thread, gait_array *report, const struct row *row) {
  const struct amount amount = amount_of(row->cents);
  append_line_of(thread, report, view_escaped(thread, row->name), amount.digits + amount.first,
                 sizeof amount.digits - amount.first);
}

/* 4. In parts: there is no line; its parts are appended. */
/* [after] */
static void append_parts(gait_thread *thread, gait_array *report, const struct row *row) {
  const struct amount amount = amount_of(row->cents);
  append_text(thread, report, "{\"name\":\"");
  append_view(thread, report, view_escaped(thread, row->name));
  append_text(thread, report, "\",\"amount\":");
  gait_array_append_copy(thread, report, amount.digits + amount.first,
                         sizeof amount.digits - amount.first);
  append_text(thread, report, "},\n");
}

/* 5. Room: the report's array is as large as it will be from the start. */
static gait_view report_after(gait_thread *thread, const struct row *rows) {
  return report_of(thread, rows, append_parts, ROWS * 64);
}
/* [end] */

/* ---- The rows ---- */

static struct row *rows_new(gait_thread *thread) {
  static const uint64_t map[] = {1};
  static const gait_kind_info info = {.name = "rows",
                                      .form = GAIT_KIND_POINTERS,
                                      .map_bytes = sizeof(struct row),
                                      .pointer_map = map,
                                      .repeat_bytes = sizeof(struct row)};
  gait_kind kind;
  gait_heap *heap = gait_thread_heap(thread);
  if (gait_kind_find(heap, info.name, &kind) && gait_kind_register(heap, &info, &kind)) abort();
  struct row *rows = tuning_need(gait_alloc_array(thread, kind, 0, ROWS, sizeof *rows));
  for (int i = 0; i < ROWS; i++) {
    char name[32];
    const int count =
        snprintf(name, sizeof name, i % 10 ? "customer %d" : "\"customer\" %d", i * 7919);
    const gait_view view = {.owner = tuning_string(thread, name, (size_t)count),
                            .bytes = (size_t)count};
    gait_view_store(thread, &rows[i].name, view);
    rows[i].cents = i * 12347L % 1000000;
  }
  return rows;
}

/* ---- Benchmarks ---- */

static void before(gait_bench *bench, void *arg) {
  struct row *rows = rows_new(bench->thread);
  (void)arg;
  gait_bench_reset(bench);
  for (size_t i = 0; i < bench->n; i++)
    tuning_use(report_before(bench->thread, rows));
}

/* Each form makes the same report. */
static void check_report(gait_thread *thread, const struct row *rows, gait_view report) {
  const char *wanted = report_before(thread, rows);
  if (report.bytes == strlen(wanted) && memcmp(gait_view_bytes(report), wanted, report.bytes) == 0)
    return;
  fprintf(stderr, "tuning: another report: %.*s\n", (int)report.bytes,
          (const char *)gait_view_bytes(report));
  abort();
}

static void after(gait_bench *bench, append_row *append, size_t room) {
  struct row *rows = rows_new(bench->thread);
  check_report(bench->thread, rows, report_of(bench->thread, rows, append, room));
  gait_bench_reset(bench);
  for (size_t i = 0; i < bench->n; i++)
    tuning_use(report_of(bench->thread, rows, append, room).owner);
}

static void with_builder(gait_bench *bench, void *arg) {
  (void)arg;
  after(bench, append_line, 0);
}

static void with_views(gait_bench *bench, void *arg) {
  (void)arg;
  after(bench, append_with_view, 0);
}

static void with_values(gait_bench *bench, void *arg) {
  (void)arg;
  after(bench, append_with_value, 0);
}

static void with_parts(gait_bench *bench, void *arg) {
  (void)arg;
  after(bench, append_parts, 0);
}

static void with_room(gait_bench *bench, void *arg) {
  struct row *rows = rows_new(bench->thread);
  (void)arg;
  check_report(bench->thread, rows, report_after(bench->thread, rows));
  gait_bench_reset(bench);
  for (size_t i = 0; i < bench->n; i++)
    tuning_use(report_after(bench->thread, rows).owner);
}

/* 4 objects a row and 2; from the first change on, as many as the array grows through. */
enum { GROWTH = 12 };

const struct tuning_case tuning_reports[] = {
    {"Report/before", before, 0, 4 * ROWS + 2},
    {"Report/1-builder", with_builder, 0, 3 * ROWS + GROWTH},
    {"Report/2-views", with_views, 0, 2 * ROWS + ROWS / 10 + GROWTH},
    {"Report/3-values", with_values, 0, ROWS + ROWS / 10 + GROWTH},
    {"Report/4-parts", with_parts, 0, ROWS / 10 + GROWTH},
    {"Report/5-room", with_room, 0, ROWS / 10 + 1},
    {NULL, NULL, 0, 0},
};
