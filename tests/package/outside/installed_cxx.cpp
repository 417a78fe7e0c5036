// The public headers from C++17: every inline function compiles, and a list survives a collection.
#include <gait/gait.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <utility>

namespace {

struct Link {
  Link *next;
  long number;
};

struct Destroy {
  void operator()(gait_heap *heap) const { gait_heap_destroy(heap); }
};

using Heap = std::unique_ptr<gait_heap, Destroy>;

Link *prepend(gait_thread *thread, gait_kind kind, Link *list) {
  auto *link = static_cast<Link *>(gait_alloc(thread, kind, sizeof(Link)));
  if (link == nullptr) return nullptr;
  link->number = 1;
  gait_store_init(thread, &link->next, list);
  return link;
}

long count(const Link *link) {
  long links = 0;
  for (; link != nullptr; link = link->next) links += link->number;
  return links;
}

long run(gait_heap *heap) {
  gait_thread *thread = nullptr;
  gait_kind kind{};
  const std::uint64_t map = 1;
  gait_kind_info info{};
  info.name = "link";
  info.form = GAIT_KIND_POINTERS;
  info.map_bytes = sizeof(Link);
  info.pointer_map = &map;
  if (gait_kind_register(heap, &info, &kind) != GAIT_OK) return -1;
  if (gait_thread_attach(heap, "main", GAIT_STACK_EXACT, &thread) != GAIT_OK) return -1;

  void *root = nullptr;
  gait_frame frame{};
  gait_frame_push(thread, &frame, &root, 1);
  for (int i = 0; i < 1000; i++) {
    root = prepend(thread, kind, static_cast<Link *>(root));
    gait_thread_poll(thread);
  }
  auto *first = static_cast<Link *>(root);
  void *second = gait_load(reinterpret_cast<void *const *>(&first->next));
  if (!gait_cas(thread, &first->next, second, second)) return -1;
  gait_store(thread, &first->next, static_cast<Link *>(second)->next);
  if (gait_heap_collect(thread) != GAIT_OK) return -1;
  const long links = count(static_cast<Link *>(root));
  gait_frame_pop(thread, &frame);
  return gait_thread_detach(thread) == GAIT_OK ? links : -1;
}

} // namespace

int main() {
  gait_heap *made = nullptr;
  if (gait_heap_create(nullptr, &made) != GAIT_OK) return 1;
  const Heap heap(std::exchange(made, nullptr));
  const long links = run(heap.get());
  std::printf("%ld links\n", links);
  return links == 999 ? 0 : 1;
}
