/* crc32.h: the checksum of zlib's crc32 and of Ethernet, for files of Gait's. */
#ifndef GAITI_BASE_CRC32_H
#define GAITI_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Eight tables, so that eight bytes are taken at a time. */
struct gaiti_crc32 {
  uint32_t tables[8][256];
};

void gaiti_crc32_init(struct gaiti_crc32 *crc);

/* The sum of bytes that follow others, whose sum is `sum`; 0: none. */
uint32_t gaiti_crc32_add(const struct gaiti_crc32 *crc, uint32_t sum, const void *data,
                         size_t bytes);

#endif
