"""Types of the C core. One section a part of csrc/python/; a test holds it equal to the binary."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

# ---- asm.c
class Machine:
    def __new__(
        cls,
        code: NDArray[np.int32],
        rule: int,
        consts: NDArray[np.int32],
        n_params: int,
        n_vars: int,
        n_temps: int,
        arity: NDArray[np.int32],
        initial: NDArray[np.int32],
    ) -> Machine: ...
    def run(
        self,
        tokens: NDArray[np.int32],
        offsets: NDArray[np.int64],
        seed: int,
        first: int,
        steps: int,
        work: int,
        locations: int,
        threads: int,
        /,
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int32]]: ...
    def states(
        self,
        batch: tuple[Any, ...],
        names: NDArray[np.int32],
        sorts: NDArray[np.int32],
        sort_offsets: NDArray[np.int32],
        values: NDArray[np.int32],
        digits: NDArray[np.int32],
        step: int,
        /,
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int32]]: ...
    def trace(
        self,
        tokens: NDArray[np.int32],
        seed: int,
        index: int,
        steps: int,
        work: int,
        locations: int,
        /,
    ) -> tuple[
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.int32],
        int,
        int,
        tuple[int, int, int, int, int],
    ]: ...

def asm_ops() -> tuple[str, ...]: ...

# ---- base.c
def isas() -> tuple[str, ...]: ...
def isa() -> str: ...
def processors() -> int: ...
def philox(counter: tuple[int, int, int, int], seed: int, /) -> tuple[int, int, int, int]: ...
def random(
    kind: str, seed: int, stream: int, index: int, count: int, n: int = 1, /
) -> list[Any]: ...
def permute(n: int, first: int, count: int, seed: int, index: int, /) -> NDArray[np.uint64]: ...
def permute_at(
    n: int, items: NDArray[np.uint64], seed: int, index: int, /
) -> NDArray[np.uint64]: ...
def below(items: NDArray[np.uint64], n: int, seed: int, salt: int, /) -> NDArray[np.uint64]: ...
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
def malformed(
    codec: Codec,
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    side: str,
    threads: int,
    /,
) -> NDArray[np.int64]: ...
def judge_steps(
    codec: Codec,
    before: NDArray[np.int32],
    before_offsets: NDArray[np.int64],
    after: NDArray[np.int32],
    after_offsets: NDArray[np.int64],
    threads: int,
    *,
    granularity: str = "call",
    strategy: str = "cbv",
    every: int = 1,
    lookahead: int = 16,
    steps: int = 0,
    nodes: int = 0,
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]: ...

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
    *,
    num_beams: int = 1,
    num_return_sequences: int = 1,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    length_penalty: float = 1.0,
    early_stopping: str = "false",
    alternatives: int = 0,
    seed: int = 0,
    first_item: int = 0,
    grammar: tuple[NDArray[np.int32], ...] | None = None,
    taps: list[tuple[Any, ...]] | None = None,
) -> tuple[
    NDArray[np.int32],
    NDArray[np.int64],
    NDArray[np.float64],
    NDArray[np.bool_],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.int32],
    NDArray[np.float64],
    NDArray[np.int64],
]: ...
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
        precision: str,
        frozen: NDArray[np.uint8] | None = None,
        adapted: NDArray[np.uint8] | None = None,
        lora_rank: int = 1,
        lora_alpha: float = 1.0,
    ) -> Trainer: ...
    step: int
    @property
    def adapter(self) -> NDArray[np.float32]: ...
    @property
    def adapter_exp_avg(self) -> NDArray[np.float32]: ...
    @property
    def adapter_exp_avg_sq(self) -> NDArray[np.float32]: ...
    @property
    def adapter_base(self) -> NDArray[np.float32]: ...
    def adapter_layout(self) -> list[tuple[str, int, int, int, int, int, int]]: ...
    def merge(self) -> None: ...
    def see(self, first: int, last: int, since: int, /) -> None: ...
    @property
    def history(
        self,
    ) -> tuple[
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.int64],
    ]: ...
    @property
    def exp_avg(self) -> NDArray[np.float32]: ...
    @property
    def exp_avg_sq(self) -> NDArray[np.float32]: ...
    def next_batch(
        self,
    ) -> tuple[
        NDArray[np.int64],
        NDArray[np.int32] | None,
        NDArray[np.int64] | None,
        NDArray[np.int32],
        NDArray[np.int64],
        NDArray[np.int32],
    ]: ...
    def run(
        self, count: int, threads: int, taps: list[tuple[Any, ...]] | None = None, /
    ) -> tuple[
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.int64],
    ]: ...

def teacher_forced(
    model: Model,
    input_ids: NDArray[np.int32],
    input_offsets: NDArray[np.int64],
    labels: NDArray[np.int32],
    label_offsets: NDArray[np.int64],
    threads: int,
    taps: list[tuple[Any, ...]] | None = None,
    /,
) -> dict[str, Any]: ...
def learning_rate(
    schedule: str, steps: int, warmup: int, lr: float, lr_end: float, step: int, /
) -> float: ...
def batch_items(pairs: int, batch_size: int, seed: int, step: int, /) -> NDArray[np.int64]: ...

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
        source: NDArray[np.int32] | None,
        source_offsets: NDArray[np.int64] | None,
        target: NDArray[np.int32],
        target_offsets: NDArray[np.int64],
        *,
        taps: list[tuple[Any, ...]] | None = None,
        shards: int = 1,
        threads: int = 1,
    ) -> NDArray[np.float32]: ...
    def loss(
        self,
        source: NDArray[np.int32] | None,
        source_offsets: NDArray[np.int64] | None,
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
    def sweep(
        self,
        source: NDArray[np.int32],
        source_offsets: NDArray[np.int64],
        target: NDArray[np.int32],
        target_offsets: NDArray[np.int64],
        labels: NDArray[np.int32],
        edits: list[list[tuple[Any, ...]]],
        *,
        others: NDArray[np.int32] | None = None,
        choices: bool = True,
        threads: int = 1,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, NDArray[np.int32] | None]: ...
    def flops(
        self,
        source_offsets: NDArray[np.int64] | None,
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
def model_options(kind: str, /) -> list[tuple[str, Any, float, float, str | None, str]]: ...
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

# ---- program.c
_TypeExpr = int | tuple[Any, ...]
_Code = Sequence[tuple[Any, ...]]

class Program:
    def __init__(self) -> None: ...
    @property
    def sealed(self) -> bool: ...
    def add_type(self, name: str, n_params: int, notation: str, /) -> int: ...
    def add_constructor(self, type: int, name: str, arg_types: Sequence[_TypeExpr], /) -> int: ...
    def add_global(
        self,
        name: str,
        n_args: int,
        struct_arg: int,
        group: int,
        type: tuple[int, Sequence[_TypeExpr], _TypeExpr],
        /,
    ) -> int: ...
    def set_body(self, function: int, code: _Code, /) -> None: ...
    def seal(self) -> None: ...
    def term(self, code: _Code, /) -> Term: ...
    def apply(self, function: int | Term, /, *args: Term) -> Term: ...
    def eval(self, term: Term, *, steps: int = 0, nodes: int = 0) -> Term: ...
    def calls(
        self, term: Term, function: int, *, steps: int = 0, nodes: int = 0
    ) -> tuple[Term, int]: ...
    def type(self, exprs: Sequence[_TypeExpr], /) -> Type: ...
    def trace(
        self,
        term: Term,
        *,
        granularity: str = "contraction",
        strategy: str = "cbv",
        function: int = -1,
        every: int = 1,
        steps: int = 0,
        nodes: int = 0,
    ) -> Trace: ...
    def check_trace(
        self,
        terms: Sequence[Term],
        *,
        granularity: str = "contraction",
        strategy: str = "cbv",
        function: int = -1,
        every: int = 1,
        lookahead: int = 16,
        steps: int = 0,
        nodes: int = 0,
    ) -> list[tuple[str, int, tuple[int, ...], Term]]: ...

# ---- term.c
@final
class Term:
    @property
    def size(self) -> int: ...
    @property
    def depth(self) -> int: ...
    @property
    def is_value(self) -> bool: ...
    @property
    def constructor(self) -> int | None: ...
    @property
    def args(self) -> tuple[Term, ...]: ...
    def _repr_html_(self) -> str: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

# ---- trace.c
@final
class Trace:
    @property
    def term(self) -> Term: ...
    @property
    def rule(self) -> str | None: ...
    @property
    def function(self) -> str | None: ...
    @property
    def position(self) -> tuple[int, ...]: ...
    @property
    def steps(self) -> int: ...
    def advance(self, count: int = 1, /) -> int: ...
    def __iter__(self) -> Trace: ...
    def __next__(self) -> tuple[str, str | None, tuple[int, ...], Term, Term]: ...

# ---- type.c
@final
class Type:
    @property
    def arity(self) -> int: ...
    @property
    def sizes(self) -> tuple[int, int | None]: ...
    def count(self, size: int | None = None, *, depth: int | None = None) -> int: ...
    def unrank(
        self, size: int | None = None, rank: int | None = None, *, depth: int | None = None
    ) -> Any: ...
    def enumerate(
        self,
        size: int | None = None,
        first: int = 0,
        count: int | None = None,
        *,
        depth: int | None = None,
    ) -> list[Any]: ...
    def sample(
        self,
        n: int,
        size: int | Sequence[int] | Mapping[int, float] | None = None,
        *,
        seed: int,
        depth: int | Sequence[int] | Mapping[int, float] | None = None,
        replace: bool = True,
        first: int = 0,
    ) -> list[Any]: ...
    def draw(
        self,
        n: int,
        size: int | Sequence[int] | Mapping[int, float] | None = None,
        *,
        seed: int,
        depth: int | Sequence[int] | Mapping[int, float] | None = None,
        replace: bool = True,
        first: int = 0,
    ) -> tuple[NDArray[np.int32], NDArray[np.uint64]]: ...
    def rank(self, *values: Any, by: str = "size") -> tuple[int, int]: ...
    def bounded(self, nat: int) -> Type: ...
    def check(self, *values: Any) -> None: ...
    def parse(self, *texts: str) -> Any: ...

# ---- codec.c
class Codec:
    def __init__(
        self,
        input: Type,
        output: Type,
        *,
        encoding: str = "prefix",
        output_encoding: str | None = None,
        order: str = "natural",
        output_order: str | None = None,
        renames: dict[str, str] | None = None,
        functions: Sequence[int] = (),
        traced: int = -1,
    ) -> None: ...
    @property
    def vocabulary(self) -> list[str]: ...
    def encode(self, value: Any, side: str = "input", /) -> NDArray[np.int32]: ...
    def encode_term(self, term: Term, /) -> NDArray[np.int32]: ...
    def decode(self, tokens: NDArray[np.int32], side: str = "output", /) -> Any: ...
    def decode_term(self, tokens: NDArray[np.int32], /) -> Term: ...
    def texts(
        self,
        tokens: NDArray[np.int32],
        offsets: NDArray[np.int64],
        side: str = "output",
        /,
    ) -> list[str | None]: ...

# ---- pairs.c
def pairs(
    function: int,
    domain: Type,
    sizes: NDArray[np.int32],
    ranks: NDArray[np.uint64],
    threads: int,
    *,
    codec: Codec | None = None,
    measures: Sequence[int] = (),
    steps: bool = False,
    trace: bool = False,
    texts: bool = False,
    granularity: str = "contraction",
    strategy: str = "cbv",
    every: int = 1,
    max_steps: int = 0,
    max_nodes: int = 0,
    by: str = "size",
) -> dict[str, Any]: ...
