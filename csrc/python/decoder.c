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
decoded_tuple(const rlab_decoded *d, int64_t items, const rlab_decode_config *config,
              const int64_t *fired) {
    const npy_intp count = (npy_intp)(items * config->num_return_sequences);
    const npy_intp told = ((npy_intp)d->off[count] + count) * config->alternatives;
    const struct {
        const void *data;
        npy_intp count;
        int dtype;
    } part[] = {{d->ids, (npy_intp)d->off[count], NPY_INT32},
                {d->off, count + 1, NPY_INT64},
                {d->score, count, NPY_FLOAT64},
                {d->finished, count, NPY_BOOL},
                {d->drawn, count, NPY_FLOAT64},
                {d->key, count, NPY_FLOAT64},
                {d->alt_token, told, NPY_INT32},
                {d->alt_logp, told, NPY_FLOAT64},
                {fired, config->n_taps, NPY_INT64}};
    const Py_ssize_t n = (Py_ssize_t)(sizeof part / sizeof *part);
    PyObject *tuple = PyTuple_New(n);
    for (Py_ssize_t i = 0; tuple && i < n; i++) {
        PyObject *array = array_of(part[i].data, part[i].count, part[i].dtype);
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

/* Reads the grammar's four arrays (None: no grammar, and the guide stays NULL). */
static int
grammar_of(rlab_py_state *state, rlab_grammar *out, PyObject *object) {
    static const char *const name[] = {"grammar rules", "grammar tokens", "grammar tails",
                                       "grammar symbols"};
    PyArrayObject *array[4];
    if (!PyTuple_Check(object) || PyTuple_GET_SIZE(object) != 4) {
        PyErr_SetString(state->exceptions[RLAB_ETYPE],
                        "grammar: expected None or a tuple of four int32 arrays");
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        array[i] = rlab_py_array(state, PyTuple_GET_ITEM(object, i), name[i], NPY_INT32, 1);
        if (!array[i])
            return -1;
    }
    out->rule = PyArray_DATA(array[0]);
    out->token = PyArray_DATA(array[1]);
    out->tail = PyArray_DATA(array[2]);
    out->symbol = PyArray_DATA(array[3]);
    out->n_symbols = (int32_t)PyArray_DIM(array[0], 0) - 1;
    out->n_rules = (int32_t)PyArray_DIM(array[1], 0);
    if (PyArray_DIM(array[0], 0) < 2 || PyArray_DIM(array[2], 0) != out->n_rules + 1 ||
        out->tail[out->n_rules] != PyArray_DIM(array[3], 0)) {
        PyErr_SetString(state->exceptions[RLAB_EVALUE],
                        "grammar: expected offsets (symbols + 1,), tokens (rules,), offsets "
                        "(rules + 1,) and as many symbols as the last offset says");
        return -1;
    }
    return 0;
}

static int
early_of(rlab_py_state *state, rlab_decode_early *out, const char *word) {
    static const char *const words[] = {"false", "true", "never"};
    for (int i = 0; i < 3; i++)
        if (strcmp(words[i], word) == 0) {
            *out = (rlab_decode_early)i;
            return 0;
        }
    PyErr_Format(state->exceptions[RLAB_EVALUE],
                 "early_stopping: expected one of false, true, never, got '%s'", word);
    return -1;
}

/* Everything but the model and the sources. */
typedef struct options {
    rlab_decode_config config;
    rlab_grammar grammar;
    PyObject *ids, *off, *model, *grammar_object, *taps;
    const char *method, *early;
    int threads;
} options;

static int
parse(rlab_py_state *state, options *o, PyObject *args, PyObject *kwargs) {
    static const char *const names[] = {"",
                                        "",
                                        "",
                                        "",
                                        "",
                                        "",
                                        "",
                                        "num_beams",
                                        "num_return_sequences",
                                        "temperature",
                                        "top_k",
                                        "top_p",
                                        "min_p",
                                        "length_penalty",
                                        "early_stopping",
                                        "alternatives",
                                        "seed",
                                        "first_item",
                                        "grammar",
                                        "taps",
                                        NULL};
    int max_length, batch_size, beams = 1, returned = 1, top_k = 0, alternatives = 0;
    unsigned long long seed = 0;
    long long first_item = 0;
    o->config = (rlab_decode_config){.temperature = 1.0, .top_p = 1.0, .length_penalty = 1.0};
    o->early = "false";
    o->grammar_object = Py_None;
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "OOOsiii|$iididddsiKLOO:decode", (char **)names, &o->model, &o->ids,
            &o->off, &o->method, &max_length, &batch_size, &o->threads, &beams, &returned,
            &o->config.temperature, &top_k, &o->config.top_p, &o->config.min_p,
            &o->config.length_penalty, &o->early, &alternatives, &seed, &first_item,
            &o->grammar_object, &o->taps) ||
        rlab_py_threads(state, o->threads) < 0)
        return -1;
    o->config.max_length = max_length;
    o->config.batch_size = batch_size;
    o->config.num_beams = beams;
    o->config.num_return_sequences = returned;
    o->config.top_k = top_k;
    o->config.alternatives = alternatives;
    o->config.seed = seed;
    o->config.first_item = first_item;
    if (o->grammar_object != Py_None && grammar_of(state, &o->grammar, o->grammar_object) < 0)
        return -1;
    return early_of(state, &o->config.early_stopping, o->early);
}

