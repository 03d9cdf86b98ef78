/* Decoding: runs one space on new rows, remembers by slot what later rows and other spaces attend
 * to. */
#include "tensor/op.h"

#include <string.h>

void
rlab_cache_free(rlab_exec *exec) {
    for (size_t i = 0; exec->memory && i < exec->graph->nodes.len; i++) {
        rlab_free(exec->memory[i]);
        exec->memory[i] = NULL;
    }
    for (int32_t s = 0; s < RLAB_SPACES_MAX; s++) {
        rlab_free(exec->cache[s].used);
        rlab_free(exec->slot_seen[s]);
        memset(&exec->cache[s], 0, sizeof exec->cache[s]);
        exec->slot_seen[s] = NULL;
    }
}

static rlab_status
make_cache(rlab_ctx *ctx, rlab_exec *exec, const int32_t *slots, const int32_t *rows) {
    const rlab_graph *graph = exec->graph;
    for (int32_t s = 0; s < graph->n_spaces; s++) {
        RLAB_TRY(rlab_alloc(ctx, (void **)&exec->cache[s].used, (size_t)slots[s], sizeof(int32_t)));
        RLAB_TRY(rlab_alloc(ctx, (void **)&exec->slot_seen[s], (size_t)slots[s], 1));
        exec->cache[s].slots = slots[s];
        exec->cache[s].rows = rows[s];
    }
    for (size_t i = 0; i < graph->nodes.len; i++) {
        const rlab_node *node = &graph->nodes.at[i];
        size_t count;
        if (!node->remembered)
            continue;
        if (!rlab_size_mul((size_t)slots[node->space], (size_t)rows[node->space], &count) ||
            !rlab_size_mul(count, (size_t)node->width, &count))
            return rlab_fail(ctx, RLAB_EBUDGET, "cache: %d slots of %d rows are too many",
                             slots[node->space], rows[node->space]);
        RLAB_TRY(rlab_alloc(ctx, (void **)&exec->memory[i], count, sizeof(float)));
    }
    return rlab_exec_plan(ctx, exec, &exec->capacity);
}

rlab_status
rlab_exec_cache(rlab_ctx *ctx, rlab_exec *exec, const int32_t slots[RLAB_SPACES_MAX],
                const int32_t rows[RLAB_SPACES_MAX]) {
    for (int32_t s = 0; s < exec->graph->n_spaces; s++)
        if (slots[s] < 0 || rows[s] < 0)
            return rlab_fail(ctx, RLAB_EVALUE,
                             "cache: expected slots and rows of at least 0, got %d "
                             "and %d",
                             slots[s], rows[s]);
    rlab_cache_free(exec);
    if (make_cache(ctx, exec, slots, rows) != RLAB_OK)
        rlab_cache_free(exec);
    return ctx->status;
}

/* Copies the new rows of a remembered node to the slots of their sequences. */
static void
remember(rlab_exec *exec, int32_t number) {
    const rlab_node *node = &exec->graph->nodes.at[number];
    const rlab_extent *e = &exec->batch.space[node->space];
    const rlab_cache *cache = &exec->cache[node->space];
    const float *value;
    size_t width = (size_t)node->width;
    if (!node->remembered)
        return;
    value = rlab_exec_at(exec, number);
    for (int32_t r = 0; r < e->n_seqs; r++) {
        size_t n = (size_t)(e->off[r + 1] - e->off[r]);
        size_t to = (size_t)e->slot[r] * (size_t)cache->rows + (size_t)cache->used[e->slot[r]];
        memcpy(exec->memory[number] + to * width, value, n * width * sizeof *value);
        value += n * width;
    }
}

rlab_status
rlab_exec_step(rlab_ctx *ctx, rlab_exec *exec, const rlab_weights *weights, int32_t space,
               const rlab_batch *batch, const rlab_run *run) {
    const rlab_extent *e;
    if (space < 0 || space >= exec->graph->n_spaces)
        return rlab_fail(ctx, RLAB_EINTERNAL, "step: no space %d", space);
    if (run->training)
        return rlab_fail(ctx, RLAB_EINTERNAL, "step: not in training");
    exec->step = true;
    exec->weights = weights;
    RLAB_TRY(rlab_exec_bind(ctx, exec, batch, run, space));
    rlab_exec_nodes(exec, space, NULL, remember);
    e = &exec->batch.space[space];
    for (int32_t r = 0; r < e->n_seqs; r++)
        exec->cache[space].used[e->slot[r]] += (int32_t)(e->off[r + 1] - e->off[r]);
    return RLAB_OK;
}

int32_t
rlab_exec_slots(const rlab_exec *exec, int32_t space) {
    return exec->cache[space].slots;
}

int32_t
rlab_exec_slot_rows(const rlab_exec *exec, int32_t space, int32_t slot) {
    assert(slot >= 0 && slot < exec->cache[space].slots);
    return exec->cache[space].used[slot];
}

void
rlab_exec_slot_reset(rlab_exec *exec, int32_t space, int32_t slot) {
    assert(slot >= 0 && slot < exec->cache[space].slots);
    exec->cache[space].used[slot] = 0;
}

void
rlab_exec_slot_copy(rlab_exec *exec, int32_t space, int32_t from, int32_t to) {
    rlab_cache *cache = &exec->cache[space];
    assert(from >= 0 && from < cache->slots && to >= 0 && to < cache->slots);
    if (from == to)
        return;
    for (size_t i = 0; i < exec->graph->nodes.len; i++) {
        const rlab_node *node = &exec->graph->nodes.at[i];
        size_t slot = (size_t)cache->rows * (size_t)node->width;
        if (exec->memory[i] && node->space == space)
            memcpy(exec->memory[i] + (size_t)to * slot, exec->memory[i] + (size_t)from * slot,
                   (size_t)cache->used[from] * (size_t)node->width * sizeof(float));
    }
    cache->used[to] = cache->used[from];
}
