/* sweep.pml: blocks are handed out to those who sweep, from one sweep to the next.
 *
 * The collector asks all mutators; between two sweeps each comes to a safepoint, at which it is in
 * no stretch, and meanwhile the heap may have grown.  The one that answers last begins the sweep, or
 * the collector does, whoever is the first to get the lock.  The collector takes stretches itself
 * and waits until all are done.  Mutators take stretches whenever they like, also while a sweep
 * begins and when there is none.
 * Not here: what sweeping a block does (start.pml), blocks that mutators take from the system while
 * a sweep goes on (they have the new epoch).
 *
 * Each step cites the function that takes it, and that function cites this model; `cites` checks
 * both.
 *
 * Claims, an assertion each:
 *   swept_twice   a block is swept by one thread, in a sweep that has begun, and is in the heap
 *   begun_twice   a sweep begins once, when all have answered
 *   left_unswept  at the end of a sweep every block has been swept
 *   stuck         the collector does not wait for blocks that nobody has
 * No state but the last is a deadlock.
 *
 * Configuration: at most TOP blocks, in stretches of two.  Mutants: see README.md. */
#include "model.h"

#if defined NEXT_BEFORE_LEFT || defined END_AFTER_NEXT
#define TWO_WORDS /* as the first design had it */
#endif
#ifndef TOP
#define TOP 5
#endif
#define STRETCH 2
#define SWEEPS 2

/* Of the code's one word `claim`: the next block due, and where the sweep ends. */
byte next, end_block;
byte left;
byte top; /* blocks of the heap */
byte due; /* a bit each: blocks that this sweep has not come to yet */
byte inside; /* threads that have a stretch */
byte swept_twice, begun_twice, left_unswept, stuck;
bit off; /* phase: barriers go off, and no sweep has begun */
bit locked, done;
byte answered = EVERYBODY;

/* sweep-stretch: runtime/sweep/sweep.c: sweep_stretch */
inline sweep_next() {
  d_step {
    swept_twice = !HAS(due, first);
    assert(swept_twice == 0);
    due = due & ~(1 << first);
    first++ }
}

/* sweep-some: runtime/sweep/sweep.c: gaiti_sweep_some.  The word that is swapped in is another than
 * the one read, unless that has come back with the same meaning; so to read it and to swap it is
 * one step. */
inline sweep_some(some, who) {
  some = 0;
#ifdef TWO_WORDS
  last = end_block;
  if
  :: next >= last -> skip
  :: else ->
     d_step {
       first = next; next = next + STRETCH;
       some = first < last; inside = inside + some }
  fi;
#elif defined CLAIM_NOT_SWAPPED
  d_step { first = next; last = end_block; some = first < last; inside = inside + some };
#else
  d_step {
    first = next; last = end_block; some = first < last;
    if
    :: some -> next = (first + STRETCH < last -> first + STRETCH : last); inside++
    :: else -> skip
    fi };
#endif
  if
  :: some ->
     d_step {
       last = (first + STRETCH < last -> first + STRETCH : last);
       count = last - first;
       say("%c claims %d .. %d\n", who, first, last - 1)
#ifdef CLAIM_NOT_SWAPPED
     };
     d_step {
       next = last;
#endif
#ifdef LEFT_LOWERED_EARLY
       left = left - count;
#endif
       skip };
     skip;
     do
     :: first < last -> sweep_next()
     :: else -> break
     od;
     skip;
     d_step {
       say("%c is done\n", who)
#ifndef LEFT_LOWERED_EARLY
       left = left - count;
#endif
       inside-- }
  :: else -> skip
  fi;
  d_step { first = 0; last = 0; count = 0 }
}

/* begin: runtime/cycle/protocol.c: gaiti_protocol_move_on_locked
 *        runtime/sweep/sweep.c: gaiti_sweep_begin */
inline begin_sweep(who) {
#ifdef BEGUN_UNLOOKED
  if
  :: answered == EVERYBODY ->
#else
  if
  :: answered == EVERYBODY && off ->
#endif
     d_step {
       begun_twice = !off || answered != EVERYBODY;
       assert(begun_twice == 0);
       off = 0 };
     atomic {
       do
       :: top < TOP -> top++
       :: break
       od;
       due = (1 << top) - 1;
       say("%c begins a sweep of %d blocks\n", who, top) };
#ifdef NEXT_BEFORE_LEFT
     next = 0;
     left = top;
     end_block = top;
#elif defined END_AFTER_NEXT
     left = top;
     next = 0;
     end_block = top;
#elif defined CLAIM_BEFORE_LEFT
     d_step { next = 0; end_block = top };
     left = top;
#else
     left = top;
     d_step { next = 0; end_block = top };
#endif
     skip
  :: else -> skip
  fi
}
inline lock() {
#ifdef BEGUN_UNLOCKED
  skip
#else
  atomic { !locked -> locked = 1 }
#endif
}

active [2] proctype mutator() {
  byte first, last, count;
  bit some;
end:
  do
  :: !done && top != 0 -> sweep_some(some, 48 + _pid)
  /* answer: runtime/cycle/handshake.c: safepoint_act, safepoint_move_on */
  :: d_step { !HAS(answered, _pid) -> answered = answered | THREAD(_pid); some = answered == EVERYBODY };
     if
     :: some ->
        lock();
        begin_sweep(48 + _pid);
        locked = 0
     :: else -> skip
     fi;
     some = 0
  od
}

active proctype collector() {
  byte first, last, count, sweeps;
  bit some;
  do
  :: sweeps < SWEEPS ->
     d_step { answered = 0; off = 1 };
     /* look: runtime/cycle/handshake.c: handshake_look */
     answered == EVERYBODY;
     lock();
     begin_sweep(67);
     locked = 0;
     /* finish: runtime/sweep/sweep.c: gaiti_sweep_finish */
     do
     :: sweep_some(some, 67);
        if
        :: some -> skip
        :: else -> break
        fi
     od;
     do
     :: left == 0 -> break
     :: d_step { left != 0 && inside == 0 && next >= end_block ->
          say("C waits for %d blocks that nobody has\n", left)
          stuck = 1; assert(stuck == 0) }
     od;
     skip;
     d_step {
       say("C ends the sweep\n")
       left_unswept = due;
       assert(left_unswept == 0);
       sweeps++ }
  :: else -> break
  od;
  done = 1
}
