/* Several shards over one batch: cut after whole sequences, run in parallel, summed in shard order.
 */
#include "tensor/op.h"

#include <string.h>

typedef struct shard {
    rlab_exec *exec; /* its own, or the one whose turn it has */
    float *grad;     /* where its gradient goes */
    rlab_batch batch;
    rlab_run run;
    int32_t first, count; /* sequences of the whole batch */
    rlab_loss loss;
    rlab_ctx ctx;
} shard;

struct rlab_team {
    const rlab_graph *graph;
    const rlab_kernels *kernels;
    int32_t n;
    shard *shards;
    bool training, turns;   /* turns: shards share execs, as many as threads */
    rlab_exec **execs;      /* (n,) */
    int32_t n_execs;        /* made so far */
    rlab_capacity capacity; /* turns: of every exec */
    int64_t *ids;           /* (ids_cap,) 0, 1, ... for batches that name no sequences */
    size_t ids_cap;
    bool edits;     /* execs let taps change values in training */
    rlab_tap *taps; /* (n, run's taps) each shard's own */
    int64_t *fired; /* (n, run's taps) */
    size_t taps_cap, fired_cap;
    /* of the current run */
    const rlab_weights *weights;
    float *grad;
    int32_t first, last; /* shards of this round */
};

/* Makes execs until there are `count`. */
static rlab_status
want_execs(rlab_ctx *ctx, rlab_team *team, int32_t count) {
    for (; team->n_execs < count; team->n_execs++) {
        rlab_exec **exec = &team->execs[team->n_execs];
        RLAB_TRY(rlab_exec_new(ctx, exec, team->graph, team->kernels, team->training));
        (*exec)->edits = team->edits;
    }
    return RLAB_OK;
}

rlab_status
rlab_team_allow_edits(rlab_ctx *ctx, rlab_team *team) {
    team->edits = true;
    for (int32_t e = 0; e < team->n_execs; e++)
        RLAB_TRY(rlab_exec_allow_edits(ctx, team->execs[e]));
    return RLAB_OK;
}

static rlab_status
make_team(rlab_ctx *ctx, rlab_team **out, const rlab_graph *graph, const rlab_kernels *kernels,
          int32_t shards, bool training, bool turns) {
    rlab_team *team;
    if (shards < 1)
        return rlab_fail(ctx, RLAB_EVALUE, "shards: expected at least 1, got %d", shards);
    RLAB_TRY(rlab_alloc(ctx, (void **)&team, 1, sizeof *team));
    team->graph = graph;
    team->kernels = kernels;
    team->training = training;
    team->turns = turns;
    team->n = shards;
    if (rlab_alloc(ctx, (void **)&team->shards, (size_t)shards, sizeof *team->shards) != RLAB_OK ||
        rlab_alloc(ctx, (void **)&team->execs, (size_t)shards, sizeof *team->execs) != RLAB_OK ||
        want_execs(ctx, team, turns ? 1 : shards) != RLAB_OK) {
        rlab_team_free(team);
        return ctx->status;
    }
    *out = team;
    return RLAB_OK;
}

rlab_status
rlab_team_new(rlab_ctx *ctx, rlab_team **out, const rlab_graph *graph, const rlab_kernels *kernels,
              int32_t shards, bool training) {
    return make_team(ctx, out, graph, kernels, shards, training, false);
}

rlab_status
rlab_team_new_turns(rlab_ctx *ctx, rlab_team **out, const rlab_graph *graph,
                    const rlab_kernels *kernels, int32_t shards) {
    return make_team(ctx, out, graph, kernels, shards, true, true);
}

void
rlab_team_free(rlab_team *team) {
    if (!team)
        return;
    for (int32_t e = 0; e < team->n_execs; e++)
        rlab_exec_free(team->execs[e]);
    rlab_free(team->execs);
    rlab_free(team->shards);
    rlab_free(team->ids);
    rlab_free(team->taps);
    rlab_free(team->fired);
    rlab_free(team);
}

/* Every space has the same sequences; returns their number. */
static rlab_status
count_sequences(rlab_ctx *ctx, int32_t *out, const rlab_graph *graph, const rlab_batch *batch) {
    int32_t n = batch->space[0].n_seqs;
    for (int32_t s = 0; s < graph->n_spaces; s++) {
        if (batch->space[s].n_seqs != n)
            return rlab_fail(
                ctx, RLAB_EVALUE, "%s: expected as many sequences as %s has (%d), got %d",
                graph->spaces[s].name, graph->spaces[0].name, n, batch->space[s].n_seqs);
        if (batch->space[s].to)
            return rlab_fail(ctx, RLAB_EINTERNAL, "team: sequences of one number go together");
    }
    *out = n;
    return RLAB_OK;
}

/* Rows of all spaces in the first r sequences. */
static int64_t
rows_before(const rlab_graph *graph, const rlab_batch *batch, int32_t r) {
    int64_t rows = 0;
    for (int32_t s = 0; s < graph->n_spaces; s++)
        if (batch->space[s].n_seqs)
            rows += batch->space[s].off[r] - batch->space[s].off[0];
    return rows;
}

