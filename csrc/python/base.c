/* The Python face of base: instruction sets, processors, random numbers by counter, test switches.
 */
#include "python/py.h"

static PyObject *
py_isas(PyObject *module, PyObject *unused) {
    rlab_isa best = rlab_isa_best();
    PyObject *names = PyTuple_New((Py_ssize_t)best + 1);
    (void)module;
    (void)unused;
    for (int isa = 0; names && isa <= (int)best; isa++) {
        PyObject *name = PyUnicode_FromString(rlab_isa_name((rlab_isa)isa));
        if (!name)
            Py_CLEAR(names);
        else
            PyTuple_SET_ITEM(names, isa, name);
    }
    return names;
}

static PyObject *
py_isa(PyObject *module, PyObject *unused) {
    (void)unused;
    return PyUnicode_FromString(rlab_isa_name(rlab_py_state_of(module)->isa));
}

static PyObject *
py_processors(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyLong_FromLong(rlab_par_processors());
}

static PyObject *
py_philox(PyObject *module, PyObject *args) {
    unsigned int c[4];
    unsigned long long seed;
    uint32_t out[4], counter[4];
    (void)module;
    if (!PyArg_ParseTuple(args, "(IIII)K:philox", &c[0], &c[1], &c[2], &c[3], &seed))
        return NULL;
    for (int i = 0; i < 4; i++)
        counter[i] = c[i];
    rlab_philox(out, counter, seed);
    return Py_BuildValue("(IIII)", out[0], out[1], out[2], out[3]);
}

static PyObject *
py_random(PyObject *module, PyObject *args) {
    static const char *const kinds = "u32, u64, below, float, normal";
    rlab_py_state *state = rlab_py_state_of(module);
    unsigned long long seed, index, n = 1;
    const char *kind;
    int stream;
    Py_ssize_t count;
    rlab_rng rng;
    PyObject *list;
    if (!PyArg_ParseTuple(args, "sKiKn|K:random", &kind, &seed, &stream, &index, &count, &n))
        return NULL;
    if (n < 1 || count < 0) {
        PyErr_SetString(state->exceptions[RLAB_EVALUE], "random: expected count >= 0 and n >= 1");
        return NULL;
    }
    rlab_rng_init(&rng, seed, (rlab_stream)stream, index);
    list = PyList_New(count);
    for (Py_ssize_t i = 0; list && i < count; i++) {
        PyObject *item = NULL;
        if (strcmp(kind, "u32") == 0)
            item = PyLong_FromUnsignedLong(rlab_rng_u32(&rng));
        else if (strcmp(kind, "u64") == 0)
            item = PyLong_FromUnsignedLongLong(rlab_rng_u64(&rng));
        else if (strcmp(kind, "below") == 0)
            item = PyLong_FromUnsignedLongLong(rlab_rng_below(&rng, n));
        else if (strcmp(kind, "float") == 0)
            item = PyFloat_FromDouble(rlab_rng_float(&rng));
        else if (strcmp(kind, "normal") == 0)
            item = PyFloat_FromDouble(rlab_rng_normal(&rng));
        else
            PyErr_Format(state->exceptions[RLAB_EVALUE], "kind: expected one of %s, got '%.40s'",
                         kinds, kind);
        if (!item)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static PyObject *
py_permute(PyObject *module, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of(module);
    unsigned long long n, seed, index;
    Py_ssize_t first, count;
    npy_intp shape;
    PyObject *out;
    if (!PyArg_ParseTuple(args, "KnnKK:permute", &n, &first, &count, &seed, &index))
        return NULL;
    if (n < 1 || first < 0 || count < 0 || (uint64_t)first > n ||
        (uint64_t)count > n - (uint64_t)first) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "permute: expected a range inside [0, %llu), got %zd items from %zd", n, count,
                     first);
        return NULL;
    }
    shape = count;
    out = PyArray_SimpleNew(1, &shape, NPY_UINT64);
    if (out) {
        uint64_t *at = PyArray_DATA((PyArrayObject *)out);
        for (Py_ssize_t i = 0; i < count; i++)
            at[i] = rlab_permute(n, (uint64_t)(first + i), seed, RLAB_STREAM_SPLIT, index);
    }
    return out;
}

