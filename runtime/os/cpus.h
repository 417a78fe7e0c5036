/* cpus.h: sets of the machine's CPUs, by number. */
#ifndef GAITI_OS_CPUS_H
#define GAITI_OS_CPUS_H

#include <stdbool.h>

/* More than Linux can be built for. */
#define GAITI_CPUS_MAX 8192
#define GAITI_CPU_BITS (8 * sizeof(unsigned long))

struct gaiti_cpus {
  unsigned long words[GAITI_CPUS_MAX / GAITI_CPU_BITS];
};

/* Where a thread may run; 0: the calling one. */
bool gaiti_cpus_read(int tid, struct gaiti_cpus *cpus);

/* Has the calling thread run there. */
bool gaiti_cpus_apply(const struct gaiti_cpus *cpus);

unsigned gaiti_cpus_count(const struct gaiti_cpus *cpus);

static inline bool gaiti_cpus_has(const struct gaiti_cpus *cpus, int cpu) {
  return cpu >= 0 && cpu < GAITI_CPUS_MAX &&
         (cpus->words[(unsigned)cpu / GAITI_CPU_BITS] >> (unsigned)cpu % GAITI_CPU_BITS & 1) != 0;
}

static inline void gaiti_cpus_set_one(struct gaiti_cpus *cpus, int cpu) {
  *cpus = (struct gaiti_cpus){{0}};
  cpus->words[(unsigned)cpu / GAITI_CPU_BITS] = 1ul << (unsigned)cpu % GAITI_CPU_BITS;
}

#endif
