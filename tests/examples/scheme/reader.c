/* reader.c: data from a port. */
#include "scheme.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOKEN_BYTES 4096u /* of a symbol or a number */

struct reader {
  struct machine *vm;
  word port;
  word labels; /* (number . datum) ... */
};

static word reader_datum(struct reader *reader);

static int32_t reader_next(struct reader *reader) {
  return port_read_char(reader->vm, reader->port, false);
}

static int32_t reader_peek(struct reader *reader) {
  return port_read_char(reader->vm, reader->port, true);
}

static bool reader_ends(int32_t c) {
  return c < 0 || c == '(' || c == ')' || c == '"' || c == ';' || c == '\'' ||
         (c < 128 && isspace(c));
}

static void reader_skip_block(struct reader *reader) {
  for (int depth = 1, last = 0; depth > 0;) {
    const int32_t c = reader_next(reader);
    if (c < 0) scheme_error(reader->vm, "a comment has no end", W_UNBOUND);
    if (last == '|' && c == '#')
      depth--, last = 0;
    else if (last == '#' && c == '|')
      depth++, last = 0;
    else
      last = c;
  }
}

/* Reads a token after its first character; as UTF-8.  *quoted: it has a part in bars. */
static size_t reader_token(struct reader *reader, int32_t first, char *token, bool *quoted) {
  word out = port_open_string(reader->vm, W_FALSE, true);
  bool bar = false;
  *quoted = false;
  for (int32_t c = first;; c = reader_next(reader)) {
    if (c == '|')
      bar = !bar, *quoted = true;
    else if (c < 0)
      scheme_error(reader->vm, "a symbol has no end", W_UNBOUND);
    else
      port_write_char(reader->vm, out, (uint32_t)c);
    if (!bar && reader_ends(reader_peek(reader))) break;
  }
  const word *slots = slots_of(out);
  const size_t length = (size_t)fixnum_value(slots[3]);
  if (length >= TOKEN_BYTES) scheme_error(reader->vm, "a token is too long", W_UNBOUND);
  memcpy(token, bytes_of(slots[2]), length);
  token[length] = '\0';
  return length;
}

static word reader_atom(struct reader *reader, int32_t first) {
  char token[TOKEN_BYTES];
  bool quoted;
  const size_t length = reader_token(reader, first, token, &quoted);
  if (!quoted) {
    if (strcmp(token, "...") == 0 || strcmp(token, ".") == 0) return intern(reader->vm, token);
    if (strchr("+-.0123456789", token[0])) {
      const word number = number_parse(reader->vm, token, 10);
      if (number != W_FALSE) return number;
    }
  }
  return intern_string(reader->vm, string_from(reader->vm, token, length));
}

static uint32_t reader_escape(struct reader *reader) {
  static const char names[] = "abtnr\"\\|", values[] = "\a\b\t\n\r\"\\|";
  const int32_t c = reader_next(reader);
  if (c == 'x') {
    uint32_t value = 0;
    for (int32_t digit; (digit = reader_next(reader)) != ';' && digit >= 0;)
      value = value * 16 + (uint32_t)(digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10);
    return value;
  }
  const char *name = c > 0 && c < 128 ? strchr(names, c) : NULL;
  return name ? (uint32_t)values[name - names] : (uint32_t)c;
}

/* A backslash, spaces, a newline and spaces are nothing. */
static bool reader_folds(struct reader *reader) {
  int32_t c = reader_peek(reader);
  if (c != '\n' && c != ' ' && c != '\t') return false;
  while (c == ' ' || c == '\t')
    reader_next(reader), c = reader_peek(reader);
  if (c == '\n') reader_next(reader);
  while ((c = reader_peek(reader)) == ' ' || c == '\t')
    reader_next(reader);
  return true;
}

