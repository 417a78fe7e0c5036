/* weak.pml: weak references and ephemerons near the end of a cycle.
 *
 * A weak slot does not keep its referent alive; when that is found dead the slot is cleared.  An
 * ephemeron keeps its value alive as long as its key is alive otherwise, even when the value refers
 * to the key; when the key is found dead the ephemeron is cleared.  What the model fixes:
 *   - A weak read while marking takes the lock under which marking is closed.  Before the close it
 *     shades a white referent, straight into the shared list; the close finds it there, or the
 *     count changed by its mark, and comes back.  After the close a white referent is dead.
 *   - An ephemeron is grey until it is traced.  If its key is marked by then its value is marked;
 *     else it waits, and is grey again when the key is marked.  A thread that gets key and value
 *     reads the key as a weak slot, and the value plainly.  To set the value is a store: the old
 *     value and the new one are shaded.
 *   - A new ephemeron is black while marking.  It takes the place of the one before, which would
 *     go on to wait: here the value of that is shaded.
 *   - Weak slots and ephemerons are cleared when marking has been closed and before the epoch rises:
 *     so before any barrier goes off, and before an object is white and alive again.  From then on a
 *     weak read takes what it finds.  Of ephemerons those alone that wait.
 *   - To clear a slot is to compare and swap.
 * The start of the cycle is one step here (start.pml), and so is a store with its barrier; threads
 * come and go in termination.pml.
 *
 * Each step cites the function that takes it, and that function cites this model; `cites` checks
 * both.
 *
 * Claims, an assertion each:
 *   lost_at_end      when marking is closed, everything reachable is marked
 *   freed_reachable  the sweep frees nothing that is reachable
 *   kept_garbage     what was unreachable when the cycle began, has not come back by a weak read and
 *                    was not overwritten in an ephemeron is freed by its sweep; so an ephemeron keeps
 *                    nothing for a dead key
 *   denied_live      a weak read says "dead" of no reachable object
 *   cleared_live     no slot is cleared of a reachable object
 *   dangling         after the sweep weak slots and ephemerons refer to allocated objects
 *   stale_mark       no mark bit is set when a cycle begins
 * No state is a deadlock; and with LIVE every cycle ends (progress is the start of a cycle).
 *
 * Configuration: NOBJ objects of one field (2 .. 4), one weak slot, one ephemeron; roots are stacks.
 * NO_EPHEMERON and NO_WEAK take one of the two away.  Mutants: see README.md. */
#include "model.h"

#define IDLE 0 /* or sweeping */
#define MARK 1
#define CLOSED 2  /* marking is; slots are being cleared */
#define CLEARED 3 /* the epoch is raised; barriers go off */

#define NOTHING 0
#define NOTED 1 /* nothing is asked yet in this round */
#define FLUSH 2
#define BARRIER_OFF 3

#define BETWEEN 0
#define READING 1 /* mutant: has seen a white referent, and that marking is not closed */

byte slot[NOBJ + 1] = NIL; /* slot[GLOBAL] is not used */
byte allocated, marked, grey;
byte unswept; /* blocks of the old epoch; every object is a block of its own */
byte weak = NIL, key = NIL, value = NIL;
byte phase, request, answered;
byte stack[2];
byte buffer[2], shaded; /* unmarked shades: of a processor, in the list */
bit marking[2];
byte op[2], op_value[2] = NIL;
bit more;     /* the count has changed since it was noted */
bit traced, waits, woken; /* of the ephemeron: in this cycle; its key was white; is grey again */
byte garbage; /* unreachable when the cycle began, not come back, not yet swept */
byte judged = NIL; /* mutant: the collector has found it dead and will clear the weak slot */
byte lost_at_end, freed_reachable, kept_garbage, denied_live, cleared_live, dangling, stale_mark;

#ifdef NO_WEAK
#define WITH_WEAK false
#else
#define WITH_WEAK true
#endif
#ifdef NO_EPHEMERON
#define WITH_EPHEMERON false
#else
#define WITH_EPHEMERON true
#endif

/* ---- Mutants: each changes one of these, or a step below. ---- */

#ifdef EPHEMERON_SET_PLAINLY
#define OLD_VALUE 0
#else
#define OLD_VALUE BIT(value)
#endif

