/* What methods share: probabilities of logits, filters, the best of many, filing what ended. */
#include "decode/method.h"

#include <math.h>
#include <string.h>

bool
rlab_decode_logps(const rlab_desk *desk, const float *logits, double *logp) {
    float top = logits[0], sum, log_sum;
    float *work = desk->work;
    for (int32_t v = 1; v < desk->vocab; v++)
        top = logits[v] > top ? logits[v] : top;
    for (int32_t v = 0; v < desk->vocab; v++)
        work[v] = logits[v] - top;
    desk->kernels->exp((size_t)desk->vocab, work, work);
    sum = (float)desk->kernels->sum((size_t)desk->vocab, work);
    desk->kernels->log(1, &sum, &log_sum);
    for (int32_t v = 0; v < desk->vocab; v++)
        logp[v] = (double)(logits[v] - top) - (double)log_sum;
    return isfinite(log_sum);
}

/* ---- order of tokens, likeliest first, by a heap -----------------------------------------------
 */

static bool
before(const float *logits, int32_t a, int32_t b) {
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

static void
sift(const float *logits, int32_t *heap, int32_t n, int32_t at) {
    int32_t token = heap[at];
    for (int32_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && before(logits, heap[child + 1], heap[child]))
            child++;
        if (before(logits, token, heap[child]))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = token;
}

static void
heapify(const float *logits, int32_t *heap, int32_t n) {
    for (int32_t i = n / 2 - 1; i >= 0; i--)
        sift(logits, heap, n, i);
}

/* Takes the likeliest out of a heap of n; it then stands at heap[n - 1]. */
static int32_t
pop(const float *logits, int32_t *heap, int32_t n) {
    int32_t token = heap[0];
    heap[0] = heap[n - 1];
    heap[n - 1] = token;
    sift(logits, heap, n - 1, 0);
    return token;
}

/* Weights 0 for all but the likeliest: top-k, then top-p of what is left. order: (n,) tokens. */
static void
cut_tail(const rlab_desk *desk, const float *logits, int32_t n) {
    const rlab_decode_config *c = desk->config;
    int32_t *order = desk->order, kept = n;
    float *weight = desk->work;
    double total = 0.0, mass = 0.0;
    int32_t left = n; /* in the heap; the tokens after it are sorted, likeliest last */
    heapify(logits, order, n);
    if (c->top_k > 0 && c->top_k < n) {
        for (kept = 0; kept < c->top_k; kept++)
            pop(logits, order, left--);
        while (left > 0 && logits[order[0]] == logits[order[left]]) {
            pop(logits, order, left--);
            kept++;
        }
    }
    if (c->top_p < 1.0) {
        int32_t most = kept;
        if (kept < n)
            for (int32_t i = n - 1; i >= n - kept; i--)
                total += weight[order[i]];
        else
            for (int32_t i = 0; i < n; i++)
                total += weight[order[i]];
        for (kept = 0; kept < most && (kept == 0 || mass < c->top_p * total); kept++) {
            if (n - kept == left)
                pop(logits, order, left--);
            mass += weight[order[n - 1 - kept]];
        }
    }
    if (kept < n)
        for (int32_t i = 0; i < n - kept; i++)
            weight[order[i]] = 0.0f;
}

double
rlab_decode_weights(const rlab_desk *desk, const float *logits, const uint8_t *allowed) {
    const rlab_decode_config *c = desk->config;
    const float temperature = (float)c->temperature, least = (float)c->min_p;
    float *weight = desk->work;
    int32_t top = RLAB_NONE, n = 0;
    double sum = 0.0;
    for (int32_t v = 0; v < desk->vocab; v++)
        if (!allowed || allowed[v]) {
            desk->order[n++] = v;
            if (top == RLAB_NONE || logits[v] > logits[top])
                top = v;
        }
    if (n == 0)
        return 0.0;
    for (int32_t v = 0; v < desk->vocab; v++)
        weight[v] = !allowed || allowed[v] ? (logits[v] - logits[top]) / temperature : -INFINITY;
    desk->kernels->exp((size_t)desk->vocab, weight, weight);
    if (c->top_k > 0 || c->top_p < 1.0)
        cut_tail(desk, logits, n);
    for (int32_t v = 0; v < desk->vocab; v++) {
        if (weight[v] < least)
            weight[v] = 0.0f;
        sum += weight[v];
    }
    return sum;
}

int32_t
rlab_decode_keep(rlab_candidate *best, int32_t n, int32_t most, const rlab_candidate *candidate) {
    int32_t at;
    if (n == most && !(candidate->key > best[n - 1].key))
        return n;
    n += n < most;
    for (at = n - 1; at > 0 && candidate->key > best[at - 1].key; at--)
        best[at] = best[at - 1];
    best[at] = *candidate;
    return n;
}

static void
store(const rlab_desk *desk, const rlab_group *group, const rlab_beam *beam, int32_t place) {
    const size_t from = (size_t)beam->slot, to = (size_t)(group->first_slot + place);
    const size_t most = (size_t)desk->config->max_length, length = (size_t)group->length;
    const size_t wide = (size_t)desk->config->alternatives;
    memcpy(desk->stored + to * most, desk->chosen + from * most, length * sizeof *desk->stored);
    if (!desk->alt_token)
        return;
    memcpy(desk->stored_alt_token + to * (most + 1) * wide,
           desk->alt_token + from * (most + 1) * wide,
           (length + 1) * wide * sizeof *desk->alt_token);
    memcpy(desk->stored_alt_logp + to * (most + 1) * wide,
           desk->alt_logp + from * (most + 1) * wide, (length + 1) * wide * sizeof *desk->alt_logp);
}

void
rlab_decode_file(const rlab_desk *desk, rlab_group *group, const rlab_candidate *candidate,
                 bool finished) {
    rlab_final *final = group->final;
    int32_t place, at;
    if (group->n_finals < desk->width)
        group->n_finals++;
    else if (!(candidate->key > final[desk->width - 1].key))
        return;
    place = final[group->n_finals - 1].place;
    for (at = group->n_finals - 1; at > 0 && candidate->key > final[at - 1].key; at--)
        final[at] = final[at - 1];
    final[at] = (rlab_final){.place = place,
                             .length = group->length,
                             .finished = finished,
                             .score = candidate->score,
                             .drawn = candidate->drawn,
                             .key = candidate->key};
    store(desk, group, &group->beam[candidate->parent], place);
}

double
rlab_decode_uniform(rlab_rng *rng) {
    return ((double)(rlab_rng_u64(rng) >> 12) + 0.5) * 0x1p-52;
}

bool
rlab_decode_top(rlab_desk *desk, const float *logits, int32_t n, int32_t *token, double *logp) {
    if (!rlab_decode_logps(desk, logits, desk->logp))
        return false;
    for (int32_t v = 0; v < desk->vocab; v++)
        desk->order[v] = v;
    heapify(logits, desk->order, desk->vocab);
    for (int32_t i = 0; i < n; i++) {
        token[i] = i < desk->vocab ? pop(logits, desk->order, desk->vocab - i) : RLAB_NONE;
        logp[i] = i < desk->vocab ? desk->logp[token[i]] : -INFINITY;
    }
    return true;
}
