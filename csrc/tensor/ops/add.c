/* add: y = a + b, the residual stream's sum. The plan may let b stand where y stands, and a's and
 * b's gradients where y's stands; then there is nothing to do backward. */
#include "tensor/op.h"

#include <string.h>

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    const rlab_node *a = &graph->nodes.at[node->in[0]], *b = &graph->nodes.at[node->in[1]];
    if (a->width != b->width || a->space != node->space || b->space != node->space)
        return rlab_fail(ctx, RLAB_EINTERNAL, "node '%s': '%s' is %d wide, '%s' %d", node->name,
                         a->name, a->width, b->name, b->width);
    node->width = a->width;
    return RLAB_OK;
}

static void
forward(const rlab_call *c) {
    c->k->add((size_t)c->rows * (size_t)c->node->width, c->x[0], c->x[1], c->y);
}

static void
backward(const rlab_call *c) {
    size_t n = (size_t)c->rows * (size_t)c->node->width;
    for (int k = 0; k < 2; k++) {
        if (!c->dx[k])
            continue;
        if (c->acc[k])
            c->k->axpy(n, 1.0f, c->dy, c->dx[k]);
        else
            memcpy(c->dx[k], c->dy, n * sizeof *c->dy);
    }
}

const rlab_op rlab_op_add = {
    .name = "add",
    .n_in = 2,
    .flags = RLAB_IS_SUM,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
