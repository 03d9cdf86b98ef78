/* Reads a machine of bulk.c back: its values, then the term under way in the frames around it. */
#include "lang/bulk.h"

#include <string.h>

/* ---- values --------------------------------------------------------------------------------- */

static inline bool
unread(const rlab_bulk *b, uint32_t word) {
    return (word & RLAB_BULK_CELL) != 0 &&
           (b->arena.at[word & ~RLAB_BULK_CELL] & 7) != RLAB_BULK_READ;
}

/* The words become the terms they have been read as; the others go to `work`. */
static rlab_status
look_at(rlab_ctx *ctx, rlab_bulk *b, uint32_t *words, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (unread(b, words[i]))
            RLAB_TRY(rlab_ids_push(ctx, &b->work, words[i]));
        else if (words[i] & RLAB_BULK_CELL)
            words[i] = b->arena.at[(words[i] & ~RLAB_BULK_CELL) + 1];
    }
    return RLAB_OK;
}

/* The term of a cell whose parts are terms. */
static rlab_status
build(rlab_ctx *ctx, rlab_term *out, rlab_bulk *b, uint32_t cell) {
    const uint32_t *at = b->arena.at + (cell & ~RLAB_BULK_CELL);
    uint32_t n, *parts = rlab_bulk_parts(b, cell, &n);
    switch ((rlab_bulk_kind)(at[0] & 7)) {
    case RLAB_BULK_CON:
    case RLAB_BULK_PARTIAL:
        return rlab_term_intern(ctx, out, b->store, RLAB_CTOR, at[0] >> 3, parts, n, 0);
    case RLAB_BULK_CLOSURE:
        return rlab_term_subst(ctx, out, b->store, at[1], parts, n);
    default:
        return rlab_term_app(ctx, out, b->store, parts[0], parts + 1, n - 1);
    }
}

/* The n words, of values or of the arena, become terms. */
static rlab_status
read(rlab_ctx *ctx, rlab_bulk *b, uint32_t *words, uint32_t n) {
    b->work.len = 0;
    RLAB_TRY(look_at(ctx, b, words, n));
    while (b->work.len > 0) {
        uint32_t cell = b->work.at[b->work.len - 1], count, *parts, *at;
        size_t before = b->work.len;
        rlab_term term;
        if (!unread(b, cell)) {
            b->work.len--;
            continue;
        }
        parts = rlab_bulk_parts(b, cell, &count);
        RLAB_TRY(look_at(ctx, b, parts, count));
        if (b->work.len > before)
            continue;
        RLAB_TRY(build(ctx, &term, b, cell));
        at = b->arena.at + (cell & ~RLAB_BULK_CELL);
        at[0] = RLAB_BULK_READ;
        at[1] = term;
        b->work.len--;
    }
    return look_at(ctx, b, words, n);
}

/* A term in its environment as a closed one. */
static rlab_status
instance(rlab_ctx *ctx, rlab_term *out, rlab_bulk *b, rlab_term term, uint32_t env) {
    uint32_t n = rlab_term_node(b->store, term)->free;
    RLAB_TRY(read(ctx, b, b->arena.at + env - n, n));
    return rlab_term_subst(ctx, out, b->store, term, b->arena.at + env - n, n);
}

/* ---- frames --------------------------------------------------------------------------------- */

/* Puts kids `from` and up of a term, instantiated, behind those in b->kids. */
static rlab_status
put_kids(rlab_ctx *ctx, rlab_bulk *b, rlab_term term, uint32_t env, uint32_t from) {
    uint32_t count = rlab_term_node(b->store, term)->count;
    for (uint32_t i = from; i < count; i++) {
        rlab_term kid = rlab_term_kids(b->store, term)[i];
        RLAB_TRY(instance(ctx, &kid, b, kid, env));
        RLAB_TRY(rlab_ids_push(ctx, &b->kids, kid));
    }
    return RLAB_OK;
}

static rlab_status
put_values(rlab_ctx *ctx, rlab_bulk *b, size_t from, size_t to) {
    RLAB_TRY(read(ctx, b, b->values.at + from, (uint32_t)(to - from)));
    for (size_t i = from; i < to; i++)
        RLAB_TRY(rlab_ids_push(ctx, &b->kids, b->values.at[i]));
    return RLAB_OK;
}

/* A match or let with another first kid. */
static rlab_status
with_first(rlab_ctx *ctx, rlab_term *focus, rlab_bulk *b, const rlab_bulk_frame *f) {
    rlab_term whole;
    rlab_node node;
    RLAB_TRY(instance(ctx, &whole, b, f->term, f->env));
    node = *rlab_term_node(b->store, whole);
    RLAB_TRY(rlab_ids_push(ctx, &b->kids, *focus));
    for (uint32_t i = 1; i < node.count; i++)
        RLAB_TRY(rlab_ids_push(ctx, &b->kids, rlab_term_kids(b->store, whole)[i]));
    return rlab_term_intern(ctx, focus, b->store, (rlab_kind)node.kind, node.head, b->kids.at,
                            node.count, node.hint);
}

/* The focus in a frame, whose values end at values[end]. */
static rlab_status
put_into(rlab_ctx *ctx, rlab_term *focus, rlab_bulk *b, const rlab_bulk_frame *f, size_t end) {
    rlab_ids *kids = &b->kids;
    kids->len = 0;
    if (f->wait == RLAB_BULK_MATCH || f->wait == RLAB_BULK_LET)
        return with_first(ctx, focus, b, f);
    if (f->wait == RLAB_BULK_FIELDS || f->wait == RLAB_BULK_ARGS)
        RLAB_TRY(put_values(ctx, b, f->base, end));
    RLAB_TRY(rlab_ids_push(ctx, kids, *focus));
    if (f->wait == RLAB_BULK_REST)
        RLAB_TRY(put_values(ctx, b, f->base, end));
    else
        RLAB_TRY(put_kids(ctx, b, f->term, f->env, f->next + 1));
    if (f->wait == RLAB_BULK_FIELDS)
        return rlab_term_intern(ctx, focus, b->store, RLAB_CTOR,
                                rlab_term_node(b->store, f->term)->head, kids->at,
                                (uint32_t)kids->len, 0);
    return rlab_term_app(ctx, focus, b->store, kids->at[0], kids->at + 1, (uint32_t)kids->len - 1);
}

/* What the machine has under way, and where its values end. */
static rlab_status
innermost(rlab_ctx *ctx, rlab_term *out, size_t *end, rlab_bulk *b) {
    *end = b->values.len;
    switch (b->mode) {
    case RLAB_BULK_EVAL:
        return instance(ctx, out, b, b->term, b->env);
    case RLAB_BULK_GIVE:
        *out = b->value;
        return read(ctx, b, out, 1);
    default:
        *end = b->base;
        b->kids.len = 0;
        RLAB_TRY(put_values(ctx, b, b->base, b->values.len));
        return rlab_term_app(ctx, out, b->store, b->kids.at[0], b->kids.at + 1,
                             (uint32_t)b->kids.len - 1);
    }
}

rlab_status
rlab_bulk_unload(rlab_ctx *ctx, rlab_term *out, rlab_bulk *b) {
    rlab_term focus;
    size_t end;
    RLAB_TRY(innermost(ctx, &focus, &end, b));
    for (size_t i = b->frames.len; i-- > 0;) {
        RLAB_TRY(put_into(ctx, &focus, b, &b->frames.at[i], end));
        end = b->frames.at[i].base;
    }
    *out = focus;
    return RLAB_OK;
}
