/* Decoding: tokens back to values, the exact inverse of encoding; says where and why it fails. */
#include "lang/codec.h"

#include <stdio.h>
#include <string.h>

/* A constructor whose arguments are being read. */
typedef struct frame {
    uint32_t ctor, node, have;
    bool paren;
} frame;

typedef struct decoder {
    const rlab_codec *codec;
    const rlab_codec_side *side;
    rlab_store *store;
    const int32_t *tokens;
    size_t n, at; /* at counts in the direction of reading */
    RLAB_VEC(frame)
    frames;
    rlab_ids done;
} decoder;

#define END (-1)

static int32_t
peek(const decoder *d) {
    if (d->at >= d->n)
        return END;
    return d->tokens[d->side->reversed ? d->n - 1 - d->at : d->at];
}

static int64_t
place(const decoder *d) {
    if (d->at >= d->n)
        return d->side->reversed ? 0 : (int64_t)d->n;
    return (int64_t)(d->side->reversed ? d->n - 1 - d->at : d->at);
}

static rlab_status
fail(rlab_ctx *ctx, const decoder *d, const char *expected) {
    int32_t token = peek(d);
    if (token == END && d->at >= d->n)
        return rlab_fail_at(ctx, RLAB_EDECODE, place(d),
                            "token %lld: expected %s, got the %s of the sequence",
                            (long long)place(d), expected, d->side->reversed ? "start" : "end");
    if (token < 0 || (size_t)token >= d->codec->names.len)
        return rlab_fail_at(ctx, RLAB_EDECODE, place(d),
                            "token %lld: expected %s, got %d, which is outside the vocabulary",
                            (long long)place(d), expected, token);
    return rlab_fail_at(ctx, RLAB_EDECODE, place(d), "token %lld: expected %s, got '%s'",
                        (long long)place(d), expected, rlab_codec_token(d->codec, (size_t)token));
}

static rlab_status
fail_node(rlab_ctx *ctx, const decoder *d, uint32_t node) {
    const rlab_program *program = d->codec->program;
    const rlab_type_row *row = &program->types.at[d->side->type->nodes.at[node].type];
    rlab_text text = {0};
    rlab_status status = rlab_text_puts(ctx, &text, "a constructor of ");
    if (status == RLAB_OK)
        status = rlab_type_node_name(ctx, &text, d->side->type, node);
    for (uint32_t c = 0; c < row->count && c < 12 && status == RLAB_OK; c++) {
        int32_t token = d->codec->ctors[row->first + c];
        status = rlab_text_puts(ctx, &text, c ? ", " : " (");
        if (status == RLAB_OK)
            status = rlab_text_puts(ctx, &text,
                                    token < 0 ? rlab_program_ctor_name(program, row->first + c)
                                              : rlab_codec_token(d->codec, (size_t)token));
    }
    if (status == RLAB_OK)
        status = rlab_text_puts(ctx, &text, row->count > 12 ? ", ..)" : ")");
    if (status == RLAB_OK)
        status = fail(ctx, d, text.at);
    rlab_vec_free(&text);
    return status;
}

/* Reads one constructor of `node`: opens a frame for it. */
static rlab_status
constructor(rlab_ctx *ctx, decoder *d, uint32_t node, bool paren) {
    const rlab_codec *codec = d->codec;
    const rlab_type_row *row = &codec->program->types.at[d->side->type->nodes.at[node].type];
    frame f = {0, node, 0, false};
    int32_t token;
    if (paren && peek(d) == codec->open) {
        f.paren = true;
        d->at++;
    }
    token = peek(d);
    if (token < 0 || (size_t)token >= codec->names.len || codec->owners[token] == UINT32_MAX ||
        codec->owners[token] - row->first >= row->count)
        return fail_node(ctx, d, node);
    f.ctor = codec->owners[token];
    if (paren && f.paren != (codec->program->ctors.at[f.ctor].arity > 0))
        return fail(ctx, d, f.paren ? "a constructor with arguments" : "'('");
    d->at++;
    RLAB_TRY(rlab_vec_reserve(ctx, &d->frames, d->frames.len + 1));
    d->frames.at[d->frames.len++] = f;
    return RLAB_OK;
}

/* One value in prefix or paren notation. */
static rlab_status
value(rlab_ctx *ctx, rlab_term *out, decoder *d, uint32_t node, bool paren) {
    const rlab_type *type = d->side->type;
    RLAB_TRY(constructor(ctx, d, node, paren));
    for (;;) {
        frame *f = &d->frames.at[d->frames.len - 1];
        uint32_t arity = d->codec->program->ctors.at[f->ctor].arity;
        rlab_term term;
        if (f->have < arity) {
            const rlab_type_node *at = &type->nodes.at[f->node];
            uint32_t c = f->ctor - d->codec->program->types.at[at->type].first;
            uint32_t next = type->args.at[type->rows.at[at->rows + c].args + f->have++];
            RLAB_TRY(constructor(ctx, d, next, paren));
            continue;
        }
        if (f->paren) {
            if (peek(d) != d->codec->close)
                return fail(ctx, d, "')'");
            d->at++;
        }
        d->done.len -= arity;
        RLAB_TRY(rlab_term_intern(ctx, &term, d->store, RLAB_CTOR, f->ctor,
                                  d->done.at + d->done.len, arity, 0));
        d->frames.len--;
        if (d->frames.len == 0) {
            *out = term;
            return RLAB_OK;
        }
        RLAB_TRY(rlab_ids_push(ctx, &d->done, term));
    }
}

