/* Budgets. */
#include "base/check.h"
#include "base/sized.h"
#include "cycle/fork.h"
#include "cycle/members.h"

gait_result gait_budget_create(int64_t bytes, gait_budget **budget) {
  if (!budget) return GAIT_ERROR_ARGUMENT;
  *budget = NULL;
  if (bytes <= 0) return GAIT_ERROR_ARGUMENT;
  if (!gaiti_fork_handle()) return GAIT_ERROR_SYSTEM;
  return gaiti_budget_create(bytes, budget);
}

gait_result gait_budget_destroy(gait_budget *budget) {
  if (!budget) return GAIT_ERROR_ARGUMENT;
  return gaiti_budget_destroy(budget);
}

gait_result gait_budget_set_bytes(gait_budget *budget, int64_t bytes, int64_t *before) {
  if (!budget || bytes <= 0) return GAIT_ERROR_ARGUMENT;
  return gaiti_budget_set_bytes(budget, bytes, before);
}

size_t gait_budget_stats_read_sized(gait_budget *budget, gait_budget_stats *stats,
                                    size_t stats_bytes, gait_budget_member *members, size_t count,
                                    size_t member_bytes) {
  REQUIRE_ARGUMENT(budget);
  REQUIRE_ARGUMENT(stats);
  REQUIRE("argument.null", members || count == 0,
          "the argument members is NULL, and count is not 0");
  REQUIRE("struct.bytes",
          gaiti_sized_may_fill(stats_bytes, GAITI_BUDGET_BYTES) &&
              gaiti_sized_may_fill(member_bytes, GAITI_MEMBER_BYTES),
          "a gait_budget_stats or gait_budget_member has at least the size of version 0.2.0");
  gait_budget_stats own;
  size_t copied = gaiti_budget_read(budget, &own, members, count, member_bytes);
  REQUIRE("budget.exists", copied != GAITI_NO_BUDGET, "there is no such budget, or no longer");
  gaiti_sized_copy(stats, stats_bytes, &own, sizeof own);
  return copied;
}
