"""Program and input to output: a function's text and the arguments in, its result out."""

from __future__ import annotations

import re
from typing import Any

from recursionlab.data.dataset import Packed
from recursionlab.data.ragged import join
from recursionlab.data.tasks import _several
from recursionlab.data.values import Items, Source, Values

NEEDS_TRACE, MANY = False, False
TARGET = "value"
COLUMNS: tuple[str, ...] = ("which",)
RUN = "<run>"
WORD = re.compile(r"\(\*.*?\*\)|[A-Za-z_][\w']*|\d+|=>|:=|->|::|\+\+|&&|\|\||\S", re.S)


def words(text: str) -> list[str]:
    """Return a program's text as words, without comments.

    Examples
    --------
    >>> words("match n with O => 1 (* one *) end")
    ['match', 'n', 'with', 'O', '=>', '1', 'end']
    """
    return [w for w in WORD.findall(text) if not w.startswith("(*")]


def program_words(function: Any) -> list[str]:
    """Return the sentences that define a function, and before them what it calls, as words.

    The function is written `f`, the others `f1`, `f2`, ...: a name must not give an answer away.

    Examples
    --------
    >>> import recursionlab as rlab
    >>> program_words(rlab.library("binary")["pred"])[:6]
    ['Fixpoint', 'f1', '(', 'p', ':', 'positive']
    """
    needed = {function.id, *function.calls}
    own = [f for f in function.program if f.id in needed]
    helpers = [f.name for f in own if f.name != function.name]
    names = {function.name: "f", **{name: f"f{i + 1}" for i, name in enumerate(helpers)}}
    sentences = dict.fromkeys(_sentence(f.declaration.excerpt) for f in own)
    return [names.get(word, word) for s in sentences for word in words(s)]


def _sentence(excerpt: Any) -> str:
    """Return the sentence of the file that an excerpt stands for, with its dot."""
    clean, sentences = excerpt.source.sentences()
    start, end = next(s.span for s in sentences if s.span.end > excerpt.start)
    return f"{clean[start:end].strip()}."


def tokens(source: Source) -> tuple[str, ...]:
    """Return the words of all the functions."""
    found = [word for f in source.functions for word in program_words(f)]
    return (RUN, *dict.fromkeys(found))


def build(values: Values, source: Source) -> Items:
    """Return one item a value, with a function drawn for it: the column `which`."""
    which = _several.choose(values, source)
    texts = Packed.of([[source.token(w) for w in program_words(f)] for f in source.functions])
    size, rank = values.columns["size"], values.columns["rank"]
    inputs, answers, columns = source.apply(which, size, rank)
    shown = join([texts.take(which), source.token(RUN), inputs])
    return Items(shown, answers, None, columns)
