/* start.pml: a cycle starts, marks and sweeps while two mutators run.
 *
 * Here in full: the handshakes that start a cycle and end it, the two halves of a store with its
 * barrier, the list of shades that opens and closes, the scan of stacks and of global slots, runs,
 * black allocation, block epochs, the sweep, threads that attach and detach at any of these points,
 * processors that are stolen.
 * Not here: how the collector finds out that marking is complete (termination.pml; here it knows),
 * and weak references (weak.pml).  So a shade that is kept marks at once.  That is no different from
 * one that waits in a buffer, since a grey object waits too, as long as it likes, to be scanned.
 * A thread outside managed code is one that does nothing but answer.
 *
 * Each step cites the function that takes it, and that function cites this model; `cites` checks
 * both.
 *
 * Claims, an assertion each:
 *   lost_at_end      when marking is complete, everything reachable is marked
 *   freed_reachable  the sweep frees nothing that is reachable or in a run
 *   kept_garbage     what was unreachable when the cycle began is freed by its sweep
 *   stale_mark       no mark bit is set when a cycle begins
 * No state is a deadlock; and with LIVE every cycle ends (progress is the start of a cycle).
 *
 * Configuration: NOBJ objects of one field (2 .. 4) and one barriered global slot.  FOREIGN adds an
 * unbarriered global slot; NO_GLOBAL takes the barriered one away.  With YOUNG each cycle may be
 * young, if the one before has remembered stores: every object is a card of its own, and the pacer
 * may decide anything, but with ALWAYS_REMEMBERS not to stop remembering.  Mutants: see README.md. */
#include "model.h"

/* What a handshake asks of a thread. */
#define NOTHING 0
#define BARRIER_ON 1
#define SETTLE 2
#define SCAN_ROOTS 3
#define HOLD 4
#define BARRIER_OFF 5

/* The phase of the heap; SWEEP is IDLE here. */
#define IDLE 0
#define START 1
#define MARK 2
#define END 3 /* marking is complete, but for what unbarriered slots may hide */
#define OFF 4 /* the epoch is raised; barriers go off */

/* What a thread is in the middle of; it answers no handshake then. */
#define BETWEEN 0
#define STORING 1 /* shaded, not yet stored: op_slot, op_value */
#define TAKING 2  /* has read the epoch for the run that it takes: op_epoch */

#define NEVER 2 /* an epoch that is long past; the others are counted modulo two */

byte slot[NOBJ + 1] = NIL;
byte allocated, marked, grey;
byte block_epoch; /* of each object: every one is a block of its own */
bit epoch;
bit list_open; /* the list of shades */
bit settled;   /* all roots have been scanned: what is stored needs no shade */
byte phase, request, answered, attached = EVERYBODY;
byte stack[2];        /* the references that a thread holds in its stack and registers */
byte cursor[2] = NIL; /* the unused slot of the run that its processor has */
bit marking[2];
byte black_epoch[2] = NEVER;
byte op[2], op_slot[2] = NIL, op_value[2] = NIL, op_epoch[2];
#ifdef FOREIGN
byte foreign = NIL; /* the unbarriered global slot */
byte shaded;        /* in the buffers, after the queue was empty for the first time */
#endif
#ifdef YOUNG
byte dirty, dirty_once; /* cards that two cycles are to look at, or one */
byte cards_left;        /* that this cycle has not looked at */
byte aged;              /* found live by the last cycle */
bit remember[2];        /* the thread dirties the cards of what it stores to */
bit ask_remember;       /* and is told so when its barrier goes on or off */
bit remembers;          /* stores are remembered from the start of this cycle on, */
bit remembered;         /* and have been since the end of the one before */
bit ages;               /* the sweep keeps the marks of aged objects only */
bit kept;               /* the marks of the last cycle */
bit young;
#endif
byte garbage; /* unreachable when the cycle began, and not yet swept */
byte lost_at_end, freed_reachable, kept_garbage, stale_mark;

/* ---- Mutants: each changes one of these. ---- */

