/* finalizers.pml: finalizers and cleanups at the end of a cycle.
 *
 * A registration keeps nothing alive.  When marking has closed and the object of a finalizer is
 * white, all that its fields lead to is marked, then the object is put into a queue, which is a
 * root, and is marked.  A cleanup is due when its object is white after that.  What the model fixes:
 *   - That marking is private work: threads run, their shades are dropped, and nothing is lost.
 *   - A function may be taken as soon as it is in the queue, since the object's children are black.
 *   - To take it is a store that overwrites the queue's reference: it shades the object.
 * The start of the cycle is one step here (start.pml), and so is a store with its barrier; the queue
 * is scanned in a step of its own.
 *
 * Each step cites the function that takes it, and that function cites this model; `cites` checks
 * both.
 *
 * Claims, an assertion each:
 *   lost_at_end      when marking is closed, everything reachable is marked
 *   freed_reachable  the sweep frees nothing that is reachable
 *   kept_garbage     what was unreachable when the cycle began, no finalizer of the cycle leads to
 *                    and none has brought back is freed by its sweep
 *   called_live      a function becomes due of no object that a thread or the queue can reach
 *   dangling         after the sweep registrations and queue have allocated objects
 *   stale_mark       no mark bit is set when a cycle begins
 * No state is a deadlock; and with LIVE every cycle ends (progress is the start of a cycle).
 *
 * Configuration: NOBJ objects of one field (2 .. 4), one finalizer, one cleanup; roots are stacks
 * and the queue.  NO_CLEANUP takes that away.  Mutants: see README.md. */
#include "model.h"

#define IDLE 0 /* or sweeping */
#define MARK 1
#define CLOSED 2  /* marking is; finalizers are looked at */
#define CLEARED 3 /* the epoch is raised; barriers go off */

#define NOTHING 0
#define NOTED 1 /* nothing is asked yet in this round */
#define FLUSH 2
#define BARRIER_OFF 3

byte slot[NOBJ + 1] = NIL; /* slot[GLOBAL] is not used */
byte allocated, marked, grey;
byte unswept; /* blocks of the old epoch; every object is a block of its own */
byte finalizer = NIL; /* the object of one that is registered or dying */
byte cleanup = NIL;   /* likewise */
byte due = NIL;       /* in the queue */
byte dead = NIL;      /* mutant: in the queue, and its children are not marked yet */
bit dying;
bit queue_scanned; /* in this cycle */
byte phase, request, answered;
byte stack[2];
byte buffer[2], shaded; /* unmarked shades: of a processor, in the list */
bit marking[2];
bit more;     /* the count has changed since it was noted */
byte garbage; /* unreachable when the cycle began, not come back, not yet swept */
byte lost_at_end, freed_reachable, kept_garbage, called_live, dangling, stale_mark;

#ifdef NO_CLEANUP
#define WITH_CLEANUP false
#else
#define WITH_CLEANUP true
#endif

#ifdef LOOKED_BEFORE_CLOSE
#define LOOK_NOTED true
#else
#define LOOK_NOTED false
#endif

/* ---- Renaming ---- */

c_code {
#define SHARED_SETS(X) X(allocated) X(marked) X(grey) X(unswept) X(shaded) X(garbage)
#define SHARED_REFS(X) X(finalizer) X(cleanup) X(due) X(dead)
#define THREAD_SETS(X) X(stack) X(buffer)
#define THREAD_REFS(X)
#define THREAD_BYTES(X) X(marking)
#define THREAD_BITS(X) X(answered)
#define ROOTS (now.stack[0] | now.stack[1] | bit(now.due))
#define PENDING (now.grey | now.shaded | now.buffer[0] | now.buffer[1] | bit(now.finalizer) | bit(now.dead))
#define FOLLOW(set) (set)
#include "symmetry.h"
}

/* ---- Marking ---- */

/* runtime/mark/marker.c: gaiti_marker_mark_oldest.  A shade of what is marked means nothing any more. */
inline mark(set) {
  if
  :: (set) & ~marked -> more = 1
  :: else -> skip
  fi;
  grey = grey | ((set) & ~marked);
  marked = marked | (set);
  shaded = shaded & ~marked;
  buffer[0] = buffer[0] & ~marked;
  buffer[1] = buffer[1] & ~marked
}

/* ---- Mutators ---- */

#define ASKED(t) ((request == FLUSH || request == BARRIER_OFF) && !HAS(answered, t))
#ifdef LIVE
/* The contract of gait_thread_poll: a thread that is asked does only so much before its next safepoint. */
byte late[2];
#define RUNS(t) (!ASKED(t) || late[t] == 0)
#define acts(t) late[t] = ASKED(t)
#else
#define RUNS(t) true
#define acts(t) skip
#endif

/* runtime/barrier/barrier.c: gait_barrier.  After the close a shade is dropped. */
inline shade(t, set) {
  if
  :: marking[t] && phase == MARK -> buffer[t] = buffer[t] | ((set) & ~marked)
  :: else -> skip
  fi
}

