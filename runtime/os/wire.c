/* The formats: protobuf.dev's encoding, RFC 1951 (blocks that are stored) and RFC 1952. */
#include "os/wire.h"

#include <string.h>

#include "os/os.h"

enum { WIRE_NUMBER = 0, WIRE_BYTES = 2 };

#define WIRE_BLOCK_BYTES ((size_t)65535)

void gaiti_wire_destroy(struct gaiti_wire *wire) {
  gaiti_os_free(wire->bytes);
  *wire = (struct gaiti_wire){0};
}

static void wire_append(struct gaiti_wire *wire, const void *bytes, size_t count) {
  if (wire->failed || count == 0) return;
  if (count > wire->room - wire->count) {
    size_t room = wire->room * 2 + count + 256;
    unsigned char *larger = gaiti_os_alloc(room);
    wire->failed = !larger;
    if (!larger) return;
    if (wire->count) memcpy(larger, wire->bytes, wire->count);
    gaiti_os_free(wire->bytes);
    wire->bytes = larger;
    wire->room = room;
  }
  memcpy(wire->bytes + wire->count, bytes, count);
  wire->count += count;
}

void gaiti_wire_base128(struct gaiti_wire *wire, uint64_t number) {
  unsigned char digits[10];
  size_t count = 0;
  for (; number >= 128; number >>= 7)
    digits[count++] = (unsigned char)(number | 128);
  digits[count++] = (unsigned char)number;
  wire_append(wire, digits, count);
}

void gaiti_wire_number_always(struct gaiti_wire *wire, unsigned field, uint64_t number) {
  gaiti_wire_base128(wire, (uint64_t)field << 3 | WIRE_NUMBER);
  gaiti_wire_base128(wire, number);
}

void gaiti_wire_number(struct gaiti_wire *wire, unsigned field, uint64_t number) {
  if (number) gaiti_wire_number_always(wire, field, number);
}

void gaiti_wire_bytes(struct gaiti_wire *wire, unsigned field, const void *bytes, size_t count) {
  gaiti_wire_base128(wire, (uint64_t)field << 3 | WIRE_BYTES);
  gaiti_wire_base128(wire, count);
  wire_append(wire, bytes, count);
}

void gaiti_wire_part(struct gaiti_wire *wire, unsigned field, struct gaiti_wire *part) {
  gaiti_wire_bytes(wire, field, part->bytes, part->count);
  if (part->failed) wire->failed = true;
  part->count = 0;
}

/* ---- The file ---- */

static uint32_t wire_crc(const unsigned char *bytes, size_t count) {
  uint32_t table[256], crc = UINT32_MAX;
  for (uint32_t i = 0; i < 256; i++) {
    table[i] = i;
    for (int bit = 0; bit < 8; bit++)
      table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xEDB88320u : 0);
  }
  for (size_t i = 0; i < count; i++)
    crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 255];
  return ~crc;
}

static void wire_put32(unsigned char *at, uint32_t number) {
  for (int i = 0; i < 4; i++)
    at[i] = (unsigned char)(number >> 8 * i);
}

/* One block: its head, with the length twice, and the bytes. */
static bool wire_write_block(const unsigned char *bytes, size_t count, bool last,
                             gaiti_wire_write_fn *write, void *arg) {
  unsigned char head[5] = {last, (unsigned char)count, (unsigned char)(count >> 8),
                           (unsigned char)~count, (unsigned char)(~count >> 8)};
  return write(head, sizeof head, arg) && (count == 0 || write(bytes, count, arg));
}

bool gaiti_wire_gzip(const struct gaiti_wire *wire, gaiti_wire_write_fn *write, void *arg) {
  static const unsigned char head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
  unsigned char tail[8];
  if (!write(head, sizeof head, arg)) return false;
  size_t done = 0;
  do {
    size_t part = wire->count - done < WIRE_BLOCK_BYTES ? wire->count - done : WIRE_BLOCK_BYTES;
    if (!wire_write_block(wire->bytes + done, part, done + part == wire->count, write, arg))
      return false;
    done += part;
  } while (done < wire->count);
  wire_put32(tail, wire_crc(wire->bytes, wire->count));
  wire_put32(tail + 4, (uint32_t)wire->count);
  return write(tail, sizeof tail, arg);
}
