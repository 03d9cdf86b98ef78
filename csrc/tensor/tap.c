/* Taps: reading, replacing and scaling values on their way through a run. */
#include "tensor/op.h"

#include <string.h>

rlab_status
rlab_taps_check(rlab_ctx *ctx, rlab_exec *exec, const rlab_run *run) {
    const rlab_graph *graph = exec->graph;
    memset(exec->tapped, 0, graph->nodes.len);
    for (int32_t i = 0; i < run->n_taps; i++) {
        const rlab_tap *tap = &run->taps[i];
        const rlab_node *node;
        int32_t width;
        bool edits = tap->kind != RLAB_TAP_READ && tap->kind != RLAB_TAP_GRAD;
        if (tap->node < 0 || (size_t)tap->node >= graph->nodes.len || tap->side < RLAB_NONE ||
            tap->side >= RLAB_SIDE_MAX)
            return rlab_fail(ctx, RLAB_EINDEX, "tap %d: no node %d", i, tap->node);
        node = &graph->nodes.at[tap->node];
        width = tap->side < 0 ? node->width : node->side_width[tap->side];
        if (tap->first < 0 || tap->first > width || tap->last < 0 || tap->last > width)
            return rlab_fail(ctx, RLAB_EINDEX, "tap on '%s': columns %d to %d of %d", node->name,
                             tap->first, tap->last, width);
        for (int32_t p = 0; exec->step && graph->cached[node->space] && p < tap->n_places; p++)
            if (tap->places[p] < 0)
                return rlab_fail(ctx, RLAB_EVALUE,
                                 "tap on '%s': position %d counts from an end that is not known "
                                 "while decoding; expected at least 0",
                                 node->name, tap->places[p]);
        if (tap->kind == RLAB_TAP_GRAD && (!run->training || tap->side >= 0 || !node->grads))
            return rlab_fail(ctx, RLAB_EVALUE,
                             "tap on '%s': there is a gradient only in training, of values that "
                             "parameters stand before, not of patterns",
                             node->name);
        if (tap->kind == RLAB_TAP_FILL && tap->side >= 0 && node->side_cells)
            return rlab_fail(ctx, RLAB_EVALUE, "tap on '%s': a pattern cannot be filled with a row",
                             node->side[tap->side]);
        if (edits && tap->side >= 0 && (run->training || !(node->op->flags & RLAB_EDITS_SIDE)))
            return rlab_fail(ctx, RLAB_EVALUE, "tap on '%s': can be read, not changed%s",
                             node->side[tap->side], run->training ? " in training" : "");
        if (tap->kind != RLAB_TAP_READ && run->training && !exec->edits)
            return rlab_fail(
                ctx, RLAB_EINTERNAL,
                "tap on '%s': values change in training only after rlab_exec_allow_edits",
                node->name);
        if (tap->side >= 0 && node->side_cells &&
            exec->cells[node->space][node->key_space] >
                exec->capacity.cells[node->space][node->key_space])
            return rlab_fail(ctx, RLAB_EBUDGET, "tap on '%s': %lld score cells, reserved were %lld",
                             node->side[tap->side],
                             (long long)exec->cells[node->space][node->key_space],
                             (long long)exec->capacity.cells[node->space][node->key_space]);
        exec->tapped[tap->node] |=
            (uint8_t)(tap->side < 0
                          ? RLAB_TAPPED_VALUE
                          : (node->passing[tap->side] ? RLAB_TAPPED_PASSING : RLAB_TAPPED_SIDE) |
                                (edits ? RLAB_TAPPED_EDIT : 0));
    }
    return RLAB_OK;
}

/* One run of consecutive floats that a tap covers. */
static void
act_on(const rlab_tap *tap, float *value, float *buffer, int64_t n, bool gradient) {
    switch (tap->kind) {
    case RLAB_TAP_READ:
    case RLAB_TAP_GRAD:
        if (gradient == (tap->kind == RLAB_TAP_GRAD))
            memcpy(buffer, value, (size_t)n * sizeof *value);
        break;
    case RLAB_TAP_REPLACE:
    case RLAB_TAP_FILL:
        if (gradient)
            memset(value, 0, (size_t)n * sizeof *value);
        else
            memcpy(value, buffer, (size_t)n * sizeof *value);
        break;
    case RLAB_TAP_SCALE:
        for (int64_t i = 0; i < n; i++)
            value[i] *= tap->factor;
        break;
    case RLAB_TAP_CALL:
        break;
    }
}

