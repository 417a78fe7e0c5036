/* setting.h: one setting of a heap, as it is predicted or simulated. */
#ifndef GAIT_SETTING_H
#define GAIT_SETTING_H

#include "pacer.h"

#define SETTING_OFF (-1) /* gogc_percent, or memory_limit_bytes: none */

struct setting {
  int64_t gogc_percent;
  int64_t memory_limit_bytes;
  double cpus; /* 0: as recorded, or as the program has them */
};

static inline double setting_cpus(const struct setting *setting, double otherwise) {
  return setting->cpus > 0 ? setting->cpus : otherwise;
}

/* What it says of the pacer; the rest of `config` stays. */
static inline void setting_configure(const struct setting *setting,
                                     struct gaiti_pacer_config *config) {
  config->gc_percent =
      setting->gogc_percent == SETTING_OFF ? GAITI_PACER_GC_OFF : setting->gogc_percent;
  if (setting->memory_limit_bytes != SETTING_OFF)
    config->memory_limit_bytes = setting->memory_limit_bytes;
}

#endif
