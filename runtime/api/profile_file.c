/* The format is that of profile.proto in github.com/google/pprof; fields have the numbers from
 * there.
 *
 * A sample of an object stands for 1 / (1 - exp(-bytes / mean)) objects, the inverse of its chance
 * (.sample.points).  Each tally of the dead, and each sample that lives, is a sample of the file,
 * with these labels:
 *
 *   kind    of the object; memory: "external" or "growth", where it is no object by itself
 *   bytes   of the slot, as Go has it
 *   state   "dead" or "live"
 *   cycles  that have found it, and age: bytes that were allocated until the cycle that found it
 *           dead, or until now
 *
 * A location's address is that of the last byte of the call, which tools for addresses look up. */
#define _GNU_SOURCE /* clock_gettime */
#include "api/profile_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "os/symbols.h"

enum profile_fields {
  PROFILE_SAMPLE_TYPE = 1,
  PROFILE_SAMPLE,
  PROFILE_MAPPING,
  PROFILE_LOCATION,
  PROFILE_FUNCTION,
  PROFILE_STRING,
  PROFILE_DROP_FRAMES,
  PROFILE_TIME_NS = 9,
  PROFILE_DURATION_NS,
  PROFILE_PERIOD_TYPE,
  PROFILE_PERIOD,
  PROFILE_COMMENT,
  PROFILE_DEFAULT_TYPE
};

#define FILE_MOST_MAPPINGS 256

/* Calls of Gait's that allocate are no site of the program's. */
#define FILE_DROP_FRAMES "gait_(checked_)?alloc(_[a-z]+)?"

/* Of a sample; FILE_NEW: no cycle has found it yet. */
enum file_state { FILE_DEAD, FILE_NEW, FILE_IN_USE, FILE_STATES };

/* The remainders of rounding. */
struct file_carry {
  double objects, space;
};

/* One that is being made.
 *   part, inner   messages within it
 *   strings       by their hashes, to their numbers; texts and ends: all of them
 *   addresses     of all frames, ascending, each with its function's name and start
 *   carries       for each stack and state
 *   locations     from a frame to its number; functions: from name and file */
struct file_writer {
  const struct gaiti_profile_shot *shot;
  struct gaiti_wire *out;
  struct gaiti_wire part, inner;
  struct gaiti_word_map strings, locations, functions;
  char *texts;
  size_t text_bytes, text_room;
  size_t *ends;
  size_t string_count, ends_room;
  uintptr_t *addresses;
  uint32_t *names;
  size_t address_count;
  struct gaiti_mapping *mappings;
  size_t mapping_count;
  uint64_t function_count;
  struct file_carry *carries;
};

static bool file_set(struct file_writer *file, struct gaiti_word_map *map, uintptr_t key,
                     uintptr_t value) {
  if (!gaiti_word_map_set(map, key, value)) file->out->failed = true;
  return !file->out->failed;
}

/* ---- Strings ---- */

static uintptr_t file_hash(const char *text, size_t bytes) {
  uintptr_t hash = 0xCBF29CE484222325u;
  for (size_t i = 0; i < bytes; i++)
    hash = (hash ^ (unsigned char)text[i]) * 0x100000001B3u;
  return (hash ^ hash >> 32) | 1;
}

static bool file_is_string(const struct file_writer *file, size_t number, const char *text,
                           size_t bytes) {
  size_t start = number ? file->ends[number - 1] : 0;
  return file->ends[number] - start == bytes && memcmp(file->texts + start, text, bytes) == 0;
}

/* The number of a text in the table of strings. */
static uint64_t file_string(struct file_writer *file, const char *text) {
  size_t bytes = strlen(text);
  uintptr_t key = file_hash(text, bytes);
  for (const uintptr_t *known; (known = gaiti_word_map_find(&file->strings, key)); key += 2)
    if (file_is_string(file, *known, text, bytes)) return *known;
  void *texts = file->texts, *ends = file->ends;
  bool made = gaiti_room_make(&texts, file->text_bytes, &file->text_room, bytes + 1, 1);
  file->texts = texts;
  made = made && gaiti_room_make(&ends, file->string_count, &file->ends_room, 1, sizeof(size_t));
  file->ends = ends;
  if (!made) file->out->failed = true;
  if (!made || !file_set(file, &file->strings, key, file->string_count)) return 0;
  memcpy(file->texts + file->text_bytes, text, bytes);
  file->text_bytes += bytes;
  file->ends[file->string_count] = file->text_bytes;
  return file->string_count++;
}

static void file_write_strings(struct file_writer *file) {
  for (size_t i = 0, start = 0; i < file->string_count; start = file->ends[i++])
    gaiti_wire_bytes(file->out, PROFILE_STRING, file->texts + start, file->ends[i] - start);
}

