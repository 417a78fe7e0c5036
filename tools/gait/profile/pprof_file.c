#include "profile/pprof_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if GAIT_HAS_ZLIB
#include <zlib.h>
#endif

/* ---- gzip ---- */

static bool file_is_gzip(const unsigned char *bytes, size_t count) {
  return count >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

#if GAIT_HAS_ZLIB
static bool file_fail(struct pprof_file_error *error, const z_stream *stream, const char *why) {
  snprintf(error->text, sizeof error->text, "at byte %lu: %s", stream->total_in, why);
  return false;
}

/* Doubles the room; false: it is as large as it may be, or there is no memory. */
static bool file_grow(unsigned char **message, size_t *room) {
  if (*room >= PPROF_MOST_BYTES) return false;
  unsigned char *larger = realloc(*message, *room * 2);
  if (larger == NULL) return false;
  *message = larger;
  *room *= 2;
  return true;
}

static bool file_inflate(z_stream *stream, unsigned char **message, size_t *count,
                         struct pprof_file_error *error) {
  size_t room = 1 << 16;
  int status = Z_OK;
  *count = 0;
  if ((*message = malloc(room)) == NULL) return file_fail(error, stream, "out of memory");
  while (status != Z_STREAM_END) {
    if (*count == room && !file_grow(message, &room))
      return file_fail(error, stream, "it is too large");
    stream->next_out = *message + *count;
    stream->avail_out = (unsigned)(room - *count);
    status = inflate(stream, Z_NO_FLUSH);
    *count = (size_t)(stream->next_out - *message);
    if (status == Z_BUF_ERROR || (status == Z_OK && stream->avail_in == 0 && *count < room))
      return file_fail(error, stream, "it is cut off");
    if (status != Z_OK && status != Z_STREAM_END)
      return file_fail(error, stream, stream->msg != NULL ? stream->msg : "it is no gzip file");
  }
  return true;
}

static bool file_unpack(const unsigned char *bytes, size_t count, unsigned char **message,
                        size_t *message_bytes, struct pprof_file_error *error) {
  z_stream stream = {.next_in = (unsigned char *)(uintptr_t)bytes, .avail_in = (unsigned)count};
  *message = NULL;
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return file_fail(error, &stream, "out of memory");
  bool whole = file_inflate(&stream, message, message_bytes, error);
  inflateEnd(&stream);
  return whole;
}
#else
static bool file_unpack(const unsigned char *bytes, size_t count, unsigned char **message,
                        size_t *message_bytes, struct pprof_file_error *error) {
  (void)bytes, (void)count, (void)message_bytes;
  *message = NULL;
  snprintf(error->text, sizeof error->text,
           "this gait was built without zlib, and reads no gzip file: `gunzip` makes another");
  return false;
}
#endif

/* ---- Files ---- */

static bool file_parse(struct pprof *profile, const void *message, size_t count, const char *where,
                       struct pprof_file_error *error) {
  struct pprof_error bad;
  if (pprof_parse(profile, message, count, &bad)) return true;
  snprintf(error->text, sizeof error->text, "at byte %zu%s: %s", bad.offset, where, bad.text);
  return false;
}

static unsigned char *file_copy(const void *bytes, size_t count) {
  unsigned char *copy = malloc(count + 1);
  if (copy != NULL && count > 0) memcpy(copy, bytes, count);
  return copy;
}

bool pprof_read(struct pprof *profile, const void *bytes, size_t count,
                struct pprof_message *message, struct pprof_file_error *error) {
  struct pprof_message own = {.count = count};
  bool gzip = file_is_gzip(bytes, count);
  *profile = (struct pprof){0};
  if (message != NULL) *message = (struct pprof_message){0};
  bool read = true;
  if (gzip)
    read = file_unpack(bytes, count, &own.bytes, &own.count, error);
  else if ((own.bytes = file_copy(bytes, count)) == NULL)
    read = false;
  if (read)
    read =
        file_parse(profile, own.bytes, own.count, gzip ? " of the uncompressed file" : "", error);
  else if (own.bytes == NULL && error->text[0] == '\0')
    snprintf(error->text, sizeof error->text, "at byte 0: out of memory");
  if (read && message != NULL)
    *message = own;
  else
    free(own.bytes);
  return read;
}

/* All of a stream; NULL: errno says why not. */
static unsigned char *file_slurp(FILE *in, size_t *count) {
  size_t room = 1 << 16;
  unsigned char *bytes = malloc(room);
  *count = 0;
  for (size_t got; bytes != NULL && (got = fread(bytes + *count, 1, room - *count, in)) > 0;) {
    *count += got;
    if (*count < room) continue;
    unsigned char *larger = room >= PPROF_MOST_BYTES ? NULL : realloc(bytes, room *= 2);
    if (larger == NULL) {
      free(bytes);
      errno = room >= PPROF_MOST_BYTES ? EFBIG : ENOMEM;
    }
    bytes = larger;
  }
  if (bytes != NULL && ferror(in)) {
    free(bytes);
    bytes = NULL;
  }
  return bytes;
}

bool pprof_load(struct pprof *profile, const char *path, struct pprof_message *message,
                struct pprof_file_error *error) {
  bool standard = strcmp(path, "-") == 0;
  FILE *in = standard ? stdin : fopen(path, "rb");
  size_t count = 0;
  unsigned char *bytes = in == NULL ? NULL : file_slurp(in, &count);
  struct pprof_file_error bad = {""};
  bool read = false;
  *profile = (struct pprof){0};
  if (message != NULL) *message = (struct pprof_message){0};
  if (bytes == NULL)
    snprintf(error->text, sizeof error->text, "%.200s: %s", path, strerror(errno));
  else if (!(read = pprof_read(profile, bytes, count, message, &bad)))
    snprintf(error->text, sizeof error->text, "%.200s: %.280s", path, bad.text);
  free(bytes);
  if (in != NULL && !standard) fclose(in);
  return read;
}
