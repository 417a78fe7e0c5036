/* The message is copied field by field.  A location gets new lines, a mapping the notes that it has
 * them, and what they refer to, functions and strings, stands behind all else with new numbers. */
#include "profile/profile_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if GAIT_HAS_ZLIB
#include <zlib.h>
#endif

#include "profile/profile_debug.h"

bool profile_lines_can(void) {
  return GAIT_HAS_LIBDW && GAIT_HAS_ZLIB;
}

/* ---- Encoding ---- */

struct lines_bytes {
  unsigned char *bytes;
  size_t count, room;
  bool failed;
};

static void lines_put(struct lines_bytes *to, const void *bytes, size_t count) {
  if (to->failed) return;
  if (count > to->room - to->count) {
    size_t room = (to->room + count) * 2 + 64;
    unsigned char *larger = realloc(to->bytes, room);
    to->failed = larger == NULL;
    if (to->failed) return;
    to->bytes = larger;
    to->room = room;
  }
  if (count > 0) memcpy(to->bytes + to->count, bytes, count);
  to->count += count;
}

static void lines_put_base128(struct lines_bytes *to, uint64_t number) {
  unsigned char digit;
  for (; number >= 128; number >>= 7) {
    digit = (unsigned char)(number | 128);
    lines_put(to, &digit, 1);
  }
  digit = (unsigned char)number;
  lines_put(to, &digit, 1);
}

static void lines_put_number(struct lines_bytes *to, unsigned field, uint64_t number) {
  lines_put_base128(to, (uint64_t)field << 3);
  lines_put_base128(to, number);
}

static void lines_put_piece(struct lines_bytes *to, unsigned field, const void *bytes,
                            size_t count) {
  lines_put_base128(to, (uint64_t)field << 3 | 2);
  lines_put_base128(to, count);
  lines_put(to, bytes, count);
}

/* ---- New parts ---- */

/*   files      of the mappings: NULL where there is none, or no debug information
 *   out        the new message, and tail: functions and strings that go behind it */
struct lines_writer {
  const struct pprof *profile;
  struct profile_debug **files;
  struct lines_bytes out, tail, part, inner;
  uint64_t strings, functions;
  size_t found;
};

static uint64_t lines_string(struct lines_writer *writer, const char *text) {
  if (text == NULL || text[0] == '\0') return 0;
  lines_put_piece(&writer->tail, 6, text, strlen(text));
  return writer->strings++;
}

static uint64_t lines_function(struct lines_writer *writer, const struct profile_debug_line *line) {
  uint64_t name = lines_string(writer, line->function), file = lines_string(writer, line->file);
  writer->inner.count = 0;
  lines_put_number(&writer->inner, 1, writer->functions);
  lines_put_number(&writer->inner, 2, name);
  lines_put_number(&writer->inner, 3, name);
  lines_put_number(&writer->inner, 4, file);
  lines_put_piece(&writer->tail, 5, writer->inner.bytes, writer->inner.count);
  return writer->functions++;
}

/* The lines of a location; 0: it keeps what it has. */
static size_t lines_find(const struct lines_writer *writer, const struct pprof_location *location,
                         struct profile_debug_line lines[PROFILE_DEBUG_MOST]) {
  if (location->mapping == 0 || writer->files[location->mapping - 1] == NULL) return 0;
  const struct pprof_mapping *mapping = &writer->profile->mappings[location->mapping - 1];
  struct profile_debug *debug = writer->files[location->mapping - 1];
  uint64_t address;
  if (location->address < mapping->start || location->address >= mapping->end) return 0;
  if (!profile_debug_address(debug, mapping->file_offset, location->address - mapping->start,
                             &address))
    return 0;
  return profile_debug_find(debug, address, lines);
}

static bool lines_put_location(struct lines_writer *writer, const struct pprof_location *location) {
  struct profile_debug_line lines[PROFILE_DEBUG_MOST];
  size_t count = lines_find(writer, location, lines);
  if (count == 0) return false;
  writer->part.count = 0;
  lines_put_number(&writer->part, 1, location->id);
  lines_put_number(&writer->part, 2, writer->profile->mappings[location->mapping - 1].id);
  lines_put_number(&writer->part, 3, location->address);
  for (size_t i = 0; i < count; i++) {
    uint64_t function = lines_function(writer, &lines[i]);
    writer->inner.count = 0;
    lines_put_number(&writer->inner, 1, function);
    lines_put_number(&writer->inner, 2, (uint64_t)lines[i].line);
    lines_put_piece(&writer->part, 4, writer->inner.bytes, writer->inner.count);
  }
  lines_put_piece(&writer->out, 4, writer->part.bytes, writer->part.count);
  writer->found++;
  return true;
}

