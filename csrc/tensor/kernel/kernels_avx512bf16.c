/* The kernels for AVX-512 with dot products of bfloat16; empty on other architectures. */
#if defined(RLAB_EMULATE)
#define RLAB_EMULATE_512
#define RLAB_EMULATE_BF16
#endif
#include "tensor/kernel/tables.h"

#if defined(__x86_64__)
#define RLAB_KERNELS rlab_kernels_avx512bf16
#define RLAB_KERNELS_NAME "avx512bf16"
#include "table.inc.h"
#endif
