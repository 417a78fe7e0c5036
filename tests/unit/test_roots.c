/* Roots: stacks, registers, frames, handles, slots and callbacks. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random.h"

const char *const unit_suite_name = "roots";

/* ---- Conservative stacks ---- */

/* Makes an object and returns its address hidden, with nothing of it left on the stack. */
static __attribute__((noinline)) uintptr_t roots_make_hidden(unit_world *world, unsigned tag) {
  return unit_hide(unit_tagged_leaf(world, tag));
}

START_TEST(a_conservative_stack_keeps_the_objects_that_it_names) {
  void *volatile local = unit_find(roots_make_hidden(&unit, 0));
  char *volatile inside = (char *)unit_find(roots_make_hidden(&unit, 1)) + 17;
  void *volatile array[3] = {NULL, unit_find(roots_make_hidden(&unit, 2)), NULL};
  const uint64_t alive = unit_alive(&unit);
  ck_assert_uint_eq(alive & 7, 7);
  ck_assert_ptr_nonnull(local);
  ck_assert_ptr_nonnull(inside);
  ck_assert_ptr_nonnull(array[1]);
}
END_TEST

static __attribute__((noinline)) void roots_make_garbage(unit_world *world, int depth) {
  volatile char pad[256];
  pad[0] = (char)depth;
  if (depth > 0) {
    roots_make_garbage(world, depth - 1);
    return;
  }
  for (unsigned tag = 0; tag < 16; tag++)
    roots_make_hidden(world, tag);
  pad[1] = pad[0];
}

START_TEST(a_conservative_stack_forgets_calls_that_returned) {
  roots_make_garbage(&unit, 30);
  unit_scrub_stack();
  /* The newest one or two may still lie in a register: that is what conservative means. */
  ck_assert_int_le(__builtin_popcountll(unit_alive(&unit)), 2);
}
END_TEST

struct roots_meeting {
  unit_world *world;
  uint64_t alive;
  bool collected;
};

