/* Door of the kernel room: one const table of single-threaded kernels per instruction set.
 */
#ifndef RLAB_TENSOR_KERNEL_KERNEL_H
#define RLAB_TENSOR_KERNEL_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

/*
 * What holds for every kernel here:
 *
 * - It allocates nothing, cannot fail and starts no thread. Shapes are checked by the caller; 0 is
 * a valid size everywhere. Nothing outside the stated shapes is read or written. Pointers need the
 *   alignment of a float, no more.
 * - Matrices are row-major; `ld*` is the distance between two rows, in elements.
 * - Row i of a result is a function of row i of the inputs alone (and of what is shared, such as
 *   weights): it has the same bits whatever rows or columns are computed with it, so a batch may be
 *   cut into shards anywhere. Sums over rows (weight, bias and norm gradients) go in row order.
 * - AVX2 and AVX-512 give the same bits: sums have a fixed lane layout (32 lanes, one tree),
 * whatever the vector's width. The baseline has no fused multiply-add and may differ by rounding.
 *   Products of bfloat16 have the same bits on all of them, except that AVX-512-BF16 flushes
 *   denormals to zero.
 * - Gradients of parameters (dgamma, dbias, dtable) are added to what is there. Gradients of
 * activations take `acc`: 0 overwrites, 1 adds. An output may be the same array as an input of the
 * same shape where the comment says "may alias"; otherwise arrays do not overlap.
 *
 * Letters: N rows (tokens), C width, V vocabulary, H heads, D head width, Lq and Lk query and key
 * rows.
 */

/* Which of gemm's operands are stored transposed; the letters are A's and B's. */
typedef enum rlab_trans {
    RLAB_NN, /* a (m, k), b (k, n) : forward, y = x w */
    RLAB_NT, /* a (m, k), b (n, k) : gradient of the input, dx = dy w^T */
    RLAB_TN  /* a (k, m), b (k, n) : gradient of the weight, dw = x^T dy */
} rlab_trans;

typedef enum rlab_act {
    RLAB_ACT_NONE,
    RLAB_ACT_RELU,
    RLAB_ACT_GELU,      /* x/2 (1 + erf(x / sqrt 2)) */
    RLAB_ACT_GELU_TANH, /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    RLAB_ACT_SILU       /* x / (1 + exp(-x)) */
} rlab_act;

/* What happens to a product on its way out, in this order; a NULL member is skipped. NULL for the
 * whole thing: nothing happens. t = a b (+ c when accumulating);  t += bias;  pre = t;  t = act(t);
 * t = 0 where gate is not above 0;  t += residual;  c = t */
typedef struct rlab_epilogue {
    const float *bias;     /* (n,) */
    float *pre;            /* (m, n) out: what the activation's backward wants */
    size_t ldpre;          /* elements between rows of pre */
    rlab_act act;          /* RLAB_ACT_NONE = 0 */
    const float *gate;     /* (m, n): the value of a ReLU, whose gradient the product is */
    size_t ldgate;         /* elements between rows of gate */
    const float *residual; /* (m, n), not overlapping c (to add to c itself, accumulate) */
    size_t ldres;          /* elements between rows of residual */
} rlab_epilogue;

/* Which elements are dropped: element i is kept where number offset + i of rlab_rng_init(seed,
 * stream, index), as a fraction of 2^32, is at least p; what is kept is divided by 1 - p. A
 * function of these fields and i alone, so backward passes the same struct. All zero: nothing is
 * dropped. */
typedef struct rlab_dropout {
    float p; /* in [0, 1); 0 drops nothing */
    rlab_stream stream;
    uint64_t seed;
    uint64_t index;  /* step and node, say */
    uint64_t offset; /* number of the first element, below 2^34 - n */
} rlab_dropout;

/* Attention of one sequence: shapes, strides and masks, shared by forward and backward.
 * Query row i sees key rows j < visible(i), visible(i) = causal ? min(lk, i + shift + 1) : lk; a
 * row that sees nothing gives zeros. With a key/value cache of lk rows and lq new ones, shift = lk
 * - lq. */
typedef struct rlab_attention {
    size_t lq, lk;     /* rows of the queries, of the keys and values */
    size_t h;          /* query heads */
    size_t group;      /* query heads that share a key/value head: 1, or h / (key/value heads) */
    size_t d;          /* width of a head; head i of a row begins at i * d */
    size_t ldq;        /* elements between rows of q (and dq) */
    size_t ldk;        /* ... of k (and dk) */
    size_t ldv;        /* ... of v (and dv) */
    size_t ldo;        /* ... of o (and do) */
    float scale;       /* scores are scale * q k^T + bias */
    int causal;        /* 0 or 1 */
    size_t shift;      /* see above; unused when not causal */
    const float *bias; /* (h, lq, lk) added to the scores, or NULL */
    rlab_dropout drop; /* of the probabilities; element index (head * lq + i) * lk + j */
} rlab_attention;

