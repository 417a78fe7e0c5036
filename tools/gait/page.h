/* page.h: writes a web page that shows runs, with everything that it needs inside. */
#ifndef GAIT_PAGE_H
#define GAIT_PAGE_H

#include <jansson.h>

struct page {
  const char *noun; /* NOUN.html and NOUN.js of tools/page show the rows */
  const char *title;
  const char *command; /* what made the rows */
  const char *text;    /* a sentence about them; NULL where NOUN.html has its own */
};

/* Writes the page about `rows` to the file `path`.  Returns 0, or -1 after a message.  The noun is
 * "grid" for rows as `gait run --json --cycles` prints them, "law" for those of `gait law`, and
 * "what_if" for those of what_if_page.h. */
int page_write(const char *path, const struct page *page, json_t *rows);

/* The arguments as one line, for `command`; malloced, NULL when out of memory. */
char *page_command(int argc, char *const *argv);

#endif
