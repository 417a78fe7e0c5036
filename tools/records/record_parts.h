/* record_parts.h: the reader's own view of an open record file. */
#ifndef RECORD_PARTS_H
#define RECORD_PARTS_H

#include "record_reader.h"

/* More than any structure of gait/record_file.h has. */
#define RECORD_OWN_FIELDS 64

/*   path        as it was opened
 *   header      of which `section` has those that are known
 *   settings    ends with a zero
 *   found       for each section, the fields of this program's structure as the file has them, in
 *               the order of the former; NULL: it lacks that one
 *   error       of the last failure */
struct record_reader {
  int file;
  char *path;
  gait_record_header header;
  gait_record_field *fields;
  size_t fields_count;
  gait_record_event_type *types;
  size_t types_count;
  gait_record_word *words;
  size_t words_count;
  char *settings;
  const gait_record_field *found[GAIT_RECORD_SECTIONS][RECORD_OWN_FIELDS];
  char error[512];
};

/* Notes what is wrong at that byte of the file; returns false. */
bool record_fail(struct record_reader *reader, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads exactly that stretch of the file; false, with a sentence, where it is not there. */
bool record_read(struct record_reader *reader, uint64_t offset, void *to, size_t bytes);

/* Memory of `count` times `bytes`; NULL, with a sentence. */
void *record_room(struct record_reader *reader, uint64_t count, uint64_t bytes);

/* Reads and checks the tables: fields, types of events, words, settings. */
bool record_tables_read(struct record_reader *reader);

/* Finds the fields of this program's structures among those of the file. */
void record_rings_find(struct record_reader *reader);

#endif
