/* The reducer: small steps by refocusing. The term is kept as a focus and the frames around it, so
 * a step costs what it changes; the whole term is put together only when asked for. Order:
 * leftmost-innermost; in an application first the head, then the arguments, then the redex. */
#include "lang/reduce.h"

#include <string.h>

#define POLL_STEPS 4096
#define BULK_LEAST 16       /* fewer steps are not worth reading a term back for */
#define BULK_KEPT (1 << 16) /* words of an arena that wait for the next ones */

const char *
rlab_rule_name(rlab_rule rule) {
    static const char *const names[] = {"delta", "beta", "iota", "zeta"};
    return names[rule];
}

rlab_status
rlab_reducer_stuck(rlab_ctx *ctx) {
    return rlab_fail(ctx, RLAB_ETERM,
                     "reduction is stuck: a match or an application meets a value of "
                     "the wrong kind; the term is not well typed");
}

/* ---- contraction ---------------------------------------------------------------------------- */

rlab_status
rlab_reducer_find(rlab_ctx *ctx, const rlab_reducer *r, rlab_term term, rlab_rule *rule,
                  uint32_t *function, bool *local_fix) {
    const rlab_node *node = node_of(r, term), *head = node;
    *function = UINT32_MAX;
    *local_fix = false;
    switch ((rlab_kind)node->kind) {
    case RLAB_MATCH:
        *rule = RLAB_IOTA;
        return RLAB_OK;
    case RLAB_LET:
        *rule = RLAB_ZETA;
        return RLAB_OK;
    case RLAB_APP:
        head = node_of(r, rlab_term_kids(r->store, term)[0]);
        break;
    default:
        break;
    }
    switch ((rlab_kind)head->kind) {
    case RLAB_GLOBAL:
        *rule = RLAB_DELTA;
        *function = head->head;
        return RLAB_OK;
    case RLAB_FIXG:
        *rule = RLAB_IOTA;
        *function = head->head;
        return RLAB_OK;
    case RLAB_FIX:
        *rule = RLAB_IOTA;
        *local_fix = true;
        return RLAB_OK;
    case RLAB_LAM:
        *rule = RLAB_BETA;
        return node->kind == RLAB_APP ? RLAB_OK : rlab_reducer_stuck(ctx);
    default:
        return rlab_reducer_stuck(ctx);
    }
}

/* Kids of a node in a local array, since interning moves those of the store. */
typedef struct kept {
    rlab_term few[RLAB_FEW];
    rlab_term *at;
    uint32_t n;
} kept;

static rlab_status
keep(rlab_ctx *ctx, kept *k, const rlab_reducer *r, rlab_term term) {
    k->n = node_of(r, term)->count;
    k->at = k->few;
    if (k->n > RLAB_FEW)
        RLAB_TRY(rlab_alloc(ctx, (void **)&k->at, k->n, sizeof *k->at));
    if (k->n)
        memcpy(k->at, rlab_term_kids(r->store, term), k->n * sizeof *k->at);
    return RLAB_OK;
}

static void
unkeep(kept *k) {
    if (k->at != k->few)
        rlab_free(k->at);
}

static rlab_status
contract_match(rlab_ctx *ctx, rlab_term *out, rlab_reducer *r, rlab_term term) {
    rlab_term scrutinee = rlab_term_kids(r->store, term)[0], branch;
    const rlab_node *node = node_of(r, scrutinee);
    const rlab_type_row *type = &r->program->types.at[node_of(r, term)->head];
    kept k;
    rlab_status status;
    if (node->kind != RLAB_CTOR || node->head - type->first >= type->count ||
        node->count != r->program->ctors.at[node->head].arity)
        return rlab_reducer_stuck(ctx);
    branch = rlab_term_kids(r->store, term)[1 + node->head - type->first];
    RLAB_TRY(keep(ctx, &k, r, scrutinee));
    status = rlab_term_subst(ctx, out, r->store, branch, k.at, k.n);
    unkeep(&k);
    return status;
}

