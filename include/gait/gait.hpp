// gait.hpp: what comes in pairs, or has a type, as classes and functions of C++17.
//
// A thin layer over gait.h, which it includes: everything there may be called as well.  No
// destructor of yours runs when an object is found dead, so types on the heap are trivially
// destructible.
#ifndef GAIT_GAIT_HPP
#define GAIT_GAIT_HPP

#include <cstddef>
#include <memory>
#include <cstdlib>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include "gait/ephemeron.h"
#include "gait/finalizer.h"
#include "gait/gait.h"
#include "gait/scope.h"
#include "gait/weak.h"

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

// ---- With exceptions ----
//
// These throw where a function of C has a result: gait::Error for a gait_result, std::bad_alloc for
// memory; a program without exceptions is ended.  Their destructors throw nothing, so an exception
// may leave any of their scopes.

class Error : public std::exception { // a gait_result that is not GAIT_OK
public:
  explicit Error(gait_result result) : result_(result) {}
  gait_result result() const { return result_; }
  const char *what() const noexcept override { return gait_result_text(result_); }

private:
  gait_result result_;
};

[[noreturn]] inline void fail(gait_result result) {
#if defined(__cpp_exceptions)
  if (result == GAIT_ERROR_MEMORY) throw std::bad_alloc();
  throw Error(result);
#else
  (void)result;
  std::abort();
#endif
}

inline void check(gait_result result) {
  if (result != GAIT_OK) fail(result);
}

class Heap { // creates a heap, and destroys it when no thread is attached any more
public:
  explicit Heap(const gait_options *options = nullptr) { check(gait_heap_create(options, &heap_)); }
  ~Heap() {
    if (gait_heap_destroy(heap_) != GAIT_OK) std::abort(); // a thread is still attached
  }
  Heap(const Heap &) = delete;
  Heap &operator=(const Heap &) = delete;
  operator gait_heap *() const { return heap_; }
  gait_kind kind(const gait_kind_info &info) const {
    gait_kind kind;
    check(gait_kind_register(heap_, &info, &kind));
    return kind;
  }

private:
  gait_heap *heap_ = nullptr;
};

// Makes `thread` the one with which Member and Local work, for a scope: the innermost of the OS
// thread.
class Current {
public:
  explicit Current(gait_thread *thread) : before_(thread_) { thread_ = thread; }
  ~Current() { thread_ = before_; }
  Current(const Current &) = delete;
  Current &operator=(const Current &) = delete;
  static gait_thread *thread() { return thread_; }

private:
  inline static thread_local gait_thread *thread_ = nullptr;
  gait_thread *before_;
};

class Thread { // attaches the thread for a scope, in which it is the current one
public:
  explicit Thread(gait_heap *heap, const char *name = nullptr,
                  gait_thread_roots roots = GAIT_STACK_EXACT)
      : thread_(attach(heap, name, roots)), current_(thread_) {}
  ~Thread() { gait_thread_detach(thread_); }
  Thread(const Thread &) = delete;
  Thread &operator=(const Thread &) = delete;
  operator gait_thread *() const { return thread_; }

private:
  static gait_thread *attach(gait_heap *heap, const char *name, gait_thread_roots roots) {
    gait_thread *thread = nullptr;
    check(gait_thread_attach(heap, name, roots, &thread));
    return thread;
  }
  gait_thread *thread_;
  Current current_;
};

// A reference in an object: an assignment goes through the barrier.  Its bit stands in the map of
// the object's kind.
template <typename T> class Member {
public:
  Member() = default;
  Member(T *object) { gait_store_init(Current::thread(), &object_, object); }
  Member(const Member &other) : Member(other.get()) {}
  Member &operator=(T *object) {
    gait_store(Current::thread(), &object_, object);
    return *this;
  }
  Member &operator=(const Member &other) { return *this = other.get(); }
  T *get() const { return gait::load(&object_); }
  operator T *() const { return get(); }
  T *operator->() const { return get(); }

private:
  T *object_ = nullptr;
};

