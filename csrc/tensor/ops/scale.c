/* scale: y = attr.scale x, what T5 does to the residual stream before tied logits. */
#include "tensor/op.h"

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    (void)ctx;
    node->width = graph->nodes.at[node->in[0]].width;
    return RLAB_OK;
}

static void
forward(const rlab_call *c) {
    c->k->scale((size_t)c->rows * (size_t)c->node->width, c->node->attr.scale, c->x[0], c->y);
}

static void
backward(const rlab_call *c) {
    size_t n = (size_t)c->rows * (size_t)c->node->width;
    if (!c->dx[0])
        return;
    if (c->acc[0])
        c->k->axpy(n, c->node->attr.scale, c->dy, c->dx[0]);
    else
        c->k->scale(n, c->node->attr.scale, c->dy, c->dx[0]);
}

const rlab_op rlab_op_scale = {
    .name = "scale",
    .n_in = 1,
    .flags = RLAB_IN_PLACE,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
