"""Functions as data: sampled, mutated, and recognised by what they compute."""

from .behaviour import functional_hash, same_behaviour, unique_functions
from .mutate import Mutant, mutate_function
from .sample import SampledFunction, sample_functions
from .space import FunctionSpace

__all__ = [
    "FunctionSpace",
    "Mutant",
    "SampledFunction",
    "functional_hash",
    "mutate_function",
    "same_behaviour",
    "sample_functions",
    "unique_functions",
]
