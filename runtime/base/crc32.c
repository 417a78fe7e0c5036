#include "base/crc32.h"

#define CRC32_POLYNOMIAL 0xEDB88320u

void gaiti_crc32_init(struct gaiti_crc32 *crc) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t sum = byte;
    for (int bit = 0; bit < 8; bit++)
      sum = sum >> 1 ^ (sum & 1 ? CRC32_POLYNOMIAL : 0);
    crc->tables[0][byte] = sum;
  }
  for (uint32_t byte = 0; byte < 256; byte++)
    for (int table = 1; table < 8; table++) {
      uint32_t before = crc->tables[table - 1][byte];
      crc->tables[table][byte] = before >> 8 ^ crc->tables[0][before & 255];
    }
}

/* Eight bytes at once. */
static uint32_t crc32_eight(const struct gaiti_crc32 *crc, uint32_t sum,
                            const unsigned char *data) {
  uint32_t next = 0;
  for (int i = 0; i < 4; i++)
    next ^= crc->tables[7 - i][data[i] ^ (sum >> 8 * i & 255)];
  for (int i = 4; i < 8; i++)
    next ^= crc->tables[7 - i][data[i]];
  return next;
}

uint32_t gaiti_crc32_add(const struct gaiti_crc32 *crc, uint32_t sum, const void *data,
                         size_t bytes) {
  const unsigned char *at = data;
  sum = ~sum;
  for (; bytes >= 8; bytes -= 8, at += 8)
    sum = crc32_eight(crc, sum, at);
  for (; bytes > 0; bytes--, at++)
    sum = sum >> 8 ^ crc->tables[0][(sum ^ *at) & 255];
  return ~sum;
}