active [2] proctype mutator() {
  byte o, v;
#define t _pid
  do
  /* load: include/gait/inline.h: gait_load */
  :: atomic { RUNS(t) && stack[t] != 0 ->
       acts(t);
       pick(stack[t], o);
       say("T%d loads %c from %c\n", t, NAME(slot[o]), NAME(o))
       stack[t] = stack[t] | BIT(slot[o]);
       o = 0; rename() }
  :: atomic { RUNS(t) && stack[t] != 0 -> /* a reference on the stack is overwritten */
       acts(t);
       pick(stack[t], o);
       say("T%d forgets %c\n", t, NAME(o))
       stack[t] = stack[t] & ~BIT(o);
       o = 0; rename() }

  /* store: runtime/barrier/barrier.c: gait_store_slow */
  :: atomic { RUNS(t) && stack[t] != 0 ->
       acts(t);
       pick(stack[t], o);
       pick_or_nil(stack[t], v);
       say("T%d stores %c to %c, which was %c\n", t, NAME(v), NAME(o), NAME(slot[o]))
       shade(t, BIT(slot[o]) | BIT(v));
       slot[o] = v;
       o = 0; v = 0; rename() }

  /* alloc: include/gait/inline.h: gait_alloc.  Black while marking and until the epoch
   * rises; from then on white, in a block of the new epoch. */
  :: atomic { RUNS(t) && allocated != ALL ->
       acts(t);
       pick_free(ALL & ~allocated, o);
       say("T%d allocates %c\n", t, NAME(o))
       allocated = allocated | BIT(o);
       stack[t] = stack[t] | BIT(o);
       if
       :: phase == MARK || phase == CLOSED -> marked = marked | BIT(o)
       :: else -> unswept = unswept & ~BIT(o)
       fi;
       o = 0; rename() }

  /* add: runtime/weak/finalizers.c: gaiti_finalizers_add */
  :: atomic { RUNS(t) && stack[t] != 0 && finalizer == NIL ->
       acts(t);
       pick(stack[t], o);
       say("T%d registers a finalizer of %c\n", t, NAME(o))
       finalizer = o;
       o = 0; rename() }
  :: atomic { WITH_CLEANUP && RUNS(t) && stack[t] != 0 && cleanup == NIL ->
       acts(t);
       pick(stack[t], o);
       say("T%d registers a cleanup of %c\n", t, NAME(o))
       cleanup = o;
       o = 0; rename() }

  /* take: runtime/weak/finalizer_queue.c: gaiti_due_take */
  :: atomic { RUNS(t) && due != NIL ->
       acts(t);
       say("T%d takes %c out of the queue\n", t, NAME(due))
       stack[t] = stack[t] | BIT(due);
#ifndef TAKEN_UNSHADED
       shade(t, BIT(due));
#endif
       due = NIL;
       rename() }

  /* stop: runtime/weak/finalizer_queue.c: gaiti_finalizers_stop.  Of one that is registered or dying. */
  :: atomic { RUNS(t) && finalizer != NIL && !dying ->
       acts(t);
       say("T%d stops the finalizer of %c\n", t, NAME(finalizer))
       finalizer = NIL; rename() }

  /* answer: runtime/cycle/handshake.c: gaiti_safepoint */
  :: d_step { ASKED(t) ->
       if
       :: request == FLUSH ->
          say("T%d answers with its buffer\n", t)
          shaded = shaded | buffer[t]
       :: request == BARRIER_OFF ->
          say("T%d turns its barrier off\n", t)
          marking[t] = 0
       fi;
       buffer[t] = 0;
#ifdef LIVE
       late[t] = 0;
#endif
       answered = answered | THREAD(t); rename() }
  od
#undef t
}

/* ---- The collector ---- */

inline ask(what) { request = what; answered = 0 }
#define QUIET (grey == 0 && shaded == 0)

/* look: runtime/weak/finalizers.c: finalizers_look */
inline look() {
  if
  :: finalizer != NIL && !dying && !HAS(marked, finalizer) ->
     say("C finds %c, which has a finalizer, dead\n", NAME(finalizer))
     c_code { now.called_live = reachable() & bit(now.finalizer); };
     assert(called_live == 0);
     dying = 1
  :: else -> skip
  fi
}

/* finish: runtime/weak/finalizers.c: finalizers_finish.  What the finalizer will be called with is
 * as reachable as what it was called with. */
inline finish() {
  if
  :: cleanup != NIL && !HAS(marked, cleanup) ->
     say("C calls the cleanup of %c\n", NAME(cleanup))
     c_code {
       now.called_live = closure(ROOTS | (now.dying ? bit(now.finalizer) : 0)) & bit(now.cleanup);
     };
     assert(called_live == 0);
     cleanup = NIL
  :: else -> skip
  fi
}

inline trace_one() {
  pick(grey, o);
  say("C scans %c, which refers to %c\n", NAME(o), NAME(slot[o]))
  grey = grey & ~BIT(o); mark(BIT(slot[o])); o = 0
}

