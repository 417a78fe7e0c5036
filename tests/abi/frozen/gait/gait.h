/* gait.h: an embeddable, concurrent mark-sweep garbage collector with a pacer.  You call us.
 *
 * In the order in which a person meets the tasks: results, a heap and its options, kinds of object,
 * threads, allocation, stores, roots, collection.  Beside it, each for a task of its own:
 *   embed.h  the functions that we call of yours
 *   tune.h   statistics, a record of each cycle, settings of a running heap, the table of options
 *   debug.h  options that help to find bugs
 *   fiber.h  stacks that threads run on besides their own: coroutines, generators, green threads
 *   array.h  growable arrays, and views of their bytes
 *   weak.h   references that do not keep their objects
 *   ephemeron.h  pairs of a key and a value that the key keeps
 *   weak_table.h  weak hash tables, and tables of interned objects
 *   finalizer.h  functions that run when an object is dead
 *   pool.h   pools of objects that are used again
 *   budget.h one memory limit for several heaps
 *   scope.h  scopes of handles, for threads with exact frames
 *   profile.h a profile of allocation, for pprof
 *   walk.h   the objects of a heap, one by one, and what refers to them
 *   dump.h   a dump of a heap to a file: its objects, their references, and roots
 *   jit.h    offsets and constants for compilers that make the fast paths themselves
 *   gait.hpp classes for C++
 *
 * The line at the end of a contract:
 *   Thread  its callers.  "attached": the thread that owns the gait_thread, in managed state.
 *           "any": attached or not, in either state; but not from a callback (embed.h).
 *   GC      whether the call is a safepoint (the collector may act on this thread), may start a
 *           cycle, or may mark.
 *   Fails   how.
 * A call without the word GC is no safepoint, starts no cycle and marks nothing, but for a store's
 * barrier, which notes the store.  A signal handler may call nothing here.
 *
 * A reference that is stored, and every `arg`, may be NULL; any other pointer may where that is
 * said, and nowhere else.  To a NULL that may not be, a call that has a gait_result says
 * GAIT_ERROR_ARGUMENT and has done nothing; any other ends the program with the failed check
 * `argument.null`.  The inline functions, the exported halves of them, and gait_trace_* do not
 * look: they run for every object and reference.
 *
 * A program runs with the library of its headers, or with a later one of the same minor version:
 * structures grow at their end alone, and the library is told how large the program's are
 * (docs/design/abi.md).  New values of an enum come at its end: a switch has a default. */
#ifndef GAIT_GAIT_H
#define GAIT_GAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gait/debug.h"
#include "gait/embed.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GAIT_VERSION_MAJOR 0
#define GAIT_VERSION_MINOR 2
#define GAIT_VERSION_PATCH 0
#define GAIT_VERSION_NUMBER                                                                        \
  (GAIT_VERSION_MAJOR * 10000 + GAIT_VERSION_MINOR * 100 + GAIT_VERSION_PATCH)

/* The version of the library that the program runs with, "0.2.0" and as GAIT_VERSION_NUMBER; the
 * macros have that of the headers.  Thread: any. */
GAIT_API const char *gait_version(void);
GAIT_API int gait_version_number(void);

/* ---- Results -------------------------------------------------------------------------------- */

typedef enum gait_result {
  GAIT_OK = 0,
  GAIT_ERROR_ARGUMENT, /* an argument is NULL, zero or out of its range */
  GAIT_ERROR_MEMORY,   /* the system gives no more memory; a memory limit alone never does this */
  GAIT_ERROR_SYSTEM,   /* the system lacks something that Gait needs, or gives no thread or lock */
  GAIT_ERROR_OPTION_NAME,  /* there is no option of this name */
  GAIT_ERROR_OPTION_VALUE, /* the value is not of the option's type or range */
  GAIT_ERROR_WRONG_HEAP,   /* a kind or an object belongs to another heap; no call has this today */
  GAIT_ERROR_NOT_ATTACHED, /* the thread is not attached, or no longer */
  GAIT_ERROR_ALREADY,      /* the thread is attached, the name or the range is registered */
  GAIT_ERROR_STATE,        /* inside managed code where outside is due, or the other way round */
  GAIT_ERROR_BUSY,         /* threads are still attached, or heaps are still members */
  GAIT_ERROR_TOO_MANY,     /* a table of fixed size is full */
  GAIT_ERROR_NOT_FOUND,    /* nothing of that name or address is registered */
  GAIT_ERROR_ABI,          /* the program was compiled with headers of another binary interface */
} gait_result;

