/* _core.Type: a closed type or a product of several; counts, ranks, reads its values. */
#include "python/lang.h"

#define ARITY_MAX 64

PyObject *
rlab_py_type_new(rlab_py_state *state, rlab_py_program *program, PyObject *exprs) {
    PyTypeObject *kind = state->types[RLAB_PY_TYPE];
    PyObject *fast;
    rlab_py_type *self = NULL;
    rlab_ids tx = {0}, ends = {0};
    rlab_ctx ctx;
    if (rlab_py_sealed(state, program) < 0 ||
        !(fast = PySequence_Fast(exprs, "type: expected a sequence of type expressions")))
        return NULL;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast); i++)
        if (rlab_py_type_expr(state, &tx, PySequence_Fast_GET_ITEM(fast, i), "type") < 0 ||
            rlab_py_push_id(state, &ends, (uint32_t)tx.len) < 0)
            goto fail;
    if (ends.len > ARITY_MAX) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "type: a product of more than %d types",
                     ARITY_MAX);
        goto fail;
    }
    self = (rlab_py_type *)kind->tp_alloc(kind, 0);
    if (!self)
        goto fail;
    Py_INCREF(program);
    self->program = program;
    rlab_ctx_init(&ctx);
    if (!(self->lock = PyThread_allocate_lock())) {
        PyErr_NoMemory();
        Py_CLEAR(self);
    } else if (rlab_type_new(&ctx, &self->type, program->program, tx.at, ends.at,
                             (uint32_t)ends.len) != RLAB_OK) {
        rlab_py_raise(state, &ctx);
        Py_CLEAR(self);
    }
fail:
    Py_DECREF(fast);
    rlab_vec_free(&tx);
    rlab_vec_free(&ends);
    return (PyObject *)self;
}

static void
type_dealloc(rlab_py_type *self) {
    PyTypeObject *type = Py_TYPE(self);
    rlab_type_free(self->type);
    if (self->lock)
        PyThread_free_lock(self->lock);
    Py_XDECREF(self->program);
    type->tp_free(self);
    Py_DECREF(type);
}

static int
read_u64(rlab_py_state *state, PyObject *object, const char *name, uint64_t *out) {
    PyObject *index = PyNumber_Index(object);
    if (!index)
        return -1;
    *out = PyLong_AsUnsignedLongLong(index);
    Py_DECREF(index);
    if (!PyErr_Occurred())
        return 0;
    PyErr_Clear();
    PyErr_Format(state->exceptions[RLAB_EVALUE],
                 "%s: expected an integer from 0 to 2^64 - 1, got %R", name, object);
    return -1;
}

/* Number of values of a size; 0, or -1 raised. */
static int
count_values(rlab_py_state *state, rlab_py_type *self, uint64_t size, uint64_t *count) {
    rlab_ctx ctx;
    rlab_status status;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(self->lock);
    Py_BEGIN_ALLOW_THREADS status = rlab_type_count(&ctx, count, self->type, size);
    Py_END_ALLOW_THREADS PyThread_release_lock(self->lock);
    if (status == RLAB_OK)
        return 0;
    rlab_py_raise(state, &ctx);
    return -1;
}

static PyObject *
type_count(rlab_py_type *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"size", NULL};
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyObject *size_object;
    uint64_t size, count = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:count", (char **)names, &size_object) ||
        read_u64(state, size_object, "size", &size) < 0 ||
        count_values(state, self, size, &count) < 0)
        return NULL;
    return PyLong_FromUnsignedLongLong(count);
}

