/* Any graph from Python in one call: built, run forward and backward, every value handed back. For
 * the tests of ops, and for trying a layout out; models have their own type. */
#include "python/py.h"
#include "tensor/tensor.h"

#include <string.h>

enum { NAMES_MAX = 64, VALUES_MAX = 64 };

typedef struct name_list {
    const char *at[NAMES_MAX];
    int32_t n;
} name_list;

/* What a call builds up; freed as a whole. */
typedef struct trial {
    rlab_py_state *state;
    rlab_ctx ctx;
    rlab_graph *graph;
    rlab_weights *weights;
    rlab_exec *exec;
    name_list spaces, indices, params, nodes;
    const float *start[NAMES_MAX]; /* values of parameters */
    rlab_batch batch;
    rlab_run run;
    rlab_loss loss;
    rlab_tap taps[VALUES_MAX];
} trial;

/* Number of a name, or -1 with an exception set. */
static int32_t
number_of(trial *t, const name_list *names, const char *what, PyObject *object) {
    const char *name = PyUnicode_Check(object) ? PyUnicode_AsUTF8(object) : NULL;
    for (int32_t i = 0; name && i < names->n; i++)
        if (strcmp(names->at[i], name) == 0)
            return i;
    PyErr_Format(t->state->exceptions[RLAB_EVALUE], "graph: no %s %R", what, object);
    return -1;
}

/* Remembers a name that `list` keeps alive. 0, or -1 raised. */
static int
add_name(trial *t, name_list *names, const char *name) {
    if (names->n == NAMES_MAX) {
        PyErr_Format(t->state->exceptions[RLAB_EVALUE], "graph: more than %d names",
                     (int)NAMES_MAX);
        return -1;
    }
    names->at[names->n++] = name;
    return 0;
}

static int
raised(trial *t) {
    if (t->ctx.status == RLAB_OK)
        return 0;
    rlab_py_raise(t->state, &t->ctx);
    return -1;
}

static int
add_space(trial *t, PyObject *row) {
    const char *name;
    PyObject *object;
    PyArrayObject *off;
    int32_t s;
    if (!PyArg_ParseTuple(row, "sO:space", &name, &object) ||
        !(off = rlab_py_array(t->state, object, name, NPY_INT64, 1)) || PyArray_SIZE(off) < 1 ||
        add_name(t, &t->spaces, name) < 0)
        return -1;
    if (rlab_graph_space(&t->ctx, &s, t->graph, name) == RLAB_OK) {
        t->batch.space[s].n_seqs = (int32_t)PyArray_SIZE(off) - 1;
        t->batch.space[s].off = PyArray_DATA(off);
    }
    return raised(t);
}

static int
add_index(trial *t, PyObject *row) {
    const char *name, *kind;
    PyObject *space_name, *object;
    PyArrayObject *at = NULL;
    int bound;
    int32_t space, i;
    rlab_index_kind which;
    if (!PyArg_ParseTuple(row, "sOsiO:index", &name, &space_name, &kind, &bound, &object) ||
        (space = number_of(t, &t->spaces, "space", space_name)) < 0 ||
        (object != Py_None && !(at = rlab_py_array(t->state, object, name, NPY_INT32, 1))) ||
        add_name(t, &t->indices, name) < 0)
        return -1;
    if (at && PyArray_SIZE(at) < t->batch.space[space].off[t->batch.space[space].n_seqs]) {
        PyErr_Format(t->state->exceptions[RLAB_EVALUE], "%s: too few numbers", name);
        return -1;
    }
    which = *kind == 't' ? RLAB_INDEX_TOKEN : *kind == 'p' ? RLAB_INDEX_POSITION : RLAB_INDEX_LABEL;
    if (rlab_graph_index(&t->ctx, &i, t->graph, name, space, which, bound) == RLAB_OK)
        t->batch.index[i] = at ? PyArray_DATA(at) : NULL;
    return raised(t);
}

