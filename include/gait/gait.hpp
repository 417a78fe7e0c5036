// gait.hpp: what comes in pairs, or has a type, as classes and functions of C++17.
//
// A thin layer over gait.h, which it includes: everything there may be called as well.  No
// destructor of yours runs when an object is found dead, so types on the heap are trivially
// destructible.
#ifndef GAIT_GAIT_HPP
#define GAIT_GAIT_HPP

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "gait/finalizer.h"
#include "gait/gait.h"

namespace gait {

// A new object of `kind`, constructed from the arguments; nullptr where gait_alloc says NULL.  The
// constructor may not throw, and stores references with store_init.
template <typename T, typename... Arguments>
T *make(gait_thread *thread, gait_kind kind, Arguments &&...arguments) {
  static_assert(std::is_trivially_destructible_v<T>, "no destructor runs on the heap");
  static_assert(alignof(T) <= GAIT_GRANULE_BYTES, "gait_alloc_aligned is for such objects");
  void *place = gait_alloc(thread, kind, sizeof(T));
  return place ? ::new (place) T{std::forward<Arguments>(arguments)...} : nullptr;
}

// Loads and stores of references, with the type of the slot.
template <typename T> T *load(T *const *slot) {
  return static_cast<T *>(gait_load(slot));
}
template <typename T> void store(gait_thread *thread, T **slot, std::common_type_t<T *> value) {
  gait_store(thread, slot, value);
}
template <typename T>
void store_init(gait_thread *thread, T **slot, std::common_type_t<T *> value) {
  gait_store_init(thread, slot, value);
}
template <typename T>
bool cas(gait_thread *thread, T **slot, std::common_type_t<T *> expected,
         std::common_type_t<T *> desired) {
  return gait_cas(thread, slot, expected, desired);
}

// [outside]
class Outside { // leaves managed code for a scope
public:
  explicit Outside(gait_thread *thread) : thread_(thread) { gait_thread_leave(thread_); }
  ~Outside() { gait_thread_enter(thread_); }
  Outside(const Outside &) = delete;
  Outside &operator=(const Outside &) = delete;

private:
  gait_thread *thread_;
};
// [end]

class Inside { // enters managed code for a scope, as a callback of foreign code does
public:
  explicit Inside(gait_thread *thread) : thread_(thread) { gait_thread_enter(thread_); }
  ~Inside() { gait_thread_leave(thread_); }
  Inside(const Inside &) = delete;
  Inside &operator=(const Inside &) = delete;

private:
  gait_thread *thread_;
};

// [root]
template <typename T> class Root { // keeps one object alive for a scope, on an exact thread as well
public:
  Root(gait_thread *thread, T *object) : thread_(thread), slot_(object) {
    gait_frame_push(thread_, &frame_, &slot_, 1);
  }
  ~Root() { gait_frame_pop(thread_, &frame_); }
  Root(const Root &) = delete;
  Root &operator=(const Root &) = delete;
  T *operator->() const { return get(); }
  T *get() const { return static_cast<T *>(slot_); }
  void set(T *object) { slot_ = object; }

private:
  gait_thread *thread_;
  gait_frame frame_;
  void *slot_;
};
// [end]

// Keeps one object alive from memory that is not on the heap.  It is empty where there was no
// memory for it, and is made, set and destroyed on an attached thread, which it is given each time.
template <typename T> class Handle {
public:
  Handle() = default;
  Handle(gait_thread *thread, T *object) : handle_(gait_handle_create(thread, object)) {}
  Handle(Handle &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;
  explicit operator bool() const { return handle_ != nullptr; }
  T *get() const { return handle_ ? static_cast<T *>(gait_handle_get(handle_)) : nullptr; }
  void set(gait_thread *thread, T *object) { gait_handle_set(thread, handle_, object); }
  void free(gait_thread *thread) {
    if (handle_) gait_handle_destroy(thread, std::exchange(handle_, nullptr));
  }

private:
  gait_handle *handle_ = nullptr;
};

// A function object that is called once when an object is gone, and may not throw then; or, where
// the cleanup is stopped, destroyed uncalled.  It goes its own way when this is destroyed.  Empty
// where there was no memory.
template <typename Function> class Cleanup {
public:
  Cleanup(gait_thread *thread, void *object, Function function)
      : function_(new (std::nothrow) Function(std::move(function))) {
    if (function_ && gait_cleanup_add(thread, object, call, function_, &cleanup_) != GAIT_OK)
      delete std::exchange(function_, nullptr);
  }
  Cleanup(const Cleanup &) = delete;
  Cleanup &operator=(const Cleanup &) = delete;
  explicit operator bool() const { return function_ != nullptr; }
  bool stop(gait_thread *thread) { // whether it will not be called
    if (!function_ || gait_cleanup_stop(thread, cleanup_) != GAIT_OK) return false;
    delete std::exchange(function_, nullptr);
    return true;
  }

private:
  static void call(void *arg) {
    std::unique_ptr<Function> function(static_cast<Function *>(arg));
    (*function)();
  }
  Function *function_;
  gait_cleanup cleanup_{};
};

} // namespace gait

#endif
