/* Partial runs: a batch has been run and every value stands; an edited run redoes only the nodes
 * that a tap's value reaches, and of these only the rows. Rows that are redone stand end to end. */
#include "tensor/op.h"

#include <string.h>

/* Of more than this share of a space's rows all are redone: gathering would cost more. */
enum { MOST_OF = 8, MOST = 7 };

enum { LISTS = 6 }; /* that a node needs at a time besides the one it keeps */

struct rlab_partial {
    const rlab_exec *base; /* has run the same batch with every value kept */
    uint8_t *redo;         /* (nodes,) RLAB_CLEAN, ... */
    rlab_rows *part;       /* (nodes,) rows redone, of nodes that are */
    int32_t *pool;         /* (nodes + LISTS, rows) where the lists stand */
    size_t pool_size, used;
    float *desk[RLAB_NODE_IN_MAX + 1]; /* (rows, width) inputs brought to one list of rows */
    size_t desk_size;
    rlab_span *span; /* (sequences,) of the attention that runs */
    size_t span_size;
};

rlab_status
rlab_partial_new(rlab_ctx *ctx, rlab_exec *exec, const rlab_exec *base) {
    size_t n = exec->graph->nodes.len;
    rlab_partial *p;
    RLAB_TRY(rlab_alloc(ctx, (void **)&p, 1, sizeof *p));
    exec->partial = p;
    p->base = base;
    RLAB_TRY(rlab_alloc(ctx, (void **)&p->redo, n, 1));
    return rlab_alloc(ctx, (void **)&p->part, n, sizeof *p->part);
}

void
rlab_partial_free(rlab_partial *p) {
    if (!p)
        return;
    for (int k = 0; k <= RLAB_NODE_IN_MAX; k++)
        rlab_free(p->desk[k]);
    rlab_free(p->redo);
    rlab_free(p->part);
    rlab_free(p->pool);
    rlab_free(p->span);
    rlab_free(p);
}

rlab_status
rlab_partial_reserve(rlab_ctx *ctx, rlab_exec *exec) {
    rlab_partial *p = exec->partial;
    const rlab_graph *graph = exec->graph;
    size_t rows = 1, seqs = 1, width = 1, desk, lists = graph->nodes.len + LISTS;
    for (int32_t s = 0; s < graph->n_spaces; s++) {
        rows = (size_t)exec->capacity.rows[s] > rows ? (size_t)exec->capacity.rows[s] : rows;
        seqs = (size_t)exec->capacity.seqs[s] > seqs ? (size_t)exec->capacity.seqs[s] : seqs;
    }
    for (size_t i = 0; i < graph->nodes.len; i++)
        width = (size_t)graph->nodes.at[i].width > width ? (size_t)graph->nodes.at[i].width : width;
    if (width > SIZE_MAX / sizeof(float) / rows || lists > SIZE_MAX / sizeof(int32_t) / rows)
        return rlab_fail(ctx, RLAB_EMEM, "partial: %zu rows of %zu floats", rows, width);
    desk = rows * width;
    RLAB_TRY(rlab_grow(ctx, (void **)&p->pool, &p->pool_size, lists * rows, sizeof *p->pool));
    RLAB_TRY(rlab_grow(ctx, (void **)&p->span, &p->span_size, seqs, sizeof *p->span));
    for (int k = 0; desk > p->desk_size && k <= RLAB_NODE_IN_MAX; k++) {
        rlab_free(p->desk[k]);
        p->desk[k] = NULL;
        RLAB_TRY(rlab_alloc(ctx, (void **)&p->desk[k], desk, sizeof *p->desk[k]));
    }
    p->desk_size = desk > p->desk_size ? desk : p->desk_size;
    return RLAB_OK;
}

/* ---- which rows ------------------------------------------------------------------------------ */

static const rlab_rows every_row = {NULL, 0}; /* as the door says */

static bool
is_empty(const rlab_rows *rows) {
    return rows->at && rows->n == 0;
}

/* Where the next list begins. */
static int32_t *
room(rlab_partial *p) {
    return p->pool + p->used;
}

/* The list of n rows that begins at room(p): all rows where it holds most of `count`. */
static rlab_rows
settle(rlab_partial *p, int64_t n, int64_t count) {
    rlab_rows out = {room(p), n};
    if (n * MOST_OF > count * MOST)
        return every_row;
    p->used += (size_t)n;
    return out;
}

/* Drops the lists since `mark` but this one. */
static rlab_rows
only(rlab_partial *p, size_t mark, rlab_rows rows) {
    p->used = mark;
    if (rows.at && rows.at >= p->pool + mark) {
        memmove(p->pool + mark, rows.at, (size_t)rows.n * sizeof *rows.at);
        rows.at = p->pool + mark;
        p->used += (size_t)rows.n;
    }
    return rows;
}

