/* Heaps that share a budget.
 *
 * A heap with L live bytes that are marked at s bytes a second, and which allocates g bytes a
 * second, has a cycle of L/s seconds of CPU each time that it has filled its extra room E: the
 * share g L / (s E) of a CPU.  Of all ways to split B bytes of room, the sum of these is least
 * where each byte of room saves as much in every heap, which is
 *
 *     E_i = B x sqrt(L_i g_i / s_i) / sum of sqrt(L_j g_j / s_j)
 *
 * (MemBalancer: Kirisame, Shenoy and Panchekha, 2022).  B is the budget less all that is used. 
 * Four things are added:
 *
 * A floor.  A heap that allocates next to nothing keeps 4 MiB of room, or as much as half of an
 * equal share where that is less, so that it may begin to allocate without a cycle for each page.
 *
 * A heap that has had no cycle has no numbers: it counts as much as the others do in the mean.
 * Where no heap allocates, all count the same.
 *
 * Steps.  Bytes that a heap loses are there only when it has been collected, and the numbers of one
 * cycle say little: a split at most halves a room or doubles it.  Rooms that grow take what those
 * that shrink have given up, and no more.
 *
 * The budget.  Where live heaps have grown, the rest may be less than the steps allow: then all
 * rooms are cut to fit, in proportion to their bytes over the floor.  Where even the used bytes are
 * more than the budget, no heap has room, and each has a part of the budget in proportion to them:
 * a limit out of its reach, under which the CPU cap decides, as under any other (.limiter.relief in
 * docs/design/pacer.md). */
#include "shares.h"

#include <stdbool.h>

#include "bytes.h"
#include "decision.h"
#include "root.h"

/* A heap's room in the end. */
static double shares_weight(const struct gaiti_share *share) {
  return root_of(share->alloc_rate > 0 ? share->alloc_rate * share->cycle_cpu : 0);
}

/* The mean weight of those that have one; 1 where that is nothing. */
static double shares_mean(const struct gaiti_share *shares, int count) {
  double sum = 0, known = 0;
  for (int i = 0; i < count; i++) {
    if (shares[i].cycle_cpu < 0) continue;
    sum += shares_weight(&shares[i]);
    known++;
  }
  return sum > 0 ? sum / known : 1;
}

struct shares_plan {
  const struct gaiti_share *shares;
  int count;
  double mean;  /* the weight of a heap without numbers */
  bool idle;    /* no heap has a weight */
  double left;  /* to be split */
  double floor; /* of a room */
  double scale; /* bytes of room for each unit of weight */
};

static double plan_weight(const struct shares_plan *plan, int i) {
  const struct gaiti_share *share = &plan->shares[i];
  return plan->idle || share->cycle_cpu < 0 ? plan->mean : shares_weight(share);
}

static bool plan_is_idle(const struct shares_plan *plan) {
  for (int i = 0; i < plan->count; i++)
    if (plan_weight(plan, i) > 0) return false;
  return true;
}

static struct shares_plan shares_plan(const struct gaiti_share *shares, int count, int64_t left) {
  struct shares_plan plan = {
      .shares = shares, .count = count, .mean = shares_mean(shares, count), .left = (double)left};
  plan.idle = plan_is_idle(&plan);
  double half = count > 0 ? plan.left / count / 2 : 0;
  plan.floor = half < GAITI_SHARES_FLOOR_BYTES ? half : GAITI_SHARES_FLOOR_BYTES;
  return plan;
}

/* The room by the rule, but no less than the floor. */
static double plan_target(const struct shares_plan *plan, int i) {
  double room = plan_weight(plan, i) * plan->scale;
  return room > plan->floor ? room : plan->floor;
}

/* Finds the scale at which all is split.  Each round finds heaps at the floor that the one before
 * had not; they only become more, so there are `count` rounds at most. */
static void plan_find_scale(struct shares_plan *plan) {
  int at_floor = -1;
  plan->scale = 1e300; /* none is at the floor, but for weights of 0 */
  for (;;) {
    double weights = 0, left = plan->left;
    int now = 0;
    for (int i = 0; i < plan->count; i++) {
      double weight = plan_weight(plan, i);
      bool low = weight * plan->scale <= plan->floor;
      now += low;
      if (low)
        left -= plan->floor;
      else
        weights += weight;
    }
    if (now == at_floor || weights <= 0) return;
    at_floor = now;
    plan->scale = left > 0 ? left / weights : 0;
  }
}

/* One step from the room that it has. */
static double plan_step(const struct shares_plan *plan, int i) {
  double target = plan_target(plan, i), had = (double)plan->shares[i].extra_bytes;
  if (!(had > 0)) return target;
  double least = had / 2 > plan->floor ? had / 2 : plan->floor;
  double most = had * 2 > plan->floor ? had * 2 : plan->floor;
  return target < least ? least : target > most ? most : target;
}

/* How far the step goes up. */
static double plan_growth(const struct shares_plan *plan, int i) {
  double had = (double)plan->shares[i].extra_bytes;
  double from = had > plan->floor ? had : plan->floor, step = plan_step(plan, i);
  return step > from ? step - from : 0;
}

/* The limits: used and extra bytes, cut in proportion where the used bytes alone are too many. */
static void shares_set_limits(int64_t budget_bytes, struct gaiti_share *shares, int count) {
  double used = 0;
  for (int i = 0; i < count; i++)
    used += (double)shares[i].used_bytes;
  double part = used > (double)budget_bytes ? (double)budget_bytes / used : 1;
  int64_t left = budget_bytes;
  for (int i = 0; i < count; i++) {
    int64_t bytes = bytes_from_real((double)shares[i].used_bytes * part);
    if (part == 1) bytes = bytes_add(shares[i].used_bytes, shares[i].extra_bytes);
    shares[i].limit_bytes = bytes_min(bytes, left);
    left -= shares[i].limit_bytes;
  }
}

void gaiti_shares_split(int64_t budget_bytes, struct gaiti_share *shares, int count) {
  int64_t left = budget_bytes;
  for (int i = 0; i < count; i++)
    left = bytes_over(left, shares[i].used_bytes);
  struct shares_plan plan = shares_plan(shares, count, left);
  plan_find_scale(&plan);
  double sum = 0, growth = 0;
  for (int i = 0; i < count; i++) {
    sum += plan_step(&plan, i);
    growth += plan_growth(&plan, i);
  }
  double over = sum > plan.left ? sum - plan.left : 0, cut = over < growth ? over : growth;
  double floors = plan.floor * count, rest = sum - cut - floors;
  double shrink = rest > 0 && over > cut ? (plan.left - floors) / rest : 1;
  for (int i = 0; i < count; i++) {
    double room = plan_step(&plan, i);
    if (growth > 0) room -= cut * plan_growth(&plan, i) / growth;
    room = plan.floor + (room - plan.floor) * shrink;
    shares[i].extra_bytes = bytes_min(bytes_from_real(room), left);
    left -= shares[i].extra_bytes;
  }
  shares_set_limits(budget_bytes, shares, count);
}

double gaiti_shares_rate(double rate, double period, double bytes, double seconds) {
  if (!(seconds > 2 * period) || !(seconds > 0)) return rate;
  double lately = bytes / seconds;
  return lately < rate ? lately : rate;
}

/* As gaiti_pacer_limit_headroom: three hundredths of the limit are three of 97 under it. */
int64_t gaiti_shares_with_headroom(int64_t bytes) {
  return bytes_add(bytes, bytes_max(bytes / 97 * 3 + 3, GAITI_PACER_MIB));
}
