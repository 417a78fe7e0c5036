/* inline.h: the fast paths that compile into the embedder's code, and nothing else.
 *
 * Include gait.h, not this file.  The structures below are the first members of private ones, which
 * the library asserts when it is compiled.  A program that was compiled with others than the
 * library has gets no heap, and can attach no thread (GAIT_ERROR_ABI). Nothing here is an
 * interface: use the functions, not the fields. */
#ifndef GAIT_INLINE_H
#define GAIT_INLINE_H

/* Which layouts and constants these are.  Raised whenever one of them, or its meaning, changes;
 * the same in all of 0.2.x. */
#define GAIT_ABI 2u

#define GAIT_LIKELY(x)   __builtin_expect(!!(x), 1)
#define GAIT_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Unused slots of the current run of one (kind, size class): the next one, and the end. */
struct gait_cursor {
  char *next;
  char *limit;
};

/* The fields of a thread that the fast paths read.
 *   rows     the cursors of the processor that the thread holds: rows[kind][size class]
 *   frames   the innermost exact frame
 *   marking  the work of the write barrier: GAIT_SHADE_ flags and GAIT_REMEMBER; 0: it is off.
 *            Written by this thread, or by the collector while the thread is outside managed code
 *   poll     the collector of a heap, of this one or of another that the OS thread is attached to,
 *            wants it at a safepoint; written by any thread
 *   heap, heap_bytes, cards  the heap's addresses, and a byte for each GAIT_CARD_BYTES of them */
struct gait_fast {
  struct gait_cursor *const *rows;
  gait_frame *frames;
  const unsigned *poll;
  uintptr_t heap;
  size_t heap_bytes;
  unsigned char *cards;
  uint32_t marking;
};

/* Values that a store shades while marking: the one it overwrites, and the one it writes. */
#define GAIT_SHADE_OLD 1u
#define GAIT_SHADE_NEW 2u
/* A store leaves a note of where it was: the next cycle may mark new objects only. */
#define GAIT_REMEMBER 4u

#define GAIT_CARD_SHIFT 10
#define GAIT_CARD_BYTES ((size_t)1 << GAIT_CARD_SHIFT)
/* The byte that it writes there: how many cycles are to look at the card. */
#define GAIT_CARD_NOTED 2

/* Size classes: multiples of 16 bytes up to 128, then eight to a doubling up to 32 KiB, so that
 * rounding wastes at most one eighth above 128 bytes. */
#define GAIT_GRANULE_BYTES ((size_t)16)
#define GAIT_SMALL_BYTES   ((size_t)32768)
#define GAIT_SIZE_CLASSES  72

/* The size class of an object of `bytes` bytes, 1 .. GAIT_SMALL_BYTES. */
static inline unsigned gait_size_class(size_t bytes) {
  size_t last = bytes - 1;
  if (last < 128) return (unsigned)(last >> 4);
  unsigned log2 = 63u - (unsigned)__builtin_clzll((unsigned long long)last);
  return (log2 - 6u) * 8u + (unsigned)((last >> (log2 - 3u)) & 7u);
}

/* The bytes of a slot that holds an object of `bytes` bytes, 1 .. GAIT_SMALL_BYTES. */
static inline size_t gait_slot_bytes(size_t bytes) {
  size_t last = bytes - 1;
  if (last < 128) return (last | 15u) + 1;
  unsigned log2 = 63u - (unsigned)__builtin_clzll((unsigned long long)last);
  return (last | (((size_t)1 << (log2 - 3u)) - 1)) + 1;
}

/* The rest of the inline functions, where a call is due. */
GAIT_API void *gait_alloc_slow(gait_thread *thread, gait_kind kind, size_t bytes);
GAIT_API void gait_thread_poll_slow(gait_thread *thread);
GAIT_API void gait_store_slow(gait_thread *thread, void *slot, void *value);
GAIT_API void gait_shade(gait_thread *thread, void *value);
GAIT_API void gait_barrier(gait_thread *thread, const void *slot, void *old_value, void *new_value);
GAIT_API void gait_thread_leave_from(gait_thread *thread, const void *frame);

static inline struct gait_fast *gait_fast_of(gait_thread *thread) {
  return (struct gait_fast *)(void *)thread;
}

static inline void *gait_alloc(gait_thread *thread, gait_kind kind, size_t bytes) {
  if (GAIT_LIKELY(bytes - 1 < GAIT_SMALL_BYTES)) {
    struct gait_cursor *cursor = &gait_fast_of(thread)->rows[kind.index][gait_size_class(bytes)];
    char *object = cursor->next;
    if (GAIT_LIKELY(object != cursor->limit)) {
      cursor->next = object + gait_slot_bytes(bytes);
      return object;
    }
  }
  return gait_alloc_slow(thread, kind, bytes);
}

