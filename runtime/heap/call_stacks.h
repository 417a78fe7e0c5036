/* call_stacks.h: stacks of calls, each kept once, for the profile.
 *
 * A frame is a return address, or one of an interpreter's, which has names of its own: then bit 63
 * is set, which no address of a program has, and the rest is a place in `named`. */
#ifndef GAITI_HEAP_CALL_STACKS_H
#define GAITI_HEAP_CALL_STACKS_H

#include "gait/profile.h"
#include "heap/word_map.h"
#include "os/unwind.h"

/* Of the program at most, and as many of an interpreter: a fiber's stack may be small. */
#define GAITI_STACK_FRAMES      GAITI_UNWIND_FRAMES
#define GAITI_FRAME_NAMED       ((uintptr_t)1 << 63)
#define GAITI_NO_STACK          UINT32_MAX
#define GAITI_STACK_NAMED_BYTES 256u /* of a name, its 0 included; longer ones are cut */

struct gaiti_call_stack {
  size_t first; /* in `words` */
  size_t count;
};

/* A frame of an interpreter's; the names are places in `text`. */
struct gaiti_named_frame {
  size_t function;
  size_t file;
  int64_t line;
};

/* Zeroed: empty.  Arrays grow, and their memory is no part of the heap's.
 *   index  from a hash to a place in `stacks`, and one for `named` */
struct gaiti_call_stacks {
  uintptr_t *words;
  size_t word_count, word_room;
  struct gaiti_call_stack *stacks;
  size_t count, room;
  struct gaiti_named_frame *named;
  size_t named_count, named_room;
  char *text;
  size_t text_bytes, text_room;
  struct gaiti_word_map index;
  struct gaiti_word_map named_index;
};

void gaiti_call_stacks_destroy(struct gaiti_call_stacks *stacks);

/* The word for a frame of an interpreter's; 0: out of memory. */
uintptr_t gaiti_call_stacks_name(struct gaiti_call_stacks *stacks, const gait_profile_frame *frame);

/* The place of the stack of these frames, innermost first; GAITI_NO_STACK: out of memory. */
uint32_t gaiti_call_stacks_add(struct gaiti_call_stacks *stacks, const uintptr_t *frames,
                               size_t count);

/* A copy of all but the indices, freed by gaiti_call_stacks_destroy.  False: out of memory. */
bool gaiti_call_stacks_copy(struct gaiti_call_stacks *to, const struct gaiti_call_stacks *from);

/* Makes room for `more` elements behind `count` of them.  False: out of memory. */
bool gaiti_room_make(void **array, size_t count, size_t *room, size_t more, size_t element_bytes);

#endif
