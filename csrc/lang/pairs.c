/* Making pairs in bulk: rank to value, value to tokens, run, result to tokens; items in parallel,
 * each a function of its size and rank alone. A chunk of items fills buffers of its own, which are
 * joined in order, a block of chunks at a time, and used again. */
#include "lang/codec.h"

#include <string.h>

#define GRAIN 512 /* items of a chunk */
#define CHUNKS 64 /* of a block; polls lie between blocks */
#define BLOCK ((int64_t)GRAIN * CHUNKS)

enum { SIZE, DEPTH, CALLS, STEPS };
enum { INPUT, OUTPUT, TRACE };

typedef struct chunk {
    rlab_tokens tokens[3];
    rlab_text text[2];
    size_t tokens_at[3], text_at[2]; /* where they go in the whole */
    int64_t failed;                  /* item, or -1 */
    rlab_ctx ctx;
} chunk;

/* What one thread needs; never shared. */
typedef struct worker {
    rlab_machine *machine;
    rlab_store store;
    rlab_reducer *reducer;
    size_t nodes, kids; /* of the program: where the store is cut back to */
    void *todo;
    rlab_val *args;
    rlab_term *terms;
    rlab_ids stack, ctors;
    rlab_ids group; /* functions whose calls are counted */
    rlab_big rank;
} worker;

typedef struct job {
    rlab_pairs *p;
    worker *workers;
    chunk *chunks;
    rlab_tokens tokens[3]; /* the whole so far */
    rlab_text text[2];
    int64_t first;
    double weight, joined; /* constructors of all items, of those up to this block's last */
    int threads;
} job;

/* ---- workers
 * ------------------------------------------------------------------------------------------ */

/* Whether ranks may have more than 64 bits, or levels are depths. */
static bool
wide(const rlab_pairs *p) {
    return p->words > 1 || p->depth;
}

static rlab_status
worker_init(rlab_ctx *ctx, worker *w, const rlab_pairs *p, uint64_t most) {
    size_t args = rlab_type_arity(p->domain);
    memset(w, 0, sizeof *w);
    RLAB_TRY(rlab_machine_new(ctx, &w->machine, p->program));
    RLAB_TRY(rlab_store_init(ctx, &w->store, p->program));
    rlab_machine_limit(w->machine, p->budget.nodes);
    w->store.limit = p->budget.nodes;
    for (uint32_t g = 0; g < p->program->globals.len; g++)
        if (p->program->globals.at[g].group == p->program->globals.at[p->function].group)
            RLAB_TRY(rlab_ids_push(ctx, &w->group, g));
    w->nodes = w->store.nodes.len;
    w->kids = w->store.kids.len;
    if (!wide(p))
        RLAB_TRY(rlab_alloc(ctx, &w->todo, (size_t)most + args + 1,
                            RLAB_UNRANK_WORK * sizeof(uint64_t)));
    RLAB_TRY(rlab_alloc(ctx, (void **)&w->args, args, sizeof *w->args));
    return rlab_alloc(ctx, (void **)&w->terms, args, sizeof *w->terms);
}

static void
worker_free(worker *w) {
    rlab_machine_free(w->machine);
    rlab_store_free(&w->store);
    rlab_reducer_free(w->reducer);
    rlab_free(w->todo);
    rlab_free(w->args);
    rlab_free(w->terms);
    rlab_vec_free(&w->stack);
    rlab_vec_free(&w->ctors);
    rlab_vec_free(&w->group);
    rlab_vec_free(&w->rank);
}

/* ---- one item
 * ------------------------------------------------------------------------------------------- */

/* Longest constructor path of a heap value. */
static rlab_status
depth_of(rlab_ctx *ctx, uint64_t *out, const rlab_machine *m, rlab_val v, rlab_ids *stack) {
    uint32_t depth = 1, most = 1;
    stack->len = 0;
    for (;;) {
        if (depth > most)
            most = depth;
        if (rlab_val_is_cell(v)) {
            const rlab_val *cell = m->heap + (v >> 1);
            uint32_t n = m->con_words[cell[0] >> 2];
            depth++;
            for (uint32_t i = 1; i < n; i++) {
                RLAB_TRY(rlab_ids_push(ctx, stack, cell[1 + i]));
                RLAB_TRY(rlab_ids_push(ctx, stack, depth));
            }
            v = cell[1];
            continue;
        }
        if (stack->len == 0)
            break;
        depth = stack->at[--stack->len];
        v = stack->at[--stack->len];
    }
    if (most > *out)
        *out = most;
    return RLAB_OK;
}

