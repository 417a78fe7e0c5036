/* scheme [FILE...]: runs the files, or reads forms from standard input. */
#include "scheme.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

static struct machine machine;

static void on_interrupt(int number) {
  (void)number;
  machine_interrupt(&machine);
}

static gait_result create(struct scheme *scheme, gait_heap **heap, gait_thread **thread) {
  gait_options options;
  char error[256];
  gait_options_init(&options);
  gait_result result = gait_options_from_environment(&options, error, sizeof error);
  if (result) fprintf(stderr, "scheme: %s\n", error);
  options.tags = &scheme_tags;
  if (!result) result = gait_heap_create(&options, heap);
  if (!result) result = gait_thread_attach(*heap, "scheme", GAIT_STACK_CONSERVATIVE, thread);
  if (!result) result = scheme_create(scheme, *heap);
  return result ? result : machine_create(scheme, *thread, &machine);
}

int main(int argc, char **argv) {
  struct scheme scheme;
  gait_heap *heap;
  gait_thread *thread;
  setlocale(LC_CTYPE, "C.UTF-8");
  const gait_result result = create(&scheme, &heap, &thread);
  if (result) {
    fprintf(stderr, "scheme: %s\n", gait_result_text(result));
    return 1;
  }
  const struct sigaction action = {.sa_handler = on_interrupt};
  scheme_start(&machine);
  sigaction(SIGINT, &action, NULL);
  const int status = scheme_main(&machine, argc - 1, argv + 1);
  machine_destroy(&machine);
  return gait_thread_detach(thread) || gait_heap_destroy(heap) ? 1 : status;
}
