/* table.pml: the buckets of a weak table: chains that threads change at once, and buckets that
 * follow others.
 *
 * Two threads look keys up, add, remove, resize and work for the table, and a collector finds
 * values dead that no thread holds.  A value that is found dead is white first, when a weak read
 * gets nothing any more, and its word is nil later.
 * Not here: how a weak read finds that out (weak.pml), segments, iterators, clear; memory is not
 * used twice, since threads hold what they follow.
 *
 * Each step cites the function that takes it, and that function cites this model; `cites` checks
 * both.
 *
 * Claims, an assertion each:
 *   two_live   no entry is added to the table while another with its key is alive in it
 *   not_found  a search finds the entry of its key that was there when it began, unless that has died
 *   let_go     older buckets are let go when no live entry is in them alone
 *   undercount there are no more live entries than count
 * No state but the last is a deadlock.
 *
 * Configuration: KEYS, OPS of each thread, ENTRIES that memory has room for (an addition fails
 * without), and the sizes FIRST and SECOND of the buckets.  Mutants: see README.md. */
#define NOBJ 2
#include "model.h"

#ifndef KEYS
#define KEYS 2
#endif
#ifndef OPS
#define OPS 1
#endif
#ifndef ENTRIES
#define ENTRIES 7
#endif
#ifndef FIRST
#define FIRST 1
#endif
#ifndef SECOND
#define SECOND 2
#endif

/* A head: 0, or an entry from 1 on, or EMPTY; and FROZEN. */
#define EMPTY       30
#define FROZEN      32
#define ENTRY(word) (((word) & 31) == EMPTY -> 0 : ((word) & 31))
#define NONE        0 /* no entry, no cell */
#define NO_BUCKETS  2

byte head[4]; /* of the buckets g: 2 * g and the next */
byte next[ENTRIES + 1], key[ENTRIES + 1], cell[ENTRIES + 1];
bit counted[ENTRIES + 1];
byte entries = 1; /* the next free one */
byte cells = 1;
byte added, alive, white; /* cells, a bit each: once in the table; word not nil; found dead */
byte holds[2];            /* the cell whose value the thread has, or NONE */
byte in_use;              /* buckets of the table: 0, then 1 */
bit older;                /* the second buckets follow the first */
byte ready;
byte count[2];
byte two_live, not_found, let_go, undercount;

#define CELL(c)    (1 << (c))
#define LIVE(c)    (((alive & ~white) >> (c)) & 1)
#define DEAD(e)    (((alive >> cell[e]) & 1) == 0)
#define SIZE(g)    ((g) == 0 -> FIRST : SECOND)
#define HEAD(g, k) (2 * (g) + (k) % SIZE(g))

/* ---- Searches ---- */

/* chain: runtime/weak/weak_table.c: search_chain, search_matches
 *        runtime/weak/weak_table_entries.c: gaiti_entry_value */
inline search_chain(from) {
  e = from;
  do
  :: e == NONE || e == seen -> found = NONE; break
  :: else ->
     d_step {
       if
       :: key[e] == k && LIVE(cell[e]) -> found = cell[e]; holds[_pid] = found
       :: else -> found = NONE; e = next[e]
       fi };
     if
     :: found != NONE -> break
     :: else -> skip
     fi
  od
}

/* The cell of the key that is in the table now and stays for as long as it is not found dead. */
inline expect() {
  d_step {
    must = NONE; i = 1;
    do
    :: i < entries ->
       if
       :: key[i] == k && (added & CELL(cell[i])) && LIVE(cell[i]) -> must = cell[i]
       :: else -> skip
       fi;
       i++
    :: else -> break
    od;
    i = 0 }
}

inline look() {
  d_step {
    not_found = found == NONE && must != NONE && LIVE(must);
    assert(not_found == 0) }
}

/* find: runtime/weak/weak_table_buckets.c: gaiti_buckets_find
 *       runtime/weak/weak_table.c: search_table */
inline search_table() {
  seen = NONE;
  expect();
  g = in_use;
  if
#ifdef NEW_LOOKED_AT_FIRST
  :: g == 1 ->
     w = head[HEAD(1, k)];
     if
     :: w == 0 && older -> w = head[HEAD(0, k)]
     :: else -> skip
     fi
  :: else -> w = head[HEAD(0, k)]
#else
  :: g == 1 && older ->
     w = head[HEAD(1, k)];
     if
     :: w == 0 -> w = head[HEAD(0, k)]
     :: else -> skip
     fi
  :: else -> w = head[HEAD(g, k)]
#endif
  fi;
  search_chain(ENTRY(w));
  look()
}

/* ---- Dead entries ---- */

/* uncount: runtime/weak/weak_table_buckets.c: buckets_uncount */
inline uncount(which, x) {
  if
  :: counted[x] -> counted[x] = 0; count[which] = count[which] - 1
  :: else -> skip
  fi
}

