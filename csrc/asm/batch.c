/* Many runs in parallel, and one run with its history. */
#include "asm/inner.h"

#include <string.h>

#define GRAIN 256            /* inputs a chunk */
#define BLOCK (GRAIN * 1024) /* inputs between two looks at signals */

typedef struct batch {
    rlab_asm_worker *workers;
    rlab_asm_result *result;
    rlab_asm_words *chunks;          /* the outputs or states of each chunk, end to end */
    const rlab_asm_lexicon *lexicon; /* with which states are written; NULL: outputs are kept */
    rlab_asm_updates *known;         /* with a lexicon: scratch of each worker */
    const int32_t *tokens;
    const int64_t *off;
    uint64_t seed, first;
    int64_t from; /* first input of the block */
} batch;

static rlab_status
check_budget(rlab_ctx *ctx, rlab_asm_budget budget) {
    if (budget.steps < 0 || budget.steps > INT32_MAX || budget.work < 0 || budget.locations < 1 ||
        budget.locations > RLAB_ASM_LOCATIONS_MAX)
        return rlab_fail(ctx, RLAB_EVALUE,
                         "budget: expected steps from 0 to %d, work from 0 and locations from 1 to "
                         "%lld, got %lld, %lld and %lld",
                         INT32_MAX, (long long)RLAB_ASM_LOCATIONS_MAX, (long long)budget.steps,
                         (long long)budget.work, (long long)budget.locations);
    return RLAB_OK;
}

/* Appends the output of the worker's run to the chunk's. Memory is taken between runs, never in
 * one. */
static void
keep_output(batch *b, rlab_asm_worker *w, rlab_asm_words *chunk, int64_t i) {
    rlab_ctx ctx;
    int64_t n = 0;
    rlab_ctx_init(&ctx);
    if (w->fault.end <= RLAB_ASM_STILL)
        n = rlab_asm_output(w);
    if (n > 0 && rlab_vec_reserve(&ctx, chunk, chunk->len + (size_t)n) != RLAB_OK) {
        w->fault.end = RLAB_ASM_MEMORY;
        n = 0;
    }
    n = n < 0 ? 0 : n;
    for (int64_t k = 0; k < n; k++)
        chunk->at[chunk->len + (size_t)k] = w->output[k].value;
    chunk->len += (size_t)n;
    b->result->off[i + 1] = n;
    b->result->end[i] = (uint8_t)w->fault.end;
    b->result->steps[i] = (int32_t)w->fault.steps;
}

/* Appends the states of one run to the chunk's. */
static void
keep_states(batch *b, int worker, rlab_asm_words *chunk, int64_t i) {
    rlab_asm_worker *w = &b->workers[worker];
    size_t before = chunk->len;
    rlab_ctx ctx;
    bool fine;
    rlab_ctx_init(&ctx);
    fine = rlab_asm_begin(w, b->tokens + b->off[i], b->off[i + 1] - b->off[i], b->seed,
                          b->first + (uint64_t)i);
    if (rlab_asm_go_states(&ctx, w, &b->known[worker], chunk, b->lexicon, fine) != RLAB_OK) {
        w->fault.end = RLAB_ASM_MEMORY;
        chunk->len = before;
    }
    b->result->off[i + 1] = (int64_t)(chunk->len - before);
    b->result->end[i] = (uint8_t)w->fault.end;
    b->result->steps[i] = (int32_t)w->fault.steps;
}

static void
run_body(void *arg, int64_t first, int64_t last, int worker) {
    batch *b = arg;
    rlab_asm_worker *w = &b->workers[worker];
    rlab_asm_words *chunk = &b->chunks[(b->from + first) / GRAIN];
    for (int64_t i = b->from + first; i < b->from + last; i++) {
        if (b->lexicon) {
            keep_states(b, worker, chunk, i);
            continue;
        }
        rlab_asm_go(w, b->tokens + b->off[i], b->off[i + 1] - b->off[i], b->seed,
                    b->first + (uint64_t)i);
        keep_output(b, w, chunk, i);
    }
}

