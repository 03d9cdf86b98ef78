/* Door of the tensor room: graphs of ops over packed rows, their weights, and what runs them.
 *
 *   rlab_graph    the structure: spaces, parameters, integer inputs, nodes. Sealed, then immutable
 * and shared. rlab_weights  values of all parameters in one flat buffer, and a packed copy for the
 * kernels. rlab_exec     one shard's handle: activations, gradient buffer, key/value cache.
 * Single-threaded. rlab_team     several execs over one batch, in parallel, gradients summed in a
 * fixed order.
 *
 * Promises. Results of a sequence have the same bits whatever other sequences are in the batch.
 * Nothing allocates in forward, backward or step: rlab_exec_reserve and rlab_exec_cache do, before.
 * Gradients are added in node order, so a parameter that several nodes use gets one well-defined
 * sum. */
#ifndef RLAB_TENSOR_TENSOR_H
#define RLAB_TENSOR_TENSOR_H

#include "base/base.h"
#include "tensor/kernel/kernel.h"

enum {
    RLAB_SPACES_MAX = 4,  /* row spaces of a graph */
    RLAB_INDEX_MAX = 16,  /* integer inputs of a graph */
    RLAB_NAME_MAX = 96,   /* bytes of a name, with its 0 */
    RLAB_NODE_IN_MAX = 4, /* inputs of a node; also parameters and integer inputs of a node */
    RLAB_SIDE_MAX = 4,    /* side values of a node */
    RLAB_NONE = -1        /* no node, parameter, ... */
};

typedef struct rlab_graph rlab_graph;
typedef struct rlab_weights rlab_weights;
typedef struct rlab_exec rlab_exec;
typedef struct rlab_team rlab_team;

/* ---- parameters ----------------------------------------------------------------------------- */

/* How a parameter begins. Numbers of parameter i come from stream RLAB_STREAM_INIT, index i. */
typedef enum rlab_init {
    RLAB_INIT_ZERO,
    RLAB_INIT_ONE,
    RLAB_INIT_NORMAL, /* mean 0, standard deviation `scale` */
    RLAB_INIT_XAVIER  /* uniform in +-scale * sqrt(6 / (rows + cols)) */
} rlab_init;

/* A row of the parameter table. A vector has cols 1 and ndim 1. Linear weights are (out, in), as in
 * PyTorch. Invariant: offset is a multiple of RLAB_DECAY_BLOCK (64 bytes). */
typedef struct rlab_param {
    char name[RLAB_NAME_MAX]; /* as Hugging Face names it: "encoder.layers.0.fc1.weight" */
    int32_t ndim, rows, cols;
    size_t offset, count; /* floats: place in the flat buffer; rows * cols */
    rlab_init init;
    float scale;
    bool decay;  /* weight decay applies: matrices and embeddings, not biases and norms */
    bool packed; /* used as a linear weight: a packed copy is kept */
} rlab_param;

/* ---- building a graph ----------------------------------------------------------------------- */

/* What an integer input holds; decides how it is checked and what NULL means. */
typedef enum rlab_index_kind {
    RLAB_INDEX_TOKEN,    /* in [0, bound); must be given */
    RLAB_INDEX_POSITION, /* in [0, bound); NULL: place in the sequence, counted on from the cache */
    RLAB_INDEX_SPREAD, /* in [0, bound); NULL: as many rising numbers of [0, bound) as the sequence
                          has rows: drawn in training, evenly spread else */
    RLAB_INDEX_LABEL   /* in [0, bound) or RLAB_IGNORED_LABEL; NULL: the loss node does not run */
} rlab_index_kind;

/* Settings of a node; an op reads the ones it documents. */
typedef struct rlab_attr {
    int32_t width;    /* of the output, where the op cannot tell */
    int32_t heads;    /* query heads */
    int32_t kv_heads; /* key/value heads; 0: as many as heads */
    bool causal;
    rlab_act act;
    float scale;     /* embed, scale: factor; attention: of the scores, 0: 1/sqrt(head width) */
    float eps;       /* norms */
    float p;         /* dropout probability */
    float smoothing; /* label smoothing */
    bool alibi;      /* attention: scores fall with distance, see attention.c */
    int32_t reach;   /* attention with a table of distances: where its last bucket begins */
} rlab_attr;

