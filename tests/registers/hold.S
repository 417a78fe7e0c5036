/* hold.S: functions that hold the only reference to an object in one place.  hold.h has their
 * contract.
 *
 * uintptr_t hold_PLACE(struct hold_step *first, struct hold_step *end, uintptr_t hidden) saves what
 * its caller had in the registers that a callee must preserve, clears all of them, and puts the
 * reference into PLACE, disguised until that moment.  Then it makes the calls: their arguments come
 * from memory, the position among them stands in the frame, and no register but PLACE is in use.
 * Before the first call and after each the stack below the frame is overwritten, so that nothing
 * which was left there can stand for the reference.  Calls that are not Gait's are made further down the stack, so
 * that what they save of registers does not fall on the very word where Gait's have saved them.
 *
 * void hold_spill_REGISTER(function, first, second) calls the function with the register pushed and
 * cleared, as a compiler does that wants the register for itself; hold_spill_none does the same
 * with no register.  hold_far_REGISTER does it with the largest frame that may go, of
 * GAIT_LEAVE_FRAMES_BYTES, in which the register lies as far up as it can. */

#define STEP_ARGUMENTS 8
#define STEP_UNTIL     40
#define STEP_BACK      48
#define STEP_RETURNED  56
#define STEP_IS_GAITS  64
#define STEP_BYTES     72

#define SCRUBBED_BYTES 16384
#define FAR_BYTES      1024
#define LOWERED_BYTES  512

.macro BEGIN name
  .globl \name
  .type \name, %function
  .p2align 4
\name:
.endm

.macro END name
  .size \name, . - \name
.endm

.text

#if defined(__x86_64__)

/* The frame, from the stack pointer: */
#define FRAME_LOW   0
#define FRAME_NEXT  8
#define FRAME_END   16
#define FRAME_SPARE  24
#define FRAME_HIGH  32
#define FRAME_BYTES 40 /* with six registers and the return address a multiple of 16 */

.macro PUSH_ALL
  pushq %rbx
  pushq %rbp
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
.endm

.macro POP_ALL
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbp
  popq %rbx
.endm

.macro CLEAR_ALL
  xorl %ebx, %ebx
  xorl %ebp, %ebp
  xorl %r12d, %r12d
  xorl %r13d, %r13d
  xorl %r14d, %r14d
  xorl %r15d, %r15d
.endm

/* Leaves nothing in rax, rcx and rdi. */
.macro SCRUB
  leaq -SCRUBBED_BYTES(%rsp), %rdi
  movl $SCRUBBED_BYTES / 8, %ecx
  xorl %eax, %eax
  rep stosq
.endm

.macro HOLD name, place
BEGIN \name
  PUSH_ALL
  subq $FRAME_BYTES, %rsp
  CLEAR_ALL
  movq $0, FRAME_LOW(%rsp)
  movq $0, FRAME_SPARE(%rsp)
  movq $0, FRAME_HIGH(%rsp)
  movq %rdi, FRAME_NEXT(%rsp)
  movq %rsi, FRAME_END(%rsp)
  SCRUB
  notq %rdx
  movq %rdx, \place
  xorl %edx, %edx
1:movq FRAME_NEXT(%rsp), %rax
  cmpq FRAME_END(%rsp), %rax
  je 3f
  movq STEP_ARGUMENTS(%rax), %rdi
  movq STEP_ARGUMENTS + 8(%rax), %rsi
  movq STEP_ARGUMENTS + 16(%rax), %rdx
  movq STEP_ARGUMENTS + 24(%rax), %rcx
  xorl %r8d, %r8d
  xorl %r9d, %r9d
  xorl %r10d, %r10d
  xorl %r11d, %r11d
  cmpl $0, STEP_IS_GAITS(%rax)
  jne 4f
  subq $LOWERED_BYTES, %rsp
  call *(%rax)
  addq $LOWERED_BYTES, %rsp
  jmp 5f
4:call *(%rax)
5:movq FRAME_NEXT(%rsp), %rdx
  movq %rax, STEP_RETURNED(%rdx)
  SCRUB
  movq STEP_UNTIL(%rdx), %rcx
  testq %rcx, %rcx
  jz 2f
  cmpl $0, (%rcx)
  jne 2f
  movq STEP_BACK(%rdx), %rax
  subq %rax, FRAME_NEXT(%rsp)
  jmp 1b
