/* thread.h: attached threads, and the state word of each, which decides its owner.
 *
 *          enter (the thread)                 suspend (the collector, or a thief of processors)
 *   MANAGED <-------------------> NATIVE <--------------------> SUSPENDED
 *          leave (the thread)                 resume
 *
 * In MANAGED only the thread itself touches its stack, its processor and its barrier; it acts on a
 * handshake at its next safepoint.  In NATIVE, outside managed code, it touches none of them, and
 * its registers and the end of its stack are saved.  In SUSPENDED it belongs to the thread that has
 * suspended it, for a short while; a thread that would enter then waits.  Each arrow is a
 * compare-and-swap of `state`: leaving is a release, entering an acquire, so the collector sees all
 * that the thread did before and the thread all that the collector did in its place.
 *
 * Models: fork, termination.  Litmus: state. */
#ifndef GAITI_MUTATOR_THREAD_H
#define GAITI_MUTATOR_THREAD_H

#include "mutator/fibers.h"
#include "mutator/proc.h"
#include "mutator/scopes.h"
#include "base/check.h"
#include "base/latency.h"
#include "os/registers.h"

enum gaiti_thread_state {
  GAITI_THREAD_MANAGED,
  GAITI_THREAD_NATIVE,
  GAITI_THREAD_SUSPENDED,
  GAITI_THREAD_DETACHED,
};

#define GAITI_THREAD_NAME_BYTES 32

/*   fast           read by the inline paths; first
 *   proc           NULL only outside, after a theft
 *   seen           the number of the last handshake this thread has acted on
 *   black_epoch    runs taken while the heap's epoch is this one are marked; 0: none
 *   attachments    of the OS thread, this one among them (mutator/attachments.h)
 *   roots, stack_limit, stack_high  the stack that it runs on: how it is scanned and, if
 *                  conservatively, the whole of it; written by the thread
 *   fiber          that stack is the fiber's; NULL: the thread's own
 *   home           the thread's own stack, while it runs on a fiber
 *   saved          registers and stack, saved when leaving or before scanning its own stack
 *   outside        where the frame of the innermost gait_thread_outside that runs ends, or 0
 *   entered        where the frame of the last gait_thread_enter within that ends, or 0
 *   frames_broken  the collector came to an exact frame that has been overwritten, and left out
 *                  those further up; written by the thread that has suspended it
 *   scopes         handles, as `fast.frames` are frames (mutator/scopes.h)
 *   fake_stack     where AddressSanitizer keeps local variables instead; NULL: on the stack
 *   pauses, answers  how long it was kept, and how late it came when it was asked; written by the
 *                  thread, or by the one that has suspended it
 *   record_entry   its entry in the list of threads of the record file, from 1 on; 0: none yet.
 *                  Likewise */
struct gait_thread {
  struct gait_fast fast;
  gait_heap *heap;
  struct gaiti_proc *proc;
  AO_t state;
  AO_t seen;
  AO_t black_epoch;
  struct gaiti_attachments *attachments;
  uintptr_t stack_limit;
  uintptr_t stack_high;
  struct gaiti_saved saved;
  uintptr_t outside;
  uintptr_t entered;
  void *fake_stack;
  bool frames_broken;
  struct gaiti_scopes scopes;
  gait_thread_roots roots;
  gait_fiber *fiber;
  struct gaiti_parked home;
  pthread_t owner;
  int tid;
  bool late_reported;
  bool stopped; /* suspended by the collector until all go on; the collector's own */
  bool forking; /* it forks, and a cycle that is stuck must not suspend it (cycle/fork.c) */
  char name[GAITI_THREAD_NAME_BYTES];
  gait_thread *next;
  gait_thread *previous;
  gait_thread *next_attachment; /* of this OS thread's attachments */
  bool blocked; /* outside, while the OS thread is in a blocking section (mutator/blocking.h) */
  uint64_t allocations_until_debug_cycle;
  struct gaiti_latency pauses;
  struct gaiti_latency answers;
  AO_t pause_cpu_max_ns;
  uint32_t record_entry;
  gaiti_atomic_pointer user; /* the program's own */
  bool init_noted; /* the slot of the gait_store_init under way, for the option find_missing */
  AO_t finalizers; /* functions that are due run at its polls, so many at most */
};

/* The handshake under way, as its threads see it, and the state in which a thread starts that
 * attaches now.  Written under the lock of the threads; cycle/handshake.h has the collector's side.
 *   number       of handshakes so far: a thread whose `seen` is another has to act
 *   pending      attached threads that have not yet acted on `number`
 *   stop         every thread is to stop at its next safepoint
 *   marking      as gait_fast.marking; turning the barrier on or off sets it
 *   black_epoch  as gait_thread.black_epoch */
struct gaiti_handshake {
  AO_t number;
  AO_t pending;
  AO_t stop;
  AO_t black_epoch;
  uint32_t marking;
};

/* .inv.threads  `all` has the attached threads, `count` of them; `spare` detached ones, whose
 *               memory stays readable so that a second detach is noticed. */