/* Collects from a thread of its own while the test's thread is outside. */
static void *roots_collect_elsewhere(void *arg) {
  struct roots_meeting *meeting = arg;
  gait_thread *thread = NULL;
  gait_heap *heap = meeting->world->heap;
  UNIT_CHECK(gait_thread_attach(heap, "collects", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  UNIT_CHECK(gait_heap_collect(thread) == GAIT_OK);
  meeting->alive = unit_stats(heap).external_bytes;
  meeting->collected = true;
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

static void *roots_collect_outside(void *arg) {
  pthread_t thread;
  UNIT_CHECK(pthread_create(&thread, NULL, roots_collect_elsewhere, arg) == 0);
  UNIT_CHECK(pthread_join(thread, NULL) == 0);
  return NULL;
}

START_TEST(a_stack_outside_managed_code_is_a_root) {
  struct roots_meeting meeting = {.world = &unit};
  void *volatile local = unit_find(roots_make_hidden(&unit, 0));
  gait_thread_outside(unit.thread, roots_collect_outside, &meeting);
  ck_assert(meeting.collected);
  ck_assert_uint_eq(meeting.alive & 1, 1);
  meeting.alive = 0;
  gait_thread_leave(unit.thread);
  roots_collect_outside(&meeting);
  gait_thread_enter(unit.thread);
  ck_assert_uint_eq(meeting.alive & 1, 1);
  ck_assert_ptr_nonnull(local);
}
END_TEST

#if defined(__x86_64__)
/* Calls gait_thread_outside(thread, function, arg) while five callee-saved registers alone name the
 * five objects whose hidden addresses are in `hidden`. */
static __attribute__((noinline)) void roots_call_with_registers(gait_thread *thread,
                                                                void *(*function)(void *),
                                                                void *arg,
                                                                const uintptr_t *hidden) {
  void *(*outside)(gait_thread *, void *(*)(void *), void *) = gait_thread_outside;
  __asm__ volatile("movq %[hidden], %%rax\n\t"
                   "movq (%%rax), %%rbx\n\t"
                   "movq 8(%%rax), %%r12\n\t"
                   "movq 16(%%rax), %%r13\n\t"
                   "movq 24(%%rax), %%r14\n\t"
                   "movq 32(%%rax), %%r15\n\t"
                   "notq %%rbx\n\t"
                   "notq %%r12\n\t"
                   "notq %%r13\n\t"
                   "notq %%r14\n\t"
                   "notq %%r15\n\t"
                   "movq %%rsp, %%rax\n\t"
                   "subq $256, %%rsp\n\t" /* beyond the red zone */
                   "andq $-16, %%rsp\n\t"
                   "pushq %%rax\n\t"
                   "pushq %%rax\n\t"
                   "call *%[outside]\n\t"
                   "popq %%rax\n\t"
                   "popq %%rax\n\t"
                   "movq %%rax, %%rsp\n\t"
                   "xorl %%ebx, %%ebx\n\t"
                   "xorl %%r12d, %%r12d\n\t"
                   "xorl %%r13d, %%r13d\n\t"
                   "xorl %%r14d, %%r14d\n\t"
                   "xorl %%r15d, %%r15d\n\t"
                   : "+D"(thread), "+S"(function),
                     "+d"(arg), [outside] "+c"(outside), [hidden] "+r"(hidden)
                   :
                   : "rax", "rbx", "r12", "r13", "r14", "r15", "r9", "r10", "r11", "cc", "memory",
                     "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                     "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

START_TEST(registers_are_roots_outside) {
  uintptr_t hidden[5];
  for (unsigned i = 0; i < 5; i++)
    hidden[i] = roots_make_hidden(&unit, i);
  unit_scrub_stack();
  struct roots_meeting meeting = {.world = &unit};
  roots_call_with_registers(unit.thread, roots_collect_outside, &meeting, hidden);
  ck_assert_uint_eq(meeting.alive, 31);
}
END_TEST
#endif

/* ---- Exact frames ---- */

START_TEST(an_exact_thread_has_no_words_scanned) {
  void *volatile local = unit_tagged_leaf(&unit, 0);
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_ptr_nonnull(local);
}
END_TEST

static void roots_nest(unit_world *world, unsigned depth) {
  void *slots[2] = {unit_tagged_leaf(world, depth), NULL};
  gait_frame frame;
  gait_frame_push(world->thread, &frame, slots, 2);
  if (depth < 10) roots_nest(world, depth + 1);
  ck_assert_uint_eq(unit_alive(world), UNIT_TAG(depth + 1) - 1);
  slots[1] = slots[0];
  slots[0] = NULL;
  ck_assert_uint_eq(unit_alive(world), UNIT_TAG(depth + 1) - 1);
  gait_frame_pop(world->thread, &frame);
}

START_TEST(exact_frames_nest) {
  roots_nest(&unit, 0);
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

struct roots_stack {
  void *slots[8];
  size_t top;
  uint64_t asked;
};

static size_t roots_stack_top(void *arg) {
  struct roots_stack *stack = arg;
  stack->asked++;
  return stack->top;
}

/* Slots above the top keep nothing, within managed code and outside, nor below another frame. */
START_TEST(a_sized_frame_has_as_many_slots_as_are_in_use) {
  struct roots_stack stack = {.top = 0};
  gait_sized_frame sized;
  gait_frame frame;
  gait_frame_push_sized(unit.thread, &sized, stack.slots, 8, roots_stack_top, &stack);
  for (unsigned i = 0; i < 8; i++) {
    stack.slots[i] = unit_tagged_leaf(&unit, i);
    stack.top = i + 1;
  }
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(8) - 1);
  stack.top = 5;
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(5) - 1);
  void *slot[1] = {unit_tagged_leaf(&unit, 10)};
  gait_frame_push(unit.thread, &frame, slot, 1);
  stack.top = 2;
  struct roots_meeting meeting = {.world = &unit};
  gait_thread_outside(unit.thread, roots_collect_outside, &meeting);
  ck_assert_uint_eq(meeting.alive, (UNIT_TAG(2) - 1) | UNIT_TAG(10));
  gait_frame_pop(unit.thread, &frame);
  stack.top = 0;
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_uint_gt(stack.asked, 0);
  gait_frame_pop(unit.thread, &sized.frame);
  stack.asked = 0;
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_uint_eq(stack.asked, 0);
}
END_TEST

/* A stack that grows and shrinks while cycles run, as an interpreter's does. */
START_TEST(a_sized_frame_loses_nothing_during_cycles) {
  struct roots_stack stack = {.top = 0};
  gait_sized_frame sized;
  gait_frame_push_sized(unit.thread, &sized, stack.slots, 8, roots_stack_top, &stack);
  unit_collector collector;
  unit_collector_start(&collector, unit.heap);
  const uint64_t cycles = unit_stats(unit.heap).cycles + 60;
  uint64_t random = 1;
  for (uint64_t round = 0; unit_stats(unit.heap).cycles < cycles; round++) {
    if (stack.top < 8 && random_next(&random) % 2) {
      uint64_t *leaf = gait_alloc(unit.thread, unit.leaf, 16 + round % 256);
      leaf[0] = stack.top;
      leaf[1] = ~stack.top;
      stack.slots[stack.top++] = leaf;
    } else if (stack.top > 0) {
      const uint64_t *leaf = stack.slots[--stack.top];
      UNIT_CHECK(leaf[0] == stack.top && leaf[1] == ~stack.top);
    }
    gait_thread_poll(unit.thread);
  }
  unit_collector_stop(&collector, unit.thread);
  gait_frame_pop(unit.thread, &sized.frame);
}
END_TEST

START_TEST(a_conservative_thread_may_have_frames) {
  void **far = calloc(2, sizeof *far); /* a frame whose slots are not on the stack */
  gait_frame frame;
  far[1] = unit_find(roots_make_hidden(&unit, 0));
  gait_frame_push(unit.thread, &frame, far, 2);
  unit_scrub_stack();
  ck_assert_uint_eq(unit_alive(&unit) & 1, 1);
  struct roots_meeting meeting = {.world = &unit};
  gait_thread_outside(unit.thread, roots_collect_outside, &meeting);
  ck_assert_uint_eq(meeting.alive & 1, 1);
  gait_frame_pop(unit.thread, &frame);
  free(far);
}
END_TEST

/* ---- Handles ---- */

START_TEST(a_handle_keeps_one_object) {
  gait_handle *handle = gait_handle_create(unit.thread, unit_tagged_leaf(&unit, 0));
  gait_handle *empty = gait_handle_create(unit.thread, NULL);
  ck_assert_ptr_nonnull(handle);
  ck_assert_ptr_nonnull(empty);
  ck_assert_ptr_null(gait_handle_get(empty));
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(0));
  void *second = unit_tagged_leaf(&unit, 1);
  gait_handle_set(unit.thread, handle, second);
  ck_assert_ptr_eq(gait_handle_get(handle), second);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1));
  gait_handle_set(unit.thread, empty, gait_handle_get(handle));
  gait_handle_destroy(unit.thread, handle);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(1));
  gait_handle_set(unit.thread, empty, NULL);
  ck_assert_uint_eq(unit_alive(&unit), 0);
  gait_handle_destroy(unit.thread, empty);
}
END_TEST

