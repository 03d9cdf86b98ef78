"""Points of a model: names as TransformerLens spells them, and the shapes of the values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from recursionlab import _core
from recursionlab.errors import InputError, InputTypeError

NameFilter = str | Iterable[str] | Callable[[str], bool] | None

# Other spellings of a point: TransformerLens' bridge also hooks what enters and leaves its modules.
_BLOCK = r"((?:(?:encoder|decoder)_)?blocks\.\d+)"
_ALIASES = [
    (rf"{_BLOCK}\.(attn|self_attn|cross_attn)\.([qkv])\.hook_out", r"\1.\2.hook_\3"),
    (rf"{_BLOCK}\.(attn|self_attn|cross_attn)\.o\.hook_in", r"\1.\2.hook_z"),
    (rf"{_BLOCK}\.(?:attn|self_attn)(?:\.o)?\.hook_out", r"\1.hook_attn_out"),
    (rf"{_BLOCK}\.cross_attn(?:\.o)?\.hook_out", r"\1.hook_cross_attn_out"),
    (rf"{_BLOCK}\.mlp\.in\.hook_out", r"\1.mlp.hook_pre"),
    (rf"{_BLOCK}\.mlp\.out\.hook_in", r"\1.mlp.hook_post"),
    (rf"{_BLOCK}\.mlp(?:\.out)?\.hook_out", r"\1.hook_mlp_out"),
    (rf"{_BLOCK}\.hook_in", r"\1.hook_resid_pre"),
    (rf"{_BLOCK}\.hook_out", r"\1.hook_resid_post"),
    (r"hook_embed", "embed_ln.hook_out"),  # of a model that normalises its embeddings
    (r"hook_embed", "embed.hook_out"),
    (r"hook_pos_embed", "pos_embed.hook_out"),
    (r"hook_unembed", "unembed.hook_out"),
]
# Heads of these are columns of their own.
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
    shared : bool
        Asked for as what one module reads while others read it too: it can be read there, not
        changed, as the change would reach them all.
    """

    name: str
    space: str
    width: int
    keys: str | None
    heads: int
    shared: bool = False

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


def _read_by(points: dict[str, Point], name: str) -> Point | None:
    """Return the value that the module of a name such as `...ln1.hook_in` reads."""
    blocks = [p.rpartition(".")[0] for p in points if p.endswith(".hook_resid_post")]
    block, module = "", name
    found = re.fullmatch(rf"{_BLOCK}\.(.*hook_(?:mlp_)?in)", name)
    if found:
        block, module = found.groups()
    post = any(p.endswith(".ln1.hook_in") for p in points)
    last = "ln3" if f"{block}.ln3.hook_out" in points else "ln2"
    before = {"ln3": "ln2", "ln2": "ln1"}[last] if post else last
    streams = {"ln1": "hook_resid_pre", "ln2": "hook_resid_mid", "ln3": "hook_resid_mid_cross"}
    memory = [b for b in blocks if b.startswith("encoder")][-1:]
    ends = [p for p in ("decoder_final_ln.hook_out", "ln_final.hook_out") if p in points]
    final = ends[0] if ends else f"{blocks[-1]}.hook_resid_post"
    outside = {
        "unembed.hook_in": final,
        "embed_ln.hook_in": "encoder_blocks.hook_embedded",
        "decoder_embed_ln.hook_in": "decoder_blocks.hook_embedded",
    }
    own = post  # whether the stream itself reads the value too
    if not block:
        value, own = outside.get(module, ""), False
        if module != "unembed.hook_in" and module.replace("hook_in", "hook_out") not in points:
            value = ""
    elif found := re.fullmatch(r"(ln\d)\.hook_in", module):
        value, own = f"{block}.{streams[found[1]]}", True
    elif found := re.fullmatch(r"(?:self_)?attn\.(?:([qkv])\.)?hook_in", module):
        value = f"{block}.{'hook_resid_pre' if post else 'ln1.hook_out'}"
        own = post or found[1] is not None
    elif re.fullmatch(r"cross_attn\.(q\.)?hook_in", module):
        value = f"{block}.{'ln1' if post else 'ln2'}.hook_out"
    elif re.fullmatch(r"cross_attn\.[kv]\.hook_in", module) and memory:
        value, own = f"{memory[0]}.hook_resid_post" if post else "encoder_final_ln.hook_out", True
    elif module in ("hook_mlp_in", "mlp.hook_in", "mlp.in.hook_in"):
        value = f"{block}.{before}.hook_out"
    else:
        return None
    return replace(points[value], shared=own) if value in points else None


def may_change(point: Point) -> None:
    """Refuse to change a value that was asked for as what one module reads, but others read too.

    Raises
    ------
    InputError
        Always then, with the name that changes it for all.
    """
    if point.shared:
        raise InputError(
            f"this input is also read by others: it can be read, not changed, for one alone; "
            f"{point.name!r} changes it for all of them"
        )


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
    read = _read_by(points, name)
    if read is not None:
        return read
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
