/* A call of CALL with SLOT, for slots.sh. */
#include <gait/gait.h>

struct node {
  struct node *next;
  uint64_t number;
  void *items[4];
  struct opaque *opaque;
#ifndef __cplusplus
  struct node *_Atomic atomic;
#endif
  struct node *const constant;
};

#define LOAD(slot)  (void)gait_load(slot)
#define STORE(slot) gait_store(thread, slot, node)
#define INIT(slot)  gait_store_init(thread, slot, NULL)
#define CAS(slot)   (void)gait_cas(thread, slot, node, NULL)
#define TO(slot)    gait_copy(thread, slot, stack, 1)
#define FROM(slot)  gait_copy(thread, stack, slot, 1)
#define CLEAR(slot) gait_clear(thread, slot, 1)

void call(gait_thread *thread, struct node *node, struct node **stack);
void call(gait_thread *thread, struct node *node, struct node **stack) {
  (void)thread, (void)node, (void)stack;
  CALL(SLOT);
}
