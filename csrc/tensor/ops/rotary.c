/* rotary: each head's columns j and j + d/2 are turned by position * theta^(-2j/d), so that
 * products of queries and keys depend on their distance. Positions below attr.width come from a
 * table, later ones are computed as they come, to the same bits. Source: Su et al., "RoFormer:
 * Enhanced transformer with rotary position embedding" (arXiv 2104.09864), equation 34, in the
 * order of columns of GPT-NeoX and LLaMA. */
#include "tensor/op.h"

#include <math.h>

static const double THETA = 10000.0;

static size_t
half_of(const rlab_node *node) {
    return (size_t)(node->width / node->attr.heads / 2);
}

/* cosines, then sines, of one position: out (2, half). */
static void
angles(size_t half, int32_t position, float *out) {
    for (size_t j = 0; j < half; j++) {
        double angle = position * pow(THETA, -(double)j / (double)half);
        out[j] = (float)cos(angle);
        out[half + j] = (float)sin(angle);
    }
}

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    int32_t width = graph->nodes.at[node->in[0]].width, heads = node->attr.heads;
    int32_t rows = node->attr.width;
    if (heads < 1 || rows < 1 || width % (2 * heads))
        return rlab_fail(ctx, RLAB_EVALUE,
                         "node '%s': rotary positions want heads of even width, got %d heads in %d "
                         "columns; change d_head or n_heads",
                         node->name, heads, width);
    node->width = width;
    RLAB_TRY(
        rlab_alloc(ctx, (void **)&node->table, (size_t)rows * 2 * half_of(node), sizeof(float)));
    for (int32_t i = 0; i < rows; i++)
        angles(half_of(node), i, node->table + (size_t)i * 2 * half_of(node));
    return RLAB_OK;
}

/* y by acc = x turned forward (sign 1) or back (sign -1). */
static void
turn(const rlab_call *c, float sign, const float *x, int acc, float *y) {
    const size_t half = half_of(c->node), heads = (size_t)c->node->attr.heads;
    for (int64_t i = 0; i < c->rows; i++) {
        const int32_t position = c->index[0][i];
        const float *turns = c->node->table + (size_t)position * 2 * half;
        if (position >= c->node->attr.width) {
            angles(half, position, c->work);
            turns = c->work;
        }
        for (size_t h = 0; h < heads; h++, x += 2 * half, y += 2 * half)
            for (size_t j = 0; j < half; j++) {
                const float cosine = turns[j], sine = sign * turns[half + j];
                const float a = x[j], b = x[half + j];
                const float u = a * cosine - b * sine, v = b * cosine + a * sine;
                y[j] = acc ? y[j] + u : u;
                y[half + j] = acc ? y[half + j] + v : v;
            }
    }
}

static void
forward(const rlab_call *c) {
    turn(c, 1.0f, c->x[0], 0, c->y);
}

static void
backward(const rlab_call *c) {
    if (c->dx[0])
        turn(c, -1.0f, c->dy, c->acc[0], c->dx[0]);
}

static double
flops(const rlab_node *node, const rlab_graph *graph, const rlab_sizes *s, bool backward_too) {
    (void)graph;
    (void)backward_too;
    return 3.0 * (double)s->rows * (double)node->width;
}

static size_t
work(const rlab_node *node, const rlab_graph *graph, const rlab_sizes *s, const rlab_kernels *k) {
    (void)graph;
    (void)s;
    (void)k;
    return 2 * half_of(node);
}

const rlab_op rlab_op_rotary = {
    .name = "rotary",
    .n_in = 1,
    .n_index = 1,
    .flags = RLAB_IN_PLACE,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .work = work,
};
