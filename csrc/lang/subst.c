/* Substitution of closed terms for the outermost indices of a body, with an explicit stack. */
#include "lang/inner.h"

/* A node under way: its kids from `next` on are still to be done; done ones lie on `done`. */
typedef struct frame {
    rlab_term term;
    uint32_t next, under;
} frame;

typedef struct walk {
    RLAB_VEC(frame)
    frames;
    rlab_ids done;
} walk;

/* Index `under + i` (i < n) becomes args[n - 1 - i]; larger ones fall by n. */
static rlab_status
leaf(rlab_ctx *ctx, rlab_term *out, rlab_store *store, uint32_t index, uint32_t under,
     const rlab_term *args, uint32_t n) {
    if (index - under < n) {
        *out = args[n - 1 - (index - under)];
        return RLAB_OK;
    }
    return rlab_term_intern(ctx, out, store, RLAB_VAR, index - n, NULL, 0, 0);
}

static rlab_status
rebuild(rlab_ctx *ctx, rlab_term *out, rlab_store *store, rlab_term old, rlab_ids *done) {
    rlab_node node = *rlab_term_node(store, old);
    rlab_term *kids = done->at + done->len - node.count;
    done->len -= node.count;
    if (node.kind == RLAB_APP)
        return rlab_term_app(ctx, out, store, kids[0], kids + 1, node.count - 1);
    return rlab_term_intern(ctx, out, store, (rlab_kind)node.kind, node.head, kids, node.count,
                            node.hint);
}

static rlab_status
run(rlab_ctx *ctx, rlab_term *out, rlab_store *store, rlab_term body, const rlab_term *args,
    uint32_t n, walk *w) {
    rlab_term now = body;
    uint32_t under = 0;
    for (;;) {
        const rlab_node *node = rlab_term_node(store, now);
        if (node->free > under && node->count) {
            frame f = {now, 1, under};
            RLAB_TRY(rlab_vec_reserve(ctx, &w->frames, w->frames.len + 1));
            w->frames.at[w->frames.len++] = f;
            under += rlab_node_binders(store->program, (rlab_kind)node->kind, node->head, 0);
            now = rlab_term_kids(store, now)[0];
            continue;
        }
        if (node->free > under)
            RLAB_TRY(leaf(ctx, &now, store, node->head, under, args, n));
        for (;;) {
            frame *f;
            if (w->frames.len == 0) {
                *out = now;
                return RLAB_OK;
            }
            RLAB_TRY(rlab_ids_push(ctx, &w->done, now));
            f = &w->frames.at[w->frames.len - 1];
            node = rlab_term_node(store, f->term);
            if (f->next < node->count) {
                under = f->under + rlab_node_binders(store->program, (rlab_kind)node->kind,
                                                     node->head, f->next);
                now = rlab_term_kids(store, f->term)[f->next++];
                break;
            }
            RLAB_TRY(rebuild(ctx, &now, store, f->term, &w->done));
            w->frames.len--;
        }
    }
}

rlab_status
rlab_term_subst(rlab_ctx *ctx, rlab_term *out, rlab_store *store, rlab_term body,
                const rlab_term *args, uint32_t n) {
    walk w = {{0}, {0}};
    rlab_status status;
    if (n == 0 || rlab_term_node(store, body)->free == 0) {
        *out = body;
        return RLAB_OK;
    }
    /* The scratch of the store is used over and over: a contraction should not allocate. */
    w.frames.at = store->walk;
    w.frames.cap = store->walk_cap;
    w.done = store->walk_done;
    w.done.len = 0;
    status = run(ctx, out, store, body, args, n, &w);
    store->walk = w.frames.at;
    store->walk_cap = w.frames.cap;
    store->walk_done = w.done;
    return status;
}
