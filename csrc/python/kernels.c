/* The Python face of the kernels, for tests and benchmarks: _core.kernel(isa, name, *args) on NumPy
 * arrays. */
#include "python/py.h"
#include "tensor/kernel/kernel.h"

#include <string.h>

#define DIM_MAX (1 << 20) /* so that a product of three sizes cannot overflow */

/* One call: the kernels, and a cursor over the arguments. After a wrong argument an exception is
 * set, every getter gives 0 or NULL and ready() is false. */
typedef struct call {
    rlab_py_state *state;
    const rlab_kernels *k;
    const char *name;
    PyObject *args;
    Py_ssize_t at;
    PyObject *result; /* NULL for None */
    void *work;       /* freed after the call */
} call;

static PyObject *
next_arg(call *c) {
    if (PyErr_Occurred())
        return NULL;
    if (c->at >= PyTuple_GET_SIZE(c->args)) {
        PyErr_Format(c->state->exceptions[RLAB_ETYPE],
                     "kernel %s: expected more than %zd arguments", c->name, c->at);
        return NULL;
    }
    return PyTuple_GET_ITEM(c->args, c->at++);
}

/* An int in [0, max]. */
static size_t
integer(call *c, size_t max) {
    PyObject *arg = next_arg(c);
    unsigned long long value = arg ? PyLong_AsUnsignedLongLong(arg) : 0;
    if (PyErr_Occurred())
        return 0;
    if (value > max) {
        PyErr_Format(c->state->exceptions[RLAB_EVALUE],
                     "kernel %s: argument %zd: expected an int in [0, %zu], got %llu", c->name,
                     c->at, max, value);
        return 0;
    }
    return (size_t)value;
}

static size_t
dim(call *c) {
    return integer(c, DIM_MAX);
}

static float
real(call *c) {
    PyObject *arg = next_arg(c);
    return arg ? (float)PyFloat_AsDouble(arg) : 0.0f;
}

/* The data of an array of at least `need` items of this dtype; NULL for None where that is allowed.
 */
static void *
array(call *c, int dtype, size_t need, bool writable, bool optional) {
    PyObject *arg = next_arg(c);
    PyArrayObject *found;
    char name[80];
    if (!arg || (optional && arg == Py_None))
        return NULL;
    PyOS_snprintf(name, sizeof name, "kernel %s: argument %d", c->name, (int)c->at);
    found = rlab_py_array(c->state, arg, name, dtype, -1);
    if (!found)
        return NULL;
    if ((size_t)PyArray_SIZE(found) < need || (writable && !PyArray_ISWRITEABLE(found))) {
        PyErr_Format(c->state->exceptions[RLAB_EVALUE],
                     "%s: expected %sat least %zu items, got %s%zd", name,
                     writable ? "a writable array of " : "", need,
                     PyArray_ISWRITEABLE(found) ? "" : "read-only ", PyArray_SIZE(found));
        return NULL;
    }
    return PyArray_DATA(found);
}

static const float *
in(call *c, size_t need) {
    return array(c, NPY_FLOAT32, need, false, false);
}

static const float *
in_opt(call *c, size_t need) {
    return array(c, NPY_FLOAT32, need, false, true);
}

static float *
out(call *c, size_t need) {
    return array(c, NPY_FLOAT32, need, true, false);
}

static float *
out_opt(call *c, size_t need) {
    return array(c, NPY_FLOAT32, need, true, true);
}

/* n int32 in [low, high), or `other`. */
static const int32_t *
indices(call *c, size_t n, int64_t low, int64_t high, int32_t other, bool optional) {
    const int32_t *index = array(c, NPY_INT32, n, false, optional);
    for (size_t i = 0; index && i < n; i++)
        if (index[i] != other && (index[i] < low || index[i] >= high)) {
            PyErr_Format(c->state->exceptions[RLAB_EVALUE],
                         "kernel %s: argument %zd: expected items in [%lld, %lld), got %d at %zu",
                         c->name, c->at, (long long)low, (long long)high, (int)index[i], i);
            return NULL;
        }
    return index;
}

/* Distance between rows of `width` items. */
static size_t
row_step(call *c, size_t width) {
    size_t ld = dim(c);
    if (!PyErr_Occurred() && ld < width)
        PyErr_Format(c->state->exceptions[RLAB_EVALUE],
                     "kernel %s: argument %zd: expected rows at least %zu apart, got %zu", c->name,
                     c->at, width, ld);
    return ld;
}

