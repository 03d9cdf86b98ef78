"""Keys of a foreign config.json: each is taken once, and one that is left over is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recursionlab import files
from recursionlab.errors import FormatError

# Keys that change no logits: names, training of their own, and settings of generation.
HARMLESS = frozenset(
    """
    _name_or_path architectures transformers_version torch_dtype dtype use_cache output_past
    model_type id2label label2id num_labels problem_type return_dict return_dict_in_generate
    output_attentions output_hidden_states output_scores torchscript use_bfloat16
    task_specific_params finetuning_task tokenizer_class prefix bos_token_id pad_token_id
    sep_token_id gradient_checkpointing chunk_size_feed_forward max_length min_length do_sample
    early_stopping num_beams num_beam_groups diversity_penalty temperature top_k top_p typical_p
    repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size
    bad_words_ids num_return_sequences forced_bos_token_id forced_eos_token_id
    force_bos_token_to_be_generated
    remove_invalid_values exponential_decay_length_penalty suppress_tokens begin_suppress_tokens
    tf_legacy_loss init_std initializer_range initializer_factor classifier_dropout
    classif_dropout _attn_implementation_autoset
    """.split()
)
# Keys whose other values would change logits: what they must be.
FIXED: dict[str, Any] = {
    "is_decoder": False,
    "add_cross_attention": False,
    "cross_attention_hidden_size": None,
    "tie_encoder_decoder": False,
    "pruned_heads": {},
    "quantization_config": None,
}


class Keys:
    """The mapping of one file, with the path for messages.

    Examples
    --------
    >>> keys = Keys(Path("config.json"), {"d_model": 8, "use_cache": True})
    >>> keys.take("d_model", int, 512)
    8
    >>> keys.end()
    """

    def __init__(self, path: Path, values: dict[str, Any]) -> None:
        self.path = path
        self.left = values

    @classmethod
    def of(cls, path: Path) -> Keys:
        """Read a file."""
        if not path.is_file():
            raise FormatError(f"{path}: expected a model's configuration, found no such file")
        values = files.read_json(path)
        if not isinstance(values, dict):
            raise FormatError(f"{path}: expected a table of keys, got {type(values).__name__}")
        return cls(path, values)

    def take(self, name: str, kind: type, start: Any) -> Any:
        """Return a key's value and count it as read; `start` where it is missing or null."""
        value = self.left.pop(name, None)
        if value is None:
            return start
        whole = isinstance(value, int) and not isinstance(value, bool)
        fits = whole if kind is int else isinstance(value, kind) or (kind is float and whole)
        if not fits:
            raise FormatError(f"{self.path}: {name}: expected {kind.__name__}, got {value!r}")
        return kind(value) if kind is float else value

    def must(self, name: str, value: Any, start: Any = None) -> None:
        """Refuse any other value of a key that the layers here cannot follow."""
        given = self.left.pop(name, start if start is not None else value)
        if given != value or isinstance(given, bool) != isinstance(value, bool):
            raise FormatError(f"{self.path}: {name}: only {value!r} is supported, got {given!r}")

    def choice(self, name: str, words: dict[str, str], start: str) -> str:
        """Return what a word means here, of the words that are known."""
        word = self.take(name, str, start)
        if word not in words:
            raise FormatError(
                f"{self.path}: {name}: expected one of {', '.join(words)}, got {word!r}"
            )
        return words[word]

    def end(self) -> None:
        """Refuse what nobody read and nobody knows to be harmless."""
        for name, value in FIXED.items():
            if name in self.left:
                self.must(name, value)
        unknown = sorted(set(self.left) - HARMLESS)
        if unknown:
            raise FormatError(
                f"{self.path}: unknown key {unknown[0]!r}, which may change what the model "
                "computes; remove it if it does not"
            )
