"""Commands: what a file declares, one command after the other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import syntax as ast
from .core import Fix, Global, Lam, Local, Node
from .elaborate import Elaborator, Env, struct_index
from .guard import GuardError, guard_fix, guard_group
from .imports import require, run_import, run_open_scope
from .namespace import Declared, Namespace, suggest
from .parameters import inductive_parameters, is_type_parameter, read_synonym, type_parameters
from .parser import STARTS, parse
from .positivity import regular, violation
from .signature import (
    Alias,
    Computation,
    Constructor,
    Entity,
    ExampleCheck,
    Function,
    Inductive,
    Proof,
    TypeParameter,
)
from .source import BLANKS, Excerpt, Sentence, Source, Span
from .types import Arrow, Con, Rigid, Type, TypeTooLarge, arrows, resolve, show, uncurry
from .words import REFUSED_COMMANDS

__all__ = ["File", "elaborate_expression"]

_NOTATIONS = {"nat": "nat", "list": "list", "prod": "prod"}
_PROOF_STEPS = ("simpl", "cbn", "compute", "vm_compute", "cbv")
_PROOF_ENDS = ("reflexivity", "now simpl", "simpl; reflexivity", "easy", "trivial")


@dataclass
class File:
    """The state of elaborating one file.

    Parameters
    ----------
    source : Source
        The text.
    namespace : Namespace
        What is visible before the first command; the prelude's `Init` for a user's file.
    core : dict
        The prelude's entities by name, for notations.
    files : callable
        Gives all prelude files, to tell which one has an unknown name.
    load : callable
        Gives a prelude file by its name.
    prelude : bool
        Whether this file is part of the prelude, which may use modules and aliases.
    """

    source: Source
    namespace: Namespace
    core: dict[str, Any]
    files: Callable[[], list[Declared]]
    load: Callable[[str], Declared]
    prelude: bool = False
    declared: Declared = field(init=False)
    examples: list[ExampleCheck] = field(default_factory=list)
    computations: list[Computation] = field(default_factory=list)
    prefix: str = ""

    def __post_init__(self) -> None:
        """Start with nothing declared."""
        self.declared = Declared(self.source.name)

    def run(self) -> File:
        """Elaborate every command.

        Raises
        ------
        LanguageError
            At the first command that is refused.
        """
        clean, sentences = self.source.sentences()
        rest = list(reversed(sentences))
        while rest:
            self._sentence(clean, rest.pop(), rest)
        return self

    # ----------------------------------------------------------------------------- sentences

    def _sentence(self, clean: str, sentence: Sentence, rest: list[Sentence]) -> None:
        excerpt = Excerpt(self.source, sentence.span.start)
        word = sentence.word
        if self.prelude and word in ("Module", "End"):
            name = clean[sentence.span.start : sentence.span.end].split()[1]
            self.prefix = name + "." if word == "Module" else ""
            return
        self._check_word(excerpt, sentence, clean)
        if not sentence.dotted:
            last = sentence.span.end
            raise self.source.error(
                "the last command has no final dot", Span(last, last + 1), "write `.` here"
            )
        command = parse(self.source, clean, sentence, STARTS[word])
        elaborator = Elaborator(excerpt, self.namespace, self.core, self.prefix, self.files)
        with_limits(excerpt, _head_span(command), lambda: self._command(command, elaborator))
        if isinstance(command, ast.Example):
            self._proof(clean, rest, command, excerpt)

    def _check_word(self, excerpt: Excerpt, sentence: Sentence, clean: str) -> None:
        word, end = sentence.word, max(1, len(sentence.word))
        if word in STARTS and not (word == "Notation" and not self.prelude):
            return
        if word in REFUSED_COMMANDS:
            message, hint = REFUSED_COMMANDS[word]
            raise excerpt.error(message, Span(0, end), hint)
        if word:
            hint = suggest(word, list(STARTS)) or (
                "expected Inductive, Fixpoint, Definition, Example, Compute, Arguments, "
                "Require, Import or Open Scope"
            )
            raise excerpt.error(f"unknown command `{word}`", Span(0, end), hint)
        found = clean[sentence.span.start : sentence.span.start + 1]
        if found == "#":
            raise excerpt.error("attributes are not in the subset", Span(0, 1), "remove `#[...]`")
        raise excerpt.error(
            f"a command cannot start with `{found}`",
            Span(0, 1),
            "expected Inductive, Fixpoint, Definition, Example, Compute, Arguments, "
            "Require, Import or Open Scope",
        )

    def _proof(
        self, clean: str, rest: list[Sentence], example: ast.Example, excerpt: Excerpt
    ) -> None:
        """`Proof. reflexivity. Qed.` after an Example."""
        place = Span(0, 7)
        hint = "write `Proof. reflexivity. Qed.` after it"
        words: list[str] = []
        while rest:
            sentence = rest.pop()
            text = re.sub(r"[ \t\r\n]+", " ", clean[sentence.span.start : sentence.span.end])
            inner = Excerpt(self.source, sentence.span.start)
            if not sentence.dotted:
                raise inner.error("a dot is missing here", Span(len(text), len(text) + 1), hint)
            done = any(word in _PROOF_ENDS for word in words)
            words.append(text)
            if text == "Qed":
                if done:
                    return
                raise inner.error("the proof is not finished", Span(0, 3), hint)
            first = len(words) == 1
            allowed = (first and text == "Proof") or (
                not done and text in (*_PROOF_STEPS, *_PROOF_ENDS)
            )
            if not allowed:
                if sentence.word in STARTS:
                    break
                raise inner.error(
                    f"`{text[:40]}` is not part of a proof here", Span(0, len(text)), hint
                )
        raise excerpt.error(f"the proof of `{example.name.name}` is missing", place, hint)

    def _command(self, command: Any, elaborator: Elaborator) -> None:
        method = getattr(self, "_run_" + type(command).__name__.lower())
        method(command, elaborator)

    def _run_require(self, command: ast.Require, elaborator: Elaborator) -> None:
        require(command, elaborator.excerpt, self.namespace, self.load)

    def _run_import(self, command: ast.Import, elaborator: Elaborator) -> None:
        run_import(command, elaborator.excerpt, self.namespace)

    def _run_openscope(self, command: ast.OpenScope, elaborator: Elaborator) -> None:
        run_open_scope(command, elaborator.excerpt, self.namespace)

    def _run_notation(self, command: ast.Notation, elaborator: Elaborator) -> None:
        target = elaborator.lookup(command.target.name, command.target.span, {})
        assert not isinstance(target, Local | Rigid)
        self.declared.names[command.name.name] = Alias(command.name.name, target)
        self.namespace.visible[command.name.name] = target

    # ---------------------------------------------------------------------------- declaring

    def _declare(self, name: ast.Ident, entity: Entity, elaborator: Elaborator) -> None:
        full = self.prefix + name.name
        if full in self.declared.names:
            raise elaborator.error(
                f"`{full}` is already declared in this file", name.span, "choose another name"
            )
        self.declared.names[full] = entity
        self.namespace.visible[full] = entity
        if self.prelude:
            self.core[full] = entity

    def _check_new(self, name: ast.Ident, elaborator: Elaborator) -> None:
        if self.prefix + name.name in self.declared.names:
            raise elaborator.error(
                f"`{name.name}` is already declared in this file",
                name.span,
                "choose another name",
            )

    def _run_inductive(self, command: ast.Inductive, elaborator: Elaborator) -> None:
        block: list[Inductive] = []
        parameters: list[Rigid] | None = None
        for decl in command.types:
            self._check_new(decl.name, elaborator)
            own = inductive_parameters(decl, elaborator)
            if parameters is None:
                parameters = own
            elif [p.name for p in own] != [p.name for p in parameters]:
                raise elaborator.error(
                    "the types of a mutual Inductive must have the same parameters",
                    decl.name.span,
                    f"write the parameters of `{command.types[0].name.name}`",
                )
            notation = _NOTATIONS.get(decl.name.name, "") if self.prelude else ""
            block.append(Inductive(decl.name.name, parameters, notation, origin=self.source.name))
        env: Env = {p.name: p for p in parameters or []}
        for decl, inductive in zip(command.types, block, strict=True):
            inductive.block = block
            self._declare(decl.name, inductive, elaborator)
        for decl, inductive in zip(command.types, block, strict=True):
            for constructor in decl.constructors:
                self._constructor(constructor, inductive, env, elaborator)
        elaborator.finish()
        for decl, inductive in zip(command.types, block, strict=True):
            for node, constructor_ in zip(decl.constructors, inductive.constructors, strict=True):
                _check_positive(node, constructor_, elaborator)
        for binder in (b for decl in command.types for b in decl.binders if b.type is None):
            _check_inferred(binder, block, elaborator)
        self.declared.types += block

    def _constructor(
        self, decl: ast.ConstructorDecl, inductive: Inductive, env: Env, elaborator: Elaborator
    ) -> None:
        names: list[str] = []
        types: list[Type] = []
        for binder in decl.binders:
            if binder.type is None or binder.implicit or binder.pattern is not None:
                raise elaborator.error(
                    "an argument of a constructor needs its type", binder.span, "write `(x : T)`"
                )
            bound, env = elaborator.bind(binder, env)  # a name hides the type of that name
            names += [local.name for local in bound]
            types += [local.type for local in bound]
        own = inductive.own_type()
        if decl.type is not None:
            more, result = uncurry(elaborator.type_of(decl.type, env))
            if not isinstance(result, Con) or result.inductive is not inductive:
                raise elaborator.error(
                    f"constructor `{decl.name.name}` must build a `{show(own)}`, "
                    f"not a `{show(result)}`",
                    decl.type.span,
                    f"end its type with `{show(own)}`",
                )
            if not regular(result, [inductive]):
                raise elaborator.error(
                    f"constructor `{decl.name.name}` builds a `{show(result)}`",
                    decl.type.span,
                    f"expected `{show(own)}`; indexed types are not in the subset",
                )
            names += ["_"] * len(more)
            types += more
        constructor = Constructor(
            decl.name.name,
            inductive,
            len(inductive.constructors),
            names,
            types,
            [TypeParameter(p, False) for p in inductive.parameters],
        )
        self._declare(decl.name, constructor, elaborator)
        inductive.constructors.append(constructor)

    def _run_definition(self, command: ast.Definition, elaborator: Elaborator) -> None:
        self._check_new(command.name, elaborator)
        if command.type is None and isinstance(command.body, ast.Typed):
            # as in Coq, `Definition f := (e : T)` is `Definition f : T := e`
            command.type, command.body = command.body.type, command.body.term
        if isinstance(command.type, ast.Sort) or elaborator.is_type(command.body, {}):
            synonym = read_synonym(command, elaborator, self.prefix)
            self._declare(command.name, synonym, elaborator)
            return
        function, locals_, env = self._header(
            command.name, command.binders, command.type, elaborator
        )
        if isinstance(command.body, ast.Sort):
            raise elaborator.error(
                f"`{command.body.name}` is not a term", command.body.span, "write a type or a term"
            )
        scope = elaborator.scope_of(function.result)
        body = elaborator.check(command.body, env, function.result, scope)
        elaborator.finish()
        check_fixes(elaborator)
        if not locals_ and isinstance(body, Fix) and body.function.name == command.name.name:
            self._close_fix(function, body)
        else:
            while isinstance(body, Lam):
                locals_.append(body.local)
                body = body.body
            self._close(function, locals_, body)
        self._declare(command.name, function, elaborator)

    def _run_fixpoint(self, command: ast.Fixpoint, elaborator: Elaborator) -> None:
        headers = []
        for decl in command.functions:
            self._check_new(decl.name, elaborator)
            function, locals_, env = self._header(decl.name, decl.binders, decl.type, elaborator)
            if not locals_:
                raise elaborator.error(
                    f"`{decl.name.name}` has no argument to recurse on",
                    decl.name.span,
                    "write Definition, or add an argument before the colon",
                )
            if decl.struct is not None:
                function.struct = struct_index(elaborator, decl, locals_)
            elaborator.scopes_of_arguments(function)
            headers.append((decl, function, locals_, env, elaborator.scope_of(function.result)))
        names = {decl.name.name: function for decl, function, _, _, _ in headers}
        if len(names) < len(headers):
            raise elaborator.error(
                "two functions of this group have the same name",
                command.functions[1].name.span,
                "rename one of them",
            )
        bodies = []
        for decl, function, locals_, env, scope in headers:
            own = {x.name for x in locals_} | {t.rigid.name for t in function.type_parameters}
            visible = {**env, **{n: f for n, f in names.items() if n not in own}}
            bodies.append(elaborator.check(decl.body, visible, function.result, scope))
        elaborator.finish()
        check_fixes(elaborator)
        group = [(f, x, b) for (_, f, x, _, _), b in zip(headers, bodies, strict=True)]
        try:
            structs = guard_group(group)
        except GuardError as error:
            raise elaborator.error(error.message, error.span, error.hint) from None
        for (function, locals_, body), struct in zip(group, structs, strict=True):
            function.struct = struct
            self._close(function, locals_, body)
        for decl, function, _, _, _ in headers:
            function.mutual = [f for f, _, _ in group]
            self._declare(decl.name, function, elaborator)

    def _header(
        self,
        name: ast.Ident,
        binders: list[ast.Binder],
        result: ast.Expr | None,
        elaborator: Elaborator,
    ) -> tuple[Function, list[Local], Env]:
        """Type parameters and arguments of a Definition or Fixpoint."""
        env: Env = {}
        telescope: list[TypeParameter | Type] = []
        locals_: list[Local] = []
        guessed: list[tuple[Rigid, ast.Binder]] = []
        for binder in binders:
            if is_type_parameter(binder):
                rigids = type_parameters(binder, elaborator)
                telescope += [TypeParameter(r, binder.implicit) for r in rigids]
                env = {**env, **{r.name: r for r in rigids}}
                guessed += [(r, binder) for r in rigids if binder.type is None]
                continue
            if binder.implicit:
                raise elaborator.error("only types can be implicit", binder.span, "write `(x : T)`")
            if binder.pattern is not None:
                raise elaborator.error(
                    "patterns cannot be parameters here", binder.span, "use a match"
                )
            bound, env = elaborator.bind(binder, env)
            locals_ += bound
            telescope += [local.type for local in bound]
        kind = (
            elaborator.type_of(result, env)
            if result is not None
            else elaborator.types.fresh(name.span, f"the type of `{name.name}`")
        )
        for rigid, binder in guessed:
            if not rigid.used:
                raise elaborator.error(
                    f"cannot infer what `{rigid.name}` is", binder.span, "write `{A : Type}`"
                )
        function = Function(
            self.prefix + name.name,
            telescope,
            kind,
            name.span,
            elaborator.excerpt,
            origin=self.source.name,
        )
        return function, locals_, env

    def _close(self, function: Function, locals_: list[Local], body: Node) -> None:
        """Give a function its body and the place in its group."""
        function.names = [local.name for local in locals_]
        function.n_args = len(locals_)
        for local in reversed(locals_):
            body = Lam(body.span, local, body)
        function.body = body
        function.defining = False
        self.declared.functions.append(function)

    def _close_fix(self, function: Function, fix: Fix) -> None:
        """`Definition f := fix f x := e` is what Coq makes of a Fixpoint, so it becomes one."""
        fix.function.inline = Global(fix.span, function)
        function.struct = fix.struct
        kept = [t for t in function.telescope if isinstance(t, TypeParameter)]
        types = [p.type for p in fix.parameters]
        _, result = uncurry(function.result)
        rest = uncurry(function.result)[0][len(types) :]
        function.telescope = [*kept, *types]
        function.result = arrows(rest, result)
        function.mutual = [function]
        self._close(function, fix.parameters, fix.body)

    def _run_example(self, command: ast.Example, elaborator: Elaborator) -> None:
        statement = command.statement
        while isinstance(statement, ast.Typed) and statement.type is None:
            statement = statement.term
        if command.binders or isinstance(statement, ast.Forall):
            raise elaborator.error(
                "an Example is about closed terms; `forall` is not in the subset",
                statement.span,
                "write `Example name : e1 = e2.` without variables",
            )
        if not isinstance(statement, ast.Operator) or statement.symbol != "=":
            raise elaborator.error("this is not an equation", statement.span, "expected `e1 = e2`")
        self._check_new(command.name, elaborator)
        kind = elaborator.types.fresh(statement.span, "the type of this equation")
        left = elaborator.check(statement.left, {}, kind)
        right = elaborator.check(statement.right, {}, kind)
        elaborator.finish()
        check_fixes(elaborator)
        check = ExampleCheck(
            command.name.name, left, right, kind, statement.span, elaborator.excerpt
        )
        self.examples.append(check)
        self._declare(command.name, Proof(command.name.name), elaborator)

    def _run_compute(self, command: ast.Compute, elaborator: Elaborator) -> None:
        kind = elaborator.types.fresh(command.term.span, "the type of this term")
        node = elaborator.check(command.term, {}, kind)
        elaborator.finish()
        check_fixes(elaborator)
        self.computations.append(Computation(node, kind, command.term.span, elaborator.excerpt))

    def _run_arguments(self, command: ast.Arguments, elaborator: Elaborator) -> None:
        name = command.function
        entity = elaborator.lookup(name.name, name.span, {})
        if not isinstance(entity, Constructor | Function) or entity.name not in (
            self.declared.names
        ):
            raise elaborator.error(
                f"`{name.name}` is not a constructor or function of this file",
                name.span,
                "Arguments is for what this file declares",
            )
        names = entity.names
        telescope = entity.telescope
        if len(command.arguments) > len(telescope):
            extra = command.arguments[len(telescope)]
            raise elaborator.error(
                f"`{name.name}` has {len(telescope)} arguments", extra.span, "remove the rest"
            )
        values = 0
        for argument, entry in zip(command.arguments, telescope, strict=False):
            if isinstance(entry, TypeParameter):
                own = entry.rigid.name
            else:
                own = names[values] if values < len(names) else "_"
                values += 1
            if argument.implicit and not isinstance(entry, TypeParameter):
                raise elaborator.error(
                    f"only types can be implicit, and `{argument.name}` is a value",
                    argument.span,
                    f"write `{argument.name}`",
                )
            if argument.name not in ("_", own) and own != "_":
                raise elaborator.error(
                    f"argument `{own}` is called `{argument.name}` here",
                    argument.span,
                    f"write `{own}`",
                )
        for argument, entry in zip(command.arguments, telescope, strict=False):
            if isinstance(entry, TypeParameter):
                entry.implicit = argument.implicit


# ------------------------------------------------------------------------------------ helpers


def with_limits(excerpt: Excerpt, span: Span, action: Callable[[], Any]) -> Any:
    """Run an elaboration; whatever outgrows a limit is told as the user's error."""
    try:
        return action()
    except TypeTooLarge:
        raise excerpt.error(
            "the types in this command are too large", span, "split it into several definitions"
        ) from None
    except RecursionError:
        raise excerpt.error(
            "this command is nested too deeply", span, "split it into several definitions"
        ) from None


