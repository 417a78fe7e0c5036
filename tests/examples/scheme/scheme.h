/* scheme.h: a small Scheme on Gait's public headers; its words, its objects, and its parts.
 *
 * A value is a word with a tag in its low three bits, which is the heap's rule for tagged
 * references (gait_tags): words with tags 5, 6 and 7 refer to an object, all others to none.
 *
 *   xx00  a fixnum of 62 bits        1  a character        2  a constant
 *   5     a pair                     7  a flonum           6  any other object, with a header
 *
 * Words lie in objects, in the registers and the stack of a machine, and in C's variables.  Those
 * in objects are stored to through the barrier; a machine's stack is an exact frame of its thread,
 * and C's stack is conservative: both are written plainly.
 *
 * Errors, and a heap that is full, leave C by longjmp to machine_run. */
#ifndef SCHEME_H
#define SCHEME_H

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gait/gait.h>
#include <gait/tune.h>
#include <gait/weak_table.h>

typedef uint64_t word;

/* ---- Words ---------------------------------------------------------------------------------- */

enum { TAG_CHAR = 1, TAG_CONSTANT = 2, TAG_PAIR = 5, TAG_OBJECT = 6, TAG_FLONUM = 7, TAG_MASK = 7 };

#define CONSTANT(n) ((word)(n) << 8 | TAG_CONSTANT)
#define W_FALSE     CONSTANT(0)
#define W_TRUE      CONSTANT(1)
#define W_NIL       CONSTANT(2)
#define W_VOID      CONSTANT(3)
#define W_EOF       CONSTANT(4)
#define W_UNBOUND   CONSTANT(5)

#define FIXNUM_MAX (INT64_MAX >> 2)
#define FIXNUM_MIN (INT64_MIN >> 2)

static inline bool is_fixnum(word w) {
  return (w & 3) == 0;
}
static inline bool are_fixnums(word a, word b) {
  return ((a | b) & 3) == 0;
}
static inline word fixnum(int64_t n) {
  return (word)n << 2;
}
static inline int64_t fixnum_value(word w) {
  return (int64_t)w >> 2;
}
static inline bool is_pair(word w) {
  return (w & TAG_MASK) == TAG_PAIR;
}
static inline bool is_flonum(word w) {
  return (w & TAG_MASK) == TAG_FLONUM;
}
static inline bool is_char(word w) {
  return (w & TAG_MASK) == TAG_CHAR;
}
static inline word boolean(bool b) {
  return b ? W_TRUE : W_FALSE;
}
static inline word character(uint32_t c) {
  return (word)c << 8 | TAG_CHAR;
}
static inline uint32_t char_value(word w) {
  return (uint32_t)(w >> 8);
}

/* ---- Objects -------------------------------------------------------------------------------- */

struct pair {
  word car, cdr;
};

/* The type is the header's low byte, a length the rest: of slots, characters, bytes or limbs. */
struct object {
  word header;
  word slots[];
};

enum type {
  T_VECTOR = 1,
  T_CLOSURE, /* code, free variables */
  T_CODE,    /* struct code */
  T_BUILTIN, /* struct builtin */
  T_SYMBOL,  /* SYMBOL_ slots */
  T_BOX,
  T_VALUES,
  T_RECORD,       /* record type, fields */
  T_RECORD_TYPE,  /* name, list of field names */
  T_CONTINUATION, /* segment, length in words, winders, handlers */
  T_SEGMENT,      /* segment below, its length, whether it is shared, words of a stack */
  T_TABLE,        /* TABLE_ slots */
  T_PORT,         /* PORT_ slots */
  T_PROMISE,      /* done?, value or thunk */
  T_ALIAS,        /* name, scope: a symbol that a macro put in */
  T_MACRO,        /* literals, rules, scope, ellipsis */
  T_PARAMETER,    /* key of a parameter: value, converter */
  T_THREAD,       /* THREAD_ slots */
  T_MUTEX,        /* owner, name, a value of the program's */
  T_RATIO,        /* numerator, denominator */
  T_CONDITION,    /* how often it was signalled, name, a value of the program's */
  T_GUARDIAN,     /* GUARDIAN_ slots */
  T_GENERATOR,    /* the value last yielded, and the place of what C has of it */
  T_WEAK_TABLE,   /* a table of Gait's */
  T_STRING = 64,  /* from here on without references: characters of 32 bits */
  T_BYTES,
  T_BIGNUM, /* limbs of GMP's; the header's top bit is the sign */
};

