/* Heaps and kinds. */
#include <stdio.h>

#include "mutator/blocking.h"
#include "mutator/attachments.h"
#include "barrier/buffers.h"
#include "barrier/finder.h"
#include "api/api_abi.h"
#include "api/api_profile.h"
#include "api/options.h"
#include "api/trial_option.h"
#include "base/check.h"
#include "base/sized.h"
#include "cycle/collector.h"
#include "cycle/cycle.h"
#include "cycle/dumps.h"
#include "cycle/finalizer_thread.h"
#include "cycle/fork.h"
#include "heap/samples.h"
#include "mark/ephemerons.h"
#include "mark/marking.h"
#include "weak/finalizers.h"
#include "weak/weak_heap.h"

static void heap_report(const gait_options *options, const char *error) {
  char line[384];
  snprintf(line, sizeof line - 1, "gait: %s", error);
  gaiti_log_line(options, line);
}

/* The layers, from below. */
static gait_result heap_init(gait_heap *heap, const gait_options *options) {
  gait_result result = gaiti_heap_init(heap, options);
  if (result != GAIT_OK) return result;
  result = GAIT_ERROR_MEMORY;
  if (!gaiti_profile_init(heap)) goto fail_heap;
  if (!gaiti_threads_init(heap)) goto fail_profile;
  if (!gaiti_procs_init(heap)) goto fail_threads;
  if (!gaiti_fibers_init(heap)) goto fail_procs;
  if (!gaiti_partial_init(heap)) goto fail_fibers;
  if (!gaiti_buffers_init(heap)) goto fail_partial;
  if (!gaiti_ephemerons_init(heap)) goto fail_buffers;
  if (!gaiti_finder_init(heap)) goto fail_ephemerons;
  if (!gaiti_marking_init(heap)) goto fail_finder;
  if (!gaiti_weak_init(heap)) goto fail_marking;
  if (!gaiti_finalizers_init(heap)) goto fail_weak;
  if (!gaiti_sweep_init(heap)) goto fail_finalizers;
  if (!gaiti_cycle_init(heap)) goto fail_sweep;
  return GAIT_OK;
fail_sweep:
  gaiti_sweep_destroy(heap);
fail_finalizers:
  gaiti_finalizers_destroy(heap);
fail_weak:
  gaiti_weak_destroy(heap);
fail_marking:
  gaiti_marking_destroy(heap);
fail_finder:
  gaiti_finder_destroy(heap);
fail_ephemerons:
  gaiti_ephemerons_destroy(heap);
fail_buffers:
  gaiti_buffers_destroy(heap);
fail_partial:
  gaiti_partial_destroy(heap);
fail_fibers:
  gaiti_fibers_destroy(heap);
fail_procs:
  gaiti_procs_destroy(heap);
fail_threads:
  gaiti_threads_destroy(heap);
fail_profile:
  gaiti_profile_destroy(heap);
fail_heap:
  gaiti_heap_destroy(heap);
  return result;
}

/* What the program asks for, or what the environment says; checked, and reported where it is bad.
 */
static gait_result heap_take_options(const gait_options *options, gait_options *own) {
  char error[320];
  gait_result result;
  if (options) {
    result = gaiti_options_take(own, options, error, sizeof error);
  } else {
    gait_options_init(own);
    result = gait_options_from_environment(own, error, sizeof error);
  }
  gaiti_profile_take_environment(own);
  if (result == GAIT_OK) result = gait_options_check(own, error, sizeof error);
  if (result != GAIT_OK) heap_report(own, error);
  return result;
}

/* The file is made outside of all heaps: a disk may be slow. */
static void heap_open_records(gait_heap *heap) {
  char settings[GAITI_LAYOUT_SETTINGS_BYTES];
  if (!heap->options.records) return;
  gaiti_options_describe(&heap->options, settings, sizeof settings);
  gaiti_blocking_begin();
  gaiti_recorder_open(heap, settings);
  gaiti_blocking_end();
}

/* The text was checked with the other options. */
static void heap_begin_trial(gait_heap *heap) {
  struct gaiti_trial_plan plan;
  if (gaiti_trial_parse(heap->options.trial, &plan, NULL, 0)) gaiti_trial_begin(heap, &plan);
  heap->options.trial = NULL; /* it is the caller's */
}

/* A heap that is whole: forks know it from here on, and then its budget does. */
static gait_result heap_enlist(gait_heap *heap, gait_heap **out) {
  gait_result result = GAIT_ERROR_SYSTEM;
  if (gaiti_fork_register(heap)) result = gaiti_members_join(heap);
  if (result == GAIT_ERROR_ARGUMENT)
    heap_report(&heap->options, "budget: there is no such budget, or no longer");
  if (result != GAIT_OK) {
    gait_heap_destroy(heap);
    return result;
  }
  gaiti_dumps_begin(heap);
  gaiti_profile_begin(heap);
  *out = heap;
  return GAIT_OK;
}

