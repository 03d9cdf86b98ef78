/* Beam search, by the rules of Hugging Face `generate`.
 *
 * Source of the rules: transformers 4.57.1, generation/utils.py, `_beam_search` and the functions
 * it calls, with max_new_tokens = max_length + 1 (room for <eos>) and decoder prompt <bos>. K =
 * num_beams, score = sum of log-probabilities (log-softmax of the logits, no renormalisation under
 * a guide), len = tokens generated so far, <eos> counted, <bos> not.
 *
 *  1. It begins with one beam, <bos>, of score 0.
 *  2. A step: candidates = every beam with every token; the 2 K of best score are kept, in order.
 *  3. A candidate ends if its token is <eos> or if it is token max_length + 1. Those that end and
 *     stand among the first K join the ended ones, with key = score / len ^ length_penalty; of all
 *     the K of best key stay. Those that end further back are lost.
 *  4. The first K that did not end are the next beams.
 *  5. An item is done after token max_length + 1; or when K have ended and either early_stopping is
 *     True, or the best beam's score / reach ^ length_penalty is not above the worst ended key,
 *     reach = max_length + 1 if early_stopping is "never" and length_penalty > 0, else len.
 *  6. Outputs are the ended ones, best key first. One that ended for want of room loses token
 *     max_length + 1, also from `score`, not from its key.
 *
 * What transformers leaves open: of equal scores the earlier beam, then the smaller token, is
 * first. What differs: at the first step transformers fills up with copies of score -1e9 where the
 * vocabulary has fewer than 2 K tokens; here there are fewer beams. */
#include "decode/method.h"

#include <math.h>

static void
begin(const rlab_desk *desk, rlab_group *group) {
    (void)desk;
    group->n_beams = 1;
}

/* Rule 2. */
static int32_t
gather(rlab_desk *desk, const rlab_group *group, const float *logits) {
    int32_t n = 0, most = 2 * desk->width;
    for (int32_t b = 0; b < group->n_beams; b++) {
        const size_t row = (size_t)b * (size_t)desk->vocab;
        const double score = group->beam[b].score;
        if (!rlab_decode_logps(desk, logits + row, desk->logp))
            return RLAB_NONE;
        for (int32_t v = 0; v < desk->vocab; v++) {
            double sum = score + desk->logp[v];
            if ((n == most && !(sum > desk->best[n - 1].key)) || !isfinite(sum) ||
                (desk->allowed && !desk->allowed[row + (size_t)v]))
                continue;
            n = rlab_decode_keep(desk->best, n, most, &(rlab_candidate){b, v, sum, sum, sum});
        }
    }
    return n;
}

/* Rule 5. */
static bool
done(const rlab_desk *desk, const rlab_group *group) {
    const rlab_decode_config *c = desk->config;
    double length = group->length + 1;
    if (group->length == c->max_length)
        return true;
    if (group->n_finals < desk->width || group->n_children == 0)
        return false;
    if (c->early_stopping == RLAB_EARLY_TRUE)
        return true;
    if (c->early_stopping == RLAB_EARLY_NEVER && c->length_penalty > 0.0)
        length = c->max_length + 1;
    return !(group->child[0].score / rlab_decode_power(length, c->length_penalty) >
             group->final[desk->width - 1].key);
}

static bool
step(rlab_desk *desk, rlab_group *group, const float *logits) {
    const rlab_decode_config *c = desk->config;
    const bool last = group->length == c->max_length;
    const double penalty = rlab_decode_power(group->length + 1, c->length_penalty);
    const int32_t n = gather(desk, group, logits);
    if (n == RLAB_NONE)
        return false;
    for (int32_t i = 0; i < n; i++) {
        rlab_candidate next = desk->best[i];
        const bool finished = next.token == c->eos;
        if (!finished && !last) {
            if (group->n_children < desk->width)
                group->child[group->n_children++] = next;
            continue;
        }
        if (i >= desk->width)
            continue;
        next.key = next.score / penalty;
        if (!finished)
            next.score = next.drawn = group->beam[next.parent].score;
        rlab_decode_file(desk, group, &next, finished);
    }
    if (done(desk, group))
        group->n_children = 0;
    return true;
}

const rlab_decode_method rlab_decode_beam = {
    .name = "beam", .wide = true, .begin = begin, .step = step};
