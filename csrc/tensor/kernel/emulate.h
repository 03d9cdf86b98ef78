/* For tests on processors without AVX-512: the intrinsics that simd.h uses, written out lane by
 * lane from their documentation (Intel Intrinsics Guide), so that the wide kernels run on AVX2.
 * Only builds with RECURSIONLAB_EMULATE see this file; kernels_avx512*.c say how much of it they
 * want. */
#ifndef RLAB_TENSOR_KERNEL_EMULATE_H
#define RLAB_TENSOR_KERNEL_EMULATE_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#if defined(RLAB_EMULATE_512)

#define EMULATED static inline __attribute__((always_inline, unused))

/* Vectors go by way of memory: this translation unit has no registers for them. */
typedef float emu_f __attribute__((vector_size(64)));
typedef int32_t emu_i __attribute__((vector_size(64)));
typedef uint64_t emu_u __attribute__((vector_size(64)));
typedef uint16_t emu_h __attribute__((vector_size(64)));

EMULATED emu_f
emu_fmadd_ps(emu_f a, emu_f b, emu_f c) {
    for (int i = 0; i < 16; i++)
        c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
}

EMULATED emu_f
emu_sqrt_ps(emu_f a) {
    for (int i = 0; i < 16; i++)
        a[i] = __builtin_sqrtf(a[i]);
    return a;
}

/* The second operand where they are equal, zeros, or either is NaN. */
EMULATED emu_f
emu_max_ps(emu_f a, emu_f b) {
    for (int i = 0; i < 16; i++)
        b[i] = a[i] > b[i] ? a[i] : b[i];
    return b;
}

EMULATED uint16_t
emu_lt_mask(emu_f a, emu_f b) {
    unsigned mask = 0;
    for (int i = 0; i < 16; i++)
        mask |= (unsigned)(a[i] < b[i]) << i;
    return (uint16_t)mask;
}

EMULATED uint16_t
emu_eq_mask(emu_f a, emu_f b) {
    unsigned mask = 0;
    for (int i = 0; i < 16; i++)
        mask |= (unsigned)(a[i] == b[i]) << i;
    return (uint16_t)mask;
}

EMULATED emu_f
emu_mask_blend_ps(uint16_t mask, emu_f a, emu_f b) {
    for (int i = 0; i < 16; i++)
        a[i] = mask >> i & 1 ? b[i] : a[i];
    return a;
}

EMULATED emu_i
emu_mask_blend_epi32(uint16_t mask, emu_i a, emu_i b) {
    for (int i = 0; i < 16; i++)
        a[i] = mask >> i & 1 ? b[i] : a[i];
    return a;
}

EMULATED emu_f
emu_mask_loadu_ps(emu_f fill, uint16_t mask, const float *p) {
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1)
            fill[i] = p[i];
    return fill;
}

EMULATED void
emu_mask_storeu_ps(float *p, uint16_t mask, emu_f x) {
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1)
            p[i] = x[i];
}

EMULATED emu_u
emu_mul_epu32(emu_u a, emu_u b) {
    return (a & 0xffffffffu) * (b & 0xffffffffu);
}

/* Quarters of 128 bits: two chosen from a, then two from b. */
EMULATED emu_f
emu_shuffle_f32x4(emu_f a, emu_f b, int control) {
    emu_f out = a;
    for (int i = 0; i < 16; i++) {
        const int quarter = control >> (i / 4 * 2) & 3;
        out[i] = i < 8 ? a[quarter * 4 + i % 4] : b[quarter * 4 + i % 4];
    }
    return out;
}

/* Within each 128 bits. */
EMULATED emu_f
emu_permute_ps(emu_f a, int control) {
    emu_f out = a;
    for (int i = 0; i < 16; i++)
        out[i] = a[i / 4 * 4 + (control >> (i % 4 * 2) & 3)];
    return out;
}

