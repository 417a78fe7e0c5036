/* unwind.h: return addresses of the calling thread's stack, by the unwinder of the compiler's own
 * library: frames need no frame pointer, and none is in the program's way. */
#ifndef GAITI_OS_UNWIND_H
#define GAITI_OS_UNWIND_H

#include <stddef.h>
#include <stdint.h>

#define GAITI_UNWIND_FRAMES 64u

/* Loads all that a walk needs and that comes with the first one. */
void gaiti_unwind_prepare(void);

/* Fills `frames`, which has room for GAITI_UNWIND_FRAMES, with return addresses, innermost first,
 * from `caller` on: the address to which some call below returns.  Returns how many; `caller` alone
 * where the stack cannot be walked from here to there, as through code without unwind tables. */
size_t gaiti_unwind(uintptr_t *frames, const void *caller);

#endif
