/* Sweeps of a Python Model: one batch, plain and under many lists of taps, measured row by row. */
#include "python/py_model.h"

#include <string.h>

/* The edits of a sweep; `taps` holds those of all edits end to end. */
typedef struct edit_list {
    rlab_edit *edits;
    rlab_tap *taps;
    Py_ssize_t n;
} edit_list;

static void
free_edits(edit_list *list) {
    PyMem_Free(list->edits);
    PyMem_Free(list->taps);
}

/* Number of taps in all, or -1 raised. */
static Py_ssize_t
count_taps(rlab_py_state *state, PyObject *edits) {
    Py_ssize_t count = 0;
    bool right = PyList_Check(edits) && PyList_GET_SIZE(edits) < INT32_MAX;
    for (Py_ssize_t e = 0; right && e < PyList_GET_SIZE(edits); e++) {
        PyObject *edit = PyList_GET_ITEM(edits, e);
        right = PyList_Check(edit) && PyList_GET_SIZE(edit) > 0 && PyList_GET_SIZE(edit) < 1 << 20;
        count += right ? PyList_GET_SIZE(edit) : 0;
    }
    if (right)
        return count;
    PyErr_SetString(state->exceptions[RLAB_ETYPE], "edits: expected a list of lists of taps");
    return -1;
}

static int
parse_edits(py_model *self, edit_list *out, PyObject *edits, const rlab_capacity *size) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    Py_ssize_t count = count_taps(state, edits);
    rlab_tap *tap;
    if (count < 0)
        return -1;
    out->n = PyList_GET_SIZE(edits);
    out->edits = PyMem_Calloc((size_t)out->n + 1, sizeof *out->edits);
    out->taps = PyMem_Calloc((size_t)count + 1, sizeof *out->taps);
    if (!out->edits || !out->taps) {
        PyErr_NoMemory();
        return -1;
    }
    tap = out->taps;
    for (Py_ssize_t e = 0; e < out->n; e++) {
        PyObject *edit = PyList_GET_ITEM(edits, e);
        out->edits[e].taps = tap;
        out->edits[e].n_taps = (int32_t)PyList_GET_SIZE(edit);
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(edit); i++)
            if (rlab_py_parse_tap(self, tap++, NULL, PyList_GET_ITEM(edit, i), size) < 0)
                return -1;
    }
    return 0;
}

/* An array of labels as long as the target, its entries in range. */
static PyArrayObject *
label_array(py_model *self, PyObject *object, const char *name, int64_t rows) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyArrayObject *array = rlab_py_array(state, object, name, NPY_INT32, 1);
    int32_t bound = self->model->roles.vocab_size;
    const int32_t *at;
    if (!array)
        return NULL;
    at = PyArray_DATA(array);
    if (PyArray_SIZE(array) != rows) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "%s: expected one a target row (%lld), got %zd", name, (long long)rows,
                     PyArray_SIZE(array));
        return NULL;
    }
    for (int64_t i = 0; i < rows; i++)
        if (at[i] != RLAB_IGNORED_LABEL && (at[i] < 0 || at[i] >= bound)) {
            PyErr_Format(state->exceptions[RLAB_EINDEX],
                         "%s: row %lld: expected 0 to %d (or -100: no label), got %d", name,
                         (long long)i, (int)bound - 1, (int)at[i]);
            return NULL;
        }
    return array;
}

static rlab_status
run_sweep(rlab_ctx *ctx, py_model *self, const rlab_sweep_out *out, const rlab_batch *batch,
          const edit_list *list, int threads) {
    const rlab_model *model = self->model;
    rlab_sweep *sweep = NULL;
    rlab_status status = rlab_sweep_new(ctx, &sweep, model->graph, model->kernels, threads);
    if (status == RLAB_OK) {
        rlab_weights_pack(model->weights, threads);
        status = rlab_sweep_run(ctx, out, sweep, model->weights, batch, model->roles.logits,
                                list->edits, (int32_t)list->n);
    }
    rlab_sweep_free(sweep);
    return status;
}

static int
run_unlocked(py_model *self, const rlab_sweep_out *out, const rlab_batch *batch,
             const edit_list *list, int threads) {
    rlab_ctx ctx;
    rlab_py_ctx_init(&ctx);
    if (rlab_py_model_lock((PyObject *)self) < 0)
        return -1;
    Py_BEGIN_ALLOW_THREADS;
    run_sweep(&ctx, self, out, batch, list, threads);
    Py_END_ALLOW_THREADS;
    rlab_py_model_unlock((PyObject *)self);
    if (ctx.status == RLAB_OK)
        return 0;
    rlab_py_raise(rlab_py_state_of_type(Py_TYPE(self)), &ctx);
    return -1;
}

PyObject *
rlab_py_model_sweep(PyObject *object, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {
        "source", "source_offsets", "target",  "target_offsets", "labels",
        "edits",  "others",         "choices", "threads",        NULL};
    py_model *self = (py_model *)object;
    PyObject *o[5] = {NULL}, *labels, *edits, *others = Py_None, *made[3] = {NULL}, *result = NULL;
    PyArrayObject *label = NULL, *other = NULL;
    int choices = 1, threads = 1;
    npy_intp shape[2];
    rlab_batch batch;
    rlab_capacity size;
    rlab_sweep_out out;
    edit_list list = {NULL, NULL, 0};
    memset(&out, 0, sizeof out);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOOO|$Opi:sweep", (char **)names, &o[0],
                                     &o[1], &o[2], &o[3], &labels, &edits, &others, &choices,
                                     &threads) ||
        rlab_py_threads(rlab_py_state_of_type(Py_TYPE(object)), threads) < 0 ||
        rlab_py_parse_batch(self, &batch, &size, o, NULL) < 0)
        return NULL;
    shape[1] = PyArray_SIZE((PyArrayObject *)o[2]);
    if (!(label = label_array(self, labels, "labels", shape[1])) ||
        (others != Py_None && !(other = label_array(self, others, "others", shape[1]))) ||
        parse_edits(self, &list, edits, &size) < 0)
        goto done;
    shape[0] = list.n + 1;
    if (!(made[0] = PyArray_SimpleNew(2, shape, NPY_FLOAT32)) ||
        (other && !(made[1] = PyArray_SimpleNew(2, shape, NPY_FLOAT32))) ||
        (choices && !(made[2] = PyArray_SimpleNew(2, shape, NPY_INT32))))
        goto done;
    out.labels = PyArray_DATA(label);
    out.others = other ? PyArray_DATA(other) : NULL;
    out.loss = PyArray_DATA((PyArrayObject *)made[0]);
    out.other_loss = other ? PyArray_DATA((PyArrayObject *)made[1]) : NULL;
    out.choice = choices ? PyArray_DATA((PyArrayObject *)made[2]) : NULL;
    if (run_unlocked(self, &out, &batch, &list, threads) < 0)
        goto done;
    result = PyTuple_Pack(3, made[0], made[1] ? made[1] : Py_None, made[2] ? made[2] : Py_None);
done:
    free_edits(&list);
    for (int i = 0; i < 3; i++)
        Py_XDECREF(made[i]);
    return result;
}