/* Runs a function on the arguments, which lie at stack[base ..]; the result to *out. */
static rlab_status
run(rlab_ctx *ctx, rlab_val *out, worker *w, const rlab_pairs *p, uint32_t function) {
    rlab_machine *m = w->machine;
    uint32_t n = rlab_type_arity(p->domain);
    RLAB_TRY(rlab_stack_room(ctx, m, m->base + 2 * n + 2));
    m->stack[m->base + n] = 1;
    memcpy(m->stack + m->base + n + 1, m->stack + m->base, n * sizeof *m->stack);
    RLAB_TRY(rlab_machine_run(ctx, m, function, n, m->base + n, p->budget.steps));
    *out = m->stack[m->base + n];
    return RLAB_OK;
}

/* A measure's result as a number: nat by its successors, bool as 0 or 1. */
static rlab_status
number(rlab_ctx *ctx, int64_t *out, const rlab_pairs *p, const rlab_machine *m, uint32_t measure,
       rlab_val v) {
    int64_t n = 0;
    uint32_t type;
    const char *name;
    while (rlab_val_is_cell(v) && (m->heap[v >> 1] & 3) == RLAB_CELL_CON) {
        type = p->program->ctors.at[m->heap[v >> 1] >> 2].type;
        if (p->program->types.at[type].notation != RLAB_NOTATION_NAT)
            break;
        v = m->heap[(v >> 1) + 1];
        n++;
    }
    if (!rlab_val_is_cell(v) && !(v & 2)) {
        type = p->program->ctors.at[v >> 2].type;
        name = rlab_program_ctor_name(p->program, v >> 2);
        if (p->program->types.at[type].notation == RLAB_NOTATION_NAT)
            return *out = n, RLAB_OK;
        if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0)
            return *out = name[0] == 't', RLAB_OK;
    }
    return rlab_fail(ctx, RLAB_ETERM, "measure %s: expected a value of nat or bool",
                     rlab_program_global_name(p->program, measure));
}

static rlab_status
put_step(rlab_ctx *ctx, rlab_tokens *out) {
    RLAB_TRY(rlab_vec_reserve(ctx, out, out->len + 1));
    out->at[out->len++] = RLAB_TOKEN_STEP;
    return RLAB_OK;
}

static rlab_status
reduce(rlab_ctx *ctx, int64_t *steps, worker *w, const rlab_pairs *p, rlab_tokens *out) {
    rlab_store *store = &w->store;
    rlab_term call, term;
    int64_t taken = 0, kept = 0;
    bool done = false;
    RLAB_TRY(rlab_term_intern(ctx, &call, store, RLAB_GLOBAL, p->function, NULL, 0, 0));
    RLAB_TRY(rlab_term_app(ctx, &call, store, call, w->terms, rlab_type_arity(p->domain)));
    if (!w->reducer)
        RLAB_TRY(rlab_reducer_new(ctx, &w->reducer, store, call, p->strategy, p->granularity,
                                  p->program->globals.at[p->function].group, p->budget));
    else
        RLAB_TRY(rlab_reducer_start(ctx, w->reducer, call));
    for (;;) {
        if (p->traces && (taken % p->every == 0 || (done && kept < taken))) {
            if (taken)
                RLAB_TRY(put_step(ctx, out));
            RLAB_TRY(rlab_reducer_term(ctx, &term, w->reducer));
            RLAB_TRY(rlab_encode_term(ctx, out, p->codec, store, term, &w->stack));
            kept = taken;
        }
        if (done)
            break;
        RLAB_TRY(rlab_reducer_step(ctx, &done, w->reducer));
        if (done && (!p->traces || kept == taken))
            break;
        taken += !done;
    }
    *steps = taken;
    return RLAB_OK;
}

/* Whether the contractions of a run are those that were asked for: the reducer need not count. */
static bool
counted(const rlab_pairs *p) {
    return !p->traces && p->strategy == RLAB_CBV && p->granularity == RLAB_CONTRACTION;
}

