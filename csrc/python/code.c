/* Terms as the front end writes them: postfix code, one tuple an instruction. */
#include "python/lang.h"

static const struct {
    const char *name;
    rlab_kind kind;
    Py_ssize_t items;
} ops[] = {{"var", RLAB_VAR, 2},     {"global", RLAB_GLOBAL, 2}, {"ctor", RLAB_CTOR, 2},
           {"app", RLAB_APP, 2},     {"lam", RLAB_LAM, 2},       {"let", RLAB_LET, 2},
           {"match", RLAB_MATCH, 3}, {"fix", RLAB_FIX, 4},       {"fixg", RLAB_FIXG, 2},
           {NULL, RLAB_VAR, 0}};

typedef RLAB_VEC(const char *)
names;

static int
push_name(rlab_py_state *state, names *list, PyObject *name) {
    rlab_ctx ctx;
    const char *text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    if (!text) {
        if (!PyErr_Occurred())
            PyErr_Format(state->exceptions[RLAB_ETYPE], "code: expected a binder name, got %.80R",
                         name);
        return -1;
    }
    rlab_ctx_init(&ctx);
    if (rlab_vec_reserve(&ctx, list, list->len + 1) != RLAB_OK) {
        rlab_py_raise(state, &ctx);
        return -1;
    }
    list->at[list->len++] = text;
    return 0;
}

static int
match_names(rlab_py_state *state, names *list, PyObject *branches) {
    if (!PyTuple_Check(branches))
        return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(branches); i++) {
        PyObject *branch = PyTuple_GET_ITEM(branches, i);
        if (!PyTuple_Check(branch))
            return -1;
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(branch); k++)
            if (push_name(state, list, PyTuple_GET_ITEM(branch, k)) < 0)
                return -1;
    }
    return 0;
}

/* Reads one instruction into (kind, head, n, list); -1 with or without an exception set. */
static int
read_op(rlab_py_state *state, PyObject *op, rlab_kind *kind, unsigned long *head, names *list) {
    int row = 0;
    Py_ssize_t items = PyTuple_Check(op) ? PyTuple_GET_SIZE(op) : 0;
    unsigned long n_args;
    list->len = 0;
    *head = 0;
    if (items < 2 || !PyUnicode_Check(PyTuple_GET_ITEM(op, 0)))
        return -1;
    while (ops[row].name &&
           PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(op, 0), ops[row].name) != 0)
        row++;
    if (!ops[row].name || ops[row].items != items)
        return -1;
    *kind = ops[row].kind;
    if (*kind == RLAB_LAM || *kind == RLAB_LET)
        return push_name(state, list, PyTuple_GET_ITEM(op, 1));
    *head = PyLong_AsUnsignedLong(PyTuple_GET_ITEM(op, 1));
    if (PyErr_Occurred() || *head > 0x7fffffff)
        return -1;
    if (*kind == RLAB_MATCH)
        return match_names(state, list, PyTuple_GET_ITEM(op, 2));
    if (*kind == RLAB_FIX) {
        n_args = PyLong_AsUnsignedLong(PyTuple_GET_ITEM(op, 3));
        if (PyErr_Occurred() || n_args < 1 || n_args > 0xffff || *head >= n_args)
            return -1;
        *head = *head << 16 | n_args;
        return push_name(state, list, PyTuple_GET_ITEM(op, 2));
    }
    return 0;
}

static int
fail_op(rlab_py_state *state, PyObject *op, Py_ssize_t at) {
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_TypeError) &&
        !PyErr_ExceptionMatches(PyExc_OverflowError))
        return -1;
    PyErr_Clear();
    PyErr_Format(state->exceptions[RLAB_ETYPE], "code: instruction %zd is malformed: %.200R", at,
                 op);
    return -1;
}

PyObject *
rlab_py_code(PyObject *code) {
    PyObject *fast = PySequence_Fast(code, "code: expected a sequence of instructions");
    PyObject *tuple = fast ? PySequence_Tuple(fast) : NULL;
    Py_XDECREF(fast);
    return tuple;
}

int
rlab_py_build(rlab_py_state *state, rlab_term *out, rlab_store *store, PyObject *code) {
    rlab_builder builder;
    rlab_ctx ctx;
    names list = {0};
    int result = -1;
    rlab_builder_init(&builder, store);
    rlab_ctx_init(&ctx);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code); i++) {
        PyObject *op = PyTuple_GET_ITEM(code, i);
        rlab_kind kind = RLAB_VAR;
        unsigned long head;
        if (read_op(state, op, &kind, &head, &list) < 0) {
            fail_op(state, op, i);
            goto done;
        }
        if (rlab_builder_push(&ctx, &builder, kind, kind == RLAB_APP ? 0 : (uint32_t)head,
                              (uint32_t)head, list.at, (uint32_t)list.len) != RLAB_OK)
            goto raised;
    }
    if (rlab_builder_finish(&ctx, out, &builder) != RLAB_OK)
        goto raised;
    result = 0;
    goto done;
raised:
    rlab_py_raise(state, &ctx);
done:
    rlab_builder_free(&builder);
    rlab_vec_free(&list);
    return result;
}
