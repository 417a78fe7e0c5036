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

/* Calls `visit` for the writable data of each file of the process, until it returns false. */
typedef bool gaiti_segment_fn(const void *start, const void *end, void *arg);
void gaiti_data_segments(gaiti_segment_fn *visit, void *arg);

#endif