/* What needs terms rather than heap values: steps, traces, texts. */
static rlab_status
with_terms(rlab_ctx *ctx, worker *w, const rlab_pairs *p, chunk *c, int64_t i, rlab_val result) {
    rlab_machine *m = w->machine;
    uint32_t n = rlab_type_arity(p->domain);
    rlab_term term;
    RLAB_TRY(rlab_store_truncate(ctx, &w->store, w->nodes, w->kids));
    if (p->texts) {
        RLAB_TRY(rlab_heap_export_tree(ctx, &term, &w->store, m, result));
        RLAB_TRY(rlab_term_print(ctx, &c->text[OUTPUT], &w->store, term, UINT32_MAX));
        p->text_offsets[OUTPUT][i + 1] = (int64_t)c->text[OUTPUT].len;
    }
    for (uint32_t a = 0; a < n; a++)
        RLAB_TRY(rlab_heap_export_tree(ctx, &w->terms[a], &w->store, m, m->stack[m->base + a]));
    for (uint32_t a = 0; p->texts && a < n; a++) {
        if (a)
            RLAB_TRY(rlab_text_puts(ctx, &c->text[INPUT], ", "));
        RLAB_TRY(rlab_term_print(ctx, &c->text[INPUT], &w->store, w->terms[a], UINT32_MAX));
    }
    if (p->texts)
        p->text_offsets[INPUT][i + 1] = (int64_t)c->text[INPUT].len;
    if ((p->steps && !counted(p)) || p->traces)
        RLAB_TRY(reduce(ctx, &p->columns[STEPS][i], w, p, &c->tokens[TRACE]));
    return RLAB_OK;
}

/* The arguments of item i, to stack[base ..], and how many constructors they have. */
static rlab_status
arguments(rlab_ctx *ctx, uint64_t *size, worker *w, const rlab_pairs *p, int64_t i) {
    rlab_machine *m = w->machine;
    uint32_t n = rlab_type_arity(p->domain);
    uint64_t level = (uint64_t)p->sizes[i];
    *size = level;
    /* Ranks of one word can be those of a size with more values than 64 bits count. */
    if (!wide(p) && rlab_count_domain(p->domain, level) != RLAB_SATURATED) {
        RLAB_TRY(rlab_heap_room(ctx, m, (size_t)(2 * level + 2), m->base, NULL));
        RLAB_TRY(rlab_stack_room(ctx, m, m->base + n));
        rlab_unrank_heap(m->stack + m->base, p->domain, m, level, p->ranks[i], w->todo);
        return RLAB_OK;
    }
    RLAB_TRY(rlab_words_get(ctx, &w->rank, p->ranks + (size_t)i * p->words, p->words));
    RLAB_TRY(rlab_wide_unrank(ctx, &w->ctors, p->domain, p->depth, level, rlab_big_view(&w->rank),
                              p->budget.nodes));
    *size = w->ctors.len;
    RLAB_TRY(rlab_heap_room(ctx, m, 2 * w->ctors.len + 2, m->base, NULL));
    RLAB_TRY(rlab_stack_room(ctx, m, m->base + n));
    RLAB_TRY(rlab_vec_reserve(ctx, &w->stack, w->ctors.len));
    rlab_ctors_heap(m->stack + m->base, m, &w->ctors, w->stack.at);
    return RLAB_OK;
}

static rlab_status
item(rlab_ctx *ctx, worker *w, rlab_pairs *p, chunk *c, int64_t i) {
    rlab_machine *m = w->machine;
    rlab_source source = {NULL, m};
    uint32_t n = rlab_type_arity(p->domain);
    uint64_t size, depth = 0;
    rlab_val result;
    RLAB_TRY(arguments(ctx, &size, w, p, i));
    if (p->codec)
        RLAB_TRY(rlab_encode(ctx, &c->tokens[INPUT], p->codec, 0, &source, m->stack + m->base,
                             &w->stack));
    for (uint32_t a = 0; a < n; a++)
        RLAB_TRY(depth_of(ctx, &depth, m, m->stack[m->base + a], &w->stack));
    for (size_t g = 0; g < w->group.len; g++)
        m->counts[w->group.at[g]] = 0;
    RLAB_TRY(run(ctx, &result, w, p, p->function));
    p->columns[SIZE][i] = (int64_t)size;
    p->columns[DEPTH][i] = (int64_t)depth;
    /* The first entry is the caller's own; the others are the recursion's. */
    p->columns[CALLS][i] = -1;
    for (size_t g = 0; g < w->group.len; g++)
        p->columns[CALLS][i] += (int64_t)m->counts[w->group.at[g]];
    if (p->codec)
        RLAB_TRY(rlab_encode(ctx, &c->tokens[OUTPUT], p->codec, 1, &source, &result, &w->stack));
    if (p->steps && counted(p)) {
        p->columns[STEPS][i] = (int64_t)m->taken;
        if (m->taken > p->budget.steps)
            return rlab_fail(ctx, RLAB_EBUDGET,
                             "step budget of %llu contractions ran out; raise it or make the input "
                             "smaller",
                             (unsigned long long)p->budget.steps);
    }
    if (p->texts || p->traces || (p->steps && !counted(p)))
        RLAB_TRY(with_terms(ctx, w, p, c, i, result));
    for (uint32_t k = 0; k < p->n_measures; k++) {
        RLAB_TRY(run(ctx, &result, w, p, p->measures[k]));
        RLAB_TRY(number(ctx, &p->measured[(int64_t)k * p->n + i], p, m, p->measures[k], result));
    }
    for (int k = 0; k < 3 && p->offsets[k]; k++)
        p->offsets[k][i + 1] = (int64_t)c->tokens[k].len;
    return RLAB_OK;
}

