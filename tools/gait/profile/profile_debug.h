/* profile_debug.h: functions and lines of an address in a program's file, by its DWARF. */
#ifndef GAIT_PROFILE_DEBUG_H
#define GAIT_PROFILE_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A function that has the address, and the line in it: of the address, or of the call that was
 * inlined there.  The texts are there as long as the file is open. */
struct profile_debug_line {
  const char *function;
  const char *file;
  int line;
};

#define PROFILE_DEBUG_MOST 64

/* A file that is open; NULL: it has no debug information, or another build ID than `build_id` ("":
 * any does), or there is no libdw. */
struct profile_debug *profile_debug_open(const char *path, const char *build_id);
void profile_debug_close(struct profile_debug *debug);

/* The address in the file's own numbers of a place `offset` bytes behind the page that is mapped
 * from `file_offset` on.  False: no code of the file is there. */
bool profile_debug_address(const struct profile_debug *debug, uint64_t file_offset, uint64_t offset,
                           uint64_t *address);

/* Fills `lines`, innermost first; returns how many: 0 where nothing is known. */
size_t profile_debug_find(struct profile_debug *debug, uint64_t address,
                          struct profile_debug_line lines[PROFILE_DEBUG_MOST]);

#endif
