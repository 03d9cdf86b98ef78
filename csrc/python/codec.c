/* _core.Codec: values and traces to int32 tokens and back; one by one or packed. */
#include "python/lang.h"

#include <string.h>

#define ARITY_MAX 64

static int
read_encoding(rlab_py_state *state, const char *name, rlab_encoding *out) {
    static const char *const names[] = {"prefix", "paren", "flat"};
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (rlab_encoding)i;
            return 0;
        }
    PyErr_Format(state->exceptions[RLAB_EVALUE],
                 "encoding: expected 'prefix', 'paren' or 'flat', got '%.60s'", name);
    return -1;
}

static int
read_order(rlab_py_state *state, const char *name, bool *reversed) {
    *reversed = strcmp(name, "reversed") == 0;
    if (*reversed || strcmp(name, "natural") == 0)
        return 0;
    PyErr_Format(state->exceptions[RLAB_EVALUE],
                 "order: expected 'natural' or 'reversed', got '%.60s'", name);
    return -1;
}

int
rlab_py_side(rlab_py_state *state, const char *name, int *side) {
    *side = strcmp(name, "output") == 0;
    if (*side || strcmp(name, "input") == 0)
        return 0;
    PyErr_Format(state->exceptions[RLAB_EVALUE], "side: expected 'input' or 'output', got '%.60s'",
                 name);
    return -1;
}

/* A dict of str to str; its strings live as long as the dict. */
static rlab_rename *
read_renames(rlab_py_state *state, PyObject *dict, size_t *n) {
    rlab_rename *list;
    PyObject *key, *value;
    Py_ssize_t at = 0;
    *n = 0;
    if (dict != Py_None && !PyDict_Check(dict)) {
        PyErr_Format(state->exceptions[RLAB_ETYPE], "renames: expected a dict of names, got %.80s",
                     Py_TYPE(dict)->tp_name);
        return NULL;
    }
    list = PyMem_Calloc(dict == Py_None ? 1 : (size_t)PyDict_Size(dict) + 1, sizeof *list);
    if (!list) {
        PyErr_NoMemory();
        return NULL;
    }
    while (dict != Py_None && PyDict_Next(dict, &at, &key, &value)) {
        rlab_rename *row = &list[(*n)++];
        if (!PyUnicode_Check(key) || !PyUnicode_Check(value)) {
            PyErr_SetString(state->exceptions[RLAB_ETYPE],
                            "renames: expected a dict of str to str");
            PyMem_Free(list);
            return NULL;
        }
        row->name = PyUnicode_AsUTF8(key);
        row->token = PyUnicode_AsUTF8(value);
        if (!row->name || !row->token) {
            PyMem_Free(list);
            return NULL;
        }
    }
    return list;
}

static int
read_functions(rlab_py_state *state, const rlab_py_program *program, PyObject *list,
               rlab_ids *out) {
    PyObject *fast = PySequence_Fast(list, "functions: expected a sequence of indices");
    if (!fast)
        return -1;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast); i++) {
        long long index = PyLong_AsLongLong(PySequence_Fast_GET_ITEM(fast, i));
        uint32_t global;
        if ((index == -1 && PyErr_Occurred()) ||
            rlab_py_global(state, &global, program, index, false) < 0 ||
            rlab_py_push_id(state, out, global) < 0) {
            Py_DECREF(fast);
            return -1;
        }
    }
    Py_DECREF(fast);
    return 0;
}

static PyObject *
codec_make(rlab_py_state *state, PyTypeObject *kind, rlab_py_type *types[2],
           rlab_codec_side sides[2], PyObject *renames, const rlab_ids *functions, uint32_t group) {
    rlab_py_codec *self;
    rlab_ctx ctx;
    size_t n;
    rlab_rename *list = read_renames(state, renames, &n);
    rlab_status status;
    if (!list)
        return NULL;
    self = (rlab_py_codec *)kind->tp_alloc(kind, 0);
    if (!self) {
        PyMem_Free(list);
        return NULL;
    }
    Py_INCREF(types[0]->program);
    self->program = types[0]->program;
    for (int i = 0; i < 2; i++) {
        Py_INCREF(types[i]);
        self->sides[i] = types[i];
        sides[i].type = types[i]->type;
    }
    rlab_ctx_init(&ctx);
    status = rlab_codec_new(&ctx, &self->codec, self->program->program, sides, list, n,
                            functions->at, functions->len, group);
    PyMem_Free(list);
    if (status != RLAB_OK) {
        Py_DECREF(self);
        return rlab_py_raise(state, &ctx);
    }
    return (PyObject *)self;
}

