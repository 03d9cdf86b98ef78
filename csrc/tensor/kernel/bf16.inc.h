/* Matrix products of float32 arrays whose operands are rounded to bfloat16 on the way in; sums,
 * what is added and what comes out stay float32.
 *
 * A chain takes k by pairs, the odd one of a pair first, one rounding each: what the processor's
 * own dot product of pairs does (vdpbf16ps: Intel, "BFLOAT16 - Hardware Numerics Definition",
 * 2018). Where the processor has it, a slot of 32 bits holds a pair; elsewhere a slot holds one
 * rounded float, pairs swapped, and the float32 tiles do the rest: a product of two bfloat16 is
 * exact in float32, so the bits are the same with and without fused multiply-add. Only where a
 * product or sum is denormal they differ: the processor's instruction flushes it to zero. */
#ifndef RLAB_TENSOR_KERNEL_BF16_INC_H
#define RLAB_TENSOR_KERNEL_BF16_INC_H

#include "gemm.inc.h"

#if defined(RLAB_HAS_BF16)
#define SLOTS(k) (((k) + 1) / 2)
DEFINE_MICRO_TABLE(micro_bf16, vf_dot)
#else
#define SLOTS(k) (((k) + 1) / 2 * 2)
#define micro_bf16 micro
#endif

/* Slots between rows of a laid out by rows, and between the k of a laid out transposed; the odd
 * cache line spreads them over the cache's sets. */
#define BF16_LD (SLOTS(KC) + 16)
#define BF16_LD_TRANS (MC + 16)
#define BF16_PANEL (SLOTS(KC) * NR)
#define BF16_WORK (BF16_PANEL + NR * BF16_LD + MC * BF16_LD + KC * BF16_LD_TRANS)

/* ---- rounding to nearest, ties to even; denormals to zero, NaN to a quiet NaN ------------------
 */

#if defined(RLAB_HAS_BF16)

/* Pairs of 32 floats side by side: slot i is x[2 i], x[2 i + 1]. */
INLINE void
round_row(const float *x, size_t left, float *out) {
    const vf low = vf_load_left(x, left, 0.0f);
    const vf high = left > VL ? vf_load_left(x + VL, left - VL, 0.0f) : vf_set1(0.0f);
    vf_store(out, vf_bf16_pair(low, high));
}

/* x (k,) -> out (SLOTS(k),), and up to VL slots more. */
INLINE void
round_line(size_t k, const float *x, float *out) {
    for (size_t i = 0; i < k; i += 2 * VL)
        round_row(x + i, k - i, out + i / 2);
}

/* Slots of two rows of w floats, column by column; whole vectors of out are written. */
INLINE void
round_pair(size_t w, const float *even, const float *odd, float *out, size_t ld) {
    (void)ld;
    EACH_VECTOR(w, {
        const vf x = vf_load_left(even + p, left, 0.0f);
        const vf y = odd ? vf_load_left(odd + p, left, 0.0f) : vf_set1(0.0f);
        vf_store(out + p, vf_bf16_lanes(x, y));
    });
}

#else

INLINE vf
vf_bf16(vf x) {
    const vi bits = (vi)x, low = vi_set1(0xffff);
    const vi near = (bits + vi_set1(0x7fff) + ((bits >> 16) & vi_set1(1))) & ~low;
    const vi sign = bits & vi_set1(INT32_MIN);
    const vi nan = (bits | vi_set1(0x00400000)) & ~low;
    const vf a = vf_abs(x);
    vf y = vf_sel(vm_lt(a, vf_set1(0x1p-126f)), (vf)sign, (vf)near);
    return vf_sel(vm_eq(x, x), y, (vf)nan);
}

INLINE void
round_line(size_t k, const float *x, float *out) {
    EACH_VECTOR(k, {
        const vu t = (vu)vf_bf16(vf_load_left(x + p, left, 0.0f));
        vf_store(out + p, (vf)((t >> 32) | (t << 32)));
    });
}

INLINE void
round_pair(size_t w, const float *even, const float *odd, float *out, size_t ld) {
    EACH_VECTOR(w, {
        const vf y = odd ? vf_load_left(odd + p, left, 0.0f) : vf_set1(0.0f);
        vf_store(out + p, vf_bf16(y));
        vf_store(out + ld + p, vf_bf16(vf_load_left(even + p, left, 0.0f)));
    });
}

#endif

/* x (rows, k) -> out (rows, SLOTS(k)), rows BF16_LD apart. */
static void
round_rows(size_t rows, size_t k, const float *x, size_t ldx, float *out) {
    for (size_t i = 0; i < rows; i++)
        round_line(k, x + i * ldx, out + i * BF16_LD);
}