/* The head of an application becomes `head`, after `taken` arguments went into it. */
static rlab_status
contract_app(rlab_ctx *ctx, rlab_term *out, rlab_reducer *r, rlab_term term) {
    rlab_term self = rlab_term_kids(r->store, term)[0], head, body;
    const rlab_node *node = node_of(r, self);
    uint32_t taken = 0;
    kept k;
    rlab_status status = keep(ctx, &k, r, term);
    if (status != RLAB_OK)
        return status;
    switch ((rlab_kind)node->kind) {
    case RLAB_GLOBAL:
        if (r->program->globals.at[node->head].struct_arg >= 0)
            status = rlab_term_intern(ctx, &head, r->store, RLAB_FIXG, node->head, NULL, 0, 0);
        else
            head = r->program->globals.at[node->head].body;
        break;
    case RLAB_FIXG:
        head = r->program->globals.at[node->head].body;
        break;
    case RLAB_FIX:
        body = rlab_term_kids(r->store, self)[0];
        status = rlab_term_subst(ctx, &head, r->store, body, &self, 1);
        break;
    default:
        body = rlab_term_kids(r->store, self)[0];
        taken = 1;
        status = rlab_term_subst(ctx, &head, r->store, body, k.at + 1, 1);
        break;
    }
    if (status == RLAB_OK)
        status = rlab_term_app(ctx, out, r->store, head, k.at + 1 + taken, k.n - 1 - taken);
    unkeep(&k);
    return status;
}

rlab_status
rlab_reducer_contract(rlab_ctx *ctx, rlab_reducer *r) {
    const rlab_node *node = node_of(r, r->focus);
    rlab_term bound, term = r->focus;
    if (r->contractions >= r->budget.steps)
        return rlab_fail(
            ctx, RLAB_EBUDGET,
            "step budget of %llu contractions ran out; raise it or make the input smaller",
            (unsigned long long)r->budget.steps);
    if (++r->contractions % POLL_STEPS == 0)
        RLAB_TRY(rlab_ctx_poll(ctx));
    switch ((rlab_kind)node->kind) {
    case RLAB_MATCH:
        return contract_match(ctx, &r->focus, r, term);
    case RLAB_LET:
        bound = rlab_term_kids(r->store, term)[0];
        return rlab_term_subst(ctx, &r->focus, r->store, rlab_term_kids(r->store, term)[1], &bound,
                               1);
    case RLAB_APP:
        return contract_app(ctx, &r->focus, r, term);
    default:
        r->focus = r->program->globals.at[node->head].body;
        return RLAB_OK;
    }
}

/* ---- frames --------------------------------------------------------------------------------- */

rlab_status
rlab_reducer_push(rlab_ctx *ctx, rlab_reducer *r, uint32_t count, uint32_t hole) {
    rlab_frame f = {r->focus, (uint32_t)r->kids.len, count, hole};
    RLAB_TRY(rlab_vec_reserve(ctx, &r->kids, r->kids.len + count));
    if (r->frames.len == r->frames.cap)
        RLAB_TRY(rlab_vec_reserve(ctx, &r->frames, r->frames.len + 1));
    memcpy(r->kids.at + r->kids.len, rlab_term_kids(r->store, r->focus), count * sizeof f.kids);
    r->kids.len += count;
    r->frames.at[r->frames.len++] = f;
    r->focus = r->kids.at[f.kids + hole];
    return RLAB_OK;
}

/* The node of a frame with `term` in its hole. */
static rlab_status
rebuild(rlab_ctx *ctx, rlab_term *out, rlab_reducer *r, const rlab_frame *f, rlab_term term) {
    rlab_node node = *node_of(r, f->term);
    rlab_term *kids = r->kids.at + f->kids, saved = kids[f->hole];
    rlab_status status;
    kept k;
    kids[f->hole] = term;
    if (node.kind == RLAB_APP) {
        status = rlab_term_app(ctx, out, r->store, kids[0], kids + 1, f->count - 1);
    } else if (f->count == node.count) {
        status = rlab_term_intern(ctx, out, r->store, (rlab_kind)node.kind, node.head, kids,
                                  f->count, node.hint);
    } else {
        status = keep(ctx, &k, r, f->term);
        if (status == RLAB_OK) {
            k.at[0] = term;
            status = rlab_term_intern(ctx, out, r->store, (rlab_kind)node.kind, node.head, k.at,
                                      k.n, node.hint);
            unkeep(&k);
        }
    }
    kids[f->hole] = saved;
    return status;
}

