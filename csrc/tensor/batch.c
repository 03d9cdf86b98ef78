/* What a batch may be: every check before a run, and the spans and positions that follow from it.
 */
#include "tensor/op.h"

#include <string.h>

static const char *
space_name(const rlab_graph *graph, int32_t space) {
    return graph->spaces[space].name;
}

/* Offsets of one space. */
static rlab_status
check_offsets(rlab_ctx *ctx, const rlab_graph *graph, int32_t space, const rlab_extent *e) {
    if (e->n_seqs < 0 || (e->n_seqs > 0 && !e->off))
        return rlab_fail(ctx, RLAB_EVALUE, "%s offsets: expected one more than sequences, got none",
                         space_name(graph, space));
    for (int32_t r = 0; r < e->n_seqs; r++)
        if (e->off[r + 1] < e->off[r] || e->off[r] < 0)
            return rlab_fail_at(
                ctx, RLAB_EVALUE, r,
                "%s offsets: expected offsets that never fall, got %lld after %lld at %d",
                space_name(graph, space), (long long)e->off[r + 1], (long long)e->off[r], r + 1);
    if (e->n_seqs > 0 && e->off[e->n_seqs] - e->off[0] > INT32_MAX / 2)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "%s: %lld rows in one batch are too many; use smaller batches",
                         space_name(graph, space), (long long)(e->off[e->n_seqs] - e->off[0]));
    return RLAB_OK;
}

static int64_t
rows_of(const rlab_extent *e) {
    return e->n_seqs > 0 ? e->off[e->n_seqs] - e->off[0] : 0;
}

static int64_t
length(const rlab_extent *e, int64_t r) {
    return e->off[r + 1] - e->off[r];
}

static void
raise_to(int64_t *least, int64_t value) {
    *least = value > *least ? value : *least;
}

/* Which sequences of space k the sequences of space q see. */
static rlab_status
check_to(rlab_ctx *ctx, const rlab_graph *graph, const rlab_batch *batch, int32_t q, int32_t k) {
    const rlab_extent *eq = &batch->space[q], *ek = &batch->space[k];
    if (q == k)
        return RLAB_OK;
    if (!eq->to && eq->n_seqs != ek->n_seqs)
        return rlab_fail(ctx, RLAB_EVALUE, "%s: expected as many sequences as %s has (%d), got %d",
                         space_name(graph, q), space_name(graph, k), ek->n_seqs, eq->n_seqs);
    for (int32_t r = 0; eq->to && r < eq->n_seqs; r++)
        if (eq->to[r] < 0 || eq->to[r] >= ek->n_seqs)
            return rlab_fail_at(
                ctx, RLAB_EINDEX, r, "%s: sequence %d attends to sequence %d of %s, which has %d",
                space_name(graph, q), r, eq->to[r], space_name(graph, k), ek->n_seqs);
    return RLAB_OK;
}

static int32_t
seen_by(const rlab_extent *eq, int32_t q, int32_t k, int32_t r) {
    return q == k || !eq->to ? r : eq->to[r];
}

rlab_status
rlab_capacity_cover(rlab_ctx *ctx, rlab_capacity *capacity, const rlab_graph *graph,
                    const rlab_batch *batch) {
    for (int32_t s = 0; s < graph->n_spaces; s++) {
        const rlab_extent *e = &batch->space[s];
        RLAB_TRY(check_offsets(ctx, graph, s, e));
        raise_to(&capacity->rows[s], rows_of(e));
        raise_to(&capacity->seqs[s], e->n_seqs);
        for (int32_t r = 0; r < e->n_seqs; r++)
            raise_to(&capacity->longest[s], length(e, r));
    }
    for (int32_t q = 0; q < graph->n_spaces; q++)
        for (int32_t k = 0; k < graph->n_spaces; k++) {
            const rlab_extent *eq = &batch->space[q];
            int64_t cells = 0;
            if (!graph->pair[q][k])
                continue;
            RLAB_TRY(check_to(ctx, graph, batch, q, k));
            for (int32_t r = 0; r < eq->n_seqs; r++)
                cells += length(eq, r) * length(&batch->space[k], seen_by(eq, q, k, r));
            raise_to(&capacity->cells[q][k], cells);
        }
    return RLAB_OK;
}

