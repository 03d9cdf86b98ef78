/* _core.Trace: the steps of a reduction, taken one by one; terms are put together only when asked
 * for. */
#include "python/lang.h"

#include <string.h>

typedef struct rlab_py_trace {
    PyObject_HEAD rlab_py_program *program;
    rlab_py_box *box; /* its own; its lock guards the reducer too */
    rlab_reducer *reducer;
    uint32_t traced;
    long long every;
    long long steps; /* taken so far */
    bool done;
} rlab_py_trace;

static const char *const granularities[] = {"contraction", "equation", "call"};

static const char *const strategies[] = {"cbv", "cbn", "parallel"};

/* The place of `name` among three names, or -1 with InputError. */
static int
one_of(rlab_py_state *state, const char *name, const char *const names[3], const char *what) {
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    PyErr_Format(state->exceptions[RLAB_EVALUE], "%s: expected '%s', '%s' or '%s', got '%.60s'",
                 what, names[0], names[1], names[2], name);
    return -1;
}

int
rlab_py_granularity(rlab_py_state *state, const char *name, rlab_granularity *out) {
    int i = one_of(state, name, granularities, "granularity");
    *out = (rlab_granularity)(i < 0 ? 0 : i);
    return i < 0 ? -1 : 0;
}

int
rlab_py_strategy(rlab_py_state *state, const char *name, rlab_strategy *out) {
    int i = one_of(state, name, strategies, "strategy");
    *out = (rlab_strategy)(i < 0 ? 0 : i);
    return i < 0 ? -1 : 0;
}

PyObject *
rlab_py_trace_new(rlab_py_state *state, rlab_py_program *program, PyObject *args,
                  PyObject *kwargs) {
    static const char *const keys[] = {"term",  "granularity", "strategy", "function",
                                       "every", "steps",       "nodes",    NULL};
    PyTypeObject *type = state->types[RLAB_PY_TRACE];
    const char *granularity = "contraction", *order = "cbv";
    PyObject *object;
    long long function = -1, every = 1, steps = 0, nodes = 0;
    rlab_granularity kind;
    rlab_strategy strategy;
    rlab_py_term *term;
    rlab_py_trace *self;
    rlab_term start;
    uint32_t traced, group = UINT32_MAX;
    rlab_budget budget;
    rlab_ctx ctx;
    rlab_status status;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$ssLLLL:trace", (char **)keys, &object,
                                     &granularity, &order, &function, &every, &steps, &nodes) ||
        !(term = rlab_py_term_check(state, program, object, "term")) ||
        rlab_py_granularity(state, granularity, &kind) < 0 ||
        rlab_py_strategy(state, order, &strategy) < 0 ||
        rlab_py_global(state, &traced, program, function, true) < 0)
        return NULL;
    if (every < 1) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "every: expected at least 1, got %lld", every);
        return NULL;
    }
    if (!(self = (rlab_py_trace *)type->tp_alloc(type, 0)))
        return NULL;
    Py_INCREF(program);
    self->program = program;
    self->traced = kind == RLAB_CALL ? traced : UINT32_MAX;
    self->every = every;
    if (!(self->box = rlab_py_box_new(state, program)) ||
        rlab_py_term_into(state, &start, self->box, term) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    if (traced != UINT32_MAX)
        group = program->program->globals.at[traced].group;
    budget = rlab_py_budget(steps, nodes);
    self->box->store.limit = nodes > 0 ? (uint64_t)nodes + program->program->store.nodes.len : 0;
    rlab_py_ctx_init(&ctx);
    Py_BEGIN_ALLOW_THREADS status = rlab_reducer_new(&ctx, &self->reducer, &self->box->store, start,
                                                     strategy, kind, group, budget);
    Py_END_ALLOW_THREADS if (status != RLAB_OK) {
        Py_DECREF(self);
        return rlab_py_raise(state, &ctx);
    }
    return (PyObject *)self;
}

