/* lisp_builtins.c: what a program of the Lisp can call. */
#include "lisp.h"

#include <gait/finalizer.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static word truth(bool b) {
  return b ? number(1) : 0;
}

static word typed(struct evaluator *ev, word w, enum type type) {
  if (!is_type(w, type)) lisp_error(ev, "an argument has the wrong type");
  return w;
}

static int64_t numeral(struct evaluator *ev, word w) {
  if (!is_number(w)) lisp_error(ev, "a number is wanted");
  return number_value(w);
}

/* ---- Numbers and pairs ---- */

static word do_add(struct evaluator *ev, word *args, size_t count) {
  int64_t sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += numeral(ev, args[i]);
  return number(sum);
}

static word do_subtract(struct evaluator *ev, word *args, size_t count) {
  (void)count;
  return number(numeral(ev, args[0]) - numeral(ev, args[1]));
}

static word do_less(struct evaluator *ev, word *args, size_t count) {
  (void)count;
  return truth(numeral(ev, args[0]) < numeral(ev, args[1]));
}

static word do_same(struct evaluator *ev, word *args, size_t count) {
  (void)ev, (void)count;
  return truth(args[0] == args[1]);
}

static word do_cons(struct evaluator *ev, word *args, size_t count) {
  (void)count;
  return cons(ev, args[0], args[1]);
}

static word do_first(struct evaluator *ev, word *args, size_t count) {
  (void)count;
  return first(typed(ev, args[0], TYPE_PAIR));
}

static word do_rest(struct evaluator *ev, word *args, size_t count) {
  (void)count;
  return rest(typed(ev, args[0], TYPE_PAIR));
}

/* [set] */
static word do_set_rest(struct evaluator *ev, word *args, size_t count) {
  struct pair *pair = object_of(typed(ev, args[0], TYPE_PAIR));
  (void)count;
  gait_store_word(ev->thread, &pair->rest, args[1]); /* a number in place of a reference, too */
  return args[1];
}
/* [end] */

/* ---- Vectors ---- */

static word *item(struct evaluator *ev, word w, word index) {
  struct vector *vector = object_of(typed(ev, w, TYPE_VECTOR));
  const int64_t i = numeral(ev, index);
  if (i < 0 || (size_t)i >= vector->count) lisp_error(ev, "an index is out of range");
  return &vector->items[i];
}

static word do_vector(struct evaluator *ev, word *args, size_t count) {
  const int64_t items = numeral(ev, args[0]);
  if (items < 0) lisp_error(ev, "a count is wanted");
  return make_vector(ev, (size_t)items, count > 1 ? args[1] : 0);
}

static word do_get(struct evaluator *ev, word *args, size_t count) {
  (void)count;
  return *item(ev, args[0], args[1]);
}

static word do_put(struct evaluator *ev, word *args, size_t count) {
  (void)count;
  gait_store_word(ev->thread, item(ev, args[0], args[1]), args[2]);
  return args[2];
}

/* [copy] */
static word do_copy(struct evaluator *ev, word *args, size_t count) { /* to, from: all of it */
  struct vector *to = object_of(typed(ev, args[0], TYPE_VECTOR));
  const struct vector *from = object_of(typed(ev, args[1], TYPE_VECTOR));
  const size_t items = to->count < from->count ? to->count : from->count;
  (void)count;
  gait_copy_words(ev->thread, to->items, from->items, items); /* never memcpy */
  return args[0];
}
/* [end] */

/* ---- Text ---- */

/* [text] */
static word do_text(struct evaluator *ev, word *args, size_t count) {
  gait_array text = {0};
  gait_frame frame;
  word made = 0;
  (void)count;
  gait_array_init(ev->thread, &text, gait_kind_leaf(ev->lisp->heap), 1);
  gait_frame_push(ev->thread, &frame, &text.items, 1); /* print appends, and that allocates */
  const bool done = print(ev, &text, args[0]);         /* raises nothing: the frame is pushed */
  gait_frame_pop(ev->thread, &frame);
  if (!done) lisp_error(ev, "out of memory");
  push(ev, word_of(text.items));
  made = make_string(ev, text.items, text.count);
  drop(ev, ev->top - 1);
  return made;
}
/* [end] */

static word do_print(struct evaluator *ev, word *args, size_t count) {
  const word text = do_text(ev, args, count);
  printf("%s\n", ((struct string *)object_of(text))->text);
  return args[0];
}

static word do_text_same(struct evaluator *ev, word *args, size_t count) {
  const struct string *a = object_of(typed(ev, args[0], TYPE_STRING));
  const struct string *b = object_of(typed(ev, args[1], TYPE_STRING));
  (void)count;
  return truth(strcmp(a->text, b->text) == 0);
}

