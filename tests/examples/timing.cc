// bench.h in C++: a benchmark of gait.hpp.
#include <gait/bench.h>
#include <gait/gait.hpp>

struct Point {
  double x, y;
};

static void make_points(gait_bench *bench, void *arg) {
  for (size_t i = 0; i < bench->n; i++)
    if (!gait_alloc(bench->thread, *static_cast<gait_kind *>(arg), sizeof(Point))) std::abort();
}

int main() {
  gait_heap *heap;
  gait_thread *thread;
  if (gait_heap_create(nullptr, &heap) ||
      gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread))
    return 1;
  gait_bench bench;
  gait_bench_init(&bench, thread, "example");
  bench.times = 1000;
  gait_kind leaf = gait_kind_leaf(heap);
  const gait_bench_result result = gait_bench_run(&bench, "Points", make_points, &leaf);
  const bool exact = gait_bench_objects(result) == 1 && gait_bench_bytes(result) == sizeof(Point);
  return gait_thread_detach(thread) || gait_heap_destroy(heap) || !exact;
}