EMULATED emu_h
emu_permutexvar_epi16(emu_h index, emu_h a) {
    emu_h out = a;
    for (int i = 0; i < 32; i++)
        out[i] = a[index[i] & 31];
    return out;
}

/* To nearest, ties to even; denormals to zero with their sign; NaN quiet. */
EMULATED uint16_t
emu_bf16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x)
        return (uint16_t)(bits >> 16 | 0x40);
    if ((bits & 0x7f800000) == 0)
        return (uint16_t)(bits >> 16 & 0x8000);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

EMULATED emu_h
emu_cvtne2ps_pbh(emu_f high, emu_f low) {
    emu_h out = {0};
    for (int i = 0; i < 16; i++) {
        out[i] = emu_bf16(low[i]);
        out[16 + i] = emu_bf16(high[i]);
    }
    return out;
}

EMULATED float
emu_widen(uint16_t x) {
    const uint32_t bits = (uint32_t)x << 16;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

/* A denormal as the instruction sees and gives it: zero. */
EMULATED float
emu_flush(float x) {
    return __builtin_fabsf(x) < 0x1p-126f ? __builtin_copysignf(0.0f, x) : x;
}

EMULATED emu_f
emu_dpbf16_ps(emu_f c, emu_h a, emu_h b) {
    for (int i = 0; i < 16; i++)
        for (int odd = 1; odd >= 0; odd--)
            c[i] = emu_flush(__builtin_fmaf(emu_flush(emu_widen(a[2 * i + odd])),
                                            emu_flush(emu_widen(b[2 * i + odd])), emu_flush(c[i])));
    return c;
}

/* simd.h casts to the processor's types; these are of the same size. */
#define _mm512_fmadd_ps(a, b, c) emu_fmadd_ps((emu_f)(a), (emu_f)(b), (emu_f)(c))
#define _mm512_sqrt_ps(a) emu_sqrt_ps((emu_f)(a))
#define _mm512_max_ps(a, b) emu_max_ps((emu_f)(a), (emu_f)(b))
#define EMU_COMPARE(a, b, kind) EMU_COMPARE_(a, b, kind)
#define EMU_COMPARE_(a, b, kind)                                                                   \
    ((kind) == _CMP_LT_OQ ? emu_lt_mask((emu_f)(a), (emu_f)(b))                                    \
                          : emu_eq_mask((emu_f)(a), (emu_f)(b)))
#undef _mm512_cmp_ps_mask
#define _mm512_cmp_ps_mask EMU_COMPARE
#define _mm512_mask_blend_ps(m, a, b) emu_mask_blend_ps(m, (emu_f)(a), (emu_f)(b))
#define _mm512_mask_blend_epi32(m, a, b) emu_mask_blend_epi32(m, (emu_i)(a), (emu_i)(b))
#define _mm512_mask_loadu_ps(fill, m, p) emu_mask_loadu_ps((emu_f)(fill), m, p)
#define _mm512_mask_storeu_ps(p, m, x) emu_mask_storeu_ps(p, m, (emu_f)(x))
#define _mm512_mul_epu32(a, b) emu_mul_epu32((emu_u)(a), (emu_u)(b))
#undef _mm512_shuffle_f32x4
#define _mm512_shuffle_f32x4(a, b, control) emu_shuffle_f32x4((emu_f)(a), (emu_f)(b), control)
#undef _mm512_permute_ps
#define _mm512_permute_ps(a, control) emu_permute_ps((emu_f)(a), control)
#define _mm512_permutexvar_epi16(index, a) emu_permutexvar_epi16((emu_h)(index), (emu_h)(a))
#define _mm512_cvtne2ps_pbh(high, low) emu_cvtne2ps_pbh((emu_f)(high), (emu_f)(low))
#define _mm512_dpbf16_ps(c, a, b) emu_dpbf16_ps((emu_f)(c), (emu_h)(a), (emu_h)(b))

#endif

#endif
