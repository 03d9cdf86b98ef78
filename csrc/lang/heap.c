/* The machine's heap: two halves of 32-bit words and a copying collector, so a long run costs what
 * it keeps alive; values cross here to and from a term store. */
#include "lang/inner.h"

#include <string.h>

#define HEAP_WORDS ((size_t)1 << 16)
#define WORDS_PER_NODE 4 /* how a budget in nodes becomes one in words */

static rlab_status
fail_nodes(rlab_ctx *ctx, const rlab_machine *m) {
    return rlab_fail(ctx, RLAB_EBUDGET,
                     "node budget of %llu nodes ran out; raise it or make the input smaller",
                     (unsigned long long)(m->limit / WORDS_PER_NODE));
}

void
rlab_machine_limit(rlab_machine *m, uint64_t nodes) {
    uint64_t most = (UINT64_C(1) << 31) / WORDS_PER_NODE;
    m->limit = (nodes < most ? nodes : most) * WORDS_PER_NODE;
    if (m->limit < 1024)
        m->limit = 1024;
}

/* ---- collector
 * ------------------------------------------------------------------------------------ */

static size_t
cell_words(const rlab_machine *m, rlab_val header) {
    uint32_t id = header >> 2;
    switch (header & 3) {
    case RLAB_CELL_CON:
        return 1 + m->con_words[id];
    case RLAB_CELL_CLO:
        return 1 + (m->code->fns.at[id].caps ? m->code->fns.at[id].caps : 1);
    default:
        return 2 + id;
    }
}

/* A moved cell's header is 3 | and its first word is where it went: every cell has two words. */
#define MOVED 3u

static inline rlab_val
move(const rlab_machine *m, rlab_val v, const rlab_val *from, rlab_val *to, size_t *used) {
    const rlab_val *cell;
    size_t words, at = *used;
    if (!rlab_val_is_cell(v))
        return v;
    cell = from + (v >> 1);
    if ((cell[0] & 3) == MOVED)
        return cell[1];
    words = cell_words(m, cell[0]);
    if (words == 2) {
        to[at] = cell[0];
        to[at + 1] = cell[1];
    } else {
        memcpy(to + at, cell, words * sizeof *to);
    }
    *used = at + words;
    ((rlab_val *)cell)[0] = MOVED;
    ((rlab_val *)cell)[1] = (rlab_val)(at << 1);
    return (rlab_val)(at << 1);
}

/* Moves the words [first, last) of the stack, and what they reach. */
static void
collect_range(rlab_machine *m, rlab_val *to, size_t *used, size_t first, size_t last,
              rlab_val *extra) {
    size_t scan = *used;
    for (size_t i = first; i < last; i++)
        m->stack[i] = move(m, m->stack[i], m->heap, to, used);
    if (extra)
        *extra = move(m, *extra, m->heap, to, used);
    while (scan < *used) {
        size_t words = cell_words(m, to[scan]);
        for (size_t i = 1; i < words; i++)
            to[scan + i] = move(m, to[scan + i], m->heap, to, used);
        scan += words;
    }
}

/* One collection into the other half, which grows to `want` words first. Constants go first, so
 * that they always are the lowest cells. */
static rlab_status
collect(rlab_ctx *ctx, rlab_machine *m, size_t want, size_t top, rlab_val *extra) {
    rlab_val *from = m->heap;
    size_t from_cap = m->cap, used = 0;
    if (m->other_cap < want) {
        size_t have = 0;
        rlab_val *bigger = NULL;
        RLAB_TRY(rlab_grow(ctx, (void **)&bigger, &have, want, sizeof *bigger));
        rlab_free(m->other);
        m->other = bigger;
        m->other_cap = have;
    }
    if (top > m->high)
        top = m->high;
    collect_range(m, m->other, &used, 0, m->base, NULL);
    collect_range(m, m->other, &used, m->base, top, extra);
    m->high = top;
    m->used = used;
    m->heap = m->other;
    m->cap = m->other_cap;
    m->other = from;
    m->other_cap = from_cap;
    return RLAB_OK;
}

rlab_status
rlab_heap_room(rlab_ctx *ctx, rlab_machine *m, size_t words, size_t top, rlab_val *extra) {
    const size_t most = (size_t)1 << 31; /* a value has 31 bits for its index */
    while (m->used + words > m->cap) {
        size_t live;
        RLAB_TRY(collect(ctx, m, m->next_cap > m->cap ? m->next_cap : m->cap, top, extra));
        live = m->used + words;
        if (live > m->limit || live > most)
            return fail_nodes(ctx, m);
        /* Keep three quarters free, or collections come too often; likewise where the stack is
         * deep, since each collection scans it. */
        if (live < m->high * 4)
            live = m->high * 4;
        if (live > m->cap / 2)
            m->next_cap = 4 * live < most ? 4 * live : most;
    }
    return RLAB_OK;
}

