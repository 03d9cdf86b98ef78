(* A rewriting system run until no rule applies: nothing says that it ends. *)
From Coq Require Import List.
Import ListNotations.
Inductive letter : Set := a | b.
Fixpoint step (l : list letter) : option (list letter) :=
  match l with
  | b :: a :: rest => Some (a :: b :: rest)
  | x :: rest => match step rest with Some m => Some (x :: m) | None => None end
  | [] => None
  end.
Fixpoint normalize (l : list letter) : list letter :=
  match step l with
  | Some m => normalize m
  | None => l
  end.