/* One AdamW update; `bias1 = 1 - beta1^t` and `bias2 = 1 - beta2^t` are computed by the caller in
 * double. */
typedef struct rlab_adamw {
    float lr, beta1, beta2, eps;
    float weight_decay; /* decoupled: w -= lr * weight_decay * w, where decay[] says so */
    float bias1, bias2; /* bias corrections of m and v at this step t (t = 1 first) */
    float grad_scale;   /* multiplies the gradient first: clipping, 1 for none */
} rlab_adamw;

enum {
    RLAB_DECAY_BLOCK = 16,    /* elements of the flat buffer that one decay byte speaks for */
    RLAB_IGNORED_LABEL = -100 /* a row with this label adds nothing to loss or gradient */
};

/* What rlab_xent adds up over its rows. */
typedef struct rlab_loss {
    double sum;    /* sum of the losses of rows that count, natural logarithm */
    int64_t count; /* rows that count */
} rlab_loss;

typedef struct rlab_kernels rlab_kernels;
struct rlab_kernels {
    const char *isa; /* "base", "avx2", "avx512", "avx512bf16" */
    /* The same table but for the matrix products, which round both operands to bfloat16 and add in
     * float32; arrays stay float32, packed ones too (in size). Attention's products do not round.
     * Fast where the processor has dot products of bfloat16, the same numbers elsewhere. */
    const rlab_kernels *bfloat16;

    /* ---- matrix product: c (m, n) = [c +] a b, then the epilogue ---------------------------- */

    size_t gemm_work; /* floats of scratch that gemm wants in `work`, whatever the shapes */
    /* accumulate: 1 adds to c, 0 overwrites it. e: may be NULL. */
    void (*gemm)(rlab_trans trans, size_t m, size_t n, size_t k, const float *a, size_t lda,
                 const float *b, size_t ldb, int accumulate, float *c, size_t ldc,
                 const rlab_epilogue *e, float *work);

    /* The same with b packed once beforehand (weights, once a step, shared by shards). trans_b: 0
     * for b (k, n), 1 for b (n, k). The packed array is 64-byte aligned best, of gemm_pack_size(n,
     * k) floats, and good for any m. work: gemm_work floats. Same bits as gemm. */
    size_t (*gemm_pack_size)(size_t n, size_t k);
    void (*gemm_pack)(int trans_b, size_t n, size_t k, const float *b, size_t ldb, float *packed);
    void (*gemm_packed)(size_t m, size_t n, size_t k, const float *a, size_t lda,
                        const float *packed, int accumulate, float *c, size_t ldc,
                        const rlab_epilogue *e, float *work);

    /* ---- normalisation over rows x (N, C), rows C apart ------------------------------------- */

    /* y = gamma * (x - mean) * rstd + beta; gamma, beta (C,) may be NULL (1 and 0); mean, rstd (N,)
     * out, may be NULL. */
    void (*layernorm_fwd)(size_t n, size_t c, const float *x, const float *gamma, const float *beta,
                          float eps, float *y, float *mean, float *rstd);
    /* dx (N, C) by acc; dgamma, dbeta (C,) added to, each may be NULL. dx may alias dy when acc =
     * 0. */
    void (*layernorm_bwd)(size_t n, size_t c, const float *x, const float *gamma, const float *mean,
                          const float *rstd, const float *dy, int acc, float *dx, float *dgamma,
                          float *dbeta);
    /* y = gamma * x * rstd, rstd = 1 / sqrt(mean(x^2) + eps) */
    void (*rmsnorm_fwd)(size_t n, size_t c, const float *x, const float *gamma, float eps, float *y,
                        float *rstd);
    void (*rmsnorm_bwd)(size_t n, size_t c, const float *x, const float *gamma, const float *rstd,
                        const float *dy, int acc, float *dx, float *dgamma);

    /* ---- softmax and loss ------------------------------------------------------------------- */

    /* y[i, j] = softmax over j < len[i] of x[i, :], 0 beyond; len (N,) or NULL for c. y may alias
     * x. */
    void (*softmax_fwd)(size_t n, size_t c, const float *x, size_t ldx, const int32_t *len,
                        float *y, size_t ldy);
    /* dx = y * (dy - sum_j dy y); dx may alias dy when acc = 0. */
    void (*softmax_bwd)(size_t n, size_t c, const float *y, size_t ldy, const float *dy,
                        size_t lddy, int acc, float *dx, size_t lddx);
    /* Cross-entropy of logits (N, V) against labels (N,) in [0, V) or RLAB_IGNORED_LABEL, with
     * label smoothing s: (1 - s) * -log p[label] + s * mean_v -log p[v]. total: added to. row_loss
     * (N,) out or NULL, 0 where ignored. dlogits (N, V) out or NULL: grad_scale * (p - target), 0
     * where ignored; may alias logits. */
    void (*xent)(size_t n, size_t v, const float *logits, size_t ld, const int32_t *labels,
                 float smoothing, float grad_scale, rlab_loss *total, float *row_loss,
                 float *dlogits, size_t lddl);

