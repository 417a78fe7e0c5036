/* Code of the manual: a profile, with the frames of an interpreter. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <gait/profile.h>

/* [write] */
static void write_profile(gait_heap *heap, const char *path) {
  gait_result result = gait_profile_write(heap, path);
  if (result != GAIT_OK) fprintf(stderr, "%s: %s\n", path, gait_result_text(result));
}
/* [end] */

/* [frames] */
struct call {
  const char *procedure;
  const struct call *caller;
};

static size_t calls_of(gait_thread *thread, gait_profile_frame *frames, size_t most, void *arg) {
  const struct call *call = gait_thread_user(thread);
  size_t count = 0;
  (void)arg;
  for (; call && count < most; call = call->caller)
    frames[count++] = (gait_profile_frame){.function = call->procedure};
  return count;
}
/* [end] */

static void work(gait_thread *thread, gait_kind leaf) {
  struct call call = {"work", gait_thread_user(thread)};
  gait_thread_set_user(thread, &call);
  for (int i = 0; i < 10000; i++)
    if (!gait_alloc(thread, leaf, 1024)) abort();
  gait_thread_set_user(thread, (void *)(uintptr_t)call.caller);
}

int main(void) {
  gait_options options;
  gait_heap *heap;
  gait_thread *thread;
  gait_options_init(&options);
  options.profile_bytes = 64 << 10;
  if (gait_heap_create(&options, &heap) != GAIT_OK) return EXIT_FAILURE;
  if (gait_profile_set_frames(heap, calls_of, NULL) != GAIT_OK) return EXIT_FAILURE;
  if (gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread) != GAIT_OK)
    return EXIT_FAILURE;
  work(thread, gait_kind_leaf(heap));
  char path[] = "/tmp/gait-profiled-XXXXXX";
  int file = mkstemp(path);
  if (file < 0) return EXIT_FAILURE;
  write_profile(heap, path);
  FILE *written = fopen(path, "rb");
  int first = written ? getc(written) : EOF;
  if (written) fclose(written);
  close(file);
  unlink(path);
  gait_thread_detach(thread);
  gait_heap_destroy(heap);
  return first == 0x1f ? EXIT_SUCCESS : EXIT_FAILURE;
}
