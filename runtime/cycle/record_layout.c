#include "cycle/record_layout.h"

#include <stddef.h>
#include <string.h>

#include "base/atomic.h"
#include "cycle/handshake.h"
#include "cycle/protocol.h"

_Static_assert(sizeof(gait_record_header) <= GAITI_LAYOUT_PAGE_BYTES, "the header is a page");
_Static_assert(sizeof(gait_record_now) <= GAITI_LAYOUT_PAGE_BYTES, "the present is a page");

/* ---- Fields ---- */

#define LAYOUT_FIELD(section, at, structure, type, name, unit, words)                              \
  {#name,                                                                                          \
   unit,                                                                                           \
   words,                                                                                          \
   section,                                                                                        \
   type,                                                                                           \
   (uint32_t)(at + offsetof(structure, name)),                                                     \
   (uint32_t)sizeof(((structure *)0)->name)},

#define LAYOUT_CYCLE(...)                                                                          \
  LAYOUT_FIELD(GAIT_RECORD_CYCLES, offsetof(gait_record_cycle, record), gait_cycle_record,         \
               __VA_ARGS__)
#define LAYOUT_NOW(...)    LAYOUT_FIELD(GAIT_RECORD_NOW, 0, gait_record_now, __VA_ARGS__)
#define LAYOUT_THREAD(...) LAYOUT_FIELD(GAIT_RECORD_THREADS, 0, gait_record_thread, __VA_ARGS__)
#define LAYOUT_EVENT(...)  LAYOUT_FIELD(GAIT_RECORD_EVENTS, 0, gait_record_event, __VA_ARGS__)

/* clang-format off */
static const gait_record_field layout_fields[] = {
    LAYOUT_FIELD(GAIT_RECORD_CYCLES, 0, gait_record_cycle, GAIT_RECORD_U64, sequence, "", "")
    GAIT_RECORD_CYCLE_FIELDS(LAYOUT_CYCLE)
    GAIT_RECORD_NOW_FIELDS(LAYOUT_NOW)
    GAIT_RECORD_THREAD_FIELDS(LAYOUT_THREAD)
    GAIT_RECORD_EVENT_FIELDS(LAYOUT_EVENT)
};
/* clang-format on */

/* ---- Types of events ---- */

static const gait_record_event_type layout_event_types[] = {
    {GAIT_EVENT_PHASE, 0, "phase", {{"phase", "", "phase"}, {"cycle", "", ""}}},
    {GAIT_EVENT_ASKED, 0, "asked", {{"action", "", "action"}, {"handshake", "", ""}}},
    {GAIT_EVENT_ANSWER,
     1,
     "answer",
     {{"late_ns", "ns", ""}, {"action", "", "action"}, {"in_its_place", "", ""}}},
    {GAIT_EVENT_HANDSHAKE,
     0,
     "handshake",
     {{"took_ns", "ns", ""}, {"action", "", "action"}, {"handshake", "", ""}}},
    {GAIT_EVENT_ASSIST, 0, "assist", {{"took_ns", "ns", ""}, {"bytes", "bytes", ""}}},
    {GAIT_EVENT_PAUSE, 0, "pause", {{"took_ns", "ns", ""}, {"cause", "", "pause"}}},
    {GAIT_EVENT_STOP, 0, "stop", {{"took_ns", "ns", ""}}},
    {GAIT_EVENT_HEAP,
     0,
     "heap",
     {{"live_bytes", "bytes", ""}, {"goal_bytes", "bytes", ""}, {"trigger_bytes", "bytes", ""}}},
    {GAIT_EVENT_CYCLE,
     0,
     "cycle",
     {{"took_ns", "ns", ""}, {"cycle", "", ""}, {"cause", "", "cause"}}},
    {GAIT_EVENT_MARK, 0, "mark", {{"took_ns", "ns", ""}, {"bytes", "bytes", ""}}},
};

/* ---- Words ---- */

