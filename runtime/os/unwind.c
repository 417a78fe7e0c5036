/* glibc's backtrace loads the unwinder itself, so that the library needs none where no profile is
 * taken.  With another C library the compiler's is linked, where there is one (GAITI_UNWINDS); else
 * there is the caller alone. */
#include "os/unwind.h"

#include <stdbool.h>
#include <string.h>

/* Gait's own frames below the caller are no more than this. */
#define UNWIND_OWN_FRAMES 16

#if defined(__has_include)
#if __has_include(<execinfo.h>)
#define UNWIND_BY_BACKTRACE 1
#endif
#endif

#if defined(UNWIND_BY_BACKTRACE)
#include <execinfo.h>

static size_t unwind_all(void **frames, size_t most) {
  int count = backtrace(frames, (int)most);
  return count > 0 ? (size_t)count : 0;
}

#elif GAITI_UNWINDS
#include <unwind.h>

struct unwind_walk {
  void **frames;
  size_t count;
  size_t most;
};

static _Unwind_Reason_Code unwind_step(struct _Unwind_Context *context, void *arg) {
  struct unwind_walk *walk = arg;
  void *address = (void *)_Unwind_GetIP(context);
  if (!address || walk->count == walk->most) return _URC_END_OF_STACK;
  walk->frames[walk->count++] = address;
  return _URC_NO_REASON;
}

static size_t unwind_all(void **frames, size_t most) {
  struct unwind_walk walk = {.frames = frames, .most = most};
  _Unwind_Backtrace(unwind_step, &walk);
  return walk.count;
}

#else

static size_t unwind_all(void **frames, size_t most) {
  (void)frames, (void)most;
  return 0;
}
#endif

void gaiti_unwind_prepare(void) {
  void *frame;
  unwind_all(&frame, 1);
}

size_t gaiti_unwind(uintptr_t *frames, const void *caller) {
  void *all[GAITI_UNWIND_FRAMES + UNWIND_OWN_FRAMES];
  size_t count = unwind_all(all, GAITI_UNWIND_FRAMES + UNWIND_OWN_FRAMES), first = 0;
  while (first < count && first < UNWIND_OWN_FRAMES && all[first] != caller)
    first++;
  frames[0] = (uintptr_t)caller;
  if (first == count || all[first] != caller) return 1;
  size_t found = count - first < GAITI_UNWIND_FRAMES ? count - first : GAITI_UNWIND_FRAMES;
  memcpy(frames, all + first, found * sizeof *frames);
  return found;
}
