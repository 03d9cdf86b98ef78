"""What of a model is learned: frozen parameters, low-rank updates against PyTorch, pairs seen."""

import numpy as np
import pytest
from learners import CONFIG, arrays, batch_arrays, copy_split, model_for, trainer_for

from recursionlab import _core
from recursionlab.errors import InputError, InputTypeError
from recursionlab.learn import pack


def marks(model, *parts):
    """Return a mark a parameter: 1 where the name holds one of the parts."""
    return np.array([any(p in name for p in parts) for name, *_ in model.layout()], np.uint8)


def copies(model):
    return {name: view.copy() for name, view in model.parameters().items()}


@pytest.mark.parametrize("threads", [1, 2])
def test_frozen_parameters_keep_their_bits_and_the_others_learn_as_they_would(threads):
    split = copy_split()
    model = model_for(split)
    frozen = marks(model, "encoder.", "shared")
    _, trainer = trainer_for(split, model, frozen=frozen, weight_decay=0.5, lr=0.01)
    before = copies(model)
    trainer.run(5, threads)
    after = model.parameters()
    for (name, *_), still in zip(model.layout(), frozen, strict=True):
        same = np.array_equal(after[name], before[name])
        assert same == bool(still) or name.endswith("k_proj.bias"), name
    assert 0 < frozen.sum() < len(frozen)
    # One update without momentum from the same state moves what is free exactly as it does alone.
    free, alone = trainer_for(split, lr=0.01)
    part, beside = trainer_for(split, lr=0.01, frozen=frozen)
    alone.run(1, threads)
    beside.run(1, threads)
    for (name, *_), still in zip(free.layout(), frozen, strict=True):
        if not still:
            np.testing.assert_array_equal(part.parameters()[name], free.parameters()[name])


def test_the_norm_is_that_of_what_is_learned():
    split = copy_split()
    model = model_for(split)
    frozen = marks(model, "encoder.", "shared")
    items = _core.batch_items(len(split), CONFIG["batch_size"], CONFIG["seed"], 0)
    model.loss(*batch_arrays(split, items), training=True)
    grads = model.gradients()
    free = [g for (name, g), f in zip(grads.items(), frozen, strict=True) if not f]
    want = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in free))
    got = trainer_for(split, frozen=frozen)[1].run(1, 1)[1][0]
    assert got == pytest.approx(want, rel=1e-5)


def parts_of(trainer):
    """Return views of A and B by the name of their matrix."""
    flat, out = trainer.adapter, {}
    for name, rows, cols, rank, a, b, _ in trainer.adapter_layout():
        out[name] = (
            flat[a : a + rank * cols].reshape(rank, cols),
            flat[b : b + rows * rank].reshape(rows, rank),
        )
    return out


@pytest.mark.parametrize("targets", [("q_proj.weight", "v_proj.weight"), ("fc1.weight", "shared")])
def test_low_rank_updates_are_those_of_torch(targets):
    torch = pytest.importorskip("torch")
    from reference import transformer_torch

    split, rank, alpha = copy_split(), 3, 7.0
    config = {"lr": 0.02, "beta1": 0.0, "weight_decay": 0.1, "clip": 0.0}
    model = model_for(split)
    base = copies(model)
    adapted = marks(model, *targets)
    options = {"frozen": np.ones_like(adapted), "adapted": adapted}
    _, trainer = trainer_for(split, model, lora_rank=rank, lora_alpha=alpha, **options, **config)
    parts = parts_of(trainer)
    assert list(parts) == [n for (n, *_), m in zip(model.layout(), adapted, strict=True) if m]
    for a, b in parts.values():
        bound = 1 / np.sqrt(a.shape[1])
        assert not b.any() and 0.5 * bound < np.abs(a).max() <= bound
        b[...] = np.random.default_rng(0).normal(0, 0.1, b.shape)  # else dA would be 0
    trainer.merge()
    twin = {
        name: [torch.nn.Parameter(torch.tensor(x.astype(np.float64))) for x in pair]
        for name, pair in parts.items()
    }
    optimizer = torch.optim.AdamW(
        [p for pair in twin.values() for p in pair],
        lr=config["lr"],
        betas=(config["beta1"], CONFIG["beta2"]),
        eps=CONFIG["eps"],
        weight_decay=config["weight_decay"],
    )
    for step in range(3):
        items = _core.batch_items(len(split), CONFIG["batch_size"], CONFIG["seed"], step)
        source, source_off, target, target_off, labels = batch_arrays(split, items)
        reference = transformer_torch.Transformer(model)
        reference.p = {name: torch.tensor(v.astype(np.float64)) for name, v in base.items()}
        for name, (a, b) in twin.items():
            reference.p[name] = reference.p[name] + alpha / rank * (b @ a)
            np.testing.assert_allclose(
                model.parameters()[name], reference.p[name].detach().numpy(), rtol=0, atol=2e-6
            )
        cut = lambda x, off: [x[i:j] for i, j in zip(off, off[1:], strict=False)]  # noqa: E731
        pairs = list(zip(cut(source, source_off), cut(target, target_off), strict=True))
        optimizer.zero_grad()
        loss = reference.loss(pairs, cut(labels, target_off))
        loss.backward()
        got = trainer.run(1, 2)
        assert got[0][0] == pytest.approx(loss.item(), rel=1e-5)
        norm = sum(float((p.grad**2).sum()) for pair in twin.values() for p in pair) ** 0.5
        assert got[1][0] == pytest.approx(norm, rel=1e-4)
        moments = trainer.adapter_exp_avg  # without a first moment's memory: the gradient itself
        for name, rows, cols, r, at_a, at_b, _ in trainer.adapter_layout():
            ours = moments[at_a : at_a + r * cols], moments[at_b : at_b + rows * r]
            for mine, theirs in zip(ours, twin[name], strict=True):
                want = theirs.grad.numpy().ravel()
                np.testing.assert_allclose(mine, want, rtol=0, atol=1e-4 * np.abs(want).max())
        optimizer.step()
        for name, (a, b) in parts.items():  # Adam turns rounding into steps where it divides by ~0
            for mine, theirs in zip((a, b), twin[name], strict=True):
                np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=0, atol=2e-3)
                theirs.data = torch.tensor(mine.astype(np.float64))
    for name, value in base.items():
        assert np.array_equal(model.parameters()[name], value) == (name not in parts)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit_of_an_update(threads):
    split = copy_split()
    found = []
    for count in (1, threads):
        model = model_for(split)
        adapted = marks(model, "fc1.weight", "q_proj.weight")
        _, trainer = trainer_for(split, model, adapted=adapted, lora_rank=4, clip=0.1)
        trainer.run(4, count)
        found.append((model.params.tobytes(), trainer.adapter.tobytes()))
    assert found[0] == found[1]


