/* The binary interface: numbers that a compiled program relies on, asserted one by one.
 *
 * Those that inline.h compiles into a program stand here for the GAIT_ABI that it has.  A change of
 * a number here raises GAIT_ABI.  The structures of gait.h may grow at their end, and nothing but
 * the end may move: docs/design/abi.md. */
#include "api/api_abi.h"

#include <stdio.h>

#include "mutator/thread.h"
#include "base/sized.h"
#include "gait/array.h"
#include "gait/budget.h"
#include "gait/jit.h"
#include "gait/pool.h"
#include "gait/tune.h"

#define ABI_IS(expression, number)                                                                 \
  _Static_assert((expression) == (number), #expression " is a part of the binary interface")
#define ABI_AT(type, member, offset) ABI_IS(offsetof(type, member), offset)

/* ---- Numbers that inline.h compiles into a program ---- */

ABI_IS(GAIT_ABI, 2);

ABI_AT(struct gait_cursor, next, 0);
ABI_AT(struct gait_cursor, limit, 8);
ABI_IS(sizeof(struct gait_cursor), 16);

ABI_AT(struct gait_fast, rows, 0);
ABI_AT(struct gait_fast, frames, 8);
ABI_AT(struct gait_fast, poll, 16);
ABI_AT(struct gait_fast, heap, 24);
ABI_AT(struct gait_fast, heap_bytes, 32);
ABI_AT(struct gait_fast, cards, 40);
ABI_AT(struct gait_fast, marking, 48);

ABI_AT(gait_frame, caller, 0);
ABI_AT(gait_frame, slots, 8);
ABI_AT(gait_frame, count, 16);
ABI_AT(gait_frame, seal, 24);
ABI_IS(sizeof(gait_frame), 32);

ABI_AT(gait_kind, index, 0);
ABI_AT(gait_kind, heap_tag, 2);
ABI_IS(sizeof(gait_kind), 4);

ABI_IS(GAIT_SHADE_OLD, 1);
ABI_IS(GAIT_SHADE_NEW, 2);
ABI_IS(GAIT_REMEMBER, 4);
ABI_IS(GAIT_CARD_SHIFT, 10);
ABI_IS(GAIT_CARD_NOTED, 2);
ABI_IS(GAIT_GRANULE_BYTES, 16);
ABI_IS(GAIT_SMALL_BYTES, 32768);
ABI_IS(GAIT_SIZE_CLASSES, 72);
ABI_IS(GAIT_LEAVE_FRAMES_BYTES, 1024);

/* ---- Where the library has it ---- */

ABI_AT(gait_thread, fast, 0);
ABI_AT(struct gaiti_row, cursors, 0);
ABI_IS(sizeof((struct gaiti_row *)0)->cursors, GAIT_SIZE_CLASSES * sizeof(struct gait_cursor));
ABI_IS(sizeof((struct gaiti_proc *)0)->rows, GAIT_MAX_KINDS * sizeof(struct gait_cursor *));
ABI_IS(GAITI_WINDOW_BYTES, GAIT_LEAVE_FRAMES_BYTES + GAITI_FRAME_END_BYTES);

/* ---- Numbers that jit.h tells compilers ---- */

ABI_IS(GAIT_JIT_ABI, GAIT_ABI);
ABI_AT(gait_thread, fast.rows, GAIT_JIT_THREAD_ROWS);
ABI_AT(gait_thread, fast.poll, GAIT_JIT_THREAD_POLL);
ABI_AT(gait_thread, fast.heap, GAIT_JIT_THREAD_HEAP);
ABI_AT(gait_thread, fast.heap_bytes, GAIT_JIT_THREAD_HEAP_BYTES);
ABI_AT(gait_thread, fast.cards, GAIT_JIT_THREAD_CARDS);
ABI_AT(gait_thread, fast.marking, GAIT_JIT_THREAD_MARKING);
ABI_IS(sizeof(struct gait_cursor *), GAIT_JIT_ROW_BYTES);
ABI_AT(struct gait_cursor, next, GAIT_JIT_CURSOR_NEXT);
ABI_AT(struct gait_cursor, limit, GAIT_JIT_CURSOR_LIMIT);
ABI_IS(sizeof(struct gait_cursor), GAIT_JIT_CURSOR_BYTES);
ABI_IS(GAIT_SHADE_OLD, GAIT_JIT_SHADE_OLD);
ABI_IS(GAIT_SHADE_NEW, GAIT_JIT_SHADE_NEW);
ABI_IS(GAIT_REMEMBER, GAIT_JIT_REMEMBER);
ABI_IS(GAIT_CARD_SHIFT, GAIT_JIT_CARD_SHIFT);
ABI_IS(GAIT_CARD_NOTED, GAIT_JIT_CARD_NOTED);
ABI_IS(GAIT_SMALL_BYTES, GAIT_JIT_SMALL_BYTES);
ABI_IS(GAIT_GRANULE_BYTES, GAIT_JIT_GRANULE_BYTES);

/* ---- Structures that a program hands over, or is handed ---- */

ABI_AT(gait_options, struct_bytes, 0);
ABI_AT(gait_options, gogc_percent, 8);
ABI_AT(gait_options, log, 232);
ABI_AT(gait_options, tags, 296);
ABI_AT(gait_options, budget, 304);
ABI_AT(gait_options, debug, 312);
ABI_IS(sizeof(gait_debug_options), 128);
ABI_AT(gait_debug_options, checkmark, 0);
ABI_AT(gait_options, debug.reserved[GAIT_DEBUG_RESERVED], GAITI_OPTIONS_BYTES);
ABI_AT(gait_kind_info, tagged_map, GAITI_KIND_INFO_BYTES - sizeof(void *));
ABI_AT(gait_stats, late_p99_ns, GAITI_STATS_BYTES - sizeof(uint64_t));
ABI_AT(gait_cycle_record, trial_cycle, GAITI_RECORD_BYTES - sizeof(uint32_t));
ABI_AT(gait_limit_report, fail_after_ms, 96);
ABI_AT(gait_budget_stats, splits, GAITI_BUDGET_BYTES - sizeof(uint64_t));
ABI_AT(gait_budget_member, mark_bytes_per_second, GAITI_MEMBER_BYTES - sizeof(double));
ABI_AT(gait_option, field, 80);
ABI_AT(gait_array, items, 0);
ABI_AT(gait_array, element_bytes, 24);
ABI_AT(gait_array, kind, 28);
ABI_IS(sizeof(gait_array), 32);
ABI_AT(gait_view, owner, 0);
ABI_IS(sizeof(gait_view), 24);
ABI_AT(gait_scope, depth, 24);
ABI_IS(sizeof(gait_scope), 32);
ABI_AT(gait_pool_info, most_bytes, 16);
ABI_IS(sizeof(gait_pool_info), 24);
ABI_AT(gait_tags, address_mask, 24);
ABI_IS(sizeof(gait_tags), 32);

/* No structure ends in padding: a member that were added there would be in a program's structure
 * which never set it. */
#define ABI_ENDS_WITH(type, member)                                                                \
  ABI_IS(sizeof(type), offsetof(type, member) + sizeof(((type *)0)->member))
ABI_ENDS_WITH(gait_options, debug);
ABI_ENDS_WITH(gait_debug_options, reserved);
ABI_ENDS_WITH(gait_kind_info, tagged_map);
ABI_ENDS_WITH(gait_stats, late_p99_ns);
ABI_ENDS_WITH(gait_cycle_record, trial_cycle);
ABI_ENDS_WITH(gait_limit_report, fail_after_ms);
ABI_ENDS_WITH(gait_budget_stats, splits);
ABI_ENDS_WITH(gait_budget_member, mark_bytes_per_second);
ABI_ENDS_WITH(gait_option, words);

/* ---- Versions ---- */

#define ABI_TEXT(number)                 #number
#define ABI_VERSION(major, minor, patch) ABI_TEXT(major) "." ABI_TEXT(minor) "." ABI_TEXT(patch)

const char *gait_version(void) {
  return ABI_VERSION(GAIT_VERSION_MAJOR, GAIT_VERSION_MINOR, GAIT_VERSION_PATCH);
}

int gait_version_number(void) {
  return GAIT_VERSION_NUMBER;
}

bool gaiti_abi_matches(gait_heap *heap, unsigned abi) {
  if (abi == GAIT_ABI) return true;
  static const gait_options none;
  char line[192];
  snprintf(line, sizeof line - 1,
           "gait: the program was compiled with headers of ABI %u and runs with a library of ABI "
           "%u: compile it with the headers of that library",
           abi, GAIT_ABI);
  gaiti_log_line(heap ? &heap->options : &none, line);
  return false;
}
