/* mul: y = a * b, element by element: the gate of a gated feed-forward layer. */
#include "tensor/op.h"

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
    c->k->mul((size_t)c->rows * (size_t)c->node->width, c->x[0], c->x[1], c->y);
}

static void
backward(const rlab_call *c) {
    size_t n = (size_t)c->rows * (size_t)c->node->width;
    for (int k = 0; k < 2; k++) {
        if (!c->dx[k])
            continue;
        if (c->acc[k])
            c->k->muladd(n, c->dy, c->x[1 - k], c->dx[k]);
        else
            c->k->mul(n, c->dy, c->x[1 - k], c->dx[k]);
    }
}

const rlab_op rlab_op_mul = {
    .name = "mul",
    .n_in = 2,
    .flags = RLAB_KEEPS_IN0 | RLAB_KEEPS_IN1,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
