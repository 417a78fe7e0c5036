/* Entries that are written meanwhile.
 *
 * An entry is read twice.  Where both copies are the same and the sequence in them is even, it is
 * whole.  For were it in the middle of being written when the first was taken, then its sequence
 * had been made odd before any word of that: the second copy, which is taken later, would have the
 * odd one, or that of the new entry, or the words that came after; whichever order the words of one
 * copy are read in. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "record_parts.h"

static uint64_t entry_sequence(const void *entry) {
  uint64_t sequence;
  memcpy(&sequence, entry, sizeof sequence);
  return sequence;
}

/* ---- Decoding by names ---- */

/* A field as this program has it. */
struct own_field {
  const char *name;
  uint32_t type;
  size_t offset;
};

#define OWN_FIELD(structure, type, name)    {#name, type, offsetof(structure, name)},
#define OWN_CYCLE(type, name, unit, words)  OWN_FIELD(gait_cycle_record, type, name)
#define OWN_NOW(type, name, unit, words)    OWN_FIELD(gait_record_now, type, name)
#define OWN_THREAD(type, name, unit, words) OWN_FIELD(gait_record_thread, type, name)
#define OWN_EVENT(type, name, unit, words)  OWN_FIELD(gait_record_event, type, name)
static const struct own_field own_cycle[] = {GAIT_RECORD_CYCLE_FIELDS(OWN_CYCLE){NULL, 0, 0}};
static const struct own_field own_now[] = {GAIT_RECORD_NOW_FIELDS(OWN_NOW){NULL, 0, 0}};
static const struct own_field own_thread[] = {GAIT_RECORD_THREAD_FIELDS(OWN_THREAD){NULL, 0, 0}};
static const struct own_field own_event[] = {GAIT_RECORD_EVENT_FIELDS(OWN_EVENT){NULL, 0, 0}};
#define OWN_FITS(own) (sizeof(own) / sizeof((own)[0]) <= RECORD_OWN_FIELDS)
_Static_assert(OWN_FITS(own_cycle) && OWN_FITS(own_now), "there is room for all fields");

static void own_set(const struct own_field *own, void *structure, struct record_value value) {
  char *to = (char *)structure + own->offset;
  double real = value.is_real     ? value.real
                : value.is_signed ? (double)(int64_t)value.whole
                                  : (double)value.whole;
  uint32_t half = (uint32_t)value.whole;
  if (own->type == GAIT_RECORD_F64)
    memcpy(to, &real, sizeof real);
  else if (value.is_real) /* a number of another type than ours: none that we could take */
    return;
  else if (own->type == GAIT_RECORD_U32 || own->type == GAIT_RECORD_I32)
    memcpy(to, &half, sizeof half);
  else
    memcpy(to, &value.whole, sizeof value.whole);
}

/* Threads' names; cut, so that they end. */
static void own_set_text(const gait_record_field *field, const void *entry, char *to,
                         size_t bytes) {
  size_t copied = field->bytes < bytes - 1 ? field->bytes : bytes - 1;
  memset(to, 0, bytes);
  memcpy(to, (const char *)entry + field->offset, copied);
}

static const struct own_field *const own_fields[GAIT_RECORD_SECTIONS] = {
    [GAIT_RECORD_CYCLES] = own_cycle,
    [GAIT_RECORD_NOW] = own_now,
    [GAIT_RECORD_THREADS] = own_thread,
    [GAIT_RECORD_EVENTS] = own_event,
};

/* One of another kind is none. */
static const gait_record_field *own_find(const struct record_reader *reader, int section,
                                         const struct own_field *own) {
  const gait_record_field *field =
      record_reader_field(reader, (gait_record_section_id)section, own->name);
  bool same = field && (field->type == GAIT_RECORD_TEXT) == (own->type == GAIT_RECORD_TEXT);
  return same ? field : NULL;
}

