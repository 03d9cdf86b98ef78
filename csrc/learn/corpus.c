/* Pairs of packed sequences, checked once, and the order in which a run sees them. */
#include "learn/learn.h"

#include <string.h>

static rlab_status
check_side(rlab_ctx *ctx, int64_t *longest, const char *ids_name, const char *off_name,
           const int32_t *ids, const int64_t *off, int64_t pairs, int32_t vocab) {
    *longest = 0;
    if (off[0] != 0)
        return rlab_fail(ctx, RLAB_EVALUE, "%s: expected offsets from 0, got %lld at the start",
                         off_name, (long long)off[0]);
    for (int64_t i = 0; i < pairs; i++) {
        int64_t length = off[i + 1] - off[i];
        if (length < 0)
            return rlab_fail_at(ctx, RLAB_EVALUE, i,
                                "%s: expected offsets that never fall, got %lld after %lld at %lld",
                                off_name, (long long)off[i + 1], (long long)off[i],
                                (long long)(i + 1));
        *longest = length > *longest ? length : *longest;
        for (int64_t j = off[i]; j < off[i + 1]; j++)
            if (ids[j] < 0 || ids[j] >= vocab)
                return rlab_fail_at(ctx, RLAB_EVALUE, i,
                                    "%s: expected tokens in [0, %d), got %d at token %lld of item "
                                    "%lld; is the data of another vocabulary?",
                                    ids_name, (int)vocab, (int)ids[j], (long long)(j - off[i]),
                                    (long long)i);
    }
    return RLAB_OK;
}

rlab_status
rlab_corpus_init(rlab_ctx *ctx, rlab_corpus *out, const rlab_corpus *given, int32_t vocab) {
    rlab_corpus corpus = *given;
    if (corpus.pairs < 1)
        return rlab_fail(ctx, RLAB_EVALUE, "split: expected at least one item, got %lld",
                         (long long)corpus.pairs);
    RLAB_TRY(check_side(ctx, &corpus.src_longest, "input_ids", "input_offsets", corpus.src,
                        corpus.src_off, corpus.pairs, vocab));
    RLAB_TRY(check_side(ctx, &corpus.tgt_longest, "labels", "label_offsets", corpus.tgt,
                        corpus.tgt_off, corpus.pairs, vocab));
    *out = corpus;
    return RLAB_OK;
}

int64_t
rlab_batches_per_epoch(int64_t pairs, int64_t batch_size) {
    return (pairs - 1) / batch_size + 1;
}

int64_t
rlab_batch_items(int64_t *items, int64_t pairs, int64_t batch_size, uint64_t seed, int64_t step) {
    int64_t per_epoch = rlab_batches_per_epoch(pairs, batch_size);
    int64_t epoch = step / per_epoch, first = step % per_epoch * batch_size;
    int64_t count = pairs - first < batch_size ? pairs - first : batch_size;
    for (int64_t i = 0; i < count; i++)
        items[i] = (int64_t)rlab_permute((uint64_t)pairs, (uint64_t)(first + i), seed,
                                         RLAB_STREAM_SHUFFLE, (uint64_t)epoch);
    return count;
}

/* Rows that a pair has in the target's space. */
static int64_t
target_rows(rlab_reading reading, const rlab_corpus *c, int64_t item) {
    const int64_t source = c->src_off[item + 1] - c->src_off[item];
    const int64_t target = c->tgt_off[item + 1] - c->tgt_off[item];
    return (reading == RLAB_READS_PAIRS ? 0 : source) +
           (reading == RLAB_READS_PLACES ? 0 : target) + 1;
}

static int64_t
source_rows(rlab_reading reading, const rlab_corpus *c, int64_t item) {
    return reading == RLAB_READS_PAIRS ? c->src_off[item + 1] - c->src_off[item] : 0;
}

typedef int64_t rows_of(rlab_reading reading, const rlab_corpus *c, int64_t item);

/* Fills off (size + 1,) with the offsets of the `size` longest sequences, longest first. */
static rlab_status
longest_first(rlab_ctx *ctx, int64_t **out, rlab_reading reading, const rlab_corpus *c,
              int64_t size, rows_of *rows) {
    void *off = NULL, *made = NULL;
    int64_t *counts, longest = 0;
    for (int64_t i = 0; i < c->pairs; i++)
        longest = rows(reading, c, i) > longest ? rows(reading, c, i) : longest;
    RLAB_TRY(rlab_alloc(ctx, &off, (size_t)size + 1, sizeof(int64_t)));
    *out = off;
    RLAB_TRY(rlab_alloc(ctx, &made, (size_t)longest + 1, sizeof(int64_t)));
    counts = made;
    for (int64_t i = 0; i < c->pairs; i++)
        counts[rows(reading, c, i)]++;
    (*out)[0] = 0;
    for (int64_t i = 0; i < size; i++) {
        while (counts[longest] == 0)
            longest--;
        counts[longest]--;
        (*out)[i + 1] = (*out)[i] + longest;
    }
    rlab_free(made);
    return RLAB_OK;
}

