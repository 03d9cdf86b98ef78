"""Experiments: each number against the obvious way to get it, and relations that were planted."""

import json

import numpy as np
import pytest
from batches import model, sequences

import recursionlab as rlab
from recursionlab import errors
from recursionlab.interpret import (
    Batch,
    Finding,
    HookedModel,
    Replace,
    Scale,
    Where,
    ablate,
    arities,
    attention_map,
    attribute,
    corrupt,
    depth_labels,
    find_heads,
    logit_lens,
    patch,
    path_patch,
    perturb_inputs,
    perturb_positions,
    probe,
    stack_labels,
    state_labels,
    visits_of,
)
from recursionlab.interpret.trees import open_subterms, parents

PAIRS, LABELS = sequences(12, seed=4)
SOURCES, TARGETS = [s for s, _ in PAIRS], [t for _, t in PAIRS]
BATCH = Batch.of(SOURCES, TARGETS, LABELS)


@pytest.fixture
def hooked():
    return HookedModel(model())


@pytest.fixture(scope="module")
def binary():
    succ = rlab.library("binary")["succ"]
    data = rlab.make_dataset(succ, sizes=range(2, 9), per_size=60, seed=0)
    m = HookedModel(rlab.Transformer(d_model=16, max_positions=32).build(len(data.vocabulary)))
    m.vocabulary = data.vocabulary
    codec = succ.codec(encoding="prefix", order="natural", renames={})
    return m, data["train"], succ, codec


def mean_loss(logits, batch=BATCH):
    flat = logits[batch.mask("target")].astype(float)
    flat -= flat.max(1, keepdims=True)
    flat -= np.log(np.exp(flat).sum(1, keepdims=True))
    kept = batch.labels >= 0
    return -flat[np.flatnonzero(kept), batch.labels[kept]].mean()


def test_ablated_heads_are_those_hooked_by_hand(hooked):
    found = {how: ablate(hooked, BATCH, how=how) for how in ("zero", "mean", "resample")}
    assert len(found["zero"].rows) == 6 * 4
    row = found["zero"].rows[17]
    off = [(row["hook"], Scale(0, Where(heads=row["head"])))]
    want = mean_loss(hooked.run_with_hooks(BATCH, fwd_hooks=off))
    assert row["loss"] == pytest.approx(want, rel=1e-5)
    assert row["loss_change"] == pytest.approx(want - mean_loss(hooked(BATCH)), abs=1e-5)
    mean = hooked.run_with_cache(BATCH)[1].packed(row["hook"]).mean(0)
    fill = [(row["hook"], Replace(mean, Where(heads=row["head"])))]
    want = mean_loss(hooked.run_with_hooks(BATCH, fwd_hooks=fill))
    assert found["mean"].rows[17]["loss"] == pytest.approx(want, rel=1e-5)
    assert found["resample"].rows[17]["loss"] not in (row["loss"], want)
    assert found["resample"].rows == ablate(hooked, BATCH, how="resample", threads=2).rows


def test_layers_neurons_and_positions_can_be_ablated(hooked):
    layers = ablate(hooked, BATCH, what="layers")
    assert len(layers.rows) == 2 * 2 + 2 * 3
    want = mean_loss(hooked.run_with_hooks(BATCH, fwd_hooks=[(layers.rows[5]["hook"], Scale(0))]))
    assert layers.rows[5]["loss"] == pytest.approx(want, rel=1e-5)
    assert len(ablate(hooked, BATCH, what="neurons").rows) == 4 * 128
    positions = ablate(hooked, BATCH, what="positions").rows
    assert {row["space"] for row in positions} == {"source", "target"}
    place = Where(positions=positions[2]["position"])
    off = [("encoder_blocks.0.hook_resid_pre", Scale(0, place))]
    want = mean_loss(hooked.run_with_hooks(BATCH, fwd_hooks=off))
    assert positions[2]["loss"] == pytest.approx(want, rel=1e-5)
    with pytest.raises(errors.InputError, match="what: expected one of heads"):
        ablate(hooked, BATCH, what="head")


