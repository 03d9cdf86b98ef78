/* Running a Python Model: batches and taps from Python, logits, loss and gradients back. */
#include "python/py_model.h"

#include <string.h>

static rlab_py_state *
state_of(PyObject *self) {
    return rlab_py_state_of_type(Py_TYPE(self));
}

/* ---- running --------------------------------------------------------------------------------- */

int
rlab_py_parse_batch(py_model *self, rlab_batch *batch, rlab_capacity *size, PyObject *const o[5],
                    PyObject *ids) {
    static const char *const names[5] = {"source", "source_offsets", "target", "target_offsets",
                                         "labels"};
    rlab_py_state *state = state_of((PyObject *)self);
    const bool one = self->model->roles.source == RLAB_NONE;
    PyArrayObject *a[6] = {NULL};
    rlab_ctx ctx;
    npy_intp n;
    if (one != (o[0] == Py_None) || one != (o[1] == Py_None)) {
        PyErr_Format(state->exceptions[RLAB_ETYPE], "source, source_offsets: expected %s",
                     one ? "None: the model reads one sequence, as target" : "arrays");
        return -1;
    }
    for (int i = one ? 2 : 0; i < 5; i++) {
        if (i == 4 && (!o[i] || o[i] == Py_None))
            break;
        a[i] = rlab_py_array(state, o[i], names[i], i % 2 ? NPY_INT64 : NPY_INT32, 1);
        if (!a[i])
            return -1;
    }
    if ((!one && rlab_py_check_offsets(state, a[1], names[1], PyArray_SIZE(a[0])) < 0) ||
        rlab_py_check_offsets(state, a[3], names[3], PyArray_SIZE(a[2])) < 0)
        return -1;
    n = PyArray_SIZE(a[one ? 3 : 1]) - 1;
    if (ids && ids != Py_None && !(a[5] = rlab_py_array(state, ids, "ids", NPY_INT64, 1)))
        return -1;
    if (PyArray_SIZE(a[3]) - 1 != n || n > INT32_MAX || (a[5] && PyArray_SIZE(a[5]) != n) ||
        (a[4] && PyArray_SIZE(a[4]) != PyArray_SIZE(a[2]))) {
        PyErr_Format(
            state->exceptions[RLAB_EVALUE],
            "batch: expected as many targets as sources (%zd), and a label for each of %zd "
            "target tokens; got %zd targets and %zd labels",
            n, PyArray_SIZE(a[2]), PyArray_SIZE(a[3]) - 1, a[4] ? PyArray_SIZE(a[4]) : 0);
        return -1;
    }
    rlab_model_batch(batch, self->model, (int32_t)n, one ? NULL : PyArray_DATA(a[1]),
                     one ? NULL : PyArray_DATA(a[0]), PyArray_DATA(a[3]), PyArray_DATA(a[2]),
                     a[4] ? PyArray_DATA(a[4]) : NULL, a[5] ? PyArray_DATA(a[5]) : NULL);
    memset(size, 0, sizeof *size);
    rlab_ctx_init(&ctx);
    if (rlab_capacity_cover(&ctx, size, self->model->graph, batch) != RLAB_OK) {
        rlab_py_raise(state, &ctx);
        return -1;
    }
    return 0;
}

static rlab_status
want_team(rlab_ctx *ctx, py_model *self, int32_t shards, bool edits) {
    if (!self->team || self->shards != shards) {
        rlab_team_free(self->team);
        self->team = NULL;
        RLAB_TRY(rlab_team_new(ctx, &self->team, self->model->graph, self->model->kernels, shards,
                               true));
        self->shards = shards;
    }
    if (edits)
        RLAB_TRY(rlab_team_allow_edits(ctx, self->team));
    return RLAB_OK;
}

/* Runs the team; logits: (target rows, V) out, or NULL. */
static rlab_status
run_team(rlab_ctx *ctx, py_model *self, rlab_loss *loss, float *logits, bool gradients,
         const rlab_batch *batch, const rlab_run *run, int shards, bool edits, int threads) {
    const rlab_roles *roles = &self->model->roles;
    RLAB_TRY(want_team(ctx, self, shards, edits && run->training));
    rlab_weights_pack(self->model->weights, threads);
    RLAB_TRY(rlab_team_run(ctx, loss, gradients ? self->grad : NULL, self->team,
                           self->model->weights, batch, run, threads));
    for (int32_t s = 0; logits && s < shards; s++) {
        const rlab_exec *exec = rlab_team_exec(self->team, s, NULL, NULL);
        int64_t rows;
        int32_t width;
        const float *from = rlab_exec_value(exec, roles->logits, &rows, &width);
        memcpy(logits, from, (size_t)rows * (size_t)width * sizeof *logits);
        logits += rows * width;
    }
    return RLAB_OK;
}

