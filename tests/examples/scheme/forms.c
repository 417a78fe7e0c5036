/* forms.c: special forms. */
#include "compiler.h"

static word second(word list) {
  return car(cdr(list));
}

static word third(word list) {
  return car(cdr(cdr(list)));
}

static void form_length(struct compiler *c, word form, int64_t least, int64_t most) {
  const int64_t length = list_length(form);
  if (length < least || length > most) compile_error(c, "a form has the wrong length", form);
}

static struct node *form_quote(struct compiler *c, word form, struct scope *scope, bool tail) {
  (void)scope, (void)tail;
  form_length(c, form, 2, 2);
  return node_constant(c, strip(c, second(form)));
}

static struct node *form_if(struct compiler *c, word form, struct scope *scope, bool tail) {
  form_length(c, form, 3, 4);
  struct node *node = node_new(c, N_IF, 0);
  node->a = analyze(c, second(form), scope, false);
  node->b = analyze(c, third(form), scope, tail);
  const word rest = cdr(cdr(cdr(form)));
  node->c = rest == W_NIL ? node_constant(c, W_VOID) : analyze(c, car(rest), scope, tail);
  while (node->a->kind == N_TEST && node->a->op == OP_if_true) { /* not */
    struct node *swap = node->b;
    node->a = node->a->kids[0];
    node->b = node->c;
    node->c = swap;
  }
  return node;
}

static struct node *sequence(struct compiler *c, word forms, struct scope *scope, bool tail) {
  const int64_t length = list_length(forms);
  if (length == 0) return node_constant(c, W_VOID);
  if (length == 1) return analyze(c, car(forms), scope, tail);
  struct node *node = node_new(c, N_SEQUENCE, (size_t)length);
  for (size_t i = 0; i < node->count; i++, forms = cdr(forms))
    node->kids[i] = analyze(c, car(forms), scope, tail && i + 1 == node->count);
  return node;
}

struct node *form_begin(struct compiler *c, word form, struct scope *scope, bool tail) {
  return sequence(c, cdr(form), scope, tail);
}

struct node *form_lambda(struct compiler *c, word form, struct scope *scope, bool tail) {
  (void)tail;
  form_length(c, form, 3, INT64_MAX);
  return analyze_lambda(c, W_FALSE, second(form), cdr(cdr(form)), scope);
}

static struct node *form_set(struct compiler *c, word form, struct scope *scope, bool tail) {
  (void)tail;
  form_length(c, form, 3, 3);
  word name = second(form);
  if (!is_identifier(name)) compile_error(c, "a name is wanted", form);
  struct node *value = analyze(c, third(form), scope, false);
  const struct binding *binding = scope_find(&name, &scope);
  struct node *node = node_new(c, binding ? N_SET : N_SET_GLOBAL, 0);
  node->a = value;
  if (binding) {
    if (!binding->var) compile_error(c, "a macro's name is no variable", form);
    node->var = binding->var;
    node->var->assigned = true;
    node->var->references++;
  } else {
    node->value = name;
    set_slot(c->vm, name, SYMBOL_INLINE, W_FALSE);
  }
  return node;
}

struct node *form_define(struct compiler *c, word form, struct scope *scope, bool tail) {
  (void)tail;
  form_length(c, form, 2, INT64_MAX);
  word target = second(form), value = cdr(cdr(form));
  while (is_pair(target) && is_pair(car(target))) {
    value = LIST(c, cons(c->vm, intern(c->vm, "lambda"), cons(c->vm, cdr(target), value)));
    target = car(target);
  }
  const word name = base_symbol(is_pair(target) ? car(target) : target);
  if (!is_type(name, T_SYMBOL)) compile_error(c, "a name is wanted", form);
  symbol_keep(c->vm, name);
  set_slot(c->vm, name, SYMBOL_SYNTAX, W_FALSE);
  set_slot(c->vm, name, SYMBOL_INLINE, W_FALSE);
  struct node *node = node_new(c, N_DEFINE, 0);
  node->value = name;
  if (is_pair(target))
    node->a = analyze_lambda(c, name, cdr(target), value, scope);
  else if (value == W_NIL)
    node->a = node_constant(c, W_VOID);
  else if (is_form(car(value), scope, form_lambda) && list_length(car(value)) > 2)
    node->a = analyze_lambda(c, name, second(car(value)), cdr(cdr(car(value))), scope);
  else
    node->a = analyze(c, car(value), scope, false);
  return node;
}

/* ---- let and its like ---- */

static word binding_value(struct compiler *c, word binding) {
  if (list_length(binding) != 2) compile_error(c, "a binding is a name and a value", binding);
  return second(binding);
}