// A weak reference to a T, an object of the heap: kept by a Root, a Member or a Local as any other.
template <typename T> class Weak {
public:
  Weak() = delete;
  static Weak *create(T *object) {
    gait_weak *weak = gait_weak_create(Current::thread(), object);
    if (!weak) fail(GAIT_ERROR_MEMORY);
    return reinterpret_cast<Weak *>(weak);
  }
  T *get() { return static_cast<T *>(gait_weak_get(Current::thread(), weak())); }
  void set(T *object) { gait_weak_set(Current::thread(), weak(), object); }

private:
  gait_weak *weak() { return reinterpret_cast<gait_weak *>(this); }
};

// A pair of a key and a value that the key keeps, an object of the heap, as a Weak is.
template <typename K, typename V> class Ephemeron {
public:
  Ephemeron() = delete;
  static Ephemeron *create(K *key, V *value) {
    gait_ephemeron *ephemeron = gait_ephemeron_new(Current::thread(), key, value);
    if (!ephemeron) fail(GAIT_ERROR_MEMORY);
    return reinterpret_cast<Ephemeron *>(ephemeron);
  }
  K *key() { return static_cast<K *>(gait_ephemeron_key(Current::thread(), ephemeron())); }
  V *value() { return static_cast<V *>(gait_ephemeron_value(Current::thread(), ephemeron())); }
  void set_value(V *value) { gait_ephemeron_set_value(Current::thread(), ephemeron(), value); }
  void clear() { gait_ephemeron_clear(Current::thread(), ephemeron()); }

private:
  gait_ephemeron *ephemeron() { return reinterpret_cast<gait_ephemeron *>(this); }
};

// A handle in the innermost scope of handles; good until that is closed.  A copy is the same one.
template <typename T> class Local {
public:
  explicit Local(T *object) : handle_(gait_scope_add(Current::thread(), object)) {
    if (!handle_) fail(GAIT_ERROR_MEMORY);
  }
  explicit Local(void **handle) : handle_(handle) {}
  void set(T *object) { *handle_ = object; }
  T *get() const { return static_cast<T *>(*handle_); }
  operator T *() const { return get(); }
  T *operator->() const { return get(); }

private:
  void **handle_;
};

class HandleScope { // a scope of handles on the current thread
public:
  HandleScope() : thread_(Current::thread()) { gait_scope_open(thread_, &scope_); }
  ~HandleScope() {
    if (thread_) gait_scope_close(thread_, &scope_);
  }
  HandleScope(const HandleScope &) = delete;
  HandleScope &operator=(const HandleScope &) = delete;
  // Closes the scope; the object has a handle in the one around it then.
  template <typename T> Local<T> escape(const Local<T> &local) {
    void **handle = gait_scope_escape(std::exchange(thread_, nullptr), &scope_, local.get());
    if (!handle) fail(GAIT_ERROR_MEMORY);
    return Local<T>(handle);
  }

private:
  gait_thread *thread_;
  gait_scope scope_;
};

// A registered root, for memory that is not on the heap; it stays where it is.
template <typename T> class Global {
public:
  explicit Global(gait_heap *heap, T *object = nullptr) : heap_(heap) {
    check(gait_roots_add(heap_, &object_, sizeof object_, GAIT_ROOTS_BARRIERED));
    if (object) set(object);
  }
  ~Global() { gait_roots_remove(heap_, &object_); }
  Global(const Global &) = delete;
  Global &operator=(const Global &) = delete;
  Global &operator=(T *object) {
    set(object);
    return *this;
  }
  void set(T *object) { gait_store(Current::thread(), &object_, static_cast<void *>(object)); }
  T *get() const { return static_cast<T *>(gait_load(&object_)); }
  operator T *() const { return get(); }
  T *operator->() const { return get(); }

private:
  gait_heap *heap_;
  void *object_ = nullptr;
};

// As make, with a constructor of Members: throws std::bad_alloc in place of nullptr.
template <typename T, typename... Arguments> T *create(gait_kind kind, Arguments &&...arguments) {
  T *object = make<T>(Current::thread(), kind, std::forward<Arguments>(arguments)...);
  if (!object) fail(GAIT_ERROR_MEMORY);
  return object;
}

} // namespace gait

#endif
