/* compiler.h: from a form to code, in three passes over a tree of nodes.
 *
 *   analyzer, forms, expander   a form becomes a tree; macros are expanded on the way
 *   resolver                    which variables a procedure takes from the one around it
 *   generator                   instructions
 *
 * The tree is malloc'd in an arena that the next compilation frees.  It refers to objects that
 * `keep` refers to, which is on C's stack. */
#ifndef SCHEME_COMPILER_H
#define SCHEME_COMPILER_H

#include "ops.h"

enum node_kind {
  N_CONSTANT, /* value */
  N_LOCAL,    /* var */
  N_GLOBAL,   /* value: the symbol */
  N_SET,      /* var, a */
  N_SET_GLOBAL,
  N_DEFINE,
  N_IF,      /* a, b, c */
  N_OR,      /* a, b */
  N_TEST,    /* op, kids: true or false */
  N_INLINE,  /* op, kids */
  N_BUILTIN, /* value: the builtin; kids */
  N_SEQUENCE,
  N_LAMBDA,
  N_CALL,   /* a, kids */
  N_LET,    /* vars, kids, a */
  N_LETREC, /* vars, kids, a */
  N_LOOP,   /* lambda, kids: a procedure that is called in its own tail positions alone */
  N_AGAIN,  /* lambda, kids: such a call */
};

struct var {
  word name;
  struct lambda *owner;
  bool assigned, captured, unset;
  bool procedure; /* of a letrec, where its value is a lambda */
  int group;      /* lambdas in a row */
  int slot;
  struct call *calls;
  int references, call_count;
};

struct node {
  enum node_kind kind;
  enum op op;
  word value;
  struct var *var;
  struct lambda *lambda;
  struct node *a, *b, *c;
  struct node **kids;
  struct var **vars;
  size_t count;
};

/* A call of a variable that might be a loop. */
struct call {
  struct call *next;
  struct node *node;
  struct lambda *in;
  bool tail;
};

struct lambda {
  struct lambda *parent;
  struct node *body;
  struct var **vars; /* parameters, the rest list last */
  size_t count;
  bool rest;
  bool loop;      /* is no procedure of its own */
  bool loop_tail; /* and was entered in a tail position */
  size_t start;   /* its first instruction then */
  struct var **free;
  size_t free_count, free_room;
  word name;
};

/* A name in a scope is a variable, or a macro. */
struct binding {
  struct binding *next;
  word name;
  struct var *var;
  word macro;
};

struct scope {
  struct scope *up;
  struct binding *bindings;
};

struct chunk {
  struct chunk *next;
  size_t used;
  char bytes[65536 - 2 * sizeof(size_t)];
};

struct compiler {
  struct machine *vm;
  struct lambda *lambda;
  word keep;
};

/* ---- Parts ---- */

void *arena(struct compiler *c, size_t bytes);
word keep(struct compiler *c, word value);
struct node *node_new(struct compiler *c, enum node_kind kind, size_t kids);
struct node *node_constant(struct compiler *c, word value);
_Noreturn void compile_error(struct compiler *c, const char *message, word form);

struct node *analyze(struct compiler *c, word form, struct scope *scope, bool tail);
struct node *analyze_body(struct compiler *c, word forms, struct scope *scope, bool tail);
struct node *analyze_lambda(struct compiler *c, word name, word parameters, word body,
                            struct scope *scope);
struct node *node_let(struct compiler *c, size_t count, struct scope *scope);
struct var *scope_add(struct compiler *c, struct scope *scope, word name);
struct scope *scope_new(struct compiler *c, struct scope *up);
struct binding *scope_find(word *name, struct scope **scope);
struct node *node_letrec_loop(struct compiler *c, struct node *letrec, bool tail);

word strip(struct compiler *c, word form);
bool is_identifier(word w);
word base_symbol(word identifier);
word macro_of(struct compiler *c, word form, struct scope *scope); /* W_FALSE: no macro's use */
word macro_new(struct compiler *c, word rules, struct scope *scope);
word macro_expand(struct compiler *c, word macro, word form, struct scope *scope);
word alias_new(struct compiler *c, const char *name);
bool is_keyword(struct compiler *c, word w, struct scope *scope, const char *name);
word list_of(struct compiler *c, size_t count, const word *items);
#define LIST(c, ...)                                                                               \
  list_of(c, sizeof((const word[]){__VA_ARGS__}) / sizeof(word), (const word[]){__VA_ARGS__})

/* A special form's number is in its symbol's slot SYMBOL_SYNTAX. */
typedef struct node *form_fn(struct compiler *c, word form, struct scope *scope, bool tail);
form_fn *special_form(word symbol, struct scope *scope);
struct form_row {
  const char *name;
  form_fn *function;
};
extern const struct form_row compiler_forms[];
bool is_form(word form, struct scope *scope, form_fn *function);
struct node *form_begin(struct compiler *c, word form, struct scope *scope, bool tail);
struct node *form_define(struct compiler *c, word form, struct scope *scope, bool tail);
struct node *form_define_syntax(struct compiler *c, word form, struct scope *scope, bool tail);
struct node *form_lambda(struct compiler *c, word form, struct scope *scope, bool tail);

struct inline_row {
  const char *name;
  enum op op;
  size_t arguments;
  bool test;
};
extern const struct inline_row compiler_inlines[];

struct lambda *lambda_real(struct lambda *lambda);
void resolve(struct compiler *c, struct node *node, struct lambda *lambda);
bool node_mentions(const struct node *node, const struct var *var);
word generate(struct compiler *c, struct lambda *lambda);

#endif
