/* fibers.pml: threads switch between stacks while a cycle scans them.
 *
 * Two mutators with a stack each of their own, and FIBERS fibers.  Either mutator switches to any
 * parked fiber, and back to its own stack or to the other fiber, at any time; it unregisters a
 * parked one, and registers it anew.  Here in full: the claims of a fiber, who scans its stack and
 * when, the colour that it has when it is left, the walk of the collector, the decision what is
 * scanned again with all threads held.
 * The model begins when all barriers are on.  Not here: what start.pml has (the two halves of a
 * store, runs, new objects) and termination.pml (buffers).  So a store is one step, a shade marks at
 * once, and marking closes when nothing is grey and a flush has found nothing.
 *
 * A thread may use the stack that it runs on, and its own.  With PEEKS it also reads those of parked
 * fibers; then one thread alone has to do with fibers, as the manual asks.
 * Each step cites the function that takes it, and that function cites this model; `cites` checks
 * both.
 *
 * Claims: lost_at_end, when marking is closed, everything reachable is marked; used_while_scanned,
 * no thread runs on a stack that the collector reads, or unregisters it meanwhile; grey_below, no
 * thread that is scanned begins to run on a stack that is not.
 * No state but the last is a deadlock.
 *
 * Configuration: NOBJ objects of one field, NO_FIELDS: of none; FIBERS (1 or 2); FOREIGN adds an unbarriered slot, and
 * the end with all threads held; PEEKS.  Mutants: README.md. */
#define NO_RENAME
#include "model.h"

#ifndef FIBERS
#define FIBERS 1
#endif

#define NOTHING 0
#define SCAN_ROOTS 1
#define FLUSH 2
#define HOLD 3

/* The stacks: 0 and 1 are the threads' own, those of fibers follow. */
#define STACKS (2 + FIBERS)
#define IS_FIBER(s) ((s) >= 2)

/* The states of mutator/fibers.h; UNREGISTERED may be registered anew. */
#define PARKED 0
#define SCANNING 1
#define RUNNING 2
#define UNREGISTERED 3

/* What a thread is in the middle of, with stack `to`. */
#define BETWEEN 0
#define CLAIMED 1 /* has it: will scan it, if need be, and run there */
#define ENDING 2  /* has it: will scan it, if need be, and forget it */

byte slot[NOBJ + 1] = NIL;
byte plain = NIL;
byte marked, grey;
byte request, answered;
byte stack[STACKS];
byte state[STACKS];
bit black[STACKS]; /* has been scanned in this cycle */
bit ran[STACKS];   /* a black thread has run there in this cycle */
byte at[2];
byte op[2], to[2];
bit settled; /* all roots have been scanned: what is stored needs no shade */
byte lost_at_end;
bit used_while_scanned, grey_below;
bit begun; /* any heap, with any words on the stacks, is there */

#ifdef FOREIGN
#define WITH_PLAIN true
#define IN_PLAIN BIT(plain)
#else
#define WITH_PLAIN false
#define IN_PLAIN 0
#endif
#ifdef NO_FIELDS
#define WITH_FIELDS false
#else
#define WITH_FIELDS true
#endif
#ifdef PEEKS
#define MAY_SWITCH(t) ((t) == 0)
#define MAY_PEEK(t, s) ((t) == 0 && state[s] == PARKED)
#else
#define MAY_SWITCH(t) true
#define MAY_PEEK(t, s) false
#endif

inline mark(set) {
  grey = grey | ((set) & ~marked);
  marked = marked | (set)
}

#if FIBERS > 1
#define OF_FIBERS(f) (f(2) | f(3))
#else
#define OF_FIBERS(f) f(2)
#endif

/* ---- Mutants: each changes one of these, or a step below. ---- */

#ifdef OWN_STACK_UNSCANNED
#define STACKS_OF(t) stack[at[t]]
#else
#define STACKS_OF(t) (stack[at[t]] | stack[t])
#endif

#ifdef SAFEPOINT_IN_SWITCH
#define AT_SAFEPOINT(t) true
#else
#define AT_SAFEPOINT(t) (op[t] == BETWEEN)
#endif

