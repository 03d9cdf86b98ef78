"""What every kind of model's configuration can do, and finding a kind by name."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any, ClassVar

from recursionlab import _core
from recursionlab.errors import ConfigError, InputError

_KINDS: dict[str, type[ModelConfig]] = {}


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """Base of the configurations of models; a subclass is one kind, its fields the options.

    Fields that are None are left to the C core's default.
    """

    kind: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        """Register the kind under its name."""
        _KINDS[cls.kind] = cls

    def _options(self) -> dict[str, Any]:
        values = dataclasses.asdict(self)
        return {name: value for name, value in values.items() if value is not None}

    def validate(self) -> None:
        """Check every field, and what they mean together.

        Raises
        ------
        ConfigError
            If a value is of the wrong type or outside its range.
        """
        try:
            _core.model_check(self.kind, {**self._options(), "vocab_size": 1})
        except (InputError, TypeError) as error:
            raise ConfigError(str(error)) from error

    def build(self, vocab_size: int, *, seed: int = 0) -> _core.Model:
        """Make the model, with its first weights.

        Parameters
        ----------
        vocab_size : int
            Number of tokens, V.
        seed : int
            Of the first weights.

        Returns
        -------
        _core.Model
            The graph and its weights.

        Raises
        ------
        ConfigError
            If a field or `vocab_size` is outside its range.
        """
        self.validate()
        try:
            return _core.Model(self.kind, {**self._options(), "vocab_size": vocab_size}, seed)
        except InputError as error:
            raise ConfigError(str(error)) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the fields and `kind`, as `from_dict` takes them."""
        return {"kind": self.kind, **dataclasses.asdict(self)}


def kinds() -> dict[str, str]:
    """Return the kinds of models: name to what it is.

    Examples
    --------
    >>> "transformer" in kinds()
    True
    """
    return {name: (cls.__doc__ or "").split("\n", 1)[0] for name, cls in sorted(_KINDS.items())}


def from_dict(values: Mapping[str, Any]) -> ModelConfig:
    """Make a configuration from a mapping, such as a file's table.

    Parameters
    ----------
    values : mapping
        Fields by name, and `kind` (default "transformer"). Fields left out keep their default.

    Returns
    -------
    ModelConfig
        Checked by `validate`.

    Raises
    ------
    ConfigError
        If a key is unknown, or a value outside its range.

    Examples
    --------
    >>> from_dict({"d_model": 64}).to_dict()["d_model"]
    64
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"model: expected a table, got {type(values).__name__}")
    rest = dict(values)
    kind = rest.pop("kind", "transformer")
    if kind not in _KINDS:
        raise ConfigError(f"model kind: expected one of {', '.join(sorted(_KINDS))}, got {kind!r}")
    cls = _KINDS[kind]
    known = [field.name for field in dataclasses.fields(cls)]
    for key in rest:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
            raise ConfigError(f"model: unknown key {key!r}{hint}")
    config = cls(**rest)
    config.validate()
    return config
