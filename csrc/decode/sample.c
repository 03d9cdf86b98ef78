/* Sampling: every output of an item is drawn token by token, apart from all others.
 *
 * Output r of item i draws from stream RLAB_STREAM_DECODE, index i + r 2^40, one 64-bit number a
 * token: it depends on the seed, i and r alone, and the first of four outputs is the one that comes
 * alone. A number u in (0, 1) takes the first token, by id, whose running sum of weights is above u
 * times the sum of all. */
#include "decode/method.h"

#include <math.h>

static void
begin(const rlab_desk *desk, rlab_group *group) {
    group->n_beams = desk->width;
    for (int32_t r = 0; r < desk->width; r++) {
        uint64_t item = (uint64_t)(desk->config->first_item + group->item);
        rlab_rng_init(&group->beam[r].rng, desk->config->seed, RLAB_STREAM_DECODE,
                      item + ((uint64_t)r << 40));
        group->beam[r].key = -(double)r; /* so that outputs stay in their order */
    }
}

static int32_t
draw(const float *weight, int32_t vocab, double sum, double u) {
    int32_t token = RLAB_NONE;
    double below = 0.0;
    for (int32_t v = 0; v < vocab && !(below > u * sum); v++)
        if (weight[v] > 0.0f) {
            below += weight[v];
            token = v;
        }
    return token;
}

static bool
step_beam(rlab_desk *desk, rlab_group *group, int32_t b, const float *logits) {
    const rlab_decode_config *c = desk->config;
    const uint8_t *allowed = desk->allowed ? desk->allowed + (size_t)b * (size_t)desk->vocab : NULL;
    rlab_beam *beam = &group->beam[b];
    rlab_candidate next = {b, RLAB_NONE, beam->score, beam->drawn, beam->key};
    double sum, u = rlab_decode_uniform(&beam->rng);
    if (!rlab_decode_logps(desk, logits, desk->logp))
        return false;
    sum = rlab_decode_weights(desk, logits, allowed);
    if (sum > 0.0)
        next.token = draw(desk->work, desk->vocab, sum, u);
    if (next.token != RLAB_NONE && (next.token == c->eos || group->length < c->max_length)) {
        next.score += desk->logp[next.token];
        next.drawn += rlab_decode_log((double)desk->work[next.token] / sum);
    }
    if (next.token != RLAB_NONE && next.token != c->eos && group->length < c->max_length)
        group->child[group->n_children++] = next;
    else
        rlab_decode_file(desk, group, &next, next.token == c->eos);
    return isfinite(sum);
}

static bool
step(rlab_desk *desk, rlab_group *group, const float *logits) {
    for (int32_t b = 0; b < group->n_beams; b++)
        if (!step_beam(desk, group, b, logits + (size_t)b * (size_t)desk->vocab))
            return false;
    return true;
}

const rlab_decode_method rlab_decode_sample = {
    .name = "sample", .independent = true, .begin = begin, .step = step};