/* The constant's name, "GAIT_OK" ...; never NULL. */
GAIT_API const char *gait_result_name(gait_result result);

/* One English sentence; never NULL. */
GAIT_API const char *gait_result_text(gait_result result);

/* ---- Types ---------------------------------------------------------------------------------- */

typedef struct gait_thread gait_thread;
typedef struct gait_handle gait_handle;
typedef struct gait_budget gait_budget;

/* A kind of object on one heap; pass it by value. */
typedef struct gait_kind {
  uint16_t index;
  uint16_t heap_tag;
} gait_kind;

#define GAIT_MAX_KINDS        1024
#define GAIT_MAX_OBJECT_BYTES ((size_t)1 << 35)
#define GAIT_MAX_ALIGNMENT    ((size_t)4096)
/* The memory that objects of one heap may hold outside it, all together. */
#define GAIT_MAX_EXTERNAL_BYTES ((size_t)1 << 60)

/* ---- Options -------------------------------------------------------------------------------- */

/* The value "off" of an option that is no switch: a limit that limits nothing; no collection for
 * growth. */
#define GAIT_OFF INT64_C(-1)

/* The value "auto" of the option `memory_limit`: that of the control group of the process. */
#define GAIT_AUTO INT64_C(-2)

/* How the heap may grow over the live heap of the last cycle: values of the option `policy`. */
typedef enum gait_policy {
  GAIT_POLICY_GOGC,        /* by gogc_percent of live heap and roots */
  GAIT_POLICY_CPU_BUDGET,  /* by as little as keeps the collector's CPU share at a budget */
  GAIT_POLICY_SQUARE_ROOT, /* by the root of live heap x cons/mark ratio, as MemBalancer has it */
} gait_policy;

/* How a heap fails that has been over its memory limit for too long: values of the option
 * `fail_by`. */
typedef enum gait_fail_by {
  GAIT_FAIL_BY_NULL,  /* allocations ask out_of_memory, and return NULL */
  GAIT_FAIL_BY_ABORT, /* the program ends with the failed check `limit.lasting` */
} gait_fail_by;

/* A heap's rule for tagged references: words whose tag says that they refer to an object.  Numbers,
 * and all else that a program has in such words, are the others.
 *   mask          the bits of the tag
 *   first, last   a word is a reference where its bits of `mask` are in first .. last, as a number;
 *                 last 0: where they are `first`
 *   address_mask  and its bits of `address_mask` are the address, of the object or inside it
 *
 * mask and address_mask share no bit, and first and last have none outside mask.  address_mask has
 * each bit from the fifth on that addresses of the heap have: those below 2^47 on x86-64, and
 * below 2^48 on aarch64, are always enough. */
typedef struct gait_tags {
  uint64_t mask;
  uint64_t first;
  uint64_t last;
  uint64_t address_mask;
} gait_tags;

/* Every option of a heap.  Begin it with gait_options_init, which sets each field to its default.
 * Ranges and defaults stand in docs/options.md and in `gait options`; a switch is 0 or 1.
 *
 * A name has four forms.  The option `memory_limit` is the field memory_limit_bytes: with the
 * ending of its unit (_percent, _bytes, _ms, _us), where it has one that the name does not end in.
 * It is the variable GAIT_MEMORY_LIMIT; and where a running heap takes a new value, the function
 * gait_heap_set_memory_limit. */
