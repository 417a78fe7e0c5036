/* expander.c: syntax-rules.
 *
 * A symbol that a template puts in becomes an alias: an identifier of its own, which names the
 * symbol and the scope of the macro's definition.  Where the alias is bound it is a variable that
 * no other name reaches; where it is not, it means what the symbol means in that scope. */
#include "compiler.h"

enum { MACRO_LITERALS, MACRO_RULES, MACRO_SCOPE, MACRO_ELLIPSIS, MACRO_SLOTS };

struct expansion {
  struct compiler *c;
  word macro;
  struct scope *use;
  word renamed; /* (symbol . alias) ... */
  bool plain;   /* within (... ...) */
};

bool is_identifier(word w) {
  return is_type(w, T_SYMBOL) || is_type(w, T_ALIAS);
}

word base_symbol(word identifier) {
  while (is_type(identifier, T_ALIAS))
    identifier = slots_of(identifier)[0];
  return identifier;
}

static word alias_of(struct compiler *c, word name, word scope) {
  const word slots[] = {name, scope};
  return make_values(c->vm, T_ALIAS, 2, slots);
}

word alias_new(struct compiler *c, const char *name) {
  return keep(c, alias_of(c, intern(c->vm, name), 0));
}

static bool has_alias(word form) {
  word slow = form;
  for (bool odd = false; is_pair(form); odd = !odd) {
    if (has_alias(car(form))) return true;
    form = cdr(form);
    if (form == slow) return false; /* a circle */
    if (odd) slow = cdr(slow);
  }
  if (is_type(form, T_VECTOR))
    for (size_t i = 0; i < length_of(form); i++)
      if (has_alias(slots_of(form)[i])) return true;
  return is_type(form, T_ALIAS);
}

static word strip_aliases(struct machine *vm, word form) {
  if (is_pair(form)) {
    const word first = strip_aliases(vm, car(form));
    return cons(vm, first, strip_aliases(vm, cdr(form)));
  }
  if (!is_type(form, T_VECTOR)) return base_symbol(form);
  const word vector = make_vector(vm, length_of(form), 0);
  for (size_t i = 0; i < length_of(form); i++)
    set_slot(vm, vector, i, strip_aliases(vm, slots_of(form)[i]));
  return vector;
}

word strip(struct compiler *c, word form) {
  return has_alias(form) ? keep(c, strip_aliases(c->vm, form)) : form;
}

/* ---- Rules ---- */

word macro_new(struct compiler *c, word rules, struct scope *scope) {
  if (!is_pair(rules) || !is_identifier(car(rules)) ||
      base_symbol(car(rules)) != intern(c->vm, "syntax-rules") || list_length(rules) < 2)
    compile_error(c, "syntax-rules is wanted", rules);
  word ellipsis = intern(c->vm, "..."), rest = cdr(rules);
  if (is_identifier(car(rest))) {
    ellipsis = car(rest);
    rest = cdr(rest);
  }
  const word slots[MACRO_SLOTS] = {car(rest), cdr(rest), (word)(uintptr_t)scope, ellipsis};
  return keep(c, make_values(c->vm, T_MACRO, MACRO_SLOTS, slots));
}

static struct scope *macro_scope(word macro) {
  return (struct scope *)(uintptr_t)slots_of(macro)[MACRO_SCOPE];
}

static bool is_ellipsis(const struct expansion *e, word w) {
  return !e->plain && is_identifier(w) &&
         base_symbol(w) == base_symbol(slots_of(e->macro)[MACRO_ELLIPSIS]);
}

static bool followed_by_ellipsis(const struct expansion *e, word pair) {
  return is_pair(cdr(pair)) && is_ellipsis(e, car(cdr(pair)));
}

static bool is_literal(const struct expansion *e, word name) {
  for (word list = slots_of(e->macro)[MACRO_LITERALS]; is_pair(list); list = cdr(list))
    if (car(list) == name) return true;
  return false;
}

static bool same_binding(word a, struct scope *as, word b, struct scope *bs) {
  const struct binding *first = scope_find(&a, &as), *second = scope_find(&b, &bs);
  return first == second && (first || a == b);
}

