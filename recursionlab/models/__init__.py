"""Kinds of models: frozen configurations that build a model of the C core."""

from recursionlab.models.kind import ModelConfig, from_dict, kinds
from recursionlab.models.pretrained import from_pretrained, save_pretrained
from recursionlab.models.transformer import Transformer

__all__ = [
    "ModelConfig",
    "Transformer",
    "from_dict",
    "from_pretrained",
    "kinds",
    "save_pretrained",
]
