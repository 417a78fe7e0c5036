#include "what_if_page.h"

#include "page.h"

int what_if_page_write(const char *path, const char *title, const char *text, const char *command,
                       json_t *rows) {
  const struct page page = {.noun = "what_if", .title = title, .command = command, .text = text};
  return page_write(path, &page, rows);
}
