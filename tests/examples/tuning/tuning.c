/* tuning [-bench=TEXT] [-benchtime=TIME] [-count=N] [-collector]: the measurements of
 * docs/tuning.md.  Ends with status 1 where a benchmark allocates another number of objects than
 * its case says. */
#include "tuning.h"

#include <stdlib.h>
#include <string.h>

void *tuning_need(void *object) {
  if (object) return object;
  fprintf(stderr, "tuning: out of memory\n");
  abort();
}

char *tuning_string(gait_thread *thread, const char *bytes, size_t count) {
  gait_kind leaf = gait_kind_leaf(gait_thread_heap(thread));
  char *string = tuning_need(gait_alloc(thread, leaf, count + 1));
  memcpy(string, bytes, count);
  return string;
}

/* Returns how many cases allocated another number of objects. */
static int run_cases(gait_bench *bench, const struct tuning_case *cases,
                     struct tuning_input *input) {
  int wrong = 0;
  for (; cases->name; cases++) {
    input->size = cases->size;
    const gait_bench_result result = gait_bench_run(bench, cases->name, cases->body, input);
    const uint64_t objects = gait_bench_objects(result);
    if (result.n == 0 || cases->objects == TUNING_ANY || objects == cases->objects) continue;
    fprintf(stderr, "tuning: %s allocates %" PRIu64 " objects, not %" PRIu64 "\n", cases->name,
            objects, cases->objects);
    wrong++;
  }
  return wrong;
}

static int run_all(gait_bench *bench) {
  static const uint64_t map[] = {1};
  const gait_kind_info info = {.name = "references",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(void *),
                               .pointer_map = map,
                               .repeat_bytes = sizeof(void *)};
  gait_heap *heap = gait_thread_heap(bench->thread);
  struct tuning_input input = {.leaf = gait_kind_leaf(heap)};
  if (gait_kind_register(heap, &info, &input.references)) return 1;
  return run_cases(bench, tuning_growth, &input) + run_cases(bench, tuning_texts, &input) +
         run_cases(bench, tuning_pools, &input) + run_cases(bench, tuning_values, &input) +
         run_cases(bench, tuning_reports, &input);
}

int main(int argc, char **argv) {
  gait_heap *heap;
  gait_thread *thread;
  gait_bench bench;
  if (gait_heap_create(NULL, &heap) ||
      gait_thread_attach(heap, "tuning", GAIT_STACK_CONSERVATIVE, &thread))
    return 2;
  gait_bench_init(&bench, thread, "gait/tuning");
  if (gait_bench_arguments(&bench, argc, argv) != argc) {
    fprintf(stderr, "usage: tuning [-bench=TEXT] [-benchtime=TIME] [-count=N] [-collector]\n");
    return 2;
  }
  const int wrong = run_all(&bench);
  if (gait_thread_detach(thread) || gait_heap_destroy(heap)) return 2;
  return wrong != 0;
}
