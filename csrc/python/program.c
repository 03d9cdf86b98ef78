/* _core.Program: built by the front end through postfix code, then sealed; evaluates terms. */
#include "python/lang.h"

#define BOX_NODES                                                                                  \
    (1 << 20) /* a box with more terms than this takes no new ones from the program                \
               */
#define EXPR_DEPTH 200

void
rlab_py_lock(PyThread_type_lock lock) {
    if (PyThread_acquire_lock(lock, NOWAIT_LOCK))
        return;
    Py_BEGIN_ALLOW_THREADS PyThread_acquire_lock(lock, WAIT_LOCK);
    Py_END_ALLOW_THREADS
}

rlab_budget
rlab_py_budget(long long steps, long long nodes) {
    rlab_budget budget = {steps > 0 ? (uint64_t)steps : RLAB_BUDGET_STEPS,
                          nodes > 0 ? (uint64_t)nodes : RLAB_BUDGET_NODES};
    return budget;
}

/* ---- boxes ---------------------------------------------------------------------------------- */

rlab_py_box *
rlab_py_box_new(rlab_py_state *state, rlab_py_program *program) {
    rlab_ctx ctx;
    rlab_py_box *box = PyMem_Calloc(1, sizeof *box);
    rlab_ctx_init(&ctx);
    if (!box || !(box->lock = PyThread_allocate_lock())) {
        PyMem_Free(box);
        PyErr_NoMemory();
        return NULL;
    }
    if (rlab_store_init(&ctx, &box->store, program->program) != RLAB_OK) {
        PyThread_free_lock(box->lock);
        PyMem_Free(box);
        rlab_py_raise(state, &ctx);
        return NULL;
    }
    box->refs = 1;
    return box;
}

void
rlab_py_box_drop(rlab_py_box *box) {
    if (!box || --box->refs > 0)
        return;
    rlab_store_free(&box->store);
    PyThread_free_lock(box->lock);
    PyMem_Free(box);
}

rlab_py_box *
rlab_py_box_current(rlab_py_state *state, rlab_py_program *program) {
    size_t base = program->program->store.nodes.len;
    /* A stale length is harmless here: it only decides where new terms go. */
    if (!program->box || program->box->store.nodes.len > base + BOX_NODES) {
        rlab_py_box *box = rlab_py_box_new(state, program);
        if (!box)
            return NULL;
        rlab_py_box_drop(program->box);
        program->box = box;
    }
    program->box->refs++;
    return program->box;
}

/* ---- building ------------------------------------------------------------------------------- */

int
rlab_py_sealed(rlab_py_state *state, const rlab_py_program *program) {
    if (program->program->sealed)
        return 0;
    PyErr_SetString(state->exceptions[RLAB_EVALUE], "program: call seal() first");
    return -1;
}

int
rlab_py_push_id(rlab_py_state *state, rlab_ids *ids, uint32_t id) {
    rlab_ctx ctx;
    rlab_ctx_init(&ctx);
    if (rlab_vec_reserve(&ctx, ids, ids->len + 1) != RLAB_OK) {
        rlab_py_raise(state, &ctx);
        return -1;
    }
    ids->at[ids->len++] = id;
    return 0;
}

int
rlab_py_global(rlab_py_state *state, uint32_t *out, const rlab_py_program *program,
               long long global, bool optional) {
    if (optional && global == -1) {
        *out = UINT32_MAX;
        return 0;
    }
    if (global < 0 || (size_t)global >= program->program->globals.len) {
        PyErr_Format(state->exceptions[RLAB_EINDEX],
                     "function: expected an index in [0, %zu), got %lld",
                     program->program->globals.len, global);
        return -1;
    }
    *out = (uint32_t)global;
    return 0;
}

static int
fail_expr(rlab_py_state *state, const char *name, PyObject *expr) {
    PyErr_Format(
        state->exceptions[RLAB_ETYPE],
        "%s: expected a type expression (an int, a tuple (type, arguments..) or ('fun', a, b)), "
        "got %.80R",
        name, expr);
    return -1;
}

