/* model.h: what the models share: sets of objects, choices, and the words of a trail.
 *
 * Objects are 0 .. NOBJ-1; a set of them is a byte, a bit each; NIL is no object.  slot[o] is the
 * one field of object o, slot[GLOBAL] a global slot that is written through the barrier. */
#ifndef NOBJ
#define NOBJ 3
#endif
#define NIL         NOBJ
#define GLOBAL      NOBJ
#define ALL         ((1 << NOBJ) - 1)
#define BIT(o)      ((1 << (o)) & ALL)
#define HAS(set, o) (((set) >> (o)) & 1)
#define THREAD(t)   (1 << (t))
#define EVERYBODY   3

/* The words of a trail.  They are there with PLAIN only, where names stay what they are; C is the
 * collector, T0 and T1 are the mutators, a .. d objects, - is NIL or the global slot. */
#ifdef PLAIN
#define say(...) printf(__VA_ARGS__);
#define say_name(format, name)                                                                     \
  c_code {                                                                                         \
    if (readtrail) printf(format, name);                                                           \
  };
#define NAME(o) ((o) == NIL->45 : 97 + (o))
#else
#define say(...)
#define say_name(format, name)
#endif

#if NOBJ > 2
#define OR_2(set, o) ::HAS(set, 2)->o = 2
#else
#define OR_2(set, o)
#endif
#if NOBJ > 3
#define OR_3(set, o) ::HAS(set, 3)->o = 3
#else
#define OR_3(set, o)
#endif
#define ONE_OF(set, o) ::HAS(set, 0)->o = 0 ::HAS(set, 1)->o = 1 OR_2(set, o) OR_3(set, o)

/* Any object of the set, which is not empty. */
inline pick(set, o) {
  if ONE_OF (set, o) fi
}

/* Any object of the set, or NIL. */
inline pick_or_nil(set, o) {
  if ONE_OF (set, o) ::o = NIL fi
}

/* A free slot.  With PLAIN the first: a shorter trail says as much. */
#ifdef PLAIN
inline pick_free(set, o) {
  o = 0;
  do
    ::HAS(set, o)->break ::else->o++ od
}
#else
#define pick_free(set, o) pick(set, o)
#endif

/* The end of every step: symmetry.h. */
#ifdef NO_RENAME
#define rename() skip
#else
#define rename()                                                                                   \
  c_code {                                                                                         \
    canonical();                                                                                   \
  }
#endif
