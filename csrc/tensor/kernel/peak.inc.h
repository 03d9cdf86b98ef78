/* The processor's own limit, measured: what a share of peak is a share of. */
#ifndef RLAB_TENSOR_KERNEL_PEAK_INC_H
#define RLAB_TENSOR_KERNEL_PEAK_INC_H

#include "simd.h"

#define FMA_CHAINS 12 /* independent, as many as a tile of the matrix product has at least */

/* rounds multiply-adds on each of FMA_CHAINS registers, nothing else; returns the operations. *sum,
 * out, keeps the compiler from leaving any out. */
static double
fma_peak(size_t rounds, float *sum) {
    const vf by = vf_set1(0.999f), plus = vf_set1(0.001f);
    vf acc[FMA_CHAINS];
    UNROLL for (int i = 0; i < FMA_CHAINS; i++) acc[i] = vf_set1((float)i);
    for (size_t r = 0; r < rounds; r++)
        UNROLL for (int i = 0; i < FMA_CHAINS; i++) acc[i] = vf_fma(acc[i], by, plus);
    UNROLL for (int i = 1; i < FMA_CHAINS; i++) acc[0] += acc[i];
    *sum = acc[0][0];
    return 2.0 * VL * FMA_CHAINS * (double)rounds;
}

#endif
