/* The part of a control group's limit that is a heap's own.
 *
 * In the group are, beside the heap, the program's code and stacks, its memory of malloc, memory of
 * the kernel's for it, and other processes; and a heap maps a little more before it has noticed
 * that it should not.  A tenth is usually left for that (as automemlimit does for Go), but in a
 * small group no less than a small program is large, unless the heap would get less than half. */
#include "pacer.h"
#include "bytes.h"

enum { GROUP_LEAST_BYTES = 16 << 20 };

int64_t gaiti_pacer_group_limit(int64_t group_bytes) {
  if (group_bytes == GAITI_PACER_NO_BYTES_LIMIT) return GAITI_PACER_NO_BYTES_LIMIT;
  int64_t rest = bytes_max(group_bytes / 10, GROUP_LEAST_BYTES);
  return group_bytes - bytes_min(rest, group_bytes / 2);
}