/* Options of another binary interface are not looked at. */
gait_result gait_heap_create_abi(const gait_options *options, gait_heap **out, unsigned abi) {
  if (!out) return GAIT_ERROR_ARGUMENT;
  *out = NULL;
  if (!gaiti_abi_matches(NULL, abi)) return GAIT_ERROR_ABI;
  gait_options own;
  gait_result result = heap_take_options(options, &own);
  if (result != GAIT_OK) return result;
  const char *missing = gaiti_os_missing();
  if (missing) {
    heap_report(&own, missing);
    return GAIT_ERROR_SYSTEM;
  }
  gait_heap *heap = gaiti_os_alloc(sizeof *heap);
  if (!heap) return GAIT_ERROR_MEMORY;
  result = heap_init(heap, &own);
  if (result == GAIT_ERROR_ARGUMENT)
    heap_report(&own, "tags: address_mask lacks a bit that addresses of the heap have");
  if (result != GAIT_OK) {
    gaiti_os_free(heap);
    return result;
  }
  heap_open_records(heap);
  heap_begin_trial(heap);
  return heap_enlist(heap, out);
}

/* The thread waits for the cycle under way outside all of its heaps. */
static void heap_end_collector(gait_heap *heap) {
  gaiti_blocking_begin();
  gaiti_collector_stop(heap);
  gaiti_cycle_destroy(heap);
  gaiti_blocking_end();
}

/* And its own for finalizers and for dumps. */
static void heap_end_threads(gait_heap *heap) {
  gaiti_blocking_begin();
  gaiti_finalizer_thread_stop(heap);
  gaiti_dumps_stop(heap);
  gaiti_blocking_end();
}

gait_result gait_heap_destroy(gait_heap *heap) {
  if (!heap) return GAIT_ERROR_ARGUMENT;
  heap_end_threads(heap);
  gaiti_lock(&heap->threads->lock);
  bool busy = heap->threads->count > 0;
  gaiti_unlock(&heap->threads->lock);
  if (busy) return GAIT_ERROR_BUSY;
  gaiti_dumps_end(heap);
  gaiti_profile_end(heap);
  gaiti_members_leave(heap);
  gaiti_fork_forget(heap);
  heap_end_collector(heap);
  gaiti_sweep_destroy(heap);
  gaiti_finalizers_destroy(heap);
  gaiti_weak_destroy(heap);
  gaiti_marking_destroy(heap);
  gaiti_finder_destroy(heap);
  gaiti_ephemerons_destroy(heap);
  gaiti_buffers_destroy(heap);
  gaiti_partial_destroy(heap);
  gaiti_fibers_destroy(heap);
  gaiti_procs_destroy(heap);
  gaiti_threads_destroy(heap);
  gaiti_profile_destroy(heap);
  gaiti_heap_destroy(heap);
  gaiti_os_free(heap);
  return GAIT_OK;
}

void gait_heap_set_user(gait_heap *heap, void *user) {
  REQUIRE_ARGUMENT(heap);
  gaiti_pointer_store_release(&heap->user, user);
}

void *gait_heap_user(const gait_heap *heap) {
  REQUIRE_ARGUMENT(heap);
  return gaiti_pointer_load_acquire(&heap->user);
}

/* ---- Kinds ---- */

gait_result gait_kind_register_sized(gait_heap *heap, const gait_kind_info *info, size_t info_bytes,
                                     gait_kind *kind) {
  if (!heap || !info || !kind) return GAIT_ERROR_ARGUMENT;
  gait_kind_info own;
  if (!gaiti_sized_may_read(info_bytes, GAITI_KIND_INFO_BYTES, sizeof own))
    return GAIT_ERROR_ARGUMENT;
  gaiti_sized_copy(&own, sizeof own, info, info_bytes);
  uint16_t index;
  gait_result result = gaiti_kinds_add(&heap->kinds, &own, &index);
  if (result == GAIT_OK) *kind = (gait_kind){index, heap->tag};
  return result;
}

gait_result gait_kind_find(gait_heap *heap, const char *name, gait_kind *kind) {
  if (!heap || !name || !kind) return GAIT_ERROR_ARGUMENT;
  uint16_t index;
  gait_result result = gaiti_kinds_find(&heap->kinds, name, &index);
  if (result == GAIT_OK) *kind = (gait_kind){index, heap->tag};
  return result;
}

gait_kind gait_kind_leaf(const gait_heap *heap) {
  REQUIRE_ARGUMENT(heap);
  return (gait_kind){GAITI_KIND_LEAF, heap->tag};
}

gait_kind gait_kind_conservative(const gait_heap *heap) {
  REQUIRE_ARGUMENT(heap);
  return (gait_kind){GAITI_KIND_CONSERVATIVE, heap->tag};
}

/* ---- Objects ---- */

void *gait_object_start(const gait_heap *heap, const void *address) {
  REQUIRE_ARGUMENT(heap);
  gaiti_ref ref = gaiti_map_resolve(&heap->map, (uintptr_t)address);
  return ref ? (void *)gaiti_ref_start(&heap->map, ref) : NULL;
}

size_t gait_object_bytes(const gait_heap *heap, const void *address) {
  REQUIRE_ARGUMENT(heap);
  gaiti_ref ref = gaiti_map_resolve(&heap->map, (uintptr_t)address);
  return ref ? gaiti_ref_bytes(&heap->map, ref) : 0;
}

const char *gait_object_kind_name(const gait_heap *heap, const void *address) {
  REQUIRE_ARGUMENT(heap);
  gaiti_ref ref = gaiti_map_resolve(&heap->map, (uintptr_t)address);
  return ref ? heap->kinds.table[gaiti_ref_kind(ref)].name : NULL;
}