rlab_status
rlab_reducer_pop(rlab_ctx *ctx, rlab_reducer *r) {
    rlab_frame f = r->frames.at[r->frames.len - 1];
    RLAB_TRY(rebuild(ctx, &r->focus, r, &f, r->focus));
    r->frames.len--;
    r->kids.len = f.kids;
    return RLAB_OK;
}

/* Goes to the next redex inside the frames from `base` on; *found is false if there is none and the
 * focus is a value there. */
static rlab_status
refocus(rlab_ctx *ctx, bool *found, rlab_reducer *r, size_t base) {
    for (;;) {
        bool merge = must_merge(r);
        if (is_value(r, r->focus) || merge) {
            rlab_frame *f;
            uint32_t next;
            if (r->frames.len == base) {
                *found = false;
                return RLAB_OK;
            }
            if (merge) {
                RLAB_TRY(rlab_reducer_pop(ctx, r));
                continue;
            }
            f = &r->frames.at[r->frames.len - 1];
            next = next_hole(r, r->kids.at + f->kids, f->count, f->hole + 1);
            if (next < f->count) {
                r->kids.at[f->kids + f->hole] = r->focus;
                f->hole = next;
                r->focus = r->kids.at[f->kids + next];
            } else {
                RLAB_TRY(rlab_reducer_pop(ctx, r));
            }
        } else {
            const rlab_node *node = node_of(r, r->focus);
            uint32_t count = reducible_kids(node);
            uint32_t hole = next_hole(r, rlab_term_kids(r->store, r->focus), count, 0);
            if (hole == count) {
                *found = true;
                return RLAB_OK;
            }
            RLAB_TRY(rlab_reducer_push(ctx, r, count, hole));
        }
    }
}

/* ---- calls ---------------------------------------------------------------------------------- */

bool
rlab_reducer_pending(const rlab_reducer *r, rlab_term term) {
    const rlab_node *node = node_of(r, term);
    if (node->kind == RLAB_APP)
        node = node_of(r, rlab_term_kids(r->store, term)[0]);
    return node->kind == RLAB_GLOBAL && r->program->globals.at[node->head].group == r->group;
}

rlab_status
rlab_reducer_normalise(rlab_ctx *ctx, rlab_reducer *r) {
    size_t base = r->frames.len;
    bool down = true;
    for (;;) {
        rlab_frame *f;
        uint32_t next;
        if (down && !is_value(r, r->focus)) {
            const rlab_node *node = node_of(r, r->focus);
            uint32_t count = reducible_kids(node);
            uint32_t hole = next_hole(r, rlab_term_kids(r->store, r->focus), count, 0);
            if (hole < count) {
                RLAB_TRY(rlab_reducer_push(ctx, r, count, hole));
                continue;
            }
            if (!rlab_reducer_pending(r, r->focus)) {
                RLAB_TRY(rlab_reducer_contract(ctx, r));
                continue;
            }
        }
        if (r->frames.len == base)
            return RLAB_OK;
        f = &r->frames.at[r->frames.len - 1];
        next = next_hole(r, r->kids.at + f->kids, f->count, f->hole + 1);
        if (next < f->count) {
            r->kids.at[f->kids + f->hole] = r->focus;
            f->hole = next;
            r->focus = r->kids.at[f->kids + next];
            down = true;
            continue;
        }
        r->kids.at[f->kids + f->hole] = r->focus;
        f->hole = next_hole(r, r->kids.at + f->kids, f->count, 0);
        down = f->hole == f->count; /* all are values now: it may be a redex */
        if (down)
            f->hole = 0;
        r->focus = r->kids.at[f->kids + f->hole];
        RLAB_TRY(rlab_reducer_pop(ctx, r));
    }
}

