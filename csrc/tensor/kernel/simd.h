/* Vectors of the instruction set that this file is compiled for: the only place that knows how wide
 * they are. */
#ifndef RLAB_TENSOR_KERNEL_SIMD_H
#define RLAB_TENSOR_KERNEL_SIMD_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif
#if defined(RLAB_EMULATE)
#include "emulate.h"
#endif

#if defined(__AVX512F__) || defined(RLAB_EMULATE_512)
#define RLAB_HAS_512
#endif
#if defined(__AVX512BF16__) || defined(RLAB_EMULATE_BF16)
#define RLAB_HAS_BF16 /* dot products of pairs of bfloat16 */
#endif

/* VL: floats in a vector. GEMM_NV: vectors across a tile of the matrix product, as many as the
 * registers hold beside GEMM_MR rows of accumulators. */
#if defined(RLAB_HAS_512)
#define VL 16
#define GEMM_NV 4
#elif defined(__AVX2__)
#define VL 8
#define GEMM_NV 2
#else
#define VL 4
#define GEMM_NV 2
#endif

/* Sums keep LANES partial sums, element i in lane i % LANES, on every instruction set. */
#define LANES 32
#define NACC (LANES / VL)

#define INLINE static inline __attribute__((always_inline, unused))
#define UNROLL _Pragma("GCC unroll 16")

/* Accumulators must be of the plain types; the unaligned ones are for loads and stores only. */
typedef float vf __attribute__((vector_size(4 * VL)));
typedef int32_t vi __attribute__((vector_size(4 * VL)));
typedef float vf_mem __attribute__((vector_size(4 * VL), aligned(4), may_alias));

INLINE vf
vf_load(const float *p) {
    return *(const vf_mem *)p;
}

INLINE void
vf_store(float *p, vf x) {
    *(vf_mem *)p = x;
}

#if VL == 16
#define SPLAT(x) {x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}
#elif VL == 8
#define SPLAT(x) {x, x, x, x, x, x, x, x}
#else
#define SPLAT(x) {x, x, x, x}
#endif

INLINE vf
vf_set1(float x) {
    return (vf)SPLAT(x);
}

INLINE vi
vi_set1(int32_t x) {
    return (vi)SPLAT(x);
}

/* ---- what differs: fused multiply-add, square root, masks, parts of a vector --------------------
 */

#if defined(RLAB_HAS_512)

typedef __mmask16 vm;
#define vf_fma(a, b, c) ((vf)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define vf_sqrt(a) ((vf)_mm512_sqrt_ps((__m512)(a)))
#define vm_lt(a, b) _mm512_cmp_ps_mask((__m512)(a), (__m512)(b), _CMP_LT_OQ)
#define vf_max(m, x) ((vf)_mm512_max_ps((__m512)(x), (__m512)(m)))
#define vm_eq(a, b) _mm512_cmp_ps_mask((__m512)(a), (__m512)(b), _CMP_EQ_OQ)
#define vf_sel(m, a, b) ((vf)_mm512_mask_blend_ps(m, (__m512)(b), (__m512)(a)))
#define vi_sel(m, a, b) ((vi)_mm512_mask_blend_epi32(m, (__m512i)(b), (__m512i)(a)))

/* The first n < VL floats at p, `fill` in the rest. */
INLINE vf
vf_load_part(const float *p, size_t n, float fill) {
    return (vf)_mm512_mask_loadu_ps((__m512)vf_set1(fill), (__mmask16)((1u << n) - 1u), p);
}

INLINE void
vf_store_part(float *p, size_t n, vf x) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1u), (__m512)x);
}

#if defined(RLAB_HAS_BF16)

/* Two bfloat16 in a lane of 32 bits. c + a[odd] b[odd] + a[even] b[even], in this order. */
#define vf_dot(a, b, c) ((vf)_mm512_dpbf16_ps((__m512)(c), (__m512bh)(vf)(a), (__m512bh)(vf)(b)))

/* Neighbours rounded to pairs: low[0] and low[1] in lane 0, and so on, then high's. */
#define vf_bf16_pair(low, high) ((vf)_mm512_cvtne2ps_pbh((__m512)(high), (__m512)(low)))

