/* record_file.h: the layout of a record file.  You read it.
 *
 * A heap with the option `records` keeps a file in which another process sees the collector at
 * work, and after a crash its last steps: docs/record-file.md describes it, and `gait records`
 * reads it.  The file has a header in its first page and sections behind it, each a table of
 * entries of one size.  Tables in the file name each field of an entry, so a reader finds it by
 * name, whatever version of the library wrote the file; the structures here are those of version
 * GAIT_RECORD_FILE_VERSION.
 *
 * Numbers are those of the machine that writes: `byte_order` says how.  Times are in ns since the
 * heap was created, by the monotonic clock.
 *
 * An entry of a ring begins with a sequence word.  0: it has never been written.  Odd: it is being
 * written, or the process ended in the middle.  2 n: it is whole, and the entry with number n, from
 * 1 on, which is at place n % count.  A reader takes the word, then the entry, then the word again:
 * where it is 2 n both times, the entry is whole. */
#ifndef GAIT_RECORD_FILE_H
#define GAIT_RECORD_FILE_H

#include <stdint.h>

#include "gait/tune.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The header ----------------------------------------------------------------------------- */

#define GAIT_RECORD_FILE_MAGIC       "GAITREC\n"
#define GAIT_RECORD_FILE_MAGIC_BYTES 8
/* A change that tables of fields do not cover raises it; a reader refuses a later one. */
#define GAIT_RECORD_FILE_VERSION 1
#define GAIT_RECORD_FILE_ORDER   UINT64_C(0x0102030405060708)

typedef enum gait_record_section_id {
  GAIT_RECORD_FIELDS,      /* gait_record_field: the fields of entries of the other sections */
  GAIT_RECORD_EVENT_TYPES, /* gait_record_event_type: the types of events, and of their values */
  GAIT_RECORD_WORDS,       /* gait_record_word: names of numbers, as of phases */
  GAIT_RECORD_SETTINGS,    /* text: a line NAME=VALUE for each option, then zeros */
  GAIT_RECORD_NOW,         /* gait_record_now, one */
  GAIT_RECORD_THREADS,     /* gait_record_thread */
  GAIT_RECORD_CYCLES,      /* a ring of gait_record_cycle */
  GAIT_RECORD_EVENTS,      /* a ring of gait_record_event */
  GAIT_RECORD_SECTIONS,
} gait_record_section_id;

/* Where a section stands: `count` entries of `entry_bytes` each, from `offset` of the file on. */
typedef struct gait_record_section {
  uint64_t offset;
  uint64_t count;
  uint64_t entry_bytes;
} gait_record_section;

/* The first page.  The file has its name only when this is whole, and it does not change then.
 *   header_bytes   of this structure
 *   sections       entries of `section`
 *   process, heap  the process, and which of its heaps with that name of a file, from 1
 *   wall_ns        the time of day when the heap was created, since 1970
 *   monotonic_ns   the monotonic clock then: times of the file are later by so much
 *   program        the name of the process; library: its version of Gait */
typedef struct gait_record_header {
  char magic[GAIT_RECORD_FILE_MAGIC_BYTES];
  uint32_t version;
  uint32_t header_bytes;
  uint64_t byte_order;
  uint64_t file_bytes;
  int64_t process;
  uint64_t heap;
  uint64_t wall_ns;
  uint64_t monotonic_ns;
  char program[64];
  char library[32];
  uint64_t sections;
  gait_record_section section[GAIT_RECORD_SECTIONS];
} gait_record_header;

/* ---- Tables that describe the others -------------------------------------------------------- */

#define GAIT_RECORD_NAME_BYTES 40
#define GAIT_RECORD_UNIT_BYTES 16

typedef enum gait_record_type {
  GAIT_RECORD_U32,
  GAIT_RECORD_I32,
  GAIT_RECORD_U64,
  GAIT_RECORD_I64,
  GAIT_RECORD_F64,
  GAIT_RECORD_TEXT, /* characters up to a zero, or `bytes` of them */
} gait_record_type;

/* A field of the entries of `section`: `bytes` from `offset` of the entry on.  A signed number may
 * be GAIT_OFF.  `words` (may be empty) names the list of words that its values stand for. */
