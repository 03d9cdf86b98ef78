"""Checkpoints of Hugging Face's shapes: logits, gradients and outputs are those of transformers."""

import json
import shutil

import numpy as np
import pytest
from batches import offsets, pack

from recursionlab import _core, errors
from recursionlab.models import Transformer, from_pretrained, save_pretrained
from recursionlab.models.pretrained import families

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

torch.set_num_threads(1)
V = 23
T5 = {
    **{"vocab_size": V, "d_model": 16, "d_kv": 6, "d_ff": 24, "num_heads": 3, "num_layers": 2},
    **{"relative_attention_num_buckets": 8, "relative_attention_max_distance": 12},
    **{"num_decoder_layers": 3, "decoder_start_token_id": 0},
}
BART = {
    **{"vocab_size": V, "d_model": 16, "encoder_layers": 2, "decoder_layers": 1},
    **{"encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 24},
    **{"decoder_ffn_dim": 24, "max_position_embeddings": 30, "forced_eos_token_id": None},
}
GPT2 = {
    **{"vocab_size": V, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 40},
    **{"bos_token_id": 1, "eos_token_id": 2},
}
KINDS = {
    "t5": ("T5", T5),
    "t5-v1.1": ("T5", {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}),
    "t5-silu": ("T5", {**T5, "feed_forward_proj": "gated-silu"}),
    "bart": ("Bart", BART),
    "bart-scaled": ("Bart", {**BART, "scale_embedding": True, "activation_function": "relu"}),
    "gpt2": ("GPT2", GPT2),
    "gpt2-untied": ("GPT2", {**GPT2, "n_inner": 20, "tie_word_embeddings": False}),
}
HEADS = {
    "T5": "ForConditionalGeneration",
    "Bart": "ForConditionalGeneration",
    "GPT2": "LMHeadModel",
}


def random_model(kind):
    name, config = KINDS[kind]
    torch.manual_seed(3)
    config = getattr(transformers, f"{name}Config")(**config)
    model = getattr(transformers, f"{name}{HEADS[name]}")(config).eval()
    with torch.no_grad():
        for value in model.parameters():
            value.normal_(0, 0.4) if value.ndim > 1 else value.add_(torch.randn(value.shape) * 0.2)
    return model


@pytest.fixture(scope="module", params=KINDS)
def both(request, tmp_path_factory):
    """A random model of transformers, and ours read from its folder."""
    folder = tmp_path_factory.mktemp("foreign")
    theirs = random_model(request.param)
    theirs.save_pretrained(folder)
    return theirs, *from_pretrained(folder), folder


def lines(n=6, longest=11, seed=0):
    rng = np.random.default_rng(seed)
    return [
        tuple(rng.integers(3, V, rng.integers(1, longest + 1)).tolist() for _ in range(2))
        for _ in range(n)
    ]


def their_logits(model, source, target):
    if model.config.is_encoder_decoder:
        out = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([target]))
    else:
        out = model(input_ids=torch.tensor([target]))
    return out.logits[0]


def our_arguments(model, pairs):
    both = model.config["architecture"] == "encoder_decoder"
    source = pack([s for s, _ in pairs]) if both else (None, None)
    return *source, *pack([t for _, t in pairs])


def test_logits_are_those_of_transformers(both):
    theirs, ours, *_ = both
    pairs = lines()
    with torch.no_grad():
        want = torch.cat([their_logits(theirs, s, t) for s, t in pairs]).numpy()
    got = ours.forward(*our_arguments(ours, pairs))
    assert np.abs(got - want).max() <= 1e-4 * np.abs(want).max()


def test_gradients_are_those_of_transformers(both):
    theirs, ours, config, _ = both
    pairs = lines(seed=1)
    labels = [np.random.default_rng(i).integers(0, V, len(t)) for i, (_, t) in enumerate(pairs)]
    theirs.zero_grad()
    logits = torch.cat([their_logits(theirs, s, t) for s, t in pairs])
    torch.nn.functional.cross_entropy(logits, torch.tensor(np.concatenate(labels))).backward()
    still = {f"{name}dropout": 0.0 for name in ("", "attention_", "activation_")}
    copy = _core.Model("transformer", {**ours.config, **still})
    copy.params[:] = ours.params
    copy.loss(*our_arguments(ours, pairs), pack(labels)[0])
    grads, seen = copy.gradients(), 0
    named = dict(theirs.named_parameters())
    for row in families()[theirs.config.model_type].tensors(config, V).rows:
        want = named[row.name].grad.numpy()
        got = row.put(*(grads[name] for name in row.ours))
        assert np.abs(got - want).max() <= 1e-3 * max(np.abs(want).max(), 1e-4), row.name
        seen += len(row.ours)
    assert seen == len(grads)


