/* drive.pml: who runs a cycle: the collector's thread, or one that allocates and may hand it over.
 *
 * Two mutators each do up to OPS things: they reach the trigger, accept a cycle that is offered,
 * wait for a cycle, fork.  One that has accepted a cycle runs it to its end, or until it would have
 * to wait; both can happen at any time.  The collector's thread sleeps without an end, so it has to
 * be woken for all that it is to do.
 * Not here: what a cycle does, that whoever waits is away (fork.pml), memory to be given back.
 *
 * Each step cites the function that takes it, and that function cites this model; `cites` checks
 * both.
 *
 * Claims, an assertion each:
 *   two_runners  a cycle is run by one thread at a time, and it is under way
 *   begun_twice  a cycle begins when none is under way, and one was requested
 *   not_at_rest  while heaps are suspended none begins, and when the process forks none is under way
 *   left_over    when all mutators are done and the collector's thread sleeps, no cycle is under way,
 *                and none is requested but one that is offered
 * No state but the last is a deadlock; and no run is without an end (there is no cycle among the
 * states), so whoever waits for a cycle, or forks, goes on.
 *
 * Configuration: OPS; NO_THREAD: the system gives the collector no thread.  Mutants: see README.md. */
#include "model.h"

#ifndef OPS
#define OPS 2
#endif

bit requested, offered, driven, suspended;
byte started, finished;
#define UNDER_WAY (started != finished)

byte runners, done;
bit asleep;
bit two_runners, begun_twice, not_at_rest, left_over;

/* What the collector's thread sleeps for. */
#define wake() asleep = 0

/* ---- Mutants: each changes one of these. ---- */

#ifdef DRIVEN_UNLOOKED
#define HANDED_OVER true
#else
#define HANDED_OVER (!driven)
#endif

#ifdef OFFER_UNLOOKED
#define MAY_ACCEPT (!suspended)
#elif defined ACCEPTED_SUSPENDED
#define MAY_ACCEPT offered
#else
#define MAY_ACCEPT (offered && !suspended)
#endif

#ifdef SUSPENDED_HALFWAY
#define MAY_GO_ON (!suspended)
#else
#define MAY_GO_ON true
#endif

#ifdef NO_THREAD
#define RUNS false
#else
#define RUNS true
#endif

/* ---- Running one; each of these steps has the lock ---- */

/* has-to-run: runtime/cycle/collector.c: collector_has_to_run_locked */
#define HAS_TO_RUN                                                                                 \
  (UNDER_WAY -> HANDED_OVER && MAY_GO_ON : requested && !offered && !suspended)

/* begin: runtime/cycle/collector.c: collector_begin_locked */
inline begin() {
  begun_twice = UNDER_WAY || !requested;
  not_at_rest = suspended;
  assert(begun_twice == 0);
  assert(not_at_rest == 0);
  requested = 0; offered = 0; started++
}

inline drive() {
  driven = 1; runners++;
  two_runners = runners > 1 || !UNDER_WAY;
  assert(two_runners == 0)
}
inline stop() {
  driven = 0; runners--
}

/* end: runtime/cycle/collector.c: collector_end_locked.  Those who wait for it look by themselves. */
inline end_cycle() {
  finished = started
}

/* run: runtime/cycle/collector.c: collector_run_locked; the lock is not held between the two. */
inline run_locked() {
  if
  :: UNDER_WAY -> skip
  :: else -> begin()
  fi;
  drive()
}
inline run_ends() {
  d_step { say("the cycle ends\n") stop(); end_cycle() }
}

/* ---- Asking for one ---- */

/* ask: runtime/cycle/collector.c: collector_ask_locked */
inline ask() {
  requested = 1;
#ifdef COLLECT_UNTOLD
  if
  :: offered -> skip
  :: else -> wake()
  fi
#else
  offered = 0;
  wake()
#endif
}

/* request: runtime/cycle/collector.c: collector_request_locked, collector_may_be_inline_locked */
inline request(t) {
  atomic {
    if
    :: UNDER_WAY || (requested && (offered || RUNS)) -> skip
    :: else ->
       if
       :: !requested -> say("T%d offers a cycle\n", t) requested = 1; offered = 1
       :: say("T%d requests a cycle\n", t) ask()
       fi
    fi }
}

/* follow: runtime/cycle/collector.c: collector_hand_off_locked */
inline follow(t) {
  stays = 0;
  if
  :: HAS_TO_RUN && RUNS ->
#if defined HANDED_OVER_UNTOLD
     if
     :: UNDER_WAY -> skip
     :: else -> wake()
     fi
#elif defined REQUESTED_MEANWHILE_UNTOLD
     if
     :: UNDER_WAY -> wake()
     :: else -> skip
     fi
#else
     wake()
#endif
#ifndef HANDED_OVER_TO_NOBODY
  :: HAS_TO_RUN && !RUNS && UNDER_WAY -> run_locked(); stays = 1
#endif
  :: else -> skip
  fi
}

/* accept: runtime/cycle/collector.c: gaiti_collector_run_inline, collector_run_inline_locked.  The
 * offer was seen without the lock. */
inline accept(t) {
  if
  :: atomic { MAY_ACCEPT -> say("T%d accepts the cycle\n", t) begin(); drive() };
     if
     :: atomic { say("T%d has ended it\n", t) stop(); end_cycle(); follow(t) }
     :: atomic { say("T%d hands it over\n", t) stop(); follow(t) }
     fi;
     if
     :: stays -> stays = 0; run_ends()
     :: else -> skip
     fi
  :: atomic { !(MAY_ACCEPT) -> skip }
  fi
}

/* collect: runtime/cycle/collector.c: collector_wait, collector_await_locked */
inline collect(t) {
  atomic { say("T%d waits for a cycle\n", t) target = started + 1; ask() };
  do
  :: finished >= target -> break
  :: atomic { finished < target && !RUNS && HAS_TO_RUN ->
       say("T%d runs it\n", t)
       run_locked() };
     run_ends()
  od;
  target = 0
}

/* fork: runtime/cycle/fork.c: fork_suspend, fork_resume */
inline forks(t) {
  atomic { say("T%d suspends\n", t) suspended = 1 };
  atomic { !UNDER_WAY ->
    say("the process forks\n")
    not_at_rest = runners > 0;
    assert(not_at_rest == 0) };
  atomic { say("T%d resumes\n", t) suspended = 0; wake() }
}

bit fork_lock;

active [2] proctype mutator() {
  byte ops, target;
  bit stays;
#define t _pid
  do
  :: ops < OPS -> ops++; request(t)
  :: ops < OPS && offered -> ops++; accept(t)
  :: ops < OPS -> ops++; collect(t)
  :: ops < OPS -> ops++; atomic { !fork_lock -> fork_lock = 1 }; forks(t); fork_lock = 0
  :: break
  od;
  ops = 0;
  done++
#undef t
}

#ifndef NO_THREAD
active proctype collector() {
  /* main: runtime/cycle/collector.c: collector_main */
  do
  :: atomic { HAS_TO_RUN -> say("C runs a cycle\n") run_locked() }; run_ends()
  :: d_step { !HAS_TO_RUN -> asleep = 1 };
end:
     !asleep
  od
}
#endif

active proctype witness() {
  d_step { done == 2 && (asleep || !RUNS) && runners == 0 ->
    left_over = UNDER_WAY || (RUNS && requested && !offered);
    assert(left_over == 0) }
}