/* What py_permute_at and py_below share: a strict array of indices in, an array like it out. */
static PyObject *
array_like(rlab_py_state *state, PyObject *items, const uint64_t **in, uint64_t **out,
           int64_t *count) {
    PyArrayObject *array = rlab_py_array(state, items, "items", NPY_UINT64, 1);
    npy_intp shape;
    PyObject *made;
    if (!array)
        return NULL;
    shape = PyArray_DIM(array, 0);
    made = PyArray_SimpleNew(1, &shape, NPY_UINT64);
    if (!made)
        return NULL;
    *in = PyArray_DATA(array);
    *out = PyArray_DATA((PyArrayObject *)made);
    *count = (int64_t)shape;
    return made;
}

static PyObject *
py_permute_at(PyObject *module, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of(module);
    unsigned long long n, seed, index;
    PyObject *items, *made;
    const uint64_t *in;
    uint64_t *out;
    int64_t count;
    if (!PyArg_ParseTuple(args, "KOKK:permute_at", &n, &items, &seed, &index) ||
        !(made = array_like(state, items, &in, &out, &count)))
        return NULL;
    for (int64_t i = 0; i < count; i++) {
        if (in[i] >= n) {
            PyErr_Format(state->exceptions[RLAB_EVALUE],
                         "items: expected numbers below %llu, got %llu", n,
                         (unsigned long long)in[i]);
            Py_DECREF(made);
            return NULL;
        }
        out[i] = rlab_permute(n, in[i], seed, RLAB_STREAM_SPLIT, index);
    }
    return made;
}

static PyObject *
py_below(PyObject *module, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of(module);
    unsigned long long n, seed, salt;
    PyObject *items, *made;
    const uint64_t *in;
    uint64_t *out;
    int64_t count;
    if (!PyArg_ParseTuple(args, "OKKK:below", &items, &n, &seed, &salt) ||
        !(made = array_like(state, items, &in, &out, &count)))
        return NULL;
    if (n < 1) {
        PyErr_SetString(state->exceptions[RLAB_EVALUE], "n: expected at least 1, got 0");
        Py_DECREF(made);
        return NULL;
    }
    for (int64_t i = 0; i < count; i++) {
        rlab_rng rng;
        rlab_rng_init(&rng, seed, RLAB_STREAM_SAMPLE,
                      rlab_hash_mix(rlab_hash_mix(RLAB_HASH_START, salt), in[i]));
        out[i] = rlab_rng_below(&rng, n);
    }
    return made;
}

static PyObject *
py_alloc_fail_after(PyObject *module, PyObject *arg) {
    long long n = PyLong_AsLongLong(arg);
    (void)module;
    if (n == -1 && PyErr_Occurred())
        return NULL;
    rlab_alloc_fail_after(n);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"isas", py_isas, METH_NOARGS, "isas()\n--\n\nInstruction sets this processor and build have."},
    {"isa", py_isa, METH_NOARGS, "isa()\n--\n\nThe instruction set in use (RECURSIONLAB_ISA)."},
    {"processors", py_processors, METH_NOARGS,
     "processors()\n--\n\nProcessors this process may use."},
    {"philox", py_philox, METH_VARARGS,
     "philox(counter, seed, /)\n--\n\nPhilox4x32-10 of a counter of four words."},
    {"random", py_random, METH_VARARGS,
     "random(kind, seed, stream, index, count, n=1, /)\n--\n\nThe first numbers of a stream."},
    {"permute", py_permute, METH_VARARGS,
     "permute(n, first, count, seed, index, /)\n--\n\n"
     "Items [first, first + count) of a keyed permutation of [0, n), uint64."},
    {"permute_at", py_permute_at, METH_VARARGS,
     "permute_at(n, items, seed, index, /)\n--\n\nThose items of a keyed permutation of [0, n)."},
    {"below", py_below, METH_VARARGS,
     "below(items, n, seed, salt, /)\n--\n\n"
     "For each item a number in [0, n), drawn by (seed, salt, item) alone."},
    {"alloc_fail_after", py_alloc_fail_after, METH_O,
     "alloc_fail_after(n, /)\n--\n\nTests only: make the n-th allocation from now on fail; 0: "
     "none."},
    {NULL, NULL, 0, NULL},
};

int
rlab_py_base_register(PyObject *module) {
    return rlab_py_add_functions(module, functions);
}
