/* heap_blocks.h: reads the blocks of a dump, and makes the tables by which objects are found. */
#ifndef GAIT_HEAP_BLOCKS_H
#define GAIT_HEAP_BLOCKS_H

#include "heap_reader.h"

bool heap_blocks_read(struct heap_dump *dump, struct heap_error *error);

#endif
