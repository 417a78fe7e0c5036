/* symbols.h: the names of functions and variables of this process, for reports; and places in the
 * program, by their return addresses.
 *
 * Names come from the symbol tables of the program's files, those that `strip` takes away among
 * them, so that static functions have names. */
#ifndef GAITI_OS_SYMBOLS_H
#define GAITI_OS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GAITI_SITE_FRAMES       12
#define GAITI_SYMBOL_NAME_BYTES 96

/* A place in the program: return addresses, innermost first. */
struct gaiti_site {
  int count;
  uintptr_t frames[GAITI_SITE_FRAMES];
};

/* Takes the calling thread's, from the function on to which `caller` returns; that address alone
 * where the C library cannot walk a stack. */
void gaiti_site_take(struct gaiti_site *site, const void *caller);

/*   name    of the function or the variable; "" where the file has none
 *   start   where it begins
 *   file    the last part of the file's path
 *   offset  of the address in that file, as addr2line takes it */
struct gaiti_symbol {
  char name[GAITI_SYMBOL_NAME_BYTES];
  uintptr_t start;
  char file[64];
  uintptr_t offset;
};

/* The function, or the variable, that has the address.  False: it is in no file of the process. */
bool gaiti_symbol_of_function(uintptr_t address, struct gaiti_symbol *symbol);
bool gaiti_symbol_of_variable(uintptr_t address, struct gaiti_symbol *symbol);

/* ---- The program's code, file by file ---- */

#define GAITI_BUILD_ID_BYTES 32

/* Code of one file, as it is mapped: whole pages.
 *   slide     what is added to the file's own addresses
 *   build_id  in hexadecimal digits, "" where the file has none */
struct gaiti_mapping {
  uintptr_t start;
  uintptr_t end;
  uintptr_t slide;
  uint64_t offset;
  char path[512];
  char build_id[2 * GAITI_BUILD_ID_BYTES + 1];
};

/* The code of the process; returns how many, `most` at most. */
size_t gaiti_mappings(struct gaiti_mapping *mappings, size_t most);

/* Calls `name` with the function of each address, in order, of those that are in the mapping and
 * that its file has the name of.  `addresses` ascend.  The text is there during the call only. */
typedef void gaiti_function_fn(size_t place, const char *text, uintptr_t start, void *arg);
void gaiti_mapping_name(const struct gaiti_mapping *mapping, const uintptr_t *addresses,
                        size_t count, gaiti_function_fn *name, void *arg);

/* Calls `visit` for the writable data of each file of the process, until it returns false. */
typedef bool gaiti_segment_fn(const void *start, const void *end, void *arg);
void gaiti_data_segments(gaiti_segment_fn *visit, void *arg);

#endif