static rlab_status
alloc_tokens(rlab_ctx *ctx, int32_t **out, int64_t rows) {
    void *p = NULL;
    RLAB_TRY(rlab_alloc(ctx, &p, (size_t)rows, sizeof(int32_t)));
    *out = p;
    return RLAB_OK;
}

static rlab_status
lay_out(rlab_ctx *ctx, rlab_minibatch *p, const rlab_corpus *c, int64_t size) {
    void *item = NULL;
    RLAB_TRY(rlab_alloc(ctx, &item, (size_t)size, sizeof(int64_t)));
    p->item = item;
    RLAB_TRY(longest_first(ctx, &p->src_off, p->reading, c, size, source_rows));
    RLAB_TRY(longest_first(ctx, &p->tgt_off, p->reading, c, size, target_rows));
    RLAB_TRY(alloc_tokens(ctx, &p->src, p->src_off[size]));
    RLAB_TRY(alloc_tokens(ctx, &p->tgt, p->tgt_off[size]));
    RLAB_TRY(alloc_tokens(ctx, &p->labels, p->tgt_off[size]));
    p->count = size;
    return RLAB_OK;
}

rlab_status
rlab_minibatch_new(rlab_ctx *ctx, rlab_minibatch *out, const rlab_roles *roles,
                   const rlab_corpus *corpus, int64_t size) {
    rlab_minibatch pairs = {.reading = roles->reading,
                            .start_token = roles->start_token,
                            .end_token = roles->end_token};
    rlab_status status = lay_out(ctx, &pairs, corpus, size < corpus->pairs ? size : corpus->pairs);
    if (status == RLAB_OK)
        *out = pairs;
    else
        rlab_minibatch_free(&pairs);
    return status;
}

void
rlab_minibatch_free(rlab_minibatch *p) {
    rlab_free(p->item);
    rlab_free(p->src);
    rlab_free(p->tgt);
    rlab_free(p->labels);
    rlab_free(p->src_off);
    rlab_free(p->tgt_off);
    memset(p, 0, sizeof *p);
}

/* Target rows of a model that reads pairs, or of the end of the one sequence. */
static void
put_target(rlab_minibatch *p, int64_t at, const int32_t *target, int64_t n) {
    p->tgt[at] = p->start_token;
    memcpy(p->tgt + at + 1, target, (size_t)n * sizeof *p->tgt);
    memcpy(p->labels + at, target, (size_t)n * sizeof *p->labels);
    p->labels[at + n] = p->end_token;
}

/* Rows of a model that says a token a place. */
static void
put_places(rlab_minibatch *p, int64_t at, const int32_t *source, int64_t n_source,
           const int32_t *target, int64_t n_target) {
    memcpy(p->tgt + at, source, (size_t)n_source * sizeof *p->tgt);
    p->tgt[at + n_source] = p->end_token;
    for (int64_t i = 0; i <= n_source; i++)
        p->labels[at + i] = i < n_target ? target[i] : p->end_token;
}

void
rlab_minibatch_gather(rlab_minibatch *p, const rlab_corpus *c, int64_t count) {
    p->count = count;
    for (int64_t i = 0; i < count; i++) {
        int64_t item = p->item[i], s = p->src_off[i], t = p->tgt_off[i];
        int64_t n_src = c->src_off[item + 1] - c->src_off[item];
        int64_t n_tgt = c->tgt_off[item + 1] - c->tgt_off[item];
        const int32_t *source = c->src + c->src_off[item], *target = c->tgt + c->tgt_off[item];
        p->src_off[i + 1] = s + source_rows(p->reading, c, item);
        p->tgt_off[i + 1] = t + target_rows(p->reading, c, item);
        switch (p->reading) {
        case RLAB_READS_PAIRS:
            memcpy(p->src + s, source, (size_t)n_src * sizeof *p->src);
            put_target(p, t, target, n_tgt);
            break;
        case RLAB_READS_ONE:
            memcpy(p->tgt + t, source, (size_t)n_src * sizeof *p->tgt);
            for (int64_t k = 0; k < n_src; k++)
                p->labels[t + k] = RLAB_IGNORED_LABEL;
            put_target(p, t + n_src, target, n_tgt);
            break;
        case RLAB_READS_PLACES:
            put_places(p, t, source, n_src, target, n_tgt);
            break;
        }
    }
}