@pytest.fixture
def two(hooked):
    """A clean and a corrupted batch, each labelled by what the model says."""
    rng = np.random.default_rng(1)
    other = [rng.integers(0, 13, len(s)) for s in SOURCES]

    def labelled(sources):
        said = hooked(sources, TARGETS).argmax(-1)
        return Batch.of(
            sources, TARGETS, [row[: len(t)] for row, t in zip(said, TARGETS, strict=True)]
        )

    return labelled(SOURCES), labelled(other)


def test_patching_recovers_all_where_all_is_patched(hooked, two):
    clean, corrupted = two
    found = patch(hooked, clean, corrupted)
    assert {row["hook"] for row in found.rows} == {
        f"{stack}_blocks.{i}.hook_resid_pre" for stack in ("encoder", "decoder") for i in (0, 1)
    }
    row = next(r for r in found.rows if r["hook"].startswith("encoder") and r["position"] == 1)
    _, cache = hooked.run_with_cache(clean)
    apart = (clean.labels != corrupted.labels).nonzero()[0]

    def difference(logits):
        flat = logits[clean.mask("target")]
        return (flat[apart, clean.labels[apart]] - flat[apart, corrupted.labels[apart]]).mean()

    hook = (row["hook"], Replace(cache[row["hook"]], Where(positions=1)))
    got = difference(hooked.run_with_hooks(corrupted, fwd_hooks=[hook]))
    assert row["difference"] == pytest.approx(got, abs=1e-4)
    best, worst = difference(hooked(clean)), difference(hooked(corrupted))
    assert row["recovered"] == pytest.approx((got - worst) / (best - worst), abs=1e-4)
    one = [b.take([0]) for b in (clean, corrupted)]  # one position: patching it patches all
    one = [Batch.of([b.source[:1]], [b.target[:1]], [b.labels[:1]]) for b in one]
    if one[0].labels[0] != one[1].labels[0]:
        rows = patch(hooked, *one).rows
        assert all(r["recovered"] == pytest.approx(1, abs=1e-4) for r in rows[:2])


def test_a_path_from_the_last_head_is_that_head_patched(hooked, two):
    clean, corrupted = two
    rows = path_patch(hooked, clean, corrupted).rows
    assert len(rows) == 24
    name = "decoder_blocks.1.cross_attn.hook_z"
    _, told = hooked.run_with_cache(
        Batch(corrupted.source, corrupted.source_offsets, *clean.arguments[2:])
    )
    apart = (clean.labels != corrupted.labels).nonzero()[0]
    for head in (0, 3):
        hook = [(name, Replace(told[name], Where(heads=head)))]
        flat = hooked.run_with_hooks(clean, fwd_hooks=hook)[clean.mask("target")]
        want = (flat[apart, clean.labels[apart]] - flat[apart, corrupted.labels[apart]]).mean()
        row = next(r for r in rows if r["attention"] == name[:-7] and r["head"] == head)
        assert row["difference"] == pytest.approx(want, abs=1e-4)
    query = path_patch(hooked, clean, corrupted, receiver="decoder_blocks.1.cross_attn.hook_q")
    assert len(query.rows) == 20 and all(np.isfinite(r["lost"]) for r in query.rows)


def test_patching_refuses_pairs_that_do_not_stand_together(hooked, two):
    clean, corrupted = two
    with pytest.raises(errors.InputError, match="lengths"):
        patch(hooked, clean, corrupted.take(slice(5)))
    with pytest.raises(errors.InputError, match="other labels"):
        patch(hooked, clean, clean)
    with pytest.raises(errors.InputError, match="at: expected one of"):
        patch(hooked, clean, corrupted, at="resid")


def test_the_lens_reads_streams_through_the_last_norm(hooked):
    rows = {row["stream"]: row for row in logit_lens(hooked, BATCH).rows}
    assert rows["all"]["agreement"] == 1
    assert rows["all"]["loss"] == pytest.approx(mean_loss(hooked(BATCH)), rel=1e-5)
    _, cache = hooked.run_with_cache(BATCH)
    name = "decoder_blocks.0.hook_resid_mid_cross"
    x, p = cache[name], hooked.core.parameters()
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    x = x * p["decoder.layer_norm.weight"] + p["decoder.layer_norm.bias"]
    assert rows[name]["loss"] == pytest.approx(mean_loss(x @ p["shared.weight"].T), rel=1e-4)