/* ---- Addresses ---- */

static int file_compare(const void *a, const void *b) {
  uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
  return (x > y) - (x < y);
}

/* Collects the addresses of all stacks, each once. */
static void file_take_addresses(struct file_writer *file) {
  const struct gaiti_call_stacks *stacks = &file->shot->copy.stacks;
  file->addresses = gaiti_os_alloc((stacks->word_count + 1) * sizeof *file->addresses);
  file->names = gaiti_os_alloc((stacks->word_count + 1) * sizeof *file->names);
  if (!file->addresses || !file->names) {
    file->out->failed = true;
    return;
  }
  size_t all = 0, count = 0;
  for (size_t i = 0; i < stacks->word_count; i++)
    if (!(stacks->words[i] & GAITI_FRAME_NAMED)) file->addresses[all++] = stacks->words[i] - 1;
  qsort(file->addresses, all, sizeof *file->addresses, file_compare);
  for (size_t i = 0; i < all; i++)
    if (count == 0 || file->addresses[i] != file->addresses[count - 1])
      file->addresses[count++] = file->addresses[i];
  file->address_count = count;
}

static void file_name(size_t place, const char *text, uintptr_t start, void *arg) {
  struct file_writer *file = arg;
  (void)start;
  file->names[place] = (uint32_t)file_string(file, text);
}

static void file_name_addresses(struct file_writer *file) {
  file->mappings = gaiti_os_alloc(FILE_MOST_MAPPINGS * sizeof *file->mappings);
  if (!file->mappings) file->out->failed = true;
  if (file->out->failed) return;
  file->mapping_count = gaiti_mappings(file->mappings, FILE_MOST_MAPPINGS);
  for (size_t i = 0; i < file->mapping_count; i++)
    if (file->mappings[i].path[0])
      gaiti_mapping_name(&file->mappings[i], file->addresses, file->address_count, file_name, file);
}

static uint64_t file_mapping_of(const struct file_writer *file, uintptr_t address) {
  for (size_t i = 0; i < file->mapping_count; i++)
    if (address >= file->mappings[i].start && address < file->mappings[i].end) return i + 1;
  return 0;
}

static void file_write_mappings(struct file_writer *file) {
  for (size_t i = 0; i < file->mapping_count; i++) {
    const struct gaiti_mapping *mapping = &file->mappings[i];
    struct gaiti_wire *part = &file->part;
    gaiti_wire_number(part, 1, i + 1);
    gaiti_wire_number(part, 2, mapping->start);
    gaiti_wire_number(part, 3, mapping->end);
    gaiti_wire_number(part, 4, mapping->offset);
    gaiti_wire_number(part, 5, file_string(file, mapping->path));
    gaiti_wire_number(part, 6, file_string(file, mapping->build_id));
    gaiti_wire_part(file->out, PROFILE_MAPPING, part);
  }
}

/* ---- Locations ---- */

/* The number of a function; it is written when it is new. */
static uint64_t file_function(struct file_writer *file, uint64_t name, uint64_t source) {
  uintptr_t key = (uintptr_t)(name << 32 | source) + 1;
  const uintptr_t *known = gaiti_word_map_find(&file->functions, key);
  if (known) return *known;
  uint64_t number = ++file->function_count;
  if (!file_set(file, &file->functions, key, number)) return 0;
  struct gaiti_wire part = {0};
  gaiti_wire_number(&part, 1, number);
  gaiti_wire_number(&part, 2, name);
  gaiti_wire_number(&part, 3, name);
  gaiti_wire_number(&part, 4, source);
  gaiti_wire_part(file->out, PROFILE_FUNCTION, &part);
  gaiti_wire_destroy(&part);
  return number;
}

/* Appends a location's line to the message that is being made. */
static void file_put_line(struct file_writer *file, uint64_t function, int64_t line) {
  gaiti_wire_number(&file->inner, 1, function);
  gaiti_wire_number(&file->inner, 2, (uint64_t)line);
  gaiti_wire_part(&file->part, 4, &file->inner);
}

static void file_put_address(struct file_writer *file, uintptr_t address) {
  const uintptr_t *place = bsearch(&address, file->addresses, file->address_count,
                                   sizeof *file->addresses, file_compare);
  uint32_t name = place ? file->names[place - file->addresses] : 0;
  gaiti_wire_number(&file->part, 2, file_mapping_of(file, address));
  gaiti_wire_number(&file->part, 3, address);
  if (name) file_put_line(file, file_function(file, name, 0), 0);
}

