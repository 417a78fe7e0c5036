/* fork.pml: how a fork brings two heaps to rest, and how whoever waits stays out of its way.
 *
 * Two mutators begin in any state of each heap.  Each does at most OPS things: it takes a lock of a
 * heap, collects, leaves, enters, detaches, attaches, forks.  Between them it comes to safepoints;
 * at last it leaves both heaps.  Each heap has a collector, whose cycle needs an answer from every
 * thread, and may then hold them all.  The fork is a thread's, or a stranger's.
 * With FOREIGN there is a lock of a library's, which the fork has from before its first step until
 * after its last, as a handler that was registered later may, and for which threads wait in managed
 * state; a fork may lose its patience with them, and with a cycle that stands still.
 * Not here: what the child does afterwards; heaps that come and go; a cycle run by a thread that
 * waits for it, or that allocates (drive.pml); thieves of processors.
 *
 * Each step cites the function that takes it, and that function cites this model; `cites` checks
 * both.
 *
 * Claims, an assertion each:
 *   managed_while_held  while all threads are taken for held, nobody is in managed state
 *   half_changed        when a process forks, nobody else has a lock, no cycle is under way but one
 *                       that stands still, and nobody is in managed state of any heap but one of
 *                       which the fork has lost patience with a thread or with the cycle; the thread
 *                       that forks is in managed state of none
 *   let_go              only threads that are held are let go
 * No state but the last is a deadlock; and no run is without an end (there is no cycle among the
 * states), so every fork, every wait and every cycle ends, whoever is favoured.
 *
 * Configuration: OPS; FOREIGN; ALLOCATES: one cycle begins unasked; CALLS_ONLY: nobody does anything
 * but fork or call that library; STRANGER: a stranger forks, and no mutator does; HOLDS: cycles may
 * hold all threads; NO_LIFE: nobody attaches or detaches.  Mutants: see README.md. */
#include "model.h"

/* runtime/mutator/thread.h: gaiti_thread_try_suspend, gaiti_thread_resume, gaiti_thread_try_enter,
 * gaiti_thread_leave_saved.  A thread that is DETACHED is listed until it is GONE. */
#define MANAGED 0
#define OUTSIDE 1
#define HELD 2
#define DETACHED 3
#define GONE 4

#ifndef OPS
#define OPS 2
#endif
#ifdef HOLDS
#define HOLDS_TOO true
#else
#define HOLDS_TOO false
#endif
#ifdef NO_LIFE
#define COMES_AND_GOES false
#else
#define COMES_AND_GOES true
#endif
#ifdef FOREIGN
#define IS_FOREIGN true
#else
#define IS_FOREIGN false
#endif
#ifdef CALLS_ONLY
#define CALLS true
#else
#define CALLS false
#endif
#ifdef ALLOCATES
#define ALLOCATES_TOO true
#else
#define ALLOCATES_TOO false
#endif
#ifdef NEVER_GIVES_UP
#define GIVES_UP false
#else
#define GIVES_UP IS_FOREIGN
#endif
#ifdef STRANGER
#define FORKS false
#else
#define FORKS true
#endif

/* What a mutator waits for. */
#define COLLECT 0
#define SAFEPOINT 1
#define ENTER 2
#define ATTACH 3
#define DETACH 4
#define FORK 5

#define OF(t, h) (2 * (t) + (h))

/* Of each thread in each heap. */
byte state[4];
bit away[4];
bit due[4]; /* has not acted on the handshake under way */
bit stopped[4];

/* Of each thread. */
byte cycles[2]; /* that have still to end before it goes on, */
bit waits_for[2]; /* of this heap */

/* Of each heap.  A lock that is held for longer than a step stands for any of them. */
bit requested[2], running[2], suspended[2], holding[2];
bit all_held[2];
byte lock[2];
#define FREE 0
#define TAKEN 1
#define FORKED 2
/* The other locks are held for a step each, unless the fork has them. */
#define OPEN(h) (lock[h] != FORKED)

bit fork_lock;
bit foreign; /* the lock of a library's */
bit allocated; /* with ALLOCATES: allocation has asked for a cycle, once */
bit managed_while_held, half_changed, let_go;

bit still[2]; /* of each heap: the cycle under way waits for threads */
/* Of each heap, while a fork is under way. */
bit rests[2], holds[2]; /* no cycle is under way; and so its threads have been held */
bit whole[2];           /* all of them */
bit forking[4];         /* of the thread that forks: a cycle must not hold it */