static void
work(void *arg, int64_t first, int64_t last, int who) {
    job *j = arg;
    chunk *c = &j->chunks[first / GRAIN];
    for (int64_t i = j->first + first; i < j->first + last; i++)
        if (item(&c->ctx, &j->workers[who], j->p, c, i) != RLAB_OK) {
            c->failed = i;
            return;
        }
}

/* ---- the whole
 * -------------------------------------------------------------------------------------------- */

/* Checks that every item has a value, and makes the tables that the workers read. */
static rlab_status
check_ranks(rlab_ctx *ctx, const rlab_pairs *p) {
    rlab_big rank = {0}, count = {0};
    rlab_status status = RLAB_OK;
    uint64_t all = 0;
    bool few = false;
    for (int64_t i = 0; i < p->n && status == RLAB_OK; i++) {
        uint64_t level = (uint64_t)p->sizes[i];
        if (i == 0 || p->sizes[i] != p->sizes[i - 1]) {
            status = rlab_wide_count(ctx, &count, p->domain, p->depth, level);
            few = status == RLAB_OK && p->words == 1 && rlab_big_fits(rlab_big_view(&count), &all);
        }
        if (few && p->ranks[i] < all)
            continue;
        if (status == RLAB_OK)
            status = rlab_words_get(ctx, &rank, p->ranks + (size_t)i * p->words, p->words);
        if (status == RLAB_OK && rlab_big_compare(rlab_big_view(&rank), rlab_big_view(&count)) >= 0)
            status = rlab_wide_check(ctx, p->domain, p->depth, level, rlab_big_view(&rank));
    }
    rlab_vec_free(&rank);
    rlab_vec_free(&count);
    return status;
}

/* A function may return another that takes the rest of the arguments. */
static rlab_status
check_arity(rlab_ctx *ctx, const rlab_pairs *p, const char *what, uint32_t g, uint32_t n) {
    uint32_t takes = p->program->globals.at[g].n_args;
    if (takes <= n && n <= RLAB_CODE_STUBS / 2)
        return RLAB_OK;
    return rlab_fail(ctx, RLAB_EVALUE, "%s %s takes %u arguments, the domain has %u", what,
                     rlab_program_global_name(p->program, g), takes, n);
}

/* Checks the whole request before anything runs. */
static rlab_status
check(rlab_ctx *ctx, const rlab_pairs *p, uint64_t *most) {
    uint32_t n = rlab_type_arity(p->domain);
    *most = 0;
    RLAB_TRY(check_arity(ctx, p, "function", p->function, n));
    for (uint32_t k = 0; k < p->n_measures; k++)
        RLAB_TRY(check_arity(ctx, p, "measure", p->measures[k], n));
    if (p->every < 1 || (p->traces && !p->codec))
        return rlab_fail(ctx, RLAB_EVALUE, "every: expected at least 1 (and a codec for traces)");
    for (int64_t i = 0; i < p->n; i++)
        if (p->sizes[i] < 0)
            return rlab_fail_at(ctx, RLAB_EVALUE, i, "sizes: item %lld is negative", (long long)i);
        else if ((uint64_t)p->sizes[i] > *most)
            *most = (uint64_t)p->sizes[i];
    return check_ranks(ctx, p);
}

