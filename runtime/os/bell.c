/* A handler may post a semaphore, and little else.  The semaphores are of the process and are never
 * destroyed: so a handler that runs late posts one that is there, and the next to take it begins
 * with none posted, or is rung once too often.  The handler stays when no bell is left; the signal
 * would end the process otherwise, which it did not do a moment ago. */
#define _GNU_SOURCE
#include "os/bell.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/atomic.h"
#include "os/os.h"

#define BELLS 64

/* `signal`: by which it is rung; 0: it is free. */
static struct bell {
  AO_t signal;
  struct gaiti_semaphore semaphore;
} bells[BELLS];

static pthread_once_t bells_made = PTHREAD_ONCE_INIT;

static void bells_make(void) {
  for (int i = 0; i < BELLS; i++)
    gaiti_semaphore_init(&bells[i].semaphore);
}

static void bells_ring(int signal) {
  for (int i = 0; i < BELLS; i++)
    if (AO_load_acquire(&bells[i].signal) == (AO_t)signal)
      gaiti_semaphore_post(&bells[i].semaphore);
}

/* Whether the handler is there, or can be. */
static bool bell_install(int signal) {
  struct sigaction now, ours = {.sa_handler = bells_ring, .sa_flags = SA_RESTART};
  int before = errno;
  sigemptyset(&ours.sa_mask);
  bool able = sigaction(signal, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO);
  if (able && now.sa_handler != bells_ring)
    able = now.sa_handler == SIG_DFL && sigaction(signal, &ours, NULL) == 0;
  errno = before;
  return able;
}

int gaiti_bell_take(int signal) {
  pthread_once(&bells_made, bells_make);
  if (!bell_install(signal)) return GAITI_NO_BELL;
  for (int i = 0; i < BELLS; i++)
    if (AO_compare_and_swap_full(&bells[i].signal, 0, (AO_t)signal)) {
      gaiti_semaphore_drain(&bells[i].semaphore);
      return i;
    }
  return GAITI_NO_BELL;
}

void gaiti_bell_wait(int bell) {
  gaiti_semaphore_wait(&bells[bell].semaphore);
}

void gaiti_bell_ring(int bell) {
  gaiti_semaphore_post(&bells[bell].semaphore);
}

void gaiti_bell_give(int bell) {
  AO_store_release(&bells[bell].signal, 0);
}
