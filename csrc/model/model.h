/* Door of the model room: kinds of models (models.def), their options, and a model as graph +
 * weights. */
#ifndef RLAB_MODEL_MODEL_H
#define RLAB_MODEL_MODEL_H

#include "tensor/tensor.h"

/* ---- options: one row is a field's name, type, default, range, choices and meaning ----------- */

typedef enum rlab_option_kind {
    RLAB_OPTION_INT,
    RLAB_OPTION_FLOAT,
    RLAB_OPTION_BOOL,
    RLAB_OPTION_CHOICE /* value: number of the word in `choices` */
} rlab_option_kind;

typedef struct rlab_option {
    const char *name;
    rlab_option_kind kind;
    double start, least, most; /* default and range, both ends allowed */
    const char *choices;       /* CHOICE: words separated by '|' */
    const char *help;
} rlab_option;

enum { RLAB_OPTIONS_MAX = 64 };

/* Values of a kind's options, by number of the option. */
typedef struct rlab_config {
    double value[RLAB_OPTIONS_MAX];
} rlab_config;

/* ---- kinds ----------------------------------------------------------------------------------- */

/* How a pair of sequences reaches a model. */
typedef enum rlab_reading {
    RLAB_READS_PAIRS, /* the encoder reads the source, the decoder start token and target */
    RLAB_READS_ONE,   /* one causal space: source, start token, target */
    RLAB_READS_PLACES /* one space that sees itself whole: source and end token; said is a token a
                         place */
} rlab_reading;

/* Where a sequence-to-sequence model takes and gives its numbers. */
typedef struct rlab_roles {
    rlab_reading reading;
    int32_t start_token, end_token; /* what a target begins with and ends in */
    int32_t source, target;         /* spaces; source RLAB_NONE where all is one space */
    int32_t source_tokens, target_tokens,
        labels;                                 /* integer inputs; source_tokens may be RLAB_NONE */
    int32_t source_positions, target_positions; /* integer inputs, or RLAB_NONE */
    int32_t logits, loss;                       /* nodes; logits (target rows, V) is an output */
    int32_t vocab_size;                         /* V */
    int32_t max_source, max_target;             /* longest sequence of each space; 0: any */
} rlab_roles;

typedef struct rlab_model_kind {
    const char *name;
    const rlab_option *options; /* ends in a NULL name */
    /* What ranges cannot say (d_model divisible by n_heads); then lays out the graph, not sealed.
     */
    rlab_status (*layout)(rlab_ctx *ctx, rlab_roles *roles, rlab_graph *graph,
                          const rlab_config *config);
} rlab_model_kind;

/* By number (NULL past the end) and by name (an unknown one is an error that lists what there is).
 */
const rlab_model_kind *rlab_model_kind_at(int32_t number);
rlab_status rlab_model_kind_find(rlab_ctx *ctx, const rlab_model_kind **out, const char *name);

/* Defaults; then one option by name, from a number or a word. Unknown names, numbers out of range
 * and unknown words are errors that say what is allowed. */
void rlab_config_init(rlab_config *config, const rlab_model_kind *kind);
rlab_status rlab_config_set(rlab_ctx *ctx, rlab_config *config, const rlab_model_kind *kind,
                            const char *name, double value);
rlab_status rlab_config_set_word(rlab_ctx *ctx, rlab_config *config, const rlab_model_kind *kind,
                                 const char *name, const char *word);

/* ---- a model --------------------------------------------------------------------------------- */

typedef struct rlab_model {
    const rlab_model_kind *kind;
    rlab_config config;
    rlab_roles roles;
    rlab_graph *graph;
    rlab_weights *weights;
    const rlab_kernels *kernels;
} rlab_model;

/* Lays out, seals, allocates and initialises by seed. */
rlab_status rlab_model_new(rlab_ctx *ctx, rlab_model **out, const rlab_model_kind *kind,
                           const rlab_config *config, const rlab_kernels *kernels, uint64_t seed);
void rlab_model_free(rlab_model *model);

/* A batch of a sequence-to-sequence model. source/target: offsets (R+1,) and int32 tokens; labels
 * (target rows,) or NULL. target tokens are what the decoder reads (shifted right by the caller),
 * or all there is to read, where all is one space; then source is not looked at. ids (R,) or NULL.
 */
void rlab_model_batch(rlab_batch *out, const rlab_model *model, int32_t n_seqs,
                      const int64_t *source_off, const int32_t *source, const int64_t *target_off,
                      const int32_t *target, const int32_t *labels, const int64_t *ids);

#endif
