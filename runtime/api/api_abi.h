/* api_abi.h: whether a program was compiled with the inline functions of this library. */
#ifndef GAITI_API_API_ABI_H
#define GAITI_API_API_ABI_H

#include "heap/heap.h"

/* Another number than GAIT_ABI is reported in the heap's log; `heap` NULL: on standard error. */
bool gaiti_abi_matches(gait_heap *heap, unsigned abi);

#endif
