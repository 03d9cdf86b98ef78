/* The kernels for AVX-512 (F, BW, DQ, VL); empty on other architectures. */
#if defined(RLAB_EMULATE)
#define RLAB_EMULATE_512
#endif
#include "tensor/kernel/tables.h"

#if defined(__x86_64__)
#define RLAB_KERNELS rlab_kernels_avx512
#define RLAB_KERNELS_NAME "avx512"
#include "table.inc.h"
#endif