/* Rows of either list. */
static rlab_rows
join(rlab_partial *p, rlab_rows a, rlab_rows b, int64_t count) {
    int32_t *out = room(p);
    int64_t n = 0;
    if (!a.at || is_empty(&b))
        return a;
    if (!b.at || is_empty(&a))
        return b;
    for (int64_t i = 0, j = 0; i < a.n || j < b.n;) {
        int32_t next = j == b.n || (i < a.n && a.at[i] <= b.at[j]) ? a.at[i] : b.at[j];
        out[n++] = next;
        i += i < a.n && a.at[i] == next;
        j += j < b.n && b.at[j] == next;
    }
    return n == a.n ? a : n == b.n ? b : settle(p, n, count);
}

static rlab_rows
rows_of_tap(const rlab_exec *exec, const rlab_tap *tap, int32_t space) {
    const rlab_extent *e = &exec->batch.space[space];
    int32_t *out = room(exec->partial);
    int64_t n = 0;
    if (!tap->rows && !tap->places)
        return every_row;
    for (int32_t r = 0; r < e->n_seqs; r++)
        for (int64_t row = e->off[r]; row < e->off[r + 1]; row++)
            if (rlab_tap_covers(tap, row, row - e->off[r], e->off[r + 1] - e->off[r]))
                out[n++] = (int32_t)(row - e->off[0]);
    return settle(exec->partial, n, exec->rows[space]);
}

/* The first row of sequence r in a list, at or after *at (which moves past the sequence); -1 if
 * there is none. Rows of a space count from its first. */
static int64_t
first_of(const rlab_rows *rows, const rlab_extent *e, int32_t r, int64_t *at) {
    int64_t begin = e->off[r] - e->off[0], end = e->off[r + 1] - e->off[0], found = -1;
    if (!rows->at)
        return begin < end ? begin : -1;
    for (; *at < rows->n && rows->at[*at] < end; ++*at)
        found = found < 0 ? rows->at[*at] : found;
    return found;
}

/* Query rows whose attention changes: those of changed queries, and those that see a changed key or
 * value: all of the sequence, or where causal those from it on. */
static rlab_rows
rows_of_attention(rlab_exec *exec, const rlab_node *node) {
    rlab_partial *p = exec->partial;
    const rlab_extent *q = &exec->batch.space[node->space],
                      *k = &exec->batch.space[node->key_space];
    rlab_rows keys = {room(p), 0}, out;
    int32_t *at;
    int64_t n = 0, seen = 0;
    for (int i = 1; i < 3; i++)
        if (p->redo[node->in[i]] != RLAB_CLEAN)
            keys = join(p, keys, p->part[node->in[i]], exec->rows[node->key_space]);
    at = room(p);
    for (int32_t r = 0; r < q->n_seqs; r++) {
        int64_t first = first_of(&keys, k, r, &seen);
        int64_t row = node->attr.causal ? first : q->off[r] - q->off[0];
        for (; first >= 0 && row < q->off[r + 1] - q->off[0]; row++)
            at[n++] = (int32_t)row;
    }
    out = settle(p, n, exec->rows[node->space]);
    if (p->redo[node->in[0]] != RLAB_CLEAN)
        out = join(p, out, p->part[node->in[0]], exec->rows[node->space]);
    return out;
}

/* Queries of a causal attention are the last rows of their sequences, as while decoding. */
static rlab_rows
fill_up(rlab_exec *exec, const rlab_node *node, rlab_rows rows) {
    const rlab_extent *q = &exec->batch.space[node->space];
    int32_t *at = room(exec->partial);
    int64_t n = 0, seen = 0;
    if (!rows.at || !node->attr.causal)
        return rows;
    for (int32_t r = 0; r < q->n_seqs; r++)
        for (int64_t row = first_of(&rows, q, r, &seen);
             row >= 0 && row < q->off[r + 1] - q->off[0]; row++)
            at[n++] = (int32_t)row;
    return n == rows.n ? rows : settle(exec->partial, n, exec->rows[node->space]);
}

static rlab_rows
rows_of_node(rlab_exec *exec, int32_t i) {
    rlab_partial *p = exec->partial;
    const rlab_node *node = &exec->graph->nodes.at[i];
    const int64_t count = exec->rows[node->space];
    const size_t mark = p->used;
    rlab_rows out = {room(p), 0};
    if (exec->tapped[i] & RLAB_TAPPED_SIDE || (exec->tapped[i] && node->side_cells) ||
        (p->redo[i] == RLAB_RERUN && node->n_index))
        return every_row;
    for (int32_t t = 0; t < exec->run.n_taps; t++)
        if (exec->run.taps[t].node == i)
            out = only(p, mark,
                       join(p, out, rows_of_tap(exec, &exec->run.taps[t], node->space), count));
    if (node->key_space != RLAB_NONE && p->redo[i] == RLAB_RERUN)
        return only(p, mark,
                    fill_up(exec, node, join(p, out, rows_of_attention(exec, node), count)));
    for (int32_t k = 0; k < node->n_in; k++)
        if (p->redo[node->in[k]] != RLAB_CLEAN)
            out = only(p, mark, join(p, out, p->part[node->in[k]], count));
    return out;
}

