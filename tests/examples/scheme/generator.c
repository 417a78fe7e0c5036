/* generator.c: instructions of one procedure.
 *
 * A variable has a slot of the frame, one that is assigned to a box in it.  What is computed goes
 * into a slot that the caller names; slots from `top` on are free.  A jump whose aim is not known
 * yet is in a chain: its operand has the place of the one before it. */
#include "compiler.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_MOST 400u
#define NO_JUMP    UINT64_MAX
#define TO_RETURN  (-1) /* in place of a slot: the value is the procedure's */
#define TO_NOTHING (-2)

struct generator {
  struct compiler *c;
  struct lambda *lambda;
  word *ops;
  size_t count, room;
  size_t frame;
  word constants;
  word buffer; /* an object of leaves that has the instructions */
};

static void gen(struct generator *g, struct node *node, int64_t to, int64_t top);
static int64_t operand(struct generator *g, struct node *node, int64_t top);

static void emit_word(struct generator *g, word w) {
  if (g->count == g->room) {
    const size_t room = g->room ? g->room * 2 : 64;
    const word buffer = make_leaf(g->c->vm, T_BYTES, 0, room * sizeof(word));
    if (g->count) memcpy(slots_of(buffer), g->ops, g->count * sizeof(word));
    g->buffer = buffer;
    g->ops = slots_of(buffer);
    g->room = room;
  }
  g->ops[g->count++] = w;
}

static size_t emit(struct generator *g, enum op op, size_t count, const word *operands) {
  const size_t at = g->count;
  emit_word(g, (word)(uintptr_t)machine_ops[op]);
  for (size_t i = 0; i < count; i++)
    emit_word(g, operands[i]);
  return at;
}

#define EMIT(g, op, ...)                                                                           \
  emit(g, op, sizeof((const word[]){__VA_ARGS__}) / sizeof(word), (const word[]){__VA_ARGS__})

static void reserve(struct generator *g, int64_t top) {
  if ((size_t)top > g->frame) g->frame = (size_t)top;
  if (g->frame > FRAME_MOST) compile_error(g->c, "a procedure has too many variables", W_UNBOUND);
}

static word constant(struct generator *g, word value) {
  if ((value & TAG_MASK) >= TAG_PAIR) g->constants = cons(g->c->vm, value, g->constants);
  return value;
}

/* ---- Jumps ---- */

struct jumps {
  size_t last; /* the instruction; its last operand has the one before */
};

static size_t jump_operand(const struct generator *g, size_t at) {
  static const size_t words[] = {
#define OP_WORDS(name, count) count,
      OPS(OP_WORDS)
#undef OP_WORDS
  };
  for (size_t op = 0; op < OP_COUNT; op++)
    if (g->ops[at] == (word)(uintptr_t)machine_ops[op]) return at + words[op] - 1;
  abort();
}

static void jumps_add(struct generator *g, struct jumps *jumps, size_t at) {
  g->ops[jump_operand(g, at)] = jumps->last;
  jumps->last = at;
}

static void jumps_here(struct generator *g, const struct jumps *jumps) {
  for (size_t at = jumps->last, before; at != NO_JUMP; at = before) {
    const size_t place = jump_operand(g, at);
    before = g->ops[place];
    g->ops[place] = g->count - at;
  }
}

/* ---- Variables ---- */

static bool is_here(const struct generator *g, const struct var *var) {
  return lambda_real(var->owner) == g->lambda;
}

static word free_index(const struct generator *g, const struct var *var) {
  size_t i = 0;
  while (g->lambda->free[i] != var)
    i++;
  return i + 1;
}

/* The slot that has the variable, or its box. */
static int64_t var_slot(struct generator *g, const struct var *var, int64_t top) {
  if (is_here(g, var)) return var->slot;
  reserve(g, top + 1);
  EMIT(g, OP_free, (word)top, free_index(g, var));
  return top;
}

static void gen_local(struct generator *g, const struct var *var, int64_t to) {
  const bool here = is_here(g, var);
  if (!here)
    EMIT(g, var->assigned ? OP_free_unbox : OP_free, (word)to, free_index(g, var));
  else if (var->assigned)
    EMIT(g, OP_unbox, (word)to, (word)var->slot);
  else if (var->slot != to)
    EMIT(g, OP_move, (word)to, (word)var->slot);
}

/* Gives the variable a slot, whose value is there already. */
static void var_born(struct generator *g, struct var *var, int64_t slot) {
  var->slot = (int)slot;
  reserve(g, slot + 1);
  if (var->assigned) EMIT(g, OP_box, (word)slot, (word)slot);
}