def elaborate_expression(
    text: str, name: str, namespace: Namespace, core: dict[str, Any], files: Callable[[], Any]
) -> tuple[Node, Type, Excerpt]:
    """Elaborate a bare expression.

    Raises
    ------
    LanguageError
        If it is not a closed, well-typed term.
    """
    source = Source(name, text)
    clean = source.blank_comments()
    stripped = clean.strip(BLANKS)
    if not stripped:
        raise source.error("there is no term here", Span(0, 1), "write a term, such as `S O`")
    start = clean.index(stripped)
    sentence = Sentence("", Span(start, start + len(stripped)), True)
    expr = parse(source, clean, sentence, "expression")
    excerpt = Excerpt(source, start)
    elaborator = Elaborator(excerpt, namespace, core, "", files)

    def run() -> tuple[Node, Type]:
        kind = elaborator.types.fresh(expr.span, "the type of this term")
        node = elaborator.check(expr, {}, kind)
        elaborator.finish()
        check_fixes(elaborator)
        return node, kind

    node, kind = with_limits(excerpt, expr.span, run)
    return node, kind, excerpt


def check_fixes(elaborator: Elaborator) -> None:
    """Find the decreasing argument of every local fix, inner ones first."""
    for fix in elaborator.fixes:
        try:
            fix.struct = guard_fix(fix)
        except GuardError as error:
            raise elaborator.error(error.message, error.span, error.hint) from None