/* The value, or tuple of values, of a size and rank. */
static PyObject *
value_at(rlab_py_state *state, rlab_py_type *self, uint64_t size, uint64_t rank) {
    PyObject *result;
    rlab_term terms[ARITY_MAX];
    rlab_py_box *box = rlab_py_box_current(state, self->program);
    rlab_ctx ctx;
    rlab_status status;
    if (!box)
        return NULL;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(self->lock);
    rlab_py_lock(box->lock);
    Py_BEGIN_ALLOW_THREADS status =
        rlab_type_unrank(&ctx, terms, self->type, &box->store, size, rank);
    Py_END_ALLOW_THREADS PyThread_release_lock(box->lock);
    PyThread_release_lock(self->lock);
    result = status == RLAB_OK
                 ? rlab_py_terms_new(state, self->program, box, terms, rlab_type_arity(self->type))
                 : rlab_py_raise(state, &ctx);
    rlab_py_box_drop(box);
    return result;
}

static PyObject *
type_unrank(rlab_py_type *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"size", "rank", NULL};
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyObject *size_object, *rank_object;
    uint64_t size, rank;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO:unrank", (char **)names, &size_object,
                                     &rank_object) ||
        read_u64(state, size_object, "size", &size) < 0 ||
        read_u64(state, rank_object, "rank", &rank) < 0)
        return NULL;
    return value_at(state, self, size, rank);
}

/* Calls value_at for each rank that next(arg, i) gives. */
static PyObject *
list_values(rlab_py_state *state, rlab_py_type *self, uint64_t size, Py_ssize_t n,
            uint64_t (*next)(void *arg, uint64_t i), void *arg) {
    PyObject *list = PyList_New(n);
    for (Py_ssize_t i = 0; list && i < n; i++) {
        PyObject *item = value_at(state, self, size, next(arg, (uint64_t)i));
        if (!item)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static uint64_t
consecutive_rank(void *arg, uint64_t i) {
    return *(uint64_t *)arg + i;
}

static PyObject *
type_enumerate(rlab_py_type *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"size", "first", "count", NULL};
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyObject *size_object, *first_object = NULL, *count_object = NULL;
    uint64_t size, all = 0, first = 0, count;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OO:enumerate", (char **)names, &size_object,
                                     &first_object, &count_object) ||
        read_u64(state, size_object, "size", &size) < 0 ||
        (first_object && read_u64(state, first_object, "first", &first) < 0) ||
        count_values(state, self, size, &all) < 0)
        return NULL;
    count = first < all ? all - first : 0;
    if (count_object && count_object != Py_None &&
        read_u64(state, count_object, "count", &count) < 0)
        return NULL;
    if (first > all || count > all - first || count > PY_SSIZE_T_MAX / 16) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "enumerate: expected a range inside the %llu values of size %llu, got %llu "
                     "from %llu",
                     (unsigned long long)all, (unsigned long long)size, (unsigned long long)count,
                     (unsigned long long)first);
        return NULL;
    }
    return list_values(state, self, size, (Py_ssize_t)count, consecutive_rank, &first);
}

/* What a sample is drawn from. */
struct draw {
    uint64_t seed, count;
};

static uint64_t
random_rank(void *arg, uint64_t i) {
    const struct draw *draw = arg;
    rlab_rng rng;
    rlab_rng_init(&rng, draw->seed, RLAB_STREAM_SAMPLE, i);
    return rlab_rng_below(&rng, draw->count);
}

static PyObject *
type_sample(rlab_py_type *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"n", "size", "seed", NULL};
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyObject *size_object, *seed_object;
    Py_ssize_t n;
    uint64_t size;
    struct draw draw = {0, 0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "nO$O:sample", (char **)names, &n, &size_object,
                                     &seed_object) ||
        read_u64(state, size_object, "size", &size) < 0 ||
        read_u64(state, seed_object, "seed", &draw.seed) < 0 ||
        count_values(state, self, size, &draw.count) < 0)
        return NULL;
    if (n < 0 || draw.count == 0) {
        PyErr_Format(state->exceptions[n < 0 ? RLAB_EVALUE : RLAB_ECOUNT],
                     n < 0 ? "sample: expected n of at least 0, got %zd"
                           : "sample: cannot draw %zd values, the type has none of size %llu",
                     n, (unsigned long long)size);
        return NULL;
    }
    return list_values(state, self, size, n, random_rank, &draw);
}

static PyObject *type_parse(rlab_py_type *self, PyObject *args);

