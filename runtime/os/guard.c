/* The handlers.  SIGSEGV opens the page, and sets the processor's trap flag, so that SIGTRAP comes
 * after one instruction; that guards the page again.  Where the two words around the address differ
 * then, the store is written down: the ring has the last GUARD_STORES of them.  All that they touch
 * is the thread's own, or atomic, or the byte of a page, which two threads may open at a time: then
 * a store of one may go unseen while the other's has its way.
 *
 * A fault that is not ours goes to the handler that the program had installed before.  Only on
 * x86-64 is there a trap flag; the sanitizers have handlers of their own. */
#define _GNU_SOURCE
#include "os/guard.h"

#include "base/asan.h"
#include "os/os.h"

#if defined(__x86_64__) && !GAITI_ASAN && !defined(__SANITIZE_THREAD__) &&                         \
    !GAITI_HAS_FEATURE(thread_sanitizer)
#define GUARD_SUPPORTED 1
#else
#define GUARD_SUPPORTED 0
#endif

#if GUARD_SUPPORTED

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/atomic.h"

#define GUARD_HEAPS     16
#define GUARD_STORES    ((AO_t)4096)
#define GUARD_WORDS     8 /* that one instruction may store */
#define GUARD_PAGES     2 /* and the pages */
#define GUARD_TRAP_FLAG 0x100

/* A page that was guarded at any time has one of the last three for good: a fault there is ours, be
 * it that another thread has opened the page since.
 *   GUARD_STEPS  open for a store that has its way
 *   GUARD_OPEN   open until it is guarded anew */
enum guard_state { GUARD_NEVER, GUARD_CLOSED, GUARD_STEPS, GUARD_OPEN };

/*   taken    the place has a heap, or a thread that adds or removes one
 *   start    0 while it has none
 *   guarded  a byte for each page: a guard_state */
struct guard_heap {
  AO_t taken;
  AO_t start;
  size_t bytes;
  unsigned char *guarded;
};

/*   changed  which of the words from `start` on */
struct guard_store {
  uintptr_t start;
  unsigned changed;
  struct gaiti_site site;
};

/* A store that has its way now. */
struct guard_step {
  uintptr_t start;
  int words;
  uintptr_t before[GUARD_WORDS];
};

static struct guard_heap guard_heaps[GUARD_HEAPS];
static struct guard_store *guard_stores;
static AO_t guard_count; /* of stores noted so far */
static struct sigaction guard_fault_before, guard_trap_before;

#define GUARD_OWN static _Thread_local __attribute__((tls_model("initial-exec")))
GUARD_OWN unsigned guard_suspended;
GUARD_OWN int guard_steps; /* 0: no store has its way */
GUARD_OWN int guard_traps; /* that will come */
GUARD_OWN struct guard_step guard_step[GUARD_PAGES];
GUARD_OWN struct gaiti_site guard_site;

/* ---- Pages ---- */

static struct guard_heap *guard_heap_of(uintptr_t address) {
  for (int i = 0; i < GUARD_HEAPS; i++) {
    uintptr_t start = AO_load_acquire(&guard_heaps[i].start);
    if (start && address - start < guard_heaps[i].bytes) return &guard_heaps[i];
  }
  return NULL;
}

static unsigned char *guard_byte(const struct guard_heap *heap, uintptr_t page) {
  return &heap->guarded[(page - heap->start) / gaiti_os_page_bytes()];
}

static uintptr_t guard_page(uintptr_t address) {
  return address & ~(gaiti_os_page_bytes() - 1);
}

/* Whether the page could be given that protection: the kernel may have no room for one mapping
 * more, where its neighbours have another. */
static bool guard_set(struct guard_heap *heap, uintptr_t page, enum guard_state state) {
  int protection = state == GUARD_CLOSED ? PROT_READ : PROT_READ | PROT_WRITE;
  AO_char_store(guard_byte(heap, page), (unsigned char)state);
  return mprotect((void *)page, gaiti_os_page_bytes(), protection) == 0;
}

static bool guard_is_closed(const struct guard_heap *heap, uintptr_t page) {
  return page - heap->start < heap->bytes && AO_char_load(guard_byte(heap, page)) == GUARD_CLOSED;
}

