"""What the tests of searches share: a half-taught model, its outputs, numbers of a stream."""

import sys
from pathlib import Path

import numpy as np

from recursionlab import _core

sys.path.insert(0, str(Path(__file__).parents[1] / "learn"))
from learners import copy_split, model_for, trainer_for  # noqa: E402

STREAM_DECODE = 6


def half_taught(count=24, length=5, steps=40, letters=5):
    """Return a split and a model that knows its task in part, so that many outputs are likely."""
    split = copy_split(count, length, letters=letters)
    model, trainer = trainer_for(split, model_for(split), lr=3e-3, batch_size=16)
    trainer.run(steps, 1)
    return split, model


def logits_by(model):
    """Return logits_of(source, target) by whole forward passes, remembering what was asked."""
    seen = {}

    def logits_of(source, target):
        key = (tuple(source), tuple(target))
        if key not in seen:
            seen[key] = model.forward(
                np.array(source, np.int32),
                np.array([0, len(source)]),
                np.array(target, np.int32),
                np.array([0, len(target)]),
            )
        return seen[key]

    return logits_of


def sources(split):
    """Return the sources of a split."""
    ends = split.input_offsets
    return [split.input_ids[a:b] for a, b in zip(ends, ends[1:], strict=False)]


def decode(model, split, method, max_length=6, batch_size=7, threads=1, **options):
    """Return the arrays of a decoding."""
    return _core.decode(
        model,
        split.input_ids,
        split.input_offsets,
        method,
        max_length,
        batch_size,
        threads,
        **options,
    )


def outputs(found, n=1):
    """Return, by item, the n outputs (tokens, score, drawn, key, finished)."""
    ids, offsets, scores, finished, drawn, keys = found[:6]
    rows = [
        (ids[offsets[i] : offsets[i + 1]].tolist(), scores[i], drawn[i], keys[i], bool(finished[i]))
        for i in range(len(scores))
    ]
    return [rows[i : i + n] for i in range(0, len(rows), n)]


def numbers(seed, index, count=4096):
    """Return the stream of uniform numbers that item `index` draws."""
    drawn = _core.random("u64", seed, STREAM_DECODE, index, count)
    return iter([((int(x) >> 12) + 0.5) * 2.0**-52 for x in drawn])


def every_batching(model, split, method, **options):
    """Return the different bytes that batch sizes and threads give: one, if all is well."""
    return {
        b"".join(
            a.tobytes()
            for a in decode(model, split, method, batch_size=size, threads=threads, **options)
        )
        for size in (1, 5, 64)
        for threads in (1, 2, 3)
    }
