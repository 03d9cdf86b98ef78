/* The compiler: terms to code of a register machine whose registers are the slots of a stack frame.
 * An explicit stack of tasks takes the place of recursion over the term. */
#include "lang/inner.h"

#include <string.h>

#define NO_SLOT UINT32_MAX

typedef enum task_kind {
    EXPR,   /* the value of `term` to `slot`, or returned if `tail` */
    CON,    /* kids are done: build */
    CALL,   /* arguments are done: call the global at the head */
    APPLY,  /* arguments (and function, unless it is the word `extra`) are done: apply */
    BODY,   /* bound term is done (in `slot`): body of a let */
    SWITCH, /* scrutinee is in `aux`: emit the match */
    BRANCH, /* branch `aux` of the match whose targets start at `extra` */
    LEAVE,  /* a branch is done: jump to the end */
    JOIN    /* all branches are done: their jumps (from `aux` on) end here */
} task_kind;

typedef struct task {
    task_kind kind;
    bool tail;
    rlab_term term;
    uint32_t slot, env, aux, extra;
} task;

/* A local function found on the way and compiled afterwards. */
typedef struct pending {
    uint32_t fn, outer; /* outer: length of the environment around it */
    rlab_term body;
    bool fix;
    uint32_t caps, n_caps; /* captured de Bruijn indices, in compiler.captured */
} pending;

typedef struct mark {
    rlab_term term;
    uint32_t under;
} mark;

typedef struct compiler {
    const rlab_program *program;
    const rlab_store *store;
    rlab_code *code;
    RLAB_VEC(task)
    tasks;
    RLAB_VEC(pending)
    queue;
    RLAB_VEC(mark)
    marks;
    rlab_ids env, patches, captured;
    uint32_t frame; /* slots of the function being compiled */
    /* Where contractions of the code at hand are counted: the first word of a branch, or NO_SLOT:
     * the function. `blocks`: those around it. */
    uint32_t fn, block;
    rlab_ids blocks;
} compiler;

/* The code at hand takes so many contractions whenever it runs. */
static void
charge(compiler *c, uint32_t contractions) {
    if (c->block == NO_SLOT)
        c->code->fns.at[c->fn].cost += contractions;
    else
        c->code->words.at[c->block] += contractions << RLAB_CODE_COST;
}

static rlab_status
emit(rlab_ctx *ctx, compiler *c, uint32_t word) {
    return rlab_ids_push(ctx, &c->code->words, word);
}

static rlab_status
emit3(rlab_ctx *ctx, compiler *c, rlab_op op, uint32_t a, uint32_t b) {
    RLAB_TRY(emit(ctx, c, op));
    RLAB_TRY(emit(ctx, c, a));
    return emit(ctx, c, b);
}

static void
touch(compiler *c, uint32_t slot) {
    if (slot + 1 > c->frame)
        c->frame = slot + 1;
}

static rlab_status
push(rlab_ctx *ctx, compiler *c, task t) {
    if (c->tasks.len == c->tasks.cap)
        RLAB_TRY(rlab_vec_reserve(ctx, &c->tasks, c->tasks.len + 1));
    c->tasks.at[c->tasks.len++] = t;
    return RLAB_OK;
}

static rlab_status
push_expr(rlab_ctx *ctx, compiler *c, rlab_term term, uint32_t slot, bool tail) {
    task t = {EXPR, tail, term, slot, (uint32_t)c->env.len, 0, 0};
    touch(c, slot);
    return push(ctx, c, t);
}

static const rlab_node *
node_of(const compiler *c, rlab_term term) {
    return rlab_term_node(c->store, term);
}

static bool
is_var(const compiler *c, rlab_term term) {
    return node_of(c, term)->kind == RLAB_VAR;
}

static uint32_t
slot_of(const compiler *c, rlab_term var) {
    return c->env.at[c->env.len - 1 - node_of(c, var)->head];
}

/* Where kid i of an already compiled list lies: a variable's slot, or the next temporary. */
static uint32_t
source(const compiler *c, rlab_term kid, uint32_t *temporary) {
    return is_var(c, kid) ? slot_of(c, kid) : (*temporary)++;
}

