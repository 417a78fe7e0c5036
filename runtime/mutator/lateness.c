#include "mutator/lateness.h"

#include <string.h>

uint32_t gaiti_lateness_sum(gait_heap *heap, struct gaiti_latency *pauses,
                            struct gaiti_latency *answers) {
  struct gaiti_threads *threads = heap->threads;
  memset(pauses, 0, sizeof *pauses);
  memset(answers, 0, sizeof *answers);
  gaiti_lock(&threads->lock);
  uint32_t count = threads->count;
  gaiti_latency_merge(pauses, &threads->pauses);
  gaiti_latency_merge(answers, &threads->answers);
  for (const gait_thread *thread = threads->all; thread; thread = thread->next) {
    gaiti_latency_merge(pauses, &thread->pauses);
    gaiti_latency_merge(answers, &thread->answers);
  }
  gaiti_unlock(&threads->lock);
  return count;
}