typedef struct gait_options {
  /* How many bytes the program's headers give this structure.  Set by gait_options_init; a field
   * beyond them has its default. */
  size_t struct_bytes;

  /* ---- When to collect ---- */

  /* How far the heap may grow over the live heap of the last cycle before the next one ends, in
   * percent; GAIT_OFF: growth is no reason to collect. */
  int64_t gogc_percent;
  /* Soft limit on all memory that the heap maps, with the external bytes that its objects hold;
   * GAIT_OFF: none.  Where it cannot be kept within cpu_cap_percent, the heap passes it.
   * GAIT_AUTO: the least limit of the process's control group and of those above it, less a tenth
   * of it, at least 16 MiB and at most half; looked at again while the heap is there.  Where the
   * groups have no limit there is none. */
  int64_t memory_limit_bytes;
  /* Hard limit on the memory that the heap maps, without external bytes; GAIT_OFF: none.  Where
   * collections make no room under it, an allocation asks out_of_memory and then returns NULL. */
  int64_t max_heap_bytes;
  /* Smallest heap goal where gogc_percent is 100; another percentage scales it. */
  int64_t min_heap_bytes;
  /* Addresses to reserve for the heap, which are no memory until they are used; halved until the
   * system grants them. */
  int64_t reserve_bytes;
  /* Share of the CPUs that background marking takes while a cycle marks. */
  int64_t background_percent;
  /* Share of CPU time beyond which the collector lets the heap pass the memory limit. */
  int64_t cpu_cap_percent;
  /* The heap fails when that has kept it over the memory limit for so many milliseconds without a
   * break; GAIT_OFF: it never does. */
  int64_t fail_after_ms;
  /* A gait_fail_by: how. */
  int64_t fail_by;
  /* A gait_policy: the rule for the heap's growth. */
  int64_t policy;
  /* Policy CPU_BUDGET: share of CPU time that the collector is to take over whole periods. */
  int64_t cpu_budget_percent;
  /* Policy SQUARE_ROOT: the heap may grow by the root of live heap x cons/mark ratio x this. */
  int64_t square_root_bytes;

  /* ---- How to collect ---- */

  /* CPUs to plan for; 0: those of the affinity, cut by the quota of the control group. */
  int64_t cpus;
  /* Switch: helpers mark on CPUs that nothing else uses. */
  int64_t idle_help;
  /* A cycle begins on a thread that allocates if the last one marked less than this, roots
   * included; 0: none does. */
  int64_t inline_bytes;
  /* Cycles mark new objects only where no more than this share of them survives; GAIT_OFF (or 0):
   * none, 100: every one that may. */
  int64_t young_percent;
  /* Switch: mark with every thread stopped, for programs that cannot call the write barrier. */
  int64_t barrierless;

  /* ---- Memory of the system ---- */

  /* Share of one CPU for giving free memory back to the system in the background. */
  int64_t release_percent;
  /* Switch: ask for pages of 2 MiB: marking and first touches are faster, memory goes in larger
   * steps. */
  int64_t huge_pages;

  /* ---- Log ---- */

  /* Switch: log a line for each cycle, in the form of Go's gctrace. */
  int64_t trace;
  /* Name a thread in the log that has not reached a safepoint for so many milliseconds. */
  int64_t late_ms;
  /* Signal that asks such a thread for its stack, where the program has left it alone; 0: none. */
  int64_t late_signal;
  /* A file in which other processes see cycles, and all that threads do for them (record_file.h);
   * NULL: none.  gait_heap_create copies the text. */
  const char *records;
  /* An experiment: values of a setting that take turns by blocks of cycles, as
   * "gogc:100,200,block=8,discard=2,seed=1"; NULL: none.  gait_heap_create reads the text. */
  const char *trial;
  /* A file to which the heap is dumped: where it is full, at `dump_signal`, in gait_heap_dump
   * without a path, and, if none of these came, when it is destroyed (dump.h); NULL: none.
   * gait_heap_create copies the text. */
  const char *dump;
  /* Signal at which that is done, where the program has left it alone; 0: none. */
  int64_t dump_signal;

  /* ---- Profile ---- */

  /* A file in which the heap writes a profile of its allocations (profile.h) when it is destroyed
   * or the process calls exit; NULL: none, but that GAIT_PROFILE in the environment holds for
   * options that did not come from there as well.  gait_heap_create copies the text. */
  const char *profile;
  /* Take a sample of the allocations in so many bytes by the mean; 0: none, but for one in 512 KiB
   * where there is such a file. */
  int64_t profile_bytes;

  /* ---- Functions of the program's (embed.h), and the argument of each ---- */

  /* Takes the lines of the log; NULL: they go to standard error. */
  gait_log_fn *log;
  void *log_arg;
  /* Is asked before an allocation fails; NULL: it fails at once. */
  gait_out_of_memory_fn *out_of_memory;
  void *out_of_memory_arg;
  /* Sees the record of each cycle; NULL: none does. */
  gait_cycle_fn *cycle;
  void *cycle_arg;
  /* Is told of each step that the heap takes under its memory limit; NULL: none is. */
  gait_limit_fn *limit_report;
  void *limit_report_arg;
  /* NULL: no reference is tagged; gait_heap_create copies it. */
  const gait_tags *tags;
  /* The budget of which the heap is a member until it is destroyed (budget.h); NULL: none. */
  gait_budget *budget;

  /* ---- Finding bugs ---- */

  gait_debug_options debug;
} gait_options;

