"""Tables of words: what Coq has and this subset refuses, with what to write instead."""

from __future__ import annotations

__all__ = [
    "COQ_CONSTRUCTORS",
    "MODULES",
    "REFUSED_COMMANDS",
    "REFUSED_TOKENS",
    "TERMINALS",
]

_PROOF = (
    "is a proof; only `Example name : e1 = e2. Proof. reflexivity. Qed.` is in the subset",
    "write the statement as an Example over closed terms",
)
_NO_MODULES = ("modules and sections are not in the subset", "write `(A : Type)` parameters out")

# Command -> (message, what to write instead).
REFUSED_COMMANDS = {
    **{
        word: (f"`{word}` {_PROOF[0]}", _PROOF[1])
        for word in "Theorem Lemma Corollary Proposition Fact Remark Property Goal".split()
    },
    **{
        word: (f"`{word}` is refused: {_NO_MODULES[0]}", _NO_MODULES[1])
        for word in "Section Module End Variable Variables Context Hypothesis Include".split()
    },
    **{
        word: (f"`{word}` is refused: axioms do not compute", "give a Definition")
        for word in "Axiom Axioms Parameter Parameters Conjecture Hypotheses".split()
    },
    **{
        word: (f"`{word}` is refused: infinite values are not in the subset", "write Inductive")
        for word in ("CoInductive",)
    },
    **{
        word: (f"`{word}` is refused: new notations are not in the subset", "write the name out")
        for word in "Notation Infix Reserved Declare Delimit Bind Tactic Ltac Number".split()
    },
    **{
        word: (f"`{word}` is refused: it prints and defines nothing", "remove it, or use Compute")
        for word in "Check Print About Search Locate Eval Show Time Fail Timeout".split()
    },
    **{
        word: (f"`{word}` is refused: universes are not in the subset", "remove it")
        for word in "Universe Universes Constraint Polymorphic Monomorphic Cumulative".split()
    },
    "CoFixpoint": (
        "`CoFixpoint` is refused: infinite values are not in the subset",
        "write a Fixpoint that decreases on an inductive argument",
    ),
    "Program": (
        "`Program` is refused: termination proofs are not in the subset",
        "write a Fixpoint that decreases structurally, or give it fuel of type nat",
    ),
    "Function": (
        "`Function` is refused: termination proofs are not in the subset",
        "write a Fixpoint that decreases structurally, or give it fuel of type nat",
    ),
    "Equations": ("`Equations` is a plug-in and not in the subset", "write a Fixpoint"),
    "Record": (
        "`Record` is not in the subset",
        "write an Inductive with one constructor, and a function for each field",
    ),
    "Structure": (
        "`Structure` is not in the subset",
        "write an Inductive with one constructor, and a function for each field",
    ),
    "Variant": ("`Variant` is not in the subset", "write Inductive"),
    "Class": ("`Class` is refused: type classes are not in the subset", "pass the function"),
    "Instance": ("`Instance` is refused: type classes are not in the subset", "pass the function"),
    "Canonical": ("`Canonical` is not in the subset", "remove it"),
    "Coercion": ("`Coercion` is not in the subset", "write the function out"),
    "Let": ("`Let` is not in the subset", "write Definition"),
    "Scheme": ("`Scheme` is not in the subset", "write a Fixpoint"),
    "Export": ("`Export` is not in the subset", "write Import"),
    "Set": ("options are not in the subset", "remove `Set`; use `Arguments f {A}` for implicits"),
    "Unset": ("options are not in the subset", "remove it"),
    "Generalizable": ("`Generalizable` is not in the subset", "write `{A : Type}`"),
    "Implicit": ("`Implicit Types` is not in the subset", "write the type at each binder"),
    "Local": ("`Local` is not in the subset", "write the command without it"),
    "Global": ("`Global` is not in the subset", "write the command without it"),
    "Close": ("`Close Scope` is not in the subset", "remove it"),
    "Hint": ("`Hint` is not in the subset", "remove it"),
    "Opaque": ("`Opaque` is not in the subset", "remove it"),
    "Transparent": ("`Transparent` is not in the subset", "remove it"),
    "Extraction": ("`Extraction` is not in the subset", "remove it"),
    "Proof": ("`Proof` without an Example before it", "write an Example first"),
    "Qed": ("`Qed` without a proof before it", "remove it"),
    "Defined": ("`Defined` without a proof before it", "remove it"),
    "Admitted": (
        "`Admitted` is refused: nothing would be checked",
        "write Proof. reflexivity. Qed.",
    ),
    "reflexivity": ("`reflexivity` without an Example before it", "write an Example first"),
}

