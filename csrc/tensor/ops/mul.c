/* mul: y = a * b, element by element: the gate of a gated feed-forward layer. */
#include "tensor/op.h"

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
    .shape = rlab_op_elementwise,
    .forward = forward,
    .backward = backward,
};
