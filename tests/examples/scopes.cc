// gait.hpp with exceptions: heap, threads, scopes of handles, members, globals.
#include <gait/gait.hpp>
#include <gait/tune.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <thread>

static void require(bool holds) {
  if (!holds) std::abort();
}

// [members]
struct Tree {
  gait::Member<Tree> left, right; // words 0 and 1: references
  long value;
};

static gait_kind tree_kind(const gait::Heap &heap) {
  static const uint64_t map[] = {3};
  return heap.kind({"tree", GAIT_KIND_POINTERS, sizeof(Tree), map, 0, nullptr, nullptr, nullptr});
}

static gait::Local<Tree> grow(gait_kind kind, long depth) {
  gait::HandleScope scope;
  gait::Local<Tree> tree(gait::create<Tree>(kind));
  tree->value = depth;
  if (depth < 0) throw std::runtime_error("a tree of no depth"); // the scope is closed
  if (depth > 0) {
    tree->left = grow(kind, depth - 1); // an assignment has the barrier
    tree->right = grow(kind, depth - 1);
  }
  return scope.escape(tree);
}
// [end]

static long count(const Tree *tree) {
  return tree ? 1 + count(tree->left) + count(tree->right) : 0;
}

static uint64_t live(gait_heap *heap, gait_thread *thread) {
  gait_cycle_record record;
  gait_stats stats;
  require(gait_heap_collect(thread) == GAIT_OK);
  gait_stats_read(heap, &stats);
  require(gait_records_read(heap, stats.cycles, &record, 1) == 1);
  return record.marked_objects;
}

static void grows(gait::Heap &heap, gait_thread *thread, gait_kind kind) {
  gait::Global<Tree> global(heap);
  {
    gait::HandleScope scope;
    gait::Local<Tree> tree = grow(kind, 6);
    require(count(tree) == 127 && live(heap, thread) == 127);
    global = tree;
    tree.set(nullptr);
  }
  require(live(heap, thread) == 127 && count(global) == 127);
  global->left = nullptr;
  require(live(heap, thread) == 64);
  global = nullptr;
  require(live(heap, thread) == 0);
}

// An exception passes through many scopes, each with handles of its own.
static void descend(gait_kind kind, long depth) {
  gait::HandleScope scope;
  for (int i = 0; i < 300; i++)
    gait::Local<Tree> tree(gait::create<Tree>(kind));
  if (depth == 0)
    grow(kind, -1);
  else
    descend(kind, depth - 1);
}

static void throws(gait_heap *heap, gait_thread *thread, gait_kind kind) {
  gait::HandleScope scope;
  gait::Local<Tree> kept(gait::create<Tree>(kind));
  bool caught = false;
  try {
    descend(kind, 5);
  } catch (const std::runtime_error &) {
    caught = true;
  }
  require(caught && live(heap, thread) == 1 && kept->value == 0);
}

// A constructor's failures leave nothing behind.
static void fails(gait::Heap &heap) {
  static const uint64_t map[] = {1};
  gait_result result = GAIT_OK;
  try {
    tree_kind(heap); // the name is registered
  } catch (const gait::Error &error) {
    result = error.result();
    require(error.what() == gait_result_text(result));
  }
  require(result == GAIT_ERROR_ALREADY);
  gait_options options;
  gait_options_init(&options);
  options.max_heap_bytes = 1 << 20;
  gait::Heap small(&options);
  gait::Thread thread(small);
  gait::HandleScope scope;
  const gait_kind kind =
      small.kind({"node", GAIT_KIND_POINTERS, 8, map, 0, nullptr, nullptr, nullptr});
  bool full = false;
  try {
    for (;;)
      gait::Local<Tree> local(gait::create<Tree>(kind));
  } catch (const std::bad_alloc &) {
    full = true;
  }
  require(full);
}

// What a key keeps by an ephemeron.
static void pairs(gait_heap *heap, gait_thread *thread, gait_kind kind) {
  gait::HandleScope scope;
  gait::Local<Tree> key(gait::create<Tree>(kind));
  auto *made = gait::Ephemeron<Tree, Tree>::create(key.get(), nullptr);
  gait::Local<gait::Ephemeron<Tree, Tree>> pair(made);
  pair->set_value(gait::create<Tree>(kind));
  require(live(heap, thread) == 3 && pair->key() == key && pair->value());
  key.set(nullptr);
  require(live(heap, thread) == 1 && !pair->key() && !pair->value());
  pair->clear();
}

static void attaches(gait::Heap &heap, gait_kind kind, gait_thread *thread) {
  std::thread other([&heap, kind] {
    gait::Thread inside(heap, "other");
    require(gait::Current::thread() == inside);
    gait::HandleScope scope;
    require(count(grow(kind, 3)) == 15);
  });
  gait::Outside outside(thread);
  other.join();
}

int main() {
  gait::Heap heap;
  const gait_kind kind = tree_kind(heap);
  gait::Thread thread(heap, "main");
  require(gait::Current::thread() == thread);
  grows(heap, thread, kind);
  throws(heap, thread, kind);
  fails(heap);
  pairs(heap, thread, kind);
  require(gait::Current::thread() == thread);
  attaches(heap, kind, thread);
  return 0;
}
