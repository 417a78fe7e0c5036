/* resolver.c: which variables a procedure takes from the one around it. */
#include "compiler.h"

#include <string.h>

/* The procedure whose frame has the variables of `lambda`. */
struct lambda *lambda_real(struct lambda *lambda) {
  while (lambda->loop)
    lambda = lambda->parent;
  return lambda;
}

static bool lambda_has(const struct lambda *lambda, const struct var *var) {
  for (size_t i = 0; i < lambda->free_count; i++)
    if (lambda->free[i] == var) return true;
  return false;
}

static void lambda_take(struct compiler *c, struct lambda *lambda, struct var *var) {
  const struct lambda *owner = lambda_real(var->owner);
  for (; lambda != owner && !lambda_has(lambda, var); lambda = lambda_real(lambda->parent)) {
    var->captured = true;
    if (lambda->free_count == lambda->free_room) {
      const size_t room = lambda->free_room ? lambda->free_room * 2 : 4;
      struct var **more = arena(c, room * sizeof *more);
      if (lambda->free_count) memcpy(more, lambda->free, lambda->free_count * sizeof *more);
      lambda->free = more;
      lambda->free_room = room;
    }
    lambda->free[lambda->free_count++] = var;
  }
}

void resolve(struct compiler *c, struct node *node, struct lambda *lambda) {
  if (node->kind == N_LOCAL || node->kind == N_SET) lambda_take(c, lambda, node->var);
  if (node->kind == N_LAMBDA) resolve(c, node->lambda->body, node->lambda);
  if (node->kind == N_LOOP) resolve(c, node->lambda->body, lambda);
  for (size_t i = 0; i < node->count; i++)
    resolve(c, node->kids[i], lambda);
  if (node->a) resolve(c, node->a, lambda);
  if (node->b) resolve(c, node->b, lambda);
  if (node->c) resolve(c, node->c, lambda);
}

/* Whether to run the node reads the variable. */
bool node_mentions(const struct node *node, const struct var *var) {
  if ((node->kind == N_LOCAL || node->kind == N_SET) && node->var == var) return true;
  if (node->kind == N_LAMBDA) return lambda_has(node->lambda, var);
  if (node->kind == N_LOOP && node_mentions(node->lambda->body, var)) return true;
  for (size_t i = 0; i < node->count; i++)
    if (node_mentions(node->kids[i], var)) return true;
  return (node->a && node_mentions(node->a, var)) || (node->b && node_mentions(node->b, var)) ||
         (node->c && node_mentions(node->c, var));
}
