/* The other strategies: call by name, and all innermost redexes at once. The rules they share stand
 * in reduce.c. */
#include "lang/reduce.h"

/* ---- what a term waits for ------------------------------------------------------------------ */

/* A constructor with all its arguments. */
static bool
constructed(const rlab_reducer *r, rlab_term term) {
    const rlab_node *node = node_of(r, term);
    return node->kind == RLAB_CTOR && node->count == r->program->ctors.at[node->head].arity;
}

/* Arguments that a function must have to be unfolded, and the one that decreases (-1: none). */
static uint32_t
arguments(const rlab_reducer *r, const rlab_node *function, int32_t *decreasing) {
    const rlab_global_row *row;
    if (function->kind == RLAB_FIX) {
        *decreasing = (int32_t)(function->head >> 16);
        return function->head & 0xffff;
    }
    row = &r->program->globals.at[function->head];
    *decreasing = row->struct_arg;
    return row->n_args;
}

rlab_shape
rlab_reducer_shape(const rlab_reducer *r, rlab_term term) {
    const rlab_node *node = node_of(r, term), *head;
    const rlab_term *kids = rlab_term_kids(r->store, term);
    rlab_shape in_order = {false, UINT32_MAX}, redex = {true, UINT32_MAX}, waits = {false, 0};
    int32_t decreasing;
    uint32_t n;
    switch ((rlab_kind)node->kind) {
    case RLAB_LET:
        return redex;
    case RLAB_GLOBAL:
        return r->program->globals.at[node->head].n_args == 0 ? redex : in_order;
    case RLAB_MATCH:
        return constructed(r, kids[0]) ? redex : waits;
    case RLAB_APP:
        break;
    default:
        return in_order;
    }
    head = node_of(r, kids[0]);
    switch ((rlab_kind)head->kind) {
    case RLAB_LAM:
        return redex;
    case RLAB_GLOBAL:
    case RLAB_FIXG:
    case RLAB_FIX:
        break;
    default:
        return waits;
    }
    n = arguments(r, head, &decreasing);
    if (n == 0)
        return waits;
    if (node->count - 1 < n)
        return in_order;
    if (decreasing < 0 || constructed(r, kids[1 + decreasing]))
        return redex;
    waits.kid = 1 + (uint32_t)decreasing;
    return waits;
}

/* ---- call by name --------------------------------------------------------------------------- */

/* Which redexes a search stops at. */
typedef enum wanted { ANY, PENDING, OTHER } wanted;

/* Whether what the innermost frame waits for has come about in the focus. */
static bool
feeds(const rlab_reducer *r, bool waits) {
    return waits && (is_value(r, r->focus) || constructed(r, r->focus) || must_merge(r));
}

/* Leftmost-outermost: a redex is never entered, and what waits for one kid is entered there only.
 * Everything left of the focus has been searched before. */
static rlab_status
search(rlab_ctx *ctx, bool *found, rlab_reducer *r, size_t base, wanted want) {
    bool down = true;
    for (;;) {
        rlab_frame *f = r->frames.len > 0 ? &r->frames.at[r->frames.len - 1] : NULL;
        bool waits = f && rlab_reducer_shape(r, f->term).kid != UINT32_MAX;
        uint32_t next;
        *found = false;
        if (feeds(r, waits)) {
            if (r->frames.len == base)
                return RLAB_OK;
            RLAB_TRY(rlab_reducer_pop(ctx, r));
            down = true;
            continue;
        }
        if (down && !is_value(r, r->focus)) {
            rlab_shape shape = rlab_reducer_shape(r, r->focus);
            uint32_t count = reducible_kids(node_of(r, r->focus)), hole = shape.kid;
            const rlab_term *kids = rlab_term_kids(r->store, r->focus);
            if (shape.redex) {
                *found = want == ANY || (want == PENDING) == rlab_reducer_pending(r, r->focus);
                if (*found)
                    return RLAB_OK;
            } else {
                if (hole == UINT32_MAX)
                    hole = next_hole(r, kids, count, 0);
                if (hole >= count || is_value(r, kids[hole]))
                    return rlab_reducer_stuck(ctx);
                RLAB_TRY(rlab_reducer_push(ctx, r, count, hole));
                continue;
            }
        }
        if (r->frames.len == base)
            return RLAB_OK;
        next = waits ? f->count : next_hole(r, r->kids.at + f->kids, f->count, f->hole + 1);
        if (next < f->count) {
            r->kids.at[f->kids + f->hole] = r->focus;
            f->hole = next;
            r->focus = r->kids.at[f->kids + next];
            down = true;
        } else {
            RLAB_TRY(rlab_reducer_pop(ctx, r));
            down = false;
        }
    }
}

