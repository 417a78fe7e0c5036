#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "coroutine.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sanitizer.h"

#if SANITIZER_ADDRESS
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if SANITIZER_THREAD
#include <sanitizer/tsan_interface.h>
#endif

/* ---- Assembly ---- */

/* Pushes the registers that a callee preserves, writes the stack pointer to *from, and takes up the
 * stack whose pointer is `to`. */
void coroutine_jump(void **from, void *to);
/* Where a new stack begins: calls the function in one register with what is in another. */
void coroutine_begin(void);

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl coroutine_jump\n"
        ".hidden coroutine_jump\n"
        ".type coroutine_jump, @function\n"
        "coroutine_jump:\n"
        "  pushq %rbp\n"
        "  pushq %rbx\n"
        "  pushq %r12\n"
        "  pushq %r13\n"
        "  pushq %r14\n"
        "  pushq %r15\n"
        "  movq %rsp, (%rdi)\n"
        "  movq %rsi, %rsp\n"
        "  popq %r15\n"
        "  popq %r14\n"
        "  popq %r13\n"
        "  popq %r12\n"
        "  popq %rbx\n"
        "  popq %rbp\n"
        "  ret\n"
        ".size coroutine_jump, . - coroutine_jump\n"
        ".globl coroutine_begin\n"
        ".hidden coroutine_begin\n"
        ".type coroutine_begin, @function\n"
        "coroutine_begin:\n"
        "  movq %r12, %rdi\n"
        "  callq *%rbx\n"
        "  ud2\n"
        ".size coroutine_begin, . - coroutine_begin\n");
#define COROUTINE_WORDS 9
static void coroutine_fill(uintptr_t *words, void (*entry)(void *), void *arg) {
  words[3] = (uintptr_t)arg;             /* r12 */
  words[4] = (uintptr_t)entry;           /* rbx */
  words[6] = (uintptr_t)coroutine_begin; /* where ret goes, with the stack aligned behind it */
}
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl coroutine_jump\n"
        ".hidden coroutine_jump\n"
        ".type coroutine_jump, %function\n"
        "coroutine_jump:\n"
        "  sub sp, sp, #160\n"
        "  stp x19, x20, [sp, #0]\n"
        "  stp x21, x22, [sp, #16]\n"
        "  stp x23, x24, [sp, #32]\n"
        "  stp x25, x26, [sp, #48]\n"
        "  stp x27, x28, [sp, #64]\n"
        "  stp x29, x30, [sp, #80]\n"
        "  stp d8, d9, [sp, #96]\n"
        "  stp d10, d11, [sp, #112]\n"
        "  stp d12, d13, [sp, #128]\n"
        "  stp d14, d15, [sp, #144]\n"
        "  mov x9, sp\n"
        "  str x9, [x0]\n"
        "  mov sp, x1\n"
        "  ldp x19, x20, [sp, #0]\n"
        "  ldp x21, x22, [sp, #16]\n"
        "  ldp x23, x24, [sp, #32]\n"
        "  ldp x25, x26, [sp, #48]\n"
        "  ldp x27, x28, [sp, #64]\n"
        "  ldp x29, x30, [sp, #80]\n"
        "  ldp d8, d9, [sp, #96]\n"
        "  ldp d10, d11, [sp, #112]\n"
        "  ldp d12, d13, [sp, #128]\n"
        "  ldp d14, d15, [sp, #144]\n"
        "  add sp, sp, #160\n"
        "  ret\n"
        ".size coroutine_jump, . - coroutine_jump\n"
        ".globl coroutine_begin\n"
        ".hidden coroutine_begin\n"
        ".type coroutine_begin, %function\n"
        "coroutine_begin:\n"
        "  mov x0, x19\n"
        "  blr x20\n"
        "  brk #1\n"
        ".size coroutine_begin, . - coroutine_begin\n");
#define COROUTINE_WORDS 20
static void coroutine_fill(uintptr_t *words, void (*entry)(void *), void *arg) {
  words[0] = (uintptr_t)arg;              /* x19 */
  words[1] = (uintptr_t)entry;            /* x20 */
  words[11] = (uintptr_t)coroutine_begin; /* x30 */
}
#else
#error "say here how this machine swaps stacks"
#endif

/* ---- Sanitizers ---- */