/* x (k, w) -> out (SLOTS(k), w), rows ld apart, ld at least w rounded up to whole vectors. */
static void
round_columns(size_t k, size_t w, const float *x, size_t ldx, float *out, size_t ld) {
    for (size_t i = 0; i < k; i += 2)
        round_pair(w, x + i * ldx, i + 1 < k ? x + (i + 1) * ldx : NULL, out + SLOTS(i) * ld, ld);
}

/* ---- packing -----------------------------------------------------------------------------------
 */

/* One panel of kc rows of b (k, n), or of columns of b (n, k); rows: NR * BF16_LD floats. */
static void
bf16_panel(int trans_b, size_t kc, size_t w, const float *b, size_t ldb, float *out, float *rows) {
    const size_t stride = panel_stride(w);
    if (trans_b) {
        round_rows(w, kc, b, ldb, rows);
        pack_columns(SLOTS(kc), w, rows, BF16_LD, out);
    } else {
        round_columns(kc, w, b, ldb, out, stride);
    }
}

static size_t
bf16_pack_size(size_t n, size_t k) {
    return n / NR * NR * SLOTS(k) + panel_stride(n % NR) * SLOTS(k);
}

/* Panels one after another, each (SLOTS(k), stride). */
static void
bf16_pack(int trans_b, size_t n, size_t k, const float *b, size_t ldb, float *packed) {
    float rows[NR * BF16_LD];
    for (size_t j = 0; j < n; j += NR) {
        const size_t w = panel_width(n, j);
        for (size_t k0 = 0; k0 < k; k0 += KC)
            bf16_panel(trans_b, k - k0 < KC ? k - k0 : KC, w,
                       trans_b ? b + j * ldb + k0 : b + k0 * ldb + j, ldb,
                       packed + j * SLOTS(k) + SLOTS(k0) * panel_stride(w), rows);
    }
}

/* ---- the products ------------------------------------------------------------------------------
 */

/* Sets the chunk at k0 of rows [i0, i1), rounded into work; returns how much of k it has. */
static size_t
bf16_chunk(job *g, const float *a, size_t lda, size_t i0, size_t i1, size_t k0, float *work) {
    const size_t kc = set_chunk(g, a, lda, k0);
    if (g->trans_a)
        round_columns(kc, i1 - i0, g->a + i0, lda, work, BF16_LD_TRANS);
    else
        round_rows(i1 - i0, kc, g->a + i0 * lda, lda, work);
    g->a = work;
    g->a0 = i0;
    g->lda = g->trans_a ? BF16_LD_TRANS : BF16_LD;
    return kc;
}

static void
bf16_gemm_packed(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *packed,
                 int accumulate, float *c, size_t ldc, const rlab_epilogue *e, float *work) {
    job g = {.m = m, .n = n, .k = k, .accumulate = accumulate, .c = c, .ldc = ldc, .e = e};
    if (k == 0)
        product_of_nothing(&g);
    for (size_t i = 0; i < m; i += MC) {
        const size_t i1 = m - i < MC ? m : i + MC;
        for (size_t k0 = 0; k0 < k; k0 += KC) {
            const size_t kc = bf16_chunk(&g, a, lda, i, i1, k0, work);
            for (size_t j = 0; j < n; j += NR) {
                const size_t stride = panel_stride(panel_width(n, j));
                panel_product(&g, micro_bf16, i, i1, j, SLOTS(kc),
                              packed + j * SLOTS(k) + SLOTS(k0) * stride, stride);
            }
        }
    }
}

static void
bf16_gemm(rlab_trans trans, size_t m, size_t n, size_t k, const float *a, size_t lda,
          const float *b, size_t ldb, int accumulate, float *c, size_t ldc, const rlab_epilogue *e,
          float *work) {
    job g = {.m = m, .n = n, .k = k, .trans_a = trans == RLAB_TN, .accumulate = accumulate};
    float *panel = work, *rows = panel + BF16_PANEL, *block = rows + NR * BF16_LD;
    const int trans_b = trans == RLAB_NT;
    g.c = c;
    g.ldc = ldc;
    g.e = e;
    if (k == 0)
        product_of_nothing(&g);
    for (size_t i = 0; i < m; i += MC) {
        const size_t i1 = m - i < MC ? m : i + MC;
        for (size_t k0 = 0; k0 < k; k0 += KC) {
            const size_t kc = bf16_chunk(&g, a, lda, i, i1, k0, block);
            for (size_t j = 0; j < n; j += NR) {
                const size_t w = panel_width(n, j);
                bf16_panel(trans_b, kc, w, trans_b ? b + j * ldb + k0 : b + k0 * ldb + j, ldb,
                           panel, rows);
                panel_product(&g, micro_bf16, i, i1, j, SLOTS(kc), panel, panel_stride(w));
            }
        }
    }
}

#endif
