/* Judges steps in tokens: decodes the term before and the term after, reduces again, compares.
 * Items in parallel; a thread keeps a store and two reducers of its own. */
#include "judge/judge.h"

#include <string.h>

#define GRAIN 64                      /* items a chunk */
#define BLOCK ((int64_t)1 << 14)      /* items between two polls */
#define STORE_NODES ((size_t)1 << 18) /* a store that has grown so large is begun anew */

/* What one thread needs. Invariant: reducers are of `store`, which is there while `open`. */
typedef struct worker {
    rlab_store store;
    rlab_reducer *reducers[2];
    bool open;
    rlab_judged judged;
    rlab_tokens tokens;
    rlab_ctx ctx; /* the first failure that is no verdict */
} worker;

typedef struct job {
    rlab_steps *s;
    worker *workers;
    int64_t first;
} job;

/* What the comparison of tokens needs. */
typedef struct target {
    const rlab_steps *s;
    worker *w;
    const int32_t *at;
    size_t n;
} target;

static void
worker_close(worker *w) {
    for (int i = 0; i < 2; i++) {
        rlab_reducer_free(w->reducers[i]);
        w->reducers[i] = NULL;
    }
    if (w->open)
        rlab_store_free(&w->store);
    w->open = false;
}

/* An empty store with its reducers, unless the one at hand is small enough. */
static rlab_status
worker_open(rlab_ctx *ctx, worker *w, const rlab_steps *s) {
    rlab_term var, start;
    if (w->open && w->store.nodes.len < STORE_NODES)
        return RLAB_OK;
    worker_close(w);
    RLAB_TRY(rlab_store_init(ctx, &w->store, s->program));
    w->open = true;
    w->store.limit = s->budget.nodes + w->store.nodes.len + STORE_NODES;
    /* Any value serves to begin with: each question starts the reducers anew. */
    RLAB_TRY(rlab_term_intern(ctx, &var, &w->store, RLAB_VAR, 0, NULL, 0, 0));
    RLAB_TRY(rlab_term_intern(ctx, &start, &w->store, RLAB_LAM, 0, &var, 1, 0));
    for (int i = 0; i < 2; i++)
        RLAB_TRY(rlab_reducer_new(ctx, &w->reducers[i], &w->store, start, s->strategy,
                                  s->granularity, s->group, s->budget));
    return RLAB_OK;
}

/* Whether a term is written as the target; a term that has no tokens is not. */
static bool
same(void *arg, rlab_term term) {
    target *t = arg;
    rlab_ctx ctx;
    rlab_ctx_init(&ctx);
    t->w->tokens.len = 0;
    if (rlab_codec_encode_term(&ctx, &t->w->tokens, t->s->codec, &t->w->store, term) != RLAB_OK ||
        t->w->tokens.len != t->n)
        return false;
    return t->n == 0 || memcmp(t->w->tokens.at, t->at, t->n * sizeof *t->at) == 0;
}

/* The first token at which the target parts from what was expected. */
static int64_t
parting(target *t, rlab_term expected) {
    int64_t k = 0;
    if (same(t, expected))
        return -1;
    while ((size_t)k < t->n && (size_t)k < t->w->tokens.len && t->w->tokens.at[k] == t->at[k])
        k++;
    return k;
}

static rlab_status
judge(rlab_ctx *ctx, worker *w, const rlab_steps *s, int64_t i) {
    const int32_t *before = s->before.tokens + s->before.off[i];
    target t = {s, w, s->after.tokens + s->after.off[i],
                (size_t)(s->after.off[i + 1] - s->after.off[i])};
    rlab_question q = {0, 0, s->every, s->lookahead, same, &t};
    RLAB_TRY(worker_open(ctx, w, s));
    s->verdict[i] = RLAB_UNJUDGED;
    RLAB_TRY(rlab_codec_decode_term(ctx, &q.before, s->codec, &w->store, before,
                                    (size_t)(s->before.off[i + 1] - s->before.off[i])));
    s->verdict[i] = RLAB_MALFORMED;
    RLAB_TRY(rlab_codec_decode_term(ctx, &q.after, s->codec, &w->store, t.at, t.n));
    s->verdict[i] = RLAB_UNJUDGED;
    RLAB_TRY(rlab_trace_judge(ctx, &w->judged, w->reducers[0], w->reducers[1], &q));
    s->verdict[i] = (uint8_t)w->judged.verdict;
    s->steps[i] = (int64_t)w->judged.steps;
    s->position[i] = parting(&t, w->judged.expected);
    return RLAB_OK;
}

