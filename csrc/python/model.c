/* The Python face of a model: making one, its weights and gradients as arrays, its options and
 * points. model_run.c runs it, model_step.c decodes with it. */
#include "python/py_model.h"

#include <string.h>

rlab_model *
rlab_py_model(rlab_py_state *state, PyObject *object, const char *name) {
    if (Py_TYPE(object) == state->types[RLAB_PY_MODEL])
        return ((py_model *)object)->model;
    PyErr_Format(state->exceptions[RLAB_ETYPE], "%s: expected a Model, got %.80s", name,
                 Py_TYPE(object)->tp_name);
    return NULL;
}

int
rlab_py_model_lock(PyObject *object) {
    py_model *self = (py_model *)object;
    if (PyThread_acquire_lock(self->lock, NOWAIT_LOCK))
        return 0;
    if (self->caller && self->caller == PyThread_get_thread_ident()) {
        PyErr_SetString(rlab_py_state_of_type(Py_TYPE(object))->exceptions[RLAB_EVALUE],
                        "model: a tap's function may not run the model that is calling it");
        return -1;
    }
    Py_BEGIN_ALLOW_THREADS;
    PyThread_acquire_lock(self->lock, WAIT_LOCK);
    Py_END_ALLOW_THREADS;
    return 0;
}

void
rlab_py_model_unlock(PyObject *object) {
    PyThread_release_lock(((py_model *)object)->lock);
}

/* ---- making ---------------------------------------------------------------------------------- */

static int
set_options(rlab_py_state *state, rlab_config *config, const rlab_model_kind *kind,
            PyObject *dict) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(dict, &at, &key, &value)) {
        const char *name = PyUnicode_Check(key) ? PyUnicode_AsUTF8(key) : NULL, *word;
        rlab_ctx ctx;
        rlab_ctx_init(&ctx);
        if (!name) {
            PyErr_SetString(state->exceptions[RLAB_ETYPE], "config: expected names as keys");
            return -1;
        }
        if (PyUnicode_Check(value)) {
            if (!(word = PyUnicode_AsUTF8(value)))
                return -1;
            rlab_config_set_word(&ctx, config, kind, name, word);
        } else {
            double number = PyFloat_AsDouble(value);
            if (number == -1 && PyErr_Occurred()) {
                PyErr_Format(state->exceptions[RLAB_ETYPE],
                             "%s: expected a number or a word, got %.80s", name,
                             Py_TYPE(value)->tp_name);
                return -1;
            }
            rlab_config_set(&ctx, config, kind, name, number);
        }
        if (ctx.status != RLAB_OK) {
            rlab_py_raise(state, &ctx);
            return -1;
        }
    }
    return 0;
}

