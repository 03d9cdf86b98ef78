/* act: y = attr.act(x), element by element, where it does not follow a linear directly. */
#include "tensor/op.h"

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    (void)ctx;
    node->width = graph->nodes.at[node->in[0]].width;
    return RLAB_OK;
}

static void
forward(const rlab_call *c) {
    c->k->act_fwd(c->node->attr.act, (size_t)c->rows * (size_t)c->node->width, c->x[0], c->y);
}

static void
backward(const rlab_call *c) {
    if (c->dx[0])
        c->k->act_bwd(c->node->attr.act, (size_t)c->rows * (size_t)c->node->width, c->x[0], c->dy,
                      c->acc[0], c->dx[0]);
}

const rlab_op rlab_op_act = {
    .name = "act",
    .n_in = 1,
    .flags = RLAB_KEEPS_IN0,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
