"""A trained model: where its files are, what it predicts, how it went."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.errors import FormatError, InputError
from recursionlab.learn import checkpoint
from recursionlab.learn.config import TrainConfig
from recursionlab.learn.metrics import read_metrics
from recursionlab.learn.progress import progress_bar
from recursionlab.learn.split import SplitLike, check_split, check_vocabulary
from recursionlab.machine import default_threads

if TYPE_CHECKING:
    from recursionlab.models import ModelConfig

CHUNK = 1024  # items between two movements of the progress bar


@dataclass(frozen=True)
class Predictions:
    """What a model says to each item of a split, in the split's order; R items.

    Attributes
    ----------
    ids : int32 array, shape (tokens,)
        Outputs end to end, bare of <bos> and <eos>.
    offsets : int64 array, shape (R + 1,)
        Where each begins.
    scores : float64 array, shape (R,)
        Sum of the natural logarithms of the probabilities of the chosen tokens.
    finished : bool array, shape (R,)
        Whether <eos> was reached; False where the output was cut at the maximum length.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    scores: NDArray[np.float64]
    finished: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.offsets) - 1

    def __getitem__(self, item: int) -> NDArray[np.int32]:
        """Return the tokens said to one item."""
        if not -len(self) <= item < len(self):
            raise IndexError(f"predictions: expected an item below {len(self)}, got {item}")
        item %= len(self)
        return self.ids[self.offsets[item] : self.offsets[item + 1]]


@dataclass
class Run:
    """A model that was trained, with what it was trained by.

    Attributes
    ----------
    model : _core.Model
        The model with its weights.
    model_config : ModelConfig
        Its shape.
    config : TrainConfig or None
        How it was trained; None for a checkpoint outside a run folder.
    vocabulary : tuple of str
        The name of each token, by id.
    step : int
        Updates made.
    metrics : list of dict
        Rows of `metrics.jsonl`.
    path : Path or None
        The run folder; None if nothing was written.
    finished : bool
        Whether the run reached its end (all its steps, or its patience).
    """

    model: _core.Model
    model_config: ModelConfig
    config: TrainConfig | None
    vocabulary: tuple[str, ...]
    step: int
    metrics: list[dict[str, Any]]
    path: Path | None = None
    finished: bool = True

    def predict(
        self,
        split: SplitLike,
        *,
        batch_size: int = 64,
        threads: int | None = None,
        max_length: int | None = None,
        method: str = "greedy",
        progress: bool = True,
    ) -> Predictions:
        """Decode the inputs of a split.

        Parameters
        ----------
        split : split of a data set
            Only its inputs are read, and its longest label where `max_length` is None.
        batch_size : int
            Sequences decoded at once; it changes no result.
        threads : int, optional
            Threads to use; it changes no result. Default: `default_threads()`.
        max_length : int, optional
            Tokens after which an output is cut. Default: twice the longest label and 8 more, as far
            as the model's positions reach.
        method : str
            How the next token is chosen: "greedy".
        progress : bool
            Whether to show a bar on a terminal when it takes longer than a second.

        Returns
        -------
        Predictions
            In the split's order.

        Raises
        ------
        ConfigError
            If the split's vocabulary is not the model's.
        InputError
            If an input is longer than the model's positions, or `max_length` is.
        """
        check_split(split, "split")
        check_vocabulary(split, self.vocabulary, "split")
        if max_length is None:
            max_length = self._longest_output(split)
        ids, offsets = split.input_ids, split.input_offsets
        count = len(offsets) - 1
        parts = []
        chunk = max(CHUNK, 8 * batch_size)
        with progress_bar(count, "predict", "item", progress) as bar:
            for first in range(0, max(count, 1), chunk):
                last = min(first + chunk, count)
                begin, end = int(offsets[first]), int(offsets[last])
                parts.append(
                    _core.decode(
                        self.model,
                        ids[begin:end],
                        offsets[first : last + 1] - begin,
                        method,
                        max_length,
                        batch_size,
                        threads or default_threads(),
                    )
                )
                bar.update(last - first)
        starts = np.cumsum([0] + [len(part[0]) for part in parts])
        joined = [part[1][1:] + start for part, start in zip(parts, starts, strict=False)]
        return Predictions(
            ids=np.concatenate([part[0] for part in parts]),
            offsets=np.concatenate([np.zeros(1, np.int64), *joined]),
            scores=np.concatenate([part[2] for part in parts]),
            finished=np.concatenate([part[3] for part in parts]),
        )

    def teacher_forced(self, split: SplitLike, *, threads: int | None = None) -> dict[str, float]:
        """Score a split with the right target so far given at every token.

        Parameters
        ----------
        split : split of a data set
            Pairs to score.
        threads : int, optional
            Threads to use; it changes no result.

        Returns
        -------
        dict
            `loss` (mean over labels, natural logarithm), `token_accuracy` and `exact_match`, shares
            in [0, 1].
        """
        check_split(split, "split")
        check_vocabulary(split, self.vocabulary, "split")
        return teacher_forced(self.model, split, threads or default_threads())

    def resume(
        self,
        split: SplitLike,
        *,
        valid: SplitLike | None = None,
        threads: int | None = None,
        progress: bool = True,
    ) -> Run:
        """Go on where the newest checkpoint stands; to the same bits as without a stop.

        Parameters
        ----------
        split, valid : splits of a data set
            The same as before; their checksums are compared.
        threads : int, optional
            Threads to use; it changes no result.
        progress : bool
            Whether to show a bar on a terminal.

        Returns
        -------
        Run
            The run at its end.

        Raises
        ------
        InputError
            If the run has no folder.
        ConfigError
            If the data are not those of the run.
        """
        from recursionlab.learn.training import train

        if self.path is None:
            raise InputError("resume: the run has no folder; train with output= to keep one")
        return train(
            self.model_config,
            split,
            valid=valid,
            resume=self.path,
            threads=threads,
            progress=progress,
        )

    def _longest_output(self, split: SplitLike) -> int:
        lengths = np.diff(split.label_offsets)
        wanted = 2 * int(lengths.max(initial=0)) + 8
        positions = _core.longest(self.model)[1]
        return min(wanted, positions - 1) if positions else wanted


