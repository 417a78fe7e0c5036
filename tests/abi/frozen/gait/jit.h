/* jit.h: for a compiler that makes the fast paths of allocation, stores and polls itself.
 *
 * The paths of inline.h for C, as numbers: this file may be included in assembly as well.  They
 * hold for a library whose binary interface is GAIT_JIT_ABI.  Where code is generated, create the
 * heap and attach its threads from C: gait_heap_create and gait_thread_attach fail with
 * GAIT_ERROR_ABI where the library has another interface.  A runtime that calls the exported
 * functions itself passes GAIT_JIT_ABI to gait_heap_create_abi and gait_thread_attach_abi.
 *
 * `thread` is the gait_thread of the calling thread, in managed state; all loads and stores below
 * are of 8 bytes, but for `marking` and `poll`, of 4, and cards, of 1.
 *
 * Allocation of `bytes`, 1 .. GAIT_JIT_SMALL_BYTES, of a kind whose member `index` is `kind`. Class
 * and slot follow from the size alone: gait_size_class(bytes) and gait_slot_bytes(bytes) at compile
 * time; for 1 .. 128 bytes they are (bytes - 1) / 16 and bytes rounded up to a multiple of 16.
 *
 *     row    = load(thread + GAIT_JIT_THREAD_ROWS)
 *     cursor = load(row + kind * GAIT_JIT_ROW_BYTES) + class * GAIT_JIT_CURSOR_BYTES
 *     object = load(cursor + GAIT_JIT_CURSOR_NEXT)
 *     if object == load(cursor + GAIT_JIT_CURSOR_LIMIT)
 *       object = gait_alloc_slow(thread, kind, bytes)      a safepoint; may be NULL
 *     else
 *       store(cursor + GAIT_JIT_CURSOR_NEXT, object + slot)
 *
 * The object is zeroed.  `kind` goes to gait_alloc_slow as the whole gait_kind, 4 bytes.  Nothing
 * of this is kept over a safepoint: the thread may have another processor's cursors then.
 *
 * A store of a reference, to a field or to a barriered root:
 *
 *     if load(thread + GAIT_JIT_THREAD_MARKING) != 0
 *       gait_store_slow(thread, slot, value)               no safepoint
 *     else
 *       store(slot, value)                                 with release order: on x86-64, plainly
 *
 * The first store to a slot of a new object may go the same way.  If it is to cost less in a heap
 * that expects a young cycle:
 *
 *     marking = load(thread + GAIT_JIT_THREAD_MARKING)
 *     if marking & GAIT_JIT_SHADE_NEW
 *       gait_store_slow(thread, slot, value)
 *     else
 *       if marking & GAIT_JIT_REMEMBER
 *         offset = slot - load(thread + GAIT_JIT_THREAD_HEAP)
 *         if offset < load(thread + GAIT_JIT_THREAD_HEAP_BYTES)         unsigned
 *           store(load(thread + GAIT_JIT_THREAD_CARDS) + (offset >> GAIT_JIT_CARD_SHIFT),
 *                 GAIT_JIT_CARD_NOTED)
 *       store(slot, value)
 *
 * A poll, in loops that do not allocate:
 *
 *     if load(load(thread + GAIT_JIT_THREAD_POLL)) != 0
 *       gait_thread_poll_slow(thread)                             a safepoint
 *
 * An exact frame is a gait_frame, and is linked by a call of gait_frame_push: its seal has no fast
 * form. */
#ifndef GAIT_JIT_H
#define GAIT_JIT_H

#define GAIT_JIT_ABI 2

/* Offsets within gait_thread. */
#define GAIT_JIT_THREAD_ROWS       0
#define GAIT_JIT_THREAD_POLL       16
#define GAIT_JIT_THREAD_HEAP       24
#define GAIT_JIT_THREAD_HEAP_BYTES 32
#define GAIT_JIT_THREAD_CARDS      40
#define GAIT_JIT_THREAD_MARKING    48

/* The table of rows has a pointer for each kind; a row has a cursor for each size class. */
#define GAIT_JIT_ROW_BYTES    8
#define GAIT_JIT_CURSOR_NEXT  0
#define GAIT_JIT_CURSOR_LIMIT 8
#define GAIT_JIT_CURSOR_BYTES 16

/* Flags of `marking`. */
#define GAIT_JIT_SHADE_OLD 1
#define GAIT_JIT_SHADE_NEW 2
#define GAIT_JIT_REMEMBER  4

#define GAIT_JIT_CARD_SHIFT 10
#define GAIT_JIT_CARD_NOTED 2

/* Larger objects are allocated by gait_alloc_slow alone. */
#define GAIT_JIT_SMALL_BYTES   32768
#define GAIT_JIT_GRANULE_BYTES 16

#endif
