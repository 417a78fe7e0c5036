/* termination.pml: how the collector finds out that nothing is left to mark.
 *
 * It starts when every stack has been scanned, with any heap and any stacks, and ends when marking
 * is closed.  Here in full: buffers of shades that belong to processors, the list that they are
 * handed to, markers (a worker, and mutators that assist) that take and give back work, the flush
 * handshake with the state word of each thread, threads that leave, enter, attach, detach and exit,
 * processors that are stolen, and (with HELD_END) the end with every thread held.
 * Not here: new objects, which are black, and the two halves of a store: start.pml has both.
 *
 * Each step cites the function that takes it, and that function cites this model; `cites` checks
 * both.
 *
 * Claims, an assertion each:
 *   lost_at_end  when marking is closed, everything reachable is marked
 *   two_users    a processor and a thread's state are used by one thread at a time
 *   loose        while all are taken for held, each is
 * No state but the last is a deadlock; and with LIVE marking is closed in every fair run.
 *
 * Configuration: NOBJ objects of one field (2 .. 4), one global slot.  CHAIN: at first the global
 * slot refers to a, a to b, b to c, and the stacks are empty; otherwise the heap is any, and so are
 * the stacks.  CUT_ONLY: NIL is all that is stored.  NO_ASSIST, NO_WORKER: the only markers are the
 * worker, or mutators while buffers are asked for.  NO_LIFE: no theft, no detaching. */
#include "model.h"

/* runtime/mutator/thread.h: gaiti_thread_state, gaiti_thread_try_suspend, gaiti_thread_resume,
 * gaiti_thread_try_enter, gaiti_thread_leave_saved.  A thread that is DETACHED is listed until it is GONE. */
#define MANAGED 0
#define OUTSIDE 1
#define HELD 2
#define DETACHED 3
#define GONE 4

/* What a managed thread is in the middle of; it is at no safepoint then. */
#define BETWEEN 0
#define TAKEN 1     /* a marker that has taken work */
#define TRACED 2    /* a marker that has traced some of it */
#define ACQUIRING 3 /* has entered and needs a processor */
#define STEALING 4  /* holds the other thread to take its processor */
#define UNCOUNTED 5 /* mutant: no marker any more, and its marks are not in the count */
#define UNSEEN 6    /* mutant: has taken work, and is not counted as active */

byte slot[NOBJ + 1] = NIL;
byte marked;
byte grey;                      /* in the queue */
byte local_grey[2], worker_grey; /* with a marker: one that a thread is, or the worker */
bit found[2], worker_found;     /* the marker has marked what is not in the count yet */
byte worker_op;
byte shaded;  /* in the list of shades, unmarked */
bit more;     /* the count has changed since it was noted */
bit flushing, holding, closed;
byte answered;
byte stack[2], state[2], op[2];
byte has_proc = EVERYBODY;
byte buffer[2]; /* of the processor that the thread has: shades, unmarked */
byte by_collector; /* threads that the collector has moved from OUTSIDE to HELD */
byte seen_held;    /* threads that this look has found held */
byte lost_at_end, two_users, loose;

#ifdef NO_ASSIST
#define ASSISTS false
#else
#define ASSISTS true
#endif
#ifdef NO_WORKER
#define WORKS (!flushing)
#else
#define WORKS true
#endif
#ifdef NO_LIFE
#define COMES_AND_GOES false
#else
#define COMES_AND_GOES true
#endif

/* ---- Mutants: each changes one of these. ---- */

#ifdef ENTER_WHILE_HELD
#define MAY_ENTER(t) (state[t] == OUTSIDE || state[t] == HELD)
#else
#define MAY_ENTER(t) (state[t] == OUTSIDE)
#endif

#ifdef STEAL_ACROSS_HANDSHAKES
#define SEEN_THE_SAME true
#else
#define SEEN_THE_SAME (answered == 0 || answered == EVERYBODY)
#endif

#ifdef STEAL_UNHELD
#define STOLEN_FROM_STATE OUTSIDE
#else
#define STOLEN_FROM_STATE HELD
#endif

#ifdef LEAVER_SKIPPED
#define FLUSHED_FOR(t) 0
#else
#define FLUSHED_FOR(t) buffer[t]
#endif

#ifdef ACTIVE_COUNTED_LATE
#define TAKES UNSEEN
#else
#define TAKES TAKEN
#endif

#ifdef COUNT_IGNORED
#define REPEAT false
#else
#define REPEAT more
#endif

