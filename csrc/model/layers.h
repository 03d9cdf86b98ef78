/* Inside model: what transformers of every architecture are built from, and the options they read.
 */
#ifndef RLAB_MODEL_LAYERS_H
#define RLAB_MODEL_LAYERS_H

#include "model/model.h"

/* One row an option: field, kind, default, least, most, choices, help. */
#define RLAB_TRANSFORMER_OPTIONS(X)                                                                \
    X(architecture, CHOICE, 0, 0, 2, "encoder_decoder|decoder_only|encoder_only",                  \
      "which stacks there are; decoder_only reads source and target as one sequence")              \
    X(vocab_size, INT, 0, 1, 1 << 24, NULL, "tokens of the vocabulary")                            \
    X(d_model, INT, 128, 1, 1 << 16, NULL, "width of the residual stream")                         \
    X(encoder_layers, INT, 2, 1, 1024, NULL, "encoder blocks, where there is an encoder")          \
    X(decoder_layers, INT, 2, 1, 1024, NULL, "decoder blocks, where there is a decoder")           \
    X(share_layers, BOOL, 0, 0, 1, NULL, "all blocks of a stack have the same weights")            \
    X(n_heads, INT, 4, 1, 1024, NULL, "attention heads")                                           \
    X(n_kv_heads, INT, 0, 0, 1024, NULL,                                                           \
      "key and value heads, each seen by a group of heads; 0: n_heads")                            \
    X(d_head, INT, 0, 0, 1 << 14, NULL, "width of a head; 0: d_model / n_heads")                   \
    X(d_mlp, INT, 0, 0, 1 << 20, NULL, "width of the feed-forward layer; 0: 4 d_model")            \
    X(max_positions, INT, 256, 1, 1 << 20, NULL,                                                   \
      "longest sequence, in tokens, of learned, sinusoidal and randomised positions")              \
    X(norm, CHOICE, 0, 0, 1, "layernorm|rmsnorm", "kind of normalisation")                         \
    X(norm_place, CHOICE, 0, 0, 1, "pre|post", "before each sublayer, or after its sum")           \
    X(norm_eps, FLOAT, 1e-5, 1e-12, 1, NULL, "added to the variance")                              \
    X(activation, CHOICE, 0, 0, 5, "relu|gelu|gelu_tanh|swiglu|geglu|geglu_tanh",                  \
      "of the feed-forward layer; those in -glu have a gate")                                      \
    X(positions, CHOICE, 0, 0, 6, "learned|sinusoidal|none|rotary|alibi|relative|randomised",      \
      "how position is told")                                                                      \
    X(relative_buckets, INT, 32, 4, 1 << 16, NULL, "relative positions: buckets of distances")     \
    X(relative_distance, INT, 128, 2, 1 << 20, NULL,                                               \
      "relative positions: where the last bucket begins")                                          \
    X(share_embeddings, BOOL, 1, 0, 1, NULL, "encoder and decoder have one token table")           \
    X(tie_embeddings, BOOL, 1, 0, 1, NULL, "logits use the token table")                           \
    X(scale_embeddings, BOOL, 1, 0, 1, NULL, "token embeddings times sqrt(d_model)")               \
    X(embedding_norm, BOOL, 0, 0, 1, NULL, "embeddings with positions are normalised")             \
    X(scale_attention, BOOL, 1, 0, 1, NULL, "scores over sqrt(d_head)")                            \
    X(scale_logits, BOOL, 0, 0, 1, NULL, "what logits are made of, over sqrt(d_model)")            \
    X(bias, BOOL, 1, 0, 1, NULL, "linear layers have a bias, LayerNorm a shift")                   \
    X(dropout, FLOAT, 0, 0, 0.95, NULL, "of embeddings and of every sublayer's output")            \
    X(attention_dropout, FLOAT, 0, 0, 0.95, NULL, "of attention patterns")                         \
    X(activation_dropout, FLOAT, 0, 0, 0.95, NULL, "inside the feed-forward layer")                \
    X(decoder_start_token_id, INT, 1, 0, (1 << 24) - 1, NULL,                                      \
      "what a target begins with; after the source, where they are one sequence")                  \
    X(eos_token_id, INT, 2, 0, (1 << 24) - 1, NULL, "what a target ends in")

enum {
#define X(name, kind, start, least, most, choices, help) O_##name,
    RLAB_TRANSFORMER_OPTIONS(X)
#undef X
};

/* Choices, by number. */
enum { ENCODER_DECODER, DECODER_ONLY, ENCODER_ONLY };
enum { LEARNED, SINUSOIDAL, NO_POSITIONS, ROTARY, ALIBI, RELATIVE, RANDOMISED };

/* What the builder carries. After the first failure (ctx->status) nothing more is added. */
typedef struct rlab_build {
    rlab_ctx *ctx;
    rlab_graph *graph;
    const double *o; /* options by O_ number */
    int32_t c, heads, kv_heads, d_head, mlp;
    int32_t source, target; /* spaces; RLAB_NONE where there is none */
} rlab_build;

/* One stack: an encoder or a decoder. */
typedef struct rlab_stack {
    const char *param, *hook; /* "encoder", "encoder_blocks" */
    const char *embed, *pos_embed, *embed_ln, *final_ln;
    bool causal, cross;
    int32_t space, tokens, positions, layers;
    int32_t distances; /* parameter of relative positions, set by rlab_stack_run */
} rlab_stack;

/* A table (V, C) of tokens. */
int32_t rlab_token_table(rlab_build *b, const char *prefix);
/* A whole stack, from tokens to the residual stream's end; memory: the encoder's end, or
 * RLAB_NONE. */
int32_t rlab_stack_run(rlab_build *b, rlab_stack *s, int32_t table, int32_t memory);
/* Logits and loss over the rows of x; table: tokens of the stack x came from. */
void rlab_unembed(rlab_build *b, rlab_roles *roles, int32_t space, int32_t x, int32_t table);

#endif
