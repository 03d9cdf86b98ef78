/* recursionlab._core: multi-phase start, per-module state, and the tools every part of the border
 * uses. */
#define RLAB_PY_MODULE_C
#include "python/py.h"

#include <stdlib.h>

static const struct {
    const char *python;
} status_rows[RLAB_STATUS_COUNT] = {
    {NULL},
#define X(code, python, when) {python},
#include "base/status.def"
#undef X
};

rlab_py_state *
rlab_py_state_of(PyObject *module) {
    return PyModule_GetState(module);
}

rlab_py_state *
rlab_py_state_of_type(PyTypeObject *type) {
    return PyType_GetModuleState(type);
}

int
rlab_py_add_type(PyObject *module, PyType_Spec *spec, rlab_py_type_id id) {
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (!type)
        return -1;
    rlab_py_state_of(module)->types[id] = (PyTypeObject *)type;
    return PyModule_AddType(module, (PyTypeObject *)type);
}

int
rlab_py_add_functions(PyObject *module, PyMethodDef *methods) {
    return PyModule_AddFunctions(module, methods);
}

PyObject *
rlab_py_raise(rlab_py_state *state, const rlab_ctx *ctx) {
    PyObject *kind, *error, *position;
    if (ctx->status == RLAB_EINTR && PyErr_Occurred())
        return NULL; /* the signal handler's own exception */
    kind = state->exceptions[ctx->status == RLAB_OK ? RLAB_EINTERNAL : ctx->status];
    error = PyObject_CallFunction(kind, "s", ctx->message);
    if (!error)
        return NULL;
    if (ctx->position >= 0) {
        position = PyLong_FromLongLong(ctx->position);
        if (!position || PyObject_SetAttrString(error, "position", position) < 0) {
            Py_XDECREF(position);
            Py_DECREF(error);
            return NULL;
        }
        Py_DECREF(position);
    }
    PyErr_SetObject(kind, error);
    Py_DECREF(error);
    return NULL;
}

static int
poll_signals(void *arg) {
    PyGILState_STATE gil = PyGILState_Ensure();
    int stop = PyErr_CheckSignals() != 0;
    (void)arg;
    PyGILState_Release(gil);
    return stop;
}

void
rlab_py_ctx_init(rlab_ctx *ctx) {
    rlab_ctx_init(ctx);
    ctx->stop = poll_signals;
}

PyArrayObject *
rlab_py_array(rlab_py_state *state, PyObject *object, const char *name, int dtype, int ndim) {
    PyObject *kind = state->exceptions[RLAB_ETYPE];
    PyArrayObject *array = (PyArrayObject *)object;
    PyArray_Descr *want;
    if (!PyArray_Check(object)) {
        PyErr_Format(kind, "%s: expected a NumPy array, got %.80s", name, Py_TYPE(object)->tp_name);
        return NULL;
    }
    if (PyArray_TYPE(array) == dtype && PyArray_ISCARRAY_RO(array) &&
        (ndim < 0 || PyArray_NDIM(array) == ndim))
        return array;
    want = PyArray_DescrFromType(dtype);
    PyErr_Format(kind, "%s: expected a C-contiguous %S array of %d dimensions, got %s%S of %d",
                 name, want, ndim, PyArray_ISCARRAY_RO(array) ? "" : "non-contiguous ",
                 PyArray_DESCR(array), PyArray_NDIM(array));
    Py_DECREF(want);
    return NULL;
}

int
rlab_py_check_offsets(rlab_py_state *state, PyArrayObject *offsets, const char *name,
                      int64_t rows) {
    const int64_t *off = PyArray_DATA(offsets);
    npy_intp count = PyArray_DIM(offsets, 0);
    PyObject *kind = state->exceptions[RLAB_EVALUE];
    if (count < 1 || off[0] != 0 || off[count - 1] != rows) {
        PyErr_Format(kind, "%s: expected offsets from 0 to %lld, got %zd offsets from %lld to %lld",
                     name, (long long)rows, count, (long long)(count ? off[0] : 0),
                     (long long)(count ? off[count - 1] : 0));
        return -1;
    }
    for (npy_intp i = 1; i < count; i++)
        if (off[i] < off[i - 1]) {
            PyErr_Format(kind, "%s: expected offsets that never fall, got %lld after %lld at %zd",
                         name, (long long)off[i], (long long)off[i - 1], i);
            return -1;
        }
    return 0;
}

PyObject *
rlab_py_view(PyObject *owner, void *data, int dtype, int ndim, const npy_intp *shape,
             bool writable) {
    PyObject *view = PyArray_New(&PyArray_Type, ndim, (npy_intp *)shape, dtype, NULL, data, 0,
                                 writable ? NPY_ARRAY_CARRAY : NPY_ARRAY_CARRAY_RO, NULL);
    if (!view)
        return NULL;
    Py_INCREF(owner);
    if (PyArray_SetBaseObject((PyArrayObject *)view, owner) < 0) {
        Py_DECREF(view);
        return NULL;
    }
    return view;
}

int
rlab_py_threads(rlab_py_state *state, int threads) {
    if (threads >= 1)
        return 0;
    PyErr_Format(state->exceptions[RLAB_EVALUE], "threads: expected at least 1, got %d", threads);
    return -1;
}

/* Fetches the exception classes from recursionlab.errors, or from builtins where it has none. */
static int
load_exceptions(rlab_py_state *state) {
    PyObject *ours = PyImport_ImportModule("recursionlab.errors");
    PyObject *builtins = PyImport_ImportModule("builtins");
    int result = -1;
    if (!ours || !builtins)
        goto done;
    for (int status = 1; status < RLAB_STATUS_COUNT; status++) {
        const char *name = status_rows[status].python;
        PyObject *from = PyObject_HasAttrString(ours, name) ? ours : builtins;
        state->exceptions[status] = PyObject_GetAttrString(from, name);
        if (!state->exceptions[status])
            goto done;
    }
    result = 0;
done:
    Py_XDECREF(ours);
    Py_XDECREF(builtins);
    return result;
}

static int
module_exec(PyObject *module) {
    rlab_py_state *state = rlab_py_state_of(module);
    rlab_ctx ctx;
    import_array1(-1);
    if (load_exceptions(state) < 0)
        return -1;
    rlab_ctx_init(&ctx);
    if (rlab_isa_choose(&ctx, &state->isa, getenv("RECURSIONLAB_ISA")) != RLAB_OK) {
        rlab_py_raise(state, &ctx);
        return -1;
    }
#define X(part)                                                                                    \
    if (rlab_py_##part##_register(module) < 0)                                                     \
        return -1;
#include "python/parts.def"
#undef X
    return 0;
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg) {
    rlab_py_state *state = rlab_py_state_of(module);
    for (int i = 0; i < RLAB_STATUS_COUNT; i++)
        Py_VISIT(state->exceptions[i]);
    for (int i = 0; i < RLAB_PY_TYPES_MAX; i++)
        Py_VISIT(state->types[i]);
    return 0;
}

static int
module_clear(PyObject *module) {
    rlab_py_state *state = rlab_py_state_of(module);
    for (int i = 0; i < RLAB_STATUS_COUNT; i++)
        Py_CLEAR(state->exceptions[i]);
    for (int i = 0; i < RLAB_PY_TYPES_MAX; i++)
        Py_CLEAR(state->types[i]);
    return 0;
}

static void
module_free(void *module) {
    module_clear(module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, (void *)module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "recursionlab._core",
    .m_doc = "The C core of recursionlab.",
    .m_size = sizeof(rlab_py_state),
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC
PyInit__core(void) {
    return PyModuleDef_Init(&module_def);
}
