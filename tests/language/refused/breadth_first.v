(* Level order by a queue: trees leave it and their subtrees come in. *)
From Coq Require Import List.
Import ListNotations.
Inductive tree : Set := leaf : tree | node : tree -> nat -> tree -> tree.
Fixpoint breadth_first (queue : list tree) : list nat :=
  match queue with
  | [] => []
  | leaf :: rest => breadth_first rest
  | node l x r :: rest => x :: breadth_first (rest ++ [l; r])
  end.
