/* One shard: owns the slab, runs nodes forward and backward. */
#include "tensor/op.h"

#include <string.h>

rlab_status
rlab_exec_new(rlab_ctx *ctx, rlab_exec **out, const rlab_graph *graph, const rlab_kernels *kernels,
              bool training) {
    rlab_exec *exec;
    size_t n = graph->nodes.len;
    if (!graph->sealed)
        return rlab_fail(ctx, RLAB_EINTERNAL, "exec: the graph is not sealed");
    RLAB_TRY(rlab_alloc(ctx, (void **)&exec, 1, sizeof *exec));
    exec->graph = graph;
    exec->kernels = kernels;
    exec->training = training;
    if (rlab_layout_new(ctx, &exec->eval, graph) != RLAB_OK ||
        (training && rlab_layout_new(ctx, &exec->train, graph) != RLAB_OK) ||
        rlab_alloc(ctx, (void **)&exec->tapped, n, 1) != RLAB_OK ||
        rlab_alloc(ctx, (void **)&exec->memory, n, sizeof *exec->memory) != RLAB_OK ||
        (training &&
         rlab_alloc(ctx, (void **)&exec->grad, graph->size, sizeof *exec->grad) != RLAB_OK))
        goto fail;
    *out = exec;
    return RLAB_OK;
fail:
    rlab_exec_free(exec);
    return ctx->status;
}

void
rlab_exec_free(rlab_exec *exec) {
    if (!exec)
        return;
    rlab_cache_free(exec);
    for (int32_t q = 0; q < RLAB_SPACES_MAX; q++) {
        rlab_free(exec->positions[q]);
        for (int32_t k = 0; k < RLAB_SPACES_MAX; k++)
            rlab_free(exec->span[q][k]);
    }
    rlab_layout_free(&exec->train);
    rlab_layout_free(&exec->eval);
    rlab_free(exec->slab);
    rlab_free(exec->work);
    rlab_free(exec->grad);
    rlab_free(exec->tapped);
    rlab_free(exec->memory);
    rlab_partial_free(exec->partial);
    rlab_free(exec);
}

/* Replaces *p by `count` fresh floats. */
static rlab_status
renew(rlab_ctx *ctx, void **p, size_t count, size_t size) {
    void *fresh;
    RLAB_TRY(rlab_alloc(ctx, &fresh, count, size));
    rlab_free(*p);
    *p = fresh;
    return RLAB_OK;
}

rlab_status
rlab_exec_plan(rlab_ctx *ctx, rlab_exec *exec, const rlab_capacity *c) {
    int64_t cache_rows = 0;
    size_t size, work;
    for (int32_t s = 0; s < RLAB_SPACES_MAX; s++)
        cache_rows = exec->cache[s].rows > cache_rows ? exec->cache[s].rows : cache_rows;
    RLAB_TRY(
        rlab_layout_plan(ctx, &exec->eval, exec->graph, exec->kernels, c, cache_rows, false, true));
    size = exec->eval.size;
    work = exec->eval.work;
    if (exec->training) {
        RLAB_TRY(rlab_layout_plan(ctx, &exec->train, exec->graph, exec->kernels, c, cache_rows,
                                  true, !exec->edits));
        size = exec->train.size > size ? exec->train.size : size;
    }
    if (!exec->slab || size > exec->slab_size) {
        RLAB_TRY(renew(ctx, (void **)&exec->slab, size, sizeof *exec->slab));
        exec->slab_size = size;
    }
    if (!exec->work || work > exec->work_size) {
        RLAB_TRY(renew(ctx, (void **)&exec->work, work, sizeof *exec->work));
        exec->work_size = work;
    }
    return RLAB_OK;
}

static bool
raise_capacity(rlab_capacity *c, const rlab_capacity *want, int32_t n_spaces) {
    bool grew = false;
#define RAISE(field)                                                                               \
    do {                                                                                           \
        if (want->field > c->field) {                                                              \
            c->field = want->field;                                                                \
            grew = true;                                                                           \
        }                                                                                          \
    } while (0)
    for (int32_t q = 0; q < n_spaces; q++) {
        RAISE(rows[q]);
        RAISE(seqs[q]);
        RAISE(longest[q]);
        for (int32_t k = 0; k < n_spaces; k++)
            RAISE(cells[q][k]);
    }
#undef RAISE
    return grew;
}

