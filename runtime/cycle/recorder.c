/* The record file.
 *
 * It is made under another name and gets its own when its header is whole: so a reader never finds
 * half a header, and a process that has the old file mapped keeps that.  Whatever goes wrong, the
 * program runs on without it.
 *
 * A child of fork has the parent's file mapped, and forgets it before it does anything else: two
 * writers with one set of counters would overwrite each other's entries.  It opens one of its own
 * when its first cycle begins, not in the handler of the fork: most children only call exec. */
#define _GNU_SOURCE
#include "cycle/recorder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cycle/cycle.h"
#include "cycle/events.h"
#include "cycle/present.h"
#include "os/file.h"
#include "os/mapped_file.h"

/* A process opens no more files than this, however many heaps it makes. */
#define RECORD_FILES_MOST 64

/* ---- Its name ---- */

static AO_t recorder_hash(const char *path) {
  AO_t hash = 0xcbf29ce484222325u;
  for (; *path; path++)
    hash = (hash ^ (unsigned char)*path) * 0x100000001b3u;
  return hash ? hash : 1;
}

/* How many files of that path this process has opened, this one included; 0: there may be no more
 * files.  The places of the table are taken in order and never given back, so no lock is needed. */
static unsigned recorder_number(const char *path) {
  static AO_t opened[RECORD_FILES_MOST];
  const AO_t hash = recorder_hash(path);
  unsigned number = 1;
  for (unsigned i = 0; i < RECORD_FILES_MOST; i++) {
    AO_t before = AO_fetch_compare_and_swap(&opened[i], 0, hash);
    if (before == 0) return number;
    if (before == hash) number++;
  }
  return 0;
}

/* ---- Opening ---- */

struct recorder_names {
  char path[PATH_MAX];
  char fresh[PATH_MAX];
};

/* Returns a word on the fault, or NULL. */
static const char *recorder_name(const char *option, struct recorder_names *names,
                                 unsigned *number) {
  if (!gaiti_path_expand(option, names->path, sizeof names->path)) return strerror(ENAMETOOLONG);
  *number = recorder_number(names->path);
  if (*number == 0) return "this process has as many record files as it may have";
  size_t used = strlen(names->path);
  if (*number > 1)
    used += (size_t)snprintf(names->path + used, sizeof names->path - used, ".%u", *number);
  if (used >= sizeof names->path) return strerror(ENAMETOOLONG);
  int fresh =
      snprintf(names->fresh, sizeof names->fresh, "%.*s.%d.new", (int)used, names->path, getpid());
  return fresh < (int)sizeof names->fresh ? NULL : strerror(ENAMETOOLONG);
}

static void recorder_fill(gait_heap *heap, struct gaiti_layout *layout, unsigned number) {
  const struct gaiti_recorder *file = &heap->cycle->file;
  gait_record_header *header = &layout->header;
  gaiti_layout_describe(layout);
  header->process = getpid();
  header->heap = number;
  header->monotonic_ns = heap->cycle->records.created_ns;
  header->wall_ns = gaiti_os_wall_ns() - (gaiti_os_now_ns() - header->monotonic_ns);
  if (gaiti_file_read("/proc/self/comm", header->program, sizeof header->program))
    header->program[strcspn(header->program, "\n")] = '\0';
  snprintf(header->library, sizeof header->library, "gait %d.%d.%d", GAIT_VERSION_MAJOR,
           GAIT_VERSION_MINOR, GAIT_VERSION_PATCH);
  snprintf(layout->settings, sizeof layout->settings, "%s", file->settings);
}

/* Returns the mapped file, which has its name, or NULL and a word on the fault. */
static struct gaiti_layout *recorder_make(gait_heap *heap, struct recorder_names *names,
                                          const char **wrong) {
  unsigned number = 0;
  int error;
  *wrong = recorder_name(heap->cycle->file.path, names, &number);
  if (*wrong) return NULL;
  gaiti_mapped_remove(names->fresh); /* of a process that had the same number, and ended here */
  struct gaiti_layout *layout = gaiti_mapped_create(names->fresh, sizeof *layout, &error);
  if (layout) {
    recorder_fill(heap, layout, number);
    if ((error = gaiti_mapped_rename(names->fresh, names->path)) == 0) return layout;
    gaiti_mapped_remove(names->fresh);
    gaiti_mapped_close(layout, sizeof *layout);
  }
  *wrong = strerror(error);
  return NULL;
}

static void recorder_drop_texts(gait_heap *heap) {
  struct gaiti_recorder *file = &heap->cycle->file;
  if (file->path) gaiti_structure_free(&heap->space, file->path, strlen(file->path) + 1);
  if (file->settings) gaiti_structure_free(&heap->space, file->settings, file->settings_bytes);
  file->path = file->settings = NULL;
}

