/* Printing: any term as Gallina that Coq reads, with notations and as few parentheses as they need.
 */
#include "lang/inner.h"

#include <stdio.h>
#include <string.h>

/* Levels as in Coq: what may stand without parentheses. TUPLE: inside a pair's first component. */
enum {
    ATOM = 0,
    ARGUMENT = 9,
    APPLICATION = 10,
    ITEM = 59,
    CONS = 60,
    SCRUTINEE = 100,
    ANY = 200,
    TUPLE = 250
};

typedef enum op {
    TERM,  /* print `term` at `level` */
    TEXT,  /* print `text`, `n` times */
    ENTER, /* bind the hint names [n, n + term) */
    LEAVE  /* forget the last `n` names */
} op;

typedef struct item {
    op op;
    uint32_t level, term, n;
    const char *text;
} item;

typedef struct printer {
    const rlab_store *store;
    const rlab_program *program;
    rlab_text *out;
    RLAB_VEC(item)
    stack;
    rlab_ids env; /* offsets of names in scope, innermost last */
    rlab_text names;
    uint32_t traced;
} printer;

static rlab_status
push(rlab_ctx *ctx, printer *p, item it) {
    if (p->stack.len == p->stack.cap)
        RLAB_TRY(rlab_vec_reserve(ctx, &p->stack, p->stack.len + 1));
    p->stack.at[p->stack.len++] = it;
    return RLAB_OK;
}

static rlab_status
push_term(rlab_ctx *ctx, printer *p, rlab_term term, uint32_t level) {
    item it = {TERM, level, term, 0, NULL};
    return push(ctx, p, it);
}

static rlab_status
push_text(rlab_ctx *ctx, printer *p, const char *text, size_t times) {
    item it = {TEXT, 0, 0, (uint32_t)times, text};
    return push(ctx, p, it);
}

static rlab_status
push_leave(rlab_ctx *ctx, printer *p, uint32_t n) {
    item it = {LEAVE, 0, 0, n, NULL};
    return push(ctx, p, it);
}

static rlab_status
put(rlab_ctx *ctx, printer *p, const char *text) {
    return rlab_text_puts(ctx, p->out, text);
}

/* Opens a parenthesis that the stack will close if a construct of level `mine` stands at `level`.
 */
static rlab_status
open(rlab_ctx *ctx, printer *p, uint32_t mine, uint32_t level) {
    if (mine <= level)
        return RLAB_OK;
    RLAB_TRY(push_text(ctx, p, ")", 1));
    return put(ctx, p, "(");
}

/* ---- names
 * ------------------------------------------------------------------------------------------ */

static bool
taken(const printer *p, const char *name) {
    for (size_t i = 0; i < p->env.len; i++)
        if (strcmp(p->names.at + p->env.at[i], name) == 0)
            return true;
    for (uint32_t g = 0; g < p->program->globals.len; g++)
        if (strcmp(rlab_program_global_name(p->program, g), name) == 0)
            return true;
    for (uint32_t c = 0; c < p->program->ctors.len; c++)
        if (strcmp(rlab_program_ctor_name(p->program, c), name) == 0)
            return true;
    return false;
}

/* Brings a binder into scope under a name nothing else in scope has. */
static rlab_status
bind(rlab_ctx *ctx, printer *p, const char *hint) {
    const char *stem = hint && hint[0] && strcmp(hint, "_") != 0 ? hint : "x";
    uint32_t at = (uint32_t)p->names.len;
    RLAB_TRY(rlab_text_put(ctx, &p->names, stem, strlen(stem) + 1));
    for (uint32_t i = 0; taken(p, p->names.at + at); i++) {
        p->names.len = at;
        RLAB_TRY(rlab_text_puts(ctx, &p->names, stem));
        RLAB_TRY(rlab_text_number(ctx, &p->names, i));
        RLAB_TRY(rlab_text_put(ctx, &p->names, "", 1));
    }
    return rlab_ids_push(ctx, &p->env, at);
}

