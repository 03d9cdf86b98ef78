"""A default study of a run: the experiments that ask for no more than a run and its data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recursionlab.errors import DecodeError, InputError
from recursionlab.files import atomic_file, write_json
from recursionlab.interpret.ablation import ablate, attentions
from recursionlab.interpret.attention import attention_map
from recursionlab.interpret.attribution import attribute
from recursionlab.interpret.batch import Batch
from recursionlab.interpret.finding import Finding
from recursionlab.interpret.heads import find_heads, visits_of
from recursionlab.interpret.hooks import HookedModel
from recursionlab.interpret.lens import logit_lens
from recursionlab.interpret.patching import patch
from recursionlab.interpret.perturb import corrupt, perturb_inputs, perturb_positions
from recursionlab.interpret.probes import depth_labels, probe, stack_labels
from recursionlab.interpret.trees import arities

_WIDE = 40  # tokens: longer pairs make no attention map

Experiment = Callable[[], Finding]


def study(
    run: Any, data: Any, *, split: str = "test", limit: int = 256, threads: int | None = None
) -> Iterator[tuple[str, Finding | str]]:
    """Go through the experiments that a run and its data allow.

    Parameters
    ----------
    run : Run
        The model.
    data : Dataset
        What it was trained on, or other data of the same vocabulary.
    split : str
        Which split.
    limit : int
        Pairs used.
    threads : int, optional
        Threads to use; it changes no result.

    Yields
    ------
    name : str
        Of the experiment, as a file name.
    finding : Finding or str
        What was found; or why the experiment has no meaning here.
    """
    from recursionlab.learn.split import check_vocabulary

    check_vocabulary(data[split], run.vocabulary, split)
    for name, experiment in _experiments(run, data, split, limit, threads):
        try:
            yield name, experiment()
        except InputError as error:
            yield name, str(error)


def _experiments(
    run: Any, data: Any, name: str, limit: int, threads: int | None
) -> Iterator[tuple[str, Experiment]]:
    model, part = HookedModel(run), data[name].take(slice(limit))
    reverse = data.config.order == "reversed"
    program, function, codec = language_of(data)
    arity = arities(program, data.config.renames)
    batch = Batch.of_split(part)
    for what, how in (
        ("heads", "zero"),
        ("heads", "mean"),
        ("layers", "zero"),
        ("positions", "mean"),
    ):
        yield (
            f"ablate-{what}-{how}",
            partial(ablate, model, batch, what=what, how=how, threads=threads),
        )
    yield "lens", partial(logit_lens, model, batch, threads=threads)
    yield "attribute-gradient", partial(attribute, model, batch)
    yield "attribute-occlusion", partial(attribute, model, batch, how="occlusion", threads=threads)
    yield "positions", partial(perturb_positions, model, batch, threads=threads)
    depth = depth_labels(batch, run.vocabulary, arity, reverse=reverse)
    yield "probe-depth", partial(probe, model, batch, labels=depth)
    if not reverse:
        stack = stack_labels(batch, run.vocabulary, arity)
        if len(np.unique(stack[stack >= 0])) > 2:  # else the type is linear: nothing to count
            yield "probe-stack", partial(probe, model, batch, labels=stack)
    visits = None
    if data.config.task == "value" and function.arity == 1:
        yield (
            "perturb-inputs",
            partial(perturb_inputs, model, part, function, codec, threads=threads),
        )
        for at in ("resid_pre", "heads"):
            yield f"patch-{at}", partial(_patched, model, part, function, codec, at, threads)
        visits = visits_in(part, function, codec, reverse)
    yield (
        "heads",
        partial(find_heads, model, batch, arity=arity, visits=visits, reverse=reverse),
    )
    shown = _shown(batch)
    if shown is not None:
        for attention in attentions(model):
            yield (
                f"attention-{attention}",
                partial(
                    attention_map,
                    model,
                    batch,
                    attention=attention,
                    item=shown,
                    arity=arity,
                    reverse=reverse,
                ),
            )


def language_of(data: Any) -> tuple[Any, Any, Any]:
    """Return the program, the function at its types, and the codec of a data set."""
    from recursionlab.language import loads

    config = data.config
    program = loads(data.program, config.program)
    function = program[config.function].at(**config.at)
    codec = function.codec(encoding=config.encoding, order=config.order, renames=config.renames)
    return program, function, codec


def visits_in(part: Any, function: Any, codec: Any, reverse: bool) -> Any:
    """Return what `visits_of` says, or None where the data's tokens are not the terms'."""
    try:
        values = [codec.decode(part.inputs[i], "input") for i in range(len(part))]
        return visits_of(function, values, codec, reverse=reverse)
    except (DecodeError, InputError):
        return None


def _patched(
    model: HookedModel, part: Any, function: Any, codec: Any, at: str, threads: int | None
) -> Finding:
    clean, corrupted, _ = corrupt(part, function, codec, how="replace")
    return patch(model, clean, corrupted, at=at, threads=threads)


def _shown(batch: Batch) -> int | None:
    """Return the longest pair that an attention map can show, or None."""
    wide = np.maximum(batch.lengths("source"), batch.lengths("target"))
    fits = np.flatnonzero(wide <= _WIDE)
    return int(fits[wide[fits].argmax()]) if len(fits) else None


def write_finding(folder: Path, name: str, finding: Finding) -> None:
    """Write a finding as NAME.json and NAME.png, each whole or not at all."""
    from matplotlib.figure import Figure

    write_json(folder / f"{name}.json", _plain(finding.to_dict()))
    figure = finding.plot().get_figure()
    assert isinstance(figure, Figure)
    with atomic_file(folder / f"{name}.png", "wb") as file:
        figure.savefig(file, format="png", dpi=130, metadata={"Software": None})


def _plain(value: Any) -> Any:
    """Return a value with null for every number that is none."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
