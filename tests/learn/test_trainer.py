"""The trainer against torch.optim.AdamW, against itself on other threads, and misused."""

import numpy as np
import pytest
from learners import CONFIG, arrays, batch_arrays, copy_split, model_for, trainer_for

from recursionlab import _core
from recursionlab.errors import DivergedError, InputError, InputTypeError


def weights(model):
    return {name: view.copy() for name, view in model.parameters().items()}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"weight_decay": 0.1, "clip": 0.05, "schedule": "cosine", "warmup": 3, "steps": 8},
        {"schedule": "linear", "steps": 6, "lr_end": 0.5, "beta1": 0.5, "eps": 1e-3},
    ],
    ids=["plain", "decay and clipping", "linear"],
)
def test_updates_are_those_of_torch(config):
    torch = pytest.importorskip("torch")
    config = {**CONFIG, **config}
    split = copy_split()
    model, trainer = trainer_for(split, **config)
    twin = model_for(split)
    views = twin.parameters()
    decays = {name: view.ndim == 2 for name, view in views.items()}
    params = {n: torch.nn.Parameter(torch.from_numpy(v.copy())) for n, v in views.items()}
    groups = [
        {"params": [p for n, p in params.items() if decays[n]], "weight_decay": decay}
        if kind
        else {"params": [p for n, p in params.items() if not decays[n]], "weight_decay": 0.0}
        for kind, decay in ((True, config["weight_decay"]), (False, 0.0))
    ]
    optimizer = torch.optim.AdamW(
        groups, lr=1.0, betas=(config["beta1"], config["beta2"]), eps=config["eps"]
    )
    for step in range(6):
        items = _core.batch_items(len(split), config["batch_size"], config["seed"], step)
        total, count = twin.loss(*batch_arrays(split, items), training=True)
        for name, grad in twin.gradients().items():
            params[name].grad = torch.from_numpy(grad.copy())
        norm = torch.sqrt(sum((p.grad.double() ** 2).sum() for p in params.values()))
        if config["clip"]:
            torch.nn.utils.clip_grad_norm_(params.values(), config["clip"])
        rate = _core.learning_rate(
            config["schedule"],
            config["steps"],
            config["warmup"],
            config["lr"],
            config["lr_end"],
            step,
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        ((loss,), (grad_norm,), (lr,), _, (tokens,)) = trainer.run(1, 1)
        assert loss == pytest.approx(total / count, rel=1e-5)
        assert grad_norm == pytest.approx(float(norm), rel=1e-4)
        assert (lr, tokens) == (rate, count)
        for name, view in model.parameters().items():
            views[name][...] = view
            if not name.endswith("k_proj.bias"):  # its true gradient is 0: Adam scales up rounding
                want = params[name].detach().numpy()
                np.testing.assert_allclose(view, want, rtol=0, atol=1e-5)
            params[name].data = torch.from_numpy(view.copy())
    assert any(decays.values()) and not all(decays.values())


@pytest.mark.parametrize("shards", [1, 2, 5, 16])
def test_threads_change_no_bit(shards):
    split = copy_split()
    found = []
    for threads in (1, 2, 3):
        model, trainer = trainer_for(
            split, model_for(split, dropout=0.2), shards=shards, label_smoothing=0.1
        )
        history = trainer.run(8, threads)
        state = [*weights(model).values(), trainer.exp_avg, trainer.exp_avg_sq, *history]
        found.append(b"".join(array.tobytes() for array in state))
    assert found[0] == found[1] == found[2]


def test_threads_may_change_on_the_way():
    split = copy_split()
    found = []
    for counts in [(1, 1, 1), (1, 3, 2), (5, 1, 2)]:
        model, trainer = trainer_for(split, model_for(split, dropout=0.2), shards=5)
        for threads in counts:
            trainer.run(2, threads)
        found.append(b"".join(array.tobytes() for array in weights(model).values()))
    assert found[0] == found[1] == found[2]


def test_shards_change_only_the_rounding():
    split = copy_split()
    first = {}
    for shards in (1, 3, 8):
        model, trainer = trainer_for(split, shards=shards)
        loss = trainer.run(5, 2)[0]
        first.setdefault("loss", loss)
        np.testing.assert_allclose(loss, first["loss"], rtol=1e-5)
        for name, value in weights(model).items():
            if not name.endswith("k_proj.bias"):
                np.testing.assert_allclose(value, first.setdefault(name, value), atol=2e-5)


def test_the_gradient_is_the_slope_of_the_mean_loss():
    split = copy_split(8)
    model, trainer = trainer_for(split, lr=0.0, beta1=0.0)
    ((loss,), (norm,), _, _, (tokens,)) = trainer.run(1, 1)
    direction = trainer.exp_avg.astype(np.float64) / norm
    flat, start = model.params, model.params.copy()

    def loss_at(distance):
        flat[...] = (start + distance * direction).astype(np.float32)
        return _core.teacher_forced(model, *arrays(split), 1)["loss"] / tokens

    assert loss_at(0.0) == pytest.approx(loss, rel=1e-6)
    slope = (loss_at(1e-2) - loss_at(-1e-2)) / 2e-2
    assert slope == pytest.approx(norm, rel=1e-2)


def test_smoothing_changes_the_loss_that_is_learned_and_not_the_score():
    split = copy_split(8)
    plain = trainer_for(split)[1].run(1, 1)[0][0]
    smooth = trainer_for(split, label_smoothing=0.3)[1].run(1, 1)[0][0]
    model = model_for(split)
    logits = model.forward(*batch_arrays(split, range(8))[:4]).astype(np.float64)
    logp = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    labels = batch_arrays(split, range(8))[4]
    own = -logp[np.arange(len(labels)), labels].mean()
    assert plain == pytest.approx(own, rel=1e-5)
    assert smooth == pytest.approx(0.7 * own - 0.3 * logp.mean(), rel=1e-5)
    forced = _core.teacher_forced(model, *arrays(split), 1)
    assert forced["loss"] / forced["tokens"] == pytest.approx(own, rel=1e-5)


@pytest.mark.parametrize("threads", [1, 2])
def test_teacher_forcing_counts_what_the_logits_say(threads):
    split = copy_split(600)
    model, trainer = trainer_for(split, batch_size=32, lr=3e-3)
    trainer.run(60, 1)
    source, source_off, target, target_off, labels = batch_arrays(split, range(600))
    right = model.forward(source, source_off, target, target_off).argmax(1) == labels
    exact = sum(right[a:b].all() for a, b in zip(target_off, target_off[1:], strict=False))
    forced = _core.teacher_forced(model, *arrays(split), threads)
    assert (forced["right"], forced["exact"]) == (right.sum(), exact)
    assert (forced["tokens"], forced["pairs"]) == (len(labels), 600)
    assert 0 < exact < 600


def test_a_word_is_learned_by_heart():
    split = copy_split(60, 4)
    config = {"lr": 5e-3, "batch_size": 32, "clip": 1.0, "schedule": "cosine", "steps": 400}
    model, trainer = trainer_for(split, model_for(split, d_model=64), warmup=20, **config)
    trainer.run(400, 1)
    assert _core.teacher_forced(model, *arrays(split), 2)["exact"] == 60


def test_a_loss_that_is_not_finite_stops_before_the_update():
    split = copy_split()
    model, trainer = trainer_for(split)
    trainer.run(3, 1)
    before = [trainer.exp_avg.copy(), trainer.exp_avg_sq.copy()]
    model.params[0] = np.nan
    broken = model.params.copy()
    with pytest.raises(DivergedError, match="step 4"):
        trainer.run(5, 1)
    assert trainer.step == 3 and len(trainer.history[0]) == 0
    np.testing.assert_array_equal(trainer.exp_avg, before[0])
    np.testing.assert_array_equal(trainer.exp_avg_sq, before[1])
    np.testing.assert_array_equal(model.params, broken)


def test_state_goes_over_to_another_trainer():
    split = copy_split()
    one, first = trainer_for(split, schedule="cosine", steps=12)
    first.run(5, 1)
    two, second = trainer_for(split, schedule="cosine", steps=12)
    two.params[...] = one.params
    second.exp_avg[...], second.exp_avg_sq[...] = first.exp_avg, first.exp_avg_sq
    second.step = first.step
    first.run(7, 1)
    second.run(7, 1)
    assert one.params.tobytes() == two.params.tobytes()


def test_the_arrays_live_as_long_as_the_trainer():
    split = copy_split()
    trainer = _core.Trainer(model_for(split), *(array.copy() for array in arrays(split)), **CONFIG)
    moments = trainer.exp_avg
    trainer.run(2, 1)
    del trainer, split
    assert np.isfinite(moments).all()


def replaced(split, index, array):
    out = list(arrays(split))
    out[index] = array
    return out


@pytest.mark.parametrize(
    ("index", "change", "error", "match"),
    [
        (0, lambda a: a.astype(np.int64), InputTypeError, "input_ids.*int32"),
        (1, lambda a: a.astype(np.int32), InputTypeError, "input_offsets.*int64"),
        (2, lambda a: a[::2], InputTypeError, "labels"),
        (2, lambda a: a.tolist(), InputTypeError, "labels.*list"),
        (3, lambda a: a.reshape(1, -1), InputTypeError, "label_offsets"),
        (1, lambda a: a[:-1], InputError, "input_offsets"),
        (1, lambda a: a[::-1].copy(), InputError, "input_offsets"),
        (3, lambda a: np.delete(a, 1), InputError, "label_offsets: expected 41.*got 40"),
        (0, lambda a: a + 100, InputError, "input_ids: .*another vocabulary"),
        (2, lambda a: a - 100, InputError, "labels: .*another vocabulary"),
    ],
)
def test_wrong_arrays_are_refused_by_name(index, change, error, match):
    split = copy_split()
    wrong = replaced(split, index, change(arrays(split)[index]))
    with pytest.raises(error, match=match):
        _core.Trainer(model_for(split), *wrong, **CONFIG)
    with pytest.raises(error, match=match):
        _core.teacher_forced(model_for(split), *wrong, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("warmup", -1),
        ("batch_size", 0),
        ("shards", 0),
        ("schedule", "sine"),
        ("lr", -1.0),
        ("lr_end", float("nan")),
        ("beta1", 1.0),
        ("beta2", -0.1),
        ("eps", 0.0),
        ("weight_decay", float("inf")),
        ("clip", -1.0),
        ("label_smoothing", 1.0),
    ],
)
def test_wrong_settings_are_refused_by_name(name, value):
    split = copy_split()
    with pytest.raises(InputError, match=name):
        trainer_for(split, **{name: value})