/* Sets every option to its default, and `struct_bytes`.  Options that were not begun so are
 * GAIT_ERROR_ARGUMENT to the functions below and to gait_heap_create. */
static inline void gait_options_init(gait_options *options);

/* Sets the option `name` from text: a number, "off" where the row allows it, "on" and "off" for a
 * switch, one of the row's words ("auto"), bytes with the suffixes B, KiB, MiB, GiB, TiB.  For an
 * option that is a text, `value` itself is set, not a copy.  On failure `options` is unchanged and
 * `error` (may be NULL) holds a sentence that names the option and the value, cut at `error_bytes`.
 * Fails: GAIT_ERROR_OPTION_NAME, GAIT_ERROR_OPTION_VALUE, GAIT_ERROR_ARGUMENT. */
GAIT_API gait_result gait_options_set(gait_options *options, const char *name, const char *value,
                                      char *error, size_t error_bytes);

/* Sets every option whose environment variable is set and not empty; stops at the first bad one.
 * One of an option that `options` has no field for, as the program's headers are older than the
 * library, is named in the log.  A variable that begins with GAIT_ and is no option is named in the
 * log (`options->log`, or standard error) once in a process, with the nearest that exists.  A
 * program with raised privileges (setuid, capabilities of its file) takes nothing from the
 * environment.
 * Thread: any, while none changes the environment.
 * Fails: as gait_options_set; the sentence names the variable. */
GAIT_API gait_result gait_options_from_environment(gait_options *options, char *error,
                                                   size_t error_bytes);

/* Checks every field against its range, as gait_heap_create does.
 * Fails: GAIT_ERROR_OPTION_VALUE, GAIT_ERROR_ARGUMENT (also for a rule of `tags` that contradicts
 * itself). */
GAIT_API gait_result gait_options_check(const gait_options *options, char *error,
                                        size_t error_bytes);

/* ---- Heap ----------------------------------------------------------------------------------- */

/* Creates a heap.  `options` NULL: the defaults with the environment's settings.  Threads of the
 * collector start with the first cycle.
 * Thread: any.  GC: safepoint of the heaps in whose managed state the thread is.
 * Fails: GAIT_ERROR_ARGUMENT (also: the rule of `tags` cannot name each address of the heap, or
 * there is no such budget), GAIT_ERROR_OPTION_VALUE, GAIT_ERROR_MEMORY, GAIT_ERROR_SYSTEM,
 * GAIT_ERROR_ABI; *heap is then NULL, and a bad value or rule, or lack of a resource, has been
 * reported in one line of the log. */
static inline gait_result gait_heap_create(const gait_options *options, gait_heap **heap);

/* Destroys the heap with every object on it, after the cycle under way.  No cleanup or finalizer
 * runs (finalizer.h: gait_finalizers_run_all).
 * Thread: any, once; no other call on this heap runs or comes later.
 * GC: safepoint of the other heaps in whose managed state the thread is.
 * Fails: GAIT_ERROR_BUSY while a thread is attached, GAIT_ERROR_ARGUMENT; nothing has changed then.
 */
GAIT_API gait_result gait_heap_destroy(gait_heap *heap);

/* A pointer of the program's own, NULL at first, with which Gait does nothing: it is no root.  A
 * thread that gets a value of another sees all that came before it was set.  `user` may be NULL.
 * Thread: any; a callback. */
GAIT_API void gait_heap_set_user(gait_heap *heap, void *user);
GAIT_API void *gait_heap_user(const gait_heap *heap);

/* ---- Kinds ---------------------------------------------------------------------------------- */

typedef enum gait_kind_form {
  GAIT_KIND_LEAF,              /* no references */
  GAIT_KIND_POINTERS,          /* references where `pointer_map` says so */
  GAIT_KIND_CALLBACK,          /* `trace` finds the references, all in the object itself */
  GAIT_KIND_CONSERVATIVE,      /* any aligned word may be a reference */
  GAIT_KIND_CALLBACK_ANYWHERE, /* `trace` finds the references, some of them outside the heap; such
                                  objects are traced in every cycle, young ones too */
} gait_kind_form;

