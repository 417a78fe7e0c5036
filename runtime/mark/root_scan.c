/* Models: fibers, roots. */
#include "mark/root_scan.h"

#include "base/asan.h"
#include "base/check.h"
#include "mark/candidates.h"

/* The registry's lock is held for so many words at a time. */
#define ROOTS_PIECE_WORDS ((size_t)8192)

/* ---- Threads ---- */

void gaiti_roots_shade_range(gait_heap *heap, const void *start, const void *end, void *arg) {
  gaiti_shade_range(heap, arg, start, end);
}

void gaiti_roots_mark_range(gait_heap *heap, const void *start, const void *end, void *arg) {
  (void)heap;
  gaiti_marker_range(arg, start, end);
}

/* A frame, each word read once: its thread may have ended, and its stack be in use again. */
GAITI_RACY static gait_frame roots_read_frame(const gait_frame *frame) {
  const volatile gait_frame *words = frame;
  return (gait_frame){words->caller, words->slots, words->count, words->seal};
}

static bool roots_frame_is_intact(const gait_frame *place, const gait_frame *frame) {
  return frame->seal == gait_frame_seal_at(place, frame);
}

/* A frame whose count changes, likewise; its own fields stand after those of every frame. */
GAITI_RACY static gait_sized_frame roots_read_sized(const gait_frame *place,
                                                    const gait_frame *frame) {
  const volatile gait_sized_frame *words = (const volatile gait_sized_frame *)(const void *)place;
  return (gait_sized_frame){*frame, words->most, words->count, words->arg, words->seal};
}

/* How many slots are in use, or SIZE_MAX where the frame is not intact. */
static size_t roots_count_slots(const gait_frame *place, const gait_frame *frame) {
  if (!roots_frame_is_intact(place, frame)) return SIZE_MAX;
  if (frame->count != GAIT_FRAME_SIZED) return frame->count;
  gait_sized_frame sized = roots_read_sized(place, frame);
  if (sized.seal != gait_frame_sized_seal(&sized)) return SIZE_MAX;
  size_t count = sized.count(sized.arg);
  REQUIRE("frame.count", count <= sized.most, "an exact frame has more slots in use than it has");
  return count;
}

/* Visits the frames from the innermost out, as far as they are intact.  One that was left linked
 * and is linked again leads back to itself: the list comes to a frame that `earlier` was, which
 * stays for as many steps as there were before it. */
static size_t roots_each_frame(gait_heap *heap, const gait_frame *place,
                               gaiti_roots_range_fn *visit, void *arg, bool *broken) {
  const gait_frame *earlier = NULL;
  size_t bytes = 0;
  for (size_t count = 0; place && !*broken; count++) {
    if ((count & (count - 1)) == 0) earlier = place;
    gait_frame frame = roots_read_frame(place);
    size_t slots = roots_count_slots(place, &frame);
    *broken = slots == SIZE_MAX;
    if (*broken) break;
    visit(heap, frame.slots, frame.slots + slots, arg);
    bytes += slots * sizeof(void *);
    place = frame.caller;
    *broken = place && place == earlier;
  }
  return bytes;
}

static void roots_require_intact(bool broken) {
  REQUIRE("frame.intact", !broken, "an exact frame was changed, or its function has returned");
}

/* The frames of a thread that has ended outside managed code lie on a stack that is in use again:
 * the collector stops at the first that has been overwritten.  A thread that comes back, or scans
 * itself, has none; nor has a parked stack. */
static size_t roots_each_thread_frame(gait_thread *thread, gaiti_roots_range_fn *visit, void *arg) {
  bool broken = false;
  size_t bytes = roots_each_frame(thread->heap, thread->fast.frames, visit, arg, &broken);
  if (gaiti_thread_state(thread) == GAITI_THREAD_MANAGED) roots_require_intact(broken);
  if (broken) thread->frames_broken = true;
  return bytes;
}