def teacher_forced(model: _core.Model, split: SplitLike, threads: int) -> dict[str, float]:
    """Return loss, token accuracy and exact match of a model under teacher forcing."""
    sums = _core.teacher_forced(
        model, split.input_ids, split.input_offsets, split.labels, split.label_offsets, threads
    )
    return {
        "loss": sums["loss"] / sums["tokens"],
        "token_accuracy": sums["right"] / sums["tokens"],
        "exact_match": sums["exact"] / sums["pairs"],
    }


def load_run(path: str | Path) -> Run:
    """Load a run folder at its newest checkpoint, or one checkpoint's folder.

    Loading executes no code from the files.

    Parameters
    ----------
    path : str or Path
        A run folder, or one of its `checkpoints/step_N`.

    Returns
    -------
    Run
        Ready to predict.

    Raises
    ------
    FormatError
        If a file is missing, truncated, of another schema version, or not what it should be.
    """
    path = Path(path)
    if not path.is_dir():
        raise FormatError(f"{path}: expected the folder of a run or of a checkpoint, found none")
    if (path / checkpoint.MODEL).exists():
        loaded = checkpoint.load(path)
        return Run(loaded.model, loaded.model_config, None, loaded.vocabulary, loaded.step, [])
    settings = checkpoint.read_settings(path)
    newest = checkpoint.newest(path)
    if newest is None:
        raise FormatError(
            f"{path}: the run has no checkpoint yet; resume it, or train with save_every="
        )
    loaded = checkpoint.load(newest)
    return Run(
        model=loaded.model,
        model_config=loaded.model_config,
        config=settings.train,
        vocabulary=loaded.vocabulary,
        step=loaded.step,
        metrics=read_metrics(path / "metrics.jsonl"),
        path=path,
        finished=loaded.state["finished"],
    )
