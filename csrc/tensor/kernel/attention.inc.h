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

/* Floats between rows of a block of scores: whole vectors, for parts of one are slow. */
INLINE size_t
attention_stride(const rlab_attention *t) {
    return (t->lk + VL - 1) / VL * VL;
}

/* Floats of a block of scores. */
INLINE size_t
attention_block(const rlab_attention *t) {
    return (t->lq < ATTENTION_ROWS ? t->lq : ATTENTION_ROWS) * attention_stride(t);
}

/* Two blocks of scores, and gemm's own. */
static size_t
attention_work(const rlab_attention *t) {
    return 2 * attention_block(t) + GEMM_WORK;
}

/* x from element p of a row on, with `fill` in place of elements from len on. */
INLINE vf
vf_cut(vf x, size_t p, size_t len, float fill) {
    return p + VL <= len ? x : vf_first(x, p < len ? len - p : 0, fill);
}

/* x[i] = 0 for first <= i < n. */
INLINE void
zero_from(size_t first, size_t n, float *x) {
    for (; first + VL <= n; first += VL)
        vf_store(x + first, vf_set1(0.0f));
    for (; first < n; first++)
        x[first] = 0.0f;
}

/* Some rows of scores, which go through a step together, so that no step waits for a sum. */
typedef struct score_rows {
    size_t n;          /* at most ROWS */
    size_t ld, width;  /* floats between them, whole vectors; floats of one */
    size_t len, step;  /* what the first sees, and how much more each next one, of its width */
    const float *bias; /* (n, width), rows ldbias apart, or NULL */
    size_t ldbias;
    float scale;
} score_rows;

INLINE size_t
score_len(const score_rows *of, size_t r) {
    const size_t len = of->len + r * of->step;
    return len < of->width ? len : of->width;
}

/* Rows [i0, i0 + n) of head h. */
INLINE score_rows
attention_score_rows(const rlab_attention *t, size_t h, size_t i0, size_t n) {
    return (score_rows){.n = n,
                        .ld = attention_stride(t),
                        .width = t->lk,
                        .len = visible(t, i0),
                        .step = t->causal ? 1 : 0,
                        .bias = t->bias ? t->bias + (h * t->lq + i0) * t->lk : NULL,
                        .ldbias = t->lk,
                        .scale = t->scale};
}

/* Vectors that the longest of the rows, the last one, fills or begins. */
INLINE size_t
score_vectors(const score_rows *of) {
    return (score_len(of, of->n - 1) + VL - 1) / VL;
}

/* Runs the statements for each of nv vectors: p its offset, u which partial sum it goes to. */
#define EACH_SCORE_VECTOR(nv, ...)                                                                 \
    for (size_t v_ = 0; v_ < (nv); v_ += NACC)                                                     \
        UNROLL for (size_t u = 0; u < NACC; u++) if (v_ + u < (nv)) {                              \
            const size_t p = (v_ + u) * VL;                                                        \
            __VA_ARGS__                                                                            \
        }

/* Calls body(..., nv) with a number that the compiler knows, where there are few vectors. */
#define WITH_VECTORS(nv, body, ...)                                                                \
    switch (nv) {                                                                                  \
    case 1:                                                                                        \
        body(__VA_ARGS__, 1);                                                                      \
        break;                                                                                     \
    case 2:                                                                                        \
        body(__VA_ARGS__, 2);                                                                      \
        break;                                                                                     \
    case 4:                                                                                        \
        body(__VA_ARGS__, 4);                                                                      \
        break;                                                                                     \
    default:                                                                                       \
        body(__VA_ARGS__, nv);                                                                     \
    }

/* A vector of the scores of row r: scale x + bias, nothing where it does not see. */
INLINE vf
score_at(const score_rows *of, size_t r, size_t p, const float *x) {
    vf t = vf_load(x + p) * vf_set1(of->scale);
    if (of->bias)
        t += vf_load_left(of->bias + r * of->ldbias + p, of->width - p, 0.0f);
    return vf_cut(t, p, score_len(of, r), -__builtin_inff());
}

