/* samples.h: the samples of a heap with the option profile_bytes: those whose objects live, one by
 * one, and the dead, counted by stack, kind, size and age.
 *
 * A sample is born on the clock of allocated bytes, when its object is handed out, and dies in the
 * cycle that finds the object dead, when marking has closed and the epoch has yet to rise; or when
 * the program frees the object.  Until then no slot of it is handed out anew, so an address names
 * one object.
 *
 * .sample.birth  A thread notes its object without a safepoint in between.  So an object that is
 * white when marking begins is noted before its thread has scanned its roots, and one that is noted
 * while marking closes is black.
 *
 * .sample.found  An object that was black at birth has been found by no cycle: the cycle under way
 * keeps it, dead or not.  It counts as in use, and a cycle older, from the next on. */
#ifndef GAITI_HEAP_SAMPLES_H
#define GAITI_HEAP_SAMPLES_H

#include "heap/call_stacks.h"
#include "heap/heap.h"
#include "heap/sampler.h"

/* Of a sample: an object; bytes that an object has grown by in its place; bytes that it holds
 * outside the heap. */
enum gaiti_sample_form { GAITI_SAMPLE_OBJECT, GAITI_SAMPLE_GROWTH, GAITI_SAMPLE_EXTERNAL };

/* The call and the object of a sample. */
struct gaiti_sample_site {
  uint64_t bytes;
  uint32_t stack;
  uint16_t kind;
  uint16_t form;
};

/* One that lives; address 0: a free place.
 *   next    the next sample of the same object, as a place + 1; or of the free list
 *   cycles  have found it
 *   black   the epoch in which it was born black, or 0
 *   born    on the clock */
struct gaiti_sample {
  struct gaiti_sample_site site;
  uintptr_t address;
  uint32_t next;
  uint32_t cycles;
  AO_t black;
  uint64_t born;
};

/* The dead of one site that grew about as old.
 *   cycles  that had found each of them; from 4 on, a power of two and those up to the next
 *   age     bytes allocated from birth to the cycle that found it dead, by gaiti_age_class */
struct gaiti_sample_tally {
  struct gaiti_sample_site site;
  uint32_t cycles;
  uint32_t age;
  uint64_t count;
};

/* Objects freed by the program are looked for in the table only where this says that they may be
 * there. */
#define GAITI_PROFILE_FILTER 16384u

/* All of it is guarded by the lock, but for the constant `mean` and the atomics.
 *   clock       bytes allocated, as processors have told
 *   closes      cycles that have ended their marking
 *   lost        samples for which there was no memory
 *   index       from an address to the place of its first sample
 *   filter      how many live samples have an address with that hash; at 255 it stays.  Atomic
 *   frames      the interpreter's, with its argument; written while no thread allocates
 *   path        the option profile, or NULL; constant, like the process and which of its heaps with
 *               such a path this is */
struct gaiti_profile {
  struct gaiti_lock lock;
  uint64_t mean;
  uint64_t clock;
  uint64_t closes;
  uint64_t lost;
  uint64_t started_ns; /* of the monotonic clock */
  struct gaiti_sample *samples;
  size_t places, room;
  uint32_t free; /* a place + 1 */
  AO_t live;
  struct gaiti_word_map index;
  struct gaiti_sample_tally *tallies;
  size_t tally_count, tally_room;
  struct gaiti_word_map tally_index;
  struct gaiti_call_stacks stacks;
  unsigned char *filter;
  gait_profile_frames_fn *frames;
  void *frames_arg;
  char *path;
  int pid;
  uint64_t number;
};

/* Nothing where the option is off.  False: out of memory. */
bool gaiti_profile_init(gait_heap *heap);
void gaiti_profile_destroy(gait_heap *heap);

static inline bool gaiti_profile_is_on(const gait_heap *heap) {
  return __builtin_expect(heap->profile != NULL, 0);
}

/* Notes an object that has just been handed out; `black`: the heap's epoch, if it is, or 0.  The
 * sampler's passed bytes go to the clock.  Thread: the one that made it. */
struct gaiti_sample_stack {
  const uintptr_t *frames;
  size_t count;
  const gait_profile_frame *named;
  size_t named_count;
};
void gaiti_profile_add(gait_heap *heap, uintptr_t address, struct gaiti_sample_site site,
                       const struct gaiti_sample_stack *stack, AO_t black,
                       struct gaiti_sampler *sampler);

/* The program has freed the object that starts there. */
void gaiti_profile_free(gait_heap *heap, uintptr_t address);

/* The object holds `after` external bytes, and held `before`, more: of its samples of such bytes as
 * many stay by the mean. */
void gaiti_profile_thin(gait_heap *heap, uintptr_t address, uint64_t before, uint64_t after,
                        struct gaiti_sampler *sampler);

/* Finds the dead: marking is closed, finalizers' objects are marked, and the epoch has not risen.
 * Thread: the one that runs the cycle. */
void gaiti_profile_close(gait_heap *heap);

/* Whether that takes longer than a thread with a deadline may. */
bool gaiti_profile_is_long(const gait_heap *heap);

/* The class of an age, four to a doubling, and the least age of one. */
uint32_t gaiti_age_class(uint64_t bytes);
uint64_t gaiti_age_bytes(uint32_t age_class);

/* ---- For the writer ---- */

/* A copy, without indices: freed by gaiti_profile_drop.  False: out of memory. */
bool gaiti_profile_copy(gait_heap *heap, struct gaiti_profile *copy);
void gaiti_profile_drop(struct gaiti_profile *copy);

#endif