static word list_from_vector(struct machine *vm, word vector) {
  word list = W_NIL;
  for (size_t i = length_of(vector); i > 0; i--)
    list = cons(vm, slots_of(vector)[i - 1], list);
  return list;
}

/* ---- Matching: the bindings are (name depth . value) ... ---- */

static bool match(struct expansion *e, word pattern, word form, word *bindings);

static word bind(struct expansion *e, word name, int64_t depth, word value, word bindings) {
  struct machine *vm = e->c->vm;
  return cons(vm, cons(vm, name, cons(vm, fixnum(depth), value)), bindings);
}

static word bound(word name, word bindings) {
  for (; is_pair(bindings); bindings = cdr(bindings))
    if (car(car(bindings)) == name) return car(bindings);
  return W_FALSE;
}

/* The names of a pattern, each with its depth. */
static word pattern_names(struct expansion *e, word pattern, int64_t depth, word names) {
  if (is_identifier(pattern))
    return is_literal(e, pattern) || is_ellipsis(e, pattern)
               ? names
               : bind(e, pattern, depth, W_NIL, names);
  if (is_type(pattern, T_VECTOR)) pattern = list_from_vector(e->c->vm, pattern);
  if (!is_pair(pattern)) return names;
  const bool more = followed_by_ellipsis(e, pattern);
  names = pattern_names(e, car(pattern), depth + more, names);
  return pattern_names(e, more ? cdr(cdr(pattern)) : cdr(pattern), depth, names);
}

static bool match_ellipsis(struct expansion *e, word pattern, word form, word *bindings) {
  struct machine *vm = e->c->vm;
  int64_t after = 0, items = 0;
  for (word p = cdr(cdr(pattern)); is_pair(p); p = cdr(p))
    after++;
  for (word f = form; is_pair(f); f = cdr(f))
    items++;
  if (items < after) return false;
  word matches = W_NIL;
  for (; items > after; items--, form = cdr(form)) {
    word inner = W_NIL;
    if (!match(e, car(pattern), car(form), &inner)) return false;
    matches = cons(vm, inner, matches);
  }
  for (word names = pattern_names(e, car(pattern), 1, W_NIL); is_pair(names); names = cdr(names)) {
    const word name = car(car(names));
    word values = W_NIL;
    for (word m = matches; is_pair(m); m = cdr(m))
      values = cons(vm, cdr(cdr(bound(name, car(m)))), values);
    *bindings = bind(e, name, fixnum_value(car(cdr(car(names)))), values, *bindings);
  }
  return match(e, cdr(cdr(pattern)), form, bindings);
}

static bool match(struct expansion *e, word pattern, word form, word *bindings) {
  if (is_identifier(pattern)) {
    if (is_literal(e, pattern))
      return is_identifier(form) && same_binding(form, e->use, pattern, macro_scope(e->macro));
    *bindings = bind(e, pattern, 0, form, *bindings);
    return true;
  }
  if (is_pair(pattern)) {
    if (followed_by_ellipsis(e, pattern)) return match_ellipsis(e, pattern, form, bindings);
    return is_pair(form) && match(e, car(pattern), car(form), bindings) &&
           match(e, cdr(pattern), cdr(form), bindings);
  }
  if (is_type(pattern, T_VECTOR))
    return is_type(form, T_VECTOR) && match(e, list_from_vector(e->c->vm, pattern),
                                            list_from_vector(e->c->vm, form), bindings);
  return equal(e->c->vm, pattern, form);
}

/* ---- Templates ---- */

static word fill(struct expansion *e, word template, word bindings);

static word fill_name(struct expansion *e, word name, word bindings) {
  const word entry = bound(name, bindings);
  if (entry != W_FALSE) return cdr(cdr(entry));
  const word renamed = bound(name, e->renamed);
  if (renamed != W_FALSE) return cdr(renamed);
  const word alias = alias_of(e->c, name, slots_of(e->macro)[MACRO_SCOPE]);
  e->renamed = cons(e->c->vm, cons(e->c->vm, name, alias), e->renamed);
  return alias;
}

