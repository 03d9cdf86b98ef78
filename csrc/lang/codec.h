/* Encodings as tables: what encoding, decoding and the making of pairs share. */
#ifndef RLAB_LANG_CODEC_H
#define RLAB_LANG_CODEC_H

#include "lang/type.h"

/* How one argument of a side is written. list: its cons and nil are silent, elements in prefix. */
typedef struct rlab_shape {
    bool list;
    uint32_t nil, cons; /* constructors, where list */
    bool element_first; /* cons takes the element first (else the rest) */
} rlab_shape;

/* Invariant: tokens are 0 .. names.len - 1; -1 marks what has none. */
struct rlab_codec {
    const rlab_program *program;
    rlab_codec_side sides[2];
    RLAB_VEC(rlab_shape)
    shapes[2]; /* one an argument */
    rlab_text text;
    rlab_ids names;             /* offsets into text, by token */
    int32_t *ctors, *functions; /* tokens, by constructor and by global */
    uint32_t *owners;           /* constructor of a token, or UINT32_MAX */
    uint32_t *callees;          /* function of a token, or UINT32_MAX */
    int32_t open, close;
    uint32_t group;  /* traced functions, UINT32_MAX: none */
    uint32_t append; /* global whose calls flat traces write as juxtaposition, UINT32_MAX: none */
};

/* Where values come from: a store (terms) or, if machine is set, its heap. */
typedef struct rlab_source {
    const rlab_store *store;
    const rlab_machine *machine;
} rlab_source;

rlab_status rlab_encode(rlab_ctx *ctx, rlab_tokens *out, const rlab_codec *codec, int side,
                        const rlab_source *source, const uint32_t *args, rlab_ids *stack);
rlab_status rlab_encode_term(rlab_ctx *ctx, rlab_tokens *out, const rlab_codec *codec,
                             const rlab_store *store, rlab_term term, rlab_ids *stack);

#endif