/* n items of 8 bytes that are all written before they are read. */
static rlab_status
column(rlab_ctx *ctx, int64_t **out, size_t n) {
    size_t cap = 0;
    return rlab_grow(ctx, (void **)out, &cap, n ? n : 1, sizeof **out);
}

static rlab_status
allocate(rlab_ctx *ctx, rlab_pairs *p) {
    size_t n = (size_t)p->n;
    for (int k = 0; k < (p->codec ? p->traces ? 3 : 2 : 0); k++) {
        RLAB_TRY(column(ctx, &p->offsets[k], n + 1));
        p->offsets[k][0] = 0;
    }
    for (int k = 0; k < (p->steps || p->traces ? 4 : 3); k++)
        RLAB_TRY(column(ctx, &p->columns[k], n));
    for (int k = 0; k < 2 && p->texts; k++) {
        RLAB_TRY(column(ctx, &p->text_offsets[k], n + 1));
        p->text_offsets[k][0] = 0;
    }
    return rlab_alloc(ctx, (void **)&p->measured, n * p->n_measures, sizeof(int64_t));
}

/* Copies a chunk to its place in the whole; its offsets, ends within the chunk so far, too. */
static void
place(void *arg, int64_t first, int64_t last, int who) {
    job *j = arg;
    rlab_pairs *p = j->p;
    chunk *c = &j->chunks[first / GRAIN];
    (void)who;
    for (int k = 0; k < 3 && p->offsets[k]; k++) {
        if (c->tokens[k].len)
            memcpy(j->tokens[k].at + c->tokens_at[k], c->tokens[k].at,
                   c->tokens[k].len * sizeof(int32_t));
        for (int64_t i = j->first + first; i < j->first + last; i++)
            p->offsets[k][i + 1] += (int64_t)c->tokens_at[k];
    }
    for (int k = 0; k < 2 && p->text_offsets[k]; k++) {
        if (c->text[k].len)
            memcpy(j->text[k].at + c->text_at[k], c->text[k].at, c->text[k].len);
        for (int64_t i = j->first + first; i < j->first + last; i++)
            p->text_offsets[k][i + 1] += (int64_t)c->text_at[k];
    }
}

/* Room to ask for where `len` are needed: what the whole will take if it goes on as it did so far,
 * at most eight times as many, since growing moves what is there by one thread. */
static size_t
room(const job *j, size_t len, size_t cap) {
    double times = j->weight / j->joined * 1.01;
    return len <= cap ? cap : (size_t)((double)len * (times < 8 ? times : 8)) + 1;
}

/* Joins a block of `n` items to the whole. */
static rlab_status
join(rlab_ctx *ctx, job *j, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        j->joined += 1.0 + j->p->sizes[j->first + i];
    for (int k = 0; k < 3; k++) {
        for (int64_t c = 0; c * GRAIN < n; c++) {
            j->chunks[c].tokens_at[k] = j->tokens[k].len;
            j->tokens[k].len += j->chunks[c].tokens[k].len;
        }
        RLAB_TRY(rlab_vec_reserve(ctx, &j->tokens[k], room(j, j->tokens[k].len, j->tokens[k].cap)));
    }
    for (int k = 0; k < 2; k++) {
        for (int64_t c = 0; c * GRAIN < n; c++) {
            j->chunks[c].text_at[k] = j->text[k].len;
            j->text[k].len += j->chunks[c].text[k].len;
        }
        RLAB_TRY(rlab_vec_reserve(ctx, &j->text[k], room(j, j->text[k].len, j->text[k].cap)));
    }
    rlab_par_for(j->threads, n, GRAIN, place, j);
    return RLAB_OK;
}

/* The first item of a block that failed, as an error. */
static rlab_status
fail_item(rlab_ctx *ctx, const rlab_pairs *p, const chunk *c) {
    return rlab_fail_at(ctx, c->ctx.status, c->failed, "item %lld (%s %d, rank %llu%s): %s",
                        (long long)c->failed, p->depth ? "depth" : "size", (int)p->sizes[c->failed],
                        (unsigned long long)p->ranks[(size_t)c->failed * p->words],
                        p->words > 1 ? " and higher words" : "", c->ctx.message);
}