void record_rings_find(struct record_reader *reader) {
  for (int section = 0; section < GAIT_RECORD_SECTIONS; section++)
    for (size_t i = 0; own_fields[section] && own_fields[section][i].name; i++)
      reader->found[section][i] = own_find(reader, section, &own_fields[section][i]);
}

static void own_decode(const struct record_reader *reader, gait_record_section_id section,
                       const void *entry, void *structure) {
  const struct own_field *own = own_fields[section];
  for (size_t i = 0; own[i].name; i++) {
    const gait_record_field *field = reader->found[section][i];
    if (!field) continue;
    if (own[i].type == GAIT_RECORD_TEXT)
      own_set_text(field, entry, (char *)structure + own[i].offset,
                   sizeof((gait_record_thread *)0)->name);
    else
      own_set(&own[i], structure, record_reader_value(field, entry));
  }
}

/* ---- Cycles ---- */

size_t record_reader_entry_bytes(const struct record_reader *reader) {
  return (size_t)reader->header.section[GAIT_RECORD_CYCLES].entry_bytes;
}

bool record_reader_entry(struct record_reader *reader, uint64_t cycle, void *entry) {
  const gait_record_section *section = &reader->header.section[GAIT_RECORD_CYCLES];
  size_t bytes = (size_t)section->entry_bytes;
  uint64_t at = section->offset + cycle % section->count * bytes;
  char again[4096];
  return cycle > 0 && record_read(reader, at, entry, bytes) && entry_sequence(entry) == 2 * cycle &&
         record_read(reader, at, again, bytes) && memcmp(entry, again, bytes) == 0;
}

bool record_reader_cycle(struct record_reader *reader, uint64_t cycle, gait_cycle_record *record) {
  uint64_t entry[4096 / sizeof(uint64_t)];
  if (!record_reader_entry(reader, cycle, entry)) return false;
  memset(record, 0, sizeof *record);
  own_decode(reader, GAIT_RECORD_CYCLES, entry, record);
  return record->cycle == cycle;
}

/* The process may have ended between an entry and the count of them. */
bool record_reader_range(struct record_reader *reader, uint64_t *first, uint64_t *last) {
  const uint64_t count = reader->header.section[GAIT_RECORD_CYCLES].count;
  gait_record_now now;
  gait_cycle_record record;
  if (!record_reader_now(reader, &now) || now.cycles_written >= UINT64_MAX / 4) return false;
  *last = now.cycles_written;
  if (record_reader_cycle(reader, *last + 1, &record)) ++*last;
  *first = *last > count ? *last - count + 1 : 1;
  return *last > 0;
}

size_t record_reader_cycles(struct record_reader *reader, uint64_t first,
                            gait_cycle_record *records, size_t count) {
  uint64_t oldest, last;
  size_t copied = 0;
  if (!record_reader_range(reader, &oldest, &last)) return 0;
  for (uint64_t cycle = first > oldest ? first : oldest; cycle <= last && copied < count; cycle++)
    if (record_reader_cycle(reader, cycle, &records[copied])) copied++;
  return copied;
}

gait_cycle_record *record_reader_all(struct record_reader *reader, size_t *count) {
  uint64_t first, last;
  *count = 0;
  if (!record_reader_range(reader, &first, &last)) return NULL;
  gait_cycle_record *records = record_room(reader, last - first + 1, sizeof *records);
  if (records) *count = record_reader_cycles(reader, first, records, (size_t)(last - first + 1));
  if (*count > 0) return records;
  free(records);
  return NULL;
}

/* ---- The present, threads ---- */

size_t record_reader_now_bytes(const struct record_reader *reader) {
  return (size_t)reader->header.section[GAIT_RECORD_NOW].entry_bytes;
}

bool record_reader_now_entry(struct record_reader *reader, void *entry) {
  return record_read(reader, reader->header.section[GAIT_RECORD_NOW].offset, entry,
                     record_reader_now_bytes(reader));
}