/* A word known now goes to a slot or is returned. */
static rlab_status
load(rlab_ctx *ctx, compiler *c, uint32_t word, uint32_t slot, bool tail) {
    if (!tail)
        return emit3(ctx, c, RLAB_OP_LOADK, slot, word);
    RLAB_TRY(emit(ctx, c, RLAB_OP_RETK));
    return emit(ctx, c, word);
}

static rlab_status
give(rlab_ctx *ctx, compiler *c, uint32_t from, uint32_t slot, bool tail) {
    if (tail) {
        RLAB_TRY(emit(ctx, c, RLAB_OP_RET));
        return emit(ctx, c, from);
    }
    return from == slot ? RLAB_OK : emit3(ctx, c, RLAB_OP_MOVE, slot, from);
}

static rlab_status
constant(rlab_ctx *ctx, compiler *c, const task *t) {
    const rlab_node *node = node_of(c, t->term);
    if (node->count == 0)
        return load(ctx, c, rlab_val_ctor0(node->head), t->slot, t->tail);
    RLAB_TRY(emit3(ctx, c, RLAB_OP_LOADC, t->slot, (uint32_t)c->code->constants.len));
    RLAB_TRY(rlab_ids_push(ctx, &c->code->constants, t->term));
    return t->tail ? give(ctx, c, t->slot, t->slot, true) : RLAB_OK;
}

/* Tasks for the kids from `first` on, to consecutive slots; variables only if `all`. */
static rlab_status
push_kids(rlab_ctx *ctx, compiler *c, rlab_term term, uint32_t first, uint32_t slot, bool all) {
    uint32_t count = node_of(c, term)->count, at = slot;
    for (uint32_t i = first; i < count; i++)
        at += all || !is_var(c, rlab_term_kids(c->store, term)[i]);
    for (uint32_t i = count; i-- > first;) {
        rlab_term kid = rlab_term_kids(c->store, term)[i];
        if (all || !is_var(c, kid))
            RLAB_TRY(push_expr(ctx, c, kid, --at, false));
    }
    return RLAB_OK;
}

/* ---- local functions ---------------------------------------------------------------------------
 */

/* Collects into c->captured the indices of the environment that occur free in a term. */
static rlab_status
capture(rlab_ctx *ctx, compiler *c, rlab_term term) {
    size_t first = c->captured.len;
    mark start = {term, 0};
    RLAB_TRY(rlab_vec_reserve(ctx, &c->marks, 1));
    c->marks.at[0] = start;
    c->marks.len = 1;
    while (c->marks.len) {
        mark m = c->marks.at[--c->marks.len];
        const rlab_node *node = node_of(c, m.term);
        if (node->free <= m.under)
            continue;
        if (node->kind == RLAB_VAR) {
            uint32_t index = node->head - m.under;
            size_t i = first;
            while (i < c->captured.len && c->captured.at[i] != index)
                i++;
            if (i == c->captured.len)
                RLAB_TRY(rlab_ids_push(ctx, &c->captured, index));
            continue;
        }
        RLAB_TRY(rlab_vec_reserve(ctx, &c->marks, c->marks.len + node->count));
        for (uint32_t i = 0; i < node->count; i++) {
            mark kid = {rlab_term_kids(c->store, m.term)[i],
                        m.under +
                            rlab_node_binders(c->program, (rlab_kind)node->kind, node->head, i)};
            c->marks.at[c->marks.len++] = kid;
        }
    }
    return RLAB_OK;
}

static rlab_status
add_fn(rlab_ctx *ctx, compiler *c, rlab_fn fn) {
    RLAB_TRY(rlab_vec_reserve(ctx, &c->code->fns, c->code->fns.len + 1));
    c->code->fns.at[c->code->fns.len++] = fn;
    return RLAB_OK;
}

