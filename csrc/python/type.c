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

int
rlab_py_u64(rlab_py_state *state, PyObject *object, const char *name, uint64_t *out) {
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

/* ---- numbers of any length
 * -------------------------------------------------------------------- */

int
rlab_py_big(rlab_py_state *state, PyObject *object, const char *name, rlab_big *out) {
    PyObject *index = PyNumber_Index(object), *bits = NULL, *bytes = NULL;
    rlab_ctx ctx;
    size_t n;
    int done = -1;
    if (!index)
        return -1;
    if ((bits = PyObject_CallMethod(index, "bit_length", NULL)) &&
        (n = (PyLong_AsSize_t(bits) + 31) / 32,
         bytes = PyObject_CallMethod(index, "to_bytes", "ns", (Py_ssize_t)(4 * n), "little"))) {
        const unsigned char *at = (const unsigned char *)PyBytes_AS_STRING(bytes);
        rlab_ctx_init(&ctx);
        if (rlab_vec_reserve(&ctx, out, n + 1) == RLAB_OK) {
            for (size_t i = 0; i < n; i++)
                out->at[i] = (uint32_t)at[4 * i] | (uint32_t)at[4 * i + 1] << 8 |
                             (uint32_t)at[4 * i + 2] << 16 | (uint32_t)at[4 * i + 3] << 24;
            out->len = n;
            done = 0;
        } else {
            rlab_py_raise(state, &ctx);
        }
    } else if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "%s: expected an integer of at least 0, got %R", name, object);
    }
    Py_XDECREF(bytes);
    Py_XDECREF(bits);
    Py_DECREF(index);
    return done;
}

static PyObject *
big_to_int(const rlab_big *x) {
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(4 * x->len)), *result;
    unsigned char *at;
    if (!bytes)
        return NULL;
    at = (unsigned char *)PyBytes_AS_STRING(bytes);
    for (size_t i = 0; i < 4 * x->len; i++)
        at[i] = (unsigned char)(x->at[i / 4] >> 8 * (i % 4));
    result = PyObject_CallMethod((PyObject *)&PyLong_Type, "from_bytes", "Os", bytes, "little");
    Py_DECREF(bytes);
    return result;
}

int
rlab_py_by(rlab_py_state *state, const char *name, bool *depth) {
    *depth = strcmp(name, "depth") == 0;
    if (*depth || strcmp(name, "size") == 0)
        return 0;
    PyErr_Format(state->exceptions[RLAB_EVALUE], "by: expected 'size' or 'depth', got '%.40s'",
                 name);
    return -1;
}

/* Exactly one of size and depth: which, and the object. */
int
rlab_py_one_of(rlab_py_state *state, const char *what, PyObject *size, PyObject *depth,
               bool *by_depth, PyObject **out) {
    bool has_size = size && size != Py_None, has_depth = depth && depth != Py_None;
    *by_depth = has_depth;
    *out = has_depth ? depth : size;
    if (has_size != has_depth)
        return 0;
    PyErr_Format(state->exceptions[RLAB_EVALUE], "%s: expected either a size or a depth, got %s",
                 what, has_size ? "both" : "neither");
    return -1;
}

/* The same, as one number. */
static int
read_level(rlab_py_state *state, const char *what, PyObject *size, PyObject *depth, bool *by_depth,
           uint64_t *level) {
    PyObject *object;
    if (rlab_py_one_of(state, what, size, depth, by_depth, &object) < 0)
        return -1;
    return rlab_py_u64(state, object, *by_depth ? "depth" : "size", level);
}

/* Number of values of a level; 0, or -1 raised. */
static int
count_values(rlab_py_state *state, rlab_py_type *self, bool depth, uint64_t level,
             rlab_big *count) {
    rlab_ctx ctx;
    rlab_status status;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(self->lock);
    Py_BEGIN_ALLOW_THREADS status = rlab_wide_count(&ctx, count, self->type, depth, level);
    Py_END_ALLOW_THREADS PyThread_release_lock(self->lock);
    if (status == RLAB_OK)
        return 0;
    rlab_py_raise(state, &ctx);
    return -1;
}

static PyObject *
type_count(rlab_py_type *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"size", "depth", NULL};
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyObject *size = NULL, *depth = NULL, *result;
    bool by_depth;
    uint64_t level;
    rlab_big count = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$O:count", (char **)names, &size, &depth) ||
        read_level(state, "count", size, depth, &by_depth, &level) < 0)
        return NULL;
    result = count_values(state, self, by_depth, level, &count) < 0 ? NULL : big_to_int(&count);
    rlab_vec_free(&count);
    return result;
}

