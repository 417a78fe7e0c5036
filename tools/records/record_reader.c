/* Opening a record file: the header, and where its sections are. */
#include "record_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record_parts.h"

/* No file has more than this: a longer one is none. */
#define RECORD_MOST_BYTES    (UINT64_C(1) << 34)
#define RECORD_MOST_SECTIONS 64
#define RECORD_MOST_ENTRY    4096

bool record_reader_is_file(const char *path) {
  char magic[GAIT_RECORD_FILE_MAGIC_BYTES] = "";
  struct stat status;
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  FILE *in = fopen(path, "rb");
  if (in == NULL) return false;
  bool is = fread(magic, 1, sizeof magic, in) == sizeof magic &&
            memcmp(magic, GAIT_RECORD_FILE_MAGIC, sizeof magic) == 0;
  fclose(in);
  return is;
}

bool record_fail(struct record_reader *reader, uint64_t offset, const char *format, ...) {
  int used = snprintf(reader->error, sizeof reader->error, "%.300s: at byte %" PRIu64 ": ",
                      reader->path, offset);
  va_list values;
  va_start(values, format);
  vsnprintf(reader->error + used, sizeof reader->error - (size_t)used, format, values);
  va_end(values);
  return false;
}

bool record_read(struct record_reader *reader, uint64_t offset, void *to, size_t bytes) {
  size_t got = 0;
  while (got < bytes) {
    ssize_t more = pread(reader->file, (char *)to + got, bytes - got, (off_t)(offset + got));
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return record_fail(reader, offset + got, "%s", strerror(errno));
    if (more == 0)
      return record_fail(reader, offset + got, "the file ends here, and %zu bytes more are wanted",
                         bytes - got);
    got += (size_t)more;
  }
  return true;
}

void *record_room(struct record_reader *reader, uint64_t count, uint64_t bytes) {
  void *room = calloc(count ? count : 1, bytes);
  if (!room) record_fail(reader, 0, "no memory for %" PRIu64 " entries of it", count);
  return room;
}

/* ---- The header ---- */

#define HEADER_LEAST offsetof(gait_record_header, section)

static bool header_check_start(struct record_reader *reader) {
  const gait_record_header *header = &reader->header;
  if (memcmp(header->magic, GAIT_RECORD_FILE_MAGIC, GAIT_RECORD_FILE_MAGIC_BYTES) != 0)
    return record_fail(reader, 0, "this is no record file of Gait's");
  if (header->byte_order != GAIT_RECORD_FILE_ORDER)
    return record_fail(reader, offsetof(gait_record_header, byte_order),
                       "it was written on a machine with another order of bytes");
  if (header->version == 0 || header->version > GAIT_RECORD_FILE_VERSION)
    return record_fail(reader, offsetof(gait_record_header, version),
                       "it has version %" PRIu32 ", and versions up to %d can be read",
                       header->version, GAIT_RECORD_FILE_VERSION);
  if (header->sections < GAIT_RECORD_SECTIONS || header->sections > RECORD_MOST_SECTIONS)
    return record_fail(reader, offsetof(gait_record_header, sections),
                       "%" PRIu64 " sections, where %d are wanted", header->sections,
                       GAIT_RECORD_SECTIONS);
  if (header->header_bytes < HEADER_LEAST + header->sections * sizeof(gait_record_section))
    return record_fail(reader, offsetof(gait_record_header, header_bytes),
                       "a header of %" PRIu32 " bytes is too short", header->header_bytes);
  return true;
}

static bool header_check_bytes(struct record_reader *reader) {
  struct stat file;
  if (fstat(reader->file, &file) != 0) return record_fail(reader, 0, "%s", strerror(errno));
  uint64_t has = (uint64_t)file.st_size, wants = reader->header.file_bytes;
  if (wants > RECORD_MOST_BYTES)
    return record_fail(reader, offsetof(gait_record_header, file_bytes),
                       "a length of %" PRIu64 " bytes makes no sense", wants);
  if (has < wants)
    return record_fail(reader, has, "the file was cut here; it had %" PRIu64 " bytes", wants);
  return true;
}

/* The least bytes of an entry, and the most entries, of each section. */
static const struct section_bounds {
  uint64_t least_bytes;
  uint64_t most;
} section_bounds[GAIT_RECORD_SECTIONS] = {
    [GAIT_RECORD_FIELDS] = {sizeof(gait_record_field), 4096},
    [GAIT_RECORD_EVENT_TYPES] = {sizeof(gait_record_event_type), 256},
    [GAIT_RECORD_WORDS] = {sizeof(gait_record_word), 4096},
    [GAIT_RECORD_SETTINGS] = {1, 1 << 20},
    [GAIT_RECORD_NOW] = {8, 1},
    [GAIT_RECORD_THREADS] = {8, 1 << 20},
    [GAIT_RECORD_CYCLES] = {16, 1 << 24},
    [GAIT_RECORD_EVENTS] = {16, 1 << 26},
};

