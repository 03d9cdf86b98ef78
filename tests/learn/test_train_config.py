"""TrainConfig: ranges, unknown keys, round trip, and how long a run is."""

import dataclasses

import pytest

from recursionlab.errors import ConfigError
from recursionlab.learn import TrainConfig


def test_a_configuration_survives_its_dictionary():
    config = TrainConfig(steps=7, betas=(0.5, 0.25), schedule="linear", seed=2**63)
    assert TrainConfig.from_dict(config.to_dict()) == config


def test_an_unknown_key_is_refused_with_the_nearest_one():
    with pytest.raises(ConfigError, match="unknown key 'batchsize'.*'batch_size'"):
        TrainConfig.from_dict({"batchsize": 3})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("steps", 1.5),
        ("epochs", 0),
        ("epochs", float("nan")),
        ("batch_size", 0),
        ("batch_size", True),
        ("lr", -1e-3),
        ("lr", "fast"),
        ("lr", float("nan")),
        ("lr_end", 1.5),
        ("warmup", -1),
        ("schedule", "cosin"),
        ("precision", "float16"),
        ("weight_decay", -0.1),
        ("betas", (0.9,)),
        ("betas", (0.9, 1.0)),
        ("betas", 0.9),
        ("eps", 0.0),
        ("clip", -1.0),
        ("label_smoothing", 1.0),
        ("seed", -1),
        ("seed", 2**64),
        ("shards", 0),
        ("shards", 1025),
        ("log_every", 0),
        ("eval_every", -1),
        ("save_every", 0.5),
        ("keep", -1),
        ("patience", -1),
    ],
)
def test_a_value_outside_its_range_is_refused_by_name(field, value):
    with pytest.raises(ConfigError, match=field):
        TrainConfig(**{field: value}).validate()


def test_every_field_is_checked():
    for field in dataclasses.fields(TrainConfig):
        with pytest.raises(ConfigError, match=field.name):
            TrainConfig(**{field.name: object()}).validate()


def test_epochs_count_the_short_batch():
    assert TrainConfig(epochs=3, batch_size=10).total_steps(21) == 9
    assert TrainConfig(epochs=0.01, batch_size=10).total_steps(21) == 1
    assert TrainConfig(steps=5, epochs=3).total_steps(21) == 5