START_TEST(many_handles_come_and_go) {
  enum { COUNT = 50000 };
  gait_handle **handles = calloc(COUNT, sizeof *handles);
  for (size_t i = 0; i < COUNT; i++) {
    void **object = gait_alloc(unit.thread, unit.leaf, 16);
    object[0] = (void *)i;
    handles[i] = gait_handle_create(unit.thread, object);
    UNIT_CHECK(handles[i] != NULL);
  }
  ck_assert_uint_eq(unit_marked_objects(&unit), COUNT);
  for (size_t i = 0; i < COUNT; i += 2)
    gait_handle_destroy(unit.thread, handles[i]);
  ck_assert_uint_eq(unit_marked_objects(&unit), COUNT / 2);
  for (size_t i = 0; i < COUNT; i += 4)
    handles[i] = gait_handle_create(unit.thread, gait_handle_get(handles[i + 1]));
  ck_assert_uint_eq(unit_marked_objects(&unit), COUNT / 2);
  for (size_t i = 1; i < COUNT; i += 2) {
    UNIT_CHECK(*(void **)gait_handle_get(handles[i]) == (void *)i);
    gait_handle_destroy(unit.thread, handles[i]);
  }
  ck_assert_uint_eq(unit_marked_objects(&unit), COUNT / 4);
  for (size_t i = 0; i < COUNT; i += 4)
    gait_handle_destroy(unit.thread, handles[i]);
  ck_assert_uint_eq(unit_marked_objects(&unit), 0);
  free(handles);
}
END_TEST