/* Lane by lane: even[i] and odd[i] rounded to lane i. */
INLINE vf
vf_bf16_lanes(vf even, vf odd) {
    static const int16_t order[32] __attribute__((aligned(64))) = {
        0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
        8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return (vf)_mm512_permutexvar_epi16(*(const __m512i *)order, (__m512i)vf_bf16_pair(even, odd));
}

#endif

#elif defined(__AVX2__)

typedef vi vm;
#define vf_fma(a, b, c) ((vf)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define vf_sqrt(a) ((vf)_mm256_sqrt_ps((__m256)(a)))
#define vm_lt(a, b) ((vm)((a) < (b)))
#define vm_eq(a, b) ((vm)((a) == (b)))
#define vf_max(m, x) ((vf)_mm256_max_ps((__m256)(x), (__m256)(m)))
#define vf_sel(m, a, b) ((vf)_mm256_blendv_ps((__m256)(b), (__m256)(a), (__m256)(m)))
#define vi_sel(m, a, b) ((vi)_mm256_blendv_epi8((__m256i)(b), (__m256i)(a), (__m256i)(m)))

INLINE vi
vi_first(size_t n) {
    const vi lane = {0, 1, 2, 3, 4, 5, 6, 7};
    return lane < vi_set1((int32_t)n);
}

INLINE vf
vf_load_part(const float *p, size_t n, float fill) {
    vi m = vi_first(n);
    return vf_sel(m, (vf)_mm256_maskload_ps(p, (__m256i)m), vf_set1(fill));
}

INLINE void
vf_store_part(float *p, size_t n, vf x) {
    __m128 t = _mm256_castps256_ps128((__m256)x); /* in pieces: a masked store is microcode */
    if (n & 4) {
        _mm_storeu_ps(p, t);
        p += 4;
        t = _mm256_extractf128_ps((__m256)x, 1);
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)p, t);
        p += 2;
        t = _mm_movehl_ps(t, t);
    }
    if (n & 1)
        _mm_store_ss(p, t);
}

#else

typedef vi vm;
#define vf_fma(a, b, c) ((a) * (b) + (c))
#define vm_lt(a, b) ((vm)((a) < (b)))
#define vm_eq(a, b) ((vm)((a) == (b)))
#define vf_sel(m, a, b) ((vf)(((m) & (vi)(a)) | (~(m) & (vi)(b))))
#define vi_sel(m, a, b) (((m) & (a)) | (~(m) & (b)))
#define vf_max(m, x) vf_sel(vm_lt(m, x), x, m)

INLINE vf
vf_sqrt(vf x) {
    for (int i = 0; i < VL; i++)
        x[i] = __builtin_sqrtf(x[i]);
    return x;
}

INLINE vf
vf_load_part(const float *p, size_t n, float fill) {
    vf x = vf_set1(fill);
    for (size_t i = 0; i < n; i++)
        x[i] = p[i];
    return x;
}

INLINE void
vf_store_part(float *p, size_t n, vf x) {
    for (size_t i = 0; i < n; i++)
        p[i] = x[i];
}

#endif

/* Lanes of 64 bits; vu_mul multiplies their low halves. */
typedef uint64_t vu __attribute__((vector_size(4 * VL)));
#if defined(RLAB_HAS_512)
#define vu_mul(a, b) ((vu)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#elif defined(__AVX2__)
#define vu_mul(a, b) ((vu)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#elif defined(__SSE2__)
#define vu_mul(a, b) ((vu)_mm_mul_epu32((__m128i)(a), (__m128i)(b)))
#else
#define vu_mul(a, b) (((a) & 0xffffffffu) * ((b) & 0xffffffffu))
#endif

/* ---- built on them -------------------------------------------------------------------------- */

#define vi_float(x) __builtin_convertvector((x), vf)

/* One multiply-add on scalars, rounded as the vectors' own. */
INLINE float
fma1(float a, float b, float c) {
#if defined(__FMA__)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

INLINE vf
vf_abs(vf x) {
    return (vf)((vi)x & vi_set1(0x7fffffff));
}

/* |x| with the sign of s. */
INLINE vf
vf_copysign(vf x, vf s) {
    vi sign = vi_set1(INT32_MIN);
    return (vf)(((vi)x & ~sign) | ((vi)s & sign));
}

/* The first n <= VL lanes of x, `fill` in the rest. */
INLINE vf
vf_first(vf x, size_t n, float fill) {
#if defined(RLAB_HAS_512)
    return vf_sel((__mmask16)((1u << n) - 1u), x, vf_set1(fill));
#elif defined(__AVX2__)
    return vf_sel(vi_first(n), x, vf_set1(fill));
#else
    for (size_t i = n; i < VL; i++)
        x[i] = fill;
    return x;
#endif
}

/* Loads at most VL of the `left` > 0 floats at p. */
INLINE vf
vf_load_left(const float *p, size_t left, float fill) {
    return left >= VL ? vf_load(p) : vf_load_part(p, left, fill);
}

INLINE void
vf_store_left(float *p, size_t left, vf x) {
    if (left >= VL)
        vf_store(p, x);
    else
        vf_store_part(p, left, x);
}

/* Lanes half, half + 1, ... in the place of lanes 0, 1, ...; what the other lanes get is of no use.
 */
INLINE vf
vf_upper(vf x, int half) {
#if defined(RLAB_HAS_512)
    __m512 t = (__m512)x;
    return half == 8   ? (vf)_mm512_shuffle_f32x4(t, t, 0x0e)
           : half == 4 ? (vf)_mm512_shuffle_f32x4(t, t, 0x01)
           : half == 2 ? (vf)_mm512_permute_ps(t, 0x0e)
                       : (vf)_mm512_permute_ps(t, 0x01);
#elif defined(__AVX2__)
    __m256 t = (__m256)x;
    return half == 4   ? (vf)_mm256_permute2f128_ps(t, t, 0x01)
           : half == 2 ? (vf)_mm256_permute_ps(t, 0x0e)
                       : (vf)_mm256_permute_ps(t, 0x01);
#else
    vf t = x;
    for (int l = 0; l < half; l++)
        t[l] = x[l + half];
    return t;
#endif
}

/* Folds LANES partial results into one: lane l takes in lane l + 16, then + 8, + 4, + 2, + 1; the
 * first steps, between vectors, alone. */
#define DEFINE_FOLD(name, op)                                                                      \
    INLINE vf name##_vectors(const vf acc[NACC]) {                                                 \
        vf t[NACC];                                                                                \
        UNROLL for (int u = 0; u < NACC; u++) t[u] = acc[u];                                       \
        UNROLL for (int half = NACC / 2; half > 0; half /= 2)                                      \
            UNROLL for (int u = 0; u < half; u++) t[u] = op(t[u], t[u + half]);                    \
        return t[0];                                                                               \
    }                                                                                              \
    INLINE float name##_lanes(vf t) {                                                              \
        UNROLL for (int half = VL / 2; half > 0; half /= 2) t = op(t, vf_upper(t, half));          \
        return t[0];                                                                               \
    }                                                                                              \
    INLINE float name(const vf acc[NACC]) {                                                        \
        return name##_lanes(name##_vectors(acc));                                                  \
    }
