/* analyzer.c: names, calls, procedures, bodies. */
#include "compiler.h"

#include <stdlib.h>
#include <string.h>

/* ---- Arena ---- */

void *arena(struct compiler *c, size_t bytes) {
  bytes = (bytes + 15) & ~(size_t)15;
  if (bytes > sizeof c->vm->chunks->bytes) compile_error(c, "a form is too long", W_UNBOUND);
  if (!c->vm->chunks || c->vm->chunks->used + bytes > sizeof c->vm->chunks->bytes) {
    struct chunk *chunk = calloc(1, sizeof *chunk);
    if (!chunk) scheme_full(c->vm);
    chunk->next = c->vm->chunks;
    c->vm->chunks = chunk;
  }
  void *memory = c->vm->chunks->bytes + c->vm->chunks->used;
  c->vm->chunks->used += bytes;
  return memory;
}

word keep(struct compiler *c, word value) {
  c->keep = cons(c->vm, value, c->keep);
  return value;
}

word list_of(struct compiler *c, size_t count, const word *items) {
  word list = W_NIL;
  while (count > 0)
    list = cons(c->vm, items[--count], list);
  return keep(c, list);
}

_Noreturn void compile_error(struct compiler *c, const char *message, word form) {
  scheme_error(c->vm, message, strip(c, form));
}

struct node *node_new(struct compiler *c, enum node_kind kind, size_t kids) {
  struct node *node = arena(c, sizeof *node);
  node->kind = kind;
  node->count = kids;
  if (kids > 0) node->kids = arena(c, kids * sizeof *node->kids);
  return node;
}

struct node *node_constant(struct compiler *c, word value) {
  struct node *node = node_new(c, N_CONSTANT, 0);
  node->value = value;
  return node;
}

/* ---- Scopes ---- */

struct scope *scope_new(struct compiler *c, struct scope *up) {
  struct scope *scope = arena(c, sizeof *scope);
  scope->up = up;
  return scope;
}

static struct binding *scope_bind(struct compiler *c, struct scope *scope, word name) {
  struct binding *binding = arena(c, sizeof *binding);
  if (!is_identifier(name)) compile_error(c, "a name is wanted", name);
  binding->name = name;
  binding->next = scope->bindings;
  return scope->bindings = binding;
}

struct var *scope_add(struct compiler *c, struct scope *scope, word name) {
  struct binding *binding = scope_bind(c, scope, name);
  binding->var = arena(c, sizeof *binding->var);
  binding->var->name = name;
  binding->var->owner = c->lambda;
  return binding->var;
}

/* What a name is bound to; NULL: it is global, and *name the symbol. */
struct binding *scope_find(word *name, struct scope **scope) {
  for (;;) {
    for (struct scope *at = *scope; at; at = at->up)
      for (struct binding *binding = at->bindings; binding; binding = binding->next)
        if (binding->name == *name) return binding;
    if (!is_type(*name, T_ALIAS)) return NULL;
    *scope = (struct scope *)(uintptr_t)slots_of(*name)[1];
    *name = slots_of(*name)[0];
  }
}

bool is_keyword(struct compiler *c, word w, struct scope *scope, const char *name) {
  return is_identifier(w) && !scope_find(&w, &scope) && w == intern(c->vm, name);
}

form_fn *special_form(word name, struct scope *scope) {
  if (!is_identifier(name) || scope_find(&name, &scope)) return NULL;
  const word syntax = symbol_slot(name, SYMBOL_SYNTAX);
  return is_fixnum(syntax) ? compiler_forms[fixnum_value(syntax)].function : NULL;
}

bool is_form(word form, struct scope *scope, form_fn *function) {
  return is_pair(form) && special_form(car(form), scope) == function;
}

static void form_define_slot(struct machine *vm, const char *name, size_t slot, size_t number) {
  const word symbol = intern(vm, name);
  symbol_keep(vm, symbol);
  set_slot(vm, symbol, slot, fixnum((int64_t)number));
}

void forms_define(struct machine *vm) {
  for (size_t i = 0; compiler_forms[i].name; i++)
    form_define_slot(vm, compiler_forms[i].name, SYMBOL_SYNTAX, i);
  for (size_t i = 0; compiler_inlines[i].name; i++)
    form_define_slot(vm, compiler_inlines[i].name, SYMBOL_INLINE, i + 1);
}

/* ---- Names ---- */

