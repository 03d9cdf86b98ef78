/* The processor's own limit, measured: what a share of peak is a share of. */
#ifndef RLAB_TENSOR_KERNEL_PEAK_INC_H
#define RLAB_TENSOR_KERNEL_PEAK_INC_H

#include "simd.h"

#define FMA_CHAINS 12 /* independent, as many as a tile of the matrix product has at least */

/* rounds multiply-adds on each of FMA_CHAINS registers, nothing else; returns the operations, PAIR
 * multiply-adds a lane. *sum, out, keeps the compiler from leaving any out. */
#define DEFINE_PEAK(name, STEP, PAIR)                                                              \
    static double name(size_t rounds, float *sum) {                                                \
        const vf by = vf_set1(0.999f), plus = vf_set1(0.001f);                                     \
        vf acc[FMA_CHAINS];                                                                        \
        UNROLL for (int i = 0; i < FMA_CHAINS; i++) acc[i] = vf_set1((float)i);                    \
        for (size_t r = 0; r < rounds; r++)                                                        \
            UNROLL for (int i = 0; i < FMA_CHAINS; i++) acc[i] = STEP(acc[i]);                     \
        UNROLL for (int i = 1; i < FMA_CHAINS; i++) acc[0] += acc[i];                              \
        *sum = acc[0][0];                                                                          \
        return 2.0 * PAIR * VL * FMA_CHAINS * (double)rounds;                                      \
    }

#define FMA_STEP(acc) vf_fma(acc, by, plus)
DEFINE_PEAK(fma_peak, FMA_STEP, 1)
#if defined(RLAB_HAS_BF16)
#define DOT_STEP(acc) vf_dot(by, plus, acc)
DEFINE_PEAK(bf16_peak, DOT_STEP, 2)
#else
#define bf16_peak fma_peak
#endif

#endif
