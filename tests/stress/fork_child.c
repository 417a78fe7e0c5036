#include "fork_child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_STEPS 150

#if defined(__SANITIZE_THREAD__)
#define CHILD_MAY_RUN false
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CHILD_MAY_RUN false
#endif
#endif
#ifndef CHILD_MAY_RUN
#define CHILD_MAY_RUN true
#endif

static void child_check_places(struct mutator *mutator) {
  const graph_place *places[] = {&mutator->graph->shared, &mutator->graph->plain,
                                 &mutator->own[OWN_BARRIERED], &mutator->own[OWN_CALLBACK],
                                 &mutator->locals};
  for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
    for (uint32_t i = 0; i < places[k]->count; i++) {
      uint32_t id;
      void *reference = graph_get(mutator->graph, places[k], i, &id);
      graph_walk(mutator->graph, id, reference, 64);
    }
  }
  for (uint32_t i = 0; i < GRAPH_LOOSE_SLOTS; i++)
    graph_check_loose(mutator->graph, gait_load(&mutator->graph->loose[i]));
}

/* What the child does: the other threads are gone, and all that they held is garbage. */
_Noreturn static void child_go_on(struct mutator *mutator) {
  gait_stats stats;
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* whoever ends the test ends this as well */
  mutator->alone = true;
  atomic_store(&mutator->graph->forked, true);
  gait_stats_read(mutator->graph->heap, &stats);
  if (stats.threads != 1) graph_fail(mutator->graph, "a child has other threads than its own");
  for (int rounds = 0; rounds < 2; rounds++) {
    child_check_places(mutator);
    for (int step = 0; step < CHILD_STEPS && !graph_is_full(mutator->graph); step++)
      mutator_step(mutator);
    if (gait_heap_collect(mutator->thread) != GAIT_OK)
      graph_fail(mutator->graph, "a child's collection was refused");
  }
  child_check_places(mutator);
  _exit(EXIT_SUCCESS);
}

void child_fork(struct mutator *mutator) {
  if (!CHILD_MAY_RUN || mutator->alone) return;
  const pid_t child = fork();
  if (child < 0) graph_fail(mutator->graph, "fork: %s", strerror(errno));
  if (child == 0) child_go_on(mutator);
  int status = 0;
  gait_thread_leave(mutator->thread);
  while (waitpid(child, &status, 0) != child) {
  }
  gait_thread_enter(mutator->thread);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
    graph_fail(mutator->graph, "a forked child ended with status %#x", (unsigned)status);
  atomic_fetch_add(&mutator->era->children, 1);
}
