"""Training: configuration, runs, checkpoints, metrics; the steps themselves are C."""

from recursionlab.learn.config import TrainConfig
from recursionlab.learn.predictions import Outputs, Predictions
from recursionlab.learn.run import Run, load_run
from recursionlab.learn.split import PackedSplit, SplitLike, pack
from recursionlab.learn.training import train
from recursionlab.learn.turns import next_turn

__all__ = [
    "Outputs",
    "PackedSplit",
    "Predictions",
    "Run",
    "SplitLike",
    "TrainConfig",
    "load_run",
    "next_turn",
    "pack",
    "train",
]