#ifdef TAKEN_UP_UNSCANNED
#define SCANS_FIRST(t, s) false
#elif defined RAN_BEFORE_SCAN
#define SCANS_FIRST(t, s) false
#else
#define SCANS_FIRST(t, s) (black[t] && !black[s])
#endif

#ifdef UNREGISTERED_UNSCANNED
#define SCANS_LAST(s) false
#else
#define SCANS_LAST(s) (!black[s])
#endif

#ifdef LEFT_BLACK
#define COLOUR(t, s) (black[t] || black[s])
#else
#define COLOUR(t, s) black[t]
#endif

#ifdef UNREGISTERED_UNWAITED
#define MAY_END(s) (state[s] == PARKED || state[s] == SCANNING)
#else
#define MAY_END(s) (state[s] == PARKED)
#endif

#ifdef TAKEN_UP_UNWAITED
#define MAY_CLAIM(s) (state[s] == PARKED || state[s] == SCANNING)
#else
#define MAY_CLAIM(s) (state[s] == PARKED)
#endif

/* ---- Mutators ---- */

/* `black` of a thread's own stack is the thread's colour. */
inline answer(t) {
  d_step {
    request != NOTHING && !HAS(answered, t) && AT_SAFEPOINT(t) ->
    if
    :: request == SCAN_ROOTS ->
       /* scan: runtime/cycle/handshake.c: action_scan_roots; runtime/mark/root_scan.c: gaiti_roots_each_range */
       say("T%d scans its stacks\n", t)
       mark(STACKS_OF(t));
       black[t] = 1
    :: else -> skip
    fi;
    answered = answered | THREAD(t) }
}

#define HELD(t) (request == HOLD && HAS(answered, t))

/* barrier: runtime/barrier/barrier.c: gait_barrier */
inline store(t, o, v) {
  say("T%d stores %c in %c\n", t, NAME(v), NAME(o))
  mark(BIT(slot[o]));
  if
  :: !settled -> mark(BIT(v))
  :: else -> skip
  fi;
  slot[o] = v
}

inline use(t) {
  atomic {
    op[t] == BETWEEN && !HELD(t) ->
    if
    :: say("T%d loads %c\n", t, NAME(slot[GLOBAL])) stack[at[t]] = stack[at[t]] | BIT(slot[GLOBAL])
    :: WITH_FIELDS && stack[at[t]] != 0 -> pick(stack[at[t]], o); say("T%d loads from %c\n", t, NAME(o)) stack[at[t]] = stack[at[t]] | BIT(slot[o])
    :: pick_or_nil(stack[at[t]], v); o = GLOBAL; store(t, o, v)
    :: WITH_FIELDS && stack[at[t]] != 0 -> pick(stack[at[t]], o); pick_or_nil(stack[at[t]], v); store(t, o, v)
    :: stack[at[t]] != 0 -> pick(stack[at[t]], o); say("T%d drops %c\n", t, NAME(o)) stack[at[t]] = stack[at[t]] & ~BIT(o)
    :: at[t] != t && stack[t] != 0 -> say("T%d moves what is on its own stack\n", t) stack[at[t]] = stack[at[t]] | stack[t]; stack[t] = 0
    :: at[t] != t && stack[at[t]] != 0 -> say("T%d moves to its own stack\n", t) stack[t] = stack[at[t]] | stack[t]; stack[at[t]] = 0
    :: WITH_PLAIN -> say("T%d loads %c from U\n", t, NAME(plain)) stack[at[t]] = stack[at[t]] | BIT(plain)
    :: WITH_PLAIN -> pick_or_nil(stack[at[t]], v); say("T%d stores %c in U\n", t, NAME(v)) plain = v
    :: MAY_PEEK(t, 2) && at[t] != 2 -> say("T%d reads the stack of F2\n", t) stack[at[t]] = stack[at[t]] | stack[2]
    fi;
    o = 0; v = 0 }
}

