/* The door of learn: pairs of token sequences, batches, schedules, AdamW over shards, the trainer.
 * Everything here is a function of (configuration, seed, step, instruction set), never of threads.
 */
#ifndef RLAB_LEARN_LEARN_H
#define RLAB_LEARN_LEARN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "model/model.h"

/* ---- pairs ------------------------------------------------------------------------------------
 */

/* Pairs of packed sequences, borrowed from the caller. Pair i has the source
 * src[src_off[i] .. src_off[i + 1]) and the target tgt[tgt_off[i] .. tgt_off[i + 1]), bare of <bos>
 * and <eos>, which are put on when a batch is made. Invariant after rlab_corpus_init: offsets begin
 * at 0 and never fall, tokens are in [0, vocab), pairs >= 1. */
typedef struct rlab_corpus {
    const int32_t *src, *tgt;
    const int64_t *src_off, *tgt_off; /* (pairs + 1,) */
    int64_t pairs;
    int64_t src_longest, tgt_longest; /* tokens of the longest source and target */
} rlab_corpus;

/* Fills `out` after checking it; the message names the array ("input_ids", "labels", ...), the item
 * and its place. Fields src, tgt, src_off, tgt_off and pairs are given. */
rlab_status rlab_corpus_init(rlab_ctx *ctx, rlab_corpus *out, const rlab_corpus *given,
                             int32_t vocab);

/* ---- schedules ----------------------------------------------------------------------------------
 */

typedef enum rlab_schedule {
#define X(code, name) RLAB_SCHEDULE_##code,
#include "learn/schedule.def"
#undef X
    RLAB_SCHEDULE_COUNT
} rlab_schedule;

const char *rlab_schedule_name(rlab_schedule schedule);
/* An unknown name is an error that lists what there is. */
rlab_status rlab_schedule_find(rlab_ctx *ctx, rlab_schedule *out, const char *name);

/* ---- precision ------------------------------------------------------------------------------- */

/* Of the products of linear layers in training; weights, sums and all else are float32. */
typedef enum rlab_precision {
    RLAB_FLOAT32,
    RLAB_BFLOAT16, /* operands rounded to bfloat16 on the way in */
    RLAB_PRECISION_COUNT
} rlab_precision;

/* An unknown name is an error that lists what there is. */
rlab_status rlab_precision_find(rlab_ctx *ctx, rlab_precision *out, const char *name);

/* ---- configuration -------------------------------------------------------------------------- */

typedef struct rlab_train_config {
    int64_t steps;      /* updates in the whole run: the length of the schedule */
    int64_t warmup;     /* first updates, over which lr rises linearly from lr / warmup */
    int64_t batch_size; /* pairs an update */
    int64_t shards;     /* parts a batch is cut into; a part is one thread's work */
    rlab_schedule schedule;
    double lr;           /* peak learning rate */
    double lr_end;       /* where the schedule ends, as a share of lr; unused by "constant" */
    double beta1, beta2; /* AdamW's decay rates, in [0, 1) */
    double eps;          /* AdamW's, above 0 */
    double weight_decay; /* decoupled; matrices only, by the parameter table */
    double clip;         /* largest global gradient norm; 0: no clipping */
    double smoothing;    /* label smoothing, in [0, 1) */
    uint64_t seed;       /* of the order of pairs and of dropout */
    rlab_precision precision;
} rlab_train_config;

/* Refuses values outside their ranges, naming the field. */
rlab_status rlab_train_config_check(rlab_ctx *ctx, const rlab_train_config *config);

/* Learning rate of update `step`, counted from 0: a function of the step alone. Warm-up first, then
 * constant, or down to lr * lr_end by a line or half a cosine, or towards it as 1 / sqrt(step). */
double rlab_schedule_lr(const rlab_train_config *config, int64_t step);

/* ---- batches -------------------------------------------------------------------------------- */

