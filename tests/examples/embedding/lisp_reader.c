/* lisp_reader.c: from text to lists, and back. */
#include "lisp.h"

#include <gait/scope.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_BYTES 128u

static int skip_space(FILE *in) {
  int c = getc(in);
  while (c == ' ' || c == '\n' || c == ';') {
    while (c == ';' && c != EOF) {
      do
        c = getc(in);
      while (c != '\n' && c != EOF);
    }
    if (c != EOF) c = getc(in);
  }
  return c;
}

static word read_string(struct evaluator *ev, FILE *in) {
  char text[TOKEN_BYTES];
  size_t length = 0;
  for (int c = getc(in); c != '"'; c = getc(in)) {
    if (c == EOF || length == sizeof text) lisp_error(ev, "a string is too long");
    text[length++] = (char)c;
  }
  return make_string(ev, text, length);
}

static word read_atom(struct evaluator *ev, FILE *in, int c) {
  char text[TOKEN_BYTES], *end;
  size_t length = 0;
  for (; c != EOF && !strchr(" \n()\";", c); c = getc(in)) {
    if (length == sizeof text - 1) lisp_error(ev, "a name is too long");
    text[length++] = (char)c;
  }
  ungetc(c, in);
  text[length] = '\0';
  const long value = strtol(text, &end, 10);
  if (end != text && *end == '\0') return number(value);
  return strcmp(text, "nil") == 0 ? 0 : intern(ev, text);
}

static word reverse(struct evaluator *ev, word list) {
  word done = 0;
  while (list != 0) {
    const word next = rest(list);
    gait_store_word(ev->thread, &((struct pair *)object_of(list))->rest, done);
    done = list;
    list = next;
  }
  return done;
}

/* [reader] */
static word read_list(struct evaluator *ev, FILE *in) {
  gait_scope scope;
  gait_scope_open(ev->thread, &scope);
  void **list = gait_scope_add(ev->thread, NULL); /* a place that keeps what is put there */
  word form;
  if (!list) lisp_error(ev, "out of memory"); /* lisp_protect closes the scope */
  while (read_form(ev, in, &form)) /* a safepoint: `form` is held by nobody until cons has it */
    *list = object_of(cons(ev, form, word_of(*list)));
  const word done = reverse(ev, word_of(*list)); /* no safepoint */
  gait_scope_close(ev->thread, &scope);
  return done;
}
/* [end] */

/* False as well at the end of a list. */
bool read_form(struct evaluator *ev, FILE *in, word *form) {
  const int c = skip_space(in);
  switch (c) {
  case EOF:
  case ')': return false;
  case '(': *form = read_list(ev, in); return true;
  case '"': *form = read_string(ev, in); return true;
  case '\'':
    if (!read_form(ev, in, form)) lisp_error(ev, "a form is missing");
    *form = cons(ev, *form, 0);
    push(ev, *form);
    *form = cons(ev, intern(ev, "quote"), *form);
    drop(ev, ev->top - 1);
    return true;
  default: *form = read_atom(ev, in, c); return true;
  }
}

/* ---- Printing ---- */

/* [printer] */
static bool print_text(struct evaluator *ev, gait_array *text, const char *chars) {
  return gait_array_append_copy(ev->thread, text, chars, strlen(chars));
}

static bool print_list(struct evaluator *ev, gait_array *text, word list) {
  bool done = print_text(ev, text, "(");
  for (; done && is_type(list, TYPE_PAIR); list = rest(list)) {
    done = print(ev, text, first(list));
    if (done && is_type(rest(list), TYPE_PAIR)) done = print_text(ev, text, " ");
  }
  return done && print_text(ev, text, ")");
}
/* [end] */

bool print(struct evaluator *ev, gait_array *text, word w) {
  char chars[32];
  if (w == 0) return print_text(ev, text, "nil");
  if (is_number(w)) {
    snprintf(chars, sizeof chars, "%" PRId64, number_value(w));
    return print_text(ev, text, chars);
  }
  if (is_type(w, TYPE_PAIR)) return print_list(ev, text, w);
  if (is_type(w, TYPE_SYMBOL)) return print_text(ev, text, ((struct symbol *)object_of(w))->name);
  if (is_type(w, TYPE_STRING)) return print_text(ev, text, ((struct string *)object_of(w))->text);
  snprintf(chars, sizeof chars, "<%s>", gait_object_kind_name(ev->lisp->heap, object_of(w)));
  return print_text(ev, text, chars);
}
