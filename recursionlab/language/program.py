"""Programs and functions as a user holds them: a file's declarations over the C core."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from recursionlab import display
from recursionlab.errors import BudgetError, InputError, RecursionLabError, TermError

from . import prelude
from . import syntax as ast
from .core import Apply, Global, Node
from .declare import File, elaborate_expression, with_limits
from .elaborate import Elaborator
from .emit import CodeTooLarge, emit, fill, type_code
from .function import Function
from .namespace import Declared, suggest
from .parser import parse
from .signature import Computation, Entity, ExampleCheck, Inductive
from .signature import Function as Declaration
from .source import BLANKS, Excerpt, Sentence, Source, Span
from .trace import Trace, Verdict
from .types import Type, is_closed, show

__all__ = ["Function", "Program", "library", "libraries", "load", "loads"]


def load(path: str | Path) -> Program:
    """Read and check a Gallina file.

    Parameters
    ----------
    path : str or Path
        A `.v` file, UTF-8.

    Returns
    -------
    Program

    Raises
    ------
    LanguageError
        If the file is refused; the message points at the place.
    InputError
        If there is no such file or it is not text.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 text (byte {error.start}); save the file as UTF-8"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    return loads(text, name=str(path))


def loads(text: str, name: str = "<string>") -> Program:
    r"""Read and check Gallina source text.

    Parameters
    ----------
    text : str
        The text of a `.v` file.
    name : str
        What messages call it.

    Returns
    -------
    Program

    Examples
    --------
    >>> program = loads("Fixpoint twice (n : nat) : nat :=\n"
    ...                 "  match n with O => O | S p => S (S (twice p)) end.")
    >>> program["twice"]
    <Function twice : nat -> nat>
    """
    source = Source(name, text)
    file = File(source, prelude.start(), prelude.core(), prelude.modules, prelude.load)
    return Program(file.run())


def libraries() -> list[str]:
    """Return the names of the library's files.

    Examples
    --------
    >>> "binary" in libraries()
    True
    """
    folder = files("recursionlab").joinpath("library")
    return sorted(f.name[:-2] for f in folder.iterdir() if f.name.endswith(".v"))


def library(name: str) -> Program:
    """Read a file of the library.

    Parameters
    ----------
    name : str
        Its name without `.v`, see `libraries`.

    Returns
    -------
    Program

    Raises
    ------
    InputError
        If the library has no such file.

    Examples
    --------
    >>> library("binary")["succ"]
    <Function succ : positive -> positive>
    """
    known = libraries()
    if name not in known:
        hint = suggest(name, known) or f"it has {', '.join(known)}"
        raise InputError(f"the library has no file {name!r}; {hint}")
    path = files("recursionlab").joinpath("library").joinpath(f"{name}.v")
    program = loads(path.read_text(encoding="utf-8"), name=f"{name}.v")
    program.name = name
    return program


def _new_core() -> Any:
    """Make an empty program of the C core."""
    from recursionlab import _core

    core: Any = _core
    return core.Program()


