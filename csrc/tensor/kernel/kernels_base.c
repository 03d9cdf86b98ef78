/* The kernels for any processor: vectors of four floats, no fused multiply-add. */
#include "tensor/kernel/tables.h"

#define RLAB_KERNELS rlab_kernels_base
#define RLAB_KERNELS_NAME "base"
#include "table.inc.h"
