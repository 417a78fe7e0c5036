/* How much memory the process's control groups grant: the least limit of its group and of every
 * group above it (versions 1 and 2), and the pressure in its own.
 *
 * Of version 2 both limits count: at memory.max the system ends a process, at memory.high it takes
 * memory from it and delays it, to no end for a heap that has not begun to collect.  Pressure is
 * the share of time in which some thread of the group waited for memory, over the last ten seconds.
 * Version 1 has none.
 *
 * As for CPUs (cpu_count.c), threads of the collector read the files, and all others take the
 * values that were read last. */
#define _GNU_SOURCE
#include "os/os.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "os/group.h"

#define GROUP_MEMORY_KEPT_NS 1000000000u
/* Version 1 writes a number near 2^63 for "none"; no machine has so much. */
#define GROUP_MEMORY_MOST_BYTES (INT64_C(1) << 60)

/*   limit_bytes  GAITI_OS_NO_LIMIT: none
 *   pressure     in hundredths of a percent; below 0: none was found yet */
struct group_memory {
  int64_t limit_bytes;
  int64_t pressure;
};

static void group_memory_limit(const struct gaiti_group *group, const char *name, int64_t *least) {
  int64_t bytes;
  if (gaiti_group_read(group, name, &bytes, 1) < 1) return;
  if (bytes < 0 || bytes >= GROUP_MEMORY_MOST_BYTES || bytes >= *least) return;
  *least = bytes;
}

/* The line "some avg10=1.25 ..." as 125. */
static int64_t group_memory_pressure(const struct gaiti_group *group) {
  static const char begin[] = "some avg10=";
  char text[256];
  if (!gaiti_group_text(group, "memory.pressure", text, sizeof text)) return -1;
  if (strncmp(text, begin, sizeof begin - 1) != 0) return -1;
  char *end;
  long whole = strtol(text + sizeof begin - 1, &end, 10), part = 0;
  if (whole < 0 || whole > 100 || end == text + sizeof begin - 1) return -1;
  for (int place = 10; *end != '\0' && place > 0; place /= 10) {
    if (*++end < '0' || *end > '9') break;
    part += (*end - '0') * place;
  }
  return whole * 100 + part;
}

static void group_memory_look(const struct gaiti_group *group, void *arg) {
  struct group_memory *memory = arg;
  if (!group->unified) {
    group_memory_limit(group, "memory.limit_in_bytes", &memory->limit_bytes);
    return;
  }
  group_memory_limit(group, "memory.max", &memory->limit_bytes);
  group_memory_limit(group, "memory.high", &memory->limit_bytes);
  if (memory->pressure < 0) memory->pressure = group_memory_pressure(group);
}

/* ---- The values learned last ----
 *
 * Each is written by whichever thread learns, and two that do it at a time find the same.
 *   learned_ns     when; 0: never
 *   learned_bytes  the limit + 1; 0: there is none */
static AO_t learned_ns, learned_bytes, learned_pressure;

void gaiti_os_memory_learn(void) {
  int before = errno;
  struct group_memory memory = {.limit_bytes = GAITI_OS_NO_LIMIT, .pressure = -1};
  gaiti_group_walk("memory", group_memory_look, &memory);
  bool none = memory.limit_bytes == GAITI_OS_NO_LIMIT;
  AO_store(&learned_bytes, none ? 0 : (AO_t)memory.limit_bytes + 1);
  AO_store(&learned_pressure, memory.pressure < 0 ? 0 : (AO_t)memory.pressure);
  AO_store_release(&learned_ns, (AO_t)gaiti_os_now_ns() | 1);
  errno = before;
}

bool gaiti_os_memory_is_old(void) {
  AO_t learned = AO_load_acquire(&learned_ns);
  return learned == 0 || (AO_t)gaiti_os_now_ns() - learned >= GROUP_MEMORY_KEPT_NS;
}

int64_t gaiti_os_memory_limit(void) {
  AO_t bytes = AO_load(&learned_bytes);
  return bytes == 0 ? GAITI_OS_NO_LIMIT : (int64_t)(bytes - 1);
}

double gaiti_os_memory_pressure(void) {
  return (double)AO_load(&learned_pressure) / 100;
}
