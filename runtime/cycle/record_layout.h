/* record_layout.h: a record file as it lies in memory, and the tables in it that describe it. */
#ifndef GAITI_CYCLE_RECORD_LAYOUT_H
#define GAITI_CYCLE_RECORD_LAYOUT_H

#include "gait/record_file.h"

/* Sections that are written all the time share no page with others. */
#define GAITI_LAYOUT_PAGE_BYTES 4096

#if GAITI_STRESS
#define GAITI_LAYOUT_THREADS 16
#define GAITI_LAYOUT_CYCLES  8
#define GAITI_LAYOUT_EVENTS  64
#else
#define GAITI_LAYOUT_THREADS 4096
#define GAITI_LAYOUT_CYCLES  8192
#define GAITI_LAYOUT_EVENTS  ((size_t)272 << 10)
#endif
#define GAITI_LAYOUT_FIELDS         128
#define GAITI_LAYOUT_EVENT_TYPES    16
#define GAITI_LAYOUT_WORDS          64
#define GAITI_LAYOUT_SETTINGS_BYTES 4096
#define GAITI_LAYOUT_TABLES_BYTES   (6 * GAITI_LAYOUT_PAGE_BYTES)

/* The whole file: about 16 MiB. */
struct gaiti_layout {
  union {
    gait_record_header header;
    char header_page[GAITI_LAYOUT_PAGE_BYTES];
  };
  union {
    struct {
      gait_record_field fields[GAITI_LAYOUT_FIELDS];
      gait_record_event_type event_types[GAITI_LAYOUT_EVENT_TYPES];
      gait_record_word words[GAITI_LAYOUT_WORDS];
      char settings[GAITI_LAYOUT_SETTINGS_BYTES];
    };
    char tables_pages[GAITI_LAYOUT_TABLES_BYTES];
  };
  union {
    gait_record_now now;
    char now_page[GAITI_LAYOUT_PAGE_BYTES];
  };
  gait_record_thread threads[GAITI_LAYOUT_THREADS];
  gait_record_cycle cycles[GAITI_LAYOUT_CYCLES];
  gait_record_event events[GAITI_LAYOUT_EVENTS];
};

/* Writes the sections that do not change, and of the header all that follows from the layout. */
void gaiti_layout_describe(struct gaiti_layout *file);

#endif