#ifdef EPHEMERON_STRONG
#define KEY_ALIVE true
#else
#define KEY_ALIVE HAS(marked, key)
#endif

#ifdef EPHEMERON_NOT_WOKEN
#define WAKES false
#else
#define WAKES waits
#endif

#ifdef EPHEMERON_WOKEN_UNCOUNTED
#define EPHEMERON_QUIET traced
#else
#define EPHEMERON_QUIET (traced && !woken)
#endif

#ifdef COUNT_IGNORED
#define REPEAT false
#else
#define REPEAT more
#endif

/* ---- Renaming ---- */

c_code {
#define SHARED_SETS(X) X(allocated) X(marked) X(grey) X(unswept) X(shaded) X(garbage)
#define SHARED_REFS(X) X(weak) X(key) X(value) X(judged)
#define THREAD_SETS(X) X(stack) X(buffer)
#define THREAD_REFS(X) X(op_value)
#define THREAD_BYTES(X) X(marking) X(op)
#define THREAD_BITS(X) X(answered)
#define ROOTS (now.stack[0] | now.stack[1])
#define PAIR (bit(now.key) | bit(now.value))
#define READ (bit(now.weak) | PAIR | bit(now.op_value[0]) | bit(now.op_value[1]))
#define PENDING (now.grey | now.shaded | now.buffer[0] | now.buffer[1] | READ)
#define FOLLOW(set) ((set) >> now.key & 1 ? (set) | bit(now.value) : (set))
#include "symmetry.h"
}

/* ---- Marking ---- */

/* runtime/mark/marker.c: gaiti_marker_mark_oldest; runtime/mark/ephemerons.c:
 * gaiti_ephemerons_wake.  A shade of what is marked means nothing any more. */
