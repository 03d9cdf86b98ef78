/* The trainer: a batch by number, its gradient from the shards, one update; and teacher forcing. */
#include "learn/learn.h"

#include <math.h>
#include <string.h>

enum { SCORE_PAIRS = 256, SCORE_SHARDS = 8 }; /* of a batch when nothing is learned */

static rlab_status
alloc_floats(rlab_ctx *ctx, float **out, size_t count) {
    void *p = NULL;
    RLAB_TRY(rlab_alloc(ctx, &p, count, sizeof(float)));
    *out = p;
    return RLAB_OK;
}

static void
make_batch(rlab_batch *out, const rlab_model *model, const rlab_minibatch *p) {
    rlab_model_batch(out, model, (int32_t)p->count, p->src_off, p->src, p->tgt_off, p->tgt,
                     p->labels, p->item);
}

/* Every target must have room in the places of its source. */
static rlab_status
check_places(rlab_ctx *ctx, const rlab_corpus *c) {
    for (int64_t i = 0; i < c->pairs; i++) {
        int64_t places = c->src_off[i + 1] - c->src_off[i] + 1;
        int64_t target = c->tgt_off[i + 1] - c->tgt_off[i];
        if (target > places)
            return rlab_fail_at(ctx, RLAB_EVALUE, i,
                                "labels: item %lld has %lld tokens; an encoder_only model says one "
                                "token for each of its source's and one more, here %lld: use "
                                "encoder_decoder or decoder_only for outputs that grow",
                                (long long)i, (long long)target, (long long)places);
    }
    return RLAB_OK;
}

static rlab_status
check_longest(rlab_ctx *ctx, const char *name, const char *what, int64_t longest, int64_t extra,
              int32_t most) {
    if (most <= 0 || longest + extra <= most)
        return RLAB_OK;
    return rlab_fail(ctx, RLAB_EVALUE,
                     "%s: expected sequences of at most %lld tokens (the model's positions%s), got "
                     "one of %lld; raise the model's max_positions",
                     name, (long long)(most - extra), what, (long long)longest);
}

/* A sequence that is longer than the model's positions is refused before anything is computed. */
static rlab_status
check_lengths(rlab_ctx *ctx, const rlab_model *model, const rlab_corpus *c) {
    const rlab_roles *roles = &model->roles;
    int64_t both = 0;
    if (roles->start_token >= roles->vocab_size || roles->end_token >= roles->vocab_size)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "decoder_start_token_id, eos_token_id: expected tokens below %d, got %d "
                         "and %d",
                         roles->vocab_size, roles->start_token, roles->end_token);
    switch (roles->reading) {
    case RLAB_READS_PAIRS:
        RLAB_TRY(check_longest(ctx, "input_ids", "", c->src_longest, 0, roles->max_source));
        return check_longest(ctx, "labels", ", less one for <bos>", c->tgt_longest, 1,
                             roles->max_target);
    case RLAB_READS_ONE:
        for (int64_t i = 0; i < c->pairs; i++) {
            int64_t rows = c->src_off[i + 1] - c->src_off[i] + c->tgt_off[i + 1] - c->tgt_off[i];
            both = rows > both ? rows : both;
        }
        return check_longest(ctx, "input_ids and labels together", ", less one between them", both,
                             1, roles->max_target);
    case RLAB_READS_PLACES:
        RLAB_TRY(check_places(ctx, c));
        return check_longest(ctx, "input_ids", ", less one for <eos>", c->src_longest, 1,
                             roles->max_target);
    }
    return RLAB_OK;
}

/* A team with room for any batch of `size` pairs of the corpus, and the pairs' own room. */
static rlab_status
make_room(rlab_ctx *ctx, rlab_team **team, rlab_minibatch *pairs, const rlab_model *model,
          const rlab_kernels *kernels, const rlab_corpus *corpus, int64_t size, int32_t shards,
          bool training) {
    rlab_batch batch;
    RLAB_TRY(check_lengths(ctx, model, corpus));
    RLAB_TRY(rlab_minibatch_new(ctx, pairs, &model->roles, corpus, size));
    RLAB_TRY(training ? rlab_team_new_turns(ctx, team, model->graph, kernels, shards)
                      : rlab_team_new(ctx, team, model->graph, kernels, shards, false));
    make_batch(&batch, model, pairs);
    return rlab_team_reserve(ctx, *team, &batch);
}

