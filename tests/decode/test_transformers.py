"""The same outputs as Hugging Face `generate`, token for token; needs transformers."""

import numpy as np
import pytest
from reference import decoding as ref
from searches import decode, half_taught, logits_by, outputs, sources

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


def peer_of(logits_of):
    """Return a transformers model whose logits are those of ours; its source is `peer.source`."""
    from transformers.modeling_outputs import CausalLMOutput

    class Config(transformers.PretrainedConfig):
        model_type = "recursionlab-peer"
        vocab_size = 8

    class Peer(transformers.PreTrainedModel, transformers.GenerationMixin):
        config_class = Config

        def __init__(self, config):
            super().__init__(config)
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def prepare_inputs_for_generation(self, input_ids, **_):
            return {"input_ids": input_ids}

        def forward(self, input_ids, **_):
            rows = [logits_of(self.source, row.tolist()) for row in input_ids]
            return CausalLMOutput(logits=torch.tensor(np.stack(rows)))

    return Peer(Config()).eval()


@pytest.mark.parametrize("early", [False, True, "never"])
@pytest.mark.parametrize("penalty", [1.0, 0.0, 2.0, -1.0])
def test_beams_are_those_of_generate(penalty, early):
    split, model = half_taught()
    peer = peer_of(logits_by(model))
    found = decode(
        model,
        split,
        "beam",
        num_beams=3,
        num_return_sequences=3,
        length_penalty=penalty,
        early_stopping=str(early).lower(),
    )
    settings = transformers.GenerationConfig(
        num_beams=3,
        num_return_sequences=3,
        length_penalty=penalty,
        early_stopping=early,
        max_new_tokens=7,
        eos_token_id=2,
        pad_token_id=0,
        bos_token_id=1,
        use_cache=False,
        return_dict_in_generate=True,
        output_scores=True,
    )
    for source, item in zip(sources(split), outputs(found, 3), strict=True):
        peer.source = source
        theirs = peer.generate(torch.tensor([[1]]), generation_config=settings)
        for row, score, ours in zip(
            theirs.sequences.tolist(), theirs.sequences_scores.tolist(), item, strict=True
        ):
            said, finished = row[1:], 2 in row
            assert ours[0] == (said[: said.index(2)] if finished else said[:6])
            assert ours[3] == pytest.approx(score, abs=1e-4) and ours[4] == finished


@pytest.mark.parametrize(
    "filters", [{"temperature": 0.7}, {"top_k": 3}, {"top_p": 0.8}, {"min_p": 0.2}], ids=str
)
def test_filters_are_those_of_generate(filters):
    names = {
        "temperature": transformers.TemperatureLogitsWarper,
        "top_k": transformers.TopKLogitsWarper,
        "top_p": transformers.TopPLogitsWarper,
        "min_p": transformers.MinPLogitsWarper,
    }
    for row in np.random.default_rng(0).normal(size=(20, 12)).astype(np.float32):
        (name, value), scores = *filters.items(), torch.tensor(row)[None]
        theirs = torch.softmax(names[name](value)(None, scores), -1)[0].numpy()
        assert ref.filtered(row, **filters) == pytest.approx(theirs, abs=1e-6)
