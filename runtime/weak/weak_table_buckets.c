/* The buckets of weak tables: chains that many threads change at once, and the growth of a table in
 * small pieces, without a lock.
 *
 * The collector makes this simple: an object that a thread has in hand is not freed, so an entry
 * that was taken off its chain can be followed still, and no address comes back meanwhile.
 *
 * .table.chain  An entry is added at the head of its chain alone, by compare-and-swap: where that
 * succeeds the chain is the one that the thread has searched, but for entries that have died since,
 * so the key is there once.  An entry is taken off when it is dead: the `next` before it is set to
 * its own.  Two threads may do this beside each other, and one may bring an entry back that
 * the other has taken off.  That entry is dead as well, and whatever is written there leads to all
 * live entries that followed: each `next` goes to an entry further on, and skips dead ones alone.
 *
 * .table.follow  A table with too many or too few entries gets other buckets, which follow the
 * older ones.  One of the new buckets is made ready by the thread that adds to it first, or in
 * passing (gaiti_buckets_work): the older buckets that may have its entries are frozen, so that no
 * entry comes to them any more; copies of the live entries are made; and the head is set to their
 * chain, by compare-and-swap from 0, once.
 *
 *   thread A, that found the older buckets in use     thread B
 *   searches the chain                                has the table use new ones
 *                                                     freezes A's chain, copies it
 *   adds at its head: the head has changed, so
 *   the swap fails; finds it frozen, begins anew      adds to the new chain
 *
 * Had A's swap come before, its entry would be among the copies.  The copies share the weak
 * references, so that an entry dies, or has its value changed, in both at once.  A reader goes to
 * the older chain where the new one is not ready: at the moment when it looks no entry has been
 * added to the new one.
 *
 * .table.pieces  Memory is taken in segments, when they are used, so no piece of it is large but
 * the list of segments.  Each addition and removal makes some buckets ready, or sweeps some: twice
 * as many as would be enough to be ready before the next change of size, and to have swept all
 * before as many entries were added as there are buckets.
 *
 * .table.count  An entry counts from before it is added until one thread, which lowers the flag in
 * it, has found that it is dead, or copied.  Copies count before the entries that they replace
 * cease to.
 *
 * Models: table. */
#include "weak/weak_table_parts.h"

/* Buckets to a segment. */
#define BUCKETS_SEGMENT ((size_t)(GAITI_STRESS ? 4 : 512))
/* That each addition makes ready or sweeps. */
#define BUCKETS_WORK 4
/* There are fewer when no more than one in so many has an entry. */
#define BUCKETS_SPARSE 8
#define BUCKETS_MOST   ((size_t)1 << 40)

static size_t buckets_least(size_t a, size_t b) {
  return a < b ? a : b;
}

struct gaiti_buckets *gaiti_buckets_create(gait_thread *thread, size_t count) {
  size_t segments = (count + BUCKETS_SEGMENT - 1) / BUCKETS_SEGMENT;
  struct gaiti_buckets *buckets =
      gaiti_table_alloc(thread, GAITI_KIND_BUCKETS,
                        offsetof(struct gaiti_buckets, segments) + segments * sizeof(void *));
  if (buckets) buckets->count = count;
  return buckets;
}

/* The head of a bucket; NULL: its segment is not there. */
static void **buckets_head(const struct gaiti_buckets *buckets, size_t index) {
  struct gaiti_bucket_segment *segment = gait_load(&buckets->segments[index / BUCKETS_SEGMENT]);
  return segment ? &segment->heads[index % BUCKETS_SEGMENT] : NULL;
}

/* The same, with its segment made; NULL: out of memory.  A safepoint. */
static void **buckets_make_head(gait_thread *thread, struct gaiti_buckets *buckets, size_t index) {
  void **head = buckets_head(buckets, index);
  if (head) return head;
  size_t heads = buckets_least(buckets->count, BUCKETS_SEGMENT);
  void *segment = gaiti_table_alloc(thread, GAITI_KIND_SEGMENT, heads * sizeof(void *));
  if (!segment) return NULL;
  (void)gait_cas(thread, &buckets->segments[index / BUCKETS_SEGMENT], NULL, segment);
  return buckets_head(buckets, index);
}

/* The older ones are asked for first: where there are none any more, each bucket is ready. */
void **gaiti_buckets_find(const struct gaiti_buckets *buckets, uint64_t hash) {
  const struct gaiti_buckets *older = gait_load(&buckets->older);
  void **head = buckets_head(buckets, hash & (buckets->count - 1));
  if (!older || (head && gaiti_head_load(head) != 0)) return head;
  return buckets_head(older, hash & (older->count - 1));
}

static struct gaiti_entry *buckets_chain(const struct gaiti_buckets *buckets, size_t index) {
  void **head = buckets_head(buckets, index);
  return head ? gaiti_head_entry(gaiti_head_load(head)) : NULL;
}

