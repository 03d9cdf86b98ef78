/* The structure of a model: spaces, integer inputs, parameters and nodes, checked while it is
 * built. */
#include "tensor/op.h"

#include <stdio.h>
#include <string.h>

static const rlab_op *const ops[] = {
#define X(op) &rlab_op_##op,
#include "tensor/ops/ops.def"
#undef X
};

enum { N_OPS = (int)(sizeof ops / sizeof *ops) };

const char *
rlab_op_name(int32_t number) {
    return number >= 0 && number < N_OPS ? ops[number]->name : NULL;
}

const rlab_op *
rlab_op_find(const char *name) {
    for (int i = 0; i < N_OPS; i++)
        if (strcmp(ops[i]->name, name) == 0)
            return ops[i];
    return NULL;
}

/* Copies a name; too long or empty ones are errors. */
static rlab_status
copy_name(rlab_ctx *ctx, char out[RLAB_NAME_MAX], const char *name) {
    if (!name || !*name || strlen(name) >= RLAB_NAME_MAX)
        return rlab_fail(ctx, RLAB_EVALUE, "name: expected 1 to %d characters, got '%.120s'",
                         RLAB_NAME_MAX - 1, name ? name : "");
    memcpy(out, name, strlen(name) + 1);
    return RLAB_OK;
}

static rlab_status
still_open(rlab_ctx *ctx, const rlab_graph *graph) {
    if (graph->sealed)
        return rlab_fail(ctx, RLAB_EINTERNAL, "graph: sealed, nothing can be added");
    return RLAB_OK;
}

rlab_status
rlab_graph_new(rlab_ctx *ctx, rlab_graph **out) {
    rlab_graph *graph;
    RLAB_TRY(rlab_alloc(ctx, (void **)&graph, 1, sizeof *graph));
    graph->loss = RLAB_NONE;
    *out = graph;
    return RLAB_OK;
}

void
rlab_graph_free(rlab_graph *graph) {
    if (!graph)
        return;
    for (size_t i = 0; i < graph->nodes.len; i++)
        rlab_free(graph->nodes.at[i].table);
    rlab_vec_free(&graph->params);
    rlab_vec_free(&graph->nodes);
    rlab_vec_free(&graph->points);
    rlab_free(graph->decay);
    rlab_free(graph);
}

rlab_status
rlab_graph_space(rlab_ctx *ctx, int32_t *out, rlab_graph *graph, const char *name) {
    RLAB_TRY(still_open(ctx, graph));
    if (graph->n_spaces == RLAB_SPACES_MAX)
        return rlab_fail(ctx, RLAB_EINTERNAL, "graph: more than %d spaces", RLAB_SPACES_MAX);
    RLAB_TRY(copy_name(ctx, graph->spaces[graph->n_spaces].name, name));
    *out = graph->n_spaces++;
    return RLAB_OK;
}

rlab_status
rlab_graph_index(rlab_ctx *ctx, int32_t *out, rlab_graph *graph, const char *name, int32_t space,
                 rlab_index_kind kind, int32_t bound) {
    rlab_index_row *row;
    RLAB_TRY(still_open(ctx, graph));
    if (graph->n_indices == RLAB_INDEX_MAX)
        return rlab_fail(ctx, RLAB_EINTERNAL, "graph: more than %d integer inputs", RLAB_INDEX_MAX);
    if (space < 0 || space >= graph->n_spaces || bound < 1)
        return rlab_fail(ctx, RLAB_EINTERNAL, "graph: integer input '%s': space %d, bound %d", name,
                         space, bound);
    row = &graph->indices[graph->n_indices];
    RLAB_TRY(copy_name(ctx, row->name, name));
    row->space = space;
    row->bound = bound;
    row->kind = kind;
    *out = graph->n_indices++;
    return RLAB_OK;
}

static size_t
padded(size_t count) {
    return (count + RLAB_DECAY_BLOCK - 1) / RLAB_DECAY_BLOCK * RLAB_DECAY_BLOCK;
}

