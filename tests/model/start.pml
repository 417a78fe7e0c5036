/* draft */
#ifndef NOBJ
#define NOBJ 3
#endif
#define NIL NOBJ
#define ALL ((1 << NOBJ) - 1)
#define GLOB NOBJ        /* slot number of the barriered global */
#define BIT(o) ((1 << (o)) & ALL)
#define HAS(set, o) (((set) >> (o)) & 1)
#define EVERYBODY 3

#define NONE 0
#define BARRIER_ON 1
#define SCAN_ROOTS 2
#define STOP 3
#define BARRIER_OFF 4
#define SETTLED 5

byte slot[NOBJ + 1] = NIL;
byte stack[2];
byte cache[2] = NIL;
byte allocated, marked, grey, block_epoch;
bit epoch;
bit marking[2];
bit black_epoch[2] = 1;
byte acked;
byte request;
bit done;
byte busy;   /* threads between the two halves of a barrier */
byte bo[2], bv[2];

byte lost;
c_code {
static int closure(int set) {
  int i, j;
  set |= now.stack[0] | now.stack[1] | 1 << now.slot[NOBJ_];
  for (j = 0; j < NOBJ_; j++)
    for (i = 0; i < NOBJ_; i++) if (set >> i & 1) set |= 1 << now.slot[i];
  return set & ((1 << NOBJ_) - 1);
}
static void canon(void) {
  int i, live = closure(now.grey);
  for (i = 0; i < NOBJ_; i++) if (!(live >> i & 1)) now.slot[i] = NOBJ_;
}
}

inline mark_set(set) {
  grey = grey | ((set) & ~marked);
  marked = marked | (set)
}

inline shade(set) { if :: !done -> mark_set(set) :: else fi }

inline pick(set, o) {
  if
  :: HAS(set, 0) -> o = 0
  :: HAS(set, 1) -> o = 1
#if NOBJ > 2
  :: HAS(set, 2) -> o = 2
#endif
#if NOBJ > 3
  :: HAS(set, 3) -> o = 3
#endif
  fi
}

proctype mutator(bit t) {
  byte o, v;
  bit e;
  do
  :: atomic { stack[t] -> pick(stack[t], o); stack[t] = stack[t] | BIT(slot[o]); o = 0 }
  :: d_step { slot[GLOB] != NIL -> stack[t] = stack[t] | BIT(slot[GLOB]) }
  :: atomic { stack[t] -> pick(stack[t], o); stack[t] = stack[t] & ~BIT(o); o = 0; c_code { canon(); } }
  :: atomic { /* store */
       if :: pick(stack[t], o) :: o = GLOB fi;
       if :: pick(stack[t], v) :: v = NIL fi;
       if :: slot[o] == v -> goto done0 :: else fi;
       if
       :: marking[t] && !done ->
#ifndef NO_DELETION
          shade(BIT(slot[o]));
#endif
#ifndef NO_INSERTION
          shade(BIT(v));
#endif
       busy = busy | (1 << t);
       :: else -> slot[o] = v; goto done0
       fi
     };
     atomic {
#ifdef XCHG
       shade(BIT(slot[o]));
#endif
       slot[o] = v; 
done0: busy = busy & ~(1 << t);
  o = 0; v = 0; c_code { canon(); } }
  :: atomic { cache[t] == NIL && (allocated != ALL) -> e = epoch };
     atomic {
       if
       :: pick(ALL & ~allocated, o) ->
          if
          :: HAS(block_epoch, o) == e
          :: HAS(block_epoch, o) != e -> block_epoch = block_epoch ^ BIT(o)   /* a fresh block */
          fi;
          allocated = allocated | BIT(o);
          cache[t] = o;
          if :: black_epoch[t] == e -> marked = marked | BIT(o) :: else fi
       :: allocated == ALL
       fi;
       o = 0; e = 0 }
  :: d_step { cache[t] != NIL -> stack[t] = stack[t] | BIT(cache[t]); cache[t] = NIL }
  :: d_step { request != NONE && !HAS(acked, t) ->
       if
       :: request == BARRIER_ON -> marking[t] = 1
#ifdef BLACK_AT_ON
          ; black_epoch[t] = epoch; marked = marked | BIT(cache[t])
#endif
       :: request == SCAN_ROOTS ->
#if !defined BLACK_AT_ON && !defined BLACK_AT_SETTLE
          black_epoch[t] = epoch; marked = marked | BIT(cache[t]);
#endif
          mark_set(stack[t])
       :: request == STOP -> skip
       :: request == SETTLED ->
#ifdef BLACK_AT_SETTLE
          black_epoch[t] = epoch; marked = marked | BIT(cache[t]);
#endif
          skip
       :: request == BARRIER_OFF -> marking[t] = 0; cache[t] = NIL
       fi;
       acked = acked | (1 << t) };
     !(request == STOP)
  od
}

inline post(r) { request = r; acked = 0 }

proctype collector() {
  byte o = 0;
  bit g, f;
  do
  :: d_step { assert(marked == 0); post(BARRIER_ON) };
     acked == EVERYBODY;
#ifdef SETTLE
     post(SETTLED);
     acked == EVERYBODY;
#endif
     post(SCAN_ROOTS);
     do
     :: atomic { grey != 0 -> pick(grey, o); grey = grey & ~BIT(o); mark_set(BIT(slot[o])); o = 0; c_code { canon(); } }
     :: d_step { !g -> mark_set(BIT(slot[GLOB])); g = 1 }
     :: d_step { acked == EVERYBODY && g && grey == 0 && busy == 0
        -> g = 0; f = 0; request = NONE; acked = 0; done = 1 } -> break
     od;
     skip; d_step { c_code { now.lost = closure(0) & ~now.marked; }; assert(lost == 0); 
     request = NONE; acked = 0 };
     epoch = 1 - epoch;
     post(BARRIER_OFF);
     acked == EVERYBODY;
     d_step { done = 0; request = NONE; acked = 0; o = 0};
     do
     :: d_step { o < NOBJ ->
         if
         :: HAS(block_epoch, o) != epoch ->
            if :: HAS(allocated & ~marked, o) -> c_code { now.lost = closure(0) & 1 << Pcollector->o; }; assert(lost == 0); slot[o] = NIL;
              allocated = allocated & ~BIT(o) :: else fi;
            marked = marked & ~BIT(o);
            block_epoch = block_epoch ^ BIT(o)
         :: else
         fi; o++ }
     :: d_step { o == NOBJ -> o = 0 } -> break
     od
  od
}

init { atomic { run mutator(0); run mutator(1); run collector() } }
