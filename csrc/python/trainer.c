/* The Python face of learn: Trainer, teacher forcing, schedules and the order of batches. */
#include "python/py_model.h"

#include "learn/learn.h"

/* A trainer and what it borrows. The model's lock is held while it runs. */
typedef struct trainer_object {
    PyObject_HEAD rlab_trainer *trainer;
    PyObject *keep;       /* tuple: the model and the four arrays */
    rlab_update *history; /* what the last run did */
    size_t history_cap;
    int64_t done; /* updates in it */
} trainer_object;

/* Checks the four arrays of a split and fills `out` from them; they are only borrowed. */
static int
corpus_of(rlab_py_state *state, rlab_corpus *out, const rlab_model *model,
          PyObject *const arrays[4]) {
    static const char *const names[4] = {"input_ids", "input_offsets", "labels", "label_offsets"};
    PyArrayObject *a[4];
    rlab_corpus given = {0};
    rlab_ctx ctx;
    for (int i = 0; i < 4; i++) {
        a[i] = rlab_py_array(state, arrays[i], names[i], i % 2 ? NPY_INT64 : NPY_INT32, 1);
        if (!a[i])
            return -1;
    }
    for (int i = 0; i < 4; i += 2)
        if (rlab_py_check_offsets(state, a[i + 1], names[i + 1], PyArray_DIM(a[i], 0)) < 0)
            return -1;
    if (PyArray_DIM(a[1], 0) != PyArray_DIM(a[3], 0)) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "label_offsets: expected %zd, as many as input_offsets, got %zd",
                     PyArray_DIM(a[1], 0), PyArray_DIM(a[3], 0));
        return -1;
    }
    given.src = PyArray_DATA(a[0]);
    given.src_off = PyArray_DATA(a[1]);
    given.tgt = PyArray_DATA(a[2]);
    given.tgt_off = PyArray_DATA(a[3]);
    given.pairs = PyArray_DIM(a[1], 0) - 1;
    rlab_py_ctx_init(&ctx);
    if (rlab_corpus_init(&ctx, out, &given, model->roles.vocab_size) == RLAB_OK)
        return 0;
    rlab_py_raise(state, &ctx);
    return -1;
}

/* What of the model is learned, from the arguments frozen (o[0]) and adapted (o[1]). */
static int
learned_of(rlab_py_state *state, rlab_learned *out, const rlab_model *model, PyObject *const o[2]) {
    static const char *const names[2] = {"frozen", "adapted"};
    int32_t count = 0;
    rlab_graph_params(model->graph, &count);
    for (int i = 0; i < 2; i++) {
        PyArrayObject *array;
        if (!o[i] || o[i] == Py_None)
            continue;
        array = rlab_py_array(state, o[i], names[i], NPY_UINT8, 1);
        if (!array)
            return -1;
        if (PyArray_DIM(array, 0) != count) {
            PyErr_Format(state->exceptions[RLAB_EVALUE],
                         "%s: expected one mark a parameter (%d), got %zd", names[i], (int)count,
                         PyArray_DIM(array, 0));
            return -1;
        }
        *(i ? &out->adapted : &out->frozen) = PyArray_DATA(array);
    }
    return 0;
}

enum { REQUIRED = 20 }; /* arguments of Trainer, the first of those in config_of's list */

