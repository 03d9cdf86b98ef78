/* The tables of one instruction set; included by kernels_<isa>.c, which defines RLAB_KERNELS and
 * RLAB_KERNELS_NAME. */
#include "attention.inc.h"
#include "attention_one.inc.h"
#include "bf16.inc.h"
#include "peak.inc.h"

/* What is the same for both precisions. */
#define SHARED_ROWS                                                                                \
    .layernorm_fwd = layernorm_fwd, .layernorm_bwd = layernorm_bwd, .rmsnorm_fwd = rmsnorm_fwd,    \
    .rmsnorm_bwd = rmsnorm_bwd, .softmax_fwd = softmax_fwd, .softmax_bwd = softmax_bwd,            \
    .xent = xent, .act_fwd = act_fwd, .act_bwd = act_bwd, .add = map_add, .mul = map_mul,          \
    .muladd = map_muladd, .scale = map_scale, .axpy = map_axpy, .dropout = dropout,                \
    .exp = map_exp, .tanh = map_tanh, .erf = map_erf, .log = map_log, .dot = sum_dot,              \
    .sumsq = sum_squares, .sum = sum_plain, .bias_bwd = bias_bwd, .gather = embed_gather,          \
    .scatter_add = embed_scatter_add, .attention_work = attention_work,                            \
    .attention_fwd = attention_fwd, .attention_one = attention_one,                                \
    .attention_bwd = attention_bwd, .adamw = adamw

static const rlab_kernels bfloat16_table = {
    .isa = RLAB_KERNELS_NAME,
    .gemm_work = BF16_WORK > GEMM_WORK ? BF16_WORK : GEMM_WORK,
    .gemm = bf16_gemm,
    .gemm_pack_size = bf16_pack_size,
    .gemm_pack = bf16_pack,
    .gemm_packed = bf16_gemm_packed,
    .bfloat16 = &bfloat16_table,
    .fma_peak = bf16_peak,
    SHARED_ROWS,
};

const rlab_kernels RLAB_KERNELS = {
    .isa = RLAB_KERNELS_NAME,
    .gemm_work = GEMM_WORK,
    .gemm = gemm,
    .gemm_pack_size = gemm_pack_size,
    .gemm_pack = gemm_pack,
    .gemm_packed = gemm_packed,
    .bfloat16 = &bfloat16_table,
    .fma_peak = fma_peak,
    SHARED_ROWS,
};