rlab_status
rlab_stack_room(rlab_ctx *ctx, rlab_machine *m, size_t words) {
    size_t target;
    if (words <= m->high)
        return RLAB_OK;
    if (words > 4 * m->limit + 65536)
        return fail_nodes(ctx, m);
    target = words + 4096;
    RLAB_TRY(rlab_grow(ctx, (void **)&m->stack, &m->stack_cap, target, sizeof *m->stack));
    memset(m->stack + m->high, 0xff, (target - m->high) * sizeof *m->stack);
    m->high = target;
    return RLAB_OK;
}

/* ---- machine
 * -------------------------------------------------------------------------------------------- */

rlab_status
rlab_machine_new(rlab_ctx *ctx, rlab_machine **out, const rlab_program *program) {
    rlab_machine *m;
    rlab_status status;
    RLAB_TRY(rlab_alloc(ctx, (void **)&m, 1, sizeof *m));
    m->program = program;
    m->code = program->code;
    rlab_machine_limit(m, RLAB_BUDGET_NODES);
    if ((status = rlab_grow(ctx, (void **)&m->heap, &m->cap, HEAP_WORDS, sizeof *m->heap)) ||
        (status =
             rlab_grow(ctx, (void **)&m->other, &m->other_cap, HEAP_WORDS, sizeof *m->other)) ||
        (status =
             rlab_alloc(ctx, (void **)&m->counts, program->globals.len + 1, sizeof *m->counts)) ||
        (status = rlab_alloc(ctx, (void **)&m->con_words, program->ctors.len + 1,
                             sizeof *m->con_words)) ||
        (status = rlab_stack_room(ctx, m, 1))) {
        rlab_machine_free(m);
        return status;
    }
    for (uint32_t c = 0; c < program->ctors.len; c++)
        m->con_words[c] = program->ctors.at[c].arity;
    status = rlab_machine_constants(ctx, m, &program->store);
    if (status != RLAB_OK) {
        rlab_machine_free(m);
        return status;
    }
    *out = m;
    return RLAB_OK;
}

rlab_status
rlab_machine_constants(rlab_ctx *ctx, rlab_machine *m, const rlab_store *store) {
    m->used = 0;
    m->base = 0;
    RLAB_TRY(rlab_stack_room(ctx, m, m->code->constants.len + 1));
    memset(m->stack, 0xff, m->high * sizeof *m->stack);
    for (size_t i = 0; i < m->code->constants.len; i++) {
        rlab_val value;
        RLAB_TRY(rlab_heap_import(ctx, &value, m, store, m->code->constants.at[i], i));
        /* A collection on the way has lowered the mark of what it scans. */
        RLAB_TRY(rlab_stack_room(ctx, m, i + 1));
        m->stack[i] = value;
    }
    m->base = m->code->constants.len;
    m->constants_used = m->used;
    return RLAB_OK;
}

void
rlab_machine_free(rlab_machine *m) {
    if (!m)
        return;
    rlab_free(m->heap);
    rlab_free(m->other);
    rlab_free(m->stack);
    rlab_free(m->counts);
    rlab_free(m->con_words);
    rlab_vec_free(&m->work);
    rlab_free(m);
}

void
rlab_machine_reset(rlab_machine *m) {
    /* Constants are collected first, in order, so they lie below every other cell: after a
     * collection they still take constants_used words. Constants that share cells stay shared. */
    m->used = m->constants_used;
}

uint64_t
rlab_machine_calls(const rlab_machine *m, uint32_t group) {
    uint64_t calls = 0;
    for (uint32_t g = 0; g < m->program->globals.len; g++)
        if (m->program->globals.at[g].group == group)
            calls += m->counts[g];
    return calls;
}

/* ---- values of a store
 * --------------------------------------------------------------------------------- */

/* A field still to be filled: the heap word `at` gets the value of `term`. */
static rlab_status
want(rlab_ctx *ctx, rlab_machine *m, size_t at, uint32_t term) {
    if (m->work.len + 2 > m->work.cap)
        RLAB_TRY(rlab_vec_reserve(ctx, &m->work, m->work.len + 2));
    m->work.at[m->work.len++] = (uint32_t)at;
    m->work.at[m->work.len++] = term;
    return RLAB_OK;
}

static size_t
import_words(const rlab_node *node) {
    /* One header a constructor, and at most one word for each but the root. */
    return node->size < UINT64_C(1) << 30 ? (size_t)(2 * node->size + 2) : SIZE_MAX / 2;
}

