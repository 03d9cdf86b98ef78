/* Decoding with a Python Model step by step, on its key/value cache. For tests and for opening a
 * model up; the decode room has its own handle. */
#include "python/py_model.h"

#include <string.h>

static rlab_py_state *
state_of(PyObject *self) {
    return rlab_py_state_of_type(Py_TYPE(self));
}

PyObject *
rlab_py_model_open_cache(PyObject *object, PyObject *args) {
    py_model *self = (py_model *)object;
    const rlab_roles *roles = &self->model->roles;
    int32_t slots[RLAB_SPACES_MAX] = {0}, rows[RLAB_SPACES_MAX] = {0};
    int n[4];
    rlab_capacity size;
    rlab_ctx ctx;
    if (!PyArg_ParseTuple(args, "iiii:open_cache", &n[0], &n[1], &n[2], &n[3]))
        return NULL;
    memset(&size, 0, sizeof size);
    for (int i = 0; i < 2; i++) {
        int32_t s = i ? roles->target : roles->source;
        if (s == RLAB_NONE)
            continue;
        slots[s] = n[2 * i];
        rows[s] = n[2 * i + 1];
        size.seqs[s] = slots[s];
        size.longest[s] = rows[s];
        size.rows[s] = (int64_t)slots[s] * rows[s];
        size.cells[s][s] = size.rows[s] * rows[s];
    }
    rlab_ctx_init(&ctx);
    if (rlab_py_model_lock(object) < 0)
        return NULL;
    rlab_exec_free(self->decoder);
    self->decoder = NULL;
    if (rlab_exec_new(&ctx, &self->decoder, self->model->graph, self->model->kernels, false) ==
            RLAB_OK &&
        rlab_exec_cache(&ctx, self->decoder, slots, rows) == RLAB_OK)
        rlab_exec_reserve(&ctx, self->decoder, &size);
    if (ctx.status != RLAB_OK) {
        rlab_exec_free(self->decoder);
        self->decoder = NULL;
    }
    rlab_py_model_unlock(object);
    if (ctx.status != RLAB_OK)
        return rlab_py_raise(state_of(object), &ctx);
    Py_RETURN_NONE;
}

/* Runs one space on tokens (o[0]) with offsets (o[1]) and slots (o[2]). 0, or -1 raised. */
static int
step_space(py_model *self, int32_t space, int32_t tokens, PyObject *const o[3], const int32_t *to) {
    static const char *const names[3] = {"tokens", "offsets", "slots"};
    rlab_py_state *state = state_of((PyObject *)self);
    PyArrayObject *a[3];
    rlab_batch batch;
    rlab_run run = {0};
    rlab_ctx ctx;
    if (!self->decoder) {
        PyErr_SetString(state->exceptions[RLAB_EVALUE], "open_cache comes before encode and step");
        return -1;
    }
    for (int i = 0; i < 3; i++)
        if (!(a[i] = rlab_py_array(state, o[i], names[i], i == 1 ? NPY_INT64 : NPY_INT32, 1)))
            return -1;
    if (rlab_py_check_offsets(state, a[1], names[1], PyArray_SIZE(a[0])) < 0)
        return -1;
    if (PyArray_SIZE(a[2]) != PyArray_SIZE(a[1]) - 1) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "slots: expected one a sequence (%zd), got %zd", PyArray_SIZE(a[1]) - 1,
                     PyArray_SIZE(a[2]));
        return -1;
    }
    memset(&batch, 0, sizeof batch);
    batch.space[space].n_seqs = (int32_t)PyArray_SIZE(a[2]);
    batch.space[space].off = PyArray_DATA(a[1]);
    batch.space[space].slot = PyArray_DATA(a[2]);
    batch.space[space].to = to;
    batch.index[tokens] = PyArray_DATA(a[0]);
    rlab_ctx_init(&ctx);
    if (rlab_py_model_lock((PyObject *)self) < 0)
        return -1;
    Py_BEGIN_ALLOW_THREADS;
    rlab_weights_pack(self->model->weights, 1);
    rlab_exec_step(&ctx, self->decoder, self->model->weights, space, &batch, &run);
    Py_END_ALLOW_THREADS;
    rlab_py_model_unlock((PyObject *)self);
    if (ctx.status != RLAB_OK) {
        rlab_py_raise(state, &ctx);
        return -1;
    }
    return 0;
}

