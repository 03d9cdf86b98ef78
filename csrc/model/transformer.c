/* transformer: encoder-decoder, decoder-only and encoder-only, from the layers of layers.c. A
 * decoder-only model reads source, start token and target as one sequence; an encoder-only one says
 * a token at every place of its source and of one place more. */
#include "model/layers.h"

#include <math.h>
#include <string.h>

static const rlab_option options[] = {
#define X(name, kind, start, least, most, choices, help)                                           \
    {#name, RLAB_OPTION_##kind, start, least, most, choices, help},
    RLAB_TRANSFORMER_OPTIONS(X)
#undef X
        {NULL, RLAB_OPTION_INT, 0, 0, 0, NULL, NULL},
};

static const rlab_stack encoder_of_two = {.param = "encoder",
                                          .hook = "encoder_blocks",
                                          .embed = "embed.hook_out",
                                          .pos_embed = "pos_embed.hook_out",
                                          .embed_ln = "embed_ln",
                                          .final_ln = "encoder_final_ln"};
static const rlab_stack decoder_of_two = {.param = "decoder",
                                          .hook = "decoder_blocks",
                                          .embed = "decoder_embed.hook_out",
                                          .pos_embed = "decoder_pos_embed.hook_out",
                                          .embed_ln = "decoder_embed_ln",
                                          .final_ln = "decoder_final_ln",
                                          .causal = true,
                                          .cross = true};
static const rlab_stack only = {.hook = "blocks",
                                .embed = "embed.hook_out",
                                .pos_embed = "pos_embed.hook_out",
                                .embed_ln = "embed_ln",
                                .final_ln = "ln_final"};

/* What ranges of single options cannot say. */
static rlab_status
check(rlab_ctx *ctx, const double *o) {
    if (o[O_vocab_size] < 1)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "vocab_size: expected at least 1, got %g; the tokens of "
                         "the data decide it",
                         o[O_vocab_size]);
    if (o[O_d_head] == 0 && fmod(o[O_d_model], o[O_n_heads]) != 0)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "n_heads: expected a divisor of d_model (%g), got %g; or set d_head",
                         o[O_d_model], o[O_n_heads]);
    if (o[O_n_kv_heads] != 0 && fmod(o[O_n_heads], o[O_n_kv_heads]) != 0)
        return rlab_fail(ctx, RLAB_EVALUE, "n_kv_heads: expected a divisor of n_heads (%g), got %g",
                         o[O_n_heads], o[O_n_kv_heads]);
    return RLAB_OK;
}

/* The integer input of positions of a space, or RLAB_NONE; *longest: rows it can tell, 0: any. */
static rlab_status
positions(rlab_ctx *ctx, int32_t *out, int32_t *longest, rlab_graph *g, const char *name,
          int32_t space, const double *o) {
    const int kind = (int)o[O_positions];
    const int32_t most = (int32_t)o[O_max_positions];
    *out = RLAB_NONE;
    *longest = 0;
    if (kind == NO_POSITIONS || kind == ALIBI || kind == RELATIVE)
        return RLAB_OK;
    if (kind == ROTARY)
        return rlab_graph_index(ctx, out, g, name, space, RLAB_INDEX_POSITION, INT32_MAX);
    *longest = most;
    return rlab_graph_index(ctx, out, g, name, space,
                            kind == RANDOMISED ? RLAB_INDEX_SPREAD : RLAB_INDEX_POSITION, most);
}