struct roots_errand {
  gait_heap *heap;
  gait_handle *handle;
};

static void *roots_free_elsewhere(void *arg) {
  struct roots_errand *errand = arg;
  gait_thread *thread = NULL;
  UNIT_CHECK(gait_thread_attach(errand->heap, NULL, GAIT_STACK_EXACT, &thread) == GAIT_OK);
  void *object = gait_handle_get(errand->handle);
  gait_handle_destroy(thread, errand->handle);
  errand->handle = gait_handle_create(thread, object);
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

START_TEST(handles_belong_to_no_thread) {
  struct roots_errand errand = {unit.heap,
                                gait_handle_create(unit.thread, unit_tagged_leaf(&unit, 5))};
  unit_on_thread(unit.thread, roots_free_elsewhere, &errand);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(5));
  gait_handle_destroy(unit.thread, errand.handle);
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

/* ---- Slots ---- */

START_TEST(barriered_slots_are_roots_until_removed) {
  static void *slots[20];
  memset(slots, 0, sizeof slots);
  ck_assert_int_eq(gait_roots_add(unit.heap, slots, sizeof slots, GAIT_ROOTS_BARRIERED), GAIT_OK);
  for (unsigned i = 0; i < 20; i++)
    gait_store(unit.thread, &slots[i], unit_tagged_leaf(&unit, i));
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(20) - 1);
  ck_assert_uint_eq(unit_last_record(unit.heap).stopped_ns == 0, _i == UNIT_CONCURRENT);
  gait_store(unit.thread, &slots[7], (void *)(uintptr_t)77);
  gait_store(unit.thread, &slots[8], &unit);
  ck_assert_uint_eq(unit_alive(&unit), (UNIT_TAG(20) - 1) & ~UINT64_C(0x180));
  ck_assert_int_eq(gait_roots_remove(unit.heap, slots), GAIT_OK);
  ck_assert_uint_eq(unit_alive(&unit), 0);
}
END_TEST

START_TEST(unbarriered_slots_are_stored_to_plainly) {
  static void *volatile slots[20];
  ck_assert_int_eq(gait_roots_add(unit.heap, (void *)slots, sizeof slots, GAIT_ROOTS_UNBARRIERED),
                   GAIT_OK);
  for (unsigned i = 0; i < 20; i++)
    slots[i] = unit_tagged_leaf(&unit, i);
  ck_assert_uint_eq(unit_alive(&unit), UNIT_TAG(20) - 1);
  ck_assert_uint_gt(unit_last_record(unit.heap).stopped_ns, 0);
  slots[3] = NULL;
  ck_assert_uint_eq(unit_alive(&unit), (UNIT_TAG(20) - 1) & ~UINT64_C(8));
  ck_assert_int_eq(gait_roots_remove(unit.heap, (void *)slots), GAIT_OK);
  ck_assert_uint_eq(unit_alive(&unit), 0);
  ck_assert_uint_eq(unit_last_record(unit.heap).stopped_ns == 0, _i == UNIT_CONCURRENT);
}
END_TEST