static word reader_string(struct reader *reader) {
  const word out = port_open_string(reader->vm, W_FALSE, true);
  for (int32_t c; (c = reader_next(reader)) != '"';) {
    if (c < 0) scheme_error(reader->vm, "a string has no end", W_UNBOUND);
    if (c == '\\') {
      if (reader_folds(reader)) continue;
      c = (int32_t)reader_escape(reader);
    }
    port_write_char(reader->vm, out, (uint32_t)c);
  }
  const word *slots = slots_of(out);
  return string_from(reader->vm, (const char *)bytes_of(slots[2]), (size_t)fixnum_value(slots[3]));
}

/* ---- Lists ---- */

/* The next character that is not space or comment. */
static int32_t reader_start(struct reader *reader) {
  for (;;) {
    const int32_t c = reader_next(reader);
    if (c == ';') {
      for (int32_t d = c; d >= 0 && d != '\n';)
        d = reader_next(reader);
    } else if (c == '#' && reader_peek(reader) == '|') {
      reader_next(reader);
      reader_skip_block(reader);
    } else if (c == '#' && reader_peek(reader) == ';') {
      reader_next(reader);
      reader_datum(reader);
    } else if (c < 0 || c > 127 || !isspace(c)) {
      return c;
    }
  }
}

static word reader_rest(struct reader *reader, int32_t c);

static word reader_list(struct reader *reader) {
  struct machine *vm = reader->vm;
  const word dot = intern(vm, ".");
  word head = W_NIL, tail = W_NIL;
  for (;;) {
    const int32_t c = reader_start(reader);
    if (c == ')' || c == ']') return head;
    if (c < 0) scheme_error(vm, "a list has no end", W_UNBOUND);
    const word datum = reader_rest(reader, c);
    if (datum == dot && c == '.') {
      if (tail == W_NIL) scheme_error(vm, "a datum precedes a dot", W_UNBOUND);
      set_cdr(vm, tail, reader_datum(reader));
      const int32_t end = reader_start(reader);
      if (end != ')' && end != ']') scheme_error(vm, "one datum follows a dot", W_UNBOUND);
      return head;
    }
    const word new = cons(vm, datum, W_NIL);
    if (tail == W_NIL)
      head = new;
    else
      set_cdr(vm, tail, new);
    tail = new;
  }
}

static word reader_vector(struct reader *reader, bool bytes) {
  word list = reader_list(reader);
  const size_t length = (size_t)list_length(list);
  const word vector = bytes ? make_leaf(reader->vm, T_BYTES, length, length)
                            : make_vector(reader->vm, length, W_FALSE);
  for (size_t i = 0; i < length; i++, list = cdr(list)) {
    if (bytes)
      bytes_of(vector)[i] = (uint8_t)index_argument(reader->vm, car(list), 255);
    else
      set_slot(reader->vm, vector, i, car(list));
  }
  return vector;
}

static word reader_wrapped(struct reader *reader, const char *name) {
  const word datum = reader_datum(reader);
  return cons(reader->vm, intern(reader->vm, name), cons(reader->vm, datum, W_NIL));
}

/* ---- What begins with # ---- */

static word reader_char(struct reader *reader) {
  static const struct {
    const char *name;
    uint32_t c;
  } names[] = {{"space", ' '},   {"newline", '\n'}, {"tab", '\t'},      {"nul", 0},
               {"null", 0},      {"return", '\r'},  {"linefeed", '\n'}, {"alarm", 7},
               {"backspace", 8}, {"delete", 127},   {"escape", 27},     {"altmode", 27},
               {"rubout", 127},  {"page", 12}};
  char token[TOKEN_BYTES];
  bool quoted;
  const int32_t first = reader_next(reader);
  if (reader_ends(reader_peek(reader)) || first == '(' || first == ')')
    return character((uint32_t)first);
  const size_t length = reader_token(reader, first, token, &quoted);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i].name, token) == 0) return character(names[i].c);
  if (token[0] == 'x' && length > 1) return character((uint32_t)strtoul(token + 1, NULL, 16));
  if (token[0] == 'U' && token[1] == '+') return character((uint32_t)strtoul(token + 2, NULL, 16));
  const word string = string_from(reader->vm, token, length);
  if (length_of(string) != 1) scheme_error(reader->vm, "there is no such character", string);
  return character(string_chars(string)[0]);
}

