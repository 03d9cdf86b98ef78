/* Sampling of a _core.Type: laws over sizes or depths, read from Python; values and arrays of ranks
 * drawn. */
#include "python/lang.h"

static void
free_buffer(PyObject *capsule) {
    rlab_free(PyCapsule_GetPointer(capsule, NULL));
}

/* Takes over a buffer of the core; frees it when the array dies. */
PyObject *
rlab_py_adopt(void **data, int dtype, int ndim, npy_intp *shape) {
    PyObject *capsule = PyCapsule_New(*data, NULL, free_buffer), *array;
    if (!capsule)
        return NULL;
    array = rlab_py_view(capsule, *data, dtype, ndim, shape, true);
    *data = NULL;
    Py_DECREF(capsule);
    return array;
}

/* A law over sizes (or depths): one, several with equal weight, or a dict from each to its weight.
 */
typedef struct law {
    uint64_t *levels;
    double *weights;
    Py_ssize_t n;
} law;

static void
law_free(law *l) {
    PyMem_Free(l->levels);
    PyMem_Free(l->weights);
}

/* Puts a level where it belongs among the n so far; 0 or -1. */
static int
law_put(rlab_py_state *state, law *l, const char *name, PyObject *level, PyObject *weight) {
    uint64_t at;
    Py_ssize_t i = l->n;
    double w = 1;
    if (rlab_py_u64(state, level, name, &at) < 0)
        return -1;
    if (at > INT32_MAX) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "%s: expected less than 2^31, got %R", name,
                     level);
        return -1;
    }
    if (weight && (w = PyFloat_AsDouble(weight)) == -1 && PyErr_Occurred())
        return -1;
    if (!(w >= 0 && w < 1e300)) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "%s: expected a finite weight of at least 0 for %R, got %R", name, level,
                     weight);
        return -1;
    }
    for (; i > 0 && l->levels[i - 1] > at; i--) {
        l->levels[i] = l->levels[i - 1];
        l->weights[i] = l->weights[i - 1];
    }
    if (i > 0 && l->levels[i - 1] == at) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "%s: %R is given twice", name, level);
        return -1;
    }
    l->levels[i] = at;
    l->weights[i] = w;
    l->n++;
    return 0;
}

static int
law_read(rlab_py_state *state, law *l, const char *name, PyObject *object) {
    bool single = PyIndex_Check(object);
    PyObject *items = single ? PyTuple_Pack(1, object)
                             : PySequence_Fast(object, "size: expected an int, a sequence of them, "
                                                       "or a dict from each to its weight");
    double sum = 0;
    int done = 0;
    Py_ssize_t n;
    if (!items)
        return -1;
    n = PySequence_Fast_GET_SIZE(items);
    l->levels = PyMem_Malloc(((size_t)n + 1) * sizeof *l->levels);
    l->weights = PyMem_Malloc(((size_t)n + 1) * sizeof *l->weights);
    if (!l->levels || !l->weights) {
        PyErr_NoMemory();
        done = -1;
    }
    for (Py_ssize_t i = 0; i < n && done == 0; i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        PyObject *weight = PyDict_Check(object) ? PyDict_GetItemWithError(object, item) : NULL;
        done = law_put(state, l, name, item, weight);
    }
    for (Py_ssize_t i = 0; i < l->n; i++)
        sum += l->weights[i];
    if (done == 0 && !(sum > 0)) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "%s: expected a %s with a weight above 0",
                     name, name);
        done = -1;
    }
    Py_DECREF(items);
    return done;
}

/* Runs a draw described by Python arguments; 0, or -1 raised. The caller frees. */
static int
draw_run(rlab_py_type *self, const char *what, PyObject *args, PyObject *kwargs, rlab_draw *draw) {
    static const char *const names[] = {"n", "size", "seed", "depth", "replace", "first", NULL};
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    PyObject *size = NULL, *depth = NULL, *seed = NULL, *first = NULL, *object;
    Py_ssize_t n;
    int replace = 1, done = -1;
    law l = {NULL, NULL, 0};
    rlab_ctx ctx;
    rlab_status status;
    memset(draw, 0, sizeof *draw);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "n|O$OOpO", (char **)names, &n, &size, &seed,
                                     &depth, &replace, &first))
        return -1;
    if (!seed) {
        PyErr_Format(PyExc_TypeError, "%s: the keyword argument seed is missing", what);
        return -1;
    }
    if (n < 0) {
        PyErr_Format(state->exceptions[RLAB_EVALUE], "%s: expected n of at least 0, got %zd", what,
                     n);
        return -1;
    }
    if (rlab_py_one_of(state, what, size, depth, &draw->depth, &object) < 0 ||
        rlab_py_u64(state, seed, "seed", &draw->seed) < 0 ||
        (first && rlab_py_u64(state, first, "first", &draw->first) < 0) ||
        law_read(state, &l, draw->depth ? "depth" : "size", object) < 0)
        goto done;
    draw->type = self->type;
    draw->replace = replace;
    draw->levels = l.levels;
    draw->weights = l.weights;
    draw->n_levels = (size_t)l.n;
    draw->n = (uint64_t)n;
    rlab_py_ctx_init(&ctx);
    rlab_py_lock(self->lock);
    Py_BEGIN_ALLOW_THREADS status = rlab_draw_run(&ctx, draw);
    Py_END_ALLOW_THREADS PyThread_release_lock(self->lock);
    if (status == RLAB_OK)
        done = 0;
    else
        rlab_py_raise(state, &ctx);
done:
    law_free(&l);
    return done;
}

PyObject *
rlab_py_sample(rlab_py_type *self, PyObject *args, PyObject *kwargs) {
    rlab_py_state *state = rlab_py_state_of_type(Py_TYPE(self));
    rlab_draw draw;
    rlab_big rank = {0};
    rlab_ctx ctx;
    PyObject *list = NULL;
    if (draw_run(self, "sample", args, kwargs, &draw) == 0)
        list = PyList_New((Py_ssize_t)draw.n);
    rlab_ctx_init(&ctx);
    for (uint64_t i = 0; list && i < draw.n; i++) {
        PyObject *item = NULL;
        if (rlab_words_get(&ctx, &rank, draw.out_ranks + i * draw.words, draw.words) != RLAB_OK)
            rlab_py_raise(state, &ctx);
        else
            item = rlab_py_value_at(state, self, draw.depth, (uint64_t)draw.out_levels[i],
                                    rlab_big_view(&rank));
        if (!item)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    rlab_vec_free(&rank);
    rlab_draw_free(&draw);
    return list;
}

PyObject *
rlab_py_draw(rlab_py_type *self, PyObject *args, PyObject *kwargs) {
    rlab_draw draw;
    npy_intp shape[2];
    PyObject *levels, *ranks, *result = NULL;
    if (draw_run(self, "draw", args, kwargs, &draw) < 0)
        return NULL;
    shape[0] = (npy_intp)draw.n;
    shape[1] = (npy_intp)draw.words;
    levels = rlab_py_adopt((void **)&draw.out_levels, NPY_INT32, 1, shape);
    ranks = rlab_py_adopt((void **)&draw.out_ranks, NPY_UINT64, draw.words > 1 ? 2 : 1, shape);
    if (levels && ranks)
        result = PyTuple_Pack(2, levels, ranks);
    Py_XDECREF(levels);
    Py_XDECREF(ranks);
    rlab_draw_free(&draw);
    return result;
}