/* How objects of one sort are traced.
 *   name          unique on the heap; copied
 *   map_bytes     POINTERS: bytes the map describes, a multiple of 8, at most 4096; what an object
 *                 has beyond them is not traced, unless a part repeats
 *   pointer_map   POINTERS: bit i % 64 of word i / 64: the word at offset 8 * i is a reference
 *   repeat_bytes  POINTERS: the last so many of map_bytes are the element of an array that goes on
 *                 to the object's end; 0: none; a multiple of 8
 *   trace, trace_arg  CALLBACK
 *   tagged_map    POINTERS: likewise, the words that are tagged references where the heap's rule
 *                 says so, and none else; NULL: none.  With it pointer_map may be NULL; a word is
 *                 in one of the two at most */
typedef struct gait_kind_info {
  const char *name;
  gait_kind_form form;
  size_t map_bytes;
  const uint64_t *pointer_map;
  size_t repeat_bytes;
  gait_trace_fn *trace;
  void *trace_arg;
  const uint64_t *tagged_map;
} gait_kind_info;

/* Registers a kind.  A kind lasts as long as its heap.
 * Thread: any.  Fails: GAIT_ERROR_ARGUMENT (also: tagged words on a heap without a rule),
 * GAIT_ERROR_ALREADY (the name), GAIT_ERROR_TOO_MANY, GAIT_ERROR_MEMORY. */
static inline gait_result gait_kind_register(gait_heap *heap, const gait_kind_info *info,
                                             gait_kind *kind);

/* The kind of that name.  Thread: any.  Fails: GAIT_ERROR_NOT_FOUND, GAIT_ERROR_ARGUMENT. */
GAIT_API gait_result gait_kind_find(gait_heap *heap, const char *name, gait_kind *kind);

/* The two kinds that every heap has: "leaf" and "conservative".  Thread: any. */
GAIT_API gait_kind gait_kind_leaf(const gait_heap *heap);
GAIT_API gait_kind gait_kind_conservative(const gait_heap *heap);

/* ---- Threads -------------------------------------------------------------------------------- */

typedef enum gait_thread_roots {
  GAIT_STACK_CONSERVATIVE, /* the whole stack and the registers, and exact frames */
  GAIT_STACK_EXACT,        /* exact frames and handles only */
} gait_thread_roots;

/* Attaches the calling thread, in managed state.  A thread that exits attached is detached then.
 * `name` (may be NULL) stands in log lines; copied.
 * A thread may be attached to several heaps.  A safepoint of one of them is a safepoint of every
 * heap in whose managed state the thread is.
 * Thread: any that is not attached to this heap.  GC: safepoint of the other heaps; the new one's
 * collector may have it scan its roots at once.
 * Fails: GAIT_ERROR_ARGUMENT, GAIT_ERROR_ALREADY, GAIT_ERROR_MEMORY, GAIT_ERROR_SYSTEM,
 * GAIT_ERROR_ABI. */
static inline gait_result gait_thread_attach(gait_heap *heap, const char *name,
                                             gait_thread_roots roots, gait_thread **thread);

/* Detaches the calling thread, from either state.  The gait_thread stays readable as detached until
 * another thread attaches.
 * Thread: the owner, in either state.  GC: safepoint, of all its heaps.
 * Fails: GAIT_ERROR_NOT_ATTACHED (the second time), GAIT_ERROR_STATE (not the owner, or on a
 * fiber), GAIT_ERROR_ARGUMENT. */
GAIT_API gait_result gait_thread_detach(gait_thread *thread);

/* Leaves managed code: until gait_thread_enter this thread allocates nothing, stores no reference
 * and loads none, may block, and the collector need not wait for it.  References that registers and
 * stack hold at this moment stay roots until then.
 * The function that calls it may return before gait_thread_enter, as a wrapper does, whatever the
 * size of its frame; and functions that called that one may return, too, as long as their frames
 * take no more than GAIT_LEAVE_FRAMES_BYTES together.  With more, their references in registers are
 * lost; gait_thread_enter from further up is a failed check (thread.frame), but such frames that
 * have gone and come again are not noticed.  Called by its address, from C or another language, it
 * does not know the frame of its caller, which is then one of those.  Managed code is entered once
 * only until then: a callback of a foreign library that enters again belongs inside
 * gait_thread_outside.
 *
 * Thread: attached.  GC: safepoint. */
GAIT_API void gait_thread_leave(gait_thread *thread);

#define GAIT_LEAVE_FRAMES_BYTES ((size_t)1024)

/* Enters managed code again.  Waits while the collector scans this very thread, and while all
 * threads are stopped: for an unbarriered root, in a heap without barriers, for checks, for a fork.
 * Thread: the owner, outside.  GC: safepoint. */
