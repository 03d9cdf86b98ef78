"""Types of the C core. One section a part of csrc/python/; a test holds it equal to the binary."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# ---- base.c
def isas() -> tuple[str, ...]: ...
def isa() -> str: ...
def processors() -> int: ...
def philox(
    counter: tuple[int, int, int, int], seed: int, /
) -> tuple[int, int, int, int]: ...
def random(
    kind: str, seed: int, stream: int, index: int, count: int, n: int = 1, /
) -> list[Any]: ...
def permute(
    n: int, first: int, count: int, seed: int, index: int, /
) -> NDArray[np.uint64]: ...
def alloc_fail_after(n: int, /) -> None: ...

# ---- judge.c
def compare(
    predicted: NDArray[np.int32],
    predicted_offsets: NDArray[np.int64],
    target: NDArray[np.int32],
    target_offsets: NDArray[np.int64],
    threads: int,
    /,
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]: ...

# ---- kernels.c
def kernel(isa: str, name: str, /, *args: Any) -> Any: ...
def kernel_names() -> tuple[str, ...]: ...
