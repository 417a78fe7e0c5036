/* lisp.h: a small Lisp on Gait's public headers, the running example of docs/embedding.md.
 *
 * All that an evaluator holds over a safepoint is on its own stack, which is one exact frame of its
 * thread.  So a reference in a variable of C's is good as long as the stack, or an object, has it
 * too: objects do not move. */
#ifndef LISP_H
#define LISP_H

#include <setjmp.h>
#include <stdio.h>

#include <gait/array.h>
#include <gait/gait.h>
#include <gait/weak.h>

/* ---- Words ---------------------------------------------------------------------------------- */

/* [words] */
typedef uint64_t word; /* nil: 0; a number: twice it, plus one; or the address of an object */

static inline bool is_number(word w) {
  return (w & 1) != 0;
}
static inline word number(int64_t n) {
  return (word)n << 1 | 1;
}
static inline int64_t number_value(word w) {
  return (int64_t)w >> 1;
}
static inline void *object_of(word w) {
  return (void *)(uintptr_t)w;
}
static inline word word_of(const void *object) {
  return (uintptr_t)object;
}
/* [end] */

/* ---- Objects -------------------------------------------------------------------------------- */

/* [objects] */
enum type {
  TYPE_PAIR = 1,
  TYPE_SYMBOL,
  TYPE_FUNCTION,
  TYPE_BUILTIN,
  TYPE_STRING,
  TYPE_VECTOR,
  TYPE_WEAK,
  TYPE_BUFFER,
};

struct pair {
  uint64_t type;
  word first, rest;
};

struct symbol {
  uint64_t type;
  word value, next;
  uint64_t special; /* a form that eval knows, or 0 */
  char name[];      /* beyond the map, so nobody looks here for references */
};

struct function {
  uint64_t type;
  word parameters, body, scope;
};

struct string {
  uint64_t type;
  size_t bytes;
  char text[];
};

struct vector {
  uint64_t type;
  size_t count;
  word items[];
};
/* [end] */

struct evaluator;
typedef word builtin_fn(struct evaluator *ev, word *args, size_t count);

struct builtin {
  uint64_t type;
  const char *name;
  builtin_fn *function;
  size_t least; /* arguments */
};

struct weak {
  uint64_t type;
  gait_weak *target;
};

struct buffer {
  uint64_t type;
  size_t bytes;
  char *memory; /* malloc'd */
};

static inline bool is_type(word w, enum type type) {
  return w != 0 && !is_number(w) && *(const uint64_t *)object_of(w) == (uint64_t)type;
}
static inline word first(word pair) {
  return ((const struct pair *)object_of(pair))->first;
}
static inline word rest(word pair) {
  return ((const struct pair *)object_of(pair))->rest;
}

/* ---- The interpreter ------------------------------------------------------------------------ */

#define LISP_BUCKETS 64u
#define LISP_STACK   4096u /* words */

/* [state] */
struct lisp { /* what all threads share */
  gait_heap *heap;
  gait_kind pairs, symbols, functions, vectors, weaks;
  word buckets[LISP_BUCKETS]; /* chains of symbols: a root */
  word ballast;               /* given up when the heap is full: a root */
};

struct evaluator { /* what a thread has; it lies on the thread's own stack */
  struct lisp *lisp;
  gait_thread *thread;
  gait_sized_frame frame;
  size_t top;
  word stack[LISP_STACK]; /* in use below `top` */
  jmp_buf *escape;
  const char *error;
};
/* [end] */

enum special { SPECIAL_QUOTE = 1, SPECIAL_IF, SPECIAL_LAMBDA, SPECIAL_DEFINE, SPECIAL_WHILE };

gait_result lisp_create(struct lisp *lisp);
gait_result lisp_destroy(struct lisp *lisp);
gait_result evaluator_begin(struct evaluator *ev, struct lisp *lisp, gait_thread_roots roots);
void evaluator_end(struct evaluator *ev);

/* Runs function(ev, arg); false: an error ended it, and ev->error says which. */
typedef void lisp_body_fn(struct evaluator *ev, void *arg);
bool lisp_protect(struct evaluator *ev, lisp_body_fn *function, void *arg);
_Noreturn void lisp_error(struct evaluator *ev, const char *message);

void push(struct evaluator *ev, word w);
void drop(struct evaluator *ev, size_t top);

/* Each keeps the words that it is given until it returns, and is a safepoint. */
word cons(struct evaluator *ev, word first, word rest);
word intern(struct evaluator *ev, const char *name);
word make_string(struct evaluator *ev, const char *text, size_t bytes);
word make_vector(struct evaluator *ev, size_t count, word fill);
word make_function(struct evaluator *ev, word parameters, word body, word scope);
void *allocate(struct evaluator *ev, gait_kind kind, enum type type, size_t bytes);

word eval(struct evaluator *ev, word form, word scope);
/* Calls stack[at] with the `count` words above it. */
word apply(struct evaluator *ev, size_t at, size_t count);
word call(struct evaluator *ev, word function, size_t count, word argument);

bool read_form(struct evaluator *ev, FILE *in, word *form); /* false: the end of the file */
bool print(struct evaluator *ev, gait_array *text, word w); /* false: out of memory */
void builtins_define(struct evaluator *ev);

#endif