/* The value, or tuple of values, of a level and rank. */
PyObject *
rlab_py_value_at(rlab_py_state *state, rlab_py_type *self, bool depth, uint64_t level,
                 rlab_limbs rank) {
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
        rlab_type_unrank(&ctx, terms, self->type, &box->store, depth, level, rank);
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
    static const char *const names[] = {"size", "rank", "depth", NULL};
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyObject *size = NULL, *depth = NULL, *rank_object = NULL, *result = NULL;
    bool by_depth;
    uint64_t level;
    rlab_big rank = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO$O:unrank", (char **)names, &size,
                                     &rank_object, &depth) ||
        read_level(state, "unrank", size, depth, &by_depth, &level) < 0)
        return NULL;
    if (!rank_object)
        PyErr_SetString(state->exceptions[RLAB_EVALUE], "unrank: expected a rank");
    else if (rlab_py_big(state, rank_object, "rank", &rank) == 0)
        result = rlab_py_value_at(state, self, by_depth, level, rlab_big_view(&rank));
    rlab_vec_free(&rank);
    return result;
}

/* The values of `n` ranks from *rank on; *rank changes. */
static PyObject *
list_values(rlab_py_state *state, rlab_py_type *self, bool depth, uint64_t level, rlab_big *rank,
            Py_ssize_t n) {
    static const uint32_t digit = 1;
    const rlab_limbs one = {&digit, 1};
    PyObject *list = PyList_New(n);
    rlab_ctx ctx;
    rlab_ctx_init(&ctx);
    for (Py_ssize_t i = 0; list && i < n; i++) {
        PyObject *item = rlab_py_value_at(state, self, depth, level, rlab_big_view(rank));
        if (item)
            PyList_SET_ITEM(list, i, item);
        if (!item || (rlab_big_add(&ctx, rank, one) != RLAB_OK && !rlab_py_raise(state, &ctx)))
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *
fail_range(rlab_py_state *state, bool depth, uint64_t level, const rlab_big *all, PyObject *first,
           PyObject *count) {
    PyObject *number = big_to_int(all);
    if (number)
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "enumerate: expected a range inside the %S values of %s %llu, got %S from %S",
                     number, depth ? "depth" : "size", (unsigned long long)level, count,
                     first ? first : Py_None);
    Py_XDECREF(number);
    return NULL;
}

static PyObject *
type_enumerate(rlab_py_type *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"size", "first", "count", "depth", NULL};
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyObject *size = NULL, *depth = NULL, *result = NULL;
    PyObject *first_object = NULL, *count_object = Py_None;
    bool by_depth;
    uint64_t level, n = 0;
    rlab_big all = {0}, first = {0}, count = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOO$O:enumerate", (char **)names, &size,
                                     &first_object, &count_object, &depth) ||
        read_level(state, "enumerate", size, depth, &by_depth, &level) < 0 ||
        (first_object && rlab_py_big(state, first_object, "first", &first) < 0) ||
        (count_object != Py_None && rlab_py_big(state, count_object, "count", &count) < 0) ||
        count_values(state, self, by_depth, level, &all) < 0)
        goto done;
    if (rlab_big_compare(rlab_big_view(&first), rlab_big_view(&all)) > 0) {
        fail_range(state, by_depth, level, &all, first_object, count_object);
        goto done;
    }
    rlab_big_sub(&all, rlab_big_view(&first));
    if (count_object == Py_None ? !rlab_big_fits(rlab_big_view(&all), &n)
                                : rlab_big_compare(rlab_big_view(&count), rlab_big_view(&all)) > 0)
        n = UINT64_MAX;
    else if (count_object != Py_None && !rlab_big_fits(rlab_big_view(&count), &n))
        n = UINT64_MAX;
    if (n > PY_SSIZE_T_MAX / 16)
        fail_range(state, by_depth, level, &all, first_object, count_object);
    else
        result = list_values(state, self, by_depth, level, &first, (Py_ssize_t)n);
