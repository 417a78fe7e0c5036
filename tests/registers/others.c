#include "others.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

void others_fail(const char *sentence) {
  fprintf(stderr, "registers: %s\n", sentence);
  exit(EXIT_FAILURE);
}

static gait_thread *others_attach(gait_heap *heap, const char *name) {
  gait_thread *thread = NULL;
  if (gait_thread_attach(heap, name, GAIT_STACK_EXACT, &thread) != GAIT_OK)
    others_fail("another thread was not attached");
  return thread;
}

static void others_start_thread(pthread_t *thread, void *(*function)(void *), void *arg) {
  if (pthread_create(thread, NULL, function, arg) != 0) others_fail("there is no other thread");
}

/* ---- The thread that collects ---- */

static bool others_is_asked(struct others *others) {
  pthread_mutex_lock(&others->lock);
  while (!others->asked && !others->stopping)
    pthread_cond_wait(&others->changed, &others->lock);
  const bool asked = others->asked;
  others->asked = false;
  pthread_mutex_unlock(&others->lock);
  return asked;
}

static void others_tell_done(struct others *others) {
  pthread_mutex_lock(&others->lock);
  __atomic_store_n(&others->done, 1, __ATOMIC_RELEASE);
  pthread_cond_broadcast(&others->changed);
  pthread_mutex_unlock(&others->lock);
}

static void *others_main(void *arg) {
  struct others *others = arg;
  gait_thread *thread = others_attach(others->heap, "collects");
  gait_thread_leave(thread);
  while (others_is_asked(others)) {
    gait_thread_enter(thread);
    if (gait_heap_collect(thread) != GAIT_OK) others_fail("a collection was refused");
    gait_thread_leave(thread);
    others_tell_done(others);
  }
  gait_thread_detach(thread);
  return NULL;
}

void others_start(struct others *others, gait_heap *heap) {
  *others = (struct others){.heap = heap, .done = 1};
  pthread_mutex_init(&others->lock, NULL);
  pthread_cond_init(&others->changed, NULL);
  others_start_thread(&others->collector, others_main, others);
}

void others_stop(struct others *others) {
  pthread_mutex_lock(&others->lock);
  others->stopping = true;
  pthread_cond_broadcast(&others->changed);
  pthread_mutex_unlock(&others->lock);
  pthread_join(others->collector, NULL);
  pthread_mutex_destroy(&others->lock);
  pthread_cond_destroy(&others->changed);
}

void others_ask(struct others *others) {
  pthread_mutex_lock(&others->lock);
  __atomic_store_n(&others->done, 0, __ATOMIC_RELAXED);
  others->asked = true;
  pthread_cond_broadcast(&others->changed);
  pthread_mutex_unlock(&others->lock);
}

void others_await(struct others *others) {
  pthread_mutex_lock(&others->lock);
  while (!__atomic_load_n(&others->done, __ATOMIC_ACQUIRE))
    pthread_cond_wait(&others->changed, &others->lock);
  pthread_mutex_unlock(&others->lock);
}

void others_collect(struct others *others) {
  others_ask(others);
  others_await(others);
}

static bool others_wants(gait_thread *thread) {
  return __atomic_load_n(gait_fast_of(thread)->poll, __ATOMIC_RELAXED) != 0;
}

void others_begin(struct others *others, gait_thread *thread) {
  others_ask(others);
  while (!others_wants(thread))
    sched_yield();
}

void others_forget(struct others *others) {
  __atomic_store_n(&others->done, 1, __ATOMIC_RELAXED);
}

/* ---- The thread on another heap ---- */

static void others_tell_ready(struct others_second *second) {
  __atomic_store_n(&second->ready, 1, __ATOMIC_RELEASE);
}

static void others_await_ready(struct others_second *second) {
  while (!__atomic_load_n(&second->ready, __ATOMIC_ACQUIRE))
    sched_yield();
}

static void *others_delay_main(void *arg) {
  struct others_second *second = arg;
  gait_thread *thread = others_attach(second->heap, "delays");
  others_tell_ready(second);
  while (!others_wants(thread) && !__atomic_load_n(&second->ending, __ATOMIC_ACQUIRE))
    sched_yield();
  others_collect(second->others);
  while (!__atomic_load_n(&second->ending, __ATOMIC_ACQUIRE)) {
    gait_thread_poll(thread);
    sched_yield();
  }
  gait_thread_detach(thread);
  return NULL;
}

void others_delay_cycle(struct others_second *second, struct others *others, gait_heap *heap) {
  *second = (struct others_second){.others = others, .heap = heap};
  others_start_thread(&second->thread, others_delay_main, second);
  others_await_ready(second);
}

/* The first time that roots are traced, all threads are held, for the heap is barrier-less. */
static void others_hold(gait_tracer *tracer, void *arg) {
  struct others_second *second = arg;
  (void)tracer;
  if (__atomic_load_n(&second->ready, __ATOMIC_RELAXED)) return;
  others_ask(second->others);
  others_tell_ready(second);
  others_await(second->others);
}

static void *others_hold_main(void *arg) {
  struct others_second *second = arg;
  gait_thread *thread = others_attach(second->heap, "holds");
  if (gait_heap_collect(thread) != GAIT_OK)
    others_fail("a collection of a second heap was refused");
  gait_thread_detach(thread);
  return NULL;
}

void others_hold_threads(struct others_second *second, struct others *others, gait_heap *heap) {
  *second = (struct others_second){.others = others, .heap = heap};
  if (gait_roots_add_callback(heap, others_hold, second, GAIT_ROOTS_UNBARRIERED) != GAIT_OK)
    others_fail("a callback was not added");
}

void others_await_hold(struct others_second *second) {
  others_start_thread(&second->thread, others_hold_main, second);
  others_await_ready(second);
}

void others_end(struct others_second *second) {
  __atomic_store_n(&second->ending, 1, __ATOMIC_RELEASE);
  pthread_join(second->thread, NULL);
}
