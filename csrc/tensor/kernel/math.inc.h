/* exp, log, tanh and erf on vectors, so that the C library's version changes no bit of a result.
 * Largest errors against float64 in units in the last place, with fused multiply-add and without:
 * exp 1.0, 1.0; tanh 1.3, 1.3; erf 1.0, 1.2; log 0.8, 0.8 (tests/kernel/test_kernel_math.py sweeps
 * the number line). NaN gives NaN; infinities, zeros (with their sign) and denormals are right.
 * Polynomials are minimax fits of our own. */
#ifndef RLAB_TENSOR_KERNEL_MATH_INC_H
#define RLAB_TENSOR_KERNEL_MATH_INC_H

#include "simd.h"

#define C1(x) vf_set1(x)

/* x = n ln 2 + r, |r| <= ln 2 / 2; exp(x) = 2^n (1 + r + r^2 P(r)). 2^n in two factors, so that
 * results below the smallest normal float round once, at the end. Source: W. J. Cody, W. Waite,
 * "Software Manual for the Elementary Functions" (1980), chapter 6 (the two-part ln 2). */
INLINE vf
vf_exp(vf x) {
    const vf magic = C1(0x1.8p23f);
    x = vf_sel(vm_lt(x, C1(-105.0f)), C1(-105.0f), x);
    x = vf_sel(vm_lt(C1(90.0f), x), C1(90.0f), x);
    vf t = vf_fma(x, C1(0x1.715476p0f), magic), n = t - magic;
    vi k = (vi)t - vi_set1(0x4b400000), half = k >> 1;
    vf r = vf_fma(n, C1(-0x1.63p-1f), x);
    r = vf_fma(n, C1(0x1.bd0106p-13f), r);
    vf p = C1(0x1.6a215ap-10f);
    p = vf_fma(p, r, C1(0x1.123b9ap-7f));
    p = vf_fma(p, r, C1(0x1.5558fcp-5f));
    p = vf_fma(p, r, C1(0x1.555490p-3f));
    p = vf_fma(p, r, C1(0x1.fffffcp-2f));
    p = vf_fma(p, r * r, r) + C1(1.0f);
    vf a = (vf)((half + vi_set1(127)) << 23), b = (vf)((k - half + vi_set1(127)) << 23);
    return p * a * b;
}

/* x = 2^n (1 + m), sqrt(1/2) <= 1 + m < sqrt(2); log x = n ln 2 + m - m^2/2 + m^3 P(m). */
INLINE vf
vf_log(vf x) {
    const vf tiny = C1(0x1p-126f);
    vm small = vm_lt(x, tiny);
    vf y = vf_sel(small, x * C1(0x1p25f), x);
    vi shifted = (vi)y - vi_set1(0x3f3504f3), k = shifted >> 23;
    vf m = (vf)((shifted & vi_set1(0x007fffff)) + vi_set1(0x3f3504f3)) - C1(1.0f);
    vf n = vi_float(k) + vf_sel(small, C1(-25.0f), C1(0.0f));
    vf p = C1(0x1.1457a8p-4f);
    p = vf_fma(p, m, C1(-0x1.de3c16p-4f));
    p = vf_fma(p, m, C1(0x1.e6f06ap-4f));
    p = vf_fma(p, m, C1(-0x1.fc2208p-4f));
    p = vf_fma(p, m, C1(0x1.233768p-3f));
    p = vf_fma(p, m, C1(-0x1.555c4ep-3f));
    p = vf_fma(p, m, C1(0x1.99a4b6p-3f));
    p = vf_fma(p, m, C1(-0x1.000006p-2f));
    p = vf_fma(p, m, C1(0x1.555548p-2f));
    vf m2 = m * m;
    p = vf_fma(p, m2 * m, n * C1(-0x1.bd0106p-13f));
    p = vf_fma(m2, C1(-0.5f), p) + m;
    vf out = vf_fma(n, C1(0x1.63p-1f), p);
    out = vf_sel(vm_eq(x, C1(0.0f)), C1(-__builtin_inff()), out);
    out = vf_sel(vm_lt(x, C1(0.0f)), C1(__builtin_nanf("")), out);
    /* Infinity is itself, and NaN + NaN is NaN. */
    return vf_sel(vm_lt(x, C1(__builtin_inff())), out, x + x);
}

/* |x| < 0.625: x + x^3 P(x^2); else 1 - 2 / (exp(2|x|) + 1) with the sign of x. */
INLINE vf
vf_tanh(vf x) {
    vf a = vf_abs(x), s = x * x;
    vf p = C1(-0x1.6e69b0p-8f);
    p = vf_fma(p, s, C1(0x1.50820ep-6f));
    p = vf_fma(p, s, C1(-0x1.b7fd50p-5f));
    p = vf_fma(p, s, C1(0x1.110552p-3f));
    p = vf_fma(p, s, C1(-0x1.55552ap-2f));
    vf near = vf_fma(p * s, x, x);
    vf far = C1(1.0f) - C1(2.0f) / (vf_exp(a + a) + C1(1.0f));
    return vf_copysign(vf_sel(vm_lt(a, C1(0.625f)), near, far), x); /* near(-0) is +0 */
}

