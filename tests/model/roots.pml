/* roots.pml: roots outside the stacks come and go while a cycle marks.
 *
 * Two ranges of one word, one barriered (slot[GLOBAL]), one written by plain stores (`plain`).
 * Either thread registers and removes either of them, at any time, and both may remove one at the
 * same time.  Here in full: the steps of both calls, the table and its scan, the decision whether
 * marking ends with every thread held; and a thread that waits for a cycle, outside managed code, and
 * helps to mark.  What a root that comes or goes has queued is there before all barriers are on.
 * Not here: what start.pml has: the two halves of a store, runs, new objects.  So a shade marks at
 * once.
 *
 * What the embedder owes: what it fills a range with before it registers it, it holds otherwise
 * until the call returns; and from the call for a removal on nobody uses the range.  (The mutant
 * USED_WHILE_REMOVED is an embedder that does.)  A thread in one of the calls may be outside
 * managed code, so it answers handshakes in their midst.
 * Each step cites the function that takes it, and that function cites this model; `cites` checks
 * both.
 *
 * Claims: lost_at_end, when marking is closed, everything reachable is marked; marked_freed, nobody
 * looks into a root whose removal has returned.
 * No state but the last is a deadlock.
 *
 * Configuration: NOBJ objects of one field (2 .. 4); NO_FIELDS: of none; HELPER: a thread helps;
 * NO_PLAIN: the barriered root alone is there.  Mutants: README.md. */
#include "model.h"

#define NOTHING 0
#define BARRIER_ON 1
#define SCAN_ROOTS 2
#define HOLD 3

/* The phase of the heap. */
#define IDLE 0
#define START 1
#define MARK 2
#define END 3

/* What a thread is in the middle of, with the root at op_root. */
#define BETWEEN 0
#define CALLED 1  /* will become an active marker */
#define COUNTED 2 /* is one: will put the root into the table, or take it out */
#define LISTED 3  /* the table is as it will be: will ask whether marking is open */
#define OPEN 4    /* it was open: will mark what is in the root */
#define MARKED 5  /* has done so, or need not */

/* The two roots; in a trail they are R and U. */
#define BARRIERED 0
#define UNBARRIERED 1
#define ROOT_NAME(root) ((root) == BARRIERED -> 82 : 85)

byte slot[NOBJ + 1] = NIL; /* slot[GLOBAL] is the barriered root */
byte plain = NIL;          /* the unbarriered one */
byte marked, grey;
byte phase, request, answered;
byte stack[2];
bit marking[2];
byte op[2], op_root[2];
bit removing[2];  /* the call is a removal */
bit erased[2];    /* and has found the root in the table */
bit listed[2];    /* roots in the table */
bit usable[2];    /* roots that the threads may use */
bit plain_removed; /* an unbarriered root, since the cycle began */
bit list_open;
bit settled; /* all roots have been scanned: what is stored needs no shade */
bit still = 1; /* before the first step and after the last */
byte markers; /* threads that are active markers */
bit open;     /* threads that help may become such */
byte helper;
#define AWAY 0
#define LOOKED 1 /* mutant: has seen that marking goes on */
#define HELPS 2  /* is an active marker */
byte lost_at_end;
bit marked_freed;

#ifdef NO_PLAIN
#define MAY_ADD(root) (FREE(root) && (root) == BARRIERED)
#define WITH_PLAIN false
#else
#define MAY_ADD(root) FREE(root)
#define WITH_PLAIN true
#endif

#ifdef NO_FIELDS
#define WITH_FIELDS false
#else
#define WITH_FIELDS true
#endif

/* ---- Mutants: each changes one of these, or a step below. ---- */

#ifdef REMOVED_UNMARKED
#define MARKS_ROOT(t) (!removing[t] && list_open)
#elif defined ADDED_UNMARKED
#define MARKS_ROOT(t) (removing[t] && list_open)
#else
#define MARKS_ROOT(t) list_open
#endif

#ifdef SETTLED_DESPITE_PLAIN
#define MAY_SETTLE true
#elif defined SETTLED_DESPITE_REMOVAL
#define MAY_SETTLE (!listed[UNBARRIERED])
#else
#define MAY_SETTLE (!listed[UNBARRIERED] && !plain_removed)
#endif

#ifdef USED_WHILE_REMOVED
#define USED_UNTIL(t) true
#else
#define USED_UNTIL(t) false
#endif

#ifdef MARKED_BY_BOTH
#define IS_OVER(t) false
#else
#define IS_OVER(t) (removing[t] && !erased[t])
#endif