/* What rlab_graph_node wants. Unused entries are 0; the counts say how many are used. */
typedef struct rlab_node_spec {
    const char *op;   /* a name of ops.def */
    const char *name; /* TransformerLens name of the value: "encoder_blocks.0.attn.hook_q" */
    int32_t space;    /* rows of the value */
    int32_t n_in, n_param, n_index;
    int32_t in[RLAB_NODE_IN_MAX]; /* nodes */
    int32_t
        param[RLAB_NODE_IN_MAX]; /* parameters, RLAB_NONE where the op allows to leave one out */
    int32_t index[RLAB_NODE_IN_MAX]; /* integer inputs */
    const char *side[RLAB_SIDE_MAX]; /* names of side values ("...attn.hook_pattern"), or NULL */
    rlab_attr attr;
} rlab_node_spec;

rlab_status rlab_graph_new(rlab_ctx *ctx, rlab_graph **out);
void rlab_graph_free(rlab_graph *graph);

/* Each adds a row and gives its number. Names must be new. */
rlab_status rlab_graph_space(rlab_ctx *ctx, int32_t *out, rlab_graph *graph, const char *name);
rlab_status rlab_graph_index(rlab_ctx *ctx, int32_t *out, rlab_graph *graph, const char *name,
                             int32_t space, rlab_index_kind kind, int32_t bound);
/* cols 0 makes a vector of `rows`. */
rlab_status rlab_graph_param(rlab_ctx *ctx, int32_t *out, rlab_graph *graph, const char *name,
                             int32_t rows, int32_t cols, rlab_init init, float scale, bool decay);
rlab_status rlab_graph_node(rlab_ctx *ctx, int32_t *out, rlab_graph *graph,
                            const rlab_node_spec *spec);
/* A second name for a node: "encoder_blocks.1.hook_resid_pre". */
rlab_status rlab_graph_alias(rlab_ctx *ctx, rlab_graph *graph, const char *name, int32_t node);
/* The node's value can be read after a run (rlab_exec_value). */
rlab_status rlab_graph_output(rlab_ctx *ctx, rlab_graph *graph, int32_t node);
/* Ends building. At most one node may be a loss. */
rlab_status rlab_graph_seal(rlab_ctx *ctx, rlab_graph *graph);

/* ---- asking a graph ------------------------------------------------------------------------- */

int32_t rlab_graph_spaces(const rlab_graph *graph);
const char *rlab_graph_space_name(const rlab_graph *graph, int32_t space);
int32_t rlab_graph_indices(const rlab_graph *graph);
const char *rlab_graph_index_name(const rlab_graph *graph, int32_t index);
int32_t rlab_graph_index_space(const rlab_graph *graph, int32_t index);
/* The parameter table (count rows, in the order they were added). */
const rlab_param *rlab_graph_params(const rlab_graph *graph, int32_t *count);
/* Floats of the flat buffers, with padding; a multiple of RLAB_DECAY_BLOCK. Padding is always 0. */
size_t rlab_graph_size(const rlab_graph *graph);
/* (rlab_graph_size / RLAB_DECAY_BLOCK,) what rlab_kernels.adamw wants. */
const uint8_t *rlab_graph_decay(const rlab_graph *graph);
int32_t rlab_graph_nodes(const rlab_graph *graph);

/* What can be tapped: the value of a node, or a side value of it. */
typedef struct rlab_point {
    const char *name;
    int32_t node, side;   /* side -1: the value */
    int32_t space, width; /* rows, floats a row; of a pattern: query space, heads */
    int32_t key_space;    /* of a pattern (cells, not rows): the key space; else RLAB_NONE */
} rlab_point;
/* Points by number (values, side values and aliases) and by name; false when there is none. */
int32_t rlab_graph_points(const rlab_graph *graph);
bool rlab_graph_point(const rlab_graph *graph, int32_t number, rlab_point *out);
bool rlab_graph_find(const rlab_graph *graph, const char *name, rlab_point *out);

/* ---- what a run works on -------------------------------------------------------------------- */

/* The sequences of one space. Row t of sequence r is row off[r] + t of every integer input of the
 * space; off[0] need not be 0, so a part of a batch is the same arrays with off, id, slot, to moved
 * on. */