/* A thread goes from its own stack to a fiber, or from that back or to the other. */
inline claim(t) {
  atomic {
    op[t] == BETWEEN && !HELD(t) && MAY_SWITCH(t) && (at[t] != t || OF_FIBERS(MAY_CLAIM)) ->
    if
    :: at[t] != t -> to[t] = t
    :: MAY_CLAIM(2) -> to[t] = 2
#if FIBERS > 1
    :: MAY_CLAIM(3) -> to[t] = 3
#endif
    fi;
    /* claim: runtime/mutator/fibers.c: gaiti_fiber_claim */
    if
    :: IS_FIBER(to[t]) -> used_while_scanned = state[to[t]] == SCANNING; state[to[t]] = RUNNING
    :: else -> skip
    fi;
    assert(used_while_scanned == 0);
    say("T%d takes up %d\n", t, to[t])
    op[t] = CLAIMED }
}

/* move: runtime/mutator/fibers.c: gaiti_fiber_move, fiber_leave */
inline move(t) {
  atomic {
    if
    :: IS_FIBER(at[t]) -> black[at[t]] = COLOUR(t, at[t]); ran[at[t]] = black[t]; state[at[t]] = PARKED
    :: else -> skip
    fi;
    at[t] = to[t]; op[t] = BETWEEN;
    say("T%d runs on %d\n", t, to[t])
    to[t] = 0 }
}

/* take-up: runtime/api/api_fiber.c: fiber_take_up */
inline take_up(t) {
  if
  :: IS_FIBER(to[t]) && SCANS_FIRST(t, to[t]) ->
     d_step {
       say("T%d scans it first\n", t)
       mark(stack[to[t]]); black[to[t]] = 1 }
  :: else -> skip
  fi;
#if !defined TAKEN_UP_UNSCANNED && !defined RAN_BEFORE_SCAN
  d_step {
    grey_below = IS_FIBER(to[t]) && black[t] && !black[to[t]];
    assert(grey_below == 0) };
#endif
  move(t)
}

#ifdef RAN_BEFORE_SCAN
inline scan_late(t) {
  d_step {
    op[t] == BETWEEN && IS_FIBER(at[t]) && black[t] && !black[at[t]] ->
    say("T%d scans the stack that it runs on\n", t)
    mark(stack[at[t]]); black[at[t]] = 1 }
}
#endif

/* unregister: runtime/api/api_fiber.c: gait_fiber_unregister, fiber_shade_last */
inline begin_end(t, s) {
  d_step {
    op[t] == BETWEEN && !HELD(t) && MAY_SWITCH(t) && at[t] != s && MAY_END(s) ->
    used_while_scanned = state[s] == SCANNING;
    assert(used_while_scanned == 0);
    state[s] = UNREGISTERED; to[t] = s; op[t] = ENDING }
}
inline forget(t) {
  d_step {
    if
    :: SCANS_LAST(to[t]) -> mark(stack[to[t]])
    :: else -> skip
    fi;
    say("T%d has unregistered %d\n", t, to[t])
    stack[to[t]] = 0; op[t] = BETWEEN; to[t] = 0 }
}

/* register: runtime/mutator/fibers.c: gaiti_fiber_add */
inline anew(t, s) {
  d_step {
    op[t] == BETWEEN && !HELD(t) && MAY_SWITCH(t) && state[s] == UNREGISTERED && op[1 - t] != ENDING ->
    say("T%d registers %d\n", t, s)
    state[s] = PARKED; black[s] = 0; ran[s] = 0 }
}

active [2] proctype mutator() {
  byte o, v;
#define t _pid
  begun;
  at[t] = t;
end:
  do
  :: answer(t)
  :: use(t)
  :: claim(t)
  :: op[t] == CLAIMED -> take_up(t)
  :: begin_end(t, 2)
  :: op[t] == ENDING -> forget(t)
  :: anew(t, 2)
#ifdef RAN_BEFORE_SCAN
  :: scan_late(t)
#endif
  od
#undef t
}

/* ---- The collector ---- */

inline ask(what) {
  d_step { answered = 0; request = what }
}
inline asked() {
  answered == EVERYBODY;
  d_step { answered = 0; request = NOTHING }
}

/* Traces one grey object. */
inline scan_one() {
  pick(grey, o);
  grey = grey & ~BIT(o);
  mark(BIT(slot[o]));
  o = 0
}
inline drain() {
  do
  :: atomic { grey != 0 -> scan_one() }
  :: atomic { grey == 0 -> break }
  od
}