def part_of(split, first, last):
    ids, off, labels, label_off = arrays(split)
    cut = [
        (ids[off[i] : off[i + 1]], labels[label_off[i] : label_off[i + 1]])
        for i in range(first, last)
    ]
    return pack(cut, split.vocabulary)


def test_pairs_from_the_middle_alone_are_seen_as_if_there_were_no_others():
    split = copy_split()
    one, first = trainer_for(split)
    two, second = trainer_for(part_of(split, 15, 34))
    first.see(15, 34, 0)
    first.run(5, 1)
    second.run(5, 1)
    assert one.params.tobytes() == two.params.tobytes()


def test_the_first_pairs_alone_are_seen_in_epochs_of_their_own():
    split = copy_split()
    part = part_of(split, 0, 12)
    one, first = trainer_for(split)
    two, second = trainer_for(part)
    first.see(0, 12, 0)
    first.run(4, 1)
    second.run(4, 1)
    assert one.params.tobytes() == two.params.tobytes()
    # From update 4 on all pairs, from the beginning of their order: as a trainer of 40 pairs would.
    three, third = trainer_for(split)
    three.params[...] = two.params
    third.exp_avg[...], third.exp_avg_sq[...] = second.exp_avg, second.exp_avg_sq
    third.step = 4
    third.see(0, 40, 4)
    first.see(0, 40, 4)
    first.run(3, 1)
    third.run(3, 1)
    assert one.params.tobytes() == three.params.tobytes()


def test_flops_are_those_of_the_batches():
    split = copy_split(20)
    model, trainer = trainer_for(split)
    flops = trainer.run(3, 1)[3]
    for step, got in enumerate(flops):
        items = _core.batch_items(len(split), CONFIG["batch_size"], CONFIG["seed"], step)
        _, source_off, _, target_off, _ = batch_arrays(split, items)
        assert got == model.flops(source_off, target_off) > 1e5


def test_misuse_is_refused():
    split = copy_split()
    model = model_for(split)
    n = len(model.layout())
    every = np.ones(n, np.uint8)
    cases = [
        (InputError, "all frozen", {"frozen": every}),
        (InputError, "one mark a parameter", {"frozen": every[1:]}),
        (InputTypeError, "frozen.*uint8", {"frozen": every.astype(np.int64)}),
        (InputError, "lora_rank: expected matrices.*shape", {"adapted": every}),
        (InputError, "lora_rank", {"adapted": marks(model, "fc1.weight"), "lora_rank": 0}),
        (InputError, "lora_rank", {"adapted": marks(model, "fc1.weight"), "lora_rank": 33}),
        (InputError, "lora_alpha", {"adapted": marks(model, "fc1.weight"), "lora_alpha": -1.0}),
        (InputError, "all frozen", {"adapted": 0 * every, "frozen": every}),
    ]
    for error, match, options in cases:
        with pytest.raises(error, match=match):
            trainer_for(split, model, **options)
    for name in CONFIG:
        config = {k: v for k, v in CONFIG.items() if k != name}
        with pytest.raises(InputTypeError, match=f"{name}' is missing"):
            _core.Trainer(model, *arrays(split), **config)
    trainer = _core.Trainer(model, *arrays(split), **CONFIG)
    for name in ("adapter", "adapter_exp_avg", "adapter_exp_avg_sq", "adapter_base"):
        with pytest.raises(InputError, match="no low-rank updates"):
            getattr(trainer, name)
    for call in (trainer.merge, trainer.adapter_layout):
        with pytest.raises(InputError, match="no low-rank updates"):
            call()
    for first, last, since in ((0, 0, 0), (0, 41, 0), (-1, 1, 0), (5, 5, 0), (0, 1, -1)):
        with pytest.raises(InputError, match="see: expected 0 <= first < last <= 40"):
            trainer.see(first, last, since)
