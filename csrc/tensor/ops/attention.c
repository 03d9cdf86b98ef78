/* attention: z = softmax(scale q k^T) v per sequence and head. Queries are rows of the node's
 * space; keys and values rows of their own, seen through spans. Side value 0: the pattern before
 * dropout, per cell and head. */
#include "tensor/op.h"

#include <math.h>
#include <string.h>

static int32_t
kv_heads(const rlab_node *node) {
    return node->attr.kv_heads ? node->attr.kv_heads : node->attr.heads;
}

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    const rlab_node *q = &graph->nodes.at[node->in[0]], *k = &graph->nodes.at[node->in[1]],
                    *v = &graph->nodes.at[node->in[2]];
    int32_t heads = node->attr.heads, kv = kv_heads(node);
    if (heads < 1 || kv < 1 || q->width % heads || heads % kv ||
        k->width != q->width / heads * kv || v->width != k->width || q->space != node->space ||
        k->space != v->space || (node->attr.causal && k->space != node->space))
        return rlab_fail(ctx, RLAB_EINTERNAL,
                         "node '%s': %d heads, %d of keys, on widths %d, %d and %d", node->name,
                         heads, kv, q->width, k->width, v->width);
    node->width = q->width;
    node->key_space = k->space;
    node->side_width[0] = heads;
    node->side_cells = true;
    return RLAB_OK;
}

/* What is the same for all sequences. */
static rlab_attention
settings(const rlab_node *node) {
    rlab_attention t;
    memset(&t, 0, sizeof t);
    t.h = (size_t)node->attr.heads;
    t.group = t.h / (size_t)kv_heads(node);
    t.d = (size_t)node->width / t.h;
    t.ldq = t.ldo = (size_t)node->width;
    t.ldk = t.ldv = t.d * t.h / t.group;
    t.scale = node->attr.scale != 0 ? node->attr.scale : (float)(1.0 / sqrt((double)t.d));
    t.causal = node->attr.causal;
    return t;
}

static rlab_attention
of_sequence(const rlab_call *c, const rlab_attention *shared, int32_t r) {
    rlab_attention t = *shared;
    t.lq = (size_t)c->span[r].lq;
    t.lk = (size_t)c->span[r].lk;
    t.shift = t.causal ? t.lk - t.lq : 0;
    if (c->training && c->node->attr.p > 0)
        t.drop = rlab_call_dropout(c, r);
    return t;
}

/* z = pattern v again, after a tap changed the pattern. */
static void
apply_pattern(const rlab_call *c, const rlab_attention *shared) {
    for (int32_t r = 0; r < c->n_seqs; r++) {
        rlab_attention t = of_sequence(c, shared, r);
        const float *pattern = c->side[0] + (size_t)c->span[r].cell * t.h;
        const float *v = c->x[2] + (size_t)c->span[r].k * t.ldv;
        float *z = c->y + (size_t)c->span[r].q * t.ldo;
        for (size_t h = 0; h < t.h; h++)
            c->k->gemm(RLAB_NN, t.lq, t.d, t.lk, pattern + h * t.lq * t.lk, t.lk,
                       v + h / t.group * t.d, t.ldv, 0, z + h * t.d, t.ldo, NULL, c->work);
    }
}

static void
forward(const rlab_call *c) {
    rlab_attention shared = settings(c->node);
    for (int32_t r = 0; r < c->n_seqs; r++) {
        rlab_attention t = of_sequence(c, &shared, r);
        size_t q = (size_t)c->span[r].q, k = (size_t)c->span[r].k;
        c->k->attention_fwd(&t, 0, t.h, c->x[0] + q * t.ldq, c->x[1] + k * t.ldk,
                            c->x[2] + k * t.ldv, c->y + q * t.ldo,
                            c->wants_side ? c->side[0] + (size_t)c->span[r].cell * t.h : NULL,
                            c->work);
    }
    if (c->edits_side) {
        c->edit_side(c, 0);
        apply_pattern(c, &shared);
    }
}

/* Makes the three gradients ready to be added to where they cannot simply be overwritten: when some
 * query sequences share keys, or when only some are to be added to. Returns what the kernel's acc
 * is to be. */
static int
prepare(const rlab_call *c, const rlab_attention *t) {
    const size_t size[3] = {(size_t)c->rows * t->ldq, (size_t)c->key_rows * t->ldk,
                            (size_t)c->key_rows * t->ldv};
    int any = c->acc[0] | c->acc[1] | c->acc[2] | c->shared_keys;
    for (int k = 0; any && k < 3; k++)
        if (!c->acc[k])
            memset(c->dx[k], 0, size[k] * sizeof(float));
    return any;
}

static void
backward(const rlab_call *c) {
    rlab_attention shared = settings(c->node);
    int acc;
    assert(c->dx[0] && c->dx[1] && c->dx[2]);
    acc = prepare(c, &shared);
    for (int32_t r = 0; r < c->n_seqs; r++) {
        rlab_attention t = of_sequence(c, &shared, r);
        size_t q = (size_t)c->span[r].q, k = (size_t)c->span[r].k;
        c->k->attention_bwd(&t, 0, t.h, c->x[0] + q * t.ldq, c->x[1] + k * t.ldk,
                            c->x[2] + k * t.ldv, c->side[0] + (size_t)c->span[r].cell * t.h,
                            c->dy + q * t.ldo, acc, c->dx[0] + q * t.ldq, c->dx[1] + k * t.ldk,
                            c->dx[2] + k * t.ldv, NULL, c->work);
    }
}

static double
flops(const rlab_node *node, const rlab_graph *graph, const rlab_sizes *s, bool backward_too) {
    double once = 4.0 * (double)s->cells * (double)node->width * (node->attr.causal ? 0.5 : 1.0);
    (void)graph;
    return backward_too ? 2 * once : once;
}

static size_t
work(const rlab_node *node, const rlab_graph *graph, const rlab_sizes *s, const rlab_kernels *k) {
    rlab_attention t = settings(node);
    (void)graph;
    t.lq = (size_t)s->longest;
    t.lk = (size_t)s->key_longest;
    return k->attention_work(&t);
}

const rlab_op rlab_op_attention = {
    .name = "attention",
    .n_in = 3,
    .flags = RLAB_KEEPS_IN0 | RLAB_KEEPS_IN1 | RLAB_KEEPS_IN2 | RLAB_EDITS_SIDE,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .work = work,
};
