/* overflow.pml: grey objects that are in no queue.
 *
 * An entry that finds no room in the queue is dropped, and a shade that finds no buffer marks its
 * object there and then.  Either object is marked and not traced, and nobody has it: a flag says
 * that there are such, and a walk over all marked objects finds them again.  Here in full: the two
 * flags, the walk, what may be dropped meanwhile by others and by the walk itself, the count of what
 * was marked without a buffer, and how the end of marking looks at all three.  It starts as
 * termination.pml does, with any heap and any stacks, and all in roots marked; of what is grey then
 * an object may be in no queue already.  Who comes and goes is in termination.pml, and that the
 * list of shades refuses what comes after the close is in start.pml.
 *
 * Claim: lost_at_end: when marking is closed, everything reachable is marked.  No state but the last
 * is a deadlock; and with LIVE marking is closed in every fair run.
 *
 * Configuration: NOBJ objects of one field (2 .. 3), one global slot.  CHAIN, CUT_ONLY: as in
 * termination.pml.  HELD_END: the end with all threads held.  SMALL: what is on a stack stays there,
 * buffers are handed over when they are asked for only, and the walk drops nothing.
 * CLOSE_TRUSTS_COUNT is no mistake: without its look at the flags marking is closed no sooner, since
 * whatever is dropped or spilled after the count was noted has changed the count. */
#include "model.h"

/* What a thread is in the middle of; it is at no safepoint then. */
#define BETWEEN 0
#define STORING 1  /* has shades to see to before it stores */
#define SPILLING 2 /* has marked without a buffer, and has the lock of the shades */
#define FLAGGED 3  /* mutant: has raised the flag, and has not marked */

/* A marker: what it is in the middle of. */
#define TAKEN 1
#define TRACED 2
#define DROPPED 3 /* has dropped what it had, and has not said so yet */
#define UNSAID 4  /* mutant: the same, and is not counted as active any more */

byte slot[NOBJ + 1] = NIL;
byte marked;
byte grey;               /* in the queue */
byte shaded;             /* in the list of shades, unmarked */
byte worker_grey, own_grey; /* with the worker; with the collector's own marker */
bit worker_found, own_found;
byte worker_op, own_op;
bit overflowed, spilled; /* the flags */
bit uncounted;           /* objects were marked without a buffer and are not in the count yet */
bit more;                /* the count has changed since it was noted */
bit counting;            /* the collector has the lock of marking */
bit flushing, holding, closed;
byte answered, locks; /* locks: the thread that has the lock of the shades */
byte stack[2], op[2];
byte buffer[2];          /* shades, unmarked */
byte todo[2];            /* to shade, unmarked */
byte place[2] = NIL, value[2] = NIL; /* of the store */
byte walk_left;          /* the walk has not looked at */
byte lost_at_end;

#ifdef SMALL
#define FORGETS false
#define HANDS_OVER false
#define WALK_DROPS false
#else
#define FORGETS true
#define HANDS_OVER true
#define WALK_DROPS true
#endif

/* ---- Mutants: each changes one of these. ---- */

#ifdef NOTED_WHILE_OVERFLOWED
#define NOTE_FLAGS 0
#else
#define NOTE_FLAGS (overflowed || spilled)
#endif
#ifdef SPILLED_UNSEEN
#define CLOSE_UNCOUNTED 0
#else
#define CLOSE_UNCOUNTED uncounted
#endif
#ifdef CLOSE_TRUSTS_COUNT
#define CLOSE_FLAGS 0
#else
#define CLOSE_FLAGS (overflowed || spilled)
#endif
#ifdef SPILLED_UNFLAGGED
#define SPILL_FLAG spilled
#else
#define SPILL_FLAG 1
#endif
#ifdef SPILLED_UNCOUNTED
#define SPILL_COUNT uncounted
#else
#define SPILL_COUNT 1
#endif
#ifdef DROPPED_UNSAID
#define DROP_FLAG overflowed
#else
#define DROP_FLAG 1
#endif

/* ---- Renaming ---- */

c_code {
#define SHARED_SETS(X) X(marked) X(grey) X(shaded) X(worker_grey) X(own_grey) X(walk_left)
#define SHARED_REFS(X)
#define THREAD_SETS(X) X(stack) X(buffer) X(todo)
#define THREAD_REFS(X) X(place) X(value)
#define THREAD_BYTES(X) X(op)
#define THREAD_BITS(X) X(answered) X(locks)
#define ROOTS (now.stack[0] | now.stack[1] | bit(now.slot[GLOBAL]))
#define PENDING (now.marked | now.shaded | now.buffer[0] | now.buffer[1] | now.todo[0] | now.todo[1])
#define FOLLOW(set) (set)
#include "symmetry.h"
}

