/* Attention of one sequence, head by head, in blocks of query rows whose scores stay in cache. */
#ifndef RLAB_TENSOR_KERNEL_ATTENTION_INC_H
#define RLAB_TENSOR_KERNEL_ATTENTION_INC_H

#include "gemm.inc.h"
#include "map.inc.h"
#include "softmax.inc.h"

#define ATTENTION_ROWS 96 /* query rows of a block; a multiple of GEMM_MR */

/* Keys that query row i sees. */
INLINE size_t
visible(const rlab_attention *t, size_t i) {
    return t->causal && i + t->shift + 1 < t->lk ? i + t->shift + 1 : t->lk;
}

INLINE size_t
attention_rows(const rlab_attention *t, size_t i0) {
    return t->lq - i0 < ATTENTION_ROWS ? t->lq - i0 : ATTENTION_ROWS;
}

/* Two blocks of scores, and gemm's own. */
static size_t
attention_work(const rlab_attention *t) {
    const size_t rows = t->lq < ATTENTION_ROWS ? t->lq : ATTENTION_ROWS;
    return 2 * rows * t->lk + GEMM_WORK;
}

/* Columns to go over for the len that a row of lk sees: whole vectors where they fit, for parts of
 * one are slow to store and to load again. What lies past len is masked by CUT. */
INLINE size_t
row_reach(size_t lk, size_t len) {
    const size_t whole = (len + VL - 1) / VL * VL;
    return whole <= lk ? whole : len;
}

#define CUT(x, fill) (p + VL > len && p < len ? vf_first(x, len - p, fill) : (x))

/* x = scale x + bias over the len scores of a row; returns the largest. bias may be NULL. */
INLINE float
row_scores(size_t reach, size_t len, float scale, const float *bias, float *x) {
    const vf a = vf_set1(scale);
    vf acc[NACC];
    UNROLL for (int z = 0; z < NACC; z++) acc[z] = vf_set1(-__builtin_inff());
    EACH_LANE_VECTOR(reach, {
        vf t = vf_load_left(x + p, left, 0.0f) * a;
        if (bias)
            t += vf_load_left(bias + p, left, 0.0f);
        t = CUT(t, -__builtin_inff());
        vf_store_left(x + p, left, t);
        acc[u] = vf_max(acc[u], t);
    });
    return fold_max(acc);
}

/* x[i] = 0 for first <= i < n. */
INLINE void
zero_from(size_t first, size_t n, float *x) {
    for (; first + VL <= n; first += VL)
        vf_store(x + first, vf_set1(0.0f));
    for (; first < n; first++)
        x[first] = 0.0f;
}

/* Rows that go through a step together, so that no step waits for a sum. */
#define SOFTMAX_ROWS 8

/* Raw products to probabilities in place: rows [i0, i0 + rows) of head h, s (rows, lk); at most
 * SOFTMAX_ROWS. */
INLINE void
softmax_rows(const rlab_attention *t, size_t h, size_t i0, size_t rows, float *s) {
    float max[SOFTMAX_ROWS], sum[SOFTMAX_ROWS];
    for (size_t r = 0; r < rows; r++) {
        const size_t len = visible(t, i0 + r);
        const float *bias = t->bias ? t->bias + (h * t->lq + i0 + r) * t->lk : NULL;
        max[r] = row_scores(row_reach(t->lk, len), len, t->scale, bias, s + r * t->lk);
    }
    for (size_t r = 0; r < rows; r++) {
        float *x = s + r * t->lk;
        sum[r] = row_exp(row_reach(t->lk, visible(t, i0 + r)), x, max[r], x);
    }
    for (size_t r = 0; r < rows; r++, s += t->lk) {
        const size_t len = visible(t, i0 + r), reach = row_reach(t->lk, len);
        const vf inverse = vf_set1(1.0f / sum[r]);
        EACH_VECTOR(reach, {
            vf_store_left(s + p, left, CUT(vf_load_left(s + p, left, 0.0f) * inverse, 0.0f));
        });
        zero_from(reach, t->lk, s);
    }
}