typedef struct gait_record_field {
  char name[GAIT_RECORD_NAME_BYTES];
  char unit[GAIT_RECORD_UNIT_BYTES];
  char words[GAIT_RECORD_UNIT_BYTES];
  uint32_t section;
  uint32_t type;
  uint32_t offset;
  uint32_t bytes;
} gait_record_field;

#define GAIT_RECORD_VALUES 3

/* Events of `type`, and the name, unit and list of words of each of their values; an empty name:
 * the value has no meaning.  `ends`, 1: the event's time is that of its end, and its first value
 * how long before that it began. */
typedef struct gait_record_event_type {
  uint32_t type;
  uint32_t ends;
  char name[GAIT_RECORD_NAME_BYTES];
  struct {
    char name[GAIT_RECORD_NAME_BYTES];
    char unit[GAIT_RECORD_UNIT_BYTES];
    char words[GAIT_RECORD_UNIT_BYTES];
  } value[GAIT_RECORD_VALUES];
} gait_record_event_type;

/* In the list `list` the word stands for `value`. */
typedef struct gait_record_word {
  char list[GAIT_RECORD_UNIT_BYTES];
  uint64_t value;
  char word[GAIT_RECORD_NAME_BYTES];
} gait_record_word;

/* ---- The present ---------------------------------------------------------------------------- */

/* The numbers of the heap at the time `updated_ns`.  Each number is whole by itself, and may be a
 * moment newer than the one beside it.  It is written at phases of cycles and while the heap grows,
 * so where no thread allocates it stays as it is.
 *   phase           as the list of words "phase" names it, of the cycle `cycle`; 0: none
 *   ended           1: the heap has been destroyed
 *   cycles_written, events_written  the numbers of the last entries of the rings
 *   events_dropped  events for which there was no place
 *   gogc_percent, memory_limit_bytes ...  as in gait_stats, and in the record of a cycle
 *   threads and all that follows  when the last cycle ended, or one shortly before */
typedef struct gait_record_now {
  uint64_t updated_ns;
  uint64_t ended;
  uint64_t cycles_written;
  uint64_t events_written;
  uint64_t events_dropped;
  uint64_t phase;
  uint64_t cycle;
  uint64_t heap_live_bytes;
  uint64_t goal_bytes;
  uint64_t trigger_bytes;
  uint64_t mapped_bytes;
  uint64_t mapped_peak_bytes;
  uint64_t external_bytes;
  int64_t memory_limit_bytes;
  int64_t gogc_percent;
  uint64_t marked_bytes;
  uint64_t scan_bytes;
  uint64_t alloc_bytes;
  uint64_t alloc_objects;
  uint64_t gc_assist_ns;
  uint64_t gc_background_ns;
  uint64_t gc_idle_ns;
  uint64_t gc_stopped_ns;
  double cpus;
  uint64_t threads;
  uint64_t pauses;
  uint64_t pause_total_ns;
  uint64_t pause_max_ns;
  uint64_t pause_p50_ns;
  uint64_t pause_p99_ns;
  uint64_t answers;
  uint64_t late_total_ns;
  uint64_t late_max_ns;
  uint64_t late_p50_ns;
  uint64_t late_p99_ns;
} gait_record_now;