void gaiti_buckets_chains(const struct gaiti_buckets *buckets, size_t index,
                          struct gaiti_entry **first, struct gaiti_entry **second) {
  const struct gaiti_buckets *older = gait_load(&buckets->older);
  void **head = buckets_head(buckets, index);
  AO_t word = head ? gaiti_head_load(head) : 0;
  *first = gaiti_head_entry(word);
  *second = NULL;
  if (!older || word) return;
  *first = buckets_chain(older, index & (older->count - 1));
  if (older->count > buckets->count) *second = buckets_chain(older, index + buckets->count);
}

/* ---- Counts ---- */

static void buckets_uncount(struct gaiti_buckets *buckets, struct gaiti_entry *entry) {
  AO_t hash = AO_load(&entry->hash);
  if ((hash & GAITI_ENTRY_COUNTED) &&
      AO_compare_and_swap_full(&entry->hash, hash, hash & ~GAITI_ENTRY_COUNTED))
    gaiti_counter_sub(&buckets->entries, 1);
}

size_t gaiti_buckets_entries(const struct gaiti_buckets *buckets) {
  const struct gaiti_buckets *older = gait_load(&buckets->older);
  return gaiti_counter_read(&buckets->entries) + (older ? gaiti_counter_read(&older->entries) : 0);
}

/* ---- Dead entries ---- */

/* Takes dead entries off the beginning of a chain.  Returns its first entry, or NULL: there is
 * none, or the chain is frozen, and left as it is. */
static struct gaiti_entry *buckets_prune_head(gait_thread *thread, const gait_weak_table *table,
                                              struct gaiti_buckets *buckets, void **head) {
  for (;;) {
    AO_t word = gaiti_head_load(head);
    struct gaiti_entry *entry = gaiti_head_entry(word);
    if (!entry || (word & GAITI_HEAD_FROZEN)) return NULL;
    if (!gaiti_entry_is_dead(entry, table->form)) return entry;
    AO_t rest = (AO_t)gait_load(&entry->next);
    gaiti_delay(thread->heap);
    if (gait_cas(thread, head, entry, (void *)(rest ? rest : GAITI_HEAD_EMPTY)))
      buckets_uncount(buckets, entry);
  }
}

/* One that is not ready is left alone, with the older chain that has its entries: they count there.
 */
void gaiti_buckets_prune(gait_thread *thread, const gait_weak_table *table,
                         struct gaiti_buckets *buckets, uint64_t hash) {
  void **head = buckets_head(buckets, hash & (buckets->count - 1));
  struct gaiti_entry *entry = head ? buckets_prune_head(thread, table, buckets, head) : NULL, *next;
  while (entry && (next = gait_load(&entry->next)))
    if (gaiti_entry_is_dead(next, table->form)) {
      gaiti_delay(thread->heap);
      gait_store(thread, &entry->next, gait_load(&next->next));
      buckets_uncount(buckets, next);
    } else {
      entry = next;
    }
}

/* ---- Buckets that follow others ---- */

/* One bucket that is being made ready: references, in a frame.
 *   copies   a chain of this thread's alone
 *   entry    that is copied next */
struct buckets_refill {
  struct gaiti_buckets *buckets;
  struct gaiti_buckets *older;
  struct gaiti_entry *copies;
  struct gaiti_entry *entry;
};

/* Freezes a bucket, and has *chain its entries.  False: out of memory. */
static bool buckets_freeze(gait_thread *thread, struct gaiti_buckets *buckets, size_t index,
                           struct gaiti_entry **chain) {
  void **head = buckets_make_head(thread, buckets, index);
  if (!head) return false;
  for (;;) {
    AO_t word = gaiti_head_load(head);
    *chain = gaiti_head_entry(word);
    if (word & GAITI_HEAD_FROZEN) return true;
    AO_t frozen = (word ? word : GAITI_HEAD_EMPTY) | GAITI_HEAD_FROZEN;
    gaiti_delay(thread->heap);
    if (gait_cas(thread, head, (void *)word, (void *)frozen)) return true;
  }
}

static bool buckets_copy_entry(gait_thread *thread, struct buckets_refill *refill) {
  struct gaiti_entry *copy = gaiti_table_alloc(thread, GAITI_KIND_ENTRY, sizeof *copy);
  if (!copy) return false;
  AO_store(&copy->hash, AO_load(&refill->entry->hash) | GAITI_ENTRY_COUNTED);
  gait_store_init(thread, &copy->cell, refill->entry->cell);
  gait_store_init(thread, &copy->key, refill->entry->key);
  gait_store_init(thread, &copy->next, refill->copies);
  refill->copies = copy;
  return true;
}

static bool entry_is_for(const struct gaiti_entry *entry, const struct gaiti_buckets *buckets,
                         size_t index) {
  return (AO_load(&entry->hash) & (buckets->count - 1)) == index;
}

