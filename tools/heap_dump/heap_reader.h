/* heap_reader.h: reads a heap dump (docs/heap-dump.md).
 *
 * The file is mapped, and little of it is copied: objects are numbered in the order of their
 * addresses, and a number is 32 bits.  For each slot the reader itself has a quarter of a byte, by
 * which objects are found, and for each object that has references another, by which these are. */
#ifndef GAIT_HEAP_READER_H
#define GAIT_HEAP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap_number.h"

#define HEAP_NONE UINT32_MAX

/* Says what is wrong, with the file and the place in it. */
struct heap_error {
  char text[512];
};

struct heap_chunk {
  uint32_t type;
  const unsigned char *data;
  size_t bytes;
};

struct heap_kind {
  char *name;
  uint64_t form; /* a gait_kind_form */
};

/* Equal slots of one kind, side by side.
 *   granule  of the first
 *   edges    the references of the objects; NULL: they have none
 *   first    the number of the first object
 *   ranks    where its slots are in the table of ranks; places: likewise */
struct heap_block {
  uint64_t granule;
  uint64_t slot_granules;
  const unsigned char *edges;
  const unsigned char *edges_end;
  uint32_t slots;
  uint32_t kind;
  uint32_t first;
  uint32_t count;
  size_t ranks;
  size_t places;
};

enum heap_holder_type {
  HEAP_THREAD,
  HEAP_FIBER,
  HEAP_RANGE,
  HEAP_CALLBACK,
  HEAP_HANDLES,
  HEAP_POOL,
  HEAP_QUEUE,
  HEAP_HOLDER_TYPES,
};

enum heap_place {
  HEAP_FRAME,
  HEAP_SCOPE,
  HEAP_REGISTER,
  HEAP_STACK,
  HEAP_WORD,
  HEAP_TRACED,
  HEAP_PLACES,
};

struct heap_holder {
  uint64_t type; /* enum heap_holder_type, or of a later version */
  uint64_t address;
  uint64_t bytes;
  uint64_t tid;
  char *name; /* of a thread; of the variable, or the function; "" where none is known */
};

/* Which of 64 slots of a block have objects, and the number of the first. */
struct heap_rank {
  uint64_t bits;
  uint32_t first;
};

/* A number that belongs to some objects: bytes outside the heap, or a site. */
struct heap_note {
  uint32_t object;
  uint64_t value;
};

struct heap_notes {
  struct heap_note *notes; /* in the order of objects */
  size_t count;
};

/*   base, pid, time, cycle, mapped_bytes   of the heap, at the dump
 *   stopped_ns   for how long its threads were stopped
 *   table        from the place of 64 KiB among the heap's addresses to a block; NULL: too many
 *   near         the block of every HEAP_NEAR-th object
 *   ranks        for each 64 slots of a block
 *   places       where the references of every HEAP_PLACES_EVERY-th object of a block begin */
struct heap_dump {
  char *path;
  const unsigned char *data;
  size_t bytes;
  bool mapped;
  struct heap_chunk *chunks;
  size_t chunks_count;
  uint64_t base;
  uint64_t pid;
  uint64_t time;
  uint64_t cycle;
  uint64_t mapped_bytes;
  uint64_t stopped_ns;
  struct heap_kind *kinds;
  size_t kinds_count;
  struct heap_block *blocks;
  size_t blocks_count;
  uint32_t *table;
  size_t table_count;
  uint32_t *near;
  struct heap_rank *ranks;
  size_t ranks_count;
  uint32_t *places;
  size_t places_count;
  uint32_t objects;
  uint64_t edges;
  uint64_t weak;
  uint64_t roots;
  uint64_t object_bytes;
  struct heap_holder *holders;
  size_t holders_count;
  char **sites;
  size_t sites_count;
  struct heap_notes external;
  struct heap_notes sited;
};

#define HEAP_GRANULE_BYTES 16u
#define HEAP_NEAR          256u
#define HEAP_PLACES_EVERY  16u

/* Maps and checks the file.  NULL: *error says why not. */
struct heap_dump *heap_dump_open(const char *path, struct heap_error *error);

