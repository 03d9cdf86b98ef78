"""What the language benchmark runs: the same functions in Gallina (for us and Coq) and Maude."""

from __future__ import annotations

# Sizes come in as arguments that nobody computes ahead; results are small, so reading them back
# costs nothing.
GALLINA = """
Require Import List. Import ListNotations.
Fixpoint add (n m : nat) : nat := match n with O => m | S p => S (add p m) end.
Fixpoint mul (n m : nat) : nat := match n with O => O | S p => add m (mul p m) end.
Fixpoint leb (n m : nat) : bool :=
  match n, m with O, _ => true | S n', O => false | S n', S m' => leb n' m' end.
Fixpoint insert (x : nat) (l : list nat) : list nat :=
  match l with [] => [x] | y :: t => if leb x y then x :: l else y :: insert x t end.
Fixpoint sort (l : list nat) : list nat :=
  match l with [] => [] | x :: t => insert x (sort t) end.
Fixpoint cycle (n a k : nat) : list nat :=
  match n with
  | O => []
  | S m => match a with O => O :: cycle m k k | S b => a :: cycle m b k end
  end.
Definition first (l : list nat) : nat := match l with [] => O | x :: _ => x end.
Fixpoint ack (m : nat) : nat -> nat :=
  fix go (n : nat) : nat :=
    match m with
    | O => S n
    | S p => match n with O => ack p 1 | S q => ack p (go q) end
    end.
Inductive tree : Set := leaf : tree | node : tree -> bool -> tree -> tree.
Fixpoint full (n : nat) : tree :=
  match n with O => leaf | S m => node (full m) true (full m) end.
Fixpoint max (n m : nat) : nat :=
  match n with O => m | S n' => match m with O => n | S m' => S (max n' m') end end.
Fixpoint height (t : tree) : nat :=
  match t with leaf => O | node l _ r => S (max (height l) (height r)) end.
Fixpoint mirror (t : tree) : tree :=
  match t with leaf => leaf | node l x r => node (mirror r) x (mirror l) end.
"""

# Evaluated by us and by Coq's vm_compute; trees of 2^20 - 1 nodes.
EVALUATED = {
    "eval-ackermann": "leb 1 (ack 3 8)",
    "eval-sort": "first (sort (cycle 2000 31 31))",
    "eval-fold": "height (full 20)",
    "eval-mirror": "height (mirror (full 20))",
}

MAUDE = """fmod BENCH is
  sorts Nat Bool2 List .
  op O : -> Nat [ctor] . op S : Nat -> Nat [ctor] .
  ops true false : -> Bool2 [ctor] .
  op nil : -> List [ctor] . op cons : Nat List -> List [ctor] .
  ops add mul : Nat Nat -> Nat . op leb : Nat Nat -> Bool2 .
  op insert : Nat List -> List . op choose : Bool2 Nat Nat List -> List . op sort : List -> List .
  op cycle : Nat Nat Nat -> List . op first : List -> Nat .
  vars A B M : Nat . var L : List .
  eq add(O, B) = B . eq add(S(A), B) = S(add(A, B)) .
  eq mul(O, B) = O . eq mul(S(A), B) = add(B, mul(A, B)) .
  eq leb(O, B) = true . eq leb(S(A), O) = false . eq leb(S(A), S(B)) = leb(A, B) .
  eq insert(A, nil) = cons(A, nil) .
  eq insert(A, cons(B, L)) = choose(leb(A, B), A, B, L) .
  eq choose(true, A, B, L) = cons(A, cons(B, L)) .
  eq choose(false, A, B, L) = cons(B, insert(A, L)) .
  eq sort(nil) = nil . eq sort(cons(A, L)) = insert(A, sort(L)) .
  eq cycle(O, A, M) = nil .
  eq cycle(S(B), O, M) = cons(O, cycle(B, M, M)) .
  eq cycle(S(B), S(A), M) = cons(S(A), cycle(B, A, M)) .
  eq first(nil) = O . eq first(cons(A, L)) = A .
endfm"""

# Reduced step by step by us and by Maude: Gallina, Maude; n stands for a number.
REDUCED = {
    "steps-mul": ("mul 150 150", "mul(n150, n150)"),
    "steps-sort": ("first (sort (cycle 300 7 7))", "first(sort(cycle(n300, n7, n7)))"),
}