void
rlab_partial_mark(rlab_exec *exec, int32_t node) {
    const rlab_graph *graph = exec->graph;
    rlab_partial *p = exec->partial;
    memset(p->redo, RLAB_CLEAN, graph->nodes.len);
    p->used = 0;
    for (int32_t i = 0; i < exec->run.n_taps; i++) {
        const rlab_tap *tap = &exec->run.taps[i];
        if (p->redo[tap->node] == RLAB_CLEAN)
            p->redo[tap->node] = RLAB_COPY;
        if (tap->side >= 0)
            p->redo[tap->node] = RLAB_RERUN;
    }
    for (int32_t i = 0; i <= node; i++) {
        for (int32_t k = 0; k < graph->nodes.at[i].n_in; k++)
            if (p->redo[graph->nodes.at[i].in[k]] != RLAB_CLEAN)
                p->redo[i] = RLAB_RERUN;
        if (p->redo[i] == RLAB_CLEAN)
            continue;
        p->part[i] = rows_of_node(exec, i);
        if (is_empty(&p->part[i]))
            p->redo[i] = RLAB_CLEAN; /* the tap means no row of this batch */
    }
}

/* ---- running a node -------------------------------------------------------------------------- */

int
rlab_partial_redo(const rlab_exec *exec, int32_t node) {
    return exec->partial->redo[node];
}

const rlab_rows *
rlab_partial_rows(const rlab_exec *exec, int32_t node) {
    return &exec->partial->part[node];
}

bool
rlab_partial_alike(const rlab_exec *exec, int32_t a, int32_t b) {
    const rlab_partial *p = exec->partial;
    return p->redo[a] != RLAB_CLEAN && p->redo[b] != RLAB_CLEAN && p->part[a].at == p->part[b].at &&
           p->part[a].n == p->part[b].n;
}

/* Values of a node at a list of rows, which has every row that was redone of it. */
static const float *
gather(rlab_exec *exec, int32_t node, const rlab_rows *rows, int32_t desk) {
    const rlab_partial *p = exec->partial;
    const bool redone = p->redo[node] != RLAB_CLEAN;
    const size_t width = (size_t)exec->graph->nodes.at[node].width;
    const rlab_rows *own = &p->part[node];
    const float *plain, *fresh = redone ? rlab_exec_at(exec, node) : NULL;
    int64_t n = rows->at ? rows->n : exec->rows[exec->graph->nodes.at[node].space], j = 0;
    float *out = p->desk[desk];
    if (redone && own->at == rows->at && own->n == rows->n)
        return fresh;
    plain = rlab_exec_at(p->base, node);
    if (!redone && !rows->at)
        return plain;
    for (int64_t i = 0; i < n; i++) {
        int64_t row = rows->at ? rows->at[i] : i;
        bool mine = redone && j < own->n && own->at[j] == row;
        const float *from = mine ? fresh + (size_t)j * width : plain + (size_t)row * width;
        memcpy(out + (size_t)i * width, from, width * sizeof *out);
        j += mine;
    }
    return out;
}

const float *
rlab_partial_residual(rlab_exec *exec, int32_t node, int32_t like) {
    return gather(exec, node, &exec->partial->part[like], RLAB_NODE_IN_MAX);
}

/* Spans of the query rows that are redone. */
static const rlab_span *
spans(rlab_exec *exec, const rlab_node *node, const rlab_rows *rows) {
    rlab_span *out = exec->partial->span;
    const rlab_extent *e = &exec->batch.space[node->space];
    int64_t at = 0;
    for (int32_t r = 0; r < e->n_seqs; r++) {
        out[r] = exec->span[node->space][node->key_space][r];
        out[r].q = at;
        while (at < rows->n && rows->at[at] < e->off[r + 1] - e->off[0])
            at++;
        out[r].lq = (int32_t)(at - out[r].q);
    }
    return out;
}

void
rlab_partial_call(rlab_exec *exec, int32_t i, rlab_call *c) {
    const rlab_rows *rows = &exec->partial->part[i];
    const bool attends = c->node->key_space != RLAB_NONE;
    if (rows->at)
        c->rows = rows->n;
    for (int32_t k = 0; k < c->node->n_in && exec->partial->redo[i] == RLAB_RERUN; k++)
        c->x[k] = gather(exec, c->node->in[k], attends && k > 0 ? &every_row : rows, k);
    if (attends && rows->at)
        c->span = spans(exec, c->node, rows);
}

void
rlab_partial_copy(rlab_exec *exec, int32_t i, float *y) {
    const rlab_rows *rows = &exec->partial->part[i];
    const size_t width = (size_t)exec->graph->nodes.at[i].width;
    const float *plain = rlab_exec_at(exec->partial->base, i);
    if (!rows->at)
        memcpy(y, plain, (size_t)exec->rows[exec->graph->nodes.at[i].space] * width * sizeof *y);
    for (int64_t j = 0; rows->at && j < rows->n; j++)
        memcpy(y + (size_t)j * width, plain + (size_t)rows->at[j] * width, width * sizeof *y);
}
