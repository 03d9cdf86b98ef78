/* attention: z = softmax(scale q k^T + bias) v per sequence and head. Queries are rows of the
 * node's space; keys and values rows of their own, seen through spans. Side value 0: the pattern
 * before dropout, per cell and head; 1, passing: the scores, what softmax gets. The bias is a
 * function of head and distance (key minus query), and known by one row of distances a head: from a
 * table of buckets (parameter 0, (buckets, heads)), as in Raffel et al., "Exploring the limits of
 * transfer learning" (JMLR 2020), section 2.1; or attr.alibi, as in Press et al., "Train short,
 * test long" (ICLR 2022). */
#include "tensor/op.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int32_t
kv_heads(const rlab_node *node) {
    return node->attr.kv_heads ? node->attr.kv_heads : node->attr.heads;
}

static bool
biased(const rlab_node *node) {
    return node->n_param > 0 || node->attr.alibi;
}

static rlab_status
check_bias(rlab_ctx *ctx, const rlab_graph *graph, const rlab_node *node) {
    int32_t buckets;
    if (!biased(node))
        return RLAB_OK;
    if (node->key_space != node->space || (node->n_param > 0 && node->attr.alibi))
        return rlab_fail(ctx, RLAB_EINTERNAL, "node '%s': distances of other rows", node->name);
    if (node->n_param == 0)
        return RLAB_OK;
    buckets = graph->params.at[node->param[0]].rows;
    if (buckets < 4 || buckets % 4 || node->attr.reach <= buckets / (node->attr.causal ? 2 : 4))
        return rlab_fail(ctx, RLAB_EVALUE,
                         "relative_buckets: expected a multiple of 4, and relative_distance beyond "
                         "the buckets of one distance, got %d and %d",
                         buckets, node->attr.reach);
    return rlab_op_param(ctx, graph, node, 0, "distances", buckets, node->attr.heads);
}

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    const rlab_node *q = &graph->nodes.at[node->in[0]], *k = &graph->nodes.at[node->in[1]],
                    *v = &graph->nodes.at[node->in[2]];
    int32_t heads = node->attr.heads, kv = kv_heads(node);
    if (heads < 1 || kv < 1 || q->width % heads || heads % kv ||
        k->width != q->width / heads * kv || v->width != k->width || q->space != node->space ||
        k->space != v->space || (node->attr.causal && k->space != node->space))
        return rlab_fail(ctx, RLAB_EINTERNAL,
                         "node '%s': %d heads, %d of keys, on widths %d, %d and %d", node->name,
                         heads, kv, q->width, k->width, v->width);
    node->width = q->width;
    node->key_space = k->space;
    node->side_width[0] = node->side_width[1] = heads;
    node->side_cells = node->passing[1] = true;
    return check_bias(ctx, graph, node);
}

/* What is the same for all sequences. */
static rlab_attention
settings(const rlab_node *node) {
    rlab_attention t;
    memset(&t, 0, sizeof t);
    t.h = (size_t)node->attr.heads;
    t.group = t.h / (size_t)kv_heads(node);
    t.d = (size_t)node->width / t.h;
    t.ldq = t.ldo = (size_t)node->width;
    t.ldk = t.ldv = t.d * t.h / t.group;
    t.scale = node->attr.scale != 0 ? node->attr.scale : (float)(1.0 / sqrt((double)t.d));
    t.causal = node->attr.causal;
    return t;
}

/* ---- bias by distance ------------------------------------------------------------------------ */

/* The bucket of a distance: near ones have one each, farther ones share, evenly in the logarithm,
 * up to attr.reach; single precision, as the checkpoints of T5 were trained with. */
static int32_t
bucket(const rlab_attr *attr, int32_t buckets, int64_t distance) {
    const int32_t most = attr->causal ? buckets : buckets / 2, near = most / 2;
    const int32_t first = !attr->causal && distance > 0 ? most : 0;
    const int64_t far = distance < 0 ? -distance : attr->causal ? 0 : distance;
    float share;
    int32_t number;
    if (far < near)
        return first + (int32_t)far;
    share = (float)log((double)((float)far / (float)near)) /
            (float)log((double)attr->reach / (double)near);
    number = near + (int32_t)(share * (float)(most - near));
    return first + (number < most ? number : most - 1);
}

/* How steeply head h of H forgets: a geometric sequence from 2^(-8/n), n the largest power of two
 * in H; the heads beyond take every other member of the sequence for 2 n. */
static double
slope(int32_t h, int32_t heads) {
    int32_t n = 1;
    while (2 * n <= heads)
        n *= 2;
    return h < n ? exp2(-8.0 * (h + 1) / n) : exp2(-8.0 * (2 * (h - n) + 1) / (2 * n));
}