/* Raw products to probabilities in place, s (n, ld); zeros past what a row sees. */
INLINE void
softmax_vectors(const score_rows *of, float *s, size_t nv) {
    vf part[ROWS];
    float max[ROWS], sum[ROWS];
    UNROLL for (int r = 0; r < ROWS; r++) part[r] = vf_set1(0.0f);
    for (size_t r = 0; r < of->n; r++) {
        vf acc[NACC];
        UNROLL for (int z = 0; z < NACC; z++) acc[z] = vf_set1(-__builtin_inff());
        EACH_SCORE_VECTOR(nv, { acc[u] = vf_max(acc[u], score_at(of, r, p, s + r * of->ld)); })
        part[r] = fold_max_vectors(acc);
    }
    fold_max_rows(part, max);
    for (size_t r = 0; r < of->n; r++) {
        float *x = s + r * of->ld;
        const vf top = vf_set1(max[r]);
        ZERO_LANES(acc);
        EACH_SCORE_VECTOR(nv, {
            const vf t = vf_exp(score_at(of, r, p, x) - top);
            vf_store(x + p, t);
            acc[u] += t;
        })
        part[r] = fold_add_vectors(acc);
    }
    fold_add_rows(part, sum);
    for (size_t r = 0; r < of->n; r++) {
        float *x = s + r * of->ld;
        const vf inverse = vf_set1(1.0f / sum[r]);
        EACH_SCORE_VECTOR(
            nv, { vf_store(x + p, vf_cut(vf_load(x + p) * inverse, p, score_len(of, r), 0)); })
        zero_from(nv * VL, of->ld, x);
    }
}

static void
softmax_rows(const score_rows *of, float *s) {
    WITH_VECTORS(score_vectors(of), softmax_vectors, of, s)
}

/* Rows [i0, i0 + rows) of head h, s (rows, stride). */
static void
attention_softmax(const rlab_attention *t, size_t h, size_t i0, size_t rows, float *s) {
    for (size_t r = 0; r < rows; r += ROWS) {
        const score_rows of = attention_score_rows(t, h, i0 + r, rows - r < ROWS ? rows - r : ROWS);
        softmax_rows(&of, s + r * of.ld);
    }
}

/* out (rows, lk) = s (rows, stride): whole vectors, whose ends the next row overwrites. */
static void
attention_keep(const rlab_attention *t, size_t rows, const float *s, float *out) {
    const size_t ld = attention_stride(t), end = rows * t->lk;
    for (size_t r = 0; r < rows; r++)
        for (size_t p = 0; p < t->lk; p += VL)
            vf_store_left(out + r * t->lk + p, end - r * t->lk - p, vf_load(s + r * ld + p));
}

/* out (rows, stride) = p (rows, ldp) with dropped entries zero and the rest scaled; rows from i0 of
 * head h. */
static void
attention_drop(const rlab_attention *t, size_t h, size_t i0, size_t rows, const float *p,
               size_t ldp, float *out) {
    for (size_t r = 0; r < rows; r++)
        dropout_from(visible(t, i0 + r), &t->drop, ((uint64_t)h * t->lq + i0 + r) * t->lk,
                     p + r * ldp, 0, out + r * attention_stride(t));
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
    const size_t ld = attention_stride(t);
    float *dropped = work + attention_block(t), *gemm_work = dropped + attention_block(t);
    for (size_t h = h0; h < h1; h++) {
        const size_t at = h * t->d, kv = h / t->group * t->d;
        for (size_t i = 0; i < t->lq; i += ATTENTION_ROWS) {
            const size_t rows = attention_rows(t, i), len = visible(t, i + rows - 1);
            float *kept = probs ? probs + (h * t->lq + i) * t->lk : NULL;
            float *s = kept && ld == t->lk ? kept : work;
            gemm_padded(rows, len, t->d, q + i * t->ldq + at, t->ldq, k + kv, t->ldk, s, ld,
                        gemm_work);
            attention_softmax(t, h, i, rows, s);
            if (kept && s != kept)
                attention_keep(t, rows, s, kept);
            if (t->drop.p > 0.0f) {
                attention_clear(rows, len, dropped, ld);
                attention_drop(t, h, i, rows, s, ld, dropped);
                s = dropped;
            }
            gemm(RLAB_NN, rows, t->d, len, s, ld, v + kv, t->ldv, 0, o + i * t->ldo + at, t->ldo,
                 NULL, gemm_work);
        }
    }
}

/* ds = scale y (dy - sum_j dy y) in place of dy (n, ld) over what each row sees, 0 beyond; y and
 * dbias, the same without the scale, (n, width). */