rlab_status
rlab_graph_param(rlab_ctx *ctx, int32_t *out, rlab_graph *graph, const char *name, int32_t rows,
                 int32_t cols, rlab_init init, float scale, bool decay) {
    rlab_param param;
    memset(&param, 0, sizeof param);
    RLAB_TRY(still_open(ctx, graph));
    RLAB_TRY(copy_name(ctx, param.name, name));
    if (rows < 1 || cols < 0)
        return rlab_fail(ctx, RLAB_EINTERNAL, "graph: parameter '%s' of shape (%d, %d)", name, rows,
                         cols);
    for (size_t i = 0; i < graph->params.len; i++)
        if (strcmp(graph->params.at[i].name, name) == 0)
            return rlab_fail(ctx, RLAB_EINTERNAL, "graph: two parameters named '%s'", name);
    param.ndim = cols ? 2 : 1;
    param.rows = rows;
    param.cols = cols ? cols : 1;
    param.count = (size_t)param.rows * (size_t)param.cols;
    param.offset = graph->size;
    param.init = init;
    param.scale = scale;
    param.decay = decay;
    RLAB_TRY(rlab_vec_reserve(ctx, &graph->params, graph->params.len + 1));
    if (!rlab_size_add(graph->size, padded(param.count), &graph->size) ||
        graph->size > SIZE_MAX / 2 / sizeof(float))
        return rlab_fail(ctx, RLAB_EBUDGET, "graph: too many parameters at '%s'", name);
    *out = (int32_t)graph->params.len;
    graph->params.at[graph->params.len++] = param;
    return RLAB_OK;
}

/* Makes a name known as a point that can be tapped. */
static rlab_status
add_point(rlab_ctx *ctx, rlab_graph *graph, const char *name, int32_t node, int32_t side) {
    rlab_alias_row *row;
    rlab_point found;
    if (rlab_graph_find(graph, name, &found))
        return rlab_fail(ctx, RLAB_EINTERNAL, "graph: two points named '%s'", name);
    RLAB_TRY(rlab_vec_reserve(ctx, &graph->points, graph->points.len + 1));
    row = &graph->points.at[graph->points.len];
    RLAB_TRY(copy_name(ctx, row->name, name));
    row->node = node;
    row->side = side;
    graph->points.len++;
    return RLAB_OK;
}

/* Checks counts and numbers of a spec against its op. */
static rlab_status
check_spec(rlab_ctx *ctx, const rlab_graph *graph, const rlab_op *op, const rlab_node_spec *spec) {
    if (spec->space < 0 || spec->space >= graph->n_spaces)
        return rlab_fail(ctx, RLAB_EINTERNAL, "node '%s': space %d", spec->name, spec->space);
    if (spec->n_in != op->n_in || spec->n_index != op->n_index ||
        spec->n_param < op->params_least || spec->n_param > op->params_most)
        return rlab_fail(
            ctx, RLAB_EINTERNAL,
            "node '%s': %s takes %d inputs, %d to %d parameters and %d integer inputs, got "
            "%d, %d and %d",
            spec->name, op->name, op->n_in, op->params_least, op->params_most, op->n_index,
            spec->n_in, spec->n_param, spec->n_index);
    for (int32_t k = 0; k < spec->n_in; k++)
        if (spec->in[k] < 0 || (size_t)spec->in[k] >= graph->nodes.len)
            return rlab_fail(ctx, RLAB_EINTERNAL, "node '%s': input %d is node %d", spec->name, k,
                             spec->in[k]);
    for (int32_t k = 0; k < spec->n_param; k++)
        if (spec->param[k] < (k < op->params_least ? 0 : RLAB_NONE) ||
            spec->param[k] >= (int32_t)graph->params.len)
            return rlab_fail(ctx, RLAB_EINTERNAL, "node '%s': parameter %d is number %d",
                             spec->name, k, spec->param[k]);
    for (int32_t k = 0; k < spec->n_index; k++)
        if (spec->index[k] < 0 || spec->index[k] >= graph->n_indices ||
            graph->indices[spec->index[k]].space != spec->space)
            return rlab_fail(ctx, RLAB_EINTERNAL, "node '%s': integer input %d is number %d",
                             spec->name, k, spec->index[k]);
    return RLAB_OK;
}