static inline void gait_thread_poll(gait_thread *thread) {
  if (GAIT_UNLIKELY(__atomic_load_n(gait_fast_of(thread)->poll, __ATOMIC_RELAXED)))
    gait_thread_poll_slow(thread);
}

static inline void *gait_load(void *const *slot) {
  return __atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

static inline void gait_store(gait_thread *thread, void *slot, void *value) {
  if (GAIT_UNLIKELY(gait_fast_of(thread)->marking)) {
    gait_store_slow(thread, slot, value);
    return;
  }
  __atomic_store_n((void **)slot, value, __ATOMIC_RELEASE);
}

static inline void gait_remember(gait_thread *thread, const void *slot) {
  const struct gait_fast *fast = gait_fast_of(thread);
  uintptr_t offset = (uintptr_t)slot - fast->heap;
  if (GAIT_LIKELY(offset < fast->heap_bytes))
    __atomic_store_n(&fast->cards[offset >> GAIT_CARD_SHIFT], GAIT_CARD_NOTED, __ATOMIC_RELAXED);
}

static inline void gait_store_init(gait_thread *thread, void *slot, void *value) {
  uint32_t marking = gait_fast_of(thread)->marking;
  if (GAIT_UNLIKELY(marking & (GAIT_SHADE_NEW | GAIT_REMEMBER))) {
    if (marking & GAIT_SHADE_NEW) gait_shade(thread, value);
    if (marking & GAIT_REMEMBER) gait_remember(thread, slot);
  }
  __atomic_store_n((void **)slot, value, __ATOMIC_RELEASE);
}

static inline bool gait_cas(gait_thread *thread, void *slot, void *expected, void *desired) {
  if (GAIT_UNLIKELY(gait_fast_of(thread)->marking)) gait_barrier(thread, slot, expected, desired);
  return __atomic_compare_exchange_n((void **)slot, &expected, desired, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE);
}

/* Follows from the rest of a frame and where it stands: memory that was overwritten since its
 * function returned is told from a frame by it. */
static inline uintptr_t gait_frame_seal_at(const gait_frame *place, const gait_frame *frame) {
  return ((uintptr_t)place ^ (uintptr_t)0x5EA1ED) + 3 * (uintptr_t)frame->caller +
         5 * (uintptr_t)frame->slots + 7 * frame->count;
}

static inline uintptr_t gait_frame_seal(const gait_frame *frame) {
  return gait_frame_seal_at(frame, frame);
}

static inline void gait_frame_push(gait_thread *thread, gait_frame *frame, void **slots,
                                   size_t count) {
  frame->slots = slots;
  frame->count = count;
  frame->caller = gait_fast_of(thread)->frames;
  frame->seal = gait_frame_seal(frame);
  gait_fast_of(thread)->frames = frame;
}

/* The count of a frame that is the first member of a gait_sized_frame. */
#define GAIT_FRAME_SIZED SIZE_MAX

static inline uintptr_t gait_frame_sized_seal(const gait_sized_frame *frame) {
  return frame->frame.seal + 3 * frame->most + 5 * (uintptr_t)frame->count +
         7 * (uintptr_t)frame->arg;
}

static inline void gait_frame_push_sized(gait_thread *thread, gait_sized_frame *frame, void **slots,
                                         size_t most, gait_frame_count_fn *count, void *arg) {
  frame->most = most;
  frame->count = count;
  frame->arg = arg;
  frame->frame.slots = slots;
  frame->frame.count = GAIT_FRAME_SIZED;
  frame->frame.caller = gait_fast_of(thread)->frames;
  frame->frame.seal = gait_frame_seal(&frame->frame);
  frame->seal = gait_frame_sized_seal(frame);
  gait_fast_of(thread)->frames = &frame->frame;
}

static inline void gait_frame_pop(gait_thread *thread, gait_frame *frame) {
  gait_fast_of(thread)->frames = frame->caller;
}

/* An address near the end of the calling function's frame, the whole of which lies below.  On
 * x86-64, and with clang on aarch64, the frame pointer is saved there; gcc on aarch64 saves it
 * where the frame begins, and knows its end (the canonical frame address) by another name. */
#if defined(__aarch64__) && !defined(__clang__)
#define GAIT_FRAME_END() __builtin_dwarf_cfa()
#else
#define GAIT_FRAME_END() __builtin_frame_address(0)
#endif

/* The frame of the function that leaves goes with the call: it may return before gait_thread_enter.
 */
#define gait_thread_leave(thread) gait_thread_leave_from((thread), GAIT_FRAME_END())

#endif
