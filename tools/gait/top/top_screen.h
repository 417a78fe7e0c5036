/* top_screen.h: the view on a terminal, by ncurses. */
#ifndef GAIT_TOP_SCREEN_H
#define GAIT_TOP_SCREEN_H

#include "top_view.h"

/* Shows the source until somebody presses q.  False, with nothing shown: there is no terminal, or
 * none that ncurses knows; or this program was built without it. */
bool top_screen_run(struct top_source *source, double interval_seconds);

#endif