PyObject *
rlab_py_model_encode(PyObject *object, PyObject *args) {
    py_model *self = (py_model *)object;
    const rlab_roles *roles = &self->model->roles;
    PyObject *o[3];
    if (!PyArg_ParseTuple(args, "OOO:encode", &o[0], &o[1], &o[2]))
        return NULL;
    if (roles->source == RLAB_NONE) {
        PyErr_SetString(state_of(object)->exceptions[RLAB_EVALUE],
                        "encode: the model has no encoder beside a decoder; use step");
        return NULL;
    }
    if (step_space(self, roles->source, roles->source_tokens, o, NULL) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyObject *
rlab_py_model_step(PyObject *object, PyObject *args) {
    py_model *self = (py_model *)object;
    const rlab_roles *roles = &self->model->roles;
    PyArrayObject *sources;
    PyObject *o[3], *to, *out;
    npy_intp shape[2];
    if (!PyArg_ParseTuple(args, "OOOO:step", &o[0], &o[1], &o[2], &to) ||
        !(sources = rlab_py_array(state_of(object), to, "sources", NPY_INT32, 1)))
        return NULL;
    if (PyArray_Check(o[2]) && PyArray_SIZE((PyArrayObject *)o[2]) != PyArray_SIZE(sources)) {
        PyErr_Format(state_of(object)->exceptions[RLAB_EVALUE],
                     "sources: expected one a slot (%zd), got %zd",
                     PyArray_SIZE((PyArrayObject *)o[2]), PyArray_SIZE(sources));
        return NULL;
    }
    if (step_space(self, roles->target, roles->target_tokens, o,
                   roles->source == RLAB_NONE ? NULL : PyArray_DATA(sources)) < 0)
        return NULL;
    shape[0] = PyArray_SIZE((PyArrayObject *)o[0]);
    shape[1] = roles->vocab_size;
    out = PyArray_SimpleNew(2, shape, NPY_FLOAT32);
    if (out)
        memcpy(PyArray_DATA((PyArrayObject *)out),
               rlab_exec_value(self->decoder, roles->logits, NULL, NULL),
               (size_t)shape[0] * (size_t)shape[1] * sizeof(float));
    return out;
}

/* Parses (space, slot[, slot]) and checks them. 0, or -1 raised. */
static int
parse_slots(py_model *self, PyObject *args, int n, int32_t *space, int slot[2]) {
    rlab_py_state *state = state_of((PyObject *)self);
    const rlab_roles *roles = &self->model->roles;
    const char *name;
    if (!PyArg_ParseTuple(args, n == 1 ? "si" : "sii", &name, &slot[0], &slot[1]))
        return -1;
    *space = strcmp(name, "source") == 0   ? roles->source
             : strcmp(name, "target") == 0 ? roles->target
                                           : RLAB_NONE;
    if (*space == RLAB_NONE || !self->decoder) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "space: expected source or target after open_cache, got '%.40s'", name);
        return -1;
    }
    for (int i = 0; i < n; i++)
        if (slot[i] < 0 || slot[i] >= rlab_exec_slots(self->decoder, *space)) {
            PyErr_Format(state->exceptions[RLAB_EINDEX], "slot: expected 0 to %d, got %d",
                         (int)rlab_exec_slots(self->decoder, *space) - 1, slot[i]);
            return -1;
        }
    return 0;
}

PyObject *
rlab_py_model_slot_rows(PyObject *object, PyObject *args) {
    py_model *self = (py_model *)object;
    int32_t space;
    int slot[2];
    if (parse_slots(self, args, 1, &space, slot) < 0)
        return NULL;
    return PyLong_FromLong(rlab_exec_slot_rows(self->decoder, space, slot[0]));
}

PyObject *
rlab_py_model_slot_reset(PyObject *object, PyObject *args) {
    py_model *self = (py_model *)object;
    int32_t space;
    int slot[2];
    if (parse_slots(self, args, 1, &space, slot) < 0)
        return NULL;
    rlab_exec_slot_reset(self->decoder, space, slot[0]);
    Py_RETURN_NONE;
}

PyObject *
rlab_py_model_slot_copy(PyObject *object, PyObject *args) {
    py_model *self = (py_model *)object;
    int32_t space;
    int slot[2];
    if (parse_slots(self, args, 2, &space, slot) < 0)
        return NULL;
    rlab_exec_slot_copy(self->decoder, space, slot[0], slot[1]);
    Py_RETURN_NONE;
}
