"""Experiments: a configuration file each, and one runner for all of them."""

from recursionlab.experiments.of_function import experiment_of
from recursionlab.experiments.run import reproduce
from recursionlab.experiments.sweeps import sweep

__all__ = ["experiment_of", "reproduce", "sweep"]