static void file_put_named(struct file_writer *file, size_t place) {
  const struct gaiti_call_stacks *stacks = &file->shot->copy.stacks;
  const struct gaiti_named_frame *frame = &stacks->named[place];
  const char *function = stacks->text + frame->function;
  uint64_t name = file_string(file, function[0] ? function : "(no name)");
  uint64_t source = file_string(file, stacks->text + frame->file);
  file_put_line(file, file_function(file, name, source), frame->line);
}

/* The number of a frame's location; it is written when it is new. */
static uint64_t file_location(struct file_writer *file, uintptr_t frame) {
  const uintptr_t *known = gaiti_word_map_find(&file->locations, frame);
  if (known) return *known;
  uint64_t number = file->locations.count + 1;
  if (!file_set(file, &file->locations, frame, number)) return 0;
  gaiti_wire_number(&file->part, 1, number);
  if (frame & GAITI_FRAME_NAMED)
    file_put_named(file, frame & ~GAITI_FRAME_NAMED);
  else
    file_put_address(file, frame - 1);
  gaiti_wire_part(file->out, PROFILE_LOCATION, &file->part);
  return number;
}

/* All of them come before the samples, whose messages are made in the same place. */
static void file_write_locations(struct file_writer *file) {
  const struct gaiti_call_stacks *stacks = &file->shot->copy.stacks;
  for (size_t i = 0; i < stacks->word_count; i++)
    file_location(file, stacks->words[i]);
}

/* ---- Samples ---- */

static void file_put_label(struct file_writer *file, const char *key, const char *text) {
  gaiti_wire_number(&file->inner, 1, file_string(file, key));
  gaiti_wire_number(&file->inner, 2, file_string(file, text));
  gaiti_wire_part(&file->part, 3, &file->inner);
}

/* The unit tells a label that is 0 from none. */
static void file_put_count(struct file_writer *file, const char *key, uint64_t count,
                           const char *unit) {
  gaiti_wire_number(&file->inner, 1, file_string(file, key));
  gaiti_wire_number(&file->inner, 3, count);
  gaiti_wire_number(&file->inner, 4, file_string(file, unit));
  gaiti_wire_part(&file->part, 3, &file->inner);
}

static void file_put_stack(struct file_writer *file, uint32_t number) {
  const struct gaiti_call_stacks *stacks = &file->shot->copy.stacks;
  const struct gaiti_call_stack *stack = &stacks->stacks[number];
  for (size_t i = 0; i < stack->count; i++)
    gaiti_wire_base128(&file->inner, file_location(file, stacks->words[stack->first + i]));
  gaiti_wire_part(&file->part, 1, &file->inner);
}

/* Rounds a number, and carries the remainder on to the next of its stack and state: so a sum over
 * samples of a stack is as exact as one of them. */
static uint64_t file_round(double number, double *carry) {
  uint64_t rounded = (uint64_t)(number + *carry + 0.5);
  *carry += number - (double)rounded;
  return rounded;
}

static void file_put_values(struct file_writer *file, const struct gaiti_sample_tally *tally,
                            enum file_state state) {
  const struct gaiti_sample_site *site = &tally->site;
  struct file_carry *carry = &file->carries[site->stack * FILE_STATES + state];
  double bytes = (double)site->bytes;
  double weight =
      (double)tally->count / gaiti_sampler_chance(bytes / (double)file->shot->copy.mean);
  uint64_t objects = site->form == GAITI_SAMPLE_OBJECT ? file_round(weight, &carry->objects) : 0;
  uint64_t space = file_round(weight * bytes, &carry->space);
  bool in_use = state == FILE_IN_USE;
  gaiti_wire_base128(&file->inner, objects);
  gaiti_wire_base128(&file->inner, space);
  gaiti_wire_base128(&file->inner, in_use ? objects : 0);
  gaiti_wire_base128(&file->inner, in_use ? space : 0);
  gaiti_wire_part(&file->part, 2, &file->inner);
}

static void file_put_labels(struct file_writer *file, const struct gaiti_sample_tally *tally,
                            enum file_state state) {
  const struct gaiti_sample_site *site = &tally->site;
  const char *kind = file->shot->kinds[site->kind];
  file_put_label(file, "kind", kind ? kind : "");
  if (site->form == GAITI_SAMPLE_GROWTH) file_put_label(file, "memory", "growth");
  if (site->form == GAITI_SAMPLE_EXTERNAL) file_put_label(file, "memory", "external");
  file_put_count(file, "bytes", site->bytes, "bytes");
  file_put_label(file, "state", state == FILE_DEAD ? "dead" : "live");
  file_put_count(file, "cycles", tally->cycles, "cycles");
  file_put_count(file, "age", gaiti_age_bytes(tally->age), "bytes");
}