def _head_span(command: Any) -> Span:
    span: Span = command.span
    return Span(span.start, span.start + 1)


def _check_inferred(binder: ast.Binder, block: list[Inductive], elaborator: Elaborator) -> None:
    """Refuse a parameter without `: Type` that is not used outside the types being declared."""
    pending = [t for inductive in block for c in inductive.constructors for t in c.types]
    seen = set()
    while pending:
        kind = resolve(pending.pop())
        if isinstance(kind, Rigid):
            seen.add(kind.name)
        elif isinstance(kind, Arrow):
            pending += [kind.domain, kind.codomain]
        elif isinstance(kind, Con) and kind.inductive not in block:
            pending += kind.arguments
    for name in binder.names:
        if name.name not in seen:
            raise elaborator.error(
                f"cannot infer the type of `{name.name}`",
                name.span,
                f"write `({name.name} : Type)`",
            )


def _check_positive(
    decl: ast.ConstructorDecl, constructor: Constructor, elaborator: Elaborator
) -> None:
    block = constructor.inductive.block
    for kind in constructor.types:
        reason = violation(kind, block)
        if reason:
            raise elaborator.error(
                f"constructor `{constructor.name}` is not strictly positive: "
                f"a type being declared {reason} in `{show(kind)}`",
                decl.span,
                "a type may occur in its constructors only as a result",
            )
        if not regular(kind, block):
            raise elaborator.error(
                f"constructor `{constructor.name}` uses its type at other parameters, "
                f"in `{show(kind)}`",
                decl.span,
                f"expected `{show(constructor.inductive.own_type())}`",
            )