rlab_status
rlab_heap_import(rlab_ctx *ctx, rlab_val *out, rlab_machine *m, const rlab_store *store,
                 rlab_term term, size_t top) {
    const rlab_node *node = rlab_term_node(store, term);
    rlab_val root = 1, value;
    size_t target = SIZE_MAX;
    if (!(node->flags & RLAB_TERM_DATA))
        return rlab_fail(ctx, RLAB_ETERM, "expected a value (constructors only)");
    if (import_words(node) > m->limit)
        return fail_nodes(ctx, m);
    RLAB_TRY(rlab_heap_room(ctx, m, import_words(node), top, NULL));
    m->work.len = 0;
    for (;;) {
        node = rlab_term_node(store, term);
        if (node->count == 0) {
            value = rlab_val_ctor0(node->head);
        } else {
            size_t cell = m->used;
            m->heap[cell] = node->head << 2 | RLAB_CELL_CON;
            m->used += 1 + node->count;
            value = (rlab_val)(cell << 1);
            for (uint32_t i = node->count; i-- > 0;)
                RLAB_TRY(want(ctx, m, cell + 1 + i, rlab_term_kids(store, term)[i]));
        }
        if (target == SIZE_MAX)
            root = value;
        else
            m->heap[target] = value;
        if (m->work.len == 0)
            break;
        term = m->work.at[--m->work.len];
        target = m->work.at[--m->work.len];
    }
    *out = root;
    return RLAB_OK;
}

/* A cell under way in an export: its fields from `next` on are to be done; done ones lie on `done`.
 */
typedef struct frame {
    uint32_t cell, next;
} frame;

typedef struct exporter {
    RLAB_VEC(frame)
    frames;
    rlab_ids done;
    uint32_t *memo; /* by heap index: term + 1, so that sharing stays; NULL for trees */
    size_t memo_cap;
} exporter;

static rlab_status
export_run(rlab_ctx *ctx, rlab_term *out, rlab_store *store, rlab_machine *m, rlab_val v,
           exporter *e) {
    rlab_term term;
    for (;;) {
        if (rlab_val_is_cell(v) && (!e->memo || e->memo[v >> 1] == 0)) {
            frame f = {v >> 1, 1};
            if ((m->heap[f.cell] & 3) != RLAB_CELL_CON)
                return rlab_fail(ctx, RLAB_ETERM, "the result holds a function, not a value");
            RLAB_TRY(rlab_vec_reserve(ctx, &e->frames, e->frames.len + 1));
            e->frames.at[e->frames.len++] = f;
            v = m->heap[f.cell + 1];
            continue;
        }
        if (rlab_val_is_cell(v))
            term = e->memo[v >> 1] - 1;
        else if ((v & 3) == 3)
            return rlab_fail(ctx, RLAB_ETERM, "the result holds a function, not a value");
        else
            RLAB_TRY(rlab_term_intern(ctx, &term, store, RLAB_CTOR, v >> 2, NULL, 0, 0));
        for (;;) {
            frame *f;
            uint32_t ctor, arity;
            if (e->frames.len == 0) {
                *out = term;
                return RLAB_OK;
            }
            RLAB_TRY(rlab_ids_push(ctx, &e->done, term));
            f = &e->frames.at[e->frames.len - 1];
            ctor = m->heap[f->cell] >> 2;
            arity = m->con_words[ctor];
            if (f->next < arity) {
                v = m->heap[f->cell + 1 + f->next++];
                break;
            }
            e->done.len -= arity;
            RLAB_TRY(rlab_term_intern(ctx, &term, store, RLAB_CTOR, ctor, e->done.at + e->done.len,
                                      arity, 0));
            if (e->memo)
                e->memo[f->cell] = term + 1;
            e->frames.len--;
        }
    }
}

rlab_status
rlab_heap_export_tree(rlab_ctx *ctx, rlab_term *out, rlab_store *store, rlab_machine *m,
                      rlab_val value) {
    exporter e;
    rlab_status status;
    memset(&e, 0, sizeof e);
    status = export_run(ctx, out, store, m, value, &e);
    rlab_vec_free(&e.frames);
    rlab_vec_free(&e.done);
    return status;
}

rlab_status
rlab_heap_export(rlab_ctx *ctx, rlab_term *out, rlab_store *store, rlab_machine *m,
                 rlab_val value) {
    exporter e;
    rlab_status status;
    memset(&e, 0, sizeof e);
    RLAB_TRY(rlab_grow(ctx, (void **)&e.memo, &e.memo_cap, m->used + 1, sizeof *e.memo));
    memset(e.memo, 0, (m->used + 1) * sizeof *e.memo);
    status = export_run(ctx, out, store, m, value, &e);
    rlab_vec_free(&e.frames);
    rlab_vec_free(&e.done);
    rlab_free(e.memo);
    return status;
}
