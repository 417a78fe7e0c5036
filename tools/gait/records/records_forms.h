/* records_forms.h: the forms in which `gait records` writes a record file. */
#ifndef GAIT_RECORDS_FORMS_H
#define GAIT_RECORDS_FORMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "record_reader.h"

/* The cycles that are wanted, and if events are.
 *   last    so many of the last ones; 0: all
 *   strict  OpenMetrics, and not the form of it that Prometheus reads */
struct records_choice {
  uint64_t last;
  bool events;
  bool strict;
};

/* Each writes the file to `out`.  False: it could not be read or written. */
bool records_write_text(struct record_reader *reader, const struct records_choice *choice,
                        FILE *out);
bool records_write_json(struct record_reader *reader, const struct records_choice *choice,
                        FILE *out);
bool records_write_csv(struct record_reader *reader, const struct records_choice *choice,
                       FILE *out);
bool records_write_gctrace(struct record_reader *reader, const struct records_choice *choice,
                           FILE *out);
bool records_write_metrics(struct record_reader *reader, const struct records_choice *choice,
                           FILE *out);
bool records_write_trace(struct record_reader *reader, const struct records_choice *choice,
                         FILE *out);

/* Calls `each` for every cycle that is wanted, with its entry as the file has it.  Returns how
 * many. */
typedef void records_entry_fn(struct record_reader *reader, const void *entry, void *arg);
size_t records_each(struct record_reader *reader, const struct records_choice *choice,
                    records_entry_fn *each, void *arg);

/* A value of a field as JSON: a word where the field has words; null for GAIT_OFF. */
json_t *records_value_json(const struct record_reader *reader, const gait_record_field *field,
                           const void *entry);

/* Text of a file as JSON: characters that are no UTF-8 are question marks. */
json_t *records_text_json(const char *text);

/* The thread's name, "name (id N)"; one without a name: "thread N". */
const char *records_thread_name(const gait_record_thread *threads, size_t count, uint64_t thread,
                                char *text, size_t bytes);

#endif