#ifdef NO_DELETION_SHADE
#define OLD(o) 0
#else
#define OLD(o) BIT(slot[o])
#endif

#ifdef NO_INSERTION_SHADE
#define NEW(v) 0
#else
#define NEW(v) (settled -> 0 : BIT(v))
#endif

#ifdef SETTLED_BEFORE_STACKS
#define MAY_SETTLE global_scanned
#elif defined FOREIGN && !defined SETTLED_DESPITE_FOREIGN
#define MAY_SETTLE false
#elif defined FOREIGN
#define MAY_SETTLE (ALL_ANSWERED && global_scanned && foreign_scanned)
#else
#define MAY_SETTLE (ALL_ANSWERED && global_scanned)
#endif

#ifdef GLOBAL_STORED_PLAINLY
#define BARRIERED(t, o) (marking[t] && o != GLOBAL)
#elif defined INIT_STORED_PLAINLY
byte fresh[2]; /* allocated by the thread and stored nowhere */
#define BARRIERED(t, o) (marking[t] && !(HAS(fresh[t], o) && slot[o] == NIL))
#else
#define BARRIERED(t, o) marking[t]
#endif

#ifdef LATE_SHADE_MARKED
#define SHADE_IN_VAIN false
#else
#define SHADE_IN_VAIN (phase == OFF) /* the list is closed: leave the two halves in one */
#endif

#ifdef EPOCH_READ_TWICE
#define EPOCH_FOR_BLACK(t) epoch
#else
#define EPOCH_FOR_BLACK(t) op_epoch[t]
#endif

#ifdef STEAL_ACROSS_HANDSHAKES
#define SEEN_THE_SAME true
#else
#define SEEN_THE_SAME (answered == 0 || answered == EVERYBODY)
#endif

#ifdef ATTACH_UNMARKED
#define ATTACH_MARKING false
#else
#define ATTACH_MARKING (phase != IDLE && request != BARRIER_OFF)
#endif

#ifdef ATTACH_BLACK_EARLY
#define ATTACH_BLACK (phase == START || phase == MARK || phase == END)
#elif defined ATTACH_BLACK_LATE
#define ATTACH_BLACK (phase == MARK || phase == END || phase == OFF)
#else
#define ATTACH_BLACK (phase == MARK || phase == END)
#endif

#ifdef ATTACH_UNSCANNED
byte newcomers; /* attached since the barriers began to go on, and taken for scanned */
#define TAKEN_FOR_SCANNED newcomers
#else
#define TAKEN_FOR_SCANNED 0
#endif

#ifdef MARK_BEFORE_BARRIERS
#define MAY_MARK true
#else
#define MAY_MARK (request != BARRIER_ON)
#endif

#ifdef YOUNG
#ifdef STORE_NOT_REMEMBERED
#define REMEMBERS(t) false
#else
#define REMEMBERS(t) remember[t]
#endif
#ifdef REMEMBERED_FROM_THE_END
#define REMEMBERS_FROM_THE_START false
#else
#define REMEMBERS_FROM_THE_START remembers
#endif
#ifdef ATTACH_UNREMEMBERING
#define ATTACH_REMEMBER false
#else
#define ATTACH_REMEMBER ask_remember
#endif
#ifdef CARDS_READ_EARLY
#define MAY_READ_CARDS true
#else
#define MAY_READ_CARDS (request == SETTLE && ALL_ANSWERED)
#endif
#ifdef KEPT_UNREMEMBERED
#define MAY_KEEP true
#else
#define MAY_KEEP remembers
#endif
#ifdef AGED_UNREMEMBERED
#define MAY_AGE true
#else
#define MAY_AGE remembered
#endif
#ifdef AGE_NOTED_WHEN_KEPT
#define NOTES_AGE kept
#else
#define NOTES_AGE remembers
#endif
#ifdef CARDS_LOOKED_AT_ONCE
#define DIRTY_ONCE 0
#else
#define DIRTY_ONCE dirty
#endif
#define KEPT kept
#define STAYS_MARKED(o) (kept && HAS(marked, o) && (!ages || HAS(aged, o)))
#define YOUNG_CARDS_LEFT cards_left
#else
#define REMEMBERS(t) false
#define KEPT false
#define STAYS_MARKED(o) false
#define YOUNG_CARDS_LEFT 0
#endif

