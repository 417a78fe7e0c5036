/* gait page: writes the page on which the pacer runs as one moves sliders.  The build has put it
 * together; see tools/page/explore.cmake. */
#include "assets.h"
#include "command.h"

#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static error_t page_option(int key, char *arg, struct argp_state *state) {
  const char **path = state->input;
  switch (key) {
  case ARGP_KEY_ARG:
    if (*path != NULL) argp_error(state, "one FILE is wanted");
    *path = arg;
    return 0;
  case ARGP_KEY_NO_ARGS: argp_error(state, "which FILE?"); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp page_argp = {
    .parser = page_option,
    .args_doc = "FILE.html",
    .doc = "Write a web page on which the pacer runs as one moves sliders.\v"
           "The page is one file, which needs no network.  It holds the collector's own pacer, "
           "compiled to WebAssembly, and shows what GOGC and a memory limit would do to a program "
           "that you describe, or that you recorded with GODEBUG=gctrace=1.",
};

int gait_cmd_page(int argc, char **argv) {
  const char *path = NULL;
  argp_parse(&page_argp, argc, argv, 0, NULL, &path);
  const struct asset *page = asset_find("explore.html");
  if (page == NULL) {
    fprintf(stderr, "gait page: this gait was built without the page, since clang for wasm32 and "
                    "lld were not there; install both and build again\n");
    return COMMAND_FAILED;
  }
  FILE *out = fopen(path, "w");
  bool written = out != NULL && fwrite(page->text, 1, page->bytes, out) == page->bytes;
  if (out != NULL && fclose(out) != 0) written = false;
  if (!written) fprintf(stderr, "gait page: %s could not be written: %s\n", path, strerror(errno));
  return written ? COMMAND_OK : COMMAND_FAILED;
}
