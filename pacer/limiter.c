/* The CPU limiter: a bucket of GC CPU time.
 *
 * Each accounted window adds the GC time above the cap and takes away the time
 * that GC left unused below it.  In a window of T CPU time of which G was GC
 * and M = T - G was not, the level moves by 2 x ((1 - cap) x G - cap x M):
 * nothing when GC took exactly the cap, and G - M at a cap of one half.  The
 * bucket holds a second of every CPU, so a short burst of assists passes
 * and a heap that cannot fit its limit is noticed within about a second.  While
 * the bucket is full no assist is asked for.
 *
 * Times come in from the driver; background work is not measured but taken as
 * its planned share of the window while it is enabled.  A window in which the
 * program was stopped is the exception: there it is measured, and the time of
 * the stopped threads counts as GC's, since no other thread had it. */
#include "decision.h"
#include "bytes.h"

enum { LIMITER_UPDATE_PERIOD_NS = 10 * 1000 * 1000 };
#define LIMITER_MOST_NS (INT64_MAX / 4)        /* so that sums and differences of a few fit */
static const double limiter_capacity_ns = 1e9; /* of each CPU */

void gaiti_pacer_limiter_init(struct gaiti_pacer_limiter *limiter, int64_t now_ns, double cpus,
                              double background_share, double cap) {
  *limiter = (struct gaiti_pacer_limiter){
      .cap = cap,
      .background_share = background_share,
      .cpus = cpus,
      .last_update_ns = now_ns,
      .capacity_ns = bytes_from_real(cpus * limiter_capacity_ns),
  };
}

static int64_t limiter_pool(int64_t pool_ns, int64_t more_ns) {
  return bytes_min(bytes_add(pool_ns, bytes_max(more_ns, 0)), LIMITER_MOST_NS);
}

void gaiti_pacer_limiter_add_assist(struct gaiti_pacer_limiter *limiter, int64_t assist_ns) {
  limiter->assist_pool_ns = limiter_pool(limiter->assist_pool_ns, assist_ns);
}

void gaiti_pacer_limiter_add_wait(struct gaiti_pacer_limiter *limiter, int64_t wait_ns) {
  limiter->wait_pool_ns = limiter_pool(limiter->wait_pool_ns, wait_ns);
}

void gaiti_pacer_limiter_add_idle(struct gaiti_pacer_limiter *limiter, int64_t idle_ns) {
  limiter->idle_pool_ns = limiter_pool(limiter->idle_pool_ns, idle_ns);
}

/* CPU time that all CPUs offered in a window; exact for whole CPUs. */
static int64_t limiter_offered_ns(const struct gaiti_pacer_limiter *limiter, int64_t window_ns) {
  int64_t whole = bytes_from_real(limiter->cpus);
  double part = limiter->cpus - (double)whole;
  if (whole > 0 && window_ns > LIMITER_MOST_NS / whole) return LIMITER_MOST_NS;
  return bytes_min(bytes_add(window_ns * whole, bytes_from_real((double)window_ns * part)),
                   LIMITER_MOST_NS);
}

/* Moves the level by `gc_ns` against `mutator_ns` at this cap.  The latter is below 0 when more
 * assist time was reported than the window offered. */
static void limiter_account(struct gaiti_pacer_limiter *limiter, int64_t gc_ns,
                            int64_t mutator_ns) {
  double moved = 2 * ((1 - limiter->cap) * (double)gc_ns - limiter->cap * (double)mutator_ns);
  int64_t up = bytes_from_real(moved), down = bytes_from_real(-moved);
  int64_t room = limiter->capacity_ns - limiter->fill_ns;
  if (up > 0 && up >= room) { /* also when it was full already */
    limiter->fill_ns = limiter->capacity_ns;
    limiter->overflow_ns = bytes_add(limiter->overflow_ns, up - room);
    limiter->limiting = true;
    return;
  }
  if (up == 0 && down == 0) return;
  if (room == 0) limiter->limiting = false;
  limiter->fill_ns = bytes_over(limiter->fill_ns + up, down);
}

void gaiti_pacer_limiter_update(struct gaiti_pacer_limiter *limiter, int64_t now_ns) {
  if (now_ns < limiter->last_update_ns) return;
  int64_t total_ns = limiter_offered_ns(limiter, now_ns - limiter->last_update_ns);
  int64_t gc_ns = limiter->assist_pool_ns;
  if (limiter->gc_enabled)
    gc_ns = bytes_add(gc_ns, bytes_from_real(limiter->background_share * (double)total_ns));
  limiter->gc_ns = bytes_add(limiter->gc_ns, gc_ns);
  gc_ns = bytes_add(gc_ns, limiter->wait_pool_ns);
  int64_t mutator_ns = total_ns - limiter->idle_pool_ns - gc_ns;
  limiter->offered_ns = bytes_add(limiter->offered_ns, total_ns);
  limiter->last_update_ns = now_ns;
  limiter->assist_pool_ns = 0;
  limiter->wait_pool_ns = 0;
  limiter->idle_pool_ns = 0;
  limiter_account(limiter, gc_ns, mutator_ns);
}