/* ---- Renaming ---- */

#ifdef FOREIGN
#define FOREIGN_SETS(X) X(shaded)
#define FOREIGN_REFS(X) X(foreign)
#define FOREIGN_ROOT bit(now.foreign)
#define FOREIGN_PENDING now.shaded
#else
#define FOREIGN_SETS(X)
#define FOREIGN_REFS(X)
#define FOREIGN_ROOT 0
#define FOREIGN_PENDING 0
#endif
#ifdef INIT_STORED_PLAINLY
#define FRESH_SETS(X) X(fresh)
#else
#define FRESH_SETS(X)
#endif
#ifdef YOUNG
#define YOUNG_SETS(X) X(dirty) X(dirty_once) X(cards_left) X(aged)
#define YOUNG_BYTES(X) X(remember)
#define YOUNG_PENDING (now.dirty | now.dirty_once)
#else
#define YOUNG_SETS(X)
#define YOUNG_BYTES(X)
#define YOUNG_PENDING 0
#endif
#ifdef ATTACH_UNSCANNED
#define NEWCOMER_BITS(X) X(newcomers)
#else
#define NEWCOMER_BITS(X)
#endif

c_code {
#define SHARED_SETS(X) X(allocated) X(marked) X(grey) X(block_epoch) X(garbage) FOREIGN_SETS(X) YOUNG_SETS(X)
#define SHARED_REFS(X) FOREIGN_REFS(X)
#define THREAD_SETS(X) X(stack) FRESH_SETS(X)
#define THREAD_REFS(X) X(cursor) X(op_slot) X(op_value)
#define THREAD_BYTES(X) X(marking) X(black_epoch) X(op) X(op_epoch) YOUNG_BYTES(X)
#define THREAD_BITS(X) X(attached) X(answered) NEWCOMER_BITS(X)
#define ROOTS (now.stack[0] | now.stack[1] | bit(now.slot[GLOBAL]) | FOREIGN_ROOT)
#define PENDING (now.grey | FOREIGN_PENDING | YOUNG_PENDING)
#define FOLLOW(set) (set)
#include "symmetry.h"
static int runs(void) { return bit(now.cursor[0]) | bit(now.cursor[1]); }
static const char *const request_names[] = {"", "barrier on", "settle", "scan roots", "hold", "barrier off"};
}

/* ---- Steps that both sides take ---- */

/* mark: runtime/mark/marker.c: gaiti_marker_mark_oldest */
inline mark(set) {
  grey = grey | ((set) & ~marked);
  marked = marked | (set)
}

/* mark: runtime/mark/scan.c: gaiti_scan */
inline scan(o) {
  say("C scans %c, which refers to %c\n", NAME(o), NAME(slot[o]))
  grey = grey & ~BIT(o);
  mark(BIT(slot[o]))
}

#ifdef YOUNG
/* An old object on a dirty card is grey again. */
inline read_card(o) {
  say("C reads the card of %c: dirty %d, marked %d\n", NAME(o), HAS(dirty | dirty_once, o), HAS(marked, o))
  grey = grey | (BIT(o) & (dirty | dirty_once) & marked);
  cards_left = cards_left & ~BIT(o)
}

/* age-cards: runtime/mark/young.c: gaiti_young_age_cards */
inline age_cards() {
  dirty_once = DIRTY_ONCE; dirty = 0
}
#endif

/* shade: runtime/barrier/barrier.c: gait_barrier; runtime/barrier/buffers.c:
 * gaiti_buffers_flush.  A buffer that fills up while the list is closed is lost. */
