#define _GNU_SOURCE /* strerror_r */
#include "cycle/heap_dump.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cycle/cycle.h"
#include "mutator/blocking.h"

/* ---- While every thread is stopped ---- */

static void dump_heap(struct gaiti_dump *dump) {
  const gait_heap *heap = dump->heap;
  unsigned char *at = gaiti_dump_room(&dump->file, GAITI_DUMP_HEAP, 8 * GAITI_DUMP_NUMBER_BYTES);
  if (!at) return;
  at = gaiti_dump_number(at, heap->map.base);
  at = gaiti_dump_number(at, GAIT_GRANULE_BYTES);
  at = gaiti_dump_number(at, sizeof(void *));
  at = gaiti_dump_number(at, (uint64_t)getpid());
  at = gaiti_dump_number(at, (uint64_t)time(NULL));
  at = gaiti_dump_number(at, heap->cycle->records.last + 1);
  at = gaiti_dump_number(at, gaiti_space_mapped(&heap->space));
  gaiti_dump_used(&dump->file, at);
}

static void dump_run(gait_heap *heap, struct gaiti_inspection *inspection) {
  struct gaiti_dump *dump = (struct gaiti_dump *)(void *)inspection;
  uint64_t since_ns = gaiti_os_now_ns();
  dump->heap = heap;
  dump->marker = heap->cycle->runner.marker;
  gaiti_marker_resume(dump->marker);
  dump_heap(dump);
  gaiti_dump_objects(dump);
  gaiti_dump_roots(dump);
  gaiti_marker_pause(dump->marker);
  dump->stopped_ns = gaiti_os_now_ns() - since_ns;
}

/* ---- When they run again ---- */

static void dump_name_holder(struct gaiti_dump *dump, const struct gaiti_dump_holder *holder) {
  struct gaiti_symbol symbol = {.name = ""};
  const char *name = holder->name;
  if (holder->type == GAITI_DUMP_RANGE && gaiti_symbol_of_variable(holder->address, &symbol))
    name = symbol.name;
  if (holder->function && gaiti_symbol_of_function(holder->function, &symbol)) name = symbol.name;
  unsigned char *at = gaiti_dump_room(&dump->file, GAITI_DUMP_HOLDERS,
                                      5 * GAITI_DUMP_NUMBER_BYTES + GAITI_SYMBOL_NAME_BYTES);
  if (!at) return;
  at = gaiti_dump_number(at, (uint64_t)holder->type);
  at = gaiti_dump_number(at, holder->address);
  at = gaiti_dump_number(at, holder->bytes);
  at = gaiti_dump_number(at, (uint64_t)holder->tid);
  gaiti_dump_used(&dump->file, gaiti_dump_text(at, name, strnlen(name, GAITI_SYMBOL_NAME_BYTES)));
}

static void dump_end(struct gaiti_dump *dump) {
  unsigned char *at = gaiti_dump_room(&dump->file, GAITI_DUMP_END, 6 * GAITI_DUMP_NUMBER_BYTES);
  if (!at) return;
  at = gaiti_dump_number(at, dump->objects);
  at = gaiti_dump_number(at, dump->edges);
  at = gaiti_dump_number(at, dump->weak);
  at = gaiti_dump_number(at, dump->roots);
  at = gaiti_dump_number(at, dump->holders_count);
  at = gaiti_dump_number(at, dump->stopped_ns);
  gaiti_dump_used(&dump->file, at);
}

void gaiti_dump_names(struct gaiti_dump *dump) {
  for (size_t i = 0; i < dump->holders_count; i++)
    dump_name_holder(dump, &dump->holders[i]);
  gaiti_dump_sites(dump);
  dump_end(dump);
}

/* ---- The whole ---- */

static void dump_report(const struct gaiti_dump_file *file, const char *path, char *error,
                        size_t error_bytes) {
  char reason[128] = "out of memory";
  if (!error) return;
  if (file->error) {
    char room[128];
    int before = errno;
    const char *text = "";
#if defined(__GLIBC__)
    text = strerror_r(file->error, room, sizeof room);
#else
    if (strerror_r(file->error, room, sizeof room) == 0) text = room;
#endif
    errno = before;
    snprintf(reason, sizeof reason, "%s", text);
  }
  snprintf(error, error_bytes, "%s: at byte %llu: %s", path, (unsigned long long)file->written,
           reason);
}

bool gaiti_dump(gait_thread *thread, const char *path, char *error, size_t error_bytes) {
  struct gaiti_dump *dump = gaiti_os_alloc(sizeof *dump);
  struct gaiti_dump_file none = {.error = 0};
  if (!dump) {
    dump_report(&none, path, error, error_bytes);
    return false;
  }
  bool opened = gaiti_dump_open(&dump->file, path), written = false;
  if (opened) {
    dump->inspection.run = dump_run;
    gaiti_inspect(thread, &dump->inspection);
    gaiti_blocking_begin();
    gaiti_dump_names(dump);
    written = gaiti_dump_close(&dump->file);
    gaiti_blocking_end();
  }
  if (!written) dump_report(&dump->file, path, error, error_bytes);
  gaiti_os_free(dump->holders);
  gaiti_os_free(dump->sites);
  gaiti_call_stacks_destroy(&dump->stacks);
  gaiti_os_free(dump);
  return written;
}