    /* ---- elementwise over n contiguous elements --------------------------------------------- */

    void (*act_fwd)(rlab_act act, size_t n, const float *x, float *y); /* y may alias x */
    /* dx by acc = dy * act'(x), x before the activation; dx may alias dy when acc = 0. */
    void (*act_bwd)(rlab_act act, size_t n, const float *x, const float *dy, int acc, float *dx);
    void (*add)(size_t n, const float *a, const float *b, float *y);    /* y = a + b; may alias */
    void (*mul)(size_t n, const float *a, const float *b, float *y);    /* y = a * b; may alias */
    void (*muladd)(size_t n, const float *a, const float *b, float *y); /* y += a * b */
    void (*scale)(size_t n, float s, const float *x, float *y);         /* y = s * x; may alias */
    void (*axpy)(size_t n, float s, const float *x, float *y);          /* y += s * x */
    /* y by acc = x * mask / (1 - p); also its own backward. y may alias x when acc = 0. */
    void (*dropout)(size_t n, const rlab_dropout *d, const float *x, int acc, float *y);
    /* y = f(x), may alias. Largest errors in units in the last place: exp 1.0, tanh 1.3, erf 1.2,
     * log 0.8; NaN, infinities, signed zeros and denormals as IEEE wants them. */
    void (*exp)(size_t n, const float *x, float *y);
    void (*tanh)(size_t n, const float *x, float *y);
    void (*erf)(size_t n, const float *x, float *y);
    void (*log)(size_t n, const float *x, float *y);

    /* ---- sums in a fixed order, over blocks in float and of blocks in double ------------------
     */

    double (*dot)(size_t n, const float *x, const float *y);
    double (*sumsq)(size_t n, const float *x);
    double (*sum)(size_t n, const float *x);
    /* dbias[j] += sum_i dy[i, j]; dy (N, C), rows ld apart. */
    void (*bias_bwd)(size_t n, size_t c, const float *dy, size_t ld, float *dbias);

    /* ---- embeddings: table (rows, C), index (N,) int32, each in [0, rows) ----------------------
     */

    /* y (N, C) by acc = s * table[index[i]]: tokens first, then positions with acc = 1. */
    void (*gather)(size_t n, size_t c, const float *table, const int32_t *index, float s, int acc,
                   float *y);
    /* dtable[index[i]] += s * dy[i], i ascending. */
    void (*scatter_add)(size_t n, size_t c, const int32_t *index, float s, const float *dy,
                        float *dtable);

    /* ---- attention of one sequence, heads h0 <= h < h1 ------------------------------------------
     */

    /* Floats of scratch for both directions. */
    size_t (*attention_work)(const rlab_attention *t);
    /* o (lq, h, d) out. probs (h, lq, lk) out: the pattern before dropout, 0 where masked; NULL to
     * keep none (decoding). q (lq, h, d), k and v (lk, h / group, d). */
    void (*attention_fwd)(const rlab_attention *t, size_t h0, size_t h1, const float *q,
                          const float *k, const float *v, float *o, float *probs, float *work);
    /* The same for t->lq = 1 and a row that sees all lk keys, as a step of decoding has it: nothing
     * is packed, no pattern is kept, and the bits are others. The bias of head h, if any, is row h
     * of t->bias, rows ldbias apart. work: h * (lk + 16) floats. */
    void (*attention_one)(const rlab_attention *t, size_t ldbias, const float *q, const float *k,
                          const float *v, float *o, float *work);
    /* dq, dk, dv by acc, bit for bit as if each head were added in turn: with acc = 0 a key/value
     * head is overwritten by the first query head of its group and added to by the others, so h0
     * and h1 must be multiples of group. dbias (h, lq, lk) out or NULL: gradient of the scores,
     * overwritten. */
    void (*attention_bwd)(const rlab_attention *t, size_t h0, size_t h1, const float *q,
                          const float *k, const float *v, const float *probs, const float *dout,
                          int acc, float *dq, float *dk, float *dv, float *dbias, float *work);

    /* ---- optimizer ------------------------------------------------------------------------------
     */

    /* One pass: w, m, v (n,) updated in place from gradient g (n,). decay[i / RLAB_DECAY_BLOCK] !=
     * 0 where weight decay applies; NULL: everywhere. */
    void (*adamw)(size_t n, const rlab_adamw *h, const uint8_t *decay, const float *g, float *w,
                  float *m, float *v);

    /* ---- for benchmarks -------------------------------------------------------------------- */

    /* rounds multiply-adds on every lane of enough registers to keep the processor busy; returns
     * the floating-point operations that were. sum: out, one float of no meaning. */
    double (*fma_peak)(size_t rounds, float *sum);
};

/* The table of an instruction set; NULL when this build has none (another architecture). The caller
 * has asked base whether the processor can run it. */
const rlab_kernels *rlab_kernels_get(rlab_isa isa);

#endif