static int
type_expr(rlab_py_state *state, rlab_ids *out, PyObject *expr, const char *name, int depth) {
    Py_ssize_t n;
    PyObject *head;
    unsigned long id;
    if (PyLong_Check(expr)) {
        id = PyLong_AsUnsignedLong(expr);
        if (PyErr_Occurred() || id >= RLAB_TX_FUN)
            return PyErr_Clear(), fail_expr(state, name, expr);
        return rlab_py_push_id(state, out, RLAB_TX_VAR | (uint32_t)id);
    }
    if (!PyTuple_Check(expr) || (n = PyTuple_GET_SIZE(expr)) < 1)
        return fail_expr(state, name, expr);
    if (depth > EXPR_DEPTH) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "%s: a type expression nests deeper than %d",
                     name, EXPR_DEPTH);
        return -1;
    }
    head = PyTuple_GET_ITEM(expr, 0);
    for (Py_ssize_t i = 1; i < n; i++)
        if (type_expr(state, out, PyTuple_GET_ITEM(expr, i), name, depth + 1) < 0)
            return -1;
    if (PyUnicode_Check(head) && PyUnicode_CompareWithASCIIString(head, "fun") == 0 && n == 3)
        return rlab_py_push_id(state, out, RLAB_TX_FUN);
    if (!PyLong_Check(head))
        return fail_expr(state, name, expr);
    id = PyLong_AsUnsignedLong(head);
    if (PyErr_Occurred() || id >= RLAB_TX_FUN)
        return PyErr_Clear(), fail_expr(state, name, expr);
    return rlab_py_push_id(state, out, (uint32_t)id);
}

int
rlab_py_type_expr(rlab_py_state *state, rlab_ids *out, PyObject *expr, const char *name) {
    return type_expr(state, out, expr, name, 0);
}

/* A sequence of type expressions: all words to `tx`, the end of each to `ends`. */
static int
type_exprs(rlab_py_state *state, rlab_ids *tx, rlab_ids *ends, PyObject *list, const char *name) {
    PyObject *fast = PySequence_Fast(list, "expected a sequence of type expressions");
    if (!fast)
        return -1;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast); i++)
        if (rlab_py_type_expr(state, tx, PySequence_Fast_GET_ITEM(fast, i), name) < 0 ||
            rlab_py_push_id(state, ends, (uint32_t)tx->len) < 0) {
            Py_DECREF(fast);
            return -1;
        }
    Py_DECREF(fast);
    return 0;
}

static PyObject *
program_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    rlab_py_program *self;
    rlab_ctx ctx;
    static const char *const keys[] = {NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, ":Program", (char **)keys))
        return NULL;
    self = (rlab_py_program *)type->tp_alloc(type, 0);
    rlab_ctx_init(&ctx);
    if (!self)
        return NULL;
    if (!(self->lock = PyThread_allocate_lock())) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    if (rlab_program_new(&ctx, &self->program) != RLAB_OK) {
        Py_DECREF(self);
        return rlab_py_raise(rlab_py_state_of_type(type), &ctx);
    }
    return (PyObject *)self;
}

static void
program_dealloc(rlab_py_program *self) {
    PyTypeObject *type = Py_TYPE(self);
    rlab_py_box_drop(self->box);
    rlab_program_free(self->program);
    if (self->lock)
        PyThread_free_lock(self->lock);
    type->tp_free(self);
    Py_DECREF(type);
}

/* Every building step: run `call` on ctx; raise, or go on. The GIL stays: these are short. */
#define BUILD(call)                                                                                \
    do {                                                                                           \
        rlab_ctx_init(&ctx);                                                                       \
        if ((call) != RLAB_OK) {                                                                   \
            rlab_py_raise(state, &ctx);                                                            \
            goto fail;                                                                             \
        }                                                                                          \
    } while (0)

static PyObject *
program_add_type(rlab_py_program *self, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    const char *name, *notation;
    unsigned int params;
    uint32_t id = 0;
    rlab_ctx ctx;
    if (!PyArg_ParseTuple(args, "sIs:add_type", &name, &params, &notation))
        return NULL;
    BUILD(rlab_program_add_type(&ctx, &id, self->program, name, params, notation));
    return PyLong_FromUnsignedLong(id);
fail:
    return NULL;
}

