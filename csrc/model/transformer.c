/* transformer: encoder-decoder, laid out block by block. Parameters are named as Hugging Face's
 * BART names them, values as TransformerLens does for encoder-decoders. Source: Vaswani et al.,
 * "Attention is all you need" (NeurIPS 2017); norm first: Xiong et al., "On layer normalization in
 * the transformer architecture" (ICML 2020); RMSNorm: Zhang and Sennrich (NeurIPS 2019).
 *
 * How parameters begin: biases 0, norms 1; matrices uniform Xavier, those that write to the
 * residual stream (out_proj, fc2) divided by sqrt(2 layers) of their stack; token embeddings normal
 * with deviation 1/sqrt(d_model), lm_head too; learned positions normal with the deviation that
 * token embeddings have once scaled: smaller ones are learned several times more slowly where
 * places must be told apart. */
#include "model/model.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One row an option: field, kind, default, least, most, choices, help. */
#define OPTIONS(X)                                                                                 \
    X(vocab_size, INT, 0, 1, 1 << 24, NULL, "tokens of the vocabulary")                            \
    X(d_model, INT, 128, 1, 1 << 16, NULL, "width of the residual stream")                         \
    X(encoder_layers, INT, 2, 1, 1024, NULL, "encoder blocks")                                     \
    X(decoder_layers, INT, 2, 1, 1024, NULL, "decoder blocks")                                     \
    X(n_heads, INT, 4, 1, 1024, NULL, "attention heads; divides d_model")                          \
    X(d_mlp, INT, 0, 0, 1 << 20, NULL, "width of the feed-forward layer; 0: 4 d_model")            \
    X(max_positions, INT, 256, 1, 1 << 20, NULL,                                                   \
      "longest source or target, in tokens (positions none: any)")                                 \
    X(norm, CHOICE, 0, 0, 1, "layernorm|rmsnorm", "kind of normalisation")                         \
    X(norm_place, CHOICE, 0, 0, 1, "pre|post", "before each sublayer, or after its sum")           \
    X(norm_eps, FLOAT, 1e-5, 1e-12, 1, NULL, "added to the variance")                              \
    X(activation, CHOICE, 0, 0, 2, "relu|gelu|gelu_tanh", "of the feed-forward layer")             \
    X(positions, CHOICE, 0, 0, 2, "learned|sinusoidal|none", "how position is told")               \
    X(share_embeddings, BOOL, 1, 0, 1, NULL, "encoder and decoder have one token table")           \
    X(tie_embeddings, BOOL, 1, 0, 1, NULL, "logits use the decoder's token table")                 \
    X(scale_embeddings, BOOL, 1, 0, 1, NULL, "token embeddings times sqrt(d_model)")               \
    X(bias, BOOL, 1, 0, 1, NULL, "linear layers have a bias, LayerNorm a shift")                   \
    X(dropout, FLOAT, 0, 0, 0.95, NULL, "of embeddings and of every sublayer's output")            \
    X(attention_dropout, FLOAT, 0, 0, 0.95, NULL, "of attention patterns")

enum { LEARNED, SINUSOIDAL, NO_POSITIONS }; /* choices of `positions` */

enum {
#define X(name, kind, start, least, most, choices, help) O_##name,
    OPTIONS(X)
#undef X
};