/* ---- Renaming ---- */

c_code {
#define SHARED_SETS(X) X(marked) X(grey) X(shaded) X(worker_grey)
#define SHARED_REFS(X)
#define THREAD_SETS(X) X(stack) X(buffer) X(local_grey)
#define THREAD_REFS(X)
#define THREAD_BYTES(X) X(state) X(op) X(found)
#define THREAD_BITS(X) X(answered) X(has_proc) X(by_collector) X(seen_held)
#define ROOTS (now.stack[0] | now.stack[1] | bit(now.slot[GLOBAL]))
#define PENDING (now.grey | now.worker_grey | now.local_grey[0] | now.local_grey[1] | now.shaded | now.buffer[0] | now.buffer[1])
#define FOLLOW(set) (set)
#include "symmetry.h"
}

/* ---- Marking ---- */

/* runtime/mark/marker.c: gaiti_marker_mark_oldest.  A shade of what is marked means nothing any more. */
inline mark(set, into, new) {
  if
  :: (set) & ~marked -> new = 1
  :: else -> skip
  fi;
  into = into | ((set) & ~marked);
  marked = marked | (set);
  shaded = shaded & ~marked;
  buffer[0] = buffer[0] & ~marked;
  buffer[1] = buffer[1] & ~marked
}

/* take: runtime/mark/marker.c: marker_start, gaiti_marker_join, marker_take_shared.  Marking is open
 * until it is closed, so whoever helps may join. */
inline take(into, new) {
  if
  :: grey != 0 ->
     pick(grey, o);
     grey = grey & ~BIT(o); into = into | BIT(o)
  :: shaded != 0 ->
     pick(shaded, o);
     mark(BIT(o), into, new)
  fi
}

/* scan: runtime/mark/scan.c: gaiti_scan */
inline scan(from, new) {
  pick(from, o);
  from = from & ~BIT(o);
  mark(BIT(slot[o]), from, new)
}

#define MARKS(t) (op[t] == TAKEN || op[t] == TRACED)
#define ACTIVE (MARKS(0) || MARKS(1) || worker_op != BETWEEN)
/* runtime/mark/marking.c: marking_idle_locked */
#define IDLE (!ACTIVE && grey == 0 && shaded == 0)

/* ---- Mutators ---- */

#define IN_HAND(t) (HAS(by_collector, t) || op[1 - t] == STEALING)
#define AT_SAFEPOINT(t) (!closed && state[t] == MANAGED && op[t] == BETWEEN)
#define ASKED(t) ((flushing && !HAS(answered, t)) || holding)

#ifdef LIVE
/* The contract of gait_thread_poll: a thread that is asked does only so much before its next safepoint. */
byte late[2];
#define PATIENT(t) (!ASKED(t) || late[t] == 0)
#define acts(t) late[t] = ASKED(t)
#define answers(t) late[t] = 0
/* A marker gets somewhere, and threads do not attach for ever just to steal from one another. */
#define GIVES_BACK(op) (op == TRACED)
bit attached_again[2];
#define MAY_ATTACH(t) (!attached_again[t])
#define attaches(t) attached_again[t] = 1
#else
#define GIVES_BACK(op) (op == TAKEN || op == TRACED)
#define MAY_ATTACH(t) true
#define attaches(t) skip
#define PATIENT(t) true
#define acts(t) skip
#define answers(t) skip
#endif
#define RUNS(t) (AT_SAFEPOINT(t) && PATIENT(t))

inline uses_proc(t) {
  two_users = IN_HAND(t) || !HAS(has_proc, t);
  assert(two_users == 0)
}