/* The same for bytes that stay where they are, in the name of a file. */
struct heap_dump *heap_dump_read(const void *data, size_t bytes, const char *path,
                                 struct heap_error *error);

void heap_dump_close(struct heap_dump *dump);

/* Lets the system take back the memory in which pages of the file are. */
void heap_dump_forget_pages(const struct heap_dump *dump);

/* ---- Objects ---- */

const struct heap_block *heap_block_of(const struct heap_dump *dump, uint32_t object);

/* The slot of an object of the block. */
uint32_t heap_slot_of(const struct heap_dump *dump, const struct heap_block *block,
                      uint32_t object);

uint64_t heap_granule_of(const struct heap_dump *dump, uint32_t object);
uint64_t heap_address_of(const struct heap_dump *dump, uint32_t object);

static inline uint64_t heap_block_slot_bytes(const struct heap_block *block) {
  return block->slot_granules * HEAP_GRANULE_BYTES;
}

/* The object that begins at the granule, or HEAP_NONE. */
uint32_t heap_object_at(const struct heap_dump *dump, uint64_t granule);

/* The object that has the address in its slot, or HEAP_NONE. */
uint32_t heap_object_with(const struct heap_dump *dump, uint64_t address);

/* The value that is noted for the object, or `otherwise`. */
uint64_t heap_note_of(const struct heap_notes *notes, uint32_t object, uint64_t otherwise);

/* ---- References ---- */

#define HEAP_NO_WORD UINT64_MAX

/* A walk over the references of one object.
 *   target  the object that the last one leads to, and granule: its own
 *   word    the word of the object that has it, or HEAP_NO_WORD
 *   over    there are no more */
struct heap_edges {
  const struct heap_dump *dump;
  struct heap_cursor cursor;
  uint64_t granule;
  uint64_t word;
  uint64_t last_word;
  uint32_t target;
  bool over;
};

void heap_edges_begin(struct heap_edges *edges, const struct heap_dump *dump, uint32_t object);

/* Goes on to the next one; false: there is none.  One that leads to no object is passed over. */
bool heap_edges_next(struct heap_edges *edges);

/* The same without a look at the object there: the target is not told. */
bool heap_edges_next_granule(struct heap_edges *edges);

/* Asks for the memory that tells which object begins at a granule. */
void heap_object_prefetch(const struct heap_dump *dump, uint64_t granule);

/* Where the walk over an object's references is, and a walk that goes on from there, when `target`
 * was the last; its words are not told. */
uint32_t heap_edges_place(const struct heap_edges *edges, uint32_t object);
void heap_edges_resume(struct heap_edges *edges, const struct heap_dump *dump, uint32_t object,
                       uint32_t place, uint32_t target);

/* A walk over all objects that may have references, in their order: in less time than one after the
 * other takes. */
struct heap_scan {
  struct heap_edges edges;
  uint32_t object;
  size_t block;
  uint32_t rank;
  uint32_t slot;
};

void heap_scan_begin(struct heap_scan *scan, const struct heap_dump *dump);

/* Goes on to the next object; the references are those of scan->edges. */
bool heap_scan_next(struct heap_scan *scan);

/* ---- Roots and weak references ---- */

/* A walk over all of them.
 *   target  of the last, and slot: its address, 0 where a function has traced it */
struct heap_roots {
  const struct heap_dump *dump;
  size_t chunk;
  struct heap_cursor cursor;
  uint64_t holder;
  uint64_t place; /* enum heap_place */
  uint64_t slot;
  uint32_t target;
};

void heap_roots_begin(struct heap_roots *roots, const struct heap_dump *dump);
bool heap_roots_next(struct heap_roots *roots);

/* A walk over the weak references, and the keys of ephemerons. */
struct heap_weak {
  const struct heap_dump *dump;
  size_t chunk;
  struct heap_cursor cursor;
  uint32_t from;
  uint32_t target;
};

void heap_weak_begin(struct heap_weak *weak, const struct heap_dump *dump);
bool heap_weak_next(struct heap_weak *weak);

#endif
