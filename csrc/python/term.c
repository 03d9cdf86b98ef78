/* _core.Term: an immutable term of a sealed program. */
#include "python/lang.h"

PyObject *
rlab_py_term_new(rlab_py_state *state, rlab_py_program *program, rlab_py_box *box, rlab_term term) {
    PyTypeObject *type = state->types[RLAB_PY_TERM];
    rlab_py_term *self = (rlab_py_term *)type->tp_alloc(type, 0);
    if (!self) {
        rlab_py_box_drop(box);
        return NULL;
    }
    Py_INCREF(program);
    self->program = program;
    self->box = box;
    self->term = term;
    self->traced = UINT32_MAX;
    return (PyObject *)self;
}

static void
term_dealloc(rlab_py_term *self) {
    PyTypeObject *type = Py_TYPE(self);
    rlab_py_box_drop(self->box);
    Py_XDECREF(self->program);
    type->tp_free(self);
    Py_DECREF(type);
}

rlab_py_term *
rlab_py_term_check(rlab_py_state *state, rlab_py_program *program, PyObject *object,
                   const char *name) {
    if (!PyObject_TypeCheck(object, state->types[RLAB_PY_TERM])) {
        PyErr_Format(state->exceptions[RLAB_ETYPE], "%s: expected a Term, got %.80s", name,
                     Py_TYPE(object)->tp_name);
        return NULL;
    }
    if (((rlab_py_term *)object)->program != program) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "%s: the term belongs to another program",
                     name);
        return NULL;
    }
    return (rlab_py_term *)object;
}

/* Locks two boxes in the order of their addresses. */
static void
lock_both(rlab_py_box *a, rlab_py_box *b) {
    rlab_py_lock(a < b ? a->lock : b->lock);
    if (a != b)
        rlab_py_lock(a < b ? b->lock : a->lock);
}

static void
unlock_both(rlab_py_box *a, rlab_py_box *b) {
    PyThread_release_lock(a->lock);
    if (a != b)
        PyThread_release_lock(b->lock);
}

int
rlab_py_term_into(rlab_py_state *state, rlab_term *out, rlab_py_box *box, rlab_py_term *term) {
    rlab_ctx ctx;
    rlab_status status;
    if (term->box == box) {
        *out = term->term;
        return 0;
    }
    rlab_ctx_init(&ctx);
    lock_both(box, term->box);
    Py_BEGIN_ALLOW_THREADS status =
        rlab_term_copy(&ctx, out, &box->store, &term->box->store, term->term);
    Py_END_ALLOW_THREADS unlock_both(box, term->box);
    if (status == RLAB_OK)
        return 0;
    rlab_py_raise(state, &ctx);
    return -1;
}

int
rlab_py_terms_into(rlab_py_state *state, rlab_term *out, rlab_py_program *program, rlab_py_box *box,
                   PyObject *object, uint32_t n, const char *name) {
    if (!PyTuple_Check(object) || n != (uint32_t)PyTuple_GET_SIZE(object)) {
        rlab_py_term *term;
        if (n != 1 || PyTuple_Check(object)) {
            PyErr_Format(state->exceptions[RLAB_ETYPE],
                         "%s: expected a tuple of %u Terms, got %.80R", name, n, object);
            return -1;
        }
        term = rlab_py_term_check(state, program, object, name);
        return term ? rlab_py_term_into(state, out, box, term) : -1;
    }
    for (uint32_t i = 0; i < n; i++) {
        rlab_py_term *term =
            rlab_py_term_check(state, program, PyTuple_GET_ITEM(object, (Py_ssize_t)i), name);
        if (!term || rlab_py_term_into(state, &out[i], box, term) < 0)
            return -1;
    }
    return 0;
}

PyObject *
rlab_py_terms_new(rlab_py_state *state, rlab_py_program *program, rlab_py_box *box,
                  const rlab_term *terms, uint32_t n) {
    PyObject *tuple;
    if (n == 1) {
        box->refs++;
        return rlab_py_term_new(state, program, box, terms[0]);
    }
    tuple = PyTuple_New((Py_ssize_t)n);
    for (uint32_t i = 0; tuple && i < n; i++) {
        PyObject *term;
        box->refs++;
        term = rlab_py_term_new(state, program, box, terms[i]);
        if (!term)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, term);
    }
    return tuple;
}

static rlab_node
node_of(rlab_py_term *self) {
    rlab_node node;
    rlab_py_lock(self->box->lock);
    node = *rlab_term_node(&self->box->store, self->term);
    PyThread_release_lock(self->box->lock);
    return node;
}

static PyObject *
term_str(rlab_py_term *self) {
    rlab_text text = {0};
    rlab_ctx ctx;
    rlab_status status;
    PyObject *result = NULL;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(self->box->lock);
    Py_BEGIN_ALLOW_THREADS status =
        rlab_term_print(&ctx, &text, &self->box->store, self->term, self->traced);
    Py_END_ALLOW_THREADS PyThread_release_lock(self->box->lock);
    if (status != RLAB_OK)
        rlab_py_raise(rlab_py_state_of_type(Py_TYPE(self)), &ctx);
    else
        result = PyUnicode_DecodeUTF8(text.at, (Py_ssize_t)text.len, "strict");
    rlab_vec_free(&text);
    return result;
}

