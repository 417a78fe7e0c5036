/* symmetry.h: which objects are reachable, and one name for all states that differ in names only.
 *
 * C that the verifier runs inside the models' steps; it is no part of a protocol.  A model lists
 * its variables first, as macros of macros: what each holds tells how it changes when objects or
 * threads are renamed.
 *   SHARED_SETS, SHARED_REFS  sets of objects, a bit each; an object or NIL
 *   THREAD_SETS, THREAD_REFS  the same, for each of two threads
 *   THREAD_BYTES              a plain value for each thread
 *   THREAD_BITS               a set of threads
 * And it defines ROOTS, the set of objects in roots; PENDING, what the collector will still scan;
 * FOLLOW(set), which adds what an object refers to by other ways than its field.
 *
 * Objects are interchangeable, and so are the mutators: a permutation of either maps executions to
 * executions and keeps every assertion.  So after each step the state is replaced by the least of
 * its renamings, and a search visits one state where there were up to twelve.  The field of an
 * object that neither a mutator nor the collector can come to any more is cleared for the same
 * reason.  With PLAIN only the latter is done, so that a trail keeps its names. */

static int bit(int object) {
  return 1 << object & ALL;
}

/* `set` and all that can be reached from it. */
static int closure(int set) {
  int before, object;
  do {
    before = set;
    for (object = 0; object < NOBJ; object++)
      if (set >> object & 1) set |= bit(now.slot[object]);
    set = FOLLOW(set) & ALL;
  } while (set != before);
  return set;
}

static int reachable(void) {
  return closure(ROOTS);
}

static void forget_garbage(void) {
  int object, kept = closure(ROOTS | PENDING);
  for (object = 0; object < NOBJ; object++)
    if (!(kept >> object & 1)) now.slot[object] = NIL;
}

#ifdef PLAIN
static void canonical(void) {
  forget_garbage();
}
#else

enum { PERMUTATIONS = NOBJ == 2 ? 2 : NOBJ == 3 ? 6 : 24, STATE_BYTES = 64 };

/* ref_of[p][object], set_of[p][set]: the new name under permutation p; inverse_of[p] undoes it. */
static unsigned char ref_of[PERMUTATIONS][NOBJ + 1], set_of[PERMUTATIONS][ALL + 1];
static unsigned char inverse_of[PERMUTATIONS];

static void permutations_init(void) {
  int p = 0, q, code, i, set;
  for (code = 0; p < PERMUTATIONS; code++) {
    int rest = code, seen = 0;
    for (i = 0; i < NOBJ; i++, rest /= NOBJ) {
      ref_of[p][i] = (unsigned char)(rest % NOBJ);
      seen |= 1 << rest % NOBJ;
    }
    if (seen == ALL) ref_of[p++][NOBJ] = NIL;
  }
  for (p = 0; p < PERMUTATIONS; p++)
    for (set = 0; set <= ALL; set++)
      for (i = 0; i < NOBJ; i++)
        if (set >> i & 1) set_of[p][set] |= (unsigned char)(1 << ref_of[p][i]);
  for (p = 0; p < PERMUTATIONS; p++)
    for (q = 0; q < PERMUTATIONS; q++) {
      for (i = 0; i < NOBJ && ref_of[q][ref_of[p][i]] == i; i++) {
      }
      if (i == NOBJ) inverse_of[p] = (unsigned char)q;
    }
}

/* Writes the state with objects renamed by `p` and, if `swap`, the threads exchanged.  Returns
 * whether it is less than `least`; as soon as it is seen to be more it stops. */
static int state_write(unsigned char *state, const unsigned char *least, int p, int swap) {
  const unsigned char *ref = ref_of[p], *set = set_of[p], *old_name = ref_of[inverse_of[p]];
  int i, t, n = 0, less = 0;
#define PUT(value)                                                                                 \
  do {                                                                                             \
    unsigned char byte = (unsigned char)(value);                                                   \
    if (!less && byte > least[n]) return 0;                                                        \
    less |= byte < least[n];                                                                       \
    state[n++] = byte;                                                                             \
  } while (0);
  for (i = 0; i < 2; i++) {
    t = i ^ swap;
#define X(name) PUT(now.name[t])
    THREAD_BYTES(X)
#undef X
#define X(name) PUT(now.name >> t & 1)
    THREAD_BITS(X)
#undef X
#define X(name) PUT(set[now.name[t]])
    THREAD_SETS(X)
#undef X
#define X(name) PUT(ref[now.name[t]])
    THREAD_REFS(X)
#undef X
  }
#define X(name) PUT(set[now.name])
  SHARED_SETS(X)
#undef X
#define X(name) PUT(ref[now.name])
  SHARED_REFS(X)
#undef X
  for (i = 0; i <= NOBJ; i++)
    PUT(ref[now.slot[old_name[i]]])
#undef PUT
  return less;
}

static void state_read(const unsigned char *state) {
  int i;
#define X(name) now.name = 0;
  THREAD_BITS(X)
#undef X
  for (i = 0; i < 2; i++) {
#define X(name) now.name[i] = *state++;
    THREAD_BYTES(X)
#undef X
#define X(name) now.name |= *state++ << i;
    THREAD_BITS(X)
#undef X
#define X(name) now.name[i] = *state++;
    THREAD_SETS(X)
    THREAD_REFS(X)
#undef X
  }
#define X(name) now.name = *state++;
  SHARED_SETS(X)
  SHARED_REFS(X)
#undef X
  for (i = 0; i <= NOBJ; i++)
    now.slot[i] = *state++;
}

static void canonical(void) {
  static unsigned char states[2][STATE_BYTES];
  int p, least = 0;
  forget_garbage();
  if (ref_of[0][NOBJ] != NIL) permutations_init();
  memset(states[least], 255, STATE_BYTES);
  for (p = 0; p < PERMUTATIONS; p++) {
    least ^= state_write(states[!least], states[least], p, 0);
    least ^= state_write(states[!least], states[least], p, 1);
  }
  state_read(states[least]);
}
#endif
