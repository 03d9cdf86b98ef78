/* What the parts of the Python face of lang share: programs, boxes of terms, locks. */
#ifndef RLAB_PYTHON_LANG_H
#define RLAB_PYTHON_LANG_H

#include "python/py.h"
#include "lang/lang.h"

/* A term store shared by the Terms that live in it. `refs` is guarded by the GIL, `store` by
 * `lock`, which is taken before the GIL is left and never while another lock is waited for with the
 * GIL. */
typedef struct rlab_py_box {
    Py_ssize_t refs;
    rlab_store store;
    PyThread_type_lock lock;
} rlab_py_box;

typedef struct rlab_py_program {
    PyObject_HEAD rlab_program *program;
    PyThread_type_lock lock; /* guards building; a sealed program is immutable */
    rlab_py_box *box;        /* where new terms go; replaced when it has grown large */
} rlab_py_program;

typedef struct rlab_py_term {
    PyObject_HEAD rlab_py_program *program;
    rlab_py_box *box;
    rlab_term term;
    uint32_t traced; /* its calls print as UNROLL; UINT32_MAX: none */
} rlab_py_term;

typedef struct rlab_py_type {
    PyObject_HEAD rlab_py_program *program;
    rlab_type *type;
    PyThread_type_lock lock; /* guards the tables of counts, which grow */
} rlab_py_type;

typedef struct rlab_py_codec {
    PyObject_HEAD rlab_py_program *program;
    rlab_py_type *sides[2];
    rlab_codec *codec;
} rlab_py_codec;

/* Takes a lock; leaves the GIL while it has to wait. */
void rlab_py_lock(PyThread_type_lock lock);

rlab_py_box *rlab_py_box_new(rlab_py_state *state, rlab_py_program *program);
void rlab_py_box_drop(rlab_py_box *box);
/* The box for new terms, with one more reference. NULL: raised. */
rlab_py_box *rlab_py_box_current(rlab_py_state *state, rlab_py_program *program);
/* A Term of a box; takes over the caller's reference to the box. */
PyObject *rlab_py_term_new(rlab_py_state *state, rlab_py_program *program, rlab_py_box *box,
                           rlab_term term);
/* The object as a Term of this program, or NULL with InputTypeError naming the argument. */
rlab_py_term *rlab_py_term_check(rlab_py_state *state, rlab_py_program *program, PyObject *object,
                                 const char *name);
/* Copies a Term into a box that the caller has not locked. 0 or -1. */
int rlab_py_term_into(rlab_py_state *state, rlab_term *out, rlab_py_box *box, rlab_py_term *term);
/* Raises unless the program is sealed. 0 or -1. */
int rlab_py_sealed(rlab_py_state *state, const rlab_py_program *program);
/* The Term or tuple of n Terms (n == 1: a Term) that `object` holds, copied into a box; 0 or -1. */
int rlab_py_terms_into(rlab_py_state *state, rlab_term *out, rlab_py_program *program,
                       rlab_py_box *box, PyObject *object, uint32_t n, const char *name);
/* A Term (n == 1) or a tuple of Terms of a box; the caller keeps its reference to the box. */
PyObject *rlab_py_terms_new(rlab_py_state *state, rlab_py_program *program, rlab_py_box *box,
                            const rlab_term *terms, uint32_t n);
PyObject *rlab_py_type_new(rlab_py_state *state, rlab_py_program *program, PyObject *exprs);
/* Appends a Python type expression in postfix. Variables below `vars` are allowed. 0 or -1. */
int rlab_py_type_expr(rlab_py_state *state, rlab_ids *out, PyObject *expr, const char *name);
/* Postfix code as a tuple, which no Python code can change while a store is locked; NULL: raised.
 */
PyObject *rlab_py_code(PyObject *code);
/* Builds the term that a tuple of instructions writes; the caller holds the store. 0 or -1. */
int rlab_py_build(rlab_py_state *state, rlab_term *out, rlab_store *store, PyObject *code);
int rlab_py_push_id(rlab_py_state *state, rlab_ids *ids, uint32_t id);
/* Budgets from keyword arguments; 0 or negative: the default. */
rlab_budget rlab_py_budget(long long steps, long long nodes);
/* A global's index argument, checked. -1: none, where `optional`. 0 or -1 raised. */
int rlab_py_global(rlab_py_state *state, uint32_t *out, const rlab_py_program *program,
                   long long global, bool optional);
int rlab_py_granularity(rlab_py_state *state, const char *name, rlab_granularity *out);
/* A side of a codec by its name: 0 input, 1 output. 0 or -1 raised. */
int rlab_py_side(rlab_py_state *state, const char *name, int *side);
int rlab_py_strategy(rlab_py_state *state, const char *name, rlab_strategy *out);
/* Integer arguments: of 64 bits, of any length. 0 or -1 raised. */
int rlab_py_u64(rlab_py_state *state, PyObject *object, const char *name, uint64_t *out);
int rlab_py_big(rlab_py_state *state, PyObject *object, const char *name, rlab_big *out);
/* Exactly one of size and depth (neither NULL nor None): which, and the object. 0 or -1 raised. */
int rlab_py_one_of(rlab_py_state *state, const char *what, PyObject *size, PyObject *depth,
                   bool *by_depth, PyObject **out);
/* The value, or tuple of values, of a level and rank; NULL: raised. */
PyObject *rlab_py_value_at(rlab_py_state *state, rlab_py_type *self, bool depth, uint64_t level,
                           rlab_limbs rank);
/* The methods sample and draw of a Type. */
PyObject *rlab_py_sample(rlab_py_type *self, PyObject *args, PyObject *kwargs);
PyObject *rlab_py_draw(rlab_py_type *self, PyObject *args, PyObject *kwargs);
/* An array that takes over a buffer of the core. */
PyObject *rlab_py_adopt(void **data, int dtype, int ndim, npy_intp *shape);
/* "size" or "depth". */
int rlab_py_by(rlab_py_state *state, const char *name, bool *depth);
PyObject *rlab_py_check_trace(rlab_py_state *state, rlab_py_program *program, PyObject *args,
                              PyObject *kwargs);
PyObject *rlab_py_trace_new(rlab_py_state *state, rlab_py_program *program, PyObject *args,
                            PyObject *kwargs);

#endif
