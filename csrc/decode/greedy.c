/* Greedy: the likeliest token comes next, the smallest id among equals. */
#include "decode/method.h"

#include <math.h>

static rlab_choice
choose(const rlab_kernels *kernels, const float *logits, int32_t vocab, float *work) {
    rlab_choice best = {0, NAN};
    float sum, log_sum;
    for (int32_t v = 1; v < vocab; v++)
        if (logits[v] > logits[best.token])
            best.token = v;
    for (int32_t v = 0; v < vocab; v++)
        work[v] = logits[v] - logits[best.token];
    kernels->exp((size_t)vocab, work, work);
    sum = (float)kernels->sum((size_t)vocab, work);
    kernels->log(1, &sum, &log_sum);
    best.logp = -(double)log_sum;
    return best;
}

const rlab_decode_method rlab_decode_greedy = {"greedy", choose};
