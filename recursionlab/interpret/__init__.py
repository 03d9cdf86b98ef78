"""Opening a model: hooks, caches and interventions through the taps of the C core."""

from recursionlab.interpret.batch import Batch
from recursionlab.interpret.cache import ActivationCache
from recursionlab.interpret.edits import Replace, Scale, Where
from recursionlab.interpret.hooks import HookedModel

__all__ = ["ActivationCache", "Batch", "HookedModel", "Replace", "Scale", "Where"]