INLINE void
softmax_vectors_bwd(const score_rows *of, const float *y, float *dy, float *dbias, size_t nv) {
    const vf scale = vf_set1(of->scale);
    vf part[ROWS];
    float dots[ROWS];
    UNROLL for (int r = 0; r < ROWS; r++) part[r] = vf_set1(0.0f);
    for (size_t r = 0; r < of->n; r++) {
        const float *yr = y + r * of->width, *d = dy + r * of->ld;
        ZERO_LANES(acc);
        EACH_SCORE_VECTOR(nv, {
            acc[u] = vf_fma(vf_load_left(yr + p, of->width - p, 0.0f),
                            vf_cut(vf_load(d + p), p, score_len(of, r), 0.0f), acc[u]);
        })
        part[r] = fold_add_vectors(acc);
    }
    fold_add_rows(part, dots);
    for (size_t r = 0; r < of->n; r++) {
        const float *yr = y + r * of->width;
        float *d = dy + r * of->ld, *to = dbias ? dbias + r * of->width : NULL;
        const vf dot = vf_set1(dots[r]);
        EACH_SCORE_VECTOR(nv, {
            const vf t = vf_load_left(yr + p, of->width - p, 0.0f) * (vf_load(d + p) - dot);
            if (to)
                vf_store_left(to + p, of->width - p, vf_cut(t, p, score_len(of, r), 0.0f));
            vf_store(d + p, vf_cut(scale * t, p, score_len(of, r), 0.0f));
        })
        zero_from(nv * VL, of->ld, d);
        if (to)
            zero_from(nv * VL, of->width, to);
    }
}

static void
attention_softmax_bwd(const rlab_attention *t, size_t h, size_t i0, size_t rows, const float *y,
                      float *dy, float *dbias) {
    for (size_t r = 0; r < rows; r += ROWS) {
        const score_rows of = attention_score_rows(t, h, i0 + r, rows - r < ROWS ? rows - r : ROWS);
        float *to = dbias ? dbias + (h * t->lq + i0 + r) * t->lk : NULL;
        WITH_VECTORS(score_vectors(&of), softmax_vectors_bwd, &of, y + r * t->lk, dy + r * of.ld,
                     to)
    }
}

/* Zeroes the gradients of keys and values from row `first` on, of head h. */
static void
attention_clear_keys(const rlab_attention *t, size_t h, size_t first, float *dk, float *dv) {
    const size_t kv = h / t->group * t->d;
    attention_clear(t->lk - first, t->d, dk + kv + first * t->ldk, t->ldk);
    attention_clear(t->lk - first, t->d, dv + kv + first * t->ldv, t->ldv);
}

/* One block of query rows of head h. dv += pd^T dout; dp = dout v^T; ds; dq = ds k; dk += ds^T q.
 */
static void
attention_block_bwd(const rlab_attention *t, size_t h, size_t i, const float *q, const float *k,
                    const float *v, const float *probs, const float *dout, int acc, float *dq,
                    float *dk, float *dv, float *dbias, float *work) {
    const size_t rows = attention_rows(t, i), len = visible(t, i + rows - 1);
    const size_t at = h * t->d, kv = h / t->group * t->d, ld = attention_stride(t);
    const int adds = acc || i > 0 || h % t->group > 0;
    const float *p = probs + (h * t->lq + i) * t->lk, *pd = p;
    const float *g = dout + i * t->ldo + at;
    float *dp = work, *dropped = work + attention_block(t), *gemm_work = dropped + (dropped - work);
    size_t ldpd = t->lk;
    if (t->drop.p > 0.0f) {
        attention_clear(rows, len, dropped, ld);
        attention_drop(t, h, i, rows, p, t->lk, dropped);
        pd = dropped;
        ldpd = ld;
    }
    gemm(RLAB_TN, len, t->d, rows, pd, ldpd, g, t->ldo, adds, dv + kv, t->ldv, NULL, gemm_work);
    gemm_padded(rows, len, t->d, g, t->ldo, v + kv, t->ldv, dp, ld, gemm_work);
    if (t->drop.p > 0.0f)
        attention_drop(t, h, i, rows, dp, ld, dp);
    attention_softmax_bwd(t, h, i, rows, p, dp, dbias);
    gemm(RLAB_NN, rows, t->d, len, dp, ld, k + kv, t->ldk, acc, dq + i * t->ldq + at, t->ldq, NULL,
         gemm_work);
    gemm(RLAB_TN, len, t->d, rows, dp, ld, q + i * t->ldq + at, t->ldq, adds, dk + kv, t->ldk, NULL,
         gemm_work);
    if (!adds)
        attention_clear_keys(t, h, len, dk, dv);
}

/* q, dout, dq (lq, h, d); k, v, dk, dv (lk, h / group, d); probs, dbias (h, lq, lk). */
static void
attention_bwd(const rlab_attention *t, size_t h0, size_t h1, const float *q, const float *k,
              const float *v, const float *probs, const float *dout, int acc, float *dq, float *dk,
              float *dv, float *dbias, float *work) {
    for (size_t h = h0; h < h1; h++) {
        if (t->lq == 0 && !acc)
            attention_clear_keys(t, h, 0, dk, dv);
        for (size_t i = 0; i < t->lq; i += ATTENTION_ROWS)
            attention_block_bwd(t, h, i, q, k, v, probs, dout, acc, dq, dk, dv, dbias, work);
    }
}

#endif
