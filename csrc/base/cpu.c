/* Which instruction sets this processor has, and which one a user chose. */
#include "base/base.h"

#include <string.h>

static const char *const isa_names[RLAB_ISA_COUNT] = {"base", "avx2", "avx512", "avx512bf16"};

const char *
rlab_isa_name(rlab_isa isa) {
    return isa_names[isa];
}

rlab_isa
rlab_isa_best(void) {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return RLAB_ISA_BASE;
#if defined(RLAB_EMULATE)
    return RLAB_ISA_AVX512BF16;
#endif
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return __builtin_cpu_supports("avx512bf16") ? RLAB_ISA_AVX512BF16 : RLAB_ISA_AVX512;
    return RLAB_ISA_AVX2;
#else
    return RLAB_ISA_BASE;
#endif
}

rlab_status
rlab_isa_choose(rlab_ctx *ctx, rlab_isa *out, const char *name) {
    rlab_isa best = rlab_isa_best();
    if (!name || !*name) {
        *out = best;
        return RLAB_OK;
    }
    for (int isa = 0; isa < RLAB_ISA_COUNT; isa++) {
        if (strcmp(name, isa_names[isa]) != 0)
            continue;
        if (isa > (int)best)
            return rlab_fail(ctx, RLAB_EVALUE,
                             "instruction set: this processor has no %s; its widest is %s", name,
                             isa_names[best]);
        *out = (rlab_isa)isa;
        return RLAB_OK;
    }
    return rlab_fail(ctx, RLAB_EVALUE,
                     "instruction set: expected base, avx2, avx512 or avx512bf16, got '%.40s'",
                     name);
}