/* Items from the first to the last of `rows` rows. */
static size_t
span(size_t rows, size_t width, size_t ld) {
    return rows && width ? (rows - 1) * ld + width : 0;
}

static float *
scratch(call *c, size_t floats) {
    rlab_ctx ctx;
    rlab_ctx_init(&ctx);
    if (!PyErr_Occurred() && rlab_alloc(&ctx, &c->work, floats, sizeof(float)) != RLAB_OK)
        rlab_py_raise(c->state, &ctx);
    return c->work;
}

static bool
ready(call *c) {
    if (!PyErr_Occurred() && c->at != PyTuple_GET_SIZE(c->args))
        PyErr_Format(c->state->exceptions[RLAB_ETYPE], "kernel %s: expected %zd arguments, got %zd",
                     c->name, c->at, PyTuple_GET_SIZE(c->args));
    return !PyErr_Occurred();
}

/* A dropout as four arguments: p, seed, index, offset. */
static rlab_dropout
dropout_of(call *c) {
    rlab_dropout d = {.stream = RLAB_STREAM_DROPOUT};
    d.p = real(c);
    d.seed = integer(c, SIZE_MAX);
    d.index = integer(c, SIZE_MAX);
    d.offset = integer(c, UINT32_MAX);
    return d;
}

/* An epilogue as arguments: bias, pre, act, gate, residual; rows of the matrices lie n apart. */
static rlab_epilogue
epilogue_of(call *c, size_t m, size_t n) {
    rlab_epilogue e = {.ldpre = n, .ldgate = n, .ldres = n};
    e.bias = in_opt(c, n);
    e.pre = out_opt(c, m * n);
    e.act = (rlab_act)integer(c, RLAB_ACT_SILU);
    e.gate = in_opt(c, m * n);
    e.residual = in_opt(c, m * n);
    return e;
}

static rlab_attention
attention_of(call *c) {
    rlab_attention t = {.group = 1};
    t.lq = dim(c), t.lk = dim(c), t.h = dim(c), t.group = dim(c), t.d = dim(c);
    if (!PyErr_Occurred() && (t.group == 0 || t.h % t.group != 0))
        PyErr_Format(c->state->exceptions[RLAB_EVALUE], "kernel %s: group must divide the heads",
                     c->name);
    t.group = t.group ? t.group : 1; /* what follows divides by it before it asks for errors */
    t.ldq = row_step(c, t.h * t.d);
    t.ldk = row_step(c, t.h / t.group * t.d);
    t.ldv = row_step(c, t.h / t.group * t.d);
    t.ldo = row_step(c, t.h * t.d);
    t.scale = real(c);
    t.causal = (int)integer(c, 1);
    t.shift = dim(c);
    t.bias = in_opt(c, t.h * t.lq * t.lk);
    t.drop = dropout_of(c);
    return t;
}

/* ---- one function a kernel: arguments in the order of kernel.h
 * -------------------------------------- */

/* trans m n k a lda b ldb accumulate c ldc bias pre act gate residual */
static void
call_gemm(call *c) {
    const size_t trans = integer(c, RLAB_TN), m = dim(c), n = dim(c), k = dim(c);
    const size_t arows = trans == RLAB_TN ? k : m, acols = trans == RLAB_TN ? m : k;
    const size_t brows = trans == RLAB_NT ? n : k, bcols = trans == RLAB_NT ? k : n;
    const size_t lda = row_step(c, acols);
    const float *a = in(c, span(arows, acols, lda));
    const size_t ldb = row_step(c, bcols);
    const float *b = in(c, span(brows, bcols, ldb));
    const int accumulate = (int)integer(c, 1);
    const size_t ldc = row_step(c, n);
    float *o = out(c, span(m, n, ldc));
    const rlab_epilogue e = epilogue_of(c, m, n);
    float *work = scratch(c, c->k->gemm_work);
    if (ready(c))
        c->k->gemm((rlab_trans)trans, m, n, k, a, lda, b, ldb, accumulate, o, ldc, &e, work);
}

/* n k -> floats */
static void
call_gemm_pack_size(call *c) {
    const size_t n = dim(c), k = dim(c);
    if (ready(c))
        c->result = PyLong_FromSize_t(c->k->gemm_pack_size(n, k));
}

