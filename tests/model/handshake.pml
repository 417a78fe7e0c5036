/* handshake.pml: how a series of actions is counted, and who asks for the next one.
 *
 * Mutators begin managed, outside or not attached.  Each does at most OPS things (it leaves, enters,
 * detaches, attaches from the first series on) and then stays where it is; in managed state it comes
 * to a safepoint when its flag is up.  The collector has a series of actions done and then a single
 * one, ROUNDS times.  What an action does is in start.pml and termination.pml; here it is only done,
 * or not.
 * Not here: holding all threads; thieves of processors; the collector's sleep, which ends by itself.
 *
 * Each step cites the function that takes it, and that function cites this model; `cites` checks
 * both.
 *
 * Claims, an assertion each:
 *   negative        `pending` does not fall below zero
 *   miscounted      when somebody has subtracted, `pending` is the number of listed threads that
 *                   have still to subtract for this number
 *   acted_twice     nobody acts, or is acted for, twice on a number
 *   wrong_action    who acts on a number does the action that was asked with it
 *   action_changed  no action is asked for before all have acted on the one before
 *   over_early      when the collector finds the series over, all have acted on its last action
 * No state but the last is a deadlock; and no run is without an end (there is no cycle among the
 * states), so every series ends, whoever is favoured.
 *
 * Configuration: THREADS (2 or 3), OPS, ROUNDS; SERIES, the actions of a series; EAGER: the last to
 * act may leave it to the one that runs the cycle to go on.
 * SUBTRACT_BEFORE_SEEN is no mutant: see README.md, as for the mutants. */
#include "model.h"

#ifndef THREADS
#define THREADS 2
#endif
#ifndef OPS
#define OPS 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef SERIES
#define SERIES 2
#endif
#if THREADS > 2
#define OF_ALL(f, op) (f(0) op f(1) op f(2))
#else
#define OF_ALL(f, op) (f(0) op f(1))
#endif

/* The states of mutator/thread.h.  A thread that is DETACHED is listed until it is GONE. */
#define MANAGED 0
#define OUTSIDE 1
#define HELD 2
#define DETACHED 3
#define GONE 4

/* Actions: 1 .. SERIES are the series. */
#define NONE 0
#define SINGLE (SERIES + 1)

/* Of each thread. */
byte state[THREADS] = GONE;
byte seen[THREADS];
bit poll[THREADS];
bit acted[THREADS]; /* on `number`, or attached since it was asked */
bit owes[THREADS];  /* has still to subtract for `number` */

/* Of the heap. */
bit locked;
short pending;
byte number, action, last;
byte asked; /* the action that goes with `number` */
bit acted_for_outside;

bit negative, miscounted, acted_twice, wrong_action, action_changed, over_early;

#define IS(t, s) (state[t] == s)
#define LISTED(t) (!IS(t, GONE))
#define OWES(t) (LISTED(t) && owes[t])
#define HAS_ACTED(t) (!LISTED(t) || acted[t])
#define HAS_SEEN(t) (!LISTED(t) || seen[t] == number)
#define IS_ABSENT(t) (IS(t, OUTSIDE) && seen[t] != number)

/* pending: runtime/cycle/handshake.c: gaiti_handshake_is_pending */
#ifdef GO_ON_WHEN_SEEN
#define IS_PENDING (!OF_ALL(HAS_SEEN, &&))
#else
#define IS_PENDING (pending != 0)
#endif

inline lock() {
  atomic { !locked -> locked = 1 }
}

/* ---- Acting ---- */

/* act: runtime/cycle/handshake.c: handshake_act */
inline act(t) {
  d_step {
    acted_twice = acted[t];
    assert(acted_twice == 0);
    wrong_action = action != asked;
    assert(wrong_action == 0);
    say("T%d has acted on action %d\n", t, action)
    acted[t] = 1 }
}

inline see(t, n) {
  seen[t] = n
}
inline subtract(t, n) {
  pending--;
  negative = pending < 0;
  assert(negative == 0);
  if
  :: n == number -> owes[t] = 0
  :: else -> skip
  fi;
  miscounted = pending != OF_ALL(OWES, +);
  assert(miscounted == 0);
  say("T%d has been counted; pending: %d\n", t, pending)
  was_last = pending == 0
}

