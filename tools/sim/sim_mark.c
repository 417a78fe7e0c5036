/* While a cycle marks, GC gets the share u of the CPUs at which bytes marked over bytes
 * allocated are the assist ratio r.  With mutators that allocate A bytes a second of CPU, marking
 * at M, idle marking on the share i, and all three together on the share t,
 *
 *     M (u + i) = r A (t - u - i),    so    u = t r A / (r A + M) - i
 *
 * but u is not less than its least.  Mutators get what is left.  They cannot have what
 * idle marking takes: where they keep all CPUs busy, there is none.
 *
 * Mutators that assist early do so beside this: the odds of a mutator's time to be an assist are
 * the sum of both.
 *
 * All amounts are whole bytes and whole nanoseconds, cut off as the recorded runs of Go's pacer
 * cut them off (tests/pacer/reference): the driver, the pacer and the results count the same. */
#include "sim_mark.h"

#include "bytes.h"

#define MARK_NS      1e9  /* a second */
#define MARK_MOST_NS 1e17 /* three years */

int64_t sim_mark_ns(double ns) {
  return bytes_from_real(ns < MARK_MOST_NS ? ns : MARK_MOST_NS);
}

/* Of all CPUs, those that mutators and marking keep busy. */
static double mark_total(const struct sim_rates *rates) {
  double total = rates->busy + rates->least + rates->idle;
  return total < 1 ? total : 1;
}

/* With early assists beside those that `share` has in it. */
static double mark_share_early(const struct sim_rates *rates, double assist_ratio, double share) {
  double mutators = mark_total(rates) - share - rates->idle, most = mutators + share - rates->least;
  double early = rates->early * assist_ratio;
  if (early > rates->early_most) early = rates->early_most;
  if (!(mutators > 0) || !(early > 0)) return share;
  double odds = (share - rates->least) / mutators + early;
  return rates->least + most * odds / (1 + odds);
}

double sim_mark_share(const struct sim_rates *rates, double assist_ratio) {
  double owed = assist_ratio * rates->alloc, total = mark_total(rates);
  double share = owed / (owed + rates->mark) * total - rates->idle;
  if (!(share > rates->least)) share = rates->least; /* also when it is no number, as 0 / 0 */
  if (share > total - rates->idle) share = total - rates->idle;
  return mark_share_early(rates, assist_ratio, share);
}

/* The share of this moment. */
static double mark_share_now(const struct sim_driver *driver, const struct sim_rates *rates,
                             struct sim_mark *mark) {
  struct gaiti_pacer_decision decision;
  sim_driver_decide(driver, &decision);
  if (decision.assist_ratio > mark->ratio_most) mark->ratio_most = decision.assist_ratio;
  return sim_mark_share(rates, decision.assist_ratio);
}

/* Takes up to `bytes` from what is left. */
static int64_t mark_take(int64_t *left, int64_t bytes) {
  int64_t taken = bytes_min(*left, bytes);
  *left -= taken;
  return taken;
}

static struct sim_work mark_scan(struct sim_mark *mark, int64_t bytes) {
  struct sim_work work = {.roots_bytes = mark_take(&mark->roots_left_bytes, bytes)};
  work.heap_bytes = mark_take(&mark->heap_left_bytes, bytes - work.roots_bytes);
  return work;
}

/* `work` was scanned in `ns`, with this share for GC. */
static void mark_pass(struct sim_driver *driver, const struct sim_rates *rates, double share,
                      double ns, struct sim_work *work, struct sim_mark *mark) {
  double cpus = driver->limiter.cpus;
  double mutators = mark_total(rates) - share - rates->idle;
  work->allocated_bytes = bytes_from_real(rates->alloc * ns / MARK_NS * cpus * mutators);
  work->scannable_bytes = bytes_from_real((double)work->allocated_bytes * rates->scannable);
  work->assist_ns = sim_mark_ns(ns * cpus * (share - rates->background));
  work->idle_ns = sim_mark_ns(ns * cpus * rates->idle);
  work->duration_ns = sim_mark_ns(ns);
  sim_driver_mark(driver, work);
  sim_work_add(&mark->done, work);
  mark->background_ns += ns * cpus * rates->background;
  mark->owed_ns += ns * cpus * (share - rates->least);
  mark->steps++;
}

void sim_mark_bytes(struct sim_driver *driver, const struct sim_rates *rates, int64_t bytes,
                    struct sim_mark *mark) {
  double share = mark_share_now(driver, rates, mark);
  struct sim_work work = mark_scan(mark, bytes);
  double done = (double)work.roots_bytes + (double)work.heap_bytes;
  double speed = rates->mark * driver->limiter.cpus * (share + rates->idle);
  mark_pass(driver, rates, share, done / speed * MARK_NS, &work, mark);
}

bool sim_mark_time(struct sim_driver *driver, const struct sim_rates *rates, int64_t duration_ns,
                   struct sim_mark *mark) {
  double share = mark_share_now(driver, rates, mark), ns = (double)duration_ns;
  double most = rates->mark * ns / MARK_NS * driver->limiter.cpus * (share + rates->idle);
  int64_t bytes = bytes_from_real(most);
  if (bytes == 0) return false;
  struct sim_work work = mark_scan(mark, bytes);
  int64_t done = work.roots_bytes + work.heap_bytes;
  if (done < bytes) ns = (double)sim_mark_ns((double)done * ns / most);
  mark_pass(driver, rates, share, ns, &work, mark);
  return true;
}
