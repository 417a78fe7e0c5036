#include "heap/heap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "heap/ranges.h"
#include "os/virtual.h"

#define LOG_LINE_BYTES 1024

/* Kinds carry a tag of their heap, so that a kind of another one is noticed, be that heap gone by
 * now.  It is never 0, as in a kind that was never set, and the same only for two heaps between
 * which 65,534 others were created. */
static uint16_t heap_tag(void) {
  static AO_t heap_tags;
  return (uint16_t)(AO_fetch_and_add1(&heap_tags) % UINT16_MAX + 1);
}

/* The program's rule may be gone when it has been copied. */
static bool heap_take_tags(gait_heap *heap) {
  const gait_tags *rule = heap->options.tags;
  heap->options.tags = NULL;
  heap->kinds.tagged = rule != NULL;
  return gaiti_tags_init(&heap->tags, rule, &heap->map);
}

/* Where memory is limited, a page that is larger than the space counts in may not come by itself.
 */
static void heap_choose_pages(gait_heap *heap) {
  const gait_options *options = &heap->options;
  if (options->huge_pages) {
    gaiti_os_prefer_huge_pages((void *)heap->map.base, heap->map.bytes);
    gaiti_os_prefer_huge_pages(heap->map.marks, heap->map.bytes / (8 * GAIT_GRANULE_BYTES));
  } else if (options->memory_limit_bytes != GAIT_OFF || options->max_heap_bytes != GAIT_OFF ||
             options->budget) {
    gaiti_space_refuse_huge_pages(&heap->space, &heap->map);
  }
}

/* The heap itself is the first of its structures. */
static bool heap_init_space(gait_heap *heap) {
  const gait_options *options = &heap->options;
  if (!gaiti_space_init(&heap->space, &heap->map, (size_t)options->reserve_bytes)) return false;
  heap->space.most_bytes = (uint64_t)options->max_heap_bytes; /* GAIT_OFF is GAITI_NO_LIMIT */
  AO_store(&heap->space.structure_bytes, gaiti_os_structure_bytes(sizeof *heap));
  AO_store(&heap->space.charged_bytes, gaiti_os_structure_bytes(sizeof *heap));
  gaiti_space_note_peak(&heap->space);
  return true;
}

/* Options that others ask for: allocations on the slow path, and no young cycles. */
static void heap_complete_options(gait_options *options) {
  if (options->debug.collect_every || options->debug.find_missing) options->debug.run_bytes = 1;
  if (options->debug.find_missing) options->young_percent = GAIT_OFF;
}

gait_result gaiti_heap_init(gait_heap *heap, const gait_options *options) {
  heap->options = *options;
  heap_complete_options(&heap->options);
  heap->tag = heap_tag();
  AO_store(&heap->epoch, 1);
  AO_store(&heap->memory_limit, GAITI_NO_LIMIT);
  gait_result result = GAIT_ERROR_MEMORY;
  if (!heap_init_space(heap)) return result;
  if (!heap_take_tags(heap)) {
    result = GAIT_ERROR_ARGUMENT;
    goto fail_space;
  }
  heap_choose_pages(heap);
  if (!gaiti_kinds_init(&heap->kinds, &heap->space)) goto fail_space;
  result = GAIT_ERROR_SYSTEM;
  if (!gaiti_roots_init(&heap->roots, &heap->space)) goto fail_kinds;
  if (!gaiti_externals_init(&heap->externals, &heap->space)) goto fail_roots;
  result = GAIT_ERROR_MEMORY;
  if (!gaiti_ranges_add(&heap->map)) goto fail_externals;
  return GAIT_OK;
fail_externals:
  gaiti_externals_destroy(&heap->externals);
fail_roots:
  gaiti_roots_destroy(&heap->roots);
fail_kinds:
  gaiti_kinds_destroy(&heap->kinds);
fail_space:
  gaiti_space_destroy(&heap->space, &heap->map);
  return result;
}

void gaiti_heap_destroy(gait_heap *heap) {
  gaiti_ranges_remove(&heap->map);
  gaiti_externals_destroy(&heap->externals);
  gaiti_roots_destroy(&heap->roots);
  gaiti_kinds_destroy(&heap->kinds);
  CHECK("heap.structures",
        heap->forked ||
            AO_load(&heap->space.structure_bytes) == gaiti_os_structure_bytes(sizeof *heap),
        "a structure of the heap was not freed, or not with its size");
  gaiti_space_destroy(&heap->space, &heap->map);
}

void gaiti_log_line(const gait_options *options, char *line) {
  if (options->log) {
    options->log(line, options->log_arg);
    return;
  }
  size_t length = strlen(line);
  line[length] = '\n', line[length + 1] = '\0';
  gaiti_os_print(line);
}

void gaiti_log(gait_heap *heap, const char *format, ...) {
  char line[LOG_LINE_BYTES + 1];
  va_list values;
  va_start(values, format);
  vsnprintf(line, LOG_LINE_BYTES, format, values);
  va_end(values);
  gaiti_log_line(&heap->options, line);
}

void gaiti_delay_slow(const gait_heap *heap) {
  static _Thread_local uint64_t delay_state;
  if (delay_state == 0)
    delay_state =
        (uint64_t)heap->options.debug.seed * 0x9E3779B97F4A7C15u + (uint64_t)gaiti_os_thread_id();
  delay_state ^= delay_state << 13;
  delay_state ^= delay_state >> 7;
  delay_state ^= delay_state << 17;
  uint64_t most_ns = (uint64_t)heap->options.debug.delay_us * 1000u;
  if (delay_state % 16 == 0) gaiti_os_sleep_ns((delay_state >> 8) % most_ns);
  if (delay_state % 16 == 1) gaiti_os_sleep_ns((delay_state >> 8) % most_ns / 16);
  if (delay_state % 8 == 2) gaiti_os_yield();
}
