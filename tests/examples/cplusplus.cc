// gait.hpp: its classes pair what must be paired, and its stores have types.
#include <gait/gait.hpp>
#include <gait/tune.h>

#include <cstdio>
#include <cstdlib>

struct Node {
  Node *next;
  long value;
};

static void require(bool holds) {
  if (!holds) std::abort();
}

// [list]
static long sum_of_list(gait_thread *thread, gait_kind kind) {
  gait::Root<Node> list(thread, nullptr); // what a thread with exact frames holds over safepoints
  for (long i = 0; i < 1000; i++) {
    auto *node = gait::make<Node>(thread, kind); // a safepoint: nothing else is in hand
    if (!node) return -1;
    node->value = i;
    gait::store_init(thread, &node->next, list.get());
    list.set(node);
  }
  {
    gait::Outside outside(thread); // may block, and does not touch the heap
    std::puts("outside");
  }
  long sum = 0;
  for (Node *node = list.get(); node; node = gait::load(&node->next))
    sum += node->value;
  return sum;
}
// [end]

static uint64_t live_objects(gait_heap *heap, gait_thread *thread) {
  gait_cycle_record record;
  gait_stats stats;
  require(gait_heap_collect(thread) == GAIT_OK);
  gait_stats_read(heap, &stats);
  require(gait_records_read(heap, stats.cycles, &record, 1) == 1);
  return record.marked_objects;
}

static void *call_back(void *arg) {
  auto *thread = static_cast<gait_thread *>(arg);
  gait::Inside inside(thread);
  return gait_heap_collect(thread) == GAIT_OK ? arg : nullptr;
}

// A root and a handle keep two objects, and nothing keeps them when they are gone.
static void keeps(gait_heap *heap, gait_thread *thread, gait_kind kind) {
  const uint64_t before = live_objects(heap, thread);
  gait::Handle<Node> handle;
  require(!handle && handle.get() == nullptr);
  {
    gait::Root<Node> root(thread, gait::make<Node>(thread, kind, nullptr, 1L));
    gait::Handle<Node> other(thread, root.get());
    require(other && other.get()->value == 1);
    Node *second = gait::make<Node>(thread, kind, nullptr, 2L);
    gait::store(thread, &root->next, second);
    require(gait::cas(thread, &root->next, second, nullptr));
    require(!gait::cas(thread, &root->next, second, nullptr));
    other.set(thread, second);
    new (&handle) gait::Handle<Node>(std::move(other));
    require(!other && gait_thread_outside(thread, call_back, thread) == thread);
    require(live_objects(heap, thread) == before + 2);
  }
  require(live_objects(heap, thread) == before + 1 && handle.get()->value == 2);
  handle.free(thread);
  require(!handle && live_objects(heap, thread) == before);
}

static void counts_what_is_gone(gait_thread *thread, gait_kind kind, long *gone) {
  gait::Root<Node> kept(thread, gait::make<Node>(thread, kind));
  gait::Cleanup counted(thread, kept.get(), [gone] { ++*gone; });
  gait::Cleanup stopped(thread, kept.get(), [gone] { *gone += 100; });
  require(counted && stopped && stopped.stop(thread));
}

int main() {
  gait_heap *heap = nullptr;
  gait_thread *thread = nullptr;
  require(gait_heap_create(nullptr, &heap) == GAIT_OK);
  require(gait_thread_attach(heap, "main", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  const gait_kind any = gait_kind_conservative(heap);
  require(sum_of_list(thread, any) == 499500);
  keeps(heap, thread, any);
  long gone = 0;
  counts_what_is_gone(thread, any, &gone);
  require(gait_heap_collect(thread) == GAIT_OK);
  require(gait_finalizers_run(thread, 10) == 1 && gone == 1);
  require(gait_thread_detach(thread) == GAIT_OK);
  require(gait_heap_destroy(heap) == GAIT_OK);
  return EXIT_SUCCESS;
}
