// The headers from C++17: wrappers that pair what must be paired.
#include <gait/gait.h>

#include <cstdio>
#include <cstdlib>

// [wrappers]
class Outside { // leaves managed code for a scope
public:
  explicit Outside(gait_thread *thread) : thread_(thread) { gait_leave(thread_); }
  ~Outside() { gait_enter(thread_); }
  Outside(const Outside &) = delete;
  Outside &operator=(const Outside &) = delete;

private:
  gait_thread *thread_;
};

template <typename T> class Root { // keeps one object alive for a scope, on an exact thread as well
public:
  Root(gait_thread *thread, T *object) : thread_(thread), slot_(object) {
    gait_frame_push(thread_, &frame_, &slot_, 1);
  }
  ~Root() { gait_frame_pop(thread_, &frame_); }
  Root(const Root &) = delete;
  Root &operator=(const Root &) = delete;
  T *operator->() const { return static_cast<T *>(slot_); }
  T *get() const { return static_cast<T *>(slot_); }
  void set(T *object) { slot_ = object; }

private:
  gait_thread *thread_;
  gait_frame frame_;
  void *slot_;
};
// [end]

struct Node {
  Node *next;
  long value;
};

int main() {
  gait_heap *heap = nullptr;
  gait_thread *thread = nullptr;
  if (gait_heap_create(nullptr, &heap) != GAIT_OK ||
      gait_thread_attach(heap, "main", GAIT_STACK_EXACT, &thread) != GAIT_OK)
    return EXIT_FAILURE;
  const gait_kind any = gait_kind_conservative(heap);
  long sum = 0;
  {
    Root<Node> list(thread, nullptr);
    for (long i = 0; i < 1000; i++) {
      auto *node = static_cast<Node *>(gait_alloc(thread, any, sizeof(Node)));
      if (!node) return EXIT_FAILURE;
      node->value = i;
      gait_store_init(thread, &node->next, list.get());
      list.set(node);
      if (i % 100 == 0 && gait_collect(thread) != GAIT_OK) return EXIT_FAILURE;
    }
    {
      Outside outside(thread);
      std::puts("outside");
    }
    for (Node *node = list.get(); node; node = node->next)
      sum += node->value;
  }
  if (sum != 499500) return EXIT_FAILURE;
  if (gait_thread_detach(thread) != GAIT_OK) return EXIT_FAILURE;
  return gait_heap_destroy(heap) == GAIT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
