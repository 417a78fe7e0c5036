#include "heap_text.h"

#include <inttypes.h>
#include <stdio.h>

const char *heap_size_text(uint64_t bytes, char text[32]) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double size = (double)bytes;
  size_t unit = 0;
  for (; size >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
    size /= 1024;
  snprintf(text, 32, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
  return text;
}

const char *heap_change_text(int64_t bytes, char text[32]) {
  char size[32];
  uint64_t amount = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
  snprintf(text, 32, "%s%.28s",
           bytes < 0   ? "-"
           : bytes > 0 ? "+"
                       : "",
           heap_size_text(amount, size));
  return text;
}

const char *heap_holder_word(const struct heap_dump *dump, uint64_t holder) {
  static const char *const words[HEAP_HOLDER_TYPES] = {
      "thread", "fiber", "range", "callback", "handle", "pool", "finalizer queue"};
  uint64_t type = dump->holders[holder].type;
  return type < HEAP_HOLDER_TYPES ? words[type] : "root";
}

const char *heap_place_word(uint64_t place) {
  static const char *const words[HEAP_PLACES] = {"frame", "scope", "register",
                                                 "stack", "word",  "traced"};
  return place < HEAP_PLACES ? words[place] : "word";
}

static void root_place_text(uint64_t place, uint64_t slot, char *text, size_t bytes) {
  static const char *const words[HEAP_PLACES] = {
      ", in a frame", ", in a scope", ", in a register", ", on its stack", "", ""};
  if (place == HEAP_TRACED || place >= HEAP_PLACES)
    text[0] = '\0';
  else
    snprintf(text, bytes, "%s, at 0x%" PRIx64, words[place], slot);
}

void heap_root_text(const struct heap_dump *dump, uint64_t number, uint64_t place, uint64_t slot,
                    char *text, size_t bytes) {
  const struct heap_holder *holder = &dump->holders[number];
  const char *word = heap_holder_word(dump, number), *name = holder->name;
  char where[64];
  root_place_text(place, slot, where, sizeof where);
  switch (holder->type) {
  case HEAP_THREAD:
    snprintf(text, bytes, "thread \"%s\" (id %" PRIu64 ")%s", name, holder->tid, where);
    return;
  case HEAP_RANGE:
    if (name[0] && slot >= holder->address)
      snprintf(text, bytes, "range %s, byte %" PRIu64 " (0x%" PRIx64 ")", name,
               slot - holder->address, slot);
    else
      snprintf(text, bytes, "range at 0x%" PRIx64 "%s", holder->address, where);
    return;
  case HEAP_CALLBACK:
    snprintf(text, bytes, "callback %s, with 0x%" PRIx64, name[0] ? name : "(no name)",
             holder->address);
    return;
  case HEAP_HANDLES: snprintf(text, bytes, "a handle%s", where); return;
  case HEAP_QUEUE: snprintf(text, bytes, "the queue of finalizers that are due"); return;
  default: snprintf(text, bytes, "%s 0x%" PRIx64 "%s", word, holder->address, where); return;
  }
}
