/* dropout: in training, each element is 0 with probability attr.p, else divided by 1 - p. The mask
 * is a function of (seed, step, node, sequence id, element of the sequence), so shards and threads
 * change nothing. */
#include "tensor/op.h"

#include <string.h>

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    node->width = graph->nodes.at[node->in[0]].width;
    if (!(node->attr.p >= 0 && node->attr.p < 1))
        return rlab_fail(ctx, RLAB_EVALUE,
                         "node '%s': dropout: expected at least 0 and below 1, got %g", node->name,
                         (double)node->attr.p);
    return RLAB_OK;
}

static void
mask(const rlab_call *c, const float *from, int acc, float *to) {
    size_t width = (size_t)c->node->width;
    for (int32_t r = 0; r < c->n_seqs; r++) {
        size_t row = (size_t)(c->off[r] - c->off[0]), n = (size_t)(c->off[r + 1] - c->off[r]);
        rlab_dropout d = rlab_call_dropout(c, r);
        c->k->dropout(n * width, &d, from + row * width, acc, to + row * width);
    }
}

static void
forward(const rlab_call *c) {
    if (c->training && c->node->attr.p > 0)
        mask(c, c->x[0], 0, c->y);
    else if (c->y != c->x[0])
        memcpy(c->y, c->x[0], (size_t)c->rows * (size_t)c->node->width * sizeof *c->y);
}

static void
backward(const rlab_call *c) {
    if (c->dx[0])
        mask(c, c->dy, c->acc[0], c->dx[0]);
}

const rlab_op rlab_op_dropout = {
    .name = "dropout",
    .n_in = 1,
    .flags = RLAB_IN_PLACE,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
