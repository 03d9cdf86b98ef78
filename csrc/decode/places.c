/* Decoding by an encoder-only model: each source is read once, the likeliest token of each place is
 * said, and the output ends before the first end token. */
#include "decode/lane.h"

#include <math.h>
#include <string.h>

/* A batch of whole sources and what it needs. */
typedef struct places {
    rlab_team *team;
    int64_t *off;   /* (batch + 1,) rows, one more a source than tokens */
    int32_t *token; /* (rows,) */
    float *work;    /* (V,) */
    int64_t first, count;
} places;

static int64_t
source_rows(const rlab_decoder *d, int64_t item) {
    return d->sources->off[item + 1] - d->sources->off[item] + 1;
}

static void
gather(places *p, const rlab_decoder *d) {
    const rlab_sources *s = d->sources;
    p->off[0] = 0;
    for (int64_t i = 0; i < p->count; i++) {
        const int64_t item = p->first + i, n = source_rows(d, item) - 1;
        memcpy(p->token + p->off[i], s->ids + s->off[item], (size_t)n * sizeof *p->token);
        p->token[p->off[i] + n] = d->config->eos;
        p->off[i + 1] = p->off[i] + n + 1;
    }
}

/* The likeliest token of a row and its log-probability; false if it is not finite. */
static bool
say(const rlab_decoder *d, places *p, const float *logits, int32_t *token, double *logp) {
    const rlab_kernels *k = d->model->kernels;
    const int32_t vocab = d->model->roles.vocab_size;
    float sum, log_sum;
    *token = 0;
    for (int32_t v = 1; v < vocab; v++)
        *token = logits[v] > logits[*token] ? v : *token;
    for (int32_t v = 0; v < vocab; v++)
        p->work[v] = logits[v] - logits[*token];
    k->exp((size_t)vocab, p->work, p->work);
    sum = (float)k->sum((size_t)vocab, p->work);
    k->log(1, &sum, &log_sum);
    *logp = -(double)log_sum;
    return isfinite(log_sum);
}

/* Says one item from its logits (rows, V), at d->out->ids + off[item]. */
static rlab_status
say_item(rlab_ctx *ctx, rlab_decoder *d, places *p, int64_t item, const float *logits) {
    rlab_decoded *out = d->out;
    const int64_t rows = source_rows(d, item), vocab = d->model->roles.vocab_size;
    int32_t *to = out->ids + out->off[item];
    int64_t n = 0;
    double score = 0.0;
    bool ended = false;
    for (int64_t i = 0; i < rows && !ended && n < d->config->max_length; i++) {
        double logp;
        if (!say(d, p, logits + i * vocab, &to[n], &logp))
            return rlab_fail_at(ctx, RLAB_EDIVERGED, item,
                                "item %lld: the model's logits are not finite", (long long)item);
        score += logp;
        ended = to[n] == d->config->eos;
        n += !ended;
    }
    out->off[item + 1] = out->off[item] + n;
    out->score[item] = out->drawn[item] = out->key[item] = score;
    out->finished[item] = ended || n == rows;
    return RLAB_OK;
}

static rlab_status
say_batch(rlab_ctx *ctx, rlab_decoder *d, places *p, int threads) {
    const rlab_roles *roles = &d->model->roles;
    const rlab_run run = {.taps = d->config->taps, .n_taps = d->config->n_taps};
    rlab_batch batch;
    gather(p, d);
    rlab_model_batch(&batch, d->model, (int32_t)p->count, NULL, NULL, p->off, p->token, NULL, NULL);
    RLAB_TRY(rlab_team_run(ctx, NULL, NULL, p->team, d->model->weights, &batch, &run, threads));
    for (int32_t s = 0; s < rlab_team_shards(p->team); s++) {
        int32_t first, count;
        const rlab_exec *exec = rlab_team_exec(p->team, s, &first, &count);
        for (int32_t i = first; i < first + count; i++)
            RLAB_TRY(say_item(ctx, d, p, p->first + i,
                              rlab_exec_value(exec, roles->logits, NULL, NULL) +
                                  (p->off[i] - p->off[first]) * roles->vocab_size));
    }
    return RLAB_OK;
}

static rlab_status
make(rlab_ctx *ctx, rlab_decoder *d, places *p, int threads) {
    const int64_t count = d->sources->count;
    const int64_t most = d->config->batch_size < count ? d->config->batch_size : count;
    RLAB_MAKE(p->off, most + 1);
    RLAB_MAKE(p->token, most * (d->longest + 1));
    RLAB_MAKE(p->work, d->model->roles.vocab_size);
    RLAB_MAKE(d->out->ids, d->sources->off[count] + count);
    return rlab_team_new(ctx, &p->team, d->model->graph, d->model->kernels, threads, false);
}

rlab_status
rlab_decode_places(rlab_ctx *ctx, rlab_decoder *d, int threads) {
    const int64_t count = d->sources->count;
    places p = {0};
    rlab_status status = make(ctx, d, &p, threads);
    for (p.first = 0; status == RLAB_OK && p.first < count; p.first += p.count) {
        p.count = count - p.first < d->config->batch_size ? count - p.first : d->config->batch_size;
        status = rlab_ctx_poll(ctx);
        if (status == RLAB_OK)
            status = say_batch(ctx, d, &p, threads);
    }
    rlab_free(p.off);
    rlab_free(p.token);
    rlab_free(p.work);
    rlab_team_free(p.team);
    return status;
}