/* After a call was contracted: what waited for its value runs, then the next pending call is found.
 */
static rlab_status
settle(rlab_ctx *ctx, rlab_reducer *r) {
    while (!r->settled) {
        bool merge = must_merge(r);
        if (is_value(r, r->focus) || merge) {
            rlab_frame *f;
            uint32_t next;
            if (r->frames.len == 0) {
                r->settled = true;
                break;
            }
            f = &r->frames.at[r->frames.len - 1];
            next = next_hole(r, r->kids.at + f->kids, f->count, f->hole + 1);
            if (next < f->count && !merge) {
                r->kids.at[f->kids + f->hole] = r->focus;
                f->hole = next;
                r->focus = r->kids.at[f->kids + next];
                continue;
            }
            RLAB_TRY(rlab_reducer_pop(ctx, r));
            if (!is_value(r, r->focus) && !rlab_reducer_pending(r, r->focus))
                RLAB_TRY(rlab_reducer_normalise(ctx, r));
        } else {
            const rlab_node *node = node_of(r, r->focus);
            uint32_t count = reducible_kids(node);
            uint32_t hole = next_hole(r, rlab_term_kids(r->store, r->focus), count, 0);
            if (hole < count)
                RLAB_TRY(rlab_reducer_push(ctx, r, count, hole));
            else
                r->settled = true;
        }
    }
    return RLAB_OK;
}

rlab_status
rlab_reducer_note(rlab_ctx *ctx, rlab_reducer *r) {
    bool local_fix;
    r->depth = r->frames.len;
    r->position_known = false;
    r->unnoted = false;
    return rlab_reducer_find(ctx, r, r->focus, &r->rule, &r->function, &local_fix);
}

static rlab_status
step_call(rlab_ctx *ctx, bool *done, rlab_reducer *r) {
    RLAB_TRY(settle(ctx, r));
    *done = is_value(r, r->focus);
    if (*done)
        return RLAB_OK;
    RLAB_TRY(rlab_reducer_note(ctx, r));
    RLAB_TRY(rlab_reducer_contract(ctx, r));
    r->settled = false;
    return rlab_reducer_normalise(ctx, r);
}

/* ---- steps ---------------------------------------------------------------------------------- */

rlab_status
rlab_reducer_next(rlab_ctx *ctx, bool *found, rlab_reducer *r, size_t base) {
    return r->strategy == RLAB_CBN ? rlab_reducer_next_cbn(ctx, found, r, base)
                                   : refocus(ctx, found, r, base);
}

rlab_status
rlab_reducer_equation(rlab_ctx *ctx, rlab_reducer *r, size_t base) {
    for (;;) {
        bool found, local_fix;
        rlab_rule rule = RLAB_DELTA;
        uint32_t function = UINT32_MAX;
        RLAB_TRY(rlab_reducer_next(ctx, &found, r, base));
        if (!found)
            return RLAB_OK;
        RLAB_TRY(rlab_reducer_find(ctx, r, r->focus, &rule, &function, &local_fix));
        if (rule == RLAB_DELTA || local_fix)
            return RLAB_OK;
        RLAB_TRY(rlab_reducer_contract(ctx, r));
    }
}

static rlab_status
step_small(rlab_ctx *ctx, bool *done, rlab_reducer *r) {
    bool found;
    RLAB_TRY(rlab_reducer_next(ctx, &found, r, 0));
    *done = !found;
    if (!found)
        return RLAB_OK;
    RLAB_TRY(rlab_reducer_note(ctx, r));
    RLAB_TRY(rlab_reducer_contract(ctx, r));
    return r->granularity == RLAB_EQUATION ? rlab_reducer_equation(ctx, r, r->depth) : RLAB_OK;
}

rlab_status
rlab_reducer_step(rlab_ctx *ctx, bool *done, rlab_reducer *r) {
    if (r->strategy == RLAB_PARALLEL)
        return rlab_reducer_step_parallel(ctx, done, r);
    if (r->granularity != RLAB_CALL)
        return step_small(ctx, done, r);
    return r->strategy == RLAB_CBN ? rlab_reducer_step_cbn_call(ctx, done, r)
                                   : step_call(ctx, done, r);
}

