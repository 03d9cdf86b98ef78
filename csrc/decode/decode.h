/* The door of decode: from packed sources to packed outputs, with a key/value cache.
 * What a source decodes to has the same bits whatever else is decoded beside it, on any threads. */
#ifndef RLAB_DECODE_DECODE_H
#define RLAB_DECODE_DECODE_H

#include <stdint.h>

#include "base/base.h"
#include "model/model.h"

/* How an item's outputs are searched for; a row of method.def each, its contract in method.h. */
typedef struct rlab_decode_method rlab_decode_method;

/* An unknown name is an error that lists what there is. */
rlab_status rlab_decode_method_find(rlab_ctx *ctx, const rlab_decode_method **out,
                                    const char *name);

/* What may come next: asked once a step for every live hypothesis, from any thread, so it changes
 * nothing but the state, which is copied with the hypothesis. state: state_size bytes, zeroed at
 * the start. last: the token just read (<bos> at the start). room: tokens that may still come
 * before <eos>. allowed (V,): comes zeroed; 1 for every token that may come next. Where none may,
 * the hypothesis ends as if it were cut. */
typedef struct rlab_decode_guide {
    void (*allow)(const void *arg, void *state, int32_t last, int32_t room, uint8_t *allowed);
    const void *arg;
    size_t state_size;
} rlab_decode_guide;

/* When beam search stops before every hypothesis ended: see beam.c. */
typedef enum rlab_decode_early {
    RLAB_EARLY_FALSE, /* the best live hypothesis, at its present length, is not better */
    RLAB_EARLY_TRUE,  /* also as soon as num_beams hypotheses have ended */
    RLAB_EARLY_NEVER  /* the best live one, at the length that favours it, is not better */
} rlab_decode_early;

typedef struct rlab_decode_config {
    const rlab_decode_method *method;
    int32_t max_length; /* tokens, without <eos>, after which a sequence is cut; at least 1 */
    int32_t batch_size; /* sequences decoded at once, over all threads; at least 1 */
    int32_t bos, eos;   /* as the model's roles say */
    int32_t num_beams;  /* beam, gumbel: hypotheses kept of an item; else 1 */
    int32_t num_return_sequences; /* outputs of an item; at most num_beams but in "sample" */
    int32_t alternatives;         /* likeliest tokens to tell of every step; 0: none */
    /* sample, gumbel */
    double temperature;  /* above 0 */
    int32_t top_k;       /* 0: off */
    double top_p, min_p; /* in (0, 1], 1: off; in [0, 1], 0: off */
    uint64_t seed;
    int64_t first_item; /* number of the first source: draws of source i are of first_item + i */
    /* beam */
    double length_penalty;
    rlab_decode_early early_stopping;
    const rlab_decode_guide *guide; /* NULL: any token may come next */
    const rlab_tap *taps;           /* (n_taps,) SCALE and FILL, at places; NULL: none */
    int32_t n_taps;
} rlab_decode_config;

/* Packed sources (R of them), borrowed: off[0] = 0, tokens are checked while decoding. */
typedef struct rlab_sources {
    const int32_t *ids;
    const int64_t *off; /* (R + 1,) */
    int64_t count;      /* R */
} rlab_sources;

/* Outputs of R sources, n = num_return_sequences each, best first (samples: in their order), bare
 * of <bos> and <eos>. Where an item has fewer, the last ones are empty with score -infinity. */
typedef struct rlab_decoded {
    int32_t *ids;
    int64_t *off;      /* (R n + 1,) */
    double *score;     /* (R n,) sum of the logarithms of the model's probabilities of the tokens,
                          and of <eos> where it came */
    double *drawn;     /* (R n,) the same by the distribution drawn from; not drawn: as score */
    double *key;       /* (R n,) what outputs are ordered by: beam, penalised score; gumbel,
                          perturbed log-probability */
    uint8_t *finished; /* (R n,) 1: <eos> was reached; 0: cut */
    /* Of step t of output i, at row off[i] + i + t (an output has one row more than tokens): the
     * likeliest tokens by the model, best first, and their log-probabilities. NULL if not asked
     * for; -1 and -infinity where there is nothing to tell. */
    int32_t *alt_token; /* (off[R n] + R n, alternatives) */
    double *alt_logp;
} rlab_decoded;

rlab_status rlab_decode(rlab_ctx *ctx, rlab_decoded *out, const rlab_model *model,
                        const rlab_sources *sources, const rlab_decode_config *config, int threads);
void rlab_decoded_free(rlab_decoded *decoded);

/* ---- a guide: outputs of an LL(1) grammar -----------------------------------------------------
 */

/* A grammar whose every right side is a token, then symbols. Rules stand by symbol: those of symbol
 * s are rule[s] .. rule[s + 1]. Borrowed: the arrays must last as long as the guide. */
typedef struct rlab_grammar {
    int32_t n_symbols, n_rules;
    const int32_t *rule;  /* (n_symbols + 1,) */
    const int32_t *token; /* (n_rules,) no token twice in a symbol */
    const int32_t *tail;  /* (n_rules + 1,) symbols of rule r: symbol[tail[r]] .. [tail[r + 1]] */
    const int32_t *symbol;
    int32_t eos;
    int32_t *least; /* (n_symbols,) tokens of a shortest word; made by rlab_grammar_guide */
} rlab_grammar;

/* Allows what begins a word of symbol 0 that still fits in the room, and <eos> after a whole word.
 * Checks the grammar: numbers in range, and every symbol has a word. Free with rlab_grammar_free.
 */
rlab_status rlab_grammar_guide(rlab_ctx *ctx, rlab_decode_guide *out, rlab_grammar *grammar,
                               int32_t vocab, int32_t max_length);
void rlab_grammar_free(rlab_grammar *grammar);

#endif
