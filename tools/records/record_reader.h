/* record_reader.h: reads a record file (gait/record_file.h), also while it is written.
 *
 * Fields are found by the names that the file has for them, so a file of another version of Gait
 * reads as far as it has the same fields; one that it lacks is 0.  What is given out is whole:
 * entries that are being written at the moment, or were when the process ended, are left out.
 *
 * Nothing in the file is believed before it is checked, and nothing is mapped: it may be cut while
 * it is read.  Errors are sentences that name the file, and the byte. */
#ifndef RECORD_READER_H
#define RECORD_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gait/record_file.h"

struct record_reader;

/* ---- The file ---- */

/* Whether it is a file that begins as a record file does.  Nothing is taken out of a pipe. */
bool record_reader_is_file(const char *path);

/* NULL on failure, with a sentence in `error`. */
struct record_reader *record_reader_open(const char *path, char *error, size_t error_bytes);
void record_reader_close(struct record_reader *reader);

/* The sentence on the last call that failed to read the file; "": none has. */
const char *record_reader_error(const struct record_reader *reader);

const char *record_reader_path(const struct record_reader *reader);

/* The header; program and library end with a zero. */
const gait_record_header *record_reader_header(const struct record_reader *reader);

/* The options of the heap, a line NAME=VALUE each; and the value of one, in `value`: false when
 * there is none such. */
const char *record_reader_settings(const struct record_reader *reader);
bool record_reader_setting(const struct record_reader *reader, const char *name, char *value,
                           size_t value_bytes);

/* Whether the process that wrote it is there and has it open, as far as can be told: it has the
 * number of that one, and the heap has not been destroyed. */
bool record_reader_is_live(struct record_reader *reader);

/* ---- Fields by their names ---- */

/* The fields of a section, in the order of the file. */
size_t record_reader_fields(const struct record_reader *reader, gait_record_section_id section,
                            const gait_record_field **fields);
const gait_record_field *record_reader_field(const struct record_reader *reader,
                                             gait_record_section_id section, const char *name);

/* A number of an entry.  `is_real`: it is `real`; else it is `whole`, which is negative where
 * `is_signed` and its highest bit is set. */
struct record_value {
  bool is_real;
  bool is_signed;
  uint64_t whole;
  double real;
};
struct record_value record_reader_value(const gait_record_field *field, const void *entry);

/* The word for `value` in a list of words ("phase"); NULL: there is none. */
const char *record_reader_word(const struct record_reader *reader, const char *list,
                               uint64_t value);

/* ---- Cycles ---- */

/* The numbers of the cycles that may be there: in between, some may be missing.  False: there are
 * none, or the file cannot be read. */
bool record_reader_range(struct record_reader *reader, uint64_t *first, uint64_t *last);

/* The record of a cycle.  False: it is not there, not there yet or not any more. */
bool record_reader_cycle(struct record_reader *reader, uint64_t cycle, gait_cycle_record *record);

/* Its entry as the file has it, to be read by names; `entry` has room for
 * record_reader_entry_bytes. */
bool record_reader_entry(struct record_reader *reader, uint64_t cycle, void *entry);
size_t record_reader_entry_bytes(const struct record_reader *reader);

/* Copies the records from cycle `first` on, the oldest first; returns how many, `count` at most. */
size_t record_reader_cycles(struct record_reader *reader, uint64_t first,
                            gait_cycle_record *records, size_t count);

/* All of them, to be freed; their number in *count.  NULL: there are none. */
gait_cycle_record *record_reader_all(struct record_reader *reader, size_t *count);

/* ---- The present, threads ---- */

bool record_reader_now(struct record_reader *reader, gait_record_now *now);

/* As the file has it, in record_reader_now_bytes. */
bool record_reader_now_entry(struct record_reader *reader, void *entry);
size_t record_reader_now_bytes(const struct record_reader *reader);

/* The threads, one entry each, in the order of the file, to be freed; names end with a zero. */
gait_record_thread *record_reader_threads(struct record_reader *reader, size_t *count);

/* ---- Events ---- */

/* The events in the order of their times, to be freed; sequence / 2 is the number of each.  In
 * *lost, if that is not NULL, how many there were before those, or had no place.  NULL: there are
 * none. */
gait_record_event *record_reader_events(struct record_reader *reader, size_t *count,
                                        uint64_t *lost);

/* The types of events. */
size_t record_reader_event_types(const struct record_reader *reader,
                                 const gait_record_event_type **types);
const gait_record_event_type *record_reader_event_type(const struct record_reader *reader,
                                                       uint32_t type);

#endif