/* ---- Operands ---- */

static int64_t operand(struct generator *g, struct node *node, int64_t top) {
  if (node->kind == N_LOCAL && is_here(g, node->var) && !node->var->assigned)
    return node->var->slot;
  gen(g, node, top, top + 1);
  return top;
}

static bool is_constant(const struct node *node) {
  return node->kind == N_CONSTANT;
}

static bool is_small(const struct node *node) {
  return is_constant(node) && is_fixnum(node->value);
}

/* ---- Tests: they jump where the node is false ---- */

static void gen_test(struct generator *g, struct node *node, int64_t top, struct jumps *otherwise);

static enum op test_swapped(enum op op) {
  switch (op) {
  case OP_if_less: return OP_if_greater;
  case OP_if_greater: return OP_if_less;
  case OP_if_less_same: return OP_if_greater_same;
  case OP_if_greater_same: return OP_if_less_same;
  default: return op;
  }
}

static void test_operation(struct generator *g, struct node *node, int64_t top,
                           struct jumps *otherwise) {
  enum op op = node->op;
  struct node *a = node->kids[0], *b = node->count > 1 ? node->kids[1] : NULL;
  if (b && (op == OP_if_eq ? is_constant(a) : is_small(a))) {
    struct node *swap = a;
    a = b;
    b = swap;
    op = test_swapped(op);
  }
  const word first = (word)operand(g, a, top);
  size_t at;
  if (op == OP_if_same_k)
    at = EMIT(g, op, first, 0, 0);
  else if (!b)
    at = EMIT(g, op, first, 0);
  else if (op == OP_if_eq && is_constant(b))
    at = EMIT(g, OP_if_eq_constant, first, constant(g, b->value), 0);
  else if (op != OP_if_eq && is_small(b))
    at = EMIT(g, op - OP_if_less + OP_if_less_k, first, b->value, 0);
  else
    at = EMIT(g, op, first, (word)operand(g, b, top + 1), 0);
  jumps_add(g, otherwise, at);
}

static void test_if(struct generator *g, struct node *node, int64_t top, struct jumps *otherwise) {
  struct jumps no = {NO_JUMP}, end = {NO_JUMP};
  if (is_constant(node->c) && node->c->value == W_FALSE) { /* and */
    gen_test(g, node->a, top, otherwise);
    gen_test(g, node->b, top, otherwise);
    return;
  }
  gen_test(g, node->a, top, &no);
  gen_test(g, node->b, top, otherwise);
  jumps_add(g, &end, EMIT(g, OP_jump, 0));
  jumps_here(g, &no);
  gen_test(g, node->c, top, otherwise);
  jumps_here(g, &end);
}

static void test_or(struct generator *g, struct node *node, int64_t top, struct jumps *otherwise) {
  struct jumps no = {NO_JUMP}, end = {NO_JUMP};
  gen_test(g, node->a, top, &no);
  jumps_add(g, &end, EMIT(g, OP_jump, 0));
  jumps_here(g, &no);
  gen_test(g, node->b, top, otherwise);
  jumps_here(g, &end);
}

static void gen_test(struct generator *g, struct node *node, int64_t top, struct jumps *otherwise) {
  switch (node->kind) {
  case N_TEST: test_operation(g, node, top, otherwise); return;
  case N_IF: test_if(g, node, top, otherwise); return;
  case N_OR: test_or(g, node, top, otherwise); return;
  case N_CONSTANT:
    if (node->value == W_FALSE) jumps_add(g, otherwise, EMIT(g, OP_jump, 0));
    return;
  default: jumps_add(g, otherwise, EMIT(g, OP_if, (word)operand(g, node, top), 0));
  }
}

/* ---- Values ---- */

/* `slot` has the value. */
static void done(struct generator *g, int64_t slot, int64_t to) {
  if (to == TO_RETURN)
    EMIT(g, OP_return, (word)slot);
  else if (to >= 0 && to != slot)
    EMIT(g, OP_move, (word)to, (word)slot);
}

/* Where a value may be made that goes to `to`. */
static int64_t place(struct generator *g, int64_t to, int64_t top) {
  if (to >= 0) return to;
  reserve(g, top + 1);
  return top;
}

static void gen_constant(struct generator *g, word value, int64_t to, int64_t top) {
  if (to == TO_NOTHING) return;
  const int64_t slot = place(g, to, top);
  EMIT(g, OP_constant, (word)slot, constant(g, value));
  done(g, slot, to);
}

