/* Heaps that share a budget (pacer/shares.h has the rule).
 *
 * A member publishes its numbers when a cycle of its has been swept, from the record of that cycle:
 * the record's numbers are of one moment, where the heap's counters move.  Then the budget is
 * split, and each member whose share has changed decides anew when to collect, as it does for a new
 * memory limit.  Where a share has fallen, the member's own collector looks as well: a program that
 * allocates nothing would not come to its new trigger.
 *
 * .members.heartbeat  No timer splits.  Room is wanted by a member that allocates, and such a
 * member comes to the end of a cycle; there it finds those that do not allocate any more, since the
 * rate of each is counted up to that moment (gaiti_shares_rate).  While none has a cycle, none
 * wants room, and the shares that they have sum up to the budget at most.  So the thread that runs
 * a cycle is enough, and a program whose heaps are all idle is woken by nothing.
 *
 * .members.calm  A member that is past its trigger and cannot help it, since its live objects leave
 * no room, would begin a cycle at each look, and by the end of that cycle have the next one look.
 * So a member looks only where its share has fallen by a sixty-fourth since it last did, and shares
 * have a floor: with steady numbers this ends.  Numbers that jitter cost a cycle at most for one of
 * another member's, and the CPU cap of each heap holds.
 *
 * .members.lock  One lock for all budgets: they are split rarely, a fork takes it once, and an
 * address that is no budget is known as such.  It ranks before the locks of heaps, since a look
 * takes those of the other members; they stay on the list, and so exist, while it is held.  No
 * thread waits for anything but a lock while it has this one, and no callback is called.
 *
 * .members.fork  A heap joins after it is on the list of those that a fork walks, and leaves before
 * it is taken off: a member that a child finds in its copy of the budget is a heap of that child's,
 * whole like all others.  Budget and members are there as they were; parent and child have each the
 * whole of it, as with any limit of a heap. */
#include "cycle/members.h"

#include "base/sized.h"
#include "cycle/collector.h"
#include "cycle/cycle.h"

/*   next    of all budgets
 *   shares  room for the numbers of `most` members
 *   splits  so far */
struct gait_budget {
  gait_budget *next;
  int64_t bytes;
  struct gaiti_member *members;
  int count;
  int most;
  struct gaiti_share *shares;
  uint64_t splits;
};

static struct gaiti_lock members_lock = {PTHREAD_MUTEX_INITIALIZER, GAITI_RANK_BUDGETS};
static gait_budget *budgets;

/* A member without a cycle of its own counts as one without numbers for so many cycles of others.
 * */
#define MEMBERS_MOST_WAITED 4

/* ---- The split; the lock is held ---- */

/* How fast members mark in the mean; 1 GB/s where none has. */
static double budget_mark_speed(const gait_budget *budget) {
  double sum = 0;
  int marked = 0;
  for (const struct gaiti_member *member = budget->members; member; member = member->next) {
    sum += member->mark_bytes_per_second;
    marked += member->mark_bytes_per_second > 0;
  }
  return marked > 0 ? sum / marked : 1e9;
}

/* The numbers of a member at this moment.  One that has had no cycle for long does not get to its
 * trigger: all that it has allocated may be alive. */
static struct gaiti_share member_measure(struct gaiti_member *member, uint64_t now_ns,
                                         double mark_speed) {
  struct gaiti_share share = member->measured;
  uint64_t heap_bytes = gaiti_heap_live(member->heap);
  double bytes = heap_bytes > member->heap_bytes ? (double)(heap_bytes - member->heap_bytes) : 0;
  double seconds = now_ns > member->ended_ns ? (double)(now_ns - member->ended_ns) / 1e9 : 0;
  if (share.cycle_cpu >= 0) {
    share.alloc_rate = gaiti_shares_rate(share.alloc_rate, member->period, bytes, seconds);
  } else if (member->waited >= MEMBERS_MOST_WAITED && seconds > 0) {
    share.alloc_rate = bytes / seconds;
    share.cycle_cpu = (double)heap_bytes / mark_speed;
  }
  member->rate = share.alloc_rate;
  return share;
}

/* Whether the collector of the member has to look at its new share (.members.calm). */
static bool member_has_to_look(struct gaiti_member *member, int64_t bytes) {
  int64_t before = member->reviewed_bytes;
  if (bytes > before - before / 64 && bytes < before) return false;
  member->reviewed_bytes = bytes;
  return bytes < before;
}

static void member_set_share(struct gaiti_member *member, const struct gaiti_share *share,
                             const struct gaiti_member *own) {
  AO_t before = gaiti_member_share(member);
  member->measured.extra_bytes = share->extra_bytes;
  AO_store(&member->share, (AO_t)share->limit_bytes);
  bool looks = member_has_to_look(member, share->limit_bytes);
  if ((AO_t)share->limit_bytes == before) return;
  gaiti_pace_review(member->heap);
  if (looks && member != own) gaiti_collector_review(member->heap);
}