bool
rlab_tap_covers(const rlab_tap *tap, int64_t row, int64_t t, int64_t length) {
    if (tap->rows && !tap->rows[row])
        return false;
    for (int32_t p = 0; tap->places && p < tap->n_places; p++)
        if (tap->places[p] == t || tap->places[p] == t - length)
            return true;
    return !tap->places;
}

/* Rows that a sequence has had before this run. */
static int64_t
rows_before(const rlab_exec *exec, int32_t space, int32_t r) {
    return exec->step ? exec->cache[space].used[exec->batch.space[space].slot[r]] : 0;
}

/* value (N, width), rows as the exec counts them, or those that a partial run redoes. True if a row
 * is covered. */
static bool
act_rows(const rlab_exec *exec, const rlab_tap *tap, int32_t width, float *value, bool gradient) {
    const int32_t space = exec->graph->nodes.at[tap->node].space;
    const rlab_extent *e = &exec->batch.space[space];
    const rlab_rows *some = exec->partial ? rlab_partial_rows(exec, tap->node) : NULL;
    const int64_t n = some && some->at ? some->n : exec->rows[space];
    const int32_t last = tap->last ? tap->last : width;
    bool acted = false;
    for (int32_t r = 0, i = 0; r < e->n_seqs; r++) {
        const int64_t before = rows_before(exec, space, r);
        for (; i < n; i++) {
            int64_t row = e->off[0] + (some && some->at ? some->at[i] : i);
            int64_t at = tap->kind == RLAB_TAP_FILL ? 0 : row * width + tap->first;
            if (row >= e->off[r + 1])
                break;
            if (!rlab_tap_covers(tap, row, before + row - e->off[r],
                                 before + e->off[r + 1] - e->off[r]))
                continue;
            acted = true;
            act_on(tap, value + i * width + tap->first, tap->buffer ? tap->buffer + at : NULL,
                   last - tap->first, gradient);
        }
    }
    return acted;
}

/* value: cells of every sequence, (head, query, key). */
static bool
act_cells(const rlab_exec *exec, const rlab_tap *tap, const rlab_node *node, int32_t heads,
          float *value, bool gradient) {
    const rlab_extent *e = &exec->batch.space[node->space];
    const rlab_span *span = exec->span[node->space][node->key_space];
    int32_t last = tap->last ? tap->last : heads;
    bool acted = false;
    for (int32_t r = 0; r < e->n_seqs; r++) {
        const int64_t before = rows_before(exec, node->space, r);
        for (int32_t h = tap->first; h < last; h++)
            for (int32_t i = 0; i < span[r].lq; i++) {
                int64_t at =
                    span[r].cell * heads + ((int64_t)h * span[r].lq + i) * (int64_t)span[r].lk;
                if (!rlab_tap_covers(tap, e->off[r] + i, before + i, before + span[r].lq))
                    continue;
                acted = true;
                act_on(tap, value + at, tap->buffer ? tap->buffer + at : NULL, span[r].lk,
                       gradient);
            }
    }
    return acted;
}

void
rlab_taps_act(const rlab_exec *exec, int32_t number, int32_t side, float *value, bool gradient) {
    const rlab_node *node = &exec->graph->nodes.at[number];
    bool cells = side >= 0 && node->side_cells;
    int32_t width = side < 0 ? node->width : node->side_width[side];
    for (int32_t i = 0; i < exec->run.n_taps; i++) {
        const rlab_tap *tap = &exec->run.taps[i];
        bool acted = true;
        if (tap->node != number || tap->side != side)
            continue;
        if (tap->kind == RLAB_TAP_CALL)
            tap->call(tap->arg, tap, value,
                      cells ? exec->cells[node->space][node->key_space] : exec->rows[node->space],
                      width, gradient);
        else if (cells)
            acted = act_cells(exec, tap, node, width, value, gradient);
        else
            acted = act_rows(exec, tap, width, value, gradient);
        if (tap->fired && (acted || !tap->places) && (tap->kind != RLAB_TAP_GRAD || gradient))
            ++*tap->fired;
    }
}
