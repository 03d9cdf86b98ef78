"""Hugging Face: splits as `datasets`, vocabularies as `tokenizer.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recursionlab.errors import InputError, MissingExtraError

UNKNOWN = "<unk>"


def to_huggingface(data: Any) -> Any:
    """Return a split as `datasets.Dataset`, or a data set as `datasets.DatasetDict`.

    Parameters
    ----------
    data : Split or mapping of Split
        The columns are those of the Parquet files; `load_dataset("parquet", data_files=...)` reads
        these too.

    Raises
    ------
    MissingExtraError
        If the package `datasets` is not installed.
    """
    try:
        import datasets
    except ImportError:
        raise MissingExtraError(
            "to_huggingface: needs the package datasets; pip install 'recursionlab[formats]'"
        ) from None
    if isinstance(data, Mapping):
        return datasets.DatasetDict({name: to_huggingface(split) for name, split in data.items()})
    return datasets.Dataset(datasets.table.InMemoryTable(data.to_arrow()))


def tokenizer(vocabulary: Sequence[str]) -> dict[str, Any]:
    """Return the contents of a tokenizer.json: token i of the vocabulary has the number i.

    Text is cut at spaces. A word that is no token becomes `<unk>`, whose number is the first beyond
    the vocabulary.

    Parameters
    ----------
    vocabulary : sequence of str
        Tokens without spaces in them, none twice.

    Raises
    ------
    InputError
        If a token has a space or stands twice.

    Examples
    --------
    >>> tokenizer(["<pad>", "xH"])["model"]["vocab"]
    {'<pad>': 0, 'xH': 1, '<unk>': 2}
    """
    numbers = {token: i for i, token in enumerate(vocabulary)}
    bad = next((t for t in vocabulary if not t or any(c.isspace() for c in t)), None)
    if bad is not None or len(numbers) != len(vocabulary):
        what = f"{bad!r} has a space" if bad is not None else "a token stands twice"
        raise InputError(f"tokenizer: expected tokens that stand once and hold no space; {what}")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {**numbers, UNKNOWN: len(numbers)},
            "unk_token": UNKNOWN,
        },
    }


def tokenizer_config() -> dict[str, Any]:
    """Return the contents of the tokenizer_config.json beside it."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": "<pad>",
        "bos_token": "<bos>",
        "eos_token": "<eos>",
        "unk_token": UNKNOWN,
        "clean_up_tokenization_spaces": False,
    }
