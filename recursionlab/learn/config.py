"""How a model is trained: one frozen dataclass, every field with its unit and range."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from recursionlab.config import check_keys
from recursionlab.errors import ConfigError
from recursionlab.learn.hooks import plain_hooks

SCHEDULES = ("constant", "linear", "cosine", "inverse_sqrt")
SELECT = ("last", "best")
WORDS = ("init", "corrections", "curriculum")
CURRICULA = ("success", "increasing", "level")
PATTERNS = ("freeze", "lora_targets")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training run; with the data and the model they determine every bit of it.

    Raises
    ------
    ConfigError
        By `validate`, if a field has the wrong type or lies outside its range.

    Examples
    --------
    >>> TrainConfig(steps=1000, lr=3e-4).validate().schedule
    'cosine'
    """

    steps: int | None = None  # updates in the whole run; None: as many as `epochs` takes
    epochs: float = 10.0  # passes over the training split, where `steps` is None
    batch_size: int = 64  # pairs an update
    lr: float = 1e-3  # peak learning rate of AdamW
    warmup: int = 100  # first updates, over which the rate rises linearly
    schedule: str = "cosine"  # after the warm-up: constant, linear, cosine or inverse_sqrt
    lr_end: float = 0.0  # where the schedule ends, as a share of lr
    weight_decay: float = 0.01  # decoupled, on matrices only
    betas: tuple[float, float] = (0.9, 0.98)  # decay rates of AdamW's two moments
    eps: float = 1e-8  # added to the root of AdamW's second moment
    clip: float = 1.0  # largest norm of the whole gradient; 0: no clipping
    label_smoothing: float = 0.0  # share of a label given to all tokens alike
    seed: int = 0  # of initialisation, order of the data and dropout; 0 <= seed < 2^64
    shards: int = 4  # parts of a batch, each one thread's work; the results depend on it
    precision: str = "float32"  # of linear layers' products: float32 or bfloat16, sums are float32
    log_every: int = 20  # updates between two rows of metrics
    eval_every: int = 0  # updates between two evaluations on `valid`; 0: only at the end
    eval_items: int = 0  # first pairs of `valid` that are evaluated; 0: all
    save_every: int = 0  # updates between two checkpoints; 0: only at the end
    save_per_decade: int = 0  # checkpoints kept for good: 3 is at updates 1, 2, 5, 10, 22, 46, ...
    keep: int = 2  # newest checkpoints that are kept beside those and the best; 0: all
    select: str = "last"  # the run's model: that after the last update, or of the best evaluation
    patience: int = 0  # evaluations without a better exact match before stopping; 0: never stop
    stop_loss: float = 0.0  # a logged mean loss above it ends the run as diverged; 0: never
    init: str = ""  # folder of a run, checkpoint or Hugging Face model to go on from
    resize: bool = False  # with init: keep the rows of tokens that both vocabularies have
    freeze: tuple[str, ...] = ()  # patterns of parameters that keep their value; "!..." thaws
    lora_rank: int = 0  # above 0: learn updates of this rank, and freeze the rest ("*") by default
    lora_alpha: float = 16.0  # scale of the updates times their rank
    lora_targets: tuple[str, ...] = ("*q_proj.weight", "*v_proj.weight")  # patterns of matrices
    corrections: str = ""  # folder of a run: its wrong answers, to be corrected, are learned too
    curriculum: str = ""  # column of the split: its lowest values first, the next ones later
    curriculum_kind: str = "success"  # what opens a level: success, or steps (increasing: the
    # levels before it are still seen; level: it alone)
    curriculum_levels: tuple[int, ...] = ()  # largest value of each level, rising; what lies above
    # is one more; none: each value is a level
    curriculum_goal: float = 0.9  # exact match on what is seen of `valid` that is a success
    curriculum_steps: int = 0  # updates in each level, where steps open the next
    hooks: tuple[Any, ...] = ()  # interventions that stay on: tables of name, scale or replace,
    # heads, neurons, positions; or pairs (name, Scale or Replace)
    tensorboard: bool = False  # also write event files for TensorBoard

    def validate(self) -> TrainConfig:
        """Check every field and return the configuration itself.

        Returns
        -------
        TrainConfig
            `self`, so that calls can be chained.

        Raises
        ------
        ConfigError
            If a field has the wrong type or lies outside its range; the message names it.
        """
        if self.steps is not None:
            _whole("steps", self.steps, 1)
        _number("epochs", self.epochs, 0.0, math.inf, low_open=True)
        for name in ("batch_size", "shards", "log_every"):
            _whole(name, getattr(self, name), 1)
        for name in ("warmup", "eval_every", "eval_items", "save_every", "keep", "patience"):
            _whole(name, getattr(self, name), 0)
        _whole("save_per_decade", self.save_per_decade, 0, 100)
        _whole("lora_rank", self.lora_rank, 0, 2**16)
        _whole("seed", self.seed, 0, 2**64 - 1)
        _whole("shards", self.shards, 1, 1024)
        _number("lr", self.lr, 0.0, 1e3)
        _number("lr_end", self.lr_end, 0.0, 1.0)
        _number("weight_decay", self.weight_decay, 0.0, 1e3)
        _number("eps", self.eps, 1e-30, 1.0)
        _number("clip", self.clip, 0.0, 1e30)
        _number("label_smoothing", self.label_smoothing, 0.0, 1.0, high_open=True)
        if not isinstance(self.betas, (tuple, list)) or len(self.betas) != 2:
            raise ConfigError(f"betas: expected two numbers, got {self.betas!r}")
        for i, beta in enumerate(self.betas):
            _number(f"betas[{i}]", beta, 0.0, 1.0, high_open=True)
        _number("stop_loss", self.stop_loss, 0.0, 1e30)
        _number("lora_alpha", self.lora_alpha, 0.0, 1e6, low_open=True)
        _number("curriculum_goal", self.curriculum_goal, 0.0, 1.0)
        plain_hooks(self.hooks)
        self._check_words()
        if self.precision not in PRECISIONS:
            raise ConfigError(
                f"precision: expected one of {', '.join(PRECISIONS)}, got {self.precision!r}"
            )
        return self

    def _check_words(self) -> None:
        for name, known in (("schedule", SCHEDULES), ("select", SELECT)):
            if getattr(self, name) not in known:
                raise ConfigError(
                    f"{name}: expected one of {', '.join(known)}, got {getattr(self, name)!r}"
                )
        for name in WORDS:
            if not isinstance(getattr(self, name), str):
                raise ConfigError(f"{name}: expected text, got {getattr(self, name)!r}")
        for name in PATTERNS:
            value = getattr(self, name)
            if not isinstance(value, (tuple, list)) or not all(isinstance(p, str) for p in value):
                raise ConfigError(f"{name}: expected a list of patterns, got {value!r}")
        for name in ("resize", "tensorboard"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name}: expected true or false, got {getattr(self, name)!r}")
        if self.resize and not self.init:
            raise ConfigError("resize: expected only with init, which names what is resized")
        if self.curriculum and self.corrections:
            raise ConfigError("corrections: expected without curriculum: turns have no columns")
        self._check_curriculum()

    def _check_curriculum(self) -> None:
        kind, steps, levels = self.curriculum_kind, self.curriculum_steps, self.curriculum_levels
        if kind not in CURRICULA:
            raise ConfigError(
                f"curriculum_kind: expected one of {', '.join(CURRICULA)}, got {kind!r}"
            )
        if self.curriculum and kind == "success" and not self.eval_every:
            raise ConfigError("curriculum: expected eval_every too: a success is an evaluation")
        _whole("curriculum_steps", steps, 0)
        if (kind != "success") != bool(steps):
            raise ConfigError(
                "curriculum_steps: expected at least 1 exactly where steps open the next level,"
                f" got {steps} with curriculum_kind {kind!r}"
            )
        if not isinstance(levels, (tuple, list)):
            raise ConfigError(f"curriculum_levels: expected whole numbers, got {levels!r}")
        whole = all(isinstance(n, int) and not isinstance(n, bool) for n in levels)
        if not whole or any(b <= a for a, b in zip(levels, levels[1:], strict=False)):
            raise ConfigError(
                f"curriculum_levels: expected rising whole numbers, got {list(levels)}"
            )

    def total_steps(self, items: int) -> int:
        """Return the number of updates of a run over a split of `items` pairs.

        Parameters
        ----------
        items : int
            Pairs in the training split, at least 1.

        Returns
        -------
        int
            `steps`, or what `epochs` passes take, at least 1.

        Examples
        --------
        >>> TrainConfig(epochs=2, batch_size=64).total_steps(100)
        4
        """
        if self.steps is not None:
            return self.steps
        return max(1, math.ceil(self.epochs * math.ceil(items / self.batch_size)))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them.

        Examples
        --------
        >>> TrainConfig().to_dict()["betas"]
        [0.9, 0.98]
        """
        values = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainConfig:
        """Make a configuration from a dictionary; unknown keys are refused.

        Parameters
        ----------
        values : dict
            Any of the fields; the others keep their defaults.

        Returns
        -------
        TrainConfig
            Validated.

        Raises
        ------
        ConfigError
            If a key is unknown or a value is outside its range.

        Examples
        --------
        >>> TrainConfig.from_dict({"lr": 0.01}).lr
        0.01
        """
        check_keys(values, [field.name for field in dataclasses.fields(cls)], "train")
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        if "hooks" in values:
            values["hooks"] = plain_hooks(values["hooks"])
        return cls(**values).validate()


def _whole(name: str, value: object, low: int, high: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{name}: expected a whole number, got {value!r}")
    if value < low or (high is not None and value > high):
        top = "" if high is None else f" and at most {high}"
        raise ConfigError(f"{name}: expected at least {low}{top}, got {value}")


def _number(
    name: str,
    value: object,
    low: float,
    high: float,
    low_open: bool = False,
    high_open: bool = False,
) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(f"{name}: expected a number, got {value!r}")
    above = value > low if low_open else value >= low
    below = value < high if high_open or math.isinf(high) else value <= high
    if not (above and below):
        text = f"{'(' if low_open else '['}{low:g}, {high:g}{')' if high_open else ']'}"
        raise ConfigError(f"{name}: expected a number in {text}, got {value!r}")
