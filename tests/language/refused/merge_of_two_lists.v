(* Merge as one recursion: in turn one list decreases and the other does. *)
From Coq Require Import List PeanoNat.
Import ListNotations.
Fixpoint merge (l m : list nat) : list nat :=
  match l, m with
  | [], _ => m
  | _, [] => l
  | x :: l', y :: m' => if x <=? y then x :: merge l' m else y :: merge l m'
  end.