static const char *
hint_of(const printer *p, rlab_term term, uint32_t i) {
    uint32_t hint = rlab_term_node(p->store, term)->hint;
    return hint ? p->store->names.at + p->store->hints.at[hint + i] : NULL;
}

static const char *
last_name(const printer *p, uint32_t back) {
    return p->names.at + p->env.at[p->env.len - 1 - back];
}

static void
forget(printer *p, uint32_t n) {
    while (n--)
        p->names.len = p->env.at[--p->env.len];
}

static rlab_status
bind_put(rlab_ctx *ctx, printer *p, const char *hint) {
    RLAB_TRY(bind(ctx, p, hint));
    RLAB_TRY(put(ctx, p, " "));
    return put(ctx, p, last_name(p, 0));
}

/* ---- notations
 * ------------------------------------------------------------------------------------------ */

static rlab_notation
notation(const printer *p, rlab_term term) {
    const rlab_node *node = rlab_term_node(p->store, term);
    if (node->kind != RLAB_CTOR || node->count < p->program->ctors.at[node->head].arity)
        return RLAB_NOTATION_NONE;
    return p->program->types.at[p->program->ctors.at[node->head].type].notation;
}

/* Follows a chain of nat successors or conses: their number and where it ends. */
static size_t
chain(const printer *p, rlab_term *term, rlab_notation kind) {
    size_t links = 0;
    while (notation(p, *term) == kind && rlab_term_node(p->store, *term)->count) {
        *term = rlab_term_kids(p->store, *term)[kind == RLAB_NOTATION_LIST];
        links++;
    }
    return links;
}

static rlab_status
print_nat(rlab_ctx *ctx, printer *p, rlab_term term, uint32_t level) {
    rlab_term end = term;
    const char *succ;
    size_t links = chain(p, &end, RLAB_NOTATION_NAT);
    if (notation(p, end) == RLAB_NOTATION_NAT)
        return rlab_text_number(ctx, p->out, links);
    succ = rlab_program_ctor_name(p->program, rlab_term_node(p->store, term)->head);
    RLAB_TRY(open(ctx, p, APPLICATION, level));
    RLAB_TRY(push_text(ctx, p, ")", links - 1));
    RLAB_TRY(push_term(ctx, p, end, ARGUMENT));
    for (size_t i = 0; i < links; i++) {
        RLAB_TRY(put(ctx, p, i ? "(" : ""));
        RLAB_TRY(put(ctx, p, succ));
        RLAB_TRY(put(ctx, p, " "));
    }
    return RLAB_OK;
}

static rlab_status
print_list(rlab_ctx *ctx, printer *p, rlab_term term, uint32_t level) {
    rlab_term end = term;
    size_t links = chain(p, &end, RLAB_NOTATION_LIST), first;
    bool closed = notation(p, end) == RLAB_NOTATION_LIST;
    if (closed)
        RLAB_TRY(put(ctx, p, "["));
    else
        RLAB_TRY(open(ctx, p, CONS, level));
    first = p->stack.len;
    for (size_t i = 0; i < links; i++) {
        if (i)
            RLAB_TRY(push_text(ctx, p, closed ? "; " : " :: ", 1));
        RLAB_TRY(push_term(ctx, p, rlab_term_kids(p->store, term)[0], closed ? ANY : ITEM));
        term = rlab_term_kids(p->store, term)[1];
    }
    if (closed) {
        RLAB_TRY(push_text(ctx, p, "]", 1));
    } else {
        RLAB_TRY(push_text(ctx, p, " :: ", 1));
        RLAB_TRY(push_term(ctx, p, end, CONS));
    }
    for (size_t i = first, j = p->stack.len - 1; i < j; i++, j--) {
        item swap = p->stack.at[i];
        p->stack.at[i] = p->stack.at[j];
        p->stack.at[j] = swap;
    }
    return RLAB_OK;
}

