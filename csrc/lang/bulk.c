/* Many contractions at once where nobody asks for the terms between: an environment machine that
 * takes exactly the contractions of cbv, one by one and in the same order, and puts together only
 * the last term. The slow truth is reduce.c; recursionlab/language/REDUCTION.md has the rules. */
#include "lang/bulk.h"

#include <string.h>

#define POLL_STEPS 16384
#define FIRST_WORDS ((size_t)1 << 12)
#define MOST_WORDS ((size_t)1 << 23) /* of the arena: 32 MiB */
#define MOST_NODES ((size_t)1 << 30) /* of the store: its terms must stay below RLAB_BULK_CELL */

static inline const rlab_node *
node_of(const rlab_bulk *b, rlab_term term) {
    return rlab_term_node(b->store, term);
}

static void
halt(rlab_bulk *b) {
    b->halted = b->mode;
    b->mode = RLAB_BULK_HALT;
}

/* ---- room: asked for before anything changes, so that a halted machine is whole -------------- */

static bool
make_room(rlab_bulk *b, size_t words, size_t values) {
    size_t need = b->arena.len + words;
    if (need > MOST_WORDS) {
        halt(b);
        return false;
    }
    b->status = rlab_vec_reserve(b->ctx, &b->arena, need > FIRST_WORDS ? need : FIRST_WORDS);
    if (b->status == RLAB_OK)
        b->status = rlab_vec_reserve(b->ctx, &b->values, b->values.len + values);
    if (b->status == RLAB_OK)
        b->status = rlab_vec_reserve(b->ctx, &b->frames, b->frames.len + 1);
    if (b->status != RLAB_OK)
        halt(b);
    return b->status == RLAB_OK;
}

/* Makes sure of `words` of the arena, `values` more values and one frame; false: it is halted. */
static inline bool
room(rlab_bulk *b, size_t words, size_t values) {
    return (b->arena.cap - b->arena.len >= words && b->values.cap - b->values.len >= values &&
            b->frames.cap > b->frames.len) ||
           make_room(b, words, values);
}

/* Whether there is one more contraction to take; false: it is halted. */
static inline bool
may_contract(rlab_bulk *b) {
    if (b->left == 0) {
        halt(b);
        return false;
    }
    b->left--;
    return true;
}

/* ---- parts of the machine ------------------------------------------------------------------- */

static inline void
push_value(rlab_bulk *b, uint32_t value) {
    b->values.at[b->values.len++] = value;
}

static inline void
push_frame(rlab_bulk *b, rlab_bulk_wait wait, rlab_term term, uint32_t env, uint32_t next) {
    rlab_bulk_frame f = {wait, term, env, (uint32_t)b->values.len, next};
    b->frames.at[b->frames.len++] = f;
}

static inline rlab_bulk_frame *
top_frame(const rlab_bulk *b) {
    return b->frames.len ? &b->frames.at[b->frames.len - 1] : NULL;
}

static inline void
to_eval(rlab_bulk *b, rlab_term term, uint32_t env) {
    b->mode = RLAB_BULK_EVAL;
    b->term = term;
    b->env = env;
}

static inline void
to_give(rlab_bulk *b, uint32_t value) {
    b->mode = RLAB_BULK_GIVE;
    b->value = value;
}

/* A new cell of three words. */
static inline uint32_t
closure(rlab_bulk *b, rlab_term term, uint32_t env) {
    uint32_t *at = b->arena.at + b->arena.len, cell = (uint32_t)b->arena.len | RLAB_BULK_CELL;
    at[0] = RLAB_BULK_CLOSURE;
    at[1] = term;
    at[2] = env;
    b->arena.len += 3;
    return cell;
}

/* The value of a term that needs no contraction and no frame; takes at most three words. */
static inline bool
atom(rlab_bulk *b, uint32_t *value, rlab_term term, uint32_t env) {
    const rlab_node *node = node_of(b, term);
    if (node->kind == RLAB_VAR) {
        *value = b->arena.at[env - 1 - node->head];
        return true;
    }
    if (node->free == 0) {
        *value = term;
        return (node->flags & RLAB_TERM_VALUE) != 0;
    }
    if (node->kind != RLAB_LAM && node->kind != RLAB_FIX)
        return false;
    *value = closure(b, term, env);
    return true;
}