/* Shard s begins at the first sequence with at least s / n of all rows before it. */
static void
cut(rlab_team *team, const rlab_batch *batch, int32_t n_seqs) {
    int64_t all = rows_before(team->graph, batch, n_seqs);
    int32_t r = 0;
    for (int32_t s = 0; s < team->n; s++) {
        shard *at = &team->shards[s];
        while (r < n_seqs && rows_before(team->graph, batch, r) * team->n < all * s)
            r++;
        at->first = s == 0 ? 0 : r;
        if (s > 0)
            at[-1].count = at->first - at[-1].first;
    }
    team->shards[team->n - 1].count = n_seqs - team->shards[team->n - 1].first;
    for (int32_t s = 0; s < team->n; s++) {
        shard *at = &team->shards[s];
        at->batch = *batch;
        for (int32_t k = 0; k < team->graph->n_spaces; k++) {
            rlab_extent *e = &at->batch.space[k];
            e->n_seqs = at->count;
            e->off = e->off ? e->off + at->first : NULL;
            e->id = (e->id ? e->id : team->ids) + at->first;
        }
    }
}

rlab_status
rlab_team_reserve(rlab_ctx *ctx, rlab_team *team, const rlab_batch *batch) {
    rlab_capacity all;
    int32_t n_seqs = 0;
    size_t had = team->ids_cap;
    memset(&all, 0, sizeof all);
    RLAB_TRY(count_sequences(ctx, &n_seqs, team->graph, batch));
    RLAB_TRY(rlab_capacity_cover(ctx, &all, team->graph, batch)); /* checks the offsets */
    RLAB_TRY(
        rlab_grow(ctx, (void **)&team->ids, &team->ids_cap, (size_t)n_seqs + 1, sizeof *team->ids));
    for (size_t i = had; i < team->ids_cap; i++)
        team->ids[i] = (int64_t)i;
    cut(team, batch, n_seqs);
    for (int32_t s = 0; s < team->n; s++) {
        rlab_capacity own, *c = team->turns ? &team->capacity : &own;
        memset(&own, 0, sizeof own);
        RLAB_TRY(rlab_capacity_cover(ctx, c, team->graph, &team->shards[s].batch));
        if (!team->turns)
            RLAB_TRY(rlab_exec_reserve(ctx, team->execs[s], c));
    }
    for (int32_t e = 0; team->turns && e < team->n_execs; e++)
        RLAB_TRY(rlab_exec_reserve(ctx, team->execs[e], &team->capacity));
    return RLAB_OK;
}

static void
run_shard(const rlab_team *team, shard *at) {
    float *own = at->exec->grad;
    rlab_ctx_init(&at->ctx);
    if (team->grad) {
        at->exec->grad = at->grad;
        rlab_exec_zero_grad(at->exec);
    }
    if (rlab_exec_forward(&at->ctx, &at->loss, at->exec, team->weights, &at->batch, &at->run) ==
            RLAB_OK &&
        team->grad && at->count > 0)
        rlab_exec_backward(&at->ctx, at->exec);
    at->exec->grad = own;
}

static void
run_shards(void *arg, int64_t first, int64_t last, int worker) {
    rlab_team *team = arg;
    (void)worker;
    for (int64_t s = team->first + first; s < team->first + last; s++)
        run_shard(team, &team->shards[s]);
}

/* grad = shard 0 + shard 1 + ..., in that order, for a range of elements; shard 0 is there. */
static void
add_range(void *arg, int64_t first, int64_t last, int worker) {
    rlab_team *team = arg;
    size_t n = (size_t)(last - first);
    (void)worker;
    for (int32_t s = team->first > 0 ? team->first : 1; s < team->last; s++)
        team->kernels->add(n, team->grad + first, team->shards[s].grad + first, team->grad + first);
}

/* Runs as many shards as there are execs, adds their gradients and losses. */
static rlab_status
run_round(rlab_ctx *ctx, rlab_loss *sum, rlab_team *team, int32_t first, int32_t lanes,
          int threads) {
    team->first = first;
    team->last = first + lanes < team->n ? first + lanes : team->n;
    for (int32_t s = first; s < team->last; s++) {
        shard *at = &team->shards[s];
        at->exec = team->execs[s - first];
        at->grad = s == 0 ? team->grad : at->exec->grad;
    }
    rlab_par_for(threads, team->last - first, 1, run_shards, team);
    for (int32_t s = first; s < team->last; s++) {
        const shard *at = &team->shards[s];
        if (at->ctx.status != RLAB_OK)
            return rlab_fail_at(ctx, at->ctx.status, at->ctx.position, "%s", at->ctx.message);
        sum->sum += at->loss.sum;
        sum->count += at->loss.count;
    }
    if (team->grad && team->last > 1)
        rlab_par_for(threads, (int64_t)team->graph->size, 1 << 14, add_range, team);
    return RLAB_OK;
}