# Token found where the grammar has no place for it -> (message, what to write instead).
REFUSED_TOKENS = {
    "cofix": ("`cofix` is refused: infinite values are not in the subset", "write fix"),
    "exists": ("`exists` is a proposition", "write a function to bool"),
    "return": (
        "the `return` clause of a match is not in the subset",
        "remove it; every branch must have the same type",
    ),
    "where": ("`where` notations are not in the subset", "write the function's name out"),
    "<": ("`<` is a proposition, not a test", "write `<?`"),
    "<=": ("`<=` is a proposition, not a test", "write `<=?`"),
    ">": ("`>` is a proposition, not a test", "write `<?` with the sides exchanged"),
    ">=": ("`>=` is a proposition, not a test", "write `<=?` with the sides exchanged"),
    "<>": ("`<>` is a proposition, not a test", "write `negb (a =? b)`"),
    "?=": ("the notation `?=` is not in the subset", "write `Nat.compare a b`"),
    ">?": ("Coq has no notation `>?` for nat", "write `<?` with the sides exchanged"),
    ">=?": ("Coq has no notation `>=?` for nat", "write `<=?` with the sides exchanged"),
    "^": ("the notation `^` is not in the subset", "write `Nat.pow a b`"),
    "/": ("the notation `/` is not in the subset", "write `Nat.div a b`"),
    "/\\": ("`/\\` is a proposition, not a test", "write `&&` or andb"),
    "\\/": ("`\\/` is a proposition, not a test", "write `||` or orb"),
    "~": ("`~` is a proposition, not a test", "write negb"),
    "!": ("`!` is not in the subset", "remove it"),
    '"': ("strings are not in the subset", "use a list over an inductive type of letters"),
    "{|": ("record notation is not in the subset", "apply the constructor"),
    "<-": ("`<-` is not in the subset", "write let or match"),
    "#": ("attributes are not in the subset", "remove it"),
    "$": ("tactics in terms are not in the subset", "write the term out"),
    "`": ("generalised binders are not in the subset", "write `{A : Type}`"),
}

# Terminal of the grammar -> how a message calls it.
TERMINALS = {
    "$END": "the final dot",
    "IDENT": "a name",
    "QUALIFIED": "a name",
    "NUMBER": "a number",
    "HOLE": "`_`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "LBRACKET": "`[`",
    "RBRACKET": "`]`",
    "QUOTE": "`'`",
    "AT": "`@`",
    "BAR": "`|`",
    "COLON": "`:`",
    "COLONEQUAL": "`:=`",
    "__ANON_0": "`:=`",
    "__ANON_1": "`=>`",
    "COMMA": "`,`",
    "SEMICOLON": "`;`",
    "ARROW": "`->`",
    "EQUAL": "`=`",
    "RELATION": "`=?`",
    "CONS": "`::`",
    "APPEND": "`++`",
    "SUM": "`+`",
    "PRODUCT": "`*`",
    "SCOPE": "`%`",
    "SORT": "`Type`",
    "SCOPE_WORD": "`Scope`",
    "STRUCT": "`struct`",
    **{
        word: f"`{word.lower()}`"
        for word in "IN THEN ELSE WITH AS FUN FORALL LET IF FIX MATCH END ONLY PARSING".split()
    },
    **{
        word: f"`{word.title()}`"
        for word in (
            "INDUCTIVE FIXPOINT DEFINITION EXAMPLE COMPUTE FROM REQUIRE IMPORT EXPORT OPEN "
            "ARGUMENTS NOTATION"
        ).split()
    },
}

# Constructors that Coq's initial library has and the prelude lacks: Coq reads them as
# constructors in a pattern, so they cannot be pattern variables.
COQ_CONSTRUCTORS = frozenset(
    (
        "I conj or_introl or_intror ex_intro ex_intro2 eq_refl inhabits intro_unique left right "
        "inleft inright exist exist2 existT existT2 le_n le_S Acc_intro is_eq_true BoolSpecT "
        "BoolSpecF CompEq CompLt CompGt CompEqT CompLtT CompGtT pointwise Build_unit "
        "iff_refl BoolSpec JMeq_refl"
    ).split()
)

# Coq module -> (prelude files it loads, scopes it opens, notations it brings, names it imports).
MODULES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "List": (("Bool", "List"), ("list_scope",), (), ("List",)),
    "Bool": (("Bool",), ("bool_scope",), (), ("Bool",)),
    "Nat": ((), (), ("=?",), ("Nat",)),
    "PeanoNat": (("Bool",), (), ("=?",), ()),
    "Arith": (("Bool",), (), ("=?",), ()),
    "BinNums": (("BinNums",), (), (), ("BinNums",)),
    "PArith": (("BinNums", "PArith"), (), (), ("BinNums", "PArith")),
    "BinPos": (("BinNums", "PArith"), (), (), ("BinNums", "PArith")),
    "Datatypes": ((), (), (), ()),
}