#define IS(t, h, s) (state[OF(t, h)] == s)
#define LISTED(t, h) (!IS(t, h, GONE))

/* ---- Mutants: each changes one of these. ---- */

/* Whether a thread that waits with `op` at heap h leaves heap g as well. */
#if defined WAITS_MANAGED
#define GOES_AWAY(op, h, g) (op != COLLECT || g == h)
#elif defined HELD_MANAGED
#define GOES_AWAY(op, h, g) (op != SAFEPOINT || g == h)
#elif defined ENTERS_MANAGED
#define GOES_AWAY(op, h, g) (op != ENTER)
#elif defined ATTACHES_MANAGED
#define GOES_AWAY(op, h, g) (op != ATTACH)
#elif defined DETACHES_MANAGED
#define GOES_AWAY(op, h, g) (op != DETACH)
#elif defined FORK_LOCK_WAITED_MANAGED
#define GOES_AWAY(op, h, g) (op != FORK)
#else
#define GOES_AWAY(op, h, g) true
#endif

#ifdef LETS_GO_ALL
#define LETS_GO(t, h) true
#else
#define LETS_GO(t, h) stopped[OF(t, h)]
#endif

#ifdef FORKED_HALFWAY
#define IS_STUCK(h) true
#define HALFWAY true
#else
#define IS_STUCK(h) still[h]
#define HALFWAY false
#endif

#ifdef CALLER_HELD
#define MAY_KEEP false
#else
#define MAY_KEEP true
#endif

#ifdef ATTACHED_WHILE_HELD
#define MAY_ATTACH(h) true
#else
#define MAY_ATTACH(h) (!holding[h])
#endif

/* ---- The state word ---- */

inline comes_in(t, h) {
  state[OF(t, h)] = MANAGED;
  managed_while_held = all_held[h];
  assert(managed_while_held == 0)
}

/* away-begin: runtime/mutator/blocking.c: gaiti_blocking_begin.  Nothing waits between one heap and the next,
 * so it is one step. */
inline leaves(t, h, g) {
  if
  :: IS(t, g, MANAGED) && GOES_AWAY(op, h, g) ->
     say("T%d goes away from heap %d\n", t, g)
     state[OF(t, g)] = OUTSIDE; away[OF(t, g)] = 1
  :: else -> skip
  fi
}
inline away_begin(t) {
  atomic { leaves(t, h, 0); leaves(t, h, 1) }
}

/* away-end: runtime/mutator/blocking.c: gaiti_blocking_end, gaiti_blocking_end_with, blocking_enter_all;
 * runtime/mutator/thread.c: gaiti_thread_try_enter_with_proc, gaiti_thread_wait_until_free.  Thread 0
 * attached to heap 0 last, thread 1 to the other. */
inline away_end(t) {
  g = 0;
  do
  :: g < 2 ->
     d_step {
       if
       :: away[OF(t, t ^ g)] && IS(t, t ^ g, OUTSIDE) ->
          say("T%d comes back to heap %d\n", t, t ^ g)
          away[OF(t, t ^ g)] = 0; comes_in(t, (t ^ g))
       :: else -> skip
       fi;
       closed = away[OF(t, t ^ g)];
       if
       :: closed -> closed_heap = t ^ g
       :: else -> g++
       fi };
     if
     :: closed ->
#ifdef COMES_BACK_ONE_BY_ONE
        skip;
#else
        away_begin(t);
#endif
        atomic { !IS(t, closed_heap, HELD) -> g = 0; closed = 0; closed_heap = 0 }
     :: else -> skip
     fi
  :: else -> break
  od
}

/* ---- Handshakes ---- */

/* hold: runtime/cycle/stop.c: gaiti_stop_all, gaiti_stop_until, stop_look, stop_suspend_locked */
#define HOLDABLE(t, h) (OPEN(h) && IS(t, h, OUTSIDE) && !forking[OF(t, h)])
inline hold_all(h, gives_up) {
  holding[h] = 1;
  do
  :: d_step { HOLDABLE(0, h) -> state[OF(0, h)] = HELD; stopped[OF(0, h)] = 1 }
  :: d_step { HOLDABLE(1, h) -> state[OF(1, h)] = HELD; stopped[OF(1, h)] = 1 }
  :: d_step { gives_up && OPEN(h) ->
       say("the fork has no more patience with the threads of heap %d\n", h)
       whole[h] = 0 };
     break
  :: d_step { OPEN(h) && (stopped[OF(0, h)] || !LISTED(0, h)) && (stopped[OF(1, h)] || !LISTED(1, h)) ->
       say("all threads of heap %d are held\n", h)
       all_held[h] = 1; still[h] = 0;
       managed_while_held = IS(0, h, MANAGED) || IS(1, h, MANAGED);
       assert(managed_while_held == 0) };
     break
  od
}

