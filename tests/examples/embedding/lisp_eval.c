/* lisp_eval.c: evaluation, calls and errors. */
#include "lisp.h"

#include <gait/scope.h>

/* ---- Errors ---- */

/* [protect] */
bool lisp_protect(struct evaluator *ev, lisp_body_fn *function, void *arg) {
  jmp_buf escape, *outer = ev->escape;
  const size_t top = ev->top;
  gait_scope scope;
  volatile bool done = false;
  gait_scope_open(ev->thread, &scope);
  ev->escape = &escape;
  if (setjmp(escape) == 0) {
    function(ev, arg);
    done = true;
  }
  ev->escape = outer;
  drop(ev, top);
  gait_scope_close(ev->thread, &scope); /* and those that an error has left open */
  return done;
}

_Noreturn void lisp_error(struct evaluator *ev, const char *message) {
  ev->error = message;
  longjmp(*ev->escape, 1);
}
/* [end] */

/* ---- Forms ---- */

static word lookup(word symbol, word scope) {
  for (; scope != 0; scope = rest(scope))
    if (first(first(scope)) == symbol) return rest(first(scope));
  return gait_load_word(&((struct symbol *)object_of(symbol))->value);
}

static word argument(struct evaluator *ev, word form, size_t index) {
  while (index-- > 0 && is_type(form, TYPE_PAIR))
    form = rest(form);
  if (!is_type(form, TYPE_PAIR)) lisp_error(ev, "a form is too short");
  return first(form);
}

static word eval_all(struct evaluator *ev, word forms, word scope) {
  word value = 0;
  for (; forms != 0; forms = rest(forms))
    value = eval(ev, first(forms), scope);
  return value;
}

/* [while] */
static word eval_while(struct evaluator *ev, word form, word scope) {
  while (eval(ev, argument(ev, form, 1), scope) != 0) {
    eval_all(ev, rest(rest(form)), scope);
    gait_thread_poll(ev->thread); /* a body may allocate nothing */
  }
  return 0;
}
/* [end] */

static word eval_define(struct evaluator *ev, word form, word scope) {
  const word symbol = argument(ev, form, 1), value = eval(ev, argument(ev, form, 2), scope);
  if (!is_type(symbol, TYPE_SYMBOL)) lisp_error(ev, "a name is wanted");
  for (; scope != 0; scope = rest(scope))
    if (first(first(scope)) == symbol) {
      gait_store_word(ev->thread, &((struct pair *)object_of(first(scope)))->rest, value);
      return symbol;
    }
  gait_store_word(ev->thread, &((struct symbol *)object_of(symbol))->value, value);
  return symbol;
}

/* Evaluates all of a form that is a call, on the stack. */
static word eval_call(struct evaluator *ev, word form, word scope) {
  const size_t at = ev->top;
  for (; is_type(form, TYPE_PAIR); form = rest(form))
    push(ev, eval(ev, first(form), scope));
  return apply(ev, at, ev->top - at - 1);
}

static word eval_special(struct evaluator *ev, uint64_t special, word form, word scope) {
  switch (special) {
  case SPECIAL_QUOTE: return argument(ev, form, 1);
  case SPECIAL_IF:
    if (eval(ev, argument(ev, form, 1), scope) != 0) return eval(ev, argument(ev, form, 2), scope);
    return eval_all(ev, rest(rest(rest(form))), scope);
  case SPECIAL_LAMBDA: return make_function(ev, argument(ev, form, 1), rest(rest(form)), scope);
  case SPECIAL_DEFINE: return eval_define(ev, form, scope);
  case SPECIAL_WHILE: return eval_while(ev, form, scope);
  default: return eval_call(ev, form, scope);
  }
}

/* [eval] */
word eval(struct evaluator *ev, word form, word scope) {
  if (is_type(form, TYPE_SYMBOL)) return lookup(form, scope);
  if (!is_type(form, TYPE_PAIR)) return form;
  const size_t base = ev->top;
  push(ev, form); /* whatever happens below, the form and its scope are there */
  push(ev, scope);
  const word head = first(form);
  const uint64_t special =
      is_type(head, TYPE_SYMBOL) ? ((struct symbol *)object_of(head))->special : 0;
  const word value = eval_special(ev, special, form, scope);
  drop(ev, base);
  return value; /* held by nobody now: the caller pushes it before the next safepoint */
}
/* [end] */

/* ---- Calls ---- */

/* [apply] */
static word apply_function(struct evaluator *ev, size_t at, size_t count) {
  const struct function *function = object_of(ev->stack[at]);
  word parameters = function->parameters;
  const size_t scope = ev->top;
  push(ev, function->scope);
  for (size_t i = 0; i < count && parameters != 0; i++, parameters = rest(parameters)) {
    const word binding = cons(ev, first(parameters), ev->stack[at + 1 + i]);
    ev->stack[scope] = cons(ev, binding, ev->stack[scope]);
  }
  if (parameters != 0) lisp_error(ev, "arguments are missing");
  return eval_all(ev, function->body, ev->stack[scope]);
}
/* [end] */

word apply(struct evaluator *ev, size_t at, size_t count) {
  if (is_type(ev->stack[at], TYPE_FUNCTION)) return apply_function(ev, at, count);
  if (!is_type(ev->stack[at], TYPE_BUILTIN)) lisp_error(ev, "a function is wanted");
  const struct builtin *builtin = object_of(ev->stack[at]);
  if (count < builtin->least) lisp_error(ev, "arguments are missing");
  return builtin->function(ev, &ev->stack[at + 1], count);
}

word call(struct evaluator *ev, word function, size_t count, word argument_word) {
  const size_t at = ev->top;
  push(ev, function);
  if (count > 0) push(ev, argument_word);
  const word value = apply(ev, at, count);
  drop(ev, at);
  return value;
}
