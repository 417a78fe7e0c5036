/* ref.h: references to objects as marking has them, one by one and in groups. */
#ifndef GAITI_HEAP_REF_H
#define GAITI_HEAP_REF_H

#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"

/* A reference to an object, with all that marking wants to know of it; 0 is none.
 *
 *   bits  0-39  granules from the heap's base to the object's start
 *   bits 40-46  size class; 0 for a large object
 *   bits 47-56  kind
 *   bit  60     of a leaf kind
 *   bit  61     (in a block's tag only) the block is a large object's, but not its first
 *   bit  62     a large object
 *   bit  63     a small object
 *
 * The bits from 40 on are the same for all objects of a block. */
typedef uint64_t gaiti_ref;

#define GAITI_REF_CLASS_SHIFT 40
#define GAITI_REF_KIND_SHIFT  47
#define GAITI_REF_GRANULES    (((gaiti_ref)1 << GAITI_REF_CLASS_SHIFT) - 1)
#define GAITI_REF_LEAF        ((gaiti_ref)1 << 60)
#define GAITI_REF_TAIL        ((gaiti_ref)1 << 61)
#define GAITI_REF_LARGE       ((gaiti_ref)1 << 62)
#define GAITI_REF_SMALL       ((gaiti_ref)1 << 63)

static inline uint16_t gaiti_ref_kind(gaiti_ref ref) {
  return (uint16_t)(ref >> GAITI_REF_KIND_SHIFT & 1023);
}

static inline unsigned gaiti_ref_class(gaiti_ref ref) {
  return (unsigned)(ref >> GAITI_REF_CLASS_SHIFT & 127);
}

/* The word of a table that has the object's bit, and that bit. */
static inline size_t gaiti_ref_word(gaiti_ref ref) {
  return (ref & GAITI_REF_GRANULES) / 64;
}

static inline AO_t gaiti_ref_bit(gaiti_ref ref) {
  return (AO_t)1 << ref % 64;
}

/* The common part of references to all objects whose bits stand in the same word as `ref`'s. */
static inline gaiti_ref gaiti_ref_group(gaiti_ref ref) {
  return ref & ~(gaiti_ref)63;
}

/* Objects whose mark bits stand in one word: the common part of their references, and the bits. */
struct gaiti_group {
  gaiti_ref ref;
  AO_t bits;
};

/* Reads a group field by field: a load of both at once would wait until the stores of each, just
 * before it, have reached the cache. */
static inline struct gaiti_group gaiti_group_read(const struct gaiti_group *group) {
  return (struct gaiti_group){*(const volatile gaiti_ref *)&group->ref, AO_load(&group->bits)};
}

static inline struct gaiti_group gaiti_group_of(gaiti_ref ref) {
  return (struct gaiti_group){gaiti_ref_group(ref), gaiti_ref_bit(ref)};
}

/* The first object of a group that has one. */
static inline gaiti_ref gaiti_group_first(struct gaiti_group group) {
  return group.ref | (gaiti_ref)__builtin_ctzll(group.bits);
}

#endif
