(* Collatz: whether this ends is not known. *)
From Coq Require Import PeanoNat.
Fixpoint collatz (n : nat) : nat :=
  match n with
  | O | S O => 0
  | S (S m) => S (collatz (if Nat.even m then S (Nat.div2 m) else 3 * n + 1))
  end.