/* ---- Weak references, and memory outside ---- */

/* [weak] */
static word do_weak(struct evaluator *ev, word *args, size_t count) {
  struct weak *weak = allocate(ev, ev->lisp->weaks, TYPE_WEAK, sizeof *weak);
  (void)count;
  push(ev, word_of(weak));
  gait_weak *target = gait_weak_create(ev->thread, object_of(args[0])); /* a number, too */
  if (!target) lisp_error(ev, "out of memory");
  gait_store_init(ev->thread, &weak->target, target); /* still the slot's first store */
  drop(ev, ev->top - 1);
  return word_of(weak);
}

static word do_strong(struct evaluator *ev, word *args, size_t count) {
  const struct weak *weak = object_of(typed(ev, args[0], TYPE_WEAK));
  (void)count;
  return word_of(gait_weak_get(ev->thread, weak->target)); /* nil where it is gone */
}
/* [end] */

/* [buffer] */
static atomic_int buffers; /* that are not freed */

static void buffer_free(void *memory) {
  free(memory);
  atomic_fetch_sub(&buffers, 1);
}

static word do_buffer(struct evaluator *ev, word *args, size_t count) {
  const size_t bytes = (size_t)numeral(ev, args[0]);
  struct buffer *buffer = allocate(ev, gait_kind_leaf(ev->lisp->heap), TYPE_BUFFER, sizeof *buffer);
  (void)count;
  char *memory = calloc(bytes, 1);
  if (!memory) lisp_error(ev, "out of memory");
  if (gait_cleanup_add(ev->thread, buffer, buffer_free, memory, NULL) != GAIT_OK) {
    free(memory);
    lisp_error(ev, "out of memory");
  }
  atomic_fetch_add(&buffers, 1);
  buffer->memory = memory;
  buffer->bytes = bytes;
  push(ev, word_of(buffer));
  gait_object_set_external(ev->thread, buffer, bytes); /* a safepoint; it counts from now on */
  drop(ev, ev->top - 1);
  return word_of(buffer);
}
/* [end] */

static word do_buffers(struct evaluator *ev, word *args, size_t count) {
  (void)args, (void)count;
  gait_finalizers_run(ev->thread, SIZE_MAX);
  return number(atomic_load(&buffers));
}

static word do_collect(struct evaluator *ev, word *args, size_t count) {
  (void)args, (void)count;
  return truth(gait_heap_collect(ev->thread) == GAIT_OK);
}

/* ---- Errors ---- */

static void run_call(struct evaluator *ev, void *arg) {
  word *words = arg; /* on the evaluator's stack: the function, and then its value */
  words[0] = call(ev, words[0], 0, 0);
}

/* The value of a function of no arguments, or nil where it ended with an error. */
static word do_try(struct evaluator *ev, word *args, size_t count) {
  (void)count;
  return lisp_protect(ev, run_call, args) ? args[0] : 0;
}

static word do_check(struct evaluator *ev, word *args, size_t count) {
  (void)count;
  if (args[1] != 0) return args[1];
  do_print(ev, args, 1);
  lisp_error(ev, "this does not hold");
}

/* ---- Threads ---- */

/* [child] */
struct child {
  struct lisp *lisp;
  gait_handle *function; /* and then its value */
};

static void run_child(struct evaluator *ev, void *arg) {
  struct child *child = arg;
  const word value = call(ev, word_of(gait_handle_get(child->function)), 0, 0);
  gait_handle_set(ev->thread, child->function, object_of(value));
}

static void *child_main(void *arg) {
  struct child *child = arg;
  struct evaluator ev; /* on this thread's stack: the frame in it has to be */
  if (evaluator_begin(&ev, child->lisp, GAIT_STACK_EXACT) != GAIT_OK) return NULL;
  const bool done = lisp_protect(&ev, run_child, child);
  evaluator_end(&ev);
  return done ? arg : NULL;
}
/* [end] */

/* As deep as LISP_STACK lets it go; with musl a thread has 128 KiB of its own accord. */
static bool child_create(pthread_t *thread, struct child *child) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setstacksize(&attributes, (size_t)8 << 20);
  const bool done = pthread_create(thread, &attributes, child_main, child) == 0;
  pthread_attr_destroy(&attributes);
  return done;
}

/* [join] */
struct joining {
  pthread_t thread;
  void *result;
};

static void *join_outside(void *arg) {
  struct joining *joining = arg;
  pthread_join(joining->thread, &joining->result); /* for as long as the child takes */
  return NULL;
}