/* release: runtime/cycle/stop.c: gaiti_resume_all */
inline release(t, h) {
  if
  :: LISTED(t, h) && LETS_GO(t, h) ->
     let_go = !IS(t, h, HELD);
     assert(let_go == 0);
     state[OF(t, h)] = OUTSIDE
  :: else -> skip
  fi;
  stopped[OF(t, h)] = 0
}
inline release_all(h) {
  d_step { OPEN(h) ->
    say("the threads of heap %d are released\n", h)
    all_held[h] = 0; holding[h] = 0;
    release(0, h);
    release(1, h) }
}

/* ---- Fork ---- */

/* suspend: runtime/cycle/fork.c: fork_suspend */
inline fork_suspend(h) {
  d_step { OPEN(h) -> say("the fork suspends heap %d\n", h) suspended[h] = 1; whole[h] = 1 }
}
/* await: runtime/cycle/fork.c: fork_await_cycle, fork_is_stuck_locked */
inline fork_await(h) {
  if
  :: d_step { !running[h] && OPEN(h) -> rests[h] = 1 }
  :: d_step { GIVES_UP && running[h] && IS_STUCK(h) && OPEN(h) ->
       say("the fork has no more patience with the cycle of heap %d\n", h)
       rests[h] = 0 }
  fi
}
/* hold: runtime/cycle/fork.c: fork_stop */
inline fork_stop(h) {
  if
  :: (rests[h] || !GIVES_UP) && !holds[h] -> holds[h] = 1; hold_all(h, GIVES_UP)
  :: else -> skip
  fi
}

/* lock: runtime/cycle/fork.c: fork_lock_all */
inline fork_lock_all(h) {
  d_step { lock[h] == FREE -> say("the fork locks heap %d\n", h) lock[h] = FORKED }
}

#define each(step)                                                                                 \
  k = 0;                                                                                           \
  do                                                                                               \
  :: k < 2 -> step(k); k++                                                                         \
  :: else -> k = 0; break                                                                          \
  od

#define suspend_hold_lock(h) fork_suspend(h); fork_await(h); fork_stop(h); fork_lock_all(h)

#define QUIET(h) (!running[h] || still[h])
#define ARE_QUIET (!GIVES_UP || HALFWAY || (QUIET(0) && QUIET(1)))
/* keep: runtime/cycle/fork.c: fork_keep_caller */
inline fork_keep(t, h) {
  if
  :: t < 2 && !holds[h] && LISTED(t, h) ->
     forking[OF(t, h)] = MAY_KEEP;
     if
     :: stopped[OF(t, h)] && MAY_KEEP -> state[OF(t, h)] = OUTSIDE; stopped[OF(t, h)] = 0
     :: else -> skip
     fi
  :: else -> skip
  fi
}
/* look: runtime/cycle/fork.c: fork_try_lock_heaps */
inline fork_hold_and_lock() {
  do
  :: each(fork_await); each(fork_stop); each(fork_lock_all);
     if
     :: d_step { ARE_QUIET -> fork_keep(_pid, 0); fork_keep(_pid, 1) };
        break
     :: d_step { !(ARE_QUIET) ->
          say("a cycle goes on after all\n")
          lock[0] = FREE; lock[1] = FREE }
     fi
  od
}

/* prepare: runtime/cycle/fork.c: fork_prepare */
inline fork_prepare() {
  atomic { !fork_lock -> fork_lock = 1 };
#if defined LOCKED_HEAP_BY_HEAP
  each(suspend_hold_lock)
#elif defined LOCKED_BEFORE_HELD
  each(fork_suspend); each(fork_await); each(fork_lock_all); each(fork_stop)
#elif defined HELD_BEFORE_SUSPENDED
  each(fork_stop); each(fork_suspend); each(fork_await); each(fork_lock_all)
#elif defined UNSUSPENDED
  whole[0] = 1; whole[1] = 1; each(fork_stop); each(fork_lock_all)
#elif defined UNHELD
  each(fork_suspend); each(fork_await); each(fork_lock_all)
#elif defined UNLOCKED
  each(fork_suspend); each(fork_await); each(fork_stop)
#else
  each(fork_suspend); fork_hold_and_lock()
#endif
}

