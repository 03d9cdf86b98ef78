/* _core.pairs: inputs, outputs, traces, sizes and measures of many items at once, as packed arrays.
 */
#include "python/lang.h"

#include <string.h>

static int
put(PyObject *dict, const char *key, PyObject *value) {
    int failed = !value || PyDict_SetItemString(dict, key, value) < 0;
    Py_XDECREF(value);
    return failed ? -1 : 0;
}

static PyObject *
texts(const rlab_pairs *p, int which) {
    const int64_t *off = p->text_offsets[which];
    PyObject *list = PyList_New((Py_ssize_t)p->n);
    for (int64_t i = 0; list && i < p->n; i++) {
        PyObject *item = PyUnicode_DecodeUTF8(p->text[which] + off[i],
                                              (Py_ssize_t)(off[i + 1] - off[i]), "strict");
        if (!item)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

static PyObject *
result_of(rlab_pairs *p) {
    static const char *const sequences[][2] = {
        {"input", "input_offsets"}, {"output", "output_offsets"}, {"trace", "trace_offsets"}};
    static const char *const columns[] = {"size", "depth", "calls", "steps"};
    static const char *const text_names[] = {"input_text", "output_text"};
    PyObject *dict = PyDict_New();
    npy_intp shape[2] = {0, 0};
    if (!dict)
        return NULL;
    for (int k = 0; k < (p->codec ? p->traces ? 3 : 2 : 0); k++) {
        npy_intp total = (npy_intp)p->offsets[k][p->n];
        shape[0] = (npy_intp)p->n + 1;
        if (put(dict, sequences[k][1],
                rlab_py_adopt((void **)&p->offsets[k], NPY_INT64, 1, shape)) < 0 ||
            put(dict, sequences[k][0],
                rlab_py_adopt((void **)&p->tokens[k], NPY_INT32, 1, &total)) < 0)
            goto fail;
    }
    shape[0] = (npy_intp)p->n;
    for (int k = 0; k < (p->steps || p->traces ? 4 : 3); k++)
        if (put(dict, columns[k], rlab_py_adopt((void **)&p->columns[k], NPY_INT64, 1, shape)) < 0)
            goto fail;
    shape[0] = (npy_intp)p->n_measures;
    shape[1] = (npy_intp)p->n;
    if (put(dict, "measures", rlab_py_adopt((void **)&p->measured, NPY_INT64, 2, shape)) < 0)
        goto fail;
    for (int k = 0; k < 2 && p->texts; k++)
        if (put(dict, text_names[k], texts(p, k)) < 0)
            goto fail;
    return dict;
fail:
    Py_DECREF(dict);
    return NULL;
}

/* sizes and ranks into p, measures into *list. */
static int
read_arrays(rlab_py_state *state, rlab_pairs *p, rlab_py_program *program, PyObject *sizes,
            PyObject *ranks, PyObject *measures, rlab_ids *list) {
    PyArrayObject *s = rlab_py_array(state, sizes, "sizes", NPY_INT32, 1);
    PyArrayObject *r = s ? rlab_py_array(state, ranks, "ranks", NPY_UINT64, -1) : NULL;
    PyObject *fast;
    if (!r)
        return -1;
    if (PyArray_NDIM(r) < 1 || PyArray_NDIM(r) > 2 ||
        (PyArray_NDIM(r) == 2 && PyArray_DIM(r, 1) < 1)) {
        PyErr_Format(state->exceptions[RLAB_ETYPE],
                     "ranks: expected shape (n,), or (n, words) for ranks beyond 64 bits; got %d "
                     "dimensions",
                     PyArray_NDIM(r));
        return -1;
    }
    if (PyArray_DIM(s, 0) != PyArray_DIM(r, 0)) {
        PyErr_Format(state->exceptions[RLAB_ETYPE],
                     "ranks: expected %zd items as in sizes, got %zd",
                     (Py_ssize_t)PyArray_DIM(s, 0), (Py_ssize_t)PyArray_DIM(r, 0));
        return -1;
    }
    p->n = PyArray_DIM(s, 0);
    p->sizes = PyArray_DATA(s);
    p->ranks = PyArray_DATA(r);
    p->words = PyArray_NDIM(r) == 2 ? (size_t)PyArray_DIM(r, 1) : 1;
    if (!measures)
        return 0;
    if (!(fast = PySequence_Fast(measures, "measures: expected a sequence of functions")))
        return -1;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast); i++) {
        uint32_t global;
        long long index = PyLong_AsLongLong(PySequence_Fast_GET_ITEM(fast, i));
        if ((index == -1 && PyErr_Occurred()) ||
            rlab_py_global(state, &global, program, index, false) < 0 ||
            rlab_py_push_id(state, list, global) < 0) {
            Py_DECREF(fast);
            return -1;
        }
    }
    Py_DECREF(fast);
    p->measures = list->at;
    p->n_measures = (uint32_t)list->len;
    return 0;
}