/* Locks, leaves Python, runs, comes back, and says which taps did not act. */
static int
run_unlocked(py_model *self, rlab_loss *loss, float *logits, bool gradients,
             const rlab_batch *batch, const rlab_run *run, int shards, const rlab_py_taps *taps,
             int threads) {
    rlab_py_state *state = state_of((PyObject *)self);
    rlab_ctx ctx;
    rlab_py_ctx_init(&ctx);
    if (rlab_py_model_lock((PyObject *)self) < 0)
        return -1;
    Py_BEGIN_ALLOW_THREADS;
    run_team(&ctx, self, loss, logits, gradients, batch, run, shards, taps->edits, threads);
    Py_END_ALLOW_THREADS;
    rlab_py_model_unlock((PyObject *)self);
    if (taps->failed) {
        PyErr_Restore(self->error[0], self->error[1], self->error[2]);
        return -1;
    }
    if (ctx.status != RLAB_OK) {
        rlab_py_raise(state, &ctx);
        return -1;
    }
    for (int32_t i = 0; i < taps->n; i++)
        if (!taps->fired[i]) {
            PyErr_Format(state->exceptions[RLAB_EVALUE],
                         "taps: number %d did not act: the run does not come by its point", (int)i);
            return -1;
        }
    return 0;
}

PyObject *
rlab_py_model_forward(PyObject *object, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"source", "source_offsets", "target",  "target_offsets",
                                        "taps",   "shards",         "threads", NULL};
    py_model *self = (py_model *)object;
    PyObject *o[5] = {NULL}, *tap_arg = NULL, *out;
    int shards = 1, threads = 1;
    npy_intp shape[2];
    rlab_batch batch;
    rlab_capacity size;
    rlab_py_taps taps;
    rlab_run run = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOO|$Oii:forward", (char **)names, &o[0],
                                     &o[1], &o[2], &o[3], &tap_arg, &shards, &threads) ||
        rlab_py_threads(state_of(object), threads) < 0 ||
        rlab_py_parse_batch(self, &batch, &size, o, NULL) < 0 ||
        rlab_py_parse_taps(self, &taps, tap_arg, &size) < 0)
        return NULL;
    run.taps = taps.at;
    run.n_taps = taps.n;
    shape[0] = PyArray_SIZE((PyArrayObject *)o[2]);
    shape[1] = self->model->roles.vocab_size;
    out = PyArray_SimpleNew(2, shape, NPY_FLOAT32);
    if (out && run_unlocked(self, NULL, PyArray_DATA((PyArrayObject *)out), false, &batch, &run,
                            shards, &taps, threads) < 0)
        Py_CLEAR(out);
    return out;
}

PyObject *
rlab_py_model_loss(PyObject *object, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {
        "source",   "source_offsets", "target", "target_offsets", "labels", "ids",     "gradients",
        "training", "seed",           "step",   "taps",           "shards", "threads", NULL};
    py_model *self = (py_model *)object;
    PyObject *o[5] = {NULL}, *ids = NULL, *tap_arg = NULL;
    int gradients = 1, training = 1, shards = 1, threads = 1;
    unsigned long long seed = 0, step = 0;
    rlab_batch batch;
    rlab_capacity size;
    rlab_loss loss = {0, 0};
    rlab_py_taps taps;
    rlab_run run = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOO|$OppKKOii:loss", (char **)names, &o[0],
                                     &o[1], &o[2], &o[3], &o[4], &ids, &gradients, &training, &seed,
                                     &step, &tap_arg, &shards, &threads) ||
        rlab_py_threads(state_of(object), threads) < 0 ||
        rlab_py_parse_batch(self, &batch, &size, o, ids) < 0 ||
        rlab_py_parse_taps(self, &taps, tap_arg, &size) < 0)
        return NULL;
    if (gradients && !training) {
        PyErr_SetString(state_of(object)->exceptions[RLAB_EVALUE],
                        "gradients: expected training=True with gradients=True");
        return NULL;
    }
    run.training = training;
    run.seed = seed;
    run.step = step;
    run.taps = taps.at;
    run.n_taps = taps.n;
    if (run_unlocked(self, &loss, NULL, gradients, &batch, &run, shards, &taps, threads) < 0)
        return NULL;
    return Py_BuildValue("(dL)", loss.sum, (long long)loss.count);
}

PyObject *
rlab_py_model_flops(PyObject *object, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"source_offsets", "target_offsets", "training", NULL};
    py_model *self = (py_model *)object;
    rlab_py_state *state = state_of(object);
    PyObject *o[2];
    PyArrayObject *a[2];
    int training = 1;
    rlab_batch batch;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|p:flops", (char **)names, &o[0], &o[1],
                                     &training) ||
        !(a[1] = rlab_py_array(state, o[1], names[1], NPY_INT64, 1)) ||
        !(a[0] = self->model->roles.source == RLAB_NONE && o[0] == Py_None
                     ? a[1]
                     : rlab_py_array(state, o[0], names[0], NPY_INT64, 1)))
        return NULL;
    for (int i = 0; i < 2; i++) {
        npy_intp n = PyArray_SIZE(a[i]);
        const int64_t *off = PyArray_DATA(a[i]);
        if (rlab_py_check_offsets(state, a[i], names[i], n ? off[n - 1] : 0) < 0)
            return NULL;
    }
    if (PyArray_SIZE(a[0]) != PyArray_SIZE(a[1])) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "target_offsets: expected %zd, got %zd",
                     PyArray_SIZE(a[0]), PyArray_SIZE(a[1]));
        return NULL;
    }
    rlab_model_batch(&batch, self->model, (int32_t)PyArray_SIZE(a[0]) - 1, PyArray_DATA(a[0]), NULL,
                     PyArray_DATA(a[1]), NULL, NULL, NULL);
    return PyFloat_FromDouble(rlab_graph_flops(self->model->graph, &batch, training));
}