static struct node *analyze_name(struct compiler *c, word name, struct scope *scope) {
  const word as_written = name;
  const struct binding *binding = scope_find(&name, &scope);
  struct node *node = node_new(c, binding ? N_LOCAL : N_GLOBAL, 0);
  if (!binding) {
    if (symbol_slot(name, SYMBOL_SYNTAX) != W_FALSE)
      compile_error(c, "a form's name is no variable", as_written);
    node->value = name;
    return node;
  }
  if (!binding->var) compile_error(c, "a macro's name is no variable", as_written);
  node->var = binding->var;
  node->var->references++;
  if (node->var->unset) node->var->assigned = true; /* so it lives in a box, which can say so */
  return node;
}

/* ---- Calls ---- */

static const struct inline_row *inline_of(word symbol, size_t count) {
  const word slot = symbol_slot(symbol, SYMBOL_INLINE);
  if (!is_fixnum(slot) || slot == 0) return NULL;
  for (const struct inline_row *row = &compiler_inlines[fixnum_value(slot) - 1];; row++) {
    if (row->name == NULL || strcmp(row->name, compiler_inlines[fixnum_value(slot) - 1].name) != 0)
      return NULL;
    if (row->arguments == count) return row;
  }
}

static struct node *inline_one(struct compiler *c, enum op op, struct node *argument) {
  struct node *node = node_new(c, N_INLINE, 1);
  node->op = op;
  node->kids[0] = argument;
  return node;
}

/* (cadr x) and its like, from the name; NULL: it is none. */
static struct node *inline_path(struct compiler *c, word symbol, struct node *call) {
  const word name = symbol_slot(symbol, SYMBOL_NAME);
  const size_t length = length_of(name);
  const uint32_t *chars = string_chars(name);
  if (length < 4 || length > 6 || chars[0] != 'c' || chars[length - 1] != 'r') return NULL;
  struct node *node = call->kids[0];
  for (size_t i = length - 2; i > 0; i--) {
    if (chars[i] != 'a' && chars[i] != 'd') return NULL;
    node = inline_one(c, chars[i] == 'a' ? OP_car : OP_cdr, node);
  }
  return node;
}

/* Calls of a global that is a builtin still. */
static struct node *inline_call(struct compiler *c, word symbol, struct node *call) {
  const word value = symbol_slot(symbol, SYMBOL_VALUE);
  if (symbol_slot(symbol, SYMBOL_INLINE) == W_FALSE || !is_type(value, T_BUILTIN)) return call;
  const struct inline_row *row = inline_of(symbol, call->count);
  const struct builtin *builtin = (const struct builtin *)object_of(value);
  if (row) {
    call->kind = row->test ? N_TEST : N_INLINE;
    call->op = row->op;
    return call;
  }
  struct node *path = call->count == 1 ? inline_path(c, symbol, call) : NULL;
  if (path) return path;
  if (builtin->special != SPECIAL_NONE || call->count < builtin->least ||
      call->count > builtin->most)
    return call;
  call->kind = N_BUILTIN;
  call->value = value;
  return call;
}

/* (+ a b c) as (+ (+ a b) c) */
static word nest(struct compiler *c, word form, struct scope *scope) {
  word name = car(form);
  if (list_length(form) <= 3 || !is_identifier(name)) return form;
  if (scope_find(&name, &scope)) return form;
  if (name != intern(c->vm, "+") && name != intern(c->vm, "*")) return form;
  if (symbol_slot(name, SYMBOL_INLINE) == W_FALSE) return form;
  const word first = LIST(c, car(form), car(cdr(form)), car(cdr(cdr(form))));
  return keep(c, cons(c->vm, car(form), cons(c->vm, first, cdr(cdr(cdr(form))))));
}

static struct node *analyze_call(struct compiler *c, word form, struct scope *scope, bool tail) {
  const int64_t length = list_length(form);
  if (length < 0) compile_error(c, "a call is no list", form);
  const word nested = nest(c, form, scope);
  if (nested != form) return analyze_call(c, nested, scope, tail);
  if (is_form(car(form), scope, form_lambda) && list_length(car(form)) > 2 &&
      list_length(car(cdr(car(form)))) == length - 1) { /* ((lambda (x) ...) y) */
    const word names = car(cdr(car(form)));
    struct node *let = node_let(c, (size_t)length - 1, NULL);
    struct scope *inner = scope_new(c, scope);
    word values = cdr(form), name = names;
    for (size_t i = 0; i < let->count; i++, values = cdr(values))
      let->kids[i] = analyze(c, car(values), scope, false);
    for (size_t i = 0; i < let->count; i++, name = cdr(name))
      let->vars[i] = scope_add(c, inner, car(name));
    let->a = analyze_body(c, cdr(cdr(car(form))), inner, tail);
    return let;
  }
  struct node *call = node_new(c, N_CALL, (size_t)length - 1);
  call->a = analyze(c, car(form), scope, false);
  word arguments = cdr(form);
  for (size_t i = 0; i < call->count; i++, arguments = cdr(arguments))
    call->kids[i] = analyze(c, car(arguments), scope, false);
  if (call->a->kind == N_GLOBAL) return inline_call(c, call->a->value, call);
  if (call->a->kind == N_LOCAL) {
    struct call *note = arena(c, sizeof *note);
    *note = (struct call){call->a->var->calls, call, c->lambda, tail};
    call->a->var->calls = note;
    call->a->var->call_count++;
  }
  return call;
}

