/* The phase is a word that any thread reads without a lock; it changes under the threads' lock,
 * with the state in which a thread starts that attaches, and with the handshake that belongs to it.
 *
 * .cycle.effects-first  A thread that runs the cycle looks at the phase without the lock, and goes
 * on in a phase into which another thread has just moved.  So the phase is written after the
 * effects of its begin: a runner that saw SWEEP before the sweep had begun would find nothing left
 * to sweep.
 *
 * .cycle.stalled  A thread that waits for the next phase says so before it looks at the phase, and
 * the one that moves it looks after that whether a thread waits.  So either the one sees the new
 * phase or the other sees it wait.
 *
 * Models: fork, handshake, start, sweep.  Litmus: acted, answered, phase, stalled. */
#include "cycle/protocol.h"

#include "base/probes.h"
#include "cycle/cycle.h"
#include "cycle/events.h"
#include "mark/marking.h"

/*   asked       of every thread, as the phase begins
 *   barrier     from the action on; likewise `black`
 *   marks       threads that allocate may mark
 *   last_moves  the last thread to act moves on, if the one that runs the cycle has not
 *   next, or    phases that may follow; IDLE for none */
struct protocol_row {
  enum gaiti_action asked;
  bool barrier, black, marks, last_moves;
  enum gaiti_phase next, or, or_else;
};

/* clang-format off */
static const struct protocol_row rows[GAITI_PHASES] = {
    /* phase               asked                     barrier black  marks  last   next */
    [GAITI_PHASE_IDLE]  = {GAITI_ACTION_NONE,        false,  false, false, false, GAITI_PHASE_START, GAITI_PHASE_STOP,  GAITI_PHASE_IDLE},
    [GAITI_PHASE_START] = {GAITI_ACTION_BARRIER_ON,  true,   false, false, true,  GAITI_PHASE_FENCE, GAITI_PHASE_IDLE,  GAITI_PHASE_IDLE},
    [GAITI_PHASE_FENCE] = {GAITI_ACTION_FENCE,       true,   false, false, true,  GAITI_PHASE_ROOTS, GAITI_PHASE_OLD,   GAITI_PHASE_IDLE},
    [GAITI_PHASE_OLD]   = {GAITI_ACTION_NONE,        true,   false, false, false, GAITI_PHASE_ROOTS, GAITI_PHASE_IDLE,  GAITI_PHASE_IDLE},
    [GAITI_PHASE_ROOTS] = {GAITI_ACTION_SCAN_ROOTS,  true,   true,  true,  false, GAITI_PHASE_MARK,  GAITI_PHASE_IDLE,  GAITI_PHASE_IDLE},
    [GAITI_PHASE_MARK]  = {GAITI_ACTION_NONE,        true,   true,  true,  false, GAITI_PHASE_FLUSH, GAITI_PHASE_STOP,  GAITI_PHASE_CLOSE},
    [GAITI_PHASE_FLUSH] = {GAITI_ACTION_FLUSH,       true,   true,  true,  false, GAITI_PHASE_DRAIN, GAITI_PHASE_IDLE,  GAITI_PHASE_IDLE},
    [GAITI_PHASE_DRAIN] = {GAITI_ACTION_NONE,        true,   true,  true,  false, GAITI_PHASE_CLOSE, GAITI_PHASE_MARK,  GAITI_PHASE_IDLE},
    [GAITI_PHASE_STOP]  = {GAITI_ACTION_NONE,        true,   true,  true,  false, GAITI_PHASE_CLOSE, GAITI_PHASE_MARK,  GAITI_PHASE_IDLE},
    [GAITI_PHASE_CLOSE] = {GAITI_ACTION_NONE,        true,   true,  false, false, GAITI_PHASE_OFF,   GAITI_PHASE_SWEEP, GAITI_PHASE_IDLE},
    [GAITI_PHASE_OFF]   = {GAITI_ACTION_BARRIER_OFF, false,  false, false, true,  GAITI_PHASE_SWEEP, GAITI_PHASE_IDLE,  GAITI_PHASE_IDLE},
    [GAITI_PHASE_SWEEP] = {GAITI_ACTION_NONE,        false,  false, false, false, GAITI_PHASE_IDLE,  GAITI_PHASE_IDLE,  GAITI_PHASE_IDLE},
};
/* clang-format on */

enum gaiti_phase gaiti_phase(const gait_heap *heap) {
  return (enum gaiti_phase)AO_load_acquire(&heap->cycle->protocol.phase);
}

bool gaiti_phase_marks(enum gaiti_phase phase) {
  return rows[phase].marks;
}

/* Whether stores are remembered from the action of a phase on.  From the first handshake of a cycle
 * on if the next may be young, and not from the last one: .young.from-the-start. */