static void gen_if(struct generator *g, struct node *node, int64_t to, int64_t top) {
  struct jumps no = {NO_JUMP}, end = {NO_JUMP};
  gen_test(g, node->a, top, &no);
  gen(g, node->b, to, top);
  if (to != TO_RETURN) jumps_add(g, &end, EMIT(g, OP_jump, 0));
  jumps_here(g, &no);
  gen(g, node->c, to, top);
  jumps_here(g, &end);
}

static void gen_or(struct generator *g, struct node *node, int64_t to, int64_t top) {
  struct jumps end = {NO_JUMP}, no = {NO_JUMP};
  if (to == TO_NOTHING) {
    test_or(g, node, top, &no);
    jumps_here(g, &no);
    return;
  }
  const int64_t slot = place(g, to, top);
  gen(g, node->a, slot, to >= 0 ? top : top + 1);
  jumps_add(g, &end, EMIT(g, OP_if_true, (word)slot, 0));
  gen(g, node->b, to, top);
  jumps_here(g, &end);
  if (to == TO_RETURN) done(g, slot, to);
}

static void gen_test_value(struct generator *g, struct node *node, int64_t to, int64_t top) {
  struct node yes = {.kind = N_CONSTANT, .value = W_TRUE};
  struct node no = {.kind = N_CONSTANT, .value = W_FALSE};
  struct node choice = {.kind = N_IF, .a = node, .b = &yes, .c = &no};
  gen_if(g, &choice, to, top);
}

static void gen_inline(struct generator *g, struct node *node, int64_t to, int64_t top) {
  word at[4];
  const bool effect = node->op == OP_set_car || node->op == OP_set_cdr || node->op == OP_vector_set;
  const int64_t slot = place(g, to, top);
  struct node *last = node->kids[node->count - 1];
  const bool small = is_small(last) && last->value != fixnum(FIXNUM_MIN);
  if (small && (node->op == OP_add || node->op == OP_subtract)) {
    const word a = (word)operand(g, node->kids[0], top);
    const word k = node->op == OP_add ? last->value : (word) - (int64_t)last->value;
    EMIT(g, OP_add_k, (word)slot, a, k);
    done(g, slot, to);
    return;
  }
  for (size_t i = 0; i < node->count; i++)
    at[i] = (word)operand(g, node->kids[i], top + (int64_t)i);
  if (!effect)
    emit(g, node->op, 1, (word[]){(word)slot});
  else
    emit(g, node->op, 0, NULL);
  for (size_t i = 0; i < node->count; i++)
    emit_word(g, at[i]);
  if (effect)
    gen_constant(g, W_VOID, to, top);
  else
    done(g, slot, to);
}

static void gen_builtin(struct generator *g, struct node *node, int64_t to, int64_t top) {
  const struct builtin *builtin = (const struct builtin *)object_of(node->value);
  const int64_t slot = place(g, to, top);
  word first = (word)top;
  if (node->count == 1)
    first = (word)operand(g, node->kids[0], top);
  else
    for (size_t i = 0; i < node->count; i++)
      gen(g, node->kids[i], top + (int64_t)i, top + (int64_t)i + 1);
  EMIT(g, OP_builtin, (word)slot, first, node->count, (word)(uintptr_t)builtin->function);
  done(g, slot, to);
}

/* ---- Calls ---- */

static void gen_call(struct generator *g, struct node *node, int64_t to, int64_t top) {
  const bool tail = to == TO_RETURN, global = node->a->kind == N_GLOBAL;
  const int64_t first = top + 1 + FRAME_WORDS, count = (int64_t)node->count;
  reserve(g, first + count);
  const word procedure = global ? constant(g, node->a->value) : (word)operand(g, node->a, top);
  for (int64_t i = 0; i < count; i++)
    gen(g, node->kids[i], first + i, first + i + 1);
  if (tail) {
    EMIT(g, global ? OP_tail_call_global : OP_tail_call, (word)first, (word)count, procedure);
    return;
  }
  const word result = (word)(to >= 0 ? to : top);
  EMIT(g, global ? OP_call_global : OP_call, (word)first, (word)count, procedure, result);
}

/* ---- Bindings ---- */

static void gen_let(struct generator *g, struct node *node, int64_t to, int64_t top) {
  for (size_t i = 0; i < node->count; i++)
    gen(g, node->kids[i], top + (int64_t)i, top + (int64_t)i + 1);
  for (size_t i = 0; i < node->count; i++)
    var_born(g, node->vars[i], top + (int64_t)i);
  gen(g, node->a, to, top + (int64_t)node->count);
}