/* FIELD(type, name, unit, list of words) for each, as in the table of fields; likewise below. */
#define GAIT_RECORD_NOW_FIELDS(FIELD)                                                              \
  FIELD(GAIT_RECORD_U64, updated_ns, "ns", "")                                                     \
  FIELD(GAIT_RECORD_U64, ended, "", "")                                                            \
  FIELD(GAIT_RECORD_U64, phase, "", "phase")                                                       \
  FIELD(GAIT_RECORD_U64, cycle, "", "")                                                            \
  FIELD(GAIT_RECORD_U64, cycles_written, "", "")                                                   \
  FIELD(GAIT_RECORD_U64, events_written, "", "")                                                   \
  FIELD(GAIT_RECORD_U64, events_dropped, "", "")                                                   \
  FIELD(GAIT_RECORD_U64, threads, "", "")                                                          \
  FIELD(GAIT_RECORD_U64, heap_live_bytes, "bytes", "")                                             \
  FIELD(GAIT_RECORD_U64, goal_bytes, "bytes", "")                                                  \
  FIELD(GAIT_RECORD_U64, trigger_bytes, "bytes", "")                                               \
  FIELD(GAIT_RECORD_U64, mapped_bytes, "bytes", "")                                                \
  FIELD(GAIT_RECORD_U64, mapped_peak_bytes, "bytes", "")                                           \
  FIELD(GAIT_RECORD_U64, external_bytes, "bytes", "")                                              \
  FIELD(GAIT_RECORD_I64, memory_limit_bytes, "bytes", "")                                          \
  FIELD(GAIT_RECORD_I64, gogc_percent, "%", "")                                                    \
  FIELD(GAIT_RECORD_U64, marked_bytes, "bytes", "")                                                \
  FIELD(GAIT_RECORD_U64, scan_bytes, "bytes", "")                                                  \
  FIELD(GAIT_RECORD_U64, alloc_bytes, "bytes", "")                                                 \
  FIELD(GAIT_RECORD_U64, alloc_objects, "", "")                                                    \
  FIELD(GAIT_RECORD_U64, gc_assist_ns, "ns", "")                                                   \
  FIELD(GAIT_RECORD_U64, gc_background_ns, "ns", "")                                               \
  FIELD(GAIT_RECORD_U64, gc_idle_ns, "ns", "")                                                     \
  FIELD(GAIT_RECORD_U64, gc_stopped_ns, "ns", "")                                                  \
  FIELD(GAIT_RECORD_U64, pauses, "", "")                                                           \
  FIELD(GAIT_RECORD_U64, pause_total_ns, "ns", "")                                                 \
  FIELD(GAIT_RECORD_U64, pause_max_ns, "ns", "")                                                   \
  FIELD(GAIT_RECORD_U64, pause_p50_ns, "ns", "")                                                   \
  FIELD(GAIT_RECORD_U64, pause_p99_ns, "ns", "")                                                   \
  FIELD(GAIT_RECORD_U64, answers, "", "")                                                          \
  FIELD(GAIT_RECORD_U64, late_total_ns, "ns", "")                                                  \
  FIELD(GAIT_RECORD_U64, late_max_ns, "ns", "")                                                    \
  FIELD(GAIT_RECORD_U64, late_p50_ns, "ns", "")                                                    \
  FIELD(GAIT_RECORD_U64, late_p99_ns, "ns", "")                                                    \
  FIELD(GAIT_RECORD_F64, cpus, "", "")

/* ---- Threads -------------------------------------------------------------------------------- */

/* A thread that has been asked for something.  An entry with `thread` 0 is free.  Where the list is
 * full, later threads have none.
 *   thread        its number in the system
 *   answers       to handshakes, of which the slowest came after late_max_ns, all together after
 *                 late_total_ns */
typedef struct gait_record_thread {
  uint64_t thread;
  char name[32];
  uint64_t answers;
  uint64_t late_total_ns;
  uint64_t late_max_ns;
} gait_record_thread;

#define GAIT_RECORD_THREAD_FIELDS(FIELD)                                                           \
  FIELD(GAIT_RECORD_U64, thread, "", "")                                                           \
  FIELD(GAIT_RECORD_TEXT, name, "", "")                                                            \
  FIELD(GAIT_RECORD_U64, answers, "", "")                                                          \
  FIELD(GAIT_RECORD_U64, late_total_ns, "ns", "")                                                  \
  FIELD(GAIT_RECORD_U64, late_max_ns, "ns", "")

/* ---- The rings ------------------------------------------------------------------------------ */

/* The entry of cycle n has the sequence 2 n. */
typedef struct gait_record_cycle {
  uint64_t sequence;
  gait_cycle_record record;
} gait_record_cycle;

