/* rmsnorm: y = gamma x / sqrt(mean(x^2) + eps), row by row. Side value 0: 1 / sqrt(mean(x^2) +
 * eps); passing: 1, sqrt(mean(x^2) + eps), and 2, what gamma multiplies. */
#include "tensor/op.h"

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    node->width = graph->nodes.at[node->in[0]].width;
    node->side_width[0] = node->side_width[1] = 1;
    node->side_width[2] = node->width;
    node->passing[1] = node->passing[2] = true;
    return rlab_op_param(ctx, graph, node, 0, "gamma", node->width, 1);
}

/* Shows what passes to the taps, and goes on with what they leave. */
static void
forward_tapped(const rlab_call *c) {
    const size_t n = (size_t)c->rows, width = (size_t)c->node->width;
    float *y = c->y;
    c->k->rmsnorm_fwd(n, width, c->x[0], c->w[0], c->node->attr.eps, y, c->side[0]);
    for (size_t i = 0; i < n; i++)
        c->work[i] = 1 / c->side[0][i];
    c->edit_side(c, 1, c->work);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < width; j++)
            y[i * width + j] = c->x[0][i * width + j] / c->work[i];
    c->edit_side(c, 2, y);
    for (size_t i = 0; c->edits_side && i < n; i++)
        for (size_t j = 0; j < width; j++)
            y[i * width + j] *= c->w[0][j];
}

static void
forward(const rlab_call *c) {
    if (c->passing)
        forward_tapped(c);
    if (c->passing && c->edits_side)
        return;
    c->k->rmsnorm_fwd((size_t)c->rows, (size_t)c->node->width, c->x[0], c->w[0], c->node->attr.eps,
                      c->y, c->side[0]);
}

static void
backward(const rlab_call *c) {
    if (c->dx[0])
        c->k->rmsnorm_bwd((size_t)c->rows, (size_t)c->node->width, c->x[0], c->w[0], c->side[0],
                          c->dy, c->acc[0], c->dx[0], c->dw[0]);
}

static size_t
work(const rlab_node *node, const rlab_graph *graph, const rlab_sizes *s, const rlab_kernels *k) {
    (void)node, (void)graph, (void)k;
    return (size_t)s->rows;
}

const rlab_op rlab_op_rmsnorm = {
    .name = "rmsnorm",
    .n_in = 1,
    .params_least = 1,
    .params_most = 1,
    .flags = RLAB_KEEPS_IN0 | RLAB_EDITS_SIDE,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .work = work,
};