active [2] proctype mutator() {
  byte o, v;
#define t _pid
end:
  do
  /* load: include/gait/inline.h: gait_load */
  :: atomic { RUNS(t) && stack[t] != 0 ->
       acts(t);
       pick(stack[t], o);
       say("T%d loads %c from %c\n", t, NAME(slot[o]), NAME(o))
       stack[t] = stack[t] | BIT(slot[o]);
       o = 0; rename() }
  :: d_step { RUNS(t) && slot[GLOBAL] != NIL ->
       acts(t);
       say("T%d loads %c from the global slot\n", t, NAME(slot[GLOBAL]))
       stack[t] = stack[t] | BIT(slot[GLOBAL]); rename() }
  :: atomic { RUNS(t) && stack[t] != 0 -> /* a reference on the stack is overwritten */
       acts(t);
       pick(stack[t], o);
       say("T%d forgets %c\n", t, NAME(o))
       stack[t] = stack[t] & ~BIT(o);
       o = 0; rename() }

  /* store: runtime/barrier/barrier.c: gait_store_slow */
  :: atomic { RUNS(t) ->
       acts(t);
       pick_or_nil(stack[t], o);
#ifdef CUT_ONLY
       v = NIL;
#else
       pick_or_nil(stack[t], v);
#endif
       uses_proc(t);
       say("T%d stores %c to %c, which was %c\n", t, NAME(v), NAME(o), NAME(slot[o]))
       buffer[t] = buffer[t] | ((BIT(slot[o]) | BIT(v)) & ~marked);
       slot[o] = v;
       o = 0; v = 0; rename() }

  /* hand-over: runtime/barrier/buffers.c: gaiti_buffers_flush, when the buffer is full */
  :: d_step { RUNS(t) && buffer[t] != 0 ->
       acts(t);
       uses_proc(t);
       say("T%d hands its buffer over\n", t)
       shaded = shaded | buffer[t]; buffer[t] = 0; rename() }

  /* assist: runtime/cycle/assist.c: assist_mark.  It traces an object at least. */
  :: atomic { ASSISTS && RUNS(t) && grey + shaded + local_grey[t] != 0 ->
       acts(t);
       if
       :: local_grey[t] == 0 -> take(local_grey[t], found[t])
       :: else -> skip
       fi;
       say("T%d takes work\n", t)
       op[t] = TAKES;
       o = 0; rename() }
#ifdef ACTIVE_COUNTED_LATE
  :: d_step { op[t] == UNSEEN -> op[t] = TAKEN; rename() }
#endif
  :: atomic { MARKS(t) && local_grey[t] != 0 ->
       say("T%d traces\n", t)
       scan(local_grey[t], found[t]);
       op[t] = TRACED;
       o = 0; rename() }
  /* give-back: runtime/mark/marker.c: marker_stop */
  :: d_step { GIVES_BACK(op[t]) ->
       say("T%d gives back what it has not traced\n", t)
#ifndef ASSIST_KEEPS_WORK
       grey = grey | local_grey[t]; local_grey[t] = 0;
#endif
#ifdef COUNTED_AFTER_STOP
       op[t] = (found[t] -> UNCOUNTED : BETWEEN);
#else
       more = more | found[t]; found[t] = 0;
       op[t] = BETWEEN;
#endif
       rename() }
#ifdef COUNTED_AFTER_STOP
  :: d_step { op[t] == UNCOUNTED -> more = 1; found[t] = 0; op[t] = BETWEEN; rename() }
#endif

  /* leave: runtime/api/api_thread.c: gait_thread_leave_from; runtime/cycle/handshake.c:
   * safepoint_wait_while_stopped */
  :: d_step { AT_SAFEPOINT(t) ->
       acts(t);
       say("T%d leaves\n", t)
       state[t] = OUTSIDE; rename() }

  /* enter: runtime/mutator/thread.c: gaiti_thread_enter */
  :: d_step { !closed && MAY_ENTER(t) && PATIENT(t) ->
       acts(t);
       say("T%d enters\n", t)
       state[t] = MANAGED;
       op[t] = (HAS(has_proc, t) -> BETWEEN : ACQUIRING); rename() }

  /* acquire: runtime/mutator/proc.c: gaiti_proc_acquire.  A free processor's buffer is
   * empty. */
  :: d_step { op[t] == ACQUIRING ->
       say("T%d has a free processor\n", t)
       has_proc = has_proc | THREAD(t);
       op[t] = BETWEEN; rename() }
  /* steal: runtime/mutator/proc.c: proc_steal */
  :: d_step { COMES_AND_GOES && op[t] == ACQUIRING && state[1 - t] == OUTSIDE && HAS(has_proc, 1 - t) ->
       say("T%d holds T%d to steal its processor\n", t, 1 - t)
       state[1 - t] = STOLEN_FROM_STATE;
       op[t] = STEALING; rename() }
  :: d_step { op[t] == STEALING ->
       if
       :: SEEN_THE_SAME ->
          say("T%d steals the processor and lets go\n", t)
          buffer[t] = buffer[1 - t]; buffer[1 - t] = 0;
          has_proc = (has_proc | THREAD(t)) & ~THREAD(1 - t)
       :: else ->
          say("T%d lets go and makes a new processor\n", t)
          has_proc = has_proc | THREAD(t)
       fi;
#ifndef STEAL_UNHELD
       state[1 - t] = OUTSIDE;
#endif
       op[t] = BETWEEN; rename() }

  /* attach: runtime/mutator/attach.c: thread_attach_locked; runtime/cycle/hooks.c: hook_attached.  The
   * other thread may have handed it a reference. */
  :: atomic { !closed && state[t] == GONE && !holding && MAY_ATTACH(t) ->
       attaches(t);
       pick_or_nil(stack[1 - t], v);
       say("T%d attaches with %c\n", t, NAME(v))
       if
       :: flushing -> answered = answered | THREAD(t)
       :: else -> skip
       fi;
       state[t] = MANAGED; op[t] = ACQUIRING;
       stack[t] = BIT(v); shaded = shaded | (BIT(v) & ~marked);
       v = 0; rename() }

  /* detach: runtime/mutator/attach.c: gaiti_thread_detach; runtime/mutator/attachments.c: attachments_detach_all, for
   * a thread that just exits */
  :: d_step { COMES_AND_GOES && !closed && state[t] == OUTSIDE ->
       say("T%d begins to detach\n", t)
       stack[t] = 0;
       state[t] = DETACHED; rename() }
  :: d_step { state[t] == DETACHED && HAS(has_proc, t) ->
       say("T%d hands its buffer over and gives its processor up\n", t)
#ifndef DETACH_DROPS_BUFFER
       shaded = shaded | buffer[t];
#endif
       buffer[t] = 0; has_proc = has_proc & ~THREAD(t); rename() }
  /* unlink: runtime/mutator/attach.c: threads_unlink_locked */
#if defined UNLINKED_BEFORE_FLUSH
  :: d_step { state[t] == DETACHED ->
#elif defined EXIT_STILL_LISTED
  :: d_step { false ->
#else
  :: d_step { state[t] == DETACHED && !HAS(has_proc, t) ->
#endif
       say("T%d is gone\n", t)
       answers(t);
       state[t] = GONE; answered = answered & ~THREAD(t); rename() }
#ifdef UNLINKED_BEFORE_FLUSH
  :: d_step { state[t] == GONE && HAS(has_proc, t) ->
       shaded = shaded | buffer[t];
       buffer[t] = 0; has_proc = has_proc & ~THREAD(t); rename() }
#endif

  /* answer: runtime/cycle/handshake.c: gaiti_safepoint, action_flush */
  :: d_step { AT_SAFEPOINT(t) && flushing && !HAS(answered, t) ->
       say("T%d answers with its buffer\n", t)
       uses_proc(t);
       shaded = shaded | buffer[t]; buffer[t] = 0;
       answers(t);
       answered = answered | THREAD(t); rename() }
  od
#undef t
}

/* ---- The worker ---- */

active proctype worker() {
  byte o;
end:
  do
  /* take: runtime/cycle/workers.c: worker_mark_round */
  :: atomic { WORKS && worker_op == BETWEEN && grey + shaded != 0 ->
       take(worker_grey, worker_found);
       say("W takes work\n")
       worker_op = TAKEN;
       o = 0; rename() }
  :: atomic { worker_op != BETWEEN && worker_grey != 0 ->
       say("W traces\n")
       scan(worker_grey, worker_found);
       worker_op = TRACED;
       o = 0; rename() }
  :: d_step { GIVES_BACK(worker_op) ->
       say("W gives back what it has not traced\n")
       grey = grey | worker_grey; worker_grey = 0;
       more = more | worker_found; worker_found = 0;
       worker_op = BETWEEN; rename() }
  od
}

/* ---- The collector ---- */

#define LISTED(t) (state[t] != GONE)
#define WAITED_FOR(t) (LISTED(t) && !HAS(answered, t))
#define CAN_HOLD(t) (WAITED_FOR(t) && state[t] == OUTSIDE)
#define LOOKS_HELD(t) (LISTED(t) && !HAS(seen_held, t))

/* runtime/cycle/handshake.c: handshake_act_for_outside */
inline hold_absent(t) {
  say("C holds T%d\n", t)
  state[t] = HELD; by_collector = THREAD(t); rename()
}
inline act_for_absent(t) {
  say("C hands T%d's buffer over and lets it go\n", t)
  shaded = shaded | FLUSHED_FOR(t); buffer[t] = buffer[t] & ~FLUSHED_FOR(t);
  answered = answered | THREAD(t);
  answers(t);
  state[t] = OUTSIDE; by_collector = 0; rename()
}

/* runtime/cycle/stop.c: stop_look, stop_suspend_locked, for one thread */
inline look(t, all_held) {
  if
#ifdef HELD_BY_ANYBODY
  :: state[t] == HELD -> skip
#else
  :: HAS(by_collector, t) -> skip
#endif
  :: state[t] == OUTSIDE ->
     say("C holds T%d for good\n", t)
     state[t] = HELD; by_collector = by_collector | THREAD(t)
  :: else -> all_held = 0
  fi;
  seen_held = seen_held | THREAD(t)
}

active proctype collector() {
  byte o;
  bit all_held, unused;

  /* Any heap, any stacks, all roots scanned. */
  atomic {
#ifdef CHAIN
    slot[GLOBAL] = 0;
    do
    :: o < NOBJ - 1 -> slot[o] = o + 1; o++
    :: else -> break
    od;
    o = 0;
#else
    do
    :: o <= NOBJ ->
       pick_or_nil(ALL, slot[o]);
       o++
    :: else -> break
    od;
    o = 0;
    do
    :: pick(ALL & ~stack[0], o); stack[0] = stack[0] | BIT(o)
    :: break
    od;
    do
    :: pick(ALL & ~stack[1], o); stack[1] = stack[1] | BIT(o)
    :: break
    od;
    o = 0;
#endif
    mark(stack[0] | stack[1] | BIT(slot[GLOBAL]), grey, unused);
    unused = 0; rename()
  };

  /* runtime/cycle/cycle.c: cycle_mark_until_idle.  The worker does it. */
  IDLE;

#ifndef HELD_END
again:
  /* note: runtime/cycle/cycle.c: phase_mark; runtime/mark/marking.c:
   * gaiti_marking_note_idle */
#ifdef NOTED_WHILE_BUSY
  IDLE;
  atomic {
#else
  atomic { IDLE ->
#endif
    say("C notes the count\n")
    more = 0; rename() };
  /* ask-flush: runtime/cycle/handshake.c: gaiti_handshake_ask_locked */
  d_step {
    say("C asks for buffers\n")
    flushing = 1; answered = 0; rename() };
  do
  /* act-absent: runtime/cycle/handshake.c: handshake_act_for_outside */
  :: d_step { by_collector == 0 && CAN_HOLD(0) -> hold_absent(0) }
  :: d_step { by_collector == 0 && CAN_HOLD(1) -> hold_absent(1) }
  :: d_step { HAS(by_collector, 0) -> act_for_absent(0) }
  :: d_step { HAS(by_collector, 1) -> act_for_absent(1) }
  :: d_step { by_collector == 0 && !WAITED_FOR(0) && !WAITED_FOR(1) ->
       say("C has all answers\n")
       flushing = 0; answered = 0; rename() };
     break
  od;
#ifdef NOTED_AFTER_ANSWERS
  more = 0;
#endif
  /* close: runtime/mark/marking.c: gaiti_marking_try_close */
  if
  :: IDLE && REPEAT -> goto again
  :: atomic { IDLE && !REPEAT -> say("C closes marking\n") closed = 1 }
  fi;

#else
  /* hold: runtime/cycle/stop.c: gaiti_stop_all */
  holding = 1;
  do
  :: atomic { all_held = 1; seen_held = 0; rename() };
     do
     :: d_step { LOOKS_HELD(0) -> look(0, all_held); rename() }
     :: d_step { LOOKS_HELD(1) -> look(1, all_held); rename() }
     :: d_step { !LOOKS_HELD(0) && !LOOKS_HELD(1) -> seen_held = 0; rename() };
        break
     od;
     if
     :: all_held -> break
     :: else -> skip
     fi
  od;
  /* held: runtime/cycle/cycle.c: cycle_drain_stopped, cycle_scan_stacks_stopped */
  atomic {
    say("C takes all for held\n")
    loose = (LISTED(0) && !HAS(by_collector, 0)) || (LISTED(1) && !HAS(by_collector, 1));
    assert(loose == 0);
    shaded = shaded | buffer[0] | buffer[1]; buffer[0] = 0; buffer[1] = 0;
    mark(stack[0] | stack[1], grey, unused);
    all_held = 0; unused = 0; rename() };
  atomic { IDLE -> closed = 1 };
#endif
  c_code { now.lost_at_end = reachable() & ~now.marked; };
  assert(lost_at_end == 0)
}
