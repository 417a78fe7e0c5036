/* symmetry.h: which objects are reachable, and one name for all states that differ in names only.
 *
 * C that the verifier runs inside the models' steps; it is no part of a protocol.  A model lists its
 * variables first, as macros of macros: what each holds tells how it changes when objects or threads
 * are renamed.
 *   SHARED_SETS    sets of objects, a bit each          SHARED_REFS  an object or NIL
 *   THREAD_SETS    the same, for each of two threads    THREAD_REFS
 *   THREAD_BYTES   a plain value for each thread        THREAD_BITS  a set of threads
 * and it defines ROOTS, the set of objects in roots; PENDING, what the collector will still scan;
 * FOLLOW(set), which adds what an object refers to by other ways than its field.
 *
 * Objects are interchangeable, and so are the mutators: a permutation of either maps executions to
 * executions and keeps every assertion.  So after each step the state is replaced by the least of
 * its renamings, and a search visits one state where there were up to twelve.  The field of an
 * object that neither a mutator nor the collector can come to any more is cleared for the same
 * reason.  With PLAIN only the latter is done, so that a trail keeps its names. */

static int bit(int object) { return 1 << object & ALL; }

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

static int reachable(void) { return closure(ROOTS); }

static void forget_garbage(void) {
  int object, kept = closure(ROOTS | PENDING);
  for (object = 0; object < NOBJ; object++)
    if (!(kept >> object & 1)) now.slot[object] = NIL;
}

#ifdef PLAIN
static void canonical(void) { forget_garbage(); }
#else

enum { PERMUTATIONS = NOBJ == 2 ? 2 : NOBJ == 3 ? 6 : 24, STATE_BYTES = 64 };

/* ref_of[p][object], set_of[p][set]: the new name under permutation p. */
static unsigned char ref_of[PERMUTATIONS][NOBJ + 1], set_of[PERMUTATIONS][ALL + 1];

static void permutations_init(void) {
  int p = 0, code, i, set;
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
}

/* The state with objects renamed by `p` and, if `swap`, the threads exchanged. */
static void state_write(unsigned char *state, int p, int swap) {
  const unsigned char *ref = ref_of[p], *set = set_of[p];
  int i, t;
  for (i = 0; i <= NOBJ; i++) state[ref[i]] = ref[now.slot[i]];
  state += NOBJ + 1;
#define X(name) *state++ = set[now.name];
  SHARED_SETS(X)
#undef X
#define X(name) *state++ = ref[now.name];
  SHARED_REFS(X)
#undef X
  for (i = 0; i < 2; i++) {
    t = i ^ swap;
#define X(name) *state++ = set[now.name[t]];
    THREAD_SETS(X)
#undef X
#define X(name) *state++ = ref[now.name[t]];
    THREAD_REFS(X)
#undef X
#define X(name) *state++ = (unsigned char)now.name[t];
    THREAD_BYTES(X)
#undef X
#define X(name) *state++ = now.name >> t & 1;
    THREAD_BITS(X)
#undef X
  }
}

static void state_read(const unsigned char *state) {
  int i;
  for (i = 0; i <= NOBJ; i++) now.slot[i] = *state++;
#define X(name) now.name = *state++;
  SHARED_SETS(X)
  SHARED_REFS(X)
#undef X
#define X(name) now.name = 0;
  THREAD_BITS(X)
#undef X
  for (i = 0; i < 2; i++) {
#define X(name) now.name[i] = *state++;
    THREAD_SETS(X)
    THREAD_REFS(X)
    THREAD_BYTES(X)
#undef X
#define X(name) now.name |= *state++ << i;
    THREAD_BITS(X)
#undef X
  }
}

static void canonical(void) {
  static unsigned char states[2][STATE_BYTES];
  int i, least = 0;
  forget_garbage();
  if (ref_of[0][NOBJ] != NIL) permutations_init();
  state_write(states[0], 0, 0);
  for (i = 1; i < 2 * PERMUTATIONS; i++) {
    state_write(states[!least], i >> 1, i & 1);
    if (memcmp(states[!least], states[least], STATE_BYTES) < 0) least = !least;
  }
  state_read(states[least]);
}
#endif
