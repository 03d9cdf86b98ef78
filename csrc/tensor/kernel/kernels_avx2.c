/* The kernels for AVX2 and FMA; empty on other architectures. */
#include "tensor/kernel/tables.h"

#if defined(__x86_64__)
#define RLAB_KERNELS rlab_kernels_avx2
#define RLAB_KERNELS_NAME "avx2"
#include "table.inc.h"
#endif
