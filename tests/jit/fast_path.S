/* fast_path.S: the fast paths of gait/jit.h, written by hand as a compiler would make them, from its
 * constants alone.  fast_path.h has the contracts. */
#include <gait/jit.h>

.macro BEGIN name
  .globl \name
  .type \name, %function
  .p2align 4
\name:
.endm

.macro END name
  .size \name, . - \name
.endm

  .bss
  .globl jit_slow
  .type jit_slow, %object
  .p2align 3
jit_slow:
  .zero 8
  .size jit_slow, 8
  .text

#if defined(__x86_64__)

/* thread rdi, kind esi, bytes rdx, class rcx, slot r8 */
BEGIN jit_alloc
  movzwl %si, %eax
  movq GAIT_JIT_THREAD_ROWS(%rdi), %r9
  movq (%r9, %rax, GAIT_JIT_ROW_BYTES), %r9
  imulq $GAIT_JIT_CURSOR_BYTES, %rcx, %rcx
  addq %rcx, %r9
  movq GAIT_JIT_CURSOR_NEXT(%r9), %rax
  cmpq GAIT_JIT_CURSOR_LIMIT(%r9), %rax
  je 1f
  addq %rax, %r8
  movq %r8, GAIT_JIT_CURSOR_NEXT(%r9)
  ret
1:
  incq jit_slow(%rip)
  jmp gait_alloc_slow@PLT
END jit_alloc

/* thread rdi, slot rsi, value rdx */
BEGIN jit_store
  cmpl $0, GAIT_JIT_THREAD_MARKING(%rdi)
  jne 1f
  movq %rdx, (%rsi)
  ret
1:
  jmp gait_store_slow@PLT
END jit_store

BEGIN jit_store_init
  movl GAIT_JIT_THREAD_MARKING(%rdi), %eax
  testl $GAIT_JIT_SHADE_NEW, %eax
  jnz 2f
  testl $GAIT_JIT_REMEMBER, %eax
  jz 1f
  movq %rsi, %rcx
  subq GAIT_JIT_THREAD_HEAP(%rdi), %rcx
  cmpq GAIT_JIT_THREAD_HEAP_BYTES(%rdi), %rcx
  jae 1f
  shrq $GAIT_JIT_CARD_SHIFT, %rcx
  movq GAIT_JIT_THREAD_CARDS(%rdi), %rax
  movb $GAIT_JIT_CARD_NOTED, (%rax, %rcx)
1:
  movq %rdx, (%rsi)
  ret
2:
  jmp gait_store_slow@PLT
END jit_store_init

/* thread rdi */
BEGIN jit_poll
  movq GAIT_JIT_THREAD_POLL(%rdi), %rax
  cmpl $0, (%rax)
  jne 1f
  ret
1:
  jmp gait_thread_poll_slow@PLT
END jit_poll

#elif defined(__aarch64__)

/* thread x0, kind w1, bytes x2, class x3, slot x4 */
BEGIN jit_alloc
  and w9, w1, #0xffff
  ldr x10, [x0, #GAIT_JIT_THREAD_ROWS]
  mov x11, #GAIT_JIT_ROW_BYTES
  madd x10, x9, x11, x10
  ldr x10, [x10]
  mov x11, #GAIT_JIT_CURSOR_BYTES
  madd x10, x3, x11, x10
  ldr x12, [x10, #GAIT_JIT_CURSOR_NEXT]
  ldr x13, [x10, #GAIT_JIT_CURSOR_LIMIT]
  cmp x12, x13
  b.eq 1f
  add x4, x12, x4
  str x4, [x10, #GAIT_JIT_CURSOR_NEXT]
  mov x0, x12
  ret
1:
  adrp x9, jit_slow
  ldr x10, [x9, #:lo12:jit_slow]
  add x10, x10, #1
  str x10, [x9, #:lo12:jit_slow]
  b gait_alloc_slow
END jit_alloc

/* thread x0, slot x1, value x2 */
BEGIN jit_store
  ldr w9, [x0, #GAIT_JIT_THREAD_MARKING]
  cbnz w9, 1f
  stlr x2, [x1]
  ret
1:
  b gait_store_slow
END jit_store

BEGIN jit_store_init
  ldr w9, [x0, #GAIT_JIT_THREAD_MARKING]
  tst w9, #GAIT_JIT_SHADE_NEW
  b.ne 2f
  tst w9, #GAIT_JIT_REMEMBER
  b.eq 1f
  ldr x10, [x0, #GAIT_JIT_THREAD_HEAP]
  ldr x11, [x0, #GAIT_JIT_THREAD_HEAP_BYTES]
  sub x10, x1, x10
  cmp x10, x11
  b.hs 1f
  ldr x11, [x0, #GAIT_JIT_THREAD_CARDS]
  lsr x10, x10, #GAIT_JIT_CARD_SHIFT
  mov w9, #GAIT_JIT_CARD_NOTED
  strb w9, [x11, x10]
1:
  stlr x2, [x1]
  ret
2:
  b gait_store_slow
END jit_store_init

/* thread x0 */
BEGIN jit_poll
  ldr x9, [x0, #GAIT_JIT_THREAD_POLL]
  ldr w9, [x9]
  cbnz w9, 1f
  ret
1:
  b gait_thread_poll_slow
END jit_poll

#endif

  .section .note.GNU-stack, "", %progbits