/* The range is nobody's root, nor in a call: it is its owner's to fill. */
#define CALLED_FOR(t, root) (op[t] != BETWEEN && op_root[t] == (root))
#define FREE(root) (!listed[root] && !CALLED_FOR(0, root) && !CALLED_FOR(1, root))
/* Another thread removes it, or just has: this one does not know. */
#define REMOVED_BY(t, root) (removing[t] && op_root[t] == (root))

/* ---- Renaming ---- */

c_code {
#define SHARED_SETS(X) X(marked) X(grey)
#define SHARED_REFS(X) X(plain)
#define THREAD_SETS(X) X(stack)
#define THREAD_REFS(X)
#define THREAD_BYTES(X) X(marking) X(op) X(op_root) X(removing) X(erased)
#define THREAD_BITS(X) X(answered)
#define BARRIERED_ROOT (now.usable[0] ? bit(now.slot[GLOBAL]) : 0)
#define UNBARRIERED_ROOT (now.usable[1] ? bit(now.plain) : 0)
#define ROOTS (now.stack[0] | now.stack[1] | BARRIERED_ROOT | UNBARRIERED_ROOT)
#define PENDING (now.grey | bit(now.slot[GLOBAL]) | bit(now.plain))
#define FOLLOW(set) (set)
#include "symmetry.h"
static const char *const request_names[] = {"", "barrier on", "scan roots", "hold"};
}

/* runtime/mark/marker.c: gaiti_marker_mark_oldest */
inline mark(set) {
  grey = grey | ((set) & ~marked);
  marked = marked | (set)
}

/* ---- Mutators ---- */

#define HELD(t) (request == HOLD && HAS(answered, t))
#define ASKED(t) (request != NOTHING && !HAS(answered, t))
#define RUNS(t) (!still && op[t] == BETWEEN && !HELD(t))

inline shade(t, set) {
  if
  :: marking[t] -> mark(set)
  :: else -> skip
  fi
}

