/* embed: rows of a table by an integer input, y = scale * table[index]. attr.scale 0 means 1. */
#include "tensor/op.h"

static float
factor(const rlab_node *node) {
    return node->attr.scale != 0 ? node->attr.scale : 1.0f;
}

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    const rlab_param *table = &graph->params.at[node->param[0]];
    node->width = table->cols;
    return rlab_op_param(ctx, graph, node, 0, "table", graph->indices[node->index[0]].bound,
                         node->width);
}

static void
forward(const rlab_call *c) {
    c->k->gather((size_t)c->rows, (size_t)c->node->width, c->w[0], c->index[0], factor(c->node), 0,
                 c->y);
}

static void
backward(const rlab_call *c) {
    c->k->scatter_add((size_t)c->rows, (size_t)c->node->width, c->index[0], factor(c->node), c->dy,
                      c->dw[0]);
}

const rlab_op rlab_op_embed = {
    .name = "embed",
    .params_least = 1,
    .params_most = 1,
    .n_index = 1,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