@pytest.mark.parametrize("kind", ["ridge", "logistic"])
def test_probes_find_what_is_there_and_not_what_is_shuffled(hooked, kind):
    pairs, _ = sequences(150, seed=7)
    batch = Batch.of([s for s, _ in pairs], [t for _, t in pairs])
    _, cache = hooked.run_with_cache(batch)
    value = cache.packed("encoder_blocks.0.hook_resid_post")
    direction = np.random.default_rng(0).normal(size=(32, 3))
    planted = (value @ direction).argmax(1)
    row = probe(hooked, batch, labels=planted, kind=kind).rows[0]
    assert row["accuracy"] > 0.75 and row["control"] < 0.6 and row["selectivity"] > 0.3
    noise = np.random.default_rng(1).integers(0, 3, len(planted))
    row = probe(hooked, batch, labels=noise, kind=kind).rows[0]
    assert abs(row["accuracy"] - 1 / 3) < 0.12
    with pytest.raises(errors.InputError, match="one for each"):
        probe(hooked, batch, labels=planted[1:])
    with pytest.raises(errors.InputError, match="two classes"):
        probe(hooked, batch, labels=planted * 0)


def test_gradient_attribution_is_the_slope_of_the_loss():
    hooked = HookedModel(model(activation="gelu"))
    rows = attribute(hooked, BATCH).rows
    row = next(r for r in rows if r["item"] == 3 and r["space"] == "source" and r["position"] == 0)
    where, ends = Where(positions=0, items=3), []
    count = int((BATCH.labels >= 0).sum())
    for sign in (1, -1):
        with hooked.hooks([("embed.hook_out", Scale(1 + sign * 5e-2, where))]):
            ends.append(hooked.loss(BATCH, gradients=False) * count)
    assert row["score"] == pytest.approx(-(ends[0] - ends[1]) / 0.1, rel=5e-2, abs=5e-3)


def test_occlusion_is_what_the_pair_loses(hooked):
    rows = attribute(hooked, BATCH, how="occlusion").rows
    row = next(r for r in rows if r["item"] == 2 and r["space"] == "source" and r["position"] == 0)
    mean = hooked.run_with_cache(BATCH)[1].packed("embed.hook_out").mean(0)
    fill = [("embed.hook_out", Replace(mean, Where(positions=0, items=2)))]
    one = BATCH.take([2])
    logits = [hooked(BATCH), hooked.run_with_hooks(BATCH, fwd_hooks=fill)]
    losses = [mean_loss(x[2:3, : len(TARGETS[2])], one) for x in logits]
    want = (losses[1] - losses[0]) * (one.labels >= 0).sum()
    assert row["score"] == pytest.approx(want, abs=1e-3)
    assert len(attribute(hooked, one).figure["names"]) == len(SOURCES[2]) + len(TARGETS[2])


def test_a_planted_head_is_found_and_others_are_not(hooked):
    def looks_back(pattern, hook):
        pattern[:, 1] = 0
        places = np.arange(pattern.shape[2])
        pattern[:, 1, places, np.maximum(places - 1, 0)] = 1

    with hooked.hooks([("encoder_blocks.0.attn.hook_pattern", looks_back)]):
        found = find_heads(hooked, BATCH, relations=["previous"], permutations=100)
    best = found.rows[0]
    assert (best["attention"], best["head"]) == ("encoder_blocks.0.attn", 1)
    assert best["score"] == pytest.approx(1) and best["p"] < 0.02 and best["null_99"] < 0.6
    others = [r for r in found.rows if (r["attention"], r["head"]) != (best["attention"], 1)]
    assert max(r["score"] for r in others) < 0.7
    again = find_heads(hooked, BATCH, relations=["previous"], permutations=100)
    assert again.rows != found.rows


