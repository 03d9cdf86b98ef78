"""Hook names as TransformerLens spells them for encoder-decoders, and the shapes of the values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from recursionlab import _core
from recursionlab.errors import InputError, InputTypeError

NameFilter = str | Iterable[str] | Callable[[str], bool] | None

# Other spellings of a point: TransformerLens' bridge also hooks what enters and leaves its modules.
_BLOCK = r"((?:encoder|decoder)_blocks\.\d+)"
_ALIASES = [
    (rf"{_BLOCK}\.(attn|self_attn|cross_attn)\.([qkv])\.hook_out", r"\1.\2.hook_\3"),
    (rf"{_BLOCK}\.(attn|self_attn|cross_attn)\.o\.hook_in", r"\1.\2.hook_z"),
    (rf"{_BLOCK}\.(?:attn|self_attn)(?:\.o)?\.hook_out", r"\1.hook_attn_out"),
    (rf"{_BLOCK}\.cross_attn(?:\.o)?\.hook_out", r"\1.hook_cross_attn_out"),
    (rf"{_BLOCK}\.mlp\.in\.hook_out", r"\1.mlp.hook_pre"),
    (rf"{_BLOCK}\.mlp\.out\.hook_in", r"\1.mlp.hook_post"),
    (rf"{_BLOCK}\.mlp(?:\.out)?\.hook_out", r"\1.hook_mlp_out"),
    (rf"{_BLOCK}\.(ln\d)\.hook_out", r"\1.\2.hook_normalized"),
    (rf"{_BLOCK}\.hook_in", r"\1.hook_resid_pre"),
    (rf"{_BLOCK}\.hook_out", r"\1.hook_resid_post"),
    (r"hook_pos_embed", "pos_embed.hook_out"),
    (r"hook_unembed", "unembed.hook_out"),
]
_BY_HEAD = ("hook_q", "hook_k", "hook_v", "hook_z")


@dataclass(frozen=True)
class Point:
    """A place of the model that can be hooked.

    Attributes
    ----------
    name : str
        As the model spells it.
    space : {"source", "target"}
        Whose rows it has; of a pattern, the queries'.
    width : int
        Numbers a row; of a pattern, heads.
    keys : str or None
        Of a pattern or scores, the space of the keys.
    heads : int
        Heads that the width divides into, 1 where it does not.
    """

    name: str
    space: str
    width: int
    keys: str | None
    heads: int

    @property
    def by_head(self) -> bool:
        """Whether the padded value is (batch, position, head, head width)."""
        return self.name.rpartition(".")[2] in _BY_HEAD


def points_of(model: _core.Model) -> dict[str, Point]:
    """Return every point of a model by name.

    Examples
    --------
    >>> points = points_of(_core.Model("transformer", {"vocab_size": 5}))
    >>> points["decoder_blocks.0.cross_attn.hook_pattern"].keys
    'source'
    """
    rows = [row for row in model.points() if row[0] != "hook_loss"]
    heads = {name.rpartition(".")[0]: width for name, _, width, keys in rows if keys}
    width_of = {name: width for name, _, width, _ in rows}
    out = {}
    for name, space, width, keys in rows:
        owner, _, last = name.rpartition(".")
        count = width if keys else 1
        if last in _BY_HEAD and owner in heads:  # keys and values may have fewer heads
            count = width * heads[owner] // width_of[f"{owner}.hook_z"]
        out[name] = Point(name, space, width, keys, count)
    return out


def resolve(points: dict[str, Point], name: str) -> Point:
    """Return a point by any spelling of its name.

    Raises
    ------
    InputError
        If there is none, with the nearest names.

    Examples
    --------
    >>> points = points_of(_core.Model("transformer", {"vocab_size": 5}))
    >>> resolve(points, "encoder_blocks.0.attn.o.hook_in").name
    'encoder_blocks.0.attn.hook_z'
    """
    if not isinstance(name, str):
        raise InputTypeError(f"hook: expected a name, got {type(name).__name__}")
    if name in points:
        return points[name]
    for pattern, better in _ALIASES:
        if re.fullmatch(pattern, name):
            spelled = re.sub(pattern, better, name)
            if spelled in points:
                return points[spelled]
    near = difflib.get_close_matches(name, list(points), 3, 0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    raise InputError(f"no hook named {name!r}; {hint}HookedModel.hook_names lists all")


def choose(points: dict[str, Point], names: NameFilter) -> list[tuple[str, Point]]:
    """Return the points that a filter takes, each with the spelling that was asked for.

    Parameters
    ----------
    points : dict
        Of `points_of`.
    names : None, str, iterable of str, or function of a name
        All; one; several; those for which it holds.

    Raises
    ------
    InputError
        If a name is unknown, or a function takes none.
    """
    if names is None:
        return list(points.items())
    if isinstance(names, str):
        return [(names, resolve(points, names))]
    if callable(names):
        taken = [(name, point) for name, point in points.items() if names(name)]
        if not taken:
            raise InputError("names_filter: the function takes no hook of this model")
        return taken
    return [(name, resolve(points, name)) for name in names]