typedef struct rlab_extent {
    int32_t n_seqs;     /* R */
    const int64_t *off; /* (R+1,) never falling */
    const int64_t
        *id; /* (R,) what dropout calls each sequence; NULL: 0 .. R-1 from the first one's */
    const int32_t *slot; /* (R,) step only: its cache slot, no slot twice */
    const int32_t *to; /* (R,) the sequence of the other space it attends to: in forward its number,
                          in step its slot. NULL: number r, or the same slot */
    const int32_t *reach; /* (R,) step only: rows the sequence may come to have, over which
                             RLAB_INDEX_SPREAD spreads; NULL: what its slot has room for */
} rlab_extent;

typedef struct rlab_batch {
    rlab_extent space[RLAB_SPACES_MAX];   /* by number */
    const int32_t *index[RLAB_INDEX_MAX]; /* by number; (rows,) or NULL, see rlab_index_kind */
} rlab_batch;

/* Room that an exec has. Score cells of (query space, key space): sum over sequences of query rows
 * x key rows, for the pairs that attend. */
typedef struct rlab_capacity {
    int64_t rows[RLAB_SPACES_MAX];
    int64_t seqs[RLAB_SPACES_MAX];
    int64_t longest[RLAB_SPACES_MAX]; /* rows of one sequence */
    int64_t cells[RLAB_SPACES_MAX][RLAB_SPACES_MAX];
} rlab_capacity;

/* Raises `capacity` to what `batch` needs; call it over many batches to get room for all. Checks
 * the offsets, not the integer inputs. */
rlab_status rlab_capacity_cover(rlab_ctx *ctx, rlab_capacity *capacity, const rlab_graph *graph,
                                const rlab_batch *batch);

/* ---- taps ----------------------------------------------------------------------------------- */

typedef enum rlab_tap_kind {
    RLAB_TAP_READ,    /* buffer = value */
    RLAB_TAP_REPLACE, /* value = buffer; its gradient becomes 0 */
    RLAB_TAP_FILL,    /* every row it covers = buffer, one row; its gradient becomes 0 */
    RLAB_TAP_SCALE,   /* value *= factor; so does its gradient */
    RLAB_TAP_GRAD,    /* buffer = the gradient of the loss in the value, in training */
    RLAB_TAP_CALL     /* call(arg, tap, value, rows, width), which may change the value */
} rlab_tap_kind;

typedef struct rlab_tap rlab_tap;
/* value (rows, width) of this exec's rows; of a pattern: rows = cells, width = heads, sequence by
 * sequence (head, query, key). gradient: false after forward, true before the node's backward. */
typedef void rlab_tap_fn(void *arg, const rlab_tap *tap, float *value, int64_t rows, int32_t width,
                         bool gradient);

/* Something to do at a point of the graph. Several taps of a point act in list order. */
struct rlab_tap {
    int32_t node, side; /* of an rlab_point */
    rlab_tap_kind kind;
    int32_t first, last; /* columns [first, last) (of a pattern: heads); last 0: to the end */
    const uint8_t
        *rows; /* by row off[r] + t as in rlab_extent: nonzero where it acts; NULL: everywhere */
    const int32_t *places; /* (n_places,) places of every sequence where it acts, negative ones from
                              the end; while decoding, counted on from the cache; NULL: all */
    int32_t n_places;
    float *buffer; /* READ, REPLACE, GRAD: (rows, width), at row off[r] + t. Of a pattern: cells of
                      this batch, sequence by sequence (head, query, key). FILL: (last - first,) */
    float factor;  /* SCALE */
    rlab_tap_fn *call; /* CALL */
    void *arg;
    int64_t *fired; /* counted up by every run in which it acts; or NULL */
};

/* ---- weights -------------------------------------------------------------------------------- */

rlab_status rlab_weights_new(rlab_ctx *ctx, rlab_weights **out, const rlab_graph *graph,
                             const rlab_kernels *kernels);
/* The same values, which stay `of`'s and must outlive it, with packed copies for other kernels. */
rlab_status rlab_weights_view(rlab_ctx *ctx, rlab_weights **out, rlab_weights *of,
                              const rlab_kernels *kernels);
