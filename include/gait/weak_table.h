/* weak_table.h: weak hash tables, and tables that keep one copy of equal objects (interning).
 *
 * For the symbols of an interpreter, for properties of objects that do not belong to the table, for
 * caches, and for the weak tables of a language.  A program that uses it includes it.
 *
 * A table is an object of the heap, kept and found dead as any other.  An entry whose weak key or
 * value is found dead is gone in that moment, in one step with all weak references to that object
 * (weak.h), whatever the table's size: no thread waits for that.  Later puts and removals take the
 * memory of such entries back, some at each; the table grows and shrinks in the same way, so that
 * none of them takes long.
 *
 * Any number of attached threads may use a table at once, without a lock: no call waits for another
 * thread.  A get that begins when a put has returned sees its value.
 *
 * Keys and values are references or, as in weak.h, any other words but NULL, which never die: small
 * numbers of an interpreter, say.  An object that a finalizer brings back has lost its entries.
 *
 * Functions of the program's that a call uses (gait_hash_fn and the others) may do all that their
 * caller may: allocate, wait outside managed code, use the same table.  Their arguments are kept
 * meanwhile.  They return, on the thread on which they were called, in managed state, with the
 * frames that they have pushed popped (weak_table.callback); and they do not change the key. */
#ifndef GAIT_WEAK_TABLE_H
#define GAIT_WEAK_TABLE_H

#include "gait/weak.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Weak tables ---------------------------------------------------------------------------- */

/* A table of entries, each with a key and a value. */
typedef struct gait_weak_table gait_weak_table;

/* The sides of its entries that a table does not keep. */
typedef enum gait_weakness {
  GAIT_WEAK_KEYS,   /* keeps its value as long as the key is alive, and otherwise than through the
                       value: an ephemeron (ephemeron.h) */
  GAIT_WEAK_VALUES, /* keeps its key, until the value is dead */
  GAIT_WEAK_BOTH,   /* keeps neither: gone when one of the two is dead */
} gait_weakness;

/* A number for a key: the same for equal keys. */
typedef uint64_t gait_hash_fn(gait_thread *thread, void *key, void *arg);

/* Whether two keys are equal: `entry_key` is that of an entry. */
typedef bool gait_equal_fn(gait_thread *thread, void *entry_key, void *key, void *arg);

/* A table whose keys are compared as words: the same object, the same tag.  NULL: as gait_alloc.
 * Thread: attached.  GC: safepoint; may start a cycle, may assist. */
GAIT_API gait_weak_table *gait_weak_table_create(gait_thread *thread, gait_weakness weakness);

/* One with weak values, whose keys are compared by the program.  `arg` is no reference.
 * Thread, GC, NULL: as gait_weak_table_create. */
GAIT_API gait_weak_table *gait_weak_table_create_by(gait_thread *thread, gait_hash_fn *hash,
                                                    gait_equal_fn *equal, void *arg);

/* The value of the entry with that key, NULL: there is none.  From the call on it is as reachable
 * as the caller makes it.  `key` is kept during the call, here and below.
 * Thread: attached.  GC: while a cycle marks, the value is shaded; where the program compares, a
 * safepoint if its functions are. */
GAIT_API void *gait_weak_table_get(gait_thread *thread, gait_weak_table *table, void *key);

/* Gives `key` that value, in place of another that it has; NULL: removes the entry.  `value` is
 * kept during the call.
 * Thread: attached.  GC: safepoint; may start a cycle, may assist.  Fails: false, as gait_alloc;
 * the table is as it was. */
GAIT_API bool gait_weak_table_put(gait_thread *thread, gait_weak_table *table, void *key,
                                  void *value);

/* Removes the entry with that key.  Returns whether there was one; of several threads that remove
 * it, one has true.
 * Thread: attached.  GC: as gait_weak_table_put. */
GAIT_API bool gait_weak_table_remove(gait_thread *thread, gait_weak_table *table, void *key);

/* Removes all entries.  A put meanwhile may have come before.
 * Thread: attached.  GC: as gait_weak_table_put.  Fails: likewise. */
GAIT_API bool gait_weak_table_clear(gait_thread *thread, gait_weak_table *table);

/* How many entries there are, at most: dead ones count until they are taken off, and while the
 * table grows some count twice.  Thread: attached. */
GAIT_API size_t gait_weak_table_count(gait_thread *thread, const gait_weak_table *table);

/* ---- Iteration ------------------------------------------------------------------------------ */

/* An object of the heap that goes through the entries of a table, for one thread at a time. */
typedef struct gait_weak_table_iterator gait_weak_table_iterator;

/* At the beginning.  NULL: as gait_alloc.
 * Thread: attached.  GC: safepoint on the slow path; may start a cycle, may assist. */
GAIT_API gait_weak_table_iterator *gait_weak_table_iterate(gait_thread *thread,
                                                           gait_weak_table *table);

/* Goes to the next entry, and has its key and value in *key and *value: alive as those of
 * gait_weak_table_get.  False: there is none, now and ever after.  Each entry that is there all the
 * time comes once, one that is gone does not, one that was put since the beginning may or may not,
 * and one that was removed and put again may come twice.  The table may be changed meanwhile in
 * every way; a clear is the end.
 * Thread: attached.  GC: while a cycle marks, both are shaded. */
GAIT_API bool gait_weak_table_next(gait_thread *thread, gait_weak_table_iterator *iterator,
                                   void **key, void **value);

/* ---- Interning ------------------------------------------------------------------------------ */

/* Whether `object` is the one that `name` names. */
typedef bool gait_intern_equal_fn(gait_thread *thread, void *object, const void *name, void *arg);

/* A new object that `name` names; NULL: none, and the call fails. */
typedef void *gait_intern_make_fn(gait_thread *thread, const void *name, void *arg);

/* A table with one object for each name, which it does not keep: its entries have weak values, and
 * no keys.  `arg` is no reference.  The calls of weak tables without a key are for it too; the key
 * that an iterator gives is NULL.  NULL: as gait_alloc.
 * Thread: attached.  GC: safepoint; may start a cycle, may assist. */
GAIT_API gait_weak_table *gait_intern_create(gait_thread *thread, gait_intern_equal_fn *equal,
                                             gait_intern_make_fn *make, void *arg);

/* The object of that name: the one that is alive, or a new one.  At no time has the table two for
 * one name: where two threads make it at once, one of the new objects is dropped, and both have the
 * other.  `hash` is any number that the name alone decides.  `name` is passed to the functions as
 * it is: a string, a structure of the program's, or an object that stays alive meanwhile.
 * Thread: attached.  GC: safepoint; may start a cycle, may assist.  Fails: NULL, as gait_alloc, or
 * `make` has no object. */
GAIT_API void *gait_intern(gait_thread *thread, gait_weak_table *table, uint64_t hash,
                           const void *name);

/* The same where there is one; NULL: there is none.
 * Thread: attached.  GC: while a cycle marks, the object is shaded; a safepoint if the program's
 * function is. */
GAIT_API void *gait_intern_find(gait_thread *thread, gait_weak_table *table, uint64_t hash,
                                const void *name);

/* Has the table forget `object`, which was interned with that hash: its name will have another.
 * Returns whether it was there.
 * Thread: attached.  GC: as gait_weak_table_put. */
GAIT_API bool gait_intern_forget(gait_thread *thread, gait_weak_table *table, uint64_t hash,
                                 void *object);

#ifdef __cplusplus
}
#endif

#endif