static void
trace_dealloc(rlab_py_trace *self) {
    PyTypeObject *type = Py_TYPE(self);
    rlab_reducer_free(self->reducer);
    rlab_py_box_drop(self->box);
    Py_XDECREF(self->program);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
term_of(rlab_py_state *state, rlab_py_trace *self, rlab_term term) {
    PyObject *result;
    self->box->refs++;
    result = rlab_py_term_new(state, self->program, self->box, term);
    if (result)
        ((rlab_py_term *)result)->traced = self->traced;
    return result;
}

static PyObject *
trace_term(rlab_py_trace *self, void *unused) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    rlab_term term;
    rlab_ctx ctx;
    rlab_status status;
    (void)unused;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(self->box->lock);
    Py_BEGIN_ALLOW_THREADS status = rlab_reducer_term(&ctx, &term, self->reducer);
    Py_END_ALLOW_THREADS PyThread_release_lock(self->box->lock);
    return status == RLAB_OK ? term_of(state, self, term) : rlab_py_raise(state, &ctx);
}

/* Whatever the last step took in bulk is run again for its redex: rule and function too. -1:
 * raised.
 */
static int
last_step(rlab_py_trace *self, rlab_rule *rule, uint32_t *function) {
    rlab_ctx ctx;
    rlab_status status;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(self->box->lock);
    Py_BEGIN_ALLOW_THREADS status = rlab_reducer_last(&ctx, rule, function, self->reducer);
    Py_END_ALLOW_THREADS PyThread_release_lock(self->box->lock);
    if (status == RLAB_OK)
        return 0;
    rlab_py_raise(rlab_py_state_of_type(Py_TYPE(self)), &ctx);
    return -1;
}

static PyObject *
trace_position(rlab_py_trace *self, void *unused) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    const int32_t *position = NULL;
    size_t len = 0;
    rlab_ctx ctx;
    rlab_status status;
    PyObject *tuple;
    (void)unused;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(self->box->lock);
    Py_BEGIN_ALLOW_THREADS status = rlab_reducer_position(&ctx, &position, &len, self->reducer);
    Py_END_ALLOW_THREADS tuple =
        status == RLAB_OK ? PyTuple_New((Py_ssize_t)len) : rlab_py_raise(state, &ctx);
    for (size_t i = 0; tuple && i < len; i++) {
        PyObject *item = PyLong_FromLong(position[i]);
        if (!item)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, item);
    }
    PyThread_release_lock(self->box->lock);
    return tuple;
}

/* Takes up to `count` steps; the number taken, or -1 raised. */
static long long
take(rlab_py_state *state, rlab_py_trace *self, long long count) {
    uint64_t taken = 0;
    rlab_ctx ctx;
    rlab_status status = RLAB_OK;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(self->box->lock);
    if (count > 0 && !self->done) {
        Py_BEGIN_ALLOW_THREADS status =
            rlab_reducer_run(&ctx, &taken, &self->done, self->reducer, (uint64_t)count);
        Py_END_ALLOW_THREADS
    }
    self->steps += (long long)taken;
    PyThread_release_lock(self->box->lock);
    if (status == RLAB_OK)
        return (long long)taken;
    rlab_py_raise(state, &ctx);
    return -1;
}

static PyObject *
trace_advance(rlab_py_trace *self, PyObject *args) {
    long long count = 1, taken;
    if (!PyArg_ParseTuple(args, "|L:advance", &count))
        return NULL;
    taken = take(rlab_py_state_of_type(Py_TYPE(self)), self, count);
    return taken < 0 ? NULL : PyLong_FromLongLong(taken);
}

static PyObject *
trace_rule(rlab_py_trace *self, void *unused) {
    rlab_rule rule;
    uint32_t function;
    (void)unused;
    if (!self->steps)
        Py_RETURN_NONE;
    return last_step(self, &rule, &function) < 0 ? NULL
                                                 : PyUnicode_FromString(rlab_rule_name(rule));
}

static PyObject *
trace_function(rlab_py_trace *self, void *unused) {
    rlab_rule rule;
    uint32_t function;
    (void)unused;
    if (!self->steps)
        Py_RETURN_NONE;
    if (last_step(self, &rule, &function) < 0)
        return NULL;
    if (function == UINT32_MAX)
        Py_RETURN_NONE;
    return PyUnicode_FromString(rlab_program_global_name(self->program->program, function));
}

