#include "cycle/trial.h"

#include "cycle/cycle.h"

/* splitmix64. */
static uint64_t trial_random(struct gaiti_trial *trial) {
  uint64_t value = trial->random += UINT64_C(0x9e3779b97f4a7c15);
  value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
  return value ^ value >> 31;
}

/* Every order is as likely as another. */
static void trial_shuffle(struct gaiti_trial *trial) {
  for (uint32_t i = 0; i < trial->plan.arms; i++) {
    uint32_t other = (uint32_t)(trial_random(trial) % (i + 1));
    trial->order[i] = trial->order[other];
    trial->order[other] = i;
  }
}

/* The values are in range: the option was checked. */
static void trial_set(gait_heap *heap) {
  const struct gaiti_trial *trial = &heap->cycle->trial;
  int64_t value = trial->plan.value[trial->order[trial->at]];
  switch (trial->plan.setting) {
  case GAITI_TRIAL_MEMORY_LIMIT: gaiti_pace_set_memory_limit(heap, value, NULL); return;
  case GAITI_TRIAL_CPU_CAP: gaiti_pace_set_cpu_cap(heap, value, NULL); return;
  default: gaiti_pace_set_gogc(heap, value, NULL); return;
  }
}

void gaiti_trial_begin(gait_heap *heap, const struct gaiti_trial_plan *plan) {
  struct gaiti_trial *trial = &heap->cycle->trial;
  *trial = (struct gaiti_trial){.plan = *plan, .number = 1, .random = plan->seed};
  if (plan->arms == 0) return;
  trial_shuffle(trial);
  trial_set(heap);
}

void gaiti_trial_end_cycle(gait_heap *heap) {
  struct gaiti_trial *trial = &heap->cycle->trial;
  if (trial->plan.arms == 0 || ++trial->ended < trial->plan.block) return;
  trial->ended = 0;
  trial->number++;
  if (++trial->at == trial->plan.arms) {
    trial->at = 0;
    trial_shuffle(trial);
  }
  trial_set(heap);
}

void gaiti_trial_note(const gait_heap *heap, gait_cycle_record *record) {
  const struct gaiti_trial *trial = &heap->cycle->trial;
  if (trial->plan.arms == 0) return;
  uint32_t cycle = trial->ended + 1, discard = trial->plan.discard;
  record->trial_block = trial->number;
  record->trial_cycle = cycle > discard ? cycle - discard : 0;
}