void rlab_weights_free(rlab_weights *weights);
/* The flat buffer (rlab_graph_size floats). Whoever changes it calls rlab_weights_pack before the
 * next run. */
float *rlab_weights_at(rlab_weights *weights);
/* Fills the buffer by each parameter's rule, and packs. */
void rlab_weights_init(rlab_weights *weights, uint64_t seed);
/* Remakes the packed copy that all shards share; once a step, outside parallel regions. */
void rlab_weights_pack(rlab_weights *weights, int threads);

/* ---- one shard ------------------------------------------------------------------------------ */

/* How to run. */
typedef struct rlab_run {
    bool training; /* dropout acts and values are kept for backward */
    uint64_t seed,
        step; /* of dropout: its mask is a function of (seed, step, node, sequence id, element) */
    double
        loss_scale;  /* gradients are of loss_scale * sum of the labels' losses; 0: of their mean */
    float smoothing; /* label smoothing of the loss, in [0, 1); 0: the loss node's own */
    const rlab_tap *taps; /* (n_taps,) or NULL */
    int32_t n_taps;
} rlab_run;

/* `training`: with room for backward and a gradient buffer. */
rlab_status rlab_exec_new(rlab_ctx *ctx, rlab_exec **out, const rlab_graph *graph,
                          const rlab_kernels *kernels, bool training);
void rlab_exec_free(rlab_exec *exec);
/* Makes room for at least `capacity`; never shrinks. Not in a parallel region. */
rlab_status rlab_exec_reserve(rlab_ctx *ctx, rlab_exec *exec, const rlab_capacity *capacity);
/* From now on taps may change values in training too: plans without shared gradients, which takes a
 * little more room. Not in a parallel region. */
rlab_status rlab_exec_allow_edits(rlab_ctx *ctx, rlab_exec *exec);
/* Bytes of activations (also scratch, gradients and cache). */
size_t rlab_exec_bytes(const rlab_exec *exec);

/* Runs every node. Checks the batch first (offsets, token ranges, capacity) and fails before
 * anything is computed. loss: out, of this batch's labels; zero without labels; may be NULL. */
rlab_status rlab_exec_forward(rlab_ctx *ctx, rlab_loss *loss, rlab_exec *exec,
                              const rlab_weights *weights, const rlab_batch *batch,
                              const rlab_run *run);
/* After a forward with training on and labels: adds the gradient to the exec's gradient buffer.
 * The arrays of that batch and run must still be there. */
rlab_status rlab_exec_backward(rlab_ctx *ctx, rlab_exec *exec);
/* The gradient buffer (rlab_graph_size floats); NULL without training. */
float *rlab_exec_grad(rlab_exec *exec);
void rlab_exec_zero_grad(rlab_exec *exec);
/* Value of an output node after forward or step: (rows, width); rows and width may be NULL. */
const float *rlab_exec_value(const rlab_exec *exec, int32_t node, int64_t *rows, int32_t *width);

/* ---- decoding: one space at a time, with a cache by slot ------------------------------------ */

/* Gives every space `slots[space]` cache slots of up to `rows[space]` rows; what was cached is
 * lost. A node caches what later rows or other spaces will attend to. Call again to change the
 * sizes. */
rlab_status rlab_exec_cache(rlab_ctx *ctx, rlab_exec *exec, const int32_t slots[RLAB_SPACES_MAX],
                            const int32_t rows[RLAB_SPACES_MAX]);
/* Runs the nodes of one space on the new rows of batch->space[space] (one a sequence while
 * decoding, a whole source or prompt at once otherwise), appends to each sequence's slot, attends
 * to what the slots hold. Sequences may come and go between calls. Only READ, REPLACE, SCALE and
 * CALL taps of this space act. */
rlab_status rlab_exec_step(rlab_ctx *ctx, rlab_exec *exec, const rlab_weights *weights,
                           int32_t space, const rlab_batch *batch, const rlab_run *run);
/* Slots of a space; rows in a slot; emptying it; copying one to another (beams). slot in range. */
int32_t rlab_exec_slots(const rlab_exec *exec, int32_t space);
int32_t rlab_exec_slot_rows(const rlab_exec *exec, int32_t space, int32_t slot);
void rlab_exec_slot_reset(rlab_exec *exec, int32_t space, int32_t slot);
void rlab_exec_slot_copy(rlab_exec *exec, int32_t space, int32_t from, int32_t to);