static rlab_status
closure(rlab_ctx *ctx, compiler *c, const task *t) {
    bool fix = node_of(c, t->term)->kind == RLAB_FIX;
    rlab_term body = fix ? rlab_term_kids(c->store, t->term)[0] : t->term;
    rlab_fn fn = {0, 0, 0, 0, 0, false, true, !fix};
    pending p = {
        (uint32_t)c->code->fns.len, (uint32_t)c->env.len, 0, fix, (uint32_t)c->captured.len, 0};
    uint32_t limit = fix ? node_of(c, t->term)->head & 0xffff : RLAB_CODE_STUBS / 2;
    while (node_of(c, body)->kind == RLAB_LAM && fn.args < limit) {
        body = rlab_term_kids(c->store, body)[0];
        fn.args++;
    }
    p.body = body;
    fn.cost = fix ? 1 + fn.args : 0;
    RLAB_TRY(capture(ctx, c, t->term));
    p.n_caps = fn.caps = (uint32_t)c->captured.len - p.caps;
    RLAB_TRY(add_fn(ctx, c, fn));
    RLAB_TRY(rlab_vec_reserve(ctx, &c->queue, c->queue.len + 1));
    c->queue.at[c->queue.len++] = p;
    RLAB_TRY(emit(ctx, c, RLAB_OP_CLO));
    RLAB_TRY(emit3(ctx, c, (rlab_op)t->slot, p.fn, p.n_caps));
    for (uint32_t i = 0; i < p.n_caps; i++)
        RLAB_TRY(emit(ctx, c, c->env.at[c->env.len - 1 - c->captured.at[p.caps + i]]));
    return t->tail ? give(ctx, c, t->slot, t->slot, true) : RLAB_OK;
}

/* ---- applications
 * --------------------------------------------------------------------------------- */

static rlab_status
fail_wide(rlab_ctx *ctx) {
    return rlab_fail(ctx, RLAB_ETERM, "code: an application has more than %d arguments",
                     RLAB_CODE_STUBS / 2);
}

/* A global or constructor that is called with all its arguments needs no function value. */
static bool
direct(const compiler *c, rlab_term term) {
    const rlab_node *node = node_of(c, term), *f;
    if (node->kind != RLAB_APP)
        return false;
    f = node_of(c, rlab_term_kids(c->store, term)[0]);
    return (f->kind == RLAB_GLOBAL || f->kind == RLAB_FIXG) &&
           c->program->globals.at[f->head].n_args == node->count - 1;
}

static rlab_status
apply(rlab_ctx *ctx, compiler *c, const task *t) {
    uint32_t n = node_of(c, t->term)->count - 1, base = t->slot + !t->tail;
    task done = {APPLY, t->tail, t->term, base, t->env, n, 0};
    if (n > RLAB_CODE_STUBS / 2)
        return fail_wide(ctx);
    touch(c, base + n + 2);
    RLAB_TRY(push(ctx, c, done));
    RLAB_TRY(push_expr(ctx, c, rlab_term_kids(c->store, t->term)[0], base + n, false));
    return push_kids(ctx, c, t->term, 1, base, true);
}

/* A constructor or global with fewer arguments than it takes. */
static rlab_status
partial(rlab_ctx *ctx, compiler *c, const task *t, uint32_t fn) {
    const rlab_node *node = node_of(c, t->term);
    uint32_t n = node->count, base = t->slot + !t->tail;
    task done = {APPLY, t->tail, t->term, base, t->env, n, rlab_val_fn(fn)};
    if (n == 0)
        return load(ctx, c, rlab_val_fn(fn), t->slot, t->tail);
    if (n > RLAB_CODE_STUBS / 2)
        return fail_wide(ctx);
    touch(c, base + n + 2);
    RLAB_TRY(push(ctx, c, done));
    return push_kids(ctx, c, t->term, 0, base, true);
}

