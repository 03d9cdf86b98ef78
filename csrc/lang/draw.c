/* Drawing values: which level (a size or a depth) and which rank sample i has, as a function of the
 * seed and i alone. */
#include "lang/type.h"

#include <string.h>

/* Uniform in [0, 1), 53 bits. */
static double
unit(const rlab_draw *d, uint64_t i) {
    rlab_rng rng;
    rlab_rng_init(&rng, d->seed, RLAB_STREAM_SIZE, i);
    return (double)(rlab_rng_u64(&rng) >> 11) * 0x1p-53;
}

/* Index of the level of sample i. */
static size_t
level_of(const rlab_draw *d, const double *sums, uint64_t i) {
    size_t low = 0, high = d->n_levels - 1;
    double at;
    if (high == 0)
        return 0;
    at = unit(d, i) * sums[high];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sums[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static rlab_status
fail_exhausted(rlab_ctx *ctx, const rlab_draw *d, size_t level, const rlab_big *count) {
    rlab_text name = {0};
    uint64_t all = 0;
    rlab_status status = rlab_type_name(ctx, &name, d->type);
    (void)rlab_big_fits(rlab_big_view(count), &all);
    if (status == RLAB_OK)
        status =
            rlab_fail(ctx, RLAB_ECOUNT,
                      "sample: type %s has %llu values of %s %llu, fewer than are drawn without "
                      "replacement; draw fewer, or with replacement",
                      name.at, (unsigned long long)all, d->depth ? "depth" : "size",
                      (unsigned long long)d->levels[level]);
    rlab_vec_free(&name);
    return status;
}

typedef struct drawer {
    double *sums;     /* of weights, up to and with each level */
    uint64_t *taken;  /* samples of each level so far, where none may come twice */
    rlab_big *counts; /* values of each level */
    rlab_big rank, item;
} drawer;

static rlab_status
prepare(rlab_ctx *ctx, drawer *w, rlab_draw *d) {
    double sum = 0;
    size_t limbs = 1;
    RLAB_TRY(rlab_alloc(ctx, (void **)&w->sums, d->n_levels, sizeof *w->sums));
    RLAB_TRY(rlab_alloc(ctx, (void **)&w->taken, d->n_levels, sizeof *w->taken));
    RLAB_TRY(rlab_alloc(ctx, (void **)&w->counts, d->n_levels, sizeof *w->counts));
    for (size_t l = 0; l < d->n_levels; l++) {
        sum += d->weights[l];
        w->sums[l] = sum;
        if (!(d->weights[l] > 0))
            continue;
        RLAB_TRY(rlab_wide_count(ctx, &w->counts[l], d->type, d->depth, d->levels[l]));
        if (w->counts[l].len == 0)
            return rlab_wide_check(ctx, d->type, d->depth, d->levels[l],
                                   rlab_big_view(&w->counts[l]));
        if (w->counts[l].len > limbs)
            limbs = w->counts[l].len;
    }
    d->words = (limbs + 1) / 2;
    return RLAB_OK;
}

static rlab_status
one(rlab_ctx *ctx, drawer *w, const rlab_draw *d, uint64_t i, size_t level) {
    rlab_limbs count = rlab_big_view(&w->counts[level]);
    uint64_t stream_index = d->levels[level] | (uint64_t)d->depth << 63;
    rlab_rng rng;
    if (d->replace) {
        rlab_rng_init(&rng, d->seed, RLAB_STREAM_SAMPLE, i);
        return rlab_big_below(ctx, &w->rank, &rng, count);
    }
    RLAB_TRY(rlab_big_set64(ctx, &w->item, w->taken[level]));
    if (rlab_big_compare(rlab_big_view(&w->item), count) >= 0)
        return fail_exhausted(ctx, d, level, &w->counts[level]);
    return rlab_big_permute(ctx, &w->rank, count, rlab_big_view(&w->item), d->seed,
                            RLAB_STREAM_SAMPLE, stream_index);
}

/* Samples before the first one asked for count where none may come twice. */
static void
skip(drawer *w, const rlab_draw *d) {
    if (d->replace)
        return;
    if (d->n_levels == 1)
        w->taken[0] = d->first;
    else
        for (uint64_t i = 0; i < d->first; i++)
            w->taken[level_of(d, w->sums, i)]++;
}

static rlab_status
draw(rlab_ctx *ctx, drawer *w, rlab_draw *d) {
    RLAB_TRY(prepare(ctx, w, d));
    RLAB_TRY(rlab_alloc(ctx, (void **)&d->out_levels, (size_t)d->n, sizeof *d->out_levels));
    RLAB_TRY(rlab_alloc(ctx, (void **)&d->out_ranks, (size_t)d->n, d->words * sizeof(uint64_t)));
    skip(w, d);
    for (uint64_t i = 0; i < d->n; i++) {
        size_t level = level_of(d, w->sums, d->first + i);
        RLAB_TRY(one(ctx, w, d, d->first + i, level));
        w->taken[level]++;
        d->out_levels[i] = (int32_t)d->levels[level];
        rlab_words_put(d->out_ranks + i * d->words, rlab_big_view(&w->rank));
        if (i % 65536 == 0)
            RLAB_TRY(rlab_ctx_poll(ctx));
    }
    return RLAB_OK;
}

rlab_status
rlab_draw_run(rlab_ctx *ctx, rlab_draw *d) {
    drawer w;
    rlab_status status;
    memset(&w, 0, sizeof w);
    status = draw(ctx, &w, d);
    for (size_t l = 0; l < d->n_levels && w.counts; l++)
        rlab_vec_free(&w.counts[l]);
    rlab_free(w.counts);
    rlab_free(w.sums);
    rlab_free(w.taken);
    rlab_vec_free(&w.rank);
    rlab_vec_free(&w.item);
    if (status != RLAB_OK)
        rlab_draw_free(d);
    return status;
}

void
rlab_draw_free(rlab_draw *d) {
    rlab_free(d->out_levels);
    rlab_free(d->out_ranks);
    d->out_levels = NULL;
    d->out_ranks = NULL;
}

/* ---- ranks in arrays ------------------------------------------------------------------------- */

void
rlab_words_put(uint64_t *words, rlab_limbs x) {
    for (size_t i = 0; i < x.len; i++)
        words[i / 2] |= (uint64_t)x.at[i] << 32 * (i % 2);
}

rlab_status
rlab_words_get(rlab_ctx *ctx, rlab_big *out, const uint64_t *words, size_t n) {
    RLAB_TRY(rlab_vec_reserve(ctx, out, 2 * n));
    out->len = 0;
    for (size_t i = 0; i < n; i++) {
        out->at[out->len++] = (uint32_t)words[i];
        out->at[out->len++] = (uint32_t)(words[i] >> 32);
    }
    while (out->len && out->at[out->len - 1] == 0)
        out->len--;
    return RLAB_OK;
}

/* ---- values from constructors ---------------------------------------------------------------- */

rlab_status
rlab_ctors_terms(rlab_ctx *ctx, rlab_term *out, rlab_store *store, const rlab_ids *ctors,
                 uint32_t n) {
    rlab_ids stack = {0};
    rlab_status status = RLAB_OK;
    for (size_t i = ctors->len; i-- > 0 && status == RLAB_OK;) {
        uint32_t arity = store->program->ctors.at[ctors->at[i]].arity;
        rlab_term term;
        stack.len -= arity;
        status = rlab_term_intern(ctx, &term, store, RLAB_CTOR, ctors->at[i],
                                  stack.at ? stack.at + stack.len : NULL, arity, 0);
        if (status == RLAB_OK)
            status = rlab_ids_push(ctx, &stack, term);
    }
    for (uint32_t i = 0; i < n && status == RLAB_OK; i++)
        out[i] = stack.at[i];
    rlab_vec_free(&stack);
    return status;
}

void
rlab_ctors_heap(rlab_val *out, rlab_machine *m, const rlab_ids *ctors, rlab_val *work) {
    size_t top = 0;
    for (size_t i = ctors->len; i-- > 0;) {
        uint32_t ctor = ctors->at[i], arity = m->con_words[ctor];
        rlab_val value = rlab_val_ctor0(ctor);
        top -= arity;
        if (arity) {
            value = (rlab_val)(m->used << 1);
            m->heap[m->used] = ctor << 2 | RLAB_CELL_CON;
            memcpy(m->heap + m->used + 1, work + top, arity * sizeof *work);
            m->used += 1 + arity;
        }
        work[top++] = value;
    }
    memcpy(out, work, top * sizeof *out);
}