/* Sets the shares that fall, or those that do not. */
static void budget_set_shares(gait_budget *budget, bool falling, const struct gaiti_member *own) {
  const struct gaiti_share *share = budget->shares;
  for (struct gaiti_member *member = budget->members; member; member = member->next, share++)
    if (((AO_t)share->limit_bytes < gaiti_member_share(member)) == falling)
      member_set_share(member, share, own);
}

/* Splits the budget anew.  The member `own` has just been collected, and has no need to look; NULL:
 * none has. */
static void budget_split_locked(gait_budget *budget, const struct gaiti_member *own) {
  uint64_t now_ns = gaiti_os_now_ns();
  double mark_speed = budget_mark_speed(budget);
  int count = 0;
  for (struct gaiti_member *member = budget->members; member; member = member->next) {
    if (own) member->waited++;
    budget->shares[count++] = member_measure(member, now_ns, mark_speed);
  }
  gaiti_shares_split(budget->bytes, budget->shares, count);
  budget->splits++;
  budget_set_shares(budget, true, own);
  budget_set_shares(budget, false, own);
}

/* ---- Budgets ---- */

gait_result gaiti_budget_create(int64_t bytes, gait_budget **out) {
  gait_budget *budget = gaiti_os_alloc(sizeof *budget);
  if (!budget) return GAIT_ERROR_MEMORY;
  budget->bytes = bytes;
  gaiti_lock(&members_lock);
  budget->next = budgets;
  budgets = budget;
  gaiti_unlock(&members_lock);
  *out = budget;
  return GAIT_OK;
}

/* The place in the list of all budgets that refers to it; to NULL where there is no such budget. */
static gait_budget **budget_place_locked(const gait_budget *budget) {
  gait_budget **place = &budgets;
  while (*place && *place != budget)
    place = &(*place)->next;
  return place;
}

static gait_result budget_remove_locked(gait_budget *budget) {
  gait_budget **place = budget_place_locked(budget);
  if (!*place) return GAIT_ERROR_NOT_FOUND;
  if (budget->members) return GAIT_ERROR_BUSY;
  *place = budget->next;
  return GAIT_OK;
}

gait_result gaiti_budget_destroy(gait_budget *budget) {
  gaiti_lock(&members_lock);
  gait_result result = budget_remove_locked(budget);
  gaiti_unlock(&members_lock);
  if (result != GAIT_OK) return result;
  gaiti_os_free(budget->shares);
  gaiti_os_free(budget);
  return GAIT_OK;
}

gait_result gaiti_budget_set_bytes(gait_budget *budget, int64_t bytes, int64_t *before) {
  gaiti_lock(&members_lock);
  bool exists = *budget_place_locked(budget) != NULL;
  int64_t old = exists ? budget->bytes : 0;
  if (exists) {
    budget->bytes = bytes;
    budget_split_locked(budget, NULL);
  }
  gaiti_unlock(&members_lock);
  if (!exists) return GAIT_ERROR_NOT_FOUND;
  if (before) *before = old;
  return GAIT_OK;
}

static gait_budget_member member_copy(const struct gaiti_member *member) {
  return (gait_budget_member){
      .heap = member->heap,
      .live_bytes = member->live_bytes,
      .used_bytes = member->measured.used_bytes,
      .share_bytes = (int64_t)gaiti_member_share(member),
      .alloc_bytes_per_second = member->rate,
      .mark_bytes_per_second = member->mark_bytes_per_second,
  };
}

static size_t budget_read_locked(const gait_budget *budget, gait_budget_stats *stats, char *copies,
                                 size_t count, size_t member_bytes) {
  size_t copied = 0;
  *stats = (gait_budget_stats){.bytes = budget->bytes, .splits = budget->splits};
  for (const struct gaiti_member *member = budget->members; member; member = member->next) {
    const gait_budget_member copy = member_copy(member);
    stats->members++;
    stats->used_bytes += copy.used_bytes;
    stats->share_bytes += copy.share_bytes;
    if (copied == count) continue;
    gaiti_sized_copy(copies + copied++ * member_bytes, member_bytes, &copy, sizeof copy);
  }
  return copied;
}

size_t gaiti_budget_read(gait_budget *budget, gait_budget_stats *stats, void *members, size_t count,
                         size_t member_bytes) {
  size_t copied = GAITI_NO_BUDGET;
  gaiti_lock(&members_lock);
  if (*budget_place_locked(budget))
    copied = budget_read_locked(budget, stats, members, count, member_bytes);
  gaiti_unlock(&members_lock);
  return copied;
}

/* ---- Members ---- */