active [2] proctype mutator() {
  byte o, v;
#define t _pid
end:
  do
  /* load: include/gait/inline.h: gait_load; and the embedder's own plain load */
  :: atomic { WITH_FIELDS && RUNS(t) && stack[t] != 0 ->
       pick(stack[t], o);
       say("T%d loads %c from %c\n", t, NAME(slot[o]), NAME(o))
       stack[t] = stack[t] | BIT(slot[o]);
       o = 0; rename() }
  :: d_step { RUNS(t) && usable[BARRIERED] && slot[GLOBAL] != NIL ->
       say("T%d loads %c from R\n", t, NAME(slot[GLOBAL]))
       stack[t] = stack[t] | BIT(slot[GLOBAL]); rename() }
  :: d_step { RUNS(t) && usable[UNBARRIERED] && plain != NIL ->
       say("T%d loads %c from U\n", t, NAME(plain))
       stack[t] = stack[t] | BIT(plain); rename() }
  :: atomic { RUNS(t) && stack[t] != 0 -> /* a reference on the stack is overwritten */
       pick(stack[t], o);
       say("T%d forgets %c\n", t, NAME(o))
       stack[t] = stack[t] & ~BIT(o);
       o = 0; rename() }

  /* store: include/gait/inline.h: gait_store; runtime/barrier/barrier.c: gait_store_slow */
  :: atomic { RUNS(t) && ((WITH_FIELDS && stack[t] != 0) || usable[BARRIERED]) ->
       if
       :: usable[BARRIERED] -> o = GLOBAL
       :: WITH_FIELDS && stack[t] != 0 -> pick(stack[t], o)
       fi;
       pick_or_nil(stack[t], v);
       say("T%d stores %c to %c, which was %c\n", t, NAME(v), (o == GLOBAL -> 82 : NAME(o)),
           NAME(slot[o]))
       shade(t, BIT(slot[o]) | (settled -> 0 : BIT(v)));
       slot[o] = v;
       o = 0; v = 0; rename() }
  :: atomic { RUNS(t) && usable[UNBARRIERED] -> /* the embedder's own */
       pick_or_nil(stack[t], v);
       say("T%d stores %c to U\n", t, NAME(v))
       plain = v;
       v = 0; rename() }

  /* add: runtime/api/api_roots.c: roots_add.  The range was filled before. */
  :: atomic { RUNS(t) && (MAY_ADD(0) || MAY_ADD(1)) ->
       if
       :: MAY_ADD(0) -> op_root[t] = 0
       :: MAY_ADD(1) -> op_root[t] = 1
       fi;
       pick_or_nil(stack[t], v);
       say("T%d fills %c with %c and calls for its registration\n", t, ROOT_NAME(op_root[t]), NAME(v))
       if
       :: op_root[t] == BARRIERED -> slot[GLOBAL] = v
       :: else -> plain = v
       fi;
       op[t] = CALLED;
       v = 0; rename() }

  /* remove: runtime/api/api_roots.c: roots_remove */
  :: atomic { RUNS(t) && (usable[0] || usable[1] || removing[1 - t]) ->
       if
       :: usable[0] || REMOVED_BY(1 - t, 0) -> op_root[t] = 0
       :: usable[1] || REMOVED_BY(1 - t, 1) -> op_root[t] = 1
       fi;
       say("T%d calls for the removal of %c\n", t, ROOT_NAME(op_root[t]))
       removing[t] = 1;
       usable[op_root[t]] = USED_UNTIL(t);
       op[t] = CALLED;
#ifdef ERASED_BEFORE_COUNTED
       erased[t] = listed[op_root[t]];
       listed[op_root[t]] = 0;
       plain_removed = plain_removed | (op_root[t] == UNBARRIERED);
#endif
       rename() }

  /* counted: runtime/mark/marker.c: gaiti_marker_take_reserve */
  :: d_step { !still && op[t] == CALLED ->
       say("T%d becomes a marker\n", t)
       markers = markers + 1; op[t] = COUNTED; rename() }
  /* list: runtime/heap/roots.c: gaiti_roots_insert, gaiti_roots_erase */
  :: d_step { !still && op[t] == COUNTED ->
       if
       :: removing[t] && listed[op_root[t]] ->
          say("T%d erases %c\n", t, ROOT_NAME(op_root[t]))
#ifndef REMOVAL_NOT_NOTED
          plain_removed = plain_removed | (op_root[t] == UNBARRIERED);
#endif
          erased[t] = 1;
          listed[op_root[t]] = 0
       :: removing[t] && !listed[op_root[t]] ->
          say("T%d does not find %c\n", t, ROOT_NAME(op_root[t]))
       :: !removing[t] ->
          say("T%d registers %c\n", t, ROOT_NAME(op_root[t]))
          listed[op_root[t]] = 1
       fi;
       op[t] = LISTED; rename() }
  /* mark-now: runtime/api/api_roots.c: roots_mark_now */
  :: d_step { !still && op[t] == LISTED ->
       if
       :: MARKS_ROOT(t) && !IS_OVER(t) -> op[t] = OPEN
       :: else -> markers = markers - 1; op[t] = MARKED
       fi;
       rename() }
  :: d_step { !still && op[t] == OPEN ->
       v = (op_root[t] == BARRIERED -> slot[GLOBAL] : plain);
       say("T%d marks %c, which is in %c\n", t, NAME(v), ROOT_NAME(op_root[t]))
       marked_freed = removing[t] && !erased[t] && !REMOVED_BY(1 - t, op_root[t]);
       assert(!marked_freed);
       mark(BIT(v));
       markers = markers - 1; op[t] = MARKED; v = 0; rename() }

  /* The end of both calls. */
  :: d_step { !still && op[t] == MARKED ->
       if
       :: removing[t] && !erased[t] -> skip
       :: erased[t] ->
          usable[op_root[t]] = 0;
          if
          :: op_root[t] == BARRIERED -> slot[GLOBAL] = NIL
          :: else -> plain = NIL
          fi
       :: !removing[t] -> usable[op_root[t]] = 1
       fi;
       removing[t] = 0; erased[t] = 0; op_root[t] = 0; op[t] = BETWEEN; rename() }

  /* answer: runtime/cycle/handshake.c: gaiti_safepoint, handshake_act_for_outside */
  :: d_step { !still && ASKED(t) ->
       say("T%d answers ", t)
       say_name("%s\n", request_names[now.request])
       if
       :: request == BARRIER_ON -> marking[t] = 1
       :: request == SCAN_ROOTS -> mark(stack[t])
       :: request == HOLD -> skip
       fi;
       answered = answered | THREAD(t); rename() }
  od
#undef t
}

/* ---- A helper ---- */

#ifdef HELPER
#define HELPER_PID 2
#else
#define HELPER_PID 255 /* there is none */
#endif
inline scan_one() {
  pick(grey, o);
  say("%c scans %c, which refers to %c\n", (_pid == HELPER_PID -> 72 : 67), NAME(o), NAME(slot[o]))
  grey = grey & ~BIT(o);
  mark(BIT(slot[o]));
  o = 0; rename()
}

