/* linear: y = act(x W^T + b), W (out, in) as PyTorch keeps it; b may be left out. A sum that
 * follows may be folded in as a residual. Side value 0, with an activation: what went into it;
 * ReLU's backward asks only whether the value is above 0, and may be done by the linear that reads
 * it. */
#include "tensor/op.h"

static rlab_status
shape(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node) {
    const rlab_param *w = &graph->params.at[node->param[0]];
    node->width = w->rows;
    if (node->attr.act != RLAB_ACT_NONE) {
        node->side_width[0] = node->width;
        node->spoils_dy = true;
        node->from_value = node->attr.act == RLAB_ACT_RELU;
    }
    RLAB_TRY(
        rlab_op_param(ctx, graph, node, 0, "weight", w->rows, graph->nodes.at[node->in[0]].width));
    return rlab_op_param(ctx, graph, node, 1, "bias", node->width, 1);
}

static size_t
in_width(const rlab_call *c) {
    const rlab_exec *exec = c->exec;
    return (size_t)exec->graph->nodes.at[c->node->in[0]].width;
}

static void
forward(const rlab_call *c) {
    size_t n = (size_t)c->rows, in = in_width(c), out = (size_t)c->node->width;
    rlab_act act = c->node->attr.act;
    bool side = act != RLAB_ACT_NONE && c->wants_side;
    rlab_epilogue e = {.bias = c->w[1], .act = act, .residual = c->residual, .ldres = out};
    if (side && c->edits_side) {
        e.act = RLAB_ACT_NONE;
        c->k->gemm_packed(n, out, in, c->x[0], in, c->wf[0], 0, c->side[0], out, &e, c->work);
        c->edit_side(c, 0, c->side[0]);
        c->k->act_fwd(act, n * out, c->side[0], c->y);
        return;
    }
    e.pre = side ? c->side[0] : NULL;
    e.ldpre = out;
    c->k->gemm_packed(n, out, in, c->x[0], in, c->wf[0], 0, c->y, out,
                      e.bias || e.pre || e.act || e.residual ? &e : NULL, c->work);
}

static void
backward(const rlab_call *c) {
    size_t n = (size_t)c->rows, in = in_width(c), out = (size_t)c->node->width;
    const rlab_epilogue gate = {.gate = c->x[0], .ldgate = in};
    if (c->node->attr.act != RLAB_ACT_NONE && !c->gated)
        c->k->act_bwd(c->node->attr.act, n * out, c->from_value ? c->y : c->side[0], c->dy, 0,
                      c->dy);
    c->k->gemm(RLAB_TN, out, in, n, c->dy, out, c->x[0], in, 1, c->dw[0], in, NULL, c->work);
    if (c->dw[1])
        c->k->bias_bwd(n, out, c->dy, out, c->dw[1]);
    if (c->dx[0])
        c->k->gemm_packed(n, in, out, c->dy, out, c->wb[0], c->acc[0], c->dx[0], in,
                          c->gates ? &gate : NULL, c->work);
}

static double
flops(const rlab_node *node, const rlab_graph *graph, const rlab_sizes *s, bool backward_too) {
    double once =
        2.0 * (double)s->rows * (double)node->width * (double)graph->nodes.at[node->in[0]].width;
    return backward_too ? 2 * once : once;
}

const rlab_op rlab_op_linear = {
    .name = "linear",
    .n_in = 1,
    .params_least = 1,
    .params_most = 2,
    .flags = RLAB_KEEPS_IN0 | RLAB_TAKES_RESIDUAL | RLAB_EDITS_SIDE | RLAB_GATES,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
