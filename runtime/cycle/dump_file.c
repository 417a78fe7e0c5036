#include "cycle/dump_file.h"

#include <string.h>

#include "os/output.h"

#define DUMP_FILE_HEADER_BYTES 16
#define DUMP_HEADER_BYTES      24

/* ---- Chunks ---- */

static void dump_put_word(unsigned char *at, uint64_t word, int bytes) {
  for (int i = 0; i < bytes; i++)
    at[i] = (unsigned char)(word >> 8 * i);
}

static struct gaiti_dump_chunk *dump_chunk_new(size_t room) {
  struct gaiti_dump_chunk *chunk = gaiti_os_alloc(sizeof *chunk);
  if (!chunk) return NULL;
  chunk->room = room;
  if ((chunk->data = gaiti_os_alloc(DUMP_HEADER_BYTES + room))) return chunk;
  gaiti_os_free(chunk);
  return NULL;
}

static void dump_chunk_free(struct gaiti_dump_chunk *chunk) {
  gaiti_os_free(chunk->data);
  gaiti_os_free(chunk);
}

static void dump_chunks_free(struct gaiti_dump_chunk *chunk) {
  while (chunk) {
    struct gaiti_dump_chunk *next = chunk->next;
    dump_chunk_free(chunk);
    chunk = next;
  }
}

/* A larger one has been for one object, and is not kept. */
static void dump_chunk_spare_locked(struct gaiti_dump_file *file, struct gaiti_dump_chunk *chunk) {
  if (chunk->room > GAITI_DUMP_CHUNK_BYTES) {
    dump_chunk_free(chunk);
  } else {
    chunk->next = file->spare;
    file->spare = chunk;
  }
  gaiti_wake(&file->changed);
}

/* ---- The writer ---- */

static void dump_write(struct gaiti_dump_file *file, const void *data, size_t bytes) {
  if (file->error == 0) file->error = gaiti_output_write(file->descriptor, data, bytes);
  if (file->error == 0) file->written += bytes;
}

/* The sum is of the header's fields before it, and of the bytes. */
static void dump_write_chunk(struct gaiti_dump_file *file, struct gaiti_dump_chunk *chunk) {
  unsigned char *data = chunk->data;
  memset(data, 0, DUMP_HEADER_BYTES);
  dump_put_word(data, chunk->type, 4);
  dump_put_word(data + 4, file->chunks++, 4);
  dump_put_word(data + 8, chunk->bytes, 8);
  uint32_t sum = gaiti_crc32_add(&file->crc, 0, data, 16);
  sum = gaiti_crc32_add(&file->crc, sum, data + DUMP_HEADER_BYTES, chunk->bytes);
  dump_put_word(data + 16, sum, 4);
  dump_write(file, data, DUMP_HEADER_BYTES + chunk->bytes);
}

static void *dump_writer(void *arg) {
  struct gaiti_dump_file *file = arg;
  gaiti_os_thread_begin("gait-dump");
  gaiti_lock(&file->lock);
  while (file->first || !file->ended) {
    struct gaiti_dump_chunk *chunk = file->first;
    if (!chunk) {
      gaiti_wait(&file->changed, &file->lock);
      continue;
    }
    file->first = chunk->next;
    gaiti_unlock(&file->lock);
    dump_write_chunk(file, chunk);
    gaiti_lock(&file->lock);
    dump_chunk_spare_locked(file, chunk);
  }
  gaiti_unlock(&file->lock);
  return NULL;
}

/* Where the system has no thread for it, the one that makes the chunks writes them. */
static void dump_pass(struct gaiti_dump_file *file) {
  struct gaiti_dump_chunk *chunk = file->open;
  file->open = NULL;
  if (!chunk) return;
  if (!file->thread_runs) dump_write_chunk(file, chunk);
  gaiti_lock(&file->lock);
  chunk->next = NULL;
  if (!file->thread_runs) {
    dump_chunk_spare_locked(file, chunk);
  } else {
    if (file->first)
      file->last->next = chunk;
    else
      file->first = chunk;
    file->last = chunk;
    gaiti_wake(&file->changed);
  }
  gaiti_unlock(&file->lock);
}

/* ---- Making chunks ---- */

static struct gaiti_dump_chunk *dump_take_spare(struct gaiti_dump_file *file, bool waits) {
  gaiti_lock(&file->lock);
  while (waits && !file->spare && file->first)
    gaiti_wait(&file->changed, &file->lock);
  struct gaiti_dump_chunk *chunk = file->spare;
  if (chunk) file->spare = chunk->next;
  gaiti_unlock(&file->lock);
  return chunk;
}

/* A chunk of the usual size. */
static struct gaiti_dump_chunk *dump_take(struct gaiti_dump_file *file) {
  struct gaiti_dump_chunk *chunk = dump_take_spare(file, false);
  if (!chunk) chunk = dump_chunk_new(GAITI_DUMP_CHUNK_BYTES);
  return chunk ? chunk : dump_take_spare(file, true);
}