inline mark(set) {
  if
  :: WAKES && key != NIL && (set) & ~marked & BIT(key) -> woken = 1
  :: else -> skip
  fi;
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

#define AT_SAFEPOINT(t) (op[t] == BETWEEN)
#define ASKED(t) ((request == FLUSH || request == BARRIER_OFF) && !HAS(answered, t))
#ifdef LIVE
/* The contract of gait_thread_poll: a thread that is asked does only so much before its next safepoint. */
byte late[2];
#define RUNS(t) (AT_SAFEPOINT(t) && (!ASKED(t) || late[t] == 0))
#define acts(t) late[t] = ASKED(t)
#else
#define RUNS(t) AT_SAFEPOINT(t)
#define acts(t) skip
#endif

/* runtime/barrier/barrier.c: gait_barrier.  After the close a shade is dropped. */
inline shade(t, set) {
  if
  :: marking[t] && phase == MARK -> buffer[t] = buffer[t] | ((set) & ~marked)
  :: else -> skip
  fi
}

/* The thread has got `v` by a weak read: it, and what it reaches, is garbage no more. */
inline comes_back(t, v) {
  stack[t] = stack[t] | BIT(v);
  c_code { now.garbage &= ~reachable(); }
}

inline told_dead(t) {
  say("T%d is told that %c, in the weak slot, is dead\n", t, NAME(weak))
  c_code { now.denied_live = reachable() & bit(now.weak); };
  assert(denied_live == 0)
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

  /* set: runtime/api/api_weak.c: gait_weak_set */
  :: atomic { WITH_WEAK && RUNS(t) && stack[t] != 0 ->
       acts(t);
       pick(stack[t], v);
       say("T%d points the weak slot to %c\n", t, NAME(v))
       weak = v;
       v = 0; rename() }

  /* get: runtime/weak/weak_load.c: gaiti_weak_load; runtime/barrier/buffers.c:
   * gaiti_buffers_shade_now.  While the thread marks, under the lock of marking; after the close a
   * white referent is dead; after clearing whatever is there is alive. */
  :: atomic { RUNS(t) && weak != NIL ->
       acts(t);
       if
       :: !marking[t] || HAS(marked, weak) ->
          say("T%d reads %c from the weak slot\n", t, NAME(weak))
          comes_back(t, weak)
       :: marking[t] && !HAS(marked, weak) && phase == MARK ->
          say("T%d reads white %c from the weak slot\n", t, NAME(weak))
#if defined WEAK_READ_UNLOCKED
          op[t] = READING; op_value[t] = weak;
          c_code { now.garbage &= ~closure(bit(now.weak)); }
#elif defined WEAK_SHADED_LOCALLY
          shade(t, BIT(weak)); comes_back(t, weak)
#elif defined WEAK_READ_UNSHADED
          comes_back(t, weak)
#else
          shaded = shaded | BIT(weak); comes_back(t, weak)
#endif
       :: marking[t] && !HAS(marked, weak) && phase == CLOSED -> told_dead(t)
       :: marking[t] && !HAS(marked, weak) && phase == CLEARED ->
#ifdef WHITE_TAKEN_FOR_DEAD
          told_dead(t)
#else
          say("T%d reads %c from the weak slot\n", t, NAME(weak))
#ifdef WEAK_MARKED_LATE
          marked = marked | BIT(weak);
#endif
          comes_back(t, weak)
#endif
       fi;
       rename() }
#ifdef WEAK_READ_UNLOCKED
  :: atomic { op[t] == READING ->
       say("T%d marks %c, which it has read\n", t, NAME(op_value[t]))
       mark(BIT(op_value[t])); comes_back(t, op_value[t]);
       op[t] = BETWEEN; op_value[t] = NIL; rename() }
#endif

  /* ephemeron-new: runtime/api/api_ephemeron.c: gait_ephemeron_new */
  :: atomic { WITH_EPHEMERON && RUNS(t) && stack[t] != 0 ->
       acts(t);
       pick(stack[t], o);
       pick(stack[t], v);
       say("T%d makes the ephemeron: key %c, value %c\n", t, NAME(o), NAME(v))
       shade(t, OLD_VALUE | BIT(v));
       c_code { now.garbage &= ~closure(bit(now.value)); };
       key = o; value = v;
       traced = 1; waits = 0; woken = 0;
       o = 0; v = 0; rename() }

  /* ephemeron-set: runtime/api/api_ephemeron.c: gait_ephemeron_set_value */
  :: atomic { key != NIL && RUNS(t) && stack[t] != 0 ->
       acts(t);
       pick(stack[t], v);
       say("T%d sets the ephemeron: value %c\n", t, NAME(v))
       shade(t, OLD_VALUE | BIT(v));
       c_code { now.garbage &= ~closure(bit(now.value)); };
       value = v;
       v = 0; rename() }

  /* ephemeron-get: runtime/api/api_ephemeron.c: gait_ephemeron_value; runtime/weak/weak_load.c:
   * gaiti_weak_load */
  :: atomic { RUNS(t) && key != NIL ->
       acts(t);
       if
       :: marking[t] && !HAS(marked, key) && phase == CLOSED ->
          say("T%d is told that %c, the key, is dead\n", t, NAME(key))
          c_code { now.denied_live = reachable() & bit(now.key); };
          assert(denied_live == 0)
       :: else ->
          say("T%d gets %c and %c from the ephemeron\n", t, NAME(key), NAME(value))
#ifndef EPHEMERON_KEY_UNSHADED
          if
          :: marking[t] && !HAS(marked, key) && phase == MARK -> shaded = shaded | BIT(key)
          :: else -> skip
          fi;
#endif
          comes_back(t, key); comes_back(t, value)
       fi;
       rename() }

  /* answer: runtime/cycle/handshake.c: gaiti_safepoint */
  :: d_step { AT_SAFEPOINT(t) && ASKED(t) ->
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
#define QUIET (grey == 0 && shaded == 0 && EPHEMERON_QUIET)

/* clear: runtime/weak/weak_heap.c: weak_clear, gaiti_weak_close.  A slot at a time, by compare and
 * swap. */
inline clear_weak() {
  if
  :: weak != NIL && !HAS(marked, weak) ->
     say("C clears the weak slot of %c\n", NAME(weak))
     c_code { now.cleared_live = reachable() & bit(now.weak); };
     assert(cleared_live == 0);
     weak = NIL
  :: else -> skip
  fi
}
/* clear: runtime/mark/ephemerons.c: ephemeron_clear_dead, gaiti_ephemerons_clear */
inline clear_ephemeron() {
  if
  :: waits && key != NIL && !HAS(marked, key) ->
     say("C clears the ephemeron of key %c\n", NAME(key))
     c_code { now.cleared_live = reachable() & bit(now.key); };
     assert(cleared_live == 0);
     key = NIL; value = NIL
  :: else -> skip
  fi
}

/* runtime/mark/ephemerons.c: ephemeron_trace.  For the first time, or since it was woken. */
inline trace_ephemeron() {
  traced = 1; woken = 0;
  if
  :: key != NIL && KEY_ALIVE ->
     say("C traces the ephemeron: key %c, value %c\n", NAME(key), NAME(value))
     waits = 0;
     mark(BIT(value))
  :: key != NIL && !KEY_ALIVE ->
     say("C has the ephemeron wait for %c\n", NAME(key))
     waits = 1
  :: else -> skip
  fi
}

active proctype collector() {
  byte o;
  do
  :: /* start: runtime/cycle/cycle.c: gaiti_cycle_begin, phase_roots.  Both are at a safepoint. */
     atomic { AT_SAFEPOINT(0) && AT_SAFEPOINT(1) ->
       say("C starts a cycle\n")
       stale_mark = marked; assert(stale_mark == 0);
       c_code { now.garbage = now.allocated & ~reachable(); };
       marking[0] = 1; marking[1] = 1;
       phase = MARK;
       traced = key == NIL; waits = 0; woken = 0;
       mark(stack[0] | stack[1]); rename() };

     do
     /* mark: runtime/cycle/cycle.c: cycle_mark_until_idle */
     :: atomic { grey != 0 ->
          pick(grey, o);
          say("C scans %c, which refers to %c\n", NAME(o), NAME(slot[o]))
          grey = grey & ~BIT(o); mark(BIT(slot[o])); o = 0; rename() }
     :: atomic { shaded != 0 -> pick(shaded, o); mark(BIT(o)); o = 0; rename() }
     :: atomic { !traced || woken -> trace_ephemeron(); rename() }
     /* note: runtime/cycle/cycle.c: phase_mark; runtime/mark/marking.c:
      * gaiti_marking_note_idle */
     :: atomic { QUIET && request == NOTHING ->
          say("C notes the count\n")
          more = 0; request = NOTED; rename() }
     :: atomic { QUIET && request == NOTED ->
          say("C asks for buffers\n")
          ask(FLUSH); rename() }
     /* close: runtime/mark/marking.c: gaiti_marking_try_close */
     :: atomic { QUIET && request == FLUSH && answered == EVERYBODY ->
          ask(NOTHING);
          if
          :: REPEAT -> rename()
          :: else ->
             say("C closes marking\n")
             c_code { now.lost_at_end = reachable() & ~now.marked; };
             assert(lost_at_end == 0);
             more = 0; buffer[0] = 0; buffer[1] = 0; shaded = 0;
             phase = CLOSED; rename();
             break
          fi }
     od;

#ifdef CLEARED_IN_TWO_STEPS
     atomic {
       if
       :: weak != NIL && !HAS(marked, weak) ->
          say("C finds %c, in the weak slot, dead\n", NAME(weak))
          judged = weak
       :: else -> skip
       fi };
     atomic {
       if
       :: judged != NIL ->
          say("C clears the weak slot of %c\n", NAME(weak))
          c_code { now.cleared_live = reachable() & bit(now.weak); };
          assert(cleared_live == 0);
          weak = NIL; judged = NIL
       :: else -> skip
       fi; rename() };
#elif !defined CLEARED_AFTER_BARRIER_OFF && !defined CLEARED_AFTER_SWEEP
     atomic { clear_weak(); rename() };
#endif
     atomic { clear_ephemeron(); rename() };

     /* raise-epoch, barrier-off: runtime/cycle/cycle.c: phase_close, phase_barriers_off */
     atomic {
       say("C raises the epoch and asks for barriers off\n")
       unswept = ALL; phase = CLEARED; ask(BARRIER_OFF); rename() };
     answered == EVERYBODY;
     atomic { phase = IDLE; request = NOTHING; answered = 0; rename() };
#ifdef CLEARED_AFTER_BARRIER_OFF
     atomic { clear_weak(); rename() };
#endif

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
       dangling = (BIT(weak) | BIT(key) | BIT(value)) & ~allocated;
       assert(dangling == 0) };
#ifdef LIVE
progress:
     skip
#endif
  od
}