enum { SYMBOL_NAME, SYMBOL_VALUE, SYMBOL_SYNTAX, SYMBOL_INLINE, SYMBOL_KEPT, SYMBOL_SLOTS };

#define HEADER(type, length) ((word)(length) << 8 | (word)(type))

static inline struct pair *pair_of(word w) {
  return (struct pair *)(uintptr_t)(w - TAG_PAIR);
}
static inline struct object *object_of(word w) {
  return (struct object *)(uintptr_t)(w - TAG_OBJECT);
}
static inline word object_word(const void *object) {
  return (word)(uintptr_t)object + TAG_OBJECT;
}
static inline bool is_object(word w) {
  return (w & TAG_MASK) == TAG_OBJECT;
}
static inline bool is_type(word w, enum type type) {
  return is_object(w) && (object_of(w)->header & 255) == (word)type;
}
static inline enum type type_of(word w) {
  return (enum type)(object_of(w)->header & 255);
}
static inline size_t length_of(word w) {
  return (size_t)(object_of(w)->header >> 8);
}
static inline word *slots_of(word w) {
  return object_of(w)->slots;
}
static inline word car(word w) {
  return pair_of(w)->car;
}
static inline word cdr(word w) {
  return pair_of(w)->cdr;
}
static inline uint32_t *string_chars(word w) {
  return (uint32_t *)(void *)slots_of(w);
}
static inline uint8_t *bytes_of(word w) {
  return (uint8_t *)slots_of(w);
}
static inline double flonum_value(word w) {
  return *(const double *)(uintptr_t)(w - TAG_FLONUM);
}

/* ---- The machine ---------------------------------------------------------------------------- */

#define STACK_WORDS 16384u
#define STACK_SPARE 512u /* for the frame of a builtin, an error or an interrupt */
#define REGISTERS   8u   /* the stack's first words */
#define FRAME_WORDS                                                                                \
  3u /* before a frame's slots: bytes to the caller's, where it goes on, closure */
#define REST_MAX      8000u
#define BALLAST_BYTES (size_t)(512 * 1024) /* given up for a handler when the heap is full */

enum { REG_WINDERS, REG_HANDLERS, REG_SEGMENT, REG_THREAD, REG_PARAMETERS, REG_ERROR, REG_TEMP };

struct machine;
typedef word builtin_fn(struct machine *vm, word *args, size_t count);

/* A number for those builtins that the machine does itself. */
enum special { SPECIAL_NONE, SPECIAL_APPLY, SPECIAL_CALLCC, SPECIAL_SPREAD };

struct builtin {
  word header;
  word name;
  builtin_fn *function;
  uint32_t least, most; /* arguments */
  enum special special;
};

/* What follows the constants is instructions, which are traced by nobody: what they refer to is
 * among the constants. */
struct code {
  word header;
  word name;
  word constants; /* a list */
  uint64_t arity; /* arguments; UINT64_MAX where there is a rest list */
  uint64_t least;
  uint64_t frame; /* slots */
  word ops[];
};

/* What all machines of a heap share. */
struct scheme {
  gait_heap *heap;
  gait_kind pairs, objects, codes, leaves;
  word roots[16];          /* barriered; ROOT_ */
  pthread_mutex_t threads; /* guards what follows, and more: scheme_threads.c */
  pthread_cond_t changed;
  uint64_t changes;
  struct worker *workers;
  int64_t worker_number, guardian_number;
};

enum {
  ROOT_SYMBOLS, /* a table, plainly */
  ROOT_BALLAST,
  ROOT_FULL,
  ROOT_OUT,
  ROOT_IN,
  ROOT_ERR,
  ROOT_RAISE,
  ROOT_REWIND,
  ROOT_INTERRUPT,
  ROOT_ERROR,
  ROOT_GUARDIANS,
  ROOT_KEPT,
  ROOT_COUNT
};