inline shade(set) {
  if
  :: !list_open && phase == START -> say("... in a buffer that is dropped\n") skip
#ifdef LATE_SHADE_MARKED
  :: phase == OFF -> marked = marked | (set)
#endif
  :: phase <= MARK -> mark(set)
#ifdef FOREIGN
  :: phase == END && list_open -> shaded = shaded | ((set) & ~marked)
#endif
  :: else -> skip
  fi
}

/* ---- Mutators ---- */

#define HELD(t) (request == HOLD && HAS(answered, t))
#define AT_SAFEPOINT(t) (HAS(attached, t) && op[t] == BETWEEN && !HELD(t))
#define ASKED(t) (request != NOTHING && !HAS(answered, t))

#ifdef LIVE
/* The contract of gait_thread_poll: a thread that is asked does only so much before its next safepoint. */
byte late[2];
#define RUNS(t) (AT_SAFEPOINT(t) && (!ASKED(t) || late[t] == 0))
#define acts(t) late[t] = ASKED(t)
#else
#define RUNS(t) AT_SAFEPOINT(t)
#define acts(t) skip
#endif

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

  /* store: include/gait/inline.h: gait_store; runtime/barrier/barrier.c:
   * gait_store_slow.  NIL as the slot is the global one. */
  :: atomic { RUNS(t) ->
       acts(t);
       pick_or_nil(stack[t], o);
       pick_or_nil(stack[t], v);
       if
#ifdef NO_GLOBAL
       :: o == GLOBAL -> skip
#endif
       :: slot[o] == v -> skip
       :: else ->
#ifdef YOUNG
          /* remember: runtime/barrier/barrier.c: gait_barrier; include/gait/inline.h:
           * gait_remember, gait_store_init */
          if
          :: REMEMBERS(t) -> dirty = dirty | BIT(o)
          :: else -> skip
          fi;
#endif
          if
#ifdef YOUNG
          :: (!BARRIERED(t, o) || SHADE_IN_VAIN) && REMEMBERS(t) && o != GLOBAL ->
             op[t] = STORING; op_slot[t] = o; op_value[t] = v;
             say("T%d begins to store %c to %c: dirties its card\n", t, NAME(v), NAME(o))
#endif
          :: BARRIERED(t, o) && !SHADE_IN_VAIN ->
             op[t] = STORING; op_slot[t] = o; op_value[t] = v;
#ifdef BARRIER_AFTER_STORE
             say("T%d stores %c to %c, the barrier comes later\n", t, NAME(v), NAME(o))
             slot[o] = v
#else
             say("T%d begins to store %c to %c: shades %c and %c\n", t, NAME(v), NAME(o), NAME(slot[o]), NAME(v))
             shade(OLD(o) | NEW(v))
#endif
          :: else ->
             say("T%d stores %c to %c, without the barrier\n", t, NAME(v), NAME(o))
             slot[o] = v
          fi
       fi;
#ifdef INIT_STORED_PLAINLY
       fresh[t] = fresh[t] & ~BIT(v);
#endif
       o = 0; v = 0; rename() }
  :: atomic { op[t] == STORING ->
#ifdef BARRIER_AFTER_STORE
       say("T%d shades after its store\n", t)
       shade(OLD(op_slot[t]) | NEW(op_value[t]));
#else
       say("T%d ends its store of %c to %c\n", t, NAME(op_value[t]), NAME(op_slot[t]))
       slot[op_slot[t]] = op_value[t];
#endif
       op[t] = BETWEEN; op_slot[t] = NIL; op_value[t] = NIL; rename() }

#ifdef FOREIGN
  /* The embedder's own plain loads and stores. */
  :: d_step { RUNS(t) && foreign != NIL ->
       acts(t);
       say("T%d loads %c from the unbarriered slot\n", t, NAME(foreign))
       stack[t] = stack[t] | BIT(foreign); rename() }
  :: atomic { RUNS(t) ->
       acts(t);
       pick_or_nil(stack[t], v);
       say("T%d stores %c to the unbarriered slot\n", t, NAME(v))
       foreign = v;
#ifdef INIT_STORED_PLAINLY
       fresh[t] = fresh[t] & ~BIT(v);
#endif
       v = 0; rename() }