/* Updates an epoch takes: every pair once, the last batch may be short. */
int64_t rlab_batches_per_epoch(int64_t pairs, int64_t batch_size);

/* Writes the items of update `step` to items (batch_size,) and returns how many: a function of
 * (seed, step, pairs, batch_size) alone, each epoch a fresh keyed permutation. */
int64_t rlab_batch_items(int64_t *items, int64_t pairs, int64_t batch_size, uint64_t seed,
                         int64_t step);

/* Room for the pairs of one batch as a model reads them. Pairs: the decoder reads the start token
 * and the target, and must say the target and the end token. One sequence: the same rows stand
 * after the source's, which have no labels. Places: the source and one end token are read, and must
 * say the target and, at all places left, the end token. */
typedef struct rlab_minibatch {
    rlab_reading reading;
    int32_t start_token, end_token;
    int64_t *item;               /* (R,) numbers in the corpus; dropout's name for them too */
    int32_t *src, *tgt, *labels; /* (source rows,), (target rows,), (target rows,) */
    int64_t *src_off, *tgt_off;  /* (R + 1,) */
    int64_t count;               /* R */
} rlab_minibatch;

/* Room for any `size` pairs of the corpus, for a model of these roles. The offsets are left as
 * those of a batch at least as large as every other, for the room an exec wants. */
rlab_status rlab_minibatch_new(rlab_ctx *ctx, rlab_minibatch *out, const rlab_roles *roles,
                               const rlab_corpus *corpus, int64_t size);
void rlab_minibatch_free(rlab_minibatch *pairs);
/* Fills in the first `count` items. */
void rlab_minibatch_gather(rlab_minibatch *pairs, const rlab_corpus *corpus, int64_t count);

/* ---- optimizer ------------------------------------------------------------------------------ */

/* Flat buffers of P floats, P a multiple of RLAB_DECAY_BLOCK; padding stays 0. */
typedef struct rlab_optimizer {
    const rlab_kernels *kernels;
    size_t size;          /* P */
    const uint8_t *decay; /* (P / RLAB_DECAY_BLOCK,) */
    float *w, *g, *m, *v; /* (P,) weights, gradient, moments */
    double *cells;        /* (rlab_optimizer_cells(P),) sums of squares */
} rlab_optimizer;

size_t rlab_optimizer_cells(size_t size);
/* The norm of the whole gradient, added up in a fixed order. */
double rlab_optimizer_norm(const rlab_optimizer *o, int threads);
/* One AdamW update at learning rate `lr`; `t` counts updates from 1; the gradient is scaled down to
 * norm config->clip where it is larger. */
void rlab_optimizer_update(const rlab_optimizer *o, const rlab_train_config *config, double lr,
                           int64_t t, double norm, int threads);

/* ---- low-rank updates (adapter.c) -------------------------------------------------------------
 */

/* One adapted matrix: its number and where its parts begin in the adapter's flat buffers. */
typedef struct rlab_adapted {
    int32_t param;
    size_t a, b; /* A (rank, columns) and B (rows, rank) in optimizer.w, g, m, v and scaled */
    size_t base; /* W0 (rows, columns) in base */
} rlab_adapted;

/* Matrices W = W0 + scale B A of which A and B are learned. Invariant between updates: the model
 * holds the merged W. */
typedef struct rlab_adapter {
    rlab_model *model; /* borrowed */
    int32_t rank, n;   /* n adapted matrices */
    float scale;       /* alpha / rank */
    rlab_adapted *part;
    rlab_optimizer optimizer; /* owns its buffers */
    uint8_t *decay;
    float *scaled;    /* (optimizer.size,) scale times A and B */
    float *base;      /* (base_size,) the W0s */
    size_t base_size; /* floats */
    float *work;      /* of one matrix product */
} rlab_adapter;

/* adapted (parameters,): which matrices; a vector or one smaller than the rank is an error. */
rlab_status rlab_adapter_new(rlab_ctx *ctx, rlab_adapter **out, rlab_model *model,
                             const uint8_t *adapted, int32_t rank, double alpha, uint64_t seed);