2:addq $STEP_BYTES, FRAME_NEXT(%rsp)
  jmp 1b
3:movq \place, %rax
  notq %rax
  addq $FRAME_BYTES, %rsp
  POP_ALL
  ret
END \name
.endm

.macro SPILL reg
BEGIN hold_spill_\reg
  pushq %\reg
  xorq %\reg, %\reg
  movq %rdi, %rax
  movq %rsi, %rdi
  movq %rdx, %rsi
  call *%rax
  popq %\reg
  ret
END hold_spill_\reg
.endm

.macro FAR reg
BEGIN hold_far_\reg
  pushq %\reg
  xorq %\reg, %\reg
  subq $FAR_BYTES - 16, %rsp
  movq %rdi, %rax
  movq %rsi, %rdi
  movq %rdx, %rsi
  call *%rax
  addq $FAR_BYTES - 16, %rsp
  popq %\reg
  ret
END hold_far_\reg
.endm

.macro REGISTER reg
HOLD hold_\reg, %\reg
SPILL \reg
FAR \reg
.endm

REGISTER rbx
REGISTER rbp
REGISTER r12
REGISTER r13
REGISTER r14
REGISTER r15
HOLD hold_low, FRAME_LOW(%rsp)
HOLD hold_high, FRAME_HIGH(%rsp)

BEGIN hold_spill_none
  subq $8, %rsp
  movq %rdi, %rax
  movq %rsi, %rdi
  movq %rdx, %rsi
  call *%rax
  addq $8, %rsp
  ret
END hold_spill_none

BEGIN hold_foreign
  pushq %rdi
  movq 8(%rdi), %rcx
  movq 16(%rdi), %rsi
  movq (%rdi), %rax
  movq %rcx, %rdi
  call *%rax
  SCRUB
  movq (%rsp), %rdx
  movq 16(%rdx), %rdi
  subq $LOWERED_BYTES, %rsp
  call *24(%rdx)
  addq $LOWERED_BYTES, %rsp
  popq %rax
  ret
END hold_foreign

#elif defined(__aarch64__)

/* The frame, from the stack pointer: */
#define FRAME_LOW   0
#define FRAME_SPARE  8
#define FRAME_NEXT  16
#define FRAME_END   24
#define FRAME_SAVED 32 /* x19 to x30, d8 to d15 */
#define FRAME_SPARE_HIGH 192
#define FRAME_HIGH  200
#define FRAME_BYTES 208

