"""A small run in a process of its own: python one_run.py FOLDER THREADS [resume|slow]."""

import signal
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from learners import copy_split  # noqa: E402

from recursionlab.learn import train  # noqa: E402
from recursionlab.models import Transformer  # noqa: E402

SHAPE = {"d_model": 16, "n_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "dropout": 0.1}
CONFIG = {
    "steps": 40,
    "batch_size": 16,
    "warmup": 5,
    "eval_every": 10,
    "save_every": 8,
    "log_every": 3,
    "keep": 0,
    "shards": 3,
}


def start(folder, threads=None, **changes):
    """Train the small run into a folder."""
    config = {**CONFIG, **changes}
    data = {"valid": copy_split(20, seed=1), "output": folder, "threads": threads}
    return train(Transformer(max_positions=16, **SHAPE), copy_split(100), **data, **config)


def resume(folder, threads=None):
    """Go on with it."""
    return train(
        None, copy_split(100), valid=copy_split(20, seed=1), resume=folder, threads=threads
    )


if __name__ == "__main__":
    # A shell that starts a job in the background makes it ignore Ctrl-C; this run must not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    path, number, *mode = sys.argv[1:]
    count = int(number) or None
    if mode == ["resume"]:
        resume(path, count)
    elif mode == ["endless"]:
        start(path, count, steps=1_000_000, keep=3)
    else:
        start(path, count)