/* The fields of gait_cycle_record, whose offsets in the table are those in the entry. */
#define GAIT_RECORD_CYCLE_FIELDS(FIELD)                                                            \
  FIELD(GAIT_RECORD_U64, cycle, "", "")                                                            \
  FIELD(GAIT_RECORD_U64, started_ns, "ns", "")                                                     \
  FIELD(GAIT_RECORD_U32, cause, "", "cause")                                                       \
  FIELD(GAIT_RECORD_U32, threads, "", "")                                                          \
  FIELD(GAIT_RECORD_F64, cpus, "", "")                                                             \
  FIELD(GAIT_RECORD_I64, gogc_percent, "%", "")                                                    \
  FIELD(GAIT_RECORD_I64, memory_limit_bytes, "bytes", "")                                          \
  FIELD(GAIT_RECORD_U64, live_before_bytes, "bytes", "")                                           \
  FIELD(GAIT_RECORD_U64, trigger_bytes, "bytes", "")                                               \
  FIELD(GAIT_RECORD_U64, goal_bytes, "bytes", "")                                                  \
  FIELD(GAIT_RECORD_U64, at_trigger_bytes, "bytes", "")                                            \
  FIELD(GAIT_RECORD_U64, at_mark_end_bytes, "bytes", "")                                           \
  FIELD(GAIT_RECORD_U64, marked_bytes, "bytes", "")                                                \
  FIELD(GAIT_RECORD_U64, marked_objects, "", "")                                                   \
  FIELD(GAIT_RECORD_U64, allocated_black_bytes, "bytes", "")                                       \
  FIELD(GAIT_RECORD_U64, scan_bytes, "bytes", "")                                                  \
  FIELD(GAIT_RECORD_U64, root_bytes, "bytes", "")                                                  \
  FIELD(GAIT_RECORD_U64, external_bytes, "bytes", "")                                              \
  FIELD(GAIT_RECORD_U64, mapped_bytes, "bytes", "")                                                \
  FIELD(GAIT_RECORD_U64, mapped_peak_bytes, "bytes", "")                                           \
  FIELD(GAIT_RECORD_U64, freed_blocks, "", "")                                                     \
  FIELD(GAIT_RECORD_U64, released_bytes, "bytes", "")                                              \
  FIELD(GAIT_RECORD_U64, start_ns, "ns", "")                                                       \
  FIELD(GAIT_RECORD_U64, mark_ns, "ns", "")                                                        \
  FIELD(GAIT_RECORD_U64, end_ns, "ns", "")                                                         \
  FIELD(GAIT_RECORD_U64, sweep_ns, "ns", "")                                                       \
  FIELD(GAIT_RECORD_U64, assist_ns, "ns", "")                                                      \
  FIELD(GAIT_RECORD_U64, background_ns, "ns", "")                                                  \
  FIELD(GAIT_RECORD_U64, idle_ns, "ns", "")                                                        \
  FIELD(GAIT_RECORD_U64, handshakes, "", "")                                                       \
  FIELD(GAIT_RECORD_U64, handshake_max_ns, "ns", "")                                               \
  FIELD(GAIT_RECORD_U64, stopped_ns, "ns", "")                                                     \
  FIELD(GAIT_RECORD_U64, flush_rounds, "", "")                                                     \
  FIELD(GAIT_RECORD_F64, alloc_bytes_per_second, "bytes/s", "")                                    \
  FIELD(GAIT_RECORD_F64, cons_mark, "", "")                                                        \
  FIELD(GAIT_RECORD_F64, assist_ratio, "", "")                                                     \
  FIELD(GAIT_RECORD_F64, gc_cpu_share, "", "")                                                     \
  FIELD(GAIT_RECORD_U32, young, "", "")                                                            \
  FIELD(GAIT_RECORD_U32, limiter_on, "", "")                                                       \
  FIELD(GAIT_RECORD_U32, limit_unreachable, "", "")                                                \
  FIELD(GAIT_RECORD_U32, limit_step, "", "step")                                                   \
  FIELD(GAIT_RECORD_U64, stopped_cpu_ns, "ns", "")                                                 \
  FIELD(GAIT_RECORD_F64, memory_pressure_percent, "%", "")                                         \
  FIELD(GAIT_RECORD_U64, late_ns, "ns", "")                                                        \
  FIELD(GAIT_RECORD_U64, late_thread, "", "")                                                      \
  FIELD(GAIT_RECORD_U32, goal_rule, "", "rule")                                                    \
  FIELD(GAIT_RECORD_U32, trigger_bound, "", "bound")                                               \
  FIELD(GAIT_RECORD_U64, planned_goal_bytes, "bytes", "")                                          \
  FIELD(GAIT_RECORD_U64, counted_bytes, "bytes", "")                                               \
  FIELD(GAIT_RECORD_U64, growth_goal_bytes, "bytes", "")                                           \
  FIELD(GAIT_RECORD_U64, runway_bytes, "bytes", "")                                                \
  FIELD(GAIT_RECORD_U64, expected_work_bytes, "bytes", "")                                         \
  FIELD(GAIT_RECORD_U64, overhead_bytes, "bytes", "")                                              \
  FIELD(GAIT_RECORD_I64, held_limit_bytes, "bytes", "")                                            \
  FIELD(GAIT_RECORD_I64, background_percent, "%", "")                                              \
  FIELD(GAIT_RECORD_I64, cpu_cap_percent, "%", "")                                                 \
  FIELD(GAIT_RECORD_U64, stalled_ns, "ns", "")                                                     \
  FIELD(GAIT_RECORD_F64, limiter_fill, "", "")                                                     \
  FIELD(GAIT_RECORD_U32, trial_block, "", "")                                                      \
  FIELD(GAIT_RECORD_U32, trial_cycle, "", "")