static void
attention_softmax(const rlab_attention *t, size_t h, size_t i0, size_t rows, float *s) {
    for (size_t r = 0; r < rows; r += SOFTMAX_ROWS)
        softmax_rows(t, h, i0 + r, rows - r < SOFTMAX_ROWS ? rows - r : SOFTMAX_ROWS,
                     s + r * t->lk);
}

/* out = p with dropped entries zero and the rest scaled; rows from i0 of head h. */
static void
attention_drop(const rlab_attention *t, size_t h, size_t i0, size_t rows, const float *p,
               float *out) {
    for (size_t r = 0; r < rows; r++)
        dropout_from(visible(t, i0 + r), &t->drop, ((uint64_t)h * t->lq + i0 + r) * t->lk,
                     p + r * t->lk, 0, out + r * t->lk);
}

/* Zeroes rows of `width` floats, ld apart. */
static void
attention_clear(size_t rows, size_t width, float *x, size_t ld) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < width; j++)
            x[i * ld + j] = 0.0f;
}

/* q (lq, h, d), k, v (lk, h / group, d) -> o (lq, h, d), probs (h, lq, lk). Source: A. Vaswani et
 * al., "Attention Is All You Need" (arXiv 1706.03762), equation 1. */
static void
attention_fwd(const rlab_attention *t, size_t h0, size_t h1, const float *q, const float *k,
              const float *v, float *o, float *probs, float *work) {
    const size_t block = (t->lq < ATTENTION_ROWS ? t->lq : ATTENTION_ROWS) * t->lk;
    float *dropped = work + block, *gemm_work = work + 2 * block;
    for (size_t h = h0; h < h1; h++) {
        const size_t at = h * t->d, kv = h / t->group * t->d;
        for (size_t i = 0; i < t->lq; i += ATTENTION_ROWS) {
            const size_t rows = attention_rows(t, i), len = visible(t, i + rows - 1);
            float *s = probs ? probs + (h * t->lq + i) * t->lk : work;
            gemm(RLAB_NT, rows, len, t->d, q + i * t->ldq + at, t->ldq, k + kv, t->ldk, 0, s, t->lk,
                 NULL, gemm_work);
            attention_softmax(t, h, i, rows, s);
            if (t->drop.p > 0.0f) {
                attention_clear(rows, len, dropped, t->lk);
                attention_drop(t, h, i, rows, s, dropped);
                s = dropped;
            }
            gemm(RLAB_NN, rows, t->d, len, s, t->lk, v + kv, t->ldv, 0, o + i * t->ldo + at, t->ldo,
                 NULL, gemm_work);
        }
    }
}

/* sum_j y dy over what a row sees, after what lies past it in dy has been made 0. */
INLINE float
row_seen_dot(size_t reach, size_t len, const float *y, float *dy) {
    ZERO_LANES(acc);
    EACH_LANE_VECTOR(reach, {
        const vf t = CUT(vf_load_left(dy + p, left, 0.0f), 0.0f);
        vf_store_left(dy + p, left, t);
        acc[u] = vf_fma(vf_load_left(y + p, left, 0.0f), t, acc[u]);
    });
    return fold_add(acc);
}

/* ds = scale y (dy - sum_j dy y) in place of dy over what each row sees, 0 beyond; dbias the same
 * without the scale; at most SOFTMAX_ROWS rows. */