/* The names are long, and the stack that this runs on may be short. */
static void recorder_begin(gait_heap *heap) {
  struct gaiti_recorder *file = &heap->cycle->file;
  struct recorder_names *names = gaiti_os_alloc(sizeof *names);
  const char *wrong = strerror(ENOMEM);
  struct gaiti_layout *layout = NULL;
  if (names && gaiti_events_init(heap)) layout = recorder_make(heap, names, &wrong);
  if (layout) {
    gaiti_pointer_store_release(&file->layout, layout);
    gaiti_present_write(heap);
  } else {
    gaiti_log(heap, "gait: records: %.400s: %s", names ? names->path : file->path, wrong);
    gaiti_events_destroy(heap);
    recorder_drop_texts(heap);
  }
  gaiti_os_free(names);
}

static char *recorder_copy(gait_heap *heap, const char *text) {
  size_t bytes = strlen(text) + 1;
  char *copy = gaiti_structure_alloc(&heap->space, bytes);
  if (copy) memcpy(copy, text, bytes);
  return copy;
}

void gaiti_recorder_init(gait_heap *heap) {
  AO_store(&heap->cycle->file.present_next_bytes, (AO_t)-1);
}

void gaiti_recorder_open(gait_heap *heap, const char *settings) {
  struct gaiti_recorder *file = &heap->cycle->file;
  if (!heap->options.records) return;
  file->path = recorder_copy(heap, heap->options.records);
  file->settings = recorder_copy(heap, settings);
  file->settings_bytes = strlen(settings) + 1;
  heap->options.records = file->path;
  if (file->path && file->settings)
    recorder_begin(heap);
  else
    recorder_drop_texts(heap);
}

void gaiti_recorder_reopen(gait_heap *heap) {
  struct gaiti_recorder *file = &heap->cycle->file;
  if (!file->opens) return;
  file->opens = false;
  recorder_begin(heap);
}

/* ---- Writing ---- */

/* There is one runner at a time, and a reader sees by the sequence whether the entry is whole.
 * Under test it is in halves for a while. */
static void recorder_write(gait_heap *heap, const gait_cycle_record *record) {
  gait_record_cycle *entry = &gaiti_events_open(heap)->cycles[record->cycle % GAITI_LAYOUT_CYCLES];
  const size_t half = sizeof *record / 2;
  AO_store((AO_t *)&entry->sequence, 2 * record->cycle - 1);
  AO_nop_full();
  memcpy(&entry->record, record, half);
  gaiti_delay(heap);
  memcpy((char *)&entry->record + half, (const char *)record + half, sizeof *record - half);
  AO_store_release((AO_t *)&entry->sequence, 2 * record->cycle);
}

void gaiti_recorder_add(gait_heap *heap, const gait_cycle_record *record) {
  struct gaiti_layout *layout = gaiti_events_open(heap);
  if (!layout) return;
  recorder_write(heap, record);
  AO_store((AO_t *)&layout->now.cycles_written, record->cycle);
  AO_store(&heap->cycle->file.cycle, 0);
  uint64_t created_ns = heap->cycle->records.created_ns, begun_ns = created_ns + record->started_ns;
  gaiti_event_write(heap, &(struct gaiti_event){
                              .type = GAIT_EVENT_CYCLE,
                              .at_ns = begun_ns,
                              .thread = gaiti_os_thread_id(),
                              .value = {gaiti_os_now_ns() - begun_ns, record->cycle, record->cause},
                          });
  gaiti_present_write(heap);
}

/* ---- Closing ---- */

static void recorder_unmap(gait_heap *heap) {
  struct gaiti_layout *layout = gaiti_events_open(heap);
  gaiti_pointer_store_release(&heap->cycle->file.layout, NULL);
  gaiti_mapped_close(layout, sizeof *layout);
  gaiti_events_destroy(heap);
}

void gaiti_recorder_close(gait_heap *heap) {
  struct gaiti_layout *layout = gaiti_events_open(heap);
  if (layout) {
    gaiti_present_end(heap);
    recorder_unmap(heap);
  }
  recorder_drop_texts(heap);
}

void gaiti_recorder_forget(gait_heap *heap, gait_thread *caller) {
  struct gaiti_recorder *file = &heap->cycle->file;
  if (!gaiti_events_open(heap)) return;
  recorder_unmap(heap);
  AO_store(&file->threads_used, 0);
  AO_store(&file->cycle, 0);
  AO_store(&file->runner, 0);
  AO_store(&file->present_ns, 0);
  AO_store(&file->present_counted_ns, 0);
  AO_store(&file->present_next_bytes, (AO_t)-1);
  if (caller) caller->record_entry = 0;
  file->opens = strstr(file->path, "%p") != NULL;
}