done:
    rlab_vec_free(&all);
    rlab_vec_free(&first);
    rlab_vec_free(&count);
    return result;
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
type_rank(rlab_py_type *self, PyObject *args, PyObject *kwargs) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    rlab_term terms[ARITY_MAX];
    uint64_t level = 0;
    rlab_big rank = {0};
    PyObject *by = kwargs ? PyDict_GetItemString(kwargs, "by") : NULL, *number = NULL;
    const char *name = by ? PyUnicode_AsUTF8(by) : "size";
    bool depth;
    rlab_py_box *box;
    rlab_ctx ctx;
    rlab_status status;
    if (kwargs && PyDict_GET_SIZE(kwargs) != (by != NULL)) {
        PyErr_SetString(PyExc_TypeError, "rank: the only keyword argument is by");
        return NULL;
    }
    if (!name || rlab_py_by(state, name, &depth) < 0 ||
        !(box = gather(state, self, args, terms, "rank")))
        return NULL;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(self->lock);
    rlab_py_lock(box->lock);
    Py_BEGIN_ALLOW_THREADS status =
        rlab_wide_rank(&ctx, &level, &rank, self->type, depth, &box->store, terms);
    Py_END_ALLOW_THREADS PyThread_release_lock(box->lock);
    PyThread_release_lock(self->lock);
    rlab_py_box_drop(box);
    if (status != RLAB_OK)
        rlab_py_raise(state, &ctx);
    else
        number = big_to_int(&rank);
    rlab_vec_free(&rank);
    return number ? Py_BuildValue("(KN)", (unsigned long long)level, number) : NULL;
}

/* The same type with nat bounded. */
static PyObject *
type_bounded(rlab_py_type *self, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"nat", NULL};
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyObject *object;
    rlab_py_type *result;
    uint64_t nat;
    rlab_ctx ctx;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:bounded", (char **)names, &object) ||
        rlab_py_u64(state, object, "nat", &nat) < 0)
        return NULL;
    if (nat < 1) {
        PyErr_SetString(state->exceptions[RLAB_EVALUE], "nat: expected a bound of at least 1");
        return NULL;
    }
    if (!(result = (rlab_py_type *)Py_TYPE(self)->tp_alloc(Py_TYPE(self), 0)))
        return NULL;
    Py_INCREF(self->program);
    result->program = self->program;
    rlab_ctx_init(&ctx);
    if (!(result->lock = PyThread_allocate_lock())) {
        PyErr_NoMemory();
        Py_CLEAR(result);
    } else if (rlab_type_bounded(&ctx, &result->type, self->type, nat) != RLAB_OK) {
        rlab_py_raise(state, &ctx);
        Py_CLEAR(result);
    }
    return (PyObject *)result;
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
     "count(size=None, *, depth=None)\n--\n\n"
     "Number of values with `size` constructors, or exactly `depth` deep: any number of digits."},
    {"unrank", (PyCFunction)(void (*)(void))type_unrank, METH_VARARGS | METH_KEYWORDS,
     "unrank(size=None, rank=None, *, depth=None)\n--\n\n"
     "The value (or tuple of values) at a place in the enumeration of a size or a depth."},
    {"enumerate", (PyCFunction)(void (*)(void))type_enumerate, METH_VARARGS | METH_KEYWORDS,
     "enumerate(size=None, first=0, count=None, *, depth=None)\n--\n\n"
     "The values of a size or depth in order of rank, as a list; or `count` of them from rank "
     "`first`."},
    {"sample", (PyCFunction)(void (*)(void))rlab_py_sample, METH_VARARGS | METH_KEYWORDS,
     "sample(n, size=None, *, seed, depth=None, replace=True, first=0)\n--\n\n"
     "n values drawn uniformly at a size (or depth): an int, a sequence of them, or a dict from "
     "each to its weight.\n\nValue i is a function of (seed, first + i) alone; without "
     "replacement no value comes twice."},
    {"draw", (PyCFunction)(void (*)(void))rlab_py_draw, METH_VARARGS | METH_KEYWORDS,
     "draw(n, size=None, *, seed, depth=None, replace=True, first=0)\n--\n\n"
     "Sizes (or depths) int32 (n,) and ranks uint64 (n,) of the same sample, as `pairs` takes "
     "them; ranks beyond 64 bits have shape (n, words), least word first."},
    {"rank", (PyCFunction)(void (*)(void))type_rank, METH_VARARGS | METH_KEYWORDS,
     "rank(*values, by='size')\n--\n\n"
     "(size, rank), or (depth, rank), of a value or its text; the inverse of unrank."},
    {"bounded", (PyCFunction)(void (*)(void))type_bounded, METH_VARARGS | METH_KEYWORDS,
     "bounded(nat)\n--\n\nThe same type, in whose values every nat is below a bound."},
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
