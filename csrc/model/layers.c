/* Layers of transformers: blocks from sublayers, stacks from blocks, logits. Parameters are named
 * as Hugging Face's BART names them, values as TransformerLens does. Source: Vaswani et al.,
 * "Attention is all you need" (NeurIPS 2017); norm first: Xiong et al., "On layer normalization in
 * the transformer architecture" (ICML 2020); RMSNorm: Zhang and Sennrich (NeurIPS 2019); gates:
 * Shazeer, "GLU variants improve transformer" (arXiv 2002.05202); grouped heads: Ainslie et al.,
 * "GQA" (EMNLP 2023); one block for all depths: Dehghani et al., "Universal transformers" (ICLR
 * 2019).
 *
 * How parameters begin: biases 0, norms 1; matrices uniform Xavier, those that write to the
 * residual stream (out_proj, fc2) divided by sqrt(2 layers) of their stack; token embeddings and
 * relative positions normal with deviation 1/sqrt(d_model), lm_head too; learned positions normal
 * with the deviation that token embeddings have once scaled: smaller ones are learned several times
 * more slowly where places must be told apart. */
#include "model/layers.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- small steps ----------------------------------------------------------------------------- */

static const char *
text(char out[RLAB_NAME_MAX], const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(out, RLAB_NAME_MAX, format, args);
    va_end(args);
    return out;
}

/* A parameter by name: the one that stands, where depths share their weights, or a new one. */
static int32_t
param(rlab_build *b, int32_t rows, int32_t cols, rlab_init init, double scale, bool decay,
      const char *prefix, const char *name) {
    char full[RLAB_NAME_MAX];
    int32_t out = RLAB_NONE, count;
    const rlab_param *known = rlab_graph_params(b->graph, &count);
    text(full, "%s%s", prefix, name);
    for (int32_t i = 0; b->o[O_share_layers] != 0 && i < count; i++)
        if (strcmp(known[i].name, full) == 0)
            return i;
    if (b->ctx->status == RLAB_OK)
        rlab_graph_param(b->ctx, &out, b->graph, full, rows, cols, init, (float)scale, decay);
    return out;
}

static int32_t
node(rlab_build *b, const rlab_node_spec *spec) {
    int32_t out = 0;
    if (b->ctx->status == RLAB_OK)
        rlab_graph_node(b->ctx, &out, b->graph, spec);
    return out;
}

static void
alias(rlab_build *b, int32_t to, const char *prefix, const char *name) {
    char full[RLAB_NAME_MAX];
    if (b->ctx->status == RLAB_OK)
        rlab_graph_alias(b->ctx, b->graph, text(full, "%s%s", prefix, name), to);
}