/* The environment of `body`, which stands under n binders more than `env`; takes at most
 * body's free indices and n words. */
static inline uint32_t
extend(rlab_bulk *b, uint32_t env, rlab_term body, const uint32_t *values, uint32_t n) {
    uint32_t *at = b->arena.at, free = node_of(b, body)->free;
    if (env != b->arena.len && free > n) {
        for (uint32_t i = free - n; i > 0; i--)
            at[b->arena.len++] = at[env - i];
    }
    for (uint32_t i = 0; i < n; i++)
        at[b->arena.len++] = values[i];
    return (uint32_t)b->arena.len;
}

/* ---- application ---------------------------------------------------------------------------- */

/* The constructor of the cell or term at `base` takes the values behind it, after its own. */
static void
construct(rlab_bulk *b, uint32_t ctor, const uint32_t *own, uint32_t n_own, uint32_t n) {
    uint32_t arity = b->store->program->ctors.at[ctor].arity, *at;
    uint32_t cell = (uint32_t)b->arena.len | RLAB_BULK_CELL, words = 0;
    if (n_own + n > arity) {
        halt(b);
        return;
    }
    at = b->arena.at + b->arena.len;
    if (n_own + n == arity) {
        at[words++] = ctor << 3 | RLAB_BULK_CON;
    } else {
        at[words++] = ctor << 3 | RLAB_BULK_PARTIAL;
        at[words++] = n_own + n;
    }
    for (uint32_t i = 0; i < n_own; i++)
        at[words++] = own[i];
    for (uint32_t i = 0; i < n; i++)
        at[words++] = b->values.at[b->values.len - n + i];
    b->arena.len += words;
    b->values.len = b->base;
    to_give(b, cell);
}

/* The function at `base` has too few arguments. */
static void
pause_application(rlab_bulk *b, uint32_t n) {
    uint32_t cell = (uint32_t)b->arena.len | RLAB_BULK_CELL;
    b->arena.at[b->arena.len++] = n << 3 | RLAB_BULK_PAP;
    memcpy(b->arena.at + b->arena.len, b->values.at + b->base, (n + 1) * sizeof *b->values.at);
    b->arena.len += n + 1;
    b->values.len = b->base;
    to_give(b, cell);
}

/* The value at `base` is replaced by n others. */
static void
replace(rlab_bulk *b, const uint32_t *others, uint32_t n) {
    uint32_t *at = b->values.at + b->base;
    memmove(at + n, at + 1, (b->values.len - b->base - 1) * sizeof *at);
    memcpy(at, others, n * sizeof *at);
    b->values.len += n - 1;
}

/* The `n` arguments behind `base` go into `term`, a beta each; those left over wait. */
static void
enter(rlab_bulk *b, rlab_term term, uint32_t env) {
    uint32_t *at = b->values.at + b->base, n = (uint32_t)b->values.len - b->base - 1, i = 0;
    const rlab_node *node = node_of(b, term);
    while (i < n && node->kind == RLAB_LAM && b->left > 0) {
        term = b->store->kids.at[node->kids];
        env = extend(b, env, term, at + 1 + i, 1);
        node = node_of(b, term);
        b->left--;
        i++;
    }
    if (i < n && node->kind == RLAB_LAM) {
        *at = node->free == 0 ? term : closure(b, term, env);
        memmove(at + 1, at + 1 + i, (n - i) * sizeof *at);
        b->values.len -= i;
        halt(b);
        return;
    }
    memmove(at, at + 1 + i, (n - i) * sizeof *at);
    b->values.len = b->base;
    if (i < n)
        push_frame(b, RLAB_BULK_REST, RLAB_NO_TERM, 0, n - i);
    b->values.len += n - i;
    to_eval(b, term, env);
}