static PyObject *
program_add_constructor(rlab_py_program *self, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    const char *name;
    unsigned int type;
    PyObject *list, *result = NULL;
    rlab_ids tx = {0}, ends = {0};
    uint32_t id = 0;
    rlab_ctx ctx;
    if (!PyArg_ParseTuple(args, "IsO:add_constructor", &type, &name, &list) ||
        type_exprs(state, &tx, &ends, list, name) < 0)
        goto fail;
    BUILD(rlab_program_add_ctor(&ctx, &id, self->program, type, name, tx.at, ends.at,
                                (uint32_t)ends.len));
    result = PyLong_FromUnsignedLong(id);
fail:
    rlab_vec_free(&tx);
    rlab_vec_free(&ends);
    return result;
}

static PyObject *
program_add_global(rlab_py_program *self, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    const char *name;
    unsigned int n_args, group, vars;
    int struct_arg;
    PyObject *list, *result_type, *result = NULL;
    rlab_ids tx = {0}, ends = {0};
    uint32_t id = 0;
    rlab_ctx ctx;
    if (!PyArg_ParseTuple(args, "sIiI(IOO):add_global", &name, &n_args, &struct_arg, &group, &vars,
                          &list, &result_type) ||
        type_exprs(state, &tx, &ends, list, name) < 0 ||
        rlab_py_type_expr(state, &tx, result_type, name) < 0 ||
        rlab_py_push_id(state, &ends, (uint32_t)tx.len) < 0)
        goto fail;
    BUILD(rlab_program_add_global(&ctx, &id, self->program, name, n_args, struct_arg, group, vars,
                                  tx.at, ends.at, (uint32_t)ends.len - 1));
    result = PyLong_FromUnsignedLong(id);
fail:
    rlab_vec_free(&tx);
    rlab_vec_free(&ends);
    return result;
}

static PyObject *
program_set_body(rlab_py_program *self, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    unsigned int global;
    PyObject *code, *result = NULL;
    rlab_term body;
    rlab_ctx ctx;
    if (!PyArg_ParseTuple(args, "IO:set_body", &global, &code) || !(code = rlab_py_code(code)))
        return NULL;
    if (self->program->sealed) {
        PyErr_SetString(state->exceptions[RLAB_EVALUE],
                        "program: it is sealed, so nothing can be added");
        goto fail;
    }
    if (rlab_py_build(state, &body, &self->program->store, code) < 0)
        goto fail;
    BUILD(rlab_program_set_body(&ctx, self->program, global, body));
    result = Py_NewRef(Py_None);
fail:
    Py_DECREF(code);
    return result;
}

static PyObject *
program_seal(rlab_py_program *self, PyObject *unused) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    rlab_ctx ctx;
    (void)unused;
    BUILD(rlab_program_seal(&ctx, self->program));
    Py_RETURN_NONE;
fail:
    return NULL;
}

static PyObject *
program_term(rlab_py_program *self, PyObject *code) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    rlab_py_box *box;
    rlab_term term;
    bool closed;
    int failed;
    if (rlab_py_sealed(state, self) < 0 || !(code = rlab_py_code(code)))
        return NULL;
    if (!(box = rlab_py_box_current(state, self))) {
        Py_DECREF(code);
        return NULL;
    }
    rlab_py_lock(box->lock);
    failed = rlab_py_build(state, &term, &box->store, code);
    closed = failed < 0 || rlab_term_node(&box->store, term)->free == 0;
    PyThread_release_lock(box->lock);
    Py_DECREF(code);
    if (!closed)
        PyErr_SetString(state->exceptions[RLAB_ETERM], "term: it has a free variable");
    if (failed < 0 || !closed) {
        rlab_py_box_drop(box);
        return NULL;
    }
    return rlab_py_term_new(state, self, box, term);
}