/* Slots of a space while decoding: in range, none twice, with room for the new rows. */
static rlab_status
check_slots(rlab_ctx *ctx, rlab_exec *exec, int32_t space, const rlab_extent *e) {
    const rlab_cache *cache = &exec->cache[space];
    const char *name = space_name(exec->graph, space);
    rlab_status status = RLAB_OK;
    int32_t r;
    if (!e->slot && e->n_seqs)
        return rlab_fail(ctx, RLAB_EVALUE, "%s: a step needs a cache slot for every sequence",
                         name);
    for (r = 0; r < e->n_seqs && status == RLAB_OK; r++) {
        int32_t slot = e->slot[r];
        if (slot < 0 || slot >= cache->slots)
            status = rlab_fail_at(ctx, RLAB_EINDEX, r, "%s: sequence %d has slot %d of %d", name, r,
                                  slot, cache->slots);
        else if (exec->slot_seen[space][slot]++)
            status = rlab_fail_at(ctx, RLAB_EVALUE, r, "%s: slot %d is used twice", name, slot);
        else if (cache->used[slot] + length(e, r) > cache->rows)
            status =
                rlab_fail_at(ctx, RLAB_EVALUE, r,
                             "%s: sequence %d would have %lld rows, its slot has room for %d", name,
                             r, (long long)(cache->used[slot] + length(e, r)), cache->rows);
    }
    while (r-- > 0)
        if (e->slot[r] >= 0 && e->slot[r] < cache->slots)
            exec->slot_seen[space][e->slot[r]] = 0;
    return status;
}

static rlab_status
check_room(rlab_ctx *ctx, const rlab_exec *exec, int32_t space, const rlab_extent *e) {
    const rlab_capacity *c = &exec->capacity;
    int64_t longest = 0;
    for (int32_t r = 0; r < e->n_seqs; r++)
        raise_to(&longest, length(e, r));
    if (rows_of(e) > c->rows[space] || e->n_seqs > c->seqs[space] || longest > c->longest[space])
        return rlab_fail(
            ctx, RLAB_EBUDGET,
            "%s: %lld rows in %d sequences up to %lld, reserved were %lld in %lld up to %lld",
            space_name(exec->graph, space), (long long)rows_of(e), e->n_seqs, (long long)longest,
            (long long)c->rows[space], (long long)c->seqs[space], (long long)c->longest[space]);
    return RLAB_OK;
}

/* Draws `count` rising numbers of [0, bound), all sets alike: selection sampling. Source: Knuth,
 * The art of computer programming, volume 2, algorithm 3.4.2 S. */
static void
draw_rising(int32_t *out, int64_t count, int32_t bound, uint64_t seed, uint64_t index) {
    rlab_rng rng;
    rlab_rng_init(&rng, seed, RLAB_STREAM_POSITION, index);
    for (int64_t i = 0, n = 0; n < count; i++)
        if (rlab_rng_below(&rng, (uint64_t)(bound - i)) < (uint64_t)(count - n))
            out[n++] = (int32_t)i;
}

/* Rows [start, start + n) of a sequence whose positions are spread over the whole range. Source:
 * Ruoss et al., "Randomized positional encodings boost length generalization of transformers" (ACL
 * 2023), section 3; outside training the draw's mean stands for the draw. */
static void
spread_positions(const rlab_exec *exec, const rlab_index_row *row, const rlab_extent *e,
                 const rlab_run *run, int32_t r, int64_t start, int64_t n, int32_t *out) {
    int64_t whole = n;
    if (run->training) {
        uint64_t index = rlab_hash_mix(rlab_hash_mix(RLAB_HASH_START, run->step),
                                       (uint64_t)(e->id ? e->id[r] : r));
        draw_rising(out, n, row->bound, run->seed,
                    rlab_hash_mix(index, (uint64_t)(uint32_t)row->space));
        return;
    }
    if (exec->step && exec->graph->cached[row->space])
        whole = e->reach ? e->reach[r] : exec->cache[row->space].rows;
    whole = whole < row->bound ? whole : row->bound;
    whole = whole > start + n ? whole : start + n;
    for (int64_t t = 0; t < n; t++)
        out[t] = (int32_t)((2 * (start + t) + 1) * row->bound / (2 * whole));
}

/* Positions that were not given: the place in the sequence, counted on from the cache. */
static rlab_status
fill_positions(rlab_ctx *ctx, rlab_exec *exec, const rlab_index_row *row, const rlab_extent *e,
               const rlab_run *run) {
    int32_t *out = exec->positions[row->space];
    for (int32_t r = 0; r < e->n_seqs; r++) {
        int64_t start = exec->step ? exec->cache[row->space].used[e->slot[r]] : 0;
        int64_t n = length(e, r);
        if (start + n > row->bound)
            return rlab_fail_at(
                ctx, RLAB_EVALUE, r,
                "%s: sequence %d has %lld tokens, the model's positions end at %d; use "
                "shorter sequences or a model with more positions",
                space_name(exec->graph, row->space), r, (long long)(start + n), row->bound);
        if (row->kind == RLAB_INDEX_SPREAD)
            spread_positions(exec, row, e, run, r, start, n, out);
        else
            for (int64_t t = 0; t < n; t++)
                out[t] = (int32_t)(start + t);
        out += n;
    }
    return RLAB_OK;
}