/* Labels that count in the whole batch. */
static int64_t
count_labels(const rlab_graph *graph, const rlab_batch *batch) {
    const rlab_extent *e;
    const int32_t *labels;
    int64_t count = 0;
    if (graph->loss == RLAB_NONE)
        return 0;
    e = &batch->space[graph->nodes.at[graph->loss].space];
    labels = batch->index[graph->nodes.at[graph->loss].index[0]];
    if (!labels || !e->n_seqs)
        return 0;
    for (int64_t i = e->off[0]; i < e->off[e->n_seqs]; i++)
        count += labels[i] != RLAB_IGNORED_LABEL;
    return count;
}

/* Score cells of the sequences before a shard. */
static int64_t
cells_before(const rlab_batch *batch, const rlab_node *node, int32_t first) {
    const rlab_extent *q = &batch->space[node->space], *k = &batch->space[node->key_space];
    int64_t cells = 0;
    for (int32_t r = 0; r < first; r++)
        cells += (q->off[r + 1] - q->off[r]) * (k->off[r + 1] - k->off[r]);
    return cells;
}

/* Gives every shard taps of its own: they count apart, and see their part of a pattern's cells. */
static rlab_status
share_taps(rlab_ctx *ctx, rlab_team *team, const rlab_batch *batch, const rlab_run *run) {
    const size_t n = (size_t)run->n_taps, all = n * (size_t)team->n;
    RLAB_TRY(rlab_grow(ctx, (void **)&team->taps, &team->taps_cap, all, sizeof *team->taps));
    RLAB_TRY(rlab_grow(ctx, (void **)&team->fired, &team->fired_cap, all, sizeof *team->fired));
    memset(team->fired, 0, all * sizeof *team->fired);
    for (int32_t s = 0; s < team->n; s++) {
        rlab_tap *own = team->taps + (size_t)s * n;
        memcpy(own, run->taps, n * sizeof *own);
        team->shards[s].run.taps = own;
        for (size_t i = 0; i < n; i++) {
            const rlab_node *node;
            own[i].fired = team->fired + (size_t)s * n + i;
            if (own[i].kind == RLAB_TAP_CALL && team->n > 1)
                return rlab_fail(ctx, RLAB_EVALUE,
                                 "taps: functions are called in runs of one shard, got %d",
                                 team->n);
            if (own[i].node < 0 || (size_t)own[i].node >= team->graph->nodes.len)
                continue; /* refused when it runs */
            node = &team->graph->nodes.at[own[i].node];
            if (own[i].buffer && own[i].side >= 0 && node->side_cells)
                own[i].buffer +=
                    cells_before(batch, node, team->shards[s].first) * node->attr.heads;
        }
    }
    return RLAB_OK;
}

/* The run's counters from those of the shards. */
static void
count_fired(const rlab_team *team, const rlab_run *run) {
    for (int32_t s = 0; s < team->n; s++)
        for (int32_t i = 0; i < run->n_taps; i++)
            if (run->taps[i].fired)
                *run->taps[i].fired += team->fired[s * run->n_taps + i];
}

rlab_status
rlab_team_run(rlab_ctx *ctx, rlab_loss *loss, float *grad, rlab_team *team,
              const rlab_weights *weights, const rlab_batch *batch, const rlab_run *run,
              int threads) {
    rlab_loss sum = {0, 0};
    double scale = run->loss_scale;
    int64_t labels;
    const int32_t lanes = !team->turns || threads > team->n ? team->n : threads < 1 ? 1 : threads;
    RLAB_TRY(want_execs(ctx, team, lanes));
    RLAB_TRY(rlab_team_reserve(ctx, team, batch));
    labels = count_labels(team->graph, batch);
    if (grad && !labels)
        return rlab_fail(ctx, RLAB_EVALUE, "labels: a gradient needs at least one label");
    if (scale == 0)
        scale = labels ? 1.0 / (double)labels : 1.0;
    team->weights = weights;
    team->grad = grad;
    for (int32_t s = 0; s < team->n; s++) {
        team->shards[s].run = *run;
        team->shards[s].run.loss_scale = scale;
    }
    if (run->n_taps)
        RLAB_TRY(share_taps(ctx, team, batch, run));
    for (int32_t first = 0; first < team->n; first += lanes)
        RLAB_TRY(run_round(ctx, &sum, team, first, lanes, threads));
    count_fired(team, run);
    if (loss)
        *loss = sum;
    return RLAB_OK;
}

rlab_exec *
rlab_team_exec(rlab_team *team, int32_t s, int32_t *first, int32_t *count) {
    if (first)
        *first = team->shards[s].first;
    if (count)
        *count = team->shards[s].count;
    assert(!team->turns);
    return team->execs[s];
}

int32_t
rlab_team_shards(const rlab_team *team) {
    return team->n;
}

size_t
rlab_team_bytes(const rlab_team *team) {
    size_t bytes = 0;
    for (int32_t e = 0; e < team->n_execs; e++)
        bytes += rlab_exec_bytes(team->execs[e]);
    return bytes;
}