static int32_t
linear(rlab_build *b, int32_t space, int32_t x, int32_t in, int32_t out, double scale, rlab_act act,
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
norm(rlab_build *b, int32_t space, int32_t x, const char *prefix, const char *hook) {
    char out[RLAB_NAME_MAX], scale[RLAB_NAME_MAX], hat[RLAB_NAME_MAX];
    bool rms = b->o[O_norm] != 0;
    int32_t gamma = param(b, b->c, 0, RLAB_INIT_ONE, 0, false, prefix, ".weight");
    int32_t beta = RLAB_NONE;
    text(scale, "%s.hook_scale", hook);
    text(hat, "%s.hook_normalized", hook);
    if (!rms && b->o[O_bias] != 0)
        beta = param(b, b->c, 0, RLAB_INIT_ZERO, 0, false, prefix, ".bias");
    return node(b, &(rlab_node_spec){
                       .op = rms ? "rmsnorm" : "layernorm",
                       .name = text(out, "%s.hook_out", hook),
                       .space = space,
                       .n_in = 1,
                       .in = {x},
                       .n_param = rms ? 1 : 2,
                       .param = {gamma, beta},
                       .side = {NULL, rms ? scale : NULL, rms ? hat : scale, rms ? NULL : hat},
                       .attr = {.eps = (float)b->o[O_norm_eps]}});
}

static int32_t
dropout(rlab_build *b, int32_t space, int32_t x, double p, const char *prefix, const char *name) {
    char full[RLAB_NAME_MAX];
    if (p == 0)
        return x;
    return node(b, &(rlab_node_spec){.op = "dropout",
                                     .name = text(full, "%s%s", prefix, name),
                                     .space = space,
                                     .n_in = 1,
                                     .in = {x},
                                     .attr = {.p = (float)p}});
}

static int32_t
pair(rlab_build *b, const char *op, int32_t space, int32_t x, int32_t y, const char *hook) {
    return node(b,
                &(rlab_node_spec){.op = op, .name = hook, .space = space, .n_in = 2, .in = {x, y}});
}

/* ---- sublayers ------------------------------------------------------------------------------- */

/* Turns queries or keys by their positions. */
static int32_t
turned(rlab_build *b, const rlab_stack *s, int32_t x, int32_t heads, const char *hook) {
    return node(
        b, &(rlab_node_spec){.op = "rotary",
                             .name = hook,
                             .space = s->space,
                             .n_in = 1,
                             .in = {x},
                             .n_index = 1,
                             .index = {s->positions},
                             .attr = {.heads = heads, .width = (int32_t)b->o[O_max_positions]}});
}

/* Attention of x's rows to the rows of `keys` (x itself, or the encoder's output). */
static int32_t
attention(rlab_build *b, const rlab_stack *s, int32_t x, int32_t keys, int32_t key_space,
          const char *pname, const char *hook, const char *out_hook) {
    static const char *const proj[3] = {"q", "k", "v"};
    const bool self = key_space == s->space;
    const int kind = (int)b->o[O_positions];
    char p[RLAB_NAME_MAX], h[RLAB_NAME_MAX], pattern[RLAB_NAME_MAX], scores[RLAB_NAME_MAX];
    int32_t in[3], z;
    for (int k = 0; k < 3; k++) {
        int32_t heads = k ? b->kv_heads : b->heads;
        in[k] = linear(b, k ? key_space : s->space, k ? keys : x, b->c, heads * b->d_head, 1,
                       RLAB_ACT_NONE, text(p, "%s.%s_proj", pname, proj[k]),
                       text(h, "%s.hook_%s", hook, proj[k]), NULL);
        if (kind == ROTARY && self && k < 2)
            in[k] = turned(b, s, in[k], heads, text(h, "%s.hook_rot_%s", hook, proj[k]));
    }
    z = node(b, &(rlab_node_spec){.op = "attention",
                                  .name = text(h, "%s.hook_z", hook),
                                  .space = s->space,
                                  .n_in = 3,
                                  .in = {in[0], in[1], in[2]},
                                  .n_param = self && kind == RELATIVE,
                                  .param = {s->distances},
                                  .side = {text(pattern, "%s.hook_pattern", hook),
                                           text(scores, "%s.hook_attn_scores", hook)},
                                  .attr = {.heads = b->heads,
                                           .kv_heads = b->kv_heads,
                                           .causal = self && s->causal,
                                           .scale = b->o[O_scale_attention] != 0 ? 0.0f : 1.0f,
                                           .alibi = self && kind == ALIBI,
                                           .reach = (int32_t)b->o[O_relative_distance],
                                           .p = (float)b->o[O_attention_dropout]}});
    return linear(b, s->space, z, b->heads * b->d_head, b->c, 1 / sqrt(2.0 * s->layers),
                  RLAB_ACT_NONE, text(p, "%s.out_proj", pname), out_hook, NULL);
}

/* fc2(act(fc1 x)), or fc2(act(gate_proj x) * fc1 x). */
static int32_t
mlp(rlab_build *b, const rlab_stack *s, int32_t x, const char *pname, const char *hook) {
    static const rlab_act acts[] = {RLAB_ACT_RELU, RLAB_ACT_GELU, RLAB_ACT_GELU_TANH,
                                    RLAB_ACT_SILU, RLAB_ACT_GELU, RLAB_ACT_GELU_TANH};
    const int kind = (int)b->o[O_activation];
    const bool gated = kind > 2;
    char p[RLAB_NAME_MAX], h[RLAB_NAME_MAX], pre[RLAB_NAME_MAX];
    int32_t y = linear(b, s->space, x, b->c, b->mlp, 1, acts[kind],
                       text(p, "%s.%s", pname, gated ? "gate_proj" : "fc1"),
                       text(h, "%s.mlp.%s", hook, gated ? "hook_gate" : "hook_post"),
                       text(pre, "%s.mlp.hook_pre", hook));
    if (gated)
        y = pair(b, "mul", s->space, y,
                 linear(b, s->space, x, b->c, b->mlp, 1, RLAB_ACT_NONE, text(p, "%s.fc1", pname),
                        text(h, "%s.mlp.hook_pre_linear", hook), NULL),
                 text(pre, "%s.mlp.hook_post", hook));
    y = dropout(b, s->space, y, b->o[O_activation_dropout], hook, ".mlp.hook_dropped");
    return linear(b, s->space, y, b->mlp, b->c, 1 / sqrt(2.0 * s->layers), RLAB_ACT_NONE,
                  text(p, "%s.fc2", pname), text(h, "%s.hook_mlp_out", hook), NULL);
}

enum { SELF, CROSS, MLP }; /* what a sublayer does */

/* One sublayer of a block: its parts' names. */
typedef struct sublayer {
    const char *param, *norm, *hook, *ln, *out, *dropped, *sum;
    int what;
} sublayer;

static const sublayer plain_block[] = {
    {"self_attn", "self_attn_layer_norm", "attn", "ln1", "hook_attn_out", "hook_attn_dropped",
     "hook_resid_mid", SELF},
    {"", "final_layer_norm", "mlp", "ln2", "hook_mlp_out", "hook_mlp_dropped", "hook_resid_post",
     MLP},
};
static const sublayer cross_block[] = {
    {"self_attn", "self_attn_layer_norm", "self_attn", "ln1", "hook_attn_out", "hook_attn_dropped",
     "hook_resid_mid", SELF},
    {"encoder_attn", "encoder_attn_layer_norm", "cross_attn", "ln2", "hook_cross_attn_out",
     "hook_cross_attn_dropped", "hook_resid_mid_cross", CROSS},
    {"", "final_layer_norm", "mlp", "ln3", "hook_mlp_out", "hook_mlp_dropped", "hook_resid_post",
     MLP},
};

/* Lets the sublayer read x; gives what it would add. p, h: the block's names. */
static int32_t
branch(rlab_build *b, const rlab_stack *s, const sublayer *l, const char *p, const char *h,
       int32_t x, int32_t memory) {
    char sub[RLAB_NAME_MAX], hook[RLAB_NAME_MAX], out[RLAB_NAME_MAX];
    bool cross = l->what == CROSS;
    if (l->what == MLP)
        return mlp(b, s, x, p, h);
    return attention(b, s, x, cross ? memory : x, cross ? b->source : s->space,
                     text(sub, "%s.%s", p, l->param), text(hook, "%s.%s", h, l->hook),
                     text(out, "%s.%s", h, l->out));
}

/* x + f(norm(x)), or norm(x + f(x)). */
static int32_t
run_sublayer(rlab_build *b, const rlab_stack *s, const sublayer *l, int32_t i, int32_t x,
             int32_t memory) {
    char p[RLAB_NAME_MAX], h[RLAB_NAME_MAX], n[RLAB_NAME_MAX], ln[RLAB_NAME_MAX],
        sum[RLAB_NAME_MAX];
    bool post = b->o[O_norm_place] != 0;
    int32_t y = x;
    text(p, "%s.layers.%d", s->param, b->o[O_share_layers] != 0 ? 0 : i);
    text(h, "%s.%d", s->hook, i);
    text(n, "%s.layers.%d.%s", s->param, b->o[O_share_layers] != 0 ? 0 : i, l->norm);
    text(ln, "%s.%d.%s", s->hook, i, l->ln);
    if (!post)
        y = norm(b, s->space, x, n, ln);
    y = branch(b, s, l, p, h, y, memory);
    y = dropout(b, s->space, y, b->o[O_dropout], text(sum, "%s.%d.", s->hook, i), l->dropped);
    if (!post)
        return pair(b, "add", s->space, x, y, text(sum, "%s.%d.%s", s->hook, i, l->sum));
    y = pair(b, "add", s->space, x, y, text(sum, "%s.hook_in", ln));
    if (l->what == CROSS || (l->what == MLP && !s->cross))
        alias(b, y, h, ".hook_resid_mid"); /* as TransformerLens counts: what ln2 reads */
    y = norm(b, s->space, y, n, ln);
    if (l->what == MLP)
        alias(b, y, h, ".hook_resid_post");
    return y;
}

/* ---- stacks ---------------------------------------------------------------------------------- */

/* The vectors of the rows' positions, which are added to the tokens'. */
static int32_t
position_rows(rlab_build *b, const rlab_stack *s) {
    const bool fixed = (int)b->o[O_positions] == SINUSOIDAL;
    rlab_node_spec at = {.op = fixed ? "sinusoid" : "embed",
                         .name = s->pos_embed,
                         .space = s->space,
                         .n_index = 1,
                         .index = {s->positions},
                         .attr = {.width = b->c}};
    if (!fixed) {
        at.n_param = 1;
        at.param[0] = param(b, (int32_t)b->o[O_max_positions], b->c, RLAB_INIT_NORMAL,
                            b->o[O_scale_embeddings] != 0 ? 1 : 1 / sqrt(b->c), true, s->param,
                            ".embed_positions.weight");
    }
    return node(b, &at);
}

/* Token embeddings and positions. */
static int32_t
embed(rlab_build *b, const rlab_stack *s, int32_t table) {
    const int kind = (int)b->o[O_positions];
    char p[RLAB_NAME_MAX];
    int32_t y =
        node(b, &(rlab_node_spec){
                    .op = "embed",
                    .name = s->embed,
                    .space = s->space,
                    .n_param = 1,
                    .param = {table},
                    .n_index = 1,
                    .index = {s->tokens},
                    .attr = {.scale = b->o[O_scale_embeddings] != 0 ? (float)sqrt(b->c) : 1.0f}});
    if (kind == LEARNED || kind == SINUSOIDAL || kind == RANDOMISED)
        y = pair(b, "add", s->space, y, position_rows(b, s), text(p, "%s.hook_embedded", s->hook));
    if (b->o[O_embedding_norm] != 0)
        y = norm(b, s->space, y, text(p, "%s.layernorm_embedding", s->param), s->embed_ln);
    return dropout(b, s->space, y, b->o[O_dropout], s->hook, ".hook_embedded_dropped");
}

int32_t
rlab_stack_run(rlab_build *b, rlab_stack *s, int32_t table, int32_t memory) {
    const sublayer *block = s->cross ? cross_block : plain_block;
    char h[RLAB_NAME_MAX], p[RLAB_NAME_MAX];
    int32_t x = embed(b, s, table);
    if ((int)b->o[O_positions] == RELATIVE)
        s->distances = param(b, (int32_t)b->o[O_relative_buckets], b->heads, RLAB_INIT_NORMAL,
                             1 / sqrt(b->c), true, s->param, ".relative_attention_bias.weight");
    for (int32_t i = 0; i < s->layers; i++) {
        alias(b, x, text(h, "%s.%d", s->hook, i), ".hook_resid_pre");
        for (int k = 0; k < (s->cross ? 3 : 2); k++)
            x = run_sublayer(b, s, &block[k], i, x, memory);
    }
    if (b->o[O_norm_place] == 0)
        x = norm(b, s->space, x, text(p, "%s.layer_norm", s->param), s->final_ln);
    return x;
}

int32_t
rlab_token_table(rlab_build *b, const char *prefix) {
    return param(b, (int32_t)b->o[O_vocab_size], b->c, RLAB_INIT_NORMAL, 1 / sqrt(b->c), true,
                 prefix, ".weight");
}

void
rlab_unembed(rlab_build *b, rlab_roles *roles, int32_t space, int32_t x, int32_t table) {
    if (b->o[O_tie_embeddings] == 0)
        table = rlab_token_table(b, "lm_head");
    if (b->o[O_scale_logits] != 0)
        x = node(b, &(rlab_node_spec){.op = "scale",
                                      .name = "unembed.hook_in",
                                      .space = space,
                                      .n_in = 1,
                                      .in = {x},
                                      .attr = {.scale = (float)(1 / sqrt(b->c))}});
    roles->logits = node(b, &(rlab_node_spec){.op = "linear",
                                              .name = "unembed.hook_out",
                                              .space = space,
                                              .n_in = 1,
                                              .in = {x},
                                              .n_param = 1,
                                              .param = {table}});
    roles->loss = node(b, &(rlab_node_spec){.op = "xent",
                                            .name = "hook_loss",
                                            .space = space,
                                            .n_in = 1,
                                            .in = {roles->logits},
                                            .n_index = 1,
                                            .index = {roles->labels}});
    if (b->ctx->status == RLAB_OK)
        rlab_graph_output(b->ctx, b->graph, roles->logits);
}