static void
work(void *arg, int64_t first, int64_t last, int worker_number) {
    job *j = arg;
    worker *w = &j->workers[worker_number];
    for (int64_t i = j->first + first; i < j->first + last && w->ctx.status == RLAB_OK; i++) {
        rlab_ctx ctx;
        rlab_status status;
        rlab_ctx_init(&ctx);
        j->s->steps[i] = 0;
        j->s->position[i] = -1;
        status = judge(&ctx, w, j->s, i);
        if (status == RLAB_EDECODE)
            j->s->position[i] = ctx.position;
        else if (status == RLAB_EBUDGET)
            worker_close(w);
        else if (status != RLAB_OK)
            w->ctx = ctx;
    }
}

rlab_status
rlab_judge_steps(rlab_ctx *ctx, rlab_steps *s, int64_t count, int threads) {
    job j = {s, NULL, 0};
    rlab_status status = rlab_alloc(ctx, (void **)&j.workers, (size_t)threads, sizeof *j.workers);
    for (int k = 0; k < threads && status == RLAB_OK; k++)
        rlab_ctx_init(&j.workers[k].ctx);
    for (; j.first < count && status == RLAB_OK; j.first += BLOCK) {
        int64_t left = count - j.first;
        rlab_par_for(threads, left < BLOCK ? left : BLOCK, GRAIN, work, &j);
        for (int k = 0; k < threads && status == RLAB_OK; k++)
            if (j.workers[k].ctx.status != RLAB_OK)
                status = rlab_fail(ctx, j.workers[k].ctx.status, "%s", j.workers[k].ctx.message);
        if (status == RLAB_OK)
            status = rlab_ctx_poll(ctx);
    }
    for (int k = 0; k < threads && j.workers; k++) {
        worker_close(&j.workers[k]);
        rlab_vec_free(&j.workers[k].judged.position);
        rlab_vec_free(&j.workers[k].tokens);
    }
    rlab_free(j.workers);
    return status;
}

/* ---- well-formed or not --------------------------------------------------------------------- */

typedef struct decode_job {
    int64_t *position;
    const rlab_program *program;
    const rlab_codec *codec;
    int side;
    rlab_packed packed;
    rlab_ctx *failed; /* (threads,) */
} decode_job;

static rlab_status
decode_one(rlab_ctx *ctx, const decode_job *j, rlab_store *store, rlab_term *terms, int64_t i) {
    return rlab_codec_decode(ctx, terms, j->codec, j->side, store,
                             j->packed.tokens + j->packed.off[i],
                             (size_t)(j->packed.off[i + 1] - j->packed.off[i]));
}

static void
decode_work(void *arg, int64_t first, int64_t last, int worker_number) {
    decode_job *j = arg;
    rlab_ctx *failed = &j->failed[worker_number];
    rlab_term *terms = NULL;
    rlab_store store;
    if (failed->status != RLAB_OK || rlab_store_init(failed, &store, j->program) != RLAB_OK)
        return;
    if (rlab_alloc(failed, (void **)&terms, rlab_codec_arity(j->codec, j->side), sizeof *terms) !=
        RLAB_OK)
        last = first;
    for (int64_t i = first; i < last && failed->status == RLAB_OK; i++) {
        rlab_ctx ctx;
        rlab_status status;
        rlab_ctx_init(&ctx);
        status = decode_one(&ctx, j, &store, terms, i);
        j->position[i] = status == RLAB_EDECODE ? ctx.position : -1;
        if (status != RLAB_OK && status != RLAB_EDECODE)
            *failed = ctx;
    }
    rlab_free(terms);
    rlab_store_free(&store);
}

rlab_status
rlab_judge_malformed(rlab_ctx *ctx, int64_t *position, const rlab_program *program,
                     const rlab_codec *codec, int side, rlab_packed packed, int64_t count,
                     int threads) {
    decode_job j = {position, program, codec, side, packed, NULL};
    rlab_status status = rlab_alloc(ctx, (void **)&j.failed, (size_t)threads, sizeof *j.failed);
    for (int k = 0; k < threads && status == RLAB_OK; k++)
        rlab_ctx_init(&j.failed[k]);
    if (status == RLAB_OK)
        rlab_par_for(threads, count, GRAIN, decode_work, &j);
    for (int k = 0; k < threads && status == RLAB_OK; k++)
        if (j.failed[k].status != RLAB_OK)
            status = rlab_fail(ctx, j.failed[k].status, "%s", j.failed[k].message);
    rlab_free(j.failed);
    return status;
}