/* Rows of the longest keys of a call. */
static size_t
longest_keys(const rlab_call *c) {
    size_t longest = 1;
    for (int32_t r = 0; r < c->n_seqs; r++)
        longest = (size_t)c->span[r].lk > longest ? (size_t)c->span[r].lk : longest;
    return longest;
}

/* out (heads, 2 longest - 1): bias of distance i - (longest - 1) at column i. */
static void
fill_distances(const rlab_call *c, size_t longest, float *out) {
    const rlab_node *node = c->node;
    const rlab_exec *exec = c->exec;
    const size_t width = 2 * longest - 1, heads = (size_t)node->attr.heads;
    for (size_t i = 0; i < width; i++) {
        const int64_t distance = (int64_t)i - (int64_t)(longest - 1);
        const float *row = NULL;
        if (node->n_param > 0)
            row = c->w[0] + (size_t)bucket(&node->attr, exec->graph->params.at[node->param[0]].rows,
                                           distance) *
                                heads;
        for (size_t h = 0; h < heads; h++)
            out[h * width + i] =
                row ? row[h]
                    : (float)(-slope((int32_t)h, (int32_t)heads) * (double)llabs(distance));
    }
}

/* bias (h, lq, lk) of a sequence. */
static void
spread(const rlab_attention *t, size_t longest, const float *distances, float *bias) {
    const size_t width = 2 * longest - 1, start = t->causal ? t->shift : 0;
    for (size_t h = 0; h < t->h; h++)
        for (size_t i = 0; i < t->lq; i++)
            memcpy(bias + (h * t->lq + i) * t->lk,
                   distances + h * width + (longest - 1) - (start + i), t->lk * sizeof *bias);
}

/* ddistances += what dbias (h, lq, lk) says of each distance. */
static void
gather_back(const rlab_attention *t, size_t longest, const float *dbias, float *ddistances) {
    const size_t width = 2 * longest - 1, start = t->causal ? t->shift : 0;
    for (size_t h = 0; h < t->h; h++)
        for (size_t i = 0; i < t->lq; i++) {
            const float *from = dbias + (h * t->lq + i) * t->lk;
            float *to = ddistances + h * width + (longest - 1) - (start + i);
            for (size_t j = 0; j < t->lk; j++)
                to[j] += from[j];
        }
}

/* The table's gradient from that of the distances, near to far. */
static void
add_to_table(const rlab_call *c, size_t longest, const float *ddistances) {
    const rlab_exec *exec = c->exec;
    const int32_t buckets = exec->graph->params.at[c->node->param[0]].rows;
    const size_t width = 2 * longest - 1, heads = (size_t)c->node->attr.heads;
    for (size_t i = 0; i < width; i++) {
        float *row =
            c->dw[0] +
            (size_t)bucket(&c->node->attr, buckets, (int64_t)i - (int64_t)(longest - 1)) * heads;
        for (size_t h = 0; h < heads; h++)
            row[h] += ddistances[h * width + i];
    }
}

/* Where things lie in the scratch: distances and their gradient, a sequence's bias and its
 * gradient, then the kernel's own. */
typedef struct desk {
    size_t longest;
    float *distances, *ddistances, *bias, *dbias, *kernel;
} desk;

static desk
set_desk(const rlab_call *c) {
    desk d = {0, NULL, NULL, NULL, NULL, c->work};
    const size_t heads = (size_t)c->node->attr.heads;
    size_t lq = 1;
    if (!biased(c->node))
        return d;
    for (int32_t r = 0; r < c->n_seqs; r++)
        lq = (size_t)c->span[r].lq > lq ? (size_t)c->span[r].lq : lq;
    d.longest = longest_keys(c);
    d.distances = c->work;
    d.ddistances = d.distances + heads * (2 * d.longest - 1);
    d.bias = d.ddistances + heads * (2 * d.longest - 1);
    d.dbias = d.bias + heads * lq * d.longest;
    d.kernel = d.dbias + heads * lq * d.longest;
    fill_distances(c, d.longest, d.distances);
    return d;
}

/* ---- forward and backward -------------------------------------------------------------------- */

static rlab_attention
of_sequence(const rlab_call *c, const rlab_attention *shared, const desk *d, int32_t r) {
    rlab_attention t = *shared;
    t.lq = (size_t)c->span[r].lq;
    t.lk = (size_t)c->span[r].lk;
    t.shift = t.causal ? t.lk - t.lq : 0;
    if (c->training && c->node->attr.p > 0)
        t.drop = rlab_call_dropout(c, r);
    if (d->bias) {
        spread(&t, d->longest, d->distances, d->bias);
        t.bias = d->bias;
    }
    return t;
}

