/* Objects of a pool, and new ones, by their sizes; one byte of each is written. */
#include "tuning.h"

#include <gait/pool.h>
#include <stdlib.h>

/* [pool] */
static void *buffer_new(gait_thread *thread, void *arg) {
  const struct tuning_input *input = arg;
  return gait_alloc(thread, input->leaf, input->size);
}

static void with_pool(gait_bench *bench, void *arg) {
  const gait_pool_info info = {.new_object = buffer_new, .arg = arg};
  gait_pool *pool;
  if (gait_pool_create(gait_thread_heap(bench->thread), &info, &pool)) abort();
  gait_bench_reset(bench);
  for (size_t i = 0; i < bench->n; i++) {
    char *buffer = tuning_need(gait_pool_get(bench->thread, pool));
    buffer[0] = 1; /* it has the bytes of its last user */
    gait_pool_put(bench->thread, pool, buffer);
  }
  gait_bench_stop(bench);
  gait_pool_destroy(pool);
}

static void without_pool(gait_bench *bench, void *arg) {
  for (size_t i = 0; i < bench->n; i++) {
    char *buffer = tuning_need(buffer_new(bench->thread, arg));
    buffer[0] = 1; /* it is zero */
  }
}
/* [end] */

const struct tuning_case tuning_pools[] = {
    {"Buffer/new/32", without_pool, 32, 1},
    {"Buffer/pool/32", with_pool, 32, TUNING_ANY},
    {"Buffer/new/1024", without_pool, 1024, 1},
    {"Buffer/pool/1024", with_pool, 1024, TUNING_ANY},
    {"Buffer/new/4096", without_pool, 4096, 1},
    {"Buffer/pool/4096", with_pool, 4096, TUNING_ANY},
    {"Buffer/new/16384", without_pool, 16384, 1},
    {"Buffer/pool/16384", with_pool, 16384, TUNING_ANY},
    {"Buffer/new/65536", without_pool, 65536, 1},
    {"Buffer/pool/65536", with_pool, 65536, TUNING_ANY},
    {"Buffer/new/1048576", without_pool, 1048576, 1},
    {"Buffer/pool/1048576", with_pool, 1048576, TUNING_ANY},
    {NULL, NULL, 0, 0},
};
