/* The Python face of judge: comparing packed predictions with packed targets. */
#include "python/lang.h"

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

static rlab_py_codec *
codec_of(rlab_py_state *state, PyObject *object) {
    if (PyObject_TypeCheck(object, state->types[RLAB_PY_CODEC]))
        return (rlab_py_codec *)object;
    PyErr_Format(state->exceptions[RLAB_ETYPE], "codec: expected a Codec, got %.80s",
                 Py_TYPE(object)->tp_name);
    return NULL;
}

static PyObject *
py_malformed(PyObject *module, PyObject *args) {
    rlab_py_state *state = rlab_py_state_of(module);
    PyObject *object, *tokens, *off, *out;
    rlab_py_codec *codec;
    rlab_packed packed;
    int64_t count;
    const char *side;
    npy_intp shape;
    rlab_ctx ctx;
    rlab_status status;
    int threads, output;
    if (!PyArg_ParseTuple(args, "OOOsi:malformed", &object, &tokens, &off, &side, &threads) ||
        !(codec = codec_of(state, object)) || rlab_py_threads(state, threads) < 0 ||
        packed_of(state, tokens, off, "tokens", "offsets", &packed, &count) < 0 ||
        rlab_py_side(state, side, &output) < 0)
        return NULL;
    shape = (npy_intp)count;
    out = PyArray_SimpleNew(1, &shape, NPY_INT64);
    if (!out)
        return NULL;
    rlab_py_ctx_init(&ctx);
    Py_BEGIN_ALLOW_THREADS;
    status = rlab_judge_malformed(&ctx, PyArray_DATA((PyArrayObject *)out), codec->program->program,
                                  codec->codec, output, packed, count, threads);
    Py_END_ALLOW_THREADS;
    if (status == RLAB_OK)
        return out;
    Py_DECREF(out);
    return rlab_py_raise(state, &ctx);
}

/* The arrays that judge_steps gives. */
static PyObject *
run_steps(rlab_py_state *state, rlab_steps *s, int64_t count, int threads) {
    PyObject *out[3] = {NULL, NULL, NULL}, *result = NULL;
    static const int kinds[3] = {NPY_UINT8, NPY_INT64, NPY_INT64};
    npy_intp shape = (npy_intp)count;
    rlab_ctx ctx;
    rlab_status status;
    for (int k = 0; k < 3; k++)
        if (!(out[k] = PyArray_SimpleNew(1, &shape, kinds[k])))
            goto done;
    s->verdict = PyArray_DATA((PyArrayObject *)out[0]);
    s->steps = PyArray_DATA((PyArrayObject *)out[1]);
    s->position = PyArray_DATA((PyArrayObject *)out[2]);
    rlab_py_ctx_init(&ctx);
    Py_BEGIN_ALLOW_THREADS;
    status = rlab_judge_steps(&ctx, s, count, threads);
    Py_END_ALLOW_THREADS;
    result =
        status == RLAB_OK ? PyTuple_Pack(3, out[0], out[1], out[2]) : rlab_py_raise(state, &ctx);
done:
    for (int k = 0; k < 3; k++)
        Py_XDECREF(out[k]);
    return result;
}

static PyObject *
py_judge_steps(PyObject *module, PyObject *args, PyObject *kwargs) {
    static const char *const keys[] = {
        "codec",    "before", "before_offsets", "after", "after_offsets", "threads", "granularity",
        "strategy", "every",  "lookahead",      "steps", "nodes",         NULL};
    rlab_py_state *state = rlab_py_state_of(module);
    PyObject *object, *pb, *ob, *pa, *oa;
    const char *granularity = "call", *strategy = "cbv";
    long long every = 1, lookahead = 16, steps = 0, nodes = 0;
    rlab_py_codec *codec;
    rlab_steps s = {0};
    int64_t n_before, n_after;
    uint32_t traced;
    int threads;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOOi|$ssLLLL:judge_steps", (char **)keys,
                                     &object, &pb, &ob, &pa, &oa, &threads, &granularity, &strategy,
                                     &every, &lookahead, &steps, &nodes) ||
        !(codec = codec_of(state, object)) || rlab_py_threads(state, threads) < 0 ||
        rlab_py_granularity(state, granularity, &s.granularity) < 0 ||
        rlab_py_strategy(state, strategy, &s.strategy) < 0 ||
        packed_of(state, pb, ob, "before", "before_offsets", &s.before, &n_before) < 0 ||
        packed_of(state, pa, oa, "after", "after_offsets", &s.after, &n_after) < 0)
        return NULL;
    if (n_before != n_after || every < 1 || lookahead < 0) {
        PyErr_Format(state->exceptions[RLAB_EVALUE],
                     "judge_steps: expected as many terms after as before, every of at least 1 and "
                     "lookahead of at least 0, got %lld, %lld, %lld and %lld",
                     (long long)n_after, (long long)n_before, every, lookahead);
        return NULL;
    }
    s.program = codec->program->program;
    s.codec = codec->codec;
    traced = rlab_codec_traced(codec->codec);
    s.group = traced == UINT32_MAX ? UINT32_MAX : s.program->globals.at[traced].group;
    s.every = (uint64_t)every;
    s.lookahead = (uint64_t)lookahead;
    s.budget = rlab_py_budget(steps, nodes);
    return run_steps(state, &s, n_before, threads);
}

static PyMethodDef functions[] = {
    {"malformed", py_malformed, METH_VARARGS,
     "malformed(codec, tokens, offsets, side, threads, /)\n--\n\n"
     "Where each packed sequence is no value of the side: a token index, or -1 where it is one."},
    {"judge_steps", (PyCFunction)(void (*)(void))py_judge_steps, METH_VARARGS | METH_KEYWORDS,
     "judge_steps(codec, before, before_offsets, after, after_offsets, threads, *, "
     "granularity='call', strategy='cbv', every=1, lookahead=16, steps=0, nodes=0)\n--\n\n"
     "Judge packed steps: (verdict, steps, position) a step."},
    {"compare", py_compare, METH_VARARGS,
     "compare(predicted, predicted_offsets, target, target_offsets, threads, /)\n--\n\n"
     "Compare packed sequences: (exact, right, length, first) a sequence."},
    {NULL, NULL, 0, NULL},
};

int
rlab_py_judge_register(PyObject *module) {
    return rlab_py_add_functions(module, functions);
}