static void
gather_body(void *arg, int64_t first, int64_t last, int worker) {
    batch *b = arg;
    (void)worker;
    for (int64_t i = first; i < last; i++)
        if (b->chunks[i].len)
            memcpy(b->result->tokens + b->result->off[i * GRAIN], b->chunks[i].at,
                   b->chunks[i].len * sizeof(int32_t));
}

static rlab_status
run_blocks(rlab_ctx *ctx, batch *b, int64_t count, int threads) {
    int64_t n_chunks = count ? (count - 1) / GRAIN + 1 : 0;
    for (b->from = 0; b->from < count; b->from += BLOCK) {
        int64_t n = count - b->from < BLOCK ? count - b->from : BLOCK;
        RLAB_TRY(rlab_ctx_poll(ctx));
        rlab_par_for(threads, n, GRAIN, run_body, b);
    }
    for (int64_t i = 0; i < count; i++)
        b->result->off[i + 1] += b->result->off[i];
    RLAB_TRY(rlab_alloc(ctx, (void **)&b->result->tokens, (size_t)b->result->off[count],
                        sizeof(int32_t)));
    rlab_par_for(threads, n_chunks, 16, gather_body, b);
    return RLAB_OK;
}

static rlab_status
prepare(rlab_ctx *ctx, batch *b, const rlab_asm *machine, int64_t count, rlab_asm_budget budget,
        int threads) {
    size_t n = (size_t)count;
    rlab_asm_result *r = b->result;
    RLAB_TRY(rlab_alloc(ctx, (void **)&r->off, n + 1, sizeof *r->off));
    RLAB_TRY(rlab_alloc(ctx, (void **)&r->end, n, sizeof *r->end));
    RLAB_TRY(rlab_alloc(ctx, (void **)&r->steps, n, sizeof *r->steps));
    RLAB_TRY(rlab_alloc(ctx, (void **)&b->chunks, n / GRAIN + 1, sizeof *b->chunks));
    RLAB_TRY(rlab_alloc(ctx, (void **)&b->workers, (size_t)threads, sizeof *b->workers));
    RLAB_TRY(rlab_alloc(ctx, (void **)&b->known, (size_t)threads, sizeof *b->known));
    for (int i = 0; i < threads; i++)
        RLAB_TRY(rlab_asm_worker_init(ctx, &b->workers[i], machine, budget));
    return RLAB_OK;
}

rlab_status
rlab_asm_run(rlab_ctx *ctx, rlab_asm_result *out, const rlab_asm *machine, const int32_t *tokens,
             const int64_t *off, int64_t count, uint64_t seed, uint64_t first,
             rlab_asm_budget budget, int threads) {
    return rlab_asm_states(ctx, out, machine, NULL, tokens, off, count, seed, first, budget,
                           threads);
}

rlab_status
rlab_asm_states(rlab_ctx *ctx, rlab_asm_result *out, const rlab_asm *machine,
                const rlab_asm_lexicon *lexicon, const int32_t *tokens, const int64_t *off,
                int64_t count, uint64_t seed, uint64_t first, rlab_asm_budget budget, int threads) {
    rlab_asm_result result = {NULL, NULL, NULL, NULL, count};
    batch b = {NULL, &result, NULL, lexicon, NULL, tokens, off, seed, first, 0};
    int64_t n_chunks = count / GRAIN + 1;
    rlab_status status;
    RLAB_TRY(check_budget(ctx, budget));
    threads = (int64_t)threads > n_chunks ? (int)n_chunks : threads;
    status = prepare(ctx, &b, machine, count, budget, threads);
    if (status == RLAB_OK)
        status = run_blocks(ctx, &b, count, threads);
    for (int64_t i = 0; b.chunks && i < n_chunks; i++)
        rlab_vec_free(&b.chunks[i]);
    for (int i = 0; b.workers && i < threads; i++)
        rlab_asm_worker_free(&b.workers[i]);
    for (int i = 0; b.known && i < threads; i++)
        rlab_vec_free(&b.known[i]);
    rlab_free(b.known);
    rlab_free(b.chunks);
    rlab_free(b.workers);
    if (status == RLAB_OK)
        *out = result;
    else
        rlab_asm_result_free(&result);
    return status;
}