static PyObject *
py_decode(PyObject *module, PyObject *args, PyObject *kwargs) {
    rlab_py_state *state = rlab_py_state_of(module);
    options o = {0};
    PyObject *result;
    rlab_decode_guide guide;
    rlab_sources sources;
    rlab_decoded decoded;
    rlab_py_taps taps;
    rlab_model *model;
    rlab_status status;
    rlab_ctx ctx;
    if (parse(state, &o, args, kwargs) < 0)
        return NULL;
    model = rlab_py_model(state, o.model, "model");
    if (!model || sources_of(state, &sources, o.ids, o.off) < 0 ||
        rlab_py_parse_taps((py_model *)o.model, &taps, o.taps, NULL) < 0)
        return NULL;
    o.config.taps = taps.at;
    o.config.n_taps = taps.n;
    o.config.bos = model->roles.start_token;
    o.config.eos = model->roles.end_token;
    rlab_py_ctx_init(&ctx);
    if (rlab_decode_method_find(&ctx, &o.config.method, o.method) != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    if (o.grammar_object != Py_None) {
        o.grammar.eos = o.config.eos;
        o.config.guide = &guide;
        if (rlab_grammar_guide(&ctx, &guide, &o.grammar, model->roles.vocab_size,
                               o.config.max_length) != RLAB_OK) {
            rlab_grammar_free(&o.grammar);
            return rlab_py_raise(state, &ctx);
        }
    }
    if (rlab_py_model_lock(o.model) < 0) {
        rlab_grammar_free(&o.grammar);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS rlab_weights_pack(model->weights, o.threads);
    status = rlab_decode(&ctx, &decoded, model, &sources, &o.config, o.threads);
    Py_END_ALLOW_THREADS rlab_py_model_unlock(o.model);
    rlab_grammar_free(&o.grammar);
    if (status != RLAB_OK)
        return rlab_py_raise(state, &ctx);
    result = decoded_tuple(&decoded, sources.count, &o.config, taps.fired);
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
    {"decode", (PyCFunction)(void (*)(void))py_decode, METH_VARARGS | METH_KEYWORDS,
     "decode(model, input_ids, input_offsets, method, max_length, batch_size, threads, /, *, "
     "num_beams=1, num_return_sequences=1, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, "
     "length_penalty=1.0, early_stopping='false', alternatives=0, seed=0, first_item=0, "
     "grammar=None, taps=None)\n--\n\n"
     "Decode packed sources; return (ids, offsets, scores, finished, drawn scores, keys, "
     "alternative tokens, their log-probabilities, how often each tap acted), the two before the "
     "last flat."},
    {NULL, NULL, 0, NULL},
};

int
rlab_py_decoder_register(PyObject *module) {
    return rlab_py_add_functions(module, functions);
}