/* ---- many steps ----------------------------------------------------------------------------- */

/* The holes of the first r->depth frames become the position, for which there is room. */
static void
put_outer(rlab_reducer *r) {
    for (size_t i = 0; i < r->depth; i++) {
        const rlab_frame *f = &r->frames.at[i];
        r->position.at[i] = (int32_t)f->hole - (node_of(r, f->term)->kind == RLAB_APP);
    }
    r->position.len = r->depth;
}

/* Takes up to `most` contractions in bulk at the focus. The head of an application is not looked at
 * without its arguments, since it may become one with them. */
static rlab_status
run_bulk(rlab_ctx *ctx, uint64_t *taken, rlab_reducer *r, uint64_t most) {
    rlab_term before;
    rlab_status status;
    while (r->frames.len > 0 && r->frames.at[r->frames.len - 1].hole == 0 &&
           node_of(r, r->frames.at[r->frames.len - 1].term)->kind == RLAB_APP)
        RLAB_TRY(rlab_reducer_pop(ctx, r));
    before = r->focus;
    status = rlab_bulk_run(ctx, &r->focus, taken, &r->bulk, r->store, before, most);
    r->contractions += *taken;
    if (*taken > 0) {
        r->unnoted = true;
        r->position_known = false;
        r->bulk_term = before;
        r->bulk_taken = *taken;
        r->bulk_depth = r->frames.len;
    }
    return status;
}

/* The last step of all is a single one, so that its rule and place are known. A node budget counts
 * every term between, so those are made; and so they are where a term that is not well typed cannot
 * be read back, since it must get stuck at its own step. */
static rlab_status
run_steps(rlab_ctx *ctx, uint64_t *taken, bool *done, rlab_reducer *r, uint64_t count) {
    bool bulk = r->strategy == RLAB_CBV && r->granularity == RLAB_CONTRACTION && !r->store->limit;
    rlab_ctx fresh = *ctx;
    *taken = 0;
    *done = false;
    while (*taken < count && !*done) {
        uint64_t most = count - *taken - 1, budget = r->budget.steps - r->contractions, some = 0;
        bool found = bulk && most >= BULK_LEAST && budget > 0;
        if (found && is_value(r, r->focus))
            RLAB_TRY(refocus(ctx, &found, r, 0));
        if (found) {
            rlab_status status = run_bulk(ctx, &some, r, most < budget ? most : budget);
            *taken += some;
            if (status == RLAB_ETERM) {
                *ctx = fresh;
                bulk = false;
            } else {
                RLAB_TRY(status);
            }
        }
        if (some == 0) {
            RLAB_TRY(rlab_reducer_step(ctx, done, r));
            *taken += !*done;
        }
    }
    return RLAB_OK;
}

rlab_status
rlab_reducer_run(rlab_ctx *ctx, uint64_t *taken, bool *done, rlab_reducer *r, uint64_t count) {
    rlab_status status = run_steps(ctx, taken, done, r, count);
    if (r->bulk.arena.cap > BULK_KEPT || r->bulk.frames.cap > BULK_KEPT)
        rlab_bulk_free(&r->bulk);
    return status;
}

/* Finds the redex of the last step where it was taken in bulk, by running to it once more. */
static rlab_status
recall(rlab_ctx *ctx, rlab_reducer *r) {
    rlab_budget all = {UINT64_MAX, UINT64_MAX};
    rlab_reducer *again;
    uint64_t taken;
    bool found;
    const int32_t *inner;
    size_t len;
    rlab_status status;
    if (!r->unnoted)
        return RLAB_OK;
    RLAB_TRY(rlab_reducer_new(ctx, &again, r->store, r->bulk_term, RLAB_CBV, RLAB_CONTRACTION,
                              r->group, all));
    status = rlab_bulk_run(ctx, &again->focus, &taken, &again->bulk, r->store, r->bulk_term,
                           r->bulk_taken - 1);
    if (status == RLAB_OK)
        status = refocus(ctx, &found, again, 0);
    if (status == RLAB_OK)
        status = rlab_reducer_note(ctx, again);
    if (status == RLAB_OK)
        status = rlab_reducer_position(ctx, &inner, &len, again);
    if (status == RLAB_OK)
        status = rlab_vec_reserve(ctx, &r->position, r->bulk_depth + len + 1);
    if (status == RLAB_OK) {
        r->depth = r->bulk_depth;
        put_outer(r);
        memcpy(r->position.at + r->depth, inner, len * sizeof *inner);
        r->position.len = r->depth + len;
        r->position_known = true;
        r->rule = again->rule;
        r->function = again->function;
        r->unnoted = false;
    }
    rlab_reducer_free(again);
    return status;
}

