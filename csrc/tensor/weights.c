/* The values of all parameters: one flat buffer, how it begins, and the packed copy the kernels
 * read. */
#include "tensor/op.h"

#include <string.h>

/* Room for values, or those given, and for packed copies. */
static rlab_status
make_weights(rlab_ctx *ctx, rlab_weights **out, const rlab_graph *graph,
             const rlab_kernels *kernels, float *at) {
    rlab_weights *w;
    size_t packed = 0, n = graph->params.len;
    RLAB_TRY(rlab_alloc(ctx, (void **)&w, 1, sizeof *w));
    w->graph = graph;
    w->kernels = kernels;
    w->at = at;
    w->borrowed = at != NULL;
    if ((!at && rlab_alloc(ctx, (void **)&w->at, graph->size, sizeof *w->at) != RLAB_OK) ||
        rlab_alloc(ctx, (void **)&w->wf, n, sizeof *w->wf) != RLAB_OK ||
        rlab_alloc(ctx, (void **)&w->wb, n, sizeof *w->wb) != RLAB_OK)
        goto fail;
    for (size_t i = 0; i < n; i++) {
        const rlab_param *p = &graph->params.at[i];
        size_t rows = (size_t)p->rows, cols = (size_t)p->cols;
        if (!p->packed)
            continue;
        w->wf[i] = packed;
        packed += (kernels->gemm_pack_size(rows, cols) + 15) / 16 * 16;
        w->wb[i] = packed;
        packed += (kernels->gemm_pack_size(cols, rows) + 15) / 16 * 16;
    }
    if (rlab_alloc(ctx, (void **)&w->packed, packed, sizeof *w->packed) != RLAB_OK)
        goto fail;
    *out = w;
    return RLAB_OK;
fail:
    rlab_weights_free(w);
    return ctx->status;
}

rlab_status
rlab_weights_new(rlab_ctx *ctx, rlab_weights **out, const rlab_graph *graph,
                 const rlab_kernels *kernels) {
    return make_weights(ctx, out, graph, kernels, NULL);
}

rlab_status
rlab_weights_view(rlab_ctx *ctx, rlab_weights **out, rlab_weights *of,
                  const rlab_kernels *kernels) {
    return make_weights(ctx, out, of->graph, kernels, of->at);
}

void
rlab_weights_free(rlab_weights *w) {
    if (!w)
        return;
    if (!w->borrowed)
        rlab_free(w->at);
    rlab_free(w->packed);
    rlab_free(w->wf);
    rlab_free(w->wb);
    rlab_free(w);
}

float *
rlab_weights_at(rlab_weights *w) {
    return w->at;
}

/* sqrt by Newton's method in double, so that the C library's version changes no bit. */
static double
root(double x) {
    double r = x > 1 ? x : 1;
    for (int i = 0; i < 64; i++)
        r = 0.5 * (r + x / r);
    return r;
}

static void
init_param(const rlab_param *p, float *at, uint64_t seed, uint64_t number) {
    double bound = p->scale * root(6.0 / ((double)p->rows + (double)p->cols));
    rlab_rng rng;
    rlab_rng_init(&rng, seed, RLAB_STREAM_INIT, number);
    for (size_t i = 0; i < p->count; i++) {
        switch (p->init) {
        case RLAB_INIT_ZERO:
            at[i] = 0.0f;
            break;
        case RLAB_INIT_ONE:
            at[i] = 1.0f;
            break;
        case RLAB_INIT_NORMAL:
            at[i] = p->scale * rlab_rng_normal(&rng);
            break;
        case RLAB_INIT_XAVIER:
            at[i] = (float)((2.0 * rlab_rng_float(&rng) - 1.0) * bound);
            break;
        }
    }
}

void
rlab_weights_init(rlab_weights *w, uint64_t seed) {
    memset(w->at, 0, w->graph->size * sizeof *w->at);
    for (size_t i = 0; i < w->graph->params.len; i++)
        init_param(&w->graph->params.at[i], w->at + w->graph->params.at[i].offset, seed, i);
    rlab_weights_pack(w, 1);
}

static void
pack_some(void *arg, int64_t first, int64_t last, int worker) {
    rlab_weights *w = arg;
    (void)worker;
    for (int64_t i = first; i < last; i++) {
        const rlab_param *p = &w->graph->params.at[i];
        size_t rows = (size_t)p->rows, cols = (size_t)p->cols;
        if (!p->packed)
            continue;
        w->kernels->gemm_pack(1, rows, cols, w->at + p->offset, cols, w->packed + w->wf[i]);
        w->kernels->gemm_pack(0, cols, rows, w->at + p->offset, cols, w->packed + w->wb[i]);
    }
}

void
rlab_weights_pack(rlab_weights *w, int threads) {
    rlab_par_for(threads, (int64_t)w->graph->params.len, 1, pack_some, w);
}
