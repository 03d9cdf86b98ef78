/* The tools of the border: raising what C reported, strict arrays, leaving and taking the GIL.
 * The only room that includes Python.h. Every file here includes this header first. */
#ifndef RLAB_PYTHON_PY_H
#define RLAB_PYTHON_PY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_1_22_API_VERSION
#define NPY_TARGET_VERSION NPY_1_22_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL rlab_numpy_api
#ifndef RLAB_PY_MODULE_C
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include "base/base.h"

#define RLAB_PY_TYPES_MAX 32

/* What the module owns; immutable after import. */
typedef struct rlab_py_state {
    PyObject *exceptions[RLAB_STATUS_COUNT]; /* by status; [RLAB_OK] is NULL */
    PyTypeObject *types[RLAB_PY_TYPES_MAX];  /* by rlab_py_type_id */
    rlab_isa isa;                            /* the instruction set in use */
} rlab_py_state;

/* Heap types that other parts need to recognise. Append here, set in the part's register function.
 */
typedef enum rlab_py_type_id {
    RLAB_PY_PROGRAM,
    RLAB_PY_TERM,
    RLAB_PY_TYPE,
    RLAB_PY_CODEC,
    RLAB_PY_TRACE,
    RLAB_PY_MODEL,
    RLAB_PY_TRAINER,
    RLAB_PY_DECODER,
    RLAB_PY_MACHINE,
    RLAB_PY_TYPE_COUNT
} rlab_py_type_id;

/* Every part registers its functions and types; the parts are listed in parts.def. */
#define X(part) int rlab_py_##part##_register(PyObject *module);
#include "python/parts.def"
#undef X

/* State of the module; `type` is any heap type made by rlab_py_add_type. */
rlab_py_state *rlab_py_state_of(PyObject *module);
rlab_py_state *rlab_py_state_of_type(PyTypeObject *type);

/* Makes a heap type from a spec, adds it to the module and remembers it under `id`. 0 or -1. */
int rlab_py_add_type(PyObject *module, PyType_Spec *spec, rlab_py_type_id id);
/* Adds functions to the module from a table ending in a NULL name. 0 or -1. */
int rlab_py_add_functions(PyObject *module, PyMethodDef *methods);

/* Raises what ctx holds: the class of its status, the message, and `position` as an attribute if
 * set. Returns NULL, so that a function can end with `return rlab_py_raise(state, &ctx)`. */
PyObject *rlab_py_raise(rlab_py_state *state, const rlab_ctx *ctx);

/* A ctx whose poll sees pending signals (Ctrl-C) while the GIL is released. */
void rlab_py_ctx_init(rlab_ctx *ctx);

/* Strict array argument: C-contiguous, aligned, of exactly this dtype and number of dimensions
 * (ndim -1: any). Returns a borrowed view of `object`, or raises InputTypeError naming the
 * argument, what was expected and what came, and returns NULL. */
PyArrayObject *rlab_py_array(rlab_py_state *state, PyObject *object, const char *name, int dtype,
                             int ndim);

/* Checks an offsets array (R+1,) int64: starts at 0, never falls, ends at `rows`. 0, or -1 raised.
 */
int rlab_py_check_offsets(rlab_py_state *state, PyArrayObject *offsets, const char *name,
                          int64_t rows);

/* A NumPy view of memory that `owner` keeps alive. */
PyObject *rlab_py_view(PyObject *owner, void *data, int dtype, int ndim, const npy_intp *shape,
                       bool writable);

/* Converts a thread count argument: at least 1. 0, or -1 raised. */
int rlab_py_threads(rlab_py_state *state, int threads);

#endif
