"""Hooks on a model as TransformerLens users know them, through the taps of the C core."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.errors import InputError, InputTypeError
from recursionlab.interpret.batch import Batch
from recursionlab.interpret.cache import ActivationCache, Floats, pad, unpad
from recursionlab.interpret.edits import Replace, Scale
from recursionlab.learn.predictions import Predictions
from recursionlab.learn.run import Run
from recursionlab.learn.split import SplitLike, pack
from recursionlab.models import from_dict
from recursionlab.models.points import NameFilter, Point, choose, may_change, points_of, resolve

_READS = 256  # values read in one run; more are read by running again, to the same bits


@dataclass(frozen=True)
class HookPoint:
    """What a hook function is told of the place it is called at."""

    name: str
    point: Point
    batch: Batch


HookFunction = Callable[[Floats, HookPoint], Any]
Hook = tuple[NameFilter, HookFunction | Scale | Replace]


@dataclass(frozen=True)
class HookedConfig:
    """A model's shape in TransformerLens' words."""

    d_model: int
    n_layers: int  # blocks of the decoder
    n_encoder_layers: int
    n_heads: int
    d_head: int
    d_mlp: int
    d_vocab: int
    n_ctx: int
    act_fn: str
    normalization_type: str


class HookedModel:
    """A model whose every value can be read and changed on its way.

    A hook is a pair of a name and what to do there: a function `fn(value, hook)` that may change
    `value` in place or return a replacement, or one of `Scale` and `Replace`, which the C core does
    alone. Sequences of several lengths are computed packed, without padding; a hook function and
    the cache see them padded with zeros at the end, (batch, position, ...), and what is written
    into the padding is dropped.

    Parameters
    ----------
    model : Run or _core.Model
        What to look into. Weights are shared, not copied.

    Examples
    --------
    >>> model = HookedModel(_core.Model("transformer", {"vocab_size": 9, "d_model": 16}))
    >>> logits, cache = model.run_with_cache([[3, 4, 5], [6]], [[1, 3], [1, 6]])
    >>> logits.shape, cache["decoder_blocks.0.cross_attn.hook_pattern"].shape
    ((2, 2, 9), (2, 4, 2, 3))
    >>> off = [("encoder_blocks.0.attn.hook_z", Scale(0))]
    >>> bool((model.run_with_hooks([[3, 4]], [[1]], fwd_hooks=off) != logits[1, 0]).any())
    True
    """

    def __init__(self, model: Any) -> None:
        core = getattr(model, "model", model)
        if not isinstance(core, _core.Model):
            raise InputTypeError(f"model: expected a Run or a Model, got {type(model).__name__}")
        self.core = core
        self.vocabulary: tuple[str, ...] = tuple(getattr(model, "vocabulary", ()))
        self.points = points_of(core)
        self._forward: list[Hook] = []
        self._backward: list[Hook] = []

    @property
    def hook_names(self) -> list[str]:
        """Every name that can be hooked, in the order of computation."""
        return list(self.points)

    @property
    def cfg(self) -> HookedConfig:
        """The model's shape in TransformerLens' words."""
        c = self.core.config
        return HookedConfig(
            d_model=c["d_model"],
            n_layers=c["decoder_layers"],
            n_encoder_layers=c["encoder_layers"],
            n_heads=c["n_heads"],
            d_head=c["d_model"] // c["n_heads"],
            d_mlp=c["d_mlp"] or 4 * c["d_model"],
            d_vocab=c["vocab_size"],
            n_ctx=c["max_positions"],
            act_fn=c["activation"],
            normalization_type="LN" if c["norm"] == "layernorm" else "RMS",
        )

    def batch(self, source: Any, target: Any = None) -> Batch:
        """Return the batch of a split (and no target), of token lists, or a batch as it is.

        Raises
        ------
        InputTypeError
            If it is none of these.
        """
        if isinstance(source, Batch):
            return source
        if target is None:
            if isinstance(source, SplitLike):
                return Batch.of_split(source)
            raise InputTypeError(
                "target: expected what the decoder reads, <bos> first; only a split or a Batch "
                "stands alone"
            )
        return Batch.of(source, target)

    # ---- running --------------------------------------------------------------------------------

    def __call__(self, source: Any, target: Any = None) -> Floats:
        """Return the logits (R, position, V) under the hooks that are on."""
        batch = self.batch(source, target)
        return self._logits(batch, self._taps(batch, self._forward))

    def run_with_cache(
        self, source: Any, target: Any = None, *, names_filter: NameFilter = None
    ) -> tuple[Floats, ActivationCache]:
        """Run, and keep values by name.

        Parameters
        ----------
        source, target : see `batch`
            What the encoder and what the decoder reads.
        names_filter : str, iterable of str, or function of a name, optional
            Which values to keep; default all.

        Returns
        -------
        logits : float32 array, shape (R, position, V)
            Under the hooks that are on.
        cache : ActivationCache
            The values, after hooks have changed them.

        Raises
        ------
        InputError
            If a name is unknown, with the nearest ones.
        """
        batch = self.batch(source, target)
        chosen = choose(self.points, names_filter)
        values = {name: np.empty(batch.floats(point), np.float32) for name, point in chosen}
        reads = [(point.name, "read", values[name]) for name, point in chosen]
        edits = self._taps(batch, self._forward)
        logits = None
        for first in range(0, max(len(reads), 1), _READS):
            logits = self._logits(batch, [*edits, *reads[first : first + _READS]])
        assert logits is not None
        points = {**self.points, **dict(chosen)}
        return logits, ActivationCache(values, points, batch)

    def run_with_hooks(
        self, source: Any, target: Any = None, *, fwd_hooks: Sequence[Hook] = ()
    ) -> Floats:
        """Run under some more hooks, and return the logits (R, position, V).

        Raises
        ------
        InputError
            If a name is unknown, or a hook did not act.
        """
        with self.hooks(fwd_hooks):
            return self(source, target)

    def generate(
        self, source: Any, *, max_new_tokens: int | None = None, **options: Any
    ) -> Predictions:
        """Let the model answer freely under the hooks that are on, with a key/value cache.

        Parameters
        ----------
        source : split of a data set, or sequence of int sequences
            What the model reads.
        max_new_tokens : int, optional
            Tokens after which an answer is cut; see `Run.predict`.
        **options
            Of `Run.predict`: `num_beams`, `do_sample`, `batch_size`, `threads` and so on.

        Returns
        -------
        Predictions
            The same whatever the batch size and the threads.

        Raises
        ------
        ConfigError
            If a hook is a function: only `Scale` and `Replace` act while decoding.
        InputError
            If a hook did not act.
        """
        known = self.vocabulary
        if not isinstance(source, SplitLike):
            known = known or tuple(map(str, range(self.core.config["vocab_size"])))
            source = pack([(tokens, ()) for tokens in source], known)
            max_new_tokens = 32 if max_new_tokens is None else max_new_tokens
        shape = {k: v for k, v in self.core.config.items() if k != "vocab_size"}
        run = Run(
            self.core,
            from_dict({"kind": self.core.kind, **shape}),
            None,
            known or tuple(source.vocabulary),
            0,
            [],
        )
        hooks = [
            (name, what) for names, what in self._forward for name, _ in choose(self.points, names)
        ]
        options = {"progress": False, **options}
        return run.predict(source, max_length=max_new_tokens, hooks=hooks, **options)

    def loss(
        self,
        source: Any,
        target: Any = None,
        *,
        gradients: bool = True,
        seed: int = 0,
        step: int = 0,
    ) -> float:
        """Return the mean loss over the labels of a split or a batch, under the hooks that are on.

        Parameters
        ----------
        source, target : see `batch`
            A split, or a batch with labels.
        gradients : bool
            Whether `core.grads` becomes the gradient, and backward hooks act. What a `Replace` or a
            hook function changed counts as a constant.
        seed, step : int
            Of the dropout masks.
        """
        batch = self.batch(source, target)
        if batch.labels is None:
            raise InputError("loss: expected labels; give a split, or Batch.of(..., labels=...)")
        taps = self._taps(batch, self._forward, training=gradients)
        if gradients:
            taps += self._gradient_taps(batch)
        total, count = self.core.loss(
            *batch.arguments,
            batch.labels,
            gradients=gradients,
            training=gradients,
            seed=seed,
            step=step,
            taps=taps,
        )
        return total / count if count else math.nan

    def gradients(
        self, source: Any, target: Any = None, *, names_filter: NameFilter
    ) -> ActivationCache:
        """Return the gradient of the summed loss in values, by name, as a cache.

        Parameters
        ----------
        source, target : see `batch`
            A split, or a batch with labels.
        names_filter : see `run_with_cache`
            Which values; patterns have none.
        """
        batch = self.batch(source, target)
        if batch.labels is None:
            raise InputError("gradients: expected labels; give a split, or Batch.of(..., labels=)")
        chosen = choose(self.points, names_filter)
        values = {name: np.empty(batch.floats(point), np.float32) for name, point in chosen}
        taps = self._taps(batch, self._forward, training=True)
        taps += [(point.name, "grad", values[name]) for name, point in chosen]
        count = self.core.loss(*batch.arguments, batch.labels, taps=taps)[1]
        for value in values.values():
            value *= count
        return ActivationCache(values, {**self.points, **dict(chosen)}, batch)

    # ---- hooks that stay ------------------------------------------------------------------------

    def add_hook(self, name: NameFilter, fn: HookFunction | Scale | Replace) -> None:
        """Keep a hook on until `reset_hooks`."""
        choose(self.points, name)
        self._forward.append((name, fn))

    def reset_hooks(self) -> None:
        """Take all hooks off."""
        self._forward.clear()
        self._backward.clear()

    @contextmanager
    def hooks(
        self, fwd_hooks: Sequence[Hook] = (), bwd_hooks: Sequence[Hook] = ()
    ) -> Iterator[HookedModel]:
        """Keep hooks on within a `with`.

        Parameters
        ----------
        fwd_hooks, bwd_hooks : sequence of (name, what to do)
            Of values, and of their gradients in `loss` (functions only).
        """
        for hooks in (fwd_hooks, bwd_hooks):
            for hook in hooks:
                if not isinstance(hook, tuple) or len(hook) != 2:
                    raise InputTypeError(f"hooks: expected pairs (name, function), got {hook!r}")
                choose(self.points, hook[0])
        before = len(self._forward), len(self._backward)
        self._forward += fwd_hooks
        self._backward += bwd_hooks
        try:
            yield self
        finally:
            del self._forward[before[0] :], self._backward[before[1] :]

    # ---- taps -----------------------------------------------------------------------------------

    def _logits(self, batch: Batch, taps: list[tuple[Any, ...]]) -> Floats:
        flat = self.core.forward(*batch.arguments, taps=taps)
        return pad(flat, self.points["unembed.hook_out"], batch)

    def _taps(
        self, batch: Batch, hooks: Sequence[Hook], training: bool = False
    ) -> list[tuple[Any, ...]]:
        out: list[tuple[Any, ...]] = []
        for names, what in hooks:
            for name, point in choose(self.points, names):
                if isinstance(what, Scale | Replace):
                    out += what.taps(point, batch)
                elif callable(what):
                    call = _forward_call(HookPoint(name, point, batch), what, training)
                    out.append((point.name, "call", call))
                else:
                    raise InputTypeError(
                        f"hook on {name!r}: expected a function, Scale or Replace, "
                        f"got {type(what).__name__}"
                    )
        return out

    def _gradient_taps(self, batch: Batch) -> list[tuple[Any, ...]]:
        out = []
        for names, what in self._backward:
            if not callable(what):
                raise InputTypeError("bwd_hooks: expected functions of (gradient, hook)")
            for name, point in choose(self.points, names):
                call = _backward_call(HookPoint(name, point, batch), what)
                out.append((point.name, "call", call))
        return out


def _changed(fn: HookFunction, flat: Floats, hook: HookPoint) -> Floats:
    """Let a function act on a value; returns it packed, new or as it was."""
    value = pad(flat, hook.point, hook.batch)
    result = fn(value, hook)
    return unpad(value if result is None else result, hook.point, hook.batch)


def _forward_call(
    hook: HookPoint, fn: HookFunction, training: bool
) -> Callable[[Floats, bool], None]:
    fixed: NDArray[np.bool_] | None = None

    def call(flat: Floats, gradient: bool) -> None:
        nonlocal fixed
        if gradient:
            assert fixed is not None
            flat.reshape(-1)[fixed] = 0
            return
        new = _changed(fn, flat, hook).reshape(flat.shape)
        if hook.point.shared and not np.array_equal(new, flat, equal_nan=True):
            may_change(hook.point)
        if training:
            fixed = (new != flat).ravel()
        flat[:] = new

    return call


def _backward_call(hook: HookPoint, fn: HookFunction) -> Callable[[Floats, bool], None]:
    may_change(hook.point)

    def call(flat: Floats, gradient: bool) -> None:
        if gradient:
            flat[:] = _changed(fn, flat, hook).reshape(flat.shape)

    return call


__all__ = ["HookPoint", "HookedConfig", "HookedModel", "Replace", "Scale", "resolve"]
