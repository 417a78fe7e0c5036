/* ports.c: strings as UTF-8, and ports: buffers of bytes that a descriptor fills or takes, or none.
 */
#include "scheme.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PORT_DESCRIPTOR, PORT_OUTPUT, PORT_BUFFER, PORT_AT, PORT_END, PORT_OPEN, PORT_SLOTS };

#define PORT_BYTES 4096u

/* ---- UTF-8 ---- */

static size_t utf8_put(uint8_t *to, uint32_t c) {
  if (c < 0x80) return to[0] = (uint8_t)c, 1;
  const size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static const uint8_t first[] = {0, 0xC0, 0xE0, 0xF0};
  for (size_t i = more; i > 0; i--, c >>= 6)
    to[i] = (uint8_t)(0x80 | (c & 0x3F));
  to[0] = (uint8_t)(first[more] | c);
  return more + 1;
}

static size_t utf8_length(uint8_t first) {
  return first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static uint32_t utf8_get(const uint8_t *from, size_t length) {
  uint32_t c = length == 1 ? from[0] : from[0] & (0x7Fu >> length);
  for (size_t i = 1; i < length; i++)
    c = c << 6 | (from[i] & 0x3F);
  return c;
}

word string_from(struct machine *vm, const char *text, size_t bytes) {
  const uint8_t *at = (const uint8_t *)text;
  size_t length = 0;
  for (size_t i = 0; i < bytes; i += utf8_length(at[i]))
    length++;
  const word string = make_string(vm, length);
  for (size_t i = 0, n = 0; n < length; n++) {
    size_t one = utf8_length(at[i]);
    if (one > bytes - i) one = 1;
    string_chars(string)[n] = utf8_get(at + i, one);
    i += one;
  }
  return string;
}

char *string_utf8(struct machine *vm, word string, size_t from, size_t to, size_t *bytes) {
  const word buffer = make_leaf(vm, T_BYTES, 0, (to - from) * 4 + 1);
  size_t length = 0;
  for (size_t i = from; i < to; i++)
    length += utf8_put(bytes_of(buffer) + length, string_chars(string)[i]);
  *bytes = length;
  return (char *)bytes_of(buffer);
}

/* ---- Ports ---- */

static int64_t port_number(word port, size_t slot) {
  return fixnum_value(slots_of(port)[slot]);
}

static void port_set(word port, size_t slot, int64_t number) {
  slots_of(port)[slot] = fixnum(number); /* never a reference */
}

static word port_make(struct machine *vm, int descriptor, bool output, word buffer, int64_t end) {
  const word slots[PORT_SLOTS] = {fixnum(descriptor), boolean(output), buffer,
                                  fixnum(0),          fixnum(end),     W_TRUE};
  return make_values(vm, T_PORT, PORT_SLOTS, slots);
}

word port_open_string(struct machine *vm, word text, bool output) {
  if (output) return port_make(vm, -1, true, make_leaf(vm, T_BYTES, 64, 64), 0);
  if (is_type(text, T_BYTES)) return port_make(vm, -1, false, text, (int64_t)length_of(text));
  size_t bytes;
  const char *utf8 = string_utf8(vm, text, 0, length_of(text), &bytes);
  const word buffer = make_leaf(vm, T_BYTES, bytes, bytes);
  memcpy(bytes_of(buffer), utf8, bytes);
  return port_make(vm, -1, false, buffer, (int64_t)bytes);
}

word port_open_descriptor(struct machine *vm, int descriptor, bool output) {
  return port_make(vm, descriptor, output, make_leaf(vm, T_BYTES, PORT_BYTES, PORT_BYTES), 0);
}

/* Reads more bytes; whether there are any.  The buffer is alive through C's stack. */
static bool port_fill(struct machine *vm, word port) {
  uint8_t *buffer = bytes_of(slots_of(port)[PORT_BUFFER]);
  const int descriptor = (int)port_number(port, PORT_DESCRIPTOR);
  ssize_t count = 0;
  if (descriptor >= 0) {
    do {
      gait_thread_leave(vm->thread);
      count = read(descriptor, buffer, PORT_BYTES);
      gait_thread_enter(vm->thread);
    } while (count < 0 && errno == EINTR && !vm->interrupted);
    if (count <= 0) machine_look(vm);
    port_set(port, PORT_AT, 0);
    port_set(port, PORT_END, count > 0 ? count : 0);
  }
  return count > 0;
}

static int port_peek_byte(struct machine *vm, word port) {
  if (port_number(port, PORT_AT) >= port_number(port, PORT_END) && !port_fill(vm, port)) return -1;
  return bytes_of(slots_of(port)[PORT_BUFFER])[port_number(port, PORT_AT)];
}

/* A character whose bytes are in two fillings is put together in the buffer's start. */
static size_t port_char_bytes(struct machine *vm, word port, uint8_t *bytes) {
  const int first = port_peek_byte(vm, port);
  if (first < 0) return 0;
  const size_t length = utf8_length((uint8_t)first);
  for (size_t i = 0; i < length; i++) {
    const int byte = port_peek_byte(vm, port);
    if (byte < 0) return i;
    bytes[i] = (uint8_t)byte;
    port_set(port, PORT_AT, port_number(port, PORT_AT) + 1);
  }
  return length;
}

int32_t port_read_char(struct machine *vm, word port, bool peek) {
  const int byte = port_peek_byte(vm, port);
  const int64_t at = port_number(port, PORT_AT);
  if (byte < 0x80) {
    if (!peek && byte >= 0) port_set(port, PORT_AT, at + 1);
    return byte;
  }
  uint8_t bytes[4] = {0};
  const size_t length = port_char_bytes(vm, port, bytes);
  if (peek) {
    const int64_t now = port_number(port, PORT_AT), back = (int64_t)length;
    if (now < back) {
      uint8_t *buffer = bytes_of(slots_of(port)[PORT_BUFFER]);
      const int64_t rest = port_number(port, PORT_END) - now;
      const int64_t room = PORT_BYTES - back < rest ? PORT_BYTES - back : rest;
      memmove(buffer + back, buffer + now, (size_t)room);
      memcpy(buffer, bytes, length);
      port_set(port, PORT_END, back + room);
      port_set(port, PORT_AT, 0);
    } else {
      port_set(port, PORT_AT, now - back);
    }
  }
  return (int32_t)utf8_get(bytes, length);
}

static void port_write_bytes(struct machine *vm, int descriptor, const uint8_t *bytes,
                             size_t count) {
  while (count > 0) {
    gait_thread_leave(vm->thread);
    const ssize_t done = write(descriptor, bytes, count);
    gait_thread_enter(vm->thread);
    if (done < 0 && errno == EINTR && !vm->interrupted) continue;
    if (done <= 0) return;
    bytes += done;
    count -= (size_t)done;
  }
}

void port_flush(struct machine *vm, word port) {
  const int64_t descriptor = port_number(port, PORT_DESCRIPTOR), at = port_number(port, PORT_AT);
  if (descriptor < 0 || slots_of(port)[PORT_OUTPUT] == W_FALSE) return;
  port_set(port, PORT_AT, 0);
  port_write_bytes(vm, (int)descriptor, bytes_of(slots_of(port)[PORT_BUFFER]), (size_t)at);
}

static void port_put(struct machine *vm, word port, uint8_t byte) {
  word buffer = slots_of(port)[PORT_BUFFER];
  const size_t at = (size_t)port_number(port, PORT_AT);
  const size_t length = length_of(buffer);
  if (at >= length) { /* greater where another thread writes there as well */
    if (port_number(port, PORT_DESCRIPTOR) >= 0) {
      port_flush(vm, port);
      port_put(vm, port, byte);
      return;
    }
    const word new = make_leaf(vm, T_BYTES, at * 2, at * 2);
    memcpy(bytes_of(new), bytes_of(buffer), length);
    set_slot(vm, port, PORT_BUFFER, new);
    buffer = new;
  }
  bytes_of(buffer)[at] = byte;
  port_set(port, PORT_AT, (int64_t)at + 1);
}

void port_write_char(struct machine *vm, word port, uint32_t c) {
  uint8_t bytes[4] = {0};
  const size_t length = utf8_put(bytes, c);
  for (size_t i = 0; i < length; i++)
    port_put(vm, port, bytes[i]);
}

void port_write_text(struct machine *vm, word port, const char *text) {
  while (*text != '\0')
    port_put(vm, port, (uint8_t)*text++);
}

word port_argument(struct machine *vm, word *args, size_t count, size_t index, int root) {
  const word port = index < count ? args[index] : vm->scheme->roots[root];
  if (!is_type(port, T_PORT)) scheme_wrong(vm, "a port", port);
  if (slots_of(port)[PORT_OPEN] == W_FALSE) scheme_error(vm, "the port is closed", port);
  if ((slots_of(port)[PORT_OUTPUT] != W_FALSE) != (root != ROOT_IN))
    scheme_wrong(vm, root == ROOT_IN ? "a port for input" : "a port for output", port);
  return port;
}

/* ---- Builtins ---- */

static word builtin_open(struct machine *vm, word name, int flags) {
  if (!is_type(name, T_STRING)) scheme_wrong(vm, "a string", name);
  size_t bytes;
  const char *path = string_utf8(vm, name, 0, length_of(name), &bytes);
  gait_thread_leave(vm->thread);
  const int descriptor = open(path, flags | O_CLOEXEC, 0666);
  gait_thread_enter(vm->thread);
  if (descriptor < 0) scheme_error(vm, "the file cannot be opened", name);
  return port_open_descriptor(vm, descriptor, flags != O_RDONLY);
}

static word builtin_open_input(struct machine *vm, word *args, size_t count) {
  (void)count;
  return builtin_open(vm, args[0], O_RDONLY);
}

static word builtin_open_output(struct machine *vm, word *args, size_t count) {
  (void)count;
  return builtin_open(vm, args[0], O_WRONLY | O_CREAT | O_TRUNC);
}

static word builtin_close(struct machine *vm, word *args, size_t count) {
  (void)count;
  const word port = args[0];
  if (!is_type(port, T_PORT)) scheme_wrong(vm, "a port", port);
  if (slots_of(port)[PORT_OPEN] == W_FALSE) return W_VOID;
  port_flush(vm, port);
  slots_of(port)[PORT_OPEN] = W_FALSE;
  if (port_number(port, PORT_DESCRIPTOR) > 2) close((int)port_number(port, PORT_DESCRIPTOR));
  return W_VOID;
}

static word builtin_open_string(struct machine *vm, word *args, size_t count) {
  if (count == 0) return port_open_string(vm, W_FALSE, true);
  if (!is_type(args[0], T_STRING) && !is_type(args[0], T_BYTES))
    scheme_wrong(vm, "a string or bytevector", args[0]);
  return port_open_string(vm, args[0], false);
}

static word builtin_output_string(struct machine *vm, word *args, size_t count) {
  const word port = port_argument(vm, args, count, 0, ROOT_OUT);
  return string_from(vm, (const char *)bytes_of(slots_of(port)[PORT_BUFFER]),
                     (size_t)port_number(port, PORT_AT));
}

static word builtin_output_bytes(struct machine *vm, word *args, size_t count) {
  const word port = port_argument(vm, args, count, 0, ROOT_OUT);
  const size_t length = (size_t)port_number(port, PORT_AT);
  const word bytes = make_leaf(vm, T_BYTES, length, length);
  memcpy(bytes_of(bytes), bytes_of(slots_of(port)[PORT_BUFFER]), length);
  return bytes;
}

static word builtin_read_char(struct machine *vm, word *args, size_t count) {
  const int32_t c = port_read_char(vm, port_argument(vm, args, count, 0, ROOT_IN), false);
  return c < 0 ? W_EOF : character((uint32_t)c);
}

static word builtin_peek_char(struct machine *vm, word *args, size_t count) {
  const int32_t c = port_read_char(vm, port_argument(vm, args, count, 0, ROOT_IN), true);
  return c < 0 ? W_EOF : character((uint32_t)c);
}

static word builtin_read_byte(struct machine *vm, word *args, size_t count) {
  const word port = port_argument(vm, args, count, 0, ROOT_IN);
  const int byte = port_peek_byte(vm, port);
  if (byte < 0) return W_EOF;
  port_set(port, PORT_AT, port_number(port, PORT_AT) + 1);
  return fixnum(byte);
}

static word builtin_peek_byte(struct machine *vm, word *args, size_t count) {
  const int byte = port_peek_byte(vm, port_argument(vm, args, count, 0, ROOT_IN));
  return byte < 0 ? W_EOF : fixnum(byte);
}

static word builtin_write_char(struct machine *vm, word *args, size_t count) {
  if (!is_char(args[0])) scheme_wrong(vm, "a character", args[0]);
  port_write_char(vm, port_argument(vm, args, count, 1, ROOT_OUT), char_value(args[0]));
  return W_VOID;
}

static word builtin_write_byte(struct machine *vm, word *args, size_t count) {
  port_put(vm, port_argument(vm, args, count, 1, ROOT_OUT),
           (uint8_t)index_argument(vm, args[0], 255));
  return W_VOID;
}

static word builtin_write_string(struct machine *vm, word *args, size_t count) {
  const word port = port_argument(vm, args, count, 1, ROOT_OUT);
  if (!is_type(args[0], T_STRING)) scheme_wrong(vm, "a string", args[0]);
  const size_t length = length_of(args[0]);
  const int64_t from = count > 2 ? index_argument(vm, args[2], length) : 0;
  const int64_t to = count > 3 ? index_argument(vm, args[3], length) : (int64_t)length;
  for (int64_t i = from; i < to; i++)
    port_write_char(vm, port, string_chars(args[0])[i]);
  return W_VOID;
}

static word builtin_newline(struct machine *vm, word *args, size_t count) {
  port_write_char(vm, port_argument(vm, args, count, 0, ROOT_OUT), '\n');
  return W_VOID;
}

static word builtin_display(struct machine *vm, word *args, size_t count) {
  print(vm, port_argument(vm, args, count, 1, ROOT_OUT), args[0], false);
  return W_VOID;
}

static word builtin_write(struct machine *vm, word *args, size_t count) {
  print(vm, port_argument(vm, args, count, 1, ROOT_OUT), args[0], true);
  return W_VOID;
}

static word builtin_flush(struct machine *vm, word *args, size_t count) {
  port_flush(vm, port_argument(vm, args, count, 0, ROOT_OUT));
  return W_VOID;
}

static word builtin_read(struct machine *vm, word *args, size_t count) {
  return read_datum(vm, port_argument(vm, args, count, 0, ROOT_IN));
}

static word builtin_ready(struct machine *vm, word *args, size_t count) {
  (void)port_argument(vm, args, count, 0, ROOT_IN);
  return W_TRUE;
}

static word builtin_current(struct machine *vm, int root, word *args, size_t count) {
  const word old = vm->scheme->roots[root];
  if (count > 0) gait_store_word(vm->thread, &vm->scheme->roots[root], args[0]);
  return old;
}

static word builtin_current_out(struct machine *vm, word *args, size_t count) {
  return builtin_current(vm, ROOT_OUT, args, count);
}

static word builtin_current_in(struct machine *vm, word *args, size_t count) {
  return builtin_current(vm, ROOT_IN, args, count);
}

static word builtin_current_err(struct machine *vm, word *args, size_t count) {
  return builtin_current(vm, ROOT_ERR, args, count);
}

static word builtin_is_port(struct machine *vm, word *args, size_t count) {
  (void)vm, (void)count;
  if (!is_type(args[0], T_PORT)) return W_FALSE;
  return count == 1 ? W_TRUE : boolean(slots_of(args[0])[PORT_OUTPUT] == args[1]);
}

static word builtin_is_open(struct machine *vm, word *args, size_t count) {
  (void)count;
  if (!is_type(args[0], T_PORT)) scheme_wrong(vm, "a port", args[0]);
  return slots_of(args[0])[PORT_OPEN];
}

static word builtin_exists(struct machine *vm, word *args, size_t count) {
  (void)count;
  if (!is_type(args[0], T_STRING)) scheme_wrong(vm, "a string", args[0]);
  size_t bytes;
  return boolean(access(string_utf8(vm, args[0], 0, length_of(args[0]), &bytes), F_OK) == 0);
}

static word builtin_delete(struct machine *vm, word *args, size_t count) {
  (void)count;
  if (!is_type(args[0], T_STRING)) scheme_wrong(vm, "a string", args[0]);
  size_t bytes;
  if (unlink(string_utf8(vm, args[0], 0, length_of(args[0]), &bytes)) != 0)
    scheme_error(vm, "the file cannot be deleted", args[0]);
  return W_VOID;
}

const struct builtin_row port_builtins[] = {
    {"open-input-file", builtin_open_input, 1, 1, 0},
    {"open-output-file", builtin_open_output, 1, 1, 0},
    {"open-binary-input-file", builtin_open_input, 1, 1, 0},
    {"open-binary-output-file", builtin_open_output, 1, 1, 0},
    {"close-port", builtin_close, 1, 1, 0},
    {"close-input-port", builtin_close, 1, 1, 0},
    {"close-output-port", builtin_close, 1, 1, 0},
    {"open-input-string", builtin_open_string, 1, 1, 0},
    {"open-input-bytevector", builtin_open_string, 1, 1, 0},
    {"open-output-string", builtin_open_string, 0, 0, 0},
    {"open-output-bytevector", builtin_open_string, 0, 0, 0},
    {"get-output-string", builtin_output_string, 1, 1, 0},
    {"get-output-bytevector", builtin_output_bytes, 1, 1, 0},
    {"read-char", builtin_read_char, 0, 1, 0},
    {"peek-char", builtin_peek_char, 0, 1, 0},
    {"read-u8", builtin_read_byte, 0, 1, 0},
    {"peek-u8", builtin_peek_byte, 0, 1, 0},
    {"char-ready?", builtin_ready, 0, 1, 0},
    {"u8-ready?", builtin_ready, 0, 1, 0},
    {"write-char", builtin_write_char, 1, 2, 0},
    {"write-u8", builtin_write_byte, 1, 2, 0},
    {"write-string", builtin_write_string, 1, 4, 0},
    {"newline", builtin_newline, 0, 1, 0},
    {"display", builtin_display, 1, 2, 0},
    {"write", builtin_write, 1, 2, 0},
    {"write-simple", builtin_write, 1, 2, 0},
    {"write-shared", builtin_write, 1, 2, 0},
    {"flush-output-port", builtin_flush, 0, 1, 0},
    {"read", builtin_read, 0, 1, 0},
    {"%current-output", builtin_current_out, 0, 1, 0},
    {"%current-input", builtin_current_in, 0, 1, 0},
    {"%current-error", builtin_current_err, 0, 1, 0},
    {"%port?", builtin_is_port, 1, 2, 0},
    {"%port-open?", builtin_is_open, 1, 1, 0},
    {"file-exists?", builtin_exists, 1, 1, 0},
    {"delete-file", builtin_delete, 1, 1, 0},
    {0},
};