/* trans_b n k ldb b packed */
static void
call_gemm_pack(call *c) {
    const size_t trans = integer(c, 1), n = dim(c), k = dim(c);
    const size_t ldb = row_step(c, trans ? k : n);
    const float *b = in(c, span(trans ? n : k, trans ? k : n, ldb));
    float *packed = out(c, c->k->gemm_pack_size(n, k));
    if (ready(c))
        c->k->gemm_pack((int)trans, n, k, b, ldb, packed);
}

/* m n k lda a packed accumulate ldc c bias pre act gate residual */
static void
call_gemm_packed(call *c) {
    const size_t m = dim(c), n = dim(c), k = dim(c), lda = row_step(c, k);
    const float *a = in(c, span(m, k, lda));
    const float *packed = in(c, c->k->gemm_pack_size(n, k));
    const int accumulate = (int)integer(c, 1);
    const size_t ldc = row_step(c, n);
    float *o = out(c, span(m, n, ldc));
    const rlab_epilogue e = epilogue_of(c, m, n);
    float *work = scratch(c, c->k->gemm_work);
    if (ready(c))
        c->k->gemm_packed(m, n, k, a, lda, packed, accumulate, o, ldc, &e, work);
}

static void
call_layernorm_fwd(call *c) {
    const size_t n = dim(c), w = dim(c);
    const float *x = in(c, n * w), *gamma = in_opt(c, w), *beta = in_opt(c, w);
    const float eps = real(c);
    float *y = out(c, n * w), *mean = out_opt(c, n), *rstd = out_opt(c, n);
    if (ready(c))
        c->k->layernorm_fwd(n, w, x, gamma, beta, eps, y, mean, rstd);
}

static void
call_layernorm_bwd(call *c) {
    const size_t n = dim(c), w = dim(c);
    const float *x = in(c, n * w), *gamma = in_opt(c, w), *mean = in(c, n), *rstd = in(c, n);
    const float *dy = in(c, n * w);
    const int acc = (int)integer(c, 1);
    float *dx = out(c, n * w), *dgamma = out_opt(c, w), *dbeta = out_opt(c, w);
    if (ready(c))
        c->k->layernorm_bwd(n, w, x, gamma, mean, rstd, dy, acc, dx, dgamma, dbeta);
}

static void
call_rmsnorm_fwd(call *c) {
    const size_t n = dim(c), w = dim(c);
    const float *x = in(c, n * w), *gamma = in_opt(c, w);
    const float eps = real(c);
    float *y = out(c, n * w), *rstd = out_opt(c, n);
    if (ready(c))
        c->k->rmsnorm_fwd(n, w, x, gamma, eps, y, rstd);
}

static void
call_rmsnorm_bwd(call *c) {
    const size_t n = dim(c), w = dim(c);
    const float *x = in(c, n * w), *gamma = in_opt(c, w), *rstd = in(c, n), *dy = in(c, n * w);
    const int acc = (int)integer(c, 1);
    float *dx = out(c, n * w), *dgamma = out_opt(c, w);
    if (ready(c))
        c->k->rmsnorm_bwd(n, w, x, gamma, rstd, dy, acc, dx, dgamma);
}

static void
call_softmax_fwd(call *c) {
    const size_t n = dim(c), w = dim(c), ldx = row_step(c, w);
    const float *x = in(c, span(n, w, ldx));
    const int32_t *len = indices(c, n, 0, (int64_t)w + 1, 0, true);
    const size_t ldy = row_step(c, w);
    float *y = out(c, span(n, w, ldy));
    if (ready(c))
        c->k->softmax_fwd(n, w, x, ldx, len, y, ldy);
}

static void
call_softmax_bwd(call *c) {
    const size_t n = dim(c), w = dim(c), ldy = row_step(c, w);
    const float *y = in(c, span(n, w, ldy)), *dy = in(c, span(n, w, ldy));
    const int acc = (int)integer(c, 1);
    float *dx = out(c, span(n, w, ldy));
    if (ready(c))
        c->k->softmax_bwd(n, w, y, ldy, dy, ldy, acc, dx, ldy);
}

