"""Which token may come next: the encodings of a type's values as a grammar for decoding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError
from recursionlab.language.function import Function
from recursionlab.language.types import Con, Type, resolve, show, substitute

SYMBOLS_MAX = 10_000


@dataclass(frozen=True)
class Grammar:
    """A grammar whose every right side is a token, then symbols; words of the first symbol.

    Attributes
    ----------
    rules : mapping of str to mapping of str to sequence of str
        Symbol to token to the symbols that follow the token.

    Examples
    --------
    >>> Grammar({"nat": {"S": ["nat"], "O": []}}).arrays(["<pad>", "<bos>", "<eos>", "O", "S"])[1]
    array([4, 3], dtype=int32)
    """

    rules: Mapping[str, Mapping[str, Sequence[str]]]

    @classmethod
    def of_values(
        cls,
        function: Function,
        *,
        encoding: str = "prefix",
        renames: Mapping[str, str] | None = None,
    ) -> Grammar:
        """Return the grammar of the encoded results of a function.

        Parameters
        ----------
        function : Function
            Of closed types: `program["f"].at(A="label")`.
        encoding : str
            Of the outputs, `prefix` or `paren`, in natural order.
        renames : mapping of str to str, optional
            Constructor to token, as in the data set's configuration.

        Returns
        -------
        Grammar
            For `Run.predict(grammar=...)`.

        Raises
        ------
        InputError
            If the encoding has no such grammar, or the type is not closed and first-order.

        Examples
        --------
        >>> import recursionlab
        >>> Grammar.of_values(recursionlab.library("binary")["succ"]).rules
        {'positive': {'xI': ['positive'], 'xO': ['positive'], 'xH': []}}
        """
        if encoding not in ("prefix", "paren"):
            raise InputError(
                f"encoding: expected prefix or paren for a grammar of values, got {encoding!r}"
            )
        if function.type_parameters:
            raise InputError(
                f"{function.name} is polymorphic; choose its types first, with .at(...)"
            )
        rules: dict[str, dict[str, list[str]]] = {}
        waiting = [function.signature()[1]]
        while waiting:
            kind = resolve(waiting.pop(0))
            name = show(kind)
            if name in rules:
                continue
            if len(rules) > SYMBOLS_MAX:
                raise InputError(f"{function.name}: its result has too many types to list")
            rows = _constructors(kind)
            waiting += [argument for _, arguments in rows for argument in arguments]
            tokens = {c: (renames or {}).get(c, c) for c, _ in rows}
            follows = {tokens[c]: [show(resolve(a)) for a in arguments] for c, arguments in rows}
            if encoding == "prefix":
                rules[name] = follows
                continue
            # A constructor with arguments stands in parentheses.
            rules[name] = {t: [] for t, arguments in follows.items() if not arguments}
            inner = {t: [*arguments, ")"] for t, arguments in follows.items() if arguments}
            if inner:
                rules[name]["("] = [f"({name}"]
                rules[f"({name}"] = inner
                rules[")"] = {")": []}
        return cls(rules)

    def arrays(self, vocabulary: Sequence[str]) -> tuple[NDArray[np.int32], ...]:
        """Return the tables that the C core reads: rules, tokens, tails, symbols.

        Parameters
        ----------
        vocabulary : sequence of str
            The name of each token, by id.

        Raises
        ------
        InputError
            If a token is not in the vocabulary, or a symbol has no rules.
        """
        ids = {token: i for i, token in enumerate(vocabulary)}
        numbers = {symbol: i for i, symbol in enumerate(self.rules)}
        rule, tokens, tail, symbols = [0], [], [0], []
        for symbol, row in self.rules.items():
            for token, follows in row.items():
                if token not in ids:
                    raise InputError(
                        f"grammar: token {token!r} of {symbol} is not in the model's vocabulary; "
                        "pass the renames of the data"
                    )
                missing = next((s for s in follows if s not in numbers), None)
                if missing is not None:
                    raise InputError(f"grammar: {symbol} names {missing}, which has no rules")
                tokens.append(ids[token])
                symbols += [numbers[s] for s in follows]
                tail.append(len(symbols))
            rule.append(len(tokens))
        return tuple(np.array(column, np.int32) for column in (rule, tokens, tail, symbols))


def _constructors(kind: Type) -> list[tuple[str, list[Type]]]:
    if not isinstance(kind, Con):
        raise InputError(f"grammar: expected a closed type of values, got {show(kind)}")
    mapping = dict(zip(kind.inductive.parameters, kind.arguments, strict=True))
    return [
        (constructor.name, [substitute(t, mapping) for t in constructor.types])
        for constructor in kind.inductive.constructors
    ]
