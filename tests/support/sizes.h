/* sizes.h: numbers of bytes. */
#ifndef SUPPORT_SIZES_H
#define SUPPORT_SIZES_H

#include <stdint.h>

#define KIB ((int64_t)1 << 10)
#define MIB ((int64_t)1 << 20)

#endif
