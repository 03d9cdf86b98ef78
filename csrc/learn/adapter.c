/* Low-rank updates (LoRA): W = W0 + scale B A, A and B learned in W's place, W kept merged so that
 * the graph and everything that reads the model know nothing of it. The gradients of A and B follow
 * from that of W: dA = scale B^T dW, dB = scale dW A^T. Source: Hu et al., "LoRA: low-rank
 * adaptation of large language models" (ICLR 2022), equation 3. */
#include "learn/learn.h"

#include <math.h>
#include <string.h>

static size_t
padded(size_t count) {
    return (count + RLAB_DECAY_BLOCK - 1) / RLAB_DECAY_BLOCK * RLAB_DECAY_BLOCK;
}

static rlab_status
alloc_floats(rlab_ctx *ctx, float **out, size_t count) {
    void *p = NULL;
    RLAB_TRY(rlab_alloc(ctx, &p, count, sizeof(float)));
    *out = p;
    return RLAB_OK;
}

/* Lists the adapted matrices and where their parts lie; their ranges are checked. */
static rlab_status
lay_out(rlab_ctx *ctx, rlab_adapter *a, const rlab_model *model, const uint8_t *adapted) {
    int32_t count = 0;
    const rlab_param *params = rlab_graph_params(model->graph, &count);
    void *p = NULL;
    RLAB_TRY(rlab_alloc(ctx, &p, (size_t)count, sizeof *a->part));
    a->part = p;
    for (int32_t i = 0; i < count; i++) {
        rlab_adapted *part = &a->part[a->n];
        size_t rows = (size_t)params[i].rows, cols = (size_t)params[i].cols;
        if (!adapted[i])
            continue;
        if (params[i].ndim != 2 || params[i].rows < a->rank || params[i].cols < a->rank)
            return rlab_fail(ctx, RLAB_EVALUE,
                             "lora_rank: expected matrices of at least %d rows and columns, got "
                             "'%s' of shape (%d, %d)",
                             (int)a->rank, params[i].name, (int)params[i].rows,
                             (int)params[i].cols);
        part->param = i;
        part->a = a->optimizer.size;
        part->b = part->a + padded((size_t)a->rank * cols);
        part->base = a->base_size;
        a->optimizer.size = part->b + padded((size_t)a->rank * rows);
        a->base_size += padded(rows * cols);
        a->n++;
    }
    return RLAB_OK;
}

/* A begins uniform in (-1, 1) / sqrt(columns), B at 0, so that W begins as it is. */
static void
begin(rlab_adapter *a, uint64_t seed) {
    const rlab_param *params = rlab_graph_params(a->model->graph, NULL);
    const float *w = rlab_weights_at(a->model->weights);
    for (int32_t i = 0; i < a->n; i++) {
        const rlab_param *p = &params[a->part[i].param];
        size_t count = (size_t)a->rank * (size_t)p->cols;
        double bound = 1.0 / sqrt((double)p->cols);
        rlab_rng rng;
        rlab_rng_init(&rng, seed, RLAB_STREAM_ADAPTER, (uint64_t)a->part[i].param);
        for (size_t k = 0; k < count; k++)
            a->optimizer.w[a->part[i].a + k] =
                (float)((2.0 * (double)rlab_rng_float(&rng) - 1.0) * bound);
        memcpy(a->base + a->part[i].base, w + p->offset, p->count * sizeof *w);
    }
}