static int
config_of(rlab_py_state *state, rlab_train_config *out, rlab_learned *learned, PyObject *first[7],
          PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {
        "model",        "input_ids", "input_offsets",   "labels",     "label_offsets",
        "steps",        "warmup",    "batch_size",      "shards",     "schedule",
        "lr",           "lr_end",    "beta1",           "beta2",      "eps",
        "weight_decay", "clip",      "label_smoothing", "seed",       "precision",
        "frozen",       "adapted",   "lora_rank",       "lora_alpha", NULL};
    long long steps = 0, warmup = 0, batch_size = 0, shards = 0;
    unsigned long long seed = 0;
    const char *schedule = NULL, *precision = NULL;
    int rank = 1;
    rlab_ctx ctx;
    learned->alpha = 1.0;
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "OOOOO|$LLLLsddddddddKsOOid:Trainer", (char **)(uintptr_t)names,
            &first[0], &first[1], &first[2], &first[3], &first[4], &steps, &warmup, &batch_size,
            &shards, &schedule, &out->lr, &out->lr_end, &out->beta1, &out->beta2, &out->eps,
            &out->weight_decay, &out->clip, &out->smoothing, &seed, &precision, &first[5],
            &first[6], &rank, &learned->alpha))
        return -1;
    for (int i = 5; i < REQUIRED; i++)
        if (!kwargs || !PyDict_GetItemString(kwargs, names[i])) {
            PyErr_Format(state->exceptions[RLAB_ETYPE], "Trainer: the argument '%s' is missing",
                         names[i]);
            return -1;
        }
    learned->rank = rank;
    out->steps = steps;
    out->warmup = warmup;
    out->batch_size = batch_size;
    out->shards = shards;
    out->seed = seed;
    rlab_ctx_init(&ctx);
    if (rlab_schedule_find(&ctx, &out->schedule, schedule) == RLAB_OK &&
        rlab_precision_find(&ctx, &out->precision, precision) == RLAB_OK)
        return 0;
    rlab_py_raise(state, &ctx);
    return -1;
}

static PyObject *
trainer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    rlab_py_state *state = rlab_py_state_of_type(type);
    rlab_train_config config = {0};
    rlab_learned learned = {0};
    PyObject *first[7] = {NULL};
    trainer_object *self;
    rlab_model *model;
    rlab_corpus corpus;
    rlab_ctx ctx;
    if (config_of(state, &config, &learned, first, args, kwargs) < 0)
        return NULL;
    if (!first[4]) {
        PyErr_SetString(state->exceptions[RLAB_ETYPE], "Trainer: expected a model and four arrays");
        return NULL;
    }
    model = rlab_py_model(state, first[0], "model");
    if (!model || corpus_of(state, &corpus, model, first + 1) < 0 ||
        learned_of(state, &learned, model, first + 5) < 0)
        return NULL;
    self = (trainer_object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    rlab_py_ctx_init(&ctx);
    self->keep = PyTuple_Pack(5, first[0], first[1], first[2], first[3], first[4]);
    if (self->keep &&
        rlab_trainer_new(&ctx, &self->trainer, model, &corpus, &config, &learned) == RLAB_OK)
        return (PyObject *)self;
    if (self->keep)
        rlab_py_raise(state, &ctx);
    Py_DECREF(self);
    return NULL;
}

static void
trainer_dealloc(PyObject *object) {
    trainer_object *self = (trainer_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    rlab_trainer_free(self->trainer);
    rlab_free(self->history);
    Py_XDECREF(self->keep);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *
history_column(const trainer_object *self, int column) {
    npy_intp shape = (npy_intp)self->done;
    PyObject *array = PyArray_SimpleNew(1, &shape, column == 4 ? NPY_INT64 : NPY_FLOAT64);
    if (!array)
        return NULL;
    for (int64_t i = 0; i < self->done; i++) {
        const rlab_update *u = &self->history[i];
        const double value[4] = {u->loss, u->grad_norm, u->lr, u->flops};
        if (column == 4)
            ((int64_t *)PyArray_DATA((PyArrayObject *)array))[i] = u->tokens;
        else
            ((double *)PyArray_DATA((PyArrayObject *)array))[i] = value[column];
    }
    return array;
}

static PyObject *
trainer_history(PyObject *object, void *closure) {
    const trainer_object *self = (trainer_object *)object;
    PyObject *tuple = PyTuple_New(5);
    (void)closure;
    for (int i = 0; tuple && i < 5; i++) {
        PyObject *column = history_column(self, i);
        if (!column)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, column);
    }
    return tuple;
}

/* Taps of the next update's batch, or, of several updates, of any batch. The model is locked. */
static int
update_taps(trainer_object *self, rlab_py_taps *taps, PyObject *list, long long count) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    py_model *model = (py_model *)PyTuple_GET_ITEM(self->keep, 0);
    rlab_batch batch;
    rlab_capacity size;
    rlab_ctx ctx;
    memset(&size, 0, sizeof size);
    rlab_ctx_init(&ctx);
    if (count == 1 && list != Py_None) {
        rlab_trainer_gather(self->trainer, &batch);
        if (rlab_capacity_cover(&ctx, &size, model->model->graph, &batch) != RLAB_OK) {
            rlab_py_raise(state, &ctx);
            return -1;
        }
    }
    if (rlab_py_parse_taps(model, taps, list, count == 1 ? &size : NULL) < 0)
        return -1;
    for (int32_t i = 0; i < taps->n; i++)
        if (taps->at[i].kind == RLAB_TAP_CALL) {
            PyErr_SetString(state->exceptions[RLAB_EVALUE],
                            "taps: no functions are called in training; expected scale, fill, "
                            "replace, read or grad");
            return -1;
        }
    return 0;
}

