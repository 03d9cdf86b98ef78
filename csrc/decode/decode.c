/* The door's code: checks, lanes over threads, and packing outputs in the order of the sources. */
#include "decode/decode.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "decode/lane.h"

enum {
    SOURCE_ROWS = 1024, /* of sources read at once, where one is not longer */
    LANES_MAX = 1024,
    BEAMS_MAX = 4096
};

static const rlab_decode_method *const methods[] = {
#define X(name) &rlab_decode_##name,
#include "decode/method.def"
#undef X
};

rlab_status
rlab_decode_method_find(rlab_ctx *ctx, const rlab_decode_method **out, const char *name) {
    char known[256] = "";
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        size_t at = strlen(known);
        if (strcmp(methods[i]->name, name) == 0) {
            *out = methods[i];
            return RLAB_OK;
        }
        snprintf(known + at, sizeof known - at, "%s%s", at ? ", " : "", methods[i]->name);
    }
    return rlab_fail(ctx, RLAB_EVALUE, "method: expected one of %s, got '%.60s'", known, name);
}

/* ---- checks --------------------------------------------------------------------------------- */

static rlab_status
check_range(rlab_ctx *ctx, const char *name, const char *unit, int64_t value, int64_t least,
            int64_t most) {
    if (value >= least && value <= most)
        return RLAB_OK;
    return rlab_fail(ctx, RLAB_EVALUE, "%s: expected %lld to %lld %s, got %lld", name,
                     (long long)least, (long long)most, unit, (long long)value);
}

static rlab_status
check_numbers(rlab_ctx *ctx, const rlab_decode_config *c) {
    if (!(c->temperature >= 1e-6 && c->temperature <= 1e6))
        return rlab_fail(ctx, RLAB_EVALUE,
                         "temperature: expected 1e-6 to 1e6, got %g; for the likeliest token "
                         "do not sample",
                         c->temperature);
    if (!(c->top_p > 0.0 && c->top_p <= 1.0))
        return rlab_fail(ctx, RLAB_EVALUE,
                         "top_p: expected a share above 0, at most 1 (off), "
                         "got %g",
                         c->top_p);
    if (!(c->min_p >= 0.0 && c->min_p <= 1.0))
        return rlab_fail(ctx, RLAB_EVALUE, "min_p: expected a share from 0 (off) to 1, got %g",
                         c->min_p);
    if (!(fabs(c->length_penalty) <= 100.0))
        return rlab_fail(ctx, RLAB_EVALUE, "length_penalty: expected -100 to 100, got %g",
                         c->length_penalty);
    return RLAB_OK;
}

static rlab_status
check_config(rlab_ctx *ctx, rlab_decoder *d) {
    const rlab_roles *roles = &d->model->roles;
    const rlab_decode_config *c = d->config;
    if (roles->start_token >= roles->vocab_size || roles->end_token >= roles->vocab_size)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "decoder_start_token_id, eos_token_id: expected tokens below %d, got %d "
                         "and %d",
                         roles->vocab_size, roles->start_token, roles->end_token);
    if (roles->reading == RLAB_READS_PLACES &&
        (c->method != &rlab_decode_greedy || c->guide || c->alternatives))
        return rlab_fail(ctx, RLAB_EVALUE,
                         "method: expected greedy, without a grammar or alternatives, for an "
                         "encoder_only model, which says all tokens at once; got '%s'",
                         c->method->name);
    RLAB_TRY(check_range(ctx, "max_length", "tokens", c->max_length, 1, 1 << 24));
    RLAB_TRY(check_range(ctx, "batch_size", "sequences", c->batch_size, 1, 1 << 20));
    RLAB_TRY(check_range(ctx, "num_beams", "hypotheses", c->num_beams, 1, BEAMS_MAX));
    RLAB_TRY(
        check_range(ctx, "num_return_sequences", "outputs", c->num_return_sequences, 1, BEAMS_MAX));
    RLAB_TRY(check_range(ctx, "alternatives", "tokens", c->alternatives, 0, 1 << 16));
    RLAB_TRY(check_range(ctx, "top_k", "tokens (0: off)", c->top_k, 0, INT32_MAX));
    RLAB_TRY(check_numbers(ctx, c));
    if (c->num_beams > 1 && !c->method->wide)
        return rlab_fail(ctx, RLAB_EVALUE, "num_beams: expected 1 for method '%s', got %d",
                         c->method->name, (int)c->num_beams);
    if (c->num_return_sequences > c->num_beams && !c->method->independent)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "num_return_sequences: expected at most num_beams, %d, got %d",
                         (int)c->num_beams, (int)c->num_return_sequences);
    if (c->method == &rlab_decode_gumbel &&
        (int64_t)c->num_beams * roles->vocab_size > INT64_C(0x1fffffff0) / (c->max_length + 1))
        return rlab_fail(
            ctx, RLAB_EVALUE,
            "num_beams: expected num_beams x vocabulary x (max_length + 1) below 2^33, "
            "the numbers an item can draw, got %d x %d x %d",
            (int)c->num_beams, (int)roles->vocab_size, (int)c->max_length + 1);
    if (roles->reading == RLAB_READS_PAIRS && roles->max_target > 0 &&
        c->max_length + 1 > roles->max_target)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "max_length: expected at most %d tokens (the model's positions, less one "
                         "for <bos>), got %d",
                         (int)roles->max_target - 1, (int)c->max_length);
    return RLAB_OK;
}

