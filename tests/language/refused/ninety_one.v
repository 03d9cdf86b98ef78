(* McCarthy's 91 function: the argument grows, and is a call itself. *)
From Coq Require Import PeanoNat.
Fixpoint ninety_one (n : nat) : nat :=
  if n <=? 100 then ninety_one (ninety_one (n + 11)) else n - 10.
