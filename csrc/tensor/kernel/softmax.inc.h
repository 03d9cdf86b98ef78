/* Softmax over rows and the cross-entropy loss with its gradient. */
#ifndef RLAB_TENSOR_KERNEL_SOFTMAX_INC_H
#define RLAB_TENSOR_KERNEL_SOFTMAX_INC_H

#include "math.inc.h"
#include "norm.inc.h"

INLINE float
row_max(size_t c, const float *x) {
    vf acc[NACC];
    UNROLL for (int z = 0; z < NACC; z++) acc[z] = vf_set1(-__builtin_inff());
    EACH_LANE_VECTOR(c, { acc[u] = vf_max(acc[u], vf_load_left(x + p, left, -__builtin_inff())); });
    return fold_max(acc);
}

/* y = exp(x - max); returns the sum of y. y may alias x. */
INLINE float
row_exp(size_t c, const float *x, float max, float *y) {
    ZERO_LANES(acc);
    EACH_LANE_VECTOR(c, {
        const vf t = vf_exp(vf_load_left(x + p, left, -__builtin_inff()) - vf_set1(max));
        vf_store_left(y + p, left, t);
        acc[u] += t;
    });
    return fold_add(acc);
}

/* The same sum without keeping the terms. */
INLINE float
row_exp_sum(size_t c, const float *x, float max) {
    ZERO_LANES(acc);
    EACH_LANE_VECTOR(
        c, { acc[u] += vf_exp(vf_load_left(x + p, left, -__builtin_inff()) - vf_set1(max)); });
    return fold_add(acc);
}

/* One row of c floats: softmax of the first len, whose largest is max; zeros beyond. y may alias x.
 */
INLINE void
softmax_row(size_t c, size_t len, float max, const float *x, float *y) {
    const vf inverse = vf_set1(1.0f / row_exp(len, x, max, y));
    EACH_VECTOR(len, { vf_store_left(y + p, left, vf_load_left(y + p, left, 0.0f) * inverse); });
    for (size_t j = len; j < c; j++)
        y[j] = 0.0f;
}

/* x (N, C) -> y (N, C), y[i] a distribution over j < len[i]. */
static void
softmax_fwd(size_t n, size_t c, const float *x, size_t ldx, const int32_t *len, float *y,
            size_t ldy) {
    for (size_t i = 0; i < n; i++, x += ldx, y += ldy) {
        const size_t m = len ? (size_t)len[i] : c;
        softmax_row(c, m, row_max(m, x), x, y);
    }
}

/* dx = y (dy - sum_j dy y), one row. */
INLINE void
softmax_row_bwd(size_t c, const float *y, const float *dy, int acc, float *dx) {
    const vf dot = vf_set1(row_dot(c, y, dy));
    EACH_VECTOR(c, {
        vf t = vf_load_left(y + p, left, 0.0f) * (vf_load_left(dy + p, left, 0.0f) - dot);
        if (acc)
            t += vf_load_left(dx + p, left, 0.0f);
        vf_store_left(dx + p, left, t);
    });
}

/* y, dy (N, C) -> dx (N, C) */
static void
softmax_bwd(size_t n, size_t c, const float *y, size_t ldy, const float *dy, size_t lddy, int acc,
            float *dx, size_t lddx) {
    for (size_t i = 0; i < n; i++)
        softmax_row_bwd(c, y + i * ldy, dy + i * lddy, acc, dx + i * lddx);
}

/* log of one positive number, by the vectors' own polynomial. */
INLINE float
log1(float x) {
    return vf_log(vf_set1(x))[0];
}

/* Turns e = exp(x - max) into grad_scale (e / sum - target), the target s / V everywhere and 1 - s
 * more at the label. */
INLINE void
xent_gradient(size_t v, float sum, int32_t label, float smoothing, float grad_scale, float *e) {
    const vf a = vf_set1(grad_scale / sum), b = vf_set1(-grad_scale * (smoothing / (float)v));
    EACH_VECTOR(v, { vf_store_left(e + p, left, vf_fma(vf_load_left(e + p, left, 0.0f), a, b)); });
    e[label] -= grad_scale * (1.0f - smoothing);
}

/* logits (N, V), labels (N,) -> total, row_loss (N,), dlogits (N, V). -log p[j] = max + log sum -
 * x[j]; smoothing as in C. Szegedy et al., "Rethinking the Inception Architecture" (arXiv
 * 1512.00567), section 7. */
static void
xent(size_t n, size_t v, const float *logits, size_t ld, const int32_t *labels, float smoothing,
     float grad_scale, rlab_loss *total, float *row_loss, float *dlogits, size_t lddl) {
    for (size_t i = 0; i < n; i++) {
        const float *x = logits + i * ld;
        float *d = dlogits ? dlogits + i * lddl : NULL;
        const int32_t label = labels[i];
        if (label == RLAB_IGNORED_LABEL) {
            for (size_t j = 0; d && j < v; j++)
                d[j] = 0.0f;
            if (row_loss)
                row_loss[i] = 0.0f;
            continue;
        }
        const float max = row_max(v, x), at_label = x[label];
        const float mean = smoothing != 0.0f ? row_sum(v, x) / (float)v : 0.0f;
        const float sum = d ? row_exp(v, x, max, d) : row_exp_sum(v, x, max);
        double loss = (double)log1(sum) + (1.0 - (double)smoothing) * ((double)max - at_label);
        if (smoothing != 0.0f)
            loss += (double)smoothing * ((double)max - mean);
        total->sum += loss;
        total->count++;
        if (row_loss)
            row_loss[i] = (float)loss;
        if (d)
            xent_gradient(v, sum, label, smoothing, grad_scale, d);
    }
}

#endif