GAIT_API void gait_thread_enter(gait_thread *thread);

/* Runs `function(arg)` outside managed code and returns what it returns.  `function` may enter
 * managed code again and leave it, any number of times and with further calls of
 * gait_thread_outside, as callbacks of a foreign library do, from wherever on the stack; it is
 * outside when it returns.
 * Thread: attached.  GC: safepoint. */
GAIT_API void *gait_thread_outside(gait_thread *thread, void *(*function)(void *), void *arg);

/* A safepoint: one load and one branch when the collector wants nothing.  Call it in loops that do
 * not allocate.
 * Thread: attached.  GC: safepoint. */
static inline void gait_thread_poll(gait_thread *thread);

/* The heap that the thread is attached to.  Thread: any. */
GAIT_API gait_heap *gait_thread_heap(const gait_thread *thread);

/* The calling thread as it is attached to `heap`, in either state; NULL: it is not.
 * Thread: any; a callback. */
GAIT_API gait_thread *gait_thread_current(const gait_heap *heap);

/* As gait_heap_set_user and gait_heap_user, for one attachment: NULL when it begins. */
GAIT_API void gait_thread_set_user(gait_thread *thread, void *user);
GAIT_API void *gait_thread_user(const gait_thread *thread);

/* ---- Allocation ----------------------------------------------------------------------------- */

/* Allocates one zeroed object of `bytes` bytes, 1 .. GAIT_MAX_OBJECT_BYTES, at a multiple of 16.
 * `kind` was registered on the same heap.  Returns NULL only after a collection has not helped and
 * the out-of-memory handler has given up, or, at once and in every build, when `bytes` is 0 or out
 * of range.
 * Thread: attached.  GC: safepoint on the slow path; may start a cycle, may assist. */
static inline void *gait_alloc(gait_thread *thread, gait_kind kind, size_t bytes);

/* The same at a multiple of `alignment`, a power of two, 1 .. GAIT_MAX_ALIGNMENT; NULL for any
 * other alignment. */
GAIT_API void *gait_alloc_aligned(gait_thread *thread, gait_kind kind, size_t bytes,
                                  size_t alignment);

/* The same for `head_bytes + count * element_bytes` bytes; NULL when that is 0 or overflows. */
GAIT_API void *gait_alloc_array(gait_thread *thread, gait_kind kind, size_t head_bytes,
                                size_t count, size_t element_bytes);

/* Says that `object` holds `bytes` bytes of memory outside the heap from now on, 0 ..
 * GAIT_MAX_EXTERNAL_BYTES, in place of an earlier number.  They count in the heap goal and the
 * memory limit until the object is found dead.  When they are more than before, the thread pays and
 * waits as for an allocation of that size.  `object` itself stays alive meanwhile; other objects of
 * an exact thread have to be in its roots.
 * Thread: attached.  GC: safepoint; may start a cycle, may assist.
 * Fails: GAIT_ERROR_ARGUMENT (not an object of this heap, `bytes` out of range), GAIT_ERROR_STATE
 * (outside managed code, or not the owner), GAIT_ERROR_MEMORY (no memory to note it, or the objects
 * of this heap would hold more than GAIT_MAX_EXTERNAL_BYTES); nothing has changed then. */
GAIT_API gait_result gait_object_set_external(gait_thread *thread, void *object, size_t bytes);

/* The start of the object that `address`, whatever it is, points to or into, or NULL.  The address
 * one past an object's end belongs to its neighbour: keep the start, or ask for one byte more.
 * Thread: any for which the object stays reachable. */
GAIT_API void *gait_object_start(const gait_heap *heap, const void *address);

/* The bytes of the slot that `address` points into, 0 when none. */
GAIT_API size_t gait_object_bytes(const gait_heap *heap, const void *address);

/* Grows `object`, by its start, to `new_bytes` bytes where it lies, if its slot has the room: a
 * slot is as large as its size class, and one of more than GAIT_SMALL_BYTES ends with its last
 * block of 64 KiB.  Bytes beyond those that the program has asked for so far are zero, and are
 * traced as the kind says.  False: there is no such room, or no memory for it under the limits, and
 * nothing has changed.  A size that the object has already is true.  An object of a callback's kind
 * may be traced meanwhile with its size of before.
 * Thread: attached.  GC: may ask for a cycle; no safepoint. */
GAIT_API bool gait_object_grow(gait_thread *thread, void *object, size_t new_bytes);

