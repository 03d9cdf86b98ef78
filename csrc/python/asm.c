/* The Python face of asm: a checked machine, batches of runs, one run with its history. */
#include "python/py.h"

#include "asm/asm.h"

typedef struct {
    PyObject_HEAD rlab_asm *machine;
    int64_t n_vars;
} py_machine;

static rlab_py_state *
state_of(PyObject *self) {
    return rlab_py_state_of_type(Py_TYPE(self));
}

static PyObject *
machine_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"code",    "rule",  "consts",  "n_params", "n_vars",
                                        "n_temps", "arity", "initial", NULL};
    rlab_py_state *state = rlab_py_state_of_type(type);
    PyObject *code, *consts, *arity, *initial;
    PyArrayObject *c, *k, *a, *i;
    long long rule, n_params, n_vars, n_temps;
    rlab_asm_spec spec;
    rlab_asm *machine;
    rlab_ctx ctx;
    py_machine *self;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OLOLLLOO:Machine", (char **)names, &code, &rule,
                                     &consts, &n_params, &n_vars, &n_temps, &arity, &initial))
        return NULL;
    c = rlab_py_array(state, code, "code", NPY_INT32, 2);
    k = c ? rlab_py_array(state, consts, "consts", NPY_INT32, 1) : NULL;
    a = k ? rlab_py_array(state, arity, "arity", NPY_INT32, 1) : NULL;
    i = a ? rlab_py_array(state, initial, "initial", NPY_INT32, 1) : NULL;
    if (!i)
        return NULL;
    if (PyArray_DIM(c, 1) != 4 || PyArray_DIM(a, 0) != PyArray_DIM(i, 0)) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "machine: expected code of 4 columns and as many initial values as arities, "
                     "got %zd columns, %zd arities and %zd values",
                     PyArray_DIM(c, 1), PyArray_DIM(a, 0), PyArray_DIM(i, 0));
        return NULL;
    }
    memset(&spec, 0, sizeof spec);
    spec.code = PyArray_DATA(c);
    spec.consts = PyArray_DATA(k);
    spec.arity = PyArray_DATA(a);
    spec.initial = PyArray_DATA(i);
    spec.n_code = PyArray_DIM(c, 0);
    spec.n_consts = PyArray_DIM(k, 0);
    spec.n_functions = PyArray_DIM(a, 0);
    spec.rule = rule;
    spec.n_params = n_params;
    spec.n_vars = n_vars;
    spec.n_temps = n_temps;
    rlab_py_ctx_init(&ctx);
    if (rlab_asm_new(&ctx, &machine, &spec) != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    self = (py_machine *)type->tp_alloc(type, 0);
    if (!self) {
        rlab_asm_free(machine);
        return NULL;
    }
    self->machine = machine;
    self->n_vars = n_vars;
    return (PyObject *)self;
}

static void
machine_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    rlab_asm_free(((py_machine *)self)->machine);
    type->tp_free(self);
    Py_DECREF(type);
}

/* A new array that copies `count` items; NULL raised. */
static PyObject *
array_of(const void *data, int64_t count, int dtype, size_t size) {
    npy_intp shape = (npy_intp)count;
    PyObject *array = PyArray_SimpleNew(1, &shape, dtype);
    if (array && count)
        memcpy(PyArray_DATA((PyArrayObject *)array), data, (size_t)count * size);
    return array;
}

static PyObject *
result_of(const rlab_asm_result *r) {
    PyObject *tokens = array_of(r->tokens, r->off[r->count], NPY_INT32, sizeof(int32_t));
    PyObject *off = array_of(r->off, r->count + 1, NPY_INT64, sizeof(int64_t));
    PyObject *end = array_of(r->end, r->count, NPY_UINT8, 1);
    PyObject *steps = array_of(r->steps, r->count, NPY_INT32, sizeof(int32_t));
    PyObject *out = NULL;
    if (tokens && off && end && steps)
        out = PyTuple_Pack(4, tokens, off, end, steps);
    Py_XDECREF(tokens);
    Py_XDECREF(off);
    Py_XDECREF(end);
    Py_XDECREF(steps);
    return out;
}

