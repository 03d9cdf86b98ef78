(* Division by repeated subtraction: by zero it would not end. *)
From Coq Require Import PeanoNat.
Fixpoint quotient (n m : nat) : nat :=
  if m <=? n then S (quotient (n - m) m) else 0.
