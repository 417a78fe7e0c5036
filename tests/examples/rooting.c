/* Roots of every sort. */
#include <gait/gait.h>
#include <gait/scope.h>
#include <gait/tune.h>
#include <stdlib.h>

/* [exact frame] */
static void *list_of_three(gait_thread *thread, gait_kind kind) {
  void *slots[2] = {NULL, NULL}; /* the references that this function holds across allocations */
  gait_frame frame;
  gait_frame_push(thread, &frame, slots, 2);
  for (int i = 0; i < 3; i++) {
    void **link = slots[1] = gait_alloc(thread, kind, 16);
    if (!link) break;
    gait_store_init(thread, link, slots[0]);
    slots[0] = link;
  }
  gait_frame_pop(thread, &frame);
  return slots[0]; /* the caller puts it into a frame of its own before the next safepoint */
}
/* [end] */

/* [handle] */
struct window { /* malloc'd, not on the heap */
  gait_handle *title;
};

static gait_result window_open(gait_thread *thread, struct window *window, void *title) {
  window->title = gait_handle_create(thread, title);
  return window->title ? GAIT_OK : GAIT_ERROR_MEMORY;
}

static void window_close(gait_thread *thread, struct window *window) {
  gait_handle_destroy(thread, window->title);
}
/* [end] */

/* [global slots] */
static void *globals[16];

static gait_result globals_init(gait_heap *heap) {
  return gait_roots_add(heap, globals, sizeof globals, GAIT_ROOTS_BARRIERED);
}

static void globals_set(gait_thread *thread, size_t index, void *object) {
  gait_store(thread, &globals[index], object); /* never globals[index] = object */
}
/* [end] */

/* [foreign slots] */
struct foreign { /* of a library that stores plainly */
  void *user_data;
};
static struct foreign foreign;

static gait_result foreign_init(gait_heap *heap) {
  return gait_roots_add(heap, &foreign.user_data, sizeof foreign.user_data, GAIT_ROOTS_UNBARRIERED);
}
/* [end] */

/* [callback] */
struct registry {
  size_t count;
  void **objects;
};

static void registry_trace(gait_tracer *tracer, void *arg) {
  struct registry *registry = arg;
  gait_trace_range(tracer, registry->objects, registry->count * sizeof(void *));
}

static gait_result registry_init(gait_heap *heap, struct registry *registry) {
  return gait_roots_add_callback(heap, registry_trace, registry, GAIT_ROOTS_BARRIERED);
}
/* [end] */

static void require(int holds) {
  if (!holds) abort();
}

/* [scope] */
static void **tree_new(gait_thread *thread, gait_kind kind, int depth) {
  gait_scope scope;
  gait_scope_open(thread, &scope);
  void **left = depth > 0 ? tree_new(thread, kind, depth - 1) : NULL;
  void **right = depth > 0 ? tree_new(thread, kind, depth - 1) : NULL;
  void **tree = gait_alloc(thread, kind, 16); /* a safepoint: the scope keeps both */
  if (tree && left) gait_store_init(thread, &tree[0], *left);
  if (tree && right) gait_store_init(thread, &tree[1], *right);
  return gait_scope_escape(thread, &scope, tree); /* a handle in the caller's scope */
}
/* [end] */

int main(void) {
  gait_heap *heap;
  gait_thread *thread;
  static void *entries[4];
  struct registry registry = {4, entries};
  struct window window;
  if (gait_heap_create(NULL, &heap) || globals_init(heap) || foreign_init(heap) ||
      registry_init(heap, &registry) || gait_thread_attach(heap, NULL, GAIT_STACK_EXACT, &thread))
    return 1;
  gait_kind any = gait_kind_conservative(heap);
  globals_set(thread, 3, list_of_three(thread, any));
  foreign.user_data = list_of_three(thread, any);
  gait_store(thread, &entries[2], list_of_three(thread, any));
  require(window_open(thread, &window, list_of_three(thread, any)) == GAIT_OK);
  require(gait_heap_collect(thread) == GAIT_OK);
  gait_cycle_record record;
  require(gait_records_read(heap, 1, &record, 1) == 1 && record.marked_objects == 4 * 3);
  window_close(thread, &window);
  require(gait_heap_collect(thread) == GAIT_OK);
  require(gait_records_read(heap, 2, &record, 1) == 1 && record.marked_objects == 3 * 3);
  gait_scope scope;
  gait_scope_open(thread, &scope);
  require(tree_new(thread, any, 5) != NULL);
  require(gait_heap_collect(thread) == GAIT_OK);
  require(gait_records_read(heap, 3, &record, 1) == 1 && record.marked_objects == 3 * 3 + 63);
  gait_scope_close(thread, &scope);
  return gait_thread_detach(thread) || gait_heap_destroy(heap);
}