/* prune: runtime/weak/weak_table_buckets.c: buckets_prune_head, gaiti_buckets_prune */
inline prune(b) {
  do
  :: w = head[b]; e = ENTRY(w);
     if
     :: e == NONE || w >= FROZEN -> e = NONE; break
     :: else ->
        if
        :: !DEAD(e) -> break
        :: else ->
           n = next[e];
           d_step {
             if
#ifdef HEAD_PRUNED_PLAINLY
             :: true ->
#else
             :: head[b] == w ->
#endif
                head[b] = (n == NONE -> EMPTY : n);
                uncount(g, e)
             :: else -> skip
             fi }
        fi
     fi
  od;
  do
  :: e == NONE -> break
  :: else ->
     n = next[e];
     if
     :: n == NONE -> break
     :: else ->
        if
        :: DEAD(n) ->
           w = next[n];
           d_step { next[e] = w; uncount(g, n) }
        :: else -> e = n
        fi
     fi
  od;
  e = NONE; n = NONE; w = 0
}

/* ---- Buckets that follow others ---- */

/* freeze: runtime/weak/weak_table_buckets.c: buckets_freeze */
inline freeze(b) {
#ifdef COPIED_UNFROZEN
  e = ENTRY(head[b])
#else
  do
  :: w = head[b];
     if
     :: w >= FROZEN -> break
     :: else ->
        d_step {
          if
          :: head[b] == w -> head[b] = (w == 0 -> EMPTY : w) | FROZEN; found = 1
          :: else -> found = 0
          fi };
        if
        :: found -> break
        :: else -> skip
        fi
     fi
  od;
  e = ENTRY(w)
#endif
}

/* copy: runtime/weak/weak_table_buckets.c: buckets_copy, buckets_copy_entry */
inline copy(b, index) {
  freeze(b);
  do
  :: e == NONE -> break
  :: else ->
     if
     :: key[e] % SECOND == index && !DEAD(e) ->
        if
        :: entries <= ENTRIES ->
           d_step {
             key[entries] = key[e]; next[entries] = copies; counted[entries] = 1;
#ifdef CELL_COPIED
             if
             :: LIVE(cell[e]) -> alive = alive | CELL(cells); added = added | CELL(cells);
                cell[entries] = cells; cells++
             :: else -> cell[entries] = cell[e]
             fi;
#else
             cell[entries] = cell[e];
#endif
             copies = entries; entries++; copied++ }
        :: else -> failed = 1; break
        fi
     :: else -> skip
     fi;
     e = next[e]
  od
}

/* retire: runtime/weak/weak_table_buckets.c: buckets_retire */
inline retire(b, index) {
  e = ENTRY(head[b]);
  do
  :: e == NONE -> break
  :: else ->
     d_step {
       if
       :: key[e] % SECOND == index -> uncount(0, e)
       :: else -> skip
       fi;
       e = next[e] }
  od
}

/* publish: runtime/weak/weak_table_buckets.c: buckets_publish */
inline publish(index) {
#ifndef COUNTED_LATE
  count[1] = count[1] + copied;
#endif
#ifdef PUBLISHED_TWICE
  d_step { head[2 + index] = (copies == NONE -> EMPTY : copies); found = 1 };
#else
  d_step {
    if
    :: head[2 + index] == 0 -> head[2 + index] = (copies == NONE -> EMPTY : copies); found = 1
    :: else -> found = 0
    fi };
#endif
  if
  :: !found -> count[1] = count[1] - copied
  :: else ->
     i = index % FIRST;
     do
     :: i < FIRST -> retire(i, index); i = i + SECOND
     :: else -> break
     od;
#ifdef COUNTED_LATE
     count[1] = count[1] + copied;
#endif
     skip;
     d_step { ready++; found = ready == SECOND };
     if
#ifdef LET_GO_EARLY
     :: true ->
#else
     :: found ->
#endif
        d_step {
          older = 0;
          let_go = 0; i = 0;
          do
          :: i < SECOND -> let_go = let_go || head[2 + i] == 0; i++
          :: else -> break
          od;
          assert(let_go == 0) }
     :: else -> skip
     fi
  fi
}

/* ready: runtime/weak/weak_table_buckets.c: buckets_make_ready, buckets_refill */
inline make_ready(index) {
  d_step { copies = NONE; copied = 0; failed = 0 };
  if
  :: older && head[2 + index] == 0 ->
     i = index % FIRST;
     do
     :: i < FIRST && !failed -> copy(i, index); i = i + SECOND
     :: else -> break
     od;
     if
     :: failed -> skip
     :: else -> publish(index)
     fi
  :: else -> skip
  fi;
  d_step { copies = NONE; copied = 0; i = 0; e = NONE; w = 0; found = NONE }
}

/* ---- Additions ---- */

