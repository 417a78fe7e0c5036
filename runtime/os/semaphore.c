/* The system's semaphores: a count and a wait for it to rise, no lock. */
#define _GNU_SOURCE
#include "os/os.h"

#include <errno.h>

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
  errno = before;
}

void gaiti_semaphore_wait(struct gaiti_semaphore *semaphore) {
  int before = errno, cancel = gaiti_os_cancel_off();
  while (sem_wait(&semaphore->semaphore) != 0 && errno == EINTR) {
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