START_TEST(ranges_of_roots_are_added_once_and_removed_once) {
  static void *slots[4];
  gait_heap *heap = unit.heap;
  ck_assert_int_eq(gait_roots_remove(heap, slots), GAIT_ERROR_NOT_FOUND);
  ck_assert_int_eq(gait_roots_add(heap, slots, sizeof slots, GAIT_ROOTS_BARRIERED), GAIT_OK);
  ck_assert_int_eq(gait_roots_add(heap, slots, 8, GAIT_ROOTS_BARRIERED), GAIT_ERROR_ALREADY);
  ck_assert_int_eq(gait_roots_add(heap, slots, 8, GAIT_ROOTS_UNBARRIERED), GAIT_ERROR_ALREADY);
  ck_assert_int_eq(gait_roots_remove(heap, &slots[1]), GAIT_ERROR_NOT_FOUND);
  ck_assert_int_eq(gait_roots_remove(heap, slots), GAIT_OK);
  ck_assert_int_eq(gait_roots_remove(heap, slots), GAIT_ERROR_NOT_FOUND);
  ck_assert_int_eq(gait_roots_add(heap, NULL, 8, GAIT_ROOTS_BARRIERED), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_roots_add(heap, slots, 0, GAIT_ROOTS_BARRIERED), GAIT_ERROR_ARGUMENT);
  ck_assert_int_eq(gait_roots_add_callback(heap, NULL, NULL, GAIT_ROOTS_BARRIERED),
                   GAIT_ERROR_ARGUMENT);
}
END_TEST

START_TEST(many_and_large_ranges_of_roots) {
  enum { RANGES = 2000, LARGE = 200000 };
  void ***ranges = calloc(RANGES, sizeof *ranges);
  void **large = calloc(LARGE, sizeof *large);
  ck_assert_int_eq(gait_roots_add(unit.heap, large, LARGE * sizeof *large, GAIT_ROOTS_BARRIERED),
                   GAIT_OK);
  for (size_t i = 0; i < LARGE; i++)
    gait_store(unit.thread, &large[i], gait_alloc(unit.thread, unit.leaf, 16));
  for (size_t i = 0; i < RANGES; i++) {
    ranges[i] = calloc(2, sizeof(void *));
    UNIT_CHECK(gait_roots_add(unit.heap, ranges[i], 16,
                              i % 2 ? GAIT_ROOTS_BARRIERED : GAIT_ROOTS_UNBARRIERED) == GAIT_OK);
    gait_store(unit.thread, &ranges[i][1], gait_alloc(unit.thread, unit.leaf, 16));
  }
  ck_assert_uint_eq(unit_marked_objects(&unit), RANGES + LARGE);
  ck_assert_uint_ge(unit_last_record(unit.heap).root_bytes, 8 * (LARGE + 2 * RANGES));
  for (size_t i = 0; i < RANGES; i++) {
    void **range = ranges[i * 7919 % RANGES];
    UNIT_CHECK(gait_roots_add(unit.heap, range, 16, GAIT_ROOTS_BARRIERED) == GAIT_ERROR_ALREADY);
    UNIT_CHECK(gait_roots_remove(unit.heap, range) == GAIT_OK);
    UNIT_CHECK(gait_roots_remove(unit.heap, range) == GAIT_ERROR_NOT_FOUND);
    free(range);
  }
  ck_assert_uint_eq(unit_marked_objects(&unit), LARGE);
  ck_assert_int_eq(gait_roots_remove(unit.heap, large), GAIT_OK);
  ck_assert_uint_eq(unit_marked_objects(&unit), 0);
  free(ranges), free(large);
}
END_TEST

