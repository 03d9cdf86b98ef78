"""A trained model: where its files are, what it predicts, how it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recursionlab import _core, display
from recursionlab.errors import FormatError, InputError, InputTypeError
from recursionlab.learn import checkpoint
from recursionlab.learn.config import TrainConfig
from recursionlab.learn.hooks import Taps, check_fired, longest_rows, plain_hooks, standing_taps
from recursionlab.learn.metrics import read_metrics
from recursionlab.learn.predictions import Predictions, joined, search_options
from recursionlab.learn.progress import progress_bar
from recursionlab.learn.split import SplitLike, check_split, check_vocabulary
from recursionlab.machine import default_threads

if TYPE_CHECKING:
    from recursionlab.data.grammar import Grammar
    from recursionlab.models import ModelConfig

SHAPE = ("kind", "d_model", "encoder_layers", "decoder_layers", "positions")  # shown in a notebook
CHUNK = 1024  # items between two movements of the progress bar


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
        Whether the run reached its end (all its steps, its patience, or too large a loss).
    status : str
        "running" (stopped on the way), "finished", "stopped early" or "diverged".
    flops : float
        Floating-point operations of all updates, forward and backward.
    """

    model: _core.Model
    model_config: ModelConfig
    config: TrainConfig | None
    vocabulary: tuple[str, ...]
    step: int
    metrics: list[dict[str, Any]]
    path: Path | None = None
    finished: bool = True
    status: str = "finished"
    flops: float = 0.0

    def __repr__(self) -> str:
        """Say what was trained, how far, and how good it last was on the validation split."""
        exact = [row["valid_exact_match"] for row in self.metrics if "valid_exact_match" in row]
        valid = f", {exact[-1]:.1%} exact on valid" if exact else ""
        state = self.status if self.finished else "not finished"
        where = f" in {self.path}" if self.path else ""
        return f"<Run of {self.model_config.kind}: step {self.step}, {state}{valid}{where}>"

    def _repr_html_(self) -> str:
        shape = self.model_config.to_dict()
        about = {
            "model": ", ".join(f"{k} {shape[k]}" for k in SHAPE if k in shape),
            "parameters": f"{self.model.n_params:,}",
            "updates": f"{self.step:,} ({self.status})",
            "folder": self.path and str(self.path),
        }
        names = {"loss": "loss", "valid_loss": "validation", "valid_exact_match": "exact match"}
        series = {
            told: [(r["step"], r[key]) for r in self.metrics if key in r]
            for key, told in names.items()
        }
        exact = {"exact match": series.pop("exact match")}
        drawn = display.curves(series, log=True), display.curves(exact)
        return display.facts("Run", about) + "".join(f"<div>{curve}</div>" for curve in drawn)

    def predict(
        self,
        split: SplitLike,
        *,
        batch_size: int = 64,
        threads: int | None = None,
        max_length: int | None = None,
        num_beams: int = 1,
        num_return_sequences: int = 1,
        length_penalty: float = 1.0,
        early_stopping: bool | str = False,
        do_sample: bool = False,
        without_replacement: bool = False,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        seed: int = 0,
        alternatives: int = 0,
        grammar: Grammar | None = None,
        hooks: Sequence[Any] | None = None,
        progress: bool = True,
    ) -> Predictions:
        """Decode the inputs of a split: greedy, or as the options ask, by Hugging Face's names.

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
        num_beams : int
            Above 1: beam search, by the rules of Hugging Face `generate`.
        num_return_sequences : int
            Outputs of an item, all in `Predictions.outputs`; beams: at most `num_beams`.
        length_penalty : float
            Beams are ordered by score / length ^ length_penalty.
        early_stopping : bool or "never"
            Beams: stop as soon as `num_beams` have ended (True), when better is unlikely (False) or
            when better is impossible ("never").
        do_sample : bool
            Draw the tokens. Item i's draws are a function of `seed` and i alone.
        without_replacement : bool
            With `do_sample`: the outputs of an item are different ones, drawn by stochastic beam
            search, `num_beams` wide if that is more than `num_return_sequences`.
        temperature, top_k, top_p, min_p : float, int, float, float
            Of the distribution drawn from, applied in this order; 1, 0, 1 and 0 leave it alone.
        seed : int
            Of the draws.
        alternatives : int
            So many of the likeliest tokens are told of every step, in `Predictions.outputs`.
        grammar : Grammar, optional
            Only outputs of this grammar are said: see `Grammar.of_values`.
        hooks : sequence of (name, Scale or Replace), optional
            Interventions at every step, at places of the source and of what the decoder reads
            (<bos> is place 0). Default: those that the run was trained with; () is none.
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
            If an input is longer than the model's positions, or `max_length` is, or an option is
            out of range or has no meaning beside the others; if a hook has an unknown name or did
            not act.
        """
        method, options = search_options(
            num_beams=num_beams,
            num_return_sequences=num_return_sequences,
            do_sample=do_sample,
            without_replacement=without_replacement,
            early_stopping=early_stopping,
            length_penalty=length_penalty,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            seed=seed,
            alternatives=alternatives,
        )
        if not (grammar is None or hasattr(grammar, "arrays")):
            raise InputTypeError(f"grammar: expected a Grammar, got {type(grammar).__name__}")
        tables = None if grammar is None else grammar.arrays(self.vocabulary)
        check_split(split, "split")
        check_vocabulary(split, self.vocabulary, "split")
        if max_length is None:
            max_length = self._longest_output(split)
        ids, offsets = split.input_ids, split.input_offsets
        count = len(offsets) - 1
        taps = self._taps(hooks, longest_rows(self.model, split, max_length))
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
                        first_item=first,
                        grammar=tables,
                        taps=taps,
                        **options,
                    )
                )
                bar.update(last - first)
        if hooks is not None:
            check_fired(taps, [part[-1] for part in parts])
        return joined([part[:-1] for part in parts], num_return_sequences, alternatives)

    def _taps(self, hooks: Sequence[Any] | None, longest: dict[str, int], free: bool = True) -> Any:
        """Return the taps that were asked for, or, where they meet anything, the training's."""
        if hooks is not None:
            return standing_taps(self.model, plain_hooks(hooks), longest, free=free)
        own = () if self.config is None else self.config.hooks
        return standing_taps(self.model, plain_hooks(own), free=free)

    def teacher_forced(
        self,
        split: SplitLike,
        *,
        hooks: Sequence[Any] | None = None,
        threads: int | None = None,
    ) -> dict[str, float]:
        """Score a split with the right target so far given at every token.

        Parameters
        ----------
        split : split of a data set
            Pairs to score.
        hooks : see `predict`
            Interventions.
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
        taps = self._taps(hooks, longest_rows(self.model, split), free=False)
        return teacher_forced(self.model, split, threads or default_threads(), taps)

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
        if self.model.config["architecture"] == "decoder_only":
            positions -= int(np.diff(split.input_offsets).max(initial=0)) if positions else 0
            if positions == 1 or positions < 0:
                return 1  # decoding says what is too long
        return min(wanted, positions - 1) if positions else wanted


def teacher_forced(
    model: _core.Model, split: SplitLike, threads: int, taps: Taps = ()
) -> dict[str, float]:
    """Return loss, token accuracy and exact match of a model under teacher forcing."""
    sums = _core.teacher_forced(
        model,
        split.input_ids,
        split.input_offsets,
        split.labels,
        split.label_offsets,
        threads,
        list(taps),
    )
    return {
        "loss": sums["loss"] / sums["tokens"],
        "token_accuracy": sums["right"] / sums["tokens"],
        "exact_match": sums["exact"] / sums["pairs"],
    }


def load_run(path: str | Path) -> Run:
    """Load a run folder at its newest checkpoint, or one checkpoint's folder.

    A finished run that was trained with `select="best"` is loaded at its best evaluation.
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
    loaded = checkpoint.load(checkpoint.chosen(path))
    last = checkpoint.newest(path)
    assert last is not None
    state = checkpoint.read_state(last)
    return Run(
        model=loaded.model,
        model_config=loaded.model_config,
        config=settings.train,
        vocabulary=loaded.vocabulary,
        step=loaded.step,
        metrics=read_metrics(path / "metrics.jsonl"),
        path=path,
        finished=state["finished"],
        status=state["status"],
        flops=state["flops"] + state["sums"]["flops"],
    )