static size_t
blocks_of(const rlab_param *p) {
    return (p->count + RLAB_DECAY_BLOCK - 1) / RLAB_DECAY_BLOCK;
}

/* Which parameters keep their value: those named, and the matrices that have a low-rank update. */
static rlab_status
freeze(rlab_ctx *ctx, rlab_trainer *t, const rlab_learned *learned) {
    const rlab_graph *graph = t->model->graph;
    int32_t count = 0, left = 0;
    const rlab_param *params = rlab_graph_params(graph, &count);
    size_t blocks = rlab_graph_size(graph) / RLAB_DECAY_BLOCK;
    void *p = NULL;
    RLAB_TRY(rlab_alloc(ctx, &p, (size_t)count, 1));
    t->frozen = p;
    RLAB_TRY(rlab_alloc(ctx, &p, blocks, 1));
    t->decay = p;
    memcpy(t->decay, rlab_graph_decay(graph), blocks);
    for (int32_t i = 0; i < count; i++) {
        t->frozen[i] =
            (learned->frozen && learned->frozen[i]) || (learned->adapted && learned->adapted[i]);
        left += !t->frozen[i];
        if (t->frozen[i])
            memset(t->decay + params[i].offset / RLAB_DECAY_BLOCK, 0, blocks_of(&params[i]));
    }
    if (learned->adapted)
        RLAB_TRY(rlab_adapter_new(ctx, &t->adapter, t->model, learned->adapted, learned->rank,
                                  learned->alpha, t->config.seed));
    if (left == 0 && (!t->adapter || t->adapter->n == 0))
        return rlab_fail(ctx, RLAB_EVALUE,
                         "freeze: expected at least one parameter to learn, got all frozen");
    return RLAB_OK;
}

static rlab_status
fill(rlab_ctx *ctx, rlab_trainer *t, const rlab_learned *learned) {
    rlab_optimizer *o = &t->optimizer;
    const rlab_kernels *kernels = t->model->kernels;
    void *cells = NULL;
    RLAB_TRY(freeze(ctx, t, learned));
    t->weights = t->model->weights;
    if (t->config.precision == RLAB_BFLOAT16) {
        kernels = kernels->bfloat16;
        t->weights = NULL;
        RLAB_TRY(rlab_weights_view(ctx, &t->weights, t->model->weights, kernels));
    }
    o->kernels = t->model->kernels;
    o->size = rlab_graph_size(t->model->graph);
    o->decay = t->decay;
    o->w = rlab_weights_at(t->model->weights);
    RLAB_TRY(alloc_floats(ctx, &o->g, o->size));
    RLAB_TRY(alloc_floats(ctx, &o->m, o->size));
    RLAB_TRY(alloc_floats(ctx, &o->v, o->size));
    RLAB_TRY(rlab_alloc(ctx, &cells, rlab_optimizer_cells(o->size), sizeof(double)));
    o->cells = cells;
    return make_room(ctx, &t->team, &t->pairs, t->model, kernels, &t->corpus, t->config.batch_size,
                     (int32_t)t->config.shards, true);
}

rlab_status
rlab_trainer_new(rlab_ctx *ctx, rlab_trainer **out, rlab_model *model, const rlab_corpus *corpus,
                 const rlab_train_config *config, const rlab_learned *learned) {
    rlab_trainer *t;
    void *p = NULL;
    rlab_status status;
    RLAB_TRY(rlab_train_config_check(ctx, config));
    RLAB_TRY(rlab_alloc(ctx, &p, 1, sizeof *t));
    t = p;
    t->model = model;
    t->corpus = *corpus;
    t->config = *config;
    t->seen_last = corpus->pairs;
    status = fill(ctx, t, learned);
    if (status == RLAB_OK)
        *out = t;
    else
        rlab_trainer_free(t);
    return status;
}