static bool header_check_section(struct record_reader *reader, unsigned id) {
  const gait_record_section *section = &reader->header.section[id];
  const struct section_bounds *bounds = &section_bounds[id];
  uint64_t at = HEADER_LEAST + id * sizeof *section, bytes = reader->header.file_bytes;
  if (section->entry_bytes < bounds->least_bytes || section->entry_bytes > RECORD_MOST_ENTRY)
    return record_fail(reader, at, "section %u has entries of %" PRIu64 " bytes", id,
                       section->entry_bytes);
  if (section->count == 0 || section->count > bounds->most)
    return record_fail(reader, at, "section %u has %" PRIu64 " entries", id, section->count);
  if (section->offset > bytes || section->count * section->entry_bytes > bytes - section->offset)
    return record_fail(reader, at, "section %u, from byte %" PRIu64 ", is not within the file", id,
                       section->offset);
  return true;
}

/* All but the sections is read first: what follows it depends on it. */
static bool header_read(struct record_reader *reader) {
  gait_record_header *header = &reader->header;
  if (!record_read(reader, 0, header, HEADER_LEAST) || !header_check_start(reader) ||
      !header_check_bytes(reader) ||
      !record_read(reader, HEADER_LEAST, header->section, sizeof header->section))
    return false;
  header->program[sizeof header->program - 1] = '\0';
  header->library[sizeof header->library - 1] = '\0';
  for (unsigned id = 0; id < GAIT_RECORD_SECTIONS; id++)
    if (!header_check_section(reader, id)) return false;
  return true;
}

/* ---- The file ---- */

/* A pipe has no bytes that can be read again. */
static bool reader_open(struct record_reader *reader) {
  struct stat file;
  reader->file = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (reader->file < 0 || fstat(reader->file, &file) != 0) {
    snprintf(reader->error, sizeof reader->error, "%.300s: %s", reader->path, strerror(errno));
    return false;
  }
  if (!S_ISREG(file.st_mode)) {
    snprintf(reader->error, sizeof reader->error, "%.300s: this is no file", reader->path);
    return false;
  }
  if (!header_read(reader) || !record_tables_read(reader)) return false;
  record_rings_find(reader);
  return true;
}

struct record_reader *record_reader_open(const char *path, char *error, size_t error_bytes) {
  struct record_reader *reader = calloc(1, sizeof *reader);
  if (reader) {
    reader->file = -1;
    reader->path = strdup(path);
  }
  if (!reader || !reader->path) {
    if (error) snprintf(error, error_bytes, "%s: no memory", path);
    free(reader);
    return NULL;
  }
  if (reader_open(reader)) return reader;
  if (error) snprintf(error, error_bytes, "%s", reader->error);
  record_reader_close(reader);
  return NULL;
}

void record_reader_close(struct record_reader *reader) {
  if (!reader) return;
  if (reader->file >= 0) close(reader->file);
  free(reader->fields);
  free(reader->types);
  free(reader->words);
  free(reader->settings);
  free(reader->path);
  free(reader);
}

const char *record_reader_error(const struct record_reader *reader) {
  return reader->error;
}

const char *record_reader_path(const struct record_reader *reader) {
  return reader->path;
}

const gait_record_header *record_reader_header(const struct record_reader *reader) {
  return &reader->header;
}

const char *record_reader_settings(const struct record_reader *reader) {
  return reader->settings;
}

bool record_reader_setting(const struct record_reader *reader, const char *name, char *value,
                           size_t value_bytes) {
  size_t chars = strlen(name);
  for (const char *line = reader->settings; *line;) {
    size_t length = strcspn(line, "\n");
    if (length > chars && strncmp(line, name, chars) == 0 && line[chars] == '=') {
      snprintf(value, value_bytes, "%.*s", (int)(length - chars - 1), line + chars + 1);
      return true;
    }
    line += length + (line[length] != '\0');
  }
  return false;
}

bool record_reader_is_live(struct record_reader *reader) {
  gait_record_now now;
  if (!record_reader_now(reader, &now) || now.ended) return false;
  int64_t process = reader->header.process;
  if (process <= 0 || process > INT32_MAX) return false;
  return kill((pid_t)process, 0) == 0 || errno == EPERM;
}