static struct node *named_let(struct compiler *c, word form, struct scope *scope, bool tail) {
  word names = W_NIL, values = W_NIL;
  for (word list = third(form); is_pair(list); list = cdr(list)) {
    values = cons(c->vm, binding_value(c, car(list)), values);
    names = cons(c->vm, car(car(list)), names);
  }
  values = list_reverse(c->vm, values);
  names = keep(c, list_reverse(c->vm, names));
  struct node *letrec = node_new(c, N_LETREC, 1);
  struct scope *inner = scope_new(c, scope);
  letrec->vars = arena(c, sizeof *letrec->vars);
  letrec->vars[0] = scope_add(c, inner, second(form));
  letrec->kids[0] = analyze_lambda(c, second(form), names, cdr(cdr(cdr(form))), inner);
  struct node *call = node_new(c, N_CALL, (size_t)list_length(values));
  for (size_t i = 0; i < call->count; i++, values = cdr(values))
    call->kids[i] = analyze(c, car(values), scope, false);
  struct call *note = arena(c, sizeof *note);
  call->a = node_new(c, N_LOCAL, 0);
  call->a->var = letrec->vars[0];
  call->a->var->references++;
  call->a->var->call_count++;
  *note = (struct call){call->a->var->calls, call, c->lambda, tail};
  call->a->var->calls = note;
  letrec->a = call;
  return node_letrec_loop(c, letrec, tail);
}

static struct node *form_let(struct compiler *c, word form, struct scope *scope, bool tail) {
  form_length(c, form, 3, INT64_MAX);
  if (is_identifier(second(form))) return named_let(c, form, scope, tail);
  word bindings = second(form);
  const int64_t count = list_length(bindings);
  if (count < 0) compile_error(c, "bindings are no list", form);
  struct node *let = node_let(c, (size_t)count, scope);
  for (size_t i = 0; i < let->count; i++, bindings = cdr(bindings))
    let->kids[i] = analyze(c, binding_value(c, car(bindings)), scope, false);
  struct scope *inner = scope_new(c, scope);
  bindings = second(form);
  for (size_t i = 0; i < let->count; i++, bindings = cdr(bindings))
    let->vars[i] = scope_add(c, inner, car(car(bindings)));
  let->a = analyze_body(c, cdr(cdr(form)), inner, tail);
  return let;
}

/* As a body with definitions. */
static struct node *form_letrec(struct compiler *c, word form, struct scope *scope, bool tail) {
  form_length(c, form, 3, INT64_MAX);
  word forms = W_NIL;
  for (word list = second(form); is_pair(list); list = cdr(list))
    forms = cons(
        c->vm, LIST(c, alias_new(c, "define"), car(car(list)), binding_value(c, car(list))), forms);
  const word body = keep(c, cons(c->vm, alias_new(c, "let"), cons(c->vm, W_NIL, cdr(cdr(form)))));
  forms = keep(c, list_reverse(c->vm, cons(c->vm, body, forms)));
  return analyze_body(c, forms, scope, tail);
}

static struct node *form_do(struct compiler *c, word form, struct scope *scope, bool tail) {
  form_length(c, form, 3, INT64_MAX);
  struct machine *vm = c->vm;
  const word loop = alias_new(c, "do"), exit = third(form);
  word bindings = W_NIL, steps = W_NIL;
  for (word list = second(form); is_pair(list); list = cdr(list)) {
    const word one = car(list);
    bindings = cons(vm, LIST(c, car(one), second(one)), bindings);
    steps = cons(vm, is_pair(cdr(cdr(one))) ? third(one) : car(one), steps);
  }
  const word again = cons(vm, loop, list_reverse(vm, steps));
  word body = list_reverse(vm, cdr(cdr(cdr(form))));
  body = list_reverse(vm, cons(vm, again, body));
  const word begin = alias_new(c, "begin");
  const word choice =
      LIST(c, alias_new(c, "if"), car(exit), cons(vm, begin, cdr(exit)), cons(vm, begin, body));
  const word let = LIST(c, alias_new(c, "let"), loop, list_reverse(vm, bindings), choice);
  return analyze(c, let, scope, tail);
}

/* ---- Conditions ---- */

static struct node *form_and(struct compiler *c, word form, struct scope *scope, bool tail) {
  if (cdr(form) == W_NIL) return node_constant(c, W_TRUE);
  if (cdr(cdr(form)) == W_NIL) return analyze(c, second(form), scope, tail);
  struct node *node = node_new(c, N_IF, 0);
  node->a = analyze(c, second(form), scope, false);
  node->b = form_and(c, cdr(form), scope, tail);
  node->c = node_constant(c, W_FALSE);
  return node;
}