static rlab_status
list(rlab_ctx *ctx, rlab_term *out, decoder *d, uint32_t node, const rlab_shape *shape) {
    const rlab_type *type = d->side->type;
    const rlab_type_node *at = &type->nodes.at[node];
    uint32_t row = at->rows + shape->cons - d->codec->program->types.at[at->type].first;
    uint32_t element = type->args.at[type->rows.at[row].args + !shape->element_first];
    rlab_ids elements = {0};
    rlab_status status = RLAB_OK;
    while (status == RLAB_OK && d->at < d->n && peek(d) != RLAB_TOKEN_SEP) {
        rlab_term term;
        status = value(ctx, &term, d, element, false);
        if (status == RLAB_OK)
            status = rlab_ids_push(ctx, &elements, term);
    }
    if (status == RLAB_OK)
        status = rlab_term_intern(ctx, out, d->store, RLAB_CTOR, shape->nil, NULL, 0, 0);
    while (status == RLAB_OK && elements.len) {
        rlab_term kids[2];
        kids[!shape->element_first] = elements.at[--elements.len];
        kids[shape->element_first] = *out;
        status = rlab_term_intern(ctx, out, d->store, RLAB_CTOR, shape->cons, kids, 2, 0);
    }
    rlab_vec_free(&elements);
    return status;
}

static rlab_status
arguments(rlab_ctx *ctx, rlab_term *out, decoder *d, int side) {
    const rlab_codec *codec = d->codec;
    size_t n = codec->shapes[side].len;
    for (size_t i = 0; i < n; i++) {
        uint32_t node = d->side->type->domain.at[i];
        const rlab_shape *shape = &codec->shapes[side].at[i];
        d->frames.len = d->done.len = 0;
        if (shape->list)
            RLAB_TRY(list(ctx, &out[i], d, node, shape));
        else
            RLAB_TRY(value(ctx, &out[i], d, node, d->side->encoding == RLAB_PAREN));
        if (i + 1 < n && peek(d) != RLAB_TOKEN_SEP)
            return fail(ctx, d, "<sep>");
        if (i + 1 < n)
            d->at++;
    }
    if (d->at < d->n)
        return fail(ctx, d,
                    d->side->reversed ? "the start of the sequence" : "the end of the sequence");
    return RLAB_OK;
}

rlab_status
rlab_codec_decode(rlab_ctx *ctx, rlab_term *out, const rlab_codec *codec, int side,
                  rlab_store *store, const int32_t *tokens, size_t n) {
    decoder d;
    rlab_status status;
    memset(&d, 0, sizeof d);
    d.codec = codec;
    d.side = &codec->sides[side];
    d.store = store;
    d.tokens = tokens;
    d.n = n;
    status = arguments(ctx, out, &d, side);
    rlab_vec_free(&d.frames);
    rlab_vec_free(&d.done);
    return status;
}

/* ---- terms of traces ------------------------------------------------------------------------ */

/* Reads the head of a term: opens a frame for it, with the function (or UINT32_MAX) in `node`. */
static rlab_status
term_head(rlab_ctx *ctx, decoder *d, bool paren) {
    const rlab_codec *codec = d->codec;
    frame f = {UINT32_MAX, UINT32_MAX, 0, false};
    int32_t token;
    uint32_t arity;
    if (paren && peek(d) == codec->open) {
        f.paren = true;
        d->at++;
    }
    token = peek(d);
    if (token >= 0 && (size_t)token < codec->names.len) {
        f.ctor = codec->owners[token];
        f.node = codec->callees[token];
    }
    if (f.ctor == UINT32_MAX && f.node == UINT32_MAX)
        return fail(ctx, d, "a constructor or a function");
    arity = f.node == UINT32_MAX ? codec->program->ctors.at[f.ctor].arity
                                 : codec->program->globals.at[f.node].n_args;
    if (paren && f.paren != (arity > 0))
        return fail(ctx, d, f.paren ? "a name with arguments" : "'('");
    d->at++;
    RLAB_TRY(rlab_vec_reserve(ctx, &d->frames, d->frames.len + 1));
    d->frames.at[d->frames.len++] = f;
    return RLAB_OK;
}

/* The term of a frame whose arguments are done, which are taken from the stack. */
static rlab_status
term_close(rlab_ctx *ctx, rlab_term *out, decoder *d, const frame *f) {
    const rlab_program *program = d->codec->program;
    bool call = f->node != UINT32_MAX;
    uint32_t arity = call ? program->globals.at[f->node].n_args : program->ctors.at[f->ctor].arity;
    rlab_term name;
    d->done.len -= arity;
    if (!call)
        return rlab_term_intern(ctx, out, d->store, RLAB_CTOR, f->ctor, d->done.at + d->done.len,
                                arity, 0);
    RLAB_TRY(rlab_term_intern(ctx, &name, d->store, RLAB_GLOBAL, f->node, NULL, 0, 0));
    return rlab_term_app(ctx, out, d->store, name, d->done.at + d->done.len, arity);
}

