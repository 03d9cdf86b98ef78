(* Merge sort: each half of a list is shorter, but not part of the list. *)
From Coq Require Import List.
Import ListNotations.
Fixpoint deal (l : list nat) : list nat * list nat :=
  match l with
  | [] => ([], [])
  | x :: l' => let (evens, odds) := deal l' in (x :: odds, evens)
  end.
Fixpoint sort (l : list nat) : list nat :=
  match l with
  | [] => []
  | [x] => [x]
  | _ => let (evens, odds) := deal l in sort evens ++ sort odds
  end.
