/* Running a Python Model: batches and taps from Python, logits, loss and gradients back. */
#include "python/py_model.h"

#include <string.h>

enum { TAPS_MAX = 512 };

static rlab_py_state *
state_of(PyObject *self) {
    return rlab_py_state_of_type(Py_TYPE(self));
}

/* ---- taps ------------------------------------------------------------------------------------ */

typedef struct tap_list {
    rlab_tap at[TAPS_MAX];
    int64_t fired[TAPS_MAX];
    rlab_py_tap_call calls[TAPS_MAX];
    int32_t n;
    bool edits, failed;
} tap_list;

/* Calls Python in the middle of a run, which holds the model's lock and not the GIL. The function
 * sees a copy, so that it may keep it. */
static void
call_python(void *arg, const rlab_tap *tap, float *value, int64_t rows, int32_t width,
            bool gradient) {
    rlab_py_tap_call *call = arg;
    npy_intp shape[2] = {(npy_intp)rows, width};
    PyGILState_STATE gil;
    PyObject *array, *result = NULL;
    (void)tap;
    if (*call->failed)
        return;
    gil = PyGILState_Ensure();
    call->model->caller = PyThread_get_thread_ident();
    if ((array = PyArray_SimpleNew(2, shape, NPY_FLOAT32))) {
        size_t bytes = (size_t)rows * (size_t)width * sizeof *value;
        memcpy(PyArray_DATA((PyArrayObject *)array), value, bytes);
        result = PyObject_CallFunctionObjArgs(call->function, array, gradient ? Py_True : Py_False,
                                              NULL);
        if (result)
            memcpy(value, PyArray_DATA((PyArrayObject *)array), bytes);
    }
    if (!result) {
        *call->failed = true;
        PyErr_Fetch(&call->model->error[0], &call->model->error[1], &call->model->error[2]);
    }
    Py_XDECREF(result);
    Py_XDECREF(array);
    call->model->caller = 0;
    PyGILState_Release(gil);
}

/* Floats a tap's buffer must have. */
static int64_t
tap_floats(const rlab_point *point, const rlab_capacity *size) {
    int64_t n = point->key_space < 0 ? size->rows[point->space]
                                     : size->cells[point->space][point->key_space];
    return n * point->width;
}

static const struct {
    const char *name;
    rlab_tap_kind kind;
} tap_kinds[] = {{"read", RLAB_TAP_READ},   {"replace", RLAB_TAP_REPLACE}, {"fill", RLAB_TAP_FILL},
                 {"scale", RLAB_TAP_SCALE}, {"grad", RLAB_TAP_GRAD},       {"call", RLAB_TAP_CALL}};

static int
parse_kind(rlab_py_state *state, rlab_tap *tap, const char *name, const char *kind) {
    for (size_t i = 0; i < sizeof tap_kinds / sizeof *tap_kinds; i++)
        if (strcmp(kind, tap_kinds[i].name) == 0) {
            tap->kind = tap_kinds[i].kind;
            return 0;
        }
    PyErr_Format(state->exceptions[RLAB_EVALUE],
                 "tap on '%s': expected read, replace, fill, scale, grad or call, got '%.40s'",
                 name, kind);
    return -1;
}

/* The array of a tap that reads or writes one. */
static int
parse_buffer(rlab_py_state *state, rlab_tap *tap, const char *name, PyObject *payload,
             int64_t floats) {
    PyArrayObject *array;
    bool written = tap->kind == RLAB_TAP_READ || tap->kind == RLAB_TAP_GRAD;
    if (!(array = rlab_py_array(state, payload, "array of a tap", NPY_FLOAT32, -1)))
        return -1;
    if (PyArray_SIZE(array) != floats) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "tap on '%s': expected %lld floats, got %zd",
                     name, (long long)floats, PyArray_SIZE(array));
        return -1;
    }
    if (written && !PyArray_ISWRITEABLE(array)) {
        PyErr_Format(state->exceptions[RLAB_ETYPE], "tap on '%s': the array cannot be written",
                     name);
        return -1;
    }
    tap->buffer = PyArray_DATA(array);
    return 0;
}