static PyObject *
program_apply(rlab_py_program *self, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    Py_ssize_t n = PyTuple_GET_SIZE(args) - 1;
    rlab_ids terms = {0};
    rlab_py_box *box = NULL;
    rlab_term result;
    rlab_ctx ctx;
    rlab_status status;
    if (n < 0) {
        PyErr_SetString(PyExc_TypeError, "apply: expected a function's index or Term");
        return NULL;
    }
    if (rlab_py_sealed(state, self) < 0 || !(box = rlab_py_box_current(state, self)))
        return NULL;
    for (Py_ssize_t i = 0; i <= n; i++) {
        PyObject *item = PyTuple_GET_ITEM(args, i);
        rlab_term term;
        if (i == 0 && PyLong_Check(item)) {
            uint32_t global;
            if (rlab_py_global(state, &global, self, PyLong_AsLongLong(item), false) < 0)
                goto fail;
            rlab_py_lock(box->lock);
            rlab_ctx_init(&ctx);
            status = rlab_term_intern(&ctx, &term, &box->store, RLAB_GLOBAL, global, NULL, 0, 0);
            PyThread_release_lock(box->lock);
            if (status != RLAB_OK) {
                rlab_py_raise(state, &ctx);
                goto fail;
            }
        } else {
            rlab_py_term *from = rlab_py_term_check(state, self, item, "apply");
            if (!from || rlab_py_term_into(state, &term, box, from) < 0)
                goto fail;
        }
        if (rlab_py_push_id(state, &terms, term) < 0)
            goto fail;
    }
    rlab_py_lock(box->lock);
    rlab_ctx_init(&ctx);
    status = rlab_term_app(&ctx, &result, &box->store, terms.at[0], terms.at + 1, (uint32_t)n);
    PyThread_release_lock(box->lock);
    if (status != RLAB_OK) {
        rlab_py_raise(state, &ctx);
        goto fail;
    }
    rlab_vec_free(&terms);
    return rlab_py_term_new(state, self, box, result);
fail:
    rlab_vec_free(&terms);
    rlab_py_box_drop(box);
    return NULL;
}

/* ---- evaluation ----------------------------------------------------------------------------- */

/* Evaluates a Term in its own box; the caller owns nothing new on failure. */
static PyObject *
evaluate(rlab_py_state *state, rlab_py_program *self, rlab_py_term *term, uint32_t group,
         rlab_budget budget, uint64_t *calls) {
    rlab_machine *machine = NULL;
    rlab_term result = 0;
    rlab_ctx ctx;
    rlab_status status;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(term->box->lock);
    Py_BEGIN_ALLOW_THREADS status = rlab_machine_new(&ctx, &machine, self->program);
    if (status == RLAB_OK)
        status =
            rlab_eval(&ctx, &result, calls, machine, &term->box->store, term->term, group, budget);
    rlab_machine_free(machine);
    Py_END_ALLOW_THREADS PyThread_release_lock(term->box->lock);
    if (status != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    term->box->refs++;
    return rlab_py_term_new(state, self, term->box, result);
}

static PyObject *
program_eval(rlab_py_program *self, PyObject *args, PyObject *kwargs) {
    static const char *const keys[] = {"term", "steps", "nodes", NULL};
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyObject *object;
    rlab_py_term *term;
    long long steps = 0, nodes = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$LL:eval", (char **)keys, &object, &steps,
                                     &nodes) ||
        !(term = rlab_py_term_check(state, self, object, "term")))
        return NULL;
    return evaluate(state, self, term, UINT32_MAX, rlab_py_budget(steps, nodes), NULL);
}

static PyObject *
program_calls(rlab_py_program *self, PyObject *args, PyObject *kwargs) {
    static const char *const keys[] = {"term", "function", "steps", "nodes", NULL};
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyObject *object, *result;
    rlab_py_term *term;
    long long steps = 0, nodes = 0, function;
    uint32_t global;
    uint64_t calls = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OL|$LL:calls", (char **)keys, &object,
                                     &function, &steps, &nodes) ||
        !(term = rlab_py_term_check(state, self, object, "term")) ||
        rlab_py_global(state, &global, self, function, false) < 0)
        return NULL;
    result = evaluate(state, self, term, self->program->globals.at[global].group,
                      rlab_py_budget(steps, nodes), &calls);
    return result ? Py_BuildValue("(NK)", result, (unsigned long long)calls) : NULL;
}