/* z = pattern v again, after a tap changed the pattern. */
static void
apply_pattern(const rlab_call *c, const rlab_attention *shared, const desk *d) {
    for (int32_t r = 0; r < c->n_seqs; r++) {
        rlab_attention t = of_sequence(c, shared, d, r);
        const float *pattern = c->side[0] + (size_t)c->span[r].cell * t.h;
        const float *v = c->x[2] + (size_t)c->span[r].k * t.ldv;
        float *z = c->y + (size_t)c->span[r].q * t.ldo;
        for (size_t h = 0; h < t.h; h++)
            c->k->gemm(RLAB_NN, t.lq, t.d, t.lk, pattern + h * t.lq * t.lk, t.lk,
                       v + h / t.group * t.d, t.ldv, 0, z + h * t.d, t.ldo, NULL, d->kernel);
    }
}

/* A step of decoding: one query row of sequence r, which sees all keys. */
static void
one_query(const rlab_call *c, const rlab_attention *shared, const desk *d, int32_t r) {
    rlab_attention t = *shared;
    const size_t q = (size_t)c->span[r].q, k = (size_t)c->span[r].k, width = 2 * d->longest - 1;
    t.lq = 1;
    t.lk = (size_t)c->span[r].lk;
    if (d->distances) /* a row that is not causal stands at 0, a causal one after all others */
        t.bias = d->distances + (d->longest - 1) - (t.causal ? t.lk - 1 : 0);
    c->k->attention_one(&t, width, c->x[0] + q * t.ldq, c->x[1] + k * t.ldk, c->x[2] + k * t.ldv,
                        c->y + q * t.ldo, d->kernel);
}

/* Scores of all sequences, where the pattern will stand. */
static void
make_scores(const rlab_call *c, const rlab_attention *shared, const desk *d) {
    for (int32_t r = 0; r < c->n_seqs; r++) {
        rlab_attention t = of_sequence(c, shared, d, r);
        const float *q = c->x[0] + (size_t)c->span[r].q * t.ldq;
        const float *k = c->x[1] + (size_t)c->span[r].k * t.ldk;
        float *s = c->side[0] + (size_t)c->span[r].cell * t.h;
        for (size_t h = 0; h < t.h; h++, s += t.lq * t.lk) {
            c->k->gemm(RLAB_NT, t.lq, t.lk, t.d, q + h * t.d, t.ldq, k + h / t.group * t.d, t.ldk,
                       0, s, t.lk, NULL, d->kernel);
            for (size_t i = 0; i < t.lq; i++)
                for (size_t j = 0; j < t.lk; j++) {
                    float bias = t.bias ? t.bias[(h * t.lq + i) * t.lk + j] : 0.0f;
                    bool hidden = t.causal && j > i + t.shift;
                    s[i * t.lk + j] = hidden ? -INFINITY : t.scale * s[i * t.lk + j] + bias;
                }
        }
    }
}

/* What a causal attention hides stays hidden, whatever the taps did. */
static void
hide(const rlab_call *c, const rlab_attention *shared, const desk *d) {
    for (int32_t r = 0; shared->causal && r < c->n_seqs; r++) {
        rlab_attention t = of_sequence(c, shared, d, r);
        float *s = c->side[0] + (size_t)c->span[r].cell * t.h;
        for (size_t i = 0; i < t.h * t.lq; i++)
            for (size_t j = i % t.lq + t.shift + 1; j < t.lk; j++)
                s[i * t.lk + j] = -INFINITY;
    }
}

/* Each row of scores becomes its softmax. */
static void
soften(const rlab_call *c, const rlab_attention *shared) {
    for (int32_t r = 0; r < c->n_seqs; r++) {
        const size_t lk = (size_t)c->span[r].lk, rows = (size_t)c->span[r].lq * shared->h;
        float *s = c->side[0] + (size_t)c->span[r].cell * shared->h;
        for (size_t i = 0; i < rows; i++, s += lk) {
            float top = -INFINITY, sum;
            for (size_t j = 0; j < lk; j++)
                top = s[j] > top ? s[j] : top;
            for (size_t j = 0; j < lk; j++)
                s[j] -= top;
            c->k->exp(lk, s, s);
            sum = (float)c->k->sum(lk, s);
            for (size_t j = 0; j < lk; j++)
                s[j] /= sum;
        }
    }
}

