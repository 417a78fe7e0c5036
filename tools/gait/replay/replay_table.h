/* A CSV file with named columns, read whole, every cell checked on use: an
 * error names the file, the line and the column. */
#ifndef GAIT_REPLAY_TABLE_H
#define GAIT_REPLAY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct replay_error {
  char text[512];
};

/* Always returns false, so that a failing function can return it. */
bool replay_fail(struct replay_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct replay_table {
  char *path;
  char *text;   /* the file, with a NUL after each cell */
  char **cells; /* rows x columns */
  char **names; /* of the columns */
  int *lines;   /* of each row in the file */
  size_t rows;
  size_t columns;
};

/* Reads the file.  On failure the table is empty and needs no release. */
bool replay_table_read(struct replay_table *table, const char *path, struct replay_error *error);
void replay_table_release(struct replay_table *table);

/* The column's index, or -1. */
int replay_table_find(const struct replay_table *table, const char *name);
/* As find, but a column that is not there is an error. */
bool replay_table_need(const struct replay_table *table, const char *name, int *column,
                       struct replay_error *error);

/* Cells.  `column` may be -1, which reads as an empty cell. */
const char *replay_table_text(const struct replay_table *table, size_t row, int column);
/* An empty cell gives `empty`, if that is not NULL, and is an error otherwise. */
bool replay_table_integer(const struct replay_table *table, size_t row, int column,
                          const int64_t *empty, int64_t *out, struct replay_error *error);
/* Finite numbers only. */
bool replay_table_real(const struct replay_table *table, size_t row, int column,
                       const double *empty, double *out, struct replay_error *error);

/* Fails with the file and the line of `row` in front. */
bool replay_table_fail(const struct replay_table *table, size_t row, struct replay_error *error,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
