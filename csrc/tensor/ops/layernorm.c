/* layernorm: y = gamma (x - mean) / sqrt(var + eps) + beta, row by row; beta may be left out. Side
 * values 0, 1: mean and 1 / sqrt(var + eps) of every row; passing: 2, sqrt(var + eps), and 3, what
 * gamma multiplies. */
#include "tensor/op.h"

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    node->width = graph->nodes.at[node->in[0]].width;
    node->side_width[0] = node->side_width[1] = node->side_width[2] = 1;
    node->side_width[3] = node->width;
    node->passing[2] = node->passing[3] = true;
    RLAB_TRY(rlab_op_param(ctx, graph, node, 0, "gamma", node->width, 1));
    return rlab_op_param(ctx, graph, node, 1, "beta", node->width, 1);
}

/* Shows what passes to the taps, and goes on with what they leave. */
static void
forward_tapped(const rlab_call *c) {
    const size_t n = (size_t)c->rows, width = (size_t)c->node->width;
    float *y = c->y;
    c->k->layernorm_fwd(n, width, c->x[0], NULL, NULL, c->node->attr.eps, y, c->side[0],
                        c->side[1]);
    for (size_t i = 0; i < n; i++)
        c->work[i] = 1 / c->side[1][i];
    c->edit_side(c, 2, c->work);
    for (size_t i = 0; c->edits_side && i < n; i++)
        for (size_t j = 0; j < width; j++)
            y[i * width + j] = (c->x[0][i * width + j] - c->side[0][i]) / c->work[i];
    c->edit_side(c, 3, y);
    for (size_t i = 0; c->edits_side && i < n; i++)
        for (size_t j = 0; j < width; j++)
            y[i * width + j] = y[i * width + j] * c->w[0][j] + (c->w[1] ? c->w[1][j] : 0.0f);
}

static void
forward(const rlab_call *c) {
    if (c->passing)
        forward_tapped(c);
    if (c->passing && c->edits_side)
        return;
    c->k->layernorm_fwd((size_t)c->rows, (size_t)c->node->width, c->x[0], c->w[0], c->w[1],
                        c->node->attr.eps, c->y, c->side[0], c->side[1]);
}

static void
backward(const rlab_call *c) {
    if (c->dx[0])
        c->k->layernorm_bwd((size_t)c->rows, (size_t)c->node->width, c->x[0], c->w[0], c->side[0],
                            c->side[1], c->dy, c->acc[0], c->dx[0], c->dw[0], c->dw[1]);
}

static size_t
work(const rlab_node *node, const rlab_graph *graph, const rlab_sizes *s, const rlab_kernels *k) {
    (void)node, (void)graph, (void)k;
    return (size_t)s->rows;
}

const rlab_op rlab_op_layernorm = {
    .name = "layernorm",
    .n_in = 1,
    .params_least = 1,
    .params_most = 2,
    .flags = RLAB_KEEPS_IN0 | RLAB_EDITS_SIDE,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .work = work,
};
