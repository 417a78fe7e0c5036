/* scheme_threads.c: threads, mutexes and condition variables of SRFI 18, on POSIX threads: each
 * thread has a machine of its own, and all run at the same time on one heap.
 *
 * One lock guards the slots of all three.  It is held for some instructions, with no safepoint
 * among them.  A thread that has to wait notes how many changes there have been, gives the lock
 * back, leaves managed code and sleeps until there is another; then it looks again. */
#include "scheme.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

enum {
  THREAD_THUNK,
  THREAD_NAME,
  THREAD_SPECIFIC,
  THREAD_PARAMETERS,
  THREAD_STATE,
  THREAD_RESULT,
  THREAD_NUMBER
};
enum { STATE_NEW, STATE_RUNS, STATE_DONE, STATE_FAILED, STATE_TERMINATED };
enum { MUTEX_OWNER };        /* #f: it is free; #t: locked, and of no thread */
enum { CONDITION_SEQUENCE }; /* how often it was signalled */

#define THREADS_STACK_BYTES (size_t)(8 * 1024 * 1024)
#define THREADS_SLICE_NS    100000000 /* between looks at an interrupt, which cannot signal */

struct worker {
  struct machine vm;
  struct scheme *scheme;
  int64_t number;
  struct worker *next;
};

/* Of a thread that starts another, until that has the object among its own roots. */
struct start {
  struct worker *worker;
  word thread;
  enum { START_WAITS, START_GOOD, START_FAILED } state;
};

static void threads_lock(struct scheme *scheme) {
  pthread_mutex_lock(&scheme->threads);
}

static uint64_t threads_unlock(struct scheme *scheme) {
  const uint64_t changes = scheme->changes;
  pthread_mutex_unlock(&scheme->threads);
  return changes;
}

static void threads_unlock_changed(struct scheme *scheme) {
  scheme->changes++;
  pthread_cond_broadcast(&scheme->changed);
  pthread_mutex_unlock(&scheme->threads);
}

/* ---- Waits ---- */

static bool time_before(const struct timespec *a, const struct timespec *b) {
  return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static struct timespec time_of(double seconds) {
  if (!(seconds > 0)) seconds = 0;
  if (seconds > 1e12) seconds = 1e12;
  return (struct timespec){.tv_sec = (time_t)seconds,
                           .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)};
}

/* Until there are other changes than `seen`, an interrupt, or, which is false, the deadline. */
static bool threads_wait(struct machine *vm, uint64_t seen, const struct timespec *deadline) {
  struct scheme *scheme = vm->scheme;
  bool late = false;
  gait_thread_leave(vm->thread);
  threads_lock(scheme);
  while (scheme->changes == seen && !vm->interrupted && !late) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += THREADS_SLICE_NS;
    if (until.tv_nsec >= 1000000000) {
      until.tv_nsec -= 1000000000;
      until.tv_sec++;
    }
    const bool last = deadline && time_before(deadline, &until);
    if (pthread_cond_timedwait(&scheme->changed, &scheme->threads, last ? deadline : &until) ==
        ETIMEDOUT)
      late = last;
  }
  threads_unlock(scheme);
  gait_thread_enter(vm->thread);
  return !late;
}

/* A deadline in seconds since 1970, or #f. */
static const struct timespec *deadline_argument(struct machine *vm, word w,
                                                struct timespec *deadline) {
  if (w == W_FALSE) return NULL;
  *deadline = time_of(number_double(vm, w));
  return deadline;
}

static int64_t slot_number(word object, size_t slot) {
  return fixnum_value(slots_of(object)[slot]);
}

static word checked(struct machine *vm, word w, enum type type, const char *name) {
  if (!is_type(w, type)) scheme_wrong(vm, name, w);
  return w;
}

/* ---- Threads ---- */

static void worker_remove(struct worker *worker) {
  struct worker **link = &worker->scheme->workers;
  while (*link != worker)
    link = &(*link)->next;
  *link = worker->next;
}

static void worker_run(struct worker *worker) {
  struct machine *vm = &worker->vm;
  const word thread = vm->stack[REG_THREAD];
  vm->stack[REG_PARAMETERS] = slots_of(thread)[THREAD_PARAMETERS];
  machine_run(vm, symbol_slot(intern(vm, "%thread-body"), SYMBOL_VALUE), 0, NULL);
  threads_lock(vm->scheme);
  if (slot_number(thread, THREAD_STATE) == STATE_RUNS)
    set_slot(vm, thread, THREAD_STATE, fixnum(STATE_TERMINATED));
  threads_unlock_changed(vm->scheme);
}