struct gaiti_threads {
  struct gaiti_lock lock;
  struct gaiti_condition changed; /* a thread has acted, or all go on */
  gait_thread *all;
  gait_thread *spare;
  uint32_t count;
  struct gaiti_handshake handshake;
  struct gaiti_latency pauses;  /* of detached threads */
  struct gaiti_latency answers; /* likewise */
  AO_t pause_cpu_max_ns;        /* likewise */
};

bool gaiti_threads_init(gait_heap *heap);
void gaiti_threads_destroy(gait_heap *heap);

/* ---- The state word ---- */

static inline enum gaiti_thread_state gaiti_thread_state(const gait_thread *thread) {
  return (enum gaiti_thread_state)AO_load_acquire(&thread->state);
}

static inline bool gaiti_thread_try_suspend(gait_thread *thread) {
  return AO_compare_and_swap_full(&thread->state, GAITI_THREAD_NATIVE, GAITI_THREAD_SUSPENDED);
}

static inline void gaiti_thread_resume(gait_thread *thread) {
  AO_store_release(&thread->state, GAITI_THREAD_NATIVE);
}

static inline bool gaiti_thread_try_enter(gait_thread *thread) {
  return AO_compare_and_swap_full(&thread->state, GAITI_THREAD_NATIVE, GAITI_THREAD_MANAGED);
}

static inline bool gaiti_thread_is_own(const gait_thread *thread) {
  return pthread_equal(thread->owner, pthread_self());
}

/* The caller is the thread, in managed state; in the name of the function that it has called. */
#define GAITI_REQUIRE_MANAGED(thread)                                                              \
  do {                                                                                             \
    REQUIRE_ARGUMENT(thread);                                                                      \
    REQUIRE("thread.owner", gaiti_thread_is_own(thread),                                           \
            "another thread than the caller is attached by this gait_thread");                     \
    REQUIRE("thread.managed", gaiti_thread_state(thread) == GAITI_THREAD_MANAGED,                  \
            "the thread is outside managed code");                                                 \
  } while (0)

static inline bool gaiti_thread_is_marking(const gait_thread *thread) {
  return (thread->fast.marking & GAIT_SHADE_OLD) != 0;
}

/* Whether a run taken now has to be marked. */
static inline bool gaiti_thread_allocates_black(const gait_thread *thread, AO_t epoch) {
  return AO_load(&thread->black_epoch) == epoch && !MUTANT(MUTANT_NO_BLACK_ALLOCATION);
}

/* Saves the references that the calling thread may hold (os/registers.h): before it leaves managed
 * code, from the function with that frame (NULL: one of Gait's), or before its own roots are
 * scanned.  Nothing where only exact frames are scanned.  A stack that is neither the thread's own
 * nor that of its fiber is a failed check: the scan would run into memory that is not there. */
void gaiti_thread_save(gait_thread *thread, const void *frame);

/* That the calling thread runs on the stack that it is known to be on, if that is scanned. */
void gaiti_thread_check_stack(gait_thread *thread);

/* Gives back the room that the words of a large frame have needed.  The thread is off the list. */
void gaiti_thread_free_room(gait_thread *thread);

/* Moves the calling thread from managed to outside; the saved registers and words stay valid until
 * it enters. */
static inline void gaiti_thread_leave_saved(gait_thread *thread) {
  AO_store_release(&thread->state, GAITI_THREAD_NATIVE);
}

/* Saves and leaves. */
void gaiti_thread_leave(gait_thread *thread, const void *frame);

/* Moves the calling thread from outside to managed and sees that it has a processor, or leaves it
 * outside and returns false: it is suspended, or there is no processor. */
bool gaiti_thread_try_enter_with_proc(gait_thread *thread);

/* Waits, outside, until it is worth trying again. */
void gaiti_thread_wait_until_free(gait_thread *thread);

/* Moves the calling thread from outside to managed; a wait for that is a blocking section
 * (mutator/blocking.h). */
void gaiti_thread_enter(gait_thread *thread);

/* Whether the thread has yet to act on the handshake under way.  The poll flag alone does not tell:
 * a poll of another heap lowers it, and looks at the heaps alone in whose managed state the thread
 * is then (cycle/handshake.c). */
bool gaiti_thread_is_asked(const gait_thread *thread);

/* Notes that the thread has acted on handshake `number`, or was taken off the list.  Returns
 * whether it was the last. */
bool gaiti_thread_note_acted(gait_thread *thread, AO_t number);

/* A time for which the collector stops the calling thread, by the clock.  End notes it with the
 * thread, and returns how long it took. */
static inline uint64_t gaiti_pause_begin(void) {
  return gaiti_os_now_ns();
}
uint64_t gaiti_pause_end(gait_thread *thread, uint64_t since_ns);

/* CPU time that the calling thread spends on the collector's work, in a pause.  To ask for it is a
 * call of the system, so it is left to work that may take long. */
static inline uint64_t gaiti_pause_work_begin(void) {
  return gaiti_os_thread_cpu_ns();
}
uint64_t gaiti_pause_work_end(gait_thread *thread, uint64_t cpu_since_ns);

#endif