/* Gives `var` to the closures from `from` to `last` that were made before it. */
static void letrec_patch(struct generator *g, struct node *node, size_t from, size_t last) {
  const struct var *var = node->vars[last];
  for (size_t i = from; i <= last; i++) {
    const struct lambda *lambda = node->kids[i]->lambda;
    for (size_t j = 0; !node->vars[i]->assigned && j < lambda->free_count; j++)
      if (lambda->free[j] == var)
        EMIT(g, OP_patch, (word)node->vars[i]->slot, j + 1, (word)var->slot);
  }
}

static void letrec_set(struct generator *g, struct node *node, size_t i, int64_t top) {
  const int64_t slot = operand(g, node->kids[i], top);
  if (node->vars[i]->assigned)
    EMIT(g, OP_set_box, (word)node->vars[i]->slot, (word)slot);
  else
    done(g, slot, node->vars[i]->slot);
}

/* Lambdas in a row, which may name each other; last those whose box exists already. */
static size_t letrec_row(struct generator *g, struct node *node, size_t from, int64_t top) {
  size_t end = from;
  for (; end < node->count && node->kids[end]->kind == N_LAMBDA; end++) {
    if (node->vars[end]->assigned) continue;
    gen(g, node->kids[end], node->vars[end]->slot, top);
    letrec_patch(g, node, from, end);
  }
  for (size_t i = from; i < end; i++)
    if (node->vars[i]->assigned) letrec_set(g, node, i, top);
  return end;
}

static void gen_letrec(struct generator *g, struct node *node, int64_t to, int64_t top) {
  const int64_t after = top + (int64_t)node->count;
  reserve(g, after + 1);
  for (size_t i = 0; i < node->count; i++) {
    struct var *var = node->vars[i];
    var->slot = (int)(top + (int64_t)i);
    if (!var->assigned) continue;
    EMIT(g, OP_constant, (word)var->slot, W_UNBOUND);
    EMIT(g, OP_box, (word)var->slot, (word)var->slot);
  }
  for (size_t i = 0; i < node->count;) {
    if (node->kids[i]->kind == N_LAMBDA)
      i = letrec_row(g, node, i, after);
    else
      letrec_set(g, node, i++, after);
  }
  gen(g, node->a, to, after);
}

/* A loop's variables are those of the frame; to go on is to set them and jump back. */
static void gen_loop(struct generator *g, struct node *node, int64_t to, int64_t top) {
  struct lambda *loop = node->lambda;
  const int64_t after = top + (int64_t)node->count;
  for (size_t i = 0; i < node->count; i++)
    gen(g, node->kids[i], top + (int64_t)i, top + (int64_t)i + 1);
  reserve(g, after + 1);
  loop->start = g->count;
  for (size_t i = 0; i < node->count; i++)
    var_born(g, loop->vars[i], top + (int64_t)i);
  gen(g, loop->body, to, after);
}

static bool mentioned_later(struct node *node, size_t from, const struct var *var) {
  for (size_t i = from; i < node->count; i++)
    if (node_mentions(node->kids[i], var)) return true;
  return false;
}

/* Whether the node's value is written when all that it reads has been read. */
static bool writes_last(const struct node *node) {
  switch (node->kind) {
  case N_CONSTANT:
  case N_LOCAL:
  case N_GLOBAL:
  case N_INLINE:
  case N_BUILTIN:
  case N_CALL: return true;
  default: return false;
  }
}

static void gen_again(struct generator *g, struct node *node, int64_t top) {
  struct lambda *loop = node->lambda;
  int64_t at[64];
  if (node->count > 64) compile_error(g->c, "a loop has too many variables", W_UNBOUND);
  for (size_t i = 0; i < node->count; i++) {
    struct var *var = loop->vars[i];
    const struct node *kid = node->kids[i];
    at[i] = -1;
    if (kid->kind == N_LOCAL && kid->var == var && !var->assigned) continue;
    if (var->assigned || !writes_last(kid) || mentioned_later(node, i + 1, var)) at[i] = top++;
    gen(g, node->kids[i], at[i] < 0 ? var->slot : at[i], top);
  }
  for (size_t i = 0; i < node->count; i++)
    if (at[i] >= 0) EMIT(g, OP_move, (word)loop->vars[i]->slot, (word)at[i]);
  EMIT(g, OP_loop, (word)((int64_t)loop->start - (int64_t)g->count));
}

/* ---- The rest ---- */

static void gen_lambda(struct generator *g, struct node *node, int64_t to, int64_t top) {
  const struct lambda *lambda = node->lambda;
  if (to == TO_NOTHING) return;
  const int64_t slot = place(g, to, top);
  const word code = constant(g, generate(g->c, node->lambda));
  EMIT(g, OP_closure, (word)slot, code, lambda->free_count);
  for (size_t i = 0; i < lambda->free_count; i++) {
    const struct var *var = lambda->free[i];
    emit_word(g, is_here(g, var) ? (word)var->slot : ~free_index(g, var));
  }
  done(g, slot, to);
}

