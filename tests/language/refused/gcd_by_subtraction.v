(* Euclid's algorithm by subtraction: the difference is smaller, but found by a function. *)
From Coq Require Import PeanoNat.
Fixpoint gcd (n m : nat) : nat :=
  match n, m with
  | O, _ => m
  | _, O => n
  | S n', S m' => if n <=? m then gcd n (m - n) else gcd (n - m) m
  end.