static void
forward(const rlab_call *c) {
    rlab_attention shared = settings(c->node);
    const rlab_exec *exec = c->exec;
    desk d = set_desk(c);
    if (c->passing) {
        make_scores(c, &shared, &d);
        c->edit_side(c, 1, c->side[0]);
    }
    if (c->passing && c->edits_side) {
        hide(c, &shared, &d);
        soften(c, &shared);
        c->edit_side(c, 0, c->side[0]);
        apply_pattern(c, &shared, &d);
        return;
    }
    for (int32_t r = 0; r < c->n_seqs; r++) {
        rlab_attention t;
        size_t q = (size_t)c->span[r].q, k = (size_t)c->span[r].k;
        if (exec->step && c->span[r].lq == 1 && !c->wants_side) {
            one_query(c, &shared, &d, r);
            continue;
        }
        t = of_sequence(c, &shared, &d, r);
        c->k->attention_fwd(&t, 0, t.h, c->x[0] + q * t.ldq, c->x[1] + k * t.ldk,
                            c->x[2] + k * t.ldv, c->y + q * t.ldo,
                            c->wants_side ? c->side[0] + (size_t)c->span[r].cell * t.h : NULL,
                            d.kernel);
    }
    if (c->edits_side) {
        c->edit_side(c, 0, c->side[0]);
        apply_pattern(c, &shared, &d);
    }
}

/* Makes the three gradients ready to be added to where they cannot simply be overwritten: when some
 * query sequences share keys, or when only some are to be added to. Returns what the kernel's acc
 * is to be. */
static int
prepare(const rlab_call *c, const rlab_attention *t) {
    const size_t size[3] = {(size_t)c->rows * t->ldq, (size_t)c->key_rows * t->ldk,
                            (size_t)c->key_rows * t->ldv};
    int any = c->acc[0] | c->acc[1] | c->acc[2] | c->shared_keys;
    for (int k = 0; any && k < 3; k++)
        if (!c->acc[k])
            memset(c->dx[k], 0, size[k] * sizeof(float));
    return any;
}

static void
backward(const rlab_call *c) {
    rlab_attention shared = settings(c->node);
    desk d = set_desk(c);
    const size_t distances = d.bias ? (size_t)c->node->attr.heads * (2 * d.longest - 1) : 0;
    int acc;
    assert(c->dx[0] && c->dx[1] && c->dx[2]);
    acc = prepare(c, &shared);
    if (distances)
        memset(d.ddistances, 0, distances * sizeof *d.ddistances);
    for (int32_t r = 0; r < c->n_seqs; r++) {
        rlab_attention t = of_sequence(c, &shared, &d, r);
        size_t q = (size_t)c->span[r].q, k = (size_t)c->span[r].k;
        c->k->attention_bwd(&t, 0, t.h, c->x[0] + q * t.ldq, c->x[1] + k * t.ldk,
                            c->x[2] + k * t.ldv, c->side[0] + (size_t)c->span[r].cell * t.h,
                            c->dy + q * t.ldo, acc, c->dx[0] + q * t.ldq, c->dx[1] + k * t.ldk,
                            c->dx[2] + k * t.ldv, c->dw[0] ? d.dbias : NULL, d.kernel);
        if (c->dw[0])
            gather_back(&t, d.longest, d.dbias, d.ddistances);
    }
    if (c->dw[0])
        add_to_table(c, d.longest, d.ddistances);
}

static double
flops(const rlab_node *node, const rlab_graph *graph, const rlab_sizes *s, bool backward_too) {
    double once = 4.0 * (double)s->cells * (double)node->width * (node->attr.causal ? 0.5 : 1.0);
    (void)graph;
    return backward_too ? 2 * once : once;
}

static size_t
work(const rlab_node *node, const rlab_graph *graph, const rlab_sizes *s, const rlab_kernels *k) {
    rlab_attention t = settings(node);
    size_t kernel, one;
    (void)graph;
    t.lq = (size_t)s->longest;
    t.lk = (size_t)s->key_longest;
    one = t.h * (t.lk + 16); /* of a step of decoding */
    kernel = k->attention_work(&t);
    kernel = kernel > one ? kernel : one;
    if (!biased(node))
        return kernel;
    return kernel + 2 * t.h * (2 * t.lk + 1 + (t.lq + 1) * (t.lk + 1));
}

const rlab_op rlab_op_attention = {
    .name = "attention",
    .n_in = 3,
    .params_most = 1,
    .flags = RLAB_KEEPS_IN0 | RLAB_KEEPS_IN1 | RLAB_KEEPS_IN2 | RLAB_EDITS_SIDE,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .work = work,
};