/* note: runtime/mutator/thread.c: gaiti_thread_note_acted */
inline note_acted(t, n) {
#ifdef SUBTRACT_BEFORE_SEEN
  d_step { subtract(t, n) };
  see(t, n)
#else
  see(t, n);
  d_step { subtract(t, n) }
#endif
}

/* ---- Asking ---- */

inline ask_of(t) {
  if
  :: LISTED(t) -> acted[t] = 0; owes[t] = 1
  :: else -> skip
  fi
}
inline raise_number(a) {
  d_step {
    number++;
    asked = a;
    ask_of(0);
    ask_of(1);
#if THREADS > 2
    ask_of(2);
#endif
    say("action %d is asked for, pending: %d\n", a, pending) }
}
inline raise_polls() {
  do
  :: atomic { i < THREADS ->
       if
       :: LISTED(i) -> poll[i] = 1
       :: else -> skip
       fi;
       i++ }
  :: else -> break
  od;
  i = 0
}

/* ask: runtime/cycle/handshake.c: gaiti_handshake_ask_locked */
inline ask(a) {
  d_step {
    action_changed = !OF_ALL(HAS_ACTED, &&);
    assert(action_changed == 0);
    acted_for_outside = 0 };
#ifndef PENDING_AFTER_NUMBER
  pending = OF_ALL(LISTED, +);
#endif
#ifndef ACTION_AFTER_NUMBER
  action = a;
#endif
#ifdef POLL_BEFORE_NUMBER
  raise_polls();
#endif
  raise_number(a);
#ifdef PENDING_AFTER_NUMBER
  pending = OF_ALL(LISTED, +);
#endif
#ifdef ACTION_AFTER_NUMBER
  action = a;
#endif
#ifndef POLL_BEFORE_NUMBER
  raise_polls();
#endif
}

/* go-on: runtime/cycle/protocol.c: gaiti_protocol_move_on_locked, protocol_next */
inline go_on(may) {
  next = (may && action != last -> action + 1 : NONE);
  if
  :: next != NONE -> ask(next)
  :: else -> skip
  fi
}

/* ---- Mutators ---- */

/* last-actor: runtime/cycle/handshake.c: safepoint_move_on */
#ifdef GO_ON_UNLOOKED
#define MAY_GO_ON (!acted_for_outside)
#else
#define MAY_GO_ON (!acted_for_outside && !IS_PENDING)
#endif

#ifdef EAGER
#define MAY_LEAVE_IT true
#else
#define MAY_LEAVE_IT false
#endif

inline lower_poll(t) {
  poll[t] = 0
}

/* safepoint: runtime/cycle/handshake.c: gaiti_safepoint, safepoint_act */
inline safepoint(t) {
  do
  :: true ->
#ifdef POLL_LOWERED_LATE
     n = number;
     lower_poll(t);
#else
     lower_poll(t);
     n = number;
#endif
     if
     :: seen[t] == n -> n = 0; break
     :: else -> act(t)
     fi;
     note_acted(t, n);
     if
     :: was_last -> was_last = 0; lock(); go_on(MAY_GO_ON); locked = 0
     :: was_last && MAY_LEAVE_IT -> was_last = 0
     :: else -> skip
     fi;
     n = 0;
     if
     :: next != NONE -> next = NONE
     :: else -> break
     fi
  od
}

/* unlink: runtime/mutator/attach.c: threads_unlink_locked, gaiti_thread_detach */
inline unlinks(t) {
  d_step { !locked ->
    say("T%d is off the list\n", t)
    state[t] = GONE;
    if
#ifdef UNLINK_NOT_COUNTED
    :: seen[t] != number ->
       miscounted = pending != OF_ALL(OWES, +);
       assert(miscounted == 0)
#else
    :: seen[t] != number -> subtract(t, number); was_last = 0
#endif
    :: else -> skip
    fi;
    owes[t] = 0; acted[t] = 0; seen[t] = 0; poll[t] = 0 }
}