static uint32_t protocol_remembers(const gait_heap *heap, const struct protocol_row *row) {
  bool late = MUTANT(MUTANT_REMEMBERED_FROM_THE_END) && row->barrier;
  return heap->generation.remembers && !late ? GAIT_REMEMBER : 0;
}

/* The state in which a thread starts that attaches from now on, and which the action gives to the
 * others. */
static void protocol_set_state_locked(gait_heap *heap, const struct protocol_row *row) {
  struct gaiti_handshake *handshake = &heap->threads->handshake;
  handshake->marking =
      (row->barrier ? GAIT_SHADE_OLD | GAIT_SHADE_NEW : gaiti_heap_marks_always(heap)) |
      protocol_remembers(heap, row);
  handshake->black_epoch = row->black ? AO_load(&heap->epoch) : 0;
}

/* Markers may join as soon as threads are asked to scan their stacks, and the sweep begins when
 * every barrier is off (.cycle.effects-first). */
static void protocol_enter_locked(gait_heap *heap, enum gaiti_phase to) {
  struct gaiti_protocol *protocol = &heap->cycle->protocol;
  gaiti_delay(heap);
  if (protocol->entered_ns[to] == 0) protocol->entered_ns[to] = gaiti_os_now_ns();
  if (to == GAITI_PHASE_ROOTS) gaiti_marking_open(heap);
  if (to == GAITI_PHASE_SWEEP) gaiti_sweep_begin(heap);
  PROBE3(phase, heap, to, gaiti_phase(heap));
  AO_store_full(&protocol->phase, to);
  gaiti_event_stage_locked(heap, &(struct gaiti_event){
                                     .type = GAIT_EVENT_PHASE,
                                     .value = {to, AO_load(&heap->cycle->file.cycle)},
                                 });
  if (rows[to].asked == GAITI_ACTION_NONE) return;
  protocol_set_state_locked(heap, &rows[to]);
  gaiti_handshake_ask_locked(heap, rows[to].asked);
}

/* The phase that follows when all threads have acted. */
static enum gaiti_phase protocol_next(const gait_heap *heap, enum gaiti_phase phase) {
  if (MUTANT(MUTANT_ROOTS_BEFORE_BARRIERS) && phase == GAITI_PHASE_START) return GAITI_PHASE_ROOTS;
  return phase == GAITI_PHASE_FENCE && heap->generation.young ? rows[phase].or : rows[phase].next;
}

enum gaiti_action gaiti_protocol_move_on_locked(gait_heap *heap, bool may_ask) {
  enum gaiti_phase phase = gaiti_phase(heap);
  if (!rows[phase].last_moves || gaiti_handshake_is_pending(heap)) return GAITI_ACTION_NONE;
  if (MUTANT(MUTANT_SWEEP_BEFORE_BARRIERS_OFF) && phase == GAITI_PHASE_OFF)
    return GAITI_ACTION_NONE;
  enum gaiti_phase next = protocol_next(heap, phase);
  if (rows[next].asked != GAITI_ACTION_NONE && !may_ask) return GAITI_ACTION_NONE;
  gaiti_handshake_measure_locked(heap);
  protocol_enter_locked(heap, next);
  return rows[next].asked;
}

void gaiti_protocol_begin(gait_heap *heap) {
  struct gaiti_protocol *protocol = &heap->cycle->protocol;
  for (int phase = 0; phase < GAITI_PHASES; phase++)
    protocol->entered_ns[phase] = 0;
}

static bool protocol_may_follow(enum gaiti_phase from, enum gaiti_phase to) {
  const struct protocol_row *row = &rows[from];
  return to == row->next || (to != GAITI_PHASE_IDLE && (to == row->or || to == row->or_else));
}

void gaiti_protocol_move(gait_heap *heap, enum gaiti_phase to) {
  gaiti_delay(heap);
  gaiti_lock(&heap->threads->lock);
  CHECK("protocol.follows", protocol_may_follow(gaiti_phase(heap), to),
        "a phase of a cycle follows on one on which it may not");
  protocol_enter_locked(heap, to);
  gaiti_unlock(&heap->threads->lock);
  gaiti_protocol_wake(heap);
  gaiti_events_flush(heap);
  gaiti_delay(heap);
}

void gaiti_protocol_wake(gait_heap *heap) {
  struct gaiti_requests *requests = &heap->cycle->requests;
  if (!AO_load(&requests->stalled)) return;
  gaiti_lock(&requests->lock);
  gaiti_wake(&requests->advanced);
  gaiti_unlock(&requests->lock);
}

void gaiti_protocol_drop(gait_heap *heap) {
  PROBE3(phase, heap, GAITI_PHASE_IDLE, gaiti_phase(heap));
  AO_store_full(&heap->cycle->protocol.phase, GAITI_PHASE_IDLE);
}