static struct gaiti_dump_chunk *dump_fail(struct gaiti_dump_file *file) {
  file->failed = true;
  return NULL;
}

static struct gaiti_dump_chunk *dump_begin(struct gaiti_dump_file *file, uint32_t type,
                                           size_t bytes) {
  dump_pass(file);
  struct gaiti_dump_chunk *chunk =
      bytes > GAITI_DUMP_CHUNK_BYTES ? dump_chunk_new(bytes) : dump_take(file);
  if (!chunk) return dump_fail(file);
  chunk->type = type;
  chunk->bytes = 0;
  return file->open = chunk;
}

unsigned char *gaiti_dump_room(struct gaiti_dump_file *file, uint32_t type, size_t bytes) {
  struct gaiti_dump_chunk *chunk = file->open;
  if (file->failed) return NULL;
  if (!chunk || chunk->type != type || chunk->room - chunk->bytes < bytes)
    chunk = dump_begin(file, type, bytes);
  return chunk ? chunk->data + DUMP_HEADER_BYTES + chunk->bytes : NULL;
}

unsigned char *gaiti_dump_more(struct gaiti_dump_file *file, unsigned char *end, size_t bytes) {
  struct gaiti_dump_chunk *chunk = file->open;
  if (file->failed) return NULL;
  gaiti_dump_used(file, end);
  if (chunk->room - chunk->bytes >= bytes) return end;
  struct gaiti_dump_chunk *larger = dump_chunk_new(2 * chunk->room + bytes);
  if (!larger) {
    dump_fail(file);
    return NULL;
  }
  memcpy(larger->data, chunk->data, DUMP_HEADER_BYTES + chunk->bytes);
  larger->type = chunk->type;
  larger->bytes = chunk->bytes;
  file->open = larger;
  gaiti_lock(&file->lock);
  dump_chunk_spare_locked(file, chunk);
  gaiti_unlock(&file->lock);
  return larger->data + DUMP_HEADER_BYTES + larger->bytes;
}

void gaiti_dump_used(struct gaiti_dump_file *file, const unsigned char *end) {
  file->open->bytes = (size_t)(end - file->open->data) - DUMP_HEADER_BYTES;
}

unsigned char *gaiti_dump_text(unsigned char *at, const char *text, size_t chars) {
  at = gaiti_dump_number(at, chars);
  memcpy(at, text, chars);
  return at + chars;
}

/* ---- From the first byte to the last ---- */

static void dump_destroy(struct gaiti_dump_file *file) {
  if (file->open) dump_chunk_free(file->open);
  dump_chunks_free(file->spare);
  gaiti_condition_destroy(&file->changed);
  gaiti_lock_destroy(&file->lock);
}

static void dump_write_header(struct gaiti_dump_file *file) {
  unsigned char header[DUMP_FILE_HEADER_BYTES] = "GAITHEAP";
  dump_put_word(header + 8, GAITI_DUMP_VERSION, 4);
  dump_put_word(header + 12, 0, 4);
  dump_write(file, header, sizeof header);
}

/* Two chunks, so that one can be written while the other is filled. */
static bool dump_init(struct gaiti_dump_file *file) {
  memset(file, 0, sizeof *file);
  if (!gaiti_lock_init(&file->lock, GAITI_RANK_DUMP)) return false;
  if (!gaiti_condition_init(&file->changed)) {
    gaiti_lock_destroy(&file->lock);
    return false;
  }
  for (int i = 0; i < 2; i++) {
    struct gaiti_dump_chunk *chunk = dump_chunk_new(GAITI_DUMP_CHUNK_BYTES);
    if (!chunk) {
      dump_destroy(file);
      return false;
    }
    chunk->next = file->spare;
    file->spare = chunk;
  }
  return true;
}

bool gaiti_dump_open(struct gaiti_dump_file *file, const char *path) {
  if (!dump_init(file)) return false;
  file->descriptor = gaiti_output_open(path);
  if (file->descriptor < 0) {
    dump_destroy(file);
    file->error = -file->descriptor;
    return false;
  }
  gaiti_crc32_init(&file->crc);
  dump_write_header(file);
  file->thread_runs = gaiti_os_thread_start(&file->thread, dump_writer, file);
  return true;
}

bool gaiti_dump_close(struct gaiti_dump_file *file) {
  dump_pass(file);
  gaiti_lock(&file->lock);
  file->ended = true;
  gaiti_wake(&file->changed);
  gaiti_unlock(&file->lock);
  if (file->thread_runs) gaiti_os_thread_join(file->thread);
  int error = gaiti_output_close(file->descriptor);
  if (file->error == 0) file->error = error;
  dump_destroy(file);
  return file->error == 0 && !file->failed;
}