/* delta, and for a Fixpoint iota after it. */
static void
apply_global(rlab_bulk *b, uint32_t global, uint32_t n) {
    const rlab_global_row *row = &b->store->program->globals.at[global];
    if (n < row->n_args) {
        pause_application(b, n);
        return;
    }
    if (!may_contract(b))
        return;
    if (row->struct_arg >= 0 && b->left == 0) {
        b->status = rlab_term_intern(b->ctx, &b->values.at[b->base], b->store, RLAB_FIXG, global,
                                     NULL, 0, 0);
        halt(b);
        return;
    }
    b->left -= row->struct_arg >= 0;
    enter(b, row->body, (uint32_t)b->arena.len);
}

/* `term` is a `fun` or `fix` in `env`, the value at `base`. */
static void
apply_function(rlab_bulk *b, rlab_term term, uint32_t env, uint32_t n) {
    const rlab_node *node = node_of(b, term);
    rlab_term body;
    if (node->kind == RLAB_LAM) {
        enter(b, term, env);
        return;
    }
    if (n < (node->head & 0xffff)) {
        pause_application(b, n);
        return;
    }
    if (!may_contract(b))
        return;
    body = b->store->kids.at[node->kids];
    env = extend(b, env, body, b->values.at + b->base, 1);
    enter(b, body, env);
}

static void
apply_term(rlab_bulk *b, rlab_term term, uint32_t n) {
    const rlab_node *node = node_of(b, term);
    const rlab_global_row *row;
    if (!room(b, 2 * ((size_t)n + node->count) + 8, node->count))
        return;
    switch ((rlab_kind)node->kind) {
    case RLAB_GLOBAL:
        apply_global(b, node->head, n);
        break;
    case RLAB_FIXG:
        row = &b->store->program->globals.at[node->head];
        if (n < row->n_args)
            pause_application(b, n);
        else if (may_contract(b))
            enter(b, row->body, (uint32_t)b->arena.len);
        break;
    case RLAB_LAM:
    case RLAB_FIX:
        apply_function(b, term, (uint32_t)b->arena.len, n);
        break;
    case RLAB_APP:
        replace(b, rlab_term_kids(b->store, term), node->count);
        break;
    case RLAB_CTOR:
        construct(b, node->head, rlab_term_kids(b->store, term), node->count, n);
        break;
    default:
        halt(b);
        break;
    }
}

static void
apply_cell(rlab_bulk *b, uint32_t cell, uint32_t n) {
    uint32_t own, *parts = rlab_bulk_parts(b, cell, &own);
    size_t place = (size_t)(parts - b->arena.at);
    const uint32_t *at;
    if (!room(b, 2 * ((size_t)n + own) + 8, own))
        return;
    parts = b->arena.at + place;
    at = b->arena.at + (cell & ~RLAB_BULK_CELL);
    switch ((rlab_bulk_kind)(at[0] & 7)) {
    case RLAB_BULK_CLOSURE:
        apply_function(b, at[1], at[2], n);
        break;
    case RLAB_BULK_PAP:
        replace(b, parts, own);
        break;
    case RLAB_BULK_PARTIAL:
        construct(b, at[0] >> 3, parts, own, n);
        break;
    default:
        halt(b);
        break;
    }
}

/* An application that is the head of another takes its arguments in before it is contracted. */
static void
apply(rlab_bulk *b) {
    const rlab_bulk_frame *f = top_frame(b);
    uint32_t n, function;
    if (f && f->wait == RLAB_BULK_REST) {
        size_t rest = f->next;
        uint32_t *at;
        if (!room(b, 0, rest))
            return;
        at = b->values.at + f->base;
        memcpy(b->values.at + b->values.len, at, rest * sizeof *at);
        memmove(at, at + rest, (b->values.len - f->base) * sizeof *at);
        b->base = f->base;
        b->frames.len--;
    }
    n = (uint32_t)b->values.len - b->base - 1;
    function = b->values.at[b->base];
    if (function & RLAB_BULK_CELL)
        apply_cell(b, function, n);
    else
        apply_term(b, function, n);
}