/* Range of every integer of one input. */
static rlab_status
check_index(rlab_ctx *ctx, rlab_exec *exec, int32_t number, const rlab_batch *batch,
            const rlab_run *run) {
    const rlab_index_row *row = &exec->graph->indices[number];
    const rlab_extent *e = &batch->space[row->space];
    const int32_t *at = batch->index[number];
    int64_t first = e->n_seqs ? e->off[0] : 0, n = rows_of(e);
    bool label = row->kind == RLAB_INDEX_LABEL;
    if (!at) {
        if (row->kind == RLAB_INDEX_POSITION || row->kind == RLAB_INDEX_SPREAD)
            return fill_positions(ctx, exec, row, e, run);
        if (row->kind == RLAB_INDEX_TOKEN && n)
            return rlab_fail(ctx, RLAB_EVALUE, "%s: missing", row->name);
        return RLAB_OK;
    }
    for (int64_t i = first; i < first + n; i++) {
        if (label && at[i] == RLAB_IGNORED_LABEL)
            continue;
        if (at[i] < 0 || at[i] >= row->bound)
            return rlab_fail_at(ctx, RLAB_EINDEX, i, "%s: row %lld: expected 0 to %d%s, got %d",
                                row->name, (long long)i, row->bound - 1,
                                label ? " (or -100: no label)" : "", at[i]);
        exec->labels += label;
    }
    return RLAB_OK;
}

/* Where the rows lie that each query sequence of space q sees in space k. */
static rlab_status
fill_spans(rlab_ctx *ctx, rlab_exec *exec, int32_t q, int32_t k) {
    const rlab_extent *eq = &exec->batch.space[q], *ek = &exec->batch.space[k];
    bool cached = exec->step && (q != k || exec->graph->cached[q]);
    int64_t cell = 0;
    for (int32_t r = 0; r < eq->n_seqs; r++) {
        rlab_span *span = &exec->span[q][k][r];
        span->q = eq->off[r] - eq->off[0];
        span->lq = (int32_t)length(eq, r);
        span->cell = cell;
        if (cached) {
            int32_t slot = q == k || !eq->to ? eq->slot[r] : eq->to[r];
            if (slot < 0 || slot >= exec->cache[k].slots)
                return rlab_fail_at(ctx, RLAB_EINDEX, r,
                                    "%s: sequence %d attends to slot %d of %d of %s",
                                    space_name(exec->graph, q), r, slot, exec->cache[k].slots,
                                    space_name(exec->graph, k));
            span->k = (int64_t)slot * exec->cache[k].rows;
            span->lk = exec->cache[k].used[slot] + (q == k ? span->lq : 0);
        } else {
            int32_t s = seen_by(eq, q, k, r);
            span->k = ek->off[s] - ek->off[0];
            span->lk = (int32_t)length(ek, s);
        }
        cell += (int64_t)span->lq * span->lk;
    }
    exec->cells[q][k] = cell;
    if (cell > exec->capacity.cells[q][k] && !exec->step)
        return rlab_fail(ctx, RLAB_EBUDGET, "%s to %s: %lld score cells, reserved were %lld",
                         space_name(exec->graph, q), space_name(exec->graph, k), (long long)cell,
                         (long long)exec->capacity.cells[q][k]);
    return RLAB_OK;
}

rlab_status
rlab_exec_bind(rlab_ctx *ctx, rlab_exec *exec, const rlab_batch *batch, const rlab_run *run,
               int32_t only) {
    const rlab_graph *graph = exec->graph;
    exec->ready = false;
    exec->labels = 0;
    memset(exec->cells, 0, sizeof exec->cells);
    for (int32_t s = 0; s < graph->n_spaces; s++) {
        if (only != RLAB_NONE && s != only)
            continue;
        RLAB_TRY(check_offsets(ctx, graph, s, &batch->space[s]));
        if (exec->step)
            RLAB_TRY(check_slots(ctx, exec, s, &batch->space[s]));
        RLAB_TRY(check_room(ctx, exec, s, &batch->space[s]));
        exec->rows[s] = rows_of(&batch->space[s]);
    }
    for (int32_t i = 0; i < graph->n_indices; i++)
        if (only == RLAB_NONE || graph->indices[i].space == only)
            RLAB_TRY(check_index(ctx, exec, i, batch, run));
    exec->batch = *batch;
    exec->run = *run;
    for (int32_t q = 0; q < graph->n_spaces; q++)
        for (int32_t k = 0; k < graph->n_spaces; k++) {
            if (!graph->pair[q][k] || (only != RLAB_NONE && q != only))
                continue;
            if (!exec->step)
                RLAB_TRY(check_to(ctx, graph, batch, q, k));
            RLAB_TRY(fill_spans(ctx, exec, q, k));
        }
    return rlab_taps_check(ctx, exec, run);
}
