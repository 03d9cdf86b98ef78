"""Activations of one run by hook name, padded as TransformerLens gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError
from recursionlab.interpret.batch import Batch
from recursionlab.models.points import Point, resolve

Floats = NDArray[np.float32]


def pad(flat: Floats, point: Point, batch: Batch) -> Floats:
    """Return a value as TransformerLens shapes it, zero where a sequence has ended.

    Parameters
    ----------
    flat : float32 array
        (rows, width), or the cells of a pattern, sequence by sequence.
    point : Point
        What it is a value of.
    batch : Batch
        The sequences.

    Returns
    -------
    float32 array
        (R, position, width); by head (R, position, head, head width); of a pattern or scores (R,
        head, query, key).
    """
    if point.keys:
        mask = batch.mask(point.space, point.keys, point.heads)
        out = np.zeros(mask.shape, np.float32)
        out[mask] = flat.ravel()
        return out
    mask = batch.mask(point.space)
    out = np.zeros((*mask.shape, point.width), np.float32)
    out[mask] = flat.reshape(-1, point.width)
    return out.reshape(*mask.shape, point.heads, -1) if point.by_head else out


def unpad(value: Any, point: Point, batch: Batch) -> Floats:
    """Return a padded value packed again, (rows, width) or (cells,); the inverse of `pad`."""
    value = np.asarray(value, np.float32)
    want = shape(point, batch)
    if value.shape != want:
        raise InputError(f"{point.name}: expected an array of shape {want}, got {value.shape}")
    if point.keys:
        return np.ascontiguousarray(value[batch.mask(point.space, point.keys, point.heads)])
    mask = batch.mask(point.space)
    return np.ascontiguousarray(value.reshape(*mask.shape, point.width)[mask])


def shape(point: Point, batch: Batch) -> tuple[int, ...]:
    """Return the shape of a padded value."""
    mask = batch.mask(point.space, point.keys, point.heads if point.keys else 1)
    if point.keys:
        return mask.shape
    tail = (point.heads, point.width // point.heads) if point.by_head else (point.width,)
    return (*mask.shape, *tail)


class ActivationCache(Mapping[str, Floats]):
    """Activations by name; a value is padded when it is asked for.

    Attributes
    ----------
    batch : Batch
        What the model ran on.

    Examples
    --------
    `cache["decoder_blocks.0.cross_attn.hook_pattern"][item, head]` is one head's map, (queries,
    keys); `cache.mask(name)` says where a padded value holds something.
    """

    def __init__(self, values: dict[str, Floats], points: dict[str, Point], batch: Batch) -> None:
        self._values, self._points, self.batch = values, points, batch

    def __getitem__(self, name: str) -> Floats:
        """Return a value, padded with zeros."""
        return pad(self.packed(name), self._of(name)[1], self.batch)

    def packed(self, name: str) -> Floats:
        """Return a value without padding: (rows, width), or the cells (head, query, key)."""
        return self._values[self._of(name)[0]]

    def mask(self, name: str) -> NDArray[np.bool_]:
        """Return where a padded value holds something: (R, position) or (R, head, query, key)."""
        point = self._of(name)[1]
        return self.batch.mask(point.space, point.keys, point.heads if point.keys else 1)

    def _of(self, name: str) -> tuple[str, Point]:
        if name in self._values:
            return name, self._points[name]
        point = resolve(self._points, name)
        if point.name not in self._values:
            raise InputError(
                f"{name!r} was not kept; run_with_cache with a names_filter that has it"
            )
        return point.name, point

    def __iter__(self) -> Iterator[str]:
        """Go over the names."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        """Tell whether a value was kept, under any spelling."""
        try:
            self._of(str(name))
        except InputError:
            return False
        return True

    def __repr__(self) -> str:
        """Name how much there is."""
        return f"<ActivationCache: {len(self)} values of {len(self.batch)} pairs>"

    def decompose_resid(
        self, stack: str = "decoder", *, layer: int | None = None
    ) -> tuple[Floats, list[str]]:
        """Return what each sublayer adds to a residual stream, and the names of the parts.

        Parameters
        ----------
        stack : {"encoder", "decoder"}
            Whose stream.
        layer : int, optional
            Only what is added before this block; default all.

        Returns
        -------
        parts : float32 array, shape (parts, R, position, width)
            In order; with norm first their sum is the stream.
        names : list of str
            Of the parts.
        """
        first = f"{stack}_blocks.0.hook_resid_pre"
        names, at = [first], 0
        while f"{stack}_blocks.{at}.hook_resid_pre" in self._points and at != layer:
            outs = ("hook_attn_out", "hook_cross_attn_out", "hook_mlp_out")
            full = [f"{stack}_blocks.{at}.{out}" for out in outs]
            names += [name for name in full if name in self._points]
            at += 1
        return np.stack([self[name] for name in names]), names
