#include "sim_driver.h"

#include <stddef.h>

#include "bytes.h"

/* The limiter after what has passed up to now, in the snapshot. */
static void driver_look_at_limiter(struct sim_driver *driver) {
  gaiti_pacer_limiter_update(&driver->limiter, driver->clock_ns);
  if (!driver->limiter_unheard) gaiti_pacer_limiter_report(&driver->limiter, &driver->now);
}

const char *sim_driver_init(struct sim_driver *driver, const struct gaiti_pacer_config *config,
                            double cpus) {
  const char *wrong = gaiti_pacer_config_check(config);
  if (wrong != NULL) return wrong;
  *driver = (struct sim_driver){.fail_after_ns = GAITI_LADDER_NEVER};
  gaiti_pacer_init(&driver->pacer, config);
  gaiti_pacer_limiter_init(&driver->limiter, 0, cpus, config->background_share, config->cpu_cap);
  return NULL;
}

const char *sim_driver_configure(struct sim_driver *driver, const struct gaiti_pacer_config *config,
                                 double cpus) {
  const char *wrong = gaiti_pacer_config_check(config);
  if (wrong != NULL) return wrong;
  gaiti_pacer_configure(&driver->pacer, config);
  if (cpus != driver->limiter.cpus)
    gaiti_pacer_limiter_set_cpus(&driver->limiter, driver->clock_ns, cpus);
  gaiti_pacer_limiter_set_cap(&driver->limiter, driver->clock_ns, config->cpu_cap);
  driver_look_at_limiter(driver);
  return NULL;
}

void sim_driver_decide(const struct sim_driver *driver, struct gaiti_pacer_decision *decision) {
  gaiti_pacer_decide(&driver->pacer, &driver->now, decision);
}

void sim_driver_pass(struct sim_driver *driver, int64_t duration_ns) {
  driver->clock_ns = bytes_add(driver->clock_ns, duration_ns);
  driver_look_at_limiter(driver);
}

/* Nothing is stopped, so a transition of the limiter is one moment. */
static void driver_turn_limiter(struct sim_driver *driver, bool marking) {
  gaiti_pacer_limiter_start_transition(&driver->limiter, driver->clock_ns, marking);
  driver_look_at_limiter(driver);
}

void sim_driver_start(struct sim_driver *driver, int64_t heap_bytes, int64_t scannable_bytes) {
  struct gaiti_pacer_snapshot *now = &driver->now;
  now->heap_live_bytes = heap_bytes;
  now->heap_scan_bytes = bytes_add(now->heap_scan_bytes, scannable_bytes);
  now->heap_work_bytes = now->globals_work_bytes = 0;
  driver_turn_limiter(driver, true);
  gaiti_pacer_start_cycle(&driver->pacer, now);
}

void sim_work_add(struct sim_work *sum, const struct sim_work *work) {
  sum->heap_bytes = bytes_add(sum->heap_bytes, work->heap_bytes);
  sum->roots_bytes = bytes_add(sum->roots_bytes, work->roots_bytes);
  sum->allocated_bytes = bytes_add(sum->allocated_bytes, work->allocated_bytes);
  sum->scannable_bytes = bytes_add(sum->scannable_bytes, work->scannable_bytes);
  sum->assist_ns = bytes_add(sum->assist_ns, work->assist_ns);
  sum->idle_ns = bytes_add(sum->idle_ns, work->idle_ns);
  sum->duration_ns = bytes_add(sum->duration_ns, work->duration_ns);
}

void sim_driver_mark(struct sim_driver *driver, const struct sim_work *work) {
  struct gaiti_pacer_snapshot *now = &driver->now;
  now->heap_live_bytes = bytes_add(now->heap_live_bytes, work->allocated_bytes);
  now->heap_scan_bytes = bytes_add(now->heap_scan_bytes, work->scannable_bytes);
  now->heap_work_bytes += work->heap_bytes;
  now->globals_work_bytes += work->roots_bytes;
  gaiti_pacer_limiter_add_assist(&driver->limiter, work->assist_ns);
  gaiti_pacer_limiter_add_idle(&driver->limiter, work->idle_ns);
  sim_driver_pass(driver, work->duration_ns);
}

void sim_driver_end(struct sim_driver *driver, const struct gaiti_pacer_cycle *cycle) {
  struct gaiti_pacer_snapshot *now = &driver->now;
  driver_turn_limiter(driver, false);
  gaiti_pacer_end_cycle(&driver->pacer, now, cycle);
  now->heap_live_bytes = cycle->marked_bytes;
  now->heap_scan_bytes = now->heap_work_bytes;
  struct gaiti_pacer_decision decision;
  sim_driver_decide(driver, &decision);
  gaiti_ladder_climb(&driver->ladder, driver->clock_ns, driver->fail_after_ns, true, &decision);
}