/* settle: runtime/weak/finalizers.c: finalizers_settle, finalizer_settle */
inline settle() {
  if
  :: dying ->
     say("C puts %c into the queue\n", NAME(finalizer))
     c_code { now.garbage &= ~closure(bit(now.finalizer)); };
     due = finalizer; finalizer = NIL; dying = 0
  :: else -> skip
  fi
}

active proctype collector() {
  byte o;
  do
  :: /* start: runtime/cycle/cycle.c: gaiti_cycle_begin, phase_roots */
     atomic {
       say("C starts a cycle\n")
       stale_mark = marked; assert(stale_mark == 0);
       c_code { now.garbage = now.allocated & ~reachable(); };
       marking[0] = 1; marking[1] = 1; queue_scanned = 0;
       phase = MARK;
       mark(stack[0] | stack[1]); rename() };

     do
     /* mark: runtime/cycle/cycle.c: cycle_mark_until_idle */
     :: atomic { grey != 0 -> trace_one(); rename() }
     :: atomic { shaded != 0 -> pick(shaded, o); mark(BIT(o)); o = 0; rename() }
     /* queue: runtime/weak/finalizers.c: finalizers_trace */
     :: atomic { !queue_scanned ->
          say("C scans the queue: %c\n", NAME(due))
#ifndef QUEUE_UNSCANNED
          mark(BIT(due));
#endif
          queue_scanned = 1; rename() }
     /* note: runtime/cycle/cycle.c: phase_mark; runtime/mark/marking.c: gaiti_marking_note_idle */
     :: atomic { QUIET && queue_scanned && request == NOTHING ->
          more = 0; request = NOTED;
          if
          :: LOOK_NOTED -> look()
          :: else -> skip
          fi;
          rename() }
     :: atomic { QUIET && request == NOTED ->
          say("C asks for buffers\n")
          ask(FLUSH); rename() }
     /* close: runtime/mark/marking.c: gaiti_marking_try_close */
     :: atomic { QUIET && request == FLUSH && answered == EVERYBODY ->
          ask(NOTHING);
          if
          :: more -> rename()
          :: else ->
             say("C closes marking\n")
             c_code { now.lost_at_end = reachable() & ~now.marked; };
             assert(lost_at_end == 0);
             more = 0; buffer[0] = 0; buffer[1] = 0; shaded = 0;
             phase = CLOSED; rename();
             break
          fi }
     od;

     atomic { look(); rename() };
#ifdef FINISHED_BEFORE_CHILDREN
     atomic { finish(); rename() };
#endif
#ifdef SETTLED_BEFORE_CHILDREN
     atomic { if :: dying -> dead = finalizer :: else -> skip fi; settle(); rename() };
     atomic { if :: dead != NIL -> mark(BIT(slot[dead]) | BIT(dead)) :: else -> skip fi;
       dead = NIL; rename() };
#else
     /* children: runtime/weak/finalizers.c: finalizers_mark_children */
     atomic {
       if
#ifndef CHILDREN_UNMARKED
       :: dying ->
          say("C scans the dead %c, which refers to %c\n", NAME(finalizer), NAME(slot[finalizer]))
          mark(BIT(slot[finalizer]))
#endif
       :: else -> skip
       fi; rename() };
     do
     :: atomic { grey != 0 -> trace_one(); rename() }
     :: grey == 0 -> break
     od;
     atomic {
       if
#ifdef DUE_UNMARKED
       :: false -> skip
#else
       :: dying -> marked = marked | BIT(finalizer)
#endif
       :: else -> skip
       fi;
       settle();
       rename() };
#endif
     do
     :: atomic { grey != 0 -> trace_one(); rename() }
     :: grey == 0 -> break
     od;
#ifndef FINISHED_BEFORE_CHILDREN
     atomic { finish(); rename() };
#endif
     more = 0;

     /* raise-epoch, barrier-off: runtime/cycle/cycle.c: phase_close, phase_barriers_off */
     atomic {
       say("C raises the epoch and asks for barriers off\n")
       unswept = ALL; phase = CLEARED; ask(BARRIER_OFF); rename() };
     answered == EVERYBODY;
     atomic { phase = IDLE; request = NOTHING; answered = 0; rename() };

     /* sweep: runtime/sweep/sweep.c: sweep_slots */
     do
     :: atomic { unswept != 0 ->
          pick(unswept, o);
          say("C sweeps %c, marked %d\n", NAME(o), HAS(marked, o))
          if
          :: HAS(allocated & ~marked, o) ->
             c_code { now.freed_reachable = reachable() & bit(Pcollector->o); };
             assert(freed_reachable == 0);
             slot[o] = NIL;
             allocated = allocated & ~BIT(o)
          :: else -> skip
          fi;
          kept_garbage = garbage & marked & BIT(o);
          assert(kept_garbage == 0);
          garbage = garbage & ~BIT(o);
          marked = marked & ~BIT(o);
          unswept = unswept & ~BIT(o);
          o = 0; rename() }
     :: unswept == 0 -> break
     od;
     atomic {
       dangling = (BIT(finalizer) | BIT(cleanup) | BIT(due)) & ~allocated;
       assert(dangling == 0) };
#ifdef LIVE
progress:
     skip
#endif
  od
}