static PyObject *
codec_new(PyTypeObject *kind, PyObject *args, PyObject *kwargs) {
    static const char *const keys[] = {
        "input",        "output",  "encoding",  "output_encoding", "order",
        "output_order", "renames", "functions", "traced",          NULL};
    rlab_py_state *state = rlab_py_state_of_type(kind);
    const char *encoding[2] = {"prefix", NULL}, *order[2] = {"natural", NULL};
    PyObject *objects[2], *renames = Py_None, *functions = NULL, *result = NULL;
    rlab_py_type *types[2];
    rlab_codec_side sides[2];
    rlab_ids globals = {0};
    long long traced = -1;
    uint32_t f;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|$szszOOL:Codec", (char **)keys, &objects[0],
                                     &objects[1], &encoding[0], &encoding[1], &order[0], &order[1],
                                     &renames, &functions, &traced))
        return NULL;
    for (int i = 0; i < 2; i++) {
        if (!PyObject_TypeCheck(objects[i], state->types[RLAB_PY_TYPE])) {
            PyErr_Format(state->exceptions[RLAB_ETYPE], "%s: expected a Type, got %.80s",
                         i ? "output" : "input", Py_TYPE(objects[i])->tp_name);
            return NULL;
        }
        types[i] = (rlab_py_type *)objects[i];
        if (read_encoding(state, encoding[i] ? encoding[i] : encoding[0], &sides[i].encoding) < 0 ||
            read_order(state, order[i] ? order[i] : order[0], &sides[i].reversed) < 0)
            return NULL;
    }
    if (types[0]->program != types[1]->program) {
        PyErr_SetString(state->exceptions[RLAB_EVALUE], "output: it belongs to another program");
        return NULL;
    }
    /* The traced function comes first: its token is UNROLL. */
    if (rlab_py_global(state, &f, types[0]->program, traced, true) == 0 &&
        (f == UINT32_MAX || rlab_py_push_id(state, &globals, f) == 0) &&
        (!functions || read_functions(state, types[0]->program, functions, &globals) == 0))
        result = codec_make(state, kind, types, sides, renames, &globals,
                            f == UINT32_MAX ? f : types[0]->program->program->globals.at[f].group);
    rlab_vec_free(&globals);
    return result;
}