/* Spaces and integer inputs. */
static rlab_status
inputs(rlab_ctx *ctx, rlab_roles *r, rlab_graph *g, const double *o) {
    int32_t v = (int32_t)o[O_vocab_size];
    r->source = r->source_tokens = r->source_positions = RLAB_NONE;
    r->max_source = 0;
    r->reading = (rlab_reading)o[O_architecture];
    if (r->reading == RLAB_READS_PAIRS)
        RLAB_TRY(rlab_graph_space(ctx, &r->source, g, "source"));
    RLAB_TRY(rlab_graph_space(ctx, &r->target, g, "target"));
    if (r->reading == RLAB_READS_PAIRS) {
        RLAB_TRY(rlab_graph_index(ctx, &r->source_tokens, g, "source tokens", r->source,
                                  RLAB_INDEX_TOKEN, v));
        RLAB_TRY(positions(ctx, &r->source_positions, &r->max_source, g, "source positions",
                           r->source, o));
    }
    RLAB_TRY(rlab_graph_index(ctx, &r->target_tokens, g, "target tokens", r->target,
                              RLAB_INDEX_TOKEN, v));
    RLAB_TRY(rlab_graph_index(ctx, &r->labels, g, "labels", r->target, RLAB_INDEX_LABEL, v));
    RLAB_TRY(
        positions(ctx, &r->target_positions, &r->max_target, g, "target positions", r->target, o));
    r->vocab_size = v;
    r->start_token = (int32_t)o[O_decoder_start_token_id];
    r->end_token = (int32_t)o[O_eos_token_id];
    return RLAB_OK;
}

/* The stack of a model that has one. */
static int32_t
run_only(rlab_build *b, const rlab_roles *roles, int32_t *table) {
    const bool decoder = roles->reading == RLAB_READS_ONE;
    rlab_stack s = only;
    s.param = decoder ? "decoder" : "encoder";
    s.causal = decoder;
    s.space = roles->target;
    s.tokens = roles->target_tokens;
    s.positions = roles->target_positions;
    s.layers = (int32_t)b->o[decoder ? O_decoder_layers : O_encoder_layers];
    *table = rlab_token_table(b, "shared");
    return rlab_stack_run(b, &s, *table, RLAB_NONE);
}

static int32_t
run_both(rlab_build *b, const rlab_roles *roles, int32_t *table) {
    rlab_stack encoder = encoder_of_two, decoder = decoder_of_two;
    bool shared = b->o[O_share_embeddings] != 0;
    int32_t memory;
    encoder.layers = (int32_t)b->o[O_encoder_layers];
    decoder.layers = (int32_t)b->o[O_decoder_layers];
    encoder.space = roles->source;
    decoder.space = roles->target;
    encoder.tokens = roles->source_tokens;
    encoder.positions = roles->source_positions;
    decoder.tokens = roles->target_tokens;
    decoder.positions = roles->target_positions;
    *table = rlab_token_table(b, shared ? "shared" : "encoder.embed_tokens");
    memory = rlab_stack_run(b, &encoder, *table, RLAB_NONE);
    if (!shared)
        *table = rlab_token_table(b, "decoder.embed_tokens");
    return rlab_stack_run(b, &decoder, *table, memory);
}

static rlab_status
layout(rlab_ctx *ctx, rlab_roles *roles, rlab_graph *graph, const rlab_config *config) {
    const double *o = config->value;
    rlab_build b = {.ctx = ctx, .graph = graph, .o = o};
    int32_t table = RLAB_NONE, x;
    RLAB_TRY(check(ctx, o));
    RLAB_TRY(inputs(ctx, roles, graph, o));
    b.c = (int32_t)o[O_d_model];
    b.heads = (int32_t)o[O_n_heads];
    b.kv_heads = o[O_n_kv_heads] != 0 ? (int32_t)o[O_n_kv_heads] : b.heads;
    b.d_head = o[O_d_head] != 0 ? (int32_t)o[O_d_head] : b.c / b.heads;
    b.mlp = o[O_d_mlp] != 0 ? (int32_t)o[O_d_mlp] : 4 * b.c;
    b.source = roles->source;
    b.target = roles->target;
    x = roles->reading == RLAB_READS_PAIRS ? run_both(&b, roles, &table)
                                           : run_only(&b, roles, &table);
    rlab_unembed(&b, roles, roles->target, x, table);
    return ctx->status;
}

const rlab_model_kind rlab_model_transformer = {
    .name = "transformer",
    .options = options,
    .layout = layout,
};
