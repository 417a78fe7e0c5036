/* page.h: writes a web page that shows runs, with everything that it needs inside. */
#ifndef GAIT_PAGE_H
#define GAIT_PAGE_H

#include <jansson.h>

/* Writes the page about `rows` to the file `path`; `command` is what made them.  Returns 0, or -1
 * after a message.  The template is "page.html" for rows as `gait run --json --cycles` prints them,
 * or "law.html" for those of `gait law`. */
int page_write(const char *path, const char *template, const char *title, const char *command,
               json_t *rows);

/* The arguments as one line, for `command`; malloced, NULL when out of memory. */
char *page_command(int argc, char *const *argv);

#endif