static const gait_record_word layout_words[] = {
    {"phase", GAITI_PHASE_IDLE, "idle"},
    {"phase", GAITI_PHASE_START, "start"},
    {"phase", GAITI_PHASE_FENCE, "fence"},
    {"phase", GAITI_PHASE_OLD, "old"},
    {"phase", GAITI_PHASE_ROOTS, "roots"},
    {"phase", GAITI_PHASE_MARK, "mark"},
    {"phase", GAITI_PHASE_FLUSH, "flush"},
    {"phase", GAITI_PHASE_DRAIN, "drain"},
    {"phase", GAITI_PHASE_STOP, "stop"},
    {"phase", GAITI_PHASE_CLOSE, "close"},
    {"phase", GAITI_PHASE_OFF, "off"},
    {"phase", GAITI_PHASE_SWEEP, "sweep"},
    {"action", GAITI_ACTION_NONE, "stop"},
    {"action", GAITI_ACTION_BARRIER_ON, "barrier on"},
    {"action", GAITI_ACTION_FENCE, "fence"},
    {"action", GAITI_ACTION_SCAN_ROOTS, "scan roots"},
    {"action", GAITI_ACTION_FLUSH, "flush"},
    {"action", GAITI_ACTION_BARRIER_OFF, "barrier off"},
    {"cause", GAIT_CAUSE_GOGC, "gogc"},
    {"cause", GAIT_CAUSE_MEMORY_LIMIT, "memory limit"},
    {"cause", GAIT_CAUSE_FORCED, "forced"},
    {"cause", GAIT_CAUSE_OUT_OF_MEMORY, "out of memory"},
    {"cause", GAIT_CAUSE_DEBUG, "debug"},
    {"step", GAIT_LIMIT_FREE, "free"},
    {"step", GAIT_LIMIT_NEAR, "near"},
    {"step", GAIT_LIMIT_CAP, "cap"},
    {"step", GAIT_LIMIT_FAIL, "fail"},
    {"pause", GAIT_PAUSE_SAFEPOINT, "safepoint"},
    {"pause", GAIT_PAUSE_ENTER, "enter"},
    {"pause", GAIT_PAUSE_STALL, "stall"},
    {"pause", GAIT_PAUSE_WAIT, "wait"},
    {"pause", GAIT_PAUSE_CYCLE, "cycle"},
    {"rule", GAIT_GOAL_OFF, "off"},
    {"rule", GAIT_GOAL_GOGC, "gogc"},
    {"rule", GAIT_GOAL_CPU_BUDGET, "cpu-budget"},
    {"rule", GAIT_GOAL_SQUARE_ROOT, "square-root"},
    {"rule", GAIT_GOAL_MIN_HEAP, "min-heap"},
    {"rule", GAIT_GOAL_START_ROOM, "start-room"},
    {"rule", GAIT_GOAL_MEMORY_LIMIT, "memory-limit"},
    {"rule", GAIT_GOAL_CPU_CAP, "cpu-cap"},
    {"bound", GAIT_TRIGGER_RUNWAY, "runway"},
    {"bound", GAIT_TRIGGER_EARLIEST, "earliest"},
    {"bound", GAIT_TRIGGER_LATEST, "latest"},
    {"bound", GAIT_TRIGGER_NO_ROOM, "no-room"},
    {"bound", GAIT_TRIGGER_NEVER, "never"},
};

/* ---- The whole ---- */

#define LAYOUT_COUNT(table) (sizeof(table) / sizeof((table)[0]))
_Static_assert(LAYOUT_COUNT(layout_fields) <= GAITI_LAYOUT_FIELDS, "there is room for all fields");
_Static_assert(LAYOUT_COUNT(layout_event_types) == GAIT_EVENT_IDS - 1 &&
                   LAYOUT_COUNT(layout_event_types) <= GAITI_LAYOUT_EVENT_TYPES,
               "each type of event has its row");
_Static_assert(LAYOUT_COUNT(layout_words) <= GAITI_LAYOUT_WORDS, "there is room for all words");
_Static_assert(offsetof(struct gaiti_layout, now) % GAITI_LAYOUT_PAGE_BYTES == 0,
               "the present has its page");

#define LAYOUT_SECTION(member, number)                                                             \
  { offsetof(struct gaiti_layout, member), number, sizeof(((struct gaiti_layout *)0)->member[0]) }

static const gait_record_section layout_sections[GAIT_RECORD_SECTIONS] = {
    [GAIT_RECORD_FIELDS] = LAYOUT_SECTION(fields, LAYOUT_COUNT(layout_fields)),
    [GAIT_RECORD_EVENT_TYPES] = LAYOUT_SECTION(event_types, LAYOUT_COUNT(layout_event_types)),
    [GAIT_RECORD_WORDS] = LAYOUT_SECTION(words, LAYOUT_COUNT(layout_words)),
    [GAIT_RECORD_SETTINGS] = LAYOUT_SECTION(settings, GAITI_LAYOUT_SETTINGS_BYTES),
    [GAIT_RECORD_NOW] = {offsetof(struct gaiti_layout, now), 1, sizeof(gait_record_now)},
    [GAIT_RECORD_THREADS] = LAYOUT_SECTION(threads, GAITI_LAYOUT_THREADS),
    [GAIT_RECORD_CYCLES] = LAYOUT_SECTION(cycles, GAITI_LAYOUT_CYCLES),
    [GAIT_RECORD_EVENTS] = LAYOUT_SECTION(events, GAITI_LAYOUT_EVENTS),
};

void gaiti_layout_describe(struct gaiti_layout *file) {
  gait_record_header *header = &file->header;
  memcpy(header->magic, GAIT_RECORD_FILE_MAGIC, GAIT_RECORD_FILE_MAGIC_BYTES);
  header->version = GAIT_RECORD_FILE_VERSION;
  header->header_bytes = sizeof *header;
  header->byte_order = GAIT_RECORD_FILE_ORDER;
  header->file_bytes = sizeof *file;
  header->sections = GAIT_RECORD_SECTIONS;
  memcpy(header->section, layout_sections, sizeof layout_sections);
  memcpy(file->fields, layout_fields, sizeof layout_fields);
  memcpy(file->event_types, layout_event_types, sizeof layout_event_types);
  memcpy(file->words, layout_words, sizeof layout_words);
}