/* Where there is no room for a mapping more, that which the page is in is opened as a whole. */
static void guard_open_page(struct guard_heap *heap, uintptr_t page, enum guard_state state) {
  uintptr_t bytes = gaiti_os_page_bytes(), first = page, end = page + bytes;
  if (guard_set(heap, page, state)) return;
  for (; guard_is_closed(heap, first - bytes); first -= bytes)
    AO_char_store(guard_byte(heap, first - bytes), GUARD_OPEN);
  for (; guard_is_closed(heap, end); end += bytes)
    AO_char_store(guard_byte(heap, end), GUARD_OPEN);
  mprotect((void *)first, end - first, PROT_READ | PROT_WRITE);
}

static void guard_close_page(struct guard_heap *heap, uintptr_t page) {
  if (!guard_set(heap, page, GUARD_CLOSED)) AO_char_store(guard_byte(heap, page), GUARD_OPEN);
}

void gaiti_guard_close(uintptr_t start, uintptr_t end) {
  int before = errno;
  struct guard_heap *heap = guard_heap_of(start);
  for (uintptr_t page = guard_page(start); heap && page < end; page += gaiti_os_page_bytes())
    if (!guard_is_closed(heap, page)) guard_close_page(heap, page);
  errno = before;
}

void gaiti_guard_open(uintptr_t start, uintptr_t end) {
  int before = errno;
  struct guard_heap *heap = guard_heap_of(start);
  for (uintptr_t page = guard_page(start); heap && page < end; page += gaiti_os_page_bytes()) {
    unsigned char state = AO_char_load(guard_byte(heap, page));
    if (state == GUARD_CLOSED || state == GUARD_STEPS) guard_open_page(heap, page, GUARD_OPEN);
  }
  errno = before;
}

void gaiti_guard_suspend(void) {
  guard_suspended++;
}

void gaiti_guard_resume(void) {
  guard_suspended--;
}

/* ---- The handlers ---- */

static void guard_pass_on(const struct sigaction *before, int signal, siginfo_t *info,
                          void *context) {
  if (before->sa_flags & SA_SIGINFO)
    before->sa_sigaction(signal, info, context);
  else if (before->sa_handler == SIG_DFL)
    sigaction(signal, before, NULL); /* the instruction is tried again, and is the end */
  else if (before->sa_handler != SIG_IGN)
    before->sa_handler(signal);
}

/* The words that the instruction may store from there on, as far as the page goes. */
static void guard_begin_step(struct guard_step *step, uintptr_t address) {
  step->start = address & ~(sizeof(uintptr_t) - 1);
  size_t left = (guard_page(address) + gaiti_os_page_bytes() - step->start) / sizeof(uintptr_t);
  step->words = left < GUARD_WORDS ? (int)left : GUARD_WORDS;
  memcpy(step->before, (const void *)step->start, (size_t)step->words * sizeof(uintptr_t));
}

/* The instruction's own frame is behind those of the handler. */
static void guard_note_site(uintptr_t place) {
  gaiti_site_take(&guard_site, (const void *)place);
  guard_site.frames[0]++; /* as if it were the address to which a call returns */
}

/* A signal's handler that stores as well, before the instruction that was interrupted has had its
 * way, ends the steps of both: the trap of the other is still to come. */
static void guard_ask_trap(greg_t *flags) {
  guard_traps += (*flags & GUARD_TRAP_FLAG) == 0;
  *flags |= GUARD_TRAP_FLAG;
}

static void guard_fault(int signal, siginfo_t *info, void *context) {
  uintptr_t address = (uintptr_t)info->si_addr, page = guard_page(address);
  ucontext_t *at = context;
  struct guard_heap *heap = guard_heap_of(address);
  unsigned char state = heap ? AO_char_load(guard_byte(heap, page)) : GUARD_NEVER;
  if (info->si_code != SEGV_ACCERR || state == GUARD_NEVER) {
    guard_pass_on(&guard_fault_before, signal, info, context);
    return;
  }
  int before = errno;
  bool watched = guard_suspended == 0 && state != GUARD_OPEN;
  if (watched && guard_steps < GUARD_PAGES) {
    if (guard_steps == 0) guard_note_site((uintptr_t)at->uc_mcontext.gregs[REG_RIP]);
    guard_begin_step(&guard_step[guard_steps++], address);
    guard_ask_trap(&at->uc_mcontext.gregs[REG_EFL]);
  }
  guard_open_page(heap, page, watched ? GUARD_STEPS : GUARD_OPEN);
  errno = before;
}