#define LOST_PATIENCE(h) (GIVES_UP && (!holds[h] || !whole[h]))
#define IS_OUT(t, h) (!IS(t, h, MANAGED) || (t != _pid && LOST_PATIENCE(h)))
#define AT_REST(h)                                                                                 \
  (lock[h] != TAKEN && (!running[h] || (GIVES_UP && still[h])) && IS_OUT(0, h) && IS_OUT(1, h))

inline process_forks() {
  atomic {
    say("the process forks\n")
    half_changed = !AT_REST(0) || !AT_REST(1);
    assert(half_changed == 0) }
}

/* parent: runtime/cycle/fork.c: fork_parent, fork_unlock_all */
inline fork_release(h) {
  if
  :: holds[h] -> release_all(h)
  :: else -> skip
  fi
}
inline fork_parent() {
  lock[0] = FREE;
  lock[1] = FREE;
  each(fork_release)
}
/* back: runtime/cycle/fork.c: fork_end, fork_resume.  The thread that forks has come back to its
 * heaps.  A handler that runs after gives the library's lock back. */
#define RESETS(h) rests[h] = 0; holds[h] = 0; whole[h] = 0; forking[OF(0, h)] = 0; forking[OF(1, h)] = 0
inline fork_resume() {
  suspended[0] = 0;
  suspended[1] = 0
}
inline fork_end() {
#ifndef RESUMED_BEFORE_BACK
  fork_resume();
#endif
  atomic { say("the fork is over\n") RESETS(0); RESETS(1); fork_lock = 0 };
  foreign = 0
}

/* ---- Mutators ---- */

/* What it does else. */
#define WAITING(op) (op <= FORK)
#define BETWEEN 6
#define LOCKING 7
#define DETACHING 8
#define CALLING 9  /* waits for the library's lock */
#define HANDLING 10 /* so does a handler of the fork */

/* ask: runtime/cycle/collector.c: collector_wait, collector_ask_locked.  The next cycle to begin,
 * or the one under way if that will do. */
inline collect_ask(t, h) {
  waits_for[t] = h;
  if
  :: running[h] -> cycles[t] = 1
  :: running[h] -> cycles[t] = 2; requested[h] = 1
  :: !running[h] -> cycles[t] = 1; requested[h] = 1
  fi
}

/* unlink: runtime/mutator/attach.c: threads_unlink_locked */
inline unlinks(t) {
  atomic { OPEN(h) -> say("T%d is detached from heap %d\n", t, h) state[OF(t, h)] = GONE }
}

/* What the thread is away for. */
inline waits(t) {
  if
  /* collect: runtime/cycle/collector.c: collector_wait, collector_await_locked */
  :: op == COLLECT ->
     atomic { OPEN(h) -> say("T%d asks for a cycle of heap %d\n", t, h) collect_ask(t, h) };
     cycles[t] == 0 && OPEN(h)
  /* safepoint: runtime/cycle/handshake.c: safepoint_wait_while_stopped */
  :: op == SAFEPOINT -> !holding[h] && OPEN(h)
  /* enter: runtime/mutator/thread.c: gaiti_thread_enter */
  :: op == ENTER -> away[OF(t, h)] = 1
  /* attach: runtime/mutator/attach.c: gaiti_thread_attach, thread_attach_locked */
  :: op == ATTACH ->
     d_step { MAY_ATTACH(h) && OPEN(h) ->
       say("T%d attaches to heap %d\n", t, h)
       due[OF(t, h)] = 0; comes_in(t, h) }
  /* detach: runtime/mutator/attach.c: gaiti_thread_detach, thread_end, thread_try_end */
  :: op == DETACH ->
     d_step { IS(t, h, OUTSIDE) -> state[OF(t, h)] = DETACHED };
#ifndef COMES_BACK_BEFORE_UNLINKED
     unlinks(t)
#endif
#ifndef STRANGER
  :: op == FORK ->
     fork_prepare(); process_forks(); fork_parent()
#ifdef RESUMED_BEFORE_BACK
     ; fork_resume()
#endif
#endif
  fi
}

