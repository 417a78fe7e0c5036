/* alloc SIZE COUNT LEAF THREADS: makes garbage as fast as it can, one object at a time. */
#include "peer.h"

/* The one object that a thread keeps, on cache lines of its own. */
static struct {
  uint64_t *volatile object;
  char apart[120];
} alloc_kept[PEER_THREADS_MAX];

static size_t alloc_size;
static uint64_t alloc_count;
static bool alloc_leaf;

static void *alloc_part(void *arg) {
  unsigned number = *(unsigned *)arg;
  for (uint64_t i = 0; i < alloc_count; i++) {
    uint64_t *object = alloc_leaf ? peer_new_leaf(alloc_size) : peer_new(alloc_size);
    *object = i;
    peer_free(alloc_kept[number].object);
    alloc_kept[number].object = object;
  }
  return NULL;
}

int main(int argc, char **argv) {
  peer_init();
  alloc_size = peer_number(argc, argv, 1);
  alloc_count = peer_number(argc, argv, 2);
  alloc_leaf = peer_number(argc, argv, 3) != 0;
  unsigned threads = (unsigned)peer_number(argc, argv, 4);
  unsigned numbers[PEER_THREADS_MAX];
  for (unsigned i = 0; i < PEER_THREADS_MAX; i++)
    numbers[i] = i;

  alloc_part(&numbers[0]);
  uint64_t start = peer_now_ns();
  peer_in_parallel(alloc_part, numbers, threads);
  struct peer_result result = {.ops = alloc_count * threads, .ns = peer_now_ns() - start};
  result.ns_per_op = (double)result.ns / (double)alloc_count;
  for (unsigned i = 0; i < threads; i++)
    result.checksum += *alloc_kept[i].object + 1;
  peer_report(&result, "");
}
