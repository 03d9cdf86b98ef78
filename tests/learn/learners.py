"""Small models, splits and trainers for the tests of learn and decode."""

import numpy as np
from reference import learning as ref

from recursionlab import _core
from recursionlab.learn import pack

SHAPE = {"d_model": 32, "n_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "max_positions": 32}
CONFIG = {
    "steps": 100,
    "warmup": 0,
    "batch_size": 8,
    "shards": 2,
    "schedule": "constant",
    "lr": 1e-3,
    "lr_end": 0.0,
    "beta1": 0.9,
    "beta2": 0.98,
    "eps": 1e-8,
    "weight_decay": 0.0,
    "clip": 0.0,
    "label_smoothing": 0.0,
    "seed": 0,
    "precision": "float32",
}


def copy_split(count=40, length=5, letters=4, **options):
    """Return a split of random words to copy."""
    return pack(*ref.copies(count, length, letters, **options))


def arrays(split):
    """Return the four arrays of a split."""
    return split.input_ids, split.input_offsets, split.labels, split.label_offsets


def model_for(split, seed=0, **shape):
    """Return a small model of the split's vocabulary."""
    return _core.Model(
        "transformer", {**SHAPE, **shape, "vocab_size": len(split.vocabulary)}, seed=seed
    )


def trainer_for(split, model=None, **config):
    """Return (model, trainer)."""
    model = model or model_for(split)
    return model, _core.Trainer(model, *arrays(split), **{**CONFIG, **config})


def batch_arrays(split, items):
    """Return what a model reads of some items: source, offsets, target, offsets, labels."""
    inputs = [split.input_ids[split.input_offsets[i] : split.input_offsets[i + 1]] for i in items]
    words = [split.labels[split.label_offsets[i] : split.label_offsets[i + 1]] for i in items]
    said = [np.concatenate([[1], word]) for word in words]
    wanted = [np.concatenate([word, [2]]) for word in words]
    return (
        np.concatenate(inputs).astype(np.int32),
        np.cumsum([0] + [len(x) for x in inputs]),
        np.concatenate(said).astype(np.int32),
        np.cumsum([0] + [len(x) for x in said]),
        np.concatenate(wanted).astype(np.int32),
    )