def test_planted_recursion_carry_and_return_heads_are_found(binary):
    m, split, succ, codec = binary
    part = split.take(slice(40))
    values = [codec.decode(part.inputs[i], "input") for i in range(len(part))]
    visits = visits_of(succ, values, codec)
    goals = {"recursion": 0, "carry": 1, "return": 2}

    def plant(pattern, hook):
        for r, path in enumerate(visits):
            last = path[-1]
            for row in range(hook.batch.lengths("target")[r]):
                at = dict(path).get(row, last[1])
                pattern[r, 0, row] = np.eye(pattern.shape[3])[at]
                pattern[r, 1, row] = np.eye(pattern.shape[3])[last[1] if row < last[0] else 0]
                pattern[r, 2, row] = np.eye(pattern.shape[3])[last[1] if row > last[0] else 0]

    with m.hooks([("decoder_blocks.0.cross_attn.hook_pattern", plant)]):
        found = find_heads(m, part, relations=list(goals), visits=visits, permutations=100)
    for relation, head in goals.items():
        best = next(r for r in found.rows if r["relation"] == relation)
        assert best["attention"] == "decoder_blocks.0.cross_attn"
        assert best["score"] == pytest.approx(1) and best["p"] < 0.02
        planted = [r for r in found.rows if r["relation"] == relation and r["head"] == head]
        assert max(r["score"] for r in planted) == pytest.approx(1)
    with pytest.raises(errors.InputError, match="needs visits="):
        find_heads(m, part, relations=["carry"])
    with pytest.raises(errors.InputError, match="relations: expected some of"):
        find_heads(m, part, relations=["next"])


def test_visits_follow_the_reducer(binary):
    _, _, succ, codec = binary
    value = succ.domain.parse("xI (xI (xO xH))")
    assert visits_of(succ, [value], codec) == [[(0, 0), (1, 1), (2, 2)]]
    assert visits_of(succ, [value], codec, reverse=True) == [[(1, 1), (2, 2), (3, 3)]]
    assert visits_of(succ, [succ.domain.parse("xO xH")], codec) == [[(0, 0)]]
    for name, want in (
        # node (node leaf true leaf) false (node leaf false leaf): a token's call is the last before
        ("preorder", [(0, 0), (2, 1), (4, 6), (6, 7)]),
        ("inorder", [(0, 2), (2, 4), (4, 7), (6, 9)]),
    ):
        walk = rlab.library("tree")[name].at(A="bool")
        codec = walk.codec(encoding="prefix", order="natural", renames={})
        value = walk.domain.parse("node (node leaf true leaf) false (node leaf false leaf)")
        assert visits_of(walk, [value], codec) == [want], name


def test_trees_of_tokens():
    arity = {"node": 2, "leaf": 0, "S": 1, "O": 0}
    assert parents("node S O node leaf leaf".split(), arity).tolist() == [-1, 0, 1, 0, 3, 3]
    assert parents("( node leaf leaf ) leaf".split(), arity).tolist() == [-1, -1, 1, 1, -1, -1]
    assert parents("O S S".split(), arity, reverse=True).tolist() == [1, 2, -1]
    assert open_subterms("node S O leaf".split(), arity).tolist() == [2, 2, 1, 0]
    assert arities(rlab.library("binary"), {"xO": "00"})["00"] == 1


def test_labels_to_probe_for(binary):
    m, split, succ, codec = binary
    batch, arity = Batch.of_split(split.take(slice(3))), arities(succ.program)
    depth = depth_labels(batch, m.vocabulary, arity)
    np.testing.assert_array_equal(depth, batch.places("source"))
    assert set(stack_labels(batch, m.vocabulary, arity)) == {0, 1}
    calls = np.array([1, 0, 2])
    state = state_labels(batch, calls)
    np.testing.assert_array_equal(np.bincount(batch.items("source"), state), calls)
    assert depth_labels(batch, m.vocabulary, arity, space="target")[0] == -1  # <bos>