/* The handles of scopes: whole chunks, but for the top one. */
static size_t roots_each_scope(gait_heap *heap, const struct gaiti_scopes *scopes,
                               gaiti_roots_range_fn *visit, void *arg) {
  size_t bytes = 0;
  void **end = scopes->next;
  for (struct gaiti_scope_chunk *chunk = scopes->top; chunk; chunk = chunk->below) {
    visit(heap, chunk->slots, end, arg);
    bytes += (size_t)((char *)end - (char *)chunk->slots);
    if (chunk->below) end = chunk->below->slots + GAITI_SCOPE_SLOTS;
  }
  return bytes;
}

/* Frames and scopes. */
static size_t roots_each_thread_exact(gait_thread *thread, gaiti_roots_range_fn *visit, void *arg) {
  return roots_each_thread_frame(thread, visit, arg) +
         roots_each_scope(thread->heap, &thread->scopes, visit, arg);
}

static size_t roots_each_parked_exact(gait_heap *heap, const struct gaiti_parked *stack,
                                      gaiti_roots_range_fn *visit, void *arg) {
  bool broken = false;
  size_t bytes = roots_each_frame(heap, stack->frames, visit, arg, &broken);
  roots_require_intact(broken);
  return bytes + roots_each_scope(heap, &stack->scopes, visit, arg);
}

/* Visits the frames of AddressSanitizer's own that the words of [start, end) point into. */
GAITI_RACY static size_t roots_each_fake_frame(gait_heap *heap, void *fake_stack,
                                               const uintptr_t *start, const uintptr_t *end,
                                               gaiti_roots_range_fn *visit, void *arg) {
  size_t bytes = 0;
  for (const volatile uintptr_t *word = start; word < end; word++) {
    void *frame, *frame_end;
    if (!gaiti_asan_fake_frame(fake_stack, *word, &frame, &frame_end)) continue;
    visit(heap, frame, frame_end, arg);
    bytes += (size_t)((char *)frame_end - (char *)frame);
  }
  return bytes;
}

static size_t roots_each_stack_range(gait_heap *heap, void *fake_stack, const uintptr_t *start,
                                     const uintptr_t *end, gaiti_roots_range_fn *visit, void *arg) {
  visit(heap, start, end, arg);
  size_t bytes = (size_t)(end - start) * sizeof *start;
  return fake_stack ? bytes + roots_each_fake_frame(heap, fake_stack, start, end, visit, arg)
                    : bytes;
}

size_t gaiti_roots_each_parked(gait_heap *heap, const struct gaiti_parked *stack,
                               gaiti_roots_range_fn *visit, void *arg) {
  size_t bytes = roots_each_parked_exact(heap, stack, visit, arg);
  if (stack->roots == GAIT_STACK_EXACT) return bytes;
  return bytes + roots_each_stack_range(heap, stack->fake_stack, (const uintptr_t *)stack->place,
                                        (const uintptr_t *)stack->high, visit, arg);
}

/* The saved registers and the stack that the thread runs on. */
static size_t roots_each_saved(gait_thread *thread, gaiti_roots_range_fn *visit, void *arg) {
  gait_heap *heap = thread->heap;
  const struct gaiti_saved *saved = &thread->saved;
  const uintptr_t *words = gaiti_saved_words(saved);
  void *fake = thread->fake_stack;
  return roots_each_stack_range(heap, fake, saved->registers, saved->registers + GAITI_REGISTERS,
                                visit, arg) +
         roots_each_stack_range(heap, fake, words, words + saved->count, visit, arg) +
         roots_each_stack_range(heap, fake, (const uintptr_t *)saved->rest,
                                (const uintptr_t *)thread->stack_high, visit, arg);
}

size_t gaiti_roots_each_range(gait_thread *thread, gaiti_roots_range_fn *visit, void *arg) {
  size_t bytes = roots_each_thread_exact(thread, visit, arg);
  if (thread->fiber) bytes += gaiti_roots_each_parked(thread->heap, &thread->home, visit, arg);
  if (thread->roots == GAIT_STACK_EXACT) return bytes;
  return bytes + roots_each_saved(thread, visit, arg);
}

size_t gaiti_roots_scan_thread(gait_thread *thread, struct gaiti_barrier_buffer **buffer) {
  return gaiti_roots_each_range(thread, gaiti_roots_shade_range, buffer);
}

size_t gaiti_roots_mark_thread(gait_thread *thread, struct gaiti_marker *marker) {
  return gaiti_roots_each_range(thread, gaiti_roots_mark_range, marker);
}

