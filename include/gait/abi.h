/* abi.h: the sizes by which a program tells the library of the headers that it was compiled with.
 *
 * Include gait.h, not this file.  A program calls the functions of gait.h: they compile into these,
 * and those of tune.h into what stands at its end, with the size that a structure has in the
 * program's headers, and with the number of the layouts that inline.h compiles into the program.  A
 * binding to another language calls these, with the size of its own declaration.
 *
 * The library reads and writes no more than that size.  What it knows beyond it keeps its default;
 * what the program knows beyond the library's own structure is set to zero where the library fills
 * it.  A size that is less than version 0.2.0 had is GAIT_ERROR_ARGUMENT, or the failed check
 * `struct.bytes` where there is no result; so is one of options, or of a kind's description, that
 * is more than the library knows. */
#ifndef GAIT_ABI_H
#define GAIT_ABI_H

GAIT_API void gait_options_init_sized(gait_options *options, size_t options_bytes);
GAIT_API gait_result gait_kind_register_sized(gait_heap *heap, const gait_kind_info *info,
                                              size_t info_bytes, gait_kind *kind);
/* `abi` is GAIT_ABI.  Fails: GAIT_ERROR_ABI for another number, with a line in the log. */
GAIT_API gait_result gait_heap_create_abi(const gait_options *options, gait_heap **heap,
                                          unsigned abi);
GAIT_API gait_result gait_thread_attach_abi(gait_heap *heap, const char *name,
                                            gait_thread_roots roots, gait_thread **thread,
                                            unsigned abi);

static inline void gait_options_init(gait_options *options) {
  gait_options_init_sized(options, sizeof *options);
}

static inline gait_result gait_kind_register(gait_heap *heap, const gait_kind_info *info,
                                             gait_kind *kind) {
  return gait_kind_register_sized(heap, info, sizeof *info, kind);
}

static inline gait_result gait_heap_create(const gait_options *options, gait_heap **heap) {
  return gait_heap_create_abi(options, heap, GAIT_ABI);
}

static inline gait_result gait_thread_attach(gait_heap *heap, const char *name,
                                             gait_thread_roots roots, gait_thread **thread) {
  return gait_thread_attach_abi(heap, name, roots, thread, GAIT_ABI);
}

#endif