static const rlab_option options[] = {
#define X(name, kind, start, least, most, choices, help)                                           \
    {#name, RLAB_OPTION_##kind, start, least, most, choices, help},
    OPTIONS(X)
#undef X
        {NULL, RLAB_OPTION_INT, 0, 0, 0, NULL, NULL},
};

/* What the builder carries. After the first failure (ctx->status) nothing more is added. */
typedef struct build {
    rlab_ctx *ctx;
    rlab_graph *graph;
    const double *o; /* options by O_ number */
    int32_t c, heads, mlp;
    int32_t source, target;
} build;

/* One stack: the encoder or the decoder. */
typedef struct stack {
    const char *param, *hook; /* "encoder", "encoder_blocks" */
    int32_t space, tokens, positions, layers;
} stack;

static const char *
text(char out[RLAB_NAME_MAX], const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(out, RLAB_NAME_MAX, format, args);
    va_end(args);
    return out;
}

static int32_t
param(build *b, int32_t rows, int32_t cols, rlab_init init, double scale, bool decay,
      const char *prefix, const char *name) {
    char full[RLAB_NAME_MAX];
    int32_t out = RLAB_NONE;
    if (b->ctx->status == RLAB_OK)
        rlab_graph_param(b->ctx, &out, b->graph, text(full, "%s%s", prefix, name), rows, cols, init,
                         (float)scale, decay);
    return out;
}

static int32_t
node(build *b, const rlab_node_spec *spec) {
    int32_t out = 0;
    if (b->ctx->status == RLAB_OK)
        rlab_graph_node(b->ctx, &out, b->graph, spec);
    return out;
}

static void
alias(build *b, int32_t to, const char *prefix, const char *name) {
    char full[RLAB_NAME_MAX];
    if (b->ctx->status == RLAB_OK)
        rlab_graph_alias(b->ctx, b->graph, text(full, "%s%s", prefix, name), to);
}

static int32_t
linear(build *b, int32_t space, int32_t x, int32_t in, int32_t out, double scale, rlab_act act,
       const char *prefix, const char *hook, const char *pre) {
    int32_t w = param(b, out, in, RLAB_INIT_XAVIER, scale, true, prefix, ".weight");
    int32_t bias = RLAB_NONE;
    if (b->o[O_bias] != 0)
        bias = param(b, out, 0, RLAB_INIT_ZERO, 0, false, prefix, ".bias");
    return node(b, &(rlab_node_spec){.op = "linear",
                                     .name = hook,
                                     .space = space,
                                     .n_in = 1,
                                     .in = {x},
                                     .n_param = 2,
                                     .param = {w, bias},
                                     .side = {pre},
                                     .attr = {.act = act}});
}

static int32_t
norm(build *b, int32_t space, int32_t x, const char *prefix, const char *hook) {
    bool rms = b->o[O_norm] != 0;
    int32_t gamma = param(b, b->c, 0, RLAB_INIT_ONE, 0, false, prefix, ".weight");
    int32_t beta = RLAB_NONE;
    if (!rms && b->o[O_bias] != 0)
        beta = param(b, b->c, 0, RLAB_INIT_ZERO, 0, false, prefix, ".bias");
    return node(b, &(rlab_node_spec){.op = rms ? "rmsnorm" : "layernorm",
                                     .name = hook,
                                     .space = space,
                                     .n_in = 1,
                                     .in = {x},
                                     .n_param = rms ? 1 : 2,
                                     .param = {gamma, beta},
                                     .attr = {.eps = (float)b->o[O_norm_eps]}});
}

static int32_t
dropout(build *b, int32_t space, int32_t x, const char *prefix, const char *name) {
    char full[RLAB_NAME_MAX];
    if (b->o[O_dropout] == 0)
        return x;
    return node(b, &(rlab_node_spec){.op = "dropout",
                                     .name = text(full, "%s%s", prefix, name),
                                     .space = space,
                                     .n_in = 1,
                                     .in = {x},
                                     .attr = {.p = (float)b->o[O_dropout]}});
}

static int32_t
add(build *b, int32_t space, int32_t x, int32_t branch, const char *hook) {
    return node(b, &(rlab_node_spec){
                       .op = "add", .name = hook, .space = space, .n_in = 2, .in = {x, branch}});
}

/* Attention of x's rows to the rows of `keys` (x itself, or the encoder's output). */
static int32_t
attention(build *b, const stack *s, int32_t x, int32_t keys, int32_t key_space, bool causal,
          const char *pname, const char *hook, const char *out_hook) {
    static const char *const proj[3] = {"q", "k", "v"};
    char p[RLAB_NAME_MAX], h[RLAB_NAME_MAX], pattern[RLAB_NAME_MAX];
    int32_t in[3], z;
    for (int k = 0; k < 3; k++)
        in[k] = linear(b, k ? key_space : s->space, k ? keys : x, b->c, b->c, 1, RLAB_ACT_NONE,
                       text(p, "%s.%s_proj", pname, proj[k]), text(h, "%s.hook_%s", hook, proj[k]),
                       NULL);
    z = node(b, &(rlab_node_spec){.op = "attention",
                                  .name = text(h, "%s.hook_z", hook),
                                  .space = s->space,
                                  .n_in = 3,
                                  .in = {in[0], in[1], in[2]},
                                  .side = {text(pattern, "%s.hook_pattern", hook)},
                                  .attr = {.heads = b->heads,
                                           .causal = causal,
                                           .p = (float)b->o[O_attention_dropout]}});
    return linear(b, s->space, z, b->c, b->c, 1 / sqrt(2.0 * s->layers), RLAB_ACT_NONE,
                  text(p, "%s.out_proj", pname), out_hook, NULL);
}

static int32_t
mlp(build *b, const stack *s, int32_t x, const char *pname, const char *hook) {
    static const rlab_act acts[] = {RLAB_ACT_RELU, RLAB_ACT_GELU, RLAB_ACT_GELU_TANH};
    char p[RLAB_NAME_MAX], h[RLAB_NAME_MAX], pre[RLAB_NAME_MAX];
    int32_t y = linear(b, s->space, x, b->c, b->mlp, 1, acts[(int)b->o[O_activation]],
                       text(p, "%s.fc1", pname), text(h, "%s.mlp.hook_post", hook),
                       text(pre, "%s.mlp.hook_pre", hook));
    return linear(b, s->space, y, b->mlp, b->c, 1 / sqrt(2.0 * s->layers), RLAB_ACT_NONE,
                  text(p, "%s.fc2", pname), text(h, "%s.hook_mlp_out", hook), NULL);
}

enum { SELF, CROSS, MLP }; /* what a sublayer does */

/* One sublayer of a block: its parts' names. */
typedef struct sublayer {
    const char *param, *norm, *hook, *ln, *out, *dropped, *sum;
    int what;
} sublayer;

static const sublayer encoder_block[] = {
    {"self_attn", "self_attn_layer_norm", "attn", "ln1", "hook_attn_out", "hook_attn_dropped",
     "hook_resid_mid", SELF},
    {"", "final_layer_norm", "mlp", "ln2", "hook_mlp_out", "hook_mlp_dropped", "hook_resid_post",
     MLP},
};
static const sublayer decoder_block[] = {
    {"self_attn", "self_attn_layer_norm", "self_attn", "ln1", "hook_attn_out", "hook_attn_dropped",
     "hook_resid_mid", SELF},
    {"encoder_attn", "encoder_attn_layer_norm", "cross_attn", "ln2", "hook_cross_attn_out",
     "hook_cross_attn_dropped", "hook_resid_mid_cross", CROSS},
    {"", "final_layer_norm", "mlp", "ln3", "hook_mlp_out", "hook_mlp_dropped", "hook_resid_post",
     MLP},
};

/* Lets the sublayer read x; gives what it would add. */
static int32_t
branch(build *b, const stack *s, const sublayer *l, int32_t i, int32_t x, int32_t memory) {
    char p[RLAB_NAME_MAX], h[RLAB_NAME_MAX], sub[RLAB_NAME_MAX], hook[RLAB_NAME_MAX],
        out[RLAB_NAME_MAX];
    bool cross = l->what == CROSS;
    text(p, "%s.layers.%d", s->param, i);
    text(h, "%s.%d", s->hook, i);
    if (l->what == MLP)
        return mlp(b, s, x, p, h);
    return attention(b, s, x, cross ? memory : x, cross ? b->source : s->space,
                     !cross && s->space == b->target, text(sub, "%s.%s", p, l->param),
                     text(hook, "%s.%s", h, l->hook), text(out, "%s.%s", h, l->out));
}

/* x + f(norm(x)), or norm(x + f(x)). */
static int32_t
run_sublayer(build *b, const stack *s, const sublayer *l, int32_t i, int32_t x, int32_t memory) {
    char p[RLAB_NAME_MAX], h[RLAB_NAME_MAX], sum[RLAB_NAME_MAX];
    bool post = b->o[O_norm_place] != 0;
    int32_t y = x;
    text(p, "%s.layers.%d.%s", s->param, i, l->norm);
    text(h, "%s.%d.%s.hook_normalized", s->hook, i, l->ln);
    if (!post)
        y = norm(b, s->space, x, p, h);
    y = branch(b, s, l, i, y, memory);
    y = dropout(b, s->space, y, text(sum, "%s.%d.", s->hook, i), l->dropped);
    y = add(b, s->space, x, y, text(sum, "%s.%d.%s", s->hook, i, l->sum));
    return post ? norm(b, s->space, y, p, h) : y;
}

/* Token embeddings and positions. */
static int32_t
embed(build *b, const stack *s, int32_t table) {
    bool decoder = s->space == b->target, scaled = b->o[O_scale_embeddings] != 0;
    int kind = (int)b->o[O_positions];
    char p[RLAB_NAME_MAX];
    int32_t y =
        node(b, &(rlab_node_spec){.op = "embed",
                                  .name = decoder ? "decoder_embed.hook_out" : "embed.hook_out",
                                  .space = s->space,
                                  .n_param = 1,
                                  .param = {table},
                                  .n_index = 1,
                                  .index = {s->tokens},
                                  .attr = {.scale = scaled ? (float)sqrt(b->c) : 1.0f}});
    rlab_node_spec at = {.op = kind == SINUSOIDAL ? "sinusoid" : "embed",
                         .name = decoder ? "decoder_pos_embed.hook_out" : "pos_embed.hook_out",
                         .space = s->space,
                         .n_index = 1,
                         .index = {s->positions},
                         .attr = {.width = b->c}};
    if (kind == LEARNED) {
        at.n_param = 1;
        at.param[0] = param(b, (int32_t)b->o[O_max_positions], b->c, RLAB_INIT_NORMAL,
                            scaled ? 1 : 1 / sqrt(b->c), true, s->param, ".embed_positions.weight");
    }
    if (kind != NO_POSITIONS)
        y = add(b, s->space, y, node(b, &at), text(p, "%s.hook_embedded", s->hook));
    return dropout(b, s->space, y, s->hook, ".hook_embedded_dropped");
}

/* A whole stack, from tokens to the residual stream's end. */
static int32_t
run_stack(build *b, const stack *s, const sublayer *block, int n, int32_t table, int32_t memory) {
    char h[RLAB_NAME_MAX], p[RLAB_NAME_MAX];
    int32_t x = embed(b, s, table);
    for (int32_t i = 0; i < s->layers; i++) {
        alias(b, x, text(h, "%s.%d", s->hook, i), ".hook_resid_pre");
        for (int k = 0; k < n; k++)
            x = run_sublayer(b, s, &block[k], i, x, memory);
    }
    if (b->o[O_norm_place] == 0)
        x = norm(b, s->space, x, text(p, "%s.layer_norm", s->param),
                 text(h, "%s_final_ln.hook_normalized", s->param));
    return x;
}

static int32_t
token_table(build *b, const char *prefix) {
    return param(b, (int32_t)b->o[O_vocab_size], b->c, RLAB_INIT_NORMAL, 1 / sqrt(b->c), true,
                 prefix, ".weight");
}

/* Logits and loss over the decoder's output. */
static void
unembed(build *b, rlab_roles *roles, int32_t x, int32_t table) {
    if (b->o[O_tie_embeddings] == 0)
        table = token_table(b, "lm_head");
    roles->logits = node(b, &(rlab_node_spec){.op = "linear",
                                              .name = "unembed.hook_out",
                                              .space = b->target,
                                              .n_in = 1,
                                              .in = {x},
                                              .n_param = 1,
                                              .param = {table}});
    roles->loss = node(b, &(rlab_node_spec){.op = "xent",
                                            .name = "hook_loss",
                                            .space = b->target,
                                            .n_in = 1,
                                            .in = {roles->logits},
                                            .n_index = 1,
                                            .index = {roles->labels}});
    if (b->ctx->status == RLAB_OK)
        rlab_graph_output(b->ctx, b->graph, roles->logits);
}

/* What ranges of single options cannot say. */
static rlab_status
check(rlab_ctx *ctx, const double *o) {
    if (o[O_vocab_size] < 1)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "vocab_size: expected at least 1, got %g; the tokens of "
                         "the data decide it",
                         o[O_vocab_size]);
    if (fmod(o[O_d_model], o[O_n_heads]) != 0)
        return rlab_fail(ctx, RLAB_EVALUE, "n_heads: expected a divisor of d_model (%g), got %g",
                         o[O_d_model], o[O_n_heads]);
    return RLAB_OK;
}