rlab_status
rlab_exec_reserve(rlab_ctx *ctx, rlab_exec *exec, const rlab_capacity *capacity) {
    rlab_capacity c = exec->capacity;
    const rlab_graph *graph = exec->graph;
    if (!raise_capacity(&c, capacity, graph->n_spaces) && exec->work)
        return RLAB_OK;
    memset(&exec->capacity, 0, sizeof exec->capacity); /* until all is there, nothing fits */
    exec->ready = false;
    for (int32_t q = 0; q < graph->n_spaces; q++) {
        RLAB_TRY(renew(ctx, (void **)&exec->positions[q], (size_t)c.rows[q], sizeof(int32_t)));
        for (int32_t k = 0; k < graph->n_spaces; k++)
            if (graph->pair[q][k])
                RLAB_TRY(
                    renew(ctx, (void **)&exec->span[q][k], (size_t)c.seqs[q], sizeof(rlab_span)));
    }
    RLAB_TRY(rlab_exec_plan(ctx, exec, &c));
    exec->capacity = c;
    return RLAB_OK;
}

rlab_status
rlab_exec_allow_edits(rlab_ctx *ctx, rlab_exec *exec) {
    if (exec->edits)
        return RLAB_OK;
    exec->edits = true;
    exec->ready = false;
    return rlab_exec_plan(ctx, exec, &exec->capacity);
}

size_t
rlab_exec_bytes(const rlab_exec *exec) {
    size_t floats = exec->slab_size + exec->work_size + (exec->grad ? exec->graph->size : 0);
    for (size_t i = 0; i < exec->graph->nodes.len; i++) {
        const rlab_cache *cache = &exec->cache[exec->graph->nodes.at[i].space];
        if (exec->memory[i])
            floats +=
                (size_t)cache->slots * (size_t)cache->rows * (size_t)exec->graph->nodes.at[i].width;
    }
    return floats * sizeof(float);
}

const rlab_layout *
rlab_exec_layout(const rlab_exec *exec) {
    return exec->run.training ? &exec->train : &exec->eval;
}

float *
rlab_exec_at(const rlab_exec *exec, int32_t node) {
    const rlab_layout *layout = rlab_exec_layout(exec);
    return exec->slab + layout->value[layout->value_root[node]].offset;
}

bool
rlab_exec_loss_runs(const rlab_exec *exec) {
    int32_t loss = exec->graph->loss;
    return loss != RLAB_NONE && !exec->step &&
           exec->batch.index[exec->graph->nodes.at[loss].index[0]] != NULL;
}

/* Values that a node takes from the cache while decoding. */
static bool
from_cache(const rlab_exec *exec, const rlab_node *node, int32_t k) {
    return exec->step && k >= 1 && node->key_space != RLAB_NONE &&
           exec->graph->nodes.at[node->in[k]].remembered;
}

static void
edit_side(const rlab_call *call, int32_t side, float *value) {
    rlab_taps_act(call->exec, call->number, side, value, false);
}