/* A hint: no reference to `object`, by its start, is left: none in an object, a root, a handle or a
 * frame, no weak one, and the caller uses it no more.  Between cycles the slot of a small object
 * may be handed out again at once, zeroed; in other cases a cycle finds the object dead, as without
 * the call.  Its external bytes count no longer.  Until then a walk (walk.h) may find an object of
 * zeros there.  An object with a cleanup or a finalizer (finalizer.h) stays as it is, and these run
 * when a cycle has found it dead.
 * A promise that is broken makes two objects of one.  With the option check_free it ends the
 * program with the check `free.referenced`, which names a reference, at the end of the next full
 * cycle.  An object that is freed twice ends it with `free.twice`: for sure with that option, and
 * else where the slot has not been handed out again, nor been freed by another thread.
 * Thread: attached. */
GAIT_API void gait_object_free(gait_thread *thread, void *object);

/* The name of its kind, NULL when none. */
GAIT_API const char *gait_object_kind_name(const gait_heap *heap, const void *address);

/* ---- Loads and stores of references --------------------------------------------------------- */

/* On a heap with a rule for tagged references (gait_tags), each of these takes any word: a plain
 * reference, a tagged one, or none, such as a tagged number.  Slots and `to`, `from` are plain
 * addresses. */

/* Loads a reference that other threads may be storing. */
static inline void *gait_load(void *const *slot);

/* Stores `value` in `*slot`, a field of an object or a barriered root.  Every store of a reference
 * outside the thread's own stack goes through one of these.  A slot that is no pointer to a pointer
 * does not compile, here and below (slot.h).
 * Thread: attached. */
static inline void gait_store(gait_thread *thread, void *slot, void *value);

/* The same where `*slot` has not been stored to since its object was allocated. */
static inline void gait_store_init(gait_thread *thread, void *slot, void *value);

/* Stores `desired` when `*slot` holds `expected`; returns whether it did. */
static inline bool gait_cas(gait_thread *thread, void *slot, void *expected, void *desired);

/* Copies `count` references from `from` to `to`; the two may overlap, and be NULL where `count` is
 * 0.  In one piece, however many they are: this is no safepoint, so that a thread with exact frames
 * may call it with references in hand.  The collector waits for it, and others where all are
 * stopped: while it marks, up to 0.1 us for each reference.  Cut a longer range into parts, with
 * gait_thread_poll between them: where the two overlap and `to` is the higher, from the last part
 * to the first.
 * Thread: attached. */
GAIT_API void gait_copy(gait_thread *thread, void *to, const void *from, size_t count);

/* Stores NULL in `count` references; likewise in one piece.  Thread: attached. */
GAIT_API void gait_clear(gait_thread *thread, void *slots, size_t count);

/* All but gait_cas for slots that are words, as interpreters have them for tagged references and
 * numbers: uint64_t, which is the type of uintptr_t here. */
static inline uint64_t gait_load_word(const uint64_t *slot);
static inline void gait_store_word(gait_thread *thread, uint64_t *slot, uint64_t word);
static inline void gait_store_init_word(gait_thread *thread, uint64_t *slot, uint64_t word);
static inline void gait_copy_words(gait_thread *thread, uint64_t *to, const uint64_t *from,
                                   size_t count);
static inline void gait_clear_words(gait_thread *thread, uint64_t *slots, size_t count);

/* ---- Roots ---------------------------------------------------------------------------------- */

/* An exact frame: `count` references on this thread's stack, found without scanning words.  They
 * are written plainly; the frame itself is written by push alone. */
typedef struct gait_frame {
  struct gait_frame *caller;
  void **slots;
  size_t count;
  uintptr_t seal;
} gait_frame;

/* Links and unlinks a frame; in pairs, innermost first.  A frame that is still linked when its
 * function has returned is a failed check at the thread's next safepoint.  When a thread ends
 * outside managed code, by pthread_exit or by cancellation, its frames are roots no longer: a
 * cleanup handler that needs an object has a handle for it.  Thread: attached. */
static inline void gait_frame_push(gait_thread *thread, gait_frame *frame, void **slots,
                                   size_t count);
static inline void gait_frame_pop(gait_thread *thread, gait_frame *frame);

/* How many slots of a frame are in use, from the first on. */
typedef size_t gait_frame_count_fn(void *arg);

/* A frame whose count changes, as that of an interpreter's stack: `count` says it whenever the
 * collector looks at the frame, so words that calls have left above it keep nothing. */