/* Where all is one space, source and output share the model's positions. */
static rlab_status
check_room(rlab_ctx *ctx, const rlab_decoder *d) {
    const rlab_roles *roles = &d->model->roles;
    const int64_t output = roles->reading == RLAB_READS_ONE ? d->config->max_length : 0;
    const int64_t most = roles->max_target;
    if (roles->reading == RLAB_READS_PAIRS) {
        if (roles->max_source > 0 && d->longest > roles->max_source)
            return rlab_fail(ctx, RLAB_EVALUE,
                             "input_ids: expected sequences of at most %d tokens (the model's "
                             "positions), got one of %lld",
                             (int)roles->max_source, (long long)d->longest);
        return RLAB_OK;
    }
    if (most > 0 && d->longest + 1 + output > most)
        return rlab_fail(
            ctx, RLAB_EVALUE,
            "input_ids: expected a source, one token and an output of max_length (%lld "
            "tokens) to fit in the model's %lld positions, got a source of %lld",
            (long long)output, (long long)most, (long long)d->longest);
    return RLAB_OK;
}

static rlab_status
check_sources(rlab_ctx *ctx, rlab_decoder *d) {
    const rlab_roles *roles = &d->model->roles;
    const rlab_sources *s = d->sources;
    for (int64_t i = 0; i < s->count; i++) {
        int64_t rows = s->off[i + 1] - s->off[i];
        d->longest = rows > d->longest ? rows : d->longest;
        for (int64_t j = s->off[i]; j < s->off[i + 1]; j++)
            if (s->ids[j] < 0 || s->ids[j] >= roles->vocab_size)
                return rlab_fail_at(ctx, RLAB_EVALUE, i,
                                    "input_ids: expected tokens in [0, %d), got %d at token %lld "
                                    "of item %lld; is the data of another vocabulary?",
                                    (int)roles->vocab_size, (int)s->ids[j],
                                    (long long)(j - s->off[i]), (long long)i);
    }
    RLAB_TRY(check_room(ctx, d));
    d->source_rows = d->longest > SOURCE_ROWS ? d->longest : SOURCE_ROWS;
    return RLAB_OK;
}

/* ---- lanes over threads --------------------------------------------------------------------- */

static rlab_status
make_lanes(rlab_ctx *ctx, rlab_decoder *d, int threads) {
    const int32_t n_return = d->config->num_return_sequences;
    int64_t most = d->config->batch_size / d->width > 1 ? d->config->batch_size / d->width : 1;
    int n = threads < LANES_MAX ? threads : LANES_MAX;
    most = most < d->sources->count ? most : d->sources->count;
    n = n < most ? n : (int)most;
    RLAB_MAKE(d->place, d->sources->count * n_return);
    RLAB_MAKE(d->alt_place, d->sources->count * n_return);
    RLAB_MAKE(d->lanes, n);
    d->n_lanes = n;
    for (int i = 0; i < n; i++) {
        d->lanes[i].next = i;
        d->lanes[i].stride = n;
        RLAB_TRY(rlab_lane_init(ctx, d, &d->lanes[i], (int32_t)((most - i - 1) / n + 1)));
    }
    return RLAB_OK;
}

static void
free_lanes(rlab_decoder *d) {
    for (int i = 0; i < d->n_lanes; i++)
        rlab_lane_free(&d->lanes[i]);
    rlab_free(d->lanes);
    rlab_free(d->place);
    rlab_free(d->alt_place);
}

static void
advance(void *arg, int64_t first, int64_t last, int worker) {
    rlab_decoder *d = arg;
    (void)worker;
    for (int64_t i = first; i < last; i++)
        rlab_lane_advance(d, &d->lanes[i]);
}