static void *worker_main(void *argument) {
  struct start *start = argument;
  struct worker *worker = start->worker;
  struct scheme *scheme = worker->scheme;
  gait_thread *thread = NULL;
  const gait_result result =
      gait_thread_attach(scheme->heap, "scheme", GAIT_STACK_CONSERVATIVE, &thread);
  if (!result) machine_attach(&worker->vm, thread);
  threads_lock(scheme);
  worker->vm.stack[REG_THREAD] = start->thread;
  start->state = result ? START_FAILED : START_GOOD;
  threads_unlock_changed(scheme); /* `start` is gone from here on */
  if (!result) worker_run(worker);
  machine_destroy(&worker->vm);
  if (!result) gait_thread_detach(thread);
  threads_lock(scheme);
  worker_remove(worker);
  threads_unlock_changed(scheme);
  free(worker);
  return NULL;
}

static bool worker_start(struct start *start) {
  pthread_attr_t attributes;
  pthread_t id;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, THREADS_STACK_BYTES);
  const bool good = pthread_create(&id, &attributes, worker_main, start) == 0;
  pthread_attr_destroy(&attributes);
  return good;
}

/* A worker of the list, or NULL. */
static struct worker *worker_new(struct machine *vm, int64_t *number) {
  struct scheme *scheme = vm->scheme;
  struct worker *worker = calloc(1, sizeof *worker);
  if (!worker || machine_create(scheme, NULL, &worker->vm)) {
    free(worker);
    return NULL;
  }
  worker->scheme = scheme;
  threads_lock(scheme);
  worker->number = *number = ++scheme->worker_number;
  worker->next = scheme->workers;
  scheme->workers = worker;
  threads_unlock(scheme);
  return worker;
}

static void worker_drop(struct worker *worker) {
  threads_lock(worker->scheme);
  worker_remove(worker);
  threads_unlock_changed(worker->scheme);
  machine_destroy(&worker->vm);
  free(worker);
}

/* Whether the thread was new; it runs now. */
static bool thread_claim(struct machine *vm, word thread) {
  threads_lock(vm->scheme);
  const bool new = slot_number(thread, THREAD_STATE) == STATE_NEW;
  if (new) set_slot(vm, thread, THREAD_STATE, fixnum(STATE_RUNS));
  threads_unlock(vm->scheme);
  return new;
}

BUILTIN(thread_start) {
  UNUSED;
  const word thread = checked(vm, args[0], T_THREAD, "a thread");
  if (!thread_claim(vm, thread)) scheme_error(vm, "the thread was started before", thread);
  int64_t number = 0;
  struct start start = {.worker = worker_new(vm, &number), .thread = thread};
  set_slot(vm, thread, THREAD_NUMBER, fixnum(number));
  if (start.worker && !worker_start(&start)) {
    worker_drop(start.worker);
    start.worker = NULL;
  }
  while (start.worker) {
    threads_lock(vm->scheme);
    const int state = start.state;
    const uint64_t seen = threads_unlock(vm->scheme);
    if (state == START_GOOD) return W_VOID;
    if (state == START_FAILED) break;
    threads_wait(vm, seen, NULL);
  }
  set_slot(vm, thread, THREAD_STATE, fixnum(STATE_TERMINATED));
  scheme_error(vm, "the system gives no thread", thread);
}

/* (%thread-end! state result), by the thread itself */
BUILTIN(thread_end) {
  UNUSED;
  const word thread = vm->stack[REG_THREAD];
  threads_lock(vm->scheme);
  set_slot(vm, thread, THREAD_RESULT, args[1]);
  set_slot(vm, thread, THREAD_STATE, args[0]);
  threads_unlock_changed(vm->scheme);
  return W_VOID;
}

/* (%thread-join thread deadline): the state in which it has ended, or #f */
BUILTIN(thread_join) {
  UNUSED;
  struct timespec time;
  const word thread = checked(vm, args[0], T_THREAD, "a thread");
  const struct timespec *deadline = deadline_argument(vm, args[1], &time);
  for (bool in_time = true;;) {
    threads_lock(vm->scheme);
    const int64_t state = slot_number(thread, THREAD_STATE);
    const uint64_t seen = threads_unlock(vm->scheme);
    if (state >= STATE_DONE) return fixnum(state);
    if (!in_time) return W_FALSE;
    in_time = threads_wait(vm, seen, deadline);
    machine_look(vm);
  }
}

BUILTIN(thread_terminate) {
  UNUSED;
  const word thread = checked(vm, args[0], T_THREAD, "a thread");
  struct scheme *scheme = vm->scheme;
  threads_lock(scheme);
  struct worker *worker = scheme->workers;
  while (worker && worker->number != slot_number(thread, THREAD_NUMBER))
    worker = worker->next;
  if (slot_number(thread, THREAD_STATE) == STATE_NEW)
    set_slot(vm, thread, THREAD_STATE, fixnum(STATE_TERMINATED));
  if (worker) machine_terminate(&worker->vm);
  threads_unlock_changed(scheme);
  machine_look(vm);
  return W_VOID;
}

