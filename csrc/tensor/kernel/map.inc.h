/* Elementwise kernels, sums in a fixed order, embeddings, dropout and the optimizer's step. */
#ifndef RLAB_TENSOR_KERNEL_MAP_INC_H
#define RLAB_TENSOR_KERNEL_MAP_INC_H

#include <string.h>

#include "math.inc.h"
#include "norm.inc.h"

/* A kernel y = value, value written over the vectors t of x. */
#define DEFINE_MAP(name, value)                                                                    \
    static void name(size_t n, const float *x, float *y) {                                         \
        EACH_VECTOR(n, {                                                                           \
            const vf t = vf_load_left(x + p, left, 0.0f);                                          \
            vf_store_left(y + p, left, value);                                                     \
        });                                                                                        \
    }
DEFINE_MAP(map_exp, vf_exp(t))
DEFINE_MAP(map_tanh, vf_tanh(t))
DEFINE_MAP(map_erf, vf_erf(t))
DEFINE_MAP(map_log, vf_log(t))
DEFINE_MAP(map_relu, vf_relu(t))
DEFINE_MAP(map_gelu, vf_gelu(t))
DEFINE_MAP(map_gelu_tanh, vf_gelu_tanh(t))
DEFINE_MAP(map_silu, vf_silu(t))
DEFINE_MAP(map_same, t)

/* A kernel dx by acc = slope dy, slope written over the vectors t of x. */
#define DEFINE_MAP_BWD(name, slope)                                                                \
    static void name(size_t n, const float *x, const float *dy, int acc, float *dx) {              \
        EACH_VECTOR(n, {                                                                           \
            const vf t = vf_load_left(x + p, left, 0.0f);                                          \
            vf d = vf_load_left(dy + p, left, 0.0f) * (slope);                                     \
            if (acc)                                                                               \
                d += vf_load_left(dx + p, left, 0.0f);                                             \
            (void)t;                                                                               \
            vf_store_left(dx + p, left, d);                                                        \
        });                                                                                        \
    }
DEFINE_MAP_BWD(map_relu_bwd, vf_drelu(t))
DEFINE_MAP_BWD(map_gelu_bwd, vf_dgelu(t))
DEFINE_MAP_BWD(map_gelu_tanh_bwd, vf_dgelu_tanh(t))
DEFINE_MAP_BWD(map_silu_bwd, vf_dsilu(t))
DEFINE_MAP_BWD(map_same_bwd, vf_set1(1.0f))

/* x (n,) -> y (n,). Source of GELU: D. Hendrycks, K. Gimpel (arXiv 1606.08415), section 2. */
static void
act_fwd(rlab_act act, size_t n, const float *x, float *y) {
    static void (*const maps[])(size_t, const float *, float *) = {map_same, map_relu, map_gelu,
                                                                   map_gelu_tanh, map_silu};
    maps[act](n, x, y);
}

/* x, dy (n,) -> dx (n,) */
static void
act_bwd(rlab_act act, size_t n, const float *x, const float *dy, int acc, float *dx) {
    static void (*const maps[])(size_t, const float *, const float *, int, float *) = {
        map_same_bwd, map_relu_bwd, map_gelu_bwd, map_gelu_tanh_bwd, map_silu_bwd};
    maps[act](n, x, dy, acc, dx);
}

static void
map_add(size_t n, const float *a, const float *b, float *y) {
    EACH_VECTOR(n, {
        vf_store_left(y + p, left,
                      vf_load_left(a + p, left, 0.0f) + vf_load_left(b + p, left, 0.0f));
    });
}

static void
map_mul(size_t n, const float *a, const float *b, float *y) {
    EACH_VECTOR(n, {
        vf_store_left(y + p, left,
                      vf_load_left(a + p, left, 0.0f) * vf_load_left(b + p, left, 0.0f));
    });
}

static void
map_muladd(size_t n, const float *a, const float *b, float *y) {
    EACH_VECTOR(n, {
        const vf t = vf_load_left(a + p, left, 0.0f), u = vf_load_left(b + p, left, 0.0f);
        vf_store_left(y + p, left, vf_fma(t, u, vf_load_left(y + p, left, 0.0f)));
    });
}

static void
map_scale(size_t n, float s, const float *x, float *y) {
    const vf a = vf_set1(s);
    EACH_VECTOR(n, { vf_store_left(y + p, left, a * vf_load_left(x + p, left, 0.0f)); });
}

static void
map_axpy(size_t n, float s, const float *x, float *y) {
    const vf a = vf_set1(s);
    EACH_VECTOR(n, {
        const vf t = vf_load_left(x + p, left, 0.0f);
        vf_store_left(y + p, left, vf_fma(a, t, vf_load_left(y + p, left, 0.0f)));
    });
}

/* ---- sums ----------------------------------------------------------------------------------- */

