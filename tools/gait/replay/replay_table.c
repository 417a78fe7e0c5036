/* CSV without quotes: the files that describe pacer scenarios hold numbers and
 * plain names.  A quote, a NUL byte or a row of another length is an error. */
#define _POSIX_C_SOURCE 200809L
#include "replay_table.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_MOST_BYTES = 256 << 20 };

bool replay_fail(struct replay_error *error, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(error->text, sizeof error->text, format, args);
  va_end(args);
  return false;
}

bool replay_table_fail(const struct replay_table *table, size_t row, struct replay_error *error,
                       const char *format, ...) {
  char what[300];
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  return replay_fail(error, "%s:%d: %s", table->path, table->lines[row], what);
}

static bool table_read_text(struct replay_table *table, FILE *file, size_t *length,
                            struct replay_error *error) {
  size_t room = 1 << 16, used = 0;
  for (;;) {
    char *grown = realloc(table->text, room + 1);
    if (grown == NULL) return replay_fail(error, "%s: out of memory", table->path);
    table->text = grown;
    used += fread(table->text + used, 1, room - used, file);
    if (used < room) break;
    if (room >= TABLE_MOST_BYTES) return replay_fail(error, "%s: too large", table->path);
    room *= 2;
  }
  if (ferror(file)) return replay_fail(error, "%s: %s", table->path, strerror(errno));
  if (memchr(table->text, 0, used) != NULL)
    return replay_fail(error, "%s: holds a NUL byte, so it is not CSV", table->path);
  table->text[used] = 0;
  *length = used;
  return true;
}

/* Ends the line at `at` with a NUL and returns the start of the next one. */
static char *table_cut_line(char *at) {
  char *end = at + strcspn(at, "\n");
  char *next = *end != 0 ? end + 1 : end;
  if (end > at && end[-1] == '\r') end[-1] = 0;
  *end = 0;
  return next;
}

static size_t table_count_cells(const char *line) {
  size_t cells = 1;
  for (; *line != 0; line++)
    cells += *line == ',';
  return cells;
}

static void table_cut_cells(char *line, char **cells, size_t count) {
  for (size_t i = 0; i < count; i++) {
    cells[i] = line;
    line += strcspn(line, ",");
    if (*line != 0) *line++ = 0;
  }
}

static bool table_read_header(struct replay_table *table, char *line, struct replay_error *error) {
  table->columns = table_count_cells(line);
  table->names = calloc(table->columns, sizeof *table->names);
  if (table->names == NULL) return replay_fail(error, "%s: out of memory", table->path);
  table_cut_cells(line, table->names, table->columns);
  for (size_t i = 0; i < table->columns; i++)
    for (size_t j = 0; j < i; j++)
      if (strcmp(table->names[i], table->names[j]) == 0)
        return replay_fail(error, "%s:1: two columns are named \"%.40s\"", table->path,
                           table->names[i]);
  return true;
}

static bool table_split(struct replay_table *table, size_t length, struct replay_error *error) {
  size_t most = 1;
  for (size_t i = 0; i < length; i++)
    most += table->text[i] == '\n';
  char *line = table->text, *next = table_cut_line(line);
  if (*line == 0) return replay_fail(error, "%s:1: no column names", table->path);
  if (!table_read_header(table, line, error)) return false;

  table->cells = calloc(most * table->columns, sizeof *table->cells);
  table->lines = calloc(most, sizeof *table->lines);
  if (table->cells == NULL || table->lines == NULL)
    return replay_fail(error, "%s: out of memory", table->path);
  for (int number = 2; *next != 0; number++) {
    line = next;
    next = table_cut_line(line);
    if (*line == 0) continue;
    table->lines[table->rows] = number;
    size_t cells = table_count_cells(line);
    if (cells != table->columns)
      return replay_table_fail(table, table->rows, error, "%zu cells, but %zu columns", cells,
                               table->columns);
    if (strchr(line, '"') != NULL)
      return replay_table_fail(table, table->rows, error, "quoted cells are not supported");
    table_cut_cells(line, table->cells + table->rows * table->columns, cells);
    table->rows++;
  }
  return true;
}

bool replay_table_read(struct replay_table *table, const char *path, struct replay_error *error) {
  *table = (struct replay_table){.path = strdup(path)};
  FILE *file = fopen(path, "r");
  size_t length = 0;
  bool good = table->path != NULL;
  if (!good)
    replay_fail(error, "%s: out of memory", path);
  else if (file == NULL)
    good = replay_fail(error, "%s: %s", path, strerror(errno));
  good = good && table_read_text(table, file, &length, error) && table_split(table, length, error);
  if (file != NULL) fclose(file);
  if (!good) replay_table_release(table);
  return good;
}

void replay_table_release(struct replay_table *table) {
  free(table->path);
  free(table->text);
  free(table->cells);
  free(table->names);
  free(table->lines);
  *table = (struct replay_table){0};
}

int replay_table_find(const struct replay_table *table, const char *name) {
  for (size_t i = 0; i < table->columns; i++)
    if (strcmp(table->names[i], name) == 0) return (int)i;
  return -1;
}

bool replay_table_need(const struct replay_table *table, const char *name, int *column,
                       struct replay_error *error) {
  *column = replay_table_find(table, name);
  if (*column < 0) return replay_fail(error, "%s:1: no column \"%s\"", table->path, name);
  return true;
}

const char *replay_table_text(const struct replay_table *table, size_t row, int column) {
  return column < 0 ? "" : table->cells[row * table->columns + (size_t)column];
}

static const char *table_column_name(const struct replay_table *table, int column) {
  return column < 0 ? "?" : table->names[column];
}

bool replay_table_integer(const struct replay_table *table, size_t row, int column,
                          const int64_t *empty, int64_t *out, struct replay_error *error) {
  const char *text = replay_table_text(table, row, column);
  if (*text == 0 && empty != NULL) {
    *out = *empty;
    return true;
  }
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (end == text || *end != 0 || errno != 0)
    return replay_table_fail(table, row, error, "%s is \"%.40s\", not a whole number",
                             table_column_name(table, column), text);
  *out = value;
  return true;
}

bool replay_table_real(const struct replay_table *table, size_t row, int column,
                       const double *empty, double *out, struct replay_error *error) {
  const char *text = replay_table_text(table, row, column);
  if (*text == 0 && empty != NULL) {
    *out = *empty;
    return true;
  }
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end != 0 || !isfinite(value))
    return replay_table_fail(table, row, error, "%s is \"%.40s\", not a finite number",
                             table_column_name(table, column), text);
  *out = value;
  return true;
}
