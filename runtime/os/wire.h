/* wire.h: messages in the encoding of protocol buffers, and a gzip file around them.
 *
 * Fields are numbers in base 128, and pieces of bytes: a text or a message within the message.  The
 * file is not compressed: its blocks are stored, so that the library needs no zlib. */
#ifndef GAITI_OS_WIRE_H
#define GAITI_OS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: empty.  Memory that cannot be had is noted in `failed`, and nothing is added then. */
struct gaiti_wire {
  unsigned char *bytes;
  size_t count;
  size_t room;
  bool failed;
};

void gaiti_wire_destroy(struct gaiti_wire *wire);

/* A field that is a number, left out where that is 0; and the same where 0 stands, too. */
void gaiti_wire_number(struct gaiti_wire *wire, unsigned field, uint64_t number);
void gaiti_wire_number_always(struct gaiti_wire *wire, unsigned field, uint64_t number);

/* A number without its field, as the parts of a packed field are. */
void gaiti_wire_base128(struct gaiti_wire *wire, uint64_t number);

/* A field of bytes, and the message `part`, which is emptied. */
void gaiti_wire_bytes(struct gaiti_wire *wire, unsigned field, const void *bytes, size_t count);
void gaiti_wire_part(struct gaiti_wire *wire, unsigned field, struct gaiti_wire *part);

/* Hands the gzip file with these bytes to `write`, piece by piece, until that returns false.
 * Returns whether all was written. */
typedef bool gaiti_wire_write_fn(const void *bytes, size_t count, void *arg);
bool gaiti_wire_gzip(const struct gaiti_wire *wire, gaiti_wire_write_fn *write, void *arg);

#endif
