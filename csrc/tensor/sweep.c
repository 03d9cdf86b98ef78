/* Sweeps: a batch run once, then again under each of many sets of taps. A block of sequences at a
 * time has a plain run whose every value stays, and an edited run that redoes only the nodes that a
 * tap's value reaches (partial.c). */
#include "tensor/op.h"

#include <string.h>

enum {
    BLOCK_ROWS = 768, /* rows of all spaces in a block: its values stay in the cache */
    BLOCKS = 4        /* their number is a multiple of it: a few threads end together */
};

typedef struct lane {
    rlab_exec *base, *edited;
    int32_t
        *label; /* (rows of the node's space in a block,) and loss: of the rows that are redone */
    float *loss;
    size_t label_cap, loss_cap;
    rlab_ctx ctx;
} lane;

struct rlab_sweep {
    const rlab_graph *graph;
    const rlab_kernels *kernels;
    int threads;
    lane *lanes;   /* (threads,) */
    int32_t *cuts; /* (blocks + 1,) first sequence of each block */
    size_t cuts_cap;
    int32_t blocks;
    /* of the current run */
    const rlab_weights *weights;
    const rlab_batch *batch;
    const rlab_edit *edits;
    int32_t n_edits, node;
    const rlab_sweep_out *out;
    int64_t rows; /* of the node's space */
};

static rlab_status
new_lane(rlab_ctx *ctx, lane *at, const rlab_sweep *sweep) {
    RLAB_TRY(rlab_exec_new(ctx, &at->base, sweep->graph, sweep->kernels, false));
    RLAB_TRY(rlab_exec_new(ctx, &at->edited, sweep->graph, sweep->kernels, false));
    at->base->eval.keep = true;
    return rlab_partial_new(ctx, at->edited, at->base);
}

rlab_status
rlab_sweep_new(rlab_ctx *ctx, rlab_sweep **out, const rlab_graph *graph,
               const rlab_kernels *kernels, int threads) {
    rlab_sweep *sweep;
    RLAB_TRY(rlab_alloc(ctx, (void **)&sweep, 1, sizeof *sweep));
    sweep->graph = graph;
    sweep->kernels = kernels;
    sweep->threads = threads;
    if (rlab_alloc(ctx, (void **)&sweep->lanes, (size_t)threads, sizeof *sweep->lanes) != RLAB_OK)
        goto fail;
    for (int i = 0; i < threads; i++)
        if (new_lane(ctx, &sweep->lanes[i], sweep) != RLAB_OK)
            goto fail;
    *out = sweep;
    return RLAB_OK;
fail:
    rlab_sweep_free(sweep);
    return ctx->status;
}

void
rlab_sweep_free(rlab_sweep *sweep) {
    if (!sweep)
        return;
    for (int i = 0; sweep->lanes && i < sweep->threads; i++) {
        rlab_exec_free(sweep->lanes[i].base);
        rlab_exec_free(sweep->lanes[i].edited);
        rlab_free(sweep->lanes[i].label);
        rlab_free(sweep->lanes[i].loss);
    }
    rlab_free(sweep->lanes);
    rlab_free(sweep->cuts);
    rlab_free(sweep);
}

/* Whether a path leads from each node to `node`; reach (nodes,) out. */
static void
find_reach(const rlab_graph *graph, int32_t node, uint8_t *reach) {
    reach[node] = 1;
    for (int32_t i = node; i >= 0; i--)
        for (int32_t k = 0; reach[i] && k < graph->nodes.at[i].n_in; k++)
            reach[graph->nodes.at[i].in[k]] = 1;
}

/* What a partial run could not do. Everything else of a tap is checked when it runs. */
static rlab_status
check_edit(rlab_ctx *ctx, const rlab_sweep *sweep, int32_t e, const uint8_t *reach) {
    const rlab_edit *edit = &sweep->edits[e];
    for (int32_t i = 0; i < edit->n_taps; i++) {
        const rlab_tap *tap = &edit->taps[i];
        const rlab_node *node;
        if (tap->node < 0 || (size_t)tap->node >= sweep->graph->nodes.len)
            return rlab_fail(ctx, RLAB_EINDEX, "edit %d: no node %d", e, tap->node);
        node = &sweep->graph->nodes.at[tap->node];
        if (tap->kind != RLAB_TAP_SCALE && tap->kind != RLAB_TAP_FILL &&
            tap->kind != RLAB_TAP_REPLACE)
            return rlab_fail(ctx, RLAB_EVALUE,
                             "edit %d on '%s': a sweep takes replace, fill and scale only", e,
                             node->name);
        if (tap->kind == RLAB_TAP_REPLACE && tap->side >= 0 && node->side_cells)
            return rlab_fail(ctx, RLAB_EVALUE, "edit %d on '%s': a sweep replaces no patterns", e,
                             node->name);
        if (!reach[tap->node])
            return rlab_fail(ctx, RLAB_EVALUE,
                             "edit %d on '%s': it would not act: no way leads "
                             "from there to '%s'",
                             e, node->name, sweep->graph->nodes.at[sweep->node].name);
    }
    return RLAB_OK;
}