static void reader_patch(struct machine *vm, word datum, word mark, word value) {
  machine_recurse(vm);
  for (; is_pair(datum); datum = cdr(datum)) {
    if (car(datum) == mark)
      set_car(vm, datum, value);
    else
      reader_patch(vm, car(datum), mark, value);
    if (cdr(datum) == mark) {
      set_cdr(vm, datum, value);
      return;
    }
  }
  if (is_type(datum, T_VECTOR))
    for (size_t i = 0; i < length_of(datum); i++) {
      if (slots_of(datum)[i] == mark)
        set_slot(vm, datum, i, value);
      else
        reader_patch(vm, slots_of(datum)[i], mark, value);
    }
}

/* #0= and #0# */
static word reader_label(struct reader *reader, int32_t c) {
  struct machine *vm = reader->vm;
  int64_t number = c - '0';
  while ((c = reader_next(reader)) >= '0' && c <= '9')
    number = number * 10 + c - '0';
  if (c == '#') {
    for (word at = reader->labels; at != W_NIL; at = cdr(at))
      if (car(car(at)) == fixnum(number)) return cdr(car(at));
    scheme_error(vm, "there is no such label", fixnum(number));
  }
  const word mark = make_object(vm, T_BOX, 1), entry = cons(vm, fixnum(number), mark);
  reader->labels = cons(vm, entry, reader->labels);
  const word datum = reader_datum(reader);
  set_cdr(vm, entry, datum);
  reader_patch(vm, datum, mark, datum);
  return datum;
}

static word reader_hash(struct reader *reader) {
  char token[TOKEN_BYTES];
  bool quoted;
  const int32_t c = reader_next(reader);
  if (c == '(') return reader_vector(reader, false);
  if (c == '\\') return reader_char(reader);
  if (c >= '0' && c <= '9') return reader_label(reader, c);
  reader_token(reader, c, token, &quoted);
  if (strcasecmp(token, "t") == 0 || strcasecmp(token, "true") == 0) return W_TRUE;
  if (strcasecmp(token, "f") == 0 || strcasecmp(token, "false") == 0) return W_FALSE;
  if (strcmp(token, "u8") == 0 && reader_next(reader) == '(') return reader_vector(reader, true);
  if (strcmp(token, "!eof") == 0) return W_EOF;
  if (token[0] == '!') return reader_datum(reader); /* #!fold-case and its like */
  char text[TOKEN_BYTES + 1] = "#";
  strcpy(text + 1, token);
  const word number = number_parse(reader->vm, text, 10);
  if (number == W_FALSE)
    scheme_error(reader->vm, "this is no datum", string_from(reader->vm, text, strlen(text)));
  return number;
}

static word reader_rest(struct reader *reader, int32_t c) {
  machine_recurse(reader->vm);
  switch (c) {
  case '(':
  case '[': return reader_list(reader);
  case ')': scheme_error(reader->vm, "a list was not begun", W_UNBOUND);
  case '\'': return reader_wrapped(reader, "quote");
  case '`': return reader_wrapped(reader, "quasiquote");
  case '"': return reader_string(reader);
  case '#': return reader_hash(reader);
  case ',':
    if (reader_peek(reader) != '@') return reader_wrapped(reader, "unquote");
    reader_next(reader);
    return reader_wrapped(reader, "unquote-splicing");
  default: return reader_atom(reader, c);
  }
}

static word reader_datum(struct reader *reader) {
  const int32_t c = reader_start(reader);
  if (c < 0) return W_EOF;
  const word datum = reader_rest(reader, c);
  if (c == '.' && datum == intern(reader->vm, "."))
    scheme_error(reader->vm, "a dot is in no list", W_UNBOUND);
  return datum;
}

word read_datum(struct machine *vm, word port) {
  struct reader reader = {vm, port, W_NIL};
  return reader_datum(&reader);
}