#endif

  /* take-run: runtime/alloc/cache.c: cache_next_run, cache_take;
   * runtime/alloc/blocks.c: gaiti_blocks_fresh.  The epoch is read once.  A block that is not of that epoch is taken only
   * when it is free as a whole, and gets the epoch then. */
  :: d_step { RUNS(t) && cursor[t] == NIL && allocated != ALL ->
       acts(t);
       say("T%d reads the epoch for a run\n", t)
       op[t] = TAKING; op_epoch[t] = epoch; rename() }
  :: atomic { op[t] == TAKING ->
       if
       :: allocated == ALL -> skip
       :: else ->
          pick_free(ALL & ~allocated, o);
          if
          :: HAS(block_epoch, o) != op_epoch[t] -> block_epoch = block_epoch ^ BIT(o)
          :: else -> skip
          fi;
          allocated = allocated | BIT(o);
          cursor[t] = o;
          if
          :: black_epoch[t] == EPOCH_FOR_BLACK(t) -> marked = marked | BIT(o)
          :: else -> skip
          fi;
          say("T%d takes a run: %c, marked %d\n", t, NAME(o), HAS(marked, o))
       fi;
       op[t] = BETWEEN; op_epoch[t] = 0; o = 0; rename() }

  /* alloc: include/gait/inline.h: gait_alloc */
  :: d_step { RUNS(t) && cursor[t] != NIL ->
       acts(t);
       say("T%d allocates %c, marked %d\n", t, NAME(cursor[t]), HAS(marked, cursor[t]))
       stack[t] = stack[t] | BIT(cursor[t]);
#ifdef INIT_STORED_PLAINLY
       fresh[t] = fresh[t] | BIT(cursor[t]);
#endif
       cursor[t] = NIL; rename() }

  /* steal: runtime/mutator/proc.c: proc_steal.  With the processor goes its run. */
  :: d_step { RUNS(t) && cursor[t] == NIL && cursor[1 - t] != NIL && AT_SAFEPOINT(1 - t) &&
              SEEN_THE_SAME ->
       acts(t);
       say("T%d steals the run at %c\n", t, NAME(cursor[1 - t]))
       cursor[t] = cursor[1 - t]; cursor[1 - t] = NIL; rename() }

  /* answer: runtime/cycle/handshake.c: gaiti_safepoint, handshake_act_for_outside: in the
   * place of a thread outside */
  :: d_step { AT_SAFEPOINT(t) && ASKED(t) ->
       say("T%d answers ", t)
       say_name("%s\n", request_names[now.request])
       if
       /* barrier-on: runtime/cycle/handshake.c: action_barrier_on */
       :: request == BARRIER_ON ->
          marking[t] = 1
#ifdef YOUNG
          ; remember[t] = ask_remember
#endif
#ifdef BLACK_WITH_BARRIER
          ; black_epoch[t] = epoch; marked = marked | BIT(cursor[t])
#endif
#ifdef ROOTS_WITH_BARRIER
          ; mark(stack[t])
#endif
       /* settle: runtime/cycle/handshake.c: action_fence */
       :: request == SETTLE || request == HOLD -> skip
       /* scan-roots: runtime/cycle/handshake.c: action_scan_roots */
       :: request == SCAN_ROOTS ->
#ifndef ROOTS_WITH_BARRIER
          mark(stack[t]);
#endif
#ifndef NO_BLACK
          black_epoch[t] = epoch;
#ifndef RUN_STAYS_WHITE
          marked = marked | BIT(cursor[t])
#endif
#endif
       /* barrier-off: runtime/cycle/handshake.c: action_barrier_off.  What is left of
        * the run is kept. */
       :: request == BARRIER_OFF -> marking[t] = 0; black_epoch[t] = NEVER
#ifdef YOUNG
          ; remember[t] = ask_remember
#endif
       fi;
#ifdef LIVE
       late[t] = 0;
#endif
       answered = answered | THREAD(t); rename() }

  /* detach: runtime/mutator/attach.c: gaiti_thread_detach.  What is left of the run goes
   * back unless its block is due for sweeping.  One thread stays attached. */
  :: d_step { RUNS(t) && attached == EVERYBODY ->
       say("T%d detaches\n", t)
       if
       :: cursor[t] != NIL && HAS(block_epoch, cursor[t]) == epoch ->
          allocated = allocated & ~BIT(cursor[t]);
          marked = marked & ~BIT(cursor[t])
       :: else -> skip
       fi;
       stack[t] = 0; cursor[t] = NIL; marking[t] = 0; black_epoch[t] = NEVER;
#ifdef YOUNG
       remember[t] = 0;
#endif
#ifdef INIT_STORED_PLAINLY
       fresh[t] = 0;
#endif
#ifdef LIVE
       late[t] = 0;
#endif
       attached = attached & ~THREAD(t); answered = answered & ~THREAD(t); rename() }

  /* attach: runtime/mutator/attach.c: gaiti_thread_attach, thread_join_cycle_locked */
  :: d_step { !HAS(attached, t) && request != HOLD ->
       say("T%d attaches\n", t)
       attached = EVERYBODY;
       if
       :: request != NOTHING -> answered = answered | THREAD(t)
       :: else -> skip
       fi;
#ifdef ATTACH_UNSCANNED
       if
       :: phase == START -> newcomers = newcomers | THREAD(t)
       :: else -> skip
       fi;
#endif
       marking[t] = ATTACH_MARKING;
#ifdef YOUNG
       remember[t] = ATTACH_REMEMBER;
#endif
       if
       :: ATTACH_BLACK -> black_epoch[t] = epoch
       :: else -> skip
       fi;
       rename() }
  od
