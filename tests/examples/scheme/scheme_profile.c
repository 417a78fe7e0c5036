/* scheme_profile.c: the procedures that a machine is in, for a profile of allocation.
 *
 * An instruction that allocates has noted its frame first.  The frames on the machine's stack are
 * told, and not those that lie in segments, nor those of the machines that wait for this one. */
#include "scheme.h"

#include <gait/profile.h>

#define PROFILE_NAME_BYTES 64
#define PROFILE_NAMES      64

/* Writes a symbol's name as UTF-8, as far as it fits. */
static const char *profile_name(word symbol, char text[PROFILE_NAME_BYTES]) {
  if (!is_type(symbol, T_SYMBOL)) return "lambda";
  const word name = slots_of(symbol)[SYMBOL_NAME];
  size_t used = 0;
  for (size_t i = 0; i < length_of(name) && used + 4 < PROFILE_NAME_BYTES; i++) {
    const uint32_t c = string_chars(name)[i];
    if (c < 0x80) {
      text[used++] = (char)c;
      continue;
    }
    const unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    text[used++] = (char)(0xFF00u >> (more + 1) | c >> 6 * more);
    for (unsigned part = more; part-- > 0;)
      text[used++] = (char)(0x80 | (c >> 6 * part & 0x3F));
  }
  text[used] = '\0';
  return text;
}

/* The name of what runs in a frame, W_FALSE where it has none; 0: it is no procedure. */
static word profile_callee(word callee) {
  if (is_type(callee, T_CLOSURE))
    return ((const struct code *)object_of(slots_of(callee)[0]))->name;
  if (is_type(callee, T_BUILTIN)) return ((const struct builtin *)object_of(callee))->name;
  return 0;
}

static size_t profile_frames(gait_thread *thread, gait_profile_frame *frames, size_t most,
                             void *arg) {
  static _Thread_local char names[PROFILE_NAMES][PROFILE_NAME_BYTES];
  const struct machine *vm = gait_thread_user(thread);
  size_t count = 0;
  (void)arg;
  while (vm && vm->inner)
    vm = vm->inner;
  if (!vm || !vm->running) return 0;
  const word *bottom = vm->stack + REGISTERS + FRAME_WORDS;
  for (const word *fp = vm->fp; fp >= bottom && count < most && count < PROFILE_NAMES;) {
    const word name = profile_callee(fp[-1]);
    if (name) {
      frames[count] = (gait_profile_frame){.function = profile_name(name, names[count])};
      count++;
    }
    if (fp[-3] == 0) break;
    fp -= fp[-3] / sizeof(word);
  }
  return count;
}

gait_result scheme_profile(struct scheme *scheme) {
  return gait_profile_set_frames(scheme->heap, profile_frames, NULL);
}
