/* Encoding: values (of a store or a heap) and terms of traces to tokens. */
#include "lang/codec.h"

#include <string.h>

#define CLOSE UINT32_MAX /* on the stack: a closing parenthesis */

static inline rlab_status
put(rlab_ctx *ctx, rlab_tokens *out, int32_t token) {
    if (out->len == out->cap)
        RLAB_TRY(rlab_vec_reserve(ctx, out, out->len + 1));
    out->at[out->len++] = token;
    return RLAB_OK;
}

static void
reverse(int32_t *at, size_t n) {
    for (size_t i = 0, j = n; i + 1 < j; i++) {
        int32_t swap = at[i];
        at[i] = at[--j];
        at[j] = swap;
    }
}

/* ---- values
 * ------------------------------------------------------------------------------------------ */

/* Constructor and arguments of a value; false for what is no constructor. */
static inline bool
view(const rlab_source *s, uint32_t v, uint32_t *ctor, const uint32_t **kids, uint32_t *n) {
    if (s->machine) {
        const rlab_val *cell;
        *n = 0;
        *kids = NULL;
        if (!rlab_val_is_cell(v)) {
            *ctor = v >> 2;
            return !(v & 2);
        }
        cell = s->machine->heap + (v >> 1);
        *ctor = cell[0] >> 2;
        *kids = cell + 1;
        *n = s->machine->con_words[(cell[0] & 3) == RLAB_CELL_CON ? *ctor : 0];
        return (cell[0] & 3) == RLAB_CELL_CON;
    }
    *ctor = rlab_term_node(s->store, v)->head;
    *n = rlab_term_node(s->store, v)->count;
    *kids = rlab_term_kids(s->store, v);
    return (rlab_term_node(s->store, v)->flags & RLAB_TERM_DATA) != 0;
}

static rlab_status
fail_value(rlab_ctx *ctx) {
    return rlab_fail(ctx, RLAB_ETERM, "encoding: expected a value (constructors only)");
}

static rlab_status
fail_token(rlab_ctx *ctx, const rlab_codec *codec, uint32_t ctor) {
    return rlab_fail(ctx, RLAB_ETERM, "encoding: the vocabulary has no token for constructor %s",
                     rlab_program_ctor_name(codec->program, ctor));
}

/* One value in prefix or paren notation. */
static rlab_status
value(rlab_ctx *ctx, rlab_tokens *out, const rlab_codec *codec, bool paren, const rlab_source *s,
      uint32_t v, rlab_ids *stack) {
    stack->len = 0;
    for (;;) {
        uint32_t ctor, n;
        const uint32_t *kids;
        int32_t token;
        if (!view(s, v, &ctor, &kids, &n))
            return fail_value(ctx);
        token = codec->ctors[ctor];
        if (token < 0)
            return fail_token(ctx, codec, ctor);
        if (n && paren) {
            RLAB_TRY(put(ctx, out, codec->open));
            RLAB_TRY(rlab_ids_push(ctx, stack, CLOSE));
        }
        RLAB_TRY(put(ctx, out, token));
        if (n) {
            for (uint32_t i = n; i-- > 1;)
                RLAB_TRY(rlab_ids_push(ctx, stack, kids[i]));
            v = kids[0];
            continue;
        }
        for (;;) {
            if (stack->len == 0)
                return RLAB_OK;
            v = stack->at[--stack->len];
            if (v != CLOSE)
                break;
            RLAB_TRY(put(ctx, out, codec->close));
        }
    }
}

static rlab_status
list(rlab_ctx *ctx, rlab_tokens *out, const rlab_codec *codec, const rlab_shape *shape,
     const rlab_source *s, uint32_t v, rlab_ids *stack) {
    for (;;) {
        uint32_t ctor, n;
        const uint32_t *kids;
        if (!view(s, v, &ctor, &kids, &n))
            return fail_value(ctx);
        if (ctor == shape->nil)
            return RLAB_OK;
        if (ctor != shape->cons)
            return fail_token(ctx, codec, ctor);
        RLAB_TRY(value(ctx, out, codec, false, s, kids[!shape->element_first], stack));
        v = kids[shape->element_first];
    }
}

rlab_status
rlab_encode(rlab_ctx *ctx, rlab_tokens *out, const rlab_codec *codec, int side,
            const rlab_source *source, const uint32_t *args, rlab_ids *stack) {
    const rlab_codec_side *s = &codec->sides[side];
    size_t first = out->len;
    for (size_t i = 0; i < codec->shapes[side].len; i++) {
        const rlab_shape *shape = &codec->shapes[side].at[i];
        if (i)
            RLAB_TRY(put(ctx, out, RLAB_TOKEN_SEP));
        if (shape->list)
            RLAB_TRY(list(ctx, out, codec, shape, source, args[i], stack));
        else
            RLAB_TRY(value(ctx, out, codec, s->encoding == RLAB_PAREN, source, args[i], stack));
    }
    if (s->reversed)
        reverse(out->at + first, out->len - first);
    return RLAB_OK;
}

rlab_status
rlab_codec_encode(rlab_ctx *ctx, rlab_tokens *out, const rlab_codec *codec, int side,
                  const rlab_store *store, const rlab_term *args) {
    rlab_source source = {store, NULL};
    rlab_ids stack = {0};
    rlab_status status = rlab_encode(ctx, out, codec, side, &source, args, &stack);
    rlab_vec_free(&stack);
    return status;
}

/* ---- terms of traces
 * -------------------------------------------------------------------------------------- */