static PyObject *
trainer_run(PyObject *object, PyObject *args) {
    trainer_object *self = (trainer_object *)object;
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(object));
    PyObject *list = Py_None;
    rlab_py_taps taps;
    long long count;
    int threads;
    rlab_status status;
    rlab_ctx ctx;
    if (!PyArg_ParseTuple(args, "Li|O:run", &count, &threads, &list) ||
        rlab_py_threads(state, threads) < 0)
        return NULL;
    if (count < 0 || count > 1 << 24) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "count: expected 0 to %d updates at once, got %lld", 1 << 24, count);
        return NULL;
    }
    rlab_py_ctx_init(&ctx);
    if (rlab_py_model_lock(PyTuple_GET_ITEM(self->keep, 0)) < 0)
        return NULL;
    if (update_taps(self, &taps, list, count) < 0) {
        rlab_py_model_unlock(PyTuple_GET_ITEM(self->keep, 0));
        return NULL;
    }
    self->done = 0;
    status = rlab_grow(&ctx, (void **)&self->history, &self->history_cap, (size_t)count,
                       sizeof *self->history);
    if (status == RLAB_OK) {
        int64_t done = 0;
        Py_BEGIN_ALLOW_THREADS status = rlab_trainer_run(&ctx, self->history, &done, self->trainer,
                                                         taps.at, taps.n, count, threads);
        Py_END_ALLOW_THREADS self->done = done;
    }
    rlab_py_model_unlock(PyTuple_GET_ITEM(self->keep, 0));
    return status == RLAB_OK ? trainer_history(object, NULL) : rlab_py_raise(state, &ctx);
}

static PyObject *
copy_of(const void *data, int64_t count, int dtype) {
    npy_intp shape = (npy_intp)count;
    PyObject *array = PyArray_SimpleNew(1, &shape, dtype);
    if (array && count)
        memcpy(PyArray_DATA((PyArrayObject *)array), data,
               (size_t)PyArray_NBYTES((PyArrayObject *)array));
    return array;
}

static PyObject *
trainer_next_batch(PyObject *object, PyObject *unused) {
    trainer_object *self = (trainer_object *)object;
    const rlab_minibatch *p = &self->trainer->pairs;
    const bool one = self->trainer->model->roles.source == RLAB_NONE;
    PyObject *part[6], *out = NULL;
    rlab_batch batch;
    (void)unused;
    if (rlab_py_model_lock(PyTuple_GET_ITEM(self->keep, 0)) < 0)
        return NULL;
    rlab_trainer_gather(self->trainer, &batch);
    part[0] = copy_of(p->item, p->count, NPY_INT64);
    part[1] = one ? Py_NewRef(Py_None) : copy_of(p->src, p->src_off[p->count], NPY_INT32);
    part[2] = one ? Py_NewRef(Py_None) : copy_of(p->src_off, p->count + 1, NPY_INT64);
    part[3] = copy_of(p->tgt, p->tgt_off[p->count], NPY_INT32);
    part[4] = copy_of(p->tgt_off, p->count + 1, NPY_INT64);
    part[5] = copy_of(p->labels, p->tgt_off[p->count], NPY_INT32);
    rlab_py_model_unlock(PyTuple_GET_ITEM(self->keep, 0));
    if (part[0] && part[1] && part[2] && part[3] && part[4] && part[5])
        out = PyTuple_Pack(6, part[0], part[1], part[2], part[3], part[4], part[5]);
    for (int i = 0; i < 6; i++)
        Py_XDECREF(part[i]);
    return out;
}