/* ---- several shards ------------------------------------------------------------------------- */

/* `shards` execs. The number of shards is part of the result; the number of threads is not. */
rlab_status rlab_team_new(rlab_ctx *ctx, rlab_team **out, const rlab_graph *graph,
                          const rlab_kernels *kernels, int32_t shards, bool training);
/* One for training alone: shards take turns on as many execs as there are threads, so that neither
 * activations nor gradients of all are held at once. The same results; no exec can be asked for. */
rlab_status rlab_team_new_turns(rlab_ctx *ctx, rlab_team **out, const rlab_graph *graph,
                                const rlab_kernels *kernels, int32_t shards);
void rlab_team_free(rlab_team *team);
/* As rlab_exec_allow_edits, of every shard. */
rlab_status rlab_team_allow_edits(rlab_ctx *ctx, rlab_team *team);
/* Room for this whole batch cut as rlab_team_run cuts it. */
rlab_status rlab_team_reserve(rlab_ctx *ctx, rlab_team *team, const rlab_batch *batch);
/* Cuts the batch after whole sequences into shards of about equal rows (sequence r of every space
 * goes together: every space has the same R and no `to`), runs them, and adds losses and gradients
 * in shard order. Grows capacity where needed. grad: out (rlab_graph_size floats), overwritten, the
 * gradient of the mean over all labels (run->loss_scale 0) ; NULL: forward only. Weights must be
 * packed. Taps act in every shard, rows and buffers being those of the whole batch; CALL taps want
 * one shard. */
rlab_status rlab_team_run(rlab_ctx *ctx, rlab_loss *loss, float *grad, rlab_team *team,
                          const rlab_weights *weights, const rlab_batch *batch, const rlab_run *run,
                          int threads);
/* The exec of a shard, and its first sequence and number of sequences in the last batch. */
rlab_exec *rlab_team_exec(rlab_team *team, int32_t shard, int32_t *first, int32_t *count);
int32_t rlab_team_shards(const rlab_team *team);
size_t rlab_team_bytes(const rlab_team *team);

/* ---- many edited runs of one batch ---------------------------------------------------------- */

typedef struct rlab_sweep rlab_sweep;

/* One intervention: taps that act together. READ, CALL and GRAD taps are refused, and REPLACE of a
 * pattern; a tap from which no path leads to `node` is an error. */
typedef struct rlab_edit {
    const rlab_tap *taps;
    int32_t n_taps;
} rlab_edit;

/* What is kept of every edited run, a row of `node` (logits) each, (n_edits, rows); NULL: not
 * wanted. loss: -log of the softmax at `labels`, 0 where ignored; other_loss the same at `others`;
 * choice: the largest. */
typedef struct rlab_sweep_out {
    const int32_t *labels, *others; /* (rows,) */
    float *loss, *other_loss;
    int32_t *choice;
} rlab_sweep_out;

rlab_status rlab_sweep_new(rlab_ctx *ctx, rlab_sweep **out, const rlab_graph *graph,
                           const rlab_kernels *kernels, int threads);
void rlab_sweep_free(rlab_sweep *sweep);
/* Runs the batch as it is (row 0 of the outputs), then under each edit (rows 1 to n_edits), without
 * training. Blocks of sequences go to the threads; in a block, an edited run starts from the values
 * of the plain one and redoes only what comes after its taps. Weights must be packed. */
rlab_status rlab_sweep_run(rlab_ctx *ctx, const rlab_sweep_out *out, rlab_sweep *sweep,
                           const rlab_weights *weights, const rlab_batch *batch, int32_t node,
                           const rlab_edit *edits, int32_t n_edits);

/* ---- counting ------------------------------------------------------------------------------- */

/* Floating-point operations (a multiply and an add are two) of one forward, or of forward and
 * backward. */
double rlab_graph_flops(const rlab_graph *graph, const rlab_batch *batch, bool training);

/* Names of the ops (ops.def), for tests and error messages; NULL past the end. */
const char *rlab_op_name(int32_t number);

#endif