static rlab_status
emit_con(rlab_ctx *ctx, compiler *c, const task *t) {
    static const rlab_op ops[2][3] = {{RLAB_OP_CON1, RLAB_OP_CON2, RLAB_OP_CONN},
                                      {RLAB_OP_RETCON1, RLAB_OP_RETCON2, RLAB_OP_RETCONN}};
    const rlab_node *node = node_of(c, t->term);
    uint32_t n = node->count, temporary = t->slot;
    RLAB_TRY(emit(ctx, c, ops[t->tail][n > 3 ? 2 : n > 2 ? 2 : n - 1]));
    if (!t->tail)
        RLAB_TRY(emit(ctx, c, t->slot));
    RLAB_TRY(emit(ctx, c, node->head));
    if (n > 2)
        RLAB_TRY(emit(ctx, c, n));
    for (uint32_t i = 0; i < n; i++)
        RLAB_TRY(emit(ctx, c, source(c, rlab_term_kids(c->store, t->term)[i], &temporary)));
    return RLAB_OK;
}

static rlab_status
emit_tail_call(rlab_ctx *ctx, compiler *c, const task *t, uint32_t fn) {
    const rlab_term *kids = rlab_term_kids(c->store, t->term);
    uint32_t n = node_of(c, t->term)->count - 1, temporary = t->slot;
    RLAB_TRY(emit(ctx, c, n == 1 ? RLAB_OP_TCALL1 : n == 2 ? RLAB_OP_TCALL2 : RLAB_OP_TCALL));
    RLAB_TRY(emit(ctx, c, fn));
    if (n > 2)
        RLAB_TRY(emit(ctx, c, n));
    for (uint32_t i = 0; i < n; i++)
        RLAB_TRY(emit(ctx, c, source(c, kids[i + 1], &temporary)));
    touch(c, n);
    return RLAB_OK;
}

static rlab_status
emit_call(rlab_ctx *ctx, compiler *c, const task *t) {
    const rlab_term *kids = rlab_term_kids(c->store, t->term);
    uint32_t fn = node_of(c, kids[0])->head, n = node_of(c, t->term)->count - 1, moves = 0;
    uint32_t base = t->slot + 1;
    if (t->tail)
        return emit_tail_call(ctx, c, t, fn);
    touch(c, base + n);
    for (uint32_t i = 0; i < n; i++)
        moves += is_var(c, kids[i + 1]);
    if (n == 1 && moves == 1) {
        RLAB_TRY(emit3(ctx, c, RLAB_OP_CALL1, fn, slot_of(c, kids[1])));
        return emit(ctx, c, base);
    }
    RLAB_TRY(emit3(ctx, c, RLAB_OP_CALL, fn, moves));
    for (uint32_t i = 0; i < n; i++)
        if (is_var(c, kids[i + 1])) {
            RLAB_TRY(emit(ctx, c, base + i));
            RLAB_TRY(emit(ctx, c, slot_of(c, kids[i + 1])));
        }
    return emit(ctx, c, base);
}

/* A direct call: arguments of a tail call are packed temporaries, else each lies in its place. */
static rlab_status
call(rlab_ctx *ctx, compiler *c, const task *t) {
    task done = *t;
    uint32_t count = node_of(c, t->term)->count, slot = t->slot + 1;
    done.kind = CALL;
    RLAB_TRY(push(ctx, c, done));
    if (t->tail)
        return push_kids(ctx, c, t->term, 1, t->slot, false);
    for (uint32_t i = count; i-- > 1;) {
        rlab_term kid = rlab_term_kids(c->store, t->term)[i];
        if (!is_var(c, kid))
            RLAB_TRY(push_expr(ctx, c, kid, slot + i - 1, false));
    }
    return RLAB_OK;
}

static rlab_status
global(rlab_ctx *ctx, compiler *c, const task *t, uint32_t g) {
    if (c->program->globals.at[g].n_args > 0)
        return load(ctx, c, rlab_val_fn(g), t->slot, t->tail);
    RLAB_TRY(emit3(ctx, c, t->tail ? RLAB_OP_TCALL : RLAB_OP_CALL, g, 0));
    touch(c, t->slot + 1);
    return t->tail ? RLAB_OK : emit(ctx, c, t->slot + 1);
}

/* ---- match and let
 * ------------------------------------------------------------------------------------ */