/* Runs the lanes until all are empty. Room for what may leave is made between the regions. */
static rlab_status
run_lanes(rlab_ctx *ctx, rlab_decoder *d, int threads) {
    for (bool busy = d->sources->count > 0; busy;) {
        RLAB_TRY(rlab_ctx_poll(ctx));
        for (int i = 0; i < d->n_lanes; i++)
            RLAB_TRY(rlab_lane_reserve(ctx, d, &d->lanes[i]));
        rlab_par_for(threads, d->n_lanes, 1, advance, d);
        busy = false;
        for (int i = 0; i < d->n_lanes; i++) {
            rlab_lane *l = &d->lanes[i];
            if (l->ctx.status != RLAB_OK)
                return rlab_fail_at(ctx, l->ctx.status, l->ctx.position, "%s", l->ctx.message);
            busy = busy || l->n_live > 0 || l->next < d->sources->count;
        }
    }
    return RLAB_OK;
}

/* Packs the lanes' outputs in the order of the sources; off[i + 1] holds the length of output i. */
static rlab_status
collect(rlab_ctx *ctx, rlab_decoder *d) {
    rlab_decoded *out = d->out;
    const int64_t n = d->config->num_return_sequences, count = d->sources->count * n;
    const int64_t wide = d->config->alternatives;
    for (int64_t i = 0; i < count; i++)
        out->off[i + 1] += out->off[i];
    RLAB_MAKE(out->ids, out->off[count]);
    if (wide > 0) {
        RLAB_MAKE(out->alt_token, (out->off[count] + count) * wide);
        RLAB_MAKE(out->alt_logp, (out->off[count] + count) * wide);
    }
    for (int64_t i = 0; i < count; i++) {
        const rlab_lane *l = &d->lanes[i / n % d->n_lanes];
        const size_t length = (size_t)(out->off[i + 1] - out->off[i]);
        const size_t told = (length + 1) * (size_t)wide, at = (size_t)((out->off[i] + i) * wide);
        memcpy(out->ids + out->off[i], l->out.at + d->place[i], length * sizeof *out->ids);
        if (wide == 0)
            continue;
        memcpy(out->alt_token + at, l->out_alt_token.at + d->alt_place[i],
               told * sizeof *out->alt_token);
        memcpy(out->alt_logp + at, l->out_alt_logp.at + d->alt_place[i],
               told * sizeof *out->alt_logp);
    }
    return RLAB_OK;
}

static rlab_status
decode(rlab_ctx *ctx, rlab_decoder *d, int threads) {
    const rlab_decode_config *c = d->config;
    int64_t count;
    RLAB_TRY(check_config(ctx, d));
    RLAB_TRY(check_sources(ctx, d));
    d->width = c->method->independent ? c->num_return_sequences : c->num_beams;
    count = d->sources->count * c->num_return_sequences;
    RLAB_MAKE(d->out->off, count + 1);
    RLAB_MAKE(d->out->score, count);
    RLAB_MAKE(d->out->drawn, count);
    RLAB_MAKE(d->out->key, count);
    RLAB_MAKE(d->out->finished, count);
    if (d->model->roles.reading == RLAB_READS_PLACES)
        return rlab_decode_places(ctx, d, threads);
    RLAB_TRY(make_lanes(ctx, d, threads));
    RLAB_TRY(run_lanes(ctx, d, threads));
    for (int i = 0; i < d->n_lanes; i++)
        for (int32_t k = 0; k < c->n_taps; k++)
            if (c->taps[k].fired)
                *c->taps[k].fired += d->lanes[i].fired[k];
    return collect(ctx, d);
}

rlab_status
rlab_decode(rlab_ctx *ctx, rlab_decoded *out, const rlab_model *model, const rlab_sources *sources,
            const rlab_decode_config *config, int threads) {
    rlab_decoded made = {0};
    rlab_decoder d = {.model = model, .sources = sources, .config = config, .out = &made};
    rlab_status status = decode(ctx, &d, threads);
    free_lanes(&d);
    if (status == RLAB_OK)
        *out = made;
    else
        rlab_decoded_free(&made);
    return status;
}

void
rlab_decoded_free(rlab_decoded *decoded) {
    rlab_free(decoded->ids);
    rlab_free(decoded->off);
    rlab_free(decoded->score);
    rlab_free(decoded->drawn);
    rlab_free(decoded->key);
    rlab_free(decoded->finished);
    rlab_free(decoded->alt_token);
    rlab_free(decoded->alt_logp);
    memset(decoded, 0, sizeof *decoded);
}
