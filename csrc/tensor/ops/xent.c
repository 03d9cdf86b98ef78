/* xent: softmax cross-entropy of logits against labels, with label smoothing; value (N, 1): loss of
 * every row. Backward makes the softmax again rather than keeping it: vocabularies are small. */
#include "tensor/op.h"

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    int32_t classes = graph->nodes.at[node->in[0]].width;
    const rlab_index_row *labels = &graph->indices[node->index[0]];
    if (labels->kind != RLAB_INDEX_LABEL || labels->bound != classes)
        return rlab_fail(ctx, RLAB_EINTERNAL, "node '%s': labels below %d, %d logits", node->name,
                         labels->bound, classes);
    if (!(node->attr.smoothing >= 0 && node->attr.smoothing < 1))
        return rlab_fail(ctx, RLAB_EVALUE,
                         "label smoothing: expected at least 0 and below 1, got %g",
                         (double)node->attr.smoothing);
    node->width = 1;
    return RLAB_OK;
}

static size_t
classes_of(const rlab_call *c) {
    const rlab_exec *exec = c->exec;
    return (size_t)exec->graph->nodes.at[c->node->in[0]].width;
}

/* Of the run where it names one, else the node's own. */
static float
smoothing_of(const rlab_call *c) {
    const rlab_exec *exec = c->exec;
    return exec->run.smoothing > 0 ? exec->run.smoothing : c->node->attr.smoothing;
}

static void
forward(const rlab_call *c) {
    size_t v = classes_of(c);
    c->k->xent((size_t)c->rows, v, c->x[0], v, c->index[0], smoothing_of(c), 0.0f, c->loss, c->y,
               NULL, 0);
}

static void
backward(const rlab_call *c) {
    size_t v = classes_of(c);
    rlab_loss again = {0, 0};
    assert(c->acc[0] == 0);
    if (c->dx[0])
        c->k->xent((size_t)c->rows, v, c->x[0], v, c->index[0], smoothing_of(c), c->loss_scale,
                   &again, NULL, c->dx[0], v);
}

const rlab_op rlab_op_xent = {
    .name = "xent",
    .n_in = 1,
    .n_index = 1,
    .flags = RLAB_KEEPS_IN0 | RLAB_IS_LOSS,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