static rlab_status
print_pair(rlab_ctx *ctx, printer *p, rlab_term term, uint32_t level) {
    const rlab_term *kids = rlab_term_kids(p->store, term);
    if (level != TUPLE) {
        RLAB_TRY(put(ctx, p, "("));
        RLAB_TRY(push_text(ctx, p, ")", 1));
    }
    RLAB_TRY(push_term(ctx, p, kids[1], ANY));
    RLAB_TRY(push_text(ctx, p, ", ", 1));
    return push_term(ctx, p, kids[0], TUPLE);
}

/* ---- applications and binders
 * -------------------------------------------------------------------------- */

static rlab_status
push_args(rlab_ctx *ctx, printer *p, rlab_term term, uint32_t first) {
    for (uint32_t i = rlab_term_node(p->store, term)->count; i-- > first;) {
        RLAB_TRY(push_term(ctx, p, rlab_term_kids(p->store, term)[i], ARGUMENT));
        RLAB_TRY(push_text(ctx, p, " ", 1));
    }
    return RLAB_OK;
}

static rlab_status
print_global(rlab_ctx *ctx, printer *p, uint32_t g) {
    const rlab_global_row *rows = p->program->globals.at;
    if (p->traced == g)
        return put(ctx, p, "UNROLL");
    if (p->traced != UINT32_MAX && rows[g].group == rows[p->traced].group)
        RLAB_TRY(put(ctx, p, "UNROLL_"));
    return put(ctx, p, rlab_program_global_name(p->program, g));
}

/* name x y {struct y} :=  with the binders of `n` lambdas; the body under them in *body. */
static rlab_status
fix_head(rlab_ctx *ctx, printer *p, rlab_term *body, uint32_t n, uint32_t struct_arg) {
    for (uint32_t i = 0; i < n; i++) {
        RLAB_TRY(bind_put(ctx, p, hint_of(p, *body, 0)));
        *body = rlab_term_kids(p->store, *body)[0];
    }
    RLAB_TRY(put(ctx, p, " {struct "));
    RLAB_TRY(put(ctx, p, last_name(p, n - 1 - struct_arg)));
    return put(ctx, p, "} := ");
}

static rlab_status
print_fix(rlab_ctx *ctx, printer *p, rlab_term term) {
    const rlab_node *node = rlab_term_node(p->store, term);
    rlab_term body = rlab_term_kids(p->store, term)[0];
    uint32_t n = node->head & 0xffff;
    RLAB_TRY(put(ctx, p, "fix"));
    RLAB_TRY(bind_put(ctx, p, hint_of(p, term, 0)));
    RLAB_TRY(fix_head(ctx, p, &body, n, node->head >> 16));
    RLAB_TRY(push_leave(ctx, p, n + 1));
    return push_term(ctx, p, body, ANY);
}