/* ---- Callbacks ---- */

static void roots_trace_table(gait_tracer *tracer, void *arg) {
  void **table = arg;
  gait_trace_slot(tracer, &table[1]);
  gait_trace_range(tracer, &table[2], 2 * sizeof(void *));
}

START_TEST(root_callbacks_trace_roots) {
  static const gait_roots_discipline disciplines[] = {GAIT_ROOTS_BARRIERED, GAIT_ROOTS_UNBARRIERED};
  for (size_t d = 0; d < 2; d++) {
    void *one[5] = {0}, *two[5] = {0};
    gait_heap *heap = unit.heap;
    ck_assert_int_eq(gait_roots_add_callback(heap, roots_trace_table, one, disciplines[d]),
                     GAIT_OK);
    ck_assert_int_eq(gait_roots_add_callback(heap, roots_trace_table, two, disciplines[d]),
                     GAIT_OK);
    ck_assert_int_eq(gait_roots_add_callback(heap, roots_trace_table, two, disciplines[d]),
                     GAIT_ERROR_ALREADY);
    for (unsigned i = 0; i < 5; i++) {
      gait_store(unit.thread, &one[i], unit_tagged_leaf(&unit, i));
      gait_store(unit.thread, &two[i], unit_tagged_leaf(&unit, 5 + i));
    }
    ck_assert_uint_eq(unit_alive(&unit), 0x0e | 0x0e << 5);
    ck_assert_uint_eq(unit_last_record(heap).stopped_ns > 0, d == 1 || _i != UNIT_CONCURRENT);
    ck_assert_int_eq(gait_roots_remove_callback(heap, roots_trace_table, &unit),
                     GAIT_ERROR_NOT_FOUND);
    ck_assert_int_eq(gait_roots_remove_callback(heap, roots_trace_table, one), GAIT_OK);
    ck_assert_uint_eq(unit_alive(&unit), 0x0e << 5);
    ck_assert_int_eq(gait_roots_remove_callback(heap, roots_trace_table, one),
                     GAIT_ERROR_NOT_FOUND);
    ck_assert_int_eq(gait_roots_remove_callback(heap, roots_trace_table, two), GAIT_OK);
    ck_assert_uint_eq(unit_alive(&unit), 0);
  }
}
END_TEST

/* ---- Roots against a running collector ---- */

/* Passes one object round between a plain root, a field and a frame while cycles run: at every
 * moment one of them has it, and each time only one. */
START_TEST(an_unbarriered_root_hides_nothing) {
  static void *volatile plain;
  plain = NULL;
  ck_assert_int_eq(gait_roots_add(unit.heap, (void *)&plain, sizeof plain, GAIT_ROOTS_UNBARRIERED),
                   GAIT_OK);
  void **holder = gait_alloc(unit.thread, unit.references, 64);
  unit.slots[0] = holder;
  unit_collector collector;
  unit_collector_start(&collector, unit.heap);
  const uint64_t cycles = unit_stats(unit.heap).cycles + 100;
  for (uint64_t round = 0; unit_stats(unit.heap).cycles < cycles; round++) {
    uint64_t *leaf = gait_alloc(unit.thread, unit.leaf, 16 + round % 256);
    leaf[0] = round;
    leaf[1] = ~round;
    unit.slots[1] = leaf;
    gait_thread_poll(unit.thread);
    plain = unit.slots[1];
    unit.slots[1] = NULL;
    gait_thread_poll(unit.thread);
    gait_store(unit.thread, &holder[round % 8], plain);
    plain = NULL;
    gait_thread_poll(unit.thread);
    plain = gait_load(&holder[round % 8]);
    gait_store(unit.thread, &holder[round % 8], NULL);
    gait_thread_poll(unit.thread);
    const uint64_t *back = plain;
    UNIT_CHECK(back[0] == round && back[1] == ~round);
  }
  unit_collector_stop(&collector, unit.thread);
}
END_TEST

