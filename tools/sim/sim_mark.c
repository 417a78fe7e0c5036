/* While a cycle marks, GC gets the share u of the processors at which bytes marked over bytes
 * allocated are the assist ratio r.  With mutators that allocate A bytes a second of CPU, marking
 * at M, idle marking on the share i, and all three together on the share t,
 *
 *     M (u + i) = r A (t - u - i),    so    u = t r A / (r A + M) - i
 *
 * but u is not less than its least.  Mutators get what is left.  They cannot have what
 * idle marking takes: where they keep all processors busy, there is none. */
#include "sim_mark.h"

#include "bytes.h"

#define MARK_MOST_NS 1e12 /* a quarter of an hour */

int64_t sim_mark_ns(double seconds) {
  double ns = seconds * 1e9;
  return bytes_from_real(ns < MARK_MOST_NS ? ns : MARK_MOST_NS);
}

/* Of all processors, those that mutators and marking keep busy. */
static double mark_total(const struct sim_rates *rates) {
  double total = rates->busy + rates->least + rates->idle;
  return total < 1 ? total : 1;
}

double sim_mark_share(const struct sim_rates *rates, double assist_ratio) {
  double owed = assist_ratio * rates->alloc, total = mark_total(rates);
  double share = owed / (owed + rates->mark) * total - rates->idle;
  if (!(share > rates->least)) share = rates->least; /* also when it is no number, as 0 / 0 */
  return share < total - rates->idle ? share : total - rates->idle;
}

/* Takes up to `bytes` from what is left. */
static int64_t mark_take(int64_t *left, int64_t bytes) {
  int64_t taken = bytes_min(*left, bytes);
  *left -= taken;
  return taken;
}

void sim_mark_bytes(struct sim_driver *driver, const struct sim_rates *rates, int64_t bytes,
                    struct sim_mark *mark) {
  struct gaiti_pacer_decision decision;
  sim_driver_decide(driver, &decision);
  double processors = driver->limiter.processors;
  double share = sim_mark_share(rates, decision.assist_ratio);
  double mutators = mark_total(rates) - share - rates->idle;
  struct sim_work work = {.globals_bytes = mark_take(&mark->globals_left_bytes, bytes)};
  work.heap_bytes = mark_take(&mark->heap_left_bytes, bytes - work.globals_bytes);
  double done = (double)(work.globals_bytes + work.heap_bytes);
  double seconds = done / (rates->mark * processors * (share + rates->idle));
  double allocated = rates->alloc * processors * mutators * seconds;
  double assists = seconds * processors * (share - rates->background);
  double idle = seconds * processors * rates->idle;
  work.allocated_bytes = bytes_from_real(allocated);
  work.scannable_bytes = bytes_from_real(allocated * rates->scannable);
  work.assist_ns = sim_mark_ns(assists);
  work.idle_ns = sim_mark_ns(idle);
  work.duration_ns = sim_mark_ns(seconds);
  sim_driver_mark(driver, &work);
  mark->allocated_bytes += allocated;
  mark->seconds += seconds;
  mark->assist_seconds += assists;
  mark->owed_seconds += seconds * processors * (share - rates->least);
  mark->idle_seconds += idle;
  if (decision.assist_ratio > mark->ratio_most) mark->ratio_most = decision.assist_ratio;
}
