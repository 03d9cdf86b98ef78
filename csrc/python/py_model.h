/* What other parts of the border may do with a Python Model: borrow the C model, hold its lock,
 * have taps read. */
#ifndef RLAB_PYTHON_PY_MODEL_H
#define RLAB_PYTHON_PY_MODEL_H

#include "python/py.h"
#include "model/model.h"

/* The C model of a Python Model, borrowed: keep a reference to `object` as long as you use it.
 * Raises InputTypeError naming the argument and returns NULL when it is something else. */
rlab_model *rlab_py_model(rlab_py_state *state, PyObject *object, const char *name);

/* One caller at a time computes with a model. Lock before releasing the GIL, unlock after taking it
 * again. -1, raised, inside a call that this very thread's run makes to Python. */
int rlab_py_model_lock(PyObject *object);
void rlab_py_model_unlock(PyObject *object);

/* ---- for the files that run a model's graph ---------------------------------------------------
 */

#include <pythread.h>

typedef struct py_model {
    PyObject_HEAD rlab_model *model;
    rlab_team *team; /* of the last run, or NULL */
    int32_t shards;
    rlab_exec *decoder; /* made by open_cache, or NULL */
    float *grad;        /* (size,) */
    PyThread_type_lock lock;
    unsigned long caller; /* the thread whose run is calling Python, or 0 */
    PyObject *error[3];   /* what a called function raised, until the run ends */
} py_model;

/* A function to call at a tap: function(array, gradient) may change the array in place. */
typedef struct rlab_py_tap_call {
    py_model *model;
    PyObject *function;
    bool *failed; /* of the run: an exception waits, nothing more is called */
} rlab_py_tap_call;

enum { RLAB_PY_TAPS_MAX = 512, RLAB_PY_PLACES_MAX = 1 << 16 };

/* The taps of a run. They borrow from the Python list, which must stay. */
typedef struct rlab_py_taps {
    rlab_tap at[RLAB_PY_TAPS_MAX];
    int64_t fired[RLAB_PY_TAPS_MAX];
    rlab_py_tap_call calls[RLAB_PY_TAPS_MAX];
    int32_t n;
    bool edits, failed; /* some need gradients of their own; a called function raised */
} rlab_py_taps;

/* model_tap.c: one tap of a batch of `size`, (name, kind, payload[, first, last[, rows[,
 * places]]]), or of any batch (size NULL): then scale and fill only, at places. 0, or -1 raised.
 * call: NULL where nothing may be called. */
int rlab_py_parse_tap(py_model *self, rlab_tap *tap, rlab_py_tap_call *call, PyObject *tuple,
                      const rlab_capacity *size);
/* A list of them; NULL and None: none. */
int rlab_py_parse_taps(py_model *self, rlab_py_taps *taps, PyObject *list,
                       const rlab_capacity *size);
/* model_run.c: the arrays of a batch (labels and ids may be NULL), checked one by one, the C side
 * checks what is in them. 0, or -1 raised. */
int rlab_py_parse_batch(py_model *self, rlab_batch *batch, rlab_capacity *size,
                        PyObject *const o[5], PyObject *ids);

PyObject *rlab_py_model_sweep(PyObject *object, PyObject *args, PyObject *kwargs);
PyObject *rlab_py_model_forward(PyObject *object, PyObject *args, PyObject *kwargs);
PyObject *rlab_py_model_loss(PyObject *object, PyObject *args, PyObject *kwargs);
PyObject *rlab_py_model_flops(PyObject *object, PyObject *args, PyObject *kwargs);
PyObject *rlab_py_model_open_cache(PyObject *object, PyObject *args);
PyObject *rlab_py_model_encode(PyObject *object, PyObject *args);
PyObject *rlab_py_model_step(PyObject *object, PyObject *args);
PyObject *rlab_py_model_slot_rows(PyObject *object, PyObject *args);
PyObject *rlab_py_model_slot_reset(PyObject *object, PyObject *args);
PyObject *rlab_py_model_slot_copy(PyObject *object, PyObject *args);

#endif
