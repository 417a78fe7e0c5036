/* The virtual machine: threads that take turns by clocks which count work.
 *
 * Each thread has a clock of its own, the time to which it has come, and the CPU time that it has
 * used.  One thread has the baton, and only it runs.  When it has worked, its clock goes on by the
 * time that takes: longer by threads / CPUs where more threads can run than there are CPUs.  When
 * another that can run is behind it by more than a turn, or it waits, the baton goes to the thread
 * that is furthest behind; of equals, to the one that was started first.  A wait with an end is one
 * for a time.  A thread that another wakes goes on from that one's clock, and a little later.
 *
 * A thread at idle priority has a turn only when fewer others can run than there are CPUs.
 *
 * All is whole numbers of picoseconds, so it is the same everywhere.
 *
 * .virtual.baton  The state below is written by the thread that has the baton alone, and handed on
 * under the lock.  A thread gives the baton away only in the functions that it calls here; so
 * between two of them it is alone, and a look at a flag and the wait for it are one step.  It may
 * give it away with locks in its hands, when it counts work: a thread that wants such a lock looks
 * for it in turns (os/lock.c).  A thread that has ended runs on without the baton, to the end of
 * pthread's own function, and touches nothing here. */
#define _GNU_SOURCE
#include "os/virtual.h"

#include <stdlib.h>

#include "base/check.h"

#define VIRTUAL_THREADS_MAX 256u
#define VIRTUAL_TURN_PS     ((uint64_t)20000000) /* so far a thread may be ahead */
#define VIRTUAL_WAKE_PS     ((uint64_t)5000000)  /* from the call that wakes a thread to its turn */
#define VIRTUAL_PAUSE_PS    ((uint64_t)1000000)  /* of a look at something, while it waits */
#define VIRTUAL_LOOK_PS     ((uint64_t)30000)    /* of a look for work where there is none */
#define VIRTUAL_READS_MOST                                                                         \
  1000u /* of the clock, in a row: a loop that only reads goes on in time */
#define VIRTUAL_NEVER UINT64_MAX

enum virtual_state { VIRTUAL_READY, VIRTUAL_WAITING, VIRTUAL_ENDED };

struct virtual_thread {
  enum virtual_state state;
  bool idle;
  int number;
  uint64_t clock_ps, cpu_ps;
  unsigned reads;  /* of its clock, since it last went on */
  uint64_t due_ps; /* while it waits: when that ends; VIRTUAL_NEVER */
  const void *on;  /* the thing waited for */
  pthread_t id;
  pthread_cond_t turn;
  gaiti_os_thread_fn *run;
  void *arg;
};

bool gaiti_virtual_is_on;

static struct gaiti_virtual virtual_machine;
static pthread_mutex_t virtual_lock = PTHREAD_MUTEX_INITIALIZER;
static struct virtual_thread *virtual_threads[VIRTUAL_THREADS_MAX];
static unsigned virtual_count;
static struct virtual_thread *virtual_baton; /* the thread that has it */
static _Thread_local struct virtual_thread *virtual_self;

/* ---- Whose turn it is ---- */

static unsigned virtual_ready(bool idle) {
  unsigned count = 0;
  for (unsigned i = 0; i < virtual_count; i++)
    count += virtual_threads[i]->state == VIRTUAL_READY && virtual_threads[i]->idle == idle;
  return count;
}

/* When the thread can go on; VIRTUAL_NEVER: not by itself. */
static uint64_t virtual_next_ps(const struct virtual_thread *thread, bool idle_runs) {
  if (thread->state == VIRTUAL_ENDED) return VIRTUAL_NEVER;
  if (thread->state == VIRTUAL_WAITING) return thread->due_ps;
  return thread->idle && !idle_runs ? VIRTUAL_NEVER : thread->clock_ps;
}