static struct node *form_or(struct compiler *c, word form, struct scope *scope, bool tail) {
  if (cdr(form) == W_NIL) return node_constant(c, W_FALSE);
  if (cdr(cdr(form)) == W_NIL) return analyze(c, second(form), scope, tail);
  struct node *node = node_new(c, N_OR, 0);
  node->a = analyze(c, second(form), scope, false);
  node->b = form_or(c, cdr(form), scope, tail);
  return node;
}

/* (test => f), before other clauses */
static struct node *cond_arrow(struct compiler *c, word clause, word rest, struct scope *scope,
                               bool tail) {
  struct machine *vm = c->vm;
  const word name = alias_new(c, "t");
  const word more = cons(vm, alias_new(c, "cond"), rest);
  const word choice = LIST(c, alias_new(c, "if"), name, LIST(c, third(clause), name), more);
  const word bindings = LIST(c, LIST(c, name, car(clause)));
  return analyze(c, LIST(c, alias_new(c, "let"), bindings, choice), scope, tail);
}

static struct node *form_cond(struct compiler *c, word form, struct scope *scope, bool tail) {
  const word clauses = cdr(form);
  if (clauses == W_NIL) return node_constant(c, W_VOID);
  const word clause = car(clauses);
  if (list_length(clause) < 1) compile_error(c, "a clause is a list", clause);
  if (is_keyword(c, car(clause), scope, "else")) return sequence(c, cdr(clause), scope, tail);
  if (list_length(clause) == 3 && is_keyword(c, second(clause), scope, "=>"))
    return cond_arrow(c, clause, cdr(clauses), scope, tail);
  const bool alone = cdr(clause) == W_NIL;
  struct node *node = node_new(c, alone ? N_OR : N_IF, 0);
  node->a = analyze(c, car(clause), scope, false);
  if (alone) {
    node->b = form_cond(c, clauses, scope, tail);
    return node;
  }
  node->b = sequence(c, cdr(clause), scope, tail);
  node->c = form_cond(c, clauses, scope, tail);
  while (node->a->kind == N_TEST && node->a->op == OP_if_true) {
    struct node *swap = node->b;
    node->a = node->a->kids[0];
    node->b = node->c;
    node->c = swap;
  }
  return node;
}

static word case_test(struct compiler *c, word key, word data) {
  word tests = W_NIL;
  for (; is_pair(data); data = cdr(data)) {
    const word datum = strip(c, car(data));
    const bool same = is_type(datum, T_SYMBOL) || !is_object(datum) ? !is_flonum(datum) : false;
    tests = cons(
        c->vm,
        LIST(c, alias_new(c, same ? "%eq?" : "eqv?"), key, LIST(c, alias_new(c, "quote"), datum)),
        tests);
  }
  return keep(c, cons(c->vm, alias_new(c, "or"), list_reverse(c->vm, tests)));
}

static struct node *form_case(struct compiler *c, word form, struct scope *scope, bool tail) {
  form_length(c, form, 3, INT64_MAX);
  struct machine *vm = c->vm;
  const word key = alias_new(c, "key");
  word clauses = W_NIL;
  for (word list = cdr(cdr(form)); is_pair(list); list = cdr(list)) {
    const word clause = car(list);
    word body = cdr(clause);
    if (is_pair(body) && is_keyword(c, car(body), scope, "=>"))
      body = LIST(c, LIST(c, second(body), key));
    const bool other = is_keyword(c, car(clause), scope, "else");
    const word test = other ? alias_new(c, "else") : case_test(c, key, car(clause));
    clauses = cons(vm, keep(c, cons(vm, test, body)), clauses);
  }
  const word cond = cons(vm, alias_new(c, "cond"), list_reverse(vm, clauses));
  const word bindings = LIST(c, LIST(c, key, second(form)));
  return analyze(c, LIST(c, alias_new(c, "let"), bindings, cond), scope, tail);
}

/* ---- Quasiquotation: as calls of %cons and %append ---- */

static word quasi(struct compiler *c, word form, int64_t depth, struct scope *scope);

static word quasi_list(struct compiler *c, word form, int64_t depth, struct scope *scope) {
  const word first = car(form);
  if (is_keyword(c, first, scope, "unquote") && depth == 1) return second(form);
  if (is_keyword(c, first, scope, "unquote")) depth--;
  if (is_keyword(c, first, scope, "quasiquote")) depth++;
  if (depth == 1 && is_pair(first) && is_keyword(c, car(first), scope, "unquote-splicing"))
    return LIST(c, alias_new(c, "%append"), second(first), quasi(c, cdr(form), depth, scope));
  const word head = quasi(
      c, first, depth - (is_pair(first) && is_keyword(c, car(first), scope, "unquote-splicing")),
      scope);
  return LIST(c, alias_new(c, "%cons"), head, quasi(c, cdr(form), depth, scope));
}