bool record_reader_now(struct record_reader *reader, gait_record_now *now) {
  uint64_t entry[4096 / sizeof(uint64_t)];
  memset(now, 0, sizeof *now);
  if (!record_reader_now_entry(reader, entry)) return false;
  own_decode(reader, GAIT_RECORD_NOW, entry, now);
  return true;
}

/* Reads a whole section; NULL, with a sentence. */
static char *section_read(struct record_reader *reader, gait_record_section_id id) {
  const gait_record_section *section = &reader->header.section[id];
  char *entries = record_room(reader, section->count, section->entry_bytes);
  if (entries && record_read(reader, section->offset, entries,
                             (size_t)(section->count * section->entry_bytes)))
    return entries;
  free(entries);
  return NULL;
}

/* A thread that ran a cycle before it was introduced has two entries. */
static void threads_add(gait_record_thread *threads, size_t *count,
                        const gait_record_thread *thread) {
  for (size_t i = 0; i < *count; i++) {
    if (threads[i].thread != thread->thread) continue;
    threads[i].answers += thread->answers;
    threads[i].late_total_ns += thread->late_total_ns;
    if (thread->late_max_ns > threads[i].late_max_ns) threads[i].late_max_ns = thread->late_max_ns;
    memcpy(threads[i].name, thread->name, sizeof thread->name);
    return;
  }
  threads[(*count)++] = *thread;
}

gait_record_thread *record_reader_threads(struct record_reader *reader, size_t *count) {
  const gait_record_section *section = &reader->header.section[GAIT_RECORD_THREADS];
  *count = 0;
  char *entries = section_read(reader, GAIT_RECORD_THREADS);
  gait_record_thread *threads =
      entries ? record_room(reader, section->count, sizeof *threads) : NULL;
  for (uint64_t i = 0; threads && i < section->count; i++) {
    gait_record_thread thread = {0};
    own_decode(reader, GAIT_RECORD_THREADS, entries + i * section->entry_bytes, &thread);
    if (thread.thread) threads_add(threads, count, &thread);
  }
  free(entries);
  return threads;
}

/* ---- Events ---- */

static int event_compare(const void *left, const void *right) {
  const gait_record_event *a = left, *b = right;
  if (a->time_ns != b->time_ns) return a->time_ns < b->time_ns ? -1 : 1;
  return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

/* The entries that are whole, in two copies of the ring; returns how many. */
static size_t events_decode(const struct record_reader *reader, const char *copy, const char *again,
                            gait_record_event *events) {
  const gait_record_section *section = &reader->header.section[GAIT_RECORD_EVENTS];
  size_t bytes = (size_t)section->entry_bytes, count = 0;
  for (uint64_t i = 0; i < section->count; i++) {
    const char *entry = copy + i * bytes;
    uint64_t sequence = entry_sequence(entry);
    if (sequence == 0 || sequence % 2 == 1 || sequence / 2 % section->count != i ||
        memcmp(entry, again + i * bytes, bytes) != 0)
      continue;
    memset(&events[count], 0, sizeof *events);
    own_decode(reader, GAIT_RECORD_EVENTS, entry, &events[count++]);
  }
  return count;
}

gait_record_event *record_reader_events(struct record_reader *reader, size_t *count,
                                        uint64_t *lost) {
  const gait_record_section *section = &reader->header.section[GAIT_RECORD_EVENTS];
  char *copy = section_read(reader, GAIT_RECORD_EVENTS);
  char *again = copy ? section_read(reader, GAIT_RECORD_EVENTS) : NULL;
  gait_record_event *events = again ? record_room(reader, section->count, sizeof *events) : NULL;
  *count = events ? events_decode(reader, copy, again, events) : 0;
  free(copy);
  free(again);
  gait_record_now now;
  if (lost) *lost = 0;
  if (lost && record_reader_now(reader, &now) && now.events_written > *count)
    *lost = now.events_written - *count;
  if (*count == 0) {
    free(events);
    return NULL;
  }
  qsort(events, *count, sizeof *events, event_compare);
  return events;
}