static rlab_status
match(rlab_ctx *ctx, compiler *c, const task *t) {
    rlab_term scrutinee = rlab_term_kids(c->store, t->term)[0];
    task next = *t;
    next.kind = SWITCH;
    next.aux = is_var(c, scrutinee) ? slot_of(c, scrutinee) : t->slot;
    RLAB_TRY(push(ctx, c, next));
    return is_var(c, scrutinee) ? RLAB_OK : push_expr(ctx, c, scrutinee, t->slot, false);
}

static rlab_status
emit_switch(rlab_ctx *ctx, compiler *c, const task *t) {
    const rlab_node *node = node_of(c, t->term);
    const rlab_type_row *type = &c->program->types.at[node->head];
    task join = *t, branch = *t;
    RLAB_TRY(emit3(ctx, c, RLAB_OP_MATCH, t->aux, type->first));
    RLAB_TRY(emit(ctx, c, type->count));
    RLAB_TRY(emit(ctx, c, t->slot));
    branch.kind = BRANCH;
    branch.extra = (uint32_t)c->code->words.len;
    for (uint32_t i = 0; i < type->count; i++)
        RLAB_TRY(emit(ctx, c, 0));
    RLAB_TRY(rlab_ids_push(ctx, &c->blocks, c->block));
    join.kind = JOIN;
    join.aux = (uint32_t)c->patches.len;
    RLAB_TRY(push(ctx, c, join));
    for (uint32_t i = type->count; i-- > 0;) {
        branch.aux = i;
        RLAB_TRY(push(ctx, c, branch));
    }
    return RLAB_OK;
}

static rlab_status
branch(rlab_ctx *ctx, compiler *c, const task *t) {
    uint32_t ctor = c->program->types.at[node_of(c, t->term)->head].first + t->aux;
    uint32_t arity = c->program->ctors.at[ctor].arity;
    task leave = *t;
    c->code->words.at[t->extra + t->aux] = c->block = (uint32_t)c->code->words.len;
    RLAB_TRY(emit(ctx, c, arity));
    charge(c, 1);
    for (uint32_t i = 0; i < arity; i++)
        RLAB_TRY(rlab_ids_push(ctx, &c->env, t->slot + i));
    touch(c, t->slot + arity);
    leave.kind = LEAVE;
    if (!t->tail)
        RLAB_TRY(push(ctx, c, leave));
    /* The result goes to t->slot while the fields still lie there: every instruction reads its
     * operands before it writes, but a longer body needs temporaries above the fields. */
    return push_expr(ctx, c, rlab_term_kids(c->store, t->term)[t->aux + 1], t->slot + arity,
                     t->tail);
}

static rlab_status
leave(rlab_ctx *ctx, compiler *c, const task *t) {
    uint32_t ctor = c->program->types.at[node_of(c, t->term)->head].first + t->aux;
    RLAB_TRY(give(ctx, c, t->slot + c->program->ctors.at[ctor].arity, t->slot, false));
    RLAB_TRY(emit(ctx, c, RLAB_OP_JUMP));
    RLAB_TRY(rlab_ids_push(ctx, &c->patches, (uint32_t)c->code->words.len));
    return emit(ctx, c, 0);
}

static void
join(compiler *c, const task *t) {
    for (size_t i = t->aux; i < c->patches.len; i++)
        c->code->words.at[c->patches.at[i]] = (uint32_t)c->code->words.len;
    c->patches.len = t->aux;
    c->block = c->blocks.at[--c->blocks.len];
}

static rlab_status
let(rlab_ctx *ctx, compiler *c, const task *t) {
    rlab_term bound = rlab_term_kids(c->store, t->term)[0];
    task body = *t;
    body.kind = BODY;
    body.aux = is_var(c, bound) ? slot_of(c, bound) : t->slot;
    RLAB_TRY(push(ctx, c, body));
    return is_var(c, bound) ? RLAB_OK : push_expr(ctx, c, bound, t->slot, false);
}

static rlab_status
let_body(rlab_ctx *ctx, compiler *c, const task *t) {
    task move = {LEAVE, false, t->term, t->slot, t->env, 0, 1};
    charge(c, 1);
    RLAB_TRY(rlab_ids_push(ctx, &c->env, t->aux));
    if (!t->tail)
        RLAB_TRY(push(ctx, c, move));
    return push_expr(ctx, c, rlab_term_kids(c->store, t->term)[1], t->slot + 1, t->tail);
}

