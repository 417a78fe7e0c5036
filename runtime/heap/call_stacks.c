#define _GNU_SOURCE /* strnlen */
#include "heap/call_stacks.h"

#include <string.h>

#include "os/os.h"

bool gaiti_room_make(void **array, size_t count, size_t *room, size_t more, size_t element_bytes) {
  if (count + more <= *room) return true;
  size_t wanted = *room ? *room * 2 : 64;
  if (wanted < count + more) wanted = count + more;
  void *larger = gaiti_os_alloc(wanted * element_bytes);
  if (!larger) return false;
  if (count > 0) memcpy(larger, *array, count * element_bytes);
  gaiti_os_free(*array);
  *array = larger;
  *room = wanted;
  return true;
}

/* gaiti_room_make for a field of any pointer type. */
#define STACKS_ROOM(field, count, room, more)                                                      \
  stacks_room((void *)&(field), (count), &(room), (more), sizeof *(field))

static bool stacks_room(void *field, size_t count, size_t *room, size_t more, size_t bytes) {
  void *array;
  memcpy(&array, field, sizeof array);
  bool made = gaiti_room_make(&array, count, room, more, bytes);
  memcpy(field, &array, sizeof array);
  return made;
}

void gaiti_call_stacks_destroy(struct gaiti_call_stacks *stacks) {
  gaiti_os_free(stacks->words);
  gaiti_os_free(stacks->stacks);
  gaiti_os_free(stacks->named);
  gaiti_os_free(stacks->text);
  gaiti_word_map_destroy(&stacks->index);
  gaiti_word_map_destroy(&stacks->named_index);
  *stacks = (struct gaiti_call_stacks){0};
}

/* No key is 0; keys that collide are tried by twos. */
static uintptr_t stacks_hash(uintptr_t hash, const void *bytes, size_t count) {
  const unsigned char *at = bytes;
  for (size_t i = 0; i < count; i++)
    hash = (hash ^ at[i]) * 0x100000001B3u;
  return hash;
}

static uintptr_t stacks_hash_words(const uintptr_t *words, size_t count) {
  uintptr_t hash = count;
  for (size_t i = 0; i < count; i++)
    hash = (hash ^ words[i] ^ hash >> 29) * 0x9E3779B97F4A7C15u;
  return hash | 1;
}

/* ---- Frames of an interpreter's ---- */

/* Copies a name into the text; *place: where.  One that is cut is cut between two characters. */
static bool stacks_keep_text(struct gaiti_call_stacks *stacks, const char *name, size_t *place) {
  size_t bytes = name ? strnlen(name, GAITI_STACK_NAMED_BYTES - 1) : 0;
  while (bytes == GAITI_STACK_NAMED_BYTES - 1 && bytes > 0 && (name[bytes] & 0xC0) == 0x80)
    bytes--;
  if (!STACKS_ROOM(stacks->text, stacks->text_bytes, stacks->text_room, bytes + 1)) return false;
  *place = stacks->text_bytes;
  if (bytes > 0) memcpy(stacks->text + *place, name, bytes);
  stacks->text[*place + bytes] = '\0';
  stacks->text_bytes += bytes + 1;
  return true;
}

static bool stacks_is_text(const struct gaiti_call_stacks *stacks, size_t place, const char *name) {
  return strncmp(stacks->text + place, name ? name : "", GAITI_STACK_NAMED_BYTES - 1) == 0;
}

static bool stacks_is_named(const struct gaiti_call_stacks *stacks, size_t place,
                            const gait_profile_frame *frame) {
  const struct gaiti_named_frame *known = &stacks->named[place];
  return known->line == frame->line && stacks_is_text(stacks, known->function, frame->function) &&
         stacks_is_text(stacks, known->file, frame->file);
}

static uintptr_t stacks_hash_named(const gait_profile_frame *frame) {
  uintptr_t hash = stacks_hash(0xCBF29CE484222325u, &frame->line, sizeof frame->line);
  if (frame->function)
    hash =
        stacks_hash(hash, frame->function, strnlen(frame->function, GAITI_STACK_NAMED_BYTES - 1));
  if (frame->file)
    hash = stacks_hash(hash, frame->file, strnlen(frame->file, GAITI_STACK_NAMED_BYTES - 1));
  return hash | 1;
}

uintptr_t gaiti_call_stacks_name(struct gaiti_call_stacks *stacks,
                                 const gait_profile_frame *frame) {
  uintptr_t key = stacks_hash_named(frame);
  for (const uintptr_t *known; (known = gaiti_word_map_find(&stacks->named_index, key)); key += 2)
    if (stacks_is_named(stacks, *known, frame)) return GAITI_FRAME_NAMED | *known;
  struct gaiti_named_frame named = {.line = frame->line};
  if (!STACKS_ROOM(stacks->named, stacks->named_count, stacks->named_room, 1) ||
      !stacks_keep_text(stacks, frame->function, &named.function) ||
      !stacks_keep_text(stacks, frame->file, &named.file) ||
      !gaiti_word_map_set(&stacks->named_index, key, stacks->named_count))
    return 0;
  stacks->named[stacks->named_count] = named;
  return GAITI_FRAME_NAMED | stacks->named_count++;
}

/* ---- Stacks ---- */

uint32_t gaiti_call_stacks_add(struct gaiti_call_stacks *stacks, const uintptr_t *frames,
                               size_t count) {
  uintptr_t key = stacks_hash_words(frames, count);
  for (const uintptr_t *known; (known = gaiti_word_map_find(&stacks->index, key)); key += 2) {
    const struct gaiti_call_stack *stack = &stacks->stacks[*known];
    if (stack->count == count &&
        memcmp(stacks->words + stack->first, frames, count * sizeof *frames) == 0)
      return (uint32_t)*known;
  }
  if (stacks->count >= GAITI_NO_STACK - 1 ||
      !STACKS_ROOM(stacks->words, stacks->word_count, stacks->word_room, count) ||
      !STACKS_ROOM(stacks->stacks, stacks->count, stacks->room, 1) ||
      !gaiti_word_map_set(&stacks->index, key, stacks->count))
    return GAITI_NO_STACK;
  memcpy(stacks->words + stacks->word_count, frames, count * sizeof *frames);
  stacks->stacks[stacks->count] = (struct gaiti_call_stack){stacks->word_count, count};
  stacks->word_count += count;
  return (uint32_t)stacks->count++;
}

bool gaiti_call_stacks_copy(struct gaiti_call_stacks *to, const struct gaiti_call_stacks *from) {
  *to = (struct gaiti_call_stacks){0};
  if (!STACKS_ROOM(to->words, 0, to->word_room, from->word_count) ||
      !STACKS_ROOM(to->stacks, 0, to->room, from->count) ||
      !STACKS_ROOM(to->named, 0, to->named_room, from->named_count) ||
      !STACKS_ROOM(to->text, 0, to->text_room, from->text_bytes)) {
    gaiti_call_stacks_destroy(to);
    return false;
  }
  to->word_count = from->word_count;
  to->count = from->count;
  to->named_count = from->named_count;
  to->text_bytes = from->text_bytes;
  if (to->word_count) memcpy(to->words, from->words, to->word_count * sizeof *to->words);
  if (to->count) memcpy(to->stacks, from->stacks, to->count * sizeof *to->stacks);
  if (to->named_count) memcpy(to->named, from->named, to->named_count * sizeof *to->named);
  if (to->text_bytes) memcpy(to->text, from->text, to->text_bytes);
  return true;
}