/* The adapter, or NULL with an exception. */
static rlab_adapter *
adapter_of(PyObject *object) {
    rlab_adapter *adapter = ((trainer_object *)object)->trainer->adapter;
    if (!adapter)
        PyErr_SetString(rlab_py_state_of_type(Py_TYPE(object))->exceptions[RLAB_EVALUE],
                        "adapter: this trainer has no low-rank updates");
    return adapter;
}

enum { ADAPTER, ADAPTER_EXP_AVG, ADAPTER_EXP_AVG_SQ, ADAPTER_BASE };

static PyObject *
trainer_adapter(PyObject *object, void *which) {
    rlab_adapter *a = adapter_of(object);
    float *at[4];
    npy_intp shape;
    if (!a)
        return NULL;
    at[ADAPTER] = a->optimizer.w;
    at[ADAPTER_EXP_AVG] = a->optimizer.m;
    at[ADAPTER_EXP_AVG_SQ] = a->optimizer.v;
    at[ADAPTER_BASE] = a->base;
    shape = (npy_intp)((intptr_t)which == ADAPTER_BASE ? a->base_size : a->optimizer.size);
    return rlab_py_view(object, at[(intptr_t)which], NPY_FLOAT32, 1, &shape, true);
}

static PyObject *
trainer_adapter_layout(PyObject *object, PyObject *unused) {
    rlab_adapter *a = adapter_of(object);
    PyObject *list = a ? PyList_New(0) : NULL;
    (void)unused;
    for (int32_t i = 0; list && i < a->n; i++) {
        const rlab_adapted *part = &a->part[i];
        const rlab_param *p = &rlab_graph_params(a->model->graph, NULL)[part->param];
        PyObject *row =
            Py_BuildValue("(siiinnn)", p->name, (int)p->rows, (int)p->cols, (int)a->rank,
                          (Py_ssize_t)part->a, (Py_ssize_t)part->b, (Py_ssize_t)part->base);
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

static PyObject *
trainer_merge(PyObject *object, PyObject *unused) {
    rlab_adapter *a = adapter_of(object);
    (void)unused;
    if (!a)
        return NULL;
    rlab_py_model_lock(PyTuple_GET_ITEM(((trainer_object *)object)->keep, 0));
    rlab_adapter_merge(a);
    rlab_py_model_unlock(PyTuple_GET_ITEM(((trainer_object *)object)->keep, 0));
    Py_RETURN_NONE;
}

static PyObject *
trainer_see(PyObject *object, PyObject *args) {
    rlab_trainer *t = ((trainer_object *)object)->trainer;
    long long first, last, since;
    if (!PyArg_ParseTuple(args, "LLL:see", &first, &last, &since))
        return NULL;
    if (first < 0 || last <= first || last > t->corpus.pairs || since < 0) {
        PyErr_Format(rlab_py_state_of_type(Py_TYPE(object))->exceptions[RLAB_EVALUE],
                     "see: expected 0 <= first < last <= %lld and an update of at least 0, got "
                     "%lld, %lld and %lld",
                     (long long)t->corpus.pairs, first, last, since);
        return NULL;
    }
    t->seen_first = first;
    t->seen_last = last;
    t->since = since;
    Py_RETURN_NONE;
}

static PyObject *
trainer_moments(PyObject *object, void *second) {
    const rlab_optimizer *o = &((trainer_object *)object)->trainer->optimizer;
    npy_intp shape = (npy_intp)o->size;
    return rlab_py_view(object, second ? o->v : o->m, NPY_FLOAT32, 1, &shape, true);
}

static PyObject *
trainer_step(PyObject *object, void *closure) {
    (void)closure;
    return PyLong_FromLongLong(((trainer_object *)object)->trainer->step);
}

static int
trainer_set_step(PyObject *object, PyObject *value, void *closure) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(object));
    long long step = value ? PyLong_AsLongLong(value) : -1;
    (void)closure;
    if (PyErr_Occurred())
        return -1;
    if (step < 0) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "step: expected at least 0, got %lld", step);
        return -1;
    }
    ((trainer_object *)object)->trainer->step = step;
    return 0;
}

