/* Where every value, side value and gradient lies in the slab: one place per buffer, by lifetimes.
 */
#include "tensor/op.h"

#include <stdlib.h>
#include <string.h>

rlab_status
rlab_layout_new(rlab_ctx *ctx, rlab_layout *layout, const rlab_graph *graph) {
    size_t n = graph->nodes.len;
    memset(layout, 0, sizeof *layout);
    RLAB_TRY(rlab_alloc(ctx, (void **)&layout->value_root, n, sizeof *layout->value_root));
    RLAB_TRY(rlab_alloc(ctx, (void **)&layout->grad_root, n, sizeof *layout->grad_root));
    RLAB_TRY(rlab_alloc(ctx, (void **)&layout->value, n, sizeof *layout->value));
    RLAB_TRY(rlab_alloc(ctx, (void **)&layout->grad, n, sizeof *layout->grad));
    RLAB_TRY(rlab_alloc(ctx, (void **)&layout->side, n * RLAB_SIDE_MAX, sizeof *layout->side));
    RLAB_TRY(rlab_alloc(ctx, (void **)&layout->fused, n, sizeof *layout->fused));
    RLAB_TRY(rlab_alloc(ctx, (void **)&layout->gate, n, sizeof *layout->gate));
    RLAB_TRY(rlab_alloc(ctx, (void **)&layout->acc, n * RLAB_NODE_IN_MAX, sizeof *layout->acc));
    return RLAB_OK;
}

void
rlab_layout_free(rlab_layout *layout) {
    rlab_free(layout->value_root);
    rlab_free(layout->grad_root);
    rlab_free(layout->value);
    rlab_free(layout->grad);
    rlab_free(layout->side);
    rlab_free(layout->fused);
    rlab_free(layout->gate);
    rlab_free(layout->acc);
    memset(layout, 0, sizeof *layout);
}

static int
uses(const rlab_graph *graph, int32_t node) {
    int count = graph->nodes.at[node].output;
    for (size_t j = (size_t)node + 1; j < graph->nodes.len; j++)
        for (int32_t k = 0; k < graph->nodes.at[j].n_in; k++)
            count += graph->nodes.at[j].in[k] == node;
    return count;
}

/* Lets values share a buffer: a sum with the branch it adds, an in-place op with its input. The
 * input must have no other use, and nobody's backward may want it. */
static void
share_values(rlab_layout *layout, const rlab_graph *graph) {
    for (int32_t i = 0; i < (int32_t)graph->nodes.len; i++) {
        layout->value_root[i] = i;
        layout->fused[i] = RLAB_NONE;
    }
    for (int32_t i = (int32_t)graph->nodes.len - 1; i >= 0 && !layout->keep; i--) {
        const rlab_node *node = &graph->nodes.at[i];
        bool sum = (node->op->flags & RLAB_IS_SUM) != 0;
        int32_t b;
        const rlab_node *in;
        if (!sum && !(node->op->flags & RLAB_IN_PLACE))
            continue;
        b = node->in[sum ? 1 : 0];
        in = &graph->nodes.at[b];
        if (uses(graph, b) != 1 || in->from_value || in->remembered || (sum && node->in[0] > b))
            continue;
        layout->value_root[b] = layout->value_root[i];
        if (sum && (in->op->flags & RLAB_TAKES_RESIDUAL) && in->attr.act == RLAB_ACT_NONE) {
            layout->fused[b] = i;
            layout->fused[i] = b;
        }
    }
}

/* Whether every use of node a, but by node `sum`, has a number below `limit`: then backward writes
 * to a's gradient only after node `limit` has read its own. */
static bool
used_below(const rlab_graph *graph, int32_t a, int32_t sum, int32_t limit) {
    for (int32_t j = limit; j < (int32_t)graph->nodes.len; j++)
        for (int32_t k = 0; k < graph->nodes.at[j].n_in; k++)
            if (j != sum && graph->nodes.at[j].in[k] == a)
                return false;
    return true;
}

/* Lets the inputs of a sum use its gradient as theirs. The branch must have no other use, be no sum
 * itself, and read its gradient before others add to it. */
static void
share_grads(rlab_layout *layout, const rlab_graph *graph, bool share) {
    const rlab_node *nodes = graph->nodes.at;
    for (int32_t i = 0; i < (int32_t)graph->nodes.len; i++)
        layout->grad_root[i] = i;
    for (int32_t i = (int32_t)graph->nodes.len - 1; share && i >= 0; i--) {
        int32_t a = nodes[i].in[0], b = nodes[i].in[1];
        if (!(nodes[i].op->flags & RLAB_IS_SUM) || !nodes[i].grads || a == b)
            continue;
        if (b > a && uses(graph, b) == 1 && nodes[b].grads && !nodes[b].spoils_dy &&
            !(nodes[b].op->flags & RLAB_IS_SUM) && used_below(graph, a, i, b))
            layout->grad_root[b] = layout->grad_root[i];
        if (nodes[a].grads && !nodes[a].spoils_dy && used_below(graph, a, i, b))
            layout->grad_root[a] = layout->grad_root[i];
    }
}