/* ---- values and their frames ---------------------------------------------------------------- */

/* The innermost frame has all its values. */
static void
finish(rlab_bulk *b, const rlab_node *node) {
    rlab_bulk_frame *f = top_frame(b), *under;
    b->base = f->base;
    b->frames.len--;
    if (f->wait == RLAB_BULK_FIELDS) {
        construct(b, node->head, NULL, 0, node->count);
        return;
    }
    b->mode = RLAB_BULK_APPLY;
    under = top_frame(b);
    if (under && under->wait == RLAB_BULK_HEAD) {
        under->wait = RLAB_BULK_ARGS;
        under->base = f->base;
        under->next = 1;
        to_eval(b, rlab_term_kids(b->store, under->term)[1], under->env);
    }
}

/* Goes on with the kids of the innermost frame; takes at most 3 words a kid, 2 and a value a kid.
 */
static inline void
fill(rlab_bulk *b, const rlab_node *node) {
    rlab_bulk_frame *f = top_frame(b);
    const rlab_term *kids = b->store->kids.at + node->kids;
    uint32_t value;
    for (; f->next < node->count; f->next++) {
        if (!atom(b, &value, kids[f->next], f->env)) {
            to_eval(b, kids[f->next], f->env);
            return;
        }
        push_value(b, value);
    }
    finish(b, node);
}

/* iota: `value` chooses a branch of a match. False: it is halted. */
static bool
branch(rlab_bulk *b, rlab_term match, uint32_t env, uint32_t value) {
    const rlab_node *node = node_of(b, match);
    const rlab_type_row *type = &b->store->program->types.at[node->head];
    bool cell = (value & RLAB_BULK_CELL) != 0;
    uint32_t ctor, count;
    const uint32_t *fields;
    rlab_term body;
    if (cell) {
        uint32_t first = b->arena.at[value & ~RLAB_BULK_CELL];
        ctor = (first & 7) == RLAB_BULK_CON ? first >> 3 : UINT32_MAX;
        count = ctor == UINT32_MAX ? 0 : b->store->program->ctors.at[ctor].arity;
    } else {
        const rlab_node *given = node_of(b, value);
        ctor = given->kind == RLAB_CTOR ? given->head : UINT32_MAX;
        count = given->count;
    }
    if (ctor - type->first >= type->count || count != b->store->program->ctors.at[ctor].arity) {
        halt(b);
        return false;
    }
    body = b->store->kids.at[node->kids + 1 + ctor - type->first];
    if (!room(b, (size_t)node_of(b, body)->free + count, 0) || !may_contract(b))
        return false;
    fields = cell ? b->arena.at + (value & ~RLAB_BULK_CELL) + 1 : rlab_term_kids(b->store, value);
    env = extend(b, env, body, fields, count);
    to_eval(b, body, env);
    return true;
}

/* zeta. False: it is halted. */
static bool
bind(rlab_bulk *b, rlab_term let, uint32_t env, uint32_t value) {
    rlab_term body = rlab_term_kids(b->store, let)[1];
    if (!room(b, (size_t)node_of(b, body)->free + 1, 0) || !may_contract(b))
        return false;
    env = extend(b, env, body, &value, 1);
    to_eval(b, body, env);
    return true;
}

static void
give(rlab_bulk *b) {
    rlab_bulk_frame *f = top_frame(b);
    const rlab_node *node;
    if (!f) {
        halt(b);
        return;
    }
    node = f->wait == RLAB_BULK_REST ? NULL : node_of(b, f->term);
    if (!room(b, node ? 4 * (size_t)node->count + 2 : 0, node ? node->count : 1))
        return;
    f = top_frame(b);
    switch (f->wait) {
    case RLAB_BULK_FIELDS:
    case RLAB_BULK_ARGS:
        push_value(b, b->value);
        f->next++;
        fill(b, node);
        break;
    case RLAB_BULK_HEAD:
        f->wait = RLAB_BULK_ARGS;
        f->base = (uint32_t)b->values.len;
        f->next = 1;
        push_value(b, b->value);
        fill(b, node);
        break;
    case RLAB_BULK_REST:
        b->base = f->base;
        memmove(b->values.at + f->base + 1, b->values.at + f->base, f->next * sizeof *b->values.at);
        b->values.at[f->base] = b->value;
        b->values.len++;
        b->frames.len--;
        b->mode = RLAB_BULK_APPLY;
        break;
    case RLAB_BULK_MATCH:
        b->frames.len -= branch(b, f->term, f->env, b->value);
        break;
    case RLAB_BULK_LET:
        b->frames.len -= bind(b, f->term, f->env, b->value);
        break;
    }
}

