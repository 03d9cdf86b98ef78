/* Sampling without replacement by stochastic beam search.
 *
 * Source: Kool, van Hoof, Welling, "Stochastic beams and where to find them" (2019,
 * arXiv:1903.06059), section 4.1 and appendix B.3 (the stable form of the truncated Gumbel). Every
 * sequence has its log-probability phi and a Gumbel variable G of location phi; the k sequences of
 * largest G are a sample without replacement. G of a prefix is the largest of its continuations',
 * so it is drawn from the root down: children draw G and are shifted so that their largest is the
 * parent's. The root's G is drawn too: so G of every output is its perturbed log-probability, as
 * the importance weights want it.
 *
 * The distribution is the one after temperature, top-k, top-p, min-p and guide. Its sequences are
 * the finished ones and, for the mass that does not end, each prefix of max_length tokens cut
 * there; together they have probability 1. A draw: item i takes stream RLAB_STREAM_DECODE, index i;
 * first the root's number, then at every step beam by beam, token by token, one 64-bit number each
 * (after max_length tokens two a beam, <eos> and "cut"). */
#include "decode/method.h"

#include <math.h>

static double
gumbel(rlab_rng *rng, double location) {
    return location - rlab_decode_log(-rlab_decode_log(rlab_decode_uniform(rng)));
}

static void
begin(const rlab_desk *desk, rlab_group *group) {
    group->n_beams = 1;
    rlab_rng_init(&group->rng, desk->config->seed, RLAB_STREAM_DECODE,
                  (uint64_t)(desk->config->first_item + group->item));
    group->beam[0].key = gumbel(&group->rng, 0.0);
}

/* G of a child, given the parent's G, the child's own and the largest of its siblings'. */
static double
truncated(double parent, double own, double largest) {
    double v = parent - own + rlab_decode_log1mexp(own - largest);
    return parent - (v > 0.0 ? v : 0.0) - rlab_decode_log1p(rlab_decode_exp(-fabs(v)));
}

/* Offers a beam's continuations: phi (n,) is of token v, or of <eos> and "cut" (token RLAB_NONE).
 */
static int32_t
offer(rlab_desk *desk, rlab_group *group, int32_t b, const double *phi, int32_t n, bool last,
      const double *logp, double *own, int32_t kept) {
    const rlab_beam *beam = &group->beam[b];
    double largest = -INFINITY;
    for (int32_t i = 0; i < n; i++) {
        own[i] = gumbel(&group->rng, phi[i]);
        largest = own[i] > largest ? own[i] : largest;
    }
    for (int32_t i = 0; i < n; i++) {
        const int32_t token = !last ? i : i == 0 ? desk->config->eos : RLAB_NONE;
        rlab_candidate next = {b, token, beam->score, phi[i], 0.0};
        if (!isfinite(phi[i]))
            continue;
        if (token != RLAB_NONE)
            next.score += logp[token];
        next.key = truncated(beam->key, own[i], largest);
        kept = rlab_decode_keep(desk->best, kept, desk->width, &next);
    }
    return kept;
}

static int32_t
gather(rlab_desk *desk, rlab_group *group, const float *logits) {
    const int32_t vocab = desk->vocab, eos = desk->config->eos;
    const bool last = group->length == desk->config->max_length;
    double *phi = desk->phi, *own = desk->own;
    int32_t kept = 0;
    for (int32_t b = 0; b < group->n_beams; b++) {
        const size_t row = (size_t)b * (size_t)vocab;
        const double drawn = group->beam[b].drawn;
        double sum, log_sum, eos_logq;
        if (!rlab_decode_logps(desk, logits + row, desk->logp))
            return RLAB_NONE;
        sum = rlab_decode_weights(desk, logits + row, desk->allowed ? desk->allowed + row : NULL);
        if (!isfinite(sum))
            return RLAB_NONE;
        log_sum = rlab_decode_log(sum);
        eos_logq = desk->work[eos] > 0.0f ? rlab_decode_log(desk->work[eos]) - log_sum : -INFINITY;
        if (last || sum == 0.0) {
            phi[0] = sum == 0.0 ? -INFINITY : drawn + eos_logq;
            phi[1] = sum == 0.0 ? drawn : drawn + rlab_decode_log1mexp(eos_logq);
            kept = offer(desk, group, b, phi, 2, true, desk->logp, own, kept);
            continue;
        }
        for (int32_t v = 0; v < vocab; v++)
            phi[v] =
                desk->work[v] > 0.0f ? drawn + rlab_decode_log(desk->work[v]) - log_sum : -INFINITY;
        kept = offer(desk, group, b, phi, vocab, false, desk->logp, own, kept);
    }
    return kept;
}

static bool
step(rlab_desk *desk, rlab_group *group, const float *logits) {
    int32_t n = gather(desk, group, logits);
    if (n == RLAB_NONE)
        return false;
    /* Ended ones and candidates share `width` places. */
    while (n + group->n_finals > desk->width)
        if (n > 0 && desk->best[n - 1].key <= group->final[group->n_finals - 1].key)
            n--;
        else
            group->n_finals--;
    for (int32_t i = 0; i < n; i++) {
        const rlab_candidate *next = &desk->best[i];
        if (next->token == desk->config->eos || next->token == RLAB_NONE)
            rlab_decode_file(desk, group, next, next->token == desk->config->eos);
        else
            group->child[group->n_children++] = *next;
    }
    return true;
}

const rlab_decode_method rlab_decode_gumbel = {
    .name = "gumbel", .wide = true, .begin = begin, .step = step};