static void gen_set(struct generator *g, struct node *node, int64_t to, int64_t top) {
  reserve(g, top + 2);
  const int64_t value = operand(g, node->a, top);
  if (node->kind == N_SET)
    EMIT(g, OP_set_box, (word)var_slot(g, node->var, top + 1), (word)value);
  else
    EMIT(g, node->kind == N_DEFINE ? OP_define : OP_set_global, constant(g, node->value),
         (word)value);
  gen_constant(g, W_VOID, to, top);
}

static void gen_sequence(struct generator *g, struct node *node, int64_t to, int64_t top) {
  for (size_t i = 0; i + 1 < node->count; i++)
    gen(g, node->kids[i], TO_NOTHING, top);
  gen(g, node->kids[node->count - 1], to, top);
}

static void gen_variable(struct generator *g, struct node *node, int64_t to, int64_t top) {
  if (node->kind == N_LOCAL && to == TO_NOTHING) return;
  const int64_t slot = place(g, to, top);
  if (node->kind == N_GLOBAL) {
    EMIT(g, OP_global, (word)slot, constant(g, node->value));
    done(g, slot, to);
  } else if (to == TO_RETURN && is_here(g, node->var) && !node->var->assigned) {
    done(g, node->var->slot, to);
  } else {
    gen_local(g, node->var, slot);
    done(g, slot, to);
  }
}

static void gen(struct generator *g, struct node *node, int64_t to, int64_t top) {
  machine_recurse(g->c->vm);
  reserve(g, top + 2);
  switch (node->kind) {
  case N_CONSTANT: gen_constant(g, node->value, to, top); return;
  case N_LOCAL:
  case N_GLOBAL: gen_variable(g, node, to, top); return;
  case N_SET:
  case N_SET_GLOBAL:
  case N_DEFINE: gen_set(g, node, to, top); return;
  case N_IF: gen_if(g, node, to, top); return;
  case N_OR: gen_or(g, node, to, top); return;
  case N_TEST: gen_test_value(g, node, to, top); return;
  case N_INLINE: gen_inline(g, node, to, top); return;
  case N_BUILTIN: gen_builtin(g, node, to, top); return;
  case N_SEQUENCE: gen_sequence(g, node, to, top); return;
  case N_LAMBDA: gen_lambda(g, node, to, top); return;
  case N_CALL: gen_call(g, node, to, top); return;
  case N_LET: gen_let(g, node, to, top); return;
  case N_LETREC: gen_letrec(g, node, to, top); return;
  case N_LOOP: gen_loop(g, node, to, top); return;
  case N_AGAIN: gen_again(g, node, top); return;
  }
}

word generate(struct compiler *c, struct lambda *lambda) {
  struct generator g = {.c = c, .lambda = lambda, .constants = W_NIL};
  reserve(&g, (int64_t)lambda->count + 1);
  for (size_t i = 0; i < lambda->count; i++)
    var_born(&g, lambda->vars[i], (int64_t)i);
  gen(&g, lambda->body, TO_RETURN, (int64_t)lambda->count);
  struct machine *vm = c->vm;
  struct code *code = scheme_allocate(vm, vm->codes, sizeof *code + g.count * sizeof(word));
  code->header = HEADER(T_CODE, g.count);
  gait_store_init_word(vm->thread, &code->name, lambda->name);
  gait_store_init_word(vm->thread, &code->constants, g.constants);
  code->arity = lambda->rest ? UINT64_MAX : lambda->count;
  code->least = lambda->count - lambda->rest;
  code->frame = g.frame + 1;
  memcpy(code->ops, g.ops, g.count * sizeof(word));
  return object_word(code);
}

static void compiler_clear(struct machine *vm) {
  struct chunk *chunk = vm->chunks;
  while (chunk) {
    struct chunk *next = chunk->next;
    free(chunk);
    chunk = next;
  }
  vm->chunks = NULL;
}

word compile(struct machine *vm, word form) {
  struct compiler c = {.vm = vm, .keep = W_NIL};
  struct lambda top = {.name = W_FALSE};
  compiler_clear(vm);
  c.lambda = &top;
  keep(&c, form);
  top.body = analyze(&c, form, NULL, true);
  resolve(&c, top.body, &top);
  const word code = generate(&c, &top);
  compiler_clear(vm);
  return make_values(vm, T_CLOSURE, 1, &code);
}