@pytest.mark.parametrize("how", ["replace", "calls"])
def test_corrupted_inputs_are_right_in_themselves(binary, how):
    _, split, succ, codec = binary
    clean, corrupted, kept = corrupt(split.take(slice(60)), succ, codec, how=how)
    assert len(clean) == len(corrupted) == len(kept) > 20
    for i in range(len(clean)):
        a, b = clean.source_offsets[i : i + 2]
        before, after = clean.source[a:b], corrupted.source[a:b]
        assert (before != after).sum() == 1
        value = codec.decode(np.ascontiguousarray(after), "input")
        c, d = corrupted.target_offsets[i : i + 2]
        want = codec.encode(succ(value), "output")
        np.testing.assert_array_equal(corrupted.labels[c : d - 1], want)
        assert corrupted.labels[d - 1] == 2 and corrupted.target[c] == 1
    again = corrupt(split.take(slice(60)), succ, codec, how=how)[1]
    np.testing.assert_array_equal(again.source, corrupted.source)
    rows = perturb_inputs(HookedModel(binary[0].core), split.take(slice(30)), succ, codec).rows
    assert [r["perturbation"] for r in rows][:1] == ["replace"]


def test_swapped_positions_are_those_of_swapped_rows(hooked):
    rows = perturb_positions(hooked, BATCH).rows
    assert len(rows) == 6
    one = Batch.of([SOURCES[0][:4]], [TARGETS[0]], [LABELS[0]])
    row = perturb_positions(hooked, one).rows[1]  # the source shifted by one
    table = hooked.core.parameters()["encoder.embed_positions.weight"]
    table[:4] = table[[1, 2, 3, 0]]
    assert row["loss"] == pytest.approx(mean_loss(hooked(one), one), rel=1e-4)
    with pytest.raises(errors.InputError, match="no position embeddings"):
        perturb_positions(HookedModel(model(positions="none")), BATCH)


def test_every_figure_draws_at_two_sizes_and_again_from_json(binary, tmp_path):
    m, split, succ, codec = binary
    part = split.take(slice(24))
    found = [
        ablate(m, part),
        ablate(m, part, what="positions"),
        ablate(m, part, what="layers"),
        logit_lens(m, part),
        attention_map(
            m, part, attention="decoder_blocks.0.cross_attn", arity=arities(succ.program)
        ),
    ]
    for finding in found:
        again = Finding(**json.loads(json.dumps(finding.to_dict())))
        assert str(again.table) == str(finding.table)
        for dpi in (60, 120):
            finding.plot().get_figure().savefig(tmp_path / "a.png", dpi=dpi)
            again.plot().get_figure().savefig(tmp_path / "b.png", dpi=dpi)
            assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
        assert "<table>" in finding._repr_html_() and repr(finding).startswith("<Finding")
    heads = found[-1].rows
    assert {row["query_token"] for row in heads} <= set(m.vocabulary)
    with pytest.raises(errors.InputIndexError, match="item"):
        attention_map(m, part, attention="decoder_blocks.0.cross_attn", item=99)
    with pytest.raises(errors.InputError, match="no hook named"):
        attention_map(m, part, attention="decoder_blocks.0.attn")


def test_the_command_writes_tables_and_figures(tmp_path, capsys):
    from recursionlab.cli import main

    data = rlab.make_dataset(rlab.library("binary")["succ"], sizes=range(1, 7), seed=0)
    rlab.train(
        rlab.Transformer(d_model=16, encoder_layers=1, decoder_layers=1, max_positions=32),
        data["train"],
        steps=2,
        batch_size=8,
        output=tmp_path / "run",
        progress=False,
    )
    data.save(tmp_path / "data")
    asked = ["interpret", str(tmp_path / "run"), "--limit", "12", "--json"]
    assert main(asked) == 2
    assert "--data" in capsys.readouterr().err
    assert main([*asked, "--data", str(tmp_path / "data")]) == 0
    told = json.loads(capsys.readouterr().out)
    folder = tmp_path / "run" / "interpret"
    assert told["output"] == str(folder) and "heads" in told["experiments"]
    for name, title in told["experiments"].items():
        assert (folder / f"{name}.png").exists() == (not title.startswith("left out"))
    assert json.loads((folder / "lens.json").read_text())["title"] == "logit lens"
