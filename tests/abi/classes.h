/* classes.h: the size classes of the frozen headers, for a file that has today's. */
#ifndef ABI_CLASSES_H
#define ABI_CLASSES_H

#include <stddef.h>

unsigned frozen_size_class(size_t bytes);
size_t frozen_slot_bytes(size_t bytes);

#endif