class Program:
    """A checked Gallina file.

    `program["f"]` is a function; iterating gives the functions the file declares.

    Attributes
    ----------
    name : str
        The library's name of it, or what messages call the file.
    source, text : str
        Its text.
    sha256 : str
        Hash of the text, in hexadecimal.
    core : recursionlab._core.Program
        The same program for the C core.
    """

    def __init__(self, file: File) -> None:
        self.name = file.source.name
        self.source = self.text = file.source.text
        self.sha256 = hashlib.sha256(self.source.encode()).hexdigest()
        self._file = file
        self._modules: list[Declared] = [*file.namespace.loaded, file.declared]
        self.core = _new_core()
        try:
            self._ids = fill(self.core, self._modules)
        except CodeTooLarge as error:
            assert error.function is not None
            excerpt, span = error.function.excerpt, error.function.span
            hint = "split it into several definitions"
            raise excerpt.error(error.message, span, hint) from None

    def __repr__(self) -> str:
        """Name the file and count what it declares."""
        declared = self._file.declared
        return (
            f"<Program {self.name}: {len(declared.types)} types, "
            f"{len(declared.functions)} functions, {len(self._file.examples)} examples>"
        )

    def _repr_html_(self) -> str:
        rows = [{"function": f.name, "type": f.type} for f in self]
        return f"<p>{html.escape(repr(self)[1:-1])}</p>{display.table(rows)}"

    def __getitem__(self, name: str) -> Function:
        """Return a function of the file or of what it imports."""
        entity = self._file.namespace.visible.get(name)
        if not isinstance(entity, Declaration):
            names = [
                n for n, e in self._file.namespace.visible.items() if isinstance(e, Declaration)
            ]
            hint = suggest(name, names)
            own = ", ".join(f.name for f in self._file.declared.functions)
            raise InputError(f"{self.name} has no function {name!r}; {hint or f'it has {own}'}")
        return Function(self, entity, {})

    def __contains__(self, name: object) -> bool:
        """Say whether there is a function of this name."""
        return isinstance(self._file.namespace.visible.get(str(name)), Declaration)

    def __iter__(self) -> Iterator[Function]:
        """Iterate over the functions that the file itself declares, in order."""
        return (Function(self, f, {}) for f in self._file.declared.functions)

    def __len__(self) -> int:
        """Count the functions that the file itself declares."""
        return len(self._file.declared.functions)

    def number(self, declaration: Declaration) -> int:
        """Return the number of a function in the C core."""
        return self._ids.functions[declaration]

    def constructors(self) -> dict[int, str]:
        """Return the names of constructors by their numbers in the C core (`Term.constructor`)."""
        return {number: c.name for c, number in self._ids.constructors.items()}

    def reachable(self, function: int) -> list[int]:
        """Return the numbers of the functions that a run of this one may name."""
        return self._ids.reachable(function)

    @property
    def functions(self) -> dict[str, Function]:
        """The functions that the file itself declares, by name."""
        return {f.name: f for f in self}

    @property
    def types(self) -> dict[str, Inductive]:
        """The inductive types in scope, by name."""
        return {t.name: t for module in self._modules for t in module.types}

    @property
    def visible(self) -> Mapping[str, Entity]:
        """What a term of the program may name: types, constructors and functions."""
        return self._file.namespace.visible

    @property
    def examples(self) -> list[ExampleCheck]:
        """The examples of the file (`Example`), in order."""
        return list(self._file.examples)

    @property
    def computations(self) -> list[Computation]:
        """The computations of the file (`Compute`), in order."""
        return list(self._file.computations)

    # -------------------------------------------------------------------------------- terms

    def expression(self, text: str, name: str = "<term>") -> Any:
        """Read a closed term that may call functions.

        Parameters
        ----------
        text : str
            A Gallina expression, such as `succ (xI xH)`.
        name : str
            What messages call it.

        Returns
        -------
        recursionlab._core.Term

        Raises
        ------
        LanguageError
            If it is not a closed, well-typed term.
        """
        return self.elaborate(text, name)[0]

    def trace(
        self,
        text: str,
        function: str | None = None,
        granularity: str = "contraction",
        strategy: str = "cbv",
        every: int = 1,
        steps: int = 0,
        nodes: int = 0,
    ) -> Trace:
        """Reduce a term step by step.

        Parameters
        ----------
        text : str
            A Gallina expression, such as `succ (xI xH)`.
        function : str, optional
            The function whose calls the granularity `call` follows; the term's head if not given.
        granularity, strategy, every, steps, nodes
            As for `Function.trace`.

        Returns
        -------
        Trace
        """
        node, _, excerpt = self._read(text, "<term>")
        number = self[function].id if function is not None else self._head(node)
        if number < 0 and granularity == "call":
            raise excerpt.error(
                "this term calls no function at its head, so there are no calls to follow",
                node.span,
                "write a call such as `f x`, or name the function",
            )
        return Trace(
            lambda: self.core.trace(
                self._term(node, excerpt),
                granularity=granularity,
                strategy=strategy,
                function=number,
                every=every,
                steps=steps,
                nodes=nodes,
            )
        )

    def check_trace(
        self,
        terms: Iterable[Any],
        function: str | None = None,
        granularity: str = "contraction",
        strategy: str = "cbv",
        every: int = 1,
        lookahead: int = 16,
        steps: int = 0,
        nodes: int = 0,
    ) -> list[Verdict]:
        """Judge a sequence of terms as a reduction, each term against the one before.

        Parameters
        ----------
        terms : iterable of str or Term
            Text is read as Gallina; where a function is named, `UNROLL` stands for it.
        function : str, optional
            The traced function, needed for the granularity `call`.
        granularity, strategy, every, steps, nodes
            As for `trace`.
        lookahead : int
            How many steps ahead a term is looked for.

        Returns
        -------
        list of Verdict
            One for each term but the first.

        Examples
        --------
        >>> program = library("binary")
        >>> terms = ["UNROLL (xI (xI xH))", "xO (UNROLL (xI xH))", "xO (xO (xO xH))", "xH"]
        >>> [v.verdict for v in program.check_trace(terms, "succ", granularity="call")]
        ['expected', 'skipped', 'wrong']
        """
        number = self[function].id if function is not None else -1

        def read(term: Any) -> Any:
            if not isinstance(term, str):
                return term
            if function is not None:
                term = re.sub(r"\bUNROLL_(?=\w)", "", term)
                term = re.sub(r"\bUNROLL\b", function, term)
            return self.expression(term)

        judged = self.core.check_trace(
            [read(t) for t in terms],
            granularity=granularity,
            strategy=strategy,
            function=number,
            every=every,
            lookahead=lookahead,
            steps=steps,
            nodes=nodes,
        )
        return [Verdict(*row) for row in judged]

    def _head(self, node: Node) -> int:
        while isinstance(node, Apply):
            node = node.function
        return self._ids.functions[node.function] if isinstance(node, Global) else -1

    def _read(self, text: str, name: str) -> tuple[Node, Type, Excerpt]:
        return elaborate_expression(
            text, name, self._file.namespace, prelude.core(), prelude.modules
        )

    def elaborate(self, text: str, name: str) -> tuple[Any, Type]:
        """Read a closed term and say its type."""
        node, kind, excerpt = self._read(text, name)
        return self._term(node, excerpt), kind

    def _term(self, node: Node, excerpt: Excerpt) -> Any:
        def build() -> Any:
            return self.core.term(emit(node, self._ids))

        try:
            return with_limits(excerpt, node.span, build)
        except CodeTooLarge as error:
            raise excerpt.error(error.message, node.span, "split it into several terms") from None

    def type_expression(self, text: str, name: str = "<type>") -> Type:
        """Read a closed type, such as `tree label`, in the front end's own form."""
        source = Source(name, text)
        clean = source.blank_comments()
        stripped = clean.strip(BLANKS)
        if not stripped:
            raise source.error("there is no type here", Span(0, 1), "write a type, such as `nat`")
        start = clean.index(stripped)
        sentence = Sentence("", Span(start, start + len(stripped)), True)
        expr: ast.Expr = parse(source, clean, sentence, "expression")
        excerpt = Excerpt(source, start)
        elaborator = Elaborator(excerpt, self._file.namespace, prelude.core(), "", prelude.modules)
        kind: Type = with_limits(excerpt, expr.span, lambda: elaborator.type_of(expr, {}))
        elaborator.finish()
        return kind

    def type(self, text: str) -> Any:
        """Read a closed type.

        Parameters
        ----------
        text : str
            Such as `positive` or `tree label`.

        Returns
        -------
        recursionlab._core.Type
        """
        return self.core_type([self.type_expression(text)])

    def core_type(self, kinds: list[Type]) -> Any:
        """Return the C core's form of a closed type, or of the product of several."""
        return self.core.type([type_code(k, self._ids, []) for k in kinds])

    def value(self, text: str, kind: Type) -> Any:
        """Read a value of a closed type by the C core, at any depth; None if it is not one."""
        if not is_closed(kind):
            return None
        try:
            return self.core_type([kind]).parse(text)
        except RecursionLabError:
            return None  # a term with calls, or a mistake that the front end explains better

    # ----------------------------------------------------------------------------- examples

    def check(self) -> int:
        """Run every `Example` and compare the two normal forms.

        Returns
        -------
        int
            How many there are.

        Raises
        ------
        LanguageError
            At the first one whose sides differ, the message shows both normal forms, or whose
            value holds a function.
        BudgetError
            If one needs too many steps or nodes.
        """
        for example in self._file.examples:
            left = self._value(example.left, example.excerpt)
            right = self._value(example.right, example.excerpt)
            if left != right:
                raise example.excerpt.error(
                    f"example `{example.name}` fails: the sides have different normal forms",
                    example.span,
                    f"left:  {_short(left)}\nright: {_short(right)}",
                )
        return len(self._file.examples)

    def compute(self) -> list[tuple[str, str]]:
        """Run every `Compute`.

        Returns
        -------
        list of (value, type), both as Gallina text

        Raises
        ------
        LanguageError
            If a value holds a function.
        BudgetError
            If one needs too many steps or nodes.
        """
        return [
            (str(self._value(c.term, c.excerpt)), show(c.type)) for c in self._file.computations
        ]

    def _value(self, node: Node, excerpt: Excerpt) -> Any:
        """Evaluate a term of the file; what goes wrong is told with its place."""
        try:
            return self.core.eval(self._term(node, excerpt))
        except TermError as error:
            hint = "expected a value; apply the function to all its arguments"
            raise excerpt.error(str(error), node.span, hint) from None
        except BudgetError as error:
            raise BudgetError(str(excerpt.error(str(error), node.span))) from None


def _short(value: Any, limit: int = 300) -> str:
    text = str(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