static rlab_status
fill(rlab_ctx *ctx, rlab_adapter *a, const rlab_model *model, const uint8_t *adapted) {
    rlab_optimizer *o = &a->optimizer;
    void *p = NULL;
    RLAB_TRY(lay_out(ctx, a, model, adapted));
    o->kernels = model->kernels;
    RLAB_TRY(alloc_floats(ctx, &o->w, o->size));
    RLAB_TRY(alloc_floats(ctx, &o->g, o->size));
    RLAB_TRY(alloc_floats(ctx, &o->m, o->size));
    RLAB_TRY(alloc_floats(ctx, &o->v, o->size));
    RLAB_TRY(alloc_floats(ctx, &a->scaled, o->size));
    RLAB_TRY(alloc_floats(ctx, &a->base, a->base_size));
    RLAB_TRY(alloc_floats(ctx, &a->work, model->kernels->gemm_work));
    RLAB_TRY(rlab_alloc(ctx, &p, rlab_optimizer_cells(o->size), sizeof(double)));
    o->cells = p;
    RLAB_TRY(rlab_alloc(ctx, &p, o->size / RLAB_DECAY_BLOCK, 1));
    a->decay = p;
    memset(a->decay, 1, o->size / RLAB_DECAY_BLOCK);
    o->decay = a->decay;
    return RLAB_OK;
}

rlab_status
rlab_adapter_new(rlab_ctx *ctx, rlab_adapter **out, rlab_model *model, const uint8_t *adapted,
                 int32_t rank, double alpha, uint64_t seed) {
    rlab_adapter *a;
    void *p = NULL;
    rlab_status status;
    if (rank < 1 || !(alpha > 0.0 && alpha <= 1e6))
        return rlab_fail(ctx, RLAB_EVALUE,
                         "lora_rank, lora_alpha: expected at least 1 and a number in (0, 1e6], got "
                         "%d and %g",
                         (int)rank, alpha);
    RLAB_TRY(rlab_alloc(ctx, &p, 1, sizeof *a));
    a = p;
    a->model = model;
    a->rank = rank;
    a->scale = (float)(alpha / (double)rank);
    status = fill(ctx, a, model, adapted);
    if (status == RLAB_OK) {
        begin(a, seed);
        *out = a;
    } else {
        rlab_adapter_free(a);
    }
    return status;
}

void
rlab_adapter_free(rlab_adapter *a) {
    if (!a)
        return;
    rlab_free(a->part);
    rlab_free(a->optimizer.w);
    rlab_free(a->optimizer.g);
    rlab_free(a->optimizer.m);
    rlab_free(a->optimizer.v);
    rlab_free(a->optimizer.cells);
    rlab_free(a->scaled);
    rlab_free(a->base);
    rlab_free(a->work);
    rlab_free(a->decay);
    rlab_free(a);
}

void
rlab_adapter_gradient(rlab_adapter *a, const float *dw) {
    const rlab_param *params = rlab_graph_params(a->model->graph, NULL);
    const rlab_kernels *k = a->optimizer.kernels;
    float *w = a->optimizer.w, *g = a->optimizer.g;
    size_t r = (size_t)a->rank;
    for (int32_t i = 0; i < a->n; i++) {
        const rlab_adapted *part = &a->part[i];
        const rlab_param *p = &params[part->param];
        size_t rows = (size_t)p->rows, cols = (size_t)p->cols;
        const float *d = dw + p->offset;
        k->gemm(RLAB_TN, r, cols, rows, w + part->b, r, d, cols, 0, g + part->a, cols, NULL,
                a->work);
        k->gemm(RLAB_NT, rows, r, cols, d, cols, w + part->a, cols, 0, g + part->b, r, NULL,
                a->work);
    }
    k->scale(a->optimizer.size, a->scale, g, g);
}

void
rlab_adapter_merge(rlab_adapter *a) {
    const rlab_param *params = rlab_graph_params(a->model->graph, NULL);
    const rlab_kernels *k = a->optimizer.kernels;
    float *w = rlab_weights_at(a->model->weights);
    size_t r = (size_t)a->rank;
    k->scale(a->optimizer.size, a->scale, a->optimizer.w, a->scaled);
    for (int32_t i = 0; i < a->n; i++) {
        const rlab_adapted *part = &a->part[i];
        const rlab_param *p = &params[part->param];
        size_t rows = (size_t)p->rows, cols = (size_t)p->cols;
        memcpy(w + p->offset, a->base + part->base, p->count * sizeof *w);
        k->gemm(RLAB_NN, rows, cols, r, a->scaled + part->b, r, a->optimizer.w + part->a, cols, 1,
                w + p->offset, cols, NULL, a->work);
    }
}