/* ---- driver
 * ---------------------------------------------------------------------------------------------- */

static rlab_status
expr(rlab_ctx *ctx, compiler *c, const task *t) {
    const rlab_node *node = node_of(c, t->term);
    task done = *t;
    touch(c, t->slot);
    if ((node->flags & RLAB_TERM_DATA) && node->free == 0)
        return constant(ctx, c, t);
    switch ((rlab_kind)node->kind) {
    case RLAB_VAR:
        return give(ctx, c, slot_of(c, t->term), t->slot, t->tail);
    case RLAB_GLOBAL:
    case RLAB_FIXG:
        return global(ctx, c, t, node->head);
    case RLAB_CTOR:
        if (node->count < c->program->ctors.at[node->head].arity)
            return partial(ctx, c, t, (uint32_t)c->program->globals.len + node->head);
        done.kind = CON;
        RLAB_TRY(push(ctx, c, done));
        return push_kids(ctx, c, t->term, 0, t->slot, false);
    case RLAB_APP:
        return direct(c, t->term) ? call(ctx, c, t) : apply(ctx, c, t);
    case RLAB_LAM:
    case RLAB_FIX:
        return closure(ctx, c, t);
    case RLAB_LET:
        return let(ctx, c, t);
    case RLAB_MATCH:
        return match(ctx, c, t);
    }
    return rlab_fail(ctx, RLAB_EINTERNAL, "code: unknown term");
}

static rlab_status
step(rlab_ctx *ctx, compiler *c, const task *t) {
    c->env.len = t->env;
    switch (t->kind) {
    case EXPR:
        return expr(ctx, c, t);
    case CON:
        return emit_con(ctx, c, t);
    case CALL:
        return emit_call(ctx, c, t);
    case APPLY:
        if (t->extra)
            RLAB_TRY(emit3(ctx, c, RLAB_OP_LOADK, t->slot + t->aux, t->extra));
        return emit3(ctx, c, t->tail ? RLAB_OP_TAPPLY : RLAB_OP_APPLY, t->aux, t->slot);
    case BODY:
        return let_body(ctx, c, t);
    case SWITCH:
        return emit_switch(ctx, c, t);
    case BRANCH:
        return branch(ctx, c, t);
    case LEAVE:
        return t->extra == 1 && node_of(c, t->term)->kind == RLAB_LET
                   ? give(ctx, c, t->slot + 1, t->slot, false)
                   : leave(ctx, c, t);
    case JOIN:
        join(c, t);
        return RLAB_OK;
    }
    return RLAB_OK;
}

/* Compiles one body; the environment is set up, `slot` is the first free one. */
static rlab_status
function(rlab_ctx *ctx, compiler *c, uint32_t fn, rlab_term body, uint32_t slot) {
    c->frame = slot;
    c->fn = fn;
    c->block = NO_SLOT;
    c->code->fns.at[fn].entry = (uint32_t)c->code->words.len;
    RLAB_TRY(push_expr(ctx, c, body, slot, true));
    while (c->tasks.len) {
        task t = c->tasks.at[--c->tasks.len];
        RLAB_TRY(step(ctx, c, &t));
    }
    if (c->code->words.len > INT32_MAX / 2)
        return rlab_fail(ctx, RLAB_ETERM, "code: the program is too long");
    c->code->fns.at[fn].frame = c->frame + 2;
    if (c->frame + 2 > c->code->max_frame)
        c->code->max_frame = c->frame + 2;
    return RLAB_OK;
}

