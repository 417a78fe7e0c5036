/* heap_text.h: what a dump has, in words for people. */
#ifndef GAIT_HEAP_TEXT_H
#define GAIT_HEAP_TEXT_H

#include "heap_reader.h"

/* "48 B", "1.5 MiB". */
const char *heap_size_text(uint64_t bytes, char text[32]);

/* The same with a sign. */
const char *heap_change_text(int64_t bytes, char text[32]);

/* "thread \"main\" (id 12): on its stack, at 0x..." */
void heap_root_text(const struct heap_dump *dump, uint64_t holder, uint64_t place, uint64_t slot,
                    char *text, size_t bytes);

/* The name of the sort of holder, as JSON has it. */
const char *heap_holder_word(const struct heap_dump *dump, uint64_t holder);
const char *heap_place_word(uint64_t place);

#endif