def test_misuse_is_refused():
    split = copy_split()
    model, trainer = trainer_for(split)
    empty = copy_split(0)
    with pytest.raises(InputError, match="at least one item"):
        _core.Trainer(model, *arrays(empty), **CONFIG)
    with pytest.raises(InputTypeError, match="model: expected a Model"):
        _core.Trainer(object(), *arrays(split), **CONFIG)
    with pytest.raises(InputError, match="threads"):
        trainer.run(1, 0)
    with pytest.raises(InputError, match="count"):
        trainer.run(-1, 1)
    with pytest.raises(InputError, match="step"):
        trainer.step = -1
    with pytest.raises(InputError, match=r"input_ids.*at most 4 tokens.*got one of 5"):
        trainer_for(split, model_for(split, max_positions=4))
    with pytest.raises(InputError, match=r"labels.*at most 4 tokens.*got one of 5"):
        trainer_for(split, model_for(split, max_positions=5))
    assert trainer.step == 0


def test_want_of_memory_is_an_exception():
    split = copy_split()
    model = model_for(split)
    failures = 0
    for n in range(1, 200):
        _core.alloc_fail_after(n)
        try:
            _core.Trainer(model, *arrays(split), **CONFIG)
        except MemoryError:
            failures += 1
        else:
            break
        finally:
            _core.alloc_fail_after(0)
    assert 5 < failures < 199
