/* Models: roots. */
#include "mark/root_scan.h"

#include "base/asan.h"
#include "base/check.h"
#include "mark/candidates.h"

/* The registry's lock is held for so many words at a time. */
#define ROOTS_PIECE_WORDS ((size_t)8192)

/* ---- Threads ---- */

static void roots_shade_range(gait_thread *thread, const void *start, const void *end, void *arg) {
  gaiti_shade_range(thread->heap, arg, start, end);
}

static void roots_mark_range(gait_thread *thread, const void *start, const void *end, void *arg) {
  (void)thread;
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

/* The frames of a thread that has ended outside managed code lie on a stack that is in use again:
 * the collector stops at the first that has been overwritten.  A thread that comes back, or scans
 * itself, has none. */
static size_t roots_each_frame(gait_thread *thread, gaiti_roots_range_fn *visit, void *arg) {
  size_t bytes = 0;
  for (const gait_frame *place = thread->fast.frames; place;) {
    gait_frame frame = roots_read_frame(place);
    if (!roots_frame_is_intact(place, &frame)) {
      REQUIRE("frame.intact", gaiti_thread_state(thread) != GAITI_THREAD_MANAGED,
              "an exact frame was changed, or its function has returned");
      thread->frames_broken = true;
      break;
    }
    visit(thread, frame.slots, frame.slots + frame.count, arg);
    bytes += frame.count * sizeof(void *);
    place = frame.caller;
  }
  return bytes;
}

/* The handles of the thread's scopes: whole chunks, but for the top one. */
static size_t roots_each_scope(gait_thread *thread, gaiti_roots_range_fn *visit, void *arg) {
  const struct gaiti_scopes *scopes = &thread->scopes;
  size_t bytes = 0;
  void **end = scopes->next;
  for (struct gaiti_scope_chunk *chunk = scopes->top; chunk; chunk = chunk->below) {
    visit(thread, chunk->slots, end, arg);
    bytes += (size_t)((char *)end - (char *)chunk->slots);
    if (chunk->below) end = chunk->below->slots + GAITI_SCOPE_SLOTS;
  }
  return bytes;
}

/* Visits the frames of AddressSanitizer's own that the words of [start, end) point into. */
GAITI_RACY static size_t roots_each_fake_frame(gait_thread *thread, const uintptr_t *start,
                                               const uintptr_t *end, gaiti_roots_range_fn *visit,
                                               void *arg) {
  size_t bytes = 0;
  for (const volatile uintptr_t *word = start; word < end; word++) {
    void *frame, *frame_end;
    if (!gaiti_asan_fake_frame(thread->fake_stack, *word, &frame, &frame_end)) continue;
    visit(thread, frame, frame_end, arg);
    bytes += (size_t)((char *)frame_end - (char *)frame);
  }
  return bytes;
}

static size_t roots_each_stack_range(gait_thread *thread, const uintptr_t *start,
                                     const uintptr_t *end, gaiti_roots_range_fn *visit, void *arg) {
  visit(thread, start, end, arg);
  size_t bytes = (size_t)(end - start) * sizeof *start;
  return thread->fake_stack ? bytes + roots_each_fake_frame(thread, start, end, visit, arg) : bytes;
}

size_t gaiti_roots_each_range(gait_thread *thread, gaiti_roots_range_fn *visit, void *arg) {
  size_t bytes = roots_each_frame(thread, visit, arg) + roots_each_scope(thread, visit, arg);
  if (thread->roots == GAIT_STACK_EXACT) return bytes;
  const struct gaiti_saved *saved = &thread->saved;
  bytes += roots_each_stack_range(thread, saved->registers, saved->registers + GAITI_REGISTERS,
                                  visit, arg);
  const uintptr_t *words = gaiti_saved_words(saved);
  bytes += roots_each_stack_range(thread, words, words + saved->count, visit, arg);
  return bytes + roots_each_stack_range(thread, (const uintptr_t *)saved->rest,
                                        (const uintptr_t *)thread->stack_high, visit, arg);
}

size_t gaiti_roots_scan_thread(gait_thread *thread, struct gaiti_barrier_buffer **buffer) {
  return gaiti_roots_each_range(thread, roots_shade_range, buffer);
}

size_t gaiti_roots_mark_thread(gait_thread *thread, struct gaiti_marker *marker) {
  return gaiti_roots_each_range(thread, roots_mark_range, marker);
}

void gaiti_roots_mark_frames(gait_thread *thread, struct gaiti_marker *marker) {
  roots_each_frame(thread, roots_mark_range, marker);
  roots_each_scope(thread, roots_mark_range, marker);
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