inline starts(t, h) {
  if
  :: state[OF(t, h)] = MANAGED
  :: state[OF(t, h)] = OUTSIDE
  :: COMES_AND_GOES -> state[OF(t, h)] = GONE
  fi
}
inline stops(t, h) {
  if
  :: IS(t, h, MANAGED) -> state[OF(t, h)] = OUTSIDE
  :: else -> skip
  fi
}

/* Begins `what` at heap `which`, in words. */
#define BEGINS(what, which, words) say(words, t, which) op = what; h = which
#define DOES(what, which, words) done++; BEGINS(what, which, words)

active [2] proctype mutator() {
  byte op = BETWEEN, h, g, k, done, closed_heap;
  bit closed;
#define t _pid
#define MAY_CALL (op == BETWEEN && done < OPS)
#define MAY (MAY_CALL && !CALLS)
  atomic { starts(t, 0); starts(t, 1) };
  do
  /* lock, in any state */
  :: atomic { MAY -> DOES(LOCKING, 0, "T%d wants a lock of heap %d\n") }
  :: atomic { MAY -> DOES(LOCKING, 1, "T%d wants a lock of heap %d\n") }
  :: atomic { op == LOCKING && lock[h] == FREE -> say("T%d takes the lock\n", t) lock[h] = TAKEN };
     atomic { say("T%d gives it back\n", t) lock[h] = FREE; h = 0; op = BETWEEN }

  :: atomic { MAY && IS(t, 0, MANAGED) -> DOES(COLLECT, 0, "T%d collects heap %d\n") }
  :: atomic { MAY && IS(t, 1, MANAGED) -> DOES(COLLECT, 1, "T%d collects heap %d\n") }
  :: atomic { MAY_CALL && FORKS && !IS_FOREIGN -> DOES(FORK, 0, "T%d forks\n") }
  :: atomic { MAY_CALL && FORKS && IS_FOREIGN -> DOES(HANDLING, 0, "T%d forks\n") }
  :: atomic { op == HANDLING && !foreign ->
       say("T%d has the library's lock\n", t)
       foreign = 1; op = FORK }

  /* The embedder's own call of a library: no safepoint comes before it returns. */
  :: atomic { MAY_CALL && IS_FOREIGN && (IS(t, 0, MANAGED) || IS(t, 1, MANAGED)) ->
       DOES(CALLING, 0, "T%d wants the library's lock\n") }
  :: atomic { op == CALLING && !foreign -> op = BETWEEN }

  /* leave: runtime/api/api_thread.c: gait_thread_leave_from */
  :: atomic { MAY && IS(t, 0, MANAGED) ->
       say("T%d leaves heap 0\n", t)
       done++; state[OF(t, 0)] = OUTSIDE }
  :: atomic { MAY && IS(t, 1, MANAGED) ->
       say("T%d leaves heap 1\n", t)
       done++; state[OF(t, 1)] = OUTSIDE }

  /* enter: runtime/mutator/thread.c: gaiti_thread_enter */
  :: atomic { MAY && IS(t, 0, OUTSIDE) -> say("T%d enters heap 0\n", t) done++; comes_in(t, 0) }
  :: atomic { MAY && IS(t, 1, OUTSIDE) -> say("T%d enters heap 1\n", t) done++; comes_in(t, 1) }
  :: atomic { MAY && IS(t, 0, HELD) -> DOES(ENTER, 0, "T%d enters heap %d\n") }
  :: atomic { MAY && IS(t, 1, HELD) -> DOES(ENTER, 1, "T%d enters heap %d\n") }

  :: atomic { COMES_AND_GOES && MAY && IS(t, 0, GONE) ->
       DOES(ATTACH, 0, "T%d attaches to heap %d\n") }
  :: atomic { COMES_AND_GOES && MAY && IS(t, 1, GONE) ->
       DOES(ATTACH, 1, "T%d attaches to heap %d\n") }

  /* detach: runtime/mutator/attach.c: gaiti_thread_detach */
  :: atomic { COMES_AND_GOES && MAY && IS(t, 0, OUTSIDE) ->
       DOES(DETACHING, 0, "T%d detaches from heap %d\n"); state[OF(t, 0)] = DETACHED }
  :: atomic { COMES_AND_GOES && MAY && IS(t, 1, OUTSIDE) ->
       DOES(DETACHING, 1, "T%d detaches from heap %d\n"); state[OF(t, 1)] = DETACHED }
  :: atomic { COMES_AND_GOES && MAY && IS(t, 0, HELD) ->
       DOES(DETACH, 0, "T%d detaches from heap %d\n") }
  :: atomic { COMES_AND_GOES && MAY && IS(t, 1, HELD) ->
       DOES(DETACH, 1, "T%d detaches from heap %d\n") }
  :: op == DETACHING -> unlinks(t); atomic { h = 0; op = BETWEEN }

  /* safepoint: runtime/cycle/handshake.c: gaiti_safepoint */
  :: atomic { op == BETWEEN && IS(t, 0, MANAGED) && holding[0] ->
       BEGINS(SAFEPOINT, 0, "T%d is at a safepoint of heap %d\n") }
  :: atomic { op == BETWEEN && IS(t, 1, MANAGED) && holding[1] ->
       BEGINS(SAFEPOINT, 1, "T%d is at a safepoint of heap %d\n") }
  :: atomic { op == BETWEEN && IS(t, 0, MANAGED) && due[OF(t, 0)] -> due[OF(t, 0)] = 0 }
  :: atomic { op == BETWEEN && IS(t, 1, MANAGED) && due[OF(t, 1)] -> due[OF(t, 1)] = 0 }

  :: WAITING(op) ->
     away_begin(t);
     waits(t);
     away_end(t);
#ifndef STRANGER
     if
     :: op == FORK -> fork_end()
     :: else -> skip
     fi;
#endif
     atomic {
       g = 0;
       if
       :: op == DETACH && IS(t, h, DETACHED) -> op = DETACHING
       :: else -> op = BETWEEN; h = 0
       fi }

  :: atomic { op == BETWEEN -> stops(t, 0); stops(t, 1); done = 0 }; break
  od
#undef t
}

