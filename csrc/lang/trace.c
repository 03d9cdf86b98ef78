/* Judges traces: what each next term of a sequence is to the one before, by reducing again. */
#include "lang/reduce.h"

const char *
rlab_verdict_name(rlab_verdict verdict) {
    static const char *const names[] = {"expected", "other", "skipped", "convertible", "wrong"};
    return names[verdict];
}

static rlab_status
put_place(rlab_ctx *ctx, rlab_judged *out, const rlab_reducer *r, rlab_term term, uint32_t kid) {
    RLAB_TRY(rlab_vec_reserve(ctx, &out->position, out->position.len + 1));
    out->position.at[out->position.len++] = (int32_t)kid - (node_of(r, term)->kind == RLAB_APP);
    return RLAB_OK;
}

/* The path to the smallest part that holds all differences of two terms. */
static rlab_status
difference(rlab_ctx *ctx, rlab_judged *out, const rlab_reducer *r, rlab_term a, rlab_term b) {
    out->position.len = 0;
    for (;;) {
        const rlab_node *x = node_of(r, a), *y = node_of(r, b);
        uint32_t differ = 0, where = 0;
        if (x->kind != y->kind || x->head != y->head || x->count != y->count)
            return RLAB_OK;
        for (uint32_t i = 0; i < x->count && differ < 2; i++)
            if (rlab_term_kids(r->store, a)[i] != rlab_term_kids(r->store, b)[i]) {
                differ++;
                where = i;
            }
        if (differ != 1 || where >= reducible_kids(x))
            return RLAB_OK;
        RLAB_TRY(put_place(ctx, out, r, a, where));
        a = rlab_term_kids(r->store, a)[where];
        b = rlab_term_kids(r->store, b)[where];
    }
}

static bool
is_after(const rlab_question *q, rlab_term term) {
    return q->same ? q->same(q->arg, term) : term == q->after;
}

/* Puts a term into a reducer as it is: a start would run what is beside the calls. */
static void
hold(rlab_reducer *r, rlab_term term) {
    r->frames.len = r->kids.len = 0;
    r->focus = term;
    r->settled = true;
}

/* The whole term after the redex in the focus of `r` took its step; `r` stays as it is. */
static rlab_status
step_here(rlab_ctx *ctx, rlab_term *out, rlab_reducer *r, rlab_reducer *helper) {
    rlab_term saved = r->focus;
    rlab_status status;
    hold(helper, saved);
    RLAB_TRY(rlab_reducer_contract(ctx, helper));
    if (r->granularity == RLAB_EQUATION)
        RLAB_TRY(rlab_reducer_equation(ctx, helper, 0));
    RLAB_TRY(rlab_reducer_term(ctx, &r->focus, helper));
    status = rlab_reducer_term(ctx, out, r);
    r->focus = saved;
    RLAB_TRY(status);
    if (r->granularity != RLAB_CALL)
        return RLAB_OK;
    RLAB_TRY(rlab_reducer_start(ctx, helper, *out));
    return rlab_reducer_term(ctx, out, helper);
}

/* Tries every redex where terms are reduced, outermost first. */
static rlab_status
find_other(rlab_ctx *ctx, bool *found, rlab_judged *out, rlab_reducer *r, rlab_reducer *helper,
           const rlab_question *q) {
    rlab_term before;
    bool down = true;
    RLAB_TRY(rlab_reducer_start(ctx, helper, q->before));
    RLAB_TRY(rlab_reducer_term(ctx, &before, helper));
    hold(r, before);
    *found = false;
    for (;;) {
        rlab_frame *f;
        uint32_t next;
        if (down && !is_value(r, r->focus)) {
            uint32_t count = reducible_kids(node_of(r, r->focus));
            uint32_t hole = next_hole(r, rlab_term_kids(r->store, r->focus), count, 0);
            if (rlab_reducer_shape(r, r->focus).redex &&
                (r->granularity != RLAB_CALL || rlab_reducer_pending(r, r->focus))) {
                rlab_term whole;
                RLAB_TRY(step_here(ctx, &whole, r, helper));
                if (is_after(q, whole)) {
                    *found = true;
                    out->position.len = 0;
                    for (size_t i = 0; i < r->frames.len; i++)
                        RLAB_TRY(
                            put_place(ctx, out, r, r->frames.at[i].term, r->frames.at[i].hole));
                    return RLAB_OK;
                }
            }
            if (hole < count) {
                RLAB_TRY(rlab_reducer_push(ctx, r, count, hole));
                continue;
            }
        }
        if (r->frames.len == 0)
            return RLAB_OK;
        f = &r->frames.at[r->frames.len - 1];
        next = next_hole(r, r->kids.at + f->kids, f->count, f->hole + 1);
        down = next < f->count;
        if (down) {
            r->kids.at[f->kids + f->hole] = r->focus;
            f->hole = next;
            r->focus = r->kids.at[f->kids + next];
        } else {
            RLAB_TRY(rlab_reducer_pop(ctx, r));
        }
    }
}

