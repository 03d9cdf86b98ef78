/* What the files of the reducer share: its state, frames, contraction. */
#ifndef RLAB_LANG_REDUCE_H
#define RLAB_LANG_REDUCE_H

#include "lang/bulk.h"

/* A node around the focus. Its kids lie in reducer.kids from `kids` on; for a match or let only the
 * first one, since the others are not reduced. */
typedef struct rlab_frame {
    rlab_term term;
    uint32_t kids, count, hole;
} rlab_frame;

/* Invariant of RLAB_CBV: kids left of a hole are values (RLAB_CALL: values or normal up to pending
 * calls). Of RLAB_CBN: no frame is a redex. Of RLAB_PARALLEL: no frames between steps. */
struct rlab_reducer {
    rlab_store *store;
    const rlab_program *program;
    rlab_strategy strategy;
    rlab_granularity granularity;
    uint32_t group;
    rlab_budget budget;
    uint64_t contractions;
    RLAB_VEC(rlab_frame)
    frames;
    rlab_ids kids;
    rlab_term focus;
    bool settled; /* RLAB_CBV, RLAB_CALL: the focus is the next pending call, or the end */
    rlab_rule rule;
    uint32_t function;
    size_t depth; /* frames above the last redex */
    RLAB_VEC(int32_t)
    position;
    bool position_known;
    rlab_bulk bulk;
    /* Where the last step was taken in bulk: the focus before, contractions, frames around it. */
    bool unnoted;
    rlab_term bulk_term;
    uint64_t bulk_taken;
    size_t bulk_depth;
};

static inline const rlab_node *
node_of(const rlab_reducer *r, rlab_term term) {
    return rlab_term_node(r->store, term);
}
static inline bool
is_value(const rlab_reducer *r, rlab_term term) {
    return (node_of(r, term)->flags & RLAB_TERM_VALUE) != 0;
}

/* How many kids of a node stand where terms are reduced: the first ones. */
static inline uint32_t
reducible_kids(const rlab_node *node) {
    switch ((rlab_kind)node->kind) {
    case RLAB_CTOR:
    case RLAB_APP:
        return node->count;
    case RLAB_MATCH:
    case RLAB_LET:
        return 1;
    default:
        return 0;
    }
}

/* The first kid from `from` on that is no value, or count. */
static inline uint32_t
next_hole(const rlab_reducer *r, const rlab_term *kids, uint32_t count, uint32_t from) {
    while (from < count && is_value(r, kids[from]))
        from++;
    return from;
}

/* Whether the focus is an application in the head of another, so that the two are one. */
static inline bool
must_merge(const rlab_reducer *r) {
    const rlab_frame *f = r->frames.len ? &r->frames.at[r->frames.len - 1] : NULL;
    rlab_kind kind = (rlab_kind)node_of(r, r->focus)->kind;
    return f && f->hole == 0 && (kind == RLAB_APP || kind == RLAB_CTOR) &&
           node_of(r, f->term)->kind == RLAB_APP;
}

/* What a closed term that is no value waits for: it is a redex, or kid `kid` must get a head first,
 * or (kid == UINT32_MAX) its kids are reduced from left to right. */
typedef struct rlab_shape {
    bool redex;
    uint32_t kid;
} rlab_shape;
rlab_shape rlab_reducer_shape(const rlab_reducer *r, rlab_term term);

rlab_status rlab_reducer_stuck(rlab_ctx *ctx);
/* The rule of a redex; the name it unfolds (UINT32_MAX: none); whether it unfolds a local fix. */
rlab_status rlab_reducer_find(rlab_ctx *ctx, const rlab_reducer *r, rlab_term term, rlab_rule *rule,
                              uint32_t *function, bool *local_fix);
/* The focus, a redex, becomes its contractum. */
rlab_status rlab_reducer_contract(rlab_ctx *ctx, rlab_reducer *r);
rlab_status rlab_reducer_push(rlab_ctx *ctx, rlab_reducer *r, uint32_t count, uint32_t hole);
/* The focus goes into the hole of the innermost frame, which becomes the focus. */
rlab_status rlab_reducer_pop(rlab_ctx *ctx, rlab_reducer *r);
/* Whether a term is a call of the traced group. */
bool rlab_reducer_pending(const rlab_reducer *r, rlab_term term);
/* Normal form of the focus but for pending calls, which stay and hold up what needs their value. */
rlab_status rlab_reducer_normalise(rlab_ctx *ctx, rlab_reducer *r);
/* Goes to the strategy's next redex inside the frames from `base` on, if there is one. */
rlab_status rlab_reducer_next(rlab_ctx *ctx, bool *found, rlab_reducer *r, size_t base);
/* After a redex at frames.len == base was contracted: goes on with its equation. */
rlab_status rlab_reducer_equation(rlab_ctx *ctx, rlab_reducer *r, size_t base);
/* Notes the rule and the place of the redex in the focus as those of the step. */
rlab_status rlab_reducer_note(rlab_ctx *ctx, rlab_reducer *r);

/* strategy.c */
rlab_status rlab_reducer_next_cbn(rlab_ctx *ctx, bool *found, rlab_reducer *r, size_t base);
rlab_status rlab_reducer_start_cbn_call(rlab_ctx *ctx, rlab_reducer *r);
rlab_status rlab_reducer_step_cbn_call(rlab_ctx *ctx, bool *done, rlab_reducer *r);
rlab_status rlab_reducer_step_parallel(rlab_ctx *ctx, bool *done, rlab_reducer *r);

#endif