/* Whether every argument is a text; then rank and check read them. */
static bool
all_texts(PyObject *args) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); i++)
        if (!PyUnicode_Check(PyTuple_GET_ITEM(args, i)))
            return false;
    return PyTuple_GET_SIZE(args) > 0;
}

/* Terms of a call into one box; NULL raised. */
static rlab_py_box *
gather(rlab_py_state *state, rlab_py_type *self, PyObject *args, rlab_term *terms,
       const char *name) {
    uint32_t n = rlab_type_arity(self->type);
    bool single = PyTuple_GET_SIZE(args) == 1;
    PyObject *object = single && n == 1 ? PyTuple_GET_ITEM(args, 0) : args, *parsed = NULL;
    rlab_py_box *box;
    if (all_texts(args)) {
        if (!(parsed = type_parse(self, args)))
            return NULL;
        object = parsed;
    } else if (single && PyTuple_Check(PyTuple_GET_ITEM(args, 0)))
        object = PyTuple_GET_ITEM(args, 0);
    box = rlab_py_box_current(state, self->program);
    if (box && rlab_py_terms_into(state, terms, self->program, box, object, n, name) < 0) {
        rlab_py_box_drop(box);
        box = NULL;
    }
    Py_XDECREF(parsed);
    return box;
}

static PyObject *
type_rank(rlab_py_type *self, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    rlab_term terms[ARITY_MAX];
    uint64_t size = 0, rank = 0;
    rlab_py_box *box = gather(state, self, args, terms, "rank");
    rlab_ctx ctx;
    rlab_status status;
    if (!box)
        return NULL;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(self->lock);
    rlab_py_lock(box->lock);
    Py_BEGIN_ALLOW_THREADS status =
        rlab_type_rank(&ctx, &size, &rank, self->type, &box->store, terms);
    Py_END_ALLOW_THREADS PyThread_release_lock(box->lock);
    PyThread_release_lock(self->lock);
    rlab_py_box_drop(box);
    if (status != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    return Py_BuildValue("(KK)", (unsigned long long)size, (unsigned long long)rank);
}

static PyObject *
type_check(rlab_py_type *self, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    rlab_term terms[ARITY_MAX];
    rlab_py_box *box = gather(state, self, args, terms, "check");
    rlab_ctx ctx;
    rlab_status status;
    if (!box)
        return NULL;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(box->lock);
    status = rlab_type_check(&ctx, self->type, &box->store, terms);
    PyThread_release_lock(box->lock);
    rlab_py_box_drop(box);
    if (status != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    Py_RETURN_NONE;
}

static PyObject *
type_parse(rlab_py_type *self, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    uint32_t n = rlab_type_arity(self->type);
    rlab_term terms[ARITY_MAX];
    rlab_py_box *box;
    PyObject *result = NULL;
    if ((uint32_t)PyTuple_GET_SIZE(args) != n) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "parse: expected %u texts, one an argument, got %zd", n,
                     PyTuple_GET_SIZE(args));
        return NULL;
    }
    if (!(box = rlab_py_box_current(state, self->program)))
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        PyObject *object = PyTuple_GET_ITEM(args, (Py_ssize_t)i);
        Py_ssize_t len;
        const char *text;
        rlab_ctx ctx;
        rlab_status status;
        if (!PyUnicode_Check(object)) {
            PyErr_Format(state->exceptions[RLAB_ETYPE], "parse: expected a str, got %.80s",
                         Py_TYPE(object)->tp_name);
            goto done;
        }
        if (!(text = PyUnicode_AsUTF8AndSize(object, &len)))
            goto done;
        rlab_py_ctx_init(&ctx);
        rlab_py_lock(box->lock);
        Py_BEGIN_ALLOW_THREADS status =
            rlab_value_parse(&ctx, &terms[i], self->type, i, &box->store, text, (size_t)len);
        Py_END_ALLOW_THREADS PyThread_release_lock(box->lock);
        if (status != RLAB_OK) {
            rlab_py_raise(state, &ctx);
            goto done;
        }
    }
    result = rlab_py_terms_new(state, self->program, box, terms, n);