def generated(theirs, source, **options):
    """Tokens said by `generate`, bare of start and end, and the score of each."""
    config = theirs.config
    pairs = config.is_encoder_decoder
    prompt = source if pairs else [*source, config.bos_token_id]
    settings = transformers.GenerationConfig(
        max_new_tokens=9,
        eos_token_id=config.eos_token_id,
        pad_token_id=0,
        bos_token_id=config.bos_token_id,
        decoder_start_token_id=config.decoder_start_token_id if pairs else None,
        return_dict_in_generate=True,
        output_scores=True,
        use_cache=False,  # 4.57.1 cannot where T5's decoder is deeper than its encoder
        **options,
    )
    out = theirs.generate(torch.tensor([prompt]), generation_config=settings)
    rows = []
    for row in out.sequences[:, 1 if pairs else len(prompt) :].tolist():
        end = row.index(config.eos_token_id) if config.eos_token_id in row else 8
        rows.append(row[:end])
    return rows, getattr(out, "sequences_scores", None)


@pytest.mark.parametrize("beams", [1, 4])
def test_outputs_are_those_of_generate(both, beams):
    theirs, ours, *_ = both
    sources = [s for s, _ in lines(8, seed=2)]
    method = "beam" if beams > 1 else "greedy"
    found = _core.decode(
        ours, *pack(sources), method, 8, 3, 2, num_beams=beams, num_return_sequences=beams
    )
    ids, off, keys = found[0], found[1], found[5]
    said = [ids[a:b].tolist() for a, b in zip(off, off[1:], strict=False)]
    for i, source in enumerate(sources):
        want, scores = generated(theirs, source, num_beams=beams, num_return_sequences=beams)
        assert said[i * beams : i * beams + beams] == want
        if beams > 1:
            assert keys[i * beams : i * beams + beams] == pytest.approx(scores.tolist(), abs=1e-4)


def test_what_is_saved_is_read_by_transformers_and_by_us(both, tmp_path):
    theirs, ours, config, _ = both
    assert save_pretrained(ours, config, tmp_path / "out") == theirs.config.model_type
    again = type(theirs).from_pretrained(tmp_path / "out").eval()
    with torch.no_grad():
        for source, target in lines(2):
            a, b = (their_logits(m, source, target) for m in (again, theirs))
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    back, same = from_pretrained(tmp_path / "out")
    assert same == config and np.array_equal(back.params, ours.params)


def test_half_precision_is_read_as_float32(tmp_path):
    for kind in (torch.float16, torch.bfloat16):
        theirs = random_model("t5").to(kind)
        theirs.save_pretrained(tmp_path / "half")
        ours, _ = from_pretrained(tmp_path / "half")
        want = theirs.shared.weight.detach().float().numpy()
        np.testing.assert_array_equal(ours.parameters()["shared.weight"], want)


def test_buckets_are_those_of_transformers_at_every_distance():
    attention = transformers.models.t5.modeling_t5.T5Attention
    for buckets, reach in [(32, 128), (8, 20), (16, 64), (12, 50)]:
        m = _core.Model(
            "transformer",
            {
                **{"vocab_size": 3, "d_model": 4, "n_heads": 1, "encoder_layers": 1},
                **{"positions": "relative", "relative_buckets": buckets},
                **{"relative_distance": reach, "architecture": "encoder_only"},
            },
        )
        p = m.parameters()
        for name, value in p.items():
            if "_proj" in name:
                value[:] = 0
        table = p["encoder.relative_attention_bias.weight"]
        table[:, 0] = np.linspace(-2, 2, len(table))
        n = 300
        out = np.zeros(n * n, np.float32)
        tokens = np.zeros(n, np.int32), offsets([n])
        m.forward(None, None, *tokens, taps=[("blocks.0.attn.hook_pattern", "read", out)])
        where = torch.arange(n)[None, :] - torch.arange(n)[:, None]
        numbers = attention._relative_position_bucket(where, True, buckets, reach).numpy()
        want = np.exp(table[numbers, 0])
        want /= want.sum(1, keepdims=True)
        np.testing.assert_allclose(out.reshape(n, n), want, rtol=1e-5)


