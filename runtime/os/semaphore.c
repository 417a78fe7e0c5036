/* The system's semaphores: a count and a wait for it to rise, no lock. */
#define _GNU_SOURCE
#include "os/os.h"

#include <errno.h>

#include "os/virtual.h"

bool gaiti_semaphore_init(struct gaiti_semaphore *semaphore) {
  int before = errno;
  bool made = sem_init(&semaphore->semaphore, 0, 0) == 0;
  errno = before;
  return made;
}

void gaiti_semaphore_destroy(struct gaiti_semaphore *semaphore) {
  int before = errno;
  sem_destroy(&semaphore->semaphore);
  errno = before;
}

void gaiti_semaphore_post(struct gaiti_semaphore *semaphore) {
  int before = errno;
  sem_post(&semaphore->semaphore);
  if (gaiti_virtual_is_on) gaiti_virtual_wake(semaphore);
  errno = before;
}

void gaiti_semaphore_wait(struct gaiti_semaphore *semaphore) {
  int before = errno, cancel = gaiti_os_cancel_off();
  while (gaiti_virtual_is_on && sem_trywait(&semaphore->semaphore) != 0)
    gaiti_virtual_wait(semaphore, GAITI_NO_DEADLINE);
  while (!gaiti_virtual_is_on && sem_wait(&semaphore->semaphore) != 0 && errno == EINTR) {
  }
  gaiti_os_cancel_back(cancel);
  errno = before;
}

void gaiti_semaphore_drain(struct gaiti_semaphore *semaphore) {
  int before = errno;
  while (sem_trywait(&semaphore->semaphore) == 0 || errno == EINTR) {
  }
  errno = before;
}