done:
    rlab_py_box_drop(box);
    return result;
}

static PyObject *
type_str(rlab_py_type *self) {
    rlab_text text = {0};
    rlab_ctx ctx;
    PyObject *result = NULL;
    rlab_ctx_init(&ctx);
    if (rlab_type_name(&ctx, &text, self->type) != RLAB_OK)
        rlab_py_raise(rlab_py_state_of_type(Py_TYPE(self)), &ctx);
    else
        result = PyUnicode_FromStringAndSize(text.at, (Py_ssize_t)text.len);
    rlab_vec_free(&text);
    return result;
}

static PyObject *
type_repr(rlab_py_type *self) {
    PyObject *name = type_str(self), *text;
    if (!name)
        return NULL;
    text = PyUnicode_FromFormat("<Type %U>", name);
    Py_DECREF(name);
    return text;
}

static PyObject *
type_arity(rlab_py_type *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLong(rlab_type_arity(self->type));
}

static PyObject *
type_sizes(rlab_py_type *self, void *unused) {
    uint64_t least, most;
    rlab_ctx ctx;
    (void)unused;
    rlab_ctx_init(&ctx);
    if (rlab_type_sizes(&ctx, &least, &most, self->type) != RLAB_OK)
        return rlab_py_raise(rlab_py_state_of_type(Py_TYPE(self)), &ctx);
    if (most == UINT64_MAX)
        return Py_BuildValue("(KO)", (unsigned long long)least, Py_None);
    return Py_BuildValue("(KK)", (unsigned long long)least, (unsigned long long)most);
}

static PyMethodDef type_methods[] = {
    {"count", (PyCFunction)(void (*)(void))type_count, METH_VARARGS | METH_KEYWORDS,
     "count(size)\n--\n\nNumber of values with `size` constructors."},
    {"unrank", (PyCFunction)(void (*)(void))type_unrank, METH_VARARGS | METH_KEYWORDS,
     "unrank(size, rank)\n--\n\nThe value (or tuple of values) at a place in the enumeration."},
    {"enumerate", (PyCFunction)(void (*)(void))type_enumerate, METH_VARARGS | METH_KEYWORDS,
     "enumerate(size, first=0, count=None)\n--\n\n"
     "The values of a size in order of rank, as a list; or `count` of them from rank `first`."},
    {"sample", (PyCFunction)(void (*)(void))type_sample, METH_VARARGS | METH_KEYWORDS,
     "sample(n, size, *, seed)\n--\n\n"
     "n values of a size, each drawn uniformly; value i is a function of (seed, i) alone."},
    {"rank", (PyCFunction)type_rank, METH_VARARGS,
     "rank(*values)\n--\n\n(size, rank) of a value or its text; the inverse of unrank."},
    {"check", (PyCFunction)type_check, METH_VARARGS,
     "check(*values)\n--\n\nRaise TermError unless the terms are values of the type."},
    {"parse", (PyCFunction)type_parse, METH_VARARGS,
     "parse(*texts)\n--\n\nRead a value (or one an argument) from Gallina text."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef type_getset[] = {
    {"arity", (getter)type_arity, NULL, "Number of types in the product.", NULL},
    {"sizes", (getter)type_sizes, NULL, "(smallest, largest) size of a value; None: no bound.",
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot type_slots[] = {
    {Py_tp_dealloc, type_dealloc},
    {Py_tp_str, type_str},
    {Py_tp_repr, type_repr},
    {Py_tp_methods, type_methods},
    {Py_tp_getset, type_getset},
    {Py_tp_doc, (void *)"A closed type, or the product of a function's argument types."},
    {0, NULL},
};

static PyType_Spec type_spec = {"recursionlab._core.Type", sizeof(rlab_py_type), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, type_slots};

int
rlab_py_type_register(PyObject *module) {
    return rlab_py_add_type(module, &type_spec, RLAB_PY_TYPE);
}
