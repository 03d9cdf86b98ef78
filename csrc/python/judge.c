/* The Python face of judge: comparing packed predictions with packed targets. */
#include "python/py.h"

#include "judge/judge.h"

/* Takes a pair of strict arrays (tokens int32, offsets int64) as one packed argument. 0, or -1
 * raised. */
static int
packed_of(rlab_py_state *state, PyObject *tokens, PyObject *off, const char *tokens_name,
          const char *off_name, rlab_packed *out, int64_t *count) {
    PyArrayObject *t = rlab_py_array(state, tokens, tokens_name, NPY_INT32, 1);
    PyArrayObject *o = t ? rlab_py_array(state, off, off_name, NPY_INT64, 1) : NULL;
    if (!o || rlab_py_check_offsets(state, o, off_name, PyArray_DIM(t, 0)) < 0)
        return -1;
    out->tokens = PyArray_DATA(t);
    out->off = PyArray_DATA(o);
    *count = PyArray_DIM(o, 0) - 1;
    return 0;
}

static PyObject *
py_compare(PyObject *module, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of(module);
    PyObject *pt, *po, *tt, *to, *result = NULL, *out[4] = {NULL, NULL, NULL, NULL};
    static const int kinds[4] = {NPY_UINT8, NPY_INT64, NPY_INT64, NPY_INT64};
    rlab_packed predicted, target;
    int64_t n_predicted, n_target;
    npy_intp shape;
    int threads;
    if (!PyArg_ParseTuple(args, "OOOOi:compare", &pt, &po, &tt, &to, &threads) ||
        rlab_py_threads(state, threads) < 0 ||
        packed_of(state, pt, po, "predicted", "predicted_offsets", &predicted, &n_predicted) < 0 ||
        packed_of(state, tt, to, "target", "target_offsets", &target, &n_target) < 0)
        return NULL;
    if (n_predicted != n_target) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "predicted: expected %lld sequences, one a target, got %lld",
                     (long long)n_target, (long long)n_predicted);
        return NULL;
    }
    shape = (npy_intp)n_target;
    for (int k = 0; k < 4; k++) {
        out[k] = PyArray_SimpleNew(1, &shape, kinds[k]);
        if (!out[k])
            goto done;
    }
    Py_BEGIN_ALLOW_THREADS;
    rlab_judge_compare(PyArray_DATA((PyArrayObject *)out[0]), PyArray_DATA((PyArrayObject *)out[1]),
                       PyArray_DATA((PyArrayObject *)out[2]), PyArray_DATA((PyArrayObject *)out[3]),
                       predicted, target, n_target, threads);
    Py_END_ALLOW_THREADS;
    result = PyTuple_Pack(4, out[0], out[1], out[2], out[3]);
done:
    for (int k = 0; k < 4; k++)
        Py_XDECREF(out[k]);
    return result;
}

static PyMethodDef functions[] = {
    {"compare", py_compare, METH_VARARGS,
     "compare(predicted, predicted_offsets, target, target_offsets, threads, /)\n--\n\n"
     "Compare packed sequences: (exact, right, length, first) a sequence."},
    {NULL, NULL, 0, NULL},
};

int
rlab_py_judge_register(PyObject *module) {
    return rlab_py_add_functions(module, functions);
}
