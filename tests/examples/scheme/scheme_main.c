/* scheme_main.c: an interpreter from a heap: builtins, the prelude, files. */
#include "scheme.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static word call_global(struct machine *vm, const char *name, size_t count, const word *arguments) {
  return machine_run(vm, symbol_slot(intern(vm, name), SYMBOL_VALUE), count, arguments);
}

static word port_of(struct machine *vm, int descriptor, bool output, int root) {
  const word port = port_open_descriptor(vm, descriptor, output);
  gait_store_word(vm->thread, &vm->scheme->roots[root], port);
  return port;
}

void scheme_start(struct machine *vm) {
  static const struct builtin_row *const rows[] = {
      list_builtins, number_builtins,  string_builtins, vector_builtins,   table_builtins,
      port_builtins, control_builtins, thread_builtins, guardian_builtins, generator_builtins};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    builtins_define(vm, rows[i]);
  forms_define(vm);
  port_of(vm, 0, false, ROOT_IN);
  port_of(vm, 1, true, ROOT_OUT);
  port_of(vm, 2, true, ROOT_ERR);
  const word text = string_from(vm, scheme_prelude, strlen(scheme_prelude));
  const word port = port_open_string(vm, text, false);
  for (word form; (form = read_datum(vm, port)) != W_EOF;)
    machine_run(vm, call_global(vm, "%compile", 1, &form), 0, NULL);
  call_global(vm, "%ballast!", 0, NULL);
}

int scheme_main(struct machine *vm, int count, char **files) {
  bool good = true;
  for (int i = 0; i < count; i++) {
    const word name = string_from(vm, files[i], strlen(files[i]));
    good &= call_global(vm, "%run-file", 1, &name) == W_TRUE;
  }
  if (count == 0) call_global(vm, "%listen", 0, NULL);
  threads_stop(vm);
  return good ? 0 : 70;
}