static PyObject *
program_sealed(rlab_py_program *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(self->program->sealed);
}

static PyObject *
program_type(rlab_py_program *self, PyObject *exprs) {
    return rlab_py_type_new(rlab_py_state_of_type(Py_TYPE(self)), self, exprs);
}

static PyObject *
program_trace(rlab_py_program *self, PyObject *args, PyObject *kwargs) {
    return rlab_py_trace_new(rlab_py_state_of_type(Py_TYPE(self)), self, args, kwargs);
}

static PyObject *
program_check_trace(rlab_py_program *self, PyObject *args, PyObject *kwargs) {
    return rlab_py_check_trace(rlab_py_state_of_type(Py_TYPE(self)), self, args, kwargs);
}

static PyMethodDef program_methods[] = {
    {"add_type", (PyCFunction)program_add_type, METH_VARARGS,
     "add_type(name, n_params, notation, /)\n--\n\nDeclare an inductive type; returns its index."},
    {"add_constructor", (PyCFunction)program_add_constructor, METH_VARARGS,
     "add_constructor(type, name, arg_types, /)\n--\n\nDeclare the next constructor of a type."},
    {"add_global", (PyCFunction)program_add_global, METH_VARARGS,
     "add_global(name, n_args, struct_arg, group, type, /)\n--\n\n"
     "Declare a Definition (struct_arg -1) or a Fixpoint; type is (n_type_vars, args, result)."},
    {"set_body", (PyCFunction)program_set_body, METH_VARARGS,
     "set_body(function, code, /)\n--\n\nGive a function its body as postfix code."},
    {"seal", (PyCFunction)program_seal, METH_NOARGS,
     "seal()\n--\n\nCheck and compile the program; it is immutable from then on."},
    {"term", (PyCFunction)program_term, METH_O,
     "term(code, /)\n--\n\nBuild a closed term from postfix code."},
    {"apply", (PyCFunction)program_apply, METH_VARARGS,
     "apply(function, *args)\n--\n\nApply a function's index or a Term to Terms, without "
     "evaluating."},
    {"eval", (PyCFunction)(void (*)(void))program_eval, METH_VARARGS | METH_KEYWORDS,
     "eval(term, *, steps=0, nodes=0)\n--\n\nNormal form of a term; budgets: 0 means the default."},
    {"calls", (PyCFunction)(void (*)(void))program_calls, METH_VARARGS | METH_KEYWORDS,
     "calls(term, function, *, steps=0, nodes=0)\n--\n\n"
     "Normal form, and how often functions of the function's mutual group were entered."},
    {"type", (PyCFunction)program_type, METH_O,
     "type(exprs, /)\n--\n\nA closed type; of several expressions, their product."},
    {"trace", (PyCFunction)(void (*)(void))program_trace, METH_VARARGS | METH_KEYWORDS,
     "trace(term, *, granularity='contraction', strategy='cbv', function=-1, every=1, steps=0, "
     "nodes=0)\n--\n\n"
     "Reduce a term step by step."},
    {"check_trace", (PyCFunction)(void (*)(void))program_check_trace, METH_VARARGS | METH_KEYWORDS,
     "check_trace(terms, *, ...)\n--\n\nJudge neighbours: (verdict, steps, position, expected)."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef program_getset[] = {
    {"sealed", (getter)program_sealed, NULL, "Whether the program is immutable.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot program_slots[] = {
    {Py_tp_new, program_new},
    {Py_tp_dealloc, program_dealloc},
    {Py_tp_methods, program_methods},
    {Py_tp_getset, program_getset},
    {Py_tp_doc,
     (void *)"Program()\n--\n\nInductive types and functions, built once and then sealed."},
    {0, NULL},
};

static PyType_Spec program_spec = {"recursionlab._core.Program", sizeof(rlab_py_program), 0,
                                   Py_TPFLAGS_DEFAULT, program_slots};

int
rlab_py_program_register(PyObject *module) {
    return rlab_py_add_type(module, &program_spec, RLAB_PY_PROGRAM);
}
