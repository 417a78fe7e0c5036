/* pin.c: stands between a program and the C library, and changes how threads are made.
 *
 *   PIN_EACH=1           each new thread is put on one processor, the next one each time, before it
 *                        runs; the first thread as well
 *   PIN_STACK_BYTES=N    a thread that asks for nothing in particular has a stack of N bytes */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef int pin_create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                   void *arg);

static cpu_set_t pin_allowed;
static atomic_uint pin_next;

/* The CPUs in turn, of those that the process may use. */
static void pin_choose(cpu_set_t *set) {
  unsigned skip = atomic_fetch_add(&pin_next, 1) % (unsigned)CPU_COUNT(&pin_allowed);
  CPU_ZERO(set);
  for (unsigned processor = 0; processor < CPU_SETSIZE; processor++) {
    if (!CPU_ISSET(processor, &pin_allowed) || skip-- > 0) continue;
    CPU_SET(processor, set);
    return;
  }
}

__attribute__((constructor)) static void pin_first(void) {
  cpu_set_t set;
  sched_getaffinity(0, sizeof pin_allowed, &pin_allowed);
  if (!getenv("PIN_EACH")) return;
  pin_choose(&set);
  sched_setaffinity(0, sizeof set, &set);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *),
                   void *arg) {
  pin_create_fn *create;
  *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
  const char *stack_bytes = getenv("PIN_STACK_BYTES");
  cpu_set_t set;
  pthread_attr_t own;
  if (attributes) return create(thread, attributes, function, arg);
  pthread_attr_init(&own);
  if (stack_bytes) pthread_attr_setstacksize(&own, strtoul(stack_bytes, NULL, 10));
  if (getenv("PIN_EACH")) {
    pin_choose(&set);
    pthread_attr_setaffinity_np(&own, sizeof set, &set);
  }
  const int result = create(thread, &own, function, arg);
  pthread_attr_destroy(&own);
  return result;
}
