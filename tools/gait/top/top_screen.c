#include "top_screen.h"

#ifdef GAIT_HAVE_NCURSES

#include <locale.h>
#include <ncurses.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double screen_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static attr_t screen_attribute(enum top_mark mark) {
  switch (mark) {
  case TOP_TITLE: return A_REVERSE;
  case TOP_BAR: return has_colors() ? COLOR_PAIR(1) : A_NORMAL;
  case TOP_WARNING: return (has_colors() ? COLOR_PAIR(2) : 0) | A_BOLD;
  default: return A_NORMAL;
  }
}

/* As much as there is room for, be it a single character. */
static void screen_draw(const struct top_view *view, const char *foot) {
  int lines = LINES, columns = COLS;
  erase();
  for (int i = 0; i < lines - 1 && i < (int)view->count; i++) {
    attrset((int)screen_attribute(view->marks[i]));
    mvaddnstr(i, 0, view->lines[i], columns);
  }
  attrset((int)A_NORMAL);
  if (lines > 1) mvaddnstr(lines - 1, 0, foot, columns);
  if (lines == 1 && view->count > 0) mvaddnstr(0, 0, view->lines[0], columns);
  refresh();
}

/* One look; the picture stays where it is while the file cannot be read. */
static void screen_look(struct top_source *source, struct top_look *look, double *looked,
                        double *ago) {
  struct top_look next;
  double now = screen_now();
  if (!top_source_look(source, &next)) return;
  *look = next;
  source->error[0] = '\0';
  *ago = now - *looked;
  *looked = now;
}

static void screen_show(struct top_source *source, const struct top_look *look, double ago) {
  static struct top_view view;
  char foot[TOP_COLUMNS];
  top_view_fill(&view, source, look, ago, (size_t)COLS, LINES > 1 ? (size_t)LINES - 1 : 1);
  snprintf(foot, sizeof foot, "q: quit   %s", source->error[0] ? source->error : source->path);
  screen_draw(&view, foot);
}

static void screen_start(double interval_seconds) {
  cbreak();
  noecho();
  curs_set(0);
  keypad(stdscr, TRUE);
  timeout((int)(interval_seconds * 1000));
  if (!has_colors()) return;
  start_color();
  use_default_colors();
  init_pair(1, COLOR_GREEN, -1);
  init_pair(2, COLOR_RED, -1);
}

bool top_screen_run(struct top_source *source, double interval_seconds) {
  if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)) return false;
  SCREEN *screen = newterm(NULL, stdout, stdin);
  if (screen == NULL) return false;
  struct top_look look = {0};
  double looked = screen_now(), ago = 0;
  screen_start(interval_seconds);
  screen_look(source, &look, &looked, &ago);
  for (int key = ERR; key != 'q' && key != 'Q' && key != 27; key = getch()) {
    bool resized = key == KEY_RESIZE;
    if (!resized && screen_now() - looked >= interval_seconds * 0.5)
      screen_look(source, &look, &looked, &ago);
    screen_show(source, &look, ago);
  }
  endwin();
  delscreen(screen);
  return true;
}

#else

bool top_screen_run(struct top_source *source, double interval_seconds) {
  (void)source, (void)interval_seconds;
  return false;
}

#endif