static rlab_status
run_all(rlab_ctx *ctx, job *j) {
    rlab_pairs *p = j->p;
    for (j->first = 0; j->first < p->n; j->first += BLOCK) {
        int64_t n = p->n - j->first < BLOCK ? p->n - j->first : BLOCK;
        for (int k = 0; k < CHUNKS; k++) {
            for (int t = 0; t < 3; t++)
                j->chunks[k].tokens[t].len = 0;
            for (int t = 0; t < 2; t++)
                j->chunks[k].text[t].len = 0;
        }
        rlab_par_for(j->threads, n, GRAIN, work, j);
        for (int k = 0; k < CHUNKS; k++)
            if (j->chunks[k].failed >= 0)
                return fail_item(ctx, p, &j->chunks[k]);
        RLAB_TRY(join(ctx, j, n));
        RLAB_TRY(rlab_ctx_poll(ctx));
    }
    return RLAB_OK;
}

/* The whole goes to the caller: arrays are there even where nothing is in them. */
static rlab_status
hand_over(rlab_ctx *ctx, job *j) {
    for (int k = 0; k < 3; k++)
        RLAB_TRY(rlab_vec_reserve(ctx, &j->tokens[k], 1));
    for (int k = 0; k < 2; k++)
        RLAB_TRY(rlab_vec_reserve(ctx, &j->text[k], 1));
    for (int k = 0; k < 3; k++) {
        j->p->tokens[k] = j->tokens[k].at;
        j->tokens[k].at = NULL;
    }
    for (int k = 0; k < 2; k++) {
        j->p->text[k] = j->text[k].at;
        j->text[k].at = NULL;
    }
    return RLAB_OK;
}

static rlab_status
prepare(rlab_ctx *ctx, job *j) {
    int64_t n_chunks = (j->p->n + GRAIN - 1) / GRAIN;
    uint64_t most;
    RLAB_TRY(check(ctx, j->p, &most));
    RLAB_TRY(allocate(ctx, j->p));
    for (int64_t i = 0; i < j->p->n; i++)
        j->weight += 1.0 + j->p->sizes[i];
    if (j->threads > n_chunks)
        j->threads = n_chunks > 0 ? (int)n_chunks : 1;
    RLAB_TRY(rlab_alloc(ctx, (void **)&j->chunks, CHUNKS, sizeof *j->chunks));
    for (int k = 0; k < CHUNKS; k++) {
        rlab_ctx_init(&j->chunks[k].ctx);
        j->chunks[k].failed = -1;
    }
    RLAB_TRY(rlab_alloc(ctx, (void **)&j->workers, (size_t)j->threads, sizeof *j->workers));
    for (int w = 0; w < j->threads; w++)
        RLAB_TRY(worker_init(ctx, &j->workers[w], j->p, most));
    return RLAB_OK;
}

static void
job_free(job *j) {
    for (int w = 0; w < j->threads && j->workers; w++)
        worker_free(&j->workers[w]);
    for (int k = 0; k < CHUNKS && j->chunks; k++) {
        for (int t = 0; t < 3; t++)
            rlab_vec_free(&j->chunks[k].tokens[t]);
        for (int t = 0; t < 2; t++)
            rlab_vec_free(&j->chunks[k].text[t]);
    }
    for (int k = 0; k < 3; k++)
        rlab_vec_free(&j->tokens[k]);
    for (int k = 0; k < 2; k++)
        rlab_vec_free(&j->text[k]);
    rlab_free(j->workers);
    rlab_free(j->chunks);
}

rlab_status
rlab_pairs_run(rlab_ctx *ctx, rlab_pairs *p, int threads) {
    job j;
    rlab_status status;
    memset(&j, 0, sizeof j);
    j.p = p;
    j.threads = threads;
    status = prepare(ctx, &j);
    if (status == RLAB_OK)
        status = run_all(ctx, &j);
    if (status == RLAB_OK)
        status = hand_over(ctx, &j);
    job_free(&j);
    if (status != RLAB_OK)
        rlab_pairs_free(p);
    return status;
}

void
rlab_pairs_free(rlab_pairs *p) {
#define DROP(x) (rlab_free(x), (x) = NULL)
    for (int k = 0; k < 3; k++) {
        DROP(p->tokens[k]);
        DROP(p->offsets[k]);
    }
    for (int k = 0; k < 4; k++)
        DROP(p->columns[k]);
    for (int k = 0; k < 2; k++) {
        DROP(p->text[k]);
        DROP(p->text_offsets[k]);
    }
    DROP(p->measured);
#undef DROP
}