/* |x| < 1: x + x P(x^2); else 1 - exp(-Q(|x|)) with the sign of x, Q fitted to -log erfc. */
INLINE vf
vf_erf(vf x) {
    vf a = vf_abs(x), s = x * x;
    vf p = C1(0x1.496a32p-14f);
    p = vf_fma(p, s, C1(-0x1.a3f700p-11f));
    p = vf_fma(p, s, C1(0x1.5405b2p-8f));
    p = vf_fma(p, s, C1(-0x1.b7f90ep-6f));
    p = vf_fma(p, s, C1(0x1.ce2cf8p-4f));
    p = vf_fma(p, s, C1(-0x1.81273ep-2f));
    p = vf_fma(p, s, C1(0x1.06eba8p-3f));
    vf near = vf_fma(p, x, x);
    vf b = vf_sel(vm_lt(C1(4.0f), a), C1(4.0f), a); /* erf(4) rounds to 1 */
    vf q = C1(-0x1.6c0698p-16f);
    q = vf_fma(q, b, C1(0x1.ceeaf4p-12f));
    q = vf_fma(q, b, C1(-0x1.1398fcp-8f));
    q = vf_fma(q, b, C1(0x1.9d0bd6p-6f));
    q = vf_fma(q, b, C1(-0x1.bc18d0p-4f));
    q = vf_fma(q, b, C1(-0x1.4434f0p-1f));
    q = vf_fma(q, b, C1(-0x1.212c2cp0f));
    q = vf_fma(q, b, C1(0x1.8b3f40p-13f));
    vf far = C1(1.0f) - vf_exp(q);
    return vf_sel(vm_lt(a, C1(1.0f)), near, vf_copysign(far, x));
}

/* ---- activations and their derivatives ----------------------------------------------------------
 */

INLINE vf
vf_relu(vf x) {
    return vf_sel(vm_lt(x, C1(0.0f)), C1(0.0f), x); /* NaN stays */
}

INLINE vf
vf_drelu(vf x) {
    return vf_sel(vm_lt(C1(0.0f), x), C1(1.0f), C1(0.0f));
}

/* The normal density times sqrt(2 pi), and from it the distribution function Phi: for a = |x|,
 * Phi(-a) = exp(-a^2/2) t P(t), t = 1 / (1 + 0.33 a), a fit of our own; absolute error below 1e-7.
 * One exponential serves both, and GELU keeps its digits where Phi is small. */
INLINE vf
vf_bell(vf x) {
    return vf_exp(C1(-0.5f) * x * x);
}

INLINE vf
vf_phi(vf x, vf bell) {
    vf t = C1(1.0f) / vf_fma(vf_abs(x), C1(0.33f), C1(1.0f));
    vf p = C1(0x1.cbf588p-4f);
    p = vf_fma(p, t, C1(-0x1.16a682p-1f));
    p = vf_fma(p, t, C1(0x1.a09e94p-1f));
    p = vf_fma(p, t, C1(-0x1.a85b58p-3f));
    p = vf_fma(p, t, C1(0x1.c73760p-2f));
    p = vf_fma(p, t, C1(0x1.3559f6p-2f));
    p = vf_fma(p, t, C1(0x1.54139cp-2f));
    vf tail = p * t * bell * C1(0x1.988454p-2f);
    return vf_sel(vm_lt(x, C1(0.0f)), tail, C1(1.0f) - tail);
}

INLINE vf
vf_gelu(vf x) {
    return x * vf_phi(x, vf_bell(x));
}

/* Phi(x) + x phi(x) */
INLINE vf
vf_dgelu(vf x) {
    vf bell = vf_bell(x);
    return vf_fma(x, C1(0x1.988454p-2f) * bell, vf_phi(x, bell));
}

INLINE vf
vf_gelu_tanh_inner(vf x) {
    return C1(0x1.988454p-1f) * vf_fma(C1(0.044715f) * x, x * x, x);
}

INLINE vf
vf_gelu_tanh(vf x) {
    return C1(0.5f) * x * (C1(1.0f) + vf_tanh(vf_gelu_tanh_inner(x)));
}

INLINE vf
vf_dgelu_tanh(vf x) {
    vf t = vf_tanh(vf_gelu_tanh_inner(x));
    vf slope = C1(0x1.988454p-1f) * vf_fma(C1(3.0f * 0.044715f), x * x, C1(1.0f));
    vf left = vf_fma(C1(0.5f), t, C1(0.5f));
    return vf_fma(C1(0.5f) * x * slope, vf_fma(-t, t, C1(1.0f)), left);
}

INLINE vf
vf_silu(vf x) {
    return x / (C1(1.0f) + vf_exp(-x));
}

INLINE vf
vf_dsilu(vf x) {
    vf s = C1(1.0f) / (C1(1.0f) + vf_exp(-x));
    return s * vf_fma(x, C1(1.0f) - s, C1(1.0f));
}

INLINE vf
vf_act(rlab_act act, vf x) {
    switch (act) {
    case RLAB_ACT_RELU:
        return vf_relu(x);
    case RLAB_ACT_GELU:
        return vf_gelu(x);
    case RLAB_ACT_GELU_TANH:
        return vf_gelu_tanh(x);
    case RLAB_ACT_SILU:
        return vf_silu(x);
    case RLAB_ACT_NONE:
        break;
    }
    return x;
}

#undef C1

#endif
