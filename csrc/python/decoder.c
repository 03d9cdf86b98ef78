/* The Python face of decode: packed sources in, packed outputs out. */
#include "python/py_model.h"

#include "decode/decode.h"

static PyObject *
array_of(const void *data, npy_intp count, int dtype) {
    PyObject *array = PyArray_SimpleNew(1, &count, dtype);
    if (array && count > 0)
        memcpy(PyArray_DATA((PyArrayObject *)array), data,
               (size_t)PyArray_NBYTES((PyArrayObject *)array));
    return array;
}

static PyObject *
decoded_tuple(const rlab_decoded *d, int64_t count) {
    PyObject *tuple = PyTuple_New(4);
    for (int i = 0; tuple && i < 4; i++) {
        PyObject *array = i == 0   ? array_of(d->ids, (npy_intp)d->off[count], NPY_INT32)
                          : i == 1 ? array_of(d->off, (npy_intp)count + 1, NPY_INT64)
                          : i == 2 ? array_of(d->score, (npy_intp)count, NPY_FLOAT64)
                                   : array_of(d->finished, (npy_intp)count, NPY_BOOL);
        if (!array)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, array);
    }
    return tuple;
}

static int
sources_of(rlab_py_state *state, rlab_sources *out, PyObject *ids_object, PyObject *off_object) {
    PyArrayObject *ids = rlab_py_array(state, ids_object, "input_ids", NPY_INT32, 1);
    PyArrayObject *off =
        ids ? rlab_py_array(state, off_object, "input_offsets", NPY_INT64, 1) : NULL;
    if (!off || rlab_py_check_offsets(state, off, "input_offsets", PyArray_DIM(ids, 0)) < 0)
        return -1;
    out->ids = PyArray_DATA(ids);
    out->off = PyArray_DATA(off);
    out->count = PyArray_DIM(off, 0) - 1;
    return 0;
}

static PyObject *
py_decode(PyObject *module, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of(module);
    PyObject *object, *ids, *off, *result;
    rlab_decode_config config = {.bos = 1, .eos = 2};
    rlab_sources sources;
    rlab_decoded decoded;
    rlab_model *model;
    const char *method;
    rlab_status status;
    rlab_ctx ctx;
    int threads, max_length, batch_size;
    if (!PyArg_ParseTuple(args, "OOOsiii:decode", &object, &ids, &off, &method, &max_length,
                          &batch_size, &threads) ||
        rlab_py_threads(state, threads) < 0)
        return NULL;
    model = rlab_py_model(state, object, "model");
    if (!model || sources_of(state, &sources, ids, off) < 0)
        return NULL;
    config.max_length = max_length;
    config.batch_size = batch_size;
    rlab_py_ctx_init(&ctx);
    if (rlab_decode_method_find(&ctx, &config.method, method) != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    rlab_py_model_lock(object);
    Py_BEGIN_ALLOW_THREADS rlab_weights_pack(model->weights, threads);
    status = rlab_decode(&ctx, &decoded, model, &sources, &config, threads);
    Py_END_ALLOW_THREADS rlab_py_model_unlock(object);
    if (status != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    result = decoded_tuple(&decoded, sources.count);
    rlab_decoded_free(&decoded);
    return result;
}

static PyObject *
py_longest(PyObject *module, PyObject *object) {
    rlab_model *model = rlab_py_model(rlab_py_state_of(module), object, "model");
    if (!model)
        return NULL;
    return Py_BuildValue("(ii)", (int)model->roles.max_source, (int)model->roles.max_target);
}

static PyMethodDef functions[] = {
    {"longest", py_longest, METH_O,
     "longest(model, /)\n--\n\n"
     "Tokens of the longest source and target (with <bos>) that a model reads; 0: any."},
    {"decode", py_decode, METH_VARARGS,
     "decode(model, input_ids, input_offsets, method, max_length, batch_size, threads, /)\n--\n\n"
     "Decode packed sources; return (ids, offsets, scores, finished)."},
    {NULL, NULL, 0, NULL},
};

int
rlab_py_decoder_register(PyObject *module) {
    return rlab_py_add_functions(module, functions);
}