static struct virtual_thread *virtual_first(void) {
  struct virtual_thread *first = NULL;
  uint64_t first_ps = VIRTUAL_NEVER;
  bool idle_runs = virtual_ready(false) < virtual_machine.cpus;
  for (unsigned i = 0; i < virtual_count; i++) {
    uint64_t next_ps = virtual_next_ps(virtual_threads[i], idle_runs);
    if (next_ps >= first_ps) continue;
    first = virtual_threads[i];
    first_ps = next_ps;
  }
  return first;
}

/* Its wait has come to an end by itself. */
static void virtual_begin_turn(struct virtual_thread *thread) {
  if (thread->state != VIRTUAL_WAITING) return;
  thread->clock_ps = thread->due_ps;
  thread->state = VIRTUAL_READY;
}

static void virtual_await_turn(struct virtual_thread *self) {
  while (virtual_baton != self)
    pthread_cond_wait(&self->turn, &virtual_lock);
}

/* Hands the baton on to `next`, and takes it again when it comes; an ended thread does not wait. */
static void virtual_hand_on(struct virtual_thread *self, struct virtual_thread *next) {
  CHECK("virtual.stuck", next != NULL, "all threads of a virtual run wait for one another");
  virtual_begin_turn(next);
  if (next == self) return;
  int cancel = gaiti_os_cancel_off();
  pthread_mutex_lock(&virtual_lock);
  virtual_baton = next;
  pthread_cond_signal(&next->turn);
  if (self->state != VIRTUAL_ENDED) virtual_await_turn(self);
  pthread_mutex_unlock(&virtual_lock);
  gaiti_os_cancel_back(cancel);
}

/* Goes on by `ps` of CPU time; CPUs that are wanted by more threads than there are serve each less.
 */
static void virtual_spend(struct virtual_thread *self, uint64_t ps) {
  uint64_t cpus = virtual_machine.cpus, others = virtual_ready(false), wanted = others;
  if (self->idle) {
    cpus = cpus > others ? cpus - others : 1;
    wanted = virtual_ready(true);
  }
  self->reads = 0;
  self->cpu_ps += ps;
  self->clock_ps += wanted > cpus ? ps * wanted / cpus : ps;
}

static void virtual_turn(struct virtual_thread *self) {
  struct virtual_thread *first = virtual_first();
  if (first == NULL || first == self) return;
  uint64_t first_ps = virtual_next_ps(first, true);
  if (self->clock_ps > first_ps + VIRTUAL_TURN_PS) virtual_hand_on(self, first);
}

/* A thread that looks for work where there is none goes on in time, but has no turn there: others
 * would find it looking, each time, and never idle. */
static void virtual_work(uint64_t ps) {
  virtual_spend(virtual_self, ps > 0 ? ps : VIRTUAL_LOOK_PS);
  if (ps > 0) virtual_turn(virtual_self);
}

/* ---- Clocks ---- */

uint64_t gaiti_virtual_now_ns(void) {
  if (++virtual_self->reads > VIRTUAL_READS_MOST) virtual_work(VIRTUAL_PAUSE_PS);
  return virtual_self->clock_ps / 1000;
}

uint64_t gaiti_virtual_thread_cpu_ns(void) {
  return virtual_self->cpu_ps / 1000;
}

uint64_t gaiti_virtual_process_cpu_ns(void) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < virtual_count; i++)
    sum += virtual_threads[i]->cpu_ps;
  return sum / 1000;
}

double gaiti_virtual_cpus(void) {
  return virtual_machine.cpus;
}

void gaiti_virtual_pause(void) {
  virtual_work(VIRTUAL_PAUSE_PS);
}

void gaiti_virtual_turn(void) {
  virtual_turn(virtual_self);
}

int gaiti_virtual_thread_id(void) {
  return virtual_self->number;
}

void gaiti_virtual_set_idle(bool idle) {
  virtual_self->idle = idle;
  virtual_work(VIRTUAL_PAUSE_PS);
}

/* ---- Work ---- */

void gaiti_virtual_alloc(size_t bytes) {
  virtual_work(bytes * virtual_machine.alloc_ps);
}