void rlab_adapter_free(rlab_adapter *adapter);
/* The gradient of A and B from dw, the gradient of all parameters. */
void rlab_adapter_gradient(rlab_adapter *adapter, const float *dw);
/* Writes W0 + scale B A into the model's weights, which are to be packed afterwards. */
void rlab_adapter_merge(rlab_adapter *adapter);

/* ---- trainer -------------------------------------------------------------------------------- */

/* What of a model is learned; all zero: everything. Both arrays are (parameters,) and copied. */
typedef struct rlab_learned {
    const uint8_t *frozen;  /* parameters that keep their value; NULL: none */
    const uint8_t *adapted; /* matrices learned by a low-rank update, frozen beside; NULL: none */
    int32_t rank;           /* of the updates */
    double alpha;           /* scale of the updates times their rank */
} rlab_learned;

/* What one update did. */
typedef struct rlab_update {
    double loss;      /* mean over the batch's labels, before the update, natural logarithm */
    double grad_norm; /* of the whole gradient, before clipping */
    double lr;
    double flops;   /* floating-point operations of the model, forward and backward */
    int64_t tokens; /* labels */
} rlab_update;

/* A model in training. Invariant between calls: weights, m and v are those after `step` updates. */
typedef struct rlab_trainer {
    rlab_model *model;  /* borrowed */
    rlab_corpus corpus; /* its arrays are borrowed */
    rlab_train_config config;
    rlab_optimizer optimizer; /* owns g, m, v and cells */
    rlab_weights *weights;    /* the model's own, or a view of them packed as bfloat16 */
    uint8_t *frozen, *decay;  /* (parameters,); (P / RLAB_DECAY_BLOCK,), 0 where frozen */
    rlab_adapter *adapter;    /* NULL: none */
    rlab_team *team;
    rlab_minibatch pairs;
    int64_t step;
    /* The pairs [seen_first, seen_last) are learned, in epochs from update `since` on. */
    int64_t seen_first, seen_last, since;
} rlab_trainer;

/* The model learns the corpus; both stay the caller's and must outlive the trainer. Frozen
 * parameters keep their bits, weight decay included, and do not count in the gradient's norm. */
rlab_status rlab_trainer_new(rlab_ctx *ctx, rlab_trainer **out, rlab_model *model,
                             const rlab_corpus *corpus, const rlab_train_config *config,
                             const rlab_learned *learned);
void rlab_trainer_free(rlab_trainer *trainer);

/* The pairs of the next update, in trainer->pairs, and as the batch that the model will see. */
void rlab_trainer_gather(rlab_trainer *trainer, rlab_batch *out);
/* Makes up to `count` updates, asking between them whether to stop. updates (count,) out; *done of
 * them were made, on failure too: then the state is that after the last good one. A loss or
 * gradient that is not finite is RLAB_EDIVERGED, and that update is not made. taps (n_taps,) act in
 * each update; those with rows or a buffer of rows are for the batch of one. */
rlab_status rlab_trainer_run(rlab_ctx *ctx, rlab_update *updates, int64_t *done,
                             rlab_trainer *trainer, const rlab_tap *taps, int32_t n_taps,
                             int64_t count, int threads);

/* What teacher forcing shows: the decoder reads the right target and says each next token. */
typedef struct rlab_score {
    double loss;           /* sum over labels, natural logarithm, no smoothing */
    int64_t tokens, pairs; /* labels, pairs */
    int64_t right, exact;  /* labels whose likeliest token is right; pairs with all right */
} rlab_score;

/* Under taps (n_taps,) that are of any batch. */
rlab_status rlab_teacher_forced(rlab_ctx *ctx, rlab_score *out, rlab_model *model,
                                const rlab_corpus *corpus, const rlab_tap *taps, int32_t n_taps,
                                int threads);

#endif