BUILTIN(thread_sleep) {
  UNUSED;
  struct timespec time;
  const struct timespec *deadline = deadline_argument(vm, args[0], &time);
  for (bool in_time = true; in_time;) {
    threads_lock(vm->scheme);
    in_time = threads_wait(vm, threads_unlock(vm->scheme), deadline);
    machine_look(vm);
  }
  return W_VOID;
}

BUILTIN(thread_yield) {
  UNUSED;
  gait_thread_leave(vm->thread);
  sched_yield();
  gait_thread_enter(vm->thread);
  return W_VOID;
}

BUILTIN(thread_current) {
  if (count > 0) vm->stack[REG_THREAD] = args[0];
  return vm->stack[REG_THREAD];
}

void threads_stop(struct machine *vm) {
  struct scheme *scheme = vm->scheme;
  for (;;) {
    threads_lock(scheme);
    const bool over = scheme->workers == NULL;
    for (struct worker *worker = scheme->workers; worker; worker = worker->next)
      machine_terminate(&worker->vm);
    const uint64_t seen = threads_unlock(scheme);
    if (over) return;
    vm->interrupted = 0;
    threads_wait(vm, seen, NULL);
  }
}

/* ---- Mutexes and condition variables ---- */

static bool mutex_is_abandoned(word owner) {
  return is_type(owner, T_THREAD) && slot_number(owner, THREAD_STATE) >= STATE_DONE;
}

/* (%mutex-lock! mutex deadline owner): #t; 1 where its owner had ended; #f at the deadline */
BUILTIN(mutex_lock) {
  UNUSED;
  struct timespec time;
  const word mutex = checked(vm, args[0], T_MUTEX, "a mutex");
  const struct timespec *deadline = deadline_argument(vm, args[1], &time);
  const word owner = args[2] == W_FALSE ? W_TRUE : args[2];
  for (bool in_time = true;;) {
    threads_lock(vm->scheme);
    const word old = slots_of(mutex)[MUTEX_OWNER];
    const bool abandoned = mutex_is_abandoned(old), mine = old == W_FALSE || abandoned;
    if (mine) set_slot(vm, mutex, MUTEX_OWNER, owner);
    const uint64_t seen = threads_unlock(vm->scheme);
    if (mine) return abandoned ? fixnum(1) : W_TRUE;
    if (!in_time) return W_FALSE;
    in_time = threads_wait(vm, seen, deadline);
    machine_look(vm);
  }
}

/* (%mutex-unlock! mutex condition deadline): #f at the deadline; the condition may be #f */
BUILTIN(mutex_unlock) {
  UNUSED;
  struct timespec time;
  const word mutex = checked(vm, args[0], T_MUTEX, "a mutex"), condition = args[1];
  if (condition != W_FALSE) checked(vm, condition, T_CONDITION, "a condition variable");
  const struct timespec *deadline = deadline_argument(vm, args[2], &time);
  threads_lock(vm->scheme);
  const word before = condition == W_FALSE ? 0 : slots_of(condition)[CONDITION_SEQUENCE];
  set_slot(vm, mutex, MUTEX_OWNER, W_FALSE);
  threads_unlock_changed(vm->scheme);
  for (bool in_time = true; condition != W_FALSE;) {
    threads_lock(vm->scheme);
    const bool signalled = slots_of(condition)[CONDITION_SEQUENCE] != before;
    const uint64_t seen = threads_unlock(vm->scheme);
    if (signalled) break;
    if (!in_time) return W_FALSE;
    in_time = threads_wait(vm, seen, deadline);
    machine_look(vm);
  }
  return W_TRUE;
}

/* Wakes all that wait: each looks at what it waits for, as it must anyway. */
BUILTIN(condition_signal) {
  UNUSED;
  const word condition = checked(vm, args[0], T_CONDITION, "a condition variable");
  threads_lock(vm->scheme);
  set_slot(vm, condition, CONDITION_SEQUENCE,
           fixnum(slot_number(condition, CONDITION_SEQUENCE) + 1));
  threads_unlock_changed(vm->scheme);
  return W_VOID;
}

const struct builtin_row thread_builtins[] = {
    {"%thread-start!", builtin_thread_start, 1, 1, 0},
    {"%thread-end!", builtin_thread_end, 2, 2, 0},
    {"%thread-join", builtin_thread_join, 2, 2, 0},
    {"thread-terminate!", builtin_thread_terminate, 1, 1, 0},
    {"%thread-sleep", builtin_thread_sleep, 1, 1, 0},
    {"thread-yield!", builtin_thread_yield, 0, 0, 0},
    {"%current-thread", builtin_thread_current, 0, 1, 0},
    {"%mutex-lock!", builtin_mutex_lock, 3, 3, 0},
    {"%mutex-unlock!", builtin_mutex_unlock, 3, 3, 0},
    {"condition-variable-signal!", builtin_condition_signal, 1, 1, 0},
    {"condition-variable-broadcast!", builtin_condition_signal, 1, 1, 0},
    {0},
};
