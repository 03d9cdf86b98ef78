"""What a model may have learned instead of a function: its bounded machines and the shortcuts."""

from __future__ import annotations

from typing import Any

from recursionlab.errors import LanguageError
from recursionlab.language.types import Con, resolve

from .functions import Cut, Refused, machine_of
from .machine import Machine
from .shortcuts import shortcut, shortcuts
from .transducer import LAPSES

__all__ = ["hypotheses"]


def _alike(function: Any) -> list[str]:
    """Return the other functions of the file that have the same type."""
    out = []
    for other in function.program:
        kinds = {k: v for k, v in function.at_types.items() if k in other.type_parameters}
        whole = len(kinds) == len(other.type_parameters)
        if other.name != function.name and whole and other.at(**kinds).type == function.type:
            out.append(other.name)
    return out


def hypotheses(function: Any, after: int | str = 1, **codec: Any) -> dict[str, Machine]:
    """Return every machine that stands for a way to learn a function, or not to learn it.

    Parameters
    ----------
    function : Function
        What the model was trained on.
    after : int or str
        Value of the parameter `k` of the bounded machines; change it by `with_params`.
    **codec
        How the model's data is encoded, as for `machine_of`.

    Returns
    -------
    dict of str to Machine
        `true`, the function itself; `cut, ...` its bounded machines, one a fallback; `one call,
        ...` where one call alone goes wrong; `window`, which acts on the last m tokens; and the
        sequence-level shortcuts whose tokens the vocabulary has.
        What the function has not the shape for is left out.

    Raises
    ------
    Refused
        If the function itself does not compile.

    Examples
    --------
    >>> import recursionlab as rlab
    >>> sorted(hypotheses(rlab.library("binary")["succ"]))[:4]
    ['copy', 'cut, as pred', 'cut, as pred_double', 'cut, branch xH']
    """
    out = {"true": machine_of(function, **codec)}
    cuts = {then: Cut(after, then) for then in ("copy", "stop")}
    kind = resolve(function.signature()[0][max(0, function.declaration.struct)])
    assert isinstance(kind, Con)
    for c in kind.inductive.constructors:
        cuts[f"branch {c.name}"] = Cut(after, "branch", branch=c.name)
    kind = resolve(function.signature()[1])
    assert isinstance(kind, Con)
    for c in kind.inductive.constructors:
        token = (codec.get("renames") or {}).get(c.name, c.name)
        if not c.types and token in out["true"].vocabulary:
            cuts[f"constant {c.name}"] = Cut(after, "constant", constant=(token,))
    for name in _alike(function):
        cuts[f"as {name}"] = Cut(after, "function", function=name)
    rows: list[tuple[str, dict[str, Any]]] = [
        (f"cut, {then}", {"cut": cut}) for then, cut in cuts.items()
    ]
    rows += [(f"one call, {then}", {"cut": Cut(after, then)}) for then in LAPSES]
    for name, options in [*rows, ("window", {"window": after})]:
        try:
            machine = machine_of(function, **codec, **options)
        except (Refused, LanguageError):  # or it holds constructors that no token stands for
            continue
        if machine.params:
            out[name] = machine
    for name in shortcuts():
        machine = shortcut(name)
        own = [t.strip('"') for t in machine.signature.of("token")]
        if set(own) <= set(out["true"].vocabulary):
            out[name] = machine.bind(out["true"].vocabulary)
    return out
