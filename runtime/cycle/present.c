/* The present is written by any thread that comes by, as it reads it then: each word by itself, and
 * the time last.  Nothing is written while a lock is held. */
#include "cycle/present.h"

#include <stddef.h>
#include <string.h>

#include "alloc/totals.h"
#include "base/latency.h"
#include "cycle/events.h"
#include "mark/marking.h"
#include "mutator/lateness.h"

/* Growth is written so often at most, and all numbers at a phase; the sums over all threads, which
 * take their lock, likewise. */
#define PRESENT_LOOK_NS  ((uint64_t)5 * GAITI_NS_OF_MS)
#define PRESENT_PHASE_NS GAITI_NS_OF_MS
#define PRESENT_COUNT_NS ((uint64_t)50 * GAITI_NS_OF_MS)
/* And when the heap has grown by this part of its goal. */
#define PRESENT_PARTS 64

static void present_read_pace(gait_heap *heap, gait_record_now *now) {
  struct gaiti_pace *pace = &heap->cycle->pace;
  gaiti_lock(&pace->lock);
  now->marked_bytes = pace->live_bytes;
  now->gogc_percent = pace->pacer.config.gc_percent;
  now->cpus = pace->cpus;
  gaiti_unlock(&pace->lock);
  now->goal_bytes = AO_load(&pace->goal_bytes);
  now->trigger_bytes = AO_load(&pace->trigger_bytes);
  now->memory_limit_bytes = (int64_t)AO_load(&heap->memory_limit);
  now->gc_assist_ns = AO_load(&pace->total_assist_ns);
  now->gc_background_ns = AO_load(&pace->total_background_ns);
  now->gc_idle_ns = AO_load(&pace->total_idle_ns);
  now->gc_stopped_ns = AO_load(&pace->total_stopped_cpu_ns);
}

static void present_read_heap(gait_heap *heap, gait_record_now *now) {
  struct gaiti_totals totals;
  gaiti_totals_read(heap, &totals);
  now->alloc_bytes = totals.alloc_bytes;
  now->alloc_objects = totals.alloc_objects;
  now->heap_live_bytes = gaiti_heap_live(heap) + totals.unflushed_live_bytes;
  now->mapped_bytes = gaiti_space_mapped(&heap->space);
  now->mapped_peak_bytes = AO_load(&heap->space.mapped_peak_bytes);
  now->external_bytes = AO_load(&heap->externals.bytes);
  now->scan_bytes = AO_load(&heap->marking->scan_bytes);
  now->phase = gaiti_phase(heap);
  now->cycle = AO_load(&heap->cycle->file.cycle);
}

/* The sums over all threads. */
static void present_read_threads(gait_heap *heap, gait_record_now *now) {
  struct gaiti_latency pauses, answers;
  now->threads = gaiti_lateness_sum(heap, &pauses, &answers);
  now->pauses = pauses.count;
  now->pause_total_ns = pauses.total_ns;
  now->pause_max_ns = pauses.max_ns;
  now->pause_p50_ns = gaiti_latency_quantile(&pauses, 0.5);
  now->pause_p99_ns = gaiti_latency_quantile(&pauses, 0.99);
  now->answers = answers.count;
  now->late_total_ns = answers.total_ns;
  now->late_max_ns = answers.max_ns;
  now->late_p50_ns = gaiti_latency_quantile(&answers, 0.5);
  now->late_p99_ns = gaiti_latency_quantile(&answers, 0.99);
}

/* The words of the present from `first` up to `end`, which are offsets. */
static void present_copy(gait_record_now *to, const gait_record_now *from, size_t first,
                         size_t end) {
  for (size_t at = first; at < end; at += sizeof(AO_t)) {
    AO_t word;
    memcpy(&word, (const char *)from + at, sizeof word);
    AO_store((AO_t *)(void *)((char *)to + at), word);
  }
}

/* Whether the time has come for the calling thread to do it, and not for another. */
static bool present_is_due(AO_t *last_ns, uint64_t now_ns, uint64_t every_ns) {
  AO_t last = AO_load(last_ns);
  return now_ns - last >= every_ns && AO_compare_and_swap(last_ns, last, now_ns);
}

static void present_plan(gait_heap *heap) {
  uint64_t step = AO_load(&heap->cycle->pace.goal_bytes) / PRESENT_PARTS;
  AO_store(&heap->cycle->file.present_next_bytes, gaiti_heap_live(heap) + step);
}

static void present_write(gait_heap *heap, uint64_t at_ns, bool count) {
  gait_record_now *now = &gaiti_events_open(heap)->now, read;
  present_read_pace(heap, &read);
  present_read_heap(heap, &read);
  present_copy(now, &read, offsetof(gait_record_now, phase), offsetof(gait_record_now, threads));
  if (count) {
    present_read_threads(heap, &read);
    present_copy(now, &read, offsetof(gait_record_now, threads), sizeof read);
  }
  AO_store((AO_t *)&now->updated_ns, at_ns - heap->cycle->records.created_ns);
  gaiti_event_write(heap, &(struct gaiti_event){
                              .type = GAIT_EVENT_HEAP,
                              .at_ns = at_ns,
                              .value = {read.heap_live_bytes, read.goal_bytes, read.trigger_bytes},
                          });
  present_plan(heap);
}

void gaiti_present_write(gait_heap *heap) {
  struct gaiti_recorder *file = &heap->cycle->file;
  if (!gaiti_events_open(heap)) return;
  uint64_t now_ns = gaiti_os_now_ns();
  AO_store(&file->present_ns, now_ns);
  bool idle = gaiti_phase(heap) == GAITI_PHASE_IDLE;
  present_write(heap, now_ns,
                idle && present_is_due(&file->present_counted_ns, now_ns, PRESENT_COUNT_NS));
}

/* Small cycles come by thousands in a second. */
void gaiti_present_note_phase(gait_heap *heap) {
  struct gaiti_layout *layout = gaiti_events_open(heap);
  if (!layout) return;
  uint64_t now_ns = gaiti_os_now_ns();
  AO_store((AO_t *)&layout->now.phase, gaiti_phase(heap));
  AO_store((AO_t *)&layout->now.cycle, AO_load(&heap->cycle->file.cycle));
  AO_store((AO_t *)&layout->now.updated_ns, now_ns - heap->cycle->records.created_ns);
  if (present_is_due(&heap->cycle->file.present_ns, now_ns, PRESENT_PHASE_NS))
    present_write(heap, now_ns, false);
}

void gaiti_present_end(gait_heap *heap) {
  present_write(heap, gaiti_os_now_ns(), true);
  AO_store((AO_t *)&gaiti_events_open(heap)->now.ended, 1);
}

void gaiti_present_write_slow(gait_heap *heap, uint64_t live_bytes) {
  struct gaiti_recorder *file = &heap->cycle->file;
  if (!gaiti_events_open(heap)) return;
  uint64_t now_ns = gaiti_os_now_ns();
  if (present_is_due(&file->present_ns, now_ns, PRESENT_LOOK_NS))
    present_write(heap, now_ns, false);
  else
    AO_store(&file->present_next_bytes,
             live_bytes + AO_load(&heap->cycle->pace.goal_bytes) / PRESENT_PARTS);
}
