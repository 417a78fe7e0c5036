/* heap_dump.h: a dump of a heap: objects, the references that marking finds in each, and roots.
 *
 * It is an inspection (inspect.h): a full cycle has swept, and every thread is stopped until all is
 * in memory, or in the file.  Names of functions and variables are looked up afterwards. */
#ifndef GAITI_CYCLE_HEAP_DUMP_H
#define GAITI_CYCLE_HEAP_DUMP_H

#include "cycle/dump_file.h"
#include "cycle/inspect.h"
#include "heap/call_stacks.h"
#include "mark/marker.h"
#include "os/symbols.h"

/* Holders of roots.  The values are the file's. */
enum gaiti_dump_holder_type {
  GAITI_DUMP_THREAD,
  GAITI_DUMP_FIBER,
  GAITI_DUMP_RANGE,
  GAITI_DUMP_CALLBACK,
  GAITI_DUMP_HANDLES,
  GAITI_DUMP_POOL,
  GAITI_DUMP_QUEUE,
  GAITI_DUMP_HOLDER_TYPES,
};

/* Where in its holder a root is.  The values are the file's. */
enum gaiti_dump_place {
  GAITI_DUMP_FRAME,
  GAITI_DUMP_SCOPE,
  GAITI_DUMP_REGISTER,
  GAITI_DUMP_STACK,
  GAITI_DUMP_WORD, /* of a range, a handle, or the value of a fiber */
  GAITI_DUMP_TRACED,
  GAITI_DUMP_PLACES,
};

/*   address   of the thread, the fiber, the range or all handles; the argument of a callback
 *   function  of a callback
 *   bytes     of a range
 *   tid, name of a thread */
struct gaiti_dump_holder {
  enum gaiti_dump_holder_type type;
  uintptr_t address;
  uintptr_t function;
  size_t bytes;
  int tid;
  char name[GAITI_THREAD_NAME_BYTES];
};

/* One dump.  It belongs to the thread that runs the cycle, while that makes it.
 *   marker   asks functions of the program's for references
 *   holders  of the roots, to be named when the threads run again
 *   sites    where objects were allocated, with the option find_missing; stacks: the same of
 *            samples, with a profile
 *   objects, edges, weak, roots   that the file has
 *   slot     of the last root: the next is told by its difference */
struct gaiti_dump {
  struct gaiti_inspection inspection;
  struct gaiti_dump_file file;
  gait_heap *heap;
  struct gaiti_marker *marker;
  struct gaiti_dump_holder *holders;
  size_t holders_count;
  size_t holders_capacity;
  struct gaiti_site *sites;
  size_t sites_count;
  struct gaiti_call_stacks stacks;
  uint64_t objects;
  uint64_t edges;
  uint64_t weak;
  uint64_t roots;
  uint64_t stopped_ns;
  uintptr_t slot;
};

/* Writes it to the file of that path.  False: `error` says why.
 * Thread: in managed state; it is outside while it waits. */
bool gaiti_dump(gait_thread *thread, const char *path, char *error, size_t error_bytes);

/* The parts, while every thread is stopped. */
void gaiti_dump_objects(struct gaiti_dump *dump); /* and weak references, and kinds before them */
void gaiti_dump_roots(struct gaiti_dump *dump);
void gaiti_dump_sited(struct gaiti_dump *dump); /* objects of which the site is known */

/* Then, when they run again. */
void gaiti_dump_names(struct gaiti_dump *dump);
void gaiti_dump_sites(struct gaiti_dump *dump);

/* The granule of an object: 16 bytes each, from the heap's base. */
static inline uint64_t gaiti_dump_granule(gaiti_ref ref) {
  return ref & GAITI_REF_GRANULES;
}

#endif