/* push: runtime/weak/weak_table.c: search_push, search_make */
inline push(b) {
  d_step {
    next[fresh] = ENTRY(w);
    count[g] = count[g] + 1 };
  d_step {
    if
#ifdef PUSHED_PLAINLY
    :: true ->
#else
    :: head[b] == w ->
#endif
       i = 1; two_live = 0;
       do
       :: i < entries ->
          two_live = two_live || (i != fresh && key[i] == k && (added & CELL(cell[i])) &&
                                  LIVE(cell[i]));
          i++
       :: else -> break
       od;
       i = 0;
       assert(two_live == 0);
       head[b] = fresh; added = added | CELL(cell[fresh]); found = cell[fresh];
       holds[_pid] = found
    :: else ->
       count[g] = count[g] - 1;
#ifdef HEAD_SEARCHED_NO_MORE
       seen = ENTRY(head[b])
#else
       seen = ENTRY(w)
#endif
    fi }
}

inline make_entry() {
  if
  :: fresh == NONE && entries <= ENTRIES ->
     d_step {
       fresh = entries; entries++; key[fresh] = k; counted[fresh] = 1;
       cell[fresh] = cells; alive = alive | CELL(cells); holds[_pid] = cells; cells++ }
  :: else -> skip
  fi
}

/* add: runtime/weak/weak_table.c: search_or_add, gaiti_table_intern */
inline intern() {
  search_table();
  fresh = NONE;
  do
  :: found != NONE -> break
  :: else ->
     seen = NONE;
     g = in_use;
     if
     :: g == 1 -> make_ready(k % SECOND)
     :: else -> skip
     fi;
     if
     :: g == 1 && head[HEAD(1, k)] == 0 && older -> break /* out of memory */
     :: else -> skip
     fi;
     do
     :: w = head[HEAD(g, k)];
#ifdef FROZEN_ADDED_TO
        if
        :: w >= FROZEN && false -> break
#else
        if
        :: w >= FROZEN -> break
#endif
        :: else -> skip
        fi;
        search_chain(ENTRY(w));
        if
        :: found != NONE -> break
        :: else -> skip
        fi;
        make_entry();
        if
        :: fresh == NONE -> failed = 1; break
        :: else -> push(HEAD(g, k))
        fi;
        if
        :: found != NONE -> prune(HEAD(g, k)); break
        :: else -> skip
        fi
     od;
     if
     :: failed -> break
     :: else -> skip
     fi
  od;
  skip;
  d_step { fresh = NONE; failed = 0; seen = NONE; e = NONE; w = 0; found = NONE; must = NONE; g = 0 }
}

/* remove: runtime/weak/weak_table.c: gaiti_table_remove, search_remove */
inline remove() {
  search_table();
  if
  :: found != NONE ->
     alive = alive & ~CELL(found);
     if
     :: g == 1 && head[HEAD(1, k)] == 0 && older -> skip
     :: else -> prune(HEAD(g, k))
     fi
  :: else -> skip
  fi;
  d_step { seen = NONE; e = NONE; w = 0; found = NONE; must = NONE; g = 0 }
}

/* ---- The whole ---- */

/* resize: runtime/weak/weak_table_buckets.c: buckets_resize */
inline resize() {
  d_step {
    if
    :: in_use == 0 -> older = 1; in_use = 1
    :: else -> skip
    fi }
}

inline forget() {
  d_step { holds[_pid] = NONE; k = 0 }
}

active [2] proctype mutator() {
  byte k, g, e, n, w, i, seen, found, must, fresh, copies, copied, ops;
  bit failed;
  do
  :: ops < OPS ->
     ops++;
     if
     :: k = 0
     :: KEYS > 1 -> k = 1
     fi;
     if
     :: intern()
     :: search_table(); d_step { seen = NONE; e = NONE; w = 0; found = NONE; must = NONE; g = 0 }
     :: remove()
     :: resize()
     :: in_use == 1 ->
        g = 1;
        make_ready(k % SECOND);
        if
        :: head[HEAD(1, k)] != 0 -> prune(HEAD(1, k))
        :: else -> skip
        fi;
        g = 0
     fi;
     forget()
  :: else -> break
  od
}

/* One cell that no thread holds is found dead at a time; its word is nil afterwards.
 * clear: runtime/weak/weak_heap.c: gaiti_weak_close */
active proctype collector() {
  byte c;
end:
  do
  :: c < 4 ->
     c++;
     if
     :: d_step { c < cells && LIVE(c) && (added & CELL(c)) && holds[0] != c && holds[1] != c ->
          white = white | CELL(c) };
        alive = alive & ~CELL(c)
     :: skip
     fi
  :: else -> break
  od
}

/* count: runtime/weak/weak_table_buckets.c: gaiti_buckets_entries */
active proctype counter() {
  byte i, live;
  timeout;
  d_step {
    i = 1;
    do
    :: i < cells -> live = live + ((added & CELL(i)) && LIVE(i)); i++
    :: else -> break
    od;
    undercount = live > count[in_use] + (older -> count[0] : 0);
    assert(undercount == 0) }
}
