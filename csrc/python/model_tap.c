/* Taps from Python: what a tuple asks for, checked against a batch or for any batch. */
#include "python/py_model.h"

#include <string.h>

static rlab_py_state *
state_of(PyObject *self) {
    return rlab_py_state_of_type(Py_TYPE(self));
}

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

/* Which rows and which places of every sequence are meant; None: all. */
static int
parse_where(rlab_py_state *state, rlab_tap *tap, const rlab_point *point, PyObject *rows,
            PyObject *places, const rlab_capacity *size) {
    PyArrayObject *array;
    if (rows != Py_None) {
        if (!(array = rlab_py_array(state, rows, "rows of a tap", NPY_UINT8, 1)))
            return -1;
        if (!size || PyArray_SIZE(array) != size->rows[point->space]) {
            PyErr_Format(state->exceptions[RLAB_EVALUE], "tap on '%s': expected %lld rows, got %zd",
                         point->name, size ? (long long)size->rows[point->space] : 0,
                         PyArray_SIZE(array));
            return -1;
        }
        tap->rows = PyArray_DATA(array);
    }
    if (places != Py_None) {
        if (!(array = rlab_py_array(state, places, "places of a tap", NPY_INT32, 1)))
            return -1;
        if (PyArray_SIZE(array) > RLAB_PY_PLACES_MAX) {
            PyErr_Format(state->exceptions[RLAB_EVALUE],
                         "tap on '%s': expected at most %d places, got %zd", point->name,
                         (int)RLAB_PY_PLACES_MAX, PyArray_SIZE(array));
            return -1;
        }
        tap->places = PyArray_DATA(array);
        tap->n_places = (int32_t)PyArray_SIZE(array);
    }
    return 0;
}

static int
parse_call(py_model *self, rlab_tap *tap, rlab_py_tap_call *call, const char *name,
           PyObject *payload) {
    rlab_py_state *state = state_of((PyObject *)self);
    if (!PyCallable_Check(payload)) {
        PyErr_Format(state->exceptions[RLAB_ETYPE], "tap on '%s': expected a function", name);
        return -1;
    }
    if (!call) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "tap on '%s': nothing is called in a sweep",
                     name);
        return -1;
    }
    call->model = self;
    call->function = payload;
    tap->call = call_python;
    tap->arg = call;
    return 0;
}

static int
parse_payload(py_model *self, rlab_tap *tap, rlab_py_tap_call *call, const rlab_point *point,
              PyObject *payload, const rlab_capacity *size) {
    rlab_py_state *state = state_of((PyObject *)self);
    if (!size && tap->kind != RLAB_TAP_SCALE && tap->kind != RLAB_TAP_FILL) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "tap on '%s': expected scale or fill, which are of any batch", point->name);
        return -1;
    }
    switch (tap->kind) {
    case RLAB_TAP_SCALE: {
        double factor = PyFloat_AsDouble(payload);
        tap->factor = (float)factor;
        return factor == -1 && PyErr_Occurred() ? -1 : 0;
    }
    case RLAB_TAP_CALL:
        return parse_call(self, tap, call, point->name, payload);
    case RLAB_TAP_FILL:
        return parse_buffer(state, tap, point->name, payload,
                            (tap->last ? tap->last : point->width) - tap->first);
    default:
        return parse_buffer(state, tap, point->name, payload, tap_floats(point, size));
    }
}

int
rlab_py_parse_tap(py_model *self, rlab_tap *tap, rlab_py_tap_call *call, PyObject *tuple,
                  const rlab_capacity *size) {
    rlab_py_state *state = state_of((PyObject *)self);
    const char *name, *kind;
    PyObject *payload, *rows = Py_None, *places = Py_None;
    rlab_point point;
    int first = 0, last = 0;
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(state->exceptions[RLAB_ETYPE],
                        "taps: expected tuples (name, kind, payload, first, last, rows, places)");
        return -1;
    }
    if (!PyArg_ParseTuple(tuple, "ssO|iiOO:tap", &name, &kind, &payload, &first, &last, &rows,
                          &places))
        return -1;
    if (!rlab_graph_find(self->model->graph, name, &point)) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "taps: no point '%.90s'; Model.points() lists them", name);
        return -1;
    }
    if (first < 0 || last < 0 || first > point.width || last > point.width ||
        (last && last < first)) {
        PyErr_Format(state->exceptions[RLAB_EINDEX], "tap on '%s': columns %d to %d of %d", name,
                     first, last, (int)point.width);
        return -1;
    }
    tap->node = point.node;
    tap->side = point.side;
    tap->first = first;
    tap->last = last;
    if (parse_where(state, tap, &point, rows, places, size) < 0 ||
        parse_kind(state, tap, name, kind) < 0)
        return -1;
    return parse_payload(self, tap, call, &point, payload, size);
}

int
rlab_py_parse_taps(py_model *self, rlab_py_taps *taps, PyObject *list, const rlab_capacity *size) {
    rlab_py_state *state = state_of((PyObject *)self);
    memset(taps, 0, sizeof *taps);
    if (!list || list == Py_None)
        return 0;
    if (!PyList_Check(list) || PyList_GET_SIZE(list) > RLAB_PY_TAPS_MAX) {
        PyErr_Format(state->exceptions[RLAB_ETYPE], "taps: expected a list of at most %d tuples",
                     (int)RLAB_PY_TAPS_MAX);
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
