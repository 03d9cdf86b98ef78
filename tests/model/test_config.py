"""Configurations: the dataclass and the core's options are one list; every range is held."""

import dataclasses
import sys
import threading

import numpy as np
import pytest
from batches import arguments, model, sequences

import recursionlab
from recursionlab import _core, errors
from recursionlab.models import Transformer, from_dict, kinds


def test_the_dataclass_and_the_core_have_the_same_options_and_defaults():
    rows = {name: start for name, start, *_ in _core.model_options("transformer")}
    fields = {f.name: f.default for f in dataclasses.fields(Transformer)}
    del rows["vocab_size"]  # the data decide it
    for name in ("n_kv_heads", "d_head", "d_mlp"):
        assert rows.pop(name) == 0 and fields.pop(name) is None
    assert rows == fields
    assert set(kinds()) == set(_core.model_kinds())


def test_every_option_changes_the_model_and_comes_back():
    for name, _, least, most, choices, about in _core.model_options("transformer"):
        assert about
        value = choices.split("|")[-1] if choices else least if least else min(most, 1)
        value = {"relative_distance": 17}.get(name, value)
        config = {"vocab_size": 7, "d_model": 8, "n_heads": 1, name: value}
        got = _core.Model("transformer", config).config[name]
        assert got == pytest.approx(value) if not choices else got == value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"d_model": 0}, "d_model: expected a whole number from 1"),
        ({"d_model": 2.5}, "whole number"),
        ({"d_model": "wide"}, "expected a number, got 'wide'"),
        ({"d_model": [1]}, "number or a word"),
        ({"n_heads": 3}, "divisor of d_model"),
        ({"norm": "batch"}, "expected one of layernorm|rmsnorm"),
        ({"norm": 1}, "expected one of"),
        ({"dropout": 1.0}, "dropout: expected a number from 0"),
        ({"dropout": float("nan")}, "dropout"),
        ({"kind": "lstm"}, "transformer"),
        ({"d_modle": 64}, "did you mean 'd_model'"),
        ({"zzz": 64}, "known: architecture, d_model"),
        ({"n_kv_heads": 3}, "divisor of n_heads"),
        ({"positions": "rotary", "d_head": 3}, "even width"),
        ({"positions": "relative", "relative_buckets": 6}, "multiple of 4"),
        ({"positions": "relative", "relative_distance": 8}, "beyond the buckets"),
    ],
)
def test_bad_configurations_are_refused(change, words):
    with pytest.raises(errors.ConfigError, match=words.replace("|", r"\|")):
        from_dict(change)


def test_bad_calls_are_refused():
    with pytest.raises(errors.ConfigError, match="vocab_size"):
        Transformer().build(0)
    with pytest.raises(errors.ConfigError, match="table"):
        from_dict([])
    with pytest.raises(errors.InputError, match="expected one of transformer"):
        _core.Model("lstm", {})
    with pytest.raises(errors.InputError, match="unknown option 'width'"):
        _core.Model("transformer", {"width": 1})
    with pytest.raises(errors.InputError, match="the tokens of the data"):
        _core.Model("transformer", {})
    with pytest.raises(errors.InputTypeError, match="names as keys"):
        _core.Model("transformer", {1: 1})
    with pytest.raises(errors.InputError, match="expected one of"):
        _core.model_options("lstm")


def test_to_dict_and_back():
    config = Transformer(d_model=64, norm="rmsnorm", d_mlp=48)
    assert from_dict(config.to_dict()) == config
    assert recursionlab.Transformer is Transformer


def test_first_weights_are_a_function_of_the_seed():
    a, b, c = (Transformer(d_model=32).build(11, seed=s) for s in (1, 1, 2))
    assert np.array_equal(a.params, b.params) and not np.array_equal(a.params, c.params)
    for name, value in a.parameters().items():
        if name.endswith("bias"):
            assert not value.any()
        elif value.ndim == 1:
            assert (value == 1).all()
        else:
            assert abs(value.mean()) < 4 * value.std() / np.sqrt(value.size)
    fc1 = a.parameters()["encoder.layers.0.fc1.weight"]
    assert np.abs(fc1).max() <= np.sqrt(6 / (32 + 128)) and fc1.std() == pytest.approx(
        0.112, rel=0.1
    )


def test_views_keep_the_model_alive():
    views = Transformer(d_model=32).build(11).parameters()
    assert sys.getrefcount(next(iter(views.values())).base) > 1
    assert np.isfinite(views["shared.weight"]).all()


def test_two_python_threads_may_use_one_model():
    m = model()
    args = arguments(sequences(20)[0])
    want, got = m.forward(*args), []
    threads = [threading.Thread(target=lambda: got.append(m.forward(*args))) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(got) == 4 and all(np.array_equal(g, want) for g in got)
