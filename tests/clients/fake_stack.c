/* fake_stack: a client under AddressSanitizer, which keeps its local variables in frames of its
 * own, apart from the stack (ASAN_OPTIONS=detect_stack_use_after_return=1).  An object that one of
 * them alone refers to is alive; without the reference it is dead, so nothing else keeps it. */
#include <gait/gait.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static gait_heap *heap;
static gait_thread *thread;

/* The compiler must not know what happens to the slots. */
__attribute__((noinline)) static void escape(void **slots) {
  __asm__ volatile("" : : "r"(slots) : "memory");
}

/* Returns the object's address in disguise; `slot` may be NULL. */
__attribute__((noinline)) static uintptr_t make(void **slot) {
  void *object = gait_alloc(thread, gait_kind_leaf(heap), 64);
  if (slot) *slot = object;
  return ~(uintptr_t)object;
}

__attribute__((noinline)) static void scrub(void) {
  volatile char below[32 * 1024];
  memset((void *)below, 0, sizeof below);
}

__attribute__((noinline)) static int is_alive(int held) {
  void *slots[8];
  memset(slots, 0, sizeof slots);
  escape(slots);
  uintptr_t object = make(held ? &slots[3] : NULL);
  escape(slots);
  for (int i = 0; i < 100; i++)
    make(NULL);
  scrub();
  gait_heap_collect(thread);
  int alive = gait_object_start(heap, (void *)~object) != NULL;
  escape(slots);
  return alive;
}

int main(void) {
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = GAIT_OFF;
  if (gait_heap_create(&options, &heap) ||
      gait_thread_attach(heap, NULL, GAIT_STACK_CONSERVATIVE, &thread))
    return 2;
  int held = is_alive(1), dropped = is_alive(0);
  printf("held: %s, dropped: %s\n", held ? "alive" : "dead", dropped ? "alive" : "dead");
  return held && !dropped ? 0 : 1;
}
