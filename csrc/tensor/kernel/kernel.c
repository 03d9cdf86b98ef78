/* Picks the table of an instruction set. */
#include "tensor/kernel/tables.h"

const rlab_kernels *
rlab_kernels_get(rlab_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case RLAB_ISA_AVX2:
        return &rlab_kernels_avx2;
    case RLAB_ISA_AVX512:
        return &rlab_kernels_avx512;
    case RLAB_ISA_AVX512BF16:
        return &rlab_kernels_avx512bf16;
#endif
    case RLAB_ISA_BASE:
        return &rlab_kernels_base;
    default:
        return NULL;
    }
}