#define FOLD_ADD(a, b) ((a) + (b))
DEFINE_FOLD(fold_add, FOLD_ADD)
DEFINE_FOLD(fold_max, vf_max)

/* The lanes of ROWS vectors folded as above, a number each. */
#define ROWS 8
#if defined(__AVX2__)
#define DEFINE_FOLD_ROWS(name, op)                                                                 \
    INLINE void name(const __m256 a[ROWS], float out[ROWS]) {                                      \
        __m256 half[4], quarter[2];                                                                \
        UNROLL for (int j = 0; j < 4; j++) half[j] =                                               \
            op(_mm256_permute2f128_ps(a[j], a[j + 4], 0x20),                                       \
               _mm256_permute2f128_ps(a[j], a[j + 4], 0x31));                                      \
        UNROLL for (int j = 0; j < 2; j++) quarter[j] =                                            \
            op(_mm256_shuffle_ps(half[2 * j], half[2 * j + 1], 0x44),                              \
               _mm256_shuffle_ps(half[2 * j], half[2 * j + 1], 0xee));                             \
        _mm256_storeu_ps(out, op(_mm256_shuffle_ps(quarter[0], quarter[1], 0x88),                  \
                                 _mm256_shuffle_ps(quarter[0], quarter[1], 0xdd)));                \
    }
DEFINE_FOLD_ROWS(fold_add_8, _mm256_add_ps)
DEFINE_FOLD_ROWS(fold_max_8, _mm256_max_ps)
#endif

#if VL == 8
INLINE void
fold_add_rows(const vf t[ROWS], float out[ROWS]) {
    fold_add_8((const __m256 *)t, out);
}

INLINE void
fold_max_rows(const vf t[ROWS], float out[ROWS]) {
    fold_max_8((const __m256 *)t, out);
}
#else
INLINE void
fold_add_rows(const vf t[ROWS], float out[ROWS]) {
    UNROLL for (int r = 0; r < ROWS; r++) out[r] = fold_add_lanes(t[r]);
}

INLINE void
fold_max_rows(const vf t[ROWS], float out[ROWS]) {
    UNROLL for (int r = 0; r < ROWS; r++) out[r] = fold_max_lanes(t[r]);
}
#endif

/* Runs the statements for every block of LANES: u counts accumulators, p is the offset of the
 * vector, left > 0 the floats from there to n. Vectors wholly past n are skipped. */
#define EACH_LANE_VECTOR(n, ...)                                                                   \
    do {                                                                                           \
        size_t at_ = 0;                                                                            \
        for (; at_ + LANES <= (n); at_ += LANES) {                                                 \
            UNROLL for (int u = 0; u < NACC; u++) {                                                \
                const size_t p = at_ + (size_t)u * VL, left = VL;                                  \
                __VA_ARGS__                                                                        \
            }                                                                                      \
        }                                                                                          \
        UNROLL for (int u = 0; u < NACC; u++) {                                                    \
            const size_t p = at_ + (size_t)u * VL;                                                 \
            if (p < (n)) {                                                                         \
                const size_t left = (n) - p;                                                       \
                __VA_ARGS__                                                                        \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* Runs the statements for every vector of n floats: p its offset, left > 0 the floats from there to
 * n. */
#define EACH_VECTOR(n, ...)                                                                        \
    do {                                                                                           \
        size_t p = 0;                                                                              \
        for (; p + VL <= (n); p += VL) {                                                           \
            const size_t left = VL;                                                                \
            __VA_ARGS__                                                                            \
        }                                                                                          \
        if (p < (n)) {                                                                             \
            const size_t left = (n) - p;                                                           \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    } while (0)

#endif