/* n v ld logits labels smoothing grad_scale row_loss lddl dlogits -> (sum, count) */
static void
call_xent(call *c) {
    const size_t n = dim(c), v = dim(c), ld = row_step(c, v);
    const float *logits = in(c, span(n, v, ld));
    const int32_t *labels = indices(c, n, 0, (int64_t)v, RLAB_IGNORED_LABEL, false);
    const float smoothing = real(c), grad_scale = real(c);
    float *row_loss = out_opt(c, n);
    const size_t lddl = row_step(c, v);
    float *dlogits = out_opt(c, span(n, v, lddl));
    rlab_loss total = {0.0, 0};
    if (!ready(c))
        return;
    c->k->xent(n, v, logits, ld, labels, smoothing, grad_scale, &total, row_loss, dlogits, lddl);
    c->result = Py_BuildValue("(dL)", total.sum, (long long)total.count);
}

static void
call_act_fwd(call *c) {
    const rlab_act act = (rlab_act)integer(c, RLAB_ACT_SILU);
    const size_t n = dim(c);
    const float *x = in(c, n);
    float *y = out(c, n);
    if (ready(c))
        c->k->act_fwd(act, n, x, y);
}

static void
call_act_bwd(call *c) {
    const rlab_act act = (rlab_act)integer(c, RLAB_ACT_SILU);
    const size_t n = dim(c);
    const float *x = in(c, n), *dy = in(c, n);
    const int acc = (int)integer(c, 1);
    float *dx = out(c, n);
    if (ready(c))
        c->k->act_bwd(act, n, x, dy, acc, dx);
}

/* n p seed index offset x acc y */
static void
call_dropout(call *c) {
    const size_t n = dim(c);
    const rlab_dropout d = dropout_of(c);
    const float *x = in(c, n);
    const int acc = (int)integer(c, 1);
    float *y = out(c, n);
    if (ready(c))
        c->k->dropout(n, &d, x, acc, y);
}

#define CALL_MAP(name)                                                                             \
    static void call_##name(call *c) {                                                             \
        const size_t n = dim(c);                                                                   \
        const float *x = in(c, n);                                                                 \
        float *y = out(c, n);                                                                      \
        if (ready(c))                                                                              \
            c->k->name(n, x, y);                                                                   \
    }
CALL_MAP(exp)
CALL_MAP(tanh)
CALL_MAP(erf)
CALL_MAP(log)

#define CALL_PAIR(name)                                                                            \
    static void call_##name(call *c) {                                                             \
        const size_t n = dim(c);                                                                   \
        const float *a = in(c, n), *b = in(c, n);                                                  \
        float *y = out(c, n);                                                                      \
        if (ready(c))                                                                              \
            c->k->name(n, a, b, y);                                                                \
    }
CALL_PAIR(add)
CALL_PAIR(mul)
CALL_PAIR(muladd)

#define CALL_SCALED(name)                                                                          \
    static void call_##name(call *c) {                                                             \
        const size_t n = dim(c);                                                                   \
        const float s = real(c);                                                                   \
        const float *x = in(c, n);                                                                 \
        float *y = out(c, n);                                                                      \
        if (ready(c))                                                                              \
            c->k->name(n, s, x, y);                                                                \
    }
CALL_SCALED(scale)
CALL_SCALED(axpy)

#define CALL_SUM(name)                                                                             \
    static void call_##name(call *c) {                                                             \
        const size_t n = dim(c);                                                                   \
        const float *x = in(c, n);                                                                 \
        if (ready(c))                                                                              \
            c->result = PyFloat_FromDouble(c->k->name(n, x));                                      \
    }
CALL_SUM(sumsq)
CALL_SUM(sum)

static void
call_dot(call *c) {
    const size_t n = dim(c);
    const float *x = in(c, n), *y = in(c, n);
    if (ready(c))
        c->result = PyFloat_FromDouble(c->k->dot(n, x, y));
}

/* rounds: floating-point operations made */
static void
call_fma_peak(call *c) {
    const size_t rounds = integer(c, (size_t)1 << 40);
    float sum;
    if (ready(c))
        c->result = PyFloat_FromDouble(c->k->fma_peak(rounds, &sum));
}

static void
call_bias_bwd(call *c) {
    const size_t n = dim(c), w = dim(c), ld = row_step(c, w);
    const float *dy = in(c, span(n, w, ld));
    float *dbias = out(c, w);
    if (ready(c))
        c->k->bias_bwd(n, w, dy, ld, dbias);
}