rlab_status
rlab_graph_node(rlab_ctx *ctx, int32_t *out, rlab_graph *graph, const rlab_node_spec *spec) {
    const rlab_op *op = rlab_op_find(spec->op);
    int32_t number = (int32_t)graph->nodes.len;
    rlab_node *node;
    RLAB_TRY(still_open(ctx, graph));
    if (!op)
        return rlab_fail(ctx, RLAB_EINTERNAL, "node '%s': no op '%s'", spec->name, spec->op);
    RLAB_TRY(check_spec(ctx, graph, op, spec));
    RLAB_TRY(rlab_vec_reserve(ctx, &graph->nodes, graph->nodes.len + 1));
    node = &graph->nodes.at[number];
    memset(node, 0, sizeof *node);
    RLAB_TRY(copy_name(ctx, node->name, spec->name));
    node->op = op;
    node->space = spec->space;
    node->n_in = spec->n_in;
    node->n_param = spec->n_param;
    node->n_index = spec->n_index;
    memcpy(node->in, spec->in, sizeof node->in);
    memcpy(node->param, spec->param, sizeof node->param);
    memcpy(node->index, spec->index, sizeof node->index);
    node->attr = spec->attr;
    node->key_space = RLAB_NONE;
    RLAB_TRY(op->shape(ctx, graph, node));
    graph->nodes.len++; /* from here on the graph frees the node's table */
    if (op->flags & RLAB_IS_LOSS) {
        if (graph->loss != RLAB_NONE)
            return rlab_fail(ctx, RLAB_EINTERNAL, "node '%s': a second loss", spec->name);
        graph->loss = number;
    }
    RLAB_TRY(add_point(ctx, graph, spec->name, number, RLAB_NONE));
    for (int32_t k = 0; k < RLAB_SIDE_MAX; k++)
        if (spec->side[k] && node->side_width[k]) {
            RLAB_TRY(copy_name(ctx, node->side[k], spec->side[k]));
            RLAB_TRY(add_point(ctx, graph, spec->side[k], number, k));
        }
    *out = number;
    return RLAB_OK;
}

rlab_status
rlab_graph_alias(rlab_ctx *ctx, rlab_graph *graph, const char *name, int32_t node) {
    RLAB_TRY(still_open(ctx, graph));
    if (node < 0 || (size_t)node >= graph->nodes.len)
        return rlab_fail(ctx, RLAB_EINTERNAL, "alias '%s': node %d", name, node);
    return add_point(ctx, graph, name, node, RLAB_NONE);
}

rlab_status
rlab_graph_output(rlab_ctx *ctx, rlab_graph *graph, int32_t node) {
    RLAB_TRY(still_open(ctx, graph));
    if (node < 0 || (size_t)node >= graph->nodes.len)
        return rlab_fail(ctx, RLAB_EINTERNAL, "output: node %d", node);
    graph->nodes.at[node].output = true;
    return RLAB_OK;
}

/* Which nodes have a gradient: something to train upstream, the loss downstream. */
static void
find_grads(rlab_graph *graph) {
    rlab_node *nodes = graph->nodes.at;
    for (size_t i = 0; i < graph->nodes.len; i++) {
        bool trains = nodes[i].n_param > 0;
        for (int32_t k = 0; k < nodes[i].n_in; k++)
            trains |= nodes[nodes[i].in[k]].grads;
        nodes[i].grads = trains;
    }
    for (int32_t i = (int32_t)graph->nodes.len - 1; i >= 0; i--) {
        bool reaches = i == graph->loss;
        for (size_t j = (size_t)i + 1; j < graph->nodes.len && !reaches; j++)
            for (int32_t k = 0; k < nodes[j].n_in; k++)
                reaches |= nodes[j].grads && nodes[j].in[k] == i;
        nodes[i].grads &= reaches;
    }
}

rlab_status
rlab_graph_seal(rlab_ctx *ctx, rlab_graph *graph) {
    RLAB_TRY(still_open(ctx, graph));
    RLAB_TRY(rlab_alloc(ctx, (void **)&graph->decay, graph->size / RLAB_DECAY_BLOCK, 1));
    for (size_t i = 0; i < graph->params.len; i++) {
        const rlab_param *p = &graph->params.at[i];
        memset(graph->decay + p->offset / RLAB_DECAY_BLOCK, p->decay,
               padded(p->count) / RLAB_DECAY_BLOCK);
    }
    for (size_t i = 0; i < graph->nodes.len; i++) {
        const rlab_node *node = &graph->nodes.at[i];
        if (strcmp(node->op->name, "linear") == 0)
            graph->params.at[node->param[0]].packed = true;
        if (node->key_space == RLAB_NONE)
            continue;
        graph->pair[node->space][node->key_space] = true;
        if (node->attr.causal)
            graph->cached[node->space] = true;
        if (node->attr.causal || node->key_space != node->space)
            for (int32_t k = 1; k < node->n_in; k++)
                graph->nodes.at[node->in[k]].remembered = true;
    }
    find_grads(graph);
    graph->sealed = true;
    return RLAB_OK;
}