static void
codec_dealloc(rlab_py_codec *self) {
    PyTypeObject *type = Py_TYPE(self);
    rlab_codec_free(self->codec);
    Py_XDECREF(self->sides[0]);
    Py_XDECREF(self->sides[1]);
    Py_XDECREF(self->program);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
codec_vocabulary(rlab_py_codec *self, void *unused) {
    size_t n = rlab_codec_vocabulary(self->codec);
    PyObject *list = PyList_New((Py_ssize_t)n);
    (void)unused;
    for (size_t i = 0; list && i < n; i++) {
        PyObject *item = PyUnicode_FromString(rlab_codec_token(self->codec, i));
        if (!item)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

static PyObject *
tokens_array(rlab_tokens *tokens) {
    npy_intp n = (npy_intp)tokens->len;
    PyObject *array = PyArray_SimpleNew(1, &n, NPY_INT32);
    if (array && n)
        memcpy(PyArray_DATA((PyArrayObject *)array), tokens->at, tokens->len * sizeof(int32_t));
    return array;
}

static PyObject *
codec_encode(rlab_py_codec *self, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    const char *name = "input";
    PyObject *object, *result = NULL;
    rlab_term terms[ARITY_MAX];
    rlab_tokens tokens = {0};
    rlab_py_box *box;
    int side;
    rlab_ctx ctx;
    rlab_status status;
    if (!PyArg_ParseTuple(args, "O|s:encode", &object, &name) ||
        rlab_py_side(state, name, &side) < 0 || !(box = rlab_py_box_current(state, self->program)))
        return NULL;
    if (rlab_py_terms_into(state, terms, self->program, box, object,
                           rlab_type_arity(self->sides[side]->type), name) == 0) {
        rlab_py_ctx_init(&ctx);
        rlab_py_lock(box->lock);
        Py_BEGIN_ALLOW_THREADS status =
            rlab_type_check(&ctx, self->sides[side]->type, &box->store, terms);
        if (status == RLAB_OK)
            status = rlab_codec_encode(&ctx, &tokens, self->codec, side, &box->store, terms);
        Py_END_ALLOW_THREADS PyThread_release_lock(box->lock);
        result = status == RLAB_OK ? tokens_array(&tokens) : rlab_py_raise(state, &ctx);
        rlab_vec_free(&tokens);
    }
    rlab_py_box_drop(box);
    return result;
}

static PyObject *
codec_encode_term(rlab_py_codec *self, PyObject *object) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    rlab_py_term *term = rlab_py_term_check(state, self->program, object, "term");
    rlab_tokens tokens = {0};
    PyObject *result;
    rlab_ctx ctx;
    rlab_status status;
    if (!term)
        return NULL;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(term->box->lock);
    Py_BEGIN_ALLOW_THREADS status =
        rlab_codec_encode_term(&ctx, &tokens, self->codec, &term->box->store, term->term);
    Py_END_ALLOW_THREADS PyThread_release_lock(term->box->lock);
    result = status == RLAB_OK ? tokens_array(&tokens) : rlab_py_raise(state, &ctx);
    rlab_vec_free(&tokens);
    return result;
}

static PyObject *
codec_decode(rlab_py_codec *self, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    const char *name = "output";
    PyObject *object, *result;
    PyArrayObject *array;
    rlab_term terms[ARITY_MAX];
    rlab_py_box *box;
    int side;
    rlab_ctx ctx;
    rlab_status status;
    if (!PyArg_ParseTuple(args, "O|s:decode", &object, &name) ||
        rlab_py_side(state, name, &side) < 0 ||
        !(array = rlab_py_array(state, object, "tokens", NPY_INT32, 1)) ||
        !(box = rlab_py_box_current(state, self->program)))
        return NULL;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(box->lock);
    Py_BEGIN_ALLOW_THREADS status =
        rlab_codec_decode(&ctx, terms, self->codec, side, &box->store, PyArray_DATA(array),
                          (size_t)PyArray_DIM(array, 0));
    Py_END_ALLOW_THREADS PyThread_release_lock(box->lock);
    result = status == RLAB_OK ? rlab_py_terms_new(state, self->program, box, terms,
                                                   rlab_type_arity(self->sides[side]->type))
                               : rlab_py_raise(state, &ctx);
    rlab_py_box_drop(box);
    return result;
}

static PyObject *
codec_decode_term(rlab_py_codec *self, PyObject *object) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyArrayObject *array = rlab_py_array(state, object, "tokens", NPY_INT32, 1);
    rlab_py_term *result;
    rlab_py_box *box;
    rlab_term term;
    rlab_ctx ctx;
    rlab_status status;
    if (!array || !(box = rlab_py_box_current(state, self->program)))
        return NULL;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(box->lock);
    Py_BEGIN_ALLOW_THREADS status = rlab_codec_decode_term(
        &ctx, &term, self->codec, &box->store, PyArray_DATA(array), (size_t)PyArray_DIM(array, 0));
    Py_END_ALLOW_THREADS PyThread_release_lock(box->lock);
    if (status != RLAB_OK) {
        rlab_py_box_drop(box);
        return rlab_py_raise(state, &ctx);
    }
    result = (rlab_py_term *)rlab_py_term_new(state, self->program, box, term);
    if (result)
        result->traced = rlab_codec_traced(self->codec);
    return (PyObject *)result;
}

/* Text of packed sequence r, or status EDECODE. */
static rlab_status
sequence_text(rlab_ctx *ctx, rlab_text *out, rlab_py_codec *self, rlab_store *store, int side,
              const int32_t *tokens, size_t n) {
    rlab_term terms[ARITY_MAX];
    out->len = 0;
    RLAB_TRY(rlab_codec_decode(ctx, terms, self->codec, side, store, tokens, n));
    for (uint32_t i = 0; i < rlab_type_arity(self->sides[side]->type); i++) {
        if (i)
            RLAB_TRY(rlab_text_puts(ctx, out, ", "));
        RLAB_TRY(rlab_term_print(ctx, out, store, terms[i], UINT32_MAX));
    }
    return RLAB_OK;
}

static PyObject *
codec_texts(rlab_py_codec *self, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    const char *name = "output";
    PyObject *objects[2], *list = NULL;
    PyArrayObject *tokens, *offsets;
    const int64_t *off;
    rlab_store store;
    rlab_text text = {0};
    rlab_ctx ctx;
    int side;
    npy_intp rows;
    if (!PyArg_ParseTuple(args, "OO|s:texts", &objects[0], &objects[1], &name) ||
        rlab_py_side(state, name, &side) < 0 ||
        !(tokens = rlab_py_array(state, objects[0], "tokens", NPY_INT32, 1)) ||
        !(offsets = rlab_py_array(state, objects[1], "offsets", NPY_INT64, 1)) ||
        rlab_py_check_offsets(state, offsets, "offsets", PyArray_DIM(tokens, 0)) < 0)
        return NULL;
    rlab_py_ctx_init(&ctx);
    if (rlab_store_init(&ctx, &store, self->program->program) != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    off = PyArray_DATA(offsets);
    rows = PyArray_DIM(offsets, 0) - 1;
    list = PyList_New(rows);
    for (npy_intp r = 0; list && r < rows; r++) {
        PyObject *item;
        rlab_status status;
        if (store.nodes.len > 1 << 20) {
            rlab_store_free(&store);
            if (rlab_store_init(&ctx, &store, self->program->program) != RLAB_OK) {
                Py_DECREF(list);
                return rlab_py_raise(state, &ctx);
            }
        }
        rlab_py_ctx_init(&ctx);
        status = sequence_text(&ctx, &text, self, &store, side,
                               (const int32_t *)PyArray_DATA(tokens) + off[r],
                               (size_t)(off[r + 1] - off[r]));
        if (status == RLAB_EDECODE)
            item = Py_NewRef(Py_None);
        else if (status != RLAB_OK)
            item = rlab_py_raise(state, &ctx);
        else
            item = PyUnicode_DecodeUTF8(text.at, (Py_ssize_t)text.len, "strict");
        if (!item || (r % 1024 == 0 && PyErr_CheckSignals() != 0))
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, r, item);
    }
    rlab_vec_free(&text);
    rlab_store_free(&store);
    return list;
}

static PyMethodDef codec_methods[] = {
    {"encode", (PyCFunction)codec_encode, METH_VARARGS,
     "encode(value, side='input', /)\n--\n\nTokens of a value (a tuple for several arguments)."},
    {"encode_term", (PyCFunction)codec_encode_term, METH_O,
     "encode_term(term, /)\n--\n\nTokens of a term of a trace, in the output's encoding."},
    {"decode", (PyCFunction)codec_decode, METH_VARARGS,
     "decode(tokens, side='output', /)\n--\n\nThe value of a sequence; DecodeError says where "
     "not."},
    {"decode_term", (PyCFunction)codec_decode_term, METH_O,
     "decode_term(tokens, /)\n--\n\nThe term of a trace that a sequence writes, by the arities of "
     "its names; DecodeError says where there is none."},
    {"texts", (PyCFunction)codec_texts, METH_VARARGS,
     "texts(tokens, offsets, side='output', /)\n--\n\n"
     "Gallina text of every packed sequence; None where it does not decode."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef codec_getset[] = {
    {"vocabulary", (getter)codec_vocabulary, NULL, "Tokens in the order of their numbers.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot codec_slots[] = {
    {Py_tp_new, codec_new},
    {Py_tp_dealloc, codec_dealloc},
    {Py_tp_methods, codec_methods},
    {Py_tp_getset, codec_getset},
    {Py_tp_doc,
     (void *)"Codec(input, output, *, encoding='prefix', output_encoding=None, order='natural', "
             "output_order=None, renames=None, functions=(), traced=-1)\n--\n\n"
             "Tokens for the values of a function's arguments and result, and for its traces."},
    {0, NULL},
};

static PyType_Spec codec_spec = {"recursionlab._core.Codec", sizeof(rlab_py_codec), 0,
                                 Py_TPFLAGS_DEFAULT, codec_slots};

int
rlab_py_codec_register(PyObject *module) {
    return rlab_py_add_type(module, &codec_spec, RLAB_PY_CODEC);
}