void
rlab_trainer_free(rlab_trainer *t) {
    if (!t)
        return;
    rlab_free(t->optimizer.g);
    rlab_free(t->optimizer.m);
    rlab_free(t->optimizer.v);
    rlab_free(t->optimizer.cells);
    rlab_free(t->frozen);
    rlab_free(t->decay);
    rlab_adapter_free(t->adapter);
    rlab_minibatch_free(&t->pairs);
    rlab_team_free(t->team);
    if (t->weights != t->model->weights)
        rlab_weights_free(t->weights);
    rlab_free(t);
}

/* Makes the gradient of what is learned out of that of all parameters; returns its norm. */
static double
learned_gradient(rlab_trainer *t, int threads) {
    int32_t count = 0;
    const rlab_param *params = rlab_graph_params(t->model->graph, &count);
    double norm, own;
    if (t->adapter)
        rlab_adapter_gradient(t->adapter, t->optimizer.g);
    for (int32_t i = 0; i < count; i++)
        if (t->frozen[i])
            memset(t->optimizer.g + params[i].offset, 0, params[i].count * sizeof(float));
    norm = rlab_optimizer_norm(&t->optimizer, threads);
    if (!t->adapter)
        return norm;
    own = rlab_optimizer_norm(&t->adapter->optimizer, threads);
    return sqrt(norm * norm + own * own);
}

void
rlab_trainer_gather(rlab_trainer *t, rlab_batch *out) {
    int64_t step = t->step > t->since ? t->step - t->since : 0;
    int64_t count = rlab_batch_items(t->pairs.item, t->seen_last - t->seen_first,
                                     t->config.batch_size, t->config.seed, step);
    for (int64_t i = 0; i < count; i++)
        t->pairs.item[i] += t->seen_first;
    rlab_minibatch_gather(&t->pairs, &t->corpus, count);
    make_batch(out, t->model, &t->pairs);
}

static rlab_status
update(rlab_ctx *ctx, rlab_update *out, rlab_trainer *t, const rlab_tap *taps, int32_t n_taps,
       int threads) {
    rlab_batch batch;
    rlab_loss loss = {0.0, 0};
    rlab_run run = {.training = true,
                    .seed = t->config.seed,
                    .step = (uint64_t)t->step,
                    .smoothing = (float)t->config.smoothing,
                    .taps = taps,
                    .n_taps = n_taps};
    rlab_trainer_gather(t, &batch);
    RLAB_TRY(rlab_team_run(ctx, &loss, t->optimizer.g, t->team, t->weights, &batch, &run, threads));
    out->tokens = loss.count;
    out->loss = loss.sum / (double)loss.count;
    out->grad_norm = learned_gradient(t, threads);
    out->flops = rlab_graph_flops(t->model->graph, &batch, true);
    out->lr = rlab_schedule_lr(&t->config, t->step);
    if (!isfinite(out->loss) || !isfinite(out->grad_norm))
        return rlab_fail(ctx, RLAB_EDIVERGED,
                         "step %lld: the loss is %g and the gradient's norm %g; the state is that "
                         "after the last good step: go on from there with a smaller lr, or clip",
                         (long long)t->step + 1, out->loss, out->grad_norm);
    rlab_optimizer_update(&t->optimizer, &t->config, out->lr, t->step + 1, out->grad_norm, threads);
    if (t->adapter) {
        rlab_optimizer_update(&t->adapter->optimizer, &t->config, out->lr, t->step + 1,
                              out->grad_norm, threads);
        rlab_adapter_merge(t->adapter);
    }
    rlab_weights_pack(t->weights, threads);
    t->step++;
    return RLAB_OK;
}

static rlab_status
run_updates(rlab_ctx *ctx, rlab_update *updates, int64_t *done, rlab_trainer *t,
            const rlab_tap *taps, int32_t n_taps, int64_t count, int threads) {
    if (n_taps)
        RLAB_TRY(rlab_team_allow_edits(ctx, t->team));
    while (*done < count) {
        RLAB_TRY(rlab_ctx_poll(ctx));
        RLAB_TRY(update(ctx, &updates[*done], t, taps, n_taps, threads));
        ++*done;
    }
    return RLAB_OK;
}