static int64_t
rows_of(const rlab_sweep *sweep, const rlab_batch *batch, int32_t r) {
    int64_t rows = 0;
    for (int32_t s = 0; s < sweep->graph->n_spaces; s++)
        rows += batch->space[s].off[r + 1] - batch->space[s].off[r];
    return rows;
}

/* Blocks of whole sequences, each of at most BLOCK_ROWS rows or one sequence, about even. */
static rlab_status
cut(rlab_ctx *ctx, rlab_sweep *sweep, const rlab_batch *batch) {
    int32_t n = batch->space[0].n_seqs;
    int64_t filled = 0, all = 0, most;
    RLAB_TRY(rlab_grow(ctx, (void **)&sweep->cuts, &sweep->cuts_cap, (size_t)n + 1,
                       sizeof *sweep->cuts));
    for (int32_t r = 0; r < n; r++)
        all += rows_of(sweep, batch, r);
    most = (all + BLOCK_ROWS - 1) / BLOCK_ROWS;
    most = (most + BLOCKS - 1) / BLOCKS * BLOCKS;
    most = most ? (all + most - 1) / most : 0;
    sweep->blocks = 0;
    for (int32_t r = 0; r < n; r++) {
        int64_t rows = rows_of(sweep, batch, r);
        if (r == 0 || filled + rows > most) {
            sweep->cuts[sweep->blocks++] = r;
            filled = 0;
        }
        filled += rows;
    }
    sweep->cuts[sweep->blocks] = n;
    return RLAB_OK;
}

static rlab_batch
block_of(const rlab_sweep *sweep, int64_t number) {
    rlab_batch batch = *sweep->batch;
    int32_t first = sweep->cuts[number], last = sweep->cuts[number + 1];
    for (int32_t s = 0; s < sweep->graph->n_spaces; s++) {
        batch.space[s].n_seqs = last - first;
        batch.space[s].off += first;
    }
    return batch;
}

/* Room in every lane for the largest block. */
static rlab_status
reserve(rlab_ctx *ctx, rlab_sweep *sweep) {
    const int32_t space = sweep->graph->nodes.at[sweep->node].space;
    rlab_capacity size;
    memset(&size, 0, sizeof size);
    for (int64_t b = 0; b < sweep->blocks; b++) {
        rlab_batch block = block_of(sweep, b);
        RLAB_TRY(rlab_capacity_cover(ctx, &size, sweep->graph, &block));
    }
    for (int i = 0; i < sweep->threads; i++) {
        RLAB_TRY(rlab_exec_reserve(ctx, sweep->lanes[i].base, &size));
        RLAB_TRY(rlab_exec_reserve(ctx, sweep->lanes[i].edited, &size));
        RLAB_TRY(rlab_partial_reserve(ctx, sweep->lanes[i].edited));
        RLAB_TRY(rlab_grow(ctx, (void **)&sweep->lanes[i].label, &sweep->lanes[i].label_cap,
                           (size_t)size.rows[space] + 1, sizeof *sweep->lanes[i].label));
        RLAB_TRY(rlab_grow(ctx, (void **)&sweep->lanes[i].loss, &sweep->lanes[i].loss_cap,
                           (size_t)size.rows[space] + 1, sizeof *sweep->lanes[i].loss));
    }
    return RLAB_OK;
}

/* out: -log softmax of n rows of logits at the labels of their rows. */
static void
keep_loss(const rlab_sweep *sweep, lane *at, int64_t n, const float *logits, const int32_t *rows,
          const int32_t *labels, float *out) {
    const size_t v = (size_t)sweep->graph->nodes.at[sweep->node].width;
    rlab_loss unused = {0, 0};
    for (int64_t i = 0; i < n; i++)
        at->label[i] = labels[rows ? rows[i] : i];
    sweep->kernels->xent((size_t)n, v, logits, v, at->label, 0, 0, &unused, at->loss, NULL, 0);
    for (int64_t i = 0; i < n; i++)
        out[rows ? rows[i] : i] = at->loss[i];
}

static int32_t
largest(size_t v, const float *row) {
    size_t best = 0;
    for (size_t j = 1; j < v; j++)
        best = row[j] > row[best] ? j : best;
    return (int32_t)best;
}

/* Keeps what is wanted of one run's logits: of those rows that were redone, of the others what the
 * plain run gave. e: the edit, -1 for the plain run. */
