/* The tables behind the door, one a file that setup.py compiles with its instruction set's flags.
 */
#ifndef RLAB_TENSOR_KERNEL_TABLES_H
#define RLAB_TENSOR_KERNEL_TABLES_H

#include "tensor/kernel/kernel.h"

extern const rlab_kernels rlab_kernels_base;
#if defined(__x86_64__)
extern const rlab_kernels rlab_kernels_avx2;
extern const rlab_kernels rlab_kernels_avx512;
extern const rlab_kernels rlab_kernels_avx512bf16;
#endif

#endif
