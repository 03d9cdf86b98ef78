(* The rebuilt argument is as small as what the match binds, but no match binds it. *)
Fixpoint half (n : nat) : nat :=
  match n with
  | S (S m) => S (half (S m))
  | S O | O => O
  end.