static PyObject *
py_teacher_forced(PyObject *module, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of(module);
    PyObject *object, *arrays[4], *list = Py_None;
    rlab_model *model;
    rlab_corpus corpus;
    rlab_py_taps taps;
    rlab_score score;
    rlab_status status;
    rlab_ctx ctx;
    int threads;
    if (!PyArg_ParseTuple(args, "OOOOOi|O:teacher_forced", &object, &arrays[0], &arrays[1],
                          &arrays[2], &arrays[3], &threads, &list) ||
        rlab_py_threads(state, threads) < 0)
        return NULL;
    model = rlab_py_model(state, object, "model");
    if (!model || corpus_of(state, &corpus, model, arrays) < 0 ||
        rlab_py_parse_taps((py_model *)object, &taps, list, NULL) < 0)
        return NULL;
    rlab_py_ctx_init(&ctx);
    if (rlab_py_model_lock(object) < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS status =
        rlab_teacher_forced(&ctx, &score, model, &corpus, taps.at, taps.n, threads);
    Py_END_ALLOW_THREADS rlab_py_model_unlock(object);
    if (status != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    return Py_BuildValue("{s:d,s:L,s:L,s:L,s:L}", "loss", score.loss, "tokens",
                         (long long)score.tokens, "right", (long long)score.right, "pairs",
                         (long long)score.pairs, "exact", (long long)score.exact);
}

static PyObject *
py_learning_rate(PyObject *module, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of(module);
    rlab_train_config config = {.eps = 1.0, .batch_size = 1, .shards = 1};
    long long steps, warmup, step;
    const char *schedule;
    rlab_ctx ctx;
    if (!PyArg_ParseTuple(args, "sLLddL:learning_rate", &schedule, &steps, &warmup, &config.lr,
                          &config.lr_end, &step))
        return NULL;
    config.steps = steps;
    config.warmup = warmup;
    rlab_ctx_init(&ctx);
    if (rlab_schedule_find(&ctx, &config.schedule, schedule) != RLAB_OK ||
        rlab_train_config_check(&ctx, &config) != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    if (step < 0) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "step: expected at least 0, got %lld", step);
        return NULL;
    }
    return PyFloat_FromDouble(rlab_schedule_lr(&config, step));
}

static PyObject *
py_batch_items(PyObject *module, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of(module);
    long long pairs, batch_size, step;
    unsigned long long seed;
    npy_intp shape;
    PyObject *out, *part;
    int64_t count;
    if (!PyArg_ParseTuple(args, "LLKL:batch_items", &pairs, &batch_size, &seed, &step))
        return NULL;
    if (pairs < 1 || batch_size < 1 || batch_size > 1 << 24 || step < 0) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "batch_items: expected pairs >= 1, 1 <= batch_size <= 2^24 and step >= 0, "
                     "got %lld, %lld and %lld",
                     pairs, batch_size, step);
        return NULL;
    }
    shape = (npy_intp)batch_size;
    out = PyArray_SimpleNew(1, &shape, NPY_INT64);
    if (!out)
        return NULL;
    count = rlab_batch_items(PyArray_DATA((PyArrayObject *)out), pairs, batch_size, seed, step);
    part = PySequence_GetSlice(out, 0, (Py_ssize_t)count);
    Py_DECREF(out);
    return part;
}