#ifdef HELPER
active proctype helper_thread() {
  byte o;
end:
  do
#ifdef HELPER_LOOKS_FIRST
  :: d_step { !still && helper == AWAY && (phase == MARK || phase == END) && grey != 0 ->
       helper = LOOKED; rename() }
  :: d_step { !still && helper == LOOKED ->
       say("H becomes a marker\n")
       markers = markers + 1; helper = HELPS; rename() }
#else
  /* join: runtime/cycle/collector.c: collector_help; runtime/mark/marker.c: gaiti_marker_join */
  :: d_step { !still && helper == AWAY && open && grey != 0 ->
       say("H becomes a marker\n")
       markers = markers + 1; helper = HELPS; rename() }
#endif
  :: atomic { !still && helper == HELPS && grey != 0 -> scan_one() }
  :: d_step { !still && helper == HELPS ->
       say("H is no marker any more\n")
       markers = markers - 1; helper = AWAY; rename() }
  od
}
#endif

/* ---- The collector ---- */

inline ask(what) { request = what; answered = 0; rename() }
#define QUIET (grey == 0 && markers == 0)

active proctype collector() {
  byte o;
  bit table, held;

  /* Any heap, any stacks, any roots. */
  atomic {
    do
    :: WITH_FIELDS && o < NOBJ -> pick_or_nil(ALL, slot[o]); o++
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
    if
    :: skip
    :: listed[0] = 1; usable[0] = 1; pick_or_nil(ALL, slot[GLOBAL])
    fi;
    if
    :: skip
    :: WITH_PLAIN -> listed[1] = 1; usable[1] = 1; pick_or_nil(ALL, plain)
    fi;
#ifdef HELPER_LOOKS_FIRST
    if
    :: skip
    :: say("H has seen that the cycle before marks\n") helper = LOOKED
    fi;
#endif
    still = 0; rename()
  };

  /* start: runtime/cycle/cycle.c: gaiti_cycle_begin; runtime/heap/roots.c:
   * gaiti_roots_begin_cycle */
  d_step { say("C starts a cycle\n") phase = START };
  d_step {
#ifndef REMOVALS_RESET_LATE
    plain_removed = 0;
#endif
    list_open = 1; ask(BARRIER_ON) };
  answered == EVERYBODY;
  phase = MARK;
  /* open: runtime/mark/marking.c: gaiti_marking_open */
  d_step { open = 1; ask(SCAN_ROOTS) };
  answered == EVERYBODY;
#ifdef REMOVALS_RESET_LATE
  plain_removed = 0;
#endif
  d_step { request = NOTHING; answered = 0; rename() };

  /* scan-table: runtime/cycle/cycle.c: cycle_scan_registered; runtime/mark/root_scan.c:
   * gaiti_roots_scan_registered */
  d_step {
    if
    :: listed[BARRIERED] ->
       say("C scans R: %c\n", NAME(slot[GLOBAL]))
       mark(BIT(slot[GLOBAL]))
    :: else -> skip
    fi;
    rename() };
  d_step {
    if
    :: listed[UNBARRIERED] ->
       say("C scans U: %c\n", NAME(plain))
       mark(BIT(plain))
    :: else -> skip
    fi;
    rename() };
  /* settle-shades: runtime/cycle/cycle.c: phase_roots; runtime/heap/roots.c:
   * gaiti_roots_need_stop; runtime/barrier/buffers.c: gaiti_buffers_note_scanned;
   * runtime/barrier/barrier.c: gait_shade */
  d_step {
    if
    :: MAY_SETTLE -> say("C says that all roots are scanned\n") settled = 1
    :: else -> skip
    fi };
  /* mark: runtime/cycle/cycle.c: cycle_mark_until_idle */
  do
  :: atomic { grey != 0 -> scan_one() }
  :: QUIET -> break
  od;
  phase = END;

  /* decide: runtime/cycle/cycle.c: phase_mark; runtime/heap/roots.c: gaiti_roots_need_stop */
  d_step {
    held = listed[UNBARRIERED] || plain_removed;
    if
    :: held -> say("C will hold the threads\n") ask(HOLD)
    :: else -> say("C need not hold the threads\n") skip
    fi };
  if
  :: held ->
     /* held: runtime/cycle/cycle.c: cycle_drain_stopped, cycle_scan_stacks_stopped */
     answered == EVERYBODY;
     d_step {
       say("C scans the stacks with all held\n")
#ifndef HELD_STACKS_UNSCANNED
       mark(stack[0] | stack[1]);
#endif
       rename() };
     d_step {
       if
       :: listed[UNBARRIERED] ->
          say("C scans U again: %c\n", NAME(plain))
          mark(BIT(plain))
       :: else -> skip
       fi;
       rename() }
  :: else -> skip
  fi;
  /* close: runtime/mark/marking.c: gaiti_marking_try_close */
  do
  :: atomic { grey != 0 -> scan_one() }
  :: atomic { QUIET ->
       say("C closes marking\n")
       c_code { now.lost_at_end = reachable() & ~now.marked; };
       assert(lost_at_end == 0);
       list_open = 0; open = 0; still = 1 };
     break
  od
}