/* Lets the only user of a ReLU pass its gradient back through it, while the product is at hand. */
static void
find_gates(rlab_layout *layout, const rlab_graph *graph, bool share) {
    const rlab_node *nodes = graph->nodes.at;
    for (int32_t i = 0; i < (int32_t)graph->nodes.len; i++)
        layout->gate[i] = RLAB_NONE;
    for (int32_t i = 0; share && i < (int32_t)graph->nodes.len; i++) {
        const int32_t from = nodes[i].n_in ? nodes[i].in[0] : RLAB_NONE;
        if (!(nodes[i].op->flags & RLAB_GATES) || !nodes[i].grads || !nodes[from].from_value ||
            !nodes[from].grads || uses(graph, from) != 1)
            continue;
        layout->gate[i] = from;
        layout->gate[from] = i;
    }
}

/* Which backward overwrites a gradient (the first to reach it) and which adds. */
static void
order_grads(rlab_layout *layout, const rlab_graph *graph, uint8_t *written) {
    const rlab_node *nodes = graph->nodes.at;
    for (int32_t i = (int32_t)graph->nodes.len - 1; i >= 0; i--)
        for (int32_t k = 0; k < RLAB_NODE_IN_MAX; k++) {
            int8_t *acc = &layout->acc[i * RLAB_NODE_IN_MAX + k];
            int32_t to;
            *acc = -1;
            if (!nodes[i].grads || k >= nodes[i].n_in || !nodes[nodes[i].in[k]].grads)
                continue;
            to = layout->grad_root[nodes[i].in[k]];
            if (to == layout->grad_root[i] && to != nodes[i].in[k])
                continue; /* shared with the sum's own */
            *acc = (int8_t)written[to];
            written[to] = 1;
        }
}

static void
extend(rlab_place *place, int32_t first, int32_t last) {
    place->first = first < place->first ? first : place->first;
    place->last = last > place->last ? last : place->last;
}

static rlab_status
buffer_size(rlab_ctx *ctx, size_t *out, int64_t rows, int32_t width) {
    if (!rlab_size_mul((size_t)rows, (size_t)width, out) || *out > SIZE_MAX / sizeof(float) / 64)
        return rlab_fail(ctx, RLAB_EBUDGET, "activations: %lld rows of %d floats are too many",
                         (long long)rows, width);
    *out = (*out + 15) / 16 * 16;
    return RLAB_OK;
}

/* Sizes and lifetimes of all buffers. Time of forward of node i: i; of its backward: 2n - 1 - i. */
static rlab_status
find_lives(rlab_ctx *ctx, rlab_layout *layout, const rlab_graph *graph,
           const rlab_capacity *capacity, bool training, bool share) {
    int32_t n = (int32_t)graph->nodes.len;
    for (int32_t i = 0; i < n; i++) {
        const rlab_place never = {0, 0, INT32_MAX, -1};
        layout->value[i] = layout->grad[i] = never;
        for (int32_t k = 0; k < RLAB_SIDE_MAX; k++)
            layout->side[i * RLAB_SIDE_MAX + k] = never;
    }
    for (int32_t i = 0; i < n; i++) {
        const rlab_node *node = &graph->nodes.at[i];
        bool keeps = training && node->grads;
        int32_t back = 2 * n - 1 - i, end = keeps && !(node->from_value && share) ? back : i;
        rlab_place *value = &layout->value[layout->value_root[i]];
        rlab_place *grad = &layout->grad[layout->grad_root[i]];
        int64_t rows = capacity->rows[node->space];
        int64_t cells =
            node->key_space == RLAB_NONE ? 0 : capacity->cells[node->space][node->key_space];
        RLAB_TRY(buffer_size(ctx, &value->size, rows, node->width));
        extend(value, i, keeps && node->from_value ? back : i);
        if (node->output || layout->keep)
            extend(value, i, 2 * n);
        for (int32_t k = 0; k < node->n_in; k++)
            extend(&layout->value[layout->value_root[node->in[k]]], i,
                   keeps && (node->op->flags & (unsigned)(RLAB_KEEPS_IN0 << k)) ? back : i);
        for (int32_t k = 0; k < RLAB_SIDE_MAX; k++) {
            rlab_place *side = &layout->side[i * RLAB_SIDE_MAX + k];
            if (!node->side_width[k] || node->passing[k])
                continue;
            RLAB_TRY(buffer_size(ctx, &side->size, node->side_cells ? cells : rows,
                                 node->side_width[k]));
            extend(side, i, end);
        }
        if (!keeps)
            continue;
        RLAB_TRY(buffer_size(ctx, &grad->size, rows, node->width));
        extend(grad, back, back);
        for (int32_t k = 0; k < node->n_in; k++)
            if (graph->nodes.at[node->in[k]].grads)
                extend(&layout->grad[layout->grad_root[node->in[k]]], back, back);
    }
    return RLAB_OK;
}

