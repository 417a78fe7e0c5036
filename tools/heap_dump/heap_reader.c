#include "heap_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heap_blocks.h"
#include "heap_chunks.h"

/* ---- Tables of the dump ---- */

/* Text of a chunk, by copy; NULL: there is none, or no memory. */
static char *reader_text(struct heap_cursor *cursor) {
  uint64_t chars = heap_number(cursor);
  const unsigned char *text = heap_bytes(cursor, chars);
  return text ? strndup((const char *)text, (size_t)chars) : NULL;
}

static bool reader_fault(const struct heap_dump *dump, const unsigned char *at,
                         struct heap_error *error) {
  return heap_fault(dump, at, error, "a number or a name is wrong, or out of memory");
}

static bool reader_kinds(struct heap_dump *dump, struct heap_error *error) {
  struct heap_cursor cursor;
  for (size_t chunk = 0; heap_chunks_next(dump, HEAP_TYPE_KINDS, &chunk, &cursor);)
    while (cursor.at < cursor.end) {
      const unsigned char *at = cursor.at;
      if (!heap_reserve(&dump->kinds, dump->kinds_count, sizeof *dump->kinds))
        return reader_fault(dump, at, error);
      struct heap_kind *kind = &dump->kinds[dump->kinds_count];
      kind->form = heap_number(&cursor);
      kind->name = reader_text(&cursor);
      if (!kind->name) return reader_fault(dump, at, error);
      dump->kinds_count++;
    }
  return true;
}

static bool reader_holders(struct heap_dump *dump, struct heap_error *error) {
  struct heap_cursor cursor;
  for (size_t chunk = 0; heap_chunks_next(dump, HEAP_TYPE_HOLDERS, &chunk, &cursor);)
    while (cursor.at < cursor.end) {
      const unsigned char *at = cursor.at;
      if (!heap_reserve(&dump->holders, dump->holders_count, sizeof *dump->holders))
        return reader_fault(dump, at, error);
      struct heap_holder *holder = &dump->holders[dump->holders_count];
      holder->type = heap_number(&cursor);
      holder->address = heap_number(&cursor);
      holder->bytes = heap_number(&cursor);
      holder->tid = heap_number(&cursor);
      holder->name = reader_text(&cursor);
      if (!holder->name) return reader_fault(dump, at, error);
      dump->holders_count++;
    }
  return true;
}

static bool reader_sites(struct heap_dump *dump, struct heap_error *error) {
  struct heap_cursor cursor;
  for (size_t chunk = 0; heap_chunks_next(dump, HEAP_TYPE_SITES, &chunk, &cursor);)
    while (cursor.at < cursor.end) {
      const unsigned char *at = cursor.at;
      if (!heap_reserve(&dump->sites, dump->sites_count, sizeof *dump->sites))
        return reader_fault(dump, at, error);
      char *text = reader_text(&cursor);
      if (!text) return reader_fault(dump, at, error);
      dump->sites[dump->sites_count++] = text;
    }
  return true;
}

static int note_compare(const void *a, const void *b) {
  const struct heap_note *first = a, *second = b;
  return (first->object > second->object) - (first->object < second->object);
}

/* Numbers of objects: their granules, and a value each. */
static bool reader_notes(struct heap_dump *dump, uint32_t type, uint64_t most,
                         struct heap_notes *notes, struct heap_error *error) {
  struct heap_cursor cursor;
  for (size_t chunk = 0; heap_chunks_next(dump, type, &chunk, &cursor);)
    while (cursor.at < cursor.end) {
      const unsigned char *at = cursor.at;
      uint32_t object = heap_object_at(dump, heap_number(&cursor));
      uint64_t value = heap_number(&cursor);
      if (cursor.bad || object == HEAP_NONE || value > most)
        return heap_fault(dump, at, error, "a number that belongs to no object, or is too large");
      if (!heap_reserve(&notes->notes, notes->count, sizeof *notes->notes))
        return reader_fault(dump, at, error);
      notes->notes[notes->count++] = (struct heap_note){object, value};
    }
  if (notes->count > 0) qsort(notes->notes, notes->count, sizeof *notes->notes, note_compare);
  return true;
}

uint64_t heap_note_of(const struct heap_notes *notes, uint32_t object, uint64_t otherwise) {
  const struct heap_note key = {object, 0};
  if (notes->count == 0) return otherwise;
  const struct heap_note *found =
      bsearch(&key, notes->notes, notes->count, sizeof key, note_compare);
  return found ? found->value : otherwise;
}

/* ---- The heap, and the end ---- */

static bool reader_heap(struct heap_dump *dump, struct heap_error *error) {
  struct heap_cursor cursor;
  size_t chunk = 0;
  if (!heap_chunks_next(dump, HEAP_TYPE_HEAP, &chunk, &cursor))
    return heap_fault(dump, dump->data, error, "nothing in it says of which heap it is");
  const unsigned char *at = cursor.at;
  dump->base = heap_number(&cursor);
  uint64_t granule = heap_number(&cursor), word = heap_number(&cursor);
  dump->pid = heap_number(&cursor);
  dump->time = heap_number(&cursor);
  dump->cycle = heap_number(&cursor);
  dump->mapped_bytes = heap_number(&cursor);
  if (cursor.bad || granule != HEAP_GRANULE_BYTES || word != 8)
    return heap_fault(dump, at, error, "granules of 16 bytes and words of 8 are wanted");
  return true;
}