#undef t
}

/* ---- The collector ---- */

/* runtime/cycle/handshake.c: gaiti_handshake_ask_locked */
inline ask(what) {
  request = what; answered = 0;
  say("C asks for ")
  say_name("%s\n", request_names[now.request])
}
/* runtime/cycle/handshake.c: handshake_look, safepoint_move_on, gaiti_handshake_await;
 * runtime/cycle/protocol.c: gaiti_protocol_move_on_locked, gaiti_protocol_move.  Whoever acts last
 * asks for the next action; here it is always the
 * collector, which takes its turn at any moment from then on. */
#define ALL_ANSWERED ((answered | (EVERYBODY & ~attached)) == EVERYBODY)
#ifdef BARRIER_AFTER_STORE
#define SHADED_IN_FLIGHT (op[0] != STORING && op[1] != STORING) /* the flush would wait for them */
#else
#define SHADED_IN_FLIGHT true
#endif
#define OLD_BLOCKS (block_epoch ^ (epoch * ALL))
#ifdef FOREIGN
#define COMPLETE (foreign_scanned && grey == 0)
#else
#define COMPLETE (grey == 0 && SHADED_IN_FLIGHT)
#endif

active proctype collector() {
  byte o;
  bit global_scanned, foreign_scanned;
#ifdef YOUNG
  bit op_aged;
#endif
  do
  :: /* barrier-on: runtime/cycle/cycle.c: gaiti_cycle_begin */
     atomic {
#ifdef YOUNG
       /* begin: runtime/cycle/cycle.c: gaiti_cycle_begin;
        * runtime/mark/young.c: gaiti_young_forget_old */
       if
       :: kept -> young = 1; cards_left = ALL
       :: kept -> say("C clears all marks\n") marked = 0; kept = 0
       :: !kept -> skip
       fi;
       remembered = remembers;
       if
       :: remembers = 1
#ifndef ALWAYS_REMEMBERS
       :: skip
#endif
       fi;
       ask_remember = REMEMBERS_FROM_THE_START;
       say("C begins a cycle: young %d, stores are remembered %d\n", young, ask_remember)
#endif
       stale_mark = (KEPT -> 0 : marked); assert(stale_mark == 0);
       c_code { now.garbage = now.allocated & ~(closure(ROOTS | now.marked) | runs()); };
       phase = START;
#if !defined LIST_OPENED_TO_FENCE && !defined LIST_OPENED_TO_MARK
       list_open = 1;
#endif
       ask(BARRIER_ON); rename() };
     do
     :: atomic { MAY_MARK && grey != 0 -> pick(grey, o); scan(o); o = 0; rename() }
#ifdef CARDS_READ_EARLY
     :: atomic { cards_left != 0 -> pick(cards_left, o); read_card(o); o = 0; rename() }
#endif
     :: ALL_ANSWERED -> break
     od;

     /* settle: runtime/cycle/protocol.c: gaiti_protocol_move_on_locked.  Stores that began when
      * some thread had no barrier are over when all have answered.  The list opens first, since a
      * store that begins after its thread's answer may end after the first scan. */
#if !defined NO_SETTLE && !defined ROOTS_WITH_BARRIER
     atomic {
#ifndef LIST_OPENED_TO_MARK
       list_open = 1;
#endif
       ask(SETTLE); rename() };
     do
     :: atomic { MAY_MARK && grey != 0 -> pick(grey, o); scan(o); o = 0; rename() }
#ifdef YOUNG
     /* old: runtime/mark/young.c: gaiti_young_trace_old; runtime/cycle/cycle.c: phase_old */
     :: atomic { MAY_READ_CARDS && cards_left != 0 -> pick(cards_left, o); read_card(o); o = 0; rename() }
#endif
     :: ALL_ANSWERED && YOUNG_CARDS_LEFT == 0 -> break
     od;
#endif

     /* scan-roots: runtime/cycle/protocol.c: gaiti_protocol_move_on_locked */
     atomic {
       phase = MARK; list_open = 1;
       ask(SCAN_ROOTS); answered = TAKEN_FOR_SCANNED; rename() };
     do
     /* mark: runtime/cycle/cycle.c: cycle_mark_until_idle */
     :: atomic { grey != 0 -> pick(grey, o); scan(o); o = 0; rename() }
     /* scan-global: runtime/cycle/cycle.c: cycle_scan_registered */
     :: d_step { !global_scanned ->
          say("C scans the global slot: %c\n", NAME(slot[GLOBAL]))
          mark(BIT(slot[GLOBAL])); global_scanned = 1; rename() }
#ifdef FOREIGN
     :: d_step { !foreign_scanned ->
          say("C scans the unbarriered slot: %c\n", NAME(foreign))
          mark(BIT(foreign)); foreign_scanned = 1; rename() }
#endif
     /* settle-shades: runtime/cycle/cycle.c: phase_roots;
      * runtime/barrier/buffers.c: gaiti_buffers_note_scanned */
     :: d_step { !settled && MAY_SETTLE ->
          say("C says that all roots are scanned\n")
          settled = 1 }
     /* complete: runtime/cycle/cycle.c: phase_mark */
     :: d_step { ALL_ANSWERED && global_scanned && COMPLETE ->
          say("C has nothing left to mark\n")
          global_scanned = 0; foreign_scanned = 0;
          phase = END; request = NOTHING; answered = 0; rename() };
        break
     od;

#if defined FOREIGN && !defined FOREIGN_SCANNED_ONCE
     /* hold: runtime/cycle/cycle.c: cycle_drain_stopped.  What was in a slot that nobody
      * barriers may be on a stack or in a buffer by now. */
     atomic { ask(HOLD); rename() };
     ALL_ANSWERED;
     d_step {
       say("C scans the unbarriered slot, stacks and buffers with all held\n")
       mark(BIT(foreign));
#ifndef HOLD_STACKS_UNSCANNED
       mark(stack[0] | stack[1]);
#endif
#ifndef HOLD_BUFFERS_UNFLUSHED
       mark(shaded);
#endif
       shaded = 0; rename() };
     do
     :: atomic { grey != 0 -> pick(grey, o); scan(o); o = 0; rename() }
     :: grey == 0 -> break
     od;
#endif
     /* release: runtime/cycle/cycle.c: phase_close */
     atomic {
       c_code { now.lost_at_end = reachable() & ~now.marked; };
       assert(lost_at_end == 0);
       list_open = 0; settled = 0;
#ifdef YOUNG
       /* prepare: runtime/cycle/cycle.c: cycle_prepare_next;
        * runtime/cycle/protocol.c: protocol_remembers */
       young = 0; ages = MAY_AGE; remembered = 0;
       if
       :: MAY_KEEP -> kept = 1; remembers = 1
       :: MAY_KEEP -> kept = 0
#ifndef ALWAYS_REMEMBERS
       :: kept = 0; remembers = 0
#endif
       fi;
#ifndef CARDS_AGED_LATE
       age_cards();
#endif
       ask_remember = remembers;
       say("C keeps marks: %d, of aged objects only: %d; stores are remembered: %d\n", kept, ages, remembers)
#endif
#ifdef FOREIGN
       shaded = 0;
#endif
       request = NOTHING; answered = 0; rename() };

     /* raise-epoch, barrier-off: runtime/cycle/cycle.c: phase_close, phase_barriers_off */
#ifndef EPOCH_RAISED_LATE
     d_step {
       say("C raises the epoch\n")
       phase = OFF; epoch = 1 - epoch; rename() };
#endif
     d_step { ask(BARRIER_OFF); rename() };
#ifndef SWEEP_EARLY
     ALL_ANSWERED;
     d_step {
#ifdef CARDS_AGED_LATE
       age_cards();
#endif
       phase = IDLE; request = NOTHING; answered = 0; rename() };
#endif
#ifdef EPOCH_RAISED_LATE
     d_step {
       say("C raises the epoch\n")
       epoch = 1 - epoch; rename() };
#endif

     /* sweep: runtime/sweep/sweep.c: sweep_slots */
     do
     :: atomic { OLD_BLOCKS != 0 ->
          pick(OLD_BLOCKS, o);
          say("C sweeps %c, marked %d\n", NAME(o), HAS(marked, o))
          d_step {
            if
            :: HAS(allocated & ~marked, o) ->
               c_code { now.freed_reachable = (reachable() | runs()) & bit(Pcollector->o); };
               assert(freed_reachable == 0);
               slot[o] = NIL;
               allocated = allocated & ~BIT(o)
            :: else -> skip
            fi;
            kept_garbage = garbage & marked & BIT(o);
            assert(kept_garbage == 0);
            garbage = garbage & ~BIT(o);
#ifdef YOUNG
            op_aged = HAS(marked, o);
#endif
            marked = (STAYS_MARKED(o) -> marked : marked & ~BIT(o));
#ifdef YOUNG
            aged = (NOTES_AGE -> (aged & ~BIT(o)) | (op_aged * BIT(o)) : aged);
            op_aged = 0;
#endif
            block_epoch = block_epoch ^ BIT(o)
          };
          o = 0; rename() }
     :: OLD_BLOCKS == 0 -> break
     od;
#ifdef SWEEP_EARLY
     ALL_ANSWERED;
#endif
     /* The next cycle counts epochs from nought again. */
     atomic {
       phase = IDLE; request = NOTHING; answered = 0;
#ifdef ATTACH_UNSCANNED
       newcomers = 0;
#endif
#ifdef YOUNG
       ages = 0;
#endif
       if
       :: epoch == 1 ->
          block_epoch = block_epoch ^ ALL;
          op_epoch[0] = (op[0] == TAKING) * (1 - op_epoch[0]);
          op_epoch[1] = (op[1] == TAKING) * (1 - op_epoch[1])
       :: else -> skip
       fi;
       epoch = 0; rename() };
#ifdef LIVE
progress:
     skip
#endif
  od
}