/* What node i sees, in both directions. */
static void
set_call(rlab_exec *exec, int32_t i, rlab_call *c) {
    const rlab_graph *graph = exec->graph;
    const rlab_node *node = &graph->nodes.at[i];
    const rlab_layout *layout = rlab_exec_layout(exec);
    const rlab_extent *e = &exec->batch.space[node->space];
    const rlab_weights *w = exec->weights;
    memset(c, 0, sizeof *c);
    c->k = exec->kernels;
    c->node = node;
    c->rows = exec->rows[node->space];
    for (int32_t k = 0; k < node->n_in; k++)
        c->x[k] =
            from_cache(exec, node, k) ? exec->memory[node->in[k]] : rlab_exec_at(exec, node->in[k]);
    c->y = rlab_exec_at(exec, i);
    for (int32_t k = 0; k < RLAB_SIDE_MAX; k++)
        if (node->side_width[k] && !node->passing[k])
            c->side[k] = exec->slab + layout->side[i * RLAB_SIDE_MAX + k].offset;
    for (int32_t k = 0; k < node->n_param; k++) {
        int32_t p = node->param[k];
        if (p == RLAB_NONE)
            continue;
        c->w[k] = w->at + graph->params.at[p].offset;
        c->wf[k] = w->packed + w->wf[p];
        c->wb[k] = w->packed + w->wb[p];
    }
    for (int32_t k = 0; k < node->n_index; k++) {
        const int32_t *at = exec->batch.index[node->index[k]];
        c->index[k] = at ? at + (e->n_seqs ? e->off[0] : 0) : exec->positions[node->space];
    }
    c->n_seqs = e->n_seqs;
    c->off = e->off;
    c->id = e->id;
    if (node->key_space != RLAB_NONE) {
        c->span = exec->span[node->space][node->key_space];
        c->shared_keys = node->space != node->key_space && e->to != NULL;
        c->key_rows = exec->rows[node->key_space];
    }
    c->training = exec->run.training;
    c->seed = exec->run.seed;
    c->step = exec->run.step;
    c->number = i;
    c->work = exec->work;
    c->loss_scale = exec->loss_scale;
    c->from_value = node->from_value && !exec->edits;
    c->wants_side = (exec->run.training && !c->from_value) || (exec->tapped[i] & RLAB_TAPPED_SIDE);
    c->passing = (exec->tapped[i] & RLAB_TAPPED_PASSING) != 0;
    c->edits_side = (exec->tapped[i] & RLAB_TAPPED_EDIT) != 0;
    c->edit_side = edit_side;
    c->exec = exec;
    if (exec->partial)
        rlab_partial_call(exec, i, c);
}

rlab_dropout
rlab_call_dropout(const rlab_call *c, int32_t r) {
    uint64_t id = (uint64_t)(c->id ? c->id[r] : r);
    uint64_t index = rlab_hash_mix(
        rlab_hash_mix(rlab_hash_mix(RLAB_HASH_START, c->step), (uint64_t)c->number), id);
    rlab_dropout d = {c->node->attr.p, RLAB_STREAM_DROPOUT, c->seed, index, 0};
    return d;
}

static void
run_node(rlab_exec *exec, int32_t i, rlab_loss *loss) {
    const rlab_layout *layout = rlab_exec_layout(exec);
    const rlab_node *node = &exec->graph->nodes.at[i];
    int32_t fused = layout->fused[i];
    rlab_call c;
    set_call(exec, i, &c);
    c.loss = loss;
    if (fused != RLAB_NONE) {
        int32_t sum = fused > i ? fused : i, linear = fused > i ? i : fused;
        int32_t beside = exec->graph->nodes.at[sum].in[0];
        if (exec->tapped[linear] & RLAB_TAPPED_VALUE ||
            (exec->partial && !rlab_partial_alike(exec, linear, sum)))
            fused = RLAB_NONE; /* the tap wants to see the branch alone, or it is not run */
        else if (i == linear)
            c.residual = exec->partial ? rlab_partial_residual(exec, beside, sum)
                                       : rlab_exec_at(exec, beside);
    }
    if (exec->partial && rlab_partial_redo(exec, i) == RLAB_COPY)
        rlab_partial_copy(exec, i, c.y);
    else if (fused == RLAB_NONE || fused > i)
        node->op->forward(&c);
    if (exec->tapped[i] & RLAB_TAPPED_SIDE && !c.edits_side)
        for (int32_t k = 0; k < RLAB_SIDE_MAX; k++)
            if (c.side[k])
                rlab_taps_act(exec, i, k, c.side[k], false);
    if (exec->tapped[i] & RLAB_TAPPED_VALUE)
        rlab_taps_act(exec, i, RLAB_NONE, c.y, false);
}

