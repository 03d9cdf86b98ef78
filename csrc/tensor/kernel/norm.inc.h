/* LayerNorm and RMSNorm over rows, forward and backward. */
#ifndef RLAB_TENSOR_KERNEL_NORM_INC_H
#define RLAB_TENSOR_KERNEL_NORM_INC_H

#include "simd.h"

#define ZERO_LANES(acc)                                                                            \
    vf acc[NACC];                                                                                  \
    UNROLL for (int z = 0; z < NACC; z++) acc[z] = vf_set1(0.0f)

/* The three sums below are over one row of c floats, in the fixed lane layout. */
INLINE float
row_sum(size_t c, const float *x) {
    ZERO_LANES(acc);
    EACH_LANE_VECTOR(c, { acc[u] += vf_load_left(x + p, left, 0.0f); });
    return fold_add(acc);
}

/* sum of (x - mean)^2 */
INLINE float
row_square_sum(size_t c, const float *x, float mean) {
    const vf m = vf_set1(mean);
    ZERO_LANES(acc);
    EACH_LANE_VECTOR(c, {
        vf t = vf_load_left(x + p, left, mean) - m;
        acc[u] = vf_fma(t, t, acc[u]);
    });
    return fold_add(acc);
}

INLINE float
row_dot(size_t c, const float *x, const float *y) {
    ZERO_LANES(acc);
    EACH_LANE_VECTOR(c, {
        acc[u] = vf_fma(vf_load_left(x + p, left, 0.0f), vf_load_left(y + p, left, 0.0f), acc[u]);
    });
    return fold_add(acc);
}

INLINE vf
load_or(const float *x, size_t p, size_t left, float otherwise) {
    return x ? vf_load_left(x + p, left, 0.0f) : vf_set1(otherwise);
}

/* y = gamma (x - mean) rstd + beta. Source: J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer
 * Normalization" (arXiv 1607.06450), equation 4. x (N, C) -> y (N, C), mean, rstd (N,). */
static void
layernorm_fwd(size_t n, size_t c, const float *x, const float *gamma, const float *beta, float eps,
              float *y, float *mean, float *rstd) {
    for (size_t i = 0; i < n; i++, x += c, y += c) {
        const float m = row_sum(c, x) / (float)c;
        const float r = 1.0f / __builtin_sqrtf(row_square_sum(c, x, m) / (float)c + eps);
        EACH_VECTOR(c, {
            vf t = (vf_load_left(x + p, left, 0.0f) - vf_set1(m)) * vf_set1(r);
            t = vf_fma(t, load_or(gamma, p, left, 1.0f), load_or(beta, p, left, 0.0f));
            vf_store_left(y + p, left, t);
        });
        if (mean)
            mean[i] = m;
        if (rstd)
            rstd[i] = r;
    }
}

/* With xhat = (x - mean) rstd and g = gamma dy: dx = rstd (g - mean(g) - xhat mean(g xhat)),
 * dgamma += dy xhat, dbeta += dy, rows in order. x, dy (N, C) -> dx (N, C), dgamma, dbeta (C,). */
static void
layernorm_bwd(size_t n, size_t c, const float *x, const float *gamma, const float *mean,
              const float *rstd, const float *dy, int acc, float *dx, float *dgamma, float *dbeta) {
    for (size_t i = 0; i < n; i++, x += c, dy += c, dx += c) {
        const vf m = vf_set1(mean[i]), r = vf_set1(rstd[i]);
        ZERO_LANES(sum_g);
        ZERO_LANES(sum_gx);
        EACH_LANE_VECTOR(c, {
            const vf d = vf_load_left(dy + p, left, 0.0f);
            const vf xhat = (vf_load_left(x + p, left, 0.0f) - m) * r;
            const vf g = d * load_or(gamma, p, left, 1.0f);
            sum_g[u] += g;
            sum_gx[u] = vf_fma(g, xhat, sum_gx[u]);
            if (dgamma)
                vf_store_left(dgamma + p, left,
                              vf_fma(d, xhat, vf_load_left(dgamma + p, left, 0.0f)));
            if (dbeta)
                vf_store_left(dbeta + p, left, d + vf_load_left(dbeta + p, left, 0.0f));
        });
        const vf a = vf_set1(fold_add(sum_g) / (float)c), b = vf_set1(fold_add(sum_gx) / (float)c);
        EACH_VECTOR(c, {
            const vf xhat = (vf_load_left(x + p, left, 0.0f) - m) * r;
            const vf g = vf_load_left(dy + p, left, 0.0f) * load_or(gamma, p, left, 1.0f);
            vf t = vf_fma(-xhat, b, g - a) * r;
            if (acc)
                t += vf_load_left(dx + p, left, 0.0f);
            vf_store_left(dx + p, left, t);
        });
    }
}

/* y = gamma x rstd. Source: B. Zhang, R. Sennrich, "Root Mean Square Layer Normalization"
 * (arXiv 1910.07467), equation 4. x (N, C) -> y (N, C), rstd (N,). */
static void
rmsnorm_fwd(size_t n, size_t c, const float *x, const float *gamma, float eps, float *y,
            float *rstd) {
    for (size_t i = 0; i < n; i++, x += c, y += c) {
        const float r = 1.0f / __builtin_sqrtf(row_square_sum(c, x, 0.0f) / (float)c + eps);
        EACH_VECTOR(c, {
            vf t = vf_load_left(x + p, left, 0.0f) * vf_set1(r);
            vf_store_left(y + p, left, t * load_or(gamma, p, left, 1.0f));
        });
        if (rstd)
            rstd[i] = r;
    }
}

/* With xhat = x rstd and g = gamma dy: dx = rstd (g - xhat mean(g xhat)); dgamma += dy xhat. */
static void
rmsnorm_bwd(size_t n, size_t c, const float *x, const float *gamma, const float *rstd,
            const float *dy, int acc, float *dx, float *dgamma) {
    for (size_t i = 0; i < n; i++, x += c, dy += c, dx += c) {
        const vf r = vf_set1(rstd[i]);
        ZERO_LANES(sum_gx);
        EACH_LANE_VECTOR(c, {
            const vf d = vf_load_left(dy + p, left, 0.0f);
            const vf xhat = vf_load_left(x + p, left, 0.0f) * r;
            sum_gx[u] = vf_fma(d * load_or(gamma, p, left, 1.0f), xhat, sum_gx[u]);
            if (dgamma)
                vf_store_left(dgamma + p, left,
                              vf_fma(d, xhat, vf_load_left(dgamma + p, left, 0.0f)));
        });
        const vf b = vf_set1(fold_add(sum_gx) / (float)c);
        EACH_VECTOR(c, {
            const vf xhat = vf_load_left(x + p, left, 0.0f) * r;
            const vf g = vf_load_left(dy + p, left, 0.0f) * load_or(gamma, p, left, 1.0f);
            vf t = vf_fma(-xhat, b, g) * r;
            if (acc)
                t += vf_load_left(dx + p, left, 0.0f);
            vf_store_left(dx + p, left, t);
        });
    }
}

#endif
