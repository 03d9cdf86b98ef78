/* What the files of the tensor room share and nobody else sees: nodes, ops, graphs, calls. */
#ifndef RLAB_TENSOR_OP_H
#define RLAB_TENSOR_OP_H

#include "tensor/tensor.h"

typedef struct rlab_op rlab_op;

/* A node as it stands in a graph; built from an rlab_node_spec and its op's shape rule. */
typedef struct rlab_node {
    const rlab_op *op;
    char name[RLAB_NAME_MAX];
    char side[RLAB_SIDE_MAX][RLAB_NAME_MAX]; /* "" where the side value has no name */
    int32_t space, width;                    /* of the value */
    int32_t n_in, n_param, n_index;
    int32_t in[RLAB_NODE_IN_MAX], param[RLAB_NODE_IN_MAX], index[RLAB_NODE_IN_MAX];
    rlab_attr attr;
    /* set by the op's shape rule: */
    int32_t side_width[RLAB_SIDE_MAX]; /* floats a row (a cell); 0: no such side value */
    bool side_cells;                   /* side values are per score cell, not per row */
    bool passing[RLAB_SIDE_MAX];       /* has no buffer: the op shows it to taps on its way */
    int32_t key_space;                 /* attention: space of keys and values; else RLAB_NONE */
    bool spoils_dy;                    /* backward overwrites dy */
    bool from_value;                   /* backward reads the value, and side values only where taps
                                          may have changed it: ReLU */
    float *table;                      /* constants of the node, or NULL; freed with the graph */
    /* set by rlab_graph_output and seal: */
    bool output;
    bool remembered; /* later rows or other spaces attend to it: cached by slot while decoding */
    bool grads;      /* has a gradient: a parameter is upstream and the loss downstream */
} rlab_node;

typedef struct rlab_space_row {
    char name[RLAB_NAME_MAX];
} rlab_space_row;

typedef struct rlab_index_row {
    char name[RLAB_NAME_MAX];
    int32_t space, bound;
    rlab_index_kind kind;
} rlab_index_row;

typedef struct rlab_alias_row {
    char name[RLAB_NAME_MAX];
    int32_t node, side;
} rlab_alias_row;

/* Invariant once sealed: inputs of a node have smaller numbers than the node. */
struct rlab_graph {
    rlab_space_row spaces[RLAB_SPACES_MAX];
    rlab_index_row indices[RLAB_INDEX_MAX];
    int32_t n_spaces, n_indices;
    RLAB_VEC(rlab_param)
    params;
    RLAB_VEC(rlab_node)
    nodes;
    RLAB_VEC(rlab_alias_row)
    points;         /* every name that can be tapped */
    size_t size;    /* floats of the flat buffer */
    uint8_t *decay; /* (size / RLAB_DECAY_BLOCK,), made by seal */
    int32_t loss;   /* the loss node, or RLAB_NONE */
    bool sealed;
    bool pair[RLAB_SPACES_MAX][RLAB_SPACES_MAX]; /* some node of space q attends to space k */
    bool cached[RLAB_SPACES_MAX]; /* while decoding, rows of the space attend to rows of earlier
                                     calls */
};

/* What a query sequence of an attention node sees; rows count from the exec's first row of a space,
 * or from the first row of the cache while decoding. */
typedef struct rlab_span {
    int64_t q, k; /* first query row, first key row */
    int32_t lq, lk;
    int64_t cell; /* score cells of the sequences before */
} rlab_span;

