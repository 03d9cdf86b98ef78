(* A rose tree whose inner recursion calls on the whole tree again. *)
From Coq Require Import List.
Inductive rose : Set := rose_node : list rose -> rose.
Fixpoint size (t : rose) : nat :=
  match t with
  | rose_node ts => S (list_sum (map (fun u : rose => size t) ts))
  end.