/* What a thread has of its own.  `limit` is zero where the next call is to look at `interrupted`,
 * which a signal handler sets. */
struct machine {
  gait_thread *thread;
  gait_sized_frame frame;
  gait_kind pairs, objects, codes, leaves;
  word *limit_of_stack;
  word *_Atomic limit;
  word *fp;
  const word *pc;
  size_t count; /* of arguments, of the last call */
  word *stack;
  size_t segment_length;
  bool running;
  _Atomic int interrupted;
  size_t c_room; /* how far C may recurse from machine_run */
  char *c_limit;
  struct generator *generator;   /* whose machine it is, or NULL */
  struct machine *_Atomic inner; /* of the generator that runs in its place */
  struct scheme *scheme;
  struct chunk *chunks; /* of the compiler's arena */
  jmp_buf escape;
};

/* Runs `function` on `arguments`, to its end. */
word machine_run(struct machine *vm, word function, size_t count, const word *arguments);
gait_result machine_create(struct scheme *scheme, gait_thread *thread, struct machine *vm);
void machine_attach(struct machine *vm, gait_thread *thread); /* where that is made later */
void machine_detach(struct machine *vm);
void machine_destroy(struct machine *vm);
void machine_interrupt(struct machine *vm);
void machine_terminate(struct machine *vm); /* its run ends at the next call or loop */
void dead_collect(struct machine *vm); /* puts objects that are dead where they are asked for */
void threads_stop(struct machine *vm); /* ends all threads but this one */
void machine_look(struct machine *vm); /* raises an interrupt that has come */
void machine_deep(struct machine *vm); /* an error where C has recursed too far */

static inline void machine_recurse(struct machine *vm) {
  if (__builtin_expect((char *)__builtin_frame_address(0) < vm->c_limit, 0)) machine_deep(vm);
}

/* ---- Errors --------------------------------------------------------------------------------- */

_Noreturn void scheme_raise(struct machine *vm, word object);
_Noreturn void scheme_error(struct machine *vm, const char *message, word irritant);
_Noreturn void scheme_wrong(struct machine *vm, const char *wanted, word found);
_Noreturn void scheme_full(struct machine *vm);

/* ---- Allocation ----------------------------------------------------------------------------- */

static inline void *scheme_allocate(struct machine *vm, gait_kind kind, size_t bytes) {
  void *object = gait_alloc(vm->thread, kind, bytes);
  if (__builtin_expect(object == NULL, 0)) scheme_full(vm);
  return object;
}

static inline word cons(struct machine *vm, word first, word rest) {
  struct pair *pair = scheme_allocate(vm, vm->pairs, sizeof *pair);
  gait_store_init_word(vm->thread, &pair->car, first);
  gait_store_init_word(vm->thread, &pair->cdr, rest);
  return (word)(uintptr_t)pair + TAG_PAIR;
}

static inline word flonum(struct machine *vm, double value) {
  double *number = scheme_allocate(vm, vm->leaves, sizeof *number);
  *number = value;
  return (word)(uintptr_t)number + TAG_FLONUM;
}

static inline void set_slot(struct machine *vm, word object, size_t index, word value) {
  gait_store_word(vm->thread, &slots_of(object)[index], value);
}

static inline word make_object(struct machine *vm, enum type type, size_t slots) {
  struct object *object =
      scheme_allocate(vm, vm->objects, sizeof *object + (slots ? slots : 1) * sizeof(word));
  object->header = HEADER(type, slots);
  return object_word(object);
}

word make_leaf(struct machine *vm, enum type type, size_t length, size_t bytes);
word make_vector(struct machine *vm, size_t length, word fill);
word make_string(struct machine *vm, size_t length);
word make_values(struct machine *vm, enum type type, size_t count, const word *slots);
word string_from(struct machine *vm, const char *text, size_t bytes); /* UTF-8 */
/* The string as UTF-8 that ends in a zero, in an object of leaves; *bytes without the zero. */
char *string_utf8(struct machine *vm, word string, size_t from, size_t to, size_t *bytes);
void set_car(struct machine *vm, word pair, word value);
void set_cdr(struct machine *vm, word pair, word value);
word list_reverse(struct machine *vm, word list);
int64_t list_length(word list); /* -1: it is none */