#ifdef ATTACH_COUNTED
#define SEEN_AT_FIRST (number - 1)
#else
#define SEEN_AT_FIRST number
#endif

active [THREADS] proctype mutator() {
  byte done, n, i, next;
  bit was_last;
#define t _pid
#define MAY (done < OPS)
end:
  do
  :: IS(t, MANAGED) && poll[t] -> safepoint(t)

  /* leave: runtime/api/api_thread.c: gait_thread_leave_from */
  :: atomic { MAY && IS(t, MANAGED) -> say("T%d leaves\n", t) done++; state[t] = OUTSIDE }

  /* enter: runtime/api/api_thread.c: gait_thread_enter */
  :: atomic { MAY && IS(t, OUTSIDE) -> say("T%d enters\n", t) done++; state[t] = MANAGED }

  /* detach: runtime/mutator/attach.c: thread_try_end */
  :: atomic { MAY && IS(t, OUTSIDE) -> say("T%d detaches\n", t) done++; state[t] = DETACHED };
     unlinks(t)

  /* attach: runtime/mutator/attach.c: thread_attach_locked, thread_join_cycle_locked */
  :: atomic { MAY && IS(t, GONE) && number > 0 && !locked ->
       say("T%d attaches\n", t)
       done++; seen[t] = SEEN_AT_FIRST; acted[t] = 1; state[t] = MANAGED }
  od
#undef t
}

/* ---- The collector ---- */

/* act-absent: runtime/cycle/handshake.c: handshake_act_for_outside */
inline act_for(t) {
  if
  :: LISTED(t) && seen[t] != number ->
     if
     :: atomic { IS(t, OUTSIDE) -> say("T%d is held\n", t) state[t] = HELD };
        if
#ifdef SEEN_LOOKED_AT_ONCE
        :: true ->
#else
        :: seen[t] != number ->
#endif
           acted_for_outside = 1;
           act(t);
           note_acted(t, number);
           was_last = 0; fruitless = 0
#ifndef SEEN_LOOKED_AT_ONCE
        :: else -> skip
#endif
        fi;
        atomic { say("T%d is let go\n", t) state[t] = OUTSIDE }
     :: else -> skip
     fi
  :: else -> skip
  fi
}

#ifdef OVER_WHEN_ASKED
#define IS_OVER (action == last)
#else
#define IS_OVER (has_acted && next == NONE)
#endif

/* look: runtime/cycle/handshake.c: handshake_look.  A look that finds nothing to do changes
 * nothing, so one after the other says no more than one: the next waits for something to do. */
inline look() {
  atomic { !locked && (!fruitless || !IS_PENDING || OF_ALL(IS_ABSENT, ||)) ->
    locked = 1; fruitless = 1 };
  act_for(0);
  act_for(1);
#if THREADS > 2
  act_for(2);
#endif
  has_acted = !IS_PENDING;
  go_on(has_acted);
  d_step {
    over = IS_OVER;
    if
    :: over ->
       say("the series is over\n")
       over_early = action != last || !OF_ALL(HAS_ACTED, &&);
       assert(over_early == 0)
    :: else -> skip
    fi;
    fruitless = fruitless && next == NONE;
    has_acted = 0; next = NONE; locked = 0 }
}

inline starts(t) {
  if
  :: state[t] = MANAGED; acted[t] = 1
  :: state[t] = OUTSIDE; acted[t] = 1
  :: skip
  fi
}

active proctype collector() {
  byte turn, i, next;
  bit was_last, fruitless, has_acted, over;
  atomic {
    starts(0);
    starts(1);
#if THREADS > 2
    starts(2);
#endif
    skip };
  do
  /* series: runtime/cycle/protocol.c: gaiti_protocol_move; runtime/cycle/handshake.c:
   * gaiti_handshake_await */
  :: turn < 2 * ROUNDS ->
     lock();
     last = (turn % 2 == 0 -> SERIES : SINGLE);
     ask((turn % 2 == 0 -> 1 : SINGLE));
     d_step { locked = 0; fruitless = 0 };
     do
     :: !over -> look()
     :: else -> over = 0; break
     od;
     turn++
  :: else -> break
  od
}
