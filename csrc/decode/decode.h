/* The door of decode: from packed sources to packed outputs, with a key/value cache.
 * What a source decodes to has the same bits whatever else is decoded beside it, on any threads. */
#ifndef RLAB_DECODE_DECODE_H
#define RLAB_DECODE_DECODE_H

#include <stdint.h>

#include "base/base.h"
#include "model/model.h"

/* What was chosen to come next, and the natural logarithm of its probability. */
typedef struct rlab_choice {
    int32_t token;
    double logp;
} rlab_choice;

/* How the next token is chosen; a row of method.def each. */
typedef struct rlab_decode_method {
    const char *name;
    /* From logits (V,), with work (V,) floats of scratch. A logp that is not finite stops decoding.
     */
    rlab_choice (*choose)(const rlab_kernels *kernels, const float *logits, int32_t vocab,
                          float *work);
} rlab_decode_method;

/* An unknown name is an error that lists what there is. */
rlab_status rlab_decode_method_find(rlab_ctx *ctx, const rlab_decode_method **out,
                                    const char *name);

typedef struct rlab_decode_config {
    const rlab_decode_method *method;
    int32_t max_length; /* tokens, without <eos>, after which a sequence is cut; at least 1 */
    int32_t batch_size; /* sequences decoded at once, over all threads; at least 1 */
    int32_t bos, eos;
} rlab_decode_config;

/* Packed sources (R of them), borrowed: off[0] = 0, tokens are checked while decoding. */
typedef struct rlab_sources {
    const int32_t *ids;
    const int64_t *off; /* (R + 1,) */
    int64_t count;      /* R */
} rlab_sources;

/* Outputs of R sources, in their order, bare of <bos> and <eos>. */
typedef struct rlab_decoded {
    int32_t *ids;
    int64_t *off;      /* (R + 1,) */
    double *score;     /* (R,) sum of the logarithms of the probabilities of what was chosen */
    uint8_t *finished; /* (R,) 1: <eos> was reached; 0: cut at max_length */
} rlab_decoded;

rlab_status rlab_decode(rlab_ctx *ctx, rlab_decoded *out, const rlab_model *model,
                        const rlab_sources *sources, const rlab_decode_config *config, int threads);
void rlab_decoded_free(rlab_decoded *decoded);

#endif
