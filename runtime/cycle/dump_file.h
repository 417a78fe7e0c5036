/* dump_file.h: the file of a heap dump: chunks of bytes, which a thread of its own writes.
 *
 * The thread that makes the chunks holds up all others of the heap, and never waits for the disk: a
 * chunk that is not written yet waits in memory.  Only where there is no memory for another does it
 * wait, for a chunk to be written; there are two from the start.  docs/heap-dump.md has the bytes.
 *
 * A fork's child has a copy of the descriptor and of the chunks, and uses neither. */
#ifndef GAITI_CYCLE_DUMP_FILE_H
#define GAITI_CYCLE_DUMP_FILE_H

#include "base/check.h"
#include "base/crc32.h"
#include "os/os.h"

#define GAITI_DUMP_VERSION 1

/* The types of chunks: four letters, the first in the lowest byte. */
#define GAITI_DUMP_TYPE(a, b, c, d)                                                                \
  ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define GAITI_DUMP_HEAP    GAITI_DUMP_TYPE('H', 'E', 'A', 'P')
#define GAITI_DUMP_KINDS   GAITI_DUMP_TYPE('K', 'I', 'N', 'D')
#define GAITI_DUMP_OBJECTS GAITI_DUMP_TYPE('O', 'B', 'J', 'S')
#define GAITI_DUMP_OUTSIDE GAITI_DUMP_TYPE('E', 'X', 'T', 'B')
#define GAITI_DUMP_WEAK    GAITI_DUMP_TYPE('W', 'E', 'A', 'K')
#define GAITI_DUMP_ROOTS   GAITI_DUMP_TYPE('R', 'O', 'O', 'T')
#define GAITI_DUMP_HOLDERS GAITI_DUMP_TYPE('H', 'O', 'L', 'D')
#define GAITI_DUMP_SITED   GAITI_DUMP_TYPE('S', 'I', 'T', 'D')
#define GAITI_DUMP_SITES   GAITI_DUMP_TYPE('S', 'I', 'T', 'E')
#define GAITI_DUMP_END     GAITI_DUMP_TYPE('D', 'O', 'N', 'E')

/* A chunk is handed to the writer when it has no room for the next entry. */
#define GAITI_DUMP_CHUNK_BYTES (GAITI_STRESS ? (size_t)256 : (size_t)256 << 10)

/*   type   of the chunk
 *   bytes  used of `room`, the chunk's own header left out
 *   data   the header and the bytes */
struct gaiti_dump_chunk {
  struct gaiti_dump_chunk *next;
  uint32_t type;
  size_t bytes;
  size_t room;
  unsigned char *data;
};

/* Of the thread that makes the chunks: `open`, the one that is filled, and `failed`.  The lock has
 * the others, and is the last that a thread takes.
 *   first, last  chunks to be written
 *   spare        chunks that have been
 *   ended        no more come
 *   written      the bytes of the file; error: of the system's, at that place; the writer's, until
 *                it has been waited for */
struct gaiti_dump_file {
  struct gaiti_dump_chunk *open;
  bool failed;
  struct gaiti_lock lock;
  struct gaiti_condition changed;
  struct gaiti_dump_chunk *first;
  struct gaiti_dump_chunk *last;
  struct gaiti_dump_chunk *spare;
  bool ended;
  pthread_t thread;
  bool thread_runs;
  int descriptor;
  uint64_t written;
  uint32_t chunks;
  int error;
  struct gaiti_crc32 crc;
};

/* Makes the file.  False: file->error says why, or is 0 where there is no memory. */
bool gaiti_dump_open(struct gaiti_dump_file *file, const char *path);

/* Room for so many bytes of a chunk of that type, which may be another one than the last; NULL: out
 * of memory, and the dump has failed. */
unsigned char *gaiti_dump_room(struct gaiti_dump_file *file, uint32_t type, size_t bytes);

/* The same in the very chunk of the last room, of which the bytes up to `end` are used. */
unsigned char *gaiti_dump_more(struct gaiti_dump_file *file, unsigned char *end, size_t bytes);

/* The room is used up to here. */
void gaiti_dump_used(struct gaiti_dump_file *file, const unsigned char *end);

/* Writes the rest, and closes the file.  False: not all was written; as gaiti_dump_open. */
bool gaiti_dump_close(struct gaiti_dump_file *file);

/* ---- Numbers: seven bits a byte, the lowest first ---- */

#define GAITI_DUMP_NUMBER_BYTES 10

static inline unsigned char *gaiti_dump_number(unsigned char *at, uint64_t number) {
  for (; number >= 128; number >>= 7)
    *at++ = (unsigned char)(number | 128);
  *at++ = (unsigned char)number;
  return at;
}

/* A difference as a number: 0, -1, 1, -2 ... are 0, 1, 2, 3 ... */
static inline uint64_t gaiti_dump_signed(uint64_t difference) {
  return difference << 1 ^ (uint64_t)((int64_t)difference >> 63);
}

unsigned char *gaiti_dump_text(unsigned char *at, const char *text, size_t chars);

#endif
