/* checked.h: the functions that a thread calls all the time, checked.
 *
 * Include gait.h, not this file.  A program that is compiled with GAIT_CHECKED defined as 1 calls
 * these where it names the ones without `checked`; every build of the library has them.  A call
 * that breaks its contract then ends the program with one line that names the check:
 *
 *   thread.attached, thread.owner, thread.managed
 *                 the thread is attached, by the OS thread that calls, and inside managed code
 *   alloc.kind    the kind was registered on the heap of the thread
 *   slot.aligned  a slot of references lies at a multiple of 8
 *   store.heap    the slot is of no other heap than the thread's
 *   store.slot    a slot inside the heap is of an object that is not free
 *   store.value   the value is of no other heap; in an object with a pointer map, it is no object
 *                 that was found dead
 *   store.init    gait_store_init finds no reference in the slot
 *   frame.slots, frame.order
 *                 a frame has slots; it is linked once, and unlinked innermost first
 *
 * The library and its data are the same for programs with checks and without, and one program may
 * have files of both. */
#ifndef GAIT_CHECKED_H
#define GAIT_CHECKED_H

#ifndef GAIT_CHECKED
#define GAIT_CHECKED 0
#endif

GAIT_API void gait_checked_thread_poll(gait_thread *thread);
GAIT_API void *gait_checked_alloc(gait_thread *thread, gait_kind kind, size_t bytes);
GAIT_API void *gait_checked_alloc_aligned(gait_thread *thread, gait_kind kind, size_t bytes,
                                          size_t alignment);
GAIT_API void *gait_checked_alloc_array(gait_thread *thread, gait_kind kind, size_t head_bytes,
                                        size_t count, size_t element_bytes);
GAIT_API void *gait_checked_load(void *const *slot);
GAIT_API void gait_checked_store(gait_thread *thread, void *slot, void *value);
GAIT_API void gait_checked_store_init(gait_thread *thread, void *slot, void *value);
GAIT_API bool gait_checked_cas(gait_thread *thread, void *slot, void *expected, void *desired);
GAIT_API void gait_checked_copy(gait_thread *thread, void *to, const void *from, size_t count);
GAIT_API void gait_checked_clear(gait_thread *thread, void *slots, size_t count);
GAIT_API void gait_checked_frame_push(gait_thread *thread, gait_frame *frame, void **slots,
                                      size_t count);
GAIT_API void gait_checked_frame_push_sized(gait_thread *thread, gait_sized_frame *frame,
                                            void **slots, size_t most, gait_frame_count_fn *count,
                                            void *arg);
GAIT_API void gait_checked_frame_pop(gait_thread *thread, gait_frame *frame);
GAIT_API gait_handle *gait_checked_handle_create(gait_thread *thread, void *object);
GAIT_API void gait_checked_handle_set(gait_thread *thread, gait_handle *handle, void *object);
GAIT_API void gait_checked_handle_destroy(gait_thread *thread, gait_handle *handle);

#if GAIT_CHECKED
#define gait_thread_poll      gait_checked_thread_poll
#define gait_alloc            gait_checked_alloc
#define gait_alloc_aligned    gait_checked_alloc_aligned
#define gait_alloc_array      gait_checked_alloc_array
#define gait_frame_push       gait_checked_frame_push
#define gait_frame_push_sized gait_checked_frame_push_sized
#define gait_frame_pop        gait_checked_frame_pop
#define gait_handle_create    gait_checked_handle_create
#define gait_handle_set       gait_checked_handle_set
#define gait_handle_destroy   gait_checked_handle_destroy
#endif

#endif
