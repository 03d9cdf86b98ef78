(* A traversal that visits the whole tree again instead of its left subtree. *)
From Coq Require Import List.
Import ListNotations.
Inductive tree : Set := leaf : tree | node : tree -> nat -> tree -> tree.
Fixpoint inorder (t : tree) : list nat :=
  match t with
  | leaf => []
  | node l x r => inorder t ++ x :: inorder r
  end.
