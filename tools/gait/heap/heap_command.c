/* gait heap: what a heap dump has: objects by kind, site or size, a path from a root to an object,
 * what each object retains, and what two dumps differ in. */
#include "command.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap_views.h"

enum { HEAP_TO_BY = 1, HEAP_TO_PATH, HEAP_TO_DOMINATORS, HEAP_TO_DIFF, HEAP_TO_TOP, HEAP_TO_JSON };

struct heap_request {
  const char *paths[2];
  int given;
  struct heap_view view;
  int what; /* which of the views; 0: by kind */
  uint64_t address;
};

static const struct argp_option heap_options[] = {
    {"by", HEAP_TO_BY, "WORD", 0, "Objects by kind, site or size; kind is the default", 0},
    {"path", HEAP_TO_PATH, "ADDRESS", 0, "A shortest path from a root to the object there", 0},
    {"dominators", HEAP_TO_DOMINATORS, "ADDRESS", OPTION_ARG_OPTIONAL,
     "The objects that retain most; with ADDRESS, of those that the object there holds alone", 0},
    {"diff", HEAP_TO_DIFF, NULL, 0, "Compare two dumps", 0},
    {"top", HEAP_TO_TOP, "N", 0, "Show N lines at most; 30 is the default", 0},
    {"json", HEAP_TO_JSON, NULL, 0, "Print one JSON object", 0},
    {0}};

static void heap_choose(struct heap_request *request, int what, struct argp_state *state) {
  if (request->what != 0) argp_error(state, "one of --path, --dominators and --diff is wanted");
  request->what = what;
}

static uint64_t heap_number_of(const char *name, const char *text, struct argp_state *state) {
  char *end;
  errno = 0;
  unsigned long long number = strtoull(text, &end, 0);
  if (errno != 0 || end == text || *end != '\0' || number == 0 || text[0] == '-')
    argp_error(state, "--%s=%s: a number is wanted", name, text);
  return number;
}

static void heap_choose_by(struct heap_request *request, const char *word,
                           struct argp_state *state) {
  static const char *const words[] = {"kind", "site", "size"};
  for (int i = 0; i < 3; i++) {
    if (strcmp(words[i], word) != 0) continue;
    request->view.by = (enum heap_by)i;
    return;
  }
  argp_error(state, "--by=%s: kind, site or size is wanted", word);
}

static void heap_check(const struct heap_request *request, struct argp_state *state) {
  int wanted = request->what == HEAP_TO_DIFF ? 2 : 1;
  if (request->given < wanted) argp_error(state, wanted == 2 ? "which two dumps?" : "which dump?");
  if (request->given > wanted) argp_error(state, "too many dumps");
}

static error_t heap_option(int key, char *arg, struct argp_state *state) {
  struct heap_request *request = state->input;
  switch (key) {
  case HEAP_TO_BY: heap_choose_by(request, arg, state); return 0;
  case HEAP_TO_PATH:
    heap_choose(request, key, state);
    request->address = heap_number_of("path", arg, state);
    return 0;
  case HEAP_TO_DOMINATORS:
    heap_choose(request, key, state);
    if (arg) request->address = heap_number_of("dominators", arg, state);
    return 0;
  case HEAP_TO_DIFF: heap_choose(request, key, state); return 0;
  case HEAP_TO_TOP: request->view.top = (size_t)heap_number_of("top", arg, state); return 0;
  case HEAP_TO_JSON: request->view.json = true; return 0;
  case ARGP_KEY_ARG:
    if (request->given < 2) request->paths[request->given] = arg;
    request->given++;
    return 0;
  case ARGP_KEY_END: heap_check(request, state); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp heap_argp = {
    .options = heap_options,
    .parser = heap_option,
    .args_doc = "FILE\n--diff BEFORE AFTER",
    .doc =
        "Read a dump of a heap: gait_heap_dump writes one, and any program with GAIT_DUMP=FILE."
        "\vExits with 1 where a file is no dump, or is not whole, and where no root leads to the "
        "object.",
};

static struct heap_dump *heap_open(const char *path) {
  struct heap_error error;
  struct heap_dump *dump = heap_dump_open(path, &error);
  if (!dump) fprintf(stderr, "gait heap: %s\n", error.text);
  return dump;
}

static int heap_show(const struct heap_request *request, const struct heap_dump *after) {
  const struct heap_view *view = &request->view;
  switch (request->what) {
  case HEAP_TO_PATH: return heap_view_path(view, request->address);
  case HEAP_TO_DOMINATORS: return heap_view_dominators(view, request->address);
  case HEAP_TO_DIFF: return heap_view_diff(view, after);
  default: return heap_view_groups(view);
  }
}

int gait_cmd_heap(int argc, char **argv) {
  struct heap_request request = {.view.top = 30};
  if (argp_parse(&heap_argp, argc, argv, 0, NULL, &request) != 0) return COMMAND_USAGE;
  struct heap_dump *dump = heap_open(request.paths[0]), *after = NULL;
  bool opened = dump != NULL;
  if (opened && request.what == HEAP_TO_DIFF)
    opened = (after = heap_open(request.paths[1])) != NULL;
  request.view.dump = dump;
  int status = opened ? heap_show(&request, after) : COMMAND_FAILED;
  heap_dump_close(dump);
  heap_dump_close(after);
  return status;
}