static PyObject *
trace_steps(rlab_py_trace *self, void *unused) {
    (void)unused;
    return PyLong_FromLongLong(self->steps);
}

/* (rule, function, position, before, after) of the next `every` steps; rule and place of the first.
 */
static PyObject *
trace_next(rlab_py_trace *self) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyObject *before, *rule, *function, *position, *after;
    long long taken;
    if (self->done || !(before = trace_term(self, NULL)))
        return NULL;
    taken = take(state, self, 1);
    if (taken < 1) {
        Py_DECREF(before);
        return NULL;
    }
    rule = trace_rule(self, NULL);
    function = trace_function(self, NULL);
    position = trace_position(self, NULL);
    after = rule && function && position &&
                    (self->every == 1 || take(state, self, self->every - 1) >= 0)
                ? trace_term(self, NULL)
                : NULL;
    if (!after) {
        Py_XDECREF(rule);
        Py_XDECREF(function);
        Py_XDECREF(position);
        Py_DECREF(before);
        return NULL;
    }
    return Py_BuildValue("(NNNNN)", rule, function, position, before, after);
}

static PyObject *
trace_iter(PyObject *self) {
    return Py_NewRef(self);
}

/* ---- judging -------------------------------------------------------------------------------- */

static PyObject *
judged_tuple(rlab_py_state *state, rlab_py_program *program, rlab_py_box *box,
             const rlab_judged *judged) {
    PyObject *position = PyTuple_New((Py_ssize_t)judged->position.len), *expected;
    for (size_t i = 0; position && i < judged->position.len; i++) {
        PyObject *item = PyLong_FromLong(judged->position.at[i]);
        if (!item)
            Py_CLEAR(position);
        else
            PyTuple_SET_ITEM(position, (Py_ssize_t)i, item);
    }
    if (!position)
        return NULL;
    box->refs++;
    expected = rlab_py_term_new(state, program, box, judged->expected);
    if (!expected) {
        Py_DECREF(position);
        return NULL;
    }
    return Py_BuildValue("(sKNN)", rlab_verdict_name(judged->verdict),
                         (unsigned long long)judged->steps, position, expected);
}