/* n c rows table index s acc y */
static void
call_gather(call *c) {
    const size_t n = dim(c), w = dim(c), rows = dim(c);
    const float *table = in(c, rows * w);
    const int32_t *index = indices(c, n, 0, (int64_t)rows, 0, false);
    const float s = real(c);
    const int acc = (int)integer(c, 1);
    float *y = out(c, n * w);
    if (ready(c))
        c->k->gather(n, w, table, index, s, acc, y);
}

/* n c rows index s dy dtable */
static void
call_scatter_add(call *c) {
    const size_t n = dim(c), w = dim(c), rows = dim(c);
    const int32_t *index = indices(c, n, 0, (int64_t)rows, 0, false);
    const float s = real(c);
    const float *dy = in(c, n * w);
    float *dtable = out(c, rows * w);
    if (ready(c))
        c->k->scatter_add(n, w, index, s, dy, dtable);
}

/* lq lk h group d ldq ldk ldv ldo scale causal shift bias p seed index offset | q k v o probs */
static void
call_attention_fwd(call *c) {
    const rlab_attention t = attention_of(c);
    const size_t wk = t.h / t.group * t.d;
    const float *q = in(c, span(t.lq, t.h * t.d, t.ldq)), *k = in(c, span(t.lk, wk, t.ldk));
    const float *v = in(c, span(t.lk, wk, t.ldv));
    float *o = out(c, span(t.lq, t.h * t.d, t.ldo)), *probs = out_opt(c, t.h * t.lq * t.lk);
    float *work = scratch(c, c->k->attention_work(&t));
    if (ready(c))
        c->k->attention_fwd(&t, 0, t.h, q, k, v, o, probs, work);
}

/* the same with lq 1 and bias (h, lk) | q k v o */
static void
call_attention_one(call *c) {
    const rlab_attention t = attention_of(c);
    const size_t wk = t.h / t.group * t.d, width = t.h * t.d;
    const float *q = in(c, width), *k = in(c, span(t.lk, wk, t.ldk));
    const float *v = in(c, span(t.lk, wk, t.ldv));
    float *o = out(c, width);
    float *work = scratch(c, t.h * (t.lk + 16));
    if (ready(c))
        c->k->attention_one(&t, t.lk, q, k, v, o, work);
}

/* the same | q k v probs dout acc dq dk dv dbias */
static void
call_attention_bwd(call *c) {
    const rlab_attention t = attention_of(c);
    const size_t wk = t.h / t.group * t.d, pattern = t.h * t.lq * t.lk;
    const size_t nq = span(t.lq, t.h * t.d, t.ldq), no = span(t.lq, t.h * t.d, t.ldo);
    const size_t nk = span(t.lk, wk, t.ldk), nv = span(t.lk, wk, t.ldv);
    const float *q = in(c, nq), *k = in(c, nk), *v = in(c, nv), *probs = in(c, pattern);
    const float *dout = in(c, no);
    const int acc = (int)integer(c, 1);
    float *dq = out(c, nq), *dk = out(c, nk), *dv = out(c, nv), *dbias = out_opt(c, pattern);
    float *work = scratch(c, c->k->attention_work(&t));
    if (ready(c))
        c->k->attention_bwd(&t, 0, t.h, q, k, v, probs, dout, acc, dq, dk, dv, dbias, work);
}

/* n lr beta1 beta2 eps weight_decay bias1 bias2 grad_scale decay g w m v */
static void
call_adamw(call *c) {
    const size_t n = dim(c), blocks = (n + RLAB_DECAY_BLOCK - 1) / RLAB_DECAY_BLOCK;
    rlab_adamw h;
    h.lr = real(c), h.beta1 = real(c), h.beta2 = real(c), h.eps = real(c);
    h.weight_decay = real(c), h.bias1 = real(c), h.bias2 = real(c), h.grad_scale = real(c);
    const uint8_t *decay = array(c, NPY_UINT8, blocks, false, true);
    const float *g = in(c, n);
    float *w = out(c, n), *m = out(c, n), *v = out(c, n);
    if (ready(c))
        c->k->adamw(n, &h, decay, g, w, m, v);
}