static rlab_status
normal_form(rlab_ctx *ctx, rlab_term *out, rlab_reducer *r, rlab_term term) {
    rlab_strategy strategy = r->strategy;
    rlab_granularity granularity = r->granularity;
    rlab_status status;
    uint64_t taken;
    bool done;
    r->strategy = RLAB_CBV;
    r->granularity = RLAB_CONTRACTION;
    status = rlab_reducer_start(ctx, r, term);
    if (status == RLAB_OK)
        status = rlab_reducer_run(ctx, &taken, &done, r, UINT64_MAX);
    if (status == RLAB_OK)
        status = rlab_reducer_term(ctx, out, r);
    r->strategy = strategy;
    r->granularity = granularity;
    return status;
}

/* Takes `every` steps. */
static rlab_status
expect(rlab_ctx *ctx, rlab_judged *out, rlab_reducer *r, const rlab_question *q) {
    bool done;
    RLAB_TRY(rlab_reducer_start(ctx, r, q->before));
    RLAB_TRY(rlab_reducer_run(ctx, &out->steps, &done, r, q->every));
    RLAB_TRY(rlab_reducer_term(ctx, &out->expected, r));
    if (out->steps > 0 && is_after(q, out->expected))
        out->verdict = RLAB_EXPECTED;
    return RLAB_OK;
}

/* Looks for `after` behind the first `every` steps, `lookahead` steps in all. */
static rlab_status
look_on(rlab_ctx *ctx, rlab_judged *out, rlab_reducer *r, const rlab_question *q) {
    uint64_t taken;
    bool done;
    rlab_term term;
    out->steps = 0;
    if (q->lookahead <= q->every)
        return RLAB_OK;
    RLAB_TRY(rlab_reducer_start(ctx, r, q->before));
    RLAB_TRY(rlab_reducer_run(ctx, &taken, &done, r, q->every));
    while (taken < q->lookahead && !done) {
        RLAB_TRY(rlab_reducer_step(ctx, &done, r));
        if (done)
            break;
        taken++;
        RLAB_TRY(rlab_reducer_term(ctx, &term, r));
        if (is_after(q, term)) {
            out->verdict = RLAB_SKIPPED;
            out->steps = taken;
            break;
        }
    }
    return RLAB_OK;
}

static rlab_status
judge(rlab_ctx *ctx, rlab_judged *out, rlab_reducer *r, rlab_reducer *helper,
      const rlab_question *q) {
    rlab_term left, right;
    bool found = false;
    RLAB_TRY(expect(ctx, out, r, q));
    if (out->verdict == RLAB_EXPECTED)
        return RLAB_OK;
    if (q->every == 1 && out->steps > 0)
        RLAB_TRY(find_other(ctx, &found, out, r, helper, q));
    if (found) {
        out->verdict = RLAB_OTHER;
        out->steps = 1;
        return RLAB_OK;
    }
    RLAB_TRY(difference(ctx, out, r, out->expected, q->after));
    if (out->steps > 0)
        RLAB_TRY(look_on(ctx, out, r, q));
    if (out->verdict == RLAB_SKIPPED)
        return RLAB_OK;
    RLAB_TRY(normal_form(ctx, &left, helper, q->before));
    RLAB_TRY(normal_form(ctx, &right, helper, q->after));
    if (left == right)
        out->verdict = RLAB_CONVERTIBLE;
    return RLAB_OK;
}

/* A term that gets stuck has no normal form: that is a verdict, not an error. */
rlab_status
rlab_trace_judge(rlab_ctx *ctx, rlab_judged *out, rlab_reducer *r, rlab_reducer *helper,
                 const rlab_question *question) {
    rlab_ctx kept = *ctx;
    rlab_status status;
    out->verdict = RLAB_WRONG;
    out->steps = 0;
    out->expected = question->before;
    out->position.len = 0;
    status = judge(ctx, out, r, helper, question);
    if (status != RLAB_ETERM)
        return status;
    *ctx = kept;
    out->verdict = RLAB_WRONG;
    return RLAB_OK;
}
