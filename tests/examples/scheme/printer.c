/* printer.c: values as text. */
#include "scheme.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void print_escaped(struct machine *vm, word port, word string, char quote) {
  static const char names[] = "abtnr", values[] = "\a\b\t\n\r";
  port_write_char(vm, port, (uint32_t)quote);
  for (size_t i = 0; i < length_of(string); i++) {
    const uint32_t c = string_chars(string)[i];
    const char *value = c > 0 && c < 32 ? strchr(values, (int)c) : NULL;
    if (c == (uint32_t)quote || c == '\\' || value) port_write_char(vm, port, '\\');
    port_write_char(vm, port, value ? (uint32_t)names[value - values] : c);
  }
  port_write_char(vm, port, (uint32_t)quote);
}

static void print_text(struct machine *vm, word port, word string) {
  for (size_t i = 0; i < length_of(string); i++)
    port_write_char(vm, port, string_chars(string)[i]);
}

static void print_symbol(struct machine *vm, word port, word symbol, bool write) {
  const word name = symbol_slot(symbol, SYMBOL_NAME);
  bool bars = length_of(name) == 0;
  for (size_t i = 0; i < length_of(name); i++) {
    const uint32_t c = string_chars(name)[i];
    bars |= c <= ' ' || strchr("()\"';|`,", (int)(c < 128 ? c : 'a')) != NULL;
  }
  if (length_of(name) > 0 && string_chars(name)[0] < 58 && write) {
    size_t bytes;
    const char *text = string_utf8(vm, name, 0, length_of(name), &bytes);
    bars |= number_parse(vm, text, 10) != W_FALSE || strcmp(text, ".") == 0;
  }
  if (bars && write)
    print_escaped(vm, port, name, '|');
  else
    print_text(vm, port, name);
}

static void print_char(struct machine *vm, word port, uint32_t c) {
  static const struct {
    uint32_t c;
    const char *name;
  } names[] = {{' ', "space"}, {'\n', "newline"}, {'\t', "tab"},   {0, "null"},   {'\r', "return"},
               {7, "alarm"},   {8, "backspace"},  {127, "delete"}, {27, "escape"}};
  port_write_text(vm, port, "#\\");
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (names[i].c == c) {
      port_write_text(vm, port, names[i].name);
      return;
    }
  port_write_char(vm, port, c);
}

static void print_constant(struct machine *vm, word port, word value) {
  static const char *const names[] = {"#f", "#t", "()", "#<void>", "#<eof>", "#<unbound>"};
  port_write_text(vm, port, names[value >> 8]);
}

static void print_named(struct machine *vm, word port, const char *type, word name) {
  port_write_text(vm, port, "#<");
  port_write_text(vm, port, type);
  if (is_type(name, T_SYMBOL)) {
    port_write_text(vm, port, " ");
    print_text(vm, port, symbol_slot(name, SYMBOL_NAME));
  }
  port_write_text(vm, port, ">");
}

static bool print_quoted(struct machine *vm, word port, word list, bool write) {
  static const char *const names[] = {"quote",   "'", "quasiquote",       "`",
                                      "unquote", ",", "unquote-splicing", ",@"};
  if (!is_pair(cdr(list)) || cdr(cdr(list)) != W_NIL) return false;
  for (size_t i = 0; i < 8; i += 2)
    if (car(list) == intern(vm, names[i])) {
      port_write_text(vm, port, names[i + 1]);
      print(vm, port, car(cdr(list)), write);
      return true;
    }
  return false;
}

static void print_list(struct machine *vm, word port, word list, bool write) {
  if (is_type(car(list), T_SYMBOL) && print_quoted(vm, port, list, write)) return;
  port_write_text(vm, port, "(");
  print(vm, port, car(list), write);
  word slow = list;
  for (size_t i = 0; is_pair(list = cdr(list)); i++) {
    if (i % 2 == 1) slow = cdr(slow);
    if (list == slow) { /* a circle */
      port_write_text(vm, port, " ...");
      list = W_NIL;
      break;
    }
    port_write_text(vm, port, " ");
    print(vm, port, car(list), write);
  }
  if (list != W_NIL) {
    port_write_text(vm, port, " . ");
    print(vm, port, list, write);
  }
  port_write_text(vm, port, ")");
}

static void print_vector(struct machine *vm, word port, word vector, bool write) {
  const bool bytes = is_type(vector, T_BYTES);
  port_write_text(vm, port, bytes ? "#u8(" : "#(");
  for (size_t i = 0; i < length_of(vector); i++) {
    if (i > 0) port_write_text(vm, port, " ");
    print(vm, port, bytes ? fixnum(bytes_of(vector)[i]) : slots_of(vector)[i], write);
  }
  port_write_text(vm, port, ")");
}

static void print_record(struct machine *vm, word port, word record, bool write) {
  const word type = slots_of(record)[0];
  port_write_text(vm, port, "#<");
  print(vm, port, slots_of(type)[0], false);
  for (size_t i = 1; i < length_of(record); i++) {
    port_write_text(vm, port, " ");
    print(vm, port, slots_of(record)[i], write);
  }
  port_write_text(vm, port, ">");
}

static void print_object(struct machine *vm, word port, word value, bool write) {
  switch (type_of(value)) {
  case T_SYMBOL: print_symbol(vm, port, value, write); return;
  case T_STRING:
    if (write)
      print_escaped(vm, port, value, '"');
    else
      print_text(vm, port, value);
    return;
  case T_VECTOR:
  case T_BYTES: print_vector(vm, port, value, write); return;
  case T_RECORD: print_record(vm, port, value, write); return;
  case T_RECORD_TYPE: print_named(vm, port, "record-type", slots_of(value)[0]); return;
  case T_CLOSURE: print_named(vm, port, "procedure", slots_of(slots_of(value)[0])[0]); return;
  case T_BUILTIN: print_named(vm, port, "procedure", slots_of(value)[0]); return;
  case T_CONTINUATION: print_named(vm, port, "continuation", W_FALSE); return;
  case T_PORT: print_named(vm, port, "port", W_FALSE); return;
  case T_WEAK_TABLE:
  case T_TABLE: print_named(vm, port, "hash-table", W_FALSE); return;
  case T_PROMISE: print_named(vm, port, "promise", W_FALSE); return;
  case T_ALIAS: print(vm, port, slots_of(value)[0], write); return;
  case T_PARAMETER: print_named(vm, port, "parameter", W_FALSE); return;
  case T_GENERATOR: print_named(vm, port, "generator", W_FALSE); return;
  case T_THREAD: print_named(vm, port, "thread", slots_of(value)[1]); return;
  case T_MUTEX: print_named(vm, port, "mutex", slots_of(value)[1]); return;
  case T_CONDITION: print_named(vm, port, "condition-variable", slots_of(value)[1]); return;
  default: print_named(vm, port, "object", W_FALSE); return;
  }
}

void print(struct machine *vm, word port, word value, bool write) {
  machine_recurse(vm);
  if (is_number(value))
    print_text(vm, port, number_text(vm, value, 10));
  else if (is_pair(value))
    print_list(vm, port, value, write);
  else if (is_object(value))
    print_object(vm, port, value, write);
  else if (!is_char(value))
    print_constant(vm, port, value);
  else if (write)
    print_char(vm, port, char_value(value));
  else
    port_write_char(vm, port, char_value(value));
}
