#include "alloc/sampling.h"

#include "os/unwind.h"

/* The interpreter's frames are asked for, and the stack is walked, before the lock is taken. */
static void sampling_add(gait_thread *thread, uintptr_t address, struct gaiti_sample_site site,
                         const void *caller) {
  gait_heap *heap = thread->heap;
  uintptr_t frames[GAITI_STACK_FRAMES];
  gait_profile_frame named[GAITI_STACK_FRAMES];
  const struct gaiti_profile *profile = heap->profile;
  struct gaiti_sample_stack stack = {.frames = frames, .named = named};
  if (profile->frames)
    stack.named_count = profile->frames(thread, named, GAITI_STACK_FRAMES, profile->frames_arg);
  if (stack.named_count > GAITI_STACK_FRAMES) stack.named_count = GAITI_STACK_FRAMES;
  stack.count = gaiti_unwind(frames, caller);
  AO_t epoch = AO_load_acquire(&heap->epoch);
  AO_t black = gaiti_thread_allocates_black(thread, epoch) ? epoch : 0;
  gaiti_profile_add(heap, address, site, &stack, black, &thread->proc->sampler);
}

void gaiti_sampling_note(gait_thread *thread, const void *object, uint16_t kind, size_t bytes,
                         const void *caller) {
  struct gaiti_sample_site site = {.bytes = bytes, .kind = kind};
  sampling_add(thread, (uintptr_t)object, site, caller);
}

static bool sampling_passes_point(gait_thread *thread, size_t bytes) {
  uint64_t offset;
  return bytes > 0 && gaiti_sampler_pass(&thread->proc->sampler, bytes, bytes, &offset);
}

void gaiti_sampling_note_large(gait_thread *thread, const void *object, uint16_t kind, size_t bytes,
                               const void *caller) {
  if (sampling_passes_point(thread, bytes))
    gaiti_sampling_note(thread, object, kind, bytes, caller);
}

void gaiti_sampling_note_growth(gait_thread *thread, gaiti_ref ref, size_t more,
                                const void *caller) {
  struct gaiti_sample_site site = {
      .bytes = more, .kind = gaiti_ref_kind(ref), .form = GAITI_SAMPLE_GROWTH};
  if (sampling_passes_point(thread, more))
    sampling_add(thread, gaiti_ref_start(&thread->heap->map, ref), site, caller);
}

/* The clock is that of the heap's own bytes: these do not pass on it. */
void gaiti_sampling_note_external(gait_thread *thread, gaiti_ref ref, size_t bytes, int64_t change,
                                  const void *caller) {
  uintptr_t address = gaiti_ref_start(&thread->heap->map, ref);
  struct gaiti_sampler *sampler = &thread->proc->sampler;
  uint64_t passed = sampler->passed;
  if (change < 0)
    gaiti_profile_thin(thread->heap, address, bytes + (uint64_t)-change, bytes, sampler);
  if (change <= 0) return;
  struct gaiti_sample_site site = {
      .bytes = (uint64_t)change, .kind = gaiti_ref_kind(ref), .form = GAITI_SAMPLE_EXTERNAL};
  bool point = sampling_passes_point(thread, (size_t)change);
  sampler->passed = passed;
  if (point) sampling_add(thread, address, site, caller);
}
