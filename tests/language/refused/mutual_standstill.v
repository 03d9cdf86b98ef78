(* Even and odd hand the same number to and fro. *)
Fixpoint even (n : nat) : bool :=
  match n with
  | O => true
  | S m => odd m
  end
with odd (n : nat) : bool := negb (even n).