static PyObject *
model_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"kind", "config", "seed", NULL};
    rlab_py_state *state = rlab_py_state_of_type(type);
    const rlab_model_kind *kind = NULL;
    const char *name;
    PyObject *dict;
    unsigned long long seed = 0;
    rlab_config config;
    rlab_ctx ctx;
    py_model *self;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO!|K:Model", (char **)names, &name,
                                     &PyDict_Type, &dict, &seed))
        return NULL;
    rlab_ctx_init(&ctx);
    if (rlab_model_kind_find(&ctx, &kind, name) != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    rlab_config_init(&config, kind);
    if (set_options(state, &config, kind, dict) < 0)
        return NULL;
    self = (py_model *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->lock = PyThread_allocate_lock();
    if (!self->lock) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    if (rlab_model_new(&ctx, &self->model, kind, &config, rlab_kernels_get(state->isa), seed) !=
            RLAB_OK ||
        rlab_alloc(&ctx, (void **)&self->grad, rlab_graph_size(self->model->graph),
                   sizeof(float)) != RLAB_OK) {
        Py_DECREF(self);
        return rlab_py_raise(state, &ctx);
    }
    return (PyObject *)self;
}

static void
model_dealloc(PyObject *object) {
    py_model *self = (py_model *)object;
    PyTypeObject *type = Py_TYPE(object);
    rlab_exec_free(self->decoder);
    rlab_team_free(self->team);
    rlab_model_free(self->model);
    rlab_free(self->grad);
    if (self->lock)
        PyThread_free_lock(self->lock);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---- parameters ------------------------------------------------------------------------------ */

static PyObject *
flat_view(PyObject *object, float *at) {
    npy_intp shape = (npy_intp)rlab_graph_size(((py_model *)object)->model->graph);
    return rlab_py_view(object, at, NPY_FLOAT32, 1, &shape, true);
}

static PyObject *
get_params(PyObject *object, void *unused) {
    (void)unused;
    return flat_view(object, rlab_weights_at(((py_model *)object)->model->weights));
}

static PyObject *
get_grads(PyObject *object, void *unused) {
    (void)unused;
    return flat_view(object, ((py_model *)object)->grad);
}

/* name -> view into a flat buffer, in the order of the table. */
static PyObject *
view_dict(PyObject *object, float *at) {
    int32_t n;
    const rlab_param *p = rlab_graph_params(((py_model *)object)->model->graph, &n);
    PyObject *dict = PyDict_New();
    for (int32_t i = 0; dict && i < n; i++) {
        npy_intp shape[2] = {p[i].rows, p[i].cols};
        PyObject *view =
            rlab_py_view(object, at + p[i].offset, NPY_FLOAT32, p[i].ndim, shape, true);
        if (!view || PyDict_SetItemString(dict, p[i].name, view) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(view);
    }
    return dict;
}

static PyObject *
model_parameters(PyObject *object, PyObject *unused) {
    (void)unused;
    return view_dict(object, rlab_weights_at(((py_model *)object)->model->weights));
}

static PyObject *
model_gradients(PyObject *object, PyObject *unused) {
    (void)unused;
    return view_dict(object, ((py_model *)object)->grad);
}

static PyObject *
model_layout(PyObject *object, PyObject *unused) {
    int32_t n;
    const rlab_param *p = rlab_graph_params(((py_model *)object)->model->graph, &n);
    PyObject *list = PyList_New(n);
    (void)unused;
    for (int32_t i = 0; list && i < n; i++) {
        Py_ssize_t offset = (Py_ssize_t)p[i].offset;
        PyObject *row = p[i].ndim == 2
                            ? Py_BuildValue("(sn(ii))", p[i].name, offset, p[i].rows, p[i].cols)
                            : Py_BuildValue("(sn(i))", p[i].name, offset, p[i].rows);
        if (!row)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, row);
    }
    return list;
}

static PyObject *
model_points(PyObject *object, PyObject *unused) {
    const rlab_graph *graph = ((py_model *)object)->model->graph;
    int32_t n = rlab_graph_points(graph);
    PyObject *list = PyList_New(n);
    (void)unused;
    for (int32_t i = 0; list && i < n; i++) {
        rlab_point p;
        PyObject *row;
        rlab_graph_point(graph, i, &p);
        row = Py_BuildValue("(ssiz)", p.name, rlab_graph_space_name(graph, p.space), (int)p.width,
                            p.key_space < 0 ? NULL : rlab_graph_space_name(graph, p.key_space));
        if (!row)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, row);
    }
    return list;
}

static PyObject *
option_value(const rlab_option *option, double value) {
    const char *word = option->choices;
    if (option->kind == RLAB_OPTION_FLOAT)
        return PyFloat_FromDouble(value);
    if (option->kind == RLAB_OPTION_INT)
        return PyLong_FromDouble(value);
    if (option->kind == RLAB_OPTION_BOOL)
        return PyBool_FromLong(value != 0);
    for (int i = 0; i < (int)value; i++)
        word += strcspn(word, "|") + 1;
    return PyUnicode_FromStringAndSize(word, (Py_ssize_t)strcspn(word, "|"));
}

static PyObject *
get_config(PyObject *object, void *unused) {
    const rlab_model *model = ((py_model *)object)->model;
    PyObject *dict = PyDict_New();
    (void)unused;
    for (int i = 0; dict && model->kind->options[i].name; i++) {
        PyObject *value = option_value(&model->kind->options[i], model->config.value[i]);
        if (!value || PyDict_SetItemString(dict, model->kind->options[i].name, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *
get_kind(PyObject *object, void *unused) {
    (void)unused;
    return PyUnicode_FromString(((py_model *)object)->model->kind->name);
}

static PyObject *
get_n_params(PyObject *object, void *unused) {
    int32_t n;
    const rlab_param *p = rlab_graph_params(((py_model *)object)->model->graph, &n);
    size_t count = 0;
    (void)unused;
    for (int32_t i = 0; i < n; i++)
        count += p[i].count;
    return PyLong_FromSize_t(count);
}

static PyObject *
get_bytes(PyObject *object, void *unused) {
    py_model *self = (py_model *)object;
    size_t bytes = self->team ? rlab_team_bytes(self->team) : 0;
    (void)unused;
    return PyLong_FromSize_t(bytes + (self->decoder ? rlab_exec_bytes(self->decoder) : 0));
}

/* ---- the type -------------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    {"parameters", model_parameters, METH_NOARGS,
     "parameters()\n--\n\nName -> writable view of each parameter."},
    {"gradients", model_gradients, METH_NOARGS,
     "gradients()\n--\n\nName -> view of each parameter's gradient."},
    {"layout", model_layout, METH_NOARGS,
     "layout()\n--\n\nRows (name, offset, shape): where each parameter lies in params."},
    {"points", model_points, METH_NOARGS,
     "points()\n--\n\nRows (name, space, width, key space or None) of what can be tapped."},
    {"forward", (PyCFunction)(void (*)(void))rlab_py_model_forward, METH_VARARGS | METH_KEYWORDS,
     "forward(source, source_offsets, target, target_offsets, *, taps=None, shards=1, threads=1)\n"
     "--\n\nLogits (target rows, V), float32, without dropout."},
    {"loss", (PyCFunction)(void (*)(void))rlab_py_model_loss, METH_VARARGS | METH_KEYWORDS,
     "loss(source, source_offsets, target, target_offsets, labels, *, ids=None, gradients=True, "
     "training=True, seed=0, step=0, taps=None, shards=1, threads=1)\n--\n\n"
     "(sum of losses, labels that count); grads becomes the gradient of the mean."},
    {"sweep", (PyCFunction)(void (*)(void))rlab_py_model_sweep, METH_VARARGS | METH_KEYWORDS,
     "sweep(source, source_offsets, target, target_offsets, labels, edits, *, others=None, "
     "choices=True, threads=1)\n--\n\n"
     "(loss, others' loss or None, choices or None), each (1 + edits, target rows): plain, then "
     "under each list of taps."},
    {"flops", (PyCFunction)(void (*)(void))rlab_py_model_flops, METH_VARARGS | METH_KEYWORDS,
     "flops(source_offsets, target_offsets, training=True)\n--\n\n"
     "Floating-point operations of matrix products in one step over such a batch."},
    {"open_cache", rlab_py_model_open_cache, METH_VARARGS,
     "open_cache(source_slots, source_rows, target_slots, target_rows, /)\n--\n\n"
     "Makes room for decoding step by step."},
    {"encode", rlab_py_model_encode, METH_VARARGS,
     "encode(source, source_offsets, slots, /)\n--\n\nRuns the encoder, into cache slots."},
    {"step", rlab_py_model_step, METH_VARARGS,
     "step(target, target_offsets, slots, sources, /)\n--\n\n"
     "Logits of new target rows, appended to their slots; sources: the encoder slot of each."},
    {"slot_rows", rlab_py_model_slot_rows, METH_VARARGS,
     "slot_rows(space, slot, /)\n--\n\nRows in a slot of 'source' or 'target'."},
    {"slot_reset", rlab_py_model_slot_reset, METH_VARARGS,
     "slot_reset(space, slot, /)\n--\n\nEmpties a slot."},
    {"slot_copy", rlab_py_model_slot_copy, METH_VARARGS,
     "slot_copy(space, from, to, /)\n--\n\nCopies a slot."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getset[] = {
    {"kind", get_kind, NULL, "Kind of model, a row of models.def.", NULL},
    {"config", get_config, NULL, "Every option and its value.", NULL},
    {"params", get_params, NULL, "All parameters, one flat writable array.", NULL},
    {"grads", get_grads, NULL, "All gradients, laid out as params.", NULL},
    {"n_params", get_n_params, NULL, "Numbers to train, without padding.", NULL},
    {"bytes", get_bytes, NULL, "Bytes of activations, shard gradients and caches.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)model_new},
    {Py_tp_dealloc, (void *)model_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {Py_tp_doc, (void *)"Model(kind, config, seed=0)\n--\n\nA graph and its weights."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "recursionlab._core.Model",
    .basicsize = sizeof(py_model),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

/* ---- kinds ----------------------------------------------------------------------------------- */

static PyObject *
py_model_kinds(PyObject *module, PyObject *unused) {
    PyObject *list = PyList_New(0);
    (void)module;
    (void)unused;
    for (int32_t i = 0; list && rlab_model_kind_at(i); i++) {
        PyObject *name = PyUnicode_FromString(rlab_model_kind_at(i)->name);
        if (!name || PyList_Append(list, name) < 0)
            Py_CLEAR(list);
        Py_XDECREF(name);
    }
    return list;
}

static PyObject *
py_model_options(PyObject *module, PyObject *arg) {
    rlab_py_state *state = rlab_py_state_of(module);
    const rlab_model_kind *kind = NULL;
    const char *name = PyUnicode_AsUTF8(arg);
    PyObject *list;
    rlab_ctx ctx;
    if (!name)
        return NULL;
    rlab_ctx_init(&ctx);
    if (rlab_model_kind_find(&ctx, &kind, name) != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    list = PyList_New(0);
    for (const rlab_option *o = kind->options; list && o->name; o++) {
        PyObject *row = Py_BuildValue("(sNddzs)", o->name, option_value(o, o->start), o->least,
                                      o->most, o->choices, o->help);
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

/* Lays a model out without weights, to hear what is wrong with a configuration. */
static PyObject *
py_model_check(PyObject *module, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of(module);
    const rlab_model_kind *kind = NULL;
    const char *name;
    PyObject *dict;
    rlab_config config;
    rlab_roles roles;
    rlab_graph *graph = NULL;
    rlab_ctx ctx;
    if (!PyArg_ParseTuple(args, "sO!:model_check", &name, &PyDict_Type, &dict))
        return NULL;
    rlab_ctx_init(&ctx);
    if (rlab_model_kind_find(&ctx, &kind, name) != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    rlab_config_init(&config, kind);
    if (set_options(state, &config, kind, dict) < 0)
        return NULL;
    if (rlab_graph_new(&ctx, &graph) == RLAB_OK)
        kind->layout(&ctx, &roles, graph, &config);
    rlab_graph_free(graph);
    if (ctx.status != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"model_kinds", py_model_kinds, METH_NOARGS,
     "model_kinds()\n--\n\nNames of the kinds of models."},
    {"model_options", py_model_options, METH_O,
     "model_options(kind, /)\n--\n\n"
     "Rows (name, default, least, most, choices, help) of a kind's options."},
    {"model_check", py_model_check, METH_VARARGS,
     "model_check(kind, config, /)\n--\n\nRaises what is wrong with a configuration."},
    {NULL, NULL, 0, NULL},
};

int
rlab_py_model_register(PyObject *module) {
    if (rlab_py_add_functions(module, functions) < 0)
        return -1;
    return rlab_py_add_type(module, &spec, RLAB_PY_MODEL);
}