void gaiti_member_init(gait_heap *heap) {
  struct gaiti_member *member = &heap->cycle->member;
  member->heap = heap;
  AO_store(&member->share, GAITI_NO_LIMIT);
  AO_store(&member->logged, GAITI_NO_LIMIT);
}

/* Makes room for the numbers of one member more. */
static bool budget_reserve_locked(gait_budget *budget) {
  if (budget->count < budget->most) return true;
  int most = budget->most > 0 ? 2 * budget->most : 8;
  struct gaiti_share *shares = gaiti_os_alloc((size_t)most * sizeof *shares);
  if (!shares) return false;
  gaiti_os_free(budget->shares);
  budget->shares = shares;
  budget->most = most;
  return true;
}

static gait_result members_join_locked(struct gaiti_member *member, gait_budget *budget) {
  if (!*budget_place_locked(budget)) return GAIT_ERROR_ARGUMENT;
  if (!budget_reserve_locked(budget)) return GAIT_ERROR_MEMORY;
  member->budget = budget;
  member->next = budget->members;
  budget->members = member;
  budget->count++;
  member->ended_ns = gaiti_os_now_ns();
  budget_split_locked(budget, NULL);
  return GAIT_OK;
}

gait_result gaiti_members_join(gait_heap *heap) {
  struct gaiti_member *member = &heap->cycle->member;
  if (!heap->options.budget) return GAIT_OK;
  member->measured = (struct gaiti_share){
      .used_bytes = gaiti_shares_with_headroom((int64_t)gaiti_pace_used(heap)), .cycle_cpu = -1};
  gaiti_lock(&members_lock);
  gait_result result = members_join_locked(member, heap->options.budget);
  gaiti_unlock(&members_lock);
  return result;
}

static void members_leave_locked(struct gaiti_member *member, gait_budget *budget) {
  struct gaiti_member **place = &budget->members;
  while (*place != member)
    place = &(*place)->next;
  *place = member->next;
  budget->count--;
  member->budget = NULL;
  budget_split_locked(budget, NULL);
}

void gaiti_members_leave(gait_heap *heap) {
  struct gaiti_member *member = &heap->cycle->member;
  if (!heap->options.budget) return;
  gaiti_lock(&members_lock);
  if (member->budget) members_leave_locked(member, member->budget);
  gaiti_unlock(&members_lock);
}

/* The numbers of a cycle.  Its cost is all CPU time that it took from anyone. */
static void member_take_cycle(struct gaiti_member *member, const gait_cycle_record *record,
                              int64_t used_bytes) {
  uint64_t now_ns = gaiti_os_now_ns();
  double cpu = (double)(record->assist_ns + record->background_ns + record->idle_ns +
                        record->stopped_cpu_ns) /
               1e9;
  member->period = (double)(now_ns - member->ended_ns) / 1e9;
  member->ended_ns = now_ns;
  member->heap_bytes = gaiti_heap_live(member->heap);
  member->live_bytes = (int64_t)record->marked_bytes;
  member->mark_bytes_per_second = cpu > 0 ? (double)record->marked_bytes / cpu : 0;
  member->measured.used_bytes = used_bytes;
  member->measured.alloc_rate = record->alloc_bytes_per_second;
  member->measured.cycle_cpu = cpu;
}

void gaiti_members_note_cycle(gait_heap *heap) {
  struct gaiti_member *member = &heap->cycle->member;
  if (!heap->options.budget) return;
  int64_t used = gaiti_shares_with_headroom((int64_t)gaiti_pace_used(heap));
  gaiti_lock(&members_lock);
  if (member->budget) {
    member_take_cycle(member, &heap->cycle->runner.record, used);
    budget_split_locked(member->budget, member);
  }
  gaiti_unlock(&members_lock);
}

/* An eighth more or less is a line of the log. */
void gaiti_members_report(gait_heap *heap) {
  struct gaiti_member *member = &heap->cycle->member;
  if (!heap->options.budget || !heap->options.trace) return;
  const unsigned long long mb = 1 << 20;
  AO_t before = AO_load(&member->logged), now = gaiti_member_share(member);
  AO_t change = now > before ? now - before : before - now;
  if (change <= before / 8) return;
  AO_store(&member->logged, now);
  gaiti_handshake_stand_still(heap, true);
  if (before == GAITI_NO_LIMIT)
    gaiti_log(heap, "gait: budget: share %llu MB", now / mb);
  else
    gaiti_log(heap, "gait: budget: share %llu MB -> %llu MB", before / mb, now / mb);
  gaiti_handshake_stand_still(heap, false);
}

/* ---- Across a fork ----
 *
 * Straight on the mutex, as the locks of heaps. */

void gaiti_members_lock(void) {
  pthread_mutex_lock(&members_lock.mutex);
}

void gaiti_members_unlock(void) {
  pthread_mutex_unlock(&members_lock.mutex);
}