static void
keep(const rlab_sweep *sweep, lane *at, const rlab_batch *block, int32_t e) {
    const rlab_exec *exec = e < 0 ? at->base : at->edited;
    const rlab_node *node = &sweep->graph->nodes.at[sweep->node];
    const rlab_sweep_out *out = sweep->out;
    const rlab_extent *extent = &block->space[node->space];
    const int64_t from = extent->off[0], count = extent->off[extent->n_seqs] - from;
    const int64_t plain = from - sweep->batch->space[node->space].off[0];
    const int64_t to = plain + (e + 1) * sweep->rows;
    const bool redone = e < 0 || rlab_partial_redo(exec, sweep->node) != RLAB_CLEAN;
    const rlab_rows *some = e < 0 || !redone ? NULL : rlab_partial_rows(exec, sweep->node);
    const int32_t *rows = some ? some->at : NULL;
    const int64_t n = !redone ? 0 : rows ? some->n : count;
    const float *logits = redone ? rlab_exec_at(exec, sweep->node) : NULL;
    const size_t bytes = n < count ? (size_t)count * sizeof(float) : 0;
    if (out->loss) {
        memcpy(out->loss + to, out->loss + plain, bytes);
        keep_loss(sweep, at, n, logits, rows, out->labels + from, out->loss + to);
    }
    if (out->other_loss) {
        memcpy(out->other_loss + to, out->other_loss + plain, bytes);
        keep_loss(sweep, at, n, logits, rows, out->others + from, out->other_loss + to);
    }
    if (out->choice)
        memcpy(out->choice + to, out->choice + plain, bytes);
    for (int64_t i = 0; out->choice && i < n; i++)
        out->choice[to + (rows ? rows[i] : i)] =
            largest((size_t)node->width, logits + (size_t)i * (size_t)node->width);
}

static rlab_status
run_edit(rlab_ctx *ctx, const rlab_sweep *sweep, lane *at, const rlab_batch *block, int32_t e) {
    rlab_run run = {.taps = sweep->edits[e].taps, .n_taps = sweep->edits[e].n_taps};
    rlab_exec *exec = at->edited;
    exec->weights = sweep->weights;
    exec->step = false;
    RLAB_TRY(rlab_exec_bind(ctx, exec, block, &run, RLAB_NONE));
    rlab_partial_mark(exec, sweep->node);
    rlab_exec_nodes(exec, RLAB_NONE, NULL, NULL);
    keep(sweep, at, block, e);
    return RLAB_OK;
}

static void
run_blocks(void *arg, int64_t first, int64_t last, int worker) {
    rlab_sweep *sweep = arg;
    lane *at = &sweep->lanes[worker];
    for (int64_t b = first; b < last && at->ctx.status == RLAB_OK; b++) {
        rlab_batch block = block_of(sweep, b);
        rlab_run plain = {0};
        if (rlab_exec_forward(&at->ctx, NULL, at->base, sweep->weights, &block, &plain) != RLAB_OK)
            return;
        keep(sweep, at, &block, -1);
        for (int32_t e = 0; e < sweep->n_edits; e++)
            if (run_edit(&at->ctx, sweep, at, &block, e) != RLAB_OK)
                return;
    }
}

/* One space's sequences are the other's. */
static rlab_status
check_batch(rlab_ctx *ctx, const rlab_sweep *sweep, const rlab_batch *batch) {
    rlab_capacity size;
    memset(&size, 0, sizeof size);
    for (int32_t s = 0; s < sweep->graph->n_spaces; s++)
        if (batch->space[s].n_seqs != batch->space[0].n_seqs || batch->space[s].to)
            return rlab_fail(ctx, RLAB_EVALUE, "sweep: expected as many %s as %s sequences",
                             sweep->graph->spaces[s].name, sweep->graph->spaces[0].name);
    return rlab_capacity_cover(ctx, &size, sweep->graph, batch); /* checks the offsets */
}

rlab_status
rlab_sweep_run(rlab_ctx *ctx, const rlab_sweep_out *out, rlab_sweep *sweep,
               const rlab_weights *weights, const rlab_batch *batch, int32_t node,
               const rlab_edit *edits, int32_t n_edits) {
    const rlab_extent *e = &batch->space[sweep->graph->nodes.at[node].space];
    uint8_t *reach = NULL;
    rlab_status status = RLAB_OK;
    RLAB_TRY(check_batch(ctx, sweep, batch));
    sweep->weights = weights;
    sweep->batch = batch;
    sweep->node = node;
    sweep->edits = edits;
    sweep->n_edits = n_edits;
    sweep->out = out;
    sweep->rows = e->n_seqs ? e->off[e->n_seqs] - e->off[0] : 0;
    RLAB_TRY(rlab_alloc(ctx, (void **)&reach, sweep->graph->nodes.len, 1));
    find_reach(sweep->graph, node, reach);
    for (int32_t i = 0; i < n_edits && status == RLAB_OK; i++)
        status = check_edit(ctx, sweep, i, reach);
    rlab_free(reach);
    RLAB_TRY(status);
    RLAB_TRY(cut(ctx, sweep, batch));
    RLAB_TRY(reserve(ctx, sweep));
    for (int i = 0; i < sweep->threads; i++)
        rlab_ctx_init(&sweep->lanes[i].ctx);
    rlab_par_for(sweep->threads, sweep->blocks, 1, run_blocks, sweep);
    for (int i = 0; i < sweep->threads; i++) {
        const rlab_ctx *got = &sweep->lanes[i].ctx;
        if (got->status != RLAB_OK)
            return rlab_fail_at(ctx, got->status, got->position, "%s", got->message);
    }
    return RLAB_OK;
}