static void file_write_sample(struct file_writer *file, const struct gaiti_sample_tally *tally,
                              enum file_state state) {
  file_put_stack(file, tally->site.stack);
  file_put_values(file, tally, state);
  file_put_labels(file, tally, state);
  gaiti_wire_part(file->out, PROFILE_SAMPLE, &file->part);
}

static void file_write_samples(struct file_writer *file) {
  const struct gaiti_profile *copy = &file->shot->copy;
  for (size_t i = 0; i < copy->tally_count; i++)
    file_write_sample(file, &copy->tallies[i], FILE_DEAD);
  for (size_t i = 0; i < copy->places; i++) {
    const struct gaiti_sample *sample = &copy->samples[i];
    if (!sample->address) continue;
    struct gaiti_sample_tally alive = {.site = sample->site,
                                       .cycles = sample->cycles,
                                       .age = gaiti_age_class(copy->clock - sample->born),
                                       .count = 1};
    bool in_use = sample->cycles > 0 || copy->closes == 0;
    file_write_sample(file, &alive, in_use ? FILE_IN_USE : FILE_NEW);
  }
}

/* ---- The whole ---- */

static void file_write_type(struct file_writer *file, unsigned field, const char *type,
                            const char *unit) {
  gaiti_wire_number(&file->part, 1, file_string(file, type));
  gaiti_wire_number(&file->part, 2, file_string(file, unit));
  gaiti_wire_part(file->out, field, &file->part);
}

static void file_write_comment(struct file_writer *file, const char *name, uint64_t number) {
  char text[64];
  snprintf(text, sizeof text, "gait %s %llu", name, (unsigned long long)number);
  gaiti_wire_number(file->out, PROFILE_COMMENT, file_string(file, text));
}

static void file_write_comments(struct file_writer *file) {
  file_write_comment(file, "alloc_bytes", file->shot->alloc_bytes);
  file_write_comment(file, "alloc_objects", file->shot->alloc_objects);
  file_write_comment(file, "cycles", file->shot->cycles);
  file_write_comment(file, "lost_samples", file->shot->copy.lost);
}

static void file_write_head(struct file_writer *file) {
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_REALTIME, &now);
  uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  uint64_t duration_ns = gaiti_os_now_ns() - file->shot->copy.started_ns;
  file_string(file, ""); /* number 0 */
  file_write_type(file, PROFILE_SAMPLE_TYPE, "alloc_objects", "count");
  file_write_type(file, PROFILE_SAMPLE_TYPE, "alloc_space", "bytes");
  file_write_type(file, PROFILE_SAMPLE_TYPE, "inuse_objects", "count");
  file_write_type(file, PROFILE_SAMPLE_TYPE, "inuse_space", "bytes");
  file_write_type(file, PROFILE_PERIOD_TYPE, "space", "bytes");
  gaiti_wire_number(file->out, PROFILE_PERIOD, file->shot->copy.mean);
  gaiti_wire_number(file->out, PROFILE_TIME_NS, now_ns - duration_ns);
  gaiti_wire_number(file->out, PROFILE_DURATION_NS, duration_ns);
  gaiti_wire_number(file->out, PROFILE_DROP_FRAMES, file_string(file, FILE_DROP_FRAMES));
  gaiti_wire_number(file->out, PROFILE_DEFAULT_TYPE, file_string(file, "inuse_space"));
  file_write_comments(file);
}

static void file_destroy(struct file_writer *file) {
  if (file->part.failed || file->inner.failed) file->out->failed = true;
  gaiti_wire_destroy(&file->part);
  gaiti_wire_destroy(&file->inner);
  gaiti_word_map_destroy(&file->strings);
  gaiti_word_map_destroy(&file->locations);
  gaiti_word_map_destroy(&file->functions);
  gaiti_os_free(file->texts);
  gaiti_os_free(file->ends);
  gaiti_os_free(file->addresses);
  gaiti_os_free(file->names);
  gaiti_os_free(file->mappings);
  gaiti_os_free(file->carries);
}

void gaiti_profile_encode(const struct gaiti_profile_shot *shot, struct gaiti_wire *wire) {
  struct file_writer file = {.shot = shot, .out = wire};
  file.carries = gaiti_os_alloc((shot->copy.stacks.count * FILE_STATES + 1) * sizeof *file.carries);
  if (!file.carries) wire->failed = true;
  file_write_head(&file);
  file_take_addresses(&file);
  if (!wire->failed) file_name_addresses(&file);
  if (!wire->failed) {
    file_write_mappings(&file);
    file_write_locations(&file);
    file_write_samples(&file);
    file_write_strings(&file);
  }
  file_destroy(&file);
}