static rlab_status
fail_shape(rlab_ctx *ctx, const char *what) {
    return rlab_fail(
        ctx, RLAB_ETERM,
        "encoding: the term holds %s, which has no tokens; print this trace as text, or "
        "choose another granularity",
        what);
}

/* Token of a function, and whether all its arguments are there. */
static rlab_status
function(rlab_ctx *ctx, int32_t *token, const rlab_codec *codec, uint32_t g, uint32_t args) {
    *token = codec->functions[g];
    if (*token < 0)
        return rlab_fail(ctx, RLAB_ETERM, "encoding: the vocabulary has no token for function %s",
                         rlab_program_global_name(codec->program, g));
    if (codec->program->globals.at[g].n_args != args)
        return fail_shape(ctx, "a function that is not applied to all its arguments");
    return RLAB_OK;
}

/* Stack entries are pairs (term, silent): silent terms are spines of a flat list. */
static rlab_status
push(rlab_ctx *ctx, rlab_ids *stack, rlab_term term, bool silent) {
    RLAB_TRY(rlab_ids_push(ctx, stack, term));
    return rlab_ids_push(ctx, stack, silent);
}

/* Head token of a node that is no silent constructor, and where its arguments start. */
static rlab_status
head(rlab_ctx *ctx, int32_t *token, uint32_t *first, const rlab_codec *codec,
     const rlab_store *store, rlab_term term) {
    const rlab_node *node = rlab_term_node(store, term);
    *first = 0;
    switch ((rlab_kind)node->kind) {
    case RLAB_CTOR:
        *token = codec->ctors[node->head];
        if (*token < 0)
            return fail_token(ctx, codec, node->head);
        if (node->count < codec->program->ctors.at[node->head].arity)
            return fail_shape(ctx, "a constructor that lacks arguments");
        return RLAB_OK;
    case RLAB_GLOBAL:
        return function(ctx, token, codec, node->head, 0);
    case RLAB_APP:
        *first = 1;
        node = rlab_term_node(store, rlab_term_kids(store, term)[0]);
        if (node->kind == RLAB_GLOBAL)
            return function(ctx, token, codec, node->head, rlab_term_node(store, term)->count - 1);
        return fail_shape(ctx, "an application of something that is no name");
    case RLAB_MATCH:
        return fail_shape(ctx, "a match");
    case RLAB_LET:
        return fail_shape(ctx, "a let");
    default:
        return fail_shape(ctx, "a function");
    }
}

static bool
is_append(const rlab_codec *codec, const rlab_store *store, rlab_term term) {
    const rlab_node *node = rlab_term_node(store, term), *f;
    if (node->kind != RLAB_APP || node->count != 3)
        return false;
    f = rlab_term_node(store, rlab_term_kids(store, term)[0]);
    return f->kind == RLAB_GLOBAL && f->head == codec->append &&
           codec->functions[f->head] != RLAB_TOKEN_UNROLL;
}

static rlab_status
term_step(rlab_ctx *ctx, rlab_tokens *out, const rlab_codec *codec, const rlab_store *store,
          rlab_term term, bool silent, rlab_ids *stack) {
    const rlab_node *node = rlab_term_node(store, term);
    const rlab_term *kids = rlab_term_kids(store, term);
    const rlab_shape *shape = &codec->shapes[1].at[0];
    bool paren = codec->sides[1].encoding == RLAB_PAREN;
    int32_t token = -1;
    uint32_t first;
    if (silent && node->kind == RLAB_CTOR && node->head == shape->nil)
        return RLAB_OK;
    if (silent && node->kind == RLAB_CTOR && node->head == shape->cons && node->count == 2) {
        RLAB_TRY(push(ctx, stack, kids[shape->element_first], true));
        return push(ctx, stack, kids[!shape->element_first], false);
    }
    if (silent && is_append(codec, store, term)) {
        RLAB_TRY(push(ctx, stack, kids[2], true));
        return push(ctx, stack, kids[1], true);
    }
    RLAB_TRY(head(ctx, &token, &first, codec, store, term));
    if (paren && node->count > first) {
        RLAB_TRY(put(ctx, out, codec->open));
        RLAB_TRY(push(ctx, stack, CLOSE, false));
    }
    RLAB_TRY(put(ctx, out, token));
    for (uint32_t i = node->count; i-- > first;)
        RLAB_TRY(push(ctx, stack, kids[i], false));
    return RLAB_OK;
}

rlab_status
rlab_encode_term(rlab_ctx *ctx, rlab_tokens *out, const rlab_codec *codec, const rlab_store *store,
                 rlab_term term, rlab_ids *stack) {
    size_t start = out->len;
    stack->len = 0;
    RLAB_TRY(push(ctx, stack, term, codec->shapes[1].at[0].list));
    while (stack->len) {
        bool silent = stack->at[--stack->len];
        term = stack->at[--stack->len];
        if (term == CLOSE)
            RLAB_TRY(put(ctx, out, codec->close));
        else
            RLAB_TRY(term_step(ctx, out, codec, store, term, silent, stack));
    }
    if (codec->sides[1].reversed)
        reverse(out->at + start, out->len - start);
    return RLAB_OK;
}

rlab_status
rlab_codec_encode_term(rlab_ctx *ctx, rlab_tokens *out, const rlab_codec *codec,
                       const rlab_store *store, rlab_term term) {
    rlab_ids stack = {0};
    rlab_status status = rlab_encode_term(ctx, out, codec, store, term, &stack);
    rlab_vec_free(&stack);
    return status;
}