/* The values of two functions, which run at the same time. */
static word do_both(struct evaluator *ev, word *args, size_t count) {
  struct child child = {ev->lisp, gait_handle_create(ev->thread, object_of(args[0]))};
  struct joining joining;
  (void)count;
  if (!child.function) lisp_error(ev, "out of memory");
  if (!child_create(&joining.thread, &child)) {
    gait_handle_destroy(ev->thread, child.function);
    lisp_error(ev, "there is no thread");
  }
  const bool done = lisp_protect(ev, run_call, &args[1]);
  gait_thread_outside(ev->thread, join_outside, &joining);
  args[0] = word_of(gait_handle_get(child.function));
  gait_handle_destroy(ev->thread, child.function);
  if (!done || !joining.result) lisp_error(ev, "a thread has failed");
  return cons(ev, args[0], args[1]);
}
/* [end] */

/* ---- Foreign code ---- */

/* A library's function, which knows nothing of Gait and may block. */
static void foreign_each_line(FILE *in, bool (*on_line)(const char *, void *), void *arg) {
  char line[256];
  while (fgets(line, sizeof line, in)) {
    line[strcspn(line, "\n")] = '\0';
    if (!on_line(line, arg)) break;
  }
}

/* [foreign] */
struct lines {
  struct evaluator *ev;
  FILE *in;
  const char *text;
  word *words; /* on the evaluator's stack: a function, and what it is called with */
  bool failed;
};

static void run_line(struct evaluator *ev, void *arg) {
  struct lines *lines = arg;
  lines->words[1] = make_string(ev, lines->text, strlen(lines->text));
  call(ev, lines->words[0], 1, lines->words[1]);
}

static bool on_line(const char *text, void *arg) { /* the library calls it */
  struct lines *lines = arg;
  lines->text = text;
  gait_thread_enter(lines->ev->thread);
  lines->failed = !lisp_protect(lines->ev, run_line, lines); /* no error may pass the library */
  gait_thread_leave(lines->ev->thread);
  return !lines->failed;
}

static void *lines_outside(void *arg) {
  struct lines *lines = arg;
  foreign_each_line(lines->in, on_line, lines);
  return NULL;
}
/* [end] */

static word do_each_line(struct evaluator *ev, word *args, size_t count) {
  const struct string *name = object_of(typed(ev, args[1], TYPE_STRING));
  struct lines lines = {.ev = ev, .in = fopen(name->text, "r"), .words = args};
  (void)count;
  if (!lines.in) lisp_error(ev, "there is no such file");
  gait_thread_outside(ev->thread, lines_outside, &lines);
  fclose(lines.in);
  if (lines.failed) lisp_error(ev, ev->error);
  return 0;
}

/* ---- The table ---- */

static const struct {
  const char *name;
  builtin_fn *function;
  size_t least;
} builtins[] = {
    {"+", do_add, 0},           {"-", do_subtract, 2},        {"<", do_less, 2},
    {"same", do_same, 2},       {"cons", do_cons, 2},         {"first", do_first, 1},
    {"rest", do_rest, 1},       {"set-rest", do_set_rest, 2}, {"vector", do_vector, 1},
    {"get", do_get, 2},         {"put", do_put, 3},           {"copy", do_copy, 2},
    {"text", do_text, 1},       {"print", do_print, 1},       {"text-same", do_text_same, 2},
    {"weak", do_weak, 1},       {"strong", do_strong, 1},     {"buffer", do_buffer, 1},
    {"buffers", do_buffers, 0}, {"collect", do_collect, 0},   {"try", do_try, 1},
    {"check", do_check, 2},     {"both", do_both, 2},         {"each-line", do_each_line, 2},
};

static void define(struct evaluator *ev, const char *name, builtin_fn *function, size_t least) {
  struct builtin *builtin =
      allocate(ev, gait_kind_leaf(ev->lisp->heap), TYPE_BUILTIN, sizeof *builtin);
  builtin->name = name;
  builtin->function = function;
  builtin->least = least;
  push(ev, word_of(builtin));
  struct symbol *symbol = object_of(intern(ev, name));
  gait_store_word(ev->thread, &symbol->value, word_of(builtin));
  drop(ev, ev->top - 1);
}

void builtins_define(struct evaluator *ev) {
  static const char *const names[] = {"quote", "if", "lambda", "define", "while"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    ((struct symbol *)object_of(intern(ev, names[i])))->special = SPECIAL_QUOTE + i;
  for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
    define(ev, builtins[i].name, builtins[i].function, builtins[i].least);
  gait_store_word(ev->thread, &ev->lisp->ballast, make_vector(ev, 8192, 0));
}