static int
by_size(const void *a, const void *b) {
    const rlab_place *x = *(rlab_place *const *)a, *y = *(rlab_place *const *)b;
    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x < y ? -1 : 1;
}

static int
by_offset(const void *a, const void *b) {
    const rlab_place *x = *(rlab_place *const *)a, *y = *(rlab_place *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Largest first, each at the lowest offset where nothing alive at the same time lies. */
static void
place_all(rlab_layout *layout, rlab_place **list, size_t count, rlab_place **near) {
    qsort(list, count, sizeof *list, by_size);
    layout->size = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = 0, at = 0;
        for (size_t j = 0; j < i; j++)
            if (list[j]->first <= list[i]->last && list[i]->first <= list[j]->last)
                near[n++] = list[j];
        qsort(near, n, sizeof *near, by_offset);
        for (size_t j = 0; j < n; j++) {
            if (near[j]->offset >= at + list[i]->size)
                break;
            if (near[j]->offset + near[j]->size > at)
                at = near[j]->offset + near[j]->size;
        }
        list[i]->offset = at;
        if (at + list[i]->size > layout->size)
            layout->size = at + list[i]->size;
    }
}

static size_t
list_places(rlab_layout *layout, const rlab_graph *graph, rlab_place **list) {
    size_t count = 0, n = graph->nodes.len;
    for (size_t i = 0; i < n * (RLAB_SIDE_MAX + 2); i++) {
        rlab_place *p = i < n       ? &layout->value[i]
                        : i < 2 * n ? &layout->grad[i - n]
                                    : &layout->side[i - 2 * n];
        if (p->last >= 0 && p->size)
            list[count++] = p;
    }
    return count;
}

static size_t
scratch(const rlab_graph *graph, const rlab_kernels *kernels, const rlab_capacity *capacity,
        int64_t cache_rows) {
    size_t most = kernels->gemm_work;
    for (size_t i = 0; i < graph->nodes.len; i++) {
        const rlab_node *node = &graph->nodes.at[i];
        int32_t q = node->space, k = node->key_space == RLAB_NONE ? q : node->key_space;
        rlab_sizes s = {capacity->rows[q], capacity->rows[k], capacity->cells[q][k],
                        capacity->longest[q], capacity->longest[k]};
        size_t want;
        if (!node->op->work)
            continue;
        s.key_longest = cache_rows > s.key_longest ? cache_rows : s.key_longest;
        want = node->op->work(node, graph, &s, kernels);
        most = want > most ? want : most;
    }
    return most;
}

rlab_status
rlab_layout_plan(rlab_ctx *ctx, rlab_layout *layout, const rlab_graph *graph,
                 const rlab_kernels *kernels, const rlab_capacity *capacity, int64_t cache_rows,
                 bool training, bool share) {
    size_t most = graph->nodes.len * (RLAB_SIDE_MAX + 2), count;
    rlab_place **list = NULL, **near = NULL;
    uint8_t *written = NULL;
    rlab_status status = RLAB_OK;
    if ((status = rlab_alloc(ctx, (void **)&list, most, sizeof *list)) != RLAB_OK ||
        (status = rlab_alloc(ctx, (void **)&near, most, sizeof *near)) != RLAB_OK ||
        (status = rlab_alloc(ctx, (void **)&written, graph->nodes.len, 1)) != RLAB_OK)
        goto fail;
    share_values(layout, graph);
    share_grads(layout, graph, share);
    find_gates(layout, graph, share);
    order_grads(layout, graph, written);
    status = find_lives(ctx, layout, graph, capacity, training, share);
    if (status != RLAB_OK)
        goto fail;
    count = list_places(layout, graph, list);
    place_all(layout, list, count, near);
    layout->work = scratch(graph, kernels, capacity, cache_rows);
fail:
    rlab_free(list);
    rlab_free(near);
    rlab_free(written);
    return status;
}
