/* Greedy: the likeliest token comes next, the smallest id among equals. */
#include "decode/method.h"

#include <math.h>

static void
begin(const rlab_desk *desk, rlab_group *group) {
    (void)desk;
    group->n_beams = 1;
}

static int32_t
likeliest(const float *logits, const uint8_t *allowed, int32_t vocab) {
    int32_t best = RLAB_NONE;
    for (int32_t v = 0; v < vocab; v++)
        if ((!allowed || allowed[v]) && (best == RLAB_NONE || logits[v] > logits[best]))
            best = v;
    return best;
}

static bool
step(rlab_desk *desk, rlab_group *group, const float *logits) {
    const rlab_beam *beam = &group->beam[0];
    const int32_t vocab = desk->vocab, top = likeliest(logits, NULL, vocab);
    const int32_t token = desk->allowed ? likeliest(logits, desk->allowed, vocab) : top;
    rlab_candidate next = {.token = token, .score = beam->score};
    float sum, log_sum, *work = desk->work;
    for (int32_t v = 0; v < vocab; v++)
        work[v] = logits[v] - logits[top];
    desk->kernels->exp((size_t)vocab, work, work);
    sum = (float)desk->kernels->sum((size_t)vocab, work);
    desk->kernels->log(1, &sum, &log_sum);
    if (!isfinite(log_sum))
        return false;
    if (token != RLAB_NONE &&
        (token == desk->config->eos || group->length < desk->config->max_length))
        next.score += (double)(logits[token] - logits[top]) - (double)log_sum;
    next.drawn = next.key = next.score;
    if (token != RLAB_NONE && token != desk->config->eos &&
        group->length < desk->config->max_length)
        group->child[group->n_children++] = next;
    else
        rlab_decode_file(desk, group, &next, token == desk->config->eos);
    return true;
}

const rlab_decode_method rlab_decode_greedy = {.name = "greedy", .begin = begin, .step = step};