void gaiti_virtual_mark(uint64_t bytes) {
  virtual_work(bytes * virtual_machine.mark_ps);
}

void gaiti_virtual_sweep(size_t blocks) {
  virtual_work(blocks * virtual_machine.sweep_ps);
}

/* ---- Waiting ---- */

void gaiti_virtual_wait(const void *on, uint64_t ns) {
  struct virtual_thread *self = virtual_self;
  self->state = VIRTUAL_WAITING;
  self->on = on;
  self->due_ps = ns < VIRTUAL_NEVER / 2000 ? self->clock_ps + ns * 1000 : VIRTUAL_NEVER;
  virtual_hand_on(self, virtual_first());
  self->on = NULL;
}

void gaiti_virtual_sleep_ns(uint64_t ns) {
  gaiti_virtual_wait(NULL, ns);
}

void gaiti_virtual_wake(const void *on) {
  uint64_t clock_ps = virtual_self->clock_ps + VIRTUAL_WAKE_PS;
  for (unsigned i = 0; i < virtual_count; i++) {
    struct virtual_thread *thread = virtual_threads[i];
    if (thread->state != VIRTUAL_WAITING || thread->on != on || on == NULL) continue;
    if (thread->clock_ps < clock_ps) thread->clock_ps = clock_ps;
    thread->state = VIRTUAL_READY;
  }
}

/* ---- Threads ---- */

static struct virtual_thread *virtual_add(void) {
  struct virtual_thread *thread = NULL;
  if (virtual_count < VIRTUAL_THREADS_MAX) thread = calloc(1, sizeof *thread);
  if (thread == NULL) return NULL;
  pthread_cond_init(&thread->turn, NULL);
  virtual_threads[virtual_count++] = thread;
  thread->number = (int)virtual_count;
  return thread;
}

static void *virtual_main(void *arg) {
  struct virtual_thread *self = virtual_self = arg;
  pthread_mutex_lock(&virtual_lock);
  virtual_await_turn(self);
  pthread_mutex_unlock(&virtual_lock);
  void *result = self->run(self->arg);
  self->state = VIRTUAL_ENDED;
  gaiti_virtual_wake(self);
  virtual_hand_on(self, virtual_first());
  return result;
}

bool gaiti_virtual_thread_start(pthread_t *thread, gaiti_os_thread_fn *run, void *arg) {
  struct virtual_thread *added = virtual_add();
  if (added == NULL) return false;
  added->run = run;
  added->arg = arg;
  added->clock_ps = virtual_self->clock_ps + VIRTUAL_WAKE_PS;
  if (pthread_create(thread, NULL, virtual_main, added) == 0) {
    added->id = *thread;
    return true;
  }
  added->state = VIRTUAL_ENDED;
  return false;
}

void gaiti_virtual_thread_join(pthread_t thread) {
  for (unsigned i = 0; i < virtual_count; i++) {
    struct virtual_thread *joined = virtual_threads[i];
    if (joined->run == NULL || !pthread_equal(joined->id, thread)) continue;
    while (joined->state != VIRTUAL_ENDED)
      gaiti_virtual_wait(joined, GAITI_NO_DEADLINE);
    joined->run = NULL; /* the system may use its number again */
  }
  pthread_join(thread, NULL);
}

/* ---- Begin and end ---- */

void gaiti_virtual_begin(const struct gaiti_virtual *machine) {
  virtual_machine = *machine;
  virtual_count = 0;
  virtual_self = virtual_baton = virtual_add();
  CHECK("virtual.memory", virtual_self != NULL, "no memory for the first thread");
  virtual_self->clock_ps = 1000000000; /* a clock at 0 is one that cannot be read */
  gaiti_virtual_is_on = true;
}

void gaiti_virtual_end(void) {
  gaiti_virtual_is_on = false;
  for (unsigned i = 0; i < virtual_count; i++) {
    pthread_cond_destroy(&virtual_threads[i]->turn);
    free(virtual_threads[i]);
  }
  virtual_count = 0;
  virtual_self = virtual_baton = NULL;
}