/* Guards the page again, unless it was opened for good meanwhile. */
static void guard_end_page(uintptr_t address) {
  int before = errno;
  struct guard_heap *heap = guard_heap_of(address);
  uintptr_t page = guard_page(address);
  if (heap && AO_char_load(guard_byte(heap, page)) == GUARD_STEPS) guard_close_page(heap, page);
  errno = before;
}

static void guard_end_step(const struct guard_step *step) {
  unsigned changed = 0;
  for (int i = 0; i < step->words; i++)
    if (((const uintptr_t *)step->start)[i] != step->before[i]) changed |= 1u << i;
  guard_end_page(step->start);
  if (!changed) return;
  struct guard_store *store = &guard_stores[AO_fetch_and_add1(&guard_count) % GUARD_STORES];
  store->start = step->start;
  store->changed = changed;
  store->site = guard_site;
}

static void guard_trap(int signal, siginfo_t *info, void *context) {
  ucontext_t *at = context;
  if (guard_traps == 0) {
    guard_pass_on(&guard_trap_before, signal, info, context);
    return;
  }
  guard_traps--;
  at->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)GUARD_TRAP_FLAG;
  while (guard_steps > 0)
    guard_end_step(&guard_step[--guard_steps]);
}

static bool guard_installed;

static void guard_install(void) {
  struct sigaction fault = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER},
                   trap = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  struct gaiti_site site;
  fault.sa_sigaction = guard_fault;
  trap.sa_sigaction = guard_trap;
  gaiti_site_take(&site, NULL); /* a handler must not be the first to walk a stack */
  guard_stores = gaiti_os_alloc(GUARD_STORES * sizeof *guard_stores);
  guard_installed = guard_stores && sigaction(SIGSEGV, &fault, &guard_fault_before) == 0 &&
                    sigaction(SIGTRAP, &trap, &guard_trap_before) == 0;
}

/* ---- Heaps ---- */

static pthread_once_t guard_once = PTHREAD_ONCE_INIT;
/* A page map for so many pages. */
static unsigned char *guard_map(size_t pages) {
  void *guarded =
      mmap(NULL, pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return guarded == MAP_FAILED ? NULL : guarded;
}

/* Without a lock, which another thread might have at a fork: the child has a place less then. */
static struct guard_heap *guard_take_place(void) {
  for (int i = 0; i < GUARD_HEAPS; i++)
    if (AO_compare_and_swap_full(&guard_heaps[i].taken, 0, 1)) return &guard_heaps[i];
  return NULL;
}

bool gaiti_guard_add(uintptr_t start, size_t bytes) {
  pthread_once(&guard_once, guard_install);
  struct guard_heap *heap = guard_installed ? guard_take_place() : NULL;
  if (!heap) return false;
  heap->bytes = bytes;
  heap->guarded = guard_map(bytes / gaiti_os_page_bytes());
  if (heap->guarded)
    AO_store_release(&heap->start, start);
  else
    AO_store_release(&heap->taken, 0);
  return heap->guarded != NULL;
}

void gaiti_guard_remove(uintptr_t start) {
  struct guard_heap *heap = guard_heap_of(start);
  if (!heap) return;
  AO_store_full(&heap->start, 0);
  munmap(heap->guarded, heap->bytes / gaiti_os_page_bytes());
  AO_store_release(&heap->taken, 0);
}

bool gaiti_guard_find(uintptr_t slot, struct gaiti_site *site) {
  AO_t count = guard_stores ? AO_load(&guard_count) : 0;
  for (AO_t i = count; i > 0 && i + GUARD_STORES > count; i--) {
    const struct guard_store *store = &guard_stores[(i - 1) % GUARD_STORES];
    uintptr_t place = (slot - store->start) / sizeof(uintptr_t);
    if (place >= GUARD_WORDS || !(store->changed >> place & 1)) continue;
    *site = store->site;
    return true;
  }
  return false;
}

#else

bool gaiti_guard_add(uintptr_t start, size_t bytes) {
  (void)start, (void)bytes;
  return false;
}
void gaiti_guard_remove(uintptr_t start) {
  (void)start;
}
void gaiti_guard_close(uintptr_t start, uintptr_t end) {
  (void)start, (void)end;
}
void gaiti_guard_open(uintptr_t start, uintptr_t end) {
  (void)start, (void)end;
}
void gaiti_guard_suspend(void) {}
void gaiti_guard_resume(void) {}
bool gaiti_guard_find(uintptr_t slot, struct gaiti_site *site) {
  (void)slot, (void)site;
  return false;
}

#endif