static PyObject *
machine_run(PyObject *self, PyObject *args) {
    rlab_py_state *state = state_of(self);
    PyObject *tokens, *offsets, *out;
    PyArrayObject *t, *o;
    unsigned long long seed, first;
    long long steps, work, locations;
    rlab_asm_budget budget;
    rlab_asm_result result;
    rlab_status status;
    rlab_ctx ctx;
    int threads;
    if (!PyArg_ParseTuple(args, "OOKKLLLi:run", &tokens, &offsets, &seed, &first, &steps, &work,
                          &locations, &threads))
        return NULL;
    t = rlab_py_array(state, tokens, "tokens", NPY_INT32, 1);
    o = t ? rlab_py_array(state, offsets, "offsets", NPY_INT64, 1) : NULL;
    if (!o || rlab_py_check_offsets(state, o, "offsets", PyArray_DIM(t, 0)) < 0 ||
        rlab_py_threads(state, threads) < 0)
        return NULL;
    budget.steps = steps;
    budget.work = work;
    budget.locations = locations;
    rlab_py_ctx_init(&ctx);
    Py_BEGIN_ALLOW_THREADS;
    status = rlab_asm_run(&ctx, &result, ((py_machine *)self)->machine, PyArray_DATA(t),
                          PyArray_DATA(o), PyArray_DIM(o, 0) - 1, seed, first, budget, threads);
    Py_END_ALLOW_THREADS;
    if (status != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    out = result_of(&result);
    rlab_asm_result_free(&result);
    return out;
}

static PyObject *
history_of(const rlab_asm_history *h) {
    npy_intp shape[2] = {(npy_intp)h->updates.len, 5};
    const rlab_asm_update *at = &h->fault.at;
    PyObject *tokens = array_of(h->tokens.at, (int64_t)h->tokens.len, NPY_INT32, sizeof(int32_t));
    PyObject *initial = array_of(h->initial, h->n_vars, NPY_INT32, sizeof(int32_t));
    PyObject *updates = PyArray_SimpleNew(2, shape, NPY_INT32);
    if (!tokens || !initial || !updates) {
        Py_XDECREF(tokens);
        Py_XDECREF(initial);
        Py_XDECREF(updates);
        return NULL;
    }
    if (h->updates.len)
        memcpy(PyArray_DATA((PyArrayObject *)updates), h->updates.at,
               h->updates.len * sizeof *h->updates.at);
    return Py_BuildValue("NNNiL(iiiii)", initial, updates, tokens, (int)h->fault.end,
                         (long long)h->fault.steps, (int)at->function, (int)at->a, (int)at->b,
                         (int)at->value, (int)h->fault.other);
}

static PyObject *
machine_trace(PyObject *self, PyObject *args) {
    rlab_py_state *state = state_of(self);
    PyObject *tokens, *out;
    PyArrayObject *t;
    unsigned long long seed, index;
    long long steps, work, locations;
    rlab_asm_budget budget;
    rlab_asm_history history;
    rlab_status status;
    rlab_ctx ctx;
    if (!PyArg_ParseTuple(args, "OKKLLL:trace", &tokens, &seed, &index, &steps, &work, &locations))
        return NULL;
    t = rlab_py_array(state, tokens, "tokens", NPY_INT32, 1);
    if (!t)
        return NULL;
    budget.steps = steps;
    budget.work = work;
    budget.locations = locations;
    rlab_py_ctx_init(&ctx);
    Py_BEGIN_ALLOW_THREADS;
    status = rlab_asm_trace(&ctx, &history, ((py_machine *)self)->machine, PyArray_DATA(t),
                            PyArray_DIM(t, 0), seed, index, budget);
    Py_END_ALLOW_THREADS;
    if (status != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    out = history_of(&history);
    rlab_asm_history_free(&history);
    return out;
}

static PyObject *
py_asm_ops(PyObject *module, PyObject *unused) {
    PyObject *out = PyTuple_New(RLAB_ASM_OP_COUNT);
    (void)module;
    (void)unused;
    for (int i = 0; out && i < RLAB_ASM_OP_COUNT; i++) {
        PyObject *name = PyUnicode_FromString(rlab_asm_op_name(i));
        if (!name)
            Py_CLEAR(out);
        else
            PyTuple_SET_ITEM(out, i, name);
    }
    return out;
}

static PyMethodDef methods[] = {
    {"run", machine_run, METH_VARARGS,
     "run(tokens, offsets, seed, first, steps, work, locations, threads, /)\n--\n\n"
     "Run packed inputs: (tokens, offsets, end, steps)."},
    {"trace", machine_trace, METH_VARARGS,
     "trace(tokens, seed, index, steps, work, locations, /)\n--\n\n"
     "Run one input: (initial variables, updates (U, 5), output, end, steps, fault)."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, machine_new},
    {Py_tp_dealloc, machine_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc,
     (void *)"Machine(code, rule, consts, n_params, n_vars, n_temps, arity, initial)\n--\n\n"
             "An abstract state machine as checked numbers; csrc/asm/asm.h says what they mean."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "recursionlab._core.Machine",
    .basicsize = sizeof(py_machine),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

static PyMethodDef functions[] = {
    {"asm_ops", py_asm_ops, METH_NOARGS,
     "asm_ops()\n--\n\nNames of the machines' instructions, by number."},
    {NULL, NULL, 0, NULL},
};

int
rlab_py_asm_register(PyObject *module) {
    if (rlab_py_add_functions(module, functions) < 0)
        return -1;
    return rlab_py_add_type(module, &spec, RLAB_PY_MACHINE);
}
