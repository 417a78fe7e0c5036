/* Points: each an object of its own, and all of them in one. */
#include "tuning.h"

/* [points] */
struct point {
  double x, y;
};

static gait_array points_as_objects(gait_thread *thread, const struct tuning_input *input) {
  gait_array points;
  gait_array_init(thread, &points, input->references, sizeof(struct point *));
  gait_array_reserve(thread, &points, input->size);
  for (size_t i = 0; i < input->size; i++) {
    struct point *point = tuning_need(gait_alloc(thread, input->leaf, sizeof *point));
    *point = (struct point){(double)i, 1};
    gait_array_append_reference(thread, &points, point);
  }
  return points;
}

static gait_array points_by_value(gait_thread *thread, const struct tuning_input *input) {
  gait_array points;
  gait_array_init(thread, &points, input->leaf, sizeof(struct point));
  gait_array_reserve(thread, &points, input->size);
  for (size_t i = 0; i < input->size; i++) {
    struct point *point = tuning_need(gait_array_append(thread, &points, 1));
    *point = (struct point){(double)i, 1};
  }
  return points;
}
/* [end] */

typedef gait_array points_fn(gait_thread *thread, const struct tuning_input *input);

static void make_points(gait_bench *bench, const struct tuning_input *input, points_fn *make) {
  for (size_t i = 0; i < bench->n; i++)
    tuning_use(make(bench->thread, input).items);
}

static void make_objects(gait_bench *bench, void *arg) {
  make_points(bench, arg, points_as_objects);
}

static void make_values(gait_bench *bench, void *arg) {
  make_points(bench, arg, points_by_value);
}

/* A cycle while the points are alive.  In the end they are not: a word that is left behind on
 * the stack may keep the array, and would keep them. */
static void mark_points(gait_bench *bench, const struct tuning_input *input, points_fn *make) {
  gait_array points = make(bench->thread, input);
  gait_bench_reset(bench);
  for (size_t i = 0; i < bench->n; i++)
    gait_heap_collect(bench->thread);
  gait_bench_stop(bench);
  gait_array_truncate(bench->thread, &points, 0);
}

static void mark_objects(gait_bench *bench, void *arg) {
  mark_points(bench, arg, points_as_objects);
}

static void mark_values(gait_bench *bench, void *arg) {
  mark_points(bench, arg, points_by_value);
}

const struct tuning_case tuning_values[] = {
    {"Points/objects/1000", make_objects, 1000, 1001},
    {"Points/value/1000", make_values, 1000, 1},
    {"Collect/value/1000000", mark_values, 1000000, 0},
    {"Collect/objects/1000000", mark_objects, 1000000, 0},
    {NULL, NULL, 0, 0},
};