static PyMethodDef trainer_methods[] = {
    {"run", trainer_run, METH_VARARGS,
     "run(count, threads, taps=None, /)\n--\n\n"
     "Make up to `count` updates; return (loss, grad_norm, lr, flops, tokens) of each. Taps act in "
     "all of them: scale and fill at places; of one update, any."},
    {"next_batch", trainer_next_batch, METH_NOARGS,
     "next_batch()\n--\n\n"
     "(items, source, source offsets, target, target offsets, labels) of the next update."},
    {"see", trainer_see, METH_VARARGS,
     "see(first, last, since, /)\n--\n\n"
     "Learn the pairs [first, last) alone, in epochs that begin with update `since`."},
    {"adapter_layout", trainer_adapter_layout, METH_NOARGS,
     "adapter_layout()\n--\n\n"
     "(name, rows, columns, rank, place of A, of B, of the base) of each adapted matrix."},
    {"merge", trainer_merge, METH_NOARGS,
     "merge()\n--\n\n"
     "Write base + scale B A into the model, after the adapter was written."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef trainer_fields[] = {
    {"step", trainer_step, trainer_set_step, "Updates made so far.", NULL},
    {"history", trainer_history, NULL,
     "(loss, grad_norm, lr, flops, tokens) of the updates of the last run, also of one that "
     "failed.",
     NULL},
    {"exp_avg", trainer_moments, NULL, "AdamW's first moment, (P,) float32, a view.", NULL},
    {"exp_avg_sq", trainer_moments, NULL, "AdamW's second moment, (P,) float32, a view.",
     (void *)1},
    {"adapter", trainer_adapter, NULL, "A and B of all low-rank updates, (Q,) float32, a view.",
     (void *)ADAPTER},
    {"adapter_exp_avg", trainer_adapter, NULL, "Their first moment, (Q,) float32, a view.",
     (void *)ADAPTER_EXP_AVG},
    {"adapter_exp_avg_sq", trainer_adapter, NULL, "Their second moment, (Q,) float32, a view.",
     (void *)ADAPTER_EXP_AVG_SQ},
    {"adapter_base", trainer_adapter, NULL,
     "The adapted matrices without their updates, flat float32, a view.", (void *)ADAPTER_BASE},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot trainer_slots[] = {
    {Py_tp_new, (void *)trainer_new},
    {Py_tp_dealloc, (void *)trainer_dealloc},
    {Py_tp_methods, trainer_methods},
    {Py_tp_getset, trainer_fields},
    {Py_tp_doc, (void *)(uintptr_t)"Trainer(model, input_ids, input_offsets, labels, "
                                   "label_offsets, **config)\n--\n\n"
                                   "A model learning a packed split, one update after another."},
    {0, NULL},
};

static PyType_Spec trainer_spec = {
    .name = "recursionlab._core.Trainer",
    .basicsize = sizeof(trainer_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = trainer_slots,
};

static PyMethodDef functions[] = {
    {"teacher_forced", py_teacher_forced, METH_VARARGS,
     "teacher_forced(model, input_ids, input_offsets, labels, label_offsets, threads, taps=None, "
     "/)\n--\n\n"
     "Sums over a split: loss, tokens, right, pairs, exact; under taps of any batch."},
    {"learning_rate", py_learning_rate, METH_VARARGS,
     "learning_rate(schedule, steps, warmup, lr, lr_end, step, /)\n--\n\n"
     "The learning rate of an update, counted from 0."},
    {"batch_items", py_batch_items, METH_VARARGS,
     "batch_items(pairs, batch_size, seed, step, /)\n--\n\n"
     "The items of the batch of an update, int64."},
    {NULL, NULL, 0, NULL},
};

int
rlab_py_trainer_register(PyObject *module) {
    if (rlab_py_add_type(module, &trainer_spec, RLAB_PY_TRAINER) < 0)
        return -1;
    return rlab_py_add_functions(module, functions);
}