static PyObject *
py_pairs(PyObject *module, PyObject *args, PyObject *kwargs) {
    static const char *const keys[] = {"function",    "domain",   "sizes", "ranks",     "threads",
                                       "codec",       "measures", "steps", "trace",     "texts",
                                       "granularity", "strategy", "every", "max_steps", "max_nodes",
                                       "by",          NULL};
    rlab_py_state *state = rlab_py_state_of(module);
    PyObject *domain, *sizes, *ranks, *codec = Py_None, *measures = NULL, *result = NULL;
    const char *granularity = "contraction", *strategy = "cbv", *by = "size";
    long long function, every = 1, max_steps = 0, max_nodes = 0;
    int threads, steps = 0, trace = 0, text = 0;
    rlab_py_type *type;
    rlab_ids list = {0};
    rlab_pairs p;
    rlab_ctx ctx;
    rlab_status status;
    memset(&p, 0, sizeof p);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "LOOOi|$OOpppssLLLs:pairs", (char **)keys,
                                     &function, &domain, &sizes, &ranks, &threads, &codec,
                                     &measures, &steps, &trace, &text, &granularity, &strategy,
                                     &every, &max_steps, &max_nodes, &by) ||
        rlab_py_by(state, by, &p.depth) < 0 || rlab_py_threads(state, threads) < 0 ||
        rlab_py_granularity(state, granularity, &p.granularity) < 0 ||
        rlab_py_strategy(state, strategy, &p.strategy) < 0)
        return NULL;
    if (!PyObject_TypeCheck(domain, state->types[RLAB_PY_TYPE]) ||
        (codec != Py_None && !PyObject_TypeCheck(codec, state->types[RLAB_PY_CODEC]))) {
        PyErr_SetString(state->exceptions[RLAB_ETYPE],
                        "pairs: expected a Type as domain and a Codec or None as codec");
        return NULL;
    }
    type = (rlab_py_type *)domain;
    if (codec != Py_None && ((rlab_py_codec *)codec)->program != type->program) {
        PyErr_SetString(state->exceptions[RLAB_EVALUE], "codec: it belongs to another program");
        return NULL;
    }
    if (every < 1 || every > UINT32_MAX) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "every: expected at least 1, got %lld", every);
        return NULL;
    }
    p.program = type->program->program;
    p.domain = type->type;
    p.codec = codec == Py_None ? NULL : ((rlab_py_codec *)codec)->codec;
    p.steps = steps;
    p.traces = trace;
    p.texts = text;
    p.every = (uint32_t)every;
    p.budget = rlab_py_budget(max_steps, max_nodes);
    if (rlab_py_global(state, &p.function, type->program, function, false) < 0 ||
        read_arrays(state, &p, type->program, sizes, ranks, measures, &list) < 0)
        goto done;
    if (p.codec &&
        rlab_type_arity(((rlab_py_codec *)codec)->sides[0]->type) != rlab_type_arity(p.domain)) {
        PyErr_SetString(state->exceptions[RLAB_EVALUE],
                        "codec: its input has another number of arguments than the domain");
        goto done;
    }
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(type->lock);
    Py_BEGIN_ALLOW_THREADS status = rlab_pairs_run(&ctx, &p, threads);
    Py_END_ALLOW_THREADS PyThread_release_lock(type->lock);
    result = status == RLAB_OK ? result_of(&p) : rlab_py_raise(state, &ctx);
    rlab_pairs_free(&p);
done:
    rlab_vec_free(&list);
    return result;
}

static PyMethodDef functions[] = {
    {"pairs", (PyCFunction)(void (*)(void))py_pairs, METH_VARARGS | METH_KEYWORDS,
     "pairs(function, domain, sizes, ranks, threads, *, codec=None, measures=(), steps=False, "
     "trace=False, texts=False, granularity='contraction', strategy='cbv', "
     "every=1, max_steps=0, max_nodes=0, by='size')\n--\n\n"
     "Apply a function to the arguments at the given sizes (by='depth': depths) and ranks; packed "
     "arrays by name."},
    {NULL, NULL, 0, NULL},
};

int
rlab_py_pairs_register(PyObject *module) {
    return rlab_py_add_functions(module, functions);
}
