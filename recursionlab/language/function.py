"""A function of a program, perhaps at chosen types: what a user calls, traces and encodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recursionlab import display
from recursionlab.errors import InputError

from .sampling import Law, Sample, Shares, sample
from .signature import Function as Declaration
from .source import Source, Span
from .trace import Trace
from .types import Con, Meta, Rigid, Type, Unifier, resolve, show, substitute

if TYPE_CHECKING:
    from .program import Program

__all__ = ["Function"]


@dataclass(frozen=True, repr=False)
class Function:
    """A function of a program, perhaps at chosen types.

    Attributes
    ----------
    program : Program
        Where it is declared.
    declaration : Declaration
        What the front end knows of it.
    type_arguments : dict of str to Type
        The type parameters chosen by `at`.
    """

    program: Program
    declaration: Declaration
    type_arguments: dict[str, Type]

    def __repr__(self) -> str:
        """Name and type, as Coq's `Check` would say it."""
        return f"<Function {self.name} : {self.type}>"

    def _repr_html_(self) -> str:
        return display.code(f"{self.name} : {self.type}") + display.code(self.source)

    @property
    def source(self) -> str:
        """Its declaration as it stands in its file, with whatever else that command declares."""
        excerpt = self.declaration.excerpt
        _, sentences = excerpt.source.sentences()
        span = next(s.span for s in sentences if s.span.start <= excerpt.start <= s.span.end)
        return f"{excerpt.source.text[span.start : span.end]}."

    @property
    def name(self) -> str:
        """Name in the program."""
        return self.declaration.name

    @property
    def type_parameters(self) -> list[str]:
        """Type parameters not yet chosen."""
        names = [t.rigid.name for t in self.declaration.type_parameters]
        return [n for n in names if n not in self.type_arguments]

    def signature(self) -> tuple[list[Type], Type]:
        """Return argument types and result, with the chosen types put in."""
        mapping = {
            t.rigid: self.type_arguments[t.rigid.name]
            for t in self.declaration.type_parameters
            if t.rigid.name in self.type_arguments
        }
        arguments, result = self.declaration.signature()
        return [substitute(a, mapping) for a in arguments], substitute(result, mapping)

    @property
    def type(self) -> str:
        """The type as Gallina text."""
        arguments, result = self.signature()
        return " -> ".join([*(show(a, 1) for a in arguments), show(result, 1)])

    @property
    def arity(self) -> int:
        """How many arguments it takes."""
        return len(self.signature()[0])

    @property
    def struct_arg(self) -> int | None:
        """Index of the decreasing argument, None for a Definition."""
        return self.declaration.struct if self.declaration.struct >= 0 else None

    @property
    def group(self) -> list[str]:
        """Names of the functions of its Fixpoint, itself included; empty for a Definition."""
        return [f.name for f in self.declaration.mutual]

    @property
    def at_types(self) -> dict[str, str]:
        """The type parameters chosen by `at`, as Gallina text."""
        return {name: show(kind) for name, kind in self.type_arguments.items()}

    @property
    def calls(self) -> list[int]:
        """Numbers in the C core of the functions that a run of this one may name."""
        return self.program.reachable(self.id)

    @property
    def id(self) -> int:
        """Number of the function in the C core."""
        return self.program.number(self.declaration)

    def at(self, **type_arguments: str) -> Function:
        """Choose type parameters.

        Parameters
        ----------
        **type_arguments : str
            A closed type for each parameter, as in `at(A="label")`.

        Returns
        -------
        Function
        """
        chosen = dict(self.type_arguments)
        for name, text in type_arguments.items():
            if name not in self.type_parameters:
                known = ", ".join(self.type_parameters) or "none"
                raise InputError(
                    f"{self.name} has no type parameter {name!r} to choose; it has {known}"
                )
            chosen[name] = self.program.type_expression(text, name)
        return Function(self.program, self.declaration, chosen)

    def _closed(self) -> tuple[list[Type], Type]:
        if self.type_parameters:
            names = ", ".join(f'{n}="..."' for n in self.type_parameters)
            raise InputError(
                f"{self.name} is polymorphic; choose its types first, as in "
                f'program["{self.name}"].at({names})'
            )
        return self.signature()

    @property
    def domain(self) -> Any:
        """The type of the arguments (`recursionlab._core.Type`); several make a product."""
        arguments = self._closed()[0]
        if not arguments:
            raise InputError(f"{self.name} takes no arguments, so it has no domain")
        return self.program.core_type(arguments)

    @property
    def codomain(self) -> Any:
        """The type of the result (`recursionlab._core.Type`)."""
        return self.program.core_type([self._closed()[1]])

    def codec(
        self,
        encoding: str = "prefix",
        order: str = "natural",
        renames: dict[str, str] | None = None,
        output_encoding: str | None = None,
        output_order: str | None = None,
    ) -> Any:
        """Return what turns arguments, results and traces into tokens and back.

        Parameters
        ----------
        encoding : str
            `prefix`, `paren` or `flat`.
        order : str
            `natural` or `reversed`.
        renames : dict of str to str, optional
            Constructor to token.
        output_encoding, output_order : str, optional
            For the result and for traces, where they differ.

        Returns
        -------
        recursionlab._core.Codec
        """
        from recursionlab import _core

        core: Any = _core
        return core.Codec(
            self.domain,
            self.codomain,
            encoding=encoding,
            order=order,
            renames=dict(renames or {}),
            output_encoding=output_encoding,
            output_order=output_order,
            functions=self.calls,
            traced=self.id,
        )

    @property
    def measures(self) -> list[Function]:
        """Functions of the same file from the same arguments to `nat` or `bool`."""
        own, _ = self.signature()
        found = []
        for other in self.program:
            if other.declaration is self.declaration:
                continue
            mapping = _match_types(other.declaration, own)
            if mapping is not None:
                found.append(Function(self.program, other.declaration, mapping))
        return found

    def sample(
        self,
        n: int,
        size: Law | None = None,
        *,
        seed: int,
        depth: Law | None = None,
        by: str | Function | None = None,
        shares: Shares = "balanced",
        replace: bool = True,
        nat: int | None = None,
        tries: int = 0,
    ) -> Sample:
        """Draw arguments: uniform at each size, and by the strata of a measure where one is named.

        Parameters
        ----------
        n : int
            How many.
        size, depth : int, sequence of int, or dict of int to float
            One of the two: a size, several with equal weight, or a weight each.
        seed : int
            Candidate i is a function of the seed and i alone.
        by : str or Function, optional
            A measure, see `measures`; its strata are filled from the candidates in order.
        shares : dict of int to float, or `"balanced"`
            The share of each result of the measure; balanced: equal shares for the results among
            the first 4,096 candidates.
        replace : bool
            Whether a value may come twice.
        nat : int, optional
            Every nat in a value is below this bound.
        tries : int
            Candidates to look at for strata; 0 means 100 an item and at least 100,000.

        Returns
        -------
        Sample
            Levels and ranks, `values()`, and `strata`: asked against reached. Where a stratum is
            rarer than the candidates allow, fewer come than were asked for.

        Raises
        ------
        CountError
            If a size or a stratum has no value.

        Examples
        --------
        >>> import recursionlab as rlab
        >>> succ = rlab.library("binary")["succ"]
        >>> drawn = succ.sample(100, size=[8, 9], by="carry", shares={0: 1, 5: 3}, seed=0)
        >>> print(*drawn.strata, sep="; ")
        carry = 0: asked 25, reached 25; carry = 5: asked 75, reached 75
        """
        return sample(
            self,
            n,
            size,
            depth,
            seed=seed,
            by=by,
            shares=shares,
            replace=replace,
            nat=nat,
            tries=tries,
        )

    def __call__(self, *arguments: Any, steps: int = 0, nodes: int = 0) -> Any:
        """Apply the function and evaluate.

        Parameters
        ----------
        *arguments : str or Term
            As many as `arity`; text is read as Gallina.
        steps, nodes : int
            Budgets; 0 means the default.

        Returns
        -------
        recursionlab._core.Term
            The normal form; `str` of it is Gallina.
        """
        return self.program.core.eval(self.apply(*arguments), steps=steps, nodes=nodes)

    def apply(self, *arguments: Any) -> Any:
        """Return the term that applies the function, not evaluated."""
        if len(arguments) != self.arity:
            raise InputError(
                f"{self.name} takes {self.arity} argument{'s' if self.arity != 1 else ''} "
                f"({self.type}), got {len(arguments)}"
            )
        kinds = self.signature()[0]
        terms = [
            self._argument(argument, kind, number)
            for number, (argument, kind) in enumerate(zip(arguments, kinds, strict=True))
        ]
        return self.program.core.apply(self.id, *terms)

    def _argument(self, argument: Any, kind: Type, number: int) -> Any:
        if not isinstance(argument, str):
            return argument
        name = f"<argument {number + 1} of {self.name}>"
        value = self.program.value(argument, kind)
        if value is not None:
            return value
        term, found = self.program.elaborate(argument, name)
        if not Unifier().unify(_open(kind, self.declaration), found):
            source = Source(name, argument)
            raise source.error(
                f"this has type `{show(found)}`",
                Span(0, len(argument)),
                f"expected type `{show(kind)}`",
            )
        return term

    def trace(
        self,
        *arguments: Any,
        granularity: str = "contraction",
        strategy: str = "cbv",
        every: int = 1,
        steps: int = 0,
        nodes: int = 0,
    ) -> Trace:
        """Reduce an application step by step.

        Parameters
        ----------
        *arguments : str or Term
            As for a call.
        granularity : str
            `contraction`, `equation` or `call`.
        strategy : str
            `cbv` (leftmost-innermost), `cbn` (leftmost-outermost) or `parallel` (all innermost
            redexes at once); REDUCTION.md beside this file defines them.
        every : int
            Keep every n-th step, and the last.
        steps, nodes : int
            Budgets; 0 means the default.

        Returns
        -------
        Trace
            An iterator over steps; printed, a step is the term it leads to.
        """
        return Trace(
            lambda: self.program.core.trace(
                self.apply(*arguments),
                granularity=granularity,
                strategy=strategy,
                function=self.id,
                every=every,
                steps=steps,
                nodes=nodes,
            )
        )


def _open(kind: Type, declaration: Declaration) -> Type:
    """Replace type parameters that are left by unknowns."""
    metas: dict[Rigid, Type] = {t.rigid: Meta(Span(0, 0), "") for t in declaration.type_parameters}
    return substitute(kind, metas)


def _match_types(declaration: Declaration, kinds: list[Type]) -> dict[str, Type] | None:
    """Choose the type parameters so that the arguments have these types and the result counts."""
    arguments, result = declaration.signature()
    result = resolve(result)
    counts = isinstance(result, Con) and result.inductive.name in ("nat", "bool")
    if not counts or len(arguments) != len(kinds):
        return None
    metas: dict[Rigid, Type] = {t.rigid: Meta(Span(0, 0), "") for t in declaration.type_parameters}
    unifier = Unifier()
    for argument, kind in zip(arguments, kinds, strict=True):
        if not unifier.unify(substitute(argument, metas), kind):
            return None
    return {rigid.name: resolve(meta) for rigid, meta in metas.items()}