/* Spaces and integer inputs. */
static rlab_status
inputs(rlab_ctx *ctx, rlab_roles *r, rlab_graph *g, const double *o) {
    int32_t v = (int32_t)o[O_vocab_size], p = (int32_t)o[O_max_positions];
    RLAB_TRY(rlab_graph_space(ctx, &r->source, g, "source"));
    RLAB_TRY(rlab_graph_space(ctx, &r->target, g, "target"));
    RLAB_TRY(rlab_graph_index(ctx, &r->source_tokens, g, "source tokens", r->source,
                              RLAB_INDEX_TOKEN, v));
    RLAB_TRY(rlab_graph_index(ctx, &r->target_tokens, g, "target tokens", r->target,
                              RLAB_INDEX_TOKEN, v));
    RLAB_TRY(rlab_graph_index(ctx, &r->labels, g, "labels", r->target, RLAB_INDEX_LABEL, v));
    r->vocab_size = v;
    r->source_positions = r->target_positions = RLAB_NONE;
    r->max_source = r->max_target = 0;
    if ((int)o[O_positions] == NO_POSITIONS)
        return RLAB_OK;
    RLAB_TRY(rlab_graph_index(ctx, &r->source_positions, g, "source positions", r->source,
                              RLAB_INDEX_POSITION, p));
    RLAB_TRY(rlab_graph_index(ctx, &r->target_positions, g, "target positions", r->target,
                              RLAB_INDEX_POSITION, p));
    r->max_source = r->max_target = p;
    return RLAB_OK;
}