void
rlab_asm_counts(const rlab_asm *machine, int64_t *n_vars, int64_t *n_functions) {
    *n_vars = machine->spec.n_vars;
    *n_functions = machine->spec.n_functions;
}

void
rlab_asm_result_free(rlab_asm_result *result) {
    rlab_free(result->tokens);
    rlab_free(result->off);
    rlab_free(result->end);
    rlab_free(result->steps);
}

/* ---- one run with its history -------------------------------------------------------------------
 */

static rlab_status
record(rlab_ctx *ctx, rlab_asm_history *h, const rlab_asm_worker *w) {
    RLAB_TRY(rlab_vec_reserve(ctx, &h->updates, h->updates.len + (size_t)w->n_updates));
    for (int64_t i = 0; i < w->n_updates; i++)
        h->updates.at[h->updates.len++] = rlab_asm_update_at(w, i);
    return RLAB_OK;
}

static rlab_status
steps(rlab_ctx *ctx, rlab_asm_history *h, rlab_asm_worker *w) {
    bool last = false;
    int64_t made = 0;
    while (!last) {
        if (made == w->budget.steps) {
            w->fault.end = RLAB_ASM_STEPS;
            break;
        }
        RLAB_TRY(rlab_ctx_poll(ctx));
        if (!rlab_asm_collect(w, &last))
            break;
        RLAB_TRY(record(ctx, h, w));
        rlab_asm_apply(w);
        made++;
    }
    w->fault.steps = made;
    w->fault.at.step = (int32_t)made;
    return RLAB_OK;
}

static rlab_status
history(rlab_ctx *ctx, rlab_asm_history *h, rlab_asm_worker *w, bool begun) {
    const rlab_asm *m = w->machine;
    int64_t n = 0;
    RLAB_TRY(rlab_alloc(ctx, (void **)&h->initial, (size_t)m->spec.n_vars, sizeof *h->initial));
    h->n_vars = m->spec.n_vars;
    if (h->n_vars)
        memcpy(h->initial, w->registers + m->vars, (size_t)h->n_vars * sizeof(int32_t));
    if (begun)
        RLAB_TRY(steps(ctx, h, w));
    if (w->fault.end <= RLAB_ASM_STILL)
        n = rlab_asm_output(w);
    if (n > 0)
        RLAB_TRY(rlab_vec_reserve(ctx, &h->tokens, (size_t)n));
    for (int64_t i = 0; i < n; i++)
        h->tokens.at[h->tokens.len++] = w->output[i].value;
    h->fault = w->fault;
    return RLAB_OK;
}

rlab_status
rlab_asm_trace(rlab_ctx *ctx, rlab_asm_history *out, const rlab_asm *machine, const int32_t *tokens,
               int64_t length, uint64_t seed, uint64_t index, rlab_asm_budget budget) {
    rlab_asm_worker w;
    rlab_asm_history h;
    rlab_status status;
    RLAB_TRY(check_budget(ctx, budget));
    memset(&h, 0, sizeof h);
    status = rlab_asm_worker_init(ctx, &w, machine, budget);
    if (status == RLAB_OK)
        status = history(ctx, &h, &w, rlab_asm_begin(&w, tokens, length, seed, index));
    rlab_asm_worker_free(&w);
    if (status == RLAB_OK)
        *out = h;
    else
        rlab_asm_history_free(&h);
    return status;
}

void
rlab_asm_history_free(rlab_asm_history *h) {
    rlab_vec_free(&h->updates);
    rlab_vec_free(&h->tokens);
    rlab_free(h->initial);
}