rlab_status
rlab_reducer_next_cbn(rlab_ctx *ctx, bool *found, rlab_reducer *r, size_t base) {
    return search(ctx, found, r, base, ANY);
}

/* Contracts what is no pending call, until there is no more of it. */
static rlab_status
run_others(rlab_ctx *ctx, rlab_reducer *r) {
    for (;;) {
        bool found;
        RLAB_TRY(search(ctx, &found, r, 0, OTHER));
        if (!found)
            return RLAB_OK;
        RLAB_TRY(rlab_reducer_contract(ctx, r));
    }
}

rlab_status
rlab_reducer_start_cbn_call(rlab_ctx *ctx, rlab_reducer *r) {
    return run_others(ctx, r);
}

/* Between steps the focus is the whole term, so the search for a call starts at the root. */
rlab_status
rlab_reducer_step_cbn_call(rlab_ctx *ctx, bool *done, rlab_reducer *r) {
    const int32_t *position;
    size_t len;
    bool found;
    RLAB_TRY(search(ctx, &found, r, 0, PENDING));
    *done = !found;
    if (!found)
        return RLAB_OK;
    RLAB_TRY(rlab_reducer_note(ctx, r));
    RLAB_TRY(rlab_reducer_position(ctx, &position, &len, r));
    RLAB_TRY(rlab_reducer_contract(ctx, r));
    return run_others(ctx, r);
}

/* ---- all innermost redexes at once ---------------------------------------------------------- */

/* The focus, an innermost redex, becomes what one step makes of it. */
static rlab_status
contract_one(rlab_ctx *ctx, rlab_reducer *r, bool first) {
    size_t base = r->frames.len, len;
    const int32_t *position;
    if (first) {
        RLAB_TRY(rlab_reducer_note(ctx, r));
        RLAB_TRY(rlab_reducer_position(ctx, &position, &len, r));
    }
    RLAB_TRY(rlab_reducer_contract(ctx, r));
    if (r->granularity == RLAB_EQUATION)
        RLAB_TRY(rlab_reducer_equation(ctx, r, base));
    while (r->frames.len > base)
        RLAB_TRY(rlab_reducer_pop(ctx, r));
    return RLAB_OK;
}

/* One walk over what is no value; what it made is not looked at again. */
rlab_status
rlab_reducer_step_parallel(rlab_ctx *ctx, bool *done, rlab_reducer *r) {
    bool down = true;
    *done = true;
    for (;;) {
        rlab_frame *f;
        uint32_t next;
        if (down && !is_value(r, r->focus)) {
            uint32_t count = reducible_kids(node_of(r, r->focus));
            uint32_t hole = next_hole(r, rlab_term_kids(r->store, r->focus), count, 0);
            if (hole < count) {
                RLAB_TRY(rlab_reducer_push(ctx, r, count, hole));
                continue;
            }
            if (r->granularity != RLAB_CALL || rlab_reducer_pending(r, r->focus)) {
                RLAB_TRY(contract_one(ctx, r, *done));
                *done = false;
            }
        }
        if (r->frames.len == 0)
            break;
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
    return r->granularity == RLAB_CALL && !*done ? rlab_reducer_normalise(ctx, r) : RLAB_OK;
}