static void *roots_removed_while_marking;
static gait_heap *roots_heap;

static void *roots_remove_from(void *start) {
  UNIT_CHECK(gait_roots_remove(roots_heap, start) == GAIT_OK);
  return NULL;
}

/* Runs while marking, and has another thread remove the range. */
static void roots_remove_once(gait_tracer *tracer, void *arg) {
  (void)tracer, (void)arg;
  pthread_t remover;
  if (!roots_removed_while_marking) return;
  UNIT_CHECK(pthread_create(&remover, NULL, roots_remove_from, roots_removed_while_marking) == 0);
  pthread_join(remover, NULL);
  roots_removed_while_marking = NULL;
}

/* What plain stores hid in the root may be on a stack by now, so the threads are held though no
 * unbarriered root is left. */
START_TEST(an_unbarriered_root_removed_while_marking_still_holds) {
  static void *plain[2];
  roots_heap = unit.heap;
  ck_assert_int_eq(gait_roots_add(unit.heap, plain, sizeof plain, GAIT_ROOTS_UNBARRIERED), GAIT_OK);
  ck_assert_int_eq(
      gait_roots_add_callback(unit.heap, roots_remove_once, NULL, GAIT_ROOTS_BARRIERED), GAIT_OK);
  roots_removed_while_marking = plain;
  unit_alive(&unit);
  ck_assert_ptr_null(roots_removed_while_marking);
  ck_assert_int_eq(gait_roots_remove(unit.heap, plain), GAIT_ERROR_NOT_FOUND);
  ck_assert_uint_gt(unit_last_record(unit.heap).stopped_ns, 0);
  unit_alive(&unit);
  ck_assert_uint_eq(unit_last_record(unit.heap).stopped_ns == 0, _i == UNIT_CONCURRENT);
}
END_TEST

START_TEST(ranges_of_roots_come_and_go_during_cycles) {
  unit_collector collector;
  unit_collector_start(&collector, unit.heap);
  const uint64_t cycles = unit_stats(unit.heap).cycles + 60;
  for (uint64_t round = 0; unit_stats(unit.heap).cycles < cycles; round++) {
    void **range = calloc(64, sizeof *range);
    /* Stored before it is a root, so kept by the frame until it is one. */
    uint64_t *leaf = gait_alloc(unit.thread, unit.leaf, 64);
    *leaf = round;
    unit.slots[0] = leaf;
    UNIT_CHECK(gait_roots_add(unit.heap, range, 64 * sizeof *range, GAIT_ROOTS_BARRIERED) ==
               GAIT_OK);
    gait_store(unit.thread, &range[round % 64], leaf);
    unit.slots[0] = NULL;
    for (unsigned i = 0; i < 50; i++) {
      gait_thread_poll(unit.thread);
      UNIT_CHECK(gait_alloc(unit.thread, unit.references, 128) != NULL);
    }
    UNIT_CHECK(*(uint64_t *)range[round % 64] == round);
    UNIT_CHECK(gait_roots_remove(unit.heap, range) == GAIT_OK);
    free(range);
  }
  unit_collector_stop(&collector, unit.thread);
}
END_TEST

/* Takes an object out of a range into a frame that may have been scanned, then removes the range,
 * which may not: the object must stay. */