/* ---- Weak hash tables ----------------------------------------------------------------------- */

word weak_table_make(struct machine *vm);
word weak_table_get(struct machine *vm, word table, word key, word otherwise);
void weak_table_put(struct machine *vm, word table, word key, word value);
void weak_table_delete(struct machine *vm, word table, word key);
word weak_table_entries(struct machine *vm, word table);
void weak_table_clear(struct machine *vm, word table);

/* ---- Symbols -------------------------------------------------------------------------------- */

word intern(struct machine *vm, const char *text);
word intern_string(struct machine *vm, word string);
bool symbols_create(struct scheme *scheme, gait_thread *thread);
void symbol_keep(struct machine *vm, word symbol); /* for good */
static inline word symbol_slot(word symbol, size_t slot) {
  return slots_of(symbol)[slot];
}

/* ---- Numbers -------------------------------------------------------------------------------- */

word number_add(struct machine *vm, word a, word b);
word number_subtract(struct machine *vm, word a, word b);
word number_multiply(struct machine *vm, word a, word b);
word number_divide(struct machine *vm, word a, word b);
int number_compare(struct machine *vm, word a, word b); /* -1, 0, 1; 2: there is a NaN */
enum division { QUOTIENT, REMAINDER, MODULO, FLOOR_QUOTIENT };
word number_division(struct machine *vm, enum division division, word a, word b);
bool number_eqv(word a, word b);
bool is_number(word w);
bool is_integer(word w);
double number_double(struct machine *vm, word number);
word number_exact(struct machine *vm, double value);
word number_from_int(struct machine *vm, int64_t value);
word number_gcd(struct machine *vm, word a, word b);
word number_root(struct machine *vm, word n, word *rest); /* exact, of an exact integer */
word number_shift(struct machine *vm, word n, int64_t by);
word number_bits(struct machine *vm, char operation, word a, word b);
word number_parse(struct machine *vm, const char *text, int radix); /* W_FALSE: it is none */
word number_text(struct machine *vm, word number, int radix);
int64_t index_argument(struct machine *vm, word w, size_t limit); /* 0 .. limit */

/* ---- Equality, text, ports ------------------------------------------------------------------ */

bool eqv(word a, word b);
bool equal(struct machine *vm, word a, word b);
word read_datum(struct machine *vm, word port);
void print(struct machine *vm, word port, word value, bool write);
word port_open_string(struct machine *vm, word text, bool output);
word port_open_descriptor(struct machine *vm, int descriptor, bool output);
int32_t port_read_char(struct machine *vm, word port, bool peek); /* -1: the end */
void port_write_char(struct machine *vm, word port, uint32_t c);
void port_write_text(struct machine *vm, word port, const char *text);
void port_flush(struct machine *vm, word port);
word port_argument(struct machine *vm, word *args, size_t count, size_t index, int root);

/* ---- From text to code ---------------------------------------------------------------------- */

word compile(struct machine *vm, word form); /* a closure of no arguments */

/* ---- Builtins ------------------------------------------------------------------------------- */

#define MANY UINT32_MAX

/* Begins a builtin; where it does not use all three, its first statement is UNUSED. */
#define BUILTIN(name) static word builtin_##name(struct machine *vm, word *args, size_t count)
#define UNUSED        (void)vm, (void)args, (void)count

struct builtin_row {
  const char *name;
  builtin_fn *function;
  uint32_t least, most;
  enum special special;
};

extern const struct builtin_row list_builtins[], number_builtins[], string_builtins[],
    vector_builtins[], table_builtins[], port_builtins[], control_builtins[], thread_builtins[],
    guardian_builtins[], generator_builtins[];

void builtins_define(struct machine *vm, const struct builtin_row *rows);
gait_result scheme_create(struct scheme *scheme, gait_heap *heap);
gait_result scheme_profile(struct scheme *scheme); /* names procedures in a profile */
void forms_define(struct machine *vm);
void scheme_start(struct machine *vm);
int scheme_main(struct machine *vm, int count, char **files);

extern const gait_tags scheme_tags;
extern const char scheme_prelude[];

#endif