rlab_status
rlab_trainer_run(rlab_ctx *ctx, rlab_update *updates, int64_t *done, rlab_trainer *t,
                 const rlab_tap *taps, int32_t n_taps, int64_t count, int threads) {
    rlab_status status;
    *done = 0;
    rlab_weights_pack(t->weights, threads); /* they may have been written since */
    status = run_updates(ctx, updates, done, t, taps, n_taps, count, threads);
    if (t->weights != t->model->weights)
        rlab_weights_pack(t->model->weights, threads);
    return status;
}

/* ---- teacher forcing ------------------------------------------------------------------------ */

typedef struct forced {
    rlab_team *team;
    const rlab_model *model;
    const rlab_minibatch *pairs;
    rlab_score cell[SCORE_SHARDS]; /* right and exact of each shard */
} forced;

static bool
row_is_right(const float *logits, int32_t width, int32_t label) {
    float own = logits[label];
    for (int32_t v = 0; v < width; v++)
        if (logits[v] > own || (logits[v] == own && v < label))
            return false;
    return own == own;
}

static void
score_shards(void *arg, int64_t first, int64_t last, int worker) {
    forced *job = arg;
    (void)worker;
    for (int64_t shard = first; shard < last; shard++) {
        rlab_score *cell = &job->cell[shard];
        int32_t begin = 0, count = 0, width = 0;
        const rlab_exec *exec = rlab_team_exec(job->team, (int32_t)shard, &begin, &count);
        const float *logits;
        memset(cell, 0, sizeof *cell);
        if (count == 0)
            continue;
        logits = rlab_exec_value(exec, job->model->roles.logits, NULL, &width);
        for (int64_t r = begin; r < begin + count; r++) {
            int64_t right = 0, rows = 0;
            for (int64_t i = job->pairs->tgt_off[r]; i < job->pairs->tgt_off[r + 1]; i++) {
                if (job->pairs->labels[i] == RLAB_IGNORED_LABEL)
                    continue;
                rows++;
                right += row_is_right(logits + (i - job->pairs->tgt_off[begin]) * width, width,
                                      job->pairs->labels[i]);
            }
            cell->right += right;
            cell->exact += right == rows;
        }
    }
}

static rlab_status
score_all(rlab_ctx *ctx, rlab_score *out, forced *job, rlab_minibatch *pairs,
          const rlab_corpus *corpus, const rlab_tap *taps, int32_t n_taps, int threads) {
    const rlab_run run = {.training = false, .taps = taps, .n_taps = n_taps};
    for (int64_t first = 0; first < corpus->pairs; first += SCORE_PAIRS) {
        int64_t left = corpus->pairs - first, count = left < SCORE_PAIRS ? left : SCORE_PAIRS;
        rlab_batch batch;
        rlab_loss loss = {0.0, 0};
        RLAB_TRY(rlab_ctx_poll(ctx));
        for (int64_t i = 0; i < count; i++)
            pairs->item[i] = first + i;
        rlab_minibatch_gather(pairs, corpus, count);
        make_batch(&batch, job->model, pairs);
        RLAB_TRY(
            rlab_team_run(ctx, &loss, NULL, job->team, job->model->weights, &batch, &run, threads));
        rlab_par_for(threads, SCORE_SHARDS, 1, score_shards, job);
        out->loss += loss.sum;
        out->tokens += loss.count;
        out->pairs += count;
        for (int shard = 0; shard < SCORE_SHARDS; shard++) {
            out->right += job->cell[shard].right;
            out->exact += job->cell[shard].exact;
        }
    }
    return RLAB_OK;
}

rlab_status
rlab_teacher_forced(rlab_ctx *ctx, rlab_score *out, rlab_model *model, const rlab_corpus *corpus,
                    const rlab_tap *taps, int32_t n_taps, int threads) {
    rlab_score score = {0};
    rlab_minibatch pairs = {0};
    forced job = {0};
    rlab_status status;
    job.model = model;
    job.pairs = &pairs;
    status = make_room(ctx, &job.team, &pairs, model, model->kernels, corpus, SCORE_PAIRS,
                       SCORE_SHARDS, false);
    if (status == RLAB_OK) {
        rlab_weights_pack(model->weights, threads);
        status = score_all(ctx, &score, &job, &pairs, corpus, taps, n_taps, threads);
    }
    if (status == RLAB_OK)
        *out = score;
    rlab_team_free(job.team);
    rlab_minibatch_free(&pairs);
    return status;
}
