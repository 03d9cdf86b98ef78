(* The smallest square root, upwards: no argument gets smaller. *)
From Coq Require Import PeanoNat.
Fixpoint root_from (n r : nat) : nat :=
  match n with
  | O => r
  | S _ => if n <=? r * r then r else root_from n (S r)
  end.