bool gaiti_pacer_limiter_needs_update(const struct gaiti_pacer_limiter *limiter, int64_t now_ns) {
  return now_ns - limiter->last_update_ns > LIMITER_UPDATE_PERIOD_NS;
}

void gaiti_pacer_limiter_start_transition(struct gaiti_pacer_limiter *limiter, int64_t now_ns,
                                          bool gc_enabled) {
  gaiti_pacer_limiter_update(limiter, now_ns);
  limiter->gc_enabled = gc_enabled;
}

void gaiti_pacer_limiter_finish_transition(struct gaiti_pacer_limiter *limiter, int64_t now_ns) {
  if (now_ns < limiter->last_update_ns) return;
  int64_t stopped_ns = limiter_offered_ns(limiter, now_ns - limiter->last_update_ns);
  limiter->last_update_ns = now_ns;
  limiter->gc_ns = bytes_add(limiter->gc_ns, stopped_ns);
  limiter->offered_ns = bytes_add(limiter->offered_ns, stopped_ns);
  limiter_account(limiter, stopped_ns, 0);
}

void gaiti_pacer_limiter_begin_stop(struct gaiti_pacer_limiter *limiter, int64_t now_ns) {
  gaiti_pacer_limiter_update(limiter, now_ns);
}

void gaiti_pacer_limiter_end_stop(struct gaiti_pacer_limiter *limiter, int64_t now_ns,
                                  int64_t threads, int64_t gc_ns) {
  if (now_ns < limiter->last_update_ns) return;
  int64_t window_ns = now_ns - limiter->last_update_ns;
  int64_t total_ns = limiter_offered_ns(limiter, window_ns);
  int64_t lost_ns = bytes_from_real((double)window_ns * (double)bytes_max(threads, 0));
  gc_ns = bytes_add(bytes_max(gc_ns, 0), limiter->assist_pool_ns);
  gc_ns = bytes_min(bytes_add(bytes_min(lost_ns, total_ns), gc_ns), total_ns);
  limiter->gc_ns = bytes_add(limiter->gc_ns, gc_ns);
  gc_ns = bytes_min(bytes_add(gc_ns, limiter->wait_pool_ns), total_ns);
  int64_t idle_ns = bytes_min(limiter->idle_pool_ns, total_ns - gc_ns);
  limiter->offered_ns = bytes_add(limiter->offered_ns, total_ns);
  limiter->last_update_ns = now_ns;
  limiter->assist_pool_ns = 0;
  limiter->wait_pool_ns = 0;
  limiter->idle_pool_ns = 0;
  limiter_account(limiter, gc_ns, total_ns - idle_ns - gc_ns);
}

void gaiti_pacer_limiter_set_cpus(struct gaiti_pacer_limiter *limiter, int64_t now_ns,
                                  double cpus) {
  gaiti_pacer_limiter_update(limiter, now_ns);
  limiter->cpus = cpus;
  limiter->capacity_ns = bytes_from_real(cpus * limiter_capacity_ns);
  if (limiter->fill_ns > limiter->capacity_ns) {
    limiter->fill_ns = limiter->capacity_ns;
    limiter->limiting = true;
  } else if (limiter->fill_ns < limiter->capacity_ns) {
    limiter->limiting = false;
  }
}

void gaiti_pacer_limiter_set_cap(struct gaiti_pacer_limiter *limiter, int64_t now_ns, double cap) {
  gaiti_pacer_limiter_update(limiter, now_ns);
  limiter->cap = cap;
}

bool gaiti_pacer_limiter_limiting(const struct gaiti_pacer_limiter *limiter) {
  return limiter->limiting;
}

double gaiti_pacer_limiter_fill(const struct gaiti_pacer_limiter *limiter) {
  if (limiter->capacity_ns <= 0) return limiter->limiting ? 1 : 0;
  return (double)limiter->fill_ns / (double)limiter->capacity_ns;
}

void gaiti_pacer_limiter_report(const struct gaiti_pacer_limiter *limiter,
                                struct gaiti_pacer_snapshot *snapshot) {
  snapshot->limiter_fill = gaiti_pacer_limiter_fill(limiter);
  snapshot->limiting = gaiti_pacer_limiter_limiting(limiter);
  snapshot->limiter_gc_ns = limiter->gc_ns;
  snapshot->limiter_offered_ns = limiter->offered_ns;
}