/* ---- Marking ---- */

/* A shade of what is marked means nothing any more. */
inline forget_marked() {
  shaded = shaded & ~marked;
  buffer[0] = buffer[0] & ~marked; buffer[1] = buffer[1] & ~marked;
  todo[0] = todo[0] & ~marked; todo[1] = todo[1] & ~marked
}

/* runtime/mark/marker.c: gaiti_marker_mark_oldest */
inline mark(set, into, new) {
  if
  :: (set) & ~marked -> new = 1
  :: else -> skip
  fi;
  into = into | ((set) & ~marked);
  marked = marked | (set);
  forget_marked()
}

#define ACTIVE(op) (op == TAKEN || op == TRACED || op == DROPPED)
/* runtime/mark/marking.c: marking_idle_locked */
#define IDLE (!ACTIVE(worker_op) && !ACTIVE(own_op) && grey == 0 && shaded == 0)

/* ---- Mutators ---- */

#define AT_SAFEPOINT(t) (!closed && op[t] == BETWEEN && !(holding && HAS(answered, t)))
#define ASKED(t) ((flushing || holding) && !HAS(answered, t))

#ifdef LIVE
/* The contract of gait_thread_poll: a thread that is asked does only so much before its next safepoint. */
byte late[2];
#define RUNS(t) (AT_SAFEPOINT(t) && (!ASKED(t) || late[t] == 0))
#define acts(t) late[t] = ASKED(t)
#define answers(t) late[t] = 0
#define GIVES_BACK(op) (op == TRACED)
#else
#define RUNS(t) AT_SAFEPOINT(t)
#define acts(t) skip
#define answers(t) skip
#define GIVES_BACK(op) (op == TAKEN || op == TRACED)
#endif

