/* sinusoid: fixed position table, y[i] = table[position[i]], attr.width wide.
 * Source: Vaswani et al., "Attention is all you need" (NeurIPS 2017), section 3.5: sines in even
 * columns, cosines in odd ones, wavelengths from 2 pi to 10000 * 2 pi. */
#include "tensor/op.h"

#include <math.h>

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    int32_t rows = graph->indices[node->index[0]].bound, width = node->attr.width;
    if (width < 1)
        return rlab_fail(ctx, RLAB_EINTERNAL, "node '%s': width %d", node->name, width);
    RLAB_TRY(rlab_alloc(ctx, (void **)&node->table, (size_t)rows * (size_t)width, sizeof(float)));
    node->width = width;
    for (int32_t j = 0; j < width; j++) {
        double rate = pow(10000.0, -(double)(j / 2 * 2) / width);
        for (int32_t i = 0; i < rows; i++)
            node->table[(size_t)i * (size_t)width + (size_t)j] =
                (float)(j % 2 ? cos(i * rate) : sin(i * rate));
    }
    return RLAB_OK;
}

static void
forward(const rlab_call *c) {
    c->k->gather((size_t)c->rows, (size_t)c->node->width, c->node->table, c->index[0], 1.0f, 0,
                 c->y);
}

static void
backward(const rlab_call *c) {
    (void)c; /* nothing upstream has a gradient */
}

const rlab_op rlab_op_sinusoid = {
    .name = "sinusoid",
    .n_index = 1,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
