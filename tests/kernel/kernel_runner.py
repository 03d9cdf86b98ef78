"""Running one kernel on arrays, with a guard of known bytes around everything it may write."""

import numpy as np

from recursionlab import _core

GUARD = 64


class Kernels:
    """The kernels of one instruction set: `run(name, *args)`, `out(shape)`, `check()`."""

    def __init__(self, isa):
        self.isa = isa
        self.buffers = []

    def out(self, value):
        """Return a guarded float32 copy of an array, or zeros of a shape."""
        value = np.zeros(value) if isinstance(value, tuple) else np.asarray(value)
        buffer = np.full(value.size + 2 * GUARD, 7.25, np.float32)
        view = buffer[GUARD : GUARD + value.size]
        view[:] = value.ravel()
        self.buffers.append((buffer, value.size))
        return view.reshape(value.shape)

    def run(self, name, *args):
        """Run a kernel and check that it wrote nothing outside its outputs."""
        result = _core.kernel(self.isa, name, *args)
        for buffer, size in self.buffers:
            assert (buffer[:GUARD] == 7.25).all() and (buffer[GUARD + size :] == 7.25).all(), name
        return result