static void coroutine_tell_start(struct coroutine *from, const struct coroutine *to) {
#if SANITIZER_ADDRESS
  __sanitizer_start_switch_fiber(from->ended ? NULL : &from->fake_stack, to->low, to->bytes);
#endif
#if SANITIZER_THREAD
  if (!from->tsan) from->tsan = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to->tsan, 0);
#endif
  (void)from, (void)to;
}

/* The stack that was left says where it is: the thread's own does not know it. */
static void coroutine_tell_end(struct coroutine *here) {
#if SANITIZER_ADDRESS
  const void *low;
  size_t bytes;
  __sanitizer_finish_switch_fiber(here->fake_stack, &low, &bytes);
  if (here->from && !here->from->low) {
    here->from->low = (char *)(uintptr_t)low;
    here->from->bytes = bytes;
  }
#endif
  (void)here;
}

/* ---- Swapping ---- */

static void coroutine_start(void *arg) {
  struct coroutine *here = arg;
  coroutine_tell_end(here);
  here->entry(here->arg);
  abort();
}

#if COROUTINE_UCONTEXT
/* A pointer does not go through makecontext, whose arguments are of type int. */
static void coroutine_start_context(unsigned high, unsigned low) {
  coroutine_start((void *)((uintptr_t)high << 32 | low));
}

static bool coroutine_make_context(struct coroutine *coroutine) {
  if (getcontext(&coroutine->context) != 0) return false;
  coroutine->context.uc_stack.ss_sp = coroutine->low;
  coroutine->context.uc_stack.ss_size = coroutine->bytes;
  coroutine->context.uc_link = NULL;
  const uintptr_t word = (uintptr_t)coroutine;
  makecontext(&coroutine->context, (void (*)(void))coroutine_start_context, 2,
              (unsigned)(word >> 32), (unsigned)word);
  return true;
}
#endif

/* The first words of the stack are written when it is swapped to, not before: a page each. */
static void coroutine_prepare(struct coroutine *coroutine) {
  if (coroutine->place) return;
  uintptr_t *words = (uintptr_t *)(void *)(coroutine->low + coroutine->bytes) - COROUTINE_WORDS;
  coroutine_fill(words, coroutine_start, coroutine);
  coroutine->place = words;
}

void coroutine_make_at(struct coroutine *coroutine, char *low, size_t bytes, void (*entry)(void *),
                       void *arg) {
  memset(coroutine, 0, sizeof *coroutine);
  coroutine->low = low;
  coroutine->bytes = bytes;
  coroutine->entry = entry;
  coroutine->arg = arg;
#if SANITIZER_THREAD
  coroutine->tsan = __tsan_create_fiber(0);
#endif
}

bool coroutine_make(struct coroutine *coroutine, size_t bytes, bool ucontext, void (*entry)(void *),
                    void *arg) {
  char *low =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (low == MAP_FAILED) return false;
  coroutine_make_at(coroutine, low, bytes, entry, arg);
  coroutine->ucontext = ucontext && COROUTINE_UCONTEXT;
#if COROUTINE_UCONTEXT
  if (coroutine->ucontext) return coroutine_make_context(coroutine);
#endif
  return true;
}

/* Functions that have not returned have left gaps there that nothing may touch. */
void coroutine_free(struct coroutine *coroutine) {
#if SANITIZER_ADDRESS
  __asan_unpoison_memory_region(coroutine->low, coroutine->bytes);
#endif
#if SANITIZER_THREAD
  __tsan_destroy_fiber(coroutine->tsan);
#endif
  munmap(coroutine->low, coroutine->bytes);
}

/* Both stacks are of one way, but for a thread's own, which goes the other's. */
void coroutine_swap(void *arg) {
  const struct coroutine_swap *swap = arg;
  struct coroutine *from = swap->from, *to = swap->to;
  to->from = from;
  const bool ucontext = from->ucontext || to->ucontext;
  if (!ucontext) coroutine_prepare(to);
  coroutine_tell_start(from, to);
#if COROUTINE_UCONTEXT
  if (ucontext) {
    swapcontext(&from->context, &to->context);
    coroutine_tell_end(from);
    return;
  }
#endif
  coroutine_jump(&from->place, to->place);
  coroutine_tell_end(from);
}