/* Types of events.  An event is of the thread that did it; where it took time, `time_ns` is its
 * begin, and the first value how long it took.  But for an answer, whose time is when it came. */
typedef enum gait_record_event_id {
  GAIT_EVENT_PHASE = 1, /* a cycle comes to a phase: phase, cycle */
  GAIT_EVENT_ASKED,     /* every thread is asked to act: action, number of the handshake */
  GAIT_EVENT_ANSWER,    /* a thread has acted: how late, action, by itself or in its place */
  GAIT_EVENT_HANDSHAKE, /* all have: from asking to the last answer, action, number */
  GAIT_EVENT_ASSIST,    /* a thread that allocates has marked: for how long, bytes */
  GAIT_EVENT_PAUSE,     /* the collector kept a thread: for how long, cause */
  GAIT_EVENT_STOP,      /* all threads were stopped: for how long */
  GAIT_EVENT_HEAP,      /* live bytes, goal, trigger */
  GAIT_EVENT_CYCLE,     /* a cycle has ended: how long it took, its number, its cause */
  GAIT_EVENT_MARK,      /* a thread of the collector's has marked: for how long, bytes */
  GAIT_EVENT_IDS,       /* one more than the last */
} gait_record_event_id;

/* Values of GAIT_EVENT_PAUSE: why. */
typedef enum gait_record_pause {
  GAIT_PAUSE_SAFEPOINT, /* work at a safepoint: handshakes, its own stack; or all were stopped */
  GAIT_PAUSE_ENTER,     /* it waited to enter managed code */
  GAIT_PAUSE_STALL,     /* an allocation waited for the next phase, or for something to mark */
  GAIT_PAUSE_WAIT,      /* it waited for a cycle to end */
  GAIT_PAUSE_CYCLE,     /* it ran a part of a cycle itself */
} gait_record_pause;

typedef struct gait_record_event {
  uint64_t sequence;
  uint64_t time_ns;
  uint32_t type;
  int32_t thread;
  uint64_t value[GAIT_RECORD_VALUES];
} gait_record_event;

#define GAIT_RECORD_EVENT_FIELDS(FIELD)                                                            \
  FIELD(GAIT_RECORD_U64, sequence, "", "")                                                         \
  FIELD(GAIT_RECORD_U64, time_ns, "ns", "")                                                        \
  FIELD(GAIT_RECORD_U32, type, "", "")                                                             \
  FIELD(GAIT_RECORD_I32, thread, "", "")                                                           \
  FIELD(GAIT_RECORD_U64, value[0], "", "")                                                         \
  FIELD(GAIT_RECORD_U64, value[1], "", "")                                                         \
  FIELD(GAIT_RECORD_U64, value[2], "", "")

#ifdef __cplusplus
}
#endif
#endif
