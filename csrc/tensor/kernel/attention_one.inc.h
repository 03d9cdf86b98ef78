/* Attention of one query row, as a step of decoding has it: keys and values are read once, in the
 * order they lie in the cache, all heads of some rows before the next rows; nothing is packed. */
#ifndef RLAB_TENSOR_KERNEL_ATTENTION_ONE_INC_H
#define RLAB_TENSOR_KERNEL_ATTENTION_ONE_INC_H

#include "attention.inc.h"

/* Eight lanes on every instruction set, so that sums have one order: element i of a head goes to
 * lane i % 8; lanes fold by 4, 2, 1; what is left of d / 8 is added one by one. */
#define ONE_LANES 8
#define ONE_KEYS 8  /* rows of a block */
#define ONE_PAD 16  /* scores of a head are whole vectors of any instruction set */
#define ONE_CHUNK 4 /* vectors of values summed side by side */

typedef float v8 __attribute__((vector_size(32)));
typedef float v8_mem __attribute__((vector_size(32), aligned(4), may_alias));

#define V8_LOAD(p) (*(const v8_mem *)(p))
#define V8_SET1(x) ((v8){x, x, x, x, x, x, x, x})
#if defined(__AVX2__)
#define V8_FMA(a, b, c) ((v8)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#else
#define V8_FMA(a, b, c) ((a) * (b) + (c))
#endif

/* sums[j] = the folded lanes of acc[j]. */
INLINE void
one_fold(const v8 acc[ONE_KEYS], float *sums) {
#if defined(__AVX2__)
    fold_add_8((const __m256 *)acc, sums);
#else
    for (int j = 0; j < ONE_KEYS; j++) {
        const v8 t = acc[j];
        sums[j] = ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
    }
#endif
}

/* scores[j] = q k[j] for ONE_KEYS rows of d floats. */
INLINE void
one_scores(size_t d, const float *q, const float *const k[ONE_KEYS], size_t at, float *scores) {
    v8 acc[ONE_KEYS];
    size_t i = 0;
    UNROLL for (int j = 0; j < ONE_KEYS; j++) acc[j] = V8_SET1(0.0f);
    for (; i + ONE_LANES <= d; i += ONE_LANES) {
        const v8 x = V8_LOAD(q + i);
        UNROLL for (int j = 0; j < ONE_KEYS; j++) acc[j] =
            V8_FMA(x, V8_LOAD(k[j] + at + i), acc[j]);
    }
    one_fold(acc, scores);
    for (; i < d; i++)
        for (int j = 0; j < ONE_KEYS; j++)
            scores[j] = fma1(q[i], k[j][at + i], scores[j]);
}

/* o += sum over n rows of p[r] v[r], for `vectors` vectors from element i of a head. */
#define ONE_VALUES(vectors)                                                                        \
    do {                                                                                           \
        v8 acc[vectors];                                                                           \
        UNROLL for (int u = 0; u < (vectors); u++) acc[u] = V8_LOAD(o + i + u * ONE_LANES);        \
        for (size_t r = 0; r < n; r++) {                                                           \
            const v8 share = V8_SET1(p[r]);                                                        \
            const float *row = v + r * ldv + i;                                                    \
            UNROLL for (int u = 0; u < (vectors); u++) acc[u] =                                    \
                V8_FMA(share, V8_LOAD(row + u * ONE_LANES), acc[u]);                               \
        }                                                                                          \
        UNROLL for (int u = 0; u < (vectors); u++) * (v8_mem *)(o + i + u * ONE_LANES) = acc[u];   \
        i += (vectors) * ONE_LANES;                                                                \
    } while (0)

INLINE void
one_values(size_t n, size_t d, const float *p, const float *v, size_t ldv, float *o) {
    size_t i = 0;
    while (i + ONE_CHUNK * ONE_LANES <= d)
        ONE_VALUES(ONE_CHUNK);
    while (i + ONE_LANES <= d)
        ONE_VALUES(1);
    for (; i < d; i++)
        for (size_t r = 0; r < n; r++)
            o[i] = fma1(p[r], v[r * ldv + i], o[i]);
}

/* q, o (h, d); k, v (lk, h / group, d), rows ldk and ldv apart; scores: h (lk + 16) floats. */
static void
attention_one(const rlab_attention *t, size_t ldbias, const float *q, const float *k,
              const float *v, float *o, float *scores) {
    const size_t ld = (t->lk + ONE_PAD - 1) / ONE_PAD * ONE_PAD;
    attention_clear(1, t->h * t->d, o, t->h * t->d);
    if (t->lk == 0)
        return;
    for (size_t j = 0; j < t->lk; j += ONE_KEYS) {
        const float *rows[ONE_KEYS]; /* past the last: the last again, a score nobody reads */
        UNROLL for (size_t r = 0; r < ONE_KEYS; r++) rows[r] =
            k + (j + r < t->lk ? j + r : t->lk - 1) * t->ldk;
        for (size_t r = j; r < j + ONE_KEYS && r < t->lk; r++) /* wanted soon */
            for (size_t i = 0; i < t->h / t->group * t->d; i += 16)
                __builtin_prefetch(v + r * t->ldv + i);
        for (size_t h = 0; h < t->h; h++)
            one_scores(t->d, q + h * t->d, rows, h / t->group * t->d, scores + h * ld + j);
    }
    for (size_t h = 0; h < t->h; h += ROWS) {
        const score_rows of = {.n = t->h - h < ROWS ? t->h - h : ROWS,
                               .ld = ld,
                               .width = t->lk,
                               .len = t->lk,
                               .bias = t->bias ? t->bias + h * ldbias : NULL,
                               .ldbias = ldbias,
                               .scale = t->scale};
        softmax_rows(&of, scores + h * ld);
    }
    for (size_t j = 0; j < t->lk; j += ONE_KEYS)
        for (size_t h = 0; h < t->h; h++)
            one_values(t->lk - j < ONE_KEYS ? t->lk - j : ONE_KEYS, t->d, scores + h * ld + j,
                       v + j * t->ldv + h / t->group * t->d, t->ldv, o + h * t->d);
}

#endif