/* What an op's forward and backward see. Only what an op asked for is set. N = rows. */
typedef struct rlab_call {
    const rlab_kernels *k;
    const rlab_node *node;
    int64_t rows;                      /* N */
    const float *x[RLAB_NODE_IN_MAX];  /* values of the inputs */
    float *y;                          /* (N, width) value */
    float *side[RLAB_SIDE_MAX];        /* (N or cells, side_width) side values; NULL: not wanted */
    const float *w[RLAB_NODE_IN_MAX];  /* parameters, NULL where left out */
    const float *wf[RLAB_NODE_IN_MAX]; /* packed for y = x w^T */
    const float *wb[RLAB_NODE_IN_MAX]; /* packed for dx = dy w */
    const int32_t *index[RLAB_NODE_IN_MAX]; /* (N,) integer inputs */
    const float *residual;                  /* linear: (N, width) added to the value, or NULL */
    /* backward */
    float *dy;                   /* (N, width) gradient of the value */
    float *dx[RLAB_NODE_IN_MAX]; /* gradients of the inputs; NULL: not wanted, or the same as dy */
    int acc[RLAB_NODE_IN_MAX];   /* 1: add to dx, 0: overwrite */
    float *dw[RLAB_NODE_IN_MAX]; /* gradients of the parameters, added to */
    bool from_value;             /* of the node, and nothing changed the value */
    bool gates;                  /* dx[0] is to be 0 where x[0] is not above 0 */
    bool gated;                  /* dy is so already */
    float loss_scale;
    rlab_loss *loss; /* forward of a loss node: added to */
    /* sequences of the node's space */
    int32_t n_seqs;
    const int64_t *off;    /* (n_seqs+1,) less off[0] is a row number */
    const int64_t *id;     /* (n_seqs,) or NULL */
    const rlab_span *span; /* (n_seqs,) attention */
    bool shared_keys;      /* several query sequences may see the same keys, some keys none */
    int64_t key_rows;      /* attention: rows of the key space */
    /* dropout */
    bool training;
    uint64_t seed, step;
    int32_t number;  /* of the node */
    float *work;     /* scratch, as large as the op's `work` says */
    bool wants_side; /* a tap looks at a side value, or backward will */
    bool edits_side; /* a tap changes a side value: call edit_side as soon as it is made */
    bool passing;    /* a tap looks at a passing side value: show all of them by edit_side */
    void (*edit_side)(const struct rlab_call *call, int32_t side, float *value);
    void *exec;
} rlab_call;

/* Sizes that flops and scratch depend on. */
typedef struct rlab_sizes {
    int64_t rows, key_rows, cells; /* of the node's space, its key space, its score cells */
    int64_t longest, key_longest;  /* rows of the longest sequence of each */
} rlab_sizes;

enum {                          /* flags of an op */
       RLAB_KEEPS_IN0 = 1 << 0, /* backward reads input 0, ... */
       RLAB_KEEPS_IN1 = 1 << 1,
       RLAB_KEEPS_IN2 = 1 << 2,
       RLAB_IS_SUM = 1 << 5,     /* value is the sum of two inputs: their gradients are its own */
       RLAB_IN_PLACE = 1 << 6,   /* value may stand where input 0 stood */
       RLAB_IS_LOSS = 1 << 7,    /* its value is a loss; takes labels */
       RLAB_EDITS_SIDE = 1 << 9, /* honours edits_side */
       RLAB_TAKES_RESIDUAL = 1 << 8, /* can add a residual on the way out */
       RLAB_GATES = 1 << 10          /* can pass its dx[0] back through a ReLU on the way out */
};

struct rlab_op {
    const char *name;
    int32_t n_in; /* inputs */
    int32_t params_least, params_most;
    int32_t n_index;
    unsigned flags;
    /* Checks inputs, parameters and attributes; sets node->width and what else is the op's to set.
     */
    rlab_status (*shape)(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node);
    void (*forward)(const rlab_call *call);
    void (*backward)(const rlab_call *call);
    /* Operations of forward; and of backward where `backward`. */
    double (*flops)(const rlab_node *node, const rlab_graph *graph, const rlab_sizes *sizes,
                    bool backward);
    /* Floats of scratch; NULL: none. */
    size_t (*work)(const rlab_node *node, const rlab_graph *graph, const rlab_sizes *sizes,
                   const rlab_kernels *k);
};

#define X(op) extern const rlab_op rlab_op_##op;
#include "tensor/ops/ops.def"
#undef X

const rlab_op *rlab_op_find(const char *name);

