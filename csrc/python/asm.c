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

/* The arguments that run and states share. */
typedef struct batch {
    PyArrayObject *tokens, *offsets;
    unsigned long long seed, first;
    rlab_asm_budget budget;
    int threads;
} batch;

static int
read_batch(rlab_py_state *state, batch *b, PyObject *args) {
    PyObject *tokens, *offsets;
    long long steps, work, locations;
    if (!PyArg_ParseTuple(args, "OOKKLLLi:run", &tokens, &offsets, &b->seed, &b->first, &steps,
                          &work, &locations, &b->threads))
        return -1;
    b->tokens = rlab_py_array(state, tokens, "tokens", NPY_INT32, 1);
    b->offsets = b->tokens ? rlab_py_array(state, offsets, "offsets", NPY_INT64, 1) : NULL;
    if (!b->offsets ||
        rlab_py_check_offsets(state, b->offsets, "offsets", PyArray_DIM(b->tokens, 0)) < 0 ||
        rlab_py_threads(state, b->threads) < 0)
        return -1;
    b->budget.steps = steps;
    b->budget.work = work;
    b->budget.locations = locations;
    return 0;
}

/* Runs a batch for its outputs, or with a lexicon for its states. */
static PyObject *
run_batch(PyObject *self, PyObject *args, const rlab_asm_lexicon *lexicon) {
    rlab_py_state *state = state_of(self);
    const rlab_asm *machine = ((py_machine *)self)->machine;
    rlab_asm_result result;
    rlab_status status;
    rlab_ctx ctx;
    PyObject *out;
    batch b;
    if (read_batch(state, &b, args) < 0)
        return NULL;
    rlab_py_ctx_init(&ctx);
    Py_BEGIN_ALLOW_THREADS;
    status = rlab_asm_states(&ctx, &result, machine, lexicon, PyArray_DATA(b.tokens),
                             PyArray_DATA(b.offsets), PyArray_DIM(b.offsets, 0) - 1, b.seed,
                             b.first, b.budget, b.threads);
    Py_END_ALLOW_THREADS;
    if (status != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    out = result_of(&result);
    rlab_asm_result_free(&result);
    return out;
}

static PyObject *
machine_run(PyObject *self, PyObject *args) {
    return run_batch(self, args, NULL);
}

/* An int32 array of `n` items, at least `n` where `least`. */
static const int32_t *
words_of(rlab_py_state *state, PyObject *given, const char *name, npy_intp n, bool least) {
    PyArrayObject *a = rlab_py_array(state, given, name, NPY_INT32, 1);
    if (!a)
        return NULL;
    if (least ? PyArray_DIM(a, 0) >= n : PyArray_DIM(a, 0) == n)
        return PyArray_DATA(a);
    PyErr_Format(state->exceptions[RLAB_EVALUE], "%s: expected %s%lld items, got %lld", name,
                 least ? "at least " : "", (long long)n, (long long)PyArray_DIM(a, 0));
    return NULL;
}

/* Every sort named has its values, and every value of it is inside `values`. */
static int
check_lexicon(rlab_py_state *state, const rlab_asm_lexicon *l, npy_intp locations, npy_intp sorts,
              npy_intp values) {
    for (npy_intp i = 0; i < 3 * locations; i++)
        if (l->sorts[i] < 0 || l->sorts[i] >= sorts) {
            PyErr_Format(state->exceptions[RLAB_EVALUE], "sorts[%lld]: there is no sort %d",
                         (long long)i, (int)l->sorts[i]);
            return -1;
        }
    for (npy_intp i = 0; i <= sorts; i++)
        if (l->sort_off[i] < (i ? l->sort_off[i - 1] : 0) || l->sort_off[i] > values) {
            PyErr_Format(state->exceptions[RLAB_EVALUE],
                         "sort_offsets[%lld]: expected rising offsets into values, got %d",
                         (long long)i, (int)l->sort_off[i]);
            return -1;
        }
    return 0;
}

static PyObject *
machine_states(PyObject *self, PyObject *args) {
    rlab_py_state *state = state_of(self);
    PyObject *given, *names, *sorts, *off, *values, *digits;
    rlab_asm_lexicon l;
    int64_t n_vars, n_functions;
    npy_intp n, n_sorts;
    if (!PyArg_ParseTuple(args, "O!OOOOOi:states", &PyTuple_Type, &given, &names, &sorts, &off,
                          &values, &digits, &l.step))
        return NULL;
    rlab_asm_counts(((py_machine *)self)->machine, &n_vars, &n_functions);
    n = (npy_intp)(n_vars + n_functions + 1);
    l.names = words_of(state, names, "names", n, false);
    l.sorts = l.names ? words_of(state, sorts, "sorts", 3 * n, false) : NULL;
    l.sort_off = l.sorts ? words_of(state, off, "sort_offsets", 2, true) : NULL;
    l.values = l.sort_off ? words_of(state, values, "values", 0, true) : NULL;
    l.digits = l.values ? words_of(state, digits, "digits", 11, false) : NULL;
    if (!l.digits)
        return NULL;
    n_sorts = PyArray_DIM((PyArrayObject *)off, 0) - 1;
    if (check_lexicon(state, &l, n, n_sorts, PyArray_DIM((PyArrayObject *)values, 0)) < 0)
        return NULL;
    return run_batch(self, given, &l);
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
    {"states", machine_states, METH_VARARGS,
     "states(batch, names, sorts, sort_offsets, values, digits, step, /)\n--\n\n"
     "Run packed inputs, `batch` as for run: every state as tokens, with the words given."},
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