/* One term in prefix or paren notation. */
static rlab_status
term_one(rlab_ctx *ctx, rlab_term *out, decoder *d, bool paren) {
    const rlab_program *program = d->codec->program;
    RLAB_TRY(term_head(ctx, d, paren));
    for (;;) {
        frame *f = &d->frames.at[d->frames.len - 1];
        uint32_t arity = f->node == UINT32_MAX ? program->ctors.at[f->ctor].arity
                                               : program->globals.at[f->node].n_args;
        if (f->have < arity) {
            f->have++;
            RLAB_TRY(term_head(ctx, d, paren));
            continue;
        }
        if (f->paren) {
            if (peek(d) != d->codec->close)
                return fail(ctx, d, "')'");
            d->at++;
        }
        RLAB_TRY(term_close(ctx, out, d, f));
        if (--d->frames.len == 0)
            return RLAB_OK;
        RLAB_TRY(rlab_ids_push(ctx, &d->done, *out));
    }
}

/* Whether the token names a function whose result is a list of the spine's type. */
static bool
is_part(const decoder *d, int32_t token, const rlab_shape *shape) {
    const rlab_program *program = d->codec->program;
    uint32_t f = UINT32_MAX, last;
    rlab_tx tx;
    if (token >= 0 && (size_t)token < d->codec->names.len)
        f = d->codec->callees[token];
    if (f == UINT32_MAX)
        return false;
    tx = program->globals.at[f].result;
    last = tx.len ? program->tx.at[tx.at + tx.len - 1] : RLAB_TX_FUN;
    return last == program->ctors.at[shape->cons].type;
}

/* Puts the items of a spine together from the right; stack entries are pairs (term, whether it is a
 * part of the list rather than an element). */
static rlab_status
spine_join(rlab_ctx *ctx, rlab_term *out, const decoder *d, const rlab_shape *shape,
           rlab_ids *items) {
    rlab_term append, kids[2];
    bool any = false;
    RLAB_TRY(rlab_term_intern(ctx, out, d->store, RLAB_CTOR, shape->nil, NULL, 0, 0));
    while (items->len) {
        bool part = items->at[--items->len];
        rlab_term item = items->at[--items->len];
        if (!part) {
            kids[!shape->element_first] = item;
            kids[shape->element_first] = *out;
            RLAB_TRY(rlab_term_intern(ctx, out, d->store, RLAB_CTOR, shape->cons, kids, 2, 0));
        } else if (!any) {
            *out = item;
        } else if (d->codec->append != UINT32_MAX) {
            kids[0] = item;
            kids[1] = *out;
            RLAB_TRY(rlab_term_intern(ctx, &append, d->store, RLAB_GLOBAL, d->codec->append, NULL,
                                      0, 0));
            RLAB_TRY(rlab_term_app(ctx, out, d->store, append, kids, 2));
        } else {
            return rlab_fail(ctx, RLAB_EDECODE,
                             "a pending call that is not the last item: the program has no `app`");
        }
        any = true;
    }
    return RLAB_OK;
}

/* A flat list: elements, and calls that give parts of it. */
static rlab_status
spine(rlab_ctx *ctx, rlab_term *out, decoder *d, const rlab_shape *shape) {
    rlab_ids items = {0};
    rlab_status status = RLAB_OK;
    while (status == RLAB_OK && d->at < d->n) {
        bool part = is_part(d, peek(d), shape);
        rlab_term term;
        status = term_one(ctx, &term, d, false);
        if (status == RLAB_OK)
            status = rlab_ids_push(ctx, &items, term);
        if (status == RLAB_OK)
            status = rlab_ids_push(ctx, &items, part);
    }
    if (status == RLAB_OK)
        status = spine_join(ctx, out, d, shape, &items);
    rlab_vec_free(&items);
    return status;
}

rlab_status
rlab_codec_decode_term(rlab_ctx *ctx, rlab_term *out, const rlab_codec *codec, rlab_store *store,
                       const int32_t *tokens, size_t n) {
    const rlab_shape *shape = &codec->shapes[1].at[0];
    decoder d;
    rlab_status status;
    memset(&d, 0, sizeof d);
    d.codec = codec;
    d.side = &codec->sides[1];
    d.store = store;
    d.tokens = tokens;
    d.n = n;
    if (shape->list)
        status = spine(ctx, out, &d, shape);
    else
        status = term_one(ctx, out, &d, d.side->encoding == RLAB_PAREN);
    if (status == RLAB_OK && d.at < d.n)
        status = fail(ctx, &d,
                      d.side->reversed ? "the start of the sequence" : "the end of the sequence");
    rlab_vec_free(&d.frames);
    rlab_vec_free(&d.done);
    return status;
}