/* Copies the entries of the older bucket `from` that belong to the bucket `index`. */
static bool buckets_copy(gait_thread *thread, const gait_weak_table *table,
                         struct buckets_refill *refill, size_t from, size_t index, size_t *count) {
  if (!buckets_freeze(thread, refill->older, from, &refill->entry)) return false;
  for (; refill->entry; refill->entry = gait_load(&refill->entry->next)) {
    if (!entry_is_for(refill->entry, refill->buckets, index)) continue;
    if (gaiti_entry_is_dead(refill->entry, table->form)) continue;
    if (!buckets_copy_entry(thread, refill)) return false;
    ++*count;
  }
  return true;
}

/* The entries of the older bucket `from` that have been copied, or were dead, count no more. */
static void buckets_retire(struct gaiti_buckets *older, size_t from,
                           const struct gaiti_buckets *buckets, size_t index) {
  struct gaiti_entry *entry = gaiti_head_entry(gaiti_head_load(buckets_head(older, from)));
  for (; entry; entry = gait_load(&entry->next))
    if (entry_is_for(entry, buckets, index)) buckets_uncount(older, entry);
}

/* The last bucket that is ready lets the older ones go. */
static void buckets_publish(gait_thread *thread, const struct buckets_refill *refill, size_t index,
                            void **head, size_t count) {
  struct gaiti_buckets *buckets = refill->buckets;
  void *chain = refill->copies ? (void *)refill->copies : (void *)GAITI_HEAD_EMPTY;
  gaiti_counter_add_some(&buckets->entries, count);
  gaiti_delay(thread->heap);
  if (!gait_cas(thread, head, NULL, chain)) {
    gaiti_counter_sub(&buckets->entries, count);
    return;
  }
  size_t step = buckets->count;
  for (size_t from = index & (refill->older->count - 1); from < refill->older->count; from += step)
    buckets_retire(refill->older, from, buckets, index);
  if (gaiti_counter_add(&buckets->ready, 1) == buckets->count)
    gait_store(thread, &buckets->older, NULL);
}

/* Whether the bucket is ready at the end. */
static bool buckets_refill(gait_thread *thread, const gait_weak_table *table,
                           struct buckets_refill *refill, size_t index) {
  struct gaiti_buckets *older = refill->older;
  size_t count = 0, step = refill->buckets->count;
  for (size_t from = index & (older->count - 1); from < older->count; from += step)
    if (!buckets_copy(thread, table, refill, from, index, &count)) return false;
  buckets_publish(thread, refill, index, buckets_head(refill->buckets, index), count);
  return true;
}

/* The head of a bucket that is ready. */
static void **buckets_make_ready(gait_thread *thread, const gait_weak_table *table,
                                 struct gaiti_buckets *buckets, size_t index) {
  void **head = buckets_make_head(thread, buckets, index);
  struct buckets_refill refill = {buckets, gait_load(&buckets->older), NULL, NULL};
  if (!head || !refill.older || gaiti_head_load(head) != 0) return head;
  gait_frame frame;
  gait_frame_push(thread, &frame, (void **)&refill, sizeof refill / sizeof(void *));
  bool ready = buckets_refill(thread, table, &refill, index);
  gait_frame_pop(thread, &frame);
  return ready ? head : NULL;
}

void **gaiti_buckets_prepare(gait_thread *thread, const gait_weak_table *table,
                             struct gaiti_buckets *buckets, uint64_t hash) {
  return buckets_make_ready(thread, table, buckets, hash & (buckets->count - 1));
}

/* ---- Work for the whole table ---- */

/* The number of buckets that there should be. */
static size_t buckets_wanted(const struct gaiti_buckets *buckets) {
  size_t entries = gaiti_counter_read(&buckets->entries), count = buckets->count;
  if (entries > count && count < BUCKETS_MOST) return count * 2;
  if (entries < count / BUCKETS_SPARSE && count > GAITI_BUCKETS_FIRST) return count / 2;
  return count;
}

/* Has the table use others, where that is due. */
static void buckets_resize(gait_thread *thread, gait_weak_table *table,
                           struct gaiti_buckets *buckets) {
  size_t wanted = buckets_wanted(buckets);
  if (wanted == buckets->count || gait_load(&buckets->older)) return;
  struct gaiti_buckets *follow = gaiti_buckets_create(thread, wanted);
  if (!follow) return;
  gait_store_init(thread, &follow->older, buckets);
  (void)gait_cas(thread, &table->buckets, buckets, follow);
}

static void buckets_sweep(gait_thread *thread, const gait_weak_table *table,
                          struct gaiti_buckets *buckets) {
  for (int i = 0; i < BUCKETS_WORK; i++) {
    size_t index = (gaiti_counter_add(&buckets->cursor, 1) - 1) & (buckets->count - 1);
    if (gait_load(&buckets->older)) buckets_make_ready(thread, table, buckets, index);
    gaiti_buckets_prune(thread, table, buckets, index);
  }
}

void gaiti_buckets_work(gait_thread *thread, gait_weak_table *table) {
  struct gaiti_buckets *buckets = gait_load(&table->buckets);
  gait_frame frame;
  gait_frame_push(thread, &frame, (void **)&buckets, 1);
  buckets_sweep(thread, table, buckets);
  buckets_resize(thread, table, buckets);
  gait_frame_pop(thread, &frame);
}