static const struct {
    const char *name;
    void (*run)(call *c);
} calls[] = {
#define ROW(name) {#name, call_##name}
    ROW(gemm),          ROW(gemm_pack_size),
    ROW(gemm_pack),     ROW(gemm_packed),
    ROW(layernorm_fwd), ROW(layernorm_bwd),
    ROW(rmsnorm_fwd),   ROW(rmsnorm_bwd),
    ROW(softmax_fwd),   ROW(softmax_bwd),
    ROW(xent),          ROW(act_fwd),
    ROW(act_bwd),       ROW(add),
    ROW(mul),           ROW(muladd),
    ROW(scale),         ROW(axpy),
    ROW(dropout),       ROW(exp),
    ROW(tanh),          ROW(erf),
    ROW(log),           ROW(dot),
    ROW(sumsq),         ROW(sum),
    ROW(bias_bwd),      ROW(gather),
    ROW(scatter_add),   ROW(attention_fwd),
    ROW(attention_one), ROW(attention_bwd),
    ROW(adamw),         ROW(fma_peak),
#undef ROW
};

#define CALLS (sizeof calls / sizeof *calls)

/* The kernels of a named instruction set, "avx2" or "avx2/bfloat16", or NULL with an exception. */
static const rlab_kernels *
kernels_of(rlab_py_state *state, const char *name) {
    const rlab_kernels *k;
    const char *slash = strchr(name, '/');
    char isa[40];
    rlab_isa chosen;
    rlab_ctx ctx;
    rlab_ctx_init(&ctx);
    PyOS_snprintf(isa, sizeof isa, "%.*s", slash ? (int)(slash - name) : 39, name);
    if (slash && strcmp(slash, "/bfloat16") != 0) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "kernel: expected an instruction set, '/bfloat16' after it or nothing, got "
                     "'%.60s'",
                     name);
        return NULL;
    }
    if (rlab_isa_choose(&ctx, &chosen, isa) != RLAB_OK) {
        rlab_py_raise(state, &ctx);
        return NULL;
    }
    k = rlab_kernels_get(chosen);
    if (!k)
        PyErr_Format(state->exceptions[RLAB_EVALUE], "kernel: this build has none for %s", isa);
    return k && slash ? k->bfloat16 : k;
}

static PyObject *
run_call(call *c, void (*run)(call *)) {
    run(c);
    rlab_free(c->work);
    if (PyErr_Occurred()) {
        Py_CLEAR(c->result);
        return NULL;
    }
    if (c->result)
        return c->result;
    Py_RETURN_NONE;
}

/* kernel(isa, name, *args): runs one kernel; arguments are those of kernel.h, sizes checked. */
static PyObject *
py_kernel(PyObject *module, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of(module);
    const char *isa, *name;
    PyObject *head = PyTuple_GetSlice(args, 0, 2), *result = NULL;
    call c = {.state = state, .args = args, .at = 2};
    if (!head || !PyArg_ParseTuple(head, "ss:kernel", &isa, &name))
        goto done;
    c.k = kernels_of(state, isa);
    c.name = name;
    if (!c.k)
        goto done;
    for (size_t i = 0; i < CALLS; i++)
        if (strcmp(calls[i].name, name) == 0) {
            result = run_call(&c, calls[i].run);
            goto done;
        }
    PyErr_Format(state->exceptions[RLAB_EVALUE],
                 "kernel: expected one of _core.kernel_names(), got '%.40s'", name);
done:
    Py_XDECREF(head);
    return result;
}

static PyObject *
py_kernel_names(PyObject *module, PyObject *unused) {
    PyObject *names = PyTuple_New((Py_ssize_t)CALLS);
    (void)module;
    (void)unused;
    for (size_t i = 0; names && i < CALLS; i++) {
        PyObject *name = PyUnicode_FromString(calls[i].name);
        if (!name)
            Py_CLEAR(names);
        else
            PyTuple_SET_ITEM(names, (Py_ssize_t)i, name);
    }
    return names;
}

static PyMethodDef methods[] = {
    {"kernel", py_kernel, METH_VARARGS,
     "kernel(isa, name, *args): run one kernel of csrc/tensor/kernel/kernel.h."},
    {"kernel_names", py_kernel_names, METH_NOARGS, "kernel_names(): what kernel() runs."},
    {NULL, NULL, 0, NULL},
};

int
rlab_py_kernels_register(PyObject *module) {
    return rlab_py_add_functions(module, methods);
}
