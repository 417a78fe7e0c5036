/* setting.h: one setting of a heap, as it is predicted or simulated. */
#ifndef GAIT_SETTING_H
#define GAIT_SETTING_H

#include <stdint.h>

#define SETTING_OFF (-1) /* gogc_percent, or memory_limit_bytes: none */

struct setting {
  int64_t gogc_percent;
  int64_t memory_limit_bytes;
  double processors; /* 0: as recorded, or as the program has them */
};

#endif