void
rlab_exec_nodes(rlab_exec *exec, int32_t only, rlab_loss *loss,
                void (*after_node)(rlab_exec *exec, int32_t node)) {
    bool with_loss = rlab_exec_loss_runs(exec);
    for (int32_t i = 0; i < (int32_t)exec->graph->nodes.len; i++) {
        if (only != RLAB_NONE && exec->graph->nodes.at[i].space != only)
            continue;
        if ((i == exec->graph->loss && !with_loss) ||
            (exec->partial && rlab_partial_redo(exec, i) == RLAB_CLEAN))
            continue;
        run_node(exec, i, loss);
        if (after_node)
            after_node(exec, i);
    }
}

rlab_status
rlab_exec_forward(rlab_ctx *ctx, rlab_loss *loss, rlab_exec *exec, const rlab_weights *weights,
                  const rlab_batch *batch, const rlab_run *run) {
    rlab_loss sum = {0, 0};
    double scale;
    if (run->training && !exec->training)
        return rlab_fail(ctx, RLAB_EINTERNAL, "exec: made without room for training");
    exec->step = false;
    exec->weights = weights;
    RLAB_TRY(rlab_exec_bind(ctx, exec, batch, run, RLAB_NONE));
    scale = run->loss_scale != 0 ? run->loss_scale : exec->labels ? 1.0 / (double)exec->labels : 0;
    exec->loss_scale = (float)scale;
    rlab_exec_nodes(exec, RLAB_NONE, &sum, NULL);
    exec->ready = run->training && rlab_exec_loss_runs(exec);
    if (loss)
        *loss = sum;
    return RLAB_OK;
}

/* Whether the gradient of ReLU i goes back through it in the product that makes it: a tap wants to
 * see it as it was before. */
static bool
gated(const rlab_exec *exec, int32_t i) {
    return exec->train.gate[i] > i && !(exec->tapped[i] & RLAB_TAPPED_VALUE);
}

static void
back_node(rlab_exec *exec, int32_t i) {
    const rlab_graph *graph = exec->graph;
    const rlab_node *node = &graph->nodes.at[i];
    const rlab_layout *layout = &exec->train;
    rlab_call c;
    set_call(exec, i, &c);
    c.dy = exec->slab + layout->grad[layout->grad_root[i]].offset;
    for (int32_t k = 0; k < node->n_in; k++) {
        int8_t acc = layout->acc[i * RLAB_NODE_IN_MAX + k];
        if (acc < 0)
            continue;
        c.acc[k] = acc;
        c.dx[k] = exec->slab + layout->grad[layout->grad_root[node->in[k]]].offset;
    }
    for (int32_t k = 0; k < node->n_param; k++)
        if (node->param[k] != RLAB_NONE)
            c.dw[k] = exec->grad + graph->params.at[node->param[k]].offset;
    c.gated = gated(exec, i);
    c.gates = node->n_in > 0 && layout->gate[i] == node->in[0] && gated(exec, node->in[0]);
    if (exec->tapped[i] & RLAB_TAPPED_VALUE)
        rlab_taps_act(exec, i, RLAB_NONE, c.dy, true);
    node->op->backward(&c);
}

rlab_status
rlab_exec_backward(rlab_ctx *ctx, rlab_exec *exec) {
    if (!exec->ready)
        return rlab_fail(ctx, RLAB_EINTERNAL,
                         "exec: backward needs a training forward with labels first");
    exec->ready = false;
    for (int32_t i = (int32_t)exec->graph->nodes.len - 1; i >= 0; i--)
        if (exec->graph->nodes.at[i].grads)
            back_node(exec, i);
    return RLAB_OK;
}

float *
rlab_exec_grad(rlab_exec *exec) {
    return exec->grad;
}

void
rlab_exec_zero_grad(rlab_exec *exec) {
    if (exec->grad)
        memset(exec->grad, 0, exec->graph->size * sizeof *exec->grad);
}

const float *
rlab_exec_value(const rlab_exec *exec, int32_t node, int64_t *rows, int32_t *width) {
    const rlab_node *n = &exec->graph->nodes.at[node];
    assert(n->output);
    if (rows)
        *rows = exec->rows[n->space];
    if (width)
        *width = n->width;
    return rlab_exec_at(exec, node);
}