/* That it has functions, files, lines and calls that were inlined. */
static void lines_put_mapping(struct lines_writer *writer, const unsigned char *bytes,
                              size_t count) {
  writer->part.count = 0;
  lines_put(&writer->part, bytes, count);
  for (unsigned field = 7; field <= 10; field++)
    lines_put_number(&writer->part, field, 1);
  lines_put_piece(&writer->out, 3, writer->part.bytes, writer->part.count);
}

/* ---- The whole ---- */

static uint64_t lines_base128(const unsigned char *bytes, size_t *at) {
  uint64_t number = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    unsigned char digit = bytes[(*at)++];
    number |= (uint64_t)(digit & 127) << shift;
    if (digit < 128) break;
  }
  return number;
}

/* Where the field at `at` ends; *start: where its piece begins, if it is one. */
static size_t lines_field(const unsigned char *bytes, size_t at, unsigned *field, size_t *start) {
  uint64_t key = lines_base128(bytes, &at), length = 0;
  *field = (unsigned)(key >> 3);
  if ((key & 7) == 0) {
    lines_base128(bytes, &at);
    *field = 0;
  } else if ((key & 7) == 2) {
    length = lines_base128(bytes, &at);
  } else {
    length = (key & 7) == 1 ? 8 : 4;
    *field = 0;
  }
  *start = at;
  return at + (size_t)length;
}

/* The message has been read: it holds. */
static void lines_copy(struct lines_writer *writer, const struct pprof_message *message) {
  size_t location = 0, mapping = 0;
  for (size_t at = 0, end; at < message->count; at = end) {
    unsigned field;
    size_t start;
    end = lines_field(message->bytes, at, &field, &start);
    if (field == 4 && lines_put_location(writer, &writer->profile->locations[location++])) continue;
    if (field == 3 && writer->files[mapping++] != NULL) {
      lines_put_mapping(writer, message->bytes + start, end - start);
      continue;
    }
    lines_put(&writer->out, message->bytes + at, end - at);
  }
  lines_put(&writer->out, writer->tail.bytes, writer->tail.count);
}

static void lines_open_files(struct lines_writer *writer) {
  const struct pprof *profile = writer->profile;
  for (size_t i = 0; i < profile->mapping_count; i++)
    writer->files[i] = profile_debug_open(profile->strings[profile->mappings[i].file],
                                          profile->strings[profile->mappings[i].build_id]);
}

static bool lines_save(const struct lines_bytes *bytes, const char *path,
                       struct pprof_file_error *error) {
#if GAIT_HAS_ZLIB
  errno = 0;
  gzFile out = gzopen(path, "wb");
  bool written = out != NULL;
  for (size_t done = 0; written && done < bytes->count;) {
    unsigned part = bytes->count - done < 1 << 20 ? (unsigned)(bytes->count - done) : 1u << 20;
    written = gzwrite(out, bytes->bytes + done, part) == (int)part;
    done += part;
  }
  if (out != NULL && gzclose(out) != Z_OK) written = false;
  if (!written)
    snprintf(error->text, sizeof error->text, "%.400s: %s", path,
             errno != 0 ? strerror(errno) : "it could not be written");
  return written;
#else
  (void)bytes;
  snprintf(error->text, sizeof error->text, "%.400s: this gait was built without zlib", path);
  return false;
#endif
}

static uint64_t lines_next_function(const struct pprof *profile) {
  uint64_t most = 0;
  for (size_t i = 0; i < profile->function_count; i++)
    if (profile->functions[i].id > most) most = profile->functions[i].id;
  return most + 1;
}

bool profile_lines_write(const struct pprof *profile, const struct pprof_message *message,
                         const char *path, size_t *found, struct pprof_file_error *error) {
  struct lines_writer writer = {.profile = profile,
                                .strings = profile->string_count,
                                .functions = lines_next_function(profile)};
  writer.files = calloc(profile->mapping_count + 1, sizeof *writer.files);
  bool written = writer.files != NULL;
  if (written) {
    lines_open_files(&writer);
    lines_copy(&writer, message);
    written =
        !writer.out.failed && !writer.tail.failed && !writer.part.failed && !writer.inner.failed;
  }
  if (!written) snprintf(error->text, sizeof error->text, "out of memory");
  written = written && lines_save(&writer.out, path, error);
  for (size_t i = 0; writer.files != NULL && i < profile->mapping_count; i++)
    profile_debug_close(writer.files[i]);
  free(writer.files);
  free(writer.out.bytes);
  free(writer.tail.bytes);
  free(writer.part.bytes);
  free(writer.inner.bytes);
  *found = writer.found;
  return written;
}