/* Judges each pair of neighbours; `terms` lie in `box`. */
static PyObject *
judge_all(rlab_py_state *state, rlab_py_program *program, rlab_py_box *box,
          rlab_reducer *const reducers[2], const rlab_ids *terms, rlab_question question) {
    PyObject *list = PyList_New(0);
    rlab_judged judged = {0};
    for (size_t i = 0; list && i + 1 < terms->len; i++) {
        rlab_ctx ctx;
        rlab_status status;
        PyObject *item;
        question.before = terms->at[i];
        question.after = terms->at[i + 1];
        rlab_py_ctx_init(&ctx);
        rlab_py_lock(box->lock);
        Py_BEGIN_ALLOW_THREADS status =
            rlab_trace_judge(&ctx, &judged, reducers[0], reducers[1], &question);
        Py_END_ALLOW_THREADS PyThread_release_lock(box->lock);
        item = status == RLAB_OK ? judged_tuple(state, program, box, &judged)
                                 : rlab_py_raise(state, &ctx);
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    rlab_vec_free(&judged.position);
    return list;
}

PyObject *
rlab_py_check_trace(rlab_py_state *state, rlab_py_program *program, PyObject *args,
                    PyObject *kwargs) {
    static const char *const keys[] = {"terms",     "granularity", "strategy", "function", "every",
                                       "lookahead", "steps",       "nodes",    NULL};
    const char *granularity = "contraction", *order = "cbv";
    PyObject *object, *fast = NULL, *result = NULL;
    long long function = -1, every = 1, lookahead = 16, steps = 0, nodes = 0;
    rlab_granularity kind;
    rlab_strategy strategy;
    rlab_reducer *reducers[2] = {NULL, NULL};
    rlab_ids terms = {0};
    rlab_py_box *box = NULL;
    uint32_t traced, group;
    rlab_question question = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$ssLLLLL:check_trace", (char **)keys, &object,
                                     &granularity, &order, &function, &every, &lookahead, &steps,
                                     &nodes) ||
        rlab_py_sealed(state, program) < 0 || rlab_py_granularity(state, granularity, &kind) < 0 ||
        rlab_py_strategy(state, order, &strategy) < 0 ||
        rlab_py_global(state, &traced, program, function, true) < 0)
        return NULL;
    if (every < 1 || lookahead < 0) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "%s: expected at least %d, got %lld",
                     every < 1 ? "every" : "lookahead", every < 1, every < 1 ? every : lookahead);
        return NULL;
    }
    question.every = (uint64_t)every;
    question.lookahead = (uint64_t)lookahead;
    group = traced == UINT32_MAX ? UINT32_MAX : program->program->globals.at[traced].group;
    if (!(fast = PySequence_Fast(object, "terms: expected a sequence of Terms")) ||
        !(box = rlab_py_box_new(state, program)))
        goto done;
    box->store.limit = nodes > 0 ? (uint64_t)nodes + program->program->store.nodes.len : 0;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast); i++) {
        rlab_py_term *from =
            rlab_py_term_check(state, program, PySequence_Fast_GET_ITEM(fast, i), "terms");
        rlab_term term;
        if (!from || rlab_py_term_into(state, &term, box, from) < 0 ||
            rlab_py_push_id(state, &terms, term) < 0)
            goto done;
    }
    for (int i = 0; i < 2; i++) {
        /* Any value serves to begin with: each question starts the reducers anew. */
        rlab_ctx ctx;
        rlab_term var = 0, start = 0;
        rlab_ctx_init(&ctx);
        if (rlab_term_intern(&ctx, &var, &box->store, RLAB_VAR, 0, NULL, 0, 0) != RLAB_OK ||
            rlab_term_intern(&ctx, &start, &box->store, RLAB_LAM, 0, &var, 1, 0) != RLAB_OK ||
            rlab_reducer_new(&ctx, &reducers[i], &box->store, start, strategy, kind, group,
                             rlab_py_budget(steps, nodes)) != RLAB_OK) {
            rlab_py_raise(state, &ctx);
            goto done;
        }
    }
    result = judge_all(state, program, box, reducers, &terms, question);
done:
    rlab_reducer_free(reducers[0]);
    rlab_reducer_free(reducers[1]);
    rlab_vec_free(&terms);
    rlab_py_box_drop(box);
    Py_XDECREF(fast);
    return result;
}

static PyMethodDef trace_methods[] = {
    {"advance", (PyCFunction)trace_advance, METH_VARARGS,
     "advance(count=1, /)\n--\n\nTake steps without putting terms together; how many were taken."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef trace_getset[] = {
    {"term", (getter)trace_term, NULL, "The whole term now.", NULL},
    {"rule", (getter)trace_rule, NULL, "Rule of the last step: delta, beta, iota or zeta.", NULL},
    {"function", (getter)trace_function, NULL, "Name that the last step unfolded, or None.", NULL},
    {"position", (getter)trace_position, NULL,
     "Redex of the last step: argument indices from the root; -1 is the head of an application.",
     NULL},
    {"steps", (getter)trace_steps, NULL, "Steps taken so far.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot trace_slots[] = {
    {Py_tp_dealloc, trace_dealloc},
    {Py_tp_iter, trace_iter},
    {Py_tp_iternext, trace_next},
    {Py_tp_methods, trace_methods},
    {Py_tp_getset, trace_getset},
    {Py_tp_doc, (void *)"Steps of a reduction as (rule, function, position, before, after)."},
    {0, NULL},
};

static PyType_Spec trace_spec = {"recursionlab._core.Trace", sizeof(rlab_py_trace), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                 trace_slots};

int
rlab_py_trace_register(PyObject *module) {
    return rlab_py_add_type(module, &trace_spec, RLAB_PY_TRACE);
}