static rlab_status
layout(rlab_ctx *ctx, rlab_roles *roles, rlab_graph *graph, const rlab_config *config) {
    const double *o = config->value;
    build b = {ctx, graph, o, (int32_t)o[O_d_model], (int32_t)o[O_n_heads], (int32_t)o[O_d_mlp],
               0,   0};
    stack encoder = {"encoder", "encoder_blocks", 0, 0, 0, (int32_t)o[O_encoder_layers]};
    stack decoder = {"decoder", "decoder_blocks", 0, 0, 0, (int32_t)o[O_decoder_layers]};
    bool shared = o[O_share_embeddings] != 0;
    int32_t table, memory, x;
    RLAB_TRY(check(ctx, o));
    RLAB_TRY(inputs(ctx, roles, graph, o));
    b.mlp = b.mlp ? b.mlp : 4 * b.c;
    b.source = encoder.space = roles->source;
    b.target = decoder.space = roles->target;
    encoder.tokens = roles->source_tokens;
    encoder.positions = roles->source_positions;
    decoder.tokens = roles->target_tokens;
    decoder.positions = roles->target_positions;
    table = token_table(&b, shared ? "shared" : "encoder.embed_tokens");
    memory = run_stack(&b, &encoder, encoder_block, 2, table, RLAB_NONE);
    if (!shared)
        table = token_table(&b, "decoder.embed_tokens");
    x = run_stack(&b, &decoder, decoder_block, 3, table, memory);
    unembed(&b, roles, x, table);
    return ctx->status;
}

const rlab_model_kind rlab_model_transformer = {
    .name = "transformer",
    .options = options,
    .layout = layout,
};
