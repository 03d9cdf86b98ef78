/* add: y = a + b, the residual stream's sum. The plan may let b stand where y stands, and a's and
 * b's gradients where y's stands; then there is nothing to do backward. */
#include "tensor/op.h"

#include <string.h>

static void
forward(const rlab_call *c) {
    c->k->add((size_t)c->rows * (size_t)c->node->width, c->x[0], c->x[1], c->y);
}

static void
backward(const rlab_call *c) {
    size_t n = (size_t)c->rows * (size_t)c->node->width;
    for (int k = 0; k < 2; k++) {
        if (!c->dx[k])
            continue;
        if (c->acc[k])
            c->k->axpy(n, 1.0f, c->dy, c->dx[k]);
        else
            memcpy(c->dx[k], c->dy, n * sizeof *c->dy);
    }
}

const rlab_op rlab_op_add = {
    .name = "add",
    .n_in = 2,
    .flags = RLAB_IS_SUM,
    .shape = rlab_op_elementwise,
    .forward = forward,
    .backward = backward,
};
