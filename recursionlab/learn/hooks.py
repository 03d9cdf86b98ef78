"""Hooks that stay on while a model learns or answers: as configurations hold them, and as taps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.config import check_keys
from recursionlab.errors import ConfigError, InputError
from recursionlab.learn.split import SplitLike
from recursionlab.models.points import Point, points_of, resolve
from recursionlab.models.where import Where, fill_taps, scale_taps

_WHERE = ("heads", "neurons", "positions")
_KEYS = ("name", "scale", "replace", *_WHERE)

Hooks = tuple[dict[str, Any], ...]
Taps = Sequence[tuple[Any, ...]]


def plain_hooks(hooks: Any) -> Hooks:
    """Return hooks as plain data, checked as far as no model is needed.

    Parameters
    ----------
    hooks : sequence
        Of mappings `{name, scale or replace, heads, neurons, positions}`, or of pairs (name or
        names, `Scale` or `Replace`).

    Raises
    ------
    ConfigError
        If one is neither, with its number.

    Examples
    --------
    >>> plain_hooks([{"name": "encoder_blocks.0.attn.hook_z", "scale": 0, "heads": 2}])
    ({'name': 'encoder_blocks.0.attn.hook_z', 'scale': 0.0, 'heads': [2]},)
    """
    if not isinstance(hooks, list | tuple):
        raise ConfigError(f"hooks: expected a list, got {type(hooks).__name__}")
    out: list[dict[str, Any]] = []
    for i, hook in enumerate(hooks):
        if isinstance(hook, Mapping):
            out.append(_checked(dict(hook), f"hooks[{i}]"))
            continue
        if not isinstance(hook, tuple) or len(hook) != 2 or not hasattr(hook[1], "plain"):
            raise ConfigError(
                f"hooks[{i}]: expected (name, Scale or Replace), or a table with name and scale or "
                f"replace, got {hook!r}; functions are called by a HookedModel's whole runs alone"
            )
        names = [hook[0]] if isinstance(hook[0], str) else list(hook[0])
        out += [_checked({"name": name, **hook[1].plain()}, f"hooks[{i}]") for name in names]
    return tuple(out)


def _checked(hook: dict[str, Any], what: str) -> dict[str, Any]:
    if "items" in hook:
        raise ConfigError(f"{what}: expected no items: they are those of one batch")
    check_keys(hook, _KEYS, what)
    if not isinstance(hook.get("name"), str):
        raise ConfigError(f"{what}.name: expected the name of a hook, got {hook.get('name')!r}")
    if ("scale" in hook) == ("replace" in hook):
        raise ConfigError(f"{what}: expected one of scale and replace")
    key = "scale" if "scale" in hook else "replace"
    try:
        value = np.asarray(hook[key], np.float32)
    except (TypeError, ValueError):
        value = np.zeros((0, 0, 0), np.float32)
    if value.ndim > (0 if key == "scale" else 2) or not np.isfinite(value).all():
        raise ConfigError(f"{what}.{key}: expected finite numbers, got {hook[key]!r}")
    out = {"name": hook["name"], key: float(hook[key]) if key == "scale" else value.tolist()}
    for name in _WHERE:
        if name not in hook:
            continue
        numbers = hook[name] if isinstance(hook[name], list | tuple) else [hook[name]]
        if not numbers or not all(type(n) is int for n in numbers):
            raise ConfigError(f"{what}.{name}: expected whole numbers, got {hook[name]!r}")
        out[name] = list(numbers)
    return out


def standing_taps(
    model: _core.Model,
    hooks: Hooks,
    longest: Mapping[str, int] | None = None,
    *,
    free: bool = False,
) -> list[tuple[Any, ...]]:
    """Return the taps of the C core that plain hooks ask for, in any batch of a model.

    Parameters
    ----------
    model : _core.Model
        Whose points are named.
    hooks : sequence of dict
        Of `plain_hooks`.
    longest : mapping, optional
        Rows of the longest sequence of "source" and of "target" that will come.
    free : bool
        Whether the model will answer freely: then the target's end is not known.

    Raises
    ------
    InputError
        If a name is unknown (with the nearest ones), or a hook would never act.
    """
    points = points_of(model) if hooks else {}
    out: list[tuple[Any, ...]] = []
    for hook in hooks:
        point: Point = resolve(points, hook["name"])
        where = Where(**{name: hook[name] for name in _WHERE if name in hook})
        most = None if longest is None else longest[point.space]
        if free and point.space == "target" and min(hook.get("positions", [0])) < 0:
            raise InputError(
                f"{point.name}: expected positions of at least 0, got {hook['positions']}: the end "
                "they count from is not known while the model answers freely"
            )
        if "scale" in hook:
            out += scale_taps(point, hook["scale"], where, most)
        else:
            out += fill_taps(point, hook["replace"], where, most)
    return out


def longest_rows(model: _core.Model, split: SplitLike, said: int | None = None) -> dict[str, int]:
    """Return the rows of a model's longest sequences over a split, by space.

    Parameters
    ----------
    model : _core.Model
        Which decides what a sequence is.
    split : split of a data set
        Its inputs, and its labels where `said` is None.
    said : int, optional
        Tokens of the longest answer, where the model answers freely.
    """
    source, target = np.diff(split.input_offsets), np.diff(split.label_offsets)
    if said is not None:
        target = np.full(len(source), said)
    kind = model.config["architecture"]
    if kind == "encoder_decoder":
        rows = {"source": source, "target": target + 1}
    else:
        rows = {"target": source + 1 + (target if kind == "decoder_only" else 0)}
    return {space: int(lengths.max(initial=0)) for space, lengths in rows.items()}


def check_fired(taps: Taps, fired: Sequence[NDArray[np.int64]]) -> None:
    """Refuse taps that acted in no part of a run.

    Raises
    ------
    InputError
        With the name of the first one, and its positions if it has any.
    """
    for tap, count in zip(taps, np.sum(fired, axis=0), strict=True):
        if count:
            continue
        if tap[6] is None:
            raise InputError(f"{tap[0]}: did not act: there was no sequence")
        raise InputError(
            f"{tap[0]}: positions {tap[6].tolist()} did not act: no sequence came to have them"
        )