START_TEST(removing_a_range_of_roots_hides_nothing) {
  unit_world world;
  gait_options options = unit_options(_i);
  if (_i == UNIT_SHRUNKEN) options.debug.delay_us = 200;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  unit_collector collector;
  unit_collector_start(&collector, world.heap);
  const uint64_t cycles = unit_stats(world.heap).cycles + 100;
  for (uint64_t round = 0; unit_stats(world.heap).cycles < cycles; round++) {
    void **range = calloc(4, sizeof *range);
    if (round % 2)
      UNIT_CHECK(gait_roots_add(world.heap, range, 32, GAIT_ROOTS_BARRIERED) == GAIT_OK);
    else
      UNIT_CHECK(gait_roots_add_callback(world.heap, roots_trace_table, range,
                                         GAIT_ROOTS_BARRIERED) == GAIT_OK);
    uint64_t *leaf = gait_alloc(world.thread, world.leaf, 64);
    leaf[0] = round, leaf[7] = ~round;
    gait_store(world.thread, &range[2], leaf);
    for (unsigned i = 0; i < round % 200; i++)
      gait_thread_poll(world.thread);
    world.slots[0] = gait_load(&range[2]);
    if (round % 2)
      UNIT_CHECK(gait_roots_remove(world.heap, range) == GAIT_OK);
    else
      UNIT_CHECK(gait_roots_remove_callback(world.heap, roots_trace_table, range) == GAIT_OK);
    free(range);
    for (unsigned i = 0; i < 1000; i++) {
      gait_thread_poll(world.thread);
      UNIT_CHECK(gait_alloc(world.thread, world.leaf, 64) != NULL);
    }
    leaf = world.slots[0];
    UNIT_CHECK(leaf[0] == round && leaf[7] == ~round);
  }
  unit_collector_stop(&collector, world.thread);
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  const unit_worlds stack = unit_world_cases(suite, "stack", &unit_conservative);
  UNIT_WORLD_TEST(stack, a_conservative_stack_keeps_the_objects_that_it_names);
  UNIT_WORLD_TEST(stack, a_conservative_stack_forgets_calls_that_returned);
  UNIT_WORLD_TEST(stack, a_stack_outside_managed_code_is_a_root);
#if defined(__x86_64__)
  UNIT_WORLD_TEST(stack, registers_are_roots_outside);
#endif
  const unit_worlds frames = unit_world_cases(suite, "frames", &unit_exact);
  const unit_worlds both = unit_world_cases(suite, "frames", &unit_conservative);
  UNIT_WORLD_TEST(frames, an_exact_thread_has_no_words_scanned);
  UNIT_WORLD_TEST(frames, exact_frames_nest);
  UNIT_WORLD_TEST(frames, a_sized_frame_has_as_many_slots_as_are_in_use);
  UNIT_WORLD_TEST(both, a_conservative_thread_may_have_frames);
  const unit_worlds handles = unit_world_cases(suite, "handles", &unit_exact);
  UNIT_WORLD_TEST(handles, a_handle_keeps_one_object);
  UNIT_WORLD_TEST(handles, many_handles_come_and_go);
  UNIT_WORLD_TEST(handles, handles_belong_to_no_thread);
  const unit_worlds slots = unit_world_cases(suite, "slots", &unit_exact);
  UNIT_WORLD_TEST(slots, barriered_slots_are_roots_until_removed);
  UNIT_WORLD_TEST(slots, unbarriered_slots_are_stored_to_plainly);
  UNIT_WORLD_TEST(slots, ranges_of_roots_are_added_once_and_removed_once);
  UNIT_WORLD_TEST(slots, many_and_large_ranges_of_roots);
  UNIT_WORLD_TEST(slots, root_callbacks_trace_roots);
  TCase *races = unit_case(suite, "races");
  const unit_worlds races_worlds = unit_world_cases(suite, "races", &unit_exact);
  UNIT_WORLD_TEST(races_worlds, an_unbarriered_root_hides_nothing);
  UNIT_WORLD_TEST(races_worlds, an_unbarriered_root_removed_while_marking_still_holds);
  UNIT_WORLD_TEST(races_worlds, a_sized_frame_loses_nothing_during_cycles);
  UNIT_WORLD_TEST(races_worlds, ranges_of_roots_come_and_go_during_cycles);
  UNIT_TEST(races, removing_a_range_of_roots_hides_nothing);
}