/* The bindings with the first of each list, for names of the template; W_FALSE: one has ended. */
static word fill_step(struct expansion *e, word names, word bindings, word *next, bool *any) {
  word now = bindings;
  *next = bindings;
  *any = false;
  for (; is_pair(names); names = cdr(names)) {
    const word name = car(car(names)), entry = bound(name, bindings);
    if (entry == W_FALSE || car(cdr(entry)) == 0) continue;
    if (!is_pair(cdr(cdr(entry)))) return W_FALSE;
    const int64_t depth = fixnum_value(car(cdr(entry)));
    now = bind(e, name, depth - 1, car(cdr(cdr(entry))), now);
    *next = bind(e, name, depth, cdr(cdr(cdr(entry))), *next);
    *any = true;
  }
  return now;
}

static word fill_ellipsis(struct expansion *e, word template, int depth, word bindings) {
  struct machine *vm = e->c->vm;
  if (depth == 0) return cons(vm, fill(e, template, bindings), W_NIL);
  const word names = pattern_names(e, template, 0, W_NIL);
  word reversed = W_NIL, next;
  for (bool any;; bindings = next) {
    const word now = fill_step(e, names, bindings, &next, &any);
    if (now == W_FALSE) break;
    if (!any) compile_error(e->c, "nothing of the template repeats", template);
    for (word list = fill_ellipsis(e, template, depth - 1, now); is_pair(list); list = cdr(list))
      reversed = cons(vm, car(list), reversed);
  }
  return list_reverse(vm, reversed);
}

static word fill(struct expansion *e, word template, word bindings) {
  struct machine *vm = e->c->vm;
  machine_recurse(vm);
  if (is_identifier(template)) return fill_name(e, template, bindings);
  if (is_type(template, T_VECTOR)) {
    word list = fill(e, list_from_vector(vm, template), bindings);
    const word vector = make_vector(vm, (size_t)list_length(list), 0);
    for (size_t i = 0; i < length_of(vector); i++, list = cdr(list))
      set_slot(vm, vector, i, car(list));
    return vector;
  }
  if (!is_pair(template)) return template;
  if (is_ellipsis(e, car(template)) && is_pair(cdr(template))) {
    e->plain = true;
    const word form = fill(e, car(cdr(template)), bindings);
    e->plain = false;
    return form;
  }
  if (!followed_by_ellipsis(e, template)) {
    const word first = fill(e, car(template), bindings);
    return cons(vm, first, fill(e, cdr(template), bindings));
  }
  int depth = 1;
  word rest = cdr(cdr(template));
  for (; is_pair(rest) && is_ellipsis(e, car(rest)); rest = cdr(rest))
    depth++;
  word items = list_reverse(vm, fill_ellipsis(e, car(template), depth, bindings));
  word result = fill(e, rest, bindings);
  for (; is_pair(items); items = cdr(items))
    result = cons(vm, car(items), result);
  return result;
}

word macro_expand(struct compiler *c, word macro, word form, struct scope *scope) {
  struct expansion e = {c, macro, scope, W_NIL, false};
  for (word rules = slots_of(macro)[MACRO_RULES]; is_pair(rules); rules = cdr(rules)) {
    word bindings = W_NIL;
    const word rule = car(rules);
    if (is_pair(rule) && is_pair(car(rule)) && match(&e, cdr(car(rule)), cdr(form), &bindings))
      return keep(c, fill(&e, car(cdr(rule)), bindings));
  }
  compile_error(c, "no rule of the macro matches", form);
}

word macro_of(struct compiler *c, word form, struct scope *scope) {
  (void)c;
  if (!is_pair(form) || !is_identifier(car(form))) return W_FALSE;
  word name = car(form);
  const struct binding *binding = scope_find(&name, &scope);
  if (binding) return binding->var ? W_FALSE : binding->macro;
  const word syntax = symbol_slot(name, SYMBOL_SYNTAX);
  return is_type(syntax, T_MACRO) ? syntax : W_FALSE;
}
