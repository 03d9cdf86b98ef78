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

# ---- decoder.c
def decode(
    model: Model,
    input_ids: NDArray[np.int32],
    input_offsets: NDArray[np.int64],
    method: str,
    max_length: int,
    batch_size: int,
    threads: int,
    /,
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]: ...
def longest(model: Model, /) -> tuple[int, int]: ...

# ---- trainer.c
class Trainer:
    def __new__(
        cls,
        model: Model,
        input_ids: NDArray[np.int32],
        input_offsets: NDArray[np.int64],
        labels: NDArray[np.int32],
        label_offsets: NDArray[np.int64],
        *,
        steps: int,
        warmup: int,
        batch_size: int,
        shards: int,
        schedule: str,
        lr: float,
        lr_end: float,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
        clip: float,
        label_smoothing: float,
        seed: int,
    ) -> Trainer: ...
    step: int
    @property
    def history(
        self,
    ) -> tuple[
        NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]
    ]: ...
    @property
    def exp_avg(self) -> NDArray[np.float32]: ...
    @property
    def exp_avg_sq(self) -> NDArray[np.float32]: ...
    def run(
        self, count: int, threads: int, /
    ) -> tuple[
        NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]
    ]: ...

def teacher_forced(
    model: Model,
    input_ids: NDArray[np.int32],
    input_offsets: NDArray[np.int64],
    labels: NDArray[np.int32],
    label_offsets: NDArray[np.int64],
    threads: int,
    /,
) -> dict[str, Any]: ...
def learning_rate(
    schedule: str, steps: int, warmup: int, lr: float, lr_end: float, step: int, /
) -> float: ...
def batch_items(
    pairs: int, batch_size: int, seed: int, step: int, /
) -> NDArray[np.int64]: ...

# ---- model.c, model_run.c, model_step.c
class Model:
    def __new__(cls, kind: str, config: dict[str, Any], seed: int = 0) -> Model: ...
    @property
    def kind(self) -> str: ...
    @property
    def config(self) -> dict[str, Any]: ...
    @property
    def params(self) -> NDArray[np.float32]: ...
    @property
    def grads(self) -> NDArray[np.float32]: ...
    @property
    def n_params(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    def parameters(self) -> dict[str, NDArray[np.float32]]: ...
    def gradients(self) -> dict[str, NDArray[np.float32]]: ...
    def layout(self) -> list[tuple[str, int, tuple[int, ...]]]: ...
    def points(self) -> list[tuple[str, str, int, str | None]]: ...
    def forward(
        self,
        source: NDArray[np.int32],
        source_offsets: NDArray[np.int64],
        target: NDArray[np.int32],
        target_offsets: NDArray[np.int64],
        *,
        taps: list[tuple[Any, ...]] | None = None,
        shards: int = 1,
        threads: int = 1,
    ) -> NDArray[np.float32]: ...
    def loss(
        self,
        source: NDArray[np.int32],
        source_offsets: NDArray[np.int64],
        target: NDArray[np.int32],
        target_offsets: NDArray[np.int64],
        labels: NDArray[np.int32],
        *,
        ids: NDArray[np.int64] | None = None,
        gradients: bool = True,
        training: bool = True,
        seed: int = 0,
        step: int = 0,
        taps: list[tuple[Any, ...]] | None = None,
        shards: int = 1,
        threads: int = 1,
    ) -> tuple[float, int]: ...
    def flops(
        self,
        source_offsets: NDArray[np.int64],
        target_offsets: NDArray[np.int64],
        training: bool = True,
    ) -> float: ...
    def open_cache(
        self, source_slots: int, source_rows: int, target_slots: int, target_rows: int, /
    ) -> None: ...
    def encode(
        self,
        source: NDArray[np.int32],
        source_offsets: NDArray[np.int64],
        slots: NDArray[np.int32],
        /,
    ) -> None: ...
    def step(
        self,
        target: NDArray[np.int32],
        target_offsets: NDArray[np.int64],
        slots: NDArray[np.int32],
        sources: NDArray[np.int32],
        /,
    ) -> NDArray[np.float32]: ...
    def slot_rows(self, space: str, slot: int, /) -> int: ...
    def slot_reset(self, space: str, slot: int, /) -> None: ...
    def slot_copy(self, space: str, source: int, target: int, /) -> None: ...

def model_kinds() -> list[str]: ...
def model_options(
    kind: str, /
) -> list[tuple[str, Any, float, float, str | None, str]]: ...
def model_check(kind: str, config: dict[str, Any], /) -> None: ...

# ---- graph.c
def ops() -> list[str]: ...
def run_graph(
    spaces: list[tuple[str, NDArray[np.int64]]],
    indices: list[tuple[str, str, str, int, NDArray[np.int32] | None]],
    params: list[tuple[str, NDArray[np.float32]]],
    nodes: list[dict[str, Any]],
    /,
    *,
    to: dict[str, NDArray[np.int32]] | None = None,
    training: bool = True,
    seed: int = 0,
    step: int = 0,
    ids: NDArray[np.int64] | None = None,
) -> tuple[float, int, dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]: ...