/* ---- Collectors ---- */

inline finishes(t, h) {
  if
  :: cycles[t] != 0 && waits_for[t] == h ->
     cycles[t]--;
     if
     :: cycles[t] == 0 -> waits_for[t] = 0
     :: else -> skip
     fi
  :: else -> skip
  fi
}

/* act-absent: runtime/cycle/handshake.c: handshake_act_for_outside */
inline act_for(t, h) {
  d_step { due[OF(t, h)] && IS(t, h, OUTSIDE) && lock[h] == FREE ->
    state[OF(t, h)] = HELD; lock[h] = TAKEN };
  d_step { due[OF(t, h)] = 0; state[OF(t, h)] = OUTSIDE; lock[h] = FREE }
}

active [2] proctype collector() {
#define h (_pid - 2)
end:
  do
  /* begin: runtime/cycle/collector.c: collector_main, collector_run_locked */
  :: d_step { (requested[h] || (ALLOCATES_TOO && !allocated)) && !suspended[h] && OPEN(h) ->
       say("C%d begins a cycle\n", h)
       allocated = allocated || (ALLOCATES_TOO && !requested[h]);
       requested[h] = 0; running[h] = 1 };
     /* ask: runtime/cycle/handshake.c: gaiti_handshake_ask_locked,
      * gaiti_handshake_stand_still_locked; runtime/cycle/protocol.c: gaiti_protocol_move */
     d_step { OPEN(h) -> due[OF(0, h)] = LISTED(0, h); due[OF(1, h)] = LISTED(1, h); still[h] = 1 };
     do
     :: act_for(0, h)
     :: act_for(1, h)
     :: d_step { OPEN(h) && (!due[OF(0, h)] || !LISTED(0, h)) && (!due[OF(1, h)] || !LISTED(1, h)) ->
          say("C%d has all answers\n", h)
          still[h] = 0;
          due[OF(0, h)] = 0; due[OF(1, h)] = 0 };
        break
     od;
     if
     :: true
     :: atomic { HOLDS_TOO && OPEN(h) -> still[h] = 1 }; hold_all(h, false); release_all(h)
     fi;
     atomic { OPEN(h) ->
       say("C%d ends the cycle\n", h)
       running[h] = 0;
       finishes(0, h);
       finishes(1, h) };
     /* release: runtime/cycle/collector.c: collector_release_some */
     if
     :: true
     :: atomic { lock[h] == FREE -> lock[h] = TAKEN }; lock[h] = FREE
     fi
  od
#undef h
}

#ifdef STRANGER
active proctype stranger() {
  byte k;
  atomic { !foreign -> foreign = IS_FOREIGN };
  fork_prepare();
  process_forks();
  fork_parent();
#ifdef RESUMED_BEFORE_BACK
  fork_resume();
#endif
  fork_end()
}
#endif