int32_t
rlab_graph_spaces(const rlab_graph *graph) {
    return graph->n_spaces;
}

const char *
rlab_graph_space_name(const rlab_graph *graph, int32_t space) {
    return graph->spaces[space].name;
}

int32_t
rlab_graph_indices(const rlab_graph *graph) {
    return graph->n_indices;
}

const char *
rlab_graph_index_name(const rlab_graph *graph, int32_t index) {
    return graph->indices[index].name;
}

int32_t
rlab_graph_index_space(const rlab_graph *graph, int32_t index) {
    return graph->indices[index].space;
}

const rlab_param *
rlab_graph_params(const rlab_graph *graph, int32_t *count) {
    if (count)
        *count = (int32_t)graph->params.len;
    return graph->params.at;
}

size_t
rlab_graph_size(const rlab_graph *graph) {
    return graph->size;
}

const uint8_t *
rlab_graph_decay(const rlab_graph *graph) {
    return graph->decay;
}

int32_t
rlab_graph_nodes(const rlab_graph *graph) {
    return (int32_t)graph->nodes.len;
}

int32_t
rlab_graph_points(const rlab_graph *graph) {
    return (int32_t)graph->points.len;
}

bool
rlab_graph_point(const rlab_graph *graph, int32_t number, rlab_point *out) {
    const rlab_alias_row *row;
    const rlab_node *node;
    if (number < 0 || (size_t)number >= graph->points.len)
        return false;
    row = &graph->points.at[number];
    node = &graph->nodes.at[row->node];
    out->name = row->name;
    out->node = row->node;
    out->side = row->side;
    out->space = node->space;
    out->width = row->side < 0 ? node->width : node->side_width[row->side];
    out->key_space = row->side >= 0 && node->side_cells ? node->key_space : RLAB_NONE;
    return true;
}

bool
rlab_graph_find(const rlab_graph *graph, const char *name, rlab_point *out) {
    for (int32_t i = 0; (size_t)i < graph->points.len; i++)
        if (strcmp(graph->points.at[i].name, name) == 0)
            return rlab_graph_point(graph, i, out);
    return false;
}

rlab_status
rlab_op_elementwise(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    const rlab_node *a = &graph->nodes.at[node->in[0]], *b = &graph->nodes.at[node->in[1]];
    if (a->width != b->width || a->space != node->space || b->space != node->space)
        return rlab_fail(ctx, RLAB_EINTERNAL, "node '%s': '%s' is %d wide, '%s' %d", node->name,
                         a->name, a->width, b->name, b->width);
    node->width = a->width;
    return RLAB_OK;
}

rlab_status
rlab_op_param(rlab_ctx *ctx, const rlab_graph *graph, const rlab_node *node, int32_t k,
              const char *what, int32_t rows, int32_t cols) {
    const rlab_param *p;
    if (k >= node->n_param || node->param[k] == RLAB_NONE)
        return RLAB_OK;
    p = &graph->params.at[node->param[k]];
    if (p->rows != rows || p->cols != cols)
        return rlab_fail(ctx, RLAB_EINTERNAL, "node '%s': %s '%s': expected (%d, %d), got (%d, %d)",
                         node->name, what, p->name, rows, cols, p->rows, p->cols);
    return RLAB_OK;
}

double
rlab_graph_flops(const rlab_graph *graph, const rlab_batch *batch, bool training) {
    rlab_capacity size;
    rlab_ctx quiet;
    double sum = 0;
    memset(&size, 0, sizeof size);
    rlab_ctx_init(&quiet);
    if (rlab_capacity_cover(&quiet, &size, graph, batch) != RLAB_OK)
        return 0;
    for (size_t i = 0; i < graph->nodes.len; i++) {
        const rlab_node *node = &graph->nodes.at[i];
        int32_t q = node->space, k = node->key_space == RLAB_NONE ? q : node->key_space;
        rlab_sizes s = {size.rows[q], size.rows[k], size.cells[q][k], size.longest[q],
                        size.longest[k]};
        if (!node->op->flops)
            continue;
        sum += node->op->flops(node, graph, &s, false);
        if (training && node->grads)
            sum += node->op->flops(node, graph, &s, true);
    }
    return sum;
}
