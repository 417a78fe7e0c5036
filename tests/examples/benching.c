/* A benchmark in the form of Go's, as the manual shows it. */
/* [bench] */
#include <gait/array.h>
#include <gait/bench.h>
#include <stdio.h>
#include <string.h>

static void build_text(gait_bench *bench, void *arg) {
  gait_thread *thread = bench->thread;
  const char *word = arg;
  for (size_t i = 0; i < bench->n; i++) {
    gait_array text;
    gait_array_init(thread, &text, gait_kind_leaf(gait_thread_heap(thread)), 1);
    for (int part = 0; part < 100; part++)
      gait_array_append_copy(thread, &text, word, strlen(word));
  }
  bench->input_bytes = 100 * strlen(word); /* of one operation: MB/s */
}

int main(int argc, char **argv) {
  gait_heap *heap;
  gait_thread *thread;
  if (gait_heap_create(NULL, &heap) ||
      gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread))
    return 1;
  gait_bench bench;
  gait_bench_init(&bench, thread, "example");
  if (gait_bench_arguments(&bench, argc, argv) != argc) {
    fprintf(stderr, "usage: %s [-bench=TEXT] [-benchtime=TIME] [-count=N]\n", argv[0]);
    return 2;
  }
  char word[] = "word ";
  gait_bench_run(&bench, "BuildText", build_text, word);
  return gait_thread_detach(thread) || gait_heap_destroy(heap);
}
/* [end] */