int
rlab_py_parse_tap(py_model *self, rlab_tap *tap, rlab_py_tap_call *call, PyObject *tuple,
                  const rlab_capacity *size) {
    rlab_py_state *state = state_of((PyObject *)self);
    const char *name, *kind;
    PyObject *payload, *where = Py_None;
    PyArrayObject *array;
    rlab_point point;
    int first = 0, last = 0;
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(state->exceptions[RLAB_ETYPE],
                        "taps: expected tuples (name, kind, payload, first, last, rows)");
        return -1;
    }
    if (!PyArg_ParseTuple(tuple, "ssO|iiO:tap", &name, &kind, &payload, &first, &last, &where))
        return -1;
    if (!rlab_graph_find(self->model->graph, name, &point)) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "taps: no point '%.90s'; Model.points() lists them", name);
        return -1;
    }
    tap->node = point.node;
    tap->side = point.side;
    tap->first = first;
    tap->last = last;
    if (where != Py_None) {
        if (!(array = rlab_py_array(state, where, "rows of a tap", NPY_UINT8, 1)))
            return -1;
        if (PyArray_SIZE(array) != size->rows[point.space]) {
            PyErr_Format(state->exceptions[RLAB_EVALUE], "tap on '%s': expected %lld rows, got %zd",
                         name, (long long)size->rows[point.space], PyArray_SIZE(array));
            return -1;
        }
        tap->rows = PyArray_DATA(array);
    }
    if (parse_kind(state, tap, name, kind) < 0)
        return -1;
    if (tap->kind == RLAB_TAP_SCALE) {
        double factor = PyFloat_AsDouble(payload);
        if (factor == -1 && PyErr_Occurred())
            return -1;
        tap->factor = (float)factor;
        return 0;
    }
    if (tap->kind == RLAB_TAP_CALL) {
        if (!PyCallable_Check(payload)) {
            PyErr_Format(state->exceptions[RLAB_ETYPE], "tap on '%s': expected a function", name);
            return -1;
        }
        if (!call) {
            PyErr_Format(state->exceptions[RLAB_EVALUE],
                         "tap on '%s': nothing is called in a sweep", name);
            return -1;
        }
        call->model = self;
        call->function = payload;
        tap->call = call_python;
        tap->arg = call;
        return 0;
    }
    if (tap->kind == RLAB_TAP_FILL && first >= 0 && last >= 0 && last <= point.width)
        return parse_buffer(state, tap, name, payload, (last ? last : point.width) - first);
    return parse_buffer(state, tap, name, payload, tap_floats(&point, size));
}

static int
parse_taps(py_model *self, tap_list *taps, PyObject *list, const rlab_capacity *size) {
    rlab_py_state *state = state_of((PyObject *)self);
    memset(taps, 0, sizeof *taps);
    if (!list || list == Py_None)
        return 0;
    if (!PyList_Check(list) || PyList_GET_SIZE(list) > TAPS_MAX) {
        PyErr_Format(state->exceptions[RLAB_ETYPE], "taps: expected a list of at most %d tuples",
                     (int)TAPS_MAX);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        rlab_tap *tap = &taps->at[i];
        taps->calls[i].failed = &taps->failed;
        if (rlab_py_parse_tap(self, tap, &taps->calls[i], PyList_GET_ITEM(list, i), size) < 0)
            return -1;
        tap->fired = &taps->fired[i];
        taps->edits |= tap->kind != RLAB_TAP_READ; /* also GRAD: needs a gradient of its own */
        taps->n++;
    }
    return 0;
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
        RLAB_TRY(rlab_exec_allow_edits(ctx, rlab_team_exec(self->team, 0, NULL, NULL)));
    return RLAB_OK;
}

/* Runs the team; logits: (target rows, V) out, or NULL. */
static rlab_status
run_team(rlab_ctx *ctx, py_model *self, rlab_loss *loss, float *logits, bool gradients,
         const rlab_batch *batch, const rlab_run *run, int shards, bool edits, int threads) {
    const rlab_roles *roles = &self->model->roles;
    if (run->n_taps && shards > 1)
        return rlab_fail(ctx, RLAB_EVALUE, "taps: expected shards=1, got %d", shards);
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
             const rlab_batch *batch, const rlab_run *run, int shards, const tap_list *taps,
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
    tap_list taps;
    rlab_run run = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOO|$Oii:forward", (char **)names, &o[0],
                                     &o[1], &o[2], &o[3], &tap_arg, &shards, &threads) ||
        rlab_py_threads(state_of(object), threads) < 0 ||
        rlab_py_parse_batch(self, &batch, &size, o, NULL) < 0 ||
        parse_taps(self, &taps, tap_arg, &size) < 0)
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
    tap_list taps;
    rlab_run run = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOO|$OppKKOii:loss", (char **)names, &o[0],
                                     &o[1], &o[2], &o[3], &o[4], &ids, &gradients, &training, &seed,
                                     &step, &tap_arg, &shards, &threads) ||
        rlab_py_threads(state_of(object), threads) < 0 ||
        rlab_py_parse_batch(self, &batch, &size, o, ids) < 0 ||
        parse_taps(self, &taps, tap_arg, &size) < 0)
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
