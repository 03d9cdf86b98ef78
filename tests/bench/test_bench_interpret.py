"""The interpret bench: our side of it against runs hooked by hand, its rows, its refusals."""

import sys
import types

import numpy as np
import pytest

from recursionlab.bench import interpret as bench
from recursionlab.errors import InputError, InternalError, MissingExtraError
from recursionlab.interpret import Batch, HookedModel, Replace, Scale, Where

CASE = bench.Case(16, 1, 2, 4, 12)


def hooked_by_hand(work, first, items=CASE.items):
    """Log p(label) of every intervention, one run at a time."""
    source, target, labels, clean = work.chunk(first, items)
    model, batch = HookedModel(work.model), Batch.of(source, target)
    _, cache = model.run_with_cache(clean, target)
    hooks = [(name, Scale(0, Where(heads=head))) for name, head in work.heads]
    hooks += [
        (name, Replace(cache[name], Where(positions=position))) for name, position in work.patches
    ]
    out = []
    for hook in hooks:
        z = model.run_with_hooks(batch, fwd_hooks=[hook]).astype(float)
        z -= z.max(-1, keepdims=True)
        z -= np.log(np.exp(z).sum(-1, keepdims=True))
        out.append(np.take_along_axis(z, labels[..., None].astype(int), -1)[..., 0])
    return np.stack(out)


class Peer:
    """Stands in for TransformerLens, which wants an environment of its own."""

    off = 0.0

    def __init__(self, model):
        self.model = model

    def warm(self, work):
        pass

    def sweep(self, work, first, items, threads):
        return hooked_by_hand(work, first, items).astype(np.float32) + self.off


@pytest.fixture
def peer(monkeypatch):
    module = types.ModuleType("lens_peer")
    module.Peer, module.versions = Peer, lambda: {"transformer_lens": "0"}
    monkeypatch.setitem(sys.modules, "recursionlab.bench.lens_peer", module)
    monkeypatch.setitem(bench.CASES, "tiny", CASE)
    return Peer


def test_our_side_does_what_hooks_by_hand_do():
    work = bench.Work(CASE)
    assert len(work.heads) == 3 * 2 and len(work.patches) == 2 * 4
    np.testing.assert_allclose(work.ours(0, 1), hooked_by_hand(work, 0), atol=1e-5)


def test_rows_have_what_readers_expect(peer):
    result = bench.run(["tiny"])
    assert {"processor", "isa", "transformer_lens"} <= set(result["machine"])
    for row in result["rows"]:
        assert row["bench"] == "interpret" and row["ratio"] == row["ours"] / row["theirs"]


def test_a_peer_that_says_something_else_is_no_peer(peer, monkeypatch):
    monkeypatch.setattr(peer, "off", 1e-2)
    with pytest.raises(InternalError, match="differ by"):
        bench.run(["tiny"])


def test_unknown_cases_and_a_missing_peer_are_told(peer, monkeypatch):
    with pytest.raises(InputError, match="case: expected one of"):
        bench.run(["d1"])
    monkeypatch.delitem(sys.modules, "recursionlab.bench.lens_peer")
    monkeypatch.setitem(sys.modules, "transformer_lens", None)
    with pytest.raises(MissingExtraError, match="recursionlab\\[lens\\]"):
        bench.run(["d64"])