active [2] proctype mutator() {
  byte o, v;
#define t _pid
end:
  do
  /* load, as in termination.pml */
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
  :: atomic { FORGETS && RUNS(t) && stack[t] != 0 -> /* a reference on the stack is overwritten */
       acts(t);
       pick(stack[t], o);
       say("T%d forgets %c\n", t, NAME(o))
       stack[t] = stack[t] & ~BIT(o);
       o = 0; rename() }

  /* store, as in termination.pml; but a shade that finds no buffer is a step of its own */
  :: atomic { RUNS(t) ->
       acts(t);
       pick_or_nil(stack[t], o);
#ifdef CUT_ONLY
       v = NIL;
#else
       pick_or_nil(stack[t], v);
#endif
       if
       :: say("T%d stores %c to %c, which was %c\n", t, NAME(v), NAME(o), NAME(slot[o]))
          buffer[t] = buffer[t] | ((BIT(slot[o]) | BIT(v)) & ~marked);
          slot[o] = v
       :: buffer[t] == 0 && ((BIT(slot[o]) | BIT(v)) & ~marked) != 0 ->
          say("T%d has no buffer, and %c to store to %c, which is %c\n", t, NAME(v), NAME(o), NAME(slot[o]))
          todo[t] = (BIT(slot[o]) | BIT(v)) & ~marked;
          place[t] = o; value[t] = v;
          op[t] = STORING
       fi;
       o = 0; v = 0; rename() }
  /* spill: runtime/barrier/buffers.c: buffers_spill */
#ifdef SPILL_FLAG_FIRST
  :: d_step { op[t] == STORING && todo[t] != 0 && locks == 0 ->
       spilled = 1; locks = THREAD(t);
       op[t] = FLAGGED; rename() }
  :: d_step { op[t] == FLAGGED && todo[t] == 0 -> locks = 0; op[t] = STORING; rename() }
  :: atomic { op[t] == FLAGGED && todo[t] != 0 ->
#else
  :: atomic { op[t] == STORING && todo[t] != 0 && locks == 0 ->
#endif
       pick(todo[t], o);
       say("T%d marks %c without a buffer\n", t, NAME(o))
       marked = marked | BIT(o); forget_marked();
       locks = THREAD(t);
       op[t] = SPILLING;
       o = 0; rename() }
  :: d_step { op[t] == SPILLING ->
       say("T%d counts that and raises the flag\n", t)
#ifndef SPILL_FLAG_FIRST
       spilled = SPILL_FLAG;
#endif
       uncounted = SPILL_COUNT;
       locks = 0;
       op[t] = STORING; rename() }
  :: d_step { op[t] == STORING && todo[t] != 0 ->
       say("T%d has a buffer now\n", t)
       buffer[t] = buffer[t] | todo[t]; todo[t] = 0; rename() }
  :: d_step { op[t] == STORING && todo[t] == 0 ->
       say("T%d stores %c to %c, which was %c\n", t, NAME(value[t]), NAME(place[t]), NAME(slot[place[t]]))
       slot[place[t]] = value[t];
       place[t] = NIL; value[t] = NIL;
       op[t] = BETWEEN; rename() }

  /* hand-over of a full buffer, as in termination.pml */
  :: d_step { HANDS_OVER && RUNS(t) && buffer[t] != 0 && locks == 0 ->
       acts(t);
       say("T%d hands its buffer over\n", t)
       shaded = shaded | buffer[t]; buffer[t] = 0; rename() }

  /* answer, as in termination.pml */
  :: d_step { AT_SAFEPOINT(t) && flushing && !HAS(answered, t) && locks == 0 ->
       say("T%d answers with its buffer\n", t)
       shaded = shaded | buffer[t]; buffer[t] = 0;
       answers(t);
       answered = answered | THREAD(t); rename() }
  :: d_step { AT_SAFEPOINT(t) && holding ->
       say("T%d is held\n", t)
       answers(t);
       answered = answered | THREAD(t); rename() }
  od
#undef t
}

/* ---- Who marks: another worker, or a thread that assists ---- */

active proctype worker() {
  byte o;
end:
  do
  /* take: runtime/mark/marker.c: marker_start, marker_take_shared */
  :: atomic { worker_op == BETWEEN && grey != 0 && !counting ->
       pick(grey, o);
       say("W takes %c\n", NAME(o))
       grey = grey & ~BIT(o); worker_grey = BIT(o);
       worker_op = TAKEN;
       o = 0; rename() }
  :: atomic { worker_op == BETWEEN && shaded != 0 && !counting && locks == 0 ->
       pick(shaded, o);
       say("W marks %c, which was shaded\n", NAME(o))
       mark(BIT(o), worker_grey, worker_found);
       worker_op = TAKEN;
       o = 0; rename() }
  /* scan: runtime/mark/scan.c: gaiti_scan */
  :: atomic { (worker_op == TAKEN || worker_op == TRACED) && worker_grey != 0 ->
       pick(worker_grey, o);
       say("W traces %c\n", NAME(o))
       worker_grey = worker_grey & ~BIT(o);
       mark(BIT(slot[o]), worker_grey, worker_found);
       worker_op = TRACED;
       o = 0; rename() }
  /* drop: runtime/mark/local_stack.h: gaiti_local_push
   * runtime/mark/local_stack.c: gaiti_local_make_room
   * runtime/mark/marker.c: marker_give_segment */
  :: d_step { (worker_op == TAKEN || worker_op == TRACED) && worker_grey != 0 ->
       say("W drops what it has not traced\n")
       worker_grey = 0;
       worker_op = DROPPED; rename() }
#ifdef FLAGGED_AFTER_STOP
  :: d_step { worker_op == DROPPED && !counting ->
       more = more | worker_found; worker_found = 0;
       worker_op = UNSAID; rename() }
  :: d_step { worker_op == UNSAID -> overflowed = 1; worker_op = BETWEEN; rename() }
#else
  :: d_step { worker_op == DROPPED ->
       say("W says so\n")
       overflowed = DROP_FLAG;
       worker_op = TRACED; rename() }
#endif
  /* give-back: runtime/mark/marker.c: marker_stop */
  :: d_step { GIVES_BACK(worker_op) && !counting ->
       say("W gives back what it has not traced\n")
       grey = grey | worker_grey; worker_grey = 0;
       more = more | worker_found; worker_found = 0;
       worker_op = BETWEEN; rename() }
  od
}

/* ---- The collector ---- */

/* runtime/cycle/cycle.c: cycle_rescan_marked; runtime/mark/marking.c:
 * gaiti_marking_forget_overflow */
inline lower_flags() {
  say("C lowers the flags\n")
  overflowed = 0; spilled = 0
}

active proctype collector() {
  byte o;
  bit flushed, unused;

  /* Any heap, any stacks, all roots marked. */
  atomic {
#ifdef CHAIN
    slot[GLOBAL] = 0;
    do
    :: o < NOBJ - 1 -> slot[o] = o + 1; o++
    :: else -> break
    od;
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
#endif
    o = 0;
    mark(stack[0] | stack[1] | BIT(slot[GLOBAL]), grey, unused);
    if
    :: skip
    :: grey != 0 -> pick(grey, o); grey = grey & ~BIT(o); overflowed = 1
    :: grey != 0 -> pick(grey, o); grey = grey & ~BIT(o); spilled = 1; uncounted = 1
    fi;
    o = 0; unused = 0; rename()
  };
  goto until_idle;

#ifndef HELD_END
again:
  /* note: runtime/cycle/cycle.c: phase_mark; runtime/mark/marking.c:
   * gaiti_marking_note_idle, marking_count_spilled; runtime/barrier/buffers.c:
   * gaiti_buffers_take_spilled */
  atomic { locks == 0 ->
    say("C counts what was marked without a buffer\n")
    counting = 1; uncounted = 0; rename() };
  if
  :: d_step { IDLE && !NOTE_FLAGS ->
       say("C notes the count\n")
       counting = 0; more = 0; rename() }
  :: d_step { !(IDLE && !NOTE_FLAGS) -> counting = 0; rename() };
     goto until_idle
  fi;
  /* ask for buffers, and get all answers */
  d_step { say("C asks for buffers\n") flushing = 1; answered = 0; rename() };
  d_step { answered == EVERYBODY ->
    say("C has all answers\n")
    flushing = 0; answered = 0; flushed = 1; rename() };
#endif

until_idle:
  /* runtime/cycle/cycle.c: cycle_mark_until_idle, cycle_rescan_marked.  The worker does the marking. */
  IDLE;
  do
  /* runtime/mark/marking.c: gaiti_marking_overflowed */
  :: d_step { !overflowed && !spilled -> skip }; break
  :: d_step { (overflowed || spilled) ->
#ifndef LOWERED_AFTER_WALK
       lower_flags();
#endif
       own_op = TRACED; walk_left = ALL; rename() };
     do
     /* walk: runtime/mark/marker.c: gaiti_marker_rescan, marker_rescan_word */
     :: atomic { own_op == TRACED && walk_left != 0 ->
          pick(walk_left, o);
          walk_left = walk_left & ~BIT(o);
          if
          :: HAS(marked, o) ->
             say("C finds %c marked and traces it\n", NAME(o))
             mark(BIT(slot[o]), own_grey, own_found)
          :: else -> say("C finds %c not marked\n", NAME(o)) skip
          fi;
          o = 0; rename() }
     :: d_step { WALK_DROPS && own_op == TRACED && own_grey != 0 ->
          say("C drops what it has not traced\n")
          own_grey = 0;
          own_op = DROPPED; rename() }
     :: d_step { own_op == DROPPED -> say("C says so\n") overflowed = DROP_FLAG; own_op = TRACED; rename() }
     :: d_step { own_op == TRACED && walk_left == 0 ->
          say("C gives back what it has not traced\n")
          grey = grey | own_grey; own_grey = 0;
          more = more | own_found; own_found = 0;
#ifdef LOWERED_AFTER_WALK
          lower_flags();
#endif
          own_op = BETWEEN; rename() };
        break
     od;
     IDLE
  od;

#ifndef HELD_END
  if
  :: !flushed -> goto again
  :: else -> flushed = 0
  fi;
#else
  if
  :: !flushed ->
     holding = 1;
     answered == EVERYBODY;
     /* held: runtime/cycle/cycle.c: cycle_drain_stopped */
     atomic {
       say("C takes all for held\n")
       shaded = shaded | buffer[0] | buffer[1]; buffer[0] = 0; buffer[1] = 0;
       mark(stack[0] | stack[1], grey, more);
       flushed = 1; rename() };
     goto until_idle
  :: else -> skip
  fi;
  /* runtime/mark/marking.c: gaiti_marking_counts */
  d_step { uncounted = 0; more = 0; rename() };
#endif
  /* close: runtime/mark/marking.c: gaiti_marking_try_close */
  if
  :: d_step { locks == 0 && IDLE && !more && !CLOSE_UNCOUNTED && !CLOSE_FLAGS ->
       say("C closes marking\n")
       closed = 1; rename() }
  :: d_step { locks == 0 && !(IDLE && !more && !CLOSE_UNCOUNTED && !CLOSE_FLAGS) -> skip };
#ifndef HELD_END
     goto again
#else
     goto until_idle
#endif
  fi;
  c_code { now.lost_at_end = reachable() & ~now.marked; };
  assert(lost_at_end == 0)
}