static PyObject *
term_repr(rlab_py_term *self) {
    PyObject *text = term_str(self), *result;
    if (!text)
        return NULL;
    if (PyUnicode_GET_LENGTH(text) > 200) {
        PyObject *head = PyUnicode_Substring(text, 0, 200);
        Py_DECREF(text);
        if (!head)
            return NULL;
        result = PyUnicode_FromFormat("<Term %U...>", head);
        Py_DECREF(head);
        return result;
    }
    result = PyUnicode_FromFormat("<Term %U>", text);
    Py_DECREF(text);
    return result;
}

static Py_hash_t
term_hash(rlab_py_term *self) {
    Py_hash_t hash = (Py_hash_t)node_of(self).hash;
    return hash == -1 ? -2 : hash;
}

static PyObject *
term_compare(PyObject *left, PyObject *right, int op) {
    rlab_py_term *a = (rlab_py_term *)left, *b = (rlab_py_term *)right;
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(left));
    bool equal;
    if ((op != Py_EQ && op != Py_NE) || !PyObject_TypeCheck(right, state->types[RLAB_PY_TERM]))
        Py_RETURN_NOTIMPLEMENTED;
    if (a->program != b->program) {
        equal = false;
    } else if (a->box == b->box) {
        equal = a->term == b->term;
    } else if (node_of(a).hash != node_of(b).hash) {
        equal = false;
    } else {
        rlab_term copy;
        if (rlab_py_term_into(state, &copy, a->box, b) < 0)
            return NULL;
        equal = copy == a->term;
    }
    return PyBool_FromLong(equal == (op == Py_EQ));
}

static PyObject *
term_size(rlab_py_term *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(node_of(self).size);
}

static PyObject *
term_depth(rlab_py_term *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLong(node_of(self).depth);
}

static PyObject *
term_is_value(rlab_py_term *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(node_of(self).flags & RLAB_TERM_DATA);
}

static PyObject *
term_constructor(rlab_py_term *self, void *unused) {
    rlab_node node = node_of(self);
    (void)unused;
    if (node.kind != RLAB_CTOR)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLong(node.head);
}

static PyObject *
term_args(rlab_py_term *self, void *unused) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    rlab_node node = node_of(self);
    uint32_t n = node.kind == RLAB_CTOR ? node.count : 0;
    PyObject *args = PyTuple_New(n);
    (void)unused;
    for (uint32_t i = 0; args && i < n; i++) {
        rlab_term kid;
        PyObject *item;
        rlab_py_lock(self->box->lock);
        kid = rlab_term_kids(&self->box->store, self->term)[i];
        PyThread_release_lock(self->box->lock);
        self->box->refs++;
        item = rlab_py_term_new(state, self->program, self->box, kid);
        if (!item)
            Py_CLEAR(args);
        else
            PyTuple_SET_ITEM(args, i, item);
    }
    return args;
}

static PyGetSetDef term_getset[] = {
    {"size", (getter)term_size, NULL, "Constructors in the term (saturates at 2**64 - 1).", NULL},
    {"depth", (getter)term_depth, NULL, "Constructors on the longest path.", NULL},
    {"is_value", (getter)term_is_value, NULL, "Whether it is made of constructors only.", NULL},
    {"constructor", (getter)term_constructor, NULL, "Index of its head constructor, or None.",
     NULL},
    {"args", (getter)term_args, NULL, "Arguments of its head constructor.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* What a notebook shows: recursionlab.display.term of the term's text. */
static PyObject *
term_html(PyObject *self, PyObject *unused) {
    PyObject *display = PyImport_ImportModule("recursionlab.display");
    PyObject *text = display ? PyObject_Str(self) : NULL;
    PyObject *html = text ? PyObject_CallMethod(display, "term", "O", text) : NULL;
    (void)unused;
    Py_XDECREF(text);
    Py_XDECREF(display);
    return html;
}

static PyMethodDef term_methods[] = {
    {"_repr_html_", term_html, METH_NOARGS, "The term as a notebook shows it."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot term_slots[] = {
    {Py_tp_dealloc, term_dealloc},
    {Py_tp_str, term_str},
    {Py_tp_repr, term_repr},
    {Py_tp_hash, term_hash},
    {Py_tp_richcompare, term_compare},
    {Py_tp_getset, term_getset},
    {Py_tp_methods, term_methods},
    {Py_tp_doc, (void *)"An immutable term; str() of it is Gallina."},
    {0, NULL},
};

static PyType_Spec term_spec = {"recursionlab._core.Term", sizeof(rlab_py_term), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, term_slots};

int
rlab_py_term_register(PyObject *module) {
    return rlab_py_add_type(module, &term_spec, RLAB_PY_TERM);
}