#define SUM_BLOCK 4096 /* elements summed in float; the blocks' sums are added in double */

static double
sum_dot(size_t n, const float *x, const float *y) {
    double total = 0.0;
    for (size_t i = 0; i < n; i += SUM_BLOCK)
        total += row_dot(n - i < SUM_BLOCK ? n - i : SUM_BLOCK, x + i, y + i);
    return total;
}

static double
sum_squares(size_t n, const float *x) {
    return sum_dot(n, x, x);
}

static double
sum_plain(size_t n, const float *x) {
    double total = 0.0;
    for (size_t i = 0; i < n; i += SUM_BLOCK)
        total += row_sum(n - i < SUM_BLOCK ? n - i : SUM_BLOCK, x + i);
    return total;
}

#define BIAS_ROWS 256 /* rows whose sum stays in a register before it is added */

/* dbias[j] += sum over rows [0, n) of one vector of columns, in row order. */
INLINE void
bias_columns(size_t n, const float *dy, size_t ld, size_t left, float *dbias) {
    for (size_t i0 = 0; i0 < n; i0 += BIAS_ROWS) {
        const size_t i1 = n - i0 < BIAS_ROWS ? n : i0 + BIAS_ROWS;
        vf acc = vf_set1(0.0f);
        for (size_t i = i0; i < i1; i++)
            acc += vf_load_left(dy + i * ld, left, 0.0f);
        vf_store_left(dbias, left, vf_load_left(dbias, left, 0.0f) + acc);
    }
}

/* Four vectors of columns at once, for the adder's latency; the same sums. */
INLINE void
bias_columns4(size_t n, const float *dy, size_t ld, float *dbias) {
    for (size_t i0 = 0; i0 < n; i0 += BIAS_ROWS) {
        const size_t i1 = n - i0 < BIAS_ROWS ? n : i0 + BIAS_ROWS;
        vf acc[4] = {vf_set1(0.0f), vf_set1(0.0f), vf_set1(0.0f), vf_set1(0.0f)};
        for (size_t i = i0; i < i1; i++)
            UNROLL for (int u = 0; u < 4; u++) acc[u] += vf_load(dy + i * ld + u * VL);
        UNROLL for (int u = 0; u < 4; u++)
            vf_store(dbias + u * VL, vf_load(dbias + u * VL) + acc[u]);
    }
}

/* dy (N, C) -> dbias (C,) */
static void
bias_bwd(size_t n, size_t c, const float *dy, size_t ld, float *dbias) {
    size_t j = 0;
    for (; j + 4 * VL <= c; j += 4 * VL)
        bias_columns4(n, dy + j, ld, dbias + j);
    for (; j < c; j += VL)
        bias_columns(n, dy + j, ld, c - j, dbias + j);
}

/* ---- embeddings ----------------------------------------------------------------------------- */

/* table (rows, C), index (N,) -> y (N, C) */
static void
embed_gather(size_t n, size_t c, const float *table, const int32_t *index, float s, int acc,
             float *y) {
    for (size_t i = 0; i < n; i++) {
        const float *row = table + (size_t)index[i] * c;
        if (acc)
            map_axpy(c, s, row, y + i * c);
        else
            map_scale(c, s, row, y + i * c);
    }
}

/* dy (N, C), index (N,) -> dtable (rows, C) */
static void
embed_scatter_add(size_t n, size_t c, const int32_t *index, float s, const float *dy,
                  float *dtable) {
    for (size_t i = 0; i < n; i++)
        map_axpy(c, s, dy + i * c, dtable + (size_t)index[i] * c);
}

/* ---- dropout -------------------------------------------------------------------------------- */

#define PHILOX_DRAWS 16
#define PHILOX_BLOCK (4 * PHILOX_DRAWS)
#define PHILOX_VECTORS (2 * PHILOX_DRAWS / VL) /* a draw takes a lane of 64 bits */

/* Ten rounds on the four words of PHILOX_DRAWS draws, each word in the low half of a lane; what the
 * high halves hold never comes down. */
INLINE void
philox_rounds(uint64_t seed, vu c[4][PHILOX_VECTORS]) {
    const vu zero = {0}, m0 = zero + UINT32_C(0xD2511F53), m1 = zero + UINT32_C(0xCD9E8D57);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        const vu key0 = zero + k0, key1 = zero + k1;
        UNROLL for (int u = 0; u < PHILOX_VECTORS; u++) {
            const vu p0 = vu_mul(c[0][u], m0), p1 = vu_mul(c[2][u], m1);
            c[0][u] = (p1 >> 32) ^ c[1][u] ^ key0;
            c[2][u] = (p0 >> 32) ^ c[3][u] ^ key1;
            c[1][u] = p1;
            c[3][u] = p0;
        }
        k0 += UINT32_C(0x9E3779B9);
        k1 += UINT32_C(0xBB67AE85);
    }
}

