/* The C library's own type ends at 1,024 CPUs; its calls take any size. */
#define _GNU_SOURCE
#include "os/cpus.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

bool gaiti_cpus_read(int tid, struct gaiti_cpus *cpus) {
  int before = errno;
  memset(cpus, 0, sizeof *cpus);
  bool known = sched_getaffinity(tid, sizeof *cpus, (cpu_set_t *)(void *)cpus) == 0;
  errno = before;
  return known;
}

bool gaiti_cpus_apply(const struct gaiti_cpus *cpus) {
  int before = errno;
  bool applied = sched_setaffinity(0, sizeof *cpus, (const cpu_set_t *)(const void *)cpus) == 0;
  errno = before;
  return applied;
}

unsigned gaiti_cpus_count(const struct gaiti_cpus *cpus) {
  unsigned count = 0;
  for (unsigned i = 0; i < sizeof cpus->words / sizeof *cpus->words; i++)
    count += (unsigned)__builtin_popcountl(cpus->words[i]);
  return count;
}