# ---- what is refused -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    for kind in ("t5", "bart", "gpt2"):
        random_model(kind).save_pretrained(folder / kind)
    return folder


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("t5", {"model_type": "mt5"}, "model_type: expected one of bart, gpt2, t5, got 'mt5'"),
        ("t5", {"architectures": ["T5EncoderModel"]}, "architectures: .* got 'T5EncoderModel'"),
        ("t5", {"feed_forward_proj": "gated-relu"}, "feed_forward_proj: expected one of relu"),
        ("t5", {"is_encoder_decoder": False}, "is_encoder_decoder: only True"),
        ("t5", {"new_trick": True}, "unknown key 'new_trick', which may change"),
        ("t5", {"d_model": "16"}, "d_model: expected int, got '16'"),
        ("t5", {"d_model": True}, "d_model: expected int"),
        ("t5", {"d_model": 65536}, "more numbers than model.safetensors"),
        ("t5", {"num_layers": 10**9}, "encoder_layers: expected"),
        ("t5", {"num_layers": 1}, "unknown tensor 'encoder.block.1"),
        ("t5", {"d_kv": 3}, "q.weight: expected shape"),
        ("t5", {"tie_word_embeddings": False}, "expected a tensor 'lm_head.weight'"),
        ("t5", {"pruned_heads": {"0": [1]}}, "pruned_heads: only"),
        ("bart", {"decoder_ffn_dim": 20}, "decoder_ffn_dim: only 24"),
        ("bart", {"normalize_before": True}, "normalize_before: only False"),
        ("bart", {"encoder_layerdrop": 0.1}, "encoder_layerdrop: only 0.0"),
        ("bart", {"max_position_embeddings": 31}, "embed_positions.weight: expected shape"),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "inverse_layer_idx: only False"),
        ("gpt2", {"add_cross_attention": True}, "add_cross_attention: only False"),
        ("gpt2", {"n_inner": 20}, "shape"),
    ],
)
def test_configurations_that_cannot_be_followed_are_refused_by_name(
    saved, tmp_path, kind, change, words
):
    shutil.copytree(saved / kind, tmp_path / "m")
    path = tmp_path / "m" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(errors.FormatError, match=words):
        from_pretrained(tmp_path / "m")


def rewritten(saved, tmp_path, change):
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "m"
    shutil.copytree(saved / "bart", folder)
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    return folder


def test_tensors_that_do_not_fit_are_refused_by_name(saved, tmp_path):
    name = "model.encoder.layers.0.fc1.weight"

    def put(key, value):
        return lambda tensors: tensors.__setitem__(key, value)

    nan = np.full((24, 16), np.nan, np.float32)
    for i, (change, words) in enumerate(
        [
            (lambda t: t.pop(name), "expected a tensor 'model.encoder.layers.0.fc1.weight'"),
            (put(name, np.zeros((24, 17), np.float32)), r"expected shape \(24, 16\)"),
            (put(name, nan), "fc1.weight: expected finite numbers"),
            (put(name, np.zeros((24, 16), np.int64)), "fc1.weight: expected finite numbers"),
            (put(name, np.zeros((24, 16))), "expected F32, F16 or BF16, got F64"),
            (put("model.more", np.zeros(3, np.float32)), "unknown tensor 'model.more'"),
            (put("final_logits_bias", np.ones((1, V), np.float32)), "only zeros"),
            (put("lm_head.weight", np.ones((V, 16), np.float32)), "lm_head.weight differs"),
        ]
    ):
        with pytest.raises(errors.FormatError, match=words):
            from_pretrained(rewritten(saved, tmp_path / str(i), change))


def test_damaged_folders_are_refused(saved, tmp_path):
    with pytest.raises(errors.FormatError, match="no such file"):
        from_pretrained(tmp_path)
    folder = shutil.copytree(saved / "t5", tmp_path / "m")
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    for damaged in (whole[:-10], whole[:7], b"", b"\xff" * 64, whole[:8] + b"}" + whole[9:]):
        weights.write_bytes(damaged)
        with pytest.raises(errors.FormatError, match="safetensors"):
            from_pretrained(folder)
    weights.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(errors.FormatError, match="pickled"):
        from_pretrained(folder)
    (folder / "config.json").write_text("[]")
    with pytest.raises(errors.FormatError, match="table of keys"):
        from_pretrained(folder)


def test_a_shape_of_no_family_is_not_saved(tmp_path):
    config = Transformer(d_model=16, positions="rotary")
    with pytest.raises(errors.ConfigError, match="bart: norm_place would be .*; gpt2: .*; t5: "):
        save_pretrained(config.build(9), config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_foreign_model_learns_here_and_goes_back(saved, tmp_path):
    ours, config = from_pretrained(saved / "t5")
    rng = np.random.default_rng(0)
    words = [rng.integers(3, 9, 4).tolist() for _ in range(32)]
    arrays = (*pack(words), *pack(words))
    before = _core.teacher_forced(ours, *arrays, 1)["loss"]
    options = dict.fromkeys(("lr_end", "weight_decay", "label_smoothing"), 0.0)
    trainer = _core.Trainer(
        *(ours, *arrays),
        **{"steps": 60, "warmup": 5, "batch_size": 16, "shards": 2, "schedule": "constant"},
        **{"lr": 3e-3, "beta1": 0.9, "beta2": 0.98, "eps": 1e-8, "clip": 1.0, "seed": 0},
        **options,
        precision="float32",
    )
    trainer.run(60, 2)
    after = _core.teacher_forced(ours, *arrays, 1)
    assert after["loss"] < 0.7 * before
    save_pretrained(ours, config, tmp_path / "tuned")
    theirs = transformers.T5ForConditionalGeneration.from_pretrained(tmp_path / "tuned").eval()
    loss = 0.0
    with torch.no_grad():
        for word in words:  # T5: a target begins with 0 and ends in 1
            labels = torch.tensor([[*word, 1]])
            loss += theirs(input_ids=torch.tensor([word]), labels=labels).loss.item() * 5
    assert after["loss"] == pytest.approx(loss, rel=1e-4)
