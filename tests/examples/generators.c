/* Generators on fibers: each has a stack of its own, which the collector knows. */
#include <gait/fiber.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

/* [generator] */
struct generator {
  ucontext_t own, caller;
  gait_fiber *fiber;
  gait_thread *thread; /* that runs it now */
  void (*body)(struct generator *generator);
  char *stack;
  bool over;
};

static void swap_in(void *arg) {
  struct generator *generator = arg;
  swapcontext(&generator->caller, &generator->own);
}

static void swap_out(void *arg) {
  struct generator *generator = arg;
  swapcontext(&generator->own, &generator->caller);
}

/* The next object of the generator, or NULL at its end. */
static void *generator_next(gait_thread *thread, struct generator *generator) {
  if (generator->over) return NULL;
  generator->thread = thread;
  gait_fiber_switch(thread, generator->fiber, swap_in, generator);
  return gait_fiber_value(generator->fiber);
}

/* In the body of a generator: hands an object to the caller of generator_next. */
static void generator_yield(struct generator *generator, void *object) {
  gait_fiber_set_value(generator->thread, generator->fiber, object);
  generator->thread = gait_fiber_switch(generator->thread, NULL, swap_out, generator);
}

static void generator_main(unsigned high, unsigned low) {
  struct generator *generator = (struct generator *)((uintptr_t)high << 32 | low);
  generator->body(generator);
  generator->over = true;
  gait_fiber_set_value(generator->thread, generator->fiber, NULL);
  gait_fiber_finish(generator->thread, NULL, swap_out, generator);
}
/* [end] */

/* [make] */
#define STACK_BYTES ((size_t)256 << 10)

static bool generator_make(gait_thread *thread, struct generator *generator,
                           void (*body)(struct generator *), void *argument) {
  uintptr_t word = (uintptr_t)generator;
  generator->body = body;
  generator->over = false;
  generator->stack = malloc(STACK_BYTES);
  if (!generator->stack || getcontext(&generator->own) != 0) return false;
  generator->own.uc_stack.ss_sp = generator->stack;
  generator->own.uc_stack.ss_size = STACK_BYTES;
  generator->own.uc_link = NULL;
  makecontext(&generator->own, (void (*)(void))generator_main, 2, (unsigned)(word >> 32),
              (unsigned)word);
  if (gait_fiber_register(thread, generator->stack, STACK_BYTES, GAIT_STACK_CONSERVATIVE,
                          &generator->fiber) != GAIT_OK)
    return false;
  gait_fiber_set_value(thread, generator->fiber, argument);
  return true;
}

/* Be it over or not. */
static void generator_free(gait_thread *thread, struct generator *generator) {
  gait_fiber_unregister(thread, generator->fiber);
  free(generator->stack);
}
/* [end] */

/* [body] */
/* Yields the words of a text, which is its argument, as new strings. */
static void each_word(struct generator *generator) {
  const char *text = gait_fiber_value(generator->fiber);
  while (*text) {
    size_t length = strcspn(text, " ");
    char *word = gait_alloc(generator->thread, gait_kind_leaf(gait_thread_heap(generator->thread)),
                            length + 1);
    if (!word) return;
    memcpy(word, text, length);
    generator_yield(generator, word);
    text += length + (text[length] == ' ');
  }
}
/* [end] */

static const char said[] = "a stack for each of them";

int main(void) {
  gait_heap *heap;
  gait_thread *thread;
  struct generator words;
  if (gait_heap_create(NULL, &heap) != GAIT_OK) return EXIT_FAILURE;
  if (gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread) != GAIT_OK)
    return EXIT_FAILURE;
  char *text = gait_alloc(thread, gait_kind_leaf(heap), sizeof said);
  if (!text) return EXIT_FAILURE;
  memcpy(text, said, sizeof said);
  if (!generator_make(thread, &words, each_word, text)) return EXIT_FAILURE;
  unsigned count = 0;
  for (const char *word; (word = generator_next(thread, &words)); count++) {
    gait_heap_collect(thread);
    printf("%s\n", word);
  }
  generator_free(thread, &words);
  gait_thread_detach(thread);
  gait_heap_destroy(heap);
  return count == 6 ? EXIT_SUCCESS : EXIT_FAILURE;
}