/* walk: runtime/mark/fiber_scan.c: gaiti_fibers_scan; runtime/mutator/fibers.c: fiber_try_scan */
inline walk() {
  s = 2;
  do
  :: s < STACKS ->
#ifdef CLAIMED_UNLOOKED
     d_step { found = state[s] == PARKED && !black[s] };
     if
     :: found -> state[s] = SCANNING
     :: else -> skip
     fi;
#else
     d_step {
       found = state[s] == PARKED && !black[s];
       if
       :: found -> state[s] = SCANNING
       :: else -> skip
       fi };
#endif
     if
     :: found ->
        d_step {
          used_while_scanned = at[0] == s || at[1] == s || state[s] != SCANNING;
          assert(used_while_scanned == 0);
          say("C scans %d\n", s)
          mark(stack[s]) };
        /* give: runtime/mutator/fibers.c: gaiti_fiber_give */
        black[s] = 1;
        state[s] = PARKED
     :: else -> skip
     fi;
     s++
  :: else -> break
  od;
  s = 0; found = 0
}

#ifdef RAN_UNNOTED
#define AGAIN(f) (state[f] == PARKED && !black[f])
#else
#define AGAIN(f) (state[f] == PARKED && ran[f])
#endif
#define IF_AGAIN(f) (AGAIN(f) * stack[f])
#define IF_ROOT(f) ((state[f] != UNREGISTERED) * stack[f])

inline check() {
  d_step {
    found = 1;
    o = stack[0] | stack[1] | OF_FIBERS(IF_ROOT) | BIT(slot[GLOBAL]) | IN_PLAIN;
    do
    :: found ->
       s = o;
       s = s | (HAS(o, 0) -> BIT(slot[0]) : 0) | (HAS(o, 1) -> BIT(slot[1]) : 0);
#if NOBJ > 2
       s = s | (HAS(o, 2) -> BIT(slot[2]) : 0);
#endif
       found = s != o;
       o = s
    :: else -> break
    od;
    lost_at_end = o & ~marked;
    assert(lost_at_end == 0);
    o = 0; s = 0 }
}

/* Any heap, and any words on the stacks. */
inline begin() {
  atomic {
    do
    :: s == NOBJ || (s < NOBJ && WITH_FIELDS) -> pick_or_nil(ALL, o); slot[s] = o; s++
    :: s < NOBJ && !WITH_FIELDS -> s++
    :: else -> break
    od;
    s = 0;
    do
    :: s < STACKS -> select(o : 0 .. ALL); stack[s] = o; s++
    :: else -> break
    od;
    if
    :: WITH_PLAIN -> pick_or_nil(ALL, o); plain = o
    :: else -> skip
    fi;
    o = 0; s = 0; begun = 1 }
}

active proctype collector() {
  byte o, s, noted;
  bit found;
  begin();
  /* roots: runtime/cycle/cycle.c: phase_roots, cycle_scan_fibers */
#ifdef WALKED_BEFORE_STACKS
  walk();
#endif
  ask(SCAN_ROOTS);
  asked();
#ifndef WALKED_BEFORE_STACKS
  walk();
#endif
  d_step { mark(BIT(slot[GLOBAL]) | IN_PLAIN) };
#ifndef FOREIGN
  settled = 1;
#endif
  drain();
#ifdef FOREIGN
  /* held: runtime/cycle/cycle.c: cycle_scan_stacks_stopped; runtime/mark/fiber_scan.c: gaiti_fibers_mark_stopped */
  ask(HOLD);
  answered == EVERYBODY;
  d_step {
    mark(stack[0] | stack[1] | stack[at[0]] | stack[at[1]] | OF_FIBERS(IF_AGAIN) | BIT(plain)) };
  drain();
#else
  /* flush: runtime/cycle/cycle.c: phase_flush, phase_drain */
  do
  :: true ->
     noted = marked;
     ask(FLUSH);
     asked();
     drain();
     if
     :: atomic { noted == marked && grey == 0 -> break }
     :: else -> drain()
     fi
  od;
#endif
  check()
}
