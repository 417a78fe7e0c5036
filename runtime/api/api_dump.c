/* Dumps of a heap to a file. */
#include "gait/dump.h"

#include "base/check.h"
#include "cycle/cycle.h"
#include "cycle/heap_dump.h"
#include "mutator/thread.h"

static gait_result dump_write(gait_thread *thread, const char *path, char *error,
                              size_t error_bytes) {
  char *own = path ? NULL : gaiti_dumps_path(thread->heap);
  if (!path && !own) return GAIT_ERROR_ARGUMENT;
  if (own) AO_store(&thread->heap->cycle->dumps.written, 1);
  bool written = gaiti_dump(thread, path ? path : own, error, error_bytes);
  gaiti_os_free(own);
  return written ? GAIT_OK : GAIT_ERROR_SYSTEM;
}

gait_result gait_heap_dump(gait_thread *thread, const char *path, char *error, size_t error_bytes) {
  if (!thread || (path && !path[0]) || (!error && error_bytes > 0)) return GAIT_ERROR_ARGUMENT;
  if (error && error_bytes > 0) error[0] = '\0';
  REQUIRE_RESULT("thread.owner", gaiti_thread_is_own(thread), "a thread dumps for itself alone",
                 GAIT_ERROR_STATE);
  REQUIRE_RESULT("dump.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
                 "the thread is outside managed code", GAIT_ERROR_STATE);
  return dump_write(thread, path, error, error_bytes);
}