struct node *analyze(struct compiler *c, word form, struct scope *scope, bool tail) {
  machine_recurse(c->vm);
  if (is_identifier(form)) return analyze_name(c, form, scope);
  if (!is_pair(form)) {
    if (form == W_NIL) compile_error(c, "an empty list is no call", form);
    return node_constant(c, form);
  }
  const word macro = macro_of(c, form, scope);
  if (macro != W_FALSE) return analyze(c, macro_expand(c, macro, form, scope), scope, tail);
  form_fn *special = special_form(car(form), scope);
  if (!special) return analyze_call(c, form, scope, tail);
  if (list_length(form) < 0) compile_error(c, "a form is no list", form);
  return special(c, form, scope, tail);
}

/* ---- Procedures ---- */

struct node *analyze_lambda(struct compiler *c, word name, word parameters, word body,
                            struct scope *scope) {
  struct node *node = node_new(c, N_LAMBDA, 0);
  struct lambda *lambda = node->lambda = arena(c, sizeof *lambda);
  lambda->parent = c->lambda;
  lambda->name = name == W_FALSE ? W_FALSE : base_symbol(name);
  for (word p = parameters; p != W_NIL; p = is_pair(p) ? cdr(p) : W_NIL)
    lambda->count++;
  lambda->vars = arena(c, (lambda->count + 1) * sizeof *lambda->vars);
  c->lambda = lambda;
  struct scope *inner = scope_new(c, scope);
  word p = parameters;
  for (size_t i = 0; i < lambda->count; i++, p = is_pair(p) ? cdr(p) : W_NIL) {
    lambda->rest = !is_pair(p);
    lambda->vars[i] = scope_add(c, inner, is_pair(p) ? car(p) : p);
  }
  lambda->body = analyze_body(c, body, inner, true);
  c->lambda = lambda->parent;
  return node;
}

struct node *node_let(struct compiler *c, size_t count, struct scope *scope) {
  (void)scope;
  struct node *let = node_new(c, N_LET, count);
  let->vars = arena(c, (count + 1) * sizeof *let->vars);
  return let;
}

/* ---- Loops: (letrec ((f (lambda ...))) (f ...)) ---- */

/* Whether a call made in `in` at a tail position is at one of `of`, through loops alone. */
static bool loop_reaches(const struct lambda *in, const struct lambda *of) {
  while (in != of && in->loop && in->loop_tail)
    in = in->parent;
  return in == of;
}

/* The letrec, or the loop that it is: its one procedure is only called, and but for the letrec's
 * body always in its own tail positions. */
struct node *node_letrec_loop(struct compiler *c, struct node *letrec, bool tail) {
  struct var *var = letrec->vars[0];
  struct lambda *lambda = letrec->kids[0]->lambda;
  struct node *entry = letrec->a;
  if (letrec->count != 1 || letrec->kids[0]->kind != N_LAMBDA || lambda->rest || var->assigned ||
      var->references != var->call_count || entry->kind != N_CALL || entry->a->var != var)
    return letrec;
  for (struct call *call = var->calls; call; call = call->next) {
    if (call->node->count != lambda->count) return letrec;
    if (call->node != entry && !(call->tail && loop_reaches(call->in, lambda))) return letrec;
  }
  for (struct call *call = var->calls; call; call = call->next) {
    call->node->kind = call->node == entry ? N_LOOP : N_AGAIN;
    call->node->lambda = lambda;
    call->node->a = NULL;
  }
  (void)c;
  lambda->loop = true;
  lambda->loop_tail = tail;
  return entry;
}

/* ---- Bodies ---- */

struct definition {
  word name, value; /* the name W_FALSE: an expression */
  struct var *var;
};

struct body {
  struct compiler *c;
  struct scope *scope;
  struct definition *list;
  size_t count, room;
};

