/* renamed.h: names of version 0.1, for programs that were written for it.
 *
 * gait.h includes this file unless GAIT_NO_OLD_NAMES is defined, and with it tune.h, whose contents
 * gait.h had then.  The names go with version 0.3. */
#ifndef GAIT_RENAMED_H
#define GAIT_RENAMED_H

#include "gait/tune.h"

#define GAIT_GOGC_OFF GAIT_OFF

#define gait_leave            gait_thread_leave
#define gait_enter            gait_thread_enter
#define gait_outside          gait_thread_outside
#define gait_leave_from       gait_thread_leave_from
#define gait_poll             gait_thread_poll
#define gait_poll_slow        gait_thread_poll_slow
#define gait_collect          gait_heap_collect
#define gait_trim             gait_heap_trim
#define gait_set_gogc         gait_heap_set_gogc
#define gait_set_memory_limit gait_heap_set_memory_limit
#define gait_get_gogc         gait_heap_gogc
#define gait_get_memory_limit gait_heap_memory_limit
#define gait_external         gait_object_set_external
#define gait_cycle_records    gait_records_read
#define gait_handle_new       gait_handle_create
#define gait_handle_free      gait_handle_destroy

#endif