static uint64_t reader_count_roots(const struct heap_dump *dump) {
  struct heap_roots roots;
  uint64_t count = 0;
  heap_roots_begin(&roots, dump);
  while (heap_roots_next(&roots))
    count += roots.holder < dump->holders_count;
  return count;
}

static uint64_t reader_count_weak(const struct heap_dump *dump) {
  struct heap_weak weak;
  uint64_t count = 0;
  heap_weak_begin(&weak, dump);
  while (heap_weak_next(&weak))
    count++;
  return count;
}

/* What the end says that there is has to be there. */
static bool reader_end(struct heap_dump *dump, struct heap_error *error) {
  struct heap_cursor cursor = {0};
  size_t chunk = 0;
  if (!heap_chunks_next(dump, HEAP_TYPE_END, &chunk, &cursor))
    return heap_fault(dump, dump->data + dump->bytes, error, "its end says nothing");
  const unsigned char *at = cursor.at;
  uint64_t objects = heap_number(&cursor), edges = heap_number(&cursor);
  dump->weak = heap_number(&cursor);
  dump->roots = heap_number(&cursor);
  uint64_t holders = heap_number(&cursor);
  dump->stopped_ns = heap_number(&cursor);
  if (cursor.bad || objects != dump->objects || edges != dump->edges ||
      holders != dump->holders_count || dump->roots != reader_count_roots(dump) ||
      dump->weak != reader_count_weak(dump))
    return heap_fault(dump, at, error,
                      "there are other numbers of objects, references or roots than its end says");
  return true;
}

/* ---- The whole ---- */

static bool reader_load(struct heap_dump *dump, struct heap_error *error) {
  return heap_chunks_read(dump, error) && reader_heap(dump, error) && reader_kinds(dump, error) &&
         heap_blocks_read(dump, error) && reader_holders(dump, error) &&
         reader_sites(dump, error) &&
         reader_notes(dump, HEAP_TYPE_OUTSIDE, UINT64_MAX / 4096, &dump->external, error) &&
         reader_notes(dump, HEAP_TYPE_SITED, dump->sites_count ? dump->sites_count - 1 : 0,
                      &dump->sited, error) &&
         reader_end(dump, error);
}

struct heap_dump *heap_dump_read(const void *data, size_t bytes, const char *path,
                                 struct heap_error *error) {
  struct heap_dump *dump = calloc(1, sizeof *dump);
  if (dump) dump->path = strdup(path);
  if (!dump || !dump->path) {
    snprintf(error->text, sizeof error->text, "%.200s: out of memory", path);
    free(dump);
    return NULL;
  }
  dump->data = data;
  dump->bytes = bytes;
  if (reader_load(dump, error)) return dump;
  heap_dump_close(dump);
  return NULL;
}

/* NULL with an errno, which is 0 where the file is empty. */
static void *reader_map(const char *path, size_t *bytes) {
  struct stat status;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  void *data = MAP_FAILED;
  if (file < 0) return NULL;
  *bytes = 0;
  errno = 0;
  if (fstat(file, &status) == 0) *bytes = (size_t)status.st_size;
  if (*bytes > 0) data = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, file, 0);
  int before = errno;
  close(file);
  errno = before;
  return data == MAP_FAILED ? NULL : data;
}

struct heap_dump *heap_dump_open(const char *path, struct heap_error *error) {
  size_t bytes = 0;
  void *data = reader_map(path, &bytes);
  if (!data && errno == 0) return heap_dump_read("", 0, path, error);
  if (!data) {
    snprintf(error->text, sizeof error->text, "%.200s: %s", path, strerror(errno));
    return NULL;
  }
  struct heap_dump *dump = heap_dump_read(data, bytes, path, error);
  if (dump)
    dump->mapped = true;
  else
    munmap(data, bytes);
  return dump;
}

void heap_dump_forget_pages(const struct heap_dump *dump) {
  if (dump->mapped) madvise((void *)(uintptr_t)dump->data, dump->bytes, MADV_DONTNEED);
}

void heap_dump_close(struct heap_dump *dump) {
  if (!dump) return;
  for (size_t i = 0; i < dump->kinds_count; i++)
    free(dump->kinds[i].name);
  for (size_t i = 0; i < dump->holders_count; i++)
    free(dump->holders[i].name);
  for (size_t i = 0; i < dump->sites_count; i++)
    free(dump->sites[i]);
  if (dump->mapped) munmap((void *)(uintptr_t)dump->data, dump->bytes);
  void *const owned[] = {dump->path,           dump->chunks, dump->kinds,   dump->blocks,
                         dump->table,          dump->near,   dump->ranks,   dump->places,
                         dump->external.notes, dump->sites,  dump->holders, dump->sited.notes};
  for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
    free(owned[i]);
  free(dump);
}