static int
add_param(trial *t, PyObject *row) {
    const char *name;
    PyObject *object;
    PyArrayObject *value;
    int32_t p;
    if (!PyArg_ParseTuple(row, "sO:param", &name, &object) ||
        !(value = rlab_py_array(t->state, object, name, NPY_FLOAT32, -1)) ||
        add_name(t, &t->params, name) < 0)
        return -1;
    if (PyArray_NDIM(value) < 1 || PyArray_NDIM(value) > 2) {
        PyErr_Format(t->state->exceptions[RLAB_EVALUE], "%s: expected 1 or 2 dimensions", name);
        return -1;
    }
    if (rlab_graph_param(&t->ctx, &p, t->graph, name, (int32_t)PyArray_DIM(value, 0),
                         PyArray_NDIM(value) == 2 ? (int32_t)PyArray_DIM(value, 1) : 0,
                         RLAB_INIT_ZERO, 0, false) == RLAB_OK)
        t->start[p] = PyArray_DATA(value);
    return raised(t);
}

/* A list of names under `key` as numbers; None is RLAB_NONE. Their count, or -1 raised. */
static int32_t
numbers(trial *t, int32_t *out, const name_list *names, PyObject *dict, const char *key) {
    PyObject *list = PyDict_GetItemString(dict, key);
    Py_ssize_t n = list && PyList_Check(list) ? PyList_GET_SIZE(list) : 0;
    if (n > RLAB_NODE_IN_MAX) {
        PyErr_Format(t->state->exceptions[RLAB_EVALUE], "node: more than %d in '%s'",
                     (int)RLAB_NODE_IN_MAX, key);
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        out[i] = RLAB_NONE;
        if (item != Py_None && (out[i] = number_of(t, names, key, item)) < 0)
            return -1;
    }
    return (int32_t)n;
}

static double
number_at(PyObject *dict, const char *key) {
    PyObject *value = PyDict_GetItemString(dict, key);
    return value ? PyFloat_AsDouble(value) : 0;
}

static const char *
word_at(PyObject *dict, const char *key) {
    PyObject *value = PyDict_GetItemString(dict, key);
    return value && PyUnicode_Check(value) ? PyUnicode_AsUTF8(value) : NULL;
}

static int
add_node(trial *t, PyObject *dict) {
    rlab_node_spec spec;
    PyObject *space;
    int32_t number;
    memset(&spec, 0, sizeof spec);
    if (!PyDict_Check(dict) || !(space = PyDict_GetItemString(dict, "space")) ||
        !(spec.op = word_at(dict, "op")) || !(spec.name = word_at(dict, "name"))) {
        PyErr_SetString(t->state->exceptions[RLAB_ETYPE],
                        "node: expected a dict with op, name and space");
        return -1;
    }
    if ((spec.space = number_of(t, &t->spaces, "space", space)) < 0 ||
        (spec.n_in = numbers(t, spec.in, &t->nodes, dict, "in")) < 0 ||
        (spec.n_param = numbers(t, spec.param, &t->params, dict, "param")) < 0 ||
        (spec.n_index = numbers(t, spec.index, &t->indices, dict, "index")) < 0 ||
        add_name(t, &t->nodes, spec.name) < 0)
        return -1;
    spec.side[0] = word_at(dict, "side");
    spec.attr.width = (int32_t)number_at(dict, "width");
    spec.attr.heads = (int32_t)number_at(dict, "heads");
    spec.attr.kv_heads = (int32_t)number_at(dict, "kv_heads");
    spec.attr.causal = number_at(dict, "causal") != 0;
    spec.attr.act = (rlab_act)number_at(dict, "act");
    spec.attr.scale = (float)number_at(dict, "scale");
    spec.attr.eps = (float)number_at(dict, "eps");
    spec.attr.p = (float)number_at(dict, "p");
    spec.attr.smoothing = (float)number_at(dict, "smoothing");
    spec.attr.alibi = number_at(dict, "alibi") != 0;
    spec.attr.reach = (int32_t)number_at(dict, "reach");
    if (PyErr_Occurred())
        return -1;
    rlab_graph_node(&t->ctx, &number, t->graph, &spec);
    return raised(t);
}