/* The mask of sequence r of the node: index = hash of (step, node, sequence id), elements from 0.
 */
rlab_dropout rlab_call_dropout(const rlab_call *call, int32_t r);

/* Checks for shape rules. `what` names the parameter in the message. */
rlab_status rlab_op_param(rlab_ctx *ctx, const rlab_graph *graph, const rlab_node *node, int32_t k,
                          const char *what, int32_t rows, int32_t cols);

/* The shape rule of ops that take two values of the same rows and width and give a third. */
rlab_status rlab_op_elementwise(rlab_ctx *ctx, const rlab_graph *graph, rlab_node *node);

/* ---- plan.c ---------------------------------------------------------------------------------- */

/* Where a buffer lies in the slab, and when it is in use: forward of node i is time i, backward
 * 2n-1-i. */
typedef struct rlab_place {
    size_t offset, size; /* floats */
    int32_t first, last;
} rlab_place;

/* Buffers of one layout. Values and gradients of several nodes may be one buffer: the root's. */
typedef struct rlab_layout {
    int32_t *value_root, *grad_root; /* (nodes,) */
    rlab_place *value, *grad;        /* (nodes,) valid at roots */
    rlab_place *side;                /* (nodes * RLAB_SIDE_MAX,) */
    int32_t *fused; /* (nodes,) linear: the sum it writes, or RLAB_NONE; sum: the linear */
    int32_t *gate;  /* (nodes,) ReLU: who may gate its gradient; that one: the ReLU; or RLAB_NONE */
    int8_t *acc;    /* (nodes * RLAB_NODE_IN_MAX,) 1 add, 0 overwrite, -1 nothing to do */
    size_t size;    /* floats of the slab */
    size_t work;    /* floats of scratch */
    bool keep;      /* set before planning: every value has its own buffer until the run's end */
} rlab_layout;

rlab_status rlab_layout_new(rlab_ctx *ctx, rlab_layout *layout, const rlab_graph *graph);
void rlab_layout_free(rlab_layout *layout);
/* Lays out for a capacity. training: what backward needs stays. key_rows: longest key sequence in
 * any cache. */
rlab_status rlab_layout_plan(rlab_ctx *ctx, rlab_layout *layout, const rlab_graph *graph,
                             const rlab_kernels *kernels, const rlab_capacity *capacity,
                             int64_t cache_rows, bool training, bool share);

/* ---- weights.c ------------------------------------------------------------------------------- */

struct rlab_weights {
    const rlab_graph *graph;
    const rlab_kernels *kernels;
    float *at;       /* (graph size,) */
    bool borrowed;   /* `at` is another's */
    float *packed;   /* packed copies */
    size_t *wf, *wb; /* (params,) places in packed, of parameters that are packed */
};

/* ---- exec.c, shared with cache.c and tap.c --------------------------------------------------- */

enum { RLAB_TAPPED_VALUE = 1, RLAB_TAPPED_SIDE = 2, RLAB_TAPPED_EDIT = 4, RLAB_TAPPED_PASSING = 8 };

/* Cache of one space: every remembered node has (slots, rows, width) floats. */
typedef struct rlab_cache {
    int32_t slots, rows;
    int32_t *used; /* (slots,) rows in each */
} rlab_cache;

typedef struct rlab_partial rlab_partial;

struct rlab_exec {
    const rlab_graph *graph;
    const rlab_kernels *kernels;
    bool training;
    rlab_capacity capacity;
    rlab_layout train, eval;
    float *slab, *work, *grad;
    size_t slab_size, work_size; /* floats */
    int32_t *positions[RLAB_SPACES_MAX];
    rlab_span *span[RLAB_SPACES_MAX][RLAB_SPACES_MAX];
    uint8_t *tapped;       /* (nodes,) RLAB_TAPPED_* of the taps of this run */
    bool edits;            /* gradients are not shared, so taps may change them */
    rlab_partial *partial; /* an edited run of what another exec has run; or NULL */
    /* cache */
    rlab_cache cache[RLAB_SPACES_MAX];
    float **memory; /* (nodes,) of remembered nodes */
    uint8_t *slot_seen[RLAB_SPACES_MAX];
    /* the current run */
    const rlab_weights *weights;
    rlab_batch batch;
    rlab_run run;
    bool ready; /* a training forward with labels has run: backward may follow */
    bool step;
    float loss_scale;
    int64_t rows[RLAB_SPACES_MAX];
    int64_t labels; /* labels that count */
    int64_t cells[RLAB_SPACES_MAX][RLAB_SPACES_MAX];
};