/* Numbers [4 draw, 4 draw + PHILOX_BLOCK) of a stream, the same as rlab_rng_u32 gives. */
static void
philox_block(const rlab_dropout *d, uint32_t draw, uint32_t out[PHILOX_BLOCK]) {
    const vu zero = {0};
    vu c[4][PHILOX_VECTORS];
    uint64_t word[4][PHILOX_DRAWS];
    for (uint32_t l = 0; l < PHILOX_DRAWS; l++)
        word[0][l] = draw + l;
    memcpy(c[0], word[0], sizeof c[0]);
    UNROLL for (int u = 0; u < PHILOX_VECTORS; u++) {
        c[1][u] = zero + (uint32_t)d->index;
        c[2][u] = zero + (uint32_t)(d->index >> 32);
        c[3][u] = zero + (uint32_t)d->stream;
    }
    philox_rounds(d->seed, c);
    memcpy(word, c, sizeof word);
    for (int l = 0; l < PHILOX_DRAWS; l++)
        for (int w = 0; w < 4; w++)
            out[4 * l + w] = (uint32_t)word[w][l];
}

/* y by acc = x * factor, but 0 where the factor is, whatever x. */
INLINE void
drop_vectors(size_t n, const float *factor, const float *x, int acc, float *y) {
    EACH_VECTOR(n, {
        const vf f = vf_load_left(factor + p, left, 0.0f), zero = vf_set1(0.0f);
        vf t = vf_sel(vm_eq(f, zero), zero, f * vf_load_left(x + p, left, 0.0f));
        if (acc)
            t += vf_load_left(y + p, left, 0.0f);
        vf_store_left(y + p, left, t);
    });
}

/* Elements `first`, first + 1, ... of the mask d, n of them: y by acc = x / (1 - p) or 0. */
static void
dropout_from(size_t n, const rlab_dropout *d, uint64_t first, const float *x, int acc, float *y) {
    const uint32_t threshold = (uint32_t)((double)d->p * 4294967296.0);
    const float kept = 1.0f / (1.0f - d->p);
    uint32_t number[PHILOX_BLOCK];
    float factor[PHILOX_BLOCK];
    size_t i = 0;
    while (i < n) {
        const uint64_t at = d->offset + first + i;
        const size_t skip = (size_t)(at % PHILOX_BLOCK);
        const size_t count = n - i < PHILOX_BLOCK - skip ? n - i : PHILOX_BLOCK - skip;
        philox_block(d, (uint32_t)((at - skip) / 4), number);
        for (size_t j = 0; j < count; j++)
            factor[j] = number[skip + j] >= threshold ? kept : 0.0f;
        drop_vectors(count, factor, x + i, acc, y + i);
        i += count;
    }
}

/* x (n,) -> y (n,). Source: N. Srivastava et al., "Dropout" (JMLR 15, 2014), section 10, inverted
 * scaling. */
static void
dropout(size_t n, const rlab_dropout *d, const float *x, int acc, float *y) {
    if (d->p > 0.0f)
        dropout_from(n, d, 0, x, acc, y);
    else if (acc)
        map_add(n, y, x, y);
    else
        map_same(n, x, y);
}

/* ---- optimizer ------------------------------------------------------------------------------ */

/* g (n,) -> w, m, v (n,) in place. Source: I. Loshchilov, F. Hutter, "Decoupled Weight Decay
 * Regularization" (arXiv 1711.05101), algorithm 2. */
static void
adamw(size_t n, const rlab_adamw *h, const uint8_t *decay, const float *g, float *w, float *m,
      float *v) {
    const vf b1 = vf_set1(h->beta1), b2 = vf_set1(h->beta2), scale = vf_set1(h->grad_scale);
    const vf a1 = vf_set1(1.0f - h->beta1), a2 = vf_set1(1.0f - h->beta2), eps = vf_set1(h->eps);
    const vf step = vf_set1(h->lr / h->bias1);
    const vf inverse = vf_set1(1.0f / __builtin_sqrtf(h->bias2));
    const vf shrink = vf_set1(1.0f - h->lr * h->weight_decay), same = vf_set1(1.0f);
    EACH_VECTOR(n, {
        const vf keep = !decay || decay[p / RLAB_DECAY_BLOCK] ? shrink : same;
        const vf t = vf_load_left(g + p, left, 0.0f) * scale;
        const vf m1 = vf_fma(b1, vf_load_left(m + p, left, 0.0f), a1 * t);
        const vf v1 = vf_fma(b2, vf_load_left(v + p, left, 0.0f), a2 * t * t);
        const vf by = step * m1 / vf_fma(vf_sqrt(v1), inverse, eps);
        vf_store_left(m + p, left, m1);
        vf_store_left(v + p, left, v1);
        vf_store_left(w + p, left, vf_fma(vf_load_left(w + p, left, 0.0f), keep, -by));
    });
}

#endif