static word quasi(struct compiler *c, word form, int64_t depth, struct scope *scope) {
  machine_recurse(c->vm);
  if (is_pair(form)) return quasi_list(c, form, depth, scope);
  if (is_type(form, T_VECTOR)) {
    word list = W_NIL;
    for (size_t i = length_of(form); i > 0; i--)
      list = keep(c, cons(c->vm, slots_of(form)[i - 1], list));
    return LIST(c, alias_new(c, "list->vector"), quasi(c, list, depth, scope));
  }
  if (!is_identifier(form) && form != W_NIL) return form;
  return LIST(c, alias_new(c, "quote"), form);
}

static struct node *form_quasi(struct compiler *c, word form, struct scope *scope, bool tail) {
  form_length(c, form, 2, 2);
  return analyze(c, quasi(c, second(form), 1, scope), scope, tail);
}

/* ---- Syntax ---- */

struct node *form_define_syntax(struct compiler *c, word form, struct scope *scope, bool tail) {
  (void)tail;
  form_length(c, form, 3, 3);
  const word name = base_symbol(second(form)), rules = third(form);
  if (!is_type(name, T_SYMBOL)) compile_error(c, "a name is wanted", form);
  word syntax = W_FALSE; /* an alias of a form or macro, or rules */
  if (is_identifier(rules))
    syntax = symbol_slot(base_symbol(rules), SYMBOL_SYNTAX);
  else
    syntax = macro_new(c, rules, scope);
  symbol_keep(c->vm, name);
  set_slot(c->vm, name, SYMBOL_SYNTAX, syntax);
  return node_constant(c, W_VOID);
}

/* As a body with definitions of syntax: so each rule sees the others, as letrec-syntax asks. */
static struct node *form_let_syntax(struct compiler *c, word form, struct scope *scope, bool tail) {
  form_length(c, form, 3, INT64_MAX);
  word forms = cdr(cdr(form));
  for (word list = second(form); is_pair(list); list = cdr(list)) {
    const word define = LIST(c, alias_new(c, "define-syntax"), car(car(list)), second(car(list)));
    forms = cons(c->vm, define, forms);
  }
  return analyze_body(c, keep(c, forms), scope, tail);
}

static struct node *form_import(struct compiler *c, word form, struct scope *scope, bool tail) {
  (void)form, (void)scope, (void)tail;
  return node_constant(c, W_VOID);
}

const struct form_row compiler_forms[] = {
    {"quote", form_quote},
    {"if", form_if},
    {"begin", form_begin},
    {"lambda", form_lambda},
    {"set!", form_set},
    {"define", form_define},
    {"let", form_let},
    {"letrec", form_letrec},
    {"letrec*", form_letrec},
    {"do", form_do},
    {"and", form_and},
    {"or", form_or},
    {"cond", form_cond},
    {"case", form_case},
    {"quasiquote", form_quasi},
    {"define-syntax", form_define_syntax},
    {"let-syntax", form_let_syntax},
    {"letrec-syntax", form_let_syntax},
    {"import", form_import},
    {NULL, NULL},
};

/* One name's rows stand together. */
const struct inline_row compiler_inlines[] = {
    {"car", OP_car, 1, false},
    {"cdr", OP_cdr, 1, false},
    {"cons", OP_cons, 2, false},
    {"%cons", OP_cons, 2, false},
    {"set-car!", OP_set_car, 2, false},
    {"set-cdr!", OP_set_cdr, 2, false},
    {"vector-ref", OP_vector_ref, 2, false},
    {"vector-set!", OP_vector_set, 3, false},
    {"string-ref", OP_string_ref, 2, false},
    {"+", OP_add, 2, false},
    {"-", OP_subtract, 2, false},
    {"*", OP_multiply, 2, false},
    {"/", OP_divide, 2, false},
    {"quotient", OP_quotient, 2, false},
    {"remainder", OP_remainder, 2, false},
    {"eq?", OP_if_eq, 2, true},
    {"%eq?", OP_if_eq, 2, true},
    {"pair?", OP_if_pair, 1, true},
    {"null?", OP_if_null, 1, true},
    {"not", OP_if_true, 1, true},
    {"zero?", OP_if_same_k, 1, true},
    {"<", OP_if_less, 2, true},
    {"<=", OP_if_less_same, 2, true},
    {">", OP_if_greater, 2, true},
    {">=", OP_if_greater_same, 2, true},
    {"=", OP_if_same, 2, true},
    {NULL, OP_COUNT, 0, false},
};