/* A binder has no dots: `fix add` for Nat.add. */
static const char *
binder_name(const printer *p, uint32_t g) {
    const char *name = rlab_program_global_name(p->program, g), *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

/* The literal fix of a Fixpoint with the rest of its mutual block. Its text names every member, so
 * it is printed in one piece: a member's body follows when the one before is done. */
static rlab_status
print_fixg(rlab_ctx *ctx, printer *p, uint32_t g, uint32_t member, bool first) {
    const rlab_global_row *rows = p->program->globals.at;
    uint32_t next = member + 1;
    rlab_term body = rows[member].body;
    bool mutual = false;
    RLAB_TRY(put(ctx, p, first ? "fix " : " with "));
    RLAB_TRY(put(ctx, p, binder_name(p, member)));
    RLAB_TRY(fix_head(ctx, p, &body, rows[member].n_args, (uint32_t)rows[member].struct_arg));
    for (uint32_t i = 0; i < p->program->globals.len; i++)
        mutual |= i != g && rows[i].group == rows[g].group && rows[i].struct_arg >= 0;
    while (next < p->program->globals.len && rows[next].group != rows[g].group)
        next++;
    if (next < p->program->globals.len) {
        item it = {ENTER, g, next, 0, NULL};
        RLAB_TRY(push(ctx, p, it));
    } else if (mutual) {
        RLAB_TRY(push_text(ctx, p, binder_name(p, g), 1));
        RLAB_TRY(push_text(ctx, p, " for ", 1));
    }
    RLAB_TRY(push_leave(ctx, p, rows[member].n_args));
    return push_term(ctx, p, body, ANY);
}

static rlab_status
print_lam(rlab_ctx *ctx, printer *p, rlab_term term) {
    uint32_t n = 0;
    RLAB_TRY(put(ctx, p, "fun"));
    for (; rlab_term_node(p->store, term)->kind == RLAB_LAM; n++) {
        RLAB_TRY(bind_put(ctx, p, hint_of(p, term, 0)));
        term = rlab_term_kids(p->store, term)[0];
    }
    RLAB_TRY(put(ctx, p, " => "));
    RLAB_TRY(push_leave(ctx, p, n));
    return push_term(ctx, p, term, ANY);
}

/* The bound term must be printed before the name is in scope, so the name is chosen twice. */
static rlab_status
print_let(rlab_ctx *ctx, printer *p, rlab_term term) {
    item enter = {ENTER, UINT32_MAX, term, 0, NULL};
    RLAB_TRY(put(ctx, p, "let"));
    RLAB_TRY(bind_put(ctx, p, hint_of(p, term, 0)));
    RLAB_TRY(put(ctx, p, " := "));
    forget(p, 1);
    RLAB_TRY(push_leave(ctx, p, 1));
    RLAB_TRY(push_term(ctx, p, rlab_term_kids(p->store, term)[1], ANY));
    RLAB_TRY(push(ctx, p, enter));
    RLAB_TRY(push_text(ctx, p, " in ", 1));
    return push_term(ctx, p, rlab_term_kids(p->store, term)[0], ANY);
}

/* Branch n of a match, and the task for the next. */
static rlab_status
print_branch(rlab_ctx *ctx, printer *p, rlab_term term, uint32_t n) {
    const rlab_node *node = rlab_term_node(p->store, term);
    uint32_t first = p->program->types.at[node->head].first, name = 0;
    uint32_t arity = p->program->ctors.at[first + n].arity;
    for (uint32_t i = 0; i < n; i++)
        name += p->program->ctors.at[first + i].arity;
    RLAB_TRY(put(ctx, p, " | "));
    RLAB_TRY(put(ctx, p, rlab_program_ctor_name(p->program, first + n)));
    for (uint32_t i = 0; i < arity; i++)
        RLAB_TRY(bind_put(ctx, p, hint_of(p, term, name + i)));
    RLAB_TRY(put(ctx, p, " => "));
    if (n + 2 < node->count) {
        item next = {ENTER, UINT32_MAX, term, n + 1, NULL};
        RLAB_TRY(push(ctx, p, next));
    }
    RLAB_TRY(push_leave(ctx, p, arity));
    return push_term(ctx, p, rlab_term_kids(p->store, term)[n + 1], ANY);
}

static rlab_status
print_match(rlab_ctx *ctx, printer *p, rlab_term term) {
    item first = {ENTER, UINT32_MAX, term, 0, NULL};
    RLAB_TRY(put(ctx, p, "match "));
    RLAB_TRY(push_text(ctx, p, " end", 1));
    if (rlab_term_node(p->store, term)->count > 1)
        RLAB_TRY(push(ctx, p, first));
    RLAB_TRY(push_text(ctx, p, " with", 1));
    return push_term(ctx, p, rlab_term_kids(p->store, term)[0], SCRUTINEE);
}

/* What was put off: the next member of a fix, the name of a let, the next branch of a match. */
static rlab_status
enter(rlab_ctx *ctx, printer *p, const item *it) {
    if (it->level != UINT32_MAX)
        return print_fixg(ctx, p, it->level, it->term, false);
    if (rlab_term_node(p->store, it->term)->kind == RLAB_LET)
        return bind(ctx, p, hint_of(p, it->term, 0));
    return print_branch(ctx, p, it->term, it->n);
}

static uint32_t
first_member(const printer *p, uint32_t g) {
    const rlab_global_row *rows = p->program->globals.at;
    uint32_t member = 0;
    while (rows[member].group != rows[g].group || rows[member].struct_arg < 0)
        member++;
    return member;
}

static rlab_status
print_term(rlab_ctx *ctx, printer *p, rlab_term term, uint32_t level) {
    const rlab_node *node = rlab_term_node(p->store, term);
    switch (notation(p, term)) {
    case RLAB_NOTATION_NAT:
        return print_nat(ctx, p, term, level);
    case RLAB_NOTATION_LIST:
        return print_list(ctx, p, term, level);
    case RLAB_NOTATION_PROD:
        return print_pair(ctx, p, term, level);
    case RLAB_NOTATION_NONE:
        break;
    }
    switch ((rlab_kind)node->kind) {
    case RLAB_VAR:
        if (node->head < p->env.len)
            return put(ctx, p, last_name(p, node->head));
        RLAB_TRY(put(ctx, p, "?"));
        return rlab_text_number(ctx, p->out, node->head - p->env.len);
    case RLAB_GLOBAL:
        return print_global(ctx, p, node->head);
    case RLAB_CTOR:
        if (node->count)
            RLAB_TRY(open(ctx, p, APPLICATION, level));
        RLAB_TRY(push_args(ctx, p, term, 0));
        return put(ctx, p, rlab_program_ctor_name(p->program, node->head));
    case RLAB_APP:
        RLAB_TRY(open(ctx, p, APPLICATION, level));
        RLAB_TRY(push_args(ctx, p, term, 1));
        return push_term(ctx, p, rlab_term_kids(p->store, term)[0], ARGUMENT);
    default:
        break;
    }
    RLAB_TRY(open(ctx, p, ANY, level));
    switch ((rlab_kind)node->kind) {
    case RLAB_FIXG:
        return print_fixg(ctx, p, node->head, first_member(p, node->head), true);
    case RLAB_LAM:
        return print_lam(ctx, p, term);
    case RLAB_LET:
        return print_let(ctx, p, term);
    case RLAB_MATCH:
        return print_match(ctx, p, term);
    default:
        return print_fix(ctx, p, term);
    }
}

static rlab_status
step(rlab_ctx *ctx, printer *p, const item *it) {
    switch (it->op) {
    case TERM:
        return print_term(ctx, p, it->term, it->level);
    case TEXT:
        for (uint32_t i = 0; i < it->n; i++)
            RLAB_TRY(put(ctx, p, it->text));
        return RLAB_OK;
    case ENTER:
        return enter(ctx, p, it);
    case LEAVE:
        forget(p, it->n);
        return RLAB_OK;
    }
    return RLAB_OK;
}

rlab_status
rlab_term_print(rlab_ctx *ctx, rlab_text *out, const rlab_store *store, rlab_term term,
                uint32_t traced) {
    printer p;
    rlab_status status;
    memset(&p, 0, sizeof p);
    p.store = store;
    p.program = store->program;
    p.out = out;
    p.traced = traced;
    status = push_term(ctx, &p, term, ANY);
    while (status == RLAB_OK && p.stack.len) {
        item it = p.stack.at[--p.stack.len];
        status = step(ctx, &p, &it);
    }
    rlab_vec_free(&p.stack);
    rlab_vec_free(&p.env);
    rlab_vec_free(&p.names);
    return status;
}