static rlab_status
local_functions(rlab_ctx *ctx, compiler *c) {
    while (c->queue.len) {
        pending p = c->queue.at[--c->queue.len];
        rlab_fn fn = c->code->fns.at[p.fn];
        RLAB_TRY(rlab_vec_reserve(ctx, &c->env, p.outer + fn.args + 2));
        for (uint32_t i = 0; i < p.outer; i++)
            c->env.at[i] = NO_SLOT;
        c->env.len = p.outer;
        for (uint32_t i = 0; i < p.n_caps; i++)
            c->env.at[p.outer - 1 - c->captured.at[p.caps + i]] = fn.args + 1 + i;
        if (p.fix)
            c->env.at[c->env.len++] = fn.args;
        for (uint32_t i = 0; i < fn.args; i++)
            c->env.at[c->env.len++] = i;
        RLAB_TRY(function(ctx, c, p.fn, p.body, fn.args + 1 + fn.caps));
    }
    return RLAB_OK;
}

static rlab_status
globals(rlab_ctx *ctx, compiler *c) {
    const rlab_program *program = c->program;
    for (uint32_t g = 0; g < program->globals.len; g++) {
        rlab_term body = program->globals.at[g].body;
        uint32_t args = program->globals.at[g].n_args;
        if (args > RLAB_CODE_STUBS / 2)
            return fail_wide(ctx);
        c->env.len = 0;
        for (uint32_t i = 0; i < args; i++) {
            RLAB_TRY(rlab_ids_push(ctx, &c->env, i));
            body = rlab_term_kids(c->store, body)[0];
        }
        RLAB_TRY(function(ctx, c, g, body, args));
        RLAB_TRY(local_functions(ctx, c));
    }
    return RLAB_OK;
}

static rlab_status
prologue(rlab_ctx *ctx, compiler *c) {
    const rlab_program *program = c->program;
    RLAB_TRY(emit(ctx, c, 1));
    RLAB_TRY(emit(ctx, c, RLAB_OP_HALT));
    for (uint32_t m = 0; m <= RLAB_CODE_STUBS; m++) {
        RLAB_TRY(emit(ctx, c, m + 1));
        RLAB_TRY(emit3(ctx, c, RLAB_OP_TAPPLY, m, 0));
    }
    for (uint32_t g = 0; g < program->globals.len; g++) {
        uint32_t args = program->globals.at[g].n_args;
        rlab_fn fn = {0, args, 0, 0, 1 + args, false, false, false};
        fn.cost += program->globals.at[g].struct_arg >= 0;
        RLAB_TRY(add_fn(ctx, c, fn));
    }
    for (uint32_t k = 0; k < program->ctors.len; k++) {
        rlab_fn fn = {0, program->ctors.at[k].arity, 0, 0, 0, true, false, false};
        if (fn.args > RLAB_CODE_STUBS / 2)
            return fail_wide(ctx);
        RLAB_TRY(add_fn(ctx, c, fn));
    }
    return RLAB_OK;
}

static void
compiler_free(compiler *c) {
    rlab_vec_free(&c->tasks);
    rlab_vec_free(&c->queue);
    rlab_vec_free(&c->marks);
    rlab_vec_free(&c->env);
    rlab_vec_free(&c->patches);
    rlab_vec_free(&c->captured);
    rlab_vec_free(&c->blocks);
}

rlab_status
rlab_code_compile(rlab_ctx *ctx, rlab_code *code, const rlab_program *program) {
    compiler c;
    rlab_status status;
    memset(&c, 0, sizeof c);
    c.program = program;
    c.store = &program->store;
    c.code = code;
    status = prologue(ctx, &c);
    if (status == RLAB_OK)
        status = globals(ctx, &c);
    compiler_free(&c);
    return status;
}

rlab_status
rlab_code_add_term(rlab_ctx *ctx, uint32_t *fn, rlab_code *code, const rlab_store *store,
                   rlab_term term) {
    compiler c;
    rlab_fn row = {0, 0, 0, 0, 0, false, true, false};
    rlab_status status;
    memset(&c, 0, sizeof c);
    c.program = store->program;
    c.store = store;
    c.code = code;
    *fn = (uint32_t)code->fns.len;
    status = add_fn(ctx, &c, row);
    if (status == RLAB_OK)
        status = function(ctx, &c, *fn, term, 0);
    if (status == RLAB_OK)
        status = local_functions(ctx, &c);
    compiler_free(&c);
    return status;
}
