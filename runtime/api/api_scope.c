/* Scopes of handles. */
#include "base/check.h"
#include "mutator/thread.h"

static void scope_check_thread(const gait_thread *thread) {
  REQUIRE("scope.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,
          "the thread is outside managed code");
}

/* A scope that was closed, or dropped with one around it, is no deeper than the open ones.  A fiber
 * takes its scopes along to another thread. */
static void scope_check(const gait_thread *thread, const gait_scope *scope) {
  scope_check_thread(thread);
  REQUIRE("scope.thread", thread->fiber || scope->thread == thread,
          "another thread has opened the scope");
  REQUIRE("scope.order", scope->depth < thread->scopes.depth,
          "the scope was closed before, or with one around it");
}

void gait_scope_open(gait_thread *thread, gait_scope *scope) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE_ARGUMENT(scope);
  scope_check_thread(thread);
  scope->thread = thread;
  gaiti_scopes_open(&thread->scopes, scope);
}

void **gait_scope_add(gait_thread *thread, void *object) {
  REQUIRE_ARGUMENT(thread);
  scope_check_thread(thread);
  REQUIRE("scope.open", thread->scopes.depth > 0, "the thread has no open scope");
  void **handle = gaiti_scopes_push(thread->heap, &thread->scopes);
  if (handle) *handle = object;
  return handle;
}

void gait_scope_close(gait_thread *thread, gait_scope *scope) {
  REQUIRE_ARGUMENT(thread);
  REQUIRE_ARGUMENT(scope);
  scope_check(thread, scope);
  gaiti_scopes_close(thread->heap, &thread->scopes, scope);
}

/* No safepoint stands between the two. */
void **gait_scope_escape(gait_thread *thread, gait_scope *scope, void *object) {
  gait_scope_close(thread, scope);
  REQUIRE("scope.outer", scope->depth > 0, "there is no scope around this one");
  return gait_scope_add(thread, object);
}
