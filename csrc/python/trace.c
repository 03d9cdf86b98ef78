/* _core.Trace: the steps of a reduction, taken one by one and printed only when asked. */
#include "python/lang.h"

PyObject *
rlab_py_trace_new(rlab_py_state *state, rlab_py_program *program, PyObject *args, PyObject *kwargs)
{
    (void)program;
    (void)args;
    (void)kwargs;
    PyErr_SetString(state->exceptions[RLAB_EINTERNAL], "trace: not built yet");
    return NULL;
}

int
rlab_py_trace_register(PyObject *module)
{
    (void)module;
    return 0;
}
