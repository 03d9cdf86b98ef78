/* rmsnorm: y = gamma x / sqrt(mean(x^2) + eps), row by row. Side value 0: 1 / sqrt(mean(x^2) +
 * eps). */
#include "tensor/op.h"

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    node->width = graph->nodes.at[node->in[0]].width;
    node->side_width[0] = 1;
    return rlab_op_param(ctx, graph, node, 0, "gamma", node->width, 1);
}

static void
forward(const rlab_call *c) {
    c->k->rmsnorm_fwd((size_t)c->rows, (size_t)c->node->width, c->x[0], c->w[0], c->node->attr.eps,
                      c->y, c->side[0]);
}

static void
backward(const rlab_call *c) {
    if (c->dx[0])
        c->k->rmsnorm_bwd((size_t)c->rows, (size_t)c->node->width, c->x[0], c->w[0], c->side[0],
                          c->dy, c->acc[0], c->dx[0], c->dw[0]);
}

const rlab_op rlab_op_rmsnorm = {
    .name = "rmsnorm",
    .n_in = 1,
    .params_least = 1,
    .params_most = 1,
    .flags = RLAB_KEEPS_IN0,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