static int
for_each(trial *t, PyObject *list, int (*add)(trial *, PyObject *)) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *row = PyList_GET_ITEM(list, i);
        if (add != add_node && !PyTuple_Check(row)) {
            PyErr_SetString(t->state->exceptions[RLAB_ETYPE], "graph: expected tuples");
            return -1;
        }
        if (add(t, row) < 0)
            return -1;
    }
    return 0;
}

static int
set_to(trial *t, PyObject *dict) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (dict && dict != Py_None && PyDict_Next(dict, &at, &key, &value)) {
        int32_t s = number_of(t, &t->spaces, "space", key);
        PyArrayObject *to;
        if (s < 0 || !(to = rlab_py_array(t->state, value, "to", NPY_INT32, 1)))
            return -1;
        if (PyArray_SIZE(to) != t->batch.space[s].n_seqs) {
            PyErr_SetString(t->state->exceptions[RLAB_EVALUE], "to: expected one a sequence");
            return -1;
        }
        t->batch.space[s].to = PyArray_DATA(to);
    }
    return 0;
}

/* Arrays that the taps fill: name -> every value, row after row. */
static PyObject *
value_arrays(trial *t, const rlab_capacity *size) {
    PyObject *dict = PyDict_New();
    int32_t n = rlab_graph_points(t->graph);
    for (int32_t i = 0; dict && i < n && i < VALUES_MAX; i++) {
        rlab_point p;
        npy_intp shape[2];
        PyObject *array;
        rlab_graph_point(t->graph, i, &p);
        shape[0] =
            (npy_intp)(p.key_space < 0 ? size->rows[p.space] : size->cells[p.space][p.key_space]);
        shape[1] = p.width;
        array = PyArray_ZEROS(2, shape, NPY_FLOAT32, 0);
        if (!array || PyDict_SetItemString(dict, p.name, array) < 0) {
            Py_XDECREF(array);
            Py_CLEAR(dict);
            break;
        }
        t->taps[i].node = p.node;
        t->taps[i].side = p.side;
        t->taps[i].kind = RLAB_TAP_READ;
        t->taps[i].buffer = PyArray_DATA((PyArrayObject *)array);
        t->run.n_taps = i + 1;
        Py_DECREF(array);
    }
    t->run.taps = t->taps;
    return dict;
}