void gaiti_roots_mark_frames(gait_thread *thread, struct gaiti_marker *marker) {
  roots_each_thread_exact(thread, gaiti_roots_mark_range, marker);
  if (thread->fiber) gaiti_roots_mark_parked_frames(thread->heap, &thread->home, marker);
}

void gaiti_roots_mark_parked_frames(gait_heap *heap, const struct gaiti_parked *stack,
                                    struct gaiti_marker *marker) {
  roots_each_parked_exact(heap, stack, gaiti_roots_mark_range, marker);
}

/* ---- The registry ---- */

/* Marks a piece of the root at `index` from word `from` on.  Returns the words of the piece; less
 * than ROOTS_PIECE_WORDS when the root ends there or has gone. */
GAITI_RACY static size_t roots_scan_piece(gait_heap *heap, struct gaiti_marker *marker,
                                          size_t index, size_t from) {
  const struct gaiti_root *root = &heap->roots.table[index];
  if (!root->start || from >= root->words) return 0;
  size_t words = root->words - from;
  if (words > ROOTS_PIECE_WORDS) words = ROOTS_PIECE_WORDS;
  gaiti_marker_range(marker, root->start + from, root->start + from + words);
  return words;
}

static size_t roots_scan_range(gait_heap *heap, struct gaiti_marker *marker, size_t index) {
  size_t from = 0, words;
  do {
    gaiti_lock(&heap->roots.lock);
    words = roots_scan_piece(heap, marker, index, from);
    gaiti_unlock(&heap->roots.lock);
    from += words;
  } while (words == ROOTS_PIECE_WORDS);
  return from * sizeof(void *);
}

static uintptr_t roots_handle_word(const gait_handle *handle) {
  return AO_load((const AO_t *)(const void *)&handle->object);
}

static void roots_scan_chunk(const struct gaiti_handle_chunk *chunk, struct gaiti_marker *marker) {
  for (size_t i = 0; i < GAITI_HANDLE_CHUNK; i++)
    gaiti_marker_reference(marker, roots_handle_word(&chunk->handles[i]));
}

/* A handle may hold any word then; allocation bits decide. */
static void roots_scan_tagged_chunk(const struct gaiti_handle_chunk *chunk,
                                    struct gaiti_marker *marker) {
  for (size_t i = 0; i < GAITI_HANDLE_CHUNK; i++)
    gaiti_marker_word(marker, gaiti_tags_plain_or_tagged(&marker->tags, &marker->map,
                                                         roots_handle_word(&chunk->handles[i])));
}

/* Chunks are put in front of the list, and freed by the thread that runs the cycle, which is this
 * one: so the rest of the list can be walked without the lock.  The object of a handle was shaded
 * when it was set. */
static size_t roots_scan_handles(struct gaiti_roots *roots, struct gaiti_marker *marker) {
  size_t bytes = 0;
  gaiti_lock(&roots->lock);
  struct gaiti_handle_chunk *chunk = roots->chunks;
  gaiti_unlock(&roots->lock);
  for (; chunk; chunk = chunk->next) {
    if (gaiti_tags_exist(&marker->tags))
      roots_scan_tagged_chunk(chunk, marker);
    else
      roots_scan_chunk(chunk, marker);
    bytes += GAITI_HANDLE_CHUNK * sizeof(void *);
  }
  return bytes;
}

size_t gaiti_roots_scan_registered(gait_heap *heap, struct gaiti_marker *marker,
                                   enum gaiti_roots_which which) {
  size_t bytes = 0;
  struct gaiti_visit visit;
  gaiti_visit_begin(&visit, &heap->roots, marker);
  while (gaiti_visit_next(&visit)) {
    const struct gaiti_root *root = &visit.root;
    if (which == GAITI_ROOTS_UNBARRIERED_ONLY && root->discipline != GAIT_ROOTS_UNBARRIERED)
      continue;
    if (root->start) bytes += roots_scan_range(heap, marker, visit.place);
    if (root->function) root->function((gait_tracer *)(void *)marker, root->arg);
  }
  if (which == GAITI_ROOTS_ALL) bytes += roots_scan_handles(&heap->roots, marker);
  return bytes;
}