INLINE void
softmax_rows_bwd(const rlab_attention *t, size_t h, size_t i0, size_t rows, const float *y,
                 float *dy, float *dbias) {
    const vf scale = vf_set1(t->scale);
    float dots[SOFTMAX_ROWS];
    for (size_t r = 0; r < rows; r++) {
        const size_t len = visible(t, i0 + r);
        dots[r] = row_seen_dot(row_reach(t->lk, len), len, y + r * t->lk, dy + r * t->lk);
    }
    for (size_t r = 0; r < rows; r++, y += t->lk, dy += t->lk) {
        const size_t len = visible(t, i0 + r), reach = row_reach(t->lk, len);
        const vf dot = vf_set1(dots[r]);
        float *to = dbias ? dbias + (h * t->lq + i0 + r) * t->lk : NULL;
        EACH_VECTOR(reach, {
            const vf d = vf_load_left(y + p, left, 0.0f) * (vf_load_left(dy + p, left, 0.0f) - dot);
            if (to)
                vf_store_left(to + p, left, CUT(d, 0.0f));
            vf_store_left(dy + p, left, CUT(scale * d, 0.0f));
        });
        zero_from(reach, t->lk, dy);
        if (to)
            zero_from(reach, t->lk, to);
    }
}

static void
attention_softmax_bwd(const rlab_attention *t, size_t h, size_t i0, size_t rows, const float *y,
                      float *dy, float *dbias) {
    for (size_t r = 0; r < rows; r += SOFTMAX_ROWS)
        softmax_rows_bwd(t, h, i0 + r, rows - r < SOFTMAX_ROWS ? rows - r : SOFTMAX_ROWS,
                         y + r * t->lk, dy + r * t->lk, dbias);
}

/* One block of query rows of head h. dv += pd^T dout; dp = dout v^T; ds; dq = ds k; dk += ds^T q.
 */
static void
attention_block_bwd(const rlab_attention *t, size_t h, size_t i, const float *q, const float *k,
                    const float *v, const float *probs, const float *dout, int acc, float *dq,
                    float *dk, float *dv, float *dbias, float *work) {
    const size_t block = (t->lq < ATTENTION_ROWS ? t->lq : ATTENTION_ROWS) * t->lk;
    const size_t rows = attention_rows(t, i), len = visible(t, i + rows - 1);
    const size_t at = h * t->d, kv = h / t->group * t->d;
    const float *p = probs + (h * t->lq + i) * t->lk, *pd = p;
    const float *g = dout + i * t->ldo + at;
    float *dp = work, *dropped = work + block, *gemm_work = work + 2 * block;
    if (t->drop.p > 0.0f) {
        attention_clear(rows, len, dropped, t->lk);
        attention_drop(t, h, i, rows, p, dropped);
        pd = dropped;
    }
    gemm(RLAB_TN, len, t->d, rows, pd, t->lk, g, t->ldo, 1, dv + kv, t->ldv, NULL, gemm_work);
    gemm(RLAB_NT, rows, len, t->d, g, t->ldo, v + kv, t->ldv, 0, dp, t->lk, NULL, gemm_work);
    if (t->drop.p > 0.0f)
        attention_drop(t, h, i, rows, dp, dp);
    attention_softmax_bwd(t, h, i, rows, p, dp, dbias);
    gemm(RLAB_NN, rows, t->d, len, dp, t->lk, k + kv, t->ldk, acc, dq + i * t->ldq + at, t->ldq,
         NULL, gemm_work);
    gemm(RLAB_TN, len, t->d, rows, dp, t->lk, q + i * t->ldq + at, t->ldq, 1, dk + kv, t->ldk, NULL,
         gemm_work);
}

/* q, dout, dq (lq, h, d); k, v, dk, dv (lk, h / group, d); probs, dbias (h, lq, lk). */
static void
attention_bwd(const rlab_attention *t, size_t h0, size_t h1, const float *q, const float *k,
              const float *v, const float *probs, const float *dout, int acc, float *dq, float *dk,
              float *dv, float *dbias, float *work) {
    for (size_t h = h0; h < h1; h++) {
        if (!acc && h % t->group == 0) {
            attention_clear(t->lk, t->d, dk + h / t->group * t->d, t->ldk);
            attention_clear(t->lk, t->d, dv + h / t->group * t->d, t->ldv);
        }
        for (size_t i = 0; i < t->lq; i += ATTENTION_ROWS)
            attention_block_bwd(t, h, i, q, k, v, probs, dout, acc, dq, dk, dv, dbias, work);
    }
}

#endif
