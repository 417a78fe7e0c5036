/* top_view.h: what is shown, as lines of text; no terminal. */
#ifndef GAIT_TOP_VIEW_H
#define GAIT_TOP_VIEW_H

#include "top_source.h"

enum { TOP_LINES = 256, TOP_COLUMNS = 512 };

/* How a line is to stand out. */
enum top_mark { TOP_PLAIN, TOP_TITLE, TOP_BAR, TOP_WARNING };

struct top_view {
  size_t count;
  enum top_mark marks[TOP_LINES];
  char lines[TOP_LINES][TOP_COLUMNS];
};

/* For a terminal of so many columns and lines; `ago_seconds` since the look before. */
void top_view_fill(struct top_view *view, const struct top_source *source,
                   const struct top_look *look, double ago_seconds, size_t columns, size_t lines);

/* One line, without a newline, for what is no terminal. */
void top_view_line(const struct top_source *source, const struct top_look *look, double ago_seconds,
                   char *line, size_t bytes);

#endif