static PyObject *
grad_arrays(const trial *t) {
    PyObject *dict = PyDict_New();
    int32_t n;
    const rlab_param *p = rlab_graph_params(t->graph, &n);
    for (int32_t i = 0; dict && i < n; i++) {
        npy_intp shape[2] = {p[i].rows, p[i].cols};
        PyObject *array = PyArray_SimpleNew(p[i].ndim, shape, NPY_FLOAT32);
        if (array)
            memcpy(PyArray_DATA((PyArrayObject *)array), rlab_exec_grad(t->exec) + p[i].offset,
                   p[i].count * sizeof(float));
        if (!array || PyDict_SetItemString(dict, p[i].name, array) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(array);
    }
    return dict;
}

static rlab_status
prepare(trial *t, rlab_capacity *size) {
    const rlab_kernels *kernels = rlab_kernels_get(t->state->isa);
    const rlab_param *p;
    int32_t n;
    RLAB_TRY(rlab_graph_seal(&t->ctx, t->graph));
    RLAB_TRY(rlab_weights_new(&t->ctx, &t->weights, t->graph, kernels));
    p = rlab_graph_params(t->graph, &n);
    for (int32_t i = 0; i < n; i++)
        memcpy(rlab_weights_at(t->weights) + p[i].offset, t->start[i], p[i].count * sizeof(float));
    rlab_weights_pack(t->weights, 1);
    RLAB_TRY(rlab_exec_new(&t->ctx, &t->exec, t->graph, kernels, true));
    RLAB_TRY(rlab_capacity_cover(&t->ctx, size, t->graph, &t->batch));
    return rlab_exec_reserve(&t->ctx, t->exec, size);
}

static rlab_status
run_both(trial *t) {
    RLAB_TRY(rlab_exec_forward(&t->ctx, &t->loss, t->exec, t->weights, &t->batch, &t->run));
    return t->run.training ? rlab_exec_backward(&t->ctx, t->exec) : RLAB_OK;
}

static PyObject *
run_trial(trial *t) {
    rlab_capacity size;
    PyObject *values, *grads;
    memset(&size, 0, sizeof size);
    if (prepare(t, &size) != RLAB_OK)
        return rlab_py_raise(t->state, &t->ctx);
    values = value_arrays(t, &size);
    if (!values)
        return NULL;
    if (run_both(t) != RLAB_OK) {
        Py_DECREF(values);
        return rlab_py_raise(t->state, &t->ctx);
    }
    grads = grad_arrays(t);
    if (!grads) {
        Py_DECREF(values);
        return NULL;
    }
    return Py_BuildValue("(dLNN)", t->loss.sum, (long long)t->loss.count, values, grads);
}

static PyObject *
py_run_graph(PyObject *module, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"",         "",     "",     "",    "to",
                                        "training", "seed", "step", "ids", NULL};
    PyObject *list[4], *to = NULL, *ids = NULL, *out = NULL;
    PyArrayObject *id_array = NULL;
    int training = 1;
    unsigned long long seed = 0, step = 0;
    trial t;
    memset(&t, 0, sizeof t);
    t.state = rlab_py_state_of(module);
    rlab_ctx_init(&t.ctx);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!O!O!|$OpKKO:run_graph", (char **)names,
                                     &PyList_Type, &list[0], &PyList_Type, &list[1], &PyList_Type,
                                     &list[2], &PyList_Type, &list[3], &to, &training, &seed, &step,
                                     &ids))
        return NULL;
    if (ids && ids != Py_None && !(id_array = rlab_py_array(t.state, ids, "ids", NPY_INT64, 1)))
        return NULL;
    t.run.training = training;
    t.run.seed = seed;
    t.run.step = step;
    if (rlab_graph_new(&t.ctx, &t.graph) != RLAB_OK)
        return rlab_py_raise(t.state, &t.ctx);
    if (for_each(&t, list[0], add_space) == 0 && for_each(&t, list[1], add_index) == 0 &&
        for_each(&t, list[2], add_param) == 0 && for_each(&t, list[3], add_node) == 0 &&
        set_to(&t, to) == 0) {
        for (int32_t s = 0; s < t.spaces.n; s++)
            if (id_array && PyArray_SIZE(id_array) >= t.batch.space[s].n_seqs)
                t.batch.space[s].id = PyArray_DATA(id_array);
        out = run_trial(&t);
    }
    rlab_exec_free(t.exec);
    rlab_weights_free(t.weights);
    rlab_graph_free(t.graph);
    return out;
}

static PyObject *
py_ops(PyObject *module, PyObject *unused) {
    PyObject *list = PyList_New(0);
    (void)module;
    (void)unused;
    for (int32_t i = 0; list && rlab_op_name(i); i++) {
        PyObject *name = PyUnicode_FromString(rlab_op_name(i));
        if (!name || PyList_Append(list, name) < 0)
            Py_CLEAR(list);
        Py_XDECREF(name);
    }
    return list;
}

static PyMethodDef functions[] = {
    {"ops", py_ops, METH_NOARGS, "ops()\n--\n\nNames of the ops a graph is made of."},
    {"run_graph", (PyCFunction)(void (*)(void))py_run_graph, METH_VARARGS | METH_KEYWORDS,
     "run_graph(spaces, indices, params, nodes, /, *, to=None, training=True, seed=0, step=0, "
     "ids=None)\n--\n\n"
     "Builds a graph and runs it: (loss, labels, values by name, gradients of the mean loss)."},
    {NULL, NULL, 0, NULL},
};

int
rlab_py_graph_register(PyObject *module) {
    return rlab_py_add_functions(module, functions);
}
