(* Subtrees of a reversed list: they are subtrees, but come from a function. *)
From Coq Require Import List.
Import ListNotations.
Inductive rose : Set := rose_node : nat -> list rose -> rose.
Fixpoint preorder (t : rose) : list nat :=
  match t with
  | rose_node x ts =>
      match rev ts with
      | [] => [x]
      | u :: _ => x :: preorder u
      end
  end.