.macro EACH_SAVED what
  \what x19, x20, [sp, #FRAME_SAVED]
  \what x21, x22, [sp, #FRAME_SAVED + 16]
  \what x23, x24, [sp, #FRAME_SAVED + 32]
  \what x25, x26, [sp, #FRAME_SAVED + 48]
  \what x27, x28, [sp, #FRAME_SAVED + 64]
  \what x29, x30, [sp, #FRAME_SAVED + 80]
  \what d8, d9, [sp, #FRAME_SAVED + 96]
  \what d10, d11, [sp, #FRAME_SAVED + 112]
  \what d12, d13, [sp, #FRAME_SAVED + 128]
  \what d14, d15, [sp, #FRAME_SAVED + 144]
.endm

.macro CLEAR_ALL
  .irp number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
  mov x\number, xzr
  .endr
  .irp number, 8, 9, 10, 11, 12, 13, 14, 15
  fmov d\number, xzr
  .endr
.endm

.macro SCRUB
  sub x10, sp, #SCRUBBED_BYTES
  mov x11, sp
9:stp xzr, xzr, [x10], #16
  cmp x10, x11
  b.lo 9b
.endm

/* `put` moves x9 into the place, `get` moves it back. */
.macro HOLD name, put:vararg
BEGIN \name
  sub sp, sp, #FRAME_BYTES
  EACH_SAVED stp
  CLEAR_ALL
  str xzr, [sp, #FRAME_LOW]
  str xzr, [sp, #FRAME_SPARE]
  str xzr, [sp, #FRAME_SPARE_HIGH]
  str xzr, [sp, #FRAME_HIGH]
  str x0, [sp, #FRAME_NEXT]
  str x1, [sp, #FRAME_END]
  SCRUB
  mvn x9, x2
  \put
  mov x9, xzr
  mov x2, xzr
1:ldr x9, [sp, #FRAME_NEXT]
  ldr x10, [sp, #FRAME_END]
  cmp x9, x10
  b.eq 3f
  ldr x17, [x9]
  ldp x0, x1, [x9, #STEP_ARGUMENTS]
  ldp x2, x3, [x9, #STEP_ARGUMENTS + 16]
  .irp number, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16
  mov x\number, xzr
  .endr
  ldr x9, [sp, #FRAME_NEXT]
  ldr w9, [x9, #STEP_IS_GAITS]
  cbnz w9, 4f
  sub sp, sp, #LOWERED_BYTES
  blr x17
  add sp, sp, #LOWERED_BYTES
  b 5f
4:mov x9, xzr
  blr x17
5:ldr x9, [sp, #FRAME_NEXT]
  str x0, [x9, #STEP_RETURNED]
  SCRUB
  ldr x10, [x9, #STEP_UNTIL]
  cbz x10, 2f
  ldr w10, [x10]
  cbnz w10, 2f
  ldr x10, [x9, #STEP_BACK]
  sub x9, x9, x10
  str x9, [sp, #FRAME_NEXT]
  b 1b
2:add x9, x9, #STEP_BYTES
  str x9, [sp, #FRAME_NEXT]
  b 1b
3:
.endm

.macro HELD name
  mvn x0, x9
  mov x9, xzr
  EACH_SAVED ldp
  add sp, sp, #FRAME_BYTES
  ret
END \name
.endm

.macro FAR reg, clear:vararg
BEGIN hold_far_\reg
  sub sp, sp, #FAR_BYTES
  str x30, [sp, #FAR_BYTES - 16]
  str \reg, [sp, #FAR_BYTES - 8]
  \clear
  mov x9, x0
  mov x0, x1
  mov x1, x2
  blr x9
  ldr x30, [sp, #FAR_BYTES - 16]
  ldr \reg, [sp, #FAR_BYTES - 8]
  add sp, sp, #FAR_BYTES
  ret
END hold_far_\reg
.endm

.macro REGISTER reg
FAR \reg, mov \reg, xzr
HOLD hold_\reg, mov \reg, x9
  mov x9, \reg
HELD hold_\reg
BEGIN hold_spill_\reg
  stp x30, \reg, [sp, #-16]!
  mov \reg, xzr
  mov x9, x0
  mov x0, x1
  mov x1, x2
  blr x9
  ldp x30, \reg, [sp], #16
  ret
END hold_spill_\reg
.endm

.macro FLOATING reg
FAR \reg, fmov \reg, xzr
HOLD hold_\reg, fmov \reg, x9
  fmov x9, \reg
HELD hold_\reg
BEGIN hold_spill_\reg
  sub sp, sp, #16
  str x30, [sp]
  str \reg, [sp, #8]
  fmov \reg, xzr
  mov x9, x0
  mov x0, x1
  mov x1, x2
  blr x9
  ldr x30, [sp]
  ldr \reg, [sp, #8]
  add sp, sp, #16
  ret
END hold_spill_\reg
.endm

.irp number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
REGISTER x\number
.endr
.irp number, 8, 9, 10, 11, 12, 13, 14, 15
FLOATING d\number
.endr
HOLD hold_low, str x9, [sp, #FRAME_LOW]
  ldr x9, [sp, #FRAME_LOW]
HELD hold_low
HOLD hold_high, str x9, [sp, #FRAME_HIGH]
  ldr x9, [sp, #FRAME_HIGH]
HELD hold_high

BEGIN hold_spill_none
  str x30, [sp, #-16]!
  mov x9, x0
  mov x0, x1
  mov x1, x2
  blr x9
  ldr x30, [sp], #16
  ret
END hold_spill_none

BEGIN hold_foreign
  stp x30, x0, [sp, #-16]!
  ldr x9, [x0]
  ldp x10, x1, [x0, #8]
  mov x0, x10
  blr x9
  SCRUB
  ldr x9, [sp, #8]
  ldp x0, x10, [x9, #16]
  sub sp, sp, #LOWERED_BYTES
  blr x10
  add sp, sp, #LOWERED_BYTES
  ldp x30, x0, [sp], #16
  ret
END hold_foreign

#else
#error "say here how to hold a reference in each register that a callee of this machine preserves"
#endif

.section .note.GNU-stack, "", %progbits
