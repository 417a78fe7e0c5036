/* Settings: their defaults, their ranges, their change at run time. */
#include "decision.h"

#include <stddef.h>

const char *gaiti_pacer_policy_name(enum gaiti_pacer_policy policy) {
  switch (policy) {
  case GAITI_PACER_POLICY_GOGC: return "gogc";
  case GAITI_PACER_POLICY_CPU_BUDGET: return "cpu-budget";
  case GAITI_PACER_POLICY_SQUARE_ROOT: return "square-root";
  }
  return "unknown";
}

struct gaiti_pacer_config gaiti_pacer_config_default(void) {
  return (struct gaiti_pacer_config){
      .policy = GAITI_PACER_POLICY_GOGC,
      .gc_percent = 100,
      .memory_limit_bytes = GAITI_PACER_NO_BYTES_LIMIT,
      .minimum_heap_bytes = 4 << 20,
      .square_root_bytes = 256 << 20,
      .background_share = 0.25,
      .cpu_cap = 0.5,
      .cpu_budget = 0.1,
      .idle_reliance = 0,
      .assist_reliance = 0,
      .young_survival = 0,
  };
}

void gaiti_pacer_config_rely(struct gaiti_pacer_config *config) {
  config->idle_reliance = 0.75;
  config->assist_reliance = 1;
}

static bool config_within(double value, double low, double high) {
  return value >= low && value <= high;
}

const char *gaiti_pacer_config_check(const struct gaiti_pacer_config *config) {
  if (config->policy < GAITI_PACER_POLICY_GOGC || config->policy > GAITI_PACER_POLICY_SQUARE_ROOT)
    return "policy is none of gogc, cpu-budget, square-root";
  if (config->gc_percent < GAITI_PACER_GC_OFF) return "gc_percent is below 0 and not off";
  if (config->memory_limit_bytes < 0) return "memory_limit_bytes is below 0";
  if (config->minimum_heap_bytes < 0) return "minimum_heap_bytes is below 0";
  if (config->square_root_bytes < 1) return "square_root_bytes is below 1";
  if (!config_within(config->background_share, 0.01, 0.9))
    return "background_share is outside 0.01 .. 0.9";
  if (!config_within(config->cpu_cap, 0.01, 0.95)) return "cpu_cap is outside 0.01 .. 0.95";
  if (!config_within(config->cpu_budget, 0.001, 0.9)) return "cpu_budget is outside 0.001 .. 0.9";
  if (!config_within(config->idle_reliance, 0, 1)) return "idle_reliance is outside 0 .. 1";
  if (!config_within(config->assist_reliance, 0, 1)) return "assist_reliance is outside 0 .. 1";
  if (!config_within(config->young_survival, 0, 1)) return "young_survival is outside 0 .. 1";
  return NULL;
}

bool gaiti_pacer_configure(struct gaiti_pacer *pacer, const struct gaiti_pacer_config *config) {
  if (gaiti_pacer_config_check(config) != NULL) return false;
  pacer->config = *config;
  return true;
}

bool gaiti_pacer_set_gc_percent(struct gaiti_pacer *pacer, int64_t gc_percent) {
  struct gaiti_pacer_config config = pacer->config;
  config.gc_percent = gc_percent;
  return gaiti_pacer_configure(pacer, &config);
}

bool gaiti_pacer_set_memory_limit(struct gaiti_pacer *pacer, int64_t memory_limit_bytes) {
  struct gaiti_pacer_config config = pacer->config;
  config.memory_limit_bytes = memory_limit_bytes;
  return gaiti_pacer_configure(pacer, &config);
}
