(* Quicksort: the parts of a partition are shorter, but not part of the list. *)
From Coq Require Import List PeanoNat.
Import ListNotations.
Fixpoint quicksort (l : list nat) : list nat :=
  match l with
  | [] => []
  | x :: rest =>
      quicksort (filter (fun y => y <? x) rest) ++
      x :: quicksort (filter (fun y => x <=? y) rest)
  end.