typedef struct gait_sized_frame {
  gait_frame frame;
  size_t most;
  gait_frame_count_fn *count;
  void *arg;
  uintptr_t seal;
} gait_sized_frame;

/* Links a frame of at most `most` slots.  It is unlinked by gait_frame_pop(thread, &frame->frame).
 * Slots that come into use are written first, or have been cleared by `count`, which may clear
 * those above.  It runs at safepoints of this thread, and on another one while this thread is
 * outside or the frame's fiber is parked, and calls nothing of Gait's.  `slots` and all that it
 * reads stay until the frame is unlinked or the thread is detached, which a cleanup handler of a
 * cancelled thread has to do first.  More than `most` is a failed check.  Thread: attached. */
static inline void gait_frame_push_sized(gait_thread *thread, gait_sized_frame *frame, void **slots,
                                         size_t most, gait_frame_count_fn *count, void *arg);

/* A handle keeps one object alive from anywhere, until it is freed.  Any thread that is attached to
 * the heap may use it; gait_handle_get needs no gait_thread, but managed state.
 * Thread: attached.  Fails: NULL when out of memory. */
GAIT_API gait_handle *gait_handle_create(gait_thread *thread, void *object);
GAIT_API void *gait_handle_get(const gait_handle *handle);
GAIT_API void gait_handle_set(gait_thread *thread, gait_handle *handle, void *object);
GAIT_API void gait_handle_destroy(gait_thread *thread, gait_handle *handle);

typedef enum gait_roots_discipline {
  GAIT_ROOTS_BARRIERED,   /* every store goes through gait_store or its like */
  GAIT_ROOTS_UNBARRIERED, /* plain stores: scanned again with every thread stopped, a pause */
} gait_roots_discipline;

/* Makes the aligned words of [start, start + bytes) roots.  A word that is no reference is ignored.
 * Thread: any; a root's callback.  GC: while a cycle marks, marks the root's objects, in this
 * call; no safepoint.
 * Fails: GAIT_ERROR_ARGUMENT, GAIT_ERROR_ALREADY (start is registered), GAIT_ERROR_MEMORY. */
GAIT_API gait_result gait_roots_add(gait_heap *heap, void *start, size_t bytes,
                                    gait_roots_discipline discipline);

/* Makes all that `function` traces roots.  While a cycle marks, `function` runs in this call.
 * Thread, GC, Fails: as gait_roots_add; GAIT_ERROR_ALREADY: with this `arg` it is registered. */
GAIT_API gait_result gait_roots_add_callback(gait_heap *heap, gait_roots_fn *function, void *arg,
                                             gait_roots_discipline discipline);

/* Undo the two.  From the call on, no thread may load from or store to the root.  The callback runs
 * no more when the call has returned GAIT_OK, but for one that removes itself, and `arg` may be
 * freed.  When several threads remove one root, one of them has GAIT_OK; the others have
 * GAIT_ERROR_NOT_FOUND, perhaps before the callback has ended.
 * Thread: any; a root's callback.  GC: while a cycle marks, marks the root's objects, once
 * more, in this call; no safepoint.  Fails: GAIT_ERROR_NOT_FOUND, GAIT_ERROR_ARGUMENT. */
GAIT_API gait_result gait_roots_remove(gait_heap *heap, void *start);
GAIT_API gait_result gait_roots_remove_callback(gait_heap *heap, gait_roots_fn *function,
                                                void *arg);

/* ---- Collection ----------------------------------------------------------------------------- */

/* Runs one whole cycle that begins after this call and returns when it has been swept: whatever was
 * unreachable before the call is free.  The caller helps to mark.
 * Thread: attached.  GC: safepoint; runs a cycle, marks.
 * Fails: GAIT_ERROR_STATE (outside managed code, or not the owner), GAIT_ERROR_ARGUMENT. */
GAIT_API gait_result gait_heap_collect(gait_thread *thread);

/* Gives all free memory back to the system, and the side tables of the part of the heap's addresses
 * that is free to its end.  Returns the bytes that went.
 * Thread: any. */
GAIT_API size_t gait_heap_trim(gait_heap *heap);

#include "gait/inline.h"

#include "gait/abi.h"

#include "gait/checked.h"

#include "gait/slot.h"

#ifdef __cplusplus
}
#endif

#ifndef GAIT_NO_OLD_NAMES
#include "gait/renamed.h"
#endif

#endif
