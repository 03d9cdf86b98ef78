/* Lanes of slots: each thread decodes its own sequences; finished ones leave, new ones enter. */
#include "decode/decode.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "decode/method.h"

enum {
    STEPS = 16,         /* steps between two looks at whether to stop */
    SOURCE_ROWS = 1024, /* of sources read at once, where one is not longer */
    LANES_MAX = 1024
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

/* A sequence being decoded: one a slot. */
typedef struct seat {
    int64_t item;   /* number of its source */
    int32_t length; /* tokens chosen so far, in lane->chosen + slot * max_length */
    int32_t token;  /* what the decoder reads next */
    double score;
} seat;

/* One thread's work: items first, first + stride, ... Invariant: live[0 .. n_live) and
 * spare[0 .. n_spare) are all slots, each once. */
typedef struct lane {
    rlab_exec *exec;
    int64_t next, stride;
    int32_t slots, n_live, n_spare;
    int32_t *live, *spare; /* (slots,) */
    seat *seat;            /* (slots,) */
    int32_t *chosen;       /* (slots, max_length) */
    int32_t *token, *slot; /* (slots,) of a step */
    int64_t *off;          /* (slots + 1,) of a step */
    int32_t *source;       /* (source_rows,) of sources that enter */
    float *work;           /* (V,) */
    RLAB_VEC(int32_t)
    out; /* outputs of finished sequences */
    rlab_ctx ctx;
} lane;

typedef struct decoder {
    const rlab_model *model;
    const rlab_sources *sources;
    const rlab_decode_config *config;
    int64_t longest, source_rows;
    lane *lanes;
    int n_lanes;
    int64_t *place; /* (R,) where in its lane's `out` an output begins */
    rlab_decoded *out;
} decoder;

/* ---- inside a parallel region --------------------------------------------------------------- */

/* Takes waiting sources into spare slots, as many as fit, and runs the encoder on them. */
static rlab_status
enter(decoder *d, lane *l) {
    const rlab_roles *roles = &d->model->roles;
    const rlab_sources *s = d->sources;
    const rlab_run run = {.training = false};
    rlab_batch batch;
    int32_t n = 0;
    l->off[0] = 0;
    for (; l->n_spare > 0 && l->next < s->count; l->next += l->stride, n++) {
        int64_t rows = s->off[l->next + 1] - s->off[l->next];
        int32_t slot;
        if (l->off[n] + rows > d->source_rows)
            break;
        slot = l->spare[--l->n_spare];
        l->live[l->n_live++] = l->slot[n] = slot;
        l->seat[slot] = (seat){l->next, 0, d->config->bos, 0.0};
        rlab_exec_slot_reset(l->exec, roles->source, slot);
        rlab_exec_slot_reset(l->exec, roles->target, slot);
        memcpy(l->source + l->off[n], s->ids + s->off[l->next], (size_t)rows * sizeof *l->source);
        l->off[n + 1] = l->off[n] + rows;
    }
    if (n == 0)
        return RLAB_OK;
    memset(&batch, 0, sizeof batch);
    batch.space[roles->source] = (rlab_extent){.n_seqs = n, .off = l->off, .slot = l->slot};
    batch.index[roles->source_tokens] = l->source;
    return rlab_exec_step(&l->ctx, l->exec, d->model->weights, roles->source, &batch, &run);
}

/* Takes a finished sequence's tokens out; its slot is spare. */
static void
leave(decoder *d, lane *l, int32_t slot, bool finished) {
    const seat *s = &l->seat[slot];
    memcpy(l->out.at + l->out.len, l->chosen + (size_t)slot * (size_t)d->config->max_length,
           (size_t)s->length * sizeof *l->out.at);
    d->place[s->item] = (int64_t)l->out.len;
    d->out->off[s->item + 1] = s->length;
    d->out->score[s->item] = s->score;
    d->out->finished[s->item] = finished;
    l->out.len += (size_t)s->length;
    l->spare[l->n_spare++] = slot;
}

/* Takes what was chosen for a slot; true if its sequence goes on. */
static bool
take(decoder *d, lane *l, int32_t slot, rlab_choice choice) {
    seat *s = &l->seat[slot];
    bool ends = choice.token == d->config->eos;
    if (ends || s->length < d->config->max_length)
        s->score += choice.logp;
    if (ends || s->length == d->config->max_length) {
        leave(d, l, slot, ends);
        return false;
    }
    l->chosen[(size_t)slot * (size_t)d->config->max_length + (size_t)s->length++] = choice.token;
    s->token = choice.token;
    return true;
}

/* One token for every live sequence. */
static rlab_status
step(decoder *d, lane *l) {
    const rlab_roles *roles = &d->model->roles;
    const rlab_run run = {.training = false};
    rlab_batch batch;
    const float *logits;
    int32_t n = l->n_live, width = 0;
    memset(&batch, 0, sizeof batch);
    for (int32_t i = 0; i < n; i++) {
        l->off[i] = i;
        l->slot[i] = l->live[i];
        l->token[i] = l->seat[l->live[i]].token;
    }
    l->off[n] = n;
    batch.space[roles->target] = (rlab_extent){.n_seqs = n, .off = l->off, .slot = l->slot};
    batch.index[roles->target_tokens] = l->token;
    RLAB_TRY(rlab_exec_step(&l->ctx, l->exec, d->model->weights, roles->target, &batch, &run));
    logits = rlab_exec_value(l->exec, roles->logits, NULL, &width);
    l->n_live = 0;
    for (int32_t i = 0; i < n; i++) {
        rlab_choice choice = d->config->method->choose(
            d->model->kernels, logits + (size_t)i * (size_t)width, width, l->work);
        if (!isfinite(choice.logp))
            return rlab_fail_at(&l->ctx, RLAB_EDIVERGED, l->seat[l->slot[i]].item,
                                "item %lld: the model's logits are not finite",
                                (long long)l->seat[l->slot[i]].item);
        if (take(d, l, l->slot[i], choice))
            l->live[l->n_live++] = l->slot[i];
    }
    return RLAB_OK;
}

static void
advance(void *arg, int64_t first, int64_t last, int worker) {
    decoder *d = arg;
    (void)worker;
    for (int64_t i = first; i < last; i++) {
        lane *l = &d->lanes[i];
        for (int k = 0; k < STEPS; k++)
            if (enter(d, l) != RLAB_OK || l->n_live == 0 || step(d, l) != RLAB_OK)
                break;
    }
}

/* ---- around it ------------------------------------------------------------------------------ */

#define MAKE(field, count)                                                                         \
    do {                                                                                           \
        void *made_ = NULL;                                                                        \
        RLAB_TRY(rlab_alloc(ctx, &made_, (size_t)(count), sizeof *(field)));                       \
        (field) = made_;                                                                           \
    } while (0)

/* Room for reading sources and for one token a slot; caches for the longest of each. */
static rlab_status
make_exec(rlab_ctx *ctx, decoder *d, lane *l) {
    const rlab_model *model = d->model;
    const int32_t source = model->roles.source, target = model->roles.target;
    int32_t slots[RLAB_SPACES_MAX] = {0}, rows[RLAB_SPACES_MAX] = {0};
    rlab_capacity room;
    memset(&room, 0, sizeof room);
    slots[source] = slots[target] = l->slots;
    rows[source] = (int32_t)d->longest;
    rows[target] = d->config->max_length + 1;
    room.rows[source] = d->source_rows;
    room.rows[target] = room.seqs[source] = room.seqs[target] = l->slots;
    room.longest[source] = rows[source];
    room.longest[target] = rows[target];
    room.cells[source][source] = d->source_rows * d->longest;
    room.cells[target][target] = (int64_t)l->slots * rows[target];
    room.cells[target][source] = (int64_t)l->slots * rows[source];
    RLAB_TRY(rlab_exec_new(ctx, &l->exec, model->graph, model->kernels, false));
    RLAB_TRY(rlab_exec_cache(ctx, l->exec, slots, rows));
    return rlab_exec_reserve(ctx, l->exec, &room);
}

static rlab_status
make_lane(rlab_ctx *ctx, decoder *d, lane *l, int32_t slots) {
    rlab_ctx_init(&l->ctx);
    l->slots = l->n_spare = slots;
    MAKE(l->live, slots);
    MAKE(l->spare, slots);
    MAKE(l->seat, slots);
    MAKE(l->token, slots);
    MAKE(l->slot, slots);
    MAKE(l->off, (int64_t)slots + 1);
    MAKE(l->chosen, (int64_t)slots * d->config->max_length);
    MAKE(l->source, d->source_rows);
    MAKE(l->work, d->model->roles.vocab_size);
    for (int32_t i = 0; i < slots; i++)
        l->spare[i] = slots - 1 - i;
    return make_exec(ctx, d, l);
}

static rlab_status
make_lanes(rlab_ctx *ctx, decoder *d, int threads) {
    int64_t most =
        d->config->batch_size < d->sources->count ? d->config->batch_size : d->sources->count;
    int n = threads < LANES_MAX ? threads : LANES_MAX;
    n = n < most ? n : (int)most;
    MAKE(d->place, d->sources->count);
    MAKE(d->lanes, n);
    d->n_lanes = n;
    for (int i = 0; i < n; i++) {
        d->lanes[i].next = i;
        d->lanes[i].stride = n;
        RLAB_TRY(make_lane(ctx, d, &d->lanes[i], (int32_t)((most - i - 1) / n + 1)));
    }
    return RLAB_OK;
}

static void
free_lanes(decoder *d) {
    for (int i = 0; i < d->n_lanes; i++) {
        lane *l = &d->lanes[i];
        rlab_exec_free(l->exec);
        rlab_free(l->live);
        rlab_free(l->spare);
        rlab_free(l->seat);
        rlab_free(l->token);
        rlab_free(l->slot);
        rlab_free(l->off);
        rlab_free(l->chosen);
        rlab_free(l->source);
        rlab_free(l->work);
        rlab_vec_free(&l->out);
    }
    rlab_free(d->lanes);
    rlab_free(d->place);
}

/* Runs the lanes until all are empty. Room for what may leave is made between the regions. */
static rlab_status
run_lanes(rlab_ctx *ctx, decoder *d, int threads) {
    for (bool busy = d->sources->count > 0; busy;) {
        RLAB_TRY(rlab_ctx_poll(ctx));
        for (int i = 0; i < d->n_lanes; i++) {
            lane *l = &d->lanes[i];
            size_t most = (size_t)l->slots * ((size_t)d->config->max_length + STEPS);
            RLAB_TRY(rlab_vec_reserve(ctx, &l->out, l->out.len + most));
        }
        rlab_par_for(threads, d->n_lanes, 1, advance, d);
        busy = false;
        for (int i = 0; i < d->n_lanes; i++) {
            lane *l = &d->lanes[i];
            if (l->ctx.status != RLAB_OK)
                return rlab_fail_at(ctx, l->ctx.status, l->ctx.position, "%s", l->ctx.message);
            busy = busy || l->n_live > 0 || l->next < d->sources->count;
        }
    }
    return RLAB_OK;
}

/* Packs the lanes' outputs in the order of the sources; off[i + 1] holds the length of output i. */
static rlab_status
collect(rlab_ctx *ctx, decoder *d) {
    rlab_decoded *out = d->out;
    for (int64_t i = 0; i < d->sources->count; i++)
        out->off[i + 1] += out->off[i];
    MAKE(out->ids, out->off[d->sources->count]);
    for (int64_t i = 0; i < d->sources->count; i++)
        memcpy(out->ids + out->off[i], d->lanes[i % d->n_lanes].out.at + d->place[i],
               (size_t)(out->off[i + 1] - out->off[i]) * sizeof *out->ids);
    return RLAB_OK;
}

static rlab_status
check(rlab_ctx *ctx, decoder *d) {
    const rlab_roles *roles = &d->model->roles;
    const rlab_sources *s = d->sources;
    const rlab_decode_config *c = d->config;
    if (roles->source == RLAB_NONE)
        return rlab_fail(ctx, RLAB_EVALUE, "model: expected an encoder and a decoder, got '%s'",
                         d->model->kind->name);
    if (c->max_length < 1 || c->max_length > 1 << 24)
        return rlab_fail(ctx, RLAB_EVALUE, "max_length: expected 1 to %d tokens, got %d", 1 << 24,
                         (int)c->max_length);
    if (c->batch_size < 1 || c->batch_size > 1 << 20)
        return rlab_fail(ctx, RLAB_EVALUE, "batch_size: expected 1 to %d sequences, got %d",
                         1 << 20, (int)c->batch_size);
    if (roles->max_target > 0 && c->max_length + 1 > roles->max_target)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "max_length: expected at most %d tokens (the model's positions, less one "
                         "for <bos>), got %d",
                         (int)roles->max_target - 1, (int)c->max_length);
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
    if (roles->max_source > 0 && d->longest > roles->max_source)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "input_ids: expected sequences of at most %d tokens (the model's "
                         "positions), got one of %lld",
                         (int)roles->max_source, (long long)d->longest);
    d->source_rows = d->longest > SOURCE_ROWS ? d->longest : SOURCE_ROWS;
    return RLAB_OK;
}

static rlab_status
decode(rlab_ctx *ctx, decoder *d, int threads) {
    int64_t count = d->sources->count;
    RLAB_TRY(check(ctx, d));
    MAKE(d->out->off, count + 1);
    MAKE(d->out->score, count);
    MAKE(d->out->finished, count);
    RLAB_TRY(make_lanes(ctx, d, threads));
    RLAB_TRY(run_lanes(ctx, d, threads));
    return collect(ctx, d);
}

rlab_status
rlab_decode(rlab_ctx *ctx, rlab_decoded *out, const rlab_model *model, const rlab_sources *sources,
            const rlab_decode_config *config, int threads) {
    rlab_decoded made = {0};
    decoder d = {.model = model, .sources = sources, .config = config, .out = &made};
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
    rlab_free(decoded->finished);
    memset(decoded, 0, sizeof *decoded);
}
