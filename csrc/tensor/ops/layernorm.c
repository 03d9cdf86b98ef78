/* layernorm: y = gamma (x - mean) / sqrt(var + eps) + beta, row by row; beta may be left out. Side
 * values 0, 1: mean and 1 / sqrt(var + eps) of every row. */
#include "tensor/op.h"

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    node->width = graph->nodes.at[node->in[0]].width;
    node->side_width[0] = node->side_width[1] = 1;
    RLAB_TRY(rlab_op_param(ctx, graph, node, 0, "gamma", node->width, 1));
    return rlab_op_param(ctx, graph, node, 1, "beta", node->width, 1);
}

static void
forward(const rlab_call *c) {
    c->k->layernorm_fwd((size_t)c->rows, (size_t)c->node->width, c->x[0], c->w[0], c->w[1],
                        c->node->attr.eps, c->y, c->side[0], c->side[1]);
}

static void
backward(const rlab_call *c) {
    if (c->dx[0])
        c->k->layernorm_bwd((size_t)c->rows, (size_t)c->node->width, c->x[0], c->w[0], c->side[0],
                            c->side[1], c->dy, c->acc[0], c->dx[0], c->dw[0], c->dw[1]);
}

const rlab_op rlab_op_layernorm = {
    .name = "layernorm",
    .n_in = 1,
    .params_least = 1,
    .params_most = 2,
    .flags = RLAB_KEEPS_IN0,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