rlab_status
rlab_reducer_start(rlab_ctx *ctx, rlab_reducer *r, rlab_term term) {
    r->frames.len = r->kids.len = 0;
    r->contractions = 0;
    r->depth = 0;
    r->position_known = false;
    r->unnoted = false;
    r->settled = false;
    r->focus = term;
    if (r->granularity != RLAB_CALL)
        return RLAB_OK;
    return r->strategy == RLAB_CBN ? rlab_reducer_start_cbn_call(ctx, r)
                                   : rlab_reducer_normalise(ctx, r);
}

rlab_status
rlab_reducer_new(rlab_ctx *ctx, rlab_reducer **out, rlab_store *store, rlab_term term,
                 rlab_strategy strategy, rlab_granularity granularity, uint32_t group,
                 rlab_budget budget) {
    rlab_reducer *r;
    rlab_status status;
    RLAB_TRY(rlab_alloc(ctx, (void **)&r, 1, sizeof *r));
    r->store = store;
    r->program = store->program;
    r->strategy = strategy;
    r->granularity = granularity;
    r->group = group;
    r->budget = budget;
    r->function = UINT32_MAX;
    if (granularity == RLAB_CALL && group == UINT32_MAX)
        status = rlab_fail(ctx, RLAB_EVALUE, "granularity call: say which function is traced");
    else
        status = rlab_reducer_start(ctx, r, term);
    if (status != RLAB_OK) {
        rlab_reducer_free(r);
        return status;
    }
    *out = r;
    return RLAB_OK;
}

void
rlab_reducer_free(rlab_reducer *r) {
    if (!r)
        return;
    rlab_vec_free(&r->frames);
    rlab_vec_free(&r->kids);
    rlab_vec_free(&r->position);
    rlab_bulk_free(&r->bulk);
    rlab_free(r);
}

rlab_status
rlab_reducer_last(rlab_ctx *ctx, rlab_rule *rule, uint32_t *function, rlab_reducer *r) {
    RLAB_TRY(recall(ctx, r));
    *rule = r->rule;
    *function = r->function;
    return RLAB_OK;
}

/* The frames above the last redex stand until the next step (or until a call trace settles). */
rlab_status
rlab_reducer_position(rlab_ctx *ctx, const int32_t **out, size_t *len, rlab_reducer *r) {
    RLAB_TRY(recall(ctx, r));
    if (!r->position_known) {
        RLAB_TRY(rlab_vec_reserve(ctx, &r->position, r->depth + 1));
        put_outer(r);
        r->position_known = true;
    }
    *out = r->position.at;
    *len = r->position.len;
    return RLAB_OK;
}

rlab_status
rlab_reducer_term(rlab_ctx *ctx, rlab_term *out, rlab_reducer *r) {
    rlab_term term;
    if (r->strategy == RLAB_CBV && r->granularity == RLAB_CALL && !r->settled) {
        const int32_t *unused;
        size_t len;
        RLAB_TRY(rlab_reducer_position(ctx, &unused, &len, r));
        RLAB_TRY(settle(ctx, r));
    }
    term = r->focus;
    for (size_t i = r->frames.len; i-- > 0;)
        RLAB_TRY(rebuild(ctx, &term, r, &r->frames.at[i], term));
    *out = term;
    return RLAB_OK;
}