static void body_add(struct body *body, word name, word value) {
  if (body->count == body->room) {
    const size_t room = body->room ? body->room * 2 : 8;
    struct definition *list = arena(body->c, room * sizeof *list);
    if (body->count > 0) memcpy(list, body->list, body->count * sizeof *list);
    body->list = list;
    body->room = room;
  }
  struct var *var = name == W_FALSE ? NULL : scope_add(body->c, body->scope, name);
  body->list[body->count++] = (struct definition){name, value, var};
}

static void body_define(struct body *body, word form) {
  struct compiler *c = body->c;
  word target = car(cdr(form)), value = cdr(cdr(form));
  while (is_pair(target) && is_pair(car(target))) { /* (define ((f a) b) ...) */
    value = LIST(c, cons(c->vm, intern(c->vm, "lambda"), cons(c->vm, cdr(target), value)));
    target = car(target);
  }
  if (is_pair(target)) {
    const word lambda = alias_new(c, "lambda");
    body_add(body, car(target), keep(c, cons(c->vm, lambda, cons(c->vm, cdr(target), value))));
  } else {
    body_add(body, target, value == W_NIL ? LIST(c, alias_new(c, "quote"), W_VOID) : car(value));
  }
}

static void body_scan(struct body *body, word forms) {
  for (; is_pair(forms); forms = cdr(forms)) {
    word form = car(forms), macro;
    while ((macro = macro_of(body->c, form, body->scope)) != W_FALSE)
      form = macro_expand(body->c, macro, form, body->scope);
    form_fn *special = is_pair(form) ? special_form(car(form), body->scope) : NULL;
    if (special == form_begin) {
      body_scan(body, cdr(form));
    } else if (special == form_define && list_length(form) >= 2) {
      body_define(body, form);
    } else if (special == form_define_syntax && list_length(form) == 3) {
      struct binding *binding = scope_bind(body->c, body->scope, car(cdr(form)));
      binding->macro = macro_new(body->c, car(cdr(cdr(form))), body->scope);
    } else {
      body_add(body, W_FALSE, form);
    }
  }
}

static struct node *body_value(struct body *body, const struct definition *definition, bool tail) {
  const word value = definition->value;
  if (definition->var && is_form(value, body->scope, form_lambda) && list_length(value) > 2)
    return analyze_lambda(body->c, definition->name, car(cdr(value)), cdr(cdr(value)), body->scope);
  return analyze(body->c, value, body->scope, tail);
}

/* The first `last` entries as a letrec*, in which expressions have variables too; then the rest. */
static struct node *body_letrec(struct body *body, size_t last) {
  struct node *letrec = node_new(body->c, N_LETREC, last);
  letrec->vars = arena(body->c, last * sizeof *letrec->vars);
  for (size_t i = 0, group = 0; i < last; i++) {
    struct definition *at = &body->list[i];
    if (!at->var) at->var = scope_add(body->c, body->scope, alias_new(body->c, "_"));
    at->var->procedure = is_form(at->value, body->scope, form_lambda);
    if (!at->var->procedure) group++;
    at->var->group = (int)group;
    at->var->unset = true;
    letrec->vars[i] = at->var;
  }
  for (size_t i = 0; i < last; i++) {
    struct var *var = letrec->vars[i];
    for (size_t j = i; j < last; j++) /* lambdas in a row may name each other */
      letrec->vars[j]->unset =
          !(var->procedure && letrec->vars[j]->procedure && letrec->vars[j]->group == var->group);
    letrec->kids[i] = body_value(body, &body->list[i], false);
    var->unset = false;
  }
  return letrec;
}

struct node *analyze_body(struct compiler *c, word forms, struct scope *scope, bool tail) {
  struct body body = {c, scope_new(c, scope), NULL, 0, 0};
  body_scan(&body, forms);
  size_t last = body.count;
  while (last > 0 && !body.list[last - 1].var)
    last--;
  if (body.count == 0) compile_error(c, "a body is empty", forms);
  struct node *letrec = last > 0 ? body_letrec(&body, last) : NULL;
  const size_t rest = body.count - last;
  struct node *sequence = node_new(c, N_SEQUENCE, rest ? rest : 1);
  if (rest == 0) sequence->kids[0] = node_constant(c, W_VOID);
  for (size_t i = 0; i < rest; i++)
    sequence->kids[i] = body_value(&body, &body.list[last + i], tail && i + 1 == rest);
  struct node *node = sequence->count == 1 ? sequence->kids[0] : sequence;
  if (!letrec) return node;
  letrec->a = node;
  return node_letrec_loop(c, letrec, tail);
}
