/* lisp_main.c: lisp [exact|conservative] FILE runs a file; its checks are the test. */
#include "lisp.h"

#include <gait/finalizer.h>

#include <string.h>

static void run(struct evaluator *ev, void *arg) {
  word form;
  builtins_define(ev);
  while (read_form(ev, arg, &form))
    eval(ev, form, 0);
}

/* [main] */
static int run_file(FILE *in, gait_thread_roots roots) {
  struct lisp lisp;
  struct evaluator ev;
  if (lisp_create(&lisp) != GAIT_OK || evaluator_begin(&ev, &lisp, roots) != GAIT_OK) return 1;
  const bool done = lisp_protect(&ev, run, in);
  if (!done) fprintf(stderr, "lisp: %s\n", ev.error);
  gait_finalizers_run_all(ev.thread); /* or the memory of buffers that are left is lost */
  evaluator_end(&ev);
  return lisp_destroy(&lisp) != GAIT_OK || !done;
}
/* [end] */

int main(int argc, char **argv) {
  FILE *in = argc == 3 ? fopen(argv[2], "r") : NULL;
  if (!in) {
    fprintf(stderr, "usage: %s exact|conservative FILE\n", argv[0]);
    return 2;
  }
  const int status =
      run_file(in, strcmp(argv[1], "exact") == 0 ? GAIT_STACK_EXACT : GAIT_STACK_CONSERVATIVE);
  fclose(in);
  return status;
}