/* ---- terms ---------------------------------------------------------------------------------- */

static void
eval(rlab_bulk *b) {
    const rlab_node *node = node_of(b, b->term);
    rlab_term first;
    uint32_t value;
    if (!room(b, 4 * (size_t)node->count + 5, (size_t)node->count + 1))
        return;
    if (atom(b, &value, b->term, b->env)) {
        to_give(b, value);
        return;
    }
    if (node->kind == RLAB_GLOBAL) { /* of no arguments */
        if (may_contract(b))
            b->term = b->store->program->globals.at[node->head].body;
        return;
    }
    first = b->store->kids.at[node->kids];
    switch ((rlab_kind)node->kind) {
    case RLAB_CTOR:
        push_frame(b, RLAB_BULK_FIELDS, b->term, b->env, 0);
        fill(b, node);
        break;
    case RLAB_APP:
        if (atom(b, &value, first, b->env)) {
            push_frame(b, RLAB_BULK_ARGS, b->term, b->env, 1);
            push_value(b, value);
            fill(b, node);
        } else {
            push_frame(b, RLAB_BULK_HEAD, b->term, b->env, 0);
            b->term = first;
        }
        break;
    case RLAB_MATCH:
        if (atom(b, &value, first, b->env)) {
            branch(b, b->term, b->env, value);
        } else {
            push_frame(b, RLAB_BULK_MATCH, b->term, b->env, 0);
            b->term = first;
        }
        break;
    case RLAB_LET:
        if (atom(b, &value, first, b->env)) {
            bind(b, b->term, b->env, value);
        } else {
            push_frame(b, RLAB_BULK_LET, b->term, b->env, 0);
            b->term = first;
        }
        break;
    default:
        halt(b);
        break;
    }
}

static void
loop(rlab_bulk *b) {
    for (;;) {
        switch (b->mode) {
        case RLAB_BULK_EVAL:
            eval(b);
            break;
        case RLAB_BULK_GIVE:
            give(b);
            break;
        case RLAB_BULK_APPLY:
            apply(b);
            break;
        case RLAB_BULK_HALT:
            return;
        }
    }
}

rlab_status
rlab_bulk_run(rlab_ctx *ctx, rlab_term *out, uint64_t *taken, rlab_bulk *b, rlab_store *store,
              rlab_term term, uint64_t most) {
    uint64_t left = most, turn;
    rlab_status stop = RLAB_OK;
    *out = term;
    *taken = 0;
    if (store->nodes.len > MOST_NODES)
        return RLAB_OK;
    b->ctx = ctx;
    b->store = store;
    b->status = RLAB_OK;
    b->arena.len = b->values.len = b->frames.len = 0;
    to_eval(b, term, 0);
    do {
        b->left = turn = left < POLL_STEPS ? left : POLL_STEPS;
        loop(b);
        RLAB_TRY(b->status);
        b->mode = b->halted;
        left -= turn - b->left;
        stop = rlab_ctx_poll(ctx);
    } while (b->left == 0 && left > 0 && stop == RLAB_OK);
    RLAB_TRY(rlab_bulk_unload(ctx, out, b));
    *taken = most - left;
    return stop;
}

void
rlab_bulk_free(rlab_bulk *b) {
    rlab_vec_free(&b->arena);
    rlab_vec_free(&b->values);
    rlab_vec_free(&b->frames);
    rlab_vec_free(&b->work);
    rlab_vec_free(&b->kids);
}