/* batch.c: checks a batch (one space, or all with only = RLAB_NONE) and sets spans and positions.
 */
rlab_status rlab_exec_bind(rlab_ctx *ctx, rlab_exec *exec, const rlab_batch *batch,
                           const rlab_run *run, int32_t only);
/* Runs nodes of one space (all with RLAB_NONE) forward; after_node, if given, follows each. */
void rlab_exec_nodes(rlab_exec *exec, int32_t only, rlab_loss *loss,
                     void (*after_node)(rlab_exec *exec, int32_t node));
float *rlab_exec_at(const rlab_exec *exec, int32_t node);
void rlab_cache_free(rlab_exec *exec);
/* Plans for a capacity and the cache that stands, and makes the slab and the scratch as large. */
rlab_status rlab_exec_plan(rlab_ctx *ctx, rlab_exec *exec, const rlab_capacity *capacity);
bool rlab_exec_loss_runs(const rlab_exec *exec);
const rlab_layout *rlab_exec_layout(const rlab_exec *exec);

/* ---- partial.c: an edited run of what `base` has run -------------------------------------------
 */

/* What a partial run does with a node: nothing, run it, or copy the base's value for a tap. */
enum { RLAB_CLEAN, RLAB_RERUN, RLAB_COPY };

/* Rows of a space, rising, from its first; at NULL: all. The value of a node has these alone. */
typedef struct rlab_rows {
    const int32_t *at; /* (n,) */
    int64_t n;
} rlab_rows;

/* Makes `exec` such a run. base keeps every value (layout.keep). */
rlab_status rlab_partial_new(rlab_ctx *ctx, rlab_exec *exec, const rlab_exec *base);
void rlab_partial_free(rlab_partial *partial);
/* After rlab_exec_reserve. */
rlab_status rlab_partial_reserve(rlab_ctx *ctx, rlab_exec *exec);
/* After rlab_exec_bind: finds which nodes up to `node`, and which of their rows, are redone: those
 * that the taps name and all that depend on them. */
void rlab_partial_mark(rlab_exec *exec, int32_t node);
int rlab_partial_redo(const rlab_exec *exec, int32_t node);
/* Of a node that is redone. */
const rlab_rows *rlab_partial_rows(const rlab_exec *exec, int32_t node);
/* Both are redone, in the same rows. */
bool rlab_partial_alike(const rlab_exec *exec, int32_t a, int32_t b);
/* Brings the inputs of node i to its rows. */
void rlab_partial_call(rlab_exec *exec, int32_t i, rlab_call *c);
/* The value of `node` at the rows of `like`, to be added to it. */
const float *rlab_partial_residual(rlab_exec *exec, int32_t node, int32_t like);
/* y = what base has of the rows of node i. */
void rlab_partial_copy(rlab_exec *exec, int32_t i, float *y);

/* ---- tap.c ----------------------------------------------------------------------------------- */

/* Checks the taps of a run and sets exec->tapped. */
rlab_status rlab_taps_check(rlab_ctx *ctx, rlab_exec *exec, const rlab_run *run);
/* Whether it acts at a row, which is place t of a sequence of `length` rows. */
bool rlab_tap_covers(const rlab_tap *tap, int64_t row, int64_t t, int64_t length);
/* Lets the taps of (node, side) act on value. */
void rlab_taps_act(const rlab_exec *exec, int32_t node, int32_t side, float *value, bool gradient);

#endif
